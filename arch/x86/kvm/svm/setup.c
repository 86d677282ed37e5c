// SPDX-License-Identifier: GPL-2.0-only
/* Module init of kvm-amd: what the CPU offers, what is refused, registration. */

#include <linux/cc_platform.h>
#include <linux/gfp.h>
#include <linux/mem_encrypt.h>
#include <linux/mm.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/pgtable.h>
#include <asm/cpu_device_id.h>
#include <asm/cpufeature.h>
#include <asm/mce.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "mmu/format.h"
#include "user_return.h"
#include "svm.h"

static bool npt = true;
module_param(npt, bool, 0444);
MODULE_PARM_DESC(npt, "nested paging (there is no other mode yet: npt=0 refuses to load)");

static int nested;
module_param(nested, int, 0444);
MODULE_PARM_DESC(nested, "SVM for guests (not there yet: nested=1 refuses to load)");

struct svm_features svm_features __ro_after_init;
u64 svm_iopm_pa __ro_after_init;

/*
 * 64 Ki ports, and one more byte for accesses beyond the last: 12 KiB, from pages of two to a
 * power.
 */
#define IOPM_BYTES (3 * PAGE_SIZE)
#define IOPM_ORDER 2
static struct page *iopm;

static struct kvm_vendor_caps caps __ro_after_init;

static const struct kvm_vendor_ops ops = {
	.version = KVM_VENDOR_VERSION,
	.size = sizeof(struct kvm_vendor_ops),
	.name = "kvm-amd",
	.owner = THIS_MODULE,
	.vcpu_size = sizeof(struct vcpu_svm),
	.caps = &caps,
#define X(ret, name, args) .name = svm_##name,
	KVM_VENDOR_OPS(X)
#undef X
};

/* One clear line for each reason not to be here. */
static int __init check_host(void)
{
	u64 vm_cr;

	if (cpuid_eax(0x80000000) < SVM_CPUID_FUNC || !boot_cpu_has(X86_FEATURE_SVM)) {
		pr_err("kvm-amd: this CPU has no SVM\n");
		return -EOPNOTSUPP;
	}
	if (cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT)) {
		pr_err("kvm-amd: this host is itself an SEV guest: it can't run guests\n");
		return -EOPNOTSUPP;
	}
	/* VM_CR.SVMDIS: EFER.SVME could not be set. */
	if (!rdmsrl_safe(MSR_VM_CR, &vm_cr) && (vm_cr & BIT_ULL(4))) {
		pr_err("kvm-amd: SVM is disabled by firmware (VM_CR.SVMDIS)\n");
		return -EOPNOTSUPP;
	}
	if (!npt) {
		pr_err("kvm-amd: npt=0: shadow paging does not exist yet\n");
		return -EOPNOTSUPP;
	}
	if (!boot_cpu_has(X86_FEATURE_NPT)) {
		pr_err("kvm-amd: no nested paging here, and shadow paging does not exist yet\n");
		return -EOPNOTSUPP;
	}
	if (nested) {
		pr_err("kvm-amd: nested=%d: SVM for guests does not exist yet\n", nested);
		return -EOPNOTSUPP;
	}
	if (cpuid_ebx(SVM_CPUID_FUNC) < 2) {
		pr_err("kvm-amd: this CPU has no ASID for guests\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

/*
 * CPUID 0x8000000A, as the kernel has it: what was disabled on its command line stays disabled
 * here.
 */
static void __init read_features(void)
{
	struct svm_features *f = &svm_features;

	f->nr_asids = cpuid_ebx(SVM_CPUID_FUNC);
	f->clean = boot_cpu_has(X86_FEATURE_VMCBCLEAN) ? SVM_CLEAN_ALL : 0;
	f->next_rip = boot_cpu_has(X86_FEATURE_NRIPS);
	f->decode_assists = boot_cpu_has(X86_FEATURE_DECODEASSISTS);
	f->flush_by_asid = boot_cpu_has(X86_FEATURE_FLUSHBYASID);
	f->tsc_scaling = boot_cpu_has(X86_FEATURE_TSCRATEMSR);
	f->pause_filter = boot_cpu_has(X86_FEATURE_PAUSEFILTER);
	f->pause_threshold = boot_cpu_has(X86_FEATURE_PFTHRESHOLD);
	f->v_spec_ctrl = boot_cpu_has(X86_FEATURE_V_SPEC_CTRL);
	f->ssbd_msr = boot_cpu_has(X86_FEATURE_LS_CFG_SSBD) || boot_cpu_has(X86_FEATURE_VIRT_SSBD);
	f->tsc_aux_slot = kvm_user_return_register(MSR_TSC_AUX);
}

/* EFER bits that a guest may have here. */
static u64 __init efer_allowed(void)
{
	u64 efer = EFER_SCE | EFER_LME | EFER_LMA;

	if (boot_cpu_has(X86_FEATURE_NX))
		efer |= EFER_NX;
	if (boot_cpu_has(X86_FEATURE_FXSR_OPT))
		efer |= EFER_FFXSR;
	if (boot_cpu_has(X86_FEATURE_AUTOIBRS))
		efer |= EFER_AUTOIBRS;
	return efer;
}

static void __init fill_caps(void)
{
	caps.hypercall_modrm = 0xd9; /* VMMCALL */
	caps.next_rip = svm_features.next_rip;
	caps.tsc_scaling = svm_features.tsc_scaling;
	caps.tsc_frac_bits = 32;
	caps.tsc_ratio_default = SVM_TSC_RATIO_DEFAULT;
	caps.tsc_ratio_max = SVM_TSC_RATIO_MAX;
	/* Nested tables have as many levels as the host's own. */
	caps.trace_isa = KVM_ISA_SVM;
	caps.npt_format = &pt_format_npt;
	caps.npt_levels = pgtable_l5_enabled() ? 5 : 4;
	caps.npt_max_page_level = boot_cpu_has(X86_FEATURE_GBPAGES) ? 3 : 2;
	caps.nested = false;
	caps.amd_leaves = true;
	caps.efer_reserved = ~efer_allowed();
	caps.tsc_aux = svm_features.tsc_aux_slot >= 0;
	caps.invpcid = true;
	caps.xsaves = true;
	caps.spec_ctrl = boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL);
	caps.mcg_cap = MCG_BANKCNT_MASK | MCG_CTL_P; /* APM vol. 2, 9.3.2.1 */
	caps.virt_ssbd = svm_features.ssbd_msr;
}

/* All ones: each port exits. Shared by all vCPUs. */
static int __init alloc_iopm(void)
{
	iopm = alloc_pages(GFP_KERNEL, IOPM_ORDER);
	if (!iopm)
		return -ENOMEM;
	memset(page_address(iopm), 0xff, IOPM_BYTES);
	svm_iopm_pa = __sme_pa(page_address(iopm));
	return 0;
}

static int __init svm_init(void)
{
	int r;

	r = check_host();
	if (r)
		return r;
	read_features();
	fill_caps();
	r = alloc_iopm();
	if (r)
		return r;
	r = svm_percpu_alloc();
	if (r)
		goto err_iopm;
	r = kvm_register_vendor(&ops);
	if (r)
		goto err_percpu;
	return 0;

err_percpu:
	svm_percpu_free();
err_iopm:
	__free_pages(iopm, IOPM_ORDER);
	return r;
}
module_init(svm_init);

static void __exit svm_exit(void)
{
	kvm_unregister_vendor(&ops);
	svm_percpu_free();
	__free_pages(iopm, IOPM_ORDER);
}
module_exit(svm_exit);

static const struct x86_cpu_id __maybe_unused svm_cpu_ids[] = {
	X86_MATCH_FEATURE(X86_FEATURE_SVM, NULL),
	{}
};
MODULE_DEVICE_TABLE(x86cpu, svm_cpu_ids);

MODULE_AUTHOR("The guestmode project");
MODULE_DESCRIPTION("guestmode: a KVM driver, AMD SVM part");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(GUESTMODE);
