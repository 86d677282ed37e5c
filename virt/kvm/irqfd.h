/* SPDX-License-Identifier: GPL-2.0-only */
/* Eventfds that interrupt a guest (irqfd.c). */
#ifndef GUESTMODE_IRQFD_H
#define GUESTMODE_IRQFD_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

struct kvm;
struct kvm_irqfd;

/* Per VM. */
struct kvm_irqfds {
	struct mutex mutex; /* KVM_IRQFD; outside of irq_lock */
	struct list_head lines; /* [mutex] struct resample_line */
	spinlock_t lock; /* irqs off; inside an eventfd's own */
	struct list_head active; /* [lock] added to by KVM_IRQFD alone, so read under mutex, too */
	struct list_head closed; /* [lock] their eventfds have gone: for ... */
	struct work_struct reap; /* ... this to free */
};

/* VM life. irqfd_destroy() before the interrupt controllers go. */
void irqfd_init(struct kvm *kvm);
void irqfd_destroy(struct kvm *kvm);

long irqfd_set(struct kvm *kvm, const struct kvm_irqfd *args); /* KVM_IRQFD */

#endif
