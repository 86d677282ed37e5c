/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_MEM_H
#define VMM_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* Guest RAM is one host mapping: first what is below the hole, then what is above 4 GiB. */
struct mem {
	uint8_t *base;
	uint64_t size;		/* bytes, low + high */
	uint64_t low;		/* bytes from gpa 0 */
	uint64_t high;		/* bytes from gpa 4 GiB */
	void *reserved;		/* the mapping with its guards */
	size_t reserved_len;
};

enum status mem_check_size(uint64_t size);
enum status mem_init(struct mem *mem, uint64_t size);
void mem_destroy(struct mem *mem);
void *mem_hva(const struct mem *mem, uint64_t gpa, uint64_t len);

#endif
