// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator against this machine's CPU: random instructions with random operands, run in both.
 * Registers, flags, memory and faults must be the same, but for what the manuals leave undefined.
 *
 *	emul_diff [how many [seed]]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "emul_cpu.h"
#include "emul_world.h"
#include "tap.h"

#define FLAG_CF 0x1u
#define FLAG_PF 0x4u
#define FLAG_AF 0x10u
#define FLAG_ZF 0x40u
#define FLAG_SF 0x80u
#define FLAG_OF 0x800u
#define FLAGS_ALL (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)
/* Single-stepping's own flags. */
#define FLAGS_DEBUG 0x10100u
#define FLAG_NT 0x4000u
/* ptrace can't set ID: it is what POPF has made it. */
#define FLAG_ID 0x200000u

/*
 * Opcodes to test: from first to last of a map, by mandatory prefix (0 for any), with the reg
 * fields of ModRM that may be used. Without ModRM the byte after the opcode is any. LOOPE and
 * LOOPNE are without F2 and F3: AMD's processors take these for their condition.
 */
struct family {
	const char *name;
	u8 map, first, last;
	u8 regs;		/* bit per ModRM reg field; 0: no ModRM */
	u8 modes;		/* M64, M32 */
	u8 prefix;		/* 66, F2, F3: always there; 1: none of them; 2: 66 at most */
	bool vec;
};

#define M64 1
#define M32 2
#define ANY 3

static const struct family families[] = {
	{ "add", 0, 0x00, 0x03, 0xff, ANY, 0, false },
	{ "add a,i", 0, 0x04, 0x05, 0, ANY, 0, false },
	{ "or", 0, 0x08, 0x0b, 0xff, ANY, 0, false },
	{ "or a,i", 0, 0x0c, 0x0d, 0, ANY, 0, false },
	{ "adc", 0, 0x10, 0x13, 0xff, ANY, 0, false },
	{ "adc a,i", 0, 0x14, 0x15, 0, ANY, 0, false },
	{ "sbb", 0, 0x18, 0x1b, 0xff, ANY, 0, false },
	{ "sbb a,i", 0, 0x1c, 0x1d, 0, ANY, 0, false },
	{ "and", 0, 0x20, 0x23, 0xff, ANY, 0, false },
	{ "and a,i", 0, 0x24, 0x25, 0, ANY, 0, false },
	{ "sub", 0, 0x28, 0x2b, 0xff, ANY, 0, false },
	{ "sub a,i", 0, 0x2c, 0x2d, 0, ANY, 0, false },
	{ "xor", 0, 0x30, 0x33, 0xff, ANY, 0, false },
	{ "xor a,i", 0, 0x34, 0x35, 0, ANY, 0, false },
	{ "cmp", 0, 0x38, 0x3b, 0xff, ANY, 0, false },
	{ "cmp a,i", 0, 0x3c, 0x3d, 0, ANY, 0, false },
	{ "daa", 0, 0x27, 0x27, 0, ANY, 0, false },
	{ "das", 0, 0x2f, 0x2f, 0, ANY, 0, false },
	{ "aaa", 0, 0x37, 0x37, 0, ANY, 0, false },
	{ "aas", 0, 0x3f, 0x3f, 0, ANY, 0, false },
	{ "inc/dec", 0, 0x40, 0x4f, 0, M32, 0, false },
	{ "push es", 0, 0x06, 0x06, 0, ANY, 0, false },
	{ "push cs", 0, 0x0e, 0x0e, 0, ANY, 0, false },
	{ "push r", 0, 0x50, 0x57, 0, ANY, 0, false },
	{ "pop r", 0, 0x58, 0x5f, 0, ANY, 0, false },
	{ "pusha", 0, 0x60, 0x61, 0, ANY, 0, false },
	{ "movsxd", 0, 0x63, 0x63, 0xff, M64, 0, false },
	{ "push i", 0, 0x68, 0x68, 0, ANY, 0, false },
	{ "imul", 0, 0x69, 0x69, 0xff, ANY, 0, false },
	{ "push i8", 0, 0x6a, 0x6a, 0, ANY, 0, false },
	{ "imul8", 0, 0x6b, 0x6b, 0xff, ANY, 0, false },
	{ "ins/outs", 0, 0x6c, 0x6f, 0, ANY, 0, false },
	{ "jcc", 0, 0x70, 0x7f, 0, ANY, 0, false },
	{ "grp1", 0, 0x80, 0x83, 0xff, ANY, 0, false },
	{ "test/xchg", 0, 0x84, 0x87, 0xff, ANY, 0, false },
	{ "mov", 0, 0x88, 0x8b, 0xff, ANY, 0, false },
	{ "mov r,s", 0, 0x8c, 0x8c, 0xff, ANY, 0, false },
	{ "lea", 0, 0x8d, 0x8d, 0xff, ANY, 0, false },
	{ "pop m", 0, 0x8f, 0x8f, 0x01, ANY, 0, false },
	{ "mov s,r", 0, 0x8e, 0x8e, 0xc2, ANY, 0, false },
	{ "xchg a", 0, 0x90, 0x97, 0, ANY, 0, false },
	{ "cbw/cwd", 0, 0x98, 0x99, 0, ANY, 0, false },
	{ "pushf/popf", 0, 0x9c, 0x9d, 0, ANY, 0, false },
	{ "sahf/lahf", 0, 0x9e, 0x9f, 0, ANY, 0, false },
	{ "moffs", 0, 0xa0, 0xa3, 0, ANY, 0, false },
	{ "movs/cmps", 0, 0xa4, 0xa7, 0, ANY, 0, false },
	{ "test a,i", 0, 0xa8, 0xa9, 0, ANY, 0, false },
	{ "stos/lods/scas", 0, 0xaa, 0xaf, 0, ANY, 0, false },
	{ "mov r,i", 0, 0xb0, 0xbf, 0, ANY, 0, false },
	{ "grp2 i", 0, 0xc0, 0xc1, 0xff, ANY, 0, false },
	{ "ret", 0, 0xc2, 0xc3, 0, ANY, 0, false },
	{ "mov i", 0, 0xc6, 0xc7, 0x7f, ANY, 0, false },
	{ "enter", 0, 0xc8, 0xc8, 0, ANY, 0, false },
	{ "leave", 0, 0xc9, 0xc9, 0, ANY, 0, false },
	{ "grp2", 0, 0xd0, 0xd3, 0xff, ANY, 0, false },
	{ "aam/aad", 0, 0xd4, 0xd5, 0, ANY, 0, false },
	{ "salc", 0, 0xd6, 0xd6, 0, ANY, 0, false },
	{ "xlat", 0, 0xd7, 0xd7, 0, ANY, 0, false },
	{ "loop/jcxz", 0, 0xe0, 0xe3, 0, ANY, 2, false },
	{ "in/out i", 0, 0xe4, 0xe7, 0, ANY, 0, false },
	{ "in/out dx", 0, 0xec, 0xef, 0, ANY, 0, false },
	{ "call/jmp", 0, 0xe8, 0xe9, 0, ANY, 0, false },
	{ "jmp8", 0, 0xeb, 0xeb, 0, ANY, 0, false },
	{ "hlt/cmc", 0, 0xf4, 0xf5, 0, ANY, 0, false },
	{ "grp3", 0, 0xf6, 0xf7, 0xff, ANY, 0, false },
	{ "flags", 0, 0xf8, 0xfd, 0, ANY, 0, false },
	{ "grp4", 0, 0xfe, 0xfe, 0xff, ANY, 0, false },
	{ "grp5", 0, 0xff, 0xff, 0xd7, ANY, 0, false },
	{ "lldt/ltr", 1, 0x00, 0x00, 0x0c, ANY, 0, false },
	{ "clts", 1, 0x06, 0x06, 0, ANY, 0, false },
	{ "invd", 1, 0x08, 0x09, 0, ANY, 0, false },
	{ "prefetchw", 1, 0x0d, 0x0d, 0xff, ANY, 0, false },
	{ "nop m", 1, 0x18, 0x1d, 0xff, ANY, 0, false },
	{ "nop", 1, 0x1f, 0x1f, 0xff, ANY, 0, false },
	{ "mov cr/dr", 1, 0x20, 0x23, 0xff, ANY, 0, false },
	{ "wrmsr", 1, 0x30, 0x30, 0, ANY, 0, false },
	{ "rdmsr", 1, 0x32, 0x32, 0, ANY, 0, false },
	{ "cmov", 1, 0x40, 0x4f, 0xff, ANY, 0, false },
	{ "jcc far", 1, 0x80, 0x8f, 0, ANY, 0, false },
	{ "setcc", 1, 0x90, 0x9f, 0xff, ANY, 0, false },
	{ "push fs", 1, 0xa0, 0xa0, 0, ANY, 0, false },
	{ "push gs", 1, 0xa8, 0xa8, 0, ANY, 0, false },
	{ "bt", 1, 0xa3, 0xa3, 0xff, ANY, 0, false },
	{ "shld", 1, 0xa4, 0xa5, 0xff, ANY, 0, false },
	{ "bts", 1, 0xab, 0xab, 0xff, ANY, 0, false },
	{ "shrd", 1, 0xac, 0xad, 0xff, ANY, 0, false },
	{ "imul2", 1, 0xaf, 0xaf, 0xff, ANY, 0, false },
	{ "cmpxchg", 1, 0xb0, 0xb1, 0xff, ANY, 0, false },
	{ "btr", 1, 0xb3, 0xb3, 0xff, ANY, 0, false },
	{ "movzx", 1, 0xb6, 0xb7, 0xff, ANY, 0, false },
	{ "popcnt", 1, 0xb8, 0xb8, 0xff, ANY, 0xf3, false },
	{ "grp8", 1, 0xba, 0xba, 0xff, ANY, 0, false },
	{ "btc", 1, 0xbb, 0xbb, 0xff, ANY, 0, false },
	{ "bsf/bsr", 1, 0xbc, 0xbd, 0xff, ANY, 0, false },
	{ "movsx", 1, 0xbe, 0xbf, 0xff, ANY, 0, false },
	{ "xadd", 1, 0xc0, 0xc1, 0xff, ANY, 0, false },
	{ "movnti", 1, 0xc3, 0xc3, 0xff, ANY, 0, false },
	{ "cmpxchg8b", 1, 0xc7, 0xc7, 0x02, ANY, 0, false },
	{ "bswap", 1, 0xc8, 0xcf, 0, ANY, 0, false },
	{ "movbe", 2, 0xf0, 0xf1, 0xff, ANY, 1, false },
	{ "movbe16", 2, 0xf0, 0xf1, 0xff, ANY, 0x66, false },
	{ "movups", 1, 0x10, 0x11, 0xff, ANY, 0, true },
	{ "movlps", 1, 0x13, 0x13, 0xff, ANY, 1, true },
	{ "movlpd", 1, 0x12, 0x13, 0xff, ANY, 0x66, true },
	{ "movhpd", 1, 0x16, 0x17, 0xff, ANY, 0x66, true },
	{ "movhps", 1, 0x17, 0x17, 0xff, ANY, 1, true },
	{ "movaps", 1, 0x28, 0x29, 0xff, ANY, 1, true },
	{ "movapd", 1, 0x28, 0x29, 0xff, ANY, 0x66, true },
	{ "movntps", 1, 0x2b, 0x2b, 0xff, ANY, 1, true },
	{ "movntpd", 1, 0x2b, 0x2b, 0xff, ANY, 0x66, true },
	{ "movd", 1, 0x6e, 0x6e, 0xff, ANY, 0x66, true },
	{ "movdqa", 1, 0x6f, 0x6f, 0xff, ANY, 0x66, true },
	{ "movdqu", 1, 0x6f, 0x6f, 0xff, ANY, 0xf3, true },
	{ "movd", 1, 0x7e, 0x7e, 0xff, ANY, 0x66, true },
	{ "movq", 1, 0x7e, 0x7e, 0xff, ANY, 0xf3, true },
	{ "movdqa", 1, 0x7f, 0x7f, 0xff, ANY, 0x66, true },
	{ "movdqu", 1, 0x7f, 0x7f, 0xff, ANY, 0xf3, true },
	{ "movq", 1, 0xd6, 0xd6, 0xff, ANY, 0x66, true },
	{ "movntdq", 1, 0xe7, 0xe7, 0xff, ANY, 0x66, true },
	{ "lddqu", 1, 0xf0, 0xf0, 0xff, ANY, 0xf2, true },
	{ "movntdqa", 2, 0x2a, 0x2a, 0xff, ANY, 0x66, true },
};

struct test {
	const struct family *f;
	bool is_64;
	bool whole;		/* a REP string to its end, not one iteration */
	u8 insn[16];
	struct cpu_state before;
	u8 data[CPU_DATA_SIZE], stack[CPU_STACK_SIZE];
};

static struct cpu cpu;
static struct world world;
static u8 world_code[CPU_CODE_SIZE], world_data[CPU_DATA_SIZE], world_stack[CPU_STACK_SIZE];
static u8 world_const[CPU_CONST_SIZE];
static u64 seed;
static u64 id_flag;

static u64 rnd(void)
{
	u64 z = seed += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static unsigned int below(unsigned int n)
{
	return rnd() % n;
}

static bool one_in(unsigned int n)
{
	return !below(n);
}

/* Values around which things happen. */
static u64 interesting(void)
{
	static const u64 v[] = {
		0,
		1,
		2,
		3,
		7,
		8,
		9,
		15,
		16,
		17,
		31,
		32,
		33,
		63,
		64,
		65,
		0x7f,
		0x80,
		0x81,
		0xff,
		0x100,
		0x7fff,
		0x8000,
		0xffff,
		0x10000,
		0x7fffffff,
		0x80000000,
		0xffffffff,
		0x100000000,
		0x7fffffffffff,
		0x800000000000,
		0xffff800000000000,
		0x7fffffffffffffff,
		0x8000000000000000,
		0xfffffffffffffffe,
		0xffffffffffffffff,
	};

	return v[below(ARRAY_SIZE(v))];
}

/* Somewhere in the data, rarely near its end; sometimes aligned. */
static u64 data_pointer(void)
{
	u64 p = CPU_DATA;

	if (one_in(8))
		p = CPU_DATA + (one_in(2) ? 0 : CPU_DATA_SIZE) - 16 + below(32);
	else if (one_in(8))
		p = CPU_CONST + below(CPU_CONST_SIZE);
	else if (one_in(8))
		p = CPU_DATA + CPU_PAGE - 16 + below(32);
	else
		p += 64 + below(CPU_DATA_SIZE - 128);
	return one_in(2) ? p & ~15ull : p;
}

static u64 reg_value(void)
{
	switch (below(5)) {
	case 0:
		return interesting();
	case 1:
		return below(64) - 32ull;
	case 2:
		return one_in(2) ? rnd() : rnd() & 0xffffffff;
	}
	return data_pointer();
}

static void make_registers(struct test *t)
{
	struct cpu_state *s = &t->before;
	unsigned int i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < (t->is_64 ? 16 : 8); i++) {
		s->gpr[i] = reg_value();
		if (!t->is_64)
			s->gpr[i] = (u32)s->gpr[i];
	}
	s->gpr[EMUL_RSP] = CPU_STACK + 512 + below(CPU_STACK_SIZE - 1024);
	if (one_in(8))
		s->gpr[EMUL_RSP] &= ~7ull;
	if (one_in(32))
		s->gpr[EMUL_RSP] = one_in(2) ? CPU_STACK + below(40) :
			CPU_STACK + CPU_STACK_SIZE - below(40);
	if (!one_in(4))
		s->gpr[EMUL_RBP] = CPU_STACK + 512 + below(CPU_STACK_SIZE - 1024);
	if (one_in(3))
		s->gpr[EMUL_RCX] = below(one_in(4) ? 600 : 40);
	if (one_in(3)) {	/* a cmpxchg8b that succeeds, a division that fits */
		s->gpr[EMUL_RDX] = one_in(2) ? 0 : below(16);
		s->gpr[EMUL_RAX] = rnd() & (t->is_64 ? ~0ull : 0xffffffff);
	}
	s->rflags = 0x202 | id_flag | (rnd() & (FLAGS_ALL | 0x400));
	if (one_in(8))
		s->rflags |= FLAG_NT & ~cpu.lost_flags;
	s->cs = t->is_64 ? CPU_CS64 : CPU_CS32;
	s->ss = s->ds = s->es = CPU_SS;
	s->fs_base = t->is_64 ? 0x40 : 0;
	s->gs_base = t->is_64 ? 0x3f0 : 0;	/* ptrace takes no negative ones */
	s->use_vec = t->f->vec;
	for (i = 0; i < sizeof(s->xmm); i++)
		((u8 *)s->xmm)[i] = rnd();
}

static void make_memory(struct test *t)
{
	u64 val;
	unsigned int i;

	for (i = 0; i < sizeof(t->data); i += 8) {
		val = rnd();
		memcpy(t->data + i, &val, 8);
	}
	for (i = 0; i < sizeof(t->stack); i += 8) {
		val = one_in(2) ? CPU_CODE + below(4096) : one_in(2) ? data_pointer() : rnd();
		memcpy(t->stack + i, &val, 8);
	}
	/* Sometimes the compared values are there. */
	if (one_in(4)) {
		for (i = 0; i < sizeof(t->data); i += 16) {
			memcpy(t->data + i, &t->before.gpr[EMUL_RAX], 8);
			memcpy(t->data + i + 8, &t->before.gpr[EMUL_RDX], 8);
		}
	}
}

static unsigned int make_prefixes(struct test *t, u8 *p)
{
	unsigned int n = 0;

	if (one_in(16))
		p[n++] = 0xf0;
	if (one_in(6))
		p[n++] = t->is_64 ? (one_in(2) ? 0x64 : 0x65) : 0x3e;
	if (t->is_64 && one_in(16))
		p[n++] = one_in(2) ? 0x2e : 0x36;
	if (one_in(8))
		p[n++] = 0x67;
	if (t->f->prefix) {
		if (t->f->prefix > 2)
			p[n++] = t->f->prefix;
		else if (t->f->prefix == 2 && one_in(5))
			p[n++] = 0x66;
	} else {
		if (one_in(5))
			p[n++] = 0x66;
		if (one_in(8))
			p[n++] = one_in(2) ? 0xf2 : 0xf3;
	}
	if (t->is_64 && one_in(2))
		p[n++] = 0x40 | below(16);
	return n;
}

/* Displacements near zero, or, relative to RIP, in the data. */
static void make_displacement(struct test *t, u8 *modrm, unsigned int at)
{
	u8 rm = modrm[0] & 7, mod = modrm[0] >> 6;
	u8 *disp = modrm + 1;
	s32 val = below(256) - 128;

	if (mod == 3)
		return;
	if (rm == 4) {
		rm = *disp & 7;
		disp++;
	}
	if (mod == 0 && rm == 5) {
		val = data_pointer();
		if (disp == modrm + 1 && t->is_64)
			val -= CPU_CODE + at + 5;
	}
	memcpy(disp, &val, 4);
}

static void make_instruction(struct test *t)
{
	const struct family *f = t->f;
	unsigned int n, i;
	u64 addr;
	u8 reg;

	for (i = 0; i < sizeof(t->insn); i++)
		t->insn[i] = rnd();
	n = make_prefixes(t, t->insn);
	if (f->map)
		t->insn[n++] = 0x0f;
	if (f->map == 2)
		t->insn[n++] = 0x38;
	t->insn[n] = f->first + below(f->last - f->first + 1);
	if (f->map == 0 && (t->insn[n] & 0xfc) == 0xa0) {
		addr = data_pointer();
		memcpy(t->insn + n + 1, &addr, 8);
	}
	if (f->map == 0 && t->insn[n] == 0xc8)	/* ENTER: stay on the stack, mostly */
		t->insn[n + 3] &= one_in(4) ? 31 : 3;
	n++;
	if (!f->regs)
		return;
	do
		reg = below(8);
	while (!(f->regs >> reg & 1));
	t->insn[n] = (t->insn[n] & 0xc7) | reg << 3;
	make_displacement(t, t->insn + n, n);
}

static void load_world(const struct test *t)
{
	const struct cpu_state *s = &t->before;
	unsigned int i;

	world_init(&world, t->is_64 ? EMUL_MODE_PROT64 : EMUL_MODE_PROT32);
	world_map(&world, CPU_CODE, CPU_CODE_SIZE, world_code, false);
	world_map(&world, CPU_DATA, CPU_DATA_SIZE, world_data, true);
	world_map(&world, CPU_STACK, CPU_STACK_SIZE, world_stack, true);
	world_map(&world, CPU_CONST, CPU_CONST_SIZE, world_const, false);
	memcpy(world_code, t->insn, sizeof(t->insn));
	memcpy(world_data, t->data, sizeof(t->data));
	memcpy(world_stack, t->stack, sizeof(t->stack));
	world.c.vendor = cpu_is_amd() ? EMUL_VENDOR_AMD : EMUL_VENDOR_INTEL;
	world.c.cpl = 3;
	world.c.lma = true;
	memcpy(world.c.gpr, s->gpr, sizeof(s->gpr));
	world.c.rip = s->rip;
	world.c.rflags = s->rflags;
	if (!t->whole)
		world.c.rflags |= 0x100;	/* the CPU is single-stepping */
	world.seg[EMUL_SEG_CS].selector = s->cs;
	world.seg[EMUL_SEG_SS].selector = s->ss;
	world.seg[EMUL_SEG_DS].selector = s->ds;
	world.seg[EMUL_SEG_ES].selector = s->es;
	world.seg[EMUL_SEG_FS].selector = world.seg[EMUL_SEG_GS].selector = 0;
	world.seg[EMUL_SEG_FS].base = s->fs_base;
	world.seg[EMUL_SEG_GS].base = s->gs_base;
	world.seg[EMUL_SEG_TR].unusable = 1;	/* no ports */
	for (i = EMUL_SEG_ES; i <= EMUL_SEG_GS; i++)
		world.seg[i].dpl = 3;
	for (i = 0; i < 16; i++)
		memcpy(world.vec[i], s->xmm[i], 16);
}

static bool is_shift(const struct emul_insn *i)
{
	return i->map == 0 && ((i->opcode & 0xfe) == 0xc0 || (i->opcode & 0xfc) == 0xd0);
}

/* Flags of shifts and rotates depend on the count. */
static u32 undefined_shift_flags(const struct emul_insn *i, u64 rcx)
{
	unsigned int size = i->opcode & 1 ? i->opsize : 1, op = i->modrm >> 3 & 7;
	unsigned int count = (i->opcode & 0xfe) == 0xc0 ? i->imm : i->opcode & 2 ? rcx : 1;
	u32 mask = 0;

	count &= size == 8 ? 63 : 31;
	if (!count)
		return 0;
	if (count != 1)
		mask |= FLAG_OF;
	if (op >= 4)
		mask |= FLAG_AF;
	if (op >= 4 && op != 7 && count >= size * 8)
		mask |= FLAG_CF;
	return mask;
}

static u32 undefined_double_shift_flags(const struct emul_insn *i, u64 rcx)
{
	unsigned int count = (i->opcode & 1 ? rcx : i->imm) & (i->opsize == 8 ? 63 : 31);

	if (!count)
		return 0;
	return count > i->opsize * 8u ? FLAGS_ALL : count > 1 ? FLAG_AF | FLAG_OF : FLAG_AF;
}

static u32 undefined_one_byte(const struct emul_insn *i)
{
	switch (i->opcode) {
	case 0x08 ... 0x0d: case 0x20 ... 0x25: case 0x30 ... 0x35: case 0x84: case 0x85:
	case 0xa8: case 0xa9:
		return FLAG_AF;
	case 0x80 ... 0x83:
		return 1 << (i->modrm >> 3 & 7) & 0x52 ? FLAG_AF : 0;
	case 0x27: case 0x2f:
		return FLAG_OF;
	case 0x37: case 0x3f:
		return FLAG_OF | FLAG_SF | FLAG_ZF | FLAG_PF;
	case 0xd4: case 0xd5:
		return FLAG_OF | FLAG_AF | FLAG_CF;
	case 0x69: case 0x6b:
		return FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF;
	case 0xf6: case 0xf7:
		switch (i->modrm >> 3 & 7) {
		case 0: case 1:
			return FLAG_AF;
		case 4: case 5:
			return FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF;
		case 6: case 7:
			return FLAGS_ALL;
		}
	}
	return 0;
}

/* Flags that the manuals leave undefined after this instruction. */
static u32 undefined_flags(const struct emul_insn *i, u64 rcx)
{
	if (is_shift(i))
		return undefined_shift_flags(i, rcx);
	if (i->map == 0)
		return undefined_one_byte(i);
	if (i->map != 1)
		return 0;
	switch (i->opcode) {
	case 0xa4: case 0xa5: case 0xac: case 0xad:
		return undefined_double_shift_flags(i, rcx);
	case 0xaf:
		return FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF;
	case 0xa3: case 0xab: case 0xb3: case 0xbb: case 0xba:
		return FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF;
	case 0xbc: case 0xbd:
		return (i->rep == 0xf3 ? 0 : FLAG_CF) | FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF;
	}
	return 0;
}

/* Results that the manuals leave undefined: BSWAP of 16 bits, SHLD of 16 bits by more than 16. */
static bool undefined_result(const struct emul_insn *i, u64 rcx)
{
	if (i->map != 1 || i->opsize != 2)
		return false;
	if ((i->opcode & 0xf8) == 0xc8)
		return true;
	if ((i->opcode & 0xf6) != 0xa4)
		return false;
	return ((i->opcode & 1 ? rcx : i->imm) & 31) > 16;
}

/* One that faults may have loaded some registers. */
static bool is_popa(const struct emul_insn *i)
{
	return i->map == 0 && i->opcode == 0x61;
}

static int signal_of(u8 vector, int *code)
{
	*code = 0x80;	/* SI_KERNEL */
	switch (vector) {
	case 0:
		*code = FPE_INTDIV;
		return SIGFPE;
	case 6:
		*code = ILL_ILLOPN;
		return SIGILL;
	case 12:
		return SIGBUS;
	case 14:
		*code = 0;
		return SIGSEGV;
	case 17:
		*code = BUS_ADRALN;
		return SIGBUS;
	}
	return SIGSEGV;
}

/* A call to a non-canonical address with no stack to push to: which fault comes first differs. */
static bool either_fault(const struct emul_insn *i, const struct cpu_fault *fault)
{
	bool call = i->map == 0 && (i->opcode == 0xe8 || (i->opcode == 0xff && (i->reg & 7) == 2));

	return call && world.c.exc.vector == 13 && fault->sig == SIGSEGV &&
	       fault->addr - (CPU_STACK - 16) < CPU_STACK_SIZE + 32;
}

/* Is it what an access at @addr would do? */
static bool faults_at(const struct emul_insn *i, u64 addr, const struct cpu_fault *fault)
{
	if (i->addrsize != 8)
		addr &= i->addrsize == 4 ? 0xffffffff : 0xffff;
	if (fault->sig != SIGSEGV)
		return false;
	if (fault->code == SI_KERNEL)	/* not canonical, its first byte or a later one */
		return (s64)(addr << 16) >> 16 != (s64)addr || (addr & 0xfff) > 0xff8;
	return fault->addr - addr < 8;
}

/* CMPS reads two operands, in which order isn't said: either may be missed first. */
static bool either_operand(const struct emul_insn *i, const struct cpu_fault *fault)
{
	return i->map == 0 && (i->opcode & 0xfe) == 0xa6 &&
	       (world.c.exc.vector == 13 || world.c.exc.vector == 14) &&
	       faults_at(i, world.c.gpr[EMUL_RDI], fault);
}

/* Compare how it ended. Return: NULL, or what differs. */
static const char *compare_fault(enum emul_result res, const struct cpu_fault *fault)
{
	const struct emul_exception *exc = &world.c.exc;
	int sig, code;

	if (res == EMUL_UNHANDLEABLE)
		return "unhandleable";
	if (res == EMUL_OK || res == EMUL_RESTART)
		return fault->sig ? "the CPU faults" : NULL;
	sig = signal_of(exc->vector, &code);
	if (!fault->sig)
		return "the CPU doesn't fault";
	if (either_fault(&world.c.insn, fault) || either_operand(&world.c.insn, fault))
		return NULL;
	if (fault->sig != sig)
		return "another exception";
	if (exc->vector == 14)
		return fault->addr != exc->address || fault->code == 0x80 ? "fault address" : NULL;
	return fault->code != code ? "another exception" : NULL;
}

static const char *compare_state(const struct test *t, const struct cpu_state *s, bool faulted)
{
	const struct emul_insn *i = &world.c.insn;
	u64 rcx = t->before.gpr[EMUL_RCX];
	u64 flags = ~(FLAGS_DEBUG | cpu.lost_flags);
	unsigned int k;

	if (world.c.rip != s->rip)
		return "rip";
	if (!faulted)
		flags &= ~(u64)undefined_flags(i, rcx);
	if ((world.c.rflags ^ s->rflags) & flags)
		return "rflags";
	if (faulted ? is_popa(i) : undefined_result(i, rcx))
		return NULL;
	if (memcmp(world.c.gpr, s->gpr, sizeof(s->gpr)))
		return "registers";
	for (k = 0; t->f->vec && k < 16; k++)
		if (memcmp(world.vec[k], s->xmm[k], 16))
			return "vector registers";
	if (memcmp(world_data, cpu.data, CPU_DATA_SIZE))
		return "data";
	if (memcmp(world_stack, cpu.stack, CPU_STACK_SIZE))
		return "stack";
	return NULL;
}

static void dump(const char *name, const u64 *gpr, u64 rip, u64 rflags, const u64 *ref)
{
	static const char *const reg[] = {
		"ax", "cx", "dx", "bx", "sp", "bp", "si", "di",
		"8", "9", "10", "11", "12", "13", "14", "15"
	};
	unsigned int i;

	printf("#   %s: rip %llx flags %llx", name, rip, rflags);
	for (i = 0; i < 16; i++)
		if (!ref || gpr[i] != ref[i])
			printf(" r%s %llx", reg[i], gpr[i]);
	printf("\n");
}

static void dump_memory(const char *name, const u8 *a, const u8 *b, const u8 *before,
			unsigned int n)
{
	unsigned int i, shown = 0;

	for (i = 0; i < n && shown < 16; i++) {
		if (a[i] != b[i]) {
			printf("#   %s+%x: was %02x, CPU %02x, emulator %02x\n", name, i,
			       before[i], b[i], a[i]);
			shown++;
		}
	}
}

static void report(const struct test *t, const char *what, enum emul_result res,
		   const struct cpu_state *s, const struct cpu_fault *fault)
{
	unsigned int i, len = world.c.insn.len;

	printf("# %s, %d bits: %s; ", t->f->name, t->is_64 ? 64 : 32, what);
	for (i = 0; i < (len ? len : 15); i++)
		printf("%02x ", t->insn[i]);
	printf("\n#   emulator: result %d vector %u address %llx; "
	       "CPU: signal %d code %x address %llx\n",
	       res, world.c.exc.vector, world.c.exc.address, fault->sig, fault->code, fault->addr);
	dump("before", t->before.gpr, t->before.rip, t->before.rflags, NULL);
	dump("CPU", s->gpr, s->rip, s->rflags, t->before.gpr);
	dump("emulator", world.c.gpr, world.c.rip, world.c.rflags, t->before.gpr);
	dump_memory("data", world_data, cpu.data, t->data, CPU_DATA_SIZE);
	dump_memory("stack", world_stack, cpu.stack, t->stack, CPU_STACK_SIZE);
}

/* Return: NULL if the emulator and the CPU agree. */
static const char *run_test(struct test *t, struct cpu_state *s, struct cpu_fault *fault,
			    enum emul_result *res)
{
	const char *what;

	*s = t->before;
	memcpy(cpu.code, t->insn, sizeof(t->insn));
	memcpy(cpu.data, t->data, sizeof(t->data));
	memcpy(cpu.stack, t->stack, sizeof(t->stack));
	load_world(t);
	*res = t->whole ? world_run_insn(&world) : world_step(&world);
	do {
		if (!cpu_step(&cpu, s, fault)) {
			id_flag = 0;
			return "the child died";
		}
	} while (t->whole && !fault->sig && s->rip == t->before.rip);
	id_flag = s->rflags & FLAG_ID;
	what = compare_fault(*res, fault);
	return what ? what : compare_state(t, s, fault->sig != 0);
}

static bool is_string(const struct family *f)
{
	return f->map == 0 && (f->first == 0xa4 || f->first == 0xaa);
}

static bool run_family(const struct family *f, unsigned int n, bool is_64)
{
	static struct test t;
	struct cpu_fault fault;
	struct cpu_state s;
	unsigned int i, bad = 0, faults = 0;
	enum emul_result res;
	const char *what;

	t.f = f;
	t.is_64 = is_64;
	for (i = 0; i < n && bad < 3; i++) {
		make_registers(&t);
		t.before.rip = CPU_CODE;
		make_instruction(&t);
		t.whole = is_string(f) && t.before.gpr[EMUL_RCX] < 700 && one_in(4);
		if (i % 8 == 0)
			make_memory(&t);
		what = run_test(&t, &s, &fault, &res);
		faults += fault.sig != 0;
		if (what) {
			report(&t, what, res, &s, &fault);
			bad++;
		}
	}
	return tap_ok(!bad, "%s, %d-bit: %u runs, %u faults%s", f->name, is_64 ? 64 : 32, i, faults,
		      bad ? ", expected the CPU's results, saw the differences above" : "");
}

/* DAA, DAS, AAA, AAS of every AL, CF and AF. */
static void run_decimal(void)
{
	static const struct family f = { "decimal", 0, 0x27, 0x3f, 0, M32, 1, false };
	static const u8 opcode[] = { 0x27, 0x2f, 0x37, 0x3f };
	static struct test t = { .f = &f };
	unsigned int i, bad = 0;
	struct cpu_fault fault;
	enum emul_result res;
	struct cpu_state s;
	const char *what;

	for (i = 0; i < 4 * 1024 && bad < 3; i++) {
		make_registers(&t);
		t.before.rip = CPU_CODE;
		t.insn[0] = opcode[i >> 10];
		t.before.gpr[EMUL_RAX] = (rnd() & 0xffffff00) | (i & 0xff);
		t.before.rflags &= ~(u64)(FLAG_CF | FLAG_AF);
		t.before.rflags |= (i & 0x100 ? FLAG_CF : 0) | (i & 0x200 ? FLAG_AF : 0);
		what = run_test(&t, &s, &fault, &res);
		if (what) {
			report(&t, what, res, &s, &fault);
			bad++;
		}
	}
	tap_ok(!bad, "decimal adjustments, all: %u runs", i);
}

int main(int argc, char **argv)
{
	unsigned long total = argc > 1 ? strtoul(argv[1], NULL, 0) : 200000;
	unsigned int i, weight = 0, n;

	seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (u64)time(NULL);
	tap_diag("%lu instructions, seed %llu", total, seed);
	if (!cpu_start(&cpu)) {
		tap_skip("this machine's CPU can't be asked: %s", cpu.why_not);
		return tap_done();
	}
	for (i = 0; i < ARRAY_SIZE(families); i++)
		weight += families[i].modes == ANY ? 2 : 1;
	n = total / weight + 1;
	for (i = 0; i < ARRAY_SIZE(families); i++) {
		if (families[i].modes & M64)
			run_family(&families[i], n, true);
		if (families[i].modes & M32)
			run_family(&families[i], n, false);
	}
	run_decimal();
	cpu_stop(&cpu);
	return tap_done();
}
