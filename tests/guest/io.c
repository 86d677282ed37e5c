// SPDX-License-Identifier: GPL-2.0-only
#include "guest.h"

/* RAM up to 640 KiB and from 768 KiB on. */
static void make_hole(struct vm *vm)
{
	uint8_t *ram = vm->slot[0].hva;

	expect_ok("delete", vm_set_slot(vm, 0, 0, 0, NULL, 0));
	expect_ok("below", vm_set_slot(vm, 0, 0, 0xa0000, ram, 0));
	expect_ok("above", vm_set_slot(vm, 1, 0xc0000, GUEST_RAM - 0xc0000, ram + 0xc0000, 0));
}

static const struct test_row rows[] = {
	GUEST("outs", .entry = "outs"),
	GUEST("ins", .entry = "ins"),
	GUEST("rep-outs", .entry = "rep_outs"),
	GUEST("rep-ins", .entry = "rep_ins"),
	GUEST("rep-ins-fault", .entry = "rep_ins_fault"),
	GUEST("mmio-widths", .entry = "mmio_widths"),
	GUEST("mmio-loads", .entry = "mmio_loads"),
	GUEST("mmio-stores", .entry = "mmio_stores"),
	GUEST("mmio-modify", .entry = "mmio_modify"),
	GUEST("mmio-compare", .entry = "mmio_compare"),
	GUEST("mmio-operands", .entry = "mmio_operands"),
	GUEST("mmio-strings", .entry = "mmio_strings"),
	GUEST("mmio-stack", .entry = "mmio_stack"),
	GUEST("mmio-rsp", .entry = "mmio_rsp"),
	GUEST("mmio-straddle", .entry = "mmio_straddle"),
	GUEST("mmio-scan", .entry = "mmio_scan"),
	GUEST("mmio-faults", .entry = "mmio_faults"),
	GUEST("mmio-sse", .entry = "mmio_sse"),
	GUEST("mmio-mmx", .entry = "mmio_mmx"),
	GUEST("mmio-x87", .entry = "mmio_x87"),
	GUEST("vga-hole", .entry = "vga_hole", .setup = make_hole),
	GUEST("fetch-from-nowhere", .entry = "fetch_from_nowhere", .exit = KVM_EXIT_INTERNAL_ERROR),
	GUEST("mmio-unknown", .entry = "mmio_unknown", .exit = KVM_EXIT_INTERNAL_ERROR),
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
