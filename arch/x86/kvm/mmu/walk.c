// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walk of the guest's own page tables, as its MMU would do it: Intel SDM vol. 3, chapter 4; AMD
 * APM vol. 2, chapter 5. One walk for all formats, expanded for each with the format's constants.
 */

#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "format.h"
#include "walk.h"

/* Kinds of access: index into walk_mode.perm. */
#define ACC_WRITE BIT(0)
#define ACC_USER BIT(1)
#define ACC_FETCH BIT(2)
#define ACC_SMAP BIT(3) /* implicit, or EFLAGS.AC is clear */
#define NR_ACC 16

/* Permissions of a page, all levels taken together: bit number in a row of walk_mode.perm. */
#define PAGE_W BIT(0)
#define PAGE_U BIT(1)
#define PAGE_NX BIT(2)
#define NR_PAGE 8

/* Walks that lose this many races against the guest's own writes leave the CPU first. */
#define MAX_TRIES 16

static bool access_faults(unsigned int acc, unsigned int page, bool wp, bool smep, bool smap)
{
	if (acc & ACC_USER && !(page & PAGE_U))
		return true;
	if (acc & ACC_FETCH)
		return page & PAGE_NX || (smep && !(acc & ACC_USER) && page & PAGE_U);
	if (acc & ACC_WRITE && !(page & PAGE_W) && (wp || acc & ACC_USER))
		return true;
	return smap && acc & ACC_SMAP && !(acc & ACC_USER) && page & PAGE_U;
}

static u64 bits(unsigned int high, unsigned int low)
{
	return high < low ? 0 : GENMASK_ULL(high, low);
}

static void init_rsvd(struct walk_mode *mode, unsigned int maxphyaddr, bool nxe, bool gbpages)
{
	u64 (*rsvd)[WALK_MAX_LEVELS + 1] = mode->rsvd;
	u64 all = nxe ? 0 : PT_NX;
	int level;

	switch (mode->kind) {
	case WALK_32:
		/* PSE-36: bits 20:13 of a 4 MiB entry are address bits 39:32. */
		rsvd[1][2] = bits(21, 13 + min(maxphyaddr - 32, 8U));
		return;
	case WALK_PAE:
		all |= bits(62, maxphyaddr);
		break;
	case WALK_LONG:
		all |= bits(51, maxphyaddr);
		break;
	}
	for (level = 1; level <= WALK_MAX_LEVELS; level++)
		rsvd[0][level] = rsvd[1][level] = all;
	rsvd[1][2] |= bits(20, 13);
	if (mode->kind == WALK_PAE) {
		/*
		 * PDPTEs have no permissions. The accessed bit is reserved, too, but emulated CPUs
		 * (QEMU's) set it as they walk; a real one would not have let the guest get this
		 * far.
		 */
		rsvd[0][3] |= PT_NX | bits(8, 6) | bits(2, 1);
		return;
	}
	rsvd[1][3] |= bits(29, 13) | (gbpages ? 0 : PT_HUGE);
	rsvd[0][4] |= PT_HUGE;
	rsvd[0][5] |= PT_HUGE;
}

/**
 * walk_mode_init() - prepare walks for a paging mode
 * @mode: to be filled in
 * @cr0: the guest's
 * @cr4: the guest's
 * @efer: the guest's, with LMA
 * @maxphyaddr: width of the guest's physical addresses, bits
 * @gbpages: the guest has 1 GiB pages
 */
void walk_mode_init(struct walk_mode *mode, u64 cr0, u64 cr4, u64 efer, unsigned int maxphyaddr,
		    bool gbpages)
{
	bool wp = cr0 & X86_CR0_WP, smep = cr4 & X86_CR4_SMEP, smap = cr4 & X86_CR4_SMAP;
	bool nxe = efer & EFER_NX;
	unsigned int acc, page;

	memset(mode, 0, sizeof(*mode));
	if (!(cr0 & X86_CR0_PG))
		return;

	if (efer & EFER_LMA) {
		mode->kind = WALK_LONG;
		mode->levels = cr4 & X86_CR4_LA57 ? 5 : 4;
		mode->huge_level = 3;
		mode->cr3_mask = GENMASK_ULL(51, 12);
		mode->pku = cr4 & X86_CR4_PKE;
	} else if (cr4 & X86_CR4_PAE) {
		mode->kind = WALK_PAE;
		mode->levels = 3;
		mode->huge_level = 2;
		mode->cr3_mask = GENMASK_ULL(31, 5);
	} else {
		mode->kind = WALK_32;
		mode->levels = 2;
		mode->huge_level = cr4 & X86_CR4_PSE ? 2 : 1;
		mode->cr3_mask = GENMASK_ULL(31, 12);
		nxe = false;
	}
	mode->wp = wp;
	mode->smap = smap;
	mode->fetch_bit = smep || nxe;
	init_rsvd(mode, clamp(maxphyaddr, 32U, 52U), nxe, gbpages);

	for (acc = 0; acc < NR_ACC; acc++)
		for (page = 0; page < NR_PAGE; page++)
			if (access_faults(acc, page, wp, smep, smap))
				mode->perm[acc] |= BIT(page);
}

/* One walk's state. */
struct walk {
	const struct walk_mode *mode;
	const struct walk_ops *ops;
	void *opaque;
	u64 gva;
	unsigned int acc; /* ACC_* */
	u32 pkru;
	struct walk_result *result; /* out, but for error_code and gpa built on the way */
};

/*
 * Is the access forbidden by the page's protection key? Only for user pages, only for data.
 * SDM vol. 3, 4.6.2.
 */
static bool pkey_faults(const struct walk *w, unsigned int page)
{
	unsigned int key = w->result->entry[w->result->level] >> PT_PKEY_SHIFT & 15;
	unsigned int deny = w->pkru >> (2 * key) & 3;

	if (!w->mode->pku || !(page & PAGE_U) || w->acc & ACC_FETCH || !deny)
		return false;
	return deny & 1 || (w->acc & ACC_WRITE && (w->mode->wp || w->acc & ACC_USER));
}

/* From the root down to the page. Return: 0, or bits of an error code, then *@fault is set. */
static __always_inline u32 descend(struct walk *w, const struct pt_format *f, u64 table,
				   bool *fault)
{
	const struct walk_mode *mode = w->mode;
	unsigned int page = PAGE_W | PAGE_U;
	bool pkey;
	u8 level;

	*fault = true;
	for (level = mode->levels;; level--) {
		unsigned int index = pt_index(f, w->gva >> 12, level);
		u64 entry, where = table + index * f->entry_size;
		bool leaf;

		/* Where there is no memory, the bus answers with ones. */
		if (mode->kind == WALK_PAE && level == 3 && w->ops->pdpte)
			entry = w->ops->pdpte(w->opaque, index);
		else if (!w->ops->read(w->opaque, where, &entry, f->entry_size))
			entry = f->entry_size == 8 ? ~0ULL : ~0U;
		w->result->entry[level] = entry;
		w->result->where[level] = where;

		if (!(entry & PT_PRESENT))
			return 0;
		leaf = level == 1 || (level <= mode->huge_level && entry & PT_HUGE);
		if (entry & mode->rsvd[leaf][level])
			return KVM_ACC_PRESENT | KVM_ACC_RSVD;
		if (mode->kind != WALK_PAE || level != 3) {
			if (!(entry & PT_WRITE))
				page &= ~PAGE_W;
			if (!(entry & PT_USER))
				page &= ~PAGE_U;
			if (entry & f->nx)
				page |= PAGE_NX;
		}
		if (leaf)
			break;
		table = entry & f->addr;
	}
	w->result->level = level;
	pkey = pkey_faults(w, page);
	if (pkey || mode->perm[w->acc] >> page & 1)
		return KVM_ACC_PRESENT | (pkey ? KVM_ACC_PK : 0);
	*fault = false;
	return 0;
}

/*
 * Set accessed bits, and the page's dirty bit on writes. False: an entry has changed since it was
 * read. Entries in memory that can't be written stay as they are, as in a ROM.
 */
static __always_inline bool mark(struct walk *w, const struct pt_format *f)
{
	u8 level;

	for (level = w->mode->levels; level >= w->result->level; level--) {
		u64 old = w->result->entry[level], new = old | PT_ACCESSED;

		if (w->mode->kind == WALK_PAE && level == 3)
			continue;
		if (level == w->result->level && w->acc & ACC_WRITE)
			new |= PT_DIRTY;
		if (new != old &&
		    !(w->ops->cmpxchg)(w->opaque, w->result->where[level], old, new, f->entry_size))
			return false;
	}
	return true;
}

static __always_inline enum walk_status walk_format(struct walk *w, const struct pt_format *f,
						    u64 cr3, struct walk_result *result)
{
	u64 entry, offset;
	int tries;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		bool fault;

		result->error_code = descend(w, f, cr3 & w->mode->cr3_mask, &fault);
		if (fault)
			return WALK_FAULT;
		if (!mark(w, f))
			continue;
		entry = w->result->entry[w->result->level];
		offset = (pt_frames(f, result->level) << 12) - 1;
		result->gpa = (entry & f->addr & ~offset) | (w->gva & offset);
		if (w->mode->kind == WALK_32 && result->level == 2)
			result->gpa |= (entry >> 13 & 0xff) << 32;
		return WALK_OK;
	}
	return WALK_AGAIN;
}

/**
 * walk_gva() - translate a linear address
 * @mode: the paging mode
 * @ops: access to guest memory
 * @opaque: for @ops
 * @cr3: the guest's
 * @pkru: the guest's; only looked at when mode->pku
 * @ac: EFLAGS.AC; only looked at when mode->smap
 * @gva: linear address; canonical in long mode, cut to 32 bits otherwise
 * @access: KVM_ACC_WRITE | USER | FETCH | IMPLICIT
 * @result: out
 *
 * Return: see enum walk_status.
 */
enum walk_status walk_gva(const struct walk_mode *mode, const struct walk_ops *ops, void *opaque,
			  u64 cr3, u32 pkru, bool ac, u64 gva, u32 access,
			  struct walk_result *result)
{
	struct walk w = {
		.mode = mode,
		.ops = ops,
		.opaque = opaque,
		.gva = mode->kind == WALK_LONG ? gva : (u32)gva,
		.pkru = pkru,
		.result = result,
	};
	enum walk_status r;

	w.acc = (access & KVM_ACC_WRITE ? ACC_WRITE : 0) | (access & KVM_ACC_USER ? ACC_USER : 0) |
		(access & KVM_ACC_FETCH ? ACC_FETCH : 0) |
		(access & KVM_ACC_IMPLICIT || !ac ? ACC_SMAP : 0);

	switch (mode->kind) {
	case WALK_NONE:
		result->gpa = w.gva;
		result->level = 1;
		return WALK_OK;
	case WALK_32:
		r = walk_format(&w, &pt_format_32, cr3, result);
		break;
	default:
		r = walk_format(&w, &pt_format_64, cr3, result);
		break;
	}
	if (r == WALK_FAULT)
		result->error_code |= (access & (KVM_ACC_WRITE | KVM_ACC_USER)) |
				      (mode->fetch_bit ? access & KVM_ACC_FETCH : 0);
	return r;
}
