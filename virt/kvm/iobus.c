// SPDX-License-Identifier: GPL-2.0-only
/* In-kernel port and memory-mapped devices: an immutable sorted array, replaced under SRCU. */

#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/srcu.h>

#include "vcpu.h"
#include "iobus.h"

#define MAX_DEVICES 1000

struct kvm_io_range {
	gpa_t addr;
	gpa_t len;
	struct kvm_io_device *dev;
};

/* Sorted by addr. Ranges may overlap: the first that takes an access has it. */
struct kvm_io_bus {
	u32 nr;
	gpa_t longest; /* no range is longer: bounds the search to the left */
	struct kvm_io_range range[];
};

int iobus_init(struct kvm *kvm)
{
	int i;

	for (i = 0; i < KVM_NR_BUSES; i++) {
		struct kvm_io_bus *bus = kzalloc(sizeof(*bus), GFP_KERNEL_ACCOUNT);

		if (!bus) {
			iobus_destroy(kvm);
			return -ENOMEM;
		}
		rcu_assign_pointer(kvm->bus[i], bus);
	}
	return 0;
}

/* Nobody is inside kvm->srcu any more. */
void iobus_destroy(struct kvm *kvm)
{
	int i;

	for (i = 0; i < KVM_NR_BUSES; i++) {
		kvfree(rcu_dereference_protected(kvm->bus[i], 1));
		RCU_INIT_POINTER(kvm->bus[i], NULL);
	}
}

static struct kvm_io_bus *bus_locked(struct kvm *kvm, enum kvm_bus bus)
{
	return rcu_dereference_protected(kvm->bus[bus], lockdep_is_held(&kvm->slots_lock));
}

static void bus_replace(struct kvm *kvm, enum kvm_bus bus, struct kvm_io_bus *new)
{
	struct kvm_io_bus *old = bus_locked(kvm, bus);
	u32 i;

	for (i = 0; i < new->nr; i++)
		new->longest = max(new->longest, new->range[i].len);
	rcu_assign_pointer(kvm->bus[bus], new);
	synchronize_srcu_expedited(&kvm->srcu);
	kvfree(old);
}

static u32 nr_counted(const struct kvm_io_bus *bus)
{
	u32 i, nr = 0;

	for (i = 0; i < bus->nr; i++)
		nr += !bus->range[i].dev->ops->uncounted;
	return nr;
}

/**
 * iobus_register() - put a device on a bus
 * @kvm: the VM
 * @bus: which one
 * @addr: first address, port number or gpa
 * @len: bytes
 * @dev: the device; must live until iobus_unregister()
 *
 * Context: kvm->slots_lock held, may sleep. Return: 0, -ENOMEM, -ENOSPC, -EINVAL (wraps).
 */
int iobus_register(struct kvm *kvm, enum kvm_bus bus, gpa_t addr, gpa_t len,
		   struct kvm_io_device *dev)
{
	struct kvm_io_bus *old = bus_locked(kvm, bus), *new;
	u32 at = 0;

	lockdep_assert_held(&kvm->slots_lock);
	if (!len || addr + len - 1 < addr)
		return -EINVAL;
	if (!dev->ops->uncounted && nr_counted(old) >= MAX_DEVICES)
		return -ENOSPC;
	new = kvzalloc(struct_size(new, range, old->nr + 1), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->nr = old->nr + 1;
	while (at < old->nr && old->range[at].addr <= addr)
		at++;
	memcpy(new->range, old->range, at * sizeof(*new->range));
	new->range[at] = (struct kvm_io_range){ addr, len, dev };
	memcpy(new->range + at + 1, old->range + at, (old->nr - at) * sizeof(*new->range));
	bus_replace(kvm, bus, new);
	return 0;
}

/**
 * iobus_unregister() - take a device off a bus, from all of its ranges
 * @kvm: the VM
 * @bus: which one
 * @dev: the device; nobody calls it any more on return
 *
 * Context: kvm->slots_lock held, may sleep; not inside kvm->srcu.
 */
void iobus_unregister(struct kvm *kvm, enum kvm_bus bus, struct kvm_io_device *dev)
{
	struct kvm_io_bus *old = bus_locked(kvm, bus), *new;
	u32 i;

	lockdep_assert_held(&kvm->slots_lock);
	new = kvzalloc(struct_size(new, range, old->nr), GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	for (i = 0; i < old->nr; i++)
		if (old->range[i].dev != dev)
			new->range[new->nr++] = old->range[i];
	bus_replace(kvm, bus, new);
}

/* Index of the first range that could contain addr. */
static u32 bus_first(const struct kvm_io_bus *bus, gpa_t addr)
{
	gpa_t from = addr >= bus->longest ? addr - bus->longest : 0;
	u32 lo = 0, hi = bus->nr;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (bus->range[mid].addr < from)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool covers(const struct kvm_io_range *range, gpa_t addr, int len)
{
	return addr - range->addr < range->len && len <= range->len - (addr - range->addr);
}

/**
 * iobus_read() - let an in-kernel device answer a read
 * @vcpu: who reads
 * @bus: which bus
 * @addr: port or gpa
 * @len: bytes, 1 to 8
 * @val: out
 *
 * Context: kvm->srcu read section. Return: 0, or -EOPNOTSUPP: nobody's.
 */
int iobus_read(struct kvm_vcpu *vcpu, enum kvm_bus bus, gpa_t addr, int len, void *val)
{
	struct kvm_io_bus *b = srcu_dereference(vcpu->kvm->bus[bus], &vcpu->kvm->srcu);
	u32 i;

	for (i = bus_first(b, addr); i < b->nr && b->range[i].addr <= addr; i++)
		if (covers(&b->range[i], addr, len) &&
		    !b->range[i].dev->ops->read(vcpu, b->range[i].dev, addr, len, val))
			return 0;
	return -EOPNOTSUPP;
}

/**
 * iobus_write() - let an in-kernel device take a write
 * @vcpu: who writes
 * @bus: which bus
 * @addr: port or gpa
 * @len: bytes, 1 to 8
 * @val: in
 *
 * Context: kvm->srcu read section. Return: 0, or -EOPNOTSUPP: nobody's.
 */
int iobus_write(struct kvm_vcpu *vcpu, enum kvm_bus bus, gpa_t addr, int len, const void *val)
{
	struct kvm_io_bus *b = srcu_dereference(vcpu->kvm->bus[bus], &vcpu->kvm->srcu);
	u32 i;

	for (i = bus_first(b, addr); i < b->nr && b->range[i].addr <= addr; i++)
		if (covers(&b->range[i], addr, len) &&
		    !b->range[i].dev->ops->write(vcpu, b->range[i].dev, addr, len, val))
			return 0;
	return -EOPNOTSUPP;
}
