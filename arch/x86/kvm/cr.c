// SPDX-License-Identifier: GPL-2.0-only
/* Control registers, EFER, XCR0: the architecture's checks, and what a change brings about. */

#include <linux/module.h>
#include <asm/fpu/types.h>

#include "cpuid.h"
#include "cr.h"
#include "fpu.h"
#include "guest_mem.h"

#define CR0_KNOWN \
	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | X86_CR0_NE | \
	 X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)

/* Bits whose change invalidates translations (SDM vol. 3, 4.10.4.1). */
#define CR0_PAGING (X86_CR0_PG | X86_CR0_WP)
#define CR4_PAGING \
	(X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE | X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_PKE | \
	 X86_CR4_LA57 | X86_CR4_PCIDE)

static bool cr0_valid(u64 cr0)
{
	if (cr0 & ~0xffffffffULL)
		return false;
	if ((cr0 & X86_CR0_NW) && !(cr0 & X86_CR0_CD))
		return false;
	return !(cr0 & X86_CR0_PG) || (cr0 & X86_CR0_PE);
}

/*
 * TR with a TSS of 16 bits, which long mode has not, and VM entry refuses (26.3.1.2); AMD's
 * processors don't look at it.
 */
static bool tss_is_too_small(struct kvm_vcpu *vcpu)
{
	struct kvm_segment tr;

	if (guest_has(vcpu, KVM_GF_AMD_LIKE))
		return false;
	vendor_call(get_segment, vcpu, KVM_SEG_TR, &tr);
	return tr.type == 1 || tr.type == 3;
}

static bool cs_is_long(struct kvm_vcpu *vcpu)
{
	struct kvm_segment cs;

	vendor_call(get_segment, vcpu, KVM_SEG_CS, &cs);
	return cs.l;
}

static void flush_guest_tlb(struct kvm_vcpu *vcpu)
{
	kvm_make_request(KVM_REQ_TLB_FLUSH, vcpu);
}

/* A new EFER in regs.efer; what hardware has of CR4 depends on LMA (kvm_hw_cr4()). */
static void set_efer(struct kvm_vcpu *vcpu)
{
	vendor_call(set_efer, vcpu);
	if (kvm_cr4(vcpu) & X86_CR4_PCIDE)
		vendor_call(set_cr4, vcpu);
}

/* --- PAE paging's directory (SDM vol. 3, 4.4.1) ---------------------------------------------- */

/* Changes of these load the four PDPTEs anew. */
#define CR0_LOADS_PDPTES (X86_CR0_PG | X86_CR0_CD | X86_CR0_NW)
#define CR4_LOADS_PDPTES (X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PSE | X86_CR4_SMEP)

/**
 * kvm_pdpte_valid() - absent, or nothing reserved set
 * @vcpu: the vCPU, for the width of its physical addresses
 * @pdpte: an entry
 */
bool kvm_pdpte_valid(struct kvm_vcpu *vcpu, u64 pdpte)
{
	u64 reserved = GENMASK_ULL(63, vcpu->cpuid.maxphyaddr) | GENMASK_ULL(8, 5) |
		       GENMASK_ULL(2, 1);

	return !(pdpte & 1) || !(pdpte & reserved);
}
EXPORT_SYMBOL_NS_GPL(kvm_pdpte_valid, GUESTMODE);

/**
 * kvm_read_pdpte() - a PDPTE as the CPU uses it
 * @vcpu: the vCPU, loaded, with PAE paging
 * @nr: below 4
 *
 * Context: kvm->srcu held, may sleep: after KVM_SET_SREGS they are about to be loaded.
 */
u64 kvm_read_pdpte(struct kvm_vcpu *vcpu, unsigned int nr)
{
	if (kvm_test_request(KVM_REQ_TLB_FLUSH, vcpu))
		vendor_call(tlb_flush, vcpu);
	return kvm_reg_read(vcpu, KVM_REG_PDPTE0 + nr);
}

/*
 * With these registers, and EFER as it is. Return: 0, or -EINVAL: one is invalid, and none was
 * loaded.
 */
static int load_pdptes(struct kvm_vcpu *vcpu, u64 cr0, u64 cr3, u64 cr4)
{
	u64 pdpte[4];
	int i;

	if (!kvm_caps->pdpte_regs || !kvm_pae_paging(cr0, cr4, vcpu->regs.efer))
		return 0;
	/* Where there is no memory, the bus answers with ones. */
	if (kvm_read_guest(vcpu->kvm, cr3 & GENMASK_ULL(31, 5), pdpte, sizeof(pdpte)))
		return -EINVAL;
	for (i = 0; i < 4; i++)
		if (!kvm_pdpte_valid(vcpu, pdpte[i]))
			return -EINVAL;
	for (i = 0; i < 4; i++)
		kvm_reg_write(vcpu, KVM_REG_PDPTE0 + i, pdpte[i]);
	/* By which hardware is told. */
	flush_guest_tlb(vcpu);
	return 0;
}

/* --- control registers ----------------------------------------------------------------------- */

/**
 * kvm_set_cr0() - MOV to CR0, LMSW, CLTS
 * @vcpu: the vCPU
 * @cr0: new value; reserved bits below 32 are ignored (APM vol. 2, 3.1.1)
 *
 * Return: 0, or -EINVAL: #GP(0).
 */
int kvm_set_cr0(struct kvm_vcpu *vcpu, u64 cr0)
{
	u64 old = kvm_cr0(vcpu);

	if (!cr0_valid(cr0))
		return -EINVAL;
	cr0 = (cr0 & CR0_KNOWN) | X86_CR0_ET;

	if ((cr0 & X86_CR0_PG) && !(old & X86_CR0_PG)) {
		if (vcpu->regs.efer & EFER_LME) {
			/* Long mode begins: SDM vol. 3, 9.8.5. */
			if (!kvm_is_pae(vcpu) || cs_is_long(vcpu) || tss_is_too_small(vcpu))
				return -EINVAL;
			vcpu->regs.efer |= EFER_LMA;
			set_efer(vcpu);
		}
	} else if (!(cr0 & X86_CR0_PG) && (old & X86_CR0_PG)) {
		if ((vcpu->regs.efer & EFER_LMA) && cs_is_long(vcpu))
			return -EINVAL;
		if (kvm_cr4(vcpu) & X86_CR4_PCIDE)
			return -EINVAL;
		vcpu->regs.efer &= ~(u64)EFER_LMA;
		set_efer(vcpu);
	}
	if (!(cr0 & X86_CR0_WP) && (kvm_cr4(vcpu) & X86_CR4_CET))
		return -EINVAL;
	if (((old ^ cr0) & CR0_LOADS_PDPTES) &&
	    load_pdptes(vcpu, cr0, kvm_cr3(vcpu), kvm_cr4(vcpu)))
		return -EINVAL;

	kvm_reg_write(vcpu, KVM_REG_CR0, cr0);
	vendor_call(set_cr0, vcpu);
	if ((old ^ cr0) & CR0_PAGING)
		flush_guest_tlb(vcpu);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(kvm_set_cr0, GUESTMODE);

/**
 * kvm_set_cr3() - MOV to CR3
 * @vcpu: the vCPU
 * @cr3: new value; bit 63 with PCIDs: don't flush
 *
 * Return: 0, or -EINVAL: #GP(0).
 */
int kvm_set_cr3(struct kvm_vcpu *vcpu, u64 cr3)
{
	bool pcid = kvm_cr4(vcpu) & X86_CR4_PCIDE;
	bool keep = pcid && (cr3 & X86_CR3_PCID_NOFLUSH);

	if (pcid)
		cr3 &= ~X86_CR3_PCID_NOFLUSH;
	if (kvm_is_long_mode(vcpu) && (cr3 >> vcpu->cpuid.maxphyaddr))
		return -EINVAL;
	if (load_pdptes(vcpu, kvm_cr0(vcpu), cr3, kvm_cr4(vcpu)))
		return -EINVAL;
	kvm_reg_write(vcpu, KVM_REG_CR3, cr3);
	if (!keep)
		flush_guest_tlb(vcpu);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(kvm_set_cr3, GUESTMODE);

static bool cr4_valid(struct kvm_vcpu *vcpu, u64 cr4)
{
	return !(cr4 & vcpu->cpuid.cr4_reserved) && !(cr4 >> 32);
}

/**
 * kvm_set_cr4() - MOV to CR4
 * @vcpu: the vCPU
 * @cr4: new value
 *
 * Return: 0, or -EINVAL: #GP(0). SDM vol. 3, 2.5.
 */
int kvm_set_cr4(struct kvm_vcpu *vcpu, u64 cr4)
{
	u64 old = kvm_cr4(vcpu);

	if (!cr4_valid(vcpu, cr4))
		return -EINVAL;
	if (kvm_is_long_mode(vcpu)) {
		if (!(cr4 & X86_CR4_PAE) || ((cr4 ^ old) & X86_CR4_LA57))
			return -EINVAL;
	}
	if ((cr4 & X86_CR4_PCIDE) && !(old & X86_CR4_PCIDE)) {
		if (!kvm_is_long_mode(vcpu) || (kvm_cr3(vcpu) & X86_CR3_PCID_MASK))
			return -EINVAL;
	}
	if ((cr4 & X86_CR4_CET) && !(kvm_cr0(vcpu) & X86_CR0_WP))
		return -EINVAL;
	if (((old ^ cr4) & CR4_LOADS_PDPTES) &&
	    load_pdptes(vcpu, kvm_cr0(vcpu), kvm_cr3(vcpu), cr4))
		return -EINVAL;

	kvm_reg_write(vcpu, KVM_REG_CR4, cr4);
	vendor_call(set_cr4, vcpu);
	if ((old ^ cr4) & CR4_PAGING)
		flush_guest_tlb(vcpu);
	if ((old ^ cr4) & (X86_CR4_OSXSAVE | X86_CR4_PKE))
		kvm_cpuid_refresh(vcpu);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(kvm_set_cr4, GUESTMODE);

int kvm_set_cr8(struct kvm_vcpu *vcpu, u64 cr8)
{
	if (cr8 & ~0xfULL)
		return -EINVAL;
	if (vcpu->lapic)
		lapic_set_cr8(vcpu, cr8);
	else
		vcpu->regs.cr8 = cr8;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(kvm_set_cr8, GUESTMODE);

u64 kvm_get_cr8(struct kvm_vcpu *vcpu)
{
	return vcpu->lapic ? lapic_get_cr8(vcpu) : vcpu->regs.cr8;
}
EXPORT_SYMBOL_NS_GPL(kvm_get_cr8, GUESTMODE);

/**
 * kvm_set_efer() - WRMSR to EFER
 * @vcpu: the vCPU
 * @efer: new value; LMA follows CR0.PG and is not writable by the guest
 * @host: by ioctl: LMA is taken over, guest CPUID doesn't limit
 *
 * Return: 0, or -EINVAL: #GP(0). APM vol. 2, 3.1.7.
 */
int kvm_set_efer(struct kvm_vcpu *vcpu, u64 efer, bool host)
{
	u64 old = vcpu->regs.efer;

	if (efer & kvm_caps->efer_reserved)
		return -EINVAL;
	if (!host) {
		if (efer & vcpu->cpuid.efer_reserved)
			return -EINVAL;
		if (kvm_is_paging(vcpu) && ((old ^ efer) & EFER_LME))
			return -EINVAL;
		efer = (efer & ~(u64)EFER_LMA) | (old & EFER_LMA);
	}
	vcpu->regs.efer = efer;
	set_efer(vcpu);
	if ((old ^ efer) & (EFER_NX | EFER_LMA))
		flush_guest_tlb(vcpu);
	if ((old ^ efer) & EFER_SVME)
		kvm_make_request(KVM_REQ_INTERCEPTS, vcpu);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(kvm_set_efer, GUESTMODE);

/**
 * kvm_set_xcr() - XSETBV
 * @vcpu: the vCPU
 * @index: 0 is the only one
 * @value: new XCR0
 *
 * Return: 0, or -EINVAL: #GP(0). SDM vol. 1, 13.3.
 */
int kvm_set_xcr(struct kvm_vcpu *vcpu, u32 index, u64 value)
{
	const u64 avx512 = XFEATURE_MASK_AVX512;

	if (index)
		return -EINVAL;
	if (!(value & XFEATURE_MASK_FP) ||
	    (value & ~(vcpu->cpuid.supported_xcr0 | XFEATURE_MASK_FP)))
		return -EINVAL;
	if ((value & XFEATURE_MASK_YMM) && !(value & XFEATURE_MASK_SSE))
		return -EINVAL;
	if ((value & avx512) && ((value & avx512) != avx512 || !(value & XFEATURE_MASK_YMM)))
		return -EINVAL;
	vcpu->regs.xcr0 = value;
	kvm_cpuid_refresh(vcpu);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(kvm_set_xcr, GUESTMODE);

/**
 * kvm_valid_sregs() - could a guest have brought its registers to this state?
 * @vcpu: the vCPU, for its CPUID
 * @s: from KVM_SET_SREGS
 *
 * Hardware would refuse to enter with some of these, or worse.
 */
bool kvm_valid_sregs(struct kvm_vcpu *vcpu, const struct kvm_sregs *s)
{
	if (!cr0_valid(s->cr0) || !cr4_valid(vcpu, s->cr4) || (s->cr8 & ~0xfULL) ||
	    (s->efer & kvm_caps->efer_reserved))
		return false;
	/* In any mode (APM vol. 2, 15.5.1; SDM vol. 3, 26.3.1.1). */
	if (s->cr3 >> vcpu->cpuid.maxphyaddr)
		return false;
	if ((s->efer & EFER_LME) && (s->cr0 & X86_CR0_PG)) {
		/* Long mode: LMA set, PAE on. */
		return (s->cr4 & X86_CR4_PAE) && (s->efer & EFER_LMA);
	}
	/*
	 * Not in long mode: no LMA, no 64-bit code. PCIDs must wait for it, but may be set by
	 * userspace already, which restores registers in an order of its own.
	 */
	if ((s->cr0 & X86_CR0_PG) && (s->cr4 & X86_CR4_PCIDE))
		return false;
	return !(s->efer & EFER_LMA) && !s->cs.l;
}
