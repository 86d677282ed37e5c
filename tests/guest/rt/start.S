/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry of the first processor (in long mode, set up by the host), of the others (real mode, after
 * SIPI), and of exceptions and interrupts.
 */
#include "layout.h"

	.text
	.code64
	.globl rt_start
/* rdi: CPU number; rsp and GS base are set. */
rt_start:
	xorl	%ebp, %ebp
	call	rt_main
1:	hlt
	jmp	1b

/*
 * One stub for each vector: a frame as struct frame has it. Vectors with an error code of the CPU's
 * are 8, 10-14, 17, 21, 29 and 30.
 */
	.macro	stub vector
	.align	16
	.if	(\vector == 8) || (\vector >= 10 && \vector <= 14) || (\vector == 17) || \
		(\vector == 21) || (\vector == 29) || (\vector == 30)
	.else
	pushq	$0
	.endif
	pushq	$\vector
	jmp	rt_common
	.endm

	.align	16
	.globl	rt_stubs
rt_stubs:
	.set	i, 0
	.rept	256
	.align	16
	stub	i
	.set	i, i + 1
	.endr

	.globl	rt_common
rt_common:
	cld
	pushq	%rax
	pushq	%rbx
	pushq	%rcx
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%rbp
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, %rdi
	movq	%rsp, %rbp
	andq	$-16, %rsp
	call	rt_trap
	movq	%rbp, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rbp
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%rcx
	popq	%rbx
	popq	%rax
	addq	$16, %rsp
	.globl	rt_iret
rt_iret:
	iretq

/* ---- application processors: CS = 0x700, IP = 0 ---- */

	.section .tramp, "awx"
	.code16
	.globl	rt_tramp
rt_tramp:
	cli
	movw	%cs, %ax
	movw	%ax, %ds
	lgdtl	tramp_gdtr - rt_tramp
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$SEL_CODE32, $tramp32

	.code32
tramp32:
	movw	$SEL_DATA, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	%cr4, %eax
	orl	$0x620, %eax		/* PAE, OSFXSR, OSXMMEXCPT */
	movl	%eax, %cr4
	movl	$GUEST_PML4, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	/* EFER.LME */
	rdmsr
	orl	$0x100, %eax
	wrmsr
	movl	%cr0, %eax
	andl	$0x9fffffff, %eax	/* CD, NW off */
	orl	$0x80010022, %eax	/* PG, WP, NE, MP */
	movl	%eax, %cr0
	ljmpl	$SEL_CODE64, $tramp64

	.code64
tramp64:
	movl	rt_ap_id, %edi
	movl	%edi, %eax
	imull	$rt_cpu_size, %eax
	addl	$rt_cpus, %eax		/* its struct cpu: GS base */
	xorl	%edx, %edx
	movl	$0xc0000101, %ecx
	wrmsr
	leal	1(%rdi), %eax
	imull	$rt_stack_size, %eax
	leaq	rt_stacks(%rax), %rsp
	movl	%edi, %eax
	shll	$4, %eax
	addl	$SEL_TSS, %eax
	ltr	%ax
	xorl	%ebp, %ebp
	movq	$rt_main_ap, %rax
	call	*%rax
1:	cli
	hlt
	jmp	1b

	.align	4
tramp_gdtr:
	.word	SEL_TSS + 16 * GUEST_MAX_CPUS - 1
	.long	GUEST_GDT

	.section .note.GNU-stack, "", @progbits
