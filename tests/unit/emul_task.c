// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task switches: Intel SDM vol. 3, chapter 7. Task A runs; B has a 32-bit TSS, C a 16-bit one.
 */
#include <string.h>

#include "emul_world.h"
#include "tap.h"

#define RAM_SIZE	0x20000u
#define CODE		0x1000u
#define GDT		0x2000u
#define IDT		0x3000u
#define STACK		0x8000u
#define TSS_A		0x9000u
#define TSS_B		0xa000u
#define TSS_C		0xb000u
#define VECTOR		0x20
#define ERROR_CODE	0xabcdu

#define DESC(base, limit, access, flags)						\
	(((limit) & 0xffffull) | ((base) & 0xffffffull) << 16 | (u64)(access) << 40 |	\
	 (u64)((limit) >> 16 & 15) << 48 | (u64)(flags) << 52 | (u64)((base) >> 24) << 56)
#define TASK_GATE(selector, access) ((u64)(selector) << 16 | (u64)(access) << 40)

enum {
	CODE0 = 0x08, DATA0 = 0x10, CODE3 = 0x18, DATA3 = 0x20, CODE16 = 0x28, DATA16 = 0x30,
	A = 0x40, B = 0x48, C = 0x50, GATE = 0x58, LDT = 0x60, ABSENT_CODE = 0x68,
	ABSENT_DATA = 0x70, READ_ONLY = 0x78, EXEC_ONLY = 0x80, CONFORMING3 = 0x88, GDT_END = 0x90,
};

/* Fields of a 32-bit TSS, and of a 16-bit one. */
enum {
	LINK = 0, CR3 = 0x1c, EIP = 0x20, EFLAGS = 0x24, EAX = 0x28, ESP = 0x38, EDI = 0x44,
	ES = 0x48, CS = 0x4c, SS = 0x50, DS = 0x54, FS = 0x58, GS = 0x5c, LDTR = 0x60, T = 0x64,
};
enum {
	IP16 = 0x0e, FLAGS16 = 0x10, AX16 = 0x12, SP16 = 0x1a, DI16 = 0x20, ES16 = 0x22,
	CS16 = 0x24, SS16 = 0x26, DS16 = 0x28, LDT16 = 0x2a,
};

#define TF	0x100u
#define IF	0x200u
#define NT	0x4000u
#define RF	0x10000u
#define VM	0x20000u

static struct world w;
static u8 ram[RAM_SIZE];

static void poke(unsigned int addr, u64 val, unsigned int n)
{
	memcpy(ram + addr, &val, n);
}

static u64 peek(unsigned int addr, unsigned int n)
{
	u64 val = 0;

	memcpy(&val, ram + addr, n);
	return val;
}

static u8 type_of(u16 selector)
{
	return ram[GDT + selector + 5] & 15;
}

static void fill_gdt(void)
{
	static const struct {
		u16 selector;
		u64 desc;
	} t[] = {
		{ CODE0, DESC(0, 0xfffff, 0x9b, 0xc) }, { DATA0, DESC(0, 0xfffff, 0x93, 0xc) },
		{ CODE3, DESC(0, 0xfffff, 0xfb, 0xc) }, { DATA3, DESC(0, 0xfffff, 0xf3, 0xc) },
		{ CODE16, DESC(0, 0xffff, 0x9a, 0) }, { DATA16, DESC(0, 0xffff, 0x92, 0) },
		{ A, DESC(TSS_A, 0x67, 0x8b, 0) }, { B, DESC(TSS_B, 0x67, 0x89, 0) },
		{ C, DESC(TSS_C, 0x2b, 0x81, 0) }, { GATE, TASK_GATE(B, 0x85) },
		{ LDT, DESC(0xc000, 0xf, 0x82, 0) },
		{ ABSENT_CODE, DESC(0, 0xfffff, 0x1b, 0xc) },
		{ ABSENT_DATA, DESC(0, 0xfffff, 0x13, 0xc) },
		{ READ_ONLY, DESC(0, 0xfffff, 0x91, 0xc) },
		{ EXEC_ONLY, DESC(0, 0xfffff, 0x99, 0xc) },
		{ CONFORMING3, DESC(0, 0xfffff, 0xff, 0xc) },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t); i++)
		poke(GDT + t[i].selector, t[i].desc, 8);
}

static void fill_tasks(void)
{
	unsigned int i;

	for (i = 0; i < 8; i++) {
		poke(TSS_B + EAX + 4 * i, 0xb0000000u + i, 4);
		poke(TSS_C + AX16 + 2 * i, 0xc000u + i, 2);
	}
	for (i = ES; i <= GS; i += 4)
		poke(TSS_B + i, DATA0, 4);
	poke(TSS_B + CS, CODE0, 4);
	poke(TSS_B + ESP, 0x7000, 4);
	poke(TSS_B + EIP, 0x5000, 4);
	poke(TSS_B + EFLAGS, 2 | IF, 4);
	poke(TSS_B + CR3, 0x123000, 4);
	poke(TSS_B + LDTR, LDT, 4);
	for (i = ES16; i <= DS16; i += 2)
		poke(TSS_C + i, DATA16, 2);
	poke(TSS_C + CS16, CODE16, 2);
	poke(TSS_C + SP16, 0x6000, 2);
	poke(TSS_C + IP16, 0x4000, 2);
	poke(TSS_C + FLAGS16, 2, 2);
	memset(ram + TSS_A, 0xee, 0x68);
}

static void begin(void)
{
	unsigned int i;

	memset(ram, 0, sizeof(ram));
	fill_gdt();
	fill_tasks();
	poke(IDT + 8 * VECTOR, TASK_GATE(B, 0x85), 8);
	world_init(&w, EMUL_MODE_PROT32);
	world_map(&w, 0, RAM_SIZE, ram, true);
	w.table_base[EMUL_GDT] = GDT;
	w.table_limit[EMUL_GDT] = GDT_END - 1;
	w.table_base[EMUL_IDT] = IDT;
	w.table_limit[EMUL_IDT] = 0x3ff;
	w.seg[EMUL_SEG_TR] = (struct emul_segment) {
		.base = TSS_A, .limit = 0x67, .selector = A, .type = 11, .present = 1,
	};
	w.cr[3] = 0xa000;
	w.c.rip = CODE;
	for (i = 0; i < 8; i++)
		w.gpr[i] = 0xffffffffa0000000ull + i;
	w.gpr[EMUL_RSP] = STACK;
}

static enum emul_result run_bytes(const char *bytes, unsigned int n)
{
	memcpy(ram + CODE, bytes, n);
	return world_step(&w);
}

#define run(bytes) run_bytes(bytes, sizeof(bytes) - 1)

#define CALL_B	"\x9a\0\0\0\0\x48\0"
#define CALL_C	"\x9a\0\0\0\0\x50\0"
#define CALL_GATE_B "\x9a\0\0\0\0\x58\0"
#define JMP_B	"\xea\0\0\0\0\x48\0"
#define JMP_C	"\xea\0\0\0\0\x50\0"
#define JMP_A	"\xea\0\0\0\0\x40\0"
#define IRET	"\xcf"

static void expect_ok(enum emul_result res, const char *what)
{
	tap_ok(res == EMUL_OK && w.c.task_switch,
	       "%s: expected EMUL_OK and a switch, saw %d, %d (exception %u, %x)", what, res,
	       w.c.task_switch, w.c.exc.vector, w.c.exc.error_code);
}

static void expect_busy(bool a, bool b, const char *what)
{
	tap_ok(type_of(A) == (a ? 11 : 9) && type_of(B) == (b ? 11 : 9),
	       "%s: expected A %s, B %s, saw types %u, %u", what, a ? "busy" : "available",
	       b ? "busy" : "available", type_of(A), type_of(B));
}

static void expect_saved_a(u32 eip, u32 eflags)
{
	tap_eq(peek(TSS_A + EIP, 4), eip, "A's EIP is saved");
	tap_eq(peek(TSS_A + EFLAGS, 4), eflags, "A's EFLAGS");
	tap_eq(peek(TSS_A + EAX, 4), 0xa0000000, "A's EAX");
	tap_eq(peek(TSS_A + ESP, 4), STACK, "A's ESP");
	tap_eq(peek(TSS_A + EDI, 4), 0xa0000007, "A's EDI");
	tap_eq(peek(TSS_A + CS, 4), 8, "A's CS");
	tap_eq(peek(TSS_A + SS, 4), 16, "A's SS");
	tap_eq(peek(TSS_A + GS, 4), 16, "A's GS");
	tap_eq(peek(TSS_A + CR3, 4), 0xeeeeeeee, "A's CR3 in the TSS stays");
	tap_eq(peek(TSS_A + LDTR, 4), 0xeeeeeeee, "and its LDT");
}

static void expect_b(u32 eip, u32 eflags)
{
	tap_eq(w.c.rip, eip, "B's EIP");
	tap_eq(w.c.rflags, eflags, "B's EFLAGS");
	tap_eq(w.gpr[EMUL_RAX], 0xb0000000, "B's EAX");
	tap_eq(w.gpr[EMUL_RDI], 0xb0000007, "B's EDI");
	tap_eq(w.seg[EMUL_SEG_CS].selector, CODE0, "B's CS");
	tap_ok(w.seg[EMUL_SEG_GS].selector == DATA0 && !w.seg[EMUL_SEG_GS].unusable &&
	       w.seg[EMUL_SEG_GS].limit == 0xffffffff, "B's GS, loaded: saw %x, limit %x",
	       w.seg[EMUL_SEG_GS].selector, w.seg[EMUL_SEG_GS].limit);
	tap_ok(w.seg[EMUL_SEG_TR].selector == B && w.seg[EMUL_SEG_TR].base == TSS_B &&
	       w.seg[EMUL_SEG_TR].type == 11, "TR: expected B, busy, saw %x at %llx, type %u",
	       w.seg[EMUL_SEG_TR].selector, w.seg[EMUL_SEG_TR].base, w.seg[EMUL_SEG_TR].type);
	tap_ok(w.seg[EMUL_SEG_LDTR].selector == LDT && w.seg[EMUL_SEG_LDTR].base == 0xc000,
	       "LDTR: saw %x at %llx", w.seg[EMUL_SEG_LDTR].selector, w.seg[EMUL_SEG_LDTR].base);
	tap_eq(w.cr[3], 0x123000, "CR3");
	tap_eq(w.cr[0] & 8, 8, "CR0.TS");
}

static void test_call_and_return(void)
{
	begin();
	w.c.rflags = 2 | IF | RF;
	expect_ok(run(CALL_B), "call");
	expect_saved_a(CODE + 7, 2 | IF);
	expect_b(0x5000, 2 | IF | NT);
	expect_busy(true, true, "call");
	tap_eq(peek(TSS_B + LINK, 2), A, "call: the link");
	tap_eq(w.gpr[EMUL_RSP], 0x7000, "call: ESP, nothing pushed");
	tap_ok(!w.c.iret && !w.c.task_trap, "call: no IRET, no trap, saw %d, %d", w.c.iret,
	       w.c.task_trap);

	/* And back. A's CR3 and LDT in the TSS are what was there before. */
	poke(TSS_A + CR3, 0x456000, 4);
	poke(TSS_A + LDTR, 0, 4);
	w.gpr[EMUL_RAX] = 1;
	memcpy(ram + 0x5000, IRET, 1);
	expect_ok(world_step(&w), "iret with NT");
	tap_eq(w.c.rip, CODE + 7, "iret: A's EIP");
	tap_eq(w.c.rflags, 2 | IF, "iret: A's EFLAGS, without NT");
	tap_eq(w.gpr[EMUL_RAX], 0xa0000000, "iret: A's EAX");
	tap_eq(w.cr[3], 0x456000, "iret: CR3");
	tap_eq(w.seg[EMUL_SEG_LDTR].unusable, 1, "iret: a null LDT");
	tap_eq(peek(TSS_B + EIP, 4), 0x5001, "iret: B's EIP is saved");
	tap_eq(peek(TSS_B + EFLAGS, 4), 2 | IF, "iret: B's EFLAGS, without NT");
	tap_eq(peek(TSS_B + EAX, 4), 1, "iret: B's EAX");
	expect_busy(true, false, "iret");
	tap_eq(w.c.iret, 1, "iret: NMIs unblock");
}

static void test_jmp(void)
{
	begin();
	poke(TSS_B + LINK, 0x1234, 2);
	poke(TSS_B + EFLAGS, 2 | NT | RF | TF, 4);
	expect_ok(run(JMP_B), "jmp");
	expect_saved_a(CODE + 7, 2);
	expect_b(0x5000, 2 | NT | RF | TF);
	expect_busy(false, true, "jmp");
	tap_eq(peek(TSS_B + LINK, 2), 0x1234, "jmp: no link");

	begin();
	expect_ok(run(CALL_GATE_B), "call through a task gate");
	expect_busy(true, true, "call through a task gate");
	tap_eq(w.c.rflags, 2 | IF | NT, "and NT");

	begin();
	w.cr[0] &= ~0x80000000ull;
	expect_ok(run(JMP_B), "jmp without paging");
	tap_eq(w.cr[3], 0xa000, "CR3 stays");

	begin();
	w.cr[3] = 0x123000;
	expect_ok(run(JMP_B), "jmp to a task with the same CR3");
	tap_eq(w.cr3_loads, 0, "and it isn't loaded");
	begin();
	w.cr[3] = 0x123000;
	w.c.vendor = EMUL_VENDOR_AMD;
	expect_ok(run(JMP_B), "jmp to a task with the same CR3, on AMD");
	tap_eq(w.cr3_loads, 1, "loaded");

	begin();
	poke(TSS_B + T, 1, 1);
	expect_ok(run(JMP_B), "jmp with the T bit");
	tap_eq(w.c.task_trap, 1, "a debug trap");
}

static void test_16_bits(void)
{
	begin();
	expect_ok(run(CALL_C), "call to a 16-bit TSS");
	tap_eq(w.c.rip, 0x4000, "IP");
	tap_eq(w.c.rflags, 2 | NT, "FLAGS");
	tap_eq(w.gpr[EMUL_RAX] & 0xffff, 0xc000, "AX");
	tap_eq(w.gpr[EMUL_RDI] & 0xffff, 0xc007, "DI");
	tap_eq(w.gpr[EMUL_RSP] & 0xffff, 0x6000, "SP");
	tap_eq(w.seg[EMUL_SEG_CS].selector, CODE16, "CS");
	tap_ok(w.seg[EMUL_SEG_FS].unusable && !w.seg[EMUL_SEG_FS].selector,
	       "FS is null, saw %x", w.seg[EMUL_SEG_FS].selector);
	tap_eq(w.cr[3], 0xa000, "no CR3");
	tap_eq(ram[GDT + CODE16 + 5], 0x9b, "its code segment is marked accessed");
	tap_eq(type_of(C), 3, "busy");
	tap_eq(w.c.mode, EMUL_MODE_PROT16, "its mode");
	w.gpr[EMUL_RAX] = 0x12345678;
	memcpy(ram + 0x4000, IRET, 1);
	poke(TSS_A + LDTR, 0, 4);
	memset(ram + TSS_C + 2, 0xee, IP16 - 2);
	expect_ok(world_step(&w), "iret");
	tap_eq(w.gpr[EMUL_RAX], 0xa0000000, "EAX of A");
	tap_eq(peek(TSS_C + IP16, 2), 0x4001, "IP is saved");
	tap_eq(peek(TSS_C + AX16, 2), 0x5678, "AX");
	tap_eq(peek(TSS_C + DS16, 2), DATA16, "DS");
	tap_eq(peek(TSS_C + LDT16, 2), 0, "not LDT");
	tap_eq(peek(TSS_C + IP16 - 2, 2), 0xeeee, "nor what is below");
}

static void test_gate(void)
{
	begin();
	w.c.rflags = 2 | RF;
	expect_ok(emul_deliver(&w.c, VECTOR, false, true, ERROR_CODE), "an exception by task gate");
	expect_saved_a(CODE, 2 | RF);
	expect_b(0x5000, 2 | IF | NT);
	expect_busy(true, true, "task gate");
	tap_eq(w.gpr[EMUL_RSP], 0x7000 - 4, "an error code on the new stack");
	tap_eq(peek(0x7000 - 4, 4), ERROR_CODE, "namely");

	begin();
	poke(IDT + 8 * VECTOR, TASK_GATE(C, 0x85), 8);
	expect_ok(emul_deliver(&w.c, VECTOR, false, true, ERROR_CODE), "to a 16-bit TSS");
	tap_eq(peek(0x6000 - 2, 2), ERROR_CODE, "2 bytes of error code");
	tap_eq(w.gpr[EMUL_RSP] & 0xffff, 0x6000 - 2, "SP");

	begin();
	expect_ok(run("\xcd\x20"), "int n");
	tap_eq(peek(TSS_A + EIP, 4), CODE + 2, "int n: A goes on behind it");
	tap_eq(w.gpr[EMUL_RSP], 0x7000, "int n: no error code");
}

static void test_vm86_task(void)
{
	unsigned int i;

	begin();
	for (i = ES; i <= GS; i += 4)
		poke(TSS_B + i, 0x100 + i, 4);
	poke(TSS_B + EFLAGS, 2 | VM, 4);
	poke(TSS_B + EIP, 0x1234, 4);
	expect_ok(run(JMP_B), "jmp to a virtual-8086 task");
	tap_eq(w.c.rflags, 2 | VM, "VM");
	tap_eq(w.seg[EMUL_SEG_CS].base, (0x100 + CS) << 4, "CS is a paragraph");
	tap_eq(w.seg[EMUL_SEG_GS].base, (0x100 + GS) << 4, "GS too");
	tap_eq(w.seg[EMUL_SEG_SS].dpl, 3, "CPL 3");
	tap_eq(w.c.mode, EMUL_MODE_VM86, "the mode");
}

/* What goes wrong, in whose task. */
static const struct row {
	const char *name;
	char insn[8];		/* or, if none, the event VECTOR */
	u8 cpl;
	u64 flags;
	struct {
		u32 addr;
		u8 n;
		u64 val;
	} poke[4];
	u8 exc;
	u32 code;
	bool in_new;
} faults[] = {
	/* in the old task */
	{ "TSS's DPL", CALL_B, 3, 0, {}, 13, B, false },
	{ "TSS's DPL and RPL", "\xea\0\0\0\0\x4b\0", 0, 0, {}, 13, B, false },
	{ "busy", JMP_A, 0, 0, {}, 13, A, false },
	{ "not present", CALL_B, 0, 0, { { GDT + B + 5, 1, 0x09 } }, 11, B, false },
	{ "too short", CALL_B, 0, 0, { { GDT + B, 2, 0x66 } }, 10, B, false },
	{ "16 bits, too short", CALL_C, 0, 0, { { GDT + C, 2, 0x2a } }, 10, C, false },
	{ "gate's DPL", CALL_GATE_B, 3, 0, {}, 13, GATE, false },
	{ "gate not present", CALL_GATE_B, 0, 0, { { GDT + GATE + 5, 1, 0x05 } }, 11, GATE, false },
	{ "TSS by a gate: its DPL doesn't matter, busy does", CALL_GATE_B, 3, 0,
	  { { GDT + GATE + 5, 1, 0xe5 }, { GDT + B + 5, 1, 0x8b } }, 13, B, false },
	{ "TSS in the LDT", CALL_GATE_B, 0, 0, { { GDT + GATE + 2, 2, B | 4 } }, 13, B | 4, false },
	{ "TSS beyond the GDT", CALL_GATE_B, 0, 0, { { GDT + GATE + 2, 2, GDT_END } },
	  13, GDT_END, false },
	{ "no TSS", CALL_GATE_B, 0, 0, { { GDT + GATE + 2, 2, LDT } }, 13, LDT, false },
	{ "event: TSS busy", "", 0, 0, { { GDT + B + 5, 1, 0x8b } }, 13, B | 1, false },
	{ "event: TSS in the LDT", "", 0, 0, { { IDT + 8 * VECTOR + 2, 2, B | 4 } },
	  13, B | 4 | 1, false },
	{ "event: TSS not present", "", 0, 0, { { GDT + B + 5, 1, 0x09 } }, 11, B | 1, false },
	{ "event: TSS too short", "", 0, 0, { { GDT + B, 2, 0x66 } }, 10, B | 1, false },
	{ "int n: no EXT", "\xcd\x20", 0, 0, { { GDT + B + 5, 1, 0x8b } }, 13, B, false },
	{ "int n: gate's DPL", "\xcd\x20", 3, 0, {}, 13, VECTOR * 8 + 2, false },
	{ "iret: link not busy", IRET, 0, NT, { { TSS_A, 2, B } }, 10, B, false },
	{ "iret: link in the LDT", IRET, 0, NT, { { TSS_A, 2, B | 4 } }, 10, B | 4, false },
	{ "iret: link beyond the GDT", IRET, 0, NT, { { TSS_A, 2, GDT_END } }, 10, GDT_END, false },
	{ "iret: link not present", IRET, 0, NT, { { TSS_A, 2, B }, { GDT + B + 5, 1, 0x0b } },
	  11, B, false },
	{ "iret: link to a segment", IRET, 0, NT, { { TSS_A, 2, CODE0 } }, 10, CODE0, false },
	/* in the new one: table 7-1 */
	{ "LDT selector in the LDT", CALL_B, 0, 0, { { TSS_B + LDTR, 2, LDT | 4 } },
	  10, LDT | 4, true },
	{ "no LDT", CALL_B, 0, 0, { { TSS_B + LDTR, 2, DATA0 } }, 10, DATA0, true },
	{ "LDT not present", CALL_B, 0, 0, { { GDT + LDT + 5, 1, 0x02 } }, 10, LDT, true },
	{ "LDT goes before CS", CALL_B, 0, 0,
	  { { TSS_B + CS, 2, 0 }, { GDT + LDT + 5, 1, 0x02 } }, 10, LDT, true },
	{ "null CS", CALL_B, 0, 0, { { TSS_B + CS, 2, 0 } }, 10, 0, true },
	{ "CS beyond the GDT", CALL_B, 0, 0, { { TSS_B + CS, 2, GDT_END } }, 10, GDT_END, true },
	{ "data for CS", CALL_B, 0, 0, { { TSS_B + CS, 2, DATA0 } }, 10, DATA0, true },
	{ "CS's DPL", CALL_B, 0, 0, { { TSS_B + CS, 2, CODE3 } }, 10, CODE3, true },
	{ "conforming CS's DPL", CALL_B, 0, 0, { { TSS_B + CS, 2, CONFORMING3 } },
	  10, CONFORMING3, true },
	{ "CS not present", CALL_B, 0, 0, { { TSS_B + CS, 2, ABSENT_CODE } },
	  11, ABSENT_CODE, true },
	{ "null SS", CALL_B, 0, 0, { { TSS_B + SS, 2, 0 } }, 10, 0, true },
	{ "SS beyond the GDT", CALL_B, 0, 0, { { TSS_B + SS, 2, GDT_END } }, 10, GDT_END, true },
	{ "SS can't be written", CALL_B, 0, 0, { { TSS_B + SS, 2, READ_ONLY } },
	  10, READ_ONLY, true },
	{ "SS's DPL", CALL_B, 0, 0, { { TSS_B + SS, 2, DATA3 } }, 10, DATA3, true },
	{ "SS's RPL", CALL_B, 0, 0, { { TSS_B + SS, 2, DATA0 | 3 } }, 10, DATA0, true },
	{ "SS not present", CALL_B, 0, 0, { { TSS_B + SS, 2, ABSENT_DATA } },
	  12, ABSENT_DATA, true },
	{ "DS not present", CALL_B, 0, 0, { { TSS_B + DS, 2, ABSENT_DATA } },
	  11, ABSENT_DATA, true },
	{ "ES beyond the GDT", CALL_B, 0, 0, { { TSS_B + ES, 2, GDT_END } }, 10, GDT_END, true },
	{ "FS can't be read", CALL_B, 0, 0, { { TSS_B + FS, 2, EXEC_ONLY } }, 10, EXEC_ONLY, true },
	{ "GS's DPL at level 3", CALL_B, 0, 0,
	  { { TSS_B + CS, 2, CODE3 | 3 }, { TSS_B + SS, 2, DATA3 | 3 }, { TSS_B + DS, 4, DATA3 },
	    { TSS_B + ES, 2, 0 } }, 10, DATA0, true },
	{ "EIP", CALL_C, 0, 0, { { GDT + CODE16, 2, 0x3fff } }, 13, 0, true },
	{ "event: EXT", "", 0, 0, { { TSS_B + DS, 2, ABSENT_DATA } }, 11, ABSENT_DATA | 1, true },
	{ "event: no room for the error code", "", 0, 0,
	  { { GDT + DATA0, 8, DESC(0, 0xfff, 0x97, 0x4) }, { TSS_B + ESP, 4, 0x1000 } },
	  12, 1, true },
};

static void test_faults(void)
{
	const struct row *r;
	enum emul_result res;
	unsigned int i;

	for (r = faults; r < faults + ARRAY_SIZE(faults); r++) {
		begin();
		for (i = 0; i < ARRAY_SIZE(r->poke); i++)
			poke(r->poke[i].addr, r->poke[i].val, r->poke[i].n);
		w.c.cpl = r->cpl;
		w.c.rflags |= r->flags;
		memcpy(ram + CODE, r->insn, sizeof(r->insn));
		if (r->insn[0])
			res = world_step(&w);
		else
			res = emul_deliver(&w.c, VECTOR, false, true, ERROR_CODE);
		tap_ok(res == EMUL_EXCEPTION && w.c.exc.vector == r->exc &&
		       w.c.exc.error_code == r->code && w.c.task_switch == r->in_new,
		       "%s: expected exception %u (%x) in the %s task, saw result %d, %u (%x) in "
		       "the %s", r->name, r->exc, r->code, r->in_new ? "new" : "old", res,
		       w.c.exc.vector, w.c.exc.error_code, w.c.task_switch ? "new" : "old");
		tap_ok((w.seg[EMUL_SEG_TR].selector != A) == r->in_new &&
		       (w.c.rip != CODE) == r->in_new,
		       "%s: and the registers agree, saw TR %x, EIP %llx", r->name,
		       w.seg[EMUL_SEG_TR].selector, w.c.rip);
		if (!r->in_new && r->code != A)
			expect_busy(true, type_of(B) & 2, r->name);
	}
}

/* Where hardware leaves off. */
static void test_intercepted(void)
{
	struct emul_task_switch t = {
		.selector = B, .reason = EMUL_TASK_GATE, .has_error = true,
		.error_code = ERROR_CODE,
	};

	begin();
	expect_ok(emul_task_switch(&w.c, &t), "intercepted: gate");
	tap_eq(peek(0x7000 - 4, 4), ERROR_CODE, "the error code");
	tap_eq(peek(TSS_A + EIP, 4), CODE, "A's EIP");

	begin();
	t = (struct emul_task_switch) { .selector = B, .reason = EMUL_TASK_JMP };
	w.c.rip = CODE + 7;
	expect_ok(emul_task_switch(&w.c, &t), "intercepted: jmp");
	expect_saved_a(CODE + 7, 2);
	expect_busy(false, true, "intercepted: jmp");
	tap_eq(w.c.iret, 0, "no IRET");

	begin();
	t.reason = EMUL_TASK_IRET;
	poke(GDT + B + 5, 0x8b, 1);
	w.c.rflags |= NT;
	expect_ok(emul_task_switch(&w.c, &t), "intercepted: iret");
	expect_saved_a(CODE, 2);
	expect_busy(false, true, "intercepted: iret");
	tap_eq(w.c.iret, 1, "NMIs unblock");

	begin();
	w.c.lma = true;
	tap_eq(emul_task_switch(&w.c, &t), EMUL_UNHANDLEABLE, "long mode has no tasks");
}

/* Page faults and races come before anything has changed; devices afterwards are too late. */
static void test_restart(void)
{
	begin();
	poke(GDT + B, DESC(RAM_SIZE - 0x40, 0x67, 0x89, 0), 8);
	tap_eq(run(CALL_B), EMUL_EXCEPTION, "a TSS that is not mapped in full");
	tap_ok(w.c.exc.vector == 14 && w.c.exc.address == RAM_SIZE && !w.c.task_switch,
	       "is #PF in the old task, saw %u at %llx", w.c.exc.vector, w.c.exc.address);
	expect_busy(true, false, "and B is available");

	begin();
	w.cmpxchg_races = true;
	tap_eq(run(JMP_B), EMUL_RESTART, "a racing busy bit");
	tap_eq(w.seg[EMUL_SEG_TR].selector, A, "changes nothing");
	tap_eq(world_step(&w), EMUL_OK, "and again");
	expect_busy(false, true, "does it");

	/* The second of JMP's two: A is available already. */
	begin();
	poke(GDT + A + 5, 0x89, 1);
	w.cmpxchg_races = true;
	tap_eq(run(JMP_B), EMUL_RESTART, "a racing second busy bit");
	tap_eq(world_step(&w), EMUL_OK, "and again");
	expect_busy(false, true, "does it");

	begin();
	poke(TSS_B + DS, DATA16, 2);
	tap_eq(run(CALL_B), EMUL_OK, "a data segment to be marked accessed");
	tap_eq(ram[GDT + DATA16 + 5], 0x93, "is");

	/* TSS A in a device: what is written goes there once, in two pieces. */
	begin();
	w.region[0].size = TSS_A;
	world_map(&w, TSS_A, 0x1000, ram + TSS_A, true)->mmio = true;
	world_map(&w, TSS_B, RAM_SIZE - TSS_B, ram + TSS_B, true);
	expect_ok(run(JMP_B), "an old TSS in a device");
	tap_eq(w.nr_exits, 2, "two exits");

	begin();
	w.region[0].size = 0xc000;
	world_map(&w, 0xc000, 0x1000, ram + 0xc000, true)->mmio = true;
	poke(TSS_B + DS, 4, 2);
	memcpy(ram + CODE, CALL_B, 7);
	emul_decode(&w.c, NULL, 0);
	tap_eq(emul_execute(&w.c), EMUL_UNHANDLEABLE, "an LDT in a device, in the new task");
	tap_eq(w.c.task_switch, 1, "which it is");
}

int main(void)
{
	test_call_and_return();
	test_jmp();
	test_16_bits();
	test_gate();
	test_vm86_task();
	test_faults();
	test_intercepted();
	test_restart();
	return tap_done();
}
