/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's own CPU as a judge: runs single instructions in a child process that has nothing
 * mapped but the pages below, and may make no system call.
 */
#ifndef _EMUL_CPU_H
#define _EMUL_CPU_H

#include <linux/types.h>

/* The child's pages. Each range is followed and preceded by unmapped ones. */
#define CPU_CODE	0x10000000ul	/* 1 page, read, execute */
#define CPU_DATA	0x20000000ul	/* 2 pages, read, write */
#define CPU_STACK	0x30000000ul	/* 1 page, read, write */
#define CPU_CONST	0x40000000ul	/* 1 page, read */
#define CPU_PAGE	4096ul
#define CPU_CODE_SIZE	CPU_PAGE
#define CPU_DATA_SIZE	(2 * CPU_PAGE)
#define CPU_STACK_SIZE	CPU_PAGE
#define CPU_CONST_SIZE	CPU_PAGE

/* Registers numbered as ModRM does. */
struct cpu_state {
	u64 gpr[16];
	u64 rip;
	u64 rflags;
	u64 fs_base, gs_base;
	u16 es, cs, ss, ds, fs, gs;
	bool use_vec;		/* xmm is to be loaded, and read back */
	u8 xmm[16][16];
};

struct cpu_fault {
	int sig;		/* 0: the instruction completed */
	int code;		/* si_code */
	u64 addr;		/* si_addr */
};

struct cpu {
	int pid;
	int fd;
	u8 *code, *data, *stack, *constant;	/* our view of its pages */
	bool has_32;		/* 32-bit code can be stepped */
	u64 lost_flags;		/* of CPU_FLAGS_PROBED: what a step does not bring back */
	char why_not[128];	/* cpu_start() failed: why */
};

/* Flags that a kernel in between may keep to itself: NT, AC and ID. */
#define CPU_FLAGS_PROBED	0x244000u

/**
 * cpu_start - make the child, and see what it can be asked
 * @cpu: out
 *
 * Some machines (containers with a kernel of their own, say) step a child, but not as the processor
 * would. So instructions of known results run first.
 * Return: false if this machine can't do it; @cpu->why_not says what was missing.
 */
bool cpu_start(struct cpu *cpu);
void cpu_stop(struct cpu *cpu);

/**
 * cpu_step - run one instruction
 * @cpu: cpu
 * @state: registers before and after
 * @fault: out
 *
 * A REP string instruction does one iteration.
 * Return: false if the child died (it is started anew).
 */
bool cpu_step(struct cpu *cpu, struct cpu_state *state, struct cpu_fault *fault);

/* Selectors of user code in a Linux process. */
#define CPU_CS64	0x33
#define CPU_CS32	0x23
#define CPU_SS		0x2b

/* Is it an AMD (or Hygon) CPU? */
bool cpu_is_amd(void);

#endif
