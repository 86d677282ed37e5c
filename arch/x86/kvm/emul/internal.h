/* SPDX-License-Identifier: GPL-2.0-only */
/* What the emulator's files share with each other and nobody else. */
#ifndef _KVM_EMUL_INTERNAL_H
#define _KVM_EMUL_INTERNAL_H

#include "emul.h"

/* Exception vectors: Intel SDM vol. 3, table 6-1. */
enum {
	EXC_DE = 0, EXC_DB = 1, EXC_BP = 3, EXC_OF = 4, EXC_BR = 5, EXC_UD = 6, EXC_NM = 7,
	EXC_TS = 10, EXC_NP = 11, EXC_SS = 12, EXC_GP = 13, EXC_PF = 14, EXC_MF = 16, EXC_AC = 17,
};

/* RFLAGS */
#define FL_CF		0x00000001u
#define FL_FIXED	0x00000002u
#define FL_PF		0x00000004u
#define FL_AF		0x00000010u
#define FL_ZF		0x00000040u
#define FL_SF		0x00000080u
#define FL_TF		0x00000100u
#define FL_IF		0x00000200u
#define FL_DF		0x00000400u
#define FL_OF		0x00000800u
#define FL_IOPL		0x00003000u
#define FL_NT		0x00004000u
#define FL_RF		0x00010000u
#define FL_VM		0x00020000u
#define FL_AC		0x00040000u
#define FL_VIF		0x00080000u
#define FL_VIP		0x00100000u
#define FL_ID		0x00200000u
#define FL_KNOWN	0x003f7fd5u	/* all that a program can see set or clear */
#define FL_ARITH	(FL_CF | FL_PF | FL_AF | FL_ZF | FL_SF | FL_OF)

#define CR0_PE		0x00000001u
#define CR0_MP		0x00000002u
#define CR0_EM		0x00000004u
#define CR0_TS		0x00000008u
#define CR0_AM		0x00040000u
#define CR0_PG		0x80000000u
#define CR4_VME		0x00000001u
#define CR4_PVI		0x00000002u
#define CR4_TSD		0x00000004u
#define CR4_DE		0x00000008u
#define CR4_OSFXSR	0x00000200u
#define CR4_UMIP	0x00000800u
#define CR4_FSGSBASE	0x00010000u
#define CR4_OSXSAVE	0x00040000u

/* MSRs: Intel SDM vol. 4, 2.1; AMD APM vol. 2, appendix A */
enum {
	IDX_SYSENTER_CS = 0x174, IDX_SYSENTER_ESP = 0x175, IDX_SYSENTER_EIP = 0x176,
	IDX_EFER = 0xc0000080, IDX_STAR = 0xc0000081, IDX_LSTAR = 0xc0000082,
	IDX_CSTAR = 0xc0000083, IDX_SFMASK = 0xc0000084, IDX_KERNEL_GS_BASE = 0xc0000102,
	IDX_TSC_AUX = 0xc0000103,
};
#define SCE		1u	/* EFER's bit for SYSCALL */
#define X87_ES		0x80u	/* the x87 status word's: an exception isn't masked */

/* Types of system descriptors: Intel SDM vol. 3, table 3-2. */
enum {
	SYS_TSS16 = 1, SYS_LDT = 2, SYS_CALL16 = 4, SYS_TASK_GATE = 5, SYS_INT16 = 6,
	SYS_TRAP16 = 7, SYS_TSS32 = 9, SYS_CALL32 = 12, SYS_INT32 = 14, SYS_TRAP32 = 15,
};
#define SYS_BUSY	2u		/* of a TSS's type */
#define DESC_BUSY	(1ull << 41)	/* the same in its descriptor */

/* Types of code and data segments, selectors */
#define SEG_ACCESSED	1u
#define SEG_WRITABLE	2u		/* data; of code: readable */
#define SEG_DOWN	4u		/* data expands down; of code: conforming */
#define SEG_CODE	8u
#define SEL_TI		4u

/* Opcode maps, as struct emul_insn numbers them. */
enum { MAP_ONE, MAP_0F, MAP_0F38, MAP_0F3A };

/* What a row is: an instruction, nothing, or a table to look further in. */
enum emul_row_kind {
	ROW_UD,			/* undefined: #UD */
	ROW_INSN,
	ROW_GROUP,		/* by the reg field of ModRM: 8 rows */
	ROW_PREFIX,		/* by mandatory prefix: none, 66, F3, F2 */
	ROW_MEM_REG,		/* ModRM names memory, a register: 2 rows */
	ROW_RM,			/* by the r/m field of ModRM: 8 rows */
	ROW_MODE64,		/* outside of 64-bit mode, in 64-bit mode: 2 rows */
};

/* Operands. Sizes are the operation's unless the comment says otherwise. */
enum emul_operand_kind {
	OP_NONE,
	OP_E,			/* ModRM r/m: register or memory */
	OP_EB, OP_EW, OP_ED,	/* the same, of 1, 2, 4 bytes */
	OP_G,			/* ModRM reg */
	OP_A,			/* accumulator */
	OP_Z,			/* register in the opcode's low three bits */
	OP_I,			/* immediate */
	OP_1,			/* the constant 1 */
	OP_CL,
	OP_O,			/* memory at an absolute offset */
	OP_S,			/* segment register's selector, ModRM reg; 2 bytes */
	OP_VVVV,		/* the register in VEX.vvvv */
};

enum emul_imm_kind {
	IMM_NONE,
	IMM_U8, IMM_S8,		/* one byte, zero- or sign-extended */
	IMM_16,
	IMM_Z,			/* 2 or 4 bytes by operand size, sign-extended */
	IMM_V,			/* 2, 4 or 8 bytes by operand size */
	IMM_REL8, IMM_RELZ,	/* branch displacement */
	IMM_32,
	IMM_16_8,		/* ENTER */
	IMM_8_8,		/* EXTRQ, INSERTQ */
	IMM_FAR,		/* offset, selector */
	IMM_OFFS,		/* absolute offset, of address size, into disp */
};

/* Row flags */
#define F_MODRM		BIT(0)	/* has a ModRM byte */
#define F_BYTE		BIT(1)	/* operates on bytes */
#define F_BW		BIT(2)	/* on bytes if the opcode is even */
#define F_D64		BIT(3)	/* in 64-bit mode operand size 8, or 2 with prefix 66 */
#define F_NEAR		BIT(4)	/* near branch: 64-bit mode: 8; AMD: or 2 by prefix 66 */
#define F_F64		BIT(5)	/* in 64-bit mode always 8, else always 4 */
#define F_NO64		BIT(6)	/* #UD in 64-bit mode */
#define F_PROT		BIT(7)	/* #UD in real and virtual-8086 mode */
#define F_PRIV		BIT(8)	/* #GP(0) unless CPL is 0 */
#define F_LOCK		BIT(9)	/* LOCK allowed if the destination is memory */
#define F_MOV		BIT(10)	/* destination isn't read first */
#define F_NOWRITE	BIT(11)	/* destination isn't written */
#define F_MEM		BIT(12)	/* #UD if ModRM names a register */
#define F_REG		BIT(13)	/* #UD if ModRM names memory */
#define F_MOD3		BIT(14)	/* register whatever ModRM's mod says (MOV CR, DR) */
#define F_BITOFF	BIT(15)	/* a register bit offset moves the memory operand (BT) */
#define F_ATOMIC	BIT(16)	/* locked without a prefix (XCHG) */
#define F_SSE		BIT(17)	/* vector register: CR0.EM, CR0.TS, CR4.OSFXSR apply */
#define F_VEX		BIT(18)	/* exists with VEX and no third operand as well */
#define F_LOCK_CR8	BIT(19)	/* AMD: LOCK selects CR8 */
#define F_ALIGN		BIT(20)	/* #GP(0) unless the memory operand is aligned */
#define F_REP		BIT(21)	/* string instruction */
#define F_64ONLY	BIT(22)	/* #UD outside of 64-bit mode */
#define F_STORES	BIT(23)	/* the function itself writes the destination */
#define F_32		BIT(24)	/* 4 bytes, 8 by REX.W or VEX.W, whatever 66 says; #UD by VEX.L */
#define F_VVVV		BIT(25)	/* of those: VEX.vvvv is an operand; else #UD if it names one */
#define F_MEM_AMD	BIT(26)	/* AMD: #UD if ModRM names a register (PREFETCH) */

/*
 * An instruction. All functions below of this form are such: called with the operands that the row
 * names loaded, rip already at the next instruction, legality and CPL checked; they compute into
 * w->dst (which emul_execute() then writes back), w->gpr, w->rflags, w->rip. On any result but
 * EMUL_OK nothing of *w is kept, so only accesses through the operations must be in a sensible
 * order: all that can fail, then those that set state. Rows and functions find each other by name.
 */
struct emul_work;
typedef enum emul_result (*emul_exec_fn)(struct emul_work *w);

/**
 * struct emul_row - an opcode
 * @sub: table to look further in, for the kinds that do that
 * @exec: executes it; NULL if only its length is known
 * @flags: F_*
 * @kind: enum emul_row_kind
 * @dst: enum emul_operand_kind of the destination
 * @src: of the source
 * @imm: enum emul_imm_kind
 */
struct emul_row {
	const struct emul_row *sub;
	emul_exec_fn exec;
	u32 flags;
	u8 kind;
	u8 dst;
	u8 src;
	u8 imm;
};

/**
 * struct emul_operand - an operand during execution
 * @val: its value, zero-extended
 * @orig: what memory held, for locked writes
 * @linear: linear address, if @mem
 * @size: bytes: 1, 2, 4, 8; 0 for none
 * @reg: register number, if not @mem
 * @high: the register's second byte (AH, CH, DH, BH)
 * @mem: it is memory
 */
struct emul_operand {
	u64 val;
	u64 orig;
	u64 linear;
	u8 size;
	u8 reg;
	bool high;
	bool mem;
};

/**
 * struct emul_work - the state that an instruction is working on
 * @c: the context, which holds the state before the instruction
 * @insn: &c->insn
 * @gpr: registers, committed when the instruction is complete
 * @rip: of the next instruction, until a branch changes it
 * @rflags: the flags, likewise
 * @dst: destination operand
 * @src: source operand
 * @size: operation size in bytes: 1, 2, 4, 8
 * @shadow: EMUL_SHADOW_* that begin
 * @iret: IRET: NMIs are no longer blocked
 * @keeps_rf: rflags.RF is the instruction's own result
 */
struct emul_work {
	struct emul_ctxt *c;
	const struct emul_insn *insn;
	u64 gpr[EMUL_NR_REGS];
	u64 rip;
	u64 rflags;
	struct emul_operand dst;
	struct emul_operand src;
	u8 size;
	u8 shadow;
	bool iret;
	bool keeps_rf;
};

/**
 * struct emul_desc - a code, data or system descriptor
 * @addr: where it is; 0 if none was read
 * @raw: as it was read; of 16 bytes the lower 8
 * @seg: what it says
 */
struct emul_desc {
	u64 addr;
	u64 raw;
	struct emul_segment seg;
};

/**
 * struct emul_stack - a stack that something is pushed on, perhaps not the current one
 * @ss: its segment; in 64-bit mode it doesn't count
 * @sp: stack pointer, moved by emul_stack_push()
 * @error: error code of #SS for this stack
 * @size: bytes of the stack pointer: 2, 4, 8
 * @width: bytes that are pushed at a time: 2, 4, 8
 * @cpl: at which the pushes are made
 * @res: of the pushes so far: after the first that failed there are no more
 */
struct emul_stack {
	struct emul_desc ss;
	u64 sp;
	u16 error;
	u8 size;
	u8 width;
	u8 cpl;
	enum emul_result res;
};

/**
 * struct emul_event - what goes through the IDT
 * @vector: number of the gate
 * @soft: INT n, INT3, INTO: the gate's DPL counts, and rip is behind the instruction
 * @has_error: @error is pushed
 * @error: error code
 */
struct emul_event {
	u8 vector;
	bool soft;
	bool has_error;
	u32 error;
};

static inline bool emul_is_64(const struct emul_ctxt *c)
{
	return c->mode == EMUL_MODE_PROT64;
}

/* Real or virtual-8086 mode: segments are paragraphs. */
static inline bool emul_is_paragraph(const struct emul_ctxt *c)
{
	return c->mode == EMUL_MODE_REAL || c->mode == EMUL_MODE_VM86;
}

static inline u64 emul_mask(unsigned int size)
{
	return size >= 8 ? ~0ull : (1ull << size * 8) - 1;
}

static inline u64 emul_sign(unsigned int size)
{
	return 1ull << (size * 8 - 1);
}

static inline u64 emul_sext(u64 val, unsigned int size)
{
	u64 sign = emul_sign(size);

	val &= emul_mask(size);
	return (val ^ sign) - sign;
}

/* Replace the low @size bytes of *@reg as a register write does: 4 bytes clear the upper half. */
static inline void emul_merge(u64 *reg, u64 val, unsigned int size)
{
	u64 mask = emul_mask(size);

	*reg = size == 4 ? (u32)val : (*reg & ~mask) | (val & mask);
}

static inline bool emul_canonical(const struct emul_ctxt *c, u64 addr)
{
	/* All bits from the sign on are alike: 0 or -1. */
	s64 high = (s64)addr >> (c->va_bits == 57 ? 56 : 47);

	return (u64)(high + 1) <= 1;
}

static inline bool emul_is_null(u16 selector)
{
	return !(selector & ~3u);
}

static inline bool emul_is_code(const struct emul_segment *s)
{
	return s->s && s->type & SEG_CODE;
}

static inline bool emul_is_conforming(const struct emul_segment *s)
{
	return emul_is_code(s) && s->type & SEG_DOWN;
}

static inline bool emul_is_readable(const struct emul_segment *s)
{
	return s->s && (!(s->type & SEG_CODE) || s->type & SEG_WRITABLE);
}

static inline bool emul_is_writable(const struct emul_segment *s)
{
	return s->s && !(s->type & SEG_CODE) && s->type & SEG_WRITABLE;
}

/* The register that VEX.vvvv names. */
static inline unsigned int emul_vvvv(const struct emul_work *w)
{
	return w->insn->vvvv & (emul_is_64(w->c) ? 15 : 7);
}

static inline void emul_set_flag(struct emul_work *w, u32 flag, bool on)
{
	w->rflags = on ? w->rflags | flag : w->rflags & ~(u64)flag;
}

static inline unsigned int emul_iopl(const struct emul_work *w)
{
	return w->rflags >> 12 & 3;
}

/* Linear address in a descriptor table or TSS: outside of long mode it wraps at 4 GiB. */
static inline u64 emul_table_address(const struct emul_ctxt *c, u64 base, u64 offset)
{
	return c->lma ? base + offset : (u32)(base + offset);
}

/* decode.c, optable.c */
extern const struct emul_row emul_map_one[256];
extern const struct emul_row emul_map_0f[256];
const struct emul_row *emul_row_0f38(u8 opcode);
const struct emul_row *emul_row_0f3a(u8 opcode);
const struct emul_row *emul_row_vex(const struct emul_insn *insn);
const struct emul_row *emul_row_vex_gpr(unsigned int map, u8 opcode);

/* operand.c */
enum emul_result emul_raise(struct emul_ctxt *c, u8 vector);
enum emul_result emul_raise_code(struct emul_ctxt *c, u8 vector, u32 error_code);
u64 emul_ea(const struct emul_work *w);
bool emul_segment_permits(const struct emul_ctxt *c, const struct emul_segment *s, u64 ea,
			  unsigned int n, unsigned int acc);
bool emul_wants_alignment(struct emul_ctxt *c);
enum emul_result emul_linear(struct emul_work *w, unsigned int seg, u64 ea, unsigned int n,
			     unsigned int acc, u64 *linear);
enum emul_result emul_read_linear(struct emul_work *w, u64 addr, void *buf, unsigned int n,
				  unsigned int acc);
enum emul_result emul_write_linear(struct emul_work *w, u64 addr, const void *buf, unsigned int n,
				   unsigned int acc);
enum emul_result emul_touch(struct emul_work *w, u64 addr, unsigned int n, unsigned int acc);
enum emul_result emul_read_seg(struct emul_work *w, unsigned int seg, u64 ea, void *buf,
			       unsigned int n);
enum emul_result emul_write_seg(struct emul_work *w, unsigned int seg, u64 ea, const void *buf,
				unsigned int n);
enum emul_result emul_cmpxchg(struct emul_work *w, u64 addr, const void *old, const void *new,
			      unsigned int n, unsigned int acc);
enum emul_result emul_store(struct emul_work *w, struct emul_operand *op);
u64 emul_reg(const struct emul_work *w, unsigned int reg, unsigned int size);
void emul_set_reg(struct emul_work *w, unsigned int reg, u64 val, unsigned int size);
u64 emul_reg8(const struct emul_work *w, unsigned int reg);
unsigned int emul_stack_size(struct emul_work *w);
enum emul_result emul_push(struct emul_work *w, u64 val, unsigned int size);
enum emul_result emul_pop(struct emul_work *w, u64 *val, unsigned int size);
void emul_begin(struct emul_work *w, struct emul_ctxt *c);
void emul_commit(struct emul_work *w);
void emul_commit_iteration(struct emul_work *w);

/* alu.c */
bool emul_condition(u64 rflags, unsigned int cc);
u64 emul_multiply(u64 a, u64 b, unsigned int size, u64 *high);
void emul_flags_sub(struct emul_work *w, u64 a, u64 b, unsigned int size);

enum emul_result emul_add(struct emul_work *w);
enum emul_result emul_or(struct emul_work *w);
enum emul_result emul_adc(struct emul_work *w);
enum emul_result emul_sbb(struct emul_work *w);
enum emul_result emul_and(struct emul_work *w);
enum emul_result emul_sub(struct emul_work *w);
enum emul_result emul_xor(struct emul_work *w);
enum emul_result emul_cmp(struct emul_work *w);
enum emul_result emul_test(struct emul_work *w);
enum emul_result emul_inc(struct emul_work *w);
enum emul_result emul_dec(struct emul_work *w);
enum emul_result emul_not(struct emul_work *w);
enum emul_result emul_neg(struct emul_work *w);
enum emul_result emul_mul(struct emul_work *w);
enum emul_result emul_imul1(struct emul_work *w);
enum emul_result emul_imul2(struct emul_work *w);
enum emul_result emul_imul3(struct emul_work *w);
enum emul_result emul_div(struct emul_work *w);
enum emul_result emul_idiv(struct emul_work *w);
enum emul_result emul_rol(struct emul_work *w);
enum emul_result emul_ror(struct emul_work *w);
enum emul_result emul_rcl(struct emul_work *w);
enum emul_result emul_rcr(struct emul_work *w);
enum emul_result emul_shl(struct emul_work *w);
enum emul_result emul_shr(struct emul_work *w);
enum emul_result emul_sar(struct emul_work *w);
enum emul_result emul_shld(struct emul_work *w);
enum emul_result emul_shrd(struct emul_work *w);
enum emul_result emul_cbw(struct emul_work *w);
enum emul_result emul_cwd(struct emul_work *w);

/* bits.c */
enum emul_result emul_bt(struct emul_work *w);
enum emul_result emul_bts(struct emul_work *w);
enum emul_result emul_btr(struct emul_work *w);
enum emul_result emul_btc(struct emul_work *w);
enum emul_result emul_bsf(struct emul_work *w);
enum emul_result emul_bsr(struct emul_work *w);
enum emul_result emul_popcnt(struct emul_work *w);
enum emul_result emul_tzcnt(struct emul_work *w);
enum emul_result emul_lzcnt(struct emul_work *w);
enum emul_result emul_bswap(struct emul_work *w);
enum emul_result emul_movbe(struct emul_work *w);
enum emul_result emul_crc32(struct emul_work *w);
enum emul_result emul_daa(struct emul_work *w);
enum emul_result emul_das(struct emul_work *w);
enum emul_result emul_aaa(struct emul_work *w);
enum emul_result emul_aas(struct emul_work *w);
enum emul_result emul_aam(struct emul_work *w);
enum emul_result emul_aad(struct emul_work *w);
enum emul_result emul_salc(struct emul_work *w);

/* bmi.c */
enum emul_result emul_andn(struct emul_work *w);
enum emul_result emul_bextr(struct emul_work *w);
enum emul_result emul_blsr(struct emul_work *w);
enum emul_result emul_blsmsk(struct emul_work *w);
enum emul_result emul_blsi(struct emul_work *w);
enum emul_result emul_bzhi(struct emul_work *w);
enum emul_result emul_pdep(struct emul_work *w);
enum emul_result emul_pext(struct emul_work *w);
enum emul_result emul_mulx(struct emul_work *w);
enum emul_result emul_rorx(struct emul_work *w);
enum emul_result emul_shlx(struct emul_work *w);
enum emul_result emul_sarx(struct emul_work *w);
enum emul_result emul_shrx(struct emul_work *w);
enum emul_result emul_adcx(struct emul_work *w);
enum emul_result emul_adox(struct emul_work *w);

/* syscall.c */
enum emul_result emul_syscall(struct emul_work *w);
enum emul_result emul_sysret(struct emul_work *w);
enum emul_result emul_sysenter(struct emul_work *w);
enum emul_result emul_sysexit(struct emul_work *w);
enum emul_result emul_swapgs(struct emul_work *w);
enum emul_result emul_rd_base(struct emul_work *w);
enum emul_result emul_wr_base(struct emul_work *w);

/* move.c */
enum emul_result emul_vm86_flags(struct emul_work *w, bool *vif);
u64 emul_virtual_flags(const struct emul_work *w);
enum emul_result emul_set_vif(struct emul_work *w, u64 flags);
enum emul_result emul_nop(struct emul_work *w);
enum emul_result emul_mov(struct emul_work *w);
enum emul_result emul_movnti(struct emul_work *w);
enum emul_result emul_movdiri(struct emul_work *w);
enum emul_result emul_movdir64b(struct emul_work *w);
enum emul_result emul_clzero(struct emul_work *w);
enum emul_result emul_movsx(struct emul_work *w);
enum emul_result emul_mov_from_seg(struct emul_work *w);
enum emul_result emul_mov_to_seg(struct emul_work *w);
enum emul_result emul_lea(struct emul_work *w);
enum emul_result emul_xchg(struct emul_work *w);
enum emul_result emul_xchg_acc(struct emul_work *w);
enum emul_result emul_xadd(struct emul_work *w);
enum emul_result emul_cmpxchg_insn(struct emul_work *w);
enum emul_result emul_cmpxchg8b(struct emul_work *w);
enum emul_result emul_cmov(struct emul_work *w);
enum emul_result emul_setcc(struct emul_work *w);
enum emul_result emul_xlat(struct emul_work *w);
enum emul_result emul_sahf(struct emul_work *w);
enum emul_result emul_lahf(struct emul_work *w);
enum emul_result emul_push_op(struct emul_work *w);
enum emul_result emul_pop_reg(struct emul_work *w);
enum emul_result emul_pop_mem(struct emul_work *w);
enum emul_result emul_push_seg(struct emul_work *w);
enum emul_result emul_pop_seg(struct emul_work *w);
enum emul_result emul_pusha(struct emul_work *w);
enum emul_result emul_popa(struct emul_work *w);
enum emul_result emul_pushf(struct emul_work *w);
enum emul_result emul_popf(struct emul_work *w);
enum emul_result emul_enter(struct emul_work *w);
enum emul_result emul_leave(struct emul_work *w);
enum emul_result emul_les(struct emul_work *w);
enum emul_result emul_lds(struct emul_work *w);
enum emul_result emul_lss(struct emul_work *w);
enum emul_result emul_lfs(struct emul_work *w);
enum emul_result emul_lgs(struct emul_work *w);

/* string.c */
enum emul_result emul_movs(struct emul_work *w);
enum emul_result emul_cmps(struct emul_work *w);
enum emul_result emul_stos(struct emul_work *w);
enum emul_result emul_lods(struct emul_work *w);
enum emul_result emul_scas(struct emul_work *w);
enum emul_result emul_ins(struct emul_work *w);
enum emul_result emul_outs(struct emul_work *w);

/* flow.c */
enum emul_result emul_set_rip(struct emul_work *w, u64 target, unsigned int size);
enum emul_result emul_jmp_rel(struct emul_work *w);
enum emul_result emul_jcc(struct emul_work *w);
enum emul_result emul_loop(struct emul_work *w);
enum emul_result emul_jcxz(struct emul_work *w);
enum emul_result emul_jmp_ind(struct emul_work *w);
enum emul_result emul_call_rel(struct emul_work *w);
enum emul_result emul_call_ind(struct emul_work *w);
enum emul_result emul_ret(struct emul_work *w);

/* stack.c */
void emul_stack_current(struct emul_work *w, struct emul_stack *st, u8 width);
enum emul_result emul_stack_of_tss(struct emul_work *w, u8 cpl, u8 ist, u8 width,
				   struct emul_stack *st);
enum emul_result emul_stack_room(struct emul_work *w, const struct emul_stack *st, unsigned int n);
void emul_stack_push(struct emul_work *w, struct emul_stack *st, u64 val);
void emul_stack_set_pointer(struct emul_work *w, const struct emul_stack *st);

/* far.c */
enum emul_code_use { EMUL_CODE_BRANCH, EMUL_CODE_RETURN, EMUL_CODE_GATE, EMUL_CODE_JMP_GATE };
enum emul_result emul_code_desc(struct emul_work *w, u16 selector, enum emul_code_use use,
				struct emul_desc *d);
enum emul_result emul_check_offset(struct emul_work *w, const struct emul_segment *cs, u64 offset);
enum emul_result emul_paragraph_code(struct emul_work *w, u16 selector, u64 offset,
				     struct emul_segment *cs);
enum emul_result emul_set_cs(struct emul_work *w, const struct emul_segment *cs, u64 offset);
enum emul_result emul_far_return(struct emul_work *w, u16 selector, u64 offset, u16 release,
				 bool iret);
enum emul_result emul_jmp_far(struct emul_work *w);
enum emul_result emul_jmp_far_ind(struct emul_work *w);
enum emul_result emul_call_far(struct emul_work *w);
enum emul_result emul_call_far_ind(struct emul_work *w);
enum emul_result emul_ret_far(struct emul_work *w);

/* interrupt.c */
enum emul_result emul_int1(struct emul_work *w);
enum emul_result emul_int3(struct emul_work *w);
enum emul_result emul_int_n(struct emul_work *w);
enum emul_result emul_into(struct emul_work *w);
enum emul_result emul_bound(struct emul_work *w);
enum emul_result emul_iret(struct emul_work *w);

/* task.c */
enum emul_result emul_task_gate(struct emul_work *w, u16 selector, enum emul_task_reason reason,
				const struct emul_event *event);
enum emul_result emul_task_tss(struct emul_work *w, u16 selector, enum emul_task_reason reason);
enum emul_result emul_task_return(struct emul_work *w);
void emul_paragraph_segment(struct emul_segment *s, u16 selector);

/* segment.c */
void emul_unpack_descriptor(u64 desc, u16 selector, struct emul_segment *s);
enum emul_result emul_selector_fault(struct emul_work *w, u8 vector, u16 selector);
enum emul_result emul_read_desc(struct emul_work *w, u16 selector, u8 vector, unsigned int acc,
				struct emul_desc *d);
enum emul_result emul_read_desc_high(struct emul_work *w, const struct emul_desc *d, u64 *high);
enum emul_result emul_mark_accessed(struct emul_work *w, struct emul_desc *d);
enum emul_result emul_set_segment(struct emul_work *w, unsigned int nr,
				  const struct emul_segment *s);
enum emul_result emul_load_data_seg(struct emul_work *w, unsigned int nr, u16 selector, u8 vector);
enum emul_result emul_load_seg(struct emul_work *w, unsigned int nr, u16 selector);
enum emul_result emul_load_ldtr(struct emul_work *w, u16 selector, u8 vector);
enum emul_result emul_lldt(struct emul_work *w);
enum emul_result emul_ltr(struct emul_work *w);
enum emul_result emul_sldt(struct emul_work *w);
enum emul_result emul_str(struct emul_work *w);
enum emul_result emul_lar(struct emul_work *w);
enum emul_result emul_lsl(struct emul_work *w);
enum emul_result emul_verr(struct emul_work *w);
enum emul_result emul_verw(struct emul_work *w);
enum emul_result emul_arpl(struct emul_work *w);

/* system.c */
enum emul_result emul_io_allowed(struct emul_work *w, u16 port, unsigned int size);
enum emul_result emul_in_imm(struct emul_work *w);
enum emul_result emul_in_dx(struct emul_work *w);
enum emul_result emul_out_imm(struct emul_work *w);
enum emul_result emul_out_dx(struct emul_work *w);
enum emul_result emul_clc(struct emul_work *w);
enum emul_result emul_stc(struct emul_work *w);
enum emul_result emul_cmc(struct emul_work *w);
enum emul_result emul_cld(struct emul_work *w);
enum emul_result emul_std(struct emul_work *w);
enum emul_result emul_cli(struct emul_work *w);
enum emul_result emul_sti(struct emul_work *w);
enum emul_result emul_clac(struct emul_work *w);
enum emul_result emul_stac(struct emul_work *w);
enum emul_result emul_hlt(struct emul_work *w);
enum emul_result emul_clts(struct emul_work *w);
enum emul_result emul_lmsw(struct emul_work *w);
enum emul_result emul_smsw(struct emul_work *w);
enum emul_result emul_mov_from_cr(struct emul_work *w);
enum emul_result emul_mov_to_cr(struct emul_work *w);
enum emul_result emul_mov_from_dr(struct emul_work *w);
enum emul_result emul_mov_to_dr(struct emul_work *w);
enum emul_result emul_sgdt(struct emul_work *w);
enum emul_result emul_sidt(struct emul_work *w);
enum emul_result emul_lgdt(struct emul_work *w);
enum emul_result emul_lidt(struct emul_work *w);
enum emul_result emul_rdmsr(struct emul_work *w);
enum emul_result emul_wrmsr(struct emul_work *w);
enum emul_result emul_rdtsc(struct emul_work *w);
enum emul_result emul_rdtscp(struct emul_work *w);
enum emul_result emul_rdpid(struct emul_work *w);
enum emul_result emul_rdpmc(struct emul_work *w);
enum emul_result emul_rdrand(struct emul_work *w);
enum emul_result emul_cpuid(struct emul_work *w);
enum emul_result emul_invd(struct emul_work *w);
enum emul_result emul_wbinvd(struct emul_work *w);
enum emul_result emul_invlpg(struct emul_work *w);
enum emul_result emul_xgetbv(struct emul_work *w);
enum emul_result emul_xsetbv(struct emul_work *w);
enum emul_result emul_undefined(struct emul_work *w);
enum emul_result emul_clflush(struct emul_work *w);

/* sse.c */
enum emul_result emul_vec_load(struct emul_work *w);
enum emul_result emul_vec_store(struct emul_work *w);
enum emul_result emul_vec_load_scalar(struct emul_work *w);
enum emul_result emul_vec_store_scalar(struct emul_work *w);
enum emul_result emul_vec_load_low(struct emul_work *w);
enum emul_result emul_vec_load_high(struct emul_work *w);
enum emul_result emul_vec_store_high(struct emul_work *w);
enum emul_result emul_vec_movq_load(struct emul_work *w);
enum emul_result emul_vec_movq_store(struct emul_work *w);
enum emul_result emul_vec_from_gpr(struct emul_work *w);
enum emul_result emul_vec_to_gpr(struct emul_work *w);

/* mmx.c */
enum emul_result emul_mmx_load(struct emul_work *w);
enum emul_result emul_mmx_store(struct emul_work *w);
enum emul_result emul_mmx_from_gpr(struct emul_work *w);
enum emul_result emul_mmx_to_gpr(struct emul_work *w);

/* x87.c */
enum emul_result emul_fninit(struct emul_work *w);
enum emul_result emul_fnstcw(struct emul_work *w);
enum emul_result emul_fnstsw(struct emul_work *w);
enum emul_result emul_fwait(struct emul_work *w);

#endif
