// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs that are the vendor's to keep, as rows: where each is, which ones the guest may touch
 * without an exit. Values come here checked by the rows of the vendor-neutral table (msr_table.c).
 * The bitmap follows from the rows and the guest's CPUID, from nothing else (CVE-2023-5090).
 */

#include <asm/apicdef.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>

#include "cpuid.h"
#include "cr.h"
#include "irqchip/irqchip.h"
#include "msr_filter.h"
#include "user_return.h"
#include "vmx.h"

enum msr_flags {
	MSR_PASS = BIT(0), /* the CPU switches it, or we do at load and put: no exit */
	MSR_ADDRESS = BIT(1), /* a linear address: canonical, or an entry would fail */
	MSR_USER = BIT(2), /* switched by user return: see vmx_load_user_msrs() */
};

/**
 * struct vmx_msr - one MSR
 * @index: number
 * @flags: MSR_*
 * @feature: enum kvm_guest_feature that the guest must have for it, KVM_GF_NR: none
 * @field: its place in the VMCS, 0: none
 * @offset: its place in struct vcpu_vmx, 0: none
 * @get: reads it, where it has no place
 * @set: writes it; -EINVAL: #GP
 */
struct vmx_msr {
	u32 index;
	u8 flags;
	u8 feature;
	u16 field;
	u16 offset;
	u64 (*get)(struct vcpu_vmx *vmx);
	int (*set)(struct vcpu_vmx *vmx, u64 value);
};

/* --- those that are more than a field -------------------------------------------------------- */

static u64 get_spec_ctrl(struct vcpu_vmx *vmx)
{
	return vmx->vcpu.msr.spec_ctrl;
}

static int set_spec_ctrl(struct vcpu_vmx *vmx, u64 value)
{
	vmx->vcpu.msr.spec_ctrl = value;
	/*
	 * A guest that uses it does so often: from now on without exits, but with a RDMSR after
	 * each.
	 */
	if (value && !vmx->spec_ctrl_open) {
		vmx->spec_ctrl_open = true;
		vmx_msr_bitmap_update(vmx);
	}
	return 0;
}

/* SWAPGS changes it: while the thread's own is saved the CPU has the guest's. */
static u64 get_kernel_gs_base(struct vcpu_vmx *vmx)
{
	u64 value;

	preempt_disable();
	if (vmx->host.saved)
		rdmsrl(MSR_KERNEL_GS_BASE, vmx->kernel_gs_base);
	value = vmx->kernel_gs_base;
	preempt_enable();
	return value;
}

static int set_kernel_gs_base(struct vcpu_vmx *vmx, u64 value)
{
	preempt_disable();
	if (vmx->host.saved)
		wrmsrl(MSR_KERNEL_GS_BASE, value);
	vmx->kernel_gs_base = value;
	preempt_enable();
	return 0;
}

static u64 get_tsc_aux(struct vcpu_vmx *vmx)
{
	return vmx->vcpu.msr.tsc_aux;
}

static int set_tsc_aux(struct vcpu_vmx *vmx, u64 value)
{
	vmx->vcpu.msr.tsc_aux = value;
	vmx->user_msrs_loaded = false;
	return 0;
}

/* --- the rows -------------------------------------------------------------------------------- */

#define PLACE(member) .offset = offsetof(struct vcpu_vmx, member)

static const struct vmx_msr rows[] = {
	/* VM entries and exits switch these. */
	{ MSR_FS_BASE, MSR_PASS | MSR_ADDRESS, KVM_GF_LM, GUEST_FS_BASE },
	{ MSR_GS_BASE, MSR_PASS | MSR_ADDRESS, KVM_GF_LM, GUEST_GS_BASE },
	{ MSR_IA32_SYSENTER_CS, MSR_PASS, KVM_GF_NR, GUEST_SYSENTER_CS },
	{ MSR_IA32_SYSENTER_ESP, MSR_PASS | MSR_ADDRESS, KVM_GF_NR, GUEST_SYSENTER_ESP },
	{ MSR_IA32_SYSENTER_EIP, MSR_PASS | MSR_ADDRESS, KVM_GF_NR, GUEST_SYSENTER_EIP },
	{ MSR_IA32_CR_PAT, 0, KVM_GF_NR, GUEST_IA32_PAT },
	/* The CPU has them from load to put, or until the thread returns to user mode. */
	{ MSR_KERNEL_GS_BASE, MSR_PASS | MSR_ADDRESS, KVM_GF_LM, .get = get_kernel_gs_base,
	  .set = set_kernel_gs_base },
	{ MSR_STAR, MSR_USER, KVM_GF_SYSCALL, PLACE(star) },
	{ MSR_LSTAR, MSR_USER | MSR_ADDRESS, KVM_GF_LM, PLACE(lstar) },
	{ MSR_SYSCALL_MASK, MSR_USER, KVM_GF_LM, PLACE(sfmask) },
	{ MSR_TSC_AUX, 0, KVM_GF_NR, .get = get_tsc_aux, .set = set_tsc_aux },
	/* Of SYSCALL in 32-bit code, which Intel's CPUs don't have: for the emulator's. */
	{ MSR_CSTAR, MSR_ADDRESS, KVM_GF_LM, PLACE(cstar) },
	/* speculation */
	{ MSR_IA32_SPEC_CTRL, 0, KVM_GF_SPEC_CTRL, .get = get_spec_ctrl, .set = set_spec_ctrl },
};

static const struct vmx_msr *find(u32 index)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].index == index)
			return &rows[i];
	return NULL;
}

static u64 *place(struct vcpu_vmx *vmx, const struct vmx_msr *row)
{
	return (void *)vmx + row->offset;
}

/**
 * vmx_get_msr() - read an MSR that the vendor keeps
 * @vcpu: the vCPU, loaded
 * @index: its number
 * @value: out
 *
 * Return: 0, -ENOENT (not one of ours).
 */
int vmx_get_msr(struct kvm_vcpu *vcpu, u32 index, u64 *value)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	const struct vmx_msr *row = find(index);

	if (!row)
		return -ENOENT;
	if (row->field)
		*value = vmcs_read(row->field);
	else
		*value = row->offset ? *place(vmx, row) : row->get(vmx);
	return 0;
}

/**
 * vmx_set_msr() - write an MSR that the vendor keeps
 * @vcpu: the vCPU, loaded
 * @index: its number
 * @value: new value
 * @host: by ioctl: the guest's CPUID is not asked
 *
 * Return: 0, -ENOENT (not one of ours, or not the guest's), -EINVAL (bad value: #GP).
 */
int vmx_set_msr(struct kvm_vcpu *vcpu, u32 index, u64 value, bool host)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	const struct vmx_msr *row = find(index);

	if (!row)
		return -ENOENT;
	if (!host && row->feature != KVM_GF_NR && !guest_has(vcpu, row->feature))
		return -ENOENT;
	if ((row->flags & MSR_ADDRESS) && kvm_canonical_msr(value) != value)
		return -EINVAL;
	if (row->flags & MSR_USER)
		vmx->user_msrs_loaded = false;
	if (row->set)
		return row->set(vmx, value);
	if (row->field)
		vmcs_write(row->field, value);
	else
		*place(vmx, row) = value;
	return 0;
}

/**
 * vmx_msr_reset() - what RESET leaves in the vendor's MSRs
 * @vmx: the vCPU, loaded
 */
void vmx_msr_reset(struct vcpu_vmx *vmx)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].field)
			vmcs_write(rows[i].field, 0);
		else if (rows[i].offset)
			*place(vmx, &rows[i]) = 0;
	set_kernel_gs_base(vmx, 0);
	vmx->vcpu.msr.spec_ctrl = 0;
	vmx->spec_ctrl_open = false;
	vmx->user_msrs_loaded = false;
}

/* --- what only user mode looks at ------------------------------------------------------------ */

static void load_user(enum vmx_user_msr msr, u64 value)
{
	int slot = vmx_features.slots[msr];

	if (slot >= 0)
		kvm_user_return_set(slot, value);
}

/**
 * vmx_load_user_msrs() - the guest's SYSCALL MSRs and TSC_AUX into the CPU
 * @vmx: the vCPU
 *
 * Once per load, and when one was written. SYSCALL exists in 64-bit mode alone on Intel's CPUs,
 * and there if EFER.SCE is set (SDM vol. 2): nobody else looks at its MSRs, since RDMSR exits.
 * Context: irqs off, before an entry.
 */
void vmx_load_user_msrs(struct vcpu_vmx *vmx)
{
	if (kvm_is_long_mode(&vmx->vcpu) && vmx->vcpu.regs.efer & EFER_SCE) {
		load_user(VMX_USER_STAR, vmx->star);
		load_user(VMX_USER_LSTAR, vmx->lstar);
		load_user(VMX_USER_SFMASK, vmx->sfmask);
	}
	if (vmx->tsc_aux_used)
		load_user(VMX_USER_TSC_AUX, vmx->vcpu.msr.tsc_aux);
	vmx->user_msrs_loaded = true;
}

/* --- the bitmap ------------------------------------------------------------------------------ */

/* Reads of 0 ... 0x1fff, of 0xc0000000 ..., writes of both: 1 KiB each (24.6.9); set: exit. */
static void allow(struct vcpu_vmx *vmx, u32 index, bool read, bool write)
{
	u32 nr = index & 0x1fff, base = index & 0x80000000 ? 0x400 : 0;

	if (read && kvm_msr_allowed(&vmx->vcpu, index, KVM_MSR_FILTER_READ))
		vmx->msr_bitmap[base + nr / 8] &= ~BIT(nr % 8);
	if (write && kvm_msr_allowed(&vmx->vcpu, index, KVM_MSR_FILTER_WRITE))
		vmx->msr_bitmap[0x800 + base + nr / 8] &= ~BIT(nr % 8);
}

/*
 * An x2APIC that is hardware's: its registers are read from the page, but for those whose value
 * isn't there (ICR, the timer's count); written without an exit are TPR, EOI and SELF_IPI, as far
 * as there is nobody who must hear of it (29.5).
 */
static void allow_x2apic(struct vcpu_vmx *vmx)
{
	static const struct {
		u16 first, last; /* offsets in the page */
		bool write;
	} registers[] = {
		{ APIC_ID, APIC_LVR },
		{ APIC_TASKPRI, APIC_TASKPRI, true },
		{ APIC_PROCPRI, APIC_PROCPRI },
		{ APIC_LDR, APIC_LDR },
		{ APIC_SPIV, APIC_ESR },
		{ APIC_LVTT, APIC_TMICT },
		{ APIC_TDCR, APIC_TDCR },
	};
	unsigned int i, offset;

	for (i = 0; i < ARRAY_SIZE(registers); i++)
		for (offset = registers[i].first; offset <= registers[i].last; offset += 0x10)
			allow(vmx, APIC_BASE_MSR + (offset >> 4), true, registers[i].write);
	allow(vmx, APIC_BASE_MSR + (APIC_EOI >> 4), false, true);
	allow(vmx, APIC_BASE_MSR + (APIC_SELF_IPI >> 4), false, true);
}

/* How long the core slept, for a guest whose idling is not intercepted. */
static void allow_residency(struct vcpu_vmx *vmx)
{
	static const u32 index[] = { MSR_CORE_C1_RES, MSR_CORE_C3_RESIDENCY,
				     MSR_CORE_C6_RESIDENCY, MSR_CORE_C7_RESIDENCY };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(index); i++)
		allow(vmx, index[i], true, false);
}

/**
 * vmx_msr_bitmap_update() - recompute which MSRs the guest reaches without an exit: the bitmap's
 * only writer
 * @vmx: the vCPU
 *
 * All are denied but those of the rows with MSR_PASS that the guest's CPUID has and userspace's
 * filter lets through, and an x2APIC's if it is hardware's.
 */
void vmx_msr_bitmap_update(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;
	unsigned int i;

	memset(vmx->msr_bitmap, 0xff, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct vmx_msr *row = &rows[i];

		if (!(row->flags & MSR_PASS))
			continue;
		if (row->feature == KVM_GF_NR || guest_has(vcpu, row->feature))
			allow(vmx, row->index, true, true);
	}
	if (lapic_hw(vcpu) == LAPIC_HW_X2APIC)
		allow_x2apic(vmx);
	if (vcpu->kvm->caps.disabled_exits & KVM_X86_DISABLE_EXITS_CSTATE)
		allow_residency(vmx);
	/* Offset and scale are applied to RDMSR, too (25.3). */
	allow(vmx, MSR_IA32_TSC, true, false);

	vmx->entry.flags &= ~ENTRY_SPEC_READ;
	if (vmx->spec_ctrl_open && guest_has(vcpu, KVM_GF_SPEC_CTRL) &&
	    boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL)) {
		allow(vmx, MSR_IA32_SPEC_CTRL, true, true);
		vmx->entry.flags |= ENTRY_SPEC_READ;
	}
	if (guest_has(vcpu, KVM_GF_PRED_CMD) && boot_cpu_has(X86_FEATURE_IBPB))
		allow(vmx, MSR_IA32_PRED_CMD, false, true);
	if (guest_has(vcpu, KVM_GF_FLUSH_L1D) && boot_cpu_has(X86_FEATURE_FLUSH_L1D))
		allow(vmx, MSR_IA32_FLUSH_CMD, false, true);
}
