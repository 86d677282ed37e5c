// SPDX-License-Identifier: GPL-2.0-only
/* Exit handlers that vendors share. Context of all: exit.h. */

#include <linux/module.h>
#include <linux/sched.h>
#include <asm/debugreg.h>
#include <asm/mce.h>
#include <asm/ptrace.h>
#include <asm/trapnr.h>

#include "cpuid.h"
#include "cr.h"
#include "event.h"
#include "exit.h"
#include "run.h"
#include "trace.h"

enum kvm_exit_action exit_hlt(struct kvm_vcpu *vcpu)
{
	enum kvm_exit_action action = exit_skip(vcpu);

	/* A single-step trap behind HLT is delivered, and so ends it. */
	return action == KVM_RESUME ? kvm_vcpu_halt(vcpu) : action;
}
EXPORT_SYMBOL_NS_GPL(exit_hlt, GUESTMODE);

/* The host has taken its interrupt by now. */
enum kvm_exit_action exit_host_interrupt(struct kvm_vcpu *vcpu)
{
	vcpu->stat.irq_exits++;
	return KVM_RESUME;
}
EXPORT_SYMBOL_NS_GPL(exit_host_interrupt, GUESTMODE);

enum kvm_exit_action exit_irq_window(struct kvm_vcpu *vcpu)
{
	vcpu->stat.irq_window_exits++;
	kvm_make_request(KVM_REQ_EVENT, vcpu);
	return KVM_RESUME;
}
EXPORT_SYMBOL_NS_GPL(exit_irq_window, GUESTMODE);

enum kvm_exit_action exit_nmi_window(struct kvm_vcpu *vcpu)
{
	vcpu->stat.nmi_window_exits++;
	kvm_make_request(KVM_REQ_EVENT, vcpu);
	return KVM_RESUME;
}
EXPORT_SYMBOL_NS_GPL(exit_nmi_window, GUESTMODE);

/* The guest spins, probably for a lock that another vCPU's thread holds: let others run. */
enum kvm_exit_action exit_pause(struct kvm_vcpu *vcpu)
{
	kvm_srcu_unlock(vcpu);
	yield();
	kvm_srcu_lock(vcpu);
	return exit_skip(vcpu);
}
EXPORT_SYMBOL_NS_GPL(exit_pause, GUESTMODE);

/* No performance counters: each index is out of range. SDM vol. 2, RDPMC: #GP(0). */
enum kvm_exit_action exit_rdpmc(struct kvm_vcpu *vcpu)
{
	kvm_inject_gp(vcpu);
	return KVM_RESUME;
}
EXPORT_SYMBOL_NS_GPL(exit_rdpmc, GUESTMODE);

enum kvm_exit_action exit_xsetbv(struct kvm_vcpu *vcpu)
{
	if (!(kvm_cr4(vcpu) & X86_CR4_OSXSAVE)) {
		kvm_queue_exception(vcpu, X86_TRAP_UD);
		return KVM_RESUME;
	}
	if (kvm_cpl(vcpu) ||
	    kvm_set_xcr(vcpu, (u32)vcpu->regs.val[KVM_REG_RCX], kvm_edx_eax(vcpu))) {
		kvm_inject_gp(vcpu);
		return KVM_RESUME;
	}
	return exit_skip(vcpu);
}
EXPORT_SYMBOL_NS_GPL(exit_xsetbv, GUESTMODE);

/* All of the guest's memory is coherent: there is nothing to write back. */
enum kvm_exit_action exit_invd(struct kvm_vcpu *vcpu)
{
	return exit_skip(vcpu);
}
EXPORT_SYMBOL_NS_GPL(exit_invd, GUESTMODE);

/*
 * Both do nothing, whatever CPUID says, since guests were seen that don't ask it, and old hosts let
 * them. Without the quirk they exist only with CPUID's MONITOR bit.
 */
enum kvm_exit_action exit_monitor(struct kvm_vcpu *vcpu)
{
	if ((vcpu->kvm->caps.disabled_quirks & KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS) &&
	    !kvm_cpuid_mwait(vcpu))
		return exit_ud(vcpu);
	return exit_skip(vcpu);
}
EXPORT_SYMBOL_NS_GPL(exit_monitor, GUESTMODE);

enum kvm_exit_action exit_mwait(struct kvm_vcpu *vcpu)
{
	/* It may end at once, for any reason (SDM vol. 2, MWAIT). */
	return exit_monitor(vcpu);
}
EXPORT_SYMBOL_NS_GPL(exit_mwait, GUESTMODE);

enum kvm_exit_action exit_ud(struct kvm_vcpu *vcpu)
{
	kvm_queue_exception(vcpu, X86_TRAP_UD);
	return KVM_RESUME;
}
EXPORT_SYMBOL_NS_GPL(exit_ud, GUESTMODE);

enum kvm_exit_action exit_nothing(struct kvm_vcpu *vcpu)
{
	return KVM_RESUME;
}
EXPORT_SYMBOL_NS_GPL(exit_nothing, GUESTMODE);

/* The state stays as it is, for userspace to find out why. */
enum kvm_exit_action exit_triple_fault(struct kvm_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
	return KVM_TO_USER;
}
EXPORT_SYMBOL_NS_GPL(exit_triple_fault, GUESTMODE);

enum kvm_exit_action exit_exception_ud(struct kvm_vcpu *vcpu)
{
	return kvm_emulate(vcpu, EMUL_GLUE_UD);
}
EXPORT_SYMBOL_NS_GPL(exit_exception_ud, GUESTMODE);

/* Intercepted only so that its delivery can't go round for ever inside the CPU. */
enum kvm_exit_action exit_exception_ac(struct kvm_vcpu *vcpu, u32 error)
{
	kvm_queue_exception_e(vcpu, X86_TRAP_AC, error);
	return KVM_RESUME;
}
EXPORT_SYMBOL_NS_GPL(exit_exception_ac, GUESTMODE);

enum kvm_exit_action exit_gp_or_skip(struct kvm_vcpu *vcpu, int error)
{
	if (!error)
		return exit_skip(vcpu);
	kvm_inject_gp(vcpu);
	return KVM_RESUME;
}
EXPORT_SYMBOL_NS_GPL(exit_gp_or_skip, GUESTMODE);

/**
 * exit_cr8_written() - the guest has written CR8
 * @vcpu: the vCPU
 * @old: CR8 before
 * @action: what became of the write
 *
 * Without a LAPIC of ours userspace wants to hear of a lower TPR: an interrupt of its may fit now.
 */
enum kvm_exit_action exit_cr8_written(struct kvm_vcpu *vcpu, u64 old, enum kvm_exit_action action)
{
	if (action != KVM_RESUME || vcpu->lapic || kvm_get_cr8(vcpu) >= old)
		return action;
	vcpu->run->exit_reason = KVM_EXIT_SET_TPR;
	return KVM_TO_USER;
}
EXPORT_SYMBOL_NS_GPL(exit_cr8_written, GUESTMODE);

enum kvm_exit_action exit_cr8_write(struct kvm_vcpu *vcpu, u64 value)
{
	u64 old = kvm_get_cr8(vcpu);

	return exit_cr8_written(vcpu, old, exit_gp_or_skip(vcpu, kvm_set_cr8(vcpu, value)));
}
EXPORT_SYMBOL_NS_GPL(exit_cr8_write, GUESTMODE);

/*
 * A machine check that came while the guest ran was intercepted, not delivered. As if from user
 * mode: nothing of the kernel's was hurt, and the thread may be killed.
 */
void exit_host_machine_check(void)
{
	struct pt_regs regs = { .cs = 3, .flags = X86_EFLAGS_IF };

	do_machine_check(&regs);
}
EXPORT_SYMBOL_NS_GPL(exit_host_machine_check, GUESTMODE);

enum kvm_exit_action exit_emulate(struct kvm_vcpu *vcpu)
{
	return kvm_emulate(vcpu, 0);
}
EXPORT_SYMBOL_NS_GPL(exit_emulate, GUESTMODE);

static enum kvm_exit_action debug_exit(struct kvm_vcpu *vcpu, u32 exception, u64 dr6)
{
	struct kvm_debug_exit_arch *arch = &vcpu->run->debug.arch;

	kvm_debug_stepped(vcpu);
	vcpu->run->exit_reason = KVM_EXIT_DEBUG;
	arch->exception = exception;
	arch->pc = kvm_linear_rip(vcpu);
	arch->dr6 = dr6;
	arch->dr7 = vcpu->debug.guest_debug_dr7;
	return KVM_TO_USER;
}

/**
 * exit_db() - #DB was intercepted
 * @vcpu: the vCPU
 * @dr6: what happened, DR6 with its fixed bits
 */
enum kvm_exit_action exit_db(struct kvm_vcpu *vcpu, u64 dr6)
{
	u32 want = 0;

	/* The debugger's, if any of what it asked for happened; its breakpoints are in DR7 then. */
	if (dr6 & DR_STEP)
		want |= KVM_GUESTDBG_SINGLESTEP;
	if (dr6 & DR_TRAP_BITS || !want)
		want |= KVM_GUESTDBG_USE_HW_BP;
	if (vcpu->debug.guest_debug & KVM_GUESTDBG_ENABLE && vcpu->debug.guest_debug & want)
		return debug_exit(vcpu, X86_TRAP_DB, dr6);
	kvm_queue_db(vcpu, dr6 & ~(u64)KVM_DR6_INIT);
	return KVM_RESUME;
}
EXPORT_SYMBOL_NS_GPL(exit_db, GUESTMODE);

/**
 * exit_dr_debugged() - MOV to or from a debug register, which a debugger has or watches
 * @vcpu: the vCPU
 *
 * The intercept comes before DR7.GD's fault (SDM vol. 3, 25.1.1): the debugger's is ours to raise.
 */
enum kvm_exit_action exit_dr_debugged(struct kvm_vcpu *vcpu)
{
	const struct kvm_vcpu_debug *d = &vcpu->debug;

	if ((d->guest_debug & KVM_GUESTDBG_USE_HW_BP) && (d->guest_debug_dr7 & KVM_DR7_GD))
		return debug_exit(vcpu, X86_TRAP_DB, KVM_DR6_INIT | KVM_DR6_BD);
	return kvm_emulate(vcpu, 0);
}
EXPORT_SYMBOL_NS_GPL(exit_dr_debugged, GUESTMODE);

/* Only intercepted for KVM_GUESTDBG_USE_SW_BP. */
enum kvm_exit_action exit_bp(struct kvm_vcpu *vcpu)
{
	return debug_exit(vcpu, X86_TRAP_BP, 0);
}
EXPORT_SYMBOL_NS_GPL(exit_bp, GUESTMODE);

/* The delivery of an event touched what is no RAM: nobody can complete it. */
static enum kvm_exit_action exit_delivery(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	struct kvm_run *run = vcpu->run;
	u64 info1, info2;
	u32 intr, error;

	vendor_call(exit_info, vcpu, &info1, &info2, &intr, &error);
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = KVM_INTERNAL_ERROR_DELIVERY_EV;
	run->internal.ndata = 5;
	run->internal.data[0] = vcpu->exit.vectoring;
	run->internal.data[1] = vcpu->exit.reason;
	run->internal.data[2] = info1;
	run->internal.data[3] = gpa;
	run->internal.data[4] = kvm_last_entry_cpu(vcpu);
	return KVM_TO_USER;
}

/**
 * exit_mmio() - the guest touched a gpa that is no memory
 * @vcpu: the vCPU
 * @gpa: which
 */
enum kvm_exit_action exit_mmio(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	/* A stack or descriptor table in device memory: no instruction stands behind the access. */
	if (unlikely(event_vectoring(vcpu)))
		return exit_delivery(vcpu, gpa);
	return kvm_emulate(vcpu, 0);
}
EXPORT_SYMBOL_NS_GPL(exit_mmio, GUESTMODE);

/**
 * exit_nested_fault() - the guest touched a gpa that the nested page table doesn't allow
 * @vcpu: the vCPU
 * @gpa: which
 * @access: KVM_ACC_*
 */
enum kvm_exit_action exit_nested_fault(struct kvm_vcpu *vcpu, gpa_t gpa, u32 access)
{
	trace_kvm_page_fault(vcpu, gpa);
	switch (mmu_nested_fault(vcpu, gpa, access)) {
	case MMU_FAULT_FIXED:
		return KVM_RESUME;
	case MMU_FAULT_EMULATE:
		return exit_mmio(vcpu, gpa);
	default:
		return KVM_FAIL;
	}
}
EXPORT_SYMBOL_NS_GPL(exit_nested_fault, GUESTMODE);

/* KVM_EXIT_INTERNAL_ERROR with what hardware said about the exit. */
enum kvm_exit_action exit_unexpected(struct kvm_vcpu *vcpu, u64 reason)
{
	struct kvm_run *run = vcpu->run;

	pr_warn_ratelimited("kvm: vCPU %d: unexpected exit reason %#llx\n", vcpu->vcpu_id, reason);
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON;
	run->internal.ndata = 2;
	run->internal.data[0] = reason;
	run->internal.data[1] = kvm_last_entry_cpu(vcpu);
	return KVM_TO_USER;
}
EXPORT_SYMBOL_NS_GPL(exit_unexpected, GUESTMODE);

enum kvm_exit_action exit_fail_entry(struct kvm_vcpu *vcpu, u64 reason)
{
	vcpu->run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	vcpu->run->fail_entry.hardware_entry_failure_reason = reason;
	vcpu->run->fail_entry.cpu = kvm_last_entry_cpu(vcpu);
	return KVM_TO_USER;
}
EXPORT_SYMBOL_NS_GPL(exit_fail_entry, GUESTMODE);
