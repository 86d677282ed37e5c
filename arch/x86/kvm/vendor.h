/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vendor contract: all that vmx/ and svm/ do for the rest of the driver. At most 45 operations;
 * each needs a reason, and says what state it may assume. Unless said otherwise an operation is
 * called by the vCPU's thread with the vCPU loaded (its hardware state owned by this CPU).
 */
#ifndef GUESTMODE_VENDOR_H
#define GUESTMODE_VENDOR_H

#include <linux/module.h>
#include <linux/static_call.h>
#include "vcpu.h"

#define KVM_VENDOR_VERSION 1

/* Whose exit reasons: kvm_vendor_caps.trace_isa. */
#define KVM_ISA_VMX 1
#define KVM_ISA_SVM 2

/**
 * struct kvm_vendor_caps - what this host's hardware and the vendor module offer, as data
 * Filled in by the vendor before registration and read-only afterwards.
 */
struct kvm_vendor_caps {
	u8 hypercall_modrm; /* of its hypercall instruction, 0F 01 /r: the last byte */
	bool next_rip; /* length of an exiting instruction comes from hardware */
	bool tsc_scaling;
	u8 tsc_frac_bits;
	bool deadline; /* set_deadline may work */
	/* hardware can be such a LAPIC: it delivers interrupts, and keeps registers in its page */
	bool xapic_hw, x2apic_hw;
	u64 tsc_ratio_default; /* 1.0 */
	u64 tsc_ratio_max;
	u8 trace_isa; /* whose exit reasons: KVM_ISA_* */
	const struct pt_format *npt_format; /* of nested page tables (mmu/format.h) */
	u8 npt_levels; /* 4 or 5 */
	u8 npt_max_page_level; /* 2: 2 MiB, 3: 1 GiB */
	/*
	 * PDPTEs are registers, loaded with CR3 and the mode (SDM vol. 3, 4.4.1); else each walk
	 * reads them
	 */
	bool pdpte_regs;
	/*
	 * iTLB multihit: a guest that executes from a page as its size changes can stop the host
	 */
	bool nx_huge_pages;
	/*
	 * While kvm->mmu.logged, guest mode notes down each page whose entry it marks dirty, and
	 * exit_irqoff passes that on by dirty_mark_gfn()
	 */
	bool written_log;
	bool bus_lock_exit; /* guest mode can end behind a bus lock ... */
	bool notify_exit; /* ... and when it has let no event in for too long */
	bool nested;
	bool amd_leaves; /* CPUID 0x80000021 is this CPU's, its bits may be offered */
	u64 efer_reserved; /* EFER bits that the guest may never set here */
	/* get_msr/set_msr keep IA32_TSC_AUX and entries switch it: RDTSCP, RDPID offered */
	bool tsc_aux;
	bool invpcid; /* the guest can have the instruction */
	bool xsaves; /* likewise */
	bool spec_ctrl; /* likewise SPEC_CTRL (0x48): IBRS, STIBP, SSBD offered */
	bool virt_ssbd; /* likewise VIRT_SPEC_CTRL (0xc001011f) */
	u64 mcg_cap; /* MCG_CAP bits that its CPUs can have; others are accepted and dropped */
};

/*
 * X(return type, name, arguments)
 *
 * per-CPU, any thread, irqs off but for cpu_check:
 *  cpu_check     this CPU can do what the vendor module needs: 0, -EIO (log says why)
 *  cpu_enable    turn virtualization on here: 0, -EBUSY (somebody else uses it)
 *  cpu_disable   turn it off; no guest state of any vCPU remains cached here
 * vCPU lifetime:
 *  vcpu_create   vendor's part; generic part is ready. 0, -ENOMEM. Not loaded.
 *  vcpu_free     not loaded, never runs again
 *  vcpu_reset    hardware state of RESET (init=false) or INIT; generic registers are set already
 *  vcpu_load     this CPU (smp_processor_id()) will run it; preemption off
 *  vcpu_put      leaves this CPU; preemption off
 * running:
 *  prepare       before an entry that will take place: host and guest state; irqs off
 *  run           one hardware entry and exit; irqs off, noinstr
 *  exit_irqoff   right after run, irqs still off: host interrupt, NMI, machine check that caused
 *                the exit; pages that guest mode noted down as written
 *  handle_exit   act on the exit; irqs and preemption on, kvm->srcu held, may sleep
 *  exit_class    class of a hardware exit reason, for statistics; any thread
 *  exit_info     the last exit for tracepoints: info1, info2, event being delivered, its error code
 *  skip_insn     advance RIP behind the instruction that caused the exit, clear the interrupt
 *                shadow, raise #DB if single-stepping; KVM_RESUME, or what the run loop must do
 *                instead
 * registers:
 *  cache_reg     fetch a register that regs.avail lacks into regs.val and set the bit
 *  get_segment   segments, LDTR, TR, GDTR, IDTR
 *  set_segment
 *  set_cr0       new guest-visible CR0 (valid, regs.val already holds it): adapt hardware
 *  set_cr4       likewise
 *  set_efer      new guest-visible EFER in regs.efer (valid): adapt hardware
 *  set_dr7       guest_debug or debug.dr7 changed: adapt hardware's DR7 and DR intercepts
 *  sync_drs      after KVM_DEBUGREG_WONT_EXIT: hardware's DR0-3, DR6, DR7 into vcpu->debug
 * events:
 *  inject_exception  vcpu->event.exception goes in at the next entry
 *  inject_irq        vcpu->event.irq likewise; reinjected: delivery had begun before
 *  inject_nmi        likewise; blocks further NMIs until IRET
 *  cancel_injection  entry did not happen: take back what was prepared, into vcpu->event
 *  irq_allowed       IF=1, no shadow, GIF
 *  nmi_allowed       not blocked
 *  irq_window        exit as soon as irq_allowed would hold
 *  nmi_window        exit as soon as nmi_allowed would hold
 *  get_shadow        KVM_X86_SHADOW_INT_* in force
 *  set_shadow
 *  get_nmi_mask      NMIs blocked until IRET?
 *  set_nmi_mask
 *  update_lapic      in-kernel LAPIC: TPR, and highest requested vector (-1: none). Lowering TPR
 *                    exits if it masks that; what lapic_hw() leaves to hardware it delivers itself
 * intercepts:
 *  update_intercepts recompute all from the guest's CPUID, guest_debug, caps, mmu.logged; the
 *                    only owner of intercept state
 * MSRs:
 *  get_msr       MSR that the vendor keeps. 0, -ENOENT (not the vendor's: unknown), -EINVAL (bad
 *                value: #GP)
 *  set_msr
 *  cpuid_changed guest CPUID was set: recompute what follows from it
 * memory:
 *  set_root      nested page table root (hpa) for the next entries
 *  tlb_flush     all of this vCPU's translations; on any thread that has the vCPU loaded
 *  tlb_flush_gva one guest-virtual page
 *  set_tsc       vcpu->tsc.offset or .ratio changed
 *  set_deadline  exit when the guest's TSC reaches a value, and call lapic_deadline_reached();
 *                0: never. False: this host can't; only where caps.deadline says so
 */
#define KVM_VENDOR_OPS(X)                                                                          \
	X(int, cpu_check, (void))                                                                  \
	X(int, cpu_enable, (void))                                                                 \
	X(void, cpu_disable, (void))                                                               \
	X(int, vcpu_create, (struct kvm_vcpu * vcpu))                                              \
	X(void, vcpu_free, (struct kvm_vcpu * vcpu))                                               \
	X(void, vcpu_reset, (struct kvm_vcpu * vcpu, bool init))                                   \
	X(void, vcpu_load, (struct kvm_vcpu * vcpu, int cpu))                                      \
	X(void, vcpu_put, (struct kvm_vcpu * vcpu))                                                \
	X(void, prepare, (struct kvm_vcpu * vcpu))                                                 \
	X(void, run, (struct kvm_vcpu * vcpu))                                                     \
	X(void, exit_irqoff, (struct kvm_vcpu * vcpu))                                             \
	X(enum kvm_exit_action, handle_exit, (struct kvm_vcpu * vcpu))                             \
	X(enum kvm_exit_class, exit_class, (u64 reason))                                           \
	X(void, exit_info,                                                                         \
	  (struct kvm_vcpu * vcpu, u64 * info1, u64 * info2, u32 * intr, u32 * error))             \
	X(enum kvm_exit_action, skip_insn, (struct kvm_vcpu * vcpu))                               \
	X(void, cache_reg, (struct kvm_vcpu * vcpu, enum kvm_reg reg))                             \
	X(void, get_segment,                                                                       \
	  (struct kvm_vcpu * vcpu, enum kvm_seg seg, struct kvm_segment * out))                    \
	X(void, set_segment,                                                                       \
	  (struct kvm_vcpu * vcpu, enum kvm_seg seg, const struct kvm_segment *in))                \
	X(void, set_cr0, (struct kvm_vcpu * vcpu))                                                 \
	X(void, set_cr4, (struct kvm_vcpu * vcpu))                                                 \
	X(void, set_efer, (struct kvm_vcpu * vcpu))                                                \
	X(void, set_dr7, (struct kvm_vcpu * vcpu))                                                 \
	X(void, sync_drs, (struct kvm_vcpu * vcpu))                                                \
	X(void, inject_exception, (struct kvm_vcpu * vcpu))                                        \
	X(void, inject_irq, (struct kvm_vcpu * vcpu, bool reinjected))                             \
	X(void, inject_nmi, (struct kvm_vcpu * vcpu))                                              \
	X(void, cancel_injection, (struct kvm_vcpu * vcpu))                                        \
	X(bool, irq_allowed, (struct kvm_vcpu * vcpu))                                             \
	X(bool, nmi_allowed, (struct kvm_vcpu * vcpu))                                             \
	X(void, irq_window, (struct kvm_vcpu * vcpu))                                              \
	X(void, nmi_window, (struct kvm_vcpu * vcpu))                                              \
	X(u32, get_shadow, (struct kvm_vcpu * vcpu))                                               \
	X(void, set_shadow, (struct kvm_vcpu * vcpu, u32 mask))                                    \
	X(bool, get_nmi_mask, (struct kvm_vcpu * vcpu))                                            \
	X(void, set_nmi_mask, (struct kvm_vcpu * vcpu, bool masked))                               \
	X(void, update_lapic, (struct kvm_vcpu * vcpu, u8 tpr, int max_irr))                       \
	X(void, update_intercepts, (struct kvm_vcpu * vcpu))                                       \
	X(int, get_msr, (struct kvm_vcpu * vcpu, u32 index, u64 * value))                          \
	X(int, set_msr, (struct kvm_vcpu * vcpu, u32 index, u64 value, bool host))                 \
	X(void, cpuid_changed, (struct kvm_vcpu * vcpu))                                           \
	X(void, set_root, (struct kvm_vcpu * vcpu, hpa_t root))                                    \
	X(void, tlb_flush, (struct kvm_vcpu * vcpu))                                               \
	X(void, tlb_flush_gva, (struct kvm_vcpu * vcpu, gva_t gva))                                \
	X(void, set_tsc, (struct kvm_vcpu * vcpu))                                                 \
	X(bool, set_deadline, (struct kvm_vcpu * vcpu, u64 guest_tsc))

/**
 * struct kvm_vendor_ops - a vendor module's table
 * @version: KVM_VENDOR_VERSION
 * @size: sizeof(struct kvm_vendor_ops), so that a module of another build is refused
 * @name: "kvm-amd", for the log
 * @owner: module that the files' fops belong to: it can't go while a VM lives
 * @vcpu_size: bytes of the vendor's vCPU; struct kvm_vcpu is its first member
 * @caps: what hardware offers
 */
struct kvm_vendor_ops {
	u32 version;
	u32 size;
	const char *name;
	struct module *owner;
	size_t vcpu_size;
	const struct kvm_vendor_caps *caps;
#define X(ret, name, args) ret(*name) args;
	KVM_VENDOR_OPS(X)
#undef X
};

#define X(ret, name, args) \
	DECLARE_STATIC_CALL(kvm_vendor_##name, *((struct kvm_vendor_ops *)0)->name);
KVM_VENDOR_OPS(X)
#undef X

/* vendor_call(set_cr0, vcpu) */
#define vendor_call(name, ...) static_call(kvm_vendor_##name)(__VA_ARGS__)

/* the registered vendor's; never NULL while a file is open */
extern const struct kvm_vendor_caps *kvm_caps;

/*
 * Called by the vendor's module init and exit. 0, -EBUSY (another is there), -EINVAL (other build),
 * or cpu_check's error.
 */
int kvm_register_vendor(const struct kvm_vendor_ops *ops);
void kvm_unregister_vendor(const struct kvm_vendor_ops *ops);

#endif
