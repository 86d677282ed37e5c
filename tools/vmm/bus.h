/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_BUS_H
#define VMM_BUS_H

#include <stdbool.h>
#include <stdint.h>

struct device;

/**
 * struct device_ops - What a kind of device does.
 * @name: for messages.
 * @read: the value at @offset of the device's region @region; @size is 1 to 8 bytes, the
 *	access lies wholly inside the region.
 * @write: the same for writing; bytes of @value beyond @size are zero.
 *
 * Both are called by vCPU threads, several at once: a device locks its own state.
 */
struct device_ops {
	const char *name;
	uint64_t (*read)(struct device *dev, unsigned int region, uint64_t offset,
			 unsigned int size);
	void (*write)(struct device *dev, unsigned int region, uint64_t offset, uint64_t value,
		      unsigned int size);
};

/**
 * struct device - An instance of a device, as the bus knows it.
 * @ops: its kind.
 * @opaque: its state.
 */
struct device {
	const struct device_ops *ops;
	void *opaque;
};

struct bus_region {
	uint64_t base;
	uint64_t len;
	struct device *dev;
	unsigned int id;	/* which of the device's regions */
};

#define BUS_MAX_REGIONS 64

/*
 * Regions are added while the machine is put together and sorted by address. When vCPUs run the
 * array no longer changes, so they look it up without a lock.
 */
struct bus {
	struct bus_region region[BUS_MAX_REGIONS];
	unsigned int nr;
};

int bus_add(struct bus *bus, uint64_t base, uint64_t len, struct device *dev, unsigned int id);
bool bus_read(const struct bus *bus, uint64_t addr, uint64_t *value, unsigned int size);
bool bus_write(const struct bus *bus, uint64_t addr, uint64_t value, unsigned int size);

#endif
