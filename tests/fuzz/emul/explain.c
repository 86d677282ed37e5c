// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the manuals leave undefined, and where processors are seen to differ: the only differences
 * that aren't a failure. Intel SDM vol. 2 and AMD APM vol. 3, the pages of the instructions.
 */
#include <string.h>

#include "fuzz.h"

#define FL_SZAP (FL_SF | FL_ZF | FL_AF | FL_PF)
#define ALL 0xff

/**
 * struct undefined - flags that instructions leave undefined
 * @map: opcode map
 * @first: opcode
 * @last: up to this one
 * @regs: bit per ModRM reg field
 * @flags: the flags
 * @where: whose page says so
 */
static const struct undefined {
	u8 map, first, last, regs;
	u32 flags;
	const char *where;
} undefined[] = {
	{ MAP_ONE, 0x08, 0x0d, ALL, FL_AF, "OR" },
	{ MAP_ONE, 0x20, 0x25, ALL, FL_AF, "AND" },
	{ MAP_ONE, 0x30, 0x35, ALL, FL_AF, "XOR" },
	{ MAP_ONE, 0x80, 0x83, 0x52, FL_AF, "OR, AND, XOR" },
	{ MAP_ONE, 0x84, 0x85, ALL, FL_AF, "TEST" },
	{ MAP_ONE, 0xa8, 0xa9, ALL, FL_AF, "TEST" },
	{ MAP_ONE, 0xf6, 0xf7, 0x03, FL_AF, "TEST" },
	{ MAP_ONE, 0x27, 0x27, ALL, FL_OF, "DAA" },
	{ MAP_ONE, 0x2f, 0x2f, ALL, FL_OF, "DAS" },
	{ MAP_ONE, 0x37, 0x37, ALL, FL_OF | FL_SF | FL_ZF | FL_PF, "AAA" },
	{ MAP_ONE, 0x3f, 0x3f, ALL, FL_OF | FL_SF | FL_ZF | FL_PF, "AAS" },
	{ MAP_ONE, 0xd4, 0xd4, ALL, FL_OF | FL_AF | FL_CF, "AAM" },
	{ MAP_ONE, 0xd5, 0xd5, ALL, FL_OF | FL_AF | FL_CF, "AAD" },
	{ MAP_ONE, 0x69, 0x69, ALL, FL_SZAP, "IMUL" },
	{ MAP_ONE, 0x6b, 0x6b, ALL, FL_SZAP, "IMUL" },
	{ MAP_ONE, 0xf6, 0xf7, 0x30, FL_SZAP, "MUL, IMUL" },
	{ MAP_ONE, 0xf6, 0xf7, 0xc0, FL_ARITH, "DIV, IDIV" },
	{ MAP_0F, 0xaf, 0xaf, ALL, FL_SZAP, "IMUL" },
	{ MAP_0F, 0xa3, 0xa3, ALL, FL_OF | FL_SF | FL_AF | FL_PF, "BT" },
	{ MAP_0F, 0xab, 0xab, ALL, FL_OF | FL_SF | FL_AF | FL_PF, "BTS" },
	{ MAP_0F, 0xb3, 0xb3, ALL, FL_OF | FL_SF | FL_AF | FL_PF, "BTR" },
	{ MAP_0F, 0xba, 0xbb, ALL, FL_OF | FL_SF | FL_AF | FL_PF, "BT, BTS, BTR, BTC" },
	{ MAP_0F, 0xbc, 0xbc, ALL, FL_OF | FL_SF | FL_AF | FL_PF, "BSF, TZCNT" },
	{ MAP_0F, 0xbd, 0xbd, ALL, FL_OF | FL_SF | FL_AF | FL_PF, "BSR, LZCNT" },
};

/* SAL/SAR/SHL/SHR, RCL/RCR/ROL/ROR: by count. */
static u32 undefined_by_shift(const struct emul_insn *i, u64 rcx)
{
	unsigned int size = i->opcode & 1 ? i->opsize : 1, op = i->modrm >> 3 & 7;
	unsigned int count = (i->opcode & 0xfe) == 0xc0 ? i->imm : i->opcode & 2 ? rcx : 1;
	u32 flags = 0;

	count &= size == 8 ? 63 : 31;
	if (!count)
		return 0;
	if (count != 1)
		flags |= FL_OF;
	if (op >= 4)
		flags |= FL_AF;
	if (op >= 4 && op != 7 && count >= size * 8)
		flags |= FL_CF;
	return flags;
}

/* SHLD, SHRD: by count. */
static unsigned int double_shift_count(const struct emul_insn *i, u64 rcx)
{
	return (i->opcode & 1 ? rcx : i->imm) & (i->opsize == 8 ? 63 : 31);
}

static u32 undefined_by_double_shift(const struct emul_insn *i, u64 rcx)
{
	unsigned int count = double_shift_count(i, rcx);

	if (!count)
		return 0;
	return count > i->opsize * 8u ? FL_ARITH : count > 1 ? FL_AF | FL_OF : FL_AF;
}

/* BMI1 and BMI2: those that change flags have no mandatory prefix. */
static u32 undefined_by_bmi(const struct emul_insn *i)
{
	if (i->rep || i->opsize_prefix)
		return 0;
	return i->opcode == 0xf7 ? FL_AF | FL_PF | FL_SF : FL_AF | FL_PF;
}

static bool is_double_shift(const struct emul_insn *i)
{
	return i->map == MAP_0F && (i->opcode & 0xf6) == 0xa4;
}

u32 undefined_flags(const struct trial *t)
{
	const struct emul_insn *i = &t->insn;
	u64 rcx = t->in.gpr[EMUL_RCX];
	unsigned int k;
	u32 flags = 0;

	if (i->map == MAP_ONE && ((i->opcode & 0xfe) == 0xc0 || (i->opcode & 0xfc) == 0xd0))
		return undefined_by_shift(i, rcx);
	if (is_double_shift(i))
		return undefined_by_double_shift(i, rcx);
	if (i->row && i->row->flags & F_32 && i->vex != EMUL_VEX_NONE)
		return undefined_by_bmi(i);
	for (k = 0; k < ARRAY_SIZE(undefined); k++) {
		const struct undefined *u = &undefined[k];

		if (u->map == i->map && i->opcode >= u->first && i->opcode <= u->last &&
		    u->regs >> (i->modrm >> 3 & 7) & 1)
			flags |= u->flags;
	}
	/* TZCNT, LZCNT define CF. */
	if (i->map == MAP_0F && (i->opcode & 0xfe) == 0xbc && i->rep != 0xf3)
		flags |= FL_CF;
	return flags;
}

/*
 * Differences in faults where two could come, and in results that are undefined. Those of AMD's
 * are no manual's: they were seen on family 19h.
 */

/* Is the fault what an access of up to 8 bytes at @ea in @seg would raise? */
static bool faults_at(const struct trial *t, unsigned int seg, u64 ea, const struct cpu_out *out)
{
	u64 linear = ea & emul_mask(t->insn.addrsize);

	if (t->bits != BITS_64)
		linear = (u32)(linear + t->seg[seg].base);
	else if (seg == EMUL_SEG_FS || seg == EMUL_SEG_GS)
		linear += t->seg[seg].base;
	if (out->vector == EXC_PF)
		return out->cr2 - linear < 8 || (u32)out->cr2 - linear < 8;
	return out->vector == EXC_GP || out->vector == EXC_SS || out->vector == EXC_AC;
}

static bool is_memory_fault(u64 vector)
{
	return vector == EXC_GP || vector == EXC_SS || vector == EXC_PF || vector == EXC_AC;
}

/* A call to a bad address with no stack to push to. */
static bool call_target_or_stack(const struct trial *t, const struct cpu_out *out)
{
	const struct emul_insn *i = &t->insn;

	return i->map == MAP_ONE &&
	       (i->opcode == 0xe8 || (i->opcode == 0xff && (i->reg & 7) == 2)) &&
	       t->exc.vector == EXC_GP && is_memory_fault(out->vector);
}

static bool cmps_operands(const struct trial *t, const struct cpu_out *out)
{
	const struct emul_insn *i = &t->insn;

	return i->map == MAP_ONE && (i->opcode & 0xfe) == 0xa6 && is_memory_fault(t->exc.vector) &&
	       is_memory_fault(out->vector) && faults_at(t, EMUL_SEG_ES, t->gpr[EMUL_RDI], out);
}

/* A far return that faults: in which order it reads its slots and the descriptor. */
static bool far_return_order(const struct trial *t, const struct cpu_out *out)
{
	const struct emul_insn *i = &t->insn;

	return i->map == MAP_ONE && ((i->opcode & 0xfe) == 0xca || i->opcode == 0xcf) &&
	       t->res == EMUL_EXCEPTION && is_memory_fault(out->vector);
}

/* Processors may fetch all of an instruction before they find that it is undefined. */
static bool undefined_at_end(const struct trial *t, const struct cpu_out *out)
{
	u64 end = t->in.patch[0].offset % CPU_PAGE + 15;

	if (t->exc.vector != EXC_UD || t->res != EMUL_EXCEPTION)
		return false;
	return out->vector == EXC_PF ?
		       end > CPU_PAGE && out->cr2 == CPU_CODE + CPU_CODE_SIZE :
		       out->vector == EXC_GP && t->seg[EMUL_SEG_CS].limit < t->in.rip + 15;
}

/* AMD's take a REP prefix, which is reserved here, for their condition. */
static bool loop_rep(const struct trial *t, const struct cpu_out *out)
{
	const struct emul_insn *i = &t->insn;

	return cpu_is_amd() && i->map == MAP_ONE && (i->opcode & 0xfe) == 0xe0 && i->rep &&
	       (out->vector == EXC_DB || out->vector == EXC_GP);
}

/*
 * A taken conditional jump or loop whose last byte is the code segment's last: AMD's family 1Ah was
 * seen to fault as if it fell through, for some histories of its branch predictor.
 */
static bool jump_at_limit(const struct trial *t, const struct cpu_out *out)
{
	const struct emul_insn *i = &t->insn;
	emul_exec_fn fn = i->row ? i->row->exec : NULL;

	return cpu_is_amd() && t->bits != BITS_64 &&
	       (fn == emul_jcc || fn == emul_loop || fn == emul_jcxz) && t->res == EMUL_OK &&
	       out->vector == EXC_GP && !out->error_code && out->rip == t->in.rip &&
	       t->rip != t->in.rip + i->len && t->seg[EMUL_SEG_CS].limit == t->in.rip + i->len - 1;
}

/* PUSH of a segment register by 4 bytes: Intel's may write 2 of them. Intel SDM vol. 2, "PUSH". */
static bool short_push(const struct trial *t, const struct cpu_out *out)
{
	const struct emul_insn *i = &t->insn;

	return !cpu_is_amd() && i->row && i->row->exec == emul_push_seg && i->opsize == 4;
}

/* Is it undefined, and more than 15 bytes? That takes at least 4 prefixes. */
static bool undefined_and_too_long(const struct trial *t, const struct cpu_out *out)
{
	unsigned int n = 0;

	while (memchr("\x66\x67\xf2\xf3\x2e\x36\x3e\x26\x64\x65\xf0", t->bytes[n], 11) ||
	       (t->bits == BITS_64 && (t->bytes[n] & 0xf0) == 0x40))
		n++;
	return n >= 4 && t->exc.vector == EXC_UD && t->res == EMUL_EXCEPTION &&
	       out->vector == EXC_GP && !out->error_code;
}

/* LOCK before VERW is undefined; processors whose VERW is a mitigation as well may let it pass. */
static bool locked_verw(const struct trial *t, const struct cpu_out *out)
{
	const struct emul_insn *i = &t->insn;

	return i->map == MAP_0F && i->opcode == 0x00 && (i->reg & 7) == 5 && i->lock &&
	       t->exc.vector == EXC_UD;
}

/* An instruction that this processor doesn't know is undefined before its length is known. */
static bool unknown_at_end(const struct trial *t, const struct cpu_out *out)
{
	struct emul_insn i;
	enum emul_result res;

	if (out->vector != EXC_UD || t->res != EMUL_EXCEPTION ||
	    !(t->exc.vector == EXC_GP || (t->exc.vector == EXC_PF && t->exc.error_code & 0x10)))
		return false;
	res = emulate_decode(t, false, &i);
	return res == EMUL_EXCEPTION || (res == EMUL_OK && !i.row->exec);
}

static bool is_far_call(const struct emul_insn *i)
{
	return i->map == MAP_ONE && (i->opcode == 0x9a || (i->opcode == 0xff && (i->reg & 7) == 3));
}

/*
 * From compatibility mode into 64-bit code AMD's push as the latter would: with no base, to all of
 * RSP. The emulator doesn't, and where nothing is mapped there one was seen to fault without end.
 */
bool is_unsafe(const struct trial *t)
{
	bool stack_fault = t->res == EMUL_EXCEPTION && !(t->exc.error_code & ~7);
	emul_exec_fn fn = t->insn.row ? t->insn.row->exec : NULL;

	if (fn && (fn == emul_syscall || fn == emul_sysenter))
		return true;
	return is_far_call(&t->insn) && t->bits != BITS_64 &&
	       (t->after[EMUL_SEG_CS].l || stack_fault);
}

static bool far_call_stack(const struct trial *t, const struct cpu_out *out)
{
	return is_far_call(&t->insn) && is_memory_fault(out->vector) && t->res == EMUL_EXCEPTION;
}

/* One that faults may have loaded some registers. */
static bool popa_partial(const struct trial *t, const struct cpu_out *out)
{
	return t->insn.map == MAP_ONE && t->insn.opcode == 0x61 && t->res == EMUL_EXCEPTION;
}

static bool bswap16(const struct trial *t, const struct cpu_out *out)
{
	return t->insn.map == MAP_0F && (t->insn.opcode & 0xf8) == 0xc8 && t->insn.opsize == 2;
}

static bool double_shift16(const struct trial *t, const struct cpu_out *out)
{
	return is_double_shift(&t->insn) && t->insn.opsize == 2 &&
	       double_shift_count(&t->insn, t->in.gpr[EMUL_RCX]) > 16;
}

/* AMD's carry out of SP when they release a far return's arguments from a 16-bit stack. */
static bool far_return_carry(const struct trial *t, const struct cpu_out *out)
{
	return cpu_is_amd() && t->insn.map == MAP_ONE && t->insn.opcode == 0xca &&
	       t->bits != BITS_64 && !t->seg[EMUL_SEG_SS].db &&
	       (u16)t->gpr[EMUL_RSP] == (u16)out->sp;
}

/* What it pushed before it faulted isn't on the stack. */
static bool far_call_pushes(const struct trial *t, const struct cpu_out *out)
{
	return is_far_call(&t->insn) && t->res == EMUL_EXCEPTION;
}

/*
 * Intel's may push in another order, and only what is above SP counts: Intel SDM vol. 3, "Fault
 * Handling Effects on the Stack".
 */
static bool pushes(const struct trial *t, const struct cpu_out *out)
{
	emul_exec_fn fn = t->insn.row ? t->insn.row->exec : NULL;

	return !cpu_is_amd() && t->res == EMUL_EXCEPTION &&
	       (fn == emul_pusha || fn == emul_enter || fn == emul_call_rel || fn == emul_call_ind);
}

/* A far pointer of which neither half can be read: Intel's may begin with the selector. */
static bool far_pointer_half(const struct trial *t, const struct cpu_out *out)
{
	emul_exec_fn fn = t->insn.row ? t->insn.row->exec : NULL;

	return !cpu_is_amd() && t->exc.vector == EXC_PF && out->vector == EXC_PF &&
	       out->cr2 - t->exc.address < 10 &&
	       (fn == emul_les || fn == emul_lds || fn == emul_lss || fn == emul_lfs ||
		fn == emul_lgs || fn == emul_call_far_ind || fn == emul_jmp_far_ind);
}

/* One that changes nothing: Intel's may ask for the permission to write all the same. */
static bool arpl_unchanged(const struct trial *t, const struct cpu_out *out)
{
	return !cpu_is_amd() && t->insn.row && t->insn.row->exec == emul_arpl &&
	       out->vector == EXC_PF && out->error_code & 2;
}

/*
 * An access across 4 GiB in a segment of that size: Intel's "may or may not" fault for the limit.
 * Intel SDM vol. 3, 5.3.
 */
static bool wraps_in_segment(const struct trial *t, const struct cpu_out *out)
{
	bool limit = t->res == EMUL_EXCEPTION && !t->exc.error_code &&
		     (t->exc.vector == EXC_GP || t->exc.vector == EXC_SS);

	return !cpu_is_amd() && t->bits != BITS_64 && limit && out->vector == EXC_PF &&
	       (u32)(out->cr2 + 64) < 128;
}

/* Intel's need not check the alignment of vectors: Intel SDM vol. 3, 6.15, interrupt 17. */
static bool vector_alignment(const struct trial *t, const struct cpu_out *out)
{
	return !cpu_is_amd() && t->insn.row && t->insn.row->flags & F_SSE &&
	       t->res == EMUL_EXCEPTION && t->exc.vector == EXC_AC;
}

#define FAULT 1 /* explains how it ends */
#define RESULT 2 /* explains the state after it */

static struct explanation {
	bool (*is)(const struct trial *t, const struct cpu_out *out);
	u8 kind;
	const char *what;
	const char *where;
	u64 seen;
} explanations[] = {
	{ call_target_or_stack, FAULT, "bad target and bad stack, either first", "CALL", 0 },
	{ cmps_operands, FAULT, "two bad operands, either first", "CMPS", 0 },
	{ far_return_order, FAULT, "order of slots and descriptor", "RETF, IRET", 0 },
	{ far_call_stack, FAULT, "order of stack and target", "far CALL", 0 },
	{ far_call_pushes, RESULT, "what was pushed before a fault", "far CALL", 0 },
	{ pushes, RESULT, "what was pushed before a fault", "PUSHA, ENTER, CALL, Intel", 0 },
	{ far_return_carry, RESULT, "carry out of a 16-bit SP", "RETF n, AMD", 0 },
	{ loop_rep, FAULT | RESULT, "F2 and F3 are the condition", "LOOPE, LOOPNE, AMD", 0 },
	{ jump_at_limit, FAULT, "taken, and faults past its end", "Jcc, LOOP, JCXZ, AMD", 0 },
	{ short_push, RESULT, "the upper half of the slot", "PUSH Sreg, Intel", 0 },
	{ far_pointer_half, FAULT, "either half first", "LES and its like, Intel", 0 },
	{ arpl_unchanged, FAULT, "writes what was there", "ARPL, Intel", 0 },
	{ wraps_in_segment, FAULT, "across 4 GiB, limit or page first", "memory, Intel", 0 },
	{ vector_alignment, FAULT, "may go unchecked", "vector moves, #AC, Intel", 0 },
	{ undefined_at_end, FAULT, "undefined, and fetched further", "#UD", 0 },
	{ undefined_and_too_long, FAULT, "undefined, and more than 15 bytes", "#UD", 0 },
	{ unknown_at_end, FAULT, "unknown here, and not fetched further", "#UD", 0 },
	{ locked_verw, FAULT, "LOCK is let pass", "VERW, AMD", 0 },
	{ popa_partial, RESULT, "registers loaded before a fault", "POPA", 0 },
	{ bswap16, RESULT, "16 bits: undefined result", "BSWAP", 0 },
	{ double_shift16, RESULT, "16 bits by more: undefined result", "SHLD, SHRD", 0 },
};

static bool explain(unsigned int kind, const struct trial *t, const struct cpu_out *out)
{
	unsigned int k;

	for (k = 0; k < ARRAY_SIZE(explanations); k++) {
		if (explanations[k].kind & kind && explanations[k].is(t, out)) {
			explanations[k].seen++;
			return true;
		}
	}
	return false;
}

bool explain_fault(const struct trial *t, const struct cpu_out *out)
{
	return explain(FAULT, t, out);
}

bool explain_result(const struct trial *t, const struct cpu_out *out)
{
	return explain(RESULT, t, out);
}

u64 explain_report(void)
{
	u64 total = 0;
	unsigned int k;

	for (k = 0; k < ARRAY_SIZE(explanations); k++) {
		printf("# %s: %s: %llu\n", explanations[k].where, explanations[k].what,
		       explanations[k].seen);
		total += explanations[k].seen;
	}
	return total;
}
