// SPDX-License-Identifier: GPL-2.0-only
/* What a program does: calls with made-up arguments, and what may happen around them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

/* A call that sleeps is ended after so long. */
#define CALL_US 2000

static struct state machine = { .dev = -1, .eventfd = -1 };
static size_t run_size;
static unsigned int nr_rows;

uint64_t take(struct state *s, unsigned int bytes)
{
	uint64_t val = 0;

	while (bytes--) {
		val = val << 8 | (s->at < s->program->size ? s->program->bytes[s->at] : 0);
		s->at++;
	}
	return val;
}

uint32_t take_below(struct state *s, uint32_t n)
{
	return take(s, n > 256 ? 2 : 1) % n;
}

uint64_t take_interesting(struct state *s)
{
	uint8_t how = take(s, 1);
	uint64_t val;

	switch (how & 7) {
	case 0:
	case 1:
		return how >> 3;
	case 2:
		return 1ull << (how >> 3) << (take(s, 1) & 32);
	case 3:
		return (1ull << (how >> 3) << (take(s, 1) & 32)) - 1;
	case 4:
		return -(uint64_t)(how >> 3);
	case 5:
		val = take(s, 2);
		return val << 12;
	case 6:
		return take(s, 4);
	}
	return take(s, 8);
}

static void add_vm(struct state *s, int fd)
{
	if (s->vms < MAX_VMS)
		s->vm[s->vms++] = fd;
	else
		close(fd);
}

static void add_vcpu(struct state *s, int fd)
{
	struct kvm_run *run;

	if (s->vcpus == MAX_VCPUS) {
		close(fd);
		return;
	}
	run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	s->run[s->vcpus] = run == MAP_FAILED ? NULL : run;
	s->vcpu[s->vcpus++] = fd;
}

static int some_vm(struct state *s)
{
	return s->vms ? s->vm[take_below(s, s->vms)] : -1;
}

static int some_vcpu(struct state *s, struct kvm_run **run)
{
	unsigned int i = s->vcpus ? take_below(s, s->vcpus) : 0;

	*run = s->vcpus ? s->run[i] : NULL;
	return s->vcpus ? s->vcpu[i] : -1;
}

static void tell(const struct state *s, const char *what, const char *name, int fd, int result)
{
	if (!s->trace)
		return;
	printf("%s %s on %d: %d%s%s\n", what, name, fd, result, result < 0 ? ", " : "",
	       result < 0 ? strerrorname_np(errno) : "");
	fflush(stdout);
}

static int timed_ioctl(int fd, unsigned long cmd, uintptr_t arg)
{
	static const struct itimerval on = { { 0, CALL_US }, { 0, CALL_US } };
	static const struct itimerval off;
	int result, error;

	setitimer(ITIMER_REAL, &on, NULL);
	result = ioctl(fd, cmd, arg);
	error = errno;
	setitimer(ITIMER_REAL, &off, NULL);
	errno = error;
	return result;
}

static void do_ioctl(struct state *s, const struct ioctl_row *row)
{
	char kind = row->files[0] ? row->files[take_below(s, strlen(row->files))] : 'c';
	struct kvm_run *run;
	uintptr_t arg;
	int fd, result;

	if (take_below(s, 64) == 0)
		kind = "dvc"[take_below(s, 3)];
	fd = kind == 'd' ? s->dev : kind == 'v' ? some_vm(s) : some_vcpu(s, &run);
	arg = row->kind == ARG_NONE ? take_interesting(s) : make_argument(s, row, fd);
	tell(s, "begin", row->name, fd, 0);
	result = timed_ioctl(fd, row->cmd, arg);
	tell(s, "call", row->name, fd, result);
	if (result <= 2 || !row->makes_fd)
		return;
	if (row->cmd == KVM_CREATE_VM)
		add_vm(s, result);
	else if (row->cmd == KVM_CREATE_VCPU)
		add_vcpu(s, result);
	else
		close(result);
}

static void do_run(struct state *s)
{
	struct kvm_run *run;
	int fd = some_vcpu(s, &run), result;
	unsigned int times = 1 + take_below(s, 4);

	while (times--) {
		result = timed_ioctl(fd, KVM_RUN, 0);
		tell(s, "run", run && result >= 0 ? "exits" : "fails", fd,
		     run && result >= 0 ? (int)run->exit_reason : result);
		if (result < 0)
			break; /* it went on until the signal, or can't run: once is enough */
	}
}

/* A word of the page that the vCPU shares: immediate_exit, data of an exit, dirty registers. */
static void do_shared_page(struct state *s)
{
	static const uint16_t field[] = {
		offsetof(struct kvm_run, request_interrupt_window),
		offsetof(struct kvm_run, immediate_exit),
		offsetof(struct kvm_run, cr8),
		offsetof(struct kvm_run, apic_base),
		offsetof(struct kvm_run, mmio.data),
		offsetof(struct kvm_run, msr.error),
		offsetof(struct kvm_run, msr.data),
		offsetof(struct kvm_run, kvm_valid_regs),
		offsetof(struct kvm_run, kvm_dirty_regs),
		offsetof(struct kvm_run, s),
	};
	struct kvm_run *run;
	uint64_t val;
	unsigned int at;

	some_vcpu(s, &run);
	at = take_below(s, 4) ? field[take_below(s, sizeof(field) / 2)] : take(s, 2) % 0xff8;
	val = take_interesting(s);
	if (run)
		memcpy((uint8_t *)run + at, &val, take_below(s, 2) ? 1 : 8);
}

void poke(unsigned int at, const void *bytes, size_t n)
{
	struct iovec from = { (void *)bytes, n }, to = { arena + at, n };

	process_vm_writev(getpid(), &from, 1, &to, 1, 0);
}

/* Guest code: instructions that exit, and what leads to faults. */
static void do_code(struct state *s)
{
	static const struct {
		uint8_t n, bytes[10];
	} insn[] = {
		{ 1, { 0xf4 } }, /* hlt */
		{ 2, { 0x0f, 0xa2 } }, /* cpuid */
		{ 2, { 0x0f, 0x30 } }, /* wrmsr */
		{ 2, { 0x0f, 0x32 } }, /* rdmsr */
		{ 3, { 0x0f, 0x01, 0xc1 } }, /* vmcall */
		{ 3, { 0x0f, 0x01, 0xd9 } }, /* vmmcall */
		{ 3, { 0x0f, 0x01, 0xd1 } }, /* xsetbv */
		{ 2, { 0xe6, 0x20 } }, /* out 0x20, al */
		{ 2, { 0xe4, 0x61 } }, /* in al, 0x61 */
		{ 1, { 0xec } }, /* in al, dx */
		{ 1, { 0xef } }, /* out dx, eax */
		{ 2, { 0xf3, 0x6e } }, /* rep outsb */
		{ 2, { 0xf3, 0x6c } }, /* rep insb */
		{ 2, { 0xf3, 0xa4 } }, /* rep movsb */
		{ 2, { 0x89, 0x03 } }, /* mov [bx or rbx], eax */
		{ 2, { 0x8b, 0x07 } }, /* mov eax, [bx or rdi] */
		{ 3, { 0xf0, 0x01, 0x07 } }, /* lock add */
		{ 3, { 0x0f, 0x22, 0xc0 } }, /* mov cr0, rax */
		{ 3, { 0x0f, 0x22, 0xd8 } }, /* mov cr3, rax */
		{ 3, { 0x0f, 0x22, 0xe0 } }, /* mov cr4, rax */
		{ 3, { 0x0f, 0x23, 0xf8 } }, /* mov dr7, rax */
		{ 1, { 0xfb } }, /* sti */
		{ 1, { 0xcf } }, /* iret */
		{ 2, { 0xcd, 0x20 } }, /* int 0x20 */
		{ 2, { 0x0f, 0x0b } }, /* ud2 */
		{ 1, { 0xf1 } }, /* int1 */
		{ 3, { 0x0f, 0x01, 0x1f } }, /* lidt */
		{ 2, { 0x8e, 0xd0 } }, /* mov ss, ax */
		{ 2, { 0x0f, 0x09 } }, /* wbinvd */
		{ 3, { 0x0f, 0x01, 0x3b } }, /* invlpg */
		{ 2, { 0xd9, 0xe8 } }, /* fld1 */
		{ 2, { 0xeb, 0xfe } }, /* jmp . */
	};
	/* Where the reset vector, a SIPI, and registers of make_argument()'s point to. */
	static const unsigned int place[] = { 0x1fff0, 0x1000, 0x0, 0x7c00 };
	unsigned int at = take(s, 3) % (ARENA_SIZE - 64), n = 1 + take_below(s, 5), i, k;
	uint8_t byte;

	if (take_below(s, 4))
		at = place[take_below(s, 4)];
	for (k = 0; k < n; k++) {
		i = take_below(s, 48);
		if (i < sizeof(insn) / sizeof(insn[0])) {
			poke(at, insn[i].bytes, insn[i].n);
			at += insn[i].n;
		} else {
			byte = take(s, 1);
			poke(at++, &byte, 1);
		}
	}
}

/* What userspace may do to the memory behind a slot. */
static void do_memory(struct state *s)
{
	size_t at = take_below(s, 256) * 4096ul, n = (1 + take_below(s, 16)) * 4096ul;
	uint8_t *p = arena + at % ARENA_SIZE, fill[64];

	if (at % ARENA_SIZE + n > ARENA_SIZE)
		n = 4096;
	switch (take_below(s, 6)) {
	case 0:
		madvise(p, n, MADV_DONTNEED);
		break;
	case 1:
		mprotect(p, n, take_below(s, 2) ? PROT_READ : PROT_NONE);
		break;
	case 2:
		mprotect(p, n, PROT_READ | PROT_WRITE);
		break;
	case 3:
		munmap(p, n);
		break;
	case 4:
		mmap(p, n, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		break;
	case 5:
		memset(fill, take(s, 1), sizeof(fill));
		poke(p - arena, fill, sizeof(fill));
		break;
	}
}

static void do_close(struct state *s)
{
	unsigned int i;

	if (take_below(s, 2) && s->vcpus) {
		i = take_below(s, s->vcpus);
		close(s->vcpu[i]);
		if (s->run[i] && take_below(s, 2)) {
			munmap(s->run[i], run_size);
			s->run[i] = NULL;
		}
		s->vcpu[i] = -1;
	} else if (s->vms) {
		i = take_below(s, s->vms);
		close(s->vm[i]);
		s->vm[i] = -1;
	}
}

static void do_event(struct state *s)
{
	uint64_t one = 1;

	if (write(s->eventfd, &one, sizeof(one)) < 0)
		tell(s, "eventfd", "write", s->eventfd, -1);
}

/* --- a second thread, which runs a vCPU all the time ----------------------------------------- */

static struct {
	pthread_t thread;
	bool on;
	int fd;
	bool stop;
} runner;

/*
 * A timer of its own ends its calls, as the main thread's are ended: it holds the vCPU's lock, and
 * the main thread's wait for that doesn't end by a signal.
 */
static void *runner_main(void *unused)
{
	static const struct itimerspec on = { { 0, CALL_US * 1000 }, { 0, CALL_US * 1000 } };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM };
	timer_t timer;

	(void)unused;
	event._sigev_un._tid = gettid();
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &on, NULL))
		die("a timer for the second thread");
	while (!__atomic_load_n(&runner.stop, __ATOMIC_ACQUIRE)) {
		/* One that exits at once, or fails, would leave little for the others. */
		if (ioctl(runner.fd, KVM_RUN, 0) >= 0 || errno != EINTR)
			usleep(100);
	}
	timer_delete(timer);
	return NULL;
}

static void do_runner(struct state *s)
{
	struct kvm_run *run;
	int fd = some_vcpu(s, &run);

	if (runner.on || fd < 0)
		return;
	runner.fd = fd;
	runner.stop = false;
	runner.on = !pthread_create(&runner.thread, NULL, runner_main, NULL);
	tell(s, "thread", "runs", fd, 0);
}

static void stop_runner(void)
{
	struct timespec wait;

	if (!runner.on)
		return;
	__atomic_store_n(&runner.stop, true, __ATOMIC_RELEASE);
	do {
		pthread_kill(runner.thread, SIGALRM);
		clock_gettime(CLOCK_REALTIME, &wait);
		wait.tv_nsec += 1000000;
		if (wait.tv_nsec >= 1000000000) {
			wait.tv_nsec -= 1000000000;
			wait.tv_sec++;
		}
	} while (pthread_timedjoin_np(runner.thread, NULL, &wait));
	runner.on = false;
}

/* --- a whole program ------------------------------------------------------------------------- */

static void fixed_call(struct state *s, const char *name, int fd, unsigned long cmd, void *arg)
{
	tell(s, "set-up", name, fd, ioctl(fd, cmd, arg));
}

/* A machine to begin with: bare, or with memory and any of the interrupt controllers. */
static void set_up(struct state *s)
{
	struct kvm_userspace_memory_region region[2] = {
		{ .slot = 0, .memory_size = 0x80000, .userspace_addr = (uintptr_t)arena },
		{ .slot = 1,
		  .guest_phys_addr = 0xffff0000,
		  .memory_size = 0x10000,
		  .userspace_addr = (uintptr_t)arena + 0x10000 },
	};
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };
	struct kvm_pit_config pit = { 0 };
	uint8_t how = take(s, 1);
	unsigned int i;
	int fd;

	fd = ioctl(s->dev, KVM_CREATE_VM, 0);
	if (fd < 0)
		return;
	add_vm(s, fd);
	if ((how & 3) == 1 || (how & 3) == 2)
		fixed_call(s, "KVM_CREATE_IRQCHIP", fd, KVM_CREATE_IRQCHIP, NULL);
	if ((how & 3) == 2)
		fixed_call(s, "KVM_CREATE_PIT2", fd, KVM_CREATE_PIT2, &pit);
	if ((how & 3) == 3)
		fixed_call(s, "KVM_ENABLE_CAP", fd, KVM_ENABLE_CAP, &split);
	for (i = 0; i < 2 && how & 4; i++)
		fixed_call(s, "KVM_SET_USER_MEMORY_REGION", fd, KVM_SET_USER_MEMORY_REGION,
			   &region[i]);
	for (i = 0; i < (how >> 3 & 3); i++) {
		fd = ioctl(s->vm[0], KVM_CREATE_VCPU, (unsigned long)i);
		if (fd >= 0)
			add_vcpu(s, fd);
	}
}

static void step(struct state *s)
{
	unsigned int what = take_below(s, 32);

	switch (what) {
	case 0 ... 5:
		do_run(s);
		break;
	case 6:
	case 7:
		do_shared_page(s);
		break;
	case 8:
	case 9:
		do_code(s);
		break;
	case 10:
		do_memory(s);
		break;
	case 11:
		if (!take_below(s, 4))
			do_close(s);
		break;
	case 12:
		do_event(s);
		break;
	case 13:
		do_runner(s);
		break;
	default:
		do_ioctl(s, &ioctl_rows[take_below(s, nr_rows)]);
	}
}

/* The first byte says so: one in 32 by chance. */
bool program_begins(const struct program *p)
{
	return !machine.programs || machine.programs >= CHAIN || p->bytes[0] < 8;
}

void program_end(void)
{
	struct state *s = &machine;
	unsigned int i;

	for (i = 0; i < s->vcpus; i++) {
		if (s->run[i])
			munmap(s->run[i], run_size);
		if (s->vcpu[i] >= 0)
			close(s->vcpu[i]);
	}
	for (i = 0; i < s->vms; i++)
		if (s->vm[i] >= 0)
			close(s->vm[i]);
	if (s->eventfd >= 0)
		close(s->eventfd);
	*s = (struct state){ .dev = s->dev, .eventfd = -1 };
	arena_reset();
}

unsigned int program_run(const struct program *p, bool trace)
{
	struct state *s = &machine;
	bool begins = program_begins(p);
	unsigned int steps = 0;

	if (begins)
		program_end();
	s->program = p;
	s->at = 1;
	s->trace = trace;
	if (begins) {
		s->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		set_up(s);
	}
	s->programs++;
	for (; s->at < p->size; steps++)
		step(s);
	stop_runner();
	return steps;
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* In each worker. */
void program_init(void)
{
	struct sigaction alarm = { .sa_handler = on_alarm };

	machine.dev = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (machine.dev < 0)
		die("/dev/kvm");
	run_size = ioctl(machine.dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	sigaction(SIGALRM, &alarm, NULL);
	while (ioctl_rows[nr_rows].name)
		nr_rows++;
	args_init(machine.dev);
	arena_reset();
}
