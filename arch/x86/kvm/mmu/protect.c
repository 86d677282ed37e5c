// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of memory whose writes are logged: taking away the permission to write, and getting
 * large pages back when logging has ended.
 *
 * Where guest mode itself notes down which entries it marks dirty (kvm_caps->written_log), it is
 * the dirty bit of small pages that is taken away; that costs no fault.
 *
 * Between mmu_zap_begin() and mmu_zap_end(), which flushes. Until then vCPUs may still write
 * through what their TLBs hold.
 */

#include <linux/mm.h>
#include <linux/sched.h>

#include "iter.h"
#include "tdp.h"
#include "vendor.h"

/**
 * mmu_log_begin() - a slot is about to be logged
 * @kvm: the VM
 *
 * Context: slots_lock; may sleep. On return no vCPU is in guest mode that doesn't note down what it
 * writes, where the hardware does.
 */
void mmu_log_begin(struct kvm *kvm)
{
	lockdep_assert_held(&kvm->slots_lock);
	WRITE_ONCE(kvm->mmu.logged, kvm->mmu.logged + 1);
	if (!kvm_caps->written_log || kvm->mmu.logged != 1)
		return;
	/* A vCPU that isn't found now finds this: its first request is INTERCEPTS, too. */
	smp_mb();
	kvm_make_all_request(kvm, KVM_REQ_INTERCEPTS);
}

/**
 * mmu_log_end() - a slot isn't logged any more
 * @kvm: the VM
 *
 * Context: slots_lock; may sleep.
 */
void mmu_log_end(struct kvm *kvm)
{
	lockdep_assert_held(&kvm->slots_lock);
	WRITE_ONCE(kvm->mmu.logged, kvm->mmu.logged - 1);
	if (kvm_caps->written_log && !kvm->mmu.logged)
		kvm_make_all_request(kvm, KVM_REQ_INTERCEPTS);
}

/**
 * mmu_log_collect() - have all in the slots' logs that guests have written until now
 * @kvm: the VM
 *
 * Context: may sleep, mmu.lock not held.
 */
void mmu_log_collect(struct kvm *kvm)
{
	if (kvm_caps->written_log)
		kvm_make_all_exit(kvm);
}

/*
 * See to it that the next write through a present leaf is seen. What hardware noted down is passed
 * on. A huge page faults in any case: its log is of small ones.
 */
static void protect_entry(struct mmu_zap *zap, const struct pt_iter *it)
{
	const struct pt_format *f = it->f;
	u64 old = it->spte, seen, seen_by = f->write;

	if (kvm_caps->written_log && it->level == 1)
		seen_by = f->dirty;
	/* Hardware may set accessed and dirty meanwhile. */
	for (;;) {
		if (!(old & seen_by))
			return;
		seen = cmpxchg64(it->sptep, old, old & ~(seen_by | f->dirty));
		if (seen == old)
			break;
		old = seen;
	}
	spte_written(f, old);
	zap->flush = true;
}

/**
 * mmu_protect_mask() - writes to these pages are seen from now on
 * @zap: of mmu_zap_begin()
 * @first: guest frame of bit 0
 * @mask: a bit per page
 *
 * They fault, or guest mode notes them down. A huge page that holds one of them is protected as a
 * whole.
 *
 * Context: mmu.lock held for write.
 */
void mmu_protect_mask(struct mmu_zap *zap, gfn_t first, u64 mask)
{
	struct kvm_mmu_vm *mmu = &zap->kvm->mmu;
	struct pt_iter it;

	lockdep_assert_held_write(&mmu->lock);
	if (!mask || !mmu_has_root(mmu))
		return;
	pt_iter_start(&it, mmu->format, mmu_root_table(mmu), mmu->levels, first + __ffs64(mask),
		      first + __fls(mask) + 1);
	while (pt_iter_next(&it)) {
		if (!pt_iter_leaf(&it))
			continue;
		if (it.level > 1 || mask & BIT_ULL(it.gfn - first))
			protect_entry(zap, &it);
	}
}

/**
 * mmu_protect_range() - writes to a range of pages are seen from now on
 * @kvm: the VM
 * @start: first guest frame
 * @end: guest frame behind the last
 *
 * Context: may sleep. On return no vCPU can write there unseen, unless the page was mapped anew.
 */
void mmu_protect_range(struct kvm *kvm, gfn_t start, gfn_t end)
{
	struct kvm_mmu_vm *mmu = &kvm->mmu;
	struct mmu_zap zap;
	struct pt_iter it;

	mmu_zap_begin(&zap, kvm, true);
	if (mmu_has_root(mmu)) {
		pt_iter_start(&it, mmu->format, mmu_root_table(mmu), mmu->levels, start, end);
		while (pt_iter_next(&it)) {
			if (pt_iter_leaf(&it))
				protect_entry(&zap, &it);
			if (mmu_zap_relax(&zap))
				pt_iter_restart(&it);
		}
	}
	mmu_zap_end(&zap);
}

/* Could the page that @it maps be part of a larger one? */
static bool collapsible(const struct kvm *kvm, const struct kvm_memslot *slot,
			const struct pt_iter *it)
{
	u64 pfn = spte_addr(it->f, it->spte) >> PAGE_SHIFT;

	return it->spte & SPTE_PAGE && mmu_map_level(kvm->mmu.max_level, slot, it->gfn) > 1 &&
	       mmu_host_level(memslot_gfn_to_hva(slot, it->gfn), pfn) > 1;
}

/**
 * mmu_collapse_slot() - let large pages come back
 * @kvm: the VM
 * @slot: logged no longer
 *
 * Small mappings where a large one fits go; the next fault there makes that.
 *
 * Context: thread of kvm->mm; may sleep.
 */
void mmu_collapse_slot(struct kvm *kvm, const struct kvm_memslot *slot)
{
	struct kvm_mmu_vm *mmu = &kvm->mmu;
	struct mmu_zap zap;
	struct pt_iter it;

	if (mmu->max_level == 1)
		return;
	mmu_zap_begin(&zap, kvm, true);
	if (mmu_has_root(mmu)) {
		pt_iter_start(&it, mmu->format, mmu_root_table(mmu), mmu->levels, slot->base_gfn,
			      slot->base_gfn + slot->npages);
		while (pt_iter_next(&it)) {
			gfn_t first = it.gfn & ~(pt_frames(it.f, 2) - 1);

			if (it.level > 1)
				continue;
			/* One page speaks for all in its table, which goes with them. */
			if (collapsible(kvm, slot, &it))
				mmu_zap_range(&zap, first, first + pt_frames(it.f, 2));
			it.next = first + pt_frames(it.f, 2);
			mmu_zap_relax(&zap);
			pt_iter_restart(&it);
		}
	}
	mmu_zap_end(&zap);
}
