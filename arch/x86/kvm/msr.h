/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSRs are rows of one table (msr_table.c): index lists, get and set, guest and host all read it.
 */
#ifndef GUESTMODE_MSR_H
#define GUESTMODE_MSR_H

#include "ioctl.h"
#include "vcpu.h"

#define KVM_MAX_MCE_BANKS 32 /* KVM_CAP_MCE */

/*
 * As the guest sees them: 0, -EINVAL (bad value or not allowed: #GP), -ENOENT (unknown MSR: #GP).
 * host=true: by KVM_GET/SET_MSRS; checks of the guest's CPUID do not apply, and 0 may always be
 * written to, and is read from, what the index list shows.
 * Context: vCPU loaded, srcu held, may sleep.
 */
int kvm_msr_read(struct kvm_vcpu *vcpu, u32 index, u64 *value, bool host);
int kvm_msr_write(struct kvm_vcpu *vcpu, u32 index, u64 value, bool host);

/* The same by the guest, past userspace's filter (msr_filter.c): -EPERM where that denies it. */
int kvm_msr_guest_read(struct kvm_vcpu *vcpu, u32 index, u64 *value);
int kvm_msr_guest_write(struct kvm_vcpu *vcpu, u32 index, u64 value);
bool kvm_msr_ask_user(struct kvm_vcpu *vcpu, u32 exit, u32 index, u64 data, int error);

/*
 * The indices for KVM_GET_MSR_INDEX_LIST / KVM_GET_MSR_FEATURE_INDEX_LIST that exist on this host.
 */
u32 kvm_msr_index_count(bool feature);
u32 kvm_msr_index(bool feature, u32 i);
int kvm_msr_feature_read(u32 index, u64 *value); /* system fd: 0, or -ENOENT */

int kvm_msr_module_init(void); /* probe what this host has; after kvm_cpuid_module_init() */
int kvm_msr_vcpu_create(struct kvm_vcpu *vcpu);
void kvm_msr_vcpu_free(struct kvm_vcpu *vcpu);
void kvm_msr_reset(struct kvm_vcpu *vcpu, bool init_event);

/* Exits: RDMSR, WRMSR (exit handlers shared by vendors): do it, inject #GP or skip. */
enum kvm_exit_action exit_rdmsr(struct kvm_vcpu *vcpu);
enum kvm_exit_action exit_wrmsr(struct kvm_vcpu *vcpu);

/* MCG_CAP bits that KVM_X86_SETUP_MCE accepts beside the number of banks (mce.c). */
u64 kvm_mce_supported_cap(void);

/*
 * KVM_GET_MSR_INDEX_LIST, KVM_GET_MSR_FEATURE_INDEX_LIST, KVM_GET_MSRS,
 * KVM_X86_GET_MCE_CAP_SUPPORTED
 */
extern const struct kvm_ioctl_row kvm_msr_system_ioctls[];
/* KVM_GET_MSRS, KVM_SET_MSRS */
extern const struct kvm_ioctl_row kvm_msr_vcpu_ioctls[];
/* KVM_X86_SETUP_MCE, KVM_X86_SET_MCE */
extern const struct kvm_ioctl_row kvm_mce_vcpu_ioctls[];

#endif
