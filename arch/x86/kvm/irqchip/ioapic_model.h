/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model of an 82093AA IOAPIC, version 0x11, 24 pins. It sends nothing itself: each function that
 * may raise interrupts appends messages to a batch, which the caller sends when it has dropped its
 * lock. So nothing that delivery does can come back into the model (CVE-2020-27152's class).
 * Compiles in userspace.
 */
#ifndef GUESTMODE_IOAPIC_MODEL_H
#define GUESTMODE_IOAPIC_MODEL_H

#include <linux/bits.h>
#include <linux/types.h>
#include <asm/kvm.h>

#include "irq_msg.h"

#define IOAPIC_PINS KVM_IOAPIC_NUM_PINS
#define IOAPIC_VERSION 0x11
#define IOAPIC_IOREGSEL 0x00
#define IOAPIC_IOWIN 0x10

/* A redirection entry. */
#define IOAPIC_VECTOR(e) ((u8)(e))
#define IOAPIC_MODE(e) ((e) >> 8 & 7)
#define IOAPIC_LOGICAL BIT_ULL(11)
#define IOAPIC_REMOTE_IRR BIT_ULL(14)
#define IOAPIC_LEVEL BIT_ULL(15)
#define IOAPIC_MASKED BIT_ULL(16)
#define IOAPIC_DEST(e) ((u8)((e) >> 56))

/**
 * struct ioapic_model - an IOAPIC
 * @redir: redirection entries; REMOTE_IRR: the LAPIC has it and gave no EOI yet
 * @select: register that IOWIN reaches
 * @id: APIC id, 4 bits
 * @line: bit per pin: high
 * @edge: bit per edge-triggered pin: it rose and was not sent yet (it is masked)
 * @sources: per pin: who pulls it up; the line is the OR of all
 * @bcast: enum irq_broadcast that destination 0xff stands for
 */
struct ioapic_model {
	u64 redir[IOAPIC_PINS];
	u8 select;
	u8 id;
	u32 line;
	u32 edge;
	unsigned long sources[IOAPIC_PINS];
	u8 bcast;
};

struct irq_batch {
	u32 nr;
	struct irq_msg msg[IOAPIC_PINS];
};

void ioapic_model_reset(struct ioapic_model *m);
int ioapic_model_set(struct ioapic_model *m, u32 pin, u32 source, bool level,
		     struct irq_batch *out);
void ioapic_model_refused(struct ioapic_model *m, u32 pin);
u32 ioapic_model_eoi(struct ioapic_model *m, u8 vector, u32 *all);
void ioapic_model_service(struct ioapic_model *m, u32 pins, struct irq_batch *out);
u32 ioapic_model_read(struct ioapic_model *m, u32 offset);
void ioapic_model_write(struct ioapic_model *m, u32 offset, u32 val, struct irq_batch *out);
void ioapic_model_save(const struct ioapic_model *m, struct kvm_ioapic_state *s);
void ioapic_model_restore(struct ioapic_model *m, const struct kvm_ioapic_state *s,
			  struct irq_batch *out);

#endif
