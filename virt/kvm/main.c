// SPDX-License-Identifier: GPL-2.0-only
/* /dev/kvm: the system file, and the files of VMs and vCPUs that belong to the vendor module. */

#include <linux/anon_inodes.h>
#include <linux/compat.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/preempt.h>

#include "arch.h"
#include "core.h"
#include "ioctl.h"
#include "percpu.h"
#include "stats.h"
#include "vcpu.h"

static long ioctl_api_version(struct kvm_ioctl_call *call)
{
	return call->value ? -EINVAL : KVM_API_VERSION;
}

static long ioctl_create_vm(struct kvm_ioctl_call *call)
{
	return kvm_vm_create_fd(call->value);
}

static long ioctl_vcpu_mmap_size(struct kvm_ioctl_call *call)
{
	return call->value ? -EINVAL : KVM_VCPU_MMAP_PAGES * PAGE_SIZE;
}

static const struct kvm_ioctl_row system_ioctls[] = {
	{ KVM_GET_API_VERSION, ioctl_api_version, IOC_ARG_VALUE },
	{ KVM_CREATE_VM, ioctl_create_vm, IOC_ARG_VALUE },
	{ KVM_GET_VCPU_MMAP_SIZE, ioctl_vcpu_mmap_size, IOC_ARG_VALUE },
	{}
};

static long dev_call(struct file *file, unsigned int cmd, unsigned long value, bool compat)
{
	struct kvm_ioctl_call call = { .file = file, .compat = compat, .unknown = -EINVAL };

	return kvm_ioctl_dispatch(system_ioctls, kvm_arch_system_tables, &call, cmd, value);
}

static long dev_ioctl(struct file *file, unsigned int cmd, unsigned long value)
{
	return dev_call(file, cmd, value, false);
}

static long dev_compat_ioctl(struct file *file, unsigned int cmd, unsigned long value)
{
	return dev_call(file, cmd, value, true);
}

/* Not const: .owner is the vendor module, so that it can't go while a file is open. */
static struct file_operations dev_fops = {
	.unlocked_ioctl = dev_ioctl,
	.compat_ioctl = dev_compat_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice kvm_miscdev = {
	.minor = KVM_MINOR,
	.name = "kvm",
	.fops = &dev_fops,
};

/**
 * kvm_core_start() - make /dev/kvm appear on behalf of a vendor module
 * @owner: the vendor module
 *
 * Context: module init, one at a time; vendor operations are in place.
 * Return: 0; what percpu_enable_all() or misc_register() say.
 */
int kvm_core_start(struct module *owner)
{
	int r;

	dev_fops.owner = owner;
	kvm_vm_fops.owner = owner;
	kvm_vcpu_fops.owner = owner;
	kvm_stats_start(owner);

	/* A static key: switched here once, not with each first and last VM. */
	preempt_notifier_inc();
	r = percpu_enable_all();
	if (r)
		goto err_notifier;
	r = misc_register(&kvm_miscdev);
	if (r)
		goto err_percpu;
	return 0;

err_percpu:
	percpu_disable_all();
err_notifier:
	preempt_notifier_dec();
	kvm_stats_stop();
	return r;
}

/**
 * kvm_core_stop() - undo kvm_core_start(); no file is open any more
 */
void kvm_core_stop(void)
{
	misc_deregister(&kvm_miscdev);
	percpu_disable_all();
	preempt_notifier_dec();
	kvm_stats_stop();
}
