// SPDX-License-Identifier: GPL-2.0-only
/* Debug registers: the guest's own, and those of KVM_SET_GUEST_DEBUG. */

#include <linux/module.h>
#include <linux/nospec.h>
#include <asm/debugreg.h>
#include <asm/trapnr.h>

#include "access.h"
#include "cr.h"
#include "event.h"

/* Bits that read as 1, and bits that software may write (SDM vol. 3, 17.2). */
#define DR6_FIXED 0xffff0ff0ULL
#define DR6_WRITABLE 0xe00fULL
#define DR7_FIXED 0x400ULL
#define DR7_WRITABLE 0xffff2bffULL

/**
 * kvm_update_dr7() - DR7 or guest_debug changed: what hardware gets, and what must be switched
 * @vcpu: the vCPU, loaded
 */
void kvm_update_dr7(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_debug *d = &vcpu->debug;
	bool by_user = d->guest_debug & KVM_GUESTDBG_USE_HW_BP;
	u64 dr7 = by_user ? d->guest_debug_dr7 : d->dr7;

	if (!by_user)
		memcpy(d->eff_db, d->db, sizeof(d->eff_db));
	d->switch_db &= ~KVM_DEBUGREG_BP_ENABLED;
	if (dr7 & 0xff)
		d->switch_db |= KVM_DEBUGREG_BP_ENABLED;
	vendor_call(set_dr7, vcpu);
}
EXPORT_SYMBOL_NS_GPL(kvm_update_dr7, GUESTMODE);

/**
 * kvm_set_dr() - MOV to DR
 * @vcpu: the vCPU
 * @dr: 0 to 7; 4 and 5 are 6 and 7 (the caller has checked CR4.DE)
 * @value: new value
 *
 * Return: 0, or -EINVAL: #GP(0).
 */
int kvm_set_dr(struct kvm_vcpu *vcpu, int dr, u64 value)
{
	struct kvm_vcpu_debug *d = &vcpu->debug;

	switch (dr) {
	case 0 ... 3:
		dr = array_index_nospec(dr, ARRAY_SIZE(d->db));
		d->db[dr] = value;
		if (!(d->guest_debug & KVM_GUESTDBG_USE_HW_BP))
			d->eff_db[dr] = value;
		return 0;
	case 4:
	case 6:
		if (value >> 32)
			return -EINVAL;
		d->dr6 = (value & DR6_WRITABLE) | DR6_FIXED;
		return 0;
	default:
		if (value >> 32)
			return -EINVAL;
		d->dr7 = (value & DR7_WRITABLE) | DR7_FIXED;
		kvm_update_dr7(vcpu);
		return 0;
	}
}
EXPORT_SYMBOL_NS_GPL(kvm_set_dr, GUESTMODE);

u64 kvm_get_dr(struct kvm_vcpu *vcpu, int dr)
{
	switch (dr) {
	case 0 ... 3:
		return vcpu->debug.db[array_index_nospec(dr, ARRAY_SIZE(vcpu->debug.db))];
	case 4:
	case 6:
		return vcpu->debug.dr6;
	default:
		return vcpu->debug.dr7;
	}
}
EXPORT_SYMBOL_NS_GPL(kvm_get_dr, GUESTMODE);

/* --- KVM_SET_GUEST_DEBUG --------------------------------------------------------------------- */

/*
 * Single step is RFLAGS.TF, where the CPU, the emulator and whoever skips an instruction look for
 * it. The guest's own is kept aside meanwhile: userspace never sees the debugger's. The guest can,
 * with PUSHF, as it could under a debugger of its own.
 */

static bool stepping(const struct kvm_vcpu *vcpu)
{
	return vcpu->debug.guest_debug & KVM_GUESTDBG_SINGLESTEP;
}

/**
 * kvm_debug_get_rflags() - RFLAGS without what a debugger put there
 * @vcpu: the vCPU, loaded
 */
u64 kvm_debug_get_rflags(struct kvm_vcpu *vcpu)
{
	u64 rflags = kvm_rflags_read(vcpu);

	if (unlikely(stepping(vcpu)) && !vcpu->debug.guest_tf)
		rflags &= ~(u64)X86_EFLAGS_TF;
	return rflags;
}

/**
 * kvm_debug_set_rflags() - the guest's RFLAGS; a step that is asked for stays so
 * @vcpu: the vCPU, loaded
 * @rflags: new value
 */
void kvm_debug_set_rflags(struct kvm_vcpu *vcpu, u64 rflags)
{
	if (unlikely(stepping(vcpu))) {
		vcpu->debug.guest_tf = rflags & X86_EFLAGS_TF;
		rflags |= X86_EFLAGS_TF;
	}
	kvm_rflags_write(vcpu, rflags);
}

/**
 * kvm_debug_stepped() - the debugger hears of the guest: the next instruction is one step again
 * @vcpu: the vCPU, loaded
 */
void kvm_debug_stepped(struct kvm_vcpu *vcpu)
{
	u64 rflags = kvm_rflags_read(vcpu);

	/* What was executed cleared it: POPF, IRET, an exception's delivery. */
	if (stepping(vcpu) && !(rflags & X86_EFLAGS_TF))
		kvm_debug_set_rflags(vcpu, rflags);
}

static int inject(struct kvm_vcpu *vcpu, u32 control)
{
	if (!(control & (KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)))
		return 0;
	if (vcpu->event.exception.pending)
		return -EBUSY;
	kvm_queue_exception(vcpu, control & KVM_GUESTDBG_INJECT_DB ? X86_TRAP_DB : X86_TRAP_BP);
	return 0;
}

/**
 * kvm_set_guest_debug() - KVM_SET_GUEST_DEBUG
 * @vcpu: the vCPU, loaded
 * @debug: what a debugger wants from now on; without KVM_GUESTDBG_ENABLE nothing
 *
 * Flags that mean nothing are ignored: KVM_CAP_SET_GUEST_DEBUG2 tells which there are.
 * Return: 0; -EBUSY: an exception waits already, so none is injected, and nothing has changed.
 */
long kvm_set_guest_debug(struct kvm_vcpu *vcpu, const struct kvm_guest_debug *debug)
{
	struct kvm_vcpu_debug *d = &vcpu->debug;
	u64 rflags = kvm_debug_get_rflags(vcpu);
	int i, r;

	r = inject(vcpu, debug->control);
	if (r)
		return r;
	d->guest_debug = 0;
	if (debug->control & KVM_GUESTDBG_ENABLE)
		d->guest_debug = debug->control & KVM_GUESTDBG_VALID;
	kvm_debug_set_rflags(vcpu, rflags);
	if (d->guest_debug & KVM_GUESTDBG_USE_HW_BP) {
		for (i = 0; i < ARRAY_SIZE(d->eff_db); i++)
			d->eff_db[i] = debug->arch.debugreg[i];
		d->guest_debug_dr7 = (debug->arch.debugreg[7] & DR7_WRITABLE) | DR7_FIXED;
	}
	/* The guest's own are in db[], dr6 and dr7 since the last exit, not in hardware. */
	d->switch_db &= ~KVM_DEBUGREG_WONT_EXIT;
	kvm_update_dr7(vcpu);
	kvm_make_request(KVM_REQ_INTERCEPTS, vcpu);
	/* Interrupts were, or are no more, held back. */
	kvm_make_request(KVM_REQ_EVENT, vcpu);
	return 0;
}
