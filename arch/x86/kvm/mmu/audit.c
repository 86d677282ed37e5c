// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug invariants of the nested page table. Built with CONFIG_KVM_MMU_AUDIT=y (an argument of
 * make) or -DDEBUG; it looks at every entry after every zap, so it is slow.
 */

#include <linux/mm.h>
#include <linux/srcu.h>

#include "audit.h"
#include "tdp.h"

#ifdef MMU_AUDIT
/* What is wrong with a present leaf; NULL if nothing is. */
static const char *bad_leaf(const struct kvm *kvm, struct kvm_memslots *slots,
			    const struct pt_iter *it)
{
	const struct kvm_memslot *slot = memslots_find(slots, it->gfn);
	u64 frames = pt_frames(it->f, it->level);
	u64 pfn = spte_addr(it->f, it->spte) >> PAGE_SHIFT;

	if ((it->spte & it->f->leaf) != it->f->leaf)
		return "a bit that all leaves have is clear";
	if (it->spte & it->f->dirty && !(it->spte & it->f->write))
		return "dirty but not writable";
	if (pfn & (frames - 1))
		return "frame not aligned to the page's size";
	if (it->spte & SPTE_PAGE && (!pfn_valid(pfn) || !page_count(pfn_to_page(pfn))))
		return "page is free";
	if (!slot && kvm->irqchip.access_page && pfn == page_to_pfn(kvm->irqchip.access_page))
		return NULL;
	if (!slot || it->gfn + frames > slot->base_gfn + slot->npages)
		return "not inside of a slot";
	if (slot->flags & KVM_MEM_READONLY && it->spte & it->f->write)
		return "writable in a read-only slot";
	return NULL;
}

/**
 * mmu_audit() - check every entry
 * @kvm: the VM; marked dead where something is wrong
 *
 * Context: mmu.lock held for write.
 */
void mmu_audit(struct kvm *kvm)
{
	struct kvm_mmu_vm *mmu = &kvm->mmu;
	struct kvm_memslots *slots;
	const char *what = NULL;
	struct pt_iter it;
	s64 tables = 1;
	int idx;

	if (!mmu_has_root(mmu))
		return;
	idx = srcu_read_lock(&kvm->srcu);
	slots = kvm_memslots(kvm);
	pt_iter_start(&it, mmu->format, mmu_root_table(mmu), mmu->levels, 0, ~0ULL);
	while (!what && pt_iter_next(&it)) {
		if (pt_iter_leaf(&it))
			what = bad_leaf(kvm, slots, &it);
		else if (tables++, (it.spte & it.f->table) != it.f->table)
			what = "a bit that all tables have is clear";
	}
	srcu_read_unlock(&kvm->srcu, idx);
	if (what)
		pr_err("kvm: mmu audit: gfn %#llx level %u spte %#llx: %s\n", it.gfn, it.level,
		       it.spte, what);
	else if (tables != atomic64_read(&mmu->nr_pages))
		pr_err("kvm: mmu audit: %lld tables found, %lld counted\n", tables,
		       (s64)atomic64_read(&mmu->nr_pages));
	else
		return;
	KVM_BUG_ON(1, kvm);
}
#endif
