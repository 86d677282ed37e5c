// SPDX-License-Identifier: GPL-2.0-only
/* The rows that describe stat.h's counters, and the time that exits take. */

#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>

#include "arch.h"
#include "trace.h"

#define ROW(kind, type, field, label) \
	{ \
		KVM_STAT_##kind, .size = sizeof_field(struct type, field) / sizeof(u64), \
		.offset = offsetof(struct type, field), .name = label \
	},

static const struct kvm_stat_row vm_rows[] = {
#define X(kind, field, dimension) ROW(kind, kvm_vm_stat, field, #field)
	KVM_VM_STATS_GENERIC(X)
	KVM_VM_STATS_X86(X)
#undef X
};

static const struct kvm_stat_row vcpu_rows[] = {
#define X(kind, field, dimension) ROW(kind, kvm_vcpu_stat, field, #field)
	KVM_VCPU_STATS_GENERIC(X)
	KVM_VCPU_STATS_X86(X)
#undef X
#define X(class, label) \
	ROW(COUNT, kvm_vcpu_stat, exit_reason[KVM_EXIT_CLASS_##class], \
	    "exit_reason_" #label)
	KVM_EXIT_CLASSES(X)
#undef X
#define X(class, label) \
	ROW(NS, kvm_vcpu_stat, exit_time[KVM_EXIT_CLASS_##class], "exit_time_" #label)
	KVM_EXIT_CLASSES(X)
#undef X
};

const struct kvm_stat_table kvm_vm_stat_table = {
	.rows = vm_rows,
	.nr = ARRAY_SIZE(vm_rows),
	.size = sizeof(struct kvm_vm_stat),
};

const struct kvm_stat_table kvm_vcpu_stat_table = {
	.rows = vcpu_rows,
	.nr = ARRAY_SIZE(vcpu_rows),
	.size = sizeof(struct kvm_vcpu_stat),
};

/* vCPUs map, each in its own counters; who unmaps has mmu.lock for write. */
static u64 pages_mapped(struct kvm *kvm, u8 level)
{
	u64 mapped = 0, zapped = READ_ONCE(kvm->mmu.zapped[level]);
	struct kvm_vcpu *vcpu;
	unsigned long idx;

	kvm_for_each_vcpu(idx, vcpu, kvm) mapped += READ_ONCE(vcpu->mmu.mapped[level]);
	return mapped > zapped ? mapped - zapped : 0;
}

/**
 * kvm_arch_vm_stat() - a VM's counters as they are now
 * @kvm: the VM
 * @stat: out
 *
 * Context: any thread; no lock.
 */
void kvm_arch_vm_stat(struct kvm *kvm, struct kvm_vm_stat *stat)
{
	*stat = (struct kvm_vm_stat){
		.remote_tlb_flush = READ_ONCE(kvm->stat.remote_tlb_flush),
		.remote_tlb_flush_requests = READ_ONCE(kvm->stat.remote_tlb_flush_requests),
		.mmu_shadow_zapped = READ_ONCE(kvm->stat.mmu_shadow_zapped),
		.pages_4k = pages_mapped(kvm, 1),
		.pages_2m = pages_mapped(kvm, 2),
		.pages_1g = pages_mapped(kvm, 3),
	};
}

/* --- times ----------------------------------------------------------------------------------- */

/*
 * From an exit to the next entry, as perf kvm stat has it: handlers, userspace and waiting in
 * HLT alike. Probes of kvm_exit and kvm_entry: nobody pays for what is switched off.
 */
static bool exit_times;
static bool times_ready; /* module init is done */
static bool times_on; /* the probes are in place */
static u32 times_round; /* grows with each switching on: older stamps don't count */
static DEFINE_MUTEX(times_lock);

static void time_exit(void *data, struct kvm_vcpu *vcpu, u32 isa)
{
	vcpu->exit.round = times_round;
	vcpu->exit.ns = ktime_get_mono_fast_ns();
}

static void time_entry(void *data, struct kvm_vcpu *vcpu, bool immediate_exit)
{
	enum kvm_exit_class class;

	if (!vcpu->exit.ns || vcpu->exit.round != times_round)
		return;
	class = vendor_call(exit_class, vcpu->exit.reason);
	vcpu->stat.exit_time[class] += ktime_get_mono_fast_ns() - vcpu->exit.ns;
	vcpu->exit.ns = 0;
}

static int times_start(void)
{
	int r;

	times_round++;
	r = register_trace_kvm_exit(time_exit, NULL);
	if (r)
		return r;
	r = register_trace_kvm_entry(time_entry, NULL);
	if (r)
		unregister_trace_kvm_exit(time_exit, NULL);
	return r;
}

static void times_stop(void)
{
	unregister_trace_kvm_entry(time_entry, NULL);
	unregister_trace_kvm_exit(time_exit, NULL);
	/* Nobody is inside a probe any more. */
	tracepoint_synchronize_unregister();
}

/* times_lock held. */
static int times_apply(bool want)
{
	int r = 0;

	if (times_on == want)
		return 0;
	if (want)
		r = times_start();
	else
		times_stop();
	if (!r)
		times_on = want;
	return r;
}

static int set_exit_times(const char *val, const struct kernel_param *kp)
{
	bool want, old;
	int r;

	r = kstrtobool(val, &want);
	if (r)
		return r;
	mutex_lock(&times_lock);
	old = exit_times;
	exit_times = want;
	if (times_ready)
		r = times_apply(want);
	if (r)
		exit_times = old;
	mutex_unlock(&times_lock);
	return r;
}

static const struct kernel_param_ops exit_times_ops = {
	.set = set_exit_times,
	.get = param_get_bool,
};
module_param_cb(exit_times, &exit_times_ops, &exit_times, 0644);
__MODULE_PARM_TYPE(exit_times, "bool");
MODULE_PARM_DESC(exit_times, "time the handling of each class of exits (statistics exit_time_*)");

/**
 * kvm_exit_times_init() - the parameter takes effect from now on
 *
 * Context: module init. Return: 0, -ENOMEM.
 */
int kvm_exit_times_init(void)
{
	int r;

	mutex_lock(&times_lock);
	r = times_apply(exit_times);
	times_ready = !r;
	mutex_unlock(&times_lock);
	return r;
}

void kvm_exit_times_exit(void)
{
	mutex_lock(&times_lock);
	times_ready = false;
	times_apply(false);
	mutex_unlock(&times_lock);
}
