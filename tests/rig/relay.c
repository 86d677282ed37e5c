// SPDX-License-Identifier: GPL-2.0-only
/*
 * relay - start the emulator, pass the command's streams through, say how it ended.
 *
 * usage: relay DIR START TIMEOUT TTY KIND EMULATOR WORD...
 *
 *   DIR      gets `result` (one word and, for exit, the status), `kmsg` (the kernel log as agent
 *            read it), `text` (why modules did not load or unload), `emulator` (what it printed)
 *   START    seconds that the host has to come up
 *   TIMEOUT  seconds for the rest, 0: none
 *   TTY      1: put the terminal into raw mode while the command runs
 *   KIND     qemu: the emulator gets the other end of a socket as file descriptor 3, for both ways,
 *            and one for its monitor as 4. At a time-out that sends the host an NMI, which lets its
 *            kernel say, on the serial line, what every processor is at
 *            bochs: that way only frames from the agent come; those to it go into a terminal,
 *            DIR/input, which becomes a serial port. The emulator's own terminal is another one
 *
 * The emulator dies with the relay.
 * Results: exit STATUS, load, unload STATUS, start (the host did not come up), timeout, died STATUS
 * (the emulator's, as a shell's $?), interrupted SIGNAL.
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
#define MONITOR_FD	4
#define LAST_WORDS_MS	20000	/* for what a host that hangs says when it is asked */
#define ESCAPE		0x1d	/* Ctrl-], three times: kill the emulator */
#define INPUT_MAX	4096	/* bytes of input in a frame */
#define SERIAL_MAX	512	/* the same over a serial port: what a terminal surely buffers */
#define QUEUE_SIZE	(2 * (sizeof(struct rig_header) + INPUT_MAX))

struct relay {
	const char *dir;
	bool tty;
	pid_t emulator;
	int sock;		/* frames from the agent */
	int to;			/* frames to the agent */
	int screen;		/* what Bochs draws, -1: it doesn't */
	int monitor;		/* QEMU's */
	bool bochs;
	bool waiting;		/* for the agent's word that it has the last frame; Bochs only */
	char queue[QUEUE_SIZE];	/* frames that the agent has not taken yet */
	size_t queued;
	int sigfd;
	int in;			/* 0 while there is input to pass, -1 before and after */
	FILE *kmsg;
	FILE *emulator_says;
	long long timeout;	/* ms, 0: none */
	long long deadline;	/* ms, 0: none */
	bool up;		/* the agent is there */
	bool ready;		/* the command has started */
	bool progress;		/* there is a line on the terminal that says how long it takes */
	long long started;	/* ms */
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

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
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

/* A terminal that changes no byte; its other end, kept open here, too, has the path @name. */
static int open_terminal(char *name, size_t size)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), slave;
	struct termios raw;

	if (master < 0 || grantpt(master) || unlockpt(master) || ptsname_r(master, name, size))
		die("pseudo-terminal");
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || tcgetattr(slave, &raw))
		die(name);
	cfmakeraw(&raw);
	if (tcsetattr(slave, TCSANOW, &raw))
		die(name);
	return master;
}

/* In the child: standard streams for the emulator. */
static bool set_streams(const char *screen, const char *out_path)
{
	int in, out;

	if (screen) {
		in = open(screen, O_RDWR | O_NOCTTY);
		out = in;
		setenv("TERM", "vt100", 1);
	} else {
		in = open("/dev/null", O_RDONLY);
		out = open(out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	}
	return in >= 0 && out >= 0 && dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(out, 2) >= 0;
}

/* Ours in pair[0], the emulator's in pair[1]: above the numbers that these will have there. */
static void open_pair(int pair[2])
{
	int low;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		die("socketpair");
	low = pair[1];
	pair[1] = fcntl(low, F_DUPFD_CLOEXEC, MONITOR_FD + 1);
	if (pair[1] < 0)
		die("socketpair");
	close(low);
}

static void start_emulator(struct relay *r, char **argv)
{
	pid_t parent = getpid();
	char path[4096], screen[64], input[64], link[4096];
	int pair[2], monitor[2];

	open_pair(pair);
	open_pair(monitor);
	snprintf(path, sizeof(path), "%s/emulator", r->dir);
	r->screen = -1;
	if (r->bochs) {
		r->screen = open_terminal(screen, sizeof(screen));
		r->to = open_terminal(input, sizeof(input));
		snprintf(link, sizeof(link), "%s/input", r->dir);
		if ((unlink(link) && errno != ENOENT) || symlink(input, link))
			die(link);
		r->emulator_says = create(r->dir, "emulator");
		setbuf(r->emulator_says, NULL);
	}
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
		if (!set_streams(r->bochs ? screen : NULL, path))
			_exit(1);
		if (dup2(pair[1], EMULATOR_FD) < 0 || dup2(monitor[1], MONITOR_FD) < 0)
			_exit(1);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execvp(argv[0], argv);
		fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(pair[1]);
	close(monitor[1]);
	r->sock = pair[0];
	r->monitor = monitor[0];
	if (!r->bochs)
		r->to = r->sock;
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
	if (r->bochs)
		return !r->waiting && !r->queued;
	return QUEUE_SIZE - r->queued >= sizeof(struct rig_header) + len;
}

/*
 * The agent takes what it is ready to take. This must never wait for it: it may itself be waiting
 * for its output to be read here.
 */
static void flush_queue(struct relay *r)
{
	ssize_t n;

	if (r->bochs)
		n = write(r->to, r->queue, r->queued);
	else
		n = send(r->to, r->queue, r->queued, MSG_DONTWAIT | MSG_NOSIGNAL);
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
	r->waiting = r->bochs;
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

/*
 * On a terminal, say that the host is starting, since it takes a while; the line goes when the
 * command starts. Return the time to wait in poll, in ms: @left, or less when it is due again.
 */
static int show_progress(struct relay *r, long long left)
{
	long long seconds;

	if (!r->progress)
		return left;
	if (r->ready || r->result) {
		fprintf(stderr, "\r\033[K");
		r->progress = false;
		return left;
	}
	seconds = (now_ms() - r->started) / 1000;
	fprintf(stderr, "\rstarting the emulated host: %lld s ", seconds);
	return left < 0 || left > 1000 ? 1000 : left;
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
	case RIG_UP:
		r->up = true;
		r->deadline = r->timeout ? now_ms() + r->timeout : 0;
		break;
	case RIG_READY:
		r->ready = true;
		show_progress(r, 0);
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
	case RIG_ACK:
		r->waiting = false;
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
	ssize_t n = read(0, buf, r->bochs ? SERIAL_MAX : INPUT_MAX);

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

/* What Bochs draws is read, or else it would wait; what it says there before it ends may help. */
static void from_screen(struct relay *r)
{
	char buf[4096];
	ssize_t n = read(r->screen, buf, sizeof(buf));

	if (n > 0) {
		fwrite(buf, 1, n, r->emulator_says);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(r->screen);
		r->screen = -1;
	}
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

/* Whether the run is over. After "load" and "unload" the kernel's log is still to come. */
static bool over(const struct relay *r)
{
	return r->result && !(r->emulator && (!strcmp(r->result, "load") || !strcmp(r->result, "unload")));
}

static void serve(struct relay *r)
{
	while (!over(r)) {
		bool reading = r->sock >= 0 && has_room(r, INPUT_MAX);
		struct pollfd pfd[] = {
			{ .fd = r->sigfd, .events = POLLIN },
			{ .fd = r->sock, .events = POLLIN },
			{ .fd = reading ? r->in : -1, .events = POLLIN },
			{ .fd = r->queued && r->sock >= 0 ? r->to : -1, .events = POLLOUT },
			{ .fd = r->screen, .events = POLLIN },
		};
		long long left = r->deadline ? r->deadline - now_ms() : -1;

		if (r->deadline && left <= 0) {
			finish(r, r->up ? "timeout" : "start", 0);
			break;
		}
		if (poll(pfd, 5, show_progress(r, left > 1000000 ? 1000000 : left)) < 0 &&
		    errno != EINTR)
			die("poll");
		if (pfd[3].revents & POLLOUT)
			flush_queue(r);
		if (pfd[4].revents)
			from_screen(r);
		/* The agent's words before the emulator's end. */
		if (pfd[1].revents)
			from_agent(r);
		else if (pfd[0].revents)
			from_signals(r);
		if (pfd[2].revents)
			from_user(r);
	}
}

/*
 * A host that hangs: an NMI makes its kernel print what every processor is at and then panic, which
 * ends the emulator (its kernel's words and QEMU's options in host are made for that).
 */
static void ask_for_last_words(struct relay *r)
{
	static const char nmi[] = "nmi\n";
	long long end = now_ms() + LAST_WORDS_MS;
	struct pollfd pfd = { .fd = r->sigfd, .events = POLLIN };

	if (r->bochs || !r->emulator || send(r->monitor, nmi, strlen(nmi), MSG_NOSIGNAL) < 0)
		return;
	while (r->emulator && now_ms() < end) {
		if (poll(&pfd, 1, 1000) > 0)
			from_signals(r);
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
	pid_t parent = getppid();
	FILE *f;

	if (argc < 7) {
		fprintf(stderr, "usage: relay DIR START TIMEOUT TTY qemu|bochs EMULATOR WORD...\n");
		return 122;
	}
	r.dir = argv[1];
	r.timeout = atol(argv[3]) * 1000LL;
	r.tty = argv[4][0] == '1';
	r.bochs = !strcmp(argv[5], "bochs");
	r.progress = isatty(2);
	r.started = now_ms();
	r.kmsg = create(r.dir, "kmsg");
	r.sigfd = block_signals();
	/* Who kills the script that started this means the emulator, too. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		return 143;
	r.deadline = r.started + atol(argv[2]) * 1000LL;
	start_emulator(&r, argv + 6);
	serve(&r);
	restore_terminal(&r);
	if (!strcmp(r.result, "timeout") || !strcmp(r.result, "start"))
		ask_for_last_words(&r);
	if (r.emulator) {
		kill(r.emulator, SIGKILL);
		waitpid(r.emulator, NULL, 0);
	}
	show_progress(&r, 0);
	fclose(r.kmsg);
	if (r.emulator_says)
		fclose(r.emulator_says);
	f = create(r.dir, "result");
	fprintf(f, "%s %d\n", r.result, r.result_status);
	fclose(f);
	return 0;
}
