// SPDX-License-Identifier: GPL-2.0-only
/* The local APIC's timer (SDM vol. 3, 11.5.4). */
#include <string.h>

#include "irqchip_host.h"
#include "tap.h"

#define VECTOR 0xec

static struct host h;

static void start(u32 mode)
{
	host_init(&h, 0, false);
	host_enable(&h);
	host_write(&h, LAPIC_LVTT, mode | VECTOR);
	host_write(&h, LAPIC_TDCR, 0xb);
}

/* Take the timer's interrupt, if there is one. */
static bool taken(void)
{
	bool r = lapic_regs_ack(&h.l) == VECTOR;

	if (r)
		lapic_regs_eoi(&h.l);
	return r;
}

static void test_one_shot(void)
{
	start(0);
	host_write(&h, LAPIC_TMICT, 1000);
	tap_eq(host_read(&h, LAPIC_TMCCT), 1000, "one-shot: counts from the initial count");
	host_advance(&h, 400);
	tap_eq(host_read(&h, LAPIC_TMCCT), 600, "one-shot: 1 ns a tick");
	host_advance(&h, 599);
	tap_ok(!taken(), "one-shot: not early");
	host_advance(&h, 1);
	tap_ok(taken(), "one-shot: fires");
	tap_eq(host_read(&h, LAPIC_TMCCT), 0, "one-shot: count is 0 afterwards");
	tap_ok(!host_advance(&h, 100000) && !taken(), "one-shot: once");
	host_write(&h, LAPIC_TMICT, 1000);
	host_write(&h, LAPIC_TMICT, 0);
	tap_ok(!host_advance(&h, 100000) && !taken(), "initial count 0 stops it");
}

static void test_divide(void)
{
	static const u8 tdcr[] = { 0xb, 0, 1, 2, 3, 8, 9, 0xa };
	unsigned int i;

	for (i = 0; i < 8; i++) {
		start(0);
		host_write(&h, LAPIC_TDCR, tdcr[i]);
		host_write(&h, LAPIC_TMICT, 1000);
		host_advance(&h, (1000ULL << i) - 1);
		tap_ok(!taken(), "divide by %u: not early", 1U << i);
		host_advance(&h, 1);
		tap_ok(taken(), "divide by %u: on time", 1U << i);
	}
	start(0);
	host_write(&h, LAPIC_TMICT, 1000);
	host_advance(&h, 500);
	host_write(&h, LAPIC_TDCR, 0);
	tap_eq(host_read(&h, LAPIC_TMCCT), 500, "divider changed: the count goes on");
	host_advance(&h, 999);
	tap_ok(!taken(), "divider changed: slower now");
	host_advance(&h, 1);
	tap_ok(taken(), "divider changed: fires");
}

static void test_periodic(void)
{
	unsigned int i, got = 0;

	start(LAPIC_LVTT_PERIODIC);
	host_write(&h, LAPIC_TMICT, 1000000);
	for (i = 0; i < 10; i++) {
		host_advance(&h, 1000000);
		got += taken();
	}
	tap_eq(got, 10, "periodic: 10 in 10 periods");
	host_advance(&h, 300000);
	tap_eq(host_read(&h, LAPIC_TMCCT), 700000, "periodic: count within the period");

	/*
	 * The vCPU did not run for a while: the host's timer fired once, all else is caught up at
	 * once.
	 */
	h.now = h.timer + 5500000;
	tap_eq(host_read(&h, LAPIC_TMCCT), 500000, "periodic: the count goes on unserved");
	h.timer = 0;
	lapic_timer_expired(&h.l);
	tap_ok(taken() && !taken(), "periodic: missed ticks are one interrupt");
	tap_eq(h.timer - h.now, 500000, "periodic: and the phase stays");

	start(LAPIC_LVTT_PERIODIC);
	h.l.timer.min_period_ns = 200000;
	host_write(&h, LAPIC_TMICT, 1);
	i = host_advance(&h, 2000000);
	tap_eq(i, 10, "periodic: no shorter than the least period");
	host_write(&h, LAPIC_LVTT, LAPIC_LVT_MASKED | LAPIC_LVTT_PERIODIC | VECTOR);
	taken();
	host_advance(&h, 1000000);
	tap_ok(!taken(), "masked: silent");
}

/* Between one-shot and periodic the count goes on; the mode says only what follows its end. */
static void test_mode_change(void)
{
	start(0);
	host_write(&h, LAPIC_TMICT, 1000);
	host_advance(&h, 400);
	host_write(&h, LAPIC_LVTT, LAPIC_LVTT_PERIODIC | VECTOR);
	tap_eq(host_read(&h, LAPIC_TMCCT), 600, "one-shot to periodic: the count stays");
	host_advance(&h, 599);
	tap_ok(!taken(), "one-shot to periodic: not early");
	host_advance(&h, 1);
	tap_ok(taken(), "one-shot to periodic: fires where the count ends");
	tap_eq(host_read(&h, LAPIC_TMCCT), 1000, "one-shot to periodic: begins again");
	tap_ok(host_advance(&h, 1000) == 1 && taken(), "one-shot to periodic: and fires again");

	host_advance(&h, 300);
	host_write(&h, LAPIC_LVTT, VECTOR);
	tap_eq(host_read(&h, LAPIC_TMCCT), 700, "periodic to one-shot: the count stays");
	host_advance(&h, 699);
	tap_ok(!taken(), "periodic to one-shot: not early");
	host_advance(&h, 1);
	tap_ok(taken(), "periodic to one-shot: fires");
	tap_ok(!host_advance(&h, 100000) && !taken(), "periodic to one-shot: once");

	host_write(&h, LAPIC_LVTT, LAPIC_LVTT_PERIODIC | VECTOR);
	tap_eq(host_read(&h, LAPIC_TMCCT), 0, "run out, then periodic: the count stays 0");
	tap_ok(!h.timer && !host_advance(&h, 100000) && !taken(), "run out, then periodic: silent");
	tap_eq(host_read(&h, LAPIC_TMICT), 1000,
	       "run out, then periodic: the initial count stays, too");
	host_write(&h, LAPIC_TMICT, 1000);
	tap_ok(host_advance(&h, 2000) == 2 && taken(), "until it is written again");

	host_write(&h, LAPIC_LVTT, LAPIC_LVT_MASKED | LAPIC_LVTT_PERIODIC | VECTOR);
	host_advance(&h, 300);
	tap_eq(host_read(&h, LAPIC_TMCCT), 700, "masked: the count goes on");
	host_write(&h, LAPIC_LVTT, LAPIC_LVTT_PERIODIC | VECTOR);
	tap_eq(host_read(&h, LAPIC_TMCCT), 700, "unmasked: the count stays");
}

static void test_deadline(void)
{
	u64 tsc;

	start(LAPIC_LVTT_DEADLINE);
	tsc = lapic_host_tsc(&h.l);
	host_write(&h, LAPIC_TMICT, 1000);
	tap_eq(host_read(&h, LAPIC_TMICT), 0, "deadline mode: the count can't be written");
	lapic_timer_set_deadline(&h.l, tsc + 3000);
	tap_eq(h.l.timer.deadline, tsc + 3000, "deadline reads back");
	host_advance(&h, 999);
	tap_ok(!taken(), "deadline: not early");
	host_advance(&h, 1);
	tap_ok(taken(), "deadline: on time");
	tap_eq(h.l.timer.deadline, 0, "deadline: 0 afterwards");
	lapic_timer_set_deadline(&h.l, 1);
	tap_ok(taken() && !h.timer, "a deadline in the past fires at once, without a host timer");
	lapic_timer_set_deadline(&h.l, lapic_host_tsc(&h.l) + 3000);
	lapic_timer_set_deadline(&h.l, 0);
	tap_ok(!host_advance(&h, 100000) && !taken(), "0 disarms");
	lapic_timer_set_deadline(&h.l, ~0ULL);
	tap_ok(h.timer > h.now && h.timer < 1ULL << 63,
	       "the largest deadline doesn't overflow: saw %llu", h.timer);
	host_write(&h, LAPIC_LVTT, VECTOR);
	tap_ok(!h.timer && !h.l.timer.deadline, "leaving the mode disarms");
	lapic_timer_set_deadline(&h.l, lapic_host_tsc(&h.l) + 3000);
	tap_ok(!h.timer && !h.l.timer.deadline, "ignored in other modes");
	host_write(&h, LAPIC_TMICT, 1000);
	host_write(&h, LAPIC_LVTT, LAPIC_LVTT_DEADLINE | VECTOR);
	tap_ok(!h.timer, "entering the mode disarms");
}

/* However long it takes to arm it, it isn't early. */
static void test_deadline_slow(void)
{
	u64 deadline;

	start(LAPIC_LVTT_DEADLINE);
	deadline = lapic_host_tsc(&h.l) + 30000;
	h.look_ns = 500;
	lapic_timer_set_deadline(&h.l, deadline);
	h.look_ns = 0;
	tap_ok(h.timer * 3 >= deadline && h.timer * 3 < deadline + 10000,
	       "deadline, slowly armed: expected at TSC %llu or 3 us later, saw %llu", deadline,
	       h.timer * 3);
}

static void test_stale(void)
{
	start(LAPIC_LVTT_DEADLINE);
	/*
	 * The host's timer fired for the first deadline while the guest was just writing a later
	 * one.
	 */
	lapic_timer_set_deadline(&h.l, lapic_host_tsc(&h.l) + 3000);
	h.now += 1000;
	lapic_timer_set_deadline(&h.l, lapic_host_tsc(&h.l) + 30000);
	lapic_timer_expired(&h.l);
	tap_ok(!taken(), "an expiry of the old deadline doesn't fire the new one");
	tap_ok(host_advance(&h, 10000) == 1 && taken(), "which fires in its time");
	lapic_timer_expired(&h.l);
	tap_ok(!taken(), "an expiry of a disarmed timer is nothing");
}

static void test_rearm(void)
{
	start(LAPIC_LVTT_DEADLINE);
	lapic_timer_set_deadline(&h.l, lapic_host_tsc(&h.l) + 3000000);
	h.tsc_khz = 6000000;
	lapic_timer_rearm(&h.l);
	tap_ok(taken(), "a TSC set past the deadline fires");
	lapic_timer_set_deadline(&h.l, lapic_host_tsc(&h.l) + 6000000);
	tap_ok(host_advance(&h, 1000000) == 1 && taken(), "the new frequency counts");
}

static void test_reset(void)
{
	start(LAPIC_LVTT_PERIODIC);
	host_write(&h, LAPIC_TMICT, 1000);
	lapic_regs_reset(&h.l);
	tap_ok(!h.timer, "reset stops the timer");
	start(LAPIC_LVTT_DEADLINE);
	lapic_timer_set_deadline(&h.l, lapic_host_tsc(&h.l) + 3000);
	lapic_regs_set_mode(&h.l, false, false);
	tap_ok(!h.timer && !h.l.timer.deadline, "disabling the APIC stops it");
}

int main(void)
{
	test_one_shot();
	test_divide();
	test_periodic();
	test_mode_change();
	test_deadline();
	test_deadline_slow();
	test_stale();
	test_rearm();
	test_reset();
	return tap_done();
}
