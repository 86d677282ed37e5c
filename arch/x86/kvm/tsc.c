// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's TSC: the host's, scaled where hardware can, plus an offset. What userspace writes to
 * several vCPUs one after the other is recognised as one intention and leads to one offset: only
 * then can the guest use its TSC, and kvmclock a common base, across vCPUs.
 */

#include <linux/export.h>
#include <linux/moduleparam.h>
#include <asm/tsc.h>

#include "arch.h"
#include "clock_scale.h"
#include "guest_time.h"
#include "trace.h"
#include "vendor.h"

/* A frequency that is so near needs no scaling: no calibration is better. */
static uint tsc_tolerance_ppm = 250;
module_param(tsc_tolerance_ppm, uint, 0644);
MODULE_PARM_DESC(tsc_tolerance_ppm,
		 "difference of TSC frequencies that is not worth scaling, parts per million");

static u64 scale(u64 host_tsc, u64 ratio)
{
	if (likely(ratio == kvm_caps->tsc_ratio_default))
		return host_tsc;
	return mul_u64_u64_shr(host_tsc, ratio, kvm_caps->tsc_frac_bits);
}

/**
 * kvm_tsc_read() - the guest's TSC at an instant
 * @vcpu: the vCPU
 * @host_tsc: the host's then
 *
 * Context: any that may read vcpu->tsc. Return: ticks.
 */
u64 kvm_tsc_read(struct kvm_vcpu *vcpu, u64 host_tsc)
{
	return scale(host_tsc, vcpu->tsc.ratio) + vcpu->tsc.offset;
}
EXPORT_SYMBOL_NS_GPL(kvm_tsc_read, GUESTMODE);

/**
 * kvm_tsc_to_host_ns() - how long the guest's TSC takes for a number of ticks
 * @vcpu: the vCPU
 * @guest_delta: ticks of the guest's TSC
 *
 * Return: ns, at most SCALE_NS_MAX (292 years).
 */
u64 kvm_tsc_to_host_ns(struct kvm_vcpu *vcpu, u64 guest_delta)
{
	return clock_ticks_to_ns(guest_delta, vcpu->tsc.mul, vcpu->tsc.shift);
}

/* --- a host that slept ----------------------------------------------------------------------- */

/*
 * In suspend to memory the host's TSC may begin anew; when the CPUs are back they have it in step
 * again. The guest's goes on from where it was, on all vCPUs by the same number of ticks: those
 * that were in step are so still. Written with one CPU on and all tasks frozen.
 */
static struct kvm_tsc_sleeps sleeps;
static u64 tsc_when_asleep;

/**
 * kvm_arch_host_sleeps() - the host is suspended
 *
 * Context: one CPU on, irqs off, all tasks frozen; so for kvm_arch_host_wakes().
 */
void kvm_arch_host_sleeps(void)
{
	tsc_when_asleep = rdtsc();
}

void kvm_arch_host_wakes(void)
{
	u64 now = rdtsc();

	sleeps.count++;
	if (now < tsc_when_asleep)
		sleeps.lost += tsc_when_asleep - now;
}

/**
 * kvm_tsc_sleeps() - what sleeps have done to the host's TSC
 *
 * Context: any that can't be frozen half-way.
 */
struct kvm_tsc_sleeps kvm_tsc_sleeps(void)
{
	return sleeps;
}

/*
 * What an offset with this ratio lacks since @seen. Not what the difference would be, scaled: it
 * rounds the same for whoever has missed any number of sleeps.
 */
static u64 make_up(struct kvm_tsc_sleeps *seen, u64 ratio)
{
	u64 more = scale(sleeps.lost, ratio) - scale(seen->lost, ratio);

	*seen = sleeps;
	return more;
}

/*
 * Before anybody looks at the last write: the time that it is compared with counts on while the
 * host sleeps, the TSC doesn't. tsc_lock held.
 */
static void make_up_last_write(struct kvm_clock_vm *c)
{
	if (likely(c->tsc_sleeps.count == sleeps.count))
		return;
	c->tsc_last_offset += make_up(&c->tsc_sleeps, c->tsc_last_ratio);
	if (!c->tsc_last_ns)
		return;
	c->tsc_last_write = scale(rdtsc(), c->tsc_last_ratio) + c->tsc_last_offset;
	c->tsc_last_ns = kvm_base_ns();
}

/* The vCPU is loaded for the first time since. */
static void go_on_after_sleep(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_tsc *t = &vcpu->tsc;
	u64 before = t->offset;

	t->offset += make_up(&t->sleeps, t->ratio);
	trace_kvm_write_tsc_offset(vcpu->vcpu_id, before, t->offset);
	/* What it may have to catch up with is not the sleep. */
	t->base_tsc = kvm_tsc_read(vcpu, rdtsc());
	t->base_ns = kvm_base_ns();
	vendor_call(set_tsc, vcpu);
	kvm_make_request(KVM_REQ_MASTERCLOCK, vcpu);
	kvm_make_request(KVM_REQ_CLOCK_UPDATE, vcpu);
}

/* --- offsets --------------------------------------------------------------------------------- */

/* Hardware, clock page and deadline timer follow. vCPU loaded. */
static void set_offset(struct kvm_vcpu *vcpu, u64 offset)
{
	trace_kvm_write_tsc_offset(vcpu->vcpu_id, vcpu->tsc.offset, offset);
	vcpu->tsc.offset = offset;
	vendor_call(set_tsc, vcpu);
	kvm_make_request(KVM_REQ_CLOCK_UPDATE, vcpu);
	if (vcpu->lapic)
		lapic_tsc_changed(vcpu);
}

/* A write by userspace is the newest point that the next one may continue from. tsc_lock held. */
static void join_generation(struct kvm_vcpu *vcpu, bool matched, u64 value, u64 offset, u64 ns)
{
	struct kvm_clock_vm *c = &vcpu->kvm->clock;

	if (!matched) {
		c->tsc_generation++;
		c->tsc_last_offset = offset;
		c->tsc_last_ratio = vcpu->tsc.ratio;
	}
	c->tsc_last_ns = ns;
	c->tsc_last_write = value;
	vcpu->tsc.generation = c->tsc_generation;
	vcpu->tsc.base_ns = ns;
	vcpu->tsc.base_tsc = value;
}

/*
 * What userspace writes, or @user false: the vCPU's creation and the driver, with the rule of
 * clock_sync_match(). The first value that userspace writes is taken as it is: what the vCPUs'
 * creation began is not what it wants to be in step with.
 */
static void write_synchronised(struct kvm_vcpu *vcpu, u64 value, bool user)
{
	struct kvm_clock_vm *c = &vcpu->kvm->clock;
	u64 host_tsc, ns, elapsed, offset;
	unsigned long flags;
	bool matched;

	raw_spin_lock_irqsave(&c->tsc_lock, flags);
	make_up_last_write(c);
	host_tsc = rdtsc();
	ns = kvm_base_ns();
	elapsed = ns - c->tsc_last_ns;
	matched = c->tsc_last_ns && c->tsc_last_ratio == vcpu->tsc.ratio &&
		  (!value || !user || c->tsc_user_wrote) &&
		  clock_sync_match(value, c->tsc_last_write, elapsed, vcpu->tsc.khz);
	if (matched && !check_tsc_unstable()) {
		offset = c->tsc_last_offset;
		value = scale(host_tsc, vcpu->tsc.ratio) + offset;
	} else {
		/* Host TSCs that differ: equal offsets mean nothing, equal time does. */
		if (matched)
			value = c->tsc_last_write + clock_ns_to_ticks(elapsed, vcpu->tsc.khz);
		offset = value - scale(host_tsc, vcpu->tsc.ratio);
	}
	c->tsc_user_wrote |= user;
	join_generation(vcpu, matched, value, offset, ns);
	raw_spin_unlock_irqrestore(&c->tsc_lock, flags);

	set_offset(vcpu, offset);
	kvm_make_request(KVM_REQ_MASTERCLOCK, vcpu);
}

/**
 * kvm_tsc_write() - WRMSR to IA32_TSC
 * @vcpu: the vCPU, loaded
 * @value: new value
 * @host: by ioctl: not reflected in TSC_ADJUST, and brought in step with other vCPUs
 *
 * A guest's own write shows in TSC_ADJUST (SDM vol. 3, 18.17.3). Return: 0.
 */
int kvm_tsc_write(struct kvm_vcpu *vcpu, u64 value, bool host)
{
	u64 delta;

	if (host) {
		write_synchronised(vcpu, value, true);
		return 0;
	}
	delta = value - kvm_tsc_read(vcpu, rdtsc());
	vcpu->tsc.adjust += delta;
	vcpu->tsc.base_tsc += delta;
	set_offset(vcpu, vcpu->tsc.offset + delta);
	return 0;
}

/**
 * kvm_tsc_adjust_write() - WRMSR to IA32_TSC_ADJUST
 * @vcpu: the vCPU, loaded
 * @value: new value
 * @host: by ioctl: the value that the guest reads, without moving its TSC
 *
 * Return: 0.
 */
int kvm_tsc_adjust_write(struct kvm_vcpu *vcpu, u64 value, bool host)
{
	u64 delta = value - vcpu->tsc.adjust;

	vcpu->tsc.adjust = value;
	if (!host && delta) {
		vcpu->tsc.base_tsc += delta;
		set_offset(vcpu, vcpu->tsc.offset + delta);
	}
	return 0;
}

/* --- frequency ------------------------------------------------------------------------------- */

/**
 * kvm_tsc_max_khz() - highest frequency that a guest's TSC can have here
 */
u32 kvm_tsc_max_khz(void)
{
	u64 khz;

	if (!kvm_caps->tsc_scaling)
		return tsc_khz + div64_u64((u64)tsc_khz * tsc_tolerance_ppm, 1000000);
	khz = mul_u64_u64_shr(tsc_khz, kvm_caps->tsc_ratio_max, kvm_caps->tsc_frac_bits);
	return min_t(u64, khz, INT_MAX);
}

/* Multiplier for a frequency. 0 or -EINVAL. */
static int find_ratio(u32 khz, u64 *ratio)
{
	u64 diff = abs((s64)khz - (s64)tsc_khz);

	*ratio = kvm_caps->tsc_ratio_default;
	if (!khz || !tsc_khz)
		return -EINVAL;
	if (diff * 1000000 <= (u64)tsc_khz * tsc_tolerance_ppm)
		return 0;
	if (!kvm_caps->tsc_scaling || khz > kvm_tsc_max_khz())
		return -EINVAL;
	*ratio = clock_tsc_ratio(khz, tsc_khz, kvm_caps->tsc_frac_bits);
	return *ratio ? 0 : -EINVAL;
}

static void set_ratio(struct kvm_vcpu *vcpu, u32 khz, u64 ratio)
{
	vcpu->tsc.khz = khz;
	vcpu->tsc.ratio = ratio;
	/* What the guest's TSC really does is the host's frequency times the ratio. */
	clock_scale(scale((u64)tsc_khz * 1000, ratio) ?: 1, &vcpu->tsc.mul, &vcpu->tsc.shift);
}

/**
 * kvm_tsc_set_khz() - give the guest's TSC a frequency
 * @vcpu: the vCPU, loaded
 * @khz: kHz
 *
 * The TSC goes on from where it is. Return: 0, -EINVAL (0, too high, or needs scaling that this
 * host can't do).
 */
int kvm_tsc_set_khz(struct kvm_vcpu *vcpu, u32 khz)
{
	u64 ratio, value;
	int r;

	r = find_ratio(khz, &ratio);
	if (r)
		return r;
	if (ratio == vcpu->tsc.ratio) {
		vcpu->tsc.khz = khz;
		return 0;
	}
	value = kvm_tsc_read(vcpu, rdtsc());
	set_ratio(vcpu, khz, ratio);
	write_synchronised(vcpu, value, false);
	return 0;
}

/* --- CPUs whose TSCs differ ------------------------------------------------------------------ */

/* The host has slept, its TSC is behind what it was, or nobody can tell. */
static noinline void go_on_from_before(struct kvm_vcpu *vcpu, int cpu, u64 now, bool unstable)
{
	struct kvm_vcpu_tsc *t = &vcpu->tsc;
	u64 last = kvm_tsc_read(vcpu, t->last_host), back;

	if (t->sleeps.count != sleeps.count)
		go_on_after_sleep(vcpu);
	if (vcpu->cpu < 0)
		return;
	if (unstable) {
		t->catchup = true;
		kvm_make_request(KVM_REQ_CLOCK_UPDATE, vcpu);
	}
	back = last - kvm_tsc_read(vcpu, now);
	if ((s64)back <= 0 && (!unstable || vcpu->cpu == cpu))
		return;
	/* No longer what the others have. */
	if (t->generation) {
		WRITE_ONCE(t->generation, 0);
		kvm_make_request(KVM_REQ_MASTERCLOCK, vcpu);
	}
	t->offset += back;
	vendor_call(set_tsc, vcpu);
	kvm_make_request(KVM_REQ_CLOCK_UPDATE, vcpu);
}

/**
 * kvm_tsc_load() - the vCPU comes to a CPU
 * @vcpu: the vCPU, loaded
 * @cpu: this CPU
 *
 * A TSC that is behind the one last used would run the guest's backwards: after suspend to memory,
 * or where the host's CPUs are out of step. There the guest's goes on from where it was; in the
 * second case it catches up with time in kvm_clock_update(), which also helps where the host's
 * stands still in deep idle states.
 */
void kvm_tsc_load(struct kvm_vcpu *vcpu, int cpu)
{
	bool unstable = check_tsc_unstable();
	u64 now = rdtsc();

	if (unlikely(now < vcpu->tsc.last_host || unstable ||
		     vcpu->tsc.sleeps.count != sleeps.count))
		go_on_from_before(vcpu, cpu, now, unstable);
}

void kvm_tsc_put(struct kvm_vcpu *vcpu)
{
	vcpu->tsc.last_host = rdtsc();
}

/**
 * kvm_tsc_catchup() - let a TSC that stood still catch up with time
 * @vcpu: the vCPU, loaded, with tsc.catchup
 * @host_tsc: the host's TSC ...
 * @base_ns: ... at this time
 */
void kvm_tsc_catchup(struct kvm_vcpu *vcpu, u64 host_tsc, u64 base_ns)
{
	struct kvm_vcpu_tsc *t = &vcpu->tsc;
	u64 expected = t->base_tsc + clock_ns_to_ticks(base_ns - t->base_ns, t->khz);
	u64 behind = expected - kvm_tsc_read(vcpu, host_tsc);

	if ((s64)behind <= 0)
		return;
	t->offset += behind;
	vendor_call(set_tsc, vcpu);
	/* A deadline that the host's timer waits for is nearer by that. */
	if (vcpu->lapic)
		lapic_tsc_changed(vcpu);
}

/**
 * kvm_tsc_all_matched() - do all vCPUs have one offset and frequency?
 * @kvm: the VM
 */
bool kvm_tsc_all_matched(struct kvm *kvm)
{
	struct kvm_clock_vm *c = &kvm->clock;
	struct kvm_vcpu *vcpu;
	unsigned long idx, flags;
	bool all = true;

	raw_spin_lock_irqsave(&c->tsc_lock, flags);
	kvm_for_each_vcpu(idx, vcpu, kvm)
		all &= READ_ONCE(vcpu->tsc.generation) == c->tsc_generation;
	raw_spin_unlock_irqrestore(&c->tsc_lock, flags);
	return all;
}

/* --- life ------------------------------------------------------------------------------------ */

void kvm_tsc_vm_init(struct kvm *kvm)
{
	raw_spin_lock_init(&kvm->clock.tsc_lock);
	kvm->clock.default_tsc_khz = tsc_khz;
	/* 0 is no vCPU's: one that left its generation matches nothing. */
	kvm->clock.tsc_generation = 1;
	kvm->clock.tsc_sleeps = sleeps;
}

/**
 * kvm_tsc_vcpu_create() - start a vCPU's TSC at 0, or where the others' are by now
 * @vcpu: the vCPU, loaded; the last step of its creation
 */
void kvm_tsc_vcpu_create(struct kvm_vcpu *vcpu)
{
	u32 khz = vcpu->kvm->clock.default_tsc_khz;
	u64 ratio;

	if (find_ratio(khz, &ratio))
		ratio = kvm_caps->tsc_ratio_default;
	set_ratio(vcpu, khz, ratio);
	write_synchronised(vcpu, 0, false);
}

/* --- what userspace asks --------------------------------------------------------------------- */

/**
 * kvm_tsc_set_default_khz() - frequency of the TSC of vCPUs to come
 * @kvm: the VM; kvm->lock held
 * @khz: kHz
 *
 * Return: 0, -EINVAL (as kvm_tsc_set_khz()).
 */
int kvm_tsc_set_default_khz(struct kvm *kvm, u32 khz)
{
	u64 ratio;
	int r = find_ratio(khz, &ratio);

	if (!r)
		kvm->clock.default_tsc_khz = khz;
	return r;
}

/**
 * kvm_tsc_set_offset() - KVM_VCPU_TSC_OFFSET
 * @vcpu: the vCPU, loaded
 * @offset: guest's TSC minus (scaled) host's, ticks
 *
 * Equal offsets are one intention, whenever they come.
 */
void kvm_tsc_set_offset(struct kvm_vcpu *vcpu, u64 offset)
{
	struct kvm_clock_vm *c = &vcpu->kvm->clock;
	unsigned long flags;
	bool matched;
	u64 value;

	raw_spin_lock_irqsave(&c->tsc_lock, flags);
	make_up_last_write(c);
	matched = c->tsc_last_ratio == vcpu->tsc.ratio && c->tsc_last_offset == offset &&
		  !check_tsc_unstable();
	value = scale(rdtsc(), vcpu->tsc.ratio) + offset;
	c->tsc_user_wrote = true;
	join_generation(vcpu, matched, value, offset, kvm_base_ns());
	raw_spin_unlock_irqrestore(&c->tsc_lock, flags);
	set_offset(vcpu, offset);
	kvm_make_request(KVM_REQ_MASTERCLOCK, vcpu);
}
