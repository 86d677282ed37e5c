// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a message to the local APICs that it is for. No lock is held on the way: the map of APICs is
 * read under RCU, IRR is set with atomic operations, and kicks hold up nobody.
 */

#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <uapi/linux/kvm_para.h>

#include "../event.h"
#include "../trace.h"
#include "internal.h"

/* --- APIC id -> vCPU ------------------------------------------------------------------------- */

static struct kvm_apic_map *map_locked(struct kvm_vm_irqchip *irqchip)
{
	return rcu_dereference_protected(irqchip->apic_map, lockdep_is_held(&irqchip->map_lock));
}

/**
 * apic_map_add() - make a vCPU's APIC reachable
 * @vcpu: the vCPU
 *
 * Context: may sleep. Return: 0 or -ENOMEM.
 */
int apic_map_add(struct kvm_vcpu *vcpu)
{
	struct kvm_vm_irqchip *irqchip = &vcpu->kvm->irqchip;
	u32 id = vcpu->vcpu_id, nr, i;
	struct kvm_apic_map *map, *old;
	int r = 0;

	mutex_lock(&irqchip->map_lock);
	map = old = map_locked(irqchip);
	if (!old || id >= old->nr) {
		/* Room to grow: ids mostly come one after the other. */
		nr = max(roundup_pow_of_two(id + 1), 8UL);
		map = kvzalloc(struct_size(map, vcpu, nr), GFP_KERNEL_ACCOUNT);
		if (!map) {
			r = -ENOMEM;
			goto out;
		}
		map->nr = nr;
		for (i = 0; old && i < old->nr; i++)
			RCU_INIT_POINTER(map->vcpu[i],
					 rcu_dereference_protected(old->vcpu[i], 1));
	}
	rcu_assign_pointer(map->vcpu[id], vcpu);
	if (map != old) {
		rcu_assign_pointer(irqchip->apic_map, map);
		if (old)
			kvfree_rcu(old, rcu);
	}
out:
	mutex_unlock(&irqchip->map_lock);
	return r;
}

/**
 * apic_map_remove() - a vCPU's APIC goes; no message finds it on return
 * @vcpu: the vCPU
 *
 * Context: may sleep.
 */
void apic_map_remove(struct kvm_vcpu *vcpu)
{
	struct kvm_vm_irqchip *irqchip = &vcpu->kvm->irqchip;
	u32 id = vcpu->vcpu_id;
	struct kvm_apic_map *map;

	mutex_lock(&irqchip->map_lock);
	map = map_locked(irqchip);
	/* irqchip_vm_predestroy() took the whole map away and waited: nothing left to do. */
	if (map && id < map->nr && rcu_access_pointer(map->vcpu[id]) == vcpu) {
		RCU_INIT_POINTER(map->vcpu[id], NULL);
		mutex_unlock(&irqchip->map_lock);
		synchronize_rcu();
		return;
	}
	mutex_unlock(&irqchip->map_lock);
}

static struct kvm_lapic *map_get(const struct kvm_apic_map *map, u32 id)
{
	struct kvm_vcpu *vcpu = rcu_dereference(map->vcpu[array_index_nospec(id, map->nr)]);

	return vcpu ? vcpu->lapic : NULL;
}

/* --- delivery -------------------------------------------------------------------------------- */

/* The ids among which a message's destinations are, [first, last). */
static void id_range(struct kvm *kvm, const struct kvm_apic_map *map, const struct irq_msg *msg,
		     u32 *first, u32 *last)
{
	u64 base;

	*first = 0;
	*last = map->nr;
	if (msg->shorthand != IRQ_TO_DEST || msg->bcast != IRQ_BCAST_NONE)
		return;
	if (!msg->logical) {
		*first = min(msg->dest, map->nr);
		*last = min_t(u64, (u64)msg->dest + 1, map->nr);
	} else if (!atomic_read(&kvm->irqchip.nr_xapic)) {
		/* x2APIC: a cluster of 16 ids in the high half (SDM vol. 3, 11.12.10.2). */
		base = (u64)(msg->dest >> 16) * 16;
		*first = min_t(u64, base, map->nr);
		*last = min_t(u64, base + 16, map->nr);
	}
}

static bool is_dest(struct kvm_lapic *lapic, const struct irq_msg *msg, struct kvm_vcpu *source)
{
	switch (msg->shorthand) {
	case IRQ_TO_SELF:
		return lapic->vcpu == source;
	case IRQ_TO_ALL:
		return true;
	case IRQ_TO_OTHERS:
		return lapic->vcpu != source;
	default:
		return lapic_regs_match(&lapic->regs, msg);
	}
}

static void leave_event(struct kvm_lapic *lapic, enum lapic_event event)
{
	set_bit(event, &lapic->events);
	kvm_make_request(KVM_REQ_EVENT, lapic->vcpu);
	kvm_vcpu_kick(lapic->vcpu);
}

static int deliver_fixed(struct kvm_lapic *lapic, const struct irq_msg *msg,
			 struct kvm_vcpu *source)
{
	struct kvm_vcpu *vcpu = lapic->vcpu;
	int r;

	if (unlikely(msg->vector < 16)) {
		leave_event(lapic, LAPIC_EV_ILLEGAL);
		return IRQ_IGNORED;
	}
	r = lapic_regs_accept(&lapic->regs, msg->vector, msg->level);
	/*
	 * Coalesced: whoever set the bit first kicks. The sender itself is out of the guest
	 * already.
	 */
	if (r == IRQ_DELIVERED) {
		kvm_make_request(KVM_REQ_EVENT, vcpu);
		if (vcpu != source)
			kvm_vcpu_kick(vcpu);
	}
	return r;
}

static int deliver_one(struct kvm_lapic *lapic, const struct irq_msg *msg, struct kvm_vcpu *source)
{
	trace_kvm_apic_accept_irq(lapic->vcpu->vcpu_id, msg->mode << 8, msg->level, msg->vector);
	switch (msg->mode) {
	case IRQ_FIXED:
	case IRQ_LOWEST:
		return deliver_fixed(lapic, msg, source);
	case IRQ_NMI:
		if (!READ_ONCE(lapic->regs.hw_enabled))
			return IRQ_IGNORED;
		event_queue_nmi(lapic->vcpu);
		kvm_vcpu_kick(lapic->vcpu);
		return IRQ_DELIVERED;
	case IRQ_INIT:
		/* A SIPI from before is void; one that comes after finds its bit clear. */
		clear_bit(LAPIC_EV_SIPI, &lapic->events);
		leave_event(lapic, LAPIC_EV_INIT);
		return IRQ_DELIVERED;
	case IRQ_SIPI:
		WRITE_ONCE(lapic->sipi_vector, msg->vector);
		leave_event(lapic, LAPIC_EV_SIPI);
		return IRQ_DELIVERED;
	default:
		/* SMI: without system management mode nobody takes one. */
		return IRQ_IGNORED;
	}
}

/*
 * The destination that works at the lowest priority (SDM vol. 3, 11.6.2.4). Among equals the vector
 * decides, so that one device's interrupts stay with one processor and its caches.
 */
static struct kvm_lapic *lowest_priority(struct kvm *kvm, const struct kvm_apic_map *map,
					 const struct irq_msg *msg, struct kvm_vcpu *source)
{
	u32 first, last, id, best = ~0U, n = 0, skip, ppr;
	struct kvm_lapic *lapic, *found = NULL;

	id_range(kvm, map, msg, &first, &last);
	for (id = first; id < last; id++) {
		lapic = map_get(map, id);
		if (!lapic || !is_dest(lapic, msg, source) || !lapic_regs_enabled(&lapic->regs))
			continue;
		ppr = lapic_get(&lapic->regs, LAPIC_PPR) >> 4;
		if (ppr < best) {
			best = ppr;
			n = 0;
		}
		n += ppr == best;
	}
	if (!n)
		return NULL;
	skip = msg->vector % n;
	for (id = first; id < last; id++) {
		lapic = map_get(map, id);
		if (!lapic || !is_dest(lapic, msg, source) || !lapic_regs_enabled(&lapic->regs))
			continue;
		/* Priorities move while we look: any candidate is better than none. */
		found = lapic;
		if (lapic_get(&lapic->regs, LAPIC_PPR) >> 4 == best && !skip--)
			break;
	}
	return found;
}

/**
 * irqchip_deliver() - send a message
 * @kvm: the VM
 * @msg: the message
 * @source: the vCPU whose thread sends it by ICR, or NULL
 *
 * Context: any but NMI; no lock of ours held. Return: number of APICs that took it, IRQ_COALESCED,
 * IRQ_IGNORED.
 */
int irqchip_deliver(struct kvm *kvm, const struct irq_msg *msg, struct kvm_vcpu *source)
{
	const struct kvm_apic_map *map;
	struct kvm_lapic *lapic;
	int r = IRQ_IGNORED;
	u32 id, last;

	rcu_read_lock();
	map = rcu_dereference(kvm->irqchip.apic_map);
	if (!map)
		goto out;
	if (msg->mode == IRQ_LOWEST) {
		lapic = lowest_priority(kvm, map, msg, source);
		if (lapic)
			r = deliver_one(lapic, msg, source);
		goto out;
	}
	for (id_range(kvm, map, msg, &id, &last); id < last; id++) {
		lapic = map_get(map, id);
		if (lapic && is_dest(lapic, msg, source))
			r = irq_result_add(r, deliver_one(lapic, msg, source));
	}
out:
	rcu_read_unlock();
	return r;
}

/* The vCPUs of one half of a bitmap. RCU held. Return: how many took it. */
static long send_half(struct kvm_vcpu *vcpu, const struct kvm_apic_map *map, u64 first, u64 bits,
		      const struct irq_msg *msg)
{
	struct kvm_lapic *lapic;
	long sent = 0;

	for (; bits; bits &= bits - 1) {
		u64 id = first + __ffs64(bits);

		if (id >= map->nr)
			break;
		lapic = map_get(map, id);
		if (lapic && deliver_one(lapic, msg, vcpu) >= 0)
			sent++;
	}
	return sent;
}

/**
 * irqchip_send_ipis() - KVM_HC_SEND_IPI: one message to many processors
 * @vcpu: the sender
 * @first: APIC id of the first bit
 * @low: first half of the destinations
 * @high: second half
 * @half: bits in each half, 32 or 64
 * @icr: low half of ICR: vector and delivery mode
 *
 * Documentation/virt/kvm/x86/hypercalls.rst, section 6.
 * Context: its thread. Return: how many took it; -KVM_EOPNOTSUPP without a local APIC, -KVM_EINVAL
 * if @icr wants a shorthand or logical destinations.
 */
long irqchip_send_ipis(struct kvm_vcpu *vcpu, u64 first, u64 low, u64 high, unsigned int half,
		       u64 icr)
{
	struct irq_msg msg = { .vector = icr, .mode = icr >> 8 & 7, .assert = true };
	const struct kvm_apic_map *map;
	long sent = 0;

	if (!vcpu->lapic)
		return -KVM_EOPNOTSUPP;
	if (icr & (LAPIC_ICR_LOGICAL | LAPIC_ICR_SHORTHAND))
		return -KVM_EINVAL;
	/* INIT's de-assert, which does nothing: lapic_regs_send(). */
	if (msg.mode == IRQ_INIT && (icr & (LAPIC_ICR_LEVEL | LAPIC_ICR_ASSERT)) == LAPIC_ICR_LEVEL)
		return 0;
	rcu_read_lock();
	map = rcu_dereference(vcpu->kvm->irqchip.apic_map);
	/* Beyond the last id there is nobody, and nothing to overflow. */
	if (map && first < map->nr) {
		sent = send_half(vcpu, map, first, low, &msg);
		sent += send_half(vcpu, map, first + half, high, &msg);
	}
	rcu_read_unlock();
	return sent;
}

/**
 * irqchip_raise_lint0() - the 8259's INT went up: tell the processors that listen
 * @kvm: the VM
 *
 * Context: any but NMI; no lock of ours held.
 */
void irqchip_raise_lint0(struct kvm *kvm)
{
	const struct kvm_apic_map *map;
	struct irq_msg msg = {};
	struct kvm_lapic *lapic;
	u32 id, lvt0;

	rcu_read_lock();
	map = rcu_dereference(kvm->irqchip.apic_map);
	for (id = 0; map && id < map->nr; id++) {
		lapic = map_get(map, id);
		if (!lapic)
			continue;
		if (lapic_takes_extint(lapic->vcpu)) {
			kvm_make_request(KVM_REQ_EVENT, lapic->vcpu);
			kvm_vcpu_kick(lapic->vcpu);
			continue;
		}
		/*
		 * LINT0 may also be a plain interrupt or an NMI: what Linux tries with a broken
		 * timer.
		 */
		lvt0 = lapic_get(&lapic->regs, LAPIC_LVT0);
		if (lvt0 & LAPIC_LVT_MASKED)
			continue;
		msg.vector = lvt0;
		msg.mode = LAPIC_LVT_MODE(lvt0);
		deliver_one(lapic, &msg, NULL);
	}
	rcu_read_unlock();
}
