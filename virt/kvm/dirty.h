/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log of written pages: a bit per page of a slot.
 *
 * A bit is set with mmu.lock held for read, in one hold with the entry that allows the write, and
 * taken with mmu.lock held for write, in one hold with the removal of that permission. So a page
 * that a guest can write has its bit set, unless its slot isn't logged. Writes of the host's own
 * need no lock: the bit is set behind the write.
 *
 * Where guest mode notes down what it writes (kvm_caps->written_log), "can write" is "has marked
 * dirty", and the bit is set as guest mode ends: mmu_log_collect() waits for that.
 */
#ifndef GUESTMODE_DIRTY_H
#define GUESTMODE_DIRTY_H

#include "memslot.h"

/* Words of 64 bits in a slot's log: what KVM_GET_DIRTY_LOG copies out. */
static inline u64 dirty_words(u64 npages)
{
	return (npages + 63) / 64;
}

static inline bool memslot_logged(const struct kvm_memslot *slot)
{
	return slot->dirty;
}

/*
 * Was the page written since the log was last asked? With mmu.lock held that stays so, but for what
 * guest mode notes down.
 */
static inline bool memslot_is_dirty(const struct kvm_memslot *slot, gfn_t gfn)
{
	return test_bit(array_index_nospec(gfn - slot->base_gfn, slot->npages), slot->dirty);
}

/*
 * Looked at first: a write to a line that all vCPUs share is dear. The page's write must be seen
 * before: else who takes the bit now may copy the page without it, and there is no other bit.
 */
static inline void dirty_mark(unsigned long *log, u64 bit)
{
	smp_mb();
	if (!test_bit(bit, log))
		set_bit(bit, log);
}

/* @gfn lies in @slot. */
static inline void memslot_mark_dirty(const struct kvm_memslot *slot, gfn_t gfn)
{
	if (unlikely(slot->dirty))
		dirty_mark(slot->dirty, array_index_nospec(gfn - slot->base_gfn, slot->npages));
}

unsigned long *dirty_alloc(struct kvm *kvm, u64 npages);
bool dirty_is_full(const struct kvm_memslot *slot);
void dirty_mark_gfn(struct kvm *kvm, gfn_t gfn);
long dirty_set_manual(struct kvm *kvm, u64 flags);
long dirty_get(struct kvm *kvm, u32 id, void __user *to);
long dirty_clear(struct kvm *kvm, const struct kvm_clear_dirty_log *log, const void __user *from);

#endif
