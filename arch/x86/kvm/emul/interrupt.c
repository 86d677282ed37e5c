// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events through the IDT, and back: INT n and its like, what hardware would deliver by itself, and
 * IRET. Intel SDM vol. 2, "INT n/INTO/INT3/INT1", "IRET"; vol. 3, chapters 6 and 20; AMD APM
 * vol. 2, 8.7 to 8.9.
 */
#include "internal.h"

/* --- through a gate -------------------------------------------------------------------------- */

struct idt_gate {
	u64 offset;
	u16 selector;
	u8 type;
	u8 ist;
};

static bool gate_type_ok(const struct emul_ctxt *c, u8 type)
{
	switch (type) {
	case SYS_INT32:
	case SYS_TRAP32:
		return true;
	case SYS_TASK_GATE:
	case SYS_INT16:
	case SYS_TRAP16:
		return !c->lma;
	}
	return false;
}

static enum emul_result read_gate(struct emul_work *w, const struct emul_event *e,
				  struct idt_gate *gate)
{
	u32 error = e->vector * 8 + 2; /* with the IDT bit */
	u64 addr, base, low = 0, high = 0;
	struct emul_ctxt *c = w->c;
	unsigned int n = c->lma ? 16 : 8;
	enum emul_result res;
	u16 limit;

	if (!c->ops->get_table)
		return EMUL_UNHANDLEABLE;
	c->ops->get_table(c->opaque, EMUL_IDT, &base, &limit);
	if (e->vector * n + n - 1 > limit)
		return emul_raise_code(c, EXC_GP, error);
	addr = emul_table_address(c, base, e->vector * n);
	res = emul_read_linear(w, addr, &low, 8, EMUL_ACC_SYSTEM);
	if (res == EMUL_OK && c->lma)
		res = emul_read_linear(w, addr + 8, &high, 8, EMUL_ACC_SYSTEM);
	if (res != EMUL_OK)
		return res;
	*gate = (struct idt_gate){
		.offset = (low & 0xffff) | (low >> 32 & 0xffff0000) | high << 32,
		.selector = low >> 16,
		.type = low >> 40 & 31,
		.ist = c->lma ? low >> 32 & 7 : 0,
	};
	if (!gate_type_ok(c, gate->type) || (e->soft && (low >> 45 & 3) < c->cpl))
		return emul_raise_code(c, EXC_GP, error);
	if (!(low >> 47 & 1))
		return emul_raise_code(c, EXC_NP, error);
	if (gate->type == SYS_INT16 || gate->type == SYS_TRAP16)
		gate->offset &= 0xffff;
	return EMUL_OK;
}

/* Virtual-8086 mode's data segments: pushed before all else, and null in the handler. */
static const u8 vm86_data[] = { EMUL_SEG_GS, EMUL_SEG_FS, EMUL_SEG_DS, EMUL_SEG_ES };

static void push_selector(struct emul_work *w, struct emul_stack *st, unsigned int nr)
{
	struct emul_segment s;

	w->c->ops->get_segment(w->c->opaque, nr, &s);
	emul_stack_push(w, st, s.selector);
}

static void push_frame(struct emul_work *w, struct emul_stack *st, bool stack,
		       const struct emul_event *e)
{
	unsigned int i;

	if (w->c->mode == EMUL_MODE_VM86)
		for (i = 0; i < ARRAY_SIZE(vm86_data); i++)
			push_selector(w, st, vm86_data[i]);
	if (stack) {
		push_selector(w, st, EMUL_SEG_SS);
		emul_stack_push(w, st, w->gpr[EMUL_RSP]);
	}
	emul_stack_push(w, st, w->rflags);
	push_selector(w, st, EMUL_SEG_CS);
	emul_stack_push(w, st, w->rip);
	if (e->has_error)
		emul_stack_push(w, st, e->error);
}

/* All has succeeded: the handler's segments, stack and flags. */
static enum emul_result enter_handler(struct emul_work *w, const struct idt_gate *gate,
				      const struct emul_segment *cs, const struct emul_stack *st)
{
	const struct emul_segment null = { .unusable = 1 };
	struct emul_ctxt *c = w->c;
	enum emul_result res = EMUL_OK;
	unsigned int i;

	if (st->cpl < c->cpl)
		res = emul_set_segment(w, EMUL_SEG_SS, &st->ss.seg);
	if (c->mode == EMUL_MODE_VM86)
		for (i = 0; i < ARRAY_SIZE(vm86_data) && res == EMUL_OK; i++)
			res = emul_set_segment(w, vm86_data[i], &null);
	if (res != EMUL_OK)
		return res;
	emul_stack_set_pointer(w, st);
	w->rflags &= ~(u64)(FL_TF | FL_NT | FL_RF | FL_VM);
	if (gate->type == SYS_INT16 || gate->type == SYS_INT32)
		w->rflags &= ~(u64)FL_IF;
	return emul_set_cs(w, cs, gate->offset);
}

static enum emul_result through_gate(struct emul_work *w, const struct idt_gate *gate,
				     const struct emul_event *e)
{
	u8 cpl, width = gate->type & (SYS_INT32 ^ SYS_INT16) ? 4 : 2;
	struct emul_ctxt *c = w->c;
	bool vm86 = c->mode == EMUL_MODE_VM86, stack;
	struct emul_stack st;
	enum emul_result res;
	struct emul_desc cs;

	res = emul_code_desc(w, gate->selector, EMUL_CODE_GATE, &cs);
	if (res != EMUL_OK)
		return res;
	cpl = cs.seg.selector & 3;
	if (vm86 && cpl)
		return emul_selector_fault(w, EXC_GP, gate->selector);
	if (c->lma)
		width = 8;
	if (cpl < c->cpl || gate->ist) {
		res = emul_stack_of_tss(w, cpl, gate->ist, width, &st);
		if (res != EMUL_OK)
			return res;
	} else {
		emul_stack_current(w, &st, width);
	}
	stack = c->lma || cpl < c->cpl;
	if (c->lma)
		st.sp &= ~15ull;
	res = emul_stack_room(w, &st, 3 + 2 * stack + 4 * vm86 + e->has_error);
	if (res == EMUL_OK)
		res = emul_check_offset(w, &cs.seg, gate->offset);
	if (res != EMUL_OK)
		return res;
	push_frame(w, &st, stack, e);
	res = st.res;
	if (res == EMUL_OK && cpl < c->cpl)
		res = emul_mark_accessed(w, &st.ss);
	if (res == EMUL_OK)
		res = emul_mark_accessed(w, &cs);
	return res == EMUL_OK ? enter_handler(w, gate, &cs.seg, &st) : res;
}

/* --- by a vector of four bytes --------------------------------------------------------------- */

/* A real-mode handler: push @flags and the return address, and go. */
static enum emul_result paragraph_handler(struct emul_work *w, u32 target, u64 flags)
{
	struct emul_segment cs, old;
	enum emul_result res;
	struct emul_stack st;

	w->c->ops->get_segment(w->c->opaque, EMUL_SEG_CS, &old);
	emul_stack_current(w, &st, 2);
	res = emul_stack_room(w, &st, 3);
	if (res == EMUL_OK)
		res = emul_paragraph_code(w, target >> 16, target & 0xffff, &cs);
	if (res != EMUL_OK)
		return res;
	emul_stack_push(w, &st, flags);
	emul_stack_push(w, &st, old.selector);
	emul_stack_push(w, &st, w->rip);
	if (st.res != EMUL_OK)
		return st.res;
	emul_stack_set_pointer(w, &st);
	return emul_set_cs(w, &cs, target & 0xffff);
}

/* Through the vector table of real mode: Intel SDM vol. 3, 20.1.4. */
static enum emul_result real_interrupt(struct emul_work *w, u8 vector)
{
	struct emul_ctxt *c = w->c;
	enum emul_result res;
	u32 target = 0;
	u16 limit;
	u64 base;

	if (!c->ops->get_table)
		return EMUL_UNHANDLEABLE;
	c->ops->get_table(c->opaque, EMUL_IDT, &base, &limit);
	if (vector * 4 + 3 > limit)
		return emul_raise_code(c, EXC_GP, vector * 8 + 2);
	res = emul_read_linear(w, emul_table_address(c, base, vector * 4), &target, 4,
			       EMUL_ACC_SYSTEM);
	if (res == EMUL_OK)
		res = paragraph_handler(w, target, w->rflags);
	if (res == EMUL_OK)
		w->rflags &= ~(u64)(FL_IF | FL_TF | FL_AC | FL_RF);
	return res;
}

/*
 * INT n under CR4.VME stays in the virtual-8086 program where the TSS's redirection bitmap, 32
 * bytes below the I/O bitmap, has a 0. Intel SDM vol. 3, 20.3.
 */
static enum emul_result is_redirected(struct emul_work *w, u8 vector, bool *redirected)
{
	struct emul_ctxt *c = w->c;
	struct emul_segment tr;
	enum emul_result res;
	u16 map = 0;
	u8 bits = 0;
	u32 at;

	*redirected = false;
	if (!(c->ops->get_cr(c->opaque, 4) & CR4_VME))
		return EMUL_OK;
	c->ops->get_segment(c->opaque, EMUL_SEG_TR, &tr);
	if (tr.unusable || !(tr.type & (SYS_TSS32 ^ SYS_TSS16)) || tr.limit < 0x67)
		return emul_raise_code(c, EXC_GP, 0);
	res = emul_read_linear(w, emul_table_address(c, tr.base, 0x66), &map, 2, EMUL_ACC_SYSTEM);
	if (res != EMUL_OK)
		return res;
	at = map - 32 + vector / 8;
	if (map < 32 || at > tr.limit)
		return emul_raise_code(c, EXC_GP, 0);
	res = emul_read_linear(w, emul_table_address(c, tr.base, at), &bits, 1, EMUL_ACC_SYSTEM);
	*redirected = !(bits >> (vector & 7) & 1);
	return res;
}

/* To the program's own handler. Below IOPL 3 it sees VIF as IF, and an IOPL of 3. */
static enum emul_result redirect(struct emul_work *w, u8 vector)
{
	u64 flags = w->rflags, own_if = FL_IF;
	enum emul_result res;
	u32 target = 0;

	w->c->step = false;
	if (emul_iopl(w) < 3) {
		flags = emul_virtual_flags(w);
		own_if = FL_VIF;
	}
	res = emul_read_linear(w, vector * 4, &target, 4, EMUL_ACC_READ);
	if (res == EMUL_OK)
		res = paragraph_handler(w, target, flags);
	if (res == EMUL_OK)
		w->rflags &= ~(own_if | FL_TF | FL_RF);
	return res;
}

/* --- instructions ---------------------------------------------------------------------------- */

static enum emul_result interrupt(struct emul_work *w, const struct emul_event *e)
{
	struct idt_gate gate;
	enum emul_result res;

	w->c->step = false;
	if (w->c->mode == EMUL_MODE_REAL)
		return real_interrupt(w, e->vector);
	res = read_gate(w, e, &gate);
	if (res != EMUL_OK)
		return res;
	if (gate.type == SYS_TASK_GATE)
		return emul_task_gate(w, gate.selector, EMUL_TASK_GATE, e);
	return through_gate(w, &gate, e);
}

static enum emul_result soft_interrupt(struct emul_work *w, u8 vector)
{
	const struct emul_event e = { .vector = vector, .soft = true };

	w->rflags &= ~(u64)FL_RF;
	return interrupt(w, &e);
}

enum emul_result emul_int3(struct emul_work *w)
{
	return soft_interrupt(w, EXC_BP);
}

/* In virtual-8086 mode it is sensitive to IOPL, as INT3 and INTO aren't. */
enum emul_result emul_int_n(struct emul_work *w)
{
	u8 vector = w->insn->imm;
	enum emul_result res;
	bool redirected;

	if (w->c->mode != EMUL_MODE_VM86)
		return soft_interrupt(w, vector);
	res = is_redirected(w, vector, &redirected);
	if (res != EMUL_OK)
		return res;
	if (redirected)
		return redirect(w, vector);
	if (emul_iopl(w) < 3)
		return emul_raise_code(w->c, EXC_GP, 0);
	return soft_interrupt(w, vector);
}

enum emul_result emul_into(struct emul_work *w)
{
	return w->rflags & FL_OF ? soft_interrupt(w, EXC_OF) : EMUL_OK;
}

/* A #DB that software asks for: like hardware's, the gate's DPL doesn't count. */
enum emul_result emul_int1(struct emul_work *w)
{
	const struct emul_event e = { .vector = EXC_DB };
	enum emul_result res;

	w->rflags &= ~(u64)FL_RF;
	w->c->ext = 1;
	res = interrupt(w, &e);
	w->c->ext = 0;
	return res;
}

/* Lower bound, upper bound, both included. */
enum emul_result emul_bound(struct emul_work *w)
{
	s64 index = emul_sext(emul_reg(w, w->insn->reg, w->size), w->size);
	const struct emul_insn *i = w->insn;
	u64 ea = emul_ea(w), low = 0, high = 0;
	enum emul_result res;

	res = emul_read_seg(w, i->seg, ea, &low, w->size);
	if (res == EMUL_OK)
		res = emul_read_seg(w, i->seg, (ea + w->size) & emul_mask(i->addrsize), &high,
				    w->size);
	if (res != EMUL_OK)
		return res;
	if (index < (s64)emul_sext(low, w->size) || index > (s64)emul_sext(high, w->size))
		return emul_raise(w->c, EXC_BR);
	return EMUL_OK;
}

enum emul_result emul_deliver(struct emul_ctxt *c, u8 vector, bool soft, bool has_error,
			      u32 error_code)
{
	struct emul_work w EMUL_UNINITIALIZED; /* emul_begin() sets all of it */
	struct emul_event e = {
		.vector = vector,
		.soft = soft,
		.has_error = has_error,
		.error = error_code,
	};
	enum emul_result res;

	emul_begin(&w, c);
	c->ext = !soft;
	res = interrupt(&w, &e);
	c->ext = 0;
	if (res == EMUL_OK)
		emul_commit(&w);
	return res;
}

/* --- IRET ------------------------------------------------------------------------------------ */

static void merge_flags(struct emul_work *w, u64 flags, u64 mask)
{
	mask &= emul_mask(w->size);
	w->rflags = (w->rflags & ~mask) | (flags & mask);
}

#define IRET_FLAGS (FL_ARITH | FL_TF | FL_DF | FL_NT | FL_RF | FL_AC | FL_ID)

static enum emul_result iret_real(struct emul_work *w, u16 selector, u64 offset, u64 flags)
{
	struct emul_segment cs;
	enum emul_result res = emul_paragraph_code(w, selector, offset, &cs);

	if (res != EMUL_OK)
		return res;
	merge_flags(w, flags, IRET_FLAGS | FL_IF | FL_IOPL);
	return emul_set_cs(w, &cs, offset);
}

/* IOPL never changes. */
static enum emul_result iret_vm86(struct emul_work *w, u16 selector, u64 offset, u64 flags,
				  bool vif)
{
	enum emul_result res = EMUL_OK;
	struct emul_segment cs;

	if (vif)
		res = emul_set_vif(w, flags);
	if (res == EMUL_OK)
		res = emul_paragraph_code(w, selector, offset, &cs);
	if (res != EMUL_OK)
		return res;
	merge_flags(w, flags, vif ? IRET_FLAGS : IRET_FLAGS | FL_IF);
	return emul_set_cs(w, &cs, offset);
}

/* From level 0 into virtual-8086 mode: stack pointer and all segments come from the stack. */
static enum emul_result iret_to_vm86(struct emul_work *w, u16 selector, u64 offset, u64 flags)
{
	static const u8 regs[] = { EMUL_SEG_ES, EMUL_SEG_DS, EMUL_SEG_FS, EMUL_SEG_GS };
	u64 sp, ss, sel[ARRAY_SIZE(regs)];
	struct emul_segment s;
	enum emul_result res;
	unsigned int i;

	if (offset > 0xffff)
		return emul_raise_code(w->c, EXC_GP, 0);
	res = emul_pop(w, &sp, 4);
	if (res == EMUL_OK)
		res = emul_pop(w, &ss, 4);
	for (i = 0; i < ARRAY_SIZE(regs) && res == EMUL_OK; i++)
		res = emul_pop(w, &sel[i], 4);
	for (i = 0; i < ARRAY_SIZE(regs) && res == EMUL_OK; i++) {
		emul_paragraph_segment(&s, sel[i]);
		res = emul_set_segment(w, regs[i], &s);
	}
	if (res != EMUL_OK)
		return res;
	emul_paragraph_segment(&s, ss);
	res = emul_set_segment(w, EMUL_SEG_SS, &s);
	emul_set_reg(w, EMUL_RSP, sp, 4);
	w->rflags = (flags & FL_KNOWN) | FL_FIXED;
	emul_paragraph_segment(&s, selector);
	return res == EMUL_OK ? emul_set_cs(w, &s, offset) : res;
}

static enum emul_result iret_protected(struct emul_work *w, u16 selector, u64 offset, u64 flags)
{
	struct emul_ctxt *c = w->c;
	u64 mask = IRET_FLAGS;
	enum emul_result res;

	if (flags & FL_VM && !c->cpl && !c->lma)
		return iret_to_vm86(w, selector, offset, flags);
	if (c->cpl <= emul_iopl(w))
		mask |= FL_IF;
	if (!c->cpl)
		mask |= FL_IOPL | FL_VIF | FL_VIP;
	res = emul_far_return(w, selector, offset, 0, true);
	if (res == EMUL_OK)
		merge_flags(w, flags, mask);
	return res;
}

enum emul_result emul_iret(struct emul_work *w)
{
	u64 offset, selector, flags;
	struct emul_ctxt *c = w->c;
	enum emul_result res;
	bool vif;

	w->iret = true;
	w->keeps_rf = w->size > 2;
	res = emul_vm86_flags(w, &vif);
	if (res != EMUL_OK)
		return res;
	if (!emul_is_paragraph(c) && w->rflags & FL_NT)
		return c->lma ? emul_raise_code(c, EXC_GP, 0) : emul_task_return(w);
	res = emul_pop(w, &offset, w->size);
	if (res == EMUL_OK)
		res = emul_pop(w, &selector, w->size);
	if (res == EMUL_OK)
		res = emul_pop(w, &flags, w->size);
	if (res != EMUL_OK)
		return res;
	if (c->mode == EMUL_MODE_REAL)
		return iret_real(w, selector, offset, flags);
	if (c->mode == EMUL_MODE_VM86)
		return iret_vm86(w, selector, offset, flags, vif);
	return iret_protected(w, selector, offset, flags);
}
