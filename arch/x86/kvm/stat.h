/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is counted of a VM and of a vCPU. A field stands here once: the structures and the rows that
 * describe them (stat.c) are made of the same lists. Names are ABI: KVM_GET_STATS_FD, debugfs.
 */
#ifndef GUESTMODE_STAT_H
#define GUESTMODE_STAT_H

#include "stats.h"

/*
 * Classes of hardware exits, whatever the vendor calls them: X(class, name). Each is always counted
 * (exit_reason_NAME), and with the module parameter exit_times timed (exit_time_NAME).
 */
#define KVM_EXIT_CLASSES(X) \
	X(OTHER, other) /* a reason that nothing asked for, failed entries */ \
	X(INTR, interrupt) /* the host's */ \
	X(NMI, nmi) /* likewise; SMI, INIT */ \
	X(IRQ_WINDOW, irq_window) \
	X(NMI_WINDOW, nmi_window) /* SVM: IRET */ \
	X(EXCEPTION, exception) \
	X(CPUID, cpuid) \
	X(HLT, hlt) \
	X(IO, io) \
	X(MSR, msr) \
	X(CR, cr_access) \
	X(DR, dr_access) \
	X(NESTED_FAULT, nested_fault) /* NPF, EPT violation or misconfiguration */ \
	X(HYPERCALL, hypercall) \
	X(PAUSE, pause) \
	X(MONITOR, monitor_mwait) \
	X(CACHE, invd) /* INVD, WBINVD */ \
	X(XSETBV, xsetbv) \
	X(RDPMC, rdpmc) \
	X(TASK_SWITCH, task_switch) \
	X(SHUTDOWN, shutdown) /* triple fault */ \
	X(MISSING, missing_insn) /* instructions that the guest doesn't have */

enum kvm_exit_class {
#define X(class, name) KVM_EXIT_CLASS_##class,
	KVM_EXIT_CLASSES(X)
#undef X
	KVM_NR_EXIT_CLASSES
};

#define KVM_VCPU_STATS_X86(X) \
	X(COUNT, exits, ) \
	X(COUNT, io_exits, ) \
	X(COUNT, mmio_exits, ) \
	X(COUNT, signal_exits, ) \
	X(COUNT, irq_window_exits, ) \
	X(COUNT, nmi_window_exits, ) \
	X(COUNT, halt_exits, ) \
	X(COUNT, irq_exits, ) \
	X(COUNT, request_irq_exits, ) /* to userspace: its interrupt fits now */ \
	X(COUNT, host_state_reload, ) /* came to a CPU */ \
	X(COUNT, fpu_reload, ) \
	X(COUNT, hypercalls, ) \
	X(COUNT, insn_emulation, ) \
	X(COUNT, insn_emulation_fail, ) \
	X(COUNT, irq_injections, ) \
	X(COUNT, nmi_injections, ) \
	X(COUNT, req_event, ) \
	X(COUNT, tlb_flush, ) \
	X(COUNT, pf_taken, ) \
	X(COUNT, pf_fixed, ) \
	X(COUNT, pf_emulate, ) \
	X(COUNT, pf_spurious, ) \
	X(COUNT, preemption_reported, ) \
	X(COUNT, preemption_other, ) /* preempted, and could not leave word */

#define KVM_VM_STATS_X86(X) \
	X(COUNT, mmu_shadow_zapped, ) /* page-table pages taken away */ \
	X(NOW, pages_4k, ) /* of guest memory that are mapped so */ \
	X(NOW, pages_2m, ) \
	X(NOW, pages_1g, )

#define X(kind, field, dimension) u64 field dimension;
struct kvm_vcpu_stat {
	KVM_VCPU_STATS_GENERIC(X)
	KVM_VCPU_STATS_X86(X)
	u64 exit_reason[KVM_NR_EXIT_CLASSES];
	u64 exit_time[KVM_NR_EXIT_CLASSES]; /* ns from an exit to the next entry */
};

struct kvm_vm_stat {
	KVM_VM_STATS_GENERIC(X)
	KVM_VM_STATS_X86(X)
};
#undef X

int kvm_exit_times_init(void);
void kvm_exit_times_exit(void);

#endif
