// SPDX-License-Identifier: GPL-2.0-only
/*
 * The debug console: bytes written to it go to stderr or a file, a line at a time. It reads 0xe9,
 * by which software knows that it is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../log.h"
#include "debugcon.h"

#define DEBUGCON_PRESENT 0xe9

static void debugcon_flush(struct debugcon *con)
{
	size_t done = 0;

	while (done < con->len) {
		ssize_t n = write(con->fd, con->buf + done, con->len - done);

		/* A kick ends the wait for a reader who doesn't read; then the line is lost. */
		if (n <= 0)
			break;
		done += n;
	}
	con->len = 0;
}

static uint64_t debugcon_read(struct device *dev, unsigned int region, uint64_t offset,
			      unsigned int size)
{
	(void)dev;
	(void)region;
	(void)offset;
	(void)size;
	return DEBUGCON_PRESENT;
}

static void debugcon_write(struct device *dev, unsigned int region, uint64_t offset,
			   uint64_t value, unsigned int size)
{
	struct debugcon *con = dev->opaque;

	(void)region;
	(void)offset;
	(void)size;
	pthread_mutex_lock(&con->lock);
	con->buf[con->len++] = value;
	if (con->len == sizeof(con->buf) || (char)value == '\n')
		debugcon_flush(con);
	pthread_mutex_unlock(&con->lock);
}

static const struct device_ops debugcon_ops = {
	.name = "debugcon",
	.read = debugcon_read,
	.write = debugcon_write,
};

/**
 * debugcon_init() - Set up the debug console.
 * @con: filled in.
 * @path: a file, created or emptied; NULL is stderr.
 *
 * Return: STATUS_OK or STATUS_USAGE, with a message; debugcon_destroy() is due in any case.
 */
enum status debugcon_init(struct debugcon *con, const char *path)
{
	*con = (struct debugcon){
		.dev = { .ops = &debugcon_ops, .opaque = con },
		.fd = STDERR_FILENO,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	if (!path)
		return STATUS_OK;
	con->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	if (con->fd < 0) {
		log_error("cannot write to the --debugcon file %s: %s", path, strerror(errno));
		return STATUS_USAGE;
	}
	con->own_fd = true;
	return STATUS_OK;
}

/**
 * debugcon_destroy() - Write out the rest and close the file.
 * @con: the console; no vCPU thread is left.
 */
void debugcon_destroy(struct debugcon *con)
{
	debugcon_flush(con);
	if (con->own_fd)
		close(con->fd);
	con->own_fd = false;
}
