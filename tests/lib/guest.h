/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small guests: an image (an ELF program linked at the addresses of layout.h) is loaded into a VM
 * and started at one of its functions on the first vCPU; the others wait for INIT and SIPI. It
 * reports through PORT_REPORT. Its other accesses are answered by two devices: the ports from
 * PORT_TEST on and the page at GUEST_MMIO hold what is written to them; all else reads as ones.
 */
#ifndef TESTS_LIB_GUEST_H
#define TESTS_LIB_GUEST_H

#include "row.h"
#include "vm.h"

struct guest {
	const char *entry;		/* symbol of the image */
	unsigned int cpus;		/* 0: 1 */
	enum vcpu_mode mode;		/* MODE_LONG unless set */
	unsigned int flags;		/* GUEST_* */
	uint32_t exit;			/* the exit that ends it; 0: PORT_REPORT or PORT_END does */
	uint64_t arg[8];		/* for the guest */

	/* All optional. Before the first KVM_RUN: */
	void (*setup)(struct vm *vm);
	/* An exit to handle before the usual ones. Return: true when it was dealt with. */
	bool (*exit_hook)(struct vcpu *vcpu);
	/* The guest asks for something; its vCPU waits. */
	void (*sync)(struct vcpu *vcpu, uint64_t number);
	/* After the end. */
	void (*check)(struct vm *vm);
};

#define GUEST_MODE_SET		(1u << 0)	/* mode is meant, though it is 0 (real mode) */
#define GUEST_NO_IRQCHIP	(1u << 1)
#define GUEST_PIT		(1u << 2)
#define GUEST_DIRECT		(1u << 3)	/* all vCPUs start at entry, not by INIT and SIPI */

/* The image in this program. */
extern const uint8_t guest_image[], guest_image_end[];

/* A row's function; the argument is a struct guest. */
void guest_run(const void *guest);

/* A row: GUEST("name", .entry = "symbol", ...) */
#define GUEST(row_name, ...) \
	{ .name = row_name, .run = guest_run, .arg = &(const struct guest){ __VA_ARGS__ } }

/* A row of the same name as its function, with the usual machine. */
#define GUEST_ROW(function) GUEST(#function, .entry = #function)

/* Address of a symbol of the image; ends the row where there is none. */
uint64_t guest_symbol(const char *name);

/* Guest memory of params and log. */
struct guest_params *guest_params(struct vm *vm);
struct guest_io_log *guest_io_log(struct vm *vm);

#endif
