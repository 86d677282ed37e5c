// SPDX-License-Identifier: GPL-2.0-only
/*
 * The LAPIC's timer: one-shot, periodic, TSC deadline (SDM vol. 3, 11.5.4). Its bus clock runs at
 * 1 GHz, so a count is a number of nanoseconds before the divider. Compiles in userspace.
 *
 * The host's timer fires once per expiry and the vCPU's thread starts the next period: however
 * short the guest makes the period, it can't flood the host with timer interrupts.
 */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/types.h>

#include "lapic_regs.h"

#define FAR_NS (1ULL << 62) /* some 146 years: as good as never, and safe to add to the clock */

static bool deadline_mode(const struct lapic_regs *l)
{
	return lapic_get(l, LAPIC_LVTT) & LAPIC_LVTT_DEADLINE;
}

static bool periodic_mode(const struct lapic_regs *l)
{
	return lapic_get(l, LAPIC_LVTT) & LAPIC_LVTT_PERIODIC;
}

/* TDCR bits 3, 1, 0: 0 is a division by 2, 6 by 128, 7 by 1. */
static u32 divisor(u32 tdcr)
{
	u32 n = (tdcr & 3) | (tdcr >> 1 & 4);

	return 1U << ((n + 1) & 7);
}

static u64 count_to_ns(const struct lapic_regs *l, u32 count)
{
	return (u64)count * divisor(lapic_get(l, LAPIC_TDCR));
}

static u64 period_ns(const struct lapic_regs *l)
{
	u64 period = count_to_ns(l, lapic_get(l, LAPIC_TMICT));

	return periodic_mode(l) ? max(period, l->timer.min_period_ns) : period;
}

static void arm(struct lapic_regs *l, u64 target_ns)
{
	l->timer.armed = true;
	l->timer.target_ns = target_ns;
	lapic_host_timer_start(l, target_ns);
}

/**
 * lapic_timer_stop() - disarm; the registers stay
 * @l: the APIC
 */
void lapic_timer_stop(struct lapic_regs *l)
{
	if (l->timer.armed)
		lapic_host_timer_cancel(l);
	l->timer.armed = false;
	l->timer.deadline = 0;
}

/**
 * lapic_timer_set_count() - write to the initial-count register
 * @l: the APIC
 * @count: 0 stops the timer
 */
void lapic_timer_set_count(struct lapic_regs *l, u32 count)
{
	if (deadline_mode(l))
		return;
	lapic_timer_stop(l);
	lapic_set(l, LAPIC_TMICT, count);
	if (count)
		arm(l, lapic_host_now(l) + period_ns(l));
}

/* ns until the timer fires, at least 0. */
static u64 remaining_ns(struct lapic_regs *l)
{
	u64 now = lapic_host_now(l), target = l->timer.target_ns, period, late;

	if (now < target)
		return target - now;
	if (!periodic_mode(l))
		return 0;
	/* It fired and nobody served it yet; the count goes on meanwhile. */
	period = period_ns(l);
	div64_u64_rem(now - target, period, &late);
	return period - late;
}

/**
 * lapic_timer_count() - the current-count register
 * @l: the APIC
 */
u32 lapic_timer_count(struct lapic_regs *l)
{
	u32 div = divisor(lapic_get(l, LAPIC_TDCR));

	if (!l->timer.armed || deadline_mode(l))
		return 0;
	return min_t(u64, div_u64(remaining_ns(l) + div - 1, div), lapic_get(l, LAPIC_TMICT));
}

/**
 * lapic_timer_set_divide() - write to the divide-configuration register
 * @l: the APIC
 * @tdcr: bits 3, 1, 0
 *
 * A running count goes on from where it is at the new speed.
 */
void lapic_timer_set_divide(struct lapic_regs *l, u32 tdcr)
{
	u32 count = lapic_timer_count(l);

	lapic_set(l, LAPIC_TDCR, tdcr);
	if (count)
		arm(l, lapic_host_now(l) + count_to_ns(l, count));
}

/**
 * lapic_timer_mode_changed() - LVTT was written
 * @l: the APIC
 * @old_lvtt: its value before
 *
 * Changing to or from TSC deadline disarms the timer (SDM vol. 3, 11.5.4.1).
 */
void lapic_timer_mode_changed(struct lapic_regs *l, u32 old_lvtt)
{
	if (!((lapic_get(l, LAPIC_LVTT) ^ old_lvtt) & LAPIC_LVTT_DEADLINE))
		return;
	lapic_timer_stop(l);
	lapic_set(l, LAPIC_TMICT, 0);
}

/* The timer fires now, on the vCPU's thread. */
static void fire(struct lapic_regs *l, u64 now)
{
	struct lapic_timer *t = &l->timer;
	u64 period, missed, late;

	if (deadline_mode(l) || !periodic_mode(l)) {
		t->armed = false;
		t->deadline = 0;
	} else {
		/* Ticks that nobody saw are one interrupt: IRR holds no more. */
		period = period_ns(l);
		missed = div64_u64_rem(now - t->target_ns, period, &late);
		arm(l, t->target_ns + (missed + 1) * period);
	}
	lapic_regs_local(l, LAPIC_LVTT);
}

/**
 * lapic_timer_set_deadline() - write to IA32_TSC_DEADLINE
 * @l: the APIC
 * @tsc: guest TSC value at which to fire; 0 disarms
 *
 * Ignored outside the TSC-deadline mode. One in the past fires at once.
 */
void lapic_timer_set_deadline(struct lapic_regs *l, u64 tsc)
{
	u64 now, guest_tsc, ns;

	if (!deadline_mode(l))
		return;
	if (!tsc) {
		lapic_timer_stop(l);
		return;
	}
	/* In this order: what passes between the two makes it late, not early. */
	guest_tsc = lapic_host_tsc(l);
	now = lapic_host_now(l);
	if (guest_tsc >= tsc) {
		lapic_timer_stop(l);
		fire(l, now);
		return;
	}
	ns = lapic_host_tsc_to_ns(l, tsc - guest_tsc);
	l->timer.deadline = tsc;
	arm(l, now + min(ns, FAR_NS));
}

/**
 * lapic_timer_expired() - the host's timer fired some time ago
 * @l: the APIC
 *
 * Context: the vCPU's thread. What fired may have been set for an older target: then nothing
 * happens.
 */
void lapic_timer_expired(struct lapic_regs *l)
{
	u64 now;

	if (!l->timer.armed)
		return;
	now = lapic_host_now(l);
	if (now >= l->timer.target_ns)
		fire(l, now);
}

/**
 * lapic_timer_rearm() - the guest's TSC was set or changed its speed
 * @l: the APIC
 */
void lapic_timer_rearm(struct lapic_regs *l)
{
	if (l->timer.armed && deadline_mode(l))
		lapic_timer_set_deadline(l, l->timer.deadline);
}

/**
 * lapic_timer_restore() - go on with a saved count; registers are restored already, the timer is
 * stopped
 * @l: the APIC
 * @count: current count when it was saved; 0: it had run out
 */
void lapic_timer_restore(struct lapic_regs *l, u32 count)
{
	u32 initial = lapic_get(l, LAPIC_TMICT);

	if (deadline_mode(l) || !initial)
		return;
	count = min(count, initial);
	if (!count && periodic_mode(l))
		count = initial;
	if (count)
		arm(l, lapic_host_now(l) + count_to_ns(l, count));
}
