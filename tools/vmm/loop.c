// SPDX-License-Identifier: GPL-2.0-only
/* The main thread's event loop. */
#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "loop.h"

/**
 * loop_init() - Make an empty loop.
 * @loop: filled in.
 *
 * Return: 0 or a negative errno.
 */
int loop_init(struct loop *loop)
{
	*loop = (struct loop){ .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
	return loop->epoll_fd < 0 ? -errno : 0;
}

/**
 * loop_destroy() - Undo loop_init(); the sources' descriptors stay open.
 * @loop: the loop.
 */
void loop_destroy(struct loop *loop)
{
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	loop->epoll_fd = -1;
}

/**
 * loop_add() - Watch a descriptor.
 * @loop: the loop.
 * @src: the source, with ready, opaque and fd set; it stays in place until loop_del().
 * @events: EPOLLIN, EPOLLOUT, or 0 for not yet.
 *
 * Return: 0 or a negative errno.
 */
int loop_add(struct loop *loop, struct loop_source *src, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = src };

	src->events = events;
	src->always = false;
	if (!epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, src->fd, &ev)) {
		if (!events)
			epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, src->fd, NULL);
		return 0;
	}
	if (errno != EPERM)
		return -errno;
	src->always = true;
	src->next = loop->always;
	loop->always = src;
	return 0;
}

/**
 * loop_mod() - Watch a descriptor for something else.
 * @loop: the loop.
 * @src: a source that was added.
 * @events: EPOLLIN, EPOLLOUT, or 0 for a pause.
 *
 * Context: main thread.
 */
void loop_mod(struct loop *loop, struct loop_source *src, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = src };
	int op = EPOLL_CTL_MOD;

	if (src->events == events)
		return;
	/* Hang-ups are reported unasked, for ever: who is paused leaves the set. */
	if (!src->events)
		op = EPOLL_CTL_ADD;
	else if (!events)
		op = EPOLL_CTL_DEL;
	src->events = events;
	if (!src->always)
		epoll_ctl(loop->epoll_fd, op, src->fd, &ev);
}

/**
 * loop_del() - Stop watching a descriptor, before it is closed.
 * @loop: the loop.
 * @src: the source.
 *
 * Context: main thread; from a source's own ready() too.
 */
void loop_del(struct loop *loop, struct loop_source *src)
{
	struct loop_source **p;

	loop_mod(loop, src, 0);
	if (!src->always)
		return;
	for (p = &loop->always; *p; p = &(*p)->next) {
		if (*p == src) {
			*p = src->next;
			break;
		}
	}
}

static bool loop_run_always(struct loop *loop)
{
	struct loop_source *src, *next;
	bool more = false;

	for (src = loop->always; src; src = next) {
		next = src->next;
		if (src->events) {
			src->ready(src, src->events);
			more = true;
		}
	}
	return more;
}

/**
 * loop_run() - Serve sources until loop_quit().
 * @loop: the loop.
 *
 * Return: 0 or a negative errno.
 */
int loop_run(struct loop *loop)
{
	struct epoll_event ev[8];
	int i, n;

	while (!loop->quit) {
		bool poll = loop_run_always(loop);

		if (loop->quit)
			break;
		n = epoll_wait(loop->epoll_fd, ev, sizeof(ev) / sizeof(ev[0]), poll ? 0 : -1);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (i = 0; i < n; i++) {
			struct loop_source *src = ev[i].data.ptr;

			/* An earlier one of this batch may have paused it. */
			if (src->events)
				src->ready(src, ev[i].events);
		}
	}
	return 0;
}

/**
 * loop_quit() - Make loop_run() return.
 * @loop: the loop.
 *
 * Context: main thread, from a source's ready().
 */
void loop_quit(struct loop *loop)
{
	loop->quit = true;
}
