// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MSRs, a row each, and what reading and writing them does. Those that hardware switches with
 * the guest are the vendor's; the LAPIC's (0x1b, 0x6e0, 0x800-0x8ff) don't come here (msr.c).
 */

#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/tsc.h>
#include <uapi/asm/kvm_para.h>

#include "access.h"
#include "cr.h"
#include "guest_time.h"
#include "msr_table.h"

/* --- generic functions of rows --------------------------------------------------------------- */

static u64 *field(struct kvm_vcpu *vcpu, const struct msr_row *row)
{
	return (void *)vcpu + row->offset;
}

static int get_field(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	a->value = *field(vcpu, a->row);
	return 0;
}

static int set_field(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	*field(vcpu, a->row) = a->value;
	return 0;
}

static int get_constant(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	a->value = a->row->constant;
	return 0;
}

/* Knobs that guests turn and that do nothing here. */
static int set_ignored(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	return 0;
}

static int set_same(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	return a->value == a->row->constant ? 0 : -EINVAL;
}

static int vendor_get(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	return vendor_call(get_msr, vcpu, a->index, &a->value);
}

static int vendor_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	return vendor_call(set_msr, vcpu, a->index, a->value, a->host);
}

/* --- time ------------------------------------------------------------------------------------ */

static int tsc_get(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	a->value = kvm_tsc_read(vcpu, rdtsc());
	return 0;
}

static int tsc_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	return kvm_tsc_write(vcpu, a->value, a->host);
}

static int tsc_adjust_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	return kvm_tsc_adjust_write(vcpu, a->value, a->host);
}

static int clock_get(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	return kvm_clock_msr_read(vcpu, a->index, &a->value, a->host);
}

static int clock_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	return kvm_clock_msr_write(vcpu, a->index, a->value, a->host);
}

static int pv_get(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	return kvm_pv_msr_read(vcpu, a->index, &a->value, a->host);
}

static int pv_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	return kvm_pv_msr_write(vcpu, a->index, a->value, a->host);
}

/* --- speculation controls -------------------------------------------------------------------- */

static int spec_ctrl_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	u64 features = a->host ? kvm_host_features : vcpu->cpuid.features, valid = 0;

	/* What this CPU lacks must never get there: the entry code writes the value as it is. */
	if (boot_cpu_has(X86_FEATURE_IBRS))
		valid |= SPEC_CTRL_IBRS;

	if (features & BIT_ULL(KVM_GF_STIBP))
		valid |= SPEC_CTRL_STIBP;
	if (features & BIT_ULL(KVM_GF_SSBD))
		valid |= SPEC_CTRL_SSBD;
	if (a->value & ~valid)
		return -EINVAL;
	return vendor_set(vcpu, a);
}

/*
 * Commands: write-only, acting on this CPU at once. Preemption before re-entry does no harm: both
 * act on what was.
 */
static int pred_cmd_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	if (a->value & ~PRED_CMD_IBPB)
		return -EINVAL;
	if (a->value && !a->host && boot_cpu_has(X86_FEATURE_IBPB))
		wrmsrl(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
	return 0;
}

static int flush_cmd_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	if (a->value & ~L1D_FLUSH)
		return -EINVAL;
	if (a->value && !a->host && boot_cpu_has(X86_FEATURE_FLUSH_L1D))
		wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
	return 0;
}

/* --- identification -------------------------------------------------------------------------- */

/* Until userspace says otherwise, a microcode recent enough that no guest asks for an update. */
static int ucode_rev_get(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	a->value = vcpu->msr.ucode_rev;
	if (!a->value)
		a->value = guest_has(vcpu, KVM_GF_AMD_LIKE) ? 0x01000065 : BIT_ULL(32);
	return 0;
}

/* The guest writes 0 before CPUID to have hardware load the revision (SDM vol. 3, 10.11.7.1). */
static int ucode_rev_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	if (a->host)
		vcpu->msr.ucode_rev = a->value;
	return 0;
}

static int platform_info_get(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	if (!a->host && vcpu->kvm->caps.no_platform_info)
		return -EINVAL;
	return get_field(vcpu, a);
}

static int platform_info_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	/* CPUID faulting can't go while it is in use. */
	if (!(a->value & MSR_PLATFORM_INFO_CPUID_FAULT) &&
	    (vcpu->msr.misc_features & MSR_MISC_FEATURES_ENABLES_CPUID_FAULT))
		return -EINVAL;
	return set_field(vcpu, a);
}

static int misc_features_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	u64 valid = 0;

	if (vcpu->msr.platform_info & MSR_PLATFORM_INFO_CPUID_FAULT)
		valid = MSR_MISC_FEATURES_ENABLES_CPUID_FAULT;
	if (a->value & ~valid)
		return -EINVAL;
	return set_field(vcpu, a);
}

static int arch_capabilities_get(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	/* Without the CPUID bit a guest on AMD's CPU gets #GP, as on the real thing. */
	return get_field(vcpu, a);
}

static int misc_enable_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	const u64 fixed = MSR_IA32_MISC_ENABLE_BTS_UNAVAIL | MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL;
	u64 old = vcpu->msr.misc_enable, value = a->value;

	if (!a->host) {
		if ((value ^ old) & fixed)
			return -EINVAL;
		/* There is no performance monitoring; what tells it is read-only, not reserved. */
		value &= ~MSR_IA32_MISC_ENABLE_EMON;
		value |= old & MSR_IA32_MISC_ENABLE_EMON;
	}
	vcpu->msr.misc_enable = value;
	if ((value ^ old) & MSR_IA32_MISC_ENABLE_MWAIT)
		kvm_cpuid_refresh(vcpu);
	return 0;
}

/* --- AMD ------------------------------------------------------------------------------------- */

/* AMD PPR, MSRC001_0015. What is ignored are errata's switches that BIOSes and Linux turn. */
#define HWCR_IGNORED (BIT_ULL(3) | BIT_ULL(6) | BIT_ULL(8)) /* TlbCacheDis FFDis IgnneEm */
#define HWCR_VALID (BIT_ULL(18) | HWCR_TSC_FREQ_SEL) /* McStatusWrEn */
#define HWCR_TSC_FREQ_SEL BIT_ULL(24) /* the TSC counts at P0's frequency: read-only one there */

static int hwcr_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	u64 value = a->value & ~HWCR_IGNORED;

	if (value & ~HWCR_VALID)
		return -EINVAL;
	vcpu->msr.hwcr = value;
	return 0;
}

static int de_cfg_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	u64 valid;

	if (msr_feature_value(MSR_AMD64_DE_CFG, &valid) || (a->value & ~valid))
		return -EINVAL;
	return set_field(vcpu, a);
}

static int osvw_length_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	/* Bits of errata that the status MSR has room for. */
	if (a->value > 64)
		return -EINVAL;
	return set_field(vcpu, a);
}

/* --- x86 registers that are MSRs ------------------------------------------------------------- */

static int efer_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	return kvm_set_efer(vcpu, a->value, a->host);
}

static int pat_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	int r;

	if (!pat_valid(a->value))
		return -EINVAL;
	vcpu->msr.pat = a->value;
	/* Where hardware holds the guest's PAT the vendor wants to know. */
	r = vendor_set(vcpu, a);
	return r == -ENOENT ? 0 : r;
}

static int xss_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	if (a->value & ~vcpu->cpuid.supported_xss)
		return -EINVAL;
	if (vcpu->regs.ia32_xss == a->value)
		return 0;
	vcpu->regs.ia32_xss = a->value;
	kvm_cpuid_refresh(vcpu);
	return 0;
}

static int tsc_aux_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	/* Bits 63:32 are reserved, and on AMD's CPUs ignored. */
	if (a->value >> 32 && !guest_has(vcpu, KVM_GF_AMD_LIKE))
		return -EINVAL;
	a->value = (u32)a->value;
	return vendor_set(vcpu, a);
}

/*
 * SYSENTER_ESP and _EIP: AMD's CPUs keep 32 bits and don't check; neither may a bad value reach
 * hardware.
 */
static int sysenter_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	if (a->index != MSR_IA32_SYSENTER_CS)
		a->value = kvm_canonical_msr(a->value);
	return vendor_set(vcpu, a);
}

/*
 * DEBUGCTL and last-branch MSRs: the vendor's where it has them, else a CPU that records nothing.
 */
static int lbr_get(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	int r = vendor_get(vcpu, a);

	if (r != -ENOENT)
		return r;
	a->value = 0;
	return 0;
}

static int debugctl_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	int r = vendor_set(vcpu, a);

	if (r != -ENOENT)
		return r;
	return a->value & ~(DEBUGCTLMSR_LBR | DEBUGCTLMSR_BTF) ? -EINVAL : 0;
}

/* --- rows ------------------------------------------------------------------------------------ */

#define GF_BIT(name) BIT_ULL(KVM_GF_##name)
#define GF(name) .features = GF_BIT(name)
#define ONE(i) .first = (i), .last = (i)
#define RANGE(a, b) .first = (a), .last = (b)
#define RW(what) .get = what##_get, .set = what##_set
#define CONST(v) .get = get_constant, .constant = (v)
#define FIELD(f) .get = get_field, .set = set_field, .offset = offsetof(struct kvm_vcpu, f)
#define FIELD_SET(f, fn) .get = get_field, .set = fn, .offset = offsetof(struct kvm_vcpu, f)
#define SAVE .flags = MSR_SAVE

static_assert(sizeof_field(struct kvm_vcpu, cpu) && offsetof(struct kvm_vcpu, pv) < U16_MAX);

/* Sorted by index. */
const struct msr_row msr_rows[] = {
	{ ONE(MSR_IA32_TSC), RW(tsc), SAVE },
	{ RANGE(MSR_KVM_WALL_CLOCK, MSR_KVM_SYSTEM_TIME), RW(clock), SAVE },
	{ ONE(MSR_IA32_PLATFORM_ID), CONST(0) },
	{ ONE(MSR_IA32_EBL_CR_POWERON), CONST(0) },
	{ ONE(MSR_EBC_FREQUENCY_ID), CONST(1 << 24) }, /* 133 MHz bus */
	{ ONE(MSR_SMI_COUNT), FIELD(msr.smi_count), .flags = MSR_SAVE | MSR_HOST_WRITE },
	{ ONE(MSR_IA32_TSC_ADJUST), FIELD_SET(tsc.adjust, tsc_adjust_set), GF(TSC_ADJUST), SAVE },
	{ ONE(MSR_IA32_SPEC_CTRL), vendor_get, spec_ctrl_set, GF(SPEC_CTRL), SAVE },
	{ ONE(MSR_IA32_PRED_CMD), .set = pred_cmd_set, GF(PRED_CMD) },
	{ ONE(MSR_IA32_UCODE_WRITE), .set = set_ignored },
	{ ONE(MSR_IA32_UCODE_REV), RW(ucode_rev), .flags = MSR_SAVE | MSR_FEATURE },
	{ RANGE(MSR_P6_PERFCTR0, MSR_P6_PERFCTR1), CONST(0), .set = set_ignored },
	{ ONE(MSR_FSB_FREQ), CONST(3) },
	{ ONE(MSR_PLATFORM_INFO), platform_info_get, platform_info_set,
	  .offset = offsetof(struct kvm_vcpu, msr.platform_info),
	  .flags = MSR_SAVE | MSR_HOST_WRITE },
	{ ONE(MSR_MTRRcap), mtrr_get, NULL, GF(MTRR) },
	{ ONE(MSR_IA32_ARCH_CAPABILITIES), arch_capabilities_get, set_field, GF(ARCH_CAPABILITIES),
	  .offset = offsetof(struct kvm_vcpu, msr.arch_capabilities),
	  .flags = MSR_SAVE | MSR_FEATURE | MSR_HOST_WRITE },
	{ ONE(MSR_IA32_FLUSH_CMD), .set = flush_cmd_set, GF(FLUSH_L1D) },
	{ ONE(MSR_IA32_BBL_CR_CTL), CONST(0) },
	{ ONE(MSR_IA32_BBL_CR_CTL3), CONST(0xbe702111) }, /* L2 cache there and enabled */
	{ ONE(MSR_MISC_FEATURES_ENABLES), FIELD_SET(msr.misc_features, misc_features_set), SAVE },
	{ RANGE(MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_EIP), vendor_get, sysenter_set, SAVE },
	{ ONE(MSR_IA32_MCG_CAP), RW(mce) },
	{ RANGE(MSR_IA32_MCG_STATUS, MSR_IA32_MCG_CTL), RW(mce), SAVE },
	{ RANGE(MSR_P6_EVNTSEL0, MSR_P6_EVNTSEL1), CONST(0), .set = set_ignored },
	{ ONE(MSR_IA32_PERF_STATUS), CONST(1000 | 4ULL << 40) }, /* some frequency and multiplier */
	{ ONE(MSR_IA32_PERF_CTL), CONST(0) },
	{ ONE(MSR_IA32_MISC_ENABLE), FIELD_SET(msr.misc_enable, misc_enable_set), SAVE },
	{ ONE(MSR_IA32_DEBUGCTLMSR), lbr_get, debugctl_set },
	{ RANGE(MSR_IA32_LASTBRANCHFROMIP, MSR_IA32_LASTINTTOIP), lbr_get },
	{ ONE(MSR_IA32_POWER_CTL), FIELD(msr.power_ctl), SAVE }, /* nothing here saves power */
	{ RANGE(0x200, 0x20f), RW(mtrr), GF(MTRR), SAVE },
	{ ONE(MSR_MTRRfix64K_00000), RW(mtrr), GF(MTRR), SAVE },
	{ RANGE(MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000), RW(mtrr), GF(MTRR), SAVE },
	{ RANGE(MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_F8000), RW(mtrr), GF(MTRR), SAVE },
	{ ONE(MSR_IA32_CR_PAT), FIELD_SET(msr.pat, pat_set), GF(PAT), SAVE },
	{ RANGE(MSR_IA32_MC0_CTL2, MSR_IA32_MC0_CTL2 + KVM_MAX_MCE_BANKS - 1), RW(mce_ctl2) },
	{ ONE(MSR_MTRRdefType), RW(mtrr), GF(MTRR), SAVE },
	{ RANGE(0x400, 0x400 + 4 * KVM_MAX_MCE_BANKS - 1), RW(mce) },
	{ ONE(MSR_RAPL_POWER_UNIT), CONST(0) },
	{ ONE(MSR_PKG_ENERGY_STATUS), CONST(0) },
	{ ONE(MSR_DRAM_ENERGY_STATUS), CONST(0) },
	{ ONE(MSR_PP0_ENERGY_STATUS), CONST(0) },
	{ ONE(MSR_PP1_ENERGY_STATUS), CONST(0) },
	{ ONE(MSR_IA32_XSS), FIELD_SET(regs.ia32_xss, xss_set), GF(XSAVES), SAVE },
	{ RANGE(MSR_KVM_WALL_CLOCK_NEW, MSR_KVM_SYSTEM_TIME_NEW), RW(clock), SAVE },
	{ ONE(MSR_KVM_STEAL_TIME), RW(pv), SAVE },
	{ ONE(MSR_KVM_PV_EOI_EN), RW(pv), SAVE },
	{ ONE(MSR_KVM_POLL_CONTROL), RW(pv), SAVE },
	{ ONE(MSR_EFER), FIELD_SET(regs.efer, efer_set) },
	{ ONE(MSR_STAR), RW(vendor), SAVE },
	{ RANGE(MSR_LSTAR, MSR_CSTAR), RW(vendor), .flags = MSR_SAVE | MSR_CANONICAL },
	{ ONE(MSR_SYSCALL_MASK), RW(vendor), SAVE },
	{ RANGE(MSR_FS_BASE, MSR_GS_BASE), RW(vendor), .flags = MSR_CANONICAL },
	{ ONE(MSR_KERNEL_GS_BASE), RW(vendor), .flags = MSR_SAVE | MSR_CANONICAL },
	{ ONE(MSR_TSC_AUX), vendor_get, tsc_aux_set, GF(RDTSCP) | GF_BIT(RDPID), SAVE },
	{ RANGE(MSR_K7_EVNTSEL0, MSR_K7_PERFCTR3), CONST(0), .set = set_ignored },
	{ ONE(MSR_AMD64_SYSCFG), CONST(0), .set = set_same },
	{ ONE(MSR_K7_HWCR), FIELD_SET(msr.hwcr, hwcr_set), SAVE },
	{ ONE(MSR_AMD64_NB_CFG), CONST(0), .set = set_ignored },
	{ ONE(MSR_AMD64_PATCH_LOADER), .set = set_ignored },
	{ ONE(MSR_K8_INT_PENDING_MSG), CONST(0), .set = set_ignored },
	{ ONE(MSR_FAM10H_MMIO_CONF_BASE), CONST(0), .set = set_same },
	{ RANGE(MSR_K8_TSEG_ADDR, MSR_K8_TSEG_MASK), CONST(0) },
	{ ONE(MSR_AMD64_VIRT_SPEC_CTRL), RW(vendor), GF(VIRT_SSBD), SAVE },
	{ ONE(MSR_AMD64_OSVW_ID_LENGTH), FIELD_SET(msr.osvw_length, osvw_length_set), GF(OSVW),
	  .flags = MSR_SAVE | MSR_HOST_WRITE },
	{ ONE(MSR_AMD64_OSVW_STATUS), FIELD(msr.osvw_status), GF(OSVW),
	  .flags = MSR_SAVE | MSR_HOST_WRITE },
	{ ONE(MSR_AMD64_DC_CFG), CONST(0), .set = set_ignored },
	{ ONE(0xc0011023), CONST(0), .set = set_ignored }, /* TW_CFG */
	{ ONE(MSR_AMD64_DE_CFG), FIELD_SET(msr.de_cfg, de_cfg_set), .flags = MSR_FEATURE },
	{ ONE(MSR_AMD64_BU_CFG2), CONST(0), .set = set_ignored },
	{ ONE(MSR_F15H_EX_CFG), CONST(0), .set = set_ignored },
};

const u32 msr_nr_rows = ARRAY_SIZE(msr_rows);

/* The search in msr.c relies on the order. */
int msr_table_check(void)
{
	u32 i;

	for (i = 0; i < msr_nr_rows; i++)
		if (msr_rows[i].last < msr_rows[i].first ||
		    (i && msr_rows[i].first <= msr_rows[i - 1].last)) {
			pr_err("kvm: MSR table out of order at 0x%x\n", msr_rows[i].first);
			return -EINVAL;
		}
	return 0;
}

/* --- what MSRs say of this host -------------------------------------------------------------- */

/*
 * IA32_ARCH_CAPABILITIES bits that mean the same to a guest as to the host (SDM vol. 4, table 2-2).
 */
#define ARCH_CAP_PASSED                                                                            \
	(ARCH_CAP_RDCL_NO | ARCH_CAP_IBRS_ALL | ARCH_CAP_RSBA | ARCH_CAP_SSB_NO | \
	 ARCH_CAP_MDS_NO | \
	 ARCH_CAP_PSCHANGE_MC_NO | ARCH_CAP_TAA_NO | ARCH_CAP_SBDR_SSDP_NO | ARCH_CAP_FBSDP_NO |   \
	 ARCH_CAP_PSDP_NO | ARCH_CAP_FB_CLEAR | ARCH_CAP_RRSBA | ARCH_CAP_BHI_NO |                 \
	 ARCH_CAP_PBRSB_NO | ARCH_CAP_GDS_NO | ARCH_CAP_RFDS_NO | ARCH_CAP_RFDS_CLEAR |           \
	 ARCH_CAP_ITS_NO)

/* CPUs without the MSR are known to the kernel by model: what it doesn't call affected isn't. */
static const struct {
	u16 bug;
	u64 cap;
} bug_rows[] = {
	{ X86_BUG_CPU_MELTDOWN, ARCH_CAP_RDCL_NO },
	{ X86_BUG_SPEC_STORE_BYPASS, ARCH_CAP_SSB_NO },
	{ X86_BUG_MDS, ARCH_CAP_MDS_NO },
	{ X86_BUG_ITLB_MULTIHIT, ARCH_CAP_PSCHANGE_MC_NO },
	{ X86_BUG_GDS, ARCH_CAP_GDS_NO },
	{ X86_BUG_RFDS, ARCH_CAP_RFDS_NO },
	{ X86_BUG_ITS, ARCH_CAP_ITS_NO },
};

static u64 host_arch_capabilities(void)
{
	u64 caps = 0;
	size_t i;

	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES) &&
	    rdmsrl_safe(MSR_IA32_ARCH_CAPABILITIES, &caps))
		caps = 0;
	caps &= ARCH_CAP_PASSED;
	for (i = 0; i < ARRAY_SIZE(bug_rows); i++)
		if (!boot_cpu_has_bug(bug_rows[i].bug))
			caps |= bug_rows[i].cap;
	/* Fixed in microcode, which a guest can't see. */
	if (gds_ucode_mitigated())
		caps |= ARCH_CAP_GDS_NO;
	return caps;
}

/**
 * msr_feature_value() - what a MSR_FEATURE row says of this host
 * @index: the MSR
 * @value: out
 *
 * Return: 0, -ENOENT (no such row, or not on this host).
 */
int msr_feature_value(u32 index, u64 *value)
{
	switch (index) {
	case MSR_IA32_ARCH_CAPABILITIES:
		*value = host_arch_capabilities();
		return 0;
	case MSR_IA32_UCODE_REV:
		return rdmsrl_safe(MSR_IA32_UCODE_REV, value) ? -ENOENT : 0;
	case MSR_AMD64_DE_CFG:
		*value = 0;
		if (boot_cpu_has(X86_FEATURE_LFENCE_RDTSC))
			*value = MSR_AMD64_DE_CFG_LFENCE_SERIALIZE;
		return 0;
	}
	return -ENOENT;
}
