/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marks: what a measured guest tells the plugin that counts. Each is a NOP with an address that
 * nobody uses, nopl DISP32(%rax).
 */
#ifndef TESTS_BENCH_MARK_H
#define TESTS_BENCH_MARK_H

#define MARK_OPCODE	0x0f, 0x1f, 0x80
#define MARK		0x6d61726b
#define MARK_BEGIN	(MARK + 0)	/* a batch begins */
#define MARK_END	(MARK + 1)	/* a batch ends */
#define MARK_ROW	(MARK + 2)	/* a row ends */

/* Batches in a row; the row's result is that of the median batch. */
#define BATCHES		33

#endif
