// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_STATS_FD, and the same numbers in debugfs.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "row.h"
#include "stats.h"
#include "vm.h"

#define DEBUGFS "/sys/kernel/debug/kvm"
/* Only our driver has it, and counts exits by reason. */
#define EXIT_TIMES "/sys/module/kvm/parameters/exit_times"

/* Blocks that follow each other, rows that describe all of the data and overlap nowhere. */
static void check_layout(struct stats *s, const char *id)
{
	size_t row = sizeof(struct kvm_stats_desc) + s->header.name_size, sum = 0, end;
	const struct kvm_stats_header *h = &s->header;
	unsigned int i, k;

	expect_eq("flags", h->flags, 0);
	expect_eq("name_size", h->name_size, 48);
	expect_true(h->id_offset >= sizeof(*h) && h->desc_offset >= h->id_offset + h->name_size &&
			    h->data_offset >= h->desc_offset + h->num_desc * row,
		    "expected header, id, descriptors, data, saw them at %u, %u, %u", h->id_offset,
		    h->desc_offset, h->data_offset);
	expect_true(!strcmp(s->image + h->id_offset, id), "id: expected %s, saw %.48s", id,
		    s->image + h->id_offset);
	for (i = 0; i < h->num_desc; i++) {
		const struct kvm_stats_desc *d = stats_desc(s, i);
		uint32_t type = d->flags & KVM_STATS_TYPE_MASK;

		expect_true(strnlen(d->name, 48) < 48 && d->name[0], "row %u: a name", i);
		expect_true(d->size == (type == KVM_STATS_TYPE_LOG_HIST ? 32 : 1),
			    "%s: %u words of type %u", d->name, d->size, type);
		expect_true(type <= KVM_STATS_TYPE_MAX && !d->bucket_size, "%s: flags 0x%x",
			    d->name, d->flags);
		for (k = 0; k < i; k++)
			expect_true(strcmp(d->name, stats_desc(s, k)->name) &&
					    d->offset != stats_desc(s, k)->offset,
				    "%s: a name and a place of its own", d->name);
		sum += d->size * 8;
		end = h->data_offset + d->offset + d->size * 8;
		expect_true(end <= s->size, "%s: ends at %zu of %zu", d->name, end, s->size);
	}
	expect_eq("bytes of data", s->size - h->data_offset, sum);
}

static void layout(const void *arg)
{
	struct vm *vm = vm_new();
	struct vcpu *vcpu = vm_add_vcpu(vm, 3);
	struct stats of_vm = stats_open(vm->fd), of_vcpu = stats_open(vcpu->fd);
	char id[48];

	(void)arg;
	expect_eq("KVM_CAP_BINARY_STATS_FD", kvm_cap(vm->kvm, KVM_CAP_BINARY_STATS_FD), 1);
	snprintf(id, sizeof(id), "kvm-%d", getpid());
	check_layout(&of_vm, id);
	snprintf(id, sizeof(id), "kvm-%d/vcpu-3", getpid());
	check_layout(&of_vcpu, id);
}

/* Any piece at any offset is what a read of the whole has there. */
static void offsets(const void *arg)
{
	struct stats s = stats_open(vm_add_vcpu(vm_new(), 0)->fd);
	char piece[512];
	size_t at, n;

	(void)arg;
	for (at = 0; at < s.size + 3; at += 13) {
		size_t left = at < s.size ? s.size - at : 0;

		for (n = 1; n <= sizeof(piece); n = n * 3 + 1) {
			size_t want = n < left ? n : left;
			ssize_t got = pread(s.fd, piece, n, at);

			if (got != (ssize_t)want || memcmp(piece, s.image + at, want)) {
				row_fail("%zu bytes at %zu: expected %zu as in the whole, saw %zd",
					 n, at, want, got);
				return;
			}
		}
	}
	for (at = 0; (n = read(s.fd, piece, 100)) > 0; at += n)
		if (memcmp(piece, s.image + at, n))
			row_fail("read(2) at %zu: expected the same as in the whole", at);
	expect_eq("read(2) to the end", at, s.size);
}

static void bad_calls(const void *arg)
{
	struct vm *vm = vm_new();
	struct stats s = stats_open(vm->fd);
	void *volatile nowhere = (void *)8;

	(void)arg;
	expect_errno("KVM_GET_STATS_FD on /dev/kvm", ioctl(vm->kvm, KVM_GET_STATS_FD, 0), EINVAL);
	expect_errno("write", write(s.fd, "x", 1), EBADF);
	expect_errno("read to nowhere", pread(s.fd, nowhere, 100, 0), EFAULT);
	expect_errno("a negative offset", pread(s.fd, s.image, 8, -8), EINVAL);
	expect_eq("far behind the end", pread(s.fd, s.image, 8, INT64_MAX - 8), 0);
	expect_eq("nothing", pread(s.fd, s.image, 0, 0), 0);
	expect_errno("ioctl", ioctl(s.fd, KVM_GET_STATS_FD, 0), ENOTTY);
	expect_true(fcntl(s.fd, F_GETFD) & FD_CLOEXEC, "expected close-on-exec");
}

/* 16-bit code: CPUID, OUT to a port that nobody has, HLT. */
static const uint8_t code[] = {
	0x31, 0xc0, /* xor ax, ax */
	0x0f, 0xa2, /* cpuid */
	0x0f, 0xa2, 0x0f, 0xa2, 0xb0, 0x55, /* cpuid; cpuid; mov al, 0x55 */
	0xe6, 0x99, /* out 0x99, al */
	0xf4, /* hlt */
};

static struct vcpu *running_vm(struct vm **out)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);

	memcpy(vm_ptr(vm, 0x1000, sizeof(code)), code, sizeof(code));
	vcpu_set_mode(vcpu, MODE_REAL, 0x1000, 0x8000);
	*out = vm;
	return vcpu;
}

/* What a guest did is what is counted. */
static void counts(const void *arg)
{
	struct vm *vm;
	struct vcpu *vcpu = running_vm(&vm);
	struct stats s = stats_open(vcpu->fd), of_vm = stats_open(vm->fd);

	(void)arg;
	expect_eq("exits before", stats_get(&s, "exits"), 0);
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	vcpu_run_until(vcpu, KVM_EXIT_HLT);
	stats_read(&s);
	stats_read(&of_vm);
	expect_eq("io_exits", stats_get(&s, "io_exits"), 1);
	expect_eq("halt_exits", stats_get(&s, "halt_exits"), 1);
	expect_true(stats_get(&s, "exits") >= 6, "exits: expected 6 and more, saw %" PRIu64,
		    stats_get(&s, "exits"));
	expect_true(stats_get(&s, "pf_taken") > 0 && stats_get(&s, "pf_fixed") > 0,
		    "expected nested page faults, saw %" PRIu64 ", fixed %" PRIu64,
		    stats_get(&s, "pf_taken"), stats_get(&s, "pf_fixed"));
	expect_true(stats_get(&of_vm, "pages_4k") + stats_get(&of_vm, "pages_2m") > 0,
		    "expected mapped pages, saw none");
	/* And gone with the memory. */
	expect_ok("munmap of a slot's memory", vm_set_slot(vm, 0, 0, 0, NULL, 0));
	stats_read(&of_vm);
	expect_eq("pages_4k without memory", stats_get(&of_vm, "pages_4k"), 0);
	expect_eq("pages_2m without memory", stats_get(&of_vm, "pages_2m"), 0);
}

/* Each exit is in one class. */
static void reasons(const void *arg)
{
	struct vm *vm;
	struct vcpu *vcpu = running_vm(&vm);
	struct stats s = stats_open(vcpu->fd);
	uint64_t sum = 0;
	unsigned int i;

	(void)arg;
	if (access(EXIT_TIMES, F_OK))
		row_skip("this driver doesn't count exits by reason");
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	vcpu_run_until(vcpu, KVM_EXIT_HLT);
	stats_read(&s);
	expect_eq("exit_reason_cpuid", stats_get(&s, "exit_reason_cpuid"), 3);
	expect_eq("exit_reason_io", stats_get(&s, "exit_reason_io"), 1);
	expect_eq("exit_reason_hlt", stats_get(&s, "exit_reason_hlt"), 1);
	expect_eq("exit_reason_other", stats_get(&s, "exit_reason_other"), 0);
	for (i = 0; i < s.header.num_desc; i++)
		if (!strncmp(stats_desc(&s, i)->name, "exit_reason_", 12))
			sum += stats_get(&s, stats_desc(&s, i)->name);
	expect_eq("all classes together", sum, stats_get(&s, "exits"));
}

struct nmis {
	struct vm *vm;
	pthread_t runner;
};

/* Five NMIs 20 ms apart, then a signal for the vCPU's thread. */
static void *send_nmis(void *arg)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 4 << 8 };
	struct nmis *n = arg;
	int i;

	for (i = 0; i < 20; i++) {
		nanosleep(&pause, NULL);
		ioctl(n->vm->fd, KVM_SIGNAL_MSI, &msi);
	}
	nanosleep(&pause, NULL);
	pthread_kill(n->runner, SIGUSR1);
	return NULL;
}

/* How often a guest in HLT was waited for busily, with a bound of so many ns for its VM. */
static uint64_t polls_with(uint64_t max_ns)
{
	static const uint8_t code[] = { 0xf4, 0xeb, 0xfd, 0xcf }; /* hlt; jmp hlt; iret */
	struct vm *vm = vm_new_ram();
	struct nmis nmis = { .vm = vm, .runner = pthread_self() };
	uint16_t *ivt = vm_ptr(vm, 0, 1024);
	struct vcpu *vcpu;
	pthread_t thread;
	struct stats s;

	expect_ok("KVM_CAP_HALT_POLL", vm_enable_cap(vm, KVM_CAP_HALT_POLL, max_ns));
	vm_add_irqchip(vm, false);
	vcpu = vm_add_vcpu(vm, 0);
	memcpy(vm_ptr(vm, GUEST_REAL, sizeof(code)), code, sizeof(code));
	ivt[2 * 2] = GUEST_REAL + 3;
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
	pthread_create(&thread, NULL, send_nmis, &nmis);
	expect_errno("KVM_RUN", vcpu_run(vcpu), EINTR);
	pthread_join(thread, NULL);
	s = stats_open(vcpu->fd);
	return stats_get(&s, "halt_attempted_poll");
}

/* A busy wait grows with waits that are shorter than the bound: with one of 1 s there is some. */
static void halt_poll(const void *arg)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_HALT_POLL, .args = { 1ull << 32 } };
	struct vm *vm = vm_new();

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_HALT_POLL);
	catch_usr1();
	expect_errno("4.3 s", ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.args[0] = 0;
	cap.flags = 1;
	expect_errno("flags", ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	expect_eq("with none", polls_with(0), 0);
	expect_true(polls_with(1000000000), "with 1 s: expected some, saw none");
}

/* Times are taken while they are switched on. */
static void times(const void *arg)
{
	struct vm *vm;
	struct vcpu *vcpu = running_vm(&vm);
	struct stats s = stats_open(vcpu->fd);
	uint64_t io;

	(void)arg;
	if (access(EXIT_TIMES, W_OK))
		row_skip("this driver doesn't time exits");
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	stats_read(&s);
	expect_eq("switched off", stats_get(&s, "exit_time_cpuid"), 0);
	vcpu_set_mode(vcpu, MODE_REAL, 0x1000, 0x8000);
	write_file(EXIT_TIMES, "1");
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	usleep(2000);
	vcpu_run_until(vcpu, KVM_EXIT_HLT);
	write_file(EXIT_TIMES, "0");
	stats_read(&s);
	io = stats_get(&s, "exit_time_io");
	expect_true(stats_get(&s, "exit_time_cpuid") > 0, "expected time for CPUID, saw none");
	expect_true(io >= 2000000 && io < 60000000000, "OUT, with 2 ms in userspace: saw %" PRIu64,
		    io);
	vcpu_set_mode(vcpu, MODE_REAL, 0x1000, 0x8000);
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	stats_read(&s);
	expect_eq("switched off again", stats_get(&s, "exit_time_io"), io);
}

/* The file keeps what it speaks of alive, and lets go of it. */
static void outlives(const void *arg)
{
	struct stats s[100];
	unsigned int i;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(s); i++) {
		int kvm = kvm_open(), vm = ioctl(kvm, KVM_CREATE_VM, 0), of_vm;
		int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);

		if (vcpu < 0)
			row_die("VM %u: %s", i, strerrorname_np(errno));
		s[i] = stats_open(vcpu);
		of_vm = ioctl(vm, KVM_GET_STATS_FD, 0);
		close(vcpu);
		close(vm);
		close(kvm);
		close(of_vm);
	}
	for (i = 0; i < ARRAY_SIZE(s); i++) {
		stats_read(&s[i]);
		expect_eq("exits", stats_get(&s[i], "exits"), 0);
		close(s[i].fd);
		free(s[i].image);
	}
}

/* --- debugfs --------------------------------------------------------------------------------- */

static uint64_t number_in(const char *dir, const char *name)
{
	char path[512];
	unsigned long long value;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%llu", &value) != 1)
		row_die("%s: expected a number, saw %s", path,
			f ? "none" : strerrorname_np(errno));
	fclose(f);
	return value;
}

static void need_debugfs(void)
{
	if (access(DEBUGFS, R_OK))
		row_die(DEBUGFS ": %s", strerrorname_np(errno));
}

static void debugfs(const void *arg)
{
	struct vm *vm;
	struct vcpu *vcpu = running_vm(&vm);
	struct stats s = stats_open(vcpu->fd);
	char dir[64], sub[96], path[256];
	unsigned int i;
	struct stat st;

	(void)arg;
	need_debugfs();
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	stats_read(&s);
	snprintf(dir, sizeof(dir), DEBUGFS "/%d-%d", getpid(), vm->fd);
	snprintf(sub, sizeof(sub), "%s/vcpu0", dir);
	for (i = 0; i < s.header.num_desc; i++) {
		const char *name = stats_desc(&s, i)->name;

		if (stats_desc(&s, i)->size == 1)
			expect_eq(name, number_in(dir, name), stats_get(&s, name));
	}
	expect_true(number_in(DEBUGFS, "exits") >= stats_get(&s, "exits"),
		    "expected the sum over all VMs to hold this one");
	expect_true(number_in(dir, "pages_4k") + number_in(dir, "pages_2m") > 0, "pages mapped");
	expect_eq("pid", number_in(sub, "pid"), getpid());
	snprintf(path, sizeof(path), "%s/exits", dir);
	expect_ok("stat", stat(path, &st));
	expect_true(geteuid() || !(st.st_mode & 0077) || (st.st_mode & 0222) == 0 || stock_61(),
		    "expected a file that nobody writes, saw mode %o", st.st_mode);
	close(s.fd);
	close(vcpu->fd);
	munmap(vcpu->run, vcpu->run_size);
	close(vm->fd);
	expect_errno("gone with the VM", stat(dir, &st), ENOENT);
}

/* A descriptor's number may come again while its VM lives on. */
static void same_name(const void *arg)
{
	int kvm = kvm_open(), first = ioctl(kvm, KVM_CREATE_VM, 0), copy = dup(first), again;
	char dir[64];
	struct stat st;

	(void)arg;
	need_debugfs();
	close(first);
	again = ioctl(kvm, KVM_CREATE_VM, 0);
	expect_eq("the descriptor's number", again, first);
	snprintf(dir, sizeof(dir), DEBUGFS "/%d-%d", getpid(), again);
	expect_ok("stat of the first", stat(dir, &st));
	strcat(dir, "-2");
	if (!stock_61())
		expect_ok("stat of the second", stat(dir, &st));
	close(again);
	expect_errno("the second is gone", stat(dir, &st), ENOENT);
	close(copy);
}

/* Readers in a loop while VMs come and go. */
static void *reader(void *unused)
{
	char path[600], text[4096];
	struct dirent *e;
	unsigned int i;
	DIR *d;

	(void)unused;
	for (i = 0; i < 60; i++) {
		d = opendir(DEBUGFS);
		while (d && (e = readdir(d))) {
			int fd;

			snprintf(path, sizeof(path), DEBUGFS "/%s%s", e->d_name,
				 strchr(e->d_name, '-') ? "/exits" : "");
			fd = open(path, O_RDONLY);
			if (fd < 0)
				continue;
			if (read(fd, text, sizeof(text)) < 0 && errno != EISDIR && errno != EIO)
				row_fail("%s: %s", path, strerrorname_np(errno));
			close(fd);
		}
		if (d)
			closedir(d);
	}
	return NULL;
}

static void come_and_go(const void *arg)
{
	pthread_t thread;
	unsigned int i;

	(void)arg;
	need_debugfs();
	pthread_create(&thread, NULL, reader, NULL);
	for (i = 0; i < 40; i++) {
		int kvm = kvm_open(), vm = ioctl(kvm, KVM_CREATE_VM, 0);
		int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);

		expect_true(vcpu >= 0, "VM %u: %s", i, strerrorname_np(errno));
		close(vcpu);
		close(vm);
		close(kvm);
	}
	pthread_join(thread, NULL);
}

/* Writes at every 2 MiB from %ebx to %edx, over and over. */
static const uint8_t touch_code[] = {
	0x89, 0xde,				/* again: mov %ebx, %esi */
	0xff, 0x06,				/* next: incl (%esi) */
	0x81, 0xc6, 0x00, 0x00, 0x20, 0x00,	/* add $0x200000, %esi */
	0x39, 0xd6,				/* cmp %edx, %esi */
	0x72, 0xf4,				/* jb next */
	0xeb, 0xf0,				/* jmp again */
};

#define TOUCHED 0x10000000ull
#define TOUCHED_SIZE 0x20000000ull

static struct vcpu *touching_vcpu(struct vm *vm, unsigned int id)
{
	struct vcpu *vcpu = vm_add_vcpu(vm, id);
	struct kvm_regs regs;

	memcpy(vm_ptr(vm, GUEST_REAL, sizeof(touch_code)), touch_code, sizeof(touch_code));
	vcpu_set_mode(vcpu, MODE_PROT32, GUEST_REAL, 0x7000);
	regs = vcpu_regs(vcpu);
	/* The same tables, but not the same pages. */
	regs.rbx = TOUCHED + id * 4096;
	regs.rdx = TOUCHED + TOUCHED_SIZE;
	expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &regs));
	return vcpu;
}

static void *touch(void *arg)
{
	struct vcpu *vcpu = arg;

	while (vcpu_run(vcpu) < 0 && errno == EINTR && !vcpu->run->immediate_exit)
		;
	return NULL;
}

/*
 * With a bound on the page tables that two vCPUs run into all the time, all mappings go while the
 * other one makes new ones. None of them is forgotten: when the memory has gone, none is counted.
 * The bound changes, so that the two meet at other places where the machine's CPUs take turns.
 */
static void mappings_return(const void *arg)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	/* The distribution's driver has no such bound on nested page tables. */
	bool bound = !access(EXIT_TIMES, F_OK);
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu[2];
	pthread_t thread[2];
	struct stats s;
	void *memory;
	int i;

	(void)arg;
	catch_usr1();
	memory = mmap(NULL, TOUCHED_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	madvise(memory, TOUCHED_SIZE, MADV_NOHUGEPAGE);
	expect_ok("the slot", vm_set_slot(vm, 1, TOUCHED, TOUCHED_SIZE, memory, 0));
	expect_ok("KVM_SET_NR_MMU_PAGES", ioctl(vm->fd, KVM_SET_NR_MMU_PAGES, 64ul));
	s = stats_open(vm->fd);
	for (i = 0; i < 2; i++) {
		vcpu[i] = touching_vcpu(vm, i);
		pthread_create(&thread[i], NULL, touch, vcpu[i]);
	}
	/* Some seconds at least, and a minute at most where the machine is busy. */
	for (i = 0; i < 30 || (bound && i < 600 && stats_get(&s, "mmu_shadow_zapped") <= 64); i++) {
		nanosleep(&pause, NULL);
		expect_ok("KVM_SET_NR_MMU_PAGES",
			  ioctl(vm->fd, KVM_SET_NR_MMU_PAGES, 64ul + i * 5 % 64));
		stats_read(&s);
	}
	for (i = 0; i < 2; i++) {
		vcpu[i]->run->immediate_exit = 1;
		pthread_kill(thread[i], SIGUSR1);
		pthread_join(thread[i], NULL);
	}
	stats_read(&s);
	if (bound)
		expect_true(stats_get(&s, "mmu_shadow_zapped") > 64,
			    "page tables taken away: expected more than 64, saw %" PRIu64,
			    stats_get(&s, "mmu_shadow_zapped"));
	expect_ok("delete slot 1", vm_set_slot(vm, 1, TOUCHED, 0, memory, 0));
	expect_ok("delete slot 0", vm_set_slot(vm, 0, 0, 0, NULL, 0));
	stats_read(&s);
	expect_eq("4 KiB mappings without memory", stats_get(&s, "pages_4k"), 0);
}

static const struct test_row rows[] = {
	{ .name = "layout", .run = layout },
	{ .name = "offsets", .run = offsets },
	{ .name = "bad-calls", .run = bad_calls },
	{ .name = "counts", .run = counts },
	{ .name = "halt-poll", .run = halt_poll },
	{ .name = "reasons", .run = reasons },
	{ .name = "times", .run = times },
	{ .name = "outlives", .run = outlives },
	{ .name = "debugfs", .run = debugfs },
	{ .name = "same-name", .run = same_name },
	{ .name = "come-and-go", .run = come_and_go },
	{ .name = "mappings-return", .run = mappings_return },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
