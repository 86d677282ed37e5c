// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM's memory slots: publication under SRCU, KVM_SET_USER_MEMORY_REGION.
 *
 * A slot goes in two steps, because the host's MMU notifier must be able to find a slot for as long
 * as anything of it may be mapped in the guest:
 *
 *	publish a table where the slot is dying: lookups for new mappings refuse it
 *	wait for SRCU readers: no fault on the old table is under way any more
 *	zap its range and flush: no vCPU uses a translation of it any more
 *	publish a table without it (or with it elsewhere), wait again
 *
 * Logging of writes begins in two steps likewise: a table where the slot has a log is published,
 * and when no fault on the old one is under way any more, the permission to write is taken away.
 *
 * A VM has two tables, so that a change need not copy all slots: see apply().
 */

#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include "dirty.h"
#include "memslot.h"
#include "vm.h"

/**
 * kvm_gfn_to_memslot() - the slot that holds a guest frame
 * @kvm: the VM
 * @gfn: guest frame number
 *
 * Context: as for kvm_memslots().
 * Return: the slot, or NULL: no memory there, or none any more.
 */
struct kvm_memslot *kvm_gfn_to_memslot(struct kvm *kvm, gfn_t gfn)
{
	struct kvm_memslot *slot = memslots_find(kvm_memslots(kvm), gfn);

	return slot && !slot->dying ? slot : NULL;
}
EXPORT_SYMBOL_NS_GPL(kvm_gfn_to_memslot, GUESTMODE);

static struct kvm_memslots *memslots_alloc(u32 room, const struct kvm_memslots *src)
{
	struct kvm_memslots *slots = kvmalloc(memslots_bytes(room), GFP_KERNEL_ACCOUNT);

	if (slots)
		memslots_fill(slots, room, src);
	return slots;
}

/**
 * memslots_init() - give a new VM its two empty tables
 * @kvm: the VM; nobody else knows it yet
 *
 * Return: 0 or -ENOMEM.
 */
int memslots_init(struct kvm *kvm)
{
	struct kvm_memslots *slots = memslots_alloc(0, NULL);

	kvm->memslots_spare = memslots_alloc(0, NULL);
	if (!slots || !kvm->memslots_spare) {
		kvfree(slots);
		kvfree(kvm->memslots_spare);
		return -ENOMEM;
	}
	RCU_INIT_POINTER(kvm->memslots, slots);
	return 0;
}

/**
 * memslots_destroy() - free the tables
 * @kvm: the VM: no vCPU and no notifier left
 */
void memslots_destroy(struct kvm *kvm)
{
	struct kvm_memslots *slots = rcu_dereference_protected(kvm->memslots, true);
	u32 i;

	for (i = 0; i < slots->nr; i++)
		kvfree(slots->slot[i].dirty);
	kvfree(slots);
	kvfree(kvm->memslots_spare);
	RCU_INIT_POINTER(kvm->memslots, NULL);
}

/*
 * Make @new the table in force. Returns its predecessor, which nobody reads any more.
 *
 * Waiting rather than call_srcu(): a VMM that changes slots in a loop must not pile up tables of
 * hundreds of KiB.
 */
static struct kvm_memslots *publish(struct kvm *kvm, struct kvm_memslots *new)
{
	struct kvm_memslots *old = kvm_memslots(kvm);

	rcu_assign_pointer(kvm->memslots, new);
	synchronize_srcu_expedited(&kvm->srcu);
	return old;
}

/* Make room for one slot more in both tables. 0 or -ENOMEM */
static int reserve(struct kvm *kvm)
{
	const struct kvm_memslots *now = kvm_memslots(kvm);
	struct kvm_memslots *one, *two;
	u32 room;

	if (now->nr < now->room)
		return 0;
	room = clamp_t(u32, 2 * now->room, 8, KVM_USER_MEM_SLOTS);
	one = memslots_alloc(room, now);
	two = memslots_alloc(room, now);
	if (!one || !two) {
		kvfree(one);
		kvfree(two);
		return -ENOMEM;
	}
	kvfree(publish(kvm, one));
	kvfree(kvm->memslots_spare);
	kvm->memslots_spare = two;
	return 0;
}

/*
 * Change the table that nobody reads, publish it, and let the one that was in force follow, once
 * nobody reads that any more: both are the same again.
 */
static void apply(struct kvm *kvm, const struct memslot_edit *edit)
{
	struct kvm_memslots *now = kvm->memslots_spare;

	memslots_edit(now, edit);
	kvm->memslots_spare = publish(kvm, now);
	memslots_edit(kvm->memslots_spare, edit);
}

/* DELETE, MOVE: slot @old goes, @add (or NULL) comes. */
static void replace_slot(struct kvm *kvm, const struct kvm_memslot *old,
			 const struct kvm_memslot *add)
{
	struct kvm_memslot dying = *old;
	struct memslot_edit edit = { .drop = true, .drop_gfn = dying.base_gfn, .add = &dying };

	dying.dying = true;
	apply(kvm, &edit);
	mmu_zap_gfn_range(kvm, dying.base_gfn, dying.base_gfn + dying.npages);
	edit.add = add;
	apply(kvm, &edit);
	if (add)
		mmu_slot_came(kvm, add);
}

/* FLAGS: logging begins, or ends. */
static void change_flags(struct kvm *kvm, const struct kvm_memslot *old,
			 const struct kvm_memslot *new)
{
	struct memslot_edit edit = { .drop = true, .drop_gfn = old->base_gfn, .add = new };

	apply(kvm, &edit);
	/* Where all counts as written already, nothing need be seen. */
	if (!memslot_logged(new))
		mmu_collapse_slot(kvm, new);
	else if (!dirty_is_full(new))
		mmu_protect_range(kvm, new->base_gfn, new->base_gfn + new->npages);
}

/* Carry out a checked change. 0 or -ENOMEM, then nothing has changed. */
static int do_change(struct kvm *kvm, const struct memslot_change *change,
		     const struct kvm_memslot *old)
{
	struct memslot_edit edit = { .add = &change->new };
	int r;

	switch (change->op) {
	case MEMSLOT_NOTHING:
		return 0;
	case MEMSLOT_DELETE:
		replace_slot(kvm, old, NULL);
		return 0;
	case MEMSLOT_MOVE:
		replace_slot(kvm, old, &change->new);
		return 0;
	case MEMSLOT_FLAGS:
		change_flags(kvm, old, &change->new);
		return 0;
	case MEMSLOT_CREATE:
		break;
	}
	r = reserve(kvm);
	if (r)
		return r;
	apply(kvm, &edit);
	mmu_slot_came(kvm, &change->new);
	return 0;
}

/**
 * memslots_set_region() - KVM_SET_USER_MEMORY_REGION
 * @kvm: the VM
 * @mem: kernel copy of the request
 *
 * When this returns after a deletion or move, no vCPU runs on a translation of the old place.
 *
 * Context: kvm->slots_lock held, not inside kvm->srcu; may sleep. current->mm is kvm->mm.
 * Return: 0, -EINVAL, -EEXIST, -ENOMEM.
 */
int memslots_set_region(struct kvm *kvm, const struct kvm_userspace_memory_region *mem)
{
	struct kvm_memslot old = {};
	struct memslot_change change;
	bool begins, ends;
	int r;

	lockdep_assert_held(&kvm->slots_lock);
	if (!access_ok((void __user *)(unsigned long)mem->userspace_addr, mem->memory_size))
		return -EINVAL;
	r = memslots_parse(kvm_memslots(kvm), mem, mmu_max_gfn(), &change);
	if (r)
		return r;

	if (change.old)
		old = *change.old;
	/* A log goes along with its slot, and lives until that is deleted or logged no longer. */
	if (change.new.flags & KVM_MEM_LOG_DIRTY_PAGES && change.new.npages) {
		change.new.dirty = old.dirty ?: dirty_alloc(kvm, change.new.npages);
		if (!change.new.dirty)
			return -ENOMEM;
	}
	begins = change.new.dirty && !old.dirty;
	ends = old.dirty && !change.new.dirty;
	if (begins)
		mmu_log_begin(kvm);
	r = do_change(kvm, &change, &old);
	if (r ? begins : ends)
		mmu_log_end(kvm);
	if (change.new.dirty != old.dirty)
		kvfree(r ? change.new.dirty : old.dirty);
	return r;
}
