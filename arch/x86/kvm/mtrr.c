// SPDX-License-Identifier: GPL-2.0-only
/*
 * MTRRs and the validity of PAT. The guest's MTRRs are state that it reads back: with nested paging
 * the memory type comes from the guest's PAT and the host's, and MTRRs say nothing new unless a
 * device does non-coherent DMA.
 */

#include <linux/nospec.h>
#include <asm/msr-index.h>

#include "msr_table.h"

#define MTRR_CAP 0x508 /* 8 variable ranges, fixed ranges, write combining (SDM vol. 3, 12.11.1) */
#define MTRR_DEF_TYPE_VALID 0xcffULL /* type, FE, E */
#define MTRR_PHYS_MASK_VALID BIT_ULL(11)

static_assert(MSR_MTRRfix64K_00000 == 0x250);

/* WB, WP, WT, WC, UC; 2, 3 and UC- (7) are PAT's or nobody's. */
static bool type_valid(u8 type)
{
	return type < 8 && (BIT(type) & (BIT(0) | BIT(1) | BIT(4) | BIT(5) | BIT(6)));
}

static bool types_valid(u64 eight)
{
	int i;

	for (i = 0; i < 64; i += 8)
		if (!type_valid(eight >> i))
			return false;
	return true;
}

/**
 * pat_valid() - may IA32_PAT hold this value? (SDM vol. 3, 12.12.2)
 * @pat: eight types, a byte each
 */
bool pat_valid(u64 pat)
{
	int i;

	for (i = 0; i < 64; i += 8) {
		u8 type = pat >> i;

		if (type != 7 && !type_valid(type))
			return false;
	}
	return true;
}

/* Where MSR @index is kept; NULL: it is not a range's. */
static u64 *mtrr_word(struct kvm_vcpu *vcpu, u32 index)
{
	struct kvm_vcpu_msr *msr = &vcpu->msr;
	u32 i;

	switch (index) {
	case 0x200 ... 0x20f:
		return &msr->mtrr_var[array_index_nospec(index - 0x200, ARRAY_SIZE(msr->mtrr_var))];
	case MSR_MTRRfix64K_00000:
		return &msr->mtrr_fixed[0];
	case MSR_MTRRfix16K_80000 ... MSR_MTRRfix16K_A0000:
		i = 1 + index - MSR_MTRRfix16K_80000;
		break;
	case MSR_MTRRfix4K_C0000 ... MSR_MTRRfix4K_F8000:
		i = 3 + index - MSR_MTRRfix4K_C0000;
		break;
	default:
		return NULL;
	}
	return &msr->mtrr_fixed[array_index_nospec(i, ARRAY_SIZE(msr->mtrr_fixed))];
}

static bool var_valid(struct kvm_vcpu *vcpu, u32 index, u64 value)
{
	u64 high = ~(BIT_ULL(vcpu->cpuid.maxphyaddr) - 1);

	if (index & 1)
		return !(value & (high | (MTRR_PHYS_MASK_VALID - 1)));
	return !(value & (high | 0xf00)) && type_valid(value);
}

/* RDMSR of MTRRcap, IA32_MTRR_DEF_TYPE and the ranges. */
int mtrr_get(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	u64 *word;

	if (a->index == MSR_MTRRcap) {
		a->value = MTRR_CAP;
		return 0;
	}
	if (a->index == MSR_MTRRdefType) {
		a->value = vcpu->msr.mtrr_def;
		return 0;
	}
	word = mtrr_word(vcpu, a->index);
	if (!word)
		return -ENOENT;
	a->value = *word;
	return 0;
}

/* WRMSR; reserved bits and types are #GP. */
int mtrr_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	u64 *word;

	if (a->index == MSR_MTRRdefType) {
		if ((a->value & ~MTRR_DEF_TYPE_VALID) || !type_valid(a->value))
			return -EINVAL;
		vcpu->msr.mtrr_def = a->value;
		return 0;
	}
	word = mtrr_word(vcpu, a->index);
	if (!word)
		return -ENOENT;
	if (a->index < 0x210 ? !var_valid(vcpu, a->index, a->value) : !types_valid(a->value))
		return -EINVAL;
	*word = a->value;
	return 0;
}

/* RESET: all uncached, MTRRs off. INIT leaves them alone (SDM vol. 3, table 10-1). */
void mtrr_reset(struct kvm_vcpu *vcpu)
{
	vcpu->msr.mtrr_def = 0;
	memset(vcpu->msr.mtrr_fixed, 0, sizeof(vcpu->msr.mtrr_fixed));
	memset(vcpu->msr.mtrr_var, 0, sizeof(vcpu->msr.mtrr_var));
}
