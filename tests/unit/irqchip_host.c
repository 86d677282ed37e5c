// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include <linux/string.h>

#include "irqchip_host.h"

static struct host *to_host(struct lapic_regs *l)
{
	return container_of(l, struct host, l);
}

/* Time passes behind each look at it: the thread may not have its CPU. */
static u64 look(struct host *h)
{
	u64 now = h->now;

	h->now += h->look_ns;
	return now;
}

void lapic_host_send(struct lapic_regs *l, const struct irq_msg *msg)
{
	struct host *h = to_host(l);

	h->msg[h->msgs++ % HOST_MSGS] = *msg;
}

void lapic_host_eoi(struct lapic_regs *l, u8 vector, bool level)
{
	struct host *h = to_host(l);

	h->eois++;
	h->eoi_levels += level;
	h->eoi_vector = vector;
	if (h->on_eoi)
		h->on_eoi(h, vector, level);
}

void lapic_host_event(struct lapic_regs *l)
{
	to_host(l)->events++;
}

void lapic_host_nmi(struct lapic_regs *l)
{
	to_host(l)->nmis++;
}

u64 lapic_host_now(struct lapic_regs *l)
{
	return look(to_host(l));
}

void lapic_host_timer_start(struct lapic_regs *l, u64 ns)
{
	to_host(l)->timer = ns ?: 1;
	to_host(l)->timer_starts++;
}

void lapic_host_timer_cancel(struct lapic_regs *l)
{
	to_host(l)->timer = 0;
}

u64 lapic_host_tsc(struct lapic_regs *l)
{
	return (unsigned __int128)look(to_host(l)) * to_host(l)->tsc_khz / 1000000;
}

u64 lapic_host_tsc_to_ns(struct lapic_regs *l, u64 ticks)
{
	unsigned __int128 ns = ((unsigned __int128)ticks * 1000000 + to_host(l)->tsc_khz - 1) /
			       to_host(l)->tsc_khz;

	return ns > INT64_MAX ? INT64_MAX : ns;
}

void host_init(struct host *h, u32 id, bool x2apic)
{
	memset(h, 0, sizeof(*h));
	h->now = 1000000000;
	h->tsc_khz = 3000000;
	h->l.page = h->page;
	h->l.id = id;
	h->l.lvtt_modes = LAPIC_LVTT_PERIODIC | LAPIC_LVTT_DEADLINE;
	lapic_regs_set_mode(&h->l, true, false);
	lapic_regs_reset(&h->l);
	if (x2apic)
		lapic_regs_set_mode(&h->l, true, true);
}

u32 host_advance(struct host *h, u64 ns)
{
	u64 end = h->now + ns;
	u32 fired = 0;

	while (h->timer && h->timer <= end) {
		h->now = max(h->now, h->timer);
		h->timer = 0;
		fired++;
		lapic_timer_expired(&h->l);
	}
	h->now = end;
	return fired;
}

u32 host_read(struct host *h, u32 reg)
{
	u32 val;

	return lapic_regs_read(&h->l, reg, &val) ? 0xdead : val;
}

void host_write(struct host *h, u32 reg, u32 val)
{
	lapic_regs_write(&h->l, reg, val);
}

void host_enable(struct host *h)
{
	host_write(h, LAPIC_SVR, 0x1ff);
}
