// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address space identifiers: the tags of guest translations in a CPU's TLB (AMD APM vol. 2,
 * 15.15.2, 15.16).
 *
 * An ASID belongs to one vCPU on one CPU for the rest of that CPU's generation; when they have run
 * out a new generation begins and each vCPU fetches another one. Handing one out implies that
 * nothing older with that tag survives (CVE-2026-89932): either the vCPU's next VMRUN flushes it,
 * or the ASID has not been in use since a flush of all of them that is known to have happened.
 */

#include <linux/preempt.h>
#include <asm/extable.h>

#include "svm.h"

static void asid_new(struct vcpu_svm *svm, struct svm_cpu *cpu)
{
	/* ASID 0 is the host's: never handed out. */
	if (cpu->asid_next == 0 || cpu->asid_next >= svm_features.nr_asids) {
		cpu->asid_generation++;
		cpu->asid_next = 1;
		cpu->asid_swept = false;
	}
	svm->vmcb->control.asid = cpu->asid_next++;
	/* All, not SVM_CLEAN_ASID alone: the CPU may have been off and on again in between. */
	svm_dirty(svm, SVM_CLEAN_ALL);
	svm->asid_cpu = cpu;
	svm->asid_generation = cpu->asid_generation;

	if (svm_features.flush_by_asid)
		svm->flush = TLB_CONTROL_FLUSH_ASID;
	else
		svm->flush = cpu->asid_swept ? TLB_CONTROL_DO_NOTHING : TLB_CONTROL_FLUSH_ALL_ASID;
}

/**
 * svm_asid_prepare() - a valid ASID and the flush it needs, before an entry
 * @svm: the vCPU
 *
 * Context: preemption off. A flush stays due until a VMRUN has carried it, however many entries are
 * cancelled before.
 */
void svm_asid_prepare(struct vcpu_svm *svm)
{
	struct svm_cpu *cpu = svm->cpu;

	/* A fresh ASID in each generation of a CPU, and on moving to another CPU. */
	if (unlikely(svm->asid_cpu != cpu || svm->asid_generation != cpu->asid_generation))
		asid_new(svm, cpu);
	svm->vmcb->control.tlb_ctl = svm->flush;
}

/**
 * svm_asid_flushed() - the VMRUN that carried a flush has taken place
 * @svm: the vCPU
 *
 * Context: irqs off, on the CPU that ran it.
 */
noinstr void svm_asid_flushed(struct vcpu_svm *svm)
{
	if (svm->vmcb->control.tlb_ctl == TLB_CONTROL_FLUSH_ALL_ASID)
		svm->cpu->asid_swept = true;
	svm->flush = TLB_CONTROL_DO_NOTHING;
	svm->vmcb->control.tlb_ctl = TLB_CONTROL_DO_NOTHING;
}

/**
 * svm_tlb_flush() - drop all translations of a vCPU before it runs again
 * @vcpu: the vCPU, loaded
 */
void svm_tlb_flush(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	if (svm_features.flush_by_asid)
		svm->flush = TLB_CONTROL_FLUSH_ASID;
	else
		svm->asid_generation = 0; /* no CPU is ever in generation 0: a new ASID */
}

/**
 * svm_tlb_flush_gva() - drop the translation of one guest-virtual page
 * @vcpu: the vCPU, loaded
 * @gva: any address in it
 */
void svm_tlb_flush_gva(struct kvm_vcpu *vcpu, gva_t gva)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	preempt_disable();
	if (svm->asid_cpu == svm->cpu && svm->asid_generation == svm->cpu->asid_generation)
		asm volatile("1: invlpga %0, %1\n2:\n" _ASM_EXTABLE(1b, 2b)
			     :
			     : "a"(gva), "c"(svm->vmcb->control.asid)
			     : "memory");
	else
		svm->asid_cpu = NULL; /* wherever it runs next: a new ASID */
	preempt_enable();
}
