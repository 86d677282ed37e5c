// SPDX-License-Identifier: GPL-2.0-only
#include "guest.h"

static const struct test_row rows[] = {
	GUEST("nothing-without-irqchip", .entry = "nothing", .flags = GUEST_NO_IRQCHIP),
	GUEST("nothing", .entry = "nothing"),
	GUEST("ports", .entry = "ports"),
	GUEST("port-registers", .entry = "port_registers"),
	GUEST("cpuid", .entry = "leaves"),
	GUEST("cpuid-follows-registers", .entry = "leaves_follow_registers"),
	GUEST("msrs", .entry = "msrs"),
	GUEST("upper-halves", .entry = "upper_halves"),
	GUEST("control-registers", .entry = "control_registers"),
	GUEST("misc-enable", .entry = "misc_enable"),
	GUEST("cache-disable", .entry = "cache_disable"),
	GUEST("halt-and-timer", .entry = "halt_and_timer"),
	GUEST("triple-fault", .entry = "triple_fault", .exit = KVM_EXIT_SHUTDOWN),
	GUEST("registers-survive", .entry = "registers_survive"),
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
