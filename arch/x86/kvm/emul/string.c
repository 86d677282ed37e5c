// SPDX-License-Identifier: GPL-2.0-only
/*
 * String instructions and their repetition.
 *
 * Each iteration of a repeated one is an instruction of its own to the restart contract; a bounded
 * number of them is done in one emul_execute(), so that interrupts are looked for in between.
 */
#include "internal.h"

#define MAX_ITERATIONS	256u

/* The far end of a string operation: ES:[rDI], which no prefix overrides. */
static u64 dst_ea(const struct emul_work *w)
{
	return emul_reg(w, EMUL_RDI, w->insn->addrsize);
}

static u64 src_ea(const struct emul_work *w)
{
	return emul_reg(w, EMUL_RSI, w->insn->addrsize);
}

/* Move an index register on by @n elements. */
static void advance(struct emul_work *w, unsigned int reg, unsigned int n)
{
	u64 by = (u64)n * w->size;

	if (w->rflags & FL_DF)
		by = -by;
	emul_set_reg(w, reg, w->gpr[reg] + by, w->insn->addrsize);
}

static u64 get_count(const struct emul_work *w)
{
	return emul_reg(w, EMUL_RCX, w->insn->addrsize);
}

static void set_count(struct emul_work *w, u64 count)
{
	emul_set_reg(w, EMUL_RCX, count, w->insn->addrsize);
}

/* An iteration: does at most @max elements, says in *@done how many. */
typedef enum emul_result (*iteration_fn)(struct emul_work *w, u64 max, u64 *done);

/* REPE and REPNE: has CMPS or SCAS found what ends it? */
static bool comparison_ends(const struct emul_work *w, bool compares)
{
	bool zf = w->rflags & FL_ZF;

	return compares && zf == (w->insn->rep == 0xf2);
}

static enum emul_result repeat(struct emul_work *w, iteration_fn once, bool compares)
{
	unsigned int budget = w->rflags & FL_TF ? 1 : MAX_ITERATIONS;
	u64 done, count;
	enum emul_result res;

	if (!w->insn->rep)
		return once(w, 1, &done);
	for (count = get_count(w); count; ) {
		res = once(w, w->rflags & FL_TF ? 1 : count, &done);
		if (res != EMUL_OK)
			return res;
		count -= done;
		set_count(w, count);
		if (!count || comparison_ends(w, compares))
			break;
		emul_commit_iteration(w);
		if (!--budget) {
			w->c->iterated = true;
			return EMUL_RESTART;
		}
	}
	return EMUL_OK;
}

static enum emul_result movs_once(struct emul_work *w, u64 max, u64 *done)
{
	enum emul_result res;
	u64 val = 0;

	*done = 1;
	res = emul_read_seg(w, w->insn->seg, src_ea(w), &val, w->size);
	if (res == EMUL_OK)
		res = emul_write_seg(w, EMUL_SEG_ES, dst_ea(w), &val, w->size);
	if (res == EMUL_OK) {
		advance(w, EMUL_RSI, 1);
		advance(w, EMUL_RDI, 1);
	}
	return res;
}

static enum emul_result cmps_once(struct emul_work *w, u64 max, u64 *done)
{
	enum emul_result res;
	u64 a = 0, b = 0;

	*done = 1;
	res = emul_read_seg(w, w->insn->seg, src_ea(w), &a, w->size);
	if (res == EMUL_OK)
		res = emul_read_seg(w, EMUL_SEG_ES, dst_ea(w), &b, w->size);
	if (res == EMUL_OK) {
		emul_flags_sub(w, a, b, w->size);
		advance(w, EMUL_RSI, 1);
		advance(w, EMUL_RDI, 1);
	}
	return res;
}

static enum emul_result stos_once(struct emul_work *w, u64 max, u64 *done)
{
	u64 val = emul_reg(w, EMUL_RAX, w->size);
	enum emul_result res;

	*done = 1;
	res = emul_write_seg(w, EMUL_SEG_ES, dst_ea(w), &val, w->size);
	if (res == EMUL_OK)
		advance(w, EMUL_RDI, 1);
	return res;
}

static enum emul_result lods_once(struct emul_work *w, u64 max, u64 *done)
{
	enum emul_result res;
	u64 val = 0;

	*done = 1;
	res = emul_read_seg(w, w->insn->seg, src_ea(w), &val, w->size);
	if (res == EMUL_OK) {
		emul_set_reg(w, EMUL_RAX, val, w->size);
		advance(w, EMUL_RSI, 1);
	}
	return res;
}

static enum emul_result scas_once(struct emul_work *w, u64 max, u64 *done)
{
	enum emul_result res;
	u64 val = 0;

	*done = 1;
	res = emul_read_seg(w, EMUL_SEG_ES, dst_ea(w), &val, w->size);
	if (res == EMUL_OK) {
		emul_flags_sub(w, emul_reg(w, EMUL_RAX, w->size), val, w->size);
		advance(w, EMUL_RDI, 1);
	}
	return res;
}

enum emul_result emul_movs(struct emul_work *w)
{
	return repeat(w, movs_once, false);
}

enum emul_result emul_cmps(struct emul_work *w)
{
	return repeat(w, cmps_once, true);
}

enum emul_result emul_stos(struct emul_work *w)
{
	return repeat(w, stos_once, false);
}

enum emul_result emul_lods(struct emul_work *w)
{
	return repeat(w, lods_once, false);
}

enum emul_result emul_scas(struct emul_work *w)
{
	return repeat(w, scas_once, true);
}

/*
 * How many elements of at most @max a REP INS or OUTS may move at once: upwards, in one page, in
 * memory that can't fault or need userspace. One exit then serves a whole disk sector.
 */
static unsigned int batch(struct emul_work *w, unsigned int seg, u64 ea, unsigned int acc, u64 max,
			  u64 *linear)
{
	struct emul_exception saved = w->c->exc;
	struct emul_ctxt *c = w->c;
	unsigned int n;

	if (max < 2 || w->rflags & FL_DF || !c->ops->probe)
		return 1;
	if (emul_linear(w, seg, ea, w->size, acc, linear) != EMUL_OK)
		goto single;
	n = min_t(u64, max, min_t(u64, EMUL_PIO_MAX, 4096 - *linear % 4096) / w->size);
	if (n < 2 || ea + (u64)n * w->size - 1 > emul_mask(w->insn->addrsize))
		goto single;
	if (emul_linear(w, seg, ea, n * w->size, acc, linear) != EMUL_OK)
		goto single;
	if (c->ops->probe(c->opaque, *linear, n * w->size, acc) == EMUL_OK)
		return n;
single:
	c->exc = saved;
	return 1;
}

/*
 * Whatever faults does so before the device is asked: a read may have side effects, and what it
 * gave would be lost. What a batch writes has been probed.
 */
static enum emul_result ins_once(struct emul_work *w, u64 max, u64 *done)
{
	u64 linear, ea = dst_ea(w);
	struct emul_ctxt *c = w->c;
	enum emul_result res;
	unsigned int n;

	if (!c->ops->pio_in)
		return EMUL_UNHANDLEABLE;
	n = batch(w, EMUL_SEG_ES, ea, EMUL_ACC_WRITE, max, &linear);
	*done = n;
	res = emul_linear(w, EMUL_SEG_ES, ea, n * w->size, EMUL_ACC_WRITE, &linear);
	if (res == EMUL_OK && n == 1)
		res = emul_touch(w, linear, w->size, EMUL_ACC_WRITE);
	if (res == EMUL_OK)
		res = c->ops->pio_in(c->opaque, w->gpr[EMUL_RDX], w->size, c->pio_buf, n, &c->exc);
	if (res == EMUL_OK)
		res = emul_write_linear(w, linear, c->pio_buf, n * w->size, 0);
	if (res == EMUL_OK)
		advance(w, EMUL_RDI, n);
	return res;
}

static enum emul_result outs_once(struct emul_work *w, u64 max, u64 *done)
{
	u64 linear, ea = src_ea(w);
	unsigned int n, seg = w->insn->seg;
	struct emul_ctxt *c = w->c;
	enum emul_result res;

	if (!c->ops->pio_out)
		return EMUL_UNHANDLEABLE;
	n = batch(w, seg, ea, EMUL_ACC_READ, max, &linear);
	*done = n;
	res = emul_read_seg(w, seg, ea, c->pio_buf, n * w->size);
	if (res == EMUL_OK)
		res = c->ops->pio_out(c->opaque, w->gpr[EMUL_RDX], w->size, c->pio_buf, n, &c->exc);
	if (res == EMUL_OK)
		advance(w, EMUL_RSI, n);
	return res;
}

/* Ports are at most 4 bytes wide. */
static enum emul_result port_string(struct emul_work *w, iteration_fn once)
{
	enum emul_result res;

	w->size = min_t(u8, w->size, 4);
	res = emul_io_allowed(w, w->gpr[EMUL_RDX], w->size);
	return res == EMUL_OK ? repeat(w, once, false) : res;
}

enum emul_result emul_ins(struct emul_work *w)
{
	return port_string(w, ins_once);
}

enum emul_result emul_outs(struct emul_work *w)
{
	return port_string(w, outs_once);
}
