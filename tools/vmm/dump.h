/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_DUMP_H
#define VMM_DUMP_H

struct vcpu;

void dump_vcpu(struct vcpu *vcpu);
void dump_vcpu_waits(struct vcpu *vcpu);

#endif
