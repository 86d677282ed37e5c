// SPDX-License-Identifier: GPL-2.0-only
/* Registers that live in the VMCS's guest-state area (SDM vol. 3, 24.4), and RESET and INIT. */

#include <linux/srcu.h>
#include <asm/debugreg.h>

#include "cpuid.h"
#include "cr.h"
#include "guest_mem.h"
#include "vmx.h"

/* --- segments -------------------------------------------------------------------------------- */

static bool is_table(enum kvm_seg seg)
{
	return seg == KVM_SEG_GDTR || seg == KVM_SEG_IDTR;
}

/**
 * vmx_get_segment() - a segment register with its hidden part, or GDTR, IDTR (base and limit)
 * @vcpu: the vCPU, loaded
 * @seg: which
 * @out: filled in; @out->limit in bytes
 */
void vmx_get_segment(struct kvm_vcpu *vcpu, enum kvm_seg seg, struct kvm_segment *out)
{
	u32 ar;

	memset(out, 0, sizeof(*out));
	out->base = vmcs_read(VMX_SEG_BASE(seg));
	out->limit = vmcs_read(VMX_SEG_LIMIT(seg));
	if (is_table(seg))
		return;
	out->selector = vmcs_read(VMX_SEG_SELECTOR(seg));
	ar = vmcs_read(VMX_SEG_RIGHTS(seg));
	out->type = ar & VMX_AR_TYPE;
	out->s = !!(ar & VMX_AR_S);
	out->dpl = (ar & VMX_AR_DPL_BITS) >> 5;
	out->avl = !!(ar & VMX_AR_AVL);
	out->l = !!(ar & VMX_AR_L);
	out->db = !!(ar & VMX_AR_DB);
	out->g = !!(ar & VMX_AR_G);
	/*
	 * The CPL is SS.DPL, whether usable or not; what is not usable is not present to anybody.
	 */
	out->unusable = !!(ar & VMX_AR_UNUSABLE);
	out->present = !out->unusable && ar & VMX_AR_P;
}

/*
 * In the form that entry checks insist on (26.3.1.2). What userspace brings may come from an AMD
 * CPU, which keeps other bits.
 */
static u32 pack_rights(enum kvm_seg seg, const struct kvm_segment *in)
{
	u32 ar = in->type & VMX_AR_TYPE;

	/* Loaded segments are accessed ones, a loaded TSS is a busy one. */
	if (seg == KVM_SEG_TR)
		ar |= 2;
	else if (seg != KVM_SEG_LDTR)
		ar |= 1;
	ar |= (in->dpl & 3) << 5;
	if (in->s)
		ar |= VMX_AR_S;
	if (in->present)
		ar |= VMX_AR_P;
	if (in->avl)
		ar |= VMX_AR_AVL;
	if (in->l)
		ar |= VMX_AR_L;
	if (in->db)
		ar |= VMX_AR_DB;
	if (in->g)
		ar |= VMX_AR_G;
	if (in->unusable || !in->present)
		ar |= VMX_AR_UNUSABLE;
	return ar;
}

void vmx_set_segment(struct kvm_vcpu *vcpu, enum kvm_seg seg, const struct kvm_segment *in)
{
	vmcs_write(VMX_SEG_BASE(seg), in->base);
	vmcs_write(VMX_SEG_LIMIT(seg), in->limit);
	if (is_table(seg))
		return;
	vmcs_write(VMX_SEG_SELECTOR(seg), in->selector);
	vmcs_write(VMX_SEG_RIGHTS(seg), pack_rights(seg, in));
	vcpu->regs.avail &= ~KVM_REGS_OF_SEGMENTS;
	to_vmx(vcpu)->emulate_check = true;
}

/* --- control registers ----------------------------------------------------------------------- */

/**
 * vmx_set_cr0() - a new CR0 in regs.val: adapt hardware's
 * @vcpu: the vCPU, loaded
 *
 * The guest reads the shadow. Entries leave CD and NW as the host has them (26.3.2.1).
 */
void vmx_set_cr0(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u64 cr0 = vcpu->regs.val[KVM_REG_CR0];

	vmcs_write(CR0_READ_SHADOW, cr0);
	vmcs_write(GUEST_CR0, (cr0 | vmx_features.cr0_fixed0) & ~(u64)(X86_CR0_CD | X86_CR0_NW));
	vcpu->regs.dirty &= ~BIT(KVM_REG_CR0);
	vmx->emulate_check = true;
}

/**
 * vmx_set_cr4() - a new CR4 in regs.val: adapt hardware's
 * @vcpu: the vCPU, loaded
 */
void vmx_set_cr4(struct kvm_vcpu *vcpu)
{
	u64 cr4 = vcpu->regs.val[KVM_REG_CR4];

	vmcs_write(CR4_READ_SHADOW, cr4);
	vmcs_write(GUEST_CR4, kvm_hw_cr4(vcpu) | vmx_features.cr4_fixed0);
	vcpu->regs.dirty &= ~BIT(KVM_REG_CR4);
}

/* 26.3.1.1: LMA as the entry control has it, LME likewise where paging is on. */
void vmx_set_efer(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	vmcs_write(GUEST_IA32_EFER, vcpu->regs.efer);
	vmx_controls_update(vmx);
	vmx->user_msrs_loaded = false;
}

/*
 * Present, and nothing reserved set; an entry with one that is would fail. By KVM_SET_SREGS alone:
 * for a guest's MOV it is #GP.
 */
static u64 valid_pdpte(struct kvm_vcpu *vcpu, u64 pdpte)
{
	return pdpte & 1 && kvm_pdpte_valid(vcpu, pdpte) ? pdpte : 0;
}

/**
 * vmx_load_pdptes() - PAE paging under EPT: the four PDPTEs are registers of the VMCS
 * @vmx: the vCPU, loaded
 *
 * The guest's own MOV to CR3 loads them without an exit; those for which we act have put them into
 * regs.val. What KVM_SET_SREGS changes of CR0, CR3, CR4 and EFER ends here, by KVM_REQ_TLB_FLUSH.
 * Context: kvm->srcu held, may sleep.
 */
void vmx_load_pdptes(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;
	u64 pdptes[4] = {};
	gpa_t gpa;
	int i;

	if (!(vcpu->regs.dirty & (BIT(KVM_REG_CR3) | KVM_REGS_OF_PAE)) ||
	    !kvm_pae_paging(kvm_cr0(vcpu), kvm_cr4(vcpu), vcpu->regs.efer))
		return;
	gpa = kvm_cr3(vcpu) & GENMASK_ULL(31, 5);
	/* Those of KVM_SET_SREGS2 need not be in memory any more. */
	if (vcpu->regs.dirty & KVM_REGS_OF_PAE)
		memcpy(pdptes, &vcpu->regs.val[KVM_REG_PDPTE0], sizeof(pdptes));
	else if (kvm_read_guest(vcpu->kvm, gpa, pdptes, sizeof(pdptes)))
		memset(pdptes, 0, sizeof(pdptes));
	/* As if written: loaded but once, however often this is asked for before an entry. */
	for (i = 0; i < 4; i++) {
		u64 pdpte = valid_pdpte(vcpu, pdptes[i]);

		vmcs_write(GUEST_PDPTR0 + 2 * i, pdpte);
		kvm_reg_write(vcpu, KVM_REG_PDPTE0 + i, pdpte);
	}
}

/* What is fetched from the VMCS when somebody asks: a field, or some bits of one. */
static const struct {
	u16 field;
	u8 shift;
	u64 mask;
} reg_place[KVM_NR_REGS] = {
	[KVM_REG_RIP] = { GUEST_RIP, 0, ~0ULL },
	[KVM_REG_RSP] = { GUEST_RSP, 0, ~0ULL },
	[KVM_REG_RFLAGS] = { GUEST_RFLAGS, 0, ~0ULL },
	[KVM_REG_CR3] = { GUEST_CR3, 0, ~0ULL },
	[KVM_REG_CPL] = { GUEST_SS_AR_BYTES, 5, 3 },
	[KVM_REG_CS_L] = { GUEST_CS_AR_BYTES, 13, 1 },
	[KVM_REG_CS_BASE] = { GUEST_CS_BASE, 0, ~0ULL },
	[KVM_REG_PDPTE0] = { GUEST_PDPTR0, 0, ~0ULL },
	[KVM_REG_PDPTE0 + 1] = { GUEST_PDPTR1, 0, ~0ULL },
	[KVM_REG_PDPTE0 + 2] = { GUEST_PDPTR2, 0, ~0ULL },
	[KVM_REG_PDPTE3] = { GUEST_PDPTR3, 0, ~0ULL },
};
static_assert(VMX_AR_DPL_BITS == 3 << 5 && VMX_AR_L == BIT(13));

/**
 * vmx_cache_reg() - fetch a register that the VMCS holds since the last exit
 * @vcpu: the vCPU, loaded
 * @reg: which
 */
void vmx_cache_reg(struct kvm_vcpu *vcpu, enum kvm_reg reg)
{
	u64 value;
	bool failed = vmcs_read_fails(reg_place[reg].field, &value);

	vcpu->regs.val[reg] = value >> reg_place[reg].shift & reg_place[reg].mask;
	vcpu->regs.avail |= BIT(reg);
	/* Last, so that nothing need be kept across the call. */
	if (unlikely(failed))
		VMX_FAILED("VMREAD", reg_place[reg].field);
}

/* --- debug registers ------------------------------------------------------------------------- */

void vmx_set_dr7(struct kvm_vcpu *vcpu)
{
	u64 dr7 = vcpu->debug.dr7;

	if (vcpu->debug.guest_debug & KVM_GUESTDBG_USE_HW_BP)
		dr7 = vcpu->debug.guest_debug_dr7;
	vmcs_write(GUEST_DR7, dr7);
	vmx_controls_update(to_vmx(vcpu));
}

/**
 * vmx_sync_drs() - the guest had the debug registers to itself: take them over and intercept them
 * again
 * @vcpu: the vCPU
 *
 * Context: right after an exit, irqs off: DR0-3 and DR6 are still the guest's.
 */
void vmx_sync_drs(struct kvm_vcpu *vcpu)
{
	get_debugreg(vcpu->debug.db[0], 0);
	get_debugreg(vcpu->debug.db[1], 1);
	get_debugreg(vcpu->debug.db[2], 2);
	get_debugreg(vcpu->debug.db[3], 3);
	get_debugreg(vcpu->debug.dr6, 6);
	/* The host's #DB handler takes what it finds there for its own. */
	set_debugreg(DR6_RESERVED, 6);
	vcpu->debug.dr7 = vmcs_read(GUEST_DR7);
	vcpu->debug.switch_db &= ~KVM_DEBUGREG_WONT_EXIT;
	vmx_controls_update(to_vmx(vcpu));
}

/* --- RESET and INIT -------------------------------------------------------------------------- */

/* SDM vol. 3, table 9-1 */
static const struct {
	enum kvm_seg seg;
	u16 selector;
	u32 rights;
	u64 base;
} reset_segments[] = {
	{ KVM_SEG_CS, 0xf000, 0x9b, 0xffff0000 },
	{ KVM_SEG_ES, 0, 0x93, 0 },
	{ KVM_SEG_SS, 0, 0x93, 0 },
	{ KVM_SEG_DS, 0, 0x93, 0 },
	{ KVM_SEG_FS, 0, 0x93, 0 },
	{ KVM_SEG_GS, 0, 0x93, 0 },
	{ KVM_SEG_LDTR, 0, 0x82, 0 },
	{ KVM_SEG_TR, 0, 0x8b, 0 },
};

static void reset_tables(void)
{
	vmcs_write(GUEST_GDTR_BASE, 0);
	vmcs_write(GUEST_GDTR_LIMIT, 0xffff);
	vmcs_write(GUEST_IDTR_BASE, 0);
	vmcs_write(GUEST_IDTR_LIMIT, 0xffff);
}

/**
 * vmx_vcpu_reset() - hardware state of RESET or INIT
 * @vcpu: the vCPU, loaded; generic registers and MSRs are set already
 * @init: INIT: the MSRs stay as they are
 *
 * CR0, CR4, EFER and DR7 follow by their own operations.
 */
void vmx_vcpu_reset(struct kvm_vcpu *vcpu, bool init)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	unsigned int i;

	if (!vmx->initialised)
		vmx_vmcs_init(vmx);
	for (i = 0; i < ARRAY_SIZE(reset_segments); i++) {
		enum kvm_seg seg = reset_segments[i].seg;

		vmcs_write(VMX_SEG_SELECTOR(seg), reset_segments[i].selector);
		vmcs_write(VMX_SEG_RIGHTS(seg), reset_segments[i].rights);
		vmcs_write(VMX_SEG_BASE(seg), reset_segments[i].base);
		vmcs_write(VMX_SEG_LIMIT(seg), 0xffff);
	}
	reset_tables();
	if (!init)
		vmx_msr_reset(vmx);
	vmcs_write(GUEST_IA32_PAT, vcpu->msr.pat);
	vmcs_write(GUEST_IA32_DEBUGCTL, 0);
	vmcs_write(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	vmcs_write(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	vmcs_write(VM_ENTRY_INTR_INFO_FIELD, 0);
	vmx_set_intr_state(vmx, 0);

	vmx->inject = 0;
	vmx->vectoring = 0;
	vmx->irq_window = false;
	vmx->nmi_window = false;
	vmx_controls_update(vmx);
	vmx->flush = true;
}
