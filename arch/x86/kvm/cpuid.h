/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUID: what the host offers (cpuid_host.c), what userspace set and what the guest therefore has
 * (cpuid.c).
 */
#ifndef GUESTMODE_CPUID_H
#define GUESTMODE_CPUID_H

#include "ioctl.h"
#include "vcpu.h"

#define KVM_MAX_CPUID_ENTRIES 256

/*
 * Guest features that code asks for on hot paths or outside cpuid.c: one bit each in
 * vcpu->cpuid.features. Those that hardware must have are set only where it has them, whatever
 * userspace wrote into the guest's CPUID.
 */
enum kvm_guest_feature {
	KVM_GF_X2APIC,
	KVM_GF_TSC_DEADLINE,
	KVM_GF_XSAVE,
	KVM_GF_PCID,
	KVM_GF_LM,
	KVM_GF_NX,
	KVM_GF_GBPAGES,
	KVM_GF_RDTSCP,
	KVM_GF_RDPID,
	KVM_GF_TSC_ADJUST,
	KVM_GF_FSGSBASE,
	KVM_GF_SMEP,
	KVM_GF_SMAP,
	KVM_GF_PKU,
	KVM_GF_LA57,
	KVM_GF_UMIP,
	KVM_GF_INVPCID,
	KVM_GF_SVM,
	KVM_GF_VMX,
	KVM_GF_SPEC_CTRL, /* MSR 0x48 exists, whatever its bits are called */
	KVM_GF_STIBP,
	KVM_GF_SSBD,
	KVM_GF_PRED_CMD,
	KVM_GF_FLUSH_L1D,
	KVM_GF_VIRT_SSBD,
	KVM_GF_ARCH_CAPABILITIES,
	KVM_GF_XSAVES,
	KVM_GF_RDRAND,
	KVM_GF_RDSEED,
	KVM_GF_SYSCALL,
	KVM_GF_FXSR_OPT,
	KVM_GF_MTRR,
	KVM_GF_MCE,
	KVM_GF_PAT,
	KVM_GF_FSRM,
	KVM_GF_OSVW,
	KVM_GF_AMD_LIKE, /* vendor string is AMD or Hygon: data, as the guest sees it */
	KVM_GF_NR
};

static inline bool guest_has(struct kvm_vcpu *vcpu, enum kvm_guest_feature f)
{
	return vcpu->cpuid.features & BIT_ULL(f);
}

/*
 * Is a KVM_FEATURE_* of CPUID 0x40000001 there? Everything is, until userspace asks by
 * KVM_CAP_ENFORCE_PV_FEATURE_CPUID that only what was announced be there.
 */
static inline bool guest_pv_has(struct kvm_vcpu *vcpu, unsigned int feature)
{
	return !vcpu->pv.enforce_cpuid || (vcpu->cpuid.pv_features & BIT(feature));
}

bool kvm_cpuid_mwait(struct kvm_vcpu *vcpu); /* MONITOR and MWAIT announced, at this moment */

int kvm_cpuid_vcpu_create(struct kvm_vcpu *vcpu);
void kvm_cpuid_vcpu_free(struct kvm_vcpu *vcpu);

/* CR4.OSXSAVE/PKE, XCR0, IA32_XSS, APIC base, MISC_ENABLE changed: dynamic leaves must follow. */
void kvm_cpuid_refresh(struct kvm_vcpu *vcpu);

/*
 * The entry as it was set, dynamic bits current; NULL: none. Leaves without subleaves ignore
 * @index.
 */
const struct kvm_cpuid_entry2 *kvm_cpuid_find(struct kvm_vcpu *vcpu, u32 function, u32 index);

/*
 * As CPUID executed by the guest: with the out-of-range rule of the guest's vendor. In: eax, ecx.
 */
void kvm_cpuid(struct kvm_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx);
enum kvm_exit_action exit_cpuid(struct kvm_vcpu *vcpu);

/* What the host offers (cpuid_host.c). */
/* computes the supported table; kvm_caps and kvm_supported_xcr0 valid */
int kvm_cpuid_module_init(void);
void kvm_cpuid_module_exit(void);
extern u64 kvm_supported_xss; /* IA32_XSS bits that a guest may have here */
extern u64 kvm_host_features; /* KVM_GF_* bits that a guest may have here */
/*
 * What KVM_GET_SUPPORTED_CPUID says in one register (KVM_CPUID_EAX ...); 0 where there is no such
 * leaf.
 */
u32 kvm_cpuid_supported(u32 function, u32 index, u8 reg);
const struct kvm_cpuid_entry2 *kvm_cpuid_supported_table(u32 *nent);
/* Bytes of an XSAVE area for these components: standard or compacted format, at least 576. */
u32 kvm_xsave_size(u64 xfeatures, bool compacted);
u32 kvm_pv_features(void); /* KVM_FEATURE_* bits that work here (pv.c) */
struct cpuid_index;
/* KVM_GF_* bits that a list of entries (cpuid_index.h) announces */
u64 kvm_cpuid_features(const struct cpuid_index *index, struct kvm_cpuid_entry2 *entries);

enum { KVM_CPUID_EAX, KVM_CPUID_EBX, KVM_CPUID_ECX, KVM_CPUID_EDX };

/* KVM_GET_SUPPORTED_CPUID, KVM_GET_EMULATED_CPUID */
extern const struct kvm_ioctl_row kvm_cpuid_system_ioctls[];
/* KVM_SET_CPUID, KVM_SET_CPUID2, KVM_GET_CPUID2 */
extern const struct kvm_ioctl_row kvm_cpuid_vcpu_ioctls[];

#endif
