// SPDX-License-Identifier: GPL-2.0-only
/* The VMCB's life, and what it intercepts. */

#include <linux/mem_encrypt.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <asm/cpufeature.h>

#include "cpuid.h"
#include "exit.h"
#include "svm.h"

/*
 * Words of control.intercepts are 32 bits wide; the INTERCEPT_* of asm/svm.h number their bits
 * through.
 */
#define WORD(nr) ((nr) / 32)
#define MASK(nr) BIT((nr) % 32)
#define EXCEPTION(vector) (INTERCEPT_EXCEPTION_OFFSET + (vector))

/*
 * What the host can't do without, whatever the guest is: ORed in last, and checked. #AC and #DB:
 * their delivery can raise them again for ever (CVE-2015-5307, -8104). #MC is the host's. INIT,
 * SMI, NMI, INTR are physical. SHUTDOWN would reset the machine. INVD drops the host's dirty cache
 * lines. Instructions that SVM, SMM, MONITOR, RDPRU, INVLPGB bring must not reach the host's CPU.
 */
static const u32 mandatory[MAX_INTERCEPT] = {
	[INTERCEPT_CR] = MASK(INTERCEPT_CR0_WRITE) | MASK(INTERCEPT_CR4_WRITE),
	[INTERCEPT_EXCEPTION] = BIT(AC_VECTOR) | BIT(DB_VECTOR) | BIT(MC_VECTOR),
	[INTERCEPT_WORD3] = MASK(INTERCEPT_INTR) | MASK(INTERCEPT_NMI) | MASK(INTERCEPT_SMI) |
			    MASK(INTERCEPT_INIT) | MASK(INTERCEPT_RDPMC) | MASK(INTERCEPT_CPUID) |
			    MASK(INTERCEPT_RSM) | MASK(INTERCEPT_INVD) | MASK(INTERCEPT_INVLPGA) |
			    MASK(INTERCEPT_IOIO_PROT) | MASK(INTERCEPT_MSR_PROT) |
			    MASK(INTERCEPT_TASK_SWITCH) | MASK(INTERCEPT_FERR_FREEZE) |
			    MASK(INTERCEPT_SHUTDOWN),
	[INTERCEPT_WORD4] = MASK(INTERCEPT_VMRUN) | MASK(INTERCEPT_VMMCALL) |
			    MASK(INTERCEPT_VMLOAD) | MASK(INTERCEPT_VMSAVE) | MASK(INTERCEPT_STGI) |
			    MASK(INTERCEPT_CLGI) | MASK(INTERCEPT_SKINIT) | MASK(INTERCEPT_WBINVD) |
			    MASK(INTERCEPT_XSETBV) | MASK(INTERCEPT_RDPRU),
	[INTERCEPT_WORD5] = MASK(INTERCEPT_INVLPGB) | MASK(INTERCEPT_INVLPGB_ILLEGAL) |
			    MASK(INTERCEPT_MCOMMIT) | MASK(INTERCEPT_TLBSYNC),
};

static_assert(WORD(INTERCEPT_CR0_WRITE) == INTERCEPT_CR);
static_assert(WORD(INTERCEPT_DR7_WRITE) == INTERCEPT_DR);
static_assert(WORD(EXCEPTION(AC_VECTOR)) == INTERCEPT_EXCEPTION);
static_assert(WORD(INTERCEPT_INTR) == INTERCEPT_WORD3);
static_assert(WORD(INTERCEPT_SHUTDOWN) == INTERCEPT_WORD3);
static_assert(WORD(INTERCEPT_VMRUN) == INTERCEPT_WORD4 && WORD(INTERCEPT_RDPRU) == INTERCEPT_WORD4);
static_assert(WORD(INTERCEPT_INVLPGB) == INTERCEPT_WORD5);
static_assert(WORD(INTERCEPT_TLBSYNC) == INTERCEPT_WORD5);

static void want(u32 *words, u32 nr, bool yes)
{
	if (yes)
		words[WORD(nr)] |= MASK(nr);
}

/* Control and debug registers. */
static void want_registers(struct vcpu_svm *svm, u32 *words)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;

	/* Reads, while the guest is to see something else than hardware holds (CD, NW, MCE). */
	want(words, INTERCEPT_CR0_READ, svm->vmcb->save.cr0 != vcpu->regs.val[KVM_REG_CR0]);
	want(words, INTERCEPT_CR4_READ, svm->vmcb->save.cr4 != vcpu->regs.val[KVM_REG_CR4]);
	/*
	 * V_TPR in step with CR8: writes matter when they may let an interrupt in, and without a
	 * LAPIC of ours.
	 */
	want(words, INTERCEPT_CR8_WRITE, svm->cr8_window || !vcpu->lapic);
	/* DR0-3 are the host's until the guest touches one. */
	if (!(vcpu->debug.switch_db & KVM_DEBUGREG_WONT_EXIT))
		words[INTERCEPT_DR] = ~0;
}

static void want_instructions(struct vcpu_svm *svm, u32 *words)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;
	u64 never = vcpu->kvm->caps.disabled_exits;

	want(words, INTERCEPT_HLT, !(never & KVM_X86_DISABLE_EXITS_HLT));
	want(words, INTERCEPT_PAUSE,
	     svm->vmcb->control.pause_filter_count && !(never & KVM_X86_DISABLE_EXITS_PAUSE));
	want(words, INTERCEPT_MONITOR, !(never & KVM_X86_DISABLE_EXITS_MWAIT));
	want(words, INTERCEPT_MWAIT, !(never & KVM_X86_DISABLE_EXITS_MWAIT));
	/* Instructions that the guest's CPUID denies but the CPU would execute. */
	want(words, INTERCEPT_RDTSCP, !guest_has(vcpu, KVM_GF_RDTSCP));
	want(words, INTERCEPT_INVPCID, !guest_has(vcpu, KVM_GF_INVPCID));
}

static void want_events(struct vcpu_svm *svm, u32 *words)
{
	/* #UD: VMCALL or SYSENTER of a guest that believes to be on Intel. */
	want(words, EXCEPTION(UD_VECTOR), true);
	want(words, EXCEPTION(BP_VECTOR), svm->vcpu.debug.guest_debug & KVM_GUESTDBG_USE_SW_BP);
	want(words, INTERCEPT_VINTR, svm->irq_window);
	/* NMI window via IRET */
	want(words, INTERCEPT_IRET, svm->nmi == SVM_NMI_MASKED);
}

/**
 * svm_intercepts() - compute what is intercepted; the only writer of the VMCB's intercept words
 * @svm: the vCPU
 *
 * From vCPU state alone: idempotent, to be called after each change of what it looks at.
 * Context: the vCPU's thread; any preemption or irq state.
 */
void svm_intercepts(struct vcpu_svm *svm)
{
	u32 *now = svm->vmcb->control.intercepts;
	u32 words[MAX_INTERCEPT] = {};
	int i;

	want_registers(svm, words);
	want_instructions(svm, words);
	want_events(svm, words);
	/*
	 * CVE-2021-3656: the host's own come last, so that nothing above can have taken them away.
	 */
	for (i = 0; i < MAX_INTERCEPT; i++)
		words[i] |= mandatory[i];

	if (memcmp(now, words, sizeof(words))) {
		memcpy(now, words, sizeof(words));
		svm_dirty(svm, SVM_CLEAN_INTERCEPTS);
	}
	for (i = 0; i < MAX_INTERCEPT; i++)
		KVM_BUG_ON((now[i] & mandatory[i]) != mandatory[i], svm->vcpu.kvm);
}

/* KVM_REQ_INTERCEPTS: guest CPUID, guest_debug or a capability changed. */
void svm_update_intercepts(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm_msrpm_update(svm);
	svm_intercepts(svm);
}

void svm_cpuid_changed(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm->tsc_aux_used = svm_features.tsc_aux_slot >= 0 &&
			    (guest_has(vcpu, KVM_GF_RDTSCP) || guest_has(vcpu, KVM_GF_RDPID));
	svm_update_intercepts(vcpu);
}

/*
 * Spin-wait detection: exit after that many PAUSEs, if they follow each other within so many
 * cycles.
 */
#define PAUSE_COUNT 3000
#define PAUSE_THRESHOLD 128

/**
 * svm_vmcb_init() - a VMCB with no guest state in it
 * @svm: the vCPU; the VMCB may hold anything, e.g. what a SHUTDOWN exit has left
 */
void svm_vmcb_init(struct vcpu_svm *svm)
{
	struct vmcb_control_area *control = &svm->vmcb->control;

	memset(svm->vmcb, 0, PAGE_SIZE);
	control->iopm_base_pa = svm_iopm_pa;
	control->msrpm_base_pa = __sme_pa(svm->msrpm);
	control->nested_ctl = SVM_NESTED_CTL_NP_ENABLE;
	/*
	 * Not what the VMCB holds: after SHUTDOWN that is undefined. KVM_REQ_MMU_ROOT sets it
	 * again.
	 */
	svm->vcpu.mmu.root = HPA_INVALID;
	kvm_make_request(KVM_REQ_MMU_ROOT, &svm->vcpu);
	/* Physical interrupts obey the host's IF, virtual ones the guest's. */
	control->int_ctl = V_INTR_MASKING_MASK;
	control->tsc_offset = svm->vcpu.tsc.offset;
	if (svm_features.pause_filter) {
		control->pause_filter_count = PAUSE_COUNT;
		if (svm_features.pause_threshold)
			control->pause_filter_thresh = PAUSE_THRESHOLD;
	}
	svm->asid_cpu = NULL;
	svm->irq_window = false;
	svm->cr8_window = false;
}

/*
 * Where the host uses SNP's reverse map, VMRUN marks the VMCB's page as in use, and some CPUs take
 * that for all 2 MiB if it is the first of them: a store of the host's anywhere there would fault.
 * An odd page is never the first. Return: zeroed, or NULL.
 */
static void *vmcb_alloc(void)
{
	struct page *pages = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO, 1);

	if (!pages)
		return NULL;
	split_page(pages, 1);
	__free_page(pages);
	return page_address(pages + 1);
}

int svm_vcpu_create(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	BUILD_BUG_ON(offsetof(struct vcpu_svm, vcpu) != 0);
	BUILD_BUG_ON(sizeof(struct vmcb) > PAGE_SIZE);

	svm->vmcb = vmcb_alloc();
	if (!svm->vmcb)
		return -ENOMEM;
	svm->msrpm = (void *)__get_free_pages(GFP_KERNEL_ACCOUNT, 1);
	if (!svm->msrpm) {
		free_page((unsigned long)svm->vmcb);
		return -ENOMEM;
	}
	memset(svm->msrpm, 0xff, 2 * PAGE_SIZE);
	svm->entry.vmcb_pa = __sme_pa(svm->vmcb);
	svm->entry.gpr = vcpu->regs.val;
	svm_vmcb_init(svm);
	svm_percpu_vcpu_comes();
	return 0;
}

void svm_vcpu_free(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm_percpu_vcpu_goes(svm);
	free_pages((unsigned long)svm->msrpm, 1);
	free_page((unsigned long)svm->vmcb);
}

/* There is no timer of SVM's: caps.deadline is not set. */
bool svm_set_deadline(struct kvm_vcpu *vcpu, u64 guest_tsc)
{
	return false;
}

/**
 * svm_set_tsc() - vcpu->tsc.offset or .ratio has changed
 * @vcpu: the vCPU, loaded
 */
void svm_set_tsc(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm->vmcb->control.tsc_offset = vcpu->tsc.offset;
	svm_dirty(svm, SVM_CLEAN_INTERCEPTS);
	svm_load_tsc_ratio(svm);
}
