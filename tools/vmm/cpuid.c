// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's CPUID: what this KVM supports, with the topology of our machine, one socket of
 * single-threaded cores whose APIC ID is the vCPU's number.
 * Leaves: Intel SDM vol. 2, CPUID; AMD APM vol. 3, appendix E.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cpuid.h"
#include "log.h"

#define CPUID_MAX_ENTRIES 1024
/* Entries that we may add: leaf 0xb has two subleaves. */
#define CPUID_SPARE 2

#define ECX1_TSC_DEADLINE	(1u << 24)
#define ECX1_HYPERVISOR		(1u << 31)
#define EDX1_HTT		(1u << 28)
#define ECX80000001_CMP_LEGACY	(1u << 1)

/* First four letters of the vendor, in EBX of leaf 0. */
#define EBX0_AUTH	0x68747541	/* AuthenticAMD */
#define EBX0_HYGO	0x6f677948	/* HygonGenuine */

static struct kvm_cpuid2 *cpuid_alloc(unsigned int nent)
{
	struct kvm_cpuid2 *c;

	c = calloc(1, sizeof(*c) + nent * sizeof(c->entries[0]));
	if (c)
		c->nent = nent;
	return c;
}

/**
 * cpuid_get_supported() - Ask KVM which CPUID it can give a guest.
 * @kvm_fd: the KVM device.
 * @cpuid: the table; the caller frees it.
 *
 * Return: STATUS_OK or the reason's status, with a message.
 */
enum status cpuid_get_supported(int kvm_fd, struct kvm_cpuid2 **cpuid)
{
	unsigned int nent;

	/* KVM says E2BIG while the table is too small. */
	for (nent = 64; nent <= CPUID_MAX_ENTRIES; nent *= 2) {
		struct kvm_cpuid2 *c = cpuid_alloc(nent);

		if (!c) {
			log_error("no memory for the CPUID table");
			return STATUS_MEMORY;
		}
		if (!ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, c)) {
			*cpuid = c;
			return STATUS_OK;
		}
		free(c);
		if (errno != E2BIG)
			break;
	}
	log_error("KVM_GET_SUPPORTED_CPUID failed: %s", strerror(errno));
	return STATUS_KVM;
}

/**
 * cpuid_find() - The entry of a leaf.
 * @cpuid: the table.
 * @function: EAX.
 * @index: ECX, where the leaf has subleaves.
 *
 * Return: the entry or NULL.
 */
const struct kvm_cpuid_entry2 *cpuid_find(const struct kvm_cpuid2 *cpuid, __u32 function,
					  __u32 index)
{
	unsigned int i;

	for (i = 0; i < cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		if (e->function != function)
			continue;
		if ((e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) && e->index != index)
			continue;
		return e;
	}
	return NULL;
}

/**
 * cpuid_phys_bits() - Width of the guest's physical addresses.
 * @cpuid: the table.
 *
 * Return: bits; 36 where the CPU doesn't say (SDM vol. 3, 4.1.4).
 */
unsigned int cpuid_phys_bits(const struct kvm_cpuid2 *cpuid)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(cpuid, 0x80000008, 0);

	return e && (e->eax & 0xff) ? e->eax & 0xff : 36;
}

/* Bits that number n things. */
static unsigned int cpuid_width(unsigned int n)
{
	unsigned int bits = 0;

	while ((1u << bits) < n)
		bits++;
	return bits;
}

static unsigned int cpuid_at_most(unsigned int n, unsigned int max)
{
	return n < max ? n : max;
}

static void cpuid_leaf_1(struct kvm_cpuid_entry2 *e, unsigned int id, unsigned int nr,
			 bool tsc_deadline)
{
	e->ebx &= 0x0000ffff;
	e->ebx |= id << 24;
	e->ebx |= cpuid_at_most(1u << cpuid_width(nr), 255) << 16;
	e->edx &= ~EDX1_HTT;
	if (nr > 1)
		e->edx |= EDX1_HTT;
	e->ecx |= ECX1_HYPERVISOR;
	/* Never in the supported table: it has a capability of its own (api.rst). */
	e->ecx &= ~ECX1_TSC_DEADLINE;
	if (tsc_deadline)
		e->ecx |= ECX1_TSC_DEADLINE;
}

/* Intel's caches: the first two levels are a core's own, the others the socket's. */
static void cpuid_leaf_4(struct kvm_cpuid_entry2 *e, unsigned int nr)
{
	unsigned int level = (e->eax >> 5) & 7;
	unsigned int ids = 1u << cpuid_width(nr);

	if (!(e->eax & 0x1f))
		return;
	e->eax &= 0x3fff;
	e->eax |= (cpuid_at_most(ids, 64) - 1) << 26;
	if (level >= 3)
		e->eax |= (cpuid_at_most(ids, 4096) - 1) << 14;
}

/* Extended topology: one thread per core, then all cores. */
static void cpuid_leaf_b(struct kvm_cpuid_entry2 *e, unsigned int id, unsigned int nr)
{
	e->eax = e->ebx = 0;
	e->ecx = e->index & 0xff;
	e->edx = id;
	if (e->index == 0) {
		e->ebx = 1;
		e->ecx |= 1 << 8;
	} else if (e->index == 1) {
		e->eax = cpuid_width(nr);
		e->ebx = nr;
		e->ecx |= 2 << 8;
	}
}

static void cpuid_leaf_80000008(struct kvm_cpuid_entry2 *e, unsigned int nr)
{
	e->ecx &= ~0xf0ffu;
	e->ecx |= cpuid_at_most(nr, 256) - 1;
	e->ecx |= cpuid_width(nr) << 12;
}

/* AMD's caches, in the same manner as Intel's. */
static void cpuid_leaf_8000001d(struct kvm_cpuid_entry2 *e, unsigned int nr)
{
	unsigned int level = (e->eax >> 5) & 7;

	if (!(e->eax & 0x1f))
		return;
	e->eax &= ~(0xfffu << 14);
	if (level >= 3)
		e->eax |= (cpuid_at_most(nr, 4096) - 1) << 14;
}

static void cpuid_leaf_8000001e(struct kvm_cpuid_entry2 *e, unsigned int id)
{
	e->eax = id;
	e->ebx = id & 0xff;	/* core; threads per core: one */
	e->ecx = 0;		/* node 0, one node per socket */
}

static void cpuid_add_leaf_b(struct kvm_cpuid2 *c, unsigned int id, unsigned int nr)
{
	__u32 index;

	for (index = 0; index < 2; index++) {
		struct kvm_cpuid_entry2 *e = &c->entries[c->nent++];

		e->function = 0xb;
		e->index = index;
		e->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		cpuid_leaf_b(e, id, nr);
	}
}

/**
 * cpuid_for_vcpu() - The CPUID table of one vCPU.
 * @supported: from cpuid_get_supported().
 * @id: the vCPU's number, its APIC ID.
 * @nr: vCPUs in the machine.
 * @tsc_deadline: whether the local APIC has TSC-deadline mode.
 *
 * Return: a table that the caller frees, NULL without memory.
 */
struct kvm_cpuid2 *cpuid_for_vcpu(const struct kvm_cpuid2 *supported, unsigned int id,
				  unsigned int nr, bool tsc_deadline)
{
	const struct kvm_cpuid_entry2 *leaf0 = cpuid_find(supported, 0, 0);
	struct kvm_cpuid2 *c = cpuid_alloc(supported->nent + CPUID_SPARE);
	bool topology = false, amd;
	unsigned int i;

	if (!c)
		return NULL;
	amd = leaf0 && (leaf0->ebx == EBX0_AUTH || leaf0->ebx == EBX0_HYGO);
	c->nent = 0;
	for (i = 0; i < supported->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[c->nent];

		*e = supported->entries[i];
		switch (e->function) {
		case 0x1:
			cpuid_leaf_1(e, id, nr, tsc_deadline);
			break;
		case 0x4:
			cpuid_leaf_4(e, nr);
			break;
		case 0xb:
			/* Ours are added below: exactly two. */
			topology = true;
			continue;
		case 0x1f:
			/* The same as 0xb with levels that we don't have. */
			continue;
		case 0x80000001:
			e->ecx &= ~ECX80000001_CMP_LEGACY;
			if (amd && nr > 1)
				e->ecx |= ECX80000001_CMP_LEGACY;
			break;
		case 0x80000008:
			if (amd)
				cpuid_leaf_80000008(e, nr);
			break;
		case 0x8000001d:
			cpuid_leaf_8000001d(e, nr);
			break;
		case 0x8000001e:
			cpuid_leaf_8000001e(e, id);
			break;
		}
		c->nent++;
	}
	if (topology || (leaf0 && leaf0->eax >= 0xb))
		cpuid_add_leaf_b(c, id, nr);
	return c;
}
