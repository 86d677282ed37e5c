// SPDX-License-Identifier: GPL-2.0-only
/* The guest's paging mode, and translation of its linear addresses with a vCPU's state. */

#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "access.h"
#include "ioctl.h"
#include "cpuid.h"
#include "vcpu.h"

static bool guest_pte_read(void *opaque, u64 gpa, u64 *val, unsigned int size)
{
	struct kvm_vcpu *vcpu = opaque;
	const struct kvm_memslot *slot;
	u32 __user *from;
	u32 low;

	slot = memslots_find_hint(kvm_memslots(vcpu->kvm), gpa >> PAGE_SHIFT,
				  &vcpu->mmu.slot_hint);
	if (!slot || slot->dying)
		return false;
	from = (u32 __user *)(memslot_gfn_to_hva(slot, gpa >> PAGE_SHIFT) + offset_in_page(gpa));
	if (size == 8)
		return !get_user(*val, (u64 __user *)from);
	if (get_user(low, from))
		return false;
	*val = low;
	return true;
}

static int guest_pte_cmpxchg(void *opaque, u64 gpa, u64 old, u64 new, unsigned int size)
{
	struct kvm_vcpu *vcpu = opaque;

	/* Little endian: the low 4 bytes come first. */
	return kvm_guest_cmpxchg(vcpu->kvm, gpa, &old, &new, size);
}

static const struct walk_ops guest_walk_ops = {
	.read = guest_pte_read,
	.cmpxchg = guest_pte_cmpxchg,
};

/* The mode is derived from four values, and derived again only when one of them has changed. */
static const struct walk_mode *walk_mode(struct kvm_vcpu *vcpu)
{
	u64 cr0 = kvm_cr0(vcpu), cr4 = kvm_cr4(vcpu), efer = vcpu->regs.efer;
	bool gbpages = guest_has(vcpu, KVM_GF_GBPAGES);
	u64 cpuid = vcpu->cpuid.maxphyaddr | (gbpages ? BIT(8) : 0) | BIT(9);
	u64 *key = vcpu->mmu.walk_key;

	if (unlikely(key[0] != cr0 || key[1] != cr4 || key[2] != efer || key[3] != cpuid)) {
		walk_mode_init(&vcpu->mmu.walk, cr0, cr4, efer, vcpu->cpuid.maxphyaddr,
			       gbpages);
		key[0] = cr0;
		key[1] = cr4;
		key[2] = efer;
		key[3] = cpuid; /* never 0: a new vCPU's mode is not valid */
	}
	return &vcpu->mmu.walk;
}

/**
 * mmu_gva_to_gpa() - walk the guest's own page tables
 * @vcpu: the vCPU
 * @gva: linear address
 * @access: KVM_ACC_WRITE | USER | FETCH | IMPLICIT
 * @gpa: out
 * @fault: out: filled in when the guest must get a #PF
 *
 * Sets accessed and dirty bits as hardware does. Handles no paging, 32-bit, PAE, 4 and 5 levels,
 * NX, WP, SMEP, SMAP, PKU. PDPTEs are read from memory at each walk, as AMD's nested paging does
 * (APM vol. 2, 15.25.10).
 *
 * Context: kvm->srcu held, may sleep. Return: 0, or -EFAULT with @fault filled in.
 */
int mmu_gva_to_gpa(struct kvm_vcpu *vcpu, gva_t gva, u32 access, gpa_t *gpa,
		   struct kvm_walk_fault *fault)
{
	const struct walk_mode *mode = walk_mode(vcpu);
	bool ac = mode->smap && kvm_rflags_read(vcpu) & X86_EFLAGS_AC;
	u32 pkru = mode->pku ? vcpu->regs.pkru : 0;
	struct walk_result result;

	for (;;) {
		switch (walk_gva(mode, &guest_walk_ops, vcpu, kvm_cr3(vcpu), pkru, ac, gva, access,
				 &result)) {
		case WALK_OK:
			*gpa = result.gpa;
			return 0;
		case WALK_FAULT:
			fault->error_code = result.error_code;
			fault->gva = gva;
			return -EFAULT;
		case WALK_AGAIN:
			/* Other vCPUs write the tables as we walk: the guest's affair. */
			cond_resched();
			if (!fatal_signal_pending(current))
				break;
			fault->error_code = access & (KVM_ACC_WRITE | KVM_ACC_USER);
			fault->gva = gva;
			return -EFAULT;
		}
	}
}
EXPORT_SYMBOL_NS_GPL(mmu_gva_to_gpa, GUESTMODE);
