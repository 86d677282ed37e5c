/* SPDX-License-Identifier: GPL-2.0-only */
/* Access to guest memory from the host, and lookup of the host frame behind a guest frame. */
#ifndef GUESTMODE_GUEST_MEM_H
#define GUESTMODE_GUEST_MEM_H

#include "memslot.h"

/* Errors of a pfn lookup: no frame has these bits. */
#define KVM_PFN_ERR_MASK (0x7ffULL << 52)
#define KVM_PFN_ERR_FAULT (KVM_PFN_ERR_MASK + 1) /* nothing mapped there: -EFAULT to userspace */
#define KVM_PFN_ERR_HWPOISON (KVM_PFN_ERR_MASK + 2)
#define KVM_PFN_ERR_RO_FAULT (KVM_PFN_ERR_MASK + 3) /* write to a read-only slot: emulate as MMIO */
#define KVM_PFN_NOSLOT (KVM_PFN_ERR_MASK + 4) /* no slot: MMIO */
#define KVM_PFN_INTR (KVM_PFN_ERR_MASK + 5) /* a signal arrived first: -EINTR */
#define KVM_PFN_RETRY (KVM_PFN_ERR_MASK + 6) /* the VMM's mappings are changing: look again */
#define KVM_PFN_ERR_NOMEM (KVM_PFN_ERR_MASK + 7) /* the host is out of memory: -ENOMEM */

static inline bool kvm_pfn_is_error(kvm_pfn_t pfn)
{
	return (pfn & KVM_PFN_ERR_MASK) == KVM_PFN_ERR_MASK;
}

/*
 * All of these: kvm->srcu read section held, may sleep, mmap_lock not held, current->mm == kvm->mm.
 * They cross page and slot borders. Return 0, or -EFAULT where any byte has no (writable) backing;
 * bytes before the first bad page may have been copied.
 */
int kvm_read_guest(struct kvm *kvm, gpa_t gpa, void *buf, size_t len);
int kvm_write_guest(struct kvm *kvm, gpa_t gpa, const void *buf, size_t len);

/**
 * kvm_guest_cmpxchg() - compare and exchange 1, 2, 4, 8, 16 naturally aligned bytes of guest RAM
 * Return: 1 exchanged, 0 not equal (*@old holds what was there), -EFAULT no RAM there.
 */
int kvm_guest_cmpxchg(struct kvm *kvm, gpa_t gpa, void *old, const void *new, size_t len);

/*
 * A remembered translation of one small guest structure (kvmclock page, steal time ...): holds an
 * hva and the slots' generation, never a mapping or a pin, so it can't outlive the page.
 */
struct kvm_gpa_cache {
	gpa_t gpa;
	size_t len;
	hva_t hva;
	u64 generation;
	unsigned long *dirty; /* the slot's log, there as long as the generation is the same */
	u64 dirty_bit;
};

int kvm_gpa_cache_init(struct kvm *kvm, struct kvm_gpa_cache *cache, gpa_t gpa, size_t len);
int kvm_write_guest_cached(struct kvm *kvm, struct kvm_gpa_cache *cache, unsigned int offset,
			   const void *buf, size_t len);
int kvm_read_guest_cached(struct kvm *kvm, struct kvm_gpa_cache *cache, unsigned int offset,
			  void *buf, size_t len);

/**
 * struct kvm_pfn - what a lookup found
 * @pfn: host frame number, or KVM_PFN_*
 * @writable: the host maps it writable, so may we
 * @page: an ordinary page, with a struct page that wants to hear of accesses and writes; otherwise
 *	device memory, a reserved page or a frame that some driver mapped
 */
struct kvm_pfn {
	kvm_pfn_t pfn;
	bool writable;
	bool page;
};

struct kvm_pfn kvm_pfn_lookup(const struct kvm_memslot *slot, gfn_t gfn, bool write);

#endif
