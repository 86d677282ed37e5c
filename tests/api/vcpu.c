// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPU files: the mapping, running without and with a guest, leaving by signals and
 * immediate_exit, under a debugger, multiprocessing state.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "row.h"
#include "vm.h"

static const uint8_t spin[] = { 0xeb, 0xfe };			/* jmp . */
static const uint8_t halt[] = { 0xf4, 0xeb, 0xfd };		/* hlt; jmp . - 1 */
static const uint8_t cli_loop[] = { 0xfa, 0xeb, 0xfe }; /* cli; jmp . */
static const uint8_t out_loop[] = { 0xe6, 0x10, 0xeb, 0xfc };	/* out %al, $0x10; jmp . - 2 */

static struct vcpu *real_vcpu(struct vm *vm, const void *code, size_t bytes)
{
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);

	memcpy(vm_ptr(vm, GUEST_REAL, bytes), code, bytes);
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
	return vcpu;
}

#define real_guest(vm, code) real_vcpu(vm, code, sizeof(code))

/*
 * Ioctls that a vCPU must not know. Linux's own driver says EINVAL here, where ENOTTY is the rule.
 */
static void unknown_ioctls(const void *arg)
{
	static const struct {
		const char *name;
		unsigned long cmd;
	} row[] = {
		{ "_IO(KVMIO, 0xff)", _IO(KVMIO, 0xff) },
		{ "_IO('k', 0)", _IO('k', 0) },
		{ "another type", _IO(0xaf, 0x80) },
		{ "KVM_CREATE_VM", KVM_CREATE_VM },
		{ "KVM_CREATE_VCPU", KVM_CREATE_VCPU },
		{ "KVM_SET_USER_MEMORY_REGION", KVM_SET_USER_MEMORY_REGION },
		{ "KVM_CREATE_IRQCHIP", KVM_CREATE_IRQCHIP },
		{ "KVM_GET_REGS with a wrong size", _IOR(KVMIO, 0x81, uint64_t) },
		{ "KVM_GET_REGS with a wrong direction", _IOW(KVMIO, 0x81, struct kvm_regs) },
	};
	unsigned char buffer[8192] = { 0 };
	struct vm *vm = vm_new();
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);
	size_t i;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(row); i++)
		expect_true(ioctl(vcpu->fd, row[i].cmd, buffer) == -1 &&
				    (errno == ENOTTY || errno == EINVAL),
			    "%s: expected ENOTTY or EINVAL, saw %s", row[i].name,
			    strerrorname_np(errno));
}

/* Pointers to nowhere; where an ioctl belongs to a capability, only if the driver has that. */
static void bad_pointers(const void *arg)
{
#define CMD(cmd) { #cmd, cmd, KVM_CAP_USER_MEMORY }
#define CMD_OF(cap, cmd) { #cmd, cmd, KVM_CAP_##cap }
	static const struct {
		const char *name;
		unsigned long cmd;
		unsigned int cap;
	} row[] = {
		CMD(KVM_GET_REGS),
		CMD(KVM_SET_REGS),
		CMD(KVM_GET_SREGS),
		CMD(KVM_SET_SREGS),
		CMD(KVM_GET_FPU),
		CMD(KVM_SET_FPU),
		CMD(KVM_GET_LAPIC),
		CMD(KVM_SET_LAPIC),
		CMD(KVM_GET_MSRS),
		CMD(KVM_SET_MSRS),
		CMD(KVM_GET_MP_STATE),
		CMD(KVM_SET_MP_STATE),
		CMD(KVM_SET_CPUID2),
		CMD(KVM_GET_CPUID2),
		CMD(KVM_SET_CPUID),
		CMD(KVM_TRANSLATE),
		CMD(KVM_SET_SIGNAL_MASK),
		CMD_OF(XSAVE, KVM_GET_XSAVE),
		CMD_OF(XSAVE, KVM_SET_XSAVE),
		CMD_OF(XCRS, KVM_GET_XCRS),
		CMD_OF(XCRS, KVM_SET_XCRS),
		CMD_OF(DEBUGREGS, KVM_GET_DEBUGREGS),
		CMD_OF(DEBUGREGS, KVM_SET_DEBUGREGS),
		CMD_OF(VCPU_EVENTS, KVM_GET_VCPU_EVENTS),
		CMD_OF(VCPU_EVENTS, KVM_SET_VCPU_EVENTS),
		CMD_OF(MCE, KVM_X86_SETUP_MCE),
		CMD_OF(MCE, KVM_X86_SET_MCE),
		CMD_OF(VAPIC, KVM_TPR_ACCESS_REPORTING),
		CMD_OF(SET_GUEST_DEBUG, KVM_SET_GUEST_DEBUG),
		CMD_OF(ENABLE_CAP, KVM_ENABLE_CAP),
	};
	struct vm *vm = vm_new();
	struct vcpu *vcpu;
	size_t i;

	(void)arg;
	vm_add_irqchip(vm, false);
	vcpu = vm_add_vcpu(vm, 0);
	for (i = 0; i < ARRAY_SIZE(row); i++) {
		if (kvm_cap(vm->kvm, row[i].cap) <= 0)
			continue;
		expect_errno(row[i].name, ioctl(vcpu->fd, row[i].cmd, (void *)8), EFAULT);
		expect_errno(row[i].name, ioctl(vcpu->fd, row[i].cmd, (void *)0xffff888000000000),
			     EFAULT);
	}
}

static void mapping(const void *arg)
{
	struct vm *vm = vm_new();
	struct vcpu *vcpu = vm_add_bare_vcpu(vm, 0);
	volatile uint8_t *page = (void *)vcpu->run;
	size_t i;
	void *twice;

	(void)arg;
	for (i = 0; i < vcpu->run_size; i += 4096) {
		page[i] = 1;
		expect_eq("a page of the mapping, written", page[i], 1);
		page[i] = 0;
	}
	twice = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	expect_true(twice != MAP_FAILED, "a second mapping: expected success, saw %s",
		    strerrorname_np(errno));
	vcpu->run->immediate_exit = 1;
	expect_eq("what the second mapping shows", ((struct kvm_run *)twice)->immediate_exit, 1);
}

/* Pages beyond what KVM_GET_VCPU_MMAP_SIZE says can be mapped, but not touched. */
static void mapping_end(const void *arg)
{
	struct vm *vm = vm_new();
	struct vcpu *vcpu = vm_add_bare_vcpu(vm, 0);
	struct vcpu page = *vcpu;
	unsigned char vec;
	int ret;

	(void)arg;
	page.run = mmap(NULL, 4096, PROT_READ, MAP_SHARED, vcpu->fd, vcpu->run_size + 4096 * 100);
	if (page.run == MAP_FAILED) {
		expect_true(true, "refused at once");
		return;
	}
	ret = madvise(page.run, 4096, 22 /* MADV_POPULATE_READ */);
	expect_true(ret < 0, "a page far behind the end: expected a fault, saw it (%d, %d)", ret,
		    mincore(page.run, 4096, &vec));
}

/* Reset state: the first instruction is at 0xfffffff0, where there is nothing. */
static void run_fresh(const void *arg)
{
	struct vm *vm = vm_new();
	struct vcpu *vcpu = vm_add_bare_vcpu(vm, 0);
	struct kvm_sregs s = vcpu_sregs(vcpu);
	struct kvm_regs r = vcpu_regs(vcpu);

	(void)arg;
	expect_eq("RIP", r.rip, 0xfff0);
	expect_eq("RFLAGS", r.rflags, 2);
	expect_eq("CS.base", s.cs.base, 0xffff0000);
	expect_eq("CS.selector", s.cs.selector, 0xf000);
	expect_eq("CS.limit", s.cs.limit, 0xffff);
	expect_eq("DS.base", s.ds.base, 0);
	expect_eq("CR0", s.cr0, 0x60000010);
	expect_eq("CR3", s.cr3, 0);
	expect_eq("CR4", s.cr4, 0);
	expect_eq("EFER", s.efer, 0);
	expect_eq("APIC base", s.apic_base & ~0x100ull, 0xfee00800);
	expect_eq("GDT.limit", s.gdt.limit, 0xffff);
	expect_eq("IDT.limit", s.idt.limit, 0xffff);
	expect_eq("IDT.base", s.idt.base, 0);
	vcpu->run->immediate_exit = 1;
	expect_errno("KVM_RUN without CPUID", vcpu_run(vcpu), EINTR);
}

/* KVM_RUN where there is no memory at all: an exit or an error, no hang, no crash. */
static void run_without_memory(const void *arg)
{
	struct vm *vm = vm_new();
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);
	int ret = vcpu_run(vcpu);

	(void)arg;
	if (ret < 0)
		expect_true(errno == EFAULT || errno == ENOSPC,
			    "errno: expected EFAULT (or 6.1's ENOSPC), saw %s",
			    strerrorname_np(errno));
	else
		expect_true(vcpu->run->exit_reason == KVM_EXIT_INTERNAL_ERROR,
			    "exit: expected INTERNAL_ERROR, saw %s",
			    exit_name(vcpu->run->exit_reason));
}

static void immediate_exit(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = real_guest(vm, spin);
	unsigned int i;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_IMMEDIATE_EXIT);
	vcpu->run->immediate_exit = 1;
	for (i = 0; i < 10; i++) {
		expect_errno("KVM_RUN", vcpu_run(vcpu), EINTR);
		expect_eq("RIP", vcpu_regs(vcpu).rip, GUEST_REAL);
	}
	expect_eq("the flag is left alone", vcpu->run->immediate_exit, 1);
}

/* immediate_exit completes a pending port input before it comes back. */
static void immediate_exit_completes(const void *arg)
{
	static const uint8_t in_out[] = { 0xe4, 0x20, 0xe6, 0x10, 0xf4 };	/* in; out; hlt */
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = real_guest(vm, in_out);
	struct kvm_run *run = vcpu->run;

	(void)arg;
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("port", run->io.port, 0x20);
	*((uint8_t *)run + run->io.data_offset) = 0x5a;
	run->immediate_exit = 1;
	expect_errno("KVM_RUN", vcpu_run(vcpu), EINTR);
	expect_eq("AL, the input done", vcpu_regs(vcpu).rax & 0xff, 0x5a);
	expect_eq("RIP behind it", vcpu_regs(vcpu).rip, GUEST_REAL + 2);
	run->immediate_exit = 0;
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("port", run->io.port, 0x10);
	expect_eq("data", *((uint8_t *)run + run->io.data_offset), 0x5a);
}

static void *kick_later(void *arg)
{
	struct timespec pause = { .tv_nsec = 50000000 };

	nanosleep(&pause, NULL);
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

static void signal_ends(struct vcpu *vcpu)
{
	pthread_t self = pthread_self(), kicker;

	catch_usr1();
	pthread_create(&kicker, NULL, kick_later, &self);
	expect_errno("KVM_RUN", vcpu_run(vcpu), EINTR);
	expect_eq("exit_reason", vcpu->run->exit_reason, KVM_EXIT_INTR);
	pthread_join(kicker, NULL);
}

static void signal_spinning(const void *arg)
{
	(void)arg;
	signal_ends(real_guest(vm_new_ram(), spin));
}

static void signal_halted(const void *arg)
{
	struct vm *vm = vm_new_ram();

	(void)arg;
	vm_add_irqchip(vm, false);
	signal_ends(real_guest(vm, halt));
}

/* An AP that waits for INIT. */
static void signal_waiting(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu;

	(void)arg;
	vm_add_irqchip(vm, false);
	vm_add_vcpu(vm, 0);
	vcpu = vm_add_vcpu(vm, 1);
	signal_ends(vcpu);
}

#define COUNTER 0x6000
static const uint8_t count[] = { 0x66, 0xff, 0x06, 0x00, 0x60, 0xeb, 0xf9 }; /* incl; jmp */

/* A process with one vCPU that counts; where, it tells through @where. */
static void traced_child(volatile uint64_t *where)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = real_guest(vm, count);

	*where = (uintptr_t)vm_ptr(vm, COUNTER, 4);
	while (vcpu_run(vcpu) < 0 && errno == EINTR)
		;
	_exit(1);
}

/* Does the counter move between stops? Each takes the thread out of the guest, or of KVM_RUN. */
static bool counts_between_stops(pid_t pid, uint64_t where, unsigned int stop)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	struct user_regs_struct regs;
	uint32_t seen, first = 0;
	unsigned int tries;
	int status = 0;

	for (tries = 0; tries < 400; tries++) {
		ptrace(PTRACE_INTERRUPT, pid, 0, 0);
		if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
			return expect_true(false, "stop %u: expected one, saw status %#x", stop,
					   status);
		seen = ptrace(PTRACE_PEEKDATA, pid, where, 0);
		if (ptrace(PTRACE_GETREGS, pid, 0, &regs) || ptrace(PTRACE_CONT, pid, 0, 0))
			return expect_true(false, "stop %u: %s", stop, strerrorname_np(errno));
		if (tries && seen != first)
			return true;
		first = tries ? first : seen;
		nanosleep(&pause, NULL);
	}
	return expect_true(false, "stop %u: the guest's counter stays at %u", stop, first);
}

/* A debugger stops and looks at a vCPU's thread in guest mode, and lets it go on. */
static void traced(const void *arg)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	volatile uint64_t *where =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0, i;
	pid_t pid;

	(void)arg;
	pid = fork();
	if (!pid)
		traced_child(where);
	for (i = 0; i < 2000 && !*where; i++)
		nanosleep(&pause, NULL);
	expect_true(*where, "the guest of the other process began");
	expect_eq("PTRACE_SEIZE", ptrace(PTRACE_SEIZE, pid, 0, 0), 0);
	for (i = 0; i < 20 && counts_between_stops(pid, *where, i); i++)
		;
	/* Stopped by a signal that the debugger keeps to itself; in the end killed. */
	kill(pid, SIGSTOP);
	expect_eq("the stopped process", waitpid(pid, &status, __WALL), pid);
	expect_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP, "SIGSTOP: saw status %#x",
		    status);
	expect_eq("PTRACE_CONT", ptrace(PTRACE_CONT, pid, 0, 0), 0);
	counts_between_stops(pid, *where, i);
	kill(pid, SIGKILL);
	expect_eq("the killed process", waitpid(pid, &status, __WALL), pid);
	expect_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "SIGKILL: saw status %#x",
		    status);
}

static void pending_signal(const void *arg)
{
	struct vcpu *vcpu = real_guest(vm_new_ram(), out_loop);
	sigset_t set;

	(void)arg;
	catch_usr1();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_kill(pthread_self(), SIGUSR1);
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("a blocked signal doesn't end KVM_RUN: exit", vcpu->run->exit_reason,
		  KVM_EXIT_IO);
}

/* KVM_SET_SIGNAL_MASK lets a blocked signal in while KVM_RUN runs. */
static void signal_mask(const void *arg)
{
	struct vcpu *vcpu = real_guest(vm_new_ram(), out_loop);
	struct {
		struct kvm_signal_mask head;
		uint8_t set[8];
	} __attribute__((packed)) mask = { .head.len = 8 };
	sigset_t set;

	(void)arg;
	catch_usr1();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	expect_ok("KVM_SET_SIGNAL_MASK, nothing blocked",
		  ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, &mask));
	pthread_kill(pthread_self(), SIGUSR1);
	expect_errno("KVM_RUN", vcpu_run(vcpu), EINTR);
	sigpending(&set);
	expect_eq("the signal is still pending", sigismember(&set, SIGUSR1), 1);
	expect_ok("KVM_SET_SIGNAL_MASK, none", ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, NULL));
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	mask.head.len = 4;
	expect_errno("a wrong size", ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, &mask), EINVAL);
	mask.head.len = 128;
	expect_errno("glibc's size", ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, &mask), EINVAL);
}

static void run_argument(const void *arg)
{
	struct vcpu *vcpu = real_guest(vm_new_ram(), out_loop);

	(void)arg;
	expect_errno("KVM_RUN with an argument", ioctl(vcpu->fd, KVM_RUN, 1), EINVAL);
}

/* Without an irqchip HLT is an exit. */
static void hlt_exits(const void *arg)
{
	struct vcpu *vcpu = real_guest(vm_new_ram(), halt);

	(void)arg;
	vcpu_run_until(vcpu, KVM_EXIT_HLT);
	expect_eq("RIP behind it", vcpu_regs(vcpu).rip, GUEST_REAL + 1);
	vcpu_run_until(vcpu, KVM_EXIT_HLT);
	expect_eq("RIP after another round", vcpu_regs(vcpu).rip, GUEST_REAL + 1);
}

/* ready_for_interrupt_injection, request_interrupt_window, KVM_INTERRUPT: userspace's own PIC. */
static void userspace_interrupt(const void *arg)
{
	static const uint8_t code[] = {
		0xe6, 0x10,		/* out %al, $0x10 */
		0xfb,			/* sti */
		0x90, 0x90,		/* nop; nop */
		0xeb, 0xfe,		/* jmp . */
		[0x20] = 0xe6, 0x11, 0xcf,	/* handler: out %al, $0x11; iret */
	};
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = real_guest(vm, code);
	struct kvm_interrupt irq = { .irq = 0x30 };
	struct kvm_run *run = vcpu->run;
	uint16_t *ivt = vm_ptr(vm, 0, 1024);

	(void)arg;
	ivt[0x30 * 2] = GUEST_REAL + 0x20;
	ivt[0x30 * 2 + 1] = 0;
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("if_flag", run->if_flag, 0);
	expect_eq("ready_for_interrupt_injection with IF=0", run->ready_for_interrupt_injection, 0);
	run->request_interrupt_window = 1;
	vcpu_run_until(vcpu, KVM_EXIT_IRQ_WINDOW_OPEN);
	expect_eq("if_flag", run->if_flag, 1);
	expect_eq("ready_for_interrupt_injection with IF=1", run->ready_for_interrupt_injection, 1);
	expect_true(vcpu_regs(vcpu).rip > GUEST_REAL + 3,
		    "RIP: expected past the instruction after STI, saw %#llx", vcpu_regs(vcpu).rip);
	run->request_interrupt_window = 0;
	expect_ok("KVM_INTERRUPT", ioctl(vcpu->fd, KVM_INTERRUPT, &irq));
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("the handler's port", run->io.port, 0x11);
	irq.irq = 256;
	expect_errno("vector 256", ioctl(vcpu->fd, KVM_INTERRUPT, &irq), EINVAL);
}

static void interrupt_with_irqchip(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct kvm_interrupt irq = { .irq = 0x30 };

	(void)arg;
	vm_add_irqchip(vm, false);
	expect_errno("KVM_INTERRUPT", ioctl(vm_add_vcpu(vm, 0)->fd, KVM_INTERRUPT, &irq), ENXIO);
}

static void mp_state(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct kvm_mp_state state;
	struct vcpu *vcpu[2];

	(void)arg;
	vm_add_irqchip(vm, false);
	vcpu[0] = vm_add_vcpu(vm, 0);
	vcpu[1] = vm_add_vcpu(vm, 1);
	expect_ok("KVM_GET_MP_STATE", ioctl(vcpu[0]->fd, KVM_GET_MP_STATE, &state));
	expect_eq("the BSP", state.mp_state, KVM_MP_STATE_RUNNABLE);
	expect_ok("KVM_GET_MP_STATE", ioctl(vcpu[1]->fd, KVM_GET_MP_STATE, &state));
	expect_eq("an AP", state.mp_state, KVM_MP_STATE_UNINITIALIZED);
	state.mp_state = KVM_MP_STATE_HALTED;
	expect_ok("HALTED", ioctl(vcpu[1]->fd, KVM_SET_MP_STATE, &state));
	expect_ok("KVM_GET_MP_STATE", ioctl(vcpu[1]->fd, KVM_GET_MP_STATE, &state));
	expect_eq("after HALTED", state.mp_state, KVM_MP_STATE_HALTED);
	state.mp_state = KVM_MP_STATE_RUNNABLE;
	expect_ok("RUNNABLE", ioctl(vcpu[1]->fd, KVM_SET_MP_STATE, &state));
	expect_ok("KVM_GET_MP_STATE", ioctl(vcpu[1]->fd, KVM_GET_MP_STATE, &state));
	expect_eq("after RUNNABLE", state.mp_state, KVM_MP_STATE_RUNNABLE);
	state.mp_state = KVM_MP_STATE_STOPPED;
	expect_errno("STOPPED, of another architecture",
		     ioctl(vcpu[1]->fd, KVM_SET_MP_STATE, &state), EINVAL);
	state.mp_state = 99;
	expect_errno("99", ioctl(vcpu[1]->fd, KVM_SET_MP_STATE, &state), EINVAL);
}

static void mp_state_without_irqchip(const void *arg)
{
	struct vcpu *vcpu = vm_add_vcpu(vm_new(), 1);
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_HALTED };

	(void)arg;
	expect_errno("HALTED", ioctl(vcpu->fd, KVM_SET_MP_STATE, &state), EINVAL);
	state.mp_state = KVM_MP_STATE_RUNNABLE;
	expect_ok("RUNNABLE", ioctl(vcpu->fd, KVM_SET_MP_STATE, &state));
}

static void *run_thread(void *arg)
{
	struct vcpu *vcpu = arg;

	vcpu_run(vcpu);
	return NULL;
}

/* While a thread runs the vCPU, another's ioctl waits for it to leave. */
static void run_excludes(const void *arg)
{
	struct vcpu *vcpu = real_guest(vm_new_ram(), spin);
	struct timespec pause = { .tv_nsec = 20000000 }, t0, t1;
	pthread_t thread, kicker;
	struct kvm_regs regs;
	long ms;

	(void)arg;
	catch_usr1();
	pthread_create(&thread, NULL, run_thread, vcpu);
	nanosleep(&pause, NULL);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	pthread_create(&kicker, NULL, kick_later, &thread);
	expect_ok("KVM_GET_REGS while it runs", ioctl(vcpu->fd, KVM_GET_REGS, &regs));
	clock_gettime(CLOCK_MONOTONIC, &t1);
	ms = (t1.tv_sec - t0.tv_sec) * 1000 + (t1.tv_nsec - t0.tv_nsec) / 1000000;
	expect_true(ms >= 40, "KVM_GET_REGS: expected to wait for the kick after 50 ms, saw %ld ms",
		    ms);
	pthread_join(thread, NULL);
	pthread_join(kicker, NULL);
}

/*
 * A guest that dies of a triple fault leaves the vCPU usable, and on Intel's CPUs as it was, for
 * userspace to look at. AMD's leave nothing that is defined: INIT's state takes its place.
 */
static void shutdown_and_on(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);
	static const uint8_t ud2[] = { 0x0f, 0x0b };
	bool amd = guest_has(vm->kvm, 0x80000001, 0, 'c', 6);	/* SSE4a: AMD's alone */
	struct kvm_sregs s;

	(void)arg;
	memcpy(vm_ptr(vm, GUEST_IMAGE, sizeof(ud2)), ud2, sizeof(ud2));
	vcpu_set_mode(vcpu, MODE_LONG, GUEST_IMAGE, 0x8000);
	s = vcpu_sregs(vcpu);
	s.idt.limit = 0;
	expect_ok("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &s));
	vcpu_run_until(vcpu, KVM_EXIT_SHUTDOWN);
	expect_eq("RIP", vcpu_regs(vcpu).rip, amd ? 0xfff0 : GUEST_IMAGE);
	memcpy(vm_ptr(vm, GUEST_REAL, sizeof(out_loop)), out_loop, sizeof(out_loop));
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("another guest's port", vcpu->run->io.port, 0x10);
}

/*
 * An exception's delivery touches what is no memory: nobody can complete it, and userspace is told
 * which it was. The interruption information has the same form on both vendors' CPUs.
 */
static void undeliverable(const void *arg)
{
	static const uint8_t ud2[] = { 0x0f, 0x0b };
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);
	struct kvm_run *run = vcpu->run;
	struct kvm_sregs s;
	uint64_t *gate;

	(void)arg;
	if (stock_61())
		row_skip("on AMD's CPUs this driver takes it for an instruction");
	memcpy(vm_ptr(vm, GUEST_IMAGE, sizeof(ud2)), ud2, sizeof(ud2));
	vcpu_set_mode(vcpu, MODE_LONG, GUEST_IMAGE, GUEST_MMIO + 0x800);
	gate = vm_ptr(vm, GUEST_IMAGE + 0x1000 + 6 * 16, 16);
	gate[0] = (GUEST_IMAGE & 0xffff) | (uint64_t)SEL_CODE64 << 16 | 0x8eull << 40 |
		  (uint64_t)(GUEST_IMAGE >> 16) << 48;
	s = vcpu_sregs(vcpu);
	s.idt.base = GUEST_IMAGE + 0x1000;
	s.idt.limit = 0xfff;
	expect_ok("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &s));
	vcpu_run_until(vcpu, KVM_EXIT_INTERNAL_ERROR);
	expect_eq("suberror", run->internal.suberror, KVM_INTERNAL_ERROR_DELIVERY_EV);
	expect_true(run->internal.ndata >= 4, "ndata: expected 4 or more, saw %u",
		    run->internal.ndata);
	expect_eq("the event: valid, an exception, #UD", run->internal.data[0] & 0x800007ff,
		  0x80000306);
}

/* What no emulator can run ends with an error that says where, not with a loop. */
static void io_by_word_and_dword(const void *arg)
{
	static const uint8_t code[] = {
		0xb8, 0x34, 0x12,		/* mov $0x1234, %ax */
		0xe7, 0x30,			/* out %ax, $0x30 */
		0x66, 0xb8, 0x78, 0x56, 0x34, 0x12,	/* mov $0x12345678, %eax */
		0x66, 0xe7, 0x40,		/* out %eax, $0x40 */
		0x66, 0xe5, 0x50,		/* in $0x50, %eax */
		0x66, 0xe7, 0x60,		/* out %eax, $0x60 */
	};
	struct vcpu *vcpu = real_guest(vm_new_ram(), code);
	struct kvm_run *run = vcpu->run;
	uint32_t *data;

	(void)arg;
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	data = (void *)((uint8_t *)run + run->io.data_offset);
	expect_eq("size", run->io.size, 2);
	expect_eq("count", run->io.count, 1);
	expect_eq("direction", run->io.direction, KVM_EXIT_IO_OUT);
	expect_eq("port", run->io.port, 0x30);
	expect_eq("data", *(uint16_t *)data, 0x1234);
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("size", run->io.size, 4);
	expect_eq("data", *data, 0x12345678);
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("direction", run->io.direction, KVM_EXIT_IO_IN);
	expect_eq("port", run->io.port, 0x50);
	*data = 0xcafebabe;
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("port", run->io.port, 0x60);
	expect_eq("data read and written back", *data, 0xcafebabe);
}

/* What the kernel's log has got since the descriptor was opened or read last. */
static void read_log(int log, char *text, size_t size)
{
	size_t at = 0;
	ssize_t n;

	while (at + 1 < size) {
		n = read(log, text + at, size - at - 1);
		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			break;
		at += n;
	}
	text[at] = 0;
}

/* CVE-2015-5307, -8104: #AC, #DB and #MC are the host's, whatever the guest is. */
static void check_exceptions(const char *text)
{
	const char *const word = "exceptions 0x", *at = text;
	const uint32_t want = 1 << 17 | 1 << 1 | 1 << 18;
	uint32_t seen = 0;

	/* A VMCS has pending ones, too: none. */
	while ((at = strstr(at, word))) {
		at += strlen(word);
		seen |= strtoul(at, NULL, 16);
	}
	expect_true((seen & want) == want, "intercepted exceptions: expected at least %#x, saw %#x",
		    want, seen);
}

static void stay_on(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		row_die("CPU %u: %s", cpu, strerrorname_np(errno));
}

/*
 * A state that hardware refuses (64-bit code segment with 32-bit operands by default): userspace is
 * told, and the log says all that the hardware was given, but not without end.
 */
static void refused_entry(const void *arg)
{
	static const char *const vmcb[] = { "VMCB of vCPU 0", "intercepts: CR", "ASID",
					    "nested paging",  "exit: code",	"event to inject",
					    "RIP 0x",	      "CR0 0x",		"DR6 0x",
					    "CS   selector",  "TR   selector",	"IDTR selector",
					    "STAR 0x",	      "SYSENTER CS",	NULL };
	static const char *const vmcs[] = { "entry of vCPU 0 failed",
					    "VMCS, last on",
					    "guest:",
					    "RIP 0x",
					    "(shadow 0x",
					    "PDPTEs 0x",
					    "DR7 0x",
					    "interruptibility 0x",
					    "CS   selector",
					    "TR   selector",
					    "GDTR limit",
					    "SYSENTER CS",
					    "host:",
					    "controls:",
					    "pin 0x",
					    "EPT 0x",
					    "event to inject",
					    NULL };
	const char *const *words = on_vmx() ? vmcs : vmcb;
	static char text[1 << 20];
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	unsigned long long reason;
	struct kvm_sregs sregs;
	const char *at = text;
	unsigned int dumps = 0, cpus = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1;
	size_t i;

	(void)arg;
	if (access("/sys/module/kvm/parameters/exit_times", F_OK))
		row_skip("another driver's log has other words");
	if (log < 0)
		row_die("/dev/kmsg: %s", strerrorname_np(errno));
	vcpu_set_mode(vcpu, MODE_LONG, GUEST_REAL, 0x7000);
	sregs = vcpu_sregs(vcpu);
	sregs.cs.l = 1;
	sregs.cs.db = 1;
	if (expect_errno("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &sregs), 0))
		return;
	lseek(log, 0, SEEK_END);
	expect_eq("KVM_CAP_LAST_CPU", kvm_cap(vm->kvm, KVM_CAP_LAST_CPU), 1);
	vcpu->run->request_interrupt_window = 1;
	for (i = 0; i < 20; i++) {
		stay_on(i % cpus);
		vcpu_run_until(vcpu, KVM_EXIT_FAIL_ENTRY);
		expect_eq("the CPU", vcpu->run->fail_entry.cpu, i % cpus);
		reason = vcpu->run->fail_entry.hardware_entry_failure_reason;
		expect_true(reason & 0x80000000, "reason: saw %#llx", reason);
	}
	vcpu->run->request_interrupt_window = 0;
	read_log(log, text, sizeof(text));
	for (i = 0; words[i]; i++)
		expect_true(strstr(text, words[i]), "the log: expected '%s'", words[i]);
	check_exceptions(text);
	for (; (at = strstr(at, words[0])); at++)
		dumps++;
	expect_true(dumps >= 1 && dumps <= 8, "20 failures: expected a few dumps, saw %u", dumps);
	/* And it runs again when the state is good. */
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
	memcpy(vm_ptr(vm, GUEST_REAL, sizeof(out_loop)), out_loop, sizeof(out_loop));
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	/* The host's interrupts still end guest mode, whatever the guest's IF. */
	memcpy(vm_ptr(vm, GUEST_REAL, sizeof(cli_loop)), cli_loop, sizeof(cli_loop));
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
	usr1_in(50);
	expect_errno("KVM_RUN of a loop with IF=0", vcpu_run(vcpu), EINTR);
}

/* Bits of CR3 that no address has would fail the entry in any mode. */
static void cr3_beyond(const void *arg)
{
	struct vcpu *vcpu = real_guest(vm_new_ram(), out_loop);
	struct kvm_sregs s = vcpu_sregs(vcpu);

	(void)arg;
	s.cr3 = 1ull << 45;
	if (stock_61())
		row_skip("only looks at it in long mode");
	expect_errno("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &s), EINVAL);
	vcpu_run_until(vcpu, KVM_EXIT_IO);
}

static const struct test_row rows[] = {
	{ .name = "cr3-beyond", .run = cr3_beyond },
	{ .name = "unknown-ioctls", .run = unknown_ioctls },
	{ .name = "bad-pointers", .run = bad_pointers },
	{ .name = "mapping", .run = mapping },
	{ .name = "mapping-end", .run = mapping_end },
	{ .name = "run-fresh", .run = run_fresh },
	{ .name = "run-without-memory", .run = run_without_memory },
	{ .name = "run-argument", .run = run_argument },
	{ .name = "run-io", .run = io_by_word_and_dword },
	{ .name = "run-excludes", .run = run_excludes },
	{ .name = "immediate-exit", .run = immediate_exit },
	{ .name = "immediate-exit-completes", .run = immediate_exit_completes },
	{ .name = "signal-spinning", .run = signal_spinning },
	{ .name = "signal-halted", .run = signal_halted },
	{ .name = "signal-waiting-for-init", .run = signal_waiting },
	{ .name = "signal-blocked", .run = pending_signal },
	{ .name = "signal-mask", .run = signal_mask },
	{ .name = "traced", .run = traced },
	{ .name = "hlt-exits", .run = hlt_exits },
	{ .name = "interrupt", .run = userspace_interrupt },
	{ .name = "interrupt-with-irqchip", .run = interrupt_with_irqchip },
	{ .name = "mp-state", .run = mp_state },
	{ .name = "mp-state-without-irqchip", .run = mp_state_without_irqchip },
	{ .name = "refused-entry", .run = refused_entry },
	{ .name = "shutdown-and-on", .run = shutdown_and_on },
	{ .name = "undeliverable", .run = undeliverable },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
