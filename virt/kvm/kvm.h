/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the whole driver shares: limits, requests, results, object lifetime.
 *
 * Lock order, outermost first:
 *   vcpu->mutex -> kvm->lock -> kvm->slots_lock -> kvm->irq_lock -> kvm->mmu.lock
 * mmap_lock of the VM's mm is taken inside slots_lock and outside mmu.lock. Read sections of
 * kvm->srcu may sleep and may be entered with any of the mutexes held, but slots_lock and
 * kvm->lock are never taken inside one: synchronize_srcu() runs under slots_lock.
 * (Documentation/locking.md)
 */
#ifndef GUESTMODE_KVM_H
#define GUESTMODE_KVM_H

#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct kvm;
struct kvm_vcpu;
struct kvm_memslots;
struct kvm_memslot;
struct kvm_vm_stat;

typedef u64 gpa_t; /* guest physical address, bytes */
typedef u64 gfn_t; /* guest frame number, gpa >> PAGE_SHIFT */
typedef unsigned long gva_t; /* guest virtual (linear) address */
typedef unsigned long hva_t; /* address in the VMM's mm */
typedef u64 hpa_t; /* host physical address */
typedef u64 kvm_pfn_t; /* host frame number, or an error code of guest_mem.h */

#define GPA_INVALID ((gpa_t)~0ULL)
#define HPA_INVALID ((hpa_t)~0ULL)

#define KVM_MAX_VCPUS 1024 /* online vCPUs in a VM */
#define KVM_MAX_VCPU_ID 4096 /* one above the largest vCPU (= APIC) id */
#define KVM_MAX_IRQ_ROUTES 4096

/* What a handler of an exit, or a completion, tells the run loop. */
enum kvm_exit_action {
	KVM_RESUME, /* enter the guest again */
	KVM_TO_USER, /* vcpu->run->exit_reason is filled in: KVM_RUN returns 0 */
	KVM_FAIL, /* KVM_RUN returns vcpu->run_errno */
};

/*
 * Requests: work that a vCPU's own thread must do before it enters the guest again. Anyone may
 * set one; run.c has the rows that say who serves it and why in that order.
 */
enum kvm_request {
	KVM_REQ_VM_DEAD, /* the VM hit an internal bug: KVM_RUN gives -EIO for ever */
	KVM_REQ_TRIPLE_FAULT, /* leave with KVM_EXIT_SHUTDOWN */
	KVM_REQ_USER_EOI, /* leave with KVM_EXIT_IOAPIC_EOI */
	KVM_REQ_TPR_ACCESS, /* leave with KVM_EXIT_TPR_ACCESS */
	KVM_REQ_MMU_ROOT, /* take the VM's current root page table */
	KVM_REQ_TLB_FLUSH, /* drop all translations of this vCPU */
	KVM_REQ_MASTERCLOCK, /* recompute the VM's clock base */
	KVM_REQ_CLOCK_UPDATE, /* refresh this vCPU's kvmclock page */
	KVM_REQ_STEAL_UPDATE, /* refresh this vCPU's steal-time page */
	KVM_REQ_INTERCEPTS, /* recompute what this vCPU intercepts */
	KVM_REQ_EVENT, /* look at pending exceptions, NMIs and interrupts */
	KVM_NR_REQS
};

/* vcpu->mode: where the vCPU's thread is, for kicks. */
enum kvm_vcpu_mode { OUTSIDE_GUEST_MODE, IN_GUEST_MODE, EXITING_GUEST_MODE };

/* main.c, vm.c, vcpu.c */
void kvm_get(struct kvm *kvm);
void kvm_put(struct kvm *kvm);
struct kvm_vcpu *kvm_get_vcpu_by_id(struct kvm *kvm, int id);
struct kvm_vcpu *kvm_get_vcpu(struct kvm *kvm, int idx);
struct kvm_vcpu *kvm_running_vcpu(void);

void kvm_make_request(enum kvm_request req, struct kvm_vcpu *vcpu);
/* On return no vCPU is in guest mode that has not seen the request. */
void kvm_make_all_request(struct kvm *kvm, enum kvm_request req);
void kvm_make_all_request_nowait(struct kvm *kvm, enum kvm_request req);
void kvm_make_all_exit(struct kvm *kvm);
bool kvm_vcpu_wake_up(struct kvm_vcpu *vcpu);
void kvm_vcpu_kick(struct kvm_vcpu *vcpu);
void kvm_vm_dead(struct kvm *kvm);

/**
 * KVM_BUG_ON - mark a VM dead when an invariant of the driver is broken
 * @cond: the condition that must never hold
 * @kvm: the VM that it concerns
 *
 * Warns once and lets each further KVM_RUN of @kvm return -EIO. Return: @cond.
 */
#define KVM_BUG_ON(cond, kvm) \
	({ \
		bool __bug = !!(cond); \
		if (WARN_ON_ONCE(__bug)) \
			kvm_vm_dead(kvm); \
		unlikely(__bug); \
	})

#endif
