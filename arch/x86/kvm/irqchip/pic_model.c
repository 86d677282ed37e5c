// SPDX-License-Identifier: GPL-2.0-only
/* Model of two cascaded 8259As (Intel's 8259A datasheet; ELCR: PIIX3's). See pic_model.h. */

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "pic_model.h"

#define MASTER 0
#define SLAVE 1
#define CASCADE 2 /* the master's input that the slave drives */
#define NO_PRIORITY 8

/* init_state: which ICW comes next at the data port */
enum { INIT_DONE, INIT_ICW2, INIT_ICW3, INIT_ICW4 };

/* OCW2 bits 7:5 */
enum {
	OCW2_ROTATE_AEOI_OFF = 0,
	OCW2_EOI = 1,
	OCW2_NOP = 2,
	OCW2_EOI_LINE = 3,
	OCW2_ROTATE_AEOI_ON = 4,
	OCW2_EOI_ROTATE = 5,
	OCW2_SET_PRIORITY = 6,
	OCW2_EOI_LINE_ROTATE = 7,
};

/* Rank of the highest-priority bit of mask, 0 the highest; priority rotates. */
static int rank(const struct kvm_pic_state *c, u8 mask)
{
	int n;

	if (!mask)
		return NO_PRIORITY;
	for (n = 0; !(mask & BIT((n + c->priority_add) & 7)); n++)
		;
	return n;
}

/* The input that the chip would signal now, or -1. */
static int request(const struct pic_model *m, int which)
{
	const struct kvm_pic_state *c = &m->chip[which];
	int want = rank(c, c->irr & ~c->imr), busy;
	u8 isr = c->isr;

	if (want == NO_PRIORITY)
		return -1;
	/* Special mask mode: what is in service and masked blocks nobody. */
	if (c->special_mask)
		isr &= ~c->imr;
	/* Special fully nested: the slave in service may interrupt itself. */
	if (c->special_fully_nested_mode && which == MASTER)
		isr &= ~BIT(CASCADE);
	busy = rank(c, isr);
	return want < busy ? (want + c->priority_add) & 7 : -1;
}

/* The slave's INT drives an input of the master; then the master's goes to the processor. */
static void update(struct pic_model *m)
{
	if (request(m, SLAVE) >= 0)
		m->chip[MASTER].irr |= BIT(CASCADE);
	else
		m->chip[MASTER].irr &= ~BIT(CASCADE);
	m->output = request(m, MASTER) >= 0;
}

static void note_ack(struct pic_model *m, int which, u8 lines)
{
	m->acked |= lines << (which * 8);
}

/**
 * pic_model_reset() - as after power-on
 * @m: the pair
 */
void pic_model_reset(struct pic_model *m)
{
	memset(m, 0, sizeof(*m));
	/* IRQ 0, 1, 2, 8, 13 are always edge triggered. */
	m->chip[MASTER].elcr_mask = 0xf8;
	m->chip[SLAVE].elcr_mask = 0xde;
}

/**
 * pic_model_set() - a source raises or lowers its contribution to a line
 * @m: the pair
 * @line: 0-15
 * @source: below IRQ_SOURCE_RESTORED
 * @level: up?
 *
 * Return: IRQ_DELIVERED; IRQ_COALESCED: was requested already; IRQ_IGNORED: masked (an edge
 * is remembered all the same).
 */
int pic_model_set(struct pic_model *m, u32 line, u32 source, bool level)
{
	struct kvm_pic_state *c = &m->chip[line >> 3 & 1];
	u8 bit = BIT(line & 7), old = c->irr;
	bool high;

	irq_source_set(&m->sources[line], source, level);
	high = m->sources[line];

	/* The cascade input is the slave's alone. */
	if (line == CASCADE)
		return IRQ_IGNORED;
	if (high && ((c->elcr & bit) || !(c->last_irr & bit)))
		c->irr |= bit;
	else if (!high && (c->elcr & bit))
		c->irr &= ~bit;
	if (high)
		c->last_irr |= bit;
	else
		c->last_irr &= ~bit;
	update(m);
	if (high && (c->imr & bit))
		return IRQ_IGNORED;
	return high && (old & bit) ? IRQ_COALESCED : IRQ_DELIVERED;
}

/* The chip's own part of an INTA cycle. */
static void take(struct pic_model *m, int which, int n)
{
	struct kvm_pic_state *c = &m->chip[which];

	if (!c->auto_eoi) {
		c->isr |= BIT(n);
	} else {
		if (c->rotate_on_auto_eoi)
			c->priority_add = (n + 1) & 7;
		note_ack(m, which, BIT(n));
	}
	/* A level request stays as long as its line. */
	if (!(c->elcr & BIT(n)))
		c->irr &= ~BIT(n);
}

/**
 * pic_model_peek() - vector that an INTA cycle would give now
 * @m: the pair
 *
 * Return: vector, or -1.
 */
int pic_model_peek(const struct pic_model *m)
{
	int n = request(m, MASTER);

	if (n < 0)
		return -1;
	if (n != CASCADE)
		return m->chip[MASTER].irq_base + n;
	n = request(m, SLAVE);
	return m->chip[SLAVE].irq_base + (n < 0 ? 7 : n);
}

/**
 * pic_model_ack() - INTA cycle
 * @m: the pair
 *
 * Return: the vector; input 7's, not in service, when the request went away meanwhile.
 */
u8 pic_model_ack(struct pic_model *m)
{
	int n = request(m, MASTER);
	u8 vector;

	if (n < 0) {
		vector = m->chip[MASTER].irq_base + 7;
	} else if (n != CASCADE) {
		take(m, MASTER, n);
		vector = m->chip[MASTER].irq_base + n;
	} else {
		n = request(m, SLAVE);
		take(m, MASTER, CASCADE);
		if (n >= 0)
			take(m, SLAVE, n);
		vector = m->chip[SLAVE].irq_base + (n < 0 ? 7 : n);
	}
	update(m);
	return vector;
}

/* Initialisation: everything but the trigger mode starts anew (8259A datasheet, ICW1). */
static void write_icw1(struct pic_model *m, int which, u8 val)
{
	struct kvm_pic_state *c = &m->chip[which];

	note_ack(m, which, c->isr);
	c->irr &= c->elcr;
	c->imr = 0;
	c->isr = 0;
	c->priority_add = 0;
	c->read_reg_select = 0;
	c->poll = 0;
	c->special_mask = 0;
	c->auto_eoi = 0;
	c->rotate_on_auto_eoi = 0;
	c->special_fully_nested_mode = 0;
	c->init4 = val & 1;
	c->init_state = INIT_ICW2;
}

static void eoi(struct pic_model *m, int which, int n)
{
	struct kvm_pic_state *c = &m->chip[which];

	if (!(c->isr & BIT(n)))
		return;
	c->isr &= ~BIT(n);
	note_ack(m, which, BIT(n));
}

static void write_ocw2(struct pic_model *m, int which, u8 val)
{
	struct kvm_pic_state *c = &m->chip[which];
	u8 isr = c->special_mask ? c->isr & ~c->imr : c->isr, cmd = val >> 5;
	int n = val & 7;

	switch (cmd) {
	case OCW2_ROTATE_AEOI_OFF:
	case OCW2_ROTATE_AEOI_ON:
		c->rotate_on_auto_eoi = cmd == OCW2_ROTATE_AEOI_ON;
		return;
	case OCW2_SET_PRIORITY:
		c->priority_add = (n + 1) & 7;
		return;
	case OCW2_NOP:
		return;
	case OCW2_EOI:
	case OCW2_EOI_ROTATE:
		n = rank(c, isr);
		if (n == NO_PRIORITY)
			return;
		n = (n + c->priority_add) & 7;
		break;
	}
	eoi(m, which, n);
	if (cmd == OCW2_EOI_ROTATE || cmd == OCW2_EOI_LINE_ROTATE)
		c->priority_add = (n + 1) & 7;
}

static void write_ocw3(struct kvm_pic_state *c, u8 val)
{
	c->poll = !!(val & 4);
	if (val & 2)
		c->read_reg_select = val & 1;
	if (val & 0x40)
		c->special_mask = !!(val & 0x20);
}

static void write_data(struct kvm_pic_state *c, u8 val)
{
	switch (c->init_state) {
	case INIT_DONE:
		c->imr = val;
		break;
	case INIT_ICW2:
		c->irq_base = val & 0xf8;
		c->init_state = INIT_ICW3;
		break;
	case INIT_ICW3:
		/* Who is whose slave is soldered. */
		c->init_state = c->init4 ? INIT_ICW4 : INIT_DONE;
		break;
	case INIT_ICW4:
		c->special_fully_nested_mode = val >> 4 & 1;
		c->auto_eoi = val >> 1 & 1;
		c->init_state = INIT_DONE;
		break;
	}
}

static void write_elcr(struct pic_model *m, int which, u8 val)
{
	struct kvm_pic_state *c = &m->chip[which];

	c->elcr = val & c->elcr_mask;
	c->irr = (c->irr & ~c->elcr) | (c->last_irr & c->elcr);
}

/**
 * pic_model_write() - the guest writes a port
 * @m: the pair
 * @port: 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1
 * @val: the byte
 */
void pic_model_write(struct pic_model *m, u16 port, u8 val)
{
	int which = port == PIC_ELCR_PORT + 1 || (port & ~1) == PIC_SLAVE_PORT;

	if ((port & ~1) == PIC_ELCR_PORT)
		write_elcr(m, which, val);
	else if (port & 1)
		write_data(&m->chip[which], val);
	else if (val & 0x10)
		write_icw1(m, which, val);
	else if (val & 8)
		write_ocw3(&m->chip[which], val);
	else
		write_ocw2(m, which, val);
	update(m);
}

/* Polling replaces the INTA cycle: bit 7 says whether there was a request. */
static u8 poll(struct pic_model *m, int which)
{
	int n = request(m, which);

	m->chip[which].poll = 0;
	if (n < 0)
		return 0;
	take(m, which, n);
	update(m);
	return 0x80 | n;
}

/**
 * pic_model_read() - the guest reads a port
 * @m: the pair
 * @port: 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1
 */
u8 pic_model_read(struct pic_model *m, u16 port)
{
	int which = port == PIC_ELCR_PORT + 1 || (port & ~1) == PIC_SLAVE_PORT;
	const struct kvm_pic_state *c = &m->chip[which];

	if ((port & ~1) == PIC_ELCR_PORT)
		return c->elcr;
	if (c->poll)
		return poll(m, which);
	if (port & 1)
		return c->imr;
	return c->read_reg_select ? c->isr : c->irr;
}

/**
 * pic_model_restore() - for KVM_SET_IRQCHIP
 * @m: the pair
 * @chip: 0 master, 1 slave
 * @s: saved state; anything may be in there
 */
void pic_model_restore(struct pic_model *m, u32 chip, const struct kvm_pic_state *s)
{
	struct kvm_pic_state *c = &m->chip[chip & 1];
	u8 elcr_mask = c->elcr_mask;
	int n;

	*c = *s;
	c->irq_base &= 0xf8;
	c->priority_add &= 7;
	c->init_state &= 3;
	c->elcr_mask = elcr_mask;
	c->elcr &= elcr_mask;
	for (n = 0; n < 8; n++)
		m->sources[(chip & 1) * 8 + n] = c->last_irr & BIT(n) ? BIT(IRQ_SOURCE_RESTORED) :
									0;
	update(m);
}
