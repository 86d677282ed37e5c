/* SPDX-License-Identifier: GPL-2.0-only */
/* In-kernel port and memory-mapped devices. */
#ifndef GUESTMODE_IOBUS_H
#define GUESTMODE_IOBUS_H

#include <linux/list.h>
#include "kvm.h"

enum kvm_bus { KVM_PIO_BUS, KVM_MMIO_BUS, KVM_NR_BUSES };

struct kvm_io_device;

/**
 * struct kvm_io_ops - what an in-kernel device does
 * @read: fill @len bytes at @val. Return 0, or -EOPNOTSUPP when this access is not its (goes to the
 *     next device, then to userspace).
 * @write: likewise
 * @uncounted: something else bounds how many there are (descriptors)
 * The two are called in a kvm->srcu read section by the vCPU's thread; may sleep.
 */
struct kvm_io_ops {
	int (*read)(struct kvm_vcpu *vcpu, struct kvm_io_device *dev, gpa_t addr, int len,
		    void *val);
	int (*write)(struct kvm_vcpu *vcpu, struct kvm_io_device *dev, gpa_t addr, int len,
		     const void *val);
	bool uncounted;
};

struct kvm_io_device {
	const struct kvm_io_ops *ops;
};

/* kvm->slots_lock held; replaces the immutable bus under SRCU. 0, -ENOMEM, -ENOSPC. */
int iobus_register(struct kvm *kvm, enum kvm_bus bus, gpa_t addr, gpa_t len,
		   struct kvm_io_device *dev);
void iobus_unregister(struct kvm *kvm, enum kvm_bus bus, struct kvm_io_device *dev);

/* kvm->srcu read section. Return 0, or -EOPNOTSUPP when no in-kernel device took it. */
int iobus_read(struct kvm_vcpu *vcpu, enum kvm_bus bus, gpa_t addr, int len, void *val);
int iobus_write(struct kvm_vcpu *vcpu, enum kvm_bus bus, gpa_t addr, int len, const void *val);
/* VM life. iobus_destroy may run after a failed iobus_init. */
int iobus_init(struct kvm *kvm);
void iobus_destroy(struct kvm *kvm);

#endif
