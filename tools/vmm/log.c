// SPDX-License-Identifier: GPL-2.0-only
/* Messages for the user, on stderr, a whole line per write(2). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "term.h"

/* A property of the process, as its stderr is; set once before any thread starts. */
static bool verbose;

/**
 * log_set_verbose() - Whether log_info() prints.
 * @on: true prints.
 */
void log_set_verbose(bool on)
{
	verbose = on;
}

/**
 * log_verbose() - Whether log_info() prints, for callers that would prepare much for it.
 */
bool log_verbose(void)
{
	return verbose;
}

static void log_line(const char *prefix, const char *fmt, va_list ap)
{
	char line[1024];
	/* Room is left for the line's end. */
	const size_t max = sizeof(line) - 2;
	size_t len;
	int n;

	n = snprintf(line, max, "%s", prefix);
	len = n < 0 ? 0 : (size_t)n;
	n = vsnprintf(line + len, max - len, fmt, ap);
	if (n > 0)
		len += (size_t)n < max - len ? (size_t)n : max - len - 1;
	/* A terminal in raw mode doesn't return the carriage by itself. */
	if (term_is_raw())
		line[len++] = '\r';
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0) {
		/* Nobody to tell. */
	}
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line("vmm: ", fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line("vmm: warning: ", fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	if (!verbose)
		return;
	va_start(ap, fmt);
	log_line("vmm: ", fmt, ap);
	va_end(ap);
}

void log_text(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line("", fmt, ap);
	va_end(ap);
}

/**
 * log_limit_ok() - Whether a message that the guest causes may be printed now.
 * @limit: this kind of message's limiter.
 * @suppressed: how many were held back since the last one printed; set when true is returned.
 *
 * Context: any thread.
 */
bool log_limit_ok(struct log_limit *limit, uint64_t *suppressed)
{
	struct timespec ts;
	int64_t now;
	bool ok;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;

	pthread_mutex_lock(&limit->lock);
	if (now - limit->window_ns >= 1000000000) {
		limit->window_ns = now;
		limit->printed = 0;
	}
	ok = limit->printed < LOG_BURST;
	if (ok) {
		limit->printed++;
		*suppressed = limit->suppressed;
		limit->suppressed = 0;
	} else {
		limit->suppressed++;
	}
	pthread_mutex_unlock(&limit->lock);
	return ok;
}
