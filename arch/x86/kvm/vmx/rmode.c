// SPDX-License-Identifier: GPL-2.0-only
/*
 * Without unrestricted guest (SDM vol. 3, 23.8) guest mode is protected mode with paging, and its
 * segments must be what such code can have loaded (26.3.1.2). Whatever else the guest is in (real
 * mode, protected mode without paging, the steps between) is emulated, instruction by instruction,
 * until it has come to where hardware takes over. That is firmware and the trampolines of
 * processors that start: short, and rare.
 */

#include <linux/sched/signal.h>
#include <asm/msr.h>

#include "cr.h"
#include "event.h"
#include "exit.h"
#include "vmx.h"

/* --- may hardware run this? ------------------------------------------------------------------ */

static u32 rights(enum vmx_seg n)
{
	return vmcs_read(VMX_SEG_RIGHTS(n));
}

static u8 rpl(enum vmx_seg n)
{
	return vmcs_read(VMX_SEG_SELECTOR(n)) & 3;
}

static u8 dpl(u32 ar)
{
	return (ar & VMX_AR_DPL_BITS) >> 5;
}

#define AR_THERE (VMX_AR_S | VMX_AR_P)
#define TYPE_CODE 8
#define TYPE_CONFORMING 4 /* of code */
#define TYPE_READABLE 2 /* of code */
#define TYPE_ACCESSED 1

static bool code_valid(u32 cs, u32 ss)
{
	u8 type = cs & VMX_AR_TYPE;

	if (cs & VMX_AR_UNUSABLE || (cs & AR_THERE) != AR_THERE ||
	    (type & (TYPE_CODE | TYPE_ACCESSED)) != (TYPE_CODE | TYPE_ACCESSED))
		return false;
	return type & TYPE_CONFORMING ? dpl(cs) <= dpl(ss) : dpl(cs) == dpl(ss);
}

static bool stack_valid(u32 ss)
{
	u8 type = ss & VMX_AR_TYPE;

	if (rpl(VMX_SS) != rpl(VMX_CS) || dpl(ss) != rpl(VMX_SS))
		return false;
	if (ss & VMX_AR_UNUSABLE)
		return true;
	return (ss & AR_THERE) == AR_THERE && (type == 3 || type == 7);
}

static bool data_valid(enum vmx_seg n)
{
	u32 ar = rights(n);
	u8 type = ar & VMX_AR_TYPE;

	if (ar & VMX_AR_UNUSABLE)
		return true;
	if ((ar & AR_THERE) != AR_THERE || !(type & TYPE_ACCESSED) ||
	    (type & TYPE_CODE && !(type & TYPE_READABLE)))
		return false;
	return type >= (TYPE_CODE | TYPE_CONFORMING) || dpl(ar) >= rpl(n);
}

static bool segments_valid(struct kvm_vcpu *vcpu)
{
	u32 ss = rights(VMX_SS);

	/* Virtual-8086 mode: what a task switch or IRET has loaded is what entries want. */
	if (kvm_rflags_read(vcpu) & X86_EFLAGS_VM)
		return true;
	return code_valid(rights(VMX_CS), ss) && stack_valid(ss) && data_valid(VMX_DS) &&
	       data_valid(VMX_ES) && data_valid(VMX_FS) && data_valid(VMX_GS);
}

/**
 * vmx_must_emulate() - is the guest in a state that this CPU has no guest mode for?
 * @vmx: the vCPU, loaded
 */
bool vmx_must_emulate(struct vcpu_vmx *vmx)
{
	const u64 mode = X86_CR0_PE | X86_CR0_PG;
	struct kvm_vcpu *vcpu = &vmx->vcpu;

	if (vmx_features.unrestricted)
		return false;
	return (kvm_cr0(vcpu) & mode) != mode || !segments_valid(vcpu);
}

/* --- events ---------------------------------------------------------------------------------- */

/**
 * vmx_deliver() - give an event to a guest that hardware can't run
 * @vmx: the vCPU, loaded, with vmx_must_emulate()
 * @vector: exception, NMI or interrupt: the injected one
 * @len: length of the instruction that a software event returns behind, else 0
 * @has_error: it has an error code
 * @error: the error code
 *
 * Context: serving KVM_REQ_EVENT: may sleep and touch guest memory.
 */
void vmx_deliver(struct vcpu_vmx *vmx, u8 vector, u8 len, bool has_error, u32 error)
{
	/* vmx_exit_emulate() tells userspace of what can't be done. */
	vmx->undeliverable = kvm_deliver(&vmx->vcpu, vector, len, has_error, error);
}

/* --- instructions ---------------------------------------------------------------------------- */

#define MAX_INSTRUCTIONS 256 /* before the run loop looks for what else there is */

/* Something that the emulated guest waits for, or the host: back to the run loop. */
static bool interrupted(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;

	if (vcpu->mp_state != KVM_MP_STATE_RUNNABLE || kvm_request_pending(vcpu) ||
	    need_resched() || signal_pending(current))
		return true;
	if ((vmx->irq_window && vmx_irq_allowed(vcpu)) ||
	    (vmx->nmi_window && vmx_nmi_allowed(vcpu))) {
		kvm_make_request(KVM_REQ_EVENT, vcpu);
		return true;
	}
	return false;
}

/* The timer counts in guest mode alone. */
static void check_deadline(struct vcpu_vmx *vmx)
{
	if (vmx->deadline && rdtsc() + vmx->vcpu.tsc.offset >= vmx->deadline)
		lapic_deadline_reached(&vmx->vcpu);
}

/* As windows are closed by their exits. */
static void close_windows(struct vcpu_vmx *vmx)
{
	if (!vmx->irq_window && !vmx->nmi_window)
		return;
	if (!kvm_test_request(KVM_REQ_EVENT, &vmx->vcpu))
		return;
	vmx->irq_window = false;
	vmx->nmi_window = false;
	vmx_controls_update(vmx);
}

/**
 * vmx_exit_emulate() - the entry was left out: emulate until hardware can go on
 * @vcpu: the vCPU
 */
enum kvm_exit_action vmx_exit_emulate(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	enum kvm_exit_action action;
	int i;

	if (vmx->undeliverable) {
		vmx->undeliverable = false;
		kvm_make_request(KVM_REQ_EVENT, vcpu);
		pr_warn_ratelimited("kvm-intel: vCPU %d: event that can't be delivered\n",
				    vcpu->vcpu_id);
		vcpu->run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
		vcpu->run->internal.suberror = KVM_INTERNAL_ERROR_DELIVERY_EV;
		vcpu->run->internal.ndata = 0;
		return KVM_TO_USER;
	}
	for (i = 0; i < MAX_INSTRUCTIONS; i++) {
		action = kvm_emulate(vcpu, 0);
		if (action != KVM_RESUME)
			return action;
		vmx->emulate = vmx_must_emulate(vmx);
		if (!vmx->emulate || interrupted(vmx))
			break;
	}
	check_deadline(vmx);
	close_windows(vmx);
	return KVM_RESUME;
}
