// SPDX-License-Identifier: GPL-2.0-only
/* From the vCPU's registers into the guest and back. */

#include <linux/percpu.h>
#include <asm/debugreg.h>
#include <asm/mce.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>
#include <asm/trapnr.h>

#include "cr.h"
#include "exit.h"
#include "vmx.h"

static_assert(offsetof(struct vmx_entry, gpr) == ENTRY_GPR);
static_assert(offsetof(struct vmx_entry, host_rsp) == ENTRY_HOST_RSP);
static_assert(offsetof(struct vmx_entry, spec_guest) == ENTRY_SPEC_GUEST);
static_assert(offsetof(struct vmx_entry, spec_host) == ENTRY_SPEC_HOST);
static_assert(offsetof(struct vmx_entry, flags) == ENTRY_FLAGS);
static_assert(HOST_RSP == FIELD_HOST_RSP);
static_assert(KVM_REG_RAX == 0 && KVM_REG_RCX == 1 && KVM_REG_RDX == 2 && KVM_REG_RBX == 3 &&
	      KVM_REG_RSP == 4 && KVM_REG_RBP == 5 && KVM_REG_RSI == 6 && KVM_REG_RDI == 7 &&
	      KVM_REG_R8 == 8 && KVM_REG_R15 == 15);

/*
 * RSP, RIP, RFLAGS and CR3 are in the VMCS until somebody asks. CR0 and CR4 change by exits alone.
 */
#define IN_VMCS (BIT(KVM_REG_RSP) | BIT(KVM_REG_RIP) | BIT(KVM_REG_RFLAGS) | BIT(KVM_REG_CR3))
#define AVAIL_AFTER_EXIT \
	((BIT(KVM_NR_REGS) - 1) & ~(IN_VMCS | KVM_REGS_OF_SEGMENTS | KVM_REGS_OF_PAE))

/* --- before ---------------------------------------------------------------------------------- */

/*
 * TPR in the virtual-APIC page is the LAPIC's own; what it was, to see whether the guest changed
 * it.
 */
static void load_tpr(struct vcpu_vmx *vmx)
{
	if (!vmx->vtpr)
		return;
	vmx->tpr = READ_ONCE(*vmx->vtpr);
	/* 26.2.1.1: the threshold may not be above it. */
	if (unlikely(vmx->tpr_threshold > vmx->tpr >> 4)) {
		vmx->tpr_threshold = vmx->tpr >> 4;
		vmcs_write(TPR_THRESHOLD, vmx->tpr_threshold);
	}
}

/*
 * The host's state of this moment. Another thread of the process may change the LDT at any time,
 * by IPI: remembered is that it is used. PCIDs change with flushes, CR4 with features that are
 * switched on while we are here.
 */
static __always_inline void host_prepare(struct vcpu_vmx *vmx)
{
	struct vmx_host *h = &vmx->host;
	u64 value;
	u32 ldt;

	if (unlikely(!h->saved))
		vmx_host_save(vmx);
	asm volatile("sldt %0" : "=r"(ldt));
	if (unlikely(ldt)) {
		h->ldt_used = true;
		h->ldt = ldt;
	}
	value = __read_cr3();
	if (unlikely(value != h->vmcs_cr3)) {
		vmcs_write(HOST_CR3, value);
		h->vmcs_cr3 = value;
	}
	value = cr4_read_shadow();
	if (unlikely(value != h->vmcs_cr4)) {
		vmcs_write(HOST_CR4, value);
		h->vmcs_cr4 = value;
	}
}

static void regs_to_vmcs(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_regs *regs = &vcpu->regs;
	u32 dirty = regs->dirty;

	regs->dirty = 0;
	if (dirty & BIT(KVM_REG_RIP))
		vmcs_write(GUEST_RIP, regs->val[KVM_REG_RIP]);
	if (likely(!(dirty & IN_VMCS & ~BIT(KVM_REG_RIP))))
		return;
	if (dirty & BIT(KVM_REG_RSP))
		vmcs_write(GUEST_RSP, regs->val[KVM_REG_RSP]);
	if (dirty & BIT(KVM_REG_RFLAGS))
		vmcs_write(GUEST_RFLAGS, regs->val[KVM_REG_RFLAGS]);
	if (dirty & BIT(KVM_REG_CR3))
		vmcs_write(GUEST_CR3, regs->val[KVM_REG_CR3]);
}

/* The timer counts down once in 2^shift ticks of the TSC; 0 exits before the first instruction. */
static void load_deadline(struct vcpu_vmx *vmx)
{
	u64 now = rdtsc() + vmx->vcpu.tsc.offset, ticks = 0;

	if (vmx->deadline > now)
		ticks = (vmx->deadline - now) >> vmx_features.preemption_timer;
	vmcs_write(VMX_PREEMPTION_TIMER_VALUE, min_t(u64, ticks, U32_MAX));
}

/*
 * HLT without exits is a state of the VMCS's (24.4.2), with RIP behind it. It ends with an event,
 * few of which an entry takes in it (26.3.1.5), and when somebody has put the vCPU elsewhere, in a
 * shadow, or wants it to single-step.
 */
static void end_hlt(struct vcpu_vmx *vmx)
{
	const u32 moved = BIT(KVM_REG_RIP) | BIT(KVM_REG_RFLAGS);

	if (!vmx->inject && !vmx->state_check && !(vmx->vcpu.regs.dirty & moved))
		return;
	if (vmcs_read(GUEST_ACTIVITY_STATE) == GUEST_ACTIVITY_HLT)
		vmcs_write(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
}

/**
 * vmx_prepare() - all that an entry needs and that need not be noinstr
 * @vcpu: the vCPU
 *
 * Context: irqs off until after the entry, which will take place.
 */
void vmx_prepare(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	if (unlikely(!(vmx->controls.cpu & CPU_BASED_HLT_EXITING)))
		end_hlt(vmx);
	if (unlikely(vmx->emulate_check | vmx->emulate)) {
		if (vmx->emulate_check && !vmx_features.unrestricted)
			vmx->emulate = vmx_must_emulate(vmx);
		vmx->emulate_check = false;
		if (vmx->emulate)
			return;
	}
	host_prepare(vmx);
	if (vmx_features.perf)
		vmx_host_perf(vmx);
	if (unlikely(vmx->flush))
		vmx_flush(vmx);
	if (unlikely(!vmx->user_msrs_loaded))
		vmx_load_user_msrs(vmx);
	if (unlikely(vmx->state_check || vcpu->regs.dirty & BIT(KVM_REG_RFLAGS)))
		vmx_fix_intr_state(vmx);
	regs_to_vmcs(vcpu);
	load_tpr(vmx);
	if (vmx->deadline)
		load_deadline(vmx);
	/* VM entry loads DR7, not DR6: the guest may read it without an exit. */
	if (unlikely(vcpu->debug.switch_db & KVM_DEBUGREG_WONT_EXIT))
		set_debugreg(vcpu->debug.dr6, 6);
}

/* --- the entry ------------------------------------------------------------------------------- */

/* L1TF, and MMIO stale data where VERW is not done at each entry (enter.S). */
static __always_inline void clear_buffers(void)
{
	if (unlikely(vmx_features.l1d_flush))
		vmx_flush_l1d();
	else if (static_branch_unlikely(&mmio_stale_data_clear))
		x86_clear_cpu_buffers();
}

/**
 * vmx_run() - one VM entry and exit
 * @vcpu: the vCPU
 *
 * Context: irqs off, told to RCU, lockdep and context tracking as guest mode: noinstr.
 */
noinstr void vmx_run(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	/* An exit of our own making: vmx_exit_emulate() does the rest. */
	if (unlikely(vmx->emulate)) {
		vcpu->exit.reason = EXIT_REASON_INVALID_STATE;
		vcpu->exit.insn_len = 0;
		vcpu->exit.failed_entry = false;
		vmx->vectoring = 0;
		vmx->injecting = false;
		return;
	}
	if (vcpu->regs.cr2 != native_read_cr2())
		native_write_cr2(vcpu->regs.cr2);
	vmx->entry.spec_guest = vcpu->msr.spec_ctrl;
	vmx->entry.spec_host = this_cpu_read(x86_spec_ctrl_current);
	clear_buffers();

	if (unlikely(vmx_enter(&vmx->entry))) {
		/* No entry took place: the instruction's error number stands for an exit reason. */
		vcpu->exit.reason = vmcs_read_quiet(VM_INSTRUCTION_ERROR);
		vcpu->exit.failed_entry = true;
		vmx->vectoring = 0;
		return;
	}

	vcpu->regs.cr2 = native_read_cr2();
	vcpu->regs.avail = AVAIL_AFTER_EXIT;
	vmx->intr_state_known = false;
	if (unlikely(vmx->entry.flags & ENTRY_SPEC_READ))
		vcpu->msr.spec_ctrl = vmx->entry.spec_guest;

	vcpu->exit.reason = vmcs_read_quiet(VM_EXIT_REASON);
	vcpu->exit.insn_len = 0;
	vcpu->exit.failed_entry = vcpu->exit.reason & VMX_EXIT_REASONS_FAILED_VMENTRY;
	if (unlikely(vcpu->exit.failed_entry)) {
		vmx->vectoring = 0;
		return;
	}
	vmx->entry.flags |= ENTRY_RESUME;
	vmx->vectoring = vmcs_read_quiet(IDT_VECTORING_INFO_FIELD);
	vmx->injecting = vmx->inject;
	vmx->inject = 0;
	if ((u16)vcpu->exit.reason != EXIT_REASON_EXCEPTION_NMI)
		return;
	vmx->intr_info = vmcs_read_quiet(VM_EXIT_INTR_INFO);
	/*
	 * An NMI ended guest mode, and NMIs are blocked: the handler must run before any IRET,
	 * which would unblock them, and it ends by one.
	 */
	if (VMX_INTR_IS(vmx->intr_info, INTR_TYPE_NMI_INTR, X86_TRAP_NMI))
		vmx_host_nmi();
}

/* --- after ----------------------------------------------------------------------------------- */

/*
 * The guest's own writes of CR8 went to the LAPIC's page: its priorities must follow. Where
 * hardware delivers interrupts, they have.
 */
static void save_tpr(struct vcpu_vmx *vmx)
{
	if (likely(!vmx->vtpr || READ_ONCE(*vmx->vtpr) == vmx->tpr))
		return;
	if (!(vmx->controls.cpu2 & SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY))
		kvm_set_cr8(&vmx->vcpu, kvm_get_cr8(&vmx->vcpu));
}

/**
 * vmx_exit_irqoff() - what must happen behind an exit before irqs are on again
 * @vcpu: the vCPU
 *
 * Host interrupts are not acknowledged by the exit: they come, by the host's IDT, when the caller
 * turns irqs on.
 * Context: irqs off, instrumentation allowed.
 */
void vmx_exit_irqoff(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	if (unlikely(vmx->emulate))
		return;
	/* VM exits clear DEBUGCTL (27.5.1). */
	if (unlikely(vmx->host.debugctl))
		update_debugctlmsr(vmx->host.debugctl);
	if (unlikely(vcpu->exit.failed_entry)) {
		if (!(vcpu->exit.reason & VMX_EXIT_REASONS_FAILED_VMENTRY))
			vmx_host_perf_back(vmx);
		else if (vmx_exit_basic(vcpu) == EXIT_REASON_MCE_DURING_VMENTRY)
			exit_host_machine_check();
		return;
	}
	save_tpr(vmx);
	if (unlikely(vmx->controls.cpu2 & SECONDARY_EXEC_ENABLE_PML))
		vmx_pml_drain(vmx);
	if (unlikely(vmx_exit_is_exception(vmx, X86_TRAP_MC)))
		exit_host_machine_check();
}
