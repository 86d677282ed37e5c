/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entries of our own page tables (sptes).
 *
 * Hardware sets accessed and dirty bits at any time, so an entry that may be present is only
 * changed by cmpxchg or xchg. Read lock of mmu.lock: non-present entries become present,
 * permissions of present ones grow. Write lock: anything.
 */
#ifndef GUESTMODE_MMU_SPTE_H
#define GUESTMODE_MMU_SPTE_H

#include <linux/compiler.h>
#include <linux/mem_encrypt.h>
#include <asm/page.h>
#include "format.h"

/*
 * Ours (hardware ignores bit 11 in all formats): the frame's struct page wants to hear of what the
 * guest did.
 */
#define SPTE_PAGE BIT_ULL(11)

/* Host physical address that an entry (or a root) holds. */
static inline u64 spte_addr(const struct pt_format *f, u64 spte)
{
	/* With SME, one of the address bits says "encrypted". */
	return __sme_clr(spte & f->addr);
}

/* The table that a present non-leaf entry points to. */
static inline u64 *spte_table(const struct pt_format *f, u64 spte)
{
	return __va(spte_addr(f, spte));
}

static inline u64 spte_make_table(const struct pt_format *f, void *table)
{
	return __sme_set(__pa(table)) | f->table;
}

/**
 * spte_make_leaf() - an entry that maps memory
 * @f: format of the table
 * @pfn: first host frame, aligned to @level
 * @level: 1 4 KiB, 2 2 MiB, 3 1 GiB
 * @write: writable
 * @dirty: the access that asks for it is a write
 * @page: see SPTE_PAGE
 * @uncached: device memory
 * @exec: may be executed
 *
 * The accessed bit is set: somebody is about to use it, and hardware would have to come back.
 */
static inline u64 spte_make_leaf(const struct pt_format *f, u64 pfn, u8 level, bool write,
				 bool dirty, bool page, bool uncached, bool exec)
{
	u64 spte = f->leaf | f->accessed | (exec ? f->exec : f->nx);

	/* Device memory isn't encrypted. */
	spte |= uncached ? (pfn << 12) | f->uncached : __sme_set(pfn << 12) | f->cached;
	if (level > 1)
		spte |= f->huge;
	if (write)
		spte |= f->write | (dirty ? f->dirty : 0);
	if (page)
		spte |= SPTE_PAGE;
	return spte;
}

/* Would an access fault on the present leaf @spte? Then something must be done about it. */
static inline bool spte_allows(const struct pt_format *f, u64 spte, bool write, bool fetch)
{
	return (!write || spte & f->write) &&
	       (!fetch || (!(spte & f->nx) && (spte & f->exec) == f->exec));
}

void spte_written(const struct pt_format *f, u64 spte);
void spte_gone(const struct pt_format *f, u64 spte);

#endif
