// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stacks that gates push on: the current one, or that which the TSS names for an inner privilege
 * level. Nothing is loaded here: who pushes loads SS and RSP when all has succeeded.
 */
#include "internal.h"

static u64 stack_linear(const struct emul_stack *st, u64 sp)
{
	return st->size == 8 ? sp : (u32)(st->ss.seg.base + sp);
}

/* May @n bytes be written at @sp? */
static enum emul_result check_push(struct emul_work *w, const struct emul_stack *st, u64 sp,
				   unsigned int n)
{
	struct emul_ctxt *c = w->c;
	bool ok;

	if (st->size == 8)
		ok = emul_canonical(c, sp) && emul_canonical(c, sp + n - 1);
	else
		ok = emul_segment_permits(c, &st->ss.seg, sp, n, EMUL_ACC_WRITE);
	return ok ? EMUL_OK : emul_raise_code(c, EXC_SS, st->error);
}

/**
 * emul_stack_current - the current stack
 * @w: work
 * @width: bytes that will be pushed at a time; 8: by a gate of long mode, whatever the mode is now
 * @st: out
 */
void emul_stack_current(struct emul_work *w, struct emul_stack *st, u8 width)
{
	struct emul_ctxt *c = w->c;

	*st = (struct emul_stack){
		.size = width == 8 ? 8 : emul_stack_size(w),
		.width = width,
		.cpl = c->cpl,
	};
	c->ops->get_segment(c->opaque, EMUL_SEG_SS, &st->ss.seg);
	st->sp = emul_reg(w, EMUL_RSP, st->size);
}

/* A field of the current TSS; beyond its limit: #TS. */
static enum emul_result read_tss(struct emul_work *w, const struct emul_segment *tr, u32 offset,
				 void *buf, unsigned int n)
{
	u64 addr = emul_table_address(w->c, tr->base, offset);

	return emul_read_linear(w, addr, buf, n, EMUL_ACC_SYSTEM);
}

/* SS and stack pointer of a privilege level in a 16- or 32-bit TSS. */
static enum emul_result read_tss_stack(struct emul_work *w, u8 cpl, u16 *ss, u64 *sp)
{
	struct emul_ctxt *c = w->c;
	struct emul_segment tr;
	enum emul_result res;
	u32 offset, n;

	c->ops->get_segment(c->opaque, EMUL_SEG_TR, &tr);
	n = tr.type & (SYS_TSS32 ^ SYS_TSS16) ? 4 : 2;
	offset = n + 2 * n * cpl;
	if (offset + n + 1 > tr.limit)
		return emul_selector_fault(w, EXC_TS, tr.selector);
	res = read_tss(w, &tr, offset, sp, n);
	return res == EMUL_OK ? read_tss(w, &tr, offset + n, ss, 2) : res;
}

/* Long mode: a stack pointer alone, of a privilege level or of the interrupt stack table. */
static enum emul_result long_stack(struct emul_work *w, u8 cpl, u8 ist, struct emul_stack *st)
{
	u32 offset = ist ? 28 + 8 * ist : 4 + 8 * cpl;
	struct emul_ctxt *c = w->c;
	struct emul_segment tr;

	c->ops->get_segment(c->opaque, EMUL_SEG_TR, &tr);
	if (offset + 7 > tr.limit)
		return emul_selector_fault(w, EXC_TS, tr.selector);
	if (cpl != c->cpl)
		st->ss.seg = (struct emul_segment){ .selector = cpl, .dpl = cpl, .unusable = 1 };
	else
		c->ops->get_segment(c->opaque, EMUL_SEG_SS, &st->ss.seg);
	return read_tss(w, &tr, offset, &st->sp, 8);
}

/**
 * emul_stack_of_tss - the stack that the current TSS has for a privilege level
 * @w: work
 * @cpl: the privilege level
 * @ist: long mode: 1 to 7: the entry of the interrupt stack table instead
 * @width: bytes that will be pushed at a time
 * @st: out
 *
 * Intel SDM vol. 3, 5.8.5, 6.14.4, 6.14.5.
 * Return: EMUL_OK; #TS with the selector of the TSS or stack; #SS(selector) if not present.
 */
enum emul_result emul_stack_of_tss(struct emul_work *w, u8 cpl, u8 ist, u8 width,
				   struct emul_stack *st)
{
	const struct emul_segment *s = &st->ss.seg;
	enum emul_result res;
	u16 ss = 0;

	*st = (struct emul_stack){ .width = width, .cpl = cpl, .size = 8 };
	if (w->c->lma)
		return long_stack(w, cpl, ist, st);
	res = read_tss_stack(w, cpl, &ss, &st->sp);
	if (res != EMUL_OK)
		return res;
	if (emul_is_null(ss))
		return emul_raise_code(w->c, EXC_TS, 0);
	res = emul_read_desc(w, ss, EXC_TS, EMUL_ACC_READ, &st->ss);
	if (res != EMUL_OK)
		return res;
	if ((ss & 3) != cpl || s->dpl != cpl || !emul_is_writable(s))
		return emul_selector_fault(w, EXC_TS, ss);
	if (!s->present)
		return emul_selector_fault(w, EXC_SS, ss);
	st->error = ss & ~3u;
	st->size = s->db ? 4 : 2;
	st->sp &= emul_mask(st->size);
	return EMUL_OK;
}

/**
 * emul_stack_room - is there room?
 * @w: work
 * @st: the stack
 * @n: for how many pushes
 *
 * Return: EMUL_OK or #SS.
 */
enum emul_result emul_stack_room(struct emul_work *w, const struct emul_stack *st, unsigned int n)
{
	enum emul_result res = EMUL_OK;
	u64 sp = st->sp;

	while (n-- && res == EMUL_OK) {
		sp = (sp - st->width) & emul_mask(st->size);
		res = check_push(w, st, sp, st->width);
	}
	return res;
}

/**
 * emul_stack_push - push, unless an earlier push has failed
 * @w: work
 * @st: the stack; its sp and res change
 * @val: the value
 */
void emul_stack_push(struct emul_work *w, struct emul_stack *st, u64 val)
{
	u64 linear, sp = (st->sp - st->width) & emul_mask(st->size);
	struct emul_ctxt *c = w->c;
	u8 cpl = c->cpl;

	if (st->res == EMUL_OK)
		st->res = check_push(w, st, sp, st->width);
	if (st->res != EMUL_OK)
		return;
	linear = stack_linear(st, sp);
	c->cpl = st->cpl; /* whose access it is */
	if (linear & (st->width - 1) && emul_wants_alignment(c))
		st->res = emul_raise_code(c, EXC_AC, 0);
	else
		st->res = emul_write_linear(w, linear, &val, st->width, 0);
	c->cpl = cpl;
	st->sp = sp;
}

/**
 * emul_stack_set_pointer - the stack pointer becomes that of the stack
 * @w: work
 * @st: the stack
 */
void emul_stack_set_pointer(struct emul_work *w, const struct emul_stack *st)
{
	emul_set_reg(w, EMUL_RSP, st->sp, st->size);
}
