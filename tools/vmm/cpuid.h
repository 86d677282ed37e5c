/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_CPUID_H
#define VMM_CPUID_H

#include <linux/kvm.h>
#include <stdbool.h>

#include "status.h"

enum status cpuid_get_supported(int kvm_fd, struct kvm_cpuid2 **cpuid);
const struct kvm_cpuid_entry2 *cpuid_find(const struct kvm_cpuid2 *cpuid, __u32 function,
					  __u32 index);
struct kvm_cpuid2 *cpuid_for_vcpu(const struct kvm_cpuid2 *supported, unsigned int id,
				  unsigned int nr, bool tsc_deadline);
unsigned int cpuid_phys_bits(const struct kvm_cpuid2 *cpuid);

#endif
