// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <linux/rseq.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emul_cpu.h"

#define FILE_CODE	0
#define FILE_DATA	(FILE_CODE + CPU_CODE_SIZE)
#define FILE_STACK	(FILE_DATA + CPU_DATA_SIZE)
#define FILE_CONST	(FILE_STACK + CPU_STACK_SIZE)
#define FILE_SIZE	(FILE_CONST + CPU_CONST_SIZE)

bool cpu_is_amd(void)
{
	unsigned int a, b = 0, c, d;

	__get_cpuid(0, &a, &b, &c, &d);
	return b == 0x68747541 || b == 0x6f677948;	/* "Auth", "Hygo" */
}

/* In the child, before its own memory goes: glibc's restartable sequence area would be missed. */
static void unregister_rseq(void)
{
#ifdef SYS_rseq
	extern const ptrdiff_t __rseq_offset __attribute__((weak));
	extern const unsigned int __rseq_size __attribute__((weak));

	if (&__rseq_offset && &__rseq_size && __rseq_size)
		syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, 32,
			RSEQ_FLAG_UNREGISTER, 0x53053053);
#endif
}

static void map_child(int fd, unsigned long addr, unsigned long size, int prot, off_t off)
{
	if (mmap((void *)addr, size, prot, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, off) !=
	    (void *)addr)
		_exit(1);
}

static void child(int fd)
{
	map_child(fd, CPU_CODE, CPU_CODE_SIZE, PROT_READ | PROT_EXEC, FILE_CODE);
	map_child(fd, CPU_DATA, CPU_DATA_SIZE, PROT_READ | PROT_WRITE, FILE_DATA);
	map_child(fd, CPU_STACK, CPU_STACK_SIZE, PROT_READ | PROT_WRITE, FILE_STACK);
	map_child(fd, CPU_CONST, CPU_CONST_SIZE, PROT_READ, FILE_CONST);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	unregister_rseq();
	if (ptrace(PTRACE_TRACEME, 0, 0, 0))
		_exit(1);
	raise(SIGSTOP);
	_exit(1);
}

/* Have the child make a system call from its code page. */
static bool child_syscall(struct cpu *cpu, long nr, long a, long b, long c)
{
	struct user_regs_struct regs;
	int status;

	memcpy(cpu->code, "\x0f\x05", 2);
	if (ptrace(PTRACE_GETREGS, cpu->pid, 0, &regs))
		return false;
	regs.rax = nr;
	regs.orig_rax = -1;
	regs.rdi = a;
	regs.rsi = b;
	regs.rdx = c;
	regs.rip = CPU_CODE;
	if (ptrace(PTRACE_SETREGS, cpu->pid, 0, &regs) ||
	    ptrace(PTRACE_SINGLESTEP, cpu->pid, 0, 0) ||
	    waitpid(cpu->pid, &status, 0) != cpu->pid || !WIFSTOPPED(status) ||
	    WSTOPSIG(status) != SIGTRAP || ptrace(PTRACE_GETREGS, cpu->pid, 0, &regs))
		return false;
	return (long)regs.rax >= 0;
}

/* Take from the child all memory but our pages, and then all system calls. */
static bool strip_child(struct cpu *cpu)
{
	static const unsigned long kept[][2] = {
		{ CPU_CODE, CPU_CODE_SIZE }, { CPU_DATA, CPU_DATA_SIZE },
		{ CPU_STACK, CPU_STACK_SIZE }, { CPU_CONST, CPU_CONST_SIZE },
	};
	unsigned long from = 0;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		if (!child_syscall(cpu, SYS_munmap, from, kept[i][0] - from, 0))
			return false;
		from = kept[i][0] + kept[i][1];
	}
	return child_syscall(cpu, SYS_munmap, from, 0x7ffffffff000ul - from, 0) &&
	       child_syscall(cpu, SYS_close_range, 0, ~0u, 0) &&
	       child_syscall(cpu, SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0);
}

static bool spawn(struct cpu *cpu)
{
	int status;

	fflush(stdout);
	cpu->pid = fork();
	if (!cpu->pid)
		child(cpu->fd);
	if (cpu->pid < 0)
		return false;
	if (waitpid(cpu->pid, &status, 0) == cpu->pid && WIFSTOPPED(status) && strip_child(cpu))
		return true;
	cpu_stop(cpu);
	return false;
}

void cpu_stop(struct cpu *cpu)
{
	if (cpu->pid > 0) {
		kill(cpu->pid, SIGKILL);
		waitpid(cpu->pid, NULL, 0);
	}
	cpu->pid = 0;
}

static void to_user_regs(const struct cpu_state *s, struct user_regs_struct *r)
{
	memset(r, 0, sizeof(*r));
	r->rax = s->gpr[0]; r->rcx = s->gpr[1]; r->rdx = s->gpr[2]; r->rbx = s->gpr[3];
	r->rsp = s->gpr[4]; r->rbp = s->gpr[5]; r->rsi = s->gpr[6]; r->rdi = s->gpr[7];
	r->r8 = s->gpr[8]; r->r9 = s->gpr[9]; r->r10 = s->gpr[10]; r->r11 = s->gpr[11];
	r->r12 = s->gpr[12]; r->r13 = s->gpr[13]; r->r14 = s->gpr[14]; r->r15 = s->gpr[15];
	r->rip = s->rip;
	r->eflags = s->rflags;
	r->orig_rax = -1;
	r->cs = s->cs; r->ss = s->ss; r->ds = s->ds; r->es = s->es; r->fs = s->fs; r->gs = s->gs;
	r->fs_base = s->fs_base; r->gs_base = s->gs_base;
}

static void from_user_regs(struct cpu_state *s, const struct user_regs_struct *r)
{
	s->gpr[0] = r->rax; s->gpr[1] = r->rcx; s->gpr[2] = r->rdx; s->gpr[3] = r->rbx;
	s->gpr[4] = r->rsp; s->gpr[5] = r->rbp; s->gpr[6] = r->rsi; s->gpr[7] = r->rdi;
	s->gpr[8] = r->r8; s->gpr[9] = r->r9; s->gpr[10] = r->r10; s->gpr[11] = r->r11;
	s->gpr[12] = r->r12; s->gpr[13] = r->r13; s->gpr[14] = r->r14; s->gpr[15] = r->r15;
	s->rip = r->rip;
	s->rflags = r->eflags;
	s->cs = r->cs; s->ss = r->ss; s->ds = r->ds; s->es = r->es; s->fs = r->fs; s->gs = r->gs;
}

static bool write_vec(struct cpu *cpu, const struct cpu_state *s)
{
	struct user_fpregs_struct fp;

	if (ptrace(PTRACE_GETFPREGS, cpu->pid, 0, &fp))
		return false;
	memcpy(fp.xmm_space, s->xmm, sizeof(s->xmm));
	return !ptrace(PTRACE_SETFPREGS, cpu->pid, 0, &fp);
}

static bool read_vec(struct cpu *cpu, struct cpu_state *s)
{
	struct user_fpregs_struct fp;

	if (ptrace(PTRACE_GETFPREGS, cpu->pid, 0, &fp))
		return false;
	memcpy(s->xmm, fp.xmm_space, sizeof(s->xmm));
	return true;
}

static bool step(struct cpu *cpu, struct cpu_state *state, struct cpu_fault *fault)
{
	struct user_regs_struct regs;
	siginfo_t info;
	int status;

	to_user_regs(state, &regs);
	if (ptrace(PTRACE_SETREGS, cpu->pid, 0, &regs) ||
	    (state->use_vec && !write_vec(cpu, state)) ||
	    ptrace(PTRACE_SINGLESTEP, cpu->pid, 0, 0) ||
	    waitpid(cpu->pid, &status, 0) != cpu->pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_GETREGS, cpu->pid, 0, &regs) ||
	    (state->use_vec && !read_vec(cpu, state)))
		return false;
	from_user_regs(state, &regs);
	fault->sig = WSTOPSIG(status);
	if (ptrace(PTRACE_GETSIGINFO, cpu->pid, 0, &info))
		return false;
	fault->code = info.si_code;
	fault->addr = (unsigned long)info.si_addr;
	if (fault->sig == SIGTRAP && fault->code == TRAP_TRACE)
		fault->sig = 0;
	return true;
}

bool cpu_step(struct cpu *cpu, struct cpu_state *state, struct cpu_fault *fault)
{
	memset(fault, 0, sizeof(*fault));
	if (step(cpu, state, fault))
		return true;
	cpu_stop(cpu);
	if (!spawn(cpu)) {
		fprintf(stderr, "emul_cpu: can't start a child again: %s\n", strerror(errno));
		exit(2);
	}
	return false;
}

/* An instruction whose result is known, 64-bit code. */
struct known {
	const char *name;
	u8 insn[8];
	int sig, code;		/* code: -1 for any but SI_KERNEL */
	u64 addr;
};

/* RAX is 0x40 in all of them, RCX not canonical. */
static const struct known known[] = {
	{ "nop", "\x90", 0, TRAP_TRACE, CPU_CODE + 1 },
	{ "ud2", "\x0f\x0b", SIGILL, ILL_ILLOPN, CPU_CODE },
	{ "mov al, [rax]", "\x8a\x00", SIGSEGV, -1, 0x40 },
	{ "mov al, [rcx]", "\x8a\x01", SIGSEGV, SI_KERNEL, 0 },
	{ "mov [code], al", "\x88\x04\x25\x00\x00\x00\x10", SIGSEGV, -1, CPU_CODE },
	{ "hlt", "\xf4", SIGSEGV, SI_KERNEL, 0 },
	{ "div ah", "\xf6\xf4", SIGFPE, FPE_INTDIV, CPU_CODE },
};

static void known_state(struct cpu_state *s, u16 cs)
{
	memset(s, 0, sizeof(*s));
	s->gpr[0] = 0x40;
	s->gpr[1] = 1ull << 63;
	s->gpr[4] = CPU_STACK + 512;
	s->rip = CPU_CODE;
	s->rflags = 0x202;
	s->cs = cs;
	s->ss = s->ds = s->es = CPU_SS;
}

static bool check_known(struct cpu *cpu, const struct known *k)
{
	struct cpu_fault fault;
	struct cpu_state s;

	known_state(&s, CPU_CS64);
	memcpy(cpu->code, k->insn, 8);
	if (!cpu_step(cpu, &s, &fault)) {
		snprintf(cpu->why_not, sizeof(cpu->why_not), "%s ends the child", k->name);
		return false;
	}
	if (fault.sig == k->sig && fault.addr == k->addr &&
	    (k->code < 0 ? fault.code != SI_KERNEL : fault.code == k->code))
		return true;
	snprintf(cpu->why_not, sizeof(cpu->why_not),
		 "%s: expected signal %d code %d address %llx, saw %d, %d, %llx", k->name, k->sig,
		 k->code, k->addr, fault.sig, fault.code, fault.addr);
	return false;
}

/* INC EAX is a prefix in 64-bit code. */
static bool probe_32(struct cpu *cpu)
{
	struct cpu_fault fault;
	struct cpu_state s;

	known_state(&s, CPU_CS32);
	memcpy(cpu->code, "\x40\x90", 2);
	return cpu_step(cpu, &s, &fault) && !fault.sig && s.rip == CPU_CODE + 1 &&
	       s.gpr[0] == 0x41 && s.cs == CPU_CS32;
}

/* Let the child POPF: the one way to set ID, which ptrace can't. */
static bool popf(struct cpu *cpu, u64 want, u64 *rflags)
{
	struct cpu_fault fault;
	struct cpu_state s;

	known_state(&s, CPU_CS64);
	memcpy(cpu->code, "\x9d", 1);
	memcpy(cpu->stack + 512, &want, sizeof(want));
	if (!cpu_step(cpu, &s, &fault))
		return false;
	*rflags = s.rflags;
	return true;
}

static u64 probe_flags(struct cpu *cpu)
{
	struct cpu_fault fault;
	struct cpu_state s;
	u64 rflags, kept;

	if (!popf(cpu, 0x202 | CPU_FLAGS_PROBED, &kept))
		return CPU_FLAGS_PROBED;
	known_state(&s, CPU_CS64);
	s.rflags = kept;
	memcpy(cpu->code, "\x90", 1);
	if (!cpu_step(cpu, &s, &fault) || !popf(cpu, 0x202, &rflags))
		return CPU_FLAGS_PROBED;
	return CPU_FLAGS_PROBED & ~(s.rflags & kept);
}

static bool probe(struct cpu *cpu)
{
	unsigned int i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!check_known(cpu, &known[i]))
			return false;
	cpu->has_32 = probe_32(cpu);
	cpu->lost_flags = probe_flags(cpu);
	return true;
}

bool cpu_start(struct cpu *cpu)
{
	u8 *p;

	strcpy(cpu->why_not, "no child can be single-stepped");
	cpu->fd = memfd_create("emul_cpu", MFD_CLOEXEC);
	if (cpu->fd < 0 || ftruncate(cpu->fd, FILE_SIZE))
		return false;
	p = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
	if (p == MAP_FAILED)
		return false;
	cpu->code = p + FILE_CODE;
	cpu->data = p + FILE_DATA;
	cpu->stack = p + FILE_STACK;
	cpu->constant = p + FILE_CONST;
	if (!spawn(cpu))
		return false;
	if (probe(cpu))
		return true;
	cpu_stop(cpu);
	return false;
}
