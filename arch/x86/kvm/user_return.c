// SPDX-License-Identifier: GPL-2.0-only
/* User-return MSRs: see user_return.h. */

#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/user-return-notifier.h>
#include <asm/msr.h>

#include "user_return.h"

#define MAX_SLOTS 16

static u32 slot_msr[MAX_SLOTS];
static int nr_slots;

struct user_return_cpu {
	struct user_return_notifier urn;
	bool registered;
	bool known; /* host values were read */
	struct {
		u64 host;
		u64 now;
	} slot[MAX_SLOTS];
};

/* Touched by its own CPU with irqs off. */
static DEFINE_PER_CPU(struct user_return_cpu, user_return_cpus);

static void restore_host(struct user_return_cpu *c)
{
	int i;

	for (i = 0; i < nr_slots; i++)
		if (c->slot[i].now != c->slot[i].host) {
			wrmsrl(slot_msr[i], c->slot[i].host);
			c->slot[i].now = c->slot[i].host;
		}
}

/* Returning to user mode. An IPI that turns virtualization off may have come first. */
static void on_user_return(struct user_return_notifier *urn)
{
	struct user_return_cpu *c = container_of(urn, struct user_return_cpu, urn);
	unsigned long flags;

	local_irq_save(flags);
	if (c->registered) {
		c->registered = false;
		user_return_notifier_unregister(urn);
	}
	local_irq_restore(flags);
	restore_host(c);
}

int kvm_user_return_register(u32 msr)
{
	u64 value;
	int r;

	if (nr_slots == MAX_SLOTS)
		return -ENOSPC;
	preempt_disable();
	r = rdmsrl_safe(msr, &value);
	if (!r)
		r = wrmsrl_safe(msr, value);
	preempt_enable();
	if (r)
		return -ENODEV;
	slot_msr[nr_slots] = msr;
	return nr_slots++;
}
EXPORT_SYMBOL_NS_GPL(kvm_user_return_register, GUESTMODE);

/* The host's values are read once a CPU, before the guest's are ever there. */
static void learn_host(struct user_return_cpu *c)
{
	int i;

	for (i = 0; i < nr_slots; i++) {
		rdmsrl(slot_msr[i], c->slot[i].host);
		c->slot[i].now = c->slot[i].host;
	}
	c->known = true;
}

static void register_notifier(struct user_return_cpu *c)
{
	c->urn.on_user_return = on_user_return;
	user_return_notifier_register(&c->urn);
	c->registered = true;
}

void kvm_user_return_set(int slot, u64 value)
{
	struct user_return_cpu *c = this_cpu_ptr(&user_return_cpus);

	lockdep_assert_irqs_disabled();
	if (unlikely(!c->known))
		learn_host(c);
	if (c->slot[slot].now == value || wrmsrl_safe(slot_msr[slot], value))
		return;
	c->slot[slot].now = value;
	if (!c->registered)
		register_notifier(c);
}
EXPORT_SYMBOL_NS_GPL(kvm_user_return_set, GUESTMODE);

void kvm_user_return_cpu_off(void)
{
	struct user_return_cpu *c = this_cpu_ptr(&user_return_cpus);

	if (c->registered)
		on_user_return(&c->urn);
}

void kvm_user_return_reset(void)
{
	int cpu;

	nr_slots = 0;
	for_each_possible_cpu(cpu)
		per_cpu(user_return_cpus, cpu).known = false;
}
