// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CAP_SPLIT_IRQCHIP: local APICs in the kernel, IOAPIC and 8259s here. What can't be made then,
 * EOIs as exits, interrupts of the 8259s and their windows.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "row.h"
#include "vm.h"

#define PORT_OK 0x80 /* the handler, at its end */
#define PORT_IDLE 0x81 /* the guest itself */
#define VECTOR 0x31
#define HANDLER (GUEST_REAL + 0x100)
#define PINS 24
#define LEVEL 0xc000 /* of a message: level triggered, asserted */

#define LVT0 0x350
#define MASKED 0x10000
#define EXTINT 0x700

static int enable_split(struct vm *vm, uint64_t pins)
{
	return vm_enable_cap(vm, KVM_CAP_SPLIT_IRQCHIP, pins);
}

static struct vm *split_vm(uint64_t pins)
{
	struct vm *vm = vm_new_ram();

	need_cap(vm->kvm, KVM_CAP_SPLIT_IRQCHIP);
	expect_ok("KVM_CAP_SPLIT_IRQCHIP", enable_split(vm, pins));
	return vm;
}

#define MAIN(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

/* sti; hlt; jmp sti */
#define WAIT MAIN(0xfb, 0xf4, 0xeb, 0xfc)

/*
 * A guest in real mode, but for data segments that reach all of 4 GiB, with its local APIC enabled.
 * All vectors up to VECTOR lead to a handler that makes an EOI there and an exit.
 */
static struct vcpu *guest(struct vm *vm, const uint8_t *code, size_t bytes)
{
	static const uint8_t handler[] = {
		0x67, 0x66, 0xc7, 0x05, 0xb0, 0x00, 0xe0, 0xfe, 0x00, 0x00, 0x00, 0x00,
		/* movl $0, 0xfee000b0 */
		0xe6, PORT_OK, 0xcf, /* out %al, $PORT_OK; iret */
	};
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);
	uint32_t at = HANDLER, vector;

	memcpy(vm_ptr(vm, GUEST_REAL, bytes), code, bytes);
	memcpy(vm_ptr(vm, at, sizeof(handler)), handler, sizeof(handler));
	for (vector = 0; vector <= VECTOR + 1; vector++)
		memcpy(vm_ptr(vm, vector * 4, 4), &at, 4);
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
	vcpu_set_big_data(vcpu);
	vcpu_set_lapic(vcpu, 0xf0, 0x1ff);
	return vcpu;
}

static void expect_out(struct vcpu *vcpu, uint16_t port)
{
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("port", vcpu->run->io.port, port);
}

/* GSIs 0 and 1: messages to vCPU 0, level and edge triggered. */
static int set_routes(struct vm *vm)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry[2];
	} r = { .head.nr = 2 };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		r.entry[i].gsi = i;
		r.entry[i].type = KVM_IRQ_ROUTING_MSI;
		r.entry[i].u.msi.address_lo = 0xfee00000;
		r.entry[i].u.msi.data = i ? 0x4000 | (VECTOR + 1) : LEVEL | VECTOR;
	}
	return ioctl(vm->fd, KVM_SET_GSI_ROUTING, &r);
}

/* ---- what there is ---- */

static void create(const void *arg)
{
	struct vm *vm = vm_new();

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_SPLIT_IRQCHIP);
	expect_errno("more pins than routes", enable_split(vm, 4097), EINVAL);
	expect_ok("KVM_CAP_SPLIT_IRQCHIP", enable_split(vm, PINS));
	expect_errno("again", enable_split(vm, PINS), EEXIST);
	expect_errno("KVM_CREATE_IRQCHIP", ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0), EEXIST);

	vm = vm_new();
	vm_add_irqchip(vm, false);
	expect_errno("with chips in the kernel", enable_split(vm, PINS), EEXIST);
	vm = vm_new();
	vm_add_vcpu(vm, 0);
	expect_errno("after a vCPU", enable_split(vm, PINS), EEXIST);
}

static void chips(const void *arg)
{
	struct vm *vm = split_vm(PINS);
	struct kvm_irqchip c = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct kvm_pit_config config = { 0 };
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR };
	struct kvm_irqfd irqfd = { .fd = eventfd(0, EFD_CLOEXEC), .gsi = 1 };
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} r = {
		.head.nr = 1,
		.entry = { .gsi = 1,
			   .type = KVM_IRQ_ROUTING_IRQCHIP,
			   .u.irqchip = { KVM_IRQCHIP_IOAPIC, 1 } },
	};
	struct vcpu *vcpu;

	(void)arg;
	expect_errno("KVM_GET_IRQCHIP", ioctl(vm->fd, KVM_GET_IRQCHIP, &c), ENXIO);
	expect_errno("KVM_SET_IRQCHIP", ioctl(vm->fd, KVM_SET_IRQCHIP, &c), ENXIO);
	if (!stock_61())
		expect_errno("KVM_CREATE_PIT2", ioctl(vm->fd, KVM_CREATE_PIT2, &config), ENOENT);
	expect_errno("a route to an IOAPIC", ioctl(vm->fd, KVM_SET_GSI_ROUTING, &r), EINVAL);
	expect_ok("a line that leads nowhere", vm_irq_line(vm, 1, 1));
	expect_ok("routes", set_routes(vm));
	if (kvm_cap(vm->kvm, KVM_CAP_IRQFD) > 0) {
		expect_ok("KVM_IRQFD", ioctl(vm->fd, KVM_IRQFD, &irqfd));
		irqfd.resamplefd = irqfd.fd = eventfd(0, EFD_CLOEXEC);
		irqfd.flags = KVM_IRQFD_FLAG_RESAMPLE;
		expect_errno("resampled", ioctl(vm->fd, KVM_IRQFD, &irqfd), EINVAL);
	}
	vcpu = vm_add_vcpu(vm, 0);
	expect_eq("a message to a LAPIC that is off", ioctl(vm->fd, KVM_SIGNAL_MSI, &msi), 0);
	vcpu_set_lapic(vcpu, 0xf0, 0x1ff);
	expect_eq("a message", ioctl(vm->fd, KVM_SIGNAL_MSI, &msi), 1);
}

/* ---- EOIs ---- */

static void eoi(const void *arg)
{
	struct vm *vm = split_vm(PINS);
	struct vcpu *vcpu = guest(vm, WAIT);
	unsigned int i;

	(void)arg;
	expect_ok("routes", set_routes(vm));
	for (i = 0; i < 2; i++) {
		expect_ok("level triggered", vm_irq_line(vm, 0, 1));
		vcpu_run_until(vcpu, KVM_EXIT_IOAPIC_EOI);
		expect_eq("vector", vcpu->run->eoi.vector, VECTOR);
		expect_out(vcpu, PORT_OK);
	}
	expect_ok("edge triggered", vm_irq_line(vm, 1, 1));
	expect_out(vcpu, PORT_OK);
}

/* The handler makes an exit before its EOI, too. */
static void pause_in_handler(struct vm *vm)
{
	static const uint8_t out_idle[] = { 0xe6, PORT_IDLE };
	uint8_t *handler = vm_ptr(vm, HANDLER, 128);

	memmove(handler + sizeof(out_idle), handler, 128 - sizeof(out_idle));
	memcpy(handler, out_idle, sizeof(out_idle));
}

/* GSI 0 is this message, or (data 0) none: its pin is masked. */
static void route_pin(struct vm *vm, uint32_t cpu, uint32_t data)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} r = {
		.head.nr = !!data,
		.entry = { .type = KVM_IRQ_ROUTING_MSI,
			   .u.msi = { .address_lo = 0xfee00000 | cpu << 12, .data = data } },
	};

	expect_ok("KVM_SET_GSI_ROUTING", ioctl(vm->fd, KVM_SET_GSI_ROUTING, &r));
}

static void expect_eoi(struct vcpu *vcpu, const char *what)
{
	vcpu_run_until(vcpu, KVM_EXIT_IOAPIC_EOI);
	expect_eq(what, vcpu->run->eoi.vector, VECTOR);
	expect_out(vcpu, PORT_OK);
}

/* What userspace's IOAPIC says in the meantime doesn't matter to an interrupt in service. */
static void eoi_rerouted(const void *arg)
{
	static const struct {
		const char *what;
		uint32_t cpu, data;
	} now[] = {
		{ "vector, pin as before", 0, LEVEL | VECTOR },
		{ "vector, pin to another CPU", 1, LEVEL | VECTOR },
		{ "vector, pin masked", 0, 0 },
		{ "vector, pin edge triggered", 0, VECTOR },
		{ "vector, pin with another vector", 0, LEVEL | (VECTOR + 1) },
	};
	/* The distribution's driver looks at the routes as they are by then. */
	unsigned int nr = stock_driver() ? 1 : ARRAY_SIZE(now);
	struct vm *vm = split_vm(PINS);
	struct vcpu *vcpu = guest(vm, WAIT);
	unsigned int i;

	(void)arg;
	pause_in_handler(vm);
	for (i = 0; i < nr; i++) {
		route_pin(vm, 0, LEVEL | VECTOR);
		expect_ok("level triggered", vm_irq_line(vm, 0, 1));
		expect_out(vcpu, PORT_IDLE);
		route_pin(vm, now[i].cpu, now[i].data);
		expect_eoi(vcpu, now[i].what);
	}
}

/* Masked, unmasked and triggered again in the handler: an EOI for each of the two. */
static void eoi_retriggered(const void *arg)
{
	struct vm *vm = split_vm(PINS);
	struct vcpu *vcpu = guest(vm, WAIT);

	(void)arg;
	pause_in_handler(vm);
	route_pin(vm, 0, LEVEL | VECTOR);
	expect_ok("level triggered", vm_irq_line(vm, 0, 1));
	expect_out(vcpu, PORT_IDLE);
	route_pin(vm, 0, 0);
	route_pin(vm, 0, LEVEL | VECTOR);
	expect_ok("triggered again", vm_irq_line(vm, 0, 1));
	expect_eoi(vcpu, "vector, first");
	expect_out(vcpu, PORT_IDLE);
	expect_eoi(vcpu, "vector, second");
}

/* Userspace without an IOAPIC doesn't want to hear of them. */
static void eoi_unwanted(const void *arg)
{
	struct vm *vm = split_vm(0);
	struct vcpu *vcpu = guest(vm, WAIT);

	(void)arg;
	expect_ok("routes", set_routes(vm));
	expect_ok("level triggered", vm_irq_line(vm, 0, 1));
	expect_out(vcpu, PORT_OK);
}

/* ---- interrupts of the 8259s ---- */

static int interrupt(struct vcpu *vcpu, uint32_t vector)
{
	struct kvm_interrupt irq = { .irq = vector };

	return ioctl(vcpu->fd, KVM_INTERRUPT, &irq);
}

static void extint(const void *arg)
{
	struct vm *vm = split_vm(PINS);
	struct vcpu *vcpu =
		guest(vm, MAIN(0xe6, PORT_IDLE, 0xfb, 0x90, 0xe6, PORT_IDLE, 0xeb, 0xfc));

	(void)arg;
	vcpu_set_lapic(vcpu, LVT0, EXTINT);
	expect_out(vcpu, PORT_IDLE);
	expect_eq("ready, with IF clear", vcpu->run->ready_for_interrupt_injection, 0);
	expect_out(vcpu, PORT_IDLE);
	expect_eq("ready", vcpu->run->ready_for_interrupt_injection, 1);
	expect_errno("vector 256", interrupt(vcpu, 256), EINVAL);
	expect_ok("KVM_INTERRUPT", interrupt(vcpu, VECTOR));
	expect_errno("another, behind it", interrupt(vcpu, VECTOR), EEXIST);
	expect_out(vcpu, PORT_OK);
	expect_out(vcpu, PORT_IDLE);
	expect_eq("ready again", vcpu->run->ready_for_interrupt_injection, 1);

	/* LINT0 masked: it waits, and the guest goes on. */
	vcpu_set_lapic(vcpu, LVT0, EXTINT | MASKED);
	expect_out(vcpu, PORT_IDLE);
	expect_eq("ready, with LINT0 masked", vcpu->run->ready_for_interrupt_injection, 0);
	expect_ok("KVM_INTERRUPT", interrupt(vcpu, VECTOR));
	expect_out(vcpu, PORT_IDLE);
	vcpu_set_lapic(vcpu, LVT0, EXTINT);
	expect_out(vcpu, PORT_OK);
}

static void window(const void *arg)
{
	struct vm *vm = split_vm(PINS);
	struct vcpu *vcpu =
		guest(vm, MAIN(0xe6, PORT_IDLE, 0xfb, 0x90, 0xe6, PORT_IDLE, 0xeb, 0xfc));

	(void)arg;
	vcpu_set_lapic(vcpu, LVT0, EXTINT | MASKED);
	expect_out(vcpu, PORT_IDLE);
	/* One that can't come through needs no window, and doesn't stop the guest. */
	vcpu->run->request_interrupt_window = 1;
	expect_out(vcpu, PORT_IDLE);
	expect_out(vcpu, PORT_IDLE);
	vcpu_set_lapic(vcpu, LVT0, EXTINT);
	vcpu_run_until(vcpu, KVM_EXIT_IRQ_WINDOW_OPEN);
	expect_eq("ready", vcpu->run->ready_for_interrupt_injection, 1);
	vcpu->run->request_interrupt_window = 0;
	expect_ok("KVM_INTERRUPT", interrupt(vcpu, VECTOR));
	expect_out(vcpu, PORT_OK);
}

static void *disturb(void *thread)
{
	usleep(100000);
	pthread_kill(*(pthread_t *)thread, SIGUSR1);
	return NULL;
}

/* A guest that sleeps in the kernel is left by a signal, and woken by an interrupt. */
static void asleep(const void *arg)
{
	struct vm *vm = split_vm(PINS);
	struct vcpu *vcpu = guest(vm, WAIT);
	pthread_t self = pthread_self(), other;

	(void)arg;
	vcpu_set_lapic(vcpu, LVT0, EXTINT);
	catch_usr1();
	expect_eq("pthread_create", pthread_create(&other, NULL, disturb, &self), 0);
	expect_errno("KVM_RUN, disturbed", vcpu_run(vcpu), EINTR);
	pthread_join(other, NULL);
	expect_eq("ready", vcpu->run->ready_for_interrupt_injection, 1);
	expect_ok("KVM_INTERRUPT", interrupt(vcpu, VECTOR));
	expect_out(vcpu, PORT_OK);
}

static const struct test_row rows[] = {
	{ .name = "create", .run = create },
	{ .name = "chips", .run = chips },
	{ .name = "eoi", .run = eoi },
	{ .name = "eoi-rerouted", .run = eoi_rerouted },
	{ .name = "eoi-retriggered", .run = eoi_retriggered },
	{ .name = "eoi-unwanted", .run = eoi_unwanted },
	{ .name = "extint", .run = extint },
	{ .name = "window", .run = window },
	{ .name = "asleep", .run = asleep },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
