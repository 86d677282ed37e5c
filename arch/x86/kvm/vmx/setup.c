// SPDX-License-Identifier: GPL-2.0-only
/* Module init of kvm-intel: what the CPU offers, what is refused, registration. */

#include <linux/cpu.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/perf_event.h>
#include <linux/pgtable.h>
#include <asm/cpu_device_id.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/perf_event.h>
#include <asm/processor.h>
#include <asm/tsc.h>

#include "compat.h"
#include "mmu/format.h"
#include "user_return.h"
#include "vmx.h"

static bool ept = true;
module_param(ept, bool, 0444);
MODULE_PARM_DESC(ept, "nested paging (there is no other mode yet: ept=0 refuses to load)");

static bool vpid = true;
module_param(vpid, bool, 0444);
MODULE_PARM_DESC(vpid, "tag translations, so that they survive exits");

static bool unrestricted_guest = true;
module_param(unrestricted_guest, bool, 0444);
MODULE_PARM_DESC(unrestricted_guest,
		 "real mode by hardware; without it, it is emulated");

static bool enable_apicv, apicv_given;

static int set_apicv(const char *value, const struct kernel_param *param)
{
	apicv_given = true;
	return param_set_bool(value, param);
}

static const struct kernel_param_ops apicv_ops = { .flags = KERNEL_PARAM_OPS_FL_NOARG,
						   .set = set_apicv,
						   .get = param_get_bool };
module_param_cb(enable_apicv, &apicv_ops, &enable_apicv, 0444);
__MODULE_PARM_TYPE(enable_apicv, "bool");
MODULE_PARM_DESC(enable_apicv, "APIC registers and interrupt delivery by hardware");

static bool preemption_timer = true;
module_param(preemption_timer, bool, 0444);
MODULE_PARM_DESC(preemption_timer, "a running guest's TSC deadline by VMX's own timer");

static bool pml = true;
module_param(pml, bool, 0444);
MODULE_PARM_DESC(pml, "log of written pages by hardware");

unsigned int vmx_ple_gap = 128;
module_param_named(ple_gap, vmx_ple_gap, uint, 0444);
MODULE_PARM_DESC(ple_gap, "PAUSEs that follow each other within so many cycles are a loop; 0: off");

unsigned int vmx_ple_window = 4096;
module_param_named(ple_window, vmx_ple_window, uint, 0444);
MODULE_PARM_DESC(ple_window, "cycles that such a loop may take before it exits");

static int nested;
module_param(nested, int, 0444);
MODULE_PARM_DESC(nested, "VMX for guests (not there yet: nested=1 refuses to load)");

struct vmx_features vmx_features __ro_after_init;

static struct kvm_vendor_caps caps __ro_after_init;

static const struct kvm_vendor_ops ops = { .version = KVM_VENDOR_VERSION,
					   .size = sizeof(struct kvm_vendor_ops),
					   .name = "kvm-intel",
					   .owner = THIS_MODULE,
					   .vcpu_size = sizeof(struct vcpu_vmx),
					   .caps = &caps,
#define X(ret, name, args) .name = vmx_##name,
					   KVM_VENDOR_OPS(X)
#undef X
};

/* --- capability MSRs ------------------------------------------------------------------------- */

#define BASIC_TRUE_CONTROLS BIT_ULL(55)
#define BASIC_MEMORY_TYPE(basic) ((basic) >> 50 & 0xf)
#define MEMORY_TYPE_WB 6

/**
 * struct control_row - one word of controls
 * @name: for the log
 * @msr: its capability MSR
 * @true_msr: the one that tells which default-1 bits may be 0 after all; 0: none
 * @required: without these we can't do
 * @optional: used by vmcs.c where they are there
 * @base: where the first go, and what the CPU insists on
 * @can: where the second go
 */
struct control_row {
	const char *name;
	u32 msr;
	u32 true_msr;
	u32 required;
	u32 optional;
	u32 *base;
	u32 *can;
};

#define WORDS(word) &vmx_features.base.word, &vmx_features.can.word

static const struct control_row control_rows[] __initconst = {
	{ "pin-based", MSR_IA32_VMX_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PINBASED_CTLS,
	  PIN_BASED_EXT_INTR_MASK | PIN_BASED_NMI_EXITING | PIN_BASED_VIRTUAL_NMIS,
	  PIN_BASED_VMX_PREEMPTION_TIMER | PIN_BASED_POSTED_INTR, WORDS(pin) },
	{ "processor-based", MSR_IA32_VMX_PROCBASED_CTLS, MSR_IA32_VMX_TRUE_PROCBASED_CTLS,
	  CPU_BASED_USE_TSC_OFFSETTING | CPU_BASED_RDPMC_EXITING | CPU_BASED_UNCOND_IO_EXITING |
		  CPU_BASED_USE_MSR_BITMAPS | CPU_BASED_ACTIVATE_SECONDARY_CONTROLS,
	  CPU_BASED_HLT_EXITING | CPU_BASED_MWAIT_EXITING | CPU_BASED_MONITOR_EXITING |
		  CPU_BASED_MOV_DR_EXITING | CPU_BASED_INTR_WINDOW_EXITING |
		  CPU_BASED_NMI_WINDOW_EXITING | CPU_BASED_CR8_LOAD_EXITING |
		  CPU_BASED_CR8_STORE_EXITING | CPU_BASED_TPR_SHADOW,
	  WORDS(cpu) },
	{ "secondary processor-based", MSR_IA32_VMX_PROCBASED_CTLS2, 0,
	  SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_WBINVD_EXITING,
	  SECONDARY_EXEC_ENABLE_VPID | SECONDARY_EXEC_UNRESTRICTED_GUEST |
		  SECONDARY_EXEC_ENABLE_RDTSCP | SECONDARY_EXEC_ENABLE_INVPCID | VMX_CPU2_XSAVES |
		  SECONDARY_EXEC_PAUSE_LOOP_EXITING | SECONDARY_EXEC_TSC_SCALING |
		  SECONDARY_EXEC_RDRAND_EXITING | SECONDARY_EXEC_RDSEED_EXITING |
		  SECONDARY_EXEC_ENCLS_EXITING | SECONDARY_EXEC_ENABLE_PML | VMX_XAPIC_VIRT |
		  VMX_X2APIC_VIRT | SECONDARY_EXEC_BUS_LOCK_DETECTION |
		  SECONDARY_EXEC_NOTIFY_VM_EXITING,
	  WORDS(cpu2) },
	{ "VM-exit", MSR_IA32_VMX_EXIT_CTLS, MSR_IA32_VMX_TRUE_EXIT_CTLS,
	  VM_EXIT_HOST_ADDR_SPACE_SIZE | VM_EXIT_SAVE_DEBUG_CONTROLS | VM_EXIT_LOAD_IA32_PAT |
		  VM_EXIT_LOAD_IA32_EFER,
	  0, WORDS(exit) },
	{ "VM-entry", MSR_IA32_VMX_ENTRY_CTLS, MSR_IA32_VMX_TRUE_ENTRY_CTLS,
	  VM_ENTRY_LOAD_DEBUG_CONTROLS | VM_ENTRY_LOAD_IA32_PAT | VM_ENTRY_LOAD_IA32_EFER,
	  VM_ENTRY_IA32E_MODE, WORDS(entry) },
};

/* The CPU has no use for us without these: windows, HLT, debug registers, 64-bit guests. */
#define CPU_NEEDED \
	((u32)(CPU_BASED_HLT_EXITING | CPU_BASED_MWAIT_EXITING | CPU_BASED_MONITOR_EXITING | \
	       CPU_BASED_MOV_DR_EXITING | CPU_BASED_INTR_WINDOW_EXITING | \
	       CPU_BASED_NMI_WINDOW_EXITING))

static int __init read_controls(u64 basic)
{
	unsigned int i;
	u64 value;

	for (i = 0; i < ARRAY_SIZE(control_rows); i++) {
		const struct control_row *row = &control_rows[i];
		bool is_true = basic & BASIC_TRUE_CONTROLS && row->true_msr;
		u32 must, may;

		rdmsrl(is_true ? row->true_msr : row->msr, value);
		must = value;
		may = value >> 32;
		if (row->required & ~may) {
			pr_err("kvm-intel: this CPU is too old: it lacks %s controls 0x%x\n",
			       row->name, row->required & ~may);
			return -EOPNOTSUPP;
		}
		*row->base = row->required | must;
		*row->can = row->optional & may;
	}
	if (CPU_NEEDED & ~vmx_features.can.cpu) {
		pr_err("kvm-intel: this CPU is too old: it lacks processor-based controls 0x%x\n",
		       CPU_NEEDED & ~vmx_features.can.cpu);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int __init read_ept(void)
{
	const u64 need = VMX_EPT_PAGE_WALK_4_BIT | VMX_EPTP_WB_BIT | VMX_EPT_INVEPT_BIT;
	struct vmx_features *f = &vmx_features;
	u64 cap;

	rdmsrl(MSR_IA32_VMX_EPT_VPID_CAP, cap);
	if ((cap & need) != need ||
	    !(cap & (VMX_EPT_EXTENT_CONTEXT_BIT | VMX_EPT_EXTENT_GLOBAL_BIT))) {
		pr_err("kvm-intel: this CPU's EPT lacks what we need (capabilities 0x%llx)\n", cap);
		return -EOPNOTSUPP;
	}
	f->ept_ad = cap & VMX_EPT_AD_BIT;
	f->ept_page_level = 1;
	if (cap & VMX_EPT_2MB_PAGE_BIT)
		f->ept_page_level = cap & VMX_EPT_1GB_PAGE_BIT ? 3 : 2;
	/* A fifth level costs a step in each walk: only where addresses need it. */
	f->ept_levels = cap & VMX_EPT_PAGE_WALK_5_BIT && boot_cpu_data.x86_phys_bits > 48 ? 5 : 4;
	f->invept_context = cap & VMX_EPT_EXTENT_CONTEXT_BIT;

	cap >>= 32;
	f->vpid = vpid && f->can.cpu2 & SECONDARY_EXEC_ENABLE_VPID && cap & VMX_VPID_INVVPID_BIT &&
		  cap & VMX_VPID_EXTENT_SINGLE_CONTEXT_BIT;
	f->invvpid_address = cap & VMX_VPID_EXTENT_INDIVIDUAL_ADDR_BIT;
	f->pml = pml && f->ept_ad && f->can.cpu2 & SECONDARY_EXEC_ENABLE_PML;
	return 0;
}

static void __init read_fixed_bits(void)
{
	struct vmx_features *f = &vmx_features;

	rdmsrl(MSR_IA32_VMX_CR0_FIXED0, f->cr0_fixed0);
	rdmsrl(MSR_IA32_VMX_CR0_FIXED1, f->cr0_fixed1);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED0, f->cr4_fixed0);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED1, f->cr4_fixed1);
	/* 23.8: PE and PG are the guest's own if it is unrestricted. */
	if (f->unrestricted)
		f->cr0_fixed0 &= ~(u64)(X86_CR0_PE | X86_CR0_PG);
}

/* L1TF: a guest can read what the host has left in the L1 data cache. */
static void __init choose_l1d_flush(void)
{
	u64 cap = 0;

	if (!boot_cpu_has_bug(X86_BUG_L1TF)) {
		l1tf_vmx_mitigation = VMENTER_L1D_FLUSH_NOT_REQUIRED;
		return;
	}
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl_safe(MSR_IA32_ARCH_CAPABILITIES, &cap);
	if (cap & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH) {
		l1tf_vmx_mitigation = VMENTER_L1D_FLUSH_NOT_REQUIRED;
	} else if (l1tf_mitigation == L1TF_MITIGATION_OFF) {
		l1tf_vmx_mitigation = VMENTER_L1D_FLUSH_NEVER;
	} else {
		l1tf_vmx_mitigation = VMENTER_L1D_FLUSH_ALWAYS;
		vmx_features.l1d_flush = true;
	}
}

/*
 * Unless told to do so, not without posted interrupts: every CPU made has both. Bochs (2.7) has
 * not, and tells a wrong event when an exit interrupts hardware's delivery: fix_vectoring().
 */
static void __init choose_apic_virt(void)
{
	struct vmx_features *f = &vmx_features;

	f->vectoring_stale = !(f->can.pin & PIN_BASED_POSTED_INTR);
	if (!apicv_given)
		enable_apicv = !f->vectoring_stale;
	if (!enable_apicv || !(f->can.cpu & CPU_BASED_TPR_SHADOW))
		return;
	f->xapic_virt = (f->can.cpu2 & VMX_XAPIC_VIRT) == VMX_XAPIC_VIRT;
	f->x2apic_virt = (f->can.cpu2 & VMX_X2APIC_VIRT) == VMX_X2APIC_VIRT;
}

/* Has the kernel a driver of this CPU's performance counters? That is settled when it boots. */
static bool __init host_counts(void)
{
	const struct perf_guest_switch_msr *msrs;
	int nr;

	preempt_disable();
	msrs = perf_guest_get_msrs(&nr, NULL);
	preempt_enable();
	return msrs;
}

/*
 * Specification updates of Nehalem, Westmere and Ivy Bridge: the timer does not count down at the
 * rate specified. A guest's ticks would be late.
 */
static bool __init timer_is_wrong(void)
{
	static const u32 signatures[] __initconst = { 0x106a0, 0x106a1, 0x106a4, 0x106a5, 0x106e5,
						      0x20652, 0x20655, 0x206e6, 0x306a8 };
	u32 signature = cpuid_eax(1);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(signatures); i++) {
		if (signature == signatures[i])
			return true;
	}
	return false;
}

static int __init read_features(void)
{
	struct vmx_features *f = &vmx_features;
	u64 basic, misc;
	int r;

	rdmsrl(MSR_IA32_VMX_BASIC, basic);
	f->revision = basic & GENMASK(30, 0);
	f->vmcs_bytes = basic >> 32 & GENMASK(12, 0);
	if (f->vmcs_bytes > PAGE_SIZE || BASIC_MEMORY_TYPE(basic) != MEMORY_TYPE_WB) {
		pr_err("kvm-intel: a VMCS of an unknown kind (IA32_VMX_BASIC 0x%llx)\n", basic);
		return -EOPNOTSUPP;
	}
	r = read_controls(basic);
	if (r)
		return r;
	r = read_ept();
	if (r)
		return r;
	f->unrestricted = unrestricted_guest && f->can.cpu2 & SECONDARY_EXEC_UNRESTRICTED_GUEST;
	choose_apic_virt();
	f->tsc_scaling = f->can.cpu2 & SECONDARY_EXEC_TSC_SCALING;
	f->preemption_timer = -1;
	if (preemption_timer && f->can.pin & PIN_BASED_VMX_PREEMPTION_TIMER &&
	    !check_tsc_unstable() && !timer_is_wrong()) {
		rdmsrl(MSR_IA32_VMX_MISC, misc);
		f->preemption_timer = misc & VMX_MISC_TIMER_SHIFT;
	}
	f->perf = host_counts();
	read_fixed_bits();
	choose_l1d_flush();
	return 0;
}

/* Given back by kvm_register_vendor() when that fails: nothing else may fail in between. */
static void __init reserve_slots(void)
{
	static const u32 user_msrs[VMX_NR_USER_MSRS] = { MSR_STAR, MSR_LSTAR, MSR_SYSCALL_MASK,
							 MSR_TSC_AUX };
	int i;

	for (i = 0; i < VMX_NR_USER_MSRS; i++)
		vmx_features.slots[i] = kvm_user_return_register(user_msrs[i]);
}

/* --- what is refused ------------------------------------------------------------------------- */

/* One clear line for each reason not to be here. */
static int __init check_host(void)
{
	u64 feat_ctl;

	if (!(cpuid_ecx(1) & BIT(5))) {
		pr_err("kvm-intel: this CPU has no VMX\n");
		return -EOPNOTSUPP;
	}
	/* The kernel takes the feature away where firmware has locked it off. */
	if (!boot_cpu_has(X86_FEATURE_VMX) || rdmsrl_safe(MSR_IA32_FEAT_CTL, &feat_ctl) ||
	    !(feat_ctl & FEAT_CTL_LOCKED) || !(feat_ctl & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)) {
		pr_err("kvm-intel: VMX is disabled by firmware (IA32_FEATURE_CONTROL)\n");
		return -EOPNOTSUPP;
	}
	if (!ept) {
		pr_err("kvm-intel: ept=0: shadow paging does not exist yet\n");
		return -EOPNOTSUPP;
	}
	if (nested) {
		pr_err("kvm-intel: nested=%d: VMX for guests does not exist yet\n", nested);
		return -EOPNOTSUPP;
	}
	return 0;
}

static void __init settle_parameters(void)
{
	/* Parameters show what is in use. */
	vpid = vmx_features.vpid;
	unrestricted_guest = vmx_features.unrestricted;
	enable_apicv = vmx_features.xapic_virt || vmx_features.x2apic_virt;
	preemption_timer = vmx_features.preemption_timer >= 0;
	pml = vmx_features.pml;
	if (!(vmx_features.can.cpu2 & SECONDARY_EXEC_PAUSE_LOOP_EXITING))
		vmx_ple_gap = 0;
}

static void __init describe(void)
{
	const struct vmx_features *f = &vmx_features;

	pr_info("kvm-intel: EPT of %u levels%s%s%s%s; LAPIC by %s%s%s%s%s\n", f->ept_levels,
		f->ept_ad ? " with accessed and dirty bits" : "", f->pml ? ", PML" : "",
		f->vpid ? ", VPID" : "",
		f->unrestricted ? ", unrestricted guest" : ", real mode emulated",
		enable_apicv ? "hardware, interrupts of others by kick, in" : "software",
		f->xapic_virt ? " xAPIC" : "", f->x2apic_virt ? " x2APIC mode" : "",
		f->preemption_timer >= 0 ? ", TSC deadline by preemption timer" : "",
		f->tsc_scaling ? ", TSC scaling" : "");
}

/* EFER bits that a guest may have here. */
static u64 __init efer_allowed(void)
{
	u64 efer = EFER_SCE | EFER_LME | EFER_LMA;

	if (boot_cpu_has(X86_FEATURE_NX))
		efer |= EFER_NX;
	return efer;
}

static void __init fill_caps(void)
{
	const struct vmx_features *f = &vmx_features;

	caps.hypercall_modrm = 0xc1; /* VMCALL */
	caps.next_rip = true;
	caps.tsc_scaling = f->tsc_scaling;
	caps.tsc_frac_bits = 48;
	caps.xapic_hw = f->xapic_virt;
	caps.x2apic_hw = f->x2apic_virt;
	caps.deadline = f->preemption_timer >= 0;
	caps.tsc_ratio_default = BIT_ULL(48);
	caps.tsc_ratio_max = ~0ULL;
	caps.trace_isa = KVM_ISA_VMX;
	caps.npt_format = f->ept_ad ? &pt_format_ept : &pt_format_ept_plain;
	caps.npt_levels = f->ept_levels;
	caps.pdpte_regs = true;
	caps.npt_max_page_level = f->ept_page_level;
	caps.nx_huge_pages = boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) && !cpu_mitigations_off();
	itlb_multihit_kvm_mitigation = caps.nx_huge_pages;
	caps.written_log = f->pml;
	caps.bus_lock_exit = f->can.cpu2 & SECONDARY_EXEC_BUS_LOCK_DETECTION;
	caps.notify_exit = f->can.cpu2 & SECONDARY_EXEC_NOTIFY_VM_EXITING;
	caps.nested = false;
	caps.amd_leaves = false;
	caps.efer_reserved = ~efer_allowed();
	caps.tsc_aux = f->slots[VMX_USER_TSC_AUX] >= 0 &&
		       f->can.cpu2 & SECONDARY_EXEC_ENABLE_RDTSCP;
	caps.spec_ctrl = boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL);
	caps.virt_ssbd = false;
	caps.mcg_cap = ~0ULL;
	caps.invpcid = f->can.cpu2 & SECONDARY_EXEC_ENABLE_INVPCID;
	caps.xsaves = f->can.cpu2 & VMX_CPU2_XSAVES;
}

static int __init vmx_init(void)
{
	int r;

	r = check_host();
	if (r)
		return r;
	r = read_features();
	if (r)
		return r;
	vmx_percpu_init();
	settle_parameters();
	r = vmx_l1d_alloc();
	if (r)
		return r;
	r = vmx_percpu_alloc();
	if (r)
		goto err_l1d;
	reserve_slots();
	fill_caps();
	r = kvm_register_vendor(&ops);
	if (r)
		goto err_percpu;
	describe();
	return 0;

err_percpu:
	vmx_percpu_free();
err_l1d:
	vmx_l1d_free();
	return r;
}
module_init(vmx_init);

static void __exit vmx_exit(void)
{
	kvm_unregister_vendor(&ops);
	vmx_percpu_free();
	vmx_l1d_free();
}
module_exit(vmx_exit);

static const struct x86_cpu_id __maybe_unused vmx_cpu_ids[] = { X86_MATCH_FEATURE(X86_FEATURE_VMX,
										  NULL),
								{} };
MODULE_DEVICE_TABLE(x86cpu, vmx_cpu_ids);

MODULE_AUTHOR("The guestmode project");
MODULE_DESCRIPTION("guestmode: a KVM driver, Intel VMX part");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(GUESTMODE);
