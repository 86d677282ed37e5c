/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model of a PC's pair of 8259A interrupt controllers and their edge/level registers. Compiles in
 * userspace.
 */
#ifndef GUESTMODE_PIC_MODEL_H
#define GUESTMODE_PIC_MODEL_H

#include <linux/types.h>
#include <asm/kvm.h>

#include "irq_msg.h"

#define PIC_LINES 16
#define PIC_MASTER_PORT 0x20
#define PIC_SLAVE_PORT 0xa0
#define PIC_ELCR_PORT 0x4d0

/**
 * struct pic_model - master and slave
 * @chip: the ABI's own state of each
 * @sources: per line: who pulls it up; the line is the OR of all
 * @acked: lines that got an EOI since the caller last cleared this
 * @output: the master's INT pin
 */
struct pic_model {
	struct kvm_pic_state chip[2];
	unsigned long sources[PIC_LINES];
	u16 acked;
	bool output;
};

void pic_model_reset(struct pic_model *m);
int pic_model_set(struct pic_model *m, u32 line, u32 source, bool level);
int pic_model_peek(const struct pic_model *m);
u8 pic_model_ack(struct pic_model *m);
u8 pic_model_read(struct pic_model *m, u16 port);
void pic_model_write(struct pic_model *m, u16 port, u8 val);
void pic_model_restore(struct pic_model *m, u32 chip, const struct kvm_pic_state *s);

#endif
