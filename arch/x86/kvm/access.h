/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading and writing the vCPU's registers; see regs.h for what avail and dirty mean. */
#ifndef GUESTMODE_ACCESS_H
#define GUESTMODE_ACCESS_H

#include <asm/processor-flags.h>
#include <asm/msr-index.h>
#include "vendor.h"

/* Only for registers that may be stale; vendors call their own function. */
void kvm_cache_reg(struct kvm_vcpu *vcpu,
		   enum kvm_reg reg); /* = vendor_call(cache_reg), exported */

static inline u64 kvm_reg_read(struct kvm_vcpu *vcpu, enum kvm_reg reg)
{
	if (unlikely(!(vcpu->regs.avail & BIT(reg))))
		kvm_cache_reg(vcpu, reg);
	return vcpu->regs.val[reg];
}

static inline void kvm_reg_write(struct kvm_vcpu *vcpu, enum kvm_reg reg, u64 val)
{
	vcpu->regs.val[reg] = val;
	vcpu->regs.avail |= BIT(reg);
	vcpu->regs.dirty |= BIT(reg);
}

#define KVM_REG_ACCESSORS(lname, reg) \
	static inline u64 kvm_##lname##_read(struct kvm_vcpu *vcpu) \
	{ \
		return kvm_reg_read(vcpu, reg); \
	} \
	static inline void kvm_##lname##_write(struct kvm_vcpu *vcpu, u64 val) \
	{ \
		kvm_reg_write(vcpu, reg, val); \
	}

KVM_REG_ACCESSORS(rip, KVM_REG_RIP)
KVM_REG_ACCESSORS(rsp, KVM_REG_RSP)
KVM_REG_ACCESSORS(rflags, KVM_REG_RFLAGS)

/* CR0, CR3, CR4: read here, written only through cr.c (kvm_set_cr0 ...), which checks. */
static inline u64 kvm_cr0(struct kvm_vcpu *vcpu)
{
	return kvm_reg_read(vcpu, KVM_REG_CR0);
}

static inline u64 kvm_cr3(struct kvm_vcpu *vcpu)
{
	return kvm_reg_read(vcpu, KVM_REG_CR3);
}

static inline u64 kvm_cr4(struct kvm_vcpu *vcpu)
{
	return kvm_reg_read(vcpu, KVM_REG_CR4);
}

static inline bool kvm_is_pe(struct kvm_vcpu *vcpu)
{
	return kvm_cr0(vcpu) & X86_CR0_PE;
}

static inline bool kvm_is_paging(struct kvm_vcpu *vcpu)
{
	return kvm_cr0(vcpu) & X86_CR0_PG;
}

static inline bool kvm_is_pae(struct kvm_vcpu *vcpu)
{
	return kvm_cr4(vcpu) & X86_CR4_PAE;
}

/* SDM vol. 3, 4.1.1 */
static inline bool kvm_pae_paging(u64 cr0, u64 cr4, u64 efer)
{
	return cr0 & X86_CR0_PG && cr4 & X86_CR4_PAE && !(efer & EFER_LMA);
}

static inline bool kvm_is_long_mode(struct kvm_vcpu *vcpu)
{
	return vcpu->regs.efer & EFER_LMA;
}

/* Long mode and CS.L */
static inline bool kvm_is_64bit_code(struct kvm_vcpu *vcpu)
{
	return kvm_is_long_mode(vcpu) && kvm_reg_read(vcpu, KVM_REG_CS_L);
}

/*
 * The current privilege level: SS.DPL in all modes (APM vol. 2, 15.5.1; SDM vol. 3, 24.4.1);
 * vendors keep it so in real mode too.
 */
static inline int kvm_cpl(struct kvm_vcpu *vcpu)
{
	return kvm_reg_read(vcpu, KVM_REG_CPL);
}

/* The guest made CPUID #GP here: CPUID faulting (SDM vol. 3, 2.17). */
static inline bool kvm_cpuid_faults(struct kvm_vcpu *vcpu)
{
	return unlikely(vcpu->msr.misc_features & MSR_MISC_FEATURES_ENABLES_CPUID_FAULT) &&
	       kvm_cpl(vcpu) > 0;
}

/* Where the instruction at RIP is: 64-bit code has no base. */
static inline u64 kvm_linear_rip(struct kvm_vcpu *vcpu)
{
	u64 rip = kvm_rip_read(vcpu);

	return kvm_is_64bit_code(vcpu) ? rip : (u32)(kvm_reg_read(vcpu, KVM_REG_CS_BASE) + rip);
}

/* Low 32 bits of a register pair, as RDMSR, WRMSR, XSETBV use them. */
static inline u64 kvm_edx_eax(struct kvm_vcpu *vcpu)
{
	return (u32)vcpu->regs.val[KVM_REG_RAX] | (u64)(u32)vcpu->regs.val[KVM_REG_RDX] << 32;
}

#endif
