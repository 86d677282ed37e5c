/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's own CPU as a judge: a child process runs single instructions, as many as are in a
 * batch without being asked again. It has nothing mapped in reach of a 32-bit address but the pages
 * below, little beyond (at two addresses), and may make no system call.
 *
 * The child steps itself: it enters a test's state by IRET with TF set, and the signal that ends
 * the instruction brings it back (emul_cpu_child.S). ptrace would cost five system calls and two
 * context switches each time.
 */
#ifndef _EMUL_CPU_H
#define _EMUL_CPU_H

/* The child's pages, in 32-bit reach. What isn't named is unmapped. */
#define CPU_PAGE	4096
#define CPU_CODE	0x10000000	/* 1 page, read, execute */
#define CPU_CODE_SIZE	CPU_PAGE
#define CPU_DATA	0x20000000	/* 2 pages, read, write */
#define CPU_DATA_SIZE	(2 * CPU_PAGE)
#define CPU_CONST	(CPU_DATA + CPU_DATA_SIZE)	/* 1 page, read */
#define CPU_CONST_SIZE	CPU_PAGE
#define CPU_STACK	0x30000000	/* 1 page, read, write */
#define CPU_STACK_SIZE	CPU_PAGE

/* The same pages as one image, those that can be written first. */
#define CPU_IMAGE_DATA		0
#define CPU_IMAGE_STACK		(CPU_IMAGE_DATA + CPU_DATA_SIZE)
#define CPU_IMAGE_WRITABLE	(CPU_IMAGE_STACK + CPU_STACK_SIZE)
#define CPU_IMAGE_CODE		CPU_IMAGE_WRITABLE
#define CPU_IMAGE_CONST		(CPU_IMAGE_CODE + CPU_CODE_SIZE)
#define CPU_IMAGE_END		(CPU_IMAGE_CONST + CPU_CONST_SIZE)
#define CPU_IMAGE_SIZE		(CPU_IMAGE_END + CPU_PAGE)	/* a patch may reach over the end */

/* The child's own memory. */
#define CPU_OWN_CODE	0x2a5a00000000
#define CPU_OWN_MEM	0x2a5a00010000
#define CPU_OWN_IMAGE	0
#define CPU_OWN_PRISTINE (CPU_OWN_IMAGE + CPU_IMAGE_SIZE)
#define CPU_OWN_CONTROL	(CPU_OWN_PRISTINE + CPU_IMAGE_SIZE)
#define CPU_OWN_STACK	(CPU_OWN_CONTROL + CPU_PAGE)
#define CPU_OWN_STACK_SIZE (16 * CPU_PAGE)
#define CPU_OWN_TESTS	(CPU_OWN_STACK + CPU_OWN_STACK_SIZE)
#define CPU_BATCH	128
#define CPU_OWN_SIZE	(CPU_OWN_TESTS + CPU_BATCH * CPU_TEST_SIZE)

/*
 * The frame of the IRET that enters a test. To a 16-bit stack that leaves all but SP as it was: so
 * this is what's in the rest of RSP then, and nothing else of the child's may be close by.
 */
#define CPU_OWN_FRAME	0x2a5b00010000
#define CPU_SP_HIGH	(CPU_OWN_FRAME & 0xffff0000)

/* Offsets in struct cpu_control and struct cpu_test, for the child's assembly. */
#define CTL_GO		0
#define CTL_COUNT	8
#define CTL_INDEX	16
#define CTL_TEST	24
#define CTL_AVX		32
#define CTL_UNMAP	48
#define TEST_GPR	0
#define TEST_RIP	128
#define TEST_CS		136
#define TEST_RFLAGS	144
#define TEST_SS		152
#define TEST_DS		160
#define TEST_ES		168
#define TEST_FS		176
#define TEST_GS		184
#define TEST_FS_BASE	192
#define TEST_GS_BASE	200
#define TEST_USE_VEC	208
#define TEST_NR_PATCHES	216
#define TEST_PATCH	224
#define TEST_VEC	384
#define TEST_MMX	896
#define TEST_OUT	960
#define OUT_SIGNAL	184
#define OUT_SEG		192
#define OUT_FS_BASE	224
#define OUT_GS_BASE	232
#define OUT_HASH	240
#define OUT_VEC		256
#define OUT_MMX		768
#define CPU_TEST_SIZE	(TEST_OUT + OUT_MMX + 64)
#define PATCH_SIZE	40
#define PATCH_BYTES	32
#define HASH_FACTOR	0x9e3779b97f4a7c15

#ifndef __ASSEMBLER__
#include <linux/types.h>

/* Selectors of user code and data in a Linux process. */
#define CPU_CS64	0x33
#define CPU_CS32	0x23
#define CPU_SS		0x2b

/* Bytes to lay over the image before the test. */
struct cpu_patch {
	u64 offset;
	u8 data[PATCH_BYTES];
};

/* How the instruction ended; registers in the kernel's order (struct sigcontext). */
struct cpu_out {
	u64 r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax, cx, sp;
	u64 rip;
	u64 rflags;
	u16 cs, unused_gs, unused_fs, ss;
	u64 error_code;
	u64 vector;		/* 1: completed */
	u64 mask;
	u64 cr2;
	u64 signal;
	u64 ds, es, fs, gs;
	u64 fs_base, gs_base;
	u64 hash;		/* of what differs from the pristine image; cpu_hash() */
	u64 pad;
	u8 vec[16][32];
	u64 mmx[8];
};

/* One instruction; gpr numbered as ModRM does. */
struct cpu_test {
	u64 gpr[16];
	u64 rip;
	u64 cs;
	u64 rflags;		/* with TF: one instruction; without: until something traps */
	u64 ss, ds, es, fs, gs;
	u64 fs_base, gs_base;
	u64 use_vec;		/* vec and mmx are to be loaded, and read back */
	u64 nr_patches;
	struct cpu_patch patch[4];
	u8 vec[16][32];
	u64 mmx[8];
	struct cpu_out out;
};

struct cpu_control {
	u32 go;			/* futex: 1 while the child works */
	u32 pad;
	u64 count;
	u64 index;		/* how many of them are done */
	u64 test;
	u64 avx;		/* vector registers have 32 bytes */
	u64 pad2;
	u64 unmap[16][2];	/* address, size; until size is 0 */
};

struct cpu {
	int pid;
	int fd;
	u8 *image, *pristine;	/* our view of the child's own memory, like the next two */
	struct cpu_control *control;
	struct cpu_test *test;	/* CPU_BATCH of them */
	unsigned int number, node; /* which of the machine's processors it is */
	bool has_32;		/* 32-bit code can be run */
	bool has_ldt;		/* so can code and data in the segments of cpu_descriptor() */
	bool avx;
	unsigned long lost;	/* children that an instruction has cost */
	char why_not[128];	/* cpu_start() failed: why */
};

/**
 * cpu_start - make the child, and see what it can be asked
 * @cpu: out
 * @seed: of what is in the image
 *
 * Some machines (containers with a kernel of their own, say) step a child, but not as the processor
 * would. So instructions of known results run first.
 * Return: false if this machine can't do it; @cpu->why_not says what was missing.
 */
bool cpu_start(struct cpu *cpu, u64 seed);
void cpu_stop(struct cpu *cpu);

/**
 * cpu_run - run the first @n of cpu->test
 * @cpu: cpu
 * @n: how many
 *
 * Each begins with the pristine image and its patches. After a batch of one cpu->image has what it
 * left there. With TF, a REP string instruction does one iteration.
 * Return: how many ran; fewer than @n if that one ended the child (it is started anew).
 */
unsigned int cpu_run(struct cpu *cpu, unsigned int n);

/**
 * cpu_hash - a number for what has been written to an image
 * @image: the image, of which CPU_IMAGE_WRITABLE bytes are looked at
 * @pristine: as it was
 */
u64 cpu_hash(const u8 *image, const u8 *pristine);

/* Is it an AMD (or Hygon) CPU? */
bool cpu_is_amd(void);

/* Has it got the instruction? Not asked of those that all have. */
struct emul_row;
bool cpu_knows(const struct emul_row *row);

/* The local descriptor table, if cpu->has_ldt. */
enum {
	CPU_LDT_CODE16, CPU_LDT_CODE32, CPU_LDT_DATA16, CPU_LDT_DATA32, CPU_LDT_WRAP,
	CPU_LDT_RO, CPU_LDT_DOWN32, CPU_LDT_DOWN16, CPU_LDT_STACK16, CPU_LDT_EXEC_ONLY,
	CPU_LDT_FLAT_CODE, CPU_LDT_ABSENT, CPU_LDT_SHORT_CODE16, CPU_LDT_STACK_DOWN,
	CPU_LDT_CONFORMING_ABSENT, CPU_NR_LDT,
};

#define CPU_LDT_SELECTOR(nr)	((nr) << 3 | 7)

/**
 * cpu_descriptor - an entry of the local descriptor table
 * @nr: CPU_LDT_*
 */
u64 cpu_descriptor(unsigned int nr);

#endif
#endif
