/* SPDX-License-Identifier: GPL-2.0-only */
/* Handlers of regs.c, for ioctl_vcpu.c's rows: vCPU loaded. */
#ifndef GUESTMODE_REGS_IOCTL_H
#define GUESTMODE_REGS_IOCTL_H

#include "ioctl.h"

long ioctl_get_regs(struct kvm_ioctl_call *call);
long ioctl_get_sregs2(struct kvm_ioctl_call *call);
long ioctl_set_sregs2(struct kvm_ioctl_call *call);
long ioctl_set_regs(struct kvm_ioctl_call *call);
long ioctl_get_sregs(struct kvm_ioctl_call *call);
long ioctl_set_sregs(struct kvm_ioctl_call *call);
long ioctl_get_debugregs(struct kvm_ioctl_call *call);
long ioctl_set_debugregs(struct kvm_ioctl_call *call);
long ioctl_get_events(struct kvm_ioctl_call *call);
long ioctl_set_events(struct kvm_ioctl_call *call);

#endif
