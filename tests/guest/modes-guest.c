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
