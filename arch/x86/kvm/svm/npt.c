// SPDX-License-Identifier: GPL-2.0-only
/* Nested paging (AMD APM vol. 2, 15.25): the root, and faults on the guest's physical addresses. */

#include <linux/mem_encrypt.h>

#include "exit.h"
#include "svm.h"

/*
 * EXITINFO1 of a nested page fault (15.25.6). The low bits are those of a #PF error code, as
 * KVM_ACC_* are.
 */
#define NPF_RESERVED_BIT BIT_ULL(3)

/**
 * svm_set_root() - the nested page table for the next entries
 * @vcpu: the vCPU, loaded
 * @root: host-physical address of its top table, of kvm_caps->npt_levels levels
 */
void svm_set_root(struct kvm_vcpu *vcpu, hpa_t root)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm->vmcb->control.nested_cr3 = __sme_set(root);
	svm_dirty(svm, SVM_CLEAN_NPT);
	svm_tlb_flush(vcpu);
}

/**
 * svm_exit_npf() - #VMEXIT(NPF)
 * @vcpu: the vCPU
 *
 * Every nested walk is a user access: U=1 is the tables' business and of no interest here.
 */
enum kvm_exit_action svm_exit_npf(struct kvm_vcpu *vcpu)
{
	struct vmcb_control_area *control = &to_svm(vcpu)->vmcb->control;
	u64 error = control->exit_info_1;
	gpa_t gpa = control->exit_info_2;
	u8 len;

	/*
	 * No entry of ours has a reserved bit set; but an address that the table's levels don't
	 * reach may be reported so: there is no memory there.
	 */
	if (unlikely(error & NPF_RESERVED_BIT) &&
	    !(gpa >> (PAGE_SHIFT + 9 * kvm_caps->npt_levels)))
		return exit_unexpected(vcpu, SVM_EXIT_NPF);

	/* Decode assists: the instruction's bytes, maybe none (15.8.4). */
	if (svm_features.decode_assists) {
		len = min_t(u8, control->insn_len & 0xf, sizeof(vcpu->exit.insn));
		memcpy(vcpu->exit.insn, control->insn_bytes, sizeof(vcpu->exit.insn));
		vcpu->exit.insn_len = len;
	}
	return exit_nested_fault(vcpu, gpa,
				 error & (KVM_ACC_PRESENT | KVM_ACC_WRITE | KVM_ACC_FETCH));
}
