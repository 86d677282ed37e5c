/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_BITMAP_H
#define _SHIM_LINUX_BITMAP_H

#include <string.h>
#include <linux/bitops.h>

static inline void bitmap_zero(unsigned long *p, unsigned int bits)
{
	memset(p, 0, BITS_TO_LONGS(bits) * sizeof(long));
}

static inline void bitmap_fill(unsigned long *p, unsigned int bits)
{
	memset(p, 0xff, BITS_TO_LONGS(bits) * sizeof(long));
}

static inline bool bitmap_empty(const unsigned long *p, unsigned int bits)
{
	return find_first_bit(p, bits) == bits;
}

static inline unsigned int bitmap_weight(const unsigned long *p, unsigned int bits)
{
	unsigned int i, n = 0;

	for_each_set_bit(i, p, bits)
		n++;
	return n;
}

#endif
