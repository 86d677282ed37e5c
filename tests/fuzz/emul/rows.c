// SPDX-License-Identifier: GPL-2.0-only
/* The rows of the opcode table: ways to them, and how many were reached. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define MAX_PATHS 4096
#define MAX_ROWS 2048

/* Why a row can't complete in user mode, by what executes it. */
static const struct {
	emul_exec_fn exec;
	const char *why;
} never_completes[] = {
	{ emul_in_imm, "ports" },
	{ emul_in_dx, "ports" },
	{ emul_out_imm, "ports" },
	{ emul_out_dx, "ports" },
	{ emul_ins, "ports" },
	{ emul_outs, "ports" },
	{ emul_cli, "IOPL" },
	{ emul_sti, "IOPL" },
	{ emul_mov_from_cr, "CPL 0" },
	{ emul_mov_from_dr, "CPL 0" },
	{ emul_mov_to_cr, "CPL 0" },
	{ emul_mov_to_dr, "CPL 0" },
	{ emul_clac, "CPL 0" },
	{ emul_stac, "CPL 0" },
	{ emul_sgdt, "UMIP" },
	{ emul_sidt, "UMIP" },
	{ emul_smsw, "UMIP" },
	{ emul_sldt, "UMIP" },
	{ emul_str, "UMIP" },
	{ emul_rdtsc, "a clock" },
	{ emul_rdtscp, "a clock" },
	{ emul_rdrand, "chance" },
	{ emul_rdpid, "the CPU's number" },
	{ emul_rdpmc, "CPL 0" },
	{ emul_sysret, "CPL 0" },
	{ emul_sysexit, "CPL 0" },
	{ emul_syscall, "a system call" },
	{ emul_sysenter, "a system call" },
	{ emul_xsetbv, "CPL 0" },
};

struct count {
	const struct path *path; /* the first to it */
	u64 done[NR_BITS], faults[NR_BITS];
};

static struct path paths[MAX_PATHS];
static unsigned int nr_paths, nr_with_code;
static struct count count[MAX_ROWS];
static unsigned int nr_rows;

static int row_number(const struct path *p)
{
	unsigned int i;

	for (i = 0; i < nr_rows; i++)
		if (count[i].path->row == p->row && count[i].path->vex == p->vex)
			return i;
	return -1;
}

static void add_path(struct path p)
{
	if (p.row->kind == ROW_INSN && (!p.row->exec || !cpu_knows(p.row)))
		return;
	if (nr_paths == MAX_PATHS || nr_rows == MAX_ROWS)
		abort();
	paths[nr_paths] = p;
	if (p.row->kind == ROW_INSN) {
		paths[nr_paths].nr = row_number(&p);
		if (paths[nr_paths].nr < 0) {
			paths[nr_paths].nr = nr_rows;
			count[nr_rows++].path = &paths[nr_paths];
		}
	}
	nr_paths++;
}

/* What a table is indexed by: the field of @p, and in *@n how many rows; NULL: it is no table. */
static s8 *index_field(struct path *p, unsigned int *n)
{
	switch (p->row->kind) {
	case ROW_GROUP:
		*n = 8;
		return &p->reg;
	case ROW_RM:
		*n = 8;
		return &p->rm;
	case ROW_MEM_REG:
		*n = 2;
		return &p->form;
	case ROW_PREFIX:
		*n = 4;
		return &p->pp;
	case ROW_MODE64:
		*n = 2;
		return &p->mode64;
	}
	return NULL;
}

static void walk(struct path p)
{
	const struct emul_row *sub = p.row->sub;
	unsigned int n, i;
	s8 *field = index_field(&p, &n);

	for (i = 0; field && i < n; i++) {
		*field = i;
		p.row = &sub[i];
		walk(p);
	}
	if (field)
		return;
	add_path(p);
	if (p.row->flags & F_VEX && cpu.avx) {
		p.vex = true;
		add_path(p);
	}
}

static bool is_prefix(unsigned int map, unsigned int opcode)
{
	if (map == MAP_0F)
		return opcode == 0x38 || opcode == 0x3a;
	switch (opcode) {
	case 0x0f:
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64 ... 0x67:
	case 0xf0:
	case 0xf2:
	case 0xf3:
		return true;
	}
	return false;
}

static const struct emul_row *first_row(unsigned int map, unsigned int opcode)
{
	switch (map) {
	case MAP_ONE:
		return &emul_map_one[opcode];
	case MAP_0F:
		return &emul_map_0f[opcode];
	case MAP_0F38:
		return emul_row_0f38(opcode);
	}
	return emul_row_0f3a(opcode);
}

/* Those with code behind them first, so that either kind can be picked. */
static int by_kind(const void *a, const void *b)
{
	const struct path *x = a, *y = b;

	if ((x->row->kind == ROW_INSN) != (y->row->kind == ROW_INSN))
		return x->row->kind == ROW_INSN ? -1 : 1;
	return x->nr - y->nr;
}

void rows_init(void)
{
	const struct emul_row *row;
	unsigned int map, opcode, i;

	for (map = MAP_ONE; map <= MAP_0F3A; map++) {
		for (opcode = 0; opcode < 256; opcode++) {
			if (map > MAP_0F || !is_prefix(map, opcode))
				walk((struct path){ first_row(map, opcode), -1, map, opcode, -1, -1,
						    -1, -1, -1, false });
			row = emul_row_vex_gpr(map, opcode);
			if (row)
				walk((struct path){ row, -1, map, opcode, -1, -1, -1, -1, -1,
						    true });
		}
	}
	qsort(paths, nr_paths, sizeof(paths[0]), by_kind);
	for (i = nr_paths; i--;) {
		if (paths[i].nr < 0)
			continue;
		count[paths[i].nr].path = &paths[i];
		nr_with_code = max(nr_with_code, i + 1);
	}
}

const struct path *rows_pick(struct rng *r)
{
	if (one_in(r, 16))
		return &paths[nr_with_code + below(r, nr_paths - nr_with_code)];
	return &paths[below(r, nr_with_code)];
}

static int by_row(const void *key, const void *row)
{
	unsigned long a = *(const unsigned long *)key, b = *(const unsigned long *)row;

	return a < b ? -1 : a > b;
}

/* The rows' numbers, by address. */
static struct index {
	const struct emul_row *row;
	int nr[2]; /* by VEX */
} row_index[MAX_ROWS];

static unsigned int nr_index;

static void make_index(void)
{
	unsigned int i, k;

	for (i = 0; i < nr_rows; i++) {
		const struct path *p = count[i].path;

		for (k = 0; k < nr_index && row_index[k].row != p->row; k++)
			;
		if (k == nr_index)
			row_index[nr_index++] = (struct index){ p->row, { -1, -1 } };
		row_index[k].nr[p->vex] = i;
	}
	qsort(row_index, nr_index, sizeof(row_index[0]), by_row);
}

void rows_count(const struct trial *t)
{
	const struct emul_row *row = t->insn.row;
	const struct index *found;
	int nr;

	if (!nr_index)
		make_index();
	found = row ? bsearch(&row, row_index, nr_index, sizeof(row_index[0]), by_row) : NULL;
	nr = found ? found->nr[t->insn.vex != EMUL_VEX_NONE] : -1;
	if (nr < 0)
		return;
	if (t->res == EMUL_EXCEPTION)
		count[nr].faults[t->bits]++;
	else
		count[nr].done[t->bits]++;
}

/* Return: NULL if it can complete, or did. */
static const char *why_never(const struct count *c)
{
	const struct emul_row *row = c->path->row;
	u8 opcode = c->path->opcode;
	unsigned int i;

	if (c->done[BITS_64] + c->done[BITS_32] + c->done[BITS_16])
		return NULL;
	if (row->flags & F_PRIV)
		return "CPL 0";
	if (c->path->map == MAP_ONE && (opcode == 0xcc || opcode == 0xcd || opcode == 0xf1))
		return "taken by Linux";
	for (i = 0; i < ARRAY_SIZE(never_completes); i++)
		if (never_completes[i].exec == row->exec)
			return never_completes[i].why;
	return NULL;
}

static void print_path(const struct path *p)
{
	static const char *const map[] = { "", "0f ", "0f 38 ", "0f 3a " };
	static const char *const pp[] = { "np ", "66 ", "f3 ", "f2 " };

	printf("%s%s%s%02x", p->vex ? "vex " : "", p->pp >= 0 ? pp[(int)p->pp] : "", map[p->map],
	       p->opcode);
	if (p->reg >= 0)
		printf("/%d", p->reg);
	if (p->rm >= 0)
		printf(" rm %d", p->rm);
	if (p->form >= 0)
		printf(p->form ? " reg" : " mem");
}

/* Could the row complete in this mode? */
static bool has_mode(const struct path *p, unsigned int bits)
{
	if (bits == BITS_64)
		return !(p->row->flags & F_NO64) && p->mode64 != 0;
	if (bits == BITS_16 && !cpu.has_ldt)
		return false;
	return cpu.has_32 && !(p->row->flags & F_64ONLY) && p->mode64 != 1;
}

static void list_row(const struct count *c, const char *why)
{
	printf("# ");
	print_path(c->path);
	printf(": %llu %llu %llu completed, %llu %llu %llu faults%s%s\n", c->done[BITS_64],
	       c->done[BITS_32], c->done[BITS_16], c->faults[BITS_64], c->faults[BITS_32],
	       c->faults[BITS_16], why ? "; can't complete in user mode: " : "", why ? why : "");
}

bool rows_report(bool list)
{
	unsigned int i, bits, can[NR_BITS] = { 0 }, did[NR_BITS] = { 0 }, rows = 0, all = 0;
	unsigned int faulted = 0, never = 0;

	for (i = 0; i < nr_rows; i++) {
		const struct count *c = &count[i];
		const char *why = why_never(c);
		bool done = false, fault = false, missed = false;

		for (bits = 0; bits < NR_BITS; bits++) {
			bool possible = !why && has_mode(c->path, bits);

			can[bits] += possible;
			did[bits] += possible && c->done[bits];
			missed |= possible && !c->done[bits];
			done |= c->done[bits] != 0;
			fault |= c->faults[bits] != 0;
		}
		rows += !why;
		all += !why && done;
		faulted += why && fault;
		never += why && !fault;
		if (list || missed)
			list_row(c, why);
	}
	printf("# figure: %u of %u rows that can complete in user mode did: %u/%u 64-bit, "
	       "%u/%u 32-bit, %u/%u 16-bit; %u others fault, %u are not compared\n",
	       all, rows, did[0], can[0], did[1], can[1], did[2], can[2], faulted, never);
	return all == rows && did[0] == can[0] && did[1] == can[1] && did[2] == can[2];
}
