// SPDX-License-Identifier: GPL-2.0-only
/* Instructions that were wrong, or missing, until they were asked for one by one. */
#include <stdio.h>
#include <string.h>

#include "emul_world.h"
#include "tap.h"

#define CODE	0x1000u
#define GDT	0x2000u
#define DATA	0x4000u
#define STACK	0x8000u
#define MMIO 0x40000u

static struct world w;
static u8 ram[0x10000], mmio[0x1000];

static void setup(enum emul_mode mode)
{
	world_init(&w, mode);
	world_map(&w, 0, sizeof(ram), ram, true);
	memset(ram, 0, sizeof(ram));
	w.c.rip = CODE;
	w.gpr[EMUL_RSP] = STACK;
	w.table_base[EMUL_GDT] = GDT;
	w.table_limit[EMUL_GDT] = 0x7f;
}

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

#define run(bytes) run_bytes(bytes, sizeof(bytes) - 1)

static enum emul_result run_bytes(const char *bytes, unsigned int n)
{
	w.c.rip = CODE;
	memcpy(ram + CODE, bytes, n);
	return world_step(&w);
}

static void test_movnti(void)
{
	setup(EMUL_MODE_PROT16);
	w.gpr[EMUL_RBX] = DATA;
	w.gpr[EMUL_RCX] = 0x11223344;
	tap_eq(run("\x0f\xc3\x0f"), EMUL_OK, "movnti [bx], ecx in 16-bit code");
	tap_eq(peek(DATA, 8), 0x11223344, "it has no 16-bit form");
}

/* MOVDIRI, MOVDIR64B, CLZERO: to memory, and to a device in pieces of eight bytes. */
static void test_lines(void)
{
	setup(EMUL_MODE_PROT64);
	w.gpr[EMUL_RBX] = DATA + 4;
	w.gpr[EMUL_RCX] = 0x1122334455667788;
	poke(DATA, ~0ull, 8);
	poke(DATA + 8, ~0ull, 8);
	tap_eq(run("\x0f\x38\xf9\x0b"), EMUL_OK, "movdiri [rbx], ecx");
	tap_eq(peek(DATA, 8), 0x55667788ffffffff, "four bytes");
	tap_eq(run("\x48\x0f\x38\xf9\x0b"), EMUL_OK, "movdiri [rbx], rcx");
	tap_eq(peek(DATA + 8, 8), 0xffffffff11223344, "eight by REX.W");
	tap_eq(run("\x0f\x38\xf9\xcb"), EMUL_EXCEPTION, "movdiri to a register");
	tap_eq(w.c.exc.vector, 6, "is #UD");
	tap_eq(run("\x66\x0f\x38\xf9\x0b"), EMUL_EXCEPTION, "movdiri with 66");
	tap_eq(w.c.exc.vector, 6, "is #UD");

	setup(EMUL_MODE_PROT64);
	w.gpr[EMUL_RBX] = DATA + 1;
	w.gpr[EMUL_RDI] = DATA + 0x40;
	poke(DATA + 1, 0x0102030405060708, 8);
	poke(DATA + 1 + 56, 0x1112131415161718, 8);
	tap_eq(run("\x66\x0f\x38\xf8\x3b"), EMUL_OK, "movdir64b rdi, [rbx]");
	tap_eq(peek(DATA + 0x40, 8), 0x0102030405060708, "first bytes");
	tap_eq(peek(DATA + 0x78, 8), 0x1112131415161718, "last bytes");
	w.c.cpl = 3;
	w.cr[0] |= 0x40000;
	w.c.rflags |= 0x40000;
	tap_eq(run("\x66\x0f\x38\xf8\x3b"), EMUL_OK, "movdir64b with AC: the source is anywhere");
	w.gpr[EMUL_RDI] += 33;
	tap_eq(run("\x66\x0f\x38\xf8\x3b"), EMUL_EXCEPTION, "to a line that isn't aligned");
	tap_eq(w.c.exc.vector, 13, "is #GP");
	tap_eq(run("\x0f\x38\xf8\x3b"), EMUL_EXCEPTION, "movdir64b without 66");
	tap_eq(w.c.exc.vector, 6, "is #UD");

	setup(EMUL_MODE_PROT16);
	w.seg[EMUL_SEG_DS].base = 0x100;
	w.seg[EMUL_SEG_ES].base = 0x1000;
	w.gpr[EMUL_RBX] = DATA;
	w.gpr[EMUL_RDI] = 0xffff0000 | DATA;
	poke(DATA + 0x100, 0x99, 1);
	tap_eq(run("\x66\x0f\x38\xf8\x3f"), EMUL_OK, "movdir64b di, [bx]");
	tap_eq(peek(DATA + 0x1000, 1), 0x99, "from DS:bx to ES:di");

	setup(EMUL_MODE_PROT64);
	memset(ram + DATA, 0xff, 256);
	w.gpr[EMUL_RAX] = DATA + 64 + 13;
	tap_eq(run("\x0f\x01\xfc"), EMUL_OK, "clzero");
	tap_eq(peek(DATA + 56, 8) ^ peek(DATA + 128, 8), 0, "the lines beside stay");
	tap_eq(peek(DATA + 64, 8) | peek(DATA + 120, 8), 0, "that around RAX is zero");
	tap_eq(peek(DATA + 56, 8), ~0ull, "and it was not before");

	setup(EMUL_MODE_PROT64);
	world_map(&w, MMIO, sizeof(mmio), mmio, true)->mmio = true;
	w.gpr[EMUL_RBX] = DATA;
	w.gpr[EMUL_RDI] = MMIO;
	poke(DATA + 32, 0x77, 1);
	tap_eq(run("\x66\x0f\x38\xf8\x3b"), EMUL_OK, "movdir64b to a device");
	tap_eq(w.last_out.addr, MMIO + 32, "its second half");
	tap_eq(w.last_out.data[0], 0x77, "and what is in it");
}

/* Vector operands of 16 and 32 bytes want to be aligned to 16. */
static void test_alignment(void)
{
	setup(EMUL_MODE_PROT64);
	w.c.cpl = 3;
	w.c.rflags |= 0x40000;
	w.cr[0] |= 0x40000;
	w.gpr[EMUL_RBX] = DATA + 8;
	tap_eq(run("\x0f\x10\x03"), EMUL_EXCEPTION, "movups, not aligned, with AC");
	tap_eq(w.c.exc.vector, 17, "is #AC");
	w.gpr[EMUL_RBX] = DATA + 16;
	tap_eq(run("\x0f\x10\x03"), EMUL_OK, "movups, aligned");
	tap_eq(run("\xc5\xfc\x10\x03"), EMUL_OK, "vmovups of 32 bytes, aligned to 16");
}

/* AMD's far pointers have 32-bit offsets at most, what is pushed has 64 bits. */
static void test_far_call(void)
{
	setup(EMUL_MODE_PROT64);
	w.c.vendor = EMUL_VENDOR_AMD;
	poke(GDT + 0x18, 0x00af9b000000ffff, 8);
	poke(DATA, 0x0018ffffffff, 6);
	w.gpr[EMUL_RBX] = DATA;
	tap_eq(run("\x48\xff\x1b"), EMUL_OK, "AMD: rex.w call far [rbx]");
	tap_eq(w.c.rip, 0xffffffff, "target");
	tap_eq(w.gpr[EMUL_RSP], STACK - 16, "pushes 64 bits twice");
	tap_eq(peek(STACK - 16, 8), CODE + 3, "return address");

	/* The machine's CPU, an AMD, can't be asked about Intel's. */
	setup(EMUL_MODE_PROT64);
	w.c.vendor = EMUL_VENDOR_INTEL;
	poke(GDT + 0x18, 0x00af9b000000ffff, 8);
	poke(GDT + 0x20, 0x00cf93000000ffff, 8);
	poke(DATA, 0x7f1234567890, 8);
	poke(DATA + 8, 0x18, 2);
	w.gpr[EMUL_RBX] = DATA;
	tap_eq(run("\x48\xff\x2b"), EMUL_OK, "Intel: rex.w jmp far [rbx]");
	tap_eq(w.c.rip, 0x7f1234567890, "a target of 64 bits");
	tap_eq(w.seg[EMUL_SEG_CS].selector, 0x18, "its selector behind them");
	w.c.rip = CODE;
	poke(DATA + 8, 0x20, 2);
	tap_eq(run("\x48\x0f\xb5\x0b"), EMUL_OK, "Intel: lgs rcx, [rbx]");
	tap_eq(w.gpr[EMUL_RCX], 0x7f1234567890, "64 bits");
	tap_eq(w.seg[EMUL_SEG_GS].selector, 0x20, "and the selector");
}

/* In long mode descriptors of a TSS and an LDT have 16 bytes: a base of 64 bits. */
static void test_long_descriptors(void)
{
	setup(EMUL_MODE_PROT64);
	w.c.lma = true;
	poke(GDT + 0x30, 0x0000890040000067, 8);
	poke(GDT + 0x38, 0xffff8000, 8);
	w.gpr[EMUL_RAX] = 0x30;
	tap_eq(run("\x0f\x00\xd8"), EMUL_OK, "ltr in long mode");
	tap_eq(w.seg[EMUL_SEG_TR].base, 0xffff800000004000, "its base");
	tap_eq(w.seg[EMUL_SEG_TR].type, 11, "it is busy");
	tap_eq(peek(GDT + 0x30 + 5, 1), 0x8b, "in memory, too");
	poke(GDT + 0x30, 0x0000820050000067, 8);
	tap_eq(run("\x0f\x00\xd0"), EMUL_OK, "lldt in long mode");
	tap_eq(w.seg[EMUL_SEG_LDTR].base, 0xffff800000005000, "its base");
	poke(GDT + 0x30, 0x0000890040000067, 8);
	poke(GDT + 0x38, 0x00008000, 8);
	tap_eq(run("\x0f\x00\xd8"), EMUL_EXCEPTION, "ltr of a base that isn't canonical");
	tap_eq(w.c.exc.vector << 16 | w.c.exc.error_code, 13 << 16 | 0x30, "#GP(selector)");
	tap_eq(peek(GDT + 0x30 + 5, 1), 0x89, "it is not busy");
	poke(GDT + 0x38, 0x1f00ffff8000, 8);
	tap_eq(run("\x0f\x00\xd8"), EMUL_EXCEPTION, "ltr, the upper half has a type");
	tap_eq(w.c.exc.vector << 16 | w.c.exc.error_code, 13 << 16 | 0x30, "#GP(selector)");
	w.gpr[EMUL_RAX] = 0x78;
	poke(GDT + 0x78, 0x0000890040000067, 8);
	tap_eq(run("\x0f\x00\xd8"), EMUL_EXCEPTION, "ltr, the upper half is beyond the limit");
	tap_eq(w.c.exc.vector << 16 | w.c.exc.error_code, 13 << 16 | 0x78, "#GP(selector)");
}

/* AMD's check the offset in FS and GS too, its last byte as well. */
static void test_canonical_offset(void)
{
	setup(EMUL_MODE_PROT64);
	w.c.vendor = EMUL_VENDOR_AMD;
	w.seg[EMUL_SEG_FS].base = -0x40ull;
	w.gpr[EMUL_RBX] = 0x7ffffffffffe;
	tap_eq(run("\x64\x8b\x03"), EMUL_EXCEPTION, "AMD: mov eax, fs:[rbx], offset not canonical");
	tap_eq(w.c.exc.vector, 13, "is #GP, not #PF");
}

/* PREFETCH of a register: AMD APM vol. 3, appendix A, group P; Intel's CPUs take it for a NOP. */
static void test_prefetch(void)
{
	setup(EMUL_MODE_PROT64);
	w.c.vendor = EMUL_VENDOR_INTEL;
	tap_eq(run("\x0f\x0d\xcd"), EMUL_OK, "Intel: prefetch of a register");
	tap_eq(w.c.rip, CODE + 3, "does nothing");
	setup(EMUL_MODE_PROT64);
	w.c.vendor = EMUL_VENDOR_AMD;
	tap_eq(run("\x0f\x0d\xcd"), EMUL_EXCEPTION, "AMD: prefetch of a register");
	tap_eq(w.c.exc.vector, 6, "is #UD");
	w.gpr[EMUL_RBX] = DATA;
	tap_eq(run("\x0f\x0d\x0b"), EMUL_OK, "AMD: prefetchw [rbx]");
}

int main(void)
{
	test_canonical_offset();
	test_movnti();
	test_lines();
	test_alignment();
	test_far_call();
	test_long_descriptors();
	test_prefetch();
	return tap_done();
}
