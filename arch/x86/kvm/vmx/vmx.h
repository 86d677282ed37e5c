/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-intel.ko: Intel VMX (SDM vol. 3, chapters 24 to 33). What its files share. The operations
 * that the rest of the driver calls are those of vendor.h, named vmx_*; they are declared at the
 * end.
 */
#ifndef GUESTMODE_VMX_H
#define GUESTMODE_VMX_H

#include "access.h"
#include "vmx/controls.h"
#include "vmx/enter.h"
#include "vmx/fields.h"
#include "vmx/insn.h"

/* A VMCS or VMXON region as software sees it: the rest is the CPU's, in a form of its own. */
struct vmx_region {
	u32 revision;
	u32 abort;
};

/* One per CPU; touched by that CPU only, irqs or preemption off. */
struct vmx_cpu {
	struct vmx_region *vmxon; /* [i] */
	struct list_head loaded; /* VMCSs that this CPU may hold in its caches */
	struct vcpu_vmx *current_vmx; /* whose VMCS is current; NULL: nobody's that lives */
	struct vcpu_vmx *last; /* whose branch history may be in the predictors; only compared */
};

DECLARE_PER_CPU(struct vmx_cpu, vmx_cpus);

/* All that enter.S works with. */
struct vmx_entry {
	u64 *gpr; /* [i] vcpu->regs.val */
	u64 host_rsp; /* [v] what HOST_RSP holds */
	u64 spec_guest; /* [v] SPEC_CTRL of the guest, in and (ENTRY_SPEC_READ) out */
	u64 spec_host; /* [v] and of the host's current task */
	u32 flags; /* [v] ENTRY_* */
};

/* The host's state that VM exits don't bring back by themselves (host.c). */
struct vmx_host {
	bool saved; /* [v] all below is of the thread, and the guest's values are in the CPU */
	bool ldt_used; /* [v] LDTR was not null at some entry since */
	u16 ldt;
	u16 fs, gs, ds, es; /* [v] selectors */
	u64 fs_base, kernel_gs_base; /* [v] */
	u64 debugctl; /* [v] */
	struct desc_ptr gdt; /* [v] of the CPU */
	/* what the VMCS's host fields hold */
	u64 vmcs_cr3, vmcs_cr4, vmcs_fs_base; /* [v] */
};

/*
 * MSRs that entries and exits switch through lists in memory (24.7.2, 24.8.2): those of the host's
 * performance counters that must not go on in guest mode. One page.
 */
#define VMX_MAX_AUTOLOAD 16
struct vmx_autoload {
	struct vmx_msr_entry guest[VMX_MAX_AUTOLOAD];
	struct vmx_msr_entry host[VMX_MAX_AUTOLOAD];
};

struct vcpu_vmx {
	struct kvm_vcpu vcpu; /* first */
	struct vmx_region *vmcs; /* [i] */
	u64 vmcs_pa; /* [i] */
	int vmcs_cpu; /* [v], or the CPU itself: whose caches hold it, -1: nobody's */
	struct list_head loaded; /* in vmx_cpu.loaded of that CPU */
	u8 *msr_bitmap; /* [i] one page */
	struct vmx_autoload *autoload; /* [i] */
	u32 nr_autoload; /* [v] entries that the VMCS knows of */
	bool initialised; /* [v] the VMCS's constant fields are set */
	struct vmx_entry entry; /* [v] */
	struct vmx_host host; /* [v] */
	struct vmx_controls controls; /* [v] as the VMCS holds them */
	u32 exception_bitmap; /* [v] likewise */

	/* translations (ept.c) */
	u16 vpid; /* [i] 0: none */
	u64 eptp; /* [v] */
	u64 *written; /* [i] PML's page, NULL: none; contents [v] */
	bool flush; /* [v] drop all before the next entry */
	bool emulate; /* [v] no guest mode for the state that the guest is in (rmode.c) */
	bool emulate_check; /* [v] CR0, flags or segments were set: find out anew */
	bool undeliverable; /* [v] an event for that state could not be delivered */

	/* what the last exit said, read once */
	u32 vectoring; /* [v] IDT-vectoring information */
	u32 intr_info; /* [v] VM-exit interruption information, for exceptions and NMIs */
	u32 intr_state; /* [v] interruptibility, if ... */
	bool intr_state_known; /* [v] */
	bool state_check; /* [v] flags or interruptibility were set: entry checks may need help */

	/* registers without a place in the VMCS or in struct kvm_vcpu */
	u64 kernel_gs_base; /* [v] while !host.saved */
	u64 star, lstar, cstar, sfmask; /* [v] */
	bool user_msrs_loaded; /* [v] the CPU has the guest's */
	bool tsc_aux_used; /* [v] the guest has RDTSCP or RDPID */
	bool spec_ctrl_open; /* [v] the guest has used SPEC_CTRL: not intercepted any more */

	/* events (event.c) */
	u32 inject; /* [v] VM-entry interruption information of the next entry, 0: nothing */
	bool injecting; /* [v] the last entry carried it */
	u8 inject_len; /* [v] length of the instruction, for software events */
	u8 soft_len; /* [v] of the software interrupt or exception whose delivery was interrupted */
	bool irq_window; /* [v] */
	bool nmi_window; /* [v] */
	bool cr8_window; /* [v] lowering the TPR would let an interrupt in */
	const u8 *vtpr; /* [i] TPR in the LAPIC's page, NULL: no TPR shadow; contents [v] */
	u8 tpr; /* [v] TPR at the last entry */
	u64 deadline; /* [v] guest TSC at which to exit, 0: never */
	u8 tpr_threshold; /* [v] as the VMCS holds it: a CR8 below it exits */
	u64 eoi_exits[4]; /* [v] as the VMCS holds them: vectors whose EOI exits */
};

static __always_inline struct vcpu_vmx *to_vmx(struct kvm_vcpu *vcpu)
{
	return container_of(vcpu, struct vcpu_vmx, vcpu);
}

/**
 * vmx_intr_state() - the interruptibility state, read at most once an exit
 * @vmx: the vCPU, loaded
 */
static inline u32 vmx_intr_state(struct vcpu_vmx *vmx)
{
	if (!vmx->intr_state_known) {
		vmx->intr_state = vmcs_read(GUEST_INTERRUPTIBILITY_INFO);
		vmx->intr_state_known = true;
	}
	return vmx->intr_state;
}

static inline u32 vmx_exit_basic(struct kvm_vcpu *vcpu)
{
	return vcpu->exit.reason & VMX_EXIT_BASIC;
}

/*
 * The information that belongs to an exception or NMI: a reason of its own says that there is one.
 */
#define VMX_INTR_IS(info, type, vector) \
	(((info) & (INTR_INFO_VALID_MASK | INTR_INFO_INTR_TYPE_MASK | INTR_INFO_VECTOR_MASK)) == \
	 (INTR_INFO_VALID_MASK | (type) | (vector)))

static inline bool vmx_exit_is_exception(struct vcpu_vmx *vmx, u8 vector)
{
	return vmx_exit_basic(&vmx->vcpu) == EXIT_REASON_EXCEPTION_NMI &&
	       (vmx->intr_info & (INTR_INFO_VALID_MASK | INTR_INFO_VECTOR_MASK)) ==
		       (INTR_INFO_VALID_MASK | vector);
}

/* setup.c */
extern unsigned int vmx_ple_gap, vmx_ple_window;

/* percpu.c */
void vmx_percpu_init(void);
int vmx_percpu_alloc(void);
void vmx_percpu_free(void);
struct vmx_region *vmx_region_alloc(int node);
void vmx_region_free(struct vmx_region *region);
void vmx_vmcs_clear(struct vcpu_vmx *vmx);
void vmx_percpu_forget(struct vcpu_vmx *vmx);

/* host.c */
void vmx_host_constant(struct vcpu_vmx *vmx);
void vmx_host_cpu(struct vcpu_vmx *vmx);
void vmx_host_save(struct vcpu_vmx *vmx);
void vmx_host_put(struct vcpu_vmx *vmx);
void vmx_host_perf(struct vcpu_vmx *vmx);
void vmx_host_perf_back(struct vcpu_vmx *vmx);
int vmx_l1d_alloc(void);
void vmx_l1d_free(void);
void vmx_flush_l1d(void);

/* vmcs.c */
void vmx_controls_update(struct vcpu_vmx *vmx);
void vmx_vmcs_init(struct vcpu_vmx *vmx);

/* ept.c */
int vmx_vpid_alloc(void);
void vmx_vpid_free(u16 vpid);
void vmx_flush(struct vcpu_vmx *vmx);
enum kvm_exit_action vmx_exit_ept_violation(struct kvm_vcpu *vcpu);
enum kvm_exit_action vmx_exit_ept_misconfig(struct kvm_vcpu *vcpu);
void vmx_pml_init(struct vcpu_vmx *vmx);
void vmx_pml_discard(struct vcpu_vmx *vmx);
void vmx_pml_drain(struct vcpu_vmx *vmx);
enum kvm_exit_action vmx_exit_pml_full(struct kvm_vcpu *vcpu);
void vmx_nmis_stay_blocked(struct vcpu_vmx *vmx, u64 qual);

/* enter.S: returns 0 after an exit, 1 if no entry took place. */
int vmx_enter(struct vmx_entry *entry);
void vmx_host_nmi(void);
extern const char vmx_exit_point[];

/* event.c */
void vmx_set_intr_state(struct vcpu_vmx *vmx, u32 state);
void vmx_events_after_exit(struct vcpu_vmx *vmx);
void vmx_fix_intr_state(struct vcpu_vmx *vmx);
enum kvm_exit_action vmx_exit_irq_window(struct kvm_vcpu *vcpu);
enum kvm_exit_action vmx_exit_nmi_window(struct kvm_vcpu *vcpu);

/* msr.c */
void vmx_msr_reset(struct vcpu_vmx *vmx);
void vmx_msr_bitmap_update(struct vcpu_vmx *vmx);
void vmx_load_user_msrs(struct vcpu_vmx *vmx);

/* state.c */
void vmx_load_pdptes(struct vcpu_vmx *vmx);

/* rmode.c */
bool vmx_must_emulate(struct vcpu_vmx *vmx);
void vmx_deliver(struct vcpu_vmx *vmx, u8 vector, u8 len, bool has_error, u32 error);
enum kvm_exit_action vmx_exit_emulate(struct kvm_vcpu *vcpu);

/* hog.c */
enum kvm_exit_action vmx_exception_ac(struct kvm_vcpu *vcpu);
enum kvm_exit_action vmx_bus_locked(struct kvm_vcpu *vcpu, enum kvm_exit_action action);
enum kvm_exit_action vmx_exit_bus_lock(struct kvm_vcpu *vcpu);
enum kvm_exit_action vmx_exit_notify(struct kvm_vcpu *vcpu);

/* dump.c */
void vmx_dump(struct kvm_vcpu *vcpu);
const char *vmx_exit_name(u32 reason);

#define X(ret, name, args) ret vmx_##name args;
KVM_VENDOR_OPS(X)
#undef X

#endif
