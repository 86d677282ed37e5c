// SPDX-License-Identifier: GPL-2.0-only
/*
 * Local APIC, IOAPIC, 8259s and 8254: what an SMP Linux does with them.
 */
#include "apic.h"
#include "rt.h"

#define VECTOR 0x41

static volatile u64 count[256], order[64], ordered;

static void counted(struct frame *f)
{
	count[f->vector]++;
	apic_eoi();
}

static void count_vector(u8 vector)
{
	rt_handler[vector] = counted;
}

/* Also silences the 8259s, whose output reaches the CPU through LINT0 after reset. */
static void use_xapic(void)
{
	pic_init(0x30, 0xff, 0xff);
	apic_enable();
}

static bool waited(u8 vector, u64 n)
{
	bool ok;

	sti();
	ok = wait_for(count[vector] >= n, 10);
	cli();
	return ok;
}

/* ---- reset state and registers ---- */

void reset_state(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	check_eq("APIC base", base, APIC | APIC_BASE_ENABLE | APIC_BASE_BSP);
	check_eq("ID", apic_read(APIC_ID), 0);
	check_eq("version's low byte", apic_read(APIC_VERSION) & 0xff, 0x14);
	check("LVT entries at least 5", (apic_read(APIC_VERSION) >> 16 & 0xff) >= 4);
	check_eq("SVR", apic_read(APIC_SVR), 0xff);
	check_eq("TPR", apic_read(APIC_TPR), 0);
	check_eq("LVT timer", apic_read(APIC_LVT_TIMER), LVT_MASKED);
	check_eq("LVT LINT1", apic_read(APIC_LVT_LINT1), LVT_MASKED);
	check_eq("LVT error", apic_read(APIC_LVT_ERROR), LVT_MASKED);
	check_eq("DFR", apic_read(APIC_DFR), 0xffffffff);
	check_eq("LDR", apic_read(APIC_LDR), 0);
	check_eq("timer count", apic_read(APIC_TIMER_COUNT), 0);
	check_eq("IRR", apic_read(APIC_IRR), 0);
	check_eq("ISR", apic_read(APIC_ISR), 0);
}

void registers(void)
{
	use_xapic();
	check_eq("SVR", apic_read(APIC_SVR), 0x1ff);
	check_eq("LDR", apic_read(APIC_LDR), 1u << 24);
	apic_write(APIC_LVT_TIMER, 0x30 | LVT_MASKED | LVT_PERIODIC);
	check_eq("LVT timer", apic_read(APIC_LVT_TIMER), 0x30 | LVT_MASKED | LVT_PERIODIC);
	apic_write(APIC_TPR, 0x50);
	check_eq("TPR", apic_read(APIC_TPR), 0x50);
	check_eq("CR8", read_cr8(), 5);
	check_eq("PPR", apic_read(APIC_PPR), 0x50);
	write_cr8(9);
	check_eq("TPR after CR8", apic_read(APIC_TPR), 0x90);
	write_cr8(0);
	apic_write(APIC_ICR2, 0x05000000);
	check_eq("ICR2", apic_read(APIC_ICR2), 0x05000000);
	apic_write(APIC_ID, 0x0f000000);
	check_eq("the version can't be written",
		 (apic_write(APIC_VERSION, 0), apic_read(APIC_VERSION) & 0xff), 0x14);
	/* Disabling by software masks the LVT for good. */
	apic_write(APIC_LVT_TIMER, 0x30);
	apic_write(APIC_SVR, 0xff);
	check_eq("LVT timer, APIC disabled", apic_read(APIC_LVT_TIMER), 0x30 | LVT_MASKED);
}

static bool has_x2apic(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	return r[2] >> 21 & 1;
}

static void need_x2apic(void)
{
	if (!has_x2apic())
		rt_skip("no x2APIC");
}

void x2apic(void)
{
	u64 v;

	need_x2apic();
	check_trap("an x2APIC register in xAPIC mode", try_rdmsr(MSR_X2APIC + 2, &v), 13, 0);
	x2apic_enable();
	check_eq("APIC base", rdmsr(MSR_APIC_BASE) & 0xc00, 0xc00);
	check_eq("ID", apic_read(APIC_ID), 0);
	check_eq("LDR", apic_read(APIC_LDR), 1);
	check_eq("SVR", apic_read(APIC_SVR), 0x1ff);
	check_trap("ICR2 doesn't exist", try_rdmsr(MSR_X2APIC + 0x31, &v), 13, 0);
	check_trap("DFR doesn't exist", try_rdmsr(MSR_X2APIC + 0xe, &v), 13, 0);
	check_trap("ID can't be written", try_wrmsr(MSR_X2APIC + 2, 5), 13, 0);
	check_trap("EOI can't be read", try_rdmsr(MSR_X2APIC + 0xb, &v), 13, 0);
	check_trap("SELF IPI can't be read", try_rdmsr(MSR_X2APIC + 0x3f, &v), 13, 0);
	check_trap("straight back to xAPIC",
		   try_wrmsr(MSR_APIC_BASE, APIC | APIC_BASE_ENABLE | APIC_BASE_BSP), 13, 0);
	count_vector(VECTOR);
	wrmsr(MSR_X2APIC + 0x3f, VECTOR);
	check("SELF IPI arrives", waited(VECTOR, 1));
	apic_icr(0, ICR_FIXED | VECTOR);
	check("an IPI to ID 0 arrives", waited(VECTOR, 2));
	apic_icr(0, ICR_SELF | VECTOR);
	check("an IPI by shorthand arrives", waited(VECTOR, 3));
	apic_icr(1, ICR_LOGICAL | VECTOR);
	check("an IPI to the logical ID arrives", waited(VECTOR, 4));
	wrmsr(MSR_APIC_BASE, APIC | APIC_BASE_BSP);
	wrmsr(MSR_APIC_BASE, APIC | APIC_BASE_ENABLE | APIC_BASE_BSP);
	check_eq("ID in xAPIC mode again", apic_mmio_read(APIC_ID), 0);
}

#define BASE_OFF (APIC | APIC_BASE_BSP)
#define BASE_XAPIC (BASE_OFF | APIC_BASE_ENABLE)
#define BASE_X2APIC (BASE_XAPIC | APIC_BASE_X2)
#define BASE_ILLEGAL (BASE_OFF | APIC_BASE_X2)

#define check_base_refused(what, base) check_trap(what, try_wrmsr(MSR_APIC_BASE, base), 13, 0)

/* SDM vol. 3, figure 11-27: what a guest can't do in one step. */
void x2apic_base(void)
{
	u32 r[4];

	need_x2apic();
	cpuid(0x80000008, 0, r);
	check_base_refused("xAPIC, a bit above MAXPHYADDR", BASE_XAPIC | 1ull << (r[0] & 0xff));
	check_base_refused("xAPIC to EXTD alone", BASE_ILLEGAL);
	check_eq("base", rdmsr(MSR_APIC_BASE), BASE_XAPIC);
	wrmsr(MSR_APIC_BASE, BASE_OFF);
	check_base_refused("disabled to x2APIC", BASE_X2APIC);
	check_base_refused("disabled to EXTD alone", BASE_ILLEGAL);
	check_eq("base, disabled", rdmsr(MSR_APIC_BASE), BASE_OFF);
	wrmsr(MSR_APIC_BASE, BASE_XAPIC);
	wrmsr(MSR_APIC_BASE, BASE_X2APIC);
	check_base_refused("x2APIC to EXTD alone", BASE_ILLEGAL);
	check_base_refused("x2APIC to xAPIC", BASE_XAPIC);
	check_base_refused("x2APIC, a bit above MAXPHYADDR", BASE_X2APIC | 1ull << (r[0] & 0xff));
	check_eq("base, x2APIC", rdmsr(MSR_APIC_BASE), BASE_X2APIC);
	check_trap("x2APIC again", try_wrmsr(MSR_APIC_BASE, BASE_X2APIC), NO_TRAP, 0);
	check_trap("x2APIC to disabled", try_wrmsr(MSR_APIC_BASE, BASE_OFF), NO_TRAP, 0);
}

/* CPUID doesn't tell of it: EXTD is a reserved bit. */
void x2apic_absent(void)
{
	u64 v;

	check("CPUID has no x2APIC", !has_x2apic());
	check_base_refused("xAPIC to x2APIC", BASE_X2APIC);
	check_eq("base", rdmsr(MSR_APIC_BASE), BASE_XAPIC);
	check_trap("its version", try_rdmsr(MSR_X2APIC + 3, &v), 13, 0);
	check_eq("xAPIC's version", apic_mmio_read(APIC_VERSION) & 0xff, 0x14);
}

/* Numbers of registers; a list of them ends with { 0 }. */
struct x2_range {
	u8 first, last;
};

static void check_unwritable(const char *what, const struct x2_range *range, bool readable)
{
	u32 reg, wrong = 0;
	u64 v;

	for (; range->last; range++)
		for (reg = range->first; reg <= range->last; reg++) {
			bool read = try_rdmsr(MSR_X2APIC + reg, &v).vector == NO_TRAP;
			bool write = try_wrmsr(MSR_X2APIC + reg, 0).vector == NO_TRAP;

			if (read == readable && !write)
				continue;
			rt_log("register", reg);
			wrong++;
		}
	check_eq(what, wrong, 0);
}

/* 0x2f is there with CMCI alone. */
void x2apic_registers(void)
{
	static const struct x2_range read_only[] = {
		{ 0x02, 0x03 }, { 0x0a, 0x0a }, { 0x0d, 0x0d },
		{ 0x10, 0x27 }, { 0x39, 0x39 }, { 0 },
	};
	static const struct x2_range absent[] = {
		{ 0x00, 0x01 }, { 0x04, 0x07 }, { 0x09, 0x09 }, { 0x0c, 0x0c }, { 0x0e, 0x0e },
		{ 0x29, 0x2e }, { 0x31, 0x31 }, { 0x3a, 0x3d }, { 0x40, 0xff }, { 0 },
	};
	static const u8 own_value[] = {
		0x08, 0x0f, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x3e,
	};
	u32 i;

	need_x2apic();
	x2apic_enable();
	check_unwritable("registers that aren't read-only", read_only, true);
	check_unwritable("registers that shouldn't be there", absent, false);
	apic_write(APIC_TPR, 0x20);
	apic_write(APIC_TIMER_DIV, 0xb);
	for (i = 0; i < sizeof(own_value); i++) {
		u32 msr = MSR_X2APIC + own_value[i];
		u64 v = rdmsr(msr);

		check_trap("bit 32", try_wrmsr(msr, v | 1ull << 32), 13, 0);
		check_trap("bit 63", try_wrmsr(msr, v | 1ull << 63), 13, 0);
		check_eq("its value then", rdmsr(msr), v);
		check_trap("its own value", try_wrmsr(msr, v), NO_TRAP, 0);
		check_eq("its value afterwards", rdmsr(msr), v);
	}
	check_trap("EOI, bit 32", try_wrmsr(MSR_X2APIC + 0xb, 1ull << 32), 13, 0);
	check_trap("ESR, bit 32", try_wrmsr(MSR_X2APIC + 0x28, 1ull << 32), 13, 0);
	check_trap("ESR, bit 0", try_wrmsr(MSR_X2APIC + 0x28, 1), 13, 0);
	check_trap("ESR, zero", try_wrmsr(MSR_X2APIC + 0x28, 0), NO_TRAP, 0);
	check_trap("SELF IPI, bit 32", try_wrmsr(MSR_X2APIC + 0x3f, 1ull << 32 | VECTOR), 13, 0);
	check_trap("SELF IPI, bit 8", try_wrmsr(MSR_X2APIC + 0x3f, 0x100 | VECTOR), 13, 0);
	check_eq("IRR", apic_bit(APIC_IRR, VECTOR), 0);
	apic_write(APIC_TPR, 0);
}

/* ---- timer ---- */

static void timer_start(u32 lvt, u32 initial)
{
	count_vector(VECTOR);
	apic_write(APIC_TIMER_DIV, 0xb);
	apic_write(APIC_LVT_TIMER, lvt | VECTOR);
	apic_write(APIC_TIMER_INIT, initial);
}

void timer_one_shot(void)
{
	u32 a, b;

	use_xapic();
	timer_start(0, 0x10000000);
	a = apic_read(APIC_TIMER_COUNT);
	delay_us(1000);
	b = apic_read(APIC_TIMER_COUNT);
	check("the count runs down", b < a && a <= 0x10000000);
	/* 1 ns a tick in KVM's APIC: 1 ms is a million, with room for an emulator. */
	check("its rate is about 1 GHz", a - b >= 900000);
	apic_write(APIC_TIMER_INIT, 0);
	check_eq("stopped", apic_read(APIC_TIMER_COUNT), 0);
	apic_write(APIC_TIMER_INIT, 2000000);
	check("it fires", waited(VECTOR, 1));
	check_eq("the count at the end", apic_read(APIC_TIMER_COUNT), 0);
	delay_us(5000);
	sti();
	delay_us(5000);
	cli();
	check_eq("interrupts", count[VECTOR], 1);
}

void timer_periodic(void)
{
	u64 start, end;

	use_xapic();
	start = rdtsc();
	timer_start(LVT_PERIODIC, 3000000);
	check("ten times", waited(VECTOR, 10));
	end = rdtsc();
	check("not faster than 3 ms each", end - start >= params->tsc_khz * 29);
	apic_write(APIC_TIMER_INIT, 0);
	delay_us(10000);
	sti();
	pause();
	cli();
	start = count[VECTOR];
	sti();
	delay_us(10000);
	cli();
	check_eq("after it was stopped", count[VECTOR], start);
}

void timer_masked(void)
{
	use_xapic();
	timer_start(LVT_MASKED, 100000);
	sti();
	delay_us(3000);
	cli();
	check_eq("interrupts while masked", count[VECTOR], 0);
}

void timer_divider(void)
{
	u32 i, a, b;
	static const u8 code[] = { 0xb, 0x0, 0x1, 0x2, 0x3, 0x8, 0x9, 0xa };

	use_xapic();
	apic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR);
	for (i = 0; i < sizeof(code); i++) {
		u64 start;

		apic_write(APIC_TIMER_DIV, code[i]);
		check_eq("divider", apic_read(APIC_TIMER_DIV), code[i]);
		apic_write(APIC_TIMER_INIT, 0x40000000);
		start = rdtsc();
		a = apic_read(APIC_TIMER_COUNT);
		delay_us(2000);
		b = apic_read(APIC_TIMER_COUNT);
		/* ticks of 1 ns, divided */
		check("ticks, at least", (u64)(a - b) << i >= 1800000);
		check("ticks, at most", (u64)(a - b) << i <=
		      (rdtsc() - start) * 1000000 / params->tsc_khz + (2000000 << i));
	}
}

void timer_deadline(void)
{
	u64 start, v;
	u32 r[4];

	cpuid(1, 0, r);
	if (!(r[2] >> 24 & 1))
		rt_skip("no TSC deadline timer");
	use_xapic();
	count_vector(VECTOR);
	apic_write(APIC_LVT_TIMER, LVT_DEADLINE | VECTOR);
	check_eq("deadline when not set", rdmsr(MSR_TSC_DEADLINE), 0);
	start = rdtsc();
	wrmsr(MSR_TSC_DEADLINE, start + params->tsc_khz * 5);
	v = rdmsr(MSR_TSC_DEADLINE);
	check("deadline reads back, or is over", v == start + params->tsc_khz * 5 || v == 0);
	check("it fires", waited(VECTOR, 1));
	check("not before 5 ms", rdtsc() - start >= params->tsc_khz * 5);
	check_eq("deadline when over", rdmsr(MSR_TSC_DEADLINE), 0);
	wrmsr(MSR_TSC_DEADLINE, 1);
	check("a deadline long past fires at once", waited(VECTOR, 2));
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + params->tsc_khz * 20);
	wrmsr(MSR_TSC_DEADLINE, 0);
	sti();
	delay_us(40000);
	cli();
	check_eq("after it was disarmed", count[VECTOR], 2);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + params->tsc_khz * 5);
	while (count[VECTOR] < 3)
		sti_hlt();
	check_eq("with HLT", count[VECTOR], 3);
	/* In deadline mode the initial count is ignored. */
	apic_write(APIC_TIMER_INIT, 1000);
	sti();
	delay_us(3000);
	cli();
	check_eq("by the initial count", count[VECTOR], 3);
}

void deadline_and_halt(void)
{
	u64 i, late = 0;

	use_xapic();
	count_vector(VECTOR);
	apic_write(APIC_LVT_TIMER, LVT_DEADLINE | VECTOR);
	for (i = 1; i <= 100; i++) {
		u64 when = rdtsc() + params->tsc_khz / 2;

		wrmsr(MSR_TSC_DEADLINE, when);
		while (count[VECTOR] < i)
			sti_hlt();
		if (rdtsc() < when)
			late++;
	}
	check_eq("interrupts", count[VECTOR], 100);
	check_eq("too early", late, 0);
}

/* ---- priorities ---- */

static void note(struct frame *f)
{
	order[ordered++ % 64] = f->vector;
	apic_eoi();
}

/* In a handler of class 5: one of class 6 comes through, one of class 4 and one of class 5 wait. */
static void nested(struct frame *f)
{
	order[ordered++ % 64] = f->vector;
	apic_icr(0, ICR_SELF | 0x45);
	apic_icr(0, ICR_SELF | 0x58);
	apic_icr(0, ICR_SELF | 0x61);
	check_eq("PPR in the handler", apic_read(APIC_PPR), 0x50);
	check_eq("ISR in the handler", apic_bit(APIC_ISR, 0x55), 1);
	sti();
	asm volatile("nop; nop; nop; nop");
	cli();
	order[ordered++ % 64] = 0;
	apic_eoi();
}

void priorities(void)
{
	static const u8 wanted[] = { 0x55, 0x61, 0, 0x58, 0x45 };
	unsigned int i;

	use_xapic();
	rt_handler[0x55] = nested;
	rt_handler[0x45] = note;
	rt_handler[0x58] = note;
	rt_handler[0x61] = note;
	apic_icr(0, ICR_SELF | 0x55);
	sti();
	check("all came", wait_for(ordered >= 5, 5));
	cli();
	check_eq("how many", ordered, 5);
	for (i = 0; i < 5; i++)
		check_eq("order", order[i], wanted[i]);
	check_eq("ISR at the end", apic_bit(APIC_ISR, 0x55), 0);
	check_eq("PPR at the end", apic_read(APIC_PPR), 0);
}

/* Several pending at once are taken from the highest vector down. */
void pending_order(void)
{
	static const u8 sent[] = { 0x31, 0x92, 0x44, 0xe3, 0x93, 0x32, 0x70 };
	static const u8 wanted[] = { 0xe3, 0x93, 0x92, 0x70, 0x44, 0x32, 0x31 };
	unsigned int i;

	use_xapic();
	for (i = 0; i < sizeof(sent); i++) {
		rt_handler[sent[i]] = note;
		apic_icr(0, ICR_SELF | sent[i]);
	}
	for (i = 0; i < sizeof(sent); i++)
		check_eq("IRR", apic_bit(APIC_IRR, sent[i]), 1);
	sti();
	check("all came", wait_for(ordered >= sizeof(sent), 5));
	cli();
	for (i = 0; i < sizeof(sent); i++)
		check_eq("order", order[i], wanted[i]);
}

/* The TPR holds back its class and below, by memory and by CR8. */
void task_priority(void)
{
	unsigned int round;

	use_xapic();
	count_vector(0x52);
	count_vector(0x61);
	for (round = 1; round <= 2; round++) {
		if (round == 1)
			apic_write(APIC_TPR, 0x50);
		else
			write_cr8(5);
		apic_icr(0, ICR_SELF | 0x52);
		apic_icr(0, ICR_SELF | 0x61);
		sti();
		delay_us(1000);
		cli();
		check_eq("class 6 over TPR 0x50", count[0x61], round);
		check_eq("class 5 under TPR 0x50", count[0x52], round - 1);
		check_eq("its IRR bit", apic_bit(APIC_IRR, 0x52), 1);
		sti();
		if (round == 1)
			apic_write(APIC_TPR, 0x40);
		else
			write_cr8(4);
		asm volatile("nop");
		check_eq("class 5 at once when TPR goes to 0x40", count[0x52], round);
		cli();
	}
	write_cr8(0);
	check_eq("TPR", apic_read(APIC_TPR), 0);
}

/* One interrupt sent twice while pending comes once; sent again in its handler, once more. */
static void again(struct frame *f)
{
	if (count[f->vector]++ == 0)
		apic_icr(0, ICR_SELF | f->vector);
	apic_eoi();
}

void coalescing(void)
{
	use_xapic();
	rt_handler[VECTOR] = again;
	apic_icr(0, ICR_SELF | VECTOR);
	apic_icr(0, ICR_SELF | VECTOR);
	sti();
	delay_us(2000);
	cli();
	check_eq("interrupts", count[VECTOR], 2);
}

/* ---- STI's shadow ---- */

static volatile u64 shadow_rip;

static void shadowed(struct frame *f)
{
	shadow_rip = f->rip;
	count[f->vector]++;
	apic_eoi();
}

void sti_shadow(void)
{
	extern u8 shadow_after[], shadow_second[];

	use_xapic();
	rt_handler[VECTOR] = shadowed;
	apic_icr(0, ICR_SELF | VECTOR);
	asm volatile("sti\n\tnop\n.globl shadow_after\nshadow_after:\n\tnop\n\tcli" ::: "memory");
	check_eq("interrupts", count[VECTOR], 1);
	check_eq("taken after one more instruction", shadow_rip, (uintptr_t)shadow_after);
	/* STI; CLI: never taken. */
	apic_icr(0, ICR_SELF | VECTOR);
	asm volatile("sti\n\tcli" ::: "memory");
	check_eq("STI, CLI", count[VECTOR], 1);
	/* The instruction in the shadow may be one that exits. */
	asm volatile("sti\n\tmovl $0, %%eax\n.globl shadow_second\nshadow_second:\n\tcli" ::
			     : "rax", "memory");
	check_eq("interrupts", count[VECTOR], 2);
	check_eq("taken after one more instruction", shadow_rip, (uintptr_t)shadow_second);
}

/* STI; HLT with the interrupt already pending: HLT is entered, and left at once. */
void sti_hlt_pending(void)
{
	extern u8 hlt_after[];

	use_xapic();
	rt_handler[VECTOR] = shadowed;
	apic_icr(0, ICR_SELF | VECTOR);
	asm volatile("sti\n\thlt\n.globl hlt_after\nhlt_after:\n\tcli" ::: "memory");
	check_eq("interrupts", count[VECTOR], 1);
	check_eq("returns behind HLT", shadow_rip, (uintptr_t)hlt_after);
}

/* An instruction that exits, in the shadow of STI: the interrupt comes after it. */
void sti_shadow_exit(void)
{
	extern u8 cpuid_after[], out_after[];
	u32 a = 0, c = 0;

	use_xapic();
	rt_handler[VECTOR] = shadowed;
	apic_icr(0, ICR_SELF | VECTOR);
	asm volatile("sti\n\tcpuid\n.globl cpuid_after\ncpuid_after:\n\tcli"
		     : "+a"(a), "+c"(c) :: "rbx", "rdx", "memory");
	check_eq("interrupts", count[VECTOR], 1);
	check_eq("taken behind CPUID", shadow_rip, (uintptr_t)cpuid_after);
	apic_icr(0, ICR_SELF | VECTOR);
	asm volatile("sti\n\toutb %%al, %%dx\n.globl out_after\nout_after:\n\tcli"
		     :: "a"(0), "d"(PORT_TEST) : "memory");
	check_eq("interrupts", count[VECTOR], 2);
	check_eq("taken behind OUT", shadow_rip, (uintptr_t)out_after);
}

/* ---- 8259, 8254, IOAPIC ---- */

static void pic_tick(struct frame *f)
{
	count[f->vector]++;
	out8(0x20, 0x20);
}

/* Ticks of 10 ms by the 8259, each counted, once interrupts are on. Yields the TSC before. */
static u64 start_pic_ticks(void)
{
	u64 before;

	use_xapic();
	apic_write(APIC_LVT_LINT0, 7 << 8);	/* ExtINT */
	pic_init(0x30, 0xfe, 0xff);
	rt_handler[0x30] = pic_tick;
	before = rdtsc();
	pit_start(2, 11932);
	return before;
}

void pit_by_pic(void)
{
	start_pic_ticks();
	sti();
	check("five ticks", wait_for(count[0x30] >= 5, 20));
	cli();
	out8(0x21, 0xff);
	check_eq("the mask reads back", in8(0x21), 0xff);
}

static u64 ticks_since(u64 tsc)
{
	return (rdtsc() - tsc) / (params->tsc_khz * 10);
}

/* Reinjection: those missed follow. */
void pit_catches_up(void)
{
	u64 before = start_pic_ticks();

	delay_us(200000);
	sti();
	check("all ticks since the start, but for one",
	      wait_for(count[0x30] + 1 >= ticks_since(before), 20));
	cli();
	check("not more than there were", count[0x30] <= ticks_since(before) + 1);
}

/* None: they coalesced into one. */
void pit_loses(void)
{
	u64 awake, seen;

	start_pic_ticks();
	delay_us(200000);
	awake = rdtsc();
	sti();
	check("a tick", wait_for(count[0x30], 20));
	delay_us(50000);
	cli();
	seen = count[0x30];
	check("not more than one that was late", seen <= ticks_since(awake) + 2);
}

void pit_by_ioapic(void)
{
	u64 seen;

	use_xapic();
	count_vector(VECTOR);
	ioapic_route(0, 0, VECTOR);		/* pin 0, as long as nobody routes GSI 0 to pin 2 */
	pit_start(2, 11932);
	check("five ticks", waited(VECTOR, 5));
	ioapic_write(0x10, VECTOR | RTE_MASKED);
	sti();
	delay_us(20000);
	cli();
	seen = count[VECTOR];
	sti();
	delay_us(50000);
	cli();
	check_eq("ticks while masked", count[VECTOR], seen);
}

void pit_counter(void)
{
	u16 a, b;

	pit_start(2, 0);
	out8(0x43, 0);		/* latch */
	a = in8(0x40);
	a |= in8(0x40) << 8;
	delay_us(1000);
	out8(0x43, 0);
	b = in8(0x40);
	b |= in8(0x40) << 8;
	check("1 ms takes 1193 ticks or more", (u16)(a - b) >= 1100);
	/* Channel 2, as TSC calibration uses it: gate on, mode 0, wait for OUT on port 0x61. */
	out8(0x61, (in8(0x61) & ~2) | 1);
	out8(0x43, 0xb0);
	out8(0x42, 11932 & 0xff);
	out8(0x42, 11932 >> 8);
	check_eq("OUT just after the start", in8(0x61) & 0x20, 0);
	check("OUT goes high", wait_for(in8(0x61) & 0x20, 10));
}

void ioapic_registers(void)
{
	check_eq("version", ioapic_read(1) & 0xff, 0x11);
	check_eq("highest pin", ioapic_read(1) >> 16 & 0xff, 23);
	ioapic_write(0, 0x0a000000);
	check_eq("ID", ioapic_read(0), 0x0a000000);
	check_eq("a pin at reset", ioapic_read(0x10 + 2 * 5) & RTE_MASKED, RTE_MASKED);
	ioapic_write(0x10 + 2 * 5, RTE_MASKED | RTE_LEVEL | 0x45);
	ioapic_write(0x11 + 2 * 5, 0x03000000);
	check_eq("a pin, low half", ioapic_read(0x10 + 2 * 5), RTE_MASKED | RTE_LEVEL | 0x45);
	check_eq("a pin, high half", ioapic_read(0x11 + 2 * 5), 0x03000000);
	check_eq("a register beyond the last pin", ioapic_read(0x10 + 2 * 24), 0xffffffff);
}

void pic_registers(void)
{
	pic_init(0x30, 0x5a, 0xa5);
	check_eq("master's mask", in8(0x21), 0x5a);
	check_eq("slave's mask", in8(0xa1), 0xa5);
	out8(0x20, 0x0a);
	check_eq("IRR", in8(0x20), 0);
	out8(0x20, 0x0b);
	check_eq("ISR", in8(0x20), 0);
	out8(0x4d0, 0x20);
	out8(0x4d1, 0x0c);
	check_eq("ELCR, master", in8(0x4d0), 0x20);
	check_eq("ELCR, slave", in8(0x4d1), 0x0c);
	out8(0x4d0, 0xff);
	check_eq("ELCR, lines that are always edges", in8(0x4d0) & 7, 0);
}

/* The host raises a level on GSI 10; it comes again after EOI while the line is up. */
static volatile u64 levels;

static void level(struct frame *f)
{
	(void)f;
	check_eq("remote IRR in the handler", ioapic_read(0x10 + 2 * 10) >> 14 & 1, 1);
	if (++levels == 3)
		rt_sync(0);		/* the host lowers the line */
	apic_eoi();
}

/* The line stays up until @handler has seen it three times. */
static void level_three_times(handler_t handler)
{
	rt_handler[0x51] = handler;
	ioapic_route(10, 0, 0x51 | RTE_LEVEL);
	rt_sync(1);			/* the host raises the line */
	sti();
	check("three times", wait_for(levels >= 3, 10));
	delay_us(2000);
	cli();
	check_eq("after the line went down", levels, 3);
}

void ioapic_level(void)
{
	use_xapic();
	level_three_times(level);
	check_eq("remote IRR", ioapic_read(0x10 + 2 * 10) >> 14 & 1, 0);
	check_eq("TMR", apic_bit(APIC_TMR, 0x51), 1);
}

/* An edge while masked is remembered for a level line, lost for an edge. */
void ioapic_edge(void)
{
	use_xapic();
	count_vector(0x52);
	ioapic_route(11, 0, 0x52);
	rt_sync(3);			/* up and down */
	check("an edge", waited(0x52, 1));
	rt_sync(3);
	rt_sync(3);
	check("edges before the first is taken are one", waited(0x52, 2));
	sti();
	delay_us(1000);
	cli();
	check_eq("interrupts", count[0x52], 2);
	ioapic_write(0x10 + 2 * 11, 0x52 | RTE_MASKED);
	rt_sync(3);
	sti();
	delay_us(1000);
	cli();
	check_eq("while masked", count[0x52], 2);
}

/* ---- EOI by a bit in memory ---- */

#define MSR_PV_EOI 0x4b564d04

static volatile u32 eoi_word;
static volatile u64 offers, refusals;

static bool clear_bit0(volatile u32 *word)
{
	bool was;

	asm volatile("btrl $0, %1" : "=@ccc"(was), "+m"(*word) : : "memory");
	return was;
}

/* As Linux does it: the bit says whether clearing it is enough. */
static bool eoi_by_bit(void)
{
	bool offered = clear_bit0(&eoi_word);

	if (!offered)
		apic_eoi();
	return offered;
}

static void counted_pv(struct frame *f)
{
	count[f->vector]++;
	if (eoi_by_bit())
		offers++;
	else
		refusals++;
}

static void pv_eoi_on(void)
{
	u32 r[4];

	cpuid(0x40000001, 0, r);
	if (!(r[0] >> 6 & 1))
		rt_skip("no KVM_FEATURE_PV_EOI");
	wrmsr(MSR_PV_EOI, (uintptr_t)&eoi_word | 1);
	rt_handler[VECTOR] = counted_pv;
}

/* An offer may come to nothing. arg[0]: hardware takes EOIs, no bit is ever set. */
static void check_offers(const char *what, u64 least)
{
	if (params->arg[0])
		check_eq(what, offers, 0);
	else
		check(what, offers >= least);
}

static void many_pv_eois(void)
{
	u64 i;

	pv_eoi_on();
	for (i = 1; i <= 100; i++) {
		apic_icr(0, ICR_SELF | VECTOR);
		if (!waited(VECTOR, i))
			break;
	}
	check_eq("interrupts", count[VECTOR], 100);
	check_offers("EOIs by the bit, 90 of 100 at least", 90);
	check_eq("ISR", apic_bit(APIC_ISR, VECTOR), 0);
	check_eq("the word afterwards", eoi_word, 0);
	/* It is never wrong to write the register. */
	rt_handler[VECTOR] = counted;
	apic_icr(0, ICR_SELF | VECTOR);
	apic_icr(0, ICR_SELF | VECTOR);
	check("by the register", waited(VECTOR, 101));
	check_eq("the word after that", eoi_word, 0);
	check_eq("ISR after that", apic_bit(APIC_ISR, VECTOR), 0);
	wrmsr(MSR_PV_EOI, 0);
	offers = 0;
	rt_handler[VECTOR] = counted_pv;
	apic_icr(0, ICR_SELF | VECTOR);
	check("once switched off", waited(VECTOR, 102));
	check_eq("no offer then", offers, 0);
}

void pv_eoi(void)
{
	use_xapic();
	many_pv_eois();
}

void pv_eoi_x2apic(void)
{
	need_x2apic();
	x2apic_enable();
	many_pv_eois();
}

/* One interrupt during another: either EOI is the right one's. */
static void inner_pv(struct frame *f)
{
	(void)f;
	count[0x71]++;
	check_eq("ISR, outer", apic_bit(APIC_ISR, 0x61), 1);
	offers += eoi_by_bit();
}

static void outer_pv(struct frame *f)
{
	(void)f;
	count[0x61]++;
	apic_icr(0, ICR_SELF | 0x71);
	sti();
	wait_for(count[0x71] == count[0x61], 10);
	cli();
	check_eq("ISR, inner", apic_bit(APIC_ISR, 0x71), 0);
	check_eq("ISR, outer still", apic_bit(APIC_ISR, 0x61), 1);
	offers += eoi_by_bit();
}

void pv_eoi_nested(void)
{
	u64 i;

	use_xapic();
	pv_eoi_on();
	rt_handler[0x61] = outer_pv;
	rt_handler[0x71] = inner_pv;
	for (i = 1; i <= 3; i++) {
		apic_icr(0, ICR_SELF | 0x61);
		check("both came", waited(0x61, i));
		check_eq("inner", count[0x71], i);
		check_eq("ISR", apic_bit(APIC_ISR, 0x61), 0);
	}
}

/* Another one waits for the EOI: it must be told by the register, and the other comes at once. */
void pv_eoi_pending(void)
{
	use_xapic();
	pv_eoi_on();
	rt_handler[0x51] = counted_pv;
	rt_handler[0x61] = counted_pv;
	apic_icr(0, ICR_SELF | 0x51);
	apic_icr(0, ICR_SELF | 0x61);
	sti();
	asm volatile("nop; nop");
	cli();
	check_eq("the higher one", count[0x61], 1);
	check_eq("the lower one", count[0x51], 1);
	check_eq("by the register", refusals, params->arg[0] ? 2 : 1);
	check_offers("by the bit", 1);
}

/* The IOAPIC has to hear of it. */
static void level_pv(struct frame *f)
{
	(void)f;
	if (++levels == 3)
		rt_sync(0); /* the host lowers the line */
	offers += eoi_by_bit();
}

void pv_eoi_level(void)
{
	use_xapic();
	pv_eoi_on();
	level_three_times(level_pv);
	check_eq("offers", offers, 0);
}

/* The host looks at the word while the interrupt is in service. */
static void looked_at(struct frame *f)
{
	(void)f;
	count[VECTOR]++;
	rt_sync((uintptr_t)&eoi_word);
	eoi_by_bit();
	rt_sync((uintptr_t)&eoi_word);
}

void pv_eoi_userspace(void)
{
	use_xapic();
	pv_eoi_on();
	rt_handler[VECTOR] = looked_at;
	apic_icr(0, ICR_SELF | VECTOR);
	check("it came", waited(VECTOR, 1));
	rt_sync((uintptr_t)&eoi_word);
	apic_icr(0, ICR_SELF | VECTOR);
	check("and again", waited(VECTOR, 2));
}

/* The slot of the word goes and comes while the EOI is made there: it counts all the same. */
static void slot_changes(struct frame *f)
{
	bool offered;

	(void)f;
	count[VECTOR]++;
	offered = clear_bit0((volatile u32 *)PV_EOI_PAGE);
	params->arg[1]++;
	params->arg[2] = 1;
	wait_for(!params->arg[2], 20);
	if (offered)
		offers++;
	else
		apic_eoi();
}

void pv_eoi_slot(void)
{
	u64 i;

	use_xapic();
	pv_eoi_on();
	wrmsr(MSR_PV_EOI, PV_EOI_PAGE | 1);
	rt_handler[VECTOR] = slot_changes;
	for (i = 1; i <= 20; i++) {
		apic_icr(0, ICR_SELF | VECTOR);
		if (!waited(VECTOR, i))
			break;
	}
	check_eq("interrupts", count[VECTOR], 20);
	check_eq("changes of the slot", params->arg[1], 20);
	check_eq("ISR", apic_bit(APIC_ISR, VECTOR), 0);
	wrmsr(MSR_PV_EOI, 0);
}

void pv_eoi_msr(void)
{
	u64 v;

	use_xapic();
	pv_eoi_on();
	check_eq("as written", rdmsr(MSR_PV_EOI), (uintptr_t)&eoi_word | 1);
	check_trap("bit 1 is reserved", try_wrmsr(MSR_PV_EOI, (uintptr_t)&eoi_word | 3), 13, 0);
	check_trap("read", try_rdmsr(MSR_PV_EOI, &v), NO_TRAP, 0);
	check_eq("unchanged", v, (uintptr_t)&eoi_word | 1);
	check_trap("no memory there", try_wrmsr(MSR_PV_EOI, 0xc0000000 | 1), 13, 0);
	check_trap("nor needed when off", try_wrmsr(MSR_PV_EOI, 0xc0000000), NO_TRAP, 0);
	apic_icr(0, ICR_SELF | VECTOR);
	check("it comes", waited(VECTOR, 1));
	check_eq("offers when off", offers, 0);
}

/* ---- messages ---- */

/* A message that the host sends. */
void msi(void)
{
	use_xapic();
	count_vector(0x53);
	rt_sync(4);
	check("it arrives", waited(0x53, 1));
	rt_sync(5);
	check("logical destination", waited(0x53, 2));
}

/* Interrupts from the host while the guest spins, halts, does port I/O. */
void flood(void)
{
	u64 i;

	use_xapic();
	count_vector(0x54);
	for (i = 0; i < 2000; i++) {
		apic_icr(0, ICR_SELF | 0x54);
		switch (i % 4) {
		case 0:
			sti();
			out8(PORT_TEST, 1);
			break;
		case 1:
			sti_hlt();
			break;
		case 2:
			sti();
			asm volatile("cpuid" :: "a"(0), "c"(0) : "rbx", "rdx");
			break;
		case 3:
			sti();
			asm volatile("nop");
			break;
		}
		cli();
		if (count[0x54] != i + 1) {
			check_eq("interrupts", count[0x54], i + 1);
			return;
		}
	}
	check_eq("interrupts", count[0x54], 2000);
}

/* An error in the ICR: illegal vector. */
void error_interrupt(void)
{
	use_xapic();
	count_vector(0x60);
	apic_write(APIC_LVT_ERROR, 0x60);
	apic_write(APIC_ESR, 0);
	check_eq("ESR", apic_read(APIC_ESR), 0);
}

/* Disabled in its base MSR: its page is ordinary space; enabled again it is as after reset. */
void global_disable(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	use_xapic();
	apic_write(APIC_TPR, 0x30);
	wrmsr(MSR_APIC_BASE, base & ~(u64)APIC_BASE_ENABLE);
	check_eq("reads while disabled", apic_mmio_read(APIC_SVR), 0xffffffff);
	wrmsr(MSR_APIC_BASE, base);
	check_eq("version", apic_mmio_read(APIC_VERSION) & 0xff, 0x14);
	check_trap("a reserved bit of the base", try_wrmsr(MSR_APIC_BASE, base | 1), 13, 0);
}

/* What the page would do, were it written to. */
static void write_page(void)
{
	u32 offset;

	for (offset = 0; offset < 4096; offset += 4)
		apic_mmio_write(offset, 0xffffffff);
}

static void check_cr8(void)
{
	u64 i;

	for (i = 0; i < 16; i++) {
		write_cr8(i);
		check_eq("CR8", read_cr8(), i);
	}
	write_cr8(0);
}

void page_while_disabled(void)
{
	use_xapic();
	wrmsr(MSR_APIC_BASE, BASE_OFF);
	write_page();
	check_eq("TPR reads as", apic_mmio_read(APIC_TPR), 0xffffffff);
	check_eq("CR8 afterwards", read_cr8(), 0);
	check_cr8();
	check_eq("base", rdmsr(MSR_APIC_BASE), BASE_OFF);
	wrmsr(MSR_APIC_BASE, BASE_XAPIC);
	check_eq("TPR", apic_read(APIC_TPR), 0);
	check_eq("SVR, enabled or not", apic_read(APIC_SVR) | 0x100, 0x1ff);
	check_eq("LVT error", apic_read(APIC_LVT_ERROR), LVT_MASKED);
	check_eq("initial count", apic_read(APIC_TIMER_INIT), 0);
	check_eq("ICR2", apic_read(APIC_ICR2), 0);
}

void page_in_x2apic(void)
{
	need_x2apic();
	use_xapic();
	x2apic_enable();
	write_page();
	check_eq("TPR reads as", apic_mmio_read(APIC_TPR), 0xffffffff);
	check_eq("TPR", apic_read(APIC_TPR), 0);
	check_eq("SVR", apic_read(APIC_SVR), 0x1ff);
	check_eq("LVT error", apic_read(APIC_LVT_ERROR), LVT_MASKED);
	check_eq("initial count", apic_read(APIC_TIMER_INIT), 0);
	check_eq("ICR", rdmsr(MSR_X2APIC + 0x30), 0);
	check_cr8();
	write_cr8(7);
	check_eq("TPR after CR8", apic_read(APIC_TPR), 0x70);
	apic_write(APIC_TPR, 0xa5);
	check_eq("CR8 after TPR", read_cr8(), 0xa);
	write_cr8(0);
}

#define MOVED 0xfed40000ull

static volatile u32 *moved(u32 reg)
{
	return (volatile u32 *)(MOVED + reg);
}

/* SDM vol. 3, 11.4.5: the page is where the base says. */
void base_moved(void)
{
	use_xapic();
	wrmsr(MSR_APIC_BASE, MOVED | (BASE_XAPIC - APIC));
	check_eq("version", *moved(APIC_VERSION) & 0xff, 0x14);
	check_eq("SVR", *moved(APIC_SVR), 0x1ff);
	*moved(APIC_TPR) = 0x30;
	check_eq("CR8 after TPR", read_cr8(), 3);
	write_cr8(5);
	check_eq("TPR after CR8", *moved(APIC_TPR), 0x50);
	check_eq("the place where it was", apic_mmio_read(APIC_VERSION), 0xffffffff);
	wrmsr(MSR_APIC_BASE, BASE_XAPIC);
	check_eq("TPR, back", apic_mmio_read(APIC_TPR), 0x50);
	check_eq("the place where it isn't any more", *moved(APIC_VERSION), 0xffffffff);
	write_cr8(0);
}
