/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_FILE_H
#define VMM_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* An input file: a kernel, an initrd. */
struct file {
	const char *path;
	const char *what;	/* for messages: "kernel" */
	int fd;
	uint64_t size;		/* bytes, when it was opened */
};

enum status file_open(struct file *f, const char *what, const char *path);
enum status file_read(const struct file *f, void *buf, uint64_t len, uint64_t offset);
void file_close(struct file *f);

#endif
