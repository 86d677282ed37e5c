// SPDX-License-Identifier: GPL-2.0-only
/* vmm's bus, guest memory and PCI configuration: every boundary. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bus.h"
#include "layout.h"
#include "mem.h"
#include "pci/config.h"
#include "tap.h"
#include "vm.h"

struct fake {
	struct device dev;
	unsigned int calls, region, size;
	uint64_t offset, value;
};

static uint64_t fake_read(struct device *dev, unsigned int region, uint64_t offset,
			  unsigned int size)
{
	struct fake *f = dev->opaque;

	f->calls++;
	f->region = region;
	f->offset = offset;
	f->size = size;
	return 0x1122334455667788;
}

static void fake_write(struct device *dev, unsigned int region, uint64_t offset, uint64_t value,
		       unsigned int size)
{
	fake_read(dev, region, offset, size);
	((struct fake *)dev->opaque)->value = value;
}

static const struct device_ops fake_ops = { "fake", fake_read, fake_write };

static void test_lookup(void)
{
	struct fake f = { .dev = { &fake_ops, &f } };
	struct bus bus = { 0 };
	uint64_t v;

	tap_eq(bus_add(&bus, 0x60, 1, &f.dev, 1), 0, "add 0x60");
	tap_eq(bus_add(&bus, 0x3f8, 8, &f.dev, 3), 0, "add 0x3f8, above");
	tap_eq(bus_add(&bus, 0x10, 4, &f.dev, 0), 0, "add 0x10, below");
	tap_eq(bus_add(&bus, 0x64, 1, &f.dev, 2), 0, "add 0x64, between");
	tap_eq(-bus_add(&bus, 0x3ff, 1, &f.dev, 0), EEXIST, "overlap at the end");
	tap_eq(-bus_add(&bus, 0x3f0, 9, &f.dev, 0), EEXIST, "overlap at the beginning");
	tap_eq(-bus_add(&bus, 0, 0x1000, &f.dev, 0), EEXIST, "overlap around");
	tap_eq(-bus_add(&bus, 0x3f8, 8, &f.dev, 0), EEXIST, "the same again");
	tap_eq(-bus_add(&bus, 5, 0, &f.dev, 0), EINVAL, "an empty range");
	tap_eq(-bus_add(&bus, ~0ull, 2, &f.dev, 0), EINVAL, "a range that wraps");
	tap_eq(bus_add(&bus, ~0ull, 1, &f.dev, 4), 0, "the last address of all");
	tap_eq(bus.nr, 5, "refused ones leave no trace");

	tap_ok(bus_read(&bus, 0x3ff, &v, 1) && f.region == 3 && f.offset == 7 && v == 0x88,
	       "last port of a device: saw region %u, offset %llu, value 0x%llx", f.region,
	       (unsigned long long)f.offset, (unsigned long long)v);
	tap_ok(!bus_read(&bus, 0x400, &v, 1) && v == 0xff, "one beyond reads 0xff");
	tap_ok(!bus_read(&bus, 0x3f7, &v, 2) && v == 0xffff, "begins before: nobody's");
	tap_ok(!bus_read(&bus, 0x3fd, &v, 4) && v == 0xffffffff, "ends beyond: nobody's");
	tap_ok(bus_read(&bus, 0x3fc, &v, 4) && v == 0x55667788, "just fits");
	tap_ok(bus_write(&bus, 0x64, 0xffffffffffffabcd, 1) && f.region == 2 && f.value == 0xcd,
	       "a write loses what is beyond its size: saw 0x%llx", (unsigned long long)f.value);
	tap_ok(!bus_read(&bus, 0, &v, 8) && v == ~0ull, "below the first");
	tap_ok(bus_read(&bus, ~0ull, &v, 1) && f.region == 4, "the last address answers");
	tap_ok(!bus_read(&bus, ~0ull, &v, 2), "and nothing wraps behind it");
}

static void test_full(void)
{
	struct fake f = { .dev = { &fake_ops, &f } };
	struct bus bus = { 0 };
	unsigned int i;
	int err = 0;

	for (i = 0; i < BUS_MAX_REGIONS && !err; i++)
		err = bus_add(&bus, (BUS_MAX_REGIONS - i) * 16, 8, &f.dev, i);
	tap_eq(err, 0, "a bus filled in descending order");
	tap_eq(-bus_add(&bus, 0x10000, 1, &f.dev, 0), ENOSPC, "one too many");
	for (i = 1; i < bus.nr; i++)
		if (bus.region[i].base <= bus.region[i - 1].base)
			break;
	tap_eq(i, BUS_MAX_REGIONS, "it is sorted");
}

static void test_memory(void)
{
	struct mem mem;
	uint8_t *end;

	if (mem_init(&mem, GIB(3) + MIB(8)) != STATUS_OK) {
		tap_ok(false, "memory of 3 GiB and 8 MiB");
		return;
	}
	tap_eq(mem.low, GIB(3), "3 GiB below the hole");
	tap_eq(mem.high, MIB(8), "the rest above 4 GiB");
	tap_ok(!((uintptr_t)mem.base % MIB(2)), "aligned for huge pages");
	tap_ok(mem_hva(&mem, 0, 1) == mem.base, "the first byte");
	end = mem_hva(&mem, GIB(3) - 1, 1);
	tap_ok(end == mem.base + GIB(3) - 1, "the last byte below the hole");
	*end = 1;
	tap_ok(!mem_hva(&mem, GIB(3) - 1, 2), "two bytes there");
	tap_ok(!mem_hva(&mem, GIB(3), 1), "in the hole");
	tap_ok(!mem_hva(&mem, GIB(4) - 1, 1), "the hole's end");
	tap_ok(mem_hva(&mem, GIB(4), MIB(8)) == mem.base + GIB(3), "all above 4 GiB");
	tap_ok(!mem_hva(&mem, GIB(4), MIB(8) + 1), "one more");
	tap_ok(!mem_hva(&mem, GIB(4) + MIB(8), 1), "beyond");
	tap_ok(!mem_hva(&mem, 4096, ~0ull), "a length that wraps");
	tap_ok(!mem_hva(&mem, ~0ull, 2), "an address that wraps");
	tap_ok(!mem_hva(&mem, GIB(4) + 1, ~0ull - GIB(4)), "a sum that wraps");
	mem_destroy(&mem);
	tap_ok(!mem_hva(&mem, 0, 1), "none after the end");
	mem_destroy(&mem);
}

static uint64_t pci_config(struct bus *bus, uint32_t address, unsigned int offset,
			   unsigned int size)
{
	uint64_t v;

	bus_write(bus, PORT_PCI, address, 4);
	bus_read(bus, PORT_PCI + 4 + offset, &v, size);
	return v;
}

static void test_pci(void)
{
	struct vm vm = { .stop_fd = -1 };
	struct pci_bus pci;
	struct bus bus = { 0 };
	uint64_t v;

	atomic_init(&vm.stop_status, -1);
	pci_bus_init(&pci, &vm);
	bus_add(&bus, PORT_PCI, PCI_PORTS, &pci.dev, 0);

	tap_eq(pci_config(&bus, 0x80000000, 0, 4), 0x00081b36, "the host bridge");
	tap_eq(pci_config(&bus, 0x80000008, 2, 2), 0x0600, "its class");
	tap_eq(pci_config(&bus, 0x80000008, 3, 1), 0x06, "a byte of it");
	tap_eq(pci_config(&bus, 0x800000fc, 0, 4), 0, "the last register");
	tap_eq(pci_config(&bus, 0x800000fc, 3, 1), 0, "its last byte");
	tap_ok(!bus_read(&bus, PORT_PCI + 7, &v, 2), "nothing beyond the data register");
	tap_eq(pci_config(&bus, 0x80000800, 0, 4), 0xffffffff, "slot 1 is empty");
	tap_eq(pci_config(&bus, 0x80000100, 0, 4), 0xffffffff, "function 1 is empty");
	tap_eq(pci_config(&bus, 0x80010000, 0, 4), 0xffffffff, "bus 1 is empty");
	tap_eq(pci_config(&bus, 0x00000000, 0, 4), 0xffffffff, "not enabled");
	bus_write(&bus, PORT_PCI, 0xffffffff, 4);
	bus_read(&bus, PORT_PCI, &v, 4);
	tap_eq(v, 0x80fffffc, "the address reads back");
	bus_write(&bus, PORT_PCI, 0x80000000, 4);
	bus_write(&bus, PORT_PCI + 4, 0x12345678, 4);
	bus_read(&bus, PORT_PCI + 4, &v, 4);
	tap_eq(v, 0x00081b36, "an ID can't be written");

	bus_write(&bus, PORT_RESET, 2, 1);
	tap_ok(!vm_stopping(&vm), "choosing the kind of reset doesn't reset");
	bus_write(&bus, PORT_RESET, 0x0606, 2);
	tap_ok(!vm_stopping(&vm), "a word at the reset register doesn't reset");
	bus_write(&bus, PORT_RESET, 6, 1);
	tap_eq(atomic_load(&vm.stop_status), STATUS_RESET, "a byte does");
}

int main(void)
{
	test_lookup();
	test_full();
	test_memory();
	test_pci();
	return tap_done();
}
