// SPDX-License-Identifier: GPL-2.0-only
/* Ports, flags, control and debug registers, descriptor tables, MSRs, CPUID, caches, HLT. */
#include "internal.h"

/* The I/O permission bitmap of a 32- or 64-bit TSS: Intel SDM vol. 1, 19.5.2. */
static enum emul_result io_bitmap_allows(struct emul_work *w, u16 port, unsigned int size)
{
	struct emul_ctxt *c = w->c;
	struct emul_segment tr;
	enum emul_result res;
	u16 map = 0, bits = 0;

	c->ops->get_segment(c->opaque, EMUL_SEG_TR, &tr);
	if (tr.unusable || !(tr.type & 8) || tr.limit < 0x67)
		return emul_raise_code(c, EXC_GP, 0);
	res = emul_read_linear(w, tr.base + 0x66, &map, 2, EMUL_ACC_SYSTEM);
	if (res != EMUL_OK)
		return res;
	/* Two bytes are always read, so that a wide access can cross a byte. */
	if ((u32)map + port / 8 + 1 > tr.limit)
		return emul_raise_code(c, EXC_GP, 0);
	res = emul_read_linear(w, tr.base + map + port / 8, &bits, 2, EMUL_ACC_SYSTEM);
	if (res != EMUL_OK)
		return res;
	if (bits >> (port & 7) & ((1u << size) - 1))
		return emul_raise_code(c, EXC_GP, 0);
	return EMUL_OK;
}

/**
 * emul_io_allowed - may the instruction use these ports?
 * @w: work
 * @port: first port
 * @size: bytes
 *
 * Return: EMUL_OK, #GP(0), or what reading the TSS gave.
 */
enum emul_result emul_io_allowed(struct emul_work *w, u16 port, unsigned int size)
{
	struct emul_ctxt *c = w->c;

	if (c->mode == EMUL_MODE_REAL || (c->mode != EMUL_MODE_VM86 && c->cpl <= emul_iopl(w)))
		return EMUL_OK;
	return io_bitmap_allows(w, port, size);
}

static enum emul_result port_in(struct emul_work *w, u16 port)
{
	unsigned int size = min_t(u8, w->size, 4);
	struct emul_ctxt *c = w->c;
	enum emul_result res;
	u64 val = 0;

	if (!c->ops->pio_in)
		return EMUL_UNHANDLEABLE;
	res = emul_io_allowed(w, port, size);
	if (res == EMUL_OK)
		res = c->ops->pio_in(c->opaque, port, size, &val, 1, &c->exc);
	if (res == EMUL_OK)
		emul_set_reg(w, EMUL_RAX, val, size);
	return res;
}

static enum emul_result port_out(struct emul_work *w, u16 port)
{
	unsigned int size = min_t(u8, w->size, 4);
	u64 val = emul_reg(w, EMUL_RAX, size);
	struct emul_ctxt *c = w->c;
	enum emul_result res;

	if (!c->ops->pio_out)
		return EMUL_UNHANDLEABLE;
	res = emul_io_allowed(w, port, size);
	if (res == EMUL_OK)
		res = c->ops->pio_out(c->opaque, port, size, &val, 1, &c->exc);
	return res;
}

enum emul_result emul_in_imm(struct emul_work *w)
{
	return port_in(w, w->insn->imm);
}

enum emul_result emul_in_dx(struct emul_work *w)
{
	return port_in(w, w->gpr[EMUL_RDX]);
}

enum emul_result emul_out_imm(struct emul_work *w)
{
	return port_out(w, w->insn->imm);
}

enum emul_result emul_out_dx(struct emul_work *w)
{
	return port_out(w, w->gpr[EMUL_RDX]);
}

enum emul_result emul_clc(struct emul_work *w)
{
	w->rflags &= ~(u64)FL_CF;
	return EMUL_OK;
}

enum emul_result emul_stc(struct emul_work *w)
{
	w->rflags |= FL_CF;
	return EMUL_OK;
}

enum emul_result emul_cmc(struct emul_work *w)
{
	w->rflags ^= FL_CF;
	return EMUL_OK;
}

enum emul_result emul_cld(struct emul_work *w)
{
	w->rflags &= ~(u64)FL_DF;
	return EMUL_OK;
}

enum emul_result emul_std(struct emul_work *w)
{
	w->rflags |= FL_DF;
	return EMUL_OK;
}

/*
 * CLI and STI need IOPL. Without it CR4.VME in virtual-8086 mode and CR4.PVI at CPL 3 have them
 * change VIF instead. Intel SDM vol. 3, 20.3 and 20.4.
 */
static enum emul_result if_allowed(struct emul_work *w, bool *vif)
{
	struct emul_ctxt *c = w->c;
	u64 virtual_if;

	*vif = c->cpl > emul_iopl(w);
	if (!*vif)
		return EMUL_OK;
	virtual_if = c->mode == EMUL_MODE_VM86 ? CR4_VME : c->cpl == 3 ? CR4_PVI : 0;
	if (c->ops->get_cr(c->opaque, 4) & virtual_if)
		return EMUL_OK;
	return emul_raise_code(c, EXC_GP, 0);
}

enum emul_result emul_cli(struct emul_work *w)
{
	bool vif;
	enum emul_result res = if_allowed(w, &vif);

	if (res == EMUL_OK)
		w->rflags &= ~(u64)(vif ? FL_VIF : FL_IF);
	return res;
}

enum emul_result emul_sti(struct emul_work *w)
{
	bool vif;
	enum emul_result res = if_allowed(w, &vif);

	if (res != EMUL_OK)
		return res;
	if (vif) {
		if (w->rflags & FL_VIP)
			return emul_raise_code(w->c, EXC_GP, 0);
		w->rflags |= FL_VIF;
		return EMUL_OK;
	}
	if (!(w->rflags & FL_IF))
		w->shadow = EMUL_SHADOW_STI;
	w->rflags |= FL_IF;
	return EMUL_OK;
}

static enum emul_result set_ac(struct emul_work *w, bool on)
{
	const struct emul_insn *i = w->insn;

	if (w->c->cpl || i->opsize_prefix || i->rep)
		return emul_raise(w->c, EXC_UD);
	w->rflags = on ? w->rflags | FL_AC : w->rflags & ~(u64)FL_AC;
	return EMUL_OK;
}

enum emul_result emul_clac(struct emul_work *w)
{
	return set_ac(w, false);
}

enum emul_result emul_stac(struct emul_work *w)
{
	return set_ac(w, true);
}

enum emul_result emul_hlt(struct emul_work *w)
{
	struct emul_ctxt *c = w->c;

	return c->ops->hlt ? c->ops->hlt(c->opaque) : EMUL_UNHANDLEABLE;
}

static enum emul_result set_cr(struct emul_work *w, unsigned int nr, u64 val)
{
	struct emul_ctxt *c = w->c;

	if (!c->ops->set_cr)
		return EMUL_UNHANDLEABLE;
	return c->ops->set_cr(c->opaque, nr, val, &c->exc);
}

enum emul_result emul_clts(struct emul_work *w)
{
	return set_cr(w, 0, w->c->ops->get_cr(w->c->opaque, 0) & ~(u64)CR0_TS);
}

/* LMSW sets PE, MP, EM, TS, but can't clear PE. */
enum emul_result emul_lmsw(struct emul_work *w)
{
	u64 cr0 = w->c->ops->get_cr(w->c->opaque, 0);

	cr0 = (cr0 & ~(u64)(CR0_MP | CR0_EM | CR0_TS)) | (w->src.val & 15);
	return set_cr(w, 0, cr0);
}

/* SGDT, SIDT, SMSW (and SLDT, STR): CR4.UMIP reserves them for CPL 0. */
static bool umip_forbids(struct emul_ctxt *c)
{
	return c->cpl && c->ops->get_cr(c->opaque, 4) & CR4_UMIP;
}

enum emul_result emul_smsw(struct emul_work *w)
{
	const struct emul_insn *i = w->insn;
	struct emul_ctxt *c = w->c;
	u64 cr0;

	if (umip_forbids(c))
		return emul_raise_code(c, EXC_GP, 0);
	cr0 = c->ops->get_cr(c->opaque, 0);
	if (i->mem)
		return emul_write_seg(w, i->seg, emul_ea(w), &cr0, 2);
	emul_set_reg(w, i->rm, cr0, w->size);
	return EMUL_OK;
}

/*
 * The number of the control register; LOCK (which only AMD lets through) adds 8. #UD for one that
 * doesn't exist goes before #GP for the CPL.
 */
static enum emul_result cr_number(struct emul_work *w, unsigned int *nr)
{
	*nr = w->insn->reg + (w->insn->lock ? 8 : 0);
	if (*nr > 8 || !(BIT(*nr) & (BIT(0) | BIT(2) | BIT(3) | BIT(4) | BIT(8))))
		return emul_raise(w->c, EXC_UD);
	return w->c->cpl ? emul_raise_code(w->c, EXC_GP, 0) : EMUL_OK;
}

enum emul_result emul_mov_from_cr(struct emul_work *w)
{
	unsigned int nr;
	enum emul_result res = cr_number(w, &nr);

	if (res == EMUL_OK)
		emul_set_reg(w, w->insn->rm, w->c->ops->get_cr(w->c->opaque, nr), w->size);
	return res;
}

enum emul_result emul_mov_to_cr(struct emul_work *w)
{
	unsigned int nr;
	enum emul_result res = cr_number(w, &nr);

	return res == EMUL_OK ? set_cr(w, nr, emul_reg(w, w->insn->rm, w->size)) : res;
}

/* The number of the debug register: 4 and 5 are 6 and 7 unless CR4.DE is set. */
static enum emul_result dr_number(struct emul_work *w, unsigned int *nr)
{
	struct emul_ctxt *c = w->c;

	if (w->insn->reg > 7)
		return emul_raise(c, EXC_UD);
	*nr = w->insn->reg & 7;		/* also where the branch above is mispredicted */
	if (c->cpl)
		return emul_raise_code(c, EXC_GP, 0);
	if (*nr == 4 || *nr == 5) {
		if (c->ops->get_cr(c->opaque, 4) & CR4_DE)
			return emul_raise(c, EXC_UD);
		*nr += 2;
	}
	return EMUL_OK;
}

enum emul_result emul_mov_from_dr(struct emul_work *w)
{
	struct emul_ctxt *c = w->c;
	unsigned int nr;
	enum emul_result res = dr_number(w, &nr);
	u64 val;

	if (res != EMUL_OK)
		return res;
	if (!c->ops->get_dr)
		return EMUL_UNHANDLEABLE;
	res = c->ops->get_dr(c->opaque, nr, &val, &c->exc);
	if (res == EMUL_OK)
		emul_set_reg(w, w->insn->rm, val, w->size);
	return res;
}

enum emul_result emul_mov_to_dr(struct emul_work *w)
{
	struct emul_ctxt *c = w->c;
	unsigned int nr;
	enum emul_result res = dr_number(w, &nr);

	if (res != EMUL_OK)
		return res;
	if (!c->ops->set_dr)
		return EMUL_UNHANDLEABLE;
	return c->ops->set_dr(c->opaque, nr, emul_reg(w, w->insn->rm, w->size), &c->exc);
}

/* Limit, then base: 8 bytes in 64-bit mode, 4 elsewhere, whatever the operand size. */
static enum emul_result store_table(struct emul_work *w, enum emul_table which)
{
	unsigned int n = emul_is_64(w->c) ? 8 : 4;
	const struct emul_insn *i = w->insn;
	struct emul_ctxt *c = w->c;
	enum emul_result res;
	u64 base, ea = emul_ea(w);
	u16 limit;

	if (umip_forbids(c))
		return emul_raise_code(c, EXC_GP, 0);
	if (!c->ops->get_table)
		return EMUL_UNHANDLEABLE;
	c->ops->get_table(c->opaque, which, &base, &limit);
	res = emul_write_seg(w, i->seg, ea, &limit, 2);
	if (res != EMUL_OK)
		return res;
	return emul_write_seg(w, i->seg, (ea + 2) & emul_mask(i->addrsize), &base, n);
}

/* The same order; a 16-bit operand size takes 24 bits of the base. */
static enum emul_result load_table(struct emul_work *w, enum emul_table which)
{
	unsigned int n = emul_is_64(w->c) ? 8 : 4;
	const struct emul_insn *i = w->insn;
	struct emul_ctxt *c = w->c;
	u64 base = 0, ea = emul_ea(w);
	enum emul_result res;
	u16 limit;

	if (!c->ops->set_table)
		return EMUL_UNHANDLEABLE;
	res = emul_read_seg(w, i->seg, ea, &limit, 2);
	if (res != EMUL_OK)
		return res;
	res = emul_read_seg(w, i->seg, (ea + 2) & emul_mask(i->addrsize), &base, n);
	if (res != EMUL_OK)
		return res;
	if (n == 8 && !emul_canonical(c, base))
		return emul_raise_code(c, EXC_GP, 0);
	if (n == 4 && w->size == 2)
		base &= 0xffffff;
	return c->ops->set_table(c->opaque, which, base, limit);
}

enum emul_result emul_sgdt(struct emul_work *w)
{
	return store_table(w, EMUL_GDT);
}

enum emul_result emul_sidt(struct emul_work *w)
{
	return store_table(w, EMUL_IDT);
}

enum emul_result emul_lgdt(struct emul_work *w)
{
	return load_table(w, EMUL_GDT);
}

enum emul_result emul_lidt(struct emul_work *w)
{
	return load_table(w, EMUL_IDT);
}

/* 64 bits in two registers, whatever the operand size. */
static u64 edx_eax(const struct emul_work *w)
{
	return (u32)w->gpr[EMUL_RAX] | w->gpr[EMUL_RDX] << 32;
}

static void set_edx_eax(struct emul_work *w, u64 val)
{
	emul_set_reg(w, EMUL_RAX, (u32)val, 4);
	emul_set_reg(w, EMUL_RDX, val >> 32, 4);
}

enum emul_result emul_rdmsr(struct emul_work *w)
{
	struct emul_ctxt *c = w->c;
	enum emul_result res;
	u64 val = 0;

	if (!c->ops->get_msr)
		return EMUL_UNHANDLEABLE;
	res = c->ops->get_msr(c->opaque, w->gpr[EMUL_RCX], &val, &c->exc);
	if (res != EMUL_OK)
		return res;
	set_edx_eax(w, val);
	return EMUL_OK;
}

enum emul_result emul_wrmsr(struct emul_work *w)
{
	u64 val = edx_eax(w);
	struct emul_ctxt *c = w->c;

	if (!c->ops->set_msr)
		return EMUL_UNHANDLEABLE;
	return c->ops->set_msr(c->opaque, w->gpr[EMUL_RCX], val, &c->exc);
}

/* RDTSC; @aux: RDTSCP. CR4.TSD keeps them for CPL 0. */
static enum emul_result read_tsc(struct emul_work *w, bool aux)
{
	struct emul_ctxt *c = w->c;
	u64 val;

	if (c->cpl && c->ops->get_cr(c->opaque, 4) & CR4_TSD)
		return emul_raise_code(c, EXC_GP, 0);
	if (!c->ops->rdtsc || (aux && !c->ops->get_implied_msr))
		return EMUL_UNHANDLEABLE;
	val = c->ops->rdtsc(c->opaque);
	set_edx_eax(w, val);
	if (aux)
		emul_set_reg(w, EMUL_RCX, c->ops->get_implied_msr(c->opaque, IDX_TSC_AUX), 4);
	return EMUL_OK;
}

enum emul_result emul_rdtsc(struct emul_work *w)
{
	return read_tsc(w, false);
}

enum emul_result emul_rdtscp(struct emul_work *w)
{
	return read_tsc(w, true);
}

enum emul_result emul_rdpid(struct emul_work *w)
{
	struct emul_ctxt *c = w->c;

	if (!c->ops->get_implied_msr)
		return EMUL_UNHANDLEABLE;
	w->dst.val = (u32)c->ops->get_implied_msr(c->opaque, IDX_TSC_AUX);
	return EMUL_OK;
}

/* There are no performance counters: each number is out of range, where CR4.PCE allows to ask. */
enum emul_result emul_rdpmc(struct emul_work *w)
{
	return emul_raise_code(w->c, EXC_GP, 0);
}

/* RDRAND, RDSEED: CF says that there is a number; without one the register is zero. */
enum emul_result emul_rdrand(struct emul_work *w)
{
	struct emul_ctxt *c = w->c;
	u64 val = 0;

	if (!c->ops->random)
		return EMUL_UNHANDLEABLE;
	w->rflags &= ~(u64)FL_ARITH;
	emul_set_flag(w, FL_CF, c->ops->random(c->opaque, &val));
	w->dst.val = val & emul_mask(w->size);
	return EMUL_OK;
}

/* XGETBV, XSETBV: they exist with CR4.OSXSAVE, and without a mandatory prefix. */
static bool has_xcr(struct emul_work *w)
{
	const struct emul_insn *i = w->insn;

	return w->c->ops->get_cr(w->c->opaque, 4) & CR4_OSXSAVE && !i->opsize_prefix && !i->rep;
}

enum emul_result emul_xgetbv(struct emul_work *w)
{
	struct emul_ctxt *c = w->c;
	u64 val;

	if (!has_xcr(w))
		return emul_raise(c, EXC_UD);
	/* Number 1, where there is one, is what XSAVE would find in use. */
	if ((u32)w->gpr[EMUL_RCX] == 1 || !c->ops->get_xcr0)
		return EMUL_UNHANDLEABLE;
	if ((u32)w->gpr[EMUL_RCX])
		return emul_raise_code(c, EXC_GP, 0);
	val = c->ops->get_xcr0(c->opaque);
	set_edx_eax(w, val);
	return EMUL_OK;
}

enum emul_result emul_xsetbv(struct emul_work *w)
{
	u64 val = edx_eax(w);
	struct emul_ctxt *c = w->c;

	if (!has_xcr(w))
		return emul_raise(c, EXC_UD);
	if (c->cpl)
		return emul_raise_code(c, EXC_GP, 0);
	if (!c->ops->set_xcr)
		return EMUL_UNHANDLEABLE;
	return c->ops->set_xcr(c->opaque, w->gpr[EMUL_RCX], val, &c->exc);
}

/* Instructions of VMX, SVM, SMX and SMM outside of these modes. */
enum emul_result emul_undefined(struct emul_work *w)
{
	return emul_raise(w->c, EXC_UD);
}

enum emul_result emul_cpuid(struct emul_work *w)
{
	u32 eax = w->gpr[EMUL_RAX], ecx = w->gpr[EMUL_RCX], ebx = 0, edx = 0;
	struct emul_ctxt *c = w->c;
	enum emul_result res;

	if (!c->ops->cpuid)
		return EMUL_UNHANDLEABLE;
	res = c->ops->cpuid(c->opaque, &eax, &ebx, &ecx, &edx, &c->exc);
	if (res != EMUL_OK)
		return res;
	emul_set_reg(w, EMUL_RAX, eax, 4);
	emul_set_reg(w, EMUL_RBX, ebx, 4);
	emul_set_reg(w, EMUL_RCX, ecx, 4);
	emul_set_reg(w, EMUL_RDX, edx, 4);
	return EMUL_OK;
}

static enum emul_result flush_caches(struct emul_work *w, bool writeback)
{
	struct emul_ctxt *c = w->c;

	return c->ops->wbinvd ? c->ops->wbinvd(c->opaque, writeback) : EMUL_UNHANDLEABLE;
}

enum emul_result emul_invd(struct emul_work *w)
{
	return flush_caches(w, false);
}

enum emul_result emul_wbinvd(struct emul_work *w)
{
	return flush_caches(w, true);
}

/* CLFLUSH, CLFLUSHOPT, CLWB: caches are coherent; it faults where a read of the byte would. */
enum emul_result emul_clflush(struct emul_work *w)
{
	struct emul_ctxt *c = w->c;
	enum emul_result res;
	u64 linear;

	if (!c->ops->touch)
		return EMUL_UNHANDLEABLE;
	res = emul_linear(w, w->insn->seg, emul_ea(w), 1, EMUL_ACC_READ, &linear);
	return res == EMUL_OK ? c->ops->touch(c->opaque, linear, EMUL_ACC_READ, &c->exc) : res;
}

/* No access is made, so no limit is checked, and an address that isn't canonical does nothing. */
enum emul_result emul_invlpg(struct emul_work *w)
{
	const struct emul_insn *i = w->insn;
	struct emul_ctxt *c = w->c;
	u64 addr = emul_ea(w);
	struct emul_segment s;

	if (!c->ops->invlpg)
		return EMUL_UNHANDLEABLE;
	if (!emul_is_64(c) || i->seg == EMUL_SEG_FS || i->seg == EMUL_SEG_GS) {
		c->ops->get_segment(c->opaque, i->seg, &s);
		addr += s.base;
	}
	if (!emul_is_64(c))
		addr = (u32)addr;
	else if (!emul_canonical(c, addr))
		return EMUL_OK;
	return c->ops->invlpg(c->opaque, addr);
}
