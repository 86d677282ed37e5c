// SPDX-License-Identifier: GPL-2.0-only
#include "guest.h"

/* What guests ask for: the lines of the IOAPIC's pins 10 and 11. */
static void sync(struct vcpu *vcpu, uint64_t number)
{
	struct vm *vm = vcpu->vm;

	switch (number) {
	case 0:
	case 1:
		expect_ok("line 10", vm_irq_line(vm, 10, number));
		break;
	case 3:
		expect_ok("line 11, up", vm_irq_line(vm, 11, 1));
		expect_ok("line 11, down", vm_irq_line(vm, 11, 0));
		break;
	}
}

/*
 * Bochs's CPU, as the rig mends it, delivers the next interrupt of its LAPIC's in a handler, too,
 * when IF is 0, if only a gate cleared it.
 */
static void need_software_lapic(struct vm *vm)
{
	(void)vm;
	if (lapic_in_hardware())
		row_skip("the CPU delivers interrupts by itself");
}

static const struct test_row rows[] = {
	GUEST("start-one", .entry = "start_one", .cpus = 2),
	GUEST("start-all", .entry = "start_all", .cpus = 8),
	GUEST("start-x2apic", .entry = "start_x2apic", .cpus = 2),
	GUEST("init-running", .entry = "init_running", .cpus = 2),
	GUEST("sipi-running", .entry = "sipi_running", .cpus = 2),
	GUEST("ipi-physical", .entry = "ipi_physical", .cpus = 2),
	GUEST("ipi-logical", .entry = "ipi_logical", .cpus = 3),
	GUEST("ipi-shorthand", .entry = "ipi_shorthand", .cpus = 3),
	GUEST("ipi-x2apic", .entry = "ipi_x2apic", .cpus = 3),
	GUEST("ipi-hypercall", .entry = "ipi_hypercall", .cpus = 3),
	GUEST("ipi-hypercall-x2apic", .entry = "ipi_hypercall_x2", .cpus = 3),
	GUEST("nmi-ipi", .entry = "nmi_ipi", .cpus = 2),
	GUEST("nmi-wakes", .entry = "nmi_wakes", .cpus = 2),
	GUEST("nmi-blocked", .entry = "nmi_blocked"),
	GUEST("nmi-and-ipi", .entry = "nmi_and_ipi", .cpus = 2, .setup = need_software_lapic),
	GUEST("nmi-pairs", .entry = "nmi_pairs", .cpus = 2),
	GUEST("ioapic-other-cpu", .entry = "ioapic_other_cpu", .cpus = 3, .sync = sync),
	GUEST("ioapic-logical", .entry = "ioapic_logical", .cpus = 3, .sync = sync),
	GUEST("ping-pong", .entry = "ping_pong", .cpus = 2),
	GUEST("flood", .entry = "flood", .cpus = 2),
	GUEST("locked", .entry = "locked", .cpus = 4),
	GUEST("shootdown", .entry = "shootdown", .cpus = 2),
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
