// SPDX-License-Identifier: GPL-2.0-only
/* Branches, calls and returns within the code segment; those to others are in far.c. */
#include "internal.h"

/**
 * emul_set_rip - branch within the code segment
 * @w: work
 * @target: new instruction pointer
 * @size: operand size of the branch; 2 cuts the target to 16 bits
 *
 * Return: EMUL_OK or #GP(0): beyond the limit, or not canonical.
 */
enum emul_result emul_set_rip(struct emul_work *w, u64 target, unsigned int size)
{
	struct emul_ctxt *c = w->c;
	struct emul_segment cs;

	target &= emul_mask(size);
	if (emul_is_64(c)) {
		if (!emul_canonical(c, target))
			return emul_raise_code(c, EXC_GP, 0);
	} else {
		c->ops->get_segment(c->opaque, EMUL_SEG_CS, &cs);
		if (target > cs.limit)
			return emul_raise_code(c, EXC_GP, 0);
	}
	w->rip = target;
	return EMUL_OK;
}

enum emul_result emul_jmp_rel(struct emul_work *w)
{
	return emul_set_rip(w, w->rip + w->insn->imm, w->size);
}

enum emul_result emul_jcc(struct emul_work *w)
{
	if (!emul_condition(w->rflags, w->insn->opcode))
		return EMUL_OK;
	return emul_jmp_rel(w);
}

/* E0 LOOPNE, E1 LOOPE, E2 LOOP: the counter has the address size. */
enum emul_result emul_loop(struct emul_work *w)
{
	const struct emul_insn *i = w->insn;
	u64 count = (w->gpr[EMUL_RCX] - 1) & emul_mask(i->addrsize);
	bool zf = w->rflags & FL_ZF;

	emul_set_reg(w, EMUL_RCX, count, i->addrsize);
	if (!count || (i->opcode != 0xe2 && zf != (i->opcode & 1)))
		return EMUL_OK;
	return emul_jmp_rel(w);
}

enum emul_result emul_jcxz(struct emul_work *w)
{
	if (emul_reg(w, EMUL_RCX, w->insn->addrsize))
		return EMUL_OK;
	return emul_jmp_rel(w);
}

enum emul_result emul_jmp_ind(struct emul_work *w)
{
	return emul_set_rip(w, w->src.val, w->size);
}

static enum emul_result call(struct emul_work *w, u64 target)
{
	u64 next = w->rip;
	enum emul_result res;

	res = emul_set_rip(w, target, w->size);
	return res == EMUL_OK ? emul_push(w, next, w->size) : res;
}

enum emul_result emul_call_rel(struct emul_work *w)
{
	return call(w, w->rip + w->insn->imm);
}

enum emul_result emul_call_ind(struct emul_work *w)
{
	return call(w, w->src.val);
}

enum emul_result emul_ret(struct emul_work *w)
{
	enum emul_result res;
	u64 target;

	res = emul_pop(w, &target, w->size);
	if (res == EMUL_OK)
		res = emul_set_rip(w, target, w->size);
	if (res == EMUL_OK && w->insn->imm)
		emul_set_reg(w, EMUL_RSP, w->gpr[EMUL_RSP] + w->insn->imm, emul_stack_size(w));
	return res;
}
