// SPDX-License-Identifier: GPL-2.0-only
/*
 * A real-time clock: Motorola's MC146818 (data sheet AN894), as a PC has it at ports 0x70 and
 * 0x71. It shows the host's time in UTC until the guest sets it. Alarm and update interrupts
 * work, the periodic one doesn't exist: its flag never comes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "rtc.h"

enum rtc_reg {
	REG_SEC = 0,
	REG_SEC_ALARM = 1,
	REG_MIN = 2,
	REG_MIN_ALARM = 3,
	REG_HOUR = 4,
	REG_HOUR_ALARM = 5,
	REG_WDAY = 6,
	REG_MDAY = 7,
	REG_MONTH = 8,
	REG_YEAR = 9,
	REG_A = 10,
	REG_B = 11,
	REG_C = 12,
	REG_D = 13,
	REG_CENTURY = 0x32,
};

#define INDEX_MASK	0x7f	/* the top bit of port 0x70 masks NMIs */

#define A_UPDATING	0x80
#define A_DEFAULT	0x26	/* 32 kHz crystal, 1024 Hz */

#define B_SET		0x80
#define B_ALARM_INT	0x20
#define B_UPDATE_INT	0x10
#define B_BINARY	0x04
#define B_24_HOURS	0x02

#define C_IRQ		0x80
#define C_ALARM		0x20
#define C_UPDATE	0x10

#define D_VALID		0x80

#define ALARM_ANY	0xc0	/* both top bits: every hour, minute or second matches */
#define HOUR_PM		0x80

#define NS		1000000000
/* An update is announced that long before it happens. */
#define UPDATE_NS	244000

static int64_t rtc_realtime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * NS + ts.tv_nsec;
}

static uint8_t rtc_encode(const struct rtc *rtc, unsigned int v)
{
	return rtc->reg[REG_B] & B_BINARY ? v : (v / 10 % 10) << 4 | v % 10;
}

static unsigned int rtc_decode(const struct rtc *rtc, uint8_t v)
{
	return rtc->reg[REG_B] & B_BINARY ? v : (v >> 4) * 10 + (v & 0xf);
}

static uint8_t rtc_encode_hour(const struct rtc *rtc, unsigned int hour)
{
	if (rtc->reg[REG_B] & B_24_HOURS)
		return rtc_encode(rtc, hour);
	return rtc_encode(rtc, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0);
}

static unsigned int rtc_decode_hour(const struct rtc *rtc, uint8_t v)
{
	unsigned int hour;

	if (rtc->reg[REG_B] & B_24_HOURS)
		return rtc_decode(rtc, v);
	hour = rtc_decode(rtc, v & ~HOUR_PM) % 12;
	return v & HOUR_PM ? hour + 12 : hour;
}

static int64_t rtc_seconds(const struct rtc *rtc)
{
	return rtc->now() / NS + rtc->offset;
}

static void rtc_get_tm(const struct rtc *rtc, struct tm *tm)
{
	time_t t = rtc_seconds(rtc);

	if (rtc->reg[REG_B] & B_SET)
		*tm = rtc->set;
	else
		gmtime_r(&t, tm);
}

/* Impossible dates become possible ones: timegm() carries over. */
static void rtc_put_tm(struct rtc *rtc, struct tm *tm)
{
	if (rtc->reg[REG_B] & B_SET) {
		rtc->set = *tm;
		return;
	}
	rtc->offset = (int64_t)timegm(tm) - rtc->now() / NS;
	rtc->seen = rtc_seconds(rtc);
}

static bool rtc_alarm_matches(const struct rtc *rtc, int64_t second)
{
	unsigned int day = ((second % 86400) + 86400) % 86400;
	const uint8_t *reg = rtc->reg;

	return ((reg[REG_SEC_ALARM] & ALARM_ANY) == ALARM_ANY ||
		rtc_decode(rtc, reg[REG_SEC_ALARM]) == day % 60) &&
	       ((reg[REG_MIN_ALARM] & ALARM_ANY) == ALARM_ANY ||
		rtc_decode(rtc, reg[REG_MIN_ALARM]) == day / 60 % 60) &&
	       ((reg[REG_HOUR_ALARM] & ALARM_ANY) == ALARM_ANY ||
		rtc_decode_hour(rtc, reg[REG_HOUR_ALARM]) == day / 3600);
}

/* Bring the flags up to date with the seconds that have passed. */
static void rtc_account(struct rtc *rtc)
{
	int64_t now = rtc_seconds(rtc), s;
	uint8_t *c = &rtc->reg[REG_C];

	if (rtc->reg[REG_B] & B_SET || now == rtc->seen)
		return;
	/* A day has every alarm in it; the host's clock may have been set back, too. */
	s = now - 86400 > rtc->seen || now < rtc->seen ? now - 86400 : rtc->seen;
	*c |= C_UPDATE;
	while (!(*c & C_ALARM) && s < now)
		if (rtc_alarm_matches(rtc, ++s))
			*c |= C_ALARM;
	rtc->seen = now;
}

static void rtc_update_irq(struct rtc *rtc)
{
	uint8_t *c = &rtc->reg[REG_C];

	/* Flags and enables have the same bits. */
	if (*c & rtc->reg[REG_B] & (C_ALARM | C_UPDATE))
		*c |= C_IRQ;
	irq_line_set(&rtc->irq, *c & C_IRQ);
}

static void rtc_set_timer(struct rtc *rtc)
{
	bool on = rtc->reg[REG_B] & (B_ALARM_INT | B_UPDATE_INT) && !(rtc->reg[REG_B] & B_SET);
	struct itimerspec t = {
		.it_interval.tv_sec = on,
		.it_value.tv_sec = on ? rtc->now() / NS + 1 : 0,
	};

	if (rtc->tick.fd >= 0)
		timerfd_settime(rtc->tick.fd, TFD_TIMER_ABSTIME, &t, NULL);
}

static void rtc_tick(struct loop_source *src, uint32_t events)
{
	struct rtc *rtc = src->opaque;
	uint64_t ticks;

	(void)events;
	if (read(src->fd, &ticks, sizeof(ticks)) < 0)
		return;
	pthread_mutex_lock(&rtc->lock);
	rtc_account(rtc);
	rtc_update_irq(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

static uint8_t rtc_read_time(const struct rtc *rtc, uint8_t index)
{
	struct tm tm;

	rtc_get_tm(rtc, &tm);
	switch (index) {
	case REG_SEC:
		return rtc_encode(rtc, tm.tm_sec);
	case REG_MIN:
		return rtc_encode(rtc, tm.tm_min);
	case REG_HOUR:
		return rtc_encode_hour(rtc, tm.tm_hour);
	case REG_WDAY:
		return rtc_encode(rtc, tm.tm_wday + 1);
	case REG_MDAY:
		return rtc_encode(rtc, tm.tm_mday);
	case REG_MONTH:
		return rtc_encode(rtc, tm.tm_mon + 1);
	case REG_YEAR:
		return rtc_encode(rtc, (tm.tm_year + 1900) % 100);
	default:
		return rtc_encode(rtc, (tm.tm_year + 1900) / 100);
	}
}

static uint8_t rtc_read_reg(struct rtc *rtc, uint8_t index)
{
	uint8_t v;

	switch (index) {
	case REG_SEC:
	case REG_MIN:
	case REG_HOUR:
	case REG_WDAY:
	case REG_MDAY:
	case REG_MONTH:
	case REG_YEAR:
	case REG_CENTURY:
		return rtc_read_time(rtc, index);
	case REG_A:
		v = rtc->reg[REG_A];
		if (!(rtc->reg[REG_B] & B_SET) && rtc->now() % NS >= NS - UPDATE_NS)
			v |= A_UPDATING;
		return v;
	case REG_C:
		/* Reading it acknowledges everything. */
		rtc_account(rtc);
		rtc_update_irq(rtc);
		v = rtc->reg[REG_C];
		rtc->reg[REG_C] = 0;
		rtc_update_irq(rtc);
		return v;
	default:
		return rtc->reg[index];
	}
}

static void rtc_write_time(struct rtc *rtc, uint8_t index, uint8_t v)
{
	unsigned int n = rtc_decode(rtc, v);
	struct tm tm;
	int year;

	rtc_get_tm(rtc, &tm);
	year = tm.tm_year + 1900;
	switch (index) {
	case REG_SEC:
		tm.tm_sec = n;
		break;
	case REG_MIN:
		tm.tm_min = n;
		break;
	case REG_HOUR:
		tm.tm_hour = rtc_decode_hour(rtc, v);
		break;
	case REG_MDAY:
		tm.tm_mday = n;
		break;
	case REG_MONTH:
		tm.tm_mon = (int)n - 1;
		break;
	case REG_YEAR:
		tm.tm_year = year / 100 * 100 + (int)n - 1900;
		break;
	case REG_CENTURY:
		tm.tm_year = (int)n * 100 + year % 100 - 1900;
		break;
	default:
		return;	/* the day of the week follows from the date */
	}
	rtc_put_tm(rtc, &tm);
}

static void rtc_write_b(struct rtc *rtc, uint8_t v)
{
	uint8_t old = rtc->reg[REG_B];
	struct tm tm;

	rtc_account(rtc);
	if (v & ~old & B_SET) {
		/* The time stands still; setting it also clears UIE (data sheet, register B). */
		rtc_get_tm(rtc, &rtc->set);
		v &= ~B_UPDATE_INT;
	}
	rtc->reg[REG_B] = v;
	if (old & ~v & B_SET) {
		tm = rtc->set;
		rtc_put_tm(rtc, &tm);
	}
	rtc_update_irq(rtc);
	rtc_set_timer(rtc);
}

static void rtc_write_reg(struct rtc *rtc, uint8_t index, uint8_t v)
{
	switch (index) {
	case REG_SEC:
	case REG_MIN:
	case REG_HOUR:
	case REG_WDAY:
	case REG_MDAY:
	case REG_MONTH:
	case REG_YEAR:
	case REG_CENTURY:
		rtc_write_time(rtc, index, v);
		break;
	case REG_SEC_ALARM:
	case REG_MIN_ALARM:
	case REG_HOUR_ALARM:
		/* What is past was for the old alarm. */
		rtc_account(rtc);
		rtc->reg[index] = v;
		break;
	case REG_A:
		rtc->reg[REG_A] = v & ~A_UPDATING;
		break;
	case REG_B:
		rtc_write_b(rtc, v);
		break;
	case REG_C:
	case REG_D:
		break;	/* read-only */
	default:
		rtc->reg[index] = v;
	}
}

static uint64_t rtc_read(struct device *dev, unsigned int region, uint64_t offset,
			 unsigned int size)
{
	struct rtc *rtc = dev->opaque;
	uint8_t v = 0xff;

	(void)region;
	(void)size;
	pthread_mutex_lock(&rtc->lock);
	if (offset == 1)
		v = rtc_read_reg(rtc, rtc->index);
	pthread_mutex_unlock(&rtc->lock);
	return v;
}

static void rtc_write(struct device *dev, unsigned int region, uint64_t offset, uint64_t value,
		      unsigned int size)
{
	struct rtc *rtc = dev->opaque;

	(void)region;
	pthread_mutex_lock(&rtc->lock);
	if (offset == 0)
		rtc->index = value & INDEX_MASK;
	if (offset == 1 || size > 1)
		rtc_write_reg(rtc, rtc->index, offset ? value : value >> 8);
	pthread_mutex_unlock(&rtc->lock);
}

static const struct device_ops rtc_ops = {
	.name = "rtc",
	.read = rtc_read,
	.write = rtc_write,
};

/**
 * rtc_init() - Set up a clock that shows the host's time.
 * @rtc: filled in.
 * @irq: its interrupt line.
 * @loop: the main loop, for the once-a-second timer; NULL for a clock without one.
 *
 * Return: 0 or a negative errno; rtc_destroy() is due in any case.
 */
int rtc_init(struct rtc *rtc, struct irq_line irq, struct loop *loop)
{
	*rtc = (struct rtc){
		.dev = { .ops = &rtc_ops, .opaque = rtc },
		.tick = { .ready = rtc_tick, .opaque = rtc, .fd = -1 },
		.now = rtc_realtime,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.irq = irq,
	};
	rtc->reg[REG_A] = A_DEFAULT;
	rtc->reg[REG_B] = B_24_HOURS;
	rtc->reg[REG_D] = D_VALID;
	rtc->seen = rtc_seconds(rtc);
	if (!loop)
		return 0;
	rtc->tick.fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (rtc->tick.fd < 0)
		return -errno;
	return loop_add(loop, &rtc->tick, EPOLLIN);
}

/**
 * rtc_destroy() - Undo rtc_init().
 * @rtc: the clock.
 */
void rtc_destroy(struct rtc *rtc)
{
	if (rtc->tick.fd >= 0)
		close(rtc->tick.fd);
	rtc->tick.fd = -1;
}
