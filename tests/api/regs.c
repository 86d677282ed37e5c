// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPU state by ioctl: what is set reads back, what can't be is refused and changes nothing.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "row.h"
#include "vm.h"

#define CR0_PE		(1ull << 0)
#define CR0_NW		(1ull << 29)
#define CR0_CD		(1ull << 30)
#define CR0_PG		(1ull << 31)
#define CR4_PAE		(1ull << 5)
#define CR4_LA57	(1ull << 12)
#define CR4_PCIDE	(1ull << 17)
#define EFER_SCE	(1ull << 0)
#define EFER_LME	(1ull << 8)
#define EFER_LMA	(1ull << 10)
#define EFER_NX		(1ull << 11)
#define EFER_SVME	(1ull << 12)

static struct vcpu *fresh(void)
{
	struct vm *vm = vm_new_ram();

	vm_add_irqchip(vm, false);
	return vm_add_vcpu(vm, 0);
}

/* ---- KVM_{GET,SET}_REGS ---- */

static void regs(const void *arg)
{
	struct vcpu *vcpu = fresh();
	struct kvm_regs set = {
		.rax = 0x1111111111111111, .rbx = 0x2222222222222222, .rcx = 3, .rdx = 4,
		.rsi = 5, .rdi = 6, .rsp = 0x7777777777777777, .rbp = 8,
		.r8 = 0x8888888888888888, .r9 = 9, .r10 = 10, .r11 = 11,
		.r12 = 12, .r13 = 13, .r14 = 14, .r15 = ~0ull,
		.rip = 0x123456789abc, .rflags = 0x246,
	}, get;

	(void)arg;
	expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &set));
	expect_ok("KVM_GET_REGS", ioctl(vcpu->fd, KVM_GET_REGS, &get));
	expect_mem("the registers", &get, &set, sizeof(set));
	set.rflags = 0;
	expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &set));
	expect_eq("RFLAGS: bit 1 is always set", vcpu_regs(vcpu).rflags, 2);
}

/* ---- KVM_{GET,SET}_SREGS ---- */

static void sregs(const void *arg)
{
	struct vcpu *vcpu = fresh();
	struct kvm_sregs set, get;

	(void)arg;
	vcpu_set_mode(vcpu, MODE_LONG, 0x1000, 0x2000);
	set = vcpu_sregs(vcpu);
	set.fs.base = 0x123456789000;
	set.gs.base = 0xffff888000000000;
	set.gdt.base = 0xffff800000001000;
	set.idt.base = 0xffff800000002000;
	set.idt.limit = 0xfff;
	set.cr2 = 0xdeadbeef000;
	set.cr8 = 7;
	set.efer |= EFER_SCE | EFER_NX;
	expect_ok("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &set));
	get = vcpu_sregs(vcpu);
	/* fields that some CPUs complete in their own way */
	get.ldt = set.ldt;
	expect_mem("the registers", &get, &set, sizeof(set));
}

static void sregs_segments(const void *arg)
{
	struct vcpu *vcpu = fresh();
	struct kvm_sregs set, get;

	(void)arg;
	vcpu_set_mode(vcpu, MODE_PROT32, 0x1000, 0x2000);
	set = vcpu_sregs(vcpu);
	set.ds = (struct kvm_segment){
		.base = 0x12340000,
		.limit = 0xfffff,
		.selector = 0x1b,
		.type = 3,
		.present = 1,
		.dpl = 3,
		.db = 1,
		.s = 1,
		.avl = 1,
	};
	set.es.unusable = 1;
	set.es.present = 0;
	set.tr.base = 0x5000;
	set.tr.limit = 0x67;
	expect_ok("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &set));
	get = vcpu_sregs(vcpu);
	expect_mem("DS", &get.ds, &set.ds, sizeof(set.ds));
	expect_eq("ES.unusable", get.es.unusable, 1);
	expect_mem("CS", &get.cs, &set.cs, sizeof(set.cs));
	expect_eq("TR.base", get.tr.base, 0x5000);
	expect_eq("TR.limit", get.tr.limit, 0x67);
	expect_eq("TR.type", get.tr.type, 11);
}

/* One change to a good state of long mode (or of real mode), and whether it is accepted. */
struct sregs_row {
	const char *name;
	enum vcpu_mode mode;
	uint64_t cr0_set, cr0_clear, cr4_set, cr4_clear, efer_set, efer_clear;
	int want;		/* errno; or'ed with SINCE_612 */
};

#define SINCE_612	0x10000		/* 6.1's driver accepts it */

static const struct sregs_row bad_sregs[] = {
	{ "long mode as it is", MODE_LONG, 0, 0, 0, 0, 0, 0, 0 },
	{ "real mode as it is", MODE_REAL, 0, 0, 0, 0, 0, 0, 0 },
	{ "CR0.PG without PE", MODE_REAL, CR0_PG, 0, 0, 0, 0, 0, EINVAL },
	{ "CR0.NW without CD", MODE_REAL, CR0_NW, 0, 0, 0, 0, 0, EINVAL },
	{ "CR0.NW and CD", MODE_REAL, CR0_NW | CR0_CD, 0, 0, 0, 0, 0, 0 },
	{ "CR0, upper half", MODE_REAL, 1ull << 32, 0, 0, 0, 0, 0, EINVAL },
	{ "CR4.PAE off in long mode", MODE_LONG, 0, 0, 0, CR4_PAE, 0, 0, EINVAL },
	{ "LMA without LME", MODE_LONG, 0, 0, 0, 0, 0, EFER_LME, EINVAL },
	{ "LME and PG without LMA", MODE_LONG, 0, 0, 0, 0, 0, EFER_LMA, EINVAL },
	{ "LMA without PG", MODE_REAL, 0, 0, CR4_PAE, 0, EFER_LME | EFER_LMA, 0, EINVAL },
	{ "LME alone, before PG", MODE_REAL, 0, 0, CR4_PAE, 0, EFER_LME, 0, 0 },
	{ "EFER, reserved bit 1", MODE_REAL, 0, 0, 0, 0, 1 << 1, 0, EINVAL | SINCE_612 },
	{ "EFER, reserved bit 40", MODE_REAL, 0, 0, 0, 0, 1ull << 40, 0, EINVAL | SINCE_612 },
	{ "CR4, reserved bit 15", MODE_REAL, 0, 0, 1 << 15, 0, 0, 0, EINVAL },
	{ "CR4, reserved bit 31", MODE_REAL, 0, 0, 1ull << 31, 0, 0, 0, EINVAL },
	{ "CR4, upper half", MODE_LONG, 0, 0, 1ull << 40, 0, 0, 0, EINVAL },
	{ "CR4.PCIDE outside long mode", MODE_PAE, 0, 0, CR4_PCIDE, 0, 0, 0, EINVAL },
};

static void sregs_validation(const void *arg)
{
	struct vcpu *vcpu = fresh();
	size_t i;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(bad_sregs); i++) {
		const struct sregs_row *row = &bad_sregs[i];
		struct kvm_sregs s, before, after;

		if (row->want & SINCE_612 && stock_61())
			continue;
		vcpu_set_mode(vcpu, row->mode, 0x1000, 0x2000);
		before = vcpu_sregs(vcpu);
		s = before;
		s.cr0 = (s.cr0 | row->cr0_set) & ~row->cr0_clear;
		s.cr4 = (s.cr4 | row->cr4_set) & ~row->cr4_clear;
		s.efer = (s.efer | row->efer_set) & ~row->efer_clear;
		s.cr2 = 0x1234;
		expect_errno(row->name, ioctl(vcpu->fd, KVM_SET_SREGS, &s), row->want & ~SINCE_612);
		after = vcpu_sregs(vcpu);
		if (row->want)
			expect_mem("registers after what was refused", &after, &before,
				   sizeof(after));
	}
}

/* An interrupt of kvm_sregs is one that was being delivered. */
static void sregs_interrupt(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);
	struct kvm_sregs s;

	(void)arg;
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
	s = vcpu_sregs(vcpu);
	s.interrupt_bitmap[1] = 1ull << 5;
	expect_ok("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &s));
	s = vcpu_sregs(vcpu);
	expect_eq("interrupt_bitmap[1]", s.interrupt_bitmap[1], 1ull << 5);
	expect_eq("interrupt_bitmap[0]", s.interrupt_bitmap[0], 0);
}

static void sregs_apic_base(const void *arg)
{
	struct vcpu *vcpu = fresh();
	struct kvm_sregs s = vcpu_sregs(vcpu);

	(void)arg;
	expect_eq("APIC base", s.apic_base, 0xfee00900);
	s.apic_base = 0xfee00d00;
	expect_ok("x2APIC", ioctl(vcpu->fd, KVM_SET_SREGS, &s));
	expect_eq("APIC base", vcpu_sregs(vcpu).apic_base, 0xfee00d00);
	s.apic_base = 0xfee00500;
	expect_errno("x2APIC without enable", ioctl(vcpu->fd, KVM_SET_SREGS, &s), EINVAL);
	s.apic_base = ~0ull;
	expect_errno("all ones", ioctl(vcpu->fd, KVM_SET_SREGS, &s), EINVAL);
}

static void sregs2(const void *arg)
{
	struct vcpu *vcpu = fresh();
	struct kvm_sregs2 s, again;

	(void)arg;
	need_cap(vcpu->vm->kvm, KVM_CAP_SREGS2);
	vcpu_set_mode(vcpu, MODE_PAE, 0x1000, 0x2000);
	expect_ok("KVM_GET_SREGS2", ioctl(vcpu->fd, KVM_GET_SREGS2, &s));
	expect_ok("KVM_SET_SREGS2", ioctl(vcpu->fd, KVM_SET_SREGS2, &s));
	expect_ok("KVM_GET_SREGS2", ioctl(vcpu->fd, KVM_GET_SREGS2, &again));
	expect_mem("the registers", &again, &s, sizeof(s));
	s.flags = 1 << 20;
	expect_errno("an unknown flag", ioctl(vcpu->fd, KVM_SET_SREGS2, &s), EINVAL);
}

/*
 * PDPTEs that are not those in memory. Where they are registers the guest goes on with them; AMD's
 * nested paging reads memory.
 */
static void sregs2_pdptrs(const void *arg)
{
	struct vcpu *vcpu = fresh();
	struct vm *vm = vcpu->vm;
	struct kvm_translation t = { .linear_address = GUEST_REAL };
	struct kvm_sregs2 s, again;
	struct kvm_sregs old;
	uint64_t *pdptes = vm_ptr(vm, GUEST_PAE, 32);
	unsigned int i;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_SREGS2);
	memcpy(vm_ptr(vm, GUEST_REAL, 2), (const uint8_t[]){ 0xe6, 0x10 }, 2);	/* out %al, $0x10 */
	vcpu_set_mode(vcpu, MODE_PAE, GUEST_REAL, 0x7000);
	expect_ok("KVM_GET_SREGS2", ioctl(vcpu->fd, KVM_GET_SREGS2, &s));
	expect_eq("flags", s.flags, KVM_SREGS2_FLAGS_PDPTRS_VALID);
	for (i = 0; i < 4; i++)
		expect_eq("a PDPTE, as in memory", s.pdptrs[i], pdptes[i]);
	memset(pdptes, 0, 32);
	s.pdptrs[2] = s.pdptrs[1];
	expect_ok("KVM_SET_SREGS2", ioctl(vcpu->fd, KVM_SET_SREGS2, &s));
	expect_ok("KVM_GET_SREGS2", ioctl(vcpu->fd, KVM_GET_SREGS2, &again));
	expect_mem("the PDPTEs", again.pdptrs, s.pdptrs, sizeof(s.pdptrs));
	if (on_vmx()) {
		expect_ok("KVM_TRANSLATE", ioctl(vcpu->fd, KVM_TRANSLATE, &t));
		expect_eq("valid", t.valid, 1);
		expect_eq("physical address", t.physical_address, GUEST_REAL);
		vcpu_run_until(vcpu, KVM_EXIT_IO);
		expect_eq("port", vcpu->run->io.port, 0x10);
	}
	/* Without them: those in memory, where none is left. */
	old = vcpu_sregs(vcpu);
	expect_ok("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &old));
	expect_ok("KVM_GET_SREGS2", ioctl(vcpu->fd, KVM_GET_SREGS2, &again));
	for (i = 0; i < 4; i++)
		expect_eq("a PDPTE, gone from memory", again.pdptrs[i], 0);
}

/* ---- floating point ---- */

static void fpu(const void *arg)
{
	struct vcpu *vcpu = fresh();
	struct kvm_fpu set = { .fcw = 0x27f, .fsw = 0x3800, .ftwx = 0x0f, .mxcsr = 0x1fa0 }, get;
	unsigned int i, j;

	(void)arg;
	for (i = 0; i < 16; i++)
		for (j = 0; j < 16; j++)
			set.xmm[i][j] = i * 16 + j;
	for (i = 0; i < 8; i++)
		for (j = 0; j < 10; j++)
			set.fpr[i][j] = i * 10 + j;
	set.last_ip = 0x1234;
	set.last_dp = 0x5678;
	set.last_opcode = 0x123;
	expect_ok("KVM_SET_FPU", ioctl(vcpu->fd, KVM_SET_FPU, &set));
	memset(&get, 0xee, sizeof(get));
	expect_ok("KVM_GET_FPU", ioctl(vcpu->fd, KVM_GET_FPU, &get));
	expect_eq("FCW", get.fcw, set.fcw);
	expect_eq("FSW", get.fsw, set.fsw);
	expect_eq("FTW", get.ftwx, set.ftwx);
	expect_eq("opcode", get.last_opcode, set.last_opcode);
	expect_eq("instruction pointer", get.last_ip, set.last_ip);
	expect_eq("data pointer", get.last_dp, set.last_dp);
	expect_mem("x87 registers", get.fpr, set.fpr, sizeof(set.fpr));
	expect_mem("XMM registers", get.xmm, set.xmm, sizeof(set.xmm));
}

static void fpu_reset(const void *arg)
{
	struct vcpu *vcpu = fresh();
	struct kvm_fpu get;

	(void)arg;
	expect_ok("KVM_GET_FPU", ioctl(vcpu->fd, KVM_GET_FPU, &get));
	expect_eq("FCW", get.fcw, 0x37f);
	expect_eq("FSW", get.fsw, 0);
	expect_eq("FTW", get.ftwx, 0);
}

static void xsave(const void *arg)
{
	struct vcpu *vcpu = fresh();
	struct kvm_xsave *set = calloc(1, sizeof(*set)), *get = calloc(1, sizeof(*get));
	uint64_t *header = (uint64_t *)((uint8_t *)set->region + 512);
	unsigned int i;

	(void)arg;
	need_cap(vcpu->vm->kvm, KVM_CAP_XSAVE);
	expect_ok("KVM_GET_XSAVE", ioctl(vcpu->fd, KVM_GET_XSAVE, set));
	expect_eq("FCW", set->region[0] & 0xffff, 0x37f);
	expect_eq("MXCSR", set->region[6], 0x1f80);
	for (i = 40; i < 104; i++)		/* XMM0-15, bytes 160 to 415 */
		set->region[i] = i * 0x01010101;
	set->region[0] = 0x27f;
	header[0] = 3;
	expect_ok("KVM_SET_XSAVE", ioctl(vcpu->fd, KVM_SET_XSAVE, set));
	expect_ok("KVM_GET_XSAVE", ioctl(vcpu->fd, KVM_GET_XSAVE, get));
	expect_eq("FCW", get->region[0] & 0xffff, 0x27f);
	expect_mem("XMM registers", &get->region[40], &set->region[40], 256);
	header[0] = 3 | 1ull << 62;
	expect_errno("an unknown component", ioctl(vcpu->fd, KVM_SET_XSAVE, set), EINVAL);
	header[0] = 3;
	set->region[6] = 0xffffffff;
	expect_errno("MXCSR, reserved bits", ioctl(vcpu->fd, KVM_SET_XSAVE, set), EINVAL);
}

/* The same in as many bytes as the capability says. */
static void xsave2(const void *arg)
{
	struct vcpu *vcpu = fresh();
	struct kvm_xsave *set = calloc(1, sizeof(*set)), *get;
	int size = kvm_cap(vcpu->vm->fd, KVM_CAP_XSAVE2);
	uint64_t *header = (uint64_t *)((uint8_t *)set->region + 512);
	unsigned int i;

	(void)arg;
	need_cap(vcpu->vm->fd, KVM_CAP_XSAVE2);
	expect_true(size >= 4096, "KVM_CAP_XSAVE2: expected 4096 or more, saw %d", size);
	expect_ok("KVM_GET_XSAVE", ioctl(vcpu->fd, KVM_GET_XSAVE, set));
	for (i = 40; i < 104; i++)		/* XMM0-15 */
		set->region[i] = i * 0x01010101;
	header[0] = 3;
	expect_ok("KVM_SET_XSAVE", ioctl(vcpu->fd, KVM_SET_XSAVE, set));
	get = malloc(size + 64);
	memset(get, 0xee, size + 64);
	expect_ok("KVM_GET_XSAVE2", ioctl(vcpu->fd, KVM_GET_XSAVE2, get));
	expect_mem("XMM registers", &get->region[40], &set->region[40], 256);
	expect_eq("the byte behind", ((uint8_t *)get)[size], 0xee);
}

static void xcrs(const void *arg)
{
	struct vcpu *vcpu = fresh();
	struct kvm_xcrs x = { 0 };

	(void)arg;
	need_cap(vcpu->vm->kvm, KVM_CAP_XCRS);
	if (!guest_has(vcpu->vm->kvm, 1, 0, 'c', 26))
		row_skip("no XSAVE in CPUID");
	expect_ok("KVM_GET_XCRS", ioctl(vcpu->fd, KVM_GET_XCRS, &x));
	expect_eq("number of XCRs", x.nr_xcrs, 1);
	expect_eq("XCR0 at reset", x.xcrs[0].value, 1);
	x.xcrs[0].value = 3;
	expect_ok("3", ioctl(vcpu->fd, KVM_SET_XCRS, &x));
	x.xcrs[0].value = 0;
	expect_ok("KVM_GET_XCRS", ioctl(vcpu->fd, KVM_GET_XCRS, &x));
	expect_eq("XCR0", x.xcrs[0].value, 3);
	x.xcrs[0].value = 2;
	expect_errno("without x87", ioctl(vcpu->fd, KVM_SET_XCRS, &x), EINVAL);
	x.xcrs[0].value = 1ull << 63 | 1;
	expect_errno("an unknown bit", ioctl(vcpu->fd, KVM_SET_XCRS, &x), EINVAL);
	x.xcrs[0].value = 3;
	x.nr_xcrs = KVM_MAX_XCRS + 1;
	expect_errno("too many", ioctl(vcpu->fd, KVM_SET_XCRS, &x), EINVAL);
	x.nr_xcrs = 1;
	x.flags = 1;
	expect_errno("flags", ioctl(vcpu->fd, KVM_SET_XCRS, &x), EINVAL);
}

/* ---- MSRs ---- */

static void msrs(const void *arg)
{
	static const struct {
		uint32_t index;
		uint64_t value;
	} row[] = {
		{ 0x174, 0x10 },
		{ 0x175, 0x80001000 },
		{ 0x176, 0x80002000 }, /* AMD: 32 bits */
		{ 0xc0000081, 0x0023001000000000 },
		{ 0xc0000082, 0xffffffff81000000 },
		{ 0xc0000083, 0xffffffff81000001 },
		{ 0xc0000084, 0x47700 },
		{ 0xc0000100, 0x7f0000001000 },
		{ 0xc0000101, 0xffff888000001000 },
		{ 0xc0000102, 0x123456789000 },
		{ 0x277, 0x0007010600070106 },
		{ 0x2ff, 0xc06 },
		{ 0x250, 0x0606060606060606 },
		{ 0x200, 0x06 },
		{ 0x201, 0xff000800 },
		{ 0x4b564d01, 0x2001 },
		{ 0x3b, 0x1000 },
		{ 0x17a, 0 },
	};
	struct vcpu *vcpu = fresh();
	uint64_t seen;
	size_t i;
	int got;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(row); i++) {
		expect_true(vcpu_set_msr(vcpu, row[i].index, row[i].value) == 1,
			    "MSR %#x: expected to be set, saw it refused", row[i].index);
		got = vcpu_get_msr(vcpu, row[i].index, &seen);
		expect_true(got == 1 && seen == row[i].value,
			    "MSR %#x: expected %#llx, saw %#llx (%d MSRs read)", row[i].index,
			    (unsigned long long)row[i].value, (unsigned long long)seen, got);
	}
}

static void msrs_refused(const void *arg)
{
	static const struct {
		const char *name;
		uint32_t index;
		uint64_t value;
	} row[] = {
		{ "an unknown MSR", 0x12345678, 0 },
		{ "LSTAR, not canonical", 0xc0000082, 0x1234567890abcdef },
		{ "PAT, type 2", 0x277, 0x0002040600070406 },
		{ "MTRR default type, type 7", 0x2ff, 0xc07 },
		{ "variable MTRR, type 7", 0x200, 7 },
		{ "x2APIC ID in xAPIC mode", 0x802, 0 },
	};
	struct vcpu *vcpu = fresh();
	size_t i;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(row); i++)
		expect_true(vcpu_set_msr(vcpu, row[i].index, row[i].value) == 0,
			    "%s: expected to be refused, saw it set", row[i].name);
}

/* An MSR's address has the width that the CPU's have, whether or not the guest has set CR4.LA57. */
static void msr_address_width(const void *arg)
{
	static const uint32_t index[] = { 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000082 };
	struct vcpu *vcpu = fresh();
	uint32_t eax, ebx, ecx, edx, bits;
	size_t i;

	(void)arg;
	__cpuid(0x80000008, eax, ebx, ecx, edx);
	bits = eax >> 8 & 0xff;
	for (i = 0; i < ARRAY_SIZE(index); i++) {
		expect_true(vcpu_set_msr(vcpu, index[i], 1ull << (bits - 2)) == 1,
			    "MSR %#x, bit %u: expected to be set, saw it refused", index[i],
			    bits - 2);
		expect_true(vcpu_set_msr(vcpu, index[i], 1ull << (bits - 1)) == 0,
			    "MSR %#x, bit %u: expected to be refused, saw it set", index[i],
			    bits - 1);
		expect_true(vcpu_set_msr(vcpu, index[i], ~0ull << (bits - 1)) == 1,
			    "MSR %#x, bits from %u on: expected to be set, saw it refused",
			    index[i], bits - 1);
	}
}

/* A list stops at the first MSR that is refused, and says how many were done. */
static void msr_list_stops(const void *arg)
{
	struct vcpu *vcpu = fresh();
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[4];
	} m = {
		.head.nmsrs = 4,
		.entry = {
			{ .index = 0x175, .data = 0x1000 }, { .index = 0x176, .data = 0x2000 },
			{ .index = 0x12345678, .data = 1 }, { .index = 0xc0000102, .data = 0x3000 },
		},
	};
	uint64_t seen;

	(void)arg;
	expect_eq("KVM_SET_MSRS", ioctl(vcpu->fd, KVM_SET_MSRS, &m), 2);
	vcpu_get_msr(vcpu, 0x176, &seen);
	expect_eq("the second", seen, 0x2000);
	vcpu_get_msr(vcpu, 0xc0000102, &seen);
	expect_eq("the fourth", seen, 0);
	m.entry[0].data = m.entry[1].data = 0;
	expect_eq("KVM_GET_MSRS", ioctl(vcpu->fd, KVM_GET_MSRS, &m), 2);
	expect_eq("the first", m.entry[0].data, 0x1000);
	m.head.nmsrs = 0;
	expect_eq("none", ioctl(vcpu->fd, KVM_SET_MSRS, &m), 0);
	m.head.nmsrs = 100000;
	expect_errno("far too many", ioctl(vcpu->fd, KVM_SET_MSRS, &m), E2BIG);
}

static struct {
	struct kvm_msrs head;
	struct kvm_msr_entry entry[200];
} changing;
static bool changing_ends;

static void *change_count(void *arg)
{
	uint32_t n = 1;

	while (!__atomic_load_n(&changing_ends, __ATOMIC_RELAXED))
		__atomic_store_n(&changing.head.nmsrs, n ^= 1 ^ ARRAY_SIZE(changing.entry),
				 __ATOMIC_RELAXED);
	return arg;
}

/*
 * CVE-2021-29657's class: a count that another thread changes between two fetches sizes the buffer
 * by the one, and the work on it by the other. What lies behind the buffer then comes back in place
 * of the list's own numbers.
 */
static void count_changes(const void *arg)
{
	struct vcpu *vcpu = fresh();
	unsigned int calls, i, wrong = 0, odd = 0, seen[2] = { 0 };
	pthread_t thread;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(changing.entry); i++)
		changing.entry[i].index = 0x175;
	changing.head.nmsrs = 1;
	pthread_create(&thread, NULL, change_count, NULL);
	for (calls = 0; calls < 20000; calls++) {
		int n = ioctl(vcpu->fd, KVM_GET_MSRS, &changing);

		seen[n == ARRAY_SIZE(changing.entry)]++;
		odd += n != 1 && n != ARRAY_SIZE(changing.entry);
		for (i = 0; i < ARRAY_SIZE(changing.entry); i++)
			wrong += changing.entry[i].index != 0x175;
	}
	__atomic_store_n(&changing_ends, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	expect_true(seen[0] && seen[1], "both counts: expected each, saw %u and %u times", seen[0], seen[1]);
	expect_eq("calls with a result that is neither count", odd, 0);
	expect_eq("numbers in the list that are not the caller's", wrong, 0);
}

static void tsc(const void *arg)
{
	struct vcpu *vcpu = fresh();
	uint64_t a, b;
	int khz;

	(void)arg;
	need_cap(vcpu->vm->kvm, KVM_CAP_GET_TSC_KHZ);
	khz = expect_ok("KVM_GET_TSC_KHZ", ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0));
	expect_true(khz > 1000, "KVM_GET_TSC_KHZ: expected over 1000, saw %d", khz);
	vcpu_set_msr(vcpu, 0x10, 1ull << 50);
	vcpu_get_msr(vcpu, 0x10, &a);
	vcpu_get_msr(vcpu, 0x10, &b);
	expect_true(a >= 1ull << 50 && a < (1ull << 50) + khz * 10000ull,
		    "TSC after 2^50 was set: expected up to 10 s later, saw %#llx",
		    (unsigned long long)a);
	expect_true(b >= a, "TSC: expected to grow from %#llx, saw %#llx", (unsigned long long)a,
		    (unsigned long long)b);
}

/* What userspace writes first stands, whatever the TSC has reached since the vCPU's creation. */
static void tsc_first_write(const void *arg)
{
	struct timespec pause = { .tv_nsec = 300000000 };
	struct vcpu *vcpu = fresh();
	uint64_t now, since;
	int khz;

	(void)arg;
	if (stock_61())
		row_skip("new with 6.12's ABI");
	need_cap(vcpu->vm->kvm, KVM_CAP_GET_TSC_KHZ);
	khz = expect_ok("KVM_GET_TSC_KHZ", ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0));
	nanosleep(&pause, NULL);
	vcpu_get_msr(vcpu, 0x10, &since);
	expect_true(since > khz * 250ull, "TSC after 300 ms: expected over %llu, saw %llu",
		    khz * 250ull, (unsigned long long)since);
	vcpu_set_msr(vcpu, 0x10, 1);
	vcpu_get_msr(vcpu, 0x10, &now);
	expect_true(now < since, "TSC after 1 was set: expected below %llu, saw %llu",
		    (unsigned long long)since, (unsigned long long)now);
}

/* ---- debug registers ---- */

static void debugregs(const void *arg)
{
	struct vcpu *vcpu = fresh();
	struct kvm_debugregs set = {
		.db = { 0x1000, 0x2000, 0x3000, 0xffff800000004000 },
		.dr6 = 0xffff0ff1, .dr7 = 0x4aa,
	}, get;

	(void)arg;
	need_cap(vcpu->vm->kvm, KVM_CAP_DEBUGREGS);
	memset(&get, 0xee, sizeof(get));
	expect_ok("KVM_GET_DEBUGREGS", ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &get));
	expect_eq("DR6 at reset", get.dr6, 0xffff0ff0);
	expect_eq("DR7 at reset", get.dr7, 0x400);
	expect_eq("flags", get.flags, 0);
	expect_eq("reserved words", get.reserved[8], 0);
	expect_ok("KVM_SET_DEBUGREGS", ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &set));
	expect_ok("KVM_GET_DEBUGREGS", ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &get));
	expect_mem("the registers", &get, &set, sizeof(set));
	set.flags = 1;
	expect_errno("flags", ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &set), EINVAL);
	set.flags = 0;
	set.dr7 = 1ull << 32;
	expect_errno("DR7, upper half", ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &set), EINVAL);
	set.dr7 = 0x400;
	set.dr6 = 1ull << 32;
	expect_errno("DR6, upper half", ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &set), EINVAL);
}

/* ---- events ---- */

static void events(const void *arg)
{
	struct vcpu *vcpu = fresh();
	struct kvm_vcpu_events e, again;

	(void)arg;
	need_cap(vcpu->vm->kvm, KVM_CAP_VCPU_EVENTS);
	memset(&e, 0xee, sizeof(e));
	expect_ok("KVM_GET_VCPU_EVENTS", ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &e));
	expect_eq("exception.injected", e.exception.injected, 0);
	expect_eq("interrupt.injected", e.interrupt.injected, 0);
	expect_eq("interrupt.shadow", e.interrupt.shadow, 0);
	expect_eq("nmi.pending", e.nmi.pending, 0);
	expect_eq("nmi.masked", e.nmi.masked, 0);
	expect_eq("reserved", e.reserved[0], 0);
	e.interrupt.shadow = KVM_X86_SHADOW_INT_STI;
	e.nmi.masked = 1;
	e.nmi.pending = 1;
	e.flags |= KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_NMI_PENDING;
	e.flags &= ~KVM_VCPUEVENT_VALID_SIPI_VECTOR;
	expect_ok("KVM_SET_VCPU_EVENTS", ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &e));
	expect_ok("KVM_GET_VCPU_EVENTS", ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &again));
	/* SVM has one kind of shadow. */
	expect_true(again.interrupt.shadow, "interrupt.shadow: expected, saw 0");
	expect_eq("nmi.masked", again.nmi.masked, 1);
	expect_eq("nmi.pending", again.nmi.pending, 1);
	e.flags = 1 << 30;
	expect_errno("an unknown flag", ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
	e.flags = 0;
	e.exception.injected = 1;
	e.exception.nr = 40;
	expect_errno("exception 40", ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
	e.exception.nr = 2;
	expect_errno("an NMI as an exception", ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
}

/* An exception that is set is delivered when the guest runs. */
static void events_inject(const void *arg)
{
	static const uint8_t code[] = {
		0xeb, 0xfe,				/* jmp . */
		[0x20] = 0xe6, 0x11, 0xeb, 0xfe,	/* handler: out %al, $0x11; jmp . */
	};
	struct vcpu *vcpu = vm_add_vcpu(vm_new_ram(), 0);
	struct kvm_vcpu_events e;
	uint16_t *ivt = vm_ptr(vcpu->vm, 0, 1024);

	(void)arg;
	need_cap(vcpu->vm->kvm, KVM_CAP_VCPU_EVENTS);
	memcpy(vm_ptr(vcpu->vm, GUEST_REAL, sizeof(code)), code, sizeof(code));
	ivt[6 * 2] = GUEST_REAL + 0x20;
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
	expect_ok("KVM_GET_VCPU_EVENTS", ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &e));
	e.exception.injected = 1;
	e.exception.nr = 6;
	e.flags = 0;
	expect_ok("KVM_SET_VCPU_EVENTS", ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &e));
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("the handler's port", vcpu->run->io.port, 0x11);
	expect_eq("the return address it was given",
		  *(uint16_t *)vm_ptr(vcpu->vm, vcpu_regs(vcpu).rsp, 2), GUEST_REAL);
}

/* KVM_NMI is taken at once, though interrupts are off. */
static void nmi(const void *arg)
{
	static const uint8_t code[] = {
		0xfa, 0xeb, 0xfe,
		[0x20] = 0xe6, 0x12, 0xcf,
	};
	struct vcpu *vcpu = vm_add_vcpu(vm_new_ram(), 0);
	uint16_t *ivt = vm_ptr(vcpu->vm, 0, 1024);

	(void)arg;
	need_cap(vcpu->vm->kvm, KVM_CAP_USER_NMI);
	memcpy(vm_ptr(vcpu->vm, GUEST_REAL, sizeof(code)), code, sizeof(code));
	ivt[2 * 2] = GUEST_REAL + 0x20;
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
	expect_ok("KVM_NMI", ioctl(vcpu->fd, KVM_NMI, 0));
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("the handler's port", vcpu->run->io.port, 0x12);
}

/* Two that wait are two: the second is latched behind the first. A third is lost. */
static void nmis_saved(const void *arg)
{
	struct vcpu *vcpu = fresh();
	struct kvm_vcpu_events e;
	int i;

	(void)arg;
	if (stock_61())
		row_skip("this driver tells of one");
	need_cap(vcpu->vm->kvm, KVM_CAP_USER_NMI);
	for (i = 0; i < 3; i++)
		expect_ok("KVM_NMI", ioctl(vcpu->fd, KVM_NMI, 0));
	expect_ok("KVM_GET_VCPU_EVENTS", ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &e));
	expect_eq("nmi.pending", e.nmi.pending, 2);
	expect_ok("KVM_SET_VCPU_EVENTS", ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &e));
	expect_ok("KVM_GET_VCPU_EVENTS", ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &e));
	expect_eq("nmi.pending, set", e.nmi.pending, 2);
}

/* ---- CPUID ---- */

static void cpuid(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 room[256];
	} *c = calloc(1, sizeof(*c));
	struct kvm_cpuid2 *supported = kvm_supported_cpuid(vm->kvm);
	uint32_t i;

	(void)arg;
	expect_errno("KVM_GET_CPUID2 without room", ioctl(vcpu->fd, KVM_GET_CPUID2, c), E2BIG);
	c->head.nent = 256;
	expect_ok("KVM_GET_CPUID2", ioctl(vcpu->fd, KVM_GET_CPUID2, c));
	if (!stock_61())
		expect_eq("entries", c->head.nent, supported->nent);
	for (i = 0; i < supported->nent; i++) {
		expect_eq("function", c->room[i].function, supported->entries[i].function);
		expect_eq("index", c->room[i].index, supported->entries[i].index);
	}
	supported->nent = 1000;
	expect_errno("far too many entries", ioctl(vcpu->fd, KVM_SET_CPUID2, supported), E2BIG);
	supported->nent = 0;
	expect_ok("none", ioctl(vm_add_bare_vcpu(vm, 1)->fd, KVM_SET_CPUID2, supported));
}

/* ---- translation ---- */

static void translate(const void *arg)
{
	struct vcpu *vcpu = fresh();
	struct kvm_translation t = { .linear_address = 0x1234567 };

	(void)arg;
	vcpu_set_mode(vcpu, MODE_LONG, 0x1000, 0x2000);
	expect_ok("KVM_TRANSLATE", ioctl(vcpu->fd, KVM_TRANSLATE, &t));
	expect_eq("valid", t.valid, 1);
	expect_eq("gpa", t.physical_address, 0x1234567);
	t.linear_address = 1ull << 40;
	expect_ok("KVM_TRANSLATE", ioctl(vcpu->fd, KVM_TRANSLATE, &t));
	expect_eq("valid, where nothing is mapped", t.valid, 0);
	vcpu_set_mode(vcpu, MODE_REAL, 0x1000, 0x2000);
	t.linear_address = 0x5000;
	expect_ok("KVM_TRANSLATE", ioctl(vcpu->fd, KVM_TRANSLATE, &t));
	expect_eq("valid, without paging", t.valid, 1);
	expect_eq("gpa", t.physical_address, 0x5000);
}

/* Everything that one vCPU says can be given to another (as in a migration), and reads the same. */
static void transplant(const void *arg)
{
	struct vcpu *a = fresh(), *b = fresh();
	struct kvm_sregs sa, sb;
	struct kvm_regs ra, rb;
	struct kvm_fpu fa, fb;
	struct kvm_lapic_state la, lb;
	struct kvm_mp_state ma;

	(void)arg;
	vcpu_set_mode(a, MODE_LONG, 0x123000, 0x456000);
	ra = vcpu_regs(a);
	sa = vcpu_sregs(a);
	expect_ok("KVM_GET_FPU", ioctl(a->fd, KVM_GET_FPU, &fa));
	expect_ok("KVM_GET_LAPIC", ioctl(a->fd, KVM_GET_LAPIC, &la));
	expect_ok("KVM_GET_MP_STATE", ioctl(a->fd, KVM_GET_MP_STATE, &ma));
	expect_ok("KVM_SET_SREGS", ioctl(b->fd, KVM_SET_SREGS, &sa));
	expect_ok("KVM_SET_REGS", ioctl(b->fd, KVM_SET_REGS, &ra));
	expect_ok("KVM_SET_FPU", ioctl(b->fd, KVM_SET_FPU, &fa));
	expect_ok("KVM_SET_LAPIC", ioctl(b->fd, KVM_SET_LAPIC, &la));
	expect_ok("KVM_SET_MP_STATE", ioctl(b->fd, KVM_SET_MP_STATE, &ma));
	rb = vcpu_regs(b);
	sb = vcpu_sregs(b);
	expect_ok("KVM_GET_FPU", ioctl(b->fd, KVM_GET_FPU, &fb));
	expect_ok("KVM_GET_LAPIC", ioctl(b->fd, KVM_GET_LAPIC, &lb));
	expect_mem("registers", &rb, &ra, sizeof(ra));
	expect_mem("system registers", &sb, &sa, sizeof(sa));
	expect_mem("FPU", &fb, &fa, sizeof(fa));
	expect_mem("local APIC", &lb, &la, sizeof(la));
}

/* The TSS that KVM_SET_SREGS loaded is where an interrupt from 32-bit user mode finds its stack. */
static void user_stack(const void *arg)
{
	static const uint8_t code[] = { 0xcd, 0x20 /* int $0x20 */ }, handler[] = { 0xe6, 0x80 };
	const uint32_t idt = 0x3000, entry = GUEST_REAL + 0x10, esp0 = 0x6000;
	struct vcpu *vcpu = fresh();
	struct kvm_sregs s;
	struct kvm_regs r;

	(void)arg;
	memcpy(vm_ptr(vcpu->vm, GUEST_REAL, sizeof(code)), code, sizeof(code));
	memcpy(vm_ptr(vcpu->vm, entry, sizeof(handler)), handler, sizeof(handler));
	memcpy(vm_ptr(vcpu->vm, idt + 0x20 * 8, 8),
	       (const uint16_t[]){ entry, SEL_CODE32, 0xee00, 0 }, 8);
	memcpy(vm_ptr(vcpu->vm, GUEST_TSS + 4, 8), (const uint32_t[]){ esp0, SEL_DATA }, 8);
	vcpu_set_mode(vcpu, MODE_PROT32, GUEST_REAL, 0x7000);
	s = vcpu_sregs(vcpu);
	s.idt.base = idt;
	s.idt.limit = 0x7ff;
	s.cs.dpl = 3;
	s.cs.selector |= 3;
	s.ss.dpl = 3;
	s.ss.selector |= 3;
	expect_ok("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &s));
	expect_eq("TR: busy", vcpu_sregs(vcpu).tr.type, 11);
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("port", vcpu->run->io.port, 0x80);
	r = vcpu_regs(vcpu);
	s = vcpu_sregs(vcpu);
	expect_eq("ESP", r.rsp, esp0 - 20);
	expect_eq("SS", s.ss.selector, SEL_DATA);
	expect_eq("CPL", s.ss.dpl, 0);
	expect_eq("the user's ESP", *(uint32_t *)vm_ptr(vcpu->vm, esp0 - 8, 4), 0x7000);
	expect_eq("TR: busy", s.tr.type, 11);
}

/* Userspace may set CR4.PCIDE before paging is on, where the guest itself couldn't. */
static void early_pcide(const void *arg)
{
	static const uint8_t code[] = {
		0xe6, 0x80, /* out %al, $0x80 */
		0x0f, 0x20, 0xc0, /* mov %cr0, %eax */
		0x0d, 0x00, 0x00, 0x00, 0x80, /* or $CR0_PG, %eax */
		0x0f, 0x22, 0xc0, /* mov %eax, %cr0 */
		0xe6, 0x80,
	};
	struct vcpu *vcpu = fresh();
	struct kvm_sregs s;

	(void)arg;
	if (!guest_has(vcpu->vm->kvm, 1, 0, 'c', 17))
		row_skip("no PCIDs");
	if (stock_61())
		row_skip("hardware refuses the entry there");
	memcpy(vm_ptr(vcpu->vm, GUEST_REAL, sizeof(code)), code, sizeof(code));
	vcpu_set_mode(vcpu, MODE_LONG, GUEST_REAL, 0x7000);
	s = vcpu_sregs(vcpu);
	s.cr0 &= ~CR0_PG;
	s.efer &= ~EFER_LMA;
	s.cr4 |= CR4_PCIDE;
	s.cs = flat_segment(SEL_CODE32, 11, false, true);
	expect_ok("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &s));
	expect_eq("CR4.PCIDE", vcpu_sregs(vcpu).cr4 & CR4_PCIDE, CR4_PCIDE);
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("without paging: CR4.PCIDE", vcpu_sregs(vcpu).cr4 & CR4_PCIDE, CR4_PCIDE);
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	s = vcpu_sregs(vcpu);
	expect_eq("in long mode: EFER.LMA", s.efer & EFER_LMA, EFER_LMA);
	expect_eq("in long mode: CR4.PCIDE", s.cr4 & CR4_PCIDE, CR4_PCIDE);
}

static const struct test_row rows[] = {
	{ .name = "regs", .run = regs },
	{ .name = "sregs", .run = sregs },
	{ .name = "sregs-segments", .run = sregs_segments },
	{ .name = "sregs-validation", .run = sregs_validation },
	{ .name = "sregs-interrupt", .run = sregs_interrupt },
	{ .name = "sregs-apic-base", .run = sregs_apic_base },
	{ .name = "sregs2", .run = sregs2 },
	{ .name = "sregs2-pdptrs", .run = sregs2_pdptrs },
	{ .name = "fpu", .run = fpu },
	{ .name = "fpu-reset", .run = fpu_reset },
	{ .name = "xsave", .run = xsave },
	{ .name = "xsave2", .run = xsave2 },
	{ .name = "xcrs", .run = xcrs },
	{ .name = "msrs", .run = msrs },
	{ .name = "msrs-refused", .run = msrs_refused },
	{ .name = "msr-address-width", .run = msr_address_width },
	{ .name = "msr-list-stops", .run = msr_list_stops },
	{ .name = "count-changes", .run = count_changes },
	{ .name = "tsc", .run = tsc },
	{ .name = "tsc-first-write", .run = tsc_first_write },
	{ .name = "debugregs", .run = debugregs },
	{ .name = "events", .run = events },
	{ .name = "events-inject", .run = events_inject },
	{ .name = "nmi", .run = nmi },
	{ .name = "nmis-saved", .run = nmis_saved },
	{ .name = "cpuid", .run = cpuid },
	{ .name = "translate", .run = translate },
	{ .name = "transplant", .run = transplant },
	{ .name = "user-stack", .run = user_stack },
	{ .name = "early-pcide", .run = early_pcide },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
