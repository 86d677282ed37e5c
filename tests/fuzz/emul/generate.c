// SPDX-License-Identifier: GPL-2.0-only
/* Instruction bytes: a row of the opcode table, and all that may stand around its opcode. */
#include <string.h>

#include "fuzz.h"

bool one_in(struct rng *r, u32 n)
{
	return !below(r, n);
}

/* Values around which things happen: 2^n and 2^n - 1, their neighbours, their negatives. */
u64 interesting(struct rng *r)
{
	u64 val = (1ull << below(r, 64)) + below(r, 4) - 2;

	return one_in(r, 4) ? -val : val;
}

struct buffer {
	u8 bytes[40];
	unsigned int n;
};

static void put(struct buffer *b, u8 byte)
{
	b->bytes[b->n++] = byte;
}

static void put_n(struct buffer *b, u64 val, unsigned int n)
{
	memcpy(b->bytes + b->n, &val, 8);
	b->n += n;
}

/* Prefixes that are there by chance. */
static void put_prefixes(struct buffer *b, struct rng *r, const struct path *p)
{
	static const u8 segment[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };

	if (one_in(r, 16))
		put(b, 0xf0);
	if (one_in(r, 6))
		put(b, segment[below(r, 6)]);
	if (one_in(r, 8))
		put(b, 0x67);
	if (p->pp < 0) {
		if (one_in(r, 5))
			put(b, 0x66);
		if (one_in(r, p->row->flags & F_REP ? 2 : 12))
			put(b, one_in(r, 2) ? 0xf2 : 0xf3);
	} else if (p->pp >= 2 && one_in(r, 8)) {
		put(b, 0x66); /* F2 and F3 go before it */
	}
	while (one_in(r, 16))
		put(b, one_in(r, 4) ? 0x66 : segment[below(r, 6)]);
}

static void put_mandatory(struct buffer *b, struct rng *r, s8 pp)
{
	static const u8 prefix[] = { 0, 0x66, 0xf3, 0xf2 };

	if (pp > 0)
		put(b, prefix[(int)pp]);
	if (pp > 1 && one_in(r, 16)) { /* the last one counts */
		b->bytes[b->n - 1] ^= 1;
		put(b, prefix[(int)pp]);
	}
}

static u8 modrm(struct rng *r, const struct path *p)
{
	u8 reg = p->reg >= 0 ? (u8)p->reg : below(r, 8);
	u8 rm = p->rm >= 0 ? (u8)p->rm : below(r, 8);
	u8 mod = p->form == 1 || (p->form < 0 && one_in(r, 3)) ? 3 : below(r, 3);

	return mod << 6 | reg << 3 | rm;
}

/* Where RIP-relative and absolute displacements point to; the state isn't made yet. */
static u32 displacement(struct rng *r, unsigned int bits)
{
	u32 target = CPU_DATA + below(r, CPU_DATA_SIZE + CPU_CONST_SIZE);

	if (one_in(r, 8))
		target = CPU_STACK + below(r, CPU_STACK_SIZE);
	if (bits == BITS_64 && one_in(r, 2))
		return target - CPU_CODE - below(r, CPU_CODE_SIZE);
	return target;
}

static void put_modrm(struct buffer *b, struct rng *r, const struct path *p, unsigned int bits)
{
	u8 byte = modrm(r, p), mod = byte >> 6, rm = byte & 7;

	put(b, byte);
	if (mod == 3)
		return;
	/* With 16-bit addressing these are other things, as good as any. */
	if (rm == 4) {
		rm = rnd(r);
		put(b, rm);
		rm &= 7;
	}
	if (mod == 1)
		put(b, rnd(r));
	else if (mod == 2)
		put_n(b, one_in(r, 2) ? interesting(r) : below(r, 256) - 128, 4);
	else if (rm == 5)
		put_n(b, displacement(r, bits), 4);
}

static void put_immediates(struct buffer *b, struct rng *r, const struct path *p)
{
	u64 val = one_in(r, 3) ? rnd(r) : interesting(r);

	switch (p->row->imm) {
	case IMM_16_8: /* ENTER: mostly stay on the stack */
		put_n(b, one_in(r, 4) ? val : below(r, 256), 2);
		put(b, one_in(r, 4) ? val >> 16 : below(r, 4));
		break;
	case IMM_OFFS:
		put_n(b, displacement(r, BITS_32), 8);
		break;
	case IMM_FAR:
		put_n(b, CPU_CODE + below(r, CPU_CODE_SIZE), one_in(r, 2) ? 2 : 4);
		val = one_in(r, 4) ? CPU_LDT_SELECTOR(below(r, CPU_NR_LDT)) :
		      one_in(r, 2) ? CPU_CS32 :
				     CPU_CS64;
		put_n(b, val, 2);
		break;
	case IMM_REL8:
	case IMM_RELZ:
		val = one_in(r, 4) ? val : below(r, 2048) - 1024;
		/* fall through */
	default:
		put_n(b, val, 8);
	}
	/* Whatever is shorter is followed by something. */
	while (b->n < 24)
		put(b, rnd(r));
}

static void put_vex(struct buffer *b, struct rng *r, const struct path *p, unsigned int bits)
{
	bool gpr = p->row->flags & F_32;
	u8 vvvv = one_in(r, gpr ? 1 : 24) ? below(r, 16) : 15, l = one_in(r, gpr ? 16 : 2);
	u8 last = vvvv << 3 | l << 2 | p->pp, rxb = bits == BITS_64 ? below(r, 8) : 7;

	if (p->map == MAP_0F && one_in(r, 2)) {
		put(b, 0xc5);
		put(b, (rxb & 4) << 5 | last | (bits == BITS_64 ? 0 : 0x40));
		return;
	}
	if (bits != BITS_64 && one_in(r, 2))
		rxb = 6; /* VEX.B is ignored there */
	put(b, 0xc4);
	put(b, rxb << 5 | p->map);
	put(b, below(r, 2) << 7 | last);
}

static void put_legacy(struct buffer *b, struct rng *r, const struct path *p, unsigned int bits)
{
	put_mandatory(b, r, p->pp);
	if (bits == BITS_64 && one_in(r, 32)) { /* without effect, since a prefix follows */
		put(b, 0x40 | below(r, 16));
		put(b, one_in(r, 2) ? 0x2e : 0x64);
	}
	if (bits == BITS_64 && one_in(r, 2))
		put(b, 0x40 | below(r, 16));
	if (p->map != MAP_ONE)
		put(b, 0x0f);
	if (p->map >= MAP_0F38)
		put(b, p->map == MAP_0F38 ? 0x38 : 0x3a);
}

static bool fits(const struct path *p, unsigned int bits)
{
	bool is_64 = bits == BITS_64;

	if (p->mode64 >= 0 && p->mode64 != is_64)
		return false;
	/* Those that are undefined, now and then. */
	return !(p->row->flags & (is_64 ? F_NO64 : F_64ONLY)) || !(p->opcode & 15);
}

void generate_bytes(struct trial *t, struct rng *r)
{
	struct buffer b = { .n = 0 };
	const struct path *p;
	u8 byte;

	if (one_in(r, 64)) {
		while (b.n < sizeof(t->bytes))
			put(&b, one_in(r, 3) && !b.n ? 0x0f : rnd(r));
		memcpy(t->bytes, b.bytes, sizeof(t->bytes));
		return;
	}
	do
		p = rows_pick(r);
	while (!fits(p, t->bits));
	byte = p->opcode;
	if (p->vex) {
		if (one_in(r, 6))
			put(&b, one_in(r, 4) ? 0x67 : one_in(r, 2) ? 0x65 : 0x2e);
		if (one_in(r, 64))
			put(&b, 0x66);
		put_vex(&b, r, p, t->bits);
	} else {
		if (one_in(r, 2))
			put_prefixes(&b, r, p);
		put_legacy(&b, r, p, t->bits);
	}
	put(&b, byte);
	if (p->row->flags & F_MODRM || p->reg >= 0 || p->rm >= 0 || p->form >= 0)
		put_modrm(&b, r, p, t->bits);
	put_immediates(&b, r, p);
	memcpy(t->bytes, b.bytes, sizeof(t->bytes));
}
