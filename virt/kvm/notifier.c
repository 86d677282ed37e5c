// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host MMU events. The protocol between these callbacks and faults is told in notifier.h.
 *
 * change_pte() (kernels before 6.10) is not implemented: the host calls it inside an
 * invalidate_range_start/end pair, which unmaps the page already.
 */

#include <linux/sched/mm.h>
#include <linux/srcu.h>

#include "memslot.h"
#include "notifier.h"
#include "trace.h"
#include "vm.h"

static struct kvm *mn_to_kvm(struct mmu_notifier *mn)
{
	return container_of(mn, struct kvm, notifier.mn);
}

static void range_begin(struct kvm_notifier *n, hva_t start, hva_t end)
{
	spin_lock(&n->lock);
	if (n->in_progress) {
		WRITE_ONCE(n->range_start, min(n->range_start, start));
		WRITE_ONCE(n->range_end, max(n->range_end, end));
	} else {
		WRITE_ONCE(n->range_start, start);
		WRITE_ONCE(n->range_end, end);
		/* notifier_retry() looks at the count first. */
		smp_wmb();
	}
	WRITE_ONCE(n->in_progress, n->in_progress + 1);
	spin_unlock(&n->lock);
}

static int notifier_invalidate_start(struct mmu_notifier *mn,
				     const struct mmu_notifier_range *range)
{
	struct kvm *kvm = mn_to_kvm(mn);
	struct kvm_memslots *slots;
	struct mmu_zap zap;
	gfn_t from, to;
	bool any = false;
	u32 pos;
	int idx;

	trace_kvm_unmap_hva_range(range->start, range->end);
	range_begin(&kvm->notifier, range->start, range->end);

	/* Also a full barrier: slots published before some fault saw a count of 0 are seen here. */
	idx = srcu_read_lock(&kvm->srcu);
	slots = kvm_memslots(kvm);
	pos = memslots_hva_first(slots, range->start);
	while (memslots_hva_next(slots, &pos, range->start, range->end, &from, &to)) {
		if (!any)
			mmu_zap_begin(&zap, kvm, mmu_notifier_range_blockable(range));
		any = true;
		mmu_zap_range(&zap, from, to);
	}
	if (any)
		mmu_zap_end(&zap);
	srcu_read_unlock(&kvm->srcu, idx);
	return 0;
}

static void notifier_invalidate_end(struct mmu_notifier *mn,
				    const struct mmu_notifier_range *range)
{
	struct kvm *kvm = mn_to_kvm(mn);
	struct kvm_notifier *n = &kvm->notifier;

	spin_lock(&n->lock);
	WRITE_ONCE(n->seq, n->seq + 1);
	/* Who sees the count without us sees the new seq: pairs with notifier_retry(). */
	smp_wmb();
	if (!KVM_BUG_ON(!n->in_progress, kvm))
		WRITE_ONCE(n->in_progress, n->in_progress - 1);
	spin_unlock(&n->lock);
}

static bool age(struct mmu_notifier *mn, hva_t start, hva_t end, bool clear)
{
	struct kvm *kvm = mn_to_kvm(mn);
	struct kvm_memslots *slots;
	bool young = false;
	gfn_t from, to;
	u32 pos;
	int idx;

	trace_kvm_age_hva(start, end);
	idx = srcu_read_lock(&kvm->srcu);
	slots = kvm_memslots(kvm);
	pos = memslots_hva_first(slots, start);
	while (memslots_hva_next(slots, &pos, start, end, &from, &to))
		young |= mmu_age_gfn_range(kvm, from, to, clear);
	srcu_read_unlock(&kvm->srcu, idx);
	return young;
}

/*
 * Neither flavour flushes: as with the host's own accessed bits, a stale TLB entry only makes a
 * page look older than it is for a while.
 */
static int notifier_clear_young(struct mmu_notifier *mn, struct mm_struct *mm,
				unsigned long start, unsigned long end)
{
	return age(mn, start, end, true);
}

static int notifier_test_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long addr)
{
	return age(mn, addr, addr + PAGE_SIZE, false);
}

/*
 * The mm dies, or the VM does: the last moment at which the pages are certain to exist. There is
 * no thread with this mm any more that could fault (exit_mmap), or no vCPU that runs.
 */
static void notifier_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	mmu_zap_all(mn_to_kvm(mn));
}

static const struct mmu_notifier_ops notifier_ops = {
	.release = notifier_release,
	.clear_flush_young = notifier_clear_young,
	.clear_young = notifier_clear_young,
	.test_young = notifier_test_young,
	.invalidate_range_start = notifier_invalidate_start,
	.invalidate_range_end = notifier_invalidate_end,
};

/**
 * notifier_register() - hear of what the host does to the VMM's address space
 * @kvm: the VM, with slots table and MMU ready
 *
 * Context: a thread of kvm->mm, mmap_lock not held; may sleep.
 * Return: 0 or -ENOMEM, -EINTR.
 */
int notifier_register(struct kvm *kvm)
{
	struct kvm_notifier *n = &kvm->notifier;
	int r;

	spin_lock_init(&n->lock);
	n->mn.ops = &notifier_ops;
	r = mmu_notifier_register(&n->mn, kvm->mm);
	n->registered = !r;
	return r;
}

/**
 * notifier_unregister() - hear nothing any more
 * @kvm: the VM
 *
 * Zaps all that is mapped, unless the mm's death has done so. When it returns no callback runs.
 *
 * Context: may sleep; no vCPU runs.
 */
void notifier_unregister(struct kvm *kvm)
{
	if (!kvm->notifier.registered)
		return;
	mmu_notifier_unregister(&kvm->notifier.mn, kvm->mm);
	kvm->notifier.registered = false;
}

/**
 * notifier_seq_begin() - before the host's frame is looked up
 * @kvm: the VM
 *
 * Return: what notifier_retry() wants to know.
 */
unsigned long notifier_seq_begin(struct kvm *kvm)
{
	unsigned long seq = READ_ONCE(kvm->notifier.seq);

	/* The lookup's reads of the host's page tables come after. */
	smp_rmb();
	return seq;
}

/**
 * notifier_retry() - may what was looked up have changed since?
 * @kvm: the VM
 * @seq: of notifier_seq_begin()
 * @start: first byte of the mapping to be installed, in the VMM's address space
 * @end: byte behind its last
 *
 * The three reads are in this order for a reason. A count of 0 after an invalidation is only seen
 * together with its new seq. A count above 0 with a range that is not ours may mix two
 * invalidations, but then the first one ended in between and seq tells.
 *
 * Context: mmu.lock held.
 * Return: true: drop it and begin again.
 */
bool notifier_retry(struct kvm *kvm, unsigned long seq, hva_t start, hva_t end)
{
	struct kvm_notifier *n = &kvm->notifier;

	lockdep_assert_held(&kvm->mmu.lock);
	if (unlikely(READ_ONCE(n->in_progress))) {
		smp_rmb();
		if (start < READ_ONCE(n->range_end) && end > READ_ONCE(n->range_start))
			return true;
	}
	smp_rmb();
	return READ_ONCE(n->seq) != seq;
}
