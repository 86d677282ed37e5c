// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested page faults: from a guest physical address to a mapping.
 *
 * classify -> slot -> the host's frame, with the notifier's sequence read before -> mmu.lock -> is
 * the sequence still the same? -> install.
 */

#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <asm/e820/api.h>
#include <asm/memtype.h>

#include "dirty.h"
#include "tdp.h"
#include "vcpu.h"
#include "vendor.h"

/**
 * mmu_pfn_uncached() - must the guest's accesses to a frame bypass the caches?
 * @pfn: host frame number that isn't an ordinary page
 *
 * Reserved pages of RAM are write-back unless the host itself maps them otherwise; other frames
 * belong to a device unless firmware said that they are RAM.
 */
bool mmu_pfn_uncached(kvm_pfn_t pfn)
{
	if (pfn_valid(pfn))
		return !is_zero_pfn(pfn) && PageReserved(pfn_to_page(pfn)) &&
		       (!pat_enabled() || pat_pfn_immune_to_uc_mtrr(pfn));
	return !e820__mapped_raw_any(PFN_PHYS(pfn), PFN_PHYS(pfn + 1) - 1, E820_TYPE_RAM);
}

/**
 * mmu_host_level() - how large a page the host itself uses for an address
 * @hva: address in current's mm
 * @pfn: what the lookup of @hva found
 *
 * Walks the host's page table without its locks: with irqs off its tables can't be freed. What is
 * found may be out of date at once; the notifier's sequence, checked afterwards, tells.
 *
 * Context: thread of kvm->mm. Return: 1 4 KiB, 2 2 MiB, 3 1 GiB.
 */
u8 mmu_host_level(hva_t hva, kvm_pfn_t pfn)
{
	unsigned long flags, first;
	u8 level = 1;
	pgd_t pgd;
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;

	local_irq_save(flags);
	pgd = READ_ONCE(*pgd_offset(current->mm, hva));
	if (pgd_none(pgd) || unlikely(pgd_bad(pgd)))
		goto out;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (p4d_none(p4d) || !p4d_present(p4d))
		goto out;
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (pud_none(pud) || !pud_present(pud))
		goto out;
	if (pud_leaf(pud)) {
		first = pud_pfn(pud);
		if (first + ((hva & ~PUD_MASK) >> PAGE_SHIFT) == pfn)
			level = 3;
		goto out;
	}
	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	if (pmd_none(pmd) || !pmd_present(pmd))
		goto out;
	if (pmd_leaf(pmd)) {
		first = pmd_pfn(pmd);
		if (first + ((hva & ~PMD_MASK) >> PAGE_SHIFT) == pfn)
			level = 2;
	}
out:
	local_irq_restore(flags);
	return level;
}

static enum mmu_fault_result fault_error(struct kvm_vcpu *vcpu, int err)
{
	vcpu->run_errno = err;
	return MMU_FAULT_ERROR;
}

/* No frame: what that means for the guest, and for userspace. */
static enum mmu_fault_result handle_no_pfn(struct kvm_vcpu *vcpu, const struct kvm_fault *fault)
{
	switch (fault->found.pfn) {
	case KVM_PFN_RETRY:
		return MMU_FAULT_FIXED;
	case KVM_PFN_ERR_RO_FAULT:
		return MMU_FAULT_EMULATE;
	case KVM_PFN_INTR:
		vcpu->run->exit_reason = KVM_EXIT_INTR;
		vcpu->stat.signal_exits++;
		return fault_error(vcpu, -EINTR);
	case KVM_PFN_ERR_NOMEM:
		return fault_error(vcpu, -ENOMEM);
	case KVM_PFN_ERR_HWPOISON:
		/* As if the VMM had touched it: SIGBUS with the address; it may tell the guest. */
		send_sig_mceerr(BUS_MCEERR_AR, (void __user *)fault->hva, PAGE_SHIFT, current);
		return MMU_FAULT_FIXED;
	default:
		vcpu->run->exit_reason = KVM_EXIT_MEMORY_FAULT;
		vcpu->run->memory_fault.flags = 0;
		vcpu->run->memory_fault.gpa = fault->gfn << PAGE_SHIFT;
		vcpu->run->memory_fault.size = PAGE_SIZE;
		return fault_error(vcpu, -EFAULT);
	}
}

/* The largest page that guest, host and hardware agree on. */
static u8 fault_level(const struct kvm *kvm, const struct kvm_fault *fault)
{
	u8 max = kvm->mmu.max_level;

	/* A driver's mapping may be of frames that don't all have one memory type. */
	if (max == 1 || !fault->found.page)
		return 1;
	/* A log is of small pages. */
	if (unlikely(memslot_logged(fault->slot)))
		return 1;
	/* Code only in small pages: a huge one that is there already is zapped by tdp_map(). */
	if (unlikely(kvm_caps->nx_huge_pages && fault->fetch))
		return 1;
	max = mmu_map_level(max, fault->slot, fault->gfn);
	return max == 1 ? 1 : min(max, mmu_host_level(fault->hva, fault->found.pfn));
}

static enum mmu_fault_result install(struct kvm_vcpu *vcpu, struct kvm_fault *fault)
{
	struct kvm *kvm = vcpu->kvm;
	enum tdp_result r = TDP_SPURIOUS;
	hva_t start, bytes;

	read_lock(&kvm->mmu.lock);
	fault->level = fault_level(kvm, fault);
	/*
	 * Who only reads may write later, without a fault, if the page is in the log anyway, or
	 * guest mode notes it down.
	 */
	if (unlikely(memslot_logged(fault->slot)) && !fault->write && !kvm_caps->written_log)
		fault->found.writable &= memslot_is_dirty(fault->slot, fault->gfn);
	bytes = PAGE_SIZE << (9 * (fault->level - 1));
	start = fault->hva & ~(bytes - 1);
	if (!notifier_retry(kvm, fault->seq, start, start + bytes)) {
		r = tdp_map(vcpu, fault);
		/* In the same hold of the lock: see dirty.h. */
		if (fault->write && r != TDP_CONFLICT)
			memslot_mark_dirty(fault->slot, fault->gfn);
	}
	read_unlock(&kvm->mmu.lock);

	switch (r) {
	case TDP_MAPPED:
		vcpu->stat.pf_fixed++;
		break;
	case TDP_SPURIOUS:
		vcpu->stat.pf_spurious++;
		break;
	case TDP_CONFLICT:
		/* A huge page that the host has split, or the like. The next fault maps anew. */
		mmu_zap_gfn_range(kvm, fault->gfn, fault->gfn + 1);
		break;
	}
	return MMU_FAULT_FIXED;
}

/*
 * Where xAPICs are that hardware keeps: it is told by the host's page, which nobody reaches. Once
 * it is not to be there any more it is taken away under the lock.
 */
static enum mmu_fault_result map_access_page(struct kvm_vcpu *vcpu, struct kvm_fault *fault)
{
	struct kvm *kvm = vcpu->kvm;
	struct page *page;
	int r;

	r = tdp_topup(vcpu);
	if (r)
		return fault_error(vcpu, r);
	read_lock(&kvm->mmu.lock);
	page = irqchip_access_page(&kvm->irqchip, fault->gfn);
	if (page) {
		fault->found = (struct kvm_pfn){ .pfn = page_to_pfn(page), .writable = true };
		fault->level = 1;
		tdp_map(vcpu, fault);
	}
	read_unlock(&kvm->mmu.lock);
	return MMU_FAULT_FIXED;
}

/**
 * mmu_slot_came() - there is memory now where nothing was
 * @kvm: the VM
 * @slot: the slot, which every fault sees by now
 *
 * The xAPICs' page may be mapped there: memory goes before it, as it goes before a LAPIC that is
 * emulated.
 *
 * Context: may sleep.
 */
void mmu_slot_came(struct kvm *kvm, const struct kvm_memslot *slot)
{
	gfn_t gfn = APIC_DEFAULT_BASE >> PAGE_SHIFT;

	if (gfn - slot->base_gfn < slot->npages && irqchip_access_page(&kvm->irqchip, gfn))
		mmu_zap_gfn_range(kvm, gfn, gfn + 1);
}

/**
 * mmu_nested_fault() - handle a nested page fault (NPF, EPT violation)
 * @vcpu: the vCPU
 * @gpa: the guest-physical address
 * @access: KVM_ACC_PRESENT | WRITE | FETCH
 *
 * When an invalidation is under way the guest is entered again, and faults until that is over;
 * signals end the wait as they end any KVM_RUN.
 *
 * Context: vCPU thread, kvm->srcu held, may sleep.
 * Return: see enum mmu_fault_result.
 */
enum mmu_fault_result mmu_nested_fault(struct kvm_vcpu *vcpu, gpa_t gpa, u32 access)
{
	struct kvm *kvm = vcpu->kvm;
	struct kvm_fault fault = {
		.gpa = gpa,
		.gfn = gpa >> PAGE_SHIFT,
		.write = access & KVM_ACC_WRITE,
		.fetch = access & KVM_ACC_FETCH,
	};
	int r;

	vcpu->stat.pf_taken++;
	fault.slot = memslots_find_hint(kvm_memslots(kvm), fault.gfn, &vcpu->mmu.slot_hint);
	if (!fault.slot) {
		if (unlikely(irqchip_access_page(&kvm->irqchip, fault.gfn)))
			return map_access_page(vcpu, &fault);
		vcpu->stat.pf_emulate++;
		return MMU_FAULT_EMULATE;
	}
	/* On its way to another place, perhaps: not to be taken for a hole. */
	if (unlikely(fault.slot->dying))
		return MMU_FAULT_FIXED;

	r = tdp_topup(vcpu);
	if (r)
		return fault_error(vcpu, r);

	fault.hva = memslot_gfn_to_hva(fault.slot, fault.gfn);
	fault.seq = notifier_seq_begin(kvm);
	fault.found = kvm_pfn_lookup(fault.slot, fault.gfn, fault.write);
	if (unlikely(kvm_pfn_is_error(fault.found.pfn)))
		return handle_no_pfn(vcpu, &fault);
	return install(vcpu, &fault);
}
