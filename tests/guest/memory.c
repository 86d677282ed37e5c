// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

#define SLOT	0x10000000ull
#define SIZE	0x1000000ull
#define OTHER	0x20000000ull

static uint8_t *slot;
static pthread_t adder;

/* 16 MiB, aligned so that the host may use huge pages. */
static void map_slot(size_t align)
{
	uint8_t *raw = mmap(NULL, SIZE + align, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (raw == MAP_FAILED)
		row_die("mmap: %s", strerrorname_np(errno));
	slot = (uint8_t *)(((uintptr_t)raw + align - 1) & ~(align - 1));
}

static void add_slot(struct vm *vm)
{
	map_slot(0x200000);
	expect_ok("madvise", madvise(slot, SIZE, MADV_NOHUGEPAGE));
	expect_ok("slot 1", vm_set_slot(vm, 1, SLOT, SIZE, slot, 0));
}

static void add_huge_slot(struct vm *vm)
{
	map_slot(0x200000);
	expect_ok("madvise", madvise(slot, SIZE, MADV_HUGEPAGE));
	expect_ok("slot 1", vm_set_slot(vm, 1, SLOT, SIZE, slot, 0));
}

static void compare_and_answer(void)
{
	uint64_t i, wrong = 0;

	for (i = 0; i < SIZE; i += 4096) {
		uint64_t *p = (uint64_t *)(slot + i);

		wrong += *p != (i ^ 0x5555);
		*p = i ^ 0xaaaa;
	}
	expect_eq("pages that differ from what the guest wrote", wrong, 0);
}

static void *add_thread(void *arg)
{
	unsigned int i;

	for (i = 0; i < 20000; i++)
		__atomic_add_fetch((uint64_t *)slot, 1, __ATOMIC_SEQ_CST);
	return arg;
}

static void nap(void)
{
	struct timespec pause = { .tv_nsec = 1000000 };

	nanosleep(&pause, NULL);
}

static void place(struct vm *vm, uint64_t gpa)
{
	expect_ok("move of the slot", vm_set_slot(vm, 1, gpa, SIZE, slot, 0));
}

static void drop(struct vm *vm)
{
	expect_ok("deletion of the slot", vm_set_slot(vm, 1, 0, 0, NULL, 0));
}

static void replace_page(void)
{
	void *at = slot + 100 * 4096;

	if (mmap(at, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) != at)
		row_die("mmap over a page: %s", strerrorname_np(errno));
	*(uint64_t *)at = 0x1234;
}

#define FLIPS 4000

static int flip_file;
static volatile uint64_t *flip_view;	/* both pages of it, always */

/* A slot of one page, which shows the first of the file's two. */
static void add_flip_slot(struct vm *vm)
{
	flip_file = memfd_create("flip", MFD_CLOEXEC);
	if (flip_file < 0 || ftruncate(flip_file, 2 * 4096))
		row_die("memfd: %s", strerrorname_np(errno));
	flip_view = mmap(NULL, 2 * 4096, PROT_READ, MAP_SHARED, flip_file, 0);
	slot = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, flip_file, 0);
	if (flip_view == MAP_FAILED || slot == MAP_FAILED)
		row_die("mmap: %s", strerrorname_np(errno));
	expect_ok("slot 1", vm_set_slot(vm, 1, SLOT, 4096, slot, 0));
}

#define TRACING "/sys/kernel/tracing/"

static void end_of_probe(void)
{
	try_write_file(TRACING "events/kprobes/found/enable", "0\n");
	try_write_file(TRACING "events/kprobes/found/trigger", "!stacktrace\n");
	try_write_file(TRACING "kprobe_events", "-:found\n");
}

/*
 * A fault takes its time between the look at the host's page and the lock under which it is
 * mapped, with interrupts on, so that all of the host's change fits in between: where the emulated
 * processors take turns, as Bochs's do, it never does by itself. The stack is written down there.
 * Another driver has another function, and the row is what host-flips is.
 */
static void add_slow_slot(struct vm *vm)
{
	if (mount("tracefs", TRACING, "tracefs", 0, NULL) && errno != EBUSY)
		row_die("tracefs: %s", strerrorname_np(errno));
	if (!stock_driver()) {
		end_of_probe(); /* an earlier run's */
		/* Tasks' names would take patches of the scheduler, on CPUs that run. */
		write_file(TRACING "options/record-cmd", "0\n");
		write_file(TRACING "kprobe_events", "r:found kvm_pfn_lookup\n");
		write_file(TRACING "events/kprobes/found/trigger", "stacktrace\n");
		write_file(TRACING "events/kprobes/found/enable", "1\n");
	}
	add_flip_slot(vm);
}

static void end_of_slow(struct vm *vm)
{
	unsigned long hits = 0;
	FILE *file;

	(void)vm;
	if (stock_driver())
		return;
	file = fopen(TRACING "kprobe_profile", "r");
	if (file) {
		if (fscanf(file, " found %lu", &hits) != 1)
			hits = 0;
		fclose(file);
	}
	row_check(hits >= FLIPS / 2, "slow faults: expected %u, saw %lu", FLIPS / 2, hits);
	end_of_probe();
}

/* Each time mmap() returns, no write of the guest's may reach the page that was there before. */
static void flip_pages(void)
{
	uint64_t before, seen[2] = { 0 }, stale = 0, i, spin;

	for (i = 0; i < FLIPS; i++) {
		volatile uint64_t *gone = flip_view + i % 2 * 512;
		volatile uint64_t *shown = flip_view + (i + 1) % 2 * 512;

		before = *shown;
		if (mmap(slot, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, flip_file,
			 (i + 1) % 2 * 4096) != slot)
			row_die("mmap over the page: %s", strerrorname_np(errno));
		seen[0] = *gone;
		/* Until the guest is at the new page, which takes a fault; then some more. */
		for (spin = 0; spin < 100000 && *shown == before && *gone == seen[0]; spin++)
			__builtin_ia32_pause();
		for (spin = 0; spin < 50; spin++)
			__builtin_ia32_pause();
		stale += *gone != seen[0];
		seen[1] += *shown != before;
	}
	expect_eq("pages that changed after they had been taken", stale, 0);
	if (seen[1] < FLIPS / 2)
		row_fail("the guest wrote to %llu of %u new pages only",
			 (unsigned long long)seen[1], FLIPS);
}

static void answer(struct vcpu *vcpu, uint64_t number)
{
	struct vm *vm = vcpu->vm;
	uint64_t i;

	switch (number) {
	case 1:
		compare_and_answer();
		break;
	case 2:
		pthread_create(&adder, NULL, add_thread, NULL);
		break;
	case 3:
		pthread_join(adder, NULL);
		break;
	case 10:
		drop(vm);
		break;
	case 11:
	case 13:
		place(vm, SLOT);
		break;
	case 12:
		place(vm, OTHER);
		break;
	case 20:
		drop(vm);
		nap();
		place(vm, SLOT);
		break;
	case 21:
		place(vm, OTHER);
		nap();
		place(vm, SLOT);
		break;
	case 23:
		for (i = 0; i < SIZE; i += 128 * 4096)
			expect_ok("MADV_DONTNEED", madvise(slot + i, 64 * 4096, MADV_DONTNEED));
		break;
	case 24:
		flip_pages();
		break;
	case 30:
		replace_page();
		break;
	case 31:
		expect_eq("what the guest wrote to the new page",
			  *(uint64_t *)(slot + 100 * 4096 + 8), 100);
		break;
	default:
		row_die("request %llu", (unsigned long long)number);
	}
}

static const struct test_row rows[] = {
	GUEST("shared-with-host", .entry = "shared_with_host", .setup = add_slot, .sync = answer),
	GUEST("atomic-with-host", .entry = "atomic_with_host", .setup = add_slot, .sync = answer),
	GUEST("slot-comes-and-goes", .entry = "slot_comes_and_goes", .setup = add_slot,
	      .sync = answer),
	GUEST("slot-moves", .entry = "slot_moves", .setup = add_slot, .sync = answer),
	GUEST("slot-churn", .entry = "slot_churn", .setup = add_slot, .sync = answer, .cpus = 2),
	GUEST("slot-churn-move", .entry = "slot_churn_move", .setup = add_slot, .sync = answer,
	      .cpus = 2),
	GUEST("slot-churn-huge", .entry = "slot_churn", .setup = add_huge_slot, .sync = answer,
	      .cpus = 2),
	GUEST("host-takes", .entry = "host_takes", .setup = add_slot, .sync = answer, .cpus = 2),
	GUEST("host-takes-huge", .entry = "host_takes", .setup = add_huge_slot, .sync = answer,
	      .cpus = 2),
	GUEST("host-flips", .entry = "host_flips", .setup = add_flip_slot, .sync = answer,
	      .cpus = 2),
	GUEST("host-flips-slowly", .entry = "host_flips", .setup = add_slow_slot, .sync = answer,
	      .check = end_of_slow, .cpus = 2),
	GUEST("huge-split", .entry = "huge_split", .setup = add_huge_slot, .sync = answer),
	GUEST("guest-1g-pages", .entry = "guest_1g_pages", .setup = add_slot),
	GUEST("small-pages", .entry = "small_pages", .setup = add_slot),
	GUEST("small-pages-huge", .entry = "small_pages", .setup = add_huge_slot),
	GUEST("fault-together", .entry = "fault_together", .setup = add_slot, .cpus = 4),
	GUEST("fault-together-huge", .entry = "fault_together", .setup = add_huge_slot, .cpus = 4),
	GUEST("code-in-slot", .entry = "code_in_slot", .setup = add_slot, .sync = answer),
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
