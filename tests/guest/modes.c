// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "guest.h"

static void real_results(struct vm *vm)
{
	struct guest_params *p = guest_params(vm);
	struct guest_io_log *log = guest_io_log(vm);

	expect_eq("INT 0x21", p->result[0], 2);
	expect_eq("#DE", p->result[1], 1);
	expect_eq("#UD", p->result[2], 1);
	expect_eq("INT3", p->result[3], 1);
	expect_eq("inw", p->result[4], 0x6677);
	expect_eq("SI after rep outsb", p->result[5], 8);
	expect_eq("CX after rep outsb", p->result[6], 0);
	expect_eq("a word through two segments", p->result[7], 0xcafe);
	expect_eq("port accesses", log->count, 12);
	expect_eq("outb", log->entry[0].data, 0x11);
	expect_eq("outw", log->entry[1].data, 0x2233);
	expect_eq("outl", log->entry[2].data, 0x44556677);
	expect_eq("the string's first letter", log->entry[4].data, 'r');
	expect_eq("the string's last letter", log->entry[11].data, 'e');
}

static void segment_end_results(struct vm *vm)
{
	struct guest_params *p = guest_params(vm);

	expect_true(p->result[0], "CPUID's vendor: expected, saw 0");
	expect_eq("IP of #GP behind the segment's end, 0 also if there was none", p->result[1], 0);
	expect_eq("ways on", p->result[2], 1);
}

static void timer_results(struct vm *vm)
{
	/* missed ticks are caught up, so there may be more */
	expect_true(guest_params(vm)->result[0] >= 5, "ticks: expected 5 or more, saw %llu",
		    guest_params(vm)->result[0]);
}

static void unreal_results(struct vm *vm)
{
	struct guest_params *p = guest_params(vm);

	expect_eq("MMIO by a 32-bit address", p->result[0], 0x13121110);
	expect_eq("MMIO written and read", p->result[1], 0xbeef);
	expect_eq("CR0.PE", p->result[2], 0);
	expect_eq("memory over 1 MiB by segment ffff", p->result[3], 0x600d);
}

static void fpu_results(struct vm *vm)
{
	struct guest_params *p = guest_params(vm);

	expect_eq("FNSTSW after FNINIT, two bytes", p->result[0], 0x55550000);
	expect_eq("FNSTCW after FNINIT, two bytes", p->result[1], 0x5555037f);
	expect_eq("FNSTSW to AX", p->result[2], 0xffff0000);
	expect_eq("FWAIT with an FPU, and with CR0.EM alone", p->result[3], 2);
	expect_eq("#NM: FNINIT by CR0.EM, FNSTSW and FWAIT by CR0.TS", p->result[4], 3);
}

static void switch_results(struct vm *vm)
{
	expect_eq("times in protected mode", guest_params(vm)->result[0], 200);
	expect_eq("times in real mode", guest_params(vm)->result[1], 200);
}

static void prot_results(struct vm *vm)
{
	struct guest_params *p = guest_params(vm);

	expect_eq("INT 0x21", p->result[0], 2);
	expect_eq("#UD", p->result[1], 1);
	expect_eq("#GP by RDMSR", p->result[2], 1);
	expect_eq("inb", p->result[3], 4);
	expect_eq("MMIO read", p->result[4], 0x13121110);
	expect_eq("MMIO changed", p->result[5], 0x77777778);
	expect_true(p->result[6], "CPUID's vendor: expected, saw 0");
}

static void level_results(struct vm *vm)
{
	struct guest_params *p = guest_params(vm);

	timer_results(vm);
	expect_eq("error code of CLI's #GP", p->result[1], 0);
	expect_eq("#GP by CLI at level 3", p->result[2], 1);
	expect_eq("CS pushed by INT", p->result[3], SEL_TSS + 16 + 3);
	expect_eq("ESP, against the stack's end", (int32_t)p->result[4], -2048);
	expect_eq("SS", p->result[5], SEL_UDATA);
	expect_eq("EBX through interrupts", p->result[6], 0x1234);
	expect_eq("DS, which level 3 may not have", p->result[7] & 0xffff, 0);
}

static void task_results(struct vm *vm)
{
	struct guest_params *p = guest_params(vm);

	expect_eq("the called task: EAX of its TSS, then its own, twice", p->result[0], 0x1232);
	expect_true(p->result[1] >> 14 & 1, "NT there: expected 1, flags %#llx", p->result[1]);
	expect_true(p->result[2] >> 3 & 1, "CR0.TS there: expected 1, CR0 %#llx", p->result[2]);
	expect_eq("#UD through a task gate", p->result[3], 2);
	expect_eq("#GP through a task gate, and its error code", p->result[4], 1);
	expect_eq("the stack, against before", p->result[5], 0);
	expect_eq("ESI, kept in the TSS", p->result[6], 0x600d);
	expect_eq("TR", p->result[7], SEL_TSS);
}

/*
 * QEMU's SVM knows no intercept of task switches. By IRET in single-step, which is how the driver
 * finds its end, TF gets into the TSS that is left; with the stock driver, too.
 */
static void nested_nmi(struct vm *vm)
{
	guest_params(vm)->arg[0] = on_vmx();
}

static void event_results(struct vm *vm)
{
	struct guest_params *p = guest_params(vm);

	expect_eq("NMIs", p->result[0], 2);
	expect_eq("NMIs before the first one's IRET, if one was sent", p->result[1], on_vmx());
	expect_eq("interrupts", p->result[2], 1);
	expect_eq("EIP of INT3's and INTO's task, against behind it", p->result[3], 0);
	expect_eq("42, divided anew by what #DE's task made of 0", p->result[4], 42);
	expect_true(!(p->result[5] >> 14 & 1), "NT behind JMP: expected 0, flags %#llx",
		    p->result[5]);
	expect_eq("type of the TSS that JMP left", p->result[6], 0x89);
	expect_eq("types of both, back again", p->result[7], 0x898b);
}

static void paged_results(struct vm *vm)
{
	struct guest_params *p = guest_params(vm);

	expect_eq("#PF", p->result[1], 1);
	expect_eq("its error code", p->result[2], 0);
	expect_eq("CR2", p->result[3], 0x1c00123);
	expect_true(p->result[4] == GUEST_PD32 || p->result[4] == GUEST_PAE,
		    "CR3: expected ours, saw %#llx", p->result[4]);
	expect_true(p->result[5] >> 31 & 1, "CR0: expected PG, saw %#llx", p->result[5]);
	expect_eq("memory without paging", p->result[6], 0);
	expect_eq("the end", p->result[7], 1);
}

static void pdpte_results(struct vm *vm)
{
	struct guest_params *p = guest_params(vm);

	expect_eq("#PF", p->result[1], 1);
	expect_eq("its error code", p->result[2], 0);
	expect_eq("CR2", p->result[3], 0x80000123);
}

static void need_pdpte_registers(struct vm *vm)
{
	(void)vm;
	if (!on_vmx())
		row_skip("nested paging on AMD reads PDPTEs at each walk");
}

static void loaded_results(struct vm *vm)
{
	struct guest_params *p = guest_params(vm);

	expect_eq("#PF", p->result[1], 0);
	expect_eq("read back from a device, by a PDPTE that is loaded but not in memory",
		  p->result[4], 0x77777777);
	expect_eq("copied from there to where the PDPTE leads that was loaded last", p->result[7],
		  0x77777777);
	expect_eq("#GP of MOV to CR3, CR0, CR4", p->result[0], 3);
	expect_true(!(p->result[5] >> 31 & 1), "CR0 then: expected no PG, saw %#llx", p->result[5]);
	expect_eq("CR4 then: what has changed", p->result[6], 0);
}

/* CPUID's vendor becomes the one that the host's isn't. */
static void other_vendor(struct vm *vm)
{
	const char *name = on_vmx() ? "AuthenticAMD" : "GenuineIntel";
	static const uint32_t leaf[] = { 0, 0x80000000 };
	struct kvm_cpuid2 *cpuid = kvm_supported_cpuid(vm->kvm);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(leaf); i++) {
		struct kvm_cpuid_entry2 *e = cpuid_find(cpuid, leaf[i], 0);

		memcpy(&e->ebx, name, 4);
		memcpy(&e->edx, name + 4, 4);
		memcpy(&e->ecx, name + 8, 4);
	}
	expect_ok("KVM_SET_CPUID2", ioctl(vm->vcpu[0].fd, KVM_SET_CPUID2, cpuid));
	free(cpuid);
	guest_params(vm)->arg[0] = 1;
}

static const struct test_row rows[] = {
	GUEST("real", .entry = "real_basic", .flags = GUEST_MODE_SET, .check = real_results),
	GUEST("real-without-irqchip", .entry = "real_basic",
	      .flags = GUEST_MODE_SET | GUEST_NO_IRQCHIP, .check = real_results),
	GUEST("real-segment-end", .entry = "real_segment_end", .flags = GUEST_MODE_SET,
	      .check = segment_end_results),
	GUEST("real-timer", .entry = "real_timer", .flags = GUEST_MODE_SET | GUEST_PIT,
	      .check = timer_results),
	GUEST("real-unreal", .entry = "real_unreal", .flags = GUEST_MODE_SET,
	      .check = unreal_results),
	GUEST("real-fpu", .entry = "real_fpu", .flags = GUEST_MODE_SET, .check = fpu_results),
	GUEST("real-switch", .entry = "real_switch", .flags = GUEST_MODE_SET,
	      .check = switch_results),
	GUEST("real-triple-fault", .entry = "real_triple", .flags = GUEST_MODE_SET,
	      .exit = KVM_EXIT_SHUTDOWN),
	GUEST("protected", .entry = "prot32", .mode = MODE_PROT32, .check = prot_results),
	GUEST("protected-paged", .entry = "prot32", .mode = MODE_PAGED32, .check = prot_results),
	GUEST("protected-pae", .entry = "prot32", .mode = MODE_PAE, .check = prot_results),
	GUEST("levels", .entry = "prot_timer", .mode = MODE_PROT32, .flags = GUEST_PIT,
	      .check = level_results),
	GUEST("levels-paged", .entry = "prot_timer", .mode = MODE_PAGED32, .flags = GUEST_PIT,
	      .check = level_results),
	GUEST("tasks", .entry = "tasks32", .mode = MODE_PROT32, .check = task_results),
	GUEST("tasks-paged", .entry = "tasks32", .mode = MODE_PAGED32, .check = task_results),
	GUEST("task-events", .entry = "task_events", .mode = MODE_PROT32, .setup = nested_nmi,
	      .check = event_results),
	GUEST("task-events-paged", .entry = "task_events", .mode = MODE_PAGED32,
	      .setup = nested_nmi, .check = event_results),
	GUEST("paging-32", .entry = "paged32", .mode = MODE_PAGED32, .check = paged_results),
	GUEST("paging-pae", .entry = "paged32", .mode = MODE_PAE, .check = paged_results),
	GUEST("pae-pdpte", .entry = "pae_pdpte", .mode = MODE_PAE, .check = pdpte_results),
	GUEST("pae-loaded", .entry = "pae_loaded", .mode = MODE_PAE, .setup = need_pdpte_registers,
	      .check = loaded_results),
	GUEST("compatibility", .entry = "compatibility"),
	GUEST("fast-calls", .entry = "fast_calls"),
	GUEST("fast-calls-other-vendor", .entry = "fast_calls", .setup = other_vendor),
	GUEST("canonical-end", .entry = "canonical_end"),
	GUEST("leave-long-mode", .entry = "leave_long_mode"),
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
