/* SPDX-License-Identifier: GPL-2.0-only */
/* Work that the host has for a vCPU's thread between two entries (hostwork.c). */
#ifndef GUESTMODE_HOSTWORK_H
#define GUESTMODE_HOSTWORK_H

#include <linux/entry-kvm.h>

int hostwork_module_init(void);
void hostwork_module_exit(void);

/*
 * Signals, rescheduling, task work. May sleep; kvm->srcu not held. 0, or -EINTR: a signal is
 * pending.
 */
int hostwork_do(void);

#endif
