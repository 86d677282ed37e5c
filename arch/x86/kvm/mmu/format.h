/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The formats of x86 page tables as data. One description serves our own tables (iter.h, tdp.c) and
 * the guest's (walk.c). A new format (EPT, PAE shadow ...) is a new constant here.
 *
 * Levels are counted from the bottom: 1 holds entries of 4 KiB pages, 2 of 2 (4) MiB pages, 3 of
 * 1 GiB pages.
 */
#ifndef GUESTMODE_MMU_FORMAT_H
#define GUESTMODE_MMU_FORMAT_H

#include <linux/bits.h>
#include <linux/types.h>

/**
 * struct pt_format - what the bits of an entry mean
 * @present: an entry with none of these bits maps nothing
 * @write: may be written
 * @user: user mode may
 * @nx: may not be executed
 * @exec: or, in formats that have it so: may be executed
 * @accessed: hardware sets it on use; where it is one of @present hardware does not: see pt_ages()
 * @dirty: hardware sets it in a leaf on write; 0: the format has none; @write: what may have been
 *	written counts as written
 * @huge: at level 2 and above: a leaf, not a table
 * @addr: address bits
 * @leaf: set in each leaf of ours
 * @table: set in each pointer to a table of ours
 * @uncached: set in a leaf of ours for device memory
 * @cached: set in a leaf of ours for RAM: write-back
 * @index_bits: log2 of entries in a table
 * @entry_size: bytes of an entry
 */
struct pt_format {
	u64 present;
	u64 write;
	u64 user;
	u64 nx;
	u64 exec;
	u64 accessed;
	u64 dirty;
	u64 huge;
	u64 addr;
	u64 leaf;
	u64 table;
	u64 uncached;
	u64 cached;
	u8 index_bits;
	u8 entry_size;
};

#define PT_PRESENT BIT_ULL(0)
#define PT_WRITE BIT_ULL(1)
#define PT_USER BIT_ULL(2)
#define PT_PWT BIT_ULL(3)
#define PT_PCD BIT_ULL(4)
#define PT_ACCESSED BIT_ULL(5)
#define PT_DIRTY BIT_ULL(6)
#define PT_HUGE BIT_ULL(7)
#define PT_GLOBAL BIT_ULL(8)
#define PT_NX BIT_ULL(63)
#define PT_PKEY_SHIFT 59

/* PAE and long mode, as the guest has them. */
static const struct pt_format pt_format_64 __attribute__((unused)) = {
	.present = PT_PRESENT,
	.write = PT_WRITE,
	.user = PT_USER,
	.nx = PT_NX,
	.accessed = PT_ACCESSED,
	.dirty = PT_DIRTY,
	.huge = PT_HUGE,
	.addr = GENMASK_ULL(51, 12),
	.index_bits = 9,
	.entry_size = 8,
};

/* 32-bit paging, as the guest has it. */
static const struct pt_format pt_format_32 __attribute__((unused)) = {
	.present = PT_PRESENT,
	.write = PT_WRITE,
	.user = PT_USER,
	.accessed = PT_ACCESSED,
	.dirty = PT_DIRTY,
	.huge = PT_HUGE,
	.addr = GENMASK_ULL(31, 12),
	.index_bits = 10,
	.entry_size = 4,
};

/*
 * AMD's nested tables: long mode's format, walked as user accesses, so U=1 in every entry, or
 * nothing is accessible (APM vol. 2, 15.25.5). PAT index 0 of the host is WB, 3 is UC.
 */
static const struct pt_format pt_format_npt __attribute__((unused)) = {
	.present = PT_PRESENT,
	.write = PT_WRITE,
	.user = PT_USER,
	.nx = PT_NX,
	.accessed = PT_ACCESSED,
	.dirty = PT_DIRTY,
	.huge = PT_HUGE,
	.addr = GENMASK_ULL(51, 12),
	.leaf = PT_PRESENT | PT_USER,
	.table = PT_PRESENT | PT_WRITE | PT_USER | PT_ACCESSED,
	.uncached = PT_PWT | PT_PCD,
	.index_bits = 9,
	.entry_size = 8,
};

/*
 * Intel's nested tables (SDM vol. 3, 28.3): read, write, execute are permissions of their own, and
 * any of them makes an entry present. The memory type stands in the entry: RAM is write-back,
 * whatever the guest's PAT says (bit 6), since that is how the host uses it; of device memory the
 * guest's PAT may still make write-combining.
 */
#define EPT_READ BIT_ULL(0)
#define EPT_WRITE BIT_ULL(1)
#define EPT_EXEC BIT_ULL(2)
#define EPT_WB (6ULL << 3)
#define EPT_IGNORE_PAT BIT_ULL(6)
#define EPT_ACCESSED BIT_ULL(8)
#define EPT_DIRTY BIT_ULL(9)

#define PT_FORMAT_EPT(accessed_bit, dirty_bit) \
	{ \
		.present = EPT_READ | EPT_WRITE | EPT_EXEC, \
		.write = EPT_WRITE, \
		.exec = EPT_EXEC, \
		.accessed = accessed_bit, \
		.dirty = dirty_bit, \
		.huge = PT_HUGE, \
		.addr = GENMASK_ULL(51, 12), \
		.leaf = EPT_READ, \
		.table = EPT_READ | EPT_WRITE | EPT_EXEC, \
		.cached = EPT_WB | EPT_IGNORE_PAT, \
		.index_bits = 9, \
		.entry_size = 8, \
	}

static const struct pt_format pt_format_ept __attribute__((unused)) =
	PT_FORMAT_EPT(EPT_ACCESSED, EPT_DIRTY);

/* The same on CPUs that don't note down accesses and writes. */
static const struct pt_format pt_format_ept_plain __attribute__((unused)) =
	PT_FORMAT_EPT(EPT_READ, EPT_WRITE);

/* Does hardware set accessed bits, so that clearing one tells whether the page is used again? */
static inline bool pt_ages(const struct pt_format *f)
{
	return f->accessed && !(f->accessed & f->present);
}

/* Frames (4 KiB) that an entry at @level maps. */
static inline u64 pt_frames(const struct pt_format *f, u8 level)
{
	return 1ULL << (f->index_bits * (level - 1));
}

static inline unsigned int pt_index(const struct pt_format *f, u64 frame, u8 level)
{
	return (frame >> (f->index_bits * (level - 1))) & ((1U << f->index_bits) - 1);
}

static inline bool pt_is_present(const struct pt_format *f, u64 entry)
{
	return entry & f->present;
}

/* Does a present entry at @level map memory itself? */
static inline bool pt_is_leaf(const struct pt_format *f, u64 entry, u8 level)
{
	return level == 1 || entry & f->huge;
}

#endif
