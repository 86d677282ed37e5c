// SPDX-License-Identifier: GPL-2.0-only
/* What ends guest mode, and who serves it (SDM vol. 3, 25 and appendix C). */

#include <asm/msr.h>
#include <uapi/asm/debugreg.h>
#include <asm/trapnr.h>

#include "cr.h"
#include "event.h"
#include "exit.h"
#include "irqchip/irqchip.h"
#include "vmx.h"

/* --- behind an instruction ------------------------------------------------------------------- */

/* As vmx_cache_reg(), where it is known which one, and most often to be read. */
static __always_inline u64 read_reg(struct kvm_vcpu *vcpu, enum kvm_reg reg, unsigned long field)
{
	if (!(vcpu->regs.avail & BIT(reg))) {
		vcpu->regs.val[reg] = vmcs_read(field);
		vcpu->regs.avail |= BIT(reg);
	}
	return vcpu->regs.val[reg];
}

/* RF ends with each instruction that completes; TF traps behind it (17.3.1). */
static noinline enum kvm_exit_action skip_with_traps(struct kvm_vcpu *vcpu, u64 rflags, u64 traps)
{
	if (rflags & X86_EFLAGS_RF)
		kvm_rflags_write(vcpu, rflags & ~X86_EFLAGS_RF);
	if (rflags & X86_EFLAGS_TF)
		traps |= DR_STEP;
	return traps ? exit_db(vcpu, DR6_RESERVED | traps) : KVM_RESUME;
}

/* The shadow ends; breakpoints that MOV SS met come behind this instruction (27.3.4). */
static noinline enum kvm_exit_action skip_in_shadow(struct kvm_vcpu *vcpu, u32 state, u64 rflags)
{
	u64 pending = 0;

	if (state & GUEST_INTR_STATE_MOV_SS)
		pending = vmcs_read(GUEST_PENDING_DBG_EXCEPTIONS);
	/* Without bit 12 they are matches that DR7 does not ask for (24.4.2). */
	if (!(pending & VMX_PENDING_ENABLED))
		pending = 0;
	vmx_set_shadow(vcpu, 0);
	kvm_make_request(KVM_REQ_EVENT, vcpu);
	return skip_with_traps(vcpu, rflags, pending & DR_TRAP_BITS);
}

/**
 * vmx_skip_insn() - go on behind the instruction that exited
 * @vcpu: the vCPU, loaded
 *
 * Hardware tells its length (27.2.5), and the handler has left RIP alone.
 * Return: KVM_RESUME; KVM_TO_USER if a debugger wants to hear of it.
 */
enum kvm_exit_action vmx_skip_insn(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u64 rip = read_reg(vcpu, KVM_REG_RIP, GUEST_RIP), next, rflags;
	u32 state;

	next = rip + vmcs_read(VM_EXIT_INSTRUCTION_LEN);
	/* Outside of 64-bit code it ends at 4 GiB. */
	if (unlikely((rip ^ next) >> 32) && !kvm_is_64bit_code(vcpu))
		next = (u32)next;
	kvm_rip_write(vcpu, next);
	state = vmx_intr_state(vmx);
	rflags = read_reg(vcpu, KVM_REG_RFLAGS, GUEST_RFLAGS);
	if (unlikely(state & (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)))
		return skip_in_shadow(vcpu, state, rflags);
	if (unlikely(rflags & (X86_EFLAGS_RF | X86_EFLAGS_TF)))
		return skip_with_traps(vcpu, rflags, 0);
	return KVM_RESUME;
}

/* --- control and debug registers ------------------------------------------------------------- */

static u64 gpr_value(struct kvm_vcpu *vcpu, u64 qual)
{
	u64 value = kvm_reg_read(vcpu, array_index_nospec(VMX_CR_GPR(qual), 16));

	return kvm_is_64bit_code(vcpu) ? value : (u32)value;
}

static enum kvm_exit_action cr_write(struct kvm_vcpu *vcpu, u64 qual)
{
	u64 value = gpr_value(vcpu, qual);

	switch (VMX_CR_NUMBER(qual)) {
	case 0:
		return exit_gp_or_skip(vcpu, kvm_set_cr0(vcpu, value));
	case 3:
		return exit_gp_or_skip(vcpu, kvm_set_cr3(vcpu, value));
	case 4:
		return exit_gp_or_skip(vcpu, kvm_set_cr4(vcpu, value));
	case 8:
		return exit_cr8_write(vcpu, value);
	default:
		return exit_unexpected(vcpu, vcpu->exit.reason);
	}
}

static enum kvm_exit_action cr_read(struct kvm_vcpu *vcpu, u64 qual)
{
	unsigned int gpr = array_index_nospec(VMX_CR_GPR(qual), 16);
	u64 value;

	switch (VMX_CR_NUMBER(qual)) {
	case 3:
		value = kvm_cr3(vcpu);
		break;
	case 8:
		value = kvm_get_cr8(vcpu);
		break;
	default:
		return exit_unexpected(vcpu, vcpu->exit.reason);
	}
	kvm_reg_write(vcpu, gpr, kvm_is_64bit_code(vcpu) ? value : (u32)value);
	return vmx_skip_insn(vcpu);
}

/* It sets the low four bits, but can't clear PE (SDM vol. 2, LMSW). */
static enum kvm_exit_action lmsw(struct kvm_vcpu *vcpu, u64 qual)
{
	const u64 bits = X86_CR0_MP | X86_CR0_EM | X86_CR0_TS;
	u64 source = VMX_CR_LMSW_SOURCE(qual) & (bits | X86_CR0_PE);

	return exit_gp_or_skip(vcpu, kvm_set_cr0(vcpu, (kvm_cr0(vcpu) & ~bits) | source));
}

static enum kvm_exit_action exit_cr(struct kvm_vcpu *vcpu)
{
	u64 qual = vmcs_read(EXIT_QUALIFICATION);

	switch (VMX_CR_TYPE(qual)) {
	case VMX_CR_WRITE:
		return cr_write(vcpu, qual);
	case VMX_CR_READ:
		return cr_read(vcpu, qual);
	case VMX_CR_CLTS:
		return exit_gp_or_skip(vcpu, kvm_set_cr0(vcpu, kvm_cr0(vcpu) & ~X86_CR0_TS));
	default:
		return lmsw(vcpu, qual);
	}
}

/*
 * The first access to a debug register, and no debugger has them: the guest gets them all until the
 * next exit, and tries again.
 */
static enum kvm_exit_action exit_dr(struct kvm_vcpu *vcpu)
{
	if (vcpu->debug.guest_debug)
		return exit_dr_debugged(vcpu);
	vcpu->debug.switch_db |= KVM_DEBUGREG_WONT_EXIT;
	vmx_controls_update(to_vmx(vcpu));
	return KVM_RESUME;
}

/* --- exceptions ------------------------------------------------------------------------------ */

/*
 * The exit qualification has DR6's bits, those that are 1 when nothing happened inverted. INT1 is
 * a trap, but its exit leaves RIP on it (27.3.3).
 */
static enum kvm_exit_action exception_db(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	if ((vmx->intr_info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_PRIV_SW_EXCEPTION) {
		u64 rip = kvm_rip_read(vcpu) + vmcs_read(VM_EXIT_INSTRUCTION_LEN);

		kvm_rip_write(vcpu, kvm_is_64bit_code(vcpu) ? rip : (u32)rip);
		vmx_set_shadow(vcpu, 0);
	}
	/* In a shadow with TF set the entry wants the trap pending, which the exit has cleared. */
	vmx->state_check = true;
	return exit_db(vcpu, vmcs_read(EXIT_QUALIFICATION) ^ DR6_RESERVED);
}

/*
 * Exceptions and NMIs. An NMI of the host's is over by now, like a machine check. Bit 12: IRET had
 * unblocked NMIs when it faulted (27.2.3), and will run again.
 */
static enum kvm_exit_action exit_exception_nmi(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u32 info = vmx->intr_info, vector = info & INTR_INFO_VECTOR_MASK;

	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR)
		return KVM_RESUME;
	if (unlikely(info & INTR_INFO_UNBLOCK_NMI) && vector != X86_TRAP_DF &&
	    !(vmx->vectoring & VECTORING_INFO_VALID_MASK))
		vmx_set_nmi_mask(vcpu, true);

	switch (vector) {
	case X86_TRAP_DB:
		return exception_db(vcpu);
	case X86_TRAP_BP:
		/* For one that userspace gives back to the guest. */
		vmx->soft_len = vmcs_read(VM_EXIT_INSTRUCTION_LEN);
		return exit_bp(vcpu);
	case X86_TRAP_UD:
		return exit_exception_ud(vcpu);
	case X86_TRAP_AC:
		return vmx_exception_ac(vcpu);
	case X86_TRAP_MC:
		return KVM_RESUME;
	default:
		return exit_unexpected(vcpu, vcpu->exit.reason | (u64)info << 32);
	}
}

/* --- other reasons with something to decode -------------------------------------------------- */

static enum kvm_exit_action exit_io(struct kvm_vcpu *vcpu)
{
	u64 qual = vmcs_read(EXIT_QUALIFICATION);

	if (qual & (VMX_IO_STRING | VMX_IO_REP))
		return exit_emulate(vcpu);
	return exit_pio(vcpu, VMX_IO_PORT(qual), VMX_IO_SIZE(qual), qual & VMX_IO_IN);
}

/* Table 27-2 */
static enum kvm_exit_action exit_task(struct kvm_vcpu *vcpu)
{
	u64 qual = vmcs_read(EXIT_QUALIFICATION);
	u32 event = to_vmx(vcpu)->vectoring, type = event & INTR_INFO_INTR_TYPE_MASK;
	struct kvm_task_switch task = {
		.selector = qual, .reason = qual >> 30 & 3, .insn = true,
	};

	if (task.reason == KVM_TASK_GATE) {
		task.soft = type == INTR_TYPE_SOFT_INTR || type == INTR_TYPE_SOFT_EXCEPTION;
		task.insn = task.soft || type == INTR_TYPE_PRIV_SW_EXCEPTION;
	}
	if (task.insn)
		task.len = vmcs_read(VM_EXIT_INSTRUCTION_LEN);
	return exit_task_switch(vcpu, &task);
}

/* The deadline, or as much of the time to it as the timer holds. */
static enum kvm_exit_action exit_preemption_timer(struct kvm_vcpu *vcpu)
{
	if (rdtsc() + vcpu->tsc.offset >= to_vmx(vcpu)->deadline)
		lapic_deadline_reached(vcpu);
	return KVM_RESUME;
}

/* The guest lowered its TPR; vmx_exit_irqoff() has told the LAPIC. */
static enum kvm_exit_action exit_tpr(struct kvm_vcpu *vcpu)
{
	kvm_make_request(KVM_REQ_EVENT, vcpu);
	return KVM_RESUME;
}

/* Hardware was the LAPIC (29.1.4, 29.4.3.2); both come behind the instruction. */
static enum kvm_exit_action exit_eoi_induced(struct kvm_vcpu *vcpu)
{
	lapic_eoi_done(vcpu, vmcs_read(EXIT_QUALIFICATION));
	return KVM_RESUME;
}

/* What hardware leaves of the page to us: before the instruction. */
static enum kvm_exit_action exit_apic_access(struct kvm_vcpu *vcpu)
{
	return exit_mmio(vcpu, APIC_DEFAULT_BASE + (vmcs_read(EXIT_QUALIFICATION) & 0xfff));
}

static enum kvm_exit_action exit_apic_write(struct kvm_vcpu *vcpu)
{
	lapic_written(vcpu, vmcs_read(EXIT_QUALIFICATION));
	return KVM_RESUME;
}

/* --- the table ------------------------------------------------------------------------------- */

/* GETSEC exits always; the guest has no SMX. <asm/vmx.h> doesn't know it. */
#define REASON_GETSEC 11
/* As are calls of the SEAM module, on CPUs that have one. */
#define REASON_SEAMCALL 76
#define REASON_TDCALL 77

/* Empty: never enabled, or unknown to us: exit_unexpected(). */
static const struct kvm_exit_row rows[] = {
	[EXIT_REASON_EXCEPTION_NMI] = KVM_EXIT_ROW(exit_exception_nmi, EXCEPTION),
	[EXIT_REASON_EXTERNAL_INTERRUPT] = KVM_EXIT_ROW(exit_host_interrupt, INTR),
	[EXIT_REASON_TRIPLE_FAULT] = KVM_EXIT_ROW(exit_triple_fault, SHUTDOWN),
	[EXIT_REASON_INIT_SIGNAL] = KVM_EXIT_ROW(exit_nothing, NMI),
	[EXIT_REASON_INTERRUPT_WINDOW] = KVM_EXIT_ROW(vmx_exit_irq_window, IRQ_WINDOW),
	[EXIT_REASON_NMI_WINDOW] = KVM_EXIT_ROW(vmx_exit_nmi_window, NMI_WINDOW),
	[EXIT_REASON_TASK_SWITCH] = KVM_EXIT_ROW(exit_task, TASK_SWITCH),
	[EXIT_REASON_CPUID] = KVM_EXIT_ROW(exit_cpuid, CPUID),
	[REASON_GETSEC] = KVM_EXIT_ROW(exit_ud, MISSING),
	[EXIT_REASON_HLT] = KVM_EXIT_ROW(exit_hlt, HLT),
	[EXIT_REASON_INVD] = KVM_EXIT_ROW(exit_invd, CACHE),
	[EXIT_REASON_RDPMC] = KVM_EXIT_ROW(exit_rdpmc, RDPMC),
	[EXIT_REASON_VMCALL] = KVM_EXIT_ROW(exit_hypercall, HYPERCALL),
	[EXIT_REASON_VMCLEAR... EXIT_REASON_VMON] = KVM_EXIT_ROW(exit_ud, MISSING),
	[EXIT_REASON_CR_ACCESS] = KVM_EXIT_ROW(exit_cr, CR),
	[EXIT_REASON_DR_ACCESS] = KVM_EXIT_ROW(exit_dr, DR),
	[EXIT_REASON_IO_INSTRUCTION] = KVM_EXIT_ROW(exit_io, IO),
	[EXIT_REASON_MSR_READ] = KVM_EXIT_ROW(exit_rdmsr, MSR),
	[EXIT_REASON_MSR_WRITE] = KVM_EXIT_ROW(exit_wrmsr, MSR),
	[EXIT_REASON_INVALID_STATE] = KVM_EXIT_ROW(vmx_exit_emulate, OTHER), /* vmx_run() */
	[EXIT_REASON_MWAIT_INSTRUCTION] = KVM_EXIT_ROW(exit_mwait, MONITOR),
	[EXIT_REASON_MONITOR_INSTRUCTION] = KVM_EXIT_ROW(exit_monitor, MONITOR),
	[EXIT_REASON_PAUSE_INSTRUCTION] = KVM_EXIT_ROW(exit_pause, PAUSE),
	[EXIT_REASON_TPR_BELOW_THRESHOLD] = KVM_EXIT_ROW(exit_tpr, IRQ_WINDOW),
	[EXIT_REASON_APIC_ACCESS] = KVM_EXIT_ROW(exit_apic_access, NESTED_FAULT),
	[EXIT_REASON_EOI_INDUCED] = KVM_EXIT_ROW(exit_eoi_induced, IRQ_WINDOW),
	[EXIT_REASON_EPT_VIOLATION] = KVM_EXIT_ROW(vmx_exit_ept_violation, NESTED_FAULT),
	[EXIT_REASON_EPT_MISCONFIG] = KVM_EXIT_ROW(vmx_exit_ept_misconfig, NESTED_FAULT),
	[EXIT_REASON_INVEPT] = KVM_EXIT_ROW(exit_ud, MISSING),
	[EXIT_REASON_PREEMPTION_TIMER] = KVM_EXIT_ROW(exit_preemption_timer, INTR),
	[EXIT_REASON_INVVPID] = KVM_EXIT_ROW(exit_ud, MISSING),
	[EXIT_REASON_WBINVD] = KVM_EXIT_ROW(exit_invd, CACHE),
	[EXIT_REASON_APIC_WRITE] = KVM_EXIT_ROW(exit_apic_write, MSR),
	[EXIT_REASON_XSETBV] = KVM_EXIT_ROW(exit_xsetbv, XSETBV),
	[EXIT_REASON_RDRAND] = KVM_EXIT_ROW(exit_ud, MISSING),
	[EXIT_REASON_VMFUNC] = KVM_EXIT_ROW(exit_ud, MISSING),
	[EXIT_REASON_ENCLS] = KVM_EXIT_ROW(exit_ud, MISSING),
	[EXIT_REASON_RDSEED] = KVM_EXIT_ROW(exit_ud, MISSING),
	[EXIT_REASON_PML_FULL] = KVM_EXIT_ROW(vmx_exit_pml_full, NESTED_FAULT),
	[EXIT_REASON_BUS_LOCK] = KVM_EXIT_ROW(vmx_exit_bus_lock, OTHER),
	[EXIT_REASON_NOTIFY] = KVM_EXIT_ROW(vmx_exit_notify, OTHER),
	[REASON_SEAMCALL] = KVM_EXIT_ROW(exit_ud, MISSING),
	[REASON_TDCALL] = KVM_EXIT_ROW(exit_ud, MISSING),
};

/* A reason that has no row, or one with a bus lock. */
static noinline enum kvm_exit_action dispatch_rare(struct kvm_vcpu *vcpu)
{
	enum kvm_exit_action action;

	action = exit_dispatch(vcpu, rows, ARRAY_SIZE(rows), vmx_exit_basic(vcpu));
	return vcpu->exit.reason & VMX_EXIT_BUS_LOCK ? vmx_bus_locked(vcpu, action) : action;
}

/**
 * vmx_handle_exit() - act on the last exit
 * @vcpu: the vCPU
 *
 * Context: irqs and preemption on, kvm->srcu held; may sleep.
 */
enum kvm_exit_action vmx_handle_exit(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u32 reason;

	if (unlikely(vcpu->exit.failed_entry)) {
		vcpu->stat.exit_reason[KVM_EXIT_CLASS_OTHER]++;
		vmx_dump(vcpu);
		/* What it was to deliver is still to be delivered: back to where ioctls see it. */
		vmx_cancel_injection(vcpu);
		return exit_fail_entry(vcpu, vcpu->exit.reason);
	}
	if (unlikely(vmx->injecting || vmx->vectoring & VECTORING_INFO_VALID_MASK))
		vmx_events_after_exit(vmx);
	else
		vmx->soft_len = 0;
	reason = vcpu->exit.reason & (VMX_EXIT_BASIC | VMX_EXIT_BUS_LOCK);
	if (unlikely(reason >= ARRAY_SIZE(rows)))
		return dispatch_rare(vcpu);
	return exit_dispatch(vcpu, rows, ARRAY_SIZE(rows), reason);
}

enum kvm_exit_class vmx_exit_class(u64 reason)
{
	reason &= VMX_EXIT_BASIC;
	return reason < ARRAY_SIZE(rows) ? rows[reason].class : KVM_EXIT_CLASS_OTHER;
}

void vmx_exit_info(struct kvm_vcpu *vcpu, u64 *info1, u64 *info2, u32 *intr, u32 *error)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	*info1 = vmcs_read(EXIT_QUALIFICATION);
	*info2 = vmx->vectoring;
	*intr = vmcs_read(VM_EXIT_INTR_INFO);
	*error = 0;
	if ((*intr & INTR_INFO_VALID_MASK) && (*intr & INTR_INFO_DELIVER_CODE_MASK))
		*error = vmcs_read(VM_EXIT_INTR_ERROR_CODE);
}
