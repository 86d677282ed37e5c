/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_BOOT_BOOT_H
#define VMM_BOOT_BOOT_H

#include <stdint.h>

/* Selectors that the 64-bit boot protocol wants (__BOOT_CS, __BOOT_DS). */
#define BOOT_CS 0x10
#define BOOT_DS 0x18

/* Where the first vCPU starts, in 64-bit mode. All are guest addresses. */
struct boot_entry {
	uint64_t rip;
	uint64_t rsi;
	uint64_t cr3;
	uint64_t gdt;
	uint16_t gdt_limit;
};

#endif
