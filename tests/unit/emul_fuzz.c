// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random bytes as an instruction and as all that it can see: state, memory, and what each access
 * answers. The emulator must end, keep its promises, and stay inside of what it was given.
 *
 *	emul_fuzz [how many [seed]]	random inputs
 *	emul_fuzz - < file		one input, to look at a failure again
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "emul_world.h"
#include "tap.h"

#define INPUT_SIZE	512
#define MEM_SIZE	0x3000
#define MEM_BASE	0x10000u
/* No instruction makes more accesses at a time: 256 iterations of a few each. */
#define MAX_OPS		4096

static struct world w;
static struct emul_ops real;
static unsigned int executed;

/* The input; when it is used up it starts again, changed. */
static struct {
	const u8 *data;
	size_t size, pos;
	u8 twist;
} in;

static u8 take(void)
{
	if (in.pos >= in.size) {
		in.pos = 0;
		in.twist = in.twist * 5 + 1;
	}
	return in.data[in.pos++] ^ in.twist;
}

static u64 take_n(unsigned int n)
{
	u64 val = 0;

	while (n--)
		val = val << 8 | take();
	return val;
}

/* A register: often an address in memory. */
static u64 take_reg(void)
{
	u8 kind = take();

	if (kind < 128)
		return MEM_BASE + take_n(2) % MEM_SIZE;
	return kind < 192 ? take() : take_n(8);
}

/* Does this access go wrong? Return: EMUL_OK if not. */
static enum emul_result upset(struct emul_exception *exc)
{
	u8 dice = take();

	if (++w.nr_ops > MAX_OPS) {
		fprintf(stderr, "more than %u accesses\n", MAX_OPS);
		abort();
	}
	if (dice == 0)
		return EMUL_UNHANDLEABLE;
	if (dice == 1 && exc) {
		*exc = (struct emul_exception) { .vector = take() & 31, .address = take_n(8) };
		return EMUL_EXCEPTION;
	}
	return dice < 8 ? EMUL_IO : EMUL_OK;
}

static void check_size(unsigned int n)
{
	if (n != 1 && n != 2 && n != 4 && n != 8 && n != 16 && n != 32) {
		fprintf(stderr, "access of %u bytes\n", n);
		abort();
	}
}

static bool probed;

static enum emul_result fuzz_read(void *o, u64 addr, void *buf, unsigned int n, unsigned int acc,
				  struct emul_exception *exc)
{
	enum emul_result res = upset(exc);

	if (!probed)
		check_size(n);
	return res == EMUL_OK ? real.read(o, addr, buf, n, acc, exc) : res;
}

static enum emul_result fuzz_write(void *o, u64 addr, const void *buf, unsigned int n,
				   unsigned int acc, struct emul_exception *exc)
{
	enum emul_result res = upset(exc);

	if (!probed)
		check_size(n);
	return res == EMUL_OK ? real.write(o, addr, buf, n, acc, exc) : res;
}

static enum emul_result fuzz_cmpxchg(void *o, u64 addr, const void *old, const void *new,
				     unsigned int n, struct emul_exception *exc)
{
	enum emul_result res = upset(exc);

	check_size(n);
	if (take() == 0)
		return EMUL_RESTART;
	return res == EMUL_OK ? real.cmpxchg(o, addr, old, new, n, exc) : res;
}

static enum emul_result fuzz_probe(void *o, u64 addr, unsigned int n, unsigned int acc)
{
	enum emul_result res = real.probe(o, addr, n, acc);

	probed |= res == EMUL_OK;
	return res;
}

static void fuzz_commit(void *o)
{
	w.commits++;
}

static enum emul_result fuzz_pio_in(void *o, u16 port, unsigned int size, void *buf,
				    unsigned int count, struct emul_exception *exc)
{
	if (!count || size * count > EMUL_PIO_MAX || (size != 1 && size != 2 && size != 4))
		abort();
	memset(buf, take(), size * count);
	return upset(exc);
}

static enum emul_result fuzz_pio_out(void *o, u16 port, unsigned int size, const void *buf,
				     unsigned int count, struct emul_exception *exc)
{
	static u8 sink[EMUL_PIO_MAX];

	if (!count || size * count > EMUL_PIO_MAX || (size != 1 && size != 2 && size != 4))
		abort();
	memcpy(sink, buf, size * count);
	return upset(exc);
}

static void fuzz_segment(unsigned int nr)
{
	struct emul_segment *s = &w.seg[nr];
	u8 kind = take();

	if (kind < 128)
		return;		/* as world_init() made it */
	s->base = kind < 192 ? take_n(2) : take_n(8);
	s->limit = take_n(4);
	s->selector = take_n(2);
	s->type = take() & 15;
	s->s = take() & 1;
	s->dpl = take() & 3;
	s->present = take() & 1;
	s->l = take() & 1;
	s->db = take() & 1;
	s->unusable = take() & 1;
}

static void fuzz_state(u8 *code, u8 *mem)
{
	unsigned int i;

	world_init(&w, take() % 5);
	real = w.ops;
	w.ops.read = fuzz_read;
	w.ops.write = fuzz_write;
	w.ops.cmpxchg = fuzz_cmpxchg;
	w.ops.probe = fuzz_probe;
	w.ops.commit = fuzz_commit;
	w.ops.pio_in = fuzz_pio_in;
	w.ops.pio_out = fuzz_pio_out;
	if (take() < 16)	/* a world that can do little */
		memset((char *)&w.ops + sizeof(void *) * (3 + take() % 5), 0, 3 * sizeof(void *));
	w.ops.get_segment = real.get_segment;
	w.ops.get_cr = real.get_cr;
	w.c.vendor = take() & 1;
	if (take() < 64)
		w.c.cpl = take() & 3;
	w.c.lma |= take() & 1;
	w.c.va_bits = take() & 1 ? 48 : 57;
	w.c.rflags ^= take_n(4) & 0x27ffd5;
	if (take() < 64)
		w.cr[0] = take_n(4);
	if (take() < 64)
		w.cr[4] = take_n(4);
	for (i = 0; i < 16; i++)
		w.c.gpr[i] = take_reg();
	for (i = EMUL_SEG_ES; i <= EMUL_SEG_TR; i++)
		if (i != EMUL_SEG_CS)
			fuzz_segment(i);
	w.table_base[EMUL_GDT] = MEM_BASE;
	w.table_limit[EMUL_GDT] = take();
	for (i = 0; i < MEM_SIZE; i += 1 + take() % 32)
		mem[i] = take();
	world_map(&w, MEM_BASE, MEM_SIZE, mem, true);
	/* The code has exactly its bytes: fetching more is a page fault, reading more ASan's. */
	w.c.rip = take() < 200 ? 0x4ff1 : 0x4fff - take() % 15;
	i = 0x5000 - w.c.rip;
	memset(code, 0x90, 15);
	world_map(&w, w.c.rip, i < 15 ? i : 15, code, false);
	for (i = 0; i < 15; i++)
		code[i] = take();
}

#define CHECK(cond)									\
do {											\
	if (!(cond)) {									\
		fprintf(stderr, "broken: %s (result %d)\n", #cond, res);		\
		return false;								\
	}										\
} while (0)

/* Execute, again and again while accesses are "completed". */
static bool fuzz_execute(void)
{
	unsigned int tries, commits = w.commits;
	struct emul_ctxt before = w.c;
	u64 gpr[EMUL_NR_REGS];
	bool final, rep = w.c.insn.rep;	/* without a commit operation, iterations can't be seen */
	enum emul_result res;

	memcpy(gpr, w.gpr, sizeof(gpr));
	for (tries = 0; tries < 8; tries++) {
		w.nr_ops = 0;
		probed = false;
		res = emul_execute(&w.c);
		CHECK(res <= EMUL_UNHANDLEABLE);
		CHECK(res != EMUL_EXCEPTION || w.c.exc.vector < 32);
		CHECK(res == EMUL_OK || w.c.rip == before.rip);
		final = res == EMUL_OK || w.commits != commits || (!w.ops.commit && rep);
		CHECK(final || !memcmp(w.gpr, gpr, sizeof(gpr)));
		CHECK(final || w.c.rflags == before.rflags);
		CHECK(!memcmp(&w.c.insn, &before.insn, sizeof(before.insn)));
		if (res != EMUL_IO)
			break;
	}
	executed += res == EMUL_OK;
	return true;
}

/**
 * emul_fuzz_one - one input
 * @data: bytes
 * @size: how many, at least 1
 *
 * Return: false if a promise was broken.
 */
bool emul_fuzz_one(const u8 *data, size_t size);

bool emul_fuzz_one(const u8 *data, size_t size)
{
	u8 *code = malloc(15), *mem = calloc(1, MEM_SIZE);
	enum emul_result res;
	bool ok = true;

	if (!size || !code || !mem)
		goto out;
	in.data = data;
	in.size = size;
	in.pos = 0;
	in.twist = 0;
	fuzz_state(code, mem);
	res = emul_decode(&w.c, NULL, 0);
	if (res != EMUL_OK) {
		ok = res == EMUL_EXCEPTION;
		goto out;
	}
	ok = w.c.insn.len >= 1 && w.c.insn.len <= 15 && w.c.insn.len <= w.c.insn.nr_bytes &&
	     fuzz_execute();
out:
	free(code);
	free(mem);
	return ok;
}

static int one_from_stdin(void)
{
	u8 data[INPUT_SIZE];
	size_t n = fread(data, 1, sizeof(data), stdin);

	tap_ok(n && emul_fuzz_one(data, n), "the given input of %zu bytes", n);
	return tap_done();
}

static void save(const u8 *data)
{
	const char *name = "/tmp/emul_fuzz.failed";
	FILE *f = fopen(name, "w");

	if (!f)
		return;
	fwrite(data, 1, INPUT_SIZE, f);
	fclose(f);
	tap_diag("the input is in %s", name);
}

int main(int argc, char **argv)
{
	unsigned long i, n = argc > 1 ? strtoul(argv[1], NULL, 0) : 400000;
	u64 seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (u64)time(NULL);
	unsigned int k;
	u8 data[INPUT_SIZE];
	bool ok = true;

	if (argc > 1 && !strcmp(argv[1], "-"))
		return one_from_stdin();
	tap_diag("%lu inputs, seed %llu", n, seed);
	for (i = 0; i < n && ok; i++) {
		for (k = 0; k < sizeof(data); k++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			data[k] = seed >> 56;
		}
		ok = emul_fuzz_one(data, sizeof(data));
	}
	if (!ok)
		save(data);
	tap_ok(ok && executed > n / 10, "%lu inputs, %u executed%s", i, executed,
	       ok ? "" : "; expected no broken promise, saw the one above");
	return tap_done();
}
