// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_X86_SET_MSR_FILTER: which MSRs the guest may touch, as userspace has it. What it denies is
 * #GP to the guest, or a question to userspace (KVM_CAP_X86_USER_SPACE_MSR).
 */

#include <linux/bitmap.h>
#include <linux/compat.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>
#include <asm/apicdef.h>

#include "msr_filter.h"

struct filter_range {
	u32 flags; /* KVM_MSR_FILTER_READ, _WRITE */
	u32 base;
	u32 nr;
	unsigned long *allowed;
};

/* Immutable: replaced as a whole under kvm->srcu. */
struct kvm_msr_filter_set {
	bool default_allow;
	u8 nr;
	struct filter_range ranges[KVM_MSR_FILTER_MAX_RANGES];
};

/* --- asking ---------------------------------------------------------------------------------- */

static bool allowed_by(const struct kvm_msr_filter_set *set, u32 index, u32 type)
{
	u8 i;

	for (i = 0; i < set->nr; i++) {
		const struct filter_range *range = &set->ranges[i];
		u32 bit = index - range->base;

		/* The guest chooses it. */
		if (bit < range->nr && (range->flags & type))
			return test_bit(array_index_nospec(bit, range->nr), range->allowed);
	}
	return set->default_allow;
}

/* Part of kvm_msr_allowed(): there is a filter. */
bool kvm_msr_filtered(struct kvm *kvm, u32 index, u32 type)
{
	const struct kvm_msr_filter_set *set;
	bool allowed = true;
	int idx;

	/* The x2APIC's are exempt (the ABI has it so): they are the interrupt controller's. */
	if (index - APIC_BASE_MSR < 0x100)
		return true;
	idx = srcu_read_lock(&kvm->srcu);
	set = srcu_dereference(kvm->msr_filter, &kvm->srcu);
	if (set)
		allowed = allowed_by(set, index, type);
	srcu_read_unlock(&kvm->srcu, idx);
	return allowed;
}
EXPORT_SYMBOL_NS_GPL(kvm_msr_filtered, GUESTMODE);

/* --- setting --------------------------------------------------------------------------------- */

static void free_set(struct kvm_msr_filter_set *set)
{
	u8 i;

	if (!set)
		return;
	for (i = 0; i < set->nr; i++)
		kfree(set->ranges[i].allowed);
	kfree(set);
}

/* One range of userspace's; one without bits is none. */
static int take_range(struct kvm_msr_filter_set *set, const struct kvm_msr_filter_range *user)
{
	struct filter_range *range = &set->ranges[set->nr];
	size_t size = BITS_TO_LONGS((u64)user->nmsrs) * sizeof(long);

	if (!user->nmsrs)
		return 0;
	if ((user->flags & ~KVM_MSR_FILTER_RANGE_VALID_MASK) || !user->flags ||
	    size > KVM_MSR_FILTER_MAX_BITMAP_SIZE)
		return -EINVAL;
	range->allowed = memdup_user((const void __user *)user->bitmap, size);
	if (IS_ERR(range->allowed))
		return PTR_ERR(range->allowed);
	range->flags = user->flags;
	range->base = user->base;
	range->nr = user->nmsrs;
	set->nr++;
	return 0;
}

/* kvm->lock held. Whoever enters the guest once this has returned goes by the new filter. */
static void replace(struct kvm *kvm, struct kvm_msr_filter_set *new)
{
	struct kvm_msr_filter_set *old;

	old = rcu_replace_pointer(kvm->msr_filter, new, lockdep_is_held(&kvm->lock));
	synchronize_srcu(&kvm->srcu);
	free_set(old);
	/* The vendor's permission map follows from it. */
	kvm_make_all_request(kvm, KVM_REQ_INTERCEPTS);
}

static long set_filter(struct kvm *kvm, const struct kvm_msr_filter *user)
{
	bool default_allow = !(user->flags & KVM_MSR_FILTER_DEFAULT_DENY);
	struct kvm_msr_filter_set *set;
	int i, r = 0;

	if (user->flags & ~KVM_MSR_FILTER_VALID_MASK)
		return -EINVAL;
	set = kzalloc(sizeof(*set), GFP_KERNEL_ACCOUNT);
	if (!set)
		return -ENOMEM;
	set->default_allow = default_allow;
	for (i = 0; i < KVM_MSR_FILTER_MAX_RANGES && !r; i++)
		r = take_range(set, &user->ranges[i]);
	/* Without ranges there is no filter, so nothing that could deny. */
	if (!r && !set->nr && !default_allow)
		r = -EINVAL;
	if (r) {
		free_set(set);
		return r;
	}
	if (!set->nr) {
		kfree(set);
		set = NULL;
	}
	mutex_lock(&kvm->lock);
	replace(kvm, set);
	mutex_unlock(&kvm->lock);
	return 0;
}

static long ioctl_set_filter(struct kvm_ioctl_call *call)
{
	return set_filter(call->kvm, call->arg);
}

#ifdef CONFIG_COMPAT
struct compat_filter_range {
	u32 flags;
	u32 nmsrs;
	u32 base;
	compat_uptr_t bitmap;
};

struct compat_filter {
	u32 flags;
	struct compat_filter_range ranges[KVM_MSR_FILTER_MAX_RANGES];
};

#define KVM_X86_SET_MSR_FILTER_COMPAT _IOW(KVMIO, 0xc6, struct compat_filter)

static long ioctl_set_compat_filter(struct kvm_ioctl_call *call)
{
	const struct compat_filter *user = call->arg;
	struct kvm_msr_filter *filter;
	long r;
	int i;

	if (!call->compat)
		return call->unknown;
	filter = kzalloc(sizeof(*filter), GFP_KERNEL_ACCOUNT);
	if (!filter)
		return -ENOMEM;
	filter->flags = user->flags;
	for (i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++) {
		filter->ranges[i].flags = user->ranges[i].flags;
		filter->ranges[i].nmsrs = user->ranges[i].nmsrs;
		filter->ranges[i].base = user->ranges[i].base;
		filter->ranges[i].bitmap =
			(__force u8 *)compat_ptr(user->ranges[i].bitmap);
	}
	r = set_filter(call->kvm, filter);
	kfree(filter);
	return r;
}
#endif

const struct kvm_ioctl_row kvm_msr_filter_vm_ioctls[] = {
	{ KVM_X86_SET_MSR_FILTER, ioctl_set_filter },
#ifdef CONFIG_COMPAT
	{ KVM_X86_SET_MSR_FILTER_COMPAT, ioctl_set_compat_filter },
#endif
	{}
};

/**
 * kvm_msr_filter_destroy() - the VM goes: so does its filter
 * @kvm: the VM; no vCPU is left
 */
void kvm_msr_filter_destroy(struct kvm *kvm)
{
	free_set(rcu_dereference_protected(kvm->msr_filter, true));
}
