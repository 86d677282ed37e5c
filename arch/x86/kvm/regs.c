// SPDX-License-Identifier: GPL-2.0-only
/* KVM_GET_REGS ... KVM_SET_SREGS2: the register file as the ABI lays it out. */

#include <linux/string.h>

#include "cpuid.h"
#include "cr.h"
#include "event.h"
#include "msr.h"
#include "regs_ioctl.h"

/* Offsets of struct kvm_regs' members in the order of instruction encoding. */
static const u8 abi_offset[16] = {
	[KVM_REG_RAX] = offsetof(struct kvm_regs, rax),
	[KVM_REG_RCX] = offsetof(struct kvm_regs, rcx),
	[KVM_REG_RDX] = offsetof(struct kvm_regs, rdx),
	[KVM_REG_RBX] = offsetof(struct kvm_regs, rbx),
	[KVM_REG_RSP] = offsetof(struct kvm_regs, rsp),
	[KVM_REG_RBP] = offsetof(struct kvm_regs, rbp),
	[KVM_REG_RSI] = offsetof(struct kvm_regs, rsi),
	[KVM_REG_RDI] = offsetof(struct kvm_regs, rdi),
	[KVM_REG_R8] = offsetof(struct kvm_regs, r8),
	[KVM_REG_R9] = offsetof(struct kvm_regs, r9),
	[KVM_REG_R10] = offsetof(struct kvm_regs, r10),
	[KVM_REG_R11] = offsetof(struct kvm_regs, r11),
	[KVM_REG_R12] = offsetof(struct kvm_regs, r12),
	[KVM_REG_R13] = offsetof(struct kvm_regs, r13),
	[KVM_REG_R14] = offsetof(struct kvm_regs, r14),
	[KVM_REG_R15] = offsetof(struct kvm_regs, r15),
};

long ioctl_get_regs(struct kvm_ioctl_call *call)
{
	struct kvm_vcpu *vcpu = call->vcpu;
	struct kvm_regs *regs = call->arg;
	int i;

	for (i = 0; i < 16; i++)
		*(u64 *)((u8 *)regs + abi_offset[i]) = kvm_reg_read(vcpu, i);
	regs->rip = kvm_rip_read(vcpu);
	regs->rflags = kvm_debug_get_rflags(vcpu);
	return 0;
}

long ioctl_set_regs(struct kvm_ioctl_call *call)
{
	struct kvm_vcpu *vcpu = call->vcpu;
	const struct kvm_regs *regs = call->arg;
	int i;

	for (i = 0; i < 16; i++)
		kvm_reg_write(vcpu, i, *(const u64 *)((const u8 *)regs + abi_offset[i]));
	kvm_rip_write(vcpu, regs->rip);
	kvm_debug_set_rflags(vcpu, regs->rflags | X86_EFLAGS_FIXED);
	vcpu->io.regs_set = true;
	/* A new start: what the old one had raised is gone. */
	vcpu->event.exception.pending = false;
	kvm_make_request(KVM_REQ_EVENT, vcpu);
	return 0;
}

static void get_dtable(struct kvm_vcpu *vcpu, enum kvm_seg nr, struct kvm_dtable *dt)
{
	struct kvm_segment seg;

	vendor_call(get_segment, vcpu, nr, &seg);
	dt->base = seg.base;
	dt->limit = seg.limit;
	memset(dt->padding, 0, sizeof(dt->padding));
}

static void set_dtable(struct kvm_vcpu *vcpu, enum kvm_seg nr, const struct kvm_dtable *dt)
{
	struct kvm_segment seg = { .base = dt->base, .limit = dt->limit };

	vendor_call(set_segment, vcpu, nr, &seg);
}

/* Where each segment stands in struct kvm_sregs (and, alike, in struct kvm_sregs2). */
static struct kvm_segment *sregs_seg(struct kvm_sregs *s, enum kvm_seg nr)
{
	struct kvm_segment *at[] = {
		[KVM_SEG_ES] = &s->es,	  [KVM_SEG_CS] = &s->cs, [KVM_SEG_SS] = &s->ss,
		[KVM_SEG_DS] = &s->ds,	  [KVM_SEG_FS] = &s->fs, [KVM_SEG_GS] = &s->gs,
		[KVM_SEG_LDTR] = &s->ldt, [KVM_SEG_TR] = &s->tr,
	};

	return at[nr];
}

/*
 * Without KVM_CAP_EXCEPTION_PAYLOAD a pending exception is told as injected, and nothing tells what
 * it does to CR2 or DR6: that is done before any of the three is looked at, should userspace have
 * left it to be done when it still had the capability.
 */
static void settle_payload(struct kvm_vcpu *vcpu)
{
	if (!vcpu->kvm->caps.exception_payload)
		event_deliver_payload(vcpu);
}

/* All of it but the last field, which the two structures don't share. */
static void get_sregs(struct kvm_vcpu *vcpu, struct kvm_sregs *s)
{
	enum kvm_seg nr;

	settle_payload(vcpu);
	for (nr = KVM_SEG_ES; nr <= KVM_SEG_TR; nr++)
		vendor_call(get_segment, vcpu, nr, sregs_seg(s, nr));
	get_dtable(vcpu, KVM_SEG_GDTR, &s->gdt);
	get_dtable(vcpu, KVM_SEG_IDTR, &s->idt);
	s->cr0 = kvm_cr0(vcpu);
	s->cr2 = vcpu->regs.cr2;
	s->cr3 = kvm_cr3(vcpu);
	s->cr4 = kvm_cr4(vcpu);
	s->cr8 = kvm_get_cr8(vcpu);
	s->efer = vcpu->regs.efer;
	kvm_msr_read(vcpu, MSR_IA32_APICBASE, &s->apic_base, true);
}

long ioctl_get_sregs(struct kvm_ioctl_call *call)
{
	struct kvm_vcpu *vcpu = call->vcpu;
	struct kvm_sregs *s = call->arg;

	get_sregs(vcpu, s);
	/* An external interrupt whose delivery has begun must be saved with the rest. */
	if (vcpu->event.irq.injected && !vcpu->event.irq.soft)
		__set_bit(vcpu->event.irq.vector, (unsigned long *)s->interrupt_bitmap);
	return 0;
}

static int set_sregs(struct kvm_vcpu *vcpu, struct kvm_sregs *s)
{
	enum kvm_seg nr;

	if (!kvm_valid_sregs(vcpu, s))
		return -EINVAL;
	if (kvm_msr_write(vcpu, MSR_IA32_APICBASE, s->apic_base, true))
		return -EINVAL;

	set_dtable(vcpu, KVM_SEG_IDTR, &s->idt);
	set_dtable(vcpu, KVM_SEG_GDTR, &s->gdt);
	vcpu->regs.cr2 = s->cr2;
	kvm_set_cr8(vcpu, s->cr8);

	/*
	 * Checked as a whole above: the steps between need not be states that a guest could pass.
	 */
	vcpu->regs.efer = s->efer;
	kvm_reg_write(vcpu, KVM_REG_CR3, s->cr3);
	kvm_reg_write(vcpu, KVM_REG_CR0, s->cr0 | X86_CR0_ET);
	kvm_reg_write(vcpu, KVM_REG_CR4, s->cr4);
	vendor_call(set_efer, vcpu);
	vendor_call(set_cr0, vcpu);
	vendor_call(set_cr4, vcpu);
	for (nr = KVM_SEG_ES; nr <= KVM_SEG_TR; nr++)
		vendor_call(set_segment, vcpu, nr, sregs_seg(s, nr));
	kvm_cpuid_refresh(vcpu);
	vcpu->io.regs_set = true;
	/* Older VMMs start a protected-mode boot processor this way. */
	if (kvm_vcpu_is_bsp(vcpu) && vcpu->mp_state == KVM_MP_STATE_UNINITIALIZED &&
	    !kvm_is_pe(vcpu))
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	kvm_make_request(KVM_REQ_MMU_ROOT, vcpu);
	kvm_make_request(KVM_REQ_TLB_FLUSH, vcpu);
	kvm_make_request(KVM_REQ_EVENT, vcpu);
	/* The PDPTEs that follow from it are those in memory. */
	vcpu->regs.dirty &= ~KVM_REGS_OF_PAE;
	vcpu->regs.avail &= ~KVM_REGS_OF_PAE;
	return 0;
}

long ioctl_set_sregs(struct kvm_ioctl_call *call)
{
	struct kvm_vcpu *vcpu = call->vcpu;
	struct kvm_sregs *s = call->arg;
	int vector, r;

	r = set_sregs(vcpu, s);
	if (r)
		return r;
	vector = find_first_bit((unsigned long *)s->interrupt_bitmap, KVM_NR_INTERRUPTS);
	if (vector < KVM_NR_INTERRUPTS) {
		vcpu->event.irq.injected = true;
		vcpu->event.irq.soft = false;
		vcpu->event.irq.vector = vector;
	}
	return 0;
}

long ioctl_get_sregs2(struct kvm_ioctl_call *call)
{
	struct kvm_vcpu *vcpu = call->vcpu;
	struct kvm_sregs2 *s = call->arg;
	int i;

	static_assert(offsetof(struct kvm_sregs2, flags) ==
		      offsetof(struct kvm_sregs, interrupt_bitmap));
	get_sregs(vcpu, (struct kvm_sregs *)s);
	if (!kvm_pae_paging(s->cr0, s->cr4, s->efer))
		return 0;
	for (i = 0; i < 4; i++)
		s->pdptrs[i] = kvm_read_pdpte(vcpu, i);
	s->flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
	return 0;
}

long ioctl_set_sregs2(struct kvm_ioctl_call *call)
{
	struct kvm_vcpu *vcpu = call->vcpu;
	struct kvm_sregs2 *s = call->arg;
	bool valid = s->flags & KVM_SREGS2_FLAGS_PDPTRS_VALID;
	int i, r;

	if (s->flags & ~(u64)KVM_SREGS2_FLAGS_PDPTRS_VALID)
		return -EINVAL;
	if (valid && !kvm_pae_paging(s->cr0, s->cr4, s->efer))
		return -EINVAL;
	r = set_sregs(vcpu, (struct kvm_sregs *)s);
	if (r)
		return r;
	for (i = 0; valid && i < 4; i++)
		kvm_reg_write(vcpu, KVM_REG_PDPTE0 + i, s->pdptrs[i]);
	return 0;
}

/* --- debug registers, events ----------------------------------------------------------------- */

long ioctl_get_debugregs(struct kvm_ioctl_call *call)
{
	struct kvm_debugregs *d = call->arg;
	struct kvm_vcpu *vcpu = call->vcpu;

	settle_payload(vcpu);
	memcpy(d->db, vcpu->debug.db, sizeof(d->db));
	d->dr6 = vcpu->debug.dr6;
	d->dr7 = vcpu->debug.dr7;
	return 0;
}

long ioctl_set_debugregs(struct kvm_ioctl_call *call)
{
	const struct kvm_debugregs *d = call->arg;
	struct kvm_vcpu *vcpu = call->vcpu;

	if (d->flags || (d->dr6 >> 32) || (d->dr7 >> 32))
		return -EINVAL;
	memcpy(vcpu->debug.db, d->db, sizeof(d->db));
	vcpu->debug.dr6 = d->dr6;
	vcpu->debug.dr7 = d->dr7;
	kvm_update_dr7(vcpu);
	return 0;
}

static void get_exception(struct kvm_vcpu *vcpu, struct kvm_vcpu_events *e)
{
	const struct kvm_exception *x = &vcpu->event.exception;

	e->exception.pending = x->pending;
	if (vcpu->kvm->caps.exception_payload) {
		e->flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
		e->exception.injected = x->injected;
		e->exception_has_payload = x->pending && x->has_payload;
		e->exception_payload = e->exception_has_payload ? x->payload : 0;
	} else {
		e->exception.injected = x->pending || x->injected;
	}
	if (!x->pending && !x->injected)
		return;
	e->exception.nr = x->vector;
	e->exception.has_error_code = x->has_error;
	e->exception.error_code = x->error;
}

long ioctl_get_events(struct kvm_ioctl_call *call)
{
	struct kvm_vcpu_events *e = call->arg;
	struct kvm_vcpu *vcpu = call->vcpu;
	struct kvm_vcpu_event *ev = &vcpu->event;

	settle_payload(vcpu);
	e->flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
	get_exception(vcpu, e);
	e->interrupt.injected = ev->irq.injected && !ev->irq.soft;
	e->interrupt.nr = ev->irq.vector;
	e->interrupt.shadow = vendor_call(get_shadow, vcpu);

	e->nmi.injected = ev->nmi.injected;
	/* Two at most: the one to be delivered and the one latched behind it. */
	e->nmi.pending = min(ev->nmi.pending + atomic_read(&ev->nmi.queued), 2);
	e->nmi.masked = vendor_call(get_nmi_mask, vcpu);
	if (vcpu->kvm->caps.triple_fault_event) {
		e->triple_fault.pending = kvm_test_request(KVM_REQ_TRIPLE_FAULT, vcpu);
		e->flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	}
	return 0;
}

/*
 * Is this an exception that a guest can get, and what is it? Without VALID_PAYLOAD the fields that
 * belong to it mean nothing. Return: 0, -EINVAL.
 */
static int parse_exception(const struct kvm_vcpu_events *e, struct kvm_exception *x)
{
	bool payload = e->flags & KVM_VCPUEVENT_VALID_PAYLOAD;

	*x = (struct kvm_exception){
		.pending = payload && e->exception.pending,
		.vector = e->exception.nr,
		.has_error = e->exception.has_error_code,
		.error = e->exception.error_code,
	};
	x->injected = e->exception.injected && !x->pending;
	x->has_payload = x->pending && e->exception_has_payload;
	x->payload = x->has_payload ? e->exception_payload : 0;
	/* Vector 2 is no exception (APM vol. 2, 15.20): hardware would refuse to enter. */
	if ((x->pending || x->injected) && (x->vector > 31 || x->vector == 2))
		return -EINVAL;
	return 0;
}

/* Which flags of struct kvm_vcpu_events may be set: what was not enabled is not known. */
static u32 valid_event_flags(const struct kvm *kvm)
{
	u32 valid = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW |
		    KVM_VCPUEVENT_VALID_SIPI_VECTOR | KVM_VCPUEVENT_VALID_SMM;

	if (kvm->caps.exception_payload)
		valid |= KVM_VCPUEVENT_VALID_PAYLOAD;
	if (kvm->caps.triple_fault_event)
		valid |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	return valid;
}

/* System management mode isn't there: of a vCPU elsewhere, that it wasn't in it, is all right. */
static bool has_smm(const struct kvm_vcpu_events *e)
{
	return e->flags & KVM_VCPUEVENT_VALID_SMM &&
	       (e->smi.smm || e->smi.pending || e->smi.smm_inside_nmi);
}

long ioctl_set_events(struct kvm_ioctl_call *call)
{
	const struct kvm_vcpu_events *e = call->arg;
	struct kvm_vcpu *vcpu = call->vcpu;
	struct kvm_vcpu_event *ev = &vcpu->event;
	struct kvm_exception exception;

	if (e->flags & ~valid_event_flags(vcpu->kvm) || has_smm(e))
		return -EINVAL;
	if (parse_exception(e, &exception))
		return -EINVAL;

	ev->exception = exception;
	ev->irq.injected = e->interrupt.injected;
	ev->irq.vector = e->interrupt.nr;
	ev->irq.soft = e->interrupt.soft;
	if (e->flags & KVM_VCPUEVENT_VALID_SHADOW)
		vendor_call(set_shadow, vcpu, e->interrupt.shadow);
	ev->nmi.injected = e->nmi.injected;
	if (e->flags & KVM_VCPUEVENT_VALID_NMI_PENDING) {
		ev->nmi.pending = 0;
		atomic_set(&ev->nmi.queued, e->nmi.pending);
	}
	vendor_call(set_nmi_mask, vcpu, e->nmi.masked);
	if (e->flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR)
		lapic_set_sipi_vector(vcpu, e->sipi_vector);
	if (e->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT) {
		if (e->triple_fault.pending)
			kvm_make_request(KVM_REQ_TRIPLE_FAULT, vcpu);
		else
			kvm_clear_request(KVM_REQ_TRIPLE_FAULT, vcpu);
	}
	kvm_make_request(KVM_REQ_EVENT, vcpu);
	return 0;
}
