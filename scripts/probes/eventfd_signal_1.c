// SPDX-License-Identifier: GPL-2.0-only
// eventfd_signal() takes the context alone (6.8 on), not a count too.
#include <linux/eventfd.h>

void probe(struct eventfd_ctx *ctx);
void probe(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx);
}
