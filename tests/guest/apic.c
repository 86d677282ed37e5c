// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>

#include "guest.h"

static void irq_line(struct vm *vm, unsigned int gsi, unsigned int level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	expect_ok("KVM_IRQ_LINE", ioctl(vm->fd, KVM_IRQ_LINE, &line));
}

static void signal_msi(struct vm *vm, uint32_t address, uint32_t data)
{
	struct kvm_msi msi = { .address_lo = address, .data = data };

	need_cap(vm->kvm, KVM_CAP_SIGNAL_MSI);
	expect_eq("KVM_SIGNAL_MSI", ioctl(vm->fd, KVM_SIGNAL_MSI, &msi), 1);
}

/* What guests ask for, by number. */
static void sync(struct vcpu *vcpu, uint64_t number)
{
	struct vm *vm = vcpu->vm;

	switch (number) {
	case 0:
	case 1:
		irq_line(vm, 10, number);
		break;
	case 3:
		irq_line(vm, 11, 1);
		irq_line(vm, 11, 0);
		break;
	case 4:
		signal_msi(vm, 0xfee00000, 0x53);
		break;
	case 5:
		signal_msi(vm, 0xfee01004, 0x53);	/* logical, flat: CPU 0's bit */
		break;
	}
}

/* Where hardware takes EOIs without exits, none is offered a shorter way. */
static void tell_apicv(struct vm *vm)
{
	FILE *f = fopen("/sys/module/kvm_intel/parameters/enable_apicv", "re");

	guest_params(vm)->arg[0] = f && fgetc(f) == 'Y';
	if (f)
		fclose(f);
}

/* While userspace has control there is no offer in memory: what it saves says all. */
static void no_offer(struct vcpu *vcpu, uint64_t number)
{
	expect_eq("the word for EOIs, seen by userspace", *(uint32_t *)vm_ptr(vcpu->vm, number, 4),
		  0);
}

static const struct test_row rows[] = {
	GUEST("reset-state", .entry = "reset_state"),
	GUEST("registers", .entry = "registers"),
	GUEST("timer-one-shot", .entry = "timer_one_shot"),
	GUEST("timer-periodic", .entry = "timer_periodic"),
	GUEST("timer-masked", .entry = "timer_masked"),
	GUEST("timer-divider", .entry = "timer_divider"),
	GUEST("timer-deadline", .entry = "timer_deadline"),
	GUEST("timer-deadline-and-halt", .entry = "deadline_and_halt"),
	GUEST("x2apic", .entry = "x2apic"),
	GUEST("priorities", .entry = "priorities"),
	GUEST("pending-order", .entry = "pending_order"),
	GUEST("task-priority", .entry = "task_priority"),
	GUEST("coalescing", .entry = "coalescing"),
	GUEST("sti-shadow", .entry = "sti_shadow"),
	GUEST("sti-shadow-exit", .entry = "sti_shadow_exit"),
	GUEST("sti-hlt-pending", .entry = "sti_hlt_pending"),
	GUEST("flood", .entry = "flood"),
	GUEST("pic-registers", .entry = "pic_registers"),
	GUEST("ioapic-registers", .entry = "ioapic_registers"),
	GUEST("ioapic-level", .entry = "ioapic_level", .sync = sync),
	GUEST("ioapic-edge", .entry = "ioapic_edge", .sync = sync),
	GUEST("msi", .entry = "msi", .sync = sync),
	GUEST("pit-counter", .entry = "pit_counter", .flags = GUEST_PIT),
	GUEST("pit-by-pic", .entry = "pit_by_pic", .flags = GUEST_PIT),
	GUEST("pit-by-ioapic", .entry = "pit_by_ioapic", .flags = GUEST_PIT),
	GUEST("pv-eoi", .entry = "pv_eoi", .setup = tell_apicv),
	GUEST("pv-eoi-x2apic", .entry = "pv_eoi_x2apic", .setup = tell_apicv),
	GUEST("pv-eoi-nested", .entry = "pv_eoi_nested"),
	GUEST("pv-eoi-pending", .entry = "pv_eoi_pending", .setup = tell_apicv),
	GUEST("pv-eoi-level", .entry = "pv_eoi_level", .sync = sync),
	GUEST("pv-eoi-userspace", .entry = "pv_eoi_userspace", .sync = no_offer),
	GUEST("pv-eoi-msr", .entry = "pv_eoi_msr"),
	GUEST("error-register", .entry = "error_interrupt"),
	GUEST("global-disable", .entry = "global_disable"),
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
