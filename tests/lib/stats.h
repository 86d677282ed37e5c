/* SPDX-License-Identifier: GPL-2.0-only */
/* KVM_GET_STATS_FD. */
#ifndef TESTS_LIB_STATS_H
#define TESTS_LIB_STATS_H

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

/* A statistics file, read whole. */
struct stats {
	int fd;
	struct kvm_stats_header header;
	char *image;
	size_t size;
};

/**
 * stats_open() - a VM's or a vCPU's statistics, read once
 * @fd: the VM or vCPU
 *
 * Ends the row where that fails.
 */
struct stats stats_open(int fd);

/* Read them anew. */
void stats_read(struct stats *s);

/* The first word of a statistic, which must be there. */
uint64_t stats_get(const struct stats *s, const char *name);

/* The description of number @i. */
const struct kvm_stats_desc *stats_desc(const struct stats *s, unsigned int i);

#endif
