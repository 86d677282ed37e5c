/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's address map: every fixed address in one place. */
#ifndef VMM_LAYOUT_H
#define VMM_LAYOUT_H

#define KIB(n) ((n) * 1024ULL)
#define MIB(n) ((n) * 1024ULL * 1024)
#define GIB(n) ((n) * 1024ULL * 1024 * 1024)

/*
 * Guest physical memory
 *
 *	0               real-mode vectors, unused
 *	0x1000		boot GDT
 *	0x2000          boot page tables: one PML4, one PDPT, four page directories
 *	0x8000          struct boot_params
 *	0x20000         kernel command line
 *	0x9fc00         end of usable low memory (EBDA and VGA on a PC)
 *	0xe0000         ACPI tables, found by scanning for the RSDP too
 *	0x100000        usable memory, the kernel at its preferred address
 *	...             initrd, as high as the kernel allows
 *	3 GiB           hole: devices
 *	4 GiB           the rest of memory
 */
#define BOOT_GDT_GPA		0x1000
#define BOOT_PGTABLE_GPA	0x2000
#define BOOT_PARAMS_GPA		0x8000
#define CMDLINE_GPA		0x20000
#define CMDLINE_MAX		KIB(64)
#define LOWMEM_END		0x9fc00
#define ACPI_GPA		0xe0000
#define ACPI_SIZE		KIB(128)
#define HIGHMEM_START		MIB(1)

#define HOLE_START		GIB(3)
#define HOLE_END		GIB(4)

/* Where devices' memory may be put. */
#define PCI_WINDOW_START	HOLE_START
#define PCI_WINDOW_END		0xfec00000

#define IOAPIC_GPA		0xfec00000
#define LAPIC_GPA		0xfee00000
/* One page and three pages that some Intel CPUs need for real mode; inside the hole. */
#define IDENTITY_MAP_GPA	0xfffbc000
#define TSS_GPA			0xfffbd000

/* I/O ports */
#define PORT_I8042_DATA		0x60
#define PORT_I8042_CMD		0x64
#define PORT_RTC		0x70	/* index, data */
#define PORT_SYSCTL_A		0x92
#define PORT_SERIAL0		0x3f8	/* 8 ports */
#define PORT_DEBUGCON		0x402
#define PORT_DEBUG_EXIT		0x501	/* 4 ports */
#define PORT_PVPANIC		0x505
#define PORT_PM			0x600	/* PM1a status and enable, control, timer */
#define PORT_PCI		0xcf8	/* 8 ports: configuration address, data */
#define PORT_RESET		0xcf9	/* as a byte; otherwise a part of the former */

/* Interrupts, as global system interrupts */
#define GSI_SERIAL0		4
#define GSI_RTC			8
#define GSI_SCI			9
#define GSI_PIT_IOAPIC		2	/* where ISA IRQ 0 arrives at the IOAPIC of a PC */

#endif
