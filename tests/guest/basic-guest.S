/* SPDX-License-Identifier: GPL-2.0-only */
#include "layout.h"

	.text
/*
 * registers_loop(rounds): fills all registers, does port I/O, CPUID (restoring what it returns in),
 * and compares them. Returns how many differed in all rounds.
 */
	.globl	registers_loop
registers_loop:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rdi, %r15
	xorl	%r14d, %r14d
	movq	%rsp, saved_rsp(%rip)
1:
	movabsq	$0x0101010101010101, %rbx
	movabsq	$0x0202020202020202, %rcx
	movabsq	$0x0303030303030303, %rsi
	movabsq	$0x0404040404040404, %rdi
	movabsq	$0x0505050505050505, %rbp
	movabsq	$0x0606060606060606, %r8
	movabsq	$0x0707070707070707, %r9
	movabsq	$0x0808080808080808, %r10
	movabsq	$0x0909090909090909, %r11
	movabsq	$0x0a0a0a0a0a0a0a0a, %r12
	movabsq	$0x0b0b0b0b0b0b0b0b, %r13
	movl	$PORT_TEST, %edx
	movl	%r15d, %eax
	outl	%eax, %dx
	inl	%dx, %eax
	cmpl	%r15d, %eax
	je	2f
	incq	%r14
2:
	.macro	same reg, byte
	movabsq	$0x0101010101010101 * \byte, %rax
	cmpq	%rax, \reg
	je	3f
	incq	%r14
3:
	.endm
	same	%rbx, 1
	same	%rcx, 2
	same	%rsi, 3
	same	%rdi, 4
	same	%rbp, 5
	same	%r8, 6
	same	%r9, 7
	same	%r10, 8
	same	%r11, 9
	same	%r12, 10
	same	%r13, 11
	cmpq	%rsp, saved_rsp(%rip)
	je	4f
	incq	%r14
4:
	xorl	%eax, %eax
	cpuid
	same	%rsi, 3
	same	%rdi, 4
	same	%rbp, 5
	same	%r8, 6
	same	%r13, 11
	decq	%r15
	jnz	1b

	movq	%r14, %rax
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

	.bss
saved_rsp:
	.quad	0
	.section .note.GNU-stack, "", @progbits
