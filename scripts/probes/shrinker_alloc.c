// SPDX-License-Identifier: GPL-2.0-only
// Shrinkers are allocated by the kernel (6.7 on).
#include <linux/shrinker.h>

void probe(void);
void probe(void)
{
	struct shrinker *shrinker = shrinker_alloc(0, "probe");

	if (shrinker)
		shrinker_register(shrinker);
}
