// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator against this machine's CPU: random instructions in random states, run in both.
 * Registers, flags, segments, memory and faults must be the same, but for what the manuals leave
 * undefined.
 *
 *	emul [--count N] [--seconds S] [--seed SEED] [--list]
 *
 * The same instructions each time, or SEED's; other ones each time with 0.
 *
 *	emul --replay "64 SEED BYTES"		a line that a difference has printed
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fuzz.h"
#include "tap.h"

#define MAX_DIFFERENCES 10

static const struct option options[] = {
	{ "count", required_argument, NULL, 'c' },  { "seconds", required_argument, NULL, 's' },
	{ "seed", required_argument, NULL, 'r' },   { "list", no_argument, NULL, 'l' },
	{ "replay", required_argument, NULL, 'p' }, {},
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static unsigned int random_mode(struct rng *r)
{
	if (!cpu.has_32 || one_in(r, 2))
		return BITS_64;
	return cpu.has_ldt && one_in(r, 2) ? BITS_16 : BITS_32;
}

static u64 total(void)
{
	return figures.compared[BITS_64] + figures.compared[BITS_32] + figures.compared[BITS_16];
}

static void report(double seconds, bool list)
{
	u64 explained = explain_report();
	bool enough;

	printf("# figure: %llu instructions compared (%llu 64-bit, %llu 32-bit, %llu 16-bit), "
	       "%llu faults, %.0f a second; %llu differences, %llu more that the manuals or the "
	       "vendor leave open; %lu children lost\n",
	       total(), figures.compared[BITS_64], figures.compared[BITS_32],
	       figures.compared[BITS_16], figures.faults, total() / seconds, figures.differences,
	       explained, cpu.lost);
	enough = rows_report(list);
	tap_ok(!figures.differences, "%llu instructions like the CPU, %llu differences", total(),
	       figures.differences);
	tap_ok(enough, "each row of the opcode table that can complete in user mode did");
	if (!cpu.has_32)
		tap_skip("this machine runs no 32-bit code");
	else if (!cpu.has_ldt)
		tap_skip("this machine has no modify_ldt(): no 16-bit code, only flat segments");
}

int main(int argc, char **argv)
{
	u64 count = 1500000, seed = 1;
	double begun = now(), seconds = 1e9;
	const char *replay = NULL;
	bool list = false;
	struct rng r;
	int opt, res;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			count = strtoull(optarg, NULL, 0);
			break;
		case 's':
			seconds = strtod(optarg, NULL);
			break;
		case 'r':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'l':
			list = true;
			break;
		case 'p':
			replay = optarg;
			break;
		default:
			return 2;
		}
	}
	if (!batch_start()) {
		tap_skip("this machine's CPU can't be asked: %s", cpu.why_not);
		return tap_done();
	}
	if (replay) {
		res = batch_replay(replay);
		batch_stop();
		return res;
	}
	if (!seed)
		seed = (u64)time(NULL) * 1000003;
	tap_diag("%llu instructions, seed %llu", count, seed);
	r.state = seed;
	while (total() < count && figures.differences < MAX_DIFFERENCES && now() - begun < seconds)
		batch_add(random_mode(&r), rnd(&r), NULL);
	batch_flush();
	batch_stop();
	report(now() - begun, list);
	return tap_done();
}
