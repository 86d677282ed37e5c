/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_LOG_H
#define VMM_LOG_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

void log_set_verbose(bool on);
bool log_verbose(void);

/* One line each, prefixed with "vmm: ", without a newline in the format. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A line of a report that an error line has announced: no prefix. */
void log_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * A guest can cause some messages as often as it likes: at most LOG_BURST of them are printed
 * per second, and the next one tells how many were not.
 */
#define LOG_BURST 10

struct log_limit {
	pthread_mutex_t lock;
	int64_t window_ns;	/* when the current second began, CLOCK_MONOTONIC */
	unsigned int printed;
	uint64_t suppressed;
};

#define LOG_LIMIT_INIT { .lock = PTHREAD_MUTEX_INITIALIZER }

bool log_limit_ok(struct log_limit *limit, uint64_t *suppressed);

#endif
