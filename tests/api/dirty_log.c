// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log of written pages: what is refused, and that it holds just the pages that were written, by
 * the guest or by the driver, since it was last asked.
 *
 * Guests here are a few bytes of 32-bit code at 0x8000, with flat segments and without paging.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "row.h"
#include "stats.h"
#include "vm.h"

#define PAGE 4096ull
#define MiB (1ull << 20)
#define SLOT 0x10000000ull	/* slot 1 */
#define OTHER 0x20000000ull	/* slot 2 */
#define PAGES 4000u		/* of slot 1: not a multiple of 64 */
#define WORDS ((PAGES + 63) / 64)
#define LIST 0x9000		/* addresses for the guest to write to */
#define LOGGED KVM_MEM_LOG_DIRTY_PAGES
#define MANUAL KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE
#define ALL_SET KVM_DIRTY_LOG_INITIALLY_SET

#define MSR_WALL_CLOCK 0x4b564d00
#define MSR_SYSTEM_TIME 0x4b564d01
#define MSR_STEAL_TIME 0x4b564d03

static struct vm *vm;
static struct vcpu *vcpu;
static uint8_t *memory;		/* 16 MiB, aligned to 2 MiB */
static uint64_t bitmap[WORDS];

/* Count up at each address of the list at %ebx, %ecx times. */
static const uint8_t write_code[] = {
	0x8b, 0x06,			/* again: mov (%esi), %eax */
	0x83, 0xc6, 0x04,		/* add $4, %esi */
	0x85, 0xc0,			/* test %eax, %eax */
	0x74, 0x04,			/* je end */
	0xff, 0x00,			/* incl (%eax) */
	0xeb, 0xf3,			/* jmp again */
	0x89, 0xde,			/* end: mov %ebx, %esi */
	0x49,				/* dec %ecx */
	0x75, 0xee,			/* jnz again */
	0xf4,				/* hlt */
};

static void setup(int advice)
{
	uint8_t *raw = mmap(NULL, 18 * MiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	if (raw == MAP_FAILED)
		row_die("mmap: %s", strerrorname_np(errno));
	memory = (uint8_t *)(((uintptr_t)raw + 2 * MiB - 1) & ~(2 * MiB - 1));
	expect_ok("madvise", madvise(memory, 16 * MiB, advice));
	/* Read by the guest first it would be the zero page, and small from then on. */
	if (advice == MADV_HUGEPAGE)
		memset(memory, 0, 16 * MiB);
	vm = vm_new_ram();
	vcpu = vm_add_vcpu(vm, 0);
}

static void manual(uint64_t flags)
{
	expect_ok("KVM_ENABLE_CAP", vm_enable_cap(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, flags));
}

static int set_slot(unsigned int flags)
{
	return vm_set_slot(vm, 1, SLOT, PAGES * PAGE, memory, flags);
}

static int get(unsigned int slot, void *to)
{
	struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = to };

	return ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log);
}

static int clear(unsigned int slot, uint64_t first, uint32_t num, void *from)
{
	struct kvm_clear_dirty_log log = {
		.slot = slot, .first_page = first, .num_pages = num, .dirty_bitmap = from,
	};

	return ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &log);
}

static void start(const void *code, size_t bytes, const struct kvm_regs *with)
{
	struct kvm_regs regs;

	memcpy(vm_ptr(vm, GUEST_REAL, bytes), code, bytes);
	vcpu_set_mode(vcpu, MODE_PROT32, GUEST_REAL, 0x7000);
	regs = *with;
	regs.rip = GUEST_REAL;
	regs.rsp = 0x7000;
	regs.rflags = 2;
	expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &regs));
}

/* The guest is to count up in these pages behind @base, so often; the list ends with ~0. */
static void start_writes(uint64_t base, const unsigned int *page, unsigned int times)
{
	const struct kvm_regs regs = { .rbx = LIST, .rsi = LIST, .rcx = times };
	uint32_t *list = vm_ptr(vm, LIST, PAGE);
	unsigned int n;

	for (n = 0; page[n] != ~0u; n++)
		list[n] = base + page[n] * PAGE + 8;
	list[n] = 0;
	start(write_code, sizeof(write_code), &regs);
}

static void guest_writes(uint64_t base, const unsigned int *page)
{
	start_writes(base, page, 1);
	vcpu_run_until(vcpu, KVM_EXIT_HLT);
}

#define PAGE_LIST(...) ((const unsigned int[]){ __VA_ARGS__, ~0u })

/* Exactly these pages are in a bitmap. */
static void expect_pages(const char *what, const uint64_t *seen, const unsigned int *page)
{
	uint64_t want[WORDS] = { 0 };
	unsigned int i;

	for (i = 0; page[i] != ~0u; i++)
		want[page[i] / 64] |= 1ull << page[i] % 64;
	for (i = 0; i < WORDS; i++)
		expect_true(seen[i] == want[i], "%s: pages from %u: expected 0x%llx, saw 0x%llx",
			    what, i * 64, (unsigned long long)want[i],
			    (unsigned long long)seen[i]);
}

static void expect_log(const char *what, const unsigned int *page)
{
	memset(bitmap, 0xa5, sizeof(bitmap));
	expect_ok("KVM_GET_DIRTY_LOG", get(1, bitmap));
	expect_pages(what, bitmap, page);
}

static const unsigned int none[] = { ~0u };

/* --- the ABI ---------------------------------------------------------------------------------- */

static void errors(const void *arg)
{
	(void)arg;
	setup(MADV_NOHUGEPAGE);
	expect_errno("get, no slot", get(1, bitmap), ENOENT);
	expect_errno("clear, no slot", clear(1, 0, 64, bitmap), ENOENT);
	expect_ok("slot", set_slot(0));
	expect_errno("get, not logged", get(1, bitmap), ENOENT);
	expect_errno("clear, not logged", clear(1, 0, 64, bitmap), ENOENT);
	expect_ok("log", set_slot(LOGGED));
	expect_errno("get, slot 65535", get(0xffff, bitmap), EINVAL);
	expect_errno("clear, slot 65535", clear(0xffff, 0, 64, bitmap), EINVAL);
	expect_errno("get, another address space", get(9 << 16 | 1, bitmap), EINVAL);
	expect_errno("get to nowhere", get(1, (void *)8), EFAULT);
	expect_errno("clear from nowhere", clear(1, 0, 64, (void *)8), EFAULT);
	expect_ok("log no more", set_slot(0));
	expect_errno("get, not logged any more", get(1, bitmap), ENOENT);
	expect_ok("log", set_slot(LOGGED));
	expect_ok("delete", vm_set_slot(vm, 1, 0, 0, NULL, 0));
	expect_errno("get, deleted", get(1, bitmap), ENOENT);
}

static void clear_ranges(const void *arg)
{
	(void)arg;
	setup(MADV_NOHUGEPAGE);
	expect_ok("slot", set_slot(LOGGED));
	memset(bitmap, 0xff, sizeof(bitmap));
	expect_ok("all", clear(1, 0, PAGES, bitmap));
	expect_ok("the last word", clear(1, PAGES / 64 * 64, PAGES % 64, bitmap));
	expect_ok("64 in the middle", clear(1, 128, 64, bitmap));
	expect_ok("none", clear(1, 128, 0, bitmap));
	expect_errno("from page 1", clear(1, 1, 64, bitmap), EINVAL);
	expect_errno("from page 32", clear(1, 32, 64, bitmap), EINVAL);
	expect_errno("63 pages in the middle", clear(1, 64, 63, bitmap), EINVAL);
	expect_errno("part of the last word", clear(1, PAGES / 64 * 64, 1, bitmap), EINVAL);
	expect_errno("beyond the end", clear(1, 0, WORDS * 64, bitmap), EINVAL);
	expect_errno("from beyond the end", clear(1, WORDS * 64, 64, bitmap), EINVAL);
	expect_errno("far beyond the end", clear(1, 1ull << 40, 64, bitmap), EINVAL);
	expect_errno("a range that wraps", clear(1, -64ull, 128, bitmap), EINVAL);
	expect_errno("a range that wraps to 0", clear(1, -64ull, 64, bitmap), EINVAL);
}

static void capability(const void *arg)
{
	static const struct {
		const char *name;
		uint32_t flags;
		uint64_t arg;
		int want;
	} row[] = {
		{ "manual", 0, MANUAL, 0 },
		{ "manual, all set", 0, MANUAL | ALL_SET, 0 },
		{ "off", 0, 0, 0 },
		{ "all set alone", 0, ALL_SET, EINVAL },
		{ "an unknown bit", 0, MANUAL | 4, EINVAL },
		{ "a high bit", 0, MANUAL | 1ull << 32, EINVAL },
		{ "flags", 1, MANUAL, EINVAL },
	};
	size_t i;

	(void)arg;
	setup(MADV_NOHUGEPAGE);
	expect_eq("KVM_CHECK_EXTENSION", kvm_cap(vm->fd, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2),
		  MANUAL | ALL_SET);
	for (i = 0; i < ARRAY_SIZE(row); i++) {
		struct kvm_enable_cap cap = {
			.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
			.flags = row[i].flags,
			.args = { row[i].arg },
		};

		expect_errno(row[i].name, ioctl(vm->fd, KVM_ENABLE_CAP, &cap), row[i].want);
	}
}

/* --- what the guest writes -------------------------------------------------------------------- */

static void guest_pages(const void *arg)
{
	const int *advice = arg;
	unsigned int i;

	setup(*advice);
	expect_ok("slot", set_slot(0));
	/* Mapped and writable before logging begins. */
	guest_writes(SLOT, PAGE_LIST(0, 1, 63, 64, 700, 1500, 3999));
	expect_ok("log", set_slot(LOGGED));
	expect_log("nothing written", none);
	for (i = 0; i < 3; i++) {
		guest_writes(SLOT, PAGE_LIST(0, 63, 64, 513, 700, 701, 1500, 3999));
		expect_log("written", PAGE_LIST(0, 63, 64, 513, 700, 701, 1500, 3999));
		expect_log("nothing since", none);
	}
	guest_writes(SLOT, PAGE_LIST(700));
	guest_writes(SLOT, PAGE_LIST(5));
	expect_log("two runs", PAGE_LIST(5, 700));
	expect_ok("log no more", set_slot(0));
	guest_writes(SLOT, PAGE_LIST(0, 512, 3999));
	expect_ok("log anew", set_slot(LOGGED));
	expect_log("a new log", none);
	guest_writes(SLOT, PAGE_LIST(3999, 2));
	expect_log("written", PAGE_LIST(2, 3999));
	expect_eq("the guest's count in page 700", *(uint32_t *)(memory + 700 * PAGE + 8), 5);
}

static void two_slots(const void *arg)
{
	(void)arg;
	setup(MADV_NOHUGEPAGE);
	expect_ok("slot 1", set_slot(LOGGED));
	/* The same memory: a log is of guest pages. */
	expect_ok("slot 2", vm_set_slot(vm, 2, OTHER, PAGES * PAGE, memory, LOGGED));
	guest_writes(SLOT, PAGE_LIST(1, 70));
	guest_writes(OTHER, PAGE_LIST(1, 2, 3998));
	expect_log("slot 1", PAGE_LIST(1, 70));
	guest_writes(SLOT, PAGE_LIST(9));
	expect_ok("KVM_GET_DIRTY_LOG", get(2, bitmap));
	expect_pages("slot 2", bitmap, PAGE_LIST(1, 2, 3998));
	expect_log("slot 1 again", PAGE_LIST(9));
	expect_ok("slot 2 not logged", vm_set_slot(vm, 2, OTHER, PAGES * PAGE, memory, 0));
	guest_writes(OTHER, PAGE_LIST(1));
	guest_writes(SLOT, PAGE_LIST(4));
	expect_log("slot 1 alone", PAGE_LIST(4));
}

/* A log goes along with its slot. */
static void moved(const void *arg)
{
	(void)arg;
	setup(MADV_NOHUGEPAGE);
	expect_ok("slot", set_slot(LOGGED));
	guest_writes(SLOT, PAGE_LIST(3, 65));
	expect_ok("move", vm_set_slot(vm, 1, OTHER, PAGES * PAGE, memory, LOGGED));
	guest_writes(OTHER, PAGE_LIST(66));
	expect_log("before and after", PAGE_LIST(3, 65, 66));
	guest_writes(OTHER, PAGE_LIST(65));
	expect_log("after", PAGE_LIST(65));
}

static void by_hand(const void *arg)
{
	const int *advice = arg;
	uint64_t mask = 1ull << 6;

	setup(*advice);
	manual(MANUAL);
	expect_ok("slot", set_slot(0));
	guest_writes(SLOT, PAGE_LIST(0, 600, 1300));
	expect_ok("log", set_slot(LOGGED));
	guest_writes(SLOT, PAGE_LIST(70, 71, 600));
	expect_log("written", PAGE_LIST(70, 71, 600));
	expect_log("get clears nothing", PAGE_LIST(70, 71, 600));
	expect_ok("clear page 70", clear(1, 64, 64, &mask));
	expect_log("cleared", PAGE_LIST(71, 600));
	guest_writes(SLOT, PAGE_LIST(70));
	expect_log("written again", PAGE_LIST(70, 71, 600));
	mask = 1;
	expect_ok("clear a page that isn't in the log", clear(1, 64, 64, &mask));
	expect_log("the same", PAGE_LIST(70, 71, 600));
	expect_ok("clear all", clear(1, 0, PAGES, bitmap));
	expect_log("empty", none);
	guest_writes(SLOT, PAGE_LIST(71, 1300));
	expect_log("written", PAGE_LIST(71, 1300));
}

static void initially_set(const void *arg)
{
	const int *advice = arg;
	unsigned int i;

	setup(*advice);
	manual(MANUAL | ALL_SET);
	expect_ok("slot", set_slot(0));
	guest_writes(SLOT, PAGE_LIST(0, 600, 1300));
	expect_ok("log", set_slot(LOGGED));
	expect_ok("KVM_GET_DIRTY_LOG", get(1, bitmap));
	for (i = 0; i < PAGES / 64; i++)
		expect_eq("64 pages", bitmap[i], ~0ull);
	expect_eq("the last ones", bitmap[i], (1ull << PAGES % 64) - 1);
	guest_writes(SLOT, PAGE_LIST(0, 600, 1301));
	expect_ok("clear all", clear(1, 0, PAGES, bitmap));
	expect_log("empty", none);
	guest_writes(SLOT, PAGE_LIST(0, 599, 601, 3999));
	expect_log("written", PAGE_LIST(0, 599, 601, 3999));
}

static void *run_guest(void *arg)
{
	(void)arg;
	vcpu_run_until(vcpu, KVM_EXIT_HLT);
	return NULL;
}

/* Copy what the log says. Return: how many pages. */
static unsigned int copy_pages(uint8_t *copy)
{
	unsigned int i, count = 0;

	if (get(1, bitmap))
		row_die("KVM_GET_DIRTY_LOG: %s", strerrorname_np(errno));
	for (i = 0; i < PAGES; i++) {
		if (!(bitmap[i / 64] >> i % 64 & 1))
			continue;
		memcpy(copy + i * PAGE, memory + i * PAGE, PAGE);
		count++;
	}
	return count;
}

/* What a migration does: copy what the log says as the guest runs, and once more when it stands. */
static void no_write_lost(const void *arg)
{
	static unsigned int page[200 + 1];
	unsigned int i, wrong = 0, rounds = 0;
	uint8_t *copy = calloc(PAGES, PAGE);
	time_t end = time(NULL) + 30;
	pthread_t thread;

	(void)arg;
	if (!copy)
		row_die("calloc");
	setup(MADV_NOHUGEPAGE);
	expect_ok("slot", set_slot(LOGGED));
	for (i = 0; i < 200; i++)
		page[i] = i * 19;
	page[200] = ~0u;
	start_writes(SLOT, page, 1000000);
	pthread_create(&thread, NULL, run_guest, NULL);
	while (rounds < 500 && time(NULL) < end)
		rounds += !!copy_pages(copy);
	/* An empty list: the guest's other rounds write nothing. */
	*(volatile uint32_t *)vm_ptr(vm, LIST, 4) = 0;
	pthread_join(thread, NULL);
	copy_pages(copy);
	for (i = 0; i < PAGES; i++)
		wrong += !!memcmp(copy + i * PAGE, memory + i * PAGE, PAGE);
	expect_eq("pages that differ from their copy", wrong, 0);
	expect_true(rounds > 1, "expected some rounds of copying, saw %u", rounds);
	row_log("%u rounds", rounds);
}

/* Does guest mode note down what it writes (Intel's page-modification logging)? */
static bool host_notes_writes(void)
{
	char value = 'N';
	FILE *f = fopen("/sys/module/kvm_intel/parameters/pml", "re");

	if (f) {
		value = fgetc(f);
		fclose(f);
	}
	return value == 'Y';
}

/*
 * Pages that are written again after the log was taken: a fault for each, or none, where guest mode
 * notes them down. They are more than it has room for, 512.
 */
static void written_again(const void *arg)
{
	static unsigned int page[700 + 1];
	unsigned int i, round;
	uint64_t faults;
	struct stats s;

	(void)arg;
	setup(MADV_NOHUGEPAGE);
	for (i = 0; i < 700; i++)
		page[i] = i * 5;
	page[700] = ~0u;
	expect_ok("slot", set_slot(LOGGED));
	guest_writes(SLOT, page);
	expect_log("written", page);
	s = stats_open(vcpu->fd);
	for (round = 0; round < 3; round++) {
		faults = stats_get(&s, "pf_taken");
		guest_writes(SLOT, page);
		expect_log("written again", page);
		stats_read(&s);
		faults = stats_get(&s, "pf_taken") - faults;
		expect_eq("faults", faults, host_notes_writes() ? 0 : 700);
		expect_log("nothing since", none);
	}
}

/* Each time that the word at %esi changes, count up at %eax; it is -1 at the end. */
static const uint8_t turn_code[] = {
	0xc7, 0x46, 0x04, 1, 0, 0, 0, /* movl $1, 4(%esi): here we are */
	0x39, 0x0e, /* again: cmp %ecx, (%esi) */
	0x74, 0xfc, /* je again */
	0x8b, 0x0e, /* mov (%esi), %ecx */
	0xff, 0x00, /* incl (%eax) */
	0x83, 0xf9, 0xff, /* cmp $-1, %ecx */
	0x75, 0xf3, /* jne again */
	0xf4, /* hlt */
};

static void await(const char *what, const volatile uint32_t *word, uint32_t value)
{
	time_t end = time(NULL) + 60;

	while (*word != value)
		if (time(NULL) > end)
			row_die("%s: expected %u, saw %u after a minute", what, value, *word);
}

/* The guest never leaves guest mode by itself: logging begins, and what it writes is told. */
static void while_it_runs(const void *arg)
{
	volatile uint32_t *turn, *count;
	const struct kvm_regs regs = { .rsi = LIST, .rax = SLOT + 70 * PAGE + 8 };
	pthread_t thread;
	unsigned int i;

	(void)arg;
	setup(MADV_NOHUGEPAGE);
	expect_ok("slot", set_slot(0));
	turn = vm_ptr(vm, LIST, 8);
	turn[0] = turn[1] = 0;
	count = (void *)(memory + 70 * PAGE + 8);
	start(turn_code, sizeof(turn_code), &regs);
	pthread_create(&thread, NULL, run_guest, NULL);
	await("the guest's word", &turn[1], 1);
	expect_ok("log", set_slot(LOGGED));
	for (i = 1; i <= 30; i++) {
		expect_log("nothing since", none);
		turn[0] = i;
		await("the guest's count", count, i);
		expect_log("written", PAGE_LIST(70));
	}
	turn[0] = ~0u;
	pthread_join(thread, NULL);
	expect_log("written at the end", PAGE_LIST(70));
}

/* --- what the driver writes ------------------------------------------------------------------- */

/* The driver's words for the guest: an MSR says in which page. */
static void driver_writes(const void *arg)
{
	static const struct {
		const char *name;
		uint32_t msr;
		unsigned int bit;	/* of CPUID 0x40000001 EAX: it is offered */
		unsigned int page;
		uint64_t enable;
	} row[] = {
		{ "wall clock", MSR_WALL_CLOCK, 0, 3, 0 },
		{ "kvmclock", MSR_SYSTEM_TIME, 0, 67, 1 },
		{ "steal time", MSR_STEAL_TIME, 5, 200, 1 },
	};
	size_t i;

	(void)arg;
	setup(MADV_NOHUGEPAGE);
	expect_ok("slot", set_slot(LOGGED));
	for (i = 0; i < ARRAY_SIZE(row); i++) {
		uint64_t value = SLOT + row[i].page * PAGE + 64;

		if (!guest_has(vm->kvm, 0x40000001, 0, 'a', row[i].bit))
			continue;
		expect_log("nothing yet", none);
		expect_true(vcpu_set_msr(vcpu, row[i].msr, value | row[i].enable) == 1,
			    "%s: MSR refused", row[i].name);
		guest_writes(SLOT, none);
		expect_log(row[i].name, PAGE_LIST(row[i].page));
		if (row[i].enable)
			vcpu_set_msr(vcpu, row[i].msr, 0);
		guest_writes(SLOT, none);
		expect_ok("KVM_GET_DIRTY_LOG", get(1, bitmap));
	}
}

static const uint8_t movsb[] = { 0xa4, 0xf4 };		/* movsb; hlt */
static const uint8_t rep_insb[] = { 0xf3, 0x6c, 0xf4 };	/* rep insb; hlt */

static void run_to_hlt(void)
{
	unsigned int i;

	for (i = 0; i < 100; i++) {
		if (vcpu_run(vcpu) < 0)
			row_die("KVM_RUN: %s", strerrorname_np(errno));
		if (vcpu->run->exit_reason == KVM_EXIT_HLT)
			return;
	}
	row_die("expected HLT, saw %s", exit_name(vcpu->run->exit_reason));
}

/* Instructions that the driver carries out, since a device is at their other end. */
static void emulated_writes(const void *arg)
{
	const struct kvm_regs copy = { .rsi = GUEST_MMIO, .rdi = SLOT + 130 * PAGE };
	const struct kvm_regs across = { .rdi = SLOT + 300 * PAGE - 2, .rcx = 4, .rdx = 0x10 };

	(void)arg;
	setup(MADV_NOHUGEPAGE);
	expect_ok("slot", set_slot(LOGGED));
	start(movsb, sizeof(movsb), &copy);
	run_to_hlt();
	expect_log("a byte from a device", PAGE_LIST(130));
	start(rep_insb, sizeof(rep_insb), &across);
	run_to_hlt();
	expect_log("bytes from a port, into two pages", PAGE_LIST(299, 300));
	start(movsb, sizeof(movsb), &copy);
	run_to_hlt();
	expect_log("once more", PAGE_LIST(130));
}

/* The guest's page tables: the driver's own walk sets accessed and dirty. */
static void walk_writes(const void *arg)
{
	const struct kvm_regs regs = {
		.rip = GUEST_REAL, .rsi = GUEST_MMIO, .rdi = 0x800000, .rflags = 2,
	};
	uint64_t log[GUEST_RAM / PAGE / 64];
	uint32_t *pd;
	unsigned int i;

	(void)arg;
	setup(MADV_NOHUGEPAGE);
	expect_ok("log of the guest's memory",
		  vm_set_slot(vm, 0, 0, GUEST_RAM, vm_ptr(vm, 0, 1), LOGGED));
	pd = vm_ptr(vm, GUEST_PD32, PAGE);
	for (i = 0; i < 1024; i++)
		pd[i] |= 0x60;
	pd[2] &= ~0x60u;
	memcpy(vm_ptr(vm, GUEST_REAL, sizeof(movsb)), movsb, sizeof(movsb));
	vcpu_set_mode(vcpu, MODE_PAGED32, GUEST_REAL, 0x7000);
	expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &regs));
	expect_ok("KVM_GET_DIRTY_LOG", get(0, log));
	run_to_hlt();
	expect_eq("the entry's accessed and dirty bits", pd[2] & 0x60, 0x60);
	expect_ok("KVM_GET_DIRTY_LOG", get(0, log));
	expect_eq("the page directory is in the log", log[0] >> (GUEST_PD32 / PAGE) & 1, 1);
	expect_eq("the page written to is", log[0x800000 / PAGE / 64] & 1, 1);
}

static const int small = MADV_NOHUGEPAGE, huge = MADV_HUGEPAGE;

static const struct test_row rows[] = {
	{ .name = "errors", .run = errors },
	{ .name = "clear-ranges", .run = clear_ranges },
	{ .name = "capability", .run = capability },
	{ .name = "guest-pages", .run = guest_pages, .arg = &small },
	{ .name = "guest-pages-huge", .run = guest_pages, .arg = &huge },
	{ .name = "two-slots", .run = two_slots },
	{ .name = "moved", .run = moved },
	{ .name = "by-hand", .run = by_hand, .arg = &small },
	{ .name = "by-hand-huge", .run = by_hand, .arg = &huge },
	{ .name = "initially-set", .run = initially_set, .arg = &small },
	{ .name = "initially-set-huge", .run = initially_set, .arg = &huge },
	{ .name = "no-write-lost", .run = no_write_lost },
	{ .name = "written-again", .run = written_again },
	{ .name = "while-it-runs", .run = while_it_runs },
	{ .name = "driver-writes", .run = driver_writes },
	{ .name = "emulated-writes", .run = emulated_writes },
	{ .name = "walk-writes", .run = walk_writes },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
