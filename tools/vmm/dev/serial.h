/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_DEV_SERIAL_H
#define VMM_DEV_SERIAL_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "../bus.h"
#include "../irq.h"

#define SERIAL_PORTS	8
#define SERIAL_FIFO	16

/* The other end of the cable. */
struct serial_backend {
	void (*write)(void *opaque, uint8_t byte);		/* may sleep, loses nothing */
	size_t (*read)(void *opaque, uint8_t *buf, size_t len);	/* what is there, perhaps 0 */
	void (*drain)(void *opaque);	/* call serial_drained() when what was written is out */
	void *opaque;
};

/* A 16550A. */
struct serial {
	struct device dev;
	struct serial_backend backend;
	pthread_mutex_t lock;	/* guards the rest */
	struct irq_line irq;
	uint8_t ier, fcr, lcr, mcr, scr, msr;
	uint8_t dll, dlm;
	uint8_t lsr_errors;	/* since LSR was read: overrun */
	bool thr_empty;		/* the transmitter's interrupt is pending */
	bool draining;		/* it becomes pending by serial_drained() only */
	unsigned int burst;	/* bytes written since it was last held back */
	unsigned int idle_reads;	/* of LSR in a row, by a guest that polls for input */
	unsigned int rx_head, rx_len;
	struct {
		uint8_t byte;
		uint8_t lsr;	/* break */
	} rx[SERIAL_FIFO];
};

void serial_init(struct serial *s, const struct serial_backend *backend, struct irq_line irq);
void serial_input(struct serial *s);
void serial_drained(struct serial *s);
void serial_break(struct serial *s);

#endif
