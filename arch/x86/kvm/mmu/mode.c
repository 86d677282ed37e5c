// SPDX-License-Identifier: GPL-2.0-only
/* The guest's paging mode, and translation of its linear addresses with a vCPU's state. */

#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "access.h"
#include "ioctl.h"
#include "cpuid.h"
#include "cr.h"
#include "mmu/format.h"
#include "vcpu.h"

static bool guest_pte_read(void *opaque, u64 gpa, u64 *val, unsigned int size)
{
	struct kvm_vcpu *vcpu = opaque;
	const struct kvm_memslot *slot;
	u32 __user *from;
	u32 low;

	slot = memslots_find_hint(kvm_memslots(vcpu->kvm), gpa >> PAGE_SHIFT,
				  &vcpu->mmu.slot_hint);
	if (!slot || slot->dying)
		return false;
	from = (u32 __user *)(memslot_gfn_to_hva(slot, gpa >> PAGE_SHIFT) + offset_in_page(gpa));
	if (size == 8)
		return !get_user(*val, (u64 __user *)from);
	if (get_user(low, from))
		return false;
	*val = low;
	return true;
}

static int guest_pte_cmpxchg(void *opaque, u64 gpa, u64 old, u64 new, unsigned int size)
{
	struct kvm_vcpu *vcpu = opaque;

	/* Little endian: the low 4 bytes come first. */
	return kvm_guest_cmpxchg(vcpu->kvm, gpa, &old, &new, size);
}

static u64 guest_pdpte(void *opaque, unsigned int nr)
{
	return kvm_read_pdpte(opaque, nr);
}

static const struct walk_ops guest_walk_ops = {
	.read = guest_pte_read,
	.cmpxchg = guest_pte_cmpxchg,
};

static const struct walk_ops guest_walk_ops_pdpte_regs = {
	.read = guest_pte_read,
	.pdpte = guest_pdpte,
	.cmpxchg = guest_pte_cmpxchg,
};

static noinline void init_mode(struct kvm_vcpu *vcpu, u64 cr0, u64 cr4, u64 efer)
{
	struct kvm_vcpu_mmu *mmu = &vcpu->mmu;

	walk_mode_init(&mmu->walk, cr0, cr4, efer, vcpu->cpuid.maxphyaddr,
		       guest_has(vcpu, KVM_GF_GBPAGES));
	mmu->walk_keyed = mmu->walk.pku || (mmu->walk.kind == WALK_PAE && kvm_caps->pdpte_regs);
	mmu->walk_cr0 = cr0;
	mmu->walk_cr4 = cr4;
	mmu->walk_efer = efer;
	mmu->walk_valid = true;
	memset(mmu->hit, 0, sizeof(mmu->hit));
}

/*
 * The mode is derived from three registers and CPUID, and derived again only when one of them has
 * changed.
 */
static __always_inline const struct walk_mode *walk_mode(struct kvm_vcpu *vcpu)
{
	const struct kvm_vcpu_mmu *mmu = &vcpu->mmu;
	u64 cr0 = kvm_cr0(vcpu), cr4 = kvm_cr4(vcpu), efer = vcpu->regs.efer;

	if (unlikely(!mmu->walk_valid || mmu->walk_cr0 != cr0 || mmu->walk_cr4 != cr4 ||
		     mmu->walk_efer != efer))
		init_mode(vcpu, cr0, cr4, efer);
	return &mmu->walk;
}

/* --- walks that were made before ------------------------------------------------------------- */

/*
 * A remembered walk is not a TLB entry: the guest invalidates its TLB without an exit. What is
 * remembered is only where the entries are. They are read again, and if each is what it was, with
 * accessed and dirty bits set, a walk would read just these and end where it ended.
 */

/* hit->access, beside KVM_ACC_*: EFLAGS.AC where it matters. Never 0 in a valid hit. */
#define HIT_VALID BIT(30)
#define HIT_AC BIT(31)

/*
 * In which place a walk is remembered: by the low bits of the page's number, code apart from data.
 * A guest's exits take turns between a few pages: its idle loop, its timer's handler, ...
 */
static unsigned int hit_nr(gva_t gva, u32 access)
{
	BUILD_BUG_ON(KVM_WALK_HITS != 8 || KVM_ACC_FETCH != BIT(4));
	return (gva >> PAGE_SHIFT & 3) | (access & KVM_ACC_FETCH) >> 2;
}

/*
 * What a walk depends on beside mode, CR3 and the entries in memory: rights of protection keys, or
 * a register with the first entry.
 */
static u64 walk_key(struct kvm_vcpu *vcpu, gva_t gva)
{
	return vcpu->mmu.walk.pku ? vcpu->regs.pkru : kvm_read_pdpte(vcpu, gva >> 30 & 3);
}

/* The remembered walk for an access, not yet verified; NULL: none. */
static __always_inline struct kvm_walk_hit *find_hit(struct kvm_vcpu *vcpu, gva_t gva, u32 access)
{
	const struct walk_mode *mode = walk_mode(vcpu);
	struct kvm_walk_hit *hit = &vcpu->mmu.hit[hit_nr(gva, access)];

	/* Else the compiler works out the address anew for each member. */
	OPTIMIZER_HIDE_VAR(hit);
	access |= HIT_VALID;
	if (mode->smap && kvm_rflags_read(vcpu) & X86_EFLAGS_AC)
		access |= HIT_AC;
	if (hit->page != gva >> PAGE_SHIFT || hit->access != access || hit->cr3 != kvm_cr3(vcpu) ||
	    hit->generation != kvm_memslots(vcpu->kvm)->generation ||
	    (vcpu->mmu.walk_keyed && hit->key != walk_key(vcpu, gva)))
		return NULL;
	return hit;
}

/*
 * Are the entries what they were? If so and if @offset is not negative, read 16 bytes of the page.
 * Nothing is called in between: the kernel's protection of user memory is open.
 */
static __always_inline bool verify_hit(const struct kvm_walk_hit *hit, int offset, u64 *bytes)
{
	const u64 __user *page = (const u64 __user *)hit->place.hva;
	/* Pointers: a checker of arrays' bounds would call its report in between. */
	const u64 __user *const *where = hit->where;
	const u64 *entry = hit->entry;
	unsigned int i;
	u64 now;

	if (!user_read_access_begin(hit->nr ? where[0] : page, sizeof(now)))
		return false;
	for (i = 0; i < hit->nr; i++) {
		unsafe_get_user(now, where[i], fault);
		if (now != entry[i])
			goto fault;
	}
	if (offset >= 0) {
		const u64 __user *from = (const u64 __user *)(hit->place.hva + offset);

		unsafe_get_user(bytes[0], from, fault);
		unsafe_get_user(bytes[1], from + 1, fault);
	}
	user_read_access_end();
	return true;
fault:
	user_read_access_end();
	return false;
}

/* User address of a table's entry, NULL: no memory there. */
static const u64 __user *entry_user(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	const struct kvm_memslot *slot = memslots_find_hint(
		kvm_memslots(vcpu->kvm), gpa >> PAGE_SHIFT, &vcpu->mmu.slot_hint);

	if (!slot || slot->dying)
		return NULL;
	return (const u64 __user *)(memslot_gfn_to_hva(slot, gpa >> PAGE_SHIFT) +
				    offset_in_page(gpa));
}

/*
 * Remember a walk that went well. Those through 32-bit tables are not: their entries are of another
 * size.
 */
static void fill_hit(struct kvm_vcpu *vcpu, const struct walk_mode *mode, gva_t gva, u32 access,
		     bool ac, const struct walk_result *result, const struct kvm_place *place,
		     u64 generation)
{
	struct kvm_walk_hit *hit = &vcpu->mmu.hit[hit_nr(gva, access)];
	u8 level;

	hit->access = 0;
	hit->nr = 0;
	if (mode->kind == WALK_32)
		return;
	for (level = mode->levels; level && level >= result->level; level--) {
		u64 entry = result->entry[level];
		bool pdpte = mode->kind == WALK_PAE && level == 3;

		if (pdpte && kvm_caps->pdpte_regs)
			continue;
		/* The next walk of the same entries would find these set. */
		if (!pdpte && !(entry & PT_ACCESSED))
			return;
		if (level == result->level && access & KVM_ACC_WRITE && !(entry & PT_DIRTY))
			return;
		hit->entry[hit->nr] = entry;
		hit->where[hit->nr] = entry_user(vcpu, result->where[level]);
		if (!hit->where[hit->nr++])
			return;
	}
	hit->page = gva >> PAGE_SHIFT;
	hit->cr3 = kvm_cr3(vcpu);
	/* The PDPTE that this walk had: another may have been loaded meanwhile. */
	hit->key = mode->kind == WALK_PAE ? result->entry[3] : vcpu->regs.pkru;
	hit->generation = generation;
	hit->place.gpa = place->gpa & PAGE_MASK;
	hit->place.hva = place->hva & PAGE_MASK;
	hit->place.readonly = place->readonly;
	hit->access = access | HIT_VALID | (ac ? HIT_AC : 0);
}

static void find_place(struct kvm_vcpu *vcpu, gpa_t gpa, struct kvm_place *place)
{
	const struct kvm_memslot *slot = memslots_find_hint(
		kvm_memslots(vcpu->kvm), gpa >> PAGE_SHIFT, &vcpu->mmu.slot_hint);

	place->gpa = gpa;
	place->hva = 0;
	place->readonly = false;
	if (!slot || slot->dying)
		return;
	place->hva = memslot_gfn_to_hva(slot, gpa >> PAGE_SHIFT) + offset_in_page(gpa);
	place->readonly = slot->flags & KVM_MEM_READONLY;
}

/* The whole walk. Return: 0, or -EFAULT with @fault filled in. */
static noinline int walk_guest(struct kvm_vcpu *vcpu, gva_t gva, u32 access,
			       struct kvm_place *place, struct kvm_walk_fault *fault)
{
	const struct walk_ops *ops = kvm_caps->pdpte_regs ? &guest_walk_ops_pdpte_regs :
							    &guest_walk_ops;
	const struct walk_mode *mode = walk_mode(vcpu);
	bool ac = mode->smap && kvm_rflags_read(vcpu) & X86_EFLAGS_AC;
	u32 pkru = mode->pku ? vcpu->regs.pkru : 0;
	struct walk_result result;
	u64 generation;

	for (;;) {
		switch (walk_gva(mode, ops, vcpu, kvm_cr3(vcpu), pkru, ac, gva, access, &result)) {
		case WALK_OK:
			/* Taken first: of a table newer than its generation's a miss is made. */
			generation = kvm_memslots(vcpu->kvm)->generation;
			find_place(vcpu, result.gpa, place);
			fill_hit(vcpu, mode, gva, access, ac, &result, place, generation);
			return 0;
		case WALK_FAULT:
			fault->error_code = result.error_code;
			fault->gva = gva;
			return -EFAULT;
		case WALK_AGAIN:
			/* Other vCPUs write the tables as we walk: the guest's affair. */
			cond_resched();
			if (!fatal_signal_pending(current))
				break;
			fault->error_code = access & (KVM_ACC_WRITE | KVM_ACC_USER);
			fault->gva = gva;
			return -EFAULT;
		}
	}
}

/**
 * mmu_translate() - walk the guest's own page tables
 * @vcpu: the vCPU
 * @gva: linear address
 * @access: KVM_ACC_WRITE | USER | FETCH | IMPLICIT
 * @place: out: where it leads
 * @fault: out: filled in when the guest must get a #PF
 *
 * Sets accessed and dirty bits as hardware does. Handles no paging, 32-bit, PAE, 4 and 5 levels,
 * NX, WP, SMEP, SMAP, PKU. PDPTEs are the CPU's registers, or read from memory at each walk, as
 * AMD's nested paging does (APM vol. 2, 15.25.10).
 *
 * Context: kvm->srcu held, may sleep; @place is valid as long as that section lasts.
 * Return: 0, or -EFAULT with @fault filled in.
 */
int mmu_translate(struct kvm_vcpu *vcpu, gva_t gva, u32 access, struct kvm_place *place,
		  struct kvm_walk_fault *fault)
{
	const struct kvm_walk_hit *hit = find_hit(vcpu, gva, access);

	if (!hit || !verify_hit(hit, -1, NULL))
		return walk_guest(vcpu, gva, access, place, fault);
	place->gpa = hit->place.gpa + offset_in_page(gva);
	place->hva = hit->place.hva ? hit->place.hva + offset_in_page(gva) : 0;
	place->readonly = hit->place.readonly;
	return 0;
}

/* By a whole walk. */
static noinline bool walk_code(struct kvm_vcpu *vcpu, gva_t gva, u32 access, u64 bytes[2])
{
	const u64 __user *from;
	struct kvm_walk_fault fault;
	struct kvm_place place;

	if (walk_guest(vcpu, gva, access, &place, &fault) || !place.hva)
		return false;
	from = (const u64 __user *)place.hva;
	return !get_user(bytes[0], from) && !get_user(bytes[1], from + 1);
}

/**
 * mmu_read_code() - the 16 bytes at a linear address, as an instruction fetch would read them
 * @vcpu: the vCPU
 * @gva: linear address; canonical in long mode, below 4 GiB otherwise
 * @user: at CPL 3
 * @bytes: out: two words
 *
 * The cheap way for what is needed at each exit: it refuses where there is more to do.
 *
 * Context: kvm->srcu held, may sleep.
 * Return: false: they cross a page, fault, or are no memory: nothing was raised.
 */
bool mmu_read_code(struct kvm_vcpu *vcpu, gva_t gva, bool user, u64 bytes[2])
{
	u32 access = KVM_ACC_FETCH | (user ? KVM_ACC_USER : 0);
	unsigned int offset = offset_in_page(gva);
	const struct kvm_walk_hit *hit;

	if (offset > PAGE_SIZE - 2 * sizeof(*bytes))
		return false;
	hit = find_hit(vcpu, gva, access);
	if (likely(hit && hit->place.hva && verify_hit(hit, offset, bytes)))
		return true;
	return walk_code(vcpu, gva, access, bytes);
}
EXPORT_SYMBOL_NS_GPL(mmu_read_code, GUESTMODE);
