// SPDX-License-Identifier: GPL-2.0-only
/* The IOAPIC's model, alone and with a local APIC at its end. */
#include <string.h>

#include "irqchip/ioapic_model.h"
#include "irqchip_host.h"
#include "tap.h"

#define IGNORED ((unsigned long long)IRQ_IGNORED)

#define PIN 14
#define LEVEL 0x8000
#define MASK 0x10000

static struct ioapic_model m;
static struct irq_batch out;
static struct host h;

static void wr(u8 reg, u32 val)
{
	out.nr = 0;
	ioapic_model_write(&m, IOAPIC_IOREGSEL, reg, &out);
	ioapic_model_write(&m, IOAPIC_IOWIN, val, &out);
}

static u32 rd(u8 reg)
{
	ioapic_model_write(&m, IOAPIC_IOREGSEL, reg, &out);
	return ioapic_model_read(&m, IOAPIC_IOWIN);
}

static void redir(u32 pin, u32 low, u8 dest)
{
	wr(0x11 + 2 * pin, dest << 24);
	wr(0x10 + 2 * pin, low);
}

static int set(u32 pin, u32 source, bool level)
{
	out.nr = 0;
	return ioapic_model_set(&m, pin, source, level, &out);
}

/* As the driver does it. Return: pins that were in service. */
static u32 eoi(u8 vector)
{
	u32 all, pins = ioapic_model_eoi(&m, vector, &all);

	out.nr = 0;
	ioapic_model_service(&m, pins, &out);
	return pins;
}

static void start(void)
{
	ioapic_model_reset(&m);
	m.bcast = IRQ_BCAST_ALL;
}

static void test_registers(void)
{
	start();
	tap_eq(rd(1), 0x170011, "version 0x11, 24 pins");
	wr(0, 0xf5000000);
	tap_eq(rd(0), 0x05000000, "id has 4 bits");
	tap_eq(rd(2), 0x05000000, "arbitration follows the id");
	wr(2, 0x0a000000);
	tap_eq(rd(2), 0x05000000, "arbitration is read-only");
	tap_eq(rd(0), 0x05000000, "and leaves the id alone");
	wr(1, 0);
	tap_eq(rd(1), 0x170011, "version is read-only");
	tap_eq(out.nr, 0, "none of them sends anything");
	tap_eq(rd(0x10 + 2 * PIN), MASK, "pins begin masked");
	redir(PIN, 0xffffffff, 0xab);
	tap_eq(rd(0x10 + 2 * PIN), 0x1afff, "status and remote IRR are read-only");
	tap_eq(rd(0x11 + 2 * PIN), 0xab000000, "destination");
	tap_eq(rd(0x40), ~0U, "no register behind the last pin");
	tap_eq(rd(0x3f), 0, "the last pin's destination");
	wr(0x40, 0);
	wr(0xff, 0);
	tap_eq(out.nr, 0, "writes there are nothing");
}

static void test_edge(void)
{
	start();
	redir(PIN, 0x81, 3);
	tap_eq(set(PIN, 0, 1), IRQ_DELIVERED, "edge: delivered");
	tap_ok(out.nr == 1 && out.msg[0].vector == 0x81 && out.msg[0].dest == 3 &&
	       !out.msg[0].level && out.msg[0].pin == PIN, "edge: message to APIC 3, vector 0x81");
	tap_eq(set(PIN, 0, 1), IRQ_COALESCED, "edge: high already");
	tap_eq(out.nr, 0, "edge: no second message");
	set(PIN, 0, 0);
	set(PIN, 0, 1);
	tap_eq(out.nr, 1, "edge: the next rise");
	tap_eq(eoi(0x81), 0, "edge: an EOI is nothing to it");
	set(PIN, 0, 0);
	redir(PIN, MASK | 0x81, 3);
	tap_eq(set(PIN, 0, 1), IGNORED, "edge, masked: ignored");
	set(PIN, 0, 0);
	redir(PIN, 0x81, 3);
	tap_eq(out.nr, 0, "edge, masked: a pulse is lost");
	redir(PIN, MASK | 0x81, 3);
	set(PIN, 0, 1);
	redir(PIN, 0x81, 3);
	tap_eq(out.nr, 1, "edge, masked while it rose and still high: sent when unmasked");
	redir(PIN, MASK | 0x81, 3);
	redir(PIN, 0x81, 3);
	tap_eq(out.nr, 0, "but once");
}

static void test_level(void)
{
	start();
	redir(PIN, LEVEL | 0x82, 0);
	tap_eq(set(PIN, 0, 1), IRQ_DELIVERED, "level: delivered");
	tap_ok(out.nr == 1 && out.msg[0].level, "level: message says so");
	tap_eq(rd(0x10 + 2 * PIN), LEVEL | 0x4000 | 0x82, "level: remote IRR set");
	tap_eq(set(PIN, 0, 1), IRQ_COALESCED, "level: in service");
	tap_eq(eoi(0x83), 0, "level: another vector's EOI is nothing");
	tap_eq(eoi(0x82), 1 << PIN, "level: EOI");
	tap_eq(out.nr, 1, "level: still high, sent again");
	set(PIN, 0, 0);
	tap_eq(eoi(0x82), 1 << PIN, "level: EOI");
	tap_eq(out.nr, 0, "level: low, quiet");
	tap_eq(rd(0x10 + 2 * PIN), LEVEL | 0x82, "level: remote IRR clear");

	redir(PIN, MASK | LEVEL | 0x82, 0);
	tap_eq(set(PIN, 0, 1), IGNORED, "level, masked");
	redir(PIN, LEVEL | 0x82, 0);
	tap_eq(out.nr, 1, "level: unmasking a line that is high delivers");
	redir(PIN, MASK | LEVEL | 0x82, 0);
	tap_eq(eoi(0x82), 1 << PIN, "level: EOI while masked");
	tap_eq(out.nr, 0, "level: not sent again while masked");

	/* What Linux does on IOAPICs without an EOI register. */
	redir(PIN, LEVEL | 0x82, 0);
	tap_ok(out.nr == 1 && (rd(0x10 + 2 * PIN) & 0x4000), "in service again");
	set(PIN, 0, 0);
	redir(PIN, MASK | 0x82, 0);
	redir(PIN, LEVEL | 0x82, 0);
	tap_eq(rd(0x10 + 2 * PIN), LEVEL | 0x82, "switching to edge and back clears remote IRR");

	set(PIN, 0, 1);
	ioapic_model_refused(&m, PIN);
	tap_eq(rd(0x10 + 2 * PIN), LEVEL | 0x82, "refused by all: not in service");
	tap_eq(set(PIN, 0, 1), IRQ_DELIVERED, "and tried again at the next opportunity");
}

/* An EOI is a vector and nothing else: where the pin points to by then doesn't matter. */
static void test_moved(void)
{
	start();
	redir(PIN, LEVEL | 0x82, 0);
	set(PIN, 0, 1);
	wr(0x11 + 2 * PIN, 5u << 24);
	tap_eq(out.nr, 0, "moved in service: not sent again");
	tap_eq(rd(0x10 + 2 * PIN), LEVEL | 0x4000 | 0x82, "moved in service: remote IRR stays");
	tap_eq(eoi(0x82), 1 << PIN, "moved in service: EOI of the old destination's");
	tap_ok(out.nr == 1 && out.msg[0].dest == 5, "moved in service: sent to the new one");
	set(PIN, 0, 0);
	wr(0x10 + 2 * PIN, LEVEL | 0x800 | 0x82);
	tap_eq(eoi(0x82), 1 << PIN, "logical since: EOI");
	tap_eq(rd(0x10 + 2 * PIN), LEVEL | 0x800 | 0x82, "logical since: remote IRR clear");
}

static void test_sources(void)
{
	start();
	redir(PIN, LEVEL | 0x82, 0);
	set(PIN, 0, 1);
	set(PIN, 2, 1);
	set(PIN, 0, 0);
	eoi(0x82);
	tap_eq(out.nr, 1, "two sources: one still pulls");
	set(PIN, 2, 0);
	eoi(0x82);
	tap_eq(out.nr, 0, "two sources: none any more");
}

/* Saved state doesn't tell whose a high line is: the first who lowers it does, whoever that is. */
static void test_restored_line(void)
{
	struct kvm_ioapic_state s;

	start();
	redir(PIN, LEVEL | 0x82, 0);
	set(PIN, 2, 1);
	ioapic_model_save(&m, &s);
	start();
	ioapic_model_restore(&m, &s, &out);
	set(PIN, 2, 0);
	out.nr = 0;
	eoi(0x82);
	tap_eq(out.nr, 0, "restored: low when its source lowers it");

	ioapic_model_restore(&m, &s, &out);
	set(PIN, 1, 1);
	set(PIN, 1, 0);
	out.nr = 0;
	eoi(0x82);
	tap_eq(out.nr, 0, "restored: who raises it again has it");
}

static void test_messages(void)
{
	start();
	redir(1, 0x0930, 0xff);
	set(1, 0, 1);
	tap_ok(out.msg[0].mode == IRQ_LOWEST && out.msg[0].logical &&
	       out.msg[0].bcast == IRQ_BCAST_ALL, "lowest priority, logical, broadcast");
	redir(2, LEVEL | 0x0400, 0);
	set(2, 0, 1);
	tap_ok(out.nr == 1 && out.msg[0].mode == IRQ_NMI && !out.msg[0].level,
	       "NMI is edge triggered");
	tap_eq(rd(0x14), LEVEL | 0x0400, "and has no remote IRR");
	redir(3, 0x0640, 0);
	set(3, 0, 1);
	tap_eq(out.nr, 0, "a pin can't send SIPI");
	redir(4, 0x0740, 0);
	set(4, 0, 1);
	tap_eq(out.nr, 0, "nor ExtINT");
}

static void test_state(void)
{
	struct kvm_ioapic_state s = { 0 };
	struct ioapic_model n = m;

	start();
	redir(5, LEVEL | 0x50, 1);
	redir(6, LEVEL | 0x60, 2);
	redir(7, MASK | 0x70, 3);
	set(5, 0, 1);
	set(6, 2, 1);
	set(7, 0, 1);
	ioapic_model_refused(&m, 6);
	ioapic_model_save(&m, &s);
	tap_eq(s.irr, 0xe0, "saved: lines");
	tap_ok(s.redirtbl[5].fields.remote_irr && !s.redirtbl[6].fields.remote_irr &&
	       s.redirtbl[5].fields.vector == 0x50 && s.redirtbl[5].fields.dest_id == 1,
	       "saved: entries in the ABI's layout");
	memset(&n, 0xa5, sizeof(n));
	n.bcast = IRQ_BCAST_ALL;
	out.nr = 0;
	ioapic_model_restore(&n, &s, &out);
	tap_ok(out.nr == 1 && out.msg[0].vector == 0x60,
	       "restored: what was not in service is sent");
	m = n;
	redir(7, 0x70, 3);
	tap_eq(out.nr, 1, "restored: the masked edge comes when unmasked");
	eoi(0x50);
	tap_eq(out.nr, 1, "restored: EOI of what was in service sends it again");
	memset(&s, 0xff, sizeof(s));
	out.nr = 0;
	ioapic_model_restore(&m, &s, &out);
	tap_eq(out.nr, 0, "all ones: masked");
	tap_eq(m.line, 0xffffff, "all ones: 24 lines");
}

/*
 * A guest whose device never lowers its line: each EOI brings one new request, and nothing grows.
 */
static u32 depth, deepest;

static void eoi_to_ioapic(struct host *host, u8 vector, bool level)
{
	u32 i;

	if (++depth > deepest)
		deepest = depth;
	if (level && eoi(vector))
		for (i = 0; i < out.nr; i++)
			lapic_regs_accept(&host->l, out.msg[i].vector, out.msg[i].level);
	depth--;
}

static void test_storm(void)
{
	u32 i, took = 0;

	start();
	host_init(&h, 0, false);
	host_enable(&h);
	h.on_eoi = eoi_to_ioapic;
	/* Several pins of one vector, too. */
	redir(5, LEVEL | 0x50, 0);
	redir(6, LEVEL | 0x50, 0);
	for (i = 5; i <= 6; i++) {
		set(i, 0, 1);
		lapic_regs_accept(&h.l, out.msg[0].vector, true);
	}
	for (i = 0; i < 100000; i++) {
		took += lapic_regs_ack(&h.l) == 0x50;
		lapic_regs_eoi(&h.l);
	}
	tap_eq(took, 100000, "a line that stays high: one interrupt per EOI");
	tap_eq(deepest, 1, "EOI and redelivery don't recurse (CVE-2020-27152)");
}

int main(void)
{
	test_registers();
	test_edge();
	test_level();
	test_moved();
	test_sources();
	test_restored_line();
	test_messages();
	test_state();
	test_storm();
	return tap_done();
}
