// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instruction lengths: those of the emulator's decoder against objdump's, of a corpus and of random
 * instructions in 64-, 32- and 16-bit code, and against this machine's CPU.
 *
 *	emul_len [how many random ones [seed, 0 for one of the time]]
 */
#define _GNU_SOURCE
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "emul_cpu.h"
#include "emul_world.h"
#include "tap.h"

#include "../fuzz/rng.h"

#define SLOT 32		/* bytes of a random instruction and the NOPs after it */

static struct world world;
static u8 code[CPU_CODE_SIZE];
static struct rng rng;

static bool one_in(unsigned int n)
{
	return !(rnd(&rng) % n);
}

static enum emul_mode mode_of(unsigned int bits)
{
	return bits == 64 ? EMUL_MODE_PROT64 : bits == 32 ? EMUL_MODE_PROT32 : EMUL_MODE_PROT16;
}

/* Decode @insn (15 bytes); only what the decoder asks for is there to be fetched. */
static enum emul_result decode(const u8 *insn, unsigned int bits, enum emul_vendor vendor)
{
	world_init(&world, mode_of(bits));
	world_map(&world, CPU_CODE, 15, code, false);
	memcpy(code, insn, 15);
	world.c.vendor = vendor;
	world.c.lma = true;
	world.c.cpl = 3;
	world.c.rip = CPU_CODE;
	return emul_decode(&world.c, insn, 15);
}

static void print_insn(const u8 *insn, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		printf("%02x ", insn[i]);
}

/* Prefixes in any number, then an opcode of any map, then anything. */
static void random_insn(u8 *insn, unsigned int bits)
{
	static const u8 prefix[] = {
		0x66, 0x66, 0x67, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0xf0
	};
	unsigned int i, n = 0;

	for (i = 0; i < 16; i++)
		insn[i] = rnd(&rng);
	while (n < 6 && one_in(3))
		insn[n++] = prefix[rnd(&rng) % sizeof(prefix)];
	if (one_in(200))
		while (n < 14)
			insn[n++] = prefix[rnd(&rng) % (sizeof(prefix) - 1)];
	if (bits == 64 && one_in(3))
		insn[n++] = 0x40 | (rnd(&rng) & 15);
	switch (rnd(&rng) % 10) {
	case 0: case 1: case 2: case 3:
		insn[n] = 0x0f;
		break;
	case 4:
		insn[n++] = 0x0f;
		insn[n] = one_in(2) ? 0x38 : 0x3a;
		break;
	case 5:
		insn[n] = one_in(2) ? 0xc5 : one_in(2) ? 0xc4 : 0x62;
		if (insn[n] == 0xc4)
			insn[n + 1] = (insn[n + 1] & 0xe0) | (1 + rnd(&rng) % 3);
		break;
	}
}

/* Is the text nothing but prefixes, which objdump prints on their own where it sees no use? */
static bool is_lone_prefix(char *text)
{
	static const char *const lone[] = {
		"data16", "data32", "addr16", "addr32", "lock", "rep", "repz", "repnz", "cs", "ds",
		"es", "fs", "gs", "ss", "bnd", "notrack", "xacquire", "xrelease",
	};
	char *word, *save;
	unsigned int i;

	for (word = strtok_r(text, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
		for (i = 0; i < ARRAY_SIZE(lone); i++)
			if (!strcmp(word, lone[i]))
				break;
		if (i == ARRAY_SIZE(lone) && strncmp(word, "rex", 3))
			return false;
	}
	return true;
}

struct line {
	unsigned long addr;
	unsigned int len;
	u8 bytes[16];
	char text[128];
};

/* A line of objdump's: address, bytes, text. Return: false if it is no instruction. */
static bool parse_line(char *line, struct line *l)
{
	char *addr, *bytes, *text, *save;
	unsigned int byte;
	int used;

	addr = strtok_r(line, "\t", &save);
	bytes = strtok_r(NULL, "\t", &save);
	text = strtok_r(NULL, "", &save);
	if (!text || sscanf(addr, " %lx:", &l->addr) != 1)
		return false;
	memset(l->bytes, 0, sizeof(l->bytes));
	for (l->len = 0; l->len < 16 && sscanf(bytes, " %2x%n", &byte, &used) == 1; bytes += used)
		l->bytes[l->len++] = byte;
	snprintf(l->text, sizeof(l->text), "%.*s", (int)strcspn(text, "\n"), text);
	return true;
}

/* Compare with one instruction that objdump has decoded. */
static bool check_line(const struct line *l, const u8 *insn, unsigned int bits,
		       enum emul_vendor vendor)
{
	enum emul_result res = decode(insn, bits, vendor);

	if (res == EMUL_OK && world.c.insn.len == l->len)
		return true;
	printf("# %u bits: ", bits);
	print_insn(insn, l->len);
	printf("\t%s: objdump %u bytes, emulator ", l->text, l->len);
	if (res == EMUL_OK)
		printf("%u\n", world.c.insn.len);
	else
		printf("exception %u after %u\n", world.c.exc.vector, world.c.insn.len);
	return false;
}

static void test_corpus(const char *dir, unsigned int bits)
{
	unsigned int n = 0, bad = 0;
	char path[512], line[512];
	struct line l;
	FILE *f;

	snprintf(path, sizeof(path), "%s/emul_corpus%u.lst", dir, bits);
	f = fopen(path, "r");
	if (!f) {
		tap_ok(false, "corpus, %u bits: can't open %s", bits, path);
		return;
	}
	while (fgets(line, sizeof(line), f)) {
		if (!parse_line(line, &l))
			continue;
		n++;
		bad += !check_line(&l, l.bytes, bits, EMUL_VENDOR_INTEL);
	}
	fclose(f);
	tap_ok(!bad && n > 100, "corpus, %u bits: %u instructions, %u differ from objdump", bits,
	       n, bad);
}

/*
 * objdump prints also what processors refuse (LOCK where it isn't allowed, for one); the CPU is the
 * judge of that. It joins FWAIT with a floating-point instruction after it.
 */
static bool objdump_is_lax(const u8 *insn, enum emul_result res)
{
	unsigned int i;

	for (i = 0; i < 15; i++)
		if (insn[i] == 0x9b)
			return true;
	return res == EMUL_EXCEPTION && world.c.exc.vector == 6;
}

static void test_objdump(unsigned int n, unsigned int bits, enum emul_vendor vendor)
{
	static const char *const mode[] = { "i8086", "i386", "x86-64" };
	unsigned int i, checked = 0, bad = 0, undefined = 0;
	char file[] = "/tmp/emul_len.XXXXXX", cmd[256], line[512];
	u8 *insns = malloc((size_t)n * SLOT);
	FILE *f = fdopen(mkstemp(file), "w");
	struct line l;
	enum emul_result res;

	memset(insns, 0x90, (size_t)n * SLOT);
	for (i = 0; i < n; i++)
		random_insn(insns + i * SLOT, bits);
	fwrite(insns, SLOT, n, f);
	fclose(f);
	snprintf(cmd, sizeof(cmd), "objdump -D -w -z --insn-width=16 -b binary -m i386 -M %s,%s %s",
		 mode[bits / 32], vendor == EMUL_VENDOR_AMD ? "amd64" : "intel64", file);
	f = popen(cmd, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (!parse_line(line, &l) || l.addr % SLOT || strstr(l.text, "(bad)") ||
		    l.addr / SLOT >= n)
			continue;
		strcpy(line, l.text);
		if (is_lone_prefix(line))
			continue;
		checked++;
		res = decode(insns + l.addr, bits, vendor);
		if (objdump_is_lax(insns + l.addr, res))
			undefined++;
		else if (bad < 10)
			bad += !check_line(&l, insns + l.addr, bits, vendor);
	}
	if (f)
		pclose(f);
	unlink(file);
	free(insns);
	tap_ok(!bad && checked > n / 4,
	       "random, %u bits, %s: %u of %u compared with objdump, %u differ, %u not",
	       bits, vendor == EMUL_VENDOR_AMD ? "AMD" : "Intel", checked, n, bad, undefined);
}

static struct cpu cpu;

/*
 * Run @insn with its first @n bytes before the end of the page. Return: how it ended; NULL if it
 * made a system call or ended the child.
 */
static const struct cpu_out *run_at_end(const u8 *insn, unsigned int n, unsigned int bits)
{
	struct cpu_test *t = cpu.test;
	unsigned int i;

	memset(t, 0, sizeof(*t));
	t->rflags = 0x302;
	t->ss = t->ds = t->es = CPU_SS;
	t->cs = bits == 64 ? CPU_CS64 : CPU_CS32;
	for (i = 0; i < (bits == 64 ? 16 : 8); i++)
		t->gpr[i] = CPU_DATA + 0x800 + 16 * i;
	t->gpr[EMUL_RSP] = CPU_STACK + 0x800;
	t->rip = CPU_CODE + CPU_CODE_SIZE - n;
	t->nr_patches = 1;
	t->patch[0].offset = CPU_IMAGE_CODE + CPU_CODE_SIZE - n;
	memcpy(t->patch[0].data, insn, n);
	return cpu_run(&cpu, 1) && t->out.signal != SIGSYS ? &t->out : NULL;
}

/* Did it stop because the byte after the page was needed? */
static bool wants_more(const struct cpu_out *out, unsigned int n)
{
	return out->vector == 14 && out->cr2 == CPU_CODE + CPU_CODE_SIZE &&
	       out->rip == CPU_CODE + CPU_CODE_SIZE - n;
}

/* Prefixes, REX (or INC and DEC) among them. */
static unsigned int prefix_count(const u8 *insn)
{
	unsigned int n = 0;

	while (memchr("\x66\x67\xf2\xf3\x2e\x36\x3e\x26\x64\x65\xf0", insn[n], 11) ||
	       (insn[n] & 0xf0) == 0x40)
		n++;
	return n;
}

/* An undefined instruction longer than 15 bytes may be #GP: it takes at least 4 prefixes. */
static bool may_be_too_long(const u8 *insn)
{
	return prefix_count(insn) >= 4;
}

/*
 * And the other way round: where the opcode is undefined, that may be found before its end is. EVEX
 * is undefined on a CPU without AVX-512; so are VEX, XOP and EVEX after a prefix they can't follow.
 */
static bool may_be_undefined_first(const u8 *insn)
{
	return memchr("\xc4\xc5\x62\x8f", insn[prefix_count(insn)], 4);
}

/*
 * LOCK before VERW is undefined. Processors whose VERW has been made a mitigation may let it pass
 * (AMD's family 19h does).
 */
static bool is_locked_verw(const u8 *insn)
{
	unsigned int n = prefix_count(insn);

	return memchr(insn, 0xf0, n) && insn[n] == 0x0f && insn[n + 1] == 0x00 &&
	       (insn[n + 2] & 0x38) == 0x28;
}

static enum emul_vendor this_vendor(void)
{
	return cpu_is_amd() ? EMUL_VENDOR_AMD : EMUL_VENDOR_INTEL;
}

static unsigned int cpu_ud, cpu_died;

/* Return: NULL, or how the CPU disagrees. */
static const char *check_on_cpu(const u8 *insn, unsigned int bits)
{
	enum emul_result res = decode(insn, bits, this_vendor());
	unsigned int n = res == EMUL_OK ? world.c.insn.len : 15;
	bool can_execute = res == EMUL_OK && emul_can_execute(&world.c) &&
			   cpu_knows(world.c.insn.row);
	const struct cpu_out *out = run_at_end(insn, n, bits);

	if (!out) {
		cpu_died++;
		return NULL;
	}
	if (res == EMUL_EXCEPTION && world.c.exc.vector == 6) {
		if (out->vector == 13 && may_be_too_long(insn))
			return NULL;
		return out->vector == 6 || is_locked_verw(insn) ? NULL : "not undefined";
	}
	if (res == EMUL_EXCEPTION) {
		if (out->vector == 6 && may_be_undefined_first(insn))
			return NULL;
		return out->vector == 13 ? NULL : "not #GP";
	}
	if (res != EMUL_OK)
		return "strange result";
	if (out->vector == 6) {
		cpu_ud++;
		if (!can_execute)
			return NULL;	/* a feature that this CPU lacks, or a reserved encoding */
		res = emul_execute(&world.c);
		return res == EMUL_EXCEPTION && world.c.exc.vector == 6 ? NULL : "undefined";
	}
	if (wants_more(out, n)) {
		/* One that is undefined here may be fetched to some length before it is. */
		out = run_at_end(insn, 15, bits);
		if (can_execute || !out || out->vector != 6)
			return "longer";
		cpu_ud++;
		return NULL;
	}
	if (n == 1)
		return NULL;
	out = run_at_end(insn, n - 1, bits);
	if (!out) {
		cpu_died++;
		return NULL;
	}
	return wants_more(out, n - 1) ? NULL : "shorter";
}

static void test_cpu(unsigned int n, unsigned int bits)
{
	unsigned int i, bad = 0;
	const char *what;
	u8 insn[SLOT];

	cpu_ud = 0;
	cpu_died = 0;
	for (i = 0; i < n && bad < 10; i++) {
		random_insn(insn, bits);
		what = check_on_cpu(insn, bits);
		if (!what)
			continue;
		bad++;
		printf("# %u bits: ", bits);
		print_insn(insn, 15);
		decode(insn, bits, this_vendor());
		printf(": CPU says %s; emulator %u bytes, exception %u\n", what, world.c.insn.len,
		       world.c.exc.vector);
	}
	tap_ok(!bad,
	       "random, %u bits: %u on the CPU, %u differ (%u undefined there, %u system calls)",
	       bits, i, bad, cpu_ud, cpu_died);
}

int main(int argc, char **argv)
{
	unsigned int n = argc > 1 ? strtoul(argv[1], NULL, 0) : 40000;
	char *path = strdup(argv[0]), *dir = dirname(path);
	unsigned int bits;

	rng.state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	if (!rng.state)
		rng.state = time(NULL);
	tap_diag("%u instructions, seed %llu", n, rng.state);
	for (bits = 64; bits >= 16; bits /= 2) {
		test_corpus(dir, bits);
		test_objdump(n / 2, bits, EMUL_VENDOR_INTEL);
		test_objdump(n / 2, bits, EMUL_VENDOR_AMD);
	}
	if (cpu_start(&cpu, 0)) {
		test_cpu(n, 64);
		if (cpu.has_32)
			test_cpu(n / 2, 32);
		else
			tap_skip("this machine runs no 32-bit code");
		cpu_stop(&cpu);
	} else {
		tap_skip("this machine's CPU can't be asked: %s", cpu.why_not);
	}
	free(path);
	return tap_done();
}
