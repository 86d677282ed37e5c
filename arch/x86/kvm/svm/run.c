// SPDX-License-Identifier: GPL-2.0-only
/* From the vCPU's registers into the guest and back. */

#include <linux/percpu.h>
#include <linux/smp.h>
#include <trace/events/ipi.h>
#include <asm/debugreg.h>
#include <asm/spec-ctrl.h>

#include "cr.h"
#include "exit.h"
#include "user_return.h"
#include "svm.h"

static_assert(offsetof(struct svm_entry, vmcb_pa) == ENTRY_VMCB_PA);
static_assert(offsetof(struct svm_entry, host_pa) == ENTRY_HOST_PA);
static_assert(offsetof(struct svm_entry, gpr) == ENTRY_GPR);
static_assert(offsetof(struct svm_entry, spec_guest) == ENTRY_SPEC_GUEST);
static_assert(offsetof(struct svm_entry, spec_host) == ENTRY_SPEC_HOST);
static_assert(offsetof(struct svm_entry, flags) == ENTRY_FLAGS);
static_assert(KVM_REG_RAX == 0 && KVM_REG_RCX == 1 && KVM_REG_RDX == 2 && KVM_REG_RBX == 3 &&
	      KVM_REG_RSP == 4 && KVM_REG_RBP == 5 && KVM_REG_RSI == 6 && KVM_REG_RDI == 7 &&
	      KVM_REG_R8 == 8 && KVM_REG_R15 == 15);

/* Of CR3 only hardware knows the value after guest mode; CR0 and CR4 change by exits alone. */
#define AVAIL_AFTER_EXIT \
	((BIT(KVM_NR_REGS) - 1) & ~(BIT(KVM_REG_CR3) | KVM_REGS_OF_SEGMENTS | KVM_REGS_OF_PAE))

/* --- before ---------------------------------------------------------------------------------- */

/* V_TPR in step with CR8: what the guest reads and what masks its virtual interrupts. */
static void load_tpr(struct vcpu_svm *svm)
{
	struct vmcb_control_area *control = &svm->vmcb->control;
	u32 tpr = kvm_get_cr8(&svm->vcpu) & V_TPR_MASK;

	svm->v_tpr = tpr;
	if ((control->int_ctl & V_TPR_MASK) == tpr)
		return;
	control->int_ctl = (control->int_ctl & ~V_TPR_MASK) | tpr;
	svm_dirty(svm, SVM_CLEAN_TPR);
}

/*
 * The guest's DR6 where it may read it without an exit. Else all clear: hardware only ever adds
 * bits, and exit_db() is to see those of one exception.
 */
static void load_dr6(struct vcpu_svm *svm)
{
	struct vmcb_save_area *save = &svm->vmcb->save;
	u64 dr6 = DR6_RESERVED;

	if (unlikely(svm->vcpu.debug.switch_db & KVM_DEBUGREG_WONT_EXIT))
		dr6 = svm->vcpu.debug.dr6;
	if (likely(save->dr6 == dr6))
		return;
	save->dr6 = dr6;
	svm_dirty(svm, SVM_CLEAN_DR);
}

/* Once per load, and when the guest has written it. */
static void load_tsc_aux(struct vcpu_svm *svm)
{
	u64 value = svm->vcpu.msr.tsc_aux;

	if (svm->tsc_aux_loaded && svm->tsc_aux == value)
		return;
	kvm_user_return_set(svm_features.tsc_aux_slot, value);
	svm->tsc_aux_loaded = true;
	svm->tsc_aux = value;
}

/**
 * svm_prepare() - all that an entry needs and that need not be noinstr
 * @vcpu: the vCPU
 *
 * Context: irqs off until after the entry, which will take place.
 */
void svm_prepare(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm_asid_prepare(svm);
	load_tpr(svm);
	load_dr6(svm);
	if (svm->tsc_aux_used)
		load_tsc_aux(svm);
	/* No single step with an event: this makes an exit right behind its delivery. */
	if (unlikely(svm->step) && svm->vmcb->control.event_inj)
		smp_send_reschedule(smp_processor_id());
	if (unlikely(svm_features.ssbd_msr)) {
		x86_spec_ctrl_set_guest(svm->virt_spec_ctrl);
		svm->ssbd_loaded = true;
	}
}

/**
 * svm_ssbd_host() - the host's SSBD again, where an MSR of its own (LS_CFG, VIRT_SPEC_CTRL) has it
 * @svm: the vCPU
 *
 * Context: preemption off.
 */
void svm_ssbd_host(struct vcpu_svm *svm)
{
	if (likely(!svm->ssbd_loaded))
		return;
	x86_spec_ctrl_restore_host(svm->virt_spec_ctrl);
	svm->ssbd_loaded = false;
}

/* --- the entry ------------------------------------------------------------------------------- */

/*
 * VMLOAD after the exit brings back what VMSAVE has put into the host's page. Selectors, bases and
 * MSRs change only with the thread on this CPU: once per load is enough. But LDTR can be changed
 * under us by another thread of the process (an IPI reloads it): it is looked at here, where irqs
 * are off.
 */
static __always_inline void save_host(struct vcpu_svm *svm)
{
	u16 ldt;

	asm volatile("sldt %0" : "=r"(ldt));
	if (likely(svm->host_saved && !(ldt | svm->host_ldt)))
		return;
	asm volatile("1: vmsave %0\n2:\n" _ASM_EXTABLE(1b, 2b)
		     :
		     : "a"(svm->entry.host_pa)
		     : "memory");
	svm->host_saved = true;
	svm->host_ldt = ldt;
}

static __always_inline void regs_to_vmcb(struct vcpu_svm *svm)
{
	struct vmcb_save_area *save = &svm->vmcb->save;
	struct kvm_vcpu_regs *regs = &svm->vcpu.regs;

	save->rax = regs->val[KVM_REG_RAX];
	save->rsp = regs->val[KVM_REG_RSP];
	save->rip = regs->val[KVM_REG_RIP];
	save->rflags = regs->val[KVM_REG_RFLAGS];
	/* Not with an event: TF would go to the stack with the guest's RFLAGS. */
	svm->stepped = svm->step && !svm->vmcb->control.event_inj;
	if (unlikely(svm->stepped)) {
		svm->step_guest_tf = save->rflags & X86_EFLAGS_TF;
		save->rflags |= X86_EFLAGS_TF;
	}
	if (regs->dirty & BIT(KVM_REG_CR3)) {
		save->cr3 = regs->val[KVM_REG_CR3];
		svm_dirty(svm, SVM_CLEAN_CR);
	}
	if (save->cr2 != regs->cr2) {
		save->cr2 = regs->cr2;
		svm_dirty(svm, SVM_CLEAN_CR2);
	}
	regs->dirty = 0;
}

static __always_inline void regs_from_vmcb(struct vcpu_svm *svm)
{
	struct vmcb_save_area *save = &svm->vmcb->save;
	struct kvm_vcpu_regs *regs = &svm->vcpu.regs;

	regs->val[KVM_REG_RAX] = save->rax;
	regs->val[KVM_REG_RSP] = save->rsp;
	regs->val[KVM_REG_RIP] = save->rip;
	regs->val[KVM_REG_RFLAGS] = save->rflags;
	regs->cr2 = save->cr2;
	regs->avail = AVAIL_AFTER_EXIT;
}

/**
 * svm_run() - one VMRUN
 * @vcpu: the vCPU
 *
 * Context: irqs off, told to RCU, lockdep and context tracking as guest mode: noinstr.
 */
noinstr void svm_run(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	struct vmcb_control_area *control = &svm->vmcb->control;

	save_host(svm);
	regs_to_vmcb(svm);
	svm->entry.spec_guest = vcpu->msr.spec_ctrl;
	svm->entry.spec_host = this_cpu_read(x86_spec_ctrl_current);

	/* Zen 1: no quotient of the host's stays in the divider. */
	amd_clear_divider();

	if (unlikely(svm_enter(&svm->entry))) {
		control->exit_code = (u32)SVM_EXIT_ERR;
		control->exit_info_1 = 0;
		control->exit_info_2 = 0;
		control->exit_int_info = 0;
	}

	regs_from_vmcb(svm);
	if (unlikely(svm->entry.flags & ENTRY_SPEC_READ))
		vcpu->msr.spec_ctrl = svm->entry.spec_guest;

	vcpu->exit.reason = control->exit_code;
	vcpu->exit.insn_len = 0;
	vcpu->exit.failed_entry = control->exit_code == (u32)SVM_EXIT_ERR;
	if (unlikely(vcpu->exit.failed_entry)) {
		/*
		 * What the CPU has read of the VMCB is unknown. A flush is still due. An emulator
		 * was seen to leave 0 in int_ctl: a guest that then runs with IF=0 would keep the
		 * host's interrupts from this CPU for ever.
		 */
		control->clean = 0;
		control->int_ctl = V_INTR_MASKING_MASK | svm->v_tpr |
				   (svm->irq_window ? V_IRQ_INJECTION_BITS_MASK : 0);
		return;
	}
	control->event_inj = 0;
	control->clean = svm_features.clean;
	if (unlikely(control->tlb_ctl))
		svm_asid_flushed(svm);
}

/* --- after ----------------------------------------------------------------------------------- */

/* The guest's own writes of CR8, where they don't exit. */
static void save_tpr(struct vcpu_svm *svm)
{
	u32 tpr = svm->vmcb->control.int_ctl & V_TPR_MASK;

	if (unlikely(tpr != svm->v_tpr))
		kvm_set_cr8(&svm->vcpu, tpr);
}

/**
 * svm_exit_irqoff() - what must happen behind an exit before irqs are on again
 * @vcpu: the vCPU
 *
 * Host NMIs were taken at STGI; host interrupts are pending and come when the caller turns irqs on.
 * Context: irqs off, instrumentation allowed.
 */
void svm_exit_irqoff(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm_ssbd_host(svm);
	if (unlikely(vcpu->exit.failed_entry))
		return;
	save_tpr(svm);
	if (unlikely(svm_exit_code_is(svm, SVM_EXIT_EXCP_BASE + MC_VECTOR)))
		exit_host_machine_check();
}
