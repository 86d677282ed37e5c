/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_PCI_CONFIG_H
#define VMM_PCI_CONFIG_H

#include <pthread.h>
#include <stdint.h>

#include "../bus.h"

struct vm;

#define PCI_PORTS	8	/* address, data */
#define PCI_SLOTS	32
#define PCI_CONFIG_SIZE	256

/* A device with one function. */
struct pci_function {
	uint8_t config[PCI_CONFIG_SIZE];
	uint8_t writable[PCI_CONFIG_SIZE];	/* bits that the guest can change */
};

/* Bus 0 with its host bridge, and the two registers by which its configuration is reached. */
struct pci_bus {
	struct device dev;
	struct vm *vm;
	struct pci_function host_bridge;
	struct pci_function *slot[PCI_SLOTS];
	pthread_mutex_t lock;	/* guards the rest, and what is writable in the functions */
	uint32_t address;
};

void pci_bus_init(struct pci_bus *bus, struct vm *vm);

#endif
