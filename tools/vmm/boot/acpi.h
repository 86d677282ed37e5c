/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_BOOT_ACPI_H
#define VMM_BOOT_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the tables tell of a machine. */
struct acpi_machine {
	unsigned int nr_cpus;	/* APIC IDs 0 to nr_cpus - 1 */
	bool timer_on_pin2;	/* ISA IRQ 0 arrives at IOAPIC pin 2 */
};

/* SLP_TYP of soft-off, in \_S5 and expected in PM1a control. */
#define ACPI_S5_TYPE 5
/* What the FADT tells to write into the reset register. */
#define ACPI_RESET_VALUE 6

size_t acpi_build(uint8_t *buf, size_t size, uint64_t gpa, const struct acpi_machine *m,
		  uint64_t *rsdp);

#endif
