// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs that are the vendor's to keep, as rows: where the VMCB holds them, which ones the guest may
 * touch without an exit. Values come here checked by the rows of the vendor-neutral table
 * (msr_table.c). The permission map follows from the rows and the guest's CPUID, from nothing else
 * (CVE-2023-5090).
 */

#include <asm/cpufeature.h>
#include <asm/msr.h>

#include "cpuid.h"
#include "cr.h"
#include "msr_filter.h"
#include "svm.h"

enum msr_flags {
	MSR_PASS = BIT(0), /* hardware switches it: no exit */
	MSR_ADDRESS = BIT(1), /* a linear address: canonical, before VMLOAD gives it to the CPU */
	MSR_NPT_FIELD = BIT(2), /* its VMCB field has the clean bit of nested paging */
	MSR_SYSENTER = BIT(3), /* 32 bits on AMD, 64 on Intel */
};

/**
 * struct svm_msr - one MSR
 * @index: number
 * @save: offset of its field in the VMCB's save area, 0: none
 * @flags: MSR_*
 * @feature: enum kvm_guest_feature that the guest must have for it, KVM_GF_NR: none
 * @get: reads it, where no field does
 * @set: writes it; -EINVAL: #GP
 */
struct svm_msr {
	u32 index;
	u16 save;
	u8 flags;
	u8 feature;
	u64 (*get)(struct vcpu_svm *svm);
	int (*set)(struct vcpu_svm *svm, u64 value, bool host);
};

/* --- those that are more than a field -------------------------------------------------------- */

static u64 get_spec_ctrl(struct vcpu_svm *svm)
{
	if (svm_features.v_spec_ctrl)
		return svm->vmcb->save.spec_ctrl;
	return svm->vcpu.msr.spec_ctrl;
}

static int set_spec_ctrl(struct vcpu_svm *svm, u64 value, bool host)
{
	svm->vcpu.msr.spec_ctrl = value;
	if (svm_features.v_spec_ctrl)
		svm->vmcb->save.spec_ctrl = value;
	/*
	 * A guest that uses it does so often: from now on without exits, but with a RDMSR after
	 * each.
	 */
	if (value && !svm->spec_ctrl_open) {
		svm->spec_ctrl_open = true;
		svm_msrpm_update(svm);
	}
	return 0;
}

static u64 get_virt_spec_ctrl(struct vcpu_svm *svm)
{
	return svm->virt_spec_ctrl;
}

static int set_virt_spec_ctrl(struct vcpu_svm *svm, u64 value, bool host)
{
	if (value & ~SPEC_CTRL_SSBD)
		return -EINVAL;
	svm->virt_spec_ctrl = value;
	return 0;
}

static u64 get_tsc_aux(struct vcpu_svm *svm)
{
	return svm->vcpu.msr.tsc_aux;
}

/* The CPU gets it in svm_prepare(). */
static int set_tsc_aux(struct vcpu_svm *svm, u64 value, bool host)
{
	svm->vcpu.msr.tsc_aux = value;
	return 0;
}

static u64 get_pat(struct vcpu_svm *svm)
{
	return svm->vmcb->save.g_pat;
}

static int set_pat(struct vcpu_svm *svm, u64 value, bool host)
{
	svm->vmcb->save.g_pat = value;
	svm_dirty(svm, SVM_CLEAN_NPT);
	return 0;
}

/* --- the rows -------------------------------------------------------------------------------- */

#define SAVE(field) .save = offsetof(struct vmcb_save_area, field)

static const struct svm_msr rows[] = {
	/* VMLOAD and VMSAVE switch these; LDTR, TR, FS and GS go the same way. */
	{ MSR_STAR, SAVE(star), MSR_PASS, KVM_GF_SYSCALL },
	{ MSR_LSTAR, SAVE(lstar), MSR_PASS | MSR_ADDRESS, KVM_GF_LM },
	{ MSR_CSTAR, SAVE(cstar), MSR_PASS | MSR_ADDRESS, KVM_GF_LM },
	{ MSR_SYSCALL_MASK, SAVE(sfmask), MSR_PASS, KVM_GF_LM },
	{ MSR_KERNEL_GS_BASE, SAVE(kernel_gs_base), MSR_PASS | MSR_ADDRESS, KVM_GF_LM },
	{ MSR_FS_BASE, SAVE(fs.base), MSR_PASS | MSR_ADDRESS, KVM_GF_LM },
	{ MSR_GS_BASE, SAVE(gs.base), MSR_PASS | MSR_ADDRESS, KVM_GF_LM },
	{ MSR_IA32_SYSENTER_CS, SAVE(sysenter_cs), MSR_PASS, KVM_GF_NR },
	{ MSR_IA32_SYSENTER_ESP, SAVE(sysenter_esp), MSR_PASS | MSR_ADDRESS | MSR_SYSENTER,
	  KVM_GF_NR },
	{ MSR_IA32_SYSENTER_EIP, SAVE(sysenter_eip), MSR_PASS | MSR_ADDRESS | MSR_SYSENTER,
	  KVM_GF_NR },
	/* VMRUN switches it */
	{ MSR_IA32_CR_PAT, 0, 0, KVM_GF_NR, get_pat, set_pat },
	/* speculation */
	{ MSR_IA32_SPEC_CTRL, 0, 0, KVM_GF_SPEC_CTRL, get_spec_ctrl, set_spec_ctrl },
	{ MSR_AMD64_VIRT_SPEC_CTRL, 0, 0, KVM_GF_VIRT_SSBD, get_virt_spec_ctrl,
	  set_virt_spec_ctrl },
	{ MSR_TSC_AUX, 0, 0, KVM_GF_NR, get_tsc_aux, set_tsc_aux },
};

static const struct svm_msr *find(u32 index)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].index == index)
			return &rows[i];
	return NULL;
}

static u64 *field(struct vcpu_svm *svm, const struct svm_msr *row)
{
	return (void *)&svm->vmcb->save + row->save;
}

static u32 *sysenter_hi(struct vcpu_svm *svm, const struct svm_msr *row)
{
	return row->index == MSR_IA32_SYSENTER_ESP ? &svm->sysenter_esp_hi : &svm->sysenter_eip_hi;
}

/**
 * svm_get_msr() - read an MSR that the vendor keeps
 * @vcpu: the vCPU, loaded
 * @index: its number
 * @value: out
 *
 * Return: 0, -ENOENT (not one of ours), -EINVAL (can't be read).
 */
int svm_get_msr(struct kvm_vcpu *vcpu, u32 index, u64 *value)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	const struct svm_msr *row = find(index);

	if (!row)
		return -ENOENT;
	if (row->save) {
		*value = *field(svm, row);
		if (row->flags & MSR_SYSENTER)
			*value = (u32)*value | (u64)*sysenter_hi(svm, row) << 32;
		return 0;
	}
	if (!row->get)
		return -EINVAL;
	*value = row->get(svm);
	return 0;
}

/**
 * svm_set_msr() - write an MSR that the vendor keeps
 * @vcpu: the vCPU, loaded
 * @index: its number
 * @value: new value
 * @host: by ioctl: the guest's CPUID is not asked
 *
 * Return: 0, -ENOENT (not one of ours, or not the guest's), -EINVAL (bad value: #GP).
 */
int svm_set_msr(struct kvm_vcpu *vcpu, u32 index, u64 value, bool host)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	const struct svm_msr *row = find(index);

	if (!row)
		return -ENOENT;
	if (!host && row->feature != KVM_GF_NR && !guest_has(vcpu, row->feature))
		return -ENOENT;
	if (!row->save)
		return row->set(svm, value, host);
	if ((row->flags & MSR_ADDRESS) && kvm_canonical_msr(value) != value)
		return -EINVAL;
	if (row->flags & MSR_SYSENTER) {
		*sysenter_hi(svm, row) = guest_has(vcpu, KVM_GF_AMD_LIKE) ? 0 : value >> 32;
		value = (u32)value;
	}
	*field(svm, row) = value;
	return 0;
}

/**
 * svm_msr_reset() - what RESET leaves in the vendor's MSRs
 * @svm: the vCPU
 */
void svm_msr_reset(struct vcpu_svm *svm)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].save)
			*field(svm, &rows[i]) = 0;
	svm->sysenter_esp_hi = 0;
	svm->sysenter_eip_hi = 0;
	svm->vcpu.msr.spec_ctrl = 0;
	svm->vmcb->save.spec_ctrl = 0;
	svm->virt_spec_ctrl = 0;
	svm->spec_ctrl_open = false;
}

/* --- the permission map ---------------------------------------------------------------------- */

/* Three ranges of 0x2000 MSRs, two bits each: read, write; set: exit (APM vol. 2, 15.11). */
static void allow(struct vcpu_svm *svm, u32 index, bool read, bool write)
{
	u32 offset, nr = index & 0x1fff;

	read = read && kvm_msr_allowed(&svm->vcpu, index, KVM_MSR_FILTER_READ);
	write = write && kvm_msr_allowed(&svm->vcpu, index, KVM_MSR_FILTER_WRITE);

	switch (index & ~0x1fff) {
	case 0:
		offset = 0;
		break;
	case 0xc0000000:
		offset = 0x800;
		break;
	case 0xc0010000:
		offset = 0x1000;
		break;
	default:
		return;
	}
	offset += nr / 4;
	svm->msrpm[offset] &= ~((read | write << 1) << nr % 4 * 2);
}

/**
 * svm_msrpm_update() - recompute which MSRs the guest reaches without an exit: the map's only
 * writer
 * @svm: the vCPU
 *
 * All are denied but those of the rows with MSR_PASS that the guest's CPUID has and userspace's
 * filter lets through.
 */
void svm_msrpm_update(struct vcpu_svm *svm)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;
	bool amd_like = guest_has(vcpu, KVM_GF_AMD_LIKE), spec_ctrl;
	unsigned int i;

	memset(svm->msrpm, 0xff, 2 * PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct svm_msr *row = &rows[i];

		if (!(row->flags & MSR_PASS))
			continue;
		if (row->feature != KVM_GF_NR && !guest_has(vcpu, row->feature))
			continue;
		if ((row->flags & MSR_SYSENTER) && !amd_like)
			continue;
		allow(svm, row->index, true, true);
	}
	spec_ctrl = guest_has(vcpu, KVM_GF_SPEC_CTRL) && boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL) &&
		    (svm->spec_ctrl_open || svm_features.v_spec_ctrl);
	if (spec_ctrl)
		allow(svm, MSR_IA32_SPEC_CTRL, true, true);
	svm->entry.flags = spec_ctrl && !svm_features.v_spec_ctrl ? ENTRY_SPEC_READ : 0;
	if (guest_has(vcpu, KVM_GF_PRED_CMD) && boot_cpu_has(X86_FEATURE_IBPB))
		allow(svm, MSR_IA32_PRED_CMD, false, true);
	svm_dirty(svm, SVM_CLEAN_MAPS);
}
