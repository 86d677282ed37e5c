// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capabilities are rows. A row stands here only if the thing works, both ways, and a test
 * shows it (tests/api/caps).
 */

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/moduleparam.h>
#include <linux/sched/stat.h>
#include <asm/cpufeature.h>
#include <uapi/linux/kvm_para.h>

#include "caps.h"
#include "core.h"
#include "cr.h"
#include "dirty.h"
#include "msr.h"
#include "vendor.h"

static bool mitigate_smt_rsb;
module_param(mitigate_smt_rsb, bool, 0444);
MODULE_PARM_DESC(mitigate_smt_rsb,
		 "where a CPU's threads see each other's return addresses (SMT_RSB), no guest idles without an exit");

/**
 * struct kvm_cap_row - a capability
 * @cap: KVM_CAP_*
 * @value: what KVM_CHECK_EXTENSION says
 * @get: computes it instead, if not NULL
 * @enable: KVM_ENABLE_CAP on a VM; NULL: it needs no enabling, so can't be
 * @enable_vcpu: KVM_ENABLE_CAP on a vCPU, likewise
 */
struct kvm_cap_row {
	u32 cap;
	u32 value;
	u32 (*get)(struct kvm *kvm);
	long (*enable)(struct kvm *kvm, const struct kvm_enable_cap *cap);
	long (*enable_vcpu)(struct kvm_vcpu *vcpu, const struct kvm_enable_cap *cap);
};

/* As many as there are CPUs is what runs well; more is allowed. */
static u32 nr_vcpus(struct kvm *kvm)
{
	return min_t(u32, num_online_cpus(), KVM_MAX_VCPUS);
}

static u32 max_vcpu_id(struct kvm *kvm)
{
	return kvm ? kvm->caps.max_vcpu_id : KVM_MAX_VCPU_ID;
}

static long enable_max_vcpu_id(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	if (cap->args[0] > KVM_MAX_VCPU_ID)
		return -EINVAL;
	if (kvm->caps.max_vcpu_id == cap->args[0])
		return 0;
	/* Once, before the first vCPU. */
	if (kvm->caps.max_vcpu_id != KVM_MAX_VCPU_ID || atomic_read(&kvm->online_vcpus))
		return -EINVAL;
	kvm->caps.max_vcpu_id = cap->args[0];
	return 0;
}

/* Old behaviour that can be switched off: what is here works both ways. */
#define QUIRKS (KVM_X86_QUIRK_LINT0_REENABLED | KVM_X86_QUIRK_CD_NW_CLEARED | \
		KVM_X86_QUIRK_LAPIC_MMIO_HOLE | KVM_X86_QUIRK_OUT_7E_INC_RIP | \
		KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT | KVM_X86_QUIRK_FIX_HYPERCALL_INSN | \
		KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS)

/* The older capability takes any bits: those that mean nothing here do nothing. */
static long disable_quirks(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	kvm->caps.disabled_quirks = cap->args[0];
	return 0;
}

static long disable_quirks2(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	if (cap->args[0] & ~(u64)QUIRKS)
		return -EINVAL;
	return disable_quirks(kvm, cap);
}

static long enable_platform_info(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	kvm->caps.no_platform_info = !cap->args[0];
	return 0;
}

static long enable_exit_on_emulation_failure(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	if (cap->args[0] & ~1ULL)
		return -EINVAL;
	WRITE_ONCE(kvm->caps.exit_on_emulation_error, cap->args[0]);
	return 0;
}

/* The hypercalls that userspace may answer. */
#define USER_HYPERCALLS BIT(KVM_HC_MAP_GPA_RANGE)

static long enable_exit_hypercall(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	if (cap->args[0] & ~(u64)USER_HYPERCALLS)
		return -EINVAL;
	WRITE_ONCE(kvm->caps.exit_hypercall, cap->args[0]);
	return 0;
}

static long enable_exception_payload(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	kvm->caps.exception_payload = cap->args[0];
	return 0;
}

static long enable_triple_fault_event(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	kvm->caps.triple_fault_event = cap->args[0];
	return 0;
}

static long enable_user_space_msr(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	if (cap->args[0] & ~(u64)KVM_MSR_EXIT_REASON_VALID_MASK)
		return -EINVAL;
	WRITE_ONCE(kvm->caps.user_space_msr, cap->args[0]);
	return 0;
}

/* KVM_X86_DISABLE_EXITS_* that make sense on this host. */
static u32 exits_to_disable(struct kvm *kvm)
{
	u32 exits = KVM_X86_DISABLE_EXITS_PAUSE;

	/* A thread that goes idle leaves its part of the predictor to the other one. */
	if (mitigate_smt_rsb && boot_cpu_has_bug(X86_BUG_SMT_RSB) && cpu_smt_possible())
		return exits;
	exits |= KVM_X86_DISABLE_EXITS_HLT | KVM_X86_DISABLE_EXITS_CSTATE;
	/* In deep sleep the local APIC's timer, the host's, must go on (SDM vol. 3, 11.5.4). */
	if (boot_cpu_has(X86_FEATURE_MWAIT) && boot_cpu_has(X86_FEATURE_ARAT) &&
	    !boot_cpu_has_bug(X86_BUG_MONITOR))
		exits |= KVM_X86_DISABLE_EXITS_MWAIT;
	return exits;
}

static long disable_exits(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	/* vCPUs have worked out their intercepts by then. */
	if ((cap->args[0] & ~(u64)exits_to_disable(kvm)) || atomic_read(&kvm->online_vcpus))
		return -EINVAL;
	kvm->caps.disabled_exits |= cap->args[0];
	return 0;
}

/* The policies that there are. */
static u32 bus_lock_policies(struct kvm *kvm)
{
	return kvm_caps->bus_lock_exit ? KVM_BUS_LOCK_DETECTION_OFF | KVM_BUS_LOCK_DETECTION_EXIT :
					 0;
}

static long set_bus_lock_policy(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	u64 policy = cap->args[0];

	if ((policy & ~(u64)bus_lock_policies(kvm)) || hweight64(policy) != 1)
		return -EINVAL;
	WRITE_ONCE(kvm->caps.bus_lock_exit, policy == KVM_BUS_LOCK_DETECTION_EXIT);
	kvm_make_all_request(kvm, KVM_REQ_INTERCEPTS);
	return 0;
}

static u32 notify_flags(struct kvm *kvm)
{
	return kvm_caps->notify_exit ? KVM_X86_NOTIFY_VMEXIT_ENABLED | KVM_X86_NOTIFY_VMEXIT_USER :
				       0;
}

static long enable_notify(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	u32 flags = cap->args[0];

	/* vCPUs have taken over the window by then. */
	if (!notify_flags(kvm) || (flags & ~notify_flags(kvm)) || atomic_read(&kvm->online_vcpus))
		return -EINVAL;
	kvm->caps.notify = flags;
	kvm->caps.notify_window = cap->args[0] >> 32;
	return 0;
}

static long enable_halt_poll(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	if (cap->args[0] > U32_MAX)
		return -EINVAL;
	kvm_set_halt_poll(kvm, cap->args[0]);
	return 0;
}

static long enable_split_irqchip(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	return split_enable(kvm, cap->args[0]);
}

static long enable_x2apic_api(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	return irqchip_x2apic_api(kvm, cap->args[0]);
}

static long enable_manual_dirty_log(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	return dirty_set_manual(kvm, cap->args[0]);
}

/* What CPUID 0x40000001 doesn't announce isn't there, from now on. */
static long enforce_pv_cpuid(struct kvm_vcpu *vcpu, const struct kvm_enable_cap *cap)
{
	vcpu->pv.enforce_cpuid = cap->args[0];
	return 0;
}

/* Where hardware keeps TPR, nobody writes it in memory, nor hears of it. */
static u32 has_vapic(struct kvm *kvm)
{
	return !kvm_caps->xapic_hw;
}

static u32 has_steal_time(struct kvm *kvm)
{
	return sched_info_on();
}

static u32 has_xsave(struct kvm *kvm)
{
	return boot_cpu_has(X86_FEATURE_XSAVE);
}

static u32 xsave2_size(struct kvm *kvm)
{
	return has_xsave(kvm) ? sizeof(struct kvm_xsave) : 0;
}

static u32 has_tsc_scaling(struct kvm *kvm)
{
	return kvm_caps->tsc_scaling;
}

static const struct kvm_cap_row rows[] = {
	/* memory */
	{ KVM_CAP_USER_MEMORY, 1 },
	{ KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1 },
	{ KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1 },
	{ KVM_CAP_NR_MEMSLOTS, KVM_USER_MEM_SLOTS },
	{ KVM_CAP_SYNC_MMU, 1 },
	{ KVM_CAP_READONLY_MEM, 1 },
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
	  KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET,
	  .enable = enable_manual_dirty_log },
	{ KVM_CAP_MMU_SHADOW_CACHE_CONTROL, 1 },
	{ KVM_CAP_SET_TSS_ADDR, 1 },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, 1 },
	/* vCPUs */
	{ KVM_CAP_NR_VCPUS, .get = nr_vcpus },
	{ KVM_CAP_MAX_VCPUS, KVM_MAX_VCPUS },
	{ KVM_CAP_MAX_VCPU_ID, .get = max_vcpu_id, .enable = enable_max_vcpu_id },
	{ KVM_CAP_SET_BOOT_CPU_ID, 1 },
	{ KVM_CAP_EXT_CPUID, 1 },
	{ KVM_CAP_EXT_EMUL_CPUID, 1 },
	{ KVM_CAP_MP_STATE, 1 },
	{ KVM_CAP_VCPU_EVENTS, 1 },
	{ KVM_CAP_INTR_SHADOW, 1 },
	{ KVM_CAP_SREGS2, 1 },
	{ KVM_CAP_DEBUGREGS, 1 },
	{ KVM_CAP_SET_GUEST_DEBUG, 1 },
	{ KVM_CAP_X86_ROBUST_SINGLESTEP, 1 },
	{ KVM_CAP_SET_GUEST_DEBUG2, KVM_GUESTDBG_VALID },
	{ KVM_CAP_XSAVE, .get = has_xsave },
	{ KVM_CAP_XSAVE2, .get = xsave2_size },
	{ KVM_CAP_XCRS, .get = has_xsave },
	{ KVM_CAP_MCE, KVM_MAX_MCE_BANKS },
	{ KVM_CAP_GET_MSR_FEATURES, 1 },
	{ KVM_CAP_SYNC_REGS, KVM_SYNC_X86_VALID_FIELDS },
	{ KVM_CAP_IMMEDIATE_EXIT, 1 },
	{ KVM_CAP_INTERNAL_ERROR_DATA, 1 },
	{ KVM_CAP_LAST_CPU, 1 },
	{ KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1, .enable = enable_exit_on_emulation_failure },
	{ KVM_CAP_USER_NMI, 1 },
	{ KVM_CAP_EXCEPTION_PAYLOAD, 1, .enable = enable_exception_payload },
	{ KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1, .enable = enable_triple_fault_event },
	{ KVM_CAP_DISABLE_QUIRKS, 1, .enable = disable_quirks },
	{ KVM_CAP_DISABLE_QUIRKS2, QUIRKS, .enable = disable_quirks2 },
	{ KVM_CAP_VCPU_ATTRIBUTES, 1 },
	{ KVM_CAP_SYS_ATTRIBUTES, 1 },
	{ KVM_CAP_HALT_POLL, 1, .enable = enable_halt_poll },
	{ KVM_CAP_X86_DISABLE_EXITS, .get = exits_to_disable, .enable = disable_exits },
	{ KVM_CAP_X86_BUS_LOCK_EXIT, .get = bus_lock_policies, .enable = set_bus_lock_policy },
	{ KVM_CAP_X86_NOTIFY_VMEXIT, .get = notify_flags, .enable = enable_notify },
	/* MSRs */
	{ KVM_CAP_MSR_PLATFORM_INFO, 1, .enable = enable_platform_info },
	{ KVM_CAP_X86_USER_SPACE_MSR, 1, .enable = enable_user_space_msr },
	{ KVM_CAP_X86_MSR_FILTER, 1 },
	/* interrupt controllers */
	{ KVM_CAP_IRQCHIP, 1 },
	{ KVM_CAP_IRQ_ROUTING, KVM_MAX_IRQ_ROUTES },
	{ KVM_CAP_IRQ_INJECT_STATUS, 1 },
	{ KVM_CAP_SIGNAL_MSI, 1 },
	{ KVM_CAP_VAPIC, .get = has_vapic },
	{ KVM_CAP_SPLIT_IRQCHIP, 1, .enable = enable_split_irqchip },
	{ KVM_CAP_X2APIC_API, KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK,
	  .enable = enable_x2apic_api },
	{ KVM_CAP_IOAPIC_POLARITY_IGNORED, 1 },
	{ KVM_CAP_HLT, 1 },
	{ KVM_CAP_PIT, 1 },
	{ KVM_CAP_PIT2, 1 },
	{ KVM_CAP_PIT_STATE2, 1 },
	{ KVM_CAP_REINJECT_CONTROL, 1 },
	{ KVM_CAP_NOP_IO_DELAY, 1 },
	/* devices of userspace's */
	{ KVM_CAP_COALESCED_MMIO, KVM_COALESCED_MMIO_PAGE_OFFSET },
	{ KVM_CAP_COALESCED_PIO, 1 },
	{ KVM_CAP_IRQFD, 1 },
	{ KVM_CAP_IRQFD_RESAMPLE, 1 },
	{ KVM_CAP_IOEVENTFD, 1 },
	{ KVM_CAP_IOEVENTFD_NO_LENGTH, 1 },
	{ KVM_CAP_IOEVENTFD_ANY_LENGTH, 1 },
	/* time */
	{ KVM_CAP_CLOCKSOURCE, 1 },
	{ KVM_CAP_ADJUST_CLOCK, KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC },
	{ KVM_CAP_KVMCLOCK_CTRL, 1 },
	{ KVM_CAP_TSC_DEADLINE_TIMER, 1 },
	{ KVM_CAP_GET_TSC_KHZ, 1 },
	{ KVM_CAP_TSC_CONTROL, .get = has_tsc_scaling },
	{ KVM_CAP_VM_TSC_CONTROL, .get = has_tsc_scaling },
	/* paravirtual */
	{ KVM_CAP_EXIT_HYPERCALL, USER_HYPERCALLS, .enable = enable_exit_hypercall },
	{ KVM_CAP_STEAL_TIME, .get = has_steal_time },
	{ KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1, .enable_vcpu = enforce_pv_cpuid },
	/* the ABI itself */
	{ KVM_CAP_CHECK_EXTENSION_VM, 1 },
	{ KVM_CAP_ENABLE_CAP, 1 },
	{ KVM_CAP_ENABLE_CAP_VM, 1 },
	{ KVM_CAP_BINARY_STATS_FD, 1 },
};

static const struct kvm_cap_row *find(unsigned long cap)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].cap == cap)
			return &rows[i];
	return NULL;
}

long kvm_check_extension(struct kvm *kvm, unsigned long cap)
{
	const struct kvm_cap_row *row = find(cap);

	if (!row)
		return 0;
	return row->get ? row->get(kvm) : row->value;
}

long kvm_vm_enable_cap(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	const struct kvm_cap_row *row = find(cap->cap);

	if (!row || !row->enable || cap->flags)
		return -EINVAL;
	return row->enable(kvm, cap);
}

long kvm_vcpu_enable_cap(struct kvm_vcpu *vcpu, const struct kvm_enable_cap *cap)
{
	const struct kvm_cap_row *row = find(cap->cap);

	if (!row || !row->enable_vcpu || cap->flags)
		return -EINVAL;
	return row->enable_vcpu(vcpu, cap);
}
