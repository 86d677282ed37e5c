/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_DEV_PVPANIC_H
#define VMM_DEV_PVPANIC_H

#include "../bus.h"

struct vm;

/* A port by which a guest tells that it panicked. */
struct pvpanic {
	struct device dev;
	struct vm *vm;
};

void pvpanic_init(struct pvpanic *p, struct vm *vm);

#endif
