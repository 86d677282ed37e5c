// SPDX-License-Identifier: GPL-2.0-only
/* Bit tests and scans, byte order, and decimal arithmetic. */
#include "internal.h"

/* The mask of the tested bit, after CF is set. A register offset has moved a memory operand. */
static u64 test_bit_cf(struct emul_work *w)
{
	u64 bit = 1ull << (w->src.val & (w->size * 8 - 1));

	emul_set_flag(w, FL_CF, w->dst.val & bit);
	return bit;
}

enum emul_result emul_bt(struct emul_work *w)
{
	test_bit_cf(w);
	return EMUL_OK;
}

enum emul_result emul_bts(struct emul_work *w)
{
	w->dst.val |= test_bit_cf(w);
	return EMUL_OK;
}

enum emul_result emul_btr(struct emul_work *w)
{
	w->dst.val &= ~test_bit_cf(w);
	return EMUL_OK;
}

enum emul_result emul_btc(struct emul_work *w)
{
	w->dst.val ^= test_bit_cf(w);
	return EMUL_OK;
}

static unsigned int lowest_bit(u64 val)
{
	unsigned int n = 0;

	while (!(val >> n & 1))
		n++;
	return n;
}

static unsigned int highest_bit(u64 val)
{
	unsigned int n = 63;

	while (!(val >> n & 1))
		n--;
	return n;
}

/*
 * BSF and BSR of zero leave the destination alone: documented by AMD, done by Intel. Then even the
 * upper half of a 64-bit register stays, so a 32-bit operation must not write.
 */
static enum emul_result scan(struct emul_work *w, unsigned int (*find)(u64 val))
{
	emul_set_flag(w, FL_ZF, !w->src.val);
	if (w->src.val)
		w->dst.val = find(w->src.val);
	else
		w->dst.size = 8, w->dst.val = w->gpr[w->dst.reg];
	return EMUL_OK;
}

enum emul_result emul_bsf(struct emul_work *w)
{
	return scan(w, lowest_bit);
}

enum emul_result emul_bsr(struct emul_work *w)
{
	return scan(w, highest_bit);
}

enum emul_result emul_tzcnt(struct emul_work *w)
{
	w->dst.val = w->src.val ? lowest_bit(w->src.val) : w->size * 8;
	emul_set_flag(w, FL_CF, !w->src.val);
	emul_set_flag(w, FL_ZF, !w->dst.val);
	return EMUL_OK;
}

enum emul_result emul_lzcnt(struct emul_work *w)
{
	unsigned int bits = w->size * 8;

	w->dst.val = w->src.val ? bits - 1 - highest_bit(w->src.val) : bits;
	emul_set_flag(w, FL_CF, !w->src.val);
	emul_set_flag(w, FL_ZF, !w->dst.val);
	return EMUL_OK;
}

enum emul_result emul_popcnt(struct emul_work *w)
{
	u64 val = w->src.val;

	w->dst.val = 0;
	for (; val; val &= val - 1)
		w->dst.val++;
	w->rflags &= ~(u64)FL_ARITH;
	emul_set_flag(w, FL_ZF, !w->src.val);
	return EMUL_OK;
}

static u64 swap_bytes(u64 val, unsigned int size)
{
	u64 res = 0;

	for (; size; size--, val >>= 8)
		res = res << 8 | (val & 0xff);
	return res;
}

/* Of 16 bits it is undefined; processors clear the register. */
enum emul_result emul_bswap(struct emul_work *w)
{
	w->dst.val = w->size == 2 ? 0 : swap_bytes(w->dst.val, w->size);
	return EMUL_OK;
}

enum emul_result emul_movbe(struct emul_work *w)
{
	w->dst.val = swap_bytes(w->src.val, w->size);
	return EMUL_OK;
}

static void set_zsp(struct emul_work *w, u8 res)
{
	u8 parity = res ^ res >> 4;

	emul_set_flag(w, FL_ZF, !res);
	emul_set_flag(w, FL_SF, res & 0x80);
	emul_set_flag(w, FL_PF, !(0x6996 >> (parity & 15) & 1));
}

/* DAA and DAS: @sign is 1 or -1. Intel SDM vol. 2, DAA. */
static enum emul_result decimal_adjust(struct emul_work *w, int sign)
{
	u8 old = w->gpr[EMUL_RAX], al = old;
	bool cf = w->rflags & FL_CF, new_cf = false;

	if ((al & 15) > 9 || w->rflags & FL_AF) {
		new_cf = cf || (sign > 0 ? al > 0xf9 : al < 6);
		al += sign * 6;
		emul_set_flag(w, FL_AF, true);
	}
	if (old > 0x99 || cf) {
		al += sign * 0x60;
		new_cf = true;
	}
	emul_set_flag(w, FL_CF, new_cf);
	set_zsp(w, al);
	emul_set_reg(w, EMUL_RAX, al, 1);
	return EMUL_OK;
}

enum emul_result emul_daa(struct emul_work *w)
{
	return decimal_adjust(w, 1);
}

enum emul_result emul_das(struct emul_work *w)
{
	return decimal_adjust(w, -1);
}

static enum emul_result ascii_adjust(struct emul_work *w, int sign)
{
	u16 ax = w->gpr[EMUL_RAX];
	bool adjust = (ax & 15) > 9 || w->rflags & FL_AF;

	if (adjust)
		ax += sign * 0x106;
	emul_set_flag(w, FL_AF | FL_CF, adjust);
	emul_set_reg(w, EMUL_RAX, ax & 0xff0f, 2);
	return EMUL_OK;
}

enum emul_result emul_aaa(struct emul_work *w)
{
	return ascii_adjust(w, 1);
}

enum emul_result emul_aas(struct emul_work *w)
{
	return ascii_adjust(w, -1);
}

enum emul_result emul_aam(struct emul_work *w)
{
	u8 al = w->gpr[EMUL_RAX], base = w->insn->imm;

	if (!base)
		return emul_raise(w->c, EXC_DE);
	set_zsp(w, al % base);
	emul_set_reg(w, EMUL_RAX, al / base << 8 | al % base, 2);
	return EMUL_OK;
}

enum emul_result emul_aad(struct emul_work *w)
{
	u8 al = w->gpr[EMUL_RAX], ah = w->gpr[EMUL_RAX] >> 8;
	u8 res = al + ah * w->insn->imm;

	set_zsp(w, res);
	emul_set_reg(w, EMUL_RAX, res, 2);
	return EMUL_OK;
}

/* Undocumented, and in every processor: AL becomes 0 or FF by CF. */
enum emul_result emul_salc(struct emul_work *w)
{
	emul_set_reg(w, EMUL_RAX, w->rflags & FL_CF ? 0xff : 0, 1);
	return EMUL_OK;
}

/* CRC-32C, bit by bit from the low end: the polynomial 11EDC6F41H reflected. */
enum emul_result emul_crc32(struct emul_work *w)
{
	u32 crc = w->gpr[w->insn->reg];
	unsigned int i;

	for (i = 0; i < w->src.size * 8u; i++)
		crc = crc >> 1 ^ ((crc ^ w->src.val >> i) & 1 ? 0x82f63b78 : 0);
	emul_set_reg(w, w->insn->reg, crc, 4);
	return EMUL_OK;
}
