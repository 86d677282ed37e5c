/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory virtualization: what the rest of the driver may ask of mmu/. */
#ifndef GUESTMODE_MMU_H
#define GUESTMODE_MMU_H

#include <linux/spinlock.h>
#include "kvm.h"

/* Access bits of faults and walks: the x86 page-fault error code's. */
#define KVM_ACC_PRESENT BIT(0) /* only in error codes: a protection fault */
#define KVM_ACC_WRITE BIT(1)
#define KVM_ACC_USER BIT(2)
#define KVM_ACC_RSVD BIT(3) /* only in error codes */
#define KVM_ACC_FETCH BIT(4)
#define KVM_ACC_IMPLICIT BIT(16) /* implicit supervisor access (descriptor tables): SMAP always applies */

/* Per VM. All vCPUs share one nested page table. */
struct kvm_mmu_vm {
	rwlock_t lock; /* read: install with cmpxchg; write: zap. Never sleeps inside. */
	hpa_t root; /* [lock] HPA_INVALID before the first fault */
	const struct pt_format *format; /* [i] NPT today; EPT, PAE ... later */
	struct list_head dead; /* [lock] tables to free after a grace period and a flush */
	u64 nr_pages; /* [a] table pages, for statistics */
	struct work_struct *zap_work; /* mmu/zap.c */
};

/* Per vCPU. */
struct kvm_vcpu_mmu {
	hpa_t root; /* [v] what vendor->set_root was told */
};

/* What a guest page-table walk found wrong: becomes #PF in the guest. */
struct kvm_walk_fault {
	u32 error_code; /* KVM_ACC_* */
	gva_t gva;
};

int mmu_module_init(void); /* caches of table pages */
void mmu_module_exit(void);
int mmu_vm_init(struct kvm *kvm);
void mmu_vm_destroy(struct kvm *kvm); /* no vCPU left, notifier gone */

/**
 * mmu_load_root() - give the vCPU the VM's current root (KVM_REQ_MMU_ROOT)
 * Context: vCPU loaded, may sleep. Return: 0 or -ENOMEM. Calls vendor set_root.
 */
int mmu_load_root(struct kvm_vcpu *vcpu);

enum mmu_fault_result {
	MMU_FAULT_FIXED, /* mapped, or spurious: enter again */
	MMU_FAULT_EMULATE, /* no RAM there, or a write to read-only memory: run the emulator */
	MMU_FAULT_ERROR, /* vcpu->run_errno set (-EFAULT, -ENOMEM, -EINTR, -EHWPOISON); KVM_EXIT_MEMORY_FAULT filled in for EFAULT */
};

/**
 * mmu_nested_fault() - handle a nested page fault (NPF, EPT violation)
 * @gpa: the guest-physical address
 * @access: KVM_ACC_PRESENT | WRITE | FETCH
 * Context: vCPU thread, kvm->srcu held, may sleep.
 */
enum mmu_fault_result mmu_nested_fault(struct kvm_vcpu *vcpu, gpa_t gpa, u32 access);

/**
 * mmu_gva_to_gpa() - walk the guest's own page tables
 * @access: KVM_ACC_WRITE | USER | FETCH | IMPLICIT
 * @fault: out: filled in when the guest must get a #PF
 * Sets accessed and dirty bits as hardware does. Handles no paging, 32-bit, PAE, 4 and 5 levels, NX, WP, SMEP, SMAP, PKU.
 * Context: kvm->srcu held, may sleep. Return: 0, or -EFAULT with @fault filled in.
 */
int mmu_gva_to_gpa(struct kvm_vcpu *vcpu, gva_t gva, u32 access, gpa_t *gpa,
		   struct kvm_walk_fault *fault);

/* Events. From the notifier (may be non-blocking: neither sleeps): return: a TLB flush is needed. */
bool mmu_unmap_gfn_range(struct kvm *kvm, gfn_t start, gfn_t end); /* lock held for write */
bool mmu_age_gfn_range(struct kvm *kvm, gfn_t start, gfn_t end, bool clear); /* lock taken inside; returns young */
/* From memslots: a slot went or moved; slots_lock held, may sleep; returns after TLBs are flushed. */
void mmu_zap_gfn_range(struct kvm *kvm, gfn_t start, gfn_t end);
void mmu_zap_all(struct kvm *kvm);

/* All vCPUs drop their translations before they run again, and none runs on old ones after return. */
void mmu_flush_remote_tlbs(struct kvm *kvm);

#endif
