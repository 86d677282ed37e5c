/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's TSC, kvmclock, wall clock and other paravirtual memory (tsc.c, clock.c, pv.c). */
#ifndef GUESTMODE_GUEST_TIME_H
#define GUESTMODE_GUEST_TIME_H

#include "ioctl.h"
#include "vcpu.h"

/* tsc.c */
void kvm_tsc_vm_init(struct kvm *kvm);
/* last step of creation, vCPU loaded: TSC starts at 0 */
void kvm_tsc_vcpu_create(struct kvm_vcpu *vcpu);
u64 kvm_tsc_read(struct kvm_vcpu *vcpu, u64 host_tsc); /* guest's TSC at that host TSC */
u64 kvm_tsc_to_host_ns(struct kvm_vcpu *vcpu, u64 guest_delta); /* guest TSC ticks -> ns */
/* WRMSR to IA32_TSC; host: with the synchronisation rule for vCPUs set up one after the other */
int kvm_tsc_write(struct kvm_vcpu *vcpu, u64 value, bool host);
/* WRMSR to IA32_TSC_ADJUST */
int kvm_tsc_adjust_write(struct kvm_vcpu *vcpu, u64 value, bool host);
/* 0, -EINVAL (0, too large, or needs scaling) */
int kvm_tsc_set_khz(struct kvm_vcpu *vcpu, u32 khz);
/* from vcpu_load: catch a host TSC that went backwards */
void kvm_tsc_load(struct kvm_vcpu *vcpu, int cpu);
void kvm_tsc_put(struct kvm_vcpu *vcpu);
struct kvm_tsc_sleeps kvm_tsc_sleeps(void);
u32 kvm_tsc_max_khz(void); /* what KVM_SET_TSC_KHZ accepts at most */
int kvm_tsc_set_default_khz(struct kvm *kvm, u32 khz);
void kvm_tsc_set_offset(struct kvm_vcpu *vcpu, u64 offset);
bool kvm_tsc_all_matched(struct kvm *kvm); /* one offset and frequency for all vCPUs? */
/* no slower than the host's clock */
void kvm_tsc_catchup(struct kvm_vcpu *vcpu, u64 host_tsc, u64 base_ns);

/* clock.c: kvmclock */
u64 kvm_base_ns(void); /* the host's clock under all of this: raw monotonic, suspend included, ns */
int kvm_clock_module_init(void);
void kvm_clock_module_exit(void);
void kvm_clock_vm_init(struct kvm *kvm);
/* before the vCPUs go: ends the periodic update; may sleep */
void kvm_clock_vm_destroy(struct kvm *kvm);
void kvm_clock_update(struct kvm_vcpu *vcpu); /* KVM_REQ_CLOCK_UPDATE: may sleep, srcu held */
void kvm_clock_master_update(struct kvm *kvm); /* KVM_REQ_MASTERCLOCK: likewise */
void kvm_clock_vcpu_load(struct kvm_vcpu *vcpu, int cpu, bool moved);
/* 0x11 0x12 0x4b564d00 0x4b564d01. 0 or -ENOENT (not announced) */
int kvm_clock_msr_write(struct kvm_vcpu *vcpu, u32 index, u64 value, bool host);
int kvm_clock_msr_read(struct kvm_vcpu *vcpu, u32 index, u64 *value, bool host);
void kvm_clock_reset(struct kvm_vcpu *vcpu); /* RESET, not INIT */
void kvm_clock_get(struct kvm *kvm, struct kvm_clock_data *data); /* KVM_GET_CLOCK */
/* KVM_SET_CLOCK. 0 or -EINVAL */
int kvm_clock_set(struct kvm *kvm, const struct kvm_clock_data *data);
/* KVM_KVMCLOCK_CTRL. 0 or -EINVAL (no kvmclock) */
int kvm_clock_guest_stopped(struct kvm_vcpu *vcpu);

/* pv.c: steal time, poll control, hypercalls. MSRs 0x4b564d02-0x4b564dff: 0, -EINVAL, -ENOENT */
int kvm_pv_msr_write(struct kvm_vcpu *vcpu, u32 index, u64 value, bool host);
int kvm_pv_msr_read(struct kvm_vcpu *vcpu, u32 index, u64 *value, bool host);
void kvm_pv_vcpu_load(struct kvm_vcpu *vcpu); /* asks for KVM_REQ_STEAL_UPDATE; preemption off */
void kvm_pv_steal_update(struct kvm_vcpu *vcpu); /* KVM_REQ_STEAL_UPDATE: may sleep, srcu held */
void kvm_pv_preempted(struct kvm_vcpu *vcpu); /* from vcpu_put: irqs may be off, never sleeps */
void kvm_pv_reset(struct kvm_vcpu *vcpu); /* RESET, not INIT */
/* KVM_HC_CLOCK_PAIRING: its result */
long kvm_clock_pairing(struct kvm_vcpu *vcpu, gpa_t gpa, u64 type);

/*
 * KVM_FEATURE_POLL_CONTROL: the guest polls by itself, the host must not before it sleeps in HLT.
 */
static inline bool kvm_pv_may_poll(struct kvm_vcpu *vcpu)
{
	return vcpu->pv.poll_control & 1;
}

/* KVM_FEATURE_PV_UNHALT: somebody's KVM_HC_KICK_CPU ends this vCPU's HLT. Any thread. */
static inline bool kvm_pv_unhalted(struct kvm_vcpu *vcpu)
{
	return READ_ONCE(vcpu->pv.unhalted);
}

/* KVM_GET_CLOCK KVM_SET_CLOCK; KVM_SET_TSC_KHZ KVM_GET_TSC_KHZ of the VM */
extern const struct kvm_ioctl_row kvm_time_vm_ioctls[];
/* KVM_GET_TSC_KHZ KVM_SET_TSC_KHZ KVM_KVMCLOCK_CTRL, attributes of KVM_VCPU_TSC_CTRL */
extern const struct kvm_ioctl_row kvm_time_vcpu_ioctls[];

#endif
