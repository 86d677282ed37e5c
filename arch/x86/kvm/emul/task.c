// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task switches, by far CALL and JMP, IRET and task gates. Intel SDM vol. 3, chapter 7; AMD APM
 * vol. 2, chapter 12.
 *
 * Up to commit_task() everything happens in the old task, and can be done again: the new TSS
 * becomes busy last, where nothing can fault any more. After it all is the new task's.
 */
#include "internal.h"

/* 32-bit TSS: 0 link, 1C CR3, 20 EIP ... 5C GS, 60 LDT, 64 bit 0 T. Size of the part with these. */
#define TSS32_SIZE 0x68
/* 16-bit TSS: 0 link, 0E IP ... 28 DS, 2A LDT. */
#define TSS16_SIZE 0x2c

#define SAVED32 0x20 /* first byte that a task switch writes ... */
#define SAVED32_SIZE 0x40 /* ... and how many */
#define SAVED16 0x0e
#define SAVED16_SIZE 0x1c

/* Attempts at an accessed bit that somebody else is changing, in the new task. */
#define TRIES 8

/* What a TSS holds of a task. */
struct task {
	u32 cr3, eip, eflags;
	u32 gpr[8];
	u16 seg[6];
	u16 ldt;
	bool trap;
};

static bool is_32(const struct emul_segment *tss)
{
	return tss->type & (SYS_TSS32 ^ SYS_TSS16);
}

static void put(u8 *tss, unsigned int at, u32 val, unsigned int n)
{
	memcpy(tss + at, &val, n);
}

static u32 get(const u8 *tss, unsigned int at, unsigned int n)
{
	u32 val = 0;

	memcpy(&val, tss + at, n);
	return val;
}

/* General registers and segment registers are in the order of their numbers. */
static void pack_task(const struct task *t, bool tss32, u8 *tss)
{
	unsigned int i, n = tss32 ? 4 : 2, at = tss32 ? SAVED32 : SAVED16;

	put(tss, at, t->eip, n);
	put(tss, at + n, t->eflags, n);
	for (i = 0; i < ARRAY_SIZE(t->gpr); i++)
		put(tss, at + (2 + i) * n, t->gpr[i], n);
	for (i = 0; i < (tss32 ? 6 : 4); i++)
		put(tss, at + (10 + i) * n, t->seg[i], n);
}

static void unpack_task(const u8 *tss, bool tss32, struct task *t)
{
	unsigned int i, n = tss32 ? 4 : 2, at = tss32 ? SAVED32 : SAVED16;

	*t = (struct task){
		.eip = get(tss, at, n),
		.eflags = get(tss, at + n, n),
		.ldt = get(tss, tss32 ? 0x60 : 0x2a, 2),
	};
	for (i = 0; i < ARRAY_SIZE(t->gpr); i++)
		t->gpr[i] = get(tss, at + (2 + i) * n, n);
	for (i = 0; i < (tss32 ? 6 : 4); i++)
		t->seg[i] = get(tss, at + (10 + i) * n, 2);
	if (tss32) {
		t->cr3 = get(tss, 0x1c, 4);
		t->trap = tss[0x64] & 1;
	}
}

/* Accesses have a size that ops->read() and ops->write() know. */
static unsigned int piece(unsigned int n)
{
	return n >= 32 ? 32 : n >= 16 ? 16 : n >= 8 ? 8 : 4;
}

static enum emul_result read_tss(struct emul_work *w, u64 base, u8 *buf, unsigned int size)
{
	enum emul_result res = EMUL_OK;
	unsigned int n, at;

	for (at = 0; at < size && res == EMUL_OK; at += n) {
		n = piece(size - at);
		res = emul_read_linear(w, (u32)(base + at), buf + at, n, EMUL_ACC_SYSTEM);
	}
	return res;
}

static enum emul_result write_tss(struct emul_work *w, u64 base, const u8 *buf, unsigned int first,
				  unsigned int size)
{
	unsigned int n, at, end = first + size;
	enum emul_result res = EMUL_OK;

	for (at = first; at < end && res == EMUL_OK; at += n) {
		n = piece(end - at);
		res = emul_write_linear(w, (u32)(base + at), buf + at, n, EMUL_ACC_SYSTEM);
	}
	return res;
}

/* --- in the old task ------------------------------------------------------------------------- */

/*
 * Its descriptor must be in the GDT, a TSS, present, long enough; busy for IRET, which complains
 * by #TS, available for all else.
 */
static enum emul_result read_new_tss(struct emul_work *w, u16 selector,
				     enum emul_task_reason reason, struct emul_desc *d)
{
	u8 vector = reason == EMUL_TASK_IRET ? EXC_TS : EXC_GP;
	u8 busy = reason == EMUL_TASK_IRET ? SYS_BUSY : 0;
	const struct emul_segment *s = &d->seg;
	enum emul_result res;

	if (selector & SEL_TI)
		return emul_selector_fault(w, vector, selector);
	res = emul_read_desc(w, selector, vector, EMUL_ACC_WRITE, d);
	if (res != EMUL_OK)
		return res;
	if (s->s || (s->type != (SYS_TSS16 | busy) && s->type != (SYS_TSS32 | busy)))
		return emul_selector_fault(w, vector, selector);
	if (!s->present)
		return emul_selector_fault(w, EXC_NP, selector);
	if (s->limit < (is_32(s) ? TSS32_SIZE : TSS16_SIZE) - 1)
		return emul_selector_fault(w, EXC_TS, selector);
	return EMUL_OK;
}

static enum emul_result save_old_task(struct emul_work *w, const struct emul_segment *tr,
				      enum emul_task_reason reason)
{
	unsigned int i, first = SAVED16, size = SAVED16_SIZE;
	struct task t = { .eip = w->rip, .eflags = w->rflags };
	struct emul_segment s;
	u8 tss[TSS32_SIZE];

	if (is_32(tr)) {
		first = SAVED32;
		size = SAVED32_SIZE;
	}
	if (tr->limit < first + size - 1)
		return emul_selector_fault(w, EXC_TS, tr->selector);
	if (reason == EMUL_TASK_IRET)
		t.eflags &= ~FL_NT;
	for (i = 0; i < ARRAY_SIZE(t.gpr); i++)
		t.gpr[i] = w->gpr[i];
	for (i = 0; i < ARRAY_SIZE(t.seg); i++) {
		w->c->ops->get_segment(w->c->opaque, i, &s);
		t.seg[i] = s.selector;
	}
	memset(tss, 0, sizeof(tss));
	pack_task(&t, is_32(tr), tss);
	return write_tss(w, tr->base, tss, first, size);
}

static enum emul_result set_busy(struct emul_work *w, const struct emul_desc *d, bool busy)
{
	u64 new = busy ? d->raw | DESC_BUSY : d->raw & ~DESC_BUSY;

	if (new == d->raw)
		return EMUL_OK;
	return emul_cmpxchg(w, d->addr, &d->raw, &new, 8, EMUL_ACC_SYSTEM);
}

/* The link is what IRET comes back by; busy bits tell who is on the way to be come back to. */
static enum emul_result leave_old_task(struct emul_work *w, const struct emul_segment *tr,
				       const struct emul_desc *new, enum emul_task_reason reason)
{
	bool nested = reason == EMUL_TASK_CALL || reason == EMUL_TASK_GATE;
	enum emul_result res = EMUL_OK;
	struct emul_desc old;

	if (nested)
		res = emul_write_linear(w, (u32) new->seg.base, &tr->selector, 2, EMUL_ACC_SYSTEM);
	else
		res = emul_read_desc(w, tr->selector & ~SEL_TI, EXC_TS, EMUL_ACC_WRITE, &old);
	if (res == EMUL_OK && !nested)
		res = set_busy(w, &old, false);
	if (res == EMUL_OK && reason != EMUL_TASK_IRET)
		res = set_busy(w, new, true);
	return res;
}

/* --- in the new task ------------------------------------------------------------------------- */

/**
 * emul_paragraph_segment - a segment as virtual-8086 mode has it
 * @s: out
 * @selector: its paragraph
 */
void emul_paragraph_segment(struct emul_segment *s, u16 selector)
{
	*s = (struct emul_segment){
		.base = (u64)selector << 4,
		.limit = 0xffff,
		.selector = selector,
		.type = 3,
		.s = 1,
		.dpl = 3,
		.present = 1,
	};
}

/*
 * All selectors are there before the first descriptor is looked at. Until then CS is something to
 * deliver an exception from, and nothing else can be used.
 */
static enum emul_result set_selectors(struct emul_work *w, const struct task *t, bool tss32)
{
	u8 cpl = t->seg[EMUL_SEG_CS] & 3;
	enum emul_result res = EMUL_OK;
	struct emul_segment s;
	unsigned int i;

	for (i = EMUL_SEG_ES; i <= EMUL_SEG_GS && res == EMUL_OK; i++) {
		if (t->eflags & FL_VM) {
			emul_paragraph_segment(&s, t->seg[i]);
		} else {
			s = (struct emul_segment){
				.selector = t->seg[i],
				.type = 3,
				.s = 1,
				.dpl = cpl,
				.unusable = 1,
			};
			if (i == EMUL_SEG_CS) {
				s.type |= SEG_CODE;
				s.limit = 0xffff;
				s.db = tss32;
				s.present = 1;
				s.unusable = 0;
			}
		}
		res = emul_set_segment(w, i, &s);
	}
	return res;
}

/* The new task's registers; from here on the context is in it. */
static enum emul_result commit_task(struct emul_work *w, const struct emul_segment *tss,
				    const struct task *t)
{
	struct emul_segment tr = *tss, null = { .selector = t->ldt, .unusable = 1 };
	struct emul_ctxt *c = w->c;
	u64 cr0 = c->ops->get_cr(c->opaque, 0);
	unsigned int i, size = is_32(tss) ? 4 : 2;
	enum emul_result res;

	for (i = 0; i < ARRAY_SIZE(t->gpr); i++)
		emul_set_reg(w, i, t->gpr[i], size);
	w->rip = t->eip;
	w->rflags = (t->eflags & FL_KNOWN) | FL_FIXED;
	w->keeps_rf = true;
	c->cpl = t->eflags & FL_VM ? 3 : t->seg[EMUL_SEG_CS] & 3;
	c->mode = t->eflags & FL_VM ? EMUL_MODE_VM86 :
		  is_32(tss)	    ? EMUL_MODE_PROT32 :
				      EMUL_MODE_PROT16;
	c->task_switch = true;
	c->step = false;
	emul_commit(w);
	tr.type |= SYS_BUSY;
	res = emul_set_segment(w, EMUL_SEG_TR, &tr);
	if (res == EMUL_OK)
		res = emul_set_segment(w, EMUL_SEG_LDTR, &null);
	if (res == EMUL_OK)
		res = set_selectors(w, t, is_32(tss));
	if (res == EMUL_OK)
		res = c->ops->set_cr(c->opaque, 0, cr0 | CR0_TS, &c->exc);
	if (res != EMUL_OK || !(cr0 & CR0_PG) || !is_32(tss))
		return res;
	/* The same CR3: Intel's load no PDPTEs and flush nothing (SDM vol. 3, 4.4.1, 4.10.4.1). */
	if (c->vendor == EMUL_VENDOR_INTEL && c->ops->get_cr(c->opaque, 3) == t->cr3)
		return EMUL_OK;
	return c->ops->set_cr(c->opaque, 3, t->cr3, &c->exc);
}

/* Intel SDM vol. 3, table 7-1; its CPL is the selector's RPL. */
static enum emul_result load_code(struct emul_work *w, u16 selector, struct emul_segment *cs)
{
	u8 rpl = selector & 3;
	enum emul_result res;
	struct emul_desc d;

	if (emul_is_null(selector))
		return emul_raise_code(w->c, EXC_TS, 0);
	res = emul_read_desc(w, selector, EXC_TS, EMUL_ACC_READ, &d);
	if (res != EMUL_OK)
		return res;
	if (!emul_is_code(&d.seg) ||
	    (emul_is_conforming(&d.seg) ? d.seg.dpl > rpl : d.seg.dpl != rpl))
		return emul_selector_fault(w, EXC_TS, selector);
	if (!d.seg.present)
		return emul_selector_fault(w, EXC_NP, selector);
	res = emul_mark_accessed(w, &d);
	*cs = d.seg;
	return res == EMUL_OK ? emul_set_segment(w, EMUL_SEG_CS, cs) : res;
}

static enum emul_result load_one(struct emul_work *w, unsigned int nr, u16 selector,
				 struct emul_segment *cs)
{
	enum emul_result res = EMUL_RESTART;
	unsigned int i;

	for (i = 0; i < TRIES && res == EMUL_RESTART; i++)
		res = nr == EMUL_SEG_CS ? load_code(w, selector, cs) :
					  emul_load_data_seg(w, nr, selector, EXC_TS);
	return res;
}

static enum emul_result load_segments(struct emul_work *w, const struct task *t)
{
	static const u8 order[] = {
		EMUL_SEG_CS, EMUL_SEG_SS, EMUL_SEG_DS, EMUL_SEG_ES, EMUL_SEG_FS, EMUL_SEG_GS,
	};
	struct emul_ctxt *c = w->c;
	struct emul_segment cs;
	enum emul_result res;
	unsigned int i;

	res = emul_load_ldtr(w, t->ldt, EXC_TS);
	if (c->mode == EMUL_MODE_VM86)
		return res;
	for (i = 0; i < ARRAY_SIZE(order) && res == EMUL_OK; i++)
		res = load_one(w, order[i], t->seg[order[i]], &cs);
	if (res == EMUL_OK)
		c->mode = emul_mode(true, false, false, &cs);
	return res;
}

/* The error code of an exception that came through a task gate. */
static enum emul_result push_error(struct emul_work *w, bool tss32, u32 error)
{
	struct emul_stack st;

	emul_stack_current(w, &st, tss32 ? 4 : 2);
	emul_stack_push(w, &st, error);
	if (st.res == EMUL_OK)
		emul_stack_set_pointer(w, &st);
	return st.res;
}

static enum emul_result enter_new_task(struct emul_work *w, const struct emul_segment *tss,
				       const struct task *t, const struct emul_event *event)
{
	enum emul_result res = commit_task(w, tss, t);
	struct emul_segment cs;

	if (res == EMUL_OK)
		res = load_segments(w, t);
	if (res == EMUL_OK && event && event->has_error)
		res = push_error(w, is_32(tss), event->error);
	if (res == EMUL_OK) {
		w->c->ops->get_segment(w->c->opaque, EMUL_SEG_CS, &cs);
		res = emul_check_offset(w, &cs, w->rip);
	}
	w->c->task_trap = t->trap;
	/* Nothing can be done again now. */
	return res == EMUL_IO || res == EMUL_RESTART ? EMUL_UNHANDLEABLE : res;
}

static enum emul_result switch_task(struct emul_work *w, u16 selector, enum emul_task_reason reason,
				    const struct emul_event *event)
{
	struct emul_ctxt *c = w->c;
	struct emul_segment tr;
	enum emul_result res;
	struct emul_desc new;
	u8 tss[TSS32_SIZE];
	struct task t;

	if (c->lma || !c->ops->set_segment || !c->ops->set_cr || !c->ops->cmpxchg)
		return EMUL_UNHANDLEABLE;
	c->ops->get_segment(c->opaque, EMUL_SEG_TR, &tr);
	res = read_new_tss(w, selector, reason, &new);
	if (res == EMUL_OK)
		res = save_old_task(w, &tr, reason);
	if (res == EMUL_OK)
		res = read_tss(w, new.seg.base, tss, is_32(&new.seg) ? TSS32_SIZE : TSS16_SIZE);
	if (res == EMUL_OK)
		res = leave_old_task(w, &tr, &new, reason);
	if (res != EMUL_OK)
		return res;
	unpack_task(tss, is_32(&new.seg), &t);
	if (reason == EMUL_TASK_CALL || reason == EMUL_TASK_GATE)
		t.eflags |= FL_NT;
	return enter_new_task(w, &new.seg, &t, event);
}

/* --- the ways here --------------------------------------------------------------------------- */

/**
 * emul_task_gate - switch to the task that a task gate names
 * @w: work
 * @selector: of the TSS, out of the gate, which has been checked
 * @reason: CALL, JMP, or GATE: out of the IDT
 * @event: of GATE: what is delivered
 */
enum emul_result emul_task_gate(struct emul_work *w, u16 selector, enum emul_task_reason reason,
				const struct emul_event *event)
{
	if (reason != EMUL_TASK_GATE)
		w->rflags &= ~(u64)FL_RF;
	return switch_task(w, selector, reason, event);
}

/**
 * emul_task_tss - switch to a task by far CALL or JMP
 * @w: work
 * @selector: of its TSS, which the instruction may use
 * @reason: which it is
 */
enum emul_result emul_task_tss(struct emul_work *w, u16 selector, enum emul_task_reason reason)
{
	w->rflags &= ~(u64)FL_RF;
	return switch_task(w, selector, reason, NULL);
}

/**
 * emul_task_return - IRET with NT: back to the task that the current TSS links to
 * @w: work
 */
enum emul_result emul_task_return(struct emul_work *w)
{
	struct emul_ctxt *c = w->c;
	struct emul_segment tr;
	enum emul_result res;
	u16 link = 0;

	c->ops->get_segment(c->opaque, EMUL_SEG_TR, &tr);
	w->rflags &= ~(u64)FL_RF;
	res = emul_read_linear(w, (u32)tr.base, &link, 2, EMUL_ACC_SYSTEM);
	return res == EMUL_OK ? switch_task(w, link, EMUL_TASK_IRET, NULL) : res;
}

enum emul_result emul_task_switch(struct emul_ctxt *c, const struct emul_task_switch *t)
{
	struct emul_work w EMUL_UNINITIALIZED; /* emul_begin() sets all of it */
	struct emul_event e = {
		.soft = t->soft,
		.has_error = t->has_error,
		.error = t->error_code,
	};
	bool gate = t->reason == EMUL_TASK_GATE;
	enum emul_result res;

	emul_begin(&w, c);
	c->ext = gate && !t->soft;
	w.iret = t->reason == EMUL_TASK_IRET;
	res = switch_task(&w, t->selector, t->reason, gate ? &e : NULL);
	c->ext = 0;
	if (res == EMUL_OK)
		emul_commit(&w);
	return res;
}
