// SPDX-License-Identifier: GPL-2.0-only
/* The TSC by ioctl: its frequency, of a vCPU and of those to come, and its offset. */
#include <errno.h>
#include <time.h>

#include "row.h"
#include "vm.h"

#define MSR_TSC 0x10

static int host_khz(void)
{
	struct vcpu *vcpu = vm_add_vcpu(vm_new(), 0);

	need_cap(vcpu->vm->kvm, KVM_CAP_GET_TSC_KHZ);
	return expect_ok("KVM_GET_TSC_KHZ", ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0));
}

/* What the TSC does in 200 ms, in kHz; the host may be slow, so that it may look faster. */
static void expect_frequency(const char *what, struct vcpu *vcpu, uint64_t khz)
{
	const struct timespec pause = { .tv_nsec = 200000000 };
	struct timespec before, after;
	uint64_t a, b, ns, seen;

	clock_gettime(CLOCK_MONOTONIC_RAW, &before);
	vcpu_get_msr(vcpu, MSR_TSC, &a);
	nanosleep(&pause, NULL);
	vcpu_get_msr(vcpu, MSR_TSC, &b);
	clock_gettime(CLOCK_MONOTONIC_RAW, &after);
	ns = (after.tv_sec - before.tv_sec) * 1000000000ull + after.tv_nsec - before.tv_nsec;
	seen = (b - a) * 1000000 / ns;
	expect_true(seen > khz - khz / 4 && seen < khz + khz / 4,
		    "%s: expected about %llu kHz, saw %llu", what, (unsigned long long)khz,
		    (unsigned long long)seen);
}

static void khz_of_vcpu(const void *arg)
{
	int khz = host_khz();
	struct vcpu *vcpu = vm_add_vcpu(vm_new(), 0);
	bool scales = kvm_cap(vcpu->vm->kvm, KVM_CAP_TSC_CONTROL);

	(void)arg;
	expect_frequency("at first", vcpu, khz);
	expect_ok("the host's own", ioctl(vcpu->fd, KVM_SET_TSC_KHZ, khz));
	expect_eq("the host's own", ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0), khz);
	/* Within 250 parts in a million it is the same. */
	expect_ok("a little more", ioctl(vcpu->fd, KVM_SET_TSC_KHZ, khz + khz / 10000));
	expect_eq("a little more", ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0), khz + khz / 10000);
	expect_ok("0", ioctl(vcpu->fd, KVM_SET_TSC_KHZ, 0));
	expect_eq("0 is the host's", ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0), khz);
	if (!scales) {
		expect_true(ioctl(vcpu->fd, KVM_SET_TSC_KHZ, khz / 2) < 0,
			    "half of it, without KVM_CAP_TSC_CONTROL: expected an error");
		return;
	}
	expect_ok("half of it", ioctl(vcpu->fd, KVM_SET_TSC_KHZ, khz / 2));
	expect_eq("half of it", ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0), khz / 2);
	expect_frequency("half of it", vcpu, khz / 2);
	expect_ok("twice", ioctl(vcpu->fd, KVM_SET_TSC_KHZ, khz * 2));
	expect_frequency("twice", vcpu, khz * 2);
}

static void khz_of_vm(const void *arg)
{
	int khz = host_khz(), other = khz + khz / 10000;
	struct vm *vm = vm_new();
	struct vcpu *vcpu;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_VM_TSC_CONTROL);
	expect_eq("at first", ioctl(vm->fd, KVM_GET_TSC_KHZ, 0), khz);
	expect_ok("KVM_SET_TSC_KHZ", ioctl(vm->fd, KVM_SET_TSC_KHZ, other));
	expect_eq("KVM_GET_TSC_KHZ", ioctl(vm->fd, KVM_GET_TSC_KHZ, 0), other);
	vcpu = vm_add_vcpu(vm, 0);
	expect_eq("of a new vCPU", ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0), other);
	expect_ok("with a vCPU", ioctl(vm->fd, KVM_SET_TSC_KHZ, khz));
	expect_eq("which keeps its own", ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0), other);
	vcpu = vm_add_vcpu(vm, 1);
	expect_eq("of the next vCPU", ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0), khz);
}

static void offset(const void *arg)
{
	const uint64_t jump = 1ull << 44;
	struct vcpu *vcpu = vm_add_vcpu(vm_new(), 0);
	uint64_t old = 0, moved, seen = 0, before, after;
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)&old,
	};

	(void)arg;
	need_cap(vcpu->vm->kvm, KVM_CAP_VCPU_ATTRIBUTES);
	expect_ok("KVM_HAS_DEVICE_ATTR", ioctl(vcpu->fd, KVM_HAS_DEVICE_ATTR, &attr));
	expect_ok("KVM_GET_DEVICE_ATTR", ioctl(vcpu->fd, KVM_GET_DEVICE_ATTR, &attr));
	vcpu_get_msr(vcpu, MSR_TSC, &before);
	moved = old + jump;
	attr.addr = (uintptr_t)&moved;
	expect_ok("KVM_SET_DEVICE_ATTR", ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &attr));
	vcpu_get_msr(vcpu, MSR_TSC, &after);
	expect_true(after - before >= jump && after - before < 2 * jump,
		    "TSC: expected to jump by 2^44, saw %llu and %llu", (unsigned long long)before,
		    (unsigned long long)after);
	attr.addr = (uintptr_t)&seen;
	expect_ok("KVM_GET_DEVICE_ATTR", ioctl(vcpu->fd, KVM_GET_DEVICE_ATTR, &attr));
	expect_eq("the offset", seen, moved);
	attr.addr = 8;
	expect_errno("get, no memory", ioctl(vcpu->fd, KVM_GET_DEVICE_ATTR, &attr), EFAULT);
	expect_errno("set, no memory", ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &attr), EFAULT);
	attr.attr = 1;
	expect_errno("has another", ioctl(vcpu->fd, KVM_HAS_DEVICE_ATTR, &attr), ENXIO);
	expect_errno("get another", ioctl(vcpu->fd, KVM_GET_DEVICE_ATTR, &attr), ENXIO);
	expect_errno("set another", ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &attr), ENXIO);
	attr.attr = KVM_VCPU_TSC_OFFSET;
	attr.group = KVM_VCPU_TSC_CTRL + 5;
	expect_errno("another group", ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &attr), ENXIO);
}

static const struct test_row rows[] = {
	{ .name = "khz-of-vcpu", .run = khz_of_vcpu },
	{ .name = "khz-of-vm", .run = khz_of_vm },
	{ .name = "offset", .run = offset },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
