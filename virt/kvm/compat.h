/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only place that knows that kernels differ. It tests what scripts/probe-kernel found
 * (config.h), never a version number: distributions backport.
 */
#ifndef GUESTMODE_COMPAT_H
#define GUESTMODE_COMPAT_H

#include "config.h"

/* The entry point of NMIs that VMX calls: not on the IST. Assembly calls it. */
#ifdef HAVE_ASM_EXC_NMI_KVM_VMX
#define COMPAT_VMX_NMI_ENTRY asm_exc_nmi_kvm_vmx
#else
#define COMPAT_VMX_NMI_ENTRY asm_exc_nmi_noist
#endif

#ifndef __ASSEMBLY__

#include <linux/cpuhotplug.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/syscore_ops.h>

/* CPU hotplug: the state that the kernel reserves for KVM. Dynamic states are refused for it. */
#ifdef HAVE_CPUHP_AP_KVM_ONLINE
#define COMPAT_CPUHP_KVM CPUHP_AP_KVM_ONLINE
#else
#define COMPAT_CPUHP_KVM CPUHP_AP_KVM_STARTING
#endif

/* Suspend and shutdown: operations with or without a data pointer. */
#ifdef HAVE_REGISTER_SYSCORE
#define COMPAT_SYSCORE_ARG void *data
#define COMPAT_DEFINE_SYSCORE(name, suspend_fn, resume_fn, shutdown_fn) \
	static const struct syscore_ops name##_ops = { .suspend = suspend_fn, \
						       .resume = resume_fn, \
						       .shutdown = shutdown_fn }; \
	static struct syscore name = { .ops = &name##_ops }
#define compat_register_syscore(s) register_syscore(s)
#define compat_unregister_syscore(s) unregister_syscore(s)
#else
#define COMPAT_SYSCORE_ARG void
#define COMPAT_DEFINE_SYSCORE(name, suspend_fn, resume_fn, shutdown_fn) \
	static struct syscore_ops name = { .suspend = suspend_fn, \
					   .resume = resume_fn, \
					   .shutdown = shutdown_fn }
#define compat_register_syscore(s) register_syscore_ops(s)
#define compat_unregister_syscore(s) unregister_syscore_ops(s)
#endif

/* Guests execute from small pages alone, for sysfs; not every kernel has a header for it. */
extern bool itlb_multihit_kvm_mitigation;

static __always_inline void compat_rcu_virt_note_context_switch(void)
{
#ifdef HAVE_RCU_VIRT_NOTE_VOID
	rcu_virt_note_context_switch();
#else
	rcu_virt_note_context_switch(smp_processor_id());
#endif
}

#ifdef HAVE_EVENTFD_SIGNAL_1
#define compat_eventfd_signal(ctx) eventfd_signal(ctx)
#else
#define compat_eventfd_signal(ctx) eventfd_signal(ctx, 1)
#endif

/*
 * Flags for a page lookup on a vCPU's behalf: its accesses count for NUMA balancing, and a signal
 * ends its wait.
 */
#ifdef HAVE_FOLL_INTERRUPTIBLE
#define COMPAT_FOLL_INTERRUPTIBLE FOLL_INTERRUPTIBLE
#else
#define COMPAT_FOLL_INTERRUPTIBLE 0
#endif
#ifdef HAVE_FOLL_HONOR_NUMA_FAULT
#define COMPAT_FOLL_VCPU (COMPAT_FOLL_INTERRUPTIBLE | FOLL_HONOR_NUMA_FAULT)
#else
#define COMPAT_FOLL_VCPU COMPAT_FOLL_INTERRUPTIBLE
#endif

/*
 * The frame behind a mapping without a usable struct page. mmap_lock held. 0, or -EINVAL: not
 * there.
 */
static inline int compat_follow_pfn(struct vm_area_struct *vma, unsigned long hva,
				    unsigned long *pfn, bool *writable)
{
#ifdef HAVE_FOLLOW_PFNMAP_START
	struct follow_pfnmap_args args = { .vma = vma, .address = hva };
	int r = follow_pfnmap_start(&args);

	if (r)
		return r;
	*pfn = args.pfn;
	*writable = args.writable;
	follow_pfnmap_end(&args);
#else
	spinlock_t *ptl;
	pte_t *ptep;
	int r = follow_pte(vma->vm_mm, hva, &ptep, &ptl);

	if (r)
		return r;
	__acquire(ptl); /* for sparse: follow_pte() has no annotation */
	*pfn = pte_pfn(*ptep);
	*writable = pte_write(*ptep);
	pte_unmap_unlock(ptep, ptl);
#endif
	return 0;
}

#endif /* __ASSEMBLY__ */

#endif
