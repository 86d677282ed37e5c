// SPDX-License-Identifier: GPL-2.0-only
// A crash or kexec turns virtualization off through a callback.
#include <asm/reboot.h>

static void callback(void)
{
}

void probe(void);
void probe(void)
{
	cpu_emergency_register_virt_callback(callback);
	cpu_emergency_unregister_virt_callback(callback);
}
