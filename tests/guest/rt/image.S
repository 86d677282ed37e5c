/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's image as data of the program that runs it; IMAGE is its path. */
	.section .rodata
	.align	4096
	.globl	guest_image, guest_image_end
guest_image:
	.incbin	IMAGE
guest_image_end:
	.byte	0
	.section .note.GNU-stack, "", @progbits
