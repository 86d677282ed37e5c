// SPDX-License-Identifier: GPL-2.0-only
/* Machine check banks: software state that the guest sees and userspace may report errors into. */

#include <linux/nospec.h>
#include <linux/slab.h>
#include <asm/mce.h>
#include <asm/traps.h>

#include "access.h"
#include "event.h"
#include "ioctl.h"
#include "irqchip/irqchip.h"
#include "msr_table.h"
#include "vendor.h"

#define BANK_WORDS 4
enum { BANK_CTL, BANK_STATUS, BANK_ADDR, BANK_MISC };

#define MSR_MC_BASE 0x400
#define HWCR_MC_STATUS_WREN BIT_ULL(18) /* AMD PPR, MSRC001_0015 */

/**
 * kvm_mce_supported_cap() - MCG_CAP bits beside the bank count that KVM_X86_SETUP_MCE accepts
 */
u64 kvm_mce_supported_cap(void)
{
	return (MCG_CTL_P | MCG_SER_P | MCG_CMCI_P) & kvm_caps->mcg_cap;
}

static u32 nr_banks(struct kvm_vcpu *vcpu)
{
	return vcpu->msr.mce.cap & MCG_BANKCNT_MASK;
}

/*
 * A control register enables all of its errors, or none; other values are undefined (SDM vol. 3,
 * 16.3.2.1).
 */
static bool ctl_valid(u64 value)
{
	return value == 0 || value == ~0ULL;
}

static u64 *bank_word(struct kvm_vcpu *vcpu, u32 index)
{
	u32 i = index - MSR_MC_BASE, n = nr_banks(vcpu) * BANK_WORDS;

	if (i >= n)
		return NULL;
	return &vcpu->msr.mce.banks[array_index_nospec(i, n)];
}

/* MCG_CAP, MCG_STATUS, MCG_CTL and the banks. */
int mce_get(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	u64 *word;

	switch (a->index) {
	case MSR_IA32_MCG_CAP:
		a->value = vcpu->msr.mce.cap;
		return 0;
	case MSR_IA32_MCG_STATUS:
		a->value = vcpu->msr.mce.status;
		return 0;
	case MSR_IA32_MCG_CTL:
		if (!(vcpu->msr.mce.cap & MCG_CTL_P) && !a->host)
			return -EINVAL;
		a->value = vcpu->msr.mce.ctl;
		return 0;
	}
	word = bank_word(vcpu, a->index);
	if (!word)
		return -ENOENT;
	a->value = *word;
	return 0;
}

static int bank_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	u64 *word = bank_word(vcpu, a->index);

	if (!word)
		return -ENOENT;
	switch (a->index % BANK_WORDS) {
	case BANK_CTL:
		/*
		 * Linux turns bit 10 of bank 4 off (a GART erratum of the K8), some UNIX systems
		 * bit 0: both are let through.
		 */
		if (!ctl_valid(a->value) && (a->value | BIT_ULL(10) | 1) != ~0ULL)
			return -EINVAL;
		break;
	case BANK_STATUS:
		/* Only zero clears; AMD's HWCR.McStatusWrEn lets any value in. */
		if (!a->host && a->value && !(vcpu->msr.hwcr & HWCR_MC_STATUS_WREN))
			return -EINVAL;
		break;
	}
	*word = a->value;
	return 0;
}

int mce_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	switch (a->index) {
	case MSR_IA32_MCG_CAP:
		return -EINVAL;
	case MSR_IA32_MCG_STATUS:
		vcpu->msr.mce.status = a->value;
		return 0;
	case MSR_IA32_MCG_CTL:
		if (!(vcpu->msr.mce.cap & MCG_CTL_P) && (a->value || !a->host))
			return -EINVAL;
		if (!ctl_valid(a->value))
			return -EINVAL;
		vcpu->msr.mce.ctl = a->value;
		return 0;
	}
	return bank_set(vcpu, a);
}

/*
 * IA32_MCi_CTL2 (SDM vol. 3, 16.3.2.5). Without CMCI there is no such MSR but for userspace, which
 * may save and restore the zero that it would be.
 */
static u64 *ctl2_word(struct kvm_vcpu *vcpu, const struct msr_access *a)
{
	u32 i = a->index - MSR_IA32_MC0_CTL2, n = nr_banks(vcpu);

	if (i >= n || (!(vcpu->msr.mce.cap & MCG_CMCI_P) && !a->host))
		return NULL;
	return &vcpu->msr.mce.ctl2[array_index_nospec(i, n)];
}

int mce_ctl2_get(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	u64 *word = ctl2_word(vcpu, a);

	if (!word)
		return -ENOENT;
	a->value = *word;
	return 0;
}

int mce_ctl2_set(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	u64 *word = ctl2_word(vcpu, a), valid = 0;

	if (!word)
		return -ENOENT;
	if (vcpu->msr.mce.cap & MCG_CMCI_P)
		valid = MCI_CTL2_CMCI_EN | MCI_CTL2_CMCI_THRESHOLD_MASK;
	if (a->value & ~valid)
		return -EINVAL;
	*word = a->value;
	return 0;
}

int mce_vcpu_create(struct kvm_vcpu *vcpu)
{
	vcpu->msr.mce.banks =
		kcalloc(KVM_MAX_MCE_BANKS * (BANK_WORDS + 1), sizeof(u64), GFP_KERNEL_ACCOUNT);
	if (!vcpu->msr.mce.banks)
		return -ENOMEM;
	vcpu->msr.mce.ctl2 = vcpu->msr.mce.banks + KVM_MAX_MCE_BANKS * BANK_WORDS;
	vcpu->msr.mce.cap = KVM_MAX_MCE_BANKS;
	return 0;
}

void mce_vcpu_free(struct kvm_vcpu *vcpu)
{
	kfree(vcpu->msr.mce.banks);
}

/* --- ioctls ---------------------------------------------------------------------------------- */

/* KVM_X86_SETUP_MCE: number of banks and MCG_CAP bits. */
static long ioctl_setup_mce(struct kvm_ioctl_call *call)
{
	struct kvm_vcpu *vcpu = call->vcpu;
	u64 cap = *(u64 *)call->arg;
	u32 banks = cap & MCG_BANKCNT_MASK, i;

	if (!banks || banks > KVM_MAX_MCE_BANKS)
		return -EINVAL;
	/*
	 * Bits 23:16, extended state registers, describe what errors carry and need nothing of us.
	 */
	if (cap & ~(kvm_mce_supported_cap() | MCG_BANKCNT_MASK | MCG_EXT_CNT_MASK))
		return -EINVAL;
	cap &= kvm_caps->mcg_cap;
	vcpu->msr.mce.cap = cap;
	memset(vcpu->msr.mce.ctl2, 0, KVM_MAX_MCE_BANKS * sizeof(u64));
	lapic_set_cmci(vcpu, cap & MCG_CMCI_P);
	if (cap & MCG_CTL_P)
		vcpu->msr.mce.ctl = ~0ULL;
	for (i = 0; i < banks; i++)
		vcpu->msr.mce.banks[i * BANK_WORDS + BANK_CTL] = ~0ULL;
	return 0;
}

static void log_error(u64 *bank, const struct kvm_x86_mce *mce, u64 status)
{
	bank[BANK_STATUS] = status;
	bank[BANK_ADDR] = mce->addr;
	bank[BANK_MISC] = mce->misc;
}

/*
 * An uncorrected error raises #MC; a second one before the first is dealt with shuts the CPU down.
 */
static void uncorrected_error(struct kvm_vcpu *vcpu, u64 *bank, const struct kvm_x86_mce *mce)
{
	u64 status = mce->status;

	if ((vcpu->msr.mce.status & MCG_STATUS_MCIP) || !(kvm_cr4(vcpu) & X86_CR4_MCE)) {
		kvm_make_request(KVM_REQ_TRIPLE_FAULT, vcpu);
		return;
	}
	if (bank[BANK_STATUS] & MCI_STATUS_VAL)
		status |= MCI_STATUS_OVER;
	log_error(bank, mce, status);
	vcpu->msr.mce.status = mce->mcg_status;
	kvm_queue_exception(vcpu, X86_TRAP_MC);
}

/*
 * UCNA, uncorrected, no action required: not signalled by #MC, the processor's state is good (SDM
 * vol. 3, 16.6.3).
 */
static bool is_ucna(const struct kvm_x86_mce *mce)
{
	return !mce->mcg_status && !(mce->status & (MCI_STATUS_PCC | MCI_STATUS_S | MCI_STATUS_AR));
}

/*
 * One that #MC doesn't signal: it is logged, and CMCI tells of it. Userspace reports errors one by
 * one, so the guest's threshold is not waited for.
 */
static void quiet_error(struct kvm_vcpu *vcpu, u64 *bank, const struct kvm_x86_mce *mce)
{
	u32 nr = (bank - vcpu->msr.mce.banks) / BANK_WORDS;

	if (!(bank[BANK_STATUS] & MCI_STATUS_VAL))
		log_error(bank, mce, mce->status);
	else if ((mce->status & MCI_STATUS_UC) || !(bank[BANK_STATUS] & MCI_STATUS_UC))
		log_error(bank, mce, mce->status | MCI_STATUS_OVER);
	else
		bank[BANK_STATUS] |= MCI_STATUS_OVER;
	if (vcpu->msr.mce.ctl2[nr] & MCI_CTL2_CMCI_EN)
		lapic_cmci(vcpu);
}

/*
 * KVM_X86_SET_MCE: log an error as hardware would (SDM vol. 3, 16.3.2.2 on what overwrites what).
 */
static long ioctl_set_mce(struct kvm_ioctl_call *call)
{
	const struct kvm_x86_mce *mce = call->arg;
	struct kvm_vcpu *vcpu = call->vcpu;
	u64 *bank;

	if (mce->bank >= nr_banks(vcpu) || !(mce->status & MCI_STATUS_VAL))
		return -EINVAL;
	bank = &vcpu->msr.mce.banks[BANK_WORDS *
				    array_index_nospec(mce->bank, KVM_MAX_MCE_BANKS)];
	if ((mce->status & MCI_STATUS_UC) && !is_ucna(mce)) {
		/* Reporting is off, for all or for this bank. */
		if ((vcpu->msr.mce.cap & MCG_CTL_P) && vcpu->msr.mce.ctl != ~0ULL)
			return 0;
		if (bank[BANK_CTL] != ~0ULL)
			return 0;
		uncorrected_error(vcpu, bank, mce);
	} else {
		quiet_error(vcpu, bank, mce);
	}
	return 0;
}

const struct kvm_ioctl_row kvm_mce_vcpu_ioctls[] = {
	{ KVM_X86_SETUP_MCE, ioctl_setup_mce },
	{ KVM_X86_SET_MCE, ioctl_set_mce, IOC_VCPU_LOADED },
	{}
};
