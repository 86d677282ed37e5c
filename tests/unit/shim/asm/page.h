/* SPDX-License-Identifier: GPL-2.0-only */
/* Physical addresses are virtual ones here: whoever builds page tables gets what it put in. */
#ifndef _SHIM_ASM_PAGE_H
#define _SHIM_ASM_PAGE_H

#include <linux/types.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define __va(pa) ((void *)(unsigned long)(pa))
#define __pa(va) ((unsigned long)(va))

#endif
