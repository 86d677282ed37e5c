// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_IRQFD: what is written to an eventfd interrupts the guest, without anybody's ioctl.
 *
 * An edge is a pulse on the GSI. With KVM_IRQFD_FLAG_RESAMPLE the GSI is a level-triggered line,
 * which several devices may share: a signal raises it; when the guest acknowledges it falls, and
 * all devices are told by their resample eventfds, to signal again if they still want something.
 *
 * Each irqfd waits in its eventfd's queue (irqfd_wake()). It is freed by who takes it off the list
 * of active ones: KVM_IRQFD_FLAG_DEASSIGN, the end of the VM, or, when the eventfd's last file is
 * closed, irqfd_wake(), which runs under the queue's lock and so leaves the rest to a work item.
 */

#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "arch.h"
#include "compat.h"
#include "irqfd.h"
#include "vcpu.h"

/* A level-triggered GSI and the irqfds that share it. */
struct resample_line {
	struct kvm *kvm;
	struct kvm_irq_ack ack;
	struct list_head node; /* in kvm->irqfds.lines */
	struct list_head irqfds; /* changed under irqfds.mutex, read under kvm->srcu */
};

struct irqfd {
	struct kvm *kvm;
	u32 gsi;
	struct eventfd_ctx *ctx;
	struct list_head node; /* in irqfds.active or .closed */
	bool active; /* [irqfds.lock] */
	wait_queue_entry_t wait;
	wait_queue_head_t *queue; /* the eventfd's, where @wait is */
	struct poll_table_struct poll;
	struct resample_line *line; /* NULL: an edge */
	struct list_head line_node; /* in line->irqfds */
	struct eventfd_ctx *resample; /* with @line: whom to tell of an acknowledgement */
};

/* --- interrupts ------------------------------------------------------------------------------ */

/* Any context but NMI. */
static void inject(const struct irqfd *irqfd)
{
	if (irqfd->line) {
		irqchip_set_irq(irqfd->kvm, KVM_IRQ_RESAMPLE, irqfd->gsi, 1);
		return;
	}
	irqchip_set_irq(irqfd->kvm, KVM_IRQ_USERSPACE, irqfd->gsi, 1);
	irqchip_set_irq(irqfd->kvm, KVM_IRQ_USERSPACE, irqfd->gsi, 0);
}

/* The guest has acknowledged the line. A vCPU's thread, inside kvm->srcu. */
static void line_acked(struct kvm_irq_ack *ack)
{
	struct resample_line *line = container_of(ack, struct resample_line, ack);
	struct irqfd *irqfd;

	/* Low before devices hear of it: who signals again must find it so. */
	irqchip_set_irq(line->kvm, KVM_IRQ_RESAMPLE, ack->gsi, 0);
	list_for_each_entry_srcu(irqfd, &line->irqfds, line_node,
				 srcu_read_lock_held(&line->kvm->srcu))
		compat_eventfd_signal(irqfd->resample);
}

/* irqfds.lock held; who does it frees the irqfd. */
static void take_off(struct irqfd *irqfd, struct list_head *to)
{
	irqfd->active = false;
	list_move(&irqfd->node, to);
}

/* Its eventfd's last file is closed: nobody can signal or name it. Under the queue's lock. */
static void irqfd_closed(struct irqfd *irqfd)
{
	struct kvm_irqfds *irqfds = &irqfd->kvm->irqfds;
	unsigned long flags;

	spin_lock_irqsave(&irqfds->lock, flags);
	if (irqfd->active) {
		take_off(irqfd, &irqfds->closed);
		schedule_work(&irqfds->reap);
	}
	spin_unlock_irqrestore(&irqfds->lock, flags);
}

/* Somebody signals, or closes; under the queue's lock, in any context but NMI. */
static int irqfd_wake(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct irqfd *irqfd = container_of(wait, struct irqfd, wait);
	__poll_t events = key_to_poll(key);
	u64 count;
	int woken = 0;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(irqfd->ctx, &count);
		inject(irqfd);
		woken = 1;
	}
	if (events & EPOLLHUP)
		irqfd_closed(irqfd);
	return woken;
}

static void irqfd_queued(struct file *file, wait_queue_head_t *queue, poll_table *poll)
{
	struct irqfd *irqfd = container_of(poll, struct irqfd, poll);

	irqfd->queue = queue;
	/* Before those who read: what interrupts the guest is nobody else's. */
	add_wait_queue_priority(queue, &irqfd->wait);
}

/* --- lines ----------------------------------------------------------------------------------- */

static struct resample_line *line_find(struct kvm *kvm, u32 gsi)
{
	struct resample_line *line;

	list_for_each_entry(line, &kvm->irqfds.lines, node)
		if (line->ack.gsi == gsi)
			return line;
	return NULL;
}

/* irqfds.mutex held. Return: 0, -ENOMEM. */
static int line_join(struct irqfd *irqfd)
{
	struct resample_line *line = line_find(irqfd->kvm, irqfd->gsi);

	if (!line) {
		line = kzalloc(sizeof(*line), GFP_KERNEL_ACCOUNT);
		if (!line)
			return -ENOMEM;
		line->kvm = irqfd->kvm;
		line->ack.gsi = irqfd->gsi;
		line->ack.acked = line_acked;
		INIT_LIST_HEAD(&line->irqfds);
		list_add(&line->node, &irqfd->kvm->irqfds.lines);
		irqchip_register_ack(irqfd->kvm, &line->ack);
	}
	irqfd->line = line;
	list_add_rcu(&irqfd->line_node, &line->irqfds);
	return 0;
}

/* irqfds.mutex held. A line that nobody is left to signal is low. */
static void line_leave(struct irqfd *irqfd)
{
	struct resample_line *line = irqfd->line;
	struct kvm *kvm = irqfd->kvm;

	list_del_rcu(&irqfd->line_node);
	if (!list_empty(&line->irqfds)) {
		synchronize_srcu_expedited(&kvm->srcu);
		return;
	}
	irqchip_unregister_ack(kvm, &line->ack);
	irqchip_set_irq(kvm, KVM_IRQ_RESAMPLE, line->ack.gsi, 0);
	list_del(&line->node);
	kfree(line);
}

/* --- KVM_IRQFD ------------------------------------------------------------------------------- */

/* Whatever of it there is: also one that was never finished. irqfds.mutex held, not active. */
static void irqfd_free(struct irqfd *irqfd)
{
	u64 count;

	/* Nobody is inside irqfd_wake() afterwards. */
	if (irqfd->queue)
		eventfd_ctx_remove_wait_queue(irqfd->ctx, &irqfd->wait, &count);
	if (irqfd->line)
		line_leave(irqfd);
	if (irqfd->resample)
		eventfd_ctx_put(irqfd->resample);
	if (irqfd->ctx)
		eventfd_ctx_put(irqfd->ctx);
	kfree(irqfd);
}

/* One eventfd interrupts a VM in one way. irqfds.mutex held: none is added meanwhile. */
static bool in_use(struct kvm *kvm, const struct eventfd_ctx *ctx)
{
	struct irqfd *irqfd;
	bool found = false;

	spin_lock_irq(&kvm->irqfds.lock);
	list_for_each_entry(irqfd, &kvm->irqfds.active, node)
		found |= irqfd->ctx == ctx;
	spin_unlock_irq(&kvm->irqfds.lock);
	return found;
}

/* The eventfds that @args names. Return: 0, or an errno: what there is irqfd_free() gives back. */
static int take_eventfds(struct irqfd *irqfd, const struct kvm_irqfd *args, struct file *file)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fileget(file);

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	irqfd->ctx = ctx;
	if (!(args->flags & KVM_IRQFD_FLAG_RESAMPLE))
		return 0;
	ctx = eventfd_ctx_fdget(args->resamplefd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	irqfd->resample = ctx;
	return 0;
}

/* Wait in the queue of @file, which stays open meanwhile. What was signalled before counts. */
static void listen(struct irqfd *irqfd, struct file *file)
{
	struct kvm_irqfds *irqfds = &irqfd->kvm->irqfds;
	u64 count = 0;

	spin_lock_irq(&irqfds->lock);
	irqfd->active = true;
	list_add_tail(&irqfd->node, &irqfds->active);
	spin_unlock_irq(&irqfds->lock);

	init_waitqueue_func_entry(&irqfd->wait, irqfd_wake);
	init_poll_funcptr(&irqfd->poll, irqfd_queued);
	vfs_poll(file, &irqfd->poll);
	spin_lock_irq(&irqfd->queue->lock);
	eventfd_ctx_do_read(irqfd->ctx, &count);
	spin_unlock_irq(&irqfd->queue->lock);
	if (count)
		inject(irqfd);
}

/* irqfds.mutex held. */
static int assign(struct kvm *kvm, const struct kvm_irqfd *args, struct file *file)
{
	struct irqfd *irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	int r;

	if (!irqfd)
		return -ENOMEM;
	irqfd->kvm = kvm;
	irqfd->gsi = args->gsi;
	r = take_eventfds(irqfd, args, file);
	if (!r && in_use(kvm, irqfd->ctx))
		r = -EBUSY;
	if (!r && irqfd->resample)
		r = line_join(irqfd);
	if (r) {
		irqfd_free(irqfd);
		return r;
	}
	listen(irqfd, file);
	return 0;
}

static void free_all(struct list_head *irqfds)
{
	struct irqfd *irqfd, *next;

	list_for_each_entry_safe(irqfd, next, irqfds, node)
		irqfd_free(irqfd);
}

/* irqfds.mutex held. That there is none such is no error. */
static int deassign(struct kvm *kvm, const struct kvm_irqfd *args, struct file *file)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fileget(file);
	struct irqfd *irqfd, *next;
	LIST_HEAD(found);

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	spin_lock_irq(&kvm->irqfds.lock);
	list_for_each_entry_safe(irqfd, next, &kvm->irqfds.active, node)
		if (irqfd->ctx == ctx && irqfd->gsi == args->gsi)
			take_off(irqfd, &found);
	spin_unlock_irq(&kvm->irqfds.lock);
	free_all(&found);
	eventfd_ctx_put(ctx);
	return 0;
}

/**
 * irqfd_set() - KVM_IRQFD
 * @kvm: the VM
 * @args: the eventfd, the GSI, perhaps the eventfd of acknowledgements; KVM_IRQFD_FLAG_DEASSIGN: no
 *	  more
 *
 * Context: may sleep; not inside kvm->srcu. Return: 0; -EINVAL (flags, no eventfd, no interrupt
 * controller in the kernel that could), -EBADF, -EBUSY (the eventfd interrupts this VM already),
 * -ENOMEM.
 */
long irqfd_set(struct kvm *kvm, const struct kvm_irqfd *args)
{
	struct file *file;
	long r;

	if (args->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	if (!(args->flags & KVM_IRQFD_FLAG_DEASSIGN) &&
	    !kvm_arch_irqfd_allowed(kvm, args->flags & KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	file = fget(args->fd);
	if (!file)
		return -EBADF;
	mutex_lock(&kvm->irqfds.mutex);
	r = args->flags & KVM_IRQFD_FLAG_DEASSIGN ? deassign(kvm, args, file) :
						    assign(kvm, args, file);
	mutex_unlock(&kvm->irqfds.mutex);
	fput(file);
	return r;
}

/* --- life ------------------------------------------------------------------------------------ */

static void reap_closed(struct kvm *kvm)
{
	struct kvm_irqfds *irqfds = &kvm->irqfds;
	LIST_HEAD(closed);

	mutex_lock(&irqfds->mutex);
	spin_lock_irq(&irqfds->lock);
	list_splice_init(&irqfds->closed, &closed);
	spin_unlock_irq(&irqfds->lock);
	free_all(&closed);
	mutex_unlock(&irqfds->mutex);
}

static void reap_work(struct work_struct *work)
{
	reap_closed(container_of(work, struct kvm, irqfds.reap));
}

/**
 * irqfd_init() - a VM begins, with no irqfd
 * @kvm: the VM
 */
void irqfd_init(struct kvm *kvm)
{
	struct kvm_irqfds *irqfds = &kvm->irqfds;

	mutex_init(&irqfds->mutex);
	spin_lock_init(&irqfds->lock);
	INIT_LIST_HEAD(&irqfds->lines);
	INIT_LIST_HEAD(&irqfds->active);
	INIT_LIST_HEAD(&irqfds->closed);
	INIT_WORK(&irqfds->reap, reap_work);
}

/**
 * irqfd_destroy() - no eventfd reaches the VM after return
 * @kvm: the VM, whose last reference is gone; its interrupt controllers are still there
 *
 * Context: may sleep.
 */
void irqfd_destroy(struct kvm *kvm)
{
	struct kvm_irqfds *irqfds = &kvm->irqfds;
	struct irqfd *irqfd, *next;

	spin_lock_irq(&irqfds->lock);
	list_for_each_entry_safe(irqfd, next, &irqfds->active, node)
		take_off(irqfd, &irqfds->closed);
	spin_unlock_irq(&irqfds->lock);
	/* Nobody schedules it any more: none is active. */
	cancel_work_sync(&irqfds->reap);
	reap_closed(kvm);
}
