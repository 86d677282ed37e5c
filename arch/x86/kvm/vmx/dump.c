// SPDX-License-Identifier: GPL-2.0-only
/* A VMCS in words, for the log, after an entry has failed; VMX instructions that failed. */

#include <linux/printk.h>
#include <linux/ratelimit.h>

#include "vmx.h"

static const struct {
	u32 reason;
	const char *name;
} exit_names[] = { VMX_EXIT_REASONS };

/**
 * vmx_exit_name() - the name of an exit reason, as tracepoints have it
 * @reason: basic exit reason
 */
const char *vmx_exit_name(u32 reason)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(exit_names); i++)
		if (exit_names[i].reason == reason)
			return exit_names[i].name;
	return "unknown";
}

/**
 * vmx_insn_failed() - a VMX instruction failed: a bug of ours, or VMX was turned off (an emergency)
 * @insn: which
 * @operand: field or address
 */
noinline void vmx_insn_failed(const char *insn, u64 operand)
{
	/* VM_INSTRUCTION_ERROR is read by VMREAD: not where that is what fails. */
	pr_err_ratelimited("kvm-intel: %s of 0x%llx failed on CPU %d\n", insn, operand,
			   raw_smp_processor_id());
}

static void dump_segment(const char *name, enum vmx_seg n)
{
	pr_err("  %-4s selector 0x%04llx rights 0x%05llx limit 0x%08llx base 0x%llx\n", name,
	       vmcs_read(VMX_SEG_SELECTOR(n)), vmcs_read(VMX_SEG_RIGHTS(n)),
	       vmcs_read(VMX_SEG_LIMIT(n)), vmcs_read(VMX_SEG_BASE(n)));
}

static void dump_guest(struct kvm_vcpu *vcpu)
{
	pr_err("  RIP 0x%llx RSP 0x%llx RFLAGS 0x%llx\n", vmcs_read(GUEST_RIP),
	       vmcs_read(GUEST_RSP), vmcs_read(GUEST_RFLAGS));
	pr_err("  CR0 0x%llx (shadow 0x%llx) CR3 0x%llx CR4 0x%llx (shadow 0x%llx) EFER 0x%llx\n",
	       vmcs_read(GUEST_CR0), vmcs_read(CR0_READ_SHADOW), vmcs_read(GUEST_CR3),
	       vmcs_read(GUEST_CR4), vmcs_read(CR4_READ_SHADOW), vmcs_read(GUEST_IA32_EFER));
	pr_err("  PDPTEs 0x%llx 0x%llx 0x%llx 0x%llx\n", vmcs_read(GUEST_PDPTR0),
	       vmcs_read(GUEST_PDPTR1), vmcs_read(GUEST_PDPTR2), vmcs_read(GUEST_PDPTR3));
	pr_err("  DR7 0x%llx DEBUGCTL 0x%llx PAT 0x%llx\n", vmcs_read(GUEST_DR7),
	       vmcs_read(GUEST_IA32_DEBUGCTL), vmcs_read(GUEST_IA32_PAT));
	pr_err("  interruptibility 0x%llx activity %llu pending debug exceptions 0x%llx\n",
	       vmcs_read(GUEST_INTERRUPTIBILITY_INFO), vmcs_read(GUEST_ACTIVITY_STATE),
	       vmcs_read(GUEST_PENDING_DBG_EXCEPTIONS));
	dump_segment("CS", VMX_CS);
	dump_segment("SS", VMX_SS);
	dump_segment("DS", VMX_DS);
	dump_segment("ES", VMX_ES);
	dump_segment("FS", VMX_FS);
	dump_segment("GS", VMX_GS);
	dump_segment("LDTR", VMX_LDTR);
	dump_segment("TR", VMX_TR);
	pr_err("  GDTR limit 0x%llx base 0x%llx, IDTR limit 0x%llx base 0x%llx\n",
	       vmcs_read(GUEST_GDTR_LIMIT), vmcs_read(GUEST_GDTR_BASE), vmcs_read(GUEST_IDTR_LIMIT),
	       vmcs_read(GUEST_IDTR_BASE));
	pr_err("  SYSENTER CS 0x%llx ESP 0x%llx EIP 0x%llx\n", vmcs_read(GUEST_SYSENTER_CS),
	       vmcs_read(GUEST_SYSENTER_ESP), vmcs_read(GUEST_SYSENTER_EIP));
}

static void dump_host(void)
{
	pr_err("host:\n");
	pr_err("  RIP 0x%llx RSP 0x%llx CR0 0x%llx CR3 0x%llx CR4 0x%llx EFER 0x%llx PAT 0x%llx\n",
	       vmcs_read(HOST_RIP), vmcs_read(HOST_RSP), vmcs_read(HOST_CR0), vmcs_read(HOST_CR3),
	       vmcs_read(HOST_CR4), vmcs_read(HOST_IA32_EFER), vmcs_read(HOST_IA32_PAT));
	pr_err("  selectors CS 0x%llx SS 0x%llx DS 0x%llx ES 0x%llx FS 0x%llx GS 0x%llx TR 0x%llx\n",
	       vmcs_read(HOST_CS_SELECTOR), vmcs_read(HOST_SS_SELECTOR),
	       vmcs_read(HOST_DS_SELECTOR), vmcs_read(HOST_ES_SELECTOR),
	       vmcs_read(HOST_FS_SELECTOR), vmcs_read(HOST_GS_SELECTOR),
	       vmcs_read(HOST_TR_SELECTOR));
	pr_err("  bases FS 0x%llx GS 0x%llx TR 0x%llx GDTR 0x%llx IDTR 0x%llx\n",
	       vmcs_read(HOST_FS_BASE), vmcs_read(HOST_GS_BASE), vmcs_read(HOST_TR_BASE),
	       vmcs_read(HOST_GDTR_BASE), vmcs_read(HOST_IDTR_BASE));
	pr_err("  SYSENTER CS 0x%llx ESP 0x%llx EIP 0x%llx\n", vmcs_read(HOST_IA32_SYSENTER_CS),
	       vmcs_read(HOST_IA32_SYSENTER_ESP), vmcs_read(HOST_IA32_SYSENTER_EIP));
}

static void dump_controls(struct vcpu_vmx *vmx)
{
	pr_err("controls:\n");
	pr_err("  pin 0x%llx CPU 0x%llx secondary 0x%llx exit 0x%llx entry 0x%llx\n",
	       vmcs_read(PIN_BASED_VM_EXEC_CONTROL), vmcs_read(CPU_BASED_VM_EXEC_CONTROL),
	       vmcs_read(SECONDARY_VM_EXEC_CONTROL), vmcs_read(VM_EXIT_CONTROLS),
	       vmcs_read(VM_ENTRY_CONTROLS));
	pr_err("  exceptions 0x%llx EPT 0x%llx VPID %u MSR bitmap 0x%llx TSC offset 0x%llx\n",
	       vmcs_read(EXCEPTION_BITMAP), vmcs_read(EPT_POINTER), vmx->vpid,
	       vmcs_read(MSR_BITMAP), vmcs_read(TSC_OFFSET));
	if (vmx->controls.cpu & CPU_BASED_TPR_SHADOW)
		pr_err("  virtual APIC page 0x%llx TPR 0x%x threshold %llu\n",
		       vmcs_read(VIRTUAL_APIC_PAGE_ADDR), vmx->tpr, vmcs_read(TPR_THRESHOLD));
	pr_err("  event to inject 0x%llx error 0x%llx length %llu\n",
	       vmcs_read(VM_ENTRY_INTR_INFO_FIELD), vmcs_read(VM_ENTRY_EXCEPTION_ERROR_CODE),
	       vmcs_read(VM_ENTRY_INSTRUCTION_LEN));
}

/**
 * vmx_dump() - the VMCS to the kernel's log
 * @vcpu: the vCPU, loaded. A guest can bring this about: rate-limited.
 */
void vmx_dump(struct kvm_vcpu *vcpu)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL, 2);
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	if (!__ratelimit(&limit))
		return;
	if (vcpu->exit.reason & VMX_EXIT_REASONS_FAILED_VMENTRY)
		pr_err("kvm-intel: entry of vCPU %d failed: reason 0x%llx (%s), qualification 0x%llx\n",
		       vcpu->vcpu_id, vcpu->exit.reason, vmx_exit_name(vmx_exit_basic(vcpu)),
		       vmcs_read(EXIT_QUALIFICATION));
	else
		pr_err("kvm-intel: entry of vCPU %d failed: instruction error %llu\n",
		       vcpu->vcpu_id, vcpu->exit.reason);
	pr_err("VMCS, last on CPU %d; guest:\n", vcpu->cpu);
	dump_guest(vcpu);
	dump_host();
	dump_controls(vmx);
}
