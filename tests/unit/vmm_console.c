// SPDX-License-Identifier: GPL-2.0-only
/* vmm's console: nothing is lost either way, however slow the other side is. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "console.h"
#include "log.h"
#include "tap.h"

#define OUT_BYTES	500000
#define IN_BYTES	100000

/* The process under test: stdin and stdout are pipes. */
static struct loop loop;
static struct console con;
static size_t in_seen;
static bool in_good = true;
static int failed_with;
static struct loop_source guest_done;	/* eventfd */
static bool guest_is_done;

static uint8_t pattern(size_t i)
{
	return i * 31 + i / 251;
}

static void take_input(void *opaque)
{
	uint8_t buf[7];
	size_t n, i;

	(void)opaque;
	while ((n = console_read(&con, buf, sizeof(buf))))
		for (i = 0; i < n; i++)
			in_good &= buf[i] == pattern(in_seen++);
	if (in_seen == IN_BYTES && guest_is_done)
		loop_quit(&loop);
}

static void guest_done_ready(struct loop_source *src, uint32_t events)
{
	(void)src;
	(void)events;
	guest_is_done = true;
	loop_mod(&loop, src, 0);
	if (in_seen == IN_BYTES)
		loop_quit(&loop);
}

static void nothing(void *opaque)
{
	(void)opaque;
}

static void quit(void *opaque)
{
	(void)opaque;
	exit(3);
}

static void output_failed(void *opaque, int err)
{
	(void)opaque;
	failed_with = err;
	loop_quit(&loop);
}

static const struct console_ops ops = {
	.input = take_input,
	.drained = nothing,
	.sendbreak = nothing,
	.quit = quit,
	.power = nothing,
	.info = nothing,
	.output_failed = output_failed,
};

static void *guest(void *opaque)
{
	size_t i, n = *(size_t *)opaque;

	for (i = 0; i < n; i++)
		console_write(&con, pattern(i));
	if (guest_done.fd && eventfd_write(guest_done.fd, 1))
		_exit(8);
	return NULL;
}

/* Run the console in a child; @in and @out are the parent's ends. */
static pid_t start(int *in, int *out, int (*run)(void))
{
	int to[2], from[2];
	pid_t pid;

	fflush(stdout);
	if (pipe(to) || pipe(from))
		exit(1);
	pid = fork();
	if (pid) {
		close(to[0]);
		close(from[1]);
		*in = to[1];
		*out = from[0];
		return pid;
	}
	close(to[1]);
	close(from[0]);
	dup2(to[0], STDIN_FILENO);
	dup2(from[1], STDOUT_FILENO);
	close(to[0]);
	close(from[1]);
	alarm(60);	/* not inherited */
	if (loop_init(&loop) || console_init(&con, &loop, &ops, NULL) != STATUS_OK)
		_exit(9);
	_exit(run());
}

static int status_of(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_both(void)
{
	size_t n = OUT_BYTES;
	pthread_t thread;

	guest_done = (struct loop_source){ .ready = guest_done_ready, .fd = eventfd(0, 0) };
	if (loop_add(&loop, &guest_done, EPOLLIN))
		return 8;
	pthread_create(&thread, NULL, guest, &n);
	loop_run(&loop);
	pthread_join(thread, NULL);
	console_stop(&con);
	console_destroy(&con);
	return in_good ? 0 : 1;
}

static void test_both(void)
{
	int in, out;
	pid_t pid = start(&in, &out, run_both), writer;
	size_t seen = 0;
	bool good = true;
	uint8_t buf[1000];
	ssize_t n, i;

	writer = fork();
	if (!writer) {
		for (seen = 0; seen < IN_BYTES; seen += n) {
			n = IN_BYTES - seen < 999 ? IN_BYTES - seen : 999;
			for (i = 0; i < n; i++)
				buf[i] = pattern(seen + i);
			if (write(in, buf, n) != n)
				_exit(1);
		}
		_exit(0);
	}
	close(in);
	usleep(200000);	/* rings and pipe fill up */
	while ((n = read(out, buf, sizeof(buf))) > 0)
		for (i = 0; i < n; i++)
			good &= buf[i] == pattern(seen++);
	tap_eq(status_of(writer), 0, "all input is taken, though more than the ring holds");
	tap_eq(seen, OUT_BYTES, "a slow reader gets all output");
	tap_ok(good, "in order");
	tap_eq(status_of(pid), 0, "and input arrives in order");
	close(out);
}

static int run_stuck(void)
{
	size_t n = OUT_BYTES;
	pthread_t thread;

	/* A vCPU that waits for room when the machine is stopped. */
	pthread_create(&thread, NULL, guest, &n);
	usleep(200000);
	console_stop(&con);
	pthread_join(thread, NULL);
	return 0;
}

static void test_stuck(void)
{
	int in, out;
	pid_t pid = start(&in, &out, run_stuck);

	tap_eq(status_of(pid), 0, "stopping ends the wait for a reader who doesn't read");
	close(in);
	close(out);
}

static int run_gone(void)
{
	size_t n = 10;
	char go;

	signal(SIGPIPE, SIG_IGN);
	if (read(STDIN_FILENO, &go, 1) != 1)
		return 8;
	guest(&n);
	loop_run(&loop);
	console_stop(&con);
	console_destroy(&con);
	return failed_with == EPIPE ? 0 : 1;
}

static void test_gone(void)
{
	int in, out;
	pid_t pid = start(&in, &out, run_gone);

	close(out);
	tap_ok(write(in, "!", 1) == 1, "the guest prints after its reader has gone");
	tap_eq(status_of(pid), 0, "a reader who has gone is told");
	close(in);
}

int main(void)
{
	alarm(60);
	test_both();
	test_stuck();
	test_gone();
	return tap_done();
}
