/* SPDX-License-Identifier: GPL-2.0-only */
/* The VM's nested page table. Inside of mmu/ only. */
#ifndef GUESTMODE_MMU_TDP_H
#define GUESTMODE_MMU_TDP_H

#include "guest_mem.h"
#include "iter.h"
#include "level.h"
#include "vm.h"

/**
 * struct kvm_fault - one access of the guest that its nested page table does not allow
 * @gpa: guest physical address
 * @gfn: its frame
 * @write: what the access does
 * @fetch: what the access does
 * @slot: the memory there
 * @hva: address of the frame in the VMM
 * @seq: the notifier's, from before the lookup
 * @found: the host's frame
 * @level: size of the mapping: 1 4 KiB, 2 2 MiB, 3 1 GiB
 */
struct kvm_fault {
	const gpa_t gpa;
	const gfn_t gfn;
	const bool write;
	const bool fetch;
	/* out */
	const struct kvm_memslot *slot;
	hva_t hva;
	unsigned long seq;
	struct kvm_pfn found;
	u8 level;
};

enum tdp_result {
	TDP_MAPPED,
	TDP_SPURIOUS, /* there already: somebody else was quicker */
	TDP_CONFLICT, /* something else is mapped there: zap it first */
};

enum tdp_result tdp_map(struct kvm_vcpu *vcpu, const struct kvm_fault *fault);
int tdp_topup(struct kvm_vcpu *vcpu);

static inline bool mmu_has_root(const struct kvm_mmu_vm *mmu)
{
	return READ_ONCE(mmu->root) != HPA_INVALID;
}

static inline u64 *mmu_root_table(const struct kvm_mmu_vm *mmu)
{
	return spte_table(mmu->format, READ_ONCE(mmu->root));
}

/* Host physical memory that isn't RAM is mapped uncached. */
bool mmu_pfn_uncached(kvm_pfn_t pfn);
u8 mmu_host_level(hva_t hva, kvm_pfn_t pfn);

#endif
