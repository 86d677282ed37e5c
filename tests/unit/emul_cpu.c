// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <cpuid.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/rseq.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "emul_cpu.h"

#define OFFSET(type, field, value) _Static_assert(offsetof(type, field) == (value), #field)

OFFSET(struct cpu_control, unmap, CTL_UNMAP);
OFFSET(struct cpu_test, nr_patches, TEST_NR_PATCHES);
OFFSET(struct cpu_test, vec, TEST_VEC);
OFFSET(struct cpu_test, mmx, TEST_MMX);
OFFSET(struct cpu_test, out, TEST_OUT);
OFFSET(struct cpu_out, signal, OUT_SIGNAL);
OFFSET(struct cpu_out, hash, OUT_HASH);
OFFSET(struct cpu_out, vec, OUT_VEC);
OFFSET(struct cpu_out, mmx, OUT_MMX);
_Static_assert(sizeof(struct cpu_test) == CPU_TEST_SIZE, "struct cpu_test");
_Static_assert(sizeof(struct cpu_patch) == PATCH_SIZE, "struct cpu_patch");

#define TASK_END 0x7ffffffff000ul
/* A batch takes a millisecond. */
#define PATIENCE_SECONDS 5

/* emul_cpu_child.S: the code, its size, where in it the handler is. */
extern const u8 emul_cpu_child[];
extern const u32 emul_cpu_child_size, emul_cpu_child_handler;

struct range {
	unsigned long addr, size;
	int prot;
	off_t offset;
};

/* All that the child keeps, by address. */
static const struct range kept[] = {
	{ CPU_CODE, CPU_CODE_SIZE, PROT_READ | PROT_EXEC, CPU_IMAGE_CODE },
	{ CPU_DATA, CPU_DATA_SIZE, PROT_READ | PROT_WRITE, CPU_IMAGE_DATA },
	{ CPU_CONST, CPU_CONST_SIZE, PROT_READ, CPU_IMAGE_CONST },
	{ CPU_STACK, CPU_STACK_SIZE, PROT_READ | PROT_WRITE, CPU_IMAGE_STACK },
	{ CPU_OWN_CODE, CPU_PAGE, PROT_READ | PROT_EXEC, -1 },
	{ CPU_OWN_MEM, CPU_OWN_SIZE, PROT_READ | PROT_WRITE, 0 },
	{ CPU_OWN_FRAME, CPU_PAGE, PROT_READ | PROT_WRITE, -1 },
};

#define NR_KEPT (sizeof(kept) / sizeof(kept[0]))

#define PAGES32(n) .limit = (n), .limit_in_pages = 1, .seg_32bit = 1
#define FLAT32 PAGES32(0xfffff)
#define DOWN .contents = MODIFY_LDT_CONTENTS_STACK
#define CODE .contents = MODIFY_LDT_CONTENTS_CODE

static const struct user_desc ldt[CPU_NR_LDT] = {
	[CPU_LDT_CODE16] = { CODE, .base_addr = CPU_CODE, .limit = 0xffff },
	[CPU_LDT_CODE32] = { CODE, .base_addr = CPU_CODE, .limit = 0xfff, .seg_32bit = 1 },
	[CPU_LDT_DATA16] = { .base_addr = CPU_DATA - 0x800, .limit = 0xffff },
	[CPU_LDT_DATA32] = { .base_addr = CPU_DATA, .limit = 0x17ff, .seg_32bit = 1 },
	[CPU_LDT_WRAP] = { FLAT32, .base_addr = 0xf0000000 },
	[CPU_LDT_RO] = { FLAT32, .base_addr = CPU_DATA, .read_exec_only = 1 },
	[CPU_LDT_DOWN32] = { DOWN, PAGES32(CPU_DATA / CPU_PAGE) },
	[CPU_LDT_DOWN16] = { DOWN, .base_addr = CPU_DATA, .limit = 0xfff },
	[CPU_LDT_STACK16] = { .base_addr = CPU_STACK, .limit = 0xffff },
	[CPU_LDT_EXEC_ONLY] = { CODE, FLAT32, .read_exec_only = 1 },
	[CPU_LDT_FLAT_CODE] = { CODE, FLAT32 },
	[CPU_LDT_ABSENT] = { FLAT32, .seg_not_present = 1 },
	[CPU_LDT_SHORT_CODE16] = { CODE, .base_addr = CPU_CODE, .limit = 0x7ff },
	[CPU_LDT_STACK_DOWN] = { DOWN, PAGES32(CPU_STACK / CPU_PAGE - 1) },
	[CPU_LDT_CONFORMING_ABSENT] = { FLAT32, .contents = 3, .seg_not_present = 1 },
};

/* As Linux makes one: accessed, DPL 3. */
u64 cpu_descriptor(unsigned int nr)
{
	const struct user_desc *d = &ldt[nr];
	u64 type = 0x11 | (d->read_exec_only ? 0 : 2) | d->contents << 2;

	return (d->limit & 0xffff) | (u64)(d->base_addr & 0xffffff) << 16 | type << 40 |
	       3ull << 45 | (u64)!d->seg_not_present << 47 | (u64)(d->limit >> 16) << 48 |
	       (u64)d->seg_32bit << 54 | (u64)d->limit_in_pages << 55 |
	       (u64)(d->base_addr >> 24) << 56;
}

bool cpu_is_amd(void)
{
	unsigned int a, b = 0, c, d;

	__get_cpuid(0, &a, &b, &c, &d);
	return b == 0x68747541 || b == 0x6f677948; /* "Auth", "Hygo" */
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

static void map_kept(int fd)
{
	unsigned int i;
	void *p;

	for (i = 0; i < NR_KEPT; i++) {
		const struct range *k = &kept[i];
		bool shared = k->offset >= 0;

		p = mmap((void *)k->addr, k->size, shared ? k->prot : PROT_READ | PROT_WRITE,
			 MAP_POPULATE | MAP_FIXED_NOREPLACE |
				 (shared ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS),
			 shared ? fd : -1, shared ? k->offset : 0);
		if (p != (void *)k->addr)
			_exit(1);
		if (shared)
			continue;
		if (k->addr == CPU_OWN_CODE)
			memcpy(p, emul_cpu_child, emul_cpu_child_size);
		if (mprotect(p, k->size, k->prot))
			_exit(1);
	}
}

/* The kernel's own call: sanitizers have ideas about signals. */
static void handle_signals(void)
{
	static const int caught[] = { SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGSYS };
	struct {
		unsigned long handler, flags, restorer, mask;
	} act = {
		.handler = CPU_OWN_CODE + emul_cpu_child_handler,
		.flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | 0x04000000 /* SA_RESTORER */,
	};
	stack_t stack = {
		.ss_sp = (void *)(CPU_OWN_MEM + CPU_OWN_STACK),
		.ss_size = CPU_OWN_STACK_SIZE,
	};
	unsigned int i;

	for (i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		if (syscall(SYS_rt_sigaction, caught[i], &act, NULL, 8))
			_exit(1);
	if (syscall(SYS_sigaltstack, &stack, NULL))
		_exit(1);
}

/* System calls come from the child's own code only; any other is SIGSYS. */
static void forbid_syscalls(void)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 6),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, instruction_pointer) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CPU_OWN_CODE >> 32, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, instruction_pointer)),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~(CPU_PAGE - 1u)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (u32)CPU_OWN_CODE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
	};
	struct sock_fprog prog = { .len = sizeof(insns) / sizeof(insns[0]), .filter = insns };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		_exit(1);
}

/* On one CPU: Linux has its number in a descriptor, where LSL finds it. */
static void stay_on(const struct cpu *cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu->number, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		_exit(1);
}

static void child(struct cpu *cpu)
{
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	stay_on(cpu);
	map_kept(cpu->fd);
	for (i = 0; i < CPU_NR_LDT && cpu->has_ldt; i++) {
		struct user_desc d = ldt[i];

		d.entry_number = i;
		if (syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)))
			_exit(1);
	}
	unregister_rseq();
	handle_signals();
	syscall(SYS_close_range, 0, ~0u, 0);
	forbid_syscalls();
	((void (*)(void))CPU_OWN_CODE)();
}

static void futex_wake(struct cpu *cpu)
{
	syscall(SYS_futex, &cpu->control->go, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Return: false if the child didn't finish: it died, or hangs. */
static bool wait_idle(struct cpu *cpu)
{
	struct timespec step = { .tv_nsec = 100000000 };
	unsigned int tries;

	for (tries = 0; tries < PATIENCE_SECONDS * 10; tries++) {
		if (!__atomic_load_n(&cpu->control->go, __ATOMIC_ACQUIRE))
			return true;
		syscall(SYS_futex, &cpu->control->go, FUTEX_WAIT, 1, &step, NULL, 0);
		if (waitpid(cpu->pid, NULL, WNOHANG) == cpu->pid) {
			cpu->pid = 0;
			return false;
		}
	}
	return false;
}

static void set_unmapped(struct cpu_control *control)
{
	unsigned long from = 0;
	unsigned int i, n = 0;

	for (i = 0; i <= NR_KEPT; i++) {
		unsigned long to = i < NR_KEPT ? kept[i].addr : TASK_END;

		if (to > from) {
			control->unmap[n][0] = from;
			control->unmap[n++][1] = to - from;
		}
		if (i < NR_KEPT)
			from = to + ((kept[i].size + CPU_PAGE - 1) & -(unsigned long)CPU_PAGE);
	}
	control->unmap[n][1] = 0;
}

static bool spawn(struct cpu *cpu)
{
	memcpy(cpu->image, cpu->pristine, CPU_IMAGE_SIZE);
	memset(cpu->control, 0, sizeof(*cpu->control));
	set_unmapped(cpu->control);
	cpu->control->go = 1;
	cpu->control->avx = cpu->avx;
	fflush(stdout);
	cpu->pid = fork();
	if (!cpu->pid)
		child(cpu);
	if (cpu->pid < 0)
		return false;
	if (wait_idle(cpu))
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

u64 cpu_hash(const u8 *image, const u8 *pristine)
{
	unsigned int i, block = 256;
	u64 hash = 0, q[2];

	for (i = 0; i < CPU_IMAGE_WRITABLE; i += 16) {
		if (!(i % block) && !memcmp(image + i, pristine + i, block)) {
			i += block - 16;
			continue;
		}
		if (!memcmp(image + i, pristine + i, 16))
			continue;
		memcpy(q, image + i, 16);
		hash = (hash + i + q[0]) * HASH_FACTOR;
		hash = (hash + q[1]) * HASH_FACTOR;
	}
	return hash;
}

unsigned int cpu_run(struct cpu *cpu, unsigned int n)
{
	unsigned int done;

	/* A batch of one before has left its traces. */
	if (cpu->control->count == 1)
		memcpy(cpu->image, cpu->pristine, CPU_IMAGE_SIZE);
	cpu->control->count = n;
	__atomic_store_n(&cpu->control->go, 1, __ATOMIC_RELEASE);
	futex_wake(cpu);
	if (wait_idle(cpu)) {
		if (n == 1)
			cpu->test->out.hash = cpu_hash(cpu->image, cpu->pristine);
		return n;
	}
	done = cpu->control->index;
	cpu->lost++;
	cpu_stop(cpu);
	if (!spawn(cpu)) {
		fprintf(stderr, "emul_cpu: can't start a child again: %s\n", strerror(errno));
		exit(2);
	}
	return done < n ? done : 0;
}

/* An instruction whose result is known, 64-bit code. */
struct known {
	const char *name;
	const char *insn;
	unsigned int len;
	u8 vector;
	u64 error_code, cr2;
};

/* RAX is 0x40 in all of them, RCX not canonical. */
static const struct known known[] = {
	{ "nop", "\x90", 1, 1, 0, 0 },
	{ "ud2", "\x0f\x0b", 2, 6, 0, 0 },
	{ "mov al, [rax]", "\x8a\x00", 2, 14, 4, 0x40 },
	{ "mov al, [rcx]", "\x8a\x01", 2, 13, 0, 0 },
	{ "mov [code], al", "\x88\x04\x25\x00\x00\x00\x10", 7, 14, 7, CPU_CODE },
	{ "hlt", "\xf4", 1, 13, 0, 0 },
	{ "div ah", "\xf6\xf4", 2, 0, 0, 0 },
};

static struct cpu_test *known_test(struct cpu *cpu, u16 cs, u64 rip, const char *insn,
				   unsigned int len)
{
	struct cpu_test *t = cpu->test;

	memset(t, 0, sizeof(*t));
	t->gpr[0] = 0x40;
	t->gpr[1] = 1ull << 63;
	t->gpr[4] = CPU_STACK + 512;
	t->rip = rip;
	t->rflags = 0x302;
	t->cs = cs;
	t->ss = t->ds = t->es = CPU_SS;
	t->nr_patches = 1;
	t->patch[0].offset = CPU_IMAGE_CODE;
	memcpy(t->patch[0].data, insn, len);
	return t;
}

static bool check_known(struct cpu *cpu, const struct known *k)
{
	struct cpu_test *t = known_test(cpu, CPU_CS64, CPU_CODE, k->insn, k->len);

	if (!cpu_run(cpu, 1)) {
		snprintf(cpu->why_not, sizeof(cpu->why_not), "%s ends the child", k->name);
		return false;
	}
	if (t->out.vector == k->vector && t->out.error_code == k->error_code &&
	    (k->vector != 14 || t->out.cr2 == k->cr2) &&
	    t->out.rip == CPU_CODE + (k->vector == 1 ? k->len : 0))
		return true;
	snprintf(cpu->why_not, sizeof(cpu->why_not),
		 "%s: expected exception %u(%llx) at %llx, saw %llu(%llx), %llx", k->name,
		 k->vector, k->error_code, k->cr2, t->out.vector, t->out.error_code, t->out.cr2);
	return false;
}

/* INC EAX is a prefix in 64-bit code. */
static bool probe_segment(struct cpu *cpu, u16 cs, u64 rip, bool code16)
{
	struct cpu_test *t = known_test(cpu, cs, rip, "\x40\x90", 2);
	u64 want = 0x41;

	/* 16-bit code increments AX. */
	t->gpr[0] = code16 ? 0x1ffff : 0x40;
	if (code16)
		want = 0x10000;
	return cpu_run(cpu, 1) && t->out.vector == 1 && t->out.rip == rip + 1 &&
	       t->out.ax == want && t->out.cs == cs;
}

static bool probe(struct cpu *cpu)
{
	unsigned int i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!check_known(cpu, &known[i]))
			return false;
	cpu->has_32 = probe_segment(cpu, CPU_CS32, CPU_CODE, false);
	if (cpu->has_32 && cpu->has_ldt)
		cpu->has_ldt = probe_segment(cpu, CPU_LDT_SELECTOR(CPU_LDT_CODE16), 0, true) &&
			       probe_segment(cpu, CPU_LDT_SELECTOR(CPU_LDT_CODE32), 0, false);
	return true;
}

static bool map_shared(struct cpu *cpu)
{
	u8 *p;

	cpu->fd = memfd_create("emul_cpu", MFD_CLOEXEC);
	if (cpu->fd < 0 || ftruncate(cpu->fd, CPU_OWN_SIZE))
		return false;
	p = mmap(NULL, CPU_OWN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
	if (p == MAP_FAILED)
		return false;
	cpu->image = p + CPU_OWN_IMAGE;
	cpu->pristine = p + CPU_OWN_PRISTINE;
	cpu->control = (struct cpu_control *)(p + CPU_OWN_CONTROL);
	cpu->test = (struct cpu_test *)(p + CPU_OWN_TESTS);
	return true;
}

bool cpu_start(struct cpu *cpu, u64 seed)
{
	unsigned int i;

	memset(cpu, 0, sizeof(*cpu));
	if (!(getauxval(AT_HWCAP2) & 2)) { /* HWCAP2_FSGSBASE */
		strcpy(cpu->why_not, "no WRFSBASE in user mode");
		return false;
	}
	strcpy(cpu->why_not, "no child can be started");
	if (!map_shared(cpu))
		return false;
	for (i = 0; i < CPU_IMAGE_SIZE; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		cpu->pristine[i] = seed >> 56;
	}
	if (getcpu(&cpu->number, &cpu->node) || cpu->number >= CPU_SETSIZE)
		return false;
	__builtin_cpu_init();
	cpu->avx = __builtin_cpu_supports("avx");
	cpu->has_ldt = true;
	if (!spawn(cpu)) {
		cpu->has_ldt = false;
		if (!spawn(cpu))
			return false;
	}
	if (probe(cpu))
		return true;
	cpu_stop(cpu);
	return false;
}
