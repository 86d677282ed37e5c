// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM's nested page table: one for all vCPUs, 4 or 5 levels, filled on demand.
 *
 * vCPUs install in parallel under the read lock, each entry by cmpxchg. Who loses a race looks at
 * what the winner did and goes on with that.
 */

#include <linux/gfp.h>
#include <linux/mm.h>

#include "audit.h"
#include "tdp.h"
#include "vcpu.h"
#include "vendor.h"

static void *table_alloc(void)
{
	return (void *)__get_free_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
}

/**
 * mmu_set_page_limit() - bound the VM's page tables (KVM_SET_NR_MMU_PAGES)
 * @kvm: the VM
 * @pages: at most that many table pages; a few more while several vCPUs fault at once
 *
 * At the bound all mappings go, and come back by faults. Context: may sleep.
 * Return: 0, -EINVAL (so few that the guest would do nothing but fault).
 */
int mmu_set_page_limit(struct kvm *kvm, u64 pages)
{
	if (pages < MMU_MIN_PAGE_LIMIT)
		return -EINVAL;
	WRITE_ONCE(kvm->mmu.page_limit, pages);
	if (atomic64_read(&kvm->mmu.nr_pages) > pages)
		mmu_zap_all(kvm);
	return 0;
}

/**
 * tdp_topup() - have enough spare tables for one fault, within the VM's bound
 * @vcpu: the vCPU
 *
 * Context: may sleep. Return: 0 or -ENOMEM.
 */
int tdp_topup(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_mmu *mmu = &vcpu->mmu;
	struct kvm_mmu_vm *vm = &vcpu->kvm->mmu;
	u64 limit = READ_ONCE(vm->page_limit);
	u8 want = vm->levels - 1;

	if (unlikely(limit && atomic64_read(&vm->nr_pages) + want > limit))
		mmu_zap_all(vcpu->kvm);
	while (mmu->nr_spare < want) {
		void *page = table_alloc();

		if (!page)
			return -ENOMEM;
		mmu->spare[mmu->nr_spare++] = page;
	}
	return 0;
}

/* Hang a new table into the non-present entry. False: lost a race, look again. */
static bool add_table(struct kvm_vcpu *vcpu, u64 *sptep)
{
	struct kvm_mmu_vm *mmu = &vcpu->kvm->mmu;
	void *table = vcpu->mmu.spare[vcpu->mmu.nr_spare - 1];

	if (cmpxchg64(sptep, 0, spte_make_table(mmu->format, table)))
		return false;
	vcpu->mmu.nr_spare--;
	atomic64_inc(&mmu->nr_pages);
	return true;
}

/* Make the entry, not a table, map what the fault wants, or at least allow what it does. */
static enum tdp_result set_leaf(struct kvm_vcpu *vcpu, const struct kvm_fault *fault, u8 level,
				u64 *sptep, u64 old)
{
	const struct pt_format *f = vcpu->kvm->mmu.format;
	kvm_pfn_t pfn = fault->found.pfn & ~(pt_frames(f, level) - 1);
	u64 new = spte_make_leaf(f, pfn, level, fault->found.writable, fault->write,
				 fault->found.page,
				 !fault->found.page && mmu_pfn_uncached(pfn),
				 level == 1 || !kvm_caps->nx_huge_pages);

	for (;;) {
		u64 seen;

		if (pt_is_present(f, old)) {
			if (spte_addr(f, old) != spte_addr(f, new))
				return TDP_CONFLICT;
			if (spte_allows(f, old, fault->write, fault->fetch))
				return TDP_SPURIOUS;
			/*
			 * More permissions; what hardware noted down stays. No flush: a fault drops
			 * the TLB entry that caused it.
			 */
			new |= old & (f->write | f->accessed | f->dirty);
		}
		seen = cmpxchg64(sptep, old, new);
		if (seen == old) {
			/* More permissions are no new mapping. */
			if (!pt_is_present(f, old))
				vcpu->mmu.mapped[level]++;
			return TDP_MAPPED;
		}
		/* A table came in between: what is mapped there is the winner's business. */
		if (pt_is_present(f, seen) && !pt_is_leaf(f, seen, level))
			return TDP_SPURIOUS;
		old = seen;
	}
}

/**
 * tdp_map() - install the mapping that a fault asks for
 * @vcpu: the vCPU, with tdp_topup() done
 * @fault: complete, and found valid by notifier_retry()
 *
 * Where a table is in the way of a huge page, the page is mapped in smaller ones inside of it.
 *
 * Context: mmu.lock held for read.
 */
enum tdp_result tdp_map(struct kvm_vcpu *vcpu, const struct kvm_fault *fault)
{
	struct kvm_mmu_vm *mmu = &vcpu->kvm->mmu;
	const struct pt_format *f = mmu->format;
	u64 *table = mmu_root_table(mmu);
	u8 level = mmu->levels;

	for (;;) {
		u64 *sptep = &table[pt_index(f, fault->gfn, level)];
		u64 spte = READ_ONCE(*sptep);

		if (pt_is_present(f, spte) && !pt_is_leaf(f, spte, level)) {
			table = spte_table(f, spte);
			level--;
			continue;
		}
		if (level <= fault->level)
			return set_leaf(vcpu, fault, level, sptep, spte);
		if (pt_is_present(f, spte)) {
			/* A huge page; good enough if it is of the same memory. */
			u64 offset = fault->gfn & (pt_frames(f, level) - 1);

			if ((spte_addr(f, spte) >> PAGE_SHIFT) + offset == fault->found.pfn &&
			    spte_allows(f, spte, fault->write, fault->fetch))
				return TDP_SPURIOUS;
			return TDP_CONFLICT;
		}
		add_table(vcpu, sptep);
	}
}

/**
 * mmu_load_root() - give the vCPU the VM's root (KVM_REQ_MMU_ROOT)
 * @vcpu: the vCPU
 *
 * Context: vCPU loaded; may sleep. Return: 0 or -ENOMEM.
 */
int mmu_load_root(struct kvm_vcpu *vcpu)
{
	struct kvm_mmu_vm *mmu = &vcpu->kvm->mmu;

	if (!mmu_has_root(mmu)) {
		void *table = table_alloc();

		if (!table)
			return -ENOMEM;
		if (cmpxchg64(&mmu->root, HPA_INVALID, __sme_set(__pa(table))) == HPA_INVALID)
			atomic64_inc(&mmu->nr_pages);
		else
			free_page((unsigned long)table);
	}
	if (vcpu->mmu.root != mmu->root) {
		vcpu->mmu.root = mmu->root;
		vendor_call(set_root, vcpu, mmu->root);
	}
	return 0;
}

/**
 * mmu_max_gfn() - the largest guest frame number that can be mapped
 *
 * Guest physical addresses have at most as many bits as host physical ones, and as the nested table
 * translates.
 */
gfn_t mmu_max_gfn(void)
{
	unsigned int bits = min_t(unsigned int, boot_cpu_data.x86_phys_bits,
				  PAGE_SHIFT + 9 * kvm_caps->npt_levels);

	return (1ULL << (min(bits, 52U) - PAGE_SHIFT)) - 1;
}

/**
 * mmu_vm_init() - memory virtualization of a new VM
 * @kvm: the VM
 *
 * Return: 0; -EOPNOTSUPP where the vendor has no nested paging.
 */
int mmu_vm_init(struct kvm *kvm)
{
	struct kvm_mmu_vm *mmu = &kvm->mmu;

	if (kvm_caps->npt_levels < 4 || kvm_caps->npt_levels > MMU_MAX_LEVELS)
		return -EOPNOTSUPP;
	rwlock_init(&mmu->lock);
	mmu->format = kvm_caps->npt_format;
	mmu->levels = kvm_caps->npt_levels;
	mmu->max_level = clamp_t(u8, kvm_caps->npt_max_page_level, 1, 3);
	mmu->root = HPA_INVALID;
	return 0;
}

/**
 * mmu_vm_destroy() - free all tables
 * @kvm: the VM; no vCPU left, and the notifier has zapped everything
 */
void mmu_vm_destroy(struct kvm *kvm)
{
	struct kvm_mmu_vm *mmu = &kvm->mmu;

	if (!mmu_has_root(mmu))
		return;
	/* Nothing is left by then, unless the notifier was never registered. */
	mmu_zap_all(kvm);
	free_page((unsigned long)mmu_root_table(mmu));
	atomic64_dec(&mmu->nr_pages);
	WARN_ON_ONCE(atomic64_read(&mmu->nr_pages));
	mmu->root = HPA_INVALID;
}

/**
 * mmu_vcpu_create() - the vCPU's part
 * @vcpu: zeroed
 */
int mmu_vcpu_create(struct kvm_vcpu *vcpu)
{
	vcpu->mmu.root = HPA_INVALID;
	return 0;
}

void mmu_vcpu_free(struct kvm_vcpu *vcpu)
{
	while (vcpu->mmu.nr_spare)
		free_page((unsigned long)vcpu->mmu.spare[--vcpu->mmu.nr_spare]);
}

int mmu_module_init(void)
{
	BUILD_BUG_ON(PAGE_SHIFT != 12);
	return 0;
}

/**
 * mmu_module_exit() - the module may go
 *
 * Waits for the callbacks that free tables: their code is ours.
 */
void mmu_module_exit(void)
{
	rcu_barrier();
}
