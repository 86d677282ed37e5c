/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_DEV_TESTDEV_H
#define VMM_DEV_TESTDEV_H

#include "../bus.h"

struct vm;

#define TESTDEV_PORTS 4

/* isa-debug-exit: a guest ends vmm with a status of its choice. */
struct testdev {
	struct device dev;
	struct vm *vm;
};

void testdev_init(struct testdev *td, struct vm *vm);

#endif
