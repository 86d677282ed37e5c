// SPDX-License-Identifier: GPL-2.0-only
/*
 * relay - start the emulator, pass the command's streams through, say how it ended.
 *
 * usage: relay DIR TIMEOUT TTY EMULATOR WORD...
 *
 *   DIR      gets `result` (one word and, for exit, the status), `kmsg` (the kernel log as agent
 *            read it), `text` (why modules did not load or unload), `emulator` (what it printed)
 *   TIMEOUT  seconds, 0: none
 *   TTY      1: put the terminal into raw mode while the command runs
 *
 * The emulator gets the other end of a socket as file descriptor 3. It dies with the relay.
 * Results: exit STATUS, load, unload STATUS, timeout, died STATUS (the emulator's, as a shell's
 * $?), interrupted SIGNAL.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#include "io.h"

#define EMULATOR_FD	3
#define ESCAPE		0x1d	/* Ctrl-], three times: kill the emulator */
#define INPUT_MAX	4096	/* bytes of input in a frame */
#define QUEUE_SIZE	(2 * (sizeof(struct rig_header) + INPUT_MAX))

struct relay {
	const char *dir;
	bool tty;
	pid_t emulator;
	int sock;
	char queue[QUEUE_SIZE];	/* frames that the agent has not taken yet */
	size_t queued;
	int sigfd;
	int in;			/* 0 while there is input to pass, -1 before and after */
	FILE *kmsg;
	bool raw;
	struct termios saved;
	unsigned int escapes;
	uint32_t status;	/* the command's */
	bool exited;
	const char *result;
	int result_status;
	struct frame_reader frame;
};

static void die(const char *what)
{
	fprintf(stderr, "rig: %s: %s\n", what, strerror(errno));
	exit(122);
}

static FILE *create(const char *dir, const char *name)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	if (!f)
		die(path);
	return f;
}

static void start_emulator(struct relay *r, char **argv)
{
	pid_t parent = getpid();
	int pair[2], out, null;
	char path[4096];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		die("socketpair");
	snprintf(path, sizeof(path), "%s/emulator", r->dir);
	r->emulator = fork();
	if (r->emulator < 0)
		die("fork");
	if (!r->emulator) {
		sigset_t none;

		/* Ctrl-C on the terminal is for the relay alone. */
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		null = open("/dev/null", O_RDONLY);
		if (out < 0 || null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 ||
		    dup2(out, 2) < 0)
			_exit(1);
		if (pair[1] == EMULATOR_FD)
			fcntl(EMULATOR_FD, F_SETFD, 0);
		else if (dup2(pair[1], EMULATOR_FD) < 0)
			_exit(1);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execvp(argv[0], argv);
		fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(pair[1]);
	r->sock = pair[0];
}

static void finish(struct relay *r, const char *result, int status)
{
	if (r->result)
		return;
	r->result = result;
	r->result_status = status;
}

static bool has_room(const struct relay *r, size_t len)
{
	return QUEUE_SIZE - r->queued >= sizeof(struct rig_header) + len;
}

/*
 * The agent takes what it is ready to take. This must never wait for it: it may itself be waiting
 * for its output to be read here.
 */
static void flush_queue(struct relay *r)
{
	ssize_t n = send(r->sock, r->queue, r->queued, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return; /* full for now, or gone: then reading says so */
	r->queued -= n;
	memmove(r->queue, r->queue + n, r->queued);
}

/* Queue a frame for the agent; the caller has seen that there is room. */
static void to_agent(struct relay *r, enum rig_frame type, const void *buf, uint32_t len)
{
	if (r->sock < 0)
		return;
	r->queued += pack_frame(r->queue + r->queued, type, buf, len);
	flush_queue(r);
}

static void send_winsize(struct relay *r)
{
	struct winsize ws;
	uint16_t size[2];

	if (!r->tty || !has_room(r, sizeof(size)) || ioctl(0, TIOCGWINSZ, &ws))
		return;
	size[0] = ws.ws_row;
	size[1] = ws.ws_col;
	to_agent(r, RIG_WINSIZE, size, sizeof(size));
}

static void command_starts(struct relay *r)
{
	struct termios raw;

	r->in = 0;
	if (!r->tty || tcgetattr(0, &r->saved))
		return;
	raw = r->saved;
	cfmakeraw(&raw);
	if (!tcsetattr(0, TCSADRAIN, &raw))
		r->raw = true;
	send_winsize(r);
}

static void restore_terminal(struct relay *r)
{
	if (r->raw)
		tcsetattr(0, TCSADRAIN, &r->saved);
	r->raw = false;
}

static void keep_text(struct relay *r)
{
	FILE *f = create(r->dir, "text");

	fwrite(r->frame.body, 1, r->frame.header.len, f);
	fclose(f);
}

/*
 * kmsg records read "PRIORITY,SEQUENCE,USEC,FLAGS;TEXT\n KEY=VALUE\n...": keep "<PRIORITY> TEXT".
 */
static void keep_kmsg(struct relay *r)
{
	char *body = r->frame.body, *text, *end;
	unsigned int prio;
	unsigned long long usec;

	body[r->frame.header.len < RIG_FRAME_MAX ? r->frame.header.len : RIG_FRAME_MAX - 1] = '\0';
	text = strchr(body, ';');
	if (!text || sscanf(body, "%u,%*u,%llu", &prio, &usec) != 2)
		return;
	text++;
	end = strchr(text, '\n');
	if (end)
		*end = '\0';
	fprintf(r->kmsg, "<%u>[%5llu.%06llu] %s\n", prio & 7, usec / 1000000, usec % 1000000, text);
}

static void from_agent(struct relay *r)
{
	uint32_t len, type;
	int got = read_frame(r->sock, &r->frame);

	if (got < 0) {
		/* The emulator goes; its status comes with SIGCHLD. */
		shutdown(r->sock, SHUT_RDWR);
		close(r->sock);
		r->sock = -1;
		return;
	}
	if (!got)
		return;
	len = r->frame.header.len;
	type = r->frame.header.type;
	switch (type) {
	case RIG_READY:
		command_starts(r);
		break;
	case RIG_STDOUT:
	case RIG_STDERR:
		/* A reader that went away is no reason to lose the command's status. */
		write_all(type == RIG_STDOUT ? 1 : 2, r->frame.body, len);
		break;
	case RIG_EXIT:
		memcpy(&r->status, r->frame.body, sizeof(r->status));
		r->exited = true;
		r->in = -1;
		restore_terminal(r);
		break;
	case RIG_LOAD_FAILED:
		keep_text(r);
		finish(r, "load", 0);
		break;
	case RIG_UNLOAD_FAILED:
		keep_text(r);
		finish(r, "unload", r->status);
		break;
	case RIG_KMSG:
		keep_kmsg(r);
		break;
	case RIG_DONE:
		finish(r, "exit", r->status);
		kill(r->emulator, SIGKILL);
		break;
	default:
		errno = EPROTO;
		die("agent");
	}
}

/* Count the escape key; three of them in a row end the run even if the host is dead. */
static void look_for_escape(struct relay *r, const char *buf, ssize_t n)
{
	for (ssize_t i = 0; i < n; i++) {
		r->escapes = buf[i] == ESCAPE ? r->escapes + 1 : 0;
		if (r->escapes == 3)
			finish(r, "interrupted", SIGINT);
	}
}

static void from_user(struct relay *r)
{
	char buf[INPUT_MAX];
	ssize_t n = read(0, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		r->in = -1;
		to_agent(r, RIG_STDIN_EOF, NULL, 0);
		return;
	}
	if (r->tty)
		look_for_escape(r, buf, n);
	to_agent(r, RIG_STDIN, buf, n);
}

static void from_signals(struct relay *r)
{
	struct signalfd_siginfo si;
	int status;

	if (read(r->sigfd, &si, sizeof(si)) != sizeof(si))
		return;
	switch (si.ssi_signo) {
	case SIGCHLD:
		if (waitpid(r->emulator, &status, WNOHANG) != r->emulator)
			return;
		r->emulator = 0;
		finish(r, "died",
		       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
		break;
	case SIGWINCH:
		if (r->raw)
			send_winsize(r);
		break;
	default:
		finish(r, "interrupted", si.ssi_signo);
	}
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Whether the run is over. After "load" and "unload" the kernel's log is still to come. */
static bool over(const struct relay *r)
{
	return r->result && !(r->emulator && (!strcmp(r->result, "load") || !strcmp(r->result, "unload")));
}

static void serve(struct relay *r, long long deadline)
{
	while (!over(r)) {
		bool reading = r->sock >= 0 && has_room(r, INPUT_MAX);
		struct pollfd pfd[] = {
			{ .fd = r->sigfd, .events = POLLIN },
			{ .fd = r->sock, .events = r->queued ? POLLIN | POLLOUT : POLLIN },
			{ .fd = reading ? r->in : -1, .events = POLLIN },
		};
		long long left = deadline ? deadline - now_ms() : -1;

		if (deadline && left <= 0) {
			finish(r, "timeout", 0);
			break;
		}
		if (poll(pfd, 3, left > 1000000 ? 1000000 : left) < 0 && errno != EINTR)
			die("poll");
		if (pfd[1].revents & POLLOUT)
			flush_queue(r);
		/* The agent's words before the emulator's end. */
		if (pfd[1].revents & ~POLLOUT)
			from_agent(r);
		else if (pfd[0].revents)
			from_signals(r);
		if (pfd[2].revents)
			from_user(r);
	}
}

static int block_signals(void)
{
	static const int caught[] = { SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		sigaddset(&set, caught[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* In the background a terminal can't be read: an error, not a stop. */
	signal(SIGTTIN, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(int argc, char **argv)
{
	static struct relay r = { .in = -1 };
	long timeout;
	FILE *f;

	if (argc < 5) {
		fprintf(stderr, "usage: relay DIR TIMEOUT TTY EMULATOR WORD...\n");
		return 122;
	}
	r.dir = argv[1];
	timeout = atol(argv[2]);
	r.tty = argv[3][0] == '1';
	r.kmsg = create(r.dir, "kmsg");
	r.sigfd = block_signals();
	start_emulator(&r, argv + 4);
	serve(&r, timeout ? now_ms() + timeout * 1000LL : 0);
	restore_terminal(&r);
	if (r.emulator) {
		kill(r.emulator, SIGKILL);
		waitpid(r.emulator, NULL, 0);
	}
	fclose(r.kmsg);
	f = create(r.dir, "result");
	fprintf(f, "%s %d\n", r.result, r.result_status);
	fclose(f);
	return 0;
}
