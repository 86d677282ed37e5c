/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instruction emulator's interface.
 *
 * The emulator knows no vCPU: all it touches outside of its context goes through struct emul_ops,
 * so it builds and is tested in userspace as well. One instruction goes like this:
 *
 *	fill in *ctxt: ops, opaque, vendor, mode, cpl, lma, va_bits, gpr, rip, rflags
 *	emul_decode(ctxt, known bytes or NULL, how many)	-> ctxt->insn, its length
 *	emul_execute(ctxt)					-> state after the instruction
 *	write gpr, rip, rflags back; act on the result
 *
 * Restart contract
 *
 * Any operation that reaches memory, a port or an MSR may answer EMUL_IO: userspace must complete
 * the access first. emul_execute() then returns EMUL_IO at once; when the access is complete the
 * caller calls emul_execute() again on the same context, without decoding again. The emulator runs
 * the instruction from its beginning and makes the same accesses in the same order, so the
 * caller's layer keeps a log of this instruction's completed accesses and answers from the log
 * those that it has already made (reads with the same data, writes by doing nothing). Accesses to
 * RAM need no log: the same is written again. The log begins empty with each instruction and is
 * dropped in ops->commit().
 *
 * At every return of emul_execute(), whatever its result, gpr, rip and rflags hold architectural
 * state: that after the instruction (EMUL_OK), or that before it. A REP string instruction is
 * a sequence of iterations, each of which counts as an instruction here: after each one that is
 * complete its registers are final and ops->commit() is called. So writing the registers back is
 * right after every result.
 *
 * State that isn't in the context (segments, control registers, MSRs, vector registers, ...) is
 * set by ops->set_*() only after the last access that could answer EMUL_IO or fault.
 *
 * Task switches are the exception to both. From the moment that the new task's registers are there
 * (ctxt->task_switch says so) the segment registers are loaded, one by one, in the new task, and
 * what goes wrong with that is the new task's: EMUL_EXCEPTION then comes with its gpr, rip, rflags,
 * and an access that needs userspace, which no CPU would make there, is EMUL_UNHANDLEABLE.
 */
#ifndef _KVM_EMUL_H
#define _KVM_EMUL_H

#include "os.h"

struct emul_ctxt;
struct emul_row;

#define EMUL_MAX_INSN_LEN	15

/**
 * enum emul_result - what became of a decode, an execution, or an operation on the outside
 * @EMUL_OK: done; after emul_execute(), ctxt->rip is that of the next instruction
 * @EMUL_EXCEPTION: ctxt->exc is to be injected; rip is that of the faulting instruction
 * @EMUL_IO: userspace must complete an access; then call emul_execute() again
 * @EMUL_RESTART: not finished; rip is still that of the instruction. Of emul_execute(): a REP
 *	string has done a bounded number of iterations, or a locked access lost a race. Look for
 *	interrupts, then decode and execute anew (or enter the guest). Of ops->cmpxchg(): memory
 *	doesn't hold the expected value. No other operation may return it.
 * @EMUL_UNHANDLEABLE: the emulator can't do this; report it with the instruction's bytes
 */
enum emul_result {
	EMUL_OK,
	EMUL_EXCEPTION,
	EMUL_IO,
	EMUL_RESTART,
	EMUL_UNHANDLEABLE,
};

/* The mode in which the instruction executes; emul_mode() derives it. */
enum emul_mode {
	EMUL_MODE_REAL,
	EMUL_MODE_VM86,
	EMUL_MODE_PROT16,
	EMUL_MODE_PROT32,
	EMUL_MODE_PROT64,
};

/* The vendor in the guest's CPUID: 66-prefixed near branches and a few others differ. */
enum emul_vendor {
	EMUL_VENDOR_INTEL,
	EMUL_VENDOR_AMD,
};

/* Segment registers as ModRM and prefixes number them, then the two system ones. */
enum emul_seg {
	EMUL_SEG_ES,
	EMUL_SEG_CS,
	EMUL_SEG_SS,
	EMUL_SEG_DS,
	EMUL_SEG_FS,
	EMUL_SEG_GS,
	EMUL_SEG_LDTR,
	EMUL_SEG_TR,
};

/* General registers as ModRM numbers them. */
enum emul_reg {
	EMUL_RAX, EMUL_RCX, EMUL_RDX, EMUL_RBX, EMUL_RSP, EMUL_RBP, EMUL_RSI, EMUL_RDI,
	EMUL_R8, EMUL_R9, EMUL_R10, EMUL_R11, EMUL_R12, EMUL_R13, EMUL_R14, EMUL_R15,
	EMUL_NR_REGS,
};

enum emul_table { EMUL_GDT, EMUL_IDT };

/* Access flags of ops->read(), ops->write(), ops->probe(). */
#define EMUL_ACC_READ	0x0u	/* a data read with the privilege of ctxt->cpl */
#define EMUL_ACC_WRITE	0x1u	/* a write, or a read of what will be written next */
#define EMUL_ACC_SYSTEM	0x2u	/* descriptor tables, TSS, IDT: whatever the CPL */

/**
 * struct emul_segment - a segment register with its cached descriptor
 * @base: linear base
 * @limit: offset of the last byte (expand-down: of the byte before the first), in bytes: scaled
 * @selector: as loaded
 * @type: the descriptor's type field, 4 bits
 * @s: 1: code or data; 0: system
 * @dpl: descriptor privilege level
 * @present: P
 * @avl: AVL
 * @l: 64-bit code
 * @db: D/B
 * @g: G, for information: @limit is scaled already
 * @unusable: loaded with a null selector
 */
struct emul_segment {
	u64 base;
	u32 limit;
	u16 selector;
	u8 type;
	u8 s;
	u8 dpl;
	u8 present;
	u8 avl;
	u8 l;
	u8 db;
	u8 g;
	u8 unusable;
};

/**
 * struct emul_exception - an exception for the guest
 * @vector: 0..31
 * @has_error: @error_code is to be pushed
 * @error_code: for #PF the access bits, for #GP, #SS, #NP, #TS a selector or 0
 * @address: for #PF, the linear address for CR2
 */
struct emul_exception {
	u8 vector;
	bool has_error;
	u32 error_code;
	u64 address;
};

/**
 * struct emul_ops - the world of an instruction
 *
 * Linear addresses are complete (segment base added, wrapped to 32 bits outside of 64-bit mode,
 * canonical); an access may cross a page. Sizes are in bytes. Operations that return an
 * emul_result fill in @exc if and only if it is EMUL_EXCEPTION. An operation may be NULL unless
 * it says otherwise: instructions that need it are then EMUL_UNHANDLEABLE.
 */
struct emul_ops {
	/*
	 * Memory.
	 *
	 * fetch: instruction bytes; never crosses a page. Required.
	 * read, write: 1, 2, 4, 8, 16 or 32 bytes, or after a successful probe any number that was
	 *	probed; @acc is a set of EMUL_ACC_*. Required. A write that faults has changed
	 *	nothing, not even the part before a page boundary.
	 * cmpxchg: atomically, if the @n (1, 2, 4, 8, 16) bytes at @addr equal @old, store @new;
	 *	EMUL_RESTART if they don't. @acc has EMUL_ACC_WRITE.
	 * probe: would an access to all of @addr ... @addr + @n - 1 (in one page) succeed, and
	 *	succeed without userspace? EMUL_OK if so; any other result sends the emulator back
	 *	to element-wise accesses. Used to batch REP INS and REP OUTS; must not inject.
	 * touch: would a read of the byte at @addr fault? What is behind it, RAM or a device,
	 *	isn't read.
	 * commit: what was accessed so far is final: forget the log.
	 */
	enum emul_result (*fetch)(void *opaque, u64 addr, void *buf, unsigned int n,
				  struct emul_exception *exc);
	enum emul_result (*read)(void *opaque, u64 addr, void *buf, unsigned int n,
				 unsigned int acc, struct emul_exception *exc);
	enum emul_result (*write)(void *opaque, u64 addr, const void *buf, unsigned int n,
				  unsigned int acc, struct emul_exception *exc);
	enum emul_result (*cmpxchg)(void *opaque, u64 addr, const void *old, const void *new,
				    unsigned int n, unsigned int acc, struct emul_exception *exc);
	enum emul_result (*probe)(void *opaque, u64 addr, unsigned int n, unsigned int acc);
	enum emul_result (*touch)(void *opaque, u64 addr, unsigned int acc,
				  struct emul_exception *exc);
	void (*commit)(void *opaque);

	/*
	 * Ports: @count elements of @size (1, 2, 4) bytes each, all through the same port, at most
	 * EMUL_PIO_MAX bytes. The permission check is made by the emulator.
	 */
	enum emul_result (*pio_in)(void *opaque, u16 port, unsigned int size, void *buf,
				   unsigned int count, struct emul_exception *exc);
	enum emul_result (*pio_out)(void *opaque, u16 port, unsigned int size, const void *buf,
				    unsigned int count, struct emul_exception *exc);

	/* Segments and descriptor tables. get_segment is required. */
	void (*get_segment)(void *opaque, enum emul_seg nr, struct emul_segment *seg);
	enum emul_result (*set_segment)(void *opaque, enum emul_seg nr,
					const struct emul_segment *seg);
	void (*get_table)(void *opaque, enum emul_table which, u64 *base, u16 *limit);
	enum emul_result (*set_table)(void *opaque, enum emul_table which, u64 base, u16 limit);

	/*
	 * Control and debug registers: nr 0, 2, 3, 4, 8; 0..7. The emulator has checked the number
	 * and the CPL; reserved bits and combinations are set_*()'s to check (#GP), DR7.GD's trap
	 * is get_dr()'s and set_dr()'s (#DB). get_cr is required.
	 */
	u64 (*get_cr)(void *opaque, unsigned int nr);
	enum emul_result (*set_cr)(void *opaque, unsigned int nr, u64 val,
				   struct emul_exception *exc);
	enum emul_result (*get_dr)(void *opaque, unsigned int nr, u64 *val,
				   struct emul_exception *exc);
	enum emul_result (*set_dr)(void *opaque, unsigned int nr, u64 val,
				   struct emul_exception *exc);

	/* MSRs, after the CPL check: an unknown MSR or value is #GP(0). */
	enum emul_result (*get_msr)(void *opaque, u32 index, u64 *val, struct emul_exception *exc);
	enum emul_result (*set_msr)(void *opaque, u32 index, u64 val, struct emul_exception *exc);

	/*
	 * MSRs that instructions use of their own accord, past every filter: EFER, STAR, LSTAR,
	 * CSTAR, SFMASK, SYSENTER_CS, SYSENTER_ESP, SYSENTER_EIP, KERNEL_GS_BASE, TSC_AUX.
	 */
	u64 (*get_implied_msr)(void *opaque, u32 index);
	void (*set_implied_msr)(void *opaque, u32 index, u64 val);

	/* A random number. Return: false: there is none at the moment. */
	bool (*random)(void *opaque, u64 *val);
	/* The time-stamp counter as the guest reads it. */
	u64 (*rdtsc)(void *opaque);
	/* CPUID: eax and ecx in, all out. #GP(0) if it is made to fault outside of level 0. */
	enum emul_result (*cpuid)(void *opaque, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx,
				  struct emul_exception *exc);
	/* The vCPU is to halt before the next instruction. */
	enum emul_result (*hlt)(void *opaque);
	/* INVD (@writeback false), WBINVD and WBNOINVD. */
	enum emul_result (*wbinvd)(void *opaque, bool writeback);
	enum emul_result (*invlpg)(void *opaque, u64 addr);

	/*
	 * Vector registers: the low @n (16, 32) bytes of XMM/YMM number @nr (0..15). A write of 16
	 * bytes leaves the upper half alone, unless @zero_upper (VEX). The emulator has looked at
	 * CR0, CR4 and, for VEX, XCR0.
	 */
	u64 (*get_xcr0)(void *opaque);
	/* After the CPL check: a register other than XCR0, or a bad value, is #GP(0). */
	enum emul_result (*set_xcr)(void *opaque, u32 index, u64 val, struct emul_exception *exc);
	enum emul_result (*read_vec)(void *opaque, unsigned int nr, void *buf, unsigned int n);
	enum emul_result (*write_vec)(void *opaque, unsigned int nr, const void *buf,
				      unsigned int n, bool zero_upper);

	/* x87: initialize it; its control and status words. The emulator has looked at CR0. */
	enum emul_result (*fninit)(void *opaque);
	enum emul_result (*get_x87)(void *opaque, u16 *control, u16 *status);
	/*
	 * MMX register number @nr (0..7). The emulator has looked at CR0 and the status word.
	 * Both set the x87 tags and TOP, as each MMX instruction does.
	 */
	u64 (*read_mmx)(void *opaque, unsigned int nr);
	void (*write_mmx)(void *opaque, unsigned int nr, u64 val);
};

/* At most so many bytes in one pio_in() or pio_out(). */
#define EMUL_PIO_MAX	1024u

/* How a VEX-like prefix was spelled. */
enum emul_vex { EMUL_VEX_NONE, EMUL_VEX_2, EMUL_VEX_3, EMUL_VEX_EVEX, EMUL_VEX_XOP };

/**
 * struct emul_insn - a decoded instruction
 * @row: what the opcode table says about it
 * @bytes: its bytes, and maybe some after them
 * @nr_bytes: how many of @bytes were fetched
 * @len: length of the instruction in bytes
 * @map: opcode map: 0 one byte, 1 0F, 2 0F38, 3 0F3A; of EVEX also 5, 6; of XOP 8, 9, 10
 * @opcode: last opcode byte
 * @modrm: ModRM byte, if @has_modrm
 * @mod: its mod field
 * @reg: its reg field, extended by REX.R
 * @rm: its r/m field, extended by REX.B
 * @sib: SIB byte, if @has_sib
 * @has_modrm: there is a ModRM byte
 * @has_sib: there is a SIB byte
 * @mem: ModRM names memory
 * @rip_rel: base is the next instruction's RIP
 * @lock: LOCK prefix
 * @rep: last of the F2 and F3 prefixes, 0 if none
 * @opsize_prefix: 66 prefix
 * @addrsize_prefix: 67 prefix
 * @rex: REX byte, 0 if none or not directly before the opcode
 * @vex: kind of VEX prefix
 * @vvvv: the further register that VEX names; 0 if none; outside of 64-bit mode only 3 bits count
 * @vex_l: vector length: 0 128, 1 256, 2 512 bits
 * @vex_w: VEX.W
 * @seg_override: an emul_seg, or -1
 * @opsize: operand size in bytes: 2, 4, 8
 * @addrsize: address size in bytes: 2, 4, 8
 * @seg: segment of the ModRM or moffs operand
 * @base: base register number, -1 if none
 * @index: index register number, -1 if none
 * @scale: shift of the index
 * @disp: displacement, sign-extended; also the moffs
 * @imm: first immediate, sign-extended where the instruction does that; also a branch's target
 *	displacement or a far pointer's offset
 * @imm2: second immediate (ENTER, EXTRQ), or a far pointer's selector
 */
struct emul_insn {
	const struct emul_row *row;
	u8 bytes[EMUL_MAX_INSN_LEN];
	u8 nr_bytes;
	u8 len;
	u8 map;
	u8 opcode;
	u8 modrm;
	u8 mod;
	u8 reg;
	u8 rm;
	u8 sib;
	bool has_modrm;
	bool has_sib;
	bool mem;
	bool rip_rel;
	bool lock;
	u8 rep;
	bool opsize_prefix;
	bool addrsize_prefix;
	u8 rex;
	enum emul_vex vex;
	u8 vvvv;
	u8 vex_l;
	bool vex_w;
	s8 seg_override;
	u8 opsize;
	u8 addrsize;
	u8 seg;
	s8 base;
	s8 index;
	u8 scale;
	s64 disp;
	u64 imm;
	u64 imm2;
};

/* ctxt->shadow: interrupts (and, after MOV SS, debug traps) wait for one more instruction. */
#define EMUL_SHADOW_STI		0x1u
#define EMUL_SHADOW_MOV_SS	0x2u

/**
 * struct emul_ctxt - one instruction being emulated
 * @ops: the world
 * @opaque: handed to @ops
 * @vendor: in: the guest's CPU vendor
 * @mode: in: execution mode, see emul_mode()
 * @cpl: in: current privilege level, 0..3; 0 in real mode, 3 in virtual-8086 mode
 * @lma: in: EFER.LMA: far transfers may enter 64-bit code, system descriptors are 16 bytes
 * @va_bits: in: linear address bits that count in 64-bit mode: 48, or 57 with CR4.LA57
 * @gpr: in: where the general registers are, indexed by enum emul_reg; out: their values
 * @rip: in, out: instruction pointer, relative to CS
 * @rflags: in, out
 * @insn: set by emul_decode()
 * @exc: out: with EMUL_EXCEPTION, what to inject
 * @shadow: out: with EMUL_OK, EMUL_SHADOW_* that the instruction begins; 0 ends one
 * @iret: out: with EMUL_OK, EMUL_EXCEPTION or @task_switch, it was an IRET: NMIs are no longer
 *	blocked, even if it faulted (SDM vol. 3, 6.7.1)
 * @task_switch: out: there was a task switch: DR7's local enable bits are to be cleared
 * @task_trap: out: with EMUL_OK, the new task's TSS asks for a #DB with DR6.BT
 * @step: out: with EMUL_OK and with @iterated, the debug trap of TF follows: it was set before the
 *	instruction, or, of SYSCALL and SYSRET, is behind it. Not if control went through the IDT or
 *	to another task, which ends single-stepping
 * @iterated: out: with EMUL_RESTART, a REP string has done some of its iterations; with rflags.TF
 *	one
 * @ext: the emulator's own: the EXT bit of error codes
 * @pio_buf: scratch
 *
 * Debug traps are the caller's: see @step and @task_trap.
 */
struct emul_ctxt {
	const struct emul_ops *ops;
	void *opaque;
	enum emul_vendor vendor;
	enum emul_mode mode;
	u8 cpl;
	bool lma;
	u8 va_bits;
	u64 *gpr;
	u64 rip;
	u64 rflags;
	struct emul_insn insn;
	struct emul_exception exc;
	u8 shadow;
	bool iret;
	bool task_switch;
	bool task_trap;
	bool step;
	bool iterated;
	u8 ext;
	u8 pio_buf[EMUL_PIO_MAX];
};

/**
 * emul_mode - the execution mode that a CPU's state selects
 * @cr0_pe: CR0.PE
 * @vm: RFLAGS.VM
 * @lma: EFER.LMA
 * @cs: CS with its descriptor
 *
 * AMD APM vol. 2, 1.3; Intel SDM vol. 3, 2.2.
 */
static inline enum emul_mode emul_mode(bool cr0_pe, bool vm, bool lma,
				       const struct emul_segment *cs)
{
	if (!cr0_pe)
		return EMUL_MODE_REAL;
	if (vm && !lma)
		return EMUL_MODE_VM86;
	if (lma && cs->l)
		return EMUL_MODE_PROT64;
	return cs->db ? EMUL_MODE_PROT32 : EMUL_MODE_PROT16;
}

/**
 * emul_short_length - length of an instruction that is intercepted often, in its plain form
 * @bytes: the 8 bytes at its address, little endian
 *
 * For 64-bit code on CPUs that don't report the next RIP: one look in place of emul_decode().
 * Without prefixes these have one encoding each.
 *
 * Return: bytes; 0: it isn't one of them, or has prefixes: it must be decoded.
 */
static inline unsigned int emul_short_length(u64 bytes)
{
	switch ((u16)bytes) {
	case 0xa20f:	/* CPUID */
	case 0x320f:	/* RDMSR */
	case 0x300f:	/* WRMSR */
	case 0x090f:	/* WBINVD */
		return 2;
	case 0x010f:	/* VMCALL, XSETBV, VMMCALL by ModRM */
		switch ((u8)(bytes >> 16)) {
		case 0xc1:
		case 0xd1:
		case 0xd9:
			return 3;
		}
		return 0;
	}
	return (u8)bytes == 0xf4;	/* HLT */
}

/**
 * emul_decode - decode the instruction at rip
 * @c: context; ops, opaque, vendor, mode, cpl, va_bits, rip set; gpr and rflags aren't looked at
 * @bytes: instruction bytes already known (decode assists), or NULL
 * @nr: how many of them, may be 0 and may be more than the instruction has
 *
 * Fills in @c->insn. Further bytes are fetched as they turn out to be needed: a page or a segment
 * limit that the instruction doesn't reach can't fault. Every defined opcode has its length
 * decoded, also those that emul_execute() can't do.
 *
 * Context: that of ops->fetch().
 * Return: EMUL_OK; EMUL_EXCEPTION (#PF and others from fetch, #GP for more than 15 bytes or beyond
 * the limit, #UD); EMUL_UNHANDLEABLE if fetch said so.
 */
enum emul_result emul_decode(struct emul_ctxt *c, const void *bytes, unsigned int nr);

/**
 * emul_execute - execute the decoded instruction
 * @c: context after a successful emul_decode(), or after this function returned EMUL_IO
 *
 * Context: that of the operations.
 * Return: see enum emul_result, and the restart contract above.
 */
enum emul_result emul_execute(struct emul_ctxt *c);

/**
 * emul_deliver - deliver an event through the IDT
 * @c: context as for emul_decode(), and gpr and rflags; @insn isn't looked at
 * @vector: exception, NMI or interrupt
 * @soft: INT n, INT3 or INTO brought it about: the gate's DPL counts, and error codes have no EXT
 * @has_error: @error_code is to be pushed, but in real mode
 * @error_code: error code
 *
 * rip is where the handler returns to: behind the instruction of a trap or software interrupt. RF
 * in rflags is that of the image to be pushed.
 *
 * Intel SDM vol. 3, chapter 6, and vol. 2, "INT n/INTO/INT3/INT1"; AMD APM vol. 2, 8.7 to 8.9.
 * Context: that of the operations.
 * Return: EMUL_OK: the state is that at the handler's first instruction; EMUL_EXCEPTION: delivery
 * met ctxt->exc, for the caller to combine with the event; others as for emul_execute(): EMUL_IO
 * and EMUL_RESTART want the same call again.
 */
enum emul_result emul_deliver(struct emul_ctxt *c, u8 vector, bool soft, bool has_error,
			      u32 error_code);

/* What brings a task switch about. As VMX numbers them: Intel SDM vol. 3, table 27-2. */
enum emul_task_reason { EMUL_TASK_CALL, EMUL_TASK_IRET, EMUL_TASK_JMP, EMUL_TASK_GATE };

/**
 * struct emul_task_switch - a task switch that was intercepted
 * @selector: of the new task's TSS
 * @reason: GATE is a task gate in the IDT; CALL and JMP may have gone through one, too
 * @soft: of GATE: by INT n, INT3, INTO
 * @has_error: of GATE: @error_code is to be pushed in the new task
 * @error_code: error code
 */
struct emul_task_switch {
	u16 selector;
	enum emul_task_reason reason;
	bool soft;
	bool has_error;
	u32 error_code;
};

/**
 * emul_task_switch - switch tasks, where hardware left off
 * @c: context as for emul_deliver(): rip is where the old task will go on
 * @t: whereto; privilege has been checked, the TSS is checked again
 *
 * Intel SDM vol. 3, 7.3; AMD APM vol. 2, 12.3.
 * Context: that of the operations.
 * Return: as emul_deliver(); c->task_switch says whether an exception is the new task's.
 */
enum emul_result emul_task_switch(struct emul_ctxt *c, const struct emul_task_switch *t);

/**
 * emul_can_execute - is there code behind the decoded instruction?
 * @c: context after a successful emul_decode()
 *
 * Return: false if emul_execute() would be EMUL_UNHANDLEABLE for lack of an implementation.
 */
bool emul_can_execute(const struct emul_ctxt *c);

#endif
