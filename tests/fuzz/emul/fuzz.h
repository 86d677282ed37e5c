/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The emulator beside the CPU: what the parts of the differential fuzzer share.
 *
 * A trial is one instruction in one state. It is a function of its mode, its seed and its bytes, so
 * that one line tells all about it: "64 1234abcd 0f b0 c1".
 */
#ifndef _FUZZ_H
#define _FUZZ_H

#include <stdio.h>

#include "emul/internal.h"

#include "emul_cpu.h"
#include "emul_world.h"

#include "../rng.h"

#define FL_DEBUG	(FL_TF | FL_RF)

enum { BITS_64, BITS_32, BITS_16, NR_BITS };

bool one_in(struct rng *r, u32 n);
u64 interesting(struct rng *r);

/**
 * struct trial - an instruction in a state, and what the emulator makes of it
 * @bits: BITS_*
 * @seed: what state and, if they aren't given, bytes are made of
 * @bytes: the instruction's, and what follows
 * @in: the state before
 * @seg: segment registers before
 * @whole: a REP string to its end, not one iteration
 * @step: the CPU is stopped by TF, otherwise by INT3 after the instruction, which costs half
 * @res: the emulator's result
 * @insn: its decoded instruction
 * @exc: its exception
 * @gpr: its registers
 * @rip: its instruction pointer
 * @rflags: its flags
 * @shadow: EMUL_SHADOW_*
 * @after: its segment registers
 * @hash: of its memory
 * @vec: its vector registers
 */
struct trial {
	unsigned int bits;
	u64 seed;
	u8 bytes[16];
	struct cpu_test in;
	struct emul_segment seg[6];
	bool whole;
	bool step;
	enum emul_result res;
	struct emul_insn insn;
	struct emul_exception exc;
	u64 gpr[16];
	u64 rip;
	u64 rflags;
	u8 shadow;
	struct emul_segment after[6];
	u64 hash;
	u8 vec[16][32];
	u64 mmx[8];
};

/* rows.c: the rows of the opcode table and the ways to them */

/**
 * struct path - how the decoder gets to a row
 * @row: the row
 * @nr: its number among those with code behind them, for figures
 * @map: opcode map
 * @opcode: opcode byte
 * @pp: mandatory prefix: 0 none, 1 66, 2 F3, 3 F2; -1 for any
 * @reg: ModRM reg field, or -1
 * @rm: ModRM r/m field, or -1
 * @form: 0 memory, 1 register, -1 any
 * @mode64: 0 outside of 64-bit mode, 1 in it, -1 any
 * @vex: by a VEX prefix
 */
struct path {
	const struct emul_row *row;
	int nr;
	u8 map, opcode;
	s8 pp, reg, rm, form, mode64;
	bool vex;
};

void rows_init(void);
/* A random path: mostly to a row with code behind it, else to an undefined opcode. */
const struct path *rows_pick(struct rng *r);
void rows_count(const struct trial *t);
/* Print the figures. Return: false if a row that can complete in user mode never did. */
bool rows_report(bool list);

/* generate.c */
void generate_bytes(struct trial *t, struct rng *r);

/* state.c */
void state_make(struct trial *t, struct rng *r);

/* emulate.c */
void emulate_init(const u8 *pristine);
/* Decode only. @fetch: from the code page, where it may end; otherwise from t->bytes. */
enum emul_result emulate_decode(const struct trial *t, bool fetch, struct emul_insn *i);
void emulate(struct trial *t);
/* Memory as the last trial's emulation left it; until the next. */
const u8 *emulate_image(void);

/* explain.c: what the manuals leave open */

/* Flags that the manuals leave undefined after this instruction. */
u32 undefined_flags(const struct trial *t);
/* Better not run on the CPU. */
bool is_unsafe(const struct trial *t);
/*
 * Is this difference, in how it ended or in the state after it, one that the manuals leave to the
 * processor? explain_report() prints how often each was seen, and returns the sum.
 */
bool explain_fault(const struct trial *t, const struct cpu_out *out);
bool explain_result(const struct trial *t, const struct cpu_out *out);
u64 explain_report(void);

/* compare.c */
/* Return: NULL if CPU and emulator agree, otherwise what differs. */
const char *compare(const struct trial *t, const struct cpu_out *out);
void compare_print(const struct trial *t, const struct cpu_out *out, const u8 *image,
		   const u8 *pristine);

/* batch.c */
struct figures {
	u64 compared[NR_BITS];
	u64 faults;
	u64 differences;
};

extern struct figures figures;
extern struct cpu cpu;

bool batch_start(void);
/* Queue a trial, if it can be compared. @bytes: NULL to make them from the seed. */
void batch_add(unsigned int bits, u64 seed, const u8 *bytes);
void batch_flush(void);
void batch_stop(void);
/* "64 SEED BYTES": run it and print all about it. Return: 0 if there is no difference. */
int batch_replay(const char *line);

#endif
