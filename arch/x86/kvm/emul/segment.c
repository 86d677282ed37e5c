// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors, and loading segment registers: by paragraph in real and virtual-8086 mode, from
 * descriptors in protected mode. Intel SDM vol. 3, chapters 3.4 and 5; AMD APM vol. 2, chapter 4.
 */
#include "internal.h"

#define DESC_ACCESSED	(1ull << 40)

/**
 * emul_selector_fault - raise an exception with a selector as its error code
 * @w: work
 * @vector: exception vector
 * @selector: its RPL doesn't count
 */
enum emul_result emul_selector_fault(struct emul_work *w, u8 vector, u16 selector)
{
	return emul_raise_code(w->c, vector, selector & ~3u);
}

/* Where @n bytes of a selector's descriptor are; beyond the table's limit: @vector. */
static enum emul_result descriptor_address(struct emul_work *w, u16 selector, unsigned int n,
					   u8 vector, u64 *addr)
{
	struct emul_ctxt *c = w->c;
	struct emul_segment ldt;
	u32 limit;
	u16 limit16;
	u64 base;

	if (selector & SEL_TI) {
		c->ops->get_segment(c->opaque, EMUL_SEG_LDTR, &ldt);
		if (ldt.unusable || !ldt.present)
			return emul_selector_fault(w, vector, selector);
		base = ldt.base;
		limit = ldt.limit;
	} else {
		if (!c->ops->get_table)
			return EMUL_UNHANDLEABLE;
		c->ops->get_table(c->opaque, EMUL_GDT, &base, &limit16);
		limit = limit16;
	}
	if ((u64)(selector & ~7u) + n - 1 > limit)
		return emul_selector_fault(w, vector, selector);
	*addr = emul_table_address(c, base, selector & ~7u);
	return EMUL_OK;
}

/**
 * emul_unpack_descriptor - a segment as its descriptor says
 * @desc: the descriptor, of 8 bytes
 * @selector: with which it is loaded
 * @s: out
 */
void emul_unpack_descriptor(u64 desc, u16 selector, struct emul_segment *s)
{
	*s = (struct emul_segment) {
		.base = (desc >> 16 & 0xffffff) | (desc >> 56 & 0xff) << 24,
		.limit = (desc & 0xffff) | (desc >> 32 & 0xf0000),
		.selector = selector,
		.type = desc >> 40 & 15,
		.s = desc >> 44 & 1,
		.dpl = desc >> 45 & 3,
		.present = desc >> 47 & 1,
		.avl = desc >> 52 & 1,
		.l = desc >> 53 & 1,
		.db = desc >> 54 & 1,
		.g = desc >> 55 & 1,
	};
	if (s->g)
		s->limit = s->limit << 12 | 0xfff;
}

/**
 * emul_read_desc - read the descriptor of a selector
 * @w: work
 * @selector: not null
 * @vector: what a selector beyond its table raises
 * @acc: EMUL_ACC_WRITE if its busy bit will change
 * @d: out
 */
enum emul_result emul_read_desc(struct emul_work *w, u16 selector, u8 vector, unsigned int acc,
				struct emul_desc *d)
{
	enum emul_result res;

	res = descriptor_address(w, selector, 8, vector, &d->addr);
	if (res == EMUL_OK)
		res = emul_read_linear(w, d->addr, &d->raw, 8, acc | EMUL_ACC_SYSTEM);
	if (res == EMUL_OK)
		emul_unpack_descriptor(d->raw, selector, &d->seg);
	return res;
}

/**
 * emul_read_desc_high - of a system descriptor: the upper half that it has in long mode
 * @w: work
 * @d: its lower half
 * @high: out; 0 outside of long mode
 *
 * Return: EMUL_OK; #GP(selector) if it is beyond the table, or has a type of its own.
 */
enum emul_result emul_read_desc_high(struct emul_work *w, const struct emul_desc *d, u64 *high)
{
	u16 selector = d->seg.selector;
	enum emul_result res;
	u64 addr;

	*high = 0;
	if (!w->c->lma)
		return EMUL_OK;
	res = descriptor_address(w, selector, 16, EXC_GP, &addr);
	if (res == EMUL_OK)
		res = emul_read_linear(w, d->addr + 8, high, 8, EMUL_ACC_SYSTEM);
	if (res != EMUL_OK)
		return res;
	return *high >> 40 & 31 ? emul_selector_fault(w, EXC_GP, selector) : EMUL_OK;
}

/**
 * emul_mark_accessed - set the accessed bit of a code or data segment, as loading it does
 * @w: work
 * @d: its descriptor; without an address: none was read
 */
enum emul_result emul_mark_accessed(struct emul_work *w, struct emul_desc *d)
{
	u64 new = d->raw | DESC_ACCESSED;

	if (!d->addr)
		return EMUL_OK;
	d->seg.type |= SEG_ACCESSED;
	if (new == d->raw)
		return EMUL_OK;
	return emul_cmpxchg(w, d->addr, &d->raw, &new, 8, EMUL_ACC_SYSTEM);
}

/**
 * emul_set_segment - load a segment register
 * @w: work
 * @nr: which
 * @s: checked
 */
enum emul_result emul_set_segment(struct emul_work *w, unsigned int nr,
				  const struct emul_segment *s)
{
	struct emul_ctxt *c = w->c;

	return c->ops->set_segment ? c->ops->set_segment(c->opaque, nr, s) : EMUL_UNHANDLEABLE;
}

/*
 * Real and virtual-8086 mode: the limit stays, which is what "unreal mode" lives on. A register
 * that was left null in protected mode has none: it becomes what it is after a reset.
 */
static enum emul_result load_paragraph(struct emul_work *w, unsigned int nr, u16 selector)
{
	struct emul_ctxt *c = w->c;
	struct emul_segment s;

	c->ops->get_segment(c->opaque, nr, &s);
	s.selector = selector;
	s.base = (u64)selector << 4;
	if (s.unusable) {
		s.unusable = 0;
		s.present = 1;
		s.s = 1;
		s.type = SEG_WRITABLE | SEG_ACCESSED;
		s.limit = 0xffff;
		s.g = 0;
	}
	return emul_set_segment(w, nr, &s);
}

/* A null selector: any data segment; SS only in 64-bit mode below CPL 3. */
static enum emul_result load_null(struct emul_work *w, unsigned int nr, u16 selector, u8 vector)
{
	struct emul_segment s = { .selector = selector, .unusable = 1 };
	struct emul_ctxt *c = w->c;

	if (nr == EMUL_SEG_SS) {
		if (!emul_is_64(c) || c->cpl == 3 || (selector & 3) != c->cpl)
			return emul_raise_code(c, vector, 0);
		s.dpl = c->cpl;
	}
	return emul_set_segment(w, nr, &s);
}

/* May this descriptor be loaded into SS, or into another data segment register? */
static bool data_segment_ok(const struct emul_work *w, unsigned int nr,
			    const struct emul_segment *s)
{
	u8 cpl = w->c->cpl, rpl = s->selector & 3;

	if (nr == EMUL_SEG_SS)
		return emul_is_writable(s) && rpl == cpl && s->dpl == cpl;
	if (!emul_is_readable(s))
		return false;
	return emul_is_conforming(s) || s->dpl >= max(cpl, rpl);
}

/**
 * emul_load_data_seg - load ES, SS, DS, FS or GS from its descriptor
 * @w: work
 * @nr: segment register
 * @selector: what to load
 * @vector: what a wrong one raises: #GP; in a task switch #TS
 */
enum emul_result emul_load_data_seg(struct emul_work *w, unsigned int nr, u16 selector, u8 vector)
{
	enum emul_result res;
	struct emul_desc d;

	if (emul_is_null(selector))
		return load_null(w, nr, selector, vector);
	res = emul_read_desc(w, selector, vector, EMUL_ACC_READ, &d);
	if (res != EMUL_OK)
		return res;
	if (!data_segment_ok(w, nr, &d.seg))
		return emul_selector_fault(w, vector, selector);
	if (!d.seg.present)
		return emul_selector_fault(w, nr == EMUL_SEG_SS ? EXC_SS : EXC_NP, selector);
	res = emul_mark_accessed(w, &d);
	return res == EMUL_OK ? emul_set_segment(w, nr, &d.seg) : res;
}

/**
 * emul_load_seg - load ES, SS, DS, FS or GS
 * @w: work
 * @nr: segment register
 * @selector: what to load
 *
 * The last step of an instruction, since it takes effect at once.
 */
enum emul_result emul_load_seg(struct emul_work *w, unsigned int nr, u16 selector)
{
	if (emul_is_paragraph(w->c))
		return load_paragraph(w, nr, selector);
	return emul_load_data_seg(w, nr, selector, EXC_GP);
}

/**
 * emul_load_ldtr - load LDTR
 * @w: work
 * @selector: what to load
 * @vector: what a wrong one raises: #GP; in a task switch #TS
 */
enum emul_result emul_load_ldtr(struct emul_work *w, u16 selector, u8 vector)
{
	struct emul_segment null = { .selector = selector, .unusable = 1 };
	struct emul_ctxt *c = w->c;
	enum emul_result res;
	struct emul_desc d;
	u64 high;

	if (emul_is_null(selector))
		return emul_set_segment(w, EMUL_SEG_LDTR, &null);
	if (selector & SEL_TI)
		return emul_selector_fault(w, vector, selector);
	res = emul_read_desc(w, selector, vector, EMUL_ACC_READ, &d);
	if (res == EMUL_OK)
		res = emul_read_desc_high(w, &d, &high);
	if (res != EMUL_OK)
		return res;
	d.seg.base |= high << 32;
	if (d.seg.s || d.seg.type != SYS_LDT || (c->lma && !emul_canonical(c, d.seg.base)))
		return emul_selector_fault(w, vector, selector);
	if (!d.seg.present)	/* in a task switch #TS, too */
		return emul_selector_fault(w, vector == EXC_GP ? EXC_NP : vector, selector);
	return emul_set_segment(w, EMUL_SEG_LDTR, &d.seg);
}

enum emul_result emul_lldt(struct emul_work *w)
{
	return emul_load_ldtr(w, w->src.val, EXC_GP);
}

/* An available TSS becomes busy. */
enum emul_result emul_ltr(struct emul_work *w)
{
	u16 selector = w->src.val;
	struct emul_ctxt *c = w->c;
	enum emul_result res;
	struct emul_desc d;
	u64 high, new;

	if (emul_is_null(selector))
		return emul_raise_code(c, EXC_GP, 0);
	if (selector & SEL_TI)
		return emul_selector_fault(w, EXC_GP, selector);
	res = emul_read_desc(w, selector, EXC_GP, EMUL_ACC_READ, &d);
	if (res == EMUL_OK)
		res = emul_read_desc_high(w, &d, &high);
	if (res != EMUL_OK)
		return res;
	d.seg.base |= high << 32;
	if (d.seg.s || (d.seg.type != SYS_TSS32 && (c->lma || d.seg.type != SYS_TSS16)) ||
	    (c->lma && !emul_canonical(c, d.seg.base)))
		return emul_selector_fault(w, EXC_GP, selector);
	if (!d.seg.present)
		return emul_selector_fault(w, EXC_NP, selector);
	new = d.raw | DESC_BUSY;
	d.seg.type |= SYS_BUSY;
	res = emul_cmpxchg(w, d.addr, &d.raw, &new, 8, EMUL_ACC_SYSTEM);
	return res == EMUL_OK ? emul_set_segment(w, EMUL_SEG_TR, &d.seg) : res;
}

/* A selector to memory as 2 bytes, to a register zero-extended; UMIP forbids it to CPL 3. */
static enum emul_result store_selector(struct emul_work *w, unsigned int nr)
{
	const struct emul_insn *i = w->insn;
	struct emul_ctxt *c = w->c;
	struct emul_segment s;
	u16 selector;

	if (c->cpl && c->ops->get_cr(c->opaque, 4) & CR4_UMIP)
		return emul_raise_code(c, EXC_GP, 0);
	c->ops->get_segment(c->opaque, nr, &s);
	selector = s.selector;
	if (i->mem)
		return emul_write_seg(w, i->seg, emul_ea(w), &selector, 2);
	emul_set_reg(w, i->rm, selector, w->size);
	return EMUL_OK;
}

enum emul_result emul_sldt(struct emul_work *w)
{
	return store_selector(w, EMUL_SEG_LDTR);
}

enum emul_result emul_str(struct emul_work *w)
{
	return store_selector(w, EMUL_SEG_TR);
}

/*
 * LAR, LSL, VERR, VERW: is there a descriptor, and may it be seen? Only an access can fault.
 * @types: system descriptors that count, by type.
 */
static enum emul_result look_at(struct emul_work *w, u16 selector, u32 types, struct emul_desc *d,
				bool *visible)
{
	u8 cpl = w->c->cpl, rpl = selector & 3;
	enum emul_result res;

	*visible = false;
	if (emul_is_null(selector))
		return EMUL_OK;
	res = emul_read_desc(w, selector, EXC_GP, EMUL_ACC_READ, d);
	if (res == EMUL_EXCEPTION && w->c->exc.vector == EXC_GP)
		return EMUL_OK;		/* beyond the table */
	if (res != EMUL_OK)
		return res;
	*visible = (d->seg.s || types >> d->seg.type & 1) &&
		   (emul_is_conforming(&d->seg) || d->seg.dpl >= max(cpl, rpl));
	return EMUL_OK;
}

/* Intel SDM vol. 2, tables 3-53 (LAR) and 3-63 (LSL). */
#define SIZED_TYPES	(BIT(SYS_TSS16) | BIT(SYS_LDT) | BIT(SYS_TSS16 | SYS_BUSY) |	\
			 BIT(SYS_TSS32) | BIT(SYS_TSS32 | SYS_BUSY))
#define SIZED_TYPES_LONG (BIT(SYS_LDT) | BIT(SYS_TSS32) | BIT(SYS_TSS32 | SYS_BUSY))

enum emul_result emul_lar(struct emul_work *w)
{
	u32 types = SIZED_TYPES | BIT(SYS_CALL16) | BIT(SYS_TASK_GATE) | BIT(SYS_CALL32);
	enum emul_result res;
	struct emul_desc d;
	bool visible;

	if (w->c->lma)
		types = SIZED_TYPES_LONG | BIT(SYS_CALL32);
	res = look_at(w, w->src.val, types, &d, &visible);
	if (res != EMUL_OK)
		return res;
	emul_set_flag(w, FL_ZF, visible);
	if (visible)
		emul_set_reg(w, w->insn->reg, d.raw >> 32 & 0xffff00, w->size);
	return EMUL_OK;
}

enum emul_result emul_lsl(struct emul_work *w)
{
	enum emul_result res;
	struct emul_desc d;
	bool visible;

	res = look_at(w, w->src.val, w->c->lma ? SIZED_TYPES_LONG : SIZED_TYPES, &d, &visible);
	if (res != EMUL_OK)
		return res;
	emul_set_flag(w, FL_ZF, visible);
	if (visible)
		emul_set_reg(w, w->insn->reg, d.seg.limit, w->size);
	return EMUL_OK;
}

static enum emul_result verify(struct emul_work *w, bool (*fits)(const struct emul_segment *s))
{
	enum emul_result res;
	struct emul_desc d;
	bool visible;

	res = look_at(w, w->src.val, 0, &d, &visible);
	emul_set_flag(w, FL_ZF, visible && fits(&d.seg));
	return res;
}

enum emul_result emul_verr(struct emul_work *w)
{
	return verify(w, emul_is_readable);
}

enum emul_result emul_verw(struct emul_work *w)
{
	return verify(w, emul_is_writable);
}

/* The destination's RPL becomes no less than the source's; it need be writable only for that. */
enum emul_result emul_arpl(struct emul_work *w)
{
	u8 rpl = w->src.val & 3;
	bool less = (w->dst.val & 3) < rpl;

	emul_set_flag(w, FL_ZF, less);
	if (!less)
		return EMUL_OK;
	w->dst.val = (w->dst.val & ~3ull) | rpl;
	if (w->dst.mem)
		return emul_write_seg(w, w->insn->seg, emul_ea(w), &w->dst.val, 2);
	return emul_store(w, &w->dst);
}
