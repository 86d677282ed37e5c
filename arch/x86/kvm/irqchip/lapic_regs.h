/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model of a local APIC: its register page and its timer, without threads, files or hardware
 * (SDM vol. 3, chapter 11; APM vol. 2, chapter 16). Compiles in userspace, where
 * tests/unit/irqchip_lapic.c drives it.
 *
 * Who may do what: lapic_regs_accept(), _match() and _enabled() may be called by any thread
 * at any time, without a lock. All the rest belongs to the vCPU's thread.
 *
 * Hardware can deliver from the page by itself (@hw): it moves vectors from IRR to ISR, writes PPR,
 * and takes EOI, TPR and self-IPIs while the guest runs. Nobody else may write the page then (SDM
 * vol. 3, 24.11.4): what other threads bring waits in @posted until lapic_regs_sync().
 */
#ifndef GUESTMODE_LAPIC_REGS_H
#define GUESTMODE_LAPIC_REGS_H

#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/types.h>

#include "irq_msg.h"

#define LAPIC_PAGE_SIZE 4096
#define LAPIC_VECTOR_WORDS (256 / BITS_PER_LONG) /* a bit for each vector */

/* Byte offsets in the register page; an x2APIC MSR is 0x800 + offset / 16. */
enum lapic_reg {
	LAPIC_ID = 0x20,
	LAPIC_VERSION = 0x30,
	LAPIC_TPR = 0x80,
	LAPIC_APR = 0x90,
	LAPIC_PPR = 0xa0,
	LAPIC_EOI = 0xb0,
	LAPIC_LDR = 0xd0,
	LAPIC_DFR = 0xe0,
	LAPIC_SVR = 0xf0,
	LAPIC_ISR = 0x100, /* to 0x170 */
	LAPIC_TMR = 0x180,
	LAPIC_IRR = 0x200,
	LAPIC_ESR = 0x280,
	LAPIC_LVTCMCI = 0x2f0, /* only with @cmci */
	LAPIC_ICR = 0x300,
	LAPIC_ICR2 = 0x310,
	LAPIC_LVTT = 0x320,
	LAPIC_LVTTHMR = 0x330,
	LAPIC_LVTPC = 0x340,
	LAPIC_LVT0 = 0x350,
	LAPIC_LVT1 = 0x360,
	LAPIC_LVTERR = 0x370,
	LAPIC_TMICT = 0x380,
	LAPIC_TMCCT = 0x390,
	LAPIC_TDCR = 0x3e0,
	LAPIC_SELF_IPI = 0x3f0,
};

#define LAPIC_ICR_LOGICAL BIT(11)
#define LAPIC_ICR_ASSERT BIT(14)
#define LAPIC_ICR_LEVEL BIT(15)
#define LAPIC_ICR_SHORTHAND GENMASK(19, 18)
#define LAPIC_LVT_MASKED BIT(16)
#define LAPIC_LVT_LEVEL BIT(15)
#define LAPIC_LVT_MODE(lvt) ((lvt) >> 8 & 7)
#define LAPIC_LVTT_PERIODIC BIT(17)
#define LAPIC_LVTT_DEADLINE BIT(18)
#define LAPIC_SVR_ENABLE BIT(8)
#define LAPIC_SVR_NO_EOI_BCAST BIT(12)
#define LAPIC_VERSION_NO_EOI_BCAST BIT(24) /* SVR bit 12 exists */

#define LAPIC_ESR_SEND_ILLEGAL BIT(5)
#define LAPIC_ESR_RECV_ILLEGAL BIT(6)
#define LAPIC_ESR_REGISTER BIT(7)

/**
 * struct lapic_timer - the LAPIC's timer (timer.c)
 * @deadline: IA32_TSC_DEADLINE as the guest reads it, guest TSC ticks; 0: disarmed
 * @target_ns: host time at which it fires next, if @armed
 * @min_period_ns: shortest period of the periodic mode
 * @armed: counting
 */
struct lapic_timer {
	u64 deadline;
	u64 target_ns;
	u64 min_period_ns;
	bool armed;
};

/**
 * struct lapic_regs - a local APIC
 * @page: the registers, LAPIC_PAGE_SIZE bytes, all zeros at first. IRR and TMR are changed with
 *	  atomic bit operations.
 * @irr_words: bit n: 32-bit word n of IRR may be nonzero; a zero bit is exact
 * @isr_words: bit n: word n of ISR is nonzero
 * @esr_pending: errors since the last write to ESR
 * @id: APIC id, fixed
 * @lvtt_modes: LVTT mode bits that exist for this guest
 * @hw_enabled: APICBASE.EN
 * @x2apic: APICBASE.EXTD
 * @cmci: there is an LVT register for corrected machine checks (SDM vol. 3, 16.5.1)
 * @absent: flags of registers that follow from the two: such a register isn't there
 * @extint_quirk: LVT0 of the boot processor is ExtINT after reset, as the ABI has it
 * @timer: see there
 * @hw: hardware delivers; written by the vCPU's thread
 * @any_posted: something may be in @posted
 * @posted: vectors that came while @hw, on their way to IRR
 * @posted_level: of a vector in @posted: it came level triggered
 * @before: registers of the timer before hardware put into the page what the guest wrote there
 */
struct lapic_regs {
	void *page;
	unsigned long irr_words;
	u8 isr_words;
	u8 esr_pending;
	u32 id;
	u32 lvtt_modes;
	bool hw_enabled;
	bool x2apic;
	bool cmci;
	u8 absent;
	bool extint_quirk;
	struct lapic_timer timer;
	bool hw;
	bool any_posted;
	unsigned long posted[LAPIC_VECTOR_WORDS];
	unsigned long posted_level[LAPIC_VECTOR_WORDS];
	struct {
		u32 lvtt, tmict, tdcr;
	} before;
};

static inline u32 lapic_get(const struct lapic_regs *l, u32 reg)
{
	return READ_ONCE(*(u32 *)(l->page + reg));
}

static inline void lapic_set(struct lapic_regs *l, u32 reg, u32 val)
{
	WRITE_ONCE(*(u32 *)(l->page + reg), val);
}

/* The word of ISR, TMR or IRR that holds @vector, bit @vector & 31; 16 bytes apart, 4 in use. */
static inline unsigned long *lapic_word(const struct lapic_regs *l, u32 bank, u8 vector)
{
	return l->page + bank + ((vector >> 5) << 4);
}

static inline bool lapic_test_vector(const struct lapic_regs *l, u32 bank, u8 vector)
{
	return test_bit(vector & 31, lapic_word(l, bank, vector));
}

static inline bool lapic_sw_enabled(const struct lapic_regs *l)
{
	return lapic_get(l, LAPIC_SVR) & LAPIC_SVR_ENABLE;
}

/* Takes fixed interrupts: enabled in APICBASE and in the spurious-vector register. */
static inline bool lapic_regs_enabled(const struct lapic_regs *l)
{
	return READ_ONCE(l->hw_enabled) && lapic_sw_enabled(l);
}

/* lapic_regs.c */
void lapic_regs_reset(struct lapic_regs *l);
void lapic_regs_set_mode(struct lapic_regs *l, bool hw_enabled, bool x2apic);
void lapic_regs_set_cmci(struct lapic_regs *l, bool cmci);
bool lapic_regs_match(const struct lapic_regs *l, const struct irq_msg *msg);
int lapic_regs_accept(struct lapic_regs *l, u8 vector, bool level);
void lapic_regs_sync(struct lapic_regs *l);
void lapic_regs_set_hw(struct lapic_regs *l, bool hw);
void lapic_regs_eoi_done(struct lapic_regs *l, u8 vector);
void lapic_regs_written(struct lapic_regs *l, u32 reg);
int lapic_regs_highest_irr(struct lapic_regs *l);
int lapic_regs_highest_isr(const struct lapic_regs *l);
int lapic_regs_pending(struct lapic_regs *l);
int lapic_regs_ack(struct lapic_regs *l);
void lapic_regs_eoi(struct lapic_regs *l);
void lapic_regs_set_tpr(struct lapic_regs *l, u8 tpr);
bool lapic_regs_local(struct lapic_regs *l, u32 lvt_reg);
void lapic_regs_recv_illegal(struct lapic_regs *l);
void lapic_regs_send(struct lapic_regs *l, u32 icr, u32 dest);
int lapic_regs_read(struct lapic_regs *l, u32 reg, u32 *val);
int lapic_regs_write(struct lapic_regs *l, u32 reg, u32 val);
int lapic_regs_write_icr(struct lapic_regs *l, u64 val);
void lapic_regs_save(struct lapic_regs *l, void *out);
void lapic_regs_restore(struct lapic_regs *l, const void *in);

/* timer.c */
void lapic_timer_set_count(struct lapic_regs *l, u32 count);
u32 lapic_timer_count(struct lapic_regs *l);
void lapic_timer_set_divide(struct lapic_regs *l, u32 tdcr);
void lapic_timer_mode_changed(struct lapic_regs *l, u32 old_lvtt);
void lapic_timer_set_deadline(struct lapic_regs *l, u64 tsc);
void lapic_timer_expired(struct lapic_regs *l);
void lapic_timer_stop(struct lapic_regs *l);
void lapic_timer_restore(struct lapic_regs *l, u32 count);
void lapic_timer_rearm(struct lapic_regs *l);

/*
 * What the model asks of its surroundings: lapic.c in the driver, the test in userspace. Found by
 * the linker and not through a table: EOI, ICR and TSC_DEADLINE are the hottest writes that there
 * are.
 */

/* Send a message that isn't for this APIC alone. */
void lapic_host_send(struct lapic_regs *l, const struct irq_msg *msg);
/* The guest acknowledged @vector; @level: it came level triggered. */
void lapic_host_eoi(struct lapic_regs *l, u8 vector, bool level);
/* Something may have become deliverable: look before the next entry. */
void lapic_host_event(struct lapic_regs *l);
/* An LVT in NMI mode fired. */
void lapic_host_nmi(struct lapic_regs *l);
/* Host's monotonic clock, ns; have lapic_timer_expired() called once it reaches @ns; or not. */
u64 lapic_host_now(struct lapic_regs *l);
void lapic_host_timer_start(struct lapic_regs *l, u64 ns);
void lapic_host_timer_cancel(struct lapic_regs *l);
/* Guest's TSC now, and a number of its ticks in ns. */
u64 lapic_host_tsc(struct lapic_regs *l);
u64 lapic_host_tsc_to_ns(struct lapic_regs *l, u64 ticks);

#endif
