// SPDX-License-Identifier: GPL-2.0-only
/* The interrupt controllers' ioctls, and their part of a VM's life. */

#include <linux/slab.h>
#include <linux/srcu.h>

#include "../access.h"
#include "arch.h"
#include "internal.h"
#include "ioctl.h"

/* --- a VM's life ----------------------------------------------------------------------------- */

/**
 * irqchip_vm_init() - a VM begins: no controller in the kernel yet
 * @kvm: the VM
 */
void irqchip_vm_init(struct kvm *kvm)
{
	mutex_init(&kvm->irqchip.map_lock);
	INIT_HLIST_HEAD(&kvm->irqchip.acks);
	atomic_set(&kvm->irqchip.nr_xapic, 0);
	kvm->irqchip.bcast = IRQ_BCAST_ALL;
}

/**
 * irqchip_vm_predestroy() - no timer fires and no message finds a vCPU after return
 * @kvm: the VM; no thread is inside KVM_RUN
 */
void irqchip_vm_predestroy(struct kvm *kvm)
{
	struct kvm_vm_irqchip *irqchip = &kvm->irqchip;
	struct kvm_apic_map *map;

	pit_stop(kvm);
	mutex_lock(&irqchip->map_lock);
	map = rcu_dereference_protected(irqchip->apic_map, lockdep_is_held(&irqchip->map_lock));
	RCU_INIT_POINTER(irqchip->apic_map, NULL);
	mutex_unlock(&irqchip->map_lock);
	if (!map)
		return;
	/* Once for all vCPUs, rather than in each one's lapic_free(). */
	synchronize_rcu();
	kvfree(map);
}

void irqchip_vm_destroy(struct kvm *kvm)
{
	pit_destroy(kvm);
	routes_destroy(kvm);
	ioapic_destroy(kvm);
	pic_destroy(kvm);
	if (kvm->irqchip.access_page)
		__free_page(kvm->irqchip.access_page);
}

/**
 * irqchip_x2apic_api() - KVM_CAP_X2APIC_API
 * @kvm: the VM; kvm->lock held
 * @flags: KVM_X2APIC_API_*
 *
 * Return: 0, or -EINVAL: unknown flags.
 */
int irqchip_x2apic_api(struct kvm *kvm, u64 flags)
{
	struct kvm_vm_irqchip *irqchip = &kvm->irqchip;

	if (flags & ~(KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK))
		return -EINVAL;
	if (flags & KVM_X2APIC_API_USE_32BIT_IDS)
		irqchip->x2apic_32bit_ids = true;
	if (flags & KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)
		irqchip->bcast = IRQ_BCAST_XAPIC;
	if (irqchip->ioapic)
		ioapic_set_bcast(irqchip->ioapic, irqchip->bcast);
	return 0;
}

/**
 * kvm_arch_irqfd_allowed() - may an eventfd interrupt this VM's guest?
 * @kvm: the VM
 * @resample: as a level-triggered line, whose acknowledgements only chips in the kernel tell
 *
 * Return: yes or no.
 */
bool kvm_arch_irqfd_allowed(struct kvm *kvm, bool resample)
{
	return resample ? irqchip_full(kvm) : irqchip_in_kernel(READ_ONCE(kvm->irqchip.mode));
}

/* --- creation -------------------------------------------------------------------------------- */

static int create_chips(struct kvm *kvm)
{
	int r;

	mutex_lock(&kvm->slots_lock);
	r = pic_create(kvm);
	if (r)
		goto out;
	r = ioapic_create(kvm);
	if (r) {
		iobus_unregister(kvm, KVM_PIO_BUS, &kvm->irqchip.pic->dev);
		pic_destroy(kvm);
	}
out:
	mutex_unlock(&kvm->slots_lock);
	return r;
}

static void undo_chips(struct kvm *kvm)
{
	mutex_lock(&kvm->slots_lock);
	iobus_unregister(kvm, KVM_MMIO_BUS, &kvm->irqchip.ioapic->dev);
	iobus_unregister(kvm, KVM_PIO_BUS, &kvm->irqchip.pic->dev);
	ioapic_destroy(kvm);
	pic_destroy(kvm);
	mutex_unlock(&kvm->slots_lock);
}

static long ioctl_create_irqchip(struct kvm_ioctl_call *call)
{
	struct kvm *kvm = call->kvm;
	int r;

	if (kvm->irqchip.mode != KVM_IRQCHIP_NONE)
		return -EEXIST;
	if (irqchip_too_late(kvm))
		return -EINVAL;
	r = create_chips(kvm);
	if (r)
		return r;
	r = routes_set_default(kvm);
	if (r) {
		undo_chips(kvm);
		return r;
	}
	/* Pairs with irqchip_full(). */
	smp_store_release(&kvm->irqchip.mode, KVM_IRQCHIP_KERNEL);
	return 0;
}

static long create_pit(struct kvm *kvm, u32 flags)
{
	if (kvm->irqchip.pit)
		return -EEXIST;
	if (!irqchip_full(kvm))
		return -ENOENT;
	if (flags & ~KVM_PIT_SPEAKER_DUMMY)
		return -EINVAL;
	return pit_create(kvm, flags);
}

static long ioctl_create_pit(struct kvm_ioctl_call *call)
{
	return create_pit(call->kvm, KVM_PIT_SPEAKER_DUMMY);
}

static long ioctl_create_pit2(struct kvm_ioctl_call *call)
{
	const struct kvm_pit_config *config = call->arg;

	return create_pit(call->kvm, config->flags);
}

/* --- interrupts ------------------------------------------------------------------------------ */

static long ioctl_irq_line(struct kvm_ioctl_call *call)
{
	struct kvm_irq_level *irq = call->arg;

	if (!irqchip_in_kernel(READ_ONCE(call->kvm->irqchip.mode)))
		return -ENXIO;
	irq->status = irqchip_set_irq(call->kvm, KVM_IRQ_USERSPACE, irq->irq, !!irq->level);
	return 0;
}

static long ioctl_set_gsi_routing(struct kvm_ioctl_call *call)
{
	const struct kvm_irq_routing *routing = call->arg;

	if (routing->flags || !irqchip_in_kernel(READ_ONCE(call->kvm->irqchip.mode)))
		return -EINVAL;
	return routes_set(call->kvm, routing->entries, call->count);
}

static long ioctl_signal_msi(struct kvm_ioctl_call *call)
{
	const struct kvm_msi *msi = call->arg;
	struct kvm *kvm = call->kvm;
	int r;

	if (msi->flags || !irqchip_in_kernel(READ_ONCE(kvm->irqchip.mode)))
		return -EINVAL;
	if (kvm->irqchip.x2apic_32bit_ids && (msi->address_hi & 0xff))
		return -EINVAL;
	r = irqchip_send_msi(kvm, msi->address_lo, msi->address_hi, msi->data);
	/* An ioctl's negative result would be an errno. */
	return max(r, 0);
}

/* --- state ----------------------------------------------------------------------------------- */

static long ioctl_get_irqchip(struct kvm_ioctl_call *call)
{
	struct kvm_irqchip *chip = call->arg;

	if (!irqchip_full(call->kvm))
		return -ENXIO;
	memset(&chip->chip, 0, sizeof(chip->chip));
	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
		pic_get_state(call->kvm, 0, &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_PIC_SLAVE:
		pic_get_state(call->kvm, 1, &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		ioapic_get_state(call->kvm, &chip->chip.ioapic);
		return 0;
	default:
		return -EINVAL;
	}
}

static long ioctl_set_irqchip(struct kvm_ioctl_call *call)
{
	const struct kvm_irqchip *chip = call->arg;

	if (!irqchip_full(call->kvm))
		return -ENXIO;
	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
		pic_set_state(call->kvm, 0, &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_PIC_SLAVE:
		pic_set_state(call->kvm, 1, &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		ioapic_set_state(call->kvm, &chip->chip.ioapic);
		return 0;
	default:
		return -EINVAL;
	}
}

static long ioctl_get_pit2(struct kvm_ioctl_call *call)
{
	if (!call->kvm->irqchip.pit)
		return -ENXIO;
	pit_get_state(call->kvm->irqchip.pit, call->arg);
	return 0;
}

static long ioctl_set_pit2(struct kvm_ioctl_call *call)
{
	if (!call->kvm->irqchip.pit)
		return -ENXIO;
	pit_set_state(call->kvm->irqchip.pit, call->arg);
	return 0;
}

/* The older structure lacks the flags. */
static long ioctl_get_pit(struct kvm_ioctl_call *call)
{
	struct kvm_pit_state2 state;

	if (!call->kvm->irqchip.pit)
		return -ENXIO;
	pit_get_state(call->kvm->irqchip.pit, &state);
	memcpy(call->arg, state.channels, sizeof(struct kvm_pit_state));
	return 0;
}

static long ioctl_set_pit(struct kvm_ioctl_call *call)
{
	struct kvm_pit_state2 state;

	if (!call->kvm->irqchip.pit)
		return -ENXIO;
	pit_get_state(call->kvm->irqchip.pit, &state);
	memcpy(state.channels, call->arg, sizeof(struct kvm_pit_state));
	pit_set_state(call->kvm->irqchip.pit, &state);
	return 0;
}

static long ioctl_reinject_control(struct kvm_ioctl_call *call)
{
	const struct kvm_reinject_control *control = call->arg;

	if (!call->kvm->irqchip.pit)
		return -ENXIO;
	pit_set_reinject(call->kvm->irqchip.pit, control->pit_reinject);
	return 0;
}

static long ioctl_get_lapic(struct kvm_ioctl_call *call)
{
	return lapic_get_state(call->vcpu, call->arg);
}

static long ioctl_set_lapic(struct kvm_ioctl_call *call)
{
	return lapic_set_state(call->vcpu, call->arg);
}

const struct kvm_ioctl_row irqchip_vm_ioctls[] = {
	{ KVM_IRQ_LINE, ioctl_irq_line },
	{ KVM_IRQ_LINE_STATUS, ioctl_irq_line },
	{ KVM_SIGNAL_MSI, ioctl_signal_msi },
	{ KVM_SET_GSI_ROUTING, ioctl_set_gsi_routing, IOC_ARRAY | IOC_COUNT_EINVAL,
	  .count_offset = offsetof(struct kvm_irq_routing, nr),
	  .elem_size = sizeof(struct kvm_irq_routing_entry), .max_count = KVM_MAX_IRQ_ROUTES },
	{ KVM_CREATE_IRQCHIP, ioctl_create_irqchip, IOC_VM_LOCK },
	{ KVM_CREATE_PIT, ioctl_create_pit, IOC_VM_LOCK },
	{ KVM_CREATE_PIT2, ioctl_create_pit2, IOC_VM_LOCK },
	/*
	 * The numbers of the SETs claim to read, and that of KVM_REINJECT_CONTROL to have no
	 * argument.
	 */
	{ KVM_GET_IRQCHIP, ioctl_get_irqchip, IOC_VM_LOCK },
	{ KVM_SET_IRQCHIP, ioctl_set_irqchip, IOC_VM_LOCK | IOC_ARG_IN },
	{ KVM_GET_PIT, ioctl_get_pit, IOC_VM_LOCK },
	{ KVM_SET_PIT, ioctl_set_pit, IOC_VM_LOCK | IOC_ARG_IN },
	{ KVM_GET_PIT2, ioctl_get_pit2, IOC_VM_LOCK },
	{ KVM_SET_PIT2, ioctl_set_pit2, IOC_VM_LOCK },
	{ KVM_REINJECT_CONTROL, ioctl_reinject_control, IOC_VM_LOCK | IOC_ARG_IN,
	  .size = sizeof(struct kvm_reinject_control) },
	{}
};

const struct kvm_ioctl_row irqchip_vcpu_ioctls[] = {
	{ KVM_GET_LAPIC, ioctl_get_lapic, IOC_VCPU_LOADED },
	{ KVM_SET_LAPIC, ioctl_set_lapic, IOC_VCPU_LOADED },
	{}
};
