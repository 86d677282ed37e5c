// SPDX-License-Identifier: GPL-2.0-only
/* SVM on each CPU: on, off, and what changes when a vCPU comes to a CPU or leaves it. */

#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/mem_encrypt.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/thread_info.h>
#include <linux/topology.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/extable.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/perf_event.h>
#include <asm/processor.h>

#include "svm.h"

DEFINE_PER_CPU(struct svm_cpu, svm_cpus);

/* VM_CR.SVMDIS (APM vol. 2, 15.30.1): firmware has switched SVM off; EFER.SVME can't be set. */
#define VM_CR_SVMDIS BIT_ULL(4)

static void free_cpu(struct svm_cpu *cpu)
{
	free_page((unsigned long)cpu->hsave);
	free_page((unsigned long)cpu->host);
	cpu->hsave = NULL;
	cpu->host = NULL;
}

static void *page_on_node(int node)
{
	struct page *page = alloc_pages_node(node, GFP_KERNEL | __GFP_ZERO, 0);

	return page ? page_address(page) : NULL;
}

/**
 * svm_percpu_alloc() - the pages that each CPU needs, offline ones included
 * Return: 0 or -ENOMEM.
 */
int svm_percpu_alloc(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct svm_cpu *c = &per_cpu(svm_cpus, cpu);

		c->hsave = page_on_node(cpu_to_node(cpu));
		c->host = page_on_node(cpu_to_node(cpu));
		if (!c->hsave || !c->host) {
			svm_percpu_free();
			return -ENOMEM;
		}
	}
	return 0;
}

void svm_percpu_free(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		free_cpu(&per_cpu(svm_cpus, cpu));
}

/**
 * svm_cpu_check() - can this CPU do what this module needs?
 *
 * Context: the CPU itself, maybe in an IPI.
 * Return: 0, or -EIO (the log says why).
 */
int svm_cpu_check(void)
{
	int id = smp_processor_id();
	u64 vm_cr = 0;

	if (cpuid_eax(0x80000000) < SVM_CPUID_FUNC || !(cpuid_ecx(0x80000001) & BIT(2))) {
		pr_err("kvm-amd: CPU %d has no SVM\n", id);
		return -EIO;
	}
	if (!(cpuid_edx(SVM_CPUID_FUNC) & BIT(0)) ||
	    cpuid_ebx(SVM_CPUID_FUNC) < svm_features.nr_asids) {
		pr_err("kvm-amd: CPU %d lacks nested paging or ASIDs that the boot CPU has\n", id);
		return -EIO;
	}
	if (!rdmsrl_safe(MSR_VM_CR, &vm_cr) && (vm_cr & VM_CR_SVMDIS)) {
		pr_err("kvm-amd: CPU %d: SVM is disabled by firmware (VM_CR.SVMDIS)\n", id);
		return -EIO;
	}
	return 0;
}

static void write_tsc_ratio(struct svm_cpu *cpu, u64 ratio)
{
	if (svm_features.tsc_scaling && wrmsrl_safe(MSR_AMD64_TSC_RATIO, ratio))
		return;
	cpu->tsc_ratio = ratio;
}

#ifdef X86_FEATURE_SRSO_BP_SPEC_REDUCE
/*
 * Where the host's answer to SRSO is "Reduced Speculation", it is up to who runs guests, for as long
 * as there are any (Documentation/admin-guide/hw-vuln/srso.rst): the module may be loaded for years
 * without one.
 */
static DEFINE_MUTEX(vcpus_lock);
static unsigned int nr_vcpus; /* vcpus_lock, with no CPU on its way; a CPU that comes reads it */

/* Irqs off. */
static void reduce_speculation(bool on)
{
	u64 bit = BIT_ULL(MSR_ZEN4_BP_CFG_BP_SPEC_REDUCE_BIT), cfg;

	if (!boot_cpu_has(X86_FEATURE_SRSO_BP_SPEC_REDUCE) || rdmsrl_safe(MSR_ZEN4_BP_CFG, &cfg))
		return;
	wrmsrl_safe(MSR_ZEN4_BP_CFG, on ? cfg | bit : cfg & ~bit);
}

static bool have_vcpus(void)
{
	return READ_ONCE(nr_vcpus);
}

static void vcpus_ipi(void *unused)
{
	reduce_speculation(have_vcpus());
}

static void count_vcpus(int more)
{
	if (!boot_cpu_has(X86_FEATURE_SRSO_BP_SPEC_REDUCE))
		return;
	cpus_read_lock();
	mutex_lock(&vcpus_lock);
	WRITE_ONCE(nr_vcpus, nr_vcpus + more);
	/* The first one comes, the last one has gone. */
	if (nr_vcpus == (more > 0))
		on_each_cpu(vcpus_ipi, NULL, 1);
	mutex_unlock(&vcpus_lock);
	cpus_read_unlock();
}
#else
static void reduce_speculation(bool on)
{
}

static bool have_vcpus(void)
{
	return false;
}

static void count_vcpus(int more)
{
}
#endif

/**
 * svm_percpu_vcpu_comes() - there will be a guest: each CPU gets ready for it
 *
 * Context: may sleep; so for svm_percpu_vcpu_goes().
 */
void svm_percpu_vcpu_comes(void)
{
	count_vcpus(1);
}

/**
 * svm_percpu_vcpu_goes() - undo svm_percpu_vcpu_comes()
 * @svm: about to be freed: the next vCPU may get the same address, and no CPU may take it for this
 */
void svm_percpu_vcpu_goes(struct vcpu_svm *svm)
{
	int cpu;

	for_each_possible_cpu(cpu)
		cmpxchg(&per_cpu(svm_cpus, cpu).last, svm, NULL);
	count_vcpus(-1);
}

/**
 * svm_cpu_enable() - turn SVM on on this CPU (APM vol. 2, 15.4)
 *
 * Context: irqs off.
 * Return: 0; -EBUSY if somebody else uses it; -EIO if the CPU refuses.
 */
int svm_cpu_enable(void)
{
	struct svm_cpu *cpu = this_cpu_ptr(&svm_cpus);
	u64 efer;

	if (svm_cpu_check())
		return -EIO;
	if (rdmsrl_safe(MSR_EFER, &efer))
		return -EIO;
	if (efer & EFER_SVME) {
		pr_err("kvm-amd: CPU %d: SVM is in use by somebody else\n", smp_processor_id());
		return -EBUSY;
	}
	if (wrmsrl_safe(MSR_EFER, efer | EFER_SVME))
		return -EIO;
	/* VM_HSAVE_PA: a page of its own for each CPU, where VMRUN keeps the host's state. */
	if (wrmsrl_safe(MSR_VM_HSAVE_PA, __sme_pa(cpu->hsave))) {
		wrmsrl_safe(MSR_EFER, efer);
		return -EIO;
	}
	write_tsc_ratio(cpu, SVM_TSC_RATIO_DEFAULT);
	reduce_speculation(have_vcpus());

	/*
	 * Translations of an earlier user of SVM may be there: all ASIDs handed out so far are
	 * void.
	 */
	cpu->asid_generation++;
	cpu->asid_next = 1;
	cpu->asid_swept = false;
	cpu->last = NULL;

	/* Counters may count guest mode or host mode alone only while SVME is on. */
	amd_pmu_enable_virt();
	return 0;
}

/**
 * svm_cpu_disable() - turn SVM off on this CPU
 *
 * Context: irqs off. Each instruction may fault: an emergency may have turned it off before.
 */
void svm_cpu_disable(void)
{
	struct svm_cpu *cpu = this_cpu_ptr(&svm_cpus);
	u64 efer;

	amd_pmu_disable_virt();
	reduce_speculation(false);
	write_tsc_ratio(cpu, SVM_TSC_RATIO_DEFAULT);
	wrmsrl_safe(MSR_VM_HSAVE_PA, 0);
	if (rdmsrl_safe(MSR_EFER, &efer) || !(efer & EFER_SVME))
		return;
	/* STGI before SVME goes: with GIF=0 this CPU would never see an NMI or INIT again. */
	asm volatile("1: stgi\n2:\n" _ASM_EXTABLE(1b, 2b) : : : "memory");
	wrmsrl_safe(MSR_EFER, efer & ~EFER_SVME);
}

/**
 * svm_load_tsc_ratio() - MSR TSC_RATIO for this vCPU; the host's own RDTSC does not look at it
 * @svm: the vCPU, loaded
 */
void svm_load_tsc_ratio(struct vcpu_svm *svm)
{
	u64 ratio = svm->vcpu.tsc.ratio ?: SVM_TSC_RATIO_DEFAULT;

	preempt_disable();
	if (svm->cpu->tsc_ratio != ratio)
		write_tsc_ratio(svm->cpu, ratio);
	preempt_enable();
}

/*
 * A tracer's PTRACE_SINGLEBLOCK of this thread is DEBUGCTL.BTF, by which TF means branches instead
 * of instructions. VMRUN and #VMEXIT leave it as it is (APM vol. 2, 13.1 and 15.23), so a guest
 * that steps would step by branches. Who traces sets the flag while the thread isn't on a CPU.
 */
static void let_host_step_branches(bool on)
{
	unsigned long debugctl, flags;

	if (likely(!test_thread_flag(TIF_BLOCKSTEP)))
		return;
	/* perf's interrupts change other bits of it. */
	local_irq_save(flags);
	debugctl = get_debugctlmsr() & ~DEBUGCTLMSR_BTF;
	update_debugctlmsr(on ? debugctl | DEBUGCTLMSR_BTF : debugctl);
	local_irq_restore(flags);
}

/**
 * svm_vcpu_load() - this CPU will run the vCPU
 * @vcpu: the vCPU
 * @id: smp_processor_id()
 *
 * Context: preemption off.
 */
void svm_vcpu_load(struct kvm_vcpu *vcpu, int id)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	struct svm_cpu *cpu = this_cpu_ptr(&svm_cpus);

	svm->cpu = cpu;
	svm->entry.host_pa = __sme_pa(cpu->host);
	svm->host_saved = false;
	svm->tsc_aux_loaded = false;

	/* Clean bits speak of one CPU's cache of the VMCB. */
	if (svm->clean_cpu != cpu) {
		svm->clean_cpu = cpu;
		svm->vmcb->control.clean = 0;
	}
	/* Another vCPU ran here last: its branch history must not steer this one. */
	if (cpu->last != svm) {
		cpu->last = svm;
		indirect_branch_prediction_barrier();
	}
	svm_load_tsc_ratio(svm);
	let_host_step_branches(false);
}

/**
 * svm_vcpu_put() - the vCPU leaves this CPU
 * @vcpu: the vCPU
 *
 * The host's FS, GS, TR and MSRs came back with each exit; an ASID left behind stays its own.
 * Context: preemption off.
 */
void svm_vcpu_put(struct kvm_vcpu *vcpu)
{
	svm_ssbd_host(to_svm(vcpu));
	let_host_step_branches(true);
}
