// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fast system calls, and the bases of FS and GS that go with them. Intel SDM vol. 2 and AMD APM
 * vol. 3, the instructions' pages. Vendors differ: Intel's SYSCALL and SYSRET exist in 64-bit mode
 * only, AMD's SYSENTER and SYSEXIT outside of long mode only.
 */
#include "internal.h"

static bool has_msrs(const struct emul_ctxt *c)
{
	return c->ops->get_implied_msr && c->ops->set_implied_msr && c->ops->set_segment;
}

static u64 implied(const struct emul_work *w, u32 index)
{
	return w->c->ops->get_implied_msr(w->c->opaque, index);
}

/*
 * CS and SS, flat, from no descriptors. AMD's SYSRET leaves SS's hidden part alone; it is loaded
 * here, too, since the privilege level is kept in it.
 */
static enum emul_result load_flat(struct emul_work *w, u16 code, u16 stack, u8 cpl, bool is_64)
{
	struct emul_segment cs = {
		.limit = 0xffffffff,
		.selector = code,
		.type = SEG_CODE | SEG_WRITABLE | SEG_ACCESSED,
		.s = 1,
		.dpl = cpl,
		.present = 1,
		.l = is_64,
		.db = !is_64,
		.g = 1,
	};
	struct emul_segment ss = cs;
	enum emul_result res;

	ss.selector = stack;
	ss.type = SEG_WRITABLE | SEG_ACCESSED;
	ss.l = 0;
	ss.db = 1;
	res = emul_set_segment(w, EMUL_SEG_CS, &cs);
	return res == EMUL_OK ? emul_set_segment(w, EMUL_SEG_SS, &ss) : res;
}

/* SYSCALL and SYSRET: EFER.SCE, and no real or virtual-8086 mode. */
static bool has_syscall(const struct emul_work *w)
{
	const struct emul_ctxt *c = w->c;

	if (emul_is_paragraph(c) || (c->vendor == EMUL_VENDOR_INTEL && !emul_is_64(c)))
		return false;
	return implied(w, IDX_EFER) & SCE;
}

enum emul_result emul_syscall(struct emul_work *w)
{
	struct emul_ctxt *c = w->c;
	u64 star;
	u16 code;

	if (!has_msrs(c))
		return EMUL_UNHANDLEABLE;
	if (!has_syscall(w))
		return emul_raise(c, EXC_UD);
	star = implied(w, IDX_STAR);
	code = star >> 32;
	if (c->lma) {
		w->gpr[EMUL_RCX] = w->rip;
		w->gpr[EMUL_R11] = w->rflags & ~(u64)FL_RF;
		w->rip = implied(w, emul_is_64(c) ? IDX_LSTAR : IDX_CSTAR);
		w->rflags &= ~implied(w, IDX_SFMASK);
		w->rflags |= FL_FIXED;
	} else {
		emul_set_reg(w, EMUL_RCX, w->rip, 4);
		w->rip = (u32)star;
		w->rflags &= ~(u64)(FL_VM | FL_IF);
	}
	c->step = w->rflags & FL_TF;
	return load_flat(w, code & ~3, code + 8, 0, c->lma);
}

enum emul_result emul_sysret(struct emul_work *w)
{
	bool to_64 = emul_is_64(w->c) && w->size == 8;
	struct emul_ctxt *c = w->c;
	u16 code;

	if (!has_msrs(c))
		return EMUL_UNHANDLEABLE;
	if (!has_syscall(w))
		return emul_raise(c, EXC_UD);
	/* Of an address that isn't canonical AMD's let the next fetch find out. */
	if (c->cpl ||
	    (to_64 && c->vendor == EMUL_VENDOR_INTEL && !emul_canonical(c, w->gpr[EMUL_RCX])))
		return emul_raise_code(c, EXC_GP, 0);
	code = implied(w, IDX_STAR) >> 48;
	w->rip = to_64 ? w->gpr[EMUL_RCX] : (u32)w->gpr[EMUL_RCX];
	if (c->lma)
		w->rflags = (w->gpr[EMUL_R11] & FL_KNOWN & ~(u64)(FL_RF | FL_VM)) | FL_FIXED;
	else
		w->rflags |= FL_IF;
	c->step = w->rflags & FL_TF;
	return load_flat(w, (code + (to_64 ? 16 : 0)) | 3, (code + 8) | 3, 3, to_64);
}

/* SYSENTER and SYSEXIT: SYSENTER_CS, or an exception if they can't be used. */
static enum emul_result sysenter_cs(struct emul_work *w, u16 *code)
{
	struct emul_ctxt *c = w->c;

	if (!has_msrs(c))
		return EMUL_UNHANDLEABLE;
	if (c->vendor == EMUL_VENDOR_AMD && c->lma)
		return emul_raise(c, EXC_UD);
	*code = implied(w, IDX_SYSENTER_CS) & ~3;
	return c->mode == EMUL_MODE_REAL || !*code ? emul_raise_code(c, EXC_GP, 0) : EMUL_OK;
}

enum emul_result emul_sysenter(struct emul_work *w)
{
	struct emul_ctxt *c = w->c;
	unsigned int size = c->lma ? 8 : 4;
	enum emul_result res;
	u16 code;

	res = sysenter_cs(w, &code);
	if (res != EMUL_OK)
		return res;
	w->rflags &= ~(u64)(FL_VM | FL_IF);
	w->rip = implied(w, IDX_SYSENTER_EIP) & emul_mask(size);
	w->gpr[EMUL_RSP] = implied(w, IDX_SYSENTER_ESP) & emul_mask(size);
	return load_flat(w, code, code + 8, 0, c->lma);
}

enum emul_result emul_sysexit(struct emul_work *w)
{
	bool to_64 = emul_is_64(w->c) && w->size == 8;
	unsigned int size = to_64 ? 8 : 4;
	struct emul_ctxt *c = w->c;
	enum emul_result res;
	u16 code;

	/* AMD's look at the CPL before the mode. */
	if (c->cpl)
		return emul_raise_code(c, EXC_GP, 0);
	res = sysenter_cs(w, &code);
	if (res != EMUL_OK)
		return res;
	if (to_64 && !(emul_canonical(c, w->gpr[EMUL_RCX]) && emul_canonical(c, w->gpr[EMUL_RDX])))
		return emul_raise_code(c, EXC_GP, 0);
	w->rip = w->gpr[EMUL_RDX] & emul_mask(size);
	w->gpr[EMUL_RSP] = w->gpr[EMUL_RCX] & emul_mask(size);
	code += to_64 ? 32 : 16;
	return load_flat(w, code | 3, (code + 8) | 3, 3, to_64);
}

static enum emul_result set_base(struct emul_work *w, unsigned int nr, u64 base)
{
	struct emul_segment s;

	w->c->ops->get_segment(w->c->opaque, nr, &s);
	s.base = base;
	return emul_set_segment(w, nr, &s);
}

enum emul_result emul_swapgs(struct emul_work *w)
{
	struct emul_ctxt *c = w->c;
	struct emul_segment gs;
	u64 base;

	if (!has_msrs(c))
		return EMUL_UNHANDLEABLE;
	base = implied(w, IDX_KERNEL_GS_BASE);
	c->ops->get_segment(c->opaque, EMUL_SEG_GS, &gs);
	c->ops->set_implied_msr(c->opaque, IDX_KERNEL_GS_BASE, gs.base);
	gs.base = base;
	return emul_set_segment(w, EMUL_SEG_GS, &gs);
}

/* RDFSBASE, RDGSBASE, WRFSBASE, WRGSBASE: which segment is in the lowest bit of ModRM reg. */
static unsigned int base_seg(const struct emul_work *w)
{
	return w->insn->reg & 1 ? EMUL_SEG_GS : EMUL_SEG_FS;
}

static bool has_fsgsbase(struct emul_ctxt *c)
{
	return c->ops->get_cr(c->opaque, 4) & CR4_FSGSBASE;
}

enum emul_result emul_rd_base(struct emul_work *w)
{
	struct emul_ctxt *c = w->c;
	struct emul_segment s;

	if (!has_fsgsbase(c))
		return emul_raise(c, EXC_UD);
	c->ops->get_segment(c->opaque, base_seg(w), &s);
	w->dst.val = s.base & emul_mask(w->size);
	return EMUL_OK;
}

enum emul_result emul_wr_base(struct emul_work *w)
{
	struct emul_ctxt *c = w->c;

	if (!has_fsgsbase(c))
		return emul_raise(c, EXC_UD);
	if (!emul_canonical(c, w->src.val))
		return emul_raise_code(c, EXC_GP, 0);
	return set_base(w, base_seg(w), w->src.val);
}
