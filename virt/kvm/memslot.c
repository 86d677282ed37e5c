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
 *	publish a table without it (or with it elsewhere), wait again, free the old tables
 */

#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

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

static struct kvm_memslots *memslots_alloc(u32 nr)
{
	return kvmalloc(memslots_bytes(nr), GFP_KERNEL_ACCOUNT);
}

/**
 * memslots_init() - give a new VM an empty table
 * @kvm: the VM; nobody else knows it yet
 *
 * Return: 0 or -ENOMEM.
 */
int memslots_init(struct kvm *kvm)
{
	struct kvm_memslots *slots = memslots_alloc(0);

	if (!slots)
		return -ENOMEM;
	slots->generation = 1; /* 0 is that of no table: a zeroed cache never matches */
	slots->nr = 0;
	slots->by_hva = (struct memslot_hva *)slots->slot;
	RCU_INIT_POINTER(kvm->memslots, slots);
	return 0;
}

/**
 * memslots_destroy() - free the table
 * @kvm: the VM: no vCPU and no notifier left
 */
void memslots_destroy(struct kvm *kvm)
{
	kvfree(rcu_dereference_protected(kvm->memslots, true));
	RCU_INIT_POINTER(kvm->memslots, NULL);
}

/* Make @new the table in force and free its predecessor once nobody reads it. */
static void publish(struct kvm *kvm, struct kvm_memslots *new)
{
	struct kvm_memslots *old = kvm_memslots(kvm);

	rcu_assign_pointer(kvm->memslots, new);
	/*
	 * Waiting rather than call_srcu(): a VMM that changes slots in a loop must not pile up
	 * tables of hundreds of KiB.
	 */
	synchronize_srcu_expedited(&kvm->srcu);
	kvfree(old);
}

/* DELETE, MOVE: slot @old (of the table in force) goes, @add (or NULL) comes. */
static int replace_slot(struct kvm *kvm, const struct kvm_memslot *old,
			const struct kvm_memslot *add)
{
	const struct kvm_memslots *now = kvm_memslots(kvm);
	struct kvm_memslots *middle, *last;
	struct kvm_memslot dying = *old;

	middle = memslots_alloc(now->nr);
	last = memslots_alloc(now->nr);
	if (!middle || !last) {
		kvfree(middle);
		kvfree(last);
		return -ENOMEM;
	}
	dying.dying = true;
	memslots_build(middle, now, old, &dying);
	memslots_build(last, middle, memslots_find(middle, dying.base_gfn), add);

	publish(kvm, middle);
	mmu_zap_gfn_range(kvm, dying.base_gfn, dying.base_gfn + dying.npages);
	publish(kvm, last);
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
	struct kvm_memslots *slots = kvm_memslots(kvm), *next;
	struct memslot_change change;
	int r;

	lockdep_assert_held(&kvm->slots_lock);
	if (!access_ok((void __user *)(unsigned long)mem->userspace_addr, mem->memory_size))
		return -EINVAL;
	r = memslots_parse(slots, mem, mmu_max_gfn(), &change);
	if (r)
		return r;

	switch (change.op) {
	case MEMSLOT_NOTHING:
		return 0;
	case MEMSLOT_DELETE:
		return replace_slot(kvm, change.old, NULL);
	case MEMSLOT_MOVE:
		return replace_slot(kvm, change.old, &change.new);
	case MEMSLOT_CREATE:
		break;
	}
	next = memslots_alloc(slots->nr + 1);
	if (!next)
		return -ENOMEM;
	memslots_build(next, slots, NULL, &change.new);
	publish(kvm, next);
	return 0;
}
