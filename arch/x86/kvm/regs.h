/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vCPU's registers as the rest of the driver sees them. Some live in hardware (VMCB, VMCS)
 * until somebody asks: `avail` says which values in val[] are current, `dirty` which the vendor
 * must write back before the next entry. Only the vendor clears bits of avail (after an exit) and
 * of dirty.
 */
#ifndef GUESTMODE_REGS_H
#define GUESTMODE_REGS_H

#include <linux/bitops.h>
#include <linux/types.h>

/* 0-15 in the order of instruction encoding; enter.S relies on these offsets. */
enum kvm_reg {
	KVM_REG_RAX,
	KVM_REG_RCX,
	KVM_REG_RDX,
	KVM_REG_RBX,
	KVM_REG_RSP,
	KVM_REG_RBP,
	KVM_REG_RSI,
	KVM_REG_RDI,
	KVM_REG_R8,
	KVM_REG_R9,
	KVM_REG_R10,
	KVM_REG_R11,
	KVM_REG_R12,
	KVM_REG_R13,
	KVM_REG_R14,
	KVM_REG_R15,
	KVM_REG_RIP,
	KVM_REG_RFLAGS,
	KVM_REG_CR0, /* as the guest reads it */
	KVM_REG_CR3,
	KVM_REG_CR4, /* as the guest reads it */
	/* Only read, and void after set_segment: what exits ask of segments. */
	KVM_REG_CPL, /* SS.DPL */
	KVM_REG_CS_L, /* CS.L: 64-bit code in long mode */
	KVM_REG_CS_BASE,
	/* The directory of PAE paging, loaded: kvm_read_pdpte(). */
	KVM_REG_PDPTE0,
	KVM_REG_PDPTE3 = KVM_REG_PDPTE0 + 3,
	KVM_NR_REGS
};

struct kvm_vcpu_regs {
	u64 val[KVM_NR_REGS]; /* [v] */
	u32 avail; /* [v] BIT(reg): val[] is current */
	u32 dirty; /* [v] BIT(reg): hardware must be told */
	u64 cr2; /* [v] always current */
	u64 cr8; /* [v] TPR >> 4 where no in-kernel LAPIC exists */
	u64 efer; /* [v] as the guest reads it */
	u64 xcr0; /* [v] */
	u64 ia32_xss; /* [v] */
	u32 pkru; /* [v] */
	u32 hflags; /* [v] KVM_HF_* */
};

#define KVM_REGS_OF_SEGMENTS \
	(BIT(KVM_REG_CPL) | BIT(KVM_REG_CS_L) | BIT(KVM_REG_CS_BASE))
#define KVM_REGS_OF_PAE (0xf * BIT(KVM_REG_PDPTE0))

/* Segments and descriptor-table registers, for vendor ops get_segment/set_segment. */
enum kvm_seg {
	KVM_SEG_ES,
	KVM_SEG_CS,
	KVM_SEG_SS,
	KVM_SEG_DS,
	KVM_SEG_FS,
	KVM_SEG_GS,
	KVM_SEG_LDTR,
	KVM_SEG_TR,
	KVM_SEG_GDTR, /* base and limit only */
	KVM_SEG_IDTR, /* base and limit only */
	KVM_NR_SEGS
};

#endif
