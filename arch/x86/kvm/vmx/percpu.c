// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX on each CPU: on, off, and which VMCSs it may hold in its caches (SDM vol. 3, 24.11): one must
 * be written back by VMCLEAR on that CPU before another uses it, and before VMX goes off.
 */

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/topology.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/perf_event.h>
#include <asm/processor.h>
#include <asm/tlbflush.h>

#include "vmx.h"

DEFINE_PER_CPU(struct vmx_cpu, vmx_cpus);

/* --- regions --------------------------------------------------------------------------------- */

/**
 * vmx_region_alloc() - memory for a VMCS or for VMXON
 * @node: NUMA node
 *
 * Return: it, with the revision identifier that the CPU looks for; or NULL.
 */
struct vmx_region *vmx_region_alloc(int node)
{
	struct page *page = alloc_pages_node(node, GFP_KERNEL_ACCOUNT | __GFP_ZERO, 0);
	struct vmx_region *region;

	if (!page)
		return NULL;
	region = page_address(page);
	region->revision = vmx_features.revision;
	return region;
}

void vmx_region_free(struct vmx_region *region)
{
	free_page((unsigned long)region);
}

/**
 * vmx_percpu_alloc() - what each CPU needs, offline ones included
 * Return: 0 or -ENOMEM.
 */
int vmx_percpu_alloc(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct vmx_cpu *c = &per_cpu(vmx_cpus, cpu);

		INIT_LIST_HEAD(&c->loaded);
		c->current_vmx = NULL;
		c->last = NULL;
		c->vmxon = vmx_region_alloc(cpu_to_node(cpu));
		if (!c->vmxon) {
			vmx_percpu_free();
			return -ENOMEM;
		}
	}
	return 0;
}

void vmx_percpu_free(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		vmx_region_free(per_cpu(vmx_cpus, cpu).vmxon);
		per_cpu(vmx_cpus, cpu).vmxon = NULL;
	}
}

/* --- on and off ------------------------------------------------------------------------------ */

/*
 * What CPUs must have in common, since one VMCS goes everywhere: whatever setup.c has looked at. Of
 * MISC the timer's rate.
 */
static const struct {
	u32 msr;
	u64 mask;
} common_msrs[] = {
	{ MSR_IA32_VMX_BASIC, ~0ULL },
	{ MSR_IA32_VMX_PINBASED_CTLS, ~0ULL },
	{ MSR_IA32_VMX_PROCBASED_CTLS, ~0ULL },
	{ MSR_IA32_VMX_PROCBASED_CTLS2, ~0ULL },
	{ MSR_IA32_VMX_EXIT_CTLS, ~0ULL },
	{ MSR_IA32_VMX_ENTRY_CTLS, ~0ULL },
	{ MSR_IA32_VMX_TRUE_PINBASED_CTLS, ~0ULL },
	{ MSR_IA32_VMX_TRUE_PROCBASED_CTLS, ~0ULL },
	{ MSR_IA32_VMX_TRUE_EXIT_CTLS, ~0ULL },
	{ MSR_IA32_VMX_TRUE_ENTRY_CTLS, ~0ULL },
	{ MSR_IA32_VMX_EPT_VPID_CAP, ~0ULL },
	{ MSR_IA32_VMX_MISC, VMX_MISC_TIMER_SHIFT },
	{ MSR_IA32_VMX_CR0_FIXED0, ~0ULL },
	{ MSR_IA32_VMX_CR0_FIXED1, ~0ULL },
	{ MSR_IA32_VMX_CR4_FIXED0, ~0ULL },
	{ MSR_IA32_VMX_CR4_FIXED1, ~0ULL },
};
static u64 common[ARRAY_SIZE(common_msrs)] __ro_after_init;

/* Some don't exist on older CPUs. */
static u64 common_msr(unsigned int i)
{
	u64 value;

	if (rdmsrl_safe(common_msrs[i].msr, &value))
		return 0;
	return value & common_msrs[i].mask;
}

/**
 * vmx_percpu_init() - remember what this CPU's VMX is like: others must be the same
 */
void __init vmx_percpu_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(common_msrs); i++)
		common[i] = common_msr(i);
}

static bool same_features(int id)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(common_msrs); i++) {
		u64 value = common_msr(i);

		if (value == common[i])
			continue;
		pr_err("kvm-intel: CPU %d has other VMX features: MSR 0x%x is 0x%llx, not 0x%llx\n",
		       id, common_msrs[i].msr, value, common[i]);
		return false;
	}
	return true;
}

/**
 * vmx_cpu_check() - can this CPU do what this module needs?
 *
 * Context: the CPU itself, maybe in an IPI.
 * Return: 0, or -EIO (the log says why).
 */
int vmx_cpu_check(void)
{
	const u64 need = FEAT_CTL_LOCKED | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX;
	int id = smp_processor_id();
	u64 feat_ctl;

	if (!(cpuid_ecx(1) & BIT(5))) {
		pr_err("kvm-intel: CPU %d has no VMX\n", id);
		return -EIO;
	}
	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &feat_ctl) || (feat_ctl & need) != need) {
		pr_err("kvm-intel: CPU %d: VMX is disabled by firmware (IA32_FEATURE_CONTROL)\n",
		       id);
		return -EIO;
	}
	return same_features(id) ? 0 : -EIO;
}

/**
 * vmx_cpu_enable() - turn VMX on on this CPU (SDM vol. 3, 23.7)
 *
 * Context: irqs off.
 * Return: 0; -EBUSY if somebody else uses it; -EIO if the CPU refuses.
 */
int vmx_cpu_enable(void)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&vmx_cpus);

	if (vmx_cpu_check())
		return -EIO;
	if (cr4_read_shadow() & X86_CR4_VMXE) {
		pr_err("kvm-intel: CPU %d: VMX is in use by somebody else\n", smp_processor_id());
		return -EBUSY;
	}
	/* Processor trace must be off in VMX operation where the CPU can't do both. */
	intel_pt_handle_vmx(1);
	cr4_set_bits_irqsoff(X86_CR4_VMXE);
	if (!vmx_vmxon(__pa(cpu->vmxon))) {
		cr4_clear_bits_irqsoff(X86_CR4_VMXE);
		intel_pt_handle_vmx(0);
		pr_err("kvm-intel: CPU %d refuses VMXON\n", smp_processor_id());
		return -EIO;
	}
	cpu->current_vmx = NULL;
	cpu->last = NULL;
	/* Translations of an earlier user of VMX may be there. */
	vmx_invept(VMX_EPT_EXTENT_GLOBAL, 0);
	return 0;
}

/* Irqs off, on the CPU that holds it. */
static void clear_here(struct vcpu_vmx *vmx)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&vmx_cpus);

	if (!vmx_vmclear(vmx->vmcs_pa))
		vmx_insn_failed("VMCLEAR", vmx->vmcs_pa);
	vmx->entry.flags &= ~ENTRY_RESUME;
	if (cpu->current_vmx == vmx)
		cpu->current_vmx = NULL;
	list_del(&vmx->loaded);
	/* Off the list before another CPU may put it on its own. */
	smp_wmb();
	WRITE_ONCE(vmx->vmcs_cpu, -1);
}

/**
 * vmx_cpu_disable() - turn VMX off on this CPU
 *
 * Context: irqs off. Each instruction may fault: an emergency may have turned it off before. In an
 * emergency (an NMI) the list may be in the middle of a change: what is not on it yet has not been
 * loaded, and what is half off has been cleared.
 */
void vmx_cpu_disable(void)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&vmx_cpus);
	struct vcpu_vmx *vmx, *next;

	list_for_each_entry_safe(vmx, next, &cpu->loaded, loaded)
		clear_here(vmx);
	vmx_vmxoff();
	cr4_clear_bits_irqsoff(X86_CR4_VMXE);
	intel_pt_handle_vmx(0);
}

/* --- a vCPU comes and goes ------------------------------------------------------------------- */

static void clear_ipi(void *info)
{
	struct vcpu_vmx *vmx = info;

	/* The CPU may have cleared it by itself, going offline. */
	if (vmx->vmcs_cpu == smp_processor_id())
		clear_here(vmx);
}

/**
 * vmx_vmcs_clear() - no CPU holds the VMCS in its caches any more
 * @vmx: the vCPU, not running
 *
 * Context: irqs on, preemption may be off.
 */
void vmx_vmcs_clear(struct vcpu_vmx *vmx)
{
	int cpu = READ_ONCE(vmx->vmcs_cpu);

	if (cpu >= 0)
		smp_call_function_single(cpu, clear_ipi, vmx, 1);
}

/**
 * vmx_percpu_forget() - no CPU compares itself with this vCPU any more
 * @vmx: about to be freed: the next vCPU may get the same address
 */
void vmx_percpu_forget(struct vcpu_vmx *vmx)
{
	int cpu;

	for_each_possible_cpu(cpu)
		cmpxchg(&per_cpu(vmx_cpus, cpu).last, vmx, NULL);
}

/* The VMCS's first load on this CPU since another had it. */
static void come_to_cpu(struct vcpu_vmx *vmx, struct vmx_cpu *cpu, int id)
{
	unsigned long flags;

	vmx_vmcs_clear(vmx);
	local_irq_save(flags);
	WRITE_ONCE(vmx->vmcs_cpu, id);
	/* Pairs with the end of clear_here(): its list was left before. */
	smp_mb();
	list_add(&vmx->loaded, &cpu->loaded);
	local_irq_restore(flags);
}

/*
 * The VMCS could not be made current. None may stay current, or what is written for this vCPU would
 * go into another one's; and what is remembered as written would be a guess: the VM is at its end.
 */
static noinline void load_failed(struct vcpu_vmx *vmx, struct vmx_cpu *cpu)
{
	unsigned long flags;

	vmx_insn_failed("VMPTRLD", vmx->vmcs_pa);
	local_irq_save(flags);
	if (cpu->current_vmx)
		clear_here(cpu->current_vmx);
	clear_here(vmx);
	local_irq_restore(flags);
	WRITE_ONCE(vmx->vcpu.kvm->dead, true);
	kvm_make_request(KVM_REQ_VM_DEAD, &vmx->vcpu);
}

/**
 * vmx_vcpu_load() - this CPU will run the vCPU
 * @vcpu: the vCPU
 * @id: smp_processor_id()
 *
 * Context: preemption off.
 */
void vmx_vcpu_load(struct kvm_vcpu *vcpu, int id)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&vmx_cpus);
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	bool moved = vmx->vmcs_cpu != id;

	if (moved)
		come_to_cpu(vmx, cpu, id);
	if (cpu->current_vmx != vmx) {
		if (unlikely(!vmx_vmptrld(vmx->vmcs_pa))) {
			load_failed(vmx, cpu);
			return;
		}
		cpu->current_vmx = vmx;
	}
	if (moved) {
		vmx_host_cpu(vmx);
		/*
		 * What this CPU may have cached under our VPID, or of our nested tables, has missed
		 * flushes; or is somebody's who had the same VPID or root before (CVE-2026-89932).
		 */
		vmx->flush = true;
	}
	/* Another vCPU ran here last: its branch history must not steer this one. */
	if (cpu->last != vmx) {
		cpu->last = vmx;
		indirect_branch_prediction_barrier();
	}
	vmx->user_msrs_loaded = false;
}

/**
 * vmx_vcpu_put() - the vCPU leaves this CPU, or its thread the kernel
 * @vcpu: the vCPU
 *
 * The VMCS stays here until another CPU wants it. Context: preemption off.
 */
void vmx_vcpu_put(struct kvm_vcpu *vcpu)
{
	vmx_host_put(to_vmx(vcpu));
}
