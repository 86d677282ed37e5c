/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory slots: which guest frames are backed by which range of the VMM's address space.
 * A struct kvm_memslots is immutable once published and replaced as a whole under SRCU.
 */
#ifndef GUESTMODE_MEMSLOT_H
#define GUESTMODE_MEMSLOT_H

#include "kvm.h"

#define KVM_USER_MEM_SLOTS 32764 /* ids that userspace may use (KVM_CAP_NR_MEMSLOTS) */

struct kvm_memslot {
	gfn_t base_gfn; /* [i] */
	u64 npages; /* [i] */
	hva_t userspace_addr; /* [i] */
	u32 flags; /* [i] KVM_MEM_* */
	u16 id; /* [i] */
	/* later: dirty bitmap, reverse map */
};

/**
 * struct kvm_memslots - all slots of a VM, immutable
 * @generation: grows with each replacement; caches of translations compare it
 * @nr: slots in use
 * @slot: sorted by base_gfn, never overlapping
 */
struct kvm_memslots {
	u64 generation;
	u32 nr;
	struct kvm_memslot slot[]; /* and an index by hva behind it, see memslot.c */
};

int memslots_init(struct kvm *kvm);
void memslots_destroy(struct kvm *kvm);
int memslots_set_region(struct kvm *kvm, const struct kvm_userspace_memory_region *mem);

/* Readers: kvm->srcu read section, or slots_lock. The lookup is pure (unit-tested in userspace). */
struct kvm_memslots *kvm_memslots(struct kvm *kvm);
struct kvm_memslot *memslots_find(struct kvm_memslots *slots, gfn_t gfn);
struct kvm_memslot *kvm_gfn_to_memslot(struct kvm *kvm, gfn_t gfn);

static inline hva_t memslot_gfn_to_hva(const struct kvm_memslot *slot, gfn_t gfn)
{
	return slot->userspace_addr + ((gfn - slot->base_gfn) << 12);
}

#endif
