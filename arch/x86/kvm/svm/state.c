// SPDX-License-Identifier: GPL-2.0-only
/* Registers that live in the VMCB's save area (AMD APM vol. 2, appendix B), and RESET and INIT. */

#include <asm/cpufeature.h>
#include <asm/debugreg.h>

#include "cr.h"
#include "svm.h"

/* --- segments -------------------------------------------------------------------------------- */

/* Where each is in the save area. */
static const u16 segment_offset[KVM_NR_SEGS] = {
	[KVM_SEG_ES] = offsetof(struct vmcb_save_area, es),
	[KVM_SEG_CS] = offsetof(struct vmcb_save_area, cs),
	[KVM_SEG_SS] = offsetof(struct vmcb_save_area, ss),
	[KVM_SEG_DS] = offsetof(struct vmcb_save_area, ds),
	[KVM_SEG_FS] = offsetof(struct vmcb_save_area, fs),
	[KVM_SEG_GS] = offsetof(struct vmcb_save_area, gs),
	[KVM_SEG_LDTR] = offsetof(struct vmcb_save_area, ldtr),
	[KVM_SEG_TR] = offsetof(struct vmcb_save_area, tr),
	[KVM_SEG_GDTR] = offsetof(struct vmcb_save_area, gdtr),
	[KVM_SEG_IDTR] = offsetof(struct vmcb_save_area, idtr),
};

static struct vmcb_seg *segment_of(struct vcpu_svm *svm, enum kvm_seg seg)
{
	if (WARN_ON_ONCE(seg >= KVM_NR_SEGS))
		seg = KVM_SEG_DS;
	return (void *)&svm->vmcb->save + segment_offset[seg];
}

/**
 * svm_get_segment() - a segment register with its hidden part, or GDTR, IDTR (base and limit)
 * @vcpu: the vCPU, loaded
 * @seg: which
 * @out: filled in; @out->limit in bytes
 *
 * What hardware leaves open is given in the form that Intel CPUs insist on, so that state can move
 * there.
 */
void svm_get_segment(struct kvm_vcpu *vcpu, enum kvm_seg seg, struct kvm_segment *out)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	const struct vmcb_seg *s = segment_of(svm, seg);
	u16 attr = s->attrib;

	memset(out, 0, sizeof(*out));
	out->base = s->base;
	out->limit = s->limit;
	if (seg == KVM_SEG_GDTR || seg == KVM_SEG_IDTR)
		return;
	out->selector = s->selector;
	out->type = attr & SVM_SELECTOR_TYPE_MASK;
	out->s = attr >> SVM_SELECTOR_S_SHIFT & 1;
	out->dpl = attr >> SVM_SELECTOR_DPL_SHIFT & 3;
	out->present = attr >> SVM_SELECTOR_P_SHIFT & 1;
	out->avl = attr >> SVM_SELECTOR_AVL_SHIFT & 1;
	out->l = attr >> SVM_SELECTOR_L_SHIFT & 1;
	out->db = attr >> SVM_SELECTOR_DB_SHIFT & 1;
	/* The limit is held scaled; what G was is not always kept. */
	out->g = s->limit > 0xfffff;
	out->unusable = !out->present;

	switch (seg) {
	case KVM_SEG_TR:
		out->type |= 2; /* busy while loaded */
		break;
	case KVM_SEG_SS:
		out->dpl = svm->vmcb->save.cpl; /* the CPL is SS.DPL, but for SYSRET */
		if (out->unusable)
			out->db = 0;
		break;
	case KVM_SEG_ES:
	case KVM_SEG_DS:
	case KVM_SEG_FS:
	case KVM_SEG_GS:
		if (!out->unusable)
			out->type |= 1; /* accessed while loaded */
		break;
	default:
		break;
	}
}

static u16 pack_attr(const struct kvm_segment *in)
{
	u16 attr = in->type & SVM_SELECTOR_TYPE_MASK;

	attr |= (in->s & 1) << SVM_SELECTOR_S_SHIFT;
	attr |= (in->dpl & 3) << SVM_SELECTOR_DPL_SHIFT;
	attr |= (in->present && !in->unusable) << SVM_SELECTOR_P_SHIFT;
	attr |= (in->avl & 1) << SVM_SELECTOR_AVL_SHIFT;
	attr |= (in->l & 1) << SVM_SELECTOR_L_SHIFT;
	attr |= (in->db & 1) << SVM_SELECTOR_DB_SHIFT;
	attr |= (in->g & 1) << SVM_SELECTOR_G_SHIFT;
	return attr;
}

void svm_set_segment(struct kvm_vcpu *vcpu, enum kvm_seg seg, const struct kvm_segment *in)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	struct vmcb_seg *s = segment_of(svm, seg);

	s->base = in->base;
	s->limit = in->limit;
	if (seg == KVM_SEG_GDTR || seg == KVM_SEG_IDTR) {
		svm_dirty(svm, SVM_CLEAN_DT);
		return;
	}
	s->selector = in->selector;
	s->attrib = pack_attr(in);
	if (seg == KVM_SEG_SS)
		svm->vmcb->save.cpl = in->dpl & 3;
	/*
	 * As a #VMEXIT leaves it: hardware keeps the loaded TSS without its busy bit, and emulated
	 * CPUs want it so when they take a 32-bit guest's stack from there.
	 */
	if (seg == KVM_SEG_TR)
		s->attrib &= ~2;
	vcpu->regs.avail &= ~KVM_REGS_OF_SEGMENTS;
	/* FS, GS, LDTR and TR come by VMLOAD, which caches nothing. */
	svm_dirty(svm, SVM_CLEAN_SEG);
}

/* --- control registers ----------------------------------------------------------------------- */

/**
 * svm_set_cr0() - a new CR0 in regs.val: adapt hardware's
 * @vcpu: the vCPU, loaded
 *
 * Caching stays on in hardware, whatever the guest says (KVM_X86_QUIRK_CD_NW_CLEARED): a guest that
 * leaves CD set, as after RESET, would crawl, and its memory is the host's, write-back.
 */
void svm_set_cr0(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	u64 old = svm->vmcb->save.cr0, hw = vcpu->regs.val[KVM_REG_CR0] | X86_CR0_ET;

	if (!(vcpu->kvm->caps.disabled_quirks & KVM_X86_QUIRK_CD_NW_CLEARED))
		hw &= ~(X86_CR0_CD | X86_CR0_NW);
	svm->vmcb->save.cr0 = hw;
	vcpu->regs.dirty &= ~BIT(KVM_REG_CR0);
	svm_dirty(svm, SVM_CLEAN_CR);
	/* MOV to CR0 would have done it, but it was intercepted (APM vol. 2, 5.5.2). */
	if ((old ^ hw) & (X86_CR0_PG | X86_CR0_PE | X86_CR0_WP))
		svm_tlb_flush(vcpu);
	svm_intercepts(svm);
}

/* Bits of CR4 whose change invalidates translations. */
#define CR4_FLUSH (X86_CR4_PGE | X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PCIDE | X86_CR4_SMEP | \
		   X86_CR4_SMAP | X86_CR4_PKE | X86_CR4_LA57)

/**
 * svm_set_cr4() - a new CR4 in regs.val: adapt hardware's
 * @vcpu: the vCPU, loaded
 */
void svm_set_cr4(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	u64 old = svm->vmcb->save.cr4, hw = kvm_hw_cr4(vcpu);

	svm->vmcb->save.cr4 = hw;
	vcpu->regs.dirty &= ~BIT(KVM_REG_CR4);
	svm_dirty(svm, SVM_CLEAN_CR);
	if ((old ^ hw) & CR4_FLUSH)
		svm_tlb_flush(vcpu);
	svm_intercepts(svm);
}

/*
 * VMRUN refuses a guest without EFER.SVME; the guest sees regs.efer. LME counts in the moment when
 * paging is turned on, which exits: without LMA hardware needs none, and there is an emulator that
 * at the exit takes the host's own CR0.PG for that moment.
 */
void svm_set_efer(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	u64 old = svm->vmcb->save.efer, hw = vcpu->regs.efer | EFER_SVME;

	if (!(hw & EFER_LMA))
		hw &= ~(u64)EFER_LME;
	svm->vmcb->save.efer = hw;
	svm_dirty(svm, SVM_CLEAN_CR);
	if ((old ^ hw) & (EFER_NX | EFER_LME | EFER_LMA))
		svm_tlb_flush(vcpu);
}

/**
 * svm_cache_reg() - fetch a register that hardware may have changed without an exit
 * @vcpu: the vCPU, loaded
 * @reg: CR3 or what segments say: all others are fetched after each exit
 */
void svm_cache_reg(struct kvm_vcpu *vcpu, enum kvm_reg reg)
{
	const struct vmcb_save_area *save = &to_svm(vcpu)->vmcb->save;
	u64 *val = vcpu->regs.val;

	/* In one go: who asks for one of them is about to ask for another. */
	if (likely(BIT(reg) & KVM_REGS_OF_SEGMENTS)) {
		val[KVM_REG_CPL] = save->cpl;
		val[KVM_REG_CS_L] = !!(save->cs.attrib & SVM_SELECTOR_L_MASK);
		val[KVM_REG_CS_BASE] = save->cs.base;
		vcpu->regs.avail |= KVM_REGS_OF_SEGMENTS;
		return;
	}
	switch (reg) {
	case KVM_REG_PDPTE0 ... KVM_REG_PDPTE3:
		/* Nested paging reads them at each walk (APM vol. 2, 15.25.10). */
		val[reg] = 0;
		kvm_read_guest(vcpu->kvm,
			       (kvm_cr3(vcpu) & GENMASK_ULL(31, 5)) + (reg - KVM_REG_PDPTE0) * 8,
			       &val[reg], sizeof(*val));
		break;
	case KVM_REG_CR3:
		val[reg] = save->cr3;
		break;
	default:
		WARN_ON_ONCE(1);
	}
	vcpu->regs.avail |= BIT(reg);
}

/* --- debug registers ------------------------------------------------------------------------- */

void svm_set_dr7(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	u64 dr7 = vcpu->debug.dr7;

	if (vcpu->debug.guest_debug & KVM_GUESTDBG_USE_HW_BP)
		dr7 = vcpu->debug.guest_debug_dr7;
	svm->vmcb->save.dr7 = dr7;
	svm_dirty(svm, SVM_CLEAN_DR);
	svm_intercepts(svm);
}

/**
 * svm_sync_drs() - the guest had the debug registers to itself: take them over and intercept them
 * again
 * @vcpu: the vCPU
 *
 * Context: right after an exit, irqs off: DR0-3 are still the guest's.
 */
void svm_sync_drs(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	get_debugreg(vcpu->debug.db[0], 0);
	get_debugreg(vcpu->debug.db[1], 1);
	get_debugreg(vcpu->debug.db[2], 2);
	get_debugreg(vcpu->debug.db[3], 3);
	vcpu->debug.dr6 = svm->vmcb->save.dr6;
	vcpu->debug.dr7 = svm->vmcb->save.dr7;
	vcpu->debug.switch_db &= ~KVM_DEBUGREG_WONT_EXIT;
	svm_intercepts(svm);
}

/* --- RESET and INIT -------------------------------------------------------------------------- */

static void reset_segment(struct vmcb_seg *s, u16 selector, u16 attr, u64 base)
{
	s->selector = selector;
	s->attrib = attr;
	s->limit = 0xffff;
	s->base = base;
}

/* Attributes of APM vol. 2, table 14-1: present, S, type. */
#define ATTR_CODE 0x9b
#define ATTR_DATA 0x93
#define ATTR_LDT 0x82
#define ATTR_TSS 0x83

static void reset_save_area(struct vmcb_save_area *save)
{
	reset_segment(&save->cs, 0xf000, ATTR_CODE, 0xffff0000);
	reset_segment(&save->es, 0, ATTR_DATA, 0);
	reset_segment(&save->ss, 0, ATTR_DATA, 0);
	reset_segment(&save->ds, 0, ATTR_DATA, 0);
	reset_segment(&save->fs, 0, ATTR_DATA, 0);
	reset_segment(&save->gs, 0, ATTR_DATA, 0);
	reset_segment(&save->ldtr, 0, ATTR_LDT, 0);
	reset_segment(&save->tr, 0, ATTR_TSS, 0);
	reset_segment(&save->gdtr, 0, 0, 0);
	reset_segment(&save->idtr, 0, 0, 0);
	save->cpl = 0;
	save->dr6 = DR6_RESERVED;
	save->dbgctl = 0;
}

/**
 * svm_vcpu_reset() - hardware state of RESET or INIT (APM vol. 2, 14.1.3)
 * @vcpu: the vCPU, loaded; generic registers and MSRs are set already
 * @init: INIT: the MSRs of VMLOAD and PAT stay as they are
 *
 * CR0, CR4, EFER and DR7 follow by their own operations.
 */
void svm_vcpu_reset(struct kvm_vcpu *vcpu, bool init)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	struct vmcb_control_area *control = &svm->vmcb->control;

	reset_save_area(&svm->vmcb->save);
	if (!init)
		svm_msr_reset(svm);
	svm->vmcb->save.g_pat = vcpu->msr.pat;

	control->int_state = 0;
	control->event_inj = 0;
	control->exit_int_info = 0;
	control->int_ctl &= ~V_TPR_MASK;
	svm->nmi = SVM_NMI_OPEN;
	svm->step = false;
	svm->stepped = false;
	svm->soft = false;
	svm->injecting = false;
	svm->cr8_window = false;
	svm_irq_window_close(svm);
	control->clean = 0;
	svm_tlb_flush(vcpu);
}
