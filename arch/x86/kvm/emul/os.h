/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that the emulator takes from its surroundings: in the kernel these are the kernel's headers,
 * in userspace the ones of the same name in tests/unit/shim.
 */
#ifndef _KVM_EMUL_OS_H
#define _KVM_EMUL_OS_H

#include <linux/bits.h>
#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>

/* For large variables that are always set before use: hosts' kernels zero others to be safe. */
#define EMUL_UNINITIALIZED __attribute__((__uninitialized__))

#endif
