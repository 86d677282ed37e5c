// SPDX-License-Identifier: GPL-2.0-only
/* Ioctls of a VM's file, and of /dev/kvm, that are x86's. */

#include "caps.h"
#include "cpuid.h"
#include "fpu.h"
#include "guest_time.h"
#include "ioctl.h"
#include "msr.h"
#include "msr_filter.h"
#include "vcpu.h"

/* Where VMX may put a TSS for real mode: three pages below 4 GiB. */
static long ioctl_set_tss_addr(struct kvm_ioctl_call *call)
{
	if (call->value > U32_MAX - 3 * PAGE_SIZE)
		return -EINVAL;
	call->kvm->tss_addr = call->value;
	return 0;
}

/* A page for the identity map of VMX's real mode; 0 means the default place. */
static long ioctl_set_identity_map_addr(struct kvm_ioctl_call *call)
{
	u64 addr = *(u64 *)call->arg;

	if (call->kvm->created_vcpus || atomic_read(&call->kvm->online_vcpus))
		return -EINVAL;
	call->kvm->identity_map_addr = addr ?: 0xfffbc000;
	return 0;
}

static long ioctl_set_boot_cpu_id(struct kvm_ioctl_call *call)
{
	if (atomic_read(&call->kvm->online_vcpus))
		return -EBUSY;
	call->kvm->caps.bsp_id = call->value;
	return 0;
}

static long ioctl_set_nr_mmu_pages(struct kvm_ioctl_call *call)
{
	return mmu_set_page_limit(call->kvm, call->value);
}

static long ioctl_check_extension_vm(struct kvm_ioctl_call *call)
{
	return kvm_check_extension(call->kvm, call->value);
}

static long ioctl_check_extension(struct kvm_ioctl_call *call)
{
	return kvm_check_extension(NULL, call->value);
}

static long ioctl_enable_cap(struct kvm_ioctl_call *call)
{
	return kvm_vm_enable_cap(call->kvm, call->arg);
}

/* --- the system's attributes: XCR0's bits that a guest may have are the only one -------------- */

static long system_has_attr(struct kvm_ioctl_call *call)
{
	const struct kvm_device_attr *attr = call->arg;

	return attr->group || attr->attr != KVM_X86_XCOMP_GUEST_SUPP ? -ENXIO : 0;
}

static long system_get_attr(struct kvm_ioctl_call *call)
{
	const struct kvm_device_attr *attr = call->arg;
	long r = system_has_attr(call);

	return r ?: put_user(kvm_supported_xcr0, (u64 __user *)(unsigned long)attr->addr);
}

static const struct kvm_ioctl_row kvm_arch_vm_ioctls[] = {
	{ KVM_CHECK_EXTENSION, ioctl_check_extension_vm, IOC_ARG_VALUE },
	{ KVM_ENABLE_CAP, ioctl_enable_cap, IOC_VM_LOCK },
	{ KVM_SET_TSS_ADDR, ioctl_set_tss_addr, IOC_ARG_VALUE },
	{ KVM_SET_IDENTITY_MAP_ADDR, ioctl_set_identity_map_addr, IOC_VM_LOCK },
	{ KVM_SET_NR_MMU_PAGES, ioctl_set_nr_mmu_pages, IOC_ARG_VALUE },
	{ KVM_SET_BOOT_CPU_ID, ioctl_set_boot_cpu_id, IOC_ARG_VALUE | IOC_VM_LOCK },
	{}
};

static const struct kvm_ioctl_row kvm_arch_system_ioctls[] = {
	{ KVM_CHECK_EXTENSION, ioctl_check_extension, IOC_ARG_VALUE },
	{ KVM_HAS_DEVICE_ATTR, system_has_attr },
	{ KVM_GET_DEVICE_ATTR, system_get_attr },
	{}
};

const struct kvm_ioctl_row *const kvm_arch_vm_tables[] = { kvm_arch_vm_ioctls, irqchip_vm_ioctls,
							   kvm_time_vm_ioctls,
							   kvm_msr_filter_vm_ioctls, NULL };

const struct kvm_ioctl_row *const kvm_arch_system_tables[] = { kvm_arch_system_ioctls,
							       kvm_cpuid_system_ioctls,
							       kvm_msr_system_ioctls, NULL };
