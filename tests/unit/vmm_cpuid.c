// SPDX-License-Identifier: GPL-2.0-only
/* The guest's CPUID: the topology that vmm writes into what KVM supports. */
#include <stdlib.h>
#include <string.h>

#include "cpuid.h"
#include "tap.h"

#define MAX 16

static struct kvm_cpuid2 *table(void)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + MAX * sizeof(c->entries[0]));

	if (!c)
		abort();
	return c;
}

static struct kvm_cpuid_entry2 *add(struct kvm_cpuid2 *c, __u32 function, __u32 index, bool indexed)
{
	struct kvm_cpuid_entry2 *e = &c->entries[c->nent++];

	e->function = function;
	e->index = index;
	e->flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0;
	return e;
}

static struct kvm_cpuid2 *amd(void)
{
	struct kvm_cpuid2 *c = table();
	struct kvm_cpuid_entry2 *e;

	e = add(c, 0, 0, false);
	e->eax = 0xd;
	e->ebx = 0x68747541;
	e = add(c, 1, 0, false);
	e->ebx = 0x07100800;
	e->ecx = 1u << 21;
	add(c, 0xb, 0, true)->ecx = 0x100;
	add(c, 0xb, 1, true)->ecx = 0x201;
	add(c, 0xb, 2, true);
	add(c, 0x1f, 0, true);
	add(c, 0x80000001, 0, false);
	e = add(c, 0x80000008, 0, false);
	e->eax = 0x3028;
	e->ecx = 0x7007;
	e = add(c, 0x8000001d, 3, true);
	e->eax = 0x163;
	add(c, 0x8000001e, 0, false)->eax = 7;
	return c;
}

static unsigned int count(const struct kvm_cpuid2 *c, __u32 function)
{
	unsigned int i, n = 0;

	for (i = 0; i < c->nent; i++)
		n += c->entries[i].function == function;
	return n;
}

static void test_amd(void)
{
	struct kvm_cpuid2 *sup = amd(), *c = cpuid_for_vcpu(sup, 2, 3, true);
	const struct kvm_cpuid_entry2 *e;

	e = cpuid_find(c, 1, 0);
	tap_eq(e->ebx, 0x02040800, "leaf 1: APIC ID 2, IDs for 4, the rest kept");
	tap_eq(e->ecx, 1u << 31 | 1u << 24 | 1u << 21, "hypervisor, TSC deadline, what was there");
	tap_eq(e->edx, 1u << 28, "more than one processor");
	tap_eq(count(c, 0xb), 2, "leaf 0xb has two subleaves");
	e = cpuid_find(c, 0xb, 0);
	tap_ok(e->eax == 0 && e->ebx == 1 && e->ecx == 0x100 && e->edx == 2, "one thread per core");
	e = cpuid_find(c, 0xb, 1);
	tap_ok(e->eax == 2 && e->ebx == 3 && e->ecx == 0x201 && e->edx == 2, "three cores");
	tap_eq(count(c, 0x1f), 0, "no leaf 0x1f");
	tap_eq(cpuid_find(c, 0x80000001, 0)->ecx, 2, "multi-core legacy mode");
	tap_eq(cpuid_find(c, 0x80000008, 0)->ecx, 0x2002, "three cores, two bits of ID");
	tap_eq(cpuid_find(c, 0x8000001d, 3)->eax, 0x163 | 2 << 14, "a third-level cache for three");
	tap_eq(cpuid_find(c, 0x8000001e, 0)->eax, 2, "extended APIC ID");
	tap_eq(cpuid_phys_bits(c), 40, "width of addresses");
	free(c);
	c = cpuid_for_vcpu(sup, 0, 1, false);
	e = cpuid_find(c, 1, 0);
	tap_eq(e->ebx, 0x00010800, "a single processor");
	tap_eq(e->edx, 0, "doesn't claim more");
	tap_eq(e->ecx & 1u << 24, 0, "no TSC deadline unless KVM has it");
	free(c);
	c = cpuid_for_vcpu(sup, 299, 300, true);
	tap_eq(cpuid_find(c, 1, 0)->ebx >> 16, 299 % 256 << 8 | 255,
	       "300 processors: leaf 1 saturates");
	tap_eq(cpuid_find(c, 0xb, 1)->edx, 299, "leaf 0xb doesn't");
	free(c);
	free(sup);
}

static void test_intel(void)
{
	struct kvm_cpuid2 *sup = table(), *c;
	struct kvm_cpuid_entry2 *e;

	e = add(sup, 0, 0, false);
	e->eax = 0xb;
	e->ebx = 0x756e6547;
	add(sup, 1, 0, false);
	add(sup, 4, 0, true)->eax = 0xfc004121;
	add(sup, 4, 3, true)->eax = 0xfc1fc163;
	add(sup, 4, 4, true);
	add(sup, 0x80000001, 0, false);
	add(sup, 0x80000008, 0, false)->eax = 0x3027;
	c = cpuid_for_vcpu(sup, 1, 4, true);
	tap_eq(cpuid_find(c, 4, 0)->eax, 3 << 26 | 0x121,
	       "first-level cache: a core's own, four cores");
	tap_eq(cpuid_find(c, 4, 3)->eax, 3 << 26 | 3 << 14 | 0x163, "third level: shared by four");
	tap_eq(cpuid_find(c, 4, 4)->eax, 0, "no further cache");
	tap_eq(count(c, 0xb), 2, "leaf 0xb is made where the CPU has it");
	tap_eq(cpuid_find(c, 0x80000008, 0)->ecx, 0, "AMD's core count stays out");
	tap_eq(cpuid_find(c, 0x80000001, 0)->ecx, 0, "and its legacy bit");
	tap_ok(!cpuid_find(c, 0x8000001e, 0), "no leaf that isn't there");
	free(c);
	free(sup);
}

int main(void)
{
	struct kvm_cpuid2 none = { 0 };
	struct kvm_cpuid2 *c;

	test_amd();
	test_intel();
	c = cpuid_for_vcpu(&none, 0, 1, true);
	tap_eq(c->nent, 0, "an empty table stays empty");
	free(c);
	tap_eq(cpuid_phys_bits(&none), 36, "width of addresses where it isn't told");
	return tap_done();
}
