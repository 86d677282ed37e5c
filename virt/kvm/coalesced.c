// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CAP_COALESCED_MMIO, KVM_CAP_COALESCED_PIO: writes that userspace need not hear of at once.
 * One ring a VM, mapped behind each vCPU's pages: the kernel writes at `last`, userspace reads at
 * `first`. When it is full a write is an exit, as it was without.
 *
 * An entry is in the ring before the guest's next instruction runs, so before any exit behind it:
 * userspace that empties the ring at each exit sees all accesses of a vCPU in their order.
 */

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "coalesced.h"
#include "iobus.h"
#include "vcpu.h"

struct coalesced_zone {
	struct kvm_io_device dev;
	struct list_head node;
	struct kvm_coalesced_mmio_zone zone;
};

static enum kvm_bus bus_of(const struct kvm_coalesced_mmio_zone *zone)
{
	return zone->pio ? KVM_PIO_BUS : KVM_MMIO_BUS;
}

/* --- the ring -------------------------------------------------------------------------------- */

/*
 * Both indices are userspace's to write: what is read is looked at once, and no index is used
 * beyond the ring. Return: 0, or -EOPNOTSUPP: full, or spoilt.
 */
static int ring_add(struct kvm_coalesced *c, const struct kvm_coalesced_mmio *entry)
{
	struct kvm_coalesced_mmio_ring *ring = page_address(c->page);
	u32 last = READ_ONCE(ring->last), next;

	if (last >= KVM_COALESCED_MMIO_MAX)
		return -EOPNOTSUPP;
	next = (last + 1) % KVM_COALESCED_MMIO_MAX;
	if (next == READ_ONCE(ring->first))
		return -EOPNOTSUPP;
	ring->coalesced_mmio[last] = *entry;
	/* Pairs with userspace's barrier between reading `last` and the entry. */
	smp_wmb();
	WRITE_ONCE(ring->last, next);
	return 0;
}

static int zone_write(struct kvm_vcpu *vcpu, struct kvm_io_device *dev, gpa_t addr, int len,
		      const void *val)
{
	struct coalesced_zone *z = container_of(dev, struct coalesced_zone, dev);
	struct kvm_coalesced *c = &vcpu->kvm->coalesced;
	struct kvm_coalesced_mmio entry = {
		.phys_addr = addr,
		.len = len,
		.pio = z->zone.pio,
	};
	int r;

	memcpy(entry.data, val, len);
	spin_lock(&c->lock);
	r = ring_add(c, &entry);
	spin_unlock(&c->lock);
	return r;
}

/* A read needs its answer now. */
static int zone_read(struct kvm_vcpu *vcpu, struct kvm_io_device *dev, gpa_t addr, int len,
		     void *val)
{
	return -EOPNOTSUPP;
}

static const struct kvm_io_ops zone_ops = { .read = zone_read, .write = zone_write };

/* --- zones ----------------------------------------------------------------------------------- */

/**
 * coalesced_register() - writes to a zone go into the ring from now on
 * @kvm: the VM
 * @zone: address, bytes, ports or memory
 *
 * Context: kvm->slots_lock held, may sleep. Return: 0, -EINVAL (empty or wrapping, or neither ports
 * nor memory), -ENOMEM, -ENOSPC.
 */
int coalesced_register(struct kvm *kvm, const struct kvm_coalesced_mmio_zone *zone)
{
	struct coalesced_zone *z;
	int r;

	if (zone->pio > 1)
		return -EINVAL;
	z = kzalloc(sizeof(*z), GFP_KERNEL_ACCOUNT);
	if (!z)
		return -ENOMEM;
	z->dev.ops = &zone_ops;
	z->zone = *zone;
	r = iobus_register(kvm, bus_of(zone), zone->addr, zone->size, &z->dev);
	if (r) {
		kfree(z);
		return r;
	}
	list_add_tail(&z->node, &kvm->coalesced.zones);
	return 0;
}

static bool contains(const struct kvm_coalesced_mmio_zone *outer,
		     const struct kvm_coalesced_mmio_zone *inner)
{
	u64 offset = inner->addr - outer->addr;

	return outer->pio == inner->pio && offset < outer->size &&
	       inner->size <= outer->size - offset;
}

/**
 * coalesced_unregister() - undo it for all zones that contain this one
 * @kvm: the VM
 * @zone: as above; what is in the ring stays there
 *
 * Context: kvm->slots_lock held, may sleep. Return: 0, also where there was none; -EINVAL.
 */
int coalesced_unregister(struct kvm *kvm, const struct kvm_coalesced_mmio_zone *zone)
{
	struct coalesced_zone *z, *next;

	if (zone->pio > 1)
		return -EINVAL;
	list_for_each_entry_safe(z, next, &kvm->coalesced.zones, node) {
		if (!contains(&z->zone, zone))
			continue;
		iobus_unregister(kvm, bus_of(&z->zone), &z->dev);
		list_del(&z->node);
		kfree(z);
	}
	return 0;
}

/* --- life ------------------------------------------------------------------------------------ */

/**
 * coalesced_init() - a VM begins, with an empty ring
 * @kvm: the VM
 *
 * Return: 0, -ENOMEM.
 */
int coalesced_init(struct kvm *kvm)
{
	struct kvm_coalesced *c = &kvm->coalesced;

	INIT_LIST_HEAD(&c->zones);
	spin_lock_init(&c->lock);
	c->page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	return c->page ? 0 : -ENOMEM;
}

/**
 * coalesced_destroy() - free zones and ring; who maps the ring still keeps its page
 * @kvm: the VM, whose buses are gone
 */
void coalesced_destroy(struct kvm *kvm)
{
	struct kvm_coalesced *c = &kvm->coalesced;
	struct coalesced_zone *z, *next;

	list_for_each_entry_safe(z, next, &c->zones, node)
		kfree(z);
	put_page(c->page);
}
