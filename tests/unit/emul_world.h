/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small machine around the emulator: flat linear memory in regions, registers in arrays, and the
 * log of completed accesses that the restart contract asks for.
 */
#ifndef _EMUL_WORLD_H
#define _EMUL_WORLD_H

#include "emul/emul.h"

#define WORLD_REGIONS	8
#define WORLD_LOG	64
#define WORLD_IMPLIED	16

struct world_region {
	u64 base;
	u32 size;
	u8 *mem;
	bool writable;
	bool mmio;	/* each access needs userspace: EMUL_IO first */
	bool system;	/* only EMUL_ACC_SYSTEM reaches it */
};

enum world_kind { WORLD_READ, WORLD_WRITE, WORLD_CMPXCHG, WORLD_IN, WORLD_OUT };

/* An access that userspace has completed, or is to complete (the last one, if pending). */
struct world_access {
	enum world_kind kind;
	u64 addr;
	u32 n;
	u32 count;
	u8 data[EMUL_PIO_MAX];
};

struct world {
	struct emul_ctxt c;
	u64 gpr[EMUL_NR_REGS];	/* c.gpr is here */
	struct emul_ops ops;
	struct world_region region[WORLD_REGIONS];
	unsigned int nr_regions;
	struct emul_segment seg[8];
	u64 cr[16], dr[8], xcr0;
	unsigned int cr3_loads;
	u64 table_base[2];
	u16 table_limit[2];
	u8 vec[16][32];
	u16 x87_control, x87_status;
	u64 mmx[8];
	unsigned int mmx_reads;
	u64 msr_value;
	u32 msr_index;
	struct { u32 index; u64 val; } implied[WORLD_IMPLIED];	/* others are 0 */
	unsigned int nr_implied;
	u64 random;		/* what RDRAND gives; 0: nothing */
	bool port_io;		/* ports need userspace */
	bool cpuid_faults;
	bool halted;
	unsigned int wbinvds, invds, commits;
	u64 invlpg;
	bool cmpxchg_races;	/* the next cmpxchg finds other contents */
	u64 in_value;		/* what ports and MMIO reads give; counts up */
	struct world_access log[WORLD_LOG];
	unsigned int nr_log, log_pos;
	bool pending;
	struct world_access last_out;	/* the last OUT or MMIO write seen by "userspace" */
	unsigned int nr_exits;
	u64 fetch_end;		/* address after the last byte fetched */
	unsigned long nr_ops;	/* accesses since the caller cleared it */
};

/* Everything zero, flat segments, 64-bit mode at CPL 0. */
void world_init(struct world *w, enum emul_mode mode);
struct world_region *world_map(struct world *w, u64 base, u32 size, u8 *mem, bool writable);

/*
 * Decode and execute at c.rip, completing accesses as userspace would, until the result is other
 * than EMUL_IO. A REP string's EMUL_RESTART is returned.
 */
enum emul_result world_step(struct world *w);
/* The same, going on after EMUL_RESTART. */
enum emul_result world_run_insn(struct world *w);
enum emul_result world_execute(struct world *w);

void world_set_implied(struct world *w, u32 index, u64 val);
void world_real_segment(struct world *w, enum emul_seg nr, u16 selector);

#endif
