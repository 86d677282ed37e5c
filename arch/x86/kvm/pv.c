// SPDX-License-Identifier: GPL-2.0-only
/* Paravirtual memory and calls but for clocks: steal time, halt-polling control, hypercalls. */

#include <linux/export.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <linux/sched/task.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>
#include <uapi/asm/kvm_para.h>
#include <uapi/linux/kvm_para.h>

#include "access.h"
#include "cpuid.h"
#include "dirty.h"
#include "exit.h"
#include "guest_time.h"
#include "trace.h"

/**
 * kvm_pv_features() - KVM_FEATURE_* bits (CPUID 0x40000001 EAX) that work here
 */
u32 kvm_pv_features(void)
{
	u32 features = BIT(KVM_FEATURE_CLOCKSOURCE) | BIT(KVM_FEATURE_CLOCKSOURCE2) |
		       BIT(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT) | BIT(KVM_FEATURE_NOP_IO_DELAY) |
		       BIT(KVM_FEATURE_PV_UNHALT) | BIT(KVM_FEATURE_PV_SCHED_YIELD) |
		       BIT(KVM_FEATURE_POLL_CONTROL) | BIT(KVM_FEATURE_PV_EOI) |
		       BIT(KVM_FEATURE_PV_SEND_IPI);

	if (sched_info_on())
		features |= BIT(KVM_FEATURE_STEAL_TIME) | BIT(KVM_FEATURE_PV_TLB_FLUSH);
	return features;
}

/* --- steal time ------------------------------------------------------------------------------ */

#define STEAL(field) offsetof(struct kvm_steal_time, field)

static bool steal_enabled(struct kvm_vcpu *vcpu)
{
	return vcpu->pv.steal.msr & KVM_MSR_ENABLED;
}

static int steal_msr_write(struct kvm_vcpu *vcpu, u64 value)
{
	if (!sched_info_on() || (value & KVM_STEAL_RESERVED_MASK))
		return -EINVAL;
	WRITE_ONCE(vcpu->pv.steal.hint_hva, 0);
	/*
	 * No memory there yet (a VMM that restores MSRs first): kvm_pv_steal_update() tries again.
	 */
	if ((value & KVM_MSR_ENABLED) &&
	    kvm_gpa_cache_init(vcpu->kvm, &vcpu->pv.steal.cache, value & KVM_STEAL_VALID_BITS,
			       sizeof(struct kvm_steal_time)))
		vcpu->pv.steal.cache.len = 0;
	if (!steal_enabled(vcpu))
		vcpu->pv.steal.started = false;
	vcpu->pv.steal.msr = value;
	if (steal_enabled(vcpu))
		kvm_make_request(KVM_REQ_STEAL_UPDATE, vcpu);
	return 0;
}

void kvm_pv_vcpu_load(struct kvm_vcpu *vcpu)
{
	if (steal_enabled(vcpu))
		kvm_make_request(KVM_REQ_STEAL_UPDATE, vcpu);
}

/*
 * The vCPU runs: take the mark of kvm_pv_preempted() away, and do the flush that another vCPU left
 * in it instead of an IPI (KVM_FEATURE_PV_TLB_FLUSH). Exchanged, since that other may be just
 * about to. The guest can only prolong its own wait here, and not beyond the bound.
 */
static void clear_preempted(struct kvm_vcpu *vcpu)
{
	gpa_t gpa = vcpu->pv.steal.cache.gpa + STEAL(preempted);
	const u8 none = 0;
	u8 old = KVM_VCPU_PREEMPTED;
	int r, tries;

	for (tries = 0; tries < 8; tries++) {
		r = kvm_guest_cmpxchg(vcpu->kvm, gpa, &old, &none, sizeof(old));
		if (r < 0)
			return;
		if (r)
			break;
	}
	if (!r)
		kvm_write_guest(vcpu->kvm, gpa, &none, sizeof(none));
	if (!r || (old & KVM_VCPU_FLUSH_TLB))
		vendor_call(tlb_flush, vcpu);
}

/**
 * kvm_pv_steal_update() - tell the guest how long this vCPU has waited for a CPU
 * (KVM_REQ_STEAL_UPDATE)
 * @vcpu: the vCPU, loaded, in its thread
 *
 * Context: kvm->srcu held, may sleep.
 */
void kvm_pv_steal_update(struct kvm_vcpu *vcpu)
{
	struct kvm_gpa_cache *cache = &vcpu->pv.steal.cache;
	struct kvm *kvm = vcpu->kvm;
	struct kvm_steal_time st;
	u64 delay;

	if (!steal_enabled(vcpu))
		return;
	/* Preemption may come at any point: the two belong together when the first is not 0. */
	WRITE_ONCE(vcpu->pv.steal.hint_hva, 0);
	barrier();
	if (!cache->len &&
	    kvm_gpa_cache_init(kvm, cache, vcpu->pv.steal.msr & KVM_STEAL_VALID_BITS, sizeof(st))) {
		cache->len = 0;
		return;
	}
	if (kvm_read_guest_cached(kvm, cache, 0, &st, sizeof(st)))
		return;
	if (st.preempted)
		clear_preempted(vcpu);
	vcpu->pv.steal.hint_generation = cache->generation;
	barrier();
	WRITE_ONCE(vcpu->pv.steal.hint_hva, cache->hva);

	delay = current->sched_info.run_delay;
	if (!vcpu->pv.steal.started) {
		vcpu->pv.steal.last = delay;
		vcpu->pv.steal.started = true;
	}
	if (delay == vcpu->pv.steal.last && st.version)
		return;
	/* Odd while it changes, as in kvmclock's page. */
	st.version = (st.version + 1) | 1;
	if (kvm_write_guest_cached(kvm, cache, STEAL(version), &st.version, sizeof(st.version)))
		return;
	smp_wmb();
	st.steal += delay - vcpu->pv.steal.last;
	vcpu->pv.steal.last = delay;
	kvm_write_guest_cached(kvm, cache, STEAL(steal), &st.steal, sizeof(st.steal));
	smp_wmb();
	st.version++;
	kvm_write_guest_cached(kvm, cache, STEAL(version), &st.version, sizeof(st.version));
}

/**
 * kvm_pv_preempted() - leave word for other vCPUs that this one does not run
 * @vcpu: the vCPU, leaving its CPU
 *
 * A hint: where the page is not at hand it is not given. Context: its thread; the scheduler's lock
 * may be held, so nothing here sleeps or faults a page in.
 */
void kvm_pv_preempted(struct kvm_vcpu *vcpu)
{
	hva_t hva = READ_ONCE(vcpu->pv.steal.hint_hva);
	struct kvm *kvm = vcpu->kvm;
	u8 mark = KVM_VCPU_PREEMPTED;
	int idx;

	if (!steal_enabled(vcpu) || !hva || current->mm != kvm->mm) {
		vcpu->stat.preemption_other++;
		return;
	}
	idx = srcu_read_lock(&kvm->srcu);
	/* The structure lies within a page, by its alignment, so that one address is enough. */
	if (kvm_memslots(kvm)->generation == vcpu->pv.steal.hint_generation &&
	    !copy_to_user_nofault((void __user *)(hva + STEAL(preempted)), &mark, sizeof(mark))) {
		dirty_mark_gfn(kvm, (vcpu->pv.steal.cache.gpa + STEAL(preempted)) >> PAGE_SHIFT);
		vcpu->stat.preemption_reported++;
		/* One mark per update: a second one would wipe out a flush asked for since. */
		WRITE_ONCE(vcpu->pv.steal.hint_hva, 0);
	} else {
		vcpu->stat.preemption_other++;
	}
	srcu_read_unlock(&kvm->srcu, idx);
}

/* --- MSRs ------------------------------------------------------------------------------------ */

/**
 * kvm_pv_msr_write() - WRMSR to MSR_KVM_STEAL_TIME, MSR_KVM_PV_EOI_EN, MSR_KVM_POLL_CONTROL
 * @vcpu: the vCPU, loaded
 * @index: the MSR
 * @value: new value
 * @host: by ioctl
 *
 * Context: srcu held, may sleep. Return: 0, -EINVAL (bad value, not announced), -ENOENT.
 */
int kvm_pv_msr_write(struct kvm_vcpu *vcpu, u32 index, u64 value, bool host)
{
	switch (index) {
	case MSR_KVM_STEAL_TIME:
		if (!host && !guest_pv_has(vcpu, KVM_FEATURE_STEAL_TIME))
			return -EINVAL;
		return steal_msr_write(vcpu, value);
	case MSR_KVM_PV_EOI_EN:
		if (!host && !guest_pv_has(vcpu, KVM_FEATURE_PV_EOI))
			return -EINVAL;
		return pv_eoi_msr_write(vcpu, value, host);
	case MSR_KVM_POLL_CONTROL:
		if (!host && !guest_pv_has(vcpu, KVM_FEATURE_POLL_CONTROL))
			return -EINVAL;
		if (value & ~1ULL)
			return -EINVAL;
		vcpu->pv.poll_control = value;
		return 0;
	}
	return -ENOENT;
}

/* RDMSR: what was written last. */
int kvm_pv_msr_read(struct kvm_vcpu *vcpu, u32 index, u64 *value, bool host)
{
	switch (index) {
	case MSR_KVM_STEAL_TIME:
		if (!host && !guest_pv_has(vcpu, KVM_FEATURE_STEAL_TIME))
			return -EINVAL;
		*value = vcpu->pv.steal.msr;
		return 0;
	case MSR_KVM_PV_EOI_EN:
		if (!host && !guest_pv_has(vcpu, KVM_FEATURE_PV_EOI))
			return -EINVAL;
		*value = vcpu->pv.eoi.msr;
		return 0;
	case MSR_KVM_POLL_CONTROL:
		if (!host && !guest_pv_has(vcpu, KVM_FEATURE_POLL_CONTROL))
			return -EINVAL;
		*value = vcpu->pv.poll_control;
		return 0;
	}
	return -ENOENT;
}

void kvm_pv_reset(struct kvm_vcpu *vcpu)
{
	vcpu->pv.steal.msr = 0;
	vcpu->pv.poll_control = 1;
	WRITE_ONCE(vcpu->pv.unhalted, false);
}

/* --- hypercalls ------------------------------------------------------------------------------ */

/* An argument, cut to the caller's width. */
static u64 hc_arg(struct kvm_vcpu *vcpu, enum kvm_reg reg)
{
	u64 val = vcpu->regs.val[reg];

	return kvm_is_64bit_code(vcpu) ? val : (u32)val;
}

/**
 * struct hypercall_row - one hypercall
 * @nr: KVM_HC_*
 * @feature: KVM_FEATURE_* that announces it, NO_FEATURE: none does
 * @fn: its result, 0 or -KVM_E*; HC_TO_USER: userspace will tell
 */
struct hypercall_row {
	u8 nr;
	u8 feature;
	long (*fn)(struct kvm_vcpu *vcpu);
};
#define NO_FEATURE 0xff
#define HC_TO_USER LONG_MIN

/* The exit was all that it asks for: interrupts are looked at before the next entry. */
static long hc_poll_irq(struct kvm_vcpu *vcpu)
{
	return 0;
}

/* A spinlock was released: its waiter, in HLT with interrupts off, goes on. */
static long hc_kick_cpu(struct kvm_vcpu *vcpu)
{
	u64 id = hc_arg(vcpu, KVM_REG_RCX);
	struct kvm_vcpu *target = NULL;

	if (id < KVM_MAX_VCPU_ID)
		target = kvm_get_vcpu_by_id(vcpu->kvm, id);
	if (target) {
		WRITE_ONCE(target->pv.unhalted, true);
		kvm_vcpu_kick(target);
	}
	return 0;
}

static long hc_clock_pairing(struct kvm_vcpu *vcpu)
{
	return kvm_clock_pairing(vcpu, hc_arg(vcpu, KVM_REG_RBX), hc_arg(vcpu, KVM_REG_RCX));
}

/* The caller waits for an IPI's receiver that does not run: give it this thread's turn. */
static long hc_sched_yield(struct kvm_vcpu *vcpu)
{
	u64 id = hc_arg(vcpu, KVM_REG_RBX);
	struct kvm_vcpu *target = NULL;
	struct task_struct *task = NULL;
	struct pid *pid;

	if (id < KVM_MAX_VCPU_ID)
		target = kvm_get_vcpu_by_id(vcpu->kvm, id);
	if (!target || target == vcpu || !READ_ONCE(target->ready))
		return 0;
	rcu_read_lock();
	pid = rcu_dereference(target->pid);
	if (pid)
		task = get_pid_task(pid, PIDTYPE_PID);
	rcu_read_unlock();
	if (task) {
		yield_to(task, true);
		put_task_struct(task);
	}
	return 0;
}

/* An IPI to as many as the bitmap has bits, without an exit for each. */
static long hc_send_ipi(struct kvm_vcpu *vcpu)
{
	unsigned long low = hc_arg(vcpu, KVM_REG_RBX), high = hc_arg(vcpu, KVM_REG_RCX);
	unsigned int half = kvm_is_64bit_code(vcpu) ? 64 : 32;

	return irqchip_send_ipis(vcpu, hc_arg(vcpu, KVM_REG_RDX), low, high, half,
				 hc_arg(vcpu, KVM_REG_RSI));
}

/* Userspace has answered; RIP is still on the call. */
static enum kvm_exit_action complete_hypercall(struct kvm_vcpu *vcpu)
{
	u64 ret = READ_ONCE(vcpu->run->hypercall.ret);

	vcpu->regs.val[KVM_REG_RAX] = kvm_is_64bit_code(vcpu) ? ret : (u32)ret;
	/* What hardware told of its length may be gone, or was never there. */
	return kvm_emulate(vcpu, EMUL_GLUE_SKIP);
}

/* The guest shares pages with the host, or takes them back: userspace's business, if wanted. */
static long hc_map_gpa_range(struct kvm_vcpu *vcpu)
{
	u64 gpa = hc_arg(vcpu, KVM_REG_RBX), npages = hc_arg(vcpu, KVM_REG_RCX);
	u64 gfn = gpa >> PAGE_SHIFT;
	struct kvm_run *run = vcpu->run;

	if (!(READ_ONCE(vcpu->kvm->caps.exit_hypercall) & BIT(KVM_HC_MAP_GPA_RANGE)))
		return -KVM_ENOSYS;
	if (!PAGE_ALIGNED(gpa) || !npages || gfn + npages <= gfn)
		return -KVM_EINVAL;
	run->exit_reason = KVM_EXIT_HYPERCALL;
	memset(&run->hypercall, 0, sizeof(run->hypercall));
	run->hypercall.nr = KVM_HC_MAP_GPA_RANGE;
	run->hypercall.args[0] = gpa;
	run->hypercall.args[1] = npages;
	run->hypercall.args[2] = hc_arg(vcpu, KVM_REG_RDX);
	if (kvm_is_64bit_code(vcpu))
		run->hypercall.flags = KVM_EXIT_HYPERCALL_LONG_MODE;
	vcpu->io.complete = complete_hypercall;
	return HC_TO_USER;
}

static const struct hypercall_row hypercalls[] = {
	{ KVM_HC_VAPIC_POLL_IRQ, NO_FEATURE, hc_poll_irq },
	{ KVM_HC_KICK_CPU, KVM_FEATURE_PV_UNHALT, hc_kick_cpu },
	{ KVM_HC_CLOCK_PAIRING, NO_FEATURE, hc_clock_pairing },
	{ KVM_HC_SEND_IPI, KVM_FEATURE_PV_SEND_IPI, hc_send_ipi },
	{ KVM_HC_SCHED_YIELD, KVM_FEATURE_PV_SCHED_YIELD, hc_sched_yield },
	{ KVM_HC_MAP_GPA_RANGE, KVM_FEATURE_HC_MAP_GPA_RANGE, hc_map_gpa_range },
};

static long do_hypercall(struct kvm_vcpu *vcpu, u64 nr)
{
	size_t i;

	/* User mode has its kernel to ask. */
	if (kvm_cpl(vcpu) != 0)
		return -KVM_EPERM;
	for (i = 0; i < ARRAY_SIZE(hypercalls); i++) {
		const struct hypercall_row *row = &hypercalls[i];

		if (row->nr != nr)
			continue;
		if (row->feature != NO_FEATURE && !guest_pv_has(vcpu, row->feature))
			break;
		return row->fn(vcpu);
	}
	return -KVM_ENOSYS;
}

/**
 * kvm_hypercall() - VMCALL, VMMCALL: number in RAX, arguments in RBX, RCX, RDX, RSI, result in RAX
 * @vcpu: the vCPU; RIP stays on the instruction
 *
 * Context: exit.h.
 * Return: KVM_RESUME: done, to be stepped over; KVM_TO_USER: userspace's to answer.
 */
enum kvm_exit_action kvm_hypercall(struct kvm_vcpu *vcpu)
{
	bool wide = kvm_is_64bit_code(vcpu);
	u64 nr = wide ? vcpu->regs.val[KVM_REG_RAX] : (u32)vcpu->regs.val[KVM_REG_RAX];
	long ret;

	vcpu->stat.hypercalls++;
	if (trace_kvm_hypercall_enabled())
		trace_kvm_hypercall(nr, hc_arg(vcpu, KVM_REG_RBX), hc_arg(vcpu, KVM_REG_RCX),
				    hc_arg(vcpu, KVM_REG_RDX), hc_arg(vcpu, KVM_REG_RSI));
	ret = do_hypercall(vcpu, nr);
	if (ret == HC_TO_USER)
		return KVM_TO_USER;
	vcpu->regs.val[KVM_REG_RAX] = wide ? ret : (u32)ret;
	return KVM_RESUME;
}

enum kvm_exit_action exit_hypercall(struct kvm_vcpu *vcpu)
{
	enum kvm_exit_action action = kvm_hypercall(vcpu);

	return action == KVM_RESUME ? exit_skip(vcpu) : action;
}
EXPORT_SYMBOL_NS_GPL(exit_hypercall, GUESTMODE);
