// SPDX-License-Identifier: GPL-2.0-only
/*
 * The iterator over our own page tables.
 *
 * It visits, in ascending order of guest frames, each present leaf that maps any frame of a range;
 * and each table that lies completely inside of the range, after all that is in it. So who zaps
 * leaves as they come finds tables empty, and can unlink them.
 *
 * Entries may become present while the walk goes on (mmu.lock for read): whether it sees them is
 * open. Tables don't go away but by the caller's own hand.
 */

#include <linux/kernel.h>

#include "iter.h"

/* Frame behind the last one that the table at @level around @gfn covers. */
static u64 table_end(const struct pt_format *f, u64 gfn, u8 level)
{
	u64 frames = pt_frames(f, level + 1);

	return (gfn & ~(frames - 1)) + frames;
}

/* Look at the entry of @gfn in the current table. */
static void look(struct pt_iter *it, u64 gfn)
{
	it->gfn = gfn & ~(pt_frames(it->f, it->level) - 1);
	it->sptep = &it->tables[it->level][pt_index(it->f, gfn, it->level)];
	it->spte = READ_ONCE(*it->sptep);
}

/* If the current entry points to a table, go there. */
static bool descend(struct pt_iter *it)
{
	if (!pt_is_present(it->f, it->spte) || pt_iter_leaf(it))
		return false;
	it->level--;
	it->tables[it->level] = spte_table(it->f, it->spte);
	it->table_end = table_end(it->f, it->gfn, it->level);
	return true;
}

/**
 * pt_iter_start() - begin a walk
 * @it: to be filled in
 * @f: format of the tables
 * @root: the root table
 * @levels: levels, the root's included
 * @start: first guest frame
 * @end: guest frame behind the last; what the tables can't reach is cut off
 */
void pt_iter_start(struct pt_iter *it, const struct pt_format *f, u64 *root, u8 levels, u64 start,
		   u64 end)
{
	it->f = f;
	it->start = start;
	it->end = min(end, pt_frames(f, levels + 1));
	it->next = start;
	it->root_level = levels;
	it->level = levels;
	it->table_end = pt_frames(f, levels + 1);
	it->tables[levels] = root;
}

/**
 * pt_iter_restart() - go on after others may have changed the tables
 * @it: the walk; mmu.lock was dropped and taken again
 */
void pt_iter_restart(struct pt_iter *it)
{
	u8 level = it->level;

	it->level = it->root_level;
	it->table_end = pt_frames(it->f, it->root_level + 1);
	if (it->next == it->start)
		return;
	/* Back to the table of the last entry, if that is there: its own visit may be due. */
	while (it->level > level) {
		look(it, it->next - 1);
		if (!descend(it))
			break;
	}
}

/**
 * pt_iter_next() - go to the next entry
 * @it: the walk
 *
 * Return: true: @it->sptep, ->spte, ->level and ->gfn tell of an entry; false: that was all.
 */
bool pt_iter_next(struct pt_iter *it)
{
	for (;;) {
		if (it->level < it->root_level && it->next >= min(it->table_end, it->end)) {
			u64 end = it->table_end;

			it->level++;
			look(it, end - 1);
			it->table_end = table_end(it->f, it->gfn, it->level);
			if (it->gfn >= it->start && end <= it->end)
				return true;
			continue;
		}
		if (it->next >= it->end)
			return false;

		look(it, it->next);
		if (descend(it))
			continue;
		it->next = it->gfn + pt_frames(it->f, it->level);
		if (pt_is_present(it->f, it->spte))
			return true;
	}
}
