// SPDX-License-Identifier: GPL-2.0-only
/* The x86 part of a vCPU's life: creation, RESET and INIT, coming to a CPU and leaving it. */

#include <linux/slab.h>

#include "access.h"
#include "arch.h"
#include "cpuid.h"
#include "cr.h"
#include "event.h"
#include "exit.h"
#include "fpu.h"
#include "guest_time.h"
#include "msr.h"

int kvm_arch_vcpu_check(struct kvm *kvm, u32 id)
{
	return id < kvm->caps.max_vcpu_id ? 0 : -EINVAL;
}

bool kvm_vcpu_is_bsp(struct kvm_vcpu *vcpu)
{
	return vcpu->vcpu_id == vcpu->kvm->caps.bsp_id;
}
EXPORT_SYMBOL_NS_GPL(kvm_vcpu_is_bsp, GUESTMODE);

int kvm_arch_vcpu_create(struct kvm_vcpu *vcpu)
{
	bool in_kernel = irqchip_in_kernel(vcpu->kvm->irqchip.mode);
	int r;

	r = kvm_emul_vcpu_create(vcpu);
	if (r)
		return r;
	r = kvm_fpu_create(vcpu);
	if (r)
		goto err_emul;
	r = kvm_msr_vcpu_create(vcpu);
	if (r)
		goto err_fpu;
	r = kvm_cpuid_vcpu_create(vcpu);
	if (r)
		goto err_msr;
	r = mmu_vcpu_create(vcpu);
	if (r)
		goto err_cpuid;
	r = vendor_call(vcpu_create, vcpu);
	if (r)
		goto err_mmu;
	if (in_kernel) {
		r = lapic_create(vcpu);
		if (r)
			goto err_vendor;
	}

	/* Application processors wait for INIT and SIPI where there is a LAPIC to take them. */
	vcpu->mp_state = !in_kernel || kvm_vcpu_is_bsp(vcpu) ? KVM_MP_STATE_RUNNABLE :
							       KVM_MP_STATE_UNINITIALIZED;
	vcpu->tsc.sleeps = kvm_tsc_sleeps();
	kvm_vcpu_load(vcpu);
	kvm_vcpu_reset(vcpu, false);
	kvm_tsc_vcpu_create(vcpu);
	kvm_vcpu_put(vcpu);
	return 0;

err_vendor:
	vendor_call(vcpu_free, vcpu);
err_mmu:
	mmu_vcpu_free(vcpu);
err_cpuid:
	kvm_cpuid_vcpu_free(vcpu);
err_msr:
	kvm_msr_vcpu_free(vcpu);
err_fpu:
	kvm_fpu_free(vcpu);
err_emul:
	kvm_emul_vcpu_free(vcpu);
	return r;
}

void kvm_arch_vcpu_free(struct kvm_vcpu *vcpu)
{
	/* The LAPIC first: its timer must not find anything half gone. */
	if (vcpu->lapic)
		lapic_free(vcpu);
	vendor_call(vcpu_free, vcpu);
	mmu_vcpu_free(vcpu);
	kvm_cpuid_vcpu_free(vcpu);
	kvm_msr_vcpu_free(vcpu);
	kvm_fpu_free(vcpu);
	kvm_emul_vcpu_free(vcpu);
}

/**
 * kvm_vcpu_reset() - RESET (power-on) or INIT, the one way to either
 * @vcpu: the vCPU, loaded
 * @init_event: INIT: FPU, MTRRs, MSRs and CR0.CD/NW survive (SDM vol. 3, table 9-1)
 *
 * Context: the vCPU's thread, or its creator. May sleep.
 */
void kvm_vcpu_reset(struct kvm_vcpu *vcpu, bool init_event)
{
	u64 cr0 = X86_CR0_ET | (init_event ? kvm_cr0(vcpu) & (X86_CR0_NW | X86_CR0_CD) :
					     X86_CR0_NW | X86_CR0_CD);
	struct kvm_vcpu_regs *regs = &vcpu->regs;
	u32 eax = 1, ebx, ecx = 0, edx;

	memset(&vcpu->event.exception, 0, sizeof(vcpu->event.exception));
	memset(&vcpu->event.irq, 0, sizeof(vcpu->event.irq));
	atomic_set(&vcpu->event.nmi.queued, 0);
	vcpu->event.nmi.pending = 0;
	vcpu->event.nmi.injected = false;
	vcpu->io.complete = NULL;

	memset(vcpu->debug.db, 0, sizeof(vcpu->debug.db));
	vcpu->debug.dr6 = KVM_DR6_INIT;
	vcpu->debug.dr7 = KVM_DR7_INIT;

	if (vcpu->lapic)
		lapic_reset(vcpu, init_event);
	kvm_fpu_reset(vcpu, init_event);
	kvm_msr_reset(vcpu, init_event);
	if (!init_event) {
		kvm_clock_reset(vcpu);
		kvm_pv_reset(vcpu);
	}

	/*
	 * EDX is the processor's signature, as CPUID leaf 1 tells it; 0x600 where none was set yet.
	 */
	kvm_cpuid(vcpu, &eax, &ebx, &ecx, &edx);
	memset(regs->val, 0, sizeof(regs->val));
	regs->val[KVM_REG_RDX] = eax ?: 0x600;
	regs->val[KVM_REG_RIP] = 0xfff0;
	regs->val[KVM_REG_RFLAGS] = X86_EFLAGS_FIXED;
	regs->val[KVM_REG_CR0] = cr0;
	regs->avail = ~0;
	regs->dirty = ~0;
	regs->cr2 = 0;
	regs->cr8 = 0;
	regs->efer = 0;

	vendor_call(vcpu_reset, vcpu, init_event);
	vendor_call(set_cr0, vcpu);
	vendor_call(set_cr4, vcpu);
	vendor_call(set_efer, vcpu);
	kvm_update_dr7(vcpu);
	vendor_call(update_intercepts, vcpu);
	/* And once it can be found: what is asked of all vCPUs may have missed one that is new. */
	kvm_make_request(KVM_REQ_INTERCEPTS, vcpu);
	kvm_cpuid_refresh(vcpu);
	kvm_make_request(KVM_REQ_TLB_FLUSH, vcpu);
	kvm_make_request(KVM_REQ_MMU_ROOT, vcpu);
	kvm_make_request(KVM_REQ_EVENT, vcpu);
}
EXPORT_SYMBOL_NS_GPL(kvm_vcpu_reset, GUESTMODE);

void kvm_arch_vcpu_load(struct kvm_vcpu *vcpu, int cpu)
{
	bool moved = vcpu->cpu != cpu;

	vcpu->stat.host_state_reload++;
	vendor_call(vcpu_load, vcpu, cpu);
	kvm_tsc_load(vcpu, cpu);
	if (moved) {
		vcpu->exit.cpu_before = kvm_last_entry_cpu(vcpu);
		vcpu->exit.before_move = vcpu->stat.exits;
	}
	WRITE_ONCE(vcpu->cpu, cpu);
	kvm_clock_vcpu_load(vcpu, cpu, moved);
	kvm_pv_vcpu_load(vcpu);
	if (moved && vcpu->lapic)
		lapic_migrate_timers(vcpu);
}

void kvm_arch_vcpu_put(struct kvm_vcpu *vcpu)
{
	if (vcpu->preempted)
		kvm_pv_preempted(vcpu);
	vendor_call(vcpu_put, vcpu);
	kvm_tsc_put(vcpu);
}

bool kvm_arch_vcpu_runnable(struct kvm_vcpu *vcpu)
{
	if (vcpu->mp_state == KVM_MP_STATE_RUNNABLE)
		return true;
	if (vcpu->lapic && lapic_has_events(vcpu))
		return true;
	return vcpu->mp_state == KVM_MP_STATE_HALTED && event_can_wake(vcpu);
}

bool kvm_arch_vcpu_may_poll(struct kvm_vcpu *vcpu)
{
	return kvm_pv_may_poll(vcpu);
}
