// SPDX-License-Identifier: GPL-2.0-only
/* vmm's clock: formats, setting, alarms. */
#include <string.h>

#include "dev/rtc.h"
#include "tap.h"

#define NS 1000000000ll

/* 2026-03-09 (a Monday) 17:08:05 UTC */
#define START 1773076085ll

static struct rtc rtc;
static int64_t now_ns;
static bool line;

static int64_t fake_now(void)
{
	return now_ns;
}

static void fake_irq(void *opaque, unsigned int gsi, bool level)
{
	(void)opaque;
	(void)gsi;
	line = level;
}

static void start(void)
{
	const struct irq_line irq = { .set = fake_irq, .gsi = 8 };

	line = false;
	now_ns = START * NS;
	rtc_init(&rtc, irq, NULL);
	rtc.now = fake_now;
	rtc.seen = START;
}

static unsigned int get(unsigned int reg)
{
	rtc.dev.ops->write(&rtc.dev, 0, 0, reg | 0x80, 1);
	return rtc.dev.ops->read(&rtc.dev, 0, 1, 1);
}

static void set(unsigned int reg, unsigned int v)
{
	rtc.dev.ops->write(&rtc.dev, 0, 0, reg, 1);
	rtc.dev.ops->write(&rtc.dev, 0, 1, v, 1);
}

static void test_formats(void)
{
	start();
	tap_eq(get(0), 0x05, "seconds");
	tap_eq(get(2), 0x08, "minutes");
	tap_eq(get(4), 0x17, "hours");
	tap_eq(get(6), 0x02, "Monday is day 2");
	tap_eq(get(7), 0x09, "day");
	tap_eq(get(8), 0x03, "month");
	tap_eq(get(9), 0x26, "year");
	tap_eq(get(0x32), 0x20, "century");
	tap_eq(get(13), 0x80, "the battery is good");
	set(11, 0x06);
	tap_eq(get(4), 17, "binary hours");
	set(11, 0x00);
	tap_eq(get(4), 0x85, "5 PM");
	now_ns -= 17 * 3600 * NS;
	tap_eq(get(4), 0x12, "midnight is 12 AM");
	now_ns += 12 * 3600 * NS;
	tap_eq(get(4), 0x92, "noon is 12 PM");
	tap_eq(get(10), 0x26, "no update in progress");
	now_ns += NS - 1000;
	tap_eq(get(10), 0xa6, "an update is near");
}

static void test_set(void)
{
	start();
	set(11, 0x82);
	set(0, 0x59);
	set(2, 0x59);
	set(4, 0x23);
	set(7, 0x31);
	set(8, 0x12);
	set(9, 0x99);
	now_ns += 5 * NS;
	tap_eq(get(0), 0x59, "time stands still while it is set");
	set(11, 0x02);
	tap_eq(get(9), 0x99, "the year is set");
	now_ns += NS;
	tap_eq(get(0) | get(2) | get(4), 0, "a second later it is midnight");
	tap_eq(get(7) << 16 | get(8) << 8 | get(9), 0x010100, "new year's day");
	tap_eq(get(0x32), 0x21, "a century on");
	set(8, 0x99);
	set(7, 0x00);
	set(0, 0xff);
	tap_ok(true, "nonsense is survived: month is 0x%x", get(8));
	set(0x40, 0x77);
	tap_eq(get(0x40), 0x77, "memory keeps what it is given");
	set(0xff, 0x11);
	tap_eq(get(0x7f), 0x11, "the top bit of the index is none of it");
}

static void test_interrupts(void)
{
	start();
	set(1, 0x10);
	set(3, 0xff);
	set(5, 0xff);
	set(11, 0x22);
	now_ns += 4 * NS;
	tap_eq(get(12), 0x10, "an update, no alarm yet");
	tap_ok(!line, "no interrupt");
	now_ns += NS;
	/* The tick that the main loop's timer makes. */
	set(1, 0x10);
	tap_eq(get(12), 0xb0, "the alarm");
	tap_eq(get(12), 0, "once");
	now_ns += 59 * NS;
	tap_eq(get(12), 0x10, "59 s later not yet again");
	now_ns += NS;
	tap_eq(get(12), 0xb0, "a minute later again");
	set(11, 0x12);
	now_ns += NS;
	tap_eq(get(12), 0x90, "the update interrupt");
	now_ns += 1000000 * NS;
	tap_eq(get(12), 0xb0, "days later all is pending, and the time was short");
	now_ns -= 5000000 * NS;
	get(12);
	tap_ok(true, "a host's clock that was set back is survived");
}

int main(void)
{
	test_formats();
	test_set();
	test_interrupts();
	return tap_done();
}
