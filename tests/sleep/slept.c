// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM in a host that sleeps, and whose TSC is less then (tsc_back.ko): the guest's TSC goes on, on
 * all vCPUs by the same number of ticks, however long before each of them was used last.
 */
#define _GNU_SOURCE
#include <unistd.h>

#include "row.h"
#include "vm.h"

#define ROUNDS 2
/* Ticks of the host's TSC before it sleeps, many times what going to sleep and waking take. */
#define AWAKE 4000000000ull
#define SLACK 1000000000ull

static uint64_t offset_of(struct vcpu *vcpu)
{
	uint64_t offset = 0;
	struct kvm_device_attr attr = { .group = KVM_VCPU_TSC_CTRL,
					.attr = KVM_VCPU_TSC_OFFSET,
					.addr = (uintptr_t)&offset };

	expect_ok("KVM_VCPU_TSC_OFFSET", ioctl(vcpu->fd, KVM_GET_DEVICE_ATTR, &attr));
	return offset;
}

static uint64_t tsc_of(struct vcpu *vcpu)
{
	uint64_t value = 0;

	expect_eq("MSRs read", vcpu_get_msr(vcpu, 0x10, &value), 1);
	return value;
}

/* Devices, all CPUs but one, then that one, and back: the kernel's pm_test. */
static void sleep_once(void)
{
	write_file("/sys/power/pm_test", "core");
	write_file("/sys/power/state", "disk");
	write_file("/sys/power/pm_test", "none");
}

static uint64_t host_tsc(void)
{
	return __builtin_ia32_rdtsc();
}

static void in_step(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *first = vm_add_vcpu(vm, 0), *second = vm_add_vcpu(vm, 1), *third;
	uint64_t offset = offset_of(first), before[2], after[2], host, lost;
	unsigned int round;

	(void)arg;
	for (round = 0; round < ROUNDS; round++) {
		while (host_tsc() < AWAKE)
			usleep(100000);
		before[0] = tsc_of(first);
		usleep(50000);
		before[1] = tsc_of(second);
		host = host_tsc();
		sleep_once();
		row_check(host_tsc() < host, "the host's TSC: was %llu, is %llu",
			  (unsigned long long)host, (unsigned long long)host_tsc());
		lost = offset_of(first) - offset;
		row_check(lost > host - SLACK && lost < host + SLACK,
			  "what the offset made up for: expected about %llu, saw %llu",
			  (unsigned long long)host, (unsigned long long)lost);
		offset += lost;
		expect_eq("the second vCPU's offset", offset_of(second), offset);
		after[1] = tsc_of(second);
		after[0] = tsc_of(first);
		row_check(after[0] - before[0] < SLACK, "first TSC: was %llu, is %llu",
			  (unsigned long long)before[0], (unsigned long long)after[0]);
		row_check(after[1] - before[1] < SLACK, "second TSC: was %llu, is %llu",
			  (unsigned long long)before[1], (unsigned long long)after[1]);
	}
	third = vm_add_vcpu(vm, 2);
	expect_eq("a third vCPU's offset", offset_of(third), offset);
}

static const struct test_row rows[] = {
	{ .name = "in-step", .run = in_step, .seconds = 600 },
};

int main(int argc, char **argv)
{
	return rows_main(rows, sizeof(rows) / sizeof(rows[0]), argc, argv);
}
