// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic, logic, shifts, multiplication and division, with their flags.
 *
 * Results are computed in plain C on zero-extended values. Where the manuals leave a flag
 * undefined, it is what most processors do, or unchanged. AMD APM vol. 3; Intel SDM vol. 2.
 */
#include "internal.h"

static void set_flags(struct emul_work *w, u32 mask, u32 val)
{
	w->rflags = (w->rflags & ~(u64)mask) | (val & mask);
}

/* ZF, SF and PF of a result. */
static u32 flags_zsp(u64 res, unsigned int size)
{
	u32 parity = res & 0xff;
	u32 fl = 0;

	if (!(res & emul_mask(size)))
		fl |= FL_ZF;
	if (res & emul_sign(size))
		fl |= FL_SF;
	parity ^= parity >> 4;
	if (!(0x6996 >> (parity & 15) & 1))
		fl |= FL_PF;
	return fl;
}

/* a + b + carry */
static u64 add_flags(struct emul_work *w, u64 a, u64 b, unsigned int carry, unsigned int size,
		     u32 affected)
{
	u64 res = (a + b + carry) & emul_mask(size);
	u32 fl = flags_zsp(res, size);

	if (carry ? res <= a : res < a)
		fl |= FL_CF;
	if ((a ^ b ^ res) & 0x10)
		fl |= FL_AF;
	if (~(a ^ b) & (a ^ res) & emul_sign(size))
		fl |= FL_OF;
	set_flags(w, affected, fl);
	return res;
}

/* a - b - borrow */
static u64 sub_flags(struct emul_work *w, u64 a, u64 b, unsigned int borrow, unsigned int size,
		     u32 affected)
{
	u64 res = (a - b - borrow) & emul_mask(size);
	u32 fl = flags_zsp(res, size);

	if (borrow ? a <= b : a < b)
		fl |= FL_CF;
	if ((a ^ b ^ res) & 0x10)
		fl |= FL_AF;
	if ((a ^ b) & (a ^ res) & emul_sign(size))
		fl |= FL_OF;
	set_flags(w, affected, fl);
	return res;
}

static u64 logic_flags(struct emul_work *w, u64 res, unsigned int size)
{
	set_flags(w, FL_ARITH, flags_zsp(res, size));
	return res;
}

/**
 * emul_flags_sub - set the flags of a comparison
 * @w: work
 * @a: first operand, zero-extended
 * @b: what is subtracted from it
 * @size: bytes
 */
void emul_flags_sub(struct emul_work *w, u64 a, u64 b, unsigned int size)
{
	sub_flags(w, a, b, 0, size, FL_ARITH);
}

/**
 * emul_condition - does a condition code hold?
 * @rflags: flags
 * @cc: the low four bits of Jcc, SETcc, CMOVcc
 */
bool emul_condition(u64 rflags, unsigned int cc)
{
	bool less = !(rflags & FL_SF) != !(rflags & FL_OF);
	bool res = false;

	switch (cc >> 1 & 7) {
	case 0:
		res = rflags & FL_OF;
		break;
	case 1:
		res = rflags & FL_CF;
		break;
	case 2:
		res = rflags & FL_ZF;
		break;
	case 3:
		res = rflags & (FL_CF | FL_ZF);
		break;
	case 4:
		res = rflags & FL_SF;
		break;
	case 5:
		res = rflags & FL_PF;
		break;
	case 6:
		res = less;
		break;
	case 7:
		res = less || rflags & FL_ZF;
		break;
	}
	return res != (cc & 1);
}

enum emul_result emul_add(struct emul_work *w)
{
	w->dst.val = add_flags(w, w->dst.val, w->src.val, 0, w->size, FL_ARITH);
	return EMUL_OK;
}

enum emul_result emul_adc(struct emul_work *w)
{
	w->dst.val = add_flags(w, w->dst.val, w->src.val, w->rflags & FL_CF, w->size, FL_ARITH);
	return EMUL_OK;
}

enum emul_result emul_sub(struct emul_work *w)
{
	w->dst.val = sub_flags(w, w->dst.val, w->src.val, 0, w->size, FL_ARITH);
	return EMUL_OK;
}

enum emul_result emul_sbb(struct emul_work *w)
{
	w->dst.val = sub_flags(w, w->dst.val, w->src.val, w->rflags & FL_CF, w->size, FL_ARITH);
	return EMUL_OK;
}

enum emul_result emul_cmp(struct emul_work *w)
{
	sub_flags(w, w->dst.val, w->src.val, 0, w->size, FL_ARITH);
	return EMUL_OK;
}

enum emul_result emul_or(struct emul_work *w)
{
	w->dst.val = logic_flags(w, w->dst.val | w->src.val, w->size);
	return EMUL_OK;
}

enum emul_result emul_and(struct emul_work *w)
{
	w->dst.val = logic_flags(w, w->dst.val & w->src.val, w->size);
	return EMUL_OK;
}

enum emul_result emul_xor(struct emul_work *w)
{
	w->dst.val = logic_flags(w, w->dst.val ^ w->src.val, w->size);
	return EMUL_OK;
}

enum emul_result emul_test(struct emul_work *w)
{
	logic_flags(w, w->dst.val & w->src.val, w->size);
	return EMUL_OK;
}

enum emul_result emul_inc(struct emul_work *w)
{
	w->dst.val = add_flags(w, w->dst.val, 1, 0, w->size, FL_ARITH & ~FL_CF);
	return EMUL_OK;
}

enum emul_result emul_dec(struct emul_work *w)
{
	w->dst.val = sub_flags(w, w->dst.val, 1, 0, w->size, FL_ARITH & ~FL_CF);
	return EMUL_OK;
}

enum emul_result emul_not(struct emul_work *w)
{
	w->dst.val = ~w->dst.val;
	return EMUL_OK;
}

enum emul_result emul_neg(struct emul_work *w)
{
	w->dst.val = sub_flags(w, 0, w->dst.val, 0, w->size, FL_ARITH);
	return EMUL_OK;
}

/* 64 by 64 bits to 128, unsigned. */
static u64 mul64(u64 a, u64 b, u64 *high)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	*high = p >> 64;
	return (u64)p;
}

/* The same, signed. */
static u64 imul64(u64 a, u64 b, u64 *high)
{
	u64 low = mul64(a, b, high);

	if ((s64)a < 0)
		*high -= b;
	if ((s64)b < 0)
		*high -= a;
	return low;
}

/* The double-width accumulator: AX, DX:AX, EDX:EAX, RDX:RAX. */
static void set_double_acc(struct emul_work *w, u64 low, u64 high)
{
	if (w->size == 1) {
		emul_set_reg(w, EMUL_RAX, (low & 0xff) | (high & 0xff) << 8, 2);
		return;
	}
	emul_set_reg(w, EMUL_RAX, low, w->size);
	emul_set_reg(w, EMUL_RDX, high, w->size);
}

static void get_double_acc(struct emul_work *w, u64 *low, u64 *high)
{
	*low = emul_reg(w, EMUL_RAX, w->size);
	*high = w->size == 1 ? w->gpr[EMUL_RAX] >> 8 & 0xff : emul_reg(w, EMUL_RDX, w->size);
}

/**
 * emul_multiply - unsigned product of double width
 * @a: factor of @size bytes
 * @b: the other one
 * @size: bytes: 1, 2, 4, 8
 * @high: out: upper half
 *
 * Return: lower half; below 8 bytes the upper one follows it.
 */
u64 emul_multiply(u64 a, u64 b, unsigned int size, u64 *high)
{
	u64 low = mul64(a, b, high);

	if (size < 8)
		*high = low >> size * 8;
	return low;
}

enum emul_result emul_mul(struct emul_work *w)
{
	u64 a = emul_reg(w, EMUL_RAX, w->size);
	u64 high, low = emul_multiply(a, w->src.val, w->size, &high);

	set_flags(w, FL_CF | FL_OF, high ? FL_CF | FL_OF : 0);
	set_double_acc(w, low, high);
	return EMUL_OK;
}

/* Signed product of two operands of the operation's size; CF and OF: it doesn't fit one. */
static u64 imul_flags(struct emul_work *w, u64 a, u64 b, u64 *high)
{
	u64 low = imul64(emul_sext(a, w->size), emul_sext(b, w->size), high);
	bool fits = emul_sext(low, w->size) == low && *high == (u64)((s64)low >> 63);

	set_flags(w, FL_CF | FL_OF, fits ? 0 : FL_CF | FL_OF);
	if (w->size < 8)
		*high = low >> w->size * 8;
	return low;
}

enum emul_result emul_imul1(struct emul_work *w)
{
	u64 high, low = imul_flags(w, w->gpr[EMUL_RAX], w->src.val, &high);

	set_double_acc(w, low, high);
	return EMUL_OK;
}

enum emul_result emul_imul2(struct emul_work *w)
{
	u64 high;

	w->dst.val = imul_flags(w, w->dst.val, w->src.val, &high);
	return EMUL_OK;
}

enum emul_result emul_imul3(struct emul_work *w)
{
	u64 high;

	w->dst.val = imul_flags(w, w->src.val, w->insn->imm, &high);
	return EMUL_OK;
}

/*
 * Divide high:low, of @bits each, by @d; high < d, so that the quotient fits. By hand: 128-bit
 * division would be a call to libgcc.
 */
static u64 divide(u64 high, u64 low, u64 d, unsigned int bits, u64 *rem)
{
	u64 q = 0;
	unsigned int k;

	if (bits < 64) {
		low |= high << bits;
		*rem = low % d;
		return low / d;
	}
	for (k = 0; k < 64; k++) {
		bool carry = high >> 63;

		high = high << 1 | low >> 63;
		low <<= 1;
		q <<= 1;
		if (carry || high >= d) {
			high -= d;
			q |= 1;
		}
	}
	*rem = high;
	return q;
}

enum emul_result emul_div(struct emul_work *w)
{
	u64 low, high, q, rem;

	get_double_acc(w, &low, &high);
	if (high >= w->src.val)		/* zero, or a quotient that doesn't fit */
		return emul_raise(w->c, EXC_DE);
	q = divide(high, low, w->src.val, w->size * 8, &rem);
	set_double_acc(w, q, rem);
	return EMUL_OK;
}

enum emul_result emul_idiv(struct emul_work *w)
{
	u64 mask = emul_mask(w->size), sign = emul_sign(w->size);
	u64 low, high, q, rem, d = w->src.val;
	bool neg_n, neg_d;

	get_double_acc(w, &low, &high);
	neg_n = high & sign;
	neg_d = d & sign;
	if (neg_n) {			/* negate the double-width dividend */
		low = -low & mask;
		high = (~high + !low) & mask;
	}
	if (neg_d)
		d = -d & mask;
	if (high >= d)
		return emul_raise(w->c, EXC_DE);
	q = divide(high, low, d, w->size * 8, &rem);
	if (neg_n == neg_d ? q >= sign : q > sign)
		return emul_raise(w->c, EXC_DE);
	if (neg_n != neg_d)
		q = -q;
	if (neg_n)
		rem = -rem;
	set_double_acc(w, q, rem);
	return EMUL_OK;
}

/* Shift counts are taken modulo 32, or 64 for 64-bit operands. */
static unsigned int shift_count(struct emul_work *w)
{
	return w->src.val & (w->size == 8 ? 63 : 31);
}

static bool msb(u64 val, unsigned int size)
{
	return val & emul_sign(size);
}

/* Flags of a rotate: CF and OF only, and those only if the count isn't zero. */
static void rotate_flags(struct emul_work *w, bool cf, bool of)
{
	set_flags(w, FL_CF | FL_OF, (cf ? FL_CF : 0) | (of ? FL_OF : 0));
}

enum emul_result emul_rol(struct emul_work *w)
{
	unsigned int bits = w->size * 8, count = shift_count(w), n = count % bits;
	u64 val = w->dst.val;

	if (!count)
		return EMUL_OK;
	if (n)
		val = (val << n | val >> (bits - n)) & emul_mask(w->size);
	rotate_flags(w, val & 1, (val & 1) != msb(val, w->size));
	w->dst.val = val;
	return EMUL_OK;
}

enum emul_result emul_ror(struct emul_work *w)
{
	unsigned int bits = w->size * 8, count = shift_count(w), n = count % bits;
	u64 val = w->dst.val;

	if (!count)
		return EMUL_OK;
	if (n)
		val = (val >> n | val << (bits - n)) & emul_mask(w->size);
	rotate_flags(w, msb(val, w->size), msb(val, w->size) != msb(val << 1, w->size));
	w->dst.val = val;
	return EMUL_OK;
}

enum emul_result emul_rcl(struct emul_work *w)
{
	unsigned int k, count = shift_count(w), n = count % (w->size * 8 + 1);
	bool cf = w->rflags & FL_CF;
	u64 val = w->dst.val;

	if (!count)
		return EMUL_OK;
	for (k = 0; k < n; k++) {
		bool out = msb(val, w->size);

		val = (val << 1 | cf) & emul_mask(w->size);
		cf = out;
	}
	rotate_flags(w, cf, cf != msb(val, w->size));
	w->dst.val = val;
	return EMUL_OK;
}

enum emul_result emul_rcr(struct emul_work *w)
{
	unsigned int k, count = shift_count(w), n = count % (w->size * 8 + 1);
	bool cf = w->rflags & FL_CF;
	u64 val = w->dst.val;

	if (!count)
		return EMUL_OK;
	for (k = 0; k < n; k++) {
		bool out = val & 1;

		val = val >> 1 | (cf ? emul_sign(w->size) : 0);
		cf = out;
	}
	rotate_flags(w, cf, msb(val, w->size) != msb(val << 1, w->size));
	w->dst.val = val;
	return EMUL_OK;
}

static void shift_flags(struct emul_work *w, u64 res, bool cf, bool of)
{
	set_flags(w, FL_ARITH, flags_zsp(res, w->size) | (cf ? FL_CF : 0) | (of ? FL_OF : 0));
}

enum emul_result emul_shl(struct emul_work *w)
{
	unsigned int bits = w->size * 8, n = shift_count(w);
	u64 val = w->dst.val, res;
	bool cf;

	if (!n)
		return EMUL_OK;
	res = n < bits ? (val << n) & emul_mask(w->size) : 0;
	cf = n <= bits && val >> (bits - n) & 1;
	shift_flags(w, res, cf, cf != msb(res, w->size));
	w->dst.val = res;
	return EMUL_OK;
}

enum emul_result emul_shr(struct emul_work *w)
{
	unsigned int bits = w->size * 8, n = shift_count(w);
	u64 val = w->dst.val, res;
	bool cf;

	if (!n)
		return EMUL_OK;
	res = n < bits ? val >> n : 0;
	cf = n <= bits && val >> (n - 1) & 1;
	shift_flags(w, res, cf, msb(val, w->size));
	w->dst.val = res;
	return EMUL_OK;
}

enum emul_result emul_sar(struct emul_work *w)
{
	unsigned int n = shift_count(w);
	s64 val = emul_sext(w->dst.val, w->size);
	u64 res;

	if (!n)
		return EMUL_OK;
	res = (u64)(val >> n) & emul_mask(w->size);
	shift_flags(w, res, val >> (n - 1) & 1, false);
	w->dst.val = res;
	return EMUL_OK;
}

/* SHLD and SHRD have their count in an immediate or in CL: the row's third operand. */
static unsigned int double_shift_count(const struct emul_work *w)
{
	u64 count = w->insn->row->imm == IMM_U8 ? w->insn->imm : w->gpr[EMUL_RCX];

	return count & (w->size == 8 ? 63 : 31);
}

/*
 * A count beyond the 16 bits of the operand is undefined; processors shift through the source
 * into the destination again.
 */
enum emul_result emul_shld(struct emul_work *w)
{
	unsigned int bits = w->size * 8, n = double_shift_count(w);
	u64 dst = w->dst.val, src = w->src.val, res;
	bool cf;

	if (!n)
		return EMUL_OK;
	if (n <= bits) {
		res = n < bits ? dst << n | src >> (bits - n) : src;
		cf = dst >> (bits - n) & 1;
	} else {
		res = src << (n - bits) | dst >> (2 * bits - n);
		cf = src >> (2 * bits - n) & 1;
	}
	res &= emul_mask(w->size);
	shift_flags(w, res, cf, msb(res ^ dst, w->size));
	w->dst.val = res;
	return EMUL_OK;
}

enum emul_result emul_shrd(struct emul_work *w)
{
	unsigned int bits = w->size * 8, n = double_shift_count(w);
	u64 dst = w->dst.val, src = w->src.val, res;
	bool cf;

	if (!n)
		return EMUL_OK;
	if (n <= bits) {
		res = n < bits ? dst >> n | src << (bits - n) : src;
		cf = dst >> (n - 1) & 1;
	} else {
		res = src >> (n - bits) | dst << (2 * bits - n);
		cf = src >> (n - bits - 1) & 1;
	}
	res &= emul_mask(w->size);
	shift_flags(w, res, cf, msb(res ^ res << 1, w->size));
	w->dst.val = res;
	return EMUL_OK;
}

/* CBW, CWDE, CDQE */
enum emul_result emul_cbw(struct emul_work *w)
{
	emul_set_reg(w, EMUL_RAX, emul_sext(w->gpr[EMUL_RAX], w->size / 2), w->size);
	return EMUL_OK;
}

/* CWD, CDQ, CQO */
enum emul_result emul_cwd(struct emul_work *w)
{
	emul_set_reg(w, EMUL_RDX, msb(w->gpr[EMUL_RAX], w->size) ? ~0ull : 0, w->size);
	return EMUL_OK;
}
