// SPDX-License-Identifier: GPL-2.0-only
/* The memory map that the guest is told. */
#include "../layout.h"
#include "e820.h"

static void e820_add(struct e820 *map, uint64_t base, uint64_t end, uint32_t type)
{
	if (end > base)
		map->range[map->nr++] = (struct e820_range){ base, end - base, type };
}

/**
 * e820_build() - Describe guest memory.
 * @map: filled in, in ascending order without overlaps.
 * @low: bytes of RAM from address 0.
 * @high: bytes of RAM from 4 GiB.
 *
 * The PC's own holes stay out: EBDA and video memory below 1 MiB. Where ACPI tables are is marked
 * so that the kernel keeps them even for another kernel that it starts itself.
 */
void e820_build(struct e820 *map, uint64_t low, uint64_t high)
{
	map->nr = 0;
	e820_add(map, 0, low < LOWMEM_END ? low : LOWMEM_END, E820_RAM);
	e820_add(map, LOWMEM_END, 0xa0000, E820_RESERVED);
	e820_add(map, ACPI_GPA, ACPI_GPA + ACPI_SIZE, E820_ACPI);
	e820_add(map, HIGHMEM_START, low, E820_RAM);
	/* Interrupt controllers and what KVM keeps for real mode. */
	e820_add(map, IOAPIC_GPA, IOAPIC_GPA + KIB(4), E820_RESERVED);
	e820_add(map, LAPIC_GPA, LAPIC_GPA + KIB(4), E820_RESERVED);
	e820_add(map, IDENTITY_MAP_GPA, TSS_GPA + 3 * KIB(4), E820_RESERVED);
	e820_add(map, HOLE_END, HOLE_END + high, E820_RAM);
}
