/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_DEV_DEBUGCON_H
#define VMM_DEV_DEBUGCON_H

#include <pthread.h>
#include <stddef.h>

#include "../bus.h"
#include "../status.h"

/* A port that firmware and small kernels print to. */
struct debugcon {
	struct device dev;
	int fd;
	bool own_fd;
	pthread_mutex_t lock;	/* guards the rest */
	size_t len;
	char buf[512];
};

enum status debugcon_init(struct debugcon *con, const char *path);
void debugcon_destroy(struct debugcon *con);

#endif
