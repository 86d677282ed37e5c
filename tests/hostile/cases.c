// SPDX-License-Identifier: GPL-2.0-only
/* What is done to each ioctl. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.h"

#define ARENA 0x20000
#define KERNEL_ADDRESS 0xffff888000001000ul
#define NOT_CANONICAL 0x8000000000000000ul
#define THREAD_CALLS 40

/* Memory for arguments, with nothing behind it. */
static uint8_t *arena(void)
{
	static uint8_t *memory;

	if (!memory) {
		memory = mmap(NULL, ARENA + 0x10000, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
			die("mmap");
	}
	if (mprotect(memory, ARENA, PROT_READ | PROT_WRITE))
		die("mprotect");
	memset(memory, 0, ARENA);
	return memory;
}

static bool belongs(const struct ioctl_row *row, char file)
{
	return strchr(row->files, file);
}

/*
 * What the driver let in must not bring it down later: read all state, run the guest for a moment.
 * The results are nobody's business.
 */
static void shake(const struct machine *m)
{
	static const struct ioctl_row run = { "KVM_RUN", KVM_RUN, "c", ARG_NONE };
	static const unsigned long getters[] = {
		KVM_GET_REGS,	  KVM_GET_SREGS,       KVM_GET_FPU,
		KVM_GET_XSAVE,	  KVM_GET_XCRS,	       KVM_GET_DEBUGREGS,
		KVM_GET_MP_STATE, KVM_GET_VCPU_EVENTS, KVM_GET_LAPIC,
	};
	static uint8_t buffer[0x10000];

	m->run->immediate_exit = 0;
	call(&run, m->vcpu, 0);
	for (size_t i = 0; i < sizeof(getters) / sizeof(getters[0]); i++)
		ioctl(m->vcpu, getters[i], buffer);
	call(&run, m->vcpu, 0);
}

/* Arguments that can't be read or written: one machine serves for all. */
static void bad_pointers(const struct ioctl_row *row, char file, bool full)
{
	const char *env = full ? "full" : "bare";
	size_t size = _IOC_SIZE(row->cmd);
	uint8_t *memory = arena();
	struct machine m;
	int fd;

	machine_make(&m, full);
	fd = machine_file(&m, file);
	report(row, file, env, "null", call(row, fd, 0));
	report(row, file, env, "kernel", call(row, fd, KERNEL_ADDRESS));
	report(row, file, env, "not canonical", call(row, fd, NOT_CANONICAL));
	report(row, file, env, "unmapped", call(row, fd, (uintptr_t)memory + ARENA));
	if (size)
		report(row, file, env, "cut", call(row, fd, (uintptr_t)memory + ARENA - size + 1));
	machine_end(&m);
}

enum content { ZEROS, ONES, A5, HUGE_COUNT, ODD, READ_ONLY, CONTENTS };

static const char *const content_name[] = {
	"zeros", "ones", "a5", "huge count", "unaligned", "read-only",
};

static void bad_content(const struct ioctl_row *row, char file, bool full, enum content content)
{
	size_t size = _IOC_SIZE(row->cmd) + row->room;
	uint8_t *memory = arena(), *arg = memory;
	struct machine m;
	int error;

	/* As much as the format may take, and not a byte more. */
	if (size < ARENA - 16)
		arg = memory + ((ARENA - size - 8) & ~7ul);
	switch (content) {
	case ONES:
		memset(memory, 0xff, ARENA);
		break;
	case A5:
		memset(memory, 0xa5, ARENA);
		break;
	case HUGE_COUNT:
		memset(arg, 0xff, 4);
		break;
	case ODD:
		arg++;
		break;
	case READ_ONLY:
		mprotect(memory, ARENA, PROT_READ);
		break;
	default:
		break;
	}
	machine_make(&m, full);
	error = call(row, machine_file(&m, file), (uintptr_t)arg);
	report(row, file, full ? "full" : "bare", content_name[content], error);
	if (!error && file != 'd')
		shake(&m);
	machine_end(&m);
}

static void bad_numbers(const struct ioctl_row *row, char file, bool full)
{
	static const struct {
		const char *name;
		uintptr_t value;
	} number[] = {
		{ "0", 0 },
		{ "1", 1 },
		{ "0x1001", 0x1001 },
		{ "INT_MAX", 0x7fffffff },
		{ "UINT_MAX", 0xffffffff },
		{ "1<<32", 1ul << 32 },
		{ "kernel", KERNEL_ADDRESS },
		{ "1<<63", 1ul << 63 },
		{ "ULONG_MAX", ~0ul },
	};
	struct machine m;
	int error;

	for (size_t i = 0; i < sizeof(number) / sizeof(number[0]); i++) {
		machine_make(&m, full);
		error = call(row, machine_file(&m, file), number[i].value);
		report(row, file, full ? "full" : "bare", number[i].name, error);
		if (!error && file != 'd' && row->cmd != KVM_RUN)
			shake(&m);
		machine_end(&m);
	}
}

static void wrong_file(const struct ioctl_row *row, char file)
{
	struct machine m;

	machine_make(&m, false);
	report(row, file, "wrong file", "zeros",
	       call(row, machine_file(&m, file), (uintptr_t)arena()));
	machine_end(&m);
}

void run_arguments(const struct ioctl_row *row)
{
	for (const char *file = "dvc"; *file; file++) {
		if (!belongs(row, *file)) {
			wrong_file(row, *file);
			continue;
		}
		for (int full = 0; full < 2; full++) {
			if (row->kind == ARG_NONE) {
				bad_numbers(row, *file, full);
				continue;
			}
			bad_pointers(row, *file, full);
			for (enum content c = ZEROS; c < CONTENTS; c++)
				bad_content(row, *file, full, c);
		}
	}
}

/* --- callers that are not the VM's process --------------------------------------------------- */

static void all_files(const struct ioctl_row *row, const struct machine *m, const char *env)
{
	for (const char *file = "vc"; *file; file++)
		if (belongs(row, *file))
			report(row, *file, env, "zeros",
			       call(row, machine_file(m, *file), (uintptr_t)arena()));
}

static void send_files(int sock, const struct machine *m)
{
	char control[CMSG_SPACE(2 * sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(cmsg), (int[]){ m->vm, m->vcpu }, 2 * sizeof(int));
	if (sendmsg(sock, &msg, 0) != 1)
		die("sendmsg");
}

static void receive_files(int sock, struct machine *m)
{
	char control[CMSG_SPACE(2 * sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fds[2];

	if (recvmsg(sock, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		die("recvmsg");
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fds));
	m->vm = fds[0];
	m->vcpu = fds[1];
}

/* The VM belongs to the parent, and to a process that is gone. */
void run_foreign(const struct ioctl_row *row)
{
	struct machine m, orphan = { .dev = -1 };
	int pair[2];
	pid_t pid;

	machine_make(&m, true);
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		all_files(row, &m, "another process");
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	machine_end(&m);

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		die("socketpair");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		machine_make(&m, true);
		send_files(pair[0], &m);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	receive_files(pair[1], &orphan);
	all_files(row, &orphan, "its process is gone");
	close(orphan.vm);
	close(orphan.vcpu);
	close(pair[0]);
	close(pair[1]);
}

/* --- from two threads at once, as the vCPU runs ----------------------------------------------- */

struct hammer {
	const struct ioctl_row *row;
	struct machine *m;
	char file;
	uint8_t fill;
	pthread_barrier_t *start;
	volatile bool *stop;
};

static void *hammer(void *opaque)
{
	const struct hammer *h = opaque;
	uint8_t *buffer = calloc(1, ARENA);
	int fd = machine_file(h->m, h->file), r;

	if (!buffer)
		die("calloc");
	pthread_barrier_wait(h->start);
	for (unsigned int i = 0; i < THREAD_CALLS; i++) {
		memset(buffer, h->fill, ARENA);
		r = ioctl(fd, h->row->cmd,
			  h->row->kind == ARG_NONE ? (uintptr_t)i : (uintptr_t)buffer);
		if (r > 2 && h->row->makes_fd)
			close(r);
	}
	free(buffer);
	return NULL;
}

static void *runner(void *opaque)
{
	const struct hammer *h = opaque;

	pthread_barrier_wait(h->start);
	while (!*h->stop) {
		h->m->run->immediate_exit = 0;
		ioctl(h->m->vcpu, KVM_RUN, 0);
	}
	return NULL;
}

/* The runner sleeps in the guest, holding the vCPU: stir it until a thread has ended. */
static void join_stirring(pthread_t thread, pthread_t runner, struct kvm_run *run)
{
	while (pthread_tryjoin_np(thread, NULL)) {
		run->immediate_exit = 1;
		pthread_kill(runner, SIGALRM);
		usleep(200);
	}
}

void run_threads(const struct ioctl_row *row)
{
	for (const char *file = "vc"; *file; file++) {
		pthread_barrier_t start;
		volatile bool stop = false;
		pthread_t thread[3];
		struct machine m;
		struct hammer h[2] = {
			{ row, &m, *file, 0, &start, &stop },
			{ row, &m, *file, 0xff, &start, &stop },
		};

		/* Only the runner can be told to leave KVM_RUN. */
		if (!belongs(row, *file) || row->cmd == KVM_RUN)
			continue;
		machine_make(&m, true);
		pthread_barrier_init(&start, NULL, 3);
		if (pthread_create(&thread[0], NULL, hammer, &h[0]) ||
		    pthread_create(&thread[1], NULL, hammer, &h[1]) ||
		    pthread_create(&thread[2], NULL, runner, &h[0]))
			die("pthread_create");
		join_stirring(thread[0], thread[2], m.run);
		join_stirring(thread[1], thread[2], m.run);
		stop = true;
		join_stirring(thread[2], thread[2], m.run);
		pthread_barrier_destroy(&start);
		machine_end(&m);
		printf("%c\tthreads\t%s\ttwo beside KVM_RUN\tended\n", *file, row->name);
	}
}

/* --- out of order ---------------------------------------------------------------------------- */

static void order(const char *what, int result)
{
	printf("-\torder\t%s\t\t%s\n", what, result < 0 ? strerrorname_np(errno) : "ok");
}

/* A log that isn't there, is going, or whose bitmap is no memory. */
static void log_orders(struct machine *m)
{
	struct kvm_userspace_memory_region region = { .slot = 1, .memory_size = 0x50000 };
	struct kvm_clear_dirty_log clear = { .slot = 1, .num_pages = 64 };
	struct kvm_dirty_log log = { .slot = 1 };
	uint8_t *memory = arena();

	region.userspace_addr = (uintptr_t)memory;
	log.dirty_bitmap = memory;
	clear.dirty_bitmap = memory;
	order("the log of no slot", ioctl(m->vm, KVM_GET_DIRTY_LOG, &log));
	order("a slot", ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &region));
	order("its log", ioctl(m->vm, KVM_GET_DIRTY_LOG, &log));
	region.flags = KVM_MEM_LOG_DIRTY_PAGES;
	order("logged", ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &region));
	order("its log, into its own memory", ioctl(m->vm, KVM_GET_DIRTY_LOG, &log));
	order("cleared", ioctl(m->vm, KVM_CLEAR_DIRTY_LOG, &clear));
	clear.first_page = ~63ull;
	order("cleared, wrapping", ioctl(m->vm, KVM_CLEAR_DIRTY_LOG, &clear));
	clear.num_pages = ~63u;
	order("cleared, wrapping far", ioctl(m->vm, KVM_CLEAR_DIRTY_LOG, &clear));
	clear.first_page = 0;
	order("cleared beyond its end", ioctl(m->vm, KVM_CLEAR_DIRTY_LOG, &clear));
	log.dirty_bitmap = memory + ARENA - 8;
	order("its log, cut", ioctl(m->vm, KVM_GET_DIRTY_LOG, &log));
	log.dirty_bitmap = (void *)KERNEL_ADDRESS;
	order("its log, into the kernel", ioctl(m->vm, KVM_GET_DIRTY_LOG, &log));
	region.memory_size = 0;
	order("deleted", ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &region));
	order("its log, too late", ioctl(m->vm, KVM_GET_DIRTY_LOG, &log));
}

/* Calls that come too early, too late or twice. */
void run_orders(void)
{
	struct kvm_userspace_memory_region region = { .slot = 1, .memory_size = 0x4000 };
	struct kvm_pit_config pit = { 0 };
	uint64_t address = 0xfffbc000;
	struct machine m;
	int vm, fd;

	machine_make(&m, false);
	order("KVM_CREATE_IRQCHIP after a vCPU", ioctl(m.vm, KVM_CREATE_IRQCHIP, 0));
	order("KVM_CREATE_PIT2 without interrupt controllers", ioctl(m.vm, KVM_CREATE_PIT2, &pit));
	order("KVM_CREATE_VCPU twice", ioctl(m.vm, KVM_CREATE_VCPU, 0));
	order("KVM_SET_BOOT_CPU_ID after a vCPU", ioctl(m.vm, KVM_SET_BOOT_CPU_ID, 1));
	order("KVM_SET_IDENTITY_MAP_ADDR after a vCPU",
	      ioctl(m.vm, KVM_SET_IDENTITY_MAP_ADDR, &address));
	region.userspace_addr = (uintptr_t)arena();
	order("a slot", ioctl(m.vm, KVM_SET_USER_MEMORY_REGION, &region));
	region.slot = 2;
	order("an overlapping one", ioctl(m.vm, KVM_SET_USER_MEMORY_REGION, &region));
	region.slot = 1;
	region.memory_size = 0x2000;
	order("another size", ioctl(m.vm, KVM_SET_USER_MEMORY_REGION, &region));
	region.memory_size = 0x4000;
	region.userspace_addr += 0x1000;
	order("another address of its memory", ioctl(m.vm, KVM_SET_USER_MEMORY_REGION, &region));
	region.userspace_addr -= 0x1000;
	region.flags = KVM_MEM_READONLY;
	order("read-only afterwards", ioctl(m.vm, KVM_SET_USER_MEMORY_REGION, &region));
	region.flags = 0;
	region.guest_phys_addr = 0x100000;
	order("moved", ioctl(m.vm, KVM_SET_USER_MEMORY_REGION, &region));
	region.memory_size = 0;
	order("deleted", ioctl(m.vm, KVM_SET_USER_MEMORY_REGION, &region));
	order("deleted twice", ioctl(m.vm, KVM_SET_USER_MEMORY_REGION, &region));
	log_orders(&m);
	machine_end(&m);

	machine_make(&m, true);
	order("KVM_CREATE_IRQCHIP twice", ioctl(m.vm, KVM_CREATE_IRQCHIP, 0));
	order("KVM_CREATE_PIT2 twice", ioctl(m.vm, KVM_CREATE_PIT2, &pit));
	order("write() to a VM", write(m.vm, &pit, 4));
	order("read() from a vCPU", read(m.vcpu, &pit, 4));
	order("lseek() of /dev/kvm", lseek(m.dev, 1, SEEK_SET));
	order("ftruncate() of a VM", ftruncate(m.vm, 0));
	order("mmap() of a VM",
	      mmap(NULL, 4096, PROT_READ, MAP_SHARED, m.vm, 0) == MAP_FAILED ? -1 : 0);
	order("mmap() of /dev/kvm",
	      mmap(NULL, 4096, PROT_READ, MAP_SHARED, m.dev, 0) == MAP_FAILED ? -1 : 0);
	order("an executable mmap() of a vCPU",
	      mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, m.vcpu, 0) == MAP_FAILED ? -1 :
											     0);
	order("fcntl(F_SETLK) of a VM", fcntl(m.vm, F_SETLK, &(struct flock){ .l_type = F_WRLCK }));

	/* The vCPU holds the VM; the VM's descriptor may go first. */
	vm = m.vm;
	m.vm = -1;
	close(vm);
	m.run->immediate_exit = 1;
	order("KVM_RUN after the VM's descriptor was closed", ioctl(m.vcpu, KVM_RUN, 0));
	fd = dup(m.vcpu);
	machine_end(&m);
	order("KVM_GET_MP_STATE through a duplicate", ioctl(fd, KVM_GET_MP_STATE, arena()));
	close(fd);
}
