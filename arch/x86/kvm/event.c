// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions, NMIs and interrupts on their way into the guest: one at a time, in the architecture's
 * order.
 */

#include <linux/module.h>
#include <asm/debugreg.h>
#include <asm/trapnr.h>

#include "access.h"
#include "cr.h"
#include "event.h"
#include "guest_time.h"
#include "trace.h"

/* --- queueing -------------------------------------------------------------------------------- */

enum exc_class { EXC_BENIGN, EXC_CONTRIBUTORY, EXC_PF };

/* SDM vol. 3, table 6-4; APM vol. 2, table 8-5. */
static enum exc_class exc_class(u8 vector)
{
	switch (vector) {
	case X86_TRAP_PF:
		return EXC_PF;
	case X86_TRAP_DE:
	case X86_TRAP_TS:
	case X86_TRAP_NP:
	case X86_TRAP_SS:
	case X86_TRAP_GP:
		return EXC_CONTRIBUTORY;
	default:
		return EXC_BENIGN;
	}
}

static void set_pending(struct kvm_exception *e, u8 vector, bool has_error, u32 error)
{
	*e = (struct kvm_exception){
		.pending = true,
		.vector = vector,
		.has_error = has_error,
		.error = error,
	};
}

/* What a #DB may say; userspace's word for it is not taken further. */
#define DR6_EVENTS (DR_TRAP_BITS | KVM_DR6_BD | DR_STEP | DR_SWITCH)

/**
 * event_deliver_payload() - side effects of an exception that belong to delivery, not to detection
 * @vcpu: the vCPU
 *
 * CR2 of a #PF, DR6 of a #DB. Does nothing where that is done already.
 * Context: the vCPU's thread.
 */
void event_deliver_payload(struct kvm_vcpu *vcpu)
{
	struct kvm_exception *e = &vcpu->event.exception;

	if (!e->has_payload)
		return;
	if (e->vector == X86_TRAP_PF) {
		vcpu->regs.cr2 = e->payload;
	} else if (e->vector == X86_TRAP_DB) {
		/* Each #DB clears B0-B3 and sets what happened (SDM vol. 3, 17.2.3). */
		vcpu->debug.dr6 &= ~(u64)DR_TRAP_BITS;
		vcpu->debug.dr6 |= e->payload & DR6_EVENTS;
	}
	e->has_payload = false;
}

/* SDM vol. 3, table 6-5: what a second exception during the delivery of a first one becomes. */
static void queue(struct kvm_vcpu *vcpu, u8 vector, bool has_error, u32 error, bool has_payload,
		  u64 payload)
{
	struct kvm_exception *e = &vcpu->event.exception;

	kvm_make_request(KVM_REQ_EVENT, vcpu);
	if (e->pending || e->injected) {
		enum exc_class first = exc_class(e->vector), second = exc_class(vector);

		if (e->vector == X86_TRAP_DF) {
			memset(e, 0, sizeof(*e));
			kvm_make_request(KVM_REQ_TRIPLE_FAULT, vcpu);
			return;
		}
		if ((first == EXC_CONTRIBUTORY && second == EXC_CONTRIBUTORY) ||
		    (first == EXC_PF && second != EXC_BENIGN)) {
			set_pending(e, X86_TRAP_DF, true, 0);
			return;
		}
		/* Handled one after the other: the instruction raises the first again. */
	}
	set_pending(e, vector, has_error, error);
	e->has_payload = has_payload;
	e->payload = payload;
	/* There is no nested hypervisor that could intercept it before it has had its effects. */
	event_deliver_payload(vcpu);
}

/**
 * kvm_queue_exception() - raise an exception without error code
 * @vcpu: the vCPU
 * @vector: 0 to 31
 *
 * Context: the vCPU's thread. RIP must point to the faulting instruction (faults) or behind it
 * (traps).
 */
void kvm_queue_exception(struct kvm_vcpu *vcpu, u8 vector)
{
	queue(vcpu, vector, false, 0, false, 0);
}
EXPORT_SYMBOL_NS_GPL(kvm_queue_exception, GUESTMODE);

void kvm_queue_exception_e(struct kvm_vcpu *vcpu, u8 vector, u32 error)
{
	/* In real mode no exception has an error code (SDM vol. 3, 20.1.4). */
	queue(vcpu, vector, kvm_is_pe(vcpu), error, false, 0);
}
EXPORT_SYMBOL_NS_GPL(kvm_queue_exception_e, GUESTMODE);

void kvm_queue_pf(struct kvm_vcpu *vcpu, u32 error, gva_t gva)
{
	queue(vcpu, X86_TRAP_PF, true, error, true, gva);
}
EXPORT_SYMBOL_NS_GPL(kvm_queue_pf, GUESTMODE);

void kvm_queue_db(struct kvm_vcpu *vcpu, u64 dr6_bits)
{
	queue(vcpu, X86_TRAP_DB, false, 0, true, dr6_bits);
}
EXPORT_SYMBOL_NS_GPL(kvm_queue_db, GUESTMODE);

/**
 * event_requeue() - an exit interrupted the delivery of an event: it must be delivered first
 * @vcpu: the vCPU
 * @type: what it was
 * @vector: its vector (not for NMIs)
 * @has_error: it has an error code
 * @error: the error code
 *
 * Context: the vCPU's thread, before the exit's handler.
 */
void event_requeue(struct kvm_vcpu *vcpu, enum kvm_event_type type, u8 vector, bool has_error,
		   u32 error)
{
	struct kvm_vcpu_event *ev = &vcpu->event;

	switch (type) {
	case KVM_EVENT_NONE:
		return;
	case KVM_EVENT_EXCEPTION:
		ev->exception = (struct kvm_exception){
			.injected = true,
			.vector = vector,
			.has_error = has_error,
			.error = error,
		};
		break;
	case KVM_EVENT_NMI:
		ev->nmi.injected = true;
		break;
	case KVM_EVENT_IRQ:
	case KVM_EVENT_SOFT_IRQ:
		ev->irq.injected = true;
		ev->irq.soft = type == KVM_EVENT_SOFT_IRQ;
		ev->irq.vector = vector;
		break;
	}
	kvm_make_request(KVM_REQ_EVENT, vcpu);
}
EXPORT_SYMBOL_NS_GPL(event_requeue, GUESTMODE);

/**
 * event_clear_injected() - the event that the last entry carried has been delivered
 * @vcpu: the vCPU
 *
 * One at a time went in, in event_inject()'s order: what waits behind it is still to be delivered.
 */
void event_clear_injected(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_event *ev = &vcpu->event;

	if (ev->exception.injected)
		ev->exception.injected = false;
	else if (ev->nmi.injected)
		ev->nmi.injected = false;
	else
		ev->irq.injected = false;
	if (event_vectoring(vcpu))
		kvm_make_request(KVM_REQ_EVENT, vcpu);
}
EXPORT_SYMBOL_NS_GPL(event_clear_injected, GUESTMODE);

bool event_vectoring(struct kvm_vcpu *vcpu)
{
	return vcpu->event.exception.injected || vcpu->event.nmi.injected ||
	       vcpu->event.irq.injected;
}
EXPORT_SYMBOL_NS_GPL(event_vectoring, GUESTMODE);

/**
 * event_queue_nmi() - an NMI arrives
 * @vcpu: where
 *
 * Context: any.
 */
void event_queue_nmi(struct kvm_vcpu *vcpu)
{
	atomic_inc(&vcpu->event.nmi.queued);
	kvm_make_request(KVM_REQ_EVENT, vcpu);
	kvm_vcpu_kick(vcpu);
}
EXPORT_SYMBOL_NS_GPL(event_queue_nmi, GUESTMODE);

/* --- injection ------------------------------------------------------------------------------- */

/* One NMI is delivered and one more latched; all others are lost (SDM vol. 3, 6.7.1). */
static void collect_nmis(struct kvm_vcpu *vcpu)
{
	u8 limit = vendor_call(get_nmi_mask, vcpu) || vcpu->event.nmi.injected ? 1 : 2;
	unsigned int arrived;

	if (!atomic_read(&vcpu->event.nmi.queued) && !vcpu->event.nmi.pending)
		return;
	arrived = atomic_xchg(&vcpu->event.nmi.queued, 0);
	vcpu->event.nmi.pending = min_t(unsigned int, vcpu->event.nmi.pending + arrived, limit);
}

static bool is_fault(u8 vector)
{
	switch (vector) {
	case X86_TRAP_DB:
	case X86_TRAP_BP:
	case X86_TRAP_OF:
	case X86_TRAP_DF:
	case X86_TRAP_MC:
		return false;
	default:
		return true;
	}
}

static void inject_pending_exception(struct kvm_vcpu *vcpu)
{
	struct kvm_exception *e = &vcpu->event.exception;

	/*
	 * So that an instruction breakpoint doesn't hit again when the handler returns. A #DB that
	 * is a fault has it already, or, of an instruction breakpoint, leaves it to its handler
	 * (SDM vol. 3, 17.3.1.1).
	 */
	if (is_fault(e->vector))
		kvm_rflags_write(vcpu, kvm_rflags_read(vcpu) | X86_EFLAGS_RF);
	event_deliver_payload(vcpu);
	if (e->vector == X86_TRAP_DB && (vcpu->debug.dr7 & KVM_DR7_GD)) {
		vcpu->debug.dr7 &= ~(u64)KVM_DR7_GD;
		vendor_call(set_dr7, vcpu);
	}
	e->pending = false;
	e->injected = true;
	trace_kvm_inj_exception(e->vector, e->has_error, e->error, false);
	vendor_call(inject_exception, vcpu);
}

/* An event whose delivery had begun before the last exit. Return: there was one. */
static bool inject_again(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_event *ev = &vcpu->event;

	if (ev->exception.injected) {
		trace_kvm_inj_exception(ev->exception.vector, ev->exception.has_error,
					ev->exception.error, true);
		vendor_call(inject_exception, vcpu);
		return true;
	}
	/* A new exception that its delivery met goes before it. */
	if (ev->exception.pending)
		return false;
	if (ev->nmi.injected) {
		vendor_call(inject_nmi, vcpu);
		return true;
	}
	if (ev->irq.injected) {
		trace_kvm_inj_virq(ev->irq.vector, ev->irq.soft, true);
		vendor_call(inject_irq, vcpu, true);
		return true;
	}
	return false;
}

/* Return: an event went in. */
static bool inject_nmi(struct kvm_vcpu *vcpu, bool busy)
{
	if (!vcpu->event.nmi.pending)
		return false;
	if (!busy && vendor_call(nmi_allowed, vcpu)) {
		vcpu->event.nmi.pending--;
		vcpu->event.nmi.injected = true;
		vcpu->stat.nmi_injections++;
		vendor_call(inject_nmi, vcpu);
		busy = true;
	}
	if (vcpu->event.nmi.pending)
		vendor_call(nmi_window, vcpu);
	return busy;
}

/* Return: one waits for a window. */
static bool inject_chip_irq(struct kvm_vcpu *vcpu, bool busy)
{
	if (irqchip_to_inject(vcpu) < 0)
		return false;
	if (!busy && vendor_call(irq_allowed, vcpu)) {
		int vector = irqchip_ack(vcpu);

		if (vector >= 0) {
			vcpu->event.irq.injected = true;
			vcpu->event.irq.soft = false;
			vcpu->event.irq.vector = vector;
			vcpu->stat.irq_injections++;
			trace_kvm_inj_virq(vector, false, false);
			vendor_call(inject_irq, vcpu, false);
		}
		return irqchip_to_inject(vcpu) >= 0;
	}
	return true;
}

static void inject_irq(struct kvm_vcpu *vcpu, bool busy)
{
	bool waits = vcpu->lapic && inject_chip_irq(vcpu, busy);

	/* Userspace's controller, too; where none of its could go in, no window is opened. */
	if (waits ||
	    (unlikely(READ_ONCE(vcpu->run->request_interrupt_window)) && irqchip_takes_user(vcpu)))
		vendor_call(irq_window, vcpu);
}

/**
 * event_inject() - give at most one event to hardware and ask for windows for what remains
 * @vcpu: the vCPU, loaded
 *
 * Order: what had begun, new exceptions, NMIs, interrupts (SDM vol. 3, 6.9).
 * Context: serving KVM_REQ_EVENT; preemption on, kvm->srcu held.
 * Return: 0.
 */
int event_inject(struct kvm_vcpu *vcpu)
{
	bool blocked = vcpu->debug.guest_debug & KVM_GUESTDBG_BLOCKIRQ, busy;

	collect_nmis(vcpu);
	busy = inject_again(vcpu);
	if (vcpu->event.exception.pending && !busy) {
		inject_pending_exception(vcpu);
		busy = true;
	}
	if (likely(!blocked)) {
		busy = inject_nmi(vcpu, busy) || busy;
		inject_irq(vcpu, busy);
	}
	if (vcpu->lapic)
		vendor_call(update_lapic, vcpu, lapic_get_cr8(vcpu) << 4,
			    likely(!blocked) ? lapic_highest_irr(vcpu) : -1);
	return 0;
}

/**
 * event_can_wake() - is there an event that ends HLT?
 * @vcpu: the vCPU
 *
 * Context: the vCPU's thread.
 */
bool event_can_wake(struct kvm_vcpu *vcpu)
{
	if (vcpu->event.exception.pending || event_vectoring(vcpu) || kvm_pv_unhalted(vcpu))
		return true;
	if ((vcpu->event.nmi.pending || atomic_read(&vcpu->event.nmi.queued)) &&
	    vendor_call(nmi_allowed, vcpu))
		return true;
	return vcpu->lapic && irqchip_pending(vcpu) >= 0 && vendor_call(irq_allowed, vcpu);
}
