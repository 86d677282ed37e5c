// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions that a round trip from the guest to the host and back takes: a line of TAP for each
 * row, and one with the figure, "# instructions ROW NUMBER". Only meaningful where time is
 * instructions: in tests/rig/host --icount.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "exits.h"
#include "guest.h"

struct bench {
	const char *name;
	struct guest guest;
};

static uint64_t figure;

static void keep_figure(struct vm *vm)
{
	const struct guest_params *params = guest_params(vm);
	uint64_t trips = params->result[RESULT_TRIPS];

	if (expect_true(trips, "expected round trips, saw none"))
		figure = (params->result[RESULT_MEDIAN] + trips / 2) / trips;
}

/* What the guest does in userspace is nothing: the row is the way there and back. */
static bool answer(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;

	if (run->exit_reason == KVM_EXIT_MMIO)
		return run->mmio.phys_addr == GUEST_MMIO;
	return run->exit_reason == KVM_EXIT_IO && run->io.port == PORT_TEST;
}

/* Memory that the host has populated, in pages of 4 KiB or of 2 MiB. */
static void add_populated(struct vm *vm, int advice)
{
	const uint64_t huge = 2 << 20;
	uint8_t *map = mmap(NULL, TOUCH_BYTES + huge, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *memory = (uint8_t *)(((uintptr_t)map + huge - 1) & -huge);
	uint64_t i;

	if (map == MAP_FAILED)
		row_die("mmap: expected success, saw %s", strerrorname_np(errno));
	expect_ok("madvise", madvise(memory, TOUCH_BYTES, advice));
	for (i = 0; i < TOUCH_BYTES; i += 4096)
		memory[i] = 1;
	expect_ok("KVM_SET_USER_MEMORY_REGION",
		  vm_set_slot(vm, 1, TOUCH_BASE, TOUCH_BYTES, memory, 0));
}

static void add_small(struct vm *vm)
{
	add_populated(vm, MADV_NOHUGEPAGE);
}

static void add_huge(struct vm *vm)
{
	add_populated(vm, MADV_HUGEPAGE);
}

static void bench_run(const void *arg)
{
	const struct bench *bench = arg;

	guest_run(&bench->guest);
	if (row_failed())
		return;
	printf("# instructions %s %llu\n", bench->name, (unsigned long long)figure);
	fflush(stdout);
}

#define BENCH(row_name, function, ...)							\
	{										\
		.name = row_name, .run = bench_run,					\
		.arg = &(const struct bench){						\
			.name = row_name,						\
			.guest = { .entry = function, .check = keep_figure,		\
				   .exit_hook = answer, ##__VA_ARGS__ },		\
		},									\
	}

static const struct test_row rows[] = {
	BENCH("cpuid", "bench_cpuid"),
	BENCH("hypercall", "bench_hypercall"),
	BENCH("rdmsr", "bench_rdmsr"),
	BENCH("wrmsr", "bench_wrmsr"),
	BENCH("pio-kernel", "bench_port", .arg = { 0x21 }),
	BENCH("pio-user", "bench_port", .arg = { PORT_TEST }),
	BENCH("mmio-user", "bench_mmio", .arg = { GUEST_MMIO }),
	BENCH("lapic-mmio-read", "bench_mmio", .arg = { 0xfee00020 }),
	BENCH("x2apic-self-ipi", "bench_self_ipi"),
	BENCH("tsc-deadline", "bench_deadline"),
	BENCH("touch-4k-read", "bench_touch_read", .setup = add_small),
	BENCH("touch-4k-write", "bench_touch_write", .setup = add_small),
	BENCH("touch-2m-read", "bench_touch_huge", .setup = add_huge),
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
