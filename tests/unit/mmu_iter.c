// SPDX-License-Identifier: GPL-2.0-only
/*
 * The iterator over our own page tables, on tables made by hand and at random. What it visits is
 * compared with a list of what was put in; zapping as it goes must leave nothing behind.
 */

#include <linux/kernel.h>
#include <stdlib.h>
#include <string.h>

#include "mmu/iter.h"
#include "tap.h"

#define LEVELS 4
#define MAX_LEAVES 4096
#define MAX_TABLES 512

static const struct pt_format *const f = &pt_format_npt;

struct leaf {
	u64 gfn;
	u8 level;
	u64 *sptep;
};

static u64 *root;
static struct leaf leaves[MAX_LEAVES];
static unsigned int nr_leaves;
static u64 *tables[MAX_TABLES];
static u64 table_gfn[MAX_TABLES];
static u8 table_level[MAX_TABLES]; /* of the entries in it */
static unsigned int nr_tables;
static u64 seed = 42;

static u32 rnd(u32 below)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % below;
}

static u64 *new_table(u64 gfn, u8 level)
{
	u64 *table = aligned_alloc(4096, 4096);

	memset(table, 0, 4096);
	tables[nr_tables] = table;
	table_gfn[nr_tables] = gfn & ~(pt_frames(f, level + 1) - 1);
	table_level[nr_tables++] = level;
	return table;
}

static void reset(u8 levels)
{
	while (nr_tables)
		free(tables[--nr_tables]);
	nr_leaves = 0;
	root = new_table(0, levels);
}

/* False: something is there already. */
static bool add_leaf(u8 levels, u64 gfn, u8 level)
{
	u64 *table = root, *sptep;
	u8 l;

	for (l = levels; l > level; l--) {
		sptep = &table[pt_index(f, gfn, l)];
		if (!*sptep)
			*sptep = spte_make_table(f, new_table(gfn, l - 1));
		else if (pt_is_leaf(f, *sptep, l))
			return false;
		table = spte_table(f, *sptep);
	}
	sptep = &table[pt_index(f, gfn, level)];
	if (*sptep)
		return false;
	gfn &= ~(pt_frames(f, level) - 1);
	*sptep = spte_make_leaf(f, gfn, level, true, false, false, false, true);
	leaves[nr_leaves++] = (struct leaf){ gfn, level, sptep };
	return true;
}

static bool leaf_in(const struct leaf *l, u64 start, u64 end)
{
	return l->gfn < end && l->gfn + pt_frames(f, l->level) > start;
}

/*
 * Walk [start, end) and compare with the lists. @restart: begin anew after every n-th entry; @zap:
 * clear what is visited. Return: NULL, or what is wrong.
 */
static const char *walk(u8 levels, u64 start, u64 end, unsigned int restart, bool zap)
{
	unsigned int i, seen_leaves = 0, want_leaves = 0, seen_tables = 0, want_tables = 0, n = 0;
	u64 last = 0;
	struct pt_iter it;

	for (i = 0; i < nr_leaves; i++)
		want_leaves += leaf_in(&leaves[i], start, end) && *leaves[i].sptep;
	for (i = 1; i < nr_tables; i++)
		want_tables += table_gfn[i] >= start &&
			       table_gfn[i] + pt_frames(f, table_level[i] + 1) <= end;

	pt_iter_start(&it, f, root, levels, start, end);
	while (pt_iter_next(&it)) {
		if (*it.sptep != it.spte || !pt_is_present(f, it.spte))
			return "not what the table holds";
		if (pt_iter_leaf(&it)) {
			if (seen_leaves && it.gfn <= last)
				return "not in ascending order";
			last = it.gfn;
			seen_leaves++;
			for (i = 0; i < nr_leaves && leaves[i].sptep != it.sptep; i++)
				;
			if (i == nr_leaves || leaves[i].gfn != it.gfn ||
			    leaves[i].level != it.level || !leaf_in(&leaves[i], start, end))
				return "a leaf that should not be";
		} else {
			u64 *table = spte_table(f, it.spte);

			seen_tables++;
			for (i = 0; i < nr_tables && tables[i] != table; i++)
				;
			if (i == nr_tables || table_gfn[i] != it.gfn ||
			    table_level[i] != it.level - 1)
				return "a table that should not be";
			for (i = 0; zap && i < 512; i++)
				if (table[i])
					return "a table before all that is in it";
		}
		if (zap)
			*it.sptep = 0;
		if (restart && ++n % restart == 0)
			pt_iter_restart(&it);
	}
	if (seen_leaves != want_leaves)
		return "leaves are missing";
	if (seen_tables != want_tables)
		return "not each table once";
	return NULL;
}

static void check(const char *what, const char *wrong)
{
	tap_ok(!wrong, "%s%s%s", what, wrong ? ": expected all as built, saw " : "", wrong ?: "");
}

/* Some of each kind, at corners. */
static void build_corners(u8 levels)
{
	reset(levels);
	add_leaf(levels, 0, 1);
	add_leaf(levels, 511, 1);
	add_leaf(levels, 512, 2);
	add_leaf(levels, 1024, 1);
	add_leaf(levels, 0x3ffff, 1); /* last frame of the first GiB */
	add_leaf(levels, 0x40000, 3);
	add_leaf(levels, 0x80000, 1);
	add_leaf(levels, (1ULL << 36) - 1, 1); /* last one that 4 levels reach */
	if (levels == 5)
		add_leaf(levels, (1ULL << 45) - 1, 1);
}

static void test_corners(void)
{
	reset(4);
	check("empty", walk(4, 0, ~0ULL, 0, false));
	build_corners(4);
	check("everything", walk(4, 0, ~0ULL, 0, false));
	check("nothing in an empty range", walk(4, 5, 5, 0, false));
	check("first frame", walk(4, 0, 1, 0, false));
	check("last frame", walk(4, (1ULL << 36) - 1, 1ULL << 36, 0, false));
	check("inside of a hole", walk(4, 600 + 512, 0x3fff0, 0, false));
	check("one frame of 2 MiB", walk(4, 700, 701, 0, false));
	check("one frame of 1 GiB", walk(4, 0x50000, 0x50001, 0, false));
	check("exactly the first table", walk(4, 0, 512, 0, false));
	check("one frame less", walk(4, 0, 511, 0, false));
	check("begins in a table, ends in another", walk(4, 100, 1025, 0, false));
	check("exactly the first GiB", walk(4, 0, 0x40000, 0, false));
	check("begun anew at each entry", walk(4, 0, ~0ULL, 1, false));
	check("zapped, begun anew at each entry", walk(4, 0, ~0ULL, 1, true));
	check("nothing is left", walk(4, 0, 0, 0, false));
	tap_eq(root[0] | root[511], 0, "the root is empty");

	build_corners(5);
	check("5 levels", walk(5, 0, ~0ULL, 0, false));
	check("5 levels, last frame", walk(5, (1ULL << 45) - 1, 1ULL << 45, 0, false));
	check("5 levels, zapped", walk(5, 0, 1ULL << 45, 0, true));
}

static void test_random(void)
{
	unsigned int round, i;
	const char *wrong = NULL;

	for (round = 0; !wrong && round < 200; round++) {
		u64 start, end;

		reset(LEVELS);
		for (i = 0; i < 300 && nr_tables < MAX_TABLES - 4; i++) {
			u32 dice = rnd(20);

			add_leaf(LEVELS, (u64)rnd(4) << 18 | (rnd(6) << 9) | rnd(512),
				 dice == 0 ? 3 : dice < 3 ? 2 : 1);
		}
		for (i = 0; !wrong && i < 20; i++) {
			start = rnd(1 << 20);
			end = start + rnd(rnd(2) ? 1 << 20 : 2000);
			wrong = walk(LEVELS, start, end, rnd(5), false);
		}
		start = rnd(2) ? 0 : rnd(1 << 19) & ~511;
		end = rnd(2) ? ~0ULL : start + rnd(1 << 20);
		if (!wrong)
			wrong = walk(LEVELS, start, end, rnd(7), true);
		for (i = 0; !wrong && i < nr_leaves; i++)
			if (!*leaves[i].sptep != leaf_in(&leaves[i], start, end))
				wrong = "zapped too little or too much";
	}
	check("200 random tables", wrong);
}

static void test_sptes(void)
{
	u64 spte = spte_make_leaf(f, 0x12345, 1, true, true, true, false, true);

	tap_eq(spte, 0x12345867, "a written page: P W U A D, told of");
	tap_eq(spte_make_leaf(f, 0x12345, 1, false, false, false, false, true), 0x12345025,
	       "a read-only page: P U A");
	tap_eq(spte_make_leaf(f, 0x12345, 1, false, true, false, false, true), 0x12345025,
	       "never dirty where not writable");
	tap_eq(spte_make_leaf(f, 0x12200, 2, true, false, true, false, true), 0x122008a7, "2 MiB");
	tap_eq(spte_make_leaf(f, 0xfee00, 1, true, false, false, true, true), 0xfee0003f,
	       "device memory: PCD PWT");
	tap_eq(spte_addr(f, spte | PT_NX), 0x12345000, "the address back");
	tap_ok(spte_allows(f, spte, true, true), "a writable page allows writes and fetches");
	tap_ok(!spte_allows(f, spte & ~PT_WRITE, true, false), "a read-only page no writes");
	tap_ok(spte_allows(f, spte & ~PT_WRITE, false, true), "a read-only page fetches");
	tap_ok(!spte_allows(f, spte | PT_NX, false, true), "NX no fetches");
}

static void test_ept(void)
{
	const struct pt_format *ept = &pt_format_ept;
	u64 huge = spte_make_leaf(ept, 0x12200, 2, true, true, false, false, false);

	tap_eq(huge, 0x122003f3, "EPT: 2 MiB without execution: R W WB IPAT A D");
	tap_ok(!spte_allows(ept, huge, false, true), "it allows no fetches");
	tap_ok(spte_allows(ept, huge | EPT_EXEC, true, true), "with X it does");
	tap_eq(spte_make_leaf(ept, 0xfee00, 1, false, false, false, true, true), 0xfee00105,
	       "EPT: device memory: R X UC A");
	tap_ok(pt_ages(ept) && pt_ages(f), "accessed bits tell of accesses");
	tap_ok(!pt_ages(&pt_format_ept_plain), "where hardware sets them");
	tap_ok(pt_is_present(ept, EPT_EXEC), "EPT: execution alone is presence");
}

int main(void)
{
	test_sptes();
	test_ept();
	test_corners();
	test_random();
	reset(1);
	free(root);
	return tap_done();
}
