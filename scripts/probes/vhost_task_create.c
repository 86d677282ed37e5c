// SPDX-License-Identifier: GPL-2.0-only
// A kernel thread can be a thread of the VMM's process (6.4 on).
#include <linux/types.h>
#include <linux/sched/vhost_task.h>

void probe(struct vhost_task *task);
void probe(struct vhost_task *task)
{
	vhost_task_start(task);
	vhost_task_wake(task);
	vhost_task_stop(task);
}
