// SPDX-License-Identifier: GPL-2.0-only
/*
 * The routing table: what each GSI is connected to. And the way back: who wants to know when the
 * guest acknowledges a GSI.
 */

#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/srcu.h>

#include "../trace.h"
#include "internal.h"

#define PIC_PINS 8

struct kvm_route {
	u8 chip; /* KVM_IRQCHIP_*, or ROUTE_MSI */
	u8 pin;
	u32 address_lo, address_hi, data;
};

#define ROUTE_MSI 0xff

/* Immutable; replaced under irq_lock, read under kvm->srcu. */
struct kvm_irq_routes {
	u32 nr_gsi;
	u32 *first; /* nr_gsi + 1 indices: where a GSI's routes begin, and the one before ends */
	struct kvm_route route[];
};

/* --- delivery -------------------------------------------------------------------------------- */

/**
 * irqchip_send_msi() - carry out a write to the LAPICs' address range
 * @kvm: the VM
 * @address_lo: destination in bits 19:12, redirection hint bit 3, logical bit 2
 * @address_hi: destination bits 31:8 with KVM_X2APIC_API_USE_32BIT_IDS
 * @data: vector bits 7:0, mode 10:8, assert 14, level 15 (SDM vol. 3, 11.11)
 *
 * Context: any but NMI. Return: number of APICs, IRQ_COALESCED, IRQ_IGNORED.
 */
int irqchip_send_msi(struct kvm *kvm, u32 address_lo, u32 address_hi, u32 data)
{
	struct irq_msg msg = {
		.dest = address_lo >> 12 & 0xff,
		.vector = data,
		.mode = data >> 8 & 7,
		.logical = address_lo & BIT(2),
		.level = data & BIT(15),
		.assert = true,
	};

	trace_kvm_msi_set_irq((u64)address_hi << 32 | address_lo, data);
	if (kvm->irqchip.x2apic_32bit_ids)
		msg.dest |= address_hi & 0xffffff00;
	if (msg.dest == 0xff)
		msg.bcast = kvm->irqchip.bcast;
	else if (msg.dest == ~0U)
		msg.bcast = IRQ_BCAST_ALL;
	if (msg.mode == IRQ_SIPI || msg.mode == IRQ_EXTINT)
		return IRQ_IGNORED;
	if (msg.mode == IRQ_FIXED && (address_lo & BIT(3)))
		msg.mode = IRQ_LOWEST;
	return irqchip_deliver(kvm, &msg, NULL);
}

static int route_set(struct kvm *kvm, const struct kvm_route *route, u32 source, bool level)
{
	switch (route->chip) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		return pic_set_irq(kvm, route->chip * PIC_PINS + route->pin, source, level);
	case KVM_IRQCHIP_IOAPIC:
		return ioapic_set_irq(kvm, route->pin, source, level);
	default:
		if (!level)
			return IRQ_IGNORED;
		return irqchip_send_msi(kvm, route->address_lo, route->address_hi, route->data);
	}
}

/**
 * irqchip_set_irq() - a source raises or lowers its contribution to a GSI
 * @kvm: the VM
 * @source: enum kvm_irq_source
 * @gsi: any number
 * @level: up? For an MSI: 1 sends it
 *
 * Context: any but NMI; no lock of irqchip/ held. Return: number of targets, IRQ_COALESCED, or
 * IRQ_IGNORED: masked or not connected.
 */
int irqchip_set_irq(struct kvm *kvm, u32 source, u32 gsi, int level)
{
	const struct kvm_irq_routes *routes;
	int idx, r = IRQ_IGNORED;
	u32 i;

	trace_kvm_set_irq(gsi, level, source);
	idx = srcu_read_lock(&kvm->srcu);
	routes = srcu_dereference(kvm->irqchip.routes, &kvm->srcu);
	if (routes && gsi < routes->nr_gsi) {
		gsi = array_index_nospec(gsi, routes->nr_gsi);
		for (i = routes->first[gsi]; i < routes->first[gsi + 1]; i++)
			r = irq_result_add(r, route_set(kvm, &routes->route[i], source, level));
	}
	srcu_read_unlock(&kvm->srcu, idx);
	return r;
}
EXPORT_SYMBOL_NS_GPL(irqchip_set_irq, GUESTMODE);

/* --- acknowledgement ------------------------------------------------------------------------- */

static u32 gsi_pins(const struct kvm_irq_routes *routes, u32 gsi, u32 chip)
{
	u32 i, pins = 0;

	if (!routes || gsi >= routes->nr_gsi)
		return 0;
	for (i = routes->first[gsi]; i < routes->first[gsi + 1]; i++)
		if (routes->route[i].chip == chip)
			pins |= BIT(routes->route[i].pin);
	return pins;
}

/**
 * irqchip_notify_ack() - the guest acknowledged interrupts
 * @kvm: the VM
 * @chip: KVM_IRQCHIP_*
 * @pins: bit mask of the chip's pins
 *
 * Context: a vCPU's thread; no lock of irqchip/ held.
 */
void irqchip_notify_ack(struct kvm *kvm, u32 chip, u32 pins)
{
	const struct kvm_irq_routes *routes;
	struct kvm_irq_ack *ack;
	int idx;

	idx = srcu_read_lock(&kvm->srcu);
	routes = srcu_dereference(kvm->irqchip.routes, &kvm->srcu);
	hlist_for_each_entry_srcu(ack, &kvm->irqchip.acks, node, srcu_read_lock_held(&kvm->srcu))
		if (gsi_pins(routes, ack->gsi, chip) & pins) {
			trace_kvm_ack_irq(chip, __ffs(gsi_pins(routes, ack->gsi, chip) & pins));
			ack->acked(ack);
		}
	srcu_read_unlock(&kvm->srcu, idx);
}

/* Tell the chips whose acknowledgements somebody waits for. irq_lock held. */
static void update_acks(struct kvm *kvm)
{
	const struct kvm_irq_routes *routes =
		rcu_dereference_protected(kvm->irqchip.routes, lockdep_is_held(&kvm->irq_lock));
	u32 pins[KVM_NR_IRQCHIPS] = {}, chip;
	struct kvm_irq_ack *ack;

	hlist_for_each_entry(ack, &kvm->irqchip.acks, node)
		for (chip = 0; chip < KVM_NR_IRQCHIPS; chip++)
			pins[chip] |= gsi_pins(routes, ack->gsi, chip);
	if (kvm->irqchip.pic)
		pic_set_ack_lines(kvm->irqchip.pic, pins[KVM_IRQCHIP_PIC_MASTER] |
							    pins[KVM_IRQCHIP_PIC_SLAVE] << 8);
	if (kvm->irqchip.ioapic)
		ioapic_set_ack_pins(kvm->irqchip.ioapic, pins[KVM_IRQCHIP_IOAPIC]);
}

/**
 * irqchip_register_ack() - have @ack->acked() called when the guest acknowledges @ack->gsi
 * @kvm: the VM
 * @ack: lives until irqchip_unregister_ack()
 *
 * Context: may sleep.
 */
void irqchip_register_ack(struct kvm *kvm, struct kvm_irq_ack *ack)
{
	mutex_lock(&kvm->irq_lock);
	hlist_add_head_rcu(&ack->node, &kvm->irqchip.acks);
	update_acks(kvm);
	mutex_unlock(&kvm->irq_lock);
}

/**
 * irqchip_unregister_ack() - undo it; nobody is inside acked() on return
 * @kvm: the VM
 * @ack: the registration
 *
 * Context: may sleep; not inside kvm->srcu.
 */
void irqchip_unregister_ack(struct kvm *kvm, struct kvm_irq_ack *ack)
{
	mutex_lock(&kvm->irq_lock);
	hlist_del_init_rcu(&ack->node);
	update_acks(kvm);
	mutex_unlock(&kvm->irq_lock);
	synchronize_srcu_expedited(&kvm->srcu);
}

/* --- the table ------------------------------------------------------------------------------- */

static int make_route(struct kvm *kvm, const struct kvm_irq_routing_entry *e, struct kvm_route *r)
{
	switch (e->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		if (!kvm->irqchip.ioapic || e->flags || e->u.irqchip.irqchip >= KVM_NR_IRQCHIPS)
			return -EINVAL;
		if (e->u.irqchip.pin >=
		    (e->u.irqchip.irqchip == KVM_IRQCHIP_IOAPIC ? IOAPIC_PINS : PIC_PINS))
			return -EINVAL;
		r->chip = e->u.irqchip.irqchip;
		r->pin = e->u.irqchip.pin;
		return 0;
	case KVM_IRQ_ROUTING_MSI:
		if (e->flags)
			return -EINVAL;
		/* Destination bits 7:0 are in the low half. */
		if (kvm->irqchip.x2apic_32bit_ids && (e->u.msi.address_hi & 0xff))
			return -EINVAL;
		r->chip = ROUTE_MSI;
		r->address_lo = e->u.msi.address_lo;
		r->address_hi = e->u.msi.address_hi;
		r->data = e->u.msi.data;
		return 0;
	default:
		return -EINVAL;
	}
}

/* A GSI goes to each chip at most once, and an MSI stands alone. */
static int add_route(struct kvm_irq_routes *routes, u32 gsi, u32 used, const struct kvm_route *r)
{
	struct kvm_route *slot = routes->route + routes->first[gsi];
	u32 i;

	for (i = 0; i < used; i++)
		if (slot[i].chip == r->chip || slot[i].chip == ROUTE_MSI || r->chip == ROUTE_MSI)
			return -EINVAL;
	slot[used] = *r;
	return 0;
}

/* Sort by GSI: count, sum up, place. */
static int fill_routes(struct kvm *kvm, struct kvm_irq_routes *routes, u8 *used,
		       const struct kvm_irq_routing_entry *entries, u32 nr)
{
	struct kvm_route route;
	u32 i, gsi, sum = 0;
	int r;

	for (i = 0; i < nr; i++)
		routes->first[entries[i].gsi + 1]++;
	for (gsi = 0; gsi <= routes->nr_gsi; gsi++) {
		sum += routes->first[gsi];
		routes->first[gsi] = sum;
	}
	for (i = 0; i < nr; i++) {
		gsi = entries[i].gsi;
		memset(&route, 0, sizeof(route));
		r = make_route(kvm, &entries[i], &route);
		if (!r)
			r = add_route(routes, gsi, used[gsi], &route);
		if (r)
			return r;
		/* At most one a chip passes add_route(): no overflow. */
		used[gsi]++;
	}
	return 0;
}

static void free_routes(struct kvm_irq_routes *routes)
{
	if (routes)
		kvfree(routes->first);
	kvfree(routes);
}

/**
 * routes_set() - replace the routing table
 * @kvm: the VM
 * @entries: kernel copy of userspace's entries
 * @nr: how many, at most KVM_MAX_IRQ_ROUTES
 *
 * Context: may sleep; not inside kvm->srcu. Return: 0, -EINVAL, -ENOMEM.
 */
int routes_set(struct kvm *kvm, const struct kvm_irq_routing_entry *entries, u32 nr)
{
	struct kvm_irq_routes *routes, *old;
	u32 i, nr_gsi = 0;
	u8 *used = NULL;
	int r = -ENOMEM;

	for (i = 0; i < nr; i++) {
		if (entries[i].gsi >= KVM_MAX_IRQ_ROUTES)
			return -EINVAL;
		nr_gsi = max(nr_gsi, entries[i].gsi + 1);
	}
	routes = kvzalloc(struct_size(routes, route, nr), GFP_KERNEL_ACCOUNT);
	if (!routes)
		return -ENOMEM;
	routes->nr_gsi = nr_gsi;
	routes->first = kvcalloc(nr_gsi + 1, sizeof(*routes->first), GFP_KERNEL_ACCOUNT);
	used = kvcalloc(nr_gsi + 1, sizeof(*used), GFP_KERNEL_ACCOUNT);
	if (routes->first && used)
		r = fill_routes(kvm, routes, used, entries, nr);
	kvfree(used);
	if (r) {
		free_routes(routes);
		return r;
	}

	mutex_lock(&kvm->irq_lock);
	old = rcu_dereference_protected(kvm->irqchip.routes, lockdep_is_held(&kvm->irq_lock));
	rcu_assign_pointer(kvm->irqchip.routes, routes);
	update_acks(kvm);
	mutex_unlock(&kvm->irq_lock);
	synchronize_srcu_expedited(&kvm->srcu);
	free_routes(old);
	return 0;
}

/**
 * routes_set_default() - GSI 0-15 to the 8259s and the IOAPIC's pins 0-15, 16-23 to the IOAPIC
 * @kvm: the VM, whose chips exist
 *
 * Return: 0, -ENOMEM.
 */
int routes_set_default(struct kvm *kvm)
{
	struct kvm_irq_routing_entry *entries, *e;
	u32 gsi;
	int r;

	entries = kcalloc(IOAPIC_PINS + PIC_LINES, sizeof(*entries), GFP_KERNEL_ACCOUNT);
	if (!entries)
		return -ENOMEM;
	for (gsi = 0, e = entries; gsi < IOAPIC_PINS; gsi++) {
		*e++ = (struct kvm_irq_routing_entry){
			.gsi = gsi,
			.type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip = { KVM_IRQCHIP_IOAPIC, gsi },
		};
		if (gsi >= PIC_LINES)
			continue;
		*e++ = (struct kvm_irq_routing_entry){
			.gsi = gsi,
			.type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip = { gsi / PIC_PINS, gsi % PIC_PINS },
		};
	}
	r = routes_set(kvm, entries, e - entries);
	kfree(entries);
	return r;
}

/* Nobody is inside kvm->srcu any more. */
void routes_destroy(struct kvm *kvm)
{
	free_routes(rcu_dereference_protected(kvm->irqchip.routes, 1));
	RCU_INIT_POINTER(kvm->irqchip.routes, NULL);
}
