// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts the host's instructions between two marks that a guest executes: a TCG plugin for the
 * emulator that tests/rig/host runs (--plugin). Its output (out=FILE) is for scripts/bench:
 *
 *	row N BATCHES GUEST	the N-th row: of its median batch, the guest's instructions
 *	insn ADDRESS COUNT OP	an instruction of the host's in that batch: how often, and which
 *				privileged or locked operation it is ("-": none)
 *
 * Guest and host are told apart by VMRUN: after it comes the guest, until the instruction behind
 * VMRUN is executed. What the emulator translates in between is the guest's. The emulator keeps
 * translations of guest mode apart, so each is counted in its own place.
 *
 * One processor (--icount). The few functions of the emulator's plugin interface, version 1, are
 * declared here, after its documentation: no package has its header.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mark.h"

/* ---- the emulator's interface ---- */

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t plugin_id;

enum { CB_NO_REGS };	/* callbacks that look at no registers */
enum { INLINE_ADD };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
					   void (*cb)(plugin_id id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*cb)(unsigned int cpu, void *data), int flags,
					    void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op, void *ptr,
						uint64_t add);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t idx);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

/* ---- instructions ---- */

struct insn {
	uint64_t addr;
	uint64_t count;		/* since the last mark */
	const char *op;
	bool guest;
};

/* Never freed: the emulator's translations point into it. */
static struct insn *table[1 << 22];
static struct insn **all;
static size_t nr_all;

static void *allocated(void *p)
{
	if (p)
		return p;
	fputs("plugin: out of memory\n", stderr);
	exit(1);
}

/* The counter of an instruction; open addressing, a table that a host's kernel doesn't fill. */
static struct insn *find(uint64_t addr, bool guest, const char *op)
{
	const size_t mask = sizeof(table) / sizeof(table[0]) - 1;
	size_t slot = (addr * 0x9e3779b97f4a7c15u + guest) >> 40 & mask;
	struct insn *i;

	for (; (i = table[slot]); slot = (slot + 1) & mask)
		if (i->addr == addr && i->guest == guest && i->op == op)
			return i;
	if (nr_all >= mask - mask / 8) {
		fputs("plugin: more instructions than it has room for\n", stderr);
		exit(1);
	}
	if (!(nr_all & (nr_all - 1)))
		all = allocated(realloc(all, (nr_all ? nr_all * 2 : 1) * sizeof(*all)));
	i = allocated(calloc(1, sizeof(*i)));
	*i = (struct insn){ .addr = addr, .op = op, .guest = guest };
	all[nr_all++] = i;
	table[slot] = i;
	return i;
}

struct opcode {
	const char *name;
	uint8_t bytes[3];
	uint8_t length;
	int8_t reg;		/* ModRM.reg that follows, -1: any, or no ModRM */
};

static const struct opcode opcodes[] = {
	{ "vmrun", { 0x0f, 0x01, 0xd8 }, 3, -1 },
	{ "vmload", { 0x0f, 0x01, 0xda }, 3, -1 },
	{ "vmsave", { 0x0f, 0x01, 0xdb }, 3, -1 },
	{ "stgi", { 0x0f, 0x01, 0xdc }, 3, -1 },
	{ "clgi", { 0x0f, 0x01, 0xdd }, 3, -1 },
	{ "xgetbv", { 0x0f, 0x01, 0xd0 }, 3, -1 },
	{ "xsetbv", { 0x0f, 0x01, 0xd1 }, 3, -1 },
	{ "rdpkru", { 0x0f, 0x01, 0xee }, 3, -1 },
	{ "wrpkru", { 0x0f, 0x01, 0xef }, 3, -1 },
	{ "swapgs", { 0x0f, 0x01, 0xf8 }, 3, -1 },
	{ "rdtsc", { 0x0f, 0x01, 0xf9 }, 3, -1 },	/* RDTSCP */
	{ "rdtsc", { 0x0f, 0x31 }, 2, -1 },
	{ "sldt", { 0x0f, 0x00 }, 2, 0 },
	{ "str", { 0x0f, 0x00 }, 2, 1 },
	{ "lldt", { 0x0f, 0x00 }, 2, 2 },
	{ "ltr", { 0x0f, 0x00 }, 2, 3 },
	{ "rdmsr", { 0x0f, 0x32 }, 2, -1 },
	{ "wrmsr", { 0x0f, 0x30 }, 2, -1 },
	{ "mov-cr", { 0x0f, 0x20 }, 2, -1 },
	{ "mov-dr", { 0x0f, 0x21 }, 2, -1 },
	{ "mov-cr", { 0x0f, 0x22 }, 2, -1 },
	{ "mov-dr", { 0x0f, 0x23 }, 2, -1 },
	{ "cpuid", { 0x0f, 0xa2 }, 2, -1 },
	{ "cli", { 0xfa }, 1, -1 },
	{ "sti", { 0xfb }, 1, -1 },
	{ "hlt", { 0xf4 }, 1, -1 },
	{ "iret", { 0xcf }, 1, -1 },
};

/* Which operation that is counted apart an instruction is, NULL: none. */
static const char *op_of(const uint8_t *b, size_t n)
{
	bool lock = false;
	size_t i;

	/* Legacy prefixes, then REX. */
	for (; n && (strchr("\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3", *b) && *b); b++, n--)
		lock |= *b == 0xf0;
	if (n && (*b & 0xf0) == 0x40)
		b++, n--;
	if (lock)
		return "lock";
	for (i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++) {
		const struct opcode *o = &opcodes[i];

		if (n < o->length || memcmp(b, o->bytes, o->length))
			continue;
		if (o->reg < 0 || (n > o->length && (b[o->length] >> 3 & 7) == o->reg))
			return o->name;
	}
	return NULL;
}

/* ---- rows and batches ---- */

struct sample {
	const struct insn *insn;
	uint64_t count;
};

struct batch {
	struct sample *sample;
	size_t nr;
	uint64_t host, guest;	/* instructions */
};

static FILE *out;
static struct batch batch[BATCHES];
static unsigned int nr_batches, nr_rows;

static void begin(unsigned int cpu, void *data)
{
	size_t i;

	(void)cpu, (void)data;
	for (i = 0; i < nr_all; i++)
		all[i]->count = 0;
}

static void end(unsigned int cpu, void *data)
{
	struct batch *b = &batch[nr_batches];
	size_t i;

	(void)cpu, (void)data;
	if (nr_batches == BATCHES)
		return;
	nr_batches++;
	*b = (struct batch){ 0 };
	for (i = 0; i < nr_all; i++) {
		if (!all[i]->count)
			continue;
		*(all[i]->guest ? &b->guest : &b->host) += all[i]->count;
		b->nr += !all[i]->guest;
	}
	b->sample = allocated(malloc(b->nr * sizeof(*b->sample) + 1));
	b->nr = 0;
	for (i = 0; i < nr_all; i++)
		if (all[i]->count && !all[i]->guest)
			b->sample[b->nr++] = (struct sample){ all[i], all[i]->count };
}

static int by_host(const void *a, const void *b)
{
	const struct batch *x = a, *y = b;

	return (x->host > y->host) - (x->host < y->host);
}

/* The row is over: what its median batch did. Batches with a tick of the host's are left out so. */
static void row(unsigned int cpu, void *data)
{
	const struct batch *b = &batch[nr_batches / 2];
	size_t i;

	(void)cpu, (void)data;
	qsort(batch, nr_batches, sizeof(batch[0]), by_host);
	fprintf(out, "row %u %u %" PRIu64 "\n", nr_rows++, nr_batches, nr_batches ? b->guest : 0);
	for (i = 0; nr_batches && i < b->nr; i++)
		fprintf(out, "insn %016" PRIx64 " %" PRIu64 " %s\n", b->sample[i].insn->addr,
			b->sample[i].count, b->sample[i].insn->op ? b->sample[i].insn->op : "-");
	fflush(out);
	while (nr_batches)
		free(batch[--nr_batches].sample);
}

/* ---- translation ---- */

static bool in_guest;
static uint64_t returns[16];	/* behind each VMRUN seen */
static unsigned int nr_returns;

static void guest_begins(unsigned int cpu, void *data)
{
	(void)cpu, (void)data;
	in_guest = true;
}

static void guest_ends(unsigned int cpu, void *data)
{
	(void)cpu, (void)data;
	in_guest = false;
}

static bool is_return(uint64_t addr)
{
	unsigned int i;

	for (i = 0; i < nr_returns; i++)
		if (returns[i] == addr)
			return true;
	return false;
}

static void add_return(uint64_t addr)
{
	if (is_return(addr))
		return;
	if (nr_returns == sizeof(returns) / sizeof(returns[0])) {
		fputs("plugin: VMRUN in more places than it has room for\n", stderr);
		exit(1);
	}
	returns[nr_returns++] = addr;
}

static void on_mark(struct qemu_plugin_insn *insn, uint32_t mark)
{
	static void (*const call[])(unsigned int cpu, void *data) = {
		[MARK_BEGIN - MARK] = begin, [MARK_END - MARK] = end, [MARK_ROW - MARK] = row,
	};

	if (mark - MARK < sizeof(call) / sizeof(call[0]))
		qemu_plugin_register_vcpu_insn_exec_cb(insn, call[mark - MARK], CB_NO_REGS, NULL);
}

static void translate_insn(struct qemu_plugin_insn *insn, bool guest)
{
	static const uint8_t mark_opcode[] = { MARK_OPCODE };
	const uint8_t *bytes = qemu_plugin_insn_data(insn);
	size_t n = qemu_plugin_insn_size(insn);
	uint64_t addr = qemu_plugin_insn_vaddr(insn);
	const char *op = op_of(bytes, n);
	uint32_t mark;

	if (guest && n == sizeof(mark_opcode) + sizeof(mark) &&
	    !memcmp(bytes, mark_opcode, sizeof(mark_opcode))) {
		memcpy(&mark, bytes + sizeof(mark_opcode), sizeof(mark));
		on_mark(insn, mark);
		return;
	}
	if (!guest && is_return(addr))
		qemu_plugin_register_vcpu_insn_exec_cb(insn, guest_ends, CB_NO_REGS, NULL);
	qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD,
						   &find(addr, guest, op)->count, 1);
	if (!guest && op && !strcmp(op, "vmrun")) {
		add_return(addr + n);
		qemu_plugin_register_vcpu_insn_exec_cb(insn, guest_begins, CB_NO_REGS, NULL);
	}
}

static void translate(plugin_id id, struct qemu_plugin_tb *tb)
{
	bool guest = in_guest && !is_return(qemu_plugin_tb_vaddr(tb));
	size_t i, n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (i = 0; i < n; i++)
		translate_insn(qemu_plugin_tb_get_insn(tb, i), guest);
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fputs("plugin: want out=FILE\n", stderr);
		return 1;
	}
	out = fopen(argv[0] + 4, "w");
	if (!out) {
		perror(argv[0] + 4);
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	return 0;
}
