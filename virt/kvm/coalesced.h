/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Coalesced writes: what a guest writes to certain ports or addresses goes into a ring that
 * userspace reads when it hears of the guest for another reason (coalesced.c).
 */
#ifndef GUESTMODE_COALESCED_H
#define GUESTMODE_COALESCED_H

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/spinlock.h>

struct kvm;
struct kvm_coalesced_mmio_zone;

/* Per VM. */
struct kvm_coalesced {
	struct page *page; /* [i] the ring, which userspace maps and may write at any time */
	spinlock_t lock; /* innermost: one writer at a time */
	struct list_head zones; /* [m] struct coalesced_zone */
};

/* VM life. coalesced_destroy() after the buses are gone. */
int coalesced_init(struct kvm *kvm);
void coalesced_destroy(struct kvm *kvm);

/* KVM_REGISTER_COALESCED_MMIO, KVM_UNREGISTER_COALESCED_MMIO; kvm->slots_lock held. */
int coalesced_register(struct kvm *kvm, const struct kvm_coalesced_mmio_zone *zone);
int coalesced_unregister(struct kvm *kvm, const struct kvm_coalesced_mmio_zone *zone);

#endif
