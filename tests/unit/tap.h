/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TAP output for unit tests. Each check prints one "ok" or "not ok" line; a failing one says with
 * printf arguments what was expected and what was seen. main() ends with return tap_done().
 */
#ifndef _UNIT_TAP_H
#define _UNIT_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static unsigned int tap_nr, tap_failed;

/**
 * tap_ok - report one check
 * @ok: did it pass?
 * @fmt: what it was, and when it failed also what was expected and seen
 *
 * Return: @ok.
 */
__attribute__((format(printf, 2, 3), unused))
static bool tap_ok(bool ok, const char *fmt, ...)
{
	va_list ap;

	if (!ok)
		tap_failed++;
	printf("%sok %u - ", ok ? "" : "not ", ++tap_nr);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	return ok;
}

/* Check that two integers are equal; prints both if not. */
#define tap_eq(got, want, what)								\
({											\
	unsigned long long _got = (got), _want = (want);				\
											\
	_got == _want ? tap_ok(true, "%s", what) :					\
		tap_ok(false, "%s: expected 0x%llx, saw 0x%llx (%s:%d)", what, _want,	\
		       _got, __FILE__, __LINE__);					\
})

__attribute__((format(printf, 1, 2), unused))
static void tap_diag(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

__attribute__((format(printf, 1, 2), unused))
static void tap_skip(const char *fmt, ...)
{
	va_list ap;

	printf("ok %u # SKIP ", ++tap_nr);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* Print the plan. Return: main()'s exit status. */
__attribute__((unused))
static int tap_done(void)
{
	printf("1..%u\n", tap_nr);
	return tap_failed || !tap_nr;
}

#endif
