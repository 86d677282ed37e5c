/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ioctls are rows. The dispatcher (ioctl.c) finds the row, copies the argument in, takes the locks
 * that the row names, calls the handler and copies the argument out. A handler never touches user
 * memory that it has not been handed and never fetches the same user bytes twice.
 */
#ifndef GUESTMODE_IOCTL_H
#define GUESTMODE_IOCTL_H

#include "kvm.h"

/* <asm-generic/ioctl.h> has these for sound drivers; in a row they would be bits of nothing. */
#undef IOC_IN
#undef IOC_OUT
#undef IOC_INOUT

enum kvm_ioctl_flags {
	/* vCPU rows: */
	/* the vCPU's hardware state is on this CPU while the handler runs */
	IOC_VCPU_LOADED = BIT(0),
	/* asynchronous: does not wait for a running KVM_RUN */
	IOC_NO_VCPU_MUTEX = BIT(1),
	/* VM rows: */
	/* kvm->lock held */
	IOC_VM_LOCK = BIT(2),
	/* inside a kvm->srcu read section (memslots, routing, buses stay) */
	IOC_SRCU = BIT(3),
	/* Argument: */
	/* the third argument of ioctl(2) is a plain number */
	IOC_ARG_VALUE = BIT(4),
	/* these two, where one is given, replace what _IOC_DIR of the number says */
	IOC_ARG_IN = BIT(5),
	/* out only if the handler returned >= 0 */
	IOC_ARG_OUT = BIT(6),
	/* copied out after an error, too (E2BIG protocols) */
	IOC_OUT_ALWAYS = BIT(7),
	/* header with a u32 count, then elements: the three fields below */
	IOC_ARRAY = BIT(8),
	/* a count above max_count means max_count, no error */
	IOC_CLAMP = BIT(9),
	/* only the header is copied in, elements start as zeros */
	IOC_HEADER_IN = BIT(10),
	/* a count above max_count is -EINVAL, not -E2BIG */
	IOC_COUNT_EINVAL = BIT(11),
	/* VM rows: kvm->slots_lock held */
	IOC_SLOTS_LOCK = BIT(12),
};

/**
 * struct kvm_ioctl_call - one call, as a handler sees it
 * @kvm: the VM (NULL on the system fd)
 * @vcpu: the vCPU (NULL but on a vCPU fd)
 * @arg: kernel copy of the argument (NULL with IOC_ARG_VALUE or a number without size)
 * @value: third argument of ioctl(2) as a number
 * @uptr: third argument as a user pointer, for the few variable formats a row can't describe
 * @count: IOC_ARRAY: elements that @arg has room for = as many as the caller said
 * @file: the file the call came through
 * @compat: from a 32-bit process
 * @unknown: what a number without a row gets: the ABI says -EINVAL or -ENOTTY by kind of file
 */
struct kvm_ioctl_call {
	struct kvm *kvm;
	struct kvm_vcpu *vcpu;
	void *arg;
	unsigned long value;
	void __user *uptr;
	u32 count;
	struct file *file;
	bool compat;
	int unknown;
};

/**
 * struct kvm_ioctl_row - one ioctl
 * @cmd: the ABI's number
 * @handler: returns >= 0 (ioctl's result) or a negative errno
 * @flags: enum kvm_ioctl_flags
 * @size: bytes of the argument; 0 means _IOC_SIZE(@cmd)
 * @count_offset: IOC_ARRAY: offset of the u32 element count in the header
 * @elem_size: IOC_ARRAY: bytes of an element
 * @max_count: IOC_ARRAY: more elements than that are -E2BIG
 */
struct kvm_ioctl_row {
	unsigned int cmd;
	long (*handler)(struct kvm_ioctl_call *call);
	u32 flags;
	u32 size;
	u16 count_offset;
	u16 elem_size;
	u32 max_count;
};

/* A table of rows ends with an all-zero row. */
long kvm_ioctl_dispatch(const struct kvm_ioctl_row *generic,
			const struct kvm_ioctl_row *const *arch, struct kvm_ioctl_call *call,
			unsigned int cmd, unsigned long value);

/* The architecture's tables for each kind of file, NULL-terminated lists. */
extern const struct kvm_ioctl_row *const kvm_arch_system_tables[];
extern const struct kvm_ioctl_row *const kvm_arch_vm_tables[];
extern const struct kvm_ioctl_row *const kvm_arch_vcpu_tables[];

/* irqchip/state.c */
extern const struct kvm_ioctl_row irqchip_vm_ioctls[];
extern const struct kvm_ioctl_row irqchip_vcpu_ioctls[];
extern const struct kvm_ioctl_row vapic_vcpu_ioctls[];

#endif
