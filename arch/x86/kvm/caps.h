/* SPDX-License-Identifier: GPL-2.0-only */
/* Capabilities (caps.c). */
#ifndef GUESTMODE_CAPS_H
#define GUESTMODE_CAPS_H

#include "vcpu.h"

/* kvm: NULL on the system fd. Return: the capability's value, 0 for what isn't there. */
long kvm_check_extension(struct kvm *kvm, unsigned long cap);
/* KVM_ENABLE_CAP on a VM; kvm->lock held. 0, -EINVAL. */
long kvm_vm_enable_cap(struct kvm *kvm, const struct kvm_enable_cap *cap);
/* On a vCPU; its mutex held. */
long kvm_vcpu_enable_cap(struct kvm_vcpu *vcpu, const struct kvm_enable_cap *cap);

#endif
