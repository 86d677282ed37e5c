// SPDX-License-Identifier: GPL-2.0-only
/* The x86 part of a VM's life. */

#include "arch.h"
#include "core.h"
#include "guest_time.h"
#include "msr_filter.h"
#include "vcpu.h"

int kvm_arch_vm_init(struct kvm *kvm)
{
	int r;

	kvm->caps.max_vcpu_id = KVM_MAX_VCPU_ID;
	r = mmu_vm_init(kvm);
	if (r)
		return r;
	irqchip_vm_init(kvm);
	kvm_tsc_vm_init(kvm);
	kvm_clock_vm_init(kvm);
	return 0;
}

void kvm_arch_vm_predestroy(struct kvm *kvm)
{
	/* Timers and work items go before what they point to (CVE-2019-7221). */
	irqchip_vm_predestroy(kvm);
	kvm_clock_vm_destroy(kvm);
}

void kvm_arch_vm_destroy(struct kvm *kvm)
{
	kvm_msr_filter_destroy(kvm);
	irqchip_vm_destroy(kvm);
	mmu_vm_destroy(kvm);
}
