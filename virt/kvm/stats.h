/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Statistics: rows that describe counters, and the two ways to read them, KVM_GET_STATS_FD and
 * debugfs (stats.c).
 *
 * Counters are plain u64, written by one thread at a time: a vCPU's by its own, a VM's under
 * the lock that the writer holds anyway. Readers read each word once, and take no lock.
 */
#ifndef GUESTMODE_STATS_H
#define GUESTMODE_STATS_H

#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/types.h>

struct dentry;
struct kvm;
struct kvm_vcpu;
struct kvm_stat_file;

#define KVM_STAT_NAME 48 /* bytes of a name, nil included */
#define KVM_STAT_BUCKETS 32 /* of a histogram: 0, then [2^(n-1), 2^n) ns, the last without end */

/* Kinds of rows: what of struct kvm_stat_row they fill in. */
#define KVM_STAT_COUNT .flags = KVM_STATS_TYPE_CUMULATIVE
#define KVM_STAT_NOW .flags = KVM_STATS_TYPE_INSTANT
#define KVM_STAT_FLAG .flags = KVM_STATS_TYPE_INSTANT | KVM_STATS_UNIT_BOOLEAN
#define KVM_STAT_NS .flags = KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_SECONDS, .exponent = -9
#define KVM_STAT_NS_HIST .flags = KVM_STATS_TYPE_LOG_HIST | KVM_STATS_UNIT_SECONDS, .exponent = -9

/* X(kind, field, dimension), KVM_STAT_ before kind: what virt/kvm counts of a vCPU. */
#define KVM_VCPU_STATS_GENERIC(X) \
	X(COUNT, halt_successful_poll, ) \
	X(COUNT, halt_attempted_poll, ) \
	X(COUNT, halt_poll_invalid, ) /* ended by a signal, not by an event */ \
	X(COUNT, halt_wakeup, ) /* slept, and was woken by an event */ \
	X(NS, halt_poll_success_ns, ) \
	X(NS, halt_poll_fail_ns, ) \
	X(NS, halt_wait_ns, ) \
	X(NS_HIST, halt_poll_success_hist, [KVM_STAT_BUCKETS]) \
	X(NS_HIST, halt_poll_fail_hist, [KVM_STAT_BUCKETS]) \
	X(NS_HIST, halt_wait_hist, [KVM_STAT_BUCKETS]) \
	X(FLAG, blocking, ) /* asleep in HLT now */

/* X(kind, field, dimension): what virt/kvm counts of a VM. */
#define KVM_VM_STATS_GENERIC(X) \
	X(COUNT, remote_tlb_flush, ) /* of all vCPUs at once */ \
	X(COUNT, remote_tlb_flush_requests, )

/**
 * struct kvm_stat_row - one statistic; the layout is struct kvm_stats_desc's with its name
 * @flags: KVM_STATS_*
 * @exponent: power of ten of the unit
 * @size: words
 * @offset: bytes, in struct kvm_vm_stat or struct kvm_vcpu_stat
 * @bucket_size: of a linear histogram
 * @name: name
 */
struct kvm_stat_row {
	u32 flags;
	s16 exponent;
	u16 size;
	u32 offset;
	u32 bucket_size;
	char name[KVM_STAT_NAME];
};

/* Rows that describe all of a structure of counters, densely. */
struct kvm_stat_table {
	const struct kvm_stat_row *rows;
	u32 nr;
	u32 size; /* bytes of the structure */
};

/* The architecture's, its own rows and the generic ones. */
extern const struct kvm_stat_table kvm_vm_stat_table;
extern const struct kvm_stat_table kvm_vcpu_stat_table;

/* A VM's place in debugfs and among the VMs that global totals are made of. */
struct kvm_vm_stats_dir {
	struct list_head node; /* [stats_lock] */
	struct dentry *dir; /* [i] NULL or an error: there is none */
	struct kvm_stat_file *files; /* [i] what its files point to */
	pid_t tgid; /* [i] of the process that made the VM */
};

/* Count a stretch of time in a histogram. */
static inline void kvm_stat_hist(u64 *hist, u64 ns)
{
	hist[min_t(unsigned int, fls64(ns), KVM_STAT_BUCKETS - 1)]++;
}

long kvm_vm_stats_fd(struct kvm *kvm); /* KVM_GET_STATS_FD */
long kvm_vcpu_stats_fd(struct kvm_vcpu *vcpu);

void kvm_stats_vm_add(struct kvm *kvm, int fd);
void kvm_stats_vm_remove(struct kvm *kvm);
void kvm_stats_vcpu_add(struct kvm_vcpu *vcpu);
void kvm_stats_start(struct module *owner);
void kvm_stats_stop(void);

#endif
