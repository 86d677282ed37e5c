// SPDX-License-Identifier: GPL-2.0-only
/* Virtualization on each CPU: on at load, off for offline CPUs, suspend, reboot and unload. */

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/percpu.h>
#include <linux/reboot.h>
#include <linux/smp.h>
#include <linux/syscore_ops.h>
#include <asm/reboot.h>

#include "arch.h"
#include "compat.h"
#include "percpu.h"

static DEFINE_PER_CPU(bool, enabled); /* touched by its own CPU only, irqs off */
static atomic_t enable_errors;

static int enable_this_cpu(void)
{
	int r;

	if (__this_cpu_read(enabled))
		return 0;
	r = kvm_arch_cpu_enable();
	if (!r)
		__this_cpu_write(enabled, true);
	return r;
}

static void disable_this_cpu(void)
{
	if (!__this_cpu_read(enabled))
		return;
	__this_cpu_write(enabled, false);
	kvm_arch_cpu_disable();
}

static void enable_ipi(void *unused)
{
	if (enable_this_cpu())
		atomic_inc(&enable_errors);
}

static void disable_ipi(void *unused)
{
	disable_this_cpu();
}

/*
 * A CPU comes: it gets virtualization before a task that runs a vCPU can be put there. (Where the
 * state is in the STARTING section a failure can't stop the CPU any more; the vendor's entry code
 * then finds the CPU not enabled and refuses.)
 */
static int cpu_comes(unsigned int cpu)
{
	unsigned long flags;
	int r;

	local_irq_save(flags);
	r = enable_this_cpu();
	local_irq_restore(flags);
	if (r)
		pr_err("kvm: CPU %u: enabling virtualization failed (%d)\n", cpu, r);
	return r;
}

static int cpu_goes(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	disable_this_cpu();
	local_irq_restore(flags);
	return 0;
}

/* Suspend: only the boot CPU is left by then; the hotplug states served the others. irqs off. */
static int percpu_suspend(COMPAT_SYSCORE_ARG)
{
	disable_this_cpu();
	kvm_arch_host_sleeps();
	return 0;
}

static void percpu_resume(COMPAT_SYSCORE_ARG)
{
	kvm_arch_host_wakes();
	WARN_ON_ONCE(enable_this_cpu());
}

/* Reboot and kexec: firmware and the next kernel must find virtualization off everywhere. */
static void percpu_shutdown(COMPAT_SYSCORE_ARG)
{
	on_each_cpu(disable_ipi, NULL, 1);
}

/*
 * The same, for kexec in kernels that don't call the above then. Tasks still run and a CPU may
 * still come; a vCPU's entry finds virtualization off and ends KVM_RUN.
 */
static int percpu_reboot(struct notifier_block *nb, unsigned long how, void *arg)
{
	on_each_cpu(disable_ipi, NULL, 1);
	return NOTIFY_DONE;
}

static struct notifier_block percpu_reboot_notifier = { .notifier_call = percpu_reboot };

/*
 * A crash: kdump's kernel must find it off. Maybe in an NMI: no locks, and each instruction of the
 * vendor's may fault.
 */
static void percpu_emergency(void)
{
	if (this_cpu_read(enabled))
		kvm_arch_cpu_emergency();
}

COMPAT_DEFINE_SYSCORE(percpu_syscore, percpu_suspend, percpu_resume, percpu_shutdown);

/**
 * percpu_enable_all() - turn virtualization on on all CPUs, those to come included
 *
 * Context: may sleep.
 * Return: 0; -EBUSY or -EIO if one refused: then it is off everywhere.
 */
int percpu_enable_all(void)
{
	int r;

	atomic_set(&enable_errors, 0);
	cpus_read_lock();
	on_each_cpu(enable_ipi, NULL, 1);
	if (atomic_read(&enable_errors)) {
		on_each_cpu(disable_ipi, NULL, 1);
		cpus_read_unlock();
		return -EBUSY;
	}
	r = cpuhp_setup_state_nocalls_cpuslocked(COMPAT_CPUHP_KVM, "guestmode/cpu:online",
						 cpu_comes, cpu_goes);
	if (r)
		on_each_cpu(disable_ipi, NULL, 1);
	cpus_read_unlock();
	if (r)
		return r;
	compat_register_syscore(&percpu_syscore);
	register_reboot_notifier(&percpu_reboot_notifier);
	cpu_emergency_register_virt_callback(percpu_emergency);
	return 0;
}

/**
 * percpu_disable_all() - undo percpu_enable_all(); no VM exists any more
 */
void percpu_disable_all(void)
{
	cpu_emergency_unregister_virt_callback(percpu_emergency);
	unregister_reboot_notifier(&percpu_reboot_notifier);
	compat_unregister_syscore(&percpu_syscore);
	cpus_read_lock();
	cpuhp_remove_state_nocalls_cpuslocked(COMPAT_CPUHP_KVM);
	on_each_cpu(disable_ipi, NULL, 1);
	cpus_read_unlock();
}
