// SPDX-License-Identifier: GPL-2.0-only
/* The virtual machine as KVM knows it: its descriptor, memory slots, and how it ends. */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "layout.h"
#include "vm.h"

static enum status vm_create_fd(struct vm *vm)
{
	int err;

	do
		vm->fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0UL);
	while (vm->fd < 0 && errno == EINTR);
	if (vm->fd >= 0)
		return STATUS_OK;
	err = errno;
	if (err == ENOMEM) {
		log_error("the host has no memory for another virtual machine: end something else first");
		return STATUS_MEMORY;
	}
	log_error("KVM cannot create a virtual machine (%s): another hypervisor may hold the CPU; `vmm check` and the kernel log tell more",
		  strerror(err));
	return STATUS_KVM;
}

/* Three pages for the TSS and one for the page table that real mode needs on some CPUs. */
static enum status vm_set_real_mode_pages(struct vm *vm)
{
	__u64 ident = IDENTITY_MAP_GPA;

	if (caps_has(&vm->caps, CAP_SET_IDENTITY_MAP_ADDR) &&
	    ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &ident)) {
		log_error("KVM_SET_IDENTITY_MAP_ADDR failed: %s", strerror(errno));
		return STATUS_KVM;
	}
	if (caps_has(&vm->caps, CAP_SET_TSS_ADDR) &&
	    ioctl(vm->fd, KVM_SET_TSS_ADDR, (unsigned long)TSS_GPA)) {
		log_error("KVM_SET_TSS_ADDR failed: %s", strerror(errno));
		return STATUS_KVM;
	}
	return STATUS_OK;
}

/**
 * vm_create() - Open KVM, check what it can do, and create a virtual machine.
 * @vm: all zero; filled in.
 * @kvm_path: usually /dev/kvm.
 *
 * Return: STATUS_OK or the reason's status, with a message; vm_destroy() is due in any case.
 */
enum status vm_create(struct vm *vm, const char *kvm_path)
{
	enum status st;

	vm->kvm_fd = -1;
	vm->fd = -1;
	vm->unhandled = (struct log_limit)LOG_LIMIT_INIT;
	atomic_init(&vm->stop_status, -1);
	vm->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vm->stop_fd < 0) {
		log_error("cannot create an eventfd: %s", strerror(errno));
		return STATUS_HOST;
	}
	st = caps_open_kvm(kvm_path, &vm->kvm_fd);
	if (st != STATUS_OK)
		return st;
	caps_read(vm->kvm_fd, &vm->caps);
	st = caps_require(&vm->caps);
	if (st != STATUS_OK)
		return st;
	st = vm_create_fd(vm);
	if (st != STATUS_OK)
		return st;
	return vm_set_real_mode_pages(vm);
}

static enum status vm_set_slot(struct vm *vm, unsigned int slot, uint64_t gpa, uint64_t size,
			       void *hva)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	if (!ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		return STATUS_OK;
	log_error("KVM refuses %llu MiB of guest memory at 0x%llx: %s",
		  (unsigned long long)size >> 20, (unsigned long long)gpa, strerror(errno));
	return errno == ENOMEM ? STATUS_MEMORY : STATUS_KVM;
}

/**
 * vm_set_memory() - Give the machine its RAM.
 * @vm: the machine.
 * @size: bytes, a multiple of the page size.
 *
 * Return: STATUS_OK or the reason's status, with a message.
 */
enum status vm_set_memory(struct vm *vm, uint64_t size)
{
	enum status st = mem_init(&vm->mem, size);

	if (st == STATUS_OK)
		st = vm_set_slot(vm, 0, 0, vm->mem.low, vm->mem.base);
	if (st == STATUS_OK && vm->mem.high)
		st = vm_set_slot(vm, 1, HOLE_END, vm->mem.high, vm->mem.base + vm->mem.low);
	return st;
}

/**
 * vm_destroy() - Close everything; the vCPUs are gone already.
 * @vm: the machine, as far as vm_create() got.
 */
void vm_destroy(struct vm *vm)
{
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->kvm_fd >= 0)
		close(vm->kvm_fd);
	if (vm->stop_fd >= 0)
		close(vm->stop_fd);
	vm->fd = vm->kvm_fd = vm->stop_fd = -1;
	mem_destroy(&vm->mem);
}

/**
 * vm_stop() - End the machine.
 * @vm: the machine.
 * @status: what vmm ends with, unless somebody stopped the machine before.
 *
 * Context: any thread. The main loop kicks the vCPUs.
 * Return: whether this call was the first, whose reason counts and is told to the user.
 */
bool vm_stop(struct vm *vm, int status)
{
	int running = -1;
	uint64_t one = 1;

	if (!atomic_compare_exchange_strong(&vm->stop_status, &running, status))
		return false;
	if (write(vm->stop_fd, &one, sizeof(one)) < 0) {
		/* A fresh eventfd takes a first write. */
	}
	return true;
}
