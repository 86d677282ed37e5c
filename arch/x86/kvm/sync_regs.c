// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CAP_SYNC_REGS: registers that go with KVM_RUN in the shared page, in place of ioctls. The
 * page is userspace's to write at any time: what is taken from it is copied first and checked in
 * the copy.
 */

#include "regs_ioctl.h"
#include "run.h"
#include "vcpu.h"

union sync_set {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_vcpu_events events;
};

/**
 * struct sync_row - one set of registers
 * @bit: KVM_SYNC_X86_*
 * @offset: its place in struct kvm_sync_regs, bytes
 * @size: bytes
 * @get: the ioctl's handler that fills it in
 * @set: and the one that takes it
 */
struct sync_row {
	u64 bit;
	u16 offset;
	u16 size;
	long (*get)(struct kvm_ioctl_call *call);
	long (*set)(struct kvm_ioctl_call *call);
};

#define ROW(name, member)                                                                          \
	.offset = offsetof(struct kvm_sync_regs, member),                                          \
	.size = sizeof_field(struct kvm_sync_regs, member), .get = ioctl_get_##name,               \
	.set = ioctl_set_##name

static const struct sync_row rows[] = {
	{ KVM_SYNC_X86_REGS, ROW(regs, regs) },
	{ KVM_SYNC_X86_SREGS, ROW(sregs, sregs) },
	{ KVM_SYNC_X86_EVENTS, ROW(events, events) },
};

/**
 * kvm_sync_regs_load() - take what userspace marked in kvm_run.kvm_dirty_regs
 * @vcpu: the vCPU, loaded
 *
 * Context: kvm->srcu held, may sleep.
 * Return: 0, -EINVAL (a set that doesn't exist, a value that the ioctl would refuse: the sets
 * before it are taken).
 */
long kvm_sync_regs_load(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 dirty = READ_ONCE(run->kvm_dirty_regs);
	union sync_set set;
	struct kvm_ioctl_call call = { .kvm = vcpu->kvm, .vcpu = vcpu, .arg = &set };
	size_t i;
	long r;

	if ((dirty | READ_ONCE(run->kvm_valid_regs)) & ~(u64)KVM_SYNC_X86_VALID_FIELDS)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!(dirty & rows[i].bit))
			continue;
		memcpy(&set, (u8 *)&run->s.regs + rows[i].offset, rows[i].size);
		/* The copy is what gets checked and used: no second look at the page. */
		barrier();
		r = rows[i].set(&call);
		if (r)
			return r;
		dirty &= ~rows[i].bit;
		WRITE_ONCE(run->kvm_dirty_regs, dirty);
	}
	return 0;
}

/**
 * kvm_sync_regs_store() - fill in what userspace asked for in kvm_run.kvm_valid_regs
 * @vcpu: the vCPU, loaded
 *
 * Context: kvm->srcu held, may sleep.
 */
void kvm_sync_regs_store(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 valid = READ_ONCE(run->kvm_valid_regs);
	union sync_set set;
	struct kvm_ioctl_call call = { .kvm = vcpu->kvm, .vcpu = vcpu, .arg = &set };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!(valid & rows[i].bit))
			continue;
		memset(&set, 0, sizeof(set));
		rows[i].get(&call);
		memcpy((u8 *)&run->s.regs + rows[i].offset, &set, rows[i].size);
	}
}
