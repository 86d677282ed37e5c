// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI configuration by mechanism 1 (PCI Local Bus Specification 3.0, 3.2.2.3.2): an address at
 * port 0xcf8, data at 0xcfc. Amid the address register lies a PC's reset register, port 0xcf9: a
 * doubleword there is the address, a byte is a reset.
 */
#include "../vm.h"
#include "config.h"

#define PCI_ADDRESS		0	/* offsets from 0xcf8 */
#define PCI_RESET		1
#define PCI_DATA		4

#define ADDRESS_ENABLE		(1u << 31)
#define ADDRESS_BITS		0x80fffffc
#define ADDRESS_BUS(a)		((a) >> 16 & 0xff)
#define ADDRESS_SLOT(a)		((a) >> 11 & 0x1f)
#define ADDRESS_FUNCTION(a)	((a) >> 8 & 7)
#define ADDRESS_REGISTER(a)	((a) & 0xfc)

#define RESET_CPU		(1 << 2)

#define CONFIG_VENDOR		0x00
#define CONFIG_DEVICE		0x02
#define CONFIG_CLASS		0x0a	/* subclass, then class */
/* Red Hat's generic host bridge: no operating system knows quirks of it. */
#define HOST_BRIDGE_VENDOR	0x1b36
#define HOST_BRIDGE_DEVICE	0x0008
#define HOST_BRIDGE_CLASS	0x0600

static void pci_set16(struct pci_function *f, unsigned int reg, uint16_t v)
{
	f->config[reg] = v;
	f->config[reg + 1] = v >> 8;
}

/* The function that the address register selects, or NULL. */
static struct pci_function *pci_selected(const struct pci_bus *bus)
{
	if (!(bus->address & ADDRESS_ENABLE) || ADDRESS_BUS(bus->address) ||
	    ADDRESS_FUNCTION(bus->address))
		return NULL;
	return bus->slot[ADDRESS_SLOT(bus->address)];
}

static uint64_t pci_read_data(struct pci_bus *bus, unsigned int offset, unsigned int size)
{
	const struct pci_function *f = pci_selected(bus);
	unsigned int reg = ADDRESS_REGISTER(bus->address) + offset;
	uint64_t v = 0;
	unsigned int i;

	if (!f)
		return ~0ull;
	/* The bus keeps offset + size within 4, so reg + size stays within the space. */
	for (i = 0; i < size; i++)
		v |= (uint64_t)f->config[reg + i] << i * 8;
	return v;
}

static void pci_write_data(struct pci_bus *bus, unsigned int offset, uint64_t value,
			   unsigned int size)
{
	struct pci_function *f = pci_selected(bus);
	unsigned int reg = ADDRESS_REGISTER(bus->address) + offset;
	unsigned int i;

	if (!f)
		return;
	for (i = 0; i < size; i++) {
		uint8_t mask = f->writable[reg + i];

		f->config[reg + i] = (f->config[reg + i] & ~mask) | (value >> i * 8 & mask);
	}
}

static uint64_t pci_read(struct device *dev, unsigned int region, uint64_t offset,
			 unsigned int size)
{
	struct pci_bus *bus = dev->opaque;
	uint64_t v = ~0ull;

	(void)region;
	pthread_mutex_lock(&bus->lock);
	if (offset >= PCI_DATA)
		v = pci_read_data(bus, offset - PCI_DATA, size);
	else if (offset == PCI_ADDRESS && size == 4)
		v = bus->address;
	else if (offset == PCI_RESET && size == 1)
		v = 0;
	pthread_mutex_unlock(&bus->lock);
	return v;
}

static void pci_write(struct device *dev, unsigned int region, uint64_t offset, uint64_t value,
		      unsigned int size)
{
	struct pci_bus *bus = dev->opaque;

	(void)region;
	pthread_mutex_lock(&bus->lock);
	if (offset >= PCI_DATA)
		pci_write_data(bus, offset - PCI_DATA, value, size);
	else if (offset == PCI_ADDRESS && size == 4)
		bus->address = value & ADDRESS_BITS;
	pthread_mutex_unlock(&bus->lock);
	if (offset == PCI_RESET && size == 1 && value & RESET_CPU)
		vm_stop(bus->vm, STATUS_RESET);
}

static const struct device_ops pci_ops = {
	.name = "pci",
	.read = pci_read,
	.write = pci_write,
};

/**
 * pci_bus_init() - Set up bus 0, with nothing but its host bridge.
 * @bus: filled in.
 * @vm: what the reset register resets.
 */
void pci_bus_init(struct pci_bus *bus, struct vm *vm)
{
	*bus = (struct pci_bus){
		.dev = { .ops = &pci_ops, .opaque = bus },
		.vm = vm,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	pci_set16(&bus->host_bridge, CONFIG_VENDOR, HOST_BRIDGE_VENDOR);
	pci_set16(&bus->host_bridge, CONFIG_DEVICE, HOST_BRIDGE_DEVICE);
	pci_set16(&bus->host_bridge, CONFIG_CLASS, HOST_BRIDGE_CLASS);
	bus->slot[0] = &bus->host_bridge;
}
