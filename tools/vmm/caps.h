/* SPDX-License-Identifier: GPL-2.0-only */
/* What a KVM offers: asked once, row by row, before anything of it is used. */
#ifndef VMM_CAPS_H
#define VMM_CAPS_H

#include <stdbool.h>
#include <stddef.h>

#include "status.h"

enum cap_id {
	CAP_USER_MEMORY,
	CAP_IRQCHIP,
	CAP_EXT_CPUID,
	CAP_IMMEDIATE_EXIT,
	CAP_SET_TSS_ADDR,
	CAP_SET_IDENTITY_MAP_ADDR,
	CAP_IRQ_ROUTING,
	CAP_PIT2,
	CAP_TSC_DEADLINE_TIMER,
	CAP_NR_VCPUS,
	CAP_MAX_VCPUS,
	CAP_MAX_VCPU_ID,
	CAP_X2APIC_API,
	CAP_ADJUST_CLOCK,
	CAP_TSC_KHZ,
	CAP_IRQFD,
	CAP_IOEVENTFD,
	CAP_SIGNAL_MSI,
	CAP_NR_MEMSLOTS,
	CAP_READONLY_MEM,
	CAP_COALESCED_MMIO,
	CAP_VCPU_EVENTS,
	CAP_XSAVE,
	CAP_DIRTY_LOG_RING,
	CAP_SPLIT_IRQCHIP,
	CAP_NR,
};

enum cap_need {
	CAP_REQUIRED,	/* vmm doesn't run without */
	CAP_USED,	/* used where there */
	CAP_NOTED,	/* not used yet; vmm check tells */
};

struct cap_row {
	int number;		/* the ABI's KVM_CAP_* */
	enum cap_need need;
	const char *name;
	const char *words;	/* what it is good for */
};

extern const struct cap_row cap_rows[CAP_NR];

struct caps {
	int value[CAP_NR];	/* as KVM_CHECK_EXTENSION answers; 0 is absent */
};

enum status caps_open_kvm(const char *path, int *fd);
void caps_read(int kvm_fd, struct caps *caps);
enum status caps_require(const struct caps *caps);
unsigned int caps_max_vcpus(const struct caps *caps);

static inline bool caps_has(const struct caps *caps, enum cap_id id)
{
	return caps->value[id] > 0;
}

#endif
