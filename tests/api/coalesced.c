// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coalesced writes: zones, the ring behind a vCPU's pages, what happens when it is full, and the
 * order of what it holds and of exits.
 */
#include <errno.h>
#include <string.h>

#include "row.h"
#include "vm.h"

#define PORT 0x40			/* first of a zone of 4 */
#define PORT_OK 0x10
#define OUT_OK 0xe6, PORT_OK		/* out %al, $PORT_OK */
#define RING_MAX ((4096 - sizeof(struct kvm_coalesced_mmio_ring)) / \
		  sizeof(struct kvm_coalesced_mmio))

static struct vcpu *guest(struct vm *vm, const void *code, size_t bytes)
{
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);

	memcpy(vm_ptr(vm, GUEST_IMAGE, bytes), code, bytes);
	vcpu_set_mode(vcpu, MODE_LONG, GUEST_IMAGE, GUEST_IMAGE);
	return vcpu;
}

#define GUEST(vm, ...) \
	guest(vm, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void need_ring(struct vm *vm)
{
	need_cap(vm->kvm, KVM_CAP_COALESCED_MMIO);
	need_cap(vm->kvm, KVM_CAP_COALESCED_PIO);
}

static struct kvm_coalesced_mmio_ring *ring(struct vcpu *vcpu)
{
	int page = kvm_cap(vcpu->vm->kvm, KVM_CAP_COALESCED_MMIO);

	if ((page + 1) * 4096ul > vcpu->run_size)
		row_die("page %d: expected inside the mapping of %zu bytes", page, vcpu->run_size);
	return (void *)((uint8_t *)vcpu->run + page * 4096);
}

static int zone(struct vm *vm, unsigned long cmd, uint64_t addr, uint32_t size, uint32_t pio)
{
	struct kvm_coalesced_mmio_zone z = { .addr = addr, .size = size, .pio = pio };

	return ioctl(vm->fd, cmd, &z);
}

static void expect_out(struct vcpu *vcpu, uint16_t port)
{
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("port", vcpu->run->io.port, port);
}

static void expect_entry(struct kvm_coalesced_mmio_ring *r, unsigned int i, uint64_t addr,
			 uint32_t len, uint32_t pio, uint64_t data)
{
	const struct kvm_coalesced_mmio *e = &r->coalesced_mmio[i];
	uint64_t seen = 0;

	memcpy(&seen, e->data, len);
	expect_eq("address", e->phys_addr, addr);
	expect_eq("bytes", e->len, len);
	expect_eq("pio", e->pio, pio);
	expect_eq("data", seen, data);
}

static void zones(const void *arg)
{
	struct vm *vm = vm_new();

	(void)arg;
	need_ring(vm);
	expect_ok("memory", zone(vm, KVM_REGISTER_COALESCED_MMIO, GUEST_MMIO, 16, 0));
	expect_ok("ports", zone(vm, KVM_REGISTER_COALESCED_MMIO, PORT, 4, 1));
	expect_errno("neither", zone(vm, KVM_REGISTER_COALESCED_MMIO, PORT, 4, 2), EINVAL);
	if (!stock_61())
		expect_errno("wraps", zone(vm, KVM_REGISTER_COALESCED_MMIO, ~0ull - 1, 4, 0),
			     EINVAL);
	expect_ok("gone", zone(vm, KVM_UNREGISTER_COALESCED_MMIO, PORT, 4, 1));
	expect_ok("gone before", zone(vm, KVM_UNREGISTER_COALESCED_MMIO, PORT, 4, 1));
	expect_errno("neither", zone(vm, KVM_UNREGISTER_COALESCED_MMIO, PORT, 4, 2), EINVAL);
	expect_errno("nowhere", ioctl(vm->fd, KVM_REGISTER_COALESCED_MMIO, NULL), EFAULT);
}

/* Writes of all widths, in memory and to ports, and what is outside of the zones. */
static void writes(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct kvm_coalesced_mmio_ring *r;
	struct vcpu *vcpu;

	(void)arg;
	need_ring(vm);
	vcpu = GUEST(vm, 0xbf, 0x00, 0x00, 0x00, 0xd0,		/* mov $GUEST_MMIO, %edi */
		     0xb8, 0x78, 0x56, 0x34, 0x12,		/* mov $0x12345678, %eax */
		     0x88, 0x07, 0x66, 0x89, 0x47, 0x02,	/* mov %al, (%rdi); mov %ax, 2() */
		     0x89, 0x47, 0x04, 0x48, 0x89, 0x47, 0x08,	/* mov %eax, 4(); mov %rax, 8() */
		     0xe6, PORT, 0xe7, PORT,			/* out %al; out %eax */
		     0x89, 0x47, 0x0e,				/* mov %eax, 14(): half outside */
		     0x8b, 0x07, OUT_OK);			/* mov (%rdi), %eax; out */
	r = ring(vcpu);
	expect_ok("memory", zone(vm, KVM_REGISTER_COALESCED_MMIO, GUEST_MMIO, 16, 0));
	expect_ok("ports", zone(vm, KVM_REGISTER_COALESCED_MMIO, PORT, 4, 1));
	vcpu_run_until(vcpu, KVM_EXIT_MMIO);
	expect_eq("the write that is half outside", vcpu->run->mmio.phys_addr, GUEST_MMIO + 14);
	expect_eq("first", r->first, 0);
	expect_eq("last", r->last, 6);
	expect_entry(r, 0, GUEST_MMIO, 1, 0, 0x78);
	expect_entry(r, 1, GUEST_MMIO + 2, 2, 0, 0x5678);
	expect_entry(r, 2, GUEST_MMIO + 4, 4, 0, 0x12345678);
	expect_entry(r, 3, GUEST_MMIO + 8, 8, 0, 0x12345678);
	expect_entry(r, 4, PORT, 1, 1, 0x78);
	expect_entry(r, 5, PORT, 4, 1, 0x12345678);
	vcpu_run_until(vcpu, KVM_EXIT_MMIO);
	expect_eq("a read", vcpu->run->mmio.is_write, 0);
	expect_eq("its address", vcpu->run->mmio.phys_addr, GUEST_MMIO);
	expect_out(vcpu, PORT_OK);
	expect_eq("last, at the end", r->last, 6);
}

/* out %al, $PORT for ever, with a count in AL */
#define OUT_LOOP 0xe6, PORT, 0xfe, 0xc0, 0xeb, 0xfa	/* out; inc %al; jmp */

/* A full ring makes exits of writes, in order; room makes entries of them again. */
static void full(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct kvm_coalesced_mmio_ring *r;
	struct vcpu *vcpu;
	uint8_t *data;
	unsigned int i;

	(void)arg;
	need_ring(vm);
	if (stock_61())
		row_skip("this driver counts the free places wrong");
	vcpu = GUEST(vm, 0x30, 0xc0, OUT_LOOP);		/* xor %al, %al */
	r = ring(vcpu);
	expect_ok("ports", zone(vm, KVM_REGISTER_COALESCED_MMIO, PORT, 1, 1));
	expect_out(vcpu, PORT);
	data = (uint8_t *)vcpu->run + vcpu->run->io.data_offset;
	expect_eq("last: one place stays free", r->last, RING_MAX - 1);
	for (i = 0; i < RING_MAX - 1; i++)
		if (r->coalesced_mmio[i].data[0] != (uint8_t)i)
			break;
	expect_eq("entries in order", i, RING_MAX - 1);
	expect_eq("the exit is the next one", *data, (uint8_t)(RING_MAX - 1));
	r->first = 2;
	expect_out(vcpu, PORT);
	expect_eq("last: around", r->last, 1);
	expect_eq("data", r->coalesced_mmio[RING_MAX - 1].data[0], (uint8_t)RING_MAX);
	expect_eq("data", r->coalesced_mmio[0].data[0], (uint8_t)(RING_MAX + 1));
	expect_eq("the exit is the next one", *data, (uint8_t)(RING_MAX + 2));
}

/* REP OUTS into a ring that has no room for all of it. */
static void string_full(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct kvm_coalesced_mmio_ring *r;
	unsigned int i, seen = 0;
	struct vcpu *vcpu;

	(void)arg;
	need_ring(vm);
	if (stock_61())
		row_skip("this driver loses the rest");
	vcpu = GUEST(vm, 0xbe, 0x00, 0x10, 0x10, 0x00,		/* mov $GUEST_IMAGE + 4K, %esi */
		     0xb9, 0x10, 0x00, 0x00, 0x00,		/* mov $16, %ecx */
		     0x66, 0xba, PORT, 0x00, 0xf3, 0x6e,	/* mov $PORT, %dx; rep outsb */
		     OUT_OK);
	for (i = 0; i < 16; i++)
		*(uint8_t *)vm_ptr(vm, GUEST_IMAGE + 0x1000 + i, 1) = 0x50 + i;
	r = ring(vcpu);
	r->last = r->first = 0;
	r->first = 6;		/* room for 5 */
	expect_ok("ports", zone(vm, KVM_REGISTER_COALESCED_MMIO, PORT, 1, 1));
	for (;;) {
		struct kvm_run *run = vcpu->run;
		uint8_t *data;

		vcpu_run_until(vcpu, KVM_EXIT_IO);
		if (run->io.port == PORT_OK)
			break;
		if (!seen)
			seen = r->last;
		data = (uint8_t *)run + run->io.data_offset;
		for (i = 0; i < run->io.count; i++)
			expect_eq("byte of an exit", data[i], 0x50 + seen++);
	}
	for (i = 0; i < 5; i++)
		expect_eq("byte of the ring", r->coalesced_mmio[i].data[0], 0x50 + i);
	expect_eq("all bytes", seen, 16);
}

/* Indices that are userspace's nonsense: exits, and nothing is written outside of the ring. */
static void spoilt(const void *arg)
{
	static const uint32_t bad[] = { RING_MAX, RING_MAX + 1, 0x7fffffff, ~0u };
	struct vm *vm = vm_new_ram();
	struct kvm_coalesced_mmio_ring *r;
	struct vcpu *vcpu;
	size_t i;

	(void)arg;
	need_ring(vm);
	vcpu = GUEST(vm, 0x30, 0xc0, OUT_LOOP);
	r = ring(vcpu);
	expect_ok("ports", zone(vm, KVM_REGISTER_COALESCED_MMIO, PORT, 1, 1));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		r->last = bad[i];
		expect_out(vcpu, PORT);
		expect_eq("last", r->last, bad[i]);
	}
	r->last = 0;
	r->first = ~0u;
	expect_ok("ports gone", zone(vm, KVM_UNREGISTER_COALESCED_MMIO, PORT, 1, 1));
	expect_out(vcpu, PORT);
	expect_eq("last, without a zone", r->last, 0);
}

/* One ring a VM; a zone goes with any zone inside it, memory's and ports' apart. */
static void shared(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu, *other;

	(void)arg;
	need_ring(vm);
	vcpu = GUEST(vm, 0x30, 0xc0, 0xe6, PORT, OUT_OK, 0xeb, 0xfa);
	other = vm_add_vcpu(vm, 1);
	expect_ok("ports", zone(vm, KVM_REGISTER_COALESCED_MMIO, PORT - 4, 8, 1));
	expect_out(vcpu, PORT_OK);
	expect_eq("last, by the other vCPU's mapping", ring(other)->last, 1);
	expect_ok("memory of this address", zone(vm, KVM_UNREGISTER_COALESCED_MMIO, PORT, 1, 0));
	expect_out(vcpu, PORT_OK);
	expect_eq("last", ring(other)->last, 2);
	expect_ok("part of the zone", zone(vm, KVM_UNREGISTER_COALESCED_MMIO, PORT, 1, 1));
	expect_out(vcpu, PORT);
	expect_eq("last", ring(other)->last, 2);
}

static const struct test_row rows[] = {
	{ .name = "zones", .run = zones },
	{ .name = "writes", .run = writes },
	{ .name = "full", .run = full },
	{ .name = "string-full", .run = string_full },
	{ .name = "spoilt", .run = spoilt },
	{ .name = "shared", .run = shared },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
