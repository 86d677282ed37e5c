/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Control registers, EFER, XCR0: checks and effects (cr.c); segments and modes (access.h); DRs
 * (debug.c).
 */
#ifndef GUESTMODE_CR_H
#define GUESTMODE_CR_H

#include <asm/cpufeature.h>

#include "access.h"

/*
 * As the guest's MOV/LMSW/WRMSR/XSETBV. Return 0, or -EINVAL: the caller injects #GP(0). srcu held,
 * may sleep.
 */
int kvm_set_cr0(struct kvm_vcpu *vcpu, u64 cr0);
int kvm_set_cr3(struct kvm_vcpu *vcpu, u64 cr3);
int kvm_set_cr4(struct kvm_vcpu *vcpu, u64 cr4);
int kvm_set_cr8(struct kvm_vcpu *vcpu, u64 cr8);
u64 kvm_get_cr8(struct kvm_vcpu *vcpu);
int kvm_set_efer(struct kvm_vcpu *vcpu, u64 efer, bool host);
int kvm_set_xcr(struct kvm_vcpu *vcpu, u32 index, u64 value);
bool kvm_valid_sregs(struct kvm_vcpu *vcpu, const struct kvm_sregs *s);

u64 kvm_read_pdpte(struct kvm_vcpu *vcpu, unsigned int nr);
bool kvm_pdpte_valid(struct kvm_vcpu *vcpu, u64 pdpte);

/**
 * kvm_hw_cr4() - CR4 while the guest runs
 * @vcpu: the vCPU
 *
 * MCE is on: a machine check with CR4.MCE=0 would shut the machine down, not the guest. PCIDE is
 * off outside of long mode, where userspace may have set it: an entry would fail (SDM vol. 3,
 * 26.3.1.1).
 */
static inline u64 kvm_hw_cr4(struct kvm_vcpu *vcpu)
{
	u64 cr4 = kvm_cr4(vcpu);

	if (boot_cpu_has(X86_FEATURE_MCE))
		cr4 |= X86_CR4_MCE;
	if (!(vcpu->regs.efer & EFER_LMA))
		cr4 &= ~X86_CR4_PCIDE;
	return cr4;
}

/* After RESET: SDM vol. 3, table 9-1 */
#define KVM_DR6_INIT 0xffff0ff0
#define KVM_DR7_INIT 0x400
#define KVM_DR6_BD BIT(13) /* a debug register was touched under DR7.GD */
#define KVM_DR7_GD BIT(13)

/* debug.c: return 0, -EINVAL (#GP) */
int kvm_set_dr(struct kvm_vcpu *vcpu, int dr, u64 value);
u64 kvm_get_dr(struct kvm_vcpu *vcpu, int dr);
void kvm_update_dr7(struct kvm_vcpu *vcpu);
#define KVM_GUESTDBG_VALID \
	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP | \
	 KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP | \
	 KVM_GUESTDBG_BLOCKIRQ)

/* KVM_SET_GUEST_DEBUG, vCPU loaded: 0, -EBUSY. Each step; RFLAGS as userspace has them. */
long kvm_set_guest_debug(struct kvm_vcpu *vcpu, const struct kvm_guest_debug *debug);
void kvm_debug_stepped(struct kvm_vcpu *vcpu);
u64 kvm_debug_get_rflags(struct kvm_vcpu *vcpu);
void kvm_debug_set_rflags(struct kvm_vcpu *vcpu, u64 rflags);

static inline u64 kvm_canonical(u64 la, int bits)
{
	return (s64)(la << (64 - bits)) >> (64 - bits);
}

static inline bool kvm_is_canonical(struct kvm_vcpu *vcpu, u64 la)
{
	return kvm_canonical(la, kvm_cr4(vcpu) & X86_CR4_LA57 ? 57 : 48) == la;
}

/*
 * An MSR's address is as wide as the CPU's may be, whatever CR4.LA57 says (SDM vol. 3, 4.5.2): the
 * guest writes some of them past us.
 */
static inline u64 kvm_canonical_msr(u64 value)
{
	return kvm_canonical(value, boot_cpu_data.x86_virt_bits);
}

#endif
