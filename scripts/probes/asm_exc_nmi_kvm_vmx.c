// SPDX-License-Identifier: GPL-2.0-only
// The NMI entry for VMX is an IDT entry of its own; before it was asm_exc_nmi_noist.
#include <asm/idtentry.h>

void probe(void);
void probe(void)
{
	asm_exc_nmi_kvm_vmx();
}
