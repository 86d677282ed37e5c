// SPDX-License-Identifier: GPL-2.0-only
/* The IOAPIC in the driver: its lock, its place on the bus. The logic is in ioapic_model.c. */

#include <linux/slab.h>

#include "../trace.h"
#include "internal.h"

#define IOAPIC_SIZE 0x100

/* Vectors whose EOI concerns the IOAPIC though they are edge triggered. */
static void update_ack_vectors(struct kvm_ioapic *ioapic)
{
	u32 pins = ioapic->ack_pins;

	/* Set before cleared: an EOI meanwhile may be seen in vain, but not be missed. */
	DECLARE_BITMAP(new, 256) = {};

	for (; pins; pins &= pins - 1)
		__set_bit(IOAPIC_VECTOR(ioapic->model.redir[__ffs(pins)]), new);
	bitmap_copy(ioapic->ack_vectors, new, 256);
}

/* Lock not held. Return: what became of the last message. */
static int send(struct kvm *kvm, struct kvm_ioapic *ioapic, const struct irq_batch *batch)
{
	int r = IRQ_IGNORED;
	unsigned long flags;
	u32 i;

	for (i = 0; i < batch->nr; i++) {
		const struct irq_msg *msg = &batch->msg[i];

		r = irqchip_deliver(kvm, msg, NULL);
		if (likely(r >= 0) || !msg->level)
			continue;
		spin_lock_irqsave(&ioapic->lock, flags);
		ioapic_model_refused(&ioapic->model, msg->pin);
		spin_unlock_irqrestore(&ioapic->lock, flags);
	}
	return r;
}

/**
 * ioapic_set_irq() - a source raises or lowers its contribution to a pin
 * @kvm: the VM, with an IOAPIC
 * @pin: below IOAPIC_PINS
 * @source: enum kvm_irq_source
 * @level: up?
 *
 * Context: any but NMI. Return: number of APICs, IRQ_COALESCED, IRQ_IGNORED.
 */
int ioapic_set_irq(struct kvm *kvm, u32 pin, u32 source, bool level)
{
	struct kvm_ioapic *ioapic = kvm->irqchip.ioapic;
	struct irq_batch batch;
	unsigned long flags;
	int r;

	batch.nr = 0;
	spin_lock_irqsave(&ioapic->lock, flags);
	r = ioapic_model_set(&ioapic->model, pin, source, level, &batch);
	trace_kvm_ioapic_set_irq(ioapic->model.redir[pin], pin, r == IRQ_COALESCED);
	spin_unlock_irqrestore(&ioapic->lock, flags);
	return batch.nr ? send(kvm, ioapic, &batch) : r;
}

/* Of the pins of a vector, those that could have sent it to this vCPU. */
static u32 pins_of_vcpu(struct kvm_ioapic *ioapic, u32 pins, struct kvm_vcpu *vcpu)
{
	u32 todo, r = 0;

	for (todo = pins; todo; todo &= todo - 1) {
		u32 pin = __ffs(todo);
		u64 e = ioapic->model.redir[pin];
		const struct irq_msg msg = {
			.dest = IOAPIC_DEST(e),
			.logical = e & IOAPIC_LOGICAL,
			.bcast = IOAPIC_DEST(e) == 0xff ? ioapic->model.bcast : IRQ_BCAST_NONE,
		};

		if (lapic_regs_match(&vcpu->lapic->regs, &msg))
			r |= BIT(pin);
	}
	return r;
}

/**
 * ioapic_eoi() - a vCPU acknowledged an interrupt that may have come from here
 * @vcpu: the vCPU
 * @vector: the interrupt
 *
 * A line that is still high is sent again: one bit in an IRR, no way back into here
 * (CVE-2020-27152).
 *
 * Context: the vCPU's thread.
 */
void ioapic_eoi(struct kvm_vcpu *vcpu, u8 vector)
{
	struct kvm_ioapic *ioapic = vcpu->kvm->irqchip.ioapic;
	struct irq_batch batch;
	unsigned long flags;
	u32 level, all, notify;

	spin_lock_irqsave(&ioapic->lock, flags);
	level = ioapic_model_eoi(&ioapic->model, vector, &all);
	/*
	 * Level: the bus says only the vector. Edge: vectors mean different things on different
	 * CPUs.
	 */
	notify = level | pins_of_vcpu(ioapic, all & ~level, vcpu);
	notify &= ioapic->ack_pins;
	spin_unlock_irqrestore(&ioapic->lock, flags);

	if (notify)
		irqchip_notify_ack(vcpu->kvm, KVM_IRQCHIP_IOAPIC, notify);
	if (!level)
		return;
	batch.nr = 0;
	spin_lock_irqsave(&ioapic->lock, flags);
	ioapic_model_service(&ioapic->model, level, &batch);
	spin_unlock_irqrestore(&ioapic->lock, flags);
	send(vcpu->kvm, ioapic, &batch);
}

void ioapic_set_ack_pins(struct kvm_ioapic *ioapic, u32 pins)
{
	unsigned long flags;

	spin_lock_irqsave(&ioapic->lock, flags);
	ioapic->ack_pins = pins;
	update_ack_vectors(ioapic);
	spin_unlock_irqrestore(&ioapic->lock, flags);
}

void ioapic_set_bcast(struct kvm_ioapic *ioapic, enum irq_broadcast bcast)
{
	unsigned long flags;

	spin_lock_irqsave(&ioapic->lock, flags);
	ioapic->model.bcast = bcast;
	spin_unlock_irqrestore(&ioapic->lock, flags);
}

static int mmio_read(struct kvm_vcpu *vcpu, struct kvm_io_device *dev, gpa_t addr, int len,
		     void *val)
{
	struct kvm_ioapic *ioapic = container_of(dev, struct kvm_ioapic, dev);
	unsigned long flags;
	u32 reg;

	spin_lock_irqsave(&ioapic->lock, flags);
	reg = ioapic_model_read(&ioapic->model, addr & (IOAPIC_SIZE - 1));
	spin_unlock_irqrestore(&ioapic->lock, flags);
	memset(val, 0, len);
	memcpy(val, &reg, min_t(int, len, sizeof(reg)));
	return 0;
}

static int mmio_write(struct kvm_vcpu *vcpu, struct kvm_io_device *dev, gpa_t addr, int len,
		      const void *val)
{
	struct kvm_ioapic *ioapic = container_of(dev, struct kvm_ioapic, dev);
	struct irq_batch batch;
	unsigned long flags;
	u32 reg = 0;

	memcpy(&reg, val, min_t(int, len, sizeof(reg)));
	batch.nr = 0;
	spin_lock_irqsave(&ioapic->lock, flags);
	ioapic_model_write(&ioapic->model, addr & (IOAPIC_SIZE - 1), reg, &batch);
	if (ioapic->ack_pins)
		update_ack_vectors(ioapic);
	spin_unlock_irqrestore(&ioapic->lock, flags);
	send(vcpu->kvm, ioapic, &batch);
	return 0;
}

static const struct kvm_io_ops ioapic_ops = { .read = mmio_read, .write = mmio_write };

/**
 * ioapic_create() - give a VM its IOAPIC
 * @kvm: the VM; kvm->slots_lock held
 *
 * Return: 0, -ENOMEM.
 */
int ioapic_create(struct kvm *kvm)
{
	struct kvm_ioapic *ioapic = kzalloc(sizeof(*ioapic), GFP_KERNEL_ACCOUNT);
	int r;

	if (!ioapic)
		return -ENOMEM;
	ioapic->dev.ops = &ioapic_ops;
	spin_lock_init(&ioapic->lock);
	ioapic_model_reset(&ioapic->model);
	ioapic->model.bcast = kvm->irqchip.bcast;
	r = iobus_register(kvm, KVM_MMIO_BUS, IOAPIC_DEFAULT_BASE, IOAPIC_SIZE, &ioapic->dev);
	if (r) {
		kfree(ioapic);
		return r;
	}
	kvm->irqchip.ioapic = ioapic;
	return 0;
}

/* Off the bus already, or nobody is inside kvm->srcu any more. */
void ioapic_destroy(struct kvm *kvm)
{
	kfree(kvm->irqchip.ioapic);
	kvm->irqchip.ioapic = NULL;
}

void ioapic_get_state(struct kvm *kvm, struct kvm_ioapic_state *state)
{
	struct kvm_ioapic *ioapic = kvm->irqchip.ioapic;
	unsigned long flags;

	spin_lock_irqsave(&ioapic->lock, flags);
	ioapic_model_save(&ioapic->model, state);
	spin_unlock_irqrestore(&ioapic->lock, flags);
	state->base_address = IOAPIC_DEFAULT_BASE;
}

void ioapic_set_state(struct kvm *kvm, const struct kvm_ioapic_state *state)
{
	struct kvm_ioapic *ioapic = kvm->irqchip.ioapic;
	struct irq_batch batch;
	unsigned long flags;

	batch.nr = 0;
	spin_lock_irqsave(&ioapic->lock, flags);
	ioapic_model_restore(&ioapic->model, state, &batch);
	update_ack_vectors(ioapic);
	spin_unlock_irqrestore(&ioapic->lock, flags);
	send(kvm, ioapic, &batch);
}
