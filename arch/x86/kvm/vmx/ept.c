// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested paging (SDM vol. 3, 28.3): the root, faults on the guest's physical addresses, and the
 * translations that a CPU caches (28.4).
 *
 * Those made with nested tables belong to the root, for all vCPUs of the VM on that CPU; those of
 * linear addresses to the VPID as well. INVEPT of the root drops both kinds, so it is the one flush
 * that there is. A vCPU that comes to a CPU flushes there first: only then all that is found under
 * its VPID and root has seen every flush since.
 */

#include <linux/bitmap.h>
#include <linux/spinlock.h>

#include "dirty.h"
#include "event.h"
#include "exit.h"
#include "mmu/format.h"
#include "run.h"
#include "vmx.h"

/* --- VPIDs ----------------------------------------------------------------------------------- */

static DECLARE_BITMAP(vpids, VMX_NR_VPIDS);
static DEFINE_SPINLOCK(vpid_lock);

/**
 * vmx_vpid_alloc() - a tag for a vCPU's translations
 * Return: it, or 0: none left, or not used: then each entry and exit flushes.
 */
int vmx_vpid_alloc(void)
{
	unsigned long vpid;

	if (!vmx_features.vpid)
		return 0;
	spin_lock(&vpid_lock);
	/* 0 is the host's. */
	vpid = find_next_zero_bit(vpids, VMX_NR_VPIDS, 1);
	if (vpid < VMX_NR_VPIDS)
		__set_bit(vpid, vpids);
	else
		vpid = 0;
	spin_unlock(&vpid_lock);
	return vpid;
}

void vmx_vpid_free(u16 vpid)
{
	if (!vpid)
		return;
	spin_lock(&vpid_lock);
	__clear_bit(vpid, vpids);
	spin_unlock(&vpid_lock);
}

/* --- flushes --------------------------------------------------------------------------------- */

/**
 * vmx_flush() - the flush that is due, on this CPU
 * @vmx: the vCPU
 *
 * Context: irqs off, before an entry that will take place.
 */
void vmx_flush(struct vcpu_vmx *vmx)
{
	vmx->flush = false;
	if (vmx_features.invept_context)
		vmx_invept(VMX_EPT_EXTENT_CONTEXT, vmx->eptp);
	else
		vmx_invept(VMX_EPT_EXTENT_GLOBAL, 0);
	/* What was cached without a root of ours: paging off and no EPT is never the case. */
	if (vmx->vpid)
		vmx_invvpid(VMX_VPID_EXTENT_SINGLE_CONTEXT, vmx->vpid, 0);
}

/**
 * vmx_tlb_flush() - drop all translations of a vCPU before it runs again
 * @vcpu: the vCPU, loaded
 *
 * May sleep: a guest with PAE paging whose CR3 or mode was set by us has new PDPTEs, too.
 */
void vmx_tlb_flush(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	vmx->flush = true;
	vmx_load_pdptes(vmx);
}

/**
 * vmx_tlb_flush_gva() - drop the translation of one guest-virtual page
 * @vcpu: the vCPU, loaded
 * @gva: any address in it
 */
void vmx_tlb_flush_gva(struct kvm_vcpu *vcpu, gva_t gva)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	/* Without a VPID the next entry flushes anyway. */
	if (!vmx->vpid)
		return;
	preempt_disable();
	/* A VPID that has not been here yet is flushed as a whole. */
	if (!vmx_features.invvpid_address || (s64)(gva << 16) >> 16 != (s64)gva)
		vmx->flush = true;
	else if (!vmx->flush)
		vmx_invvpid(VMX_VPID_EXTENT_INDIVIDUAL_ADDR, vmx->vpid, gva);
	preempt_enable();
}

/* --- the root, and faults -------------------------------------------------------------------- */

/**
 * vmx_set_root() - the nested page table for the next entries
 * @vcpu: the vCPU, loaded
 * @root: host-physical address of its top table, of kvm_caps->npt_levels levels
 */
void vmx_set_root(struct kvm_vcpu *vcpu, hpa_t root)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u64 eptp = root | (kvm_caps->npt_levels - 1) << 3 | EPT_WB >> 3;

	if (vmx_features.ept_ad)
		eptp |= VMX_EPTP_AD_ENABLE_BIT;
	vmx->eptp = eptp;
	vmcs_write(EPT_POINTER, eptp);
	vmx->flush = true;
}

/* IRET had unblocked NMIs when it exited (27.2.3): it runs again, so they stay blocked. */
void vmx_nmis_stay_blocked(struct vcpu_vmx *vmx, u64 qual)
{
	if (unlikely(qual & INTR_INFO_UNBLOCK_NMI) && !(vmx->vectoring & INTR_INFO_VALID_MASK))
		vmx_set_intr_state(vmx, vmx_intr_state(vmx) | GUEST_INTR_STATE_NMI);
}

/**
 * vmx_exit_ept_violation() - the nested tables don't allow what the guest did (table 27-7)
 * @vcpu: the vCPU
 */
enum kvm_exit_action vmx_exit_ept_violation(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u64 qual = vmcs_read(EXIT_QUALIFICATION);
	gpa_t gpa = vmcs_read(GUEST_PHYSICAL_ADDRESS);
	u32 access = 0;

	vmx_nmis_stay_blocked(vmx, qual);
	/*
	 * The exit clears pending debug exceptions (27.3.4), but not in every emulator: a step that
	 * faulted would be done with before it was made.
	 */
	if (unlikely(vcpu->debug.guest_debug))
		vmx->state_check = true;

	if (qual & VMX_EPT_ACC_WRITE)
		access |= KVM_ACC_WRITE;
	if (qual & VMX_EPT_ACC_FETCH)
		access |= KVM_ACC_FETCH;
	if (qual & VMX_EPT_ENTRY_RWX)
		access |= KVM_ACC_PRESENT;
	return exit_nested_fault(vcpu, gpa, access);
}

/* An entry that the CPU finds malformed: none of ours is. */
enum kvm_exit_action vmx_exit_ept_misconfig(struct kvm_vcpu *vcpu)
{
	pr_err_ratelimited("kvm-intel: vCPU %d: malformed EPT entry for gpa 0x%llx\n",
			   vcpu->vcpu_id, vmcs_read(GUEST_PHYSICAL_ADDRESS));
	return exit_unexpected(vcpu, vcpu->exit.reason);
}

/* --- page-modification logging (28.3.6) ------------------------------------------------------- */

/* Filled from the last entry down; behind the first one the index is 0xffff, and the log full. */
#define PML_ENTRIES 512
#define PML_EMPTY (PML_ENTRIES - 1)

static_assert(PML_ENTRIES * sizeof(u64) == PAGE_SIZE);

/**
 * vmx_pml_init() - the log's place
 * @vmx: the vCPU, loaded, its VMCS new
 */
void vmx_pml_init(struct vcpu_vmx *vmx)
{
	vmcs_write(PML_ADDRESS, __pa(vmx->written));
	vmx_pml_discard(vmx);
}

/* Forget what is noted down. */
void vmx_pml_discard(struct vcpu_vmx *vmx)
{
	vmcs_write(GUEST_PML_INDEX, PML_EMPTY);
}

/**
 * vmx_pml_drain() - pass on what the CPU has noted down
 * @vmx: the vCPU
 *
 * A flush of all vCPUs waits for their exits, and so for this: a slot that goes is still there when
 * the last of its pages are told of.
 *
 * Context: behind an exit, irqs off, not inside kvm->srcu.
 */
void vmx_pml_drain(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;
	u16 index = vmcs_read(GUEST_PML_INDEX);
	unsigned int i;

	if (index == PML_EMPTY)
		return;
	kvm_srcu_lock(vcpu);
	for (i = index < PML_ENTRIES ? index + 1 : 0; i < PML_ENTRIES; i++)
		dirty_mark_gfn(vcpu->kvm, vmx->written[i] >> PAGE_SHIFT);
	kvm_srcu_unlock(vcpu);
	vmx_pml_discard(vmx);
}

/* No room for what was to be written: it is drained, and the write is made again. */
enum kvm_exit_action vmx_exit_pml_full(struct kvm_vcpu *vcpu)
{
	vmx_nmis_stay_blocked(to_vmx(vcpu), vmcs_read(EXIT_QUALIFICATION));
	return KVM_RESUME;
}
