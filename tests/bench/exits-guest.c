// SPDX-License-Identifier: GPL-2.0-only
/*
 * Round trips to the host, between marks for the plugin that counts the host's instructions. It
 * takes the median batch of a row, which leaves out those into which a tick of the host's timer or
 * a switch to another of its threads has fallen, and the allocation of page tables.
 *
 * Where there is no plugin (Bochs), the TSC counts instructions, the guest's few and the host's.
 */
#include "apic.h"
#include "exits.h"
#include "mark.h"
#include "rt.h"

#define VECTOR		0x40
#define MSR_TSC_ADJUST	0x3b
#define MSR_SELF_IPI	0x83f
#define HC_POLL_IRQ	1	/* KVM_HC_VAPIC_POLL_IRQ: does nothing, returns 0 */

#define STRING2(x...)	#x
#define STRING(x...)	STRING2(x)
#define MARK_HERE(mark)									\
	asm volatile(".byte " STRING(MARK_OPCODE) "\n\t.long " STRING(mark) ::: "memory")

/* Bochs begins and ends a trace there (tests/rig/host --trace); elsewhere it does nothing. */
#define STOP_BOCHS() asm volatile("xchgw %%bx, %%bx" ::: "memory")

static u64 cursor = TOUCH_BASE;	/* of touches */
static u32 trips_a_batch;
volatile u64 interrupts;		/* counted by bench_irq */

static u64 median(u64 *value, unsigned int count)
{
	unsigned int i, k;

	for (i = 1; i < count; i++) {
		u64 inserted = value[i];

		for (k = i; k && value[k - 1] > inserted; k--)
			value[k] = value[k - 1];
		value[k] = inserted;
	}
	return value[count / 2];
}

static void run(void (*batch)(u32 trips), u32 trips)
{
	static u64 ticks[BATCHES];
	unsigned int i;

	trips_a_batch = trips;
	batch(trips);			/* what is there only the first time */
	for (i = 0; i < BATCHES; i++) {
		u64 start;

		STOP_BOCHS();
		start = rdtsc();
		MARK_HERE(MARK_BEGIN);
		batch(trips);
		MARK_HERE(MARK_END);
		ticks[i] = rdtsc() - start;
		STOP_BOCHS();
	}
	MARK_HERE(MARK_ROW);
	params->result[RESULT_TRIPS] = trips;
	params->result[RESULT_TICKS] = median(ticks, BATCHES);
}

/* A loop around one instruction; @prepare comes before it. r8 counts, r9 is the cursor. */
#define ROW(function, prepare, insn, operand, trips)					\
static void function##_batch(u32 count)							\
{											\
	register u32 r10 asm("r10") = operand;						\
	register u64 r9 asm("r9") = cursor;						\
	register u32 r8 asm("r8") = count;						\
											\
	asm volatile("1:\t" prepare "\n\t" insn "\n\tdecl %%r8d\n\tjnz 1b"		\
		     : "+r"(r8), "+r"(r9)						\
		     : "r"(r10)								\
		     : "rax", "rbx", "rcx", "rdx", "memory", "cc");			\
	cursor = r9;									\
}											\
											\
void function(void)									\
{											\
	run(function##_batch, trips);							\
}

ROW(bench_cpuid, "xorl %%eax, %%eax\n\txorl %%ecx, %%ecx", "cpuid", 0, TRIPS)
ROW(bench_vmmcall, "movl %k2, %%eax", "vmmcall", HC_POLL_IRQ, TRIPS)
ROW(bench_vmcall, "movl %k2, %%eax", "vmcall", HC_POLL_IRQ, TRIPS)
ROW(bench_rdmsr, "movl %k2, %%ecx", "rdmsr", MSR_TSC_ADJUST, TRIPS)
ROW(bench_wrmsr, "movl %k2, %%ecx\n\txorl %%eax, %%eax\n\txorl %%edx, %%edx", "wrmsr",
	MSR_TSC_ADJUST, TRIPS)
/* The port is the row's, and so is the address. */
ROW(bench_port, "movl %k2, %%edx", "inb %%dx, %%al", (u32)params->arg[0], TRIPS)
ROW(bench_mmio_read, "movl %k2, %%edx", "movl (%%rdx), %%eax", (u32)params->arg[0], TRIPS)
ROW(bench_mmio_write, "movl %k2, %%edx\n\tmovl %k2, %%eax", "movl %%eax, (%%rdx)",
	(u32)params->arg[0], TRIPS)
ROW(bench_touch_read, "addq $4096, %%r9", "movb -4096(%%r9), %%al", 0, TRIPS)
ROW(bench_touch_write, "addq $4096, %%r9", "movb %%al, -4096(%%r9)", 0, TRIPS)
ROW(bench_touch_huge, "addq $0x200000, %%r9", "movb -0x200000(%%r9), %%al", 0, TRIPS_HUGE)
ROW(bench_touch_huge_write, "addq $0x200000, %%r9", "movb %%al, -0x200000(%%r9)", 0, TRIPS_HUGE)

/* By the instruction of the CPU's vendor. */
void bench_hypercall(void)
{
	u32 r[4];

	cpuid(0, 0, r);
	if (r[1] == 0x756e6547)			/* "Genu" */
		bench_vmcall();
	else
		bench_vmmcall();
}

/* ---- interrupts ---- */

/* A handler as short as can be. */
void bench_irq(void);
asm("bench_irq:\n\t"
    "pushq %rax\n\tpushq %rcx\n\tpushq %rdx\n\t"
    "incq interrupts\n\t"
    "movl $0x80b, %ecx\n\txorl %eax, %eax\n\txorl %edx, %edx\n\twrmsr\n\t"	/* EOI */
    "popq %rdx\n\tpopq %rcx\n\tpopq %rax\n\tiretq");

static void take_interrupts(void)
{
	u64 handler = (uintptr_t)bench_irq;

	x2apic_enable();
	rt_idt[VECTOR].offset_low = (u16)handler;
	rt_idt[VECTOR].offset_mid = (u16)(handler >> 16);
}

static void self_ipi_batch(u32 trips)
{
	u64 before = interrupts;
	u32 i;

	for (i = 0; i < trips; i++)
		wrmsr(MSR_SELF_IPI, VECTOR);
	check_eq("interrupts of a batch", interrupts - before, trips);
}

void bench_self_ipi(void)
{
	take_interrupts();
	sti();
	run(self_ipi_batch, TRIPS);
}

/* The guest spins until the deadline has come: more than arming takes. */
#define AHEAD 20000

static void deadline_batch(u32 trips)
{
	for (; trips; trips--) {
		u64 seen = interrupts;

		wrmsr(MSR_TSC_DEADLINE, rdtsc() + AHEAD);
		while (interrupts == seen)
			;
	}
}

void bench_deadline(void)
{
	take_interrupts();
	apic_write(APIC_LVT_TIMER, LVT_DEADLINE | VECTOR);
	sti();
	run(deadline_batch, TRIPS_LONG);
}

/* The same, but it sleeps. */
static void halt_batch(u32 trips)
{
	for (; trips; trips--) {
		u64 seen = interrupts;

		wrmsr(MSR_TSC_DEADLINE, rdtsc() + AHEAD);
		while (interrupts == seen)
			sti_hlt();
	}
}

void bench_halt(void)
{
	take_interrupts();
	apic_write(APIC_LVT_TIMER, LVT_DEADLINE | VECTOR);
	run(halt_batch, TRIPS_LONG);
}

/*
 * Two CPUs throw an interrupt to and fro and sleep in between, so that one host CPU always has one
 * thing to do. Interrupts are off but in HLT: none is missed.
 */
static volatile u64 caught[2];

static void send(u32 to)
{
	wrmsr(MSR_X2APIC + APIC_ICR / 16, (u64)to << 32 | VECTOR);
}

static void catch(u32 me)
{
	u64 before = interrupts;

	while (interrupts == before)
		sti_hlt();
	caught[me]++;
}

static void partner(void)
{
	x2apic_enable();
	for (;;) {
		catch(1);
		send(0);
	}
}

static void ipi_batch(u32 trips)
{
	u64 before = caught[1];
	u32 i;

	/* There and back are two. */
	for (i = 0; i < trips; i += 2) {
		send(1);
		catch(0);
	}
	check_eq("interrupts at the other CPU", caught[1] - before, trips / 2);
}

void bench_ipi(void)
{
	take_interrupts();
	rt_start_cpu(1, partner);
	run(ipi_batch, TRIPS);
}
