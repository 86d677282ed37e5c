// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests that keep the bus or a CPU from others, where the CPU tells (VMX): bus locks, no event
 * window for too long.
 */
#include <errno.h>
#include <string.h>

#include "row.h"
#include "vm.h"

#define PORT_OK 0x10

/* In real mode. Behind it: OUT to PORT_OK. */
static struct vcpu *guest(struct vm *vm, const void *code, size_t bytes)
{
	static const uint8_t out[] = { 0xe6, PORT_OK };
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);

	memcpy(vm_ptr(vm, GUEST_REAL, bytes), code, bytes);
	memcpy(vm_ptr(vm, GUEST_REAL + bytes, sizeof(out)), out, sizeof(out));
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
	return vcpu;
}

/* ---- bus locks ---- */

static const uint8_t split_inc[] = { 0xf0, 0xff, 0x06, 0x3f, 0x60 }; /* lock incw 0x603f */

static void bus_lock_valid(const void *arg)
{
	struct vm *vm = vm_new();
	int policies = kvm_cap(vm->kvm, KVM_CAP_X86_BUS_LOCK_EXIT);

	(void)arg;
	expect_true(!policies ||
			    policies == (KVM_BUS_LOCK_DETECTION_OFF | KVM_BUS_LOCK_DETECTION_EXIT),
		    "policies: expected none or both, saw %#x", policies);
	expect_errno("a policy that nobody knows", vm_enable_cap(vm, KVM_CAP_X86_BUS_LOCK_EXIT, 4),
		     EINVAL);
	expect_errno("both", vm_enable_cap(vm, KVM_CAP_X86_BUS_LOCK_EXIT, 3), EINVAL);
	if (policies)
		expect_ok("none of them",
			  vm_enable_cap(vm, KVM_CAP_X86_BUS_LOCK_EXIT, KVM_BUS_LOCK_DETECTION_OFF));
	else if (!stock_61())
		expect_errno("not offered",
			     vm_enable_cap(vm, KVM_CAP_X86_BUS_LOCK_EXIT,
					   KVM_BUS_LOCK_DETECTION_EXIT),
			     EINVAL);
}

/* The exit comes behind the instruction; switched off, none. */
static void bus_lock(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_X86_BUS_LOCK_EXIT);
	expect_ok("enable",
		  vm_enable_cap(vm, KVM_CAP_X86_BUS_LOCK_EXIT, KVM_BUS_LOCK_DETECTION_EXIT));
	vcpu = guest(vm, split_inc, sizeof(split_inc));
	vcpu_run_until(vcpu, KVM_EXIT_X86_BUS_LOCK);
	expect_eq("KVM_RUN_X86_BUS_LOCK", vcpu->run->flags & KVM_RUN_X86_BUS_LOCK,
		  KVM_RUN_X86_BUS_LOCK);
	expect_eq("RIP", vcpu_regs(vcpu).rip, GUEST_REAL + sizeof(split_inc));
	expect_eq("the word", *(uint16_t *)vm_ptr(vm, 0x603f, 2), 1);
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("KVM_RUN_X86_BUS_LOCK then", vcpu->run->flags & KVM_RUN_X86_BUS_LOCK, 0);

	expect_ok("off", vm_enable_cap(vm, KVM_CAP_X86_BUS_LOCK_EXIT, KVM_BUS_LOCK_DETECTION_OFF));
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("the word", *(uint16_t *)vm_ptr(vm, 0x603f, 2), 2);
}

/* ---- no event window ---- */

#define NOTIFY(window, flags) ((uint64_t)(window) << 32 | (flags))

static void notify_valid(const void *arg)
{
	struct vm *vm = vm_new(), *late = vm_new();
	int flags = kvm_cap(vm->kvm, KVM_CAP_X86_NOTIFY_VMEXIT);

	(void)arg;
	expect_true(!flags || flags == (KVM_X86_NOTIFY_VMEXIT_ENABLED | KVM_X86_NOTIFY_VMEXIT_USER),
		    "flags: expected none or both, saw %#x", flags);
	expect_errno("a flag that nobody knows",
		     vm_enable_cap(vm, KVM_CAP_X86_NOTIFY_VMEXIT, NOTIFY(1 << 20, 4)), EINVAL);
	if (!flags) {
		expect_errno("not offered",
			     vm_enable_cap(vm, KVM_CAP_X86_NOTIFY_VMEXIT,
					   NOTIFY(1 << 20, KVM_X86_NOTIFY_VMEXIT_ENABLED)),
			     EINVAL);
		return;
	}
	expect_ok("enable", vm_enable_cap(vm, KVM_CAP_X86_NOTIFY_VMEXIT, NOTIFY(1 << 20, flags)));
	vm_add_vcpu(late, 0);
	if (!stock_61())
		expect_errno("after a vCPU",
			     vm_enable_cap(late, KVM_CAP_X86_NOTIFY_VMEXIT, NOTIFY(1 << 20, flags)),
			     EINVAL);
}

/* A guest that is no danger to anybody doesn't see it. */
static void notify(const void *arg)
{
	static const uint8_t code[] = { 0xb9, 0xff, 0xff, 0xe2, 0xfe }; /* mov $-1, %cx; loop . */
	struct vm *vm = vm_new_ram();

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_X86_NOTIFY_VMEXIT);
	expect_ok("enable", vm_enable_cap(vm, KVM_CAP_X86_NOTIFY_VMEXIT,
					  NOTIFY(1 << 20, KVM_X86_NOTIFY_VMEXIT_ENABLED |
								  KVM_X86_NOTIFY_VMEXIT_USER)));
	vcpu_run_until(guest(vm, code, sizeof(code)), KVM_EXIT_IO);
}

static const struct test_row rows[] = {
	{ .name = "bus-lock-valid", .run = bus_lock_valid },
	{ .name = "bus-lock", .run = bus_lock },
	{ .name = "notify-valid", .run = notify_valid },
	{ .name = "notify", .run = notify },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
