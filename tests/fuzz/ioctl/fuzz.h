/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random sequences of calls on /dev/kvm, guided by what they reach in the driver (KCOV).
 *
 * A program is a string of bytes; what it does is read off them, one after another, so that any
 * string is a program and a changed byte changes a step. After its end all bytes are zero.
 *
 * To make and close a machine costs more than what a program does with it: most programs go on with
 * the one that those before them have left. All since it was made are a chain; who wants to see one
 * of them again runs the chain.
 */
#ifndef FUZZ_IOCTL_H
#define FUZZ_IOCTL_H

#include "../../hostile/hostile.h"
#include "../rng.h"

#define PROGRAM_BYTES 256
#define CHAIN 32
#define MAX_VMS 3
#define MAX_VCPUS 6

struct program {
	uint16_t size;
	uint8_t bytes[PROGRAM_BYTES];
};

struct chain {
	unsigned int n;
	struct program program[CHAIN];
};

/* A machine, and the program that is at it. */
struct state {
	const struct program *program;
	unsigned int at; /* next byte */
	unsigned int programs; /* that have been at it */
	int dev, eventfd;
	int vm[MAX_VMS], vcpu[MAX_VCPUS];
	struct kvm_run *run[MAX_VCPUS];
	unsigned int vms, vcpus;
	bool trace; /* tell each step */
};

/* Bytes of the program, as a number; of interesting: mostly one at an edge. */
uint64_t take(struct state *s, unsigned int bytes);
uint32_t take_below(struct state *s, uint32_t n);
uint64_t take_interesting(struct state *s);

/* args.c: an argument for the ioctl, in memory that ends where the largest one ends. */
uintptr_t make_argument(struct state *s, const struct ioctl_row *row, int fd);
/* Guest memory: ARENA_SIZE bytes, anew for each machine. */
#define ARENA_SIZE 0x100000ul
extern uint8_t *arena;
void arena_reset(void);
/* Write into it, where it is there. */
void poke(unsigned int at, const void *bytes, size_t n);
void args_init(int dev);

/* program.c: perform it. Return: how many steps it made. */
unsigned int program_run(const struct program *p, bool trace);
/* Would it begin with a machine of its own? */
bool program_begins(const struct program *p);
void program_end(void); /* no machine remains */
void program_init(void);

/* Memory that all workers see, zero; or it ends here. */
void *shared_memory(size_t size);

/* kcov.c: places in the driver that the calling thread reaches. */
void kcov_init(void);
bool kcov_start(void); /* for the worker that calls it */
void kcov_begin(void);
/* Return: how many places are new. */
unsigned int kcov_end(void);
unsigned int kcov_places(void);
/* A line for each place: module, section, offset. */
void kcov_print(void);

#endif
