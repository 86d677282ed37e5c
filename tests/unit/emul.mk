# SPDX-License-Identifier: GPL-2.0-only
# The instruction emulator.

emul-srcs := $(filter-out %/glue.c %/glue_io.c %/glue_event.c,$(wildcard $(TOP)/arch/x86/kvm/emul/*.c)) emul_world.c

emul-cpu-srcs := emul_cpu.c emul_cpu_features.c emul_cpu_child.S $(emul-srcs)

# Against the CPU: the fuzzer of tests/fuzz/emul for a short while.
progs += emul_diff
emul_diff-srcs := $(filter-out %/guided.c,$(wildcard ../fuzz/emul/*.c)) $(emul-cpu-srcs)

# Lengths: against objdump (a corpus, and random instructions at run time) and the CPU.
progs += emul_len
emul_len-srcs := emul_len.c $(emul-cpu-srcs)
extra += $(foreach b,64 32 16,$(OUT)/emul_corpus$(b).lst)

$(OUT)/emul_corpus%.lst: emul_corpus.S
	@mkdir -p $(@D)
	@echo "  GEN     $(@F)"
	@$(CC) -DBITS=$* -m$(if $(filter 64,$*),64,32) -c -o $(@:.lst=.o) $<
	@objdump -d -w --insn-width=16 -M $(if $(filter 16,$*),i8086,intel) $(@:.lst=.o) > $@

# Privileged and real-mode instructions, device accesses, fetch.
progs += emul_sys
emul_sys-srcs := emul_sys.c $(emul-srcs)

# Fast system calls, bases of FS and GS, and what else a process can't compare.
progs += emul_syscall
emul_syscall-srcs := emul_syscall.c $(emul-srcs)

# Gates, interrupts, returns: the manual's pseudo code in rows.
progs += emul_gate
emul_gate-srcs := emul_gate.c $(emul-srcs)

progs += emul_task
emul_task-srcs := emul_task.c $(emul-srcs)

# Random input for all that an instruction can see.
progs += emul_fuzz
emul_fuzz-srcs := emul_fuzz.c $(emul-srcs)

# What differed from the CPU once.
progs += emul_found
emul_found-srcs := emul_found.c $(emul-srcs)
