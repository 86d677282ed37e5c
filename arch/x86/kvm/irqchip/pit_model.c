// SPDX-License-Identifier: GPL-2.0-only
/* Model of an 8254 (Intel's 8254 datasheet). See pit_model.h. */

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/nospec.h>
#include <linux/string.h>

#include "pit_model.h"

#define NS_PER_SEC 1000000000U

/* rw_mode, and read_state, write_state, count_latched: which byte comes next. 0: none. */
enum { RW_NONE, RW_LSB, RW_MSB, RW_WORD_LSB, RW_WORD_MSB };

#define CTL_CHANNEL(val) ((val) >> 6)
#define CTL_READ_BACK 3
#define CTL_ACCESS(val) ((val) >> 4 & 3)
#define CTL_MODE(val) ((val) >> 1 & 7)

static bool one_shot_by_gate(const struct kvm_pit_channel_state *c)
{
	return c->mode == 1 || c->mode == 5;
}

static u64 ns_to_ticks(u64 ns)
{
	return mul_u64_u32_div(ns, PIT_HZ, NS_PER_SEC);
}

/* Rounded up: at that time the tick is over. */
static u64 ticks_to_ns(u64 ticks)
{
	return mul_u64_u32_div(ticks, NS_PER_SEC, PIT_HZ) + 1;
}

/* Ticks since the count was loaded or triggered. */
static u64 elapsed(const struct pit_model *m, int n, u64 now)
{
	const struct kvm_pit_channel_state *c = &m->ch[n];

	if (!c->gate && !one_shot_by_gate(c))
		return m->frozen[n];
	return now > (u64)c->count_load_time ? ns_to_ticks(now - c->count_load_time) : 0;
}

static u64 ticks_mod(u64 ticks, u32 count)
{
	u32 rem;

	div_u64_rem(ticks, count, &rem);
	return rem;
}

static u16 to_bcd(u32 val)
{
	val %= 10000;
	return val / 1000 << 12 | val / 100 % 10 << 8 | val / 10 % 10 << 4 | val % 10;
}

static u32 from_bcd(u16 val)
{
	return (val >> 12) * 1000 + (val >> 8 & 15) * 100 + (val >> 4 & 15) * 10 + (val & 15);
}

/* What the counting element holds. */
static u16 counter(const struct pit_model *m, int n, u64 now)
{
	const struct kvm_pit_channel_state *c = &m->ch[n];
	u64 t = elapsed(m, n, now);
	u32 wrap = c->bcd ? 10000 : 0x10000, val;

	switch (c->mode) {
	case 2:
		val = c->count - ticks_mod(t, c->count);
		break;
	case 3:
		/* Counts by two, twice per period. */
		val = c->count - ticks_mod(2 * t, c->count);
		break;
	default:
		val = (c->count + wrap - ticks_mod(t, wrap)) % wrap;
		break;
	}
	return c->bcd ? to_bcd(val) : val;
}

static bool output(const struct pit_model *m, int n, u64 now)
{
	const struct kvm_pit_channel_state *c = &m->ch[n];
	u64 t = elapsed(m, n, now);

	switch (c->mode) {
	case 0:
		return m->loaded[n] && t >= c->count;
	case 1:
		return t >= c->count;
	case 2:
		return !c->gate || ticks_mod(t, c->count) != c->count - 1;
	case 3:
		return !c->gate || ticks_mod(t, c->count) < (c->count + 1) / 2;
	default:
		return t != c->count;
	}
}

static void load(struct pit_model *m, int n, u16 val, u64 now)
{
	struct kvm_pit_channel_state *c = &m->ch[n];
	u32 count = c->bcd ? from_bcd(val) : val;

	c->count = count ?: c->bcd ? 10000 : 0x10000;
	m->loaded[n] = true;
	m->frozen[n] = 0;
	/* Modes 1 and 5 only start with the gate. */
	if (!one_shot_by_gate(c))
		c->count_load_time = now;
}

static void set_gate(struct pit_model *m, int n, bool gate, u64 now)
{
	struct kvm_pit_channel_state *c = &m->ch[n];

	if (c->gate == gate)
		return;
	if (!gate)
		m->frozen[n] = elapsed(m, n, now);
	else if (c->mode == 0 || c->mode == 4)
		c->count_load_time = now - ticks_to_ns(m->frozen[n]);
	else
		c->count_load_time = now;
	c->gate = gate;
}

static void latch_count(struct pit_model *m, int n, u64 now)
{
	struct kvm_pit_channel_state *c = &m->ch[n];

	if (c->count_latched)
		return;
	c->latched_count = counter(m, n, now);
	c->count_latched = c->rw_mode;
}

static void latch_status(struct pit_model *m, int n, u64 now)
{
	struct kvm_pit_channel_state *c = &m->ch[n];

	if (c->status_latched)
		return;
	c->status = output(m, n, now) << 7 | !m->loaded[n] << 6 | c->rw_mode << 4 | c->mode << 1 |
		    c->bcd;
	c->status_latched = 1;
}

static void read_back(struct pit_model *m, u8 val, u64 now)
{
	int n;

	for (n = 0; n < PIT_CHANNELS; n++) {
		if (!(val & BIT(n + 1)))
			continue;
		if (!(val & BIT(5)))
			latch_count(m, n, now);
		if (!(val & BIT(4)))
			latch_status(m, n, now);
	}
}

/* Return: channel 0 was touched. */
static bool write_control(struct pit_model *m, u8 val, u64 now)
{
	struct kvm_pit_channel_state *c;
	int n = CTL_CHANNEL(val);

	if (n == CTL_READ_BACK) {
		read_back(m, val, now);
		return false;
	}
	n = array_index_nospec(n, PIT_CHANNELS);
	if (!CTL_ACCESS(val)) {
		latch_count(m, n, now);
		return false;
	}
	c = &m->ch[n];
	c->rw_mode = CTL_ACCESS(val);
	c->read_state = c->rw_mode;
	c->write_state = c->rw_mode;
	c->count_latched = 0;
	c->status_latched = 0;
	/* Modes 6 and 7 are 2 and 3. */
	c->mode = CTL_MODE(val) > 5 ? CTL_MODE(val) - 4 : CTL_MODE(val);
	c->bcd = val & 1;
	m->loaded[n] = false;
	if (one_shot_by_gate(c))
		c->count_load_time = 0;
	return n == 0;
}

/**
 * pit_model_write() - the guest writes a port
 * @m: the 8254
 * @port: 0-2: a channel's count, 3: control
 * @val: the byte
 * @now: ns
 *
 * Return: pit_model_irq() may say something new.
 */
bool pit_model_write(struct pit_model *m, u8 port, u8 val, u64 now)
{
	struct kvm_pit_channel_state *c;
	int n = port & 3;

	if (n == 3)
		return write_control(m, val, now);
	n = array_index_nospec(n, PIT_CHANNELS);
	c = &m->ch[n];
	switch (c->write_state) {
	case RW_LSB:
		load(m, n, val, now);
		break;
	case RW_MSB:
		load(m, n, val << 8, now);
		break;
	case RW_WORD_LSB:
		c->write_latch = val;
		c->write_state = RW_WORD_MSB;
		return false;
	case RW_WORD_MSB:
		load(m, n, c->write_latch | val << 8, now);
		c->write_state = RW_WORD_LSB;
		break;
	default:
		return false;
	}
	return n == 0;
}

/* One byte of a count; *state walks through the bytes. Return: that was the last of them. */
static bool read_byte(u8 *state, u16 val, u8 *byte)
{
	switch (*state) {
	case RW_MSB:
		*byte = val >> 8;
		return true;
	case RW_WORD_LSB:
		*byte = val;
		*state = RW_WORD_MSB;
		return false;
	case RW_WORD_MSB:
		*byte = val >> 8;
		*state = RW_WORD_LSB;
		return true;
	default:
		*byte = val;
		return true;
	}
}

/**
 * pit_model_read() - the guest reads a port
 * @m: the 8254
 * @port: 0-2: a channel's status or count, 3: nothing
 * @now: ns
 */
u8 pit_model_read(struct pit_model *m, u8 port, u64 now)
{
	struct kvm_pit_channel_state *c;
	int n = port & 3;
	u8 byte;

	if (n == 3)
		return 0;
	n = array_index_nospec(n, PIT_CHANNELS);
	c = &m->ch[n];
	if (c->status_latched) {
		c->status_latched = 0;
		return c->status;
	}
	if (c->count_latched) {
		if (read_byte(&c->count_latched, c->latched_count, &byte))
			c->count_latched = 0;
		return byte;
	}
	read_byte(&c->read_state, counter(m, n, now), &byte);
	return byte;
}

/**
 * pit_model_read_61() - the guest reads port 0x61
 * @m: the 8254
 * @now: ns
 *
 * Bits: 0 gate of channel 2, 1 speaker, 4 toggles with the memory refresh (about 15 us), 5 output
 * of channel 2.
 */
u8 pit_model_read_61(struct pit_model *m, u64 now)
{
	u8 refresh = now >> 14 & 1;

	return m->ch[2].gate | m->speaker << 1 | refresh << 4 | output(m, 2, now) << 5;
}

void pit_model_write_61(struct pit_model *m, u8 val, u64 now)
{
	set_gate(m, 2, val & 1, now);
	m->speaker = val & 2;
}

/**
 * pit_model_irq() - when channel 0's output, IRQ 0, rises
 * @m: the 8254
 * @irq: out
 */
void pit_model_irq(const struct pit_model *m, struct pit_irq *irq)
{
	const struct kvm_pit_channel_state *c = &m->ch[0];

	irq->first = 0;
	irq->period = 0;
	/* Channel 0's gate is always high: modes 1 and 5 never start. */
	if (!m->loaded[0] || one_shot_by_gate(c))
		return;
	irq->first = c->count_load_time + ticks_to_ns(c->count);
	if (c->mode == 2 || c->mode == 3)
		irq->period = mul_u64_u32_div(c->count, NS_PER_SEC, PIT_HZ);
}

/**
 * pit_model_reset() - as firmware finds it
 * @m: the 8254
 * @now: ns
 */
void pit_model_reset(struct pit_model *m, u64 now)
{
	int n;

	memset(m, 0, sizeof(*m));
	for (n = 0; n < PIT_CHANNELS; n++) {
		m->ch[n].mode = 3;
		m->ch[n].gate = n != 2;
		m->ch[n].count = 0x10000;
		m->ch[n].count_load_time = now;
	}
}

/**
 * pit_model_restore() - for KVM_SET_PIT2: all channels start to count anew
 * @m: the 8254
 * @s: three channels; anything may be in there
 * @now: ns
 */
void pit_model_restore(struct pit_model *m, const struct kvm_pit_channel_state *s, u64 now)
{
	int n;

	for (n = 0; n < PIT_CHANNELS; n++) {
		struct kvm_pit_channel_state *c = &m->ch[n];

		*c = s[n];
		c->bcd &= 1;
		c->gate = c->gate || n != 2;
		c->mode = c->mode > 5 ? 3 : c->mode;
		c->count = clamp_t(u32, c->count ?: 0x10000, 1, c->bcd ? 10000 : 0x10000);
		c->rw_mode &= 3;
		if (c->read_state > RW_WORD_MSB)
			c->read_state = RW_NONE;
		if (c->write_state > RW_WORD_MSB)
			c->write_state = RW_NONE;
		if (c->count_latched > RW_WORD_MSB)
			c->count_latched = RW_NONE;
		c->count_load_time = one_shot_by_gate(c) ? 0 : now;
		m->frozen[n] = 0;
		/* One that nobody ever programmed has no access mode. */
		m->loaded[n] = c->rw_mode;
	}
}
