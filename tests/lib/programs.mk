# SPDX-License-Identifier: GPL-2.0-only
#
# For the Makefiles of tests that are programs on /dev/kvm: $(call programs,FOLDER,NAMES) builds
# $(BUILD)/tests/FOLDER/NAME from NAME.c and the helpers in tests/lib.

TOP := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/../..)
BUILD ?= $(TOP)/build
CC ?= gcc
SANITIZE ?=
TEST_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -pthread $(SANITIZE) \
	-I$(TOP)/include/uapi -I$(TOP)/arch/x86/include/uapi -I$(TOP)/tests/lib

lib_sources := $(wildcard $(TOP)/tests/lib/*.c)
lib_objects := $(patsubst $(TOP)/tests/lib/%.c,$(BUILD)/obj/tests/lib/%.o,$(lib_sources))

.PHONY: all clean
.SECONDARY:
.DEFAULT_GOAL := all

$(BUILD)/obj/tests/lib/%.o: $(TOP)/tests/lib/%.c
	@mkdir -p $(@D)
	$(CC) $(TEST_CFLAGS) -MMD -MP -c -o $@ $<

# An archive: who has no guest's image doesn't get guest.o, which wants one.
lib := $(BUILD)/obj/tests/lib/lib.a
$(lib): $(lib_objects)
	rm -f $@
	ar rc $@ $^

-include $(lib_objects:.o=.d)

define programs
$(eval
all: $(2:%=$(BUILD)/tests/$(1)/%)

$(BUILD)/obj/tests/$(1)/%.o: %.c
	@mkdir -p $$(@D)
	$$(CC) $$(TEST_CFLAGS) -MMD -MP -c -o $$@ $$<

$(BUILD)/tests/$(1)/%: $(BUILD)/obj/tests/$(1)/%.o $(lib)
	@mkdir -p $$(@D)
	$$(CC) $$(TEST_CFLAGS) -o $$@ $$^

clean:
	rm -rf $(BUILD)/tests/$(1) $(BUILD)/obj/tests/$(1) $(BUILD)/obj/tests/lib

-include $(2:%=$(BUILD)/obj/tests/$(1)/%.d)
)
endef
