// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_FEATURE_PV_EOI: an EOI by a bit in the guest's memory in place of an exit. The bit is set
 * before an entry if nothing would follow from the EOI of the interrupt in service but that it is
 * over; the guest's handler then clears the bit instead of writing the register. After the exit the
 * bit is taken back, and if it is clear, that was the EOI. So outside of guest mode no bit is set,
 * and the local APIC's state is whole. Documentation/virt/kvm/x86/msr.rst, MSR_KVM_EOI_EN.
 */

#include <uapi/asm/kvm_para.h>

#include "guest_mem.h"
#include "internal.h"

/* The address is that of 4 bytes, aligned; of them only the first one's lowest bit is ours. */
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
	vcpu->lapic_shared &= ~LAPIC_SHARES_EOI;
	return 0;
}

/* Would nothing follow from the EOI: no other interrupt goes in, nobody wants to hear of it? */
static bool may_offer(struct kvm_lapic *lapic)
{
	struct kvm_ioapic *ioapic = lapic->vcpu->kvm->irqchip.ioapic;
	struct lapic_regs *l = &lapic->regs;
	int vector = lapic_regs_highest_isr(l);

	if (l->hw || !l->hw_enabled || lapic_regs_highest_irr(l) >= 0)
		return false;
	return !lapic_test_vector(l, LAPIC_TMR, vector) &&
	       !(ioapic && test_bit(vector, ioapic->ack_vectors));
}

static void offer(struct kvm_vcpu *vcpu)
{
	struct kvm_gpa_cache *cache = &vcpu->pv.eoi.cache;
	const u8 byte = KVM_PV_EOI_ENABLED;

	/* Nothing in service: nothing to be done here until something is. */
	if (lapic_regs_highest_isr(&vcpu->lapic->regs) < 0)
		vcpu->lapic_shared &= ~LAPIC_SHARES_EOI;
	else if (may_offer(vcpu->lapic) &&
		 (cache->len || !find_area(vcpu, cache, vcpu->pv.eoi.msr)))
		vcpu->pv.eoi.offered =
			!kvm_write_guest_cached(vcpu->kvm, cache, 0, &byte, sizeof(byte));
}

static void take_back(struct kvm_vcpu *vcpu)
{
	struct kvm_gpa_cache *cache = &vcpu->pv.eoi.cache;
	u8 byte;

	if (!vcpu->pv.eoi.offered)
		return;
	vcpu->pv.eoi.offered = false;
	if (kvm_read_guest_cached(vcpu->kvm, cache, 0, &byte, sizeof(byte)))
		return;
	if (byte & KVM_PV_EOI_MASK) {
		byte &= ~KVM_PV_EOI_MASK;
		kvm_write_guest_cached(vcpu->kvm, cache, 0, &byte, sizeof(byte));
	} else {
		lapic_regs_eoi(&vcpu->lapic->regs);
	}
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
