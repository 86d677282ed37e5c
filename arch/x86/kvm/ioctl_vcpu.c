// SPDX-License-Identifier: GPL-2.0-only
/* Ioctls of a vCPU's file. */

#include <linux/compat.h>
#include <linux/signal.h>
#include <linux/uaccess.h>

#include "caps.h"
#include "cpuid.h"
#include "cr.h"
#include "event.h"
#include "fpu.h"
#include "guest_time.h"
#include "ioctl.h"
#include "msr.h"
#include "regs_ioctl.h"
#include "run.h"

/* --- FPU ------------------------------------------------------------------------------------- */

static long ioctl_get_fpu(struct kvm_ioctl_call *call)
{
	return kvm_fpu_get(call->vcpu, call->arg);
}

static long ioctl_set_fpu(struct kvm_ioctl_call *call)
{
	return kvm_fpu_set(call->vcpu, call->arg);
}

static long ioctl_get_xsave(struct kvm_ioctl_call *call)
{
	kvm_xsave_get(call->vcpu, call->arg, sizeof(struct kvm_xsave));
	return 0;
}

static long ioctl_set_xsave(struct kvm_ioctl_call *call)
{
	return kvm_xsave_set(call->vcpu, call->arg);
}

static long ioctl_get_xcrs(struct kvm_ioctl_call *call)
{
	struct kvm_xcrs *x = call->arg;

	x->nr_xcrs = 1;
	x->xcrs[0].xcr = 0;
	x->xcrs[0].value = call->vcpu->regs.xcr0;
	return 0;
}

static long ioctl_set_xcrs(struct kvm_ioctl_call *call)
{
	const struct kvm_xcrs *x = call->arg;
	u32 i;

	if (x->nr_xcrs > KVM_MAX_XCRS || x->flags)
		return -EINVAL;
	for (i = 0; i < x->nr_xcrs; i++)
		if (x->xcrs[i].xcr == 0)
			return kvm_set_xcr(call->vcpu, 0, x->xcrs[i].value);
	return 0;
}

/* --- state of the machine -------------------------------------------------------------------- */

static long ioctl_get_mp_state(struct kvm_ioctl_call *call)
{
	struct kvm_mp_state *mp = call->arg;

	if (call->vcpu->lapic && lapic_has_events(call->vcpu))
		lapic_serve_events(call->vcpu);
	mp->mp_state = call->vcpu->mp_state;
	/* A kick that came while nobody ran it has no other place in saved state. */
	if (mp->mp_state == KVM_MP_STATE_HALTED && kvm_pv_unhalted(call->vcpu))
		mp->mp_state = KVM_MP_STATE_RUNNABLE;
	return 0;
}

static long ioctl_set_mp_state(struct kvm_ioctl_call *call)
{
	const struct kvm_mp_state *mp = call->arg;
	struct kvm_vcpu *vcpu = call->vcpu;

	switch (mp->mp_state) {
	case KVM_MP_STATE_RUNNABLE:
		break;
	case KVM_MP_STATE_HALTED:
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_INIT_RECEIVED:
	case KVM_MP_STATE_SIPI_RECEIVED:
		/* Only a LAPIC in the kernel can end these. */
		if (!vcpu->lapic)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	/* Older drivers saved a SIPI that was still to be taken. */
	if (mp->mp_state == KVM_MP_STATE_SIPI_RECEIVED)
		lapic_restore_sipi(vcpu);
	else
		vcpu->mp_state = mp->mp_state;
	kvm_make_request(KVM_REQ_EVENT, vcpu);
	return 0;
}

/* KVM_INTERRUPT: userspace's interrupt controller has a vector to deliver. */
static long ioctl_interrupt(struct kvm_ioctl_call *call)
{
	const struct kvm_interrupt *irq = call->arg;
	struct kvm_vcpu *vcpu = call->vcpu;

	if (irq->irq >= KVM_NR_INTERRUPTS)
		return -EINVAL;
	if (vcpu->lapic)
		return irqchip_user_interrupt(vcpu, irq->irq);
	if (vcpu->event.irq.injected)
		return -EEXIST;
	vcpu->event.irq.injected = true;
	vcpu->event.irq.soft = false;
	vcpu->event.irq.vector = irq->irq;
	kvm_make_request(KVM_REQ_EVENT, vcpu);
	return 0;
}

static long ioctl_set_guest_debug(struct kvm_ioctl_call *call)
{
	return kvm_set_guest_debug(call->vcpu, call->arg);
}

static long ioctl_nmi(struct kvm_ioctl_call *call)
{
	event_queue_nmi(call->vcpu);
	return 0;
}

static long ioctl_translate(struct kvm_ioctl_call *call)
{
	struct kvm_translation *t = call->arg;
	struct kvm_walk_fault fault;
	struct kvm_place place;

	/*
	 * As the supervisor would read it; what the ABI's other fields say nobody has ever filled
	 * in.
	 */
	t->valid = !mmu_translate(call->vcpu, t->linear_address, 0, &place, &fault);
	t->physical_address = t->valid ? place.gpa : GPA_INVALID;
	t->writeable = 1;
	t->usermode = 0;
	return 0;
}

static long ioctl_enable_cap(struct kvm_ioctl_call *call)
{
	return kvm_vcpu_enable_cap(call->vcpu, call->arg);
}

/* KVM_SET_SIGNAL_MASK: a length, then that many bytes of sigset; NULL: as the thread's own. */
static long ioctl_set_signal_mask(struct kvm_ioctl_call *call)
{
	struct kvm_signal_mask __user *user = call->uptr;
	struct kvm_vcpu *vcpu = call->vcpu;
	struct kvm_signal_mask head;
	sigset_t set;

	if (!user) {
		vcpu->sigset_active = false;
		return 0;
	}
	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.len != (call->compat ? sizeof(compat_sigset_t) : sizeof(set)))
		return -EINVAL;
	if (call->compat) {
		if (get_compat_sigset(&set, (compat_sigset_t __user *)user->sigset))
			return -EFAULT;
	} else if (copy_from_user(&set, user->sigset, sizeof(set))) {
		return -EFAULT;
	}
	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	vcpu->sigset = set;
	vcpu->sigset_active = true;
	return 0;
}

static const struct kvm_ioctl_row kvm_arch_vcpu_ioctls[] = {
	{ KVM_GET_REGS, ioctl_get_regs, IOC_VCPU_LOADED },
	{ KVM_SET_REGS, ioctl_set_regs, IOC_VCPU_LOADED },
	{ KVM_GET_SREGS, ioctl_get_sregs, IOC_VCPU_LOADED | IOC_SRCU },
	{ KVM_SET_SREGS, ioctl_set_sregs, IOC_VCPU_LOADED | IOC_SRCU },
	{ KVM_GET_SREGS2, ioctl_get_sregs2, IOC_VCPU_LOADED | IOC_SRCU },
	{ KVM_SET_SREGS2, ioctl_set_sregs2, IOC_VCPU_LOADED | IOC_SRCU },
	{ KVM_GET_FPU, ioctl_get_fpu },
	{ KVM_SET_FPU, ioctl_set_fpu },
	{ KVM_GET_XSAVE, ioctl_get_xsave },
	{ KVM_SET_XSAVE, ioctl_set_xsave },
	/* Without AMX nothing needs more room than the older one has. */
	{ KVM_GET_XSAVE2, ioctl_get_xsave },
	{ KVM_GET_XCRS, ioctl_get_xcrs },
	{ KVM_SET_XCRS, ioctl_set_xcrs, IOC_VCPU_LOADED },
	{ KVM_GET_DEBUGREGS, ioctl_get_debugregs, IOC_VCPU_LOADED },
	{ KVM_SET_DEBUGREGS, ioctl_set_debugregs, IOC_VCPU_LOADED },
	{ KVM_GET_VCPU_EVENTS, ioctl_get_events, IOC_VCPU_LOADED },
	{ KVM_SET_VCPU_EVENTS, ioctl_set_events, IOC_VCPU_LOADED },
	{ KVM_GET_MP_STATE, ioctl_get_mp_state, IOC_VCPU_LOADED | IOC_SRCU },
	{ KVM_SET_MP_STATE, ioctl_set_mp_state, IOC_VCPU_LOADED },
	{ KVM_INTERRUPT, ioctl_interrupt },
	{ KVM_NMI, ioctl_nmi, IOC_NO_VCPU_MUTEX },
	{ KVM_SET_GUEST_DEBUG, ioctl_set_guest_debug, IOC_VCPU_LOADED },
	{ KVM_ENABLE_CAP, ioctl_enable_cap },
	{ KVM_TRANSLATE, ioctl_translate, IOC_VCPU_LOADED | IOC_SRCU },
	{ KVM_SET_SIGNAL_MASK, ioctl_set_signal_mask, IOC_ARG_VALUE },
	{}
};

const struct kvm_ioctl_row *const kvm_arch_vcpu_tables[] = {
	kvm_arch_vcpu_ioctls, irqchip_vcpu_ioctls, vapic_vcpu_ioctls,	 kvm_cpuid_vcpu_ioctls,
	kvm_msr_vcpu_ioctls,  kvm_mce_vcpu_ioctls, kvm_time_vcpu_ioctls, NULL
};
