// SPDX-License-Identifier: GPL-2.0-only
/* Which device answers at an address. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "bus.h"

/**
 * bus_add() - Let a device answer at a range of addresses.
 * @bus: the bus.
 * @base: first address (port or gpa).
 * @len: how many.
 * @dev: the device; it outlives the bus.
 * @id: handed to the device's ops, tells its regions apart.
 *
 * Context: before vCPUs run.
 * Return: 0, -EINVAL (empty or wrapping range), -EEXIST (overlaps another), -ENOSPC.
 */
int bus_add(struct bus *bus, uint64_t base, uint64_t len, struct device *dev, unsigned int id)
{
	unsigned int pos = 0;

	if (!len || base + len - 1 < base)
		return -EINVAL;
	if (bus->nr == BUS_MAX_REGIONS)
		return -ENOSPC;
	while (pos < bus->nr && bus->region[pos].base < base)
		pos++;
	if (pos < bus->nr && bus->region[pos].base - base < len)
		return -EEXIST;
	if (pos && base - bus->region[pos - 1].base < bus->region[pos - 1].len)
		return -EEXIST;
	memmove(&bus->region[pos + 1], &bus->region[pos],
		(bus->nr - pos) * sizeof(bus->region[0]));
	bus->region[pos] = (struct bus_region){ base, len, dev, id };
	bus->nr++;
	return 0;
}

static const struct bus_region *bus_find(const struct bus *bus, uint64_t addr, unsigned int size)
{
	unsigned int lo = 0, hi = bus->nr;
	const struct bus_region *r;

	/* Find the first region that begins above addr. */
	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (bus->region[mid].base <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	r = &bus->region[lo - 1];
	/* An access that reaches over a region's end is nobody's: a PC's 0xcf8 and 0xcf9. */
	if (addr - r->base >= r->len || r->len - (addr - r->base) < size)
		return NULL;
	return r;
}

static uint64_t bus_mask(unsigned int size)
{
	return size >= 8 ? ~0ULL : (1ULL << (size * 8)) - 1;
}

/**
 * bus_read() - Read from whatever device is at an address.
 * @bus: the bus.
 * @addr: port or gpa.
 * @value: the result; all ones in @size bytes where there is no device.
 * @size: bytes, 1 to 8.
 *
 * Return: whether a device answered.
 */
bool bus_read(const struct bus *bus, uint64_t addr, uint64_t *value, unsigned int size)
{
	const struct bus_region *r = bus_find(bus, addr, size);

	*value = bus_mask(size);
	if (!r)
		return false;
	*value &= r->dev->ops->read(r->dev, r->id, addr - r->base, size);
	return true;
}

/**
 * bus_write() - Write to whatever device is at an address.
 * @bus: the bus.
 * @addr: port or gpa.
 * @value: what to write, in the low @size bytes.
 * @size: bytes, 1 to 8.
 *
 * Return: whether a device took it.
 */
bool bus_write(const struct bus *bus, uint64_t addr, uint64_t value, unsigned int size)
{
	const struct bus_region *r = bus_find(bus, addr, size);

	if (!r)
		return false;
	r->dev->ops->write(r->dev, r->id, addr - r->base, value & bus_mask(size), size);
	return true;
}
