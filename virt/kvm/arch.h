/* SPDX-License-Identifier: GPL-2.0-only */
/* All that virt/kvm asks of the architecture: the short kvm_arch_* list. */
#ifndef GUESTMODE_ARCH_H
#define GUESTMODE_ARCH_H

#include "kvm.h"

/* VM and vCPU life; *_destroy and *_free undo exactly what their counterpart did. */
int kvm_arch_vm_init(struct kvm *kvm);
void kvm_arch_vm_predestroy(struct kvm *kvm); /* vCPUs still exist: stop what may touch them */
void kvm_arch_vm_destroy(struct kvm *kvm); /* after the last vCPU is gone */
size_t kvm_arch_vcpu_size(void); /* bytes of the vendor's vCPU */
int kvm_arch_vcpu_check(struct kvm *kvm, u32 id); /* may a vCPU of this id be made now? kvm->lock */
int kvm_arch_vcpu_create(struct kvm_vcpu *vcpu);
void kvm_arch_vcpu_free(struct kvm_vcpu *vcpu);

/* Statistics: the tables are those of stats.h. */
void kvm_arch_vm_stat(struct kvm *kvm, struct kvm_vm_stat *stat);

/* KVM_RUN. vcpu->mutex is held; sleeps. */
long kvm_arch_vcpu_run(struct kvm_vcpu *vcpu);

/* Preemption off. */
void kvm_arch_vcpu_load(struct kvm_vcpu *vcpu, int cpu);
void kvm_arch_vcpu_put(struct kvm_vcpu *vcpu);

/* HLT may end: an event can be delivered. Any thread. */
bool kvm_arch_vcpu_runnable(struct kvm_vcpu *vcpu);
/* May HLT be waited for busily? Not where the guest did so itself. */
bool kvm_arch_vcpu_may_poll(struct kvm_vcpu *vcpu);

/* May an eventfd interrupt this VM's guest? @resample: as a level-triggered line. */
bool kvm_arch_irqfd_allowed(struct kvm *kvm, bool resample);

/* Virtualization on this CPU; irqs off. */
int kvm_arch_cpu_enable(void);
void kvm_arch_cpu_disable(void);
void kvm_arch_cpu_emergency(void); /* likewise, in a crash: nothing but hardware */

/* The host is suspended: one CPU is on, irqs off, all tasks frozen. */
void kvm_arch_host_sleeps(void);
void kvm_arch_host_wakes(void);

#endif
