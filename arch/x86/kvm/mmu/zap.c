// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking mappings away, and TLB flushes.
 *
 * All that one hold of mmu.lock removed is flushed before the lock is dropped, also in the middle
 * of a long zap: another zapper of the same range finds nothing there any more, and takes that to
 * mean that no vCPU uses it. Tables are unlinked under the lock, and freed after the flush and a
 * grace period: hardware and lockless walkers may be in them until then. Their entries are cleared
 * first, so that who still walks them finds nothing. Where the lock was dropped in between, faults
 * may have filled them again: then each is looked through once more.
 */

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "audit.h"
#include "iter.h"
#include "tdp.h"
#include "vcpu.h"

/**
 * mmu_flush_remote_tlbs() - no vCPU goes on with translations that it has cached
 * @kvm: the VM
 *
 * Context: irqs on; does not sleep. Any change of sptes that needs this has been made.
 */
void mmu_flush_remote_tlbs(struct kvm *kvm)
{
	kvm_make_all_request(kvm, KVM_REQ_TLB_FLUSH);
}

static void free_table(struct rcu_head *head)
{
	__free_page(container_of(head, struct page, rcu_head));
}

/* Flush what was removed; mmu.lock is held for write. */
static void settle(struct mmu_zap *zap)
{
	struct page *page, *next;

	if (!zap->flush)
		return;
	zap->kvm->stat.remote_tlb_flush_requests++;
	zap->kvm->stat.remote_tlb_flush++;
	mmu_flush_remote_tlbs(zap->kvm);
	zap->flush = false;
	list_for_each_entry_safe(page, next, &zap->dead, lru) {
		list_del(&page->lru);
		call_rcu(&page->rcu_head, free_table);
	}
}

/**
 * mmu_zap_begin() - begin to take mappings away
 * @zap: to be filled in
 * @kvm: the VM
 * @may_yield: the caller may sleep, and mmu.lock may be dropped in between
 *
 * Context: takes mmu.lock for write.
 */
void mmu_zap_begin(struct mmu_zap *zap, struct kvm *kvm, bool may_yield)
	__acquires(&kvm->mmu.lock)
{
	zap->kvm = kvm;
	zap->may_yield = may_yield;
	zap->flush = false;
	zap->yielded = false;
	INIT_LIST_HEAD(&zap->dead);
	write_lock(&kvm->mmu.lock);
}

/**
 * mmu_zap_end() - flush, and drop mmu.lock
 * @zap: of mmu_zap_begin()
 */
void mmu_zap_end(struct mmu_zap *zap)
	__releases(&zap->kvm->mmu.lock)
{
	settle(zap);
	mmu_audit(zap->kvm);
	write_unlock(&zap->kvm->mmu.lock);
}

/**
 * mmu_zap_relax() - let others have mmu.lock for a moment, if they want it
 * @zap: of mmu_zap_begin()
 *
 * Return: true: it was dropped, after a flush, and tables may have changed.
 */
bool mmu_zap_relax(struct mmu_zap *zap)
{
	if (!zap->may_yield || !(need_resched() || rwlock_needbreak(&zap->kvm->mmu.lock)))
		return false;
	settle(zap);
	cond_resched_rwlock_write(&zap->kvm->mmu.lock);
	zap->yielded = true;
	return true;
}

static void zap_entry(struct mmu_zap *zap, const struct pt_format *f, u64 *sptep, u8 level);

/* Faults have put something into a table behind the visitor's back, while mmu.lock was dropped. */
static void zap_refilled(struct mmu_zap *zap, const struct pt_format *f, u64 *table, u8 level)
{
	unsigned int i;

	for (i = 0; i < PTRS_PER_PTE; i++)
		if (pt_is_present(f, READ_ONCE(table[i])))
			zap_entry(zap, f, &table[i], level);
}

/* A table goes when it is empty. As deep as the tables are, at most. */
static void zap_entry(struct mmu_zap *zap, const struct pt_format *f, u64 *sptep, u8 level)
{
	u64 old = READ_ONCE(*sptep);

	if (zap->yielded && pt_is_present(f, old) && !pt_is_leaf(f, old, level))
		zap_refilled(zap, f, spte_table(f, old), level - 1);
	/* Hardware may set accessed and dirty until the very end: xchg() has the last word. */
	old = xchg(sptep, 0);
	if (!pt_is_present(f, old))
		return;
	zap->flush = true;
	if (pt_is_leaf(f, old, level)) {
		spte_gone(f, old);
		zap->kvm->mmu.zapped[level]++;
	} else {
		list_add(&virt_to_page(spte_table(f, old))->lru, &zap->dead);
		atomic64_dec(&zap->kvm->mmu.nr_pages);
		zap->kvm->stat.mmu_shadow_zapped++;
	}
}

/**
 * mmu_zap_range() - take away all that maps guest frames of a range
 * @zap: of mmu_zap_begin()
 * @start: first guest frame
 * @end: guest frame behind the last
 *
 * A huge page that is only partly in the range goes as a whole; the next fault maps what is left.
 *
 * Context: mmu.lock held for write; with zap->may_yield it is dropped now and then.
 */
void mmu_zap_range(struct mmu_zap *zap, gfn_t start, gfn_t end)
{
	struct kvm_mmu_vm *mmu = &zap->kvm->mmu;
	struct pt_iter it;

	lockdep_assert_held_write(&mmu->lock);
	if (!mmu_has_root(mmu))
		return;
	pt_iter_start(&it, mmu->format, mmu_root_table(mmu), mmu->levels, start, end);
	while (pt_iter_next(&it)) {
		zap_entry(zap, it.f, it.sptep, it.level);
		if (mmu_zap_relax(zap))
			pt_iter_restart(&it);
	}
}

/**
 * mmu_zap_gfn_range() - take away all that maps guest frames of a range
 * @kvm: the VM
 * @start: first guest frame
 * @end: guest frame behind the last
 *
 * Context: may sleep. On return no vCPU uses a translation of the range, unless it was mapped anew.
 */
void mmu_zap_gfn_range(struct kvm *kvm, gfn_t start, gfn_t end)
{
	struct mmu_zap zap;

	mmu_zap_begin(&zap, kvm, true);
	mmu_zap_range(&zap, start, end);
	mmu_zap_end(&zap);
}

/**
 * mmu_zap_all() - take away everything but the root
 * @kvm: the VM
 *
 * Context: may sleep.
 */
void mmu_zap_all(struct kvm *kvm)
{
	mmu_zap_gfn_range(kvm, 0, ~0ULL);
}

/*
 * Without accessed bits: what is mapped counts as accessed. To find out whether it is again, the
 * mapping goes; the next access brings it back.
 */
static bool age_by_zap(struct kvm *kvm, gfn_t start, gfn_t end, bool clear)
{
	struct kvm_mmu_vm *mmu = &kvm->mmu;
	struct mmu_zap zap;
	struct pt_iter it;
	bool young = false;

	mmu_zap_begin(&zap, kvm, false);
	pt_iter_start(&it, mmu->format, mmu_root_table(mmu), mmu->levels, start, end);
	while (!young && pt_iter_next(&it))
		young = pt_iter_leaf(&it);
	if (clear && young)
		mmu_zap_range(&zap, start, end);
	mmu_zap_end(&zap);
	return young;
}

/**
 * mmu_age_gfn_range() - was anything in a range accessed?
 * @kvm: the VM
 * @start: first guest frame
 * @end: guest frame behind the last
 * @clear: clear the accessed bits
 *
 * Context: does not sleep; takes mmu.lock for read, or for write where hardware has no accessed
 * bits.
 */
bool mmu_age_gfn_range(struct kvm *kvm, gfn_t start, gfn_t end, bool clear)
{
	struct kvm_mmu_vm *mmu = &kvm->mmu;
	bool young = false;
	struct pt_iter it;

	if (!mmu_has_root(mmu))
		return false;
	if (!pt_ages(mmu->format))
		return age_by_zap(kvm, start, end, clear);
	read_lock(&mmu->lock);
	pt_iter_start(&it, mmu->format, mmu_root_table(mmu), mmu->levels, start, end);
	while ((clear || !young) && pt_iter_next(&it)) {
		u64 accessed = mmu->format->accessed;

		if (!pt_iter_leaf(&it) || !(it.spte & accessed))
			continue;
		young = true;
		/* Only that one bit: a fault may be adding permissions, hardware the dirty bit. */
		if (clear)
			clear_bit(ilog2(accessed), (unsigned long *)it.sptep);
	}
	read_unlock(&mmu->lock);
	return young;
}
