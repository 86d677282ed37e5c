/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests as rows: each row is a function that runs in a process of its own, with a bound on its
 * time, and becomes one line of TAP. Checks inside a row say what was expected and what was seen;
 * one that fails makes the row fail and lets it go on.
 */
#ifndef TESTS_LIB_ROW_H
#define TESTS_LIB_ROW_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct test_row {
	const char *name;
	void (*run)(const void *arg);
	const void *arg;	/* given to run, for rows that share a function */
	unsigned int seconds;	/* bound on the row's time; 0: ROW_SECONDS */
};

/* Emulated hosts are slow, and several of them may share the machine. */
#define ROW_SECONDS 120

/**
 * rows_main() - run rows and print TAP
 * @rows: the rows
 * @count: how many
 * @argc: main()'s
 * @argv: main()'s; arguments are shell patterns that choose rows by name, -l lists them
 *
 * Return: main()'s exit status: 0 when no row failed.
 */
int rows_main(const struct test_row *rows, size_t count, int argc, char **argv);

/**
 * row_log() - a line of diagnosis, shown under the row when it fails
 * @fmt: as printf's
 *
 * May be called by any thread of a row.
 */
void row_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/**
 * row_fail() - the row failed; it goes on
 * @fmt: what was expected and what was seen, as printf's
 */
void row_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/**
 * row_skip() - end the row here: what it needs isn't there
 * @fmt: the reason, as printf's
 */
void row_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/**
 * row_die() - end the row here: it failed, and there is nothing more to see
 * @fmt: what was expected and what was seen, as printf's
 */
void row_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Is the driver Linux's own? */
bool stock_driver(void);

/* A line of text to one of the kernel's files. Return: 0 or -1, errno set. */
int try_write_file(const char *path, const char *text);

/* The same; ends the row where it fails. */
void write_file(const char *path, const char *text);

/* Has a check of this row failed? */
bool row_failed(void);

/* Counted checks: how many passed is shown in the row's line. */
bool row_check(bool ok, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Add checks that were made elsewhere (by a guest). */
void row_count(unsigned int checks);

/* Called instead of the default action when the row's time is up; must return soon. */
extern void (*row_on_timeout)(void);

/* Two integers are equal. */
#define expect_eq(what, seen, want)							\
({											\
	unsigned long long seen_ = (seen), want_ = (want);				\
											\
	row_check(seen_ == want_, "%s:%d: %s: expected 0x%llx, saw 0x%llx",		\
		  __FILE_NAME__, __LINE__, what, want_, seen_);				\
})

/* A condition holds; what it says names both sides. */
#define expect_true(cond, fmt, ...)							\
	row_check(cond, "%s:%d: " fmt, __FILE_NAME__, __LINE__, ##__VA_ARGS__)

/* Two stretches of memory are equal. */
#define expect_mem(what, seen, want, bytes)						\
	row_check_mem(__FILE_NAME__, __LINE__, what, seen, want, bytes)
bool row_check_mem(const char *file, int line, const char *what, const void *seen,
		   const void *want, size_t bytes);

/*
 * A system call's result: errno @want, or success where @want is 0. Yields the result, so that a
 * successful call's value can be used.
 */
#define expect_errno(what, call, want)							\
({											\
	errno = 0;									\
	long ret_ = (call);								\
	row_check_errno(__FILE_NAME__, __LINE__, what, ret_, errno, want);		\
	ret_;										\
})
#define expect_ok(what, call) expect_errno(what, call, 0)
bool row_check_errno(const char *file, int line, const char *what, long ret, int err, int want);

#endif
