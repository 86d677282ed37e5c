// SPDX-License-Identifier: GPL-2.0-only
/* VMs: creation, the VM's file, destruction with the last reference. */

#include <linux/anon_inodes.h>
#include <linux/compat.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "arch.h"
#include "coalesced.h"
#include "core.h"
#include "dirty.h"
#include "ioctl.h"
#include "iobus.h"
#include "ioeventfd.h"
#include "irqfd.h"
#include "memslot.h"
#include "notifier.h"
#include "vcpu.h"

static struct kvm *vm_create(void)
{
	struct kvm *kvm = kvzalloc(sizeof(*kvm), GFP_KERNEL_ACCOUNT);
	int r;

	if (!kvm)
		return ERR_PTR(-ENOMEM);
	refcount_set(&kvm->refs, 1);
	mutex_init(&kvm->lock);
	mutex_init(&kvm->slots_lock);
	mutex_init(&kvm->irq_lock);
	xa_init(&kvm->vcpus);
	ioeventfd_init(kvm);
	irqfd_init(kvm);
	kvm->mm = current->mm;
	mmgrab(kvm->mm);

	r = init_srcu_struct(&kvm->srcu);
	if (r)
		goto err_mm;
	r = memslots_init(kvm);
	if (r)
		goto err_srcu;
	r = coalesced_init(kvm);
	if (r)
		goto err_slots;
	r = iobus_init(kvm);
	if (r)
		goto err_ring;
	r = kvm_arch_vm_init(kvm);
	if (r)
		goto err_bus;
	r = notifier_register(kvm);
	if (r)
		goto err_arch;
	return kvm;

err_arch:
	kvm_arch_vm_predestroy(kvm);
	kvm_arch_vm_destroy(kvm);
err_bus:
	iobus_destroy(kvm);
err_ring:
	coalesced_destroy(kvm);
err_slots:
	memslots_destroy(kvm);
err_srcu:
	cleanup_srcu_struct(&kvm->srcu);
err_mm:
	mmdrop(kvm->mm);
	kvfree(kvm);
	return ERR_PTR(r);
}

static void vm_destroy(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	unsigned long idx;

	/* First: readers look at vCPUs. */
	kvm_stats_vm_remove(kvm);
	irqfd_destroy(kvm);
	kvm_arch_vm_predestroy(kvm);
	/* From here on the host may unmap what it likes: nothing of ours maps it. */
	notifier_unregister(kvm);
	kvm_for_each_vcpu(idx, vcpu, kvm) kvm_vcpu_destroy(vcpu);
	xa_destroy(&kvm->vcpus);
	kvm_arch_vm_destroy(kvm);
	iobus_destroy(kvm);
	ioeventfd_destroy(kvm);
	coalesced_destroy(kvm);
	memslots_destroy(kvm);
	cleanup_srcu_struct(&kvm->srcu);
	mmdrop(kvm->mm);
	kvfree(kvm);
}

void kvm_get(struct kvm *kvm)
{
	refcount_inc(&kvm->refs);
}
EXPORT_SYMBOL_NS_GPL(kvm_get, GUESTMODE);

/**
 * kvm_put() - drop a reference; the last one destroys the VM
 * @kvm: the VM
 *
 * Context: may sleep, no lock held.
 */
void kvm_put(struct kvm *kvm)
{
	if (refcount_dec_and_test(&kvm->refs))
		vm_destroy(kvm);
}
EXPORT_SYMBOL_NS_GPL(kvm_put, GUESTMODE);

/**
 * kvm_vm_dead() - an invariant is broken: nothing of this VM runs again
 * @kvm: the VM
 *
 * Context: any.
 */
void kvm_vm_dead(struct kvm *kvm)
{
	WRITE_ONCE(kvm->dead, true);
	kvm_make_all_request_nowait(kvm, KVM_REQ_VM_DEAD);
}
EXPORT_SYMBOL_NS_GPL(kvm_vm_dead, GUESTMODE);

static long ioctl_create_vcpu(struct kvm_ioctl_call *call)
{
	if (call->value > U32_MAX)
		return -EINVAL;
	return kvm_vcpu_create_fd(call->kvm, call->value);
}

static long ioctl_set_memory_region(struct kvm_ioctl_call *call)
{
	return memslots_set_region(call->kvm, call->arg);
}

/* Where a bitmap is: a 32-bit process fills in half of the field. */
static void __user *bitmap_ptr(const struct kvm_ioctl_call *call, void __user *bitmap)
{
	return call->compat ? compat_ptr((unsigned long)bitmap) : bitmap;
}

static long ioctl_get_dirty_log(struct kvm_ioctl_call *call)
{
	const struct kvm_dirty_log *log = call->arg;

	return dirty_get(call->kvm, log->slot, bitmap_ptr(call, log->dirty_bitmap));
}

static long ioctl_clear_dirty_log(struct kvm_ioctl_call *call)
{
	const struct kvm_clear_dirty_log *log = call->arg;

	return dirty_clear(call->kvm, log, bitmap_ptr(call, log->dirty_bitmap));
}

static long ioctl_register_coalesced(struct kvm_ioctl_call *call)
{
	return coalesced_register(call->kvm, call->arg);
}

static long ioctl_unregister_coalesced(struct kvm_ioctl_call *call)
{
	return coalesced_unregister(call->kvm, call->arg);
}

static long ioctl_ioeventfd(struct kvm_ioctl_call *call)
{
	return ioeventfd_set(call->kvm, call->arg);
}

static long ioctl_irqfd(struct kvm_ioctl_call *call)
{
	return irqfd_set(call->kvm, call->arg);
}

static long ioctl_get_stats_fd(struct kvm_ioctl_call *call)
{
	return kvm_vm_stats_fd(call->kvm);
}

/* There are none yet: VFIO's would be the first. */
static long ioctl_create_device(struct kvm_ioctl_call *call)
{
	return -ENODEV;
}

static const struct kvm_ioctl_row vm_ioctls[] = {
	{ KVM_CREATE_VCPU, ioctl_create_vcpu, IOC_ARG_VALUE },
	{ KVM_SET_USER_MEMORY_REGION, ioctl_set_memory_region, IOC_SLOTS_LOCK },
	{ KVM_GET_DIRTY_LOG, ioctl_get_dirty_log, IOC_SLOTS_LOCK },
	{ KVM_CLEAR_DIRTY_LOG, ioctl_clear_dirty_log, IOC_SLOTS_LOCK },
	{ KVM_REGISTER_COALESCED_MMIO, ioctl_register_coalesced, IOC_SLOTS_LOCK },
	{ KVM_UNREGISTER_COALESCED_MMIO, ioctl_unregister_coalesced, IOC_SLOTS_LOCK },
	{ KVM_IOEVENTFD, ioctl_ioeventfd, IOC_SLOTS_LOCK },
	{ KVM_IRQFD, ioctl_irqfd },
	{ KVM_CREATE_DEVICE, ioctl_create_device },
	{ KVM_GET_STATS_FD, ioctl_get_stats_fd, IOC_ARG_VALUE },
	{}
};

static long vm_call(struct file *file, unsigned int cmd, unsigned long value, bool compat)
{
	struct kvm_ioctl_call call = {
		.kvm = file->private_data, .file = file, .compat = compat, .unknown = -ENOTTY
	};

	/*
	 * Guest memory is an address range of the creator's mm: in any other it would be somebody
	 * else's.
	 */
	if (call.kvm->mm != current->mm || READ_ONCE(call.kvm->dead))
		return -EIO;
	return kvm_ioctl_dispatch(vm_ioctls, kvm_arch_vm_tables, &call, cmd, value);
}

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long value)
{
	return vm_call(file, cmd, value, false);
}

static long vm_compat_ioctl(struct file *file, unsigned int cmd, unsigned long value)
{
	return vm_call(file, cmd, value, true);
}

static int vm_release(struct inode *inode, struct file *file)
{
	kvm_put(file->private_data);
	return 0;
}

struct file_operations kvm_vm_fops = {
	.release = vm_release,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = vm_compat_ioctl,
	.llseek = noop_llseek,
};

/**
 * kvm_vm_create_fd() - KVM_CREATE_VM
 * @type: 0, the only kind of VM there is
 *
 * Return: a file descriptor; -EINVAL for a type that isn't there, -ENOMEM, -EMFILE.
 */
long kvm_vm_create_fd(unsigned long type)
{
	struct file *file;
	struct kvm *kvm;
	int fd;

	if (type)
		return -EINVAL;
	kvm = vm_create();
	if (IS_ERR(kvm))
		return PTR_ERR(kvm);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		goto err_kvm;
	file = anon_inode_getfile("kvm-vm", &kvm_vm_fops, kvm, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		fd = PTR_ERR(file);
		goto err_kvm;
	}
	kvm_stats_vm_add(kvm, fd);
	fd_install(fd, file);
	return fd;

err_kvm:
	kvm_put(kvm);
	return fd;
}
