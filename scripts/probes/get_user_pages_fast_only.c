// SPDX-License-Identifier: GPL-2.0-only
// One page, without sleeping: get_user_page_fast_only().
#include <linux/mm.h>

bool probe(unsigned long hva, struct page **page);
bool probe(unsigned long hva, struct page **page)
{
	return get_user_page_fast_only(hva, FOLL_WRITE, page);
}
