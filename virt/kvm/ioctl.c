// SPDX-License-Identifier: GPL-2.0-only
/* The dispatcher behind all ioctls: argument copies and locks, as the row says. */

#include <linux/compat.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vcpu.h"
#include "ioctl.h"

/* Arguments up to this many bytes live on the stack. */
#define SMALL_ARG 256

static const struct kvm_ioctl_row *find_in(const struct kvm_ioctl_row *row, unsigned int cmd)
{
	for (; row->cmd; row++)
		if (row->cmd == cmd)
			return row;
	return NULL;
}

static const struct kvm_ioctl_row *find_row(const struct kvm_ioctl_row *generic,
					    const struct kvm_ioctl_row *const *arch,
					    unsigned int cmd)
{
	const struct kvm_ioctl_row *row = find_in(generic, cmd);

	for (; !row && *arch; arch++)
		row = find_in(*arch, cmd);
	return row;
}

static size_t header_size(const struct kvm_ioctl_row *row)
{
	return row->size ?: _IOC_SIZE(row->cmd);
}

static bool copies_in(const struct kvm_ioctl_row *row)
{
	if (row->flags & (IOC_ARG_IN | IOC_ARG_OUT))
		return row->flags & IOC_ARG_IN;
	return _IOC_DIR(row->cmd) & _IOC_WRITE;
}

static bool copies_out(const struct kvm_ioctl_row *row)
{
	if (row->flags & (IOC_ARG_IN | IOC_ARG_OUT))
		return row->flags & IOC_ARG_OUT;
	return _IOC_DIR(row->cmd) & _IOC_READ;
}

/*
 * Fetch header and elements. The count that sized the buffer is the one that the handler sees:
 * nothing is fetched twice (CVE-2021-29657's class).
 */
static void *array_in(const struct kvm_ioctl_row *row, struct kvm_ioctl_call *call)
{
	size_t head = header_size(row), size;
	u8 *buf, small[64];
	u32 count;

	if (WARN_ON_ONCE(head > sizeof(small)))
		return ERR_PTR(-EINVAL);
	if (copy_from_user(small, call->uptr, head))
		return ERR_PTR(-EFAULT);
	memcpy(&count, small + row->count_offset, sizeof(count));
	if (count > row->max_count) {
		if (!(row->flags & IOC_CLAMP))
			return ERR_PTR(row->flags & IOC_COUNT_EINVAL ? -EINVAL : -E2BIG);
		count = row->max_count;
		memcpy(small + row->count_offset, &count, sizeof(count));
	}
	size = head + array_size(count, row->elem_size);
	buf = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	if (!buf)
		return ERR_PTR(-ENOMEM);
	memcpy(buf, small, head);
	if (!(row->flags & IOC_HEADER_IN) &&
	    copy_from_user(buf + head, call->uptr + head, size - head)) {
		kvfree(buf);
		return ERR_PTR(-EFAULT);
	}
	call->count = count;
	return buf;
}

static long array_out(const struct kvm_ioctl_row *row, struct kvm_ioctl_call *call, bool elements)
{
	size_t head = header_size(row), size = head;
	u32 count;

	/* A handler may have reported more than there was room for (E2BIG protocols). */
	memcpy(&count, call->arg + row->count_offset, sizeof(count));
	if (elements)
		size += array_size(min(count, call->count), row->elem_size);
	return copy_to_user(call->uptr, call->arg, size) ? -EFAULT : 0;
}

static long call_locked(const struct kvm_ioctl_row *row, struct kvm_ioctl_call *call)
{
	long r;
	int idx;

	if (row->flags & IOC_VM_LOCK)
		mutex_lock(&call->kvm->lock);
	if (row->flags & IOC_SLOTS_LOCK)
		mutex_lock(&call->kvm->slots_lock);
	if (row->flags & IOC_SRCU) {
		idx = srcu_read_lock(&call->kvm->srcu);
		r = row->handler(call);
		srcu_read_unlock(&call->kvm->srcu, idx);
	} else {
		r = row->handler(call);
	}
	if (row->flags & IOC_SLOTS_LOCK)
		mutex_unlock(&call->kvm->slots_lock);
	if (row->flags & IOC_VM_LOCK)
		mutex_unlock(&call->kvm->lock);
	return r;
}

static long call_handler(const struct kvm_ioctl_row *row, struct kvm_ioctl_call *call)
{
	struct kvm_vcpu *vcpu = call->vcpu;
	long r;

	if (!vcpu || (row->flags & IOC_NO_VCPU_MUTEX))
		return call_locked(row, call);
	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	if (row->flags & IOC_VCPU_LOADED)
		kvm_vcpu_load(vcpu);
	r = call_locked(row, call);
	if (row->flags & IOC_VCPU_LOADED)
		kvm_vcpu_put(vcpu);
	mutex_unlock(&vcpu->mutex);
	return r;
}

static long array_call(const struct kvm_ioctl_row *row, struct kvm_ioctl_call *call)
{
	long r, err;

	call->arg = array_in(row, call);
	if (IS_ERR(call->arg))
		return PTR_ERR(call->arg);
	r = call_handler(row, call);
	if (copies_out(row) && (r >= 0 || (row->flags & IOC_OUT_ALWAYS))) {
		err = array_out(row, call, r >= 0);
		if (err)
			r = err;
	}
	kvfree(call->arg);
	return r;
}

static long fixed_call(const struct kvm_ioctl_row *row, struct kvm_ioctl_call *call)
{
	u8 small[SMALL_ARG] __aligned(8);
	size_t size = header_size(row);
	long r;

	call->arg = size > sizeof(small) ? kvmalloc(size, GFP_KERNEL_ACCOUNT) : small;
	if (!call->arg)
		return -ENOMEM;
	if (!copies_in(row))
		memset(call->arg, 0, size);
	else if (copy_from_user(call->arg, call->uptr, size)) {
		r = -EFAULT;
		goto out;
	}
	r = call_handler(row, call);
	if (copies_out(row) && (r >= 0 || (row->flags & IOC_OUT_ALWAYS)) &&
	    copy_to_user(call->uptr, call->arg, size))
		r = -EFAULT;
out:
	if (call->arg != small)
		kvfree(call->arg);
	return r;
}

/**
 * kvm_ioctl_dispatch() - carry out one ioctl
 * @generic: virt/kvm's rows for this kind of file
 * @arch: the architecture's tables, NULL-terminated
 * @call: with kvm, vcpu, file and compat filled in
 * @cmd: the ioctl's number
 * @value: its argument
 *
 * Context: process context, no lock held, may sleep.
 * Return: the handler's result; @call->unknown where there is no row, -EFAULT, -E2BIG, -ENOMEM,
 * -EINTR.
 */
long kvm_ioctl_dispatch(const struct kvm_ioctl_row *generic,
			const struct kvm_ioctl_row *const *arch, struct kvm_ioctl_call *call,
			unsigned int cmd, unsigned long value)
{
	const struct kvm_ioctl_row *row = find_row(generic, arch, cmd);

	if (!row)
		return call->unknown;
	call->value = value;
	call->uptr = call->compat ? compat_ptr(value) : (void __user *)value;
	if ((row->flags & IOC_ARG_VALUE) || !header_size(row))
		return call_handler(row, call);
	if (row->flags & IOC_ARRAY)
		return array_call(row, call);
	return fixed_call(row, call);
}
