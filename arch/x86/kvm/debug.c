// SPDX-License-Identifier: GPL-2.0-only
/* Debug registers: the guest's own, and those of KVM_SET_GUEST_DEBUG. */

#include <linux/module.h>
#include <linux/nospec.h>
#include <asm/debugreg.h>
#include <asm/trapnr.h>

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
