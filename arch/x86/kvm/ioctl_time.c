// SPDX-License-Identifier: GPL-2.0-only
/* Ioctls of guest time: TSC frequency and offset, kvmclock. */

#include <linux/uaccess.h>
#include <asm/tsc.h>

#include "guest_time.h"
#include "ioctl.h"

/* 0: the host's frequency. */
static long vcpu_set_tsc_khz(struct kvm_ioctl_call *call)
{
	return kvm_tsc_set_khz(call->vcpu, (u32)call->value ?: tsc_khz);
}

static long vcpu_get_tsc_khz(struct kvm_ioctl_call *call)
{
	return call->vcpu->tsc.khz;
}

/* On the VM: of the vCPUs that will be created. */
static long vm_set_tsc_khz(struct kvm_ioctl_call *call)
{
	return kvm_tsc_set_default_khz(call->kvm, (u32)call->value ?: tsc_khz);
}

static long vm_get_tsc_khz(struct kvm_ioctl_call *call)
{
	return call->kvm->clock.default_tsc_khz;
}

static long get_clock(struct kvm_ioctl_call *call)
{
	kvm_clock_get(call->kvm, call->arg);
	return 0;
}

static long set_clock(struct kvm_ioctl_call *call)
{
	return kvm_clock_set(call->kvm, call->arg);
}

static long guest_stopped(struct kvm_ioctl_call *call)
{
	return kvm_clock_guest_stopped(call->vcpu);
}

/* --- attributes: the TSC's offset is the only one -------------------------------------------- */

static bool is_tsc_offset(const struct kvm_device_attr *attr)
{
	return attr->group == KVM_VCPU_TSC_CTRL && attr->attr == KVM_VCPU_TSC_OFFSET;
}

static long has_attr(struct kvm_ioctl_call *call)
{
	return is_tsc_offset(call->arg) ? 0 : -ENXIO;
}

static long get_attr(struct kvm_ioctl_call *call)
{
	const struct kvm_device_attr *attr = call->arg;

	if (!is_tsc_offset(attr))
		return -ENXIO;
	return put_user(call->vcpu->tsc.offset, (u64 __user *)(unsigned long)attr->addr);
}

static long set_attr(struct kvm_ioctl_call *call)
{
	const struct kvm_device_attr *attr = call->arg;
	u64 offset;

	if (!is_tsc_offset(attr))
		return -ENXIO;
	if (get_user(offset, (u64 __user *)(unsigned long)attr->addr))
		return -EFAULT;
	kvm_tsc_set_offset(call->vcpu, offset);
	return 0;
}

const struct kvm_ioctl_row kvm_time_vm_ioctls[] = {
	{ KVM_GET_CLOCK, get_clock },
	{ KVM_SET_CLOCK, set_clock },
	{ KVM_SET_TSC_KHZ, vm_set_tsc_khz, IOC_ARG_VALUE | IOC_VM_LOCK },
	{ KVM_GET_TSC_KHZ, vm_get_tsc_khz, IOC_ARG_VALUE | IOC_VM_LOCK },
	{}
};

const struct kvm_ioctl_row kvm_time_vcpu_ioctls[] = {
	{ KVM_SET_TSC_KHZ, vcpu_set_tsc_khz, IOC_ARG_VALUE | IOC_VCPU_LOADED },
	{ KVM_GET_TSC_KHZ, vcpu_get_tsc_khz, IOC_ARG_VALUE },
	{ KVM_KVMCLOCK_CTRL, guest_stopped, IOC_ARG_VALUE },
	{ KVM_HAS_DEVICE_ATTR, has_attr },
	{ KVM_GET_DEVICE_ATTR, get_attr, IOC_VCPU_LOADED }, /* which makes up for a sleep */
	{ KVM_SET_DEVICE_ATTR, set_attr, IOC_VCPU_LOADED },
	{}
};
