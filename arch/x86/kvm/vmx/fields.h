/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMCS fields by what they hold (SDM vol. 3, appendix B); their encodings are those of <asm/vmx.h>.
 */
#ifndef GUESTMODE_VMX_FIELDS_H
#define GUESTMODE_VMX_FIELDS_H

#include <asm/vmx.h>

#include "regs.h"

/*
 * Segment registers stand in one order, two apart, in the groups of selectors, limits, access
 * rights and bases; GDTR and IDTR follow, with base and limit only.
 */
enum vmx_seg {
	VMX_ES,
	VMX_CS,
	VMX_SS,
	VMX_DS,
	VMX_FS,
	VMX_GS,
	VMX_LDTR,
	VMX_TR,
	VMX_GDTR,
	VMX_IDTR
};

#define VMX_SEG_SELECTOR(n) (GUEST_ES_SELECTOR + 2 * (n))
#define VMX_SEG_LIMIT(n) (GUEST_ES_LIMIT + 2 * (n))
#define VMX_SEG_RIGHTS(n) (GUEST_ES_AR_BYTES + 2 * (n))
#define VMX_SEG_BASE(n) (GUEST_ES_BASE + 2 * (n))

static_assert((int)VMX_ES == (int)KVM_SEG_ES && (int)VMX_GS == (int)KVM_SEG_GS);
static_assert((int)VMX_LDTR == (int)KVM_SEG_LDTR && (int)VMX_IDTR == (int)KVM_SEG_IDTR);
static_assert(VMX_SEG_SELECTOR(VMX_TR) == GUEST_TR_SELECTOR);
static_assert(VMX_SEG_LIMIT(VMX_IDTR) == GUEST_IDTR_LIMIT);
static_assert(VMX_SEG_RIGHTS(VMX_TR) == GUEST_TR_AR_BYTES);
static_assert(VMX_SEG_BASE(VMX_GDTR) == GUEST_GDTR_BASE);
static_assert(VMX_SEG_BASE(VMX_IDTR) == GUEST_IDTR_BASE);

/* Access rights (SDM vol. 3, table 24-2) */
#define VMX_AR_TYPE 0xf
#define VMX_AR_S BIT(4)
#define VMX_AR_DPL_BITS 0x60
#define VMX_AR_P BIT(7)
#define VMX_AR_AVL BIT(12)
#define VMX_AR_L BIT(13)
#define VMX_AR_DB BIT(14)
#define VMX_AR_G BIT(15)
#define VMX_AR_UNUSABLE BIT(16)

/* Pending debug exceptions (24.4.2): a breakpoint that DR7 asks for, a single-step trap are due */
#define VMX_PENDING_ENABLED BIT(12)
#define VMX_PENDING_BS BIT(14)

/* Exit qualification of an EPT violation (table 27-7); bit 12 as in the interruption information */
#define VMX_EPT_ACC_WRITE BIT(1)
#define VMX_EPT_ACC_FETCH BIT(2)
#define VMX_EPT_ENTRY_RWX 0x38

/* Exit qualification of CR accesses (table 27-3) */
#define VMX_CR_NUMBER(q) ((q)&0xf)
#define VMX_CR_TYPE(q) ((q) >> 4 & 3)
#define VMX_CR_GPR(q) ((q) >> 8 & 0xf)
#define VMX_CR_LMSW_SOURCE(q) ((q) >> 16 & 0xffff)
enum vmx_cr_type { VMX_CR_WRITE, VMX_CR_READ, VMX_CR_CLTS, VMX_CR_LMSW };

/* Exit qualification of I/O (table 27-5) */
#define VMX_IO_SIZE(q) (((q)&7) + 1)
#define VMX_IO_IN BIT(3)
#define VMX_IO_STRING BIT(4)
#define VMX_IO_REP BIT(5)
#define VMX_IO_PORT(q) ((q) >> 16 & 0xffff)

#define VMX_EXIT_BASIC 0xffff /* of the exit reason */
#define VMX_EXIT_BUS_LOCK BIT(26) /* likewise: a bus lock came with it (24.9.1) */

#endif
