// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables of memory slots: lookup by guest frame and by host address, checking of requests, and
 * building a table from its predecessor. Pure functions: no lock, no allocation.
 */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "memslot.h"

/**
 * memslots_find() - the slot that holds a guest frame
 * @slots: a table
 * @gfn: guest frame number
 *
 * Return: the slot, maybe a dying one, or NULL.
 */
struct kvm_memslot *memslots_find(struct kvm_memslots *slots, gfn_t gfn)
{
	u32 lo = 0, hi = slots->nr;

	/* The last slot that begins at or below gfn is slot[lo - 1]. */
	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (slots->slot[mid].base_gfn <= gfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || !memslot_has_gfn(&slots->slot[lo - 1], gfn))
		return NULL;
	return &slots->slot[lo - 1];
}

/**
 * memslots_find_hint() - memslots_find() for a caller who mostly asks for the same slot
 * @slots: a table
 * @gfn: guest frame number
 * @hint: in, out: where the last lookup found its slot; any value is safe
 */
struct kvm_memslot *memslots_find_hint(struct kvm_memslots *slots, gfn_t gfn, u32 *hint)
{
	struct kvm_memslot *slot;
	u32 i = *hint;

	if (likely(i < slots->nr)) {
		slot = &slots->slot[array_index_nospec(i, slots->nr)];
		if (likely(memslot_has_gfn(slot, gfn)))
			return slot;
	}
	slot = memslots_find(slots, gfn);
	if (slot)
		*hint = slot - slots->slot;
	return slot;
}

/**
 * memslots_hva_first() - where in by_hva a search for a range begins
 * @slots: a table
 * @start: first byte of the range, in the VMM's address space
 *
 * Return: the first row that can reach beyond @start; slots->nr if none does.
 */
u32 memslots_hva_first(const struct kvm_memslots *slots, hva_t start)
{
	u32 lo = 0, hi = slots->nr;

	/* max_end never falls from row to row. */
	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (slots->by_hva[mid].max_end <= start)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/**
 * memslots_hva_next() - the next guest range behind a range of the VMM's address space
 * @slots: a table
 * @pos: in, out: position; memslots_hva_first() gives the first
 * @start: first byte of the host range
 * @end: byte behind its last
 * @gfn_start: out: first guest frame
 * @gfn_end: out: guest frame behind the last; partly covered frames count
 *
 * Return: false when there is no further one.
 */
bool memslots_hva_next(const struct kvm_memslots *slots, u32 *pos, hva_t start, hva_t end,
		       gfn_t *gfn_start, gfn_t *gfn_end)
{
	for (; *pos < slots->nr && slots->by_hva[*pos].start < end; (*pos)++) {
		const struct kvm_memslot *slot = &slots->slot[slots->by_hva[*pos].idx];
		hva_t from = max(start, slot->userspace_addr);
		hva_t to = min(end, memslot_hva_end(slot));

		if (from >= to)
			continue;
		*gfn_start = slot->base_gfn + ((from - slot->userspace_addr) >> 12);
		*gfn_end = slot->base_gfn + ((to - slot->userspace_addr + 0xfff) >> 12);
		(*pos)++;
		return true;
	}
	return false;
}

/**
 * memslots_bytes() - size of a table
 * @nr: slots
 *
 * Return: bytes, the index by hva included. @nr is at most KVM_USER_MEM_SLOTS.
 */
size_t memslots_bytes(u32 nr)
{
	return sizeof(struct kvm_memslots) +
	       nr * (sizeof(struct kvm_memslot) + sizeof(struct memslot_hva));
}

static void hva_append(struct kvm_memslots *dst, u32 *n, u32 idx)
{
	const struct kvm_memslot *slot = &dst->slot[idx];
	struct memslot_hva *row = &dst->by_hva[*n];

	row->start = slot->userspace_addr;
	row->max_end = memslot_hva_end(slot);
	if (*n)
		row->max_end = max(row->max_end, row[-1].max_end);
	row->idx = idx;
	(*n)++;
}

/**
 * memslots_build() - make a table from its predecessor
 * @dst: room for memslots_bytes() of as many slots as there will be
 * @src: the predecessor
 * @drop: slot of @src to leave out, or NULL
 * @add: slot to take in, or NULL; overlaps none that stays
 *
 * Linear: both orders of @src are kept. The new generation is one above that of @src.
 */
void memslots_build(struct kvm_memslots *dst, const struct kvm_memslots *src,
		    const struct kvm_memslot *drop, const struct kvm_memslot *add)
{
	u32 dropped = drop ? drop - src->slot : ~0U, added = ~0U;
	u32 i, n = 0;

	dst->generation = src->generation + 1;
	dst->nr = src->nr - !!drop + !!add;
	dst->by_hva = (struct memslot_hva *)&dst->slot[dst->nr];

	for (i = 0; i < src->nr; i++) {
		if (i == dropped)
			continue;
		if (add && added == ~0U && src->slot[i].base_gfn > add->base_gfn) {
			added = n;
			dst->slot[n++] = *add;
		}
		dst->slot[n++] = src->slot[i];
	}
	if (add && added == ~0U) {
		added = n;
		dst->slot[n++] = *add;
	}

	for (i = 0, n = 0; i < src->nr; i++) {
		u32 idx = src->by_hva[i].idx;

		if (idx == dropped)
			continue;
		if (add && src->by_hva[i].start > add->userspace_addr) {
			hva_append(dst, &n, added);
			add = NULL;
		}
		if (idx > dropped)
			idx--;
		if (idx >= added)
			idx++;
		hva_append(dst, &n, idx);
	}
	if (add)
		hva_append(dst, &n, added);
}

static const struct kvm_memslot *find_id(const struct kvm_memslots *slots, u16 id)
{
	u32 i;

	for (i = 0; i < slots->nr; i++)
		if (slots->slot[i].id == id)
			return &slots->slot[i];
	return NULL;
}

/* Does any slot but @except overlap @slot? */
static bool overlaps(const struct kvm_memslots *slots, const struct kvm_memslot *slot,
		     const struct kvm_memslot *except)
{
	u32 i;

	for (i = 0; i < slots->nr; i++) {
		const struct kvm_memslot *s = &slots->slot[i];

		if (s != except && s->base_gfn < slot->base_gfn + slot->npages &&
		    slot->base_gfn < s->base_gfn + s->npages)
			return true;
	}
	return false;
}

static bool region_valid(const struct kvm_userspace_memory_region *mem)
{
	u64 gpa_end, hva_end;

	/* Dirty logging is not there yet: refused rather than accepted and ignored. */
	if (mem->flags & ~(u32)KVM_MEM_READONLY)
		return false;
	/* The upper half is the address space; there is only one. */
	if (mem->slot >= KVM_USER_MEM_SLOTS)
		return false;
	if ((mem->guest_phys_addr | mem->memory_size | mem->userspace_addr) & 0xfff)
		return false;
	if (mem->memory_size >> 12 > KVM_MEM_MAX_PAGES)
		return false;
	return !check_add_overflow(mem->guest_phys_addr, mem->memory_size, &gpa_end) &&
	       !check_add_overflow(mem->userspace_addr, mem->memory_size, &hva_end);
}

/**
 * memslots_parse() - check a KVM_SET_USER_MEMORY_REGION and find out what it asks for
 * @slots: the table in force
 * @mem: the request
 * @max_gfn: largest guest frame number that the MMU can map
 * @change: out
 *
 * All but whether the VMM may access its own range: access_ok() is the caller's.
 *
 * Return: 0; -EINVAL for what KVM_SET_USER_MEMORY_REGION never allows, -EEXIST when the range
 * overlaps another slot (Documentation/virt/kvm/api.rst, 4.35).
 */
int memslots_parse(const struct kvm_memslots *slots, const struct kvm_userspace_memory_region *mem,
		   gfn_t max_gfn, struct memslot_change *change)
{
	struct kvm_memslot *new = &change->new;
	const struct kvm_memslot *old;

	if (!region_valid(mem))
		return -EINVAL;

	old = find_id(slots, mem->slot);
	*change = (struct memslot_change){
		.old = old,
		.new = {
			.base_gfn = mem->guest_phys_addr >> 12,
			.npages = mem->memory_size >> 12,
			.userspace_addr = mem->userspace_addr,
			.flags = mem->flags,
			.id = mem->slot,
		},
	};

	if (!new->npages) {
		if (!old)
			return -EINVAL;
		change->op = MEMSLOT_DELETE;
		return 0;
	}
	if (new->base_gfn + new->npages - 1 > max_gfn)
		return -EINVAL;
	if (!old) {
		change->op = MEMSLOT_CREATE;
	} else {
		/* A slot's memory, size and read-only flag are for life. */
		if (new->userspace_addr != old->userspace_addr || new->npages != old->npages ||
		    new->flags != old->flags)
			return -EINVAL;
		change->op = new->base_gfn == old->base_gfn ? MEMSLOT_NOTHING : MEMSLOT_MOVE;
	}
	if (change->op != MEMSLOT_NOTHING && overlaps(slots, new, old))
		return -EEXIST;
	return 0;
}
