// SPDX-License-Identifier: GPL-2.0-only
/* The 8259 pair in the driver: its lock, its ports, its INT pin. The logic is in pic_model.c. */

#include <linux/slab.h>

#include "../trace.h"
#include "internal.h"

/*
 * Drop the lock after something may have changed: the INT pin and acknowledged lines are told to
 * others when it is dropped. @was: output before.
 */
static void pic_unlock(struct kvm_pic *pic, unsigned long flags, bool was)
	__releases(&pic->lock)
{
	bool raised = pic->model.output && !was;
	u16 acked = pic->model.acked & pic->ack_lines;

	pic->model.acked = 0;
	spin_unlock_irqrestore(&pic->lock, flags);

	if (acked & 0xff)
		irqchip_notify_ack(pic->kvm, KVM_IRQCHIP_PIC_MASTER, acked & 0xff);
	if (acked >> 8)
		irqchip_notify_ack(pic->kvm, KVM_IRQCHIP_PIC_SLAVE, acked >> 8);
	if (raised)
		irqchip_raise_lint0(pic->kvm);
}

/**
 * pic_set_irq() - a source raises or lowers its contribution to a line
 * @kvm: the VM, with 8259s
 * @line: 0-15
 * @source: enum kvm_irq_source
 * @level: up?
 *
 * Context: any but NMI. Return: IRQ_DELIVERED, IRQ_COALESCED, IRQ_IGNORED.
 */
int pic_set_irq(struct kvm *kvm, u32 line, u32 source, bool level)
{
	struct kvm_pic *pic = kvm->irqchip.pic;
	const struct kvm_pic_state *chip;
	unsigned long flags;
	bool was;
	int r;

	spin_lock_irqsave(&pic->lock, flags);
	was = pic->model.output;
	r = pic_model_set(&pic->model, line, source, level);
	chip = &pic->model.chip[line / 8];
	trace_kvm_pic_set_irq(line / 8, line % 8, chip->elcr, chip->imr, r == IRQ_COALESCED);
	pic_unlock(pic, flags, was);
	return r;
}

int pic_peek(struct kvm_pic *pic)
{
	unsigned long flags;
	int vector;

	spin_lock_irqsave(&pic->lock, flags);
	vector = pic_model_peek(&pic->model);
	spin_unlock_irqrestore(&pic->lock, flags);
	return vector;
}

/**
 * pic_ack() - INTA cycle
 * @pic: the pair
 *
 * Context: a vCPU's thread. Return: vector.
 */
u8 pic_ack(struct kvm_pic *pic)
{
	unsigned long flags;
	u8 vector;
	bool was;

	spin_lock_irqsave(&pic->lock, flags);
	was = pic->model.output;
	vector = pic_model_ack(&pic->model);
	pic_unlock(pic, flags, was);
	return vector;
}

void pic_set_ack_lines(struct kvm_pic *pic, u16 lines)
{
	unsigned long flags;

	spin_lock_irqsave(&pic->lock, flags);
	pic->ack_lines = lines;
	spin_unlock_irqrestore(&pic->lock, flags);
}

/* Byte-wide registers: a wider access is one to each port in turn. */
static int pio_read(struct kvm_vcpu *vcpu, struct kvm_io_device *dev, gpa_t addr, int len,
		    void *val)
{
	struct kvm_pic *pic = container_of(dev, struct kvm_pic, dev);
	u8 *byte = val;
	unsigned long flags;
	bool was;
	int i;

	spin_lock_irqsave(&pic->lock, flags);
	was = pic->model.output;
	for (i = 0; i < len; i++)
		byte[i] = pic_model_read(&pic->model, addr + i);
	pic_unlock(pic, flags, was);
	return 0;
}

static int pio_write(struct kvm_vcpu *vcpu, struct kvm_io_device *dev, gpa_t addr, int len,
		     const void *val)
{
	struct kvm_pic *pic = container_of(dev, struct kvm_pic, dev);
	const u8 *byte = val;
	unsigned long flags;
	bool was;
	int i;

	spin_lock_irqsave(&pic->lock, flags);
	was = pic->model.output;
	for (i = 0; i < len; i++)
		pic_model_write(&pic->model, addr + i, byte[i]);
	pic_unlock(pic, flags, was);
	return 0;
}

static const struct kvm_io_ops pic_ops = { .read = pio_read, .write = pio_write };

static const u16 pic_ports[] = { PIC_MASTER_PORT, PIC_SLAVE_PORT, PIC_ELCR_PORT };

/**
 * pic_create() - give a VM its 8259s
 * @kvm: the VM; kvm->slots_lock held
 *
 * Return: 0, -ENOMEM.
 */
int pic_create(struct kvm *kvm)
{
	struct kvm_pic *pic = kzalloc(sizeof(*pic), GFP_KERNEL_ACCOUNT);
	int i, r;

	if (!pic)
		return -ENOMEM;
	pic->dev.ops = &pic_ops;
	pic->kvm = kvm;
	spin_lock_init(&pic->lock);
	pic_model_reset(&pic->model);
	for (i = 0; i < ARRAY_SIZE(pic_ports); i++) {
		r = iobus_register(kvm, KVM_PIO_BUS, pic_ports[i], 2, &pic->dev);
		if (r)
			goto err;
	}
	kvm->irqchip.pic = pic;
	return 0;
err:
	if (i)
		iobus_unregister(kvm, KVM_PIO_BUS, &pic->dev);
	kfree(pic);
	return r;
}

/* Off the bus already, or nobody is inside kvm->srcu any more. */
void pic_destroy(struct kvm *kvm)
{
	kfree(kvm->irqchip.pic);
	kvm->irqchip.pic = NULL;
}

void pic_get_state(struct kvm *kvm, u32 chip, struct kvm_pic_state *state)
{
	struct kvm_pic *pic = kvm->irqchip.pic;
	unsigned long flags;

	spin_lock_irqsave(&pic->lock, flags);
	*state = pic->model.chip[chip];
	spin_unlock_irqrestore(&pic->lock, flags);
}

void pic_set_state(struct kvm *kvm, u32 chip, const struct kvm_pic_state *state)
{
	struct kvm_pic *pic = kvm->irqchip.pic;
	unsigned long flags;

	spin_lock_irqsave(&pic->lock, flags);
	pic_model_restore(&pic->model, chip, state);
	/* Whatever it was before: processors look again. */
	pic_unlock(pic, flags, false);
}
