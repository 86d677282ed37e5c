// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI's fixed hardware (ACPI specification 6.4, 4.8.3): power button, soft-off, timer. There is
 * no legacy mode to switch from: SCI_EN reads one.
 */
#include <time.h>

#include "../boot/acpi.h"
#include "../log.h"
#include "../vm.h"
#include "acpipm.h"

#define PM1_STATUS	0
#define PM1_ENABLE	2
#define PM1_CONTROL	4
#define PM_TIMER	8

#define STS_POWER_BUTTON	(1 << 8)
#define STS_BITS		STS_POWER_BUTTON	/* all that we can raise */
#define ENABLE_BITS		0x0721	/* timer, global, power and sleep button, RTC */

#define CONTROL_SCI_EN		(1 << 0)
#define CONTROL_KEPT		0x1c02	/* bus-master reload, sleep type */
#define CONTROL_SLEEP_TYPE(v)	((v) >> 10 & 7)
#define CONTROL_SLEEP_ENABLE	(1 << 13)

#define PM_TIMER_HZ		3579545

static uint32_t acpipm_timer(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * PM_TIMER_HZ + (uint64_t)ts.tv_nsec * PM_TIMER_HZ / 1000000000;
}

static void acpipm_update_sci(struct acpipm *pm)
{
	irq_line_set(&pm->sci, pm->status & pm->enable);
}

static uint64_t acpipm_read_fixed(struct acpipm *pm, uint64_t offset, unsigned int size)
{
	uint64_t low, v;

	/* All registers side by side, then the part that was asked for. */
	low = pm->status | (uint64_t)pm->enable << 16 |
	      (uint64_t)(pm->control | CONTROL_SCI_EN) << 32;
	if (offset >= PM_TIMER)
		v = acpipm_timer() >> (offset - PM_TIMER) * 8;
	else
		v = low >> offset * 8;
	if (offset < PM_TIMER && offset + size > PM_TIMER)
		v |= (uint64_t)acpipm_timer() << (PM_TIMER - offset) * 8;
	return v;
}

/* Return: whether the machine is to be powered off. */
static bool acpipm_write_byte(struct acpipm *pm, uint64_t offset, uint8_t v)
{
	unsigned int shift = offset % 2 * 8;
	uint16_t bits = v << shift, mask = 0xff << shift;

	switch (offset & ~1ull) {
	case PM1_STATUS:
		pm->status &= ~bits;
		break;
	case PM1_ENABLE:
		pm->enable = (pm->enable & ~mask) | (bits & ENABLE_BITS);
		break;
	case PM1_CONTROL:
		pm->control = (pm->control & ~mask) | (bits & CONTROL_KEPT);
		if (bits & CONTROL_SLEEP_ENABLE)
			return CONTROL_SLEEP_TYPE(pm->control) == ACPI_S5_TYPE;
		break;
	}
	return false;	/* the timer is read-only */
}

static uint64_t acpipm_read(struct device *dev, unsigned int region, uint64_t offset,
			    unsigned int size)
{
	struct acpipm *pm = dev->opaque;
	uint64_t v;

	(void)region;
	pthread_mutex_lock(&pm->lock);
	v = acpipm_read_fixed(pm, offset, size);
	pthread_mutex_unlock(&pm->lock);
	return v;
}

static void acpipm_write(struct device *dev, unsigned int region, uint64_t offset, uint64_t value,
			 unsigned int size)
{
	struct acpipm *pm = dev->opaque;
	bool off = false;
	unsigned int i;

	(void)region;
	pthread_mutex_lock(&pm->lock);
	for (i = 0; i < size; i++)
		off |= acpipm_write_byte(pm, offset + i, value >> i * 8);
	acpipm_update_sci(pm);
	pthread_mutex_unlock(&pm->lock);
	if (off)
		vm_stop(pm->vm, STATUS_OK);
}

static const struct device_ops acpipm_ops = {
	.name = "acpi-pm",
	.read = acpipm_read,
	.write = acpipm_write,
};

/**
 * acpipm_init() - Set up ACPI's fixed hardware.
 * @pm: filled in.
 * @vm: what is powered off.
 * @sci: the system control interrupt's line.
 */
void acpipm_init(struct acpipm *pm, struct vm *vm, struct irq_line sci)
{
	*pm = (struct acpipm){
		.dev = { .ops = &acpipm_ops, .opaque = pm },
		.vm = vm,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.sci = sci,
	};
}

/**
 * acpipm_power_button() - Press the power button.
 * @pm: the hardware.
 *
 * The guest may do what it likes about it.
 */
void acpipm_power_button(struct acpipm *pm)
{
	pthread_mutex_lock(&pm->lock);
	pm->status |= STS_BITS;
	acpipm_update_sci(pm);
	pthread_mutex_unlock(&pm->lock);
}
