// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model of a local APIC: IRR, ISR, priorities, registers, sending and accepting interrupts
 * (SDM vol. 3, chapter 11). See lapic_regs.h for who may call what.
 */

#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/types.h>

#include "lapic_regs.h"

#define LAPIC_MAX_LVT 5 /* LVT entries minus one, without CMCI's */
#define ICR_BUSY BIT(12)
#define X2APIC_ICR_RESERVED (GENMASK(31, 20) | GENMASK(17, 16) | BIT(13))
#define DFR_FLAT 0xfU
#define DFR_CLUSTER 0x0U

/* --- vectors --------------------------------------------------------------------------------- */

/**
 * lapic_regs_highest_irr() - highest requested vector, whatever the priority
 * @l: the APIC
 *
 * Context: the vCPU's thread. Return: vector, or -1.
 */
int lapic_regs_highest_irr(struct lapic_regs *l)
{
	unsigned long words;

	while ((words = READ_ONCE(l->irr_words))) {
		unsigned int w = __fls(words);
		u32 bits = lapic_get(l, LAPIC_IRR + w * 16);

		if (bits)
			return w * 32 + __fls(bits);
		/*
		 * The word ran empty. An acceptor sets IRR, then looks at irr_words; we clear
		 * irr_words, then look at IRR: one of us sees the other (both sides are locked
		 * operations).
		 */
		clear_bit(w, &l->irr_words);
		smp_mb__after_atomic();
		if (lapic_get(l, LAPIC_IRR + w * 16))
			set_bit(w, &l->irr_words);
	}
	return -1;
}

int lapic_regs_highest_isr(const struct lapic_regs *l)
{
	unsigned int w;

	if (!l->isr_words)
		return -1;
	w = __fls(l->isr_words);
	return w * 32 + __fls(lapic_get(l, LAPIC_ISR + w * 16));
}

static void isr_set(struct lapic_regs *l, u8 vector)
{
	u32 reg = LAPIC_ISR + (vector >> 5) * 16;

	lapic_set(l, reg, lapic_get(l, reg) | BIT(vector & 31));
	l->isr_words |= BIT(vector >> 5);
}

static void isr_clear(struct lapic_regs *l, u8 vector)
{
	u32 reg = LAPIC_ISR + (vector >> 5) * 16;
	u32 bits = lapic_get(l, reg) & ~BIT(vector & 31);

	lapic_set(l, reg, bits);
	if (!bits)
		l->isr_words &= ~BIT(vector >> 5);
}

/* SDM vol. 3, 11.8.3.1: the higher class of TPR and the highest vector in service. */
static void update_ppr(struct lapic_regs *l)
{
	u32 tpr = lapic_get(l, LAPIC_TPR) & 0xff;
	int isr = lapic_regs_highest_isr(l);
	u32 class = isr < 0 ? 0 : isr & 0xf0;

	lapic_set(l, LAPIC_PPR, (tpr & 0xf0) >= class ? tpr : class);
}

/* Hardware delivers from the page: the vector waits outside. Both are locked operations. */
static int post(struct lapic_regs *l, u8 vector, bool level)
{
	if (test_bit(vector, l->posted_level) != level) {
		if (level)
			set_bit(vector, l->posted_level);
		else
			clear_bit(vector, l->posted_level);
	}
	if (test_and_set_bit(vector, l->posted))
		return IRQ_COALESCED;
	WRITE_ONCE(l->any_posted, true);
	return IRQ_DELIVERED;
}

static void take_posted(struct lapic_regs *l, u8 vector)
{
	clear_bit(vector, l->posted);
	if (test_bit(vector, l->posted_level))
		set_bit(vector & 31, lapic_word(l, LAPIC_TMR, vector));
	else
		clear_bit(vector & 31, lapic_word(l, LAPIC_TMR, vector));
	set_bit(vector & 31, lapic_word(l, LAPIC_IRR, vector));
}

/**
 * lapic_regs_sync() - where hardware delivers: make the model agree with the page, and take in what
 * others have posted
 * @l: the APIC
 *
 * Context: the vCPU's thread, before it looks at or changes what hardware may have changed.
 */
void lapic_regs_sync(struct lapic_regs *l)
{
	unsigned long bits;
	unsigned int i;

	l->isr_words = 0;
	for (i = 0; i < 8; i++)
		if (lapic_get(l, LAPIC_ISR + i * 16))
			l->isr_words |= BIT(i);
	if (READ_ONCE(l->any_posted)) {
		WRITE_ONCE(l->any_posted, false);
		/* Pairs with the order in post(): a bit set later sets any_posted again. */
		smp_mb();
		for (i = 0; i < LAPIC_VECTOR_WORDS; i++)
			for (bits = READ_ONCE(l->posted[i]); bits; bits &= bits - 1)
				take_posted(l, i * BITS_PER_LONG + __ffs(bits));
	}
	/* A bit too many is put right by the first look. */
	WRITE_ONCE(l->irr_words, 0xff);
}

/* Where hardware may write into the page: what the timer must know of the time before. */
static void remember(struct lapic_regs *l)
{
	l->before.lvtt = lapic_get(l, LAPIC_LVTT);
	l->before.tmict = lapic_get(l, LAPIC_TMICT);
	l->before.tdcr = lapic_get(l, LAPIC_TDCR);
}

/**
 * lapic_regs_set_hw() - hardware delivers from now on, or no longer
 * @l: the APIC
 * @hw: which
 *
 * Context: the vCPU's thread. Who still posts, or still writes to IRR, asks for an event behind it:
 * the next look finds both.
 */
void lapic_regs_set_hw(struct lapic_regs *l, bool hw)
{
	if (l->hw == hw)
		return;
	WRITE_ONCE(l->hw, hw);
	lapic_regs_sync(l);
	remember(l);
	lapic_host_event(l);
}

/**
 * lapic_regs_accept() - take a fixed interrupt into IRR
 * @l: the APIC
 * @vector: 16-255
 * @level: level triggered
 *
 * Context: any thread, no lock. Return: IRQ_DELIVERED, IRQ_COALESCED (was in IRR already), or
 * IRQ_IGNORED (disabled, illegal vector).
 */
int lapic_regs_accept(struct lapic_regs *l, u8 vector, bool level)
{
	unsigned long *tmr = lapic_word(l, LAPIC_TMR, vector);

	if (vector < 16 || !lapic_regs_enabled(l))
		return IRQ_IGNORED;
	if (READ_ONCE(l->hw))
		return post(l, vector, level);
	/* TMR before IRR: who acknowledges the interrupt finds how it came. */
	if (test_bit(vector & 31, tmr) != level) {
		if (level)
			set_bit(vector & 31, tmr);
		else
			clear_bit(vector & 31, tmr);
	}
	if (test_and_set_bit(vector & 31, lapic_word(l, LAPIC_IRR, vector)))
		return IRQ_COALESCED;
	if (!test_bit(vector >> 5, &l->irr_words))
		set_bit(vector >> 5, &l->irr_words);
	return IRQ_DELIVERED;
}

/**
 * lapic_regs_pending() - vector that the processor would get now
 * @l: the APIC
 *
 * Return: vector, or -1 (nothing requested, or masked by priority).
 */
int lapic_regs_pending(struct lapic_regs *l)
{
	int vector = lapic_regs_highest_irr(l);

	if (vector < 0 || (u32)(vector & 0xf0) <= (lapic_get(l, LAPIC_PPR) & 0xf0))
		return -1;
	return vector;
}

/**
 * lapic_regs_ack() - the processor takes its interrupt: IRR to ISR
 * @l: the APIC
 *
 * Return: vector, or -1.
 */
int lapic_regs_ack(struct lapic_regs *l)
{
	int vector = lapic_regs_pending(l);

	if (vector < 0)
		return -1;
	clear_bit(vector & 31, lapic_word(l, LAPIC_IRR, vector));
	isr_set(l, vector);
	update_ppr(l);
	return vector;
}

/**
 * lapic_regs_eoi_done() - hardware has carried out an EOI: what is left to do
 * @l: the APIC
 * @vector: whose
 */
void lapic_regs_eoi_done(struct lapic_regs *l, u8 vector)
{
	bool level = lapic_test_vector(l, LAPIC_TMR, vector) &&
		     !(lapic_get(l, LAPIC_SVR) & LAPIC_SVR_NO_EOI_BCAST);

	lapic_host_eoi(l, vector, level);
}

/**
 * lapic_regs_eoi() - write to the EOI register
 * @l: the APIC
 */
void lapic_regs_eoi(struct lapic_regs *l)
{
	int vector = lapic_regs_highest_isr(l);

	if (vector < 0)
		return;
	isr_clear(l, vector);
	update_ppr(l);
	lapic_regs_eoi_done(l, vector);
	if (READ_ONCE(l->irr_words))
		lapic_host_event(l);
}

void lapic_regs_set_tpr(struct lapic_regs *l, u8 tpr)
{
	u32 old = lapic_get(l, LAPIC_PPR);

	lapic_set(l, LAPIC_TPR, tpr);
	update_ppr(l);
	if (lapic_get(l, LAPIC_PPR) < old && READ_ONCE(l->irr_words))
		lapic_host_event(l);
}

/* --- sending and receiving ------------------------------------------------------------------- */

/* An error goes to ESR and, once until ESR is written, to LVTERR (SDM vol. 3, 11.5.3). */
static void lapic_error(struct lapic_regs *l, u8 bit)
{
	bool first = !l->esr_pending;

	l->esr_pending |= bit;
	if (first)
		lapic_regs_local(l, LAPIC_LVTERR);
}

/**
 * lapic_regs_recv_illegal() - a message with a vector below 16 came
 * @l: the APIC
 */
void lapic_regs_recv_illegal(struct lapic_regs *l)
{
	if (lapic_regs_enabled(l))
		lapic_error(l, LAPIC_ESR_RECV_ILLEGAL);
}

/**
 * lapic_regs_local() - an event of the APIC's own: timer, LINT0, LINT1, error, CMCI
 * @l: the APIC
 * @lvt_reg: its LVT register
 *
 * Context: the vCPU's thread. Return: something was delivered.
 */
bool lapic_regs_local(struct lapic_regs *l, u32 lvt_reg)
{
	u32 lvt = lapic_get(l, lvt_reg);

	if (!l->hw_enabled || (lvt & LAPIC_LVT_MASKED))
		return false;
	switch (LAPIC_LVT_MODE(lvt)) {
	case IRQ_FIXED:
		if (lapic_regs_accept(l, lvt, false) < 0)
			return false;
		lapic_host_event(l);
		return true;
	case IRQ_NMI:
		lapic_host_nmi(l);
		return true;
	default:
		/*
		 * ExtINT on LINT0 is the 8259's own way in; SMI and INIT by pin have no source
		 * here.
		 */
		return false;
	}
}

static bool match_logical(const struct lapic_regs *l, u32 dest)
{
	u32 ldr = lapic_get(l, LAPIC_LDR);

	if (READ_ONCE(l->x2apic))
		return dest >> 16 == ldr >> 16 && (dest & ldr & 0xffff);
	if (dest > 0xff)
		return false;
	ldr >>= 24;
	switch (lapic_get(l, LAPIC_DFR) >> 28) {
	case DFR_FLAT:
		return dest & ldr;
	case DFR_CLUSTER:
		return dest >> 4 == ldr >> 4 && (dest & ldr & 0xf);
	default:
		return false;
	}
}

/**
 * lapic_regs_match() - is this APIC one of a message's destinations?
 * @l: the APIC
 * @msg: the message; shorthands are the caller's business
 *
 * Context: any thread. SDM vol. 3, 11.6.2 and 11.12.10.
 */
bool lapic_regs_match(const struct lapic_regs *l, const struct irq_msg *msg)
{
	if (msg->bcast == IRQ_BCAST_ALL ||
	    (msg->bcast == IRQ_BCAST_XAPIC && !READ_ONCE(l->x2apic)))
		return true;
	return msg->logical ? match_logical(l, msg->dest) : msg->dest == l->id;
}

/**
 * lapic_regs_send() - carry out an ICR write
 * @l: the APIC
 * @icr: low half of ICR
 * @dest: destination, 32 bits in x2APIC mode, else 8
 */
void lapic_regs_send(struct lapic_regs *l, u32 icr, u32 dest)
{
	struct irq_msg msg = {
		.dest = dest,
		.vector = icr,
		.mode = icr >> 8 & 7,
		.shorthand = icr >> 18 & 3,
		.logical = icr & LAPIC_ICR_LOGICAL,
		.assert = icr & LAPIC_ICR_ASSERT,
		.bcast = dest == (l->x2apic ? ~0U : 0xffU) ? IRQ_BCAST_ALL : IRQ_BCAST_NONE,
	};

	switch (msg.mode) {
	case IRQ_FIXED:
	case IRQ_LOWEST:
		/* Always edge: no processor since the Pentium sends level-triggered IPIs. */
		if (msg.vector < 16) {
			lapic_error(l, LAPIC_ESR_SEND_ILLEGAL);
			return;
		}
		break;
	case IRQ_INIT:
		/* A de-assert resynchronised arbitration ids once; now it does nothing. */
		msg.level = icr & LAPIC_ICR_LEVEL;
		if (msg.level && !msg.assert)
			return;
		break;
	case IRQ_NMI:
	case IRQ_SMI:
	case IRQ_SIPI:
		break;
	default:
		return;
	}
	if (msg.shorthand == IRQ_TO_SELF && msg.mode == IRQ_FIXED) {
		if (lapic_regs_accept(l, msg.vector, false) >= 0)
			lapic_host_event(l);
		return;
	}
	lapic_host_send(l, &msg);
}

/* --- registers ------------------------------------------------------------------------------- */

static void write_tpr(struct lapic_regs *l, u32 reg, u32 val)
{
	lapic_regs_set_tpr(l, val);
}

static void write_eoi(struct lapic_regs *l, u32 reg, u32 val)
{
	lapic_regs_eoi(l);
}

static void write_ldr(struct lapic_regs *l, u32 reg, u32 val)
{
	lapic_set(l, LAPIC_LDR, val & 0xff000000);
}

static void write_dfr(struct lapic_regs *l, u32 reg, u32 val)
{
	lapic_set(l, LAPIC_DFR, val | 0x0fffffff);
}

static void mask_lvts(struct lapic_regs *l)
{
	u32 lvt;

	for (lvt = LAPIC_LVTT; lvt <= LAPIC_LVTERR; lvt += 0x10)
		lapic_set(l, lvt, lapic_get(l, lvt) | LAPIC_LVT_MASKED);
	if (l->cmci)
		lapic_set(l, LAPIC_LVTCMCI, lapic_get(l, LAPIC_LVTCMCI) | LAPIC_LVT_MASKED);
}

static void write_svr(struct lapic_regs *l, u32 reg, u32 val)
{
	u32 legal = 0x3ff;

	if (lapic_get(l, LAPIC_VERSION) & LAPIC_VERSION_NO_EOI_BCAST)
		legal |= LAPIC_SVR_NO_EOI_BCAST;
	lapic_set(l, LAPIC_SVR, val & legal);
	/* Disabled by software: all LVTs are masked and stay so (SDM vol. 3, 11.4.7.2). */
	if (!(val & LAPIC_SVR_ENABLE))
		mask_lvts(l);
}

static void write_esr(struct lapic_regs *l, u32 reg, u32 val)
{
	lapic_set(l, LAPIC_ESR, l->esr_pending);
	l->esr_pending = 0;
}

static void write_icr(struct lapic_regs *l, u32 reg, u32 val)
{
	lapic_set(l, LAPIC_ICR, val & ~ICR_BUSY);
	lapic_regs_send(l, val, lapic_get(l, LAPIC_ICR2) >> 24);
}

static void write_icr2(struct lapic_regs *l, u32 reg, u32 val)
{
	lapic_set(l, LAPIC_ICR2, val & 0xff000000);
}

static u32 lvt_writable(const struct lapic_regs *l, u32 reg)
{
	switch (reg) {
	case LAPIC_LVTT:
		return 0xff | LAPIC_LVT_MASKED | l->lvtt_modes;
	case LAPIC_LVT0:
	case LAPIC_LVT1:
		return 0x7ff | GENMASK(16, 15) | BIT(13);
	case LAPIC_LVTERR:
		return 0xff | LAPIC_LVT_MASKED;
	case LAPIC_LVTCMCI:
		return l->cmci ? 0x7ff | LAPIC_LVT_MASKED : 0;
	default:
		return 0x7ff | LAPIC_LVT_MASKED;
	}
}

static void write_lvt(struct lapic_regs *l, u32 reg, u32 val)
{
	val &= lvt_writable(l, reg);
	if (!lapic_sw_enabled(l))
		val |= LAPIC_LVT_MASKED;
	lapic_set(l, reg, val);
}

/* The 8259's output may have waited for this: nobody raises it a second time. */
static void write_lvt0(struct lapic_regs *l, u32 reg, u32 val)
{
	write_lvt(l, reg, val);
	lapic_host_event(l);
}

static void write_lvtt(struct lapic_regs *l, u32 reg, u32 val)
{
	u32 old = lapic_get(l, LAPIC_LVTT);

	write_lvt(l, LAPIC_LVTT, val);
	lapic_timer_mode_changed(l, old);
}

static void write_tmict(struct lapic_regs *l, u32 reg, u32 val)
{
	lapic_timer_set_count(l, val);
}

static void write_tdcr(struct lapic_regs *l, u32 reg, u32 val)
{
	lapic_timer_set_divide(l, val & 0xb);
}

static void write_self_ipi(struct lapic_regs *l, u32 reg, u32 val)
{
	lapic_regs_send(l, (val & 0xff) | IRQ_TO_SELF << 18, 0);
}

static u32 read_tmcct(struct lapic_regs *l)
{
	return lapic_timer_count(l);
}

enum lapic_row_flags {
	LR_READ = BIT(0),
	LR_WRITE = BIT(1),
	LR_NOT_X2 = BIT(2), /* no such MSR */
	LR_ONLY_X2 = BIT(3),
	LR_CMCI = BIT(4), /* there only with cmci */
};

/*
 * read: NULL: the page holds the value. legal: bits that may be 1 in x2APIC mode, others raise #GP;
 * what is writable of them is the write function's business.
 */
struct lapic_reg_row {
	u32 (*read)(struct lapic_regs *l);
	void (*write)(struct lapic_regs *l, u32 reg, u32 val);
	u32 legal;
	u8 flags;
};

#define LVT_LEGAL(more) (0xff | BIT(12) | BIT(16) | (more))

static const struct lapic_reg_row rows[LAPIC_SELF_IPI / 16 + 1] = {
	[LAPIC_ID / 16] = { .flags = LR_READ },
	[LAPIC_VERSION / 16] = { .flags = LR_READ },
	[LAPIC_TPR / 16] = { NULL, write_tpr, 0xff, LR_READ | LR_WRITE },
	[LAPIC_PPR / 16] = { .flags = LR_READ },
	[LAPIC_EOI / 16] = { NULL, write_eoi, 0, LR_WRITE },
	[LAPIC_LDR / 16] = { NULL, write_ldr, 0, LR_READ | LR_WRITE },
	[LAPIC_DFR / 16] = { NULL, write_dfr, 0, LR_READ | LR_WRITE | LR_NOT_X2 },
	[LAPIC_SVR / 16] = { NULL, write_svr, 0x13ff, LR_READ | LR_WRITE },
	[LAPIC_ISR / 16 ... LAPIC_ISR / 16 + 7] = { .flags = LR_READ },
	[LAPIC_TMR / 16 ... LAPIC_TMR / 16 + 7] = { .flags = LR_READ },
	[LAPIC_IRR / 16 ... LAPIC_IRR / 16 + 7] = { .flags = LR_READ },
	[LAPIC_ESR / 16] = { NULL, write_esr, 0, LR_READ | LR_WRITE },
	[LAPIC_LVTCMCI / 16] = { NULL, write_lvt, LVT_LEGAL(0x700), LR_READ | LR_WRITE | LR_CMCI },
	[LAPIC_ICR / 16] = { NULL, write_icr, 0, LR_READ | LR_WRITE },
	[LAPIC_ICR2 / 16] = { NULL, write_icr2, 0, LR_READ | LR_WRITE | LR_NOT_X2 },
	[LAPIC_LVTT / 16] = { NULL, write_lvtt, LVT_LEGAL(GENMASK(18, 17)), LR_READ | LR_WRITE },
	[LAPIC_LVTTHMR / 16] = { NULL, write_lvt, LVT_LEGAL(0x700), LR_READ | LR_WRITE },
	[LAPIC_LVTPC / 16] = { NULL, write_lvt, LVT_LEGAL(0x700), LR_READ | LR_WRITE },
	[LAPIC_LVT0 / 16] = { NULL, write_lvt0, LVT_LEGAL(0xe700), LR_READ | LR_WRITE },
	[LAPIC_LVT1 / 16] = { NULL, write_lvt, LVT_LEGAL(0xe700), LR_READ | LR_WRITE },
	[LAPIC_LVTERR / 16] = { NULL, write_lvt, LVT_LEGAL(0), LR_READ | LR_WRITE },
	[LAPIC_TMICT / 16] = { NULL, write_tmict, ~0U, LR_READ | LR_WRITE },
	[LAPIC_TMCCT / 16] = { read_tmcct, NULL, 0, LR_READ },
	[LAPIC_TDCR / 16] = { NULL, write_tdcr, 0xb, LR_READ | LR_WRITE },
	[LAPIC_SELF_IPI / 16] = { NULL, write_self_ipi, 0xff, LR_WRITE | LR_ONLY_X2 },
};

static const struct lapic_reg_row *find_row(struct lapic_regs *l, u32 reg, u8 access)
{
	const struct lapic_reg_row *row;

	if (reg / 16 >= ARRAY_SIZE(rows))
		return NULL;
	row = &rows[array_index_nospec(reg / 16, ARRAY_SIZE(rows))];
	if (!(row->flags & access) || (row->flags & l->absent))
		return NULL;
	return row;
}

/**
 * lapic_regs_read() - read a register
 * @l: the APIC
 * @reg: byte offset, a multiple of 16
 * @val: out
 *
 * Return: 0, or -EINVAL: no such register, or it can't be read. An xAPIC's reads give 0 then and
 * note the error, an x2APIC's raise #GP.
 */
int lapic_regs_read(struct lapic_regs *l, u32 reg, u32 *val)
{
	const struct lapic_reg_row *row = find_row(l, reg, LR_READ);

	if (!row) {
		*val = 0;
		if (!l->x2apic)
			lapic_error(l, LAPIC_ESR_REGISTER);
		return -EINVAL;
	}
	*val = row->read ? row->read(l) : lapic_get(l, reg);
	return 0;
}

/**
 * lapic_regs_write() - write a register
 * @l: the APIC
 * @reg: byte offset, a multiple of 16
 * @val: new value
 *
 * In x2APIC mode ICR is 64 bits wide: lapic_regs_write_icr().
 *
 * Return: 0, or -EINVAL: no such register, read-only, or (x2APIC) a reserved bit set.
 */
int lapic_regs_write(struct lapic_regs *l, u32 reg, u32 val)
{
	const struct lapic_reg_row *row = find_row(l, reg, LR_WRITE);

	if (!row || (l->x2apic && reg == LAPIC_LDR)) {
		if (!l->x2apic)
			lapic_error(l, LAPIC_ESR_REGISTER);
		return -EINVAL;
	}
	if (l->x2apic && (val & ~row->legal))
		return -EINVAL;
	row->write(l, reg, val);
	if (l->hw)
		remember(l);
	return 0;
}

static void set_id(struct lapic_regs *l)
{
	lapic_set(l, LAPIC_ID, l->x2apic ? l->id : l->id << 24);
	if (l->x2apic)
		lapic_set(l, LAPIC_LDR, l->id >> 4 << 16 | BIT(l->id & 0xf));
}

/**
 * lapic_regs_written() - hardware has put into the page what the guest wrote: what follows from it
 * @l: the APIC
 * @reg: byte offset, a multiple of 16
 */
void lapic_regs_written(struct lapic_regs *l, u32 reg)
{
	u32 val = lapic_get(l, reg);

	/* As if it had not been written yet. */
	lapic_set(l, LAPIC_LVTT, l->before.lvtt);
	lapic_set(l, LAPIC_TMICT, l->before.tmict);
	lapic_set(l, LAPIC_TDCR, l->before.tdcr);
	set_id(l);
	lapic_regs_write(l, reg, val);
}

/**
 * lapic_regs_write_icr() - write ICR in x2APIC mode
 * @l: the APIC
 * @val: the MSR's 64 bits
 *
 * Return: 0, or -EINVAL: a reserved bit is set (SDM vol. 3, 11.12.9).
 */
int lapic_regs_write_icr(struct lapic_regs *l, u64 val)
{
	if (val & X2APIC_ICR_RESERVED)
		return -EINVAL;
	val &= ~(u64)ICR_BUSY;
	lapic_set(l, LAPIC_ICR, val);
	lapic_set(l, LAPIC_ICR2, val >> 32);
	lapic_regs_send(l, val, val >> 32);
	return 0;
}

/* --- modes, reset, save ---------------------------------------------------------------------- */

/**
 * lapic_regs_reset() - power-up state, but for the id and the mode
 * @l: the APIC
 *
 * INIT does the same (SDM vol. 3, 11.4.7.3).
 */
void lapic_regs_reset(struct lapic_regs *l)
{
	u32 version = lapic_get(l, LAPIC_VERSION) & LAPIC_VERSION_NO_EOI_BCAST;

	lapic_timer_stop(l);
	memset(l->page, 0, LAPIC_PAGE_SIZE);
	WRITE_ONCE(l->irr_words, 0);
	l->isr_words = 0;
	bitmap_zero(l->posted, 256);
	l->esr_pending = 0;
	lapic_set(l, LAPIC_VERSION, 0x14 | (LAPIC_MAX_LVT + l->cmci) << 16 | version);
	lapic_set(l, LAPIC_SVR, 0xff);
	lapic_set(l, LAPIC_DFR, ~0U);
	mask_lvts(l);
	if (l->extint_quirk)
		lapic_set(l, LAPIC_LVT0, IRQ_EXTINT << 8);
	set_id(l);
	remember(l);
}

static void set_absent(struct lapic_regs *l)
{
	l->absent = (l->x2apic ? LR_NOT_X2 : LR_ONLY_X2) | (l->cmci ? 0 : LR_CMCI);
}

/**
 * lapic_regs_set_cmci() - whether there is an LVT register for corrected machine checks
 * @l: the APIC
 * @cmci: it is there, masked at first
 *
 * Context: the vCPU's thread.
 */
void lapic_regs_set_cmci(struct lapic_regs *l, bool cmci)
{
	u32 version = lapic_get(l, LAPIC_VERSION) & ~GENMASK(23, 16);

	if (l->cmci == cmci)
		return;
	l->cmci = cmci;
	set_absent(l);
	lapic_set(l, LAPIC_LVTCMCI, cmci ? LAPIC_LVT_MASKED : 0);
	lapic_set(l, LAPIC_VERSION, version | (LAPIC_MAX_LVT + cmci) << 16);
}

/**
 * lapic_regs_set_mode() - APICBASE's EN and EXTD changed; the caller checked the transition
 * @l: the APIC
 * @hw_enabled: EN
 * @x2apic: EXTD
 */
void lapic_regs_set_mode(struct lapic_regs *l, bool hw_enabled, bool x2apic)
{
	bool off = l->hw_enabled && !hw_enabled;

	WRITE_ONCE(l->hw_enabled, hw_enabled);
	WRITE_ONCE(l->x2apic, x2apic);
	set_absent(l);
	/* What was programmed doesn't survive a disabled APIC (SDM vol. 3, 11.4.3). */
	if (off)
		lapic_regs_reset(l);
	else
		set_id(l);
}

/**
 * lapic_regs_save() - all registers, for KVM_GET_LAPIC
 * @l: the APIC
 * @out: 0x400 bytes: the page, with the timer's current count
 */
void lapic_regs_save(struct lapic_regs *l, void *out)
{
	u32 count = lapic_timer_count(l);

	memcpy(out, l->page, LAPIC_SELF_IPI + 16);
	memcpy(out + LAPIC_TMCCT, &count, sizeof(count));
}

/**
 * lapic_regs_restore() - put back what lapic_regs_save() gave
 * @l: the APIC, in the mode that it was in
 * @in: 0x400 bytes, from userspace: anything may be in there
 */
void lapic_regs_restore(struct lapic_regs *l, const void *in)
{
	u32 version = lapic_get(l, LAPIC_VERSION), reg, count;
	u64 deadline = l->timer.deadline;

	lapic_timer_stop(l);
	bitmap_zero(l->posted, 256);
	for (reg = 0; reg <= LAPIC_SELF_IPI; reg += 16) {
		u32 val;

		memcpy(&val, in + reg, sizeof(val));
		if (reg == LAPIC_LVTCMCI || (reg >= LAPIC_LVTT && reg <= LAPIC_LVTERR))
			val &= lvt_writable(l, reg);
		lapic_set(l, reg, val);
	}
	lapic_set(l, LAPIC_VERSION, version);
	lapic_set(l, LAPIC_TDCR, lapic_get(l, LAPIC_TDCR) & 0xb);
	set_id(l);
	/* A bit too many in irr_words is put right by the first look. */
	WRITE_ONCE(l->irr_words, 0xff);
	l->isr_words = 0;
	for (reg = 0; reg < 8; reg++)
		if (lapic_get(l, LAPIC_ISR + reg * 16))
			l->isr_words |= BIT(reg);
	update_ppr(l);
	memcpy(&count, in + LAPIC_TMCCT, sizeof(count));
	lapic_timer_restore(l, count);
	remember(l);
	/* The deadline is an MSR and not part of this state: it stays, if the mode does. */
	if (deadline)
		lapic_timer_set_deadline(l, deadline);
	lapic_host_event(l);
}
