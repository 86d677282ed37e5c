/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_MUTEX_H
#define _SHIM_LINUX_MUTEX_H

#include <linux/spinlock.h>

struct mutex { bool held; };

#define DEFINE_MUTEX(name) struct mutex name
#define mutex_init(l) ((l)->held = false)
#define mutex_lock(l) do { BUG_ON((l)->held); (l)->held = true; } while (0)
#define mutex_unlock(l) do { BUG_ON(!(l)->held); (l)->held = false; } while (0)

#endif
