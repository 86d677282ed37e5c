/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the guest that measures exits and its host agree upon.
 */
#ifndef TESTS_BENCH_EXITS_H
#define TESTS_BENCH_EXITS_H

/* Memory that the guest has not touched yet, a slot of its own. */
#define TOUCH_BASE	0x10000000
#define TOUCH_BYTES	0x8000000	/* a row of touches goes through at most so much */

/* Round trips in a batch. */
#define TRIPS		32
#define TRIPS_HUGE	1		/* touches of 2 MiB */
#define TRIPS_LONG	4		/* deadlines: a batch is short beside the host's ticks */

/* params->result[] */
enum {
	RESULT_TRIPS,		/* in a batch */
	RESULT_TICKS,		/* of the TSC, in the median batch */
};

#endif
