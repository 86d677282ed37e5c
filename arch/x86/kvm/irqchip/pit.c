// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254 in the driver: channel 0's interrupt by hrtimer, ports, port 0x61. The logic is in
 * pit_model.c.
 *
 * A tick that finds the one before still pending is lost on hardware. A guest that counts ticks
 * would lose time whenever its vCPU was not running; with reinjection such ticks are remembered and
 * follow, one at each acknowledgement.
 */

#include <linux/math64.h>
#include <linux/slab.h>

#include "internal.h"

#define PIT_GSI 0
#define PIT_MAX_LOST 4096 /* ticks to catch up; a guest stopped for longer must look at a clock */

struct kvm_pit {
	struct kvm_io_device dev; /* [i] */
	struct kvm_io_device speaker; /* [i] port 0x61 */
	struct kvm *kvm; /* [i] */
	spinlock_t lock; /* irqs off; taken by the timer */
	struct pit_model model; /* [lock] */
	u32 flags; /* [lock] KVM_PIT_FLAGS_HPET_LEGACY */
	struct hrtimer timer; /* [lock] but for its callback */
	bool armed; /* [lock] */
	u64 target; /* [lock] ns, when it fires next */
	u64 period; /* [lock] ns, 0: once */
	bool reinject; /* [a] */
	atomic_t lost; /* [a] ticks to catch up */
	struct kvm_irq_ack ack; /* [i] */
};

static u64 now_ns(void)
{
	return ktime_to_ns(ktime_get());
}

static int pulse(struct kvm_pit *pit)
{
	int r = irqchip_set_irq(pit->kvm, KVM_IRQ_PIT, PIT_GSI, 1);

	irqchip_set_irq(pit->kvm, KVM_IRQ_PIT, PIT_GSI, 0);
	return r;
}

/* n ticks are due, n - 1 of them late. Lock not held. */
static void tick(struct kvm_pit *pit, u64 n)
{
	int r = pulse(pit), lost;

	/* Masked everywhere: nobody wants ticks. */
	if (r < 0 || !READ_ONCE(pit->reinject))
		return;
	n -= r != IRQ_COALESCED;
	lost = atomic_read(&pit->lost);
	if (n && lost < PIT_MAX_LOST)
		atomic_add(min_t(u64, n, PIT_MAX_LOST - lost), &pit->lost);
}

/* The guest acknowledged a tick. On a vCPU's thread, no lock held. */
static void tick_acked(struct kvm_irq_ack *ack)
{
	struct kvm_pit *pit = container_of(ack, struct kvm_pit, ack);

	if (atomic_add_unless(&pit->lost, -1, 0) && pulse(pit) == IRQ_COALESCED)
		atomic_inc(&pit->lost);
}

static enum hrtimer_restart timer_fired(struct hrtimer *timer)
{
	struct kvm_pit *pit = container_of(timer, struct kvm_pit, timer);
	enum hrtimer_restart again = HRTIMER_NORESTART;
	u64 now = now_ns(), missed = 0;
	unsigned long flags;

	spin_lock_irqsave(&pit->lock, flags);
	/* Stopped or started anew while we waited for the lock: then it isn't our turn. */
	if (!pit->armed || hrtimer_is_queued(timer) || now < pit->target) {
		spin_unlock_irqrestore(&pit->lock, flags);
		return HRTIMER_NORESTART;
	}
	pit->armed = pit->period;
	if (pit->armed) {
		missed = div64_u64(now - pit->target, pit->period);
		pit->target += (missed + 1) * pit->period;
		hrtimer_set_expires(timer, ns_to_ktime(pit->target));
		again = HRTIMER_RESTART;
	}
	spin_unlock_irqrestore(&pit->lock, flags);
	tick(pit, missed + 1);
	return again;
}

/* Channel 0 was written: set the timer accordingly. Lock held. */
static void program(struct kvm_pit *pit)
{
	u64 shortest = (u64)READ_ONCE(min_timer_period_us) * NSEC_PER_USEC;
	struct pit_irq irq = {};

	if (!(pit->flags & KVM_PIT_FLAGS_HPET_LEGACY))
		pit_model_irq(&pit->model, &irq);
	hrtimer_try_to_cancel(&pit->timer);
	atomic_set(&pit->lost, 0);
	pit->armed = irq.first;
	if (!pit->armed)
		return;
	/*
	 * The callback starts itself again: a period of 1 us would leave this CPU no time for
	 * anything else.
	 */
	pit->period = irq.period ? max(irq.period, shortest) : 0;
	pit->target = irq.first;
	hrtimer_start(&pit->timer, ns_to_ktime(pit->target), HRTIMER_MODE_ABS);
}

static int pio_read(struct kvm_vcpu *vcpu, struct kvm_io_device *dev, gpa_t addr, int len,
		    void *val)
{
	struct kvm_pit *pit = container_of(dev, struct kvm_pit, dev);
	unsigned long flags;
	u8 *byte = val;
	int i;

	spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < len; i++)
		byte[i] = pit_model_read(&pit->model, addr + i - PIT_PORT, now_ns());
	spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static int pio_write(struct kvm_vcpu *vcpu, struct kvm_io_device *dev, gpa_t addr, int len,
		     const void *val)
{
	struct kvm_pit *pit = container_of(dev, struct kvm_pit, dev);
	const u8 *byte = val;
	unsigned long flags;
	int i;

	spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < len; i++)
		if (pit_model_write(&pit->model, addr + i - PIT_PORT, byte[i], now_ns()))
			program(pit);
	spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static int speaker_read(struct kvm_vcpu *vcpu, struct kvm_io_device *dev, gpa_t addr, int len,
			void *val)
{
	struct kvm_pit *pit = container_of(dev, struct kvm_pit, speaker);
	unsigned long flags;

	memset(val, 0, len);
	spin_lock_irqsave(&pit->lock, flags);
	*(u8 *)val = pit_model_read_61(&pit->model, now_ns());
	spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static int speaker_write(struct kvm_vcpu *vcpu, struct kvm_io_device *dev, gpa_t addr, int len,
			 const void *val)
{
	struct kvm_pit *pit = container_of(dev, struct kvm_pit, speaker);
	unsigned long flags;

	spin_lock_irqsave(&pit->lock, flags);
	pit_model_write_61(&pit->model, *(const u8 *)val, now_ns());
	spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static const struct kvm_io_ops pit_ops = { .read = pio_read, .write = pio_write };
static const struct kvm_io_ops speaker_ops = { .read = speaker_read, .write = speaker_write };

/**
 * pit_create() - KVM_CREATE_PIT2
 * @kvm: the VM, with 8259s and IOAPIC; kvm->lock held
 * @flags: KVM_PIT_SPEAKER_DUMMY: port 0x61, too
 *
 * Context: may sleep. Return: 0, -ENOMEM, -ENOSPC.
 */
int pit_create(struct kvm *kvm, u32 flags)
{
	struct kvm_pit *pit = kzalloc(sizeof(*pit), GFP_KERNEL_ACCOUNT);
	int r;

	if (!pit)
		return -ENOMEM;
	pit->kvm = kvm;
	pit->reinject = true;
	pit->dev.ops = &pit_ops;
	pit->speaker.ops = &speaker_ops;
	spin_lock_init(&pit->lock);
	hrtimer_init(&pit->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	pit->timer.function = timer_fired;
	pit_model_reset(&pit->model, now_ns());

	mutex_lock(&kvm->slots_lock);
	r = iobus_register(kvm, KVM_PIO_BUS, PIT_PORT, PIT_PORTS, &pit->dev);
	if (!r && (flags & KVM_PIT_SPEAKER_DUMMY)) {
		r = iobus_register(kvm, KVM_PIO_BUS, PIT_SPEAKER_PORT, 1, &pit->speaker);
		if (r)
			iobus_unregister(kvm, KVM_PIO_BUS, &pit->dev);
	}
	mutex_unlock(&kvm->slots_lock);
	if (r) {
		/* It was on the bus for a moment: a guest may have started it. */
		hrtimer_cancel(&pit->timer);
		kfree(pit);
		return r;
	}
	pit->ack.gsi = PIT_GSI;
	pit->ack.acked = tick_acked;
	irqchip_register_ack(kvm, &pit->ack);
	kvm->irqchip.pit = pit;
	return 0;
}

/* No tick comes after return. Guests may still write its ports; the VM is about to go. */
void pit_stop(struct kvm *kvm)
{
	struct kvm_pit *pit = kvm->irqchip.pit;

	if (!pit)
		return;
	irqchip_unregister_ack(kvm, &pit->ack);
	hrtimer_cancel(&pit->timer);
}

void pit_destroy(struct kvm *kvm)
{
	struct kvm_pit *pit = kvm->irqchip.pit;

	if (!pit)
		return;
	hrtimer_cancel(&pit->timer);
	kvm->irqchip.pit = NULL;
	kfree(pit);
}

void pit_get_state(struct kvm_pit *pit, struct kvm_pit_state2 *state)
{
	unsigned long flags;

	memset(state, 0, sizeof(*state));
	spin_lock_irqsave(&pit->lock, flags);
	memcpy(state->channels, pit->model.ch, sizeof(state->channels));
	state->flags = pit->flags;
	if (pit->model.speaker)
		state->flags |= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	spin_unlock_irqrestore(&pit->lock, flags);
}

void pit_set_state(struct kvm_pit *pit, const struct kvm_pit_state2 *state)
{
	unsigned long flags;

	spin_lock_irqsave(&pit->lock, flags);
	pit->flags = state->flags & KVM_PIT_FLAGS_HPET_LEGACY;
	pit->model.speaker = state->flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	pit_model_restore(&pit->model, state->channels, now_ns());
	program(pit);
	spin_unlock_irqrestore(&pit->lock, flags);
}

void pit_set_reinject(struct kvm_pit *pit, bool reinject)
{
	WRITE_ONCE(pit->reinject, reinject);
	if (!reinject)
		atomic_set(&pit->lost, 0);
}
