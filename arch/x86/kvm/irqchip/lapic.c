// SPDX-License-Identifier: GPL-2.0-only
/*
 * Local APICs in the driver: life, timer, MSRs and MMIO, what a vCPU's thread has to do for its
 * own. The logic is in lapic_regs.c and timer.c.
 */

#include <linux/module.h>
#include <linux/slab.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>
#include <asm/msr.h>
#include <uapi/asm/kvm_para.h>

#include "../access.h"
#include "../cpuid.h"
#include "../event.h"
#include "../guest_time.h"
#include "../mmu/mmu.h"
#include "../trace.h"
#include "internal.h"

unsigned int min_timer_period_us = 200;
module_param(min_timer_period_us, uint, 0644);
MODULE_PARM_DESC(min_timer_period_us, "shortest period of a guest's periodic APIC timer, us");

#define X2APIC_FIRST 0x800
#define X2APIC_LAST 0x83f
#define X2APIC_EOI (X2APIC_FIRST + LAPIC_EOI / 16)
#define X2APIC_ICR (X2APIC_FIRST + LAPIC_ICR / 16)

static struct kvm_lapic *to_lapic(struct lapic_regs *l)
{
	return container_of(l, struct kvm_lapic, regs);
}

/* Hardware may have moved vectors since the last look. */
static __always_inline void sync_hw(struct kvm_lapic *lapic)
{
	if (unlikely(lapic->regs.hw))
		lapic_regs_sync(&lapic->regs);
}

/* --- what the model asks for ----------------------------------------------------------------- */

void lapic_host_send(struct lapic_regs *l, const struct irq_msg *msg)
{
	struct kvm_vcpu *vcpu = to_lapic(l)->vcpu;

	/* The ICR in words: vector, mode 10:8, logical 11, assert 14, level 15, shorthand 19:18. */
	trace_kvm_apic_ipi(msg->vector | msg->mode << 8 | msg->logical << 11 | msg->assert << 14 |
				   msg->level << 15 | msg->shorthand << 18,
			   msg->dest);
	irqchip_deliver(vcpu->kvm, msg, vcpu);
}

void lapic_host_eoi(struct lapic_regs *l, u8 vector, bool level)
{
	struct kvm_vcpu *vcpu = to_lapic(l)->vcpu;
	struct kvm_ioapic *ioapic = vcpu->kvm->irqchip.ioapic;

	trace_kvm_eoi(vcpu->vcpu_id, vector);
	if (likely(ioapic)) {
		if (level || test_bit(vector, ioapic->ack_vectors))
			ioapic_eoi(vcpu, vector);
	} else if (level) {
		split_eoi(vcpu, vector);
	}
}

void lapic_host_event(struct lapic_regs *l)
{
	kvm_make_request(KVM_REQ_EVENT, to_lapic(l)->vcpu);
}

void lapic_host_nmi(struct lapic_regs *l)
{
	event_queue_nmi(to_lapic(l)->vcpu);
}

u64 lapic_host_now(struct lapic_regs *l)
{
	return ktime_to_ns(ktime_get());
}

static void stop_deadline(struct kvm_lapic *lapic)
{
	lapic->deadline_armed = false;
	vendor_call(set_deadline, lapic->vcpu, 0);
}

/*
 * A TSC deadline is hardware's business while the guest runs, where hardware can: no timer of the
 * host's then. While the vCPU sleeps it is a timer of the host's after all: lapic_timer_to_host().
 */
void lapic_host_timer_start(struct lapic_regs *l, u64 ns)
{
	struct kvm_lapic *lapic = to_lapic(l);

	if (kvm_caps->deadline) {
		if (l->timer.deadline &&
		    vendor_call(set_deadline, lapic->vcpu, l->timer.deadline)) {
			hrtimer_try_to_cancel(&lapic->timer);
			lapic->deadline_armed = true;
			return;
		}
		if (lapic->deadline_armed)
			stop_deadline(lapic);
	}
	hrtimer_start(&lapic->timer, ns_to_ktime(ns), HRTIMER_MODE_ABS_PINNED);
}

void lapic_host_timer_cancel(struct lapic_regs *l)
{
	if (to_lapic(l)->deadline_armed)
		stop_deadline(to_lapic(l));
	/* One that is just firing finds the target moved: lapic_timer_expired(). */
	hrtimer_try_to_cancel(&to_lapic(l)->timer);
}

u64 lapic_host_tsc(struct lapic_regs *l)
{
	return kvm_tsc_read(to_lapic(l)->vcpu, rdtsc());
}

u64 lapic_host_tsc_to_ns(struct lapic_regs *l, u64 ticks)
{
	return kvm_tsc_to_host_ns(to_lapic(l)->vcpu, ticks);
}

/* --- whether hardware is the LAPIC ----------------------------------------------------------- */

/* Once a VM: before its first LAPIC is an xAPIC that hardware keeps. kvm->lock held. */
static int create_access_page(struct kvm_vm_irqchip *irqchip)
{
	if (!kvm_caps->xapic_hw || irqchip->access_page)
		return 0;
	irqchip->access_page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	return irqchip->access_page ? 0 : -ENOMEM;
}

/*
 * A LAPIC is about to be something else, or elsewhere. One nested page table serves all vCPUs, so
 * the page goes for all of them: an xAPIC's accesses are emulated then. May sleep.
 */
static void access_page_off(struct kvm *kvm)
{
	gfn_t gfn = APIC_DEFAULT_BASE >> PAGE_SHIFT;

	if (!kvm->irqchip.access_page || READ_ONCE(kvm->irqchip.access_off))
		return;
	/* Nobody maps it behind the zap: see map_access_page(). */
	WRITE_ONCE(kvm->irqchip.access_off, true);
	mmu_zap_gfn_range(kvm, gfn, gfn + 1);
}

/* Where the vendor's hardware can be this LAPIC in its mode, it is: its controls follow. */
static void choose_hw(struct kvm_lapic *lapic)
{
	struct lapic_regs *l = &lapic->regs;
	bool hw = false;

	if (l->hw_enabled && l->x2apic)
		hw = kvm_caps->x2apic_hw;
	else if (l->hw_enabled)
		hw = irqchip_access_page(&lapic->vcpu->kvm->irqchip,
					 APIC_DEFAULT_BASE >> PAGE_SHIFT);
	if (!l->hw && !hw)
		return;
	lapic_regs_set_hw(l, hw);
	kvm_make_request(KVM_REQ_INTERCEPTS, lapic->vcpu);
}

/* --- life ------------------------------------------------------------------------------------ */

static enum hrtimer_restart timer_fired(struct hrtimer *timer)
{
	struct kvm_lapic *lapic = container_of(timer, struct kvm_lapic, timer);

	set_bit(LAPIC_EV_TIMER, &lapic->events);
	kvm_make_request(KVM_REQ_EVENT, lapic->vcpu);
	kvm_vcpu_kick(lapic->vcpu);
	return HRTIMER_NORESTART;
}

/**
 * lapic_create() - give a vCPU its local APIC and make it reachable
 * @vcpu: the vCPU; may be kicked from now on
 *
 * Context: kvm->lock held, may sleep. Return: 0 or -ENOMEM.
 */
int lapic_create(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *lapic = kzalloc(sizeof(*lapic), GFP_KERNEL_ACCOUNT);
	int r = -ENOMEM;

	if (!lapic)
		return -ENOMEM;
	BUILD_BUG_ON(LAPIC_PAGE_SIZE != PAGE_SIZE);
	if (create_access_page(&vcpu->kvm->irqchip))
		goto err;
	lapic->regs.page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!lapic->regs.page)
		goto err;
	lapic->vcpu = vcpu;
	lapic->regs.id = vcpu->vcpu_id;
	lapic->regs.timer.min_period_ns = (u64)min_timer_period_us * NSEC_PER_USEC;
	hrtimer_init(&lapic->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_PINNED);
	lapic->timer.function = timer_fired;
	vcpu->lapic = lapic;
	lapic_cpuid_changed(vcpu);
	lapic_reset(vcpu, false);
	r = apic_map_add(vcpu);
	if (!r)
		return 0;
	vcpu->lapic = NULL;
	lapic->regs.hw_enabled = false;
	lapic_count_xapic(lapic);
	free_page((unsigned long)lapic->regs.page);
err:
	kfree(lapic);
	return r;
}

/**
 * lapic_free() - take a vCPU's local APIC away
 * @vcpu: the vCPU, never to run again
 *
 * Context: may sleep.
 */
void lapic_free(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *lapic = vcpu->lapic;

	/* Nobody finds it, then nothing fires, then it goes (CVE-2019-7221). */
	apic_map_remove(vcpu);
	hrtimer_cancel(&lapic->timer);
	lapic->regs.hw_enabled = false;
	lapic_count_xapic(lapic);
	vcpu->lapic = NULL;
	free_page((unsigned long)lapic->regs.page);
	kfree(lapic);
}

/* While none is in xAPIC mode, x2APIC logical destinations can be computed instead of searched. */
void lapic_count_xapic(struct kvm_lapic *lapic)
{
	struct kvm_vm_irqchip *irqchip = &lapic->vcpu->kvm->irqchip;
	bool want = lapic->regs.hw_enabled && !lapic->regs.x2apic;

	if (want == lapic->xapic_counted)
		return;
	lapic->xapic_counted = want;
	if (want)
		atomic_inc(&irqchip->nr_xapic);
	else
		atomic_dec(&irqchip->nr_xapic);
}

/* An APIC that begins to be an xAPIC is counted before, one that ends to be it after the change. */
static void set_mode(struct kvm_lapic *lapic, bool hw_enabled, bool x2apic)
{
	if (hw_enabled && !x2apic && !lapic->xapic_counted) {
		lapic->xapic_counted = true;
		atomic_inc(&lapic->vcpu->kvm->irqchip.nr_xapic);
	}
	lapic_regs_set_mode(&lapic->regs, hw_enabled, x2apic);
	lapic_count_xapic(lapic);
	choose_hw(lapic);
}

/**
 * lapic_reset() - RESET or INIT
 * @vcpu: the vCPU
 * @init_event: INIT: APICBASE survives (SDM vol. 3, 11.4.7.3)
 */
void lapic_reset(struct kvm_vcpu *vcpu, bool init_event)
{
	struct kvm_lapic *lapic = vcpu->lapic;
	bool bsp = kvm_vcpu_is_bsp(vcpu);

	lapic->regs.extint_quirk =
		bsp && !(vcpu->kvm->caps.disabled_quirks & KVM_X86_QUIRK_LINT0_REENABLED);
	if (!init_event) {
		lapic->events = 0;
		lapic->base = APIC_DEFAULT_BASE | MSR_IA32_APICBASE_ENABLE |
			      (bsp ? MSR_IA32_APICBASE_BSP : 0);
		set_mode(lapic, true, false);
	}
	lapic->user_extint = -1;
	pv_eoi_msr_write(vcpu, 0, true);
	lapic_regs_reset(&lapic->regs);
}

/**
 * lapic_cpuid_changed() - the guest's CPUID was set
 * @vcpu: the vCPU
 */
void lapic_cpuid_changed(struct kvm_vcpu *vcpu)
{
	struct lapic_regs *l;

	if (!vcpu->lapic)
		return;
	l = &vcpu->lapic->regs;
	l->lvtt_modes = LAPIC_LVTT_PERIODIC;
	if (guest_has(vcpu, KVM_GF_TSC_DEADLINE))
		l->lvtt_modes |= LAPIC_LVTT_DEADLINE;
}

/**
 * lapic_set_cmci() - whether the local APIC has an LVT register for corrected machine checks
 * @vcpu: the vCPU
 * @cmci: MCG_CAP.MCG_CMCI_P
 */
void lapic_set_cmci(struct kvm_vcpu *vcpu, bool cmci)
{
	if (vcpu->lapic)
		lapic_regs_set_cmci(&vcpu->lapic->regs, cmci);
}

/**
 * lapic_cmci() - a corrected machine check, or one that needs no action, interrupts
 * @vcpu: the vCPU, whose MCG_CAP has MCG_CMCI_P
 */
void lapic_cmci(struct kvm_vcpu *vcpu)
{
	if (vcpu->lapic)
		lapic_regs_local(&vcpu->lapic->regs, LAPIC_LVTCMCI);
}

void lapic_tsc_changed(struct kvm_vcpu *vcpu)
{
	if (vcpu->lapic)
		lapic_timer_rearm(&vcpu->lapic->regs);
}

/**
 * lapic_migrate_timers() - the vCPU came to another CPU: its timer follows
 * @vcpu: the vCPU
 *
 * Context: the vCPU's thread, preemption off.
 */
void lapic_migrate_timers(struct kvm_vcpu *vcpu)
{
	struct hrtimer *timer = &vcpu->lapic->timer;

	if (hrtimer_try_to_cancel(timer) > 0)
		hrtimer_start_expires(timer, HRTIMER_MODE_ABS_PINNED);
}

/**
 * lapic_timer_to_host() - the guest stops running: a deadline that hardware keeps is the host's now
 * @vcpu: the vCPU, loaded
 *
 * Context: the vCPU's thread.
 */
void lapic_timer_to_host(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *lapic = vcpu->lapic;

	if (!lapic || !lapic->deadline_armed)
		return;
	stop_deadline(lapic);
	hrtimer_start(&lapic->timer, ns_to_ktime(lapic->regs.timer.target_ns),
		      HRTIMER_MODE_ABS_PINNED);
}

/**
 * lapic_deadline_reached() - the exit that set_deadline asked for
 * @vcpu: the vCPU, loaded
 *
 * The guest's clock and the host's are not the same one: what has not come by the host's yet is
 * left to a timer of the host's.
 * Context: the vCPU's thread.
 */
void lapic_deadline_reached(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *lapic = vcpu->lapic;

	if (!lapic || !lapic->deadline_armed)
		return;
	if (lapic_host_now(&lapic->regs) < lapic->regs.timer.target_ns) {
		lapic_timer_to_host(vcpu);
		return;
	}
	stop_deadline(lapic);
	set_bit(LAPIC_EV_TIMER, &lapic->events);
	kvm_make_request(KVM_REQ_EVENT, vcpu);
}
EXPORT_SYMBOL_NS_GPL(lapic_deadline_reached, GUESTMODE);

/* --- events ---------------------------------------------------------------------------------- */

bool lapic_has_events(struct kvm_vcpu *vcpu)
{
	return vcpu->lapic && READ_ONCE(vcpu->lapic->events);
}

static void take_init(struct kvm_vcpu *vcpu)
{
	kvm_vcpu_reset(vcpu, true);
	vcpu->mp_state = kvm_vcpu_is_bsp(vcpu) ? KVM_MP_STATE_RUNNABLE :
						 KVM_MP_STATE_INIT_RECEIVED;
}

/* SDM vol. 3, 9.4.3: execution starts at 000VV000, in real mode. */
static void take_sipi(struct kvm_vcpu *vcpu, u8 vector)
{
	struct kvm_segment cs;

	/* Only one that waits for it; so the second of the usual pair is ignored. */
	if (vcpu->mp_state != KVM_MP_STATE_INIT_RECEIVED)
		return;
	vendor_call(get_segment, vcpu, KVM_SEG_CS, &cs);
	cs.selector = vector << 8;
	cs.base = vector << 12;
	vendor_call(set_segment, vcpu, KVM_SEG_CS, &cs);
	kvm_rip_write(vcpu, 0);
	vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
}

/**
 * lapic_serve_events() - do what others and the timer left for this vCPU
 * @vcpu: the vCPU, loaded
 *
 * Context: its thread, kvm->srcu held, may sleep.
 */
void lapic_serve_events(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *lapic = vcpu->lapic;

	if (!lapic || !READ_ONCE(lapic->events))
		return;
	sync_hw(lapic);
	if (test_and_clear_bit(LAPIC_EV_TIMER, &lapic->events))
		lapic_timer_expired(&lapic->regs);
	if (test_and_clear_bit(LAPIC_EV_ILLEGAL, &lapic->events))
		lapic_regs_recv_illegal(&lapic->regs);
	if (test_and_clear_bit(LAPIC_EV_INIT, &lapic->events))
		take_init(vcpu);
	if (test_and_clear_bit(LAPIC_EV_SIPI, &lapic->events))
		take_sipi(vcpu, READ_ONCE(lapic->sipi_vector));
}

/**
 * lapic_set_sipi_vector() - KVM_VCPUEVENT_VALID_SIPI_VECTOR: where the SIPI of a saved state leads
 * @vcpu: the vCPU; without a LAPIC nothing can come
 * @vector: execution starts at 000VV000
 */
void lapic_set_sipi_vector(struct kvm_vcpu *vcpu, u8 vector)
{
	if (vcpu->lapic)
		WRITE_ONCE(vcpu->lapic->sipi_vector, vector);
}

/**
 * lapic_restore_sipi() - KVM_MP_STATE_SIPI_RECEIVED: as if the SIPI came now
 * @vcpu: the vCPU, with its LAPIC; the vector comes before or behind
 *
 * Context: the vCPU's thread.
 */
void lapic_restore_sipi(struct kvm_vcpu *vcpu)
{
	vcpu->mp_state = KVM_MP_STATE_INIT_RECEIVED;
	set_bit(LAPIC_EV_SIPI, &vcpu->lapic->events);
}

/* --- interrupts on their way in -------------------------------------------------------------- */

/* Does the 8259's INT reach this processor? Any thread. */
bool lapic_takes_extint(struct kvm_vcpu *vcpu)
{
	const struct lapic_regs *l = &vcpu->lapic->regs;
	u32 lvt0;

	/*
	 * A disabled APIC passes LINT0 on as the processor's INTR; only the boot processor's is
	 * wired.
	 */
	if (!READ_ONCE(l->hw_enabled))
		return kvm_vcpu_is_bsp(vcpu);
	lvt0 = lapic_get(l, LAPIC_LVT0);
	return !(lvt0 & LAPIC_LVT_MASKED) && LAPIC_LVT_MODE(lvt0) == IRQ_EXTINT;
}

static bool extint_pending(struct kvm_vcpu *vcpu)
{
	struct kvm_pic *pic = vcpu->kvm->irqchip.pic;
	bool wants = pic ? READ_ONCE(pic->model.output) : vcpu->lapic->user_extint >= 0;

	return wants && lapic_takes_extint(vcpu);
}

static int extint_peek(struct kvm_vcpu *vcpu)
{
	struct kvm_pic *pic = vcpu->kvm->irqchip.pic;

	return pic ? pic_peek(pic) : vcpu->lapic->user_extint;
}

static int extint_ack(struct kvm_vcpu *vcpu)
{
	struct kvm_pic *pic = vcpu->kvm->irqchip.pic;

	return pic ? pic_ack(pic) : xchg(&vcpu->lapic->user_extint, -1);
}

/**
 * irqchip_pending() - vector that could go in now, without acknowledging it
 * @vcpu: the vCPU
 *
 * Context: its thread; doesn't sleep. Return: vector, or -1.
 */
int irqchip_pending(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *lapic = vcpu->lapic;
	int vector;

	if (!lapic)
		return -1;
	if (unlikely(extint_pending(vcpu))) {
		vector = extint_peek(vcpu);
		if (vector >= 0)
			return vector;
	}
	if (!lapic->regs.hw_enabled)
		return -1;
	sync_hw(lapic);
	return lapic_regs_pending(&lapic->regs);
}

/**
 * irqchip_to_inject() - the same, but for what hardware delivers by itself
 * @vcpu: the vCPU
 *
 * Context: its thread; doesn't sleep. Return: vector, or -1.
 */
int irqchip_to_inject(struct kvm_vcpu *vcpu)
{
	if (!lapic_hw(vcpu))
		return irqchip_pending(vcpu);
	return extint_pending(vcpu) ? extint_peek(vcpu) : -1;
}

/**
 * irqchip_ack() - take that vector: INTA cycle of the 8259, or IRR to ISR
 * @vcpu: the vCPU
 *
 * Context: its thread; doesn't sleep. Return: vector, or -1.
 */
int irqchip_ack(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *lapic = vcpu->lapic;

	if (!lapic)
		return -1;
	if (unlikely(extint_pending(vcpu)))
		return extint_ack(vcpu);
	if (!lapic->regs.hw_enabled || lapic->regs.hw)
		return -1;
	if (vcpu->pv.eoi.msr & KVM_MSR_ENABLED)
		vcpu->lapic_shared |= LAPIC_SHARES_EOI;
	return lapic_regs_ack(&lapic->regs);
}

int lapic_highest_irr(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *lapic = vcpu->lapic;

	if (!lapic || !lapic->regs.hw_enabled)
		return -1;
	sync_hw(lapic);
	return lapic_regs_highest_irr(&lapic->regs);
}

/* --- where hardware is the LAPIC ------------------------------------------------------------- */

enum lapic_hw lapic_hw(struct kvm_vcpu *vcpu)
{
	if (!vcpu->lapic || !vcpu->lapic->regs.hw)
		return LAPIC_SOFTWARE;
	return vcpu->lapic->regs.x2apic ? LAPIC_HW_X2APIC : LAPIC_HW_XAPIC;
}
EXPORT_SYMBOL_NS_GPL(lapic_hw, GUESTMODE);

int lapic_highest_isr(struct kvm_vcpu *vcpu)
{
	return lapic_regs_highest_isr(&vcpu->lapic->regs);
}
EXPORT_SYMBOL_NS_GPL(lapic_highest_isr, GUESTMODE);

/**
 * lapic_eoi_exits() - the vectors whose EOI somebody must hear of
 * @vcpu: the vCPU, with its LAPIC; what was posted is in IRR
 * @vectors: out, a bit for each
 *
 * Those that came level triggered, for the IOAPIC, and those of pins that somebody watches. Which
 * those are is settled before an interrupt of theirs gets here.
 */
void lapic_eoi_exits(struct kvm_vcpu *vcpu, u64 vectors[4])
{
	const struct lapic_regs *l = &vcpu->lapic->regs;
	struct kvm_ioapic *ioapic = vcpu->kvm->irqchip.ioapic;
	u32 *out = (u32 *)vectors;
	unsigned int i;

	if (ioapic)
		bitmap_copy((unsigned long *)vectors, ioapic->ack_vectors, 256);
	else
		memset(vectors, 0, 4 * sizeof(*vectors));
	for (i = 0; i < 8; i++)
		out[i] |= lapic_get(l, LAPIC_TMR + i * 16);
}
EXPORT_SYMBOL_NS_GPL(lapic_eoi_exits, GUESTMODE);

/**
 * lapic_eoi_done() - hardware has carried out the EOI of one of those
 * @vcpu: the vCPU
 * @vector: which
 *
 * Context: its thread, kvm->srcu held.
 */
void lapic_eoi_done(struct kvm_vcpu *vcpu, u8 vector)
{
	lapic_regs_eoi_done(&vcpu->lapic->regs, vector);
}
EXPORT_SYMBOL_NS_GPL(lapic_eoi_done, GUESTMODE);

/**
 * lapic_written() - hardware has put what the guest wrote into the page: what follows from it
 * @vcpu: the vCPU
 * @offset: of the register
 *
 * Context: its thread, kvm->srcu held.
 */
void lapic_written(struct kvm_vcpu *vcpu, u32 offset)
{
	struct lapic_regs *l = &vcpu->lapic->regs;
	u32 reg = offset & (LAPIC_PAGE_SIZE - 16);

	trace_kvm_apic(true, reg, lapic_get(l, reg));
	lapic_regs_sync(l);
	lapic_regs_written(l, reg);
}
EXPORT_SYMBOL_NS_GPL(lapic_written, GUESTMODE);

/* --- its page -------------------------------------------------------------------------------- */

void *lapic_page(struct kvm_vcpu *vcpu)
{
	return vcpu->lapic->regs.page;
}
EXPORT_SYMBOL_NS_GPL(lapic_page, GUESTMODE);

u64 lapic_get_cr8(struct kvm_vcpu *vcpu)
{
	return lapic_get(&vcpu->lapic->regs, LAPIC_TPR) >> 4;
}

void lapic_set_tpr(struct kvm_vcpu *vcpu, u8 tpr)
{
	sync_hw(vcpu->lapic);
	lapic_regs_set_tpr(&vcpu->lapic->regs, tpr);
}

void lapic_set_cr8(struct kvm_vcpu *vcpu, u64 cr8)
{
	lapic_set_tpr(vcpu, (cr8 & 0xf) << 4);
}

u64 lapic_base(struct kvm_vcpu *vcpu)
{
	return vcpu->lapic->base;
}

/* --- MSRs ------------------------------------------------------------------------------------ */

#define BASE_MODE(base) ((base) & (MSR_IA32_APICBASE_ENABLE | X2APIC_ENABLE))

/*
 * Any valid mode may follow any other if userspace says so (host). -EINVAL: SDM vol. 3, figure
 * 11-27.
 */
static int write_base(struct kvm_vcpu *vcpu, u64 base, bool host)
{
	struct kvm_lapic *lapic = vcpu->lapic;
	u64 mode = BASE_MODE(base), old_mode = BASE_MODE(lapic->base), legal;
	bool to_x2 = mode & X2APIC_ENABLE, from_x2 = old_mode & X2APIC_ENABLE;

	legal = GENMASK_ULL((vcpu->cpuid.maxphyaddr ?: 52) - 1, 12) | MSR_IA32_APICBASE_BSP |
		MSR_IA32_APICBASE_ENABLE;
	if (guest_has(vcpu, KVM_GF_X2APIC))
		legal |= X2APIC_ENABLE;
	if ((base & ~legal) || mode == X2APIC_ENABLE)
		return -EINVAL;
	/* Into x2APIC only from xAPIC, out of it only to disabled. */
	if (!host && mode != old_mode && ((to_x2 && !old_mode) || (from_x2 && mode)))
		return -EINVAL;
	if (mode != MSR_IA32_APICBASE_ENABLE ||
	    base >> PAGE_SHIFT != APIC_DEFAULT_BASE >> PAGE_SHIFT)
		access_page_off(vcpu->kvm);
	lapic->base = base;
	if (mode == old_mode)
		return 0;
	set_mode(lapic, mode & MSR_IA32_APICBASE_ENABLE, to_x2);
	kvm_make_request(KVM_REQ_EVENT, vcpu);
	/* CPUID leaf 1 shows the APIC only while it is enabled. */
	kvm_cpuid_refresh(vcpu);
	return 0;
}

static int read_x2apic(struct lapic_regs *l, u32 index, u64 *value)
{
	u32 low;

	if (!l->x2apic || index < X2APIC_FIRST || index > X2APIC_LAST)
		return -EINVAL;
	if (lapic_regs_read(l, (index - X2APIC_FIRST) * 16, &low))
		return -EINVAL;
	*value = low;
	if (index == X2APIC_ICR)
		*value |= (u64)lapic_get(l, LAPIC_ICR2) << 32;
	trace_kvm_apic(false, (index - X2APIC_FIRST) * 16, *value);
	return 0;
}

static int write_x2apic(struct lapic_regs *l, u32 index, u64 value)
{
	if (!l->x2apic || index < X2APIC_FIRST || index > X2APIC_LAST)
		return -EINVAL;
	trace_kvm_apic(true, (index - X2APIC_FIRST) * 16, value);
	/* The hottest two first. */
	if (index == X2APIC_EOI && !value) {
		lapic_regs_eoi(l);
		return 0;
	}
	if (index == X2APIC_ICR)
		return lapic_regs_write_icr(l, value);
	if (value >> 32)
		return -EINVAL;
	return lapic_regs_write(l, (index - X2APIC_FIRST) * 16, value);
}

/**
 * lapic_msr_read() - MSRs 0x1b, 0x6e0, 0x800-0x8ff
 * @vcpu: the vCPU, with a LAPIC in the kernel
 * @index: MSR
 * @value: out
 * @host: by ioctl
 *
 * Context: the vCPU's thread. Return: 0, or -EINVAL: #GP.
 */
int lapic_msr_read(struct kvm_vcpu *vcpu, u32 index, u64 *value, bool host)
{
	struct kvm_lapic *lapic = vcpu->lapic;

	switch (index) {
	case MSR_IA32_APICBASE:
		*value = lapic_base(vcpu);
		return 0;
	case MSR_IA32_TSC_DEADLINE:
		if (!host && !guest_has(vcpu, KVM_GF_TSC_DEADLINE))
			return -EINVAL;
		*value = lapic->regs.timer.deadline;
		return 0;
	default:
		return read_x2apic(&lapic->regs, index, value);
	}
}

/**
 * lapic_msr_write() - MSRs 0x1b, 0x6e0, 0x800-0x8ff
 * @vcpu: the vCPU, with a LAPIC in the kernel
 * @index: MSR
 * @value: new value
 * @host: by ioctl
 *
 * Context: the vCPU's thread. Return: 0, or -EINVAL: #GP.
 */
int lapic_msr_write(struct kvm_vcpu *vcpu, u32 index, u64 value, bool host)
{
	struct kvm_lapic *lapic = vcpu->lapic;

	switch (index) {
	case MSR_IA32_TSC_DEADLINE:
		if (!host && !guest_has(vcpu, KVM_GF_TSC_DEADLINE))
			return -EINVAL;
		lapic_timer_set_deadline(&lapic->regs, value);
		return 0;
	case MSR_IA32_APICBASE:
		return write_base(vcpu, value, host);
	default:
		sync_hw(lapic);
		return write_x2apic(&lapic->regs, index, value);
	}
}

/* --- MMIO ------------------------------------------------------------------------------------ */

/* 0: this APIC's page; 1: its page, but no xAPIC answers there; -EOPNOTSUPP: somebody else's. */
static int mmio_check(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	struct kvm_lapic *lapic = vcpu->lapic;

	if (!lapic || (gpa ^ lapic->base) >> PAGE_SHIFT)
		return -EOPNOTSUPP;
	if (likely(lapic->regs.hw_enabled && !lapic->regs.x2apic))
		return 0;
	/* The quirk: the page is the APIC's, whatever its mode. */
	return vcpu->kvm->caps.disabled_quirks & KVM_X86_QUIRK_LAPIC_MMIO_HOLE ? -EOPNOTSUPP : 1;
}

/**
 * lapic_mmio_read() - the guest reads its xAPIC page
 * @vcpu: the vCPU
 * @gpa: address
 * @len: bytes, 1 to 8
 * @val: out
 *
 * Context: the vCPU's thread. Return: 0, or -EOPNOTSUPP: not there.
 */
int lapic_mmio_read(struct kvm_vcpu *vcpu, gpa_t gpa, int len, void *val)
{
	u32 offset = gpa & (PAGE_SIZE - 1), reg;
	int r = mmio_check(vcpu, gpa);

	if (r < 0)
		return r;
	memset(val, 0xff, len);
	if (r)
		return 0;
	/* Registers are 4 bytes every 16; other accesses are undefined (SDM vol. 3, 11.4.1). */
	memset(val, 0, len);
	if ((offset & 15) + len > 4)
		return 0;
	sync_hw(vcpu->lapic);
	lapic_regs_read(&vcpu->lapic->regs, offset & ~15, &reg);
	trace_kvm_apic(false, offset & ~15, reg);
	if (unlikely(vcpu->lapic->report_tpr) && (offset & ~15) == LAPIC_TPR)
		vapic_tpr_accessed(vcpu, false);
	memcpy(val, (u8 *)&reg + (offset & 15), len);
	return 0;
}

/**
 * lapic_mmio_write() - the guest writes its xAPIC page
 * @vcpu: the vCPU
 * @gpa: address
 * @len: bytes, 1 to 8
 * @val: what
 *
 * Context: the vCPU's thread, kvm->srcu held. Return: 0, or -EOPNOTSUPP: not there.
 */
int lapic_mmio_write(struct kvm_vcpu *vcpu, gpa_t gpa, int len, const void *val)
{
	u32 offset = gpa & (PAGE_SIZE - 1), reg;
	int r = mmio_check(vcpu, gpa);

	if (r < 0)
		return r;
	if (r || len != 4 || (offset & 15))
		return 0;
	memcpy(&reg, val, sizeof(reg));
	trace_kvm_apic(true, offset, reg);
	sync_hw(vcpu->lapic);
	if (offset == LAPIC_EOI) {
		lapic_regs_eoi(&vcpu->lapic->regs);
		return 0;
	}
	lapic_regs_write(&vcpu->lapic->regs, offset, reg);
	if (unlikely(vcpu->lapic->report_tpr) && offset == LAPIC_TPR)
		vapic_tpr_accessed(vcpu, true);
	return 0;
}

/* --- state ----------------------------------------------------------------------------------- */

/* With KVM_X2APIC_API_USE_32BIT_IDS an x2APIC's id fills its register, else it stands in byte 3. */
static bool wide_ids(struct kvm_vcpu *vcpu)
{
	return vcpu->lapic->regs.x2apic && vcpu->kvm->irqchip.x2apic_32bit_ids;
}

/**
 * lapic_get_state() - KVM_GET_LAPIC
 * @vcpu: the vCPU, loaded
 * @state: out
 *
 * Return: 0, or -EINVAL: no LAPIC in the kernel.
 */
long lapic_get_state(struct kvm_vcpu *vcpu, struct kvm_lapic_state *state)
{
	u32 id = vcpu->vcpu_id;

	if (!vcpu->lapic)
		return -EINVAL;
	BUILD_BUG_ON(sizeof(*state) != LAPIC_SELF_IPI + 16);
	/*
	 * A timer that ran out belongs into IRR before it is looked at; INIT and SIPI have a state
	 * of their own.
	 */
	if (test_and_clear_bit(LAPIC_EV_TIMER, &vcpu->lapic->events))
		lapic_timer_expired(&vcpu->lapic->regs);
	sync_hw(vcpu->lapic);
	lapic_regs_save(&vcpu->lapic->regs, state->regs);
	if (!wide_ids(vcpu)) {
		id <<= 24;
		memcpy(state->regs + LAPIC_ID, &id, sizeof(id));
	}
	return 0;
}

/**
 * lapic_set_state() - KVM_SET_LAPIC
 * @vcpu: the vCPU, loaded
 * @state: in
 *
 * Return: 0, or -EINVAL: no LAPIC in the kernel, or another one's id.
 */
long lapic_set_state(struct kvm_vcpu *vcpu, struct kvm_lapic_state *state)
{
	u32 id;

	if (!vcpu->lapic)
		return -EINVAL;
	memcpy(&id, state->regs + LAPIC_ID, sizeof(id));
	if (wide_ids(vcpu) && id != (u32)vcpu->vcpu_id)
		return -EINVAL;
	clear_bit(LAPIC_EV_TIMER, &vcpu->lapic->events);
	lapic_regs_restore(&vcpu->lapic->regs, state->regs);
	return 0;
}
