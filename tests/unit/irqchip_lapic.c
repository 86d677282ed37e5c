// SPDX-License-Identifier: GPL-2.0-only
/* The local APIC's registers, priorities, destinations (SDM vol. 3, chapter 11). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "irqchip_host.h"
#include "tap.h"

#define REFUSED ((unsigned long long)-EINVAL)
#define IGNORED ((unsigned long long)IRQ_IGNORED)

static struct host h;

static struct irq_msg to(u32 dest, bool logical)
{
	return (struct irq_msg){ .dest = dest, .vector = 0x40, .logical = logical };
}

static void test_reset(void)
{
	u32 reg;
	bool masked = true;

	host_init(&h, 3, false);
	tap_eq(host_read(&h, LAPIC_ID), 3 << 24, "reset: xAPIC id in the top byte");
	tap_eq(host_read(&h, LAPIC_VERSION), 0x50014, "reset: version 0x14, 6 LVTs");
	tap_eq(host_read(&h, LAPIC_SVR), 0xff, "reset: disabled by software");
	tap_eq(host_read(&h, LAPIC_DFR), ~0U, "reset: flat model");
	for (reg = LAPIC_LVTT; reg <= LAPIC_LVTERR; reg += 16)
		masked = masked && host_read(&h, reg) == LAPIC_LVT_MASKED;
	tap_ok(masked, "reset: all LVTs masked");
	h.l.extint_quirk = true;
	lapic_regs_reset(&h.l);
	tap_eq(host_read(&h, LAPIC_LVT0), 0x700, "reset: LVT0 is ExtINT with the quirk");
	host_init(&h, 0x123, true);
	tap_eq(host_read(&h, LAPIC_ID), 0x123, "x2APIC: id is 32 bits");
	tap_eq(host_read(&h, LAPIC_LDR), 0x120008, "x2APIC: LDR from the id");
}

static void test_cmci(void)
{
	u8 saved[LAPIC_PAGE_SIZE];

	host_init(&h, 0, false);
	host_enable(&h);
	tap_eq(host_read(&h, LAPIC_LVTCMCI), 0xdead, "CMCI: no such register");
	host_write(&h, LAPIC_ESR, 0);
	tap_eq(host_read(&h, LAPIC_ESR), LAPIC_ESR_REGISTER, "an error of the guest's");
	lapic_regs_set_cmci(&h.l, true);
	tap_eq(host_read(&h, LAPIC_VERSION), 0x60014, "CMCI: 7 LVTs");
	tap_eq(host_read(&h, LAPIC_LVTCMCI), LAPIC_LVT_MASKED, "masked at first");
	tap_ok(!lapic_regs_local(&h.l, LAPIC_LVTCMCI), "masked: nothing");
	host_write(&h, LAPIC_LVTCMCI, 0xfffe00f2);
	tap_eq(host_read(&h, LAPIC_LVTCMCI), 0xf2, "vector, mode and mask can be written");
	lapic_regs_save(&h.l, saved);
	lapic_regs_local(&h.l, LAPIC_LVTCMCI);
	tap_eq(lapic_regs_pending(&h.l), 0xf2, "it interrupts");
	host_write(&h, LAPIC_SVR, 0xff);
	tap_eq(host_read(&h, LAPIC_LVTCMCI), 0xf2 | LAPIC_LVT_MASKED, "masked by software disable");
	lapic_regs_restore(&h.l, saved);
	tap_eq(host_read(&h, LAPIC_LVTCMCI), 0xf2, "restored");
	lapic_regs_reset(&h.l);
	tap_eq(host_read(&h, LAPIC_LVTCMCI), LAPIC_LVT_MASKED, "masked by INIT");
	tap_eq(host_read(&h, LAPIC_VERSION), 0x60014, "which leaves 7 LVTs");
	lapic_regs_set_mode(&h.l, true, true);
	tap_eq(lapic_regs_write(&h.l, LAPIC_LVTCMCI, 0x100f2), 0, "x2APIC: there, too");
	tap_eq(lapic_regs_write(&h.l, LAPIC_LVTCMCI, 0x200f2), REFUSED, "x2APIC: reserved bits");
	lapic_regs_set_cmci(&h.l, false);
	tap_eq(lapic_regs_write(&h.l, LAPIC_LVTCMCI, 0x100f2), REFUSED, "x2APIC: gone");
	tap_eq(host_read(&h, LAPIC_VERSION), 0x50014, "6 LVTs again");
	lapic_regs_restore(&h.l, saved);
	tap_eq(lapic_get(&h.l, LAPIC_LVTCMCI), 0, "nor can it be restored then");
}

static void test_priority(void)
{
	int v;

	host_init(&h, 0, false);
	tap_eq(lapic_regs_accept(&h.l, 0x40, false), IGNORED,
	       "software-disabled: nothing accepted");
	host_enable(&h);
	tap_eq(lapic_regs_accept(&h.l, 0x0f, false), IGNORED,
	       "vector below 16 not accepted");
	tap_eq(lapic_regs_accept(&h.l, 0x40, false), IRQ_DELIVERED, "accepted");
	tap_eq(lapic_regs_accept(&h.l, 0x40, false), IRQ_COALESCED, "the same again: coalesced");
	tap_eq(lapic_regs_pending(&h.l), 0x40, "pending");
	tap_eq(lapic_regs_ack(&h.l), 0x40, "taken");
	tap_eq(host_read(&h, LAPIC_PPR), 0x40, "PPR follows ISR");
	lapic_regs_accept(&h.l, 0x4f, false);
	v = lapic_regs_pending(&h.l);
	tap_ok(v == -1, "same class waits: expected -1, saw %d", v);
	tap_eq(lapic_regs_highest_irr(&h.l), 0x4f, "but it is requested");
	lapic_regs_accept(&h.l, 0x51, false);
	tap_eq(lapic_regs_ack(&h.l), 0x51, "a higher class interrupts");
	tap_eq(lapic_regs_highest_isr(&h.l), 0x51, "two in service, highest first");
	host_write(&h, LAPIC_EOI, 0);
	tap_eq(h.eoi_vector, 0x51, "EOI ends the highest");
	v = lapic_regs_pending(&h.l);
	tap_ok(v == -1, "0x4f still waits for 0x40: expected -1, saw %d", v);
	h.events = 0;
	host_write(&h, LAPIC_EOI, 0);
	tap_eq(h.eoi_vector, 0x40, "EOI of the next");
	tap_ok(h.events > 0, "EOI with a request pending makes the vCPU look");
	tap_eq(lapic_regs_ack(&h.l), 0x4f, "now 0x4f");
	host_write(&h, LAPIC_EOI, 0);
	tap_eq(h.eois, 3, "three EOIs told to the world");
	host_write(&h, LAPIC_EOI, 0);
	tap_eq(h.eois, 3, "an EOI with nothing in service is nothing");
	v = lapic_regs_highest_irr(&h.l);
	tap_ok(v == -1, "IRR empty: expected -1, saw %d", v);
}

static void test_tpr(void)
{
	int v;

	host_init(&h, 0, false);
	host_enable(&h);
	host_write(&h, LAPIC_TPR, 0x55);
	tap_eq(host_read(&h, LAPIC_PPR), 0x55, "PPR is TPR while nothing is in service");
	lapic_regs_accept(&h.l, 0x5f, false);
	v = lapic_regs_pending(&h.l);
	tap_ok(v == -1, "TPR 0x55 holds vector 0x5f: expected -1, saw %d", v);
	h.events = 0;
	lapic_regs_set_tpr(&h.l, 0x40);
	tap_ok(h.events == 1, "lowering TPR makes the vCPU look: expected 1 event, saw %u",
	       h.events);
	tap_eq(lapic_regs_ack(&h.l), 0x5f, "and lets it through");
	tap_eq(host_read(&h, LAPIC_PPR), 0x50, "PPR is the class in service above TPR");
	lapic_regs_set_tpr(&h.l, 0x52);
	tap_eq(host_read(&h, LAPIC_PPR), 0x52, "the same class: TPR's low bits show");
}

static void test_all_vectors(void)
{
	unsigned int v, wrong = 0;

	host_init(&h, 0, false);
	host_enable(&h);
	for (v = 16; v < 256; v++)
		lapic_regs_accept(&h.l, v, v & 1);
	/*
	 * One of each class can be in service at a time; end it at once, so all come in falling
	 * order.
	 */
	for (v = 255; v >= 16; v--) {
		wrong += lapic_regs_ack(&h.l) != (int)v;
		lapic_regs_eoi(&h.l);
	}
	tap_ok(!wrong, "240 vectors come in falling order: %u out of order", wrong);
	tap_eq(h.eois, 240, "each ended once");
	tap_eq(h.eoi_levels, 120, "the level-triggered ones with a broadcast");
	tap_ok(lapic_regs_highest_irr(&h.l) == -1 && lapic_regs_highest_isr(&h.l) == -1,
	       "nothing left");
}

static void test_tmr(void)
{
	host_init(&h, 0, false);
	host_enable(&h);
	lapic_regs_accept(&h.l, 0x60, true);
	tap_eq(host_read(&h, LAPIC_TMR + 0x30), 1, "TMR set by a level-triggered interrupt");
	lapic_regs_ack(&h.l);
	lapic_regs_eoi(&h.l);
	tap_eq(h.eoi_levels, 1, "its EOI is broadcast");
	lapic_regs_accept(&h.l, 0x60, false);
	tap_eq(host_read(&h, LAPIC_TMR + 0x30), 0, "TMR cleared by an edge");
	lapic_regs_ack(&h.l);
	lapic_regs_eoi(&h.l);
	tap_eq(h.eoi_levels, 1, "its EOI is not");
}

static bool matches(const struct irq_msg *msg)
{
	return lapic_regs_match(&h.l, msg);
}

static void test_match_xapic(void)
{
	struct irq_msg m;

	host_init(&h, 2, false);
	m = to(2, false);
	tap_ok(matches(&m), "physical: own id");
	m = to(3, false);
	tap_ok(!matches(&m), "physical: not another's");
	m.bcast = IRQ_BCAST_ALL;
	tap_ok(matches(&m), "physical: broadcast");
	host_write(&h, LAPIC_LDR, 0x04000000);
	m = to(0x0c, true);
	tap_ok(matches(&m), "flat: a common bit");
	m = to(0x0b, true);
	tap_ok(!matches(&m), "flat: no common bit");
	m = to(0x104, true);
	tap_ok(!matches(&m), "flat: a destination above 8 bits is an x2APIC's");
	host_write(&h, LAPIC_DFR, 0x0fffffff);
	host_write(&h, LAPIC_LDR, 0x32000000);
	m = to(0x3e, true);
	tap_ok(matches(&m), "cluster: same cluster, a common bit");
	m = to(0x2e, true);
	tap_ok(!matches(&m), "cluster: another cluster");
	m = to(0x3d, true);
	tap_ok(!matches(&m), "cluster: no common bit");
}

static void test_match_x2apic(void)
{
	struct irq_msg m;

	host_init(&h, 0x25, true);
	m = to(0x25, false);
	tap_ok(matches(&m), "x2APIC physical");
	m = to(0x20020, true);
	tap_ok(matches(&m), "x2APIC logical: cluster 2, bit 5");
	m = to(0x10020, true);
	tap_ok(!matches(&m), "x2APIC logical: another cluster");
	m = to(0x2ffdf, true);
	tap_ok(!matches(&m), "x2APIC logical: all bits but this");
	m = to(0xff, false);
	m.bcast = IRQ_BCAST_XAPIC;
	tap_ok(!matches(&m), "0xff without the broadcast quirk is no broadcast for an x2APIC");
	tap_eq(lapic_regs_write(&h.l, LAPIC_LDR, 0), REFUSED, "LDR is read-only");
	tap_eq(lapic_regs_write(&h.l, LAPIC_DFR, 0), REFUSED, "no DFR");
	tap_eq(lapic_regs_write(&h.l, LAPIC_ICR2, 0), REFUSED, "no ICR2");
	tap_eq(lapic_regs_write(&h.l, LAPIC_TPR, 0x100), REFUSED,
	       "reserved bit of TPR");
	tap_eq(lapic_regs_write(&h.l, LAPIC_EOI, 1), REFUSED, "EOI other than 0");
	tap_eq(lapic_regs_write(&h.l, LAPIC_LVTT, 1 << 20), REFUSED,
	       "reserved bit of LVTT");
	tap_eq(lapic_regs_write(&h.l, LAPIC_IRR, 0), REFUSED, "IRR is read-only");
}

static void test_icr(void)
{
	host_init(&h, 1, false);
	host_enable(&h);
	host_write(&h, LAPIC_ICR2, 0x05ffffff);
	tap_eq(host_read(&h, LAPIC_ICR2), 0x05000000, "ICR2 has 8 bits");
	host_write(&h, LAPIC_ICR, 0x5030);
	tap_eq(host_read(&h, LAPIC_ICR), 0x4030, "ICR never reads busy");
	tap_ok(h.msgs == 1 && h.msg[0].dest == 5 && h.msg[0].vector == 0x30 && !h.msg[0].logical &&
	       !h.msg[0].mode && !h.msg[0].level, "fixed IPI to APIC 5: saw %u messages, dest %u",
	       h.msgs, h.msg[0].dest);
	host_write(&h, LAPIC_ICR2, 0xff000000);
	host_write(&h, LAPIC_ICR, 0x4c31);
	tap_ok(h.msgs == 2 && h.msg[1].bcast == IRQ_BCAST_ALL && h.msg[1].logical &&
	       h.msg[1].mode == IRQ_NMI, "NMI to 0xff is a broadcast");
	host_write(&h, LAPIC_ICR, 0xc4500);
	tap_ok(h.msgs == 3 && h.msg[2].shorthand == IRQ_TO_OTHERS && h.msg[2].mode == IRQ_INIT,
	       "INIT to all others");
	host_write(&h, LAPIC_ICR, 0x8500);
	tap_eq(h.msgs, 3, "INIT de-assert does nothing");
	host_write(&h, LAPIC_ICR, 0xc4699);
	tap_ok(h.msgs == 4 && h.msg[3].mode == IRQ_SIPI && h.msg[3].vector == 0x99, "SIPI");
	host_write(&h, LAPIC_ICR, 0x40077);
	tap_ok(h.msgs == 4 && lapic_regs_pending(&h.l) == 0x77, "self IPI stays here");
	host_write(&h, LAPIC_LVTERR, 0xfe);
	host_write(&h, LAPIC_ICR, 0x4005);
	tap_ok(h.msgs == 4, "a fixed IPI below vector 16 isn't sent");
	tap_eq(lapic_regs_pending(&h.l), 0xfe, "but LVTERR fires");
	lapic_regs_ack(&h.l);
	host_write(&h, LAPIC_ICR, 0x4005);
	tap_ok(lapic_regs_highest_irr(&h.l) == 0x77, "only once until ESR is written");
	host_write(&h, LAPIC_ESR, 0);
	tap_eq(host_read(&h, LAPIC_ESR), LAPIC_ESR_SEND_ILLEGAL, "ESR says why");
	host_write(&h, LAPIC_ESR, 0);
	tap_eq(host_read(&h, LAPIC_ESR), 0, "and forgets");

	host_init(&h, 1, true);
	host_enable(&h);
	tap_eq(lapic_regs_write_icr(&h.l, 0x123456700004041ULL), 0, "x2APIC ICR");
	tap_ok(h.msgs == 1 && h.msg[0].dest == 0x1234567 && h.msg[0].vector == 0x41,
	       "32-bit destination: saw 0x%x", h.msg[0].dest);
	tap_eq(lapic_regs_write_icr(&h.l, 0x2041), REFUSED, "reserved ICR bit 13");
	tap_eq(lapic_regs_write_icr(&h.l, 1 << 20), REFUSED, "reserved ICR bit 20");
	tap_eq(lapic_regs_write_icr(&h.l, 0xff00000041ULL), 0, "0xff is an id");
	tap_ok(h.msgs == 2 && h.msg[1].bcast == IRQ_BCAST_NONE, "and no broadcast");
	lapic_regs_write_icr(&h.l, 0xffffffff00000041ULL);
	tap_ok(h.msgs == 3 && h.msg[2].bcast == IRQ_BCAST_ALL, "0xffffffff is one");
	host_write(&h, LAPIC_SELF_IPI, 0x66);
	tap_ok(h.msgs == 3 && lapic_regs_pending(&h.l) == 0x66, "SELF_IPI");
}

static void test_svr(void)
{
	host_init(&h, 0, false);
	host_enable(&h);
	host_write(&h, LAPIC_LVT1, 0x400);
	tap_eq(host_read(&h, LAPIC_LVT1), 0x400, "LVT1 unmasked");
	lapic_regs_local(&h.l, LAPIC_LVT1);
	tap_eq(h.nmis, 1, "an LVT in NMI mode");
	lapic_regs_accept(&h.l, 0x44, false);
	host_write(&h, LAPIC_SVR, 0xff);
	tap_eq(host_read(&h, LAPIC_LVT1), 0x10400, "software disable masks the LVTs");
	host_write(&h, LAPIC_LVT1, 0x400);
	tap_eq(host_read(&h, LAPIC_LVT1), 0x10400, "and keeps them masked");
	tap_eq(lapic_regs_pending(&h.l), 0x44, "what was pending stays");
	host_write(&h, LAPIC_SVR, 0x11ff);
	tap_eq(host_read(&h, LAPIC_SVR), 0x1ff, "EOI-broadcast suppression isn't there");
	lapic_regs_read(&h.l, 0x40, &(u32){ 0 });
	host_write(&h, LAPIC_ESR, 0);
	tap_eq(host_read(&h, LAPIC_ESR), LAPIC_ESR_REGISTER,
	       "reading a reserved register is an error");
}

static void test_modes(void)
{
	host_init(&h, 7, false);
	host_enable(&h);
	host_write(&h, LAPIC_TPR, 0x20);
	lapic_regs_set_mode(&h.l, true, true);
	tap_eq(host_read(&h, LAPIC_TPR), 0x20, "xAPIC to x2APIC keeps registers");
	tap_eq(host_read(&h, LAPIC_LDR), 1 << 7, "and sets LDR");
	lapic_regs_set_mode(&h.l, false, false);
	tap_eq(lapic_regs_accept(&h.l, 0x40, false), IGNORED, "disabled");
	lapic_regs_set_mode(&h.l, true, false);
	tap_ok(host_read(&h, LAPIC_TPR) == 0 && host_read(&h, LAPIC_SVR) == 0xff &&
	       host_read(&h, LAPIC_ID) == 7 << 24, "disabling resets");
}

static void test_state(void)
{
	static u8 a[0x400], b[0x400];
	static struct host h2;

	host_init(&h, 4, false);
	host_enable(&h);
	host_write(&h, LAPIC_LDR, 0x10000000);
	host_write(&h, LAPIC_LVTT, 0x200ef);
	host_write(&h, LAPIC_TDCR, 0xb);
	host_write(&h, LAPIC_TMICT, 1000000);
	lapic_regs_accept(&h.l, 0x31, true);
	lapic_regs_accept(&h.l, 0x91, false);
	lapic_regs_ack(&h.l);
	lapic_regs_accept(&h.l, 0xa1, false);
	host_advance(&h, 400000);
	lapic_regs_save(&h.l, a);

	host_init(&h2, 4, false);
	lapic_regs_restore(&h2.l, a);
	lapic_regs_save(&h2.l, b);
	tap_ok(!memcmp(a, b, sizeof(a)), "saved, restored, saved again: the same");
	tap_eq(lapic_regs_ack(&h2.l), 0xa1, "restored: the request goes in");
	lapic_regs_eoi(&h2.l);
	lapic_regs_eoi(&h2.l);
	tap_eq(h2.eoi_vector, 0x91, "restored: what was in service ends");
	tap_eq(lapic_regs_ack(&h2.l), 0x31, "restored: the last request");
	lapic_regs_eoi(&h2.l);
	tap_eq(h2.eoi_levels, 1, "restored: it was level triggered");
	tap_eq(host_advance(&h2, 599999), 0, "restored timer: not early");
	tap_eq(host_advance(&h2, 1), 1, "restored timer: goes on with its count");
	tap_eq(host_advance(&h2, 1000000), 1, "restored timer: and its period");

	memset(a, 0xff, sizeof(a));
	lapic_regs_restore(&h2.l, a);
	tap_eq(host_read(&h2, LAPIC_ID), 4 << 24, "all ones: id stays");
	tap_eq(host_read(&h2, LAPIC_VERSION), 0x50014, "all ones: version stays");
	tap_eq(host_read(&h2, LAPIC_TDCR), 0xb, "all ones: TDCR sane");
	tap_eq(host_read(&h2, LAPIC_LVTT), 0x700ff, "all ones: LVTT sane");
}

/* What hardware does to the page when it delivers the vector (SDM vol. 3, 29.2.2). */
static void hardware_delivers(u8 vector)
{
	u32 word = (vector >> 5) * 16, bit = 1u << (vector & 31);

	lapic_set(&h.l, LAPIC_IRR + word, lapic_get(&h.l, LAPIC_IRR + word) & ~bit);
	lapic_set(&h.l, LAPIC_ISR + word, lapic_get(&h.l, LAPIC_ISR + word) | bit);
	lapic_set(&h.l, LAPIC_PPR, vector & 0xf0);
}

static void test_hardware(void)
{
	int v;

	host_init(&h, 0, true);
	host_enable(&h);
	lapic_regs_accept(&h.l, 0x35, false);
	lapic_regs_set_hw(&h.l, true);
	tap_eq(lapic_regs_accept(&h.l, 0x41, false), IRQ_DELIVERED, "hardware: accepted");
	tap_eq(lapic_regs_accept(&h.l, 0x41, false), IRQ_COALESCED, "hardware: coalesced");
	lapic_regs_accept(&h.l, 0x62, true);
	tap_eq(host_read(&h, LAPIC_IRR + 0x20) | host_read(&h, LAPIC_IRR + 0x30), 0,
	       "hardware: the page is left alone");
	lapic_regs_sync(&h.l);
	tap_eq(lapic_regs_highest_irr(&h.l), 0x62, "hardware: requested once synchronised");
	tap_eq(host_read(&h, LAPIC_IRR + 0x20), 1 << 1, "hardware: the other one, too");
	tap_eq(host_read(&h, LAPIC_TMR + 0x30), 1 << 2, "hardware: with how it came");
	tap_eq(lapic_regs_accept(&h.l, 0x41, false), IRQ_DELIVERED,
	       "hardware: may have been delivered meanwhile");
	hardware_delivers(0x62);
	lapic_regs_sync(&h.l);
	tap_eq(lapic_regs_highest_isr(&h.l), 0x62, "hardware: in service");
	tap_eq(lapic_regs_highest_irr(&h.l), 0x41, "hardware: next in line");
	v = lapic_regs_pending(&h.l);
	tap_ok(v == -1, "hardware: but masked: expected -1, saw %d", v);
	h.eois = h.eoi_levels = 0;
	lapic_regs_eoi_done(&h.l, 0x62);
	tap_eq(h.eois, 1, "hardware: its EOI is passed on");
	tap_eq(h.eoi_vector, 0x62, "hardware: whose");
	tap_eq(h.eoi_levels, 1, "hardware: as a level-triggered one's");
	/* A self-IPI of the guest's, where the model has seen nothing of it. */
	lapic_set(&h.l, LAPIC_IRR + 0x70, 1);
	lapic_regs_sync(&h.l);
	tap_eq(lapic_regs_highest_irr(&h.l), 0xe0, "hardware: a self-IPI is seen");
	lapic_set(&h.l, LAPIC_IRR + 0x70, 0);
	lapic_regs_accept(&h.l, 0x77, false);
	h.events = 0;
	lapic_regs_set_hw(&h.l, false);
	tap_eq(h.events, 1, "software again: looks at once");
	tap_eq(lapic_regs_highest_irr(&h.l), 0x77, "software again: finds what was posted");
	lapic_regs_eoi(&h.l);
	tap_eq(lapic_regs_ack(&h.l), 0x77, "software again: takes it");
	lapic_regs_set_hw(&h.l, true);
	lapic_regs_accept(&h.l, 0x88, false);
	lapic_regs_reset(&h.l);
	lapic_regs_sync(&h.l);
	v = lapic_regs_highest_irr(&h.l);
	tap_ok(v == -1, "reset: nothing posted stays: expected -1, saw %d", v);
}

/* One vector, both ways: as with software's delivery the last one says how. */
static void test_hardware_trigger(void)
{
	host_init(&h, 0, false);
	host_enable(&h);
	lapic_regs_set_hw(&h.l, true);
	lapic_regs_accept(&h.l, 0x62, true);
	tap_eq(lapic_regs_accept(&h.l, 0x62, false), IRQ_COALESCED, "posted: level, then edge");
	lapic_regs_sync(&h.l);
	tap_eq(host_read(&h, LAPIC_TMR + 0x30), 0, "posted: level, then edge: TMR clear");
	hardware_delivers(0x62);
	lapic_regs_sync(&h.l);
	h.eois = h.eoi_levels = 0;
	lapic_regs_eoi(&h.l);
	tap_ok(h.eois == 1 && !h.eoi_levels, "posted: level, then edge: an EOI without broadcast");

	lapic_regs_accept(&h.l, 0x62, false);
	tap_eq(lapic_regs_accept(&h.l, 0x62, true), IRQ_COALESCED, "posted: edge, then level");
	lapic_regs_sync(&h.l);
	tap_eq(host_read(&h, LAPIC_TMR + 0x30), 1 << 2, "posted: edge, then level: TMR set");
	hardware_delivers(0x62);
	lapic_regs_sync(&h.l);
	lapic_regs_eoi(&h.l);
	tap_eq(h.eoi_levels, 1, "posted: edge, then level: its EOI is broadcast");

	/* Taken in one after the other. */
	lapic_regs_accept(&h.l, 0x62, false);
	lapic_regs_sync(&h.l);
	tap_eq(host_read(&h, LAPIC_TMR + 0x30), 0, "posted: an edge clears TMR");
	lapic_regs_accept(&h.l, 0x63, false);
	lapic_regs_accept(&h.l, 0x62, true);
	lapic_regs_sync(&h.l);
	tap_eq(host_read(&h, LAPIC_TMR + 0x30), 1 << 2, "posted: a level sets it, and it alone");
}

/* Hardware writes first, and then says so. */
static void hardware_writes(u32 reg, u32 val)
{
	lapic_set(&h.l, reg, val);
	lapic_regs_written(&h.l, reg);
}

static void test_hardware_writes(void)
{
	host_init(&h, 5, false);
	host_enable(&h);
	lapic_regs_set_hw(&h.l, true);
	hardware_writes(LAPIC_ID, 0x0f000000);
	tap_eq(host_read(&h, LAPIC_ID), 5 << 24, "written: the id stays");
	hardware_writes(LAPIC_LVTT, 0x40);
	hardware_writes(LAPIC_TDCR, 0xb);
	hardware_writes(LAPIC_TMICT, 1000);
	tap_eq(h.timer, h.now + 1000, "written: the timer runs");
	host_advance(&h, 400);
	hardware_writes(LAPIC_TDCR, 0);
	tap_eq(h.timer, h.now + 1200, "written: the rest of the count is slower");
	hardware_writes(LAPIC_LVTT, LAPIC_LVTT_DEADLINE | 0x40);
	tap_eq(h.timer, 0, "written: another mode stops the timer");
	tap_eq(host_read(&h, LAPIC_TMICT), 0, "written: and its count");
	hardware_writes(LAPIC_TMICT, 1000);
	tap_eq(host_read(&h, LAPIC_TMICT), 0, "written: no count in deadline mode");
	hardware_writes(LAPIC_LVT0, 0xffffffff);
	tap_eq(host_read(&h, LAPIC_LVT0), 0x1a7ff, "written: reserved bits stay 0");
	h.msgs = 0;
	lapic_set(&h.l, LAPIC_ICR2, 0x03000000);
	hardware_writes(LAPIC_ICR, 0x4051);
	tap_eq(h.msgs, 1, "written: ICR sends");
	tap_eq(h.msg[0].dest, 3, "written: to ICR2's destination");
}

int main(void)
{
	test_reset();
	test_cmci();
	test_priority();
	test_tpr();
	test_all_vectors();
	test_tmr();
	test_match_xapic();
	test_match_x2apic();
	test_icr();
	test_svr();
	test_modes();
	test_state();
	test_hardware();
	test_hardware_trigger();
	test_hardware_writes();
	return tap_done();
}
