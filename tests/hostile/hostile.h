/* SPDX-License-Identifier: GPL-2.0-only */
/* Every ioctl with arguments that no good caller has: what the three files share. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/kvm.h>

enum arg_kind {
	ARG_NONE, /* or a number */
	ARG_POINTER,
};

/**
 * struct ioctl_row - an ioctl of the x86 ABI
 * @name: as in the header
 * @cmd: its number
 * @files: where it belongs: 'd' /dev/kvm, 'v' a VM, 'c' a vCPU
 * @kind: what the argument is
 * @room: bytes that follow the structure (arrays, and formats that end in a pointer to more)
 * @makes_fd: the result is a descriptor
 */
struct ioctl_row {
	const char *name;
	unsigned long cmd;
	const char *files;
	enum arg_kind kind;
	size_t room;
	bool makes_fd;
};

extern const struct ioctl_row ioctl_rows[];

/* A machine of one vCPU. */
struct machine {
	int dev, vm, vcpu;
	struct kvm_run *run;
	size_t run_size;
};

void machine_make(struct machine *m, bool full);
void machine_end(struct machine *m);

/* The descriptor for one of "dvc". */
int machine_file(const struct machine *m, char kind);

/* One call, stopped by a signal if it takes long. Return: 0 for any success, or errno. */
int call(const struct ioctl_row *row, int fd, uintptr_t arg);

/* One line of output: what was tried, what came back. */
void report(const struct ioctl_row *row, char file, const char *env, const char *variant,
	    int error);

void die(const char *what) __attribute__((noreturn));

/* cases.c */
void run_arguments(const struct ioctl_row *row);
void run_foreign(const struct ioctl_row *row);
void run_threads(const struct ioctl_row *row);
void run_orders(void);

#endif
