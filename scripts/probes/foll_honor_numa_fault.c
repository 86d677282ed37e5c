// SPDX-License-Identifier: GPL-2.0-only
// A page lookup passes over NUMA hinting faults unless told otherwise (6.6 on).
#include <linux/mm.h>

long probe(unsigned long hva, struct page **page);
long probe(unsigned long hva, struct page **page)
{
	return get_user_pages_unlocked(hva, 1, page, FOLL_HONOR_NUMA_FAULT);
}
