// SPDX-License-Identifier: GPL-2.0-only
/* Segments and what follows from them: privilege level, 64-bit code. */

#include <linux/module.h>

#include "access.h"

/**
 * kvm_cpl() - current privilege level
 * @vcpu: the vCPU, loaded
 *
 * SS.DPL is the CPL in all modes (APM vol. 2, 15.5.1; SDM vol. 3, 24.4.1); vendors keep it so in
 * real mode too.
 */
int kvm_cpl(struct kvm_vcpu *vcpu)
{
	return kvm_reg_read(vcpu, KVM_REG_CPL);
}
EXPORT_SYMBOL_NS_GPL(kvm_cpl, GUESTMODE);

bool kvm_is_64bit_code(struct kvm_vcpu *vcpu)
{
	return kvm_is_long_mode(vcpu) && kvm_reg_read(vcpu, KVM_REG_CS_L);
}
EXPORT_SYMBOL_NS_GPL(kvm_is_64bit_code, GUESTMODE);
