/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupt controllers as a guest sees them (Intel SDM vol. 3, 11; 82093AA; 8259A; 8254).
 */
#ifndef TESTS_GUEST_RT_APIC_H
#define TESTS_GUEST_RT_APIC_H

#include "rt.h"

#define MSR_APIC_BASE		0x1b
#define MSR_TSC_DEADLINE	0x6e0
#define MSR_X2APIC		0x800
#define APIC_BASE_BSP		(1u << 8)
#define APIC_BASE_X2		(1u << 10)
#define APIC_BASE_ENABLE	(1u << 11)

#define APIC			0xfee00000ull
#define APIC_ID			0x20
#define APIC_VERSION		0x30
#define APIC_TPR		0x80
#define APIC_PPR		0xa0
#define APIC_EOI		0xb0
#define APIC_LDR		0xd0
#define APIC_DFR		0xe0
#define APIC_SVR		0xf0
#define APIC_ISR		0x100
#define APIC_TMR		0x180
#define APIC_IRR		0x200
#define APIC_ESR		0x280
#define APIC_ICR		0x300
#define APIC_ICR2		0x310
#define APIC_LVT_TIMER		0x320
#define APIC_LVT_LINT0		0x350
#define APIC_LVT_LINT1		0x360
#define APIC_LVT_ERROR		0x370
#define APIC_TIMER_INIT		0x380
#define APIC_TIMER_COUNT	0x390
#define APIC_TIMER_DIV		0x3e0

#define LVT_MASKED		(1u << 16)
#define LVT_PERIODIC		(1u << 17)
#define LVT_DEADLINE		(2u << 17)

#define ICR_FIXED		(0u << 8)
#define ICR_LOWEST		(1u << 8)
#define ICR_NMI			(4u << 8)
#define ICR_INIT		(5u << 8)
#define ICR_SIPI		(6u << 8)
#define ICR_LOGICAL		(1u << 11)
#define ICR_BUSY		(1u << 12)
#define ICR_ASSERT		(1u << 14)
#define ICR_LEVEL		(1u << 15)
#define ICR_SELF		(1u << 18)
#define ICR_ALL			(2u << 18)
#define ICR_OTHERS		(3u << 18)

#define IOAPIC			0xfec00000ull

static inline u32 apic_mmio_read(u32 reg)
{
	u32 v;

	asm volatile("movl (%1), %0" : "=r"(v) : "r"(APIC + reg) : "memory");
	return v;
}

static inline void apic_mmio_write(u32 reg, u32 v)
{
	asm volatile("movl %0, (%1)" :: "r"(v), "r"(APIC + reg) : "memory");
}

static inline bool apic_is_x2(void)
{
	return rdmsr(MSR_APIC_BASE) & APIC_BASE_X2;
}

static inline u32 apic_read(u32 reg)
{
	return apic_is_x2() ? (u32)rdmsr(MSR_X2APIC + reg / 16) : apic_mmio_read(reg);
}

static inline void apic_write(u32 reg, u32 v)
{
	if (apic_is_x2())
		wrmsr(MSR_X2APIC + reg / 16, v);
	else
		apic_mmio_write(reg, v);
}

static inline void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

/* Send; in xAPIC mode also wait until it has gone. */
static inline void apic_icr(u32 destination, u32 command)
{
	if (apic_is_x2()) {
		wrmsr(MSR_X2APIC + APIC_ICR / 16, (u64)destination << 32 | command);
		return;
	}
	apic_mmio_write(APIC_ICR2, destination << 24);
	apic_mmio_write(APIC_ICR, command);
	while (apic_mmio_read(APIC_ICR) & ICR_BUSY)
		pause();
}

/* A bit of ISR, TMR or IRR. */
static inline bool apic_bit(u32 base, u8 vector)
{
	return apic_read(base + vector / 32 * 16) >> vector % 32 & 1;
}

/* Software enable, spurious vector 0xff, flat logical destination of the CPU's own bit. */
static inline void apic_enable(void)
{
	apic_write(APIC_SVR, 0x1ff);
	if (!apic_is_x2()) {
		apic_write(APIC_DFR, 0xffffffff);
		apic_write(APIC_LDR, 1u << (24 + this_cpu()->id));
	}
	apic_write(APIC_TPR, 0);
}

static inline void x2apic_enable(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE | APIC_BASE_X2);
	apic_enable();
}

static inline u32 ioapic_read(u8 reg)
{
	*(volatile u32 *)IOAPIC = reg;
	return *(volatile u32 *)(IOAPIC + 0x10);
}

static inline void ioapic_write(u8 reg, u32 v)
{
	*(volatile u32 *)IOAPIC = reg;
	*(volatile u32 *)(IOAPIC + 0x10) = v;
}

#define RTE_LEVEL	(1u << 15)
#define RTE_MASKED	(1u << 16)
#define RTE_LOGICAL	(1u << 11)
#define RTE_LOWEST	(1u << 8)

static inline void ioapic_route(u8 pin, u8 destination, u32 low)
{
	ioapic_write(0x10 + 2 * pin, RTE_MASKED);
	ioapic_write(0x11 + 2 * pin, (u32)destination << 24);
	ioapic_write(0x10 + 2 * pin, low);
}

/* Both 8259s: vectors from base on, in the usual way, with these masks. */
static inline void pic_init(u8 base, u8 mask_master, u8 mask_slave)
{
	out8(0x20, 0x11);
	out8(0xa0, 0x11);
	out8(0x21, base);
	out8(0xa1, base + 8);
	out8(0x21, 4);
	out8(0xa1, 2);
	out8(0x21, 1);
	out8(0xa1, 1);
	out8(0x21, mask_master);
	out8(0xa1, mask_slave);
}

/* Channel 0 of the 8254. */
static inline void pit_start(u8 mode, u16 count)
{
	out8(0x43, 0x30 | mode << 1);
	out8(0x40, count);
	out8(0x40, count >> 8);
}

#endif
