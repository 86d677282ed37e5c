/* SPDX-License-Identifier: GPL-2.0-only */
/* An interrupt message: what an IOAPIC pin, an MSI or an ICR write sends to local APICs. */
#ifndef GUESTMODE_IRQ_MSG_H
#define GUESTMODE_IRQ_MSG_H

#include <linux/bitops.h>
#include <linux/types.h>

/*
 * Delivery modes: ICR and LVT bits 10:8, the same in IOAPIC entries and MSI data (SDM vol. 3,
 * 11.6.1).
 */
enum irq_mode {
	IRQ_FIXED = 0,
	IRQ_LOWEST = 1,
	IRQ_SMI = 2,
	IRQ_NMI = 4,
	IRQ_INIT = 5,
	IRQ_SIPI = 6,
	IRQ_EXTINT = 7,
};

/* ICR bits 19:18 */
enum irq_shorthand { IRQ_TO_DEST, IRQ_TO_SELF, IRQ_TO_ALL, IRQ_TO_OTHERS };

/* Does the destination mean everybody? */
enum irq_broadcast {
	IRQ_BCAST_NONE,
	IRQ_BCAST_ALL,
	IRQ_BCAST_XAPIC, /* 0xff: all for an xAPIC, one APIC id for an x2APIC */
};

/**
 * struct irq_msg - an interrupt on its way
 * @dest: APIC id, or logical destination
 * @vector: or SIPI's start page
 * @mode: enum irq_mode
 * @shorthand: enum irq_shorthand
 * @bcast: enum irq_broadcast
 * @logical: @dest is a logical destination
 * @level: level triggered: the EOI goes back to the IOAPIC
 * @assert: only a level-triggered INIT may be a de-assert
 * @pin: IOAPIC pin that sent it
 */
struct irq_msg {
	u32 dest;
	u8 vector;
	u8 mode;
	u8 shorthand;
	u8 bcast;
	bool logical;
	bool level;
	bool assert;
	u8 pin;
};

/* What became of a message or a line: the ABI's KVM_IRQ_LINE_STATUS results. */
#define IRQ_IGNORED (-1) /* masked, or nobody there */
#define IRQ_COALESCED 0 /* the same was pending already */
#define IRQ_DELIVERED 1 /* or more: so many targets */

/*
 * A line is high while any source pulls it. Saved state doesn't say who did: a line that was
 * restored high is anybody's, until somebody raises or lowers it.
 */
#define IRQ_SOURCE_RESTORED 63

static inline void irq_source_set(unsigned long *sources, u32 source, bool level)
{
	__clear_bit(IRQ_SOURCE_RESTORED, sources);
	if (level)
		__set_bit(source, sources);
	else
		__clear_bit(source, sources);
}

/* Sum up the results of several targets. */
static inline int irq_result_add(int sum, int one)
{
	if (one < 0)
		return sum;
	return one + (sum < 0 ? 0 : sum);
}

#endif
