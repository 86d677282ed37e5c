// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eventfds in place of exits and ioctls: KVM_IRQFD, as edges and as lines that are resampled, and
 * KVM_IOEVENTFD.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "row.h"
#include "vm.h"

#define GSI 5 /* the master's line; its vector is ... */
#define PIC_BASE 0x20 /* ... this one's sixth */
#define PORT_OK 0x80

/* Is there a request in the master? */
static unsigned int requested(struct vm *vm, unsigned int line)
{
	return vm_irqchip(vm, KVM_IRQCHIP_PIC_MASTER).chip.pic.irr >> line & 1;
}

/* The distribution's driver lets a work item do it. */
static void expect_request(struct vm *vm, unsigned int line)
{
	unsigned int i;

	for (i = 0; i < 1000 && !requested(vm, line); i++)
		usleep(1000);
	expect_eq("master's IRR", requested(vm, line), 1);
}

static int new_eventfd(unsigned int count)
{
	int fd = eventfd(count, EFD_CLOEXEC | EFD_NONBLOCK);

	expect_true(fd >= 0, "eventfd: expected a file, saw %m");
	return fd;
}

static void signal_fd(int fd)
{
	uint64_t one = 1;

	expect_eq("write to an eventfd", write(fd, &one, 8), 8);
}

/* What was signalled since; 0: nothing. */
static uint64_t count_of(int fd)
{
	uint64_t count;

	return read(fd, &count, 8) == 8 ? count : 0;
}

static struct vm *with_irqchip(void)
{
	struct vm *vm = vm_new_ram();

	need_cap(vm->kvm, KVM_CAP_IRQFD);
	vm_add_irqchip(vm, false);
	return vm;
}

/*
 * A guest that waits for interrupts of GSI: an EOI to the master, then an exit. @level: that line
 * is level triggered.
 */
static struct vcpu *waiting_guest(struct vm *vm, bool level)
{
	static const uint8_t wait[] = { 0xfb, 0xf4, 0xeb, 0xfc }; /* sti; hlt; jmp sti */
	static const uint8_t handler[] = {
		0xb0, 0x20,    0xe6, 0x20, /* mov $0x20, %al; out %al, $0x20: EOI */
		0xe6, PORT_OK, 0xcf, /* out %al, $PORT_OK; iret */
	};
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);
	struct kvm_irqchip c = vm_irqchip(vm, KVM_IRQCHIP_PIC_MASTER);
	uint32_t vector = GUEST_REAL + 0x100;

	memcpy(vm_ptr(vm, GUEST_REAL, sizeof(wait)), wait, sizeof(wait));
	memcpy(vm_ptr(vm, vector, sizeof(handler)), handler, sizeof(handler));
	memcpy(vm_ptr(vm, (PIC_BASE + GSI) * 4, 4), &vector, 4); /* 0:vector */
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
	c.chip.pic.irq_base = PIC_BASE;
	c.chip.pic.imr = (uint8_t) ~(1 << GSI);
	c.chip.pic.elcr = level ? 1 << GSI : 0;
	expect_ok("KVM_SET_IRQCHIP", ioctl(vm->fd, KVM_SET_IRQCHIP, &c));
	return vcpu;
}

static void expect_interrupt(struct vcpu *vcpu)
{
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("the handler's port", vcpu->run->io.port, PORT_OK);
}

/* ---- irqfd ---- */

static void irqfd(const void *arg)
{
	struct vm *vm = with_irqchip();
	int fd = new_eventfd(0);
	struct kvm_irqfd irqfd = { .fd = fd, .gsi = GSI };

	(void)arg;
	expect_ok("KVM_IRQFD", ioctl(vm->fd, KVM_IRQFD, &irqfd));
	expect_errno("the same eventfd again", ioctl(vm->fd, KVM_IRQFD, &irqfd), EBUSY);
	signal_fd(fd);
	expect_request(vm, GSI);
	expect_eq("left in the eventfd", count_of(fd), 0);
	irqfd.flags = KVM_IRQFD_FLAG_DEASSIGN;
	expect_ok("deassign", ioctl(vm->fd, KVM_IRQFD, &irqfd));
	expect_ok("deassign again", ioctl(vm->fd, KVM_IRQFD, &irqfd));
	signal_fd(fd);
	expect_eq("in the eventfd that is free again", count_of(fd), 1);
	irqfd = (struct kvm_irqfd){ .fd = kvm_open(), .gsi = GSI };
	expect_errno("a file that is no eventfd", ioctl(vm->fd, KVM_IRQFD, &irqfd), EINVAL);
	irqfd = (struct kvm_irqfd){ .fd = -1, .gsi = GSI };
	expect_errno("no file", ioctl(vm->fd, KVM_IRQFD, &irqfd), EBADF);
	irqfd = (struct kvm_irqfd){ .fd = fd, .gsi = GSI, .flags = 1 << 5 };
	expect_errno("flags", ioctl(vm->fd, KVM_IRQFD, &irqfd), EINVAL);
}

static int assign(struct vm *vm, int fd, unsigned int gsi, int resample)
{
	struct kvm_irqfd irqfd = { .fd = fd, .gsi = gsi };

	if (resample >= 0) {
		irqfd.flags = KVM_IRQFD_FLAG_RESAMPLE;
		irqfd.resamplefd = resample;
	}
	return ioctl(vm->fd, KVM_IRQFD, &irqfd);
}

static void irqfd_without_irqchip(const void *arg)
{
	struct vm *vm = vm_new();
	int fd = new_eventfd(0);

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_IRQFD);
	expect_errno("an edge", assign(vm, fd, GSI, -1), EINVAL);
	expect_errno("a line", assign(vm, fd, GSI, new_eventfd(0)), EINVAL);
}

/* What was signalled before counts; and a VM that goes leaves the eventfd to others. */
static void irqfd_before_and_after(const void *arg)
{
	struct vm *vm = with_irqchip();
	int fd = new_eventfd(3);

	(void)arg;
	expect_ok("KVM_IRQFD", assign(vm, fd, GSI, -1));
	expect_request(vm, GSI);
	close(vm->fd);
	count_of(fd);
	signal_fd(fd);
	expect_eq("in the eventfd, without a VM", count_of(fd), 1);
}

/* With an eventfd's last file its irqfd goes; with another's it stays. */
static void irqfd_closed(const void *arg)
{
	struct vm *vm = with_irqchip();
	int fd, copy, i;

	(void)arg;
	for (i = 0; i < 100; i++) {
		fd = new_eventfd(0);
		expect_ok("KVM_IRQFD", assign(vm, fd, GSI, i & 1 ? -1 : new_eventfd(0)));
		close(fd);
	}
	fd = new_eventfd(0);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	expect_ok("KVM_IRQFD", assign(vm, fd, GSI, -1));
	close(fd);
	expect_errno("the eventfd again", assign(vm, copy, GSI, -1), EBUSY);
	expect_eq("requests so far", requested(vm, GSI), 0);
	signal_fd(copy);
	expect_request(vm, GSI);
}

/* A GSI that is a message, to a local APIC. */
static void irqfd_msi(const void *arg)
{
	struct vm *vm = with_irqchip();
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);
	int fd = new_eventfd(0);
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} r = {
		.head.nr = 1,
		.entry = { .gsi = 100,
			   .type = KVM_IRQ_ROUTING_MSI,
			   .u.msi = { .address_lo = 0xfee00000, .data = 0x41 } },
	};
	uint32_t irr = 0;
	unsigned int i;

	(void)arg;
	expect_ok("KVM_SET_GSI_ROUTING", ioctl(vm->fd, KVM_SET_GSI_ROUTING, &r));
	expect_ok("KVM_IRQFD", assign(vm, fd, 100, -1));
	vcpu_set_lapic(vcpu, 0xf0, 0x1ff);
	signal_fd(fd);
	for (i = 0; i < 1000 && !irr; i++) {
		usleep(1000);
		irr = vcpu_lapic(vcpu, 0x220);
	}
	expect_eq("IRR 0x40 to 0x5f", irr, 2);
	r.head.nr = 0;
	expect_ok("no routes", ioctl(vm->fd, KVM_SET_GSI_ROUTING, &r));
	signal_fd(fd);
	expect_eq("left in the eventfd", count_of(fd), 0);
}

static void *signal_later(void *fd)
{
	usleep(200000);
	signal_fd(*(int *)fd);
	return NULL;
}

/* A guest that sleeps. */
static void irqfd_wakes(const void *arg)
{
	struct vm *vm = with_irqchip();
	struct vcpu *vcpu = waiting_guest(vm, false);
	int fd = new_eventfd(0);
	pthread_t thread;

	(void)arg;
	expect_ok("KVM_IRQFD", assign(vm, fd, GSI, -1));
	expect_eq("pthread_create", pthread_create(&thread, NULL, signal_later, &fd), 0);
	expect_interrupt(vcpu);
	pthread_join(thread, NULL);
}

/* The guest's doorbell is its own interrupt. */
static void loop(const void *arg)
{
	static const uint8_t ring[] = { 0xe6, 0x30, 0xfb, 0xf4, 0xeb, 0xfd };
	struct vm *vm = with_irqchip();
	struct vcpu *vcpu = waiting_guest(vm, false);
	struct kvm_ioeventfd e = {
		.addr = 0x30, .len = 1, .fd = new_eventfd(0), .flags = KVM_IOEVENTFD_FLAG_PIO
	};

	(void)arg;
	memcpy(vm_ptr(vm, GUEST_REAL, sizeof(ring)), ring, sizeof(ring));
	expect_ok("KVM_IOEVENTFD", ioctl(vm->fd, KVM_IOEVENTFD, &e));
	expect_ok("KVM_IRQFD", assign(vm, e.fd, GSI, -1));
	expect_interrupt(vcpu);
}

/* ---- lines ---- */

/* Two devices on a line: one interrupt, and at its EOI the line falls and both are told. */
static void resample(const void *arg)
{
	struct vm *vm = with_irqchip();
	struct vcpu *vcpu = waiting_guest(vm, true);
	int fd[2] = { new_eventfd(0), new_eventfd(0) };
	int acked[2] = { new_eventfd(0), new_eventfd(0) };
	struct kvm_irqfd off = { .gsi = GSI, .flags = KVM_IRQFD_FLAG_DEASSIGN };
	int i;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_IRQFD_RESAMPLE);
	for (i = 0; i < 2; i++)
		expect_ok("KVM_IRQFD", assign(vm, fd[i], GSI, acked[i]));
	for (i = 0; i < 2; i++)
		signal_fd(fd[i]);
	expect_interrupt(vcpu);
	for (i = 0; i < 2; i++)
		expect_eq("a device heard of the EOI", count_of(acked[i]), 1);
	expect_eq("the line, afterwards", requested(vm, GSI), 0);
	/* It still wants something. */
	signal_fd(fd[1]);
	expect_interrupt(vcpu);
	expect_eq("a device heard of the EOI", count_of(acked[1]), 1);

	/* One that goes leaves the line to the other, and the last takes it down. */
	off.fd = fd[0];
	count_of(acked[0]);
	expect_ok("deassign", ioctl(vm->fd, KVM_IRQFD, &off));
	signal_fd(fd[1]);
	expect_interrupt(vcpu);
	expect_eq("the other heard of the EOI", count_of(acked[1]), 1);
	expect_eq("the one that went", count_of(acked[0]), 0);
	signal_fd(fd[1]);
	expect_request(vm, GSI);
	off.fd = fd[1];
	expect_ok("deassign", ioctl(vm->fd, KVM_IRQFD, &off));
	expect_eq("the line, that nobody holds", requested(vm, GSI), 0);
}

static void resample_refused(const void *arg)
{
	struct vm *vm = with_irqchip();
	int fd = new_eventfd(0);
	struct kvm_irqfd irqfd = { .fd = fd, .gsi = GSI, .flags = KVM_IRQFD_FLAG_RESAMPLE };

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_IRQFD_RESAMPLE);
	irqfd.resamplefd = -1;
	expect_errno("no file", ioctl(vm->fd, KVM_IRQFD, &irqfd), EBADF);
	irqfd.resamplefd = vm->kvm;
	expect_errno("a file that is no eventfd", ioctl(vm->fd, KVM_IRQFD, &irqfd), EINVAL);
	expect_ok("an edge, afterwards", assign(vm, fd, GSI, -1));
}

/* ---- ioeventfd ---- */

static void ioeventfd(const void *arg)
{
	static const uint8_t code[] = {
		0xb0, 0x5a, 0xe6, 0x30, /* mov $0x5a, %al; out %al, $0x30 */
		0xb0, 0x5b, 0xe6, 0x30, /* mov $0x5b, %al; out %al, $0x30 */
	};
	struct vcpu *vcpu = vm_add_vcpu(vm_new_ram(), 0);
	struct vm *vm = vcpu->vm;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct kvm_ioeventfd e = {
		.addr = 0x30,
		.len = 1,
		.fd = fd,
		.datamatch = 0x5a,
		.flags = KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DATAMATCH,
	};
	uint64_t count = 0;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_IOEVENTFD);
	expect_ok("KVM_IOEVENTFD", ioctl(vm->fd, KVM_IOEVENTFD, &e));
	expect_errno("the same again", ioctl(vm->fd, KVM_IOEVENTFD, &e), EEXIST);
	memcpy(vm_ptr(vm, GUEST_REAL, sizeof(code)), code, sizeof(code));
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("the write that doesn't match",
		  *((uint8_t *)vcpu->run + vcpu->run->io.data_offset), 0x5b);
	expect_eq("read of the eventfd", read(fd, &count, 8), 8);
	expect_eq("signals", count, 1);
	e.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
	expect_ok("deassign", ioctl(vm->fd, KVM_IOEVENTFD, &e));
	expect_errno("deassign again", ioctl(vm->fd, KVM_IOEVENTFD, &e), ENOENT);
	e = (struct kvm_ioeventfd){ .addr = 0x30, .len = 3, .fd = fd };
	expect_errno("3 bytes", ioctl(vm->fd, KVM_IOEVENTFD, &e), EINVAL);
	e.len = 4;
	e.flags = 1 << 9;
	expect_errno("flags", ioctl(vm->fd, KVM_IOEVENTFD, &e), EINVAL);
}

/* In memory, of any length, and of one length; a read is still an exit, and so are others. */
static void ioeventfd_mmio(const void *arg)
{
	static const uint8_t code[] = {
		0xbf, 0x00, 0x00, 0x00, 0xd0, /* mov $GUEST_MMIO, %edi */
		0x88, 0x07, 0x66, 0x89, 0x07, /* mov %al, (%rdi); mov %ax, (%rdi) */
		0x89, 0x07, 0x48, 0x89, 0x07, /* mov %eax, (%rdi); mov %rax, (%rdi) */
		0x89, 0x47, 0x10, /* mov %eax, 16(%rdi) */
		0x66, 0x89, 0x47, 0x10, /* mov %ax, 16(%rdi) */
		0x88, 0x47, 0x01, /* mov %al, 1(%rdi) */
		0x8b, 0x07, /* mov (%rdi), %eax */
	};
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);
	int any = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), one = eventfd(0, EFD_NONBLOCK);
	struct kvm_ioeventfd e = { .addr = GUEST_MMIO, .fd = any };
	struct kvm_run *run = vcpu->run;
	uint64_t count = 0;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_IOEVENTFD_NO_LENGTH);
	need_cap(vm->kvm, KVM_CAP_IOEVENTFD_ANY_LENGTH);
	e.flags = KVM_IOEVENTFD_FLAG_DATAMATCH;
	expect_errno("a value of any length", ioctl(vm->fd, KVM_IOEVENTFD, &e), EINVAL);
	e.flags = 0;
	expect_ok("any length", ioctl(vm->fd, KVM_IOEVENTFD, &e));
	e.len = 4;
	expect_errno("one length there", ioctl(vm->fd, KVM_IOEVENTFD, &e), EEXIST);
	e.addr += 16;
	e.fd = one;
	expect_ok("one length", ioctl(vm->fd, KVM_IOEVENTFD, &e));
	memcpy(vm_ptr(vm, GUEST_IMAGE, sizeof(code)), code, sizeof(code));
	vcpu_set_mode(vcpu, MODE_LONG, GUEST_IMAGE, GUEST_IMAGE);
	vcpu_run_until(vcpu, KVM_EXIT_MMIO);
	expect_eq("another length", run->mmio.len, 2);
	expect_eq("its address", run->mmio.phys_addr, GUEST_MMIO + 16);
	expect_eq("read", read(any, &count, 8), 8);
	expect_eq("writes of any length", count, 4);
	expect_eq("read", read(one, &count, 8), 8);
	expect_eq("writes of one length", count, 1);
	vcpu_run_until(vcpu, KVM_EXIT_MMIO);
	expect_eq("another address", run->mmio.phys_addr, GUEST_MMIO + 1);
	vcpu_run_until(vcpu, KVM_EXIT_MMIO);
	expect_eq("a read", run->mmio.is_write, 0);
	expect_eq("nothing signalled since", read(any, &count, 8), -1);
}

/* As many as there are descriptors: more than the bus has room for devices. */
static void ioeventfd_many(const void *arg)
{
	struct vm *vm = vm_new();
	struct kvm_ioeventfd e = { .len = 4, .fd = eventfd(0, EFD_CLOEXEC) };
	unsigned int i;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_IOEVENTFD);
	for (i = 0; i < 1500; i++) {
		e.addr = GUEST_MMIO + i * 4;
		if (ioctl(vm->fd, KVM_IOEVENTFD, &e))
			break;
	}
	expect_eq("ioeventfds", i, 1500);
}

static const struct test_row rows[] = {
	{ .name = "irqfd", .run = irqfd },
	{ .name = "irqfd-without-irqchip", .run = irqfd_without_irqchip },
	{ .name = "irqfd-before-and-after", .run = irqfd_before_and_after },
	{ .name = "irqfd-closed", .run = irqfd_closed },
	{ .name = "irqfd-msi", .run = irqfd_msi },
	{ .name = "irqfd-wakes", .run = irqfd_wakes },
	{ .name = "loop", .run = loop },
	{ .name = "resample", .run = resample },
	{ .name = "resample-refused", .run = resample_refused },
	{ .name = "ioeventfd", .run = ioeventfd },
	{ .name = "ioeventfd-mmio", .run = ioeventfd_mmio },
	{ .name = "ioeventfd-many", .run = ioeventfd_many },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
