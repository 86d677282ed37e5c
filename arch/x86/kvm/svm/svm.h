/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-amd.ko: AMD SVM (AMD APM vol. 2, chapter 15). What its files share. The operations that the
 * rest of the driver calls are those of vendor.h, named svm_*; they are declared at the end.
 */
#ifndef GUESTMODE_SVM_H
#define GUESTMODE_SVM_H

#include <asm/svm.h>

#include "access.h"
#include "svm/enter.h"

/* VMCB clean bits (APM 15.15.3): a set bit allows the CPU to use what it has cached of the VMCB. */
enum svm_clean {
	SVM_CLEAN_INTERCEPTS = BIT(0), /* intercepts, TSC offset, pause filter */
	SVM_CLEAN_MAPS = BIT(1), /* I/O and MSR permission maps */
	SVM_CLEAN_ASID = BIT(2),
	SVM_CLEAN_TPR = BIT(3), /* V_TPR, V_IRQ and the rest of int_ctl, int_vector */
	SVM_CLEAN_NPT = BIT(4), /* nested CR3, PAT */
	SVM_CLEAN_CR = BIT(5), /* CR0, CR3, CR4, EFER */
	SVM_CLEAN_DR = BIT(6), /* DR6, DR7 */
	SVM_CLEAN_DT = BIT(7), /* GDTR, IDTR */
	SVM_CLEAN_SEG = BIT(8), /* CS, DS, ES, SS, CPL */
	SVM_CLEAN_CR2 = BIT(9),
	SVM_CLEAN_LBR = BIT(10), /* DEBUGCTL and branch records */
	SVM_CLEAN_ALL = BIT(11) - 1,
};

/**
 * struct svm_features - what CPUID 0x8000000A says (APM vol. 3, E.4.9), read once by setup.c
 * @nr_asids: ASIDs 0 ... nr_asids - 1 exist; 0 is the host's
 * @clean: SVM_CLEAN_ALL, or 0 where the CPU has no clean bits and wants zeros there
 * @next_rip: the VMCB tells the next instruction's address where an instruction was intercepted
 * @decode_assists: the VMCB tells operands of CR and DR accesses and instruction bytes
 * @flush_by_asid: TLB flushes can be limited to one ASID
 * @tsc_scaling: MSR TSC_RATIO exists
 * @pause_filter: PAUSE is intercepted only after a number of them
 * @pause_threshold: and only if they follow each other closely
 * @v_spec_ctrl: hardware switches SPEC_CTRL
 * @ssbd_msr: SSBD is switched by LS_CFG or VIRT_SPEC_CTRL: the kernel's helper must run around
 * entries
 * @tsc_aux_slot: user-return slot of TSC_AUX; negative: the CPU has none
 */
struct svm_features {
	u32 nr_asids;
	u32 clean;
	bool next_rip;
	bool decode_assists;
	bool flush_by_asid;
	bool tsc_scaling;
	bool pause_filter;
	bool pause_threshold;
	bool v_spec_ctrl;
	bool ssbd_msr;
	int tsc_aux_slot;
};

extern struct svm_features svm_features;

/* One per CPU; touched by that CPU only, preemption off. */
struct svm_cpu {
	void *hsave; /* [i] VM_HSAVE_PA: the CPU's own, never looked at */
	void *host; /* [i] VMSAVE of the host: FS, GS, TR, LDTR, SYSCALL and SYSENTER MSRs */
	u64 asid_generation; /* grows when ASIDs have run out and when SVM was off */
	u32 asid_next; /* first one not handed out in this generation */
	bool asid_swept; /* a flush of all ASIDs has happened in this generation */
	u64 tsc_ratio; /* what MSR TSC_RATIO holds */
	struct vcpu_svm *last; /* whose branch history may be in the predictors; only compared */
};

DECLARE_PER_CPU(struct svm_cpu, svm_cpus);

/* All that enter.S works with. */
struct svm_entry {
	u64 vmcb_pa; /* [i] */
	u64 host_pa; /* [v] svm_cpu.host of the CPU that runs us */
	u64 *gpr; /* [i] vcpu->regs.val */
	u64 spec_guest; /* [v] SPEC_CTRL of the guest, in and (ENTRY_SPEC_READ) out */
	u64 spec_host; /* [v] and of the host's current task */
	u32 flags; /* [v] ENTRY_* */
};

enum svm_nmi {
	SVM_NMI_OPEN,
	SVM_NMI_MASKED, /* one was delivered; IRET is intercepted */
	SVM_NMI_IRET, /* the IRET that ends it is about to run */
};

struct vcpu_svm {
	struct kvm_vcpu vcpu; /* first */
	struct vmcb *vmcb; /* [i] one page */
	u8 *msrpm; /* [i] MSR permission map, two pages */
	struct svm_entry entry; /* [v] */

	/* translations (asid.c) */
	struct svm_cpu *asid_cpu; /* [v] where the ASID was handed out, NULL: nowhere */
	u64 asid_generation; /* [v] and when */
	u8 flush; /* [v] TLB_CONTROL_* that the next VMRUN must carry */

	/* the CPU that has us loaded */
	struct svm_cpu *cpu; /* [v] */
	struct svm_cpu *clean_cpu; /* [v] the CPU that the VMCB's clean bits speak of */
	bool host_saved; /* [v] the host page holds the thread's state on this CPU */
	u16 host_ldt; /* [v] LDT selector in it */
	bool tsc_aux_used; /* [v] the guest has RDTSCP or RDPID */
	bool tsc_aux_loaded; /* [v] TSC_AUX is the guest's */
	u64 tsc_aux; /* [v] which value */
	bool ssbd_loaded; /* [v] x86_spec_ctrl_set_guest() is to be undone */

	/* registers without a place in the VMCB or in struct kvm_vcpu */
	u32 sysenter_esp_hi; /* [v] upper halves, which SYSENTER here ignores: for */
	u32 sysenter_eip_hi; /* [v]   guests that believe to run on an Intel CPU */
	u64 virt_spec_ctrl; /* [v] MSR 0xc001011f */
	bool spec_ctrl_open; /* [v] the guest has used SPEC_CTRL: not intercepted any more */

	/* events (event.c) */
	enum svm_nmi nmi; /* [v] */
	u64 iret_rip; /* [v] SVM_NMI_IRET: where the IRET stands */
	bool step; /* [v] an NMI waits for one instruction to pass: exit after it */
	bool stepped; /* [v] the last entry had RFLAGS.TF set for that */
	bool step_guest_tf; /* [v] where the guest or a debugger had set it, too */
	bool irq_window; /* [v] V_IRQ and its intercept are on */
	u8 v_tpr; /* [v] V_TPR at the last entry */
	bool cr8_window; /* [v] lowering the TPR would let an interrupt in */
	bool injecting; /* [v] this entry delivers an event */
	bool soft; /* [v] ... #BP or #OF, for which RIP may stand behind the instruction */
	u64 soft_rip; /* [v] where the instruction stands */
};

static __always_inline struct vcpu_svm *to_svm(struct kvm_vcpu *vcpu)
{
	return container_of(vcpu, struct vcpu_svm, vcpu);
}

/* Which parts of the VMCB differ from what the CPU may have cached. */
static __always_inline void svm_dirty(struct vcpu_svm *svm, u32 clean_bits)
{
	svm->vmcb->control.clean &= ~clean_bits;
}

static inline bool svm_exit_code_is(struct vcpu_svm *svm, u32 code)
{
	return svm->vmcb->control.exit_code == code;
}

/* setup.c */
extern u64 svm_iopm_pa;

/* percpu.c */
int svm_percpu_alloc(void);
void svm_percpu_free(void);
void svm_percpu_vcpu_comes(void);
void svm_percpu_vcpu_goes(struct vcpu_svm *svm);
void svm_load_tsc_ratio(struct vcpu_svm *svm);

/* vmcb.c */
void svm_vmcb_init(struct vcpu_svm *svm);
void svm_intercepts(struct vcpu_svm *svm);


/* asid.c */
void svm_asid_prepare(struct vcpu_svm *svm);
void svm_asid_flushed(struct vcpu_svm *svm);

/* enter.S: returns 0 after VMRUN, 1 if SVM is off on this CPU. */
int svm_enter(struct svm_entry *entry);

/* run.c */
void svm_ssbd_host(struct vcpu_svm *svm);

/* exit.c */
u64 svm_next_rip(struct vcpu_svm *svm);

/* npt.c */
enum kvm_exit_action svm_exit_npf(struct kvm_vcpu *vcpu);

/* event.c */
void svm_events_after_exit(struct vcpu_svm *svm);
void svm_irq_window_close(struct vcpu_svm *svm);
enum kvm_exit_action svm_exit_iret(struct kvm_vcpu *vcpu);
enum kvm_exit_action svm_exit_vintr(struct kvm_vcpu *vcpu);
bool svm_step_swallow(struct vcpu_svm *svm);

/* msr.c */
void svm_msr_reset(struct vcpu_svm *svm);
void svm_msrpm_update(struct vcpu_svm *svm);

/* dump.c */
void svm_dump(struct kvm_vcpu *vcpu);
const char *svm_exit_name(u32 code);

#define X(ret, name, args) ret svm_##name args;
KVM_VENDOR_OPS(X)
#undef X

#endif
