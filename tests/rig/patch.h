/* SPDX-License-Identifier: GPL-2.0-only */
/* What is loaded into an emulator to mend it: changing its program in memory. */
#ifndef RIG_PATCH_H
#define RIG_PATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A call: 0xe8, and from behind it the distance. */
#define CALL_LEN 5

static bool patch(uint8_t *at, const void *bytes, size_t len)
{
	uintptr_t page = sysconf(_SC_PAGESIZE), start = (uintptr_t)at & -page;
	size_t span = ((uintptr_t)at + len - start + page - 1) & -page;

	if (mprotect((void *)start, span, PROT_READ | PROT_WRITE))
		return false;
	memcpy(at, bytes, len);
	return !mprotect((void *)start, span, PROT_READ | PROT_EXEC);
}

/* A page that a call at @from reaches: 2 GiB away at most. */
static uint8_t *page_near(uint8_t *from)
{
	size_t size = sysconf(_SC_PAGESIZE), far;
	uintptr_t start = (uintptr_t)from & -size;

	for (far = 1 << 24; far < 1u << 30; far += 1 << 24) {
		uint8_t *page = mmap((void *)(start - far), size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (page == (void *)(start - far))
			return page;
		if (page != MAP_FAILED)
			munmap(page, size);
	}
	return NULL;
}

/* Where the call at @at goes. */
static inline uint8_t *call_target(const uint8_t *at)
{
	int32_t rel;

	memcpy(&rel, at + 1, sizeof(rel));
	return (uint8_t *)at + CALL_LEN + rel;
}

/**
 * redirect_call() - make a call go elsewhere
 * @at: the call
 * @first: instructions that come before the new target
 * @len: bytes of @first
 * @target: a function, which may be anywhere
 */
static bool redirect_call(uint8_t *at, const void *first, size_t len, void (*target)(void))
{
	/* jmp *0(%rip), which the address follows */
	static const uint8_t jump[] = { 0xff, 0x25, 0, 0, 0, 0 };
	uint8_t *page = page_near(at), *end = page;
	int32_t rel;

	if (!page)
		return false;
	if (len)
		memcpy(end, first, len);
	end += len;
	memcpy(end, jump, sizeof(jump));
	memcpy(end + sizeof(jump), &target, sizeof(target));
	if (mprotect(page, sysconf(_SC_PAGESIZE), PROT_READ | PROT_EXEC))
		return false;
	rel = page - (at + CALL_LEN);
	return patch(at + 1, &rel, sizeof(rel));
}

#endif
