/* SPDX-License-Identifier: GPL-2.0-only */
/* Locks that check themselves: taking one twice or dropping one that isn't held aborts. */
#ifndef _SHIM_LINUX_SPINLOCK_H
#define _SHIM_LINUX_SPINLOCK_H

#include <linux/bug.h>
#include <linux/types.h>

typedef struct { bool held; } spinlock_t;
typedef spinlock_t raw_spinlock_t;

#define DEFINE_SPINLOCK(name) spinlock_t name
#define spin_lock_init(l) ((l)->held = false)
#define spin_lock(l) do { BUG_ON((l)->held); (l)->held = true; } while (0)
#define spin_unlock(l) do { BUG_ON(!(l)->held); (l)->held = false; } while (0)
#define spin_lock_irqsave(l, f) do { (void)(f = 0); spin_lock(l); } while (0)
#define spin_unlock_irqrestore(l, f) do { (void)(f); spin_unlock(l); } while (0)
#define spin_lock_irq(l) spin_lock(l)
#define spin_unlock_irq(l) spin_unlock(l)
#define spin_lock_bh(l) spin_lock(l)
#define spin_unlock_bh(l) spin_unlock(l)
#define raw_spin_lock_init spin_lock_init
#define raw_spin_lock spin_lock
#define raw_spin_unlock spin_unlock
#define raw_spin_lock_irqsave spin_lock_irqsave
#define raw_spin_unlock_irqrestore spin_unlock_irqrestore
#define lockdep_assert_held(l) BUG_ON(!(l)->held)

#endif
