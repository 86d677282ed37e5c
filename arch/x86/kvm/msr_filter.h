/* SPDX-License-Identifier: GPL-2.0-only */
/* Which MSRs userspace lets the guest touch (msr_filter.c). */
#ifndef GUESTMODE_MSR_FILTER_H
#define GUESTMODE_MSR_FILTER_H

#include "ioctl.h"
#include "vcpu.h"

bool kvm_msr_filtered(struct kvm *kvm, u32 index, u32 type);

/**
 * kvm_msr_allowed() - may the guest touch this MSR, as far as userspace's filter goes?
 * @vcpu: the vCPU
 * @index: the MSR
 * @type: KVM_MSR_FILTER_READ or KVM_MSR_FILTER_WRITE
 *
 * Context: process context; takes kvm->srcu where there is a filter.
 */
static inline bool kvm_msr_allowed(struct kvm_vcpu *vcpu, u32 index, u32 type)
{
	if (likely(!rcu_access_pointer(vcpu->kvm->msr_filter)))
		return true;
	return kvm_msr_filtered(vcpu->kvm, index, type);
}

void kvm_msr_filter_destroy(struct kvm *kvm);

/* KVM_X86_SET_MSR_FILTER */
extern const struct kvm_ioctl_row kvm_msr_filter_vm_ioctls[];

#endif
