/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_DEV_I8042_H
#define VMM_DEV_I8042_H

#include "../bus.h"

struct vm;

enum i8042_region {
	I8042_DATA,
	I8042_CMD,
	I8042_SYSCTL_A,
};

/* The keyboard controller's other duty: resetting the machine. It has no state. */
struct i8042 {
	struct device dev;
	struct vm *vm;
};

void i8042_init(struct i8042 *kbc, struct vm *vm);

#endif
