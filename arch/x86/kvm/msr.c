// SPDX-License-Identifier: GPL-2.0-only
/*
 * Access to MSRs: by the guest (exits), by the emulator, by ioctl; the lists of those that exist.
 */

#include <linux/export.h>
#include <linux/moduleparam.h>
#include <linux/ratelimit.h>
#include <asm/apicdef.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>

#include "access.h"
#include "cr.h"
#include "event.h"
#include "exit.h"
#include "guest_time.h"
#include "ioctl.h"
#include "msr_filter.h"
#include "msr_table.h"
#include "trace.h"

static bool ignore_msrs;
module_param(ignore_msrs, bool, 0644);
MODULE_PARM_DESC(ignore_msrs, "unknown MSRs read as 0 and swallow writes, in place of #GP");

static bool report_ignored_msrs = true;
module_param(report_ignored_msrs, bool, 0644);
MODULE_PARM_DESC(report_ignored_msrs, "log accesses that ignore_msrs lets through");

#define MAX_IO_MSRS 256 /* KVM_GET_MSRS, KVM_SET_MSRS: fewer than that */
#define MAX_INDICES 256

static u32 save_index[MAX_INDICES], nr_save;
static u32 feature_index[MAX_INDICES], nr_feature;

#define MISC_ENABLE_RESET                                                                          \
	(MSR_IA32_MISC_ENABLE_FAST_STRING | MSR_IA32_MISC_ENABLE_BTS_UNAVAIL |                     \
	 MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL)
#define PAT_RESET 0x0007040600070406ULL /* SDM vol. 3, 12.12.4 */
#define HWCR_TSC_FREQ_SEL BIT_ULL(24)

/* --- finding --------------------------------------------------------------------------------- */

static const struct msr_row *msr_find(u32 index)
{
	u32 lo = 0, hi = msr_nr_rows, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (index > msr_rows[mid].last)
			lo = mid + 1;
		else if (index < msr_rows[mid].first)
			hi = mid;
		else
			return &msr_rows[mid];
	}
	return NULL;
}

/*
 * The LAPIC's, among them the most frequent writes of all: EOI, ICR, initial count, TSC deadline.
 */
static __always_inline bool is_lapic_msr(u32 index)
{
	return index - APIC_BASE_MSR < 0x100 || index == MSR_IA32_TSC_DEADLINE ||
	       index == MSR_IA32_APICBASE;
}

/* Without an in-kernel LAPIC userspace has it, and only the base is a register of the CPU. */
static noinline int apic_base_access(struct kvm_vcpu *vcpu, u32 index, u64 *value, bool host,
				     bool write)
{
	const u64 valid = GENMASK_ULL(vcpu->cpuid.maxphyaddr - 1, 12) | MSR_IA32_APICBASE_ENABLE |
			  MSR_IA32_APICBASE_BSP;

	if (index != MSR_IA32_APICBASE)
		return host ? -ENOENT : -EINVAL;
	if (!write) {
		*value = vcpu->msr.apic_base;
		return 0;
	}
	if (*value & ~valid)
		return -EINVAL;
	vcpu->msr.apic_base = *value;
	kvm_cpuid_refresh(vcpu);
	return 0;
}

static bool in_list(const u32 *list, u32 nr, u32 index)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (list[i] == index)
			return true;
	return false;
}

/* Nobody knows this MSR. */
static noinline int unknown_msr(u32 index, u64 *value, bool host, bool write)
{
	const char *name = write ? "wrmsr" : "rdmsr";

	/*
	 * A VMM may read and restore all that the list shows, whatever CPUID it gave to this guest,
	 * as long as it restores nothing.
	 */
	if (host && (!write || !*value) && in_list(save_index, nr_save, index)) {
		*value = 0;
		return 0;
	}
	if (!READ_ONCE(ignore_msrs)) {
		pr_debug_ratelimited("kvm: unknown %s 0x%x\n", name, index);
		return -ENOENT;
	}
	if (READ_ONCE(report_ignored_msrs))
		pr_info_ratelimited("kvm: ignored %s 0x%x data 0x%llx\n", name, index,
				    write ? *value : 0);
	if (!write)
		*value = 0;
	return 0;
}

/* Is it there for this guest, or at all? 0, -EINVAL (the guest's CPUID lacks it), -ENOENT */
static int check_features(struct kvm_vcpu *vcpu, const struct msr_row *row, bool host)
{
	if (!row->features)
		return 0;
	if (host)
		return kvm_host_features & row->features ? 0 : -ENOENT;
	return vcpu->cpuid.features & row->features ? 0 : -EINVAL;
}

static int row_read(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	int r = check_features(vcpu, a->row, a->host);

	if (r)
		return r;
	return a->row->get ? a->row->get(vcpu, a) : -EINVAL;
}

static int row_write(struct kvm_vcpu *vcpu, struct msr_access *a)
{
	const struct msr_row *row = a->row;
	int r = check_features(vcpu, row, a->host);

	if (r)
		return r;
	if (!row->set || ((row->flags & MSR_HOST_WRITE) && !a->host))
		return -EINVAL;
	if ((row->flags & MSR_CANONICAL) && kvm_canonical_msr(a->value) != a->value)
		return -EINVAL;
	return row->set(vcpu, a);
}

/**
 * kvm_msr_read() - read an MSR
 * @vcpu: the vCPU, loaded
 * @index: the MSR
 * @value: out; 0 after a failure
 * @host: by ioctl, not by the guest
 *
 * Context: srcu held, may sleep. Return: 0; -EINVAL or -ENOENT (unknown): #GP.
 */
int kvm_msr_read(struct kvm_vcpu *vcpu, u32 index, u64 *value, bool host)
{
	struct msr_access a = { .index = index, .host = host };
	int r;

	if (is_lapic_msr(index)) {
		r = vcpu->lapic ? lapic_msr_read(vcpu, index, &a.value, host) :
				  apic_base_access(vcpu, index, &a.value, host, false);
	} else {
		a.row = msr_find(index);
		r = a.row ? row_read(vcpu, &a) : vendor_call(get_msr, vcpu, index, &a.value);
	}
	if (unlikely(r == -ENOENT))
		r = unknown_msr(index, &a.value, host, false);
	*value = r ? 0 : a.value;
	return r;
}
EXPORT_SYMBOL_NS_GPL(kvm_msr_read, GUESTMODE);

/**
 * kvm_msr_write() - write an MSR
 * @vcpu: the vCPU, loaded
 * @index: the MSR
 * @value: new value
 * @host: by ioctl, not by the guest
 *
 * Context: srcu held, may sleep. Return: 0; -EINVAL or -ENOENT (unknown): #GP.
 */
int kvm_msr_write(struct kvm_vcpu *vcpu, u32 index, u64 value, bool host)
{
	struct msr_access a = { .index = index, .host = host, .value = value };
	int r;

	if (is_lapic_msr(index)) {
		if (likely(vcpu->lapic))
			return lapic_msr_write(vcpu, index, value, host);
		r = apic_base_access(vcpu, index, &a.value, host, true);
	} else {
		a.row = msr_find(index);
		r = a.row ? row_write(vcpu, &a) : vendor_call(set_msr, vcpu, index, value, host);
	}
	if (unlikely(r == -ENOENT))
		r = unknown_msr(index, &value, host, true);
	return r;
}
EXPORT_SYMBOL_NS_GPL(kvm_msr_write, GUESTMODE);

/* --- exits ----------------------------------------------------------------------------------- */

static enum kvm_exit_action finish_rdmsr(struct kvm_vcpu *vcpu, u64 value)
{
	vcpu->regs.val[KVM_REG_RAX] = (u32)value;
	vcpu->regs.val[KVM_REG_RDX] = value >> 32;
	return exit_skip(vcpu);
}

/* Userspace has answered an access that was put to it; RIP is still on the instruction. */
static enum kvm_exit_action complete_rdmsr(struct kvm_vcpu *vcpu)
{
	if (READ_ONCE(vcpu->run->msr.error)) {
		kvm_inject_gp(vcpu);
		return KVM_RESUME;
	}
	return finish_rdmsr(vcpu, READ_ONCE(vcpu->run->msr.data));
}

static enum kvm_exit_action complete_wrmsr(struct kvm_vcpu *vcpu)
{
	if (READ_ONCE(vcpu->run->msr.error)) {
		kvm_inject_gp(vcpu);
		return KVM_RESUME;
	}
	return exit_skip(vcpu);
}

/**
 * kvm_msr_ask_user() - an access of the guest failed: does userspace want to answer it?
 * @vcpu: the vCPU
 * @exit: KVM_EXIT_X86_RDMSR or KVM_EXIT_X86_WRMSR
 * @index: the MSR
 * @data: the value that was to be written
 * @error: why: -EPERM (filtered), -ENOENT (unknown), -EINVAL
 *
 * Return: true: vcpu->run is filled in, and the caller sets vcpu->io.complete; false: it is #GP.
 */
bool kvm_msr_ask_user(struct kvm_vcpu *vcpu, u32 exit, u32 index, u64 data, int error)
{
	struct kvm_run *run = vcpu->run;
	u32 reason;

	if (error == -EPERM)
		reason = KVM_MSR_EXIT_REASON_FILTER;
	else
		reason = error == -ENOENT ? KVM_MSR_EXIT_REASON_UNKNOWN : KVM_MSR_EXIT_REASON_INVAL;
	if (!(READ_ONCE(vcpu->kvm->caps.user_space_msr) & reason))
		return false;
	run->exit_reason = exit;
	run->msr.error = 0;
	memset(run->msr.pad, 0, sizeof(run->msr.pad));
	run->msr.reason = reason;
	run->msr.index = index;
	run->msr.data = data;
	return true;
}

static noinline enum kvm_exit_action failed_access(struct kvm_vcpu *vcpu, u32 exit, u32 index,
						   u64 data, int error)
{
	if (!kvm_msr_ask_user(vcpu, exit, index, data, error)) {
		trace_kvm_msr(exit == KVM_EXIT_X86_WRMSR, index, data, true);
		kvm_inject_gp(vcpu);
		return KVM_RESUME;
	}
	vcpu->io.complete = exit == KVM_EXIT_X86_RDMSR ? complete_rdmsr : complete_wrmsr;
	return KVM_TO_USER;
}

/**
 * kvm_msr_guest_read() - RDMSR by the guest
 * @vcpu: the vCPU, loaded
 * @index: the MSR
 * @value: out; 0 after a failure
 *
 * Context: srcu held, may sleep.
 * Return: as kvm_msr_read(), or -EPERM (userspace's filter denies it).
 */
int kvm_msr_guest_read(struct kvm_vcpu *vcpu, u32 index, u64 *value)
{
	if (unlikely(!kvm_msr_allowed(vcpu, index, KVM_MSR_FILTER_READ))) {
		*value = 0;
		return -EPERM;
	}
	return kvm_msr_read(vcpu, index, value, false);
}

/* WRMSR by the guest, likewise. */
int kvm_msr_guest_write(struct kvm_vcpu *vcpu, u32 index, u64 value)
{
	if (unlikely(!kvm_msr_allowed(vcpu, index, KVM_MSR_FILTER_WRITE)))
		return -EPERM;
	return kvm_msr_write(vcpu, index, value, false);
}

/* Exit handler: RDMSR. */
enum kvm_exit_action exit_rdmsr(struct kvm_vcpu *vcpu)
{
	u32 index = vcpu->regs.val[KVM_REG_RCX];
	u64 value;
	int r;

	r = kvm_msr_guest_read(vcpu, index, &value);
	if (unlikely(r))
		return failed_access(vcpu, KVM_EXIT_X86_RDMSR, index, 0, r);
	trace_kvm_msr(false, index, value, false);
	return finish_rdmsr(vcpu, value);
}
EXPORT_SYMBOL_NS_GPL(exit_rdmsr, GUESTMODE);

/* Exit handler: WRMSR. */
enum kvm_exit_action exit_wrmsr(struct kvm_vcpu *vcpu)
{
	u32 index = vcpu->regs.val[KVM_REG_RCX];
	u64 value = kvm_edx_eax(vcpu);
	int r;

	r = kvm_msr_guest_write(vcpu, index, value);
	if (unlikely(r))
		return failed_access(vcpu, KVM_EXIT_X86_WRMSR, index, value, r);
	trace_kvm_msr(true, index, value, false);
	return exit_skip(vcpu);
}
EXPORT_SYMBOL_NS_GPL(exit_wrmsr, GUESTMODE);

/* --- lists ----------------------------------------------------------------------------------- */

u32 kvm_msr_index_count(bool feature)
{
	return feature ? nr_feature : nr_save;
}

u32 kvm_msr_index(bool feature, u32 i)
{
	return feature ? feature_index[i] : save_index[i];
}

/**
 * kvm_msr_feature_read() - what a feature MSR says of this host
 * @index: one of those in KVM_GET_MSR_FEATURE_INDEX_LIST
 * @value: out
 *
 * Return: 0 or -ENOENT.
 */
int kvm_msr_feature_read(u32 index, u64 *value)
{
	if (!in_list(feature_index, nr_feature, index))
		return -ENOENT;
	return msr_feature_value(index, value);
}

static void add_index(u32 *list, u32 *nr, u32 index)
{
	if (!WARN_ON_ONCE(*nr >= MAX_INDICES))
		list[(*nr)++] = index;
}

/**
 * kvm_msr_module_init() - find out which MSRs exist on this host
 *
 * Context: after kvm_cpuid_module_init(). Return: 0 or -EINVAL (the table is broken).
 */
int kvm_msr_module_init(void)
{
	const struct msr_row *row;
	u64 value;
	u32 i;
	int r;

	r = msr_table_check();
	if (r)
		return r;
	nr_save = 0;
	nr_feature = 0;
	for (row = msr_rows; row < msr_rows + msr_nr_rows; row++) {
		if (row->features && !(row->features & kvm_host_features))
			continue;
		for (i = row->first; i <= row->last; i++) {
			if (row->flags & MSR_SAVE)
				add_index(save_index, &nr_save, i);
			if ((row->flags & MSR_FEATURE) && !msr_feature_value(i, &value))
				add_index(feature_index, &nr_feature, i);
		}
	}
	add_index(save_index, &nr_save, MSR_IA32_TSC_DEADLINE);
	return 0;
}

/* --- ioctls ---------------------------------------------------------------------------------- */

/* The list's length is told even where there is no room for it. */
static long fill_list(struct kvm_ioctl_call *call, const u32 *list, u32 nr)
{
	struct kvm_msr_list *arg = call->arg;

	arg->nmsrs = nr;
	if (call->count < nr)
		return -E2BIG;
	memcpy(arg->indices, list, nr * sizeof(*list));
	return 0;
}

static long ioctl_index_list(struct kvm_ioctl_call *call)
{
	return fill_list(call, save_index, nr_save);
}

static long ioctl_feature_index_list(struct kvm_ioctl_call *call)
{
	return fill_list(call, feature_index, nr_feature);
}

/* All three return how many were done: they stop at the first failure. */
static long ioctl_get_feature_msrs(struct kvm_ioctl_call *call)
{
	struct kvm_msrs *arg = call->arg;
	u32 i;

	for (i = 0; i < call->count; i++) {
		u64 value;

		if (kvm_msr_feature_read(arg->entries[i].index, &value))
			break;
		arg->entries[i].data = value;
	}
	return i;
}

static long ioctl_get_msrs(struct kvm_ioctl_call *call)
{
	struct kvm_msrs *arg = call->arg;
	u32 i;

	for (i = 0; i < call->count; i++) {
		u64 value;

		if (kvm_msr_read(call->vcpu, arg->entries[i].index, &value, true))
			break;
		arg->entries[i].data = value;
	}
	return i;
}

static long ioctl_set_msrs(struct kvm_ioctl_call *call)
{
	const struct kvm_msrs *arg = call->arg;
	u32 i;

	for (i = 0; i < call->count; i++)
		if (kvm_msr_write(call->vcpu, arg->entries[i].index, arg->entries[i].data, true))
			break;
	return i;
}

static long ioctl_mce_cap(struct kvm_ioctl_call *call)
{
	*(u64 *)call->arg = kvm_mce_supported_cap();
	return 0;
}

#define LIST_ARRAY                                                                                 \
	.flags = IOC_ARRAY | IOC_HEADER_IN | IOC_CLAMP | IOC_OUT_ALWAYS,                           \
	.count_offset = offsetof(struct kvm_msr_list, nmsrs), .elem_size = sizeof(u32),            \
	.max_count = MAX_INDICES

#define MSRS_ARRAY(flag)                                                                           \
	.flags = IOC_ARRAY | (flag), .count_offset = offsetof(struct kvm_msrs, nmsrs),             \
	.elem_size = sizeof(struct kvm_msr_entry), .max_count = MAX_IO_MSRS - 1

const struct kvm_ioctl_row kvm_msr_system_ioctls[] = {
	{ KVM_GET_MSR_INDEX_LIST, ioctl_index_list, LIST_ARRAY },
	{ KVM_GET_MSR_FEATURE_INDEX_LIST, ioctl_feature_index_list, LIST_ARRAY },
	{ KVM_GET_MSRS, ioctl_get_feature_msrs, MSRS_ARRAY(0) },
	{ KVM_X86_GET_MCE_CAP_SUPPORTED, ioctl_mce_cap, IOC_ARG_OUT },
	{}
};

const struct kvm_ioctl_row kvm_msr_vcpu_ioctls[] = {
	{ KVM_GET_MSRS, ioctl_get_msrs, MSRS_ARRAY(IOC_VCPU_LOADED | IOC_SRCU) },
	{ KVM_SET_MSRS, ioctl_set_msrs, MSRS_ARRAY(IOC_VCPU_LOADED | IOC_SRCU) },
	{}
};

/* --- life ------------------------------------------------------------------------------------ */

int kvm_msr_vcpu_create(struct kvm_vcpu *vcpu)
{
	u64 value;

	vcpu->msr.platform_info = MSR_PLATFORM_INFO_CPUID_FAULT;
	if (!msr_feature_value(MSR_IA32_ARCH_CAPABILITIES, &value))
		vcpu->msr.arch_capabilities = value;
	if (!msr_feature_value(MSR_AMD64_DE_CFG, &value))
		vcpu->msr.de_cfg = value;
	return mce_vcpu_create(vcpu);
}

void kvm_msr_vcpu_free(struct kvm_vcpu *vcpu)
{
	mce_vcpu_free(vcpu);
}

/**
 * kvm_msr_reset() - RESET or INIT of MSRs kept in software
 * @vcpu: the vCPU
 * @init_event: INIT, which leaves nearly all of them alone (SDM vol. 3, table 10-1)
 */
void kvm_msr_reset(struct kvm_vcpu *vcpu, bool init_event)
{
	vcpu->msr.misc_features = 0;
	vcpu->regs.ia32_xss = 0;
	if (init_event)
		return;
	vcpu->msr.pat = PAT_RESET;
	vcpu->msr.misc_enable = MISC_ENABLE_RESET;
	vcpu->msr.spec_ctrl = 0;
	vcpu->msr.smi_count = 0;
	vcpu->msr.hwcr = boot_cpu_has(X86_FEATURE_CONSTANT_TSC) ? HWCR_TSC_FREQ_SEL : 0;
	vcpu->msr.apic_base = APIC_DEFAULT_BASE | MSR_IA32_APICBASE_ENABLE;
	if (kvm_vcpu_is_bsp(vcpu))
		vcpu->msr.apic_base |= MSR_IA32_APICBASE_BSP;
	mtrr_reset(vcpu);
}
