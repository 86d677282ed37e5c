/* SPDX-License-Identifier: GPL-2.0-only */
/* MSRs are rows of one table (msr.c): index list, get, set, intercepts and emulator all read it. */
#ifndef GUESTMODE_MSR_H
#define GUESTMODE_MSR_H

#include "vcpu.h"

struct kvm_msr_call {
	u32 index;
	u64 value;
	bool host; /* by ioctl, not by the guest */
};

/*
 * As the guest sees them: 0, -EINVAL (bad value or not allowed: #GP), -ENOENT (unknown MSR: #GP, logged once with ignore_msrs=0).
 * host=true: by KVM_GET/SET_MSRS; feature checks do not apply, 0 may always be written to what the index list shows.
 * Context: vCPU loaded, srcu held, may sleep.
 */
int kvm_msr_read(struct kvm_vcpu *vcpu, u32 index, u64 *value, bool host);
int kvm_msr_write(struct kvm_vcpu *vcpu, u32 index, u64 value, bool host);

/* The indices for KVM_GET_MSR_INDEX_LIST / KVM_GET_MSR_FEATURE_INDEX_LIST that exist on this host. */
u32 kvm_msr_index_count(bool feature);
u32 kvm_msr_index(bool feature, u32 i);
int kvm_msr_feature_read(u32 index, u64 *value); /* system fd */
int kvm_msr_module_init(void); /* probe what this host has */
void kvm_msr_reset(struct kvm_vcpu *vcpu, bool init_event);
int kvm_msr_vcpu_create(struct kvm_vcpu *vcpu);
void kvm_msr_vcpu_free(struct kvm_vcpu *vcpu);

/* Exits: RDMSR, WRMSR (exit handlers shared by vendors): do it, inject #GP or skip. */
enum kvm_exit_action exit_rdmsr(struct kvm_vcpu *vcpu);
enum kvm_exit_action exit_wrmsr(struct kvm_vcpu *vcpu);

#endif
