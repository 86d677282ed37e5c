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

/* @gpr: the operand that isn't memory is a general register. */
static enum emul_result load(struct emul_work *w, unsigned int n, bool gpr)
{
	const struct emul_insn *i = w->insn;
	enum emul_result res = check_mmx(w->c);
	u64 val = 0;

	if (res != EMUL_OK)
		return res;
	if (i->mem)
		res = emul_read_seg(w, i->seg, emul_ea(w), &val, n);
	else
		val = gpr ? emul_reg(w, i->rm, n) : get(w, i->rm);
	return res == EMUL_OK ? put(w, i->reg, val) : res;
}

static enum emul_result store(struct emul_work *w, unsigned int n, bool gpr)
{
	const struct emul_insn *i = w->insn;
	enum emul_result res = check_mmx(w->c);
	u64 val, linear = 0;

	/* The read of the register changes tags and TOP: nothing may fault behind it. */
	if (res == EMUL_OK && i->mem)
		res = emul_linear(w, i->seg, emul_ea(w), n, EMUL_ACC_WRITE, &linear);
	if (res == EMUL_OK && i->mem)
		res = emul_touch(w, linear, n, EMUL_ACC_WRITE);
	if (res != EMUL_OK)
		return res;
	val = get(w, i->reg);
	if (i->mem)
		return emul_write_linear(w, linear, &val, n, 0);
	if (!gpr)
		return put(w, i->rm, val);
	emul_set_reg(w, i->rm, val, n);
	return EMUL_OK;
}

/* MOVQ between two registers, or a register and memory. */
enum emul_result emul_mmx_load(struct emul_work *w)
{
	return load(w, 8, false);
}

/* The same in the other direction; also MOVNTQ. */
enum emul_result emul_mmx_store(struct emul_work *w)
{
	return store(w, 8, false);
}

/* MOVD, with REX.W MOVQ, between an MMX register and a general register or memory. */
enum emul_result emul_mmx_from_gpr(struct emul_work *w)
{
	return load(w, w->size == 8 ? 8 : 4, true);
}

enum emul_result emul_mmx_to_gpr(struct emul_work *w)
{
	return store(w, w->size == 8 ? 8 : 4, true);
}
