// SPDX-License-Identifier: GPL-2.0-only
/*
 * Access to guest memory from the host, and lookup of the host frame behind a guest frame.
 *
 * Guest memory is the VMM's memory, so it is accessed like any user memory: nothing is pinned or
 * mapped, and the host may swap, migrate or unmap it at any time.
 */

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "dirty.h"
#include "guest_mem.h"
#include "vm.h"

static void __user *slot_to_user(const struct kvm_memslot *slot, gpa_t gpa)
{
	return (void __user *)(memslot_gfn_to_hva(slot, gpa >> PAGE_SHIFT) + offset_in_page(gpa));
}

/*
 * The host writes here: @slot is what dirty logging wants to know, afterwards. NULL: no memory
 * there, or none that may be written.
 */
static void __user *gpa_to_user_write(struct kvm *kvm, gpa_t gpa, const struct kvm_memslot **slot)
{
	*slot = kvm_gfn_to_memslot(kvm, gpa >> PAGE_SHIFT);
	if (!*slot || (*slot)->flags & KVM_MEM_READONLY)
		return NULL;
	return slot_to_user(*slot, gpa);
}

static void __user *gpa_to_user(struct kvm *kvm, gpa_t gpa)
{
	const struct kvm_memslot *slot = kvm_gfn_to_memslot(kvm, gpa >> PAGE_SHIFT);

	return slot ? slot_to_user(slot, gpa) : NULL;
}

/**
 * kvm_read_guest() - copy from guest memory
 * @kvm: the VM
 * @gpa: guest physical address
 * @buf: where to
 * @len: bytes; may cross pages and slots
 *
 * Context: kvm->srcu read section; may sleep.
 * Return: 0, or -EFAULT; bytes before the first bad page may have been copied.
 */
int kvm_read_guest(struct kvm *kvm, gpa_t gpa, void *buf, size_t len)
{
	while (len) {
		size_t n = min_t(size_t, len, PAGE_SIZE - offset_in_page(gpa));
		void __user *from = gpa_to_user(kvm, gpa);

		if (!from || copy_from_user(buf, from, n))
			return -EFAULT;
		gpa += n;
		buf += n;
		len -= n;
	}
	return 0;
}
EXPORT_SYMBOL_NS_GPL(kvm_read_guest, GUESTMODE);

/**
 * kvm_write_guest() - copy to guest memory
 * @kvm: the VM
 * @gpa: guest physical address
 * @buf: where from
 * @len: bytes; may cross pages and slots
 *
 * Context: kvm->srcu read section; may sleep.
 * Return: 0, or -EFAULT (also for read-only slots); bytes before the first bad page may have been
 * copied.
 */
int kvm_write_guest(struct kvm *kvm, gpa_t gpa, const void *buf, size_t len)
{
	while (len) {
		size_t n = min_t(size_t, len, PAGE_SIZE - offset_in_page(gpa));
		const struct kvm_memslot *slot;
		void __user *to = gpa_to_user_write(kvm, gpa, &slot);
		unsigned long left;

		if (!to)
			return -EFAULT;
		left = copy_to_user(to, buf, n);
		if (left < n)
			memslot_mark_dirty(slot, gpa >> PAGE_SHIFT);
		if (left)
			return -EFAULT;
		gpa += n;
		buf += n;
		len -= n;
	}
	return 0;
}
EXPORT_SYMBOL_NS_GPL(kvm_write_guest, GUESTMODE);

/*
 * 1 exchanged, 0 not equal (then *@old holds what was there), -EFAULT. The names of the locals must
 * not be __old and __new: the kernel's macro has locals of these names and would take its own.
 */
#define user_cmpxchg(type, to, old, new)                                                      \
	({                                                                                    \
		type is_value, new_value;                                                     \
		int done = -EFAULT;                                                           \
                                                                                              \
		memcpy(&is_value, old, sizeof(type));                                         \
		memcpy(&new_value, new, sizeof(type));                                        \
		if (user_access_begin(to, sizeof(type))) {                                    \
			done = unsafe_try_cmpxchg_user((type __user *)(to), &is_value,        \
						       new_value, fault);                     \
			user_access_end();                                                    \
			memcpy(old, &is_value, sizeof(type));                                 \
		}                                                                             \
		done;                                                                         \
	})

static int user_cmpxchg_8(void __user *to, void *old, const void *new)
{
	return user_cmpxchg(u8, to, old, new);
fault:
	user_access_end();
	return -EFAULT;
}

static int user_cmpxchg_16(void __user *to, void *old, const void *new)
{
	return user_cmpxchg(u16, to, old, new);
fault:
	user_access_end();
	return -EFAULT;
}

static int user_cmpxchg_32(void __user *to, void *old, const void *new)
{
	return user_cmpxchg(u32, to, old, new);
fault:
	user_access_end();
	return -EFAULT;
}

static int user_cmpxchg_64(void __user *to, void *old, const void *new)
{
	return user_cmpxchg(u64, to, old, new);
fault:
	user_access_end();
	return -EFAULT;
}

static int user_cmpxchg_128(void __user *to, void *old, const void *new)
{
	struct { u64 v[2]; } *mem = (void __force *)to;
	u64 *o = old;
	const u64 *n = new;
	bool equal;

	if (!boot_cpu_has(X86_FEATURE_CX16) || !user_access_begin(to, 16))
		return -EFAULT;
	asm goto("1: lock cmpxchg16b %[mem]\n"
		 _ASM_EXTABLE_UA(1b, %l[fault])
		 : "=@ccz" (equal), [mem] "+m" (*mem), "+a" (o[0]), "+d" (o[1])
		 : "b" (n[0]), "c" (n[1])
		 : "memory"
		 : fault);
	user_access_end();
	return equal;
fault:
	user_access_end();
	return -EFAULT;
}

static int user_cmpxchg_any(void __user *to, void *old, const void *new, size_t len)
{
	switch (len) {
	case 1:
		return user_cmpxchg_8(to, old, new);
	case 2:
		return user_cmpxchg_16(to, old, new);
	case 4:
		return user_cmpxchg_32(to, old, new);
	case 8:
		return user_cmpxchg_64(to, old, new);
	case 16:
		return user_cmpxchg_128(to, old, new);
	}
	return -EINVAL;
}

/**
 * kvm_guest_cmpxchg() - compare and exchange guest memory, atomically towards vCPUs and the VMM
 * @kvm: the VM
 * @gpa: guest physical address; all of it in one cache line, and of 16 bytes a multiple of that
 * @old: in: expected; out: what was there
 * @new: to be stored
 * @len: 1, 2, 4, 8 or 16 bytes
 *
 * Context: kvm->srcu read section; may sleep.
 * Return: 1 exchanged; 0 not equal; -EFAULT: no writable memory there; -EINVAL: @len or @gpa is
 * none of the above.
 */
int kvm_guest_cmpxchg(struct kvm *kvm, gpa_t gpa, void *old, const void *new, size_t len)
{
	const struct kvm_memslot *slot;
	void __user *to;
	int done;

	if (!is_power_of_2(len) || (gpa & (SMP_CACHE_BYTES - 1)) + len > SMP_CACHE_BYTES ||
	    (len == 16 && gpa & 15))
		return -EINVAL;
	to = gpa_to_user_write(kvm, gpa, &slot);
	if (!to)
		return -EFAULT;
	done = user_cmpxchg_any(to, old, new, len);
	if (done > 0)
		memslot_mark_dirty(slot, gpa >> PAGE_SHIFT);
	return done;
}
EXPORT_SYMBOL_NS_GPL(kvm_guest_cmpxchg, GUESTMODE);

static void cache_fill(struct kvm *kvm, struct kvm_gpa_cache *cache)
{
	/* One table: another one may take its place between two looks. */
	struct kvm_memslots *slots = kvm_memslots(kvm);
	const struct kvm_memslot *slot = memslots_find(slots, cache->gpa >> PAGE_SHIFT);

	cache->generation = slots->generation;
	cache->hva = 0;
	cache->dirty = NULL;
	/* What crosses a page, or may be read only, goes the long way. */
	if (!slot || slot->dying || slot->flags & KVM_MEM_READONLY ||
	    offset_in_page(cache->gpa) + cache->len > PAGE_SIZE)
		return;
	cache->hva = memslot_gfn_to_hva(slot, cache->gpa >> PAGE_SHIFT) +
		     offset_in_page(cache->gpa);
	cache->dirty = slot->dirty;
	cache->dirty_bit = (cache->gpa >> PAGE_SHIFT) - slot->base_gfn;
}

/**
 * kvm_gpa_cache_init() - remember where a small structure in guest memory is
 * @kvm: the VM
 * @cache: to be filled in
 * @gpa: guest physical address
 * @len: bytes
 *
 * Context: kvm->srcu read section.
 * Return: 0; -EINVAL if [@gpa, @gpa + @len) isn't all guest memory now.
 */
int kvm_gpa_cache_init(struct kvm *kvm, struct kvm_gpa_cache *cache, gpa_t gpa, size_t len)
{
	gfn_t gfn, last;
	gpa_t end;

	if (!len || check_add_overflow(gpa, (gpa_t)len - 1, &end))
		return -EINVAL;
	last = end >> PAGE_SHIFT;
	for (gfn = gpa >> PAGE_SHIFT; gfn <= last; gfn++)
		if (!kvm_gfn_to_memslot(kvm, gfn))
			return -EINVAL;
	cache->gpa = gpa;
	cache->len = len;
	cache_fill(kvm, cache);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(kvm_gpa_cache_init, GUESTMODE);

/* The cached structure's user address at @offset, or NULL: go the long way. */
static void __user *cache_to_user(struct kvm *kvm, struct kvm_gpa_cache *cache,
				  unsigned int offset)
{
	if (unlikely(cache->generation != kvm_memslots(kvm)->generation))
		cache_fill(kvm, cache);
	return cache->hva ? (void __user *)(cache->hva + offset) : NULL;
}

static bool cache_range_bad(const struct kvm_gpa_cache *cache, unsigned int offset, size_t len)
{
	return WARN_ON_ONCE(offset > cache->len || len > cache->len - offset);
}

/**
 * kvm_write_guest_cached() - write to a structure that kvm_gpa_cache_init() knows
 * @kvm: the VM
 * @cache: where
 * @offset: bytes from its beginning
 * @buf: what
 * @len: bytes
 *
 * Context: kvm->srcu read section; may sleep; @cache is the caller's.
 * Return: 0 or -EFAULT.
 */
int kvm_write_guest_cached(struct kvm *kvm, struct kvm_gpa_cache *cache, unsigned int offset,
			   const void *buf, size_t len)
{
	unsigned long left;
	void __user *to;

	if (cache_range_bad(cache, offset, len))
		return -EFAULT;
	to = cache_to_user(kvm, cache, offset);
	if (!to)
		return kvm_write_guest(kvm, cache->gpa + offset, buf, len);
	left = copy_to_user(to, buf, len);
	if (unlikely(cache->dirty) && left < len)
		dirty_mark(cache->dirty, cache->dirty_bit);
	return left ? -EFAULT : 0;
}
EXPORT_SYMBOL_NS_GPL(kvm_write_guest_cached, GUESTMODE);

/**
 * kvm_read_guest_cached() - read from a structure that kvm_gpa_cache_init() knows
 * @kvm: the VM
 * @cache: where
 * @offset: bytes from its beginning
 * @buf: where to
 * @len: bytes
 *
 * Context: kvm->srcu read section; may sleep; @cache is the caller's.
 * Return: 0 or -EFAULT.
 */
int kvm_read_guest_cached(struct kvm *kvm, struct kvm_gpa_cache *cache, unsigned int offset,
			  void *buf, size_t len)
{
	void __user *from;

	if (cache_range_bad(cache, offset, len))
		return -EFAULT;
	from = cache_to_user(kvm, cache, offset);
	if (!from)
		return kvm_read_guest(kvm, cache->gpa + offset, buf, len);
	return copy_from_user(buf, from, len) ? -EFAULT : 0;
}
EXPORT_SYMBOL_NS_GPL(kvm_read_guest_cached, GUESTMODE);

/* What is worth knowing of a page from get_user_pages(), and its reference back. */
static struct kvm_pfn take_page(struct page *page, bool writable)
{
	struct kvm_pfn found = {
		.pfn = page_to_pfn(page),
		.writable = writable,
		.page = !PageReserved(page), /* the zero page, for one, is nobody's to mark */
	};

	/* From here on the notifier alone tells whether the page is still the one. */
	put_page(page);
	return found;
}

static struct kvm_pfn pfn_error(kvm_pfn_t error)
{
	return (struct kvm_pfn){ .pfn = error };
}

/* A range that a driver mapped by frame number. */
static struct kvm_pfn lookup_pfnmap(hva_t hva, bool write)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	unsigned long pfn;
	bool writable;
	int r = -EFAULT;

	mmap_read_lock(mm);
	vma = find_vma(mm, hva);
	if (vma && hva >= vma->vm_start && vma->vm_flags & (VM_IO | VM_PFNMAP) &&
	    vma->vm_flags & (write ? VM_WRITE : VM_READ)) {
		bool unlocked = false;

		r = compat_follow_pfn(vma, hva, &pfn, &writable);
		if (r || (write && !writable)) {
			/* The driver maps on demand. Without the lock, the vma may be gone. */
			r = fixup_user_fault(mm, hva, write ? FAULT_FLAG_WRITE : 0, &unlocked);
			if (!r && unlocked)
				r = -EAGAIN;
			if (!r)
				r = compat_follow_pfn(vma, hva, &pfn, &writable);
			if (!r && write && !writable)
				r = -EFAULT;
		}
	}
	mmap_read_unlock(mm);

	switch (r) {
	case 0:
		return (struct kvm_pfn){ .pfn = pfn, .writable = writable };
	case -EAGAIN:
		return pfn_error(KVM_PFN_RETRY);
	case -EHWPOISON:
		return pfn_error(KVM_PFN_ERR_HWPOISON);
	default:
		return pfn_error(KVM_PFN_ERR_FAULT);
	}
}

/**
 * kvm_pfn_lookup() - find (and fault in) the host frame for a guest frame
 * @slot: a slot, not dying
 * @gfn: guest frame in it
 * @write: the access writes
 *
 * Takes no lasting reference: the caller must have called notifier_seq_begin() before and must ask
 * notifier_retry() under mmu.lock before it uses the frame. A read is answered with a writable
 * frame where that costs nothing more.
 *
 * Context: a thread of kvm->mm; may sleep; mmap_lock not held.
 * Return: what was found; .pfn may be one of KVM_PFN_*.
 */
struct kvm_pfn kvm_pfn_lookup(const struct kvm_memslot *slot, gfn_t gfn, bool write)
{
	bool readonly = slot->flags & KVM_MEM_READONLY;
	hva_t hva = memslot_gfn_to_hva(slot, gfn);
	struct page *page, *better;
	struct kvm_pfn found;
	long n;

	if (write && readonly)
		return pfn_error(KVM_PFN_ERR_RO_FAULT);

	/* Mostly the VMM has touched it already, and may write. */
	if (!readonly && get_user_page_fast_only(hva, FOLL_WRITE, &page))
		return take_page(page, true);

	n = get_user_pages_unlocked(hva, 1, &page,
				    (write ? FOLL_WRITE : 0) | FOLL_HWPOISON | COMPAT_FOLL_VCPU);
	if (n == 1) {
		if (write)
			return take_page(page, true);
		/* A shared mapping may have become writable by the read already. */
		if (!readonly && get_user_page_fast_only(hva, FOLL_WRITE, &better)) {
			put_page(page);
			return take_page(better, true);
		}
		return take_page(page, false);
	}
	switch (n) {
	case -EHWPOISON:
		return pfn_error(KVM_PFN_ERR_HWPOISON);
	case -EINTR:
	case -ERESTARTSYS:
		return pfn_error(KVM_PFN_INTR);
	case -EAGAIN:
		return pfn_error(KVM_PFN_RETRY);
	case -ENOMEM:
		return pfn_error(KVM_PFN_ERR_NOMEM);
	default:
		found = lookup_pfnmap(hva, write);
		found.writable &= !readonly;
		return found;
	}
}
