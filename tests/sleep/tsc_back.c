// SPDX-License-Identifier: GPL-2.0-only
/*
 * tsc_back - each time that the host sleeps its TSC begins anew, on all CPUs in step, as where
 * suspend to memory takes the processors' power. To be loaded before kvm.ko, so that it wakes
 * before it; with another clocksource than the TSC, and without TSC_ADJUST (clearcpuid=289), by
 * which the kernel would mend it.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/syscore_ops.h>
#include <asm/msr.h>
#include <asm/tsc.h>

static u64 back; /* by how much, in all sleeps */
static DEFINE_PER_CPU(u64, set_back);
static int state;

static int set_here(unsigned int cpu)
{
	u64 more = back - __this_cpu_read(set_back);

	if (more)
		wrmsrl(MSR_IA32_TSC, rdtsc() - more);
	__this_cpu_write(set_back, back);
	return 0;
}

static void tsc_wakes(void)
{
	back += rdtsc();
	set_here(smp_processor_id());
}

static struct syscore_ops ops = { .resume = tsc_wakes };

static int __init tsc_back_init(void)
{
	state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "tsc_back:online", set_here, NULL);
	if (state < 0)
		return state;
	register_syscore_ops(&ops);
	return 0;
}

static void __exit tsc_back_exit(void)
{
	unregister_syscore_ops(&ops);
	cpuhp_remove_state_nocalls(state);
}

module_init(tsc_back_init);
module_exit(tsc_back_exit);
MODULE_DESCRIPTION("A host's TSC that begins anew with each sleep");
MODULE_LICENSE("GPL");
