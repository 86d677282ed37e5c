/* SPDX-License-Identifier: GPL-2.0-only */
/* Exceptions, NMIs and interrupts on their way into the guest (event.c). */
#ifndef GUESTMODE_EVENT_H
#define GUESTMODE_EVENT_H

#include "vcpu.h"

/*
 * Queue an exception raised by the instruction in hand; merges into #DF or triple fault as SDM vol.
 * 3, 6.15 says.
 */
void kvm_queue_exception(struct kvm_vcpu *vcpu, u8 vector);
void kvm_queue_exception_e(struct kvm_vcpu *vcpu, u8 vector, u32 error);
void kvm_queue_pf(struct kvm_vcpu *vcpu, u32 error, gva_t gva);
void kvm_queue_db(struct kvm_vcpu *vcpu, u64 dr6_bits);
static inline void kvm_inject_gp(struct kvm_vcpu *vcpu)
{
	kvm_queue_exception_e(vcpu, 13, 0);
}

/*
 * Hardware said that an exit interrupted this delivery (EXITINTINFO, IDT-vectoring info): it goes
 * in first again.
 */
enum kvm_event_type {
	KVM_EVENT_NONE,
	KVM_EVENT_EXCEPTION,
	KVM_EVENT_NMI,
	KVM_EVENT_IRQ,
	KVM_EVENT_SOFT_IRQ
};
void event_requeue(struct kvm_vcpu *vcpu, enum kvm_event_type type, u8 vector, bool has_error,
		   u32 error);
void event_clear_injected(struct kvm_vcpu *vcpu); /* delivery completed */
void event_deliver_payload(struct kvm_vcpu *vcpu); /* CR2, DR6 of a pending exception */
bool event_vectoring(struct kvm_vcpu *vcpu); /* an injected event is under way */

/*
 * Before entry: give at most one event to hardware, ask for windows for the rest. Serves
 * KVM_REQ_EVENT.
 */
int event_inject(struct kvm_vcpu *vcpu);
void event_queue_nmi(struct kvm_vcpu *vcpu); /* any thread */
bool event_can_wake(struct kvm_vcpu *vcpu); /* something ends HLT */

#endif
