/* SPDX-License-Identifier: GPL-2.0-only */
/* KVM_RUN (run.c). */
#ifndef GUESTMODE_RUN_H
#define GUESTMODE_RUN_H

#include <linux/srcu.h>
#include "vcpu.h"

/* KVM_CAP_SYNC_REGS (sync_regs.c): vCPU loaded, kvm->srcu held, may sleep. */
long kvm_sync_regs_load(struct kvm_vcpu *vcpu);
void kvm_sync_regs_store(struct kvm_vcpu *vcpu);

/* The read section of kvm->srcu that surrounds everything in KVM_RUN but guest mode and sleep. */
static inline void kvm_srcu_lock(struct kvm_vcpu *vcpu)
{
	vcpu->srcu_idx = srcu_read_lock(&vcpu->kvm->srcu);
}

static inline void kvm_srcu_unlock(struct kvm_vcpu *vcpu)
{
	srcu_read_unlock(&vcpu->kvm->srcu, vcpu->srcu_idx);
}

#endif
