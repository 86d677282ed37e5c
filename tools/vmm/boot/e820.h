/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_BOOT_E820_H
#define VMM_BOOT_E820_H

#include <stdint.h>

#define E820_RAM	1
#define E820_RESERVED	2
#define E820_ACPI	3

#define E820_MAX 8

struct e820_range {
	uint64_t base;
	uint64_t size;
	uint32_t type;
};

struct e820 {
	struct e820_range range[E820_MAX];
	unsigned int nr;
};

void e820_build(struct e820 *map, uint64_t low, uint64_t high);

#endif
