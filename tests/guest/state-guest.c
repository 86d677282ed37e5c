// SPDX-License-Identifier: GPL-2.0-only
/*
 * State that must survive exits and other vCPUs on the same CPU: x87, SSE, AVX, MSRs, debug
 * registers, segment bases. The host pins all vCPU threads to one CPU.
 */
#include "apic.h"
#include "rt.h"

static volatile u32 ready, go, finished;
static bool avx;

static void add(volatile u32 *v, u32 n)
{
	asm volatile("lock addl %1, %0" : "+m"(*v) : "r"(n) : "memory");
}

static u32 xgetbv(void)
{
	u32 lo, hi;

	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo;
}

static void xsetbv(u32 v)
{
	asm volatile("xsetbv" :: "a"(v), "d"(0), "c"(0));
}

/*
 * QEMU's SVM doesn't intercept XSETBV: the driver never hears of it, and the next entry loads the
 * old XCR0. AVX can't work in a guest there, with any driver.
 */
static bool xsetbv_works(void)
{
	bool works;
	u32 r[4];

	write_cr4(read_cr4() | 1 << 18);
	xsetbv(3);
	out8(PORT_TEST, 0);
	cpuid(0, 0, r);
	works = xgetbv() == 3;
	xsetbv(1);
	return works;
}

static bool has_avx(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	if (!(r[2] >> 26 & 1) || !(r[2] >> 28 & 1))
		return false;
	if (xsetbv_works())
		return true;
	rt_log("XSETBV isn't intercepted, SSE alone is tested", 0);
	return false;
}

static void enable_avx(void)
{
	write_cr4(read_cr4() | 1 << 18);
	xsetbv(7);
}

/* 16 vector registers of 32 bytes, all from one number. */
struct vectors {
	u64 r[16][4];
} __attribute__((aligned(32)));

static void fill(struct vectors *v, u64 seed)
{
	unsigned int i, j;

	for (i = 0; i < 16; i++)
		for (j = 0; j < 4; j++)
			v->r[i][j] = seed * 0x9e3779b97f4a7c15 + i * 0x0101010101010101 + j;
}

#define EACH_REG(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11)	\
	op(12) op(13) op(14) op(15)
#define LOAD_X(n) asm volatile("movdqa %0, %%xmm" #n :: "m"(v->r[n]));
#define STORE_X(n) asm volatile("movdqa %%xmm" #n ", %0" : "=m"(*(struct half *)v->r[n]));
#define LOAD_Y(n) asm volatile("vmovdqa %0, %%ymm" #n :: "m"(*(struct full *)v->r[n]));
#define STORE_Y(n) asm volatile("vmovdqa %%ymm" #n ", %0" : "=m"(*(struct full *)v->r[n]));

struct half { u64 r[2]; };
struct full { u64 r[4]; };

static void load(const struct vectors *v)
{
	if (avx) {
		EACH_REG(LOAD_Y)
	} else {
		EACH_REG(LOAD_X)
	}
}

static void store(struct vectors *v)
{
	if (avx) {
		EACH_REG(STORE_Y)
	} else {
		EACH_REG(STORE_X)
	}
}

static void check_vectors(const struct vectors *want)
{
	struct vectors seen;
	unsigned int i;

	fill(&seen, 0);
	store(&seen);
	for (i = 0; i < 16; i++) {
		check_eq("vector register, bits 0-63", seen.r[i][0], want->r[i][0]);
		check_eq("vector register, bits 64-127", seen.r[i][1], want->r[i][1]);
		if (avx) {
			check_eq("vector register, bits 128-191", seen.r[i][2], want->r[i][2]);
			check_eq("vector register, bits 192-255", seen.r[i][3], want->r[i][3]);
		}
	}
}

/* Exits of several kinds, which make the host run code of its own. */
static void exits(void)
{
	u32 r[4];

	out8(PORT_TEST, 1);
	cpuid(0, 0, r);
	*(volatile u32 *)(u64)GUEST_MMIO = 1;
	apic_read(APIC_ID);
}

void vectors_over_exits(void)
{
	struct vectors v;
	unsigned int i;

	avx = has_avx();
	if (avx)
		enable_avx();
	for (i = 1; i <= 50; i++) {
		fill(&v, i);
		load(&v);
		exits();
		rt_sync(0);	/* the host clobbers its own vector registers */
		check_vectors(&v);
	}
}

void x87_and_mxcsr(void)
{
	u32 mxcsr = 0x1f80 | 0x6000, seen;
	u16 cw = 0x027f, cw_seen;
	unsigned int i;
	double pi;
	u64 bits;

	asm volatile("fninit; fldcw %0; fldpi; fldl2t" :: "m"(cw));
	asm volatile("ldmxcsr %0" :: "m"(mxcsr));
	for (i = 0; i < 50; i++) {
		exits();
		rt_sync(0);
	}
	asm volatile("stmxcsr %0" : "=m"(seen));
	asm volatile("fnstcw %0" : "=m"(cw_seen));
	check_eq("MXCSR", seen, mxcsr);
	check_eq("x87 control word", cw_seen, cw);
	asm volatile("fstpl %0" : "=m"(pi));
	asm volatile("fstpl %0" : "=m"(pi));
	memcpy(&bits, &pi, 8);
	check_eq("ST1", bits, 0x400921fb54442d18);
}

/* ---- several vCPUs on one CPU ---- */

static const u32 own_msr[] = {
	0xc0000081,	/* STAR */
	0xc0000082,	/* LSTAR */
	0xc0000083,	/* CSTAR */
	0xc0000102,	/* KernelGSBase */
	0xc0000100,	/* FS base */
	0x175, 0x176,	/* SYSENTER ESP, EIP */
	0xc0000103,	/* TSC_AUX */
	0x277,		/* PAT */
};

#define OWN_MSRS (sizeof(own_msr) / sizeof(own_msr[0]))

static u64 own_value(unsigned int i, u32 cpu)
{
	switch (own_msr[i]) {
	case 0xc0000103:
		return 0x100 + cpu;
	case 0x277:
		return 0x0007040600070406 ^ (u64)(cpu ? 0x0100000000000000 : 0);
	case 0xc0000081:
		return 0x0023001000000000 + ((u64)cpu << 40);
	default:
		return 0x0000700000000000 + cpu * 0x1000 + i * 8;
	}
}

static void set_dr(u64 v)
{
	asm volatile("mov %0, %%db0; mov %0, %%db1; mov %0, %%db2; mov %0, %%db3" :: "r"(v));
}

static u64 get_dr(void)
{
	u64 a, b;

	asm volatile("mov %%db0, %0; mov %%db3, %1" : "=r"(a), "=r"(b));
	return a == b ? a : ~0ull;
}

static bool has_rdtscp(void)
{
	u32 r[4];

	cpuid(0x80000001, 0, r);
	return r[3] >> 27 & 1;
}

static void own_state(void)
{
	u32 cpu = this_cpu()->id, round;
	bool rdtscp = has_rdtscp();
	struct vectors v;
	unsigned int i;

	if (avx)
		enable_avx();
	for (i = 0; i < OWN_MSRS; i++)
		if (own_msr[i] != 0xc0000103 || rdtscp)
			wrmsr(own_msr[i], own_value(i, cpu));
	set_dr(0x1000 * (cpu + 1));
	write_cr8(cpu & 3);
	fill(&v, 1000 + cpu);
	load(&v);
	add(&ready, 1);
	while (!go)
		pause();
	for (round = 0; round < 30; round++) {
		check_vectors(&v);
		for (i = 0; i < OWN_MSRS; i++)
			if (own_msr[i] != 0xc0000103 || rdtscp)
				check_eq("an MSR of this CPU", rdmsr(own_msr[i]),
					 own_value(i, cpu));
		check_eq("debug registers", get_dr(), 0x1000 * (cpu + 1));
		check_eq("CR8", read_cr8(), cpu & 3);
		if (round % 3 == 0)
			exits();
		delay_us(3000);		/* longer than the host's tick, so that others run */
	}
	add(&finished, 1);
}

void shared_cpu(void)
{
	u32 i;

	avx = has_avx();
	apic_enable();
	for (i = 1; i < params->cpus; i++)
		rt_start_cpu(i, own_state);
	check("all are ready", wait_for(ready == params->cpus - 1, 20));
	go = 1;
	own_state();
	check("all finished", wait_for(finished == params->cpus, 30));
}

/* ---- XSAVE's registers ---- */

void xcr0(void)
{
	bool works, seen = false;
	u32 r[4];

	cpuid(1, 0, r);
	if (!(r[2] >> 26 & 1))
		rt_skip("no XSAVE");
	check_trap("XGETBV without OSXSAVE", TRY("xgetbv", NONE, ARGS("c"(0)), "rax", "rdx"), 6, 0);
	check_trap("XSETBV without OSXSAVE", TRY("xsetbv", NONE, ARGS("a"(1), "d"(0), "c"(0))), 6,
		   0);
	check_trap("XSETBV of XCR5 without OSXSAVE",
		   TRY("xsetbv", NONE, ARGS("a"(1), "d"(0), "c"(5))), 6, 0);
	write_cr4(read_cr4() | 1 << 18);
	check_eq("XCR0 at reset", xgetbv(), 1);
	cpuid(0xd, 0, r);
	check_eq("leaf 0xd: size for XCR0 = 1", r[1], 576);
	works = xsetbv_works();
	if (!works)
		rt_log("XSETBV isn't intercepted", 0);
	check_trap("XSETBV of 3", TRY("xsetbv", NONE, ARGS("a"(3), "d"(0), "c"(0))), NO_TRAP, 0);
	/* Not intercepted, an interrupt of the host's in between loses it: then at some try. */
	if (works)
		check_eq("XCR0", xgetbv(), 3);
	else
		check("XCR0", wait_for(seen || (seen = (xsetbv(3), xgetbv()) == 3), 5));
	check_trap("XSETBV of 3, RCX[63:32] is not looked at",
		   TRY("xsetbv", NONE, ARGS("a"(3), "d"(0), "c"(0x1234567800000000))), NO_TRAP, 0);
	check_trap("XSETBV of 0: x87 must be on", TRY("xsetbv", NONE, ARGS("a"(0), "d"(0), "c"(0))),
		   13, 0);
	check_trap("XSETBV of AVX without SSE", TRY("xsetbv", NONE, ARGS("a"(5), "d"(0), "c"(0))),
		   13, 0);
	check_trap("XSETBV of an unknown bit",
		   TRY("xsetbv", NONE, ARGS("a"(3), "d"(1 << 20), "c"(0))), 13, 0);
	check_trap("XSETBV of XCR5", TRY("xsetbv", NONE, ARGS("a"(1), "d"(0), "c"(5))), 13, 0);
	if (works && has_avx()) {
		check_trap("XSETBV of 7", TRY("xsetbv", NONE, ARGS("a"(7), "d"(0), "c"(0))),
			   NO_TRAP, 0);
		cpuid(0xd, 0, r);
		check_eq("leaf 0xd: size for XCR0 = 7", r[1], 832);
	}
}

void fpu_traps(void)
{
	write_cr0(read_cr0() | 8);
	check_trap("x87 with CR0.TS", TRY("fnop", NONE, NONE), 7, 0);
	check_trap("SSE with CR0.TS", TRY("xorps %%xmm0, %%xmm0", NONE, NONE), 7, 0);
	asm volatile("clts");
	check_trap("x87 after CLTS", TRY("fninit; fnop", NONE, NONE), NO_TRAP, 0);
	write_cr4(read_cr4() & ~0x200ull);
	check_trap("SSE without CR4.OSFXSR", TRY("xorps %%xmm0, %%xmm0", NONE, NONE), 6, 0);
	write_cr4(read_cr4() | 0x200);
}
