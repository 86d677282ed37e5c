/* SPDX-License-Identifier: GPL-2.0-only */
/* A generator of random numbers: splitmix64. */
#ifndef FUZZ_RNG_H
#define FUZZ_RNG_H

struct rng {
	unsigned long long state;
};

static inline unsigned long long rnd(struct rng *r)
{
	unsigned long long z = r->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* One of 0 to @n - 1. */
static inline unsigned int below(struct rng *r, unsigned int n)
{
	return (rnd(r) >> 32) * n >> 32;
}

#endif
