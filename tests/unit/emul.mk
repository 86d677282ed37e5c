# SPDX-License-Identifier: GPL-2.0-only
# The instruction emulator.

emul-srcs := $(filter-out %/glue.c,$(wildcard $(TOP)/arch/x86/kvm/emul/*.c)) emul_world.c

progs += emul_diff
emul_diff-srcs := emul_diff.c emul_cpu.c $(emul-srcs)
