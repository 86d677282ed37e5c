// SPDX-License-Identifier: GPL-2.0-only
// A page lookup can be ended by any signal (6.2 on), not only by a fatal one.
#include <linux/mm.h>

long probe(unsigned long hva, struct page **page);
long probe(unsigned long hva, struct page **page)
{
	return get_user_pages_unlocked(hva, 1, page, FOLL_INTERRUPTIBLE);
}
