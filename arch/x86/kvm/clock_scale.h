/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arithmetic of clocks: ticks to ns as pvclock has it, TSC scaling. Pure, unit-tested in userspace.
 */
#ifndef GUESTMODE_CLOCK_SCALE_H
#define GUESTMODE_CLOCK_SCALE_H

#include <linux/math64.h>
#include <linux/types.h>

#define SCALE_NS_PER_S 1000000000ULL
#define SCALE_NS_MAX (~0ULL >> 1)

/**
 * clock_scale() - factor and shift with which a guest turns ticks of its TSC into ns
 * @hz: frequency of the TSC, not 0
 * @mul: out, pvclock's tsc_to_system_mul
 * @shift: out, pvclock's tsc_shift
 *
 * ns = (ticks << shift, or >> -shift) * mul >> 32. The shift brings the frequency into (1 GHz, 2
 * GHz], so that the factor has all of its 32 bits.
 */
static inline void clock_scale(u64 hz, u32 *mul, s8 *shift)
{
	s8 s = 0;

	while (hz > 2 * SCALE_NS_PER_S << -s)
		s--;
	while (s >= 0 && hz << s <= SCALE_NS_PER_S)
		s++;
	if (s >= 0)
		*mul = div64_u64(SCALE_NS_PER_S << 32, hz << s);
	else
		*mul = mul_u64_u64_div_u64(SCALE_NS_PER_S << 32, 1ULL << -s, hz);
	*shift = s;
}

/**
 * clock_ticks_to_ns() - what a guest makes of a difference of its TSC
 * @ticks: ticks
 * @mul: of clock_scale()
 * @shift: of clock_scale()
 *
 * Return: ns; SCALE_NS_MAX where it would be more than 64 bits hold.
 */
static inline u64 clock_ticks_to_ns(u64 ticks, u32 mul, s8 shift)
{
	if (shift < 0)
		ticks >>= -shift;
	else if (shift > 0 && ticks >> (63 - shift))
		return SCALE_NS_MAX;
	else
		ticks <<= shift;
	return mul_u64_u32_shr(ticks, mul, 32);
}

/**
 * clock_ns_to_ticks() - how far a TSC counts in a time
 * @ns: time
 * @khz: frequency of the TSC
 *
 * Return: ticks, modulo 2^64.
 */
static inline u64 clock_ns_to_ticks(u64 ns, u32 khz)
{
	u64 ms = div64_u64(ns, 1000000);

	/* In two parts: nothing here can overflow into a trap. */
	return ms * khz + div64_u64((ns - ms * 1000000) * khz, 1000000);
}

/**
 * clock_tsc_ratio() - multiplier that makes a TSC of one frequency look like another's
 * @guest_khz: wanted
 * @host_khz: what there is
 * @frac_bits: fraction bits of the vendor's multiplier, at most 48
 *
 * Return: the multiplier; guest_khz / host_khz must be less than 2^(64 - frac_bits).
 */
static inline u64 clock_tsc_ratio(u32 guest_khz, u32 host_khz, u8 frac_bits)
{
	return mul_u64_u64_div_u64(1ULL << frac_bits, guest_khz, host_khz);
}

/**
 * clock_sync_match() - does a write to a TSC mean to continue the one before it?
 * @value: written now
 * @last_value: written last, to this vCPU or another one
 * @elapsed_ns: time between the two
 * @khz: frequency of both
 *
 * A VMM that sets up vCPUs one after the other writes to each what the TSC was when it began,
 * or counts the time in between: within a second of what the last write would have become is meant
 * to be the same. Zero is what a vCPU starts with.
 */
static inline bool clock_sync_match(u64 value, u64 last_value, u64 elapsed_ns, u32 khz)
{
	u64 expected = last_value + clock_ns_to_ticks(elapsed_ns, khz);
	u64 second = khz * 1000ULL;

	return value == 0 || value - expected < second || expected - value < second;
}

#endif
