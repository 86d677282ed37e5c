// SPDX-License-Identifier: GPL-2.0-only
/* vCPUs: creation, the vCPU's file, loading and unloading, requests and kicks, sleeping in HLT. */

#include <linux/anon_inodes.h>
#include <linux/cpumask.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <trace/events/ipi.h>

#include "arch.h"
#include "core.h"
#include "ioctl.h"
#include "trace.h"
#include "vcpu.h"

static unsigned int halt_poll_ns = 200000;
module_param(halt_poll_ns, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns,
		 "longest busy wait in HLT before the vCPU's thread sleeps, ns (0: none)");

static unsigned int halt_poll_ns_grow = 2;
module_param(halt_poll_ns_grow, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns_grow,
		 "factor by which a vCPU's busy wait grows when it would have paid");

static unsigned int halt_poll_ns_grow_start = 10000;
module_param(halt_poll_ns_grow_start, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns_grow_start, "first busy wait, ns");

static unsigned int halt_poll_ns_shrink = 2;
module_param(halt_poll_ns_shrink, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns_shrink,
		 "divisor by which a busy wait that did not pay shrinks (0: to none)");

static DEFINE_PER_CPU(struct kvm_vcpu *, running_vcpu);
static DEFINE_PER_CPU(cpumask_var_t, kick_mask); /* preemption off */

/* --- loading --------------------------------------------------------------------------------- */

struct kvm_vcpu *kvm_running_vcpu(void)
{
	struct kvm_vcpu *vcpu;

	preempt_disable();
	vcpu = __this_cpu_read(running_vcpu);
	preempt_enable();
	return vcpu;
}
EXPORT_SYMBOL_NS_GPL(kvm_running_vcpu, GUESTMODE);

/* The thread comes back to a CPU, maybe another one. */
static void sched_in(struct preempt_notifier *pn, int cpu)
{
	struct kvm_vcpu *vcpu = container_of(pn, struct kvm_vcpu, preempt_notifier);

	WRITE_ONCE(vcpu->preempted, false);
	WRITE_ONCE(vcpu->ready, false);
	__this_cpu_write(running_vcpu, vcpu);
	kvm_arch_vcpu_load(vcpu, cpu);
	WRITE_ONCE(vcpu->scheduled_out, false);
}

static void sched_out(struct preempt_notifier *pn, struct task_struct *next)
{
	struct kvm_vcpu *vcpu = container_of(pn, struct kvm_vcpu, preempt_notifier);

	WRITE_ONCE(vcpu->scheduled_out, true);
	if (!READ_ONCE(current->__state)) {
		WRITE_ONCE(vcpu->preempted, true);
		WRITE_ONCE(vcpu->ready, true);
	}
	kvm_arch_vcpu_put(vcpu);
	__this_cpu_write(running_vcpu, NULL);
}

static struct preempt_ops preempt_ops = { .sched_in = sched_in, .sched_out = sched_out };

/**
 * kvm_vcpu_load() - put a vCPU's state on this CPU; it follows the thread until kvm_vcpu_put()
 * @vcpu: the vCPU; vcpu->mutex held
 */
void kvm_vcpu_load(struct kvm_vcpu *vcpu)
{
	int cpu = get_cpu();

	__this_cpu_write(running_vcpu, vcpu);
	preempt_notifier_register(&vcpu->preempt_notifier);
	kvm_arch_vcpu_load(vcpu, cpu);
	put_cpu();
}

void kvm_vcpu_put(struct kvm_vcpu *vcpu)
{
	preempt_disable();
	kvm_arch_vcpu_put(vcpu);
	preempt_notifier_unregister(&vcpu->preempt_notifier);
	__this_cpu_write(running_vcpu, NULL);
	preempt_enable();
}

/* --- requests and kicks ---------------------------------------------------------------------- */

/**
 * kvm_make_request() - leave work for a vCPU's thread, without waking or kicking it
 * @req: the request
 * @vcpu: whose
 *
 * Context: any. What the request refers to must be written before: set_bit is ordered after it.
 */
void kvm_make_request(enum kvm_request req, struct kvm_vcpu *vcpu)
{
	/* Pairs with smp_mb__after_atomic() in the run loop's serving of requests. */
	smp_wmb();
	set_bit(req, &vcpu->requests);
}
EXPORT_SYMBOL_NS_GPL(kvm_make_request, GUESTMODE);

static void ack_kick(void *unused)
{
}

/* KVM_NR_REQS: no request, guest mode only ends. */
static void make_all(struct kvm *kvm, enum kvm_request req)
{
	struct kvm_vcpu *vcpu;
	struct cpumask *mask;
	unsigned long idx;
	int me, cpu;

	me = get_cpu();
	mask = this_cpu_cpumask_var_ptr(kick_mask);
	cpumask_clear(mask);
	kvm_for_each_vcpu(idx, vcpu, kvm)
	{
		if (req != KVM_NR_REQS)
			kvm_make_request(req, vcpu);
		/*
		 * Request before mode: pairs with the full barrier between mode and requests in the
		 * run loop. Either we see IN_GUEST_MODE or it sees the request.
		 */
		smp_mb();
		/* And what the exit left behind: pairs with the release in the run loop. */
		if (smp_load_acquire(&vcpu->mode) == OUTSIDE_GUEST_MODE)
			continue;
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu >= 0 && cpu != me)
			cpumask_set_cpu(cpu, mask);
	}
	if (!cpumask_empty(mask))
		smp_call_function_many(mask, ack_kick, NULL, true);
	put_cpu();
}

/**
 * kvm_make_all_request() - leave work for all vCPUs of a VM and make them see it
 * @kvm: the VM
 * @req: the request
 *
 * Context: interrupts on; spinlocks may be held, but none that is taken with irqs off.
 * On return no vCPU is in guest mode that has not seen the request.
 */
void kvm_make_all_request(struct kvm *kvm, enum kvm_request req)
{
	make_all(kvm, req);
}

/**
 * kvm_make_all_exit() - end guest mode on all vCPUs of a VM; they enter again at once
 * @kvm: the VM
 *
 * Context: as kvm_make_all_request(). On return whatever guest mode was entered before the call has
 * ended, and the vendor's exit_irqoff has run behind it.
 */
void kvm_make_all_exit(struct kvm *kvm)
{
	make_all(kvm, KVM_NR_REQS);
}

void kvm_make_all_request_nowait(struct kvm *kvm, enum kvm_request req)
{
	struct kvm_vcpu *vcpu;
	unsigned long idx;

	kvm_for_each_vcpu(idx, vcpu, kvm)
	{
		kvm_make_request(req, vcpu);
		kvm_vcpu_kick(vcpu);
	}
}

/**
 * kvm_vcpu_wake_up() - end the vCPU's sleep in HLT, if it sleeps
 * @vcpu: the vCPU
 *
 * Context: any. Return: it did sleep.
 */
bool kvm_vcpu_wake_up(struct kvm_vcpu *vcpu)
{
	if (!rcuwait_wake_up(&vcpu->wait))
		return false;
	WRITE_ONCE(vcpu->ready, true);
	return true;
}
EXPORT_SYMBOL_NS_GPL(kvm_vcpu_wake_up, GUESTMODE);

/**
 * kvm_vcpu_kick() - make the vCPU look at its requests and events soon
 * @vcpu: the vCPU; asleep, in guest mode or on its way there
 *
 * Context: any.
 */
void kvm_vcpu_kick(struct kvm_vcpu *vcpu)
{
	int me, cpu;

	if (kvm_vcpu_wake_up(vcpu))
		return;
	me = get_cpu();
	/*
	 * On its own CPU we are in its thread, or in an interrupt that ended guest mode or came
	 * before the last look: EXITING_GUEST_MODE makes that look fail. Elsewhere only guest mode
	 * needs an IPI; cmpxchg also orders the caller's event before the read of mode.
	 */
	if (cmpxchg(&vcpu->mode, IN_GUEST_MODE, EXITING_GUEST_MODE) == IN_GUEST_MODE) {
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu != me && cpu >= 0 && cpu < nr_cpu_ids && cpu_online(cpu))
			smp_send_reschedule(cpu);
	}
	put_cpu();
}
EXPORT_SYMBOL_NS_GPL(kvm_vcpu_kick, GUESTMODE);

/* --- sleeping -------------------------------------------------------------------------------- */

/* *runnable: because the vCPU has something to do. To ask for that takes its time: once a look. */
static bool block_ends(struct kvm_vcpu *vcpu, bool *runnable)
{
	*runnable = kvm_arch_vcpu_runnable(vcpu);
	return *runnable || signal_pending(current) || READ_ONCE(vcpu->kvm->dead);
}

static void count_poll(struct kvm_vcpu *vcpu, u64 ns, bool success, bool runnable)
{
	struct kvm_vcpu_stat *stat = &vcpu->stat;

	if (success) {
		stat->halt_successful_poll++;
		if (!runnable)
			stat->halt_poll_invalid++;
		stat->halt_poll_success_ns += ns;
		kvm_stat_hist(stat->halt_poll_success_hist, ns);
	} else {
		stat->halt_poll_fail_ns += ns;
		kvm_stat_hist(stat->halt_poll_fail_hist, ns);
	}
}

/*
 * Busy-wait for an event: a wake-up costs more than many waits last. *now: start, and when the
 * clock was read last.
 */
static bool halt_poll(struct kvm_vcpu *vcpu, ktime_t *now, bool *runnable)
{
	ktime_t start = *now, stop = ktime_add_ns(start, vcpu->halt_poll_ns);
	bool ended;

	vcpu->stat.halt_attempted_poll++;
	for (;;) {
		ended = block_ends(vcpu, runnable);
		if (ended)
			break;
		cpu_relax();
		if (need_resched())
			break;
		*now = ktime_get();
		if (!ktime_before(*now, stop))
			break;
	}
	count_poll(vcpu, ktime_to_ns(ktime_sub(*now, start)), ended, *runnable);
	return ended;
}

/* The longest busy wait, ns: the VM's own, or the module's parameter as it is now. */
static unsigned int poll_limit(const struct kvm_vcpu *vcpu)
{
	/* Pairs with kvm_set_halt_poll(). */
	if (smp_load_acquire(&vcpu->kvm->own_halt_poll))
		return READ_ONCE(vcpu->kvm->max_halt_poll_ns);
	return READ_ONCE(halt_poll_ns);
}

/**
 * kvm_set_halt_poll() - KVM_CAP_HALT_POLL: this VM's own bound, in place of the module's parameter
 * @kvm: the VM; kvm->lock held
 * @max_ns: longest busy wait in HLT, ns
 */
void kvm_set_halt_poll(struct kvm *kvm, unsigned int max_ns)
{
	WRITE_ONCE(kvm->max_halt_poll_ns, max_ns);
	/* Pairs with poll_limit(). */
	smp_store_release(&kvm->own_halt_poll, true);
}

/* The wait took block_ns in all: would polling longer have caught it, or was it in vain? */
static void adapt_poll(struct kvm_vcpu *vcpu, u64 block_ns)
{
	unsigned int limit = poll_limit(vcpu), now = vcpu->halt_poll_ns;

	if (block_ns <= now)
		return;
	if (block_ns < limit)
		now = now ? now * max(READ_ONCE(halt_poll_ns_grow), 1u) :
			    READ_ONCE(halt_poll_ns_grow_start);
	else
		now = READ_ONCE(halt_poll_ns_shrink) ? now / READ_ONCE(halt_poll_ns_shrink) : 0;
	now = min(now, limit);
	if (now != vcpu->halt_poll_ns)
		trace_kvm_halt_poll_ns(now > vcpu->halt_poll_ns, vcpu->vcpu_id, now,
				       vcpu->halt_poll_ns);
	vcpu->halt_poll_ns = now;
}

static void count_sleep(struct kvm_vcpu *vcpu, u64 ns, bool runnable)
{
	if (runnable)
		vcpu->stat.halt_wakeup++;
	vcpu->stat.halt_wait_ns += ns;
	kvm_stat_hist(vcpu->stat.halt_wait_hist, ns);
}

/**
 * kvm_vcpu_block() - wait until the vCPU has something to do, or its thread gets a signal
 * @vcpu: the vCPU, loaded
 *
 * Context: the vCPU's thread; kvm->srcu not held: a sleeper would stall all memslot changes.
 * Return: it has something to do, by the last look.
 */
bool kvm_vcpu_block(struct kvm_vcpu *vcpu)
{
	unsigned int limit = poll_limit(vcpu);
	ktime_t start = ktime_get(), now = start;
	bool slept = false, runnable;

	if (vcpu->halt_poll_ns > limit)
		vcpu->halt_poll_ns = limit;
	if (!vcpu->halt_poll_ns || !kvm_arch_vcpu_may_poll(vcpu) ||
	    !halt_poll(vcpu, &now, &runnable)) {
		WRITE_ONCE(vcpu->stat.blocking, 1);
		prepare_to_rcuwait(&vcpu->wait);
		for (;;) {
			set_current_state(TASK_INTERRUPTIBLE);
			if (block_ends(vcpu, &runnable))
				break;
			slept = true;
			schedule();
		}
		finish_rcuwait(&vcpu->wait);
		WRITE_ONCE(vcpu->stat.blocking, 0);
	}
	if (slept || !vcpu->halt_poll_ns) {
		ktime_t end = ktime_get();

		if (slept)
			count_sleep(vcpu, ktime_to_ns(ktime_sub(end, now)), runnable);
		now = end;
		adapt_poll(vcpu, ktime_to_ns(ktime_sub(end, start)));
	}
	trace_kvm_vcpu_wakeup(ktime_to_ns(ktime_sub(now, start)), slept, runnable);
	return runnable;
}

/* --- the vCPU's file ------------------------------------------------------------------------- */

static vm_fault_t vcpu_fault(struct vm_fault *vmf)
{
	struct kvm_vcpu *vcpu = vmf->vma->vm_file->private_data;

	if (vmf->pgoff == KVM_COALESCED_MMIO_PAGE_OFFSET)
		vmf->page = vcpu->kvm->coalesced.page;
	else if (vmf->pgoff < KVM_VCPU_PAGES)
		vmf->page = vcpu->run_pages + vmf->pgoff;
	else
		return VM_FAULT_SIGBUS;
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct vcpu_vm_ops = { .fault = vcpu_fault };

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	/* Code would be the kernel's to write and the guest's to choose: data only. */
	if (vma->vm_flags & VM_EXEC)
		return -EINVAL;
	vma->vm_ops = &vcpu_vm_ops;
	return 0;
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	struct kvm_vcpu *vcpu = file->private_data;

	kvm_put(vcpu->kvm);
	return 0;
}

static long ioctl_get_stats_fd(struct kvm_ioctl_call *call)
{
	return kvm_vcpu_stats_fd(call->vcpu);
}

static const struct kvm_ioctl_row vcpu_ioctls[] = {
	{ KVM_GET_STATS_FD, ioctl_get_stats_fd, IOC_ARG_VALUE | IOC_NO_VCPU_MUTEX },
	{}
};

/*
 * KVM_RUN is no row: nothing that a row says concerns it, and to find one and follow it costs as
 * much as a seventh of an exit.
 */
static long vcpu_run(struct kvm_vcpu *vcpu, unsigned long value)
{
	long r;

	if (value)
		return -EINVAL;
	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	r = kvm_arch_vcpu_run(vcpu);
	mutex_unlock(&vcpu->mutex);
	return r;
}

static long vcpu_call(struct file *file, unsigned int cmd, unsigned long value, bool compat)
{
	struct kvm_vcpu *vcpu = file->private_data;
	struct kvm_ioctl_call call;

	if (vcpu->kvm->mm != current->mm || READ_ONCE(vcpu->kvm->dead))
		return -EIO;
	if (likely(cmd == KVM_RUN))
		return vcpu_run(vcpu, value);
	if (unlikely(_IOC_TYPE(cmd) != KVMIO))
		return -EINVAL;
	call = (struct kvm_ioctl_call){ .kvm = vcpu->kvm, .vcpu = vcpu, .file = file,
					.compat = compat, .unknown = -EINVAL };
	return kvm_ioctl_dispatch(vcpu_ioctls, kvm_arch_vcpu_tables, &call, cmd, value);
}

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long value)
{
	return vcpu_call(file, cmd, value, false);
}

static long vcpu_compat_ioctl(struct file *file, unsigned int cmd, unsigned long value)
{
	return vcpu_call(file, cmd, value, true);
}

struct file_operations kvm_vcpu_fops = {
	.release = vcpu_release,
	.unlocked_ioctl = vcpu_ioctl,
	.compat_ioctl = vcpu_compat_ioctl,
	.mmap = vcpu_mmap,
	.llseek = noop_llseek,
};

/* --- life ------------------------------------------------------------------------------------ */

static struct kvm_vcpu *vcpu_alloc(struct kvm *kvm, u32 id)
{
	struct kvm_vcpu *vcpu;
	int r = -ENOMEM;

	vcpu = kvzalloc(kvm_arch_vcpu_size(), GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	/* One compound page, so that a page that userspace still maps keeps all alive. */
	vcpu->run_pages = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_COMP,
				      order_base_2(KVM_VCPU_PAGES));
	if (!vcpu->run_pages)
		goto err;
	vcpu->run = page_address(vcpu->run_pages);
	vcpu->io.pio_data = (void *)vcpu->run + KVM_PIO_DATA_PAGE * PAGE_SIZE;
	vcpu->kvm = kvm;
	vcpu->vcpu_id = id;
	vcpu->cpu = -1;
	mutex_init(&vcpu->mutex);
	rcuwait_init(&vcpu->wait);
	preempt_notifier_init(&vcpu->preempt_notifier, &preempt_ops);
	r = kvm_arch_vcpu_create(vcpu);
	if (r)
		goto err_pages;
	return vcpu;

err_pages:
	put_page(vcpu->run_pages);
err:
	kvfree(vcpu);
	return ERR_PTR(r);
}

/**
 * kvm_vcpu_destroy() - free a vCPU
 * @vcpu: the vCPU: no file refers to it any more, or it was never published
 */
void kvm_vcpu_destroy(struct kvm_vcpu *vcpu)
{
	kvm_arch_vcpu_free(vcpu);
	put_pid(rcu_dereference_protected(vcpu->pid, 1));
	put_page(vcpu->run_pages);
	kvfree(vcpu);
}

/**
 * kvm_get_vcpu_by_id() - find a vCPU
 * @kvm: the VM
 * @id: vCPU id, which is the initial APIC id
 *
 * Context: any; vCPUs stay while the VM does. Return: the vCPU or NULL.
 */
struct kvm_vcpu *kvm_get_vcpu_by_id(struct kvm *kvm, int id)
{
	struct kvm_vcpu *vcpu = id >= 0 ? xa_load(&kvm->vcpus, id) : NULL;
	unsigned long idx;

	/* Nearly everybody numbers them from 0 without gaps. */
	if (vcpu && vcpu->vcpu_id == id)
		return vcpu;
	kvm_for_each_vcpu(idx, vcpu, kvm) if (vcpu->vcpu_id == id) return vcpu;
	return NULL;
}
EXPORT_SYMBOL_NS_GPL(kvm_get_vcpu_by_id, GUESTMODE);

struct kvm_vcpu *kvm_get_vcpu(struct kvm *kvm, int idx)
{
	return xa_load(&kvm->vcpus, idx);
}
EXPORT_SYMBOL_NS_GPL(kvm_get_vcpu, GUESTMODE);

/*
 * kvm->lock held: make the vCPU visible under the next index, and give it a file. All that can fail
 * comes first: what others have seen is never withdrawn.
 */
static long vcpu_publish(struct kvm *kvm, struct kvm_vcpu *vcpu)
{
	int idx = atomic_read(&kvm->online_vcpus), fd, r;
	struct file *file;

	r = xa_reserve(&kvm->vcpus, idx, GFP_KERNEL_ACCOUNT);
	if (r)
		return r;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		r = fd;
		goto err_reserved;
	}
	kvm_get(kvm);
	file = anon_inode_getfile("kvm-vcpu", &kvm_vcpu_fops, vcpu, O_RDWR);
	if (IS_ERR(file)) {
		r = PTR_ERR(file);
		goto err_fd;
	}
	vcpu->vcpu_idx = idx;
	xa_store(&kvm->vcpus, idx, vcpu, GFP_KERNEL_ACCOUNT);
	/* Pairs with readers of online_vcpus: index first, count afterwards. */
	smp_wmb();
	atomic_inc(&kvm->online_vcpus);
	kvm_stats_vcpu_add(vcpu);
	fd_install(fd, file);
	return fd;

err_fd:
	kvm_put(kvm);
	put_unused_fd(fd);
err_reserved:
	xa_release(&kvm->vcpus, idx);
	return r;
}

/**
 * kvm_vcpu_create_fd() - KVM_CREATE_VCPU
 * @kvm: the VM
 * @id: vCPU id
 *
 * Return: a file descriptor; -EINVAL (id or number of vCPUs too large), -EEXIST, -ENOMEM, -EMFILE.
 */
long kvm_vcpu_create_fd(struct kvm *kvm, u32 id)
{
	struct kvm_vcpu *vcpu;
	long r;

	mutex_lock(&kvm->lock);
	r = kvm_arch_vcpu_check(kvm, id);
	if (!r && atomic_read(&kvm->online_vcpus) >= KVM_MAX_VCPUS)
		r = -EINVAL;
	if (!r && kvm_get_vcpu_by_id(kvm, id))
		r = -EEXIST;
	if (r)
		goto out;
	vcpu = vcpu_alloc(kvm, id);
	if (IS_ERR(vcpu)) {
		r = PTR_ERR(vcpu);
		goto out;
	}
	r = vcpu_publish(kvm, vcpu);
	if (r < 0)
		kvm_vcpu_destroy(vcpu);
out:
	mutex_unlock(&kvm->lock);
	return r;
}

int kvm_vcpu_module_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		if (!zalloc_cpumask_var_node(&per_cpu(kick_mask, cpu), GFP_KERNEL,
					     cpu_to_node(cpu))) {
			kvm_vcpu_module_exit();
			return -ENOMEM;
		}
	return 0;
}

void kvm_vcpu_module_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		free_cpumask_var(per_cpu(kick_mask, cpu));
}
