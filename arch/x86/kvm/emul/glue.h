/* SPDX-License-Identifier: GPL-2.0-only */
/* The emulator's world made of a vCPU: what glue.c, glue_io.c and glue_event.c share. */
#ifndef GUESTMODE_EMUL_GLUE_H
#define GUESTMODE_EMUL_GLUE_H

#include "emul.h"

/*
 * The log of accesses to devices that the instruction in hand has completed. When an instruction is
 * executed again after userspace did one of them, it meets the same ones in the same order.
 */
#define LOG_ENTRIES 20 /* MOVDIR64B from device to device, across a page */
struct access_log {
	u64 gpa;
	u64 linear;
	u8 len;
	bool write;
	u8 data[8];
};

/*
 * What the instruction in hand was decoded from: the same bytes in the same mode are the same
 * instruction again. Device registers are mostly accessed from few places.
 */
struct decoded {
	bool valid;
	enum emul_mode mode;
	enum emul_vendor vendor;
	u64 bytes[2];
	u64 mask[2]; /* those that belong to the instruction */
};

/**
 * struct emul_state - one vCPU's emulator
 * @c: the instruction in hand
 * @vcpu: whose
 * @log: completed device accesses of the instruction
 * @nr: how many of them
 * @at: the one that the execution under way meets next
 * @pio_done: the one port access of this iteration was completed by userspace
 * @pio_size: its element size
 * @pio_count: its elements
 * @decoded: what @c holds the decoded form of
 * @msr_done: userspace has answered the access to an MSR ...
 * @msr_error: ... by #GP
 * @msr_value: ... or by this value
 * @rsp: RSP before the instruction
 * @error: errno behind an EMUL_UNHANDLEABLE that is the host's fault
 */
struct emul_state {
	struct emul_ctxt c;
	struct kvm_vcpu *vcpu;
	struct access_log log[LOG_ENTRIES];
	u8 nr, at;
	bool pio_done;
	u8 pio_size;
	u16 pio_count;
	struct decoded decoded;
	bool msr_done;
	bool msr_error;
	u64 msr_value;
	u64 rsp;
	int error;
};

/* The context from the vCPU's registers, with an empty log; and back. */
void glue_load_context(struct emul_state *s);
void glue_store_context(struct emul_state *s);

/* The instruction at RIP into s->c.insn. */
enum emul_result glue_decode(struct emul_state *s);

/* Userspace has completed an access: execute again. For vcpu->io.complete. */
enum kvm_exit_action glue_resume(struct emul_state *s);

/* glue_io.c: of struct emul_ops */
enum emul_result glue_fetch(void *opaque, u64 addr, void *buf, unsigned int n,
			    struct emul_exception *exc);
enum emul_result glue_read(void *opaque, u64 addr, void *buf, unsigned int n, unsigned int acc,
			   struct emul_exception *exc);
enum emul_result glue_write(void *opaque, u64 addr, const void *buf, unsigned int n,
			    unsigned int acc, struct emul_exception *exc);
enum emul_result glue_cmpxchg(void *opaque, u64 addr, const void *old, const void *new,
			      unsigned int n, unsigned int acc, struct emul_exception *exc);
enum emul_result glue_probe(void *opaque, u64 addr, unsigned int n, unsigned int acc);
enum emul_result glue_touch(void *opaque, u64 addr, unsigned int acc, struct emul_exception *exc);
void glue_commit(void *opaque);
enum emul_result glue_pio_in(void *opaque, u16 port, unsigned int size, void *buf,
			     unsigned int count, struct emul_exception *exc);
enum emul_result glue_pio_out(void *opaque, u16 port, unsigned int size, const void *buf,
			      unsigned int count, struct emul_exception *exc);

void glue_set_shadow(struct kvm_vcpu *vcpu, u8 shadow);
void glue_queue_exception(struct emul_state *s);

/* What a task switch and IRET do besides: NMIs, DR7, the trap that a TSS asks for. */
void glue_side_effects(struct emul_state *s, enum emul_result r);

#endif
