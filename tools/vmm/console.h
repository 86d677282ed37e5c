/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"
#include "status.h"

#define CONSOLE_OUT_SIZE	65536	/* powers of two */
#define CONSOLE_IN_SIZE		4096

/* What the console tells whoever made it; all called by the main thread. */
struct console_ops {
	void (*input)(void *opaque);			/* console_read() has something */
	void (*drained)(void *opaque);			/* after console_drain() */
	void (*sendbreak)(void *opaque);		/* Ctrl-a b */
	void (*quit)(void *opaque);			/* Ctrl-a x */
	void (*power)(void *opaque);			/* Ctrl-a p */
	void (*info)(void *opaque);			/* Ctrl-a i */
	void (*output_failed)(void *opaque, int err);	/* nobody reads the output any more */
};

/* Between a serial port and our stdin and stdout: two rings. */
struct console {
	const struct console_ops *ops;
	void *opaque;
	struct loop *loop;

	int in_fd;
	int out_fd;
	bool in_tty;
	bool escape;		/* a Ctrl-a was typed [main thread] */
	bool in_end;		/* no more input will come [main thread] */
	bool out_failed;	/* [main thread] */
	struct loop_source in_src;
	struct loop_source out_src;	/* room in a pipe that was full */
	struct loop_source flush_src;	/* timer: output is waiting */
	struct loop_source resume_src;	/* eventfd: room in the input ring */

	pthread_mutex_t lock;	/* guards the rest */
	pthread_cond_t room;	/* in the output ring */
	bool stopping;		/* no longer wait for room */
	bool in_paused;
	bool drain_wanted;
	int64_t last_flush;	/* ns, CLOCK_MONOTONIC */
	unsigned int out_head, out_tail, in_head, in_tail;	/* free running */
	uint8_t out[CONSOLE_OUT_SIZE];
	uint8_t in[CONSOLE_IN_SIZE];
};

enum status console_init(struct console *con, struct loop *loop, const struct console_ops *ops,
			 void *opaque);
void console_write(struct console *con, uint8_t byte);
void console_drain(struct console *con);
size_t console_read(struct console *con, uint8_t *buf, size_t len);
void console_stop(struct console *con);
void console_destroy(struct console *con);

#endif
