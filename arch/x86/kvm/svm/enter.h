/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What enter.S and the C code share: offsets in struct svm_entry (asserted in run.c) and its flags.
 */
#ifndef GUESTMODE_SVM_ENTER_H
#define GUESTMODE_SVM_ENTER_H

#define ENTRY_VMCB_PA 0
#define ENTRY_HOST_PA 8
#define ENTRY_GPR 16
#define ENTRY_SPEC_GUEST 24
#define ENTRY_SPEC_HOST 32
#define ENTRY_FLAGS 40

/* The guest may write SPEC_CTRL without an exit: read it back. */
#define ENTRY_SPEC_READ 1

#endif
