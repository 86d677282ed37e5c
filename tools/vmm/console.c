// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's console on our stdin and stdout.
 *
 * Output: vCPUs put bytes into a ring, the main thread writes them out. A vCPU waits only when
 * the ring is full, so nothing is lost. The first byte after a pause goes out at once; under
 * load the ring is emptied once per CONSOLE_FLUSH_NS, many bytes per system call. The timer that
 * does it is set by whoever puts the first byte into an empty ring: one system call per batch.
 *
 * Input: read while the ring has room. From a terminal always: an escape must get through, and a
 * terminal drops what nobody reads.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "console.h"
#include "log.h"
#include "term.h"

#define CONSOLE_FLUSH_NS	2000000
#define CONSOLE_DRAINED		1024	/* bytes left that don't count */
#define CONSOLE_ESCAPE		0x01	/* Ctrl-a */
/* At the end, how long a reader may make no progress before the terminal is given back. */
#define CONSOLE_DRAIN_MS	2000

static int64_t console_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void console_flush_at(struct console *con, int64_t ns)
{
	struct itimerspec t = {
		.it_value = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 },
	};

	timerfd_settime(con->flush_src.fd, TFD_TIMER_ABSTIME, &t, NULL);
}

/* A piece of the ring that is contiguous; only the main thread takes bytes out. */
static size_t console_out_peek(struct console *con, const uint8_t **p)
{
	unsigned int pos = con->out_tail % CONSOLE_OUT_SIZE;
	size_t len;

	pthread_mutex_lock(&con->lock);
	len = con->out_head - con->out_tail;
	pthread_mutex_unlock(&con->lock);
	*p = con->out + pos;
	return len < CONSOLE_OUT_SIZE - pos ? len : CONSOLE_OUT_SIZE - pos;
}

static void console_out_drop(struct console *con, size_t len)
{
	pthread_mutex_lock(&con->lock);
	con->out_tail += len;
	con->last_flush = console_now();
	pthread_cond_broadcast(&con->room);
	pthread_mutex_unlock(&con->lock);
}

static void console_out_fail(struct console *con, int err)
{
	loop_mod(con->loop, &con->out_src, 0);
	if (con->out_failed)
		return;
	con->out_failed = true;
	con->ops->output_failed(con->opaque, err);
}

/* Write what the ring holds until it is empty or the reader has no room. */
static void console_flush_ring(struct console *con)
{
	const uint8_t *p;
	size_t len;

	while ((len = console_out_peek(con, &p))) {
		ssize_t n;

		if (con->out_failed) {
			console_out_drop(con, len);
			continue;
		}
		n = write(con->out_fd, p, len);
		if (n > 0) {
			console_out_drop(con, n);
		} else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			loop_mod(con->loop, &con->out_src, EPOLLOUT);
			return;
		} else if (n < 0 && errno != EINTR) {
			console_out_fail(con, errno);
		}
	}
	loop_mod(con->loop, &con->out_src, 0);
}

static void console_flush(struct console *con)
{
	bool drained;

	console_flush_ring(con);
	pthread_mutex_lock(&con->lock);
	drained = con->drain_wanted && con->out_head - con->out_tail <= CONSOLE_DRAINED;
	if (drained)
		con->drain_wanted = false;
	pthread_mutex_unlock(&con->lock);
	if (drained)
		con->ops->drained(con->opaque);
}

static void console_flush_ready(struct loop_source *src, uint32_t events)
{
	uint64_t ticks;

	(void)events;
	if (read(src->fd, &ticks, sizeof(ticks)) < 0)
		return;
	console_flush(src->opaque);
}

static void console_out_ready(struct loop_source *src, uint32_t events)
{
	(void)events;
	console_flush(src->opaque);
}

static void console_help(void)
{
	log_text("Ctrl-a x       quit, as if the power cord were pulled");
	log_text("Ctrl-a p       press the power button");
	log_text("Ctrl-a b       send a break (Linux: magic SysRq)");
	log_text("Ctrl-a i       tell what the vCPUs do");
	log_text("Ctrl-a h       this help");
	log_text("Ctrl-a Ctrl-a  send Ctrl-a to the guest");
}

static void console_escape(struct console *con, uint8_t byte)
{
	switch (byte) {
	case 'x':
		con->ops->quit(con->opaque);
		break;
	case 'p':
		con->ops->power(con->opaque);
		break;
	case 'b':
		con->ops->sendbreak(con->opaque);
		break;
	case 'i':
		con->ops->info(con->opaque);
		break;
	case 'h':
	case '?':
		console_help();
		break;
	}
}

static void console_in_put(struct console *con, const uint8_t *buf, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		uint8_t byte = buf[i];

		if (con->escape) {
			con->escape = false;
			if (byte != CONSOLE_ESCAPE) {
				console_escape(con, byte);
				continue;
			}
		} else if (con->in_tty && byte == CONSOLE_ESCAPE) {
			con->escape = true;
			continue;
		}
		pthread_mutex_lock(&con->lock);
		if (con->in_head - con->in_tail < CONSOLE_IN_SIZE)
			con->in[con->in_head++ % CONSOLE_IN_SIZE] = byte;
		pthread_mutex_unlock(&con->lock);
	}
}

static void console_in_ready(struct loop_source *src, uint32_t events)
{
	struct console *con = src->opaque;
	uint8_t buf[512];
	size_t room = sizeof(buf);
	ssize_t n;

	(void)events;
	if (!con->in_tty) {
		pthread_mutex_lock(&con->lock);
		if (CONSOLE_IN_SIZE - (con->in_head - con->in_tail) < room)
			room = CONSOLE_IN_SIZE - (con->in_head - con->in_tail);
		con->in_paused = !room;
		pthread_mutex_unlock(&con->lock);
		if (!room) {
			loop_mod(con->loop, src, 0);
			return;
		}
	}
	n = read(src->fd, buf, room);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		/* The end of the input is not the end of the guest. */
		loop_del(con->loop, src);
		con->in_end = true;
		return;
	}
	console_in_put(con, buf, n);
	con->ops->input(con->opaque);
}

static void console_resume_ready(struct loop_source *src, uint32_t events)
{
	struct console *con = src->opaque;
	uint64_t count;

	(void)events;
	if (read(src->fd, &count, sizeof(count)) > 0 && !con->in_end)
		loop_mod(con->loop, &con->in_src, EPOLLIN);
}

/*
 * Writing must not block the main loop, and O_NONBLOCK on the descriptor that we were given would
 * change it for everybody who shares it, the user's shell first. A terminal or pipe opened once
 * more is our own. Plain files don't block; whatever else can't be reopened may block us.
 */
static int console_open_out(void)
{
	struct stat st;
	int fd = -1;

	if (fstat(STDOUT_FILENO, &st))
		return -errno;
	if (S_ISFIFO(st.st_mode) || (S_ISCHR(st.st_mode) && isatty(STDOUT_FILENO)))
		fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? -errno : fd;
}

static int console_attach(struct console *con, struct loop_source *src, int fd, uint32_t events,
			  void (*ready)(struct loop_source *src, uint32_t events))
{
	*src = (struct loop_source){ .ready = ready, .opaque = con, .fd = fd };
	return fd < 0 ? -errno : loop_add(con->loop, src, events);
}

/**
 * console_init() - Connect stdin and stdout; a terminal goes into raw mode.
 * @con: filled in.
 * @loop: the main loop.
 * @ops: who is told what.
 * @opaque: for @ops.
 *
 * Return: STATUS_OK or STATUS_HOST, with a message; console_destroy() is due in any case.
 */
enum status console_init(struct console *con, struct loop *loop, const struct console_ops *ops,
			 void *opaque)
{
	int err;

	memset(con, 0, sizeof(*con));
	con->ops = ops;
	con->opaque = opaque;
	con->loop = loop;
	con->in_fd = STDIN_FILENO;
	con->in_tty = isatty(STDIN_FILENO);
	con->flush_src.fd = con->resume_src.fd = -1;
	pthread_mutex_init(&con->lock, NULL);
	pthread_cond_init(&con->room, NULL);

	con->out_fd = console_open_out();
	err = con->out_fd < 0 ? con->out_fd : 0;
	if (!err)
		err = console_attach(con, &con->flush_src,
				     timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
				     EPOLLIN, console_flush_ready);
	if (!err)
		err = console_attach(con, &con->resume_src,
				     eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), EPOLLIN,
				     console_resume_ready);
	if (!err)
		err = console_attach(con, &con->out_src, con->out_fd, 0, console_out_ready);
	if (!err)
		err = console_attach(con, &con->in_src, con->in_fd, EPOLLIN, console_in_ready);
	if (!err && con->in_tty)
		err = term_raw(con->in_fd);
	if (!err)
		return STATUS_OK;
	log_error("cannot use stdin and stdout as the guest's console: %s", strerror(-err));
	return STATUS_HOST;
}

/**
 * console_write() - Output of the guest.
 * @con: the console.
 * @byte: one byte.
 *
 * Context: any thread but the main one. May sleep until there is room; a signal doesn't end that,
 * console_stop() does.
 */
void console_write(struct console *con, uint8_t byte)
{
	pthread_mutex_lock(&con->lock);
	while (con->out_head - con->out_tail == CONSOLE_OUT_SIZE && !con->stopping)
		pthread_cond_wait(&con->room, &con->lock);
	if (con->out_head - con->out_tail < CONSOLE_OUT_SIZE) {
		con->out[con->out_head++ % CONSOLE_OUT_SIZE] = byte;
		/* Also when half full: the reader may have kept pace so far. */
		if (con->out_head - con->out_tail == 1)
			console_flush_at(con, con->last_flush + CONSOLE_FLUSH_NS);
		else if (con->out_head - con->out_tail == CONSOLE_OUT_SIZE / 2)
			console_flush_at(con, 1);
	}
	pthread_mutex_unlock(&con->lock);
}

/**
 * console_drain() - Have the output written soon, and ops->drained() called when it is.
 * @con: the console.
 *
 * Context: any thread.
 */
void console_drain(struct console *con)
{
	pthread_mutex_lock(&con->lock);
	con->drain_wanted = true;
	console_flush_at(con, 1);
	pthread_mutex_unlock(&con->lock);
}

/**
 * console_read() - Take input for the guest.
 * @con: the console.
 * @buf: where to.
 * @len: bytes at most.
 *
 * Context: any thread.
 * Return: bytes taken, perhaps 0.
 */
size_t console_read(struct console *con, uint8_t *buf, size_t len)
{
	bool resume = false;
	uint64_t one = 1;
	size_t n = 0;

	pthread_mutex_lock(&con->lock);
	while (n < len && con->in_head != con->in_tail)
		buf[n++] = con->in[con->in_tail++ % CONSOLE_IN_SIZE];
	if (n && con->in_paused) {
		con->in_paused = false;
		resume = true;
	}
	pthread_mutex_unlock(&con->lock);
	if (resume && write(con->resume_src.fd, &one, sizeof(one)) < 0) {
		/* The counter can't be full: it is read each time. */
	}
	return n;
}

/**
 * console_stop() - The machine ends: nobody waits for room any more.
 * @con: the console.
 */
void console_stop(struct console *con)
{
	pthread_mutex_lock(&con->lock);
	con->stopping = true;
	pthread_cond_broadcast(&con->room);
	pthread_mutex_unlock(&con->lock);
}

/* Write out the rest; give up when the reader makes no progress for @ms, never with -1. */
static void console_write_rest(struct console *con, int ms)
{
	struct pollfd pfd = { .fd = con->out_fd, .events = POLLOUT };
	const uint8_t *p;
	size_t len;

	while (!con->out_failed && (len = console_out_peek(con, &p))) {
		ssize_t n;

		if (poll(&pfd, 1, ms) == 0)
			return;
		n = write(con->out_fd, p, len);
		if (n > 0)
			console_out_drop(con, n);
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			return;
	}
}

/**
 * console_destroy() - Write out the rest and give the terminal back.
 * @con: the console, as far as console_init() got; no vCPU thread is left.
 *
 * A reader that doesn't read keeps us waiting, as it would any program. By then the terminal is
 * as it was and signals end us.
 */
void console_destroy(struct console *con)
{
	if (con->out_fd >= 0)
		console_write_rest(con, CONSOLE_DRAIN_MS);
	term_restore();
	if (con->out_fd >= 0) {
		sigset_t none;

		sigemptyset(&none);
		pthread_sigmask(SIG_SETMASK, &none, NULL);
		console_write_rest(con, -1);
		close(con->out_fd);
	}
	if (con->flush_src.fd >= 0)
		close(con->flush_src.fd);
	if (con->resume_src.fd >= 0)
		close(con->resume_src.fd);
	pthread_cond_destroy(&con->room);
	pthread_mutex_destroy(&con->lock);
}
