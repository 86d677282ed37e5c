// SPDX-License-Identifier: GPL-2.0-only
/*
 * Round trips to the host, counted in the TSC, which under --icount is instructions: the host's and
 * the guest's. What the guest itself executes around the trip is measured without the trip in the
 * same batch and taken off. The median of the batches leaves out those into which a tick of the
 * host's timer or a switch to another of its threads has fallen, and the allocation of page tables.
 */
#include "apic.h"
#include "exits.h"
#include "rt.h"

#define VECTOR		0x40
#define MSR_TSC_ADJUST	0x3b
#define MSR_SELF_IPI	0x83f
#define HC_POLL_IRQ	1	/* KVM_HC_VAPIC_POLL_IRQ: does nothing, returns 0 */

#define STRING2(x)	#x
#define STRING(x)	STRING2(x)

static u64 costs[BATCHES];
static u64 cursor = TOUCH_BASE;	/* of touches */
volatile u64 interrupts;		/* counted by bench_irq */

/* One batch: the instructions of so many round trips. */
typedef u64 (*batch_t)(u32 trips);

/*
 * A batch of a loop around one instruction (or none): @prepare is what comes before it, and is not
 * counted. r8 counts, r9 is the cursor, %2 the operand.
 */
#define LOOP(prepare, insn)								\
	asm volatile("1:\t" prepare "\n\t" insn "\n\tdecl %%r8d\n\tjnz 1b"		\
		     : "+r"(r8), "+r"(r9)						\
		     : "r"(r10)								\
		     : "rax", "rbx", "rcx", "rdx", "memory", "cc")

#define BATCH(name, prepare, insn, operand)						\
static u64 name(u32 trips)								\
{											\
	register u32 r10 asm("r10") = operand;						\
	register u64 r9 asm("r9") = cursor;						\
	register u32 r8 asm("r8") = trips;						\
	u64 start, middle, end;								\
											\
	start = rdtsc();								\
	LOOP(prepare, insn);							\
	middle = rdtsc();								\
	cursor = r9;									\
	r8 = trips;									\
	LOOP(prepare, "");							\
	end = rdtsc();									\
	return (middle - start) - (end - middle);					\
}

BATCH(cpuid_batch, "xorl %%eax, %%eax\n\txorl %%ecx, %%ecx", "cpuid", 0)
BATCH(hypercall_batch, "movl %k2, %%eax", "vmmcall", HC_POLL_IRQ)
BATCH(rdmsr_batch, "movl %k2, %%ecx", "rdmsr", MSR_TSC_ADJUST)
BATCH(wrmsr_batch, "movl %k2, %%ecx\n\txorl %%eax, %%eax\n\txorl %%edx, %%edx", "wrmsr",
	MSR_TSC_ADJUST)
BATCH(pio_batch, "movl %k2, %%edx", "inb %%dx, %%al", (u32)params->arg[0])
BATCH(mmio_batch, "movl %k2, %%edx", "movl (%%rdx), %%eax", (u32)params->arg[0])
BATCH(ipi_batch, "movl %k2, %%ecx\n\tmovl $" STRING(VECTOR) ", %%eax\n\txorl %%edx, %%edx", "wrmsr",
	MSR_SELF_IPI)
BATCH(read_batch, "addq $4096, %%r9", "movb -4096(%%r9), %%al", 0)
BATCH(write_batch, "addq $4096, %%r9", "movb %%al, -4096(%%r9)", 0)
BATCH(huge_batch, "addq $0x200000, %%r9", "movb -0x200000(%%r9), %%al", 0)

/* ---- interrupts ---- */

/* A handler as short as can be, so that the row is the host's: so many instructions. */
#define HANDLER_INSNS	12
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
	sti();
}

static u64 self_ipi_batch(u32 trips)
{
	u64 before = interrupts, cost = ipi_batch(trips);

	check_eq("interrupts of a batch", interrupts - before, trips);
	return cost - trips * HANDLER_INSNS;
}

/* The guest waits for the deadline in a loop of three instructions, which are taken off. */
#define AHEAD		20000	/* instructions; more than arming takes */
#define SPIN_INSNS	3

static u64 deadline_batch(u32 trips)
{
	u64 cost = 0;

	for (; trips; trips--) {
		u64 seen = interrupts, spins = 0, start = rdtsc();

		wrmsr(MSR_TSC_DEADLINE, start + AHEAD);
		asm volatile("1:\tincq %0\n\tcmpq %1, interrupts\n\tje 1b"
			     : "+r"(spins) : "r"(seen) : "memory", "cc");
		cost += rdtsc() - start - spins * SPIN_INSNS - HANDLER_INSNS;
	}
	return cost;
}

/* ---- rows ---- */

static void run(batch_t batch, u32 trips)
{
	unsigned int i, j;
	u64 cost;

	batch(trips);			/* what is there only the first time */
	for (i = 0; i < BATCHES; i++) {
		cost = batch(trips);
		for (j = i; j && costs[j - 1] > cost; j--)
			costs[j] = costs[j - 1];
		costs[j] = cost;
	}
	check("a round trip takes instructions", costs[0] && costs[0] < 1ull << 32);
	params->result[RESULT_MEDIAN] = costs[BATCHES / 2];
	params->result[RESULT_TRIPS] = trips;
}

void bench_cpuid(void)
{
	run(cpuid_batch, TRIPS);
}

void bench_hypercall(void)
{
	run(hypercall_batch, TRIPS);
}

void bench_rdmsr(void)
{
	run(rdmsr_batch, TRIPS);
}

void bench_wrmsr(void)
{
	run(wrmsr_batch, TRIPS);
}

/* The port is the row's. */
void bench_port(void)
{
	run(pio_batch, TRIPS);
}

/* So is the address. */
void bench_mmio(void)
{
	run(mmio_batch, TRIPS);
}

void bench_self_ipi(void)
{
	take_interrupts();
	run(self_ipi_batch, TRIPS);
}

void bench_deadline(void)
{
	take_interrupts();
	apic_write(APIC_LVT_TIMER, LVT_DEADLINE | VECTOR);
	run(deadline_batch, TRIPS_LONG);
}

void bench_touch_read(void)
{
	run(read_batch, TRIPS);
}

void bench_touch_write(void)
{
	run(write_batch, TRIPS);
}

void bench_touch_huge(void)
{
	run(huge_batch, TRIPS_HUGE);
}
