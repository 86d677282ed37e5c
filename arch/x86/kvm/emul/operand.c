// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operands: effective and linear addresses, segment checks, register and memory accesses, the
 * stack; and emul_execute(), which brings operands and instructions together.
 */
#include "internal.h"

/**
 * emul_raise - set up an exception without error code
 * @c: context
 * @vector: exception vector
 *
 * Return: EMUL_EXCEPTION.
 */
enum emul_result emul_raise(struct emul_ctxt *c, u8 vector)
{
	c->exc = (struct emul_exception) { .vector = vector };
	return EMUL_EXCEPTION;
}

/**
 * emul_raise_code - set up an exception with error code
 * @c: context
 * @vector: exception vector
 * @error_code: what to push, but for EXT; not pushed in real mode, which the injection knows
 *
 * Return: EMUL_EXCEPTION.
 */
enum emul_result emul_raise_code(struct emul_ctxt *c, u8 vector, u32 error_code)
{
	c->exc = (struct emul_exception) {
		.vector = vector,
		.has_error = c->mode != EMUL_MODE_REAL,
		.error_code = error_code | c->ext,
	};
	return EMUL_EXCEPTION;
}

/**
 * emul_reg - a general register
 * @w: work
 * @reg: number
 * @size: bytes: 1, 2, 4, 8; the low ones
 *
 * Return: the value, zero-extended.
 */
u64 emul_reg(const struct emul_work *w, unsigned int reg, unsigned int size)
{
	return w->gpr[reg] & emul_mask(size);
}

/**
 * emul_set_reg - write a general register
 * @w: work
 * @reg: number
 * @val: the value
 * @size: bytes; 4 clears the upper half, less leave the rest alone
 */
void emul_set_reg(struct emul_work *w, unsigned int reg, u64 val, unsigned int size)
{
	emul_merge(&w->gpr[reg], val, size);
}

/* Without REX, byte registers 4 to 7 are AH, CH, DH, BH. */
static bool is_high_byte(const struct emul_insn *i, unsigned int reg)
{
	return reg >= 4 && reg < 8 && !i->rex;
}

static u64 read_operand_reg(const struct emul_work *w, const struct emul_operand *op)
{
	return op->high ? w->gpr[op->reg] >> 8 & 0xff : emul_reg(w, op->reg, op->size);
}

static void write_operand_reg(struct emul_work *w, const struct emul_operand *op)
{
	if (op->high)
		w->gpr[op->reg] = (w->gpr[op->reg] & ~0xff00ull) | (op->val & 0xff) << 8;
	else
		emul_set_reg(w, op->reg, op->val, op->size);
}

/**
 * emul_ea - effective address of the ModRM or moffs operand
 * @w: work; the registers are those of the moment, as POP to memory wants them
 *
 * Return: offset in the segment, wrapped to the address size.
 */
u64 emul_ea(const struct emul_work *w)
{
	const struct emul_insn *i = w->insn;
	u64 ea = i->disp;

	if (i->rip_rel)
		ea += w->c->rip + i->len;
	if (i->base >= 0)
		ea += w->gpr[i->base];
	if (i->index >= 0)
		ea += w->gpr[i->index] << i->scale;
	return ea & emul_mask(i->addrsize);
}

static enum emul_result segment_fault(struct emul_ctxt *c, unsigned int seg)
{
	return emul_raise_code(c, seg == EMUL_SEG_SS ? EXC_SS : EXC_GP, 0);
}

/**
 * emul_segment_permits - limit and type checks outside of 64-bit mode: Intel SDM vol. 3, 5.3 to 5.5
 * @c: context
 * @s: the segment
 * @ea: offset in it
 * @n: bytes
 * @acc: EMUL_ACC_WRITE or EMUL_ACC_READ
 */
bool emul_segment_permits(const struct emul_ctxt *c, const struct emul_segment *s, u64 ea,
			  unsigned int n, unsigned int acc)
{
	u64 last = ea + n - 1;
	bool code = s->type & 8;

	if (!emul_is_paragraph(c)) {
		if (s->unusable || !s->present)
			return false;
		if (acc & EMUL_ACC_WRITE ? code || !(s->type & 2) : code && !(s->type & 2))
			return false;
	}
	if (!code && s->type & 4)	/* expand-down */
		return ea > s->limit && last <= (s->db ? 0xffffffffu : 0xffffu);
	return last <= s->limit;
}

/**
 * emul_wants_alignment - does #AC check alignment now? Intel SDM vol. 3, 6.15, interrupt 17
 * @c: context
 */
bool emul_wants_alignment(struct emul_ctxt *c)
{
	return c->cpl == 3 && c->rflags & FL_AC && c->ops->get_cr(c->opaque, 0) & CR0_AM;
}

/**
 * emul_linear - linear address of a data access, after all checks that segmentation makes
 * @w: work
 * @seg: segment register
 * @ea: offset in it, wrapped already
 * @n: bytes
 * @acc: EMUL_ACC_WRITE or EMUL_ACC_READ
 * @linear: out, also with an exception
 *
 * Return: EMUL_OK, or EMUL_EXCEPTION (#GP, #SS, #AC).
 */
enum emul_result emul_linear(struct emul_work *w, unsigned int seg, u64 ea, unsigned int n,
			     unsigned int acc, u64 *linear)
{
	struct emul_ctxt *c = w->c;
	struct emul_segment s;

	if (emul_is_64(c)) {
		*linear = ea;
		if (seg == EMUL_SEG_FS || seg == EMUL_SEG_GS) {
			c->ops->get_segment(c->opaque, seg, &s);
			*linear += s.base;
			/* AMD's processors are seen to check the offset as well. */
			if (c->vendor == EMUL_VENDOR_AMD &&
			    !(emul_canonical(c, ea) && emul_canonical(c, ea + n - 1)))
				return segment_fault(c, seg);
		}
		if (!emul_canonical(c, *linear) || !emul_canonical(c, *linear + n - 1))
			return segment_fault(c, seg);
	} else {
		c->ops->get_segment(c->opaque, seg, &s);
		*linear = (u32)(s.base + ea);
		if (!emul_segment_permits(c, &s, ea, n, acc))
			return segment_fault(c, seg);
	}
	/* Vectors of 32 bytes want no more than those of 16; what is longer has its own rules. */
	if (n <= 32 && *linear & (min(n, 16u) - 1) && emul_wants_alignment(c))
		return emul_raise_code(c, EXC_AC, 0);
	return EMUL_OK;
}

/**
 * emul_read_linear - read memory at a linear address
 * @w: work
 * @addr: linear address, checked
 * @buf: out
 * @n: bytes
 * @acc: EMUL_ACC_*
 */
enum emul_result emul_read_linear(struct emul_work *w, u64 addr, void *buf, unsigned int n,
				  unsigned int acc)
{
	struct emul_ctxt *c = w->c;

	return c->ops->read(c->opaque, addr, buf, n, acc, &c->exc);
}

/**
 * emul_write_linear - write memory at a linear address
 * @w: work
 * @addr: linear address, checked
 * @buf: the bytes
 * @n: how many
 * @acc: EMUL_ACC_SYSTEM or 0
 */
enum emul_result emul_write_linear(struct emul_work *w, u64 addr, const void *buf, unsigned int n,
				   unsigned int acc)
{
	struct emul_ctxt *c = w->c;

	return c->ops->write(c->opaque, addr, buf, n, acc | EMUL_ACC_WRITE, &c->exc);
}

/**
 * emul_touch - would an access fault?
 * @w: work
 * @addr: linear address, checked
 * @n: bytes, at most a page
 * @acc: EMUL_ACC_READ or EMUL_ACC_WRITE
 *
 * For instructions that do something between this and the access.
 */
enum emul_result emul_touch(struct emul_work *w, u64 addr, unsigned int n, unsigned int acc)
{
	struct emul_ctxt *c = w->c;
	enum emul_result res;

	if (!c->ops->touch)
		return EMUL_UNHANDLEABLE;
	res = c->ops->touch(c->opaque, addr, acc, &c->exc);
	if (res == EMUL_OK && addr % 4096 + n > 4096)
		res = c->ops->touch(c->opaque, (addr | 4095) + 1, acc, &c->exc);
	return res;
}

/**
 * emul_read_seg - read memory at an offset in a segment
 * @w: work
 * @seg: segment register
 * @ea: offset
 * @buf: out
 * @n: bytes
 */
enum emul_result emul_read_seg(struct emul_work *w, unsigned int seg, u64 ea, void *buf,
			       unsigned int n)
{
	enum emul_result res;
	u64 linear;

	res = emul_linear(w, seg, ea, n, EMUL_ACC_READ, &linear);
	return res == EMUL_OK ? emul_read_linear(w, linear, buf, n, EMUL_ACC_READ) : res;
}

/**
 * emul_write_seg - write memory at an offset in a segment
 * @w: work
 * @seg: segment register
 * @ea: offset
 * @buf: the bytes
 * @n: how many
 */
enum emul_result emul_write_seg(struct emul_work *w, unsigned int seg, u64 ea, const void *buf,
				unsigned int n)
{
	enum emul_result res;
	u64 linear;

	res = emul_linear(w, seg, ea, n, EMUL_ACC_WRITE, &linear);
	return res == EMUL_OK ? emul_write_linear(w, linear, buf, n, 0) : res;
}

/**
 * emul_cmpxchg - locked compare and exchange
 * @w: work
 * @addr: linear address, checked
 * @old: what was read there
 * @new: what to store
 * @n: bytes
 * @acc: EMUL_ACC_SYSTEM or 0
 *
 * Return: EMUL_OK; EMUL_RESTART if memory has changed meanwhile; or an error.
 */
enum emul_result emul_cmpxchg(struct emul_work *w, u64 addr, const void *old, const void *new,
			      unsigned int n, unsigned int acc)
{
	struct emul_ctxt *c = w->c;

	if (!c->ops->cmpxchg)
		return EMUL_UNHANDLEABLE;
	/* In parentheses: some kernels' headers make cmpxchg() a macro. */
	return (c->ops->cmpxchg)(c->opaque, addr, old, new, n, acc | EMUL_ACC_WRITE,
				   &c->exc);
}

/**
 * emul_store - write a destination operand back
 * @w: work
 * @op: operand with its new value
 */
enum emul_result emul_store(struct emul_work *w, struct emul_operand *op)
{
	if (!op->mem) {
		write_operand_reg(w, op);
		return EMUL_OK;
	}
	if (w->insn->lock || w->insn->row->flags & F_ATOMIC)
		return emul_cmpxchg(w, op->linear, &op->orig, &op->val, op->size, 0);
	return emul_write_linear(w, op->linear, &op->val, op->size, 0);
}

/**
 * emul_stack_size - bytes of the stack pointer: 2, 4, 8
 * @w: work
 */
unsigned int emul_stack_size(struct emul_work *w)
{
	struct emul_segment ss;

	if (emul_is_64(w->c))
		return 8;
	w->c->ops->get_segment(w->c->opaque, EMUL_SEG_SS, &ss);
	return ss.db ? 4 : 2;
}

/**
 * emul_push - push onto the stack
 * @w: work
 * @val: the value
 * @size: bytes: 2, 4, 8
 */
enum emul_result emul_push(struct emul_work *w, u64 val, unsigned int size)
{
	unsigned int sp_size = emul_stack_size(w);
	u64 sp = (w->gpr[EMUL_RSP] - size) & emul_mask(sp_size);
	enum emul_result res;

	res = emul_write_seg(w, EMUL_SEG_SS, sp, &val, size);
	if (res == EMUL_OK)
		emul_set_reg(w, EMUL_RSP, sp, sp_size);
	return res;
}

/**
 * emul_pop - pop from the stack
 * @w: work
 * @val: out, zero-extended
 * @size: bytes: 2, 4, 8
 */
enum emul_result emul_pop(struct emul_work *w, u64 *val, unsigned int size)
{
	unsigned int sp_size = emul_stack_size(w);
	u64 sp = emul_reg(w, EMUL_RSP, sp_size);
	enum emul_result res;

	*val = 0;
	res = emul_read_seg(w, EMUL_SEG_SS, sp, val, size);
	if (res == EMUL_OK)
		emul_set_reg(w, EMUL_RSP, sp + size, sp_size);
	return res;
}

/*
 * BT and its like with a register offset reach memory beyond the operand: Intel SDM vol. 2, 3.1.1.9
 * "Bit(BitBase, BitOffset)".
 */
static u64 bit_offset_ea(const struct emul_work *w, u64 ea)
{
	s64 offset = emul_sext(emul_reg(w, w->insn->reg, w->size), w->size);
	unsigned int bits = w->size * 8;

	ea += (offset - (offset & (bits - 1))) / 8;
	return ea & emul_mask(w->insn->addrsize);
}

/* Set @op to the memory operand; read it if @read. */
static enum emul_result load_mem(struct emul_work *w, struct emul_operand *op, unsigned int acc,
				 bool read)
{
	const struct emul_insn *i = w->insn;
	enum emul_result res;
	u64 ea = emul_ea(w);

	op->mem = true;
	if (i->row->flags & F_BITOFF)
		ea = bit_offset_ea(w, ea);
	res = emul_linear(w, i->seg, ea, op->size, acc, &op->linear);
	if (res != EMUL_OK || !read)
		return res;
	res = emul_read_linear(w, op->linear, &op->val, op->size, acc);
	op->orig = op->val;
	return res;
}

static void load_reg(struct emul_work *w, struct emul_operand *op, unsigned int reg,
		     bool may_be_high)
{
	op->high = may_be_high && op->size == 1 && is_high_byte(w->insn, reg);
	op->reg = op->high ? reg - 4 : reg;
	op->val = read_operand_reg(w, op);
}

/* Find an operand and, if @read, its value. @acc says what will be done to it in memory. */
static enum emul_result load_operand(struct emul_work *w, struct emul_operand *op, u8 kind,
				     unsigned int acc, bool read)
{
	const struct emul_insn *i = w->insn;

	op->size = w->size;
	switch (kind) {
	case OP_NONE:
		op->size = 0;
		return EMUL_OK;
	case OP_EB:
		op->size = 1;
		break;
	case OP_EW:
		op->size = 2;
		break;
	case OP_ED:
		op->size = 4;
		break;
	case OP_G:
		load_reg(w, op, i->reg, true);
		return EMUL_OK;
	case OP_A:
		load_reg(w, op, EMUL_RAX, false);
		return EMUL_OK;
	case OP_Z:
		load_reg(w, op, (i->opcode & 7) | (i->rex & 1 ? 8 : 0), true);
		return EMUL_OK;
	case OP_I:
		op->val = i->imm & emul_mask(op->size);
		return EMUL_OK;
	case OP_1:
		op->val = 1;
		return EMUL_OK;
	case OP_CL:
		op->val = w->gpr[EMUL_RCX] & 0xff;
		return EMUL_OK;
	case OP_VVVV:
		load_reg(w, op, emul_vvvv(w), false);
		return EMUL_OK;
	case OP_O:
		return load_mem(w, op, acc, read);
	}
	if (i->mem)
		return load_mem(w, op, acc, read);
	load_reg(w, op, i->rm, true);
	return EMUL_OK;
}

static enum emul_result load_operands(struct emul_work *w, const struct emul_row *row)
{
	unsigned int acc = row->flags & F_NOWRITE ? EMUL_ACC_READ : EMUL_ACC_WRITE;
	enum emul_result res;

	res = load_operand(w, &w->src, row->src, EMUL_ACC_READ, true);
	if (res == EMUL_OK)
		res = load_operand(w, &w->dst, row->dst, acc, !(row->flags & F_MOV));
	return res;
}

/* What VEX needs of XCR0: SSE's and AVX's state (Intel SDM vol. 1, 14.3). */
#define XCR0_AVX 6u

/* CR0, CR4 and XCR0 must allow vector registers: Intel SDM vol. 3, 13.1 and 14.1. */
static enum emul_result check_vector(struct emul_ctxt *c)
{
	u64 cr0 = c->ops->get_cr(c->opaque, 0);
	u64 cr4 = c->ops->get_cr(c->opaque, 4);

	if (!c->ops->get_xcr0 || !c->ops->read_vec || !c->ops->write_vec)
		return EMUL_UNHANDLEABLE;
	if (c->insn.vex != EMUL_VEX_NONE ?
		    !(cr4 & CR4_OSXSAVE) || (c->ops->get_xcr0(c->opaque) & XCR0_AVX) != XCR0_AVX :
		    cr0 & CR0_EM || !(cr4 & CR4_OSFXSR))
		return emul_raise(c, EXC_UD);
	if (cr0 & CR0_TS)
		return emul_raise(c, EXC_NM);
	return EMUL_OK;
}

/**
 * emul_begin - start from the state of a context
 * @w: work; all of it is set
 * @c: context
 */
void emul_begin(struct emul_work *w, struct emul_ctxt *c)
{
	w->c = c;
	w->insn = &c->insn;
	memcpy(w->gpr, c->gpr, sizeof(w->gpr));
	w->dst = (struct emul_operand) {};
	w->src = (struct emul_operand) {};
	w->rip = c->rip;
	w->rflags = c->rflags;
	w->size = 0;
	w->shadow = 0;
	w->iret = false;
	w->keeps_rf = false;
	memset(&c->exc, 0, sizeof(c->exc));
	c->shadow = 0;
	c->iret = false;
	c->task_switch = false;
	c->task_trap = false;
	c->step = c->rflags & FL_TF;
	c->iterated = false;
	c->ext = 0;
}

static void begin_insn(struct emul_work *w)
{
	const struct emul_insn *i = w->insn;
	u32 flags = i->row->flags;

	w->rip += i->len;
	if (!emul_is_64(w->c))
		w->rip = (u32)w->rip;
	w->size = i->opsize;
	if (flags & F_BYTE || (flags & F_BW && !(i->opcode & 1)))
		w->size = 1;
}

/**
 * emul_commit - the work's state becomes that of its context
 * @w: work
 */
void emul_commit(struct emul_work *w)
{
	struct emul_ctxt *c = w->c;

	memcpy(c->gpr, w->gpr, sizeof(w->gpr));
	c->rip = w->rip;
	c->rflags = w->keeps_rf ? w->rflags : w->rflags & ~(u64)FL_RF;
	c->shadow = w->shadow;
	c->iret = w->iret;
}

/**
 * emul_commit_iteration - make final what an iteration of a REP string instruction did
 * @w: work; rip isn't committed
 */
void emul_commit_iteration(struct emul_work *w)
{
	struct emul_ctxt *c = w->c;

	memcpy(c->gpr, w->gpr, sizeof(w->gpr));
	/* What comes before the next one goes back into the instruction (SDM vol. 3, 17.3.1.1). */
	c->rflags = w->rflags | FL_RF;
	if (c->ops->commit)
		c->ops->commit(c->opaque);
}

enum emul_result emul_execute(struct emul_ctxt *c)
{
	const struct emul_row *row = c->insn.row;
	enum emul_result res = EMUL_OK;
	struct emul_work w EMUL_UNINITIALIZED; /* emul_begin() sets all of it */

	emul_begin(&w, c);
	if (!row || !row->exec)
		return EMUL_UNHANDLEABLE;
	begin_insn(&w);
	if (row->flags & F_PRIV && c->cpl)
		return emul_raise_code(c, EXC_GP, 0);
	if (row->flags & F_SSE)
		res = check_vector(c);
	if (res == EMUL_OK)
		res = load_operands(&w, row);
	if (res == EMUL_OK)
		res = row->exec(&w);
	if (res == EMUL_OK && row->dst != OP_NONE && !(row->flags & (F_NOWRITE | F_STORES)))
		res = emul_store(&w, &w.dst);
	if (res == EMUL_OK)
		emul_commit(&w);
	else if (res == EMUL_EXCEPTION)
		c->iret = w.iret;
	return res;
}
