// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capabilities that change what a guest's instructions do, or how userspace answers them: quirks,
 * MSRs that userspace filters and answers, registers in the shared page, a pending triple fault, a
 * bound on page tables.
 *
 * The guests are a few instructions in real mode. They say how it went by OUT: to PORT_OK, or from
 * the handlers of #UD and #GP.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "row.h"
#include "vm.h"

#define PORT_OK 0x10
#define PORT_UD 0x16
#define PORT_GP 0x1d

#define OUT_OK 0xe6, PORT_OK		/* out %al, $PORT_OK */
#define MOV_ECX(imm) 0x66, 0xb9, (imm) & 0xff, (imm) >> 8 & 0xff, (imm) >> 16 & 0xff, (imm) >> 24
#define RDMSR 0x0f, 0x32
#define WRMSR 0x0f, 0x30

#define MSR_POWER_CTL 0x1fc
#define MSR_PLATFORM_INFO 0xce
#define MSR_MISC_ENABLE 0x1a0
#define MISC_ENABLE_MWAIT (1ull << 18)
#define MSR_FS_BASE 0xc0000100u
#define MSR_NOBODYS 0x474f4f00u

static void set_vector(struct vm *vm, unsigned int nr, uint8_t port)
{
	uint16_t at = GUEST_REAL + 0x400 + 16 * nr;
	uint8_t handler[] = { 0xe6, port, 0xf4 };	/* out %al, $port; hlt */

	memcpy(vm_ptr(vm, at, sizeof(handler)), handler, sizeof(handler));
	memcpy(vm_ptr(vm, 4 * nr, 4), (uint16_t[]){ at, 0 }, 4);
}

static struct vcpu *guest(struct vm *vm, const void *code, size_t bytes)
{
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);

	set_vector(vm, 6, PORT_UD);
	set_vector(vm, 13, PORT_GP);
	memcpy(vm_ptr(vm, GUEST_REAL, bytes), code, bytes);
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
	return vcpu;
}

#define GUEST(vm, ...) \
	guest(vm, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void expect_out(struct vcpu *vcpu, uint16_t port, const char *what)
{
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_true(vcpu->run->io.port == port, "%s: expected OUT to port 0x%x, saw 0x%x", what,
		    port, vcpu->run->io.port);
}

/* ---- quirks ---- */

static void quirks_valid(const void *arg)
{
	struct vm *vm = vm_new();
	int quirks;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_DISABLE_QUIRKS2);
	quirks = kvm_cap(vm->kvm, KVM_CAP_DISABLE_QUIRKS2);
	expect_eq("6.1's quirks", quirks & 0x7f, 0x7f);
	expect_ok("all that are offered", vm_enable_cap(vm, KVM_CAP_DISABLE_QUIRKS2, quirks));
	expect_errno("one more", vm_enable_cap(vm, KVM_CAP_DISABLE_QUIRKS2, quirks | 1ull << 40),
		     EINVAL);
	expect_ok("none", vm_enable_cap(vm, KVM_CAP_DISABLE_QUIRKS2, 0));
	expect_ok("the older capability takes any",
		  vm_enable_cap(vm, KVM_CAP_DISABLE_QUIRKS, ~0ull));
}

/* A hypercall in another vendor's words: patched and done, or #UD and left alone. */
static void quirk_hypercall(const void *arg)
{
	bool off = arg;
	struct vm *vm = vm_new_ram();
	bool amd = guest_has(vm->kvm, 0x80000001, 0, 'c', 6);	/* SSE4a: AMD's alone */
	uint8_t other = amd ? 0xc1 : 0xd9, native = amd ? 0xd9 : 0xc1, *code;
	struct kvm_regs regs;
	struct vcpu *vcpu;

	need_cap(vm->kvm, KVM_CAP_DISABLE_QUIRKS2);
	if (off)
		expect_ok("disable", vm_enable_cap(vm, KVM_CAP_DISABLE_QUIRKS2,
						   KVM_X86_QUIRK_FIX_HYPERCALL_INSN));
	vcpu = GUEST(vm, 0x0f, 0x01, other, OUT_OK);
	regs = vcpu_regs(vcpu);
	regs.rax = 12345;
	expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &regs));
	code = vm_ptr(vm, GUEST_REAL, 3);
	expect_out(vcpu, off ? PORT_UD : PORT_OK, "hypercall");
	expect_eq("the instruction's last byte", code[2], off ? other : native);
	regs = vcpu_regs(vcpu);
	expect_eq("EAX", (uint32_t)regs.rax, off ? 12345 : (uint32_t)-1000);
}

/* MONITOR and MWAIT of a guest whose CPUID lacks them, then with the bit by MISC_ENABLE. */
static void quirk_mwait(const void *arg)
{
	const uint64_t both = KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS |
			      KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT;
	struct vm *vm = vm_new_ram();
	struct kvm_cpuid2 *cpuid;
	struct vcpu *vcpu;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_DISABLE_QUIRKS2);
	vcpu = GUEST(vm, 0x66, 0x31, 0xc9, 0x66, 0x31, 0xd2,	/* xor %ecx, %ecx; xor %edx, %edx */
		     0x0f, 0x01, 0xc8, 0x66, 0x31, 0xc0,	/* monitor; xor %eax, %eax */
		     0x0f, 0x01, 0xc9, OUT_OK, 0xeb, 0xef);	/* mwait; ...; jmp monitor - 2 */
	cpuid = kvm_supported_cpuid(vm->kvm);
	cpuid_find(cpuid, 1, 0)->ecx &= ~(1u << 3);
	expect_ok("KVM_SET_CPUID2", ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid));
	expect_out(vcpu, PORT_OK, "with the quirk");
	expect_ok("disable", vm_enable_cap(vm, KVM_CAP_DISABLE_QUIRKS2, both));
	expect_eq("MISC_ENABLE", vcpu_set_msr(vcpu, MSR_MISC_ENABLE, MISC_ENABLE_MWAIT), 1);
	expect_out(vcpu, PORT_OK, "without quirks, CPUID bit by MISC_ENABLE");
	expect_eq("MISC_ENABLE", vcpu_set_msr(vcpu, MSR_MISC_ENABLE, 0), 1);
	expect_out(vcpu, PORT_UD, "without quirks and CPUID bit");
}

/* OUT to port 0x7e: RIP is behind it when userspace hears of it, but for the quirk. */
static void quirk_out_7e(const void *arg)
{
	bool off = arg;
	struct vm *vm = vm_new_ram();
	struct kvm_regs regs;
	struct vcpu *vcpu;

	need_cap(vm->kvm, KVM_CAP_DISABLE_QUIRKS2);
	if (off)
		expect_ok("disable",
			  vm_enable_cap(vm, KVM_CAP_DISABLE_QUIRKS2, KVM_X86_QUIRK_OUT_7E_INC_RIP));
	vcpu = GUEST(vm, 0xe6, 0x7e, OUT_OK);
	expect_out(vcpu, 0x7e, "first");
	regs = vcpu_regs(vcpu);
	expect_eq("RIP", regs.rip, off ? GUEST_REAL : GUEST_REAL + 2);
	expect_out(vcpu, PORT_OK, "second");
}

/* ---- MSRs ---- */

static void platform_info(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu;
	uint64_t value;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_MSR_PLATFORM_INFO);
	vcpu = GUEST(vm, MOV_ECX(MSR_PLATFORM_INFO), RDMSR, OUT_OK, 0xeb, 0xfa);
	expect_out(vcpu, PORT_OK, "readable at first");
	expect_ok("off", vm_enable_cap(vm, KVM_CAP_MSR_PLATFORM_INFO, 0));
	expect_eq("the host reads it still", vcpu_get_msr(vcpu, MSR_PLATFORM_INFO, &value), 1);
	expect_out(vcpu, PORT_GP, "off");
}

static void expect_msr_exit(struct vcpu *vcpu, uint32_t exit, uint32_t index, uint32_t reason,
			    uint64_t data)
{
	vcpu_run_until(vcpu, exit);
	expect_eq("index", vcpu->run->msr.index, index);
	expect_eq("reason", vcpu->run->msr.reason, reason);
	expect_eq("error", vcpu->run->msr.error, 0);
	if (exit == KVM_EXIT_X86_WRMSR)
		expect_eq("data", vcpu->run->msr.data, data);
}

/* Unknown MSRs: userspace answers with a value, then with #GP. */
static void user_space_msr(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct kvm_regs regs;
	struct vcpu *vcpu;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_X86_USER_SPACE_MSR);
	expect_errno("an unknown reason", vm_enable_cap(vm, KVM_CAP_X86_USER_SPACE_MSR, 1u << 31),
		     EINVAL);
	expect_ok("enable",
		  vm_enable_cap(vm, KVM_CAP_X86_USER_SPACE_MSR, KVM_MSR_EXIT_REASON_UNKNOWN));
	vcpu = GUEST(vm, MOV_ECX(MSR_NOBODYS), RDMSR, OUT_OK, WRMSR, OUT_OK, WRMSR, OUT_OK);
	expect_msr_exit(vcpu, KVM_EXIT_X86_RDMSR, MSR_NOBODYS, KVM_MSR_EXIT_REASON_UNKNOWN, 0);
	vcpu->run->msr.data = 0x123456789abcdef0;
	expect_out(vcpu, PORT_OK, "answered");
	regs = vcpu_regs(vcpu);
	expect_eq("EAX", regs.rax, 0x9abcdef0);
	expect_eq("EDX", regs.rdx, 0x12345678);
	expect_msr_exit(vcpu, KVM_EXIT_X86_WRMSR, MSR_NOBODYS, KVM_MSR_EXIT_REASON_UNKNOWN,
			0x123456789abcdef0);
	expect_out(vcpu, PORT_OK, "taken");
	vcpu_run_until(vcpu, KVM_EXIT_X86_WRMSR);
	vcpu->run->msr.error = 1;
	expect_out(vcpu, PORT_GP, "refused");
}

/* Userspace moves RIP in place of an answer: the access is forgotten, and nothing is skipped. */
static void user_space_msr_moved(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct kvm_regs regs;
	struct vcpu *vcpu;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_X86_USER_SPACE_MSR);
	if (stock_61())
		row_skip("this driver skips an instruction at the new place");
	expect_ok("enable",
		  vm_enable_cap(vm, KVM_CAP_X86_USER_SPACE_MSR, KVM_MSR_EXIT_REASON_UNKNOWN));
	vcpu = GUEST(vm, MOV_ECX(MSR_NOBODYS), RDMSR, OUT_OK, WRMSR, OUT_OK);
	vcpu_run_until(vcpu, KVM_EXIT_X86_RDMSR);
	vcpu->run->msr.data = 0x1234;
	regs = vcpu_regs(vcpu);
	regs.rax = 0x77;
	regs.rdx = 0;
	regs.rip += 4;		/* to WRMSR */
	expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &regs));
	expect_msr_exit(vcpu, KVM_EXIT_X86_WRMSR, MSR_NOBODYS, KVM_MSR_EXIT_REASON_UNKNOWN, 0x77);
	regs.rip -= 2;		/* to the OUT between them */
	expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &regs));
	vcpu->run->msr.error = 1;
	expect_out(vcpu, PORT_OK, "moved back");
	expect_eq("RIP", vcpu_regs(vcpu).rip, regs.rip);
}

static uint8_t none[8], all[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static int set_filter(struct vm *vm, uint32_t flags, uint32_t range_flags, uint32_t base,
		      uint32_t nmsrs, void *bitmap)
{
	struct kvm_msr_filter filter = {
		.flags = flags,
		.ranges[3] = {
			.flags = range_flags, .base = base, .nmsrs = nmsrs, .bitmap = bitmap,
		},
	};

	return ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &filter);
}

static void msr_filter_bad(const void *arg)
{
	struct vm *vm = vm_new();

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_X86_MSR_FILTER);
	expect_errno("no range, deny", set_filter(vm, KVM_MSR_FILTER_DEFAULT_DENY, 0, 0, 0, NULL),
		     EINVAL);
	expect_ok("no range, allow", set_filter(vm, 0, 0, 0, 0, NULL));
	expect_errno("flags", set_filter(vm, 2, KVM_MSR_FILTER_READ, 0, 8, all), EINVAL);
	expect_errno("a range's flags", set_filter(vm, 0, 4, 0, 8, all), EINVAL);
	expect_errno("a range without flags", set_filter(vm, 0, 0, 0, 8, all), EINVAL);
	expect_errno("too many bits", set_filter(vm, 0, 1, 0, 0x600 * 8 + 1, all), EINVAL);
	expect_errno("very many bits", set_filter(vm, 0, 1, 0, ~0u, all), EINVAL);
	expect_errno("no bitmap", set_filter(vm, 0, 1, 0, 64, NULL), EFAULT);
	expect_errno("no argument", ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, NULL), EFAULT);
}

/*
 * FS_BASE goes without an exit until a filter denies it, and again when the filter is gone; what
 * userspace doesn't want to answer is #GP.
 */
static void msr_filter(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu;
	uint64_t value;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_X86_MSR_FILTER);
	vcpu = GUEST(vm, MOV_ECX(MSR_FS_BASE), RDMSR, OUT_OK, 0xeb, 0xfa);
	expect_out(vcpu, PORT_OK, "no filter");
	expect_ok("enable",
		  vm_enable_cap(vm, KVM_CAP_X86_USER_SPACE_MSR, KVM_MSR_EXIT_REASON_FILTER));
	expect_ok("deny writes", set_filter(vm, 0, KVM_MSR_FILTER_WRITE, MSR_FS_BASE, 1, none));
	expect_out(vcpu, PORT_OK, "reads aren't filtered");
	expect_ok("deny reads", set_filter(vm, 0, KVM_MSR_FILTER_READ, MSR_FS_BASE, 1, none));
	expect_msr_exit(vcpu, KVM_EXIT_X86_RDMSR, MSR_FS_BASE, KVM_MSR_EXIT_REASON_FILTER, 0);
	vcpu->run->msr.data = 0x77;
	expect_out(vcpu, PORT_OK, "answered");
	expect_eq("EAX", vcpu_regs(vcpu).rax, 0x77);
	expect_eq("the host isn't filtered", vcpu_get_msr(vcpu, MSR_FS_BASE, &value), 1);
	expect_ok("allow by a bit", set_filter(vm, KVM_MSR_FILTER_DEFAULT_DENY, KVM_MSR_FILTER_READ,
					       MSR_FS_BASE - 3, 64, all));
	expect_out(vcpu, PORT_OK, "allowed by its bit");
	expect_ok("deny by default", set_filter(vm, KVM_MSR_FILTER_DEFAULT_DENY,
						KVM_MSR_FILTER_READ, 0x10, 1, all));
	vcpu_run_until(vcpu, KVM_EXIT_X86_RDMSR);
	expect_out(vcpu, PORT_OK, "answered");
	expect_ok("no filter", set_filter(vm, 0, 0, 0, 0, NULL));
	expect_out(vcpu, PORT_OK, "filter gone");
	expect_ok("deny reads", set_filter(vm, 0, KVM_MSR_FILTER_READ, MSR_FS_BASE, 1, none));
	expect_ok("disable", vm_enable_cap(vm, KVM_CAP_X86_USER_SPACE_MSR, 0));
	expect_out(vcpu, PORT_GP, "nobody answers");
}

/* The x2APIC's MSRs are never filtered. */
static void msr_filter_x2apic(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_X86_MSR_FILTER);
	vm_add_irqchip(vm, false);
	vcpu = GUEST(vm, MOV_ECX(0x802), RDMSR, OUT_OK);
	expect_eq("x2APIC mode", vcpu_set_msr(vcpu, 0x1b, 0xfee00d00), 1);
	expect_ok("deny", set_filter(vm, KVM_MSR_FILTER_DEFAULT_DENY, KVM_MSR_FILTER_READ, 0x800,
				     64, none));
	expect_out(vcpu, PORT_OK, "ID register");
}

static void power_ctl(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = GUEST(vm, MOV_ECX(MSR_POWER_CTL), WRMSR, RDMSR, OUT_OK);
	uint64_t value = 0;

	(void)arg;
	expect_out(vcpu, PORT_OK, "WRMSR and RDMSR");
	expect_eq("host write", vcpu_set_msr(vcpu, MSR_POWER_CTL, 0x1234), 1);
	expect_eq("host read", vcpu_get_msr(vcpu, MSR_POWER_CTL, &value), 1);
	expect_eq("value", value, 0x1234);
}

/* ---- hypercalls that userspace answers ---- */

#define HC_MAP_GPA_RANGE 12

/* The call, with the registers' values; its result where userspace doesn't hear of it. */
static uint64_t map_gpa_range(struct vcpu *vcpu, uint64_t gpa, uint64_t npages, bool asked)
{
	struct kvm_regs regs;

	vcpu_set_mode(vcpu, MODE_LONG, GUEST_IMAGE, GUEST_IMAGE);
	regs = vcpu_regs(vcpu);
	regs.rax = HC_MAP_GPA_RANGE;
	regs.rbx = gpa;
	regs.rcx = npages;
	regs.rdx = 1 << 4;
	expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &regs));
	if (asked) {
		vcpu_run_until(vcpu, KVM_EXIT_HYPERCALL);
		expect_eq("nr", vcpu->run->hypercall.nr, HC_MAP_GPA_RANGE);
		expect_eq("args[0]", vcpu->run->hypercall.args[0], gpa);
		expect_eq("args[1]", vcpu->run->hypercall.args[1], npages);
		expect_eq("args[2]", vcpu->run->hypercall.args[2], 1 << 4);
		expect_eq("64-bit", vcpu->run->hypercall.longmode & 1, 1);
		vcpu->run->hypercall.ret = 0x123456789a;
	}
	expect_out(vcpu, PORT_OK, "behind the call");
	return vcpu_regs(vcpu).rax;
}

static void exit_hypercall(const void *arg)
{
	static const uint8_t code[] = { 0x0f, 0x01, 0xd9, OUT_OK };	/* vmmcall; out */
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_EXIT_HYPERCALL);
	expect_eq("hypercalls", kvm_cap(vm->kvm, KVM_CAP_EXIT_HYPERCALL), 1 << HC_MAP_GPA_RANGE);
	memcpy(vm_ptr(vm, GUEST_IMAGE, sizeof(code)), code, sizeof(code));
	expect_eq("not enabled", map_gpa_range(vcpu, 0x1000, 1, false), -1000ull);
	expect_errno("another one", vm_enable_cap(vm, KVM_CAP_EXIT_HYPERCALL, 1 << 5), EINVAL);
	expect_ok("enable", vm_enable_cap(vm, KVM_CAP_EXIT_HYPERCALL, 1 << HC_MAP_GPA_RANGE));
	expect_eq("answered", map_gpa_range(vcpu, 0x1000, 3, true), 0x123456789a);
	expect_eq("not aligned", map_gpa_range(vcpu, 0x1001, 1, false), -22ull);
	expect_eq("no page", map_gpa_range(vcpu, 0x1000, 0, false), -22ull);
	expect_eq("wraps", map_gpa_range(vcpu, 0x1000, ~0ull, false), -22ull);
	expect_ok("disable", vm_enable_cap(vm, KVM_CAP_EXIT_HYPERCALL, 0));
	expect_eq("disabled", map_gpa_range(vcpu, 0x1000, 1, false), -1000ull);
}

/* ---- CR8 without a local APIC in the kernel ---- */

/* Userspace has the TPR: it hears of one that goes down, and the guest reads what it writes. */
static void cr8_exits(const void *arg)
{
	static const uint8_t code[] = {
		0x44,	0x0f, 0x22, 0xc0, /* mov %rax, %cr8 */
		OUT_OK, 0x44, 0x0f, 0x22, 0xc3, /* mov %rbx, %cr8 */
		OUT_OK, 0x44, 0x0f, 0x20, 0xc1, /* mov %cr8, %rcx */
		OUT_OK,
	};
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);
	struct kvm_regs regs;

	(void)arg;
	memcpy(vm_ptr(vm, GUEST_IMAGE, sizeof(code)), code, sizeof(code));
	vcpu_set_mode(vcpu, MODE_LONG, GUEST_IMAGE, GUEST_IMAGE);
	regs = vcpu_regs(vcpu);
	regs.rax = 9;
	regs.rbx = 3;
	expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &regs));
	expect_out(vcpu, PORT_OK, "up: no exit");
	expect_eq("run->cr8", vcpu->run->cr8, 9);
	vcpu_run_until(vcpu, KVM_EXIT_SET_TPR);
	expect_eq("run->cr8, down", vcpu->run->cr8, 3);
	expect_eq("CR8 by KVM_GET_SREGS", vcpu_sregs(vcpu).cr8, 3);
	expect_out(vcpu, PORT_OK, "behind it");
	vcpu->run->cr8 = 16;
	expect_errno("16", vcpu_run(vcpu), EINVAL);
	vcpu->run->cr8 = 5;
	expect_out(vcpu, PORT_OK, "read");
	expect_eq("what the guest read", vcpu_regs(vcpu).rcx, 5);
}

/* ---- exits that can be done without ---- */

static void disable_exits_valid(const void *arg)
{
	struct vm *vm = vm_new(), *other = vm_new();
	int exits = kvm_cap(vm->kvm, KVM_CAP_X86_DISABLE_EXITS);

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_X86_DISABLE_EXITS);
	expect_eq("exits that nobody knows", exits & ~KVM_X86_DISABLE_VALID_EXITS, 0);
	expect_true(exits & KVM_X86_DISABLE_EXITS_PAUSE, "PAUSE: expected, saw %#x", exits);
	expect_errno("an unknown exit", vm_enable_cap(vm, KVM_CAP_X86_DISABLE_EXITS, 1 << 4),
		     EINVAL);
	expect_ok("all that are offered", vm_enable_cap(vm, KVM_CAP_X86_DISABLE_EXITS, exits));
	vm_add_vcpu(other, 0);
	if (stock_61())
		return;
	expect_errno("after a vCPU", vm_enable_cap(other, KVM_CAP_X86_DISABLE_EXITS, exits),
		     EINVAL);
	if (!(exits & KVM_X86_DISABLE_EXITS_MWAIT))
		expect_errno("MWAIT, not offered",
			     vm_enable_cap(vm, KVM_CAP_X86_DISABLE_EXITS,
					   KVM_X86_DISABLE_EXITS_MWAIT),
			     EINVAL);
}

static void *interrupt_run(void *arg)
{
	struct timespec pause = { .tv_nsec = 50000000 };

	nanosleep(&pause, NULL);
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

/*
 * HLT is the processor's own affair then: a signal ends KVM_RUN, or an interrupt of the host's HLT.
 * With IF=1, since Bochs's HLT doesn't end by an interrupt that exits otherwise.
 */
static void disable_exits_hlt(const void *arg)
{
	pthread_t self = pthread_self(), thread;
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu;
	int ret;

	(void)arg;
	if (!(kvm_cap(vm->kvm, KVM_CAP_X86_DISABLE_EXITS) & KVM_X86_DISABLE_EXITS_HLT))
		row_skip("not offered");
	expect_ok("enable",
		  vm_enable_cap(vm, KVM_CAP_X86_DISABLE_EXITS, KVM_X86_DISABLE_EXITS_HLT));
	vcpu = GUEST(vm, 0xfb, 0xf4, OUT_OK, 0xf4, OUT_OK);	/* sti; hlt; out; hlt; out */
	catch_usr1();
	pthread_create(&thread, NULL, interrupt_run, &self);
	ret = vcpu_run(vcpu);
	expect_true(ret < 0 || vcpu->run->exit_reason == KVM_EXIT_IO,
		    "expected EINTR or OUT, saw %s", exit_name(vcpu->run->exit_reason));
	pthread_join(thread, NULL);
	/* Put elsewhere it does not sleep on. */
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL + 5, 0x7000);
	expect_out(vcpu, PORT_OK, "put behind HLT");
}

/* The guest's KVM_FEATURE_PV_UNHALT (bit 7), after KVM_SET_CPUID2 with it. */
static unsigned int pv_unhalt(struct vcpu *vcpu, struct kvm_cpuid2 *cpuid)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 room[256];
	} got = { .head.nent = 256 };
	const struct kvm_cpuid_entry2 *e;

	expect_ok("KVM_SET_CPUID2", ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid));
	expect_ok("KVM_GET_CPUID2", ioctl(vcpu->fd, KVM_GET_CPUID2, &got));
	e = cpuid_find(&got.head, 0x40000001, 0);
	if (!e)
		row_die("no leaf 0x40000001");
	return e->eax >> 7 & 1;
}

/* Who waits in a HLT without exits can't be kicked: the guest isn't told that it could be. */
static void disable_exits_unhalt(const void *arg)
{
	struct vm *vm = vm_new_ram(), *other = vm_new_ram();
	struct kvm_cpuid2 *cpuid = kvm_supported_cpuid(vm->kvm);
	struct vcpu *vcpu;

	(void)arg;
	if (!(kvm_cap(vm->kvm, KVM_CAP_X86_DISABLE_EXITS) & KVM_X86_DISABLE_EXITS_HLT))
		row_skip("not offered");
	if (!guest_has(vm->kvm, 0x40000001, 0, 'a', 7))
		row_skip("no KVM_FEATURE_PV_UNHALT");
	expect_ok("enable",
		  vm_enable_cap(vm, KVM_CAP_X86_DISABLE_EXITS, KVM_X86_DISABLE_EXITS_HLT));
	expect_eq("with exits", pv_unhalt(vm_add_vcpu(other, 0), cpuid), 1);
	vcpu = GUEST(vm, OUT_OK, OUT_OK);
	expect_eq("without", pv_unhalt(vcpu, cpuid), 0);
	expect_out(vcpu, PORT_OK, "it runs");
	/* Nothing but what is there already may be set then: that is the same as before. */
	expect_eq("set again", pv_unhalt(vcpu, cpuid), 0);
}

/* An NMI ends such a HLT. */
static void disable_exits_nmi(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu;
	int i;

	(void)arg;
	if (!(kvm_cap(vm->kvm, KVM_CAP_X86_DISABLE_EXITS) & KVM_X86_DISABLE_EXITS_HLT))
		row_skip("not offered");
	expect_ok("enable",
		  vm_enable_cap(vm, KVM_CAP_X86_DISABLE_EXITS, KVM_X86_DISABLE_EXITS_HLT));
	vcpu = GUEST(vm, 0xfb, 0xf4, 0xeb, 0xfd);	/* sti; hlt; jmp hlt */
	set_vector(vm, 2, PORT_OK);
	catch_usr1();
	for (i = 0; i < 2; i++) {
		pthread_t self = pthread_self(), thread;

		pthread_create(&thread, NULL, interrupt_run, &self);
		expect_errno("KVM_RUN", vcpu_run(vcpu), EINTR);
		pthread_join(thread, NULL);
	}
	expect_ok("KVM_NMI", ioctl(vcpu->fd, KVM_NMI, 0));
	expect_out(vcpu, PORT_OK, "the NMI's handler");
}

/* ---- what can't be emulated ---- */

/* FLDS from device memory in user mode: #UD, here a triple fault, or an exit with its bytes. */
static void emulation_failure(const void *arg)
{
	bool on = arg;
	static const uint8_t code[] = { 0xd9, 0x07 };	/* flds (%rdi) */
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);
	struct kvm_run *run = vcpu->run;
	struct kvm_sregs s;
	struct kvm_regs r;
	uint64_t flags;

	need_cap(vm->kvm, KVM_CAP_EXIT_ON_EMULATION_FAILURE);
	expect_errno("a value that means nothing",
		     vm_enable_cap(vm, KVM_CAP_EXIT_ON_EMULATION_FAILURE, 2), EINVAL);
	if (on)
		expect_ok("enable", vm_enable_cap(vm, KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1));
	memcpy(vm_ptr(vm, GUEST_IMAGE, sizeof(code)), code, sizeof(code));
	vcpu_set_mode(vcpu, MODE_LONG, GUEST_IMAGE, GUEST_IMAGE);
	s = vcpu_sregs(vcpu);
	s.cs.selector = SEL_UCODE64;
	s.cs.dpl = 3;
	s.ss.selector = SEL_UDATA;
	s.ss.dpl = 3;
	s.idt.limit = 0;
	s.cr0 &= ~0xcull;	/* EM, TS */
	expect_ok("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &s));
	r = vcpu_regs(vcpu);
	r.rdi = GUEST_MMIO;
	expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &r));
	if (!on) {
		vcpu_run_until(vcpu, KVM_EXIT_SHUTDOWN);
		return;
	}
	vcpu_run_until(vcpu, KVM_EXIT_INTERNAL_ERROR);
	expect_eq("suberror", run->emulation_failure.suberror, KVM_INTERNAL_ERROR_EMULATION);
	flags = run->emulation_failure.flags;
	expect_true(flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES,
		    "flags: expected bytes, saw %#llx", (unsigned long long)flags);
	expect_mem("instruction", run->emulation_failure.insn_bytes, code, sizeof(code));
	expect_eq("RIP", vcpu_regs(vcpu).rip, GUEST_IMAGE);
}

/* ---- the shared page ---- */

static void sync_regs_bad(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = GUEST(vm, OUT_OK);
	uint64_t cr0;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_SYNC_REGS);
	vcpu->run->kvm_valid_regs = 1ull << 31 | KVM_SYNC_X86_REGS;
	expect_errno("unknown set wanted", vcpu_run(vcpu), EINVAL);
	vcpu->run->kvm_valid_regs = 0;
	vcpu->run->kvm_dirty_regs = 1ull << 63;
	expect_errno("unknown set given", vcpu_run(vcpu), EINVAL);
	vcpu->run->kvm_dirty_regs = 0;
	vcpu->run->kvm_valid_regs = KVM_SYNC_X86_SREGS;
	expect_out(vcpu, PORT_OK, "OUT");
	cr0 = vcpu->run->s.regs.sregs.cr0;
	vcpu->run->s.regs.sregs.cr0 = 1ull << 31;	/* paging without protection */
	vcpu->run->kvm_dirty_regs = KVM_SYNC_X86_SREGS;
	expect_errno("registers that no guest can have", vcpu_run(vcpu), EINVAL);
	vcpu->run->kvm_dirty_regs = 0;
	expect_eq("CR0", vcpu_sregs(vcpu).cr0, cr0);
}

static void sync_regs(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = GUEST(vm, 0x43, OUT_OK, 0xeb, 0xfb);	/* inc %bx; out; again */
	struct kvm_sync_regs *s = &vcpu->run->s.regs;
	struct kvm_vcpu_events events;
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_SYNC_REGS);
	expect_eq("sets", kvm_cap(vm->kvm, KVM_CAP_SYNC_REGS), KVM_SYNC_X86_VALID_FIELDS);
	s->regs.rbx = 0x1111;
	expect_out(vcpu, PORT_OK, "nothing asked for");
	expect_eq("RBX in the page, untouched", s->regs.rbx, 0x1111);
	vcpu->run->kvm_valid_regs = KVM_SYNC_X86_VALID_FIELDS;
	expect_out(vcpu, PORT_OK, "all asked for");
	regs = vcpu_regs(vcpu);
	sregs = vcpu_sregs(vcpu);
	expect_ok("KVM_GET_VCPU_EVENTS", ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events));
	expect_mem("regs", &s->regs, &regs, sizeof(regs));
	expect_mem("sregs", &s->sregs, &sregs, sizeof(sregs));
	expect_mem("events", &s->events, &events, sizeof(events));
	expect_eq("RBX", s->regs.rbx, 2);
	s->regs.rbx = 0x4000;
	vcpu->run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	expect_out(vcpu, PORT_OK, "RBX given");
	expect_eq("RBX", s->regs.rbx, 0x4001);
	expect_eq("marks taken", vcpu->run->kvm_dirty_regs, 0);
	s->regs.rbx = 0x5000;
	expect_out(vcpu, PORT_OK, "RBX not given");
	expect_eq("RBX", s->regs.rbx, 0x4002);
}

/* A register that userspace sets while an instruction of the guest waits for it counts. */
static void regs_during_mmio(const void *arg)
{
	struct vm *vm = vm_new_ram();
	uint8_t *ram = vm->slot[0].hva;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	struct vcpu *vcpu;

	(void)arg;
	expect_ok("no memory at 0xa0000", vm_set_slot(vm, 0, 0, 0, NULL, 0));
	expect_ok("memory below", vm_set_slot(vm, 0, 0, 0xa0000, ram, 0));
	vcpu = GUEST(vm, 0x26, 0x02, 0x07, OUT_OK);	/* add %es:(%bx), %al */
	sregs = vcpu_sregs(vcpu);
	sregs.es.selector = 0xa000;
	sregs.es.base = 0xa0000;
	expect_ok("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
	vcpu_run_until(vcpu, KVM_EXIT_MMIO);
	vcpu->run->mmio.data[0] = 0x11;
	regs = vcpu_regs(vcpu);
	regs.rax = 0x22;
	regs.rcx = 0x33;
	expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &regs));
	expect_out(vcpu, PORT_OK, "instruction done");
	regs = vcpu_regs(vcpu);
	/* Linux's own driver drops the instruction's result then. */
	if (!stock_61())
		expect_eq("RAX", regs.rax, 0x33);
	expect_eq("RCX", regs.rcx, 0x33);
}

/* ---- pending triple fault ---- */

static void triple_fault_event(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = GUEST(vm, OUT_OK, OUT_OK, OUT_OK);
	struct kvm_vcpu_events events;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_X86_TRIPLE_FAULT_EVENT);
	expect_out(vcpu, PORT_OK, "first");
	expect_ok("get", ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events));
	expect_eq("flag, not enabled", events.flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT, 0);
	events.flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	expect_errno("set, not enabled", ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events), EINVAL);
	expect_ok("enable", vm_enable_cap(vm, KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1));
	events.triple_fault.pending = 1;
	expect_ok("set", ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events));
	memset(&events, 0, sizeof(events));
	expect_ok("get", ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events));
	expect_true(events.flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT, "flags: expected 0x%x, saw 0x%x",
		    KVM_VCPUEVENT_VALID_TRIPLE_FAULT, events.flags);
	expect_eq("pending", events.triple_fault.pending, 1);
	events.triple_fault.pending = 0;
	expect_ok("take back", ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events));
	expect_out(vcpu, PORT_OK, "taken back");
	events.triple_fault.pending = 1;
	expect_ok("set", ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events));
	vcpu_run_until(vcpu, KVM_EXIT_SHUTDOWN);
}

/* ---- a bound on page tables ---- */

/*
 * A byte in each of 128 stretches of 2 MiB, 1 GiB and up: each needs a table of its own, since its
 * slot is a single page.
 */
static void touch_memory(struct vm *vm)
{
	static const uint8_t code[] = {
		0xb9, 0x80, 0x00, 0x00, 0x00,	/* mov $128, %ecx */
		0xbf, 0x00, 0x00, 0x00, 0x40,	/* mov $1 GiB, %edi */
		0xfe, 0x07,			/* incb (%rdi) */
		0x81, 0xc7, 0x00, 0x00, 0x20, 0x00,	/* add $2 MiB, %edi */
		0xe2, 0xf6,			/* loop incb */
		OUT_OK,
	};
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);
	unsigned int i, wrong = 0;
	uint8_t *memory;

	memory = aligned_alloc(4096, 128 * 4096);
	memset(memory, 0, 128 * 4096);
	for (i = 0; i < 128; i++) {
		struct kvm_userspace_memory_region region = {
			.slot = 100 + i,
			.guest_phys_addr = (1ull << 30) + i * (2ull << 20),
			.memory_size = 4096,
			.userspace_addr = (uintptr_t)memory + i * 4096,
		};

		expect_ok("slot", ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region));
	}
	memcpy(vm_ptr(vm, GUEST_IMAGE, sizeof(code)), code, sizeof(code));
	vcpu_set_mode(vcpu, MODE_LONG, GUEST_IMAGE, GUEST_IMAGE);
	expect_out(vcpu, PORT_OK, "128 tables");
	for (i = 0; i < 128; i++)
		wrong += memory[i * 4096] != 1;
	expect_eq("bytes that the guest did not write", wrong, 0);
}

/* A guest that needs more tables than the bound allows goes on nevertheless. */
static void page_limit(const void *arg)
{
	struct vm *vm = vm_new_ram();

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_MMU_SHADOW_CACHE_CONTROL);
	expect_errno("too few", ioctl(vm->fd, KVM_SET_NR_MMU_PAGES, 19ul), EINVAL);
	expect_ok("64", ioctl(vm->fd, KVM_SET_NR_MMU_PAGES, 64ul));
	touch_memory(vm);
}

/* Registers set before CPUID: whatever this host can do. */
static void sregs_before_cpuid(const void *arg)
{
	struct vm *vm = vm_new();
	struct vcpu *vcpu = vm_add_bare_vcpu(vm, 0);
	struct kvm_sregs sregs = vcpu_sregs(vcpu);
	const uint64_t smep = 1ull << 20;

	(void)arg;
	if (!guest_has(vm->kvm, 7, 0, 'b', 7))
		row_skip("no SMEP here");
	sregs.cr4 |= smep;
	expect_ok("CR4.SMEP without CPUID", ioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
	expect_eq("CR4", vcpu_sregs(vcpu).cr4 & smep, smep);
	sregs.cr4 |= 1ull << 40;
	expect_errno("a bit that nobody knows", ioctl(vcpu->fd, KVM_SET_SREGS, &sregs), EINVAL);
}

static const struct test_row rows[] = {
	{ .name = "quirks-valid", .run = quirks_valid },
	{ .name = "quirk-hypercall", .run = quirk_hypercall },
	{ .name = "quirk-hypercall-off", .run = quirk_hypercall, .arg = "off" },
	{ .name = "cr8-exits", .run = cr8_exits },
	{ .name = "quirk-mwait", .run = quirk_mwait },
	{ .name = "quirk-out-7e", .run = quirk_out_7e },
	{ .name = "quirk-out-7e-off", .run = quirk_out_7e, .arg = "off" },
	{ .name = "platform-info", .run = platform_info },
	{ .name = "user-space-msr", .run = user_space_msr },
	{ .name = "user-space-msr-moved", .run = user_space_msr_moved },
	{ .name = "msr-filter-bad", .run = msr_filter_bad },
	{ .name = "msr-filter", .run = msr_filter },
	{ .name = "msr-filter-x2apic", .run = msr_filter_x2apic },
	{ .name = "power-ctl", .run = power_ctl },
	{ .name = "exit-hypercall", .run = exit_hypercall },
	{ .name = "disable-exits-valid", .run = disable_exits_valid },
	{ .name = "disable-exits-hlt", .run = disable_exits_hlt },
	{ .name = "disable-exits-unhalt", .run = disable_exits_unhalt },
	{ .name = "disable-exits-nmi", .run = disable_exits_nmi },
	{ .name = "emulation-failure", .run = emulation_failure, .arg = "on" },
	{ .name = "emulation-failure-off", .run = emulation_failure },
	{ .name = "sync-regs-bad", .run = sync_regs_bad },
	{ .name = "sync-regs", .run = sync_regs },
	{ .name = "regs-during-mmio", .run = regs_during_mmio },
	{ .name = "triple-fault-event", .run = triple_fault_event },
	{ .name = "page-limit", .run = page_limit },
	{ .name = "sregs-before-cpuid", .run = sregs_before_cpuid },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
