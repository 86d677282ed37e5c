// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions that the CPU or the driver raises in the guest, software interrupts, delivery through
 * memory that the host has not given yet, debugging, prefixed instructions.
 */
#include "apic.h"
#include "rt.h"

#define WINDOW 0x1e00000ull		/* a 2 MiB page for page-table tests */
#define FRESH 0x1400000ull		/* memory that nothing has touched yet */

static u64 table[512] __attribute__((aligned(4096)));

/* A page table for WINDOW; all its pages are mapped to themselves. */
static u64 *window_table(void)
{
	u64 *pd = (u64 *)(uintptr_t)GUEST_PD;
	unsigned int i;

	for (i = 0; i < 512; i++)
		table[i] = (WINDOW + i * 4096) | 7;
	pd[WINDOW >> 21] = (uintptr_t)table | 7;
	write_cr3(read_cr3());
	return table;
}

void basic(void)
{
	u64 v = 0;

	check_trap("UD2", TRY("ud2", NONE, NONE), 6, 0);
	check_trap("DIV by 0",
		   TRY("xorl %%edx, %%edx; divl %1", ARGS("+a"(v)), ARGS("r"(0)), "rdx"), 0, 0);
	check_trap("INT3", TRY("int3", NONE, NONE), 3, 0);
	check_trap("INT n beyond the IDT's gates", TRY("int $0x21", NONE, NONE), NO_TRAP, 0);
	check_eq("vector 0x21", this_cpu()->irqs[0x21], 1);
	check_trap("a non-canonical address",
		   TRY("movq (%0), %%rax", NONE, ARGS("r"(0x8000000000000000)), "rax"), 13, 0);
}

void breakpoint_rip(void)
{
	extern u8 bp_after[], int_after[];
	struct trap t;

	t = TRY("int3\n.globl bp_after\nbp_after:", NONE, NONE);
	check_eq("INT3: vector", t.vector, 3);
	check_eq("INT3: RIP is behind it", t.rip, (uintptr_t)bp_after);
	t = TRY("int $3\n.globl int_after\nint_after:", NONE, NONE);
	check_eq("INT 3: vector", t.vector, 3);
	check_eq("INT 3: RIP is behind it", t.rip, (uintptr_t)int_after);
}

/* A trap like INT3, but its exit on VMX leaves RIP on it. QEMU takes it for its own debugger's. */
void int1(void)
{
	extern u8 int1_after[];
	struct trap t;

	if (!is_intel())
		rt_skip("not an Intel processor");
	t = TRY(".byte 0xf1\n.globl int1_after\nint1_after:", NONE, NONE);
	check_eq("INT1: vector", t.vector, 1);
	check_eq("INT1: RIP is behind it", t.rip, (uintptr_t)int1_after);
}

void fault_rip(void)
{
	extern u8 ud_at[], gp_at[];
	struct trap t;

	t = TRY("\n.globl ud_at\nud_at: ud2", NONE, NONE);
	check_eq("UD2: RIP is at it", t.rip, (uintptr_t)ud_at);
	t = TRY("\n.globl gp_at\ngp_at: rdmsr", NONE, ARGS("c"(0x12345678)), "rax", "rdx");
	check_eq("RDMSR: RIP is at it", t.rip, (uintptr_t)gp_at);
	check_eq("RDMSR: vector", t.vector, 13);
}

/* ---- page faults ---- */

void page_fault(void)
{
	volatile u8 *window = (volatile u8 *)WINDOW;
	u64 *pte = window_table();
	struct trap t = { 0 };

	window[0x1000] = 1;
	pte[1] = 0;
	invlpg(WINDOW + 0x1000);
	t = TRY("movb (%0), %%al", NONE, ARGS("r"(WINDOW + 0x1234)), "rax");
	check_trap("read, not present", t, 14, 0);
	check_eq("CR2", t.cr2, WINDOW + 0x1234);
	t = TRY("movb %%al, (%0)", NONE, ARGS("r"(WINDOW + 0x1678)));
	check_trap("write, not present", t, 14, 2);
	check_eq("CR2", t.cr2, WINDOW + 0x1678);
	pte[1] = (WINDOW + 0x1000) | 5;
	invlpg(WINDOW + 0x1000);
	check_eq("read of a read-only page", window[0x1000], 1);
	check_trap("write of a read-only page",
		   TRY("movb %%al, (%0)", NONE, ARGS("r"(WINDOW + 0x1000))), 14, 3);
	write_cr0(read_cr0() & ~(1ull << 16));
	check_trap("the same with CR0.WP=0", TRY("movb $2, (%0)", NONE, ARGS("r"(WINDOW + 0x1000))),
		   NO_TRAP, 0);
	write_cr0(read_cr0() | 1 << 16);
	check_eq("what was written", window[0x1000], 2);
	pte[1] = (WINDOW + 0x1000) | 7 | 1ull << 50;
	invlpg(WINDOW + 0x1000);
	t = TRY("movb (%0), %%al", NONE, ARGS("r"(WINDOW + 0x1000)), "rax");
	check_eq("a reserved bit: exception", t.vector, 14);
	check_eq("a reserved bit: error code", t.error | 1, 9);	/* QEMU's CPU forgets P */
	pte[1] = (WINDOW + 0x1000) | 7;
	invlpg(WINDOW + 0x1000);
	check_trap("mapped again", TRY("movb (%0), %%al", NONE, ARGS("r"(WINDOW + 0x1000)), "rax"),
		   NO_TRAP, 0);
}

void no_execute(void)
{
	u64 *pte = window_table(), efer = rdmsr(0xc0000080);
	u8 *code = (u8 *)WINDOW;
	u32 r[4];

	cpuid(0x80000001, 0, r);
	if (!(r[3] >> 20 & 1))
		rt_skip("no NX");
	code[0x3000] = 0xc3;		/* ret */
	check_trap("call", TRY("call *%0", NONE, ARGS("r"(WINDOW + 0x3000))), NO_TRAP, 0);
	wrmsr(0xc0000080, efer | 1 << 11);
	pte[3] = (WINDOW + 0x3000) | 7 | 1ull << 63;
	invlpg(WINDOW + 0x3000);
	check_eq("read of a no-execute page", code[0x3000], 0xc3);
	/* The stack keeps the return address that was pushed: drop it. */
	check_trap("call into a no-execute page",
		   TRY("movq %%rsp, %%rbx\n\tjmp *%0", NONE, ARGS("r"(WINDOW + 0x3000)), "rbx"), 14,
		   0x11);
	wrmsr(0xc0000080, efer);
}

void accessed_dirty(void)
{
	volatile u8 *window = (volatile u8 *)WINDOW;
	volatile u64 *pte = window_table();

	(void)window[0x5000];
	check_eq("after a read", pte[5] & 0x60, 0x20);
	check_eq("untouched", pte[6] & 0x60, 0);
	window[0x5000] = 1;
	check_eq("after a write", pte[5] & 0x60, 0x60);
}

/*
 * Every access of a page walk and of the data hits memory that the host has not backed yet: the
 * driver must resolve each without the guest noticing.
 */
void fresh_memory(void)
{
	volatile u64 *p = (volatile u64 *)FRESH;
	u64 i, sum = 0;

	for (i = 0; i < 512; i++)
		sum += p[i * 512];
	check_eq("fresh pages are zero", sum, 0);
	for (i = 0; i < 512; i++)
		p[i * 512 + 1] = i;
	for (i = 0; i < 512; i++)
		sum += p[i * 512 + 1];
	check_eq("what was written", sum, 511 * 512 / 2);
}

/* ---- delivery through memory that isn't there yet ---- */

#define FRESH_STACK	(FRESH + 0x403000)

static volatile u64 count[256];

static void counted(struct frame *f)
{
	count[f->vector]++;
	if (f->vector >= 32)
		apic_eoi();
}

static void counted_soft(struct frame *f)
{
	count[f->vector]++;
}

static void one_interrupt(void)
{
	asm volatile("sti; nop; nop; cli");
}

/*
 * A handler's stack by IST on pages of the host's that don't exist: a nested page fault in
 * delivery.
 */
void deliver_interrupt_fresh_stack(void)
{
	unsigned int i;

	apic_enable();
	rt_handler[0x40] = counted;
	rt_idt[0x40].ist = 1;
	for (i = 0; i < 64; i++) {
		rt_tss(0)->ist[0] = FRESH_STACK + i * 0x2000 + 0x1000;
		apic_icr(0, ICR_SELF | 0x40);
		one_interrupt();
		if (count[0x40] != i + 1)
			break;
	}
	check_eq("interrupts, each on a stack never touched", count[0x40], 64);
}

void deliver_exception_fresh_stack(void)
{
	unsigned int i;

	rt_idt[14].ist = 1;
	rt_idt[6].ist = 1;
	rt_idt[13].ist = 1;
	window_table()[7] = 0;
	invlpg(WINDOW + 0x7000);
	for (i = 0; i < 32; i++) {
		u64 v;

		rt_tss(0)->ist[0] = FRESH_STACK + i * 0x6000 + 0x1000;
		check_trap("UD2", TRY("ud2", NONE, NONE), 6, 0);
		rt_tss(0)->ist[0] += 0x2000;
		check_trap("page fault", TRY("movb %%al, (%0)", NONE, ARGS("r"(WINDOW + 0x7777))),
			   14, 2);
		check_eq("CR2", this_cpu()->trap.cr2, WINDOW + 0x7777);
		rt_tss(0)->ist[0] += 0x2000;
		check_trap("RDMSR", try_rdmsr(0x12345678, &v), 13, 0);
	}
}

/* Software interrupts: delivery must restart with the right return address. */
void deliver_soft_fresh_stack(void)
{
	extern u8 soft3_after[];
	struct trap t;
	unsigned int i;

	rt_handler[0x80] = counted_soft;
	rt_idt[0x80].ist = 1;
	rt_idt[3].ist = 1;
	for (i = 0; i < 32; i++) {
		rt_tss(0)->ist[0] = FRESH_STACK + i * 0x4000 + 0x1000;
		asm volatile("int $0x80" ::: "memory");
		check_eq("INT 0x80", count[0x80], i + 1);
		rt_tss(0)->ist[0] += 0x2000;
		t = TRY("int3\n.globl soft3_after\nsoft3_after:", NONE, NONE);
		check_eq("INT3: vector", t.vector, 3);
		check_eq("INT3: RIP", t.rip, (uintptr_t)soft3_after);
	}
}

/* NMIs too. */
void deliver_nmi_fresh_stack(void)
{
	unsigned int i;

	apic_enable();
	rt_handler[2] = counted_soft;
	rt_idt[2].ist = 1;
	for (i = 0; i < 32; i++) {
		rt_tss(0)->ist[0] = FRESH_STACK + i * 0x2000 + 0x1000;
		apic_icr(0, ICR_NMI);
		asm volatile("nop; nop");
		wait_for(count[2] == i + 1, 5);
		check_eq("NMIs", count[2], i + 1);
	}
}

/*
 * What delivery reads and writes besides (IDT, GDT, TSS, page tables, stack), one after another:
 * rt_sync() has the host unmap that page, keeping its content.
 */
static u8 ist_stack[4096] __attribute__((aligned(4096)));

void deliver_unmapped(void)
{
	const u64 page[] = {
		(uintptr_t)rt_idt,    GUEST_GDT, GUEST_TSS, GUEST_PML4, GUEST_PDPT, GUEST_PD,
		(uintptr_t)ist_stack,
	};
	unsigned int i, round = 0, repeat;

	apic_enable();
	rt_handler[0x40] = counted;
	rt_handler[0x80] = counted_soft;
	rt_tss(0)->ist[0] = (uintptr_t)ist_stack + sizeof(ist_stack);
	rt_idt[0x40].ist = 1;
	rt_idt[0x80].ist = 1;
	rt_idt[6].ist = 1;
	rt_idt[14].ist = 1;
	window_table()[7] = 0;
	for (repeat = 0; repeat < 3; repeat++) {
		for (i = 0; i < sizeof(page) / sizeof(page[0]); i++) {
			round++;
			rt_sync(page[i]);
			apic_icr(0, ICR_SELF | 0x40);
			rt_sync(page[i]);
			one_interrupt();
			check_eq("interrupts", count[0x40], round);
			rt_sync(page[i]);
			asm volatile("int $0x80" ::: "memory");
			check_eq("INT 0x80", count[0x80], round);
			rt_sync(page[i]);
			check_trap("UD2", TRY("ud2", NONE, NONE), 6, 0);
			invlpg(WINDOW + 0x7000);
			rt_sync(page[i]);
			check_trap("page fault",
				   TRY("movb (%0), %%al", NONE, ARGS("r"(WINDOW + 0x7123)), "rax"),
				   14, 0);
			check_eq("CR2", this_cpu()->trap.cr2, WINDOW + 0x7123);
		}
	}
}

/* A page fault in delivering a page fault that the guest itself must handle: #DF. */
void double_fault(void)
{
	static u8 stack[8192] __attribute__((aligned(4096)));
	u64 *pte = window_table();
	struct trap t = { 0 };

	pte[9] = 0;
	pte[8] = 0;
	invlpg(WINDOW + 0x8000);
	invlpg(WINDOW + 0x9000);
	rt_tss(0)->ist[0] = WINDOW + 0x9800;	/* #PF's stack isn't mapped */
	rt_tss(0)->ist[1] = (uintptr_t)stack + sizeof(stack);
	rt_idt[14].ist = 1;
	rt_idt[8].ist = 2;
	t = TRY("movb (%0), %%al", NONE, ARGS("r"(WINDOW + 0x8000)), "rax");
	check_trap("page fault without a stack", t, 8, 0);
	check_eq("CR2", t.cr2, WINDOW + 0x97f8);
}

/* ---- the guest's own page faults in delivery ---- */

#define HOLE (WINDOW + 0x9000) /* a stack whose page comes with its #PF */
#define SEL_ABSENT (SEL_TSS + 16) /* instead of the next CPU's TSS */

static struct frame hole_fault;
static volatile u64 hole_faults, hole_cr2;

static void map_hole(struct frame *f)
{
	hole_fault = *f;
	hole_cr2 = read_cr2();
	hole_faults++;
	table[9] = HOLE | 7;
	invlpg(HOLE);
}

static void hide_hole(void)
{
	table[9] = 0;
	invlpg(HOLE);
	hole_faults = 0;
}

static void check_hole(struct trap t, int vector, u64 error)
{
	check_trap("the exception, delivered", t, vector, error);
	check_eq("page faults before it", hole_faults, 1);
	check_eq("page fault: error code", hole_fault.error, 2);
	check_eq("page fault: CR2", hole_cr2, HOLE + 0x7f8);
	check_eq("page fault: RIP", hole_fault.rip, t.rip);
}

/* All of them on the stack that isn't there; each must come again behind the page fault. */
static void faults_in_hole(u64 host_page)
{
	struct trap t = { 0 };
	u64 v = 0;

	hide_hole();
	rt_sync(host_page);
	t = TRY("xorl %%edx, %%edx; divl %1", ARGS("+a"(v)), ARGS("r"(0)), "rdx");
	check_hole(t, 0, 0);
	hide_hole();
	rt_sync(host_page);
	check_hole(TRY("movw %w0, %%fs", NONE, ARGS("r"(SEL_ABSENT))), 11, SEL_ABSENT);
	hide_hole();
	rt_sync(host_page);
	check_hole(try_rdmsr(0x12345678, &v), 13, 0);
	hide_hole();
	rt_sync(host_page);
	check_hole(TRY("ud2", NONE, NONE), 6, 0);
}

/*
 * Contributory, then #PF: one after the other (SDM vol. 3, table 6-5). The CPU raises #DE and #NP,
 * the driver the others; a page that the host took makes it the driver's to deliver the first two.
 */
void page_fault_in_delivery(void)
{
	static const u8 vectors[] = { 0, 6, 11, 13 };
	unsigned int i;

	window_table();
	((u64 *)(uintptr_t)GUEST_GDT)[SEL_ABSENT / 8] = 0x00cf12000000ffff;
	rt_tss(0)->ist[0] = HOLE + 0x800;
	for (i = 0; i < sizeof(vectors); i++)
		rt_idt[vectors[i]].ist = 1;
	rt_handler[14] = map_hole;
	faults_in_hole(FRESH);
	faults_in_hole((uintptr_t)rt_idt);
	faults_in_hole(GUEST_TSS);
}

/*
 * A second contributory exception is #DF, one behind a benign exception stands for itself. QEMU's
 * CPU doesn't know what it was delivering, nor which entry.
 */
void absent_gates(void)
{
	struct trap t;
	u64 v;

	rt_idt[6].type &= ~0x80;
	t = TRY("ud2", NONE, NONE);
	check_eq("UD2, its gate not present: exception", t.vector, 11);
	if (!is_intel())
		return;
	check_eq("error code: the IDT's entry", t.error & ~1ull, 6 * 8 + 2);
	rt_idt[6].type |= 0x80;
	rt_idt[13].type &= ~0x80;
	check_trap("RDMSR, its #GP's gate not present", try_rdmsr(0x12345678, &v), 8, 0);
}

/* RF is set in the frame of a fault, whoever raises it (SDM vol. 3, 17.3.1.1), not in a trap's. */
void resume_flag(void)
{
	u64 cr0 = read_cr0(), cr4 = read_cr4(), a = 0;

#define check_rf(what, insn, in, want) \
	check_eq(what, (TRY(insn, ARGS("+a"(a)), ARGS(in), "rdx").rflags >> 16) & 1, want)
	check_rf("UD2", "ud2", NONE, 1);
	check_rf("VMRUN without SVM", "vmrun %%rax", NONE, 1);
	check_rf("CR4, a reserved bit", "mov %0, %%cr4", "r"(cr4 | 1ull << 31), 1);
	check_rf("CR0, PG without PE", "mov %0, %%cr0", "r"(cr0 & ~1ull), 1);
	check_rf("RDMSR of an unknown MSR", "rdmsr", "c"(0x12345678), 1);
	check_rf("INT3", "int3", NONE, 0);
#undef check_rf
}

/* ---- privilege ---- */

static volatile u64 user_seen;

static void from_user(struct frame *f)
{
	user_seen = f->cs;
	f->cs = SEL_CODE64;
	f->ss = SEL_DATA;
	f->rflags = 2;
	f->rip = f->rcx;		/* where the caller wants to go on */
	f->rsp = f->rdx;
	this_cpu()->trap.vector = f->vector;
	this_cpu()->trap.error = f->error;
}

/* Run something at CPL 3, with these flags; it must trap. */
#define USER_FLAGS(flags, insn)							\
({										\
	trap_arm();								\
	asm volatile("leaq 774f(%%rip), %%rcx\n\tmovq %%rsp, %%rdx\n\t"		\
		     "pushq %0\n\tpushq %%rdx\n\tpushq %2\n\tpushq %1\n\t"	\
		     "leaq 773f(%%rip), %%rax\n\tpushq %%rax\n\tiretq\n"	\
		     "773:\t" insn "\n\tjmp 773b\n774:"				\
		     :: "i"(SEL_UDATA), "i"(SEL_UCODE64), "i"(flags)		\
		     : "rax", "rbx", "rcx", "rdx", "rsi", "memory", "cc");	\
	this_cpu()->trap;							\
})
#define USER(insn) USER_FLAGS(2, insn)

static void prepare_user(void)
{
	static u8 stack[4096] __attribute__((aligned(16)));
	static const u8 vectors[] = { 0, 3, 6, 13, 14, 0x21 };
	unsigned int i;

	rt_tss(0)->rsp[0] = (uintptr_t)stack + sizeof(stack);
	for (i = 0; i < sizeof(vectors); i++)
		rt_handler[vectors[i]] = from_user;
}

void user_mode(void)
{
	prepare_user();
	check_trap("HLT at CPL 3", USER("hlt"), 13, 0);
	check_eq("CS", user_seen, SEL_UCODE64);
	check_trap("MOV CR0 at CPL 3", USER("movq %%cr0, %%rax"), 13, 0);
	check_trap("OUT at CPL 3", USER("outb %%al, $0x80"), 13, 0);
	check_trap("UD2 at CPL 3", USER("ud2"), 6, 0);
	/* Its error code is 0x10a; QEMU's CPU says 0x212. */
	check_eq("INT 0x21 at CPL 3, gate of DPL 0", USER("int $0x21").vector, 13);
	rt_idt[0x21].type = 0xee;
	check_trap("INT 0x21 at CPL 3, gate of DPL 3", USER("int $0x21"), 0x21, 0);
	check_trap("a kernel page", (window_table()[4] &= ~4ull, invlpg(WINDOW + 0x4000),
				     USER("movb 0x1e04000, %%al")), 14, 5);
	check_trap("VMMCALL at CPL 3", USER("movl $-1, %%eax; vmmcall; ud2"), 6, 0);
	check_trap("RDMSR at CPL 3", USER("rdmsr"), 13, 0);
	check_trap("CLI at CPL 3", USER("cli"), 13, 0);
}

/* ---- debugging ---- */

static void set_dr7(u64 v)
{
	asm volatile("mov %0, %%db7" :: "r"(v));
}

static volatile u64 db_count, db_dr6, db_rip;

static void debug(struct frame *f)
{
	u64 dr6;

	asm volatile("mov %%db6, %0" : "=r"(dr6));
	db_dr6 = dr6;
	db_rip = f->rip;
	db_count++;
	asm volatile("mov %0, %%db6" :: "r"(0xffff0ff0ull));
	f->rflags |= 1 << 16;		/* RF: not again at the same instruction */
	if (db_count > 100)
		f->rflags &= ~0x100ull;
}

void single_step(void)
{
	rt_handler[1] = debug;
	asm volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tnop\n\tnop\n\tnop\n\tpushfq\n\t"
		     "andq $~0x100, (%%rsp)\n\tpopfq\n\tnop" ::: "memory", "cc");
	/* NOP, NOP, NOP, PUSHFQ, AND, POPFQ */
	check_eq("steps", db_count, 6);
	check_eq("DR6.BS", db_dr6 & 0x4000, 0x4000);
	check_eq("TF", read_flags() & 0x100, 0);
}

/* Steps over instructions that exit. */
void single_step_exits(void)
{
	rt_handler[1] = debug;
	asm volatile(
		"pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\t"
		"cpuid\n\toutb %%al, $0x80\n\tinb $0x80, %%al\n\tmovl $0x277, %%ecx\n\trdmsr\n\t"
		"pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq\n\tnop" ::"a"(0),
		"c"(0)
		: "rbx", "rdx", "memory", "cc");
	check_eq("steps", db_count, 8);
	check_eq("DR6.BS", db_dr6 & 0x4000, 0x4000);
}

void breakpoints(void)
{
	extern u8 stop_here[], after_write[];
	static volatile u64 watched, other;

	rt_handler[1] = debug;
	asm volatile("mov %0, %%db0" :: "r"(stop_here));
	set_dr7(0x401);
	asm volatile("nop\n.globl stop_here\nstop_here:\n\tnop" ::: "memory");
	check_eq("execution: hits", db_count, 1);
	check_eq("execution: DR6", db_dr6 & 0xf, 1);
	check_eq("execution: RIP", db_rip, (uintptr_t)stop_here);
	set_dr7(0x400);
	asm volatile("mov %0, %%db1" :: "r"(&watched));
	set_dr7(0x400 | 1 << 2 | 0x9ull << 20);	/* DR1: write, 8 bytes */
	other = 1;
	check_eq("another word: hits", db_count, 1);
	asm volatile("movq $1, %0\n.globl after_write\nafter_write:\n\tnop"
		     : "=m"(watched)::"memory");
	check_eq("write: hits", db_count, 2);
	check_eq("write: DR6", db_dr6 & 0xf, 2);
	check_eq("write: RIP is behind it", db_rip, (uintptr_t)after_write);
	(void)other;
	set_dr7(0x400);
	watched = 3;
	check_eq("switched off: hits", db_count, 2);
}

/* What each #DB found. */
static struct hit {
	u64 rip, dr6, dr7, flags;
} hits[16];
static volatile u32 hit_count;
static bool keep_dr6;

static void record(struct frame *f)
{
	struct hit *h = &hits[hit_count];

	asm volatile("mov %%db6, %0" : "=r"(h->dr6));
	asm volatile("mov %%db7, %0" : "=r"(h->dr7));
	h->rip = f->rip;
	h->flags = f->rflags;
	if (!keep_dr6)
		asm volatile("mov %0, %%db6" ::"r"(0xffff0ff0ull));
	f->rflags |= 1 << 16;
	if (++hit_count == 16)
		rt_dead("too many #DBs, last at", f->rip, h->dr6);
}

static bool among(const u64 *list, u32 n, u64 value)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (list[i] == value)
			return true;
	return false;
}

/* Steps ended at these addresses and nowhere else; QEMU's CPU has none behind STI (sti[]). */
static void check_steps(const u64 *want, u32 steps, const u64 *sti, u32 stis)
{
	u32 i, n = 0;

	for (i = 0; i < hit_count; i++, n++) {
		if (!is_intel() && n < steps && hits[i].rip != want[n] &&
		    among(sti, stis, want[n]))
			n++;
		if (n < steps)
			check_eq("step: RIP", hits[i].rip, want[n]);
		check_eq("step: DR6, BS alone", hits[i].dr6, 0xffff4ff0);
		check_eq("step: RF in its frame", hits[i].flags >> 16 & 1, 0);
	}
	check_eq("steps", n, steps);
	hit_count = 0;
}

/* STI holds no step back, MOV SS does, until behind the next instruction (SDM vol. 3, 6.8.3). */
void single_step_shadows(void)
{
	extern const u64 shadow_steps[10], shadow_sti[2], user_steps[4], user_sti[1];

	rt_handler[1] = record;
	asm volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\t"
		     "sti\n1:\tnop\n2:\tmovl %0, %%ss\n3:\tnop\n4:\tcli\n5:\tsti\n6:\tcpuid\n"
		     "7:\tmovl %0, %%ss\n8:\tcpuid\n9:\tpushfq\n10:\tandq $~0x300, (%%rsp)\n"
		     "11:\tpopfq\n12:\tnop\n\t"
		     ".pushsection .rodata\n\t.balign 8\nshadow_sti:\t.quad 1b, 6b\n"
		     "shadow_steps:\t.quad 1b, 2b, 4b, 5b, 6b, 7b, 9b, 10b, 11b, 12b\n\t"
		     ".popsection" ::"r"(SEL_DATA)
		     : "rax", "rbx", "rcx", "rdx", "memory", "cc");
	check_steps(shadow_steps, 10, shadow_sti, 2);
	prepare_user();
	USER_FLAGS(0x3102, /* IOPL 3, TF */
		   "movl $0x3b, %%esi\n1:\tsti\n2:\tnop\n3:\tmovl %%esi, %%ss\n4:\tnop\n5:\thlt\n\t"
		   ".pushsection .rodata\n\t.balign 8\nuser_sti:\t.quad 2b\n"
		   "user_steps:\t.quad 1b, 2b, 3b, 5b\n\t.popsection");
	check_steps(user_steps, 4, user_sti, 1);
}

/* MOV to or from a debug register under DR7.GD: a fault that turns GD off. */
void general_detect(void)
{
	extern u8 gd_write[], gd_read[];
	u64 v;

	rt_handler[1] = record;
	set_dr7(0x2400);
	asm volatile("\n.globl gd_write\ngd_write:\tmov %0, %%db0" ::"r"(0x1234ull));
	if (!hit_count && !is_intel())
		rt_skip("QEMU's CPU has no DR7.GD");
	check_eq("MOV to DR0: hits", hit_count, 1);
	check_eq("MOV to DR0: RIP is at it", hits[0].rip, (uintptr_t)gd_write);
	check_eq("MOV to DR0: DR6, BD alone", hits[0].dr6, 0xffff2ff0);
	check_eq("MOV to DR0: DR7 in the handler", hits[0].dr7, 0x400);
	asm volatile("mov %%db0, %0" : "=r"(v));
	check_eq("MOV to DR0: done afterwards", v, 0x1234);
	set_dr7(0x2400);
	out8(PORT_TEST, 0); /* an exit: the driver has the debug registers again */
	asm volatile("\n.globl gd_read\ngd_read:\tmov %%db7, %0" : "=r"(v));
	check_eq("MOV from DR7: hits", hit_count, 2);
	check_eq("MOV from DR7: RIP is at it", hits[1].rip, (uintptr_t)gd_read);
	check_eq("MOV from DR7: DR6, BD alone", hits[1].dr6, 0xffff2ff0);
	check_eq("MOV from DR7: GD is off", v, 0x400);
}

/* Steps: NOP, PUSHFQ, AND, POPFQ */
static void __attribute__((noinline)) steps(void)
{
	asm volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tnop\n\tpushfq\n\t"
		     "andq $~0x100, (%%rsp)\n\tpopfq\n\tnop" ::
			     : "memory", "cc");
}

/* A #DB sets B0-B3 anew and leaves what else DR6 has (SDM vol. 3, 17.2.3; APM vol. 2, 13.1.1.3). */
void dr6_over_hits(void)
{
	extern u8 dr6_stop0[], dr6_stop1[];
	static const u64 want[] = {
		0xffff4ff0, 0xffff4ff0, 0xffff4ff0, 0xffff4ff0, /* steps */
		0xffff4ff2, 0xffff4ff1, /* DR1, DR0 */
		0xffff4ff0, 0xffff4ff0, 0xffff4ff0, 0xffff4ff0, /* steps */
	};
	u32 i;

	rt_handler[1] = record;
	keep_dr6 = true;
	asm volatile("mov %0, %%db0; mov %1, %%db1" ::"r"(dr6_stop0), "r"(dr6_stop1));
	set_dr7(0x40a);
	steps();
	asm volatile("nop\n.globl dr6_stop1\ndr6_stop1:\tnop\n\t"
		     "nop\n.globl dr6_stop0\ndr6_stop0:\tnop" ::
			     : "memory");
	steps();
	set_dr7(0x400);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		check_eq("DR6", hits[i].dr6, want[i]);
	check_eq("hits", hit_count, i);
}

void debug_registers(void)
{
	u64 v[4], dr6, dr7;

	asm volatile("mov %%db6, %0" : "=r"(dr6));
	asm volatile("mov %%db7, %0" : "=r"(dr7));
	check_eq("DR6 at reset", dr6, 0xffff0ff0);
	check_eq("DR7 at reset", dr7, 0x400);
	asm volatile("mov %0, %%db0; mov %1, %%db1; mov %2, %%db2; mov %3, %%db3"
		     :: "r"(0x1111ull), "r"(0x2222ull), "r"(0x3333ull), "r"(0x4444ull));
	/* Exits in between, and time for the host to do other things. */
	out8(PORT_TEST, 1);
	delay_us(5000);
	asm volatile("mov %%db0, %0; mov %%db1, %1; mov %%db2, %2; mov %%db3, %3"
		     : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3]));
	check_eq("DR0", v[0], 0x1111);
	check_eq("DR1", v[1], 0x2222);
	check_eq("DR2", v[2], 0x3333);
	check_eq("DR3", v[3], 0x4444);
	set_dr7(0x4aa);
	asm volatile("mov %%db7, %0" : "=r"(dr7));
	check_eq("DR7", dr7, 0x4aa);
	set_dr7(0x400);
}

/* ---- prefixes and lengths: the driver must know how long what exited was ---- */

extern u8 prefixed_start[], prefixed_end[];
asm("prefixed_start:\n\t"
	".byte 0x66, 0x0f, 0xa2\n\t"		/* data16 cpuid */
	".byte 0x48, 0x0f, 0xa2\n\t"		/* rex.w cpuid */
	".byte 0x66, 0x66, 0x48, 0x0f, 0xa2\n\t"
	".byte 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0x66, 0x67, 0x4f, 0x0f, 0xa2\n\t"
	"movl $0x277, %ecx\n\t"
	".byte 0x66, 0x0f, 0x32\n\t"		/* data16 rdmsr */
	".byte 0x48, 0x0f, 0x32\n\t"
	".byte 0x48, 0x0f, 0x30\n\t"		/* rex.w wrmsr */
	"movl $-1, %eax\n\t"
	".byte 0x66, 0x0f, 0x01, 0xd9\n\t"		/* data16 vmmcall */
	"movl $-1, %eax\n\t"
	".byte 0x48, 0x0f, 0x01, 0xd9\n\t"
	".byte 0x48, 0x0f, 0x31\n\t"		/* rex.w rdtsc */
	".byte 0x66, 0xe4, 0x80\n\t"		/* data16 in $0x80, %al */
	".byte 0x48, 0xe6, 0x80\n\t"		/* rex.w out %al, $0x80 */
	".byte 0x48, 0xe5, 0x80\n\t"		/* rex.w in $0x80, %eax */
	".byte 0x0f, 0x08\n\t"			/* invd */
	".byte 0x66, 0x0f, 0x09\n\t"		/* data16 wbinvd */
	"ret\n"
	"prefixed_end:");

static u64 call_code(u64 at)
{
	u64 ret = 0;

	asm volatile("call *%1" : "=a"(ret) : "r"(at), "a"(0), "c"(0)
		     : "rbx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
	return ret;
}

void prefixed(void)
{
	struct trap t = { 0 };

	t = TRY("xorl %%eax, %%eax; xorl %%ecx, %%ecx; call *%0", NONE, ARGS("r"(prefixed_start)),
		"rax", "rbx", "rcx", "rdx");
	check_trap("every instruction's length was known", t, NO_TRAP, 0);
}

/* The same instructions across a page boundary, the second page mapped and not. */
static void at_page_end(const u8 *insn, u32 bytes)
{
	u8 *end = (u8 *)WINDOW + 0x11000;
	u32 i;

	for (i = 0; i <= bytes; i++) {
		memcpy(end - i, insn, bytes);
		end[(int)(bytes - i)] = 0xc3;
		call_code((uintptr_t)end - i);
	}
	check_eq("bytes before the boundary, all tried", i, bytes + 1);
}

void page_ends(void)
{
	static const u8 cpuid_insn[] = { 0x66, 0x48, 0x0f, 0xa2 };
	static const u8 out_insn[] = { 0x66, 0xe7, 0x80 };
	static const u8 vmmcall_insn[] = { 0x0f, 0x01, 0xd9 };
	u64 *pte = window_table();

	at_page_end(cpuid_insn, sizeof(cpuid_insn));
	at_page_end(out_insn, sizeof(out_insn));
	at_page_end(vmmcall_insn, sizeof(vmmcall_insn));
	/* Last bytes of a page before one that isn't mapped: nothing beyond may be read. */
	pte[0x11] = 0;
	invlpg(WINDOW + 0x11000);
	memcpy((u8 *)WINDOW + 0x11000 - 2, "\x0f\xa2", 2);
	check_trap("CPUID as the last bytes of a page",
		   TRY("xorl %%eax, %%eax\n\tjmp *%0", NONE, ARGS("r"(WINDOW + 0x11000 - 2)), "rax",
		       "rbx", "rcx", "rdx"),
		   14, 0);
	check_eq("the fault is at the next page", this_cpu()->trap.cr2, WINDOW + 0x11000);
	check_eq("RIP", this_cpu()->trap.rip, WINDOW + 0x11000);
}

/* ---- code and tables that change: what the driver remembers of them must not be used ---- */

/* CPUID, two bytes long and three. Taken for the other, each ends in an exception. */
static const u8 plain_cpuid[] = { 0x0f, 0xa2, 0xc3, 0x0f, 0x0b };
static const u8 rex_cpuid[] = { 0x48, 0x0f, 0xa2, 0xc3, 0x0f, 0x0b };
#define PLAIN	(WINDOW + 0x20000)	/* pages that hold them */
#define REX	(WINDOW + 0x21000)
#define CODE	(WINDOW + 0x30000)	/* where one or the other is mapped */
#define DATA	(WINDOW + 0x31000)
#define ENTRY(address) ((address) >> 12 & 511)
#define TIMES	4

static struct trap try_code(u64 at)
{
	return TRY("xorl %%eax, %%eax\n\txorl %%ecx, %%ecx\n\tcall *%0", NONE, ARGS("r"(at)),
		   "rax", "rbx", "rcx", "rdx");
}

void code_rewritten(void)
{
	u32 i;

	window_table();
	for (i = 0; i < TIMES; i++) {
		memcpy((void *)CODE, plain_cpuid, sizeof(plain_cpuid));
		check_trap("two bytes", try_code(CODE), NO_TRAP, 0);
		memcpy((void *)CODE, rex_cpuid, sizeof(rex_cpuid));
		check_trap("three bytes", try_code(CODE), NO_TRAP, 0);
	}
}

static u64 *prepare_code(void)
{
	u64 *pte = window_table();

	memcpy((void *)PLAIN, plain_cpuid, sizeof(plain_cpuid));
	memcpy((void *)REX, rex_cpuid, sizeof(rex_cpuid));
	return pte;
}

void code_remapped(void)
{
	u64 *pte = prepare_code();
	u32 i;

	for (i = 0; i < TIMES; i++) {
		pte[ENTRY(CODE)] = PLAIN | 7;
		invlpg(CODE);
		check_trap("two bytes", try_code(CODE), NO_TRAP, 0);
		check_trap("again", try_code(CODE), NO_TRAP, 0);
		pte[ENTRY(CODE)] = REX | 7;
		invlpg(CODE);
		check_trap("three bytes", try_code(CODE), NO_TRAP, 0);
		check_trap("again", try_code(CODE), NO_TRAP, 0);
	}
}

/* Another table under the same address, by a change of the entry above it, and by another root. */
void code_tables_switched(void)
{
	static u64 other[512] __attribute__((aligned(4096)));
	static u64 root[512] __attribute__((aligned(4096)));
	static u64 pdpt[512] __attribute__((aligned(4096)));
	static u64 directory[512] __attribute__((aligned(4096)));
	u64 *pte = prepare_code(), *pd = (u64 *)(uintptr_t)GUEST_PD, cr3 = read_cr3();
	u32 i;

	pte[ENTRY(CODE)] = PLAIN | 7;
	memcpy(other, pte, sizeof(other));
	other[ENTRY(CODE)] = REX | 7;
	for (i = 0; i < TIMES; i++) {
		pd[WINDOW >> 21] = (uintptr_t)pte | 7;
		invlpg(CODE);
		check_trap("two bytes", try_code(CODE), NO_TRAP, 0);
		pd[WINDOW >> 21] = (uintptr_t)other | 7;
		invlpg(CODE);
		check_trap("three bytes", try_code(CODE), NO_TRAP, 0);
	}
	memcpy(root, (void *)(uintptr_t)GUEST_PML4, sizeof(root));
	memcpy(pdpt, (void *)(uintptr_t)GUEST_PDPT, sizeof(pdpt));
	memcpy(directory, pd, sizeof(directory));
	root[0] = (uintptr_t)pdpt | 7;
	pdpt[0] = (uintptr_t)directory | 7;
	directory[WINDOW >> 21] = (uintptr_t)pte | 7;
	for (i = 0; i < TIMES; i++) {
		write_cr3((uintptr_t)root);
		check_trap("two bytes, another root", try_code(CODE), NO_TRAP, 0);
		write_cr3(cr3);
		check_trap("three bytes, the first root", try_code(CODE), NO_TRAP, 0);
	}
}

static u64 load(u64 at, u64 from)
{
	u64 value = -1;

	asm volatile("call *%2" : "+a"(value), "+d"(from) : "r"(at) : "memory", "cc");
	return value;
}

/* A device's register, read by instructions that change and through a page that changes. */
void device_remapped(void)
{
	static const u8 load_4[] = { 0x8b, 0x02, 0xc3 };		/* movl (%rdx), %eax */
	static const u8 load_1[] = { 0x0f, 0xb6, 0x02, 0xc3 };		/* movzbl (%rdx), %eax */
	static const u8 load_next[] = { 0x8b, 0x42, 0x04, 0xc3 };	/* movl 4(%rdx), %eax */
	u64 *pte = window_table(), from = DATA + APIC_VERSION;
	u32 version, i;

	apic_enable();
	version = apic_read(APIC_VERSION);
	*(u32 *)(PLAIN + APIC_VERSION) = 0x12345678;
	for (i = 0; i < TIMES; i++) {
		pte[ENTRY(DATA)] = GUEST_MMIO | 7;
		invlpg(DATA);
		memcpy((void *)CODE, load_4, sizeof(load_4));
		check_eq("four bytes", load(CODE, from), 0x43424140);
		memcpy((void *)CODE, load_1, sizeof(load_1));
		check_eq("one byte", load(CODE, from), 0x40);
		memcpy((void *)CODE, load_next, sizeof(load_next));
		check_eq("the next four", load(CODE, from), 0x47464544);
		memcpy((void *)CODE, load_4, sizeof(load_4));
		check_eq("the first four", load(CODE, from), 0x43424140);
		pte[ENTRY(DATA)] = APIC | 7;
		invlpg(DATA);
		check_eq("another device", load(CODE, from), version);
		pte[ENTRY(DATA)] = PLAIN | 7;
		invlpg(DATA);
		check_eq("memory", load(CODE, from), 0x12345678);
	}
}

/* ---- hypercalls ---- */

void hypercalls(void)
{
	check_eq("KVM_HC_VAPIC_POLL_IRQ", hypercall(1, 0, 0, 0, 0), 0);
	check_eq("unknown, 12345", hypercall(12345, 0, 0, 0, 0), (u64)-1000);
	check_eq("unknown, -1", hypercall(-1ull, 0, 0, 0, 0), (u64)-1000);
	check_eq("RAX's upper half counts in long mode", hypercall(1ull << 32 | 1, 0, 0, 0, 0),
		 (u64)-1000);
}

/* VMCALL on AMD, VMMCALL on Intel: patched by KVM_X86_QUIRK_FIX_HYPERCALL_INSN, or #UD. */
void hypercall_other_vendor(void)
{
	u64 ret = 1;
	struct trap t =
		TRY("vmcall", ARGS("=a"(ret)), ARGS("a"(1), "b"(0), "c"(0), "d"(0), "S"(0)));

	check("no exception, or #UD", t.vector == NO_TRAP || t.vector == 6);
	if (t.vector == NO_TRAP)
		check_eq("KVM_HC_VAPIC_POLL_IRQ", ret, 0);
}

/* ---- what isn't there ---- */

void missing_instructions(void)
{
	check_trap("VMRUN without SVM", TRY("vmrun %%rax", NONE, ARGS("a"(0))), 6, 0);
	check_trap("VMLOAD without SVM", TRY("vmload %%rax", NONE, ARGS("a"(0))), 6, 0);
	check_trap("STGI without SVM", TRY("stgi", NONE, NONE), 6, 0);
	check_trap("SKINIT", TRY("skinit", NONE, ARGS("a"(0))), 6, 0);
}
