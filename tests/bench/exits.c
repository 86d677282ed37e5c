// SPDX-License-Identifier: GPL-2.0-only
/*
 * Round trips from the guest to the host and back, for a plugin of the emulator to count
 * (plugin.c): a line of TAP for each row, and "# row NAME TRIPS TICKS" for each that is complete, in
 * the order in which the plugin sees them; TICKS of the TSC in a batch are instructions where the
 * emulator makes them so. Before them, "# text START END": where the driver's code is.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exits.h"
#include "guest.h"

struct bench {
	const char *name;
	bool sleeps;
	struct guest guest;
};

static unsigned long long trips, ticks;

static void keep_trips(struct vm *vm)
{
	trips = guest_params(vm)->result[RESULT_TRIPS];
	ticks = guest_params(vm)->result[RESULT_TICKS];
	expect_true(trips, "expected round trips, saw none");
}

/* What the guest does in userspace is nothing: the row is the way there and back. */
static bool answer(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;

	if (run->exit_reason == KVM_EXIT_MMIO)
		return run->mmio.phys_addr == GUEST_MMIO;
	return run->exit_reason == KVM_EXIT_IO && run->io.port == PORT_TEST;
}

/* Memory in pages of 4 KiB or of 2 MiB; the host has populated it, or not. */
static void add_memory(struct vm *vm, int advice, bool populate)
{
	const uint64_t huge = 2 << 20;
	uint8_t *map = mmap(NULL, TOUCH_BYTES + huge, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *memory = (uint8_t *)(((uintptr_t)map + huge - 1) & -huge);
	uint64_t i;

	if (map == MAP_FAILED)
		row_die("mmap: expected success, saw %s", strerrorname_np(errno));
	expect_ok("madvise", madvise(memory, TOUCH_BYTES, advice));
	for (i = 0; populate && i < TOUCH_BYTES; i += 4096)
		memory[i] = 1;
	expect_ok("KVM_SET_USER_MEMORY_REGION",
		  vm_set_slot(vm, 1, TOUCH_BASE, TOUCH_BYTES, memory, 0));
}

static void add_small(struct vm *vm)
{
	add_memory(vm, MADV_NOHUGEPAGE, true);
}

static void add_huge(struct vm *vm)
{
	add_memory(vm, MADV_HUGEPAGE, true);
}

static void add_small_empty(struct vm *vm)
{
	add_memory(vm, MADV_NOHUGEPAGE, false);
}

static void add_huge_empty(struct vm *vm)
{
	add_memory(vm, MADV_HUGEPAGE, false);
}

/* A vCPU that sleeps is to sleep: a busy wait would be counted, too. Before the VM is made. */
static void no_halt_poll(void)
{
	int fd = open("/sys/module/kvm/parameters/halt_poll_ns", O_WRONLY);

	if (fd < 0 || write(fd, "0", 1) != 1)
		row_die("halt_poll_ns: expected to be written, saw %s", strerrorname_np(errno));
	close(fd);
}

static void bench_run(const void *arg)
{
	const struct bench *bench = arg;

	if (bench->sleeps)
		no_halt_poll();
	guest_run(&bench->guest);
	if (row_failed())
		return;
	printf("# row %s %llu %llu\n", bench->name, trips, ticks);
	fflush(stdout);
}

#define BENCH_(row_name, function, is_sleeping, ...)					\
	{										\
		.name = row_name, .run = bench_run,					\
		.arg = &(const struct bench){						\
			.name = row_name,						\
			.sleeps = is_sleeping,						\
			.guest = { .entry = function, .check = keep_trips,		\
				   .exit_hook = answer, ##__VA_ARGS__ },		\
		},									\
	}
#define BENCH(row_name, function, ...) BENCH_(row_name, function, false, ##__VA_ARGS__)
#define BENCH_SLEEP(row_name, function, ...) BENCH_(row_name, function, true, ##__VA_ARGS__)

static const struct test_row rows[] = {
	BENCH("cpuid", "bench_cpuid"),
	BENCH("hypercall", "bench_hypercall"),
	BENCH("rdmsr", "bench_rdmsr"),
	BENCH("wrmsr", "bench_wrmsr"),
	BENCH("pio-kernel", "bench_port", .arg = { 0x21 }),
	BENCH("pio-user", "bench_port", .arg = { PORT_TEST }),
	BENCH("mmio-user-read", "bench_mmio_read", .arg = { GUEST_MMIO }),
	BENCH("mmio-user-write", "bench_mmio_write", .arg = { GUEST_MMIO }),
	BENCH("lapic-mmio-read", "bench_mmio_read", .arg = { 0xfee00020 }),
	BENCH("lapic-mmio-write", "bench_mmio_write", .arg = { 0xfee00310 }),
	BENCH("x2apic-self-ipi", "bench_self_ipi"),
	BENCH_SLEEP("ipi", "bench_ipi", .cpus = 2),
	BENCH("tsc-deadline", "bench_deadline"),
	BENCH_SLEEP("halt-wake", "bench_halt"),
	BENCH("touch-4k-read", "bench_touch_read", .setup = add_small),
	BENCH("touch-4k-write", "bench_touch_write", .setup = add_small),
	BENCH("touch-2m-read", "bench_touch_huge", .setup = add_huge),
	BENCH("touch-4k-read-empty", "bench_touch_read", .setup = add_small_empty),
	BENCH("touch-4k-write-empty", "bench_touch_write", .setup = add_small_empty),
	BENCH("touch-2m-write-empty", "bench_touch_huge_write", .setup = add_huge_empty),
};

/* From the first to behind the last symbol of a module's code. */
static void print_text(const char *module)
{
	unsigned long long start = ~0ull, end = 0, addr;
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[512], owner[64], type;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx %c %*s %63s", &addr, &type, owner) != 3 ||
		    (type != 't' && type != 'T') || strcmp(owner, module))
			continue;
		start = addr < start ? addr : start;
		end = addr > end ? addr : end;
	}
	if (f)
		fclose(f);
	if (end)
		printf("# text %llx %llx\n", start, (end | 0xfff) + 1);
}

int main(int argc, char **argv)
{
	print_text("[kvm]");
	print_text("[kvm_amd]");
	print_text("[kvm_intel]");
	fflush(stdout);
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
