// SPDX-License-Identifier: GPL-2.0-only
/*
 * Far jumps, calls and returns: between code segments, through call gates, to outer privilege
 * levels. Intel SDM vol. 2, "CALL", "JMP", "RET"; vol. 3, 5.8; AMD APM vol. 2, 4.11.
 */
#include "internal.h"

/**
 * emul_check_offset - is an instruction pointer inside of the code segment that it is for?
 * @w: work
 * @cs: the segment
 * @offset: the pointer
 */
enum emul_result emul_check_offset(struct emul_work *w, const struct emul_segment *cs, u64 offset)
{
	bool ok = w->c->lma && cs->l ? emul_canonical(w->c, offset) : offset <= cs->limit;

	return ok ? EMUL_OK : emul_raise_code(w->c, EXC_GP, 0);
}

/* May a transfer of this kind come here from the current privilege level? */
static bool level_ok(const struct emul_ctxt *c, const struct emul_segment *s,
		     enum emul_code_use use)
{
	bool conforming = emul_is_conforming(s);
	u8 rpl = s->selector & 3;

	switch (use) {
	case EMUL_CODE_BRANCH:
		return conforming ? s->dpl <= c->cpl : s->dpl == c->cpl && rpl <= c->cpl;
	case EMUL_CODE_RETURN:
		return rpl >= c->cpl && (conforming ? s->dpl <= rpl : s->dpl == rpl);
	case EMUL_CODE_GATE:
		return s->dpl <= c->cpl;
	default:
		return conforming ? s->dpl <= c->cpl : s->dpl == c->cpl;
	}
}

/* Long mode: no segment has both L and D; gates lead to 64-bit code alone. */
static bool bits_ok(const struct emul_ctxt *c, const struct emul_segment *s, enum emul_code_use use)
{
	if (!c->lma)
		return true;
	if (use == EMUL_CODE_GATE || use == EMUL_CODE_JMP_GATE)
		return s->l && !s->db;
	return !(s->l && s->db);
}

static enum emul_result check_code(struct emul_work *w, enum emul_code_use use, struct emul_desc *d)
{
	struct emul_segment *s = &d->seg;
	struct emul_ctxt *c = w->c;
	u8 cpl = c->cpl;

	if (!emul_is_code(s) || !level_ok(c, s, use) || !bits_ok(c, s, use))
		return emul_selector_fault(w, EXC_GP, s->selector);
	if (!s->present)
		return emul_selector_fault(w, EXC_NP, s->selector);
	if (use == EMUL_CODE_RETURN)
		cpl = s->selector & 3;
	else if (use == EMUL_CODE_GATE && !emul_is_conforming(s))
		cpl = s->dpl;
	s->selector = (s->selector & ~3u) | cpl;
	return EMUL_OK;
}

static enum emul_result read_target(struct emul_work *w, u16 selector, struct emul_desc *d)
{
	if (emul_is_null(selector))
		return emul_raise_code(w->c, EXC_GP, 0);
	return emul_read_desc(w, selector, EXC_GP, EMUL_ACC_READ, d);
}

/**
 * emul_code_desc - read and check the code segment that a far transfer leads to
 * @w: work
 * @selector: the segment
 * @use: how it is come to
 * @d: out: its descriptor; RPL of the selector is the new CPL
 *
 * Return: EMUL_OK; #GP(0), #GP(selector), #NP(selector).
 */
enum emul_result emul_code_desc(struct emul_work *w, u16 selector, enum emul_code_use use,
				struct emul_desc *d)
{
	enum emul_result res = read_target(w, selector, d);

	return res == EMUL_OK ? check_code(w, use, d) : res;
}

/**
 * emul_paragraph_code - check the target of a far transfer in real or virtual-8086 mode
 * @w: work
 * @selector: paragraph
 * @offset: new instruction pointer
 * @cs: out: what emul_set_cs() is to load
 */
enum emul_result emul_paragraph_code(struct emul_work *w, u16 selector, u64 offset,
				     struct emul_segment *cs)
{
	struct emul_ctxt *c = w->c;

	c->ops->get_segment(c->opaque, EMUL_SEG_CS, cs);
	if (offset > cs->limit)
		return emul_raise_code(c, EXC_GP, 0);
	cs->selector = selector;
	cs->base = (u64)selector << 4;
	return EMUL_OK;
}

/**
 * emul_set_cs - load CS and the instruction pointer, after all that can fail
 * @w: work
 * @cs: checked code segment
 * @offset: checked instruction pointer
 */
enum emul_result emul_set_cs(struct emul_work *w, const struct emul_segment *cs, u64 offset)
{
	w->rip = offset;
	return emul_set_segment(w, EMUL_SEG_CS, cs);
}

/* --- calls ----------------------------------------------------------------------------------- */

/* Push the return address and go, at the same privilege level. */
static enum emul_result call_same(struct emul_work *w, struct emul_desc *cs, u64 offset, u8 width)
{
	struct emul_segment old;
	struct emul_stack st;
	enum emul_result res;

	w->c->ops->get_segment(w->c->opaque, EMUL_SEG_CS, &old);
	emul_stack_current(w, &st, width);
	res = emul_stack_room(w, &st, 2);
	if (res == EMUL_OK)
		res = emul_check_offset(w, &cs->seg, offset);
	if (res != EMUL_OK)
		return res;
	emul_stack_push(w, &st, old.selector);
	emul_stack_push(w, &st, w->rip);
	res = st.res;
	if (res == EMUL_OK)
		res = emul_mark_accessed(w, cs);
	if (res != EMUL_OK)
		return res;
	emul_stack_set_pointer(w, &st);
	return emul_set_cs(w, &cs->seg, offset);
}

/* A call gate's parameters, the last one first, from the old stack to the new. */
static enum emul_result copy_parameters(struct emul_work *w, struct emul_stack *st, unsigned int n)
{
	u64 mask = emul_mask(emul_stack_size(w)), val;
	enum emul_result res = EMUL_OK;

	while (n-- && res == EMUL_OK && st->res == EMUL_OK) {
		val = 0;
		res = emul_read_seg(w, EMUL_SEG_SS, (w->gpr[EMUL_RSP] + n * st->width) & mask, &val,
				    st->width);
		if (res == EMUL_OK)
			emul_stack_push(w, st, val);
	}
	return res == EMUL_OK ? st->res : res;
}

/* Through a call gate to an inner privilege level: on its stack, the old one's pointer first. */
static enum emul_result call_inner(struct emul_work *w, struct emul_desc *cs, u64 offset, u8 width,
				   unsigned int parameters)
{
	struct emul_segment old_cs, old_ss;
	struct emul_ctxt *c = w->c;
	struct emul_stack st;
	enum emul_result res;

	c->ops->get_segment(c->opaque, EMUL_SEG_CS, &old_cs);
	c->ops->get_segment(c->opaque, EMUL_SEG_SS, &old_ss);
	res = emul_stack_of_tss(w, cs->seg.dpl, 0, width, &st);
	if (res == EMUL_OK)
		res = emul_stack_room(w, &st, 4 + parameters);
	if (res == EMUL_OK)
		res = emul_check_offset(w, &cs->seg, offset);
	if (res != EMUL_OK)
		return res;
	emul_stack_push(w, &st, old_ss.selector);
	emul_stack_push(w, &st, w->gpr[EMUL_RSP]);
	res = copy_parameters(w, &st, parameters);
	if (res != EMUL_OK)
		return res;
	emul_stack_push(w, &st, old_cs.selector);
	emul_stack_push(w, &st, w->rip);
	res = st.res;
	if (res == EMUL_OK)
		res = emul_mark_accessed(w, &st.ss);
	if (res == EMUL_OK)
		res = emul_mark_accessed(w, cs);
	if (res == EMUL_OK)
		res = emul_set_segment(w, EMUL_SEG_SS, &st.ss.seg);
	if (res != EMUL_OK)
		return res;
	emul_stack_set_pointer(w, &st);
	return emul_set_cs(w, &cs->seg, offset);
}

static enum emul_result jmp_code(struct emul_work *w, struct emul_desc *cs, u64 offset)
{
	enum emul_result res = emul_check_offset(w, &cs->seg, offset);

	if (res == EMUL_OK)
		res = emul_mark_accessed(w, cs);
	return res == EMUL_OK ? emul_set_cs(w, &cs->seg, offset) : res;
}

/* --- gates ----------------------------------------------------------------------------------- */

/* A gate or TSS is open to who is as privileged as its DPL, by CPL and RPL. */
static bool gate_open(const struct emul_ctxt *c, const struct emul_segment *s)
{
	return s->dpl >= max_t(u8, c->cpl, s->selector & 3);
}

static enum emul_result call_gate(struct emul_work *w, const struct emul_desc *gate, bool call)
{
	u8 width = gate->seg.type & (SYS_CALL32 ^ SYS_CALL16) ? 4 : 2;
	u64 high, offset = (gate->raw & 0xffff) | (gate->raw >> 32 & 0xffff0000);
	unsigned int parameters = gate->raw >> 32 & 31;
	enum emul_result res;
	struct emul_desc cs;

	if (!gate_open(w->c, &gate->seg))
		return emul_selector_fault(w, EXC_GP, gate->seg.selector);
	res = emul_read_desc_high(w, gate, &high);
	if (res != EMUL_OK)
		return res;
	if (!gate->seg.present)
		return emul_selector_fault(w, EXC_NP, gate->seg.selector);
	if (w->c->lma) {
		width = 8;
		offset |= high << 32;
		parameters = 0;
	} else if (width == 2) {
		offset &= 0xffff;
	}
	res = emul_code_desc(w, gate->raw >> 16, call ? EMUL_CODE_GATE : EMUL_CODE_JMP_GATE, &cs);
	if (res != EMUL_OK)
		return res;
	if (!call)
		return jmp_code(w, &cs, offset);
	if ((cs.seg.selector & 3) < w->c->cpl)
		return call_inner(w, &cs, offset, width, parameters);
	return call_same(w, &cs, offset, width);
}

static enum emul_result task_target(struct emul_work *w, const struct emul_desc *d, bool call)
{
	enum emul_task_reason reason = call ? EMUL_TASK_CALL : EMUL_TASK_JMP;

	if (!gate_open(w->c, &d->seg))
		return emul_selector_fault(w, EXC_GP, d->seg.selector);
	if (d->seg.type != SYS_TASK_GATE)
		return emul_task_tss(w, d->seg.selector, reason);
	if (!d->seg.present)
		return emul_selector_fault(w, EXC_NP, d->seg.selector);
	return emul_task_gate(w, d->raw >> 16, reason, NULL);
}

/* The target of a far CALL or JMP is a gate or TSS. Long mode has call gates alone. */
static enum emul_result system_target(struct emul_work *w, const struct emul_desc *d, bool call)
{
	switch (d->seg.type) {
	case SYS_CALL32:
		return call_gate(w, d, call);
	case SYS_CALL16:
		if (!w->c->lma)
			return call_gate(w, d, call);
		break;
	case SYS_TASK_GATE:
	case SYS_TSS16:
	case SYS_TSS32:
		if (!w->c->lma)
			return task_target(w, d, call);
		break;
	}
	return emul_selector_fault(w, EXC_GP, d->seg.selector);
}

/* --- instructions ---------------------------------------------------------------------------- */

static enum emul_result jmp_far(struct emul_work *w, u16 selector, u64 offset)
{
	enum emul_result res;
	struct emul_desc cs;

	if (emul_is_paragraph(w->c)) {
		res = emul_paragraph_code(w, selector, offset, &cs.seg);
		return res == EMUL_OK ? emul_set_cs(w, &cs.seg, offset) : res;
	}
	res = read_target(w, selector, &cs);
	if (res != EMUL_OK)
		return res;
	if (!cs.seg.s)
		return system_target(w, &cs, false);
	res = check_code(w, EMUL_CODE_BRANCH, &cs);
	return res == EMUL_OK ? jmp_code(w, &cs, offset) : res;
}

static enum emul_result call_far(struct emul_work *w, u16 selector, u64 offset, unsigned int size)
{
	struct emul_desc cs = {};
	enum emul_result res;

	if (emul_is_paragraph(w->c)) {
		res = emul_paragraph_code(w, selector, offset, &cs.seg);
		return res == EMUL_OK ? call_same(w, &cs, offset, size) : res;
	}
	res = read_target(w, selector, &cs);
	if (res != EMUL_OK)
		return res;
	if (!cs.seg.s)
		return system_target(w, &cs, true);
	res = check_code(w, EMUL_CODE_BRANCH, &cs);
	return res == EMUL_OK ? call_same(w, &cs, offset, size) : res;
}

/* A far pointer in memory: offset, then selector. AMD has no 64-bit offsets here. */
static enum emul_result read_far_pointer(struct emul_work *w, u16 *selector, u64 *offset)
{
	const struct emul_insn *i = w->insn;
	unsigned int size = w->c->vendor == EMUL_VENDOR_AMD ? min_t(u8, w->size, 4) : w->size;
	u64 ea = emul_ea(w);
	enum emul_result res;

	*offset = 0;
	res = emul_read_seg(w, i->seg, ea, offset, size);
	if (res != EMUL_OK)
		return res;
	return emul_read_seg(w, i->seg, (ea + size) & emul_mask(i->addrsize), selector, 2);
}

enum emul_result emul_jmp_far(struct emul_work *w)
{
	return jmp_far(w, w->insn->imm2, w->insn->imm & emul_mask(w->size));
}

enum emul_result emul_jmp_far_ind(struct emul_work *w)
{
	enum emul_result res;
	u16 selector;
	u64 offset;

	res = read_far_pointer(w, &selector, &offset);
	return res == EMUL_OK ? jmp_far(w, selector, offset) : res;
}

enum emul_result emul_call_far(struct emul_work *w)
{
	return call_far(w, w->insn->imm2, w->insn->imm & emul_mask(w->size), w->size);
}

enum emul_result emul_call_far_ind(struct emul_work *w)
{
	enum emul_result res;
	u16 selector;
	u64 offset;

	res = read_far_pointer(w, &selector, &offset);
	return res == EMUL_OK ? call_far(w, selector, offset, w->size) : res;
}

/* --- returns --------------------------------------------------------------------------------- */

/* Release a return's arguments. */
static void release_arguments(struct emul_work *w, u16 bytes)
{
	if (bytes)
		emul_set_reg(w, EMUL_RSP, w->gpr[EMUL_RSP] + bytes, emul_stack_size(w));
}

/* The stack segment that a far return goes back to. */
static enum emul_result return_stack(struct emul_work *w, const struct emul_segment *cs,
				     u16 selector, struct emul_desc *ss)
{
	u8 cpl = cs->selector & 3;
	enum emul_result res;

	if (emul_is_null(selector)) {
		if (!(w->c->lma && cs->l) || cpl == 3 || (selector & 3) != cpl)
			return emul_raise_code(w->c, EXC_GP, 0);
		*ss = (struct emul_desc){
			.seg = { .selector = selector, .dpl = cpl, .unusable = 1 },
		};
		return EMUL_OK;
	}
	res = emul_read_desc(w, selector, EXC_GP, EMUL_ACC_READ, ss);
	if (res != EMUL_OK)
		return res;
	if ((selector & 3) != cpl || ss->seg.dpl != cpl || !emul_is_writable(&ss->seg))
		return emul_selector_fault(w, EXC_GP, selector);
	return ss->seg.present ? EMUL_OK : emul_selector_fault(w, EXC_SS, selector);
}

/* What an outer level may not use is taken from it. */
static enum emul_result drop_inner_data(struct emul_work *w, u8 cpl)
{
	static const u8 regs[] = { EMUL_SEG_ES, EMUL_SEG_DS, EMUL_SEG_FS, EMUL_SEG_GS };
	struct emul_ctxt *c = w->c;
	enum emul_result res = EMUL_OK;
	struct emul_segment s;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(regs) && res == EMUL_OK; i++) {
		c->ops->get_segment(c->opaque, regs[i], &s);
		if (s.unusable || emul_is_conforming(&s) || s.dpl >= cpl)
			continue;
		s.selector = 0;
		s.unusable = 1;
		res = emul_set_segment(w, regs[i], &s);
	}
	return res;
}

/* With a stack: to an outer level, or IRET in 64-bit mode. */
static enum emul_result return_with_stack(struct emul_work *w, struct emul_desc *cs, u64 offset,
					  u16 release)
{
	u8 sp_size, cpl = cs->seg.selector & 3;
	enum emul_result res;
	struct emul_desc ss;
	u64 sp, selector;

	release_arguments(w, release);
	res = emul_pop(w, &sp, w->size);
	if (res == EMUL_OK)
		res = emul_pop(w, &selector, w->size);
	if (res == EMUL_OK)
		res = return_stack(w, &cs->seg, selector, &ss);
	if (res == EMUL_OK)
		res = emul_check_offset(w, &cs->seg, offset);
	if (res == EMUL_OK)
		res = emul_mark_accessed(w, cs);
	if (res == EMUL_OK)
		res = emul_mark_accessed(w, &ss);
	if (res == EMUL_OK)
		res = emul_set_segment(w, EMUL_SEG_SS, &ss.seg);
	if (res == EMUL_OK && cpl > w->c->cpl)
		res = drop_inner_data(w, cpl);
	if (res != EMUL_OK)
		return res;
	sp_size = w->c->lma && cs->seg.l ? 8 : ss.seg.db ? 4 : 2;
	emul_set_reg(w, EMUL_RSP, sp + release, sp_size);
	return emul_set_cs(w, &cs->seg, offset);
}

/**
 * emul_far_return - the end of RETF and IRET in protected mode
 * @w: work; offset and selector (and flags) have been popped
 * @selector: of the code segment
 * @offset: new instruction pointer
 * @release: bytes of arguments to release, on both stacks
 * @iret: IRET: in 64-bit mode a stack pointer is popped whatever the level
 */
enum emul_result emul_far_return(struct emul_work *w, u16 selector, u64 offset, u16 release,
				 bool iret)
{
	enum emul_result res;
	struct emul_desc cs;

	res = emul_code_desc(w, selector, EMUL_CODE_RETURN, &cs);
	if (res != EMUL_OK)
		return res;
	if ((cs.seg.selector & 3) > w->c->cpl || (iret && emul_is_64(w->c)))
		return return_with_stack(w, &cs, offset, release);
	release_arguments(w, release);
	return jmp_code(w, &cs, offset);
}

enum emul_result emul_ret_far(struct emul_work *w)
{
	u64 offset, selector;
	enum emul_result res;
	struct emul_segment cs;

	res = emul_pop(w, &offset, w->size);
	if (res == EMUL_OK)
		res = emul_pop(w, &selector, w->size);
	if (res != EMUL_OK)
		return res;
	if (!emul_is_paragraph(w->c))
		return emul_far_return(w, selector, offset, w->insn->imm, false);
	res = emul_paragraph_code(w, selector, offset, &cs);
	if (res != EMUL_OK)
		return res;
	release_arguments(w, w->insn->imm);
	return emul_set_cs(w, &cs, offset);
}
