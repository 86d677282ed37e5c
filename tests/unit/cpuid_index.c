// SPDX-License-Identifier: GPL-2.0-only
/* CPUID entries: found whatever their order, and answered as hardware does where there are none. */

#include <stdlib.h>

#include "cpuid_index.h"
#include "tap.h"

#define SIG KVM_CPUID_FLAG_SIGNIFCANT_INDEX
#define NR(a) (sizeof(a) / sizeof((a)[0]))

static struct cpuid_index x;

static struct kvm_cpuid_entry2 entry(u32 function, u32 index, u32 flags, u32 eax)
{
	struct kvm_cpuid_entry2 e = { .function = function, .index = index, .flags = flags };

	e.eax = eax;
	return e;
}

/* A guest's CPUID in no order at all; EAX names the entry. */
static void shuffled(void)
{
	struct kvm_cpuid_entry2 e[] = {
		entry(0xd, 2, SIG, 0xd2), entry(0x80000000, 0, 0, 0x80000008),
		entry(7, 0, SIG, 0x70),	  entry(0x40000000, 0, 0, 0x40000001),
		entry(0xd, 0, SIG, 0xd0), entry(0, 0, 0, 0xd),
		entry(7, 1, SIG, 0x71),	  entry(0x40000100, 0, 0, 0x40000101),
		entry(1, 0, 0, 0x11),	  entry(0xc0000000, 0, 0, 0xc0000000),
		entry(0xd, 1, SIG, 0xd1), entry(0x80000008, 0, 0, 0x88),
	};
	static const struct { u32 function, index, eax; } want[] = {
		{ 0, 0, 0xd }, { 1, 0, 0x11 }, { 1, 5, 0x11 }, { 7, 0, 0x70 }, { 7, 1, 0x71 },
		{ 0xd, 0, 0xd0 }, { 0xd, 1, 0xd1 }, { 0xd, 2, 0xd2 }, { 0x40000000, 9, 0x40000001 },
		{ 0x40000100, 0, 0x40000101 }, { 0x80000000, 0, 0x80000008 },
		{ 0x80000008, 0, 0x88 },
		{ 0xc0000000, 0, 0xc0000000 },
	};
	static const struct { u32 function, index; } none[] = {
		{ 2, 0 }, { 7, 2 }, { 0xd, 3 }, { 0xe, 0 }, { 0x2f, 0 }, { 0x30, 0 },
		{ 0x3fffffff, 0 },
		{ 0x40000001, 0 }, { 0x40000101, 0 }, { 0x7fffffff, 0 }, { 0x80000001, 0 },
		{ 0x80000030, 0 }, { 0xc0000001, 0 }, { 0xffffffff, 0xffffffff },
	};
	struct kvm_cpuid_entry2 *f;
	size_t i;

	cpuid_index_build(&x, e, NR(e));
	for (i = 0; i < NR(want); i++) {
		f = cpuid_index_find(&x, e, want[i].function, want[i].index);
		tap_ok(f && f->eax == want[i].eax, "%#x.%u: expected entry %#x, saw %#x",
		       want[i].function, want[i].index, want[i].eax, f ? f->eax : 0);
	}
	for (i = 0; i < NR(none); i++) {
		f = cpuid_index_find(&x, e, none[i].function, none[i].index);
		tap_ok(!f, "%#x.%u: expected none, saw %#x", none[i].function, none[i].index,
		       f ? f->eax : 0);
	}
}

/* Of several entries that fit, the first that was given counts. */
static void duplicates(void)
{
	struct kvm_cpuid_entry2 e[] = { entry(4, 0, SIG, 1), entry(0, 0, 0, 4), entry(4, 0, SIG, 2),
					entry(4, 0, 0, 3) };
	struct kvm_cpuid_entry2 *f;

	cpuid_index_build(&x, e, NR(e));
	f = cpuid_index_find(&x, e, 4, 0);
	tap_eq(f ? f->eax : 0, 1, "the first of duplicates");
	f = cpuid_index_find(&x, e, 4, 1);
	tap_eq(f ? f->eax : 0, 3, "an entry without subleaves answers all of them");
}

static void out_of_range(void)
{
	struct kvm_cpuid_entry2 e[] = {
		entry(0, 0, 0, 0xd), entry(1, 0, 0, 1), entry(0xd, 0, SIG, 0xd0),
		entry(0xd, 1, SIG, 0xd1), entry(0x40000000, 0, 0, 0x40000001),
		entry(0x80000000, 0, 0, 0x80000008),
	};
	static const struct { u32 function, index; bool amd; u32 eax; const char *what; } rows[] = {
		{ 0xe, 0, false, 0xd0, "Intel: above the highest basic leaf: that leaf" },
		{ 0xe, 1, false, 0xd1, "Intel: with the subleaf asked for" },
		{ 0xe, 7, false, 0, "Intel: zeros where the highest leaf lacks the subleaf" },
		{ 0x80000009, 0, false, 0xd0, "Intel: above the highest extended leaf" },
		{ 0x40000002, 0, false, 0xd0, "Intel: above the hypervisor's highest leaf" },
		{ 0x40000100, 0, false, 0xd0, "Intel: no such hundred of the hypervisor's" },
		{ 0xc0000000, 0, false, 0xd0, "Intel: no Centaur leaves" },
		{ 5, 0, false, 0, "Intel: missing within the basic range" },
		{ 0x80000003, 0, false, 0, "Intel: missing within the extended range" },
		{ 0x40000001, 0, false, 0, "Intel: missing within the hypervisor's range" },
		{ 0xe, 0, true, 0, "AMD: above the highest basic leaf: zeros" },
		{ 0x80000009, 0, true, 0, "AMD: above the highest extended leaf: zeros" },
	};
	struct kvm_cpuid_entry2 *f;
	size_t i;

	cpuid_index_build(&x, e, NR(e));
	for (i = 0; i < NR(rows); i++) {
		f = cpuid_index_nearest(&x, e, rows[i].function, rows[i].index, rows[i].amd);
		tap_eq(f ? f->eax : 0, rows[i].eax, rows[i].what);
	}
	cpuid_index_build(&x, e + 1, NR(e) - 1);
	tap_ok(!cpuid_index_nearest(&x, e + 1, 0xe, 0, false), "no leaf 0: zeros");
	cpuid_index_build(&x, NULL, 0);
	tap_ok(!cpuid_index_find(&x, NULL, 0, 0) && !cpuid_index_find(&x, NULL, 0x50, 0),
	       "no entries: none found");
}

/* As many entries as there may be, at random, against a search from the start. */
static void random_entries(void)
{
	static struct kvm_cpuid_entry2 e[CPUID_INDEX_MAX];
	static const u32 bases[] = { 0, 0x20, 0x40000000, 0x40000100, 0x80000000, 0xc0000000 };
	unsigned int i, j, round, wrong = 0, found = 0;
	u32 function, index;

	srandom(1);
	for (round = 0; round < 50; round++) {
		for (i = 0; i < NR(e); i++)
			e[i] = entry(bases[random() % NR(bases)] + random() % 24, random() % 4,
				     random() % 2 ? SIG : 0, i);
		cpuid_index_build(&x, e, NR(e));
		for (j = 0; j < 1000; j++) {
			struct kvm_cpuid_entry2 *f, *expect = NULL;

			function = bases[random() % NR(bases)] + random() % 26;
			index = random() % 5;
			for (i = 0; i < NR(e) && !expect; i++)
				if (e[i].function == function &&
				    (!(e[i].flags & SIG) || e[i].index == index))
					expect = &e[i];
			f = cpuid_index_find(&x, e, function, index);
			wrong += f != expect;
			found += !!expect;
		}
	}
	tap_ok(!wrong, "random entries: expected no wrong answer, saw %u", wrong);
	tap_ok(found > 10000, "random entries: expected thousands found, saw %u", found);
}

int main(void)
{
	shuffled();
	duplicates();
	out_of_range();
	random_entries();
	return tap_done();
}
