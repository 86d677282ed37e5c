/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What enter.S and the C code share: offsets in struct vmx_entry (asserted in run.c), its flags and
 * the one VMCS field that the assembly writes.
 */
#ifndef GUESTMODE_VMX_ENTER_H
#define GUESTMODE_VMX_ENTER_H

#define ENTRY_GPR 0
#define ENTRY_HOST_RSP 8
#define ENTRY_SPEC_GUEST 16
#define ENTRY_SPEC_HOST 24
#define ENTRY_FLAGS 32

/* Bit numbers. The VMCS was launched before: VMRESUME. */
#define ENTRY_RESUME_BIT 0
/* The guest may write SPEC_CTRL without an exit: read it back. */
#define ENTRY_SPEC_READ_BIT 1
#define ENTRY_RESUME (1 << ENTRY_RESUME_BIT)
#define ENTRY_SPEC_READ (1 << ENTRY_SPEC_READ_BIT)

/* HOST_RSP of SDM vol. 3, B.4.4 */
#define FIELD_HOST_RSP 0x6c14

#endif
