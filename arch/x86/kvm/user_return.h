/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSRs that only user mode looks at (SYSCALL targets, TSC_AUX): the guest's value stays in the CPU
 * until the host's thread returns to user mode, so exits handled in the kernel don't switch them.
 */
#ifndef GUESTMODE_USER_RETURN_H
#define GUESTMODE_USER_RETURN_H

#include <linux/types.h>

/*
 * Vendor's setup: reserve a slot for @msr. Return: slot, or a negative errno if this host lacks the
 * MSR.
 */
int kvm_user_return_register(u32 msr);
/* Before an entry, irqs off: the guest's value. One that the CPU refuses changes nothing. */
void kvm_user_return_set(int slot, u64 value);

void kvm_user_return_cpu_off(void); /* this CPU, irqs off: back to the host's values */
void kvm_user_return_reset(void); /* the vendor goes: forget all slots */

#endif
