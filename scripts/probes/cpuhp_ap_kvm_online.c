// SPDX-License-Identifier: GPL-2.0-only
// The hotplug state is among the online ones, where callbacks may sleep (6.6 on).
#include <linux/cpuhotplug.h>

int probe(void);
int probe(void)
{
	return CPUHP_AP_KVM_ONLINE;
}
