// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the emulator does outside of an instruction, for hardware that can't or doesn't: deliver an
 * event, switch tasks.
 */

#include <linux/module.h>

#include "core.h"
#include "cr.h"
#include "event.h"
#include "exit.h"
#include "glue.h"

/* RIP behind an instruction of @len bytes. */
static u64 behind(const struct emul_ctxt *c, u8 len)
{
	return c->mode == EMUL_MODE_PROT64 ? c->rip + len : (u32)(c->rip + len);
}

/* It has been delivered, or went through a task gate: it is not injected again. */
static void event_consumed(struct kvm_vcpu *vcpu)
{
	bool nmi = !vcpu->event.exception.injected && vcpu->event.nmi.injected;

	event_clear_injected(vcpu);
	if (nmi)
		vendor_call(set_nmi_mask, vcpu, true);
}

/*
 * What came of it goes to the vCPU. RIP is @rip again unless it has been done: then an injected
 * event is consumed, and what is queued after this comes behind it.
 */
static void finish(struct emul_state *s, enum emul_result r, u64 rip)
{
	struct kvm_vcpu *vcpu = s->vcpu;
	bool done = r == EMUL_OK || s->c.task_switch;

	if (!done)
		s->c.rip = rip;
	glue_store_context(s);
	/*
	 * Its delivery met an exception: an interrupt is lost then, and INT n executed again. Of
	 * two exceptions kvm_queue_exception() makes one.
	 */
	if (event_vectoring(vcpu) &&
	    (done || (r == EMUL_EXCEPTION && !vcpu->event.exception.injected)))
		event_consumed(vcpu);
	if (!done)
		return;
	glue_set_shadow(vcpu, 0);
	glue_side_effects(s, r);
}

/**
 * kvm_deliver() - deliver the event that is being injected, without hardware
 * @vcpu: the vCPU, loaded; the event is vcpu->event's injected one
 * @vector: exception, NMI or interrupt
 * @len: length of the instruction that a software event returns behind; 0: it is none
 * @has_error: it has an error code
 * @error: the error code
 *
 * A fault in the delivery is queued, and becomes a #DF or a triple fault where that is due.
 * Context: serving KVM_REQ_EVENT: may sleep and touch guest memory.
 * Return: 0: delivered, and no longer injected, or KVM_REQ_EVENT comes back to it; -EFAULT: it
 * can't be done: descriptors or a stack where there is no memory.
 */
int kvm_deliver(struct kvm_vcpu *vcpu, u8 vector, u8 len, bool has_error, u32 error)
{
	struct emul_state *s = vcpu->io.emul;
	enum emul_result r;
	u64 rip;

	glue_load_context(s);
	rip = s->c.rip;
	s->c.rip = behind(&s->c, len);
	r = emul_deliver(&s->c, vector, len, has_error, error);
	finish(s, r, rip);
	switch (r) {
	case EMUL_OK:
		return 0;
	case EMUL_EXCEPTION:
		glue_queue_exception(s);
		return 0;
	case EMUL_RESTART:
		kvm_make_request(KVM_REQ_EVENT, vcpu);
		return 0;
	default:
		vcpu->io.complete = NULL; /* a device that nobody will ask */
		return -EFAULT;
	}
}
EXPORT_SYMBOL_NS_GPL(kvm_deliver, GUESTMODE);

/* What no CPU would get through: a TSS or descriptor table where there is no memory. */
static enum kvm_exit_action task_switch_failed(struct emul_state *s)
{
	struct kvm_vcpu *vcpu = s->vcpu;
	struct kvm_run *run = vcpu->run;

	vcpu->io.complete = NULL;
	vcpu->stat.insn_emulation_fail++;
	if (s->error) {
		vcpu->run_errno = s->error;
		return KVM_FAIL;
	}
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->internal.ndata = 0;
	return KVM_TO_USER;
}

/* The error code of an event that goes through a task gate. */
static void take_event(struct kvm_vcpu *vcpu, struct emul_task_switch *t)
{
	const struct kvm_exception *e = &vcpu->event.exception;

	if (e->injected && !t->soft) {
		t->has_error = e->has_error;
		t->error_code = e->error;
	}
}

/**
 * exit_task_switch() - a hardware task switch was intercepted
 * @vcpu: the vCPU; an event that caused it has been requeued
 * @from: what hardware said
 *
 * Context: exit.h. Return: what the run loop does next.
 */
enum kvm_exit_action exit_task_switch(struct kvm_vcpu *vcpu, const struct kvm_task_switch *from)
{
	struct emul_task_switch t = {
		.selector = from->selector,
		.reason = (enum emul_task_reason)from->reason,
		.soft = from->soft,
	};
	struct emul_state *s = vcpu->io.emul;
	enum emul_result r = EMUL_OK;
	u64 rip;

	static_assert((int)EMUL_TASK_GATE == (int)KVM_TASK_GATE);
	glue_load_context(s);
	s->c.task_switch = false;
	rip = s->c.rip;
	if (from->insn) {
		u8 len = from->len;

		if (!len)
			r = glue_decode(s);
		s->c.rip = behind(&s->c, len ?: s->c.insn.len);
	}
	if (t.reason == EMUL_TASK_GATE)
		take_event(vcpu, &t);
	if (r == EMUL_OK)
		r = emul_task_switch(&s->c, &t);
	finish(s, r, rip);
	switch (r) {
	case EMUL_OK:
	case EMUL_RESTART: /* the guest does again what led here */
		return KVM_RESUME;
	case EMUL_EXCEPTION:
		glue_queue_exception(s);
		return KVM_RESUME;
	default:
		return task_switch_failed(s);
	}
}
EXPORT_SYMBOL_NS_GPL(exit_task_switch, GUESTMODE);
