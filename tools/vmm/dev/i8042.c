// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resetting a PC the old ways: through its keyboard controller's output port (command 0xfe) and
 * system control port A. There is no keyboard and no controller for one.
 *
 * The status register reads so that neither kind of user waits. Who wants to send a command
 * finds the input buffer free. Who looks for a controller finds an output buffer that stays full
 * however much is read from it, and concludes that there is none.
 */
#include "../vm.h"
#include "i8042.h"

#define STATUS_INPUT_FULL	0x02
#define CMD_PULSE_RESET		0xfe
#define SYSCTL_A_RESET		0x01
#define SYSCTL_A_A20		0x02

static uint64_t i8042_read(struct device *dev, unsigned int region, uint64_t offset,
			   unsigned int size)
{
	(void)dev;
	(void)offset;
	(void)size;
	switch ((enum i8042_region)region) {
	case I8042_CMD:
		return 0xff & ~STATUS_INPUT_FULL;
	case I8042_SYSCTL_A:
		return SYSCTL_A_A20;
	case I8042_DATA:
		break;
	}
	return 0xff;
}

static void i8042_write(struct device *dev, unsigned int region, uint64_t offset, uint64_t value,
			unsigned int size)
{
	struct i8042 *kbc = dev->opaque;

	(void)offset;
	(void)size;
	if ((region == I8042_CMD && value == CMD_PULSE_RESET) ||
	    (region == I8042_SYSCTL_A && value & SYSCTL_A_RESET))
		vm_stop(kbc->vm, STATUS_RESET);
}

static const struct device_ops i8042_ops = {
	.name = "i8042",
	.read = i8042_read,
	.write = i8042_write,
};

/**
 * i8042_init() - Set up the reset ports.
 * @kbc: filled in.
 * @vm: what is reset.
 */
void i8042_init(struct i8042 *kbc, struct vm *vm)
{
	*kbc = (struct i8042){ .dev = { .ops = &i8042_ops, .opaque = kbc }, .vm = vm };
}
