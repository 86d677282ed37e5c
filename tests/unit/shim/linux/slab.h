/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_SLAB_H
#define _SHIM_LINUX_SLAB_H

#include <stdlib.h>
#include <string.h>
#include <linux/types.h>

#define GFP_KERNEL 0u
#define GFP_KERNEL_ACCOUNT 0u
#define GFP_ATOMIC 0u
#define __GFP_ZERO 0u

/* kmalloc() is poisoned, so that nobody relies on its contents. */
static inline void *kmalloc(size_t n, gfp_t gfp)
{
	void *p = malloc(n);

	return p ? memset(p, 0xa5, n) : NULL;
}

static inline void *kzalloc(size_t n, gfp_t gfp) { return calloc(1, n); }
static inline void *kcalloc(size_t n, size_t size, gfp_t gfp) { return calloc(n, size); }
static inline void *kmalloc_array(size_t n, size_t size, gfp_t gfp) { return calloc(n, size); }
static inline void *kvzalloc(size_t n, gfp_t gfp) { return calloc(1, n); }
static inline void *kvcalloc(size_t n, size_t size, gfp_t gfp) { return calloc(n, size); }
static inline void kfree(const void *p) { free((void *)p); }
static inline void kvfree(const void *p) { free((void *)p); }

static inline void *kmemdup(const void *src, size_t n, gfp_t gfp)
{
	void *p = malloc(n);

	return p ? memcpy(p, src, n) : NULL;
}

#endif
