// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CAP_VAPIC: a task priority register in the guest's memory, for guests that write the real one
 * all the time and whose code userspace has patched to write this one. Three bytes of a word: TPR,
 * which the guest may change without an exit, the class of the highest vector in service, and the
 * highest one requested, so that the guest knows when it must write the real one after all.
 * Userspace finds the code to be patched by KVM_TPR_ACCESS_REPORTING.
 */

#include "../access.h"
#include "internal.h"
#include "guest_mem.h"
#include "ioctl.h"

/* --- the word -------------------------------------------------------------------------------- */

/**
 * vapic_load() - after an exit: TPR is what the guest has made it meanwhile
 * @vcpu: the vCPU, with LAPIC_SHARES_TPR
 *
 * Context: its thread, kvm->srcu held, may sleep.
 */
void vapic_load(struct kvm_vcpu *vcpu)
{
	u32 word;

	if (!kvm_read_guest(vcpu->kvm, vcpu->lapic->vapic_gpa, &word, sizeof(word)))
		lapic_set_tpr(vcpu, word);
}

/**
 * vapic_store() - before an entry: what the guest is to find there
 * @vcpu: the vCPU, with LAPIC_SHARES_TPR
 *
 * Context: its thread, kvm->srcu held, may sleep.
 */
void vapic_store(struct kvm_vcpu *vcpu)
{
	struct lapic_regs *l = &vcpu->lapic->regs;
	int irr = lapic_highest_irr(vcpu), isr = lapic_regs_highest_isr(l);
	u32 word = lapic_get(l, LAPIC_TPR) & 0xff;

	word |= (max(isr, 0) & 0xf0) << 8 | max(irr, 0) << 24;
	kvm_write_guest(vcpu->kvm, vcpu->lapic->vapic_gpa, &word, sizeof(word));
}

/* KVM_SET_VAPIC_ADDR; 0: none */
static long ioctl_set_vapic_addr(struct kvm_ioctl_call *call)
{
	const struct kvm_vapic_addr *addr = call->arg;
	struct kvm_vcpu *vcpu = call->vcpu;
	u32 word;

	if (!vcpu->lapic)
		return -EINVAL;
	if (addr->vapic_addr && kvm_read_guest(vcpu->kvm, addr->vapic_addr, &word, sizeof(word)))
		return -EINVAL;
	vcpu->lapic->vapic_gpa = addr->vapic_addr;
	vcpu->lapic_shared &= ~LAPIC_SHARES_TPR;
	if (addr->vapic_addr)
		vcpu->lapic_shared |= LAPIC_SHARES_TPR;
	return 0;
}

/* --- who writes the real one ----------------------------------------------------------------- */

/**
 * vapic_tpr_accessed() - the guest touched TPR in the xAPIC's page
 * @vcpu: the vCPU, RIP still at the instruction; lapic->report_tpr
 * @write: did it write?
 *
 * The access itself is carried out; the exit comes behind the instruction.
 * Context: its thread.
 */
void vapic_tpr_accessed(struct kvm_vcpu *vcpu, bool write)
{
	vcpu->lapic->tpr_rip = kvm_rip_read(vcpu);
	vcpu->lapic->tpr_write = write;
	kvm_make_request(KVM_REQ_TPR_ACCESS, vcpu);
}

/* Serve KVM_REQ_TPR_ACCESS. */
enum kvm_exit_action vapic_tell_tpr(struct kvm_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_TPR_ACCESS;
	vcpu->run->tpr_access.rip = vcpu->lapic->tpr_rip;
	vcpu->run->tpr_access.is_write = vcpu->lapic->tpr_write;
	return KVM_TO_USER;
}

static long ioctl_tpr_access_reporting(struct kvm_ioctl_call *call)
{
	const struct kvm_tpr_access_ctl *control = call->arg;

	if (control->flags)
		return -EINVAL;
	if (call->vcpu->lapic)
		call->vcpu->lapic->report_tpr = control->enabled;
	return 0;
}

const struct kvm_ioctl_row vapic_vcpu_ioctls[] = {
	{ KVM_SET_VAPIC_ADDR, ioctl_set_vapic_addr, IOC_SRCU },
	{ KVM_TPR_ACCESS_REPORTING, ioctl_tpr_access_reporting },
	{}
};
