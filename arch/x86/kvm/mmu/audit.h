/* SPDX-License-Identifier: GPL-2.0-only */
/* Checks of the MMU's invariants after each zap; only in builds for debugging. */
#ifndef GUESTMODE_MMU_AUDIT_H
#define GUESTMODE_MMU_AUDIT_H

struct kvm;

#if IS_ENABLED(CONFIG_KVM_MMU_AUDIT) || defined(DEBUG)
#define MMU_AUDIT
void mmu_audit(struct kvm *kvm);
#else
static inline void mmu_audit(struct kvm *kvm) {}
#endif

#endif
