// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's state around guest mode (SDM vol. 3, 24.5 and 27.5): what VM exits load from the VMCS,
 * and what they leave behind and is put right when the vCPU leaves the CPU.
 */

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/perf_event.h>
#include <asm/cpu_entry_area.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/mmu_context.h>
#include <asm/msr.h>
#include <asm/perf_event.h>
#include <asm/segment.h>
#include <asm/tlbflush.h>

#include "vmx.h"

/**
 * vmx_host_constant() - host fields that are the same on all CPUs, at all times
 * @vmx: the vCPU, loaded, its VMCS new
 */
void vmx_host_constant(struct vcpu_vmx *vmx)
{
	u64 value;
	u32 low;

	vmcs_write(HOST_CR0, read_cr0() & ~X86_CR0_TS);
	vmcs_write(HOST_CS_SELECTOR, __KERNEL_CS);
	vmcs_write(HOST_SS_SELECTOR, __KERNEL_DS);
	vmcs_write(HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);
	/* Entry checks want no user selector here: those come back in vmx_host_put(). */
	vmcs_write(HOST_DS_SELECTOR, 0);
	vmcs_write(HOST_ES_SELECTOR, 0);
	vmcs_write(HOST_FS_SELECTOR, 0);
	vmcs_write(HOST_GS_SELECTOR, 0);

	rdmsrl(MSR_EFER, value);
	vmcs_write(HOST_IA32_EFER, value);
	rdmsrl(MSR_IA32_CR_PAT, value);
	vmcs_write(HOST_IA32_PAT, value);
	rdmsr(MSR_IA32_SYSENTER_CS, low, value);
	vmcs_write(HOST_IA32_SYSENTER_CS, low);
	rdmsrl(MSR_IA32_SYSENTER_EIP, value);
	vmcs_write(HOST_IA32_SYSENTER_EIP, value);
	vmcs_write(HOST_RIP, (unsigned long)vmx_exit_point);

	/* Nothing is known of these: the first comparison must fail. */
	vmx->host.vmcs_cr3 = ~0ULL;
	vmx->host.vmcs_cr4 = ~0ULL;
	vmx->host.vmcs_fs_base = BIT_ULL(63); /* not canonical, and so nobody's */
	vmx->entry.host_rsp = 0;
}

/**
 * vmx_host_cpu() - host fields that each CPU has its own of
 * @vmx: the vCPU
 *
 * Context: preemption off, the vCPU's VMCS current; it has come to this CPU.
 */
void vmx_host_cpu(struct vcpu_vmx *vmx)
{
	struct desc_ptr idt;
	int cpu = smp_processor_id();
	u64 value;

	vmcs_write(HOST_TR_BASE, (unsigned long)&get_cpu_entry_area(cpu)->tss.x86_tss);
	vmx->host.gdt.address = (unsigned long)get_current_gdt_ro();
	vmx->host.gdt.size = GDT_SIZE - 1;
	vmcs_write(HOST_GDTR_BASE, vmx->host.gdt.address);
	store_idt(&idt);
	vmcs_write(HOST_IDTR_BASE, idt.address);
	rdmsrl(MSR_GS_BASE, value);
	vmcs_write(HOST_GS_BASE, value);
	rdmsrl(MSR_IA32_SYSENTER_ESP, value);
	vmcs_write(HOST_IA32_SYSENTER_ESP, value);
}

/*
 * The thread's own GS base, while the kernel's is in use. Nothing may come in between that needs
 * per-CPU data, but for NMIs and machine checks, which look which one is there. Irqs off.
 */
static noinstr u64 user_gs_base(void)
{
	u64 base;

	asm volatile("swapgs\n\trdgsbase %0\n\tswapgs" : "=r"(base) : : "memory");
	return base;
}

/**
 * vmx_host_save() - the thread's own state: once per load, since only the thread changes it
 * @vmx: the vCPU
 *
 * MSRs by the instruction itself, here and in vmx_host_put(): no VMX below a hypervisor that would
 * have them go through its own calls, which cost ten times as much.
 * Context: irqs off, before an entry.
 */
void vmx_host_save(struct vcpu_vmx *vmx)
{
	struct vmx_host *h = &vmx->host;

	savesegment(fs, h->fs);
	savesegment(gs, h->gs);
	savesegment(ds, h->ds);
	savesegment(es, h->es);
	h->fs_base = x86_fsbase_read_cpu();
	if (static_cpu_has(X86_FEATURE_FSGSBASE))
		h->kernel_gs_base = user_gs_base();
	else
		h->kernel_gs_base = __rdmsr(MSR_KERNEL_GS_BASE);
	if (h->fs_base != h->vmcs_fs_base) {
		vmcs_write(HOST_FS_BASE, h->fs_base);
		h->vmcs_fs_base = h->fs_base;
	}
	native_wrmsrl(MSR_KERNEL_GS_BASE, vmx->kernel_gs_base);
	h->debugctl = __rdmsr(MSR_IA32_DEBUGCTLMSR);
	h->ldt_used = false;
	h->saved = true;
}

/**
 * vmx_host_perf() - counters of the host's stop where they may not count, or not write, in guest
 * mode
 * @vmx: the vCPU
 *
 * PEBS would write its records through the guest's page tables. Context: irqs off, before an entry.
 */
void vmx_host_perf(struct vcpu_vmx *vmx)
{
	struct vmx_autoload *a = vmx->autoload;
	const struct perf_guest_switch_msr *msrs;
	u32 n = 0;
	int i, nr;

	/* perf changes it by IPI and NMI, say for the records of branches; exits clear it. */
	vmx->host.debugctl = __rdmsr(MSR_IA32_DEBUGCTLMSR);
	msrs = perf_guest_get_msrs(&nr, NULL);
	for (i = 0; msrs && i < nr && n < VMX_MAX_AUTOLOAD; i++) {
		if (msrs[i].guest == msrs[i].host)
			continue;
		a->guest[n] = (struct vmx_msr_entry){ .index = msrs[i].msr,
						      .value = msrs[i].guest };
		a->host[n] = (struct vmx_msr_entry){ .index = msrs[i].msr, .value = msrs[i].host };
		n++;
		/* The entry's list gives no time for records under way to be written (18.4.4.4). */
		if (msrs[i].msr == MSR_IA32_PEBS_ENABLE)
			native_wrmsrl(MSR_IA32_PEBS_ENABLE, 0);
	}
	if (likely(n == vmx->nr_autoload))
		return;
	vmcs_write(VM_ENTRY_MSR_LOAD_COUNT, n);
	vmcs_write(VM_EXIT_MSR_LOAD_COUNT, n);
	vmx->nr_autoload = n;
}

/**
 * vmx_host_perf_back() - the host's counters again, behind an entry that did not take place
 * @vmx: the vCPU
 *
 * All other exits do it by themselves. Context: irqs off.
 */
void vmx_host_perf_back(struct vcpu_vmx *vmx)
{
	const struct vmx_msr_entry *host = vmx->autoload->host;
	u32 i;

	for (i = 0; i < vmx->nr_autoload; i++)
		native_wrmsrl(host[i].index, host[i].value);
}

/**
 * vmx_host_put() - the thread leaves guest business: the rest of the host's state comes back
 * @vmx: the vCPU
 *
 * Context: preemption off.
 */
void vmx_host_put(struct vcpu_vmx *vmx)
{
	struct vmx_host *h = &vmx->host;

	if (!h->saved)
		return;
	h->saved = false;
	vmx->kernel_gs_base = __rdmsr(MSR_KERNEL_GS_BASE);
	/* Selectors when not null; loading one of FS or GS also loads its base. */
	if (unlikely(h->ldt_used))
		asm volatile("lldt %0" : : "rm"(h->ldt));
	if (unlikely(h->gs))
		load_gs_index(h->gs);
	if (unlikely(h->fs)) {
		loadsegment(fs, h->fs);
		wrmsrl(MSR_FS_BASE, h->fs_base);
	}
	if (unlikely(h->ds))
		loadsegment(ds, h->ds);
	if (unlikely(h->es))
		loadsegment(es, h->es);
	native_wrmsrl(MSR_KERNEL_GS_BASE, h->kernel_gs_base);
	/* A VM exit sets the limits of GDTR to 0xffff and of the TSS to 0x67 (27.5.2). */
	native_load_gdt(&h->gdt);
	invalidate_tss_limit();
}

/* --- L1TF ------------------------------------------------------------------------------------ */

/* More than any affected CPU's L1 data cache: read through, nothing of the host's is left in it. */
#define L1D_ORDER 4
#define L1D_BYTES (PAGE_SIZE << L1D_ORDER)
static void *l1d_sweep;

/**
 * vmx_l1d_alloc() - memory for vmx_flush_l1d(), where the CPU has no command for it
 * Return: 0 or -ENOMEM.
 */
int vmx_l1d_alloc(void)
{
	struct page *page;

	if (!vmx_features.l1d_flush || boot_cpu_has(X86_FEATURE_FLUSH_L1D))
		return 0;
	page = alloc_pages(GFP_KERNEL, L1D_ORDER);
	if (!page)
		return -ENOMEM;
	l1d_sweep = page_address(page);
	/* Not all alike: the pages of a guest's, if merged, would be in the cache again. */
	memset(l1d_sweep, 0x5a, L1D_BYTES);
	return 0;
}

void vmx_l1d_free(void)
{
	free_pages((unsigned long)l1d_sweep, L1D_ORDER);
	l1d_sweep = NULL;
}

/**
 * vmx_flush_l1d() - nothing of the host's stays in the L1 data cache
 *
 * Context: irqs off, right before an entry: noinstr.
 */
noinstr void vmx_flush_l1d(void)
{
	unsigned long offset = 0;
	char byte;

	if (static_cpu_has(X86_FEATURE_FLUSH_L1D)) {
		__wrmsr(MSR_IA32_FLUSH_CMD, L1D_FLUSH, 0);
		return;
	}
	/* First a load from each page, for the TLB; then each line, in order. */
	for (; offset < L1D_BYTES; offset += PAGE_SIZE)
		asm volatile("movb (%1,%2), %0" : "=q"(byte) : "r"(l1d_sweep), "r"(offset));
	asm volatile("lfence" : : : "memory");
	for (offset = 0; offset < L1D_BYTES; offset += 64)
		asm volatile("movb (%1,%2), %0" : "=q"(byte) : "r"(l1d_sweep), "r"(offset));
	asm volatile("lfence" : : : "memory");
}
