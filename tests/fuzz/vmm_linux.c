// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel, an initrd and a command line as an enemy would make them, into guest memory as a user
 * would size it. Input: struct shape, then the kernel's first bytes.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot/linux.h"
#include "layout.h"

struct shape {
	uint16_t memory_mib;
	uint16_t kernel_kib;	/* the file's size; it goes on with zeros */
	uint16_t initrd_kib;
	uint16_t cmdline;	/* characters */
};

/* A file of so many bytes; *path names it. */
static int make_file(const void *data, size_t len, uint64_t size, char path[32])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, size) || pwrite(fd, data, len, 0) != (ssize_t)len)
		abort();
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static void check_entry(const struct mem *mem, const struct boot_entry *entry)
{
	const struct boot_params *bp = mem_hva(mem, entry->rsi, sizeof(*bp));

	/* What a guest is started with lies in its memory. */
	if (!mem_hva(mem, entry->rip, 1) || !bp || !mem_hva(mem, entry->cr3, 4096) ||
	    !mem_hva(mem, entry->gdt, entry->gdt_limit + 1))
		abort();
	if (bp->hdr.ramdisk_size && !mem_hva(mem, bp->hdr.ramdisk_image, bp->hdr.ramdisk_size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char kernel[32], initrd[32], *cmdline;
	struct linux_files files = { .kernel = kernel };
	uint64_t kernel_size, memory;
	int kernel_fd, initrd_fd = -1;
	struct boot_entry entry;
	struct shape shape;
	struct mem mem;

	if (size < sizeof(shape))
		return 0;
	memcpy(&shape, data, sizeof(shape));
	data += sizeof(shape);
	size -= sizeof(shape);
	kernel_size = size + shape.kernel_kib % 8192 * KIB(1);
	memory = MIB(1) + shape.memory_mib % 512 * MIB(1);
	if (mem_init(&mem, memory) != STATUS_OK)
		return 0;
	kernel_fd = make_file(data, size, kernel_size, kernel);
	if (shape.initrd_kib & 1) {
		initrd_fd = make_file("", 0, shape.initrd_kib / 2 * KIB(1), initrd);
		files.initrd = initrd;
	}
	cmdline = malloc(shape.cmdline % 8192 + 1);
	if (!cmdline)
		abort();
	memset(cmdline, 'a', shape.cmdline % 8192);
	cmdline[shape.cmdline % 8192] = '\0';
	files.cmdline = cmdline;
	if (linux_load(&mem, &files, 0xe0000, &entry) == STATUS_OK)
		check_entry(&mem, &entry);
	free(cmdline);
	close(kernel_fd);
	if (initrd_fd >= 0)
		close(initrd_fd);
	mem_destroy(&mem);
	return 0;
}
