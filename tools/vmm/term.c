// SPDX-License-Identifier: GPL-2.0-only
/*
 * The terminal's mode. Raw while a guest has it, as it was on every way out: return from main,
 * exit(3), and the signals that kill. Signal handlers have no argument to find the settings by,
 * so they are file-scope: they belong to the process's terminal, not to a machine.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <termios.h>

#include "term.h"

static struct termios saved, raw;
static int term_fd = -1;
static volatile sig_atomic_t is_raw;

/* The kernel's own: raised by a fault of ours, never by a guest. */
static const int fatal_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS };

static void term_fatal(int sig)
{
	term_restore();
	/* SA_RESETHAND has put the default action back. */
	raise(sig);
}

static void term_catch_fatal(void)
{
	struct sigaction sa = { .sa_handler = term_fatal, .sa_flags = SA_RESETHAND | SA_NODEFER };
	struct sigaction old;
	size_t i;

	sigemptyset(&sa.sa_mask);
	for (i = 0; i < sizeof(fatal_signals) / sizeof(fatal_signals[0]); i++) {
		/* A sanitizer's handler says more than ours and stays. */
		if (!sigaction(fatal_signals[i], NULL, &old) && old.sa_handler == SIG_DFL)
			sigaction(fatal_signals[i], &sa, NULL);
	}
}

/**
 * term_raw() - Put the terminal into raw mode until term_restore().
 * @fd: the terminal; not a terminal is not an error, nothing happens then.
 *
 * Context: main thread, before any other starts.
 * Return: 0, or a negative errno.
 */
int term_raw(int fd)
{
	if (tcgetattr(fd, &saved))
		return errno == ENOTTY || errno == EINVAL ? 0 : -errno;
	raw = saved;
	cfmakeraw(&raw);
	/* Ctrl-C, Ctrl-Z and Ctrl-S are the guest's from now on. */
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	term_fd = fd;
	term_catch_fatal();
	if (atexit(term_restore))
		return -ENOMEM;
	if (tcsetattr(fd, TCSADRAIN, &raw))
		return -errno;
	is_raw = 1;
	return 0;
}

/**
 * term_restore() - Give the terminal its former settings back; harmless when it has them.
 *
 * Context: any, signal handlers too (tcsetattr is async-signal-safe).
 */
void term_restore(void)
{
	int err = errno;

	if (is_raw) {
		is_raw = 0;
		tcsetattr(term_fd, TCSANOW, &saved);
	}
	errno = err;
}

/**
 * term_suspend() - Stop the process, as Ctrl-Z would; term_resume() is due when it continues.
 *
 * Whoever started us finds the terminal as it was.
 */
void term_suspend(void)
{
	if (is_raw)
		tcsetattr(term_fd, TCSADRAIN, &saved);
	raise(SIGSTOP);
}

/**
 * term_resume() - Raw mode again after the process was stopped and continued.
 *
 * The shell may have changed the settings meanwhile.
 */
void term_resume(void)
{
	if (is_raw)
		tcsetattr(term_fd, TCSANOW, &raw);
}

/**
 * term_is_raw() - Whether output to the terminal needs its own carriage returns.
 */
bool term_is_raw(void)
{
	return is_raw;
}
