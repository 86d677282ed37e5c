// SPDX-License-Identifier: GPL-2.0-only
#include <sys/mman.h>

#include "guest.h"

/*
 * Take the page at a gpa out of the guest's map; its content stays, the next access faults it in.
 */
static void unmap(struct vcpu *vcpu, uint64_t gpa)
{
	void *hva = vm_ptr(vcpu->vm, gpa & ~4095ull, 4096);

	expect_ok("mprotect", mprotect(hva, 4096, PROT_NONE));
	expect_ok("mprotect", mprotect(hva, 4096, PROT_READ | PROT_WRITE));
}

static const struct test_row rows[] = {
	GUEST("basic", .entry = "basic"),
	GUEST("breakpoint-rip", .entry = "breakpoint_rip"),
	GUEST("int1", .entry = "int1"),
	GUEST("fault-rip", .entry = "fault_rip"),
	GUEST("page-fault", .entry = "page_fault"),
	GUEST("no-execute", .entry = "no_execute"),
	GUEST("accessed-dirty", .entry = "accessed_dirty"),
	GUEST("fresh-memory", .entry = "fresh_memory"),
	GUEST("deliver-interrupt-fresh-stack", .entry = "deliver_interrupt_fresh_stack"),
	GUEST("deliver-exception-fresh-stack", .entry = "deliver_exception_fresh_stack"),
	GUEST("deliver-soft-fresh-stack", .entry = "deliver_soft_fresh_stack"),
	GUEST("deliver-nmi-fresh-stack", .entry = "deliver_nmi_fresh_stack"),
	GUEST("deliver-unmapped", .entry = "deliver_unmapped", .sync = unmap),
	GUEST("double-fault", .entry = "double_fault"),
	GUEST("page-fault-in-delivery", .entry = "page_fault_in_delivery", .sync = unmap),
	GUEST("absent-gates", .entry = "absent_gates"),
	GUEST("resume-flag", .entry = "resume_flag"),
	GUEST("user-mode", .entry = "user_mode"),
	GUEST("single-step", .entry = "single_step"),
	GUEST("single-step-exits", .entry = "single_step_exits"),
	GUEST("single-step-shadows", .entry = "single_step_shadows"),
	GUEST("general-detect", .entry = "general_detect"),
	GUEST("dr6-over-hits", .entry = "dr6_over_hits"),
	GUEST("breakpoints", .entry = "breakpoints"),
	GUEST("debug-registers", .entry = "debug_registers"),
	GUEST("prefixed", .entry = "prefixed"),
	GUEST("page-ends", .entry = "page_ends"),
	GUEST("code-rewritten", .entry = "code_rewritten"),
	GUEST("code-remapped", .entry = "code_remapped"),
	GUEST("code-tables-switched", .entry = "code_tables_switched"),
	GUEST("device-remapped", .entry = "device_remapped"),
	GUEST("hypercalls", .entry = "hypercalls"),
	GUEST("hypercall-other-vendor", .entry = "hypercall_other_vendor"),
	GUEST("missing-instructions", .entry = "missing_instructions"),
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
