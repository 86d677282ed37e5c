// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables of memory slots: lookup by guest frame and by host address, checking of requests, and
 * changes. Pure functions: no lock, no allocation.
 */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "memslot.h"

/* The index of the first slot that begins above @gfn. */
static u32 slot_above(const struct kvm_memslots *slots, gfn_t gfn)
{
	u32 lo = 0, hi = slots->nr;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (slots->slot[mid].base_gfn <= gfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/**
 * memslots_find() - the slot that holds a guest frame
 * @slots: a table
 * @gfn: guest frame number
 *
 * Return: the slot, maybe a dying one, or NULL.
 */
struct kvm_memslot *memslots_find(struct kvm_memslots *slots, gfn_t gfn)
{
	u32 above = slot_above(slots, gfn);

	if (!above || !memslot_has_gfn(&slots->slot[above - 1], gfn))
		return NULL;
	return &slots->slot[above - 1];
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
 * @room: slots that are to fit, at most KVM_USER_MEM_SLOTS
 *
 * Return: bytes, the index by hva included.
 */
size_t memslots_bytes(u32 room)
{
	return sizeof(struct kvm_memslots) +
	       room * (sizeof(struct kvm_memslot) + sizeof(struct memslot_hva));
}

/**
 * memslots_fill() - make a table
 * @dst: memslots_bytes(@room) of memory
 * @room: slots that fit, at least as many as there are
 * @src: whose content it gets, generation included; NULL: none
 */
void memslots_fill(struct kvm_memslots *dst, u32 room, const struct kvm_memslots *src)
{
	/* 0 is the generation of no table: a zeroed cache never matches. */
	*dst = (struct kvm_memslots){ .generation = 1 };
	if (src)
		*dst = *src;
	dst->room = room;
	dst->by_hva = (struct memslot_hva *)&dst->slot[room];
	if (!src)
		return;
	memcpy(dst->slot, src->slot, src->nr * sizeof(src->slot[0]));
	memcpy(dst->by_hva, src->by_hva, src->nr * sizeof(src->by_hva[0]));
}

/* The index of the first row of by_hva that begins above @hva. */
static u32 row_above(const struct kvm_memslots *slots, hva_t hva)
{
	u32 lo = 0, hi = slots->nr;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (slots->by_hva[mid].start <= hva)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Rows from @pos on have moved: what they say of those before them must be made true again. */
static void fix_max_end(struct kvm_memslots *slots, u32 pos)
{
	for (; pos < slots->nr; pos++) {
		struct memslot_hva *row = &slots->by_hva[pos];

		row->max_end = memslot_hva_end(&slots->slot[row->idx]);
		if (pos)
			row->max_end = max(row->max_end, row[-1].max_end);
	}
}

static void take_out(struct kvm_memslots *slots, u32 idx)
{
	struct memslot_hva *row = slots->by_hva;
	u32 i, pos = 0, after;

	for (i = 0; i < slots->nr; i++) {
		if (row[i].idx == idx)
			pos = i;
		else if (row[i].idx > idx)
			row[i].idx--;
	}
	slots->nr--;
	after = slots->nr - idx;
	memmove(&slots->slot[idx], &slots->slot[idx + 1], after * sizeof(slots->slot[0]));
	memmove(&row[pos], &row[pos + 1], (slots->nr - pos) * sizeof(*row));
	fix_max_end(slots, pos);
}

/* At the end of both orders, where most slots come, their number does not matter. */
static void put_in(struct kvm_memslots *slots, const struct kvm_memslot *add)
{
	u32 idx = slot_above(slots, add->base_gfn), pos = row_above(slots, add->userspace_addr), i;
	struct memslot_hva *row = slots->by_hva;

	if (idx < slots->nr)
		for (i = 0; i < slots->nr; i++)
			row[i].idx += row[i].idx >= idx;
	memmove(&slots->slot[idx + 1], &slots->slot[idx],
		(slots->nr - idx) * sizeof(slots->slot[0]));
	memmove(&row[pos + 1], &row[pos], (slots->nr - pos) * sizeof(*row));
	slots->slot[idx] = *add;
	row[pos] = (struct memslot_hva){ .start = add->userspace_addr, .idx = idx };
	slots->nr++;
	slots->id_end = max(slots->id_end, add->id + 1U);
	fix_max_end(slots, pos);
}

/**
 * memslots_edit() - change a table that nobody reads
 * @slots: the table; has room
 * @edit: the change
 *
 * The generation is one more afterwards.
 */
void memslots_edit(struct kvm_memslots *slots, const struct memslot_edit *edit)
{
	u32 idx;

	if (edit->drop) {
		idx = slot_above(slots, edit->drop_gfn);
		if (idx && slots->slot[idx - 1].base_gfn == edit->drop_gfn)
			take_out(slots, idx - 1);
	}
	if (edit->add && slots->nr < slots->room)
		put_in(slots, edit->add);
	slots->generation++;
}

/**
 * memslots_find_id() - the slot of a number
 * @slots: a table
 * @id: the slot's number
 *
 * Return: the slot, maybe a dying one, or NULL.
 */
const struct kvm_memslot *memslots_find_id(const struct kvm_memslots *slots, u32 id)
{
	u32 i;

	if (id >= slots->id_end)
		return NULL;
	for (i = 0; i < slots->nr; i++)
		if (slots->slot[i].id == id)
			return &slots->slot[i];
	return NULL;
}

/* Does any slot but @except overlap @slot? */
static bool overlaps(const struct kvm_memslots *slots, const struct kvm_memslot *slot,
		     const struct kvm_memslot *except)
{
	u32 i = slot_above(slots, slot->base_gfn + slot->npages - 1);

	/* They don't overlap each other: the last one that begins before its end, or none. */
	if (i && &slots->slot[i - 1] == except)
		i--;
	return i && slots->slot[i - 1].base_gfn + slots->slot[i - 1].npages > slot->base_gfn;
}

static bool region_valid(const struct kvm_userspace_memory_region *mem)
{
	u64 gpa_end, hva_end;

	if (mem->flags & ~(u32)(KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY))
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

	old = memslots_find_id(slots, mem->slot);
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
		    (new->flags ^ old->flags) & KVM_MEM_READONLY)
			return -EINVAL;
		if (new->base_gfn != old->base_gfn)
			change->op = MEMSLOT_MOVE;
		else if (new->flags != old->flags)
			change->op = MEMSLOT_FLAGS;
		else
			change->op = MEMSLOT_NOTHING;
	}
	if ((change->op == MEMSLOT_CREATE || change->op == MEMSLOT_MOVE) &&
	    overlaps(slots, new, old))
		return -EEXIST;
	return 0;
}
