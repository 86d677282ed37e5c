# SPDX-License-Identifier: GPL-2.0-only
# guestmode: what a user calls. `make help` lists it.
#
# The driver is built by the kernel's build system (Kbuild, scripts/modules), the programs by the
# Makefiles of their folders; here is only what belongs to whom.

override BUILD := $(abspath $(if $(strip $(BUILD)),$(BUILD),build))
export BUILD

# Supported host kernels, as series of Debian's. KERNEL=... picks one of them.
# "debug" is 6.1 with KASAN, lockdep and more: built from source, so only when it is asked for.
KERNELS := 6.1 6.12
BUILD_KERNELS := $(or $(and $(filter command,$(origin KERNEL)),$(KERNEL)),$(KERNELS))
KERNEL ?= 6.1

CPU ?= svm
EMULATOR ?=
MODEL ?=
MODULE_ARGS ?=
STOCK ?=
CPUS ?= 2
MEMORY ?= 512M
APPEND ?=
CMD ?=
HOST ?=

# Words of the user's, for the scripts to read from the environment exactly as typed: make would
# expand $(nproc) in them. A simply expanded variable is not looked into again.
override CMD := $(value CMD)
override APPEND := $(value APPEND)
override MODULE_ARGS := $(value MODULE_ARGS)
export CPU EMULATOR KERNEL MODEL MODULE_ARGS STOCK CPUS MEMORY APPEND CMD HOST

# The packages of the emulated host (scripts/need).
NEED_RIG := rig-$(or $(EMULATOR),$(if $(filter vmx,$(CPU)),bochs,qemu))

# V=1 shows commands.
QUIET := --no-print-directory $(if $(V),,-s)

# Passed on to the kernel's build system.
KBUILD_WORDS := $(foreach v,W C V,$(if $($(v)),$(v)=$($(v))))

TEST_FOLDERS := $(patsubst tests/%/Makefile,%,$(wildcard $(addprefix tests/,$(addsuffix /Makefile,unit abi api guest hostile sleep bench))))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all modules vmm tests run check check-all lint mutants bench fuzz kernels install install-modules install-vmm
.PHONY: dkms uninstall clean distclean help

help:
	@scripts/help

all: modules vmm

# The kernels of the emulated hosts; KVER=RELEASE builds for an installed kernel instead.
modules: $(if $(KVER),module-for-$(KVER),$(addprefix module-for-,$(BUILD_KERNELS)))

.PHONY: $(addprefix module-for-,$(KERNELS) debug $(KVER))
$(addprefix module-for-,$(KERNELS) debug): module-for-%: $(BUILD)/kernel/%/release
	@scripts/need build headers:$*
	@scripts/modules $* $(KBUILD_WORDS)

ifneq ($(KVER),)
module-for-$(KVER):
	@scripts/need build
	@scripts/modules $(KVER) $(KBUILD_WORDS)
endif

kernels: $(addprefix $(BUILD)/kernel/,$(addsuffix /release,$(KERNELS)))

$(BUILD)/kernel/%/release:
	@scripts/need fetch $(filter debug-kernel,$*-kernel)
	@scripts/kernel $*

$(BUILD)/kernel/debug/release: scripts/debug.config

vmm:
	@scripts/need build
	@$(MAKE) $(QUIET) -C tools/vmm BUILD=$(BUILD)

tests: $(addprefix tests-,$(TEST_FOLDERS))

.PHONY: $(addprefix tests-,$(TEST_FOLDERS))
$(addprefix tests-,$(TEST_FOLDERS)): tests-%:
	@scripts/need build check
	@$(MAKE) $(QUIET) -C tests/$* BUILD=$(BUILD)

# What is built on the way is told on stderr: stdout belongs to the guest.
run:
	@scripts/need build fetch $(NEED_RIG) $(if $(STOCK)$(HOST),,headers:$(KERNEL))
	@$(MAKE) --no-print-directory vmm $(if $(STOCK)$(HOST),,module-for-$(KERNEL)) >&2
	@scripts/run

# Everything that is missing is named at once, before anything is built.
NEED_CHECK := build fetch rig-qemu rig-bochs check debug-kernel dkms selftests $(addprefix headers:,$(KERNELS)) \
	$(addprefix oldest-headers:,$(KERNELS))

check:
	@scripts/need $(NEED_CHECK)
	@$(MAKE) --no-print-directory all module-for-debug tests KERNEL=
	@tests/selftests/build
	@scripts/check

# For hours; goes on where it was. STEPS="kill-6.1 fuzz" picks some.
check-all:
	@scripts/need $(NEED_CHECK) fuzz
	@$(MAKE) --no-print-directory all module-for-debug tests KERNEL=
	@scripts/check-all $(STEPS)

lint:
	@scripts/need $(NEED_CHECK)
	@$(MAKE) --no-print-directory modules KERNEL=
	@scripts/check lint

mutants:
	@scripts/need $(NEED_CHECK)
	@$(MAKE) --no-print-directory all module-for-debug tests KERNEL=
	@scripts/mutants

bench: module-for-$(KERNEL)
	@scripts/need build $(NEED_RIG)
	@$(MAKE) --no-print-directory -C tests/bench BUILD=$(BUILD)
	@scripts/bench

# Each parser of the monitor's for SECONDS (60).
fuzz:
	@scripts/need fuzz
	@$(MAKE) $(QUIET) -C tests/fuzz BUILD=$(BUILD) run

# KVER, DESTDIR, prefix, MODULE_SIGN_KEY, MODULE_SIGN_CERT reach the script through the environment.
export KVER DESTDIR prefix MODULE_SIGN_KEY MODULE_SIGN_CERT

install: install-modules install-vmm

install-modules:
	@scripts/need build
	@scripts/modules $(or $(KVER),$(shell uname -r)) $(KBUILD_WORDS)
	@scripts/install modules

install-vmm: vmm
	@scripts/install vmm

dkms:
	@scripts/need dkms
	@scripts/install dkms

uninstall:
	@scripts/install uninstall

# By name: BUILD may be a folder that holds more than ours.
BUILT := apt.log initrd lint log modules mutants obj rig tests vmm
FETCHED := busybox cache kernel selftests

clean:
	rm -rf $(addprefix $(BUILD)/,$(BUILT))

distclean: clean
	rm -rf $(addprefix $(BUILD)/,$(FETCHED))
	-rmdir $(BUILD)
