// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests that could keep a CPU, or the memory bus, from all others: locked accesses that are split
 * over cache lines, other bus locks, microcode that lets no event in.
 */

#include <asm/cpu.h>
#include <asm/trapnr.h>

#include "cr.h"
#include "exit.h"
#include "vmx.h"

static bool checks_alignment(struct kvm_vcpu *vcpu)
{
	return kvm_cpl(vcpu) == 3 && kvm_cr0(vcpu) & X86_CR0_AM &&
	       kvm_rflags_read(vcpu) & X86_EFLAGS_AC;
}

/*
 * The guest's own alignment check, or the host's look-out for locked accesses that cross a cache
 * line, which goes on in guest mode: that is no event of the guest's. Userspace hears of one that
 * the host doesn't want to go on.
 */
enum kvm_exit_action vmx_exception_ac(struct kvm_vcpu *vcpu)
{
	u32 error = vmcs_read(VM_EXIT_INTR_ERROR_CODE);

	if (!boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT) || checks_alignment(vcpu))
		return exit_exception_ac(vcpu, error);
	if (handle_guest_split_lock(kvm_rip_read(vcpu)))
		return KVM_RESUME;
	vcpu->run->exit_reason = KVM_EXIT_EXCEPTION;
	vcpu->run->ex.exception = X86_TRAP_AC;
	vcpu->run->ex.error_code = error;
	return KVM_TO_USER;
}

/**
 * vmx_bus_locked() - what ended guest mode came with a bus lock (25.2, 24.9.1)
 * @vcpu: the vCPU
 * @action: what was to become of that exit by itself
 *
 * Userspace hears of it: by an exit of its own if the vCPU would go on.
 * Return: what is to become of it.
 */
enum kvm_exit_action vmx_bus_locked(struct kvm_vcpu *vcpu, enum kvm_exit_action action)
{
	vcpu->exit.bus_lock = true;
	if (action != KVM_RESUME)
		return action;
	vcpu->run->exit_reason = KVM_EXIT_X86_BUS_LOCK;
	return KVM_TO_USER;
}

/* A trap: behind the instruction. Not each CPU sets bit 26 of the reason with this one. */
enum kvm_exit_action vmx_exit_bus_lock(struct kvm_vcpu *vcpu)
{
	return vmx_bus_locked(vcpu, KVM_RESUME);
}

/* No event window for the time allowed (25.2). The state in the VMCS may be of no use (27.2.1). */
enum kvm_exit_action vmx_exit_notify(struct kvm_vcpu *vcpu)
{
	u64 qual = vmcs_read(EXIT_QUALIFICATION);
	bool invalid = qual & NOTIFY_VM_CONTEXT_INVALID;

	vmx_nmis_stay_blocked(to_vmx(vcpu), qual);
	if (!invalid && !(vcpu->kvm->caps.notify & KVM_X86_NOTIFY_VMEXIT_USER))
		return KVM_RESUME;
	vcpu->run->exit_reason = KVM_EXIT_NOTIFY;
	vcpu->run->notify.flags = invalid ? KVM_NOTIFY_CONTEXT_INVALID : 0;
	return KVM_TO_USER;
}
