// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random guests: any access in any order. Sanitizers and the models' invariants judge.
 *
 *	irqchip_fuzz [rounds [seed]]
 */
#include <stdlib.h>
#include <string.h>

#include "irqchip/ioapic_model.h"
#include "irqchip/pic_model.h"
#include "irqchip/pit_model.h"
#include "irqchip_host.h"
#include "tap.h"

static u64 state;

static u64 rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Often small or with few bits, sometimes anything. */
static u32 rnd_val(void)
{
	switch (rnd() & 3) {
	case 0:
		return rnd() & 0xff;
	case 1:
		return 1U << (rnd() & 31) | 1U << (rnd() & 31);
	case 2:
		return rnd() & 0x1afff;
	default:
		return rnd();
	}
}

static unsigned int lapic_bad;

static void lapic_check(struct host *h)
{
	unsigned int w;
	u32 ppr = lapic_get(&h->l, LAPIC_PPR), tpr = lapic_get(&h->l, LAPIC_TPR);
	int isr = lapic_regs_highest_isr(&h->l), irr = lapic_regs_highest_irr(&h->l);

	for (w = 0; w < 8; w++) {
		lapic_bad += !!lapic_get(&h->l, LAPIC_ISR + w * 16) != !!(h->l.isr_words & BIT(w));
		lapic_bad += lapic_get(&h->l, LAPIC_IRR + w * 16) && !(h->l.irr_words & BIT(w));
	}
	lapic_bad += (ppr & 0xf0) < (tpr & 0xf0) || (isr >= 0 && (ppr & 0xf0) < ((u32)isr & 0xf0));
	lapic_bad += irr < -1 || irr > 255;
	lapic_bad += !h->l.timer.armed && h->timer;
}

static void fuzz_lapic(unsigned long rounds)
{
	static u8 page[0x400];
	static struct host h;
	unsigned long i, j;

	host_init(&h, 5, false);
	for (i = 0; i < rounds; i++) {
		switch (rnd() % 12) {
		case 0 ... 3:
			lapic_regs_write(&h.l, (rnd() & 0x7f) * 16, rnd_val());
			break;
		case 4:
			lapic_regs_read(&h.l, rnd() & 0xff0, &(u32){ 0 });
			break;
		case 5:
			lapic_regs_write_icr(&h.l, rnd() << 32 | rnd_val());
			break;
		case 6:
			lapic_regs_accept(&h.l, rnd(), rnd() & 1);
			break;
		case 7:
			lapic_regs_ack(&h.l);
			break;
		case 8:
			host_advance(&h, rnd() & 0xfff);
			break;
		case 9:
			lapic_timer_set_deadline(&h.l, rnd() & 1 ? rnd() :
						 lapic_host_tsc(&h.l) + (rnd() & 0xffff));
			break;
		case 10:
			if (rnd() & 15)
				host_write(&h, LAPIC_SVR, 0x1ff);
			else
				lapic_regs_set_mode(&h.l, rnd() & 7, rnd() & 1);
			break;
		case 11:
			if (rnd() & 63)
				break;
			for (j = 0; j < sizeof(page); j++)
				page[j] = rnd() & rnd();
			lapic_regs_restore(&h.l, page);
			lapic_regs_save(&h.l, page);
			break;
		}
		/*
		 * 1 ns periods make host_advance() slow, and the driver doesn't allow them either.
		 */
		h.l.timer.min_period_ns = 200000;
		lapic_check(&h);
	}
	tap_ok(!lapic_bad, "local APIC: %u invariants broken in %lu accesses", lapic_bad, rounds);
}

static void fuzz_ioapic(unsigned long rounds)
{
	static struct ioapic_model m;
	struct kvm_ioapic_state s;
	struct irq_batch out;
	unsigned int bad = 0;
	unsigned long i, j;
	u32 all;

	ioapic_model_reset(&m);
	for (i = 0; i < rounds; i++) {
		out.nr = 0;
		switch (rnd() % 6) {
		case 0 ... 1:
			ioapic_model_write(&m, IOAPIC_IOREGSEL, rnd() & 0x4f, &out);
			ioapic_model_write(&m, IOAPIC_IOWIN, rnd_val(), &out);
			break;
		case 2:
			ioapic_model_read(&m, rnd() & 0xff);
			break;
		case 3:
			ioapic_model_set(&m, rnd() % IOAPIC_PINS, rnd() & 3, rnd() & 1, &out);
			break;
		case 4:
			ioapic_model_service(&m, ioapic_model_eoi(&m, rnd(), &all), &out);
			break;
		case 5:
			if (rnd() & 63)
				break;
			for (j = 0; j < sizeof(s); j++)
				((u8 *)&s)[j] = rnd();
			ioapic_model_restore(&m, &s, &out);
			break;
		}
		bad += out.nr > IOAPIC_PINS;
		for (j = 0; j < out.nr && j < IOAPIC_PINS; j++)
			bad += out.msg[j].pin >= IOAPIC_PINS ||
			       (out.msg[j].level && !(m.redir[out.msg[j].pin] & IOAPIC_REMOTE_IRR));
		for (j = 0; j < IOAPIC_PINS; j++)
			bad += !!m.sources[j] != !!(m.line & BIT(j));
	}
	tap_ok(!bad, "IOAPIC: %u invariants broken in %lu accesses", bad, rounds);
}

static void fuzz_pic(unsigned long rounds)
{
	static const u16 ports[] = { 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1 };
	static struct pic_model m;
	struct kvm_pic_state s;
	unsigned int bad = 0;
	unsigned long i, j;

	pic_model_reset(&m);
	for (i = 0; i < rounds; i++) {
		switch (rnd() % 6) {
		case 0 ... 1:
			pic_model_write(&m, ports[rnd() % 6], rnd());
			break;
		case 2:
			pic_model_read(&m, ports[rnd() % 6]);
			break;
		case 3:
			pic_model_set(&m, rnd() % PIC_LINES, rnd() & 3, rnd() & 1);
			break;
		case 4:
			pic_model_ack(&m);
			break;
		case 5:
			if (rnd() & 63)
				break;
			for (j = 0; j < sizeof(s); j++)
				((u8 *)&s)[j] = rnd();
			pic_model_restore(&m, rnd() & 1, &s);
			break;
		}
		bad += (pic_model_peek(&m) >= 0) != m.output;
		bad += pic_model_peek(&m) > 255;
	}
	tap_ok(!bad, "8259s: %u invariants broken in %lu accesses", bad, rounds);
}

static void fuzz_pit(unsigned long rounds)
{
	static struct pit_model m;
	struct kvm_pit_channel_state s[3];
	unsigned int bad = 0;
	struct pit_irq irq;
	unsigned long i, j;
	u64 now = 1000000000;

	pit_model_reset(&m, now);
	for (i = 0; i < rounds; i++) {
		switch (rnd() % 6) {
		case 0 ... 1:
			pit_model_write(&m, rnd(), rnd(), now);
			break;
		case 2:
			pit_model_read(&m, rnd(), now);
			break;
		case 3:
			pit_model_write_61(&m, rnd(), now);
			pit_model_read_61(&m, now);
			break;
		case 4:
			now += rnd() & 0xffffff;
			break;
		case 5:
			if (rnd() & 63)
				break;
			for (j = 0; j < sizeof(s); j++)
				((u8 *)s)[j] = rnd();
			pit_model_restore(&m, s, now);
			break;
		}
		pit_model_irq(&m, &irq);
		bad += irq.period && !irq.first;
		for (j = 0; j < 3; j++)
			bad += !m.ch[j].count || m.ch[j].count > 65536 || m.ch[j].mode > 5;
	}
	tap_ok(!bad, "8254: %u invariants broken in %lu accesses", bad, rounds);
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 300000;

	state = argc > 2 ? strtoull(argv[2], NULL, 0) : 0x9e3779b97f4a7c15;
	tap_diag("seed 0x%llx", state);
	fuzz_lapic(rounds);
	fuzz_ioapic(rounds);
	fuzz_pic(rounds);
	fuzz_pit(rounds);
	return tap_done();
}
