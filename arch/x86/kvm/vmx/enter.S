/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One VM entry and exit (SDM vol. 3, chapters 26 and 27), and the call of the host's NMI handler.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/segment.h>

#include "compat.h"
#include "enter.h"
#include "enter_macros.h"

.section .noinstr.text, "ax"

/*
 * int vmx_enter(struct vmx_entry *entry): run the guest until its next exit
 *
 * Irqs are off before and after. Returns 0; 1 if the instruction failed (VM_INSTRUCTION_ERROR may
 * say why) or VMX is off on this CPU.
 */
SYM_FUNC_START(vmx_enter)
	push %rbp
	mov %rsp, %rbp
	push %r15
	push %r14
	push %r13
	push %r12
	push %rbx
	push %rdi

	/* The stack is as deep as at the last entry, as a rule. */
	cmp %rsp, ENTRY_HOST_RSP(%rdi)
	je .Lhost_rsp_done
	mov %rsp, ENTRY_HOST_RSP(%rdi)
	mov $FIELD_HOST_RSP, %eax
.Lhost_rsp:
	vmwrite %rsp, %rax
	_ASM_EXTABLE(.Lhost_rsp, .Lhost_rsp_done)
.Lhost_rsp_done:

	ALTERNATIVE "jmp .Lspec_in_done", "", X86_FEATURE_MSR_SPEC_CTRL
	LOAD_GUEST_SPEC_CTRL .Lspec_in_done
.Lspec_in_done:

	/* Into CF, which nothing touches until it is asked: MOV no flag, VERW only ZF. */
	btl $ENTRY_RESUME_BIT, ENTRY_FLAGS(%rdi)

	mov ENTRY_GPR(%rdi), %rdi
	mov GPR_RAX(%rdi), %rax
	LOAD_GUEST_GPRS

	/* MDS, TAA, RFDS, MMIO stale data: nothing of the host's may be left in CPU buffers */
	CLEAR_CPU_BUFFERS

	jnc .Llaunch
.Lresume:
	vmresume
	_ASM_EXTABLE(.Lresume, .Lvmx_off)
	jmp .Lnot_entered
.Llaunch:
	vmlaunch
	_ASM_EXTABLE(.Llaunch, .Lvmx_off)
.Lnot_entered:
	/* VMfail sets CF or ZF, so this is always taken; what follows is reached by VM exits. */
	jbe .Lvmfail

SYM_INNER_LABEL(vmx_exit_point, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	/* RSP is HOST_RSP; all other general registers are the guest's. */
	push %rax
	mov 8(%rsp), %rax
	mov ENTRY_GPR(%rax), %rax
	pop GPR_RAX(%rax)
	SAVE_GUEST_GPRS
	xor %ebx, %ebx

.Lclear:
	xor %eax, %eax
	CLEAR_GUEST_GPRS
	mov (%rsp), %rdi

	/* Before any RET: the return stack may hold what the guest put there. */
	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
			   X86_FEATURE_RSB_VMEXIT_LITE

	ALTERNATIVE "jmp .Lspec_out_done", "", X86_FEATURE_MSR_SPEC_CTRL
	SAVE_GUEST_SPEC_CTRL
	/* With IBRS of the old kind the write itself is the barrier: never left out. */
	ALTERNATIVE "jmp .Lspec_compare", "", X86_FEATURE_KERNEL_IBRS
	jmp .Lspec_wrmsr
.Lspec_compare:
	cmp ENTRY_SPEC_GUEST(%rdi), %rax
	je .Lspec_same
.Lspec_wrmsr:
	mov %rax, %rdx
	shr $32, %rdx
	wrmsr
.Lspec_same:
	/* Not to be left out by a mispredicted jump either. */
	lfence
.Lspec_out_done:

	/* BHI: the guest's branch history must not steer the host's indirect branches. */
	CLEAR_BRANCH_HISTORY_VMEXIT

	mov %ebx, %eax
	xor %ecx, %ecx
	xor %edx, %edx
	xor %edi, %edi
	add $8, %rsp
	pop %rbx
	pop %r12
	pop %r13
	pop %r14
	pop %r15
	pop %rbp
	RET

.Lvmx_off:
.Lvmfail:
	mov $1, %ebx
	jmp .Lclear
SYM_FUNC_END(vmx_enter)

/*
 * void vmx_host_nmi(void): call the host's handler of NMIs
 *
 * With the frame that the CPU would have pushed: the handler ends by IRET, to here.
 */
SYM_FUNC_START(vmx_host_nmi)
	push %rbp
	mov %rsp, %rbp
	/* As the CPU aligns it (SDM vol. 3, 6.14.2). */
	and $-16, %rsp
	push $__KERNEL_DS
	push %rbp
	pushf
	push $__KERNEL_CS
	call COMPAT_VMX_NMI_ENTRY
	mov %rbp, %rsp
	pop %rbp
	RET
SYM_FUNC_END(vmx_host_nmi)
