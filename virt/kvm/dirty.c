// SPDX-License-Identifier: GPL-2.0-only
/* The log of written pages: KVM_GET_DIRTY_LOG, KVM_CLEAR_DIRTY_LOG. See dirty.h. */

#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "dirty.h"
#include "vm.h"

/**
 * dirty_alloc() - a log for a slot
 * @kvm: the VM
 * @npages: of the slot
 *
 * As much again lies behind it, for one ioctl at a time: what it has taken out of the log.
 *
 * Context: slots_lock; may sleep. Return: to be freed by kvfree(), or NULL.
 */
unsigned long *dirty_alloc(struct kvm *kvm, u64 npages)
{
	unsigned long *bits = kvcalloc(2 * dirty_words(npages), sizeof(u64), GFP_KERNEL_ACCOUNT);

	if (bits && READ_ONCE(kvm->caps.manual_dirty_log) & KVM_DIRTY_LOG_INITIALLY_SET)
		bitmap_set(bits, 0, npages);
	return bits;
}

/**
 * dirty_is_full() - are all pages in the log?
 * @slot: logged
 *
 * Context: slots_lock: the log only grows meanwhile.
 */
bool dirty_is_full(const struct kvm_memslot *slot)
{
	return find_first_zero_bit(slot->dirty, slot->npages) >= slot->npages;
}

/**
 * dirty_mark_gfn() - a page of the guest's was written, by the host or as guest mode noted down
 * @kvm: the VM
 * @gfn: guest frame number
 *
 * Called after the write: who is told of the page and then reads it finds what was written.
 *
 * Context: the kvm->srcu read section of the write, or one behind it; any other.
 */
void dirty_mark_gfn(struct kvm *kvm, gfn_t gfn)
{
	/* A dying one, too: its log moves with it. */
	const struct kvm_memslot *slot = memslots_find(kvm_memslots(kvm), gfn);

	if (slot)
		memslot_mark_dirty(slot, gfn);
}
EXPORT_SYMBOL_NS_GPL(dirty_mark_gfn, GUESTMODE);

/**
 * dirty_set_manual() - KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2
 * @kvm: the VM
 * @flags: KVM_DIRTY_LOG_*
 *
 * Context: kvm->lock. Return: 0 or -EINVAL.
 */
long dirty_set_manual(struct kvm *kvm, u64 flags)
{
	u64 allowed = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;

	if (flags & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)
		allowed |= KVM_DIRTY_LOG_INITIALLY_SET;
	if (flags & ~allowed)
		return -EINVAL;
	WRITE_ONCE(kvm->caps.manual_dirty_log, flags);
	return 0;
}

/* 0 and the slot, which is logged; -EINVAL: no slot has such a number; -ENOENT: no log. */
static int find_log(struct kvm *kvm, u32 id, const struct kvm_memslot **slot)
{
	lockdep_assert_held(&kvm->slots_lock);
	if (id >= KVM_USER_MEM_SLOTS)
		return -EINVAL;
	*slot = memslots_find_id(kvm_memslots(kvm), id);
	return *slot && memslot_logged(*slot) ? 0 : -ENOENT;
}

/* Move the log to the room behind it, and see to it that further writes are seen. */
static void take_log(struct kvm *kvm, const struct kvm_memslot *slot, unsigned long *taken)
{
	u64 i, words = dirty_words(slot->npages);
	struct mmu_zap zap;

	mmu_zap_begin(&zap, kvm, true);
	for (i = 0; i < words; i++) {
		taken[i] = READ_ONCE(slot->dirty[i]);
		if (taken[i]) {
			taken[i] = xchg(&slot->dirty[i], 0);
			mmu_protect_mask(&zap, slot->base_gfn + i * 64, taken[i]);
		}
		mmu_zap_relax(&zap);
	}
	mmu_zap_end(&zap);
}

static void give_back(const struct kvm_memslot *slot, const unsigned long *taken)
{
	u64 i, words = dirty_words(slot->npages);

	for (i = 0; i < words; i++)
		if (taken[i])
			atomic_long_or(taken[i], (atomic_long_t *)&slot->dirty[i]);
}

/**
 * dirty_get() - KVM_GET_DIRTY_LOG
 * @kvm: the VM
 * @id: the slot's
 * @to: user memory, a bit per page rounded up to 64 bits
 *
 * Unless userspace has asked to do that itself, page by page, the log is empty afterwards, and all
 * that is written from now on is in the next one. What could not be copied out stays in the log.
 *
 * Context: slots_lock, not inside kvm->srcu; may sleep.
 * Return: 0, -EINVAL, -ENOENT (no such slot, or it isn't logged), -EFAULT.
 */
long dirty_get(struct kvm *kvm, u32 id, void __user *to)
{
	const struct kvm_memslot *slot;
	unsigned long *taken;
	size_t bytes;
	int r;

	r = find_log(kvm, id, &slot);
	if (r)
		return r;
	mmu_log_collect(kvm);
	bytes = dirty_words(slot->npages) * sizeof(u64);
	if (READ_ONCE(kvm->caps.manual_dirty_log))
		return copy_to_user(to, slot->dirty, bytes) ? -EFAULT : 0;
	taken = slot->dirty + dirty_words(slot->npages);
	take_log(kvm, slot, taken);
	if (!copy_to_user(to, taken, bytes))
		return 0;
	give_back(slot, taken);
	return -EFAULT;
}

/* Is the range one that KVM_CLEAR_DIRTY_LOG takes? Whole words, or up to the slot's end. */
static bool clear_range_valid(const struct kvm_memslot *slot, u64 first, u64 num)
{
	u64 end;

	if (check_add_overflow(first, num, &end) || end > slot->npages)
		return false;
	return end == slot->npages || !(num % 64);
}

/**
 * dirty_clear() - KVM_CLEAR_DIRTY_LOG
 * @kvm: the VM
 * @log: kernel copy of the request
 * @from: user memory, a bit per page of the request's: those that are to be cleared
 *
 * Context: slots_lock, not inside kvm->srcu; may sleep.
 * Return: 0, -EINVAL, -ENOENT (no such slot, or it isn't logged), -EFAULT.
 */
long dirty_clear(struct kvm *kvm, const struct kvm_clear_dirty_log *log, const void __user *from)
{
	const struct kvm_memslot *slot;
	u64 i, words = dirty_words(log->num_pages);
	unsigned long *mask, *word;
	struct mmu_zap zap;
	int r;

	if (log->first_page % 64)
		return -EINVAL;
	r = find_log(kvm, log->slot, &slot);
	if (r)
		return r;
	if (!clear_range_valid(slot, log->first_page, log->num_pages))
		return -EINVAL;
	mask = slot->dirty + dirty_words(slot->npages);
	if (copy_from_user(mask, from, words * sizeof(u64)))
		return -EFAULT;

	word = slot->dirty + log->first_page / 64;
	mmu_zap_begin(&zap, kvm, true);
	for (i = 0; i < words; i++) {
		if (mask[i])
			mask[i] &= atomic_long_fetch_andnot(mask[i], (atomic_long_t *)&word[i]);
		/* Pages that weren't in the log are protected already, or noted down to come. */
		if (mask[i])
			mmu_protect_mask(&zap, slot->base_gfn + log->first_page + i * 64, mask[i]);
		mmu_zap_relax(&zap);
	}
	mmu_zap_end(&zap);
	return 0;
}
