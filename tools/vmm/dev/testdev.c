// SPDX-License-Identifier: GPL-2.0-only
/* A port by which a test guest ends vmm and says how it went. */
#include "../vm.h"
#include "testdev.h"

static uint64_t testdev_read(struct device *dev, unsigned int region, uint64_t offset,
			     unsigned int size)
{
	(void)dev;
	(void)region;
	(void)offset;
	(void)size;
	return 0;
}

static void testdev_write(struct device *dev, unsigned int region, uint64_t offset, uint64_t value,
			  unsigned int size)
{
	struct testdev *td = dev->opaque;

	(void)region;
	(void)offset;
	(void)size;
	vm_stop(td->vm, status_debug_exit(value));
}

static const struct device_ops testdev_ops = {
	.name = "isa-debug-exit",
	.read = testdev_read,
	.write = testdev_write,
};

/**
 * testdev_init() - Set up the exit port.
 * @td: filled in.
 * @vm: what ends.
 */
void testdev_init(struct testdev *td, struct vm *vm)
{
	*td = (struct testdev){ .dev = { .ops = &testdev_ops, .opaque = td }, .vm = vm };
}
