// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same comparison guided by the emulator's coverage, under libFuzzer. Input: a byte for the
 * mode, eight for the seed of the state, the instruction. What differs is printed as a line for
 * `emul --replay`; libFuzzer's own artifact is only the last input of the batch.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define HEADER 9

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max_size);

static void finish(void)
{
	batch_flush();
	batch_stop();
	rows_report(false);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	if (!batch_start()) {
		printf("this machine's CPU can't be asked: %s\n", cpu.why_not);
		exit(0);
	}
	atexit(finish);
	return 0;
}

static unsigned int mode(u8 byte)
{
	unsigned int bits = byte % NR_BITS;

	if ((bits == BITS_16 && !cpu.has_ldt) || (bits == BITS_32 && !cpu.has_32))
		return BITS_64;
	return bits;
}

/* Tables have no coverage of their own: rows are found by the generator. */
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned int seed)
{
	struct rng r = { seed };
	struct trial t;

	if (size < HEADER || max_size < HEADER + sizeof(t.bytes) || !one_in(&r, 4))
		return LLVMFuzzerMutate(data, size, max_size);
	t.bits = mode(data[0]);
	generate_bytes(&t, &r);
	memcpy(data + HEADER, t.bytes, sizeof(t.bytes));
	return HEADER + sizeof(t.bytes);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 bytes[16];
	u64 seed;

	if (size <= HEADER)
		return -1;
	memcpy(&seed, data + 1, sizeof(seed));
	memset(bytes, 0x90, sizeof(bytes));
	memcpy(bytes, data + HEADER, min_t(size_t, size - HEADER, sizeof(bytes)));
	batch_add(mode(data[0]), seed, bytes);
	if (figures.differences) {
		fflush(stdout);
		abort();
	}
	return 0;
}
