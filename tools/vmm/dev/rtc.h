/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_DEV_RTC_H
#define VMM_DEV_RTC_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include "../bus.h"
#include "../irq.h"
#include "../loop.h"

#define RTC_REGS 128

/* An MC146818 clock with its CMOS memory. */
struct rtc {
	struct device dev;
	struct loop_source tick;	/* timer: once a second while an interrupt is enabled */
	int64_t (*now)(void);		/* ns since 1970, UTC */
	pthread_mutex_t lock;		/* guards the rest */
	struct irq_line irq;
	uint8_t index;
	uint8_t reg[RTC_REGS];		/* alarm, A to D, memory; not the time */
	int64_t offset;			/* seconds that the guest's clock is ahead of ours */
	int64_t seen;			/* guest's second up to which flags are accounted */
	struct tm set;			/* the time while the guest sets it (B.SET) */
};

int rtc_init(struct rtc *rtc, struct irq_line irq, struct loop *loop);
void rtc_destroy(struct rtc *rtc);

#endif
