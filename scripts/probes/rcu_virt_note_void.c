// SPDX-License-Identifier: GPL-2.0-only
// rcu_virt_note_context_switch() without the CPU's number.
#include <linux/rcupdate.h>

void probe(void);
void probe(void)
{
	rcu_virt_note_context_switch();
}
