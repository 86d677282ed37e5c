/* SPDX-License-Identifier: GPL-2.0-only */
/* How large a page may be. Pure. */
#ifndef GUESTMODE_MMU_LEVEL_H
#define GUESTMODE_MMU_LEVEL_H

#include "memslot.h"

/**
 * mmu_map_level() - how much may be mapped at once
 * @max: largest page that hardware has and the host's mapping allows
 * @slot: the slot
 * @gfn: guest frame of the fault
 *
 * All of the page must lie in the slot, and guest frames must be as far from its border as host
 * addresses are. Return: 1 4 KiB, 2 2 MiB, 3 1 GiB.
 */
static inline u8 mmu_map_level(u8 max, const struct kvm_memslot *slot, gfn_t gfn)
{
	u8 level;

	for (level = max; level > 1; level--) {
		u64 pages = 1ULL << (9 * (level - 1));
		gfn_t first = gfn & ~(pages - 1);

		if ((slot->base_gfn ^ (slot->userspace_addr >> 12)) & (pages - 1))
			continue;
		if (first >= slot->base_gfn &&
		    first + pages <= slot->base_gfn + slot->npages)
			break;
	}
	return level;
}

#endif
