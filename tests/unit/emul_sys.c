// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process can't try on the CPU: privileged instructions, real mode, segmentation, device
 * accesses that userspace completes, and the edges of instruction fetch.
 */
#include <stdio.h>
#include <string.h>

#include "emul_world.h"
#include "tap.h"

#define RAM_SIZE	0x20000u
#define CODE		0x1000u
#define DATA		0x4000u
#define STACK		0x8000u
#define MMIO		0x40000u

static struct world w;
static u8 ram[RAM_SIZE], mmio[0x1000];

#define RAX w.c.gpr[EMUL_RAX]
#define RCX w.c.gpr[EMUL_RCX]
#define RDX w.c.gpr[EMUL_RDX]
#define RBX w.c.gpr[EMUL_RBX]
#define RSP w.c.gpr[EMUL_RSP]
#define RBP w.c.gpr[EMUL_RBP]
#define RSI w.c.gpr[EMUL_RSI]
#define RDI w.c.gpr[EMUL_RDI]

static void setup(enum emul_mode mode)
{
	world_init(&w, mode);
	world_map(&w, 0, RAM_SIZE, ram, true);
	world_map(&w, MMIO, sizeof(mmio), mmio, true)->mmio = true;
	memset(ram, 0, sizeof(ram));
	w.c.rip = CODE;
	RSP = STACK;
}

static u64 peek(unsigned int addr, unsigned int n)
{
	u64 val = 0;

	memcpy(&val, ram + addr, n);
	return val;
}

static void poke(unsigned int addr, u64 val, unsigned int n)
{
	memcpy(ram + addr, &val, n);
}

/* Put an instruction at rip and run it. */
#define run(bytes) run_bytes(bytes, sizeof(bytes) - 1)

static enum emul_result run_bytes(const char *bytes, unsigned int n)
{
	u64 at = w.c.rip + (w.c.mode == EMUL_MODE_PROT64 ? 0 : w.seg[EMUL_SEG_CS].base);

	memcpy(ram + at, bytes, n);
	return world_step(&w);
}

static void expect_ok(enum emul_result res, const char *what)
{
	tap_ok(res == EMUL_OK, "%s: expected EMUL_OK, saw %d (vector %u)", what, res,
	       w.c.exc.vector);
}

static void expect_exc(enum emul_result res, u8 vector, u32 code, const char *what)
{
	tap_ok(res == EMUL_EXCEPTION && w.c.exc.vector == vector && w.c.exc.error_code == code &&
	       w.c.rip == CODE,
	       "%s: expected exception %u (%x), saw result %d, %u (%x), rip %llx", what, vector,
	       code, res, w.c.exc.vector, w.c.exc.error_code, w.c.rip);
}

static void test_real_addressing(void)
{
	setup(EMUL_MODE_REAL);
	world_real_segment(&w, EMUL_SEG_DS, 0x400);
	poke(0x4001, 0x1234, 2);
	RBX = 0xffff;
	RSI = 2;
	RAX = 0xaaaaaaaa;
	expect_ok(run("\x8b\x00"), "real: mov ax, [bx+si] wraps at 64 KiB");
	tap_eq(RAX, 0xaaaa1234, "real: and reads through DS");
	tap_eq(w.c.rip, CODE + 2, "real: next IP");

	setup(EMUL_MODE_REAL);
	RBX = 0xffff;
	expect_exc(run("\x8b\x07"), 13, 0, "real: word at offset FFFF is #GP");
	tap_ok(!w.c.exc.has_error, "real: no error code, saw has_error %d", w.c.exc.has_error);
	RBP = 0xffff;
	expect_exc(run("\x8b\x46\x00"), 12, 0, "real: through BP it is #SS");

	setup(EMUL_MODE_REAL);
	w.seg[EMUL_SEG_DS].limit = 0xffffffff;	/* unreal mode */
	RBX = 0x10000 + DATA;
	poke(0x10000 + DATA, 0x55667788, 4);
	expect_ok(run("\x67\x66\x8b\x03"), "unreal: 32-bit offset above 64 KiB");
	tap_eq(RAX, 0x55667788, "unreal: value");

	setup(EMUL_MODE_REAL);
	w.seg[EMUL_SEG_DS] = (struct emul_segment){ .unusable = 1 };
	RAX = 0x400;
	RBX = 0xfffe;
	poke(0x4000 + 0xfffe, 0x4321, 2);
	expect_exc(run("\x8b\x07"), 13, 0, "real: DS that was left null can't be used");
	expect_ok(run("\x8e\xd8"), "real: mov ds, ax");
	expect_ok(run("\x8b\x07"), "real: now it can, up to 64 KiB");
	tap_eq(RAX, 0x4321, "real: what is there");

	setup(EMUL_MODE_REAL);
	w.c.rip = 0xffff;
	ram[0xffff] = 0x40;
	tap_eq(world_step(&w), EMUL_OK, "real: an instruction in the segment's last byte");
	tap_eq(w.c.rip, 0x10000, "real: IP then is beyond the limit");
	tap_eq(world_step(&w), EMUL_EXCEPTION, "real: fetch there faults");
	tap_eq(w.c.exc.vector, 13, "real: with #GP");
}

static void test_real_flow(void)
{
	setup(EMUL_MODE_REAL);
	poke(0x21 * 4, 0x02003456, 4);
	w.c.rflags = 0x302 | 0x40000;
	RSP = 0x12340000 | STACK;
	expect_ok(run("\xcd\x21"), "real: int 21h");
	tap_eq(w.seg[EMUL_SEG_CS].selector, 0x200, "real: int: CS");
	tap_eq(w.seg[EMUL_SEG_CS].base, 0x2000, "real: int: CS base");
	tap_eq(w.c.rip, 0x3456, "real: int: IP");
	tap_eq(w.c.rflags, 2, "real: int: IF, TF, AC cleared");
	tap_eq(RSP, 0x12340000 | (STACK - 6), "real: int: SP, upper half left alone");
	tap_eq(peek(STACK - 2, 2), 0x302, "real: int: pushed FLAGS");
	tap_eq(peek(STACK - 4, 2), 0, "real: int: pushed CS");
	tap_eq(peek(STACK - 6, 2), CODE + 2, "real: int: pushed IP");
	expect_ok(run("\xcf"), "real: iret");
	tap_eq(w.c.rip, CODE + 2, "real: iret: IP");
	tap_eq(w.seg[EMUL_SEG_CS].base, 0, "real: iret: CS base");
	tap_eq(w.c.rflags, 0x302, "real: iret: FLAGS");
	tap_ok(w.c.iret, "real: iret says that NMIs unblock, saw %d", w.c.iret);

	setup(EMUL_MODE_REAL);
	w.table_limit[EMUL_IDT] = 0x83;
	expect_exc(run("\xcd\x21"), 13, 0x10a, "real: int beyond the IDT's limit");

	setup(EMUL_MODE_REAL);
	expect_ok(run("\xea\x34\x12\x00\x03"), "real: jmp far");
	tap_eq(w.seg[EMUL_SEG_CS].base + w.c.rip, 0x3000 + 0x1234, "real: jmp far: target");

	setup(EMUL_MODE_REAL);
	world_real_segment(&w, EMUL_SEG_CS, 0x10);
	w.c.rip = CODE;
	expect_ok(run("\x9a\x34\x12\x00\x03"), "real: call far");
	tap_eq(peek(STACK - 4, 4), 0x100000 + CODE + 5, "real: call far: return address");
	expect_ok(run("\xca\x06\x00"), "real: retf 6");
	tap_eq(w.seg[EMUL_SEG_CS].base + w.c.rip, 0x100 + CODE + 5, "real: retf: target");
	tap_eq(RSP, STACK + 6, "real: retf 6: SP");

	setup(EMUL_MODE_REAL);
	w.c.rflags |= 0x800;
	poke(4 * 4, 0x00001111, 4);
	expect_ok(run("\xce"), "real: into with OF");
	tap_eq(w.c.rip, 0x1111, "real: into: IP");
}

/* A descriptor: base, limit, access byte, flags. */
static void set_desc(unsigned int selector, u32 base, u32 limit, u8 access, u8 flags)
{
	u64 d = (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)access << 40 |
		(u64)(limit >> 16 & 15) << 48 | (u64)flags << 52 | (u64)(base >> 24) << 56;

	poke(0x2000 + selector, d, 8);
}

static void setup_gdt(enum emul_mode mode)
{
	setup(mode);
	w.table_base[EMUL_GDT] = 0x2000;
	w.table_limit[EMUL_GDT] = 0x7f;
	set_desc(0x08, 0, 0xfffff, 0x9b, 0xc);		/* 32-bit code */
	set_desc(0x10, 0, 0xfffff, 0x93, 0xc);		/* data */
	set_desc(0x18, 0, 0xfffff, 0x9a, 0xa);		/* 64-bit code, not accessed */
	set_desc(0x20, 0x12345678, 0xfff, 0x92, 0x4);	/* data, not accessed */
	set_desc(0x28, 0, 0xfffff, 0x12, 0xc);		/* data, not present */
	set_desc(0x30, 0, 0xffff, 0x98, 0x4);		/* execute-only */
	set_desc(0x38, 0, 0xfffff, 0xf3, 0xc);		/* data, DPL 3 */
	set_desc(0x40, 0x9000, 0x67, 0x89, 0);		/* TSS */
	set_desc(0x50, 0xa000, 0x3f, 0x82, 0);		/* LDT */
	set_desc(0x60, 0, 0, 0x8c, 0);			/* call gate */
}

static void test_segment_loads(void)
{
	setup_gdt(EMUL_MODE_PROT32);
	RAX = 0x20;
	expect_ok(run("\x8e\xd8"), "prot: mov ds, ax");
	tap_eq(w.seg[EMUL_SEG_DS].base, 0x12345678, "prot: DS base");
	tap_eq(w.seg[EMUL_SEG_DS].limit, 0xfff, "prot: DS limit");
	tap_eq(w.seg[EMUL_SEG_DS].type, 3, "prot: DS type is accessed");
	tap_eq(ram[0x2025], 0x93, "prot: the descriptor is marked accessed");

	setup_gdt(EMUL_MODE_PROT32);
	RAX = 0x28;
	expect_exc(run("\x8e\xd8"), 11, 0x28, "prot: not present is #NP");
	expect_exc(run("\x8e\xd0"), 12, 0x28, "prot: for SS it is #SS");
	RAX = 0x30;
	expect_exc(run("\x8e\xd8"), 13, 0x30, "prot: execute-only is #GP");
	RAX = 0x80;
	expect_exc(run("\x8e\xd8"), 13, 0x80, "prot: beyond the table is #GP");
	RAX = 0;
	expect_exc(run("\x8e\xd0"), 13, 0, "prot: null SS is #GP");
	expect_ok(run("\x8e\xc0"), "prot: null ES");
	tap_eq(w.seg[EMUL_SEG_ES].unusable, 1, "prot: null ES is unusable");
	w.c.rip = CODE;
	expect_exc(run("\x26\x8b\x03"), 13, 0, "prot: and an access through it #GP");
	RAX = 0x10;
	expect_ok(run("\x8e\xd0"), "prot: mov ss");
	tap_eq(w.c.shadow, EMUL_SHADOW_MOV_SS, "prot: mov ss has a shadow");

	setup_gdt(EMUL_MODE_PROT32);
	w.c.cpl = 3;
	RAX = 0x13;
	expect_exc(run("\x8e\xd8"), 13, 0x10, "prot: DPL 0 data from CPL 3");
	RAX = 0x3b;
	expect_ok(run("\x8e\xd8"), "prot: DPL 3 data from CPL 3");
	tap_eq(w.seg[EMUL_SEG_DS].dpl, 3, "prot: its DPL");

	setup_gdt(EMUL_MODE_PROT32);
	RAX = 0x23;
	expect_exc(run("\x8e\xd8"), 13, 0x20, "prot: RPL 3 for DPL 0 data from CPL 0");

	setup_gdt(EMUL_MODE_PROT32);
	w.cmpxchg_races = true;
	RAX = 0x20;
	tap_eq(run("\x8e\xd8"), EMUL_RESTART, "prot: a descriptor that changes meanwhile");
	tap_eq(w.seg[EMUL_SEG_DS].selector, 0x10, "prot: leaves DS alone");

	setup_gdt(EMUL_MODE_PROT32);
	RAX = 0x50;
	expect_ok(run("\x0f\x00\xd0"), "prot: lldt");
	tap_eq(w.seg[EMUL_SEG_LDTR].base, 0xa000, "prot: LDT base");
	RAX = 0x40;
	expect_ok(run("\x0f\x00\xd8"), "prot: ltr");
	tap_eq(w.seg[EMUL_SEG_TR].base, 0x9000, "prot: TSS base");
	tap_eq(ram[0x2045], 0x8b, "prot: TSS is busy");
	w.c.rip = CODE;
	expect_exc(run("\x0f\x00\xd8"), 13, 0x40, "prot: ltr of a busy one");
	expect_ok(run("\x0f\x00\xc9"), "prot: str");
	tap_eq(RCX, 0x40, "prot: str: selector");
	setup(EMUL_MODE_REAL);
	expect_exc(run("\x0f\x00\xd8"), 6, 0, "real: ltr is #UD");
}

static void test_prot_flow(void)
{
	setup_gdt(EMUL_MODE_PROT32);
	w.c.lma = true;
	expect_ok(run("\xea\x00\x30\x00\x00\x18\x00"), "prot: jmp far into 64-bit code");
	tap_eq(w.seg[EMUL_SEG_CS].l, 1, "prot: CS.L");
	tap_eq(w.c.rip, 0x3000, "prot: RIP");
	tap_eq(ram[0x201d], 0x9b, "prot: the descriptor is marked accessed");

	setup_gdt(EMUL_MODE_PROT32);
	expect_exc(run("\xea\x00\x30\x00\x00\x10\x00"), 13, 0x10, "prot: jmp far to data");
	expect_exc(run("\xea\x00\x30\x00\x00\x00\x00"), 13, 0, "prot: jmp far to null");
	expect_exc(run("\xea\x00\x00\x01\x00\x30\x00"), 13, 0, "prot: jmp far beyond the limit");
	expect_exc(run("\xea\x00\x00\x01\x00\x60\x00"), 13, 0, "prot: call gate to null");
	expect_ok(run("\x9a\x00\x30\x00\x00\x08\x00"), "prot: call far");
	tap_eq(peek(STACK - 8, 8), 0x800001007ull, "prot: return address");
	expect_ok(run("\xcb"), "prot: retf");
	tap_eq(w.c.rip, CODE + 7, "prot: retf: EIP");
	tap_eq(RSP, STACK, "prot: retf: ESP");
	w.c.rip = CODE;
	expect_exc(run("\xcd\x80"), 13, 0x402, "prot: int beyond the IDT's limit");

	setup(EMUL_MODE_PROT64);
	RAX = 0x800000000000;
	expect_exc(run("\xff\xe0"), 13, 0, "64: jmp to a non-canonical address");
	RAX = 0x8000000000000000;
	expect_exc(run("\x48\x8b\x00"), 13, 0, "64: read of one");
	RBP = 0x8000000000000000;
	expect_exc(run("\x48\x8b\x45\x00"), 12, 0, "64: through RBP it is #SS");
	w.c.va_bits = 57;
	RAX = 0x800000000000;
	expect_exc(run("\x48\x8b\x00"), 14, 0, "64: canonical with 57 bits, but not mapped");
	tap_eq(w.c.exc.address, 0x800000000000, "64: fault address");

	setup(EMUL_MODE_PROT64);
	expect_ok(run("\x66\xe8\x00\x10\x00\x00"), "64: 66 call, Intel: prefix ignored");
	tap_eq(w.c.rip, CODE + 6 + 0x1000, "64: target");
	setup(EMUL_MODE_PROT64);
	w.c.vendor = EMUL_VENDOR_AMD;
	expect_ok(run("\x66\xe8\x00\x10"), "64: 66 call, AMD: 16 bits");
	tap_eq(w.c.rip, CODE + 4 + 0x1000, "64: target");
	tap_eq(RSP, STACK - 2, "64: pushes 2 bytes");
}

static void test_segment_limits(void)
{
	setup(EMUL_MODE_PROT32);
	w.seg[EMUL_SEG_DS].limit = 0x40ff;
	RBX = 0x40fc;
	expect_ok(run("\x8b\x03"), "limit: last dword inside");
	w.c.rip = CODE;
	RBX = 0x40fd;
	expect_exc(run("\x8b\x03"), 13, 0, "limit: one byte outside");
	w.seg[EMUL_SEG_DS].type = 7;	/* expand-down */
	w.seg[EMUL_SEG_DS].limit = 0x3fff;
	RBX = 0x4000;
	expect_ok(run("\x8b\x03"), "expand-down: above the limit");
	w.c.rip = CODE;
	RBX = 0x3fff;
	expect_exc(run("\x8b\x03"), 13, 0, "expand-down: below");
	w.seg[EMUL_SEG_DS].type = 1;
	w.seg[EMUL_SEG_DS].limit = 0xffffffff;
	expect_exc(run("\x89\x03"), 13, 0, "type: write to read-only data");
	expect_exc(run("\x01\x03"), 13, 0, "type: read-modify-write of it");
	expect_ok(run("\x39\x03"), "type: cmp only reads");
	w.c.rip = CODE;
	expect_exc(run("\x2e\x89\x03"), 13, 0, "type: write to code");
	w.seg[EMUL_SEG_CS].type = 9;
	expect_exc(run("\x2e\x8b\x03"), 13, 0, "type: read of execute-only code");
	w.seg[EMUL_SEG_CS].limit = CODE + 1;
	expect_exc(run("\x8b\x45\x00"), 13, 0, "fetch: third byte beyond the limit of CS");
	w.seg[EMUL_SEG_CS].limit = CODE + 2;
	expect_ok(run("\x8b\x45\x00"), "fetch: up to the limit");

	setup(EMUL_MODE_PROT64);
	w.c.cpl = 3;
	w.c.rflags |= 0x40000;
	w.cr[0] |= 0x40000;
	RBX = DATA + 1;
	expect_exc(run("\x8b\x03"), 17, 0, "alignment check");
	expect_ok(run("\x8a\x03"), "alignment check: not of bytes");
}

static void test_control(void)
{
	setup(EMUL_MODE_PROT64);
	RAX = 0x80000033;
	expect_ok(run("\x0f\x22\xc0"), "mov cr0, rax");
	tap_eq(w.cr[0], 0x80000033, "CR0");
	expect_ok(run("\x0f\x20\xc3"), "mov rbx, cr0");
	tap_eq(RBX, 0x80000033, "RBX");
	w.c.rip = CODE;
	RAX = 1ull << 63;
	expect_exc(run("\x0f\x22\xe0"), 13, 0, "mov cr4: set_cr's #GP");
	expect_exc(run("\x0f\x22\xc8"), 6, 0, "mov cr1 is #UD");
	expect_ok(run("\x44\x0f\x22\xc0"), "mov cr8, rax");
	tap_eq(w.cr[8], 1ull << 63, "CR8");
	w.c.rip = CODE;
	expect_exc(run("\xf0\x0f\x20\xc1"), 6, 0, "lock mov ecx, cr0, Intel");
	w.c.vendor = EMUL_VENDOR_AMD;
	expect_ok(run("\xf0\x0f\x20\xc1"), "lock mov ecx, cr0, AMD: CR8");
	tap_eq(RCX, 1ull << 63, "RCX");

	setup(EMUL_MODE_PROT64);
	w.cr[0] |= 8;
	expect_ok(run("\x0f\x06"), "clts");
	tap_eq(w.cr[0], 0x80000011, "CR0.TS");
	RAX = 0xfffe;
	expect_ok(run("\x0f\x01\xf0"), "lmsw ax");
	tap_eq(w.cr[0], 0x8000001f, "lmsw: can't clear PE");
	setup(EMUL_MODE_REAL);
	RAX = 1;
	expect_ok(run("\x0f\x01\xf0"), "real: lmsw ax");
	tap_eq(w.cr[0], 0x11, "real: lmsw: sets PE");
	setup(EMUL_MODE_PROT64);
	w.cr[0] = 0x8000001f;
	expect_ok(run("\x0f\x01\xe3"), "smsw ebx");
	tap_eq(RBX, 0x8000001f, "smsw: EBX");
	RBX = DATA;
	poke(DATA, ~0ull, 8);
	expect_ok(run("\x48\x0f\x01\x23"), "smsw [rbx] with REX.W");
	tap_eq(peek(DATA, 8), 0xffffffffffff001f, "smsw: two bytes");
	poke(DATA, 0xfff4, 2);
	expect_ok(run("\x0f\x01\x33"), "lmsw [rbx]");
	tap_eq(w.cr[0], 0x80000015, "lmsw: four bits of it, and PE stays");
	w.cr[0] = 0x8000001f;
	RAX = 0x1234567;
	expect_ok(run("\x0f\x23\xf8"), "mov dr7, rax");
	tap_eq(w.dr[7], 0x1234567, "DR7");
	expect_ok(run("\x0f\x21\xe9"), "mov rcx, dr5");
	tap_eq(RCX, 0x1234567, "dr5 is dr7");
	w.cr[4] |= 8;
	w.c.rip = CODE;
	expect_exc(run("\x0f\x21\xe9"), 6, 0, "but with CR4.DE it is #UD");

	w.c.cpl = 3;
	expect_exc(run("\x0f\x22\xc0"), 13, 0, "CPL 3: mov cr0");
	expect_exc(run("\x0f\x06"), 13, 0, "CPL 3: clts");
	expect_exc(run("\x0f\x32"), 13, 0, "CPL 3: rdmsr");
	expect_exc(run("\xf4"), 13, 0, "CPL 3: hlt");
	expect_exc(run("\x0f\x01\x13"), 13, 0, "CPL 3: lgdt");
	expect_exc(run("\xfa"), 13, 0, "CPL 3: cli");
	expect_ok(run("\x0f\x01\xe3"), "CPL 3: smsw");
	w.cr[4] |= 0x800;
	w.c.rip = CODE;
	expect_exc(run("\x0f\x01\xe3"), 13, 0, "CPL 3: smsw with UMIP");
}

static void test_system(void)
{
	setup(EMUL_MODE_PROT64);
	RAX = 0xffffffff00000001;
	RCX = 2;
	expect_ok(run("\x0f\xa2"), "cpuid");
	tap_eq(RAX, 0x1001, "EAX");
	tap_eq(RCX, 0xc002, "ECX");
	w.cpuid_faults = true;
	w.c.rip = CODE;
	expect_exc(run("\x0f\xa2"), 13, 0, "cpuid that is made to fault");
	RCX = 0x10;
	RAX = 0xaaaaaaaa11111111;
	RDX = 0xbbbbbbbb22222222;
	expect_ok(run("\x0f\x30"), "wrmsr");
	tap_eq(w.msr_value, 0x2222222211111111, "its value");
	RAX = ~0ull;
	expect_ok(run("\x0f\x32"), "rdmsr");
	tap_eq(RAX, 0x11111111, "RAX");
	tap_eq(RDX, 0x22222222, "RDX");
	RCX = 0x11;
	w.c.rip = CODE;
	expect_exc(run("\x0f\x32"), 13, 0, "rdmsr of an unknown one");
	expect_ok(run("\x0f\x31"), "rdtsc");
	tap_eq(RDX << 32 | RAX, 0x1234567890abcdef, "its value");
	w.cr[4] |= 4;
	expect_ok(run("\x0f\x31"), "rdtsc with CR4.TSD at CPL 0");
	w.c.cpl = 3;
	w.c.rip = CODE;
	expect_exc(run("\x0f\x31"), 13, 0, "and at CPL 3");
	w.c.cpl = 0;
	expect_ok(run("\xf4"), "hlt");
	tap_ok(w.halted, "hlt halts, saw %d", w.halted);
	tap_eq(w.c.rip, CODE + 1, "hlt: after it");
	expect_ok(run("\x0f\x09"), "wbinvd");
	expect_ok(run("\x0f\x08"), "invd");
	tap_eq(w.wbinvds * 16 + w.invds, 0x11, "one each");
	RBX = 0x12345000;
	expect_ok(run("\x0f\x01\x3b"), "invlpg");
	tap_eq(w.invlpg, 0x12345000, "its address");
	expect_ok(run("\xfb"), "sti");
	tap_eq(w.c.shadow, EMUL_SHADOW_STI, "sti has a shadow");
	expect_ok(run("\xfb"), "sti again");
	tap_eq(w.c.shadow, 0, "has none");
	w.c.rflags |= 0x10000;
	expect_ok(run("\xfa"), "cli");
	tap_eq(w.c.rflags, 2, "clears IF; RF is cleared by any instruction");
	expect_ok(run("\x0f\x01\xcb"), "stac");
	tap_eq(w.c.rflags, 0x40002, "AC");
	w.c.rip = CODE;
	tap_eq(run("\xd9\xc0"), EMUL_UNHANDLEABLE, "fld: not done");
	tap_eq(w.c.rip, CODE, "and not skipped");
	tap_eq(w.c.insn.len, 2, "but its length is known");
	tap_ok(!emul_can_execute(&w.c), "and said to be missing");

	setup(EMUL_MODE_VM86);
	expect_exc(run("\x9c"), 13, 0, "vm86: pushf with IOPL 0");
	expect_exc(run("\x9d"), 13, 0, "vm86: popf with IOPL 0");
	expect_exc(run("\xfa"), 13, 0, "vm86: cli with IOPL 0");
	w.c.rflags |= 0x3000;
	expect_ok(run("\x9c"), "vm86: with IOPL 3");
	tap_eq(peek(STACK - 2, 2), 0x3002, "vm86: pushed flags");
}

/* CR4.VME and CR4.PVI: VIF in IF's place. Intel SDM vol. 3, 20.3 and 20.4. */
static void test_virtual_interrupts(void)
{
	setup(EMUL_MODE_VM86);
	w.cr[4] |= 1;
	expect_ok(run("\xfb"), "VME: sti");
	tap_eq(w.c.rflags, 0xa0002, "VME: sti sets VIF, not IF");
	tap_eq(w.c.shadow, 0, "VME: sti has no shadow");
	w.c.rflags |= 0x300;
	expect_ok(run("\x9c"), "VME: pushf");
	tap_eq(peek(STACK - 2, 2), 0x3302, "VME: pushf shows VIF as IF, and IOPL 3");
	w.c.rflags &= ~0x300ull;
	expect_ok(run("\xfa"), "VME: cli");
	tap_eq(w.c.rflags, 0x20002, "VME: cli clears VIF");
	poke(STACK - 2, 0x3ad7, 2);
	w.c.rip = CODE;
	expect_ok(run("\x9d"), "VME: popf");
	tap_eq(w.c.rflags, 0xa08d7, "VME: popf puts IF into VIF, leaves IOPL alone");
	w.c.rip = CODE;
	expect_exc(run("\x66\x9c"), 13, 0, "VME: pushfd");
	expect_exc(run("\x66\x9d"), 13, 0, "VME: popfd");
	RSP = STACK;
	poke(STACK, 0x100, 2);
	expect_exc(run("\x9d"), 13, 0, "VME: popf of TF");
	w.c.rflags |= 0x100000;
	expect_exc(run("\xfb"), 13, 0, "VME: sti with VIP");
	poke(STACK, 0x200, 2);
	expect_exc(run("\x9d"), 13, 0, "VME: popf of IF with VIP");
	poke(STACK, 0, 2);
	expect_ok(run("\x9d"), "VME: popf without IF, with VIP");

	setup(EMUL_MODE_PROT32);
	w.c.cpl = 3;
	expect_exc(run("\xfa"), 13, 0, "PVI: cli without it");
	w.cr[4] |= 2;
	expect_ok(run("\xfb"), "PVI: sti");
	tap_eq(w.c.rflags, 0x80002, "PVI: sti sets VIF");
	expect_ok(run("\xfa"), "PVI: cli");
	tap_eq(w.c.rflags, 2, "PVI: cli clears VIF");
	w.c.cpl = 2;
	w.c.rip = CODE;
	expect_exc(run("\xfa"), 13, 0, "PVI: only at CPL 3");
}

/* What programs may ask about descriptors. */
static void test_descriptor_queries(void)
{
	static const struct {
		u16 selector;
		u8 cpl;
		u32 rights, limit;	/* 0: ZF=0 */
		bool readable, writable;
	} t[] = {
		{ .selector = 0x00 }, { .selector = 0x03 }, { .selector = 0x80 },
		{ .selector = 0x0c },	/* no LDT */
		{ 0x08, 0, 0xc09b00, 0xffffffff, true, false },
		{ 0x10, 0, 0xc09300, 0xffffffff, true, true },
		{ 0x20, 0, 0x409200, 0xfff, true, true },
		{ 0x28, 0, 0xc01200, 0xffffffff, true, true },	/* present or not is no matter */
		{ 0x30, 0, 0x409800, 0xffff, false, false },
		{ 0x38, 3, 0xc0f300, 0xffffffff, true, true },
		{ 0x3b, 3, 0xc0f300, 0xffffffff, true, true },
		{ .selector = 0x10, .cpl = 3 }, { .selector = 0x13 },	/* by CPL, by RPL */
		{ 0x40, 0, 0x008900, 0x67, false, false },
		{ 0x50, 0, 0x008200, 0x3f, false, false },
		{ 0x60, 0, 0x008c00, 0, false, false },	/* a gate has no limit ... */
		{ .selector = 0x68 },			/* ... one for interrupts not even rights */
		{ 0x73, 3, 0x409e00, 0xffff, true, false },	/* conforming: for everybody */
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		setup_gdt(EMUL_MODE_PROT32);
		set_desc(0x68, 0, 0, 0x8e, 0);
		set_desc(0x70, 0, 0xffff, 0x9e, 0x4);
		w.c.cpl = t[i].cpl;
		RBX = t[i].selector;
		RAX = 0x11111111;
		RCX = 0x22222222;
		expect_ok(run("\x0f\x02\xc3"), "lar eax, ebx");
		tap_ok((w.c.rflags >> 6 & 1) == !!t[i].rights &&
		       (RAX & 0xf0ff00) == (t[i].rights ?: 0x101100),
		       "lar of %x at CPL %u: expected %x, saw %llx, flags %llx", t[i].selector,
		       t[i].cpl, t[i].rights, RAX, w.c.rflags);
		expect_ok(run("\x0f\x03\xcb"), "lsl ecx, ebx");
		tap_ok((w.c.rflags >> 6 & 1) == !!t[i].limit && RCX == (t[i].limit ?: 0x22222222),
		       "lsl of %x at CPL %u: expected %x, saw %llx, flags %llx", t[i].selector,
		       t[i].cpl, t[i].limit, RCX, w.c.rflags);
		expect_ok(run("\x0f\x00\xe3"), "verr bx");
		tap_eq(w.c.rflags >> 6 & 1, t[i].readable, "verr: ZF");
		expect_ok(run("\x0f\x00\xeb"), "verw bx");
		tap_eq(w.c.rflags >> 6 & 1, t[i].writable, "verw: ZF");
	}
	w.c.lma = true;
	w.c.cpl = 0;
	w.c.rip = CODE;
	RBX = 0x40;
	set_desc(0x40, 0x9000, 0x67, 0x81, 0);
	expect_ok(run("\x0f\x02\xc3"), "lar of a 16-bit TSS in long mode");
	tap_eq(w.c.rflags >> 6 & 1, 0, "there is none");

	setup_gdt(EMUL_MODE_PROT32);
	RAX = 0x1111fff1;
	RBX = 2;
	expect_ok(run("\x63\xd8"), "arpl ax, bx");
	tap_eq(RAX, 0x1111fff2, "arpl raises the RPL");
	tap_eq(w.c.rflags & 0x40, 0x40, "and says so");
	RBX = 1;
	expect_ok(run("\x63\xd8"), "arpl with a lower one");
	tap_eq(RAX, 0x1111fff2, "changes nothing");
	tap_eq(w.c.rflags & 0x40, 0, "ZF");
	setup(EMUL_MODE_VM86);
	expect_exc(run("\x63\xd8"), 6, 0, "vm86: arpl");
	expect_exc(run("\x0f\x02\xc3"), 6, 0, "vm86: lar");
	expect_exc(run("\x0f\x00\xe3"), 6, 0, "vm86: verr");
}

/* Descriptor tables are the system's, whoever loads from them. */
static void test_system_accesses(void)
{
	setup_gdt(EMUL_MODE_PROT32);
	w.c.cpl = 3;
	w.region[0].writable = false;
	set_desc(0x38, 0, 0xfffff, 0xf2, 0xc);
	RAX = 0x3b;
	expect_exc(run("\x8e\xd8"), 14, 3, "accessed bit in a read-only GDT at CPL 3");
}

static void test_bound(void)
{
	setup(EMUL_MODE_PROT32);
	RBX = DATA;
	poke(DATA, 0xfffffffe, 4);
	poke(DATA + 4, 3, 4);
	RAX = 3;
	expect_ok(run("\x62\x03"), "bound: at the upper one");
	RAX = 0xfffffffe;
	expect_ok(run("\x62\x03"), "bound: at the lower one");
	w.c.rip = CODE;
	RAX = 4;
	expect_exc(run("\x62\x03"), 5, 0, "bound: above");
	RAX = 0xfffffffd;
	expect_exc(run("\x62\x03"), 5, 0, "bound: below");
}

static void test_tables(void)
{
	static const enum emul_mode mode[] = { EMUL_MODE_REAL, EMUL_MODE_PROT32, EMUL_MODE_PROT64 };
	static const u64 base[] = { 0x223344, 0x11223344, 0xffff800011223344 };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		setup(mode[i]);
		RBX = DATA;
		poke(DATA, 0x1ff, 2);
		poke(DATA + 2, 0xffff800011223344, 8);
		expect_ok(i ? run("\x0f\x01\x13") : run("\x0f\x01\x17"), "lgdt");
		tap_eq(w.table_base[EMUL_GDT], base[i], "GDT base");
		tap_eq(w.table_limit[EMUL_GDT], 0x1ff, "GDT limit");
		RBX = DATA + 0x100;
		expect_ok(i ? run("\x0f\x01\x03") : run("\x0f\x01\x07"), "sgdt");
		tap_eq(peek(DATA + 0x100, 2), 0x1ff, "stored limit");
		tap_eq(peek(DATA + 0x102, 8), base[i], "stored base, and nothing after it");
	}
	poke(DATA + 2, 0x800000000000, 8);
	RBX = DATA;
	w.c.rip = CODE;
	expect_exc(run("\x0f\x01\x1b"), 13, 0, "lidt of a non-canonical base");
}

static void test_ports(void)
{
	unsigned int i, bad = 0;

	setup(EMUL_MODE_PROT64);
	w.port_io = true;
	w.in_value = 0x1234567890;
	RAX = ~0ull;
	expect_ok(run("\xe4\x60"), "in al, 60h");
	tap_eq(RAX, 0xffffffffffffff90, "AL only");
	RDX = 0xcf8;
	expect_ok(run("\xed"), "in eax, dx");
	tap_eq(RAX, 0x34567891, "EAX, zero-extended");
	tap_eq(w.log[0].addr, 0xcf8, "its port");
	expect_ok(run("\x66\xef"), "out dx, ax");
	tap_eq(w.last_out.n * 16 + w.last_out.data[1], 0x20 + 0x78, "2 bytes of AX");

	setup(EMUL_MODE_PROT64);
	w.port_io = true;
	RDI = DATA;
	RCX = 256;
	RDX = 0x1f0;
	expect_ok(run("\x66\xf3\x6d"), "rep insw, 256 of them");
	tap_eq(w.nr_exits, 1, "in one exit");
	for (i = 0; i < 256; i++)
		bad += peek(DATA + 2 * i, 2) != i;
	tap_eq(bad, 0, "wrong words");
	tap_eq(RDI, DATA + 512, "RDI");
	tap_eq(RCX, 0, "RCX");
	RSI = DATA + 1;
	RCX = 3;
	expect_ok(run("\xf3\x6e"), "rep outsb");
	tap_eq(w.last_out.count, 3, "three bytes in one exit");
	tap_ok(!memcmp(w.last_out.data, ram + DATA + 1, 3), "the right ones, saw %02x first",
	       w.last_out.data[0]);

	setup(EMUL_MODE_PROT64);
	w.port_io = true;
	w.c.rflags |= 0x400;
	RDI = DATA;
	RCX = 3;
	expect_ok(run("\xf3\x6c"), "rep insb downwards");
	tap_eq(w.nr_exits, 3, "one by one");
	tap_eq(peek(DATA - 2, 3), 0x000102, "bytes");
	setup(EMUL_MODE_PROT64);
	w.port_io = true;
	RDI = RAM_SIZE - 2;
	RCX = 4;
	tap_eq(run("\xf3\x6c"), EMUL_EXCEPTION, "rep insb to the end of memory");
	tap_eq(w.c.exc.address, RAM_SIZE, "faults there");
	tap_eq(RCX, 2, "with two done");
	tap_eq(w.nr_exits, 1, "and no byte asked for that has no place");
	setup(EMUL_MODE_PROT64);
	w.port_io = true;
	RDI = RAM_SIZE - 2;
	tap_eq(run("\x6d"), EMUL_EXCEPTION, "insd of which half has a place");
	tap_eq(w.c.exc.address, RAM_SIZE, "faults at the other half");
	tap_eq(w.c.exc.error_code & 2, 2, "as a write");
	tap_eq(w.nr_exits, 0, "before the port is read");

	setup(EMUL_MODE_PROT32);
	w.c.cpl = 3;
	w.seg[EMUL_SEG_TR].base = 0x9000;
	w.seg[EMUL_SEG_TR].limit = 0x68 + 0x20;
	poke(0x9066, 0x68, 2);
	poke(0x9068 + 0x60 / 8, 0x02, 1);
	expect_ok(run("\xe4\x60"), "I/O bitmap: port 60h allowed");
	w.c.rip = CODE;
	expect_exc(run("\xe4\x61"), 13, 0, "I/O bitmap: port 61h not");
	expect_exc(run("\xe5\x5e"), 13, 0, "I/O bitmap: nor a dword that reaches it");
	RDX = 0x100;
	expect_exc(run("\xec"), 13, 0, "I/O bitmap: nor a port beyond the limit");
	w.c.rflags |= 0x3000;
	expect_ok(run("\xec"), "IOPL 3: no bitmap");
}

static void test_mmio(void)
{
	unsigned int i;

	setup(EMUL_MODE_PROT64);
	w.in_value = 0x55;
	RBX = MMIO;
	expect_ok(run("\x8b\x43\x10"), "mmio: mov eax, [rbx+16]");
	tap_eq(RAX, 0x55, "mmio: value");
	RAX = 3;
	expect_ok(run("\x01\x03"), "mmio: add [rbx], eax");
	tap_eq(w.nr_exits, 3, "mmio: a read and a write");
	tap_eq(w.last_out.data[0], 0x59, "mmio: what is written");
	expect_ok(run("\xf0\x0f\xc1\x03"), "mmio: lock xadd");
	tap_eq(RAX, 0x57, "mmio: EAX");
	tap_eq(w.last_out.data[0], 0x5a, "mmio: sum");
	expect_ok(run("\xff\x33"), "mmio: push [rbx]");
	tap_eq(peek(STACK - 8, 8), 0x58, "mmio: on the stack");
	expect_ok(run("\x8f\x43\x08"), "mmio: pop [rbx+8]");
	tap_eq(w.last_out.addr, MMIO + 8, "mmio: its address");
	tap_eq(RSP, STACK, "mmio: RSP");
	memset(w.vec[1], 0x77, 32);
	expect_ok(run("\x66\x0f\x7f\x0b"), "mmio: movdqa [rbx], xmm1");
	tap_eq(w.last_out.n, 16, "mmio: 16 bytes");

	setup(EMUL_MODE_PROT64);
	RSI = MMIO;
	RDI = MMIO + 0x100;
	RCX = 5;
	expect_ok(run("\xf3\x66\xa5"), "mmio: rep movsw, device to device");
	tap_eq(w.nr_exits, 10, "mmio: ten exits");
	tap_eq(w.commits, 4, "mmio: the log is dropped after each but the last");
	tap_eq(w.last_out.addr * 16 + w.last_out.data[0], (MMIO + 0x108) * 16 + 4, "mmio: last");
	tap_eq(RCX, 0, "mmio: RCX");

	/* Stop in the third iteration, as a vCPU does that goes to userspace. */
	setup(EMUL_MODE_PROT64);
	RSI = DATA;
	RDI = MMIO - 8;
	world_map(&w, MMIO - 0x1000, 0x1000, ram, true);
	RCX = 4;
	memcpy(ram + CODE, "\xf3\xa5", 2);
	tap_eq(emul_decode(&w.c, NULL, 0), EMUL_OK, "mmio: rep movsd");
	tap_eq(emul_execute(&w.c), EMUL_IO, "mmio: that runs into a device");
	tap_eq(RCX, 2, "mmio: two iterations are final");
	tap_eq(RDI, MMIO, "mmio: RDI");
	tap_eq(w.c.rip, CODE, "mmio: RIP");

	for (i = 0; i < 2; i++) {
		setup(EMUL_MODE_PROT64);
		w.cmpxchg_races = i;
		RBX = DATA;
		RAX = 1;
		poke(DATA, 5, 4);
		tap_eq(run("\xf0\x01\x03"), i ? EMUL_RESTART : EMUL_OK, "lock add, racing or not");
		tap_eq(w.c.iterated, false, "no iteration");
		tap_eq(peek(DATA, 4), i ? 5 : 6, "memory");
		tap_eq(w.c.rip, i ? CODE : CODE + 3, "RIP");
	}
}

static void test_rep(void)
{
	setup(EMUL_MODE_PROT64);
	RDI = DATA;
	RCX = 1000;
	RAX = 0xab;
	tap_eq(run("\xf3\xaa"), EMUL_RESTART, "rep stosb of 1000 yields");
	tap_eq(w.c.rflags >> 16 & 1, 1, "RF between its iterations");
	tap_ok(RCX < 1000 && RCX > 0 && RDI == DATA + 1000 - RCX && w.c.rip == CODE,
	       "with part of it done: expected RCX in between, saw %llu", RCX);
	tap_eq(w.c.iterated, true, "and says so");
	tap_eq(world_run_insn(&w), EMUL_OK, "and goes on");
	tap_eq(w.c.rip, CODE + 2, "to the end");
	tap_eq(ram[DATA + 999] * 256 + ram[DATA + 1000], 0xab00, "exactly");

	setup(EMUL_MODE_PROT64);
	RDI = RAM_SIZE - 3;
	RCX = 10;
	tap_eq(run("\xf3\xaa"), EMUL_EXCEPTION, "rep stosb into nothing");
	tap_eq(w.c.exc.address, RAM_SIZE, "fault address");
	tap_eq(RCX, 7, "RCX");
	tap_eq(RDI, RAM_SIZE, "RDI");

	setup(EMUL_MODE_PROT64);
	RCX = 0;
	RDI = 1ull << 63;
	expect_ok(run("\xf3\xaa"), "rep stosb of nothing touches nothing");

	setup(EMUL_MODE_REAL);
	RDI = 0xffff;
	RCX = 0x10002;
	expect_ok(run("\xf3\xaa"), "real: rep stosb wraps DI");
	tap_eq(RDI & 0xffff, 1, "real: DI");
	tap_eq(RCX, 0x10000, "real: CX only");
}

static void test_fetch(void)
{
	u64 end = CODE + 0x1000;

	setup(EMUL_MODE_PROT64);
	w.c.rip = end - 2;
	expect_ok(run("\x89\xd8"), "fetch: instruction up to the end of a page");
	tap_eq(w.fetch_end, end, "fetch: the next page isn't touched");
	w.c.rip = RAM_SIZE - 2;
	expect_ok(run("\x89\xd8"), "fetch: up to the end of memory");
	w.c.rip = RAM_SIZE - 2;
	memcpy(ram + RAM_SIZE - 2, "\x8b\x43", 2);
	tap_eq(world_step(&w), EMUL_EXCEPTION, "fetch: one that needs a byte more");
	tap_eq(w.c.exc.vector, 14, "fetch: #PF");
	tap_eq(w.c.exc.error_code, 0x10, "fetch: of an instruction fetch");
	tap_eq(w.c.exc.address, RAM_SIZE, "fetch: in the next page");
	w.c.rip = RAM_SIZE - 2;
	memcpy(ram + RAM_SIZE - 2, "\x0f\xff", 2);
	tap_eq(world_step(&w), EMUL_EXCEPTION, "fetch: an undefined opcode there");
	tap_eq(w.c.exc.vector, 6, "fetch: #UD, not #PF");

	setup(EMUL_MODE_PROT64);
	expect_ok(run("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90"),
		  "fetch: 15 bytes");
	w.c.rip = CODE;
	expect_exc(run("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90"), 13, 0,
		   "fetch: 16 bytes");
	w.c.rip = RAM_SIZE - 15;
	memset(ram + RAM_SIZE - 15, 0x66, 15);
	tap_eq(world_step(&w), EMUL_EXCEPTION, "fetch: 15 prefixes before the end of memory");
	tap_eq(w.c.exc.vector, 13, "fetch: #GP");

	setup(EMUL_MODE_PROT64);
	tap_eq(emul_decode(&w.c, "\xb8\x78\x56\x34\x12\x90", 6), EMUL_OK, "fetch: bytes known");
	tap_eq(w.c.insn.len, 5, "fetch: length");
	tap_eq(w.nr_ops, 0, "fetch: none needed");
	poke(CODE, 0x12345678b8, 5);
	tap_eq(emul_decode(&w.c, "\xb8\x78", 2), EMUL_OK, "fetch: some bytes known");
	tap_eq(w.c.insn.imm, 0x12345678, "fetch: the others are fetched");
}

static void test_vector(void)
{
	setup(EMUL_MODE_PROT64);
	w.cr[0] |= 8;
	RBX = DATA;
	expect_exc(run("\x0f\x10\x03"), 7, 0, "movups with CR0.TS is #NM");
	w.cr[0] = 0x80000015;
	expect_exc(run("\x0f\x10\x03"), 6, 0, "with CR0.EM it is #UD");
	w.cr[0] = 0x80000011;
	w.cr[4] = 0;
	expect_exc(run("\x0f\x10\x03"), 6, 0, "without CR4.OSFXSR too");
	expect_exc(run("\xc5\xf8\x10\x03"), 6, 0, "VEX without CR4.OSXSAVE too");
	w.cr[4] = 0x40600;
	w.xcr0 = 3;
	expect_exc(run("\xc5\xf8\x10\x03"), 6, 0, "VEX without XCR0.AVX too");
	w.xcr0 = 5;
	expect_exc(run("\xc5\xf8\x10\x03"), 6, 0, "VEX without XCR0.SSE too");
	w.xcr0 = 7;
	memset(w.vec[1], 0xff, 32);
	poke(DATA, 0x1122334455667788, 8);
	expect_ok(run("\x0f\x10\x0b"), "movups xmm1, [rbx]");
	tap_eq(w.vec[1][0] * 256 + w.vec[1][16], 0x88ff, "upper half stays");
	expect_ok(run("\xc5\xf8\x10\x0b"), "vmovups xmm1, [rbx]");
	tap_eq(w.vec[1][0] * 256 + w.vec[1][16], 0x8800, "upper half is cleared");
	poke(DATA + 31, 0x99, 1);
	expect_ok(run("\xc5\xfc\x10\x0b"), "vmovups ymm1, [rbx]");
	tap_eq(w.vec[1][31], 0x99, "last byte");
	RBX = DATA + 0x100;
	expect_ok(run("\xc5\xfd\xe7\x0b"), "vmovntdq [rbx], ymm1");
	tap_eq(peek(DATA + 0x100 + 31, 1), 0x99, "last byte in memory");
	w.c.rip = CODE;
	RBX = DATA + 16;
	expect_exc(run("\xc5\xfd\xe7\x0b"), 13, 0, "32 bytes must be aligned to 32");
}

/* By what a kernel's real-mode entry finds its FPU. */
static void test_x87(void)
{
	setup(EMUL_MODE_REAL);
	w.cr[0] = 0x10;
	w.x87_control = 0x1234;
	w.x87_status = 0x3880;
	RAX = 0x11111111;
	expect_ok(run("\xdf\xe0"), "fnstsw ax");
	tap_eq(RAX, 0x11113880, "fnstsw ax: the status, the rest stays");
	expect_ok(run("\xdb\xe3"), "fninit");
	tap_eq(w.x87_control << 16 | w.x87_status, 0x37f0000, "fninit: both words");
	RBX = DATA;
	w.x87_status = 0x3800;
	poke(DATA, 0x55555555, 4);
	expect_ok(run("\xd9\x3f"), "fnstcw [bx]");
	tap_eq(peek(DATA, 4), 0x5555037f, "fnstcw: two bytes");
	expect_ok(run("\xdd\x3f"), "fnstsw [bx]");
	tap_eq(peek(DATA, 4), 0x55553800, "fnstsw: two bytes");
	expect_ok(run("\x9b"), "fwait");

	setup(EMUL_MODE_PROT64);
	RBX = MMIO;
	expect_ok(run("\xd9\x3b"), "fnstcw to a device");
	tap_eq(w.last_out.n, 2, "two bytes");
	w.c.rip = CODE;
	w.x87_status = 0x80;
	w.cr[0] = 0x80000013;
	expect_exc(run("\x9b"), 16, 0, "fwait with an exception that isn't masked is #MF");
	w.cr[0] |= 8;
	expect_exc(run("\x9b"), 7, 0, "fwait with CR0.TS and CR0.MP is #NM");
	expect_exc(run("\xdb\xe3"), 7, 0, "fninit with CR0.TS is #NM");
	w.cr[0] = 0x80000035;
	RBX = 0xdead0000;
	expect_exc(run("\xd9\x3b"), 7, 0, "fnstcw with CR0.EM is #NM, before its #PF");
	w.cr[0] = 0x80000039;
	w.x87_status = 0;
	expect_ok(run("\x9b"), "fwait with CR0.TS alone");
}

static void test_mmx(void)
{
	setup(EMUL_MODE_PROT64);
	RBX = MMIO;
	w.mmx[3] = 0x1122334455667788;
	expect_ok(run("\x0f\x7f\x1b"), "movq to a device, mm3");
	tap_eq(w.last_out.n, 8, "movq: eight bytes");
	tap_eq(w.last_out.data[7], 0x11, "movq: the last of them");
	expect_ok(run("\x44\x0f\x7e\x1b"), "movd to a device, mm3 with REX.R");
	tap_eq(w.last_out.n, 4, "movd: four bytes");
	w.in_value = 0x55;
	expect_ok(run("\x0f\x6f\x23"), "movq from a device");
	tap_eq(w.mmx[4], 0x55, "movq: mm4");
	w.c.rip = CODE;
	expect_exc(run("\x0f\xe7\xc1"), 6, 0, "movntq to a register is #UD");
	RBX = 0xdead0000;
	w.mmx_reads = 0;
	expect_exc(run("\x0f\x7f\x1b"), 14, 2, "movq to nowhere is #PF");
	tap_eq(w.mmx_reads, 0, "and the register, whose read changes the tags, is not read");
	w.x87_status = 0x80;
	RBX = 0xdead0000;
	expect_exc(run("\x0f\x6f\x23"), 16, 0, "movq with an x87 exception is #MF, before its #PF");
	w.cr[0] |= 8;
	expect_exc(run("\x0f\x6f\x23"), 7, 0, "movq with CR0.TS is #NM");
	w.cr[0] |= 4;
	expect_exc(run("\x0f\x6f\x23"), 6, 0, "movq with CR0.EM is #UD");
}

static void test_xcr0(void)
{
	setup(EMUL_MODE_PROT64);
	w.xcr0 = 0x200000007;
	RAX = RDX = ~0ull;
	RCX = 0xff00000000;
	expect_ok(run("\x0f\x01\xd0"), "xgetbv");
	tap_eq(RAX, 7, "xgetbv: low half");
	tap_eq(RDX, 2, "xgetbv: high half");
	RAX = ~0ull << 32 | 3;
	RDX = ~0ull << 32;
	expect_ok(run("\x0f\x01\xd1"), "xsetbv");
	tap_eq(w.xcr0, 3, "xsetbv: 32 bits of each register");
	w.c.rip = CODE;
	RCX = 2;
	expect_exc(run("\x0f\x01\xd0"), 13, 0, "xgetbv of number 2");
	expect_exc(run("\x0f\x01\xd1"), 13, 0, "xsetbv of number 2");
	RCX = RAX = 0;
	expect_exc(run("\x0f\x01\xd1"), 13, 0, "xsetbv without x87");
	w.c.cpl = 3;
	RAX = 7;
	expect_exc(run("\x0f\x01\xd1"), 13, 0, "xsetbv at CPL 3");
	w.cr[4] &= ~0x40000ull;
	expect_exc(run("\x0f\x01\xd1"), 6, 0, "xsetbv without CR4.OSXSAVE is #UD first");
	expect_exc(run("\x0f\x01\xd0"), 6, 0, "xgetbv likewise");
	w.cr[4] |= 0x40000;
	expect_exc(run("\x66\x0f\x01\xd0"), 6, 0, "xgetbv with 66");
}

/* Guests have no VMX, SVM, SMX, and are never in SMM. */
static void test_absent_modes(void)
{
	setup(EMUL_MODE_PROT64);
	RBX = DATA;
	expect_exc(run("\x0f\xaa"), 6, 0, "rsm");
	expect_exc(run("\x0f\x37"), 6, 0, "getsec");
	expect_exc(run("\x0f\x78\xc3"), 6, 0, "vmread");
	expect_exc(run("\x0f\x79\xc3"), 6, 0, "vmwrite");
	expect_exc(run("\x0f\x01\xc2"), 6, 0, "vmlaunch");
	expect_exc(run("\x0f\x01\xc4"), 6, 0, "vmxoff");
	expect_exc(run("\x0f\x01\xd8"), 6, 0, "vmrun");
	expect_exc(run("\x0f\x01\xdf"), 6, 0, "invlpga");
	expect_exc(run("\x0f\xc7\x33"), 6, 0, "vmptrld");
	expect_exc(run("\xf3\x0f\xc7\x33"), 6, 0, "vmxon");
	expect_exc(run("\x0f\xc7\x3b"), 6, 0, "vmptrst");
	expect_exc(run("\x66\x0f\x38\x80\x03"), 6, 0, "invept");
	expect_exc(run("\x66\x0f\x38\x81\x03"), 6, 0, "invvpid");
	tap_eq(run("\x0f\x01\xc1"), EMUL_UNHANDLEABLE, "vmcall isn't among them");
	tap_eq(run("\x0f\x01\xd9"), EMUL_UNHANDLEABLE, "vmmcall isn't among them");
}

/* The smallest quotients that fit and the largest that don't. */
static void test_division(void)
{
	static const struct {
		u64 rdx, rax, divisor, quotient;	/* quotient 0: #DE */
	} t[] = {
		{ ~0ull, 1ull << 63, 1, 1ull << 63 },
		{ 0, 1ull << 63, 1, 0 },
		{ 0, 1ull << 63, ~0ull, 1ull << 63 },
		{ ~0ull, 1ull << 63, ~0ull, 0 },
		{ 0, (1ull << 63) - 1, 1, (1ull << 63) - 1 },
		{ ~0ull, (1ull << 63) - 1, 1, 0 },
		{ 0x3fffffffffffffff, ~0ull, 1ull << 62, 0 },
		{ 0x1fffffffffffffff, ~0ull, 1ull << 62, 0x7fffffffffffffff },
		{ 1, 0, 0, 0 },
	};
	enum emul_result res;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		setup(EMUL_MODE_PROT64);
		RDX = t[i].rdx;
		RAX = t[i].rax;
		RBX = t[i].divisor;
		res = run("\x48\xf7\xfb");
		tap_ok(t[i].quotient ? res == EMUL_OK && RAX == t[i].quotient :
		       res == EMUL_EXCEPTION && w.c.exc.vector == 0 && RAX == t[i].rax,
		       "idiv %llx:%llx / %llx: expected %llx (0: #DE), saw result %d, %llx",
		       t[i].rdx, t[i].rax, t[i].divisor, t[i].quotient, res, RAX);
	}
}

/* Wide numbers with long runs of equal bits, where carries go far. */
static u64 wide(u64 *seed)
{
	u64 z = *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;

	return (s64)(z ^ z << 29) >> (z >> 58) ^ (z >> 40 & 3);
}

/* RDX:RAX by RBX against the compiler's 128-bit division. */
static void test_wide_division(void)
{
	unsigned int i, bad = 0, fits = 0;
	u64 seed = 1, high, low, d;
	unsigned __int128 n;
	enum emul_result res;

	setup(EMUL_MODE_PROT64);
	for (i = 0; i < 20000; i++) {
		high = wide(&seed);
		low = wide(&seed);
		d = wide(&seed);
		if (d && i & 1)
			high %= d;
		RDX = high;
		RAX = low;
		RBX = d;
		w.c.rip = CODE;
		res = run("\x48\xf7\xf3");
		n = (unsigned __int128)high << 64 | low;
		if (high >= d) {
			bad += res != EMUL_EXCEPTION || w.c.exc.vector != 0;
			continue;
		}
		fits++;
		bad += res != EMUL_OK || RAX != (u64)(n / d) || RDX != (u64)(n % d);
	}
	tap_ok(!bad && fits > 1000, "div: %u quotients and %u overflows, %u wrong", fits, i - fits,
	       bad);
}

int main(void)
{
	test_division();
	test_wide_division();
	test_real_addressing();
	test_real_flow();
	test_segment_loads();
	test_prot_flow();
	test_segment_limits();
	test_control();
	test_system();
	test_tables();
	test_ports();
	test_mmio();
	test_rep();
	test_fetch();
	test_vector();
	test_x87();
	test_mmx();
	test_xcr0();
	test_absent_modes();
	test_virtual_interrupts();
	test_descriptor_queries();
	test_system_accesses();
	test_bound();
	return tap_done();
}
