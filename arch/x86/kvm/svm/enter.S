/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One VMRUN (AMD APM vol. 2, 15.5). Everything between CLGI and STGI is done here, where the order
 * of each instruction can be seen.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>

#include "enter.h"
#include "enter_macros.h"

/*
 * An SVM instruction. It faults if SVM was turned off under us (emergency, CPU that failed to come
 * up): go on.
 */
.macro SVM_INSN insn:vararg
.Linsn_\@:
	\insn
.Lnext_\@:
	_ASM_EXTABLE(.Linsn_\@, .Lnext_\@)
.endm

/*
 * Before any RET. Where the headers know no variant for VM exits, the one for kernel entries and
 * its IBPB.
 */
.macro UNTRAIN_AFTER_EXIT
#ifdef UNTRAIN_RET_VM
	UNTRAIN_RET_VM
#else
	ANNOTATE_UNRET_END
	CALL_UNTRAIN_RET
	ALTERNATIVE_2 "", "call entry_ibpb", X86_FEATURE_ENTRY_IBPB, \
		      "call entry_ibpb", X86_FEATURE_IBPB_ON_VMEXIT
#endif
.endm

.section .noinstr.text, "ax"

/*
 * int svm_enter(struct svm_entry *entry): run the guest until its next exit
 *
 * Irqs are off before and after. Returns 0, or 1 if SVM is off on this CPU and nothing was done.
 */
SYM_FUNC_START(svm_enter)
	push %rbp
	mov %rsp, %rbp
	push %r15
	push %r14
	push %r13
	push %r12
	push %rbx
	push %rdi

	/*
	 * From here to STGI nothing can interrupt us: FS, GS, TR and the MSRs behind them are the
	 * guest's.
	 */
.Lclgi:
	clgi
	_ASM_EXTABLE(.Lclgi, .Lsvm_off)
	/*
	 * V_INTR_MASKING: host interrupts end guest mode only if IF=1 at VMRUN. They stay pending
	 * until after STGI. Well before VMRUN, so that STI's shadow does not become the guest's.
	 */
	sti

	/* SPEC_CTRL, where hardware doesn't switch it */
	ALTERNATIVE_2 "jmp .Lspec_in_done", "", X86_FEATURE_MSR_SPEC_CTRL, \
		      "jmp .Lspec_in_done", X86_FEATURE_V_SPEC_CTRL
	LOAD_GUEST_SPEC_CTRL .Lspec_in_done
.Lspec_in_done:

	mov ENTRY_VMCB_PA(%rdi), %rax
	/* FS, GS, TR, LDTR, KernelGSBase, SYSCALL and SYSENTER MSRs are VMLOAD's */
	SVM_INSN vmload %rax

	mov ENTRY_GPR(%rdi), %rdi
	LOAD_GUEST_GPRS

	/* TSA and MDS: nothing of the host's may be left in CPU buffers; clobbers ZF only */
	VM_CLEAR_CPU_BUFFERS

	SVM_INSN vmrun %rax

	/*
	 * RAX is the VMCB's address again and RSP the host's; all other registers are the guest's.
	 */
	mov (%rsp), %rax
	mov ENTRY_GPR(%rax), %rax
	SAVE_GUEST_GPRS

	xor %ebx, %ebx
	CLEAR_GUEST_GPRS

	mov (%rsp), %rdi
	mov ENTRY_VMCB_PA(%rdi), %rax
	SVM_INSN vmsave %rax
	mov ENTRY_HOST_PA(%rdi), %rax
	SVM_INSN vmload %rax
	/* Per-CPU data can be reached again: the macros below need it. */

	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RETPOLINE

	ALTERNATIVE_2 "jmp .Lspec_out_done", "", X86_FEATURE_MSR_SPEC_CTRL, \
		      "jmp .Lspec_out_done", X86_FEATURE_V_SPEC_CTRL
	SAVE_GUEST_SPEC_CTRL
	cmp ENTRY_SPEC_GUEST(%rdi), %rax
	je .Lspec_out_done
	mov %rax, %rdx
	shr $32, %rdx
	wrmsr
.Lspec_out_done:

	UNTRAIN_AFTER_EXIT

	/*
	 * #VMEXIT restored IF=1. Off again before GIF: interrupts wait for the caller, NMIs come
	 * now.
	 */
	cli
	SVM_INSN stgi

	xor %ecx, %ecx
	xor %edx, %edx
	xor %edi, %edi
	xor %eax, %eax
.Lout:
	add $8, %rsp
	pop %rbx
	pop %r12
	pop %r13
	pop %r14
	pop %r15
	pop %rbp
	RET

.Lsvm_off:
	mov $1, %eax
	jmp .Lout
SYM_FUNC_END(svm_enter)
