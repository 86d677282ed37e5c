# SPDX-License-Identifier: GPL-2.0-only
# The interrupt controllers' models.

irqchip-dir := $(TOP)/arch/x86/kvm/irqchip
irqchip-lapic := irqchip_host.c $(irqchip-dir)/lapic_regs.c $(irqchip-dir)/timer.c

progs += irqchip_lapic
irqchip_lapic-srcs := irqchip_lapic.c $(irqchip-lapic)

progs += irqchip_timer
irqchip_timer-srcs := irqchip_timer.c $(irqchip-lapic)

progs += irqchip_race
irqchip_race-srcs := irqchip_race.c $(irqchip-lapic)
irqchip_race-libs := -pthread

progs += irqchip_ioapic
irqchip_ioapic-srcs := irqchip_ioapic.c $(irqchip-dir)/ioapic_model.c $(irqchip-lapic)

progs += irqchip_pic
irqchip_pic-srcs := irqchip_pic.c $(irqchip-dir)/pic_model.c

progs += irqchip_pit
irqchip_pit-srcs := irqchip_pit.c $(irqchip-dir)/pit_model.c

progs += irqchip_fuzz
irqchip_fuzz-srcs := irqchip_fuzz.c $(irqchip-dir)/ioapic_model.c $(irqchip-dir)/pic_model.c \
	$(irqchip-dir)/pit_model.c $(irqchip-lapic)
