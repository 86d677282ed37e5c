// SPDX-License-Identifier: GPL-2.0-only
// current_task and preempt_count live in one per-CPU structure (6.2 on).
#include <linux/sched.h>
#include <asm/current.h>

struct task_struct *probe(void);
struct task_struct *probe(void)
{
	return this_cpu_read(pcpu_hot.current_task);
}
