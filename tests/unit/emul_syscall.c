// SPDX-License-Identifier: GPL-2.0-only
/*
 * SYSCALL, SYSRET, SYSENTER, SYSEXIT, SWAPGS as the manuals' pages have them, by vendor and mode;
 * and instructions whose result a process can't compare: RDTSCP, RDPID, RDRAND, CLFLUSH.
 */
#include <stdio.h>
#include <string.h>

#include "emul_world.h"
#include "tap.h"

#define RAM_SIZE 0x10000u
#define CODE 0x1000u
#define STACK 0x8000u
#define MMIO 0x40000u

#define EFER 0xc0000080
#define STAR 0xc0000081
#define LSTAR 0xc0000082
#define CSTAR 0xc0000083
#define SFMASK 0xc0000084
#define KERNEL_GS 0xc0000102
#define TSC_AUX 0xc0000103
#define SYSENTER_CS 0x174
#define SYSENTER_ESP 0x175
#define SYSENTER_EIP 0x176

#define KERNEL_64 0xffffffff81000000
#define USER_64 0x00007f0012345678
#define BAD_64 0x0000800000000000
#define TF 0x100
#define FLAGS 0x10a97 /* RF, OF, IF, and arithmetic ones */

static struct world w;
static u8 ram[RAM_SIZE], mmio[0x1000];

static void setup(enum emul_mode mode, enum emul_vendor vendor, u8 cpl)
{
	world_init(&w, mode);
	world_map(&w, 0, RAM_SIZE, ram, true);
	world_map(&w, MMIO, sizeof(mmio), mmio, true)->mmio = true;
	memset(ram, 0, sizeof(ram));
	w.c.vendor = vendor;
	w.c.cpl = cpl;
	w.c.rip = CODE;
	w.c.rflags = FLAGS;
	w.gpr[EMUL_RSP] = STACK;
	world_set_implied(&w, EFER, 1);
	world_set_implied(&w, STAR, 0x0023001000000000 | 0x8000);
	world_set_implied(&w, LSTAR, KERNEL_64);
	world_set_implied(&w, CSTAR, KERNEL_64 + 0x100);
	world_set_implied(&w, SFMASK, 0x200 | 0x400);
	world_set_implied(&w, SYSENTER_CS, 0x13);
	world_set_implied(&w, SYSENTER_ESP, KERNEL_64 + 0x5000);
	world_set_implied(&w, SYSENTER_EIP, KERNEL_64 + 0x200);
}

/* Put an instruction at rip and run it. */
#define run(bytes) run_bytes(bytes, sizeof(bytes) - 1)

static enum emul_result run_bytes(const char *bytes, unsigned int n)
{
	memcpy(ram + w.c.rip, bytes, n);
	return world_step(&w);
}

static void expect_fault(enum emul_result res, u8 vector, const char *what)
{
	tap_ok(res == EMUL_EXCEPTION && w.c.exc.vector == vector && w.c.exc.error_code == 0 &&
		       w.c.rip == CODE && w.seg[EMUL_SEG_CS].selector == 8,
	       "%s: expected exception %u and nothing changed; saw result %d, exception %u, "
	       "rip %llx, CS %x",
	       what, vector, res, w.c.exc.vector, w.c.rip, w.seg[EMUL_SEG_CS].selector);
}

/* CS, SS, privilege and instruction pointer after a system call or the way back. */
static void expect_at(enum emul_result res, u64 rip, u16 cs, u16 ss, u8 cpl, bool l,
		      const char *what)
{
	const struct emul_segment *c = &w.seg[EMUL_SEG_CS], *s = &w.seg[EMUL_SEG_SS];

	tap_ok(res == EMUL_OK && w.c.rip == rip && c->selector == cs && s->selector == ss &&
		       c->dpl == cpl && s->dpl == cpl && c->l == l && c->db == !l,
	       "%s: expected %x:%llx, SS %x, CPL %u, L %u; saw result %d, %x:%llx, SS %x, "
	       "DPLs %u %u, L %u, D %u",
	       what, cs, rip, ss, cpl, l, res, c->selector, w.c.rip, s->selector, c->dpl, s->dpl,
	       c->l, c->db);
	tap_ok(c->base == 0 && c->limit == 0xffffffff && c->type == 11 && c->s && c->present &&
		       c->g && s->base == 0 && s->limit == 0xffffffff && s->type == 3 && s->s &&
		       s->present && s->db && !s->unusable,
	       "%s: both are flat: CS type %u limit %x, SS type %u limit %x", what, c->type,
	       c->limit, s->type, s->limit);
}

static void test_syscall_64(enum emul_vendor vendor)
{
	setup(EMUL_MODE_PROT64, vendor, 3);
	expect_at(run("\x0f\x05"), KERNEL_64, 0x10, 0x18, 0, true, "syscall");
	tap_eq(w.gpr[EMUL_RCX], CODE + 2, "syscall: RCX is the next RIP");
	tap_eq(w.gpr[EMUL_R11], FLAGS & ~0x10000, "syscall: R11 is RFLAGS without RF");
	tap_eq(w.c.rflags, FLAGS & ~0x10200, "syscall: SFMASK has cleared IF, and RF is gone");

	setup(EMUL_MODE_PROT64, vendor, 3);
	world_set_implied(&w, EFER, 0);
	expect_fault(run("\x0f\x05"), 6, "syscall without EFER.SCE");
}

static void test_syscall_compat(void)
{
	setup(EMUL_MODE_PROT32, EMUL_VENDOR_AMD, 3);
	w.c.lma = true;
	expect_at(run("\x0f\x05"), KERNEL_64 + 0x100, 0x10, 0x18, 0, true, "syscall, compat, AMD");
	tap_eq(w.gpr[EMUL_RCX], CODE + 2, "syscall, compat: RCX");

	setup(EMUL_MODE_PROT32, EMUL_VENDOR_INTEL, 3);
	w.c.lma = true;
	expect_fault(run("\x0f\x05"), 6, "syscall, compat, Intel");

	setup(EMUL_MODE_PROT32, EMUL_VENDOR_AMD, 3);
	w.gpr[EMUL_R11] = 0x11;
	expect_at(run("\x0f\x05"), 0x8000, 0x10, 0x18, 0, false, "syscall, legacy, AMD");
	tap_eq(w.gpr[EMUL_R11], 0x11, "syscall, legacy: R11 is left alone");
	tap_eq(w.c.rflags, FLAGS & ~0x10200, "syscall, legacy: IF and RF are clear");

	setup(EMUL_MODE_REAL, EMUL_VENDOR_AMD, 0);
	w.seg[EMUL_SEG_CS].selector = 8;
	expect_fault(run("\x0f\x05"), 6, "syscall, real mode");
}

/* SYSCALL and SYSRET trap by the TF that they leave, SYSENTER by the one that it found. */
static void test_step(enum emul_vendor vendor)
{
	setup(EMUL_MODE_PROT64, vendor, 3);
	w.c.rflags |= TF;
	world_set_implied(&w, SFMASK, TF);
	tap_eq(run("\x0f\x05"), EMUL_OK, "syscall with TF, which SFMASK clears");
	tap_eq(w.c.step, false, "syscall: no trap follows");

	setup(EMUL_MODE_PROT64, vendor, 3);
	w.c.rflags |= TF;
	world_set_implied(&w, SFMASK, 0);
	tap_eq(run("\x0f\x05"), EMUL_OK, "syscall with TF, which stays");
	tap_eq(w.c.step, true, "syscall: a trap follows");

	setup(EMUL_MODE_PROT64, vendor, 0);
	w.gpr[EMUL_R11] = TF | 2;
	w.gpr[EMUL_RCX] = CODE;
	tap_eq(run("\x48\x0f\x07"), EMUL_OK, "sysret that sets TF");
	tap_eq(w.c.step, true, "sysret: a trap follows");

	setup(EMUL_MODE_PROT32, vendor, 3);
	w.c.rflags |= TF;
	tap_eq(run("\x0f\x34"), EMUL_OK, "sysenter with TF");
	tap_eq(w.c.step, true, "sysenter: a trap follows");
}

static void test_sysret(enum emul_vendor vendor)
{
	setup(EMUL_MODE_PROT64, vendor, 0);
	w.gpr[EMUL_RCX] = USER_64;
	w.gpr[EMUL_R11] = 0xffffffffffffffff;
	expect_at(run("\x48\x0f\x07"), USER_64, 0x33, 0x2b, 3, true, "sysret, to 64 bits");
	tap_eq(w.c.rflags, 0x3c7fd7, "sysret: RFLAGS from R11 but RF, VM, reserved bits");

	setup(EMUL_MODE_PROT64, vendor, 0);
	w.gpr[EMUL_RCX] = USER_64;
	w.gpr[EMUL_R11] = 0x202;
	expect_at(run("\x0f\x07"), (u32)USER_64, 0x23, 0x2b, 3, false, "sysret, to compat");

	setup(EMUL_MODE_PROT64, vendor, 0);
	w.gpr[EMUL_RCX] = BAD_64;
	if (vendor == EMUL_VENDOR_INTEL)
		expect_fault(run("\x48\x0f\x07"), 13, "sysret to an address that isn't canonical");
	else
		expect_at(run("\x48\x0f\x07"), BAD_64, 0x33, 0x2b, 3, true,
			  "sysret to an address that isn't canonical, AMD");

	setup(EMUL_MODE_PROT64, vendor, 3);
	expect_fault(run("\x48\x0f\x07"), 13, "sysret at CPL 3");
	setup(EMUL_MODE_PROT64, vendor, 3);
	world_set_implied(&w, EFER, 0);
	expect_fault(run("\x48\x0f\x07"), 6, "sysret without EFER.SCE, before the CPL");
}

static void test_sysret_legacy(void)
{
	setup(EMUL_MODE_PROT32, EMUL_VENDOR_AMD, 0);
	w.c.rflags = 2;
	w.gpr[EMUL_RCX] = 0x5000;
	expect_at(run("\x0f\x07"), 0x5000, 0x23, 0x2b, 3, false, "sysret, legacy, AMD");
	tap_eq(w.c.rflags, 0x202, "sysret, legacy: IF is set, nothing comes from R11");

	setup(EMUL_MODE_PROT32, EMUL_VENDOR_INTEL, 0);
	expect_fault(run("\x0f\x07"), 6, "sysret, legacy, Intel");
}

static void test_sysenter(void)
{
	setup(EMUL_MODE_PROT64, EMUL_VENDOR_INTEL, 3);
	expect_at(run("\x0f\x34"), KERNEL_64 + 0x200, 0x10, 0x18, 0, true, "sysenter, Intel");
	tap_eq(w.gpr[EMUL_RSP], KERNEL_64 + 0x5000, "sysenter: RSP");
	tap_eq(w.c.rflags, FLAGS & ~0x10200, "sysenter: IF and RF are clear");

	setup(EMUL_MODE_PROT32, EMUL_VENDOR_INTEL, 3);
	expect_at(run("\x0f\x34"), (u32)KERNEL_64 + 0x200, 0x10, 0x18, 0, false,
		  "sysenter, legacy");
	tap_eq(w.gpr[EMUL_RSP], (u32)(KERNEL_64 + 0x5000), "sysenter, legacy: ESP");

	setup(EMUL_MODE_PROT64, EMUL_VENDOR_AMD, 3);
	expect_fault(run("\x0f\x34"), 6, "sysenter in long mode, AMD");
	setup(EMUL_MODE_PROT32, EMUL_VENDOR_AMD, 3);
	expect_at(run("\x0f\x34"), (u32)KERNEL_64 + 0x200, 0x10, 0x18, 0, false,
		  "sysenter, legacy, AMD");

	setup(EMUL_MODE_PROT64, EMUL_VENDOR_INTEL, 3);
	world_set_implied(&w, SYSENTER_CS, 3);
	expect_fault(run("\x0f\x34"), 13, "sysenter with a null SYSENTER_CS");
	setup(EMUL_MODE_REAL, EMUL_VENDOR_INTEL, 0);
	w.seg[EMUL_SEG_CS].selector = 8;
	expect_fault(run("\x0f\x34"), 13, "sysenter, real mode");

	setup(EMUL_MODE_VM86, EMUL_VENDOR_INTEL, 3);
	expect_at(run("\x0f\x34"), (u32)KERNEL_64 + 0x200, 0x10, 0x18, 0, false,
		  "sysenter, virtual-8086 mode");
	tap_eq(w.c.rflags & 0x20000, 0, "sysenter: VM is clear");
}

static void test_sysexit(void)
{
	setup(EMUL_MODE_PROT64, EMUL_VENDOR_INTEL, 0);
	w.gpr[EMUL_RDX] = USER_64;
	w.gpr[EMUL_RCX] = USER_64 + 0x1000;
	expect_at(run("\x48\x0f\x35"), USER_64, 0x33, 0x3b, 3, true, "sysexit, to 64 bits");
	tap_eq(w.gpr[EMUL_RSP], USER_64 + 0x1000, "sysexit: RSP");

	setup(EMUL_MODE_PROT64, EMUL_VENDOR_INTEL, 0);
	w.gpr[EMUL_RDX] = USER_64;
	w.gpr[EMUL_RCX] = USER_64 + 0x1000;
	expect_at(run("\x0f\x35"), (u32)USER_64, 0x23, 0x2b, 3, false, "sysexit, to compat");
	tap_eq(w.gpr[EMUL_RSP], (u32)(USER_64 + 0x1000), "sysexit, to compat: ESP");

	setup(EMUL_MODE_PROT64, EMUL_VENDOR_INTEL, 0);
	w.gpr[EMUL_RCX] = BAD_64;
	expect_fault(run("\x48\x0f\x35"), 13, "sysexit, RCX not canonical");
	setup(EMUL_MODE_PROT64, EMUL_VENDOR_INTEL, 0);
	w.gpr[EMUL_RDX] = BAD_64;
	expect_fault(run("\x48\x0f\x35"), 13, "sysexit, RDX not canonical");
	setup(EMUL_MODE_PROT64, EMUL_VENDOR_INTEL, 3);
	expect_fault(run("\x48\x0f\x35"), 13, "sysexit at CPL 3");
	setup(EMUL_MODE_PROT64, EMUL_VENDOR_AMD, 0);
	expect_fault(run("\x48\x0f\x35"), 6, "sysexit in long mode, AMD");
}

static void test_bases(void)
{
	setup(EMUL_MODE_PROT64, EMUL_VENDOR_INTEL, 0);
	w.seg[EMUL_SEG_GS].base = USER_64;
	world_set_implied(&w, KERNEL_GS, KERNEL_64);
	tap_eq(run("\x0f\x01\xf8"), EMUL_OK, "swapgs");
	tap_eq(w.seg[EMUL_SEG_GS].base, KERNEL_64, "swapgs: GS's base");
	tap_eq(w.ops.get_implied_msr(&w, KERNEL_GS), USER_64, "swapgs: the other one");
	setup(EMUL_MODE_PROT64, EMUL_VENDOR_INTEL, 3);
	expect_fault(run("\x0f\x01\xf8"), 13, "swapgs at CPL 3");
	setup(EMUL_MODE_PROT32, EMUL_VENDOR_INTEL, 0);
	expect_fault(run("\x0f\x01\xf8"), 6, "swapgs outside of 64-bit mode");

	setup(EMUL_MODE_PROT64, EMUL_VENDOR_INTEL, 3);
	expect_fault(run("\xf3\x0f\xae\xd0"), 6, "wrfsbase without CR4.FSGSBASE");
	setup(EMUL_MODE_PROT64, EMUL_VENDOR_INTEL, 3);
	w.cr[4] |= 0x10000;
	w.gpr[EMUL_RAX] = BAD_64;
	expect_fault(run("\xf3\x48\x0f\xae\xd0"), 13, "wrfsbase of a base that isn't canonical");
	tap_eq(run("\xf3\x0f\xae\xd0"), EMUL_OK, "wrfsbase of 32 bits of it");
	tap_eq(w.seg[EMUL_SEG_FS].base, (u32)BAD_64, "wrfsbase: FS's base");
}

static void test_counters(void)
{
	setup(EMUL_MODE_PROT64, EMUL_VENDOR_INTEL, 3);
	world_set_implied(&w, TSC_AUX, 0x100000007);
	w.gpr[EMUL_RCX] = ~0ull;
	tap_eq(run("\x0f\x01\xf9"), EMUL_OK, "rdtscp");
	tap_eq(w.gpr[EMUL_RCX], 7, "rdtscp: ECX is TSC_AUX");
	tap_eq(w.gpr[EMUL_RAX], 0x90abcdef, "rdtscp: EAX");
	tap_eq(w.gpr[EMUL_RDX], 0x12345678, "rdtscp: EDX");
	tap_eq(run("\xf3\x0f\xc7\xfb"), EMUL_OK, "rdpid");
	tap_eq(w.gpr[EMUL_RBX], 7, "rdpid: TSC_AUX");

	setup(EMUL_MODE_PROT64, EMUL_VENDOR_INTEL, 3);
	w.cr[4] |= 4;
	expect_fault(run("\x0f\x01\xf9"), 13, "rdtscp with CR4.TSD at CPL 3");
	setup(EMUL_MODE_PROT64, EMUL_VENDOR_INTEL, 0);
	expect_fault(run("\x0f\x33"), 13, "rdpmc: no counter has a number");
}

static void test_random(void)
{
	setup(EMUL_MODE_PROT64, EMUL_VENDOR_INTEL, 3);
	w.random = 0x1122334455667788;
	w.c.rflags = 0x8d6;
	tap_eq(run("\x48\x0f\xc7\xf0"), EMUL_OK, "rdrand");
	tap_eq(w.gpr[EMUL_RAX], 0x1122334455667788, "rdrand: all of it");
	tap_eq(w.c.rflags, 3, "rdrand: CF alone is set");
	w.gpr[EMUL_RAX] = ~0ull;
	tap_eq(run("\x66\x0f\xc7\xf8"), EMUL_OK, "rdseed of 16 bits");
	tap_eq(w.gpr[EMUL_RAX], 0xffffffffffff7788, "rdseed: the rest is left alone");
	w.random = 0;
	tap_eq(run("\x0f\xc7\xf0"), EMUL_OK, "rdrand without a number");
	tap_eq(w.gpr[EMUL_RAX], 0, "rdrand without a number: zero");
	tap_eq(w.c.rflags, 2, "rdrand without a number: CF is clear");
}

static void test_clflush(void)
{
	setup(EMUL_MODE_PROT64, EMUL_VENDOR_INTEL, 3);
	w.gpr[EMUL_RAX] = MMIO;
	tap_eq(run("\x0f\xae\x38"), EMUL_OK, "clflush of a device's register");
	tap_eq(w.nr_exits, 0, "clflush: the device isn't read");
	tap_eq(run("\x66\x0f\xae\x38"), EMUL_OK, "clflushopt");
	tap_eq(run("\x66\x0f\xae\x30"), EMUL_OK, "clwb");

	setup(EMUL_MODE_PROT64, EMUL_VENDOR_INTEL, 3);
	w.gpr[EMUL_RAX] = 0x900000;
	tap_ok(run("\x0f\xae\x38") == EMUL_EXCEPTION && w.c.exc.vector == 14 &&
		       w.c.exc.address == 0x900000 && w.c.exc.error_code == 4,
	       "clflush of what isn't there: expected #PF(4) at 900000, saw %u(%x) at %llx",
	       w.c.exc.vector, w.c.exc.error_code, w.c.exc.address);
	setup(EMUL_MODE_PROT64, EMUL_VENDOR_INTEL, 3);
	w.gpr[EMUL_RAX] = BAD_64;
	expect_fault(run("\x0f\xae\x38"), 13, "clflush at an address that isn't canonical");
}

int main(void)
{
	test_syscall_64(EMUL_VENDOR_INTEL);
	test_syscall_64(EMUL_VENDOR_AMD);
	test_syscall_compat();
	test_sysret(EMUL_VENDOR_INTEL);
	test_sysret(EMUL_VENDOR_AMD);
	test_step(EMUL_VENDOR_INTEL);
	test_step(EMUL_VENDOR_AMD);
	test_sysret_legacy();
	test_sysenter();
	test_sysexit();
	test_bases();
	test_counters();
	test_random();
	test_clflush();
	return tap_done();
}
