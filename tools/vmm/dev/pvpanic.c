// SPDX-License-Identifier: GPL-2.0-only
/*
 * The panic port. It reads the events that it understands; the guest writes the one that
 * happened.
 */
#include "../log.h"
#include "../vm.h"
#include "pvpanic.h"

#define PVPANIC_PANICKED	0x01
#define PVPANIC_CRASH_LOADED	0x02	/* panicked, but a crash kernel takes over */

static uint64_t pvpanic_read(struct device *dev, unsigned int region, uint64_t offset,
			     unsigned int size)
{
	(void)dev;
	(void)region;
	(void)offset;
	(void)size;
	return PVPANIC_PANICKED | PVPANIC_CRASH_LOADED;
}

static void pvpanic_write(struct device *dev, unsigned int region, uint64_t offset, uint64_t value,
			  unsigned int size)
{
	struct pvpanic *p = dev->opaque;

	(void)region;
	(void)offset;
	(void)size;
	if (value & PVPANIC_PANICKED) {
		if (vm_stop(p->vm, STATUS_PANIC))
			log_error("the guest panicked");
	} else if (value & PVPANIC_CRASH_LOADED) {
		log_info("the guest panicked and starts its crash kernel");
	}
}

static const struct device_ops pvpanic_ops = {
	.name = "pvpanic",
	.read = pvpanic_read,
	.write = pvpanic_write,
};

/**
 * pvpanic_init() - Set up the panic port.
 * @p: filled in.
 * @vm: what ends when the guest panics.
 */
void pvpanic_init(struct pvpanic *p, struct vm *vm)
{
	*p = (struct pvpanic){ .dev = { .ops = &pvpanic_ops, .opaque = p }, .vm = vm };
}
