// SPDX-License-Identifier: GPL-2.0-only
/*
 * agent - process 1 of the emulated host: loads the modules, runs the command, reports.
 *
 * /init has mounted this machine's files at /host and then becomes this program. The command's
 * standard streams travel as frames (proto.h), apart from the kernel's log on ttyS0: in QEMU over a
 * virtio-serial port; in Bochs, which has none, out through I/O port 0xe9 and in through ttyS1.
 *
 * usage: agent SPEC    SPEC: a file of NUL-terminated words: cwd=DIR, tty=0|1, port=virtio|bochs,
 *                      env=NAME=VALUE..., arg=WORD..., in any order
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

#include "io.h"

#define BOCHS_PORT	0xe9	/* each byte written there is the relay's */
#define BOCHS_TTY	"/dev/ttyS1"
#define MAX_WORDS	4096
#define ROOT		"/host"

struct spec {
	const char *cwd;
	bool tty;
	bool bochs;
	char *argv[MAX_WORDS];
	char *env[MAX_WORDS];
	size_t argc, envc;
};

struct agent {
	int port;		/* where frames are read, and written but in Bochs */
	bool bochs;
	int sigfd;
	int in;			/* where the command's input is written, -1: closed */
	int out, err;		/* where its output is read, -1: closed */
	bool tty;
	pid_t pid;
	bool exited;
	uint32_t status;
	struct frame_reader frame;
	size_t in_done, in_len;	/* of the stdin frame being written */
};

static void stop(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "rig agent: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(errno));
	_exit(1);	/* of process 1: the kernel panics, the relay sees the host die */
}

static void parse_spec(struct spec *spec, const char *path)
{
	static char buf[4 << 20];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		stop("%s", path);
	while ((n = read(fd, buf + len, sizeof(buf) - 1 - len)) > 0)
		len += n;
	close(fd);
	for (char *p = buf; p < buf + len; p += strlen(p) + 1) {
		if (!strncmp(p, "cwd=", 4))
			spec->cwd = p + 4;
		else if (!strncmp(p, "tty=", 4))
			spec->tty = p[4] == '1';
		else if (!strncmp(p, "port=", 5))
			spec->bochs = !strcmp(p + 5, "bochs");
		else if (!strncmp(p, "env=", 4) && spec->envc < MAX_WORDS - 1)
			spec->env[spec->envc++] = p + 4;
		else if (!strncmp(p, "arg=", 4) && spec->argc < MAX_WORDS - 1)
			spec->argv[spec->argc++] = p + 4;
	}
	if (!spec->argc || !spec->cwd) {
		errno = EINVAL;
		stop("%s", path);
	}
}

/* The port appears as /dev/vportNpM a little after its driver was loaded. */
static int open_port(void)
{
	for (int tries = 0; tries < 2000; tries++) {
		DIR *dir = opendir("/sys/class/virtio-ports");
		struct dirent *d;

		while (dir && (d = readdir(dir))) {
			char path[300], name[32] = "";
			FILE *f;
			int fd;

			snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", d->d_name);
			f = fopen(path, "r");
			if (!f)
				continue;
			if (!fgets(name, sizeof(name), f))
				name[0] = '\0';
			fclose(f);
			name[strcspn(name, "\n")] = '\0';
			if (strcmp(name, RIG_PORT_NAME))
				continue;
			snprintf(path, sizeof(path), "/dev/%s", d->d_name);
			fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
			if (fd >= 0) {
				closedir(dir);
				return fd;
			}
		}
		if (dir)
			closedir(dir);
		usleep(5000);
	}
	stop("no virtio-serial port named %s", RIG_PORT_NAME);
	return -1;
}

/* The serial port for input, and leave for this process to write to the port for output. */
static int open_bochs(void)
{
	int fd = open(BOCHS_TTY, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct termios raw;

	if (fd < 0 || tcgetattr(fd, &raw))
		stop("%s", BOCHS_TTY);
	cfmakeraw(&raw);
	cfsetspeed(&raw, B115200);
	raw.c_cflag |= CLOCAL | CREAD;
	if (tcsetattr(fd, TCSANOW, &raw))
		stop("%s", BOCHS_TTY);
	if (ioperm(BOCHS_PORT, 1, 1))
		stop("ioperm");
	return fd;
}

/* Run a script of the initramfs; what it prints goes to @text. Return its status. */
static int run_script(const char *script, char *text, size_t size)
{
	size_t len = 0;
	int pipefd[2], status = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC))
		stop("pipe");
	pid = fork();
	if (pid < 0)
		stop("fork");
	if (!pid) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		dup2(pipefd[1], 1);
		dup2(pipefd[1], 2);
		execl(script, script, (char *)NULL);
		_exit(127);
	}
	close(pipefd[1]);
	while ((n = read(pipefd[0], text + len, size - 1 - len)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			len += n;
	text[len] = '\0';
	close(pipefd[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void exec_command(const struct spec *spec)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* The port is the agent's; to switch to a process that may use ports costs more. */
	ioperm(BOCHS_PORT, 1, 0);
	if (chroot(ROOT) || chdir(spec->cwd)) {
		fprintf(stderr, "rig: %s: %s\n", spec->cwd, strerror(errno));
		_exit(125);
	}
	environ = (char **)spec->env;
	execvp(spec->argv[0], spec->argv);
	fprintf(stderr, "rig: %s: %s\n", spec->argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void start_tty(struct agent *a, const struct spec *spec)
{
	int master;

	a->pid = forkpty(&master, NULL, NULL, NULL);
	if (a->pid < 0)
		stop("forkpty");
	if (!a->pid)
		exec_command(spec);
	fcntl(master, F_SETFD, FD_CLOEXEC);
	fcntl(master, F_SETFL, O_NONBLOCK);
	a->in = master;
	a->out = master;
	a->err = -1;
}

static void start_pipes(struct agent *a, const struct spec *spec)
{
	int in[2], out[2], err[2];

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		stop("pipe");
	a->pid = fork();
	if (a->pid < 0)
		stop("fork");
	if (!a->pid) {
		setsid();
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		exec_command(spec);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	a->in = in[1];
	a->out = out[0];
	a->err = err[0];
}

static void report(struct agent *a, enum rig_frame type, const void *buf, uint32_t len)
{
	static char out[sizeof(struct rig_header) + RIG_FRAME_MAX];

	if (a->bochs)
		outsb(BOCHS_PORT, out, pack_frame(out, type, buf, len));
	else if (send_frame(a->port, type, buf, len))
		stop("write to the relay");
}

static void report_text(struct agent *a, enum rig_frame type, const char *text)
{
	size_t len = strlen(text);

	report(a, type, text, len < RIG_FRAME_MAX ? len : RIG_FRAME_MAX);
}

/* Move output from the command to the relay; the descriptor is -1 after its end. */
static void forward(struct agent *a, int *fd, enum rig_frame type)
{
	char buf[RIG_FRAME_MAX];
	ssize_t n = read(*fd, buf, sizeof(buf));

	if (n > 0) {
		report(a, type, buf, n);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* A pty's master reads EIO when its last user has closed it. */
	if (!a->tty)
		close(*fd);
	*fd = -1;
}

static void close_input(struct agent *a)
{
	a->in_len = 0;
	a->in_done = 0;
	if (a->in < 0)
		return;
	if (a->tty) {
		write_all(a->in, "\4", 1);
		return;
	}
	close(a->in);
	a->in = -1;
}

static void feed_input(struct agent *a)
{
	ssize_t n = write(a->in, a->frame.body + a->in_done, a->in_len - a->in_done);

	if (n > 0)
		a->in_done += n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		close_input(a);
	if (a->in_done >= a->in_len)
		a->in_len = a->in_done = 0;
}

static void set_winsize(struct agent *a)
{
	struct winsize ws = { 0 };
	uint16_t size[2];

	if (!a->tty || a->frame.header.len != sizeof(size))
		return;
	memcpy(size, a->frame.body, sizeof(size));
	ws.ws_row = size[0];
	ws.ws_col = size[1];
	ioctl(a->in, TIOCSWINSZ, &ws);
}

static void from_relay(struct agent *a)
{
	int got = read_frame(a->port, &a->frame);

	if (got < 0)
		stop("read from the relay");
	if (!got)
		return;
	/* A serial port drops what nobody reads in time: the next comes when this one is here. */
	if (a->bochs)
		report(a, RIG_ACK, NULL, 0);
	switch (a->frame.header.type) {
	case RIG_STDIN:
		if (a->in >= 0) {
			a->in_len = a->frame.header.len;
			a->in_done = 0;
		}
		break;
	case RIG_STDIN_EOF:
		close_input(a);
		break;
	case RIG_WINSIZE:
		set_winsize(a);
		break;
	default:
		errno = EPROTO;
		stop("frame %u", a->frame.header.type);
	}
}

static void reap(struct agent *a)
{
	struct signalfd_siginfo si;
	int status;
	pid_t pid;

	if (read(a->sigfd, &si, sizeof(si)) < 0 && errno != EAGAIN)
		stop("signalfd");
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != a->pid)
			continue;
		a->exited = true;
		a->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		/* What it left running goes with it: the modules must come out. */
		kill(-1, SIGKILL);
	}
}

static void serve(struct agent *a)
{
	while (!a->exited || a->out >= 0 || a->err >= 0) {
		bool feeding = a->in >= 0 && a->in_len;
		struct pollfd pfd[] = {
			{ .fd = a->sigfd, .events = POLLIN },
			{ .fd = feeding ? -1 : a->port, .events = POLLIN },
			{ .fd = a->out, .events = POLLIN },
			{ .fd = a->err, .events = POLLIN },
			{ .fd = feeding ? a->in : -1, .events = POLLOUT },
		};

		if (poll(pfd, 5, a->exited ? 2000 : -1) == 0)
			break;	/* killed, yet somebody holds its output open: don't wait */
		if (pfd[0].revents)
			reap(a);
		if (pfd[1].revents)
			from_relay(a);
		if (pfd[4].revents && a->in >= 0)
			feed_input(a);
		if (pfd[2].revents)
			forward(a, &a->out, RIG_STDOUT);
		if (pfd[3].revents)
			forward(a, &a->err, RIG_STDERR);
	}
}

static void send_kernel_log(struct agent *a)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char buf[8192];
	ssize_t n;

	if (fd < 0)
		stop("/dev/kmsg");
	/* EPIPE: records were overwritten before we got there. */
	while ((n = read(fd, buf, sizeof(buf))) > 0 || (n < 0 && errno == EPIPE))
		if (n > 0)
			report(a, RIG_KMSG, buf, n);
	close(fd);
}

static int block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(int argc, char **argv)
{
	static struct spec spec;
	static struct agent a;
	static char text[RIG_FRAME_MAX];

	if (argc != 2)
		stop("usage: agent SPEC");
	parse_spec(&spec, argv[1]);
	a.sigfd = block_signals();
	a.bochs = spec.bochs;
	a.port = a.bochs ? open_bochs() : open_port();
	a.tty = spec.tty;
	report(&a, RIG_UP, NULL, 0);
	if (run_script("/load", text, sizeof(text))) {
		report_text(&a, RIG_LOAD_FAILED, text);
	} else {
		report(&a, RIG_READY, NULL, 0);
		if (spec.tty)
			start_tty(&a, &spec);
		else
			start_pipes(&a, &spec);
		serve(&a);
		report(&a, RIG_EXIT, &a.status, sizeof(a.status));
		if (run_script("/unload", text, sizeof(text)))
			report_text(&a, RIG_UNLOAD_FAILED, text);
	}
	send_kernel_log(&a);
	report(&a, RIG_DONE, NULL, 0);
	for (;;)
		pause();
}
