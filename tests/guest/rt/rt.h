/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest has: checks, exceptions that it can survive, interrupts, other processors.
 * Memory below 4 GiB is mapped one to one; nothing uses the FPU unless a guest does so itself.
 */
#ifndef TESTS_GUEST_RT_RT_H
#define TESTS_GUEST_RT_RT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

/* What an exception or interrupt pushes, and the registers under it. */
struct frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

/* The exception that TRY() saw. */
struct trap {
	int vector;		/* -1: none */
	u64 error;
	u64 rip;
	u64 cr2;		/* of #PF */
	u64 dr6;		/* of #DB */
	u64 rflags;
};

struct cpu {
	struct cpu *self;	/* %gs:0 */
	u64 resume;		/* %gs:8, where TRY() goes on after an exception; 0: none */
	u32 id;
	u32 checks;
	struct trap trap;
	void (*start)(void);	/* what an application processor runs */
	volatile u32 up;
	u32 pad;
	volatile u64 irqs[256];	/* interrupts seen by vector */
	struct guest_report report;
} __attribute__((aligned(4096)));

extern struct cpu rt_cpus[GUEST_MAX_CPUS];

static inline struct cpu *this_cpu(void)
{
	struct cpu *cpu;

	asm volatile("movq %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

#define params ((volatile struct guest_params *)(uintptr_t)GUEST_PARAMS)
#define io_log ((volatile struct guest_io_log *)(uintptr_t)GUEST_IOLOG)

#define barrier() asm volatile("" ::: "memory")

/* ---- checks ---- */

void rt_check(const char *file, int line, const char *what, u64 seen, u64 want);
void rt_log(const char *what, u64 value);
void rt_skip(const char *reason) __attribute__((noreturn));
void rt_done(void) __attribute__((noreturn));
void rt_dead(const char *why, u64 a, u64 b) __attribute__((noreturn));
void rt_sync(u64 number);

#define check_eq(what, seen, want) rt_check(__FILE_NAME__, __LINE__, what, seen, want)
#define check(what, condition) rt_check(__FILE_NAME__, __LINE__, what, !!(condition), 1)

/* ---- hypercalls ---- */

/* By the instruction of the CPU's vendor. Documentation/virt/kvm/x86/hypercalls.rst */
u64 hypercall(u64 nr, u64 a0, u64 a1, u64 a2, u64 a3);

/* ---- exceptions ---- */

static inline void trap_arm(void)
{
	this_cpu()->trap.vector = -1;
	barrier();
}

#define ARGS(...) __VA_ARGS__
#define NONE

/*
 * TRY("insn", ARGS(outputs), ARGS(inputs)): run an instruction; an exception in it is recorded, and
 * execution goes on behind it. Yields a struct trap.
 */
#define TRY(insn, out, in, ...)							\
({										\
	trap_arm();								\
	asm volatile("leaq 771f(%%rip), %%r11\n\tmovq %%r11, %%gs:8\n\t" insn	\
		     "\n771:\tmovq $0, %%gs:8"					\
		     : out : in : "r11", "memory", "cc", ##__VA_ARGS__);	\
	this_cpu()->trap;							\
})

/* The exception is this one, with this error code. */
#define check_trap(what, seen, wanted_vector, wanted_error)			\
do {										\
	struct trap trap_ = (seen);						\
										\
	check_eq(what ": exception", (u64)trap_.vector, (u64)(wanted_vector));	\
	if (trap_.vector == (wanted_vector) && trap_.vector >= 0)		\
		check_eq(what ": error code", trap_.error, wanted_error);	\
} while (0)

#define NO_TRAP (-1)

/* The IRET behind all handlers. */
extern u8 rt_iret[];

/* Handlers by vector, of all CPUs; they run with interrupts off. NULL: counted only, and EOI'd. */
typedef void (*handler_t)(struct frame *frame);
extern handler_t rt_handler[256];

/* The IDT, for guests that move or change it. */
struct idt_gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_mid;
	u32 offset_high, zero;
};
extern struct idt_gate rt_idt[256];

struct tss64 {
	u32 pad0;
	u64 rsp[3];
	u64 pad1;
	u64 ist[7];
	u64 pad2;
	u16 pad3;
	u16 iomap;
} __attribute__((packed));

static inline struct tss64 *rt_tss(unsigned int cpu)
{
	return (struct tss64 *)(uintptr_t)(GUEST_TSS + 128 * cpu);
}

/* ---- processors ---- */

/**
 * rt_start_cpu() - INIT, SIPI, SIPI; waits until it runs
 * @id: its APIC ID
 * @fn: what it runs; when it returns, the CPU halts with interrupts off
 */
void rt_start_cpu(u32 id, void (*fn)(void));

/* The same without waiting: sends INIT and two SIPIs. */
void rt_kick_cpu(u32 id, void (*fn)(void));

/* ---- instructions ---- */

static inline void out8(u16 port, u8 v) { asm volatile("outb %0, %1" :: "a"(v), "Nd"(port)); }
static inline void out16(u16 port, u16 v) { asm volatile("outw %0, %1" :: "a"(v), "Nd"(port)); }
static inline void out32(u16 port, u32 v) { asm volatile("outl %0, %1" :: "a"(v), "Nd"(port) : "memory"); }
static inline u8 in8(u16 port) { u8 v; asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static inline u16 in16(u16 port) { u16 v; asm volatile("inw %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static inline u32 in32(u16 port) { u32 v; asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port)); return v; }

static inline void cpuid(u32 leaf, u32 sub, u32 out[4])
{
	asm volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
		     : "a"(leaf), "c"(sub));
}

static inline bool is_intel(void)
{
	u32 r[4];

	cpuid(0, 0, r);
	return r[1] == 0x756e6547;	/* "Genu" */
}

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}

static inline void wrmsr(u32 msr, u64 v)
{
	asm volatile("wrmsr" :: "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

static inline struct trap try_rdmsr(u32 msr, u64 *v)
{
	u32 lo = 0, hi = 0;
	struct trap t = TRY("rdmsr", ARGS("+a"(lo), "+d"(hi)), ARGS("c"(msr)));

	*v = (u64)hi << 32 | lo;
	return t;
}

static inline struct trap try_wrmsr(u32 msr, u64 v)
{
	return TRY("wrmsr", NONE, ARGS("c"(msr), "a"((u32)v), "d"((u32)(v >> 32))));
}

static inline u64 rdtsc(void)
{
	u32 lo, hi;

	asm volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) :: "memory");
	return (u64)hi << 32 | lo;
}

static inline void cli(void) { asm volatile("cli" ::: "memory"); }
static inline void sti(void) { asm volatile("sti" ::: "memory"); }
/*
 * For busy-waiting, also on what an interrupt of the host's must bring about: Bochs lets none of
 * them end guest mode from an entry with IF=0 on until the guest writes its flags.
 */
static inline void pause(void) { asm volatile("pushf; popf; pause" ::: "memory", "cc"); }
/* STI, HLT, CLI: sleep until an interrupt; see woken_early() in rt.c. */
void sti_hlt(void);

static inline u64 read_cr0(void) { u64 v; asm volatile("mov %%cr0, %0" : "=r"(v)); return v; }
static inline u64 read_cr2(void) { u64 v; asm volatile("mov %%cr2, %0" : "=r"(v)); return v; }
static inline u64 read_cr3(void) { u64 v; asm volatile("mov %%cr3, %0" : "=r"(v)); return v; }
static inline u64 read_cr4(void) { u64 v; asm volatile("mov %%cr4, %0" : "=r"(v)); return v; }
static inline u64 read_cr8(void) { u64 v; asm volatile("mov %%cr8, %0" : "=r"(v)); return v; }
static inline void write_cr0(u64 v) { asm volatile("mov %0, %%cr0" :: "r"(v) : "memory"); }
static inline void write_cr3(u64 v) { asm volatile("mov %0, %%cr3" :: "r"(v) : "memory"); }
static inline void write_cr4(u64 v) { asm volatile("mov %0, %%cr4" :: "r"(v) : "memory"); }
static inline void write_cr8(u64 v) { asm volatile("mov %0, %%cr8" :: "r"(v) : "memory"); }
static inline void invlpg(u64 gva) { asm volatile("invlpg (%0)" :: "r"(gva) : "memory"); }

static inline u64 read_flags(void)
{
	u64 v;

	asm volatile("pushfq; popq %0" : "=r"(v) :: "memory");
	return v;
}

/*
 * Busy-wait on a condition, at most some seconds of the guest's TSC, taken threefold: an emulated
 * host may share its machine with others. Yields whether it came true; it is asked once more at the
 * end.
 */
#define wait_for(condition, seconds)						\
({										\
	u64 until_ = rdtsc() + params->tsc_khz * 3000 * (seconds);		\
										\
	while (!(condition) && rdtsc() < until_)				\
		pause();							\
	!!(condition);								\
})

/* Busy-wait microseconds. */
static inline void delay_us(u64 us)
{
	u64 until = rdtsc() + params->tsc_khz * us / 1000;

	while (rdtsc() < until)
		pause();
}

void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

#endif
