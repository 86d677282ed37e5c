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
static unsigned int executed, switched;

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
				     unsigned int n, unsigned int acc, struct emul_exception *exc)
{
	enum emul_result res = upset(exc);

	check_size(n);
	if (take() == 0)
		return EMUL_RESTART;
	return res == EMUL_OK ? real.cmpxchg(o, addr, old, new, n, acc, exc) : res;
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

/* Where fuzz_tables() puts them in memory. */
#define GDT_SIZE	0x100u
#define IDT_AT		0x800u
#define TSS_AT		0x1800u
#define TSS_SIZE	0x68u

static u16 take_selector(void)
{
	return take() < 240 ? take() % GDT_SIZE : take_n(2);
}

/* A descriptor that often is a good one. */
static u64 take_desc(void)
{
	static const u8 access[] = {
		0x9b, 0x9a, 0x9f, 0x93, 0x92, 0x97, 0x91, 0xfb, 0xf3, 0xff, 0xdb, 0xd3,
		0x8b, 0x89, 0x81, 0x83, 0x82, 0x85, 0xe5, 0x8c, 0xec, 0x84, 0xe4, 0x8e, 0x8f,
		0x86, 0xee, 0xef, 0x00, 0x1b, 0x13,
	};
	u8 a = access[take() % sizeof(access)], dice = take();
	u64 base = MEM_BASE + TSS_AT - (take() & 0x7c);

	if (dice < 4)
		return take_n(8);
	if (a & 0x10)	/* a segment of 4 GiB, in one of 32, 16 or 64 bits */
		return 0xffff | (u64)a << 40 |
		       (dice < 160 ? 0xcfull : dice < 200 ? 0xf : 0xaf) << 48;
	if ((a & 5) == 1 || (a & 15) == 2)	/* TSS, LDT */
		return (dice < 240 ? TSS_SIZE - 1 : take()) | (base & 0xffffff) << 16 |
		       (u64)a << 40;
	return take_n(2) | (u64)take_selector() << 16 | (u64)(take() & 7) << 32 | (u64)a << 40;
}

static void put(u8 *mem, unsigned int at, u64 val, unsigned int n)
{
	memcpy(mem + at, &val, n);
}

/* Descriptor tables and a TSS that gates, task switches and returns find their way through. */
static void fuzz_tables(u8 *mem)
{
	unsigned int i, n = w.c.lma ? 16 : 8;

	for (i = 0; i < GDT_SIZE; i += 8)
		put(mem, i, take_desc(), 8);
	for (i = IDT_AT; i < TSS_AT; i += n) {
		put(mem, i, take_n(2) | (u64)take_selector() << 16 | (u64)(take() & 1) << 32, 8);
		mem[i + 5] = (take() & 1 ? 0x8e : 0xee) ^ (take() & 11);
	}
	for (i = TSS_AT; i < TSS_AT + TSS_SIZE; i += 4)
		put(mem, i, take() & 1 ? take_selector() : take_reg(), 4);
	w.table_limit[EMUL_GDT] = GDT_SIZE - 1;
	w.table_base[EMUL_IDT] = MEM_BASE + IDT_AT;
	w.table_limit[EMUL_IDT] = TSS_AT - IDT_AT - 1;
	w.seg[EMUL_SEG_TR] = (struct emul_segment) {
		.base = MEM_BASE + TSS_AT, .limit = TSS_SIZE - 1, .selector = take_selector(),
		.type = take() & 1 ? 11 : 3, .present = 1,
	};
	if (take() & 1)		/* what RETF and IRET pop */
		for (i = 0; i < 64; i += 4)
			put(mem, 0x2000 + i, take_selector(), 4);
	if (take() & 1)
		w.gpr[EMUL_RSP] = MEM_BASE + 0x2000;
}

/* First bytes of control transfers, and of what asks about descriptors. */
static void fuzz_transfer(u8 *code)
{
	static const u8 first[] = {
		0xcd, 0xcc, 0xcf, 0x9a, 0xea, 0xcb, 0xca, 0xce, 0xf1, 0xff, 0x0f
	};
	unsigned int size = w.c.mode == EMUL_MODE_PROT32 ? 4 : 2;

	code[0] = first[take() % sizeof(first)];
	if (code[0] == 0xff)
		code[1] = take() & 1 ? 0x18 : 0x28;
	if (code[0] == 0x0f)
		code[1] = take() & 3;
	if (code[0] == 0x9a || code[0] == 0xea)
		put(code, 1 + size, take_selector(), 2);
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
	if (take() < 96) {
		fuzz_tables(mem);
		if (i >= 15 && take() < 192)
			fuzz_transfer(code);
	}
}

#define CHECK(cond)									\
do {											\
	if (!(cond)) {									\
		fprintf(stderr, "broken: %s (result %d)\n", #cond, res);		\
		return false;								\
	}										\
} while (0)

/* The selector of a TSS that a switch for this reason could go to, if there is one. */
static u16 find_tss(enum emul_task_reason reason)
{
	u8 type = reason == EMUL_TASK_IRET ? 0x83 : 0x81;
	unsigned int i;

	for (i = 0; i < GDT_SIZE; i += 8)
		if ((w.region[0].mem[i + 5] & 0x97) == type)
			break;
	return i;
}

/* The instruction, or an event or task switch that comes from outside. */
static enum emul_result execute_what(u8 what)
{
	struct emul_task_switch t = {
		.selector = find_tss(what & 3), .reason = what & 3, .soft = what & 4,
		.has_error = what & 8, .error_code = what,
	};

	if (what < 200)
		return emul_execute(&w.c);
	return what < 240 ? emul_deliver(&w.c, what & 31, what & 32, what & 8, what) :
			    emul_task_switch(&w.c, &t);
}

/* Execute, again and again while accesses are "completed". */
static bool fuzz_execute(void)
{
	struct emul_segment segs[8];
	u8 what = take();
	unsigned int tries, commits = w.commits;
	struct emul_ctxt before = w.c;
	u64 gpr[EMUL_NR_REGS];
	bool final, rep = w.c.insn.rep;	/* without a commit operation, iterations can't be seen */
	enum emul_result res;

	memcpy(gpr, w.gpr, sizeof(gpr));
	memcpy(segs, w.seg, sizeof(segs));
	for (tries = 0; tries < 8; tries++) {
		w.nr_ops = 0;
		probed = false;
		res = execute_what(what);
		CHECK(res <= EMUL_UNHANDLEABLE);
		CHECK(res != EMUL_EXCEPTION || w.c.exc.vector < 32);
		switched += w.c.task_switch;
		CHECK(!w.c.task_switch || (res != EMUL_IO && res != EMUL_RESTART));
		CHECK(w.c.task_switch || (w.c.cpl == before.cpl && w.c.mode == before.mode));
		CHECK(!w.c.ext);
		if (w.c.task_switch)
			break;
		CHECK(res == EMUL_OK || w.c.rip == before.rip);
		CHECK(res == EMUL_OK || !memcmp(segs, w.seg, sizeof(segs)));
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
	u64 seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	unsigned int k;
	u8 data[INPUT_SIZE];
	bool ok = true;

	if (argc > 1 && !strcmp(argv[1], "-"))
		return one_from_stdin();
	if (!seed)
		seed = time(NULL);
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
	tap_ok(ok && executed > n / 10 && switched > n / 500,
	       "%lu inputs, %u executed, %u task switches%s", i, executed, switched,
	       ok ? "" : "; expected no broken promise, saw the one above");
	return tap_done();
}
