// SPDX-License-Identifier: GPL-2.0-only
/*
 * The least a guest needs: ports, CPUID, MSRs, control registers, HLT.
 */
#include "apic.h"
#include "rt.h"

void nothing(void)
{
	check_eq("CPU number", this_cpu()->id, 0);
}

void ports(void)
{
	io_log->count = 0;
	out8(PORT_TEST, 0x12);
	out16(PORT_TEST + 2, 0x3456);
	out32(PORT_TEST + 4, 0x789abcde);
	check_eq("exits", io_log->count, 3);
	check_eq("1 byte: port", io_log->entry[0].addr, PORT_TEST);
	check_eq("1 byte: bytes", io_log->entry[0].bytes, 1);
	check_eq("1 byte: data", io_log->entry[0].data, 0x12);
	check_eq("2 bytes: port", io_log->entry[1].addr, PORT_TEST + 2);
	check_eq("2 bytes: bytes", io_log->entry[1].bytes, 2);
	check_eq("2 bytes: data", io_log->entry[1].data, 0x3456);
	check_eq("4 bytes: bytes", io_log->entry[2].bytes, 4);
	check_eq("4 bytes: data", io_log->entry[2].data, 0x789abcde);
	check_eq("in, 1 byte", in8(PORT_TEST), 0x12);
	check_eq("in, 2 bytes", in16(PORT_TEST + 2), 0x3456);
	check_eq("in, 4 bytes", in32(PORT_TEST + 4), 0x789abcde);
	check_eq("in from nowhere", in32(0x1234), 0xffffffff);
}

/* Narrow inputs leave the rest of RAX alone; 32-bit ones clear the upper half. */
void port_registers(void)
{
	u64 rax;

	out32(PORT_TEST, 0x44332211);
	rax = 0x1122334455667788;
	asm volatile("inb %w1, %%al" : "+a"(rax) : "Nd"(PORT_TEST));
	check_eq("RAX after inb", rax, 0x1122334455667711);
	rax = 0x1122334455667788;
	asm volatile("inw %w1, %%ax" : "+a"(rax) : "Nd"(PORT_TEST));
	check_eq("RAX after inw", rax, 0x1122334455662211);
	rax = 0x1122334455667788;
	asm volatile("inl %w1, %%eax" : "+a"(rax) : "Nd"(PORT_TEST));
	check_eq("RAX after inl", rax, 0x44332211);
	rax = 0x1122334455667788;
	asm volatile("outb %%al, %w1" : "+a"(rax) : "Nd"(PORT_TEST));
	check_eq("RAX after outb", rax, 0x1122334455667788);
}

void leaves(void)
{
	u32 r[4];

	cpuid(0x40000000, 0, r);
	check_eq("KVM signature", r[1], 0x4b4d564b);
	check_eq("KVM signature", r[2], 0x564b4d56);
	check_eq("KVM signature", r[3], 0x4d);
	cpuid(1, 0, r);
	check_eq("hypervisor bit", r[2] >> 31, 1);
	check_eq("APIC ID", r[1] >> 24, 0);
	check_eq("APIC bit", r[3] >> 9 & 1, 1);
	cpuid(0x80000001, 0, r);
	check_eq("long mode", r[3] >> 29 & 1, 1);
}

/* A bit of a leaf's ECX that is 1 while one of CR4 is, where the leaf offers what it's about. */
static void follows_cr4(const char *what, u32 leaf, u32 offered, u32 bit, u64 flag)
{
	u64 cr4 = read_cr4();
	u32 r[4];

	cpuid(leaf, 0, r);
	check_eq(what, r[2] & bit, 0);
	if (!(r[2] & offered))
		return;
	write_cr4(cr4 | flag);
	cpuid(leaf, 0, r);
	check_eq(what, r[2] & bit, bit);
	write_cr4(cr4);
	cpuid(leaf, 0, r);
	check_eq(what, r[2] & bit, 0);
}

/* OSXSAVE and OSPKE follow CR4, the APIC bit follows the APIC's base MSR. */
void leaves_follow_registers(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);
	u32 r[4];

	follows_cr4("CPUID.1:ECX.OSXSAVE", 1, 1 << 26, 1 << 27, 1 << 18);
	follows_cr4("CPUID.7:ECX.OSPKE", 7, 1 << 3, 1 << 4, 1 << 22);
	wrmsr(MSR_APIC_BASE, base & ~(u64)APIC_BASE_ENABLE);
	cpuid(1, 0, r);
	check_eq("APIC, disabled", r[3] >> 9 & 1, 0);
	wrmsr(MSR_APIC_BASE, base);
	cpuid(1, 0, r);
	check_eq("APIC, enabled", r[3] >> 9 & 1, 1);
}

void msrs(void)
{
	static const u32 writable[] = {
		0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102, 0x174, 0x175, 0x176,
	};
	unsigned int i;
	u64 v, was;

	for (i = 0; i < sizeof(writable) / sizeof(writable[0]); i++) {
		u64 value = 0x0000123456789abc;

		if (writable[i] == 0xc0000084 || writable[i] == 0x174)
			value = 0x2345;
		was = rdmsr(writable[i]);
		check_trap("write of a usual MSR", try_wrmsr(writable[i], value), NO_TRAP, 0);
		check_eq("a usual MSR, read back", rdmsr(writable[i]), value);
		wrmsr(writable[i], was);
	}
	check_trap("read of an unknown MSR", try_rdmsr(0x12345678, &v), 13, 0);
	check_trap("write of an unknown MSR", try_wrmsr(0x12345678, 1), 13, 0);
	check_trap("EFER, a reserved bit", try_wrmsr(0xc0000080, rdmsr(0xc0000080) | 1ull << 40),
		   13, 0);
	check_trap("EFER, LME off while paging",
		   try_wrmsr(0xc0000080, rdmsr(0xc0000080) & ~0x100ull), 13, 0);
	check_trap("PAT, a reserved type", try_wrmsr(0x277, 0x0007040600070402), 13, 0);
	check_eq("PAT", rdmsr(0x277), 0x0007040600070406);
}

/* The upper halves of RAX and RDX are cleared by RDMSR, RDTSC and CPUID. */
void upper_halves(void)
{
	u64 a, c, d, b;

	/* RCX's upper half is ignored too, but QEMU's MSR intercepts don't know. */
	a = ~0ull, d = ~0ull, c = 0x277;
	asm volatile("rdmsr" : "+a"(a), "+d"(d), "+c"(c));
	check_eq("RAX after RDMSR", a, 0x00070406);
	check_eq("RDX after RDMSR", d, 0x00070406);
	a = ~0ull, d = ~0ull;
	asm volatile("rdtsc" : "+a"(a), "+d"(d));
	check_eq("RDX's upper half after RDTSC", d >> 32, 0);
	check_eq("RAX's upper half after RDTSC", a >> 32, 0);
	a = 0xffffffff00000000, b = ~0ull, c = 0xffffffff00000000, d = ~0ull;
	asm volatile("cpuid" : "+a"(a), "+b"(b), "+c"(c), "+d"(d));
	check_eq("the four after CPUID", (a | b | c | d) >> 32, 0);
}

void control_registers(void)
{
	u64 cr0 = read_cr0(), cr4 = read_cr4(), v;

	write_cr0(cr0 | 8);
	check_eq("CR0.TS set", read_cr0(), cr0 | 8);
	asm volatile("clts");
	check_eq("CR0 after CLTS", read_cr0(), cr0);
	asm volatile("smsw %0" : "=r"(v));
	check_eq("SMSW", v & 0xffff, cr0 & 0xffff);
	asm volatile("lmsw %w0" :: "r"((u16)(cr0 | 8)));
	check_eq("CR0.TS after LMSW", read_cr0() & 8, 8);
	write_cr0(cr0);
	write_cr4(cr4 | 0x80);
	check_eq("CR4.PGE set", read_cr4(), cr4 | 0x80);
	write_cr4(cr4);
	write_cr3(read_cr3());
	check_eq("CR3", read_cr3(), GUEST_PML4);
	check_trap("CR0, PG without PE", TRY("mov %0, %%cr0", NONE, ARGS("r"(cr0 & ~1ull))), 13, 0);
	check_trap("CR0, NW without CD", TRY("mov %0, %%cr0", NONE, ARGS("r"(cr0 | 1 << 29))), 13,
		   0);
	check_trap("CR4, no PAE in long mode",
		   TRY("mov %0, %%cr4", NONE, ARGS("r"(cr4 & ~0x20ull))), 13, 0);
	check_trap("CR4, a reserved bit", TRY("mov %0, %%cr4", NONE, ARGS("r"(cr4 | 1ull << 31))),
		   13, 0);
	check_eq("CR0 after what was refused", read_cr0(), cr0);
	check_eq("CR4 after what was refused", read_cr4(), cr4);
}

/* SMSW stores 16 bits to memory, whatever the operand size; LMSW loads four, and can't clear PE. */
void machine_status_word(void)
{
	u64 cr0 = read_cr0(), seen = 0x5a5a5a5a5a5a5a5a;
	u16 msw;

	asm volatile("rex.w smsw 3(%0)" ::"r"(&seen) : "memory");
	check_eq("memory after SMSW", seen, 0x5a5a5a00005a5a5a | (cr0 & 0xffff) << 24);
	io_log->count = 0;
	asm volatile("rex.w smsw (%0)" ::"r"((u64)GUEST_MMIO) : "memory");
	check_eq("SMSW to a device: accesses", io_log->count, 1);
	check_eq("SMSW to a device: bytes", io_log->entry[0].bytes, 2);
	check_eq("SMSW to a device: data", io_log->entry[0].data, cr0 & 0xffff);
	msw = 0xfff8;
	asm volatile("lmsw %0" ::"m"(msw));
	check_eq("CR0 after LMSW of TS without PE", read_cr0(), (cr0 & ~0xeull) | 8);
	msw = 0;
	asm volatile("lmsw %0" ::"m"(msw));
	check_eq("CR0 after LMSW of 0", read_cr0(), cr0 & ~0xeull);
	write_cr0(cr0);
}

/*
 * MOV to CR0 in 32-bit code, where CR4.PCIDE alone may forbid to turn paging off. Yields the
 * exception's vector.
 */
static int try_cr0_32(u64 cr0)
{
	trap_arm();
	asm volatile("movq $1f, %%gs:8\n\tpushq %0\n\tpushq $0f\n\tlretq\n"
		     ".code32\n0:\tmovl %%ecx, %%cr0\n1:\tljmp %1, $2f\n"
		     ".code64\n2:\tmovq $0, %%gs:8" ::"i"(SEL_CODE32),
		     "i"(SEL_CODE64), "c"(cr0)
		     : "memory", "cc");
	return this_cpu()->trap.vector;
}

#define CR4_PCIDE (1ull << 17)

static struct trap try_cr4(u64 v)
{
	return TRY("mov %0, %%cr4", NONE, ARGS("r"(v)));
}

/* SDM vol. 3, 4.10.1 */
void pcid(void)
{
	u64 cr0 = read_cr0(), cr3 = read_cr3(), cr4 = read_cr4();
	u32 r[4];

	cpuid(1, 0, r);
	if (!(r[2] >> 17 & 1)) {
		check_trap("PCIDE without PCIDs", try_cr4(cr4 | CR4_PCIDE), 13, 0);
		return;
	}
	write_cr3(cr3 | 1);
	check_trap("PCIDE, CR3[11:0] is 1", try_cr4(cr4 | CR4_PCIDE), 13, 0);
	write_cr3(cr3 | 0x800);
	check_trap("PCIDE, CR3[11:0] is 0x800", try_cr4(cr4 | CR4_PCIDE), 13, 0);
	check_eq("CR4 after what was refused", read_cr4(), cr4);
	write_cr3(cr3);
	check_trap("CR3, bit 63 without PCIDE",
		   TRY("mov %0, %%cr3", NONE, ARGS("r"(cr3 | 1ull << 63))), 13, 0);
	check_trap("PCIDE, CR3[11:0] is 0", try_cr4(cr4 | CR4_PCIDE), NO_TRAP, 0);
	check_eq("CR4.PCIDE", read_cr4(), cr4 | CR4_PCIDE);
	write_cr3(cr3 | 5 | 1ull << 63);
	check_eq("CR3 with a PCID, bit 63 is not kept", read_cr3(), cr3 | 5);
	check_eq("CR0, no PG with PCIDE", try_cr0_32(cr0 & ~(1ull << 31)), 13);
	check_eq("CR0 after what was refused", read_cr0(), cr0);
	write_cr4(cr4 | CR4_PCIDE | 0x80);
	check_eq("CR4.PGE, PCIDE stays, CR3[11:0] is 5", read_cr4(), cr4 | CR4_PCIDE | 0x80);
	write_cr4(cr4);
	check_eq("CR4 without PCIDE, CR3[11:0] is 5", read_cr4(), cr4);
	write_cr3(cr3);
}

#define MISC_ENABLE 0x1a0

/* There is no performance monitoring, and no guest can change that. */
void misc_enable(void)
{
	u64 was = rdmsr(MISC_ENABLE);

	check_eq("PMU, BTS and PEBS", was & 0x1880, 0x1800);
	check_trap("the PMU's bit is ignored", try_wrmsr(MISC_ENABLE, was ^ 1 << 7), NO_TRAP, 0);
	check_eq("MISC_ENABLE", rdmsr(MISC_ENABLE), was);
	check_trap("BTS", try_wrmsr(MISC_ENABLE, was ^ 1 << 11), 13, 0);
	check_trap("PEBS", try_wrmsr(MISC_ENABLE, was ^ 1 << 12), 13, 0);
	check_eq("MISC_ENABLE after what was refused", rdmsr(MISC_ENABLE), was);
	check_trap("fast strings off", try_wrmsr(MISC_ENABLE, was & ~1ull), NO_TRAP, 0);
	check_eq("MISC_ENABLE", rdmsr(MISC_ENABLE), was & ~1ull);
	wrmsr(MISC_ENABLE, was);
}

/* An MSR that takes one command, 1, where CPUID has it, and can't be read. */
static void command_msr(const char *what, u32 msr, bool there)
{
	u64 v;

	check_eq(what, try_rdmsr(msr, &v).vector, 13);
	check_eq(what, try_wrmsr(msr, 0).vector, there ? NO_TRAP : 13);
	check_eq(what, try_wrmsr(msr, 1).vector, there ? NO_TRAP : 13);
	check_eq(what, try_wrmsr(msr, 2).vector, 13);
}

void command_msrs(void)
{
	u32 leaf7[4], leaf8[4];

	cpuid(7, 0, leaf7);
	cpuid(0x80000008, 0, leaf8);
	command_msr("PRED_CMD: exception", 0x49, leaf7[3] >> 26 & 1 || leaf8[1] >> 12 & 1);
	command_msr("FLUSH_CMD: exception", 0x10b, leaf7[3] >> 28 & 1);
}

/* ---- machine check banks (SDM vol. 3, 16.3.2) ---- */

#define MC_CTL(bank) (0x400 + 4 * (bank))
#define MC_STATUS(bank) (MC_CTL(bank) + 1)
#define MC_ADDR(bank) (MC_CTL(bank) + 2)
#define MCG_CTL 0x17b

/* Control registers hold ones or zeros, and for some guests, ones but for bits 0 and 10. */
static void check_mc_ctl(u32 bank)
{
	static const u64 taken[] = { 0, ~0ull, ~1ull, ~(1ull << 10) };
	unsigned int i;

	for (i = 0; i < 4; i++) {
		check_trap("CTL", try_wrmsr(MC_CTL(bank), taken[i]), NO_TRAP, 0);
		check_eq("CTL, read back", rdmsr(MC_CTL(bank)), taken[i]);
	}
	check_trap("CTL of 1", try_wrmsr(MC_CTL(bank), 1), 13, 0);
	check_trap("CTL without bit 2", try_wrmsr(MC_CTL(bank), ~4ull), 13, 0);
	check_eq("CTL after what was refused", rdmsr(MC_CTL(bank)), taken[3]);
}

void machine_check_banks(void)
{
	u32 banks = rdmsr(0x179) & 0xff, bank;
	u64 v;

	check_eq("banks", banks, params->arg[0]);
	for (bank = 0; bank < banks; bank++) {
		check_mc_ctl(bank);
		check_trap("STATUS of 0", try_wrmsr(MC_STATUS(bank), 0), NO_TRAP, 0);
		check_trap("STATUS of 1", try_wrmsr(MC_STATUS(bank), 1), 13, 0);
		check_trap("STATUS, VAL", try_wrmsr(MC_STATUS(bank), 1ull << 63), 13, 0);
		check_eq("STATUS", rdmsr(MC_STATUS(bank)), 0);
		wrmsr(MC_ADDR(bank), 0x1234 + bank);
	}
	for (bank = 0; bank < banks; bank++)
		check_eq("ADDR", rdmsr(MC_ADDR(bank)), 0x1234 + bank);
	check_trap("read beyond the last bank", try_rdmsr(MC_CTL(banks), &v), 13, 0);
	check_trap("write beyond the last bank", try_wrmsr(MC_CTL(banks), 0), 13, 0);
	check_trap("MCG_CTL of 0", try_wrmsr(MCG_CTL, 0), NO_TRAP, 0);
	check_trap("MCG_CTL of 5", try_wrmsr(MCG_CTL, 5), 13, 0);
	check_eq("MCG_CTL", rdmsr(MCG_CTL), 0);
	check_trap("MCG_CAP, written", try_wrmsr(0x179, rdmsr(0x179)), 13, 0);
}

/* CD can be set and read back. */
void cache_disable(void)
{
	u64 cr0 = read_cr0();

	write_cr0(cr0 | 1 << 30);
	check_eq("CR0.CD", read_cr0() >> 30 & 1, 1);
	asm volatile("wbinvd");
	write_cr0(cr0);
	check_eq("CR0", read_cr0(), cr0);
}

/* HLT wakes by an interrupt and goes on behind it. */
static volatile u64 ticks;

static void tick(struct frame *f)
{
	(void)f;
	ticks++;
	apic_eoi();
}

void halt_and_timer(void)
{
	rt_handler[0x40] = tick;
	apic_enable();
	apic_write(APIC_TIMER_DIV, 0xb);
	apic_write(APIC_LVT_TIMER, 0x40);
	apic_write(APIC_TIMER_INIT, 1000000);
	sti_hlt();
	check_eq("interrupts", ticks, 1);
}

void triple_fault(void)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) none = { 0, 0 };

	asm volatile("lidt %0; ud2" :: "m"(none));
}

/*
 * What the CPU checks by itself, without the driver, is left out: QEMU lets through a LSTAR that is
 * not canonical and a CR0 with upper bits.
 */

/* Many exits of several kinds, with all registers checked after each. */
void registers_survive(void)
{
	extern u64 registers_loop(u64 rounds);

	check_eq("registers that changed", registers_loop(2000), 0);
}
