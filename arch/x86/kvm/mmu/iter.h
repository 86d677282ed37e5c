/* SPDX-License-Identifier: GPL-2.0-only */
/* Walking our own page tables. */
#ifndef GUESTMODE_MMU_ITER_H
#define GUESTMODE_MMU_ITER_H

#include "spte.h"

#define PT_MAX_LEVELS 5

/**
 * struct pt_iter - a walk over the present entries of a range of guest frames
 * @f: format of the tables
 * @end: frame behind the last
 * @start: first frame
 * @next: frame where to go on
 * @table_end: frame behind the last one that the current table covers
 * @root_level: levels
 * @level: of the current entry
 * @gfn: first frame that the current entry covers
 * @sptep: the current entry
 * @spte: its value when it was read
 * @tables: the tables on the way, by level
 */
struct pt_iter {
	const struct pt_format *f;
	u64 start;
	u64 end;
	u64 next;
	u64 table_end;
	u8 root_level;
	u8 level;
	u64 gfn;
	u64 *sptep;
	u64 spte;
	u64 *tables[PT_MAX_LEVELS + 1];
};

void pt_iter_start(struct pt_iter *it, const struct pt_format *f, u64 *root, u8 levels, u64 start,
		   u64 end);
void pt_iter_restart(struct pt_iter *it);
bool pt_iter_next(struct pt_iter *it);

static inline bool pt_iter_leaf(const struct pt_iter *it)
{
	return pt_is_leaf(it->f, it->spte, it->level);
}

#endif
