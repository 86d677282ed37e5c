/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_VM_H
#define VMM_VM_H

#include <stdatomic.h>
#include <stdbool.h>

#include "bus.h"
#include "caps.h"
#include "log.h"
#include "mem.h"
#include "status.h"

struct vcpu;
struct kvm_cpuid2;

/* A virtual machine. Fields are set before vCPUs run unless a comment says otherwise. */
struct vm {
	int kvm_fd;
	int fd;
	struct caps caps;
	struct mem mem;
	struct bus pio;
	struct bus mmio;
	bool timer_on_pin2;		/* ISA IRQ 0 reaches IOAPIC pin 2, as on a PC */

	struct vcpu *vcpus;
	unsigned int nr_vcpus;
	size_t run_size;		/* bytes of a vCPU's shared area */
	struct kvm_cpuid2 *cpuid;	/* what this KVM supports */

	/* How it ends: the first vm_stop() wins. */
	atomic_int stop_status;		/* -1 while the machine runs [any thread] */
	int stop_fd;			/* eventfd that wakes the main loop */

	struct log_limit unhandled;	/* accesses that no device takes [any thread] */
};

enum status vm_create(struct vm *vm, const char *kvm_path);
enum status vm_set_memory(struct vm *vm, uint64_t size);
void vm_destroy(struct vm *vm);
bool vm_stop(struct vm *vm, int status);

static inline bool vm_stopping(struct vm *vm)
{
	return atomic_load_explicit(&vm->stop_status, memory_order_acquire) >= 0;
}

#endif
