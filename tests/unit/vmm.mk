# SPDX-License-Identifier: GPL-2.0-only
# The virtual machine monitor. It is a program of userspace: built with the system's headers, not
# with the shim, so by rules of its own.

vmm-dir := $(TOP)/tools/vmm
vmm-sources := $(shell $(MAKE) -s --no-print-directory -C $(vmm-dir) BUILD=$(BUILD) sources)
vmm-lib := $(filter-out main.c,$(vmm-sources))
vmm-tests := vmm_boot vmm_bus vmm_console vmm_cpuid vmm_options vmm_rtc vmm_serial
vmm-out := $(OUT)/vmm.d
vmm-uapi := $(wildcard $(TOP)/include/uapi $(TOP)/arch/x86/include/uapi)

VMM_UNIT_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -fno-omit-frame-pointer $(SANITIZE) -pthread \
	-DVMM_VERSION='"test"' $(vmm-uapi:%=-I%) -iquote $(vmm-dir)

extra += $(addprefix $(OUT)/,$(vmm-tests)) $(OUT)/vmm_cli

$(vmm-out)/%.o: $(vmm-dir)/%.c vmm.mk
	@mkdir -p $(@D)
	@echo "  CC      vmm.d: $*.c"
	@$(CC) $(VMM_UNIT_CFLAGS) -MMD -MP -c -o $@ $<

$(vmm-tests:%=$(vmm-out)/%.o): $(vmm-out)/%.o: %.c vmm.mk
	@mkdir -p $(@D)
	@echo "  CC      $*: $*.c"
	@$(CC) $(VMM_UNIT_CFLAGS) -I. -MMD -MP -c -o $@ $<

$(vmm-tests:%=$(OUT)/%): $(OUT)/%: $(vmm-out)/%.o $(vmm-lib:%.c=$(vmm-out)/%.o)
	@echo "  LD      $*"
	@$(CC) $(VMM_UNIT_CFLAGS) -o $@ $^

# The whole program with sanitizers, and what is tested from outside.
$(vmm-out)/vmm: $(vmm-sources:%.c=$(vmm-out)/%.o)
	@echo "  LD      vmm.d/vmm"
	@$(CC) $(VMM_UNIT_CFLAGS) -o $@ $^

$(OUT)/vmm_cli: vmm_cli.sh $(vmm-out)/vmm
	@sed -e 's|@VMM@|$(abspath $(vmm-out)/vmm)|' -e 's|@TOP@|$(abspath $(TOP))|' $< >$@
	@chmod +x $@

.PHONY: vmm-check
vmm-check: $(addprefix $(OUT)/,$(vmm-tests)) $(OUT)/vmm_cli
	prove $(PROVE_FLAGS) --exec '' $^

-include $(wildcard $(vmm-out)/*.d $(vmm-out)/*/*.d)
