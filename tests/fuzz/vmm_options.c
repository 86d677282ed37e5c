// SPDX-License-Identifier: GPL-2.0-only
/* Command lines: the input's words, which NULs separate. */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "options.h"

#define MAX_WORDS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[MAX_WORDS + 2] = { (char *)"vmm" };
	struct options opt;
	char *text, *p;
	int argc = 1;

	text = malloc(size + 1);
	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	for (p = text; p < text + size && argc <= MAX_WORDS; p += strlen(p) + 1)
		argv[argc++] = p;
	if (options_parse(argc, argv, &opt) == STATUS_OK && opt.cmd == CMD_RUN &&
	    (!opt.kernel || !opt.cpus || !opt.memory))
		abort();
	free(text);
	return 0;
}
