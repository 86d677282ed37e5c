// SPDX-License-Identifier: GPL-2.0-only
/*
 * Branches, calls and returns, near and far; interrupts and their return in real mode.
 *
 * In protected mode far transfers stay at their privilege level: gates, task switches, INT and
 * changes of level are EMUL_UNHANDLEABLE.
 */
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

/* Release a return's immediate bytes of arguments. */
static void drop_arguments(struct emul_work *w)
{
	unsigned int sp_size = emul_stack_size(w);

	if (w->insn->imm)
		emul_set_reg(w, EMUL_RSP, w->gpr[EMUL_RSP] + w->insn->imm, sp_size);
}

enum emul_result emul_ret(struct emul_work *w)
{
	enum emul_result res;
	u64 target;

	res = emul_pop(w, &target, w->size);
	if (res == EMUL_OK)
		res = emul_set_rip(w, target, w->size);
	if (res == EMUL_OK)
		drop_arguments(w);
	return res;
}

static enum emul_result jmp_far(struct emul_work *w, u16 selector, u64 offset)
{
	struct emul_segment cs;
	enum emul_result res;

	res = emul_far_target(w, selector, offset, &cs);
	return res == EMUL_OK ? emul_set_cs(w, &cs, offset) : res;
}

static enum emul_result call_far(struct emul_work *w, u16 selector, u64 offset, unsigned int size)
{
	u64 next = w->rip & emul_mask(size);
	struct emul_segment cs, old;
	enum emul_result res;

	w->c->ops->get_segment(w->c->opaque, EMUL_SEG_CS, &old);
	res = emul_far_target(w, selector, offset, &cs);
	if (res == EMUL_OK)
		res = emul_push(w, old.selector, size);
	if (res == EMUL_OK)
		res = emul_push(w, next, size);
	return res == EMUL_OK ? emul_set_cs(w, &cs, offset) : res;
}

/* A far pointer in memory: offset, then selector. AMD has no 64-bit offsets here. */
static enum emul_result read_far_pointer(struct emul_work *w, u16 *selector, u64 *offset,
					 unsigned int *size)
{
	const struct emul_insn *i = w->insn;
	u64 ea = emul_ea(w);
	enum emul_result res;

	*size = w->c->vendor == EMUL_VENDOR_AMD ? min_t(u8, w->size, 4) : w->size;
	*offset = 0;
	res = emul_read_seg(w, i->seg, ea, offset, *size);
	if (res != EMUL_OK)
		return res;
	return emul_read_seg(w, i->seg, (ea + *size) & emul_mask(i->addrsize), selector, 2);
}

enum emul_result emul_jmp_far(struct emul_work *w)
{
	return jmp_far(w, w->insn->imm2, w->insn->imm & emul_mask(w->size));
}

enum emul_result emul_jmp_far_ind(struct emul_work *w)
{
	enum emul_result res;
	unsigned int size;
	u16 selector;
	u64 offset;

	res = read_far_pointer(w, &selector, &offset, &size);
	return res == EMUL_OK ? jmp_far(w, selector, offset) : res;
}

enum emul_result emul_call_far(struct emul_work *w)
{
	return call_far(w, w->insn->imm2, w->insn->imm & emul_mask(w->size), w->size);
}

enum emul_result emul_call_far_ind(struct emul_work *w)
{
	enum emul_result res;
	unsigned int size;
	u16 selector;
	u64 offset;

	res = read_far_pointer(w, &selector, &offset, &size);
	return res == EMUL_OK ? call_far(w, selector, offset, size) : res;
}

enum emul_result emul_ret_far(struct emul_work *w)
{
	struct emul_segment cs;
	enum emul_result res;
	u64 offset, selector = 0;

	res = emul_pop(w, &offset, w->size);
	if (res == EMUL_OK)
		res = emul_pop(w, &selector, w->size);
	if (res == EMUL_OK)
		res = emul_far_return_target(w, selector, offset, &cs);
	if (res != EMUL_OK)
		return res;
	drop_arguments(w);
	return emul_set_cs(w, &cs, offset);
}

/* Through the vector table of real mode: Intel SDM vol. 3, 20.1.4. */
static enum emul_result interrupt(struct emul_work *w, u8 vector)
{
	struct emul_ctxt *c = w->c;
	struct emul_segment cs;
	enum emul_result res;
	u16 limit, old_cs;
	u32 target = 0;
	u64 base;

	if (c->mode != EMUL_MODE_REAL || !c->ops->get_table)
		return EMUL_UNHANDLEABLE;
	c->ops->get_table(c->opaque, EMUL_IDT, &base, &limit);
	if (vector * 4 + 3 > limit)
		return emul_raise_code(c, EXC_GP, vector * 8 + 2);
	res = emul_read_linear(w, base + vector * 4, &target, 4, EMUL_ACC_SYSTEM);
	if (res != EMUL_OK)
		return res;
	c->ops->get_segment(c->opaque, EMUL_SEG_CS, &cs);
	old_cs = cs.selector;
	res = emul_far_target(w, target >> 16, target & 0xffff, &cs);
	if (res == EMUL_OK)
		res = emul_push(w, w->rflags & 0xffff, 2);
	if (res == EMUL_OK)
		res = emul_push(w, old_cs, 2);
	if (res == EMUL_OK)
		res = emul_push(w, w->rip & 0xffff, 2);
	if (res != EMUL_OK)
		return res;
	w->rflags &= ~(u64)(FL_IF | FL_TF | FL_AC | FL_RF);
	return emul_set_cs(w, &cs, target & 0xffff);
}

enum emul_result emul_int3(struct emul_work *w)
{
	return interrupt(w, EXC_BP);
}

enum emul_result emul_int_n(struct emul_work *w)
{
	return interrupt(w, w->insn->imm);
}

enum emul_result emul_into(struct emul_work *w)
{
	return w->rflags & FL_OF ? interrupt(w, EXC_OF) : EMUL_OK;
}

/* Real mode only. Intel SDM vol. 2, IRET, REAL-ADDRESS-MODE. */
enum emul_result emul_iret(struct emul_work *w)
{
	u64 mask = FL_ARITH | FL_TF | FL_IF | FL_DF | FL_IOPL | FL_NT | FL_RF | FL_AC | FL_ID;
	u64 offset, flags, selector = 0;
	struct emul_segment cs;
	enum emul_result res;

	if (w->c->mode != EMUL_MODE_REAL)
		return EMUL_UNHANDLEABLE;
	res = emul_pop(w, &offset, w->size);
	if (res == EMUL_OK)
		res = emul_pop(w, &selector, w->size);
	if (res == EMUL_OK)
		res = emul_pop(w, &flags, w->size);
	if (res == EMUL_OK)
		res = emul_far_return_target(w, selector, offset, &cs);
	if (res != EMUL_OK)
		return res;
	mask &= emul_mask(w->size);
	w->rflags = (w->rflags & ~mask) | (flags & mask);
	w->iret = true;
	return emul_set_cs(w, &cs, offset);
}
