/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this CPU's VMX can do, read once (setup.c), and the control fields of a VMCS (vmcs.c).
 */
#ifndef GUESTMODE_VMX_CONTROLS_H
#define GUESTMODE_VMX_CONTROLS_H

#include <linux/types.h>
#include <asm/vmx.h>

/* XSAVES and XRSTORS may be executed; kernels have different names for it. */
#define VMX_CPU2_XSAVES BIT(20)

/* The guest's LAPIC is hardware's (SDM vol. 3, 29.4, 29.5): all or none of one of these. */
#define VMX_APIC_VIRT \
	(SECONDARY_EXEC_APIC_REGISTER_VIRT | SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY)
#define VMX_XAPIC_VIRT (VMX_APIC_VIRT | SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES)
#define VMX_X2APIC_VIRT (VMX_APIC_VIRT | SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE)

/* In IA32_VMX_MISC: the preemption timer counts once in 2^this ticks of the TSC. */
#define VMX_MISC_TIMER_SHIFT 0x1f

/**
 * struct vmx_controls - the control words of SDM vol. 3, 24.6 to 24.8
 * @pin: pin-based
 * @cpu: primary processor-based
 * @cpu2: secondary processor-based
 * @exit: VM exit
 * @entry: VM entry
 */
struct vmx_controls {
	u32 pin;
	u32 cpu;
	u32 cpu2;
	u32 exit;
	u32 entry;
};

/**
 * struct vmx_features - what the capability MSRs say (SDM vol. 3, appendix A), less what module
 * parameters and the kernel have turned off
 * @revision: VMCS revision identifier
 * @vmcs_bytes: size of VMCS and VMXON regions
 * @base: set in each VMCS: what the CPU insists on, and what we always want
 * @can: what may be set beyond @base
 * @cr0_fixed0: bits of CR0 that must be 1 in guest mode; without PE and PG for an unrestricted
 *     guest
 * @cr0_fixed1: bits of CR0 that may be 1
 * @cr4_fixed0: likewise for CR4
 * @cr4_fixed1: likewise
 * @ept_ad: nested tables have accessed and dirty bits
 * @pml: the CPU can note down which entries it marks dirty
 * @ept_levels: 4 or 5
 * @ept_page_level: largest page: 1 4 KiB, 2 2 MiB, 3 1 GiB
 * @invept_context: INVEPT of one table; else of all of them
 * @vpid: translations are tagged
 * @invvpid_address: INVVPID of one page
 * @unrestricted: real mode without help
 * @xapic_virt: a LAPIC in xAPIC mode is hardware's: registers, interrupt delivery, EOI, self-IPI
 * @x2apic_virt: likewise in x2APIC mode
 * @vectoring_stale: with these, IDT-vectoring information is not to be relied on: an emulator's CPU
 * @preemption_timer: its shift against the TSC; negative: there is none to be used
 * @tsc_scaling: the guest's TSC can have another frequency
 * @perf: the host has performance counters to be switched
 * @l1d_flush: L1TF: the L1 data cache is flushed before each entry
 * @slots: user-return slots by enum vmx_user_msr; negative: the CPU has no such MSR
 */
struct vmx_features {
	u32 revision;
	u32 vmcs_bytes;
	struct vmx_controls base;
	struct vmx_controls can;
	u64 cr0_fixed0, cr0_fixed1;
	u64 cr4_fixed0, cr4_fixed1;
	bool ept_ad;
	bool pml;
	u8 ept_levels;
	u8 ept_page_level;
	bool invept_context;
	bool vpid;
	bool invvpid_address;
	bool unrestricted;
	bool xapic_virt, x2apic_virt;
	bool vectoring_stale;
	int preemption_timer;
	bool tsc_scaling;
	bool perf;
	bool l1d_flush;
	int slots[4];
};

/*
 * MSRs that only user mode or SYSCALL looks at: left in the CPU until the thread leaves the kernel.
 */
enum vmx_user_msr {
	VMX_USER_STAR,
	VMX_USER_LSTAR,
	VMX_USER_SFMASK,
	VMX_USER_TSC_AUX,
	VMX_NR_USER_MSRS
};

extern struct vmx_features vmx_features;

#endif
