/* SPDX-License-Identifier: GPL-2.0-only */
/* The rows behind msr.h: shared by msr_table.c, msr.c, mtrr.c and mce.c only. */
#ifndef GUESTMODE_MSR_TABLE_H
#define GUESTMODE_MSR_TABLE_H

#include "cpuid.h"
#include "msr.h"

struct msr_row;

/**
 * struct msr_access - one access, as the functions of a row see it
 * @row: the row that matched
 * @index: the MSR
 * @host: by ioctl, not by the guest
 * @value: what to write, or where a read leaves its result
 */
struct msr_access {
	const struct msr_row *row;
	u32 index;
	bool host;
	u64 value;
};

/* Return: 0, -EINVAL (#GP), -ENOENT (no such MSR after all). May sleep, srcu held, vCPU loaded. */
typedef int msr_fn(struct kvm_vcpu *vcpu, struct msr_access *a);

enum msr_flags {
	MSR_SAVE = BIT(0), /* state of the guest: in KVM_GET_MSR_INDEX_LIST */
	MSR_FEATURE = BIT(1), /* describes the host: in KVM_GET_MSR_FEATURE_INDEX_LIST */
	MSR_HOST_WRITE = BIT(2), /* the guest may only read it */
	MSR_CANONICAL = BIT(3), /* holds a linear address: not canonical is #GP (SDM vol. 3, 9.5) */
};

/**
 * struct msr_row - one MSR, or several in a row
 * @first: index
 * @last: index of the last one
 * @get: reads it; NULL: write-only
 * @set: writes it; NULL: read-only
 * @features: BIT_ULL(KVM_GF_*): the guest needs one of these; 0: always there
 * @constant: for msr_get_constant()
 * @offset: for msr_get_field() and msr_set_field(): place in struct kvm_vcpu
 * @flags: enum msr_flags
 */
struct msr_row {
	u32 first;
	u32 last;
	msr_fn *get;
	msr_fn *set;
	u64 features;
	u64 constant;
	u16 offset;
	u8 flags;
};

extern const struct msr_row msr_rows[];
extern const u32 msr_nr_rows;
int msr_table_check(void); /* rows sorted and apart? 0 or -EINVAL */
/* what MSR_FEATURE rows say of this host: 0, -ENOENT */
int msr_feature_value(u32 index, u64 *value);

/* mtrr.c */
msr_fn mtrr_get, mtrr_set;
void mtrr_reset(struct kvm_vcpu *vcpu);
bool pat_valid(u64 pat);

/* mce.c */
msr_fn mce_get, mce_set, mce_ctl2_get, mce_ctl2_set;
int mce_vcpu_create(struct kvm_vcpu *vcpu);
void mce_vcpu_free(struct kvm_vcpu *vcpu);

#endif
