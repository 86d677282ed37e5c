/* SPDX-License-Identifier: GPL-2.0-only */
/* CPUID: what the host offers, what userspace set, what the guest therefore has (cpuid.c). */
#ifndef GUESTMODE_CPUID_H
#define GUESTMODE_CPUID_H

#include "vcpu.h"

/* Guest features that code asks for on hot paths or outside cpuid.c: one bit each in vcpu->cpuid.features. */
enum kvm_guest_feature {
	KVM_GF_X2APIC, KVM_GF_TSC_DEADLINE, KVM_GF_XSAVE, KVM_GF_PCID, KVM_GF_LM, KVM_GF_NX,
	KVM_GF_GBPAGES, KVM_GF_RDTSCP, KVM_GF_RDPID, KVM_GF_TSC_ADJUST, KVM_GF_FSGSBASE, KVM_GF_SMEP, KVM_GF_SMAP,
	KVM_GF_PKU, KVM_GF_LA57, KVM_GF_UMIP, KVM_GF_INVPCID, KVM_GF_MWAIT, KVM_GF_SVM, KVM_GF_VMX,
	KVM_GF_SPEC_CTRL, KVM_GF_PRED_CMD, KVM_GF_VIRT_SSBD, KVM_GF_ARCH_CAPABILITIES, KVM_GF_XSAVES, KVM_GF_SYSCALL, KVM_GF_FXSR_OPT,
	KVM_GF_MTRR, KVM_GF_MCE, KVM_GF_PAT, KVM_GF_FSRM, KVM_GF_AMD_LIKE, /* vendor string is AMD or Hygon: data, as the guest sees it */
	KVM_GF_NR
};

static inline bool guest_has(struct kvm_vcpu *vcpu, enum kvm_guest_feature f)
{
	return vcpu->cpuid.features & BIT_ULL(f);
}

/* Which bits hardware or the vendor forbids (masked out of KVM_GET_SUPPORTED_CPUID); rows: function, index, register, mask. */
int kvm_cpuid_module_init(void); /* computes the supported table; kvm_caps valid */
void kvm_cpuid_module_exit(void);
int kvm_cpuid_vcpu_create(struct kvm_vcpu *vcpu);
void kvm_cpuid_vcpu_free(struct kvm_vcpu *vcpu);
/* CR4.OSXSAVE/PKE, XCR0, IA32_XSS, APIC base, MISC_ENABLE changed: dynamic leaves must follow. */
void kvm_cpuid_refresh(struct kvm_vcpu *vcpu);
/* As CPUID executed by the guest: with the out-of-range rule of the guest's vendor. */
void kvm_cpuid(struct kvm_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx);
enum kvm_exit_action exit_cpuid(struct kvm_vcpu *vcpu);

struct kvm_ioctl_row;
extern const struct kvm_ioctl_row kvm_cpuid_system_ioctls[]; /* KVM_GET_SUPPORTED_CPUID, KVM_GET_EMULATED_CPUID */
extern const struct kvm_ioctl_row kvm_cpuid_vcpu_ioctls[]; /* KVM_SET_CPUID, KVM_SET_CPUID2, KVM_GET_CPUID2 */

#endif
