/* SPDX-License-Identifier: GPL-2.0-only */
/* Whole reads and writes, for the agent and the relay. */
#ifndef RIG_IO_H
#define RIG_IO_H

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "proto.h"

/* write_all() - write all of it, to a blocking or non-blocking descriptor; 0, or -1 with errno. */
static inline int write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd pfd = { .fd = fd, .events = POLLOUT };

			poll(&pfd, 1, -1);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= n;
	}
	return 0;
}

/* pack_frame() - header and body into @out, which has room for both; the bytes that it takes. */
static inline size_t pack_frame(char *out, enum rig_frame type, const void *buf, uint32_t len)
{
	struct rig_header header = { .type = type, .len = len };

	memcpy(out, &header, sizeof(header));
	if (len)
		memcpy(out + sizeof(header), buf, len);
	return sizeof(header) + len;
}

/* send_frame() - one frame, in one write where it fits; 0, or -1 with errno. */
static inline int send_frame(int fd, enum rig_frame type, const void *buf, uint32_t len)
{
	char out[sizeof(struct rig_header) + RIG_FRAME_MAX];

	if (len > RIG_FRAME_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	return write_all(fd, out, pack_frame(out, type, buf, len));
}

/* struct frame_reader - collects the bytes of one frame, however they come. */
struct frame_reader {
	struct rig_header header;
	size_t have;
	char body[RIG_FRAME_MAX];
};

/*
 * read_frame() - read more of a frame.
 *
 * Return: 1 with a whole frame in @r (until the next call), 0 when more must come, -1 at the end of
 * the stream or on an error or a frame that cannot be.
 */
static inline int read_frame(int fd, struct frame_reader *r)
{
	size_t head = sizeof(r->header), want;
	ssize_t n;

	if (r->have >= head && r->have == head + r->header.len)
		r->have = 0;
	if (r->have < head)
		n = read(fd, (char *)&r->header + r->have, head - r->have);
	else
		n = read(fd, r->body + r->have - head, head + r->header.len - r->have);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0)
		return -1;
	r->have += n;
	if (r->have < head)
		return 0;
	if (r->header.len > RIG_FRAME_MAX)
		return -1;
	want = head + r->header.len;
	return r->have == want;
}

#endif /* RIG_IO_H */
