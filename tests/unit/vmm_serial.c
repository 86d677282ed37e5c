// SPDX-License-Identifier: GPL-2.0-only
/* vmm's 16550: what drivers rely on. */
#include <string.h>

#include "dev/serial.h"
#include "tap.h"

#define DATA	0
#define IER	1
#define IIR	2
#define FCR	2
#define LCR	3
#define MCR	4
#define LSR	5
#define MSR	6
#define SCR	7

static struct {
	uint8_t out[4096];
	size_t out_len;
	uint8_t in[256];
	size_t in_len, in_pos;
	unsigned int gsi, edges, drains;
	bool level;
} host;

static void host_write(void *opaque, uint8_t byte)
{
	(void)opaque;
	if (host.out_len < sizeof(host.out))
		host.out[host.out_len++] = byte;
}

static size_t host_read(void *opaque, uint8_t *buf, size_t len)
{
	size_t n = host.in_len - host.in_pos;

	(void)opaque;
	n = n < len ? n : len;
	memcpy(buf, host.in + host.in_pos, n);
	host.in_pos += n;
	return n;
}

static void host_drain(void *opaque)
{
	(void)opaque;
	host.drains++;
}

static void host_irq(void *opaque, unsigned int gsi, bool level)
{
	(void)opaque;
	host.gsi = gsi;
	if (level && !host.level)
		host.edges++;
	host.level = level;
}

static struct serial s;

static void start(void)
{
	const struct serial_backend backend = { host_write, host_read, host_drain, NULL };
	const struct irq_line irq = { .set = host_irq, .gsi = 4 };

	memset(&host, 0, sizeof(host));
	serial_init(&s, &backend, irq);
}

static unsigned int in(unsigned int reg)
{
	return s.dev.ops->read(&s.dev, 0, reg, 1);
}

static void out(unsigned int reg, unsigned int v)
{
	s.dev.ops->write(&s.dev, 0, reg, v, 1);
}

static void type(const char *text)
{
	host.in_len = strlen(text);
	host.in_pos = 0;
	memcpy(host.in, text, host.in_len);
	serial_input(&s);
}

/* As a driver that starts up: FIFO on, receive interrupt on, OUT2. */
static void open_port(unsigned int ier)
{
	out(FCR, 0x07);
	out(MCR, 0x0b);
	out(IER, ier);
}

static void test_reset(void)
{
	start();
	tap_eq(in(LSR), 0x60, "after reset the transmitter is empty, nothing received");
	tap_eq(in(IIR), 0x01, "no interrupt, no FIFO");
	tap_eq(in(MSR), 0xb0, "the cable is connected");
	tap_eq(in(IER), 0, "no interrupt enabled");
	out(SCR, 0x5a);
	tap_eq(in(SCR), 0x5a, "scratch register");
	out(IER, 0xff);
	tap_eq(in(IER), 0x0f, "four bits of IER exist: a 16550A, nothing newer");
	out(IER, 0);
	out(FCR, 0x01);
	tap_eq(in(IIR) & 0xc0, 0xc0, "FIFO enabled: both bits");
	out(FCR, 0x21);
	tap_eq(in(IIR) & 0x20, 0, "no 64-byte FIFO of a 16750");
	out(FCR, 0x00);
	tap_eq(in(IIR) & 0xc0, 0, "FIFO disabled");
	out(LCR, 0x83);
	out(DATA, 0x34);
	out(IER, 0x12);
	tap_eq(in(DATA) << 8 | in(IER), 0x3412, "the divisor behind DLAB");
	out(LCR, 0x03);
	tap_eq(in(IER), 0, "and not IER");
	tap_eq(host.out_len, 0, "and no output");
	out(MCR, 0xff);
	tap_eq(in(MCR), 0x1f, "five bits of MCR");
	tap_eq(host.gsi, 0, "no interrupt all the while");
}

static void test_transmit(void)
{
	unsigned int i;

	start();
	out(DATA, 'a');
	tap_ok(host.out_len == 1 && host.out[0] == 'a', "a byte goes out");
	tap_eq(in(LSR), 0x60, "the transmitter is empty at once");
	tap_eq(host.edges, 0, "no interrupt unless asked for");

	open_port(0x02);
	tap_eq(host.edges, 1, "enabling the transmit interrupt raises it");
	tap_eq(host.gsi, 4, "on its line");
	tap_eq(in(IIR), 0xc2, "IIR tells it");
	tap_ok(!host.level, "reading IIR acknowledges it");
	tap_eq(in(IIR), 0xc1, "once");
	for (i = 0; i < 16; i++)
		out(DATA, 'b');
	tap_eq(host.edges, 2, "16 bytes raise it once");
	tap_eq(in(IIR), 0xc2, "IIR again");
	out(IER, 0);
	out(IER, 0x02);
	tap_eq(in(IIR), 0xc2, "off and on raises it again: drivers test for that");
	out(DATA, 'c');
	tap_ok(host.level, "a byte raises it");
	out(IER, 0);
	tap_ok(!host.level, "disabling lowers it");
	tap_eq(host.out_len, 18, "all went out");
	out(IER, 0x02);
	out(MCR, 0x03);
	tap_ok(!host.level, "without OUT2 the line is cut");
	out(MCR, 0x0b);
	tap_ok(host.level, "with OUT2 it is back");
}

/* As a driver's interrupt handler with a buffer that somebody fills as fast as it empties. */
static unsigned int handle_interrupt(void)
{
	unsigned int n = 0, i;

	while (n < 4096 && in(IIR) == 0xc2)
		for (i = 0; i < 16; i++, n++)
			out(DATA, n);
	return n;
}

static void test_burst(void)
{
	unsigned int n;

	start();
	open_port(0x02);
	n = handle_interrupt();
	tap_ok(n >= 128 && n <= 1024, "a driver leaves its handler: saw %u bytes", n);
	tap_ok(!host.level, "there is no interrupt");
	tap_eq(host.drains, 1, "the backend is asked to write them out, once");
	tap_eq(in(LSR) & 0x60, 0x60, "a guest that polls could go on");
	out(DATA, 'x');
	tap_ok(!host.level && host.out_len == n + 1, "a byte more goes out, without an interrupt");
	serial_drained(&s);
	tap_ok(host.level, "when it is done the interrupt comes");
	tap_eq(handle_interrupt(), n, "and the next burst");
	out(IER, 0);
	out(IER, 2);
	tap_ok(host.level, "a driver that starts anew has its interrupt at once");
	in(IIR);
	serial_drained(&s);
	tap_ok(!host.level, "and no second one when the old burst is out");
}

static void test_receive(void)
{
	unsigned int i;
	bool same = true;

	start();
	type("0123456789abcdefghijklmnop");
	tap_eq(host.in_pos, 0, "input waits while nobody listens");
	tap_eq(in(LSR) & 1, 0, "no data");
	open_port(0x01);
	tap_eq(host.in_pos, 16, "the driver's FIFO takes 16");
	tap_ok(host.level, "the line is high");
	tap_eq(in(IIR), 0xc4, "received data");
	for (i = 0; i < 26; i++) {
		same &= in(LSR) == 0x61;
		same &= in(DATA) == (unsigned char)"0123456789abcdefghijklmnop"[i];
	}
	tap_ok(same, "all 26 arrive in order, the FIFO is filled again");
	tap_eq(in(LSR), 0x60, "then none, and no overrun");
	tap_ok(!host.level, "the line is low");
	tap_eq(in(DATA), 0, "reading an empty FIFO gives 0");

	out(FCR, 0x81);
	type("x");
	tap_eq(in(IIR), 0xcc, "below the trigger of 8 it is a time-out");
	type("1234567");
	tap_eq(in(IIR), 0xc4, "at the trigger it is data");
	out(FCR, 0x83);
	tap_eq(in(LSR) & 1, 0, "clearing the FIFO empties it");
	tap_ok(!host.level, "and lowers the line");
}

static void test_polling(void)
{
	unsigned int i, seen = 0, needed = 0;

	start();
	type("ok");
	for (i = 0; i < 1000 && seen < 2; i++) {
		if (!(in(LSR) & 1))
			continue;
		seen++;
		needed = i;
		tap_eq(in(DATA), (unsigned char)"ok"[seen - 1],
		       "a guest that polls gets its input");
	}
	tap_ok(seen == 2 && needed < 100, "soon: saw %u bytes in %u polls", seen, needed);

	/* Writing with waits in between is not polling for input. */
	start();
	type("typed ahead");
	for (i = 0; i < 100; i++) {
		in(LSR);
		in(LSR);
		out(DATA, '.');
	}
	tap_eq(host.in_pos, 0, "a guest that only prints takes no input");
}

static void test_break(void)
{
	start();
	open_port(0x05);
	serial_break(&s);
	tap_eq(in(IIR), 0xc6, "a break is a line status interrupt");
	tap_eq(in(LSR), 0x60 | 0x10 | 0x80 | 0x01, "LSR tells of it");
	tap_eq(in(LSR), 0x61, "once");
	tap_eq(in(DATA), 0, "its byte is 0");
	tap_ok(!host.level, "then the line is low");
}

static void test_loopback(void)
{
	unsigned int i;

	start();
	out(FCR, 0x07);
	out(IER, 0x0f);
	in(MSR);
	out(MCR, 0x1a);
	tap_eq(in(MSR) & 0xf0, 0x90, "loopback: RTS and OUT2 show as CTS and DCD");
	for (i = 0; i < 17; i++)
		out(DATA, i);
	tap_eq(host.out_len, 0, "nothing leaves");
	tap_eq(in(LSR) & 0x03, 0x03, "17 bytes overrun the FIFO");
	for (i = 0; i < 16; i++)
		if (in(DATA) != i)
			break;
	tap_eq(i, 16, "the first 16 are there");
	tap_eq(host.edges, 0, "no interrupt leaves");
}

static void test_modem(void)
{
	start();
	open_port(0x08);
	tap_eq(in(IIR), 0xc1, "no modem change");
	out(MCR, 0x1f);
	out(MCR, 0x0b);
	tap_eq(in(IIR), 0xc0, "lines that came and went are a modem interrupt");
	tap_eq(in(MSR), 0xb4, "RI fell; the others are as they were");
	tap_eq(in(IIR), 0xc1, "reading MSR acknowledges");
}

int main(void)
{
	test_reset();
	test_transmit();
	test_burst();
	test_receive();
	test_polling();
	test_break();
	test_loopback();
	test_modem();
	return tap_done();
}
