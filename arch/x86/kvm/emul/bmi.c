// SPDX-License-Identifier: GPL-2.0-only
/* BMI1, BMI2 and ADX: bit fields, shifts and arithmetic that leave flags alone. */
#include "internal.h"

static u64 vvvv(const struct emul_work *w)
{
	return emul_reg(w, emul_vvvv(w), w->size);
}

/* The result and the flags of it; OF is clear, the others are left alone. */
static enum emul_result result(struct emul_work *w, u64 val, bool cf)
{
	val &= emul_mask(w->size);
	w->dst.val = val;
	emul_set_flag(w, FL_ZF, !val);
	emul_set_flag(w, FL_SF, val & emul_sign(w->size));
	emul_set_flag(w, FL_CF, cf);
	emul_set_flag(w, FL_OF, false);
	return EMUL_OK;
}

enum emul_result emul_andn(struct emul_work *w)
{
	return result(w, ~vvvv(w) & w->src.val, false);
}

/* Start and length are bytes of the control register. */
enum emul_result emul_bextr(struct emul_work *w)
{
	u64 control = vvvv(w);
	u8 start = control, length = control >> 8;
	u64 val = start < 64 ? w->src.val >> start : 0;

	if (length < 64)
		val &= (1ull << length) - 1;
	return result(w, val, false);
}

enum emul_result emul_blsr(struct emul_work *w)
{
	return result(w, (w->src.val - 1) & w->src.val, !w->src.val);
}

enum emul_result emul_blsmsk(struct emul_work *w)
{
	return result(w, (w->src.val - 1) ^ w->src.val, !w->src.val);
}

enum emul_result emul_blsi(struct emul_work *w)
{
	return result(w, -w->src.val & w->src.val, w->src.val);
}

enum emul_result emul_bzhi(struct emul_work *w)
{
	unsigned int bits = w->size * 8;
	u8 n = vvvv(w);

	return result(w, n < bits ? w->src.val & ((1ull << n) - 1) : w->src.val, n >= bits);
}

/* Low bits of the first source go to where the mask has ones. */
enum emul_result emul_pdep(struct emul_work *w)
{
	u64 from = vvvv(w), mask;

	w->dst.val = 0;
	for (mask = w->src.val; mask; mask &= mask - 1, from >>= 1)
		if (from & 1)
			w->dst.val |= mask & -mask;
	return EMUL_OK;
}

/* And back. */
enum emul_result emul_pext(struct emul_work *w)
{
	u64 from = vvvv(w), mask, bit = 1;

	w->dst.val = 0;
	for (mask = w->src.val; mask; mask &= mask - 1, bit <<= 1)
		if (from & mask & -mask)
			w->dst.val |= bit;
	return EMUL_OK;
}

/* The low half goes to vvvv, then the high half to the destination, which may be the same. */
enum emul_result emul_mulx(struct emul_work *w)
{
	u64 a = emul_reg(w, EMUL_RDX, w->size);
	u64 high, low = emul_multiply(a, w->src.val, w->size, &high);

	emul_set_reg(w, emul_vvvv(w), low, w->size);
	w->dst.val = high;
	return EMUL_OK;
}

enum emul_result emul_rorx(struct emul_work *w)
{
	unsigned int bits = w->size * 8, n = w->insn->imm & (bits - 1);
	u64 val = w->src.val;

	w->dst.val = n ? val >> n | val << (bits - n) : val;
	return EMUL_OK;
}

static unsigned int shift_count(const struct emul_work *w)
{
	return vvvv(w) & (w->size * 8 - 1);
}

enum emul_result emul_shlx(struct emul_work *w)
{
	w->dst.val = w->src.val << shift_count(w);
	return EMUL_OK;
}

enum emul_result emul_sarx(struct emul_work *w)
{
	w->dst.val = (s64)emul_sext(w->src.val, w->size) >> shift_count(w);
	return EMUL_OK;
}

enum emul_result emul_shrx(struct emul_work *w)
{
	w->dst.val = w->src.val >> shift_count(w);
	return EMUL_OK;
}

/* Add with the carry in @flag, and leave all other flags alone. */
static enum emul_result add_by(struct emul_work *w, u32 flag)
{
	bool carry = w->rflags & flag;
	u64 mask = emul_mask(w->size), sum = (w->dst.val + w->src.val + carry) & mask;

	emul_set_flag(w, flag, carry ? sum <= w->src.val : sum < w->src.val);
	w->dst.val = sum;
	return EMUL_OK;
}

enum emul_result emul_adcx(struct emul_work *w)
{
	return add_by(w, FL_CF);
}

enum emul_result emul_adox(struct emul_work *w)
{
	return add_by(w, FL_OF);
}
