// SPDX-License-Identifier: GPL-2.0-only
// Compiles on every kernel; otherwise the kernel tree is broken.
#include <linux/module.h>

int probe(void);
int probe(void)
{
	return 0;
}
