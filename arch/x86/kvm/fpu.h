/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's FPU, XCR0, IA32_XSS, PKRU (fpu.c). */
#ifndef GUESTMODE_FPU_H
#define GUESTMODE_FPU_H

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

/*
 * Around one hardware entry, irqs off: softirqs that use the FPU must never see the guest's XCR0.
 */
void kvm_xstate_enter(struct kvm_vcpu *vcpu);
void kvm_xstate_leave(struct kvm_vcpu *vcpu);

/* KVM_GET_FPU ... KVM_SET_XCRS; vCPU mutex held, FPU not entered. 0 or -EINVAL. */
int kvm_fpu_get(struct kvm_vcpu *vcpu, struct kvm_fpu *fpu);
int kvm_fpu_set(struct kvm_vcpu *vcpu, const struct kvm_fpu *fpu);
void kvm_xsave_get(struct kvm_vcpu *vcpu, void *buf, u32 size);
int kvm_xsave_set(struct kvm_vcpu *vcpu, const void *buf);

/* XMM/YMM for the emulator: called between kvm_fpu_enter and kvm_fpu_leave. n: 16 or 32 bytes. */
void kvm_fpu_read_vec(int nr, void *buf, int n);
void kvm_fpu_write_vec(int nr, const void *buf, int n, bool zero_upper);

#endif
