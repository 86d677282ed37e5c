// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_IOEVENTFD: a guest's write to a port or an address, perhaps of one value alone, signals an
 * eventfd and is done with: a device's doorbell.
 */

#include <linux/eventfd.h>
#include <linux/slab.h>

#include "compat.h"
#include "ioeventfd.h"
#include "iobus.h"
#include "vcpu.h"

struct ioeventfd {
	struct kvm_io_device dev;
	struct list_head node; /* in kvm->ioeventfds */
	struct eventfd_ctx *ctx;
	enum kvm_bus bus;
	u64 addr;
	u32 len; /* 0: any */
	bool any_value;
	u64 value;
};

/* --- a write --------------------------------------------------------------------------------- */

static bool takes(const struct ioeventfd *e, gpa_t addr, int len, const void *val)
{
	u64 value = 0;

	if (addr != e->addr)
		return false;
	if (!e->len)
		return true;
	if (len != e->len)
		return false;
	memcpy(&value, val, len);
	return e->any_value || value == e->value;
}

static int doorbell_write(struct kvm_vcpu *vcpu, struct kvm_io_device *dev, gpa_t addr, int len,
			  const void *val)
{
	struct ioeventfd *e = container_of(dev, struct ioeventfd, dev);

	if (!takes(e, addr, len, val))
		return -EOPNOTSUPP;
	compat_eventfd_signal(e->ctx);
	return 0;
}

static int doorbell_read(struct kvm_vcpu *vcpu, struct kvm_io_device *dev, gpa_t addr, int len,
			 void *val)
{
	return -EOPNOTSUPP;
}

static const struct kvm_io_ops doorbell_ops = {
	.read = doorbell_read,
	.write = doorbell_write,
	.uncounted = true,
};

/* --- KVM_IOEVENTFD --------------------------------------------------------------------------- */

static bool valid(const struct kvm_ioeventfd *args)
{
	const u32 flags = KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_PIO;

	if (args->len > 8 || (args->len & (args->len - 1)))
		return false;
	if (args->addr + args->len < args->addr || (args->flags & ~flags))
		return false;
	/* A value has a length. */
	return args->len || !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
}

/* Would one write ring both? slots_lock held. */
static bool collides(struct kvm *kvm, const struct ioeventfd *new)
{
	struct ioeventfd *e;

	list_for_each_entry(e, &kvm->ioeventfds, node)
		if (e->bus == new->bus && e->addr == new->addr &&
		    (!e->len || !new->len ||
		     (e->len == new->len &&
		      (e->any_value || new->any_value || e->value == new->value))))
			return true;
	return false;
}

static enum kvm_bus bus_of(const struct kvm_ioeventfd *args)
{
	return args->flags & KVM_IOEVENTFD_FLAG_PIO ? KVM_PIO_BUS : KVM_MMIO_BUS;
}

/* Any length: of the widest access that the bus has, if the address space goes on so far. */
static u64 range_length(const struct ioeventfd *e)
{
	u64 room = 0 - e->addr;

	if (e->len)
		return e->len;
	return room ? min(room, 8ULL) : 8;
}

/* From here on the reference to the eventfd is the new one's, or given back. */
static long assign(struct kvm *kvm, const struct kvm_ioeventfd *args, struct eventfd_ctx *ctx)
{
	struct ioeventfd *e = kzalloc(sizeof(*e), GFP_KERNEL_ACCOUNT);
	int r = -ENOMEM;

	if (!e)
		goto err;
	e->dev.ops = &doorbell_ops;
	e->ctx = ctx;
	e->bus = bus_of(args);
	e->addr = args->addr;
	e->len = args->len;
	e->any_value = !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
	e->value = args->datamatch;
	r = -EEXIST;
	if (collides(kvm, e))
		goto err;
	r = iobus_register(kvm, e->bus, e->addr, range_length(e), &e->dev);
	if (r)
		goto err;
	list_add_tail(&e->node, &kvm->ioeventfds);
	return 0;

err:
	kfree(e);
	eventfd_ctx_put(ctx);
	return r;
}

static struct ioeventfd *find(struct kvm *kvm, const struct kvm_ioeventfd *args,
			      const struct eventfd_ctx *ctx)
{
	bool any = !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
	struct ioeventfd *e;

	list_for_each_entry(e, &kvm->ioeventfds, node)
		if (e->ctx == ctx && e->bus == bus_of(args) && e->addr == args->addr &&
		    e->len == args->len && e->any_value == any &&
		    (any || e->value == args->datamatch))
			return e;
	return NULL;
}

static void forget(struct ioeventfd *e)
{
	list_del(&e->node);
	eventfd_ctx_put(e->ctx);
	kfree(e);
}

static long deassign(struct kvm *kvm, const struct kvm_ioeventfd *args,
		     const struct eventfd_ctx *ctx)
{
	struct ioeventfd *e = find(kvm, args, ctx);

	if (!e)
		return -ENOENT;
	iobus_unregister(kvm, e->bus, &e->dev);
	forget(e);
	return 0;
}

/**
 * ioeventfd_set() - KVM_IOEVENTFD
 * @kvm: the VM
 * @args: where, how long, which value, which eventfd; KVM_IOEVENTFD_FLAG_DEASSIGN: no more
 *
 * Context: kvm->slots_lock held, may sleep. Return: 0; -EINVAL (length, flags, no eventfd), -EBADF,
 * -EEXIST (one write would signal two), -ENOENT (there is none such), -ENOMEM.
 */
long ioeventfd_set(struct kvm *kvm, const struct kvm_ioeventfd *args)
{
	bool off = args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN;
	struct eventfd_ctx *ctx;
	long r;

	if (!off && !valid(args))
		return -EINVAL;
	ctx = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	if (!off)
		return assign(kvm, args, ctx);
	r = deassign(kvm, args, ctx);
	eventfd_ctx_put(ctx);
	return r;
}

/* --- life ------------------------------------------------------------------------------------ */

void ioeventfd_init(struct kvm *kvm)
{
	INIT_LIST_HEAD(&kvm->ioeventfds);
}

void ioeventfd_destroy(struct kvm *kvm)
{
	struct ioeventfd *e, *next;

	list_for_each_entry_safe(e, next, &kvm->ioeventfds, node)
		forget(e);
}
