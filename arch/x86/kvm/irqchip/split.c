// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CAP_SPLIT_IRQCHIP: local APICs in the kernel, IOAPIC and 8259s in userspace. Three ways
 * between them: messages by routes and KVM_SIGNAL_MSI, as in any VM; the 8259s' vectors by
 * KVM_INTERRUPT, at LINT0; and the EOIs of level-triggered interrupts back, each an exit.
 */

#include "internal.h"

/**
 * split_enable() - KVM_CAP_SPLIT_IRQCHIP
 * @kvm: the VM; kvm->lock held
 * @pins: GSIs from 0 on that are pins of userspace's IOAPIC; 0: it has none
 *
 * Return: 0; -EINVAL: more pins than routes; -EEXIST: chips or vCPUs are there already.
 */
int split_enable(struct kvm *kvm, u64 pins)
{
	if (pins > KVM_MAX_IRQ_ROUTES)
		return -EINVAL;
	if (kvm->irqchip.mode != KVM_IRQCHIP_NONE || irqchip_too_late(kvm))
		return -EEXIST;
	kvm->irqchip.user_pins = pins;
	/* Pairs with irqchip_full(). */
	smp_store_release(&kvm->irqchip.mode, KVM_IRQCHIP_SPLIT);
	return 0;
}

/* --- EOIs ------------------------------------------------------------------------------------ */

/**
 * split_eoi() - a level-triggered interrupt is acknowledged: userspace's IOAPIC shall hear of it
 * @vcpu: the vCPU
 * @vector: the interrupt
 *
 * As on a bus of hardware's the IOAPIC is told the vector alone, whatever its table says by now:
 * the pin may have been masked, or moved, since it sent the interrupt.
 *
 * Context: the vCPU's thread.
 */
void split_eoi(struct kvm_vcpu *vcpu, u8 vector)
{
	if (!vcpu->kvm->irqchip.user_pins)
		return;
	__set_bit(vector, vcpu->lapic->user_eois);
	kvm_make_request(KVM_REQ_USER_EOI, vcpu);
}

/**
 * split_tell_eoi() - serve KVM_REQ_USER_EOI
 * @vcpu: the vCPU
 *
 * An exit each. What was restored or reset meanwhile leaves none over.
 *
 * Context: the vCPU's thread. Return: KVM_TO_USER, or KVM_RESUME: there is none.
 */
enum kvm_exit_action split_tell_eoi(struct kvm_vcpu *vcpu)
{
	unsigned long *eois = vcpu->lapic->user_eois;
	unsigned int vector = find_first_bit(eois, 256);

	if (vector == 256)
		return KVM_RESUME;
	__clear_bit(vector, eois);
	if (!bitmap_empty(eois, 256))
		kvm_make_request(KVM_REQ_USER_EOI, vcpu);
	vcpu->run->exit_reason = KVM_EXIT_IOAPIC_EOI;
	vcpu->run->eoi.vector = vector;
	return KVM_TO_USER;
}

/* --- the 8259's interrupts ------------------------------------------------------------------- */

/**
 * irqchip_user_interrupt() - KVM_INTERRUPT, with a LAPIC in the kernel
 * @vcpu: the vCPU
 * @vector: what userspace's 8259 said when its interrupt was acknowledged
 *
 * Context: the vCPU's mutex held. Return: 0; -ENXIO: the 8259s are in the kernel; -EEXIST: the one
 * before is still waiting.
 */
int irqchip_user_interrupt(struct kvm_vcpu *vcpu, u8 vector)
{
	if (vcpu->kvm->irqchip.mode != KVM_IRQCHIP_SPLIT)
		return -ENXIO;
	if (vcpu->lapic->user_extint >= 0)
		return -EEXIST;
	vcpu->lapic->user_extint = vector;
	kvm_make_request(KVM_REQ_EVENT, vcpu);
	return 0;
}

/**
 * irqchip_takes_user() - would an interrupt of userspace's 8259 reach the processor?
 * @vcpu: the vCPU
 *
 * Context: the vCPU's thread. Return: yes or no; whether the processor would take it then, RFLAGS
 * says.
 */
bool irqchip_takes_user(struct kvm_vcpu *vcpu)
{
	if (!vcpu->lapic)
		return true;
	return vcpu->kvm->irqchip.mode == KVM_IRQCHIP_SPLIT && vcpu->lapic->user_extint < 0 &&
	       lapic_takes_extint(vcpu);
}
