/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Telling the host's kernel that this CPU goes to guest mode and comes back: time accounting,
 * context tracking, RCU, lockdep and irq tracing.
 */
#ifndef GUESTMODE_ENTRY_H
#define GUESTMODE_ENTRY_H

#include <linux/context_tracking.h>
#include <linux/ftrace.h>
#include <linux/instrumentation.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/vtime.h>

#include "compat.h"

/* irqs off. From here on ticks are the guest's. */
static __always_inline void kvm_guest_time_enter(void)
{
	instrumentation_begin();
	vtime_account_guest_enter();
	instrumentation_end();
}

/* irqs off again, after the interrupt that ended guest mode was taken: its tick was the guest's. */
static __always_inline void kvm_guest_time_leave(void)
{
	instrumentation_begin();
	vtime_account_guest_exit();
	instrumentation_end();
}

/*
 * Last before hardware entry: the guest runs with interrupts on as far as lockdep and tracing are
 * concerned, and is a quiescent state for RCU. That is said once a tick, since it is not cheap:
 * each tick ends guest mode, and a thread that comes to another CPU passes a quiescent state there.
 * @noted: the vCPU's, jiffies when it was said last
 */
static __always_inline void kvm_guest_state_enter(unsigned long *noted)
{
	instrumentation_begin();
	trace_hardirqs_on_prepare();
	lockdep_hardirqs_on_prepare();
	instrumentation_end();

	if (!context_tracking_guest_enter() && *noted != jiffies) {
		instrumentation_begin();
		*noted = jiffies;
		compat_rcu_virt_note_context_switch();
		instrumentation_end();
	}
	lockdep_hardirqs_on(CALLER_ADDR0);
}

static __always_inline void kvm_guest_state_leave(void)
{
	lockdep_hardirqs_off(CALLER_ADDR0);
	context_tracking_guest_exit();

	instrumentation_begin();
	trace_hardirqs_off_finish();
	instrumentation_end();
}

#endif
