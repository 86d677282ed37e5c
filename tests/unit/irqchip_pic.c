// SPDX-License-Identifier: GPL-2.0-only
/* The pair of 8259s (Intel's 8259A datasheet). */
#include <string.h>

#include "irqchip/pic_model.h"
#include "tap.h"

#define IGNORED ((unsigned long long)IRQ_IGNORED)

static struct pic_model m;

static void wr(u16 port, u8 val)
{
	pic_model_write(&m, port, val);
}

static u8 rd(u16 port)
{
	return pic_model_read(&m, port);
}

/*
 * As Linux and SeaBIOS do: vectors 0x30 and 0x38, all unmasked. icw4: 1, plus 2 for automatic EOI.
 */
static void start(u8 icw4)
{
	pic_model_reset(&m);
	wr(0x20, 0x11);
	wr(0x21, 0x30);
	wr(0x21, 0x04);
	wr(0x21, icw4);
	wr(0xa0, 0x11);
	wr(0xa1, 0x38);
	wr(0xa1, 0x02);
	wr(0xa1, icw4);
	wr(0x21, 0);
	wr(0xa1, 0);
}

static void pulse(u32 line)
{
	pic_model_set(&m, line, 0, 1);
	pic_model_set(&m, line, 0, 0);
}

static void test_basic(void)
{
	start(1);
	tap_ok(!m.output, "nothing requested");
	tap_eq(pic_model_set(&m, 4, 0, 1), IRQ_DELIVERED, "IRQ 4");
	tap_ok(m.output && pic_model_peek(&m) == 0x34, "vector 0x34 offered");
	tap_eq(pic_model_set(&m, 4, 0, 1), IRQ_COALESCED, "again: coalesced");
	tap_eq(rd(0x20), 0x10, "IRR");
	tap_eq(pic_model_ack(&m), 0x34, "INTA");
	tap_ok(!m.output, "in service: INT goes down");
	wr(0x20, 0x0b);
	tap_eq(rd(0x20), 0x10, "ISR");
	pic_model_set(&m, 5, 0, 1);
	tap_ok(!m.output, "a lower priority waits");
	pic_model_set(&m, 1, 0, 1);
	tap_ok(m.output && pic_model_peek(&m) == 0x31, "a higher one interrupts");
	pic_model_ack(&m);
	wr(0x20, 0x20);
	tap_eq(rd(0x20), 0x10, "non-specific EOI ends the highest");
	tap_eq(m.acked, 0x02, "and is noted");
	wr(0x20, 0x64);
	tap_ok(!rd(0x20) && m.acked == 0x12, "specific EOI");
	tap_eq(pic_model_ack(&m), 0x35, "IRQ 5 now");
	pic_model_set(&m, 4, 0, 0);
	pulse(4);
	wr(0x20, 0x20);
	tap_eq(pic_model_ack(&m), 0x34, "an edge is remembered though its line fell");
}

static void test_mask(void)
{
	start(1);
	wr(0x21, 0x02);
	tap_eq(rd(0x21), 0x02, "IMR");
	tap_eq(pic_model_set(&m, 1, 0, 1), IGNORED, "masked");
	tap_ok(!m.output, "masked: no INT");
	wr(0x21, 0);
	tap_ok(m.output && pic_model_ack(&m) == 0x31, "unmasked: the edge is still there");
	tap_eq(pic_model_ack(&m), 0x37, "INTA without a request: spurious IRQ 7");
	wr(0x20, 0x0b);
	tap_eq(rd(0x20), 0x02, "which is not in service");
}

static void test_slave(void)
{
	start(1);
	pulse(8);
	pulse(12);
	tap_eq(pic_model_ack(&m), 0x38, "the slave's through the cascade");
	tap_ok(!m.output, "the cascade is in service");
	pulse(3);
	pulse(1);
	tap_eq(pic_model_ack(&m), 0x31, "IRQ 1 is above the cascade");
	wr(0x20, 0x20);
	wr(0xa0, 0x20);
	tap_ok(!m.output, "the slave's EOI alone doesn't free the master");
	wr(0x20, 0x20);
	tap_eq(pic_model_ack(&m), 0x3c, "IRQ 12 is above IRQ 3");
	tap_eq(m.acked, 0x106, "acknowledged: 8 and 1, and the cascade");
	wr(0xa0, 0x20);
	wr(0x20, 0x20);
	tap_eq(pic_model_ack(&m), 0x33, "then IRQ 3");
	wr(0x20, 0x20);
	pic_model_set(&m, 10, 0, 1);
	wr(0xa1, 0xff);
	tap_ok(!m.output, "masked at the slave: the cascade falls");
	tap_eq(pic_model_set(&m, 2, 0, 1), IGNORED, "nobody else has IRQ 2");
}

static void test_level(void)
{
	start(1);
	wr(0x4d0, 0xff);
	wr(0x4d1, 0xff);
	tap_ok(rd(0x4d0) == 0xf8 && rd(0x4d1) == 0xde, "ELCR: 0, 1, 2, 8, 13 stay edge: %02x %02x",
	       rd(0x4d0), rd(0x4d1));
	pic_model_set(&m, 11, 0, 1);
	pic_model_set(&m, 11, 2, 1);
	tap_eq(pic_model_ack(&m), 0x3b, "level: delivered");
	wr(0xa0, 0x20);
	wr(0x20, 0x20);
	tap_ok(m.output, "level: still high, requested again");
	pic_model_set(&m, 11, 0, 0);
	tap_ok(m.output, "level: the other source still pulls");
	pic_model_set(&m, 11, 2, 0);
	tap_ok(!m.output, "level: low, the request goes");
	pulse(11);
	tap_ok(!m.output, "level: a pulse is not remembered");
}

static void test_modes(void)
{
	start(3);
	pulse(0);
	tap_eq(pic_model_ack(&m), 0x30, "automatic EOI");
	tap_eq(m.acked, 1, "acknowledged at once");
	pulse(7);
	tap_ok(m.output, "nothing is in service");
	pic_model_ack(&m);
	wr(0x20, 0x80);
	pulse(3);
	pic_model_ack(&m);
	tap_eq(m.chip[0].priority_add, 4, "rotation on automatic EOI");

	start(1);
	wr(0x20, 0xc2);
	pulse(2 + 1);
	pulse(0);
	tap_eq(pic_model_peek(&m), 0x33, "priority set: 3 is the highest");
	pic_model_ack(&m);
	wr(0x20, 0xa0);
	tap_eq(m.chip[0].priority_add, 4, "rotate on EOI");

	start(1);
	pulse(1);
	pic_model_ack(&m);
	wr(0x21, 0x02);
	wr(0x20, 0x68);
	pulse(5);
	tap_ok(m.output, "special mask mode: lower ones come while 1 is in service but masked");
	wr(0x20, 0x48);
	tap_ok(!m.output, "and not without it");

	start(0x11);
	pulse(12);
	pic_model_ack(&m);
	pulse(8);
	tap_ok(m.output && pic_model_ack(&m) == 0x38,
	       "special fully nested: the slave interrupts itself");

	start(1);
	pulse(6);
	wr(0x20, 0x0c);
	tap_eq(rd(0x20), 0x86, "poll: request of 6");
	wr(0x20, 0x0c);
	tap_eq(rd(0x20), 0, "poll: none");
	wr(0x20, 0x0b);
	tap_eq(rd(0x20), 0x40, "poll put it in service");
}

static void test_init(void)
{
	start(1);
	pulse(1);
	pic_model_ack(&m);
	pulse(4);
	wr(0x21, 0xff);
	m.acked = 0;
	wr(0x20, 0x11);
	tap_eq(m.acked, 0x02, "ICW1 ends what is in service");
	wr(0x21, 0x58);
	wr(0x21, 4);
	wr(0x21, 1);
	tap_eq(rd(0x21), 0, "ICW1 clears the mask");
	wr(0x20, 0x0a);
	tap_eq(rd(0x20), 0, "and edges seen before");
	pulse(0);
	tap_eq(pic_model_ack(&m), 0x58, "new vectors");
}

static void test_state(void)
{
	struct kvm_pic_state s[2];

	start(1);
	wr(0x4d1, 0x08);
	pic_model_set(&m, 11, 0, 1);
	pulse(4);
	memcpy(s, m.chip, sizeof(s));
	pic_model_reset(&m);
	pic_model_restore(&m, 0, &s[0]);
	pic_model_restore(&m, 1, &s[1]);
	tap_ok(m.output && pic_model_ack(&m) == 0x3b, "restored: IRQ 11");
	wr(0xa0, 0x20);
	wr(0x20, 0x20);
	tap_eq(pic_model_ack(&m), 0x3b, "restored: its level");
	wr(0xa0, 0x20);
	pic_model_set(&m, 11, 0, 0);
	wr(0x20, 0x20);
	tap_eq(pic_model_ack(&m), 0x34, "restored: the edge of IRQ 4");
	memset(s, 0xff, sizeof(s));
	pic_model_restore(&m, 0, &s[0]);
	pic_model_restore(&m, 1, &s[1]);
	pic_model_peek(&m);
	pic_model_ack(&m);
	tap_ok(m.chip[0].priority_add == 7 && rd(0x4d0) == 0xf8, "all ones: sane");
}

int main(void)
{
	test_basic();
	test_mask();
	test_slave();
	test_level();
	test_modes();
	test_init();
	test_state();
	return tap_done();
}
