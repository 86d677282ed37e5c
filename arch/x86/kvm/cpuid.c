// SPDX-License-Identifier: GPL-2.0-only
/* CPUID as the guest sees it: what userspace set, kept current, and the features that follow. */

#include <linux/export.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <uapi/asm/kvm_para.h>

#include "access.h"
#include "cpuid.h"
#include "cpuid_index.h"
#include "event.h"
#include "exit.h"
#include "fpu.h"
#include "ioctl.h"
#include "trace.h"

static_assert(CPUID_INDEX_MAX == KVM_MAX_CPUID_ENTRIES);

#define LEAF1_ECX_MWAIT BIT(3)
#define LEAF1_ECX_OSXSAVE BIT(27)
#define LEAF1_EDX_APIC BIT(9)
#define LEAF7_ECX_OSPKE BIT(4)
#define LEAFD_1_EAX_COMPACT (BIT(1) | BIT(3)) /* XSAVEC, XSAVES */

/* CR4 bits that every guest may set, as far as this driver is concerned. */
#define CR4_ALWAYS (X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE | \
		    X86_CR4_PAE | \
		    X86_CR4_MCE | X86_CR4_PGE | X86_CR4_PCE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT)

/* Bits that exist only with a feature. */
struct feature_bit {
	u64 bits;
	enum kvm_guest_feature feature;
};

static const struct feature_bit cr4_bits[] = {
	{ X86_CR4_OSXSAVE, KVM_GF_XSAVE },   { X86_CR4_PCIDE, KVM_GF_PCID },
	{ X86_CR4_FSGSBASE, KVM_GF_FSGSBASE }, { X86_CR4_SMEP, KVM_GF_SMEP },
	{ X86_CR4_SMAP, KVM_GF_SMAP },	     { X86_CR4_PKE, KVM_GF_PKU },
	{ X86_CR4_LA57, KVM_GF_LA57 },	     { X86_CR4_UMIP, KVM_GF_UMIP },
	{ X86_CR4_VMXE, KVM_GF_VMX },
};

static const struct feature_bit efer_bits[] = {
	{ EFER_LME | EFER_LMA, KVM_GF_LM },
	{ EFER_NX, KVM_GF_NX },
	{ EFER_SVME | EFER_LMSLE, KVM_GF_SVM },
	{ EFER_FFXSR, KVM_GF_FXSR_OPT },
};

/* Until CPUID is set, which may come after KVM_SET_SREGS, a guest may have all that is there. */
static u64 allowed_bits(struct kvm_vcpu *vcpu, u64 always, const struct feature_bit *rows, size_t n)
{
	u64 features = vcpu->cpuid.nent ? vcpu->cpuid.features : kvm_host_features;
	size_t i;

	for (i = 0; i < n; i++)
		if (features & BIT_ULL(rows[i].feature))
			always |= rows[i].bits;
	return always;
}

static struct kvm_cpuid_entry2 *find(struct kvm_vcpu *vcpu, u32 function, u32 index)
{
	return cpuid_index_find(vcpu->cpuid.index, vcpu->cpuid.entries, function, index);
}

/**
 * kvm_cpuid_find() - the guest's CPUID entry for a leaf
 * @vcpu: the vCPU
 * @function: leaf
 * @index: subleaf
 *
 * Return: the entry, valid until CPUID is set again; NULL: there is none.
 */
const struct kvm_cpuid_entry2 *kvm_cpuid_find(struct kvm_vcpu *vcpu, u32 function, u32 index)
{
	return find(vcpu, function, index);
}
EXPORT_SYMBOL_NS_GPL(kvm_cpuid_find, GUESTMODE);

/* --- leaves that change while the guest runs ------------------------------------------------- */

static void assign(u32 *reg, u32 bits, bool on)
{
	*reg = on ? *reg | bits : *reg & ~bits;
}

static void refresh_leaf1(struct kvm_vcpu *vcpu)
{
	struct kvm_cpuid_entry2 *e = find(vcpu, 1, 0);
	u64 base = vcpu->msr.apic_base;

	if (!e)
		return;
	if (guest_has(vcpu, KVM_GF_XSAVE))
		assign(&e->ecx, LEAF1_ECX_OSXSAVE, kvm_cr4(vcpu) & X86_CR4_OSXSAVE);
	if (!vcpu->lapic || !lapic_msr_read(vcpu, MSR_IA32_APICBASE, &base, true))
		assign(&e->edx, LEAF1_EDX_APIC, base & MSR_IA32_APICBASE_ENABLE);
	if (vcpu->kvm->caps.disabled_quirks & KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT)
		assign(&e->ecx, LEAF1_ECX_MWAIT,
		       vcpu->msr.misc_enable & MSR_IA32_MISC_ENABLE_MWAIT);
}

/* CPUID's MONITOR bit as it is now: it may follow IA32_MISC_ENABLE (SDM vol. 3, 15.4.1). */
bool kvm_cpuid_mwait(struct kvm_vcpu *vcpu)
{
	const struct kvm_cpuid_entry2 *e = find(vcpu, 1, 0);

	return e && (e->ecx & LEAF1_ECX_MWAIT);
}

static void refresh_xsave(struct kvm_vcpu *vcpu)
{
	struct kvm_cpuid_entry2 *e = find(vcpu, 0xd, 0);

	if (e)
		e->ebx = kvm_xsave_size(vcpu->regs.xcr0, false);
	e = find(vcpu, 0xd, 1);
	if (e && (e->eax & LEAFD_1_EAX_COMPACT))
		e->ebx = kvm_xsave_size(vcpu->regs.xcr0 | vcpu->regs.ia32_xss, true);
}

/**
 * kvm_cpuid_refresh() - bring the leaves that mirror registers up to date
 * @vcpu: the vCPU, loaded; CR4.OSXSAVE, CR4.PKE, XCR0, IA32_XSS, APIC base or MISC_ENABLE changed
 */
void kvm_cpuid_refresh(struct kvm_vcpu *vcpu)
{
	struct kvm_cpuid_entry2 *e;

	if (!vcpu->cpuid.nent)
		return;
	refresh_leaf1(vcpu);
	e = find(vcpu, 7, 0);
	if (e && guest_has(vcpu, KVM_GF_PKU))
		assign(&e->ecx, LEAF7_ECX_OSPKE, kvm_cr4(vcpu) & X86_CR4_PKE);
	refresh_xsave(vcpu);
}
EXPORT_SYMBOL_NS_GPL(kvm_cpuid_refresh, GUESTMODE);

/* --- features that follow from the guest's CPUID --------------------------------------------- */

static bool vendor_is_amd_like(struct kvm_vcpu *vcpu)
{
	const struct kvm_cpuid_entry2 *e = find(vcpu, 0, 0);

	if (!e)
		return false;
	/* "AuthenticAMD", "HygonGenuine": EBX, EDX, ECX */
	return (e->ebx == 0x68747541 && e->edx == 0x69746e65 && e->ecx == 0x444d4163) ||
	       (e->ebx == 0x6f677948 && e->edx == 0x6e65476e && e->ecx == 0x656e6975);
}

/*
 * KVM's leaves begin at 0x40000000, or 0x100 (0x200 ...) higher where userspace put another
 * hypervisor's first. Return: the one with the features, NULL: none.
 */
static struct kvm_cpuid_entry2 *find_pv_leaf(struct kvm_vcpu *vcpu)
{
	struct kvm_cpuid_entry2 *e;
	u32 base;

	for (base = KVM_CPUID_SIGNATURE; base < KVM_CPUID_SIGNATURE + 0x10000; base += 0x100) {
		e = find(vcpu, base, 0);
		if (e && e->ebx == 0x4b4d564b && e->ecx == 0x564b4d56 && e->edx == 0x4d)
			break;
		e = NULL;
	}
	return e ? find(vcpu, base | KVM_CPUID_FEATURES, 0) : NULL;
}

/*
 * A guest that waits in a HLT without exits can't be kicked out of it: the ABI forbids both at once
 * (KVM_CAP_X86_DISABLE_EXITS), and takes the feature away from who asks for it.
 */
static void take_pv_unhalt(struct kvm_vcpu *vcpu)
{
	struct kvm_cpuid_entry2 *e;

	if (!(vcpu->kvm->caps.disabled_exits & KVM_X86_DISABLE_EXITS_HLT))
		return;
	e = find_pv_leaf(vcpu);
	if (e)
		e->eax &= ~BIT(KVM_FEATURE_PV_UNHALT);
}

static u8 find_maxphyaddr(struct kvm_vcpu *vcpu)
{
	const struct kvm_cpuid_entry2 *e = find(vcpu, 0x80000000, 0);

	if (!e || e->eax < 0x80000008)
		return 36;
	e = find(vcpu, 0x80000008, 0);
	/* What no page-table entry can hold is no address. */
	return e ? clamp_t(u32, e->eax & 0xff, 32, 52) : 36;
}

/* All that is asked often, or by others, is worked out here once. */
static void derive(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_cpuid *c = &vcpu->cpuid;
	const struct kvm_cpuid_entry2 *e;

	c->features = kvm_cpuid_features(c->index, c->entries) & kvm_host_features;
	if (vendor_is_amd_like(vcpu))
		c->features |= BIT_ULL(KVM_GF_AMD_LIKE);
	e = find(vcpu, 0xd, 0);
	c->supported_xcr0 = e ? (e->eax | (u64)e->edx << 32) & kvm_supported_xcr0 : 0;
	e = find(vcpu, 0xd, 1);
	c->supported_xss = e ? (e->ecx | (u64)e->edx << 32) & kvm_supported_xss : 0;
	c->maxphyaddr = find_maxphyaddr(vcpu);
	vcpu->mmu.walk_valid = false; /* reserved bits follow from it */
	take_pv_unhalt(vcpu);
	e = find_pv_leaf(vcpu);
	c->pv_features = e ? e->eax : 0;
	c->cr4_reserved = ~allowed_bits(vcpu, CR4_ALWAYS, cr4_bits, ARRAY_SIZE(cr4_bits));
	c->efer_reserved = ~allowed_bits(vcpu, EFER_SCE, efer_bits, ARRAY_SIZE(efer_bits)) |
			   kvm_caps->efer_reserved;
}

/* --- setting and reading --------------------------------------------------------------------- */

/* Clear what refresh() and take_pv_unhalt() decide, for comparisons. */
static struct kvm_cpuid_entry2 without_dynamic(struct kvm_vcpu *vcpu,
					       const struct kvm_cpuid_entry2 *entry)
{
	struct kvm_cpuid_entry2 e = *entry;

	if (e.function == 1) {
		e.ecx &= ~(LEAF1_ECX_OSXSAVE | LEAF1_ECX_MWAIT);
		e.edx &= ~LEAF1_EDX_APIC;
	} else if (e.function == 7) {
		e.ecx &= ~LEAF7_ECX_OSPKE;
	} else if (e.function == 0xd && e.index < 2) {
		e.ebx = 0;
	} else if (vcpu->kvm->caps.disabled_exits & KVM_X86_DISABLE_EXITS_HLT &&
		   find_pv_leaf(vcpu) == find(vcpu, e.function, e.index)) {
		e.eax &= ~BIT(KVM_FEATURE_PV_UNHALT);
	}
	memset(e.padding, 0, sizeof(e.padding));
	return e;
}

static bool same_cpuid(struct kvm_vcpu *vcpu, const struct kvm_cpuid_entry2 *entries, u32 nent)
{
	struct kvm_cpuid_entry2 a, b;
	u32 i;

	if (nent != vcpu->cpuid.nent)
		return false;
	for (i = 0; i < nent; i++) {
		a = without_dynamic(vcpu, &entries[i]);
		b = without_dynamic(vcpu, &vcpu->cpuid.entries[i]);
		if (memcmp(&a, &b, sizeof(a)))
			return false;
	}
	return true;
}

static bool valid_cpuid(const struct kvm_cpuid_entry2 *e, u32 nent)
{
	u32 i, bits;

	for (i = 0; i < nent; i++) {
		if (e[i].function != 0x80000008)
			continue;
		/* Linear addresses are 48 or 57 bits wide; 0: not said. */
		bits = (e[i].eax >> 8) & 0xff;
		if (bits != 48 && bits != 57 && bits != 0)
			return false;
	}
	return true;
}

/* Takes a copy. vCPU loaded. */
static long set_cpuid(struct kvm_vcpu *vcpu, const struct kvm_cpuid_entry2 *entries, u32 nent)
{
	struct kvm_cpuid_entry2 *copy = NULL, *old = vcpu->cpuid.entries;

	/* A guest that has run may have cached any of it, and so have we (reserved bits ...). */
	if (vcpu->has_run)
		return same_cpuid(vcpu, entries, nent) ? 0 : -EINVAL;
	if (!valid_cpuid(entries, nent))
		return -EINVAL;
	if (nent) {
		copy = kvmalloc_array(nent, sizeof(*copy), GFP_KERNEL_ACCOUNT);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, entries, nent * sizeof(*copy));
	}
	cpuid_index_build(vcpu->cpuid.index, copy, nent);
	vcpu->cpuid.entries = copy;
	vcpu->cpuid.nent = nent;
	kvfree(old);

	derive(vcpu);
	kvm_cpuid_refresh(vcpu);
	if (vcpu->lapic)
		lapic_cpuid_changed(vcpu);
	vendor_call(cpuid_changed, vcpu);
	kvm_make_request(KVM_REQ_INTERCEPTS, vcpu);
	return 0;
}

static long ioctl_set_cpuid2(struct kvm_ioctl_call *call)
{
	const struct kvm_cpuid2 *arg = call->arg;

	return set_cpuid(call->vcpu, arg->entries, call->count);
}

/* KVM_SET_CPUID: entries without subleaves. */
static long ioctl_set_cpuid(struct kvm_ioctl_call *call)
{
	const struct kvm_cpuid *arg = call->arg;
	struct kvm_cpuid_entry2 *e;
	long r;
	u32 i;

	e = kvcalloc(max(call->count, 1u), sizeof(*e), GFP_KERNEL_ACCOUNT);
	if (!e)
		return -ENOMEM;
	for (i = 0; i < call->count; i++) {
		e[i].function = arg->entries[i].function;
		e[i].eax = arg->entries[i].eax;
		e[i].ebx = arg->entries[i].ebx;
		e[i].ecx = arg->entries[i].ecx;
		e[i].edx = arg->entries[i].edx;
	}
	r = set_cpuid(call->vcpu, e, call->count);
	kvfree(e);
	return r;
}

/* The count says how much room there is; a failure leaves it as it was. */
static long fill(struct kvm_cpuid2 *arg, u32 room, const struct kvm_cpuid_entry2 *e, u32 nent)
{
	if (room < nent)
		return -E2BIG;
	memcpy(arg->entries, e, nent * sizeof(*e));
	arg->nent = nent;
	return 0;
}

static long ioctl_get_cpuid2(struct kvm_ioctl_call *call)
{
	return fill(call->arg, call->count, call->vcpu->cpuid.entries, call->vcpu->cpuid.nent);
}

static long ioctl_get_supported(struct kvm_ioctl_call *call)
{
	const struct kvm_cpuid_entry2 *e;
	u32 nent;

	e = kvm_cpuid_supported_table(&nent);
	return fill(call->arg, call->count, e, nent);
}

/* Instructions that the guest may be told of though the host's CPU lacks them: none yet. */
static long ioctl_get_emulated(struct kvm_ioctl_call *call)
{
	static const struct kvm_cpuid_entry2 none = { .function = 0 };

	return fill(call->arg, call->count, &none, 1);
}

#define CPUID_ARRAY(flag)                                                                          \
	.flags = IOC_ARRAY | (flag), .count_offset = offsetof(struct kvm_cpuid2, nent),            \
	.elem_size = sizeof(struct kvm_cpuid_entry2), .max_count = KVM_MAX_CPUID_ENTRIES

const struct kvm_ioctl_row kvm_cpuid_system_ioctls[] = {
	{ KVM_GET_SUPPORTED_CPUID, ioctl_get_supported, CPUID_ARRAY(IOC_HEADER_IN | IOC_CLAMP) },
	{ KVM_GET_EMULATED_CPUID, ioctl_get_emulated, CPUID_ARRAY(IOC_HEADER_IN | IOC_CLAMP) },
	{}
};

const struct kvm_ioctl_row kvm_cpuid_vcpu_ioctls[] = {
	{ KVM_SET_CPUID, ioctl_set_cpuid, .flags = IOC_ARRAY | IOC_VCPU_LOADED,
	  .count_offset = offsetof(struct kvm_cpuid, nent),
	  .elem_size = sizeof(struct kvm_cpuid_entry), .max_count = KVM_MAX_CPUID_ENTRIES },
	{ KVM_SET_CPUID2, ioctl_set_cpuid2, CPUID_ARRAY(IOC_VCPU_LOADED) },
	{ KVM_GET_CPUID2, ioctl_get_cpuid2, CPUID_ARRAY(IOC_HEADER_IN | IOC_CLAMP) },
	{}
};

/* --- CPUID executed -------------------------------------------------------------------------- */

/* No entry: zeros, but for what the manuals say of leaves out of range and of topology leaves. */
static noinline void cpuid_missing(struct kvm_vcpu *vcpu, u32 function, u32 index, u32 regs[4])
{
	const struct kvm_cpuid_entry2 *e;

	memset(regs, 0, 4 * sizeof(regs[0]));
	if (!vcpu->cpuid.nent)
		return;
	e = cpuid_index_nearest(vcpu->cpuid.index, vcpu->cpuid.entries, function, index,
				guest_has(vcpu, KVM_GF_AMD_LIKE));
	if (e) {
		regs[KVM_CPUID_EAX] = e->eax;
		regs[KVM_CPUID_EBX] = e->ebx;
		regs[KVM_CPUID_ECX] = e->ecx;
		regs[KVM_CPUID_EDX] = e->edx;
		return;
	}
	/*
	 * Subleaves behind the last level: level number and x2APIC id stay valid (SDM vol. 2, CPUID
	 * leaf 0BH).
	 */
	if (function == 0xb || function == 0x1f) {
		e = find(vcpu, function, 1);
		if (e) {
			regs[KVM_CPUID_ECX] = index & 0xff;
			regs[KVM_CPUID_EDX] = e->edx;
		}
	}
}

/**
 * kvm_cpuid() - CPUID as the guest executes it
 * @vcpu: the vCPU
 * @eax: in: leaf; out: EAX
 * @ebx: out
 * @ecx: in: subleaf; out: ECX
 * @edx: out
 */
void kvm_cpuid(struct kvm_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	const struct kvm_cpuid_entry2 *e = find(vcpu, *eax, *ecx);
	u32 regs[4];

	if (likely(e)) {
		*eax = e->eax;
		*ebx = e->ebx;
		*ecx = e->ecx;
		*edx = e->edx;
		return;
	}
	cpuid_missing(vcpu, *eax, *ecx, regs);
	*eax = regs[KVM_CPUID_EAX];
	*ebx = regs[KVM_CPUID_EBX];
	*ecx = regs[KVM_CPUID_ECX];
	*edx = regs[KVM_CPUID_EDX];
}

/* Looks it up for itself, so that the handler carries nothing along for a disabled tracepoint. */
static noinline void trace_cpuid(struct kvm_vcpu *vcpu)
{
	u32 function = vcpu->regs.val[KVM_REG_RAX], index = vcpu->regs.val[KVM_REG_RCX];
	u32 eax = function, ebx, ecx = index, edx;
	bool found = find(vcpu, function, index);

	kvm_cpuid(vcpu, &eax, &ebx, &ecx, &edx);
	/* A leaf that isn't there has data if another's is shown in its place. */
	trace_kvm_cpuid(function, index, eax, ebx, ecx, edx, found,
			!found && (eax | ebx | ecx | edx));
}

static noinline void no_entry(struct kvm_vcpu *vcpu)
{
	u64 *val = vcpu->regs.val;
	u32 eax = val[KVM_REG_RAX], ebx, ecx = val[KVM_REG_RCX], edx;

	kvm_cpuid(vcpu, &eax, &ebx, &ecx, &edx);
	val[KVM_REG_RAX] = eax;
	val[KVM_REG_RBX] = ebx;
	val[KVM_REG_RCX] = ecx;
	val[KVM_REG_RDX] = edx;
}

/* Exit handler: CPUID. */
enum kvm_exit_action exit_cpuid(struct kvm_vcpu *vcpu)
{
	const struct kvm_cpuid_entry2 *e;
	u64 *val = vcpu->regs.val;

	if (kvm_cpuid_faults(vcpu)) {
		kvm_inject_gp(vcpu);
		return KVM_RESUME;
	}
	if (trace_kvm_cpuid_enabled())
		trace_cpuid(vcpu);
	e = find(vcpu, val[KVM_REG_RAX], val[KVM_REG_RCX]);
	if (unlikely(!e)) {
		no_entry(vcpu);
		return exit_skip(vcpu);
	}
	val[KVM_REG_RAX] = e->eax;
	val[KVM_REG_RBX] = e->ebx;
	val[KVM_REG_RCX] = e->ecx;
	val[KVM_REG_RDX] = e->edx;
	return exit_skip(vcpu);
}
EXPORT_SYMBOL_NS_GPL(exit_cpuid, GUESTMODE);

/* --- life ------------------------------------------------------------------------------------ */

int kvm_cpuid_vcpu_create(struct kvm_vcpu *vcpu)
{
	vcpu->cpuid.index = kzalloc(sizeof(*vcpu->cpuid.index), GFP_KERNEL_ACCOUNT);
	if (!vcpu->cpuid.index)
		return -ENOMEM;
	derive(vcpu);
	return 0;
}

void kvm_cpuid_vcpu_free(struct kvm_vcpu *vcpu)
{
	kvfree(vcpu->cpuid.entries);
	kfree(vcpu->cpuid.index);
}
