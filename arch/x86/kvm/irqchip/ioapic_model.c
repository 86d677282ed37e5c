// SPDX-License-Identifier: GPL-2.0-only
/* Model of an IOAPIC (82093AA datasheet, 3.0). See ioapic_model.h. */

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/string.h>

#include "ioapic_model.h"

#define REG_ID 0
#define REG_VERSION 1
#define REG_ARB 2
#define REG_REDIR 0x10

/*
 * What software can write: mask, trigger, polarity, destination mode, delivery mode, vector;
 * destination.
 */
#define REDIR_WRITABLE_LOW 0x0001afffU
#define REDIR_WRITABLE_HIGH 0xff000000U

/* Of the delivery modes only these two know an EOI; with the others remote IRR would stick. */
static bool is_level(u64 entry)
{
	return (entry & IOAPIC_LEVEL) && IOAPIC_MODE(entry) <= IRQ_LOWEST;
}

static void emit(struct ioapic_model *m, u32 pin, struct irq_batch *out)
{
	u64 e = m->redir[pin];
	u8 mode = IOAPIC_MODE(e);

	/* SIPI and 3 are reserved; an ExtINT's vector would have to come from the 8259. */
	if (mode == IRQ_SIPI || mode == IRQ_EXTINT || mode == 3)
		return;
	out->msg[out->nr++] = (struct irq_msg){
		.dest = IOAPIC_DEST(e),
		.vector = IOAPIC_VECTOR(e),
		.mode = mode,
		.bcast = IOAPIC_DEST(e) == 0xff ? m->bcast : IRQ_BCAST_NONE,
		.logical = e & IOAPIC_LOGICAL,
		.level = is_level(e),
		.assert = true,
		.pin = pin,
	};
}

/* Send what the pin has to send. Return: IRQ_DELIVERED when a message was made. */
static int service(struct ioapic_model *m, u32 pin, struct irq_batch *out)
{
	u64 e = m->redir[pin];

	if (e & IOAPIC_MASKED)
		return IRQ_IGNORED;
	if (is_level(e)) {
		if (!(m->line & BIT(pin)))
			return IRQ_IGNORED;
		if (e & IOAPIC_REMOTE_IRR)
			return IRQ_COALESCED;
		/* Before it is sent: the EOI may be quicker than the sender. */
		m->redir[pin] |= IOAPIC_REMOTE_IRR;
	} else {
		if (!(m->edge & BIT(pin)))
			return IRQ_IGNORED;
		m->edge &= ~BIT(pin);
	}
	emit(m, pin, out);
	return IRQ_DELIVERED;
}

/**
 * ioapic_model_reset() - all pins masked, all lines low
 * @m: the IOAPIC
 */
void ioapic_model_reset(struct ioapic_model *m)
{
	u8 bcast = m->bcast;
	int pin;

	memset(m, 0, sizeof(*m));
	m->bcast = bcast;
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		m->redir[pin] = IOAPIC_MASKED;
}

/**
 * ioapic_model_set() - a source raises or lowers its contribution to a line
 * @m: the IOAPIC
 * @pin: below IOAPIC_PINS
 * @source: below IRQ_SOURCE_RESTORED
 * @level: up?
 * @out: gets at most one message
 *
 * Return: IRQ_DELIVERED: message in @out, or the line was lowered; IRQ_COALESCED, IRQ_IGNORED.
 */
int ioapic_model_set(struct ioapic_model *m, u32 pin, u32 source, bool level,
		     struct irq_batch *out)
{
	bool was = m->line & BIT(pin);

	irq_source_set(&m->sources[pin], source, level);
	if (!m->sources[pin]) {
		m->line &= ~BIT(pin);
		m->edge &= ~BIT(pin);
		return IRQ_DELIVERED;
	}
	m->line |= BIT(pin);
	if (!is_level(m->redir[pin])) {
		if (was)
			return IRQ_COALESCED;
		m->edge |= BIT(pin);
	}
	return service(m, pin, out);
}

/**
 * ioapic_model_refused() - no LAPIC took the pin's level-triggered message: nobody will give an EOI
 * @m: the IOAPIC
 * @pin: the message's
 */
void ioapic_model_refused(struct ioapic_model *m, u32 pin)
{
	m->redir[pin] &= ~IOAPIC_REMOTE_IRR;
}

/**
 * ioapic_model_eoi() - a LAPIC broadcasts an EOI
 * @m: the IOAPIC
 * @vector: its vector
 * @all: out: all pins of that vector, whatever their trigger mode
 *
 * The caller then calls ioapic_model_service() for the pins returned, after those who want to know
 * of the acknowledgement had the opportunity to lower the lines.
 *
 * Return: bit mask of pins that were in service and no longer are.
 */
u32 ioapic_model_eoi(struct ioapic_model *m, u8 vector, u32 *all)
{
	u32 pin, acked = 0;

	*all = 0;
	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		if (IOAPIC_VECTOR(m->redir[pin]) != vector)
			continue;
		*all |= BIT(pin);
		if (!(m->redir[pin] & IOAPIC_REMOTE_IRR))
			continue;
		m->redir[pin] &= ~IOAPIC_REMOTE_IRR;
		acked |= BIT(pin);
	}
	return acked;
}

/**
 * ioapic_model_service() - send what is pending on some pins
 * @m: the IOAPIC
 * @pins: bit mask
 * @out: gets at most a message per pin
 */
void ioapic_model_service(struct ioapic_model *m, u32 pins, struct irq_batch *out)
{
	for (pins &= BIT(IOAPIC_PINS) - 1; pins; pins &= pins - 1)
		service(m, __ffs(pins), out);
}

static u32 read_reg(struct ioapic_model *m, u8 reg)
{
	u32 pin;

	switch (reg) {
	case REG_ID:
	case REG_ARB:
		return m->id << 24;
	case REG_VERSION:
		return IOAPIC_VERSION | (IOAPIC_PINS - 1) << 16;
	}
	pin = (u32)(reg - REG_REDIR) / 2;
	if (reg < REG_REDIR || pin >= IOAPIC_PINS)
		return ~0U;
	pin = array_index_nospec(pin, IOAPIC_PINS);
	return reg & 1 ? m->redir[pin] >> 32 : m->redir[pin];
}

static void write_reg(struct ioapic_model *m, u8 reg, u32 val, struct irq_batch *out)
{
	u32 pin = (u32)(reg - REG_REDIR) / 2;
	u64 *e;

	if (reg == REG_ID)
		m->id = val >> 24 & 0xf;
	if (reg < REG_REDIR || pin >= IOAPIC_PINS)
		return;
	pin = array_index_nospec(pin, IOAPIC_PINS);
	e = &m->redir[pin];
	if (reg & 1) {
		*e = (u32)*e | (u64)(val & REDIR_WRITABLE_HIGH) << 32;
	} else {
		*e = (*e & ~(u64)REDIR_WRITABLE_LOW) | (val & REDIR_WRITABLE_LOW);
		/*
		 * Linux ends a level interrupt on chips without an EOI register by a switch to edge
		 * and back.
		 */
		if (!is_level(*e))
			*e &= ~IOAPIC_REMOTE_IRR;
		else
			m->edge &= ~BIT(pin);
	}
	service(m, pin, out);
}

/**
 * ioapic_model_read() - the guest reads the register window
 * @m: the IOAPIC
 * @offset: from the base address
 */
u32 ioapic_model_read(struct ioapic_model *m, u32 offset)
{
	switch (offset) {
	case IOAPIC_IOREGSEL:
		return m->select;
	case IOAPIC_IOWIN:
		return read_reg(m, m->select);
	default:
		return 0;
	}
}

/**
 * ioapic_model_write() - the guest writes the register window
 * @m: the IOAPIC
 * @offset: from the base address
 * @val: new value
 * @out: gets at most one message
 */
void ioapic_model_write(struct ioapic_model *m, u32 offset, u32 val, struct irq_batch *out)
{
	if (offset == IOAPIC_IOREGSEL)
		m->select = val;
	else if (offset == IOAPIC_IOWIN)
		write_reg(m, m->select, val, out);
}

/**
 * ioapic_model_save() - for KVM_GET_IRQCHIP
 * @m: the IOAPIC
 * @s: out, but for base_address
 */
void ioapic_model_save(const struct ioapic_model *m, struct kvm_ioapic_state *s)
{
	int pin;

	s->ioregsel = m->select;
	s->id = m->id;
	s->irr = m->line;
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		s->redirtbl[pin].bits = m->redir[pin];
}

/**
 * ioapic_model_restore() - for KVM_SET_IRQCHIP
 * @m: the IOAPIC
 * @s: saved state; anything may be in there
 * @out: gets at most a message per pin
 *
 * An edge-triggered pin that is high counts as just risen: one interrupt too many does less harm
 * than one lost.
 */
void ioapic_model_restore(struct ioapic_model *m, const struct kvm_ioapic_state *s,
			  struct irq_batch *out)
{
	u64 legal = (u64)REDIR_WRITABLE_HIGH << 32 | REDIR_WRITABLE_LOW | IOAPIC_REMOTE_IRR;
	int pin;

	m->select = s->ioregsel;
	m->id = s->id & 0xf;
	m->line = s->irr & (BIT(IOAPIC_PINS) - 1);
	m->edge = 0;
	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		m->redir[pin] = s->redirtbl[pin].bits & legal;
		m->sources[pin] = m->line & BIT(pin) ? BIT(IRQ_SOURCE_RESTORED) : 0;
		if (is_level(m->redir[pin]))
			continue;
		m->redir[pin] &= ~IOAPIC_REMOTE_IRR;
		m->edge |= m->line & BIT(pin);
	}
	ioapic_model_service(m, ~0U, out);
}
