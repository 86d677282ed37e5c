// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions, NMIs and interrupts: injection (AMD APM vol. 2, 15.20), what an exit has interrupted
 * (15.7.2), windows.
 */

#include <linux/preempt.h>
#include <uapi/asm/debugreg.h>
#include <asm/trapnr.h>

#include "cr.h"
#include "event.h"
#include "exit.h"
#include "svm.h"

/* --- injection ------------------------------------------------------------------------------- */

static void inject(struct vcpu_svm *svm, u32 event, u32 error)
{
	svm->vmcb->control.event_inj = event | SVM_EVTINJ_VALID;
	svm->vmcb->control.event_inj_err = error;
	svm->injecting = true;
	/* The IRET that was about to unblock NMIs comes later: watch for it again. */
	if (unlikely(svm->nmi == SVM_NMI_IRET)) {
		svm->nmi = SVM_NMI_MASKED;
		svm_intercepts(svm);
	}
}

/*
 * INT3 and INTO are traps: the handler returns behind them. RIP stands at the instruction, where it
 * must be again if the delivery is interrupted. Hardware pushes its next-RIP field if it has one,
 * else RIP.
 */
static void inject_soft(struct vcpu_svm *svm)
{
	u64 rip = kvm_rip_read(&svm->vcpu), next = 0;

	/* One byte, unless somebody put prefixes there: a #BP exit tells. */
	if (svm_exit_code_is(svm, SVM_EXIT_EXCP_BASE + BP_VECTOR))
		next = svm_next_rip(svm);
	if (!next)
		next = rip + 1;
	svm->soft = true;
	svm->soft_rip = rip;
	if (svm_features.next_rip)
		svm->vmcb->control.next_rip = next;
	else
		kvm_rip_write(&svm->vcpu, next);
}

void svm_inject_exception(struct kvm_vcpu *vcpu)
{
	const struct kvm_exception *e = &vcpu->event.exception;
	struct vcpu_svm *svm = to_svm(vcpu);
	u32 event = e->vector | SVM_EVTINJ_TYPE_EXEPT;

	if (e->has_error)
		event |= SVM_EVTINJ_VALID_ERR;
	if (e->vector == BP_VECTOR || e->vector == OF_VECTOR)
		inject_soft(svm);
	inject(svm, event, e->error);
}

/**
 * svm_inject_irq() - vcpu->event.irq goes in at the next entry
 * @vcpu: the vCPU, loaded
 * @reinjected: its delivery had begun before
 *
 * A software interrupt (it can only come from KVM_SET_VCPU_EVENTS: ours are never kept) is not
 * injected: RIP stands at the INT n, which executes again.
 */
void svm_inject_irq(struct kvm_vcpu *vcpu, bool reinjected)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm_irq_window_close(svm);
	if (vcpu->event.irq.soft) {
		svm->injecting = true;
		return;
	}
	inject(svm, vcpu->event.irq.vector | SVM_EVTINJ_TYPE_INTR, 0);
}

void svm_inject_nmi(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	inject(svm, X86_TRAP_NMI | SVM_EVTINJ_TYPE_NMI, 0);
	svm->nmi = SVM_NMI_MASKED;
	svm_intercepts(svm);
}

/* An event that was on its way into the guest goes there first again. */
static void requeue(struct vcpu_svm *svm, u32 info, u32 error)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;
	u8 vector = info & SVM_EXITINTINFO_VEC_MASK;

	switch (info & SVM_EXITINTINFO_TYPE_MASK) {
	case SVM_EXITINTINFO_TYPE_INTR:
		event_requeue(vcpu, KVM_EVENT_IRQ, vector, false, 0);
		break;
	case SVM_EXITINTINFO_TYPE_NMI:
		event_requeue(vcpu, KVM_EVENT_NMI, vector, false, 0);
		break;
	case SVM_EXITINTINFO_TYPE_EXEPT:
		/*
		 * INT3 and INTO of the guest's: RIP stands there, they are executed again. Ours,
		 * with RIP put behind: back to where it was.
		 */
		if (vector == BP_VECTOR || vector == OF_VECTOR) {
			if (!svm->soft)
				break;
			kvm_rip_write(vcpu, svm->soft_rip);
		}
		event_requeue(vcpu, KVM_EVENT_EXCEPTION, vector, info & SVM_EXITINTINFO_VALID_ERR,
			      error);
		break;
	case SVM_EXITINTINFO_TYPE_SOFT:
		/* INT n is executed again. */
		break;
	default:
		pr_warn_ratelimited("kvm-amd: event of reserved type: 0x%x\n", info);
	}
}

/**
 * svm_cancel_injection() - the entry was called off: take back what svm_inject_*() did
 * @vcpu: the vCPU, loaded
 */
void svm_cancel_injection(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	struct vmcb_control_area *control = &svm->vmcb->control;
	u32 event = control->event_inj;

	control->event_inj = 0;
	if (event & SVM_EVTINJ_VALID)
		requeue(svm, event, control->event_inj_err);
	else if (svm->injecting) /* INT n, which needs no more than a new attempt */
		kvm_make_request(KVM_REQ_EVENT, vcpu);
	svm->injecting = false;
	svm->soft = false;
}

/* --- after an exit --------------------------------------------------------------------------- */

/* The instruction that an NMI waited for has been stepped over, or something came before it. */
static void step_done(struct vcpu_svm *svm, bool iret_done)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;

	svm->step = false;
	/* IRET has loaded TF with what the guest wants there. */
	if (svm->stepped && !svm->step_guest_tf && !iret_done)
		kvm_rflags_write(vcpu, kvm_rflags_read(vcpu) & ~X86_EFLAGS_TF);
	kvm_make_request(KVM_REQ_EVENT, vcpu);
}

/*
 * Has the IRET that ends an NMI's handler run? One that returns to itself shows by the step alone.
 */
static bool iret_done(struct vcpu_svm *svm)
{
	if (svm->nmi != SVM_NMI_IRET)
		return false;
	return kvm_rip_read(&svm->vcpu) != svm->iret_rip ||
	       (svm->stepped && svm_exit_code_is(svm, SVM_EXIT_EXCP_BASE + DB_VECTOR));
}

/**
 * svm_events_after_exit() - bring vcpu->event and NMI state up to date with what hardware did
 * @svm: the vCPU, after an exit that was not a failed entry
 */
void svm_events_after_exit(struct vcpu_svm *svm)
{
	struct vmcb_control_area *control = &svm->vmcb->control;
	u32 info = control->exit_int_info;
	bool done = iret_done(svm);

	if (unlikely(svm->step))
		step_done(svm, done);
	if (unlikely(done)) {
		svm->nmi = SVM_NMI_OPEN;
		kvm_make_request(KVM_REQ_EVENT, &svm->vcpu);
	}
	if (svm->injecting) {
		svm->injecting = false;
		event_clear_injected(&svm->vcpu);
	}
	/* EXITINTINFO: the exit interrupted a delivery. */
	if (unlikely(info & SVM_EXITINTINFO_VALID)) {
		svm->vcpu.exit.vectoring = info;
		requeue(svm, info, control->exit_int_info_err);
	}
	svm->soft = false;
}

/**
 * svm_step_swallow() - is this #DB only the end of a step that an NMI wanted?
 * @svm: the vCPU, after an exit by #DB
 */
bool svm_step_swallow(struct vcpu_svm *svm)
{
	u64 dr6 = svm->vmcb->save.dr6;

	return svm->stepped && !svm->step_guest_tf && !(dr6 & (DR_TRAP_BITS | DR_SWITCH));
}

/* --- windows --------------------------------------------------------------------------------- */

u32 svm_get_shadow(struct kvm_vcpu *vcpu)
{
	/* One shadow, whether of STI or of MOV SS. */
	if (to_svm(vcpu)->vmcb->control.int_state & SVM_INTERRUPT_SHADOW_MASK)
		return KVM_X86_SHADOW_INT_STI | KVM_X86_SHADOW_INT_MOV_SS;
	return 0;
}

void svm_set_shadow(struct kvm_vcpu *vcpu, u32 mask)
{
	struct vmcb_control_area *control = &to_svm(vcpu)->vmcb->control;

	if (mask)
		control->int_state |= SVM_INTERRUPT_SHADOW_MASK;
	else
		control->int_state &= ~SVM_INTERRUPT_SHADOW_MASK;
}

/* GIF is always 1: the guest has no SVM. */
bool svm_irq_allowed(struct kvm_vcpu *vcpu)
{
	return (kvm_rflags_read(vcpu) & X86_EFLAGS_IF) && !svm_get_shadow(vcpu);
}

bool svm_nmi_allowed(struct kvm_vcpu *vcpu)
{
	return to_svm(vcpu)->nmi == SVM_NMI_OPEN && !svm_get_shadow(vcpu);
}

/**
 * svm_irq_window() - exit as soon as an interrupt can be taken
 * @vcpu: the vCPU, loaded
 *
 * By a virtual interrupt that is never delivered: its intercept comes first. It ignores the TPR,
 * which has been asked already.
 */
void svm_irq_window(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	struct vmcb_control_area *control = &svm->vmcb->control;

	if (svm->irq_window)
		return;
	svm->irq_window = true;
	control->int_vector = 0;
	control->int_ctl |= V_IRQ_INJECTION_BITS_MASK;
	svm_dirty(svm, SVM_CLEAN_TPR);
	svm_intercepts(svm);
}

void svm_irq_window_close(struct vcpu_svm *svm)
{
	if (!svm->irq_window)
		return;
	svm->irq_window = false;
	svm->vmcb->control.int_ctl &= ~V_IRQ_INJECTION_BITS_MASK;
	svm_dirty(svm, SVM_CLEAN_TPR);
	svm_intercepts(svm);
}

enum kvm_exit_action svm_exit_vintr(struct kvm_vcpu *vcpu)
{
	svm_irq_window_close(to_svm(vcpu));
	return exit_irq_window(vcpu);
}

/**
 * svm_nmi_window() - exit as soon as an NMI can be taken
 * @vcpu: the vCPU, loaded
 *
 * While one is being handled the intercept of its IRET is that exit. From there, and in an
 * interrupt shadow, one instruction must run first: single-step.
 */
void svm_nmi_window(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	if (svm->nmi != SVM_NMI_MASKED)
		svm->step = true;
}

/* The IRET has not run yet: NMIs stay blocked until it has. */
enum kvm_exit_action svm_exit_iret(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm->nmi = SVM_NMI_IRET;
	svm->iret_rip = kvm_rip_read(vcpu);
	svm_intercepts(svm);
	return exit_nmi_window(vcpu);
}

bool svm_get_nmi_mask(struct kvm_vcpu *vcpu)
{
	return to_svm(vcpu)->nmi != SVM_NMI_OPEN;
}

void svm_set_nmi_mask(struct kvm_vcpu *vcpu, bool masked)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm->nmi = masked ? SVM_NMI_MASKED : SVM_NMI_OPEN;
	svm_intercepts(svm);
}

/**
 * svm_update_lapic() - does lowering the TPR let an interrupt in?
 * @vcpu: the vCPU, loaded
 * @tpr: the task priority register of its LAPIC
 * @max_irr: highest vector requested, -1: none
 */
void svm_update_lapic(struct kvm_vcpu *vcpu, u8 tpr, int max_irr)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	bool window = max_irr >= 0 && (tpr >> 4) >= (max_irr >> 4);

	if (svm->cr8_window == window)
		return;
	svm->cr8_window = window;
	svm_intercepts(svm);
}
