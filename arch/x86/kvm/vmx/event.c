// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions, NMIs and interrupts: injection (SDM vol. 3, 26.6), what an exit has interrupted
 * (27.2.4), windows.
 */

#include <asm/trapnr.h>

#include "cr.h"
#include "event.h"
#include "exit.h"
#include "irqchip/irqchip.h"
#include "vmx.h"

/* --- interruptibility ------------------------------------------------------------------------ */

#define INTR_STATE_SHADOW (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

void vmx_set_intr_state(struct vcpu_vmx *vmx, u32 state)
{
	if (vmx->intr_state_known && vmx->intr_state == state)
		return;
	vmcs_write(GUEST_INTERRUPTIBILITY_INFO, state);
	vmx->intr_state = state;
	vmx->intr_state_known = true;
	vmx->state_check = true;
}

/**
 * vmx_fix_intr_state() - entry checks of interruptibility against RFLAGS (26.3.1.5)
 * @vmx: the vCPU
 *
 * Flags and shadow come together by ioctls and emulated instructions: STI's shadow ends with IF,
 * and in a shadow with TF set the trap behind it is pending already. But not to a debugger, who has
 * seen it: STI, which doesn't hold it back, would never be left.
 */
void vmx_fix_intr_state(struct vcpu_vmx *vmx)
{
	u32 state = vmx_intr_state(vmx);
	u64 rflags = kvm_rflags_read(&vmx->vcpu);

	if (state & GUEST_INTR_STATE_STI &&
	    (!(rflags & X86_EFLAGS_IF) || vmx->vcpu.debug.guest_debug & KVM_GUESTDBG_SINGLESTEP)) {
		state &= ~GUEST_INTR_STATE_STI;
		vmx_set_intr_state(vmx, state);
	}
	vmx->state_check = false;
	if (state & INTR_STATE_SHADOW)
		vmcs_write(GUEST_PENDING_DBG_EXCEPTIONS,
			   rflags & X86_EFLAGS_TF ? VMX_PENDING_BS : 0);
	else if (vmcs_read(GUEST_PENDING_DBG_EXCEPTIONS))
		vmcs_write(GUEST_PENDING_DBG_EXCEPTIONS, 0);
}

u32 vmx_get_shadow(struct kvm_vcpu *vcpu)
{
	u32 state = vmx_intr_state(to_vmx(vcpu)), mask = 0;

	if (state & GUEST_INTR_STATE_STI)
		mask |= KVM_X86_SHADOW_INT_STI;
	if (state & GUEST_INTR_STATE_MOV_SS)
		mask |= KVM_X86_SHADOW_INT_MOV_SS;
	return mask;
}

/* Both at once (they are one on AMD's CPUs) would fail the entry: MOV SS blocks more. */
void vmx_set_shadow(struct kvm_vcpu *vcpu, u32 mask)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u32 state = vmx_intr_state(vmx) & ~INTR_STATE_SHADOW;

	if (mask & KVM_X86_SHADOW_INT_MOV_SS)
		state |= GUEST_INTR_STATE_MOV_SS;
	else if (mask & KVM_X86_SHADOW_INT_STI)
		state |= GUEST_INTR_STATE_STI;
	vmx_set_intr_state(vmx, state);
}

bool vmx_irq_allowed(struct kvm_vcpu *vcpu)
{
	return (kvm_rflags_read(vcpu) & X86_EFLAGS_IF) &&
	       !(vmx_intr_state(to_vmx(vcpu)) & INTR_STATE_SHADOW);
}

/* STI's shadow may block NMIs, too (26.3.1.5); an entry that injects one there may fail. */
bool vmx_nmi_allowed(struct kvm_vcpu *vcpu)
{
	return !(vmx_intr_state(to_vmx(vcpu)) & (INTR_STATE_SHADOW | GUEST_INTR_STATE_NMI));
}

bool vmx_get_nmi_mask(struct kvm_vcpu *vcpu)
{
	return vmx_intr_state(to_vmx(vcpu)) & GUEST_INTR_STATE_NMI;
}

void vmx_set_nmi_mask(struct kvm_vcpu *vcpu, bool masked)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u32 state = vmx_intr_state(vmx);

	if (masked)
		state |= GUEST_INTR_STATE_NMI;
	else
		state &= ~GUEST_INTR_STATE_NMI;
	vmx_set_intr_state(vmx, state);
}

/* --- injection ------------------------------------------------------------------------------- */

static void inject(struct vcpu_vmx *vmx, u32 info)
{
	vmx->inject = info | INTR_INFO_VALID_MASK;
	vmcs_write(VM_ENTRY_INTR_INFO_FIELD, vmx->inject);
}

/* Software events return behind their instruction: the CPU wants to know its length. */
static void inject_soft(struct vcpu_vmx *vmx, u32 info, u8 len)
{
	vmx->inject_len = len;
	vmcs_write(VM_ENTRY_INSTRUCTION_LEN, len);
	inject(vmx, info);
}

/* No guest mode for the state that the guest is in: see rmode.c. */
static bool must_deliver(struct vcpu_vmx *vmx)
{
	if (vmx_features.unrestricted)
		return false;
	vmx->emulate_check = false;
	vmx->emulate = vmx_must_emulate(vmx);
	return vmx->emulate;
}

void vmx_inject_exception(struct kvm_vcpu *vcpu)
{
	const struct kvm_exception *e = &vcpu->event.exception;
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u32 info = e->vector;
	u8 soft_len = 0;

	/* One byte, unless somebody put prefixes there: the exit has told. */
	if (e->vector == X86_TRAP_BP || e->vector == X86_TRAP_OF)
		soft_len = vmx->soft_len ?: 1;
	if (unlikely(must_deliver(vmx))) {
		vmx_deliver(vmx, e->vector, soft_len, e->has_error, e->error);
		return;
	}
	if (soft_len) {
		inject_soft(vmx, info | INTR_TYPE_SOFT_EXCEPTION, soft_len);
		return;
	}
	/*
	 * None in real mode (26.2.1.3), where what an exit interrupted or userspace brings may have
	 * one all the same.
	 */
	if (e->has_error && kvm_is_pe(vcpu)) {
		vmcs_write(VM_ENTRY_EXCEPTION_ERROR_CODE, e->error);
		info |= INTR_INFO_DELIVER_CODE_MASK;
	}
	inject(vmx, info | INTR_TYPE_HARD_EXCEPTION);
}

/**
 * vmx_inject_irq() - vcpu->event.irq goes in at the next entry
 * @vcpu: the vCPU, loaded
 * @reinjected: its delivery had begun before
 */
void vmx_inject_irq(struct kvm_vcpu *vcpu, bool reinjected)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u8 vector = vcpu->event.irq.vector, soft_len = 0;

	if (vcpu->event.irq.soft)
		soft_len = vmx->soft_len ?: 2;
	if (vmx->irq_window) {
		vmx->irq_window = false;
		vmx_controls_update(vmx);
	}
	if (unlikely(must_deliver(vmx))) {
		vmx_deliver(vmx, vector, soft_len, false, 0);
		return;
	}
	if (soft_len) {
		inject_soft(vmx, vector | INTR_TYPE_SOFT_INTR, soft_len);
		return;
	}
	/* 26.3.1.5: none in a shadow. Only userspace can bring that about. */
	if (unlikely(reinjected))
		vmx_set_shadow(vcpu, 0);
	inject(vmx, vector | INTR_TYPE_EXT_INTR);
}

void vmx_inject_nmi(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	if (unlikely(must_deliver(vmx))) {
		vmx_deliver(vmx, X86_TRAP_NMI, 0, false, 0);
		return;
	}
	/*
	 * The entry blocks NMIs until IRET; blocked before, it would fail (26.3.1.5). They are
	 * where its delivery had begun.
	 */
	vmx_set_intr_state(vmx, vmx_intr_state(vmx) & ~(INTR_STATE_SHADOW | GUEST_INTR_STATE_NMI));
	inject(vmx, X86_TRAP_NMI | INTR_TYPE_NMI_INTR);
}

/* An event that was on its way into the guest goes there first again. */
static void requeue(struct vcpu_vmx *vmx, u32 info, u32 error, u8 len)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;
	u8 vector = info & INTR_INFO_VECTOR_MASK;

	switch (info & INTR_INFO_INTR_TYPE_MASK) {
	case INTR_TYPE_EXT_INTR:
		event_requeue(vcpu, KVM_EVENT_IRQ, vector, false, 0);
		break;
	case INTR_TYPE_NMI_INTR:
		/* Its entry in the IDT was not reached: not blocked by itself. */
		vmx_set_nmi_mask(vcpu, false);
		event_requeue(vcpu, KVM_EVENT_NMI, vector, false, 0);
		break;
	case INTR_TYPE_SOFT_EXCEPTION:
		vmx->soft_len = len;
		fallthrough;
	case INTR_TYPE_HARD_EXCEPTION:
		event_requeue(vcpu, KVM_EVENT_EXCEPTION, vector, info & INTR_INFO_DELIVER_CODE_MASK,
			      error);
		break;
	case INTR_TYPE_SOFT_INTR:
		vmx->soft_len = len;
		event_requeue(vcpu, KVM_EVENT_SOFT_IRQ, vector, false, 0);
		break;
	case INTR_TYPE_PRIV_SW_EXCEPTION:
		/* INT1 is executed again. */
		break;
	default:
		pr_warn_ratelimited("kvm-intel: event of reserved type: 0x%x\n", info);
	}
}

/**
 * vmx_cancel_injection() - the entry did not take place: take back what vmx_inject_*() did
 * @vcpu: the vCPU, loaded
 */
void vmx_cancel_injection(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u32 info = vmx->inject, error = 0;

	if (!info)
		return;
	vmx->inject = 0;
	vmcs_write(VM_ENTRY_INTR_INFO_FIELD, 0);
	if (info & INTR_INFO_DELIVER_CODE_MASK)
		error = vmcs_read(VM_ENTRY_EXCEPTION_ERROR_CODE);
	requeue(vmx, info, error, vmx->inject_len);
}

/*
 * What the exit interrupted may be an interrupt that hardware delivers by itself: the one in
 * service now. The IDT-vectoring information says so, but not Bochs's (2.7): it is that of an
 * earlier event. There, who has interrupts on while one is in service is taken for about to get it.
 */
static void fix_vectoring(struct vcpu_vmx *vmx)
{
	u8 svi;

	if (vmx->injecting || !(vmx->vectoring & VECTORING_INFO_VALID_MASK) ||
	    !(vmx->controls.cpu2 & SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY))
		return;
	svi = vmcs_read(GUEST_INTR_STATUS) >> 8;
	if (svi && kvm_rflags_read(&vmx->vcpu) & X86_EFLAGS_IF)
		vmx->vectoring = VECTORING_INFO_VALID_MASK | INTR_TYPE_EXT_INTR | svi;
}

/**
 * vmx_events_after_exit() - bring vcpu->event up to date with what hardware did
 * @vmx: the vCPU, after an exit that was not a failed entry, but had to do with an event
 */
void vmx_events_after_exit(struct vcpu_vmx *vmx)
{
	u32 info, error = 0;

	if (unlikely(vmx_features.vectoring_stale))
		fix_vectoring(vmx);
	info = vmx->vectoring;
	if (vmx->injecting) {
		vmx->injecting = false;
		event_clear_injected(&vmx->vcpu);
	}
	vmx->soft_len = 0;
	if (!(info & VECTORING_INFO_VALID_MASK))
		return;
	/* The exit interrupted a delivery. */
	vmx->vcpu.exit.vectoring = info;
	if (info & VECTORING_INFO_DELIVER_CODE_MASK)
		error = vmcs_read(IDT_VECTORING_ERROR_CODE);
	requeue(vmx, info, error, vmcs_read(VM_EXIT_INSTRUCTION_LEN));
}

/* --- windows --------------------------------------------------------------------------------- */

void vmx_irq_window(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	vmx->irq_window = true;
	vmx_controls_update(vmx);
}

enum kvm_exit_action vmx_exit_irq_window(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	vmx->irq_window = false;
	vmx_controls_update(vmx);
	return exit_irq_window(vcpu);
}

void vmx_nmi_window(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	/*
	 * STI's shadow doesn't keep the NMI window shut (26.7.6): it would exit over and over. The
	 * window for interrupts opens behind the next instruction.
	 */
	if (vmx_intr_state(vmx) & GUEST_INTR_STATE_STI) {
		vmx_irq_window(vcpu);
		return;
	}
	vmx->nmi_window = true;
	vmx_controls_update(vmx);
}

enum kvm_exit_action vmx_exit_nmi_window(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	vmx->nmi_window = false;
	vmx_controls_update(vmx);
	return exit_nmi_window(vcpu);
}

/* The vectors whose EOI exits (24.6.8): EOI_EXIT_BITMAP0 to 3, two apart. */
static void load_eoi_exits(struct vcpu_vmx *vmx)
{
	u64 vectors[4];
	unsigned int i;

	lapic_eoi_exits(&vmx->vcpu, vectors);
	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		if (vmx->eoi_exits[i] == vectors[i])
			continue;
		vmcs_write(EOI_EXIT_BITMAP0 + 2 * i, vectors[i]);
		vmx->eoi_exits[i] = vectors[i];
	}
}

/* RVI and SVI (24.4.2): what is requested and what is in service, for hardware to go on from. */
static void load_intr_status(struct vcpu_vmx *vmx, int max_irr)
{
	int max_isr = lapic_highest_isr(&vmx->vcpu);
	u16 status = max(max_irr, 0) | max(max_isr, 0) << 8;

	if (vmcs_read(GUEST_INTR_STATUS) != status)
		vmcs_write(GUEST_INTR_STATUS, status);
}

/**
 * vmx_update_lapic() - does lowering the TPR let an interrupt in? Or, what hardware is to deliver
 * @vcpu: the vCPU, loaded
 * @tpr: the task priority register of its LAPIC
 * @max_irr: highest vector requested, -1: none
 */
void vmx_update_lapic(struct kvm_vcpu *vcpu, u8 tpr, int max_irr)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u8 threshold = 0;

	if (lapic_hw(vcpu)) {
		load_eoi_exits(vmx);
		load_intr_status(vmx, max_irr);
		return;
	}
	if (!vmx->vtpr)
		return;
	if (max_irr >= 0 && tpr >> 4 >= max_irr >> 4)
		threshold = max_irr >> 4;
	if (vmx->tpr_threshold == threshold)
		return;
	vmx->tpr_threshold = threshold;
	vmcs_write(TPR_THRESHOLD, threshold);
}
