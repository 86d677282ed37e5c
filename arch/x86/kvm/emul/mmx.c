// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves of the MMX registers, which some drivers and old memcpy()s use on device memory. Intel SDM
 * vol. 2, MOVD/MOVQ and MOVNTQ; vol. 3, table 24-5 for the order of faults.
 */
#include "internal.h"

/* REX.R and REX.B count for nothing: there are eight. */
static u64 get(struct emul_work *w, unsigned int nr)
{
	return w->c->ops->read_mmx(w->c->opaque, nr & 7);
}

static enum emul_result put(struct emul_work *w, unsigned int nr, u64 val)
{
	w->c->ops->write_mmx(w->c->opaque, nr & 7, val);
	return EMUL_OK;
}

/* What goes before all that a memory operand can bring about. */
static enum emul_result check_mmx(struct emul_ctxt *c)
{
	u64 cr0 = c->ops->get_cr(c->opaque, 0);
	enum emul_result res;
	u16 control, status;

	if (!c->ops->get_x87 || !c->ops->read_mmx || !c->ops->write_mmx)
		return EMUL_UNHANDLEABLE;
	if (cr0 & CR0_EM)
		return emul_raise(c, EXC_UD);
	if (cr0 & CR0_TS)
		return emul_raise(c, EXC_NM);
	res = c->ops->get_x87(c->opaque, &control, &status);
	if (res == EMUL_OK && status & X87_ES)
		return emul_raise(c, EXC_MF);
	return res;
}

static enum emul_result read_mem(struct emul_work *w, u64 *val, unsigned int n)
{
	return emul_read_seg(w, w->insn->seg, emul_ea(w), val, n);
}

static enum emul_result write_mem(struct emul_work *w, u64 val, unsigned int n)
{
	return emul_write_seg(w, w->insn->seg, emul_ea(w), &val, n);
}

/* MOVQ between two registers, or a register and memory. */
enum emul_result emul_mmx_load(struct emul_work *w)
{
	enum emul_result res = check_mmx(w->c);
	u64 val = 0;

	if (res != EMUL_OK)
		return res;
	if (w->insn->mem)
		res = read_mem(w, &val, 8);
	else
		val = get(w, w->insn->rm);
	return res == EMUL_OK ? put(w, w->insn->reg, val) : res;
}

/* The same in the other direction; also MOVNTQ. */
enum emul_result emul_mmx_store(struct emul_work *w)
{
	enum emul_result res = check_mmx(w->c);
	u64 val;

	if (res != EMUL_OK)
		return res;
	val = get(w, w->insn->reg);
	return w->insn->mem ? write_mem(w, val, 8) : put(w, w->insn->rm, val);
}

/* MOVD, with REX.W MOVQ, between an MMX register and a general register or memory. */
static unsigned int gpr_size(const struct emul_work *w)
{
	return w->size == 8 ? 8 : 4;
}

enum emul_result emul_mmx_from_gpr(struct emul_work *w)
{
	enum emul_result res = check_mmx(w->c);
	u64 val = 0;

	if (res != EMUL_OK)
		return res;
	if (w->insn->mem)
		res = read_mem(w, &val, gpr_size(w));
	else
		val = emul_reg(w, w->insn->rm, gpr_size(w));
	return res == EMUL_OK ? put(w, w->insn->reg, val) : res;
}

enum emul_result emul_mmx_to_gpr(struct emul_work *w)
{
	enum emul_result res = check_mmx(w->c);
	u64 val;

	if (res != EMUL_OK)
		return res;
	val = get(w, w->insn->reg);
	if (w->insn->mem)
		return write_mem(w, val, gpr_size(w));
	emul_set_reg(w, w->insn->rm, val, gpr_size(w));
	return EMUL_OK;
}
