/* SPDX-License-Identifier: GPL-2.0-only */
/* A broken invariant ends a unit test at once: BUG and WARN both abort, with a place. */
#ifndef _SHIM_LINUX_BUG_H
#define _SHIM_LINUX_BUG_H

#include <stdio.h>
#include <stdlib.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>

#define BUG()									\
do {										\
	fprintf(stderr, "BUG at %s:%d\n", __FILE__, __LINE__);			\
	abort();								\
} while (0)
#define BUG_ON(cond) do { if (unlikely(cond)) BUG(); } while (0)
#define WARN_ON(cond)								\
({										\
	bool _w = (cond);							\
	if (unlikely(_w)) {							\
		fprintf(stderr, "WARN_ON(%s) at %s:%d\n", #cond, __FILE__, __LINE__); \
		abort();							\
	}									\
	_w;									\
})
#define WARN_ON_ONCE(cond) WARN_ON(cond)
#define WARN(cond, ...) WARN_ON(cond)
#define WARN_ONCE(cond, ...) WARN_ON(cond)

#endif
