/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_LOOP_H
#define VMM_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct loop_source - A descriptor that the main loop watches.
 * @ready: called by the main thread with EPOLL* bits.
 * @opaque: for @ready.
 * @fd: the descriptor.
 * @events: what is watched for.
 * @always: epoll doesn't take this kind of file (a plain one, /dev/null): it is always ready.
 * @next: in the list of those.
 */
struct loop_source {
	void (*ready)(struct loop_source *src, uint32_t events);
	void *opaque;
	int fd;
	uint32_t events;
	bool always;
	struct loop_source *next;
};

struct loop {
	int epoll_fd;
	bool quit;
	struct loop_source *always;
};

int loop_init(struct loop *loop);
void loop_destroy(struct loop *loop);
int loop_add(struct loop *loop, struct loop_source *src, uint32_t events);
void loop_mod(struct loop *loop, struct loop_source *src, uint32_t events);
void loop_del(struct loop *loop, struct loop_source *src);
int loop_run(struct loop *loop);
void loop_quit(struct loop *loop);

#endif
