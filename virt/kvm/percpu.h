/* SPDX-License-Identifier: GPL-2.0-only */
/* Virtualization on each CPU: on at load, off for offline CPUs, suspend, reboot and unload. */
#ifndef GUESTMODE_PERCPU_H
#define GUESTMODE_PERCPU_H

int percpu_enable_all(void);
void percpu_disable_all(void);

#endif
