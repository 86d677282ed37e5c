/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exit handlers that vendors share (exit.c, and cpuid.c, msr.c, pv.c for theirs), named directly in
 * the vendors' exit tables. Context of all: vCPU thread, irqs and preemption on, vCPU loaded,
 * kvm->srcu held; may sleep.
 */
#ifndef GUESTMODE_EXIT_H
#define GUESTMODE_EXIT_H

#include <linux/nospec.h>

#include "access.h"

/**
 * struct kvm_exit_row - one hardware exit reason; vendors' tables are arrays of these indexed by
 * reason
 */
struct kvm_exit_row {
	enum kvm_exit_action (*handler)(struct kvm_vcpu *vcpu);
	enum kvm_exit_class class; /* what it counts as */
};

#define KVM_EXIT_ROW(handler_fn, exit_class) \
	{ \
		.handler = handler_fn, .class = KVM_EXIT_CLASS_##exit_class \
	}

enum kvm_exit_action exit_cpuid(struct kvm_vcpu *vcpu); /* cpuid.c */
enum kvm_exit_action exit_rdmsr(struct kvm_vcpu *vcpu); /* msr.c */
enum kvm_exit_action exit_wrmsr(struct kvm_vcpu *vcpu);
enum kvm_exit_action exit_hypercall(struct kvm_vcpu *vcpu); /* pv.c */
enum kvm_exit_action kvm_hypercall(struct kvm_vcpu *vcpu); /* the call alone: RIP stays */
enum kvm_exit_action exit_hlt(struct kvm_vcpu *vcpu);
enum kvm_exit_action exit_host_interrupt(struct kvm_vcpu *vcpu);
enum kvm_exit_action exit_irq_window(struct kvm_vcpu *vcpu);
enum kvm_exit_action exit_nmi_window(struct kvm_vcpu *vcpu);
enum kvm_exit_action exit_pause(struct kvm_vcpu *vcpu);
enum kvm_exit_action exit_rdpmc(struct kvm_vcpu *vcpu);
enum kvm_exit_action exit_xsetbv(struct kvm_vcpu *vcpu);
enum kvm_exit_action
exit_invd(struct kvm_vcpu
		  *vcpu); /* INVD, WBINVD: done as a no-op unless the guest has non-coherent DMA */
enum kvm_exit_action exit_monitor(struct kvm_vcpu *vcpu);
enum kvm_exit_action exit_mwait(struct kvm_vcpu *vcpu);
enum kvm_exit_action
exit_ud(struct kvm_vcpu *vcpu); /* instruction intercepted that the guest does not have: #UD */
enum kvm_exit_action exit_nothing(struct kvm_vcpu *vcpu); /* all was done before */
enum kvm_exit_action exit_triple_fault(struct kvm_vcpu *vcpu);
enum kvm_exit_action exit_exception_ud(struct kvm_vcpu *vcpu);
enum kvm_exit_action exit_exception_ac(struct kvm_vcpu *vcpu, u32 error);
enum kvm_exit_action exit_cr8_write(struct kvm_vcpu *vcpu, u64 value); /* decoded by hardware */
enum kvm_exit_action exit_cr8_written(struct kvm_vcpu *vcpu, u64 old, enum kvm_exit_action action);

/* irqs off: a machine check ended guest mode; the host's handler must see it. */
void exit_host_machine_check(void);
enum kvm_exit_action exit_emulate(struct kvm_vcpu *vcpu); /* whatever it is: the emulator does it */

/*
 * One exception intercepted because of KVM_SET_GUEST_DEBUG (#DB, #BP): to userspace or back to the
 * guest.
 */
enum kvm_exit_action exit_db(struct kvm_vcpu *vcpu, u64 dr6);
enum kvm_exit_action exit_dr_debugged(struct kvm_vcpu *vcpu);
enum kvm_exit_action exit_bp(struct kvm_vcpu *vcpu);

enum kvm_exit_action exit_mmio(struct kvm_vcpu *vcpu, gpa_t gpa);

/* A nested page fault: maps, or emulates an MMIO access. */
enum kvm_exit_action exit_nested_fault(struct kvm_vcpu *vcpu, gpa_t gpa, u32 access);

/*
 * IN/OUT without string, decoded by hardware (port, size, direction). next RIP is skip_insn's
 * business.
 */
enum kvm_exit_action exit_pio(struct kvm_vcpu *vcpu, u16 port, int size, bool in);

/* Exit to userspace: KVM_EXIT_FAIL_ENTRY / an exit reason that nothing asked for. */
enum kvm_exit_action exit_fail_entry(struct kvm_vcpu *vcpu, u64 reason);
enum kvm_exit_action exit_unexpected(struct kvm_vcpu *vcpu, u64 reason);

/**
 * exit_dispatch() - count an exit and call its handler
 * @vcpu: the vCPU
 * @rows: the vendor's table
 * @nr: its length
 * @reason: hardware's exit reason, perhaps beyond the table
 *
 * Inline, so that table and length are constants.
 */
static __always_inline enum kvm_exit_action
exit_dispatch(struct kvm_vcpu *vcpu, const struct kvm_exit_row *rows, u32 nr, u32 reason)
{
	const struct kvm_exit_row *row;

	if (unlikely(reason >= nr)) {
		vcpu->stat.exit_reason[KVM_EXIT_CLASS_OTHER]++;
		return exit_unexpected(vcpu, reason);
	}
	row = &rows[array_index_nospec(reason, nr)];
	vcpu->stat.exit_reason[row->class]++;
	if (unlikely(!row->handler))
		return exit_unexpected(vcpu, reason);
	return row->handler(vcpu);
}

/* Behind a handled instruction: skip it and go on, or give up as skip_insn says. */
static inline enum kvm_exit_action exit_skip(struct kvm_vcpu *vcpu)
{
	return vendor_call(skip_insn, vcpu);
}

/* Behind a register write that the guest may get wrong: #GP(0), or on. */
enum kvm_exit_action exit_gp_or_skip(struct kvm_vcpu *vcpu, int error);

enum kvm_task_reason { KVM_TASK_CALL, KVM_TASK_IRET, KVM_TASK_JMP, KVM_TASK_GATE };

/**
 * struct kvm_task_switch - an intercepted task switch, as hardware reports it
 * @selector: of the new task's TSS
 * @reason: KVM_TASK_*; as VMX numbers them; GATE is one in the IDT
 * @insn: an instruction led here: the old task goes on behind it
 * @soft: by INT n, INT3 or INTO
 * @len: its length, 0 if hardware doesn't tell
 */
struct kvm_task_switch {
	u16 selector;
	enum kvm_task_reason reason;
	bool insn;
	bool soft;
	u8 len;
};

/* emul/glue_event.c */
enum kvm_exit_action exit_task_switch(struct kvm_vcpu *vcpu, const struct kvm_task_switch *from);
int kvm_deliver(struct kvm_vcpu *vcpu, u8 vector, u8 len, bool has_error, u32 error);

/* emul/glue.c */
/*
 * flags: EMUL_GLUE_SKIP only decode and step over; EMUL_GLUE_UD: came from #UD, only emulate what
 * exists on the other vendor's CPUs: hypercalls, system calls
 */
#define EMUL_GLUE_SKIP BIT(0)
#define EMUL_GLUE_UD BIT(1)
enum kvm_exit_action kvm_emulate(struct kvm_vcpu *vcpu, u32 flags);
unsigned int kvm_quick_length(struct kvm_vcpu *vcpu, bool user);
int kvm_emul_vcpu_create(struct kvm_vcpu *vcpu);
void kvm_emul_vcpu_free(struct kvm_vcpu *vcpu);

/* run.c */
enum kvm_exit_action kvm_vcpu_halt(struct kvm_vcpu *vcpu); /* HLT emulated; RIP already advanced */

#endif
