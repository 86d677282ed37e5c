// SPDX-License-Identifier: GPL-2.0-only
/* Trials in batches: emulated one by one, then run on the CPU all at once. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define IMAGE_SEED 1

struct figures figures;
struct cpu cpu;

static struct trial trial[CPU_BATCH];
static unsigned int nr_trials;

bool batch_start(void)
{
	if (!cpu_start(&cpu, IMAGE_SEED))
		return false;
	rows_init();
	emulate_init(cpu.pristine);
	return true;
}

void batch_stop(void)
{
	cpu_stop(&cpu);
}

static void make_trial(struct trial *t, unsigned int bits, u64 seed, const u8 *bytes)
{
	struct rng state = { seed }, insn = { ~seed };

	t->bits = bits;
	t->seed = seed;
	if (bytes)
		memcpy(t->bytes, bytes, sizeof(t->bytes));
	else
		generate_bytes(t, &insn);
	state_make(t, &state);
	emulate(t);
}

/*
 * Linux answers these: it emulates what UMIP forbids to user mode, and takes interrupts. And no two
 * looks at the clock are the same.
 */
static bool has_no_answer(const struct trial *t)
{
	struct emul_insn i = t->insn;
	emul_exec_fn fn;

	if (!i.row)
		emulate_decode(t, false, &i);
	fn = i.row ? i.row->exec : NULL;
	if (fn && (fn == emul_sgdt || fn == emul_sidt || fn == emul_smsw || fn == emul_sldt ||
		   fn == emul_str || fn == emul_rdtsc || fn == emul_rdtscp || fn == emul_rdrand ||
		   fn == emul_rdpid || !cpu_knows(i.row)))
		return true;
	if (i.map != MAP_ONE)
		return false;
	return i.opcode == 0xcc || i.opcode == 0xcd || i.opcode == 0xf1 ||
	       (i.opcode == 0xce && t->in.rflags & FL_OF);
}

/* Nothing to compare, or no way to stop the CPU after it. */
static bool is_comparable(const struct trial *t)
{
	if (has_no_answer(t) || is_unsafe(t))
		return false;
	return t->res != EMUL_UNHANDLEABLE && !(t->step && t->shadow & EMUL_SHADOW_MOV_SS);
}

static void print_line(const struct trial *t, const char *what)
{
	static const char *const bits[] = { "64", "32", "16" };
	unsigned int i;

	printf("# differs: %s, by: %s %llx ", what, bits[t->bits], t->seed);
	for (i = 0; i < sizeof(t->bytes); i++)
		printf("%02x", t->bytes[i]);
	printf("\n");
}

/* Once more, alone, to print what is different. */
static const char *run_alone(struct trial *t)
{
	struct cpu_out *out = &cpu.test[0].out;
	const char *what;

	memcpy(cpu.test, &t->in, offsetof(struct cpu_test, out));
	emulate(t);
	what = cpu_run(&cpu, 1) ? compare(t, out) : "the child died";
	if (what) {
		print_line(t, what);
		compare_print(t, out, cpu.image, cpu.pristine);
	}
	return what;
}

static const char *verdict(struct trial *t, const char *in_batch, bool ran)
{
	const char *alone;

	if (ran && !in_batch)
		return NULL;
	alone = run_alone(t);
	if (ran && !alone) {
		printf("# in a batch only:\n");
		print_line(t, in_batch);
	}
	return alone ? alone : in_batch;
}

void batch_flush(void)
{
	static const char *what[CPU_BATCH];
	unsigned int i, done = 0;

	for (i = 0; i < nr_trials; i++)
		memcpy(&cpu.test[i], &trial[i].in,
		       trial[i].in.use_vec ? offsetof(struct cpu_test, out) :
					     offsetof(struct cpu_test, vec));
	if (nr_trials)
		done = cpu_run(&cpu, nr_trials);
	for (i = 0; i < nr_trials; i++)
		what[i] = i < done ? compare(&trial[i], &cpu.test[i].out) : NULL;
	for (i = 0; i < nr_trials; i++) {
		figures.compared[trial[i].bits]++;
		figures.faults += trial[i].res == EMUL_EXCEPTION;
		if (verdict(&trial[i], what[i], i < done))
			figures.differences++;
		else
			rows_count(&trial[i]);
	}
	nr_trials = 0;
}

void batch_add(unsigned int bits, u64 seed, const u8 *bytes)
{
	struct trial *t = &trial[nr_trials];

	make_trial(t, bits, seed, bytes);
	if (!is_comparable(t))
		return;
	if (++nr_trials == CPU_BATCH)
		batch_flush();
}

static bool parse_line(const char *line, unsigned int *bits, u64 *seed, u8 *bytes)
{
	unsigned int n, mode, byte;
	int at;

	if (sscanf(line, "%u %llx %n", &mode, seed, &at) != 2)
		return false;
	*bits = mode == 64 ? BITS_64 : mode == 32 ? BITS_32 : BITS_16;
	memset(bytes, 0x90, 16);
	for (n = 0; n < 16 && sscanf(line + at, "%2x", &byte) == 1; n++) {
		bytes[n] = byte;
		at += 2;
	}
	return n > 0;
}

int batch_replay(const char *line)
{
	static struct trial t;
	u8 bytes[16];
	unsigned int bits;
	u64 seed;

	if (!parse_line(line, &bits, &seed, bytes)) {
		fprintf(stderr, "expected \"64|32|16 SEED BYTES\", saw \"%s\"\n", line);
		return 2;
	}
	make_trial(&t, bits, seed, bytes);
	if (!is_comparable(&t)) {
		printf("# nothing to compare\n");
		return 0;
	}
	if (run_alone(&t))
		return 1;
	printf("# no difference\n");
	compare_print(&t, &cpu.test[0].out, cpu.image, cpu.pristine);
	return 0;
}
