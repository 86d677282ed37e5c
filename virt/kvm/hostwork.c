// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work that the host has for a vCPU's thread between two entries.
 *
 * xfer_to_guest_mode_handle_work() is in the kernel's image and writes KVM_EXIT_INTR through the
 * struct kvm_vcpu that it is handed, in the layout of the kernel's own driver. Ours has another
 * one. So signals and rescheduling are done here; for task work, which modules can't run otherwise,
 * the function gets a decoy that it may dereference at whatever offset if a signal arrives
 * meanwhile: each word of it points to a page that nobody reads.
 */

#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/vmalloc.h>

#include "hostwork.h"

/* More than any kernel's struct kvm_vcpu. */
#define DECOY_BYTES (16 * PAGE_SIZE)

static void **decoy;
static void *decoy_target;

int hostwork_module_init(void)
{
	size_t i;

	decoy = vmalloc(DECOY_BYTES);
	decoy_target = vzalloc(PAGE_SIZE);
	if (!decoy || !decoy_target) {
		hostwork_module_exit();
		return -ENOMEM;
	}
	for (i = 0; i < DECOY_BYTES / sizeof(*decoy); i++)
		decoy[i] = decoy_target;
	return 0;
}

void hostwork_module_exit(void)
{
	vfree(decoy);
	vfree(decoy_target);
}

/**
 * hostwork_do() - do what the thread flags ask for
 *
 * Context: a vCPU's thread, no lock held. Return: 0, or -EINTR: go back to userspace for a signal.
 */
int hostwork_do(void)
{
	unsigned long flags = read_thread_flags();

	/* TIF_NOTIFY_SIGNAL is task work that wants to be treated as a signal. */
	if (flags & (_TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL))
		return -EINTR;
	if (flags & _TIF_NEED_RESCHED)
		schedule();
	if (flags & _TIF_NOTIFY_RESUME)
		return xfer_to_guest_mode_handle_work((struct kvm_vcpu *)decoy);
	return 0;
}
