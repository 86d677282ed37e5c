// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_FEATURE_PV_EOI: an EOI by a bit in the guest's memory in place of an exit. The bit is set
 * before an entry if nothing would follow from the EOI of the interrupt in service but that it is
 * over; the guest's handler then clears the bit instead of writing the register. After the exit the
 * bit is taken back, and if it is clear, that was the EOI. So outside of guest mode no bit is set,
 * and the local APIC's state is whole. Documentation/virt/kvm/x86/msr.rst, MSR_KVM_EOI_EN.
 */

#include <linux/uaccess.h>
#include <uapi/asm/kvm_para.h>

#include "dirty.h"
#include "guest_mem.h"
#include "internal.h"

/*
 * The address is that of 4 bytes, aligned, which the guest keeps zero but for the first one's
 * lowest bit.
 */
#define RESERVED_BITS BIT(1)
#define ADDRESS_BITS (~(u64)3)
#define AREA_BYTES 4

static int find_area(struct kvm_vcpu *vcpu, struct kvm_gpa_cache *cache, u64 msr)
{
	return kvm_gpa_cache_init(vcpu->kvm, cache, msr & ADDRESS_BITS, AREA_BYTES);
}

/**
 * pv_eoi_msr_write() - MSR_KVM_PV_EOI_EN
 * @vcpu: the vCPU, not in guest mode
 * @value: new value
 * @host: by ioctl: there may be no memory yet (a VMM that restores MSRs first), the next interrupt
 *	  looks again
 *
 * Context: kvm->srcu held. Return: 0, or -EINVAL: a reserved bit, no memory there.
 */
int pv_eoi_msr_write(struct kvm_vcpu *vcpu, u64 value, bool host)
{
	struct kvm_gpa_cache area = {};

	if (value & RESERVED_BITS)
		return -EINVAL;
	if (value & KVM_MSR_ENABLED && find_area(vcpu, &area, value) && !host)
		return -EINVAL;
	vcpu->pv.eoi.msr = value;
	vcpu->pv.eoi.cache = area;
	vcpu->pv.eoi.hva = 0;
	vcpu->lapic_shared &= ~LAPIC_SHARES_EOI;
	return 0;
}

/* Would nothing follow from its EOI: no other interrupt goes in, nobody wants to hear of it? */
static bool may_offer(struct kvm_lapic *lapic, u8 vector)
{
	struct kvm_ioapic *ioapic = lapic->vcpu->kvm->irqchip.ioapic;
	struct lapic_regs *l = &lapic->regs;

	if (lapic_regs_highest_irr(l) >= 0)
		return false;
	return !lapic_test_vector(l, LAPIC_TMR, vector) &&
	       !(ioapic && test_bit(vector, ioapic->ack_vectors));
}

static void offer(struct kvm_vcpu *vcpu)
{
	struct kvm_gpa_cache *cache = &vcpu->pv.eoi.cache;
	struct lapic_regs *l = &vcpu->lapic->regs;
	u8 byte = KVM_PV_EOI_ENABLED;
	int vector = -1;

	/* One is out still: take_back() could not get at it. */
	if (unlikely(vcpu->pv.eoi.hva))
		return;
	if (l->hw_enabled && !l->hw)
		vector = lapic_regs_highest_isr(l);
	/* Nothing in service that is ours: nothing to be done here until something is. */
	if (vector < 0) {
		vcpu->lapic_shared &= ~LAPIC_SHARES_EOI;
		return;
	}
	if (!may_offer(vcpu->lapic, vector) ||
	    (!cache->len && find_area(vcpu, cache, vcpu->pv.eoi.msr)) ||
	    kvm_write_guest_cached(vcpu->kvm, cache, 0, &byte, sizeof(byte)))
		return;
	/* Aligned, it lies in one page, so that there is one address. */
	vcpu->pv.eoi.hva = cache->hva;
}

/*
 * By the address that the offer was made at: the slot may be gone by now, and the guest have
 * cleared the bit before that took effect. If the address is gone as well, what the guest has done
 * can't be told: until it can, there is no EOI and no other offer.
 */
static void take_back(struct kvm_vcpu *vcpu)
{
	u8 __user *at = (u8 __user *)vcpu->pv.eoi.hva;
	u8 byte;

	if (!at || get_user(byte, at))
		return;
	if (!(byte & KVM_PV_EOI_MASK)) {
		vcpu->pv.eoi.hva = 0;
		lapic_regs_eoi(&vcpu->lapic->regs);
		return;
	}
	if (put_user((u8)(byte & ~KVM_PV_EOI_MASK), at))
		return;
	vcpu->pv.eoi.hva = 0;
	dirty_mark_gfn(vcpu->kvm, vcpu->pv.eoi.cache.gpa >> PAGE_SHIFT);
}

/**
 * lapic_shared_store() - before an entry: what the guest is to find in its memory
 * @vcpu: the vCPU, with vcpu->lapic_shared; the events of this entry are in
 *
 * Context: its thread, kvm->srcu held, may sleep.
 */
void lapic_shared_store(struct kvm_vcpu *vcpu)
{
	if (vcpu->lapic_shared & LAPIC_SHARES_TPR)
		vapic_store(vcpu);
	if (vcpu->lapic_shared & LAPIC_SHARES_EOI)
		offer(vcpu);
}

/**
 * lapic_shared_load() - after an exit, or an entry that came to nothing: what the guest has done
 * there
 * @vcpu: the vCPU, with vcpu->lapic_shared
 *
 * Context: its thread, kvm->srcu held, may sleep.
 */
void lapic_shared_load(struct kvm_vcpu *vcpu)
{
	if (vcpu->lapic_shared & LAPIC_SHARES_TPR)
		vapic_load(vcpu);
	if (vcpu->lapic_shared & LAPIC_SHARES_EOI)
		take_back(vcpu);
}
