/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's FPU, XCR0, IA32_XSS, PKRU (fpu.c). */
#ifndef GUESTMODE_FPU_H
#define GUESTMODE_FPU_H

#include <linux/sched.h>
#include <asm/cpufeature.h>
#include <asm/fpu/xcr.h>
#include <asm/fpu/xstate.h>
#include <asm/pkru.h>

#include "access.h"
#include "vcpu.h"

extern u64 kvm_host_xcr0, kvm_host_xss; /* what the host runs with; read at module load */
extern u64 kvm_supported_xcr0; /* XCR0 bits that a guest may have here */

int kvm_fpu_module_init(void);
int kvm_fpu_create(struct kvm_vcpu *vcpu);
void kvm_fpu_free(struct kvm_vcpu *vcpu);
void kvm_fpu_reset(struct kvm_vcpu *vcpu, bool init_event);

/* Around KVM_RUN: the task's FPU context becomes the guest's, and back. */
void kvm_fpu_enter(struct kvm_vcpu *vcpu);
void kvm_fpu_leave(struct kvm_vcpu *vcpu);

static __always_inline bool kvm_has_pkru(struct kvm_vcpu *vcpu, u64 cr4)
{
	return cpu_feature_enabled(X86_FEATURE_PKU) &&
	       ((vcpu->regs.xcr0 & XFEATURE_MASK_PKRU) || (cr4 & X86_CR4_PKE));
}

/**
 * kvm_xstate_enter() - the guest's XCR0, IA32_XSS and PKRU for one entry
 * @vcpu: the vCPU
 *
 * IA32_XSS whether or not the guest's CPUID has XSAVES: SVM can't intercept the instruction.
 * Context: irqs off until kvm_xstate_leave(): softirqs that use the FPU must never see the guest's
 * XCR0.
 */
static __always_inline void kvm_xstate_enter(struct kvm_vcpu *vcpu)
{
	u64 cr4 = kvm_cr4(vcpu);

	if (cr4 & X86_CR4_OSXSAVE) {
		if (vcpu->regs.xcr0 != kvm_host_xcr0)
			xsetbv(XCR_XFEATURE_ENABLED_MASK, vcpu->regs.xcr0);
		if (boot_cpu_has(X86_FEATURE_XSAVES) && vcpu->regs.ia32_xss != kvm_host_xss)
			wrmsrl(MSR_IA32_XSS, vcpu->regs.ia32_xss);
	}
	if (kvm_has_pkru(vcpu, cr4))
		write_pkru(vcpu->regs.pkru);
}

/* The same back. */
static __always_inline void kvm_xstate_leave(struct kvm_vcpu *vcpu)
{
	u64 cr4 = kvm_cr4(vcpu);

	if (kvm_has_pkru(vcpu, cr4)) {
		vcpu->regs.pkru = rdpkru();
		write_pkru(current->thread.pkru);
	}
	if (cr4 & X86_CR4_OSXSAVE) {
		if (vcpu->regs.xcr0 != kvm_host_xcr0)
			xsetbv(XCR_XFEATURE_ENABLED_MASK, kvm_host_xcr0);
		if (boot_cpu_has(X86_FEATURE_XSAVES) && vcpu->regs.ia32_xss != kvm_host_xss)
			wrmsrl(MSR_IA32_XSS, kvm_host_xss);
	}
}

/* KVM_GET_FPU ... KVM_SET_XCRS; vCPU mutex held, FPU not entered. 0 or -EINVAL. */
int kvm_fpu_get(struct kvm_vcpu *vcpu, struct kvm_fpu *fpu);
int kvm_fpu_set(struct kvm_vcpu *vcpu, const struct kvm_fpu *fpu);
void kvm_xsave_get(struct kvm_vcpu *vcpu, void *buf, u32 size);
int kvm_xsave_set(struct kvm_vcpu *vcpu, const void *buf);

/* XMM/YMM for the emulator: called between kvm_fpu_enter and kvm_fpu_leave. n: 16 or 32 bytes. */
void kvm_fpu_read_vec(int nr, void *buf, int n);
void kvm_fpu_write_vec(int nr, const void *buf, int n, bool zero_upper);

/* x87 for the emulator, called likewise: FNINIT; the control and status words. */
void kvm_fpu_fninit(void);
void kvm_fpu_x87_words(u16 *control, u16 *status);

/* MMX likewise; the caller has seen in the status word that no x87 exception is pending. */
u64 kvm_fpu_read_mmx(int nr);
void kvm_fpu_write_mmx(int nr, u64 val);

#endif
