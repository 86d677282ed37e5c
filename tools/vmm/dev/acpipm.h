/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_DEV_ACPIPM_H
#define VMM_DEV_ACPIPM_H

#include <pthread.h>
#include <stdint.h>

#include "../bus.h"
#include "../irq.h"

struct vm;

#define ACPIPM_PORTS 12	/* PM1a status, enable, control, timer */

/* ACPI's fixed hardware. */
struct acpipm {
	struct device dev;
	struct vm *vm;
	pthread_mutex_t lock;	/* guards the rest */
	struct irq_line sci;
	uint16_t status, enable, control;
};

void acpipm_init(struct acpipm *pm, struct vm *vm, struct irq_line sci);
void acpipm_power_button(struct acpipm *pm);

#endif
