/* SPDX-License-Identifier: GPL-2.0-only */
/* Host MMU events (mmu_notifier): whatever the host unmaps, the guest loses first. */
#ifndef GUESTMODE_NOTIFIER_H
#define GUESTMODE_NOTIFIER_H

#include <linux/mmu_notifier.h>
#include <linux/rcuwait.h>
#include "kvm.h"

struct kvm_notifier {
	struct mmu_notifier mn; /* [i] */
	bool registered; /* [i] */
	unsigned long seq; /* [mmu.lock] bumped at the end of each invalidation */
	unsigned long in_progress; /* [mmu.lock] invalidations begun and not ended */
	hva_t range_start, range_end; /* [mmu.lock] what those in progress cover */
};

int notifier_register(struct kvm *kvm);
void notifier_unregister(struct kvm *kvm);
unsigned long notifier_seq_begin(struct kvm *kvm); /* before the pfn lookup; includes the smp_rmb() */
bool notifier_retry(struct kvm *kvm, unsigned long seq, hva_t hva); /* under mmu.lock, before install */

#endif
