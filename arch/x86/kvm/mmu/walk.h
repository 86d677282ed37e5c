/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The walk of the guest's own page tables. Pure: it knows guest memory only through struct
 * walk_ops, so it builds and is tested in userspace.
 */
#ifndef GUESTMODE_MMU_WALK_H
#define GUESTMODE_MMU_WALK_H

#include <linux/bits.h>
#include <linux/types.h>

/* Access bits of faults and walks: the x86 page-fault error code's. */
#define KVM_ACC_PRESENT BIT(0) /* only in error codes: a protection fault */
#define KVM_ACC_WRITE BIT(1)
#define KVM_ACC_USER BIT(2)
#define KVM_ACC_RSVD BIT(3) /* only in error codes */
#define KVM_ACC_FETCH BIT(4)
#define KVM_ACC_PK BIT(5) /* only in error codes: a protection key forbids it */
#define KVM_ACC_IMPLICIT BIT(16) /* by hardware (descriptor tables): SMAP, whatever AC says */

enum walk_kind { WALK_NONE, WALK_32, WALK_PAE, WALK_LONG };

#define WALK_MAX_LEVELS 5

/**
 * struct walk_mode - the guest's paging mode, prepared for fast walks
 * @kind: format of the tables
 * @levels: 0, 2, 3, 4 or 5
 * @huge_level: highest level whose entries can be pages
 * @smap: CR4.SMAP: whether EFLAGS.AC matters
 * @pku: protection keys for user pages are in force
 * @wp: CR0.WP
 * @fetch_bit: error codes tell instruction fetches
 * @perm: by kind of access: bit n is set if it faults on a page with permissions n (walk.c)
 * @rsvd: by [is a page][level]: bits that must be 0
 * @cr3_mask: address bits of CR3
 */
struct walk_mode {
	u8 kind;
	u8 levels;
	u8 huge_level;
	bool smap;
	bool pku;
	bool wp;
	bool fetch_bit;
	u8 perm[16];
	u64 rsvd[2][WALK_MAX_LEVELS + 1];
	u64 cr3_mask;
};

/**
 * struct walk_ops - the guest's memory
 * @read: read an entry of @size (4, 8) bytes, naturally aligned; false: no memory there
 * @pdpte: PDPTE @nr of the CPU's registers; NULL: it has none, and reads them at each walk
 * @cmpxchg: replace an entry: 1 done, 0 it has changed, < 0 it can't be written
 */
struct walk_ops {
	bool (*read)(void *opaque, u64 gpa, u64 *val, unsigned int size);
	u64 (*pdpte)(void *opaque, unsigned int nr);
	int (*cmpxchg)(void *opaque, u64 gpa, u64 old, u64 new, unsigned int size);
};

enum walk_status {
	WALK_OK,
	WALK_FAULT, /* #PF: error_code */
	WALK_AGAIN, /* the tables kept changing: reschedule, then walk again */
};

/**
 * struct walk_result - where a walk ended
 * @gpa: WALK_OK: the guest physical address
 * @level: of the entry that mapped it
 * @error_code: WALK_FAULT: KVM_ACC_*
 * @entry: by level, from the root's down to @level: entries as read, before accessed and dirty
 *	bits were set
 * @where: their guest physical addresses; also a PDPTE's that came from a register
 */
struct walk_result {
	u64 gpa;
	u8 level;
	u32 error_code;
	u64 entry[WALK_MAX_LEVELS + 1];
	u64 where[WALK_MAX_LEVELS + 1];
};

void walk_mode_init(struct walk_mode *mode, u64 cr0, u64 cr4, u64 efer, unsigned int maxphyaddr,
		    bool gbpages);
enum walk_status walk_gva(const struct walk_mode *mode, const struct walk_ops *ops, void *opaque,
			  u64 cr3, u32 pkru, bool ac, u64 gva, u32 access,
			  struct walk_result *result);

#endif
