// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID that this host can offer to guests (KVM_GET_SUPPORTED_CPUID): what the CPU has, the kernel
 * has not turned off and this driver can do. Leaves and their feature bits are rows; what is not
 * in a row is zero. Computed once, when the vendor module loads.
 */

#include <linux/slab.h>
#include <linux/timex.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>
#include <asm/tsc.h>
#include <uapi/asm/kvm_para.h>

#include "cpuid.h"
#include "cpuid_index.h"
#include "fpu.h"
#include "vendor.h"

u64 kvm_supported_xss;
u64 kvm_host_features;
EXPORT_SYMBOL_NS_GPL(kvm_host_features, GUESTMODE);

/* The table: entries, and the index that finds them. */
static struct kvm_cpuid_entry2 *table;
static u32 table_nent;
static struct cpuid_index *table_index;

/* Bytes and offset of each XSAVE component here (CPUID 0xD.2 ...). */
static struct {
	u32 size;
	u32 offset;
	bool align; /* on 64 bytes in the compacted format */
} xsave_part[63];

/* --- feature bits ---------------------------------------------------------------------------- */

/*
 * No word of boot_cpu_data: the CPU's answer alone counts, or where the kernel uses the registers.
 */
#define RAW (-1)
#define RAW_AVX (-2)
#define RAW_AVX512 (-3)
#define F(name) BIT(X86_FEATURE_##name & 31)

/**
 * struct feature_row - the feature bits of one register of one leaf
 * @function: leaf
 * @index: subleaf
 * @reg: KVM_CPUID_EAX ...
 * @word: which word of boot_cpu_data holds what the kernel uses, or RAW*
 * @allowed: offered where host's CPU and kernel have them
 * @always: offered everywhere: this driver does it alone
 */
struct feature_row {
	u32 function;
	u8 index;
	u8 reg;
	s8 word;
	u32 allowed;
	u32 always;
};

#define EAX KVM_CPUID_EAX
#define EBX KVM_CPUID_EBX
#define ECX KVM_CPUID_ECX
#define EDX KVM_CPUID_EDX

/*
 * Not offered, since not implemented: MONITOR, VMX, SMX, EST, PDCM (PMU), DS, ACPI, TM, HT
 * (topology is userspace's); SGX, RDT, PT, CET, AMX, UINTR, WAITPKG, ENQCMD, PKS, LAM, bus lock
 * detection; SVM, IBS, SKINIT, LWP, NodeId, performance counters, MWAITX, RDPRU, SEV, AutoIBRS. The
 * TSC deadline timer needs an in-kernel LAPIC: KVM_CAP_TSC_DEADLINE_TIMER says so, userspace sets
 * the bit.
 */
static const struct feature_row feature_rows[] = {
	{ 1, 0, ECX, CPUID_1_ECX,
	  F(XMM3) | F(PCLMULQDQ) | F(SSSE3) | F(FMA) | F(CX16) | F(PCID) | F(XMM4_1) | F(XMM4_2) |
		  F(MOVBE) | F(POPCNT) | F(AES) | F(XSAVE) | F(AVX) | F(F16C) | F(RDRAND),
	  F(X2APIC) | F(HYPERVISOR) },
	{ 1, 0, EDX, CPUID_1_EDX,
	  F(FPU) | F(VME) | F(DE) | F(PSE) | F(TSC) | F(MSR) | F(PAE) | F(CX8) | F(SEP) | F(PGE) |
		  F(CMOV) | F(PSE36) | F(CLFLUSH) | F(MMX) | F(FXSR) | F(XMM) | F(XMM2) |
		  F(SELFSNOOP),
	  F(MCE) | F(MCA) | F(APIC) | F(MTRR) | F(PAT) },
	{ 6, 0, EAX, RAW, 0, F(ARAT) },
	{ 7, 0, EBX, CPUID_7_0_EBX,
	  F(FSGSBASE) | F(BMI1) | F(HLE) | F(AVX2) | F(FDP_EXCPTN_ONLY) | F(SMEP) | F(BMI2) |
		  F(ERMS) | F(INVPCID) | F(RTM) | F(ZERO_FCS_FDS) | F(AVX512F) | F(AVX512DQ) |
		  F(RDSEED) | F(ADX) | F(SMAP) | F(AVX512IFMA) | F(CLFLUSHOPT) | F(CLWB) |
		  F(AVX512PF) | F(AVX512ER) | F(AVX512CD) | F(SHA_NI) | F(AVX512BW) | F(AVX512VL),
	  F(TSC_ADJUST) },
	{ 7, 0, ECX, CPUID_7_ECX,
	  F(AVX512VBMI) | F(UMIP) | F(PKU) | F(AVX512_VBMI2) | F(GFNI) | F(VAES) | F(VPCLMULQDQ) |
		  F(AVX512_VNNI) | F(AVX512_BITALG) | F(AVX512_VPOPCNTDQ) | F(RDPID) | F(CLDEMOTE) |
		  F(MOVDIRI) | F(MOVDIR64B),
	  0 },
	{ 7, 0, EDX, CPUID_7_EDX,
	  F(AVX512_4VNNIW) | F(AVX512_4FMAPS) | F(FSRM) | F(AVX512_VP2INTERSECT) | F(MD_CLEAR) |
		  F(SERIALIZE) | F(TSXLDTRK) | F(AVX512_FP16) | F(SPEC_CTRL) | F(INTEL_STIBP) |
		  F(FLUSH_L1D) | F(SPEC_CTRL_SSBD),
	  F(ARCH_CAPABILITIES) },
	/* CMPCCXADD FZRM FSRS FSRC; SHA512 SM3 SM4 AVX-VNNI AVX-IFMA; AVX512-BF16 */
	{ 7, 1, EAX, RAW, BIT(7) | BIT(10) | BIT(11) | BIT(12), 0 },
	{ 7, 1, EAX, RAW_AVX, BIT(0) | BIT(1) | BIT(2) | BIT(4) | BIT(23), 0 },
	{ 7, 1, EAX, RAW_AVX512, BIT(5), 0 },
	/* PREFETCHI; AVX-VNNI-INT8 AVX-NE-CONVERT AVX-VNNI-INT16 */
	{ 7, 1, EDX, RAW, BIT(14), 0 },
	{ 7, 1, EDX, RAW_AVX, BIT(4) | BIT(5) | BIT(10), 0 },
	{ 0xd, 1, EAX, CPUID_D_1_EAX, F(XSAVEOPT) | F(XSAVEC) | F(XGETBV1) | F(XSAVES), 0 },
	{ 0x80000001, 0, ECX, CPUID_8000_0001_ECX,
	  F(LAHF_LM) | F(CMP_LEGACY) | F(CR8_LEGACY) | F(ABM) | F(SSE4A) | F(MISALIGNSSE) |
		  F(3DNOWPREFETCH) | F(OSVW) | F(XOP) | F(FMA4) | F(TBM) | F(TOPOEXT),
	  0 },
	/* Bits 0-9, 12-17, 23, 24 mirror leaf 1 on AMD's CPUs. */
	{ 0x80000001, 0, EDX, CPUID_8000_0001_EDX,
	  F(FPU) | F(VME) | F(DE) | F(PSE) | F(TSC) | F(MSR) | F(PAE) | F(MCE) | F(CX8) | F(APIC) |
		  F(SYSCALL) | F(MTRR) | F(PGE) | F(MCA) | F(CMOV) | F(PAT) | F(PSE36) | F(NX) |
		  F(MMXEXT) | F(MMX) | F(FXSR) | F(FXSR_OPT) | F(GBPAGES) | F(RDTSCP) | F(LM) |
		  F(3DNOWEXT) | F(3DNOW),
	  0 },
	{ 0x80000008, 0, EBX, CPUID_8000_0008_EBX,
	  F(CLZERO) | F(XSAVEERPTR) | F(WBNOINVD) | F(AMD_IBPB) | F(AMD_IBRS) | F(AMD_STIBP) |
		  F(AMD_STIBP_ALWAYS_ON) | F(AMD_SSBD) | F(VIRT_SSBD) | F(AMD_SSB_NO) | F(BTC_NO),
	  0 },
	/* No nested data breakpoints; LFENCE serializes; null selector clears base; no SMM_CTL */
	{ 0x80000021, 0, EAX, RAW, BIT(0) | BIT(2) | BIT(6), BIT(9) },
};

/*
 * The host's CPUID; zeros for a leaf that it lacks, where some CPUs answer with another leaf's
 * data.
 */
static void host_cpuid(u32 function, u32 index, u32 r[4])
{
	memset(r, 0, 4 * sizeof(r[0]));
	if (function <= cpuid_eax(function & 0x80000000))
		cpuid_count(function, index, &r[EAX], &r[EBX], &r[ECX], &r[EDX]);
}

static u32 host_word(const struct feature_row *row)
{
	u32 r[4];

	host_cpuid(row->function, row->index, r);
	switch (row->word) {
	case RAW:
		return r[row->reg];
	case RAW_AVX:
		return boot_cpu_has(X86_FEATURE_AVX) ? r[row->reg] : 0;
	case RAW_AVX512:
		return boot_cpu_has(X86_FEATURE_AVX512F) ? r[row->reg] : 0;
	default:
		return r[row->reg] & boot_cpu_data.x86_capability[row->word];
	}
}

static u32 *entry_reg(struct kvm_cpuid_entry2 *e, u8 reg)
{
	u32 *const regs[] = { &e->eax, &e->ebx, &e->ecx, &e->edx };

	return regs[reg];
}

/* --- leaves ---------------------------------------------------------------------------------- */

/**
 * struct leaf_row - a leaf that is more than feature bits
 * @first: leaf, or the first of several
 * @last: the last of several
 * @keep: BIT(EAX ...): registers taken over from the host as they are
 * @fix: what remains to be said, after rows of features
 * @emit: adds the entries by itself (subleaves), in place of all the above
 */
struct leaf_row {
	u32 first;
	u32 last;
	u8 keep;
	void (*fix)(struct kvm_cpuid_entry2 *e);
	void (*emit)(u32 function);
};

#define KEEP_ALL 0xf

static struct kvm_cpuid_entry2 *add(u32 function, u32 index, u32 flags)
{
	struct kvm_cpuid_entry2 *e;

	/*
	 * The caller of emit() checks afterwards: the last entry stands in for all that don't fit.
	 */
	e = &table[min_t(u32, table_nent++, KVM_MAX_CPUID_ENTRIES - 1)];
	memset(e, 0, sizeof(*e));
	e->function = function;
	e->index = index;
	e->flags = flags;
	return e;
}

/* A register that has rows, maybe several, is empty before. */
static void apply_features(struct kvm_cpuid_entry2 *e)
{
	const struct feature_row *row;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(feature_rows); i++) {
		row = &feature_rows[i];
		if (row->function == e->function && row->index == e->index)
			*entry_reg(e, row->reg) |= (host_word(row) & row->allowed) | row->always;
	}
}

static void keep(struct kvm_cpuid_entry2 *e, u8 regs)
{
	u32 r[4], i;

	host_cpuid(e->function, e->index, r);
	for (i = 0; i < 4; i++)
		if (regs & BIT(i))
			*entry_reg(e, i) = r[i];
}

static void fix_max_basic(struct kvm_cpuid_entry2 *e)
{
	e->eax = min(e->eax, 0x1fu);
}

static bool lfence_serializes(void)
{
	return kvm_caps->amd_leaves && boot_cpu_has(X86_FEATURE_LFENCE_RDTSC);
}

static void fix_max_extended(struct kvm_cpuid_entry2 *e)
{
	u32 max = min(e->eax, 0x80000021u);

	/* 0x80000021 holds bits that are true here although the CPU is older than the leaf. */
	if (lfence_serializes())
		max = 0x80000021;
	e->eax = max;
}

/* APIC id and number of siblings are the vCPU's, thus userspace's. */
static void fix_leaf1(struct kvm_cpuid_entry2 *e)
{
	e->ebx &= 0xff00;
}

static void fix_extended1(struct kvm_cpuid_entry2 *e)
{
	/*
	 * Executed in 32-bit mode Intel's CPUs hide it; the guest sees what it gets in 64-bit mode.
	 */
	if (boot_cpu_has(X86_FEATURE_LM) && boot_cpu_has(X86_FEATURE_SYSCALL))
		e->edx |= F(SYSCALL);
	if (!kvm_caps->tsc_aux)
		e->edx &= ~F(RDTSCP);
}

static void fix_cache6(struct kvm_cpuid_entry2 *e)
{
	e->edx &= ~GENMASK(17, 16);
}

/* An invariant TSC is a promise for the guest's life: the host must keep it first. */
static void fix_power(struct kvm_cpuid_entry2 *e)
{
	if (boot_cpu_has(X86_FEATURE_CONSTANT_TSC) && boot_cpu_has(X86_FEATURE_NONSTOP_TSC) &&
	    !check_tsc_unstable())
		e->edx = BIT(8);
}

/*
 * Widths of addresses. The nested page table translates 9 bits a level and 12 within the page; what
 * memory encryption takes from the host's physical address doesn't narrow the guest's.
 */
static void fix_widths(struct kvm_cpuid_entry2 *e)
{
	u32 phys = e->eax & 0xff, virt = max((e->eax >> 8) & 0xff, 48u);
	u32 levels = kvm_caps->npt_levels;

	if ((e->eax >> 16) & 0xff)
		phys = (e->eax >> 16) & 0xff;
	if (levels)
		phys = min(phys, 9 * levels + 12);
	e->eax = phys | virt << 8 | phys << 16;

	/* The names that Intel's leaf has for the same; the vendor must switch the MSRs. */
	if (!kvm_caps->spec_ctrl)
		e->ebx &= ~(F(AMD_IBRS) | F(AMD_STIBP) | F(AMD_STIBP_ALWAYS_ON) | F(AMD_SSBD));
	if (!kvm_caps->virt_ssbd)
		e->ebx &= ~F(VIRT_SSBD);
}

static void fix_performance_hints(struct kvm_cpuid_entry2 *e)
{
	e->eax &= 7;
}

/*
 * What of speculation needs nothing of ours, or no more than the guest's own IBPB and VERW: by the
 * kernel's word, which knows it of CPUs whose CPUID does not say so. Kernels before the flaw have
 * no name for it.
 */
#define AMD21(bit, name) (boot_cpu_has(X86_FEATURE_##name) ? BIT(bit) : 0)

static void fix_amd21_speculation(struct kvm_cpuid_entry2 *e)
{
#ifdef X86_FEATURE_VERW_CLEAR
	e->eax |= AMD21(5, VERW_CLEAR);
#endif
#ifdef X86_FEATURE_IBPB_BRTYPE
	e->eax |= AMD21(28, IBPB_BRTYPE);
#endif
#ifdef X86_FEATURE_SRSO_NO
	e->eax |= AMD21(29, SRSO_NO);
#endif
#ifdef X86_FEATURE_SRSO_USER_KERNEL_NO
	e->eax |= AMD21(30, SRSO_USER_KERNEL_NO);
#endif
#ifdef X86_FEATURE_TSA_SQ_NO
	e->ecx |= AMD21(1, TSA_SQ_NO) | AMD21(2, TSA_L1_NO);
#endif
}

static void fix_amd21(struct kvm_cpuid_entry2 *e)
{
	if (!kvm_caps->amd_leaves) {
		e->eax = 0;
		return;
	}
	if (lfence_serializes())
		e->eax |= BIT(2);
	if (!boot_cpu_has_bug(X86_BUG_NULL_SEG))
		e->eax |= BIT(6);
	fix_amd21_speculation(e);
}

static void fix_signature(struct kvm_cpuid_entry2 *e)
{
	e->eax = KVM_CPUID_FEATURES;
	memcpy(&e->ebx, KVM_SIGNATURE, 4);
	memcpy(&e->ecx, KVM_SIGNATURE + 4, 4);
	memcpy(&e->edx, KVM_SIGNATURE + 8, 4);
}

static void fix_pv_features(struct kvm_cpuid_entry2 *e)
{
	e->eax = kvm_pv_features();
}

/* Caches: subleaves until one of type 0, which is part of the answer. */
static void emit_caches(u32 function)
{
	struct kvm_cpuid_entry2 *e;
	u32 i = 0;

	do {
		e = add(function, i, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
		keep(e, KEEP_ALL);
	} while ((e->eax & 0x1f) && ++i < 16);
}

static void fix_leaf7(struct kvm_cpuid_entry2 *e)
{
	bool spec = kvm_caps->spec_ctrl;

	/* Hardware alone decides: the guest's levels are not the host's. */
	if (cpuid_ecx(7) & F(LA57))
		e->ecx |= F(LA57);
	if (!boot_cpu_has(X86_FEATURE_OSPKE))
		e->ecx &= ~F(PKU);
	if (!kvm_caps->tsc_aux)
		e->ecx &= ~F(RDPID);
	if (!kvm_caps->invpcid)
		e->ebx &= ~F(INVPCID);
	/*
	 * Intel's names of what an AMD host has, for a guest that looks there, and the other way
	 * round.
	 */
	if (boot_cpu_has(X86_FEATURE_IBPB) && boot_cpu_has(X86_FEATURE_IBRS))
		e->edx |= F(SPEC_CTRL);
	if (boot_cpu_has(X86_FEATURE_STIBP))
		e->edx |= F(INTEL_STIBP);
	if (boot_cpu_has(X86_FEATURE_AMD_SSBD))
		e->edx |= F(SPEC_CTRL_SSBD);
	if (!spec)
		e->edx &= ~(F(SPEC_CTRL) | F(INTEL_STIBP) | F(SPEC_CTRL_SSBD));
}

static void emit_features7(u32 function)
{
	struct kvm_cpuid_entry2 *e = add(function, 0, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
	u32 max = min(cpuid_eax(7), 1u);

	apply_features(e);
	fix_leaf7(e);
	e->eax = max;
	if (max >= 1)
		apply_features(add(function, 1, KVM_CPUID_FLAG_SIGNIFCANT_INDEX));
}

static void emit_xsave(u32 function)
{
	u64 xcr0 = kvm_supported_xcr0, xss = kvm_supported_xss;
	struct kvm_cpuid_entry2 *e = add(function, 0, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
	u32 i;

	if (!boot_cpu_has(X86_FEATURE_XSAVE) || !xcr0)
		return;
	e->eax = xcr0;
	e->edx = xcr0 >> 32;
	e->ebx = kvm_xsave_size(xcr0, false);
	e->ecx = e->ebx;

	e = add(function, 1, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
	apply_features(e);
	if (!kvm_caps->xsaves)
		e->eax &= ~F(XSAVES);
	if (e->eax & (F(XSAVEC) | F(XSAVES)))
		e->ebx = kvm_xsave_size(xcr0 | xss, true);
	if (e->eax & F(XSAVES)) {
		e->ecx = xss;
		e->edx = xss >> 32;
	}
	for (i = 2; i < ARRAY_SIZE(xsave_part); i++) {
		if (!((xcr0 | xss) & BIT_ULL(i)))
			continue;
		e = add(function, i, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
		keep(e, BIT(EAX) | BIT(EBX) | BIT(ECX));
	}
}

/* No topology is offered: that there is none is said by the absence of subleaf 1. */
static void emit_topology(u32 function)
{
	add(function, 0, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
}

static const struct leaf_row leaf_rows[] = {
	{ 0, 0, KEEP_ALL, fix_max_basic },
	{ 1, 1, BIT(EAX) | BIT(EBX), fix_leaf1 },
	{ 2, 2, KEEP_ALL },
	{ 4, 4, .emit = emit_caches },
	{ 7, 7, .emit = emit_features7 },
	{ 0xb, 0xb, .emit = emit_topology },
	{ 0xd, 0xd, .emit = emit_xsave },
	{ 0x1f, 0x1f, .emit = emit_topology },
	{ KVM_CPUID_SIGNATURE, KVM_CPUID_SIGNATURE, 0, fix_signature },
	{ KVM_CPUID_FEATURES, KVM_CPUID_FEATURES, 0, fix_pv_features },
	{ 0x80000000, 0x80000000, KEEP_ALL, fix_max_extended },
	{ 0x80000001, 0x80000001, BIT(EAX), fix_extended1 },
	{ 0x80000002, 0x80000005, KEEP_ALL },
	{ 0x80000006, 0x80000006, KEEP_ALL, fix_cache6 },
	{ 0x80000007, 0x80000007, 0, fix_power },
	{ 0x80000008, 0x80000008, BIT(EAX), fix_widths },
	{ 0x80000019, 0x80000019, BIT(EAX) | BIT(EBX) },
	{ 0x8000001a, 0x8000001a, BIT(EAX), fix_performance_hints },
	{ 0x8000001d, 0x8000001d, .emit = emit_caches },
	{ 0x80000021, 0x80000021, 0, fix_amd21 },
};

static void emit(u32 function)
{
	const struct leaf_row *row = NULL;
	struct kvm_cpuid_entry2 *e;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(leaf_rows) && !row; i++)
		if (function >= leaf_rows[i].first && function <= leaf_rows[i].last)
			row = &leaf_rows[i];
	if (row && row->emit) {
		row->emit(function);
		return;
	}
	e = add(function, 0, 0);
	if (row)
		keep(e, row->keep);
	apply_features(e);
	if (row && row->fix)
		row->fix(e);
}

/* A class begins with the leaf that names its last one. */
static void emit_class(u32 base)
{
	u32 max, i;

	emit(base);
	max = table[table_nent - 1].eax;
	for (i = base + 1; i <= max; i++)
		emit(i);
}

/* --- features by name ------------------------------------------------------------------------ */

/**
 * struct guest_feature_row - where a KVM_GF_* is announced; several rows of one feature are
 * alternatives
 * @feature: KVM_GF_*
 * @index: subleaf
 * @reg: KVM_CPUID_EAX ...
 * @guest_only: needs nothing of the host, and is not in the table that is offered
 * @function: leaf
 * @bit: mask
 */
struct guest_feature_row {
	u8 feature;
	u8 index;
	u8 reg;
	bool guest_only;
	u32 function;
	u32 bit;
};

#define SPEC7(gf, bit) { gf, 0, EDX, false, 7, bit }
#define SPEC8(gf, bit) { gf, 0, EBX, false, 0x80000008, bit }

static const struct guest_feature_row guest_feature_rows[] = {
	{ KVM_GF_X2APIC, 0, ECX, false, 1, F(X2APIC) },
	{ KVM_GF_TSC_DEADLINE, 0, ECX, true, 1, F(TSC_DEADLINE_TIMER) },
	{ KVM_GF_XSAVE, 0, ECX, false, 1, F(XSAVE) },
	{ KVM_GF_PCID, 0, ECX, false, 1, F(PCID) },
	{ KVM_GF_RDRAND, 0, ECX, false, 1, F(RDRAND) },
	{ KVM_GF_VMX, 0, ECX, false, 1, F(VMX) },
	{ KVM_GF_MTRR, 0, EDX, false, 1, F(MTRR) },
	{ KVM_GF_MCE, 0, EDX, false, 1, F(MCE) },
	{ KVM_GF_PAT, 0, EDX, false, 1, F(PAT) },
	{ KVM_GF_FSGSBASE, 0, EBX, false, 7, F(FSGSBASE) },
	{ KVM_GF_TSC_ADJUST, 0, EBX, false, 7, F(TSC_ADJUST) },
	{ KVM_GF_SMEP, 0, EBX, false, 7, F(SMEP) },
	{ KVM_GF_SMAP, 0, EBX, false, 7, F(SMAP) },
	{ KVM_GF_INVPCID, 0, EBX, false, 7, F(INVPCID) },
	{ KVM_GF_RDSEED, 0, EBX, false, 7, F(RDSEED) },
	{ KVM_GF_UMIP, 0, ECX, false, 7, F(UMIP) },
	{ KVM_GF_PKU, 0, ECX, false, 7, F(PKU) },
	{ KVM_GF_LA57, 0, ECX, false, 7, F(LA57) },
	{ KVM_GF_RDPID, 0, ECX, false, 7, F(RDPID) },
	{ KVM_GF_FSRM, 0, EDX, false, 7, F(FSRM) },
	{ KVM_GF_ARCH_CAPABILITIES, 0, EDX, false, 7, F(ARCH_CAPABILITIES) },
	SPEC7(KVM_GF_SPEC_CTRL, F(SPEC_CTRL)),
	SPEC7(KVM_GF_SPEC_CTRL, F(INTEL_STIBP)),
	SPEC7(KVM_GF_SPEC_CTRL, F(SPEC_CTRL_SSBD)),
	SPEC8(KVM_GF_SPEC_CTRL, F(AMD_IBRS)),
	SPEC8(KVM_GF_SPEC_CTRL, F(AMD_STIBP)),
	SPEC8(KVM_GF_SPEC_CTRL, F(AMD_SSBD)),
	SPEC7(KVM_GF_STIBP, F(INTEL_STIBP)),
	SPEC8(KVM_GF_STIBP, F(AMD_STIBP)),
	SPEC7(KVM_GF_SSBD, F(SPEC_CTRL_SSBD)),
	SPEC8(KVM_GF_SSBD, F(AMD_SSBD)),
	SPEC7(KVM_GF_PRED_CMD, F(SPEC_CTRL)),
	SPEC8(KVM_GF_PRED_CMD, F(AMD_IBPB)),
	SPEC7(KVM_GF_FLUSH_L1D, F(FLUSH_L1D)),
	SPEC8(KVM_GF_VIRT_SSBD, F(VIRT_SSBD)),
	{ KVM_GF_XSAVES, 1, EAX, false, 0xd, F(XSAVES) },
	{ KVM_GF_SVM, 0, ECX, false, 0x80000001, F(SVM) },
	{ KVM_GF_OSVW, 0, ECX, false, 0x80000001, F(OSVW) },
	{ KVM_GF_SYSCALL, 0, EDX, false, 0x80000001, F(SYSCALL) },
	{ KVM_GF_NX, 0, EDX, false, 0x80000001, F(NX) },
	{ KVM_GF_FXSR_OPT, 0, EDX, false, 0x80000001, F(FXSR_OPT) },
	{ KVM_GF_GBPAGES, 0, EDX, false, 0x80000001, F(GBPAGES) },
	{ KVM_GF_RDTSCP, 0, EDX, false, 0x80000001, F(RDTSCP) },
	{ KVM_GF_LM, 0, EDX, false, 0x80000001, F(LM) },
};

static_assert(KVM_GF_NR <= 64);

/**
 * kvm_cpuid_features() - features that a list of CPUID entries announces
 * @index: index of the entries
 * @entries: a guest's, or those that are offered
 *
 * Return: KVM_GF_* bits.
 */
u64 kvm_cpuid_features(const struct cpuid_index *index, struct kvm_cpuid_entry2 *entries)
{
	const struct guest_feature_row *row;
	struct kvm_cpuid_entry2 *e;
	u64 features = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(guest_feature_rows); i++) {
		row = &guest_feature_rows[i];
		e = cpuid_index_find(index, entries, row->function, row->index);
		if (e && (*entry_reg(e, row->reg) & row->bit))
			features |= BIT_ULL(row->feature);
	}
	return features;
}

static u64 guest_only_features(void)
{
	u64 features = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(guest_feature_rows); i++)
		if (guest_feature_rows[i].guest_only)
			features |= BIT_ULL(guest_feature_rows[i].feature);
	return features;
}

/* --- what others ask ------------------------------------------------------------------------- */

static void read_xsave_parts(void)
{
	u32 i, eax, ebx, ecx, edx;

	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return;
	for (i = 2; i < ARRAY_SIZE(xsave_part); i++) {
		if (!((kvm_supported_xcr0 | kvm_supported_xss) & BIT_ULL(i)))
			continue;
		cpuid_count(0xd, i, &eax, &ebx, &ecx, &edx);
		xsave_part[i].size = eax;
		xsave_part[i].offset = ebx;
		xsave_part[i].align = ecx & BIT(1);
	}
}

/**
 * kvm_xsave_size() - size of an XSAVE area
 * @xfeatures: components, as in XCR0 | IA32_XSS
 * @compacted: compacted format (XSAVEC, XSAVES), else each component at its fixed offset
 *
 * Legacy region and header take 576 bytes (SDM vol. 1, 13.4).
 *
 * Return: bytes.
 */
u32 kvm_xsave_size(u64 xfeatures, bool compacted)
{
	u32 size = 576, end, i;

	for (i = 2; i < ARRAY_SIZE(xsave_part); i++) {
		if (!(xfeatures & BIT_ULL(i)) || !xsave_part[i].size)
			continue;
		if (compacted)
			end = (xsave_part[i].align ? ALIGN(size, 64) : size) + xsave_part[i].size;
		else
			end = xsave_part[i].offset + xsave_part[i].size;
		size = max(size, end);
	}
	return size;
}

/**
 * kvm_cpuid_supported() - one register of what KVM_GET_SUPPORTED_CPUID says
 * @function: leaf
 * @index: subleaf
 * @reg: KVM_CPUID_EAX ... KVM_CPUID_EDX
 *
 * Return: its value, 0 where there is no such leaf.
 */
u32 kvm_cpuid_supported(u32 function, u32 index, u8 reg)
{
	struct kvm_cpuid_entry2 *e = cpuid_index_find(table_index, table, function, index);

	return e ? *entry_reg(e, reg) : 0;
}
EXPORT_SYMBOL_NS_GPL(kvm_cpuid_supported, GUESTMODE);

const struct kvm_cpuid_entry2 *kvm_cpuid_supported_table(u32 *nent)
{
	*nent = table_nent;
	return table;
}

/**
 * kvm_cpuid_module_init() - find out what this host offers
 *
 * Context: may sleep; kvm_caps and kvm_supported_xcr0 are valid. Return: 0 or -ENOMEM.
 */
int kvm_cpuid_module_init(void)
{
	table = kcalloc(KVM_MAX_CPUID_ENTRIES, sizeof(*table), GFP_KERNEL);
	table_index = kzalloc(sizeof(*table_index), GFP_KERNEL);
	if (!table || !table_index) {
		kvm_cpuid_module_exit();
		return -ENOMEM;
	}
	kvm_supported_xss = 0;
	table_nent = 0;
	read_xsave_parts();
	emit_class(0);
	emit_class(KVM_CPUID_SIGNATURE);
	emit_class(0x80000000);
	if (WARN_ON_ONCE(table_nent > KVM_MAX_CPUID_ENTRIES))
		table_nent = KVM_MAX_CPUID_ENTRIES;
	cpuid_index_build(table_index, table, table_nent);
	kvm_host_features = kvm_cpuid_features(table_index, table) | guest_only_features() |
			    BIT_ULL(KVM_GF_AMD_LIKE);
	return 0;
}

void kvm_cpuid_module_exit(void)
{
	kfree(table);
	kfree(table_index);
	table = NULL;
	table_index = NULL;
}
