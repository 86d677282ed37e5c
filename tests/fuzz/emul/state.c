// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state before a trial: registers, segments, memory. Addresses that the instruction uses mostly
 * lead to memory, often to where it ends or its protection changes.
 */
#include <string.h>

#include "fuzz.h"

/* A linear address: somewhere in memory, or close to a boundary. Half of them are aligned. */
static u64 target(const struct trial *t, struct rng *r)
{
	static const u64 boundary[] = {
		CPU_DATA,
		CPU_DATA + CPU_PAGE,
		CPU_CONST,
		CPU_CONST + CPU_CONST_SIZE,
		CPU_STACK,
		CPU_STACK + CPU_STACK_SIZE,
		CPU_CODE + CPU_CODE_SIZE,
	};
	u64 addr;

	if (t->bits == BITS_64 && one_in(r, 64)) /* canonical or not */
		addr = (one_in(r, 2) ? 1ull << 47 : -1ull << 47) + below(r, 64) - 32;
	else if (one_in(r, 3))
		addr = boundary[below(r, ARRAY_SIZE(boundary))] + below(r, 64) - 32;
	else if (one_in(r, 8))
		addr = CPU_CONST + below(r, CPU_CONST_SIZE);
	else if (one_in(r, 8))
		addr = CPU_STACK + below(r, CPU_STACK_SIZE);
	else if (one_in(r, 16))
		addr = CPU_CODE + below(r, CPU_CODE_SIZE);
	else
		addr = CPU_DATA + below(r, CPU_DATA_SIZE);
	return one_in(r, 2) ? addr & ~(one_in(r, 2) ? 31ull : 7ull) : addr;
}

static u64 stack_target(struct rng *r)
{
	u64 addr = CPU_STACK + 512 + below(r, CPU_STACK_SIZE - 1024);

	if (one_in(r, 16))
		addr = CPU_STACK + (one_in(r, 2) ? 0 : CPU_STACK_SIZE) + below(r, 64) - 32;
	return one_in(r, 4) ? addr : addr & ~7ull;
}

static u16 data_selector(struct rng *r)
{
	static const u8 ldt[] = {
		CPU_LDT_DATA16, CPU_LDT_DATA32, CPU_LDT_WRAP,	 CPU_LDT_RO,
		CPU_LDT_DOWN32, CPU_LDT_DOWN16, CPU_LDT_STACK16, CPU_LDT_FLAT_CODE,
	};

	if (one_in(r, 8))
		return 0; /* the others may become it at any interrupt */
	return cpu.has_ldt && !one_in(r, 3) ? CPU_LDT_SELECTOR(ldt[below(r, ARRAY_SIZE(ldt))]) :
					      CPU_SS;
}

static u16 stack_selector(struct rng *r)
{
	static const u8 ldt[] = {
		CPU_LDT_STACK16, CPU_LDT_STACK16, CPU_LDT_STACK_DOWN, CPU_LDT_DATA16, CPU_LDT_WRAP,
	};

	return CPU_LDT_SELECTOR(ldt[below(r, ARRAY_SIZE(ldt))]);
}

static u16 code_selector(const struct trial *t, struct rng *r)
{
	if (t->bits == BITS_64)
		return CPU_CS64;
	if (t->bits == BITS_16)
		return CPU_LDT_SELECTOR(one_in(r, 4) ? CPU_LDT_SHORT_CODE16 : CPU_LDT_CODE16);
	if (!cpu.has_ldt || !one_in(r, 4))
		return CPU_CS32;
	return CPU_LDT_SELECTOR(one_in(r, 2) ? CPU_LDT_CODE32 : CPU_LDT_FLAT_CODE);
}

static void make_segments(struct trial *t, struct rng *r)
{
	bool own = t->bits == BITS_16 || (t->bits == BITS_32 && one_in(r, 3));
	struct cpu_test *in = &t->in;

	in->cs = code_selector(t, r);
	in->ss = in->ds = in->es = CPU_SS;
	in->fs = in->gs = 0;
	if (own && cpu.has_ldt) {
		if (t->bits == BITS_16 || one_in(r, 2))
			in->ss = stack_selector(r);
		in->ds = data_selector(r);
		in->es = data_selector(r);
		in->fs = data_selector(r);
		in->gs = data_selector(r);
	} else if (one_in(r, 8)) {
		in->ds = data_selector(r);
		in->fs = data_selector(r);
	}
}

static u64 descriptor(u16 selector)
{
	if (selector & 4)
		return cpu_descriptor(selector >> 3);
	switch (selector) {
	case CPU_CS64:
		return 0x00affb000000ffff;
	case CPU_CS32:
		return 0x00cffb000000ffff;
	}
	return 0x00cff3000000ffff;
}

/* What the processor makes of the selectors. */
static void load_segments(struct trial *t, struct rng *r)
{
	struct cpu_test *in = &t->in;
	const u64 selector[6] = { in->es, in->cs, in->ss, in->ds, in->fs, in->gs };
	unsigned int i;

	for (i = 0; i < 6; i++) {
		emul_unpack_descriptor(descriptor(selector[i]), selector[i], &t->seg[i]);
		if (!(selector[i] & ~3)) {
			t->seg[i] = (struct emul_segment){ .selector = selector[i] };
			t->seg[i].unusable = 1;
		}
	}
	if (t->bits == BITS_64) {
		t->seg[EMUL_SEG_FS].base = one_in(r, 4) ? -0x40ull : 0x40;
		t->seg[EMUL_SEG_GS].base = one_in(r, 4) ? 0x7fffffffff00 : 0x3f0;
	}
	in->fs_base = t->seg[EMUL_SEG_FS].base;
	in->gs_base = t->seg[EMUL_SEG_GS].base;
}

/* The offset in a segment of a linear address. */
static u64 offset_in(const struct trial *t, unsigned int seg, u64 linear)
{
	if (t->bits != BITS_64)
		return (u32)(linear - t->seg[seg].base);
	return seg == EMUL_SEG_FS || seg == EMUL_SEG_GS ? linear - t->seg[seg].base : linear;
}

static u64 reg_value(struct trial *t, struct rng *r)
{
	switch (below(r, 5)) {
	case 0:
		return interesting(r);
	case 1:
		return below(r, 64) - 32ull;
	case 2:
		return one_in(r, 2) ? rnd(r) : (u32)rnd(r);
	}
	return offset_in(t, EMUL_SEG_DS, target(t, r));
}

static u16 any_selector(struct rng *r)
{
	static const u16 gdt[] = { CPU_CS64, CPU_CS32, CPU_SS, 0x28, 0x29, 0x30, 0x20 };

	if (one_in(r, 8))
		return one_in(r, 2) ? below(r, 4) : rnd(r);
	if (one_in(r, 3))
		return below(r, 16) << 3 | below(r, 4);
	return one_in(r, 2) ? gdt[below(r, ARRAY_SIZE(gdt))] :
			      CPU_LDT_SELECTOR(below(r, CPU_NR_LDT + 1)) - one_in(r, 8);
}

static u64 flag_values(struct rng *r)
{
	u64 flags = FL_FIXED | FL_IF | (rnd(r) & FL_ARITH);

	if (one_in(r, 4))
		flags |= FL_DF;
	if (one_in(r, 8))
		flags |= FL_AC;
	if (one_in(r, 16))
		flags |= FL_NT;
	if (one_in(r, 8))
		flags |= FL_ID;
	return flags;
}

static void make_registers(struct trial *t, struct rng *r)
{
	u64 *gpr = t->in.gpr;
	unsigned int i;

	for (i = 0; i < 16; i++)
		gpr[i] = reg_value(t, r);
	gpr[EMUL_RSI] = one_in(r, 8) ? gpr[EMUL_RSI] : offset_in(t, EMUL_SEG_DS, target(t, r));
	gpr[EMUL_RDI] = one_in(r, 8) ? gpr[EMUL_RDI] : offset_in(t, EMUL_SEG_ES, target(t, r));
	gpr[EMUL_RSP] = one_in(r, 32) ? gpr[EMUL_RSP] : offset_in(t, EMUL_SEG_SS, stack_target(r));
	if (!one_in(r, 4))
		gpr[EMUL_RBP] = offset_in(t, EMUL_SEG_SS, stack_target(r));
	if (one_in(r, 3))
		gpr[EMUL_RCX] = below(r, one_in(r, 4) ? 600 : 40);
	if (one_in(r, 3)) { /* a division that fits */
		gpr[EMUL_RDX] = one_in(r, 2) ? 0 : below(r, 16);
		gpr[EMUL_RAX] = rnd(r);
	}
	if (one_in(r, 4)) /* a selector */
		gpr[below(r, 4)] = any_selector(r);
	for (i = 0; i < 16 && t->bits != BITS_64; i++)
		gpr[i] = i < 8 ? (u32)gpr[i] : 0;
	if (t->bits != BITS_64 && !t->seg[EMUL_SEG_SS].db)
		gpr[EMUL_RSP] = CPU_SP_HIGH | (u16)gpr[EMUL_RSP];
	t->in.rflags = flag_values(r);
}

static void make_vectors(struct trial *t, struct rng *r)
{
	unsigned int i;
	u64 val;

	for (i = 0; i < sizeof(t->in.vec); i += 8) {
		val = rnd(r);
		memcpy((u8 *)t->in.vec + i, &val, 8);
	}
	for (i = 0; i < 8; i++)
		t->in.mmx[i] = rnd(r);
}

/* How much of the code page the code segment reaches. */
static unsigned int code_size(const struct trial *t)
{
	return t->in.cs == CPU_LDT_SELECTOR(CPU_LDT_SHORT_CODE16) ? 0x800 : CPU_CODE_SIZE;
}

static void put_code(struct trial *t, u64 offset)
{
	struct cpu_patch *p = &t->in.patch[0];

	t->in.rip = CPU_CODE + offset;
	if (t->bits != BITS_64)
		t->in.rip -= t->seg[EMUL_SEG_CS].base;
	t->in.nr_patches = 1;
	p->offset = CPU_IMAGE_CODE + offset;
	memset(p->data, 0x90, PATCH_BYTES);
	memcpy(p->data, t->bytes, sizeof(t->bytes));
}

/* The instruction's place: sometimes just before the end of the page or segment, or over it. */
static void place_code(struct trial *t, struct rng *r)
{
	unsigned int size = code_size(t);

	put_code(t, one_in(r, 16) ? size - 1 - below(r, 16) : 64 + below(r, size - 256));
}

/* The linear address of the ModRM or moffs operand; false if there is none. */
static bool operand_address(const struct trial *t, const struct emul_insn *i, u64 *linear)
{
	u64 ea = i->disp;

	if (!i->mem && !(i->row && (i->row->dst == OP_O || i->row->src == OP_O)))
		return false;
	if (i->rip_rel)
		ea += t->in.rip + i->len;
	if (i->base >= 0)
		ea += t->in.gpr[i->base];
	if (i->index >= 0)
		ea += t->in.gpr[i->index] << i->scale;
	ea &= emul_mask(i->addrsize);
	*linear = t->bits == BITS_64 ? (i->seg >= EMUL_SEG_FS ? ea + t->seg[i->seg].base : ea) :
				       (u32)(ea + t->seg[i->seg].base);
	return true;
}

/* Change a register so that the operand lies in memory. */
static void aim_operand(struct trial *t, struct rng *r, const struct emul_insn *i)
{
	u64 linear, want = target(t, r);
	int reg = i->base;

	if (!operand_address(t, i, &linear))
		return;
	if (i->row->flags & F_BITOFF && i->reg != EMUL_RSP && !one_in(r, 4)) {
		t->in.gpr[i->reg] = below(r, 1024) - 512ull;
		if (t->bits != BITS_64)
			t->in.gpr[i->reg] = (u32)t->in.gpr[i->reg];
	}
	if (reg < 0 || reg == EMUL_RSP || reg == i->index)
		reg = i->scale || i->index == i->base ? -1 : i->index;
	if (reg < 0 || (i->row->flags & F_BITOFF && reg == i->reg))
		return;
	operand_address(t, i, &linear);
	t->in.gpr[reg] += offset_in(t, i->seg, want) - offset_in(t, i->seg, linear);
	if (t->bits != BITS_64)
		t->in.gpr[reg] = (u32)t->in.gpr[reg];
}

/* Where in the image a linear address is; false if not in it. */
static bool image_offset(u64 linear, u64 *offset)
{
	if (linear - CPU_DATA < CPU_DATA_SIZE)
		*offset = linear - CPU_DATA + CPU_IMAGE_DATA;
	else if (linear - CPU_CONST < CPU_CONST_SIZE)
		*offset = linear - CPU_CONST + CPU_IMAGE_CONST;
	else if (linear - CPU_STACK < CPU_STACK_SIZE)
		*offset = linear - CPU_STACK + CPU_IMAGE_STACK;
	else if (linear - CPU_CODE < CPU_CODE_SIZE)
		*offset = linear - CPU_CODE + CPU_IMAGE_CODE;
	else
		return false;
	return true;
}

/* Return: NULL if nothing is there, or the instruction. */
static struct cpu_patch *add_patch(struct trial *t, u64 linear)
{
	struct cpu_patch *p = &t->in.patch[t->in.nr_patches];
	u64 offset;

	if (!image_offset(linear, &offset) ||
	    offset - t->in.patch[0].offset + PATCH_BYTES < 2 * PATCH_BYTES)
		return NULL;
	p->offset = offset;
	t->in.nr_patches++;
	return p;
}

static bool is_far_pointer(const struct emul_insn *i)
{
	emul_exec_fn fn = i->row->exec;

	return fn == emul_les || fn == emul_lds || fn == emul_lss || fn == emul_lfs ||
	       fn == emul_lgs || fn == emul_call_far_ind || fn == emul_jmp_far_ind;
}

/* AMD has no 64-bit offsets here. */
static void put_far_pointer(struct rng *r, const struct emul_insn *i, u8 *to)
{
	unsigned int size = cpu_is_amd() ? min_t(u8, i->opsize, 4) : i->opsize;
	u64 offset = below(r, CPU_CODE_SIZE) + (one_in(r, 2) ? CPU_CODE : 0);
	u16 selector = any_selector(r);

	memcpy(to, &offset, size);
	memcpy(to + size, &selector, 2);
}

/* What a comparison or a load of a segment register succeeds with, and other values. */
static void patch_operand(struct trial *t, struct rng *r, const struct emul_insn *i)
{
	unsigned int k, half = i->opsize == 8 ? 8 : 4;
	struct cpu_patch *p;
	u64 linear, val;

	if (!operand_address(t, i, &linear))
		return;
	p = add_patch(t, linear);
	if (!p)
		return;
	for (k = 0; k < 4; k++) {
		val = one_in(r, 2) ? interesting(r) : rnd(r);
		memcpy(p->data + 8 * k, &val, 8);
	}
	if (is_far_pointer(i)) {
		put_far_pointer(r, i, p->data);
	} else if (i->row->exec == emul_mov_to_seg) {
		val = any_selector(r);
		memcpy(p->data, &val, 2);
	} else if (one_in(r, 3)) {
		memcpy(p->data, &t->in.gpr[EMUL_RAX], 8);
		memcpy(p->data + half, &t->in.gpr[EMUL_RDX], 8);
	}
}

static u64 stack_value(struct rng *r)
{
	switch (below(r, 6)) {
	case 0:
	case 1:
		return CPU_CODE + below(r, CPU_CODE_SIZE);
	case 2:
	case 3:
		return any_selector(r);
	case 4:
		return flag_values(r) | (one_in(r, 2) ? FL_TF : 0);
	}
	return one_in(r, 2) ? interesting(r) : rnd(r);
}

/* What a far return finds: offset, selector, flags, stack pointer and selector. */
static u64 frame_value(const struct trial *t, struct rng *r, unsigned int slot)
{
	static const u16 code[] = {
		CPU_CS64,
		CPU_CS32,
		CPU_LDT_SELECTOR(CPU_LDT_CODE16),
		CPU_LDT_SELECTOR(CPU_LDT_FLAT_CODE),
	};

	switch (slot) {
	case 0:
		return below(r, CPU_CODE_SIZE) + (one_in(r, 2) ? CPU_CODE : 0);
	case 1:
		return code[below(r, ARRAY_SIZE(code))];
	case 2:
		return flag_values(r) | (one_in(r, 2) ? FL_TF : 0);
	case 3:
		return offset_in(t, EMUL_SEG_SS, stack_target(r));
	}
	return one_in(r, 2) ? CPU_SS : stack_selector(r);
}

/* Something to pop. */
static void patch_stack(struct trial *t, struct rng *r, const struct emul_insn *i)
{
	bool is_64 = t->bits == BITS_64, wide = t->seg[EMUL_SEG_SS].db;
	bool frame = i->row->exec == emul_ret_far || i->row->exec == emul_iret;
	u64 sp = t->in.gpr[EMUL_RSP] & (is_64 ? ~0ull : wide ? 0xffffffff : 0xffff), val;
	unsigned int k, size = i->opsize, per_patch = PATCH_BYTES / size;
	struct cpu_patch *p = NULL;

	if (!is_64)
		sp = (u32)(sp + t->seg[EMUL_SEG_SS].base);
	for (k = 0; k < (frame ? 5 : per_patch); k++) {
		if (k % per_patch == 0)
			p = t->in.nr_patches < 4 ? add_patch(t, sp + k * size) : NULL;
		val = frame && !one_in(r, 16) ? frame_value(t, r, k) : stack_value(r);
		if (p)
			memcpy(p->data + k % per_patch * size, &val, size);
	}
}

/* Elements that are alike, up to one. */
static void patch_strings(struct trial *t, struct rng *r, const struct emul_insn *i)
{
	u64 mask = emul_mask(i->addrsize), val = one_in(r, 2) ? t->in.gpr[EMUL_RAX] : rnd(r);
	u64 si = (t->in.gpr[EMUL_RSI] & mask), di = t->in.gpr[EMUL_RDI] & mask;
	struct cpu_patch *p[2];
	unsigned int k, n;

	if (t->bits != BITS_64) {
		si = (u32)(si + t->seg[i->seg].base);
		di = (u32)(di + t->seg[EMUL_SEG_ES].base);
	}
	p[0] = add_patch(t, si);
	p[1] = add_patch(t, di);
	for (n = 0; n < 2; n++) {
		for (k = 0; p[n] && k < PATCH_BYTES; k += i->opsize)
			memcpy(p[n]->data + k, &val, i->opsize);
		if (p[n] && one_in(r, 2))
			p[n]->data[below(r, PATCH_BYTES)] ^= 1;
	}
}

/* INT3 after the instruction, as far as that is in memory; see struct trial. */
static void end_code(struct trial *t, const struct emul_insn *i)
{
	u64 offset = t->in.patch[0].offset - CPU_IMAGE_CODE;

	if (offset + i->len >= code_size(t))
		t->step = true;
	else
		t->in.patch[0].data[i->len] = 0xcc;
}

static bool is_branch(const struct emul_insn *i)
{
	emul_exec_fn fn = i->row->exec;

	return i->row->flags & F_NEAR || fn == emul_jmp_far || fn == emul_jmp_far_ind ||
	       fn == emul_call_far || fn == emul_call_far_ind || fn == emul_ret_far ||
	       fn == emul_iret;
}

/* After these the trap of TF waits for one more instruction. */
static bool loads_ss(const struct emul_insn *i)
{
	emul_exec_fn fn = i->row->exec;

	return (fn == emul_mov_to_seg && (i->reg & 7) == EMUL_SEG_SS) ||
	       (fn == emul_pop_seg && i->opcode == 0x17);
}

static void choose_stop(struct trial *t, struct rng *r, const struct emul_insn *i)
{
	t->whole = i->row->flags & F_REP && one_in(r, 2) &&
		   (t->in.gpr[EMUL_RCX] & emul_mask(i->addrsize)) < 5000;
	t->step = is_branch(i) || (one_in(r, 4) && !loads_ss(i));
	if (i->row->flags & F_REP)
		t->step = !t->whole;
	if (t->step && !loads_ss(i))
		t->in.patch[0].data[i->len] = rnd(r);
	else
		end_code(t, i);
	if (t->step)
		t->whole = false;
}

static bool moves_mmx(const struct emul_insn *i)
{
	emul_exec_fn fn = i->row->exec;

	return fn == emul_mmx_load || fn == emul_mmx_store || fn == emul_mmx_from_gpr ||
	       fn == emul_mmx_to_gpr;
}

/* What is better made when the instruction is known. */
static void suit(struct trial *t, struct rng *r, const struct emul_insn *i)
{
	if (!one_in(r, 8))
		aim_operand(t, r, i);
	if (i->row->exec == emul_cpuid)
		t->in.gpr[EMUL_RAX] = (u64)below(r, 2) << 31; /* not the CPU's number */
	if (i->row->exec == emul_mov_to_seg && !i->mem && i->rm != EMUL_RSP)
		t->in.gpr[i->rm] = any_selector(r);
	if (i->row->exec == emul_clzero && !one_in(r, 8))
		t->in.gpr[EMUL_RAX] = offset_in(t, i->seg, target(t, r));
	if (i->row->exec == emul_movdir64b && !one_in(r, 8))
		t->in.gpr[i->reg] = offset_in(t, EMUL_SEG_ES, target(t, r) & ~63u);
	if (i->row->flags & F_REP && one_in(r, 2))
		patch_strings(t, r, i);
	else if (!one_in(r, 4))
		patch_operand(t, r, i);
	if (!one_in(r, 4))
		patch_stack(t, r, i);
	if (i->row->flags & F_SSE || moves_mmx(i)) {
		make_vectors(t, r);
		t->in.use_vec = true;
	}
	choose_stop(t, r, i);
}

static bool decode(struct trial *t, struct emul_insn *i)
{
	return emulate_decode(t, true, i) == EMUL_OK && i->row->exec;
}

void state_make(struct trial *t, struct rng *r)
{
	struct emul_insn insn;
	bool known;

	memset(&t->in, 0, offsetof(struct cpu_test, patch));
	make_segments(t, r);
	load_segments(t, r);
	make_registers(t, r);
	place_code(t, r);
	t->step = true;
	t->whole = false;
	known = decode(t, &insn);
	if (known && one_in(r, 32)) { /* its last byte is the page's or segment's */
		put_code(t, code_size(t) - insn.len);
		known = decode(t, &insn);
	}
	if (known)
		suit(t, r, &insn);
	if (t->step)
		t->in.rflags |= FL_TF;
}
