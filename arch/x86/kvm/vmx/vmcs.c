// SPDX-License-Identifier: GPL-2.0-only
/* The VMCS's life, and its control fields: what exits (SDM vol. 3, 24.6 to 24.8). */

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <asm/apicdef.h>
#include <asm/cpufeature.h>
#include <asm/trapnr.h>

#include "cpuid.h"
#include "exit.h"
#include "irqchip/irqchip.h"
#include "vmx.h"

/*
 * What the host can't do without, whatever the guest is. #AC and #DB: their delivery can raise them
 * again for ever (CVE-2015-5307, -8104). #MC is the host's. External interrupts, NMIs, ports, MSRs
 * and RDPMC are in vmx_features.base; CPUID, INVD, XSETBV, GETSEC, VMX instructions, task switches,
 * INIT and triple faults exit always.
 */
#define MANDATORY_EXCEPTIONS (BIT(X86_TRAP_AC) | BIT(X86_TRAP_DB) | BIT(X86_TRAP_MC))

static u32 want_exceptions(struct vcpu_vmx *vmx)
{
	/* #UD: VMMCALL or SYSCALL of a guest that believes to be on AMD. */
	u32 exceptions = BIT(X86_TRAP_UD);

	if (vmx->vcpu.debug.guest_debug & KVM_GUESTDBG_USE_SW_BP)
		exceptions |= BIT(X86_TRAP_BP);
	return exceptions | MANDATORY_EXCEPTIONS;
}

static u32 want_pin(struct vcpu_vmx *vmx)
{
	u32 pin = vmx_features.base.pin;

	return vmx->deadline ? pin | PIN_BASED_VMX_PREEMPTION_TIMER : pin;
}

static u32 want_cpu(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;
	u64 never = vcpu->kvm->caps.disabled_exits;
	u32 cpu = vmx_features.base.cpu;

	if (!(never & KVM_X86_DISABLE_EXITS_HLT))
		cpu |= CPU_BASED_HLT_EXITING;
	if (!(never & KVM_X86_DISABLE_EXITS_MWAIT))
		cpu |= CPU_BASED_MWAIT_EXITING | CPU_BASED_MONITOR_EXITING;
	/* DR0-3 are the host's until the guest touches one. */
	if (!(vcpu->debug.switch_db & KVM_DEBUGREG_WONT_EXIT))
		cpu |= CPU_BASED_MOV_DR_EXITING;
	if (vmx->irq_window)
		cpu |= CPU_BASED_INTR_WINDOW_EXITING;
	if (vmx->nmi_window)
		cpu |= CPU_BASED_NMI_WINDOW_EXITING;
	/* With TPR shadow CR8 lives in the LAPIC's page. */
	if (vcpu->lapic && vmx_features.can.cpu & CPU_BASED_TPR_SHADOW)
		cpu |= CPU_BASED_TPR_SHADOW;
	else
		cpu |= CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING;
	return cpu;
}

/* What the guest's CPUID denies raises #UD there: the control is the instruction's permission. */
static u32 want_cpu2(struct vcpu_vmx *vmx)
{
	u32 can = vmx_features.can.cpu2, cpu2 = vmx_features.base.cpu2;
	struct kvm_vcpu *vcpu = &vmx->vcpu;

	if (vmx->vpid)
		cpu2 |= SECONDARY_EXEC_ENABLE_VPID;
	if (vmx_features.unrestricted)
		cpu2 |= SECONDARY_EXEC_UNRESTRICTED_GUEST;
	/* RDPID has no control of its own: it exists where RDTSCP does. */
	if (vmx->tsc_aux_used)
		cpu2 |= can & SECONDARY_EXEC_ENABLE_RDTSCP;
	if (guest_has(vcpu, KVM_GF_INVPCID))
		cpu2 |= can & SECONDARY_EXEC_ENABLE_INVPCID;
	if (guest_has(vcpu, KVM_GF_XSAVES))
		cpu2 |= can & VMX_CPU2_XSAVES;
	if (!guest_has(vcpu, KVM_GF_RDRAND))
		cpu2 |= can & SECONDARY_EXEC_RDRAND_EXITING;
	if (!guest_has(vcpu, KVM_GF_RDSEED))
		cpu2 |= can & SECONDARY_EXEC_RDSEED_EXITING;
	/* No SGX: whatever the host has of it, a guest gets no enclaves. */
	cpu2 |= can & SECONDARY_EXEC_ENCLS_EXITING;
	if (vmx_ple_gap && !(vcpu->kvm->caps.disabled_exits & KVM_X86_DISABLE_EXITS_PAUSE))
		cpu2 |= can & SECONDARY_EXEC_PAUSE_LOOP_EXITING;
	if (vcpu->kvm->caps.bus_lock_exit)
		cpu2 |= can & SECONDARY_EXEC_BUS_LOCK_DETECTION;
	if (vcpu->kvm->caps.notify & KVM_X86_NOTIFY_VMEXIT_ENABLED)
		cpu2 |= can & SECONDARY_EXEC_NOTIFY_VM_EXITING;
	if (vcpu->tsc.ratio && vcpu->tsc.ratio != kvm_caps->tsc_ratio_default)
		cpu2 |= can & SECONDARY_EXEC_TSC_SCALING;
	if (to_vmx(vcpu)->written && READ_ONCE(vcpu->kvm->mmu.logged))
		cpu2 |= SECONDARY_EXEC_ENABLE_PML;
	switch (lapic_hw(vcpu)) {
	case LAPIC_HW_XAPIC:
		return cpu2 | VMX_XAPIC_VIRT;
	case LAPIC_HW_X2APIC:
		return cpu2 | VMX_X2APIC_VIRT;
	default:
		return cpu2;
	}
}

static u32 want_entry(struct vcpu_vmx *vmx)
{
	u32 entry = vmx_features.base.entry;

	/* 26.3.1.1: as EFER.LMA */
	if (vmx->vcpu.regs.efer & EFER_LMA)
		entry |= VM_ENTRY_IA32E_MODE;
	return entry;
}

static void set_control(u32 field, u32 *now, u32 value)
{
	if (*now == value)
		return;
	vmcs_write(field, value);
	*now = value;
}

/**
 * vmx_controls_update() - compute the control fields; their only writer
 * @vmx: the vCPU, loaded
 *
 * From vCPU state alone: idempotent, to be called after each change of what it looks at.
 */
void vmx_controls_update(struct vcpu_vmx *vmx)
{
	struct vmx_controls *now = &vmx->controls;
	u32 cpu2 = want_cpu2(vmx);

	/* Cached translations know the APIC-access page, or don't (28.4.3.3). */
	if ((now->cpu2 ^ cpu2) & SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES)
		vmx->flush = true;
	/* It goes off when nothing is logged any more: nobody asks for what was noted down last. */
	if ((now->cpu2 ^ cpu2) & SECONDARY_EXEC_ENABLE_PML)
		vmx_pml_discard(vmx);
	set_control(PIN_BASED_VM_EXEC_CONTROL, &now->pin, want_pin(vmx));
	set_control(CPU_BASED_VM_EXEC_CONTROL, &now->cpu, want_cpu(vmx));
	set_control(SECONDARY_VM_EXEC_CONTROL, &now->cpu2, cpu2);
	set_control(VM_EXIT_CONTROLS, &now->exit, vmx_features.base.exit);
	set_control(VM_ENTRY_CONTROLS, &now->entry, want_entry(vmx));
	set_control(EXCEPTION_BITMAP, &vmx->exception_bitmap, want_exceptions(vmx));
}

/* KVM_REQ_INTERCEPTS: guest CPUID, guest_debug, a capability or the count of logs changed. */
void vmx_update_intercepts(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	vmx_msr_bitmap_update(vmx);
	vmx_controls_update(vmx);
}

void vmx_cpuid_changed(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	vmx->tsc_aux_used = kvm_caps->tsc_aux &&
			    (guest_has(vcpu, KVM_GF_RDTSCP) || guest_has(vcpu, KVM_GF_RDPID));
	vmx->user_msrs_loaded = false;
	vmx_update_intercepts(vcpu);
}

/**
 * vmx_set_tsc() - vcpu->tsc.offset or .ratio has changed
 * @vcpu: the vCPU, loaded
 */
void vmx_set_tsc(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	vmcs_write(TSC_OFFSET, vcpu->tsc.offset);
	vmx_controls_update(vmx);
	if (vmx->controls.cpu2 & SECONDARY_EXEC_TSC_SCALING)
		vmcs_write(TSC_MULTIPLIER, vcpu->tsc.ratio);
}

/**
 * vmx_set_deadline() - exit when the guest's TSC reaches a value, by the preemption timer (25.5.1)
 * @vcpu: the vCPU, loaded
 * @guest_tsc: when; 0: never
 *
 * Return: false: not on this CPU, or the guest's TSC has a frequency of its own.
 */
bool vmx_set_deadline(struct kvm_vcpu *vcpu, u64 guest_tsc)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	/* The timer stands still in deep sleep, where a guest's MWAIT may lead. */
	bool can = vmx_features.preemption_timer >= 0 &&
		   vcpu->tsc.ratio == kvm_caps->tsc_ratio_default &&
		   !(vcpu->kvm->caps.disabled_exits & KVM_X86_DISABLE_EXITS_MWAIT);

	vmx->deadline = can ? guest_tsc : 0;
	vmx_controls_update(vmx);
	return can;
}

/* --- life ------------------------------------------------------------------------------------ */

/*
 * The LAPIC's page is the virtual-APIC page: CR8 needs no exit. With virtual interrupt delivery
 * (29.2) nothing is requested or in service yet.
 */
static void init_lapic(struct vcpu_vmx *vmx)
{
	u8 *page = lapic_page(&vmx->vcpu);
	unsigned int i;

	if (vmx_features.can.cpu & CPU_BASED_TPR_SHADOW) {
		vmx->vtpr = page + APIC_TASKPRI;
		vmcs_write(VIRTUAL_APIC_PAGE_ADDR, __pa(page));
		vmcs_write(TPR_THRESHOLD, 0);
	}
	if (vmx_features.xapic_virt)
		vmcs_write(APIC_ACCESS_ADDR,
			   PFN_PHYS(page_to_pfn(vmx->vcpu.kvm->irqchip.access_page)));
	if (!vmx_features.xapic_virt && !vmx_features.x2apic_virt)
		return;
	vmcs_write(GUEST_INTR_STATUS, 0);
	for (i = 0; i < ARRAY_SIZE(vmx->eoi_exits); i++)
		vmcs_write(EOI_EXIT_BITMAP0 + 2 * i, 0);
}

/**
 * vmx_vmcs_init() - fields that stay as they are for the vCPU's life
 * @vmx: the vCPU, loaded for the first time
 *
 * A fresh VMCS holds nothing that may be relied on.
 */
void vmx_vmcs_init(struct vcpu_vmx *vmx)
{
	vmx_host_constant(vmx);
	vmcs_write(MSR_BITMAP, __pa(vmx->msr_bitmap));
	/* None of ours is another's shadow. */
	vmcs_write(VMCS_LINK_POINTER, ~0ULL);
	vmcs_write(PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmcs_write(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	vmcs_write(CR3_TARGET_COUNT, 0);
	vmcs_write(VM_EXIT_MSR_STORE_COUNT, 0);
	vmcs_write(VM_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write(VM_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write(VM_ENTRY_MSR_LOAD_ADDR, __pa(vmx->autoload->guest));
	vmcs_write(VM_EXIT_MSR_LOAD_ADDR, __pa(vmx->autoload->host));
	vmx->nr_autoload = 0;
	vmcs_write(VM_ENTRY_INTR_INFO_FIELD, 0);
	if (vmx->vpid)
		vmcs_write(VIRTUAL_PROCESSOR_ID, vmx->vpid);
	if (vmx_features.can.cpu2 & VMX_CPU2_XSAVES)
		vmcs_write(XSS_EXIT_BITMAP, 0);
	if (vmx_features.can.cpu2 & SECONDARY_EXEC_ENCLS_EXITING)
		vmcs_write(ENCLS_EXITING_BITMAP, ~0ULL);
	if (vmx_features.can.cpu2 & SECONDARY_EXEC_PAUSE_LOOP_EXITING) {
		vmcs_write(PLE_GAP, vmx_ple_gap);
		vmcs_write(PLE_WINDOW, vmx_ple_window);
	}
	if (vmx_features.can.cpu2 & SECONDARY_EXEC_NOTIFY_VM_EXITING)
		vmcs_write(NOTIFY_WINDOW, vmx->vcpu.kvm->caps.notify_window);
	vmcs_write(TSC_OFFSET, vmx->vcpu.tsc.offset);
	/* CR0 and CR4 are read from their shadows, and each change of a bit exits. */
	vmcs_write(CR0_GUEST_HOST_MASK, ~0ULL);
	vmcs_write(CR4_GUEST_HOST_MASK, ~0ULL);
	if (vmx->written)
		vmx_pml_init(vmx);
	if (vmx->vcpu.lapic)
		init_lapic(vmx);
	memset(&vmx->controls, 0, sizeof(vmx->controls));
	vmx->exception_bitmap = 0;
	vmx->initialised = true;
}

int vmx_vcpu_create(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	BUILD_BUG_ON(offsetof(struct vcpu_vmx, vcpu) != 0);
	BUILD_BUG_ON(sizeof(struct vmx_autoload) > PAGE_SIZE);

	vmx->vmcs_cpu = -1;
	vmx->vmcs = vmx_region_alloc(NUMA_NO_NODE);
	if (!vmx->vmcs)
		return -ENOMEM;
	vmx->vmcs_pa = __pa(vmx->vmcs);
	vmx->msr_bitmap = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	vmx->autoload = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (vmx_features.pml)
		vmx->written = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!vmx->msr_bitmap || !vmx->autoload || (vmx_features.pml && !vmx->written)) {
		free_page((unsigned long)vmx->written);
		free_page((unsigned long)vmx->autoload);
		free_page((unsigned long)vmx->msr_bitmap);
		vmx_region_free(vmx->vmcs);
		return -ENOMEM;
	}
	memset(vmx->msr_bitmap, 0xff, PAGE_SIZE);
	vmx->entry.gpr = vcpu->regs.val;
	vmx->vpid = vmx_vpid_alloc();
	/* 24.11.3: software makes the state of a new region known by VMCLEAR. */
	preempt_disable();
	if (!vmx_vmclear(vmx->vmcs_pa))
		vmx_insn_failed("VMCLEAR", vmx->vmcs_pa);
	preempt_enable();
	return 0;
}

void vmx_vcpu_free(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	vmx_vmcs_clear(vmx);
	vmx_percpu_forget(vmx);
	vmx_vpid_free(vmx->vpid);
	free_page((unsigned long)vmx->written);
	free_page((unsigned long)vmx->autoload);
	free_page((unsigned long)vmx->msr_bitmap);
	vmx_region_free(vmx->vmcs);
}
