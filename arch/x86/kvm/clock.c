// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmclock: a page per vCPU with a pair (TSC, ns) and the factor between them, from which the guest
 * computes time without an exit; and the wall clock at the time when kvmclock was zero.
 *
 * Where the host's clock is its TSC and the vCPUs' TSCs match, all pages are made from one pair,
 * the VM's master pair, and say so (PVCLOCK_TSC_STABLE_BIT): the guest may then use any of them on
 * any vCPU. Otherwise each vCPU has a pair of its own, taken again when it moves and every few
 * seconds, and the guest sees to it that time never goes back between vCPUs.
 */

#include <linux/clocksource.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/pvclock_gtod.h>
#include <linux/timekeeper_internal.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <asm/pvclock-abi.h>
#include <asm/tsc.h>
#include <uapi/asm/kvm_para.h>
#include <uapi/linux/kvm_para.h>

#include "clock_scale.h"
#include "cpuid.h"
#include "guest_time.h"
#include "vendor.h"

/*
 * Without a master pair the vCPUs' clocks drift from the host's, by the error of the TSC's
 * calibration.
 */
#define REFRESH_PERIOD (5 * HZ)

/*
 * KVM_SET_CLOCK: only KVM_CLOCK_REALTIME means something, what KVM_GET_CLOCK returned is accepted.
 */
#define CLOCK_FLAGS (KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC)

static DEFINE_MUTEX(vms_lock);
static LIST_HEAD(vms); /* vms_lock */

/* Does the host tell time by its TSC? Written under the timekeeper's lock. */
static bool host_clock_is_tsc;

/* --- the host's clocks ----------------------------------------------------------------------- */

/**
 * kvm_base_ns() - the clock that guests' clocks are made from
 *
 * CLOCK_MONOTONIC_RAW, since the guest extrapolates with its TSC, which NTP doesn't slew; but
 * counting on while the host is suspended.
 *
 * Context: any but NMI. Return: ns since the host booted.
 */
u64 kvm_base_ns(void)
{
	return ktime_to_ns(ktime_add(ktime_get_raw(), ktime_mono_to_any(0, TK_OFFS_BOOT)));
}

/* One instant in three clocks. */
struct instant {
	u64 tsc;
	u64 base_ns;
	u64 real_ns;
};

/* Return: false where the host's clock is not the TSC, so that no instant is known in both. */
static bool read_instant(struct instant *t)
{
	struct system_time_snapshot snap;
	u64 before, after;

	if (!READ_ONCE(host_clock_is_tsc) || check_tsc_unstable())
		return false;
	before = rdtsc_ordered();
	ktime_get_snapshot(&snap);
	after = rdtsc_ordered();
	/* Another clock source may have taken over meanwhile: its cycles are not the TSC's. */
	if (snap.cycles < before || snap.cycles > after)
		return false;
	t->tsc = snap.cycles;
	t->base_ns = ktime_to_ns(ktime_add(snap.raw, ktime_mono_to_any(0, TK_OFFS_BOOT)));
	t->real_ns = ktime_to_ns(snap.real);
	return true;
}

/*
 * kvmclock at a host TSC, as the guest computes it from the master pair. clock.lock held,
 * use_master.
 */
static u64 master_clock_at(struct kvm_clock_vm *c, u64 tsc)
{
	s8 shift;
	u32 mul;

	clock_scale((u64)tsc_khz * 1000 ?: 1, &mul, &shift);
	return c->master_ns + c->offset_ns + clock_ticks_to_ns(tsc - c->master_tsc, mul, shift);
}

/* --- the master pair ------------------------------------------------------------------------- */

/* Of before a sleep of the host's, in which the TSC may have stood still or begun anew. */
static bool pair_is_old(const struct kvm_clock_vm *c)
{
	return c->master_sleeps != kvm_tsc_sleeps().count;
}

/*
 * Take a new pair, or give it up. clock.lock held, all vCPUs out of the guest and on their way to
 * kvm_clock_update(), where they wait for the lock: none can compute a time from an old pair after
 * another has from a new one.
 */
static void take_master_pair(struct kvm *kvm)
{
	struct kvm_clock_vm *c = &kvm->clock;
	struct instant t;

	if (kvm_tsc_all_matched(kvm) && read_instant(&t)) {
		c->master_tsc = t.tsc;
		c->master_ns = t.base_ns;
		c->master_sleeps = kvm_tsc_sleeps().count;
		WRITE_ONCE(c->use_master, true);
	} else {
		WRITE_ONCE(c->use_master, false);
	}
}

/**
 * kvm_clock_master_update() - find out whether the VM can have a master pair (KVM_REQ_MASTERCLOCK)
 * @kvm: the VM
 *
 * A pair that is good stays: each new one would move the guest's clock by a rounding error.
 *
 * Context: may sleep, interrupts on.
 */
void kvm_clock_master_update(struct kvm *kvm)
{
	struct kvm_clock_vm *c = &kvm->clock;
	bool can;

	mutex_lock(&c->lock);
	can = READ_ONCE(host_clock_is_tsc) && !check_tsc_unstable() && kvm_tsc_all_matched(kvm);
	if (can != c->use_master || (can && pair_is_old(c))) {
		kvm_make_all_request(kvm, KVM_REQ_CLOCK_UPDATE);
		take_master_pair(kvm);
	}
	mutex_unlock(&c->lock);
}

/* --- a vCPU's page --------------------------------------------------------------------------- */

/*
 * The version is odd while the rest changes (asm/pvclock-abi.h). It goes on from what the page
 * says: after migration, or where the guest gives another page, it must not return to a number that
 * a reader holds.
 */
static void write_page(struct kvm_vcpu *vcpu, struct pvclock_vcpu_time_info *info)
{
	struct kvm_gpa_cache *cache = &vcpu->pv.clock.cache;
	struct pvclock_vcpu_time_info old;
	struct kvm *kvm = vcpu->kvm;
	u32 even;

	if (kvm_read_guest_cached(kvm, cache, 0, &old, sizeof(old)))
		return;
	/* The guest clears it when it has reset its watchdogs. */
	info->flags |= old.flags & PVCLOCK_GUEST_STOPPED;
	if (vcpu->pv.clock.guest_stopped) {
		info->flags |= PVCLOCK_GUEST_STOPPED;
		vcpu->pv.clock.guest_stopped = false;
	}
	info->version = (old.version + 1) | 1;
	even = info->version + 1;

	if (kvm_write_guest_cached(kvm, cache, 0, &info->version, sizeof(info->version)))
		return;
	smp_wmb();
	kvm_write_guest_cached(kvm, cache, 0, info, sizeof(*info));
	smp_wmb();
	kvm_write_guest_cached(kvm, cache, 0, &even, sizeof(even));
}

/*
 * Where the page is. A VMM may restore MSRs before memory: then it is looked for each time. Return:
 * there is memory.
 */
static bool find_page(struct kvm_vcpu *vcpu)
{
	struct kvm_gpa_cache *cache = &vcpu->pv.clock.cache;

	if (!cache->len && kvm_gpa_cache_init(vcpu->kvm, cache,
					      vcpu->pv.clock.msr & ~(u64)KVM_MSR_ENABLED,
					      sizeof(struct pvclock_vcpu_time_info)))
		cache->len = 0;
	return cache->len;
}

/**
 * kvm_clock_update() - bring a vCPU's page up to date (KVM_REQ_CLOCK_UPDATE)
 * @vcpu: the vCPU, loaded
 *
 * Context: kvm->srcu held, may sleep.
 */
void kvm_clock_update(struct kvm_vcpu *vcpu)
{
	struct kvm_clock_vm *c = &vcpu->kvm->clock;
	struct pvclock_vcpu_time_info info = {};
	unsigned long irqs;
	u64 tsc, ns;
	s64 offset;
	bool master;

	if (!vcpu->pv.clock.enabled && !vcpu->tsc.catchup)
		return;
	mutex_lock(&c->lock);
	master = c->use_master;
	offset = c->offset_ns;
	tsc = c->master_tsc;
	ns = c->master_ns;
	mutex_unlock(&c->lock);
	if (!master) {
		/* The two must belong together: nothing may come between. */
		local_irq_save(irqs);
		tsc = rdtsc();
		ns = kvm_base_ns();
		local_irq_restore(irqs);
	}
	if (vcpu->tsc.catchup)
		kvm_tsc_catchup(vcpu, tsc, ns);
	if (!vcpu->pv.clock.enabled || !find_page(vcpu))
		return;
	info.tsc_timestamp = kvm_tsc_read(vcpu, tsc);
	info.system_time = ns + offset;
	info.tsc_to_system_mul = vcpu->tsc.mul;
	info.tsc_shift = vcpu->tsc.shift;
	info.flags = master ? PVCLOCK_TSC_STABLE_BIT : 0;
	write_page(vcpu, &info);
}

/**
 * kvm_clock_vcpu_load() - the vCPU comes to a CPU
 * @vcpu: the vCPU
 * @cpu: this CPU
 * @moved: it was another one before
 */
void kvm_clock_vcpu_load(struct kvm_vcpu *vcpu, int cpu, bool moved)
{
	bool sought = vcpu->pv.clock.enabled && !vcpu->pv.clock.cache.len;

	if (sought || (moved && !READ_ONCE(vcpu->kvm->clock.use_master)))
		kvm_make_request(KVM_REQ_CLOCK_UPDATE, vcpu);
}

/* --- ioctls ---------------------------------------------------------------------------------- */

static void clock_get_locked(struct kvm_clock_vm *c, struct kvm_clock_data *data)
{
	struct instant t;

	memset(data, 0, sizeof(*data));
	if (!c->use_master || pair_is_old(c) || !read_instant(&t) || t.tsc < c->master_tsc) {
		data->clock = kvm_base_ns() + c->offset_ns;
		return;
	}
	data->flags = CLOCK_FLAGS;
	data->clock = master_clock_at(c, t.tsc);
	data->realtime = t.real_ns;
	data->host_tsc = t.tsc;
}

/**
 * kvm_clock_get() - what kvmclock says now
 * @kvm: the VM
 * @data: out: clock, ns; with a master pair also the host's TSC and real time at that instant
 */
void kvm_clock_get(struct kvm *kvm, struct kvm_clock_data *data)
{
	mutex_lock(&kvm->clock.lock);
	clock_get_locked(&kvm->clock, data);
	mutex_unlock(&kvm->clock.lock);
}

/**
 * kvm_clock_set() - set kvmclock
 * @kvm: the VM
 * @data: clock, ns; with KVM_CLOCK_REALTIME it was so at @data->realtime, and time has passed since
 *
 * Context: may sleep. Return: 0, -EINVAL (unknown flag).
 */
int kvm_clock_set(struct kvm *kvm, const struct kvm_clock_data *data)
{
	struct kvm_clock_vm *c = &kvm->clock;
	u64 clock = data->clock, real, now;

	if (data->flags & ~CLOCK_FLAGS)
		return -EINVAL;
	mutex_lock(&c->lock);
	kvm_make_all_request(kvm, KVM_REQ_CLOCK_UPDATE);
	take_master_pair(kvm);
	now = c->use_master ? c->master_ns : kvm_base_ns();
	real = ktime_get_real_ns();
	/* Clocks of two hosts may differ; a guest's doesn't go back for that. */
	if ((data->flags & KVM_CLOCK_REALTIME) && real > data->realtime)
		clock += real - data->realtime;
	c->offset_ns = clock - now;
	mutex_unlock(&c->lock);
	return 0;
}

/**
 * kvm_clock_guest_stopped() - tell the guest that it did not run for a while
 * @vcpu: the vCPU
 *
 * Return: 0, -EINVAL (it has no kvmclock page).
 */
int kvm_clock_guest_stopped(struct kvm_vcpu *vcpu)
{
	if (!vcpu->pv.clock.enabled)
		return -EINVAL;
	vcpu->pv.clock.guest_stopped = true;
	kvm_make_request(KVM_REQ_CLOCK_UPDATE, vcpu);
	return 0;
}

/**
 * kvm_clock_pairing() - KVM_HC_CLOCK_PAIRING: host's real time and guest's TSC at one instant
 * @vcpu: the vCPU
 * @gpa: where struct kvm_clock_pairing goes
 * @type: KVM_CLOCK_PAIRING_WALLCLOCK
 *
 * Context: srcu held, may sleep. Return: 0, -KVM_EOPNOTSUPP, -KVM_EFAULT.
 */
long kvm_clock_pairing(struct kvm_vcpu *vcpu, gpa_t gpa, u64 type)
{
	struct kvm_clock_pairing pairing = {};
	struct instant t;
	u32 ns;

	if (type != KVM_CLOCK_PAIRING_WALLCLOCK || !READ_ONCE(vcpu->kvm->clock.use_master) ||
	    !read_instant(&t))
		return -KVM_EOPNOTSUPP;
	pairing.sec = div_u64_rem(t.real_ns, NSEC_PER_SEC, &ns);
	pairing.nsec = ns;
	pairing.tsc = kvm_tsc_read(vcpu, t.tsc);
	if (kvm_write_guest(vcpu->kvm, gpa, &pairing, sizeof(pairing)))
		return -KVM_EFAULT;
	return 0;
}

/* --- MSRs ------------------------------------------------------------------------------------ */

/* Real time when kvmclock was zero; the guest adds its kvmclock. */
static void write_wall_clock(struct kvm *kvm, gpa_t gpa)
{
	struct pvclock_wall_clock wall = {};
	struct kvm_clock_data data;
	u32 version, ns;
	u64 real;

	kvm_clock_get(kvm, &data);
	real = data.flags & KVM_CLOCK_REALTIME ? data.realtime : ktime_get_real_ns();
	if (kvm_read_guest(kvm, gpa, &version, sizeof(version)))
		return;
	wall.version = (version + 1) | 1;
	wall.sec = div_u64_rem(real - data.clock, NSEC_PER_SEC, &ns);
	wall.nsec = ns;
	version = wall.version + 1;

	if (kvm_write_guest(kvm, gpa, &wall.version, sizeof(wall.version)))
		return;
	smp_wmb();
	kvm_write_guest(kvm, gpa, &wall, sizeof(wall));
	smp_wmb();
	kvm_write_guest(kvm, gpa, &version, sizeof(version));
}

static void set_wall_clock(struct kvm *kvm, u64 gpa)
{
	mutex_lock(&kvm->clock.lock);
	kvm->clock.wall_clock_gpa = gpa;
	mutex_unlock(&kvm->clock.lock);
	/* 0 is what a VMM restores where the guest never asked. */
	if (gpa)
		write_wall_clock(kvm, gpa);
}

static void set_system_time(struct kvm_vcpu *vcpu, u64 value)
{
	struct kvm_clock_vm *c = &vcpu->kvm->clock;

	vcpu->pv.clock.msr = value;
	vcpu->pv.clock.enabled = value & KVM_MSR_ENABLED;
	if (!vcpu->pv.clock.enabled)
		return;
	vcpu->pv.clock.cache.len = 0;
	find_page(vcpu);
	kvm_make_request(KVM_REQ_MASTERCLOCK, vcpu);
	kvm_make_request(KVM_REQ_CLOCK_UPDATE, vcpu);
	/* Does nothing where it is on its way already. */
	schedule_delayed_work(&c->update, REFRESH_PERIOD);
}

static bool announced(struct kvm_vcpu *vcpu, u32 index)
{
	bool old = index == MSR_KVM_WALL_CLOCK || index == MSR_KVM_SYSTEM_TIME;

	return guest_pv_has(vcpu, old ? KVM_FEATURE_CLOCKSOURCE : KVM_FEATURE_CLOCKSOURCE2);
}

static bool is_wall_clock(u32 index)
{
	return index == MSR_KVM_WALL_CLOCK || index == MSR_KVM_WALL_CLOCK_NEW;
}

/**
 * kvm_clock_msr_write() - WRMSR to MSR_KVM_WALL_CLOCK(_NEW), MSR_KVM_SYSTEM_TIME(_NEW)
 * @vcpu: the vCPU, loaded
 * @index: the MSR
 * @value: guest-physical address; system time: bit 0 enables
 * @host: by ioctl
 *
 * Context: srcu held, may sleep. Return: 0, -EINVAL (not announced to this guest).
 */
int kvm_clock_msr_write(struct kvm_vcpu *vcpu, u32 index, u64 value, bool host)
{
	if (!host && !announced(vcpu, index))
		return -EINVAL;
	if (is_wall_clock(index))
		set_wall_clock(vcpu->kvm, value);
	else
		set_system_time(vcpu, value);
	return 0;
}

/* RDMSR: what was written last. */
int kvm_clock_msr_read(struct kvm_vcpu *vcpu, u32 index, u64 *value, bool host)
{
	if (!host && !announced(vcpu, index))
		return -EINVAL;
	*value = is_wall_clock(index) ? READ_ONCE(vcpu->kvm->clock.wall_clock_gpa) :
					vcpu->pv.clock.msr;
	return 0;
}

void kvm_clock_reset(struct kvm_vcpu *vcpu)
{
	vcpu->pv.clock.msr = 0;
	vcpu->pv.clock.enabled = false;
	vcpu->pv.clock.guest_stopped = false;
}

/* --- life ------------------------------------------------------------------------------------ */

/* The vCPUs pick it up when they exit for other reasons: none is woken or kicked for it. */
static void refresh(struct work_struct *work)
{
	struct kvm_clock_vm *c = container_of(to_delayed_work(work), struct kvm_clock_vm, update);
	struct kvm_vcpu *vcpu;
	unsigned long idx;

	if (!READ_ONCE(c->use_master))
		kvm_for_each_vcpu(idx, vcpu, c->kvm)
			kvm_make_request(KVM_REQ_CLOCK_UPDATE, vcpu);
	schedule_delayed_work(&c->update, REFRESH_PERIOD);
}

/**
 * kvm_clock_vm_init() - kvmclock of a VM starts at zero now
 * @kvm: the VM
 */
void kvm_clock_vm_init(struct kvm *kvm)
{
	struct kvm_clock_vm *c = &kvm->clock;

	c->kvm = kvm;
	mutex_init(&c->lock);
	INIT_DELAYED_WORK(&c->update, refresh);
	c->offset_ns = -kvm_base_ns();
	mutex_lock(&vms_lock);
	list_add_tail(&c->node, &vms);
	mutex_unlock(&vms_lock);
}

/**
 * kvm_clock_vm_destroy() - no update after this
 * @kvm: the VM; its vCPUs still exist. A VM that was never initialised is let be.
 */
void kvm_clock_vm_destroy(struct kvm *kvm)
{
	struct kvm_clock_vm *c = &kvm->clock;

	if (!c->kvm)
		return;
	cancel_delayed_work_sync(&c->update);
	mutex_lock(&vms_lock);
	list_del(&c->node);
	mutex_unlock(&vms_lock);
	c->kvm = NULL;
}

/* The host's clock source changed: master pairs come or go. */
static void clocksource_changed(struct work_struct *work)
{
	struct kvm_clock_vm *c;

	mutex_lock(&vms_lock);
	list_for_each_entry(c, &vms, node)
		kvm_make_all_request_nowait(c->kvm, KVM_REQ_MASTERCLOCK);
	mutex_unlock(&vms_lock);
}

static DECLARE_WORK(change_work, clocksource_changed);

static void queue_change(struct irq_work *work)
{
	schedule_work(&change_work);
}

static DEFINE_IRQ_WORK(change_irq_work, queue_change);

/*
 * At each update of the host's time. The timekeeper is being written: nothing here may read a
 * clock, not even by waking a worker, so an interrupt does that afterwards.
 */
static int time_updated(struct notifier_block *nb, unsigned long stepped, void *data)
{
	const struct timekeeper *tk = data;
	bool is_tsc = tk->tkr_mono.clock->vdso_clock_mode == VDSO_CLOCKMODE_TSC;

	if (unlikely(is_tsc != host_clock_is_tsc)) {
		WRITE_ONCE(host_clock_is_tsc, is_tsc);
		irq_work_queue(&change_irq_work);
	}
	return 0;
}

static struct notifier_block time_notifier = { .notifier_call = time_updated };

int kvm_clock_module_init(void)
{
	return pvclock_gtod_register_notifier(&time_notifier);
}

void kvm_clock_module_exit(void)
{
	pvclock_gtod_unregister_notifier(&time_notifier);
	irq_work_sync(&change_irq_work);
	cancel_work_sync(&change_work);
	host_clock_is_tsc = false;
}
