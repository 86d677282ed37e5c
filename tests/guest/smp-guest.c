// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two and more processors: INIT and SIPI, IPIs of all kinds, HLT woken from outside, NMIs, and what
 * they see of each other's memory.
 */
#include "apic.h"
#include "rt.h"

static volatile u64 count[GUEST_MAX_CPUS][256];
static volatile u32 ready, go, finished;
static volatile u64 word;

static void counted(struct frame *f)
{
	count[this_cpu()->id][f->vector]++;
	apic_eoi();
}

static void nmi(struct frame *f)
{
	count[this_cpu()->id][f->vector]++;
}

static void add(volatile u32 *v, u32 n)
{
	asm volatile("lock addl %1, %0" : "+m"(*v) : "r"(n) : "memory");
}

static void use_xapic(void)
{
	apic_enable();
}

/* ---- start ---- */

static void ap_up(void)
{
	check_eq("APIC ID", apic_read(APIC_ID) >> (apic_is_x2() ? 0 : 24), this_cpu()->id);
	check_eq("BSP bit", rdmsr(MSR_APIC_BASE) & APIC_BASE_BSP, 0);
	add(&finished, 1);
}

void start_one(void)
{
	use_xapic();
	rt_start_cpu(1, ap_up);
	check("the CPU ran", wait_for(finished == 1, 10));
	check_eq("BSP bit of the first", rdmsr(MSR_APIC_BASE) & APIC_BASE_BSP, APIC_BASE_BSP);
}

void start_all(void)
{
	u32 i;

	use_xapic();
	for (i = 1; i < params->cpus; i++)
		rt_start_cpu(i, ap_up);
	check("all ran", wait_for(finished == params->cpus - 1, 20));
}

static void ap_up_x2(void)
{
	x2apic_enable();
	ap_up();
}

void start_x2apic(void)
{
	x2apic_enable();
	rt_start_cpu(1, ap_up_x2);
	check("the CPU ran", wait_for(finished == 1, 10));
}

/* INIT stops a running CPU; after SIPI it starts from the beginning, in reset state. */
static void ap_spin(void)
{
	cli();
	write_cr0(read_cr0() | 8);
	write_cr8(3);
	wrmsr(0xc0000102, 0x1234);
	add(&ready, 1);
	for (;;) {
		word++;
		pause();
	}
}

static void ap_again(void)
{
	check_eq("CR0.TS after INIT", read_cr0() & 8, 0);
	check_eq("CR8 after INIT", read_cr8(), 0);
	check_eq("SVR after INIT", apic_read(APIC_SVR), 0xff);
	check_eq("KernelGSBase, which INIT leaves alone", rdmsr(0xc0000102), 0x1234);
	add(&finished, 1);
}

void init_running(void)
{
	u64 seen;

	use_xapic();
	rt_start_cpu(1, ap_spin);
	check("it spins", wait_for(ready == 1, 10));
	apic_icr(1, ICR_INIT | ICR_ASSERT);
	delay_us(20000);
	seen = word;
	delay_us(5000);
	check_eq("what it counts after INIT", word, seen);
	rt_start_cpu(1, ap_again);
	check("it ran again", wait_for(finished == 1, 10));
}

/* A SIPI without INIT does nothing to a running CPU. */
void sipi_running(void)
{
	u64 seen;
	u32 up;

	use_xapic();
	rt_start_cpu(1, ap_spin);
	check("it spins", wait_for(ready == 1, 10));
	up = rt_cpus[1].up;
	apic_icr(1, ICR_SIPI | ICR_ASSERT | GUEST_TRAMP >> 12);
	delay_us(5000);
	seen = word;
	check("it goes on counting", wait_for(word > seen, 5));
	check_eq("starts", rt_cpus[1].up, up);
}

/* ---- IPIs ---- */

static bool x2;

static void use_apic(void)
{
	if (x2)
		x2apic_enable();
	else
		use_xapic();
}

static void ap_serve(void)
{
	use_apic();
	add(&ready, 1);
	while (!go)
		sti_hlt();
	add(&finished, 1);
}

static void start_servers(void)
{
	u32 i;

	rt_handler[0x40] = counted;
	rt_handler[0x41] = counted;
	rt_handler[2] = nmi;
	use_apic();
	for (i = 1; i < params->cpus; i++)
		rt_start_cpu(i, ap_serve);
	check("all are ready", wait_for(ready == params->cpus - 1, 20));
}

static void stop_servers(void)
{
	go = 1;
	apic_icr(0, ICR_OTHERS | 0x41);
	check("all finished", wait_for(finished == params->cpus - 1, 10));
}

void ipi_physical(void)
{
	u64 i;

	start_servers();
	for (i = 1; i <= 200; i++) {
		apic_icr(1, ICR_FIXED | ICR_ASSERT | 0x40);
		if (!wait_for(count[1][0x40] >= i, 10))
			break;
	}
	check_eq("IPIs to a halted CPU", count[1][0x40], 200);
	check_eq("IPIs to ourselves", count[0][0x40], 0);
	stop_servers();
}

void ipi_logical(void)
{
	start_servers();
	apic_icr(1 << 1, ICR_LOGICAL | 0x40);
	check("logical, flat: CPU 1", wait_for(count[1][0x40] == 1, 10));
	check_eq("and no other", count[2][0x40], 0);
	apic_icr(1 << 1 | 1 << 2, ICR_LOGICAL | 0x40);
	check("CPUs 1 and 2", wait_for(count[1][0x40] == 2 && count[2][0x40] == 1, 10));
	apic_icr(1 << 1 | 1 << 2, ICR_LOGICAL | ICR_LOWEST | 0x40);
	check("lowest priority: one of the two",
	      wait_for(count[1][0x40] + count[2][0x40] == 4, 10));
	delay_us(5000);
	check_eq("not both", count[1][0x40] + count[2][0x40], 4);
	stop_servers();
}

#define HC_SEND_IPI 10
#define EINVAL 22

static void expect_counts(const char *what, u64 one, u64 two)
{
	bool good = wait_for(count[1][0x40] == one && count[2][0x40] == two, 10);

	delay_us(2000);
	check(what, good && count[1][0x40] == one && count[2][0x40] == two && !count[0][0x40]);
}

/* KVM_HC_SEND_IPI: APIC ids from a first one on in two words, and ICR's low half. */
static void send_by_hypercall(void)
{
	u32 r[4];

	cpuid(0x40000001, 0, r);
	if (!(r[0] >> 11 & 1))
		rt_skip("no KVM_FEATURE_PV_SEND_IPI");
	start_servers();
	check_eq("to CPU 1", hypercall(HC_SEND_IPI, 2, 0, 0, 0x40), 1);
	expect_counts("it came there", 1, 0);
	check_eq("to both, and one that isn't there", hypercall(HC_SEND_IPI, 7, 0, 1, 0x40), 2);
	expect_counts("it came to both", 2, 1);
	check_eq("from id 2 on", hypercall(HC_SEND_IPI, 1, 0, 2, 0x40), 1);
	expect_counts("it came to CPU 2", 2, 2);
	check_eq("to nobody", hypercall(HC_SEND_IPI, 0, 0, 1, 0x40), 0);
	check_eq("from the last id on", hypercall(HC_SEND_IPI, ~0ull, ~0ull, ~0ull, 0x40), 0);
	check_eq("a logical destination", hypercall(HC_SEND_IPI, 2, 0, 0, ICR_LOGICAL | 0x40),
		 (u64)-EINVAL);
	check_eq("a shorthand", hypercall(HC_SEND_IPI, 2, 0, 0, ICR_OTHERS | 0x40), (u64)-EINVAL);
	check_eq("an NMI", hypercall(HC_SEND_IPI, 2, 0, 0, ICR_NMI), 1);
	check("it came", wait_for(count[1][2] == 1, 10));
	expect_counts("nothing more", 2, 2);
	stop_servers();
}

void ipi_hypercall(void)
{
	send_by_hypercall();
}

void ipi_hypercall_x2(void)
{
	x2 = true;
	send_by_hypercall();
}

void ipi_shorthand(void)
{
	start_servers();
	apic_icr(0, ICR_OTHERS | 0x40);
	check("all but self", wait_for(count[1][0x40] == 1 && count[2][0x40] == 1, 10));
	sti();
	delay_us(1000);
	cli();
	check_eq("not self", count[0][0x40], 0);
	apic_icr(0, ICR_ALL | 0x40);
	sti();
	check("all and self",
	      wait_for(count[1][0x40] == 2 && count[2][0x40] == 2 && count[0][0x40] == 1, 10));
	apic_icr(0xff, ICR_FIXED | 0x40);
	check("broadcast by ID",
	      wait_for(count[1][0x40] == 3 && count[2][0x40] == 3 && count[0][0x40] == 2, 10));
	cli();
	stop_servers();
}

void ipi_x2apic(void)
{
	x2 = true;
	start_servers();
	apic_icr(1, 0x40);
	check("physical", wait_for(count[1][0x40] == 1, 10));
	apic_icr(1 << 2, ICR_LOGICAL | 0x40);
	check("logical", wait_for(count[2][0x40] == 1, 10));
	apic_icr(0xffffffff, 0x40);
	sti();
	check("broadcast",
	      wait_for(count[0][0x40] == 1 && count[1][0x40] == 2 && count[2][0x40] == 2, 10));
	cli();
	stop_servers();
}

/* NMIs come with interrupts off, one at a time, and wake HLT. */
static void ap_spin_cli(void)
{
	cli();
	add(&ready, 1);
	while (!go)
		pause();
	add(&finished, 1);
}

void nmi_ipi(void)
{
	u64 i;

	rt_handler[2] = nmi;
	use_xapic();
	rt_start_cpu(1, ap_spin_cli);
	check("it spins", wait_for(ready == 1, 10));
	for (i = 1; i <= 50; i++) {
		apic_icr(1, ICR_NMI | ICR_ASSERT);
		if (!wait_for(count[1][2] >= i, 10))
			break;
	}
	check_eq("NMIs with interrupts off", count[1][2], 50);
	go = 1;
	check("it goes on", wait_for(finished == 1, 10));
}

/* Waits for go first: a second SIPI on its way would end HLT on some drivers. */
static void ap_halt_cli(void)
{
	cli();
	add(&ready, 1);
	while (!go)
		pause();
	asm volatile("hlt");
	add(&finished, 1);
}

void nmi_wakes(void)
{
	rt_handler[2] = nmi;
	use_xapic();
	rt_start_cpu(1, ap_halt_cli);
	check("it is about to halt", wait_for(ready == 1, 10));
	go = 1;
	delay_us(20000);
	check_eq("halted", finished, 0);
	apic_icr(1, ICR_FIXED | 0x40);
	delay_us(20000);
	check_eq("an interrupt with IF=0 doesn't wake it", finished, 0);
	apic_icr(1, ICR_NMI | ICR_ASSERT);
	check("an NMI does", wait_for(finished == 1, 10));
	check_eq("NMIs", count[1][2], 1);
}

/* A second NMI waits for IRET of the first, and for all of it. */
static volatile u32 nmi_depth, nmi_deepest;
static volatile u64 nmi_rip;

static void nmi_slow(struct frame *f)
{
	nmi_rip = f->rip;
	if (++nmi_depth > nmi_deepest)
		nmi_deepest = nmi_depth;
	if (++count[0][2] == 1) {
		apic_icr(0, ICR_SELF | ICR_NMI);
		apic_icr(0, ICR_NMI);
		delay_us(2000);
	}
	nmi_depth--;
}

void nmi_blocked(void)
{
	rt_handler[2] = nmi_slow;
	use_xapic();
	apic_icr(0, ICR_NMI);
	check("both came", wait_for(count[0][2] == 2, 5));
	check_eq("never nested", nmi_deepest, 1);
	check("the second came behind IRET", nmi_rip != (uintptr_t)rt_iret);
}

/* ---- NMIs and an interrupt at once ---- */

#define FLAGS_IF 0x200

static volatile u64 order[8], flags[8], ordered;

static void note(struct frame *f)
{
	flags[ordered % 8] = f->rflags;
	order[ordered++ % 8] = f->vector;
	if (f->vector != 2) {
		apic_eoi();
	} else if (ordered == 1) {
		add(&ready, 1);
		wait_for(go, 10);
	}
}

static void ap_spin_sti(void)
{
	use_xapic();
	sti();
	add(&ready, 1);
	while (!finished)
		pause();
	cli();
	add(&finished, 1);
}

static void start_spinner(handler_t nmis, handler_t ipis)
{
	rt_handler[2] = nmis;
	rt_handler[0x40] = ipis;
	use_xapic();
	rt_start_cpu(1, ap_spin_sti);
	check("it spins", wait_for(ready == 1, 10));
}

static void stop_spinner(void)
{
	add(&finished, 1);
	check("it goes on", wait_for(finished == 2, 10));
}

/* While the first is handled another NMI and an IPI arrive: the NMI first, then the IPI. */
void nmi_and_ipi(void)
{
	start_spinner(note, note);
	apic_icr(1, ICR_NMI | ICR_ASSERT);
	check("it is in its handler", wait_for(ready == 2, 10));
	apic_icr(1, ICR_FIXED | ICR_ASSERT | 0x40);
	apic_icr(1, ICR_NMI | ICR_ASSERT);
	delay_us(2000);
	check_eq("what came meanwhile", ordered, 1);
	go = 1;
	check("all came", wait_for(ordered == 3, 10));
	check_eq("second", order[1], 2);
	check("it didn't come into the IPI's handler", flags[1] & FLAGS_IF);
	check_eq("third", order[2], 0x40);
	stop_spinner();
}

/* One NMI in service and one behind it: of two in a row none is lost, nor is the IPI after them. */
void nmi_pairs(void)
{
	u64 i;

	start_spinner(nmi, counted);
	for (i = 1; i <= 100; i++) {
		apic_icr(1, ICR_NMI | ICR_ASSERT);
		apic_icr(1, ICR_NMI | ICR_ASSERT);
		apic_icr(1, ICR_FIXED | ICR_ASSERT | 0x40);
		if (!wait_for(count[1][2] >= 2 * i && count[1][0x40] >= i, 10))
			break;
	}
	check_eq("NMIs", count[1][2], 200);
	check_eq("IPIs", count[1][0x40], 100);
	stop_spinner();
}

/* ---- the IOAPIC ---- */

/* Pins whose lines the host moves, and what it is asked for; see smp.c. */
#define PIN_LEVEL 10
#define LOWER 0
#define RAISE 1
#define PIN_EDGE 11
#define PULSE 3

static bool remote_irr(void)
{
	return ioapic_read(0x10 + 2 * PIN_LEVEL) >> 14 & 1;
}

/* The line stays up until it has been seen three times. */
static void level(struct frame *f)
{
	if (++count[this_cpu()->id][f->vector] == 3)
		rt_sync(LOWER);
	apic_eoi();
}

void ioapic_other_cpu(void)
{
	start_servers();
	ioapic_route(PIN_EDGE, 1, 0x40);
	rt_sync(PULSE);
	check("an edge to CPU 1", wait_for(count[1][0x40] == 1, 10));
	ioapic_route(PIN_EDGE, 2, 0x40);
	rt_sync(PULSE);
	check("an edge to CPU 2", wait_for(count[2][0x40] == 1, 10));
	rt_handler[0x51] = level;
	ioapic_route(PIN_LEVEL, 1, RTE_LEVEL | 0x51);
	rt_sync(RAISE);
	check("a level to CPU 1", wait_for(count[1][0x51] >= 3, 10));
	check("its last EOI", wait_for(!remote_irr(), 10));
	delay_us(2000);
	check_eq("edges to CPU 1", count[1][0x40], 1);
	check_eq("edges to CPU 2", count[2][0x40], 1);
	check_eq("levels to CPU 1", count[1][0x51], 3);
	check_eq("levels to CPU 2", count[2][0x51], 0);
	stop_servers();
}

/* All in their handlers at once: until the first EOI the IOAPIC sends nothing more. */
static volatile u32 inside, lowered;

static void level_of_all(struct frame *f)
{
	count[this_cpu()->id][f->vector]++;
	add(&inside, 1);
	wait_for(lowered, 10);
	apic_eoi();
}

void ioapic_logical(void)
{
	start_servers();
	rt_handler[0x51] = level_of_all;
	ioapic_route(PIN_LEVEL, 1 << 1 | 1 << 2, RTE_LEVEL | RTE_LOGICAL | 0x51);
	rt_sync(RAISE);
	check("both are in their handlers", wait_for(inside == 2, 10));
	check_eq("remote IRR", remote_irr(), 1);
	rt_sync(LOWER);
	lowered = 1;
	check("an EOI", wait_for(!remote_irr(), 10));
	delay_us(5000);
	check_eq("CPU 1", count[1][0x51], 1);
	check_eq("CPU 2", count[2][0x51], 1);
	check_eq("remote IRR afterwards", remote_irr(), 0);
	/* One EOI is enough to have it sent again. */
	rt_sync(RAISE);
	check("once more", wait_for(count[1][0x51] >= 2 && count[2][0x51] >= 2, 10));
	rt_sync(LOWER);
	check("the last EOI", wait_for(!remote_irr(), 10));
	stop_servers();
}

/* Ping-pong: each CPU halts until the other's IPI. */
static void bounce(struct frame *f)
{
	struct cpu *cpu = this_cpu();

	count[cpu->id][f->vector]++;
	apic_eoi();
	if (word < 2000) {
		word++;
		apic_icr(!cpu->id, 0x40);
	}
}

static void ap_bounce(void)
{
	use_xapic();
	add(&ready, 1);
	while (word < 2000)
		sti_hlt();
	add(&finished, 1);
}

void ping_pong(void)
{
	rt_handler[0x40] = bounce;
	rt_handler[0x41] = counted;
	use_xapic();
	rt_start_cpu(1, ap_bounce);
	check("it is ready", wait_for(ready == 1, 10));
	apic_icr(1, 0x40);
	while (word < 2000)
		sti_hlt();
	apic_icr(1, 0x41);
	check("it finished", wait_for(finished == 1, 10));
	check("each got its half", count[0][0x40] >= 999 && count[1][0x40] >= 999);
}

/* Two CPUs flood each other without halting; edge interrupts may merge, none may be lost. */
static void ap_flood(void)
{
	u32 i;

	use_xapic();
	sti();
	add(&ready, 1);
	for (i = 0; i < 5000; i++) {
		apic_icr(0, 0x40);
		word = i;
	}
	cli();
	add(&finished, 1);
	sti();
	check("the last one sent arrives", wait_for(count[1][0x41] > 0, 20));
	cli();
	add(&finished, 1);
}

void flood(void)
{
	u32 i;
	u64 before;

	rt_handler[0x40] = counted;
	rt_handler[0x41] = counted;
	use_xapic();
	rt_start_cpu(1, ap_flood);
	sti();
	for (i = 0; i < 5000; i++)
		apic_icr(1, 0x40);
	check("it finished", wait_for(finished >= 1, 30));
	cli();
	before = count[0][0x40];
	check("we got some", before > 0);
	check("it got some", count[1][0x40] > 0);
	apic_icr(1, 0x41);
	check("and the last", wait_for(finished == 2, 20));
}

/* Locked operations of all CPUs on one word. */
static void ap_count(void)
{
	u32 i;

	add(&ready, 1);
	while (!go)
		pause();
	for (i = 0; i < 100000; i++)
		asm volatile("lock incq %0" : "+m"(word));
	add(&finished, 1);
}

void locked(void)
{
	u32 i;

	use_xapic();
	for (i = 1; i < params->cpus; i++)
		rt_start_cpu(i, ap_count);
	check("all are ready", wait_for(ready == params->cpus - 1, 10));
	go = 1;
	ap_count();
	check("all finished", wait_for(finished == params->cpus, 30));
	check_eq("the sum", word, 100000 * params->cpus);
}

/*
 * TLB shootdown: one CPU changes a page-table entry, tells the other by IPI to flush, and the
 * other must see the new page.
 */
static u8 pages[2][4096] __attribute__((aligned(4096)));
static u64 table[512] __attribute__((aligned(4096)));
#define WINDOW 0x1e00000ull		/* a 2 MiB page that nothing uses */

static void flush(struct frame *f)
{
	count[this_cpu()->id][f->vector]++;
	write_cr3(read_cr3());
	apic_eoi();
}

static volatile u64 wrong;

static void ap_watch(void)
{
	use_xapic();
	add(&ready, 1);
	sti();
	while (!go) {
		u64 epoch = word, seen = *(volatile u8 *)WINDOW;

		if (word == epoch && !(epoch & 1) && seen != (epoch / 2 & 1))
			wrong++;
	}
	cli();
	add(&finished, 1);
}

void shootdown(void)
{
	u64 *pd = (u64 *)(uintptr_t)GUEST_PD;
	u64 i;

	use_xapic();
	rt_handler[0x42] = flush;
	pages[1][0] = 1;
	for (i = 0; i < 512; i++)
		table[i] = (uintptr_t)pages[0] | 3;
	pd[WINDOW >> 21] = (uintptr_t)table | 3;
	write_cr3(read_cr3());
	rt_start_cpu(1, ap_watch);
	check("it watches", wait_for(ready == 1, 10));
	for (i = 1; i <= 300; i++) {
		word++;				/* odd: changing */
		table[0] = (uintptr_t)pages[i & 1] | 3;
		invlpg(WINDOW);
		apic_icr(1, 0x42);
		if (!wait_for(count[1][0x42] >= i, 10))
			break;
		word++;				/* even: word / 2 & 1 is the page */
	}
	go = 1;
	check("it finished", wait_for(finished == 1, 10));
	check_eq("flushes", count[1][0x42], 300);
	check_eq("stale reads", wrong, 0);
}
