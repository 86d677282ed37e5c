// SPDX-License-Identifier: GPL-2.0-only
/*
 * The opcode tables: what each opcode is, how long it is, and what executes it.
 *
 * Intel SDM vol. 2, appendix A; AMD APM vol. 3, appendix A. A row without a function has its
 * length decoded only. Rows are in the order of the maps; sub-tables come first.
 */
#include "internal.h"

#define FULL(fn, d, s, im, f)								\
	{ .kind = ROW_INSN, .exec = fn, .dst = OP_##d, .src = OP_##s, .imm = IMM_##im,	\
	  .flags = (f) }
#define I(fn, d, s, f)		FULL(fn, d, s, NONE, f)
#define X(fn, f)		FULL(fn, NONE, NONE, NONE, f)
/* Of a mode that guests don't have: VMX, SVM, SMX, SMM. */
#define ABSENT		X(emul_undefined, M)
/* Length only. */
#define L(f)			FULL(NULL, NONE, NONE, NONE, f)
#define LI(im, f)		FULL(NULL, NONE, NONE, im, f)
#define M			F_MODRM
#define UD			{ .kind = ROW_UD }
#define SUB(k, table, f)	{ .kind = ROW_##k, .sub = table, .flags = (f) }
#define GROUP(table)		SUB(GROUP, table, M)
#define PREFIX(table)		SUB(PREFIX, table, 0)
#define MEM_REG(table)		SUB(MEM_REG, table, M)
#define RM(table)		SUB(RM, table, M)
#define MODE64(table)		SUB(MODE64, table, 0)

#define ROW2(...)		__VA_ARGS__, __VA_ARGS__
#define ROW4(...)		ROW2(__VA_ARGS__), ROW2(__VA_ARGS__)
#define ROW8(...)		ROW4(__VA_ARGS__), ROW4(__VA_ARGS__)
#define ROW16(...)		ROW8(__VA_ARGS__), ROW8(__VA_ARGS__)

/* The six encodings of a two-operand arithmetic instruction. */
#define ALU6(fn, f)									\
	ROW2(I(fn, E, G, M | F_BW | (f))),						\
	ROW2(I(fn, G, E, M | F_BW | ((f) & ~F_LOCK))),					\
	FULL(fn, A, I, S8, F_BYTE | ((f) & ~F_LOCK)),					\
	FULL(fn, A, I, Z, ((f) & ~F_LOCK))

/* Group 1: 80-83 */
#define ALU_IMM(fn, im, f)	FULL(fn, E, I, im, M | (f))
#define GRP1(im, f)									\
	ALU_IMM(emul_add, im, F_LOCK | (f)), ALU_IMM(emul_or, im, F_LOCK | (f)),	\
	ALU_IMM(emul_adc, im, F_LOCK | (f)), ALU_IMM(emul_sbb, im, F_LOCK | (f)),	\
	ALU_IMM(emul_and, im, F_LOCK | (f)), ALU_IMM(emul_sub, im, F_LOCK | (f)),	\
	ALU_IMM(emul_xor, im, F_LOCK | (f)), ALU_IMM(emul_cmp, im, F_NOWRITE | (f))

static const struct emul_row grp1_byte[8] = { GRP1(S8, F_BYTE) };
static const struct emul_row grp1_z[8] = { GRP1(Z, 0) };
static const struct emul_row grp1_s8[8] = { GRP1(S8, 0) };
static const struct emul_row grp1_82[8] = { GRP1(S8, F_BYTE | F_NO64) };

static const struct emul_row grp1a[8] = {
	I(emul_pop_mem, NONE, NONE, M | F_D64), UD, UD, UD, UD, UD, UD, UD
};

/* Group 2: shifts and rotates */
#define GRP2(s, im, f)									\
	FULL(emul_rol, E, s, im, M | (f)), FULL(emul_ror, E, s, im, M | (f)),		\
	FULL(emul_rcl, E, s, im, M | (f)), FULL(emul_rcr, E, s, im, M | (f)),		\
	FULL(emul_shl, E, s, im, M | (f)), FULL(emul_shr, E, s, im, M | (f)),		\
	FULL(emul_shl, E, s, im, M | (f)), FULL(emul_sar, E, s, im, M | (f))

static const struct emul_row grp2_imm[8] = { GRP2(I, U8, F_BW) };
static const struct emul_row grp2_1[8] = { GRP2(1, NONE, F_BW) };
static const struct emul_row grp2_cl[8] = { GRP2(CL, NONE, F_BW) };

static const struct emul_row grp3_byte[8] = {
	ROW2(FULL(emul_test, E, I, S8, M | F_BYTE | F_NOWRITE)),
	I(emul_not, E, NONE, M | F_BYTE | F_LOCK), I(emul_neg, E, NONE, M | F_BYTE | F_LOCK),
	I(emul_mul, NONE, E, M | F_BYTE), I(emul_imul1, NONE, E, M | F_BYTE),
	I(emul_div, NONE, E, M | F_BYTE), I(emul_idiv, NONE, E, M | F_BYTE),
};
static const struct emul_row grp3[8] = {
	ROW2(FULL(emul_test, E, I, Z, M | F_NOWRITE)),
	I(emul_not, E, NONE, M | F_LOCK), I(emul_neg, E, NONE, M | F_LOCK),
	I(emul_mul, NONE, E, M), I(emul_imul1, NONE, E, M),
	I(emul_div, NONE, E, M), I(emul_idiv, NONE, E, M),
};
static const struct emul_row grp4[8] = {
	I(emul_inc, E, NONE, M | F_BYTE | F_LOCK), I(emul_dec, E, NONE, M | F_BYTE | F_LOCK),
	UD, UD, UD, UD, UD, UD
};
static const struct emul_row grp5[8] = {
	I(emul_inc, E, NONE, M | F_LOCK), I(emul_dec, E, NONE, M | F_LOCK),
	I(emul_call_ind, NONE, E, M | F_NEAR), X(emul_call_far_ind, M | F_MEM),
	I(emul_jmp_ind, NONE, E, M | F_NEAR), X(emul_jmp_far_ind, M | F_MEM),
	I(emul_push_op, NONE, E, M | F_D64), UD
};

static const struct emul_row grp6[8] = {
	X(emul_sldt, M | F_PROT), X(emul_str, M | F_PROT),
	I(emul_lldt, NONE, EW, M | F_PROT | F_PRIV), I(emul_ltr, NONE, EW, M | F_PROT | F_PRIV),
	I(emul_verr, NONE, EW, M | F_PROT), I(emul_verw, NONE, EW, M | F_PROT), UD, UD
};

/* Group 7, register forms: by r/m */
static const struct emul_row grp7_0[8] = { ABSENT, L(M), ROW4(ABSENT), L(M), L(M) }; /* VMCALL */
static const struct emul_row grp7_1[8] = {
	L(M), L(M), X(emul_clac, M), X(emul_stac, M), ROW4(L(M))
};
static const struct emul_row grp7_2[8] = {
	X(emul_xgetbv, M), X(emul_xsetbv, M), L(M), L(M), ROW4(L(M))
};
static const struct emul_row grp7_3[8] = { ABSENT, L(M), ROW2(ABSENT), ROW4(ABSENT) }; /* VMMCALL */
static const struct emul_row clzero[4] = { ROW2(X(emul_clzero, M)), UD, UD };
static const struct emul_row grp7_7[8] = {
	X(emul_swapgs, M | F_64ONLY | F_PRIV), X(emul_rdtscp, M), ROW2(L(M)),
	PREFIX(clzero), L(M), ROW2(L(M))
};

#define SMSW FULL(emul_smsw, NONE, NONE, NONE, M)
#define LMSW FULL(emul_lmsw, NONE, EW, NONE, M | F_PRIV)

static const struct emul_row grp7_mem[8] = {
	X(emul_sgdt, M), X(emul_sidt, M), X(emul_lgdt, M | F_PRIV), X(emul_lidt, M | F_PRIV),
	SMSW, L(M), LMSW, X(emul_invlpg, M | F_PRIV)
};
static const struct emul_row grp7_reg[8] = {
	RM(grp7_0), RM(grp7_1), RM(grp7_2), RM(grp7_3), SMSW, L(M), LMSW, RM(grp7_7)
};
static const struct emul_row grp7[2] = { GROUP(grp7_mem), GROUP(grp7_reg) };

static const struct emul_row grp8[8] = {
	UD, UD, UD, UD,
	FULL(emul_bt, E, I, U8, M | F_NOWRITE), FULL(emul_bts, E, I, U8, M | F_LOCK),
	FULL(emul_btr, E, I, U8, M | F_LOCK), FULL(emul_btc, E, I, U8, M | F_LOCK),
};

/*
 * Group 9, by form: /6 and /7 are RDRAND and RDSEED as registers, VMX as memory; with F3 SENDUIPI,
 * RDPID
 */
#define RDRAND I(emul_rdrand, E, NONE, M | F_MOV)
static const struct emul_row grp9_6[4] = { ROW2(RDRAND), ROW2(L(M)) };
static const struct emul_row grp9_7[4] = {
	ROW2(RDRAND), I(emul_rdpid, E, NONE, M | F_MOV | F_F64), L(M)
};
static const struct emul_row grp9_mem[8] = {
	UD, X(emul_cmpxchg8b, M | F_LOCK), UD, L(M), L(M), L(M), ABSENT, ABSENT
};
static const struct emul_row grp9_reg[8] = {
	UD, UD, UD, UD, UD, UD, PREFIX(grp9_6), PREFIX(grp9_7)
};
static const struct emul_row grp9[2] = { GROUP(grp9_mem), GROUP(grp9_reg) };

/* Group 11: C6 F8 is XABORT, C7 F8 XBEGIN */
static const struct emul_row xabort[8] = { LI(U8, M), UD, UD, UD, UD, UD, UD, UD };
static const struct emul_row xbegin[8] = { LI(RELZ, M), UD, UD, UD, UD, UD, UD, UD };
static const struct emul_row grp11_byte7[2] = { UD, RM(xabort) };
static const struct emul_row grp11_7[2] = { UD, RM(xbegin) };
static const struct emul_row grp11_byte[8] = {
	FULL(emul_mov, E, I, S8, M | F_BYTE | F_MOV), UD, UD, UD, UD, UD, UD, MEM_REG(grp11_byte7)
};
static const struct emul_row grp11[8] = {
	FULL(emul_mov, E, I, Z, M | F_MOV), UD, UD, UD, UD, UD, UD, MEM_REG(grp11_7)
};

/*
 * Group 15, by form: register forms without prefix are fences, which one CPU doesn't need against
 * itself; those with F3 are RDFSBASE and the like. CLWB is /6 with 66.
 */
#define RD_BASE I(emul_rd_base, E, NONE, M | F_MOV | F_32 | F_64ONLY)
#define WR_BASE I(emul_wr_base, NONE, E, M | F_32 | F_64ONLY)
#define CLFLUSH X(emul_clflush, M)
static const struct emul_row rd_base[4] = { ROW2(L(M)), RD_BASE, L(M) };
static const struct emul_row wr_base[4] = { ROW2(L(M)), WR_BASE, L(M) };
static const struct emul_row fence[4] = { X(emul_nop, M), L(M), L(M), L(M) };
static const struct emul_row clwb[4] = { L(M), CLFLUSH, ROW2(L(M)) };
static const struct emul_row clflush[4] = { ROW2(CLFLUSH), ROW2(L(M)) };
static const struct emul_row grp15_rd[2] = { L(M), PREFIX(rd_base) };
static const struct emul_row grp15_wr[2] = { L(M), PREFIX(wr_base) };
static const struct emul_row grp15_5[2] = { L(M), PREFIX(fence) };
static const struct emul_row grp15_6[2] = { PREFIX(clwb), PREFIX(fence) };
static const struct emul_row grp15_7[2] = { PREFIX(clflush), PREFIX(fence) };
static const struct emul_row grp15[8] = {
	ROW2(MEM_REG(grp15_rd)), ROW2(MEM_REG(grp15_wr)), L(M),
	MEM_REG(grp15_5), MEM_REG(grp15_6), MEM_REG(grp15_7)
};

/* One-byte opcodes that differ by mode */
static const struct emul_row op_40[2] = { I(emul_inc, Z, NONE, 0), UD };
static const struct emul_row op_48[2] = { I(emul_dec, Z, NONE, 0), UD };
static const struct emul_row op_63[2] = {
	I(emul_arpl, EW, G, M | F_PROT | F_NOWRITE), I(emul_movsx, G, ED, M | F_MOV)
};

/* MOV from and to a segment register, by which; REX.R counts for nothing */
#define MOV_FROM_SEG	X(emul_mov_from_seg, M)
#define MOV_TO_SEG	I(emul_mov_to_seg, NONE, EW, M)
static const struct emul_row op_8c[8] = { ROW4(MOV_FROM_SEG), ROW2(MOV_FROM_SEG), UD, UD };
static const struct emul_row op_8e[8] = { MOV_TO_SEG, UD, ROW4(MOV_TO_SEG), UD, UD };

/* x87: FNSTCW, FNINIT, FNSTSW; of the others the length */
#define MEM7(fn)	{ ROW4(L(M)), ROW2(L(M)), L(M), X(fn, M) }
static const struct emul_row op_d9_mem[8] = MEM7(emul_fnstcw);
static const struct emul_row op_dd_mem[8] = MEM7(emul_fnstsw);
static const struct emul_row op_db_4[8] = { ROW2(L(M)), L(M), X(emul_fninit, M), ROW4(L(M)) };
static const struct emul_row op_df_4[8] = { X(emul_fnstsw, M), L(M), ROW2(L(M)), ROW4(L(M)) };
static const struct emul_row op_db_reg[8] = { ROW4(L(M)), RM(op_db_4), L(M), ROW2(L(M)) };
static const struct emul_row op_df_reg[8] = { ROW4(L(M)), RM(op_df_4), L(M), ROW2(L(M)) };
static const struct emul_row op_d9[2] = { GROUP(op_d9_mem), L(M) };
static const struct emul_row op_db[2] = { L(M), GROUP(op_db_reg) };
static const struct emul_row op_dd[2] = { GROUP(op_dd_mem), L(M) };
static const struct emul_row op_df[2] = { L(M), GROUP(op_df_reg) };

#define PUSH_SEG	X(emul_push_seg, F_NO64)
#define POP_SEG		X(emul_pop_seg, F_NO64)
#define NEAR_JCC	FULL(emul_jcc, NONE, NONE, REL8, F_NEAR)
#define NEAR_LOOP	FULL(emul_loop, NONE, NONE, REL8, F_NEAR)
#define STRING(fn, f)	ROW2(X(fn, F_BW | F_REP | (f)))

const struct emul_row emul_map_one[256] = {
	/* 00 */ ALU6(emul_add, F_LOCK), PUSH_SEG, POP_SEG,
	/* 08 */ ALU6(emul_or, F_LOCK), PUSH_SEG, UD,
	/* 10 */ ALU6(emul_adc, F_LOCK), PUSH_SEG, POP_SEG,
	/* 18 */ ALU6(emul_sbb, F_LOCK), PUSH_SEG, POP_SEG,
	/* 20 */ ALU6(emul_and, F_LOCK), UD, X(emul_daa, F_NO64),
	/* 28 */ ALU6(emul_sub, F_LOCK), UD, X(emul_das, F_NO64),
	/* 30 */ ALU6(emul_xor, F_LOCK), UD, X(emul_aaa, F_NO64),
	/* 38 */ ALU6(emul_cmp, F_NOWRITE), UD, X(emul_aas, F_NO64),
	/* 40 */ ROW8(MODE64(op_40)),
	/* 48 */ ROW8(MODE64(op_48)),
	/* 50 */ ROW8(I(emul_push_op, NONE, Z, F_D64)),
	/* 58 */ ROW8(I(emul_pop_reg, NONE, NONE, F_D64)),
	/* 60 */ X(emul_pusha, F_NO64), X(emul_popa, F_NO64),
	/* 62 */ X(emul_bound, M | F_NO64 | F_MEM), MODE64(op_63),
	/* 64 */ UD, UD, UD, UD,
	/* 68 */ FULL(emul_push_op, NONE, I, Z, F_D64), FULL(emul_imul3, G, E, Z, M | F_MOV),
	/* 6a */ FULL(emul_push_op, NONE, I, S8, F_D64), FULL(emul_imul3, G, E, S8, M | F_MOV),
	/* 6c */ STRING(emul_ins, 0), STRING(emul_outs, 0),
	/* 70 */ ROW16(NEAR_JCC),
	/* 80 */ GROUP(grp1_byte), GROUP(grp1_z), GROUP(grp1_82), GROUP(grp1_s8),
	/* 84 */ ROW2(I(emul_test, E, G, M | F_BW | F_NOWRITE)),
	/* 86 */ ROW2(I(emul_xchg, E, G, M | F_BW | F_LOCK | F_ATOMIC)),
	/* 88 */ ROW2(I(emul_mov, E, G, M | F_BW | F_MOV)),
	/* 8a */ ROW2(I(emul_mov, G, E, M | F_BW | F_MOV)),
	/* 8c */ GROUP(op_8c), X(emul_lea, M | F_MEM),
	/* 8e */ GROUP(op_8e), GROUP(grp1a),
	/* 90 */ ROW8(I(emul_xchg_acc, NONE, Z, 0)),
	/* 98 */ X(emul_cbw, 0), X(emul_cwd, 0), FULL(emul_call_far, NONE, NONE, FAR, F_NO64),
	/* 9b */ X(emul_fwait, 0), X(emul_pushf, F_D64), X(emul_popf, F_D64),
	/* 9e */ X(emul_sahf, 0), X(emul_lahf, 0),
	/* a0 */ ROW2(FULL(emul_mov, A, O, OFFS, F_BW | F_MOV)),
	/* a2 */ ROW2(FULL(emul_mov, O, A, OFFS, F_BW | F_MOV)),
	/* a4 */ STRING(emul_movs, 0), STRING(emul_cmps, 0),
	/* a8 */ FULL(emul_test, A, I, S8, F_BYTE | F_NOWRITE),
	/* a9 */ FULL(emul_test, A, I, Z, F_NOWRITE),
	/* aa */ STRING(emul_stos, 0), STRING(emul_lods, 0), STRING(emul_scas, 0),
	/* b0 */ ROW8(FULL(emul_mov, Z, I, S8, F_BYTE | F_MOV)),
	/* b8 */ ROW8(FULL(emul_mov, Z, I, V, F_MOV)),
	/* c0 */ ROW2(GROUP(grp2_imm)),
	/* c2 */ FULL(emul_ret, NONE, NONE, 16, F_NEAR), X(emul_ret, F_NEAR),
	/* c4 */ X(emul_les, M | F_MEM | F_NO64), X(emul_lds, M | F_MEM | F_NO64),
	/* c6 */ GROUP(grp11_byte), GROUP(grp11),
	/* c8 */ FULL(emul_enter, NONE, NONE, 16_8, F_D64), X(emul_leave, F_D64),
	/* ca */ FULL(emul_ret_far, NONE, NONE, 16, 0), X(emul_ret_far, 0),
	/* cc */ X(emul_int3, 0), FULL(emul_int_n, NONE, NONE, U8, 0), X(emul_into, F_NO64),
	/* cf */ X(emul_iret, 0),
	/* d0 */ ROW2(GROUP(grp2_1)), ROW2(GROUP(grp2_cl)),
	/* d4 */ FULL(emul_aam, NONE, I, U8, F_NO64 | F_BYTE),
	/* d5 */ FULL(emul_aad, NONE, I, U8, F_NO64 | F_BYTE),
	/* d6 */ X(emul_salc, F_NO64), X(emul_xlat, 0),
	/* d8 */ L(M), MEM_REG(op_d9), L(M), MEM_REG(op_db),
	/* dc */ L(M), MEM_REG(op_dd), L(M), MEM_REG(op_df),
	/* e0 */ NEAR_LOOP, NEAR_LOOP, NEAR_LOOP, FULL(emul_jcxz, NONE, NONE, REL8, F_NEAR),
	/* e4 */ ROW2(FULL(emul_in_imm, NONE, NONE, U8, F_BW)),
	/* e6 */ ROW2(FULL(emul_out_imm, NONE, NONE, U8, F_BW)),
	/* e8 */ FULL(emul_call_rel, NONE, NONE, RELZ, F_NEAR),
	/* e9 */ FULL(emul_jmp_rel, NONE, NONE, RELZ, F_NEAR),
	/* ea */ FULL(emul_jmp_far, NONE, NONE, FAR, F_NO64),
	/* eb */ FULL(emul_jmp_rel, NONE, NONE, REL8, F_NEAR),
	/* ec */ ROW2(X(emul_in_dx, F_BW)), ROW2(X(emul_out_dx, F_BW)),
	/* f0 */ UD, X(emul_int1, 0), UD, UD, X(emul_hlt, F_PRIV), X(emul_cmc, 0),
	/* f6 */ GROUP(grp3_byte), GROUP(grp3),
	/* f8 */ X(emul_clc, 0), X(emul_stc, 0), X(emul_cli, 0), X(emul_sti, 0),
	/* fc */ X(emul_cld, 0), X(emul_std, 0), GROUP(grp4), GROUP(grp5),
};

/* Vector moves of the 0F map, by mandatory prefix: none, 66, F3, F2 */
#define V		(M | F_SSE)
#define MOVS_LOAD	I(emul_vec_load_scalar, NONE, NONE, V)
#define MOVS_STORE	I(emul_vec_store_scalar, NONE, NONE, V)

static const struct emul_row op_10[4] = {
	ROW2(X(emul_vec_load, V | F_VEX)), ROW2(MOVS_LOAD)
};
static const struct emul_row op_11[4] = {
	ROW2(X(emul_vec_store, V | F_VEX)), ROW2(MOVS_STORE)
};
/* The register form of 0F 12 and 16 without prefix is MOVHLPS, MOVLHPS. */
static const struct emul_row op_12_none[2] = { X(emul_vec_load_low, V), L(V) };
static const struct emul_row op_12[4] = {
	MEM_REG(op_12_none), X(emul_vec_load_low, V | F_MEM), L(V), L(V)
};
static const struct emul_row op_13[4] = {
	ROW2(X(emul_vec_movq_store, V | F_MEM | F_VEX)), UD, UD
};
static const struct emul_row op_16_none[2] = { X(emul_vec_load_high, V), L(V) };
static const struct emul_row op_16[4] = {
	MEM_REG(op_16_none), X(emul_vec_load_high, V | F_MEM), L(V), UD
};
static const struct emul_row op_17[4] = {
	ROW2(X(emul_vec_store_high, V | F_MEM | F_VEX)), UD, UD
};
static const struct emul_row op_28[4] = { ROW2(X(emul_vec_load, V | F_ALIGN | F_VEX)), UD, UD };
static const struct emul_row op_29[4] = { ROW2(X(emul_vec_store, V | F_ALIGN | F_VEX)), UD, UD };
static const struct emul_row op_2b[4] = {
	ROW2(X(emul_vec_store, V | F_MEM | F_ALIGN | F_VEX)), ROW2(L(M | F_MEM))
};
static const struct emul_row op_6e[4] = {
	X(emul_mmx_from_gpr, M), X(emul_vec_from_gpr, V | F_VEX), UD, UD
};
static const struct emul_row op_6f[4] = {
	X(emul_mmx_load, M), X(emul_vec_load, V | F_ALIGN | F_VEX),
	X(emul_vec_load, V | F_VEX), UD
};
static const struct emul_row op_7e[4] = {
	X(emul_mmx_to_gpr, M), X(emul_vec_to_gpr, V | F_VEX), X(emul_vec_movq_load, V | F_VEX), UD
};
static const struct emul_row op_7f[4] = {
	X(emul_mmx_store, M), X(emul_vec_store, V | F_ALIGN | F_VEX),
	X(emul_vec_store, V | F_VEX), UD
};
static const struct emul_row op_d6[4] = { UD, X(emul_vec_movq_store, V | F_VEX), L(M), L(M) };
static const struct emul_row op_e7[4] = {
	X(emul_mmx_store, M | F_MEM), X(emul_vec_store, V | F_MEM | F_ALIGN | F_VEX), UD, UD
};
static const struct emul_row op_f0[4] = { UD, UD, UD, X(emul_vec_load, V | F_MEM | F_VEX) };

/* EXTRQ, INSERTQ (AMD SSE4A) and VMREAD share 0F 78, VMWRITE and their register forms 0F 79. */
static const struct emul_row op_78[4] = { ABSENT, LI(8_8, M | F_REG), UD, LI(8_8, M | F_REG) };
static const struct emul_row op_79[4] = { ABSENT, L(M | F_REG), UD, L(M | F_REG) };

static const struct emul_row op_09[4] = { ROW4(X(emul_wbinvd, F_PRIV)) };
static const struct emul_row op_b8[4] = { UD, UD, I(emul_popcnt, G, E, M | F_MOV), UD };
static const struct emul_row op_bc[4] = {
	ROW2(I(emul_bsf, G, E, M)), I(emul_tzcnt, G, E, M | F_MOV), I(emul_bsf, G, E, M)
};
static const struct emul_row op_bd[4] = {
	ROW2(I(emul_bsr, G, E, M)), I(emul_lzcnt, G, E, M | F_MOV), I(emul_bsr, G, E, M)
};
static const struct emul_row op_c3[4] = { X(emul_movnti, M | F_MEM), UD, UD, UD };

#define CMOV		I(emul_cmov, G, E, M)
#define FAR_JCC		FULL(emul_jcc, NONE, NONE, RELZ, F_NEAR)
#define SETCC		I(emul_setcc, E, NONE, M | F_BYTE | F_MOV)
#define NOP_MODRM	X(emul_nop, M)
#define MOV_CR		(M | F_MOD3 | F_F64 | F_LOCK_CR8)
#define MOV_DR		(M | F_MOD3 | F_F64)

const struct emul_row emul_map_0f[256] = {
	/* 00 */ GROUP(grp6), MEM_REG(grp7),
	/* 02 */ I(emul_lar, NONE, EW, M | F_PROT), I(emul_lsl, NONE, EW, M | F_PROT),
	/* 04 */ UD, X(emul_syscall, 0), X(emul_clts, F_PRIV), X(emul_sysret, 0),
	/* 08 */ X(emul_invd, F_PRIV), PREFIX(op_09), UD, UD,
	/* 0c */ UD, X(emul_nop, M | F_MEM_AMD), L(0), LI(U8, M),
	/* 10 */ PREFIX(op_10), PREFIX(op_11), PREFIX(op_12), PREFIX(op_13),
	/* 14 */ L(M), L(M), PREFIX(op_16), PREFIX(op_17),
	/* 18 */ ROW8(NOP_MODRM),
	/* 20 */ X(emul_mov_from_cr, MOV_CR), X(emul_mov_from_dr, MOV_DR),
	/* 22 */ X(emul_mov_to_cr, MOV_CR), X(emul_mov_to_dr, MOV_DR),
	/* 24 */ UD, UD, UD, UD,
	/* 28 */ PREFIX(op_28), PREFIX(op_29), L(M), PREFIX(op_2b),
	/* 2c */ ROW4(L(M)),
	/* 30 */ X(emul_wrmsr, F_PRIV), X(emul_rdtsc, 0), X(emul_rdmsr, F_PRIV),
	/* 33 */ X(emul_rdpmc, 0), X(emul_sysenter, 0), X(emul_sysexit, 0), UD,
	/* 37 */ X(emul_undefined, 0),
	/* 38 */ UD, UD, UD, UD, UD, UD, UD, UD,	/* 38 and 3A are escapes */
	/* 40 */ ROW16(CMOV),
	/* 50 */ L(M | F_REG), ROW4(L(M)), ROW8(L(M)), ROW2(L(M)), L(M),
	/* 60 */ ROW8(L(M)), ROW4(L(M)), ROW2(L(M)), PREFIX(op_6e), PREFIX(op_6f),
	/* 70 */ LI(U8, M), LI(U8, M | F_REG), LI(U8, M | F_REG), LI(U8, M | F_REG),
	/* 74 */ L(M), L(M), L(M), L(0),
	/* 78 */ PREFIX(op_78), PREFIX(op_79), UD, UD, L(M), L(M), PREFIX(op_7e), PREFIX(op_7f),
	/* 80 */ ROW16(FAR_JCC),
	/* 90 */ ROW16(SETCC),
	/* a0 */ X(emul_push_seg, F_D64), X(emul_pop_seg, F_D64), X(emul_cpuid, 0),
	/* a3 */ I(emul_bt, E, G, M | F_NOWRITE | F_BITOFF),
	/* a4 */ FULL(emul_shld, E, G, U8, M), I(emul_shld, E, G, M), UD, UD,
	/* a8 */ X(emul_push_seg, F_D64), X(emul_pop_seg, F_D64), X(emul_undefined, 0),
	/* ab */ I(emul_bts, E, G, M | F_LOCK | F_BITOFF),
	/* ac */ FULL(emul_shrd, E, G, U8, M), I(emul_shrd, E, G, M), GROUP(grp15),
	/* af */ I(emul_imul2, G, E, M),
	/* b0 */ ROW2(I(emul_cmpxchg_insn, E, G, M | F_BW | F_LOCK | F_STORES)),
	/* b2 */ X(emul_lss, M | F_MEM), I(emul_btr, E, G, M | F_LOCK | F_BITOFF),
	/* b4 */ X(emul_lfs, M | F_MEM), X(emul_lgs, M | F_MEM),
	/* b6 */ I(emul_mov, G, EB, M | F_MOV), I(emul_mov, G, EW, M | F_MOV),
	/* b8 */ PREFIX(op_b8), UD, GROUP(grp8), I(emul_btc, E, G, M | F_LOCK | F_BITOFF),
	/* bc */ PREFIX(op_bc), PREFIX(op_bd),
	/* be */ I(emul_movsx, G, EB, M | F_MOV), I(emul_movsx, G, EW, M | F_MOV),
	/* c0 */ ROW2(I(emul_xadd, E, G, M | F_BW | F_LOCK)), LI(U8, M),
	/* c3 */ PREFIX(op_c3), LI(U8, M), LI(U8, M | F_REG), LI(U8, M),
	/* c7 */ MEM_REG(grp9),
	/* c8 */ ROW8(I(emul_bswap, Z, NONE, 0)),
	/* d0 */ ROW4(L(M)), ROW2(L(M)), PREFIX(op_d6), L(M | F_REG),
	/* d8 */ ROW8(L(M)),
	/* e0 */ ROW4(L(M)), ROW2(L(M)), L(M), PREFIX(op_e7),
	/* e8 */ ROW8(L(M)),
	/* f0 */ PREFIX(op_f0), ROW4(L(M)), ROW2(L(M)), L(M | F_REG),
	/* f8 */ ROW4(L(M)), ROW2(L(M)), L(M), UD,
};

/* 0F38: all have ModRM and no immediate. */
static const struct emul_row op_38f0[4] = {
	ROW2(I(emul_movbe, G, E, M | F_MEM | F_MOV)), L(M), I(emul_crc32, NONE, EB, M)
};
static const struct emul_row op_38f1[4] = {
	ROW2(I(emul_movbe, E, G, M | F_MEM | F_MOV)), L(M), I(emul_crc32, NONE, E, M)
};
static const struct emul_row row_38f0 = PREFIX(op_38f0);
static const struct emul_row row_38f1 = PREFIX(op_38f1);
static const struct emul_row op_382a[4] = { UD, X(emul_vec_load, V | F_MEM | F_ALIGN), UD, UD };
static const struct emul_row row_382a = PREFIX(op_382a);
static const struct emul_row op_3880[4] = { UD, ABSENT, UD, UD };
static const struct emul_row row_3880 = PREFIX(op_3880);

/* ADCX and ADOX share their opcode with WRSS. */
static const struct emul_row op_38f6[4] = {
	L(M), I(emul_adcx, G, E, M | F_32), I(emul_adox, G, E, M | F_32), L(M)
};
static const struct emul_row row_38f6 = PREFIX(op_38f6);

/* MOVDIR64B is between ENQCMDS and ENQCMD. */
static const struct emul_row op_38f8[4] = {
	UD, X(emul_movdir64b, M | F_MEM), ROW2(L(M | F_MEM))
};
static const struct emul_row row_38f8 = PREFIX(op_38f8);
static const struct emul_row op_38f9[4] = {
	I(emul_movdiri, E, G, M | F_MEM | F_MOV | F_32), UD, UD, UD
};
static const struct emul_row row_38f9 = PREFIX(op_38f9);

/* BMI1 and BMI2: general registers with VEX prefixes */
#define BMI (M | F_MOV | F_32 | F_VVVV)
static const struct emul_row bmi_grp17[8] = {
	UD, I(emul_blsr, VVVV, E, BMI), I(emul_blsmsk, VVVV, E, BMI), I(emul_blsi, VVVV, E, BMI),
	UD, UD, UD, UD
};
static const struct emul_row bmi_f2[4] = { I(emul_andn, G, E, BMI), UD, UD, UD };
static const struct emul_row bmi_f3[4] = { GROUP(bmi_grp17), UD, UD, UD };
static const struct emul_row bmi_f5[4] = {
	I(emul_bzhi, G, E, BMI), UD, I(emul_pext, G, E, BMI), I(emul_pdep, G, E, BMI)
};
static const struct emul_row bmi_f6[4] = { UD, UD, UD, I(emul_mulx, G, E, BMI) };
static const struct emul_row bmi_f7[4] = {
	I(emul_bextr, G, E, BMI), I(emul_shlx, G, E, BMI),
	I(emul_sarx, G, E, BMI), I(emul_shrx, G, E, BMI)
};
static const struct emul_row bmi_rorx[4] = { UD, UD, UD, FULL(emul_rorx, G, E, U8, BMI & ~F_VVVV) };
static const struct emul_row row_bmi[6] = {
	PREFIX(bmi_f2), PREFIX(bmi_f3), UD, PREFIX(bmi_f5), PREFIX(bmi_f6), PREFIX(bmi_f7)
};
static const struct emul_row row_rorx = PREFIX(bmi_rorx);

static const struct emul_row row_none = L(0);
static const struct emul_row row_modrm = L(M);
static const struct emul_row row_modrm_imm8 = LI(U8, M);
static const struct emul_row row_modrm_imm32 = LI(32, M);

/**
 * emul_row_0f38 - the row of an opcode of the 0F38 map
 * @opcode: third opcode byte
 */
const struct emul_row *emul_row_0f38(u8 opcode)
{
	switch (opcode) {
	case 0x2a:
		return &row_382a;	/* MOVNTDQA */
	case 0x80:
	case 0x81:
		return &row_3880;	/* INVEPT, INVVPID */
	case 0xf0:
		return &row_38f0;
	case 0xf1:
		return &row_38f1;
	case 0xf6:
		return &row_38f6;
	case 0xf8:
		return &row_38f8;
	case 0xf9:
		return &row_38f9;
	}
	return &row_modrm;
}

/**
 * emul_row_0f3a - the row of an opcode of the 0F3A map: all have ModRM and one byte of immediate
 * @opcode: third opcode byte
 */
const struct emul_row *emul_row_0f3a(u8 opcode)
{
	return &row_modrm_imm8;
}

/* Legacy row of a VEX-encoded move, or NULL. These have no sub-tables that need ModRM. */
static const struct emul_row *vex_move(const struct emul_insn *insn)
{
	unsigned int pp = insn->rep ? insn->rep == 0xf3 ? 2 : 3 : insn->opsize_prefix;
	const struct emul_row *row = &emul_map_0f[insn->opcode];

	if (row->kind != ROW_PREFIX)
		return NULL;
	row = &row->sub[pp];
	if (row->kind != ROW_INSN || !(row->flags & F_VEX) || insn->vvvv)
		return NULL;
	return row;
}

/**
 * emul_row_vex_gpr - the row of an instruction on general registers with a VEX prefix
 * @map: opcode map
 * @opcode: opcode byte
 *
 * Return: NULL if it is none.
 */
const struct emul_row *emul_row_vex_gpr(unsigned int map, u8 opcode)
{
	if (map == MAP_0F38 && opcode >= 0xf2 && opcode <= 0xf7 && opcode != 0xf4)
		return &row_bmi[opcode - 0xf2];
	return map == MAP_0F3A && opcode == 0xf0 ? &row_rorx : NULL;
}

/**
 * emul_row_vex - the row of an instruction with a VEX, EVEX or XOP prefix
 * @insn: the instruction, decoded up to its opcode
 */
const struct emul_row *emul_row_vex(const struct emul_insn *insn)
{
	const struct emul_row *row;

	if (insn->vex == EMUL_VEX_3) {
		row = emul_row_vex_gpr(insn->map, insn->opcode);
		if (row)
			return row;
	}
	switch (insn->map) {
	case MAP_0F:
		if (insn->vex != EMUL_VEX_EVEX) {
			row = vex_move(insn);
			if (row)
				return row;
			if (insn->opcode == 0x77)
				return &row_none;	/* VZEROUPPER, VZEROALL */
		}
		switch (insn->opcode) {
		case 0x70: case 0x71: case 0x72: case 0x73:
		case 0xc2: case 0xc4: case 0xc5: case 0xc6:
			return &row_modrm_imm8;
		}
		return &row_modrm;
	case MAP_0F3A:
	case 8:		/* XOP */
		return &row_modrm_imm8;
	case 10:	/* XOP */
		return &row_modrm_imm32;
	}
	return &row_modrm;
}
