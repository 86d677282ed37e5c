/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_OPTIONS_H
#define VMM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "status.h"

enum command {
	CMD_RUN,
	CMD_CHECK,
	CMD_HELP,
	CMD_RUN_HELP,
	CMD_CHECK_HELP,
	CMD_VERSION,
};

struct options {
	enum command cmd;
	const char *kvm;
	const char *kernel;
	const char *initrd;
	const char *append;
	const char *debugcon;
	uint64_t memory;	/* bytes */
	unsigned int cpus;
	bool verbose;
};

enum status options_parse(int argc, char *const argv[], struct options *opt);
void options_help(enum command cmd);
bool options_parse_size(const char *s, uint64_t *size);

#endif
