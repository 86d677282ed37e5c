// SPDX-License-Identifier: GPL-2.0-only
/*
 * preload - loaded into Bochs 2.7 (LD_PRELOAD), for two things that it can't do by itself.
 *
 * optramimageN: Bochs reads such a file by read(2) in a loop, each time to where the address that
 * it has reached lies; but its memory is in blocks of 128 KiB, handed out as they are first
 * touched, and a read of more than one block goes into the wrong ones. So no read is longer than a
 * block. (The images lie on block boundaries.)
 *
 * port 0xe9: what the host writes there Bochs prints with putc() on its standard output, where its
 * display draws, too. It goes to file descriptor 3 instead, which is the relay's socket.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define BLOCK		(128 << 10)
#define RELAY_FD	3

#undef putc
#undef fflush

static void *original(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (!found)
		_exit(126);
	return found;
}

ssize_t read(int fd, void *buf, size_t len)
{
	static ssize_t (*real)(int, void *, size_t);

	if (!real)
		real = original("read");
	return real(fd, buf, len < BLOCK ? len : BLOCK);
}

int putc(int c, FILE *file)
{
	static int (*real)(int, FILE *);
	unsigned char byte = c;

	if (file != stdout) {
		if (!real)
			real = original("fputc");
		return real(c, file);
	}
	while (write(RELAY_FD, &byte, 1) < 0 && errno == EINTR)
		;
	return byte;
}
