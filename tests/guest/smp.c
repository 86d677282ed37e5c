// SPDX-License-Identifier: GPL-2.0-only
#include "guest.h"

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
	GUEST("ping-pong", .entry = "ping_pong", .cpus = 2),
	GUEST("flood", .entry = "flood", .cpus = 2),
	GUEST("locked", .entry = "locked", .cpus = 4),
	GUEST("shootdown", .entry = "shootdown", .cpus = 2),
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
