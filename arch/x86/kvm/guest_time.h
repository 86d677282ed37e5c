/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's TSC, kvmclock, wall clock and other paravirtual memory (tsc.c, clock.c, pv.c). */
#ifndef GUESTMODE_GUEST_TIME_H
#define GUESTMODE_GUEST_TIME_H

#include "vcpu.h"

/* tsc.c */
int kvm_tsc_module_init(void);
void kvm_tsc_vm_init(struct kvm *kvm);
void kvm_tsc_vcpu_create(struct kvm_vcpu *vcpu);
u64 kvm_tsc_read(struct kvm_vcpu *vcpu, u64 host_tsc); /* guest's TSC at that host TSC */
u64 kvm_tsc_to_host_ns(struct kvm_vcpu *vcpu, u64 guest_delta); /* guest TSC ticks -> ns */
int kvm_tsc_write(struct kvm_vcpu *vcpu, u64 value, bool host); /* with the synchronisation rule for vCPUs set up one after the other */
int kvm_tsc_set_khz(struct kvm_vcpu *vcpu, u32 khz); /* 0, -EINVAL, -ENOTSUPP without scaling */
void kvm_tsc_load(struct kvm_vcpu *vcpu, int cpu); /* vcpu_load: catch a TSC behind the last one seen */
void kvm_tsc_put(struct kvm_vcpu *vcpu);

/* clock.c: kvmclock */
int kvm_clock_module_init(void);
void kvm_clock_module_exit(void);
void kvm_clock_vm_init(struct kvm *kvm);
void kvm_clock_update(struct kvm_vcpu *vcpu); /* KVM_REQ_CLOCK_UPDATE: may sleep, srcu held */
void kvm_clock_master_update(struct kvm *kvm); /* KVM_REQ_MASTERCLOCK */
void kvm_clock_vcpu_load(struct kvm_vcpu *vcpu, int cpu, bool moved);
int kvm_clock_msr_write(struct kvm_vcpu *vcpu, u32 index, u64 value, bool host); /* 0x11 0x12 0x4b564d00 0x4b564d01 */
int kvm_clock_msr_read(struct kvm_vcpu *vcpu, u32 index, u64 *value, bool host);
void kvm_clock_reset(struct kvm_vcpu *vcpu);

/* pv.c: steal time, PV EOI, poll control, hypercalls */
int kvm_pv_msr_write(struct kvm_vcpu *vcpu, u32 index, u64 value, bool host);
int kvm_pv_msr_read(struct kvm_vcpu *vcpu, u32 index, u64 *value, bool host);
void kvm_pv_steal_update(struct kvm_vcpu *vcpu);
void kvm_pv_preempted(struct kvm_vcpu *vcpu);
void kvm_pv_reset(struct kvm_vcpu *vcpu);
enum kvm_exit_action exit_hypercall(struct kvm_vcpu *vcpu);

struct kvm_ioctl_row;
extern const struct kvm_ioctl_row kvm_time_vm_ioctls[]; /* KVM_GET_CLOCK KVM_SET_CLOCK KVM_SET_TSC_KHZ KVM_GET_TSC_KHZ on the VM */
extern const struct kvm_ioctl_row kvm_time_vcpu_ioctls[]; /* KVM_GET_TSC_KHZ KVM_SET_TSC_KHZ KVM_KVMCLOCK_CTRL, TSC offset attribute later */

#endif
