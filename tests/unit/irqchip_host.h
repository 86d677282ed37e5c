/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What surrounds a model of a local APIC in unit tests: a clock, a TSC, and a memory of what it
 * asked for.
 */
#ifndef _UNIT_IRQCHIP_HOST_H
#define _UNIT_IRQCHIP_HOST_H

#include "irqchip/lapic_regs.h"

#define HOST_MSGS 16

struct host {
	struct lapic_regs l;
	_Alignas(64) u8 page[LAPIC_PAGE_SIZE];

	u64 now; /* ns */
	u64 look_ns; /* so long takes each look at a clock */
	u64 tsc_khz; /* guest TSC = now scaled */
	u64 timer; /* target, ns; 0: off */
	u32 timer_starts;

	struct irq_msg msg[HOST_MSGS];
	u32 msgs;
	u32 eois, eoi_levels;
	u8 eoi_vector;
	u32 events, nmis;

	/* Called by lapic_host_eoi(), if set. */
	void (*on_eoi)(struct host *h, u8 vector, bool level);
	void *data;
};

void host_init(struct host *h, u32 id, bool x2apic);
/* Let time pass; the timer fires when it is due. Return: how often. */
u32 host_advance(struct host *h, u64 ns);
u32 host_read(struct host *h, u32 reg);
void host_write(struct host *h, u32 reg, u32 val);
void host_enable(struct host *h);

#endif
