// SPDX-License-Identifier: GPL-2.0-only
/*
 * Other modes seen from 64-bit code: compatibility mode, and leaving long mode altogether.
 */
#include "apic.h"
#include "rt.h"

/* A far call into 32-bit code, which does things that exit, and back. */
void compatibility(void)
{
	u32 ebx = 0, in = 0, vendor[4];

	cpuid(0, 0, vendor);
	asm volatile(
		"leaq	1f(%%rip), %%rax\n\t"
		"pushq	%2\n\tpushq %%rax\n\tlretq\n"
		"1:	.code32\n\t"
		"xorl	%%eax, %%eax\n\txorl %%ecx, %%ecx\n\tcpuid\n\t"
		"movl	%%ebx, %%esi\n\t"
		"movl	$0x1234abcd, %%eax\n\tmovw %4, %%dx\n\toutl %%eax, %%dx\n\t"
		"xorl	%%eax, %%eax\n\tinl %%dx, %%eax\n\t"
		"ljmp	%3, $2f\n"
		"2:	.code64\n\t"
		: "=&S"(ebx), "=&a"(in) : "i"(SEL_CODE32), "i"(SEL_CODE64), "i"(PORT_TEST)
		: "rbx", "rcx", "rdx", "memory", "cc");
	check_eq("CPUID in compatibility mode", ebx, vendor[1]);
	check_eq("port I/O in compatibility mode", in, 0x1234abcd);
}

/* What the calls of modes-guest.S found at the place where they end. */
extern volatile struct {
	u64 rsp, rcx, r11, cs, ss, rflags;
} fast_seen;
extern u8 call_syscall_resume[], call_syscall_entry[];
extern u8 call_sysenter_resume[], call_sysenter_entry[];
bool call_syscall(u32 flags);
bool call_sysenter(u32 flags);

#define FLAGS_TF 0x100

static volatile u64 step_rip, steps;

static void stepped(struct frame *f)
{
	steps++;
	step_rip = f->rip;
	f->rflags &= ~(u64)FLAGS_TF;
}

static void check_syscall(void)
{
	wrmsr(0xc0000080, rdmsr(0xc0000080) | 1); /* EFER.SCE */
	wrmsr(0xc0000081, (u64)SEL_CODE64 << 32); /* STAR */
	wrmsr(0xc0000083, (uintptr_t)call_syscall_entry); /* CSTAR */
	wrmsr(0xc0000084, 0x400); /* SFMASK */
	check_eq("SYSCALL", call_syscall(0x40402), true);
	check_eq("its CS", (u16)fast_seen.cs, SEL_CODE64);
	check_eq("its SS", (u16)fast_seen.ss, SEL_DATA);
	check_eq("RCX: the way back", fast_seen.rcx, (uintptr_t)call_syscall_resume);
	check_eq("R11: RFLAGS", fast_seen.r11, 0x40402);
	/* QEMU's forgets the arithmetic ones. */
	check_eq("RFLAGS but those of SFMASK", fast_seen.rflags, 0x40002);

	check_eq("SYSCALL with TF", call_syscall(FLAGS_TF | 2), true);
	check_eq("traps behind it", steps, 1);
	check_eq("where", step_rip, (uintptr_t)call_syscall_entry);
	wrmsr(0xc0000084, FLAGS_TF);
	check_eq("SYSCALL with TF, which SFMASK clears", call_syscall(FLAGS_TF | 2), true);
	check_eq("traps, still", steps, 1);
	check_eq("R11: RFLAGS with TF", fast_seen.r11, FLAGS_TF | 2);
}

static void check_sysenter(void)
{
	static u8 stack[64] __attribute__((aligned(16)));
	u64 end = (uintptr_t)(stack + sizeof(stack));

	wrmsr(0x174, SEL_CODE64);
	wrmsr(0x175, end);
	wrmsr(0x176, (uintptr_t)call_sysenter_entry);
	check_eq("SYSENTER", call_sysenter(0x40202), true);
	check_eq("its CS", (u16)fast_seen.cs, SEL_CODE64);
	check_eq("its SS", (u16)fast_seen.ss, SEL_DATA);
	check_eq("RSP", fast_seen.rsp, end);
	check_eq("RFLAGS but IF", fast_seen.rflags, 0x40002);
	check_eq("SYSENTER_EIP read back", rdmsr(0x176), (uintptr_t)call_sysenter_entry);
}

/*
 * Outside of 64-bit mode SYSCALL is AMD's only, in long mode SYSENTER is Intel's. CPUID says whose
 * CPU this is to be, the host's may be the other's.
 */
void fast_calls(void)
{
	bool intel = is_intel();

	rt_handler[1] = stepped;
	if (intel)
		check_sysenter();
	else
		check_syscall();
	if (params->arg[0])
		return; /* the CPU does its own without asking */
	wrmsr(0xc0000080, rdmsr(0xc0000080) | 1);
	wrmsr(0x174, SEL_CODE64);
	trap_arm();
	this_cpu()->resume = (uintptr_t)(intel ? call_syscall_resume : call_sysenter_resume);
	check_eq("the other vendor's", intel ? call_syscall(2) : call_sysenter(2), false);
	check_eq("is #UD", (u64)this_cpu()->trap.vector, 6);
}

/* The last bytes of the lower half of linear addresses: RIP behind them isn't canonical. */
#define LOWER_END (1ull << 47)

static u8 end_page[4096] __attribute__((aligned(4096)));

static struct trap run_at_end(const void *insn, size_t bytes)
{
	u64 device = GUEST_MMIO;

	memcpy(end_page + sizeof(end_page) - bytes, insn, bytes);
	return TRY("xorl %%eax, %%eax\n\txorl %%ecx, %%ecx\n\tjmp *%1", ARGS("+d"(device)),
		   ARGS("r"(LOWER_END - bytes)), "rax", "rbx", "rcx");
}

#define CHECK_AT_END(what, insn)							\
do {											\
	check_trap(what " at the end", run_at_end(insn, sizeof(insn) - 1), 13, 0);	\
	check_eq(what ": RIP", this_cpu()->trap.rip, LOWER_END);			\
} while (0)

void canonical_end(void)
{
	static volatile u64 table[3][512] __attribute__((aligned(4096)));

	((volatile u64 *)(uintptr_t)GUEST_PML4)[255] = (uintptr_t)table[0] | 3;
	table[0][511] = (uintptr_t)table[1] | 3;
	table[1][511] = (uintptr_t)table[2] | 3;
	table[2][511] = (uintptr_t)end_page | 3;
	CHECK_AT_END("NOP", "\x90");
	CHECK_AT_END("CPUID", "\x0f\xa2");
	CHECK_AT_END("CPUID with a prefix", "\x48\x0f\xa2");
	CHECK_AT_END("IN, done by userspace", "\xe5\x80");
	CHECK_AT_END("VMCALL", "\x0f\x01\xc1");
	CHECK_AT_END("VMMCALL", "\x0f\x01\xd9");
	CHECK_AT_END("MOV from a device", "\x8b\x02");
}

/* 64-bit, paging off (32-bit protected), paging on again; interrupts work after it. */
void leave_long_mode(void)
{
	u64 efer = rdmsr(0xc0000080), cr0 = read_cr0();

	asm volatile(
		"leaq	1f(%%rip), %%rax\n\t"
		"pushq	%0\n\tpushq %%rax\n\tlretq\n"
		"1:	.code32\n\t"
		"movl	%%cr0, %%eax\n\tandl $0x7fffffff, %%eax\n\tmovl %%eax, %%cr0\n\t"
		"movl	$0xc0000080, %%ecx\n\trdmsr\n\tmovl %%eax, %%esi\n\t"
		"andl	$~0x100, %%eax\n\twrmsr\n\t"
		"movl	$0xd0000000, %%edi\n\tmovl $0x5a5a5a5a, (%%edi)\n\t"
		"rdmsr\n\torl $0x100, %%eax\n\twrmsr\n\t"
		"movl	%%cr0, %%eax\n\torl $0x80000000, %%eax\n\tmovl %%eax, %%cr0\n\t"
		"ljmp	%1, $2f\n"
		"2:	.code64\n\t"
		"movl	%%esi, %%eax\n\tmovl %%eax, 0x%c2\n\t"
		:: "i"(SEL_CODE32), "i"(SEL_CODE64), "i"(1058)
		: "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "memory", "cc");
	check_eq("EFER.LMA without paging", *(volatile u32 *)0x1058 & 0x400, 0);
	check_eq("EFER", rdmsr(0xc0000080), efer);
	check_eq("CR0", read_cr0(), cr0);
	check_eq("MMIO without paging", *(volatile u32 *)(u64)GUEST_MMIO, 0x5a5a5a5a);
	check_trap("an exception after it", TRY("ud2", NONE, NONE), 6, 0);
}
