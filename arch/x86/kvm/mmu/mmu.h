/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory virtualization: what the rest of the driver may ask of mmu/. */
#ifndef GUESTMODE_MMU_H
#define GUESTMODE_MMU_H

#include <linux/spinlock.h>
#include "kvm.h"
#include "mmu/walk.h"

/* Levels of a nested page table, root included. */
#define MMU_MAX_LEVELS 5
#define MMU_MIN_PAGE_LIMIT 64

/* Per VM. All vCPUs share one nested page table. */
struct kvm_mmu_vm {
	rwlock_t lock; /* read: install with cmpxchg; write: zap. Never sleeps inside. */
	const struct pt_format *format; /* [i] kvm_caps->npt_format */
	u8 levels; /* [i] 4 or 5 */
	u8 max_level; /* [i] largest page: 1 4 KiB, 2 2 MiB, 3 1 GiB */
	hpa_t root; /* [a] HPA_INVALID before the first vCPU runs, then for the VM's life */
	/* [lock for write] by level: mappings taken away; vCPUs count those they made */
	u64 zapped[MMU_MAX_LEVELS + 1];
	atomic64_t nr_pages; /* [a] table pages */
	u64 page_limit; /* [a] KVM_SET_NR_MMU_PAGES, 0: none */
	u32 logged; /* [slots_lock; vCPUs read it] slots whose written pages are logged */
};

/* Where a guest physical address leads. */
struct kvm_place {
	gpa_t gpa;
	hva_t hva; /* in the VMM's memory, to the end of the page; 0: no memory there */
	bool readonly; /* the slot is */
};

/* A walk of the guest's tables that may be repeated soon (mode.c). */
#define KVM_WALK_HITS 8
struct kvm_walk_hit {
	/* what it was for */
	u64 page; /* linear address >> PAGE_SHIFT */
	u64 cr3;
	u64 generation; /* of the memory slots */
	u32 access; /* KVM_ACC_*, HIT_*; 0: nothing here */
	u64 key; /* walk_key() */
	/* what it found */
	u8 nr; /* entries */
	const u64 __user *where[WALK_MAX_LEVELS];
	u64 entry[WALK_MAX_LEVELS];
	struct kvm_place place; /* of the page */
};

/* Per vCPU. */
struct kvm_vcpu_mmu {
	hpa_t root; /* [v] what vendor->set_root was told */
	u32 slot_hint; /* [v] where the last slot lookup ended */
	u8 nr_spare; /* [v] */
	void *spare[MMU_MAX_LEVELS - 1]; /* [v] zeroed pages: nothing is allocated under mmu.lock */
	u64 mapped[MMU_MAX_LEVELS + 1]; /* [v] by level: mappings made, for statistics */
	struct walk_mode walk; /* [v] of the guest's page tables, and what it was made for: */
	u64 walk_cr0, walk_cr4, walk_efer; /* [v] */
	bool walk_keyed; /* [v] walks depend on walk_key(), too */
	bool walk_valid; /* [v] false: not at all, or for another CPUID */
	struct kvm_walk_hit hit[KVM_WALK_HITS]; /* [v] of that mode */
};

/* What a guest page-table walk found wrong: becomes #PF in the guest. */
struct kvm_walk_fault {
	u32 error_code; /* KVM_ACC_* */
	gva_t gva;
};

int mmu_module_init(void);
void mmu_module_exit(void); /* waits for tables on their way out */
int mmu_vm_init(struct kvm *kvm);
void mmu_vm_destroy(struct kvm *kvm); /* no vCPU left, notifier gone */
int mmu_vcpu_create(struct kvm_vcpu *vcpu);
void mmu_vcpu_free(struct kvm_vcpu *vcpu); /* also after a failed mmu_vcpu_create */
int mmu_set_page_limit(struct kvm *kvm, u64 pages);
gfn_t mmu_max_gfn(void); /* largest guest frame number that can be mapped */

int mmu_load_root(struct kvm_vcpu *vcpu);

enum mmu_fault_result {
	MMU_FAULT_FIXED, /* mapped, or spurious: enter again */
	MMU_FAULT_EMULATE, /* no RAM there, or a write to read-only memory: run the emulator */
	/* vcpu->run_errno set: -EFAULT with KVM_EXIT_MEMORY_FAULT, -ENOMEM, -EINTR */
	MMU_FAULT_ERROR,
};

enum mmu_fault_result mmu_nested_fault(struct kvm_vcpu *vcpu, gpa_t gpa, u32 access);
void mmu_slot_came(struct kvm *kvm, const struct kvm_memslot *slot);

int mmu_translate(struct kvm_vcpu *vcpu, gva_t gva, u32 access, struct kvm_place *place,
		  struct kvm_walk_fault *fault);
bool mmu_read_code(struct kvm_vcpu *vcpu, gva_t gva, bool user, u64 bytes[2]);

/**
 * struct mmu_zap - a removal of guest mappings under way (zap.c)
 * Between mmu_zap_begin() and mmu_zap_end() mmu.lock is held for write; with @may_yield it is
 * dropped now and then. After the end no vCPU runs on what was removed.
 */
struct mmu_zap {
	struct kvm *kvm;
	bool may_yield; /* the caller may sleep */
	bool flush; /* removed something since the last flush */
	bool yielded; /* mmu.lock was dropped: what was visited may be filled again */
	struct list_head dead; /* tables to free after the flush */
};

void mmu_zap_begin(struct mmu_zap *zap, struct kvm *kvm, bool may_yield);
void mmu_zap_range(struct mmu_zap *zap, gfn_t start, gfn_t end);
bool mmu_zap_relax(struct mmu_zap *zap);
void mmu_zap_end(struct mmu_zap *zap);

/* The three in one. May sleep. */
void mmu_zap_gfn_range(struct kvm *kvm, gfn_t start, gfn_t end);
void mmu_zap_all(struct kvm *kvm);

/* Logged memory (protect.c): no write goes on unseen. The first between begin and end. */
void mmu_protect_mask(struct mmu_zap *zap, gfn_t first, u64 mask);
void mmu_protect_range(struct kvm *kvm, gfn_t start, gfn_t end);
void mmu_collapse_slot(struct kvm *kvm, const struct kvm_memslot *slot);
void mmu_log_begin(struct kvm *kvm);
void mmu_log_end(struct kvm *kvm);
void mmu_log_collect(struct kvm *kvm);

/* Was anything in the range accessed since it was last cleared? @clear: clear now. Never sleeps. */
bool mmu_age_gfn_range(struct kvm *kvm, gfn_t start, gfn_t end, bool clear);

/* All vCPUs drop their translations before they run again; none runs on old ones after return. */
void mmu_flush_remote_tlbs(struct kvm *kvm);

#endif
