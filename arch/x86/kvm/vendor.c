// SPDX-License-Identifier: GPL-2.0-only
/* The one registered vendor module: its operations as static calls, and module init of kvm.ko. */

#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/smp.h>

#include "core.h"
#include "arch.h"
#include "access.h"
#include "cpuid.h"
#include "fpu.h"
#include "guest_time.h"
#include "hostwork.h"
#include "ioctl.h"
#include "msr.h"
#include "user_return.h"

#define X(ret, name, args) \
	DEFINE_STATIC_CALL_NULL(kvm_vendor_##name, *((struct kvm_vendor_ops *)0)->name);
KVM_VENDOR_OPS(X)
#undef X

const struct kvm_vendor_caps *kvm_caps;
EXPORT_SYMBOL_NS_GPL(kvm_caps, GUESTMODE);

static const struct kvm_vendor_ops *vendor;
static DEFINE_MUTEX(vendor_lock);

/* kvm->vcpu sizes, for virt/kvm */
size_t kvm_arch_vcpu_size(void)
{
	return vendor->vcpu_size;
}

int kvm_arch_cpu_enable(void)
{
	return vendor_call(cpu_enable);
}

void kvm_arch_cpu_disable(void)
{
	vendor_call(cpu_disable);
	kvm_user_return_cpu_off();
}

void kvm_arch_cpu_emergency(void)
{
	vendor_call(cpu_disable);
}

static void vendor_install(const struct kvm_vendor_ops *ops)
{
	vendor = ops;
	kvm_caps = ops->caps;
#define X(ret, name, args) static_call_update(kvm_vendor_##name, ops->name);
	KVM_VENDOR_OPS(X)
#undef X
}

/* Calls that point into a module must not outlive it. */
static void vendor_uninstall(void)
{
#define X(ret, name, args) static_call_update(kvm_vendor_##name, NULL);
	KVM_VENDOR_OPS(X)
#undef X
	vendor = NULL;
	kvm_caps = NULL;
}

static bool ops_complete(const struct kvm_vendor_ops *ops)
{
#define X(ret, op, args) \
	if (!ops->op) { \
		pr_err("kvm: %s lacks operation " #op "\n", ops->name); \
		return false; \
	}
	KVM_VENDOR_OPS(X)
#undef X
	return true;
}

static atomic_t check_errors;

static void check_this_cpu(void *unused)
{
	if (vendor_call(cpu_check))
		atomic_inc(&check_errors);
}

static int check_all_cpus(void)
{
	atomic_set(&check_errors, 0);
	on_each_cpu(check_this_cpu, NULL, 1);
	return atomic_read(&check_errors) ? -EIO : 0;
}

/* What is computed from the host's CPU and the vendor's caps; undone in reverse. */
static int tables_init(void)
{
	int r;

	r = kvm_fpu_module_init();
	if (r)
		return r;
	r = kvm_cpuid_module_init();
	if (r)
		return r;
	r = kvm_msr_module_init();
	if (r)
		goto err_cpuid;
	r = kvm_clock_module_init();
	if (r)
		goto err_cpuid;
	return 0;

err_cpuid:
	kvm_cpuid_module_exit();
	return r;
}

static void tables_exit(void)
{
	kvm_clock_module_exit();
	kvm_cpuid_module_exit();
}

/**
 * kvm_register_vendor() - a vendor module offers its services
 * @ops: complete table, stays valid until kvm_unregister_vendor()
 *
 * Context: module init. On success /dev/kvm exists and virtualization is on on all CPUs.
 * Return: 0; -EINVAL (table of another build), -EBUSY (a vendor is registered, or somebody else
 * uses virtualization), -EIO (a CPU can't), -ENOMEM.
 */
int kvm_register_vendor(const struct kvm_vendor_ops *ops)
{
	int r;

	if (ops->version != KVM_VENDOR_VERSION || ops->size != sizeof(*ops)) {
		pr_err("kvm: vendor module of another build: load kvm.ko of the same one\n");
		return -EINVAL;
	}
	if (!ops_complete(ops))
		return -EINVAL;

	mutex_lock(&vendor_lock);
	r = -EBUSY;
	if (vendor) {
		pr_err("kvm: %s is loaded already: unload it first\n", vendor->name);
		goto out;
	}
	vendor_install(ops);
	r = check_all_cpus();
	if (r)
		goto err_vendor;
	r = tables_init();
	if (r)
		goto err_vendor;
	r = kvm_core_start(ops->owner);
	if (r)
		goto err_tables;
	goto out;

err_tables:
	tables_exit();
err_vendor:
	kvm_user_return_reset();
	vendor_uninstall();
out:
	mutex_unlock(&vendor_lock);
	return r;
}
EXPORT_SYMBOL_NS_GPL(kvm_register_vendor, GUESTMODE);

/**
 * kvm_unregister_vendor() - a vendor module goes; it can't while a file of ours is open
 * @ops: what was registered
 */
void kvm_unregister_vendor(const struct kvm_vendor_ops *ops)
{
	mutex_lock(&vendor_lock);
	if (!WARN_ON(vendor != ops)) {
		kvm_core_stop();
		tables_exit();
		kvm_user_return_reset();
		vendor_uninstall();
	}
	mutex_unlock(&vendor_lock);
}
EXPORT_SYMBOL_NS_GPL(kvm_unregister_vendor, GUESTMODE);

void kvm_cache_reg(struct kvm_vcpu *vcpu, enum kvm_reg reg)
{
	vendor_call(cache_reg, vcpu, reg);
}
EXPORT_SYMBOL_NS_GPL(kvm_cache_reg, GUESTMODE);

static int __init kvm_init(void)
{
	int r;

	r = kvm_vcpu_module_init();
	if (r)
		return r;
	r = hostwork_module_init();
	if (r)
		goto err_vcpu;
	r = mmu_module_init();
	if (r)
		goto err_hostwork;
	r = kvm_exit_times_init();
	if (r)
		goto err_mmu;
	return 0;

err_mmu:
	mmu_module_exit();
err_hostwork:
	hostwork_module_exit();
err_vcpu:
	kvm_vcpu_module_exit();
	return r;
}
module_init(kvm_init);

static void __exit kvm_exit(void)
{
	kvm_exit_times_exit();
	/* Callbacks in flight are code of this module. */
	rcu_barrier();
	mmu_module_exit();
	hostwork_module_exit();
	kvm_vcpu_module_exit();
}
module_exit(kvm_exit);

MODULE_AUTHOR("The guestmode project");
MODULE_DESCRIPTION("guestmode: a KVM driver, vendor-neutral part");
MODULE_LICENSE("GPL");
