/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory slots: which guest frames are backed by which range of the VMM's address space.
 * A struct kvm_memslots is immutable while readers may have it. A VM has two of the same content:
 * a change is made in the one that nobody reads, then that is published under SRCU, and the other
 * follows.
 */
#ifndef GUESTMODE_MEMSLOT_H
#define GUESTMODE_MEMSLOT_H

#include <linux/nospec.h>
#include "kvm.h"

#define KVM_USER_MEM_SLOTS 32764 /* ids that userspace may use (KVM_CAP_NR_MEMSLOTS) */
#define KVM_MEM_MAX_PAGES ((1UL << 31) - 1) /* in one slot */

struct kvm_memslot {
	gfn_t base_gfn; /* [i] */
	u64 npages; /* [i] */
	hva_t userspace_addr; /* [i] */
	u32 flags; /* [i] KVM_MEM_* */
	u16 id; /* [i] */
	bool dying; /* [i] on its way out: the notifier still sees it, guests get nothing new */
	unsigned long *dirty; /* [i] the log (dirty.h), one for all copies of the slot, or NULL */
};

/* A slot's range of the VMM's address space, in the index by hva. */
struct memslot_hva {
	hva_t start; /* first byte */
	hva_t max_end; /* largest end (exclusive) among this row and those before it */
	u32 idx; /* into kvm_memslots.slot */
};

/**
 * struct kvm_memslots - all slots of a VM
 * @generation: grows with each change; caches of translations compare it
 * @nr: slots in use
 * @room: slots that fit
 * @id_end: all ids in use are below
 * @by_hva: @nr rows sorted by start; ranges may overlap there (aliases). Lies behind @slot
 * @slot: sorted by base_gfn, never overlapping
 */
struct kvm_memslots {
	u64 generation;
	u32 nr;
	u32 room;
	u32 id_end;
	struct memslot_hva *by_hva;
	struct kvm_memslot slot[];
};

/* memslot.c */
int memslots_init(struct kvm *kvm);
void memslots_destroy(struct kvm *kvm);
int memslots_set_region(struct kvm *kvm, const struct kvm_userspace_memory_region *mem);
/* Readers: kvm->srcu read section, or slots_lock. */
/* kvm_memslots() is in vm.h */
struct kvm_memslot *kvm_gfn_to_memslot(struct kvm *kvm, gfn_t gfn);

/* What a KVM_SET_USER_MEMORY_REGION asks for. */
enum memslot_op {
	MEMSLOT_NOTHING,
	MEMSLOT_CREATE,
	MEMSLOT_DELETE,
	MEMSLOT_MOVE, /* logging may begin or end with it */
	MEMSLOT_FLAGS, /* logging begins or ends */
};

/**
 * struct memslot_change - a checked request
 * @op: what is to be done
 * @old: the slot that goes (DELETE, MOVE, FLAGS), in the table that was asked
 * @new: the slot that comes (CREATE, MOVE, FLAGS); its log is the caller's affair
 */
struct memslot_change {
	enum memslot_op op;
	const struct kvm_memslot *old;
	struct kvm_memslot new;
};

/**
 * struct memslot_edit - a change of a table
 * @drop: a slot goes, ...
 * @drop_gfn: ... the one that begins here
 * @add: then this one comes, NULL: none; overlaps none that stays
 */
struct memslot_edit {
	bool drop;
	gfn_t drop_gfn;
	const struct kvm_memslot *add;
};

/* memslot_table.c: pure, unit-tested in userspace. */
struct kvm_memslot *memslots_find(struct kvm_memslots *slots, gfn_t gfn);
struct kvm_memslot *memslots_find_hint(struct kvm_memslots *slots, gfn_t gfn, u32 *hint);
const struct kvm_memslot *memslots_find_id(const struct kvm_memslots *slots, u32 id);
size_t memslots_bytes(u32 room);
void memslots_fill(struct kvm_memslots *dst, u32 room, const struct kvm_memslots *src);
void memslots_edit(struct kvm_memslots *slots, const struct memslot_edit *edit);
int memslots_parse(const struct kvm_memslots *slots, const struct kvm_userspace_memory_region *mem,
		   gfn_t max_gfn, struct memslot_change *change);
u32 memslots_hva_first(const struct kvm_memslots *slots, hva_t start);
bool memslots_hva_next(const struct kvm_memslots *slots, u32 *pos, hva_t start, hva_t end,
		       gfn_t *gfn_start, gfn_t *gfn_end);

static inline bool memslot_has_gfn(const struct kvm_memslot *slot, gfn_t gfn)
{
	return gfn - slot->base_gfn < slot->npages;
}

static inline hva_t memslot_hva_end(const struct kvm_memslot *slot)
{
	return slot->userspace_addr + (slot->npages << 12);
}

/* @gfn lies in @slot; the guest chose it, so no speculation past the slot's end. */
static inline hva_t memslot_gfn_to_hva(const struct kvm_memslot *slot, gfn_t gfn)
{
	unsigned long offset = array_index_nospec(gfn - slot->base_gfn, slot->npages);

	return slot->userspace_addr + (offset << 12);
}

#endif
