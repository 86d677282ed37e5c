/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_IRQ_H
#define VMM_IRQ_H

#include <stdbool.h>

#include "status.h"

/**
 * struct irq_line - The wire from a device to the interrupt controllers.
 * @set: drives the wire.
 * @opaque: for @set.
 * @gsi: global system interrupt.
 * @level: as last driven; guarded by the device's lock.
 */
struct irq_line {
	void (*set)(void *opaque, unsigned int gsi, bool level);
	void *opaque;
	unsigned int gsi;
	bool level;
};

/**
 * irq_line_set() - Drive a device's interrupt line.
 * @line: the line.
 * @level: high or low; no change costs nothing.
 *
 * Context: the device's lock is held, so that changes reach the controllers in order.
 */
static inline void irq_line_set(struct irq_line *line, bool level)
{
	if (line->level == level)
		return;
	line->level = level;
	line->set(line->opaque, line->gsi, level);
}

struct vm;

enum status irq_create_chips(struct vm *vm);
struct irq_line irq_line_of(struct vm *vm, unsigned int gsi);

#endif
