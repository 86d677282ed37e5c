// SPDX-License-Identifier: GPL-2.0-only
/* What ends guest mode, and who serves it (AMD APM vol. 2, 15.9-15.14 and appendix C). */

#include <uapi/asm/debugreg.h>

#include "cr.h"
#include "event.h"
#include "exit.h"
#include "irqchip/irqchip.h"
#include "svm.h"

static struct vmcb_control_area *control_of(struct kvm_vcpu *vcpu)
{
	return &to_svm(vcpu)->vmcb->control;
}

/* --- behind an instruction ------------------------------------------------------------------- */

/**
 * svm_next_rip() - where the instruction that exited ends, if hardware tells
 * @svm: the vCPU
 *
 * IOIO exits always tell; others only where CPUID says so, and only if an instruction was
 * intercepted.
 * Return: the next RIP, or 0: it must be decoded.
 */
u64 svm_next_rip(struct vcpu_svm *svm)
{
	const struct vmcb_control_area *control = &svm->vmcb->control;

	/* It speaks of the instruction at the exit, which may be done with. */
	if (kvm_rip_read(&svm->vcpu) != svm->vmcb->save.rip)
		return 0;
	if (control->exit_code == SVM_EXIT_IOIO)
		return control->exit_info_2;
	return svm_features.next_rip ? control->next_rip : 0;
}

/* The same, decoded: for the plain instructions of 64-bit code. 0: something else. */
static u64 quick_next_rip(struct vcpu_svm *svm)
{
	const struct vmcb_save_area *save = &svm->vmcb->save;
	u64 rip = kvm_rip_read(&svm->vcpu);
	unsigned int length;

	if (!kvm_is_long_mode(&svm->vcpu) || !(save->cs.attrib & SVM_SELECTOR_L_MASK) ||
	    unlikely(rip != save->rip))
		return 0;
	length = kvm_quick_length(&svm->vcpu, save->cpl == 3);
	return length ? rip + length : 0;
}

/**
 * svm_skip_insn() - go on behind the instruction that exited
 * @vcpu: the vCPU, loaded
 *
 * Context: may sleep (the instruction may have to be decoded).
 * Return: KVM_RESUME; KVM_TO_USER or KVM_FAIL if that can't be told or a debugger wants to hear of
 * it.
 */
enum kvm_exit_action svm_skip_insn(struct kvm_vcpu *vcpu)
{
	u64 next = svm_next_rip(to_svm(vcpu)), rflags;

	if (!next)
		next = quick_next_rip(to_svm(vcpu));
	if (unlikely(!next))
		return kvm_emulate(vcpu, EMUL_GLUE_SKIP);
	kvm_rip_write(vcpu, next);
	if (unlikely(svm_get_shadow(vcpu))) {
		svm_set_shadow(vcpu, 0);
		kvm_make_request(KVM_REQ_EVENT, vcpu);
	}
	/* RF ends with each instruction that completes; TF traps behind it (APM vol. 2, 13.1.4). */
	rflags = kvm_rflags_read(vcpu);
	if (unlikely(rflags & X86_EFLAGS_RF))
		kvm_rflags_write(vcpu, rflags & ~X86_EFLAGS_RF);
	if (unlikely(rflags & X86_EFLAGS_TF))
		return exit_db(vcpu, DR6_RESERVED | DR_STEP);
	return KVM_RESUME;
}

/* --- control and debug registers ------------------------------------------------------------- */

/* EXITINFO1 with decode assists (15.8.1): a MOV, and which general register. */
#define CR_IS_MOV BIT_ULL(63)

static int info_gpr(struct kvm_vcpu *vcpu)
{
	return array_index_nospec(control_of(vcpu)->exit_info_1 & SVM_EXITINFO_REG_MASK, 16);
}

static u64 gpr_value(struct kvm_vcpu *vcpu)
{
	u64 value = vcpu->regs.val[info_gpr(vcpu)];

	return kvm_is_64bit_code(vcpu) ? value : (u32)value;
}

static void set_gpr_value(struct kvm_vcpu *vcpu, u64 value)
{
	vcpu->regs.val[info_gpr(vcpu)] = kvm_is_64bit_code(vcpu) ? value : (u32)value;
}

/* LMSW, SMSW and CLTS, and all of them without decode assists, are the emulator's. */
static bool cr_decoded(struct kvm_vcpu *vcpu)
{
	return svm_features.decode_assists && (control_of(vcpu)->exit_info_1 & CR_IS_MOV);
}

static enum kvm_exit_action exit_cr_read(struct kvm_vcpu *vcpu)
{
	u64 value;

	if (!cr_decoded(vcpu))
		return exit_emulate(vcpu);
	switch (control_of(vcpu)->exit_code) {
	case SVM_EXIT_READ_CR0:
		value = kvm_cr0(vcpu);
		break;
	case SVM_EXIT_READ_CR4:
		value = kvm_cr4(vcpu);
		break;
	default:
		return exit_unexpected(vcpu, vcpu->exit.reason);
	}
	set_gpr_value(vcpu, value);
	return svm_skip_insn(vcpu);
}

static enum kvm_exit_action exit_cr_write(struct kvm_vcpu *vcpu)
{
	u64 value;
	int error;

	if (!cr_decoded(vcpu))
		return exit_emulate(vcpu);
	value = gpr_value(vcpu);
	switch (control_of(vcpu)->exit_code) {
	case SVM_EXIT_WRITE_CR0:
		error = kvm_set_cr0(vcpu, value);
		break;
	case SVM_EXIT_WRITE_CR4:
		error = kvm_set_cr4(vcpu, value);
		break;
	default:
		return exit_unexpected(vcpu, vcpu->exit.reason);
	}
	return exit_gp_or_skip(vcpu, error);
}

static enum kvm_exit_action exit_cr8(struct kvm_vcpu *vcpu)
{
	u64 old = kvm_get_cr8(vcpu);

	if (cr_decoded(vcpu))
		return exit_cr8_write(vcpu, gpr_value(vcpu));
	return exit_cr8_written(vcpu, old, exit_emulate(vcpu));
}

/*
 * The first access to a debug register, and no debugger has them: the guest gets them all until the
 * next exit, and tries again.
 */
static enum kvm_exit_action exit_dr(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	if (vcpu->debug.guest_debug)
		return exit_dr_debugged(vcpu);
	vcpu->debug.switch_db |= KVM_DEBUGREG_WONT_EXIT;
	svm_intercepts(svm);
	return KVM_RESUME;
}

/* --- exceptions ------------------------------------------------------------------------------ */

static enum kvm_exit_action exit_exception_db(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	if (svm_step_swallow(svm))
		return exit_nmi_window(vcpu);
	return exit_db(vcpu, svm->vmcb->save.dr6);
}

static enum kvm_exit_action exit_ac(struct kvm_vcpu *vcpu)
{
	return exit_exception_ac(vcpu, control_of(vcpu)->exit_info_1);
}

/* --- other reasons with something to decode -------------------------------------------------- */

/* EXITINFO1 of IOIO (15.10.2) */
static enum kvm_exit_action exit_ioio(struct kvm_vcpu *vcpu)
{
	u32 info = control_of(vcpu)->exit_info_1;

	if (info & (SVM_IOIO_STR_MASK | SVM_IOIO_REP_MASK))
		return exit_emulate(vcpu);
	return exit_pio(vcpu, info >> 16, (info & SVM_IOIO_SIZE_MASK) >> SVM_IOIO_SIZE_SHIFT,
			info & SVM_IOIO_TYPE_MASK);
}

static enum kvm_exit_action exit_msr(struct kvm_vcpu *vcpu)
{
	return control_of(vcpu)->exit_info_1 ? exit_wrmsr(vcpu) : exit_rdmsr(vcpu);
}

/* EXITINFO2 of a task switch (15.14.1); hardware has no name for CALL and for gates */
#define TASK_IRET BIT_ULL(36)
#define TASK_JMP BIT_ULL(38)
#define TASK_RF BIT_ULL(48) /* as the old task is to have it */

static enum kvm_exit_action exit_task(struct kvm_vcpu *vcpu)
{
	const struct vmcb_control_area *control = control_of(vcpu);
	u32 event = control->exit_int_info, type = event & SVM_EXITINTINFO_TYPE_MASK;
	u8 vector = event & SVM_EXITINTINFO_VEC_MASK;
	struct kvm_task_switch task = { .selector = control->exit_info_1, .insn = true };
	u64 info = control->exit_info_2, rflags = kvm_rflags_read(vcpu);

	if (info & TASK_IRET) {
		task.reason = KVM_TASK_IRET;
	} else if (info & TASK_JMP) {
		task.reason = KVM_TASK_JMP;
	} else if (event & SVM_EXITINTINFO_VALID) {
		task.reason = KVM_TASK_GATE;
		task.soft = type == SVM_EXITINTINFO_TYPE_SOFT ||
			    (type == SVM_EXITINTINFO_TYPE_EXEPT &&
			     (vector == BP_VECTOR || vector == OF_VECTOR));
		task.insn = task.soft;
	}
	kvm_rflags_write(vcpu, info & TASK_RF ? rflags | X86_EFLAGS_RF : rflags & ~X86_EFLAGS_RF);
	return exit_task_switch(vcpu, &task);
}

/* Triple fault. The VMCB is undefined (15.14.3): INIT makes a state that can be run. */
static enum kvm_exit_action exit_svm_shutdown(struct kvm_vcpu *vcpu)
{
	svm_vmcb_init(to_svm(vcpu));
	kvm_vcpu_reset(vcpu, true);
	return exit_triple_fault(vcpu);
}

/* --- the table ------------------------------------------------------------------------------- */

/*
 * Host NMI, SMI, INIT: the CPU has them at STGI. #MC: svm_exit_irqoff() has served it.
 * Empty: never intercepted, or unknown to us: exit_unexpected().
 */
static const struct kvm_exit_row rows[] = {
	[SVM_EXIT_READ_CR0] = KVM_EXIT_ROW(exit_cr_read, CR),
	[SVM_EXIT_READ_CR4] = KVM_EXIT_ROW(exit_cr_read, CR),
	[SVM_EXIT_WRITE_CR0] = KVM_EXIT_ROW(exit_cr_write, CR),
	[SVM_EXIT_WRITE_CR4] = KVM_EXIT_ROW(exit_cr_write, CR),
	[SVM_EXIT_WRITE_CR8] = KVM_EXIT_ROW(exit_cr8, CR),
	[SVM_EXIT_READ_DR0... SVM_EXIT_READ_DR7] = KVM_EXIT_ROW(exit_dr, DR),
	[SVM_EXIT_WRITE_DR0... SVM_EXIT_WRITE_DR7] = KVM_EXIT_ROW(exit_dr, DR),
	[SVM_EXIT_EXCP_BASE + DB_VECTOR] = KVM_EXIT_ROW(exit_exception_db, EXCEPTION),
	[SVM_EXIT_EXCP_BASE + BP_VECTOR] = KVM_EXIT_ROW(exit_bp, EXCEPTION),
	[SVM_EXIT_EXCP_BASE + UD_VECTOR] = KVM_EXIT_ROW(exit_exception_ud, EXCEPTION),
	[SVM_EXIT_EXCP_BASE + AC_VECTOR] = KVM_EXIT_ROW(exit_ac, EXCEPTION),
	[SVM_EXIT_EXCP_BASE + MC_VECTOR] = KVM_EXIT_ROW(exit_nothing, EXCEPTION),
	[SVM_EXIT_INTR] = KVM_EXIT_ROW(exit_host_interrupt, INTR),
	[SVM_EXIT_NMI] = KVM_EXIT_ROW(exit_nothing, NMI),
	[SVM_EXIT_SMI] = KVM_EXIT_ROW(exit_nothing, NMI),
	[SVM_EXIT_INIT] = KVM_EXIT_ROW(exit_nothing, NMI),
	[SVM_EXIT_VINTR] = KVM_EXIT_ROW(svm_exit_vintr, IRQ_WINDOW),
	[SVM_EXIT_RDPMC] = KVM_EXIT_ROW(exit_rdpmc, RDPMC),
	[SVM_EXIT_CPUID] = KVM_EXIT_ROW(exit_cpuid, CPUID),
	[SVM_EXIT_RSM] = KVM_EXIT_ROW(exit_ud, MISSING),
	[SVM_EXIT_IRET] = KVM_EXIT_ROW(svm_exit_iret, NMI_WINDOW),
	[SVM_EXIT_INVD] = KVM_EXIT_ROW(exit_invd, CACHE),
	[SVM_EXIT_PAUSE] = KVM_EXIT_ROW(exit_pause, PAUSE),
	[SVM_EXIT_HLT] = KVM_EXIT_ROW(exit_hlt, HLT),
	[SVM_EXIT_INVLPGA] = KVM_EXIT_ROW(exit_ud, MISSING),
	[SVM_EXIT_IOIO] = KVM_EXIT_ROW(exit_ioio, IO),
	[SVM_EXIT_MSR] = KVM_EXIT_ROW(exit_msr, MSR),
	[SVM_EXIT_TASK_SWITCH] = KVM_EXIT_ROW(exit_task, TASK_SWITCH),
	[SVM_EXIT_FERR_FREEZE] = KVM_EXIT_ROW(exit_nothing, OTHER), /* the CPU would wait */
	[SVM_EXIT_SHUTDOWN] = KVM_EXIT_ROW(exit_svm_shutdown, SHUTDOWN),
	[SVM_EXIT_VMRUN] = KVM_EXIT_ROW(exit_ud, MISSING),
	[SVM_EXIT_VMMCALL] = KVM_EXIT_ROW(exit_hypercall, HYPERCALL),
	[SVM_EXIT_VMLOAD] = KVM_EXIT_ROW(exit_ud, MISSING),
	[SVM_EXIT_VMSAVE] = KVM_EXIT_ROW(exit_ud, MISSING),
	[SVM_EXIT_STGI] = KVM_EXIT_ROW(exit_ud, MISSING),
	[SVM_EXIT_CLGI] = KVM_EXIT_ROW(exit_ud, MISSING),
	[SVM_EXIT_SKINIT] = KVM_EXIT_ROW(exit_ud, MISSING),
	[SVM_EXIT_RDTSCP] = KVM_EXIT_ROW(exit_ud, MISSING),
	[SVM_EXIT_WBINVD] = KVM_EXIT_ROW(exit_invd, CACHE),
	[SVM_EXIT_MONITOR] = KVM_EXIT_ROW(exit_monitor, MONITOR),
	[SVM_EXIT_MWAIT] = KVM_EXIT_ROW(exit_mwait, MONITOR),
	[SVM_EXIT_XSETBV] = KVM_EXIT_ROW(exit_xsetbv, XSETBV),
	[SVM_EXIT_RDPRU] = KVM_EXIT_ROW(exit_ud, MISSING),
	[SVM_EXIT_INVPCID - 2] = KVM_EXIT_ROW(exit_ud, MISSING), /* INVLPGB */
	[SVM_EXIT_INVPCID - 1] = KVM_EXIT_ROW(exit_ud, MISSING), /* INVLPGB, not for guests */
	[SVM_EXIT_INVPCID] = KVM_EXIT_ROW(exit_ud, MISSING),
	[SVM_EXIT_INVPCID + 1] = KVM_EXIT_ROW(exit_ud, MISSING), /* MCOMMIT */
	[SVM_EXIT_INVPCID + 2] = KVM_EXIT_ROW(exit_ud, MISSING), /* TLBSYNC */
};

static enum kvm_exit_action dispatch(struct kvm_vcpu *vcpu, u32 code)
{
	/* The one row above 0x400, and the most frequent one. */
	if (code == SVM_EXIT_NPF) {
		vcpu->stat.exit_reason[KVM_EXIT_CLASS_NESTED_FAULT]++;
		return svm_exit_npf(vcpu);
	}
	return exit_dispatch(vcpu, rows, ARRAY_SIZE(rows), code);
}

/**
 * svm_handle_exit() - act on the last exit
 * @vcpu: the vCPU
 *
 * Context: irqs and preemption on, kvm->srcu held; may sleep.
 */
enum kvm_exit_action svm_handle_exit(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	if (unlikely(vcpu->exit.failed_entry)) {
		vcpu->stat.exit_reason[KVM_EXIT_CLASS_OTHER]++;
		svm_dump(vcpu);
		/* What it was to deliver is still to be delivered: back to where ioctls see it. */
		svm_cancel_injection(vcpu);
		return exit_fail_entry(vcpu, vcpu->exit.reason);
	}
	svm_events_after_exit(svm);
	return dispatch(vcpu, svm->vmcb->control.exit_code);
}

enum kvm_exit_class svm_exit_class(u64 reason)
{
	if (reason == SVM_EXIT_NPF)
		return KVM_EXIT_CLASS_NESTED_FAULT;
	return reason < ARRAY_SIZE(rows) ? rows[reason].class : KVM_EXIT_CLASS_OTHER;
}

void svm_exit_info(struct kvm_vcpu *vcpu, u64 *info1, u64 *info2, u32 *intr, u32 *error)
{
	const struct vmcb_control_area *control = control_of(vcpu);

	*info1 = control->exit_info_1;
	*info2 = control->exit_info_2;
	*intr = control->exit_int_info;
	*error = 0;
	if ((*intr & SVM_EXITINTINFO_VALID) && (*intr & SVM_EXITINTINFO_VALID_ERR))
		*error = control->exit_int_info_err;
}
