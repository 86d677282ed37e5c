// SPDX-License-Identifier: GPL-2.0-only
// struct syscore holds the operations and their data, instead of syscore_ops alone.
#include <linux/syscore_ops.h>

void probe(struct syscore *syscore, const struct syscore_ops *ops);
void probe(struct syscore *syscore, const struct syscore_ops *ops)
{
	syscore->ops = ops;
	register_syscore(syscore);
	unregister_syscore(syscore);
}
