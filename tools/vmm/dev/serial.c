// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 16550A UART (National Semiconductor's PC16550D data sheet).
 *
 * The transmitter is infinitely fast: THR is empty again as soon as it was written, so a guest
 * that polls never waits. A backend that has no room makes the vCPU wait inside the write, so
 * nothing is lost. The transmitter's interrupt comes as fast, but after SERIAL_BURST bytes it
 * waits until the backend has written them out: a driver stays in its interrupt handler as long
 * as there is an interrupt, and would not leave it while a process fills its buffer.
 *
 * The receiver takes bytes from the backend only when the guest is listening, that is with the
 * receive interrupt enabled or polling LSR. Input that waits before a driver is loaded is then
 * not lost to the driver's clearing of the FIFO.
 */
#include "serial.h"

enum serial_reg {
	REG_DATA = 0,	/* RBR, THR; DLL with DLAB */
	REG_IER = 1,	/* DLM with DLAB */
	REG_IIR = 2,	/* FCR when written */
	REG_LCR = 3,
	REG_MCR = 4,
	REG_LSR = 5,
	REG_MSR = 6,
	REG_SCR = 7,
};

#define IER_RX		0x01
#define IER_THR		0x02
#define IER_LINE	0x04
#define IER_MODEM	0x08
#define IER_BITS	0x0f

#define IIR_NONE	0x01
#define IIR_MODEM	0x00
#define IIR_THR		0x02
#define IIR_RX		0x04
#define IIR_LINE	0x06
#define IIR_TIMEOUT	0x0c
#define IIR_FIFO	0xc0

#define FCR_ENABLE	0x01
#define FCR_CLEAR_RX	0x02
#define FCR_CLEAR_TX	0x04
#define FCR_KEPT	0xc9	/* trigger, DMA mode, enable */

#define LCR_DLAB	0x80

#define MCR_DTR		0x01
#define MCR_RTS		0x02
#define MCR_OUT1	0x04
#define MCR_OUT2	0x08
#define MCR_LOOP	0x10
#define MCR_BITS	0x1f

#define LSR_DATA	0x01
#define LSR_OVERRUN	0x02
#define LSR_BREAK	0x10
#define LSR_THR_EMPTY	0x20
#define LSR_TX_EMPTY	0x40
#define LSR_FIFO_ERROR	0x80

#define MSR_CTS		0x10
#define MSR_DSR		0x20
#define MSR_RI		0x40
#define MSR_DCD		0x80
#define MSR_DELTA	0x0f
#define MSR_DELTA_RI	0x04	/* on RI's falling edge only */

/*
 * A driver that waits for the transmitter reads LSR once or twice between other accesses. One
 * that reads nothing else that often waits for input.
 */
#define SERIAL_POLL_READS 32
#define SERIAL_BURST 256

static unsigned int serial_fifo_size(const struct serial *s)
{
	return s->fcr & FCR_ENABLE ? SERIAL_FIFO : 1;
}

static unsigned int serial_trigger(const struct serial *s)
{
	static const uint8_t level[] = { 1, 4, 8, 14 };

	return s->fcr & FCR_ENABLE ? level[s->fcr >> 6] : 1;
}

static uint8_t serial_msr_lines(const struct serial *s)
{
	uint8_t lines = 0;

	/* A cable with everything connected, unless the outputs are looped back. */
	if (!(s->mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	if (s->mcr & MCR_RTS)
		lines |= MSR_CTS;
	if (s->mcr & MCR_DTR)
		lines |= MSR_DSR;
	if (s->mcr & MCR_OUT1)
		lines |= MSR_RI;
	if (s->mcr & MCR_OUT2)
		lines |= MSR_DCD;
	return lines;
}

/* Each delta bit is four below its line. */
static void serial_update_msr(struct serial *s)
{
	uint8_t lines = serial_msr_lines(s), old = s->msr & ~MSR_DELTA;
	uint8_t delta = (lines ^ old) >> 4;

	if (lines & MSR_RI)
		delta &= ~MSR_DELTA_RI;
	s->msr = lines | (s->msr & MSR_DELTA) | delta;
}

static uint8_t serial_rx_errors(const struct serial *s)
{
	return s->lsr_errors | (s->rx_len ? s->rx[s->rx_head].lsr : 0);
}

/* The interrupt of highest priority, data sheet table V. */
static uint8_t serial_pending(const struct serial *s)
{
	if (s->ier & IER_LINE && serial_rx_errors(s))
		return IIR_LINE;
	if (s->ier & IER_RX && s->rx_len)
		return s->rx_len >= serial_trigger(s) ? IIR_RX : IIR_TIMEOUT;
	if (s->ier & IER_THR && s->thr_empty)
		return IIR_THR;
	if (s->ier & IER_MODEM && s->msr & MSR_DELTA)
		return IIR_MODEM;
	return IIR_NONE;
}

/* On a PC, OUT2 connects the interrupt to the controller. */
static void serial_update_irq(struct serial *s)
{
	bool out = s->mcr & MCR_OUT2 && !(s->mcr & MCR_LOOP);

	irq_line_set(&s->irq, out && serial_pending(s) != IIR_NONE);
}

static void serial_rx_put(struct serial *s, uint8_t byte, uint8_t lsr)
{
	unsigned int pos;

	if (s->rx_len >= serial_fifo_size(s)) {
		s->lsr_errors |= LSR_OVERRUN;
		return;
	}
	pos = (s->rx_head + s->rx_len++) % SERIAL_FIFO;
	s->rx[pos].byte = byte;
	s->rx[pos].lsr = lsr;
}

static void serial_rx_fill(struct serial *s)
{
	uint8_t buf[SERIAL_FIFO];
	size_t i, n, room = serial_fifo_size(s);

	if (s->mcr & MCR_LOOP || s->rx_len >= room)
		return;
	if (!(s->ier & IER_RX) && s->idle_reads < SERIAL_POLL_READS)
		return;
	n = s->backend.read(s->backend.opaque, buf, room - s->rx_len);
	for (i = 0; i < n; i++)
		serial_rx_put(s, buf[i], 0);
}

static uint8_t serial_read_data(struct serial *s)
{
	uint8_t byte = 0;

	if (s->rx_len) {
		byte = s->rx[s->rx_head].byte;
		s->rx_head = (s->rx_head + 1) % SERIAL_FIFO;
		s->rx_len--;
	}
	if (!s->rx_len)
		serial_rx_fill(s);
	return byte;
}

static uint8_t serial_read_iir(struct serial *s)
{
	uint8_t iir = serial_pending(s);

	/* Reading it acknowledges the transmitter's interrupt, if that is what it tells. */
	if (iir == IIR_THR)
		s->thr_empty = false;
	return iir | (s->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static uint8_t serial_read_lsr(struct serial *s)
{
	uint8_t lsr = LSR_THR_EMPTY | LSR_TX_EMPTY | serial_rx_errors(s);
	unsigned int i;

	if (!s->rx_len) {
		s->idle_reads++;
		serial_rx_fill(s);
	}
	if (s->rx_len)
		lsr |= LSR_DATA;
	if (s->fcr & FCR_ENABLE) {
		for (i = 0; i < s->rx_len; i++)
			if (s->rx[(s->rx_head + i) % SERIAL_FIFO].lsr)
				lsr |= LSR_FIFO_ERROR;
	}
	s->lsr_errors = 0;
	if (s->rx_len)
		s->rx[s->rx_head].lsr = 0;
	return lsr;
}

static uint64_t serial_read(struct device *dev, unsigned int region, uint64_t offset,
			    unsigned int size)
{
	struct serial *s = dev->opaque;
	bool dlab;
	uint8_t v = 0;

	(void)region;
	(void)size;
	pthread_mutex_lock(&s->lock);
	dlab = s->lcr & LCR_DLAB;
	if (offset != REG_LSR && offset != REG_DATA)
		s->idle_reads = 0;
	switch ((enum serial_reg)offset) {
	case REG_DATA:
		v = dlab ? s->dll : serial_read_data(s);
		break;
	case REG_IER:
		v = dlab ? s->dlm : s->ier;
		break;
	case REG_IIR:
		v = serial_read_iir(s);
		break;
	case REG_LCR:
		v = s->lcr;
		break;
	case REG_MCR:
		v = s->mcr;
		break;
	case REG_LSR:
		v = serial_read_lsr(s);
		break;
	case REG_MSR:
		v = s->msr;
		s->msr &= ~MSR_DELTA;
		break;
	case REG_SCR:
		v = s->scr;
		break;
	}
	serial_update_irq(s);
	pthread_mutex_unlock(&s->lock);
	return v;
}

static void serial_write_data(struct serial *s, uint8_t v)
{
	if (s->mcr & MCR_LOOP) {
		s->thr_empty = true;
		serial_rx_put(s, v, 0);
		return;
	}
	if (s->ier & IER_THR)
		s->burst++;
	if (s->burst < SERIAL_BURST) {
		s->thr_empty = true;
	} else if (!s->draining) {
		s->thr_empty = false;
		s->draining = true;
		s->backend.drain(s->backend.opaque);
	}
	/*
	 * The backend may make us wait for room. Input and other vCPUs' accesses must not wait
	 * with us; this vCPU's own bytes stay in order all the same.
	 */
	pthread_mutex_unlock(&s->lock);
	s->backend.write(s->backend.opaque, v);
	pthread_mutex_lock(&s->lock);
}

static void serial_write_ier(struct serial *s, uint8_t v)
{
	/* Enabling the interrupt while THR is empty raises it. */
	if (v & ~s->ier & IER_THR) {
		s->thr_empty = true;
		s->draining = false;
		s->burst = 0;
	}
	s->ier = v & IER_BITS;
	serial_rx_fill(s);
}

static void serial_write_fcr(struct serial *s, uint8_t v)
{
	/* Switching FIFOs on or off clears them. */
	if ((v ^ s->fcr) & FCR_ENABLE || (v & FCR_ENABLE && v & FCR_CLEAR_RX))
		s->rx_len = 0;
	s->fcr = v & FCR_ENABLE ? v & FCR_KEPT : 0;
}

static void serial_write(struct device *dev, unsigned int region, uint64_t offset, uint64_t value,
			 unsigned int size)
{
	struct serial *s = dev->opaque;
	uint8_t v = value;
	bool dlab;

	(void)region;
	(void)size;
	pthread_mutex_lock(&s->lock);
	dlab = s->lcr & LCR_DLAB;
	s->idle_reads = 0;
	switch ((enum serial_reg)offset) {
	case REG_DATA:
		if (dlab)
			s->dll = v;
		else
			serial_write_data(s, v);
		break;
	case REG_IER:
		if (dlab)
			s->dlm = v;
		else
			serial_write_ier(s, v);
		break;
	case REG_IIR:
		serial_write_fcr(s, v);
		break;
	case REG_LCR:
		s->lcr = v;
		break;
	case REG_MCR:
		s->mcr = v & MCR_BITS;
		serial_update_msr(s);
		serial_rx_fill(s);
		break;
	case REG_LSR:
	case REG_MSR:
		break;	/* read-only */
	case REG_SCR:
		s->scr = v;
		break;
	}
	serial_update_irq(s);
	pthread_mutex_unlock(&s->lock);
}

static const struct device_ops serial_ops = {
	.name = "serial",
	.read = serial_read,
	.write = serial_write,
};

/**
 * serial_init() - Set up a serial port in its reset state.
 * @s: filled in.
 * @backend: the other end.
 * @irq: its interrupt line.
 */
void serial_init(struct serial *s, const struct serial_backend *backend, struct irq_line irq)
{
	*s = (struct serial){
		.dev = { .ops = &serial_ops, .opaque = s },
		.backend = *backend,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.irq = irq,
		.dll = 1,	/* 115200 baud */
		.thr_empty = true,
	};
	s->msr = serial_msr_lines(s);
}

/**
 * serial_input() - The backend has input.
 * @s: the port.
 *
 * Context: any thread.
 */
void serial_input(struct serial *s)
{
	pthread_mutex_lock(&s->lock);
	serial_rx_fill(s);
	serial_update_irq(s);
	pthread_mutex_unlock(&s->lock);
}

/**
 * serial_drained() - The backend has written out what it was given.
 * @s: the port.
 *
 * Context: any thread, after the backend was asked to drain; once too often does no harm.
 */
void serial_drained(struct serial *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->draining) {
		s->draining = false;
		s->burst = 0;
		s->thr_empty = true;
		serial_update_irq(s);
	}
	pthread_mutex_unlock(&s->lock);
}

/**
 * serial_break() - The other end sends a break.
 * @s: the port.
 *
 * Context: any thread.
 */
void serial_break(struct serial *s)
{
	pthread_mutex_lock(&s->lock);
	serial_rx_put(s, 0, LSR_BREAK);
	serial_update_irq(s);
	pthread_mutex_unlock(&s->lock);
}
