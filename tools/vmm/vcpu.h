/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "boot/boot.h"
#include "status.h"

struct kvm_run;
struct vm;

/* Exit reasons that are counted singly; a KVM from the future may have more. */
#define VCPU_EXIT_REASONS 64

struct vcpu {
	struct vm *vm;
	unsigned int id;	/* number, APIC ID */
	int fd;
	struct kvm_run *run;	/* shared with KVM */
	pthread_t thread;
	bool started;
	atomic_bool done;	/* the thread has left its loop */
	/* Written by the vCPU's thread, read by whoever prints them. */
	atomic_ulong exits[VCPU_EXIT_REASONS];
};

enum status vcpus_create(struct vm *vm, unsigned int nr);
enum status vcpu_set_boot_state(struct vcpu *vcpu, const struct boot_entry *entry);
enum status vcpus_start(struct vm *vm);
void vcpus_stop(struct vm *vm);
void vcpus_destroy(struct vm *vm);
void vcpus_dump(struct vm *vm);
void vcpus_print_exits(struct vm *vm);

#endif
