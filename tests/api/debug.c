// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_GUEST_DEBUG: single steps over what the processor, the driver and this program carry out,
 * breakpoints in the code and in debug registers, exceptions given back to the guest.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <string.h>

#include "row.h"
#include "vm.h"

#define PORT 0x80
#define TF 0x100u
#define DR6_FIXED 0xffff0ff0u
#define DR6_STEP 0x4000u
#define DR6_BD 0x2000u
#define HANDLER 0x9000 /* out %al, $PORT; iret: of exceptions */
#define STACK 0x7000

static const uint8_t handler_code[] = { 0xe6, PORT, 0xcf };

static struct vcpu *guest(struct vm *vm, const uint8_t *code, size_t bytes)
{
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);
	uint32_t handler = HANDLER;
	unsigned int vector;

	need_cap(vm->kvm, KVM_CAP_SET_GUEST_DEBUG);
	memcpy(vm_ptr(vm, HANDLER, sizeof(handler_code)), handler_code, sizeof(handler_code));
	for (vector = 0; vector < 256; vector++)
		memcpy(vm_ptr(vm, vector * 4, 4), &handler, 4);
	memcpy(vm_ptr(vm, GUEST_REAL, bytes), code, bytes);
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, STACK);
	return vcpu;
}

#define GUEST(vm, ...) \
	guest(vm, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static int set_debug(struct vcpu *vcpu, uint32_t control, uint64_t dr0, uint64_t dr7)
{
	struct kvm_guest_debug d = { .control = control,
				     .arch.debugreg = { [0] = dr0, [7] = dr7 } };

	return ioctl(vcpu->fd, KVM_SET_GUEST_DEBUG, &d);
}

static void debug(struct vcpu *vcpu, uint32_t control)
{
	expect_ok("KVM_SET_GUEST_DEBUG", set_debug(vcpu, control, 0, 0));
}

#define STEP (KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP)

/* A debug exit at offset @at of the guest's code. */
static void expect_debug(struct vcpu *vcpu, unsigned int exception, unsigned int at, uint64_t dr6)
{
	const struct kvm_debug_exit_arch *d = &vcpu->run->debug.arch;

	vcpu_run_until(vcpu, KVM_EXIT_DEBUG);
	expect_eq("exception", d->exception, exception);
	expect_eq("pc", d->pc, GUEST_REAL + at);
	if (exception == 1)
		expect_eq("DR6", d->dr6, DR6_FIXED | dr6);
}

/* Asked for anew each time, as debuggers do. */
static void expect_step(struct vcpu *vcpu, uint32_t control, unsigned int at)
{
	debug(vcpu, control);
	expect_debug(vcpu, 1, at, DR6_STEP);
	expect_eq("TF, as userspace sees it", vcpu_regs(vcpu).rflags & TF, 0);
}

static void expect_out(struct vcpu *vcpu)
{
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("port", vcpu->run->io.port, PORT);
}

/* The emulated host is QEMU's. */
static bool in_tcg(void)
{
	unsigned int eax, name[3] = { 0 };

	__cpuid(0x40000000, eax, name[0], name[1], name[2]);
	return !memcmp(name, "TCGTCGTCGTCG", sizeof(name));
}

/* ---- single steps ---- */

static void step(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = GUEST(vm, 0x90, 0x31, 0xc0, /* nop; xor %ax, %ax */
				  0x0f, 0xa2, /* cpuid: the driver's */
				  0x9c, 0x58, /* pushf; pop %ax */
				  0xe6, PORT, /* out %al, $PORT: userspace's */
				  0x31, 0xc0, 0x50, 0x9d, /* xor %ax, %ax; push; popf */
				  0x90, 0xe6, PORT, /* nop; out */
				  0x9c, 0x58, 0xe6, PORT); /* pushf; pop %ax; out */
	static const uint8_t at[] = { 1, 3, 5, 6, 7 }, then[] = { 11, 12, 13, 14 };
	size_t i;

	(void)arg;
	/* TF isn't to be seen: the capability says no more. */
	need_cap(vm->kvm, KVM_CAP_X86_ROBUST_SINGLESTEP);
	for (i = 0; i < ARRAY_SIZE(at); i++)
		expect_step(vcpu, STEP, at[i]);
	expect_out(vcpu);
	expect_step(vcpu, STEP, 9);
	for (i = 0; i < ARRAY_SIZE(then); i++)
		expect_step(vcpu, STEP, then[i]);
	debug(vcpu, 0);
	expect_out(vcpu);
	expect_out(vcpu);
	expect_eq("TF that the guest pushes afterwards", vcpu_regs(vcpu).rax & TF, 0);
}

/* STI's shadow holds interrupts back, not the step. */
static void step_shadow(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = GUEST(vm, 0xfb, 0x90, 0xfb, 0xfb, 0xe6, PORT); /* sti; nop; sti; sti */
	unsigned int i;

	(void)arg;
	if (in_tcg())
		row_skip("the emulator holds the step back, too");
	for (i = 1; i <= 4; i++)
		expect_step(vcpu, STEP, i);
	debug(vcpu, 0);
	expect_out(vcpu);
}

/* The registers are set between two steps, and TF of the guest's own is its own. */
static void step_registers(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = GUEST(vm, 0x90, 0x90, 0x90, 0x90, 0xe6, PORT);
	struct kvm_regs regs;

	(void)arg;
	expect_step(vcpu, STEP, 1);
	regs = vcpu_regs(vcpu);
	regs.rip = GUEST_REAL + 2;
	expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &regs));
	expect_step(vcpu, STEP, 3);
	/* The distribution's driver tells, and keeps, none while it steps. */
	if (stock_61())
		return;
	regs = vcpu_regs(vcpu);
	regs.rflags |= TF;
	expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &regs));
	expect_eq("TF of the guest's", vcpu_regs(vcpu).rflags & TF, TF);
	debug(vcpu, 0);
	expect_eq("TF of the guest's", vcpu_regs(vcpu).rflags & TF, TF);
	expect_out(vcpu);
	expect_eq("RIP: the #DB handler's", vcpu_regs(vcpu).rip & ~3ull, HANDLER);
}

/* The delivery of an exception clears TF: the handler isn't stepped. */
static void step_exception(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = GUEST(vm, 0x0f, 0x0b, 0x90); /* ud2 */

	(void)arg;
	debug(vcpu, STEP);
	expect_out(vcpu);
	expect_eq("RIP: the handler's", vcpu_regs(vcpu).rip & ~3ull, HANDLER);
}

/* ---- breakpoints ---- */

static void software(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = GUEST(vm, 0x90, 0xcc, 0xe6, PORT);
	uint16_t *stack;

	(void)arg;
	if (in_tcg())
		row_skip("this emulator intercepts no INT3");
	debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP);
	expect_debug(vcpu, 3, 1, 0);
	/* It was the guest's own. */
	debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_INJECT_BP);
	expect_out(vcpu);
	expect_eq("RIP: the handler's", vcpu_regs(vcpu).rip & ~3ull, HANDLER);
	stack = vm_ptr(vm, vcpu_regs(vcpu).rsp, 6);
	expect_eq("return address", stack[0], GUEST_REAL + 2);
	expect_out(vcpu);
	expect_eq("RIP: behind INT3", vcpu_regs(vcpu).rip & ~7ull, GUEST_REAL);
}

/* Nobody wants to hear of it. */
static void software_unwanted(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = GUEST(vm, 0xcc, 0xe6, PORT);

	(void)arg;
	debug(vcpu, KVM_GUESTDBG_ENABLE);
	expect_out(vcpu);
	expect_eq("RIP: the handler's", vcpu_regs(vcpu).rip & ~3ull, HANDLER);
}

/* Breakpoints in debug registers: on an instruction, before it; on a write, behind it. */
static void hardware(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = GUEST(vm, 0x90, 0x90, 0xb0, 0x5a,		/* nop; nop; mov $0x5a */
				  0xa2, 0x00, 0x50,			/* mov %al, 0x5000 */
				  0xe6, PORT);
	const uint32_t hw = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP;
	const uint64_t on_write = 0x10401, on_code = 0x401;

	(void)arg;
	if (in_tcg())
		row_skip("this emulator's VMRUN arms no breakpoints");
	expect_ok("on code", set_debug(vcpu, hw, GUEST_REAL + 1, on_code));
	expect_debug(vcpu, 1, 1, 1);
	expect_ok("on a write", set_debug(vcpu, hw, 0x5000, on_write));
	expect_debug(vcpu, 1, 7, 1);
	expect_eq("what was written", *(uint8_t *)vm_ptr(vm, 0x5000, 1), 0x5a);
	debug(vcpu, 0);
	expect_out(vcpu);
}

/* Debug registers that are the debugger's: a MOV under DR7.GD, and the guest's own stay apart. */
static void debug_registers(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = GUEST(vm, 0x66, 0xb8, 0x34, 0x12, 0x00, 0x00, /* mov $0x1234, %eax */
				  0x0f, 0x23, 0xc0, /* mov %eax, %dr0 */
				  0x66, 0x31, 0xc0, /* xor %eax, %eax */
				  0x0f, 0x21, 0xc0, /* mov %dr0, %eax */
				  0xe6, PORT);
	const uint32_t hw = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP;
	struct kvm_debugregs regs;

	(void)arg;
	if (!stock_61()) {
		expect_ok("KVM_SET_GUEST_DEBUG", set_debug(vcpu, hw, 0, 0x2000));
		expect_debug(vcpu, 1, 6, DR6_BD);
	}
	expect_ok("KVM_SET_GUEST_DEBUG", set_debug(vcpu, hw, 0x5678, 0x400));
	expect_out(vcpu);
	expect_eq("DR0, as the guest has it", vcpu_regs(vcpu).rax, 0x1234);
	expect_ok("KVM_GET_DEBUGREGS", ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &regs));
	expect_eq("DR0", regs.db[0], 0x1234);
	expect_eq("DR7", regs.dr7, 0x400);
}

/* ---- what is given to the guest, and what is held back ---- */

static void inject_db(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = GUEST(vm, 0x90, 0x90, 0xe6, PORT);
	uint16_t *stack;

	(void)arg;
	expect_step(vcpu, STEP, 1);
	debug(vcpu, KVM_GUESTDBG_INJECT_DB);
	expect_errno("another, behind it", set_debug(vcpu, KVM_GUESTDBG_INJECT_DB, 0, 0), EBUSY);
	expect_out(vcpu);
	expect_eq("RIP: the handler's", vcpu_regs(vcpu).rip & ~3ull, HANDLER);
	stack = vm_ptr(vm, vcpu_regs(vcpu).rsp, 6);
	expect_eq("return address", stack[0], GUEST_REAL + 1);
	expect_eq("TF of the flags pushed", stack[2] & TF, 0);
}

/* An interrupt that waits goes in with the first step, unless it is to wait. */
static void block_irq(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x41 };
	struct kvm_regs regs;
	struct vcpu *vcpu;

	(void)arg;
	if (!(kvm_cap(vm->kvm, KVM_CAP_SET_GUEST_DEBUG2) & KVM_GUESTDBG_BLOCKIRQ))
		row_skip("no KVM_GUESTDBG_BLOCKIRQ");
	vm_add_irqchip(vm, false);
	vcpu = GUEST(vm, 0x90, 0x90, 0x90, 0x90, 0x90, 0xe6, PORT);
	regs = vcpu_regs(vcpu);
	regs.rflags |= 0x200; /* IF */
	expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &regs));
	vcpu_set_lapic(vcpu, 0xf0, 0x1ff);
	expect_eq("KVM_SIGNAL_MSI", ioctl(vm->fd, KVM_SIGNAL_MSI, &msi), 1);
	expect_step(vcpu, STEP | KVM_GUESTDBG_BLOCKIRQ, 1);
	expect_step(vcpu, STEP | KVM_GUESTDBG_BLOCKIRQ, 2);
	expect_step(vcpu, STEP | KVM_GUESTDBG_BLOCKIRQ, 3);
	debug(vcpu, 0);
	expect_out(vcpu);
	expect_eq("RIP: the interrupt's handler", vcpu_regs(vcpu).rip & ~3ull, HANDLER);
}

/* ---- the guest's own steps ---- */

/*
 * A guest that has run OUT, so that its code is mapped: where the first instruction of an entry
 * faults in the nested tables with TF set, Bochs traps before it.
 */
static struct vcpu *behind_out(struct vm *vm, const uint8_t *code, size_t bytes)
{
	struct vcpu *vcpu = guest(vm, code, bytes);

	expect_out(vcpu);
	vcpu->run->immediate_exit = 1;
	expect_errno("KVM_RUN, to complete it", vcpu_run(vcpu), EINTR);
	vcpu->run->immediate_exit = 0;
	return vcpu;
}

#define BEHIND_OUT(vm, ...) \
	behind_out(vm, (const uint8_t[]){ 0xe6, PORT, __VA_ARGS__ }, \
		   sizeof((const uint8_t[]){ 0xe6, PORT, __VA_ARGS__ }))

/* With TF set it meets #DB, pushed to SP 0x7000 with this IP. */
static void expect_trap(struct vm *vm, struct vcpu *vcpu, unsigned int at)
{
	expect_out(vcpu);
	expect_eq("SP in the handler", vcpu_regs(vcpu).rsp, STACK - 6);
	expect_eq("IP of the trap", *(uint16_t *)vm_ptr(vm, STACK - 6, 2), GUEST_REAL + at);
}

static void set_tf(struct vcpu *vcpu)
{
	struct kvm_regs r = vcpu_regs(vcpu);

	r.rflags |= TF;
	expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &r));
}

/* None between the load of SS, which is emulated, and the instruction behind it. */
static void trap_after_mov_ss(const void *arg)
{
	struct vm *vm = vm_new_ram();
	/* mov (%bx), %ss; mov $STACK, %sp; nop */
	struct vcpu *vcpu = BEHIND_OUT(vm, 0x8e, 0x17, 0xbc, 0x00, 0x70, 0x90);
	struct kvm_sregs s = vcpu_sregs(vcpu);
	struct kvm_regs r = vcpu_regs(vcpu);

	(void)arg;
	if (stock_61())
		row_skip("traps there");
	s.ds.base = GUEST_MMIO;
	expect_ok("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &s));
	r.rsp = STACK / 2;
	r.rbx = 0;
	expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &r));
	set_tf(vcpu);
	vcpu_run_until(vcpu, KVM_EXIT_MMIO);
	memset(vcpu->run->mmio.data, 0, sizeof(vcpu->run->mmio.data));
	expect_trap(vm, vcpu, 7);
}

/* It ends HLT. */
static void trap_after_hlt(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = BEHIND_OUT(vm, 0xf4, 0x90); /* hlt; nop */

	(void)arg;
	if (stock_61())
		row_skip("leaves with KVM_EXIT_HLT");
	set_tf(vcpu);
	expect_trap(vm, vcpu, 3);
}

static const struct test_row rows[] = {
	{ .name = "trap-after-mov-ss", .run = trap_after_mov_ss },
	{ .name = "trap-after-hlt", .run = trap_after_hlt },
	{ .name = "step", .run = step },
	{ .name = "step-shadow", .run = step_shadow },
	{ .name = "step-registers", .run = step_registers },
	{ .name = "step-exception", .run = step_exception },
	{ .name = "software", .run = software },
	{ .name = "software-unwanted", .run = software_unwanted },
	{ .name = "hardware", .run = hardware },
	{ .name = "debug-registers", .run = debug_registers },
	{ .name = "inject-db", .run = inject_db },
	{ .name = "block-irq", .run = block_irq },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
