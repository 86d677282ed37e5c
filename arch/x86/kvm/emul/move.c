// SPDX-License-Identifier: GPL-2.0-only
/* Moves, exchanges, the stack, and the far-pointer loads. */
#include "internal.h"

enum emul_result emul_nop(struct emul_work *w)
{
	return EMUL_OK;
}

/* MOV, MOVZX: the operands' sizes do the work. */
enum emul_result emul_mov(struct emul_work *w)
{
	w->dst.val = w->src.val;
	return EMUL_OK;
}

/* There is none of 16 bits. */
enum emul_result emul_movnti(struct emul_work *w)
{
	unsigned int size = max_t(u8, w->size, 4);
	const struct emul_insn *i = w->insn;

	return emul_write_seg(w, i->seg, emul_ea(w), &w->gpr[i->reg], size);
}

/* As MOV, under a name of its own: not each CPU has it. */
enum emul_result emul_movdiri(struct emul_work *w)
{
	w->dst.val = w->src.val;
	return EMUL_OK;
}

/*
 * MOVDIR64B and CLZERO write one line of so many bytes, which lies in one page: its second half
 * faults only if the page goes meanwhile. Devices see pieces of eight bytes, in order.
 */
#define LINE 64

static enum emul_result write_line(struct emul_work *w, u64 linear, const u8 *line)
{
	enum emul_result res;

	res = emul_write_linear(w, linear, line, LINE / 2, 0);
	return res == EMUL_OK ?
		       emul_write_linear(w, linear + LINE / 2, line + LINE / 2, LINE / 2, 0) :
		       res;
}

/* To ES:reg, as wide as an address, whatever segment the source is in. */
enum emul_result emul_movdir64b(struct emul_work *w)
{
	u64 ea = emul_ea(w), dst = emul_reg(w, w->insn->reg, w->insn->addrsize), from, to;
	unsigned int seg = w->insn->seg;
	enum emul_result res;
	u8 line[LINE];

	res = emul_linear(w, seg, ea, LINE, EMUL_ACC_READ, &from);
	if (res == EMUL_OK)
		res = emul_linear(w, EMUL_SEG_ES, dst, LINE, EMUL_ACC_WRITE, &to);
	if (res != EMUL_OK)
		return res;
	if (to % LINE)
		return emul_raise_code(w->c, EXC_GP, 0);
	res = emul_read_linear(w, from, line, LINE / 2, EMUL_ACC_READ);
	if (res == EMUL_OK)
		res = emul_read_linear(w, from + LINE / 2, line + LINE / 2, LINE / 2,
				       EMUL_ACC_READ);
	return res == EMUL_OK ? write_line(w, to, line) : res;
}

/* AMD APM vol. 3, CLZERO: the line around the byte at rAX. */
enum emul_result emul_clzero(struct emul_work *w)
{
	u64 ea = emul_reg(w, EMUL_RAX, w->insn->addrsize), linear;
	static const u8 zeroes[LINE];
	enum emul_result res;

	res = emul_linear(w, w->insn->seg, ea, 1, EMUL_ACC_WRITE, &linear);
	return res == EMUL_OK ? write_line(w, linear & ~(u64)(LINE - 1), zeroes) : res;
}

enum emul_result emul_movsx(struct emul_work *w)
{
	w->dst.val = emul_sext(w->src.val, min(w->src.size, w->size));
	return EMUL_OK;
}

enum emul_result emul_lea(struct emul_work *w)
{
	emul_set_reg(w, w->insn->reg, emul_ea(w), w->size);
	return EMUL_OK;
}

/* A selector goes to memory as 2 bytes, to a register zero-extended to the operand size. */
enum emul_result emul_mov_from_seg(struct emul_work *w)
{
	const struct emul_insn *i = w->insn;
	unsigned int seg = i->reg & 7;
	struct emul_segment s;
	u16 selector;

	w->c->ops->get_segment(w->c->opaque, seg, &s);
	selector = s.selector;
	if (i->mem)
		return emul_write_seg(w, i->seg, emul_ea(w), &selector, 2);
	emul_set_reg(w, i->rm, selector, w->size);
	return EMUL_OK;
}

enum emul_result emul_mov_to_seg(struct emul_work *w)
{
	unsigned int seg = w->insn->reg & 7;

	if (seg == EMUL_SEG_SS)
		w->shadow = EMUL_SHADOW_MOV_SS;
	return emul_load_seg(w, seg, w->src.val);
}

/* The source, a register, gets what the destination held. */
enum emul_result emul_xchg(struct emul_work *w)
{
	u64 val = w->src.val;

	w->src.val = w->dst.val;
	w->dst.val = val;
	return emul_store(w, &w->src);
}

/* 90 without REX.B is NOP, also PAUSE: it doesn't clear the upper half of RAX. */
enum emul_result emul_xchg_acc(struct emul_work *w)
{
	u64 acc = w->gpr[EMUL_RAX];

	if (w->src.reg == EMUL_RAX)
		return EMUL_OK;
	emul_set_reg(w, EMUL_RAX, w->src.val, w->size);
	emul_set_reg(w, w->src.reg, acc, w->size);
	return EMUL_OK;
}

enum emul_result emul_xadd(struct emul_work *w)
{
	u64 old = w->dst.val;

	emul_add(w);
	w->src.val = old;
	if (!w->dst.mem && w->dst.reg == w->src.reg && w->dst.high == w->src.high)
		return EMUL_OK;		/* the sum stays */
	return emul_store(w, &w->src);
}

/*
 * If the comparison fails, a memory destination is written with what it held; a register isn't,
 * so the upper half of one stays.
 */
enum emul_result emul_cmpxchg_insn(struct emul_work *w)
{
	u64 acc = emul_reg(w, EMUL_RAX, w->size);

	emul_flags_sub(w, acc, w->dst.val, w->size);
	if (acc == w->dst.val) {
		w->dst.val = w->src.val;
		return emul_store(w, &w->dst);
	}
	emul_set_reg(w, EMUL_RAX, w->dst.val, w->size);
	return w->dst.mem ? emul_store(w, &w->dst) : EMUL_OK;
}

/* CMPXCHG8B and CMPXCHG16B; the latter wants alignment. */
enum emul_result emul_cmpxchg8b(struct emul_work *w)
{
	unsigned int half = w->size == 8 ? 8 : 4;
	const struct emul_insn *i = w->insn;
	enum emul_result res;
	u8 old[16], new[16];
	u64 linear, low = 0, high = 0;
	bool equal;

	res = emul_linear(w, i->seg, emul_ea(w), 2 * half, EMUL_ACC_WRITE, &linear);
	if (half == 8 && linear & 15)	/* goes before #SS */
		return emul_raise_code(w->c, EXC_GP, 0);
	if (res != EMUL_OK)
		return res;
	res = emul_read_linear(w, linear, old, 2 * half, EMUL_ACC_WRITE);
	if (res != EMUL_OK)
		return res;
	memcpy(&low, old, half);
	memcpy(&high, old + half, half);
	equal = low == emul_reg(w, EMUL_RAX, half) && high == emul_reg(w, EMUL_RDX, half);
	memcpy(new, old, sizeof(new));
	if (equal) {
		memcpy(new, &w->gpr[EMUL_RBX], half);
		memcpy(new + half, &w->gpr[EMUL_RCX], half);
		w->rflags |= FL_ZF;
	} else {
		emul_set_reg(w, EMUL_RAX, low, half);
		emul_set_reg(w, EMUL_RDX, high, half);
		w->rflags &= ~(u64)FL_ZF;
	}
	if (i->lock)
		return emul_cmpxchg(w, linear, old, new, 2 * half, 0);
	return emul_write_linear(w, linear, new, 2 * half, 0);
}

/* The source is read whatever the condition, and the upper half cleared. */
enum emul_result emul_cmov(struct emul_work *w)
{
	if (emul_condition(w->rflags, w->insn->opcode))
		w->dst.val = w->src.val;
	return EMUL_OK;
}

enum emul_result emul_setcc(struct emul_work *w)
{
	w->dst.val = emul_condition(w->rflags, w->insn->opcode);
	return EMUL_OK;
}

enum emul_result emul_xlat(struct emul_work *w)
{
	u64 ea = w->gpr[EMUL_RBX] + (w->gpr[EMUL_RAX] & 0xff);
	enum emul_result res;
	u8 val = 0;

	res = emul_read_seg(w, w->insn->seg, ea & emul_mask(w->insn->addrsize), &val, 1);
	emul_set_reg(w, EMUL_RAX, val, 1);
	return res;
}

#define SAHF_FLAGS (FL_SF | FL_ZF | FL_AF | FL_PF | FL_CF)

enum emul_result emul_sahf(struct emul_work *w)
{
	w->rflags &= ~(u64)SAHF_FLAGS;
	w->rflags |= w->gpr[EMUL_RAX] >> 8 & SAHF_FLAGS;
	return EMUL_OK;
}

enum emul_result emul_lahf(struct emul_work *w)
{
	u64 ah = (w->rflags & SAHF_FLAGS) | FL_FIXED;

	w->gpr[EMUL_RAX] = (w->gpr[EMUL_RAX] & ~0xff00ull) | ah << 8;
	return EMUL_OK;
}

enum emul_result emul_push_op(struct emul_work *w)
{
	return emul_push(w, w->src.val, w->size);
}

enum emul_result emul_pop_reg(struct emul_work *w)
{
	const struct emul_insn *i = w->insn;
	enum emul_result res;
	u64 val;

	res = emul_pop(w, &val, w->size);
	if (res == EMUL_OK)
		emul_set_reg(w, (i->opcode & 7) | (i->rex & 1 ? 8 : 0), val, w->size);
	return res;
}

/* An address that uses RSP is computed with its new value. */
enum emul_result emul_pop_mem(struct emul_work *w)
{
	const struct emul_insn *i = w->insn;
	enum emul_result res;
	u64 val;

	res = emul_pop(w, &val, w->size);
	if (res != EMUL_OK)
		return res;
	if (i->mem)
		return emul_write_seg(w, i->seg, emul_ea(w), &val, w->size);
	emul_set_reg(w, i->rm, val, w->size);
	return EMUL_OK;
}

/* The segment register that PUSH and POP, 06 to 1F and 0F A0 to A9, name. */
static unsigned int opcode_seg(const struct emul_insn *i)
{
	return i->opcode >> 3 & 7;
}

enum emul_result emul_push_seg(struct emul_work *w)
{
	struct emul_segment s;

	w->c->ops->get_segment(w->c->opaque, opcode_seg(w->insn), &s);
	return emul_push(w, s.selector, w->size);
}

enum emul_result emul_pop_seg(struct emul_work *w)
{
	unsigned int seg = opcode_seg(w->insn);
	enum emul_result res;
	u64 val;

	res = emul_pop(w, &val, w->size);
	if (res != EMUL_OK)
		return res;
	if (seg == EMUL_SEG_SS)
		w->shadow = EMUL_SHADOW_MOV_SS;
	return emul_load_seg(w, seg, val);
}

enum emul_result emul_pusha(struct emul_work *w)
{
	enum emul_result res = EMUL_OK;
	u64 sp = w->gpr[EMUL_RSP];
	unsigned int reg;

	for (reg = EMUL_RAX; reg <= EMUL_RDI && res == EMUL_OK; reg++)
		res = emul_push(w, reg == EMUL_RSP ? sp : w->gpr[reg], w->size);
	return res;
}

enum emul_result emul_popa(struct emul_work *w)
{
	enum emul_result res = EMUL_OK;
	int reg;
	u64 val;

	for (reg = EMUL_RDI; reg >= EMUL_RAX && res == EMUL_OK; reg--) {
		res = emul_pop(w, &val, w->size);
		if (res == EMUL_OK && reg != EMUL_RSP)
			emul_set_reg(w, reg, val, w->size);
	}
	return res;
}

/**
 * emul_vm86_flags - may PUSHF, POPF and IRET be executed?
 * @w: work
 * @vif: out: virtual-8086 mode below IOPL 3, where CR4.VME gives 16-bit code VIF in IF's place
 *
 * Intel SDM vol. 3, 20.3. Return: EMUL_OK or #GP(0).
 */
enum emul_result emul_vm86_flags(struct emul_work *w, bool *vif)
{
	struct emul_ctxt *c = w->c;

	*vif = c->mode == EMUL_MODE_VM86 && emul_iopl(w) < 3;
	if (*vif && (w->size != 2 || !(c->ops->get_cr(c->opaque, 4) & CR4_VME)))
		return emul_raise_code(c, EXC_GP, 0);
	return EMUL_OK;
}

/**
 * emul_virtual_flags - the flags as a program with a virtual interrupt flag sees them
 * @w: work
 */
u64 emul_virtual_flags(const struct emul_work *w)
{
	return (w->rflags & ~(u64)FL_IF) | FL_IOPL | (w->rflags & FL_VIF ? FL_IF : 0);
}

/**
 * emul_set_vif - such a program sets its flags
 * @w: work
 * @flags: new flags: IF goes to VIF
 *
 * Return: EMUL_OK or #GP(0): the kernel wants to know.
 */
enum emul_result emul_set_vif(struct emul_work *w, u64 flags)
{
	if (flags & FL_TF || (flags & FL_IF && w->rflags & FL_VIP))
		return emul_raise_code(w->c, EXC_GP, 0);
	emul_set_flag(w, FL_VIF, flags & FL_IF);
	return EMUL_OK;
}

enum emul_result emul_pushf(struct emul_work *w)
{
	enum emul_result res;
	u64 val;
	bool vif;

	res = emul_vm86_flags(w, &vif);
	if (res != EMUL_OK)
		return res;
	val = vif ? emul_virtual_flags(w) : w->rflags;
	return emul_push(w, val & ~(u64)(FL_VM | FL_RF), w->size);
}

/* Which flags POPF changes depends on CPL and IOPL: Intel SDM vol. 2, table 4-15. */
enum emul_result emul_popf(struct emul_work *w)
{
	u64 val, mask = FL_ARITH | FL_TF | FL_DF | FL_NT | FL_AC | FL_ID;
	enum emul_result res;
	bool vif;

	res = emul_vm86_flags(w, &vif);
	if (res == EMUL_OK)
		res = emul_pop(w, &val, w->size);
	if (res == EMUL_OK && vif)
		res = emul_set_vif(w, val);
	if (res != EMUL_OK)
		return res;
	if (w->c->cpl == 0)
		mask |= FL_IOPL;
	if (w->c->cpl <= emul_iopl(w))
		mask |= FL_IF;
	mask &= emul_mask(w->size);
	w->rflags = (w->rflags & ~mask) | (val & mask);
	return EMUL_OK;
}

/* ENTER faults unless the new top of the stack can be written. */
static enum emul_result touch_stack(struct emul_work *w)
{
	u64 linear, unused, sp = emul_reg(w, EMUL_RSP, emul_stack_size(w));
	enum emul_result res;

	res = emul_linear(w, EMUL_SEG_SS, sp, w->size, EMUL_ACC_WRITE, &linear);
	if (res != EMUL_OK)
		return res;
	return emul_read_linear(w, linear, &unused, w->size, EMUL_ACC_WRITE);
}

/* Intel SDM vol. 2, ENTER. */
enum emul_result emul_enter(struct emul_work *w)
{
	unsigned int k, level = w->insn->imm2 & 31, sp_size = emul_stack_size(w);
	u64 frame, link, bp = w->gpr[EMUL_RBP];
	enum emul_result res;

	res = emul_push(w, bp, w->size);
	frame = w->gpr[EMUL_RSP];
	for (k = 1; k < level && res == EMUL_OK; k++) {
		bp -= w->size;
		link = 0;
		res = emul_read_seg(w, EMUL_SEG_SS, bp & emul_mask(sp_size), &link, w->size);
		if (res == EMUL_OK)
			res = emul_push(w, link, w->size);
	}
	if (level && res == EMUL_OK)
		res = emul_push(w, frame, w->size);
	if (res != EMUL_OK)
		return res;
	emul_set_reg(w, EMUL_RBP, frame, w->size);
	emul_set_reg(w, EMUL_RSP, w->gpr[EMUL_RSP] - w->insn->imm, sp_size);
	return touch_stack(w);
}

enum emul_result emul_leave(struct emul_work *w)
{
	enum emul_result res;
	u64 val;

	emul_set_reg(w, EMUL_RSP, w->gpr[EMUL_RBP], emul_stack_size(w));
	res = emul_pop(w, &val, w->size);
	if (res == EMUL_OK)
		emul_set_reg(w, EMUL_RBP, val, w->size);
	return res;
}

/* Offset first in memory, then the selector. AMD has no 64-bit offsets here. */
static enum emul_result load_far_pointer(struct emul_work *w, unsigned int seg)
{
	unsigned int size = w->c->vendor == EMUL_VENDOR_AMD ? min_t(u8, w->size, 4) : w->size;
	const struct emul_insn *i = w->insn;
	u64 ea = emul_ea(w), offset = 0;
	enum emul_result res;
	u16 selector;

	res = emul_read_seg(w, i->seg, ea, &offset, size);
	if (res != EMUL_OK)
		return res;
	res = emul_read_seg(w, i->seg, (ea + size) & emul_mask(i->addrsize), &selector, 2);
	if (res != EMUL_OK)
		return res;
	emul_set_reg(w, i->reg, offset, size);
	return emul_load_seg(w, seg, selector);
}

enum emul_result emul_les(struct emul_work *w)
{
	return load_far_pointer(w, EMUL_SEG_ES);
}

enum emul_result emul_lds(struct emul_work *w)
{
	return load_far_pointer(w, EMUL_SEG_DS);
}

enum emul_result emul_lss(struct emul_work *w)
{
	return load_far_pointer(w, EMUL_SEG_SS);
}

enum emul_result emul_lfs(struct emul_work *w)
{
	return load_far_pointer(w, EMUL_SEG_FS);
}

enum emul_result emul_lgs(struct emul_work *w)
{
	return load_far_pointer(w, EMUL_SEG_GS);
}
