// SPDX-License-Identifier: GPL-2.0-only
/* Input files that a user names. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "log.h"

/**
 * file_open() - Open an input file.
 * @f: filled in.
 * @what: its role, for messages; the option has that name too.
 * @path: its path.
 *
 * Only plain files: their size is known before they are read. Opening doesn't wait, whatever
 * else @path is.
 *
 * Return: STATUS_OK, or STATUS_IMAGE with a message; then nothing is open.
 */
enum status file_open(struct file *f, const char *what, const char *path)
{
	const char *why = NULL;
	struct stat st;

	*f = (struct file){ .path = path, .what = what };
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (f->fd < 0 || fstat(f->fd, &st))
		why = strerror(errno);
	else if (S_ISDIR(st.st_mode))
		why = "it is a directory";
	else if (!S_ISREG(st.st_mode))
		why = "it is not a plain file";
	else if (!st.st_size)
		why = "it is empty";
	if (!why) {
		f->size = st.st_size;
		return STATUS_OK;
	}
	log_error("cannot use the %s %s: %s; give another with --%s", what, path, why, what);
	file_close(f);
	return STATUS_IMAGE;
}

/**
 * file_read() - Read a part of an input file.
 * @f: the file.
 * @buf: where to.
 * @len: bytes.
 * @offset: from where in the file.
 *
 * Return: STATUS_OK, or STATUS_IMAGE with a message when not all of it could be read.
 */
enum status file_read(const struct file *f, void *buf, uint64_t len, uint64_t offset)
{
	uint8_t *p = buf;

	while (len) {
		ssize_t n = pread(f->fd, p, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			log_error("cannot read the %s %s: %s", f->what, f->path,
				  n ? strerror(errno) : "it became shorter meanwhile");
			return STATUS_IMAGE;
		}
		p += n;
		offset += n;
		len -= n;
	}
	return STATUS_OK;
}

/**
 * file_close() - Close it; harmless when it isn't open.
 * @f: the file.
 */
void file_close(struct file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}
