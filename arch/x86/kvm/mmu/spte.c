// SPDX-License-Identifier: GPL-2.0-only
/* What the host's memory management hears of a mapping that goes, or is write-protected. */

#include <linux/mm.h>
#include <linux/swap.h>

#include "spte.h"

/**
 * spte_written() - tell the page whether the guest wrote to it
 * @f: format of the table
 * @spte: the present leaf entry that was there until just now
 *
 * Context: mmu.lock held for write.
 */
void spte_written(const struct pt_format *f, u64 spte)
{
	struct page *page;

	if (!(spte & SPTE_PAGE) || !(spte & f->dirty))
		return;
	page = pfn_to_page(spte_addr(f, spte) >> PAGE_SHIFT);
	if (!PageDirty(page))
		set_page_dirty(page);
}

/**
 * spte_gone() - tell the page what the guest did to it
 * @f: format of the table
 * @spte: the present leaf entry that was there until just now
 *
 * The page still exists: the host can't free it before its notifier has had mmu.lock. As under a
 * host page-table lock, its mapping can't be truncated either, so it may be marked.
 *
 * Context: mmu.lock held for write.
 */
void spte_gone(const struct pt_format *f, u64 spte)
{
	struct page *page;

	if (!(spte & SPTE_PAGE))
		return;
	spte_written(f, spte);
	page = pfn_to_page(spte_addr(f, spte) >> PAGE_SHIFT);
	/* As the host's own unmapping has it: an anonymous page's use is asked for by age only. */
	if (spte & f->accessed && !PageAnon(page))
		mark_page_accessed(page);
}
