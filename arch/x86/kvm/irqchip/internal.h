/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of irqchip/ share among themselves: the models in their driver's clothes. */
#ifndef GUESTMODE_IRQCHIP_INTERNAL_H
#define GUESTMODE_IRQCHIP_INTERNAL_H

#include <linux/hrtimer.h>
#include <linux/spinlock.h>

#include "../vcpu.h"
#include "irqchip.h"
#include "ioapic_model.h"
#include "lapic_regs.h"
#include "pic_model.h"
#include "pit_model.h"

/* kvm_lapic.events: what other threads and the timer leave for the vCPU's thread. */
enum lapic_event { LAPIC_EV_TIMER, LAPIC_EV_ILLEGAL, LAPIC_EV_INIT, LAPIC_EV_SIPI };

struct kvm_lapic {
	struct lapic_regs regs; /* see lapic_regs.h */
	struct kvm_vcpu *vcpu; /* [i] */
	u64 base; /* [v] IA32_APIC_BASE */
	struct hrtimer timer; /* started and cancelled by [v] */
	bool deadline_armed; /* [v] hardware keeps the timer (set_deadline), not the host */
	unsigned long events; /* [a] BIT(enum lapic_event) */
	u8 sipi_vector; /* [a] */
	int user_extint; /* [v] vector of userspace's 8259 that waits, -1: none (split.c) */
	DECLARE_BITMAP(user_eois, 256); /* [v] of which userspace hasn't heard yet */
	gpa_t vapic_gpa; /* [v] see vapic.c; 0: none */
	u64 tpr_rip; /* [v] of the last access to TPR that is reported ... */
	bool tpr_write; /* [v] ... a write? */
	bool report_tpr; /* [v] KVM_TPR_ACCESS_REPORTING */
	bool xapic_counted; /* [v] this APIC is one of kvm->irqchip.nr_xapic */
};

/* APIC id -> vCPU. Slots change in place; a larger map replaces a smaller one. */
struct kvm_apic_map {
	struct rcu_head rcu;
	u32 nr; /* [i] */
	struct kvm_vcpu __rcu *vcpu[]; /* [map_lock] by APIC id */
};

struct kvm_ioapic {
	struct kvm_io_device dev; /* [i] */
	spinlock_t lock; /* irqs off */
	struct ioapic_model model; /* [lock] */
	u32 ack_pins; /* [lock] somebody wants to know of their EOIs */
	DECLARE_BITMAP(ack_vectors, 256); /* [lock], read without: vectors of those pins */
};

struct kvm_pic {
	struct kvm_io_device dev; /* [i] */
	struct kvm *kvm; /* [i] */
	spinlock_t lock; /* irqs off */
	struct pic_model model; /* [lock]; output is read without */
	u16 ack_lines; /* [lock] somebody wants to know of their EOIs */
};

/* ipi.c */
int apic_map_add(struct kvm_vcpu *vcpu);
void apic_map_remove(struct kvm_vcpu *vcpu);
int irqchip_deliver(struct kvm *kvm, const struct irq_msg *msg, struct kvm_vcpu *source);
void irqchip_raise_lint0(struct kvm *kvm);

/* vapic.c */
void vapic_load(struct kvm_vcpu *vcpu);
void vapic_store(struct kvm_vcpu *vcpu);

/* lapic.c */
extern unsigned int min_timer_period_us;
bool lapic_takes_extint(struct kvm_vcpu *vcpu);
void lapic_set_tpr(struct kvm_vcpu *vcpu, u8 tpr);
void lapic_count_xapic(struct kvm_lapic *lapic);
long lapic_get_state(struct kvm_vcpu *vcpu, struct kvm_lapic_state *state);
long lapic_set_state(struct kvm_vcpu *vcpu, struct kvm_lapic_state *state);

/* ioapic.c */
int ioapic_create(struct kvm *kvm);
void ioapic_destroy(struct kvm *kvm);
int ioapic_set_irq(struct kvm *kvm, u32 pin, u32 source, bool level);
void ioapic_eoi(struct kvm_vcpu *vcpu, u8 vector);
void ioapic_set_ack_pins(struct kvm_ioapic *ioapic, u32 pins);
void ioapic_set_bcast(struct kvm_ioapic *ioapic, enum irq_broadcast bcast);
void ioapic_get_state(struct kvm *kvm, struct kvm_ioapic_state *state);
void ioapic_set_state(struct kvm *kvm, const struct kvm_ioapic_state *state);

/* pic.c */
int pic_create(struct kvm *kvm);
void pic_destroy(struct kvm *kvm);
int pic_set_irq(struct kvm *kvm, u32 line, u32 source, bool level);
int pic_peek(struct kvm_pic *pic);
u8 pic_ack(struct kvm_pic *pic);
void pic_set_ack_lines(struct kvm_pic *pic, u16 lines);
void pic_get_state(struct kvm *kvm, u32 chip, struct kvm_pic_state *state);
void pic_set_state(struct kvm *kvm, u32 chip, const struct kvm_pic_state *state);

/* pit.c */
int pit_create(struct kvm *kvm, u32 flags);
void pit_stop(struct kvm *kvm);
void pit_destroy(struct kvm *kvm);
void pit_get_state(struct kvm_pit *pit, struct kvm_pit_state2 *state);
void pit_set_state(struct kvm_pit *pit, const struct kvm_pit_state2 *state);
void pit_set_reinject(struct kvm_pit *pit, bool reinject);

/* vapic.c */
void vapic_tpr_accessed(struct kvm_vcpu *vcpu, bool write);

/* split.c */
void split_eoi(struct kvm_vcpu *vcpu, u8 vector);

/* route.c */
int routes_set(struct kvm *kvm, const struct kvm_irq_routing_entry *entries, u32 nr);
int routes_set_default(struct kvm *kvm);
void routes_destroy(struct kvm *kvm);
void irqchip_notify_ack(struct kvm *kvm, u32 chip, u32 pins);
int irqchip_send_msi(struct kvm *kvm, u32 address_lo, u32 address_hi, u32 data);

/* Controllers come before vCPUs: one that exists got no LAPIC. kvm->lock held. */
static inline bool irqchip_too_late(struct kvm *kvm)
{
	return atomic_read(&kvm->online_vcpus) || kvm->created_vcpus;
}

static inline bool irqchip_full(struct kvm *kvm)
{
	/* Pairs with the release in KVM_CREATE_IRQCHIP: the chips are there. */
	return smp_load_acquire(&kvm->irqchip.mode) == KVM_IRQCHIP_KERNEL;
}

#endif
