// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM files: life, creation of vCPUs, ioctls that don't belong, clock.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "row.h"
#include "vm.h"

static void unknown_ioctls(const void *arg)
{
	static const struct {
		const char *name;
		unsigned long cmd;
	} row[] = {
		{ "_IO(KVMIO, 0xff)", _IO(KVMIO, 0xff) },
		{ "_IO('k', 0)", _IO('k', 0) },
		{ "KVM_CREATE_VM", KVM_CREATE_VM },
		{ "KVM_GET_API_VERSION", KVM_GET_API_VERSION },
		{ "KVM_RUN", KVM_RUN },
		{ "KVM_GET_REGS", KVM_GET_REGS },
		{ "KVM_S390_INTERRUPT", _IOW(KVMIO, 0x94, uint64_t[2]) },
		{ "a wrong size", _IOW(KVMIO, 0x46, uint64_t) },
		{ "a wrong direction", _IOR(KVMIO, 0x46, struct kvm_userspace_memory_region) },
	};
	unsigned char buffer[4096] = { 0 };
	struct vm *vm = vm_new();
	size_t i;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(row); i++)
		expect_errno(row[i].name, ioctl(vm->fd, row[i].cmd, buffer), ENOTTY);
}

/* Pointers to nowhere; where an ioctl belongs to a capability, only if the driver has that. */
static void bad_pointers(const void *arg)
{
#define CMD_OF(cap, cmd) { #cmd, cmd, KVM_CAP_##cap }
	static const struct {
		const char *name;
		unsigned long cmd;
		unsigned int cap;
	} row[] = {
		CMD_OF(USER_MEMORY, KVM_SET_USER_MEMORY_REGION),
		CMD_OF(SET_IDENTITY_MAP_ADDR, KVM_SET_IDENTITY_MAP_ADDR),
		CMD_OF(IRQCHIP, KVM_IRQ_LINE),
		CMD_OF(IRQCHIP, KVM_GET_IRQCHIP),
		CMD_OF(IRQCHIP, KVM_SET_IRQCHIP),
		CMD_OF(PIT_STATE2, KVM_GET_PIT2),
		CMD_OF(PIT_STATE2, KVM_SET_PIT2),
		CMD_OF(IRQ_ROUTING, KVM_SET_GSI_ROUTING),
		CMD_OF(SIGNAL_MSI, KVM_SIGNAL_MSI),
		CMD_OF(IRQFD, KVM_IRQFD),
		CMD_OF(IOEVENTFD, KVM_IOEVENTFD),
		CMD_OF(ADJUST_CLOCK, KVM_SET_CLOCK),
		CMD_OF(ADJUST_CLOCK, KVM_GET_CLOCK),
		CMD_OF(ENABLE_CAP_VM, KVM_ENABLE_CAP),
	};
	struct vm *vm = vm_new();
	size_t i;

	(void)arg;
	vm_add_irqchip(vm, true);
	for (i = 0; i < ARRAY_SIZE(row); i++) {
		if (kvm_cap(vm->kvm, row[i].cap) <= 0)
			continue;
		expect_errno(row[i].name, ioctl(vm->fd, row[i].cmd, (void *)8), EFAULT);
		expect_errno(row[i].name, ioctl(vm->fd, row[i].cmd, (void *)0xffff888000000000),
			     EFAULT);
	}
}

static void vcpu_twice(const void *arg)
{
	struct vm *vm = vm_new();

	(void)arg;
	expect_ok("vCPU 0", ioctl(vm->fd, KVM_CREATE_VCPU, 0));
	expect_errno("vCPU 0 again", ioctl(vm->fd, KVM_CREATE_VCPU, 0), EEXIST);
	expect_ok("vCPU 7", ioctl(vm->fd, KVM_CREATE_VCPU, 7));
	expect_errno("vCPU 7 again", ioctl(vm->fd, KVM_CREATE_VCPU, 7), EEXIST);
}

static void vcpu_ids(const void *arg)
{
	struct vm *vm = vm_new();
	int max = kvm_cap(vm->fd, KVM_CAP_MAX_VCPU_ID);

	(void)arg;
	if (max <= 0)
		max = kvm_cap(vm->fd, KVM_CAP_MAX_VCPUS);
	expect_ok("the highest id", ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)max - 1));
	expect_errno("one more", ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)max), EINVAL);
	expect_errno("-1", ioctl(vm->fd, KVM_CREATE_VCPU, -1L), EINVAL);
	expect_errno("2^31", ioctl(vm->fd, KVM_CREATE_VCPU, 1UL << 31), EINVAL);
}

/* Whatever order the files are closed in, those left still work. */
static void close_order(const void *arg)
{
	struct kvm_regs regs;
	struct vm *vm = vm_new();
	int a, b;

	(void)arg;
	a = expect_ok("vCPU 0", ioctl(vm->fd, KVM_CREATE_VCPU, 0));
	b = expect_ok("vCPU 1", ioctl(vm->fd, KVM_CREATE_VCPU, 1));
	expect_eq("close of the system file", close(vm->kvm), 0);
	expect_ok("vCPU 0's registers", ioctl(a, KVM_GET_REGS, &regs));
	expect_eq("close of the VM file", close(vm->fd), 0);
	expect_ok("vCPU 0's registers", ioctl(a, KVM_GET_REGS, &regs));
	expect_eq("close of vCPU 0", close(a), 0);
	expect_ok("vCPU 1's registers", ioctl(b, KVM_GET_REGS, &regs));
	expect_eq("close of vCPU 1", close(b), 0);
}

/* A closed vCPU file doesn't free the id: the vCPU lives as long as its VM. */
static void vcpu_outlives_file(const void *arg)
{
	struct vm *vm = vm_new();
	int fd = expect_ok("vCPU 0", ioctl(vm->fd, KVM_CREATE_VCPU, 0));

	(void)arg;
	close(fd);
	expect_errno("vCPU 0 again", ioctl(vm->fd, KVM_CREATE_VCPU, 0), EEXIST);
}

/* The mapping keeps kvm_run alive. */
static void mapping_outlives_files(const void *arg)
{
	struct vm *vm = vm_new();
	struct vcpu *vcpu = vm_add_bare_vcpu(vm, 0);

	(void)arg;
	close(vcpu->fd);
	close(vm->fd);
	close(vm->kvm);
	vcpu->run->immediate_exit = 1;
	expect_eq("kvm_run after all files are closed", vcpu->run->immediate_exit, 1);
	munmap(vcpu->run, vcpu->run_size);
}

/* A VM belongs to the process (the address space) that made it. */
static void other_process(const void *arg)
{
	struct vm *vm = vm_new();
	struct vcpu *vcpu = vm_add_bare_vcpu(vm, 0);
	int vm_errno, vcpu_errno, status;
	struct kvm_regs regs;
	pid_t pid = fork();

	(void)arg;
	if (!pid) {
		vm_errno = ioctl(vm->fd, KVM_CREATE_VCPU, 1) < 0 ? errno : 0;
		vcpu_errno = ioctl(vcpu->fd, KVM_GET_REGS, &regs) < 0 ? errno : 0;
		_exit(vm_errno == EIO && vcpu_errno == EIO ? 0 : 1 + vm_errno);
	}
	waitpid(pid, &status, 0);
	expect_true(WIFEXITED(status) && !WEXITSTATUS(status),
		    "ioctls of a child process: expected EIO, saw status %#x", status);
	expect_ok("our own", ioctl(vcpu->fd, KVM_GET_REGS, &regs));
}

static void many_vms(const void *arg)
{
	int kvm = kvm_open(), fd[32];
	struct timespec t0, t1;
	unsigned int i, round;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (round = 0; round < 4; round++) {
		for (i = 0; i < ARRAY_SIZE(fd); i++) {
			fd[i] = expect_ok("KVM_CREATE_VM", ioctl(kvm, KVM_CREATE_VM, 0));
			expect_ok("KVM_CREATE_VCPU", ioctl(fd[i], KVM_CREATE_VCPU, 0));
		}
		for (i = 0; i < ARRAY_SIZE(fd); i++)
			expect_eq("close", close(fd[i]), 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &t1);
	row_log("%u VMs in %ld ms", round * i,
		(t1.tv_sec - t0.tv_sec) * 1000 + (t1.tv_nsec - t0.tv_nsec) / 1000000);
}

static void *create_vcpus(void *arg)
{
	struct vm *vm = arg;
	long made = 0;
	unsigned int i;

	for (i = 0; i < 64; i++)
		if (ioctl(vm->fd, KVM_CREATE_VCPU, i) >= 0)
			made++;
	return (void *)made;
}

/* Two threads that create the same ids: each id exactly once. */
static void vcpu_race(const void *arg)
{
	struct vm *vm = vm_new();
	pthread_t thread[2];
	void *a, *b;

	(void)arg;
	pthread_create(&thread[0], NULL, create_vcpus, vm);
	pthread_create(&thread[1], NULL, create_vcpus, vm);
	pthread_join(thread[0], &a);
	pthread_join(thread[1], &b);
	expect_eq("vCPUs made by both threads together", (long)a + (long)b, 64);
}

static void tss_addr(const void *arg)
{
	int kvm = kvm_open(), fd = ioctl(kvm, KVM_CREATE_VM, 0);

	(void)arg;
	need_cap(kvm, KVM_CAP_SET_TSS_ADDR);
	expect_ok("KVM_SET_TSS_ADDR", ioctl(fd, KVM_SET_TSS_ADDR, 0xfffbd000));
	expect_ok("the same again", ioctl(fd, KVM_SET_TSS_ADDR, 0xfffbd000));
}

static void identity_map(const void *arg)
{
	int kvm = kvm_open(), fd = ioctl(kvm, KVM_CREATE_VM, 0);
	uint64_t addr = 0xfffbc000;

	(void)arg;
	need_cap(kvm, KVM_CAP_SET_IDENTITY_MAP_ADDR);
	expect_ok("before vCPUs", ioctl(fd, KVM_SET_IDENTITY_MAP_ADDR, &addr));
	addr = 0;
	expect_ok("0, the default", ioctl(fd, KVM_SET_IDENTITY_MAP_ADDR, &addr));
	expect_ok("vCPU 0", ioctl(fd, KVM_CREATE_VCPU, 0));
	expect_errno("after a vCPU", ioctl(fd, KVM_SET_IDENTITY_MAP_ADDR, &addr), EINVAL);
}

static void boot_cpu(const void *arg)
{
	int kvm = kvm_open(), fd = ioctl(kvm, KVM_CREATE_VM, 0);

	(void)arg;
	need_cap(kvm, KVM_CAP_SET_BOOT_CPU_ID);
	expect_ok("before vCPUs", ioctl(fd, KVM_SET_BOOT_CPU_ID, 1));
	expect_ok("vCPU 0", ioctl(fd, KVM_CREATE_VCPU, 0));
	expect_errno("after a vCPU", ioctl(fd, KVM_SET_BOOT_CPU_ID, 0), EBUSY);
}

static void boot_cpu_state(const void *arg)
{
	struct vm *vm = vm_new();
	struct kvm_mp_state state;
	uint64_t base;
	struct vcpu *vcpu[2];

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_SET_BOOT_CPU_ID);
	expect_ok("KVM_SET_BOOT_CPU_ID", ioctl(vm->fd, KVM_SET_BOOT_CPU_ID, 1));
	vm_add_irqchip(vm, false);
	vcpu[0] = vm_add_vcpu(vm, 0);
	vcpu[1] = vm_add_vcpu(vm, 1);
	expect_ok("KVM_GET_MP_STATE", ioctl(vcpu[0]->fd, KVM_GET_MP_STATE, &state));
	expect_eq("vCPU 0", state.mp_state, KVM_MP_STATE_UNINITIALIZED);
	expect_ok("KVM_GET_MP_STATE", ioctl(vcpu[1]->fd, KVM_GET_MP_STATE, &state));
	expect_eq("vCPU 1", state.mp_state, KVM_MP_STATE_RUNNABLE);
	vcpu_get_msr(vcpu[1], 0x1b, &base);
	expect_eq("BSP bit of vCPU 1", base >> 8 & 1, 1);
	vcpu_get_msr(vcpu[0], 0x1b, &base);
	expect_eq("BSP bit of vCPU 0", base >> 8 & 1, 0);
}

static void clock_runs(const void *arg)
{
	struct vm *vm = vm_new();
	struct kvm_clock_data a = { 0 }, b = { 0 };
	struct timespec pause = { .tv_nsec = 20000000 };

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_ADJUST_CLOCK);
	expect_ok("KVM_GET_CLOCK", ioctl(vm->fd, KVM_GET_CLOCK, &a));
	nanosleep(&pause, NULL);
	expect_ok("KVM_GET_CLOCK", ioctl(vm->fd, KVM_GET_CLOCK, &b));
	expect_true(b.clock - a.clock >= 15000000 && b.clock - a.clock < 30000000000,
		    "20 ms: expected 15 ms to 30 s, saw %llu ns", b.clock - a.clock);
	expect_true(a.clock < 60000000000, "a new VM's clock: expected under a minute, saw %llu ns",
		    a.clock);
}

static void clock_set(const void *arg)
{
	struct vm *vm = vm_new();
	struct kvm_clock_data d = { .clock = 1000000000000 };

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_ADJUST_CLOCK);
	expect_ok("KVM_SET_CLOCK", ioctl(vm->fd, KVM_SET_CLOCK, &d));
	expect_ok("KVM_GET_CLOCK", ioctl(vm->fd, KVM_GET_CLOCK, &d));
	expect_true(d.clock >= 1000000000000 && d.clock < 1030000000000,
		    "clock after being set to 1000 s: expected 1000 to 1030 s, saw %llu ns",
		    d.clock);
	d = (struct kvm_clock_data) { .clock = 5, .flags = 1 << 7 };
	expect_errno("an unknown flag", ioctl(vm->fd, KVM_SET_CLOCK, &d), EINVAL);
}

static void clock_realtime(const void *arg)
{
	struct vm *vm = vm_new();
	struct kvm_clock_data d = { 0 };
	struct timespec now;
	long long off;

	(void)arg;
	if (!(kvm_cap(vm->kvm, KVM_CAP_ADJUST_CLOCK) & KVM_CLOCK_REALTIME))
		row_skip("KVM_CAP_ADJUST_CLOCK has no KVM_CLOCK_REALTIME");
	vm_add_vcpu(vm, 0);
	expect_ok("KVM_GET_CLOCK", ioctl(vm->fd, KVM_GET_CLOCK, &d));
	if (!(d.flags & KVM_CLOCK_REALTIME))
		row_skip("no KVM_CLOCK_REALTIME on this host: its clock isn't the TSC");
	clock_gettime(CLOCK_REALTIME, &now);
	off = now.tv_sec * 1000000000LL + now.tv_nsec - d.realtime;
	expect_true(off >= 0 && off < 10000000000,
		    "realtime: expected 0 to 10 s before now, saw %lld ns", off);
}

/* KVM_ENABLE_CAP refuses what it doesn't know, and flags it doesn't know. */
static void enable_cap(const void *arg)
{
	struct vm *vm = vm_new();
	struct kvm_enable_cap cap = { .cap = 0xffff };

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_ENABLE_CAP_VM);
	expect_errno("an unknown capability", ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.cap = KVM_CAP_USER_MEMORY;
	expect_errno("one that needs no enabling", ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.cap = KVM_CAP_DISABLE_QUIRKS;
	cap.flags = 1;
	expect_errno("flags", ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
}

static void mmap_vm(const void *arg)
{
	struct vm *vm = vm_new();

	(void)arg;
	expect_errno("mmap of a VM file", (long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, vm->fd, 0),
		     ENODEV);
}

static void create_device(const void *arg)
{
	struct kvm_create_device device = { .type = 0x474d };
	struct vm *vm = vm_new();

	(void)arg;
	expect_errno("of an unknown type", ioctl(vm->fd, KVM_CREATE_DEVICE, &device), ENODEV);
	device.flags = KVM_CREATE_DEVICE_TEST;
	expect_errno("and asked only", ioctl(vm->fd, KVM_CREATE_DEVICE, &device), ENODEV);
	expect_errno("a bad pointer", ioctl(vm->fd, KVM_CREATE_DEVICE, 8), EFAULT);
}

static const struct test_row rows[] = {
	{ .name = "create-device", .run = create_device },
	{ .name = "unknown-ioctls", .run = unknown_ioctls },
	{ .name = "bad-pointers", .run = bad_pointers },
	{ .name = "vcpu-twice", .run = vcpu_twice },
	{ .name = "vcpu-ids", .run = vcpu_ids },
	{ .name = "vcpu-race", .run = vcpu_race },
	{ .name = "close-order", .run = close_order },
	{ .name = "vcpu-outlives-file", .run = vcpu_outlives_file },
	{ .name = "mapping-outlives-files", .run = mapping_outlives_files },
	{ .name = "other-process", .run = other_process },
	{ .name = "many-vms", .run = many_vms },
	{ .name = "mmap-vm", .run = mmap_vm },
	{ .name = "set-tss-addr", .run = tss_addr },
	{ .name = "set-identity-map-addr", .run = identity_map },
	{ .name = "set-boot-cpu-id", .run = boot_cpu },
	{ .name = "boot-cpu-state", .run = boot_cpu_state },
	{ .name = "clock-runs", .run = clock_runs },
	{ .name = "clock-set", .run = clock_set },
	{ .name = "clock-realtime", .run = clock_realtime },
	{ .name = "enable-cap", .run = enable_cap },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
