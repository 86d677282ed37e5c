// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_VAPIC_ADDR and KVM_TPR_ACCESS_REPORTING: a task priority in the guest's memory, and word
 * of those who use the real one.
 */
#include <errno.h>
#include <string.h>

#include "row.h"
#include "vm.h"

#define PORT_OK 0x80
#define WORD 0x5000 /* where the guest has its TPR */
#define TPR 0x80

/* A guest in real mode, but for data segments that reach the local APIC, which is enabled. */
static struct vcpu *guest(struct vm *vm, const uint8_t *code, size_t bytes)
{
	struct vcpu *vcpu;

	need_cap(vm->kvm, KVM_CAP_VAPIC);
	vm_add_irqchip(vm, false);
	vcpu = vm_add_vcpu(vm, 0);
	memcpy(vm_ptr(vm, GUEST_REAL, bytes), code, bytes);
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
	vcpu_set_big_data(vcpu);
	vcpu_set_lapic(vcpu, 0xf0, 0x1ff);
	return vcpu;
}

#define GUEST(vm, ...) \
	guest(vm, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static int set_addr(struct vcpu *vcpu, uint64_t gpa)
{
	struct kvm_vapic_addr a = { .vapic_addr = gpa };

	return ioctl(vcpu->fd, KVM_SET_VAPIC_ADDR, &a);
}

static void expect_out(struct vcpu *vcpu)
{
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("port", vcpu->run->io.port, PORT_OK);
}

static void refused(const void *arg)
{
	struct kvm_tpr_access_ctl c = { .enabled = 1, .flags = 1 };
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_VAPIC);
	vcpu = vm_add_vcpu(vm, 0);
	expect_errno("without a local APIC", set_addr(vcpu, WORD), EINVAL);
	vcpu = GUEST(vm_new_ram(), 0xe6, PORT_OK);
	expect_errno("flags", ioctl(vcpu->fd, KVM_TPR_ACCESS_REPORTING, &c), EINVAL);
	expect_ok("in memory", set_addr(vcpu, WORD));
	expect_errno("where no memory is", set_addr(vcpu, GUEST_MMIO), EINVAL);
	expect_ok("nowhere", set_addr(vcpu, 0));
	expect_out(vcpu);
	expect_eq("the word", *(uint32_t *)vm_ptr(vcpu->vm, WORD, 4), 0);
}

/* The guest's word is its TPR, and tells what waits behind it. */
static void word(const void *arg)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x35 };
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = GUEST(vm, 0xe6, PORT_OK, 0xc6, 0x06, WORD & 0xff, WORD >> 8,
				  0x40, /* movb $0x40, WORD */
				  0xe6, PORT_OK, 0xe6, PORT_OK, 0xfb, 0x90, /* sti; nop */
				  0xc6, 0x06, WORD & 0xff, WORD >> 8, 0x00, /* movb $0, WORD */
				  0xe6, PORT_OK, 0x90, 0xe6, PORT_OK);
	const uint32_t handler = GUEST_REAL + 0x100;
	uint32_t *tpr = vm_ptr(vm, WORD, 4);

	(void)arg;
	memcpy(vm_ptr(vm, 0x35 * 4, 4), &handler, 4);
	memcpy(vm_ptr(vm, handler, 2), (const uint8_t[]){ 0xe6, PORT_OK }, 2);
	vcpu_set_lapic(vcpu, TPR, 0x20);
	expect_ok("KVM_SET_VAPIC_ADDR", set_addr(vcpu, WORD));
	expect_out(vcpu);
	expect_eq("the word", *tpr, 0x20);
	expect_out(vcpu);
	expect_eq("TPR", vcpu_lapic(vcpu, TPR), 0x40);
	expect_eq("KVM_SIGNAL_MSI", ioctl(vm->fd, KVM_SIGNAL_MSI, &msi), 1);
	expect_out(vcpu);
	expect_eq("the word, with a vector that waits", *tpr, 0x35000040);
	/* Nothing of it comes before an exit: that is why the guest looks at the word. */
	expect_out(vcpu);
	expect_eq("TPR", vcpu_lapic(vcpu, TPR), 0);
	expect_out(vcpu);
	expect_eq("RIP: the handler's", vcpu_regs(vcpu).rip & ~3ull, handler);
	expect_eq("the word, with a vector in service", *tpr, 0x3000);
}

static void reports(const void *arg)
{
	struct kvm_tpr_access_ctl c = { .enabled = 1 };
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu =
		GUEST(vm, 0x66, 0xb8, 0x30, 0x00, 0x00, 0x00, /* mov $0x30, %eax */
		      0x67, 0x66, 0xa3, 0x80, 0x00, 0xe0, 0xfe, /* mov %eax, 0xfee00080 */
		      0x67, 0x66, 0xa1, 0x80, 0x00, 0xe0, 0xfe, /* mov 0xfee00080, %eax */
		      0x67, 0x66, 0xa1, 0x30, 0x00, 0xe0, 0xfe, /* mov 0xfee00030, %eax */
		      0xe6, PORT_OK, 0x67, 0x66, 0xa3, 0x80, 0x00, 0xe0, 0xfe, 0xe6, PORT_OK);
	struct kvm_run *run = vcpu->run;

	(void)arg;
	expect_ok("KVM_TPR_ACCESS_REPORTING", ioctl(vcpu->fd, KVM_TPR_ACCESS_REPORTING, &c));
	vcpu_run_until(vcpu, KVM_EXIT_TPR_ACCESS);
	expect_eq("RIP", run->tpr_access.rip, GUEST_REAL + 6);
	expect_eq("a write", run->tpr_access.is_write, 1);
	expect_eq("TPR", vcpu_lapic(vcpu, TPR), 0x30);
	vcpu_run_until(vcpu, KVM_EXIT_TPR_ACCESS);
	expect_eq("RIP", run->tpr_access.rip, GUEST_REAL + 13);
	expect_eq("a write", run->tpr_access.is_write, 0);
	expect_eq("what was read", vcpu_regs(vcpu).rax, 0x30);
	expect_out(vcpu);
	c.enabled = 0;
	expect_ok("KVM_TPR_ACCESS_REPORTING", ioctl(vcpu->fd, KVM_TPR_ACCESS_REPORTING, &c));
	expect_out(vcpu);
}

static const struct test_row rows[] = {
	{ .name = "refused", .run = refused },
	{ .name = "word", .run = word },
	{ .name = "reports", .run = reports },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
