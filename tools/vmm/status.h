/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How vmm ends. Every status of vmm's own is even, because isa-debug-exit makes odd ones: a
 * test guest's verdict can't be mistaken for anything else.
 */
#ifndef VMM_STATUS_H
#define VMM_STATUS_H

#include <stdint.h>

enum status {
	STATUS_OK = 0,			/* the guest powered off; also: a function succeeded */
	STATUS_USAGE = 2,		/* a wrong option */
	STATUS_KVM = 4,			/* no KVM, or one that lacks what we need */
	STATUS_IMAGE = 6,		/* kernel or initrd missing or malformed */
	STATUS_MEMORY = 8,		/* not enough memory in the host, or in the guest */
	STATUS_RESET = 10,		/* the guest asked for a reset */
	STATUS_TRIPLE_FAULT = 12,	/* the guest's CPU shut down */
	STATUS_PANIC = 14,		/* the guest reported a panic */
	STATUS_INTERNAL = 16,		/* KVM gave up on the guest */
	STATUS_HOST = 18,		/* a host resource or system call failed */
	STATUS_QUIT = 20,		/* the user quit from the terminal */
};

/**
 * status_debug_exit() - The status that a write to isa-debug-exit asks for.
 * @value: what the guest wrote.
 *
 * Return: an odd number below 256, the same as other monitors give.
 */
static inline int status_debug_exit(uint32_t value)
{
	return ((value << 1) | 1) & 0xff;
}

#endif
