/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The option ROM that boots the emulated host in Bochs.
 *
 * Bochs has already put the kernel, uncompressed, and the initramfs into memory. The BIOS calls
 * this ROM when its own set-up, ACPI tables included, is done; the ROM never returns: it asks the
 * BIOS for the map of memory, enters 64-bit mode and jumps to the kernel's 64-bit entry
 * (Documentation/arch/x86/boot.rst, 64-bit boot protocol). No disk, no boot loader, no unpacking.
 *
 * What differs from run to run is put into the pages at PARAMS and CMDLINE by boot.c.
 *
 * When the host resets, Bochs doesn't end, but the BIOS comes here once more: then this ends it.
 */
#include "layout.h"

#define E820_ENTRIES	0x1e8	/* in boot_params: one byte, how many */
#define E820_TABLE	0x2d0	/* and the table, 20 bytes each */
#define E820_MAX	128

#define SHUTDOWN_PORT	0x8900	/* Bochs ends when it reads "Shutdown" there */

	.text
	.code16
rom:
	.byte	0x55, 0xaa
	.byte	ROM_SIZE / 512
	jmp	start

	.org	ROM_ENTRY
entry:	.quad	0

start:
	cli
	cld
	/* Parameters and command line, from the ROM into memory. */
	mov	%cs, %ax
	mov	%ax, %ds
	mov	$(LOW_MARK >> 4), %ax
	mov	%ax, %es
	cmpl	$MARK, %es:0
	jne	1f
	mov	$(shutdown - rom), %si
	mov	$8, %cx
	mov	$SHUTDOWN_PORT, %dx
	rep outsb
	hlt
1:	movl	$MARK, %es:0
	mov	$(LOW_PARAMS >> 4), %ax
	mov	%ax, %es
	mov	$ROM_PARAMS, %si
	xor	%di, %di
	mov	$((ROM_SIZE - ROM_PARAMS) / 4), %cx
	rep movsl

	/* INT 15h, AX=E820h: the map of memory. */
	xor	%ebx, %ebx
	xor	%bp, %bp
	mov	$E820_TABLE, %di
1:	mov	$0xe820, %eax
	mov	$0x534d4150, %edx
	mov	$20, %ecx
	int	$0x15
	jc	2f
	add	$20, %di
	inc	%bp
	cmp	$E820_MAX, %bp
	jae	2f
	test	%ebx, %ebx
	jnz	1b
2:	mov	%bp, %ax
	mov	%al, %es:E820_ENTRIES
	cli

	/* Page tables: the first 4 GiB as they are, in pages of 2 MiB. */
	mov	$(LOW_TABLES >> 4), %ax
	mov	%ax, %es
	xor	%di, %di
	xor	%eax, %eax
	mov	$(0x2000 / 4), %cx
	rep stosl
	movl	$(LOW_TABLES + 0x1003), %es:0
	mov	$0x1000, %di
	mov	$(LOW_TABLES + 0x2003), %eax
	mov	$4, %cx
3:	mov	%eax, %es:(%di)
	add	$8, %di
	add	$0x1000, %eax
	loop	3b
	mov	$0x2000, %di
	mov	$0x83, %eax
	mov	$2048, %cx
4:	mov	%eax, %es:(%di)
	movl	$0, %es:4(%di)
	add	$8, %di
	add	$0x200000, %eax
	loop	4b

	in	$0x92, %al		/* A20 */
	or	$2, %al
	out	%al, $0x92
	mov	$0xff, %al		/* no interrupts before the kernel asks for them */
	out	%al, $0x21
	out	%al, $0xa1

	lgdtl	%cs:gdtr - rom
	mov	%cr4, %eax
	or	$0x20, %eax		/* PAE */
	mov	%eax, %cr4
	mov	$LOW_TABLES, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx	/* EFER.LME */
	rdmsr
	or	$0x100, %eax
	wrmsr
	mov	%cr0, %eax
	or	$0x80000001, %eax	/* PG, PE */
	mov	%eax, %cr0
	ljmpl	$0x10, $(ROM_BASE + long_mode - rom)

	.code64
long_mode:
	mov	$0x18, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$LOW_STACK, %esp
	mov	$LOW_PARAMS, %esi
	jmp	*(ROM_BASE + ROM_ENTRY)

shutdown:
	.ascii	"Shutdown"

	/* Accessed bits are set already: the processor can't write them here. */
	.balign	8
gdt:
	.quad	0
	.quad	0
	.quad	0x00af9b000000ffff	/* 0x10: 64-bit code */
	.quad	0x00cf93000000ffff	/* 0x18: data */
gdtr:
	.word	. - gdt - 1
	.long	ROM_BASE + gdt - rom

	.org	ROM_PARAMS
	.org	ROM_SIZE
