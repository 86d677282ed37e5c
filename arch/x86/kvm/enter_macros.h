/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the vendors' enter.S: the guest's general registers in and out of vcpu->regs.val, and
 * SPEC_CTRL. Their own enter.h has the offsets ENTRY_*.
 */
#ifndef GUESTMODE_ENTER_MACROS_H
#define GUESTMODE_ENTER_MACROS_H

/* Offsets: the registers in encoding order. RSP travels in the control structure. */
#define GPR_RAX (0 * 8)
#define GPR_RCX (1 * 8)
#define GPR_RDX (2 * 8)
#define GPR_RBX (3 * 8)
#define GPR_RBP (5 * 8)
#define GPR_RSI (6 * 8)
#define GPR_RDI (7 * 8)
#define GPR_R8 (8 * 8)
#define GPR_R9 (9 * 8)
#define GPR_R10 (10 * 8)
#define GPR_R11 (11 * 8)
#define GPR_R12 (12 * 8)
#define GPR_R13 (13 * 8)
#define GPR_R14 (14 * 8)
#define GPR_R15 (15 * 8)

/* All but RAX and RSP, from the array that RDI points to. Changes no flag. */
.macro LOAD_GUEST_GPRS
	mov GPR_RCX(%rdi), %rcx
	mov GPR_RDX(%rdi), %rdx
	mov GPR_RBX(%rdi), %rbx
	mov GPR_RBP(%rdi), %rbp
	mov GPR_RSI(%rdi), %rsi
	mov GPR_R8(%rdi), %r8
	mov GPR_R9(%rdi), %r9
	mov GPR_R10(%rdi), %r10
	mov GPR_R11(%rdi), %r11
	mov GPR_R12(%rdi), %r12
	mov GPR_R13(%rdi), %r13
	mov GPR_R14(%rdi), %r14
	mov GPR_R15(%rdi), %r15
	mov GPR_RDI(%rdi), %rdi
.endm

/* All but RAX and RSP, to the array that RAX points to. */
.macro SAVE_GUEST_GPRS
	mov %rcx, GPR_RCX(%rax)
	mov %rdx, GPR_RDX(%rax)
	mov %rbx, GPR_RBX(%rax)
	mov %rbp, GPR_RBP(%rax)
	mov %rsi, GPR_RSI(%rax)
	mov %rdi, GPR_RDI(%rax)
	mov %r8, GPR_R8(%rax)
	mov %r9, GPR_R9(%rax)
	mov %r10, GPR_R10(%rax)
	mov %r11, GPR_R11(%rax)
	mov %r12, GPR_R12(%rax)
	mov %r13, GPR_R13(%rax)
	mov %r14, GPR_R14(%rax)
	mov %r15, GPR_R15(%rax)
.endm

/*
 * No value of the guest's stays for the host to speculate with. RAX, RBX and RDI are the caller's
 * to overwrite.
 */
.macro CLEAR_GUEST_GPRS
	xor %ecx, %ecx
	xor %edx, %edx
	xor %ebp, %ebp
	xor %esi, %esi
	xor %r8d, %r8d
	xor %r9d, %r9d
	xor %r10d, %r10d
	xor %r11d, %r11d
	xor %r12d, %r12d
	xor %r13d, %r13d
	xor %r14d, %r14d
	xor %r15d, %r15d
.endm

/* RDI points to the entry. Goes to @done where the host's value is the guest's as well. */
.macro LOAD_GUEST_SPEC_CTRL done:req
	mov ENTRY_SPEC_GUEST(%rdi), %rax
	cmp ENTRY_SPEC_HOST(%rdi), %rax
	je \done
	mov $MSR_IA32_SPEC_CTRL, %ecx
	mov %rax, %rdx
	shr $32, %rdx
.Lwrmsr_\@:
	wrmsr
	_ASM_EXTABLE(.Lwrmsr_\@, \done)
.endm

/* RDI points to the entry. Leaves the MSR's number in ECX and the host's value in RAX. */
.macro SAVE_GUEST_SPEC_CTRL
	mov $MSR_IA32_SPEC_CTRL, %ecx
	testl $ENTRY_SPEC_READ, ENTRY_FLAGS(%rdi)
	jz .Lsaved_\@
	rdmsr
	shl $32, %rdx
	or %rdx, %rax
	mov %rax, ENTRY_SPEC_GUEST(%rdi)
.Lsaved_\@:
	mov ENTRY_SPEC_HOST(%rdi), %rax
.endm

#endif
