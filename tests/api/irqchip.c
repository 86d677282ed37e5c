// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt controllers and timers by ioctl: creation, order, state, routing, lines, messages.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "row.h"
#include "vm.h"

static struct vm *with_irqchip(void)
{
	struct vm *vm = vm_new();

	vm_add_irqchip(vm, false);
	return vm;
}

/* ---- creation ---- */

static void create(const void *arg)
{
	struct vm *vm = vm_new();

	(void)arg;
	expect_ok("KVM_CREATE_IRQCHIP", ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	expect_errno("again", ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0), EEXIST);
}

static void create_late(const void *arg)
{
	struct vm *vm = vm_new();

	(void)arg;
	vm_add_vcpu(vm, 0);
	expect_errno("KVM_CREATE_IRQCHIP after a vCPU", ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0),
		     EINVAL);
}

static void without_irqchip(const void *arg)
{
	struct vm *vm = vm_new();
	struct kvm_irqchip c = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct kvm_pit_config config = { 0 };
	struct kvm_pit_state2 pit;
	struct kvm_lapic_state lapic;
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);

	(void)arg;
	expect_errno("KVM_GET_IRQCHIP", ioctl(vm->fd, KVM_GET_IRQCHIP, &c), ENXIO);
	expect_errno("KVM_SET_IRQCHIP", ioctl(vm->fd, KVM_SET_IRQCHIP, &c), ENXIO);
	expect_errno("KVM_IRQ_LINE", vm_irq_line(vm, 4, 1), ENXIO);
	if (!stock_61()) {
		expect_errno("KVM_CREATE_PIT2", ioctl(vm->fd, KVM_CREATE_PIT2, &config), ENOENT);
		expect_errno("KVM_GET_PIT2", ioctl(vm->fd, KVM_GET_PIT2, &pit), ENXIO);
	}
	expect_errno("KVM_GET_LAPIC", ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic), EINVAL);
	memset(&lapic, 0, sizeof(lapic));
	expect_errno("KVM_SET_LAPIC", ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic), EINVAL);
}

static void pit_create(const void *arg)
{
	struct vm *vm = with_irqchip();
	struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };
	struct kvm_pit_state2 pit;

	(void)arg;
	expect_errno("KVM_GET_PIT2 before the PIT", ioctl(vm->fd, KVM_GET_PIT2, &pit), ENXIO);
	expect_ok("KVM_CREATE_PIT2", ioctl(vm->fd, KVM_CREATE_PIT2, &config));
	expect_errno("again", ioctl(vm->fd, KVM_CREATE_PIT2, &config), EEXIST);
	expect_ok("KVM_GET_PIT2", ioctl(vm->fd, KVM_GET_PIT2, &pit));
}

/* ---- state ---- */

static void reset_state(const void *arg)
{
	struct vm *vm = with_irqchip();
	struct kvm_irqchip c;
	unsigned int i;

	(void)arg;
	c = vm_irqchip(vm, KVM_IRQCHIP_PIC_MASTER);
	expect_eq("master's IRR", c.chip.pic.irr, 0);
	expect_eq("master's ISR", c.chip.pic.isr, 0);
	expect_eq("master's ELCR mask", c.chip.pic.elcr_mask, 0xf8);
	c = vm_irqchip(vm, KVM_IRQCHIP_PIC_SLAVE);
	expect_eq("slave's ELCR mask", c.chip.pic.elcr_mask, 0xde);
	c = vm_irqchip(vm, KVM_IRQCHIP_IOAPIC);
	expect_eq("IOAPIC's address", c.chip.ioapic.base_address, 0xfec00000);
	expect_eq("IOAPIC's ID", c.chip.ioapic.id, 0);
	for (i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
		expect_eq("a pin's mask", c.chip.ioapic.redirtbl[i].fields.mask, 1);
	c.chip_id = KVM_NR_IRQCHIPS;
	expect_errno("chip 3", ioctl(vm->fd, KVM_GET_IRQCHIP, &c), EINVAL);
	expect_errno("chip 3", ioctl(vm->fd, KVM_SET_IRQCHIP, &c), EINVAL);
}

static void state_round_trip(const void *arg)
{
	struct vm *vm = with_irqchip();
	struct kvm_irqchip set, get;

	(void)arg;
	set = vm_irqchip(vm, KVM_IRQCHIP_PIC_MASTER);
	set.chip.pic.imr = 0x5a;
	set.chip.pic.irq_base = 0x30;
	set.chip.pic.elcr = 0x20;
	expect_ok("KVM_SET_IRQCHIP", ioctl(vm->fd, KVM_SET_IRQCHIP, &set));
	get = vm_irqchip(vm, KVM_IRQCHIP_PIC_MASTER);
	expect_mem("the master", &get.chip.pic, &set.chip.pic, sizeof(set.chip.pic));
	set = vm_irqchip(vm, KVM_IRQCHIP_IOAPIC);
	set.chip.ioapic.id = 5;
	set.chip.ioapic.ioregsel = 0x12;
	set.chip.ioapic.redirtbl[7].bits = 0x0300000000010045;
	expect_ok("KVM_SET_IRQCHIP", ioctl(vm->fd, KVM_SET_IRQCHIP, &set));
	get = vm_irqchip(vm, KVM_IRQCHIP_IOAPIC);
	expect_mem("the IOAPIC", &get.chip.ioapic, &set.chip.ioapic, sizeof(set.chip.ioapic));
}

static uint32_t lapic_reg(struct kvm_lapic_state *s, unsigned int reg)
{
	uint32_t v;

	memcpy(&v, s->regs + reg, 4);
	return v;
}

static void set_lapic_reg(struct kvm_lapic_state *s, unsigned int reg, uint32_t v)
{
	memcpy(s->regs + reg, &v, 4);
}

static void lapic(const void *arg)
{
	struct vm *vm = with_irqchip();
	struct vcpu *vcpu = vm_add_vcpu(vm, 3);
	struct kvm_lapic_state set, get;

	(void)arg;
	expect_ok("KVM_GET_LAPIC", ioctl(vcpu->fd, KVM_GET_LAPIC, &set));
	expect_eq("ID", lapic_reg(&set, 0x20), 3u << 24);
	expect_eq("version's low byte", lapic_reg(&set, 0x30) & 0xff, 0x14);
	expect_eq("SVR", lapic_reg(&set, 0xf0), 0xff);
	expect_eq("DFR", lapic_reg(&set, 0xe0), 0xffffffff);
	set_lapic_reg(&set, 0xf0, 0x1ff);
	set_lapic_reg(&set, 0x80, 0x30);
	set_lapic_reg(&set, 0xa0, 0x30);	/* PPR follows the TPR */
	set_lapic_reg(&set, 0xd0, 8u << 24);
	set_lapic_reg(&set, 0x320, 0x10041);
	set_lapic_reg(&set, 0x200 + 0x20, 1 << 5);
	expect_ok("KVM_SET_LAPIC", ioctl(vcpu->fd, KVM_SET_LAPIC, &set));
	expect_ok("KVM_GET_LAPIC", ioctl(vcpu->fd, KVM_GET_LAPIC, &get));
	expect_mem("the local APIC", &get, &set, sizeof(set));
	expect_eq("CR8", vcpu_sregs(vcpu).cr8, 3);
}

/* In x2APIC mode the ID is the register's low byte, unless userspace asked for 32-bit IDs. */
static void lapic_x2(const void *arg)
{
	struct vm *vm = with_irqchip();
	struct vcpu *vcpu = vm_add_vcpu(vm, 3);
	struct kvm_sregs s = vcpu_sregs(vcpu);
	struct kvm_lapic_state state;
	uint64_t id;

	(void)arg;
	s.apic_base |= 1 << 10;
	expect_ok("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &s));
	expect_ok("KVM_GET_LAPIC", ioctl(vcpu->fd, KVM_GET_LAPIC, &state));
	expect_eq("ID register", lapic_reg(&state, 0x20), 3u << 24);
	expect_eq("MSR 0x802", vcpu_get_msr(vcpu, 0x802, &id), 1);
	expect_eq("its value", id, 3);
	expect_ok("KVM_SET_LAPIC", ioctl(vcpu->fd, KVM_SET_LAPIC, &state));
	expect_eq("MSR 0x802", vcpu_get_msr(vcpu, 0x802, &id), 1);
	expect_eq("its value", id, 3);
}

static void pit_state(const void *arg)
{
	struct vm *vm = vm_new();
	struct kvm_pit_state2 set = { 0 }, get;

	(void)arg;
	vm_add_irqchip(vm, true);
	expect_ok("KVM_GET_PIT2", ioctl(vm->fd, KVM_GET_PIT2, &get));
	expect_eq("channel 0's gate", get.channels[0].gate, 1);
	expect_eq("channel 2's gate", get.channels[2].gate, 0);
	set = get;
	set.channels[1].mode = 2;
	set.channels[1].rw_mode = 3;
	set.channels[1].count = 1234;
	expect_ok("KVM_SET_PIT2", ioctl(vm->fd, KVM_SET_PIT2, &set));
	memset(&get, 0xee, sizeof(get));
	expect_ok("KVM_GET_PIT2", ioctl(vm->fd, KVM_GET_PIT2, &get));
	expect_eq("channel 1's mode", get.channels[1].mode, 2);
	expect_eq("channel 1's count", get.channels[1].count, 1234);
	expect_eq("reserved words", get.reserved[0], 0);
}

static void reinject(const void *arg)
{
	struct vm *vm = vm_new();
	struct kvm_reinject_control c = { .pit_reinject = 0 };

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_REINJECT_CONTROL);
	expect_errno("without a PIT", ioctl(vm->fd, KVM_REINJECT_CONTROL, &c), ENXIO);
	vm_add_irqchip(vm, true);
	expect_ok("off", ioctl(vm->fd, KVM_REINJECT_CONTROL, &c));
	c.pit_reinject = 1;
	expect_ok("on", ioctl(vm->fd, KVM_REINJECT_CONTROL, &c));
}

/* ---- lines ---- */

static void lines(const void *arg)
{
	struct vm *vm = with_irqchip();

	(void)arg;
	expect_ok("GSI 4 up", vm_irq_line(vm, 4, 1));
	expect_eq("master's IRR", vm_irqchip(vm, KVM_IRQCHIP_PIC_MASTER).chip.pic.irr >> 4 & 1, 1);
	expect_ok("GSI 4 down", vm_irq_line(vm, 4, 0));
	expect_eq("an edge stays in the master's IRR",
		  vm_irqchip(vm, KVM_IRQCHIP_PIC_MASTER).chip.pic.irr >> 4 & 1, 1);
	expect_ok("GSI 12 up", vm_irq_line(vm, 12, 1));
	expect_eq("slave's IRR", vm_irqchip(vm, KVM_IRQCHIP_PIC_SLAVE).chip.pic.irr >> 4 & 1, 1);
	expect_ok("GSI 20 up", vm_irq_line(vm, 20, 1));
	expect_ok("GSI 20 down", vm_irq_line(vm, 20, 0));
	expect_ok("a GSI without a route", vm_irq_line(vm, 1000, 1));
}

/* A level line (by ELCR) follows the line. */
static void level_line(const void *arg)
{
	struct vm *vm = with_irqchip();
	struct kvm_irqchip c = vm_irqchip(vm, KVM_IRQCHIP_PIC_MASTER);

	(void)arg;
	c.chip.pic.elcr = 1 << 5;
	expect_ok("KVM_SET_IRQCHIP", ioctl(vm->fd, KVM_SET_IRQCHIP, &c));
	expect_ok("GSI 5 up", vm_irq_line(vm, 5, 1));
	expect_eq("IRR", vm_irqchip(vm, KVM_IRQCHIP_PIC_MASTER).chip.pic.irr >> 5 & 1, 1);
	expect_ok("GSI 5 down", vm_irq_line(vm, 5, 0));
	expect_eq("IRR", vm_irqchip(vm, KVM_IRQCHIP_PIC_MASTER).chip.pic.irr >> 5 & 1, 0);
}

static void line_status(const void *arg)
{
	struct vm *vm = with_irqchip();
	struct kvm_irq_level line = { .irq = 4, .level = 1 };

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_IRQ_INJECT_STATUS);
	expect_ok("KVM_IRQ_LINE_STATUS", ioctl(vm->fd, KVM_IRQ_LINE_STATUS, &line));
	expect_true(line.status == 1, "status: expected 1 (delivered), saw %d", line.status);
	line = (struct kvm_irq_level) { .irq = 4, .level = 0 };
	expect_ok("KVM_IRQ_LINE_STATUS", ioctl(vm->fd, KVM_IRQ_LINE_STATUS, &line));
	line = (struct kvm_irq_level) { .irq = 4, .level = 1 };
	expect_ok("KVM_IRQ_LINE_STATUS", ioctl(vm->fd, KVM_IRQ_LINE_STATUS, &line));
	expect_true(line.status == 0, "status of a second edge: expected 0 (coalesced), saw %d",
		    line.status);
}

/* ---- routing ---- */

struct routes {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry entry[64];
};

static void routing(const void *arg)
{
	struct vm *vm = with_irqchip();
	struct routes *r = calloc(1, sizeof(*r));

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_IRQ_ROUTING);
	expect_ok("no routes at all", ioctl(vm->fd, KVM_SET_GSI_ROUTING, r));
	expect_ok("GSI 4 up", vm_irq_line(vm, 4, 1));
	expect_eq("master's IRR, without a route", vm_irqchip(vm, KVM_IRQCHIP_PIC_MASTER).chip.pic.irr,
		  0);
	r->head.nr = 2;
	r->entry[0] = (struct kvm_irq_routing_entry) {
		.gsi = 40, .type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = KVM_IRQCHIP_PIC_MASTER, .pin = 3 },
	};
	r->entry[1] = (struct kvm_irq_routing_entry){
		.gsi = 41,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = 0xfee00000, .data = 0x41 },
	};
	expect_ok("two routes", ioctl(vm->fd, KVM_SET_GSI_ROUTING, r));
	expect_ok("GSI 40 up", vm_irq_line(vm, 40, 1));
	expect_eq("master's IRR", vm_irqchip(vm, KVM_IRQCHIP_PIC_MASTER).chip.pic.irr, 1 << 3);
}

static void routing_refused(const void *arg)
{
	struct vm *vm = with_irqchip();
	struct routes *r = calloc(1, sizeof(*r));
	static const struct {
		const char *name;
		struct kvm_irq_routing_entry entry;
	} row[] = {
		{ "type 0", { .gsi = 1, .type = 0 } },
		{ "type 99", { .gsi = 1, .type = 99 } },
		{ "chip 9", { .gsi = 1, .type = 1, .u.irqchip = { .irqchip = 9, .pin = 1 } } },
		{ "IOAPIC's pin 24",
		  { .gsi = 1, .type = 1, .u.irqchip = { .irqchip = 2, .pin = 24 } } },
		{ "master's pin 8",
		  { .gsi = 1, .type = 1, .u.irqchip = { .irqchip = 0, .pin = 8 } } },
		{ "GSI 65536",
		  { .gsi = 65536, .type = 1, .u.irqchip = { .irqchip = 2, .pin = 1 } } },
		{ "flags",
		  { .gsi = 1,
		    .type = 1,
		    .flags = 1 << 7,
		    .u.irqchip = { .irqchip = 2, .pin = 1 } } },
	};
	size_t i;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_IRQ_ROUTING);
	r->head.nr = 1;
	for (i = 0; i < ARRAY_SIZE(row); i++) {
		r->entry[0] = row[i].entry;
		expect_errno(row[i].name, ioctl(vm->fd, KVM_SET_GSI_ROUTING, r), EINVAL);
	}
	r->head.nr = 1 << 20;
	expect_errno("a million routes", ioctl(vm->fd, KVM_SET_GSI_ROUTING, r), EINVAL);
	r->head.nr = 1;
	r->head.flags = 1;
	expect_errno("flags of the table", ioctl(vm->fd, KVM_SET_GSI_ROUTING, r), EINVAL);
	expect_ok("GSI 4 up", vm_irq_line(vm, 4, 1));
	expect_eq("the old routes still work", vm_irqchip(vm, KVM_IRQCHIP_PIC_MASTER).chip.pic.irr,
		  1 << 4);
}

/* ---- messages ---- */

static void signal_msi(const void *arg)
{
	struct vm *vm = with_irqchip();
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x41 };
	struct kvm_lapic_state state;
	struct kvm_sregs s;
	struct vcpu *vcpu;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_SIGNAL_MSI);
	expect_true(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi) <= 0,
		    "nobody there: expected 0 or an error");
	vcpu = vm_add_vcpu(vm, 0);
	s = vcpu_sregs(vcpu);
	expect_eq("APIC enabled", s.apic_base >> 11 & 1, 1);
	expect_ok("KVM_GET_LAPIC", ioctl(vcpu->fd, KVM_GET_LAPIC, &state));
	set_lapic_reg(&state, 0xf0, 0x1ff);
	expect_ok("KVM_SET_LAPIC", ioctl(vcpu->fd, KVM_SET_LAPIC, &state));
	expect_eq("to CPU 0", ioctl(vm->fd, KVM_SIGNAL_MSI, &msi), 1);
	expect_ok("KVM_GET_LAPIC", ioctl(vcpu->fd, KVM_GET_LAPIC, &state));
	expect_eq("IRR of 0x41", lapic_reg(&state, 0x200 + 0x20) >> 1 & 1, 1);
	msi.address_lo = 0xfee07000;
	expect_eq("to CPU 7, who isn't there", ioctl(vm->fd, KVM_SIGNAL_MSI, &msi), 0);
	msi.flags = 1 << 9;
	expect_errno("flags", ioctl(vm->fd, KVM_SIGNAL_MSI, &msi), EINVAL);
}

/* ---- a VM's end ---- */

/*
 * A local APIC's timer (@ms milliseconds) and the PIT's, about to fire, and a VM that has gone when
 * they would.
 */
static void leave_timers(unsigned int ms)
{
	struct vm *vm = with_irqchip();
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);
	struct kvm_pit_config config = { 0 };
	struct kvm_lapic_state apic;
	struct kvm_pit_state2 pit;
	uint32_t left;

	expect_ok("KVM_CREATE_PIT2", ioctl(vm->fd, KVM_CREATE_PIT2, &config));
	expect_ok("KVM_GET_PIT2", ioctl(vm->fd, KVM_GET_PIT2, &pit));
	pit.channels[0].mode = 2;
	pit.channels[0].count = 0xffff;	/* 55 ms */
	expect_ok("KVM_SET_PIT2", ioctl(vm->fd, KVM_SET_PIT2, &pit));
	expect_ok("KVM_GET_LAPIC", ioctl(vcpu->fd, KVM_GET_LAPIC, &apic));
	set_lapic_reg(&apic, 0xf0, 0x1ff);
	set_lapic_reg(&apic, 0x320, 0x41);	/* one shot */
	set_lapic_reg(&apic, 0x380, ms * 500000);	/* its clock has 1 GHz, divided by 2 */
	set_lapic_reg(&apic, 0x390, ms * 500000);	/* what is left: all */
	expect_ok("KVM_SET_LAPIC", ioctl(vcpu->fd, KVM_SET_LAPIC, &apic));
	if (ms < 1000)
		return;
	expect_ok("KVM_GET_LAPIC", ioctl(vcpu->fd, KVM_GET_LAPIC, &apic));
	left = lapic_reg(&apic, 0x390);
	expect_true(left && left < ms * 500000, "the timer: expected it to run, saw %u left of %u", left,
		    ms * 500000);
}

/*
 * CVE-2019-7221: what can be seen of a timer that outlived its vCPU is the host's complaint: when
 * the vCPU is freed (the debug kernel's), or when the timer fires. How long a VM takes to go isn't
 * known, so some fire early, some late.
 */
static void timers_end(const void *arg)
{
	static const unsigned int ms[] = { 20, 40, 80, 200, 1000, 5000 };
	const struct timespec pause = { .tv_nsec = 200000000 };
	unsigned int i;
	int status;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(ms); i++) {
		pid_t pid = fork();

		if (!pid) {
			leave_timers(ms[i]);
			_exit(0);
		}
		expect_eq("the VM's process", waitpid(pid, &status, 0), pid);
		expect_eq("its status", status, 0);
	}
	nanosleep(&pause, NULL);
}

/* ---- APIC ids of 32 bits ---- */

#define APIC_BASE_X2APIC 0xfee00c00ull
#define LAPIC_ID 0x20
#define LAPIC_IRR 0x200

static int x2apic_api(struct vm *vm, uint64_t flags)
{
	return vm_enable_cap(vm, KVM_CAP_X2APIC_API, flags);
}

/* A vCPU whose LAPIC is an x2APIC and takes interrupts. */
static struct vcpu *x2apic_vcpu(struct vm *vm, unsigned int id)
{
	struct vcpu *vcpu = vm_add_vcpu(vm, id);
	uint64_t base;

	if (!vcpu_get_msr(vcpu, 0x1b, &base) || !vcpu_set_msr(vcpu, 0x1b, base | APIC_BASE_X2APIC))
		row_die("vCPU %u: no x2APIC", id);
	expect_eq("SPIV", vcpu_set_msr(vcpu, 0x80f, 0x1ff), 1);
	return vcpu;
}

static uint32_t lapic_word(struct vcpu *vcpu, unsigned int offset)
{
	struct kvm_lapic_state s;
	uint32_t word;

	expect_ok("KVM_GET_LAPIC", ioctl(vcpu->fd, KVM_GET_LAPIC, &s));
	memcpy(&word, s.regs + offset, sizeof(word));
	return word;
}

static int set_lapic_id(struct vcpu *vcpu, uint32_t id)
{
	struct kvm_lapic_state s;

	expect_ok("KVM_GET_LAPIC", ioctl(vcpu->fd, KVM_GET_LAPIC, &s));
	memcpy(s.regs + LAPIC_ID, &id, sizeof(id));
	return ioctl(vcpu->fd, KVM_SET_LAPIC, &s);
}

static bool requested(struct vcpu *vcpu, unsigned int vector)
{
	return lapic_word(vcpu, LAPIC_IRR + vector / 32 * 16) >> vector % 32 & 1;
}

static int send_msi(struct vm *vm, uint32_t dest, uint8_t vector)
{
	struct kvm_msi msi = {
		.address_lo = 0xfee00000 | (dest & 0xff) << 12,
		.address_hi = dest & ~0xffu,
		.data = vector,
	};

	return ioctl(vm->fd, KVM_SIGNAL_MSI, &msi);
}

static void x2apic_flags(const void *arg)
{
	struct vm *vm = vm_new();

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_X2APIC_API);
	expect_eq("flags", kvm_cap(vm->kvm, KVM_CAP_X2APIC_API),
		  KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK);
	expect_errno("an unknown flag", x2apic_api(vm, 4), EINVAL);
	expect_errno("all flags", x2apic_api(vm, ~0ull), EINVAL);
	expect_ok("both flags", x2apic_api(vm, 3));
	expect_ok("none", x2apic_api(vm, 0));
}

/* Where the id stands in KVM_GET_LAPIC, and which one KVM_SET_LAPIC takes. */
static void x2apic_ids(const void *arg)
{
	struct vm *vm = with_irqchip();
	struct vcpu *xapic, *x2apic;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_X2APIC_API);
	xapic = vm_add_vcpu(vm, 2);
	x2apic = x2apic_vcpu(vm, 5);
	expect_eq("x2APIC, old format", lapic_word(x2apic, LAPIC_ID), 5 << 24);
	expect_ok("KVM_SET_LAPIC, old format", set_lapic_id(x2apic, 5 << 24));
	expect_ok("32-bit ids", x2apic_api(vm, KVM_X2APIC_API_USE_32BIT_IDS));
	expect_eq("xAPIC", lapic_word(xapic, LAPIC_ID), 2 << 24);
	expect_eq("x2APIC", lapic_word(x2apic, LAPIC_ID), 5);
	expect_ok("KVM_SET_LAPIC", set_lapic_id(x2apic, 5));
	expect_errno("another's id", set_lapic_id(x2apic, 6), EINVAL);
	expect_errno("the old format", set_lapic_id(x2apic, 5 << 24), EINVAL);
	expect_eq("x2APIC, still", lapic_word(x2apic, LAPIC_ID), 5);
}

/* Messages to an id beyond 8 bits, by KVM_SIGNAL_MSI and through the routing table. */
static void x2apic_wide_msi(const void *arg)
{
	struct vm *vm = with_irqchip();
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} r = {
		.head.nr = 1,
		.entry = { .gsi = 24, .type = KVM_IRQ_ROUTING_MSI },
	};
	struct vcpu *vcpu[2];

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_X2APIC_API);
	vcpu[0] = x2apic_vcpu(vm, 44);
	vcpu[1] = x2apic_vcpu(vm, 300);		/* 256 + 44 */
	expect_eq("KVM_SIGNAL_MSI, 8 bits", send_msi(vm, 300, 0x50), 1);
	expect_eq("went to 44", requested(vcpu[0], 0x50), 1);
	expect_eq("went to 300", requested(vcpu[1], 0x50), 0);
	expect_ok("32-bit ids", x2apic_api(vm, KVM_X2APIC_API_USE_32BIT_IDS));
	expect_eq("the id of 300", lapic_word(vcpu[1], LAPIC_ID), 300);
	expect_eq("KVM_SIGNAL_MSI, 32 bits", send_msi(vm, 300, 0x51), 1);
	expect_eq("went to 44", requested(vcpu[0], 0x51), 0);
	expect_eq("went to 300", requested(vcpu[1], 0x51), 1);
	r.entry.u.msi.address_lo = 0xfee00000 | (300 & 0xff) << 12;
	r.entry.u.msi.address_hi = 0x101;
	r.entry.u.msi.data = 0x52;
	expect_errno("low bits of address_hi", ioctl(vm->fd, KVM_SET_GSI_ROUTING, &r), EINVAL);
	r.entry.u.msi.address_hi = 0x100;
	expect_ok("KVM_SET_GSI_ROUTING", ioctl(vm->fd, KVM_SET_GSI_ROUTING, &r));
	expect_ok("KVM_IRQ_LINE", vm_irq_line(vm, 24, 1));
	expect_eq("went to 44", requested(vcpu[0], 0x52), 0);
	expect_eq("went to 300", requested(vcpu[1], 0x52), 1);
}

/* 0xff is everybody, or with the quirk disabled one x2APIC's id. */
static void x2apic_broadcast(const void *arg)
{
	struct vm *vm = with_irqchip();
	struct vcpu *vcpu[2];

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_X2APIC_API);
	vcpu[0] = x2apic_vcpu(vm, 0);
	vcpu[1] = x2apic_vcpu(vm, 255);
	expect_eq("with the quirk", send_msi(vm, 0xff, 0x60), 2);
	expect_eq("went to 0", requested(vcpu[0], 0x60), 1);
	expect_eq("went to 255", requested(vcpu[1], 0x60), 1);
	expect_ok("both flags", x2apic_api(vm, 3));
	expect_eq("without", send_msi(vm, 0xff, 0x61), 1);
	expect_eq("went to 0", requested(vcpu[0], 0x61), 0);
	expect_eq("went to 255", requested(vcpu[1], 0x61), 1);
	expect_eq("32 bits of ones", send_msi(vm, ~0u, 0x62), 2);
}

/* The older ways to a PIT and its state. */
static void pit_old(const void *arg)
{
	struct vm *vm = with_irqchip();
	struct kvm_pit_state state = { 0 };
	struct kvm_pit_state2 state2;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_PIT);
	expect_ok("KVM_CREATE_PIT", ioctl(vm->fd, KVM_CREATE_PIT, 0));
	expect_errno("again", ioctl(vm->fd, KVM_CREATE_PIT, 0), EEXIST);
	expect_ok("KVM_GET_PIT", ioctl(vm->fd, KVM_GET_PIT, &state));
	state.channels[2].count = 0x1234;
	state.channels[2].mode = 3;
	expect_ok("KVM_SET_PIT", ioctl(vm->fd, KVM_SET_PIT, &state));
	expect_ok("KVM_GET_PIT2", ioctl(vm->fd, KVM_GET_PIT2, &state2));
	expect_eq("count", state2.channels[2].count, 0x1234);
	expect_eq("mode", state2.channels[2].mode, 3);
}

/* A pin programmed active low: 1 is active for KVM_IRQ_LINE all the same. */
static void polarity(const void *arg)
{
	struct vm *vm = with_irqchip();
	struct vcpu *vcpu;
	struct kvm_irqchip c;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_IOAPIC_POLARITY_IGNORED);
	vcpu = x2apic_vcpu(vm, 0);
	c = vm_irqchip(vm, KVM_IRQCHIP_IOAPIC);
	c.chip.ioapic.redirtbl[20].bits = 0x70 | 1 << 13 | 1 << 15;	/* active low, level */
	expect_ok("KVM_SET_IRQCHIP", ioctl(vm->fd, KVM_SET_IRQCHIP, &c));
	expect_eq("requested at rest", requested(vcpu, 0x70), 0);
	expect_ok("KVM_IRQ_LINE, 1", vm_irq_line(vm, 20, 1));
	expect_eq("requested", requested(vcpu, 0x70), 1);
}

/* A level line that is up when the state is saved is up in the VM that gets it. */
static void level_restored(const void *arg)
{
	struct vm *from = with_irqchip(), *to = with_irqchip();
	struct kvm_irqchip pic = vm_irqchip(from, KVM_IRQCHIP_PIC_MASTER);
	struct kvm_irqchip ioapic = vm_irqchip(from, KVM_IRQCHIP_IOAPIC);
	struct vcpu *vcpu;

	(void)arg;
	vcpu = x2apic_vcpu(to, 0);
	pic.chip.pic.elcr = 1 << 5;
	expect_ok("KVM_SET_IRQCHIP", ioctl(from->fd, KVM_SET_IRQCHIP, &pic));
	ioapic.chip.ioapic.redirtbl[5].bits = 0x71 | 1 << 15 | 1 << 16;	/* level, masked */
	expect_ok("KVM_SET_IRQCHIP", ioctl(from->fd, KVM_SET_IRQCHIP, &ioapic));
	expect_ok("GSI 5 up", vm_irq_line(from, 5, 1));
	pic = vm_irqchip(from, KVM_IRQCHIP_PIC_MASTER);
	ioapic = vm_irqchip(from, KVM_IRQCHIP_IOAPIC);
	expect_eq("saved: the 8259's line", pic.chip.pic.last_irr >> 5 & 1, 1);
	expect_eq("saved: the IOAPIC's line", ioapic.chip.ioapic.irr >> 5 & 1, 1);

	expect_ok("KVM_SET_IRQCHIP", ioctl(to->fd, KVM_SET_IRQCHIP, &pic));
	expect_ok("KVM_SET_IRQCHIP", ioctl(to->fd, KVM_SET_IRQCHIP, &ioapic));
	expect_eq("IRR of the 8259", vm_irqchip(to, KVM_IRQCHIP_PIC_MASTER).chip.pic.irr >> 5 & 1, 1);
	expect_eq("requested while masked", requested(vcpu, 0x71), 0);
	ioapic.chip.ioapic.redirtbl[5].fields.mask = 0;
	expect_ok("KVM_SET_IRQCHIP", ioctl(to->fd, KVM_SET_IRQCHIP, &ioapic));
	expect_eq("requested", requested(vcpu, 0x71), 1);
	ioapic = vm_irqchip(to, KVM_IRQCHIP_IOAPIC);
	expect_eq("remote IRR", ioapic.chip.ioapic.redirtbl[5].fields.remote_irr, 1);
	expect_ok("GSI 5 down", vm_irq_line(to, 5, 0));
	expect_eq("IRR of the 8259", vm_irqchip(to, KVM_IRQCHIP_PIC_MASTER).chip.pic.irr >> 5 & 1, 0);
	expect_eq("the IOAPIC's line", vm_irqchip(to, KVM_IRQCHIP_IOAPIC).chip.ioapic.irr >> 5 & 1,
		  0);
}

static const struct test_row rows[] = {
	{ .name = "create", .run = create },
	{ .name = "create-late", .run = create_late },
	{ .name = "without-irqchip", .run = without_irqchip },
	{ .name = "pit-create", .run = pit_create },
	{ .name = "reset-state", .run = reset_state },
	{ .name = "state-round-trip", .run = state_round_trip },
	{ .name = "lapic", .run = lapic },
	{ .name = "lapic-x2apic", .run = lapic_x2 },
	{ .name = "pit-state", .run = pit_state },
	{ .name = "pit-reinject", .run = reinject },
	{ .name = "lines", .run = lines },
	{ .name = "level-line", .run = level_line },
	{ .name = "level-restored", .run = level_restored },
	{ .name = "line-status", .run = line_status },
	{ .name = "routing", .run = routing },
	{ .name = "routing-refused", .run = routing_refused },
	{ .name = "signal-msi", .run = signal_msi },
	{ .name = "timers-end", .run = timers_end },
	{ .name = "x2apic-flags", .run = x2apic_flags },
	{ .name = "x2apic-ids", .run = x2apic_ids },
	{ .name = "x2apic-wide-msi", .run = x2apic_wide_msi },
	{ .name = "x2apic-broadcast", .run = x2apic_broadcast },
	{ .name = "pit-old", .run = pit_old },
	{ .name = "polarity", .run = polarity },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
