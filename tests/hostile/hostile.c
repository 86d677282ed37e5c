// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile - every ioctl with arguments that no good caller has.
 *
 * usage: hostile [-l] [IOCTL...]
 *
 *   -l   list the ioctls
 *
 * It prints a line for each thing tried: file, circumstances, ioctl, argument, and the errno that
 * came back ("ok" for any success), separated by tabs. It judges nothing itself: it runs on
 * this driver and on the distribution's, and tests/system/hostile compares. That the host survives
 * is the rig's to see.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "hostile.h"

void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	fflush(stdout);
	exit(1);
}

/* A full machine has interrupt controllers, a timer, memory with a HLT loop, and has run once. */
static void fill(struct machine *m)
{
	static const uint8_t code[] = { 0xf4, 0xeb, 0xfd };
	struct kvm_userspace_memory_region region = { .memory_size = 0x10000 };
	struct kvm_pit_config pit = { 0 };
	uint8_t *ram;

	if (ioctl(m->vm, KVM_SET_TSS_ADDR, 0xfffbd000ul) || ioctl(m->vm, KVM_CREATE_IRQCHIP, 0) ||
	    ioctl(m->vm, KVM_CREATE_PIT2, &pit))
		die("interrupt controllers");
	ram = mmap(NULL, region.memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		   -1, 0);
	if (ram == MAP_FAILED)
		die("memory");
	memcpy(ram + 0xfff0, code, sizeof(code));
	region.guest_phys_addr = 0xffff0000;
	region.userspace_addr = (uintptr_t)ram;
	if (ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &region))
		die("KVM_SET_USER_MEMORY_REGION");
}

void machine_make(struct machine *m, bool full)
{
	static int dev = -1;
	static int size;

	if (dev < 0) {
		dev = open("/dev/kvm", O_RDWR | O_CLOEXEC);
		if (dev < 0)
			die("/dev/kvm");
		size = ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	}
	m->dev = dev;
	m->vm = ioctl(dev, KVM_CREATE_VM, 0);
	if (m->vm < 0)
		die("KVM_CREATE_VM");
	if (full)
		fill(m);
	m->vcpu = ioctl(m->vm, KVM_CREATE_VCPU, 0);
	if (m->vcpu < 0)
		die("KVM_CREATE_VCPU");
	m->run_size = size;
	m->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu, 0);
	if (m->run == MAP_FAILED)
		die("mmap of a vCPU");
	if (full) {
		m->run->immediate_exit = 1;
		ioctl(m->vcpu, KVM_RUN, 0);
		m->run->immediate_exit = 0;
	}
}

void machine_end(struct machine *m)
{
	munmap(m->run, m->run_size);
	close(m->vcpu);
	close(m->vm);
}

int machine_file(const struct machine *m, char kind)
{
	return kind == 'd' ? m->dev : kind == 'v' ? m->vm : m->vcpu;
}

int call(const struct ioctl_row *row, int fd, uintptr_t arg)
{
	static const struct itimerval on = { .it_interval.tv_usec = 50000,
					     .it_value.tv_usec = 50000 };
	static const struct itimerval off;
	int result, error;

	setitimer(ITIMER_REAL, &on, NULL);
	result = ioctl(fd, row->cmd, arg);
	error = result < 0 ? errno : 0;
	setitimer(ITIMER_REAL, &off, NULL);
	if (result > 2 && row->makes_fd)
		close(result);
	return error;
}

void report(const struct ioctl_row *row, char file, const char *env, const char *variant, int error)
{
	printf("%c\t%s\t%s\t%s\t%s\n", file, env, row->name, variant,
	       error ? strerrorname_np(error) ?: "?" : "ok");
}

static void on_alarm(int sig)
{
	(void)sig;
}

static bool chosen(const char *name, char **words)
{
	if (!*words)
		return true;
	for (; *words; words++)
		if (!strcmp(*words, name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct sigaction alarm = { .sa_handler = on_alarm };
	const struct ioctl_row *row;
	int option;

	while ((option = getopt(argc, argv, "l")) != -1) {
		if (option != 'l') {
			fprintf(stderr, "usage: hostile [-l] [IOCTL...]\n");
			return 2;
		}
		for (row = ioctl_rows; row->name; row++)
			puts(row->name);
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGALRM, &alarm, NULL);
	for (row = ioctl_rows; row->name; row++) {
		if (!chosen(row->name, argv + optind))
			continue;
		run_arguments(row);
		run_foreign(row);
		run_threads(row);
	}
	if (!argv[optind])
		run_orders();
	puts("end");
	return 0;
}
