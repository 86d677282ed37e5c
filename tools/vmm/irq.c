// SPDX-License-Identifier: GPL-2.0-only
/* Interrupt controllers in the kernel, wired as on a PC. */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include "irq.h"
#include "layout.h"
#include "vm.h"

#define ISA_IRQS	16
#define IOAPIC_PINS	24
#define PIC_PINS	8

/*
 * KVM's first routing connects every GSI to the IOAPIC pin of its number. On a PC the timer's
 * IRQ 0 arrives at pin 2 (and IRQ 2, the second PIC's cascade, nowhere); kernels know that from
 * the MADT's override, some assume it.
 */
static int irq_set_routing(struct vm *vm)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry[ISA_IRQS + IOAPIC_PINS];
	} table = { 0 };
	struct kvm_irq_routing_entry *e = table.entry;
	unsigned int gsi;

	for (gsi = 0; gsi < IOAPIC_PINS; gsi++) {
		if (gsi == GSI_PIT_IOAPIC)
			continue;
		if (gsi < ISA_IRQS) {
			e->gsi = gsi;
			e->type = KVM_IRQ_ROUTING_IRQCHIP;
			e->u.irqchip.irqchip = gsi < PIC_PINS ? KVM_IRQCHIP_PIC_MASTER :
								KVM_IRQCHIP_PIC_SLAVE;
			e->u.irqchip.pin = gsi % PIC_PINS;
			e++;
		}
		e->gsi = gsi;
		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e->u.irqchip.pin = gsi ? gsi : GSI_PIT_IOAPIC;
		e++;
	}
	table.head.nr = e - table.entry;
	return ioctl(vm->fd, KVM_SET_GSI_ROUTING, &table);
}

/**
 * irq_create_chips() - Create PICs, IOAPIC, local APICs to be, and the 8254.
 * @vm: the machine, without vCPUs yet.
 *
 * Return: STATUS_OK, or STATUS_KVM with a message.
 */
enum status irq_create_chips(struct vm *vm)
{
	/* With the dummy speaker, port 0x61 is KVM's too. */
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0)) {
		log_error("KVM_CREATE_IRQCHIP failed: %s", strerror(errno));
		return STATUS_KVM;
	}
	if (caps_has(&vm->caps, CAP_IRQ_ROUTING)) {
		if (irq_set_routing(vm)) {
			log_error("KVM_SET_GSI_ROUTING failed: %s", strerror(errno));
			return STATUS_KVM;
		}
		vm->timer_on_pin2 = true;
	}
	if (caps_has(&vm->caps, CAP_PIT2) && ioctl(vm->fd, KVM_CREATE_PIT2, &pit)) {
		log_error("KVM_CREATE_PIT2 failed: %s", strerror(errno));
		return STATUS_KVM;
	}
	return STATUS_OK;
}

static void irq_kvm_set(void *opaque, unsigned int gsi, bool level)
{
	struct vm *vm = opaque;
	struct kvm_irq_level irq = { .irq = gsi, .level = level };
	uint64_t held;

	if (ioctl(vm->fd, KVM_IRQ_LINE, &irq) && log_limit_ok(&vm->unhandled, &held))
		log_error("KVM_IRQ_LINE failed for GSI %u: %s", gsi, strerror(errno));
}

/**
 * irq_line_of() - A line into this machine's interrupt controllers.
 * @vm: the machine.
 * @gsi: global system interrupt.
 *
 * Return: the line, low.
 */
struct irq_line irq_line_of(struct vm *vm, unsigned int gsi)
{
	return (struct irq_line){ .set = irq_kvm_set, .opaque = vm, .gsi = gsi };
}
