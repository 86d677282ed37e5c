/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the child of emul_cpu.c runs. It is copied to CPU_OWN_CODE, has no other memory than that
 * at CPU_OWN_MEM, and never returns from a signal: the next test's IRET leaves the handler.
 */
#define __ASSEMBLER__ 1
#include "emul_cpu.h"

#define OWN(what)	(CPU_OWN_MEM + (what))
#define SYS_MUNMAP	11
#define SYS_FUTEX	202
#define FUTEX_WAIT	0
#define FUTEX_WAKE	1
#define UC_GREGS	40
#define UC_FPSTATE	224
#define FP_MMX		32
#define FP_XMM		160
#define FP_YMM_HIGH	576	/* in the XSAVE area's standard format */

	.section .rodata
	.globl emul_cpu_child, emul_cpu_child_size, emul_cpu_child_handler
	.balign 64
emul_cpu_child:
	movabs	$OWN(CPU_OWN_STACK + CPU_OWN_STACK_SIZE), %rsp
	movabs	$OWN(CPU_OWN_CONTROL), %rbx
	lea	CTL_UNMAP(%rbx), %r12
1:	mov	(%r12), %rdi
	mov	8(%r12), %rsi
	test	%rsi, %rsi
	jz	idle
	mov	$SYS_MUNMAP, %eax
	syscall
	add	$16, %r12
	jmp	1b

idle:
	movl	$0, CTL_GO(%rbx)
	mov	$FUTEX_WAKE, %esi
	mov	$1, %edx
	call	futex
1:	mov	$FUTEX_WAIT, %esi
	xor	%edx, %edx
	call	futex
	cmpl	$0, CTL_GO(%rbx)
	je	1b
	movq	$0, CTL_INDEX(%rbx)
	movabs	$OWN(CPU_OWN_TESTS), %r12

/* rbx: struct cpu_control, r12: struct cpu_test */
next:
	mov	CTL_INDEX(%rbx), %rax
	cmp	CTL_COUNT(%rbx), %rax
	jae	idle
	mov	%r12, CTL_TEST(%rbx)

	movabs	$OWN(CPU_OWN_IMAGE), %r13
	lea	TEST_PATCH(%r12), %rsi
	mov	TEST_NR_PATCHES(%r12), %ecx
1:	dec	%ecx
	js	2f
	mov	(%rsi), %rdi
	movups	8(%rsi), %xmm0
	movups	24(%rsi), %xmm1
	movups	%xmm0, (%r13,%rdi)
	movups	%xmm1, 16(%r13,%rdi)
	add	$PATCH_SIZE, %rsi
	jmp	1b
2:
	cmpl	$0, TEST_USE_VEC(%r12)
	je	2f
	.irp	nr, 0, 1, 2, 3, 4, 5, 6, 7
	movq	TEST_MMX + 8 * \nr(%r12), %mm\nr
	.endr
	cmpl	$0, CTL_AVX(%rbx)
	je	1f
	.irp	nr, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovups	TEST_VEC + 32 * \nr(%r12), %ymm\nr
	.endr
	jmp	2f
1:	.irp	nr, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movups	TEST_VEC + 32 * \nr(%r12), %xmm\nr
	.endr
2:
	mov	TEST_DS(%r12), %ds
	mov	TEST_ES(%r12), %es
	mov	TEST_FS(%r12), %fs
	mov	TEST_GS(%r12), %gs
	mov	TEST_FS_BASE(%r12), %rax
	wrfsbase %rax
	mov	TEST_GS_BASE(%r12), %rax
	wrgsbase %rax

	movabs	$CPU_OWN_FRAME, %rsp
	mov	TEST_RIP(%r12), %rax
	mov	%rax, (%rsp)
	mov	TEST_CS(%r12), %rax
	mov	%rax, 8(%rsp)
	mov	TEST_RFLAGS(%r12), %rax
	mov	%rax, 16(%rsp)
	mov	TEST_GPR + 8 * 4(%r12), %rax
	mov	%rax, 24(%rsp)
	mov	TEST_SS(%r12), %rax
	mov	%rax, 32(%rsp)

	mov	TEST_GPR + 8 * 0(%r12), %rax
	mov	TEST_GPR + 8 * 1(%r12), %rcx
	mov	TEST_GPR + 8 * 2(%r12), %rdx
	mov	TEST_GPR + 8 * 3(%r12), %rbx
	mov	TEST_GPR + 8 * 5(%r12), %rbp
	mov	TEST_GPR + 8 * 6(%r12), %rsi
	mov	TEST_GPR + 8 * 7(%r12), %rdi
	mov	TEST_GPR + 8 * 8(%r12), %r8
	mov	TEST_GPR + 8 * 9(%r12), %r9
	mov	TEST_GPR + 8 * 10(%r12), %r10
	mov	TEST_GPR + 8 * 11(%r12), %r11
	mov	TEST_GPR + 8 * 13(%r12), %r13
	mov	TEST_GPR + 8 * 14(%r12), %r14
	mov	TEST_GPR + 8 * 15(%r12), %r15
	mov	TEST_GPR + 8 * 12(%r12), %r12
	iretq

/* The handler of all signals: edi: which, rdx: struct ucontext. AC may still be set. */
handler:
	pushq	$0x202
	popfq
	movabs	$OWN(CPU_OWN_CONTROL), %rbx
	mov	CTL_TEST(%rbx), %r12
	mov	%rdi, TEST_OUT + OUT_SIGNAL(%r12)
	xor	%eax, %eax
	mov	%ds, %eax
	mov	%rax, TEST_OUT + OUT_SEG(%r12)
	mov	%es, %eax
	mov	%rax, TEST_OUT + OUT_SEG + 8(%r12)
	mov	%fs, %eax
	mov	%rax, TEST_OUT + OUT_SEG + 16(%r12)
	mov	%gs, %eax
	mov	%rax, TEST_OUT + OUT_SEG + 24(%r12)
	rdfsbase %rax
	mov	%rax, TEST_OUT + OUT_FS_BASE(%r12)
	rdgsbase %rax
	mov	%rax, TEST_OUT + OUT_GS_BASE(%r12)
	lea	UC_GREGS(%rdx), %rsi
	lea	TEST_OUT(%r12), %rdi
	mov	$23, %ecx
	rep movsq

	cmpl	$0, TEST_USE_VEC(%r12)
	je	2f
	mov	UC_FPSTATE(%rdx), %rsi
	.irp	nr, 0, 1, 2, 3, 4, 5, 6, 7
	mov	FP_MMX + 16 * \nr(%rsi), %rax
	mov	%rax, TEST_OUT + OUT_MMX + 8 * \nr(%r12)
	.endr
	lea	TEST_OUT + OUT_VEC(%r12), %rdi
	mov	$16, %ecx
1:	movups	FP_XMM(%rsi), %xmm0
	movups	%xmm0, (%rdi)
	movups	FP_YMM_HIGH(%rsi), %xmm0
	movups	%xmm0, 16(%rdi)
	add	$16, %rsi
	add	$32, %rdi
	dec	%ecx
	jnz	1b
2:
	movabs	$OWN(CPU_OWN_IMAGE), %rsi
	movabs	$OWN(CPU_OWN_PRISTINE), %rdi
	movabs	$HASH_FACTOR, %r8
	xor	%eax, %eax		/* the hash */
	xor	%ecx, %ecx
	cmpq	$1, CTL_COUNT(%rbx)
	je	4f
	/* 64 bytes that are alike, or 16 and 16 */
1:	test	$63, %cl
	jnz	5f
	.irp	nr, 0, 1, 2, 3
	movdqa	16 * \nr(%rsi,%rcx), %xmm\nr
	pcmpeqb	16 * \nr(%rdi,%rcx), %xmm\nr
	.endr
	pand	%xmm1, %xmm0
	pand	%xmm3, %xmm2
	pand	%xmm2, %xmm0
	pmovmskb %xmm0, %edx
	cmp	$0xffff, %edx
	jne	5f
	add	$48, %ecx
	jmp	2f
5:	movdqa	(%rsi,%rcx), %xmm0
	pcmpeqb	(%rdi,%rcx), %xmm0
	pmovmskb %xmm0, %edx
	cmp	$0xffff, %edx
	jne	3f
2:	add	$16, %ecx
	cmp	$CPU_IMAGE_WRITABLE, %ecx
	jne	1b
	jmp	4f
3:	add	%rcx, %rax
	add	(%rsi,%rcx), %rax
	imul	%r8, %rax
	add	8(%rsi,%rcx), %rax
	imul	%r8, %rax
	movdqa	(%rdi,%rcx), %xmm0
	movdqa	%xmm0, (%rsi,%rcx)
	jmp	2b
4:	mov	%rax, TEST_OUT + OUT_HASH(%r12)

	lea	TEST_PATCH(%r12), %rdx
	mov	TEST_NR_PATCHES(%r12), %ecx
1:	dec	%ecx
	js	2f
	mov	(%rdx), %rax
	cmpq	$1, CTL_COUNT(%rbx)
	je	2f
	movups	(%rdi,%rax), %xmm0
	movups	16(%rdi,%rax), %xmm1
	movups	%xmm0, (%rsi,%rax)
	movups	%xmm1, 16(%rsi,%rax)
	add	$PATCH_SIZE, %rdx
	jmp	1b
2:
	incq	CTL_INDEX(%rbx)
	add	$CPU_TEST_SIZE, %r12
	jmp	next

/* esi: operation, edx: its value */
futex:
	lea	CTL_GO(%rbx), %rdi
	xor	%r10d, %r10d
	mov	$SYS_FUTEX, %eax
	syscall
	ret
end:

	.balign 4
emul_cpu_child_size:
	.long	end - emul_cpu_child
emul_cpu_child_handler:
	.long	handler - emul_cpu_child

	.section .note.GNU-stack, "", @progbits
