// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading segment registers: by paragraph in real and virtual-8086 mode, from descriptors in
 * protected mode. Intel SDM vol. 3, chapters 3.4 and 5; AMD APM vol. 2, chapter 4.
 *
 * Gates, task switches and changes of privilege level aren't done here: EMUL_UNHANDLEABLE.
 */
#include "internal.h"

#define DESC_ACCESSED	(1ull << 40)

/* Types of system descriptors */
#define SYS_LDT		2
#define SYS_TSS16	1
#define SYS_TSS32	9
#define SYS_BUSY	2

static u32 selector_error(u16 selector)
{
	return selector & ~3u;
}

static enum emul_result selector_fault(struct emul_work *w, u8 vector, u16 selector)
{
	return emul_raise_code(w->c, vector, selector_error(selector));
}

/* Where the descriptor of a selector is, after the table's limit check. */
static enum emul_result descriptor_address(struct emul_work *w, u16 selector, unsigned int n,
					   u64 *addr)
{
	struct emul_ctxt *c = w->c;
	struct emul_segment ldt;
	u32 limit;
	u16 limit16;
	u64 base;

	if (selector & 4) {
		c->ops->get_segment(c->opaque, EMUL_SEG_LDTR, &ldt);
		if (ldt.unusable || !ldt.present)
			return selector_fault(w, EXC_GP, selector);
		base = ldt.base;
		limit = ldt.limit;
	} else {
		if (!c->ops->get_table)
			return EMUL_UNHANDLEABLE;
		c->ops->get_table(c->opaque, EMUL_GDT, &base, &limit16);
		limit = limit16;
	}
	if ((u64)(selector & ~7u) + n - 1 > limit)
		return selector_fault(w, EXC_GP, selector);
	*addr = base + (selector & ~7u);
	return EMUL_OK;
}

static void unpack_descriptor(u64 desc, u16 selector, struct emul_segment *s)
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

/* Set a code or data descriptor's accessed bit, as loading it does. */
static enum emul_result mark_accessed(struct emul_work *w, u64 addr, u64 desc,
				      struct emul_segment *s)
{
	u64 new = desc | DESC_ACCESSED;

	s->type |= 1;
	return new == desc ? EMUL_OK : emul_cmpxchg(w, addr, &desc, &new, 8);
}

static enum emul_result read_descriptor(struct emul_work *w, u16 selector, u64 *addr, u64 *desc)
{
	enum emul_result res;

	res = descriptor_address(w, selector, 8, addr);
	if (res != EMUL_OK)
		return res;
	return emul_read_linear(w, *addr, desc, 8, EMUL_ACC_SYSTEM);
}

static enum emul_result set_segment(struct emul_work *w, unsigned int nr,
				    const struct emul_segment *s)
{
	struct emul_ctxt *c = w->c;

	return c->ops->set_segment ? c->ops->set_segment(c->opaque, nr, s) : EMUL_UNHANDLEABLE;
}

/* Real and virtual-8086 mode: the limit stays, which is what "unreal mode" lives on. */
static enum emul_result load_paragraph(struct emul_work *w, unsigned int nr, u16 selector)
{
	struct emul_ctxt *c = w->c;
	struct emul_segment s;

	c->ops->get_segment(c->opaque, nr, &s);
	s.selector = selector;
	s.base = (u64)selector << 4;
	s.unusable = 0;
	return set_segment(w, nr, &s);
}

/* A null selector: any data segment; SS only in 64-bit mode below CPL 3. */
static enum emul_result load_null(struct emul_work *w, unsigned int nr, u16 selector)
{
	struct emul_segment s = { .selector = selector, .unusable = 1 };
	struct emul_ctxt *c = w->c;

	if (nr == EMUL_SEG_SS) {
		if (!emul_is_64(c) || c->cpl == 3 || (selector & 3) != c->cpl)
			return emul_raise_code(c, EXC_GP, 0);
		s.dpl = c->cpl;
	}
	return set_segment(w, nr, &s);
}

/* May this descriptor be loaded into SS, or into another data segment register? */
static bool data_segment_ok(const struct emul_work *w, unsigned int nr,
			    const struct emul_segment *s)
{
	u8 cpl = w->c->cpl, rpl = s->selector & 3;
	bool code = s->type & 8;

	if (!s->s)
		return false;
	if (nr == EMUL_SEG_SS)
		return !code && s->type & 2 && rpl == cpl && s->dpl == cpl;
	if (code && !(s->type & 2))
		return false;
	if (code && s->type & 4)	/* conforming */
		return true;
	return s->dpl >= max(cpl, rpl);
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
	struct emul_segment s;
	enum emul_result res;
	u64 addr, desc;

	if (emul_is_paragraph(w->c))
		return load_paragraph(w, nr, selector);
	if (!(selector & ~3))
		return load_null(w, nr, selector);
	res = read_descriptor(w, selector, &addr, &desc);
	if (res != EMUL_OK)
		return res;
	unpack_descriptor(desc, selector, &s);
	if (!data_segment_ok(w, nr, &s))
		return selector_fault(w, EXC_GP, selector);
	if (!s.present)
		return selector_fault(w, nr == EMUL_SEG_SS ? EXC_SS : EXC_NP, selector);
	res = mark_accessed(w, addr, desc, &s);
	return res == EMUL_OK ? set_segment(w, nr, &s) : res;
}

/* Is the offset inside of the code segment that it is to run in? */
static enum emul_result check_offset(struct emul_work *w, const struct emul_segment *cs,
				     u64 offset)
{
	bool ok = w->c->lma && cs->l ? emul_canonical(w->c, offset) : offset <= cs->limit;

	return ok ? EMUL_OK : emul_raise_code(w->c, EXC_GP, 0);
}

/* Checks and side effects common to far branches and far returns at the same privilege level. */
static enum emul_result code_segment(struct emul_work *w, u16 selector, u64 offset, bool ret,
				     struct emul_segment *cs)
{
	struct emul_ctxt *c = w->c;
	u8 rpl = selector & 3;
	enum emul_result res;
	u64 addr, desc;
	bool dpl_ok;

	if (!(selector & ~3))
		return emul_raise_code(c, EXC_GP, 0);
	if (ret && rpl < c->cpl)
		return selector_fault(w, EXC_GP, selector);
	if (ret && rpl > c->cpl)
		return EMUL_UNHANDLEABLE;	/* to an outer level */
	res = read_descriptor(w, selector, &addr, &desc);
	if (res != EMUL_OK)
		return res;
	unpack_descriptor(desc, selector, cs);
	if (!cs->s && !ret)
		return EMUL_UNHANDLEABLE;	/* gate or TSS */
	if (!cs->s || !(cs->type & 8))
		return selector_fault(w, EXC_GP, selector);
	if (cs->type & 4)
		dpl_ok = cs->dpl <= c->cpl;
	else
		dpl_ok = cs->dpl == c->cpl && rpl <= c->cpl;
	if (!dpl_ok || (c->lma && cs->l && cs->db))
		return selector_fault(w, EXC_GP, selector);
	if (!cs->present)
		return selector_fault(w, EXC_NP, selector);
	res = check_offset(w, cs, offset);
	if (res != EMUL_OK)
		return res;
	cs->selector = (selector & ~3u) | c->cpl;
	return mark_accessed(w, addr, desc, cs);
}

static enum emul_result paragraph_code(struct emul_work *w, u16 selector, u64 offset,
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
 * emul_far_target - check the target of a far jump or call
 * @w: work
 * @selector: of the code segment
 * @offset: new instruction pointer
 * @cs: out: what emul_set_cs() is to load
 */
enum emul_result emul_far_target(struct emul_work *w, u16 selector, u64 offset,
				 struct emul_segment *cs)
{
	if (emul_is_paragraph(w->c))
		return paragraph_code(w, selector, offset, cs);
	return code_segment(w, selector, offset, false, cs);
}

/**
 * emul_far_return_target - check the target of a far return
 * @w: work
 * @selector: of the code segment
 * @offset: new instruction pointer
 * @cs: out: what emul_set_cs() is to load
 */
enum emul_result emul_far_return_target(struct emul_work *w, u16 selector, u64 offset,
					struct emul_segment *cs)
{
	if (emul_is_paragraph(w->c))
		return paragraph_code(w, selector, offset, cs);
	return code_segment(w, selector, offset, true, cs);
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
	return set_segment(w, EMUL_SEG_CS, cs);
}

/* Read the descriptor of an LDT or TSS; 16 bytes in long mode. */
static enum emul_result system_descriptor(struct emul_work *w, u16 selector, u64 *addr, u64 *desc,
					  struct emul_segment *s)
{
	enum emul_result res;
	u64 high = 0;

	res = descriptor_address(w, selector, w->c->lma ? 16 : 8, addr);
	if (res != EMUL_OK)
		return res;
	res = emul_read_linear(w, *addr, desc, 8, EMUL_ACC_SYSTEM);
	if (res == EMUL_OK && w->c->lma)
		res = emul_read_linear(w, *addr + 8, &high, 8, EMUL_ACC_SYSTEM);
	if (res != EMUL_OK)
		return res;
	unpack_descriptor(*desc, selector, s);
	s->base |= high << 32;
	if (w->c->lma && ((high >> 40 & 31) || !emul_canonical(w->c, s->base)))
		return selector_fault(w, EXC_GP, selector);
	return EMUL_OK;
}

enum emul_result emul_lldt(struct emul_work *w)
{
	u16 selector = w->src.val;
	struct emul_segment s = { .selector = selector, .unusable = 1 };
	enum emul_result res;
	u64 addr, desc;

	if (!(selector & ~3))
		return set_segment(w, EMUL_SEG_LDTR, &s);
	if (selector & 4)
		return selector_fault(w, EXC_GP, selector);
	res = system_descriptor(w, selector, &addr, &desc, &s);
	if (res != EMUL_OK)
		return res;
	if (s.s || s.type != SYS_LDT)
		return selector_fault(w, EXC_GP, selector);
	if (!s.present)
		return selector_fault(w, EXC_NP, selector);
	return set_segment(w, EMUL_SEG_LDTR, &s);
}

/* An available TSS becomes busy. */
enum emul_result emul_ltr(struct emul_work *w)
{
	u16 selector = w->src.val;
	struct emul_segment s;
	enum emul_result res;
	u64 addr, desc, new;

	if (!(selector & ~3))
		return emul_raise_code(w->c, EXC_GP, 0);
	if (selector & 4)
		return selector_fault(w, EXC_GP, selector);
	res = system_descriptor(w, selector, &addr, &desc, &s);
	if (res != EMUL_OK)
		return res;
	if (s.s || (s.type != SYS_TSS32 && (w->c->lma || s.type != SYS_TSS16)))
		return selector_fault(w, EXC_GP, selector);
	if (!s.present)
		return selector_fault(w, EXC_NP, selector);
	new = desc | (u64)SYS_BUSY << 40;
	s.type |= SYS_BUSY;
	res = emul_cmpxchg(w, addr, &desc, &new, 8);
	return res == EMUL_OK ? set_segment(w, EMUL_SEG_TR, &s) : res;
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
