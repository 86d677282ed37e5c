// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instruction decoding: prefixes, opcode, ModRM, SIB, displacement, immediates.
 *
 * The length of every defined instruction is decoded, also of those that nothing here executes:
 * intercepted instructions are skipped by it on CPUs that don't report the next RIP. Intel SDM
 * vol. 2, chapter 2; AMD APM vol. 3, chapter 1.
 */
#include "internal.h"

/**
 * struct decoder - a decode in progress
 * @c: context
 * @i: the instruction being filled in; its len is the position
 * @cs_base: base of CS, outside of 64-bit mode
 * @cs_limit: its limit
 * @have_cs: the two above are valid
 * @bad_prefix: a VEX prefix follows one that it can't
 * @w: REX.W or its like
 * @r: REX.R as a register number: 0 or 8
 * @x: REX.X
 * @b: REX.B
 */
struct decoder {
	struct emul_ctxt *c;
	struct emul_insn *i;
	u64 cs_base;
	u32 cs_limit;
	bool have_cs;
	bool bad_prefix;
	bool w;
	u8 r;
	u8 x;
	u8 b;
};

#define PAGE_BYTES 4096u

/*
 * Where the next bytes are, and how many of them may be fetched at once: to the end of the page,
 * so that the next page is touched only when the instruction needs it, and of the segment.
 */
static enum emul_result fetch_window(struct decoder *d, u64 *linear, unsigned int *n)
{
	struct emul_ctxt *c = d->c;
	unsigned int have = d->i->nr_bytes;
	struct emul_segment cs;
	u32 eip;

	*n = EMUL_MAX_INSN_LEN - have;
	if (emul_is_64(c)) {
		*linear = c->rip + have;
		if (!emul_canonical(c, *linear))
			return emul_raise_code(c, EXC_GP, 0);
	} else {
		if (!d->have_cs) {
			c->ops->get_segment(c->opaque, EMUL_SEG_CS, &cs);
			d->cs_base = cs.base;
			d->cs_limit = cs.limit;
			d->have_cs = true;
		}
		eip = (u32)c->rip + have;
		if (eip > d->cs_limit || eip < have)
			return emul_raise_code(c, EXC_GP, 0);
		*n = min_t(u64, *n, (u64)d->cs_limit - eip + 1);
		*linear = (u32)(d->cs_base + eip);
	}
	*n = min_t(u64, *n, PAGE_BYTES - *linear % PAGE_BYTES);
	return EMUL_OK;
}

static enum emul_result fetch(struct decoder *d)
{
	struct emul_insn *i = d->i;
	enum emul_result res;
	unsigned int n;
	u64 linear;

	res = fetch_window(d, &linear, &n);
	if (res != EMUL_OK)
		return res;
	res = d->c->ops->fetch(d->c->opaque, linear, i->bytes + i->nr_bytes, n, &d->c->exc);
	if (res == EMUL_OK)
		i->nr_bytes += n;
	else if (res != EMUL_EXCEPTION)
		res = EMUL_UNHANDLEABLE;
	return res;
}

static enum emul_result peek(struct decoder *d, u8 *byte)
{
	struct emul_insn *i = d->i;
	enum emul_result res;

	if (i->len >= EMUL_MAX_INSN_LEN)
		return emul_raise_code(d->c, EXC_GP, 0);
	if (i->len >= i->nr_bytes) {
		res = fetch(d);
		if (res != EMUL_OK)
			return res;
	}
	*byte = i->bytes[i->len];
	return EMUL_OK;
}

static enum emul_result next(struct decoder *d, u8 *byte)
{
	enum emul_result res = peek(d, byte);

	if (res == EMUL_OK)
		d->i->len++;
	return res;
}

/* The next @n bytes as a little-endian number, zero-extended. */
static enum emul_result next_n(struct decoder *d, unsigned int n, u64 *val)
{
	enum emul_result res;
	unsigned int k;
	u8 byte;

	*val = 0;
	for (k = 0; k < n; k++) {
		res = next(d, &byte);
		if (res != EMUL_OK)
			return res;
		*val |= (u64)byte << k * 8;
	}
	return EMUL_OK;
}

static enum emul_result next_signed(struct decoder *d, unsigned int n, u64 *val)
{
	enum emul_result res = next_n(d, n, val);

	if (res == EMUL_OK)
		*val = emul_sext(*val, n);
	return res;
}

/* Take the prefix @byte. Return: false if it isn't one. */
static bool legacy_prefix(struct emul_insn *i, bool is_64, u8 byte)
{
	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e:
		/* Without effect in 64-bit mode; FS and GS given before stay. */
		if (!is_64)
			i->seg_override = (byte >> 3) & 3;
		return true;
	case 0x64: case 0x65:
		i->seg_override = byte & 7;
		return true;
	case 0x66:
		i->opsize_prefix = true;
		return true;
	case 0x67:
		i->addrsize_prefix = true;
		return true;
	case 0xf0:
		i->lock = true;
		return true;
	case 0xf2: case 0xf3:
		i->rep = byte;
		return true;
	}
	return false;
}

/* Prefixes; @byte becomes the first that isn't one. */
static enum emul_result decode_prefixes(struct decoder *d, u8 *byte)
{
	bool is_64 = emul_is_64(d->c);
	struct emul_insn *i = d->i;
	enum emul_result res;

	for (;;) {
		res = next(d, byte);
		if (res != EMUL_OK)
			return res;
		if (is_64 && (*byte & 0xf0) == 0x40)
			i->rex = *byte;
		else if (legacy_prefix(i, is_64, *byte))
			i->rex = 0;	/* REX counts directly before the opcode only */
		else
			break;
	}
	if (i->rex) {
		d->w = i->rex & 8;
		d->r = i->rex & 4 ? 8 : 0;
		d->x = i->rex & 2 ? 8 : 0;
		d->b = i->rex & 1 ? 8 : 0;
	}
	return EMUL_OK;
}

/* VEX.pp stands for a mandatory prefix. */
static void vex_pp(struct emul_insn *i, u8 pp)
{
	i->opsize_prefix = pp == 1;
	i->rep = pp == 2 ? 0xf3 : pp == 3 ? 0xf2 : 0;
}

/* The inverted R, X, B bits on top of a VEX prefix's first payload byte. */
static void vex_rxb(struct decoder *d, u8 byte)
{
	if (!emul_is_64(d->c))
		return;
	d->r = byte & 0x80 ? 0 : 8;
	d->x = byte & 0x40 ? 0 : 8;
	d->b = byte & 0x20 ? 0 : 8;
}

/* The last payload byte of a three-byte VEX or XOP prefix, and EVEX's second but one. */
static void vex_wvp(struct decoder *d, u8 byte)
{
	struct emul_insn *i = d->i;

	i->vex_w = byte & 0x80;
	i->vvvv = ~byte >> 3 & 15;
	d->w = i->vex_w && emul_is_64(d->c);
	vex_pp(i, byte & 3);
}

static enum emul_result decode_vex(struct decoder *d, enum emul_vex kind)
{
	struct emul_insn *i = d->i;
	enum emul_result res;
	u8 p[3];
	unsigned int k, n = kind == EMUL_VEX_2 ? 1 : kind == EMUL_VEX_EVEX ? 3 : 2;

	if (i->rex)
		return emul_raise(d->c, EXC_UD);
	/* #UD as well, but only after its bytes were fetched. */
	d->bad_prefix = i->lock || i->rep || i->opsize_prefix;
	for (k = 0; k < n; k++) {
		res = next(d, &p[k]);
		if (res != EMUL_OK)
			return res;
	}
	i->vex = kind;
	if (kind == EMUL_VEX_2) {
		i->map = MAP_0F;
		vex_rxb(d, p[0] | 0x60);
		vex_wvp(d, p[0] & 0x7f);
		i->vex_l = p[0] >> 2 & 1;
		return next(d, &i->opcode);
	}
	vex_rxb(d, p[0]);
	vex_wvp(d, p[1]);
	i->vex_l = kind == EMUL_VEX_EVEX ? p[2] >> 5 & 3 : p[1] >> 2 & 1;
	i->map = p[0] & (kind == EMUL_VEX_EVEX ? 7 : 31);
	if (kind == EMUL_VEX_EVEX && (p[0] & 8 || !(p[1] & 4) || i->map == 4 || i->map == 7))
		return emul_raise(d->c, EXC_UD);
	if (!i->map || (kind == EMUL_VEX_3 && i->map > MAP_0F3A) ||
	    (kind == EMUL_VEX_XOP && i->map > 10))
		return emul_raise(d->c, EXC_UD);
	return next(d, &i->opcode);
}

/*
 * C4, C5, 62 and 8F begin a vector prefix where the instruction that they were would be undefined:
 * by the next byte.
 */
static enum emul_result vex_kind(struct decoder *d, u8 byte, enum emul_vex *kind)
{
	bool reg_form;
	enum emul_result res;
	u8 after;

	*kind = EMUL_VEX_NONE;
	if (byte != 0xc4 && byte != 0xc5 && byte != 0x62 && byte != 0x8f)
		return EMUL_OK;
	if (emul_is_paragraph(d->c))
		return EMUL_OK;
	res = peek(d, &after);
	if (res != EMUL_OK)
		return res;
	reg_form = emul_is_64(d->c) || after >> 6 == 3;
	if (byte == 0x8f)
		*kind = (after & 31) >= 8 ? EMUL_VEX_XOP : EMUL_VEX_NONE;
	else if (reg_form)
		*kind = byte == 0xc4 ? EMUL_VEX_3 : byte == 0xc5 ? EMUL_VEX_2 : EMUL_VEX_EVEX;
	return EMUL_OK;
}

static enum emul_result decode_opcode(struct decoder *d, u8 byte, const struct emul_row **row)
{
	struct emul_insn *i = d->i;
	enum emul_result res;
	enum emul_vex kind;

	res = vex_kind(d, byte, &kind);
	if (res != EMUL_OK)
		return res;
	if (kind != EMUL_VEX_NONE) {
		res = decode_vex(d, kind);
		*row = res == EMUL_OK ? emul_row_vex(i) : NULL;
		return res;
	}
	i->opcode = byte;
	if (byte != 0x0f) {
		*row = &emul_map_one[byte];
		return EMUL_OK;
	}
	i->map = MAP_0F;
	res = next(d, &i->opcode);
	if (res != EMUL_OK)
		return res;
	if (i->opcode == 0x38 || i->opcode == 0x3a) {
		i->map = i->opcode == 0x38 ? MAP_0F38 : MAP_0F3A;
		res = next(d, &i->opcode);
		if (res != EMUL_OK)
			return res;
	}
	*row = i->map == MAP_0F ? &emul_map_0f[i->opcode] :
		i->map == MAP_0F38 ? emul_row_0f38(i->opcode) : emul_row_0f3a(i->opcode);
	return EMUL_OK;
}

static enum emul_result decode_modrm_byte(struct decoder *d)
{
	struct emul_insn *i = d->i;
	enum emul_result res;

	if (i->has_modrm)
		return EMUL_OK;
	res = next(d, &i->modrm);
	if (res != EMUL_OK)
		return res;
	i->has_modrm = true;
	i->mod = i->modrm >> 6;
	i->reg = (i->modrm >> 3 & 7) | d->r;
	i->rm = (i->modrm & 7) | d->b;
	i->mem = i->mod != 3;
	return EMUL_OK;
}

static unsigned int mandatory_prefix(const struct emul_insn *i)
{
	if (i->rep)
		return i->rep == 0xf3 ? 2 : 3;
	return i->opsize_prefix;
}

/* Follow tables until an instruction is found. Fetches ModRM where one is needed for that. */
static enum emul_result resolve_row(struct decoder *d, const struct emul_row **rowp)
{
	const struct emul_row *row = *rowp;
	struct emul_insn *i = d->i;
	enum emul_result res;

	while (row->kind != ROW_INSN) {
		if (row->flags & F_MODRM) {
			res = decode_modrm_byte(d);
			if (res != EMUL_OK)
				return res;
		}
		switch (row->kind) {
		case ROW_GROUP:
			row = &row->sub[i->modrm >> 3 & 7];
			break;
		case ROW_RM:
			row = &row->sub[i->modrm & 7];
			break;
		case ROW_MEM_REG:
			row = &row->sub[!i->mem];
			break;
		case ROW_PREFIX:
			row = &row->sub[mandatory_prefix(i)];
			break;
		case ROW_MODE64:
			row = &row->sub[emul_is_64(d->c)];
			break;
		default:
			return emul_raise(d->c, EXC_UD);
		}
	}
	*rowp = row;
	return row->flags & F_MODRM ? decode_modrm_byte(d) : EMUL_OK;
}

static void decode_sizes(struct decoder *d, const struct emul_row *row)
{
	bool code16 = d->c->mode != EMUL_MODE_PROT32 && !emul_is_64(d->c);
	struct emul_insn *i = d->i;

	if (emul_is_64(d->c)) {
		i->addrsize = i->addrsize_prefix ? 4 : 8;
		i->opsize = d->w ? 8 : i->opsize_prefix ? 2 : 4;
		if (row->flags & F_D64 && i->opsize == 4)
			i->opsize = 8;
		if (row->flags & F_NEAR)
			i->opsize = d->c->vendor == EMUL_VENDOR_AMD && i->opsize == 2 ? 2 : 8;
	} else {
		i->addrsize = code16 != i->addrsize_prefix ? 2 : 4;
		i->opsize = code16 != i->opsize_prefix ? 2 : 4;
	}
	if (row->flags & F_F64)
		i->opsize = emul_is_64(d->c) ? 8 : 4;
	if (row->flags & F_32)
		i->opsize = d->w ? 8 : 4;
}

/* 16-bit addressing: Intel SDM vol. 2, table 2-1. */
static enum emul_result decode_mem16(struct decoder *d)
{
	static const s8 base[8] = {
		EMUL_RBX, EMUL_RBX, EMUL_RBP, EMUL_RBP, EMUL_RSI, EMUL_RDI, EMUL_RBP, EMUL_RBX
	};
	static const s8 index[8] = { EMUL_RSI, EMUL_RDI, EMUL_RSI, EMUL_RDI, -1, -1, -1, -1 };
	struct emul_insn *i = d->i;
	enum emul_result res;
	u64 disp = 0;
	u8 rm = i->modrm & 7;

	i->base = base[rm];
	i->index = index[rm];
	if (i->mod == 0 && rm == 6) {
		i->base = -1;
		res = next_n(d, 2, &disp);
	} else if (i->mod == 0) {
		res = EMUL_OK;
	} else {
		res = next_signed(d, i->mod == 1 ? 1 : 2, &disp);
	}
	i->disp = disp;
	i->seg = i->base == EMUL_RBP ? EMUL_SEG_SS : EMUL_SEG_DS;
	return res;
}

/* 32- and 64-bit addressing: Intel SDM vol. 2, tables 2-2 and 2-3, section 2.2.1. */
static enum emul_result decode_mem32(struct decoder *d)
{
	struct emul_insn *i = d->i;
	enum emul_result res;
	bool disp32 = i->mod == 2;
	u64 disp = 0;
	u8 rm = i->modrm & 7;

	i->base = i->rm;
	if (rm == 4) {
		res = next(d, &i->sib);
		if (res != EMUL_OK)
			return res;
		i->has_sib = true;
		i->scale = i->sib >> 6;
		i->index = (i->sib >> 3 & 7) | d->x;
		if (i->index == EMUL_RSP)
			i->index = -1;
		rm = i->sib & 7;
		i->base = rm | d->b;
	}
	if (i->mod == 0 && rm == 5) {
		i->base = -1;
		i->rip_rel = !i->has_sib && emul_is_64(d->c);
		disp32 = true;
	}
	res = EMUL_OK;
	if (disp32)
		res = next_signed(d, 4, &disp);
	else if (i->mod == 1)
		res = next_signed(d, 1, &disp);
	i->disp = disp;
	/* R12 and R13 encode like RSP and RBP, but use DS. */
	i->seg = i->base == EMUL_RSP || i->base == EMUL_RBP ? EMUL_SEG_SS : EMUL_SEG_DS;
	return res;
}

static enum emul_result decode_memory(struct decoder *d, const struct emul_row *row)
{
	struct emul_insn *i = d->i;

	if (!(row->flags & F_MODRM))
		return EMUL_OK;
	if (row->flags & F_MOD3)
		i->mem = false;
	if (!i->mem)
		return EMUL_OK;
	return i->addrsize == 2 ? decode_mem16(d) : decode_mem32(d);
}

static enum emul_result decode_imm(struct decoder *d, const struct emul_row *row)
{
	struct emul_insn *i = d->i;
	enum emul_result res;
	u64 offs;

	switch (row->imm) {
	case IMM_U8:
		return next_n(d, 1, &i->imm);
	case IMM_S8:
	case IMM_REL8:
		return next_signed(d, 1, &i->imm);
	case IMM_16:
		return next_n(d, 2, &i->imm);
	case IMM_32:
		return next_n(d, 4, &i->imm);
	case IMM_Z:
	case IMM_RELZ:
		return next_signed(d, i->opsize == 2 ? 2 : 4, &i->imm);
	case IMM_V:
		return next_n(d, i->opsize, &i->imm);
	case IMM_16_8:
	case IMM_8_8:
		res = next_n(d, row->imm == IMM_16_8 ? 2 : 1, &i->imm);
		return res == EMUL_OK ? next_n(d, 1, &i->imm2) : res;
	case IMM_FAR:
		res = next_n(d, i->opsize == 2 ? 2 : 4, &i->imm);
		return res == EMUL_OK ? next_n(d, 2, &i->imm2) : res;
	case IMM_OFFS:
		res = next_n(d, i->addrsize, &offs);
		i->disp = offs;
		return res;
	}
	return EMUL_OK;
}

/* Encodings that are undefined although the opcode is not. */
static bool is_undefined(const struct decoder *d, const struct emul_row *row)
{
	const struct emul_insn *i = d->i;
	bool amd = d->c->vendor == EMUL_VENDOR_AMD;
	u32 flags = row->flags;

	if (d->bad_prefix)
		return true;
	if (i->lock && !(flags & F_LOCK_CR8 && amd) && !(flags & F_LOCK && i->mem))
		return true;
	if (flags & F_MEM_AMD && amd && !i->mem)
		return true;
	return (flags & F_NO64 && emul_is_64(d->c)) || (flags & F_64ONLY && !emul_is_64(d->c)) ||
	       (flags & F_PROT && emul_is_paragraph(d->c)) || (flags & F_MEM && !i->mem) ||
	       (flags & F_REG && i->mem) ||
	       (flags & F_32 && (i->vex_l || (i->vvvv && !(flags & F_VVVV))));
}

enum emul_result emul_decode(struct emul_ctxt *c, const void *bytes, unsigned int nr)
{
	struct decoder d = { .c = c, .i = &c->insn };
	const struct emul_row *row;
	struct emul_insn *i = &c->insn;
	enum emul_result res;
	u8 byte;

	memset(i, 0, sizeof(*i));
	memset(&c->exc, 0, sizeof(c->exc));
	i->seg_override = -1;
	i->base = -1;
	i->index = -1;
	i->seg = EMUL_SEG_DS;
	if (bytes && nr) {
		i->nr_bytes = min_t(unsigned int, nr, EMUL_MAX_INSN_LEN);
		memcpy(i->bytes, bytes, i->nr_bytes);
	}
	res = decode_prefixes(&d, &byte);
	if (res == EMUL_OK)
		res = decode_opcode(&d, byte, &row);
	if (res == EMUL_OK)
		res = resolve_row(&d, &row);
	if (res != EMUL_OK)
		return res;
	i->row = row;
	decode_sizes(&d, row);
	res = decode_memory(&d, row);
	if (res == EMUL_OK)
		res = decode_imm(&d, row);
	if (res != EMUL_OK)
		return res;
	if (i->seg_override >= 0)
		i->seg = i->seg_override;
	if (is_undefined(&d, row))
		return emul_raise(c, EXC_UD);
	return EMUL_OK;
}

bool emul_can_execute(const struct emul_ctxt *c)
{
	return c->insn.row && c->insn.row->exec;
}
