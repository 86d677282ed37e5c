// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs rows, each in a child process that shares a page with us for its result and its words.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "row.h"

enum verdict { PASSED, FAILED, SKIPPED };

/* What a row tells its parent. The row's threads write it under the lock. */
static struct report {
	enum verdict verdict;
	unsigned int checks;
	unsigned int failed;
	size_t used;		/* bytes of text */
	char text[16384];	/* lines, each ended by \n */
	char reason[256];	/* of a skip */
} *report;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
void (*row_on_timeout)(void);

static void append(const char *fmt, va_list ap)
{
	size_t left;
	int n;

	pthread_mutex_lock(&lock);
	left = sizeof(report->text) - report->used;
	n = vsnprintf(report->text + report->used, left, fmt, ap);
	if (n >= 0 && (size_t)n + 1 < left) {
		report->used += n;
		report->text[report->used++] = '\n';
		report->text[report->used] = 0;
	}
	pthread_mutex_unlock(&lock);
}

void row_log(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	append(fmt, ap);
	va_end(ap);
}

void row_fail(const char *fmt, ...)
{
	va_list ap;

	report->verdict = FAILED;
	__atomic_add_fetch(&report->failed, 1, __ATOMIC_RELAXED);
	va_start(ap, fmt);
	append(fmt, ap);
	va_end(ap);
}

void row_die(const char *fmt, ...)
{
	va_list ap;

	report->verdict = FAILED;
	va_start(ap, fmt);
	append(fmt, ap);
	va_end(ap);
	_exit(0);
}

void row_skip(const char *fmt, ...)
{
	va_list ap;

	if (report->verdict == PASSED)
		report->verdict = SKIPPED;
	va_start(ap, fmt);
	vsnprintf(report->reason, sizeof(report->reason), fmt, ap);
	va_end(ap);
	_exit(0);
}

bool row_failed(void)
{
	return report->verdict == FAILED;
}

void row_count(unsigned int checks)
{
	__atomic_add_fetch(&report->checks, checks, __ATOMIC_RELAXED);
}

bool row_check(bool ok, const char *fmt, ...)
{
	va_list ap;

	row_count(1);
	if (ok)
		return true;
	report->verdict = FAILED;
	__atomic_add_fetch(&report->failed, 1, __ATOMIC_RELAXED);
	va_start(ap, fmt);
	append(fmt, ap);
	va_end(ap);
	return false;
}

bool row_check_errno(const char *file, int line, const char *what, long ret, int err, int want)
{
	const char *seen = ret < 0 ? strerrorname_np(err) : "success";
	const char *wanted = want ? strerrorname_np(want) : "success";

	return row_check(want ? ret < 0 && err == want : ret >= 0,
			 "%s:%d: %s: expected %s, saw %s (returned %ld)", file, line, what, wanted,
			 seen ? seen : "an unknown errno", ret);
}

bool row_check_mem(const char *file, int line, const char *what, const void *seen,
		   const void *want, size_t bytes)
{
	const unsigned char *s = seen, *w = want;
	size_t i;

	for (i = 0; i < bytes && s[i] == w[i]; i++)
		;
	return row_check(i == bytes, "%s:%d: %s: byte %zu of %zu: expected 0x%02x, saw 0x%02x",
			 file, line, what, i, bytes, i < bytes ? w[i] : 0, i < bytes ? s[i] : 0);
}

/* In the child, when its time is up: a word from the row, then the end. */
static void time_up(int sig)
{
	(void)sig;
	signal(SIGALRM, SIG_DFL);
	alarm(5);
	row_fail("expected an end in time, saw none");
	if (row_on_timeout)
		row_on_timeout();
}

static void run_child(const struct test_row *row)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGALRM, time_up);
	alarm(row->seconds ? row->seconds : ROW_SECONDS);
	row->run(row->arg);
	_exit(0);
}

/*
 * Wait for the child. It ends itself by SIGALRM; where it can't even die, being stuck in the
 * kernel, waiting for it would hang the whole test.
 */
static bool wait_child(pid_t pid, unsigned int seconds, int *status)
{
	struct timespec pause = { .tv_nsec = 2000000 };
	time_t end = time(NULL) + seconds + 15;

	for (;;) {
		pid_t got = waitpid(pid, status, WNOHANG);

		if (got == pid)
			return true;
		if (time(NULL) > end) {
			kill(pid, SIGKILL);
			sleep(2);
			return waitpid(pid, status, WNOHANG) == pid;
		}
		nanosleep(&pause, NULL);
	}
}

static void show_text(void)
{
	char *line = report->text, *end;

	while ((end = strchr(line, '\n'))) {
		*end = 0;
		printf("#   %s\n", line);
		line = end + 1;
	}
}

/* Return: did the row pass (or was skipped)? */
static bool run_row(const struct test_row *row, unsigned int number, bool *stuck)
{
	unsigned int seconds = row->seconds ? row->seconds : ROW_SECONDS;
	bool ok;
	pid_t pid;
	int status;

	memset(report, 0, sizeof(*report));
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		printf("not ok %u - %s\n#   fork: %s\n", number, row->name, strerror(errno));
		return false;
	}
	if (!pid)
		run_child(row);
	if (!wait_child(pid, seconds, &status)) {
		printf("not ok %u - %s\n#   stuck in the kernel, can't be killed\n", number,
		       row->name);
		*stuck = true;
		return false;
	}
	ok = WIFEXITED(status) && !WEXITSTATUS(status) && report->verdict != FAILED;
	if (ok && report->verdict == SKIPPED) {
		printf("ok %u - %s # SKIP %s\n", number, row->name, report->reason);
		return true;
	}
	if (ok && !report->checks) {
		printf("not ok %u - %s\n#   no check was made\n", number, row->name);
		return false;
	}
	printf("%sok %u - %s (%u checks)\n", ok ? "" : "not ", number, row->name, report->checks);
	if (ok && !getenv("VERBOSE"))
		return true;
	show_text();
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		printf("#   expected an end within %u s, saw none\n", seconds);
	else if (WIFSIGNALED(status))
		printf("#   killed by signal %d (%s)\n", WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status))
		printf("#   exit status %d\n", WEXITSTATUS(status));
	return ok;
}

static bool chosen(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!fnmatch(argv[i], name, 0))
			return true;
	return argc <= 1;
}

bool stock_driver(void)
{
	const char *stock = getenv("RIG_STOCK");

	return stock && *stock;
}

int try_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), error;
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	error = errno;
	close(fd);
	errno = error;
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

void write_file(const char *path, const char *text)
{
	if (try_write_file(path, text))
		row_die("%s: expected to write '%s', saw %s", path, text, strerrorname_np(errno));
}

/*
 * Linux's own driver patches kernel text when the first VM comes and the last one goes, and QEMU's
 * translated code can trip over that (the host dies of int3). There, one VM stays all the time.
 */
static void hold_vm(void)
{
	int kvm;

	if (!stock_driver())
		return;
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm >= 0)
		ioctl(kvm, KVM_CREATE_VM, 0);
}

int rows_main(const struct test_row *rows, size_t count, int argc, char **argv)
{
	unsigned int number = 0, failed = 0;
	bool stuck = false;
	size_t i;

	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (report == MAP_FAILED) {
		printf("Bail out! mmap: %s\n", strerror(errno));
		return 1;
	}
	if (argc > 1 && !strcmp(argv[1], "-l")) {
		for (i = 0; i < count; i++)
			puts(rows[i].name);
		return 0;
	}
	hold_vm();
	for (i = 0; i < count && !stuck; i++)
		if (chosen(rows[i].name, argc, argv) && !run_row(&rows[i], ++number, &stuck))
			failed++;
	if (stuck)
		printf("Bail out! a row can't be killed\n");
	else
		printf("1..%u\n", number);
	return failed || !number;
}
