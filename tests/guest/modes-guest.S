/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests in real mode and in 32-bit protected mode, with and without paging. They leave what they
 * saw in the result words of struct guest_params, which the host compares, and end with PORT_END.
 */
#include "layout.h"

#define ARG(n) (GUEST_PARAMS + 24 + 8 * (n))
#define RESULT(n) (GUEST_PARAMS + 24 + 64 + 8 * (n))

	.section .real, "awx"
	.code16

/* ---- real mode ---- */

	.macro	ivt vector, handler
	movw	$\handler, \vector * 4
	movw	$0, \vector * 4 + 2
	.endm

	.macro	finish
	movb	$1, %al
	outb	%al, $PORT_END
1:	hlt
	jmp	1b
	.endm

	.globl	real_basic
real_basic:
	xorl	%eax, %eax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$0x7000, %esp
	ivt	0x21, on_int21
	ivt	0, on_divide
	ivt	6, on_undefined
	ivt	3, on_int3
	int	$0x21
	int	$0x21
	int3
	xorw	%dx, %dx
	movw	$5, %ax
	xorw	%bx, %bx
	divw	%bx			/* 2 bytes */
	ud2
	/* ports of all widths */
	movw	$PORT_TEST, %dx
	movb	$0x11, %al
	outb	%al, %dx
	movw	$0x2233, %ax
	outw	%ax, %dx
	movl	$0x44556677, %eax
	outl	%eax, %dx
	xorl	%eax, %eax
	inw	%dx, %ax
	movl	%eax, RESULT(4)
	/* a string */
	movw	$real_text, %si
	movw	$8, %cx
	cld
	rep outsb
	movzwl	%si, %eax
	subl	$real_text, %eax
	movl	%eax, RESULT(5)
	movzwl	%cx, %eax
	movl	%eax, RESULT(6)
	/* segments: the same byte through two of them */
	movw	$0x1234, %ax
	movw	%ax, %es
	movl	$0xcafe, %es:0x10
	movw	$0x1000, %ax
	movw	%ax, %fs
	movl	%fs:0x2350, %eax	/* 0x12340 + 0x10 */
	movl	%eax, RESULT(7)
	finish

on_int21:
	incl	RESULT(0)
	iretw
on_int3:
	incl	RESULT(3)
	iretw
on_divide:
	incl	RESULT(1)
	movw	%sp, %bp
	addw	$2, (%bp)
	movw	$1, %bx
	iretw
on_undefined:
	incl	RESULT(2)
	movw	%sp, %bp
	addw	$2, (%bp)
	iretw
real_text:
	.ascii	"realmode"

/*
 * A prefixed CPUID in the last three bytes of a segment. Behind it is the limit: #GP with IP
 * 0x10000, of which 16 bits are pushed. An emulated CPU may not look at the limit: it goes on, or
 * wraps.
 */
	.globl	real_segment_end
real_segment_end:
	xorl	%eax, %eax
	movw	%ax, %ds
	movw	%ax, %ss
	movl	$0x7000, %esp
	ivt	13, on_end
	ivt	6, on_end
	movw	$0x3000, %ax
	movw	%ax, %es
	movw	$0x0f66, %es:0xfffd
	movb	$0xa2, %es:0xffff
	movb	$0xea, %es:0		/* ljmp $0, $after_end */
	movw	$after_end, %es:1
	movw	$0, %es:3
	movw	$0x4000, %ax
	movw	%ax, %es
	movb	$0xea, %es:0		/* the same */
	movw	$after_end, %es:1
	movw	$0, %es:3
	xorl	%eax, %eax
	xorl	%ecx, %ecx
	xorl	%ebx, %ebx
	ljmp	$0x3000, $0xfffd
on_end:
	movw	%sp, %bp
	movzwl	(%bp), %edx
	movl	%edx, RESULT(1)
after_end:
	movl	%ebx, RESULT(0)
	incl	RESULT(2)
	finish

	.macro	start_8254
	movb	$0x34, %al
	outb	%al, $0x43
	movb	$0x9c, %al		/* 11932: 10 ms */
	outb	%al, $0x40
	movb	$0x2e, %al
	outb	%al, $0x40
	.endm

	.macro	start_8259 vector
	movb	$0x11, %al
	outb	%al, $0x20
	movb	$\vector, %al
	outb	%al, $0x21
	movb	$4, %al
	outb	%al, $0x21
	movb	$1, %al
	outb	%al, $0x21
	movb	$0xfe, %al
	outb	%al, $0x21
	.endm

/* The 8254 through the 8259s, with HLT. */
	.globl	real_timer
real_timer:
	cli
	xorl	%eax, %eax
	movw	%ax, %ds
	movw	%ax, %ss
	movl	$0x7000, %esp
	ivt	8, on_tick
	start_8259 8
	start_8254
1:	sti
	hlt
	cli
	cmpl	$5, RESULT(0)
	jb	1b
	finish
on_tick:
	incl	RESULT(0)
	pushw	%ax
	movb	$0x20, %al
	outb	%al, $0x20
	popw	%ax
	iretw

/*
 * An FPU looked for as Linux's real-mode entry does; without unrestricted guest all of it is
 * emulated.
 */
	.globl	real_fpu
real_fpu:
	xorl	%eax, %eax
	movw	%ax, %ds
	movw	%ax, %ss
	movl	$0x7000, %esp
	ivt	7, on_no_fpu
	movl	%cr0, %edx
	andb	$~0xc, %dl		/* EM, TS */
	movl	%edx, %cr0
	movl	$0x55555555, RESULT(0)
	movl	$0x55555555, RESULT(1)
	fninit
	fnstsw	RESULT(0)
	fnstcw	RESULT(1)
	movl	$0xffffffff, %eax
	fnstsw	%ax
	movl	%eax, RESULT(2)
	fwait
	incl	RESULT(3)
	/* now without one: #NM by each but FWAIT, which asks for MP and TS */
	orb	$4, %dl
	movl	%edx, %cr0
	fninit
	fwait
	incl	RESULT(3)
	andb	$~4, %dl
	orb	$0xa, %dl		/* MP, TS */
	movl	%edx, %cr0
	fnstsw	%ax
	fwait
	finish
on_no_fpu:
	incl	RESULT(4)
	movw	%sp, %bp
	movw	(%bp), %bx
	cmpb	$0x9b, (%bx)
	je	1f
	incw	(%bp)
1:	incw	(%bp)
	iretw

/* A limit of 4 GiB taken back into real mode, for MMIO. Addresses over 1 MiB don't wrap. */
	.globl	real_unreal
real_unreal:
	cli
	xorl	%eax, %eax
	movw	%ax, %ds
	movw	%ax, %ss
	movl	$0x7000, %esp
	lgdtl	unreal_gdtr
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	jmp	1f
1:	movw	$SEL_DATA, %bx
	movw	%bx, %ds
	andb	$0xfe, %al
	movl	%eax, %cr0
	ljmpw	$0, $1f
1:	xorw	%ax, %ax
	movw	%ax, %ds		/* base 0; the limit stays */
	movl	$GUEST_MMIO, %esi
	movl	(%esi), %eax
	movl	%eax, RESULT(0)
	movw	$0xbeef, 4(%esi)
	movzwl	4(%esi), %eax
	movl	%eax, RESULT(1)
	movl	%cr0, %eax
	andl	$1, %eax
	movl	%eax, RESULT(2)
	movw	$0xffff, %ax
	movw	%ax, %es
	movl	$0x600d, %es:0x1f00	/* ffff0 + 1f00 */
	movl	$0x101ef0, %esi
	movl	(%esi), %eax
	movl	%eax, RESULT(3)
	finish
unreal_gdtr:
	.word	SEL_TSS - 1
	.long	GUEST_GDT

/* Real, protected, real, many times. */
	.globl	real_switch
real_switch:
	cli
	xorl	%eax, %eax
	movw	%ax, %ds
	movw	%ax, %ss
	movl	$0x7000, %esp
	lgdtl	unreal_gdtr
	movl	$200, %ecx
1:	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$SEL_CODE32, $switch32
	.code32
switch32:
	movw	$SEL_DATA, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	incl	RESULT(0)
	ljmpl	$SEL_CODE16, $switch16
	.code16
switch16:
	movw	$SEL_DATA16, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	movl	%cr0, %eax
	andb	$0xfe, %al
	movl	%eax, %cr0
	ljmpw	$0, $1f
1:	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	incl	RESULT(1)
	loopl	2f
	finish
2:	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$SEL_CODE32, $switch32

/* A triple fault in real mode: an IVT too short for anything. */
	.globl	real_triple
real_triple:
	xorl	%eax, %eax
	movw	%ax, %ds
	lidtl	no_idt
	int	$0x21
no_idt:
	.word	0
	.long	0

/* ---- 32 bits ---- */

	.text
	.code32

	.macro	gate32 vector, handler
	movl	$\handler, %eax
	movw	%ax, idt32 + \vector * 8
	movw	$SEL_CODE32, idt32 + \vector * 8 + 2
	movw	$0x8e00, idt32 + \vector * 8 + 4
	shrl	$16, %eax
	movw	%ax, idt32 + \vector * 8 + 6
	.endm

/* Common to all three: interrupts, exceptions, ports, MMIO; edi counts nothing. */
	.globl	prot32
prot32:
	movl	$stack32_end, %esp
	gate32	0x21, on32_int
	gate32	6, on32_ud
	gate32	13, on32_gp
	gate32	14, on32_pf
	lidtl	idtr32
	int	$0x21
	int	$0x21
	ud2
	movl	$0x12345678, %ecx
	rdmsr				/* 2 bytes: #GP */
	movw	$PORT_TEST, %dx
	movl	$0x01020304, %eax
	outl	%eax, %dx
	xorl	%eax, %eax
	inb	%dx, %al
	movl	%eax, RESULT(3)
	movl	$GUEST_MMIO, %esi
	movl	(%esi), %eax
	movl	%eax, RESULT(4)
	movl	$0x77777777, 8(%esi)
	addl	$1, 8(%esi)
	movl	8(%esi), %eax
	movl	%eax, RESULT(5)
	xorl	%eax, %eax
	xorl	%ecx, %ecx
	cpuid
	movl	%ebx, RESULT(6)
	finish

/* With paging: a page taken away faults, with its address; CR3 and PDPTEs can be loaded again. */
	.globl	paged32
paged32:
	movl	$stack32_end, %esp
	gate32	14, on32_pf
	gate32	13, on32_gp
	lidtl	idtr32
	movl	0x1c00000, %eax		/* maps */
	movl	%cr4, %eax
	testl	$0x20, %eax
	jnz	1f
	movl	$0, GUEST_PD32 + (0x1c00000 >> 22) * 4
	jmp	2f
1:	movl	$0, GUEST_PD + (0x1c00000 >> 21) * 8
2:	movl	%cr3, %eax
	movl	%eax, %cr3
	movl	0x1c00123, %eax		/* 5 bytes: #PF */
	movl	%cr3, %eax
	movl	%eax, RESULT(4)
	movl	%cr0, %eax
	movl	%eax, RESULT(5)
	/* paging off and on */
	andl	$0x7fffffff, %eax
	movl	%eax, %cr0
	movl	0x1c00000, %ecx		/* is there without paging */
	movl	%ecx, RESULT(6)
	/* QEMU's CPU has set the accessed bit of PDPTEs, which is reserved there. */
	andl	$~0x20, GUEST_PAE
	andl	$~0x20, GUEST_PAE + 8
	andl	$~0x20, GUEST_PAE + 16
	andl	$~0x20, GUEST_PAE + 24
	orl	$0x80000000, %eax
	movl	%eax, %cr0
	movl	$1, %ecx
	movl	%ecx, RESULT(7)
	finish

/* PAE: a PDPTE taken away is noticed when CR3 is loaded. */
	.globl	pae_pdpte
pae_pdpte:
	movl	$stack32_end, %esp
	gate32	14, on32_pf
	lidtl	idtr32
	movl	$0, GUEST_PAE + 16
	movl	$0, GUEST_PAE + 20
	movl	$GUEST_PAE, %eax
	movl	%eax, %cr3
	movl	0x80000123, %eax	/* 5 bytes: #PF */
	finish

/*
 * PAE, where PDPTEs are registers: one taken away in memory alone still maps for us, too; one with
 * a reserved bit makes MOV to CR3, CR0, CR4 fault, and nothing has changed.
 */
#define WINDOW		0xd0401000		/* linear, and what stands behind it varies */
#define PD_INDEX(gva)	(((gva) >> 21) & 511)

	.globl	pae_loaded
pae_loaded:
	movl	$stack32_end, %esp
	gate32	13, on32_gp_mov
	gate32	14, on32_pf
	lidtl	idtr32
	movl	GUEST_PAE + 24, %ebx
	movl	$0, GUEST_PAE + 24
	movl	$0x77777777, %eax
	movl	%eax, GUEST_MMIO	/* 5 bytes: #PF is wrong */
	movl	$0, %eax
	movl	GUEST_MMIO, %eax
	movl	%eax, RESULT(4)
	movl	%ebx, GUEST_PAE + 24
	/* With another PDPTE loaded, and nothing changed in the directory before: its page. */
	movl	$0x1a000e7, GUEST_PD + 3 * 4096 + PD_INDEX(WINDOW) * 8
	movl	$GUEST_MMIO + 0xe7, other_pd + PD_INDEX(GUEST_MMIO) * 8
	movl	$0x1c000e7, other_pd + PD_INDEX(WINDOW) * 8
	movl	%cr3, %eax
	movl	%eax, %cr3
	call	copy_from_device
	call	copy_from_device
	movl	$other_pd + 1, GUEST_PAE + 24
	movl	%cr3, %eax
	movl	%eax, %cr3
	call	copy_from_device
	movl	0x1c00000 + (WINDOW & 0x1fffff), %ecx
	movl	%ecx, RESULT(7)
	movl	%ebx, GUEST_PAE + 24
	orl	$2, GUEST_PAE + 16
	movl	%cr3, %eax
	movl	%eax, %cr3		/* 3 bytes: #GP */
	movl	%cr0, %eax
	andl	$0x7fffffff, %eax
	movl	%eax, %cr0
	orl	$0x80000000, %eax
	movl	%eax, %cr0		/* #GP */
	movl	%cr0, %ecx
	movl	%ecx, RESULT(5)
	andl	$~2, GUEST_PAE + 16
	movl	%eax, %cr0
	orl	$2, GUEST_PAE + 16
	movl	%cr4, %eax
	movl	%eax, %ecx
	xorl	$0x80, %eax
	movl	%eax, %cr4		/* #GP */
	movl	%cr4, %eax
	xorl	%ecx, %eax
	movl	%eax, RESULT(6)
	movl	0x80000000, %eax	/* maps, as before; nothing is there */
	finish

/*
 * The timer in code of level 3 and in level 0's handler, through a TSS; INT 0x21 ends it. What is
 * pushed is looked at.
 */
#define SEL_UCODE32	(SEL_TSS + 16 + 3)	/* made here */

	.globl	prot_timer
prot_timer:
	movl	$stack32_end, %esp
	lidtl	idtr32
	movl	$0x0000ffff, GUEST_GDT + (SEL_UCODE32 & ~7)
	movl	$0x00cffb00, GUEST_GDT + (SEL_UCODE32 & ~7) + 4
	movl	$stack32_end, GUEST_TSS + 4
	movl	$SEL_DATA, GUEST_TSS + 8
	movw	$SEL_TSS, %ax		/* QEMU's CPU wants no TSS that isn't loaded this way */
	ltr	%ax
	gate32	0x28, on32_tick
	gate32	0x21, on32_end
	movb	$0xee, idt32 + 0x21 * 8 + 5	/* DPL 3 */
	gate32	13, on32_user_gp
	start_8259 0x28
	start_8254
	pushl	$SEL_UDATA
	pushl	$stack32_end - 2048
	pushl	$0x202
	pushl	$SEL_UCODE32
	pushl	$1f
	iretl
1:	cli				/* 1 byte: #GP */
	movl	$0x1234, %ebx
2:	cmpl	$5, %ss:RESULT(0)
	jb	2b
	int	$0x21
on32_tick:
	incl	%ss:RESULT(0)
	pushl	%eax
	movb	$0x20, %al
	outb	%al, $0x20
	popl	%eax
	iretl
on32_user_gp:
	popl	%ss:RESULT(1)
	incl	%ss:RESULT(2)
	incl	(%esp)
	iretl
on32_end:
	movl	4(%esp), %eax
	movl	%eax, %ss:RESULT(3)
	movl	12(%esp), %eax
	subl	$stack32_end, %eax
	movl	%eax, %ss:RESULT(4)
	movl	16(%esp), %eax
	movl	%eax, %ss:RESULT(5)
	movl	%ebx, %ss:RESULT(6)
	movl	%ds, %eax
	movl	%eax, %ss:RESULT(7)
	finish

/*
 * Hardware tasks: one called, one behind a task gate for #UD, one for #GP with its error code. The
 * latter two have the interrupted task, whose registers are in its TSS, go on behind what faulted.
 */
#define SEL_TASK(n)	(SEL_TSS + 16 + 8 * (n))
#define TSS_EIP		0x20
#define TASK_TSS	(GUEST_TSS + 0x800)	/* 128 bytes each */

	.macro	task n, entry
	movl	$(((TASK_TSS + 128 * \n) & 0xffff) << 16 | 103), GUEST_GDT + SEL_TASK(\n)
	movl	$(0x8900 | (TASK_TSS + 128 * \n) >> 16), GUEST_GDT + SEL_TASK(\n) + 4
	movl	$(TASK_TSS + 128 * \n), %ebx
	movl	%cr3, %eax
	movl	%eax, 0x1c(%ebx)
	movl	$\entry, TSS_EIP(%ebx)
	movl	$2, 0x24(%ebx)
	movl	$(0x1230 + \n), 0x28(%ebx)	/* EAX */
	movl	$(stack32_end - 512 * (1 + \n)), 0x38(%ebx)
	movl	$SEL_DATA, 0x48(%ebx)		/* ES */
	movl	$SEL_CODE32, 0x4c(%ebx)
	movl	$SEL_DATA, 0x50(%ebx)		/* SS */
	movl	$SEL_DATA, 0x54(%ebx)
	movl	$SEL_DATA, 0x58(%ebx)
	movl	$SEL_DATA, 0x5c(%ebx)
	.endm

	.macro	task_gate vector, n
	movl	$(SEL_TASK(\n) << 16), idt32 + \vector * 8
	movl	$0x8500, idt32 + \vector * 8 + 4
	.endm

	.globl	tasks32
tasks32:
	movl	$stack32_end, %esp
	lidtl	idtr32
	task	0, called
	task	1, task_ud
	task	2, task_gp
	task_gate 6, 1
	task_gate 13, 2
	task_gate 0x21, 0
	movl	%cr3, %eax
	movl	%eax, GUEST_TSS + 0x1c
	movw	$SEL_TSS, %ax
	ltr	%ax
	movl	$0x600d, %esi
	lcall	$SEL_TASK(0), $0
	lcall	$SEL_TASK(0), $0
	ud2
	int	$0x21
	movl	$0x12345678, %ecx
	rdmsr				/* 2 bytes: #GP */
	ud2
	movl	%esp, %eax
	subl	$stack32_end, %eax
	movl	%eax, RESULT(5)
	movl	%esi, RESULT(6)
	str	%ax
	movzwl	%ax, %eax
	movl	%eax, RESULT(7)
	finish

/* EAX is what the TSS held, later what it was at IRET. */
called:
	addl	%eax, RESULT(0)
	movl	$1, %eax
	pushfl
	popl	%ecx
	orl	%ecx, RESULT(1)			/* NT */
	movl	%cr0, %ecx
	orl	%ecx, RESULT(2)			/* TS */
	iretl
	jmp	called
task_ud:
	incl	RESULT(3)
	addl	$2, GUEST_TSS + TSS_EIP
	iretl
	jmp	task_ud
task_gp:
	popl	%eax				/* the error code */
	leal	1(%eax), %eax
	movl	%eax, RESULT(4)
	addl	$2, GUEST_TSS + TSS_EIP
	iretl
	jmp	task_gp

/*
 * Events that reach a task: NMIs, of which the second (ARG(0): it is sent in the first one's task)
 * waits for the first one's IRET; an interrupt of the APIC's; traps, behind which the interrupted
 * task goes on; a fault, whose cause the task removes; JMP, there and back, which nests nothing.
 */
#define APIC_BASE	0xfee00000
#define TSS_EBX		0x34

	.globl	task_events
task_events:
	movl	$stack32_end, %esp
	lidtl	idtr32
	task	0, task_nmi
	task	1, task_irq
	task	2, task_trap
	task	3, task_de
	task	4, task_jumped_to
	task_gate 2, 0
	task_gate 0x2f, 1
	task_gate 3, 2
	task_gate 4, 2
	task_gate 0, 3
	movl	%cr3, %eax
	movl	%eax, GUEST_TSS + 0x1c
	movw	$SEL_TSS, %ax
	ltr	%ax
	movl	$0x1ff, APIC_BASE + 0xf0
	movl	$0, APIC_BASE + 0x310
	movl	$0x400, APIC_BASE + 0x300	/* NMI to APIC 0 */
1:	cmpl	$0, RESULT(0)
	je	1b
	cmpl	$0, ARG(0)
	jne	1f
	movl	$0x400, APIC_BASE + 0x300
1:	cmpl	$2, RESULT(0)
	jne	1b
	movl	$0x4002f, APIC_BASE + 0x300	/* to itself */
	sti
1:	cmpl	$0, RESULT(2)
	je	1b
	cli
	int3
1:	subl	$1b, RESULT(3)
	movl	RESULT(3), %ecx
	movl	$0x7fffffff, %eax
	incl	%eax				/* OF */
	into
1:	subl	$1b, RESULT(3)
	orl	%ecx, RESULT(3)
	xorl	%edx, %edx
	movl	$42, %eax
	xorl	%ebx, %ebx
	divl	%ebx
	movl	%eax, RESULT(4)
	ljmp	$SEL_TASK(4), $0xf4f4f4f4
	movb	GUEST_GDT + SEL_TASK(4) + 5, %al
	shll	$8, %eax
	movb	GUEST_GDT + SEL_TSS + 5, %al
	movzwl	%ax, %eax
	movl	%eax, RESULT(7)
	finish

task_nmi:
	incl	RESULT(0)
	cmpl	$1, RESULT(0)
	jne	1f
	cmpl	$0, ARG(0)
	je	1f
	movl	$0x400, APIC_BASE + 0x300
	nop
	nop
	movl	RESULT(0), %eax
	movl	%eax, RESULT(1)
1:	iretl
	jmp	task_nmi
task_irq:
	incl	RESULT(2)
	movl	$0, APIC_BASE + 0xb0
	iretl
	jmp	task_irq
task_trap:
	movl	GUEST_TSS + TSS_EIP, %eax
	movl	%eax, RESULT(3)
	iretl
	jmp	task_trap
task_de:
	incl	GUEST_TSS + TSS_EBX
	iretl
	jmp	task_de
task_jumped_to:
	pushfl
	popl	RESULT(5)
	movzbl	GUEST_GDT + SEL_TSS + 5, %eax
	movl	%eax, RESULT(6)
	ljmp	$SEL_TSS, $0xf4f4f4f4

on32_int:
	incl	RESULT(0)
	iretl
on32_ud:
	incl	RESULT(1)
	addl	$2, (%esp)
	iretl
on32_gp:
	addl	$4, %esp
	incl	RESULT(2)
	addl	$2, (%esp)
	iretl
copy_from_device:
	movl	$GUEST_MMIO, %esi
	movl	$WINDOW, %edi
	movsl
	ret

on32_gp_mov:
	addl	$4, %esp
	incl	RESULT(0)
	addl	$3, (%esp)
	iretl
on32_pf:
	popl	RESULT(2)
	movl	%cr2, %eax
	movl	%eax, RESULT(3)
	incl	RESULT(1)
	addl	$5, (%esp)
	iretl

idtr32:
	.word	0x30 * 8 - 1
	.long	idt32

/* ---- fast system calls of modes-guest.c ---- */

/*
 * bool call_syscall(u32 flags), bool call_sysenter(u32 flags): the instruction at level 0, which
 * it doesn't look at, with RFLAGS as given. True: it came to call_*_entry; false: it went on behind
 * it, or an exception went to call_*_resume.
 */
	.text
	.code64
	.globl	call_syscall, call_syscall_resume, call_syscall_entry
call_syscall:
	movq	%rsp, fast_rsp
	leaq	1f(%rip), %rax
	pushq	$SEL_CODE32
	pushq	%rax
	lretq
	.code32
1:	pushl	%edi
	popfl
	syscall
call_syscall_resume:
	ljmpl	$SEL_CODE64, $fast_behind

	/* In 64-bit code: QEMU's SYSENTER makes CS of both 32 and 64 bits, and knows no vendor. */
	.code64
	.globl	call_sysenter, call_sysenter_resume, call_sysenter_entry
call_sysenter:
	movq	%rsp, fast_rsp
	pushq	%rdi
	popfq
	sysenter
call_sysenter_resume:
fast_behind:
	xorl	%eax, %eax
	jmp	1f
call_syscall_entry:
call_sysenter_entry:
	movl	$1, %eax
1:	movq	%rsp, fast_seen
	movq	%rcx, fast_seen + 8
	movq	%r11, fast_seen + 16
	movw	%cs, fast_seen + 24
	movw	%ss, fast_seen + 32
	movq	fast_rsp, %rsp
	pushfq
	popq	fast_seen + 40
	pushq	$2
	popfq
	ret

	.bss
	.globl	fast_seen
	.align	8
fast_seen:
	.skip	48
fast_rsp:
	.skip	8
	.align	4096
other_pd:
	.skip	4096
idt32:
	.skip	0x30 * 8
	.skip	4096
stack32_end:
	.section .note.GNU-stack, "", @progbits
