/* SPDX-License-Identifier: GPL-2.0-only */
/* Where things are when the option ROM boots the emulated host in Bochs: rom.S and boot.c. */
#ifndef RIG_BOCHS_LAYOUT_H
#define RIG_BOCHS_LAYOUT_H

/* The ROM: code, then the kernel's parameters and its command line, a page each. */
#define ROM_BASE	0xd0000
#define ROM_SIZE	0x3000
#define ROM_ENTRY	0x20	/* the kernel's entry address, 8 bytes */
#define ROM_PARAMS	0x1000
#define ROM_CMDLINE	0x2000

/* Memory below 1 MiB that it uses. */
#define LOW_TABLES	0x10000	/* six pages of page tables */
#define LOW_STACK	0x18000	/* the stack's end */
#define LOW_MARK	0x18000	/* MARK after the first start: the kernel is used up then */
#define LOW_PARAMS	0x20000	/* struct boot_params, then the command line */
#define LOW_CMDLINE	(LOW_PARAMS + ROM_CMDLINE - ROM_PARAMS)

#define MARK		0x74736f68

/* CONFIG_PHYSICAL_START: where the kernel is linked to lie. */
#define KERNEL_BASE	0x1000000

/* Above what the kernel takes for itself; bochs/lib.sh knows it, too. */
#define INITRD_BASE	0x8000000

#endif /* RIG_BOCHS_LAYOUT_H */
