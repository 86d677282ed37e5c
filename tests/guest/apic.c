// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <time.h>

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
	guest_params(vm)->arg[0] = lapic_in_hardware();
}

/* While userspace has control there is no offer in memory: what it saves says all. */
static void no_offer(struct vcpu *vcpu, uint64_t number)
{
	expect_eq("the word for EOIs, seen by userspace", *(uint32_t *)vm_ptr(vcpu->vm, number, 4),
		  0);
}

/* The slot of the guest's word, deleted and made again while the guest is in its handler. */
#define WORD_SLOT 9

static void *slot_goes_and_comes(void *arg)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct vm *vm = arg;
	struct guest_params *p = guest_params(vm);
	unsigned int slot = WORD_SLOT, ms;
	uint8_t *hva = vm->slot[slot].hva;

	for (ms = 0; ms < 20000 && __atomic_load_n(&p->arg[1], __ATOMIC_ACQUIRE) < 20; ms++) {
		if (!__atomic_load_n(&p->arg[2], __ATOMIC_ACQUIRE)) {
			nanosleep(&pause, NULL);
			continue;
		}
		if (vm_set_slot(vm, slot, PV_EOI_PAGE, 0, NULL, 0) ||
		    vm_set_slot(vm, slot, PV_EOI_PAGE, 4096, hva, 0))
			break;
		__atomic_store_n(&p->arg[2], 0, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void start_slot_thread(struct vm *vm)
{
	pthread_t thread;

	vm_add_memory(vm, WORD_SLOT, PV_EOI_PAGE, 4096, 0);
	if (pthread_create(&thread, NULL, slot_goes_and_comes, vm))
		row_fail("no thread");
	pthread_detach(thread);
}

static void no_reinjection(struct vm *vm)
{
	struct kvm_reinject_control control = { .pit_reinject = 0 };

	need_cap(vm->kvm, KVM_CAP_REINJECT_CONTROL);
	expect_ok("KVM_REINJECT_CONTROL", ioctl(vm->fd, KVM_REINJECT_CONTROL, &control));
}

/* As if CPUID leaf 1 had never told of x2APIC. */
static void without_x2apic(struct vm *vm)
{
	struct kvm_cpuid2 *cpuid = kvm_supported_cpuid(vm->kvm);

	cpuid_find(cpuid, 1, 0)->ecx &= ~(1u << 21);
	expect_ok("KVM_SET_CPUID2", ioctl(vm->vcpu[0].fd, KVM_SET_CPUID2, cpuid));
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
	GUEST("x2apic-base", .entry = "x2apic_base"),
	GUEST("x2apic-absent", .entry = "x2apic_absent", .setup = without_x2apic),
	GUEST("x2apic-registers", .entry = "x2apic_registers"),
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
	GUEST("pit-catches-up", .entry = "pit_catches_up", .flags = GUEST_PIT),
	GUEST("pit-loses", .entry = "pit_loses", .flags = GUEST_PIT, .setup = no_reinjection),
	GUEST("pit-by-ioapic", .entry = "pit_by_ioapic", .flags = GUEST_PIT),
	GUEST("pv-eoi", .entry = "pv_eoi", .setup = tell_apicv),
	GUEST("pv-eoi-x2apic", .entry = "pv_eoi_x2apic", .setup = tell_apicv),
	GUEST("pv-eoi-nested", .entry = "pv_eoi_nested"),
	GUEST("pv-eoi-pending", .entry = "pv_eoi_pending", .setup = tell_apicv),
	GUEST("pv-eoi-level", .entry = "pv_eoi_level", .sync = sync),
	GUEST("pv-eoi-userspace", .entry = "pv_eoi_userspace", .sync = no_offer),
	GUEST("pv-eoi-slot", .entry = "pv_eoi_slot", .setup = start_slot_thread),
	GUEST("pv-eoi-msr", .entry = "pv_eoi_msr"),
	GUEST("error-register", .entry = "error_interrupt"),
	GUEST("global-disable", .entry = "global_disable"),
	GUEST("page-while-disabled", .entry = "page_while_disabled"),
	GUEST("page-in-x2apic", .entry = "page_in_x2apic"),
	GUEST("base-moved", .entry = "base_moved"),
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
