/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_BOOT_LINUX_H
#define VMM_BOOT_LINUX_H

#include <asm/bootparam.h>
#include <stddef.h>
#include <stdint.h>

#include "../mem.h"
#include "../status.h"
#include "boot.h"

/* As much of a bzImage's beginning as linux_parse() looks at. */
#define LINUX_HEAD_SIZE 1024

/* What a bzImage's header says, checked. */
struct linux_image {
	struct setup_header hdr;
	uint64_t payload_offset;	/* bytes into the file: the protected-mode part */
	uint64_t payload_size;		/* bytes */
	uint64_t load_gpa;
	uint64_t load_size;		/* bytes that it needs there to unpack itself */
	uint64_t initrd_max;		/* highest gpa of an initrd's last byte */
};

struct linux_files {
	const char *kernel;
	const char *initrd;	/* or NULL */
	const char *cmdline;
};

const char *linux_parse(const uint8_t *head, size_t len, uint64_t file_size,
			struct linux_image *img);
enum status linux_place_initrd(const struct linux_image *img, uint64_t low, uint64_t size,
			       uint64_t *gpa);
enum status linux_load(const struct mem *mem, const struct linux_files *files, uint64_t rsdp,
		       struct boot_entry *entry);

#endif
