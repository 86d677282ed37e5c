/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_BITOPS_H
#define _SHIM_LINUX_BITOPS_H

#include <linux/bits.h>
#include <linux/types.h>

static inline void __set_bit(unsigned long nr, volatile unsigned long *p)
{
	p[BIT_WORD(nr)] |= BIT_MASK(nr);
}

static inline void __clear_bit(unsigned long nr, volatile unsigned long *p)
{
	p[BIT_WORD(nr)] &= ~BIT_MASK(nr);
}

static inline bool test_bit(unsigned long nr, const volatile unsigned long *p)
{
	return p[BIT_WORD(nr)] & BIT_MASK(nr);
}

static inline void set_bit(unsigned long nr, volatile unsigned long *p)
{
	__atomic_fetch_or(&p[BIT_WORD(nr)], BIT_MASK(nr), __ATOMIC_SEQ_CST);
}

static inline void clear_bit(unsigned long nr, volatile unsigned long *p)
{
	__atomic_fetch_and(&p[BIT_WORD(nr)], ~BIT_MASK(nr), __ATOMIC_SEQ_CST);
}

static inline bool test_and_set_bit(unsigned long nr, volatile unsigned long *p)
{
	return __atomic_fetch_or(&p[BIT_WORD(nr)], BIT_MASK(nr), __ATOMIC_SEQ_CST) & BIT_MASK(nr);
}

static inline bool test_and_clear_bit(unsigned long nr, volatile unsigned long *p)
{
	return __atomic_fetch_and(&p[BIT_WORD(nr)], ~BIT_MASK(nr), __ATOMIC_SEQ_CST) & BIT_MASK(nr);
}

static inline bool __test_and_set_bit(unsigned long nr, volatile unsigned long *p)
{
	bool old = test_bit(nr, p);

	__set_bit(nr, p);
	return old;
}

static inline bool __test_and_clear_bit(unsigned long nr, volatile unsigned long *p)
{
	bool old = test_bit(nr, p);

	__clear_bit(nr, p);
	return old;
}

static inline int fls(unsigned int x) { return x ? 32 - __builtin_clz(x) : 0; }
static inline int fls64(u64 x) { return x ? 64 - __builtin_clzll(x) : 0; }
static inline int ffs_(unsigned int x) { return __builtin_ffs(x); }
static inline unsigned long __ffs(unsigned long x) { return __builtin_ctzl(x); }
static inline unsigned long __fls(unsigned long x) { return 63 - __builtin_clzl(x); }
static inline unsigned long __ffs64(u64 x) { return __builtin_ctzll(x); }
static inline unsigned int hweight8(unsigned int x) { return __builtin_popcount(x & 0xff); }
static inline unsigned int hweight16(unsigned int x) { return __builtin_popcount(x & 0xffff); }
static inline unsigned int hweight32(u32 x) { return __builtin_popcount(x); }
static inline unsigned long hweight64(u64 x) { return __builtin_popcountll(x); }
static inline u32 rol32(u32 x, unsigned int n) { return (x << (n & 31)) | (x >> (-n & 31)); }
static inline u32 ror32(u32 x, unsigned int n) { return (x >> (n & 31)) | (x << (-n & 31)); }
static inline s64 sign_extend64(u64 x, int bit) { return (s64)(x << (63 - bit)) >> (63 - bit); }
static inline s32 sign_extend32(u32 x, int bit) { return (s32)(x << (31 - bit)) >> (31 - bit); }

static inline unsigned long find_next_bit(const unsigned long *p, unsigned long size,
					  unsigned long from)
{
	while (from < size && !test_bit(from, p))
		from++;
	return from < size ? from : size;
}

static inline unsigned long find_next_zero_bit(const unsigned long *p, unsigned long size,
					       unsigned long from)
{
	while (from < size && test_bit(from, p))
		from++;
	return from < size ? from : size;
}

static inline unsigned long find_last_bit(const unsigned long *p, unsigned long size)
{
	unsigned long i = size;

	while (i--)
		if (test_bit(i, p))
			return i;
	return size;
}

#define find_first_bit(p, size) find_next_bit(p, size, 0)
#define find_first_zero_bit(p, size) find_next_zero_bit(p, size, 0)
#define for_each_set_bit(bit, p, size)						\
	for ((bit) = find_first_bit(p, size); (bit) < (size);			\
	     (bit) = find_next_bit(p, size, (bit) + 1))

#endif
