/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_EXIT_H
#define VMM_EXIT_H

struct vcpu;

enum exit_action {
	EXIT_RESUME,	/* enter the guest again */
	EXIT_STOP,	/* the machine ends */
};

enum exit_action exit_handle(struct vcpu *vcpu);
void exit_run_failed(struct vcpu *vcpu, int err);
const char *exit_name(unsigned int reason);

#endif
