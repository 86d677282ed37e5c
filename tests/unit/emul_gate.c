// SPDX-License-Identifier: GPL-2.0-only
/*
 * Protected-mode control transfers, by the manual's pseudo code: events through the IDT, IRET, far
 * CALL, JMP and RET through gates and between privilege levels. Intel SDM vol. 2, "INT n", "IRET",
 * "CALL", "JMP", "RET"; vol. 3, 5.8, 6.12 to 6.14, 20.3.
 */
#include <string.h>

#include "emul_world.h"
#include "tap.h"

#define RAM_SIZE	0x20000u
#define CODE		0x1000u
#define GDT		0x2000u
#define IDT		0x3000u
#define KSTACK		0x7000u		/* of level 0 */
#define STACK		0x8000u
#define TSS		0x9000u
#define VECTOR		0x20
#define GATE_AT		(IDT + 8 * VECTOR)
#define LONG_GATE_AT	(IDT + 16 * VECTOR)

/* A segment descriptor; a gate: of 16 bytes its lower half. */
#define DESC(base, limit, access, flags)						\
	(((limit) & 0xffffull) | ((base) & 0xffffffull) << 16 | (u64)(access) << 40 |	\
	 (u64)((limit) >> 16 & 15) << 48 | (u64)(flags) << 52 | (u64)((base) >> 24) << 56)
#define GATE(selector, offset, access, count)						\
	(((offset) & 0xffffull) | (u64)(selector) << 16 | (u64)(count) << 32 |		\
	 (u64)(access) << 40 | (u64)((offset) >> 16) << 48)

/* The GDT. Selectors of level 3 are used with RPL 3. */
enum {
	CODE0 = 0x08, DATA0 = 0x10, CODE3 = 0x18, DATA3 = 0x20, CONFORMING = 0x28, CODE16 = 0x30,
	DATA16 = 0x38, TSS32 = 0x40, TSS16 = 0x48, CODE_ABSENT = 0x50, DATA_RO = 0x58,
	DATA_ABSENT = 0x60, CODE_SMALL = 0x68, CODE64 = 0x70, CODE64_3 = 0x78, DATA_SMALL = 0x80,
	CODE1 = 0x88, DATA1 = 0x90, CALL_GATE = 0xa0, GDT_END = 0xc0,
};

static const struct {
	u16 selector;
	u64 desc;
} gdt[] = {
	{ CODE0, DESC(0, 0xfffff, 0x9b, 0xc) },
	{ DATA0, DESC(0, 0xfffff, 0x93, 0xc) },
	{ CODE3, DESC(0, 0xfffff, 0xfb, 0xc) },
	{ DATA3, DESC(0, 0xfffff, 0xf3, 0xc) },
	{ CONFORMING, DESC(0, 0xfffff, 0x9f, 0xc) },
	{ CODE16, DESC(0, 0xffff, 0x9a, 0) },
	{ DATA16, DESC(0, 0xffff, 0x92, 0) },
	{ TSS32, DESC(TSS, 0x67, 0x8b, 0) },
	{ TSS16, DESC(TSS, 0x2b, 0x83, 0) },
	{ CODE_ABSENT, DESC(0, 0xfffff, 0x1b, 0xc) },
	{ DATA_RO, DESC(0, 0xfffff, 0x91, 0xc) },
	{ DATA_ABSENT, DESC(0, 0xfffff, 0x13, 0xc) },
	{ CODE_SMALL, DESC(0, 0xfff, 0x9b, 0x4) },
	{ CODE64, DESC(0, 0, 0x9b, 0x2) },
	{ CODE64_3, DESC(0, 0, 0xfb, 0x2) },
	{ DATA_SMALL, DESC(0, 0x6ff0 + 7, 0x93, 0x4) },
	{ CODE1, DESC(0, 0xfffff, 0xbb, 0xc) },
	{ DATA1, DESC(0, 0xfffff, 0xb3, 0xc) },
};

/* Where a row begins. */
enum start { P0, P3, P3_TSS16, S16, VM86, L0, L3, COMPAT0, COMPAT3, REAL };

struct row {
	const char *name;
	enum start start;
	char insn[8];		/* or, if none, the event VECTOR is delivered */
	bool soft;
	bool has_error;
	u64 flags;		/* of RFLAGS, besides bit 1 and VM */
	u64 cr4;
	u64 sp;			/* if not STACK */
	struct {
		u32 addr;
		u8 n;
		u64 val;
	} poke[6];
	/* expected */
	u8 exc;
	u32 code;
	u16 cs, ss;
	u64 rip, rsp, rflags;
	u8 width;		/* of what is at the new top of the stack: */
	u8 count;
	u64 frame[12];
};

#define ERROR_CODE 0xabcdu

static struct world w;
static u8 ram[RAM_SIZE];

static void poke(unsigned int addr, u64 val, unsigned int n)
{
	memcpy(ram + addr, &val, n);
}

static void set_seg(enum emul_seg nr, u16 selector)
{
	struct emul_segment *s = &w.seg[nr];
	u64 d;

	memcpy(&d, ram + GDT + (selector & ~7u), 8);
	*s = (struct emul_segment) {
		.base = (d >> 16 & 0xffffff) | (d >> 56) << 24,
		.limit = (d & 0xffff) | (d >> 32 & 0xf0000), .selector = selector,
		.type = d >> 40 & 15, .s = d >> 44 & 1, .dpl = d >> 45 & 3, .present = d >> 47 & 1,
		.l = d >> 53 & 1, .db = d >> 54 & 1, .g = d >> 55 & 1,
	};
	if (s->g)
		s->limit = s->limit << 12 | 0xfff;
}

static void start_segments(u16 cs, u16 data, u8 cpl)
{
	static const u8 regs[] = {
		EMUL_SEG_ES, EMUL_SEG_SS, EMUL_SEG_DS, EMUL_SEG_FS, EMUL_SEG_GS,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(regs); i++)
		set_seg(regs[i], data | cpl);
	set_seg(EMUL_SEG_CS, cs | cpl);
	w.c.cpl = cpl;
}

static void start_mode(enum start start)
{
	static const struct {
		enum emul_mode mode;
		u16 cs, data;
		u8 cpl;
		bool lma;
	} t[] = {
		[P0] = { EMUL_MODE_PROT32, CODE0, DATA0, 0, false },
		[P3] = { EMUL_MODE_PROT32, CODE3, DATA3, 3, false },
		[P3_TSS16] = { EMUL_MODE_PROT32, CODE3, DATA3, 3, false },
		[S16] = { EMUL_MODE_PROT16, CODE16, DATA16, 0, false },
		[VM86] = { EMUL_MODE_VM86, 0, 0, 3, false },
		[L0] = { EMUL_MODE_PROT64, CODE64, DATA0, 0, true },
		[L3] = { EMUL_MODE_PROT64, CODE64_3, DATA3, 3, true },
		[COMPAT0] = { EMUL_MODE_PROT32, CODE0, DATA0, 0, true },
		[COMPAT3] = { EMUL_MODE_PROT32, CODE3, DATA3, 3, true },
		[REAL] = { EMUL_MODE_REAL, 0, 0, 0, false },
	};

	world_init(&w, t[start].mode);
	w.c.lma = t[start].lma;
	if (t[start].cs)
		start_segments(t[start].cs, t[start].data, t[start].cpl);
	set_seg(EMUL_SEG_TR, start == P3_TSS16 ? TSS16 : TSS32);
	if (start == VM86) {
		world_real_segment(&w, EMUL_SEG_ES, 0x111);
		world_real_segment(&w, EMUL_SEG_DS, 0x222);
		world_real_segment(&w, EMUL_SEG_FS, 0x333);
		world_real_segment(&w, EMUL_SEG_GS, 0x444);
	}
}

static void fill_memory(enum start start)
{
	unsigned int i;

	memset(ram, 0, sizeof(ram));
	for (i = 0; i < ARRAY_SIZE(gdt); i++)
		poke(GDT + gdt[i].selector, gdt[i].desc, 8);
	if (start == REAL)
		return;
	if (start == L0 || start == L3 || start == COMPAT0 || start == COMPAT3) {
		poke(TSS + 4, KSTACK + 8, 8);		/* to be aligned */
		poke(TSS + 0x24, KSTACK - 0xff4, 8);	/* IST1 */
		poke(LONG_GATE_AT, GATE(CODE64, 0x4000, 0x8e, 0), 8);
		poke(LONG_GATE_AT + 8, 0x12, 4);
		return;
	}
	if (start == P3_TSS16) {
		poke(TSS + 2, KSTACK, 2);
		poke(TSS + 4, DATA0, 2);
	} else {
		poke(TSS + 4, KSTACK, 4);
		poke(TSS + 8, DATA0, 2);
		poke(TSS + 0xc, KSTACK - 0x800, 4);
		poke(TSS + 0x10, DATA1 | 1, 2);
	}
	poke(GATE_AT, GATE(CODE0, 0x4000, 0x8e, 0), 8);
}

static void begin_row(const struct row *r)
{
	unsigned int i;

	fill_memory(r->start);
	for (i = 0; i < ARRAY_SIZE(r->poke); i++)
		poke(r->poke[i].addr, r->poke[i].val, r->poke[i].n);
	start_mode(r->start);
	world_map(&w, 0, RAM_SIZE, ram, true);
	w.table_base[EMUL_GDT] = GDT;
	w.table_limit[EMUL_GDT] = GDT_END - 1;
	w.table_base[EMUL_IDT] = IDT;
	w.table_limit[EMUL_IDT] = 0x3ff;
	if (r->start == REAL)
		w.table_base[EMUL_IDT] = 0;
	w.c.rip = CODE;
	w.c.rflags |= r->flags;
	w.cr[4] |= r->cr4;
	w.c.gpr[EMUL_RSP] = r->sp ?: STACK;
	memcpy(ram + CODE, r->insn, sizeof(r->insn));
}

/* Return: entries of the frame that are right. */
static unsigned int right_words(const struct row *r, u64 *seen)
{
	u64 at = w.c.gpr[EMUL_RSP], val;
	unsigned int i;

	if (w.c.mode != EMUL_MODE_PROT64 && !w.c.lma)
		at += w.seg[EMUL_SEG_SS].base;
	for (i = 0; i < r->count; i++, at += r->width) {
		val = 0;
		if (at + r->width <= RAM_SIZE)
			memcpy(&val, ram + at, r->width);
		*seen = val;
		if (val != r->frame[i])
			break;
	}
	return i;
}

static void check_success(const struct row *r, enum emul_result res)
{
	u64 seen = 0;
	unsigned int right = right_words(r, &seen);

	tap_ok(res == EMUL_OK && w.seg[EMUL_SEG_CS].selector == r->cs && w.c.rip == r->rip &&
	       w.seg[EMUL_SEG_SS].selector == r->ss && w.c.gpr[EMUL_RSP] == r->rsp &&
	       w.c.rflags == r->rflags && right == r->count,
	       "%s: expected %x:%llx, stack %x:%llx, flags %llx, %u words (next %llx); saw result "
	       "%d (exception %u, %x), %x:%llx, stack %x:%llx, flags %llx, %u words (next %llx)",
	       r->name, r->cs, r->rip, r->ss, r->rsp, r->rflags, r->count,
	       right < r->count ? r->frame[right] : 0, res, w.c.exc.vector, w.c.exc.error_code,
	       w.seg[EMUL_SEG_CS].selector, w.c.rip, w.seg[EMUL_SEG_SS].selector,
	       w.c.gpr[EMUL_RSP], w.c.rflags, right, seen);
}

/* Nothing that the guest could see has changed. */
static void check_fault(const struct row *r, enum emul_result res, const struct emul_segment *segs,
			u64 rflags)
{
	tap_ok(res == EMUL_EXCEPTION && w.c.exc.vector == r->exc && w.c.exc.error_code == r->code &&
	       w.c.rip == CODE && w.c.rflags == rflags && w.c.gpr[EMUL_RSP] == (r->sp ?: STACK) &&
	       !memcmp(segs, w.seg, sizeof(w.seg)),
	       "%s: expected exception %u (%x) and all else as before, saw result %d, %u (%x), rip "
	       "%llx, flags %llx, rsp %llx", r->name, r->exc, r->code, res, w.c.exc.vector,
	       w.c.exc.error_code, w.c.rip, w.c.rflags, w.c.gpr[EMUL_RSP]);
}

static void run_row(const struct row *r)
{
	struct emul_segment segs[8];
	enum emul_result res;
	u64 rflags;

	begin_row(r);
	rflags = w.c.rflags;
	memcpy(segs, w.seg, sizeof(segs));
	if (r->insn[0])
		res = world_step(&w);
	else
		res = emul_deliver(&w.c, VECTOR, r->soft, r->has_error,
				   r->has_error ? ERROR_CODE : 0);
	if (r->exc)
		check_fault(r, res, segs, rflags);
	else
		check_success(r, res);
	tap_ok(w.c.ext == 0, "%s: no EXT bit is left for the next instruction, saw %u", r->name,
	       w.c.ext);
}

#define IF	0x200u
#define TF	0x100u
#define NT	0x4000u
#define RF	0x10000u
#define AC	0x40000u
#define VM	0x20000u
#define VIF	0x80000u
#define VIP	0x100000u
#define IOPL3	0x3000u
#define VME	1u
#define FRAME(w, ...)									\
	.width = w, .frame = { __VA_ARGS__ },						\
	.count = sizeof((u64[]){ __VA_ARGS__ }) / sizeof(u64)
/* The gate of the event. */
#define IDT_GATE(selector, access)	{ GATE_AT, 8, GATE(selector, 0x4000u, access, 0) }
#define LONG_GATE(selector, access, ist) \
	{ LONG_GATE_AT, 8, GATE(selector, 0x4000u, access, ist) }
#define GP_IDT	(VECTOR * 8 + 2)

static const struct row events[] = {
	/* --- protected mode, same level --- */
	{ .name = "interrupt gate", .start = P0, .flags = IF | TF | NT | AC,
	  .cs = CODE0, .rip = 0x4000, .ss = DATA0, .rsp = STACK - 12, .rflags = 2 | AC,
	  FRAME(4, CODE, CODE0, 2 | IF | TF | NT | AC) },
	{ .name = "trap gate leaves IF", .start = P0, .flags = IF, .poke = { IDT_GATE(CODE0, 0x8f) },
	  .cs = CODE0, .rip = 0x4000, .ss = DATA0, .rsp = STACK - 12, .rflags = 2 | IF,
	  FRAME(4, CODE, CODE0, 2 | IF) },
	{ .name = "error code", .start = P0, .has_error = true, .flags = RF,
	  .cs = CODE0, .rip = 0x4000, .ss = DATA0, .rsp = STACK - 16, .rflags = 2,
	  FRAME(4, ERROR_CODE, CODE, CODE0, 2 | RF) },
	{ .name = "16-bit gate", .start = P0, .has_error = true, .flags = IF,
	  .poke = { { GATE_AT, 8, GATE(CODE0, 0x14000u, 0x86, 0) } },
	  .cs = CODE0, .rip = 0x4000, .ss = DATA0, .rsp = STACK - 8, .rflags = 2,
	  FRAME(2, ERROR_CODE, CODE, CODE0, 2 | IF) },
	{ .name = "16-bit trap gate", .start = P0, .flags = IF, .poke = { IDT_GATE(CODE0, 0x87) },
	  .cs = CODE0, .rip = 0x4000, .ss = DATA0, .rsp = STACK - 6, .rflags = 2 | IF,
	  FRAME(2, CODE, CODE0, 2 | IF) },
	{ .name = "16-bit stack", .start = S16, .sp = 0x12340000 | 8,
	  .cs = CODE0, .rip = 0x4000, .ss = DATA16, .rsp = 0x12340000 | 0xfffc, .rflags = 2,
	  .exc = 0 },
	{ .name = "offset of 32 bits", .start = P0,
	  .poke = { { GATE_AT, 8, GATE(CODE0, 0x12345678u, 0x8e, 0) } },
	  .cs = CODE0, .rip = 0x12345678, .ss = DATA0, .rsp = STACK - 12, .rflags = 2 },
	{ .name = "gate's RPL is ignored", .start = P0, .poke = { IDT_GATE(CODE0 | 3, 0x8e) },
	  .cs = CODE0, .rip = 0x4000, .ss = DATA0, .rsp = STACK - 12, .rflags = 2 },
	{ .name = "conforming from level 3", .start = P3, .poke = { IDT_GATE(CONFORMING, 0x8e) },
	  .cs = CONFORMING | 3, .rip = 0x4000, .ss = DATA3 | 3, .rsp = STACK - 12, .rflags = 2,
	  FRAME(4, CODE, CODE3 | 3, 2) },
	/* --- inner level --- */
	{ .name = "level 3 to 0", .start = P3, .flags = IF, .has_error = true,
	  .cs = CODE0, .rip = 0x4000, .ss = DATA0, .rsp = KSTACK - 24, .rflags = 2,
	  FRAME(4, ERROR_CODE, CODE, CODE3 | 3, 2 | IF, STACK, DATA3 | 3) },
	{ .name = "level 3 to 1", .start = P3, .poke = { IDT_GATE(CODE1, 0x8f) },
	  .cs = CODE1 | 1, .rip = 0x4000, .ss = DATA1 | 1, .rsp = KSTACK - 0x800 - 20, .rflags = 2,
	  FRAME(4, CODE, CODE3 | 3, 2, STACK, DATA3 | 3) },
	{ .name = "16-bit TSS", .start = P3_TSS16,
	  .cs = CODE0, .rip = 0x4000, .ss = DATA0, .rsp = KSTACK - 20, .rflags = 2,
	  FRAME(4, CODE, CODE3 | 3, 2, STACK, DATA3 | 3) },
	{ .name = "inner level, 16-bit gate", .start = P3, .has_error = true,
	  .poke = { IDT_GATE(CODE0, 0x86) },
	  .cs = CODE0, .rip = 0x4000, .ss = DATA0, .rsp = KSTACK - 12, .rflags = 2,
	  FRAME(2, ERROR_CODE, CODE, CODE3 | 3, 2, STACK, DATA3 | 3) },
	{ .name = "inner level, 16-bit stack segment", .start = P3,
	  .poke = { { TSS + 8, 2, DATA16 }, { TSS + 4, 4, 0xffff0000u | KSTACK } }, .sp = 0x18000,
	  .cs = CODE0, .rip = 0x4000, .ss = DATA16, .rsp = 0x10000 | (KSTACK - 20), .rflags = 2,
	  .exc = 0 },
	/* --- virtual-8086 mode --- */
	{ .name = "vm86", .start = VM86, .flags = IF | IOPL3, .has_error = true,
	  .cs = CODE0, .rip = 0x4000, .ss = DATA0, .rsp = KSTACK - 40, .rflags = 2 | IOPL3,
	  FRAME(4, ERROR_CODE, CODE, 0, 2 | IF | IOPL3 | VM, STACK, 0, 0x111, 0x222, 0x333,
		0x444) },
	{ .name = "vm86, 16-bit gate", .start = VM86, .poke = { IDT_GATE(CODE0, 0x87) },
	  .cs = CODE0, .rip = 0x4000, .ss = DATA0, .rsp = KSTACK - 18, .rflags = 2,
	  FRAME(2, CODE, 0, 2, STACK, 0, 0x111, 0x222, 0x333, 0x444) },
	{ .name = "vm86 to level 1", .start = VM86, .poke = { IDT_GATE(CODE1, 0x8e) },
	  .exc = 13, .code = CODE1 | 1 },
	{ .name = "vm86 to conforming code", .start = VM86, .poke = { IDT_GATE(CONFORMING, 0x8e) },
	  .exc = 13, .code = CONFORMING | 1 },
	{ .name = "vm86 to level 3", .start = VM86, .poke = { IDT_GATE(CODE3 | 3, 0x8e) },
	  .exc = 13, .code = CODE3 | 1 },
	/* --- faults, in the manual's order: with EXT unless software asked --- */
	{ .name = "type", .start = P0, .poke = { IDT_GATE(CODE0, 0x8c) },
	  .exc = 13, .code = GP_IDT | 1 },
	{ .name = "type, software", .start = P0, .soft = true, .poke = { IDT_GATE(CODE0, 0x8c) },
	  .exc = 13, .code = GP_IDT },
	{ .name = "a segment in the IDT", .start = P0, .poke = { IDT_GATE(CODE0, 0x9e) },
	  .exc = 13, .code = GP_IDT | 1 },
	{ .name = "DPL, software", .start = P3, .soft = true, .exc = 13, .code = GP_IDT },
	{ .name = "DPL goes before P", .start = P3, .soft = true,
	  .poke = { IDT_GATE(CODE0, 0x0e) }, .exc = 13, .code = GP_IDT },
	{ .name = "DPL suffices", .start = P3, .soft = true, .poke = { IDT_GATE(CODE0, 0xee) },
	  .cs = CODE0, .rip = 0x4000, .ss = DATA0, .rsp = KSTACK - 20, .rflags = 2 },
	{ .name = "gate not present", .start = P3, .poke = { IDT_GATE(CODE0, 0x0e) },
	  .exc = 11, .code = GP_IDT | 1 },
	{ .name = "null code segment", .start = P0, .poke = { IDT_GATE(3, 0x8e) },
	  .exc = 13, .code = 1 },
	{ .name = "code segment beyond the GDT", .start = P0, .poke = { IDT_GATE(GDT_END, 0x8e) },
	  .exc = 13, .code = GDT_END | 1 },
	{ .name = "code segment in no LDT", .start = P0, .poke = { IDT_GATE(CODE0 | 4, 0x8e) },
	  .exc = 13, .code = CODE0 | 4 | 1 },
	{ .name = "data segment", .start = P0, .soft = true, .poke = { IDT_GATE(DATA0, 0x8e) },
	  .exc = 13, .code = DATA0 },
	{ .name = "to an outer level", .start = P0, .poke = { IDT_GATE(CODE3 | 3, 0x8e) },
	  .exc = 13, .code = CODE3 | 1 },
	{ .name = "code segment not present", .start = P0, .poke = { IDT_GATE(CODE_ABSENT, 0x8e) },
	  .exc = 11, .code = CODE_ABSENT | 1 },
	{ .name = "TSS too short", .start = P3,
	  .poke = { { GDT + TSS32, 8, DESC(TSS, 8, 0x8b, 0) } },
	  .exc = 10, .code = TSS32 | 1 },
	{ .name = "TSS just long enough", .start = P3,
	  .poke = { { GDT + TSS32, 8, DESC(TSS, 9, 0x8b, 0) } },
	  .cs = CODE0, .rip = 0x4000, .ss = DATA0, .rsp = KSTACK - 20, .rflags = 2 },
	{ .name = "16-bit TSS too short", .start = P3_TSS16,
	  .poke = { { GDT + TSS16, 8, DESC(TSS, 4, 0x83, 0) } }, .exc = 10, .code = TSS16 | 1 },
	{ .name = "null stack", .start = P3, .soft = true,
	  .poke = { { TSS + 8, 2, 0 }, IDT_GATE(CODE0, 0xee) }, .exc = 10, .code = 0 },
	{ .name = "stack beyond the GDT", .start = P3, .poke = { { TSS + 8, 2, GDT_END } },
	  .exc = 10, .code = GDT_END | 1 },
	{ .name = "stack's RPL", .start = P3, .poke = { { TSS + 8, 2, DATA0 | 1 } },
	  .exc = 10, .code = DATA0 | 1 },
	{ .name = "stack's DPL", .start = P3, .poke = { { TSS + 8, 2, DATA3 } },
	  .exc = 10, .code = DATA3 | 1 },
	{ .name = "stack can't be written", .start = P3, .poke = { { TSS + 8, 2, DATA_RO } },
	  .exc = 10, .code = DATA_RO | 1 },
	{ .name = "code for a stack", .start = P3, .poke = { { TSS + 8, 2, CODE0 } },
	  .exc = 10, .code = CODE0 | 1 },
	{ .name = "stack not present", .start = P3, .poke = { { TSS + 8, 2, DATA_ABSENT } },
	  .exc = 12, .code = DATA_ABSENT | 1 },
	{ .name = "no room on the inner stack", .start = P3,
	  .poke = { { TSS + 8, 2, DATA_SMALL }, { TSS + 4, 4, 0x7000 } },
	  .exc = 12, .code = DATA_SMALL | 1 },
	{ .name = "no room goes before EIP", .start = P3,
	  .poke = { { TSS + 8, 2, DATA_SMALL }, { TSS + 4, 4, 0x7000 },
		    IDT_GATE(CODE_SMALL, 0x8e) },
	  .exc = 12, .code = DATA_SMALL | 1 },
	{ .name = "just room on the inner stack", .start = P3,
	  .poke = { { TSS + 8, 2, DATA_SMALL }, { TSS + 4, 4, 0x6ff8 } },
	  .cs = CODE0, .rip = 0x4000, .ss = DATA_SMALL, .rsp = 0x6ff8 - 20, .rflags = 2 },
	{ .name = "no room on the current stack", .start = P0, .sp = 8,
	  .exc = 14, .code = 2 },
	{ .name = "EIP beyond the limit", .start = P0, .poke = { IDT_GATE(CODE_SMALL, 0x8e) },
	  .exc = 13, .code = 1 },
	{ .name = "EIP beyond the limit, inner level", .start = P3, .soft = true,
	  .poke = { IDT_GATE(CODE_SMALL, 0xee) }, .exc = 13, .code = 0 },
	/* --- instructions --- */
	{ .name = "int n", .start = P0, .insn = "\xcd\x20", .flags = RF | IF,
	  .cs = CODE0, .rip = 0x4000, .ss = DATA0, .rsp = STACK - 12, .rflags = 2,
	  FRAME(4, CODE + 2, CODE0, 2 | IF) },
	{ .name = "int n of a closed gate", .start = P3, .insn = "\xcd\x20",
	  .exc = 13, .code = GP_IDT },
	{ .name = "int3", .start = P3, .insn = "\xcc",
	  .poke = { { IDT + 24, 8, GATE(CODE0, 0x5000u, 0xee, 0) } },
	  .cs = CODE0, .rip = 0x5000, .ss = DATA0, .rsp = KSTACK - 20, .rflags = 2,
	  FRAME(4, CODE + 1, CODE3 | 3, 2, STACK, DATA3 | 3) },
	{ .name = "int3 of a closed gate", .start = P3, .insn = "\xcc",
	  .poke = { { IDT + 24, 8, GATE(CODE0, 0x5000u, 0x8e, 0) } },
	  .exc = 13, .code = 3 * 8 + 2 },
	{ .name = "int1: no DPL", .start = P3, .insn = "\xf1",
	  .poke = { { IDT + 8, 8, GATE(CODE0, 0x5000u, 0x8e, 0) } },
	  .cs = CODE0, .rip = 0x5000, .ss = DATA0, .rsp = KSTACK - 20, .rflags = 2,
	  FRAME(4, CODE + 1, CODE3 | 3, 2, STACK, DATA3 | 3) },
	{ .name = "int1: EXT", .start = P3, .insn = "\xf1", .exc = 13, .code = 1 * 8 + 3 },
	{ .name = "into with OF", .start = P0, .insn = "\xce", .flags = 0x800,
	  .poke = { { IDT + 32, 8, GATE(CODE0, 0x5000u, 0x8f, 0) } },
	  .cs = CODE0, .rip = 0x5000, .ss = DATA0, .rsp = STACK - 12, .rflags = 0x802,
	  FRAME(4, CODE + 1, CODE0, 0x802) },
	{ .name = "into without OF", .start = P0, .insn = "\xce",
	  .cs = CODE0, .rip = CODE + 1, .ss = DATA0, .rsp = STACK, .rflags = 2 },
	/* --- long mode --- */
	{ .name = "64: same level, aligned", .start = L0, .flags = IF | TF, .sp = STACK + 8,
	  .cs = CODE64, .rip = 0x1200004000, .ss = DATA0, .rsp = STACK - 40, .rflags = 2,
	  FRAME(8, CODE, CODE64, 2 | IF | TF, STACK + 8, DATA0) },
	{ .name = "64: level 3 to 0", .start = L3, .has_error = true,
	  .cs = CODE64, .rip = 0x1200004000, .ss = 0, .rsp = KSTACK - 48, .rflags = 2,
	  FRAME(8, ERROR_CODE, CODE, CODE64_3 | 3, 2, STACK, DATA3 | 3) },
	{ .name = "64: from compatibility mode", .start = COMPAT3,
	  .cs = CODE64, .rip = 0x1200004000, .ss = 0, .rsp = KSTACK - 40, .rflags = 2,
	  FRAME(8, CODE, CODE3 | 3, 2, STACK, DATA3 | 3) },
	{ .name = "64: from compatibility mode, same level", .start = COMPAT0,
	  .cs = CODE64, .rip = 0x1200004000, .ss = DATA0, .rsp = STACK - 40, .rflags = 2,
	  FRAME(8, CODE, CODE0, 2, STACK, DATA0) },
	{ .name = "64: IST, same level: SS stays", .start = L0,
	  .poke = { LONG_GATE(CODE64, 0x8f, 1) }, .flags = IF,
	  .cs = CODE64, .rip = 0x1200004000, .ss = DATA0, .rsp = KSTACK - 0x1000 - 40,
	  .rflags = 2 | IF, FRAME(8, CODE, CODE64, 2 | IF, STACK, DATA0) },
	{ .name = "64: IST, inner level", .start = L3, .poke = { LONG_GATE(CODE64, 0x8e, 1) },
	  .cs = CODE64, .rip = 0x1200004000, .ss = 0, .rsp = KSTACK - 0x1000 - 40, .rflags = 2,
	  FRAME(8, CODE, CODE64_3 | 3, 2, STACK, DATA3 | 3) },
	{ .name = "64: 32-bit code", .start = L0, .poke = { LONG_GATE(CODE0, 0x8e, 0) },
	  .exc = 13, .code = CODE0 | 1 },
	{ .name = "64: 16-bit gate", .start = L0, .poke = { LONG_GATE(CODE64, 0x86, 0) },
	  .exc = 13, .code = GP_IDT | 1 },
	{ .name = "64: task gate", .start = L0, .poke = { LONG_GATE(TSS32, 0x85, 0) },
	  .exc = 13, .code = GP_IDT | 1 },
	{ .name = "64: DPL", .start = L3, .soft = true, .exc = 13, .code = GP_IDT },
	{ .name = "64: not present", .start = L3, .poke = { LONG_GATE(CODE64, 0x0e, 0) },
	  .exc = 11, .code = GP_IDT | 1 },
	{ .name = "64: RIP not canonical", .start = L0, .poke = { { LONG_GATE_AT + 8, 4, 0x8000 } },
	  .exc = 13, .code = 1 },
	{ .name = "64: stack not canonical", .start = L3, .poke = { { TSS + 4, 8, 1ull << 63 } },
	  .exc = 12, .code = 1 },
	{ .name = "64: TSS too short", .start = L3,
	  .poke = { { GDT + TSS32, 8, DESC(TSS, 0xa, 0x8b, 0) } }, .exc = 10, .code = TSS32 | 1 },
	{ .name = "64: TSS too short for IST", .start = L0,
	  .poke = { LONG_GATE(CODE64, 0x8e, 7), { GDT + TSS32, 8, DESC(TSS, 0x5a, 0x8b, 0) } },
	  .exc = 10, .code = TSS32 | 1 },
	/* --- real and virtual-8086 mode --- */
	{ .name = "real", .start = REAL, .has_error = true, .flags = IF | AC | TF,
	  .poke = { { 4 * VECTOR, 4, 0x03001234 } },
	  .cs = 0x300, .rip = 0x1234, .ss = 0, .rsp = STACK - 6, .rflags = 2,
	  FRAME(2, CODE, 0, 2 | IF | TF) },
	{ .name = "vm86: int n, IOPL 0", .start = VM86, .insn = "\xcd\x20", .exc = 13, .code = 0 },
	{ .name = "vm86: int n, IOPL 3", .start = VM86, .insn = "\xcd\x20", .flags = IOPL3,
	  .poke = { IDT_GATE(CODE0, 0xee) },
	  .cs = CODE0, .rip = 0x4000, .ss = DATA0, .rsp = KSTACK - 36, .rflags = 2 | IOPL3,
	  FRAME(4, CODE + 2, 0, 2 | IOPL3 | VM, STACK, 0, 0x111, 0x222, 0x333, 0x444) },
	{ .name = "vm86: int3 doesn't look at IOPL", .start = VM86, .insn = "\xcc",
	  .poke = { { IDT + 24, 8, GATE(CODE0, 0x5000u, 0xee, 0) } },
	  .cs = CODE0, .rip = 0x5000, .ss = DATA0, .rsp = KSTACK - 36, .rflags = 2 },
	{ .name = "VME: redirected, IOPL 0", .start = VM86, .insn = "\xcd\x20", .cr4 = VME,
	  .flags = IF | VIF | TF,
	  .poke = { { TSS + 0x66, 2, 0x60 }, { 4 * VECTOR, 4, 0x03001234 } },
	  .cs = 0x300, .rip = 0x1234, .ss = 0, .rsp = STACK - 6, .rflags = 2 | IF | VM,
	  FRAME(2, CODE + 2, 0, 2 | IF | TF | IOPL3) },
	{ .name = "VME: redirected, IOPL 0, VIF clear", .start = VM86, .insn = "\xcd\x20",
	  .cr4 = VME, .flags = IF,
	  .poke = { { TSS + 0x66, 2, 0x60 }, { 4 * VECTOR, 4, 0x03001234 } },
	  .cs = 0x300, .rip = 0x1234, .ss = 0, .rsp = STACK - 6, .rflags = 2 | IF | VM,
	  FRAME(2, CODE + 2, 0, 2 | IOPL3) },
	{ .name = "VME: redirected, IOPL 3", .start = VM86, .insn = "\xcd\x20", .cr4 = VME,
	  .flags = IF | VIF | IOPL3,
	  .poke = { { TSS + 0x66, 2, 0x60 }, { 4 * VECTOR, 4, 0x03001234 } },
	  .cs = 0x300, .rip = 0x1234, .ss = 0, .rsp = STACK - 6, .rflags = 2 | VIF | VM | IOPL3,
	  FRAME(2, CODE + 2, 0, 2 | IF | IOPL3) },
	{ .name = "VME: not redirected, IOPL 0", .start = VM86, .insn = "\xcd\x20", .cr4 = VME,
	  .poke = { { TSS + 0x66, 2, 0x60 }, { TSS + 0x44, 1, 1 } }, .exc = 13, .code = 0 },
	{ .name = "VME: not redirected, IOPL 3", .start = VM86, .insn = "\xcd\x20", .cr4 = VME,
	  .flags = IOPL3,
	  .poke = { { TSS + 0x66, 2, 0x60 }, { TSS + 0x44, 1, 1 }, IDT_GATE(CODE0, 0xef) },
	  .cs = CODE0, .rip = 0x4000, .ss = DATA0, .rsp = KSTACK - 36, .rflags = 2 | IOPL3 },
};

/* IRET: what is on the stack is poked. A frame of dwords at STACK. */
#define ON_STACK(i, n, val)	{ STACK + (i) * (n), n, val }
#define IRETD	"\xcf"
#define IRETW	"\x66\xcf"
#define IRETQ	"\x48\xcf"

static const struct row irets[] = {
	{ .name = "iretd, same level", .start = P0, .insn = IRETD, .flags = TF,
	  .poke = { ON_STACK(0, 4, 0x4000), ON_STACK(1, 4, CODE0),
		    ON_STACK(2, 4, 2 | IF | IOPL3 | AC | RF | VIF | VIP) },
	  .cs = CODE0, .rip = 0x4000, .ss = DATA0, .rsp = STACK + 12,
	  .rflags = 2 | IF | IOPL3 | AC | RF | VIF | VIP },
	{ .name = "iretw, same level", .start = P0, .insn = IRETW, .flags = AC,
	  .poke = { ON_STACK(0, 2, 0x4000), ON_STACK(1, 2, CODE0), ON_STACK(2, 2, 3 | IF) },
	  .cs = CODE0, .rip = 0x4000, .ss = DATA0, .rsp = STACK + 6, .rflags = 3 | IF | AC },
	{ .name = "iretd at level 3 changes neither IF nor IOPL", .start = P3, .insn = IRETD,
	  .flags = IF,
	  .poke = { ON_STACK(0, 4, 0x4000), ON_STACK(1, 4, CODE3 | 3),
		    ON_STACK(2, 4, 3 | IOPL3 | VIF | VIP | VM) },
	  .cs = CODE3 | 3, .rip = 0x4000, .ss = DATA3 | 3, .rsp = STACK + 12, .rflags = 3 | IF },
	{ .name = "iretd at level 3 with IOPL 3 changes IF", .start = P3, .insn = IRETD,
	  .flags = IF | IOPL3,
	  .poke = { ON_STACK(0, 4, 0x4000), ON_STACK(1, 4, CODE3 | 3), ON_STACK(2, 4, 2) },
	  .cs = CODE3 | 3, .rip = 0x4000, .ss = DATA3 | 3, .rsp = STACK + 12, .rflags = 2 | IOPL3 },
	{ .name = "iretd to level 3", .start = P0, .insn = IRETD,
	  .poke = { ON_STACK(0, 4, 0x4000), ON_STACK(1, 4, CODE3 | 3), ON_STACK(2, 4, 2 | IF),
		    ON_STACK(3, 4, 0x12345678), ON_STACK(4, 4, DATA3 | 3) },
	  .cs = CODE3 | 3, .rip = 0x4000, .ss = DATA3 | 3, .rsp = 0x12345678, .rflags = 2 | IF },
	{ .name = "iretw to level 3", .start = P0, .insn = IRETW,
	  .poke = { ON_STACK(0, 2, 0x4000), ON_STACK(1, 2, CODE3 | 3), ON_STACK(2, 2, 2 | IF),
		    ON_STACK(3, 2, 0x5678), ON_STACK(4, 2, DATA3 | 3) },
	  .cs = CODE3 | 3, .rip = 0x4000, .ss = DATA3 | 3, .rsp = 0x5678, .rflags = 2 | IF },
	{ .name = "iretd to conforming code", .start = P0, .insn = IRETD,
	  .poke = { ON_STACK(0, 4, 0x4000), ON_STACK(1, 4, CONFORMING | 3), ON_STACK(2, 4, 2),
		    ON_STACK(3, 4, 0x6000), ON_STACK(4, 4, DATA3 | 3) },
	  .cs = CONFORMING | 3, .rip = 0x4000, .ss = DATA3 | 3, .rsp = 0x6000, .rflags = 2 },
	{ .name = "iret: null CS", .start = P0, .insn = IRETD, .poke = { ON_STACK(1, 4, 3) },
	  .exc = 13, .code = 0 },
	{ .name = "iret: CS beyond the GDT", .start = P0, .insn = IRETD,
	  .poke = { ON_STACK(1, 4, GDT_END) }, .exc = 13, .code = GDT_END },
	{ .name = "iret: data for CS", .start = P0, .insn = IRETD, .poke = { ON_STACK(1, 4, DATA0) },
	  .exc = 13, .code = DATA0 },
	{ .name = "iret: a gate for CS", .start = P0, .insn = IRETD,
	  .poke = { ON_STACK(1, 4, TSS32) }, .exc = 13, .code = TSS32 },
	{ .name = "iret: to an inner level", .start = P3, .insn = IRETD,
	  .poke = { ON_STACK(1, 4, CODE0) }, .exc = 13, .code = CODE0 },
	{ .name = "iret: RPL isn't DPL", .start = P0, .insn = IRETD,
	  .poke = { ON_STACK(1, 4, CODE3) }, .exc = 13, .code = CODE3 },
	{ .name = "iret: conforming code of an outer level", .start = P0, .insn = IRETD,
	  .poke = { ON_STACK(1, 4, CODE1), { GDT + CODE1, 8, DESC(0, 0xfffff, 0xbf, 0xc) } },
	  .exc = 13, .code = CODE1 },
	{ .name = "iret: CS not present", .start = P0, .insn = IRETD,
	  .poke = { ON_STACK(1, 4, CODE_ABSENT) }, .exc = 11, .code = CODE_ABSENT },
	{ .name = "iret: EIP", .start = P0, .insn = IRETD,
	  .poke = { ON_STACK(0, 4, 0x1000), ON_STACK(1, 4, CODE_SMALL) }, .exc = 13, .code = 0 },
	{ .name = "iret: null SS", .start = P0, .insn = IRETD,
	  .poke = { ON_STACK(1, 4, CODE3 | 3), ON_STACK(4, 4, 3) }, .exc = 13, .code = 0 },
	{ .name = "iret: SS beyond the GDT", .start = P0, .insn = IRETD,
	  .poke = { ON_STACK(1, 4, CODE3 | 3), ON_STACK(4, 4, GDT_END | 3) },
	  .exc = 13, .code = GDT_END },
	{ .name = "iret: SS's RPL", .start = P0, .insn = IRETD,
	  .poke = { ON_STACK(1, 4, CODE3 | 3), ON_STACK(4, 4, DATA3) }, .exc = 13, .code = DATA3 },
	{ .name = "iret: SS's DPL", .start = P0, .insn = IRETD,
	  .poke = { ON_STACK(1, 4, CODE3 | 3), ON_STACK(4, 4, DATA0 | 3) },
	  .exc = 13, .code = DATA0 },
	{ .name = "iret: code for SS", .start = P0, .insn = IRETD,
	  .poke = { ON_STACK(1, 4, CODE3 | 3), ON_STACK(4, 4, CODE3 | 3) },
	  .exc = 13, .code = CODE3 },
	{ .name = "iret: SS not present", .start = P0, .insn = IRETD,
	  .poke = { ON_STACK(1, 4, CODE3 | 3), ON_STACK(4, 4, DATA_ABSENT | 3),
		    { GDT + DATA_ABSENT, 8, DESC(0, 0xfffff, 0x73, 0xc) } },
	  .exc = 12, .code = DATA_ABSENT },
	{ .name = "iretd to vm86", .start = P0, .insn = IRETD,
	  .poke = { ON_STACK(0, 4, 0x4000), ON_STACK(1, 4, 0x300),
		    ON_STACK(2, 4, 2 | VM | IF | IOPL3 | VIF), ON_STACK(3, 4, 0x18888),
		    ON_STACK(4, 4, 0x500) },
	  .cs = 0x300, .rip = 0x4000, .ss = 0x500, .rsp = 0x18888,
	  .rflags = 2 | VM | IF | IOPL3 | VIF },
	{ .name = "iretd to vm86: EIP", .start = P0, .insn = IRETD,
	  .poke = { ON_STACK(0, 4, 0x10000), ON_STACK(1, 4, 0x300), ON_STACK(2, 4, 2 | VM) },
	  .exc = 13, .code = 0 },
	{ .name = "vm86: iret, IOPL 0", .start = VM86, .insn = IRETD, .exc = 13, .code = 0 },
	{ .name = "vm86: iret, IOPL 3", .start = VM86, .insn = IRETD, .flags = IOPL3 | VIP,
	  .poke = { ON_STACK(0, 2, 0x4000), ON_STACK(1, 2, 0x300), ON_STACK(2, 2, 3 | IF | NT) },
	  .cs = 0x300, .rip = 0x4000, .ss = 0, .rsp = STACK + 6,
	  .rflags = 3 | IF | NT | IOPL3 | VIP | VM },
	{ .name = "vm86: iretd keeps IOPL, VM, VIF, VIP", .start = VM86, .insn = IRETW,
	  .flags = IOPL3 | VIF,
	  .poke = { ON_STACK(0, 4, 0x4000), ON_STACK(1, 4, 0x300), ON_STACK(2, 4, 3 | AC | VIP) },
	  .cs = 0x300, .rip = 0x4000, .ss = 0, .rsp = STACK + 12,
	  .rflags = 3 | AC | IOPL3 | VIF | VM },
	{ .name = "VME: iret: IF goes to VIF", .start = VM86, .insn = IRETD, .cr4 = VME,
	  .flags = IF | VIF,
	  .poke = { ON_STACK(0, 2, 0x4000), ON_STACK(1, 2, 0x300), ON_STACK(2, 2, 3 | IOPL3) },
	  .cs = 0x300, .rip = 0x4000, .ss = 0, .rsp = STACK + 6, .rflags = 3 | IF | VM },
	{ .name = "VME: iret of IF with VIP", .start = VM86, .insn = IRETD, .cr4 = VME, .flags = VIP,
	  .poke = { ON_STACK(2, 2, 2 | IF) }, .exc = 13, .code = 0 },
	{ .name = "VME: iret of TF", .start = VM86, .insn = IRETD, .cr4 = VME,
	  .poke = { ON_STACK(2, 2, 2 | TF) }, .exc = 13, .code = 0 },
	{ .name = "VME: iretd", .start = VM86, .insn = IRETW, .cr4 = VME, .exc = 13, .code = 0 },
	/* --- long mode --- */
	{ .name = "iretq, same level", .start = L0, .insn = IRETQ,
	  .poke = { ON_STACK(0, 8, 0x1200004000), ON_STACK(1, 8, CODE64), ON_STACK(2, 8, 2 | IF),
		    ON_STACK(3, 8, 0xffff800000001234), ON_STACK(4, 8, DATA0) },
	  .cs = CODE64, .rip = 0x1200004000, .ss = DATA0, .rsp = 0xffff800000001234,
	  .rflags = 2 | IF },
	{ .name = "iretq, same level, null SS", .start = L0, .insn = IRETQ,
	  .poke = { ON_STACK(0, 8, 0x4000), ON_STACK(1, 8, CODE64), ON_STACK(2, 8, 2),
		    ON_STACK(3, 8, 0x6000) },
	  .cs = CODE64, .rip = 0x4000, .ss = 0, .rsp = 0x6000, .rflags = 2 },
	{ .name = "iretq to level 3", .start = L0, .insn = IRETQ,
	  .poke = { ON_STACK(0, 8, 0x4000), ON_STACK(1, 8, CODE64_3 | 3), ON_STACK(2, 8, 2 | VM),
		    ON_STACK(3, 8, 0x6000), ON_STACK(4, 8, DATA3 | 3) },
	  .cs = CODE64_3 | 3, .rip = 0x4000, .ss = DATA3 | 3, .rsp = 0x6000, .rflags = 2 },
	{ .name = "iretq to compatibility mode", .start = L0, .insn = IRETQ,
	  .poke = { ON_STACK(0, 8, 0x4000), ON_STACK(1, 8, CODE3 | 3), ON_STACK(2, 8, 2),
		    ON_STACK(3, 8, 0x1200006000), ON_STACK(4, 8, DATA3 | 3) },
	  .cs = CODE3 | 3, .rip = 0x4000, .ss = DATA3 | 3, .rsp = 0x6000, .rflags = 2 },
	{ .name = "iretd in 64-bit mode pops a stack, too", .start = L0, .insn = IRETD,
	  .poke = { ON_STACK(0, 4, 0x4000), ON_STACK(1, 4, CODE64), ON_STACK(2, 4, 2),
		    ON_STACK(3, 4, 0x6000), ON_STACK(4, 4, DATA0) },
	  .cs = CODE64, .rip = 0x4000, .ss = DATA0, .rsp = 0x6000, .rflags = 2 },
	{ .name = "iretd in compatibility mode doesn't", .start = COMPAT0, .insn = IRETD,
	  .poke = { ON_STACK(0, 4, 0x4000), ON_STACK(1, 4, CODE64), ON_STACK(2, 4, 2) },
	  .cs = CODE64, .rip = 0x4000, .ss = DATA0, .rsp = STACK + 12, .rflags = 2 },
	{ .name = "iretq: null SS for level 3", .start = L0, .insn = IRETQ,
	  .poke = { ON_STACK(1, 8, CODE64_3 | 3), ON_STACK(4, 8, 3) }, .exc = 13, .code = 0 },
	{ .name = "iretq: null SS for compatibility mode", .start = L0, .insn = IRETQ,
	  .poke = { ON_STACK(1, 8, CODE0) }, .exc = 13, .code = 0 },
	{ .name = "iretq: RIP not canonical", .start = L0, .insn = IRETQ,
	  .poke = { ON_STACK(0, 8, 1ull << 47), ON_STACK(1, 8, CODE64) }, .exc = 13, .code = 0 },
	{ .name = "iretq: code both of 64 and of 32 bits", .start = L0, .insn = IRETQ,
	  .poke = { ON_STACK(1, 8, CODE1), { GDT + CODE1, 8, DESC(0, 0, 0x9b, 0x6) } },
	  .exc = 13, .code = CODE1 },
	{ .name = "iretq with NT", .start = L0, .insn = IRETQ, .flags = NT, .exc = 13, .code = 0 },
};

/* A call gate of the legacy modes, and its selector's instructions. */
#define CALL_GATE_IS(selector, offset, access, count)					\
	{ GDT + CALL_GATE, 8, GATE(selector, offset, access, count) }
#define CALL(selector)	"\x9a\x00\x40\x00\x00" selector "\x00"
#define JMP(selector)	"\xea\x00\x40\x00\x00" selector "\x00"
#define CALL_IND	"\xff\x1c\x25\x00\x80\x01\x00"	/* through memory at 18000 */
#define JMP_IND		"\xff\x2c\x25\x00\x80\x01\x00"
#define POINTER(selector) { 0x18004, 2, selector }

static const struct row calls[] = {
	{ .name = "call gate, same level", .start = P0, .insn = CALL("\xa0"),
	  .poke = { CALL_GATE_IS(CODE0, 0x5000u, 0x8c, 4) },
	  .cs = CODE0, .rip = 0x5000, .ss = DATA0, .rsp = STACK - 8, .rflags = 2,
	  FRAME(4, CODE + 7, CODE0) },
	{ .name = "16-bit call gate, same level", .start = P0, .insn = CALL("\xa0"),
	  .poke = { CALL_GATE_IS(CODE0, 0x15000u, 0x84, 4) },
	  .cs = CODE0, .rip = 0x5000, .ss = DATA0, .rsp = STACK - 4, .rflags = 2,
	  FRAME(2, CODE + 7, CODE0) },
	{ .name = "call gate, inner level, parameters", .start = P3, .insn = CALL("\xa3"),
	  .poke = { CALL_GATE_IS(CODE0, 0x5000u, 0xec, 2), ON_STACK(0, 4, 0x11111111),
		    ON_STACK(1, 4, 0x22222222) },
	  .cs = CODE0, .rip = 0x5000, .ss = DATA0, .rsp = KSTACK - 24, .rflags = 2,
	  FRAME(4, CODE + 7, CODE3 | 3, 0x11111111, 0x22222222, STACK, DATA3 | 3) },
	{ .name = "16-bit call gate, inner level, parameters", .start = P3, .insn = CALL("\xa3"),
	  .poke = { CALL_GATE_IS(CODE1, 0x5000u, 0xe4, 3), ON_STACK(0, 4, 0x22221111),
		    ON_STACK(1, 4, 0x3333) },
	  .cs = CODE1 | 1, .rip = 0x5000, .ss = DATA1 | 1, .rsp = KSTACK - 0x800 - 14, .rflags = 2,
	  FRAME(2, CODE + 7, CODE3 | 3, 0x1111, 0x2222, 0x3333, STACK, DATA3 | 3) },
	{ .name = "call gate to conforming code", .start = P3, .insn = CALL("\xa3"),
	  .poke = { CALL_GATE_IS(CONFORMING, 0x5000u, 0xec, 0) },
	  .cs = CONFORMING | 3, .rip = 0x5000, .ss = DATA3 | 3, .rsp = STACK - 8, .rflags = 2,
	  FRAME(4, CODE + 7, CODE3 | 3) },
	{ .name = "jmp through a call gate", .start = P3, .insn = JMP("\xa3"),
	  .poke = { CALL_GATE_IS(CODE3, 0x5000u, 0xec, 0) },
	  .cs = CODE3 | 3, .rip = 0x5000, .ss = DATA3 | 3, .rsp = STACK, .rflags = 2 },
	{ .name = "jmp through a call gate to an inner level", .start = P3, .insn = JMP("\xa3"),
	  .poke = { CALL_GATE_IS(CODE0, 0x5000u, 0xec, 0) }, .exc = 13, .code = CODE0 },
	{ .name = "call gate: DPL below CPL", .start = P3, .insn = CALL("\xa0"),
	  .poke = { CALL_GATE_IS(CODE0, 0x5000u, 0x8c, 0) }, .exc = 13, .code = CALL_GATE },
	{ .name = "call gate: DPL below RPL", .start = P0, .insn = CALL("\xa3"),
	  .poke = { CALL_GATE_IS(CODE0, 0x5000u, 0x8c, 0) }, .exc = 13, .code = CALL_GATE },
	{ .name = "call gate: not present", .start = P0, .insn = CALL("\xa0"),
	  .poke = { CALL_GATE_IS(CODE0, 0x5000u, 0x0c, 0) }, .exc = 11, .code = CALL_GATE },
	{ .name = "call gate: null CS", .start = P0, .insn = CALL("\xa0"),
	  .poke = { CALL_GATE_IS(0, 0x5000u, 0x8c, 0) }, .exc = 13, .code = 0 },
	{ .name = "call gate: CS beyond the GDT", .start = P0, .insn = CALL("\xa0"),
	  .poke = { CALL_GATE_IS(GDT_END, 0x5000u, 0x8c, 0) }, .exc = 13, .code = GDT_END },
	{ .name = "call gate: data", .start = P0, .insn = CALL("\xa0"),
	  .poke = { CALL_GATE_IS(DATA0, 0x5000u, 0x8c, 0) }, .exc = 13, .code = DATA0 },
	{ .name = "call gate: outer level", .start = P0, .insn = CALL("\xa0"),
	  .poke = { CALL_GATE_IS(CODE3, 0x5000u, 0x8c, 0) }, .exc = 13, .code = CODE3 },
	{ .name = "call gate: CS not present", .start = P0, .insn = CALL("\xa0"),
	  .poke = { CALL_GATE_IS(CODE_ABSENT, 0x5000u, 0x8c, 0) }, .exc = 11, .code = CODE_ABSENT },
	{ .name = "call gate: EIP", .start = P0, .insn = CALL("\xa0"),
	  .poke = { CALL_GATE_IS(CODE_SMALL, 0x5000u, 0x8c, 0) }, .exc = 13, .code = 0 },
	{ .name = "call gate: null stack", .start = P3, .insn = CALL("\xa3"),
	  .poke = { CALL_GATE_IS(CODE0, 0x5000u, 0xec, 0), { TSS + 8, 2, 0 } },
	  .exc = 10, .code = 0 },
	{ .name = "call gate: stack's DPL", .start = P3, .insn = CALL("\xa3"),
	  .poke = { CALL_GATE_IS(CODE0, 0x5000u, 0xec, 0), { TSS + 8, 2, DATA3 } },
	  .exc = 10, .code = DATA3 },
	{ .name = "call gate: no room for parameters", .start = P3, .insn = CALL("\xa3"),
	  .poke = { CALL_GATE_IS(CODE0, 0x5000u, 0xec, 31), { TSS + 8, 2, DATA_SMALL },
		    { TSS + 4, 4, 0x7000 } },
	  .exc = 12, .code = DATA_SMALL },
	{ .name = "call to an interrupt gate", .start = P0, .insn = CALL("\xa0"),
	  .poke = { CALL_GATE_IS(CODE0, 0x5000u, 0x8e, 0) }, .exc = 13, .code = CALL_GATE },
	{ .name = "call to an LDT", .start = P0, .insn = CALL("\xa0"),
	  .poke = { CALL_GATE_IS(CODE0, 0x5000u, 0x82, 0) }, .exc = 13, .code = CALL_GATE },
	{ .name = "call to a busy TSS", .start = P0, .insn = CALL("\x40"), .exc = 13, .code = TSS32 },
	{ .name = "call to conforming code", .start = P3, .insn = CALL("\x28"),
	  .cs = CONFORMING | 3, .rip = 0x4000, .ss = DATA3 | 3, .rsp = STACK - 8, .rflags = 2,
	  FRAME(4, CODE + 7, CODE3 | 3) },
	{ .name = "jmp to an inner level", .start = P3, .insn = JMP("\x08"),
	  .exc = 13, .code = CODE0 },
	{ .name = "jmp with RPL above CPL", .start = P0, .insn = JMP("\x0b"),
	  .exc = 13, .code = CODE0 },
	/* --- long mode --- */
	{ .name = "64: call gate, inner level", .start = L3, .insn = CALL_IND,
	  .poke = { CALL_GATE_IS(CODE64, 0x5000u, 0xec, 2), { GDT + CALL_GATE + 8, 4, 0x12 },
		    POINTER(CALL_GATE | 3) },
	  .cs = CODE64, .rip = 0x1200005000, .ss = 0, .rsp = KSTACK + 8 - 32, .rflags = 2,
	  FRAME(8, CODE + 7, CODE64_3 | 3, STACK, DATA3 | 3) },
	{ .name = "64: call gate, same level", .start = L0, .insn = CALL_IND,
	  .poke = { CALL_GATE_IS(CODE64, 0x5000u, 0x8c, 0), POINTER(CALL_GATE) },
	  .cs = CODE64, .rip = 0x5000, .ss = DATA0, .rsp = STACK - 16, .rflags = 2,
	  FRAME(8, CODE + 7, CODE64) },
	{ .name = "64: call gate from compatibility mode", .start = COMPAT0, .insn = CALL("\xa0"),
	  .poke = { CALL_GATE_IS(CODE64, 0x5000u, 0x8c, 0) },
	  .cs = CODE64, .rip = 0x5000, .ss = DATA0, .rsp = STACK - 16, .rflags = 2,
	  FRAME(8, CODE + 7, CODE0) },
	{ .name = "64: jmp through a call gate", .start = L0, .insn = JMP_IND,
	  .poke = { CALL_GATE_IS(CODE64, 0x5000u, 0x8c, 0), POINTER(CALL_GATE) },
	  .cs = CODE64, .rip = 0x5000, .ss = DATA0, .rsp = STACK, .rflags = 2 },
	{ .name = "64: call gate to 32-bit code", .start = L0, .insn = CALL_IND,
	  .poke = { CALL_GATE_IS(CODE0, 0x5000u, 0x8c, 0), POINTER(CALL_GATE) },
	  .exc = 13, .code = CODE0 },
	{ .name = "64: call gate whose upper half has a type", .start = L0, .insn = CALL_IND,
	  .poke = { CALL_GATE_IS(CODE64, 0x5000u, 0x8c, 0), { GDT + CALL_GATE + 13, 1, 1 },
		    POINTER(CALL_GATE) },
	  .exc = 13, .code = CALL_GATE },
	{ .name = "64: call gate whose upper half is beyond the GDT", .start = L0, .insn = CALL_IND,
	  .poke = { { GDT + GDT_END - 8, 8, GATE(CODE64, 0x5000u, 0x8c, 0) },
		    POINTER(GDT_END - 8) },
	  .exc = 13, .code = GDT_END - 8 },
	{ .name = "64: 16-bit call gate", .start = L0, .insn = CALL_IND,
	  .poke = { CALL_GATE_IS(CODE64, 0x5000u, 0x84, 0), POINTER(CALL_GATE) },
	  .exc = 13, .code = CALL_GATE },
	{ .name = "64: call to a TSS", .start = L0, .insn = CALL_IND,
	  .poke = { { GDT + CALL_GATE, 8, DESC(TSS, 0x67, 0x89, 0) }, POINTER(CALL_GATE) },
	  .exc = 13, .code = CALL_GATE },
	{ .name = "64: call gate: RIP not canonical", .start = L0, .insn = CALL_IND,
	  .poke = { CALL_GATE_IS(CODE64, 0x5000u, 0x8c, 0), { GDT + CALL_GATE + 8, 4, 0x8000 },
		    POINTER(CALL_GATE) },
	  .exc = 13, .code = 0 },
	/* --- returns --- */
	{ .name = "retf 4 to level 3", .start = P0, .insn = "\xca\x04",
	  .poke = { ON_STACK(0, 4, 0x4000), ON_STACK(1, 4, CODE3 | 3), ON_STACK(3, 4, 0x6000),
		    ON_STACK(4, 4, DATA3 | 3) },
	  .cs = CODE3 | 3, .rip = 0x4000, .ss = DATA3 | 3, .rsp = 0x6004, .rflags = 2 },
	{ .name = "retf to level 1", .start = P0, .insn = "\xcb",
	  .poke = { ON_STACK(0, 4, 0x4000), ON_STACK(1, 4, CODE1 | 1), ON_STACK(2, 4, 0x6000),
		    ON_STACK(3, 4, DATA1 | 1) },
	  .cs = CODE1 | 1, .rip = 0x4000, .ss = DATA1 | 1, .rsp = 0x6000, .rflags = 2 },
	{ .name = "retf: a 16-bit stack keeps the upper half of ESP", .start = P0, .insn = "\xcb",
	  .sp = 0x18100,
	  .poke = { { 0x18100, 4, 0x4000 }, { 0x18104, 4, CODE3 | 3 }, { 0x18108, 4, 0x26000 },
		    { 0x1810c, 4, DATA16 | 3 }, { GDT + DATA16, 8, DESC(0, 0xffff, 0xf3, 0) } },
	  .cs = CODE3 | 3, .rip = 0x4000, .ss = DATA16 | 3, .rsp = 0x16000, .rflags = 2 },
	{ .name = "retf: SS's DPL", .start = P0, .insn = "\xcb",
	  .poke = { ON_STACK(1, 4, CODE3 | 3), ON_STACK(3, 4, DATA0 | 3) },
	  .exc = 13, .code = DATA0 },
	{ .name = "retf: EIP", .start = P0, .insn = "\xcb",
	  .poke = { ON_STACK(0, 4, 0x1000), ON_STACK(1, 4, CODE_SMALL | 3),
		    { GDT + CODE_SMALL, 8, DESC(0, 0xfff, 0xfb, 0x4) }, ON_STACK(3, 4, DATA3 | 3) },
	  .exc = 13, .code = 0 },
	{ .name = "retf: to an inner level", .start = P3, .insn = "\xcb",
	  .poke = { ON_STACK(1, 4, CODE0) }, .exc = 13, .code = CODE0 },
	{ .name = "retfq to level 3", .start = L0, .insn = "\x48\xcb",
	  .poke = { ON_STACK(0, 8, 0x1200004000), ON_STACK(1, 8, CODE64_3 | 3),
		    ON_STACK(2, 8, 0x1200006000), ON_STACK(3, 8, DATA3 | 3) },
	  .cs = CODE64_3 | 3, .rip = 0x1200004000, .ss = DATA3 | 3, .rsp = 0x1200006000,
	  .rflags = 2 },
	{ .name = "retfq, same level, pops no stack", .start = L0, .insn = "\x48\xcb",
	  .poke = { ON_STACK(0, 8, 0x4000), ON_STACK(1, 8, CODE64) },
	  .cs = CODE64, .rip = 0x4000, .ss = DATA0, .rsp = STACK + 16, .rflags = 2 },
};

static void run_rows(const struct row *rows, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		run_row(&rows[i]);
}

static const struct row *find(const struct row *rows, const char *name)
{
	while (strcmp(rows->name, name))
		rows++;
	return rows;
}

/* Segment registers besides CS and SS. */
static void test_data_segments(void)
{
	const struct row *r = find(events, "vm86");

	begin_row(r);
	tap_eq(emul_deliver(&w.c, VECTOR, false, false, 0), EMUL_OK, "vm86: delivery");
	tap_ok(w.seg[EMUL_SEG_DS].unusable && w.seg[EMUL_SEG_ES].unusable &&
	       w.seg[EMUL_SEG_FS].unusable && w.seg[EMUL_SEG_GS].unusable &&
	       !w.seg[EMUL_SEG_GS].selector, "vm86: data segments become null, saw GS %x",
	       w.seg[EMUL_SEG_GS].selector);
	tap_eq(w.seg[EMUL_SEG_SS].dpl, 0, "vm86: SS's DPL");

	begin_row(find(irets, "iretd to level 3"));
	set_seg(EMUL_SEG_ES, DATA3);
	set_seg(EMUL_SEG_FS, CONFORMING);
	tap_eq(world_step(&w), EMUL_OK, "iretd to level 3");
	tap_ok(w.seg[EMUL_SEG_DS].unusable && !w.seg[EMUL_SEG_DS].selector,
	       "level 0 data is taken away, saw %x", w.seg[EMUL_SEG_DS].selector);
	tap_ok(!w.seg[EMUL_SEG_ES].unusable && w.seg[EMUL_SEG_ES].selector == DATA3,
	       "level 3 data stays, saw %x", w.seg[EMUL_SEG_ES].selector);
	tap_ok(!w.seg[EMUL_SEG_FS].unusable, "conforming code stays, saw %x",
	       w.seg[EMUL_SEG_FS].selector);
	tap_ok(w.c.iret, "NMIs unblock, saw %d", w.c.iret);

	begin_row(find(irets, "iret: CS beyond the GDT"));
	tap_eq(world_step(&w), EMUL_EXCEPTION, "an iret that faults");
	tap_ok(w.c.iret, "NMIs unblock with that, too, saw %d", w.c.iret);

	begin_row(find(irets, "iretw, same level"));
	w.c.rflags |= 1 << 16;
	tap_eq(world_step(&w), EMUL_OK, "iretw with RF set");
	tap_eq(w.c.rflags >> 16 & 1, 0, "it loads no RF, and ends like any other instruction");

	begin_row(find(irets, "iretd to vm86"));
	poke(STACK + 20, 0x0000044400000222ull, 8);
	poke(STACK + 28, 0x0000066600000555ull, 8);
	tap_eq(world_step(&w), EMUL_OK, "iretd to vm86");
	tap_ok(w.seg[EMUL_SEG_ES].base == 0x2220 && w.seg[EMUL_SEG_DS].base == 0x4440 &&
	       w.seg[EMUL_SEG_FS].base == 0x5550 && w.seg[EMUL_SEG_GS].base == 0x6660 &&
	       w.seg[EMUL_SEG_GS].limit == 0xffff && w.seg[EMUL_SEG_CS].dpl == 3 &&
	       w.seg[EMUL_SEG_CS].base == 0x3000,
	       "ES, DS, FS, GS from the stack, as paragraphs: saw GS %llx", w.seg[EMUL_SEG_GS].base);
}

/* Accessed bits are set, and only when all has succeeded. */
static void test_accessed(void)
{
	const struct row *r = find(events, "level 3 to 0");

	begin_row(r);
	poke(GDT + CODE0, DESC(0, 0xfffff, 0x9a, 0xc), 8);
	poke(GDT + DATA0, DESC(0, 0xfffff, 0x92, 0xc), 8);
	tap_eq(emul_deliver(&w.c, VECTOR, false, true, 0), EMUL_OK, "delivery");
	tap_ok(ram[GDT + CODE0 + 5] == 0x9b && ram[GDT + DATA0 + 5] == 0x93,
	       "descriptors are marked accessed: expected 9b, 93, saw %x, %x", ram[GDT + CODE0 + 5],
	       ram[GDT + DATA0 + 5]);
	begin_row(r);
	poke(GDT + CODE0, DESC(0, 0xfff, 0x9a, 0), 8);
	poke(GDT + DATA0, DESC(0, 0xfffff, 0x92, 0xc), 8);
	tap_eq(emul_deliver(&w.c, VECTOR, false, true, 0), EMUL_EXCEPTION, "beyond the limit");
	tap_ok(ram[GDT + CODE0 + 5] == 0x9a && ram[GDT + DATA0 + 5] == 0x92,
	       "are left alone: expected 9a, 92, saw %x, %x", ram[GDT + CODE0 + 5],
	       ram[GDT + DATA0 + 5]);
	begin_row(r);
	poke(GDT + CODE0, DESC(0, 0xfffff, 0x9a, 0xc), 8);
	w.cmpxchg_races = true;
	tap_eq(emul_deliver(&w.c, VECTOR, false, true, 0), EMUL_RESTART, "a racing descriptor");
	tap_eq(w.seg[EMUL_SEG_CS].selector, CODE3 | 3, "changes nothing");
	tap_eq(emul_deliver(&w.c, VECTOR, false, true, 0), EMUL_OK, "and again");
	tap_eq(w.seg[EMUL_SEG_CS].selector, CODE0, "does it");
}

/* No debug trap follows what went through the IDT. */
static void test_single_step(void)
{
	begin_row(find(events, "int n"));
	w.c.rflags |= TF;
	tap_eq(world_step(&w), EMUL_OK, "int n with TF");
	tap_eq(w.c.step, false, "ends single-stepping");
	begin_row(find(events, "into without OF"));
	w.c.rflags |= TF;
	tap_eq(world_step(&w), EMUL_OK, "into that does nothing");
	tap_eq(w.c.step, true, "doesn't");
	begin_row(find(events, "VME: redirected, IOPL 0"));
	w.c.rflags |= TF;
	tap_eq(world_step(&w), EMUL_OK, "a redirected int n");
	tap_eq(w.c.step, false, "does");
	begin_row(find(irets, "iretd, same level"));
	w.c.rflags |= TF;
	tap_eq(world_step(&w), EMUL_OK, "iretd");
	tap_eq(w.c.step, true, "doesn't");
}

/* Whose access is it? Page faults say so: level 3 reads, level 0 writes its stack. */
static void test_privilege(void)
{
	begin_row(find(events, "level 3 to 0"));
	poke(TSS + 4, RAM_SIZE + 0x100, 4);
	tap_eq(emul_deliver(&w.c, VECTOR, false, true, 0), EMUL_EXCEPTION, "an unmapped stack");
	tap_ok(w.c.exc.vector == 14 && w.c.exc.error_code == 2 &&
	       w.c.exc.address == RAM_SIZE + 0xfc && w.c.cpl == 3,
	       "of level 0: expected #PF (2) at %x, saw %u (%x) at %llx, CPL %u", RAM_SIZE + 0xfc,
	       w.c.exc.vector, w.c.exc.error_code, w.c.exc.address, w.c.cpl);
	begin_row(find(events, "conforming from level 3"));
	w.c.gpr[EMUL_RSP] = RAM_SIZE + 0x100;
	tap_eq(emul_deliver(&w.c, VECTOR, false, true, 0), EMUL_EXCEPTION, "an unmapped stack");
	tap_eq(w.c.exc.error_code, 6, "of level 3");
}

/* A stack in a device: each push is completed by userspace, and made once. */
static void test_mmio(void)
{
	begin_row(find(events, "level 3 to 0"));
	poke(TSS + 4, RAM_SIZE + 0x100, 4);
	world_map(&w, RAM_SIZE, 0x1000, ram, true)->mmio = true;
	memcpy(ram + CODE, "\xcc", 1);
	poke(IDT + 24, GATE(CODE0, 0x4000u, 0xee, 0), 8);
	tap_eq(world_step(&w), EMUL_OK, "int3 with a stack in a device");
	tap_eq(w.nr_exits, 5, "five exits");
	tap_eq(w.seg[EMUL_SEG_CS].selector, CODE0, "and then it is there");
}

int main(void)
{
	run_rows(events, ARRAY_SIZE(events));
	run_rows(irets, ARRAY_SIZE(irets));
	run_rows(calls, ARRAY_SIZE(calls));
	test_data_segments();
	test_accessed();
	test_single_step();
	test_privilege();
	test_mmio();
	return tap_done();
}
