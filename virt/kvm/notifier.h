/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Host MMU events (mmu_notifier): whatever the host unmaps, the guest loses first.
 *
 * How a vCPU's fault and an invalidation of the same page meet:
 *
 *	fault					invalidation
 *	seq = notifier_seq_begin()		start: in_progress++, range
 *	look up the host's frame		       zap what is mapped (mmu.lock), flush
 *	mmu.lock for read			... the host changes its page tables, frees pages
 *	notifier_retry()? again			end:   seq++, in_progress--
 *	install
 *
 * A fault that checks before the start's zap is zapped by it; one that checks later sees
 * in_progress, or after the end the new seq. Counting is done even where no slot is touched: a
 * slot may be created while the host is at it. Only ranges with slots take mmu.lock.
 */
#ifndef GUESTMODE_NOTIFIER_H
#define GUESTMODE_NOTIFIER_H

#include <linux/mmu_notifier.h>
#include <linux/spinlock.h>
#include "kvm.h"

struct kvm_notifier {
	struct mmu_notifier mn; /* [i] */
	bool registered; /* [i] */
	spinlock_t lock; /* below; read without it, in the order that notifier_retry() explains */
	unsigned long seq; /* [lock] bumped at the end of each invalidation */
	unsigned long in_progress; /* [lock] invalidations begun and not ended */
	hva_t range_start, range_end; /* [lock] what those in progress cover, as one range */
};

int notifier_register(struct kvm *kvm);
void notifier_unregister(struct kvm *kvm);
unsigned long notifier_seq_begin(struct kvm *kvm); /* before the pfn lookup; a read barrier */
/* Under mmu.lock, before installing a mapping of [start, end): must the lookup be done again? */
bool notifier_retry(struct kvm *kvm, unsigned long seq, hva_t start, hva_t end);

#endif
