// SPDX-License-Identifier: GPL-2.0-only
/* Guest RAM. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include "layout.h"
#include "log.h"
#include "mem.h"

/* Alignment lets the host back the guest with huge pages of that size. */
#define MEM_ALIGN MIB(2)

static uint64_t mem_available(void)
{
	uint64_t kib = 0, available = 0, swap = 0;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "re");

	if (!f)
		return UINT64_MAX;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
			available = kib;
		else if (sscanf(line, "SwapFree: %" SCNu64, &kib) == 1)
			swap = kib;
	}
	fclose(f);
	return available ? (available + swap) * 1024 : UINT64_MAX;
}

/**
 * mem_check_size() - Whether the host can carry that much guest memory.
 * @size: bytes.
 *
 * Memory is given to the guest as it touches it, so more than is free right now may work out and
 * earns a warning; more than there is can't.
 *
 * Return: STATUS_OK or STATUS_MEMORY, with a message.
 */
enum status mem_check_size(uint64_t size)
{
	struct sysinfo si;
	uint64_t total;

	if (sysinfo(&si))
		return STATUS_OK;
	total = ((uint64_t)si.totalram + si.totalswap) * si.mem_unit;
	if (size > total) {
		log_error("--memory asks for %" PRIu64 " MiB and this host has %" PRIu64
			  " MiB with swap: ask for less", size >> 20, total >> 20);
		return STATUS_MEMORY;
	}
	if (size > mem_available())
		log_warn("%" PRIu64 " MiB of guest memory are more than is free now; the host may run out",
			 size >> 20);
	return STATUS_OK;
}

/**
 * mem_init() - Map guest RAM.
 * @mem: filled in.
 * @size: bytes, a multiple of the page size.
 *
 * Inaccessible guards surround it: an overrun of ours faults instead of reaching other memory.
 *
 * Return: STATUS_OK or STATUS_MEMORY, with a message.
 */
enum status mem_init(struct mem *mem, uint64_t size)
{
	uintptr_t base;
	void *p;

	*mem = (struct mem){ .size = size };
	mem->low = size < HOLE_START ? size : HOLE_START;
	mem->high = size - mem->low;

	if (size > SIZE_MAX - 3 * MEM_ALIGN)
		goto fail;
	mem->reserved_len = size + 3 * MEM_ALIGN;
	p = mmap(NULL, mem->reserved_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		 -1, 0);
	if (p == MAP_FAILED)
		goto fail;
	mem->reserved = p;
	base = ((uintptr_t)p + 2 * MEM_ALIGN - 1) & ~(uintptr_t)(MEM_ALIGN - 1);
	mem->base = (uint8_t *)base;
	if (mprotect(mem->base, size, PROT_READ | PROT_WRITE)) {
		munmap(mem->reserved, mem->reserved_len);
		goto fail;
	}
	/* Both are wishes: a kernel without them does well enough. */
	madvise(mem->base, size, MADV_HUGEPAGE);
	madvise(mem->base, size, MADV_DONTDUMP);
	return STATUS_OK;

fail:
	log_error("the host refuses %" PRIu64 " MiB of guest memory (%s): ask for less with --memory",
		  size >> 20, strerror(errno ? errno : ENOMEM));
	*mem = (struct mem){ 0 };
	return STATUS_MEMORY;
}

/**
 * mem_destroy() - Undo mem_init(); harmless after its failure.
 * @mem: the memory.
 */
void mem_destroy(struct mem *mem)
{
	if (mem->reserved)
		munmap(mem->reserved, mem->reserved_len);
	*mem = (struct mem){ 0 };
}

/**
 * mem_hva() - Where a range of guest RAM is in our address space.
 * @mem: the memory.
 * @gpa: guest physical address.
 * @len: bytes.
 *
 * Return: a pointer good for @len bytes, or NULL when the range isn't wholly RAM.
 */
void *mem_hva(const struct mem *mem, uint64_t gpa, uint64_t len)
{
	if (gpa < mem->low && len <= mem->low - gpa)
		return mem->base + gpa;
	if (gpa >= HOLE_END && gpa - HOLE_END < mem->high && len <= mem->high - (gpa - HOLE_END))
		return mem->base + mem->low + (gpa - HOLE_END);
	return NULL;
}
