// SPDX-License-Identifier: GPL-2.0-only
/* The 8254 (Intel's datasheet), as Linux and SeaBIOS use it. */
#include <string.h>

#include "irqchip/pit_model.h"
#include "tap.h"

static struct pit_model m;
static u64 now;

/* ns after which n ticks are over, but n + 1 are not. */
static u64 ticks(u64 n)
{
	return (u64)((unsigned __int128)n * 1000000000 / PIT_HZ) + 1;
}

static void start(void)
{
	now = 5000000000ULL;
	pit_model_reset(&m, now);
}

static bool wr(u8 port, u8 val)
{
	return pit_model_write(&m, port, val, now);
}

static u8 rd(u8 port)
{
	return pit_model_read(&m, port, now);
}

static void load(u8 ch, u16 count)
{
	wr(ch, count);
	wr(ch, count >> 8);
}

static u16 latched(u8 ch)
{
	u8 low;

	wr(3, ch << 6);
	low = rd(ch);
	return low | rd(ch) << 8;
}

static void test_rate(void)
{
	struct pit_irq irq;
	u64 t0;

	start();
	pit_model_irq(&m, &irq);
	tap_eq(irq.first, 0, "no interrupt before a count is loaded");
	tap_ok(wr(3, 0x34), "control word of channel 0 concerns the interrupt");
	tap_ok(!wr(0, 0xa9), "half a count does not");
	pit_model_irq(&m, &irq);
	tap_eq(irq.first, 0, "half a count doesn't run");
	t0 = now;
	tap_ok(wr(0, 0x04), "a whole count does");
	pit_model_irq(&m, &irq);
	tap_eq(irq.first, t0 + ticks(0x4a9), "rate generator: first rise after the count");
	tap_eq(irq.period, 1193ULL * 1000000000 / PIT_HZ, "and then periodically");
	tap_eq(latched(0), 0x4a9, "count at the start");
	now = t0 + ticks(100);
	tap_eq(latched(0), 0x4a9 - 100, "100 ticks later");
	now = t0 + ticks(0x4a9 * 10 + 7);
	tap_eq(latched(0), 0x4a9 - 7, "ten periods and 7 ticks later");
	wr(3, 0x30);
	pit_model_irq(&m, &irq);
	tap_eq(irq.first, 0, "a new control word stops it");
}

static void test_one_shot(void)
{
	struct pit_irq irq;

	start();
	wr(3, 0x38); /* mode 4, what Linux calls one-shot */
	load(0, 5000);
	pit_model_irq(&m, &irq);
	tap_ok(irq.first == now + ticks(5000) && !irq.period, "mode 4 fires once");
	wr(3, 0x30);
	load(0, 0);
	pit_model_irq(&m, &irq);
	tap_eq(irq.first, now + ticks(65536), "count 0 is 65536");
	wr(3, 0x36);
	load(0, 1000);
	pit_model_irq(&m, &irq);
	tap_ok(irq.first && irq.period, "square wave: periodic");
	wr(3, 0x32);
	load(0, 1000);
	pit_model_irq(&m, &irq);
	tap_eq(irq.first, 0, "mode 1 waits for a gate that never comes");
}

static void test_latch(void)
{
	u16 a;

	start();
	wr(3, 0x34);
	load(0, 1000);
	now += ticks(10);
	wr(3, 0x00);
	now += ticks(10);
	wr(3, 0x00);
	a = rd(0);
	a |= rd(0) << 8;
	tap_eq(a, 990, "the first latch holds until it is read");
	a = rd(0);
	now += ticks(300);
	a |= rd(0) << 8;
	tap_ok((a & 0xff) == (980 & 0xff), "unlatched: low byte of the running count");

	wr(3, 0xc2); /* read back: status and count of channel 0 */
	tap_eq(rd(0), 0xb4, "status first: output high, both bytes, mode 2");
	a = rd(0);
	a |= rd(0) << 8;
	tap_eq(a, 980 - 300, "then the count");

	wr(3, 0xb0);
	wr(3, 0xe8);
	tap_eq(rd(2), 0x70, "status: no count yet (null count), mode 0, output low");

	wr(3, 0x94); /* channel 2, low byte only */
	wr(2, 0x55);
	m.ch[2].gate = 1;
	m.ch[2].count_load_time = now;
	tap_eq(rd(2), 0x55, "low byte only");
	wr(3, 0xa4);
	wr(2, 0x12);
	tap_eq(rd(2), 0x12, "high byte only");
}

static void test_bcd(void)
{
	start();
	wr(3, 0x35);
	load(0, 0x1234);
	tap_eq(latched(0), 0x1234, "BCD count");
	now += ticks(235);
	tap_eq(latched(0), 0x0999, "BCD count down");
	load(0, 0);
	tap_eq(m.ch[0].count, 10000, "BCD 0 is 10000");
	load(0, 0xffff);
	latched(0);
	tap_ok(m.ch[0].count > 0, "digits above 9: no crash");
}

/* Linux's TSC calibration: channel 2, mode 0, port 0x61. */
static void test_port61(void)
{
	u64 t0;

	start();
	pit_model_write_61(&m, 0x01, now);
	wr(3, 0xb0);
	load(2, 11932);
	t0 = now;
	tap_eq(pit_model_read_61(&m, now) & 0x23, 0x01, "output low, gate high");
	now = t0 + ticks(11931);
	tap_eq(pit_model_read_61(&m, now) & 0x20, 0, "10 ms: not early");
	now = t0 + ticks(11932);
	tap_eq(pit_model_read_61(&m, now) & 0x20, 0x20, "10 ms: output rises");

	load(2, 1000);
	now += ticks(400);
	pit_model_write_61(&m, 0x02, now);
	now += ticks(10000);
	tap_eq(latched(2), 600, "gate low: stands still");
	tap_eq(pit_model_read_61(&m, now) & 0x23, 0x02, "speaker bit");
	pit_model_write_61(&m, 0x01, now);
	now += ticks(599);
	tap_eq(pit_model_read_61(&m, now) & 0x20, 0, "gate high: goes on");
	now += ticks(2);
	tap_eq(pit_model_read_61(&m, now) & 0x20, 0x20, "until it is over");

	wr(3, 0xb2); /* mode 1: started by the gate */
	load(2, 1000);
	pit_model_write_61(&m, 0, now);
	tap_eq(pit_model_read_61(&m, now) & 0x20, 0x20, "mode 1: high before the gate");
	pit_model_write_61(&m, 1, now);
	now += ticks(500);
	tap_eq(pit_model_read_61(&m, now) & 0x20, 0, "mode 1: low after it");
	now += ticks(501);
	tap_eq(pit_model_read_61(&m, now) & 0x20, 0x20, "mode 1: high when it is over");
	tap_ok((pit_model_read_61(&m, now) ^ pit_model_read_61(&m, now + 16384)) & 0x10,
	       "refresh toggles");
}

static void test_state(void)
{
	struct kvm_pit_channel_state s[3];
	struct pit_irq irq;

	start();
	wr(3, 0x34);
	load(0, 1193);
	memcpy(s, m.ch, sizeof(s));
	now += 123456789;
	pit_model_reset(&m, now);
	pit_model_restore(&m, s, now);
	pit_model_irq(&m, &irq);
	tap_ok(irq.first == now + ticks(1193) && irq.period, "restored: ticks again");
	pit_model_reset(&m, now);
	memcpy(s, m.ch, sizeof(s));
	pit_model_restore(&m, s, now);
	pit_model_irq(&m, &irq);
	tap_eq(irq.first, 0, "restored: one that was never programmed stays silent");
	memset(s, 0xff, sizeof(s));
	pit_model_restore(&m, s, now);
	tap_ok(m.ch[0].mode <= 5 && m.ch[0].count <= 10000 && m.ch[0].rw_mode <= 3,
	       "all ones: sane");
	latched(0);
	memset(s, 0, sizeof(s));
	pit_model_restore(&m, s, now);
	tap_ok(m.ch[0].count == 65536 && m.ch[0].gate, "all zeros: sane");
	rd(0);
	wr(0, 0);
}

int main(void)
{
	test_rate();
	test_one_shot();
	test_latch();
	test_bcd();
	test_port61();
	test_state();
	return tap_done();
}
