// SPDX-License-Identifier: GPL-2.0-only
/*
 * ASIDs, against a model of what hardware remembers: no entry may find translations under its ASID
 * that are not this vCPU's own, or are older than its last flush. QEMU's processor flushes at every
 * exit, so no guest can show this.
 */

#include <linux/types.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

/* What asid.c needs of svm.h. */
#define GUESTMODE_SVM_H

#define TLB_CONTROL_DO_NOTHING 0
#define TLB_CONTROL_FLUSH_ALL_ASID 1
#define TLB_CONTROL_FLUSH_ASID 3

enum { SVM_CLEAN_ALL = 1 };

struct vmcb_control {
	u32 asid;
	u8 tlb_ctl;
};

struct vmcb {
	struct vmcb_control control;
};

struct svm_cpu {
	u64 asid_generation;
	u32 asid_next;
	bool asid_swept;
};

struct kvm_vcpu {
	int unused;
};

struct vcpu_svm {
	struct kvm_vcpu vcpu;
	struct vmcb *vmcb;
	struct svm_cpu *cpu, *asid_cpu;
	u64 asid_generation;
	u8 flush;
};

static struct {
	u32 nr_asids;
	bool flush_by_asid;
} svm_features;

static bool dirty;

static void svm_dirty(struct vcpu_svm *svm, u32 bits)
{
	dirty = true;
}

static struct vcpu_svm *to_svm(struct kvm_vcpu *vcpu)
{
	return (struct vcpu_svm *)vcpu;
}

#include "../../arch/x86/kvm/svm/asid.c"

#define CPUS 3
#define VCPUS 7
#define MAX_ASIDS 16
#define STEPS 400000

/* What a CPU's TLB holds under an ASID: translations of whom, made since which of its flushes. */
struct tag {
	int vcpu;	/* -1: nothing */
	unsigned int flushes;
};

static struct tag tlb[CPUS][MAX_ASIDS];
static struct svm_cpu cpus[CPUS];
static struct vmcb vmcbs[VCPUS];
static struct vcpu_svm vcpus[VCPUS];
static unsigned int flushes[VCPUS];	/* how often each asked for one */

static void forget(int cpu, int asid)
{
	for (int i = 0; i < MAX_ASIDS; i++)
		if (asid < 0 || asid == i)
			tlb[cpu][i].vcpu = -1;
}

/* SVM goes off and on on a CPU, as percpu.c does it; what the TLB held may still be there. */
static void cpu_cycle(int cpu)
{
	cpus[cpu].asid_generation++;
	cpus[cpu].asid_next = 1;
	cpus[cpu].asid_swept = false;
}

/* One VMRUN; what was wrong, or NULL. */
static const char *run(int v, int c, bool cancelled)
{
	struct vcpu_svm *svm = &vcpus[v];
	u32 before = svm->vmcb->control.asid, asid;
	struct tag *tag;

	svm->cpu = &cpus[c];
	dirty = false;
	svm_asid_prepare(svm);
	asid = svm->vmcb->control.asid;
	if (!asid || asid >= svm_features.nr_asids)
		return "an ASID that doesn't exist";
	if (asid != before && !dirty)
		return "another ASID with clean bits";
	if (cancelled)
		return NULL;
	switch (svm->vmcb->control.tlb_ctl) {
	case TLB_CONTROL_DO_NOTHING:
		break;
	case TLB_CONTROL_FLUSH_ALL_ASID:
		forget(c, -1);
		break;
	case TLB_CONTROL_FLUSH_ASID:
		if (!svm_features.flush_by_asid)
			return "a flush that this CPU doesn't have";
		forget(c, asid);
		break;
	default:
		return "an unknown flush";
	}
	tag = &tlb[c][asid];
	if (tag->vcpu >= 0 && tag->vcpu != v)
		return "translations of another vCPU";
	if (tag->vcpu == v && tag->flushes != flushes[v])
		return "translations from before a flush";
	tag->vcpu = v;
	tag->flushes = flushes[v];
	svm_asid_flushed(svm);
	return NULL;
}

static void world(unsigned int nr_asids, bool by_asid)
{
	const char *wrong = NULL;
	unsigned int i;

	svm_features.nr_asids = nr_asids;
	svm_features.flush_by_asid = by_asid;
	memset(vcpus, 0, sizeof(vcpus));
	memset(cpus, 0, sizeof(cpus));
	memset(flushes, 0, sizeof(flushes));
	for (i = 0; i < VCPUS; i++)
		vcpus[i].vmcb = &vmcbs[i];
	memset(vmcbs, 0, sizeof(vmcbs));
	for (i = 0; i < CPUS; i++) {
		cpu_cycle(i);
		/* Left by whoever used SVM before us. */
		for (unsigned int a = 0; a < MAX_ASIDS; a++)
			tlb[i][a] = (struct tag){ .vcpu = VCPUS, .flushes = 1 };
	}
	for (i = 0; i < STEPS && !wrong; i++) {
		int v = rand() % VCPUS, c = rand() % CPUS, what = rand() % 100;

		if (what < 70) {
			wrong = run(v, c, false);
		} else if (what < 80) {
			wrong = run(v, c, true);
		} else if (what < 99) {
			svm_tlb_flush(&vcpus[v].vcpu);
			flushes[v]++;
		} else {
			cpu_cycle(c);
		}
	}
	tap_ok(!wrong, "%u ASIDS, flush by ASID %d: expected only a vCPU's own fresh translations, saw %s at step %u",
	       nr_asids, by_asid, wrong ?: "that", i);
}

int main(void)
{
	srand(1);
	for (int by_asid = 0; by_asid < 2; by_asid++) {
		world(2, by_asid);
		world(3, by_asid);
		world(8, by_asid);
		world(MAX_ASIDS, by_asid);
	}
	return tap_done();
}
