// SPDX-License-Identifier: GPL-2.0-only
/* Clock arithmetic: what a guest computes from mul and shift is time, at any frequency. */

#include <stdlib.h>

#include "clock_scale.h"
#include "tap.h"

#define NR(a) (sizeof(a) / sizeof((a)[0]))

/* Error of an hour, in ns, against exact arithmetic. */
static u64 hour_error(u64 hz)
{
	u64 ticks = hz * 3600, ns, exact = 3600 * SCALE_NS_PER_S;
	u32 mul;
	s8 shift;

	clock_scale(hz, &mul, &shift);
	ns = clock_ticks_to_ns(ticks, mul, shift);
	return ns > exact ? ns - exact : exact - ns;
}

static void scales(void)
{
	static const u64 hz[] = {
		1, 999, 1000000, 32768, 24000000, 499999999, 500000000, 999999999, 1000000000,
		1000000001, 1999999999, 2000000000, 2000000001, 2794748000, 3999999999, 4000000000,
		4700000000, 5800000000, 9000000000, 20000000000ULL
	};
	u64 max = 0, error;
	size_t i;
	u32 mul;
	s8 shift;

	for (i = 0; i < NR(hz); i++) {
		clock_scale(hz[i], &mul, &shift);
		/* All 32 bits in use: less than a ns a second. */
		error = hour_error(hz[i]);
		tap_ok(mul >> 31 && error <= 3600,
		       "%llu Hz: mul %#x shift %d, expected at most 3600 ns off an hour, saw %llu",
		       (unsigned long long)hz[i], mul, shift, (unsigned long long)error);
	}
	srandom(1);
	for (i = 0; i < 100000; i++) {
		error = hour_error(1000000 + ((u64)random() << 3) % 9000000000ULL);
		max = error > max ? error : max;
	}
	tap_ok(max <= 3600, "random frequencies: expected at most 3600 ns off in an hour, saw %llu",
	       (unsigned long long)max);
}

/* Far in the future is far in the future, whatever the shift. */
static void overflow(void)
{
	u32 mul;
	s8 shift;

	clock_scale(24000000, &mul, &shift);
	tap_eq(clock_ticks_to_ns(~0ULL, mul, shift), SCALE_NS_MAX, "24 MHz, all ticks there are");
	tap_eq(clock_ticks_to_ns(1ULL << 60, mul, shift), SCALE_NS_MAX, "24 MHz, 2^60 ticks");
	tap_eq(clock_ticks_to_ns(0, mul, shift), 0, "no ticks");
	clock_scale(3000000000ULL, &mul, &shift);
	tap_ok(clock_ticks_to_ns(~0ULL, mul, shift) > 6000000000ULL * SCALE_NS_PER_S,
	       "3 GHz, all ticks there are: expected more than 190 years, saw %llu ns",
	       (unsigned long long)clock_ticks_to_ns(~0ULL, mul, shift));
}

static void ticks(void)
{
	tap_eq(clock_ns_to_ticks(0, 3000000), 0, "no time");
	tap_eq(clock_ns_to_ticks(SCALE_NS_PER_S, 3000000), 3000000000ULL, "a second at 3 GHz");
	tap_eq(clock_ns_to_ticks(1, 1000000), 1, "a ns at 1 GHz");
	tap_eq(clock_ns_to_ticks(999999, 2500000), 2499997, "a ns short of a ms at 2.5 GHz");
	/* Ten years at 4 GHz: 32 bits of ms and more. */
	tap_eq(clock_ns_to_ticks(315360000ULL * SCALE_NS_PER_S, 4000000),
	       315360000ULL * 4000000000ULL, "ten years at 4 GHz");
}

static void ratios(void)
{
	tap_eq(clock_tsc_ratio(3000000, 3000000, 32), 1ULL << 32, "the same, 32 bits of fraction");
	tap_eq(clock_tsc_ratio(3000000, 3000000, 48), 1ULL << 48, "the same, 48 bits of fraction");
	tap_eq(clock_tsc_ratio(1500000, 3000000, 32), 1ULL << 31, "half");
	tap_eq(clock_tsc_ratio(6000000, 3000000, 48), 2ULL << 48, "twice");
	tap_eq(mul_u64_u64_shr(3000000000ULL, clock_tsc_ratio(2000000, 3000000, 48), 48),
	       1999999999, "3 GHz made 2 GHz: a second's ticks, rounded down");
}

static void matches(void)
{
	const u64 s = 2000000000ULL; /* ticks a second */
	const u32 khz = 2000000;
	static const u64 ms = 1000000;

	tap_ok(clock_sync_match(0, 123 * s, 500 * ms, khz), "0: what a new vCPU starts with");
	tap_ok(clock_sync_match(5 * s, 5 * s, 10 * ms, khz), "the same value 10 ms later");
	tap_ok(clock_sync_match(5 * s + s / 100, 5 * s, 10 * ms, khz),
	       "what it has become by then");
	tap_ok(clock_sync_match(65 * s, 5 * s, 60000 * ms, khz), "a minute later, counted on");
	tap_ok(clock_sync_match(5 * s - s / 2, 5 * s, 0, khz), "half a second less");
	tap_ok(!clock_sync_match(5 * s, 5 * s, 2000 * ms, khz),
	       "the same value 2 s later is another");
	tap_ok(!clock_sync_match(7 * s, 5 * s, 0, khz), "2 s more is another");
	tap_ok(!clock_sync_match(1, 5 * s, 0, khz), "1 is not 0");
	tap_ok(clock_sync_match(s / 4, 0 - s / 4, 0, khz), "across the wrap of 64 bits");
}

int main(void)
{
	scales();
	overflow();
	ticks();
	ratios();
	matches();
	return tap_done();
}
