/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model of an 8254 timer and of the PC's port 0x61. It has no timer of its own: all is computed
 * from the time that the caller says it is (ns of a monotonic clock). Compiles in userspace.
 */
#ifndef GUESTMODE_PIT_MODEL_H
#define GUESTMODE_PIT_MODEL_H

#include <linux/types.h>
#include <asm/kvm.h>

#define PIT_HZ 1193182
#define PIT_PORT 0x40
#define PIT_PORTS 4
#define PIT_CHANNELS 3
#define PIT_SPEAKER_PORT 0x61

/**
 * struct pit_model - an 8254
 * @ch: the ABI's own state of each channel
 * @frozen: per channel: ticks counted when its gate went low
 * @loaded: per channel: has a count since its control word
 * @speaker: port 0x61 bit 1
 */
struct pit_model {
	struct kvm_pit_channel_state ch[PIT_CHANNELS];
	u64 frozen[PIT_CHANNELS];
	bool loaded[PIT_CHANNELS];
	bool speaker;
};

/*
 * When channel 0's output rises: ns of the caller's clock, 0: never; then every @period ns, 0:
 * once.
 */
struct pit_irq {
	u64 first;
	u64 period;
};

void pit_model_reset(struct pit_model *m, u64 now);
u8 pit_model_read(struct pit_model *m, u8 port, u64 now);
bool pit_model_write(struct pit_model *m, u8 port, u8 val, u64 now);
u8 pit_model_read_61(struct pit_model *m, u64 now);
void pit_model_write_61(struct pit_model *m, u8 val, u64 now);
void pit_model_irq(const struct pit_model *m, struct pit_irq *irq);
void pit_model_restore(struct pit_model *m, const struct kvm_pit_channel_state *s, u64 now);

#endif
