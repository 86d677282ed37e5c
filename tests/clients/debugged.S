/* SPDX-License-Identifier: GPL-2.0-only */
/* A multiboot program that counts, for the debugger (inside). */
	.text
	.align 4
	.long 0x1badb002, 0, -0x1badb002

	.globl _start
_start:
	xorl %eax, %eax
	jmp again

	.globl again
again:
	incl %eax
	movl %eax, counter
	nop
	nop
	jmp again

	.data
	.globl counter
	.balign 4
counter:
	.long 0
