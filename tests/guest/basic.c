// SPDX-License-Identifier: GPL-2.0-only
#include <sys/ioctl.h>

#include "guest.h"

#define MC_BANKS 4

/* Few banks, so that there are MSRs behind them, and MCG_CTL. */
static void set_banks(struct vm *vm)
{
	uint64_t cap = MC_BANKS | 1 << 8;

	expect_ok("KVM_X86_SETUP_MCE", ioctl(vm->vcpu[0].fd, KVM_X86_SETUP_MCE, &cap));
}

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
	GUEST("machine-status-word", .entry = "machine_status_word"),
	GUEST("pcid", .entry = "pcid"),
	GUEST("misc-enable", .entry = "misc_enable"),
	GUEST("command-msrs", .entry = "command_msrs"),
	GUEST("machine-check-banks", .entry = "machine_check_banks", .setup = set_banks,
	      .arg = { MC_BANKS }),
	GUEST("cache-disable", .entry = "cache_disable"),
	GUEST("halt-and-timer", .entry = "halt_and_timer"),
	GUEST("triple-fault", .entry = "triple_fault", .exit = KVM_EXIT_SHUTDOWN),
	GUEST("registers-survive", .entry = "registers_survive"),
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
