// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <time.h>

#include "guest.h"

static void set_clock_later(struct vm *vm)
{
	struct kvm_clock_data data = { 0 };

	need_cap(vm->kvm, KVM_CAP_ADJUST_CLOCK);
	expect_ok("KVM_GET_CLOCK", ioctl(vm->fd, KVM_GET_CLOCK, &data));
	data = (struct kvm_clock_data) { .clock = data.clock + 1000000000000 };
	expect_ok("KVM_SET_CLOCK", ioctl(vm->fd, KVM_SET_CLOCK, &data));
}

/* The guest's wall clock: what it was at boot, plus the clock since then. */
static void compare_wall_clock(struct vm *vm)
{
	struct guest_params *p = guest_params(vm);
	long long guest, host;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	host = now.tv_sec * 1000000000LL + now.tv_nsec;
	guest = p->result[0] * 1000000000LL + p->result[1] + p->result[2];
	expect_true(guest <= host + 100000000 && guest >= host - 5000000000,
		    "wall clock: expected %lld ns, not over 5 s before, saw %lld", host, guest);
}

static void sync(struct vcpu *vcpu, uint64_t number)
{
	switch (number) {
	case 1:
		set_clock_later(vcpu->vm);
		break;
	case 2:
		need_cap(vcpu->vm->kvm, KVM_CAP_KVMCLOCK_CTRL);
		expect_ok("KVM_KVMCLOCK_CTRL", ioctl(vcpu->fd, KVM_KVMCLOCK_CTRL, 0));
		break;
	case 3:
		compare_wall_clock(vcpu->vm);
		break;
	}
}

static const struct test_row rows[] = {
	GUEST("kvmclock", .entry = "kvmclock"),
	GUEST("kvmclock-set", .entry = "kvmclock_set", .sync = sync),
	GUEST("kvmclock-stopped", .entry = "kvmclock_stopped", .sync = sync),
	GUEST("kvmclock-off", .entry = "kvmclock_off", .sync = sync),
	GUEST("kvmclock-old-msrs", .entry = "kvmclock_old_msrs"),
	GUEST("kvmclock-agree", .entry = "kvmclock_agree", .cpus = 2),
	GUEST("wall-clock", .entry = "wall_clock", .sync = sync),
	GUEST("tsc-write", .entry = "tsc_write"),
	GUEST("tsc-adjust", .entry = "tsc_adjust"),
	GUEST("tsc-aux", .entry = "tsc_aux"),
	GUEST("tsc-agree", .entry = "tsc_agree", .cpus = 2),
	GUEST("tsc-disable", .entry = "tsc_disable"),
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
