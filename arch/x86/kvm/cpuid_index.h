/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finding a CPUID entry in a few instructions: CPUID is among the most frequent exits of a booting
 * guest. Pure functions, unit-tested in userspace. The entries keep the order that userspace gave
 * them (KVM_GET_CPUID2 returns it); the index beside them knows where each leaf begins.
 */
#ifndef GUESTMODE_CPUID_INDEX_H
#define GUESTMODE_CPUID_INDEX_H

#include <linux/kvm.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/types.h>

#define CPUID_INDEX_MAX 256 /* entries */
#define CPUID_NEAR 48 /* leaves at the start of each class that are found directly */
#define CPUID_CLASSES 3 /* basic, hypervisor, extended: bits 31:30 of the leaf's number */

/**
 * struct cpuid_index - where the entries of each leaf are
 * @nent: entries
 * @order: positions of the entries, sorted by leaf; those of a leaf in the order given
 * @near: one above the first position in @order of a leaf with a small number, 0: no such leaf
 */
struct cpuid_index {
	u32 nent;
	u16 order[CPUID_INDEX_MAX];
	u16 near[CPUID_CLASSES][CPUID_NEAR];
};

/**
 * cpuid_index_build() - index a list of entries
 * @x: the index
 * @e: entries, in any order, at most CPUID_INDEX_MAX
 * @nent: how many
 */
static inline void cpuid_index_build(struct cpuid_index *x, const struct kvm_cpuid_entry2 *e,
				     u32 nent)
{
	u32 i, j;

	memset(x, 0, sizeof(*x));
	x->nent = nent;
	/* Stable insertion sort: nearly sorted already, done once. */
	for (i = 0; i < nent; i++) {
		for (j = i; j > 0 && e[x->order[j - 1]].function > e[i].function; j--)
			x->order[j] = x->order[j - 1];
		x->order[j] = i;
	}
	for (i = nent; i-- > 0;) {
		u32 function = e[x->order[i]].function, low = function & 0x3fffffff;

		if (function >> 30 < CPUID_CLASSES && low < CPUID_NEAR)
			x->near[function >> 30][low] = i + 1;
	}
}

/* First position in order[] of a leaf >= @function. */
static inline u32 cpuid_index_bisect(const struct cpuid_index *x, const struct kvm_cpuid_entry2 *e,
				     u32 function)
{
	u32 lo = 0, hi = x->nent, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (e[x->order[mid]].function < function)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/**
 * cpuid_index_find() - find the entry for a leaf and subleaf
 * @x: the index
 * @e: the entries that it was built from
 * @function: EAX of CPUID
 * @index: ECX of CPUID; ignored by entries without KVM_CPUID_FLAG_SIGNIFCANT_INDEX
 *
 * Return: the first that fits in the order given, or NULL.
 */
static inline struct kvm_cpuid_entry2 *cpuid_index_find(const struct cpuid_index *x,
							struct kvm_cpuid_entry2 *e, u32 function,
							u32 index)
{
	u32 class = function >> 30, low = function & 0x3fffffff, pos;

	if (class < CPUID_CLASSES && low < CPUID_NEAR) {
		class = array_index_nospec(class, CPUID_CLASSES);
		low = array_index_nospec(low, CPUID_NEAR);
		pos = x->near[class][low] - 1;
	} else {
		pos = cpuid_index_bisect(x, e, function);
	}
	for (; pos < x->nent; pos++) {
		struct kvm_cpuid_entry2 *entry = &e[x->order[pos]];

		if (entry->function != function)
			break;
		if (!(entry->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || entry->index == index)
			return entry;
	}
	return NULL;
}

/**
 * cpuid_index_nearest() - what CPUID answers where there is no entry
 * @x: the index
 * @e: its entries
 * @function: EAX of CPUID, for which cpuid_index_find() found nothing
 * @index: ECX of CPUID
 * @amd: the guest's CPU is AMD's: leaves out of range are zeros
 *
 * Intel's CPUs answer a leaf above the highest of its class (basic, extended; each hundred of the
 * hypervisor's) with the highest basic leaf; leaves missing within the range are zeros (SDM vol. 2,
 * CPUID).
 *
 * Return: the entry to answer with, NULL: all zeros.
 */
static inline struct kvm_cpuid_entry2 *cpuid_index_nearest(const struct cpuid_index *x,
							   struct kvm_cpuid_entry2 *e,
							   u32 function, u32 index, bool amd)
{
	struct kvm_cpuid_entry2 *basic, *class;
	u32 base;

	basic = cpuid_index_find(x, e, 0, 0);
	if (!basic || amd)
		return NULL;
	base = function & 0xc0000000;
	if (base == 0x40000000)
		base = function & 0xffffff00;
	class = cpuid_index_find(x, e, base, 0);
	if (class && function <= class->eax)
		return NULL;
	return cpuid_index_find(x, e, basic->eax, index);
}

#endif
