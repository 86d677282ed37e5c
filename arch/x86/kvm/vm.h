/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct kvm, a VM. Each field says who may touch it: [i] set at init, [l] kvm->lock, [m]
 * kvm->slots_lock, [s] read under kvm->srcu and replaced under the lock named, [a] atomic, [q]
 * kvm->irq_lock.
 */
#ifndef GUESTMODE_VM_H
#define GUESTMODE_VM_H

#include <linux/mm_types.h>
#include <linux/refcount.h>
#include <linux/srcu.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "coalesced.h"
#include "iobus.h"
#include "irqfd.h"
#include "kvm.h"
#include "memslot.h"
#include "notifier.h"
#include "stat.h"
#include "irqchip/irqchip.h"
#include "mmu/mmu.h"

/* kvmclock's base for the whole VM (clock.c), and TSC synchronisation (tsc.c). */
/* Suspends of the host to memory or disk since the module was loaded. */
struct kvm_tsc_sleeps {
	u32 count;
	u64 lost; /* by how much they have set its TSC back, ticks in all */
};

struct kvm_clock_vm {
	struct kvm *kvm; /* [i] */
	struct list_head node; /* clock.c's list of VMs, under its lock */
	struct mutex lock; /* innermost of the mutexes */
	s64 offset_ns; /* [lock] guest's kvmclock = host's base time + this */
	bool use_master; /* [lock] all vCPUs share one TSC/ns pair; may be peeked at */
	u64 master_tsc; /* [lock] host TSC at ... */
	u64 master_ns; /* [lock] ... this host base time, ns */
	u32 master_sleeps; /* [lock] kvm_tsc_sleeps().count then: with another one it is old */
	u64 wall_clock_gpa; /* [lock] */
	struct delayed_work update; /* periodic refresh of all vCPUs' pages */
	raw_spinlock_t tsc_lock; /* writes of the vCPUs' TSC; innermost */
	u64 tsc_last_ns; /* [tsc_lock] base time of the last write by the host, 0: none yet */
	u64 tsc_last_write; /* [tsc_lock] its value */
	u64 tsc_last_offset; /* [tsc_lock] the offset that it led to */
	u64 tsc_last_ratio; /* [tsc_lock] */
	struct kvm_tsc_sleeps tsc_sleeps; /* [tsc_lock] that these make up for */
	bool tsc_user_wrote; /* [tsc_lock] userspace has written some vCPU's */
	u64 tsc_generation; /* [tsc_lock] counts writes that did not match the one before */
	u32 tsc_matched; /* [tsc_lock] vCPUs in this generation */
	u32 default_tsc_khz; /* [l] of vCPUs to come */
};

/* What userspace asked of the VM by KVM_ENABLE_CAP (caps.c). */
struct kvm_vm_caps {
	u32 max_vcpu_id; /* [l] */
	bool exception_payload; /* [l] */
	bool triple_fault_event; /* [l] */
	u64 disabled_exits; /* [l] KVM_X86_DISABLE_EXITS_* */
	u64 disabled_quirks; /* [l] */
	u32 manual_dirty_log; /* [l] KVM_DIRTY_LOG_* */
	u32 user_space_msr; /* [l] KVM_MSR_EXIT_REASON_* */
	/* [l] KVM_CAP_MSR_PLATFORM_INFO with 0: the guest must not read 0xce */
	bool no_platform_info;
	bool exit_on_emulation_error; /* [l] */
	u32 exit_hypercall; /* [l] BIT(KVM_HC_*): userspace answers it */
	bool bus_lock_exit; /* [l] userspace hears of bus locks */
	u32 notify; /* [l] KVM_X86_NOTIFY_VMEXIT_*, for all vCPUs from their beginning, and ... */
	u32 notify_window; /* [l] ... cycles without an event window that are too long */
	u32 bsp_id; /* [l] vCPU id of the boot processor */
};

struct kvm {
	/* life */
	refcount_t refs; /* [a] one per descriptor */
	struct mm_struct *mm; /* [i] of the creator: only it may run vCPUs (held by mmgrab) */
	bool dead; /* [a] KVM_BUG_ON hit */
	struct srcu_struct srcu; /* [i] memslots, buses, routing */
	struct mutex lock; /* vCPU creation, irqchip creation, KVM_ENABLE_CAP */
	struct mutex slots_lock; /* memslots and I/O buses */
	struct mutex irq_lock; /* routing */

	/* statistics */
	struct kvm_vm_stat stat; /* [mmu.lock for write]; see stat.h */
	struct kvm_vm_stats_dir stats_dir; /* see stats.h */

	/* vCPUs */
	struct xarray vcpus; /* [l] by index; read under RCU */
	atomic_t online_vcpus; /* [a] */
	u32 created_vcpus; /* [l] */
	unsigned int max_halt_poll_ns; /* [l] KVM_CAP_HALT_POLL's bound, where ... */
	bool own_halt_poll; /* [l] ... the VM has one; both read by any */

	/* memory */
	struct kvm_memslots __rcu *memslots; /* [s] slots_lock */
	struct kvm_memslots *memslots_spare; /* [m] the same once more: nobody reads it */
	struct kvm_notifier notifier; /* see there */
	struct kvm_mmu_vm mmu; /* see mmu/mmu.h */

	/* devices */
	struct kvm_io_bus __rcu *bus[KVM_NR_BUSES]; /* [s] slots_lock */
	struct list_head ioeventfds; /* [m] struct ioeventfd */
	struct kvm_irqfds irqfds; /* see irqfd.h */
	struct kvm_coalesced coalesced; /* see coalesced.h */
	struct kvm_vm_irqchip irqchip; /* see irqchip/irqchip.h */

	/* x86 */
	struct kvm_clock_vm clock; /* see above */
	struct kvm_vm_caps caps; /* see above */
	struct kvm_msr_filter_set __rcu *msr_filter; /* [s] lock; NULL: none (msr_filter.c) */
	u64 tss_addr; /* [l] KVM_SET_TSS_ADDR, for VMX real mode */
	u64 identity_map_addr; /* [l] likewise */
};

/**
 * kvm_memslots() - the table of memory slots in force
 * @kvm: the VM
 *
 * Context: kvm->srcu read section, or slots_lock held; the table lives as long as that.
 */
static inline struct kvm_memslots *kvm_memslots(struct kvm *kvm)
{
	return srcu_dereference_check(kvm->memslots, &kvm->srcu,
				      lockdep_is_held(&kvm->slots_lock));
}

#define kvm_for_each_vcpu(idx, vcpu, kvm) xa_for_each(&(kvm)->vcpus, idx, vcpu)

#endif
