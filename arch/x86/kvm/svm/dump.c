// SPDX-License-Identifier: GPL-2.0-only
/* A VMCB in words, for the log, after VMRUN has refused it. */

#include <linux/printk.h>

#include "svm.h"

static const struct {
	u32 code;
	const char *name;
} exit_names[] = { SVM_EXIT_REASONS };

/**
 * svm_exit_name() - the name of an exit code, as tracepoints have it
 * @code: exit code
 */
const char *svm_exit_name(u32 code)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(exit_names); i++)
		if (exit_names[i].code == code)
			return exit_names[i].name;
	return "unknown";
}

static void dump_segment(const char *name, const struct vmcb_seg *s)
{
	pr_err("  %-4s selector 0x%04x attributes 0x%03x limit 0x%08x base 0x%llx\n", name,
	       s->selector, s->attrib, s->limit, s->base);
}

static void dump_control(const struct vmcb_control_area *c)
{
	pr_err("  intercepts: CR 0x%08x DR 0x%08x exceptions 0x%08x 0x%08x 0x%08x 0x%08x\n",
	       c->intercepts[INTERCEPT_CR], c->intercepts[INTERCEPT_DR],
	       c->intercepts[INTERCEPT_EXCEPTION], c->intercepts[INTERCEPT_WORD3],
	       c->intercepts[INTERCEPT_WORD4], c->intercepts[INTERCEPT_WORD5]);
	pr_err("  maps: I/O 0x%llx MSR 0x%llx; TSC offset 0x%llx\n", c->iopm_base_pa,
	       c->msrpm_base_pa, c->tsc_offset);
	pr_err("  ASID %u, TLB control %u, clean bits 0x%x\n", c->asid, c->tlb_ctl, c->clean);
	pr_err("  virtual interrupt control 0x%08x vector 0x%x, interrupt state 0x%x\n", c->int_ctl,
	       c->int_vector, c->int_state);
	pr_err("  nested paging: control 0x%llx root 0x%llx\n", c->nested_ctl, c->nested_cr3);
	pr_err("  exit: code 0x%x (%s) info 0x%llx 0x%llx, during delivery of 0x%08x error 0x%x\n",
	       c->exit_code, svm_exit_name(c->exit_code), c->exit_info_1, c->exit_info_2,
	       c->exit_int_info, c->exit_int_info_err);
	pr_err("  event to inject 0x%08x error 0x%x, next RIP 0x%llx\n", c->event_inj,
	       c->event_inj_err, c->next_rip);
}

static void dump_save(const struct vmcb_save_area *s)
{
	pr_err("  RIP 0x%llx RSP 0x%llx RFLAGS 0x%llx RAX 0x%llx CPL %u\n", s->rip, s->rsp,
	       s->rflags, s->rax, s->cpl);
	pr_err("  CR0 0x%llx CR2 0x%llx CR3 0x%llx CR4 0x%llx EFER 0x%llx\n", s->cr0, s->cr2,
	       s->cr3, s->cr4, s->efer);
	pr_err("  DR6 0x%llx DR7 0x%llx PAT 0x%llx DEBUGCTL 0x%llx\n", s->dr6, s->dr7, s->g_pat,
	       s->dbgctl);
	dump_segment("CS", &s->cs);
	dump_segment("SS", &s->ss);
	dump_segment("DS", &s->ds);
	dump_segment("ES", &s->es);
	dump_segment("FS", &s->fs);
	dump_segment("GS", &s->gs);
	dump_segment("LDTR", &s->ldtr);
	dump_segment("TR", &s->tr);
	dump_segment("GDTR", &s->gdtr);
	dump_segment("IDTR", &s->idtr);
	pr_err("  STAR 0x%llx LSTAR 0x%llx CSTAR 0x%llx SFMASK 0x%llx KernelGSBase 0x%llx\n",
	       s->star, s->lstar, s->cstar, s->sfmask, s->kernel_gs_base);
	pr_err("  SYSENTER CS 0x%llx ESP 0x%llx EIP 0x%llx\n", s->sysenter_cs, s->sysenter_esp,
	       s->sysenter_eip);
}

/**
 * svm_dump() - the VMCB to the kernel's log
 * @vcpu: the vCPU, loaded. A guest can bring this about: rate-limited.
 */
void svm_dump(struct kvm_vcpu *vcpu)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL, 2);
	const struct vmcb *vmcb = to_svm(vcpu)->vmcb;

	if (!__ratelimit(&limit))
		return;
	pr_err("kvm-amd: VMCB of vCPU %d, last on CPU %d:\n", vcpu->vcpu_id, vcpu->cpu);
	dump_control(&vmcb->control);
	dump_save(&vmcb->save);
}
