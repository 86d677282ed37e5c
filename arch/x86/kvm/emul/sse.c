// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vector moves between registers and memory: those that drivers and memcpy() use on device memory.
 * The VEX forms with two operands share the code; they clear the rest of the register.
 */
#include "internal.h"

static bool is_vex(const struct emul_work *w)
{
	return w->insn->vex != EMUL_VEX_NONE;
}

/* Bytes of a full-width operand. */
static unsigned int width(const struct emul_work *w)
{
	return is_vex(w) && w->insn->vex_l ? 32 : 16;
}

static enum emul_result get(struct emul_work *w, unsigned int nr, void *buf, unsigned int n)
{
	return w->c->ops->read_vec(w->c->opaque, nr, buf, n);
}

static enum emul_result put(struct emul_work *w, unsigned int nr, const void *buf, unsigned int n)
{
	return w->c->ops->write_vec(w->c->opaque, nr, buf, n, is_vex(w));
}

/* Linear address of the memory operand, @n bytes. */
static enum emul_result operand_address(struct emul_work *w, unsigned int n, unsigned int acc,
					u64 *linear)
{
	const struct emul_insn *i = w->insn;
	enum emul_result res;

	res = emul_linear(w, i->seg, emul_ea(w), n, acc, linear);
	/* Goes before #SS. */
	if (i->row->flags & F_ALIGN && *linear & (n - 1))
		return emul_raise_code(w->c, EXC_GP, 0);
	return res;
}

static enum emul_result read_mem(struct emul_work *w, void *buf, unsigned int n)
{
	enum emul_result res;
	u64 linear;

	res = operand_address(w, n, EMUL_ACC_READ, &linear);
	return res == EMUL_OK ? emul_read_linear(w, linear, buf, n, EMUL_ACC_READ) : res;
}

static enum emul_result write_mem(struct emul_work *w, const void *buf, unsigned int n)
{
	enum emul_result res;
	u64 linear;

	res = operand_address(w, n, EMUL_ACC_WRITE, &linear);
	return res == EMUL_OK ? emul_write_linear(w, linear, buf, n, 0) : res;
}

/* MOVUPS, MOVAPS, MOVDQU, MOVDQA, LDDQU, MOVNTDQA and so on: register from register or memory. */
enum emul_result emul_vec_load(struct emul_work *w)
{
	unsigned int n = width(w);
	enum emul_result res;
	u8 buf[32];

	res = w->insn->mem ? read_mem(w, buf, n) : get(w, w->insn->rm, buf, n);
	return res == EMUL_OK ? put(w, w->insn->reg, buf, n) : res;
}

enum emul_result emul_vec_store(struct emul_work *w)
{
	unsigned int n = width(w);
	enum emul_result res;
	u8 buf[32];

	res = get(w, w->insn->reg, buf, n);
	if (res != EMUL_OK)
		return res;
	return w->insn->mem ? write_mem(w, buf, n) : put(w, w->insn->rm, buf, n);
}

/* MOVSS, MOVSD: F3 is 4 bytes, F2 is 8. */
static unsigned int scalar_size(const struct emul_work *w)
{
	return w->insn->rep == 0xf3 ? 4 : 8;
}

/* Copy the low @n bytes of one register into another. */
static enum emul_result merge_low(struct emul_work *w, unsigned int to, unsigned int from,
				  unsigned int n)
{
	enum emul_result res;
	u8 dst[16], src[16];

	res = get(w, to, dst, 16);
	if (res == EMUL_OK)
		res = get(w, from, src, 16);
	if (res != EMUL_OK)
		return res;
	memcpy(dst, src, n);
	return put(w, to, dst, 16);
}

/* From memory the rest of the register is cleared, from a register it stays. */
enum emul_result emul_vec_load_scalar(struct emul_work *w)
{
	enum emul_result res;
	u8 buf[16] = { 0 };

	if (!w->insn->mem)
		return merge_low(w, w->insn->reg, w->insn->rm, scalar_size(w));
	res = read_mem(w, buf, scalar_size(w));
	return res == EMUL_OK ? put(w, w->insn->reg, buf, 16) : res;
}

static enum emul_result store_part(struct emul_work *w, unsigned int offset, unsigned int n)
{
	enum emul_result res;
	u8 buf[16];

	res = get(w, w->insn->reg, buf, 16);
	return res == EMUL_OK ? write_mem(w, buf + offset, n) : res;
}

enum emul_result emul_vec_store_scalar(struct emul_work *w)
{
	if (!w->insn->mem)
		return merge_low(w, w->insn->rm, w->insn->reg, scalar_size(w));
	return store_part(w, 0, scalar_size(w));
}

static enum emul_result load_half(struct emul_work *w, unsigned int offset)
{
	enum emul_result res;
	u8 buf[16], half[8];

	res = get(w, w->insn->reg, buf, 16);
	if (res == EMUL_OK)
		res = read_mem(w, half, 8);
	if (res != EMUL_OK)
		return res;
	memcpy(buf + offset, half, 8);
	return put(w, w->insn->reg, buf, 16);
}

/* MOVLPS, MOVLPD */
enum emul_result emul_vec_load_low(struct emul_work *w)
{
	return load_half(w, 0);
}

/* MOVHPS, MOVHPD */
enum emul_result emul_vec_load_high(struct emul_work *w)
{
	return load_half(w, 8);
}

enum emul_result emul_vec_store_high(struct emul_work *w)
{
	if (w->insn->vex_l)
		return emul_raise(w->c, EXC_UD);
	return store_part(w, 8, 8);
}

/* MOVQ, low half to low half; the upper half is cleared. */
enum emul_result emul_vec_movq_load(struct emul_work *w)
{
	enum emul_result res;
	u8 buf[16];

	if (w->insn->vex_l)
		return emul_raise(w->c, EXC_UD);
	res = w->insn->mem ? read_mem(w, buf, 8) : get(w, w->insn->rm, buf, 16);
	memset(buf + 8, 0, 8);
	return res == EMUL_OK ? put(w, w->insn->reg, buf, 16) : res;
}

/* The same in the other direction; also MOVLPS and MOVLPD to memory. */
enum emul_result emul_vec_movq_store(struct emul_work *w)
{
	enum emul_result res;
	u8 buf[16];

	if (w->insn->vex_l)
		return emul_raise(w->c, EXC_UD);
	if (w->insn->mem)
		return store_part(w, 0, 8);
	res = get(w, w->insn->reg, buf, 16);
	memset(buf + 8, 0, 8);
	return res == EMUL_OK ? put(w, w->insn->rm, buf, 16) : res;
}

/* MOVD, MOVQ between a vector register and a general register or memory. */
static unsigned int gpr_size(const struct emul_work *w)
{
	return w->size == 8 ? 8 : 4;
}

enum emul_result emul_vec_from_gpr(struct emul_work *w)
{
	enum emul_result res = EMUL_OK;
	u8 buf[16] = { 0 };

	if (w->insn->vex_l)
		return emul_raise(w->c, EXC_UD);
	if (w->insn->mem)
		res = read_mem(w, buf, gpr_size(w));
	else
		memcpy(buf, &w->gpr[w->insn->rm], gpr_size(w));
	return res == EMUL_OK ? put(w, w->insn->reg, buf, 16) : res;
}

enum emul_result emul_vec_to_gpr(struct emul_work *w)
{
	enum emul_result res;
	u8 buf[16];
	u64 val = 0;

	if (w->insn->vex_l)
		return emul_raise(w->c, EXC_UD);
	if (w->insn->mem)
		return store_part(w, 0, gpr_size(w));
	res = get(w, w->insn->reg, buf, 16);
	if (res != EMUL_OK)
		return res;
	memcpy(&val, buf, gpr_size(w));
	emul_set_reg(w, w->insn->rm, val, gpr_size(w));
	return EMUL_OK;
}
