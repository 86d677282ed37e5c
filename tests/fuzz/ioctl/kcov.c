// SPDX-License-Identifier: GPL-2.0-only
/*
 * KCOV: the kernel writes the address of each place that this thread passes in code built with
 * -fsanitize-coverage=trace-pc. In the debug kernel that is our modules alone. Documentation:
 * Documentation/dev-tools/kcov.rst in the kernel's sources.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#define KCOV_INIT_TRACE _IOR('c', 1, unsigned long)
#define KCOV_ENABLE _IO('c', 100)
#define KCOV_TRACE_PC 0
#define COVER_WORDS (256 << 10)

#define MAX_PLACES (64 << 10) /* a power of two, several times what there is */

static uint64_t *cover;

/* All workers' together. */
static struct {
	unsigned int nr;
	uint64_t place[MAX_PLACES];
} * seen;

void kcov_init(void)
{
	seen = shared_memory(sizeof(*seen));
}

bool kcov_start(void)
{
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, KCOV_INIT_TRACE, COVER_WORDS))
		return false;
	cover = mmap(NULL, COVER_WORDS * sizeof(*cover), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return cover != MAP_FAILED && !ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC);
}

void kcov_begin(void)
{
	__atomic_store_n(&cover[0], 0, __ATOMIC_RELAXED);
}

static bool add(uint64_t pc)
{
	unsigned int i = (pc * 0x9e3779b97f4a7c15ull) >> 48 & (MAX_PLACES - 1);
	uint64_t old;

	for (;; i = (i + 1) & (MAX_PLACES - 1)) {
		old = __atomic_load_n(&seen->place[i], __ATOMIC_RELAXED);
		if (old == pc)
			return false;
		if (!old && __atomic_compare_exchange_n(&seen->place[i], &old, pc, false,
							__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			break;
		if (old == pc)
			return false;
	}
	__atomic_add_fetch(&seen->nr, 1, __ATOMIC_RELAXED);
	return true;
}

unsigned int kcov_end(void)
{
	uint64_t n = __atomic_load_n(&cover[0], __ATOMIC_RELAXED), i;
	unsigned int new = 0;

	/* Nothing of the kernel but our modules is instrumented, so all of it is ours. */
	for (i = 0; i < n && kcov_places() < MAX_PLACES / 2; i++)
		new += add(cover[i + 1]);
	return new;
}

unsigned int kcov_places(void)
{
	return __atomic_load_n(&seen->nr, __ATOMIC_RELAXED);
}

/* --- places by name, for the figures --------------------------------------------------------- */

struct section {
	char module[16], name[32];
	uint64_t start;
};

static struct section sections[64];
static unsigned int nr_sections;

static int by_start(const void *a, const void *b)
{
	const struct section *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void read_sections(const char *module)
{
	char path[600], line[32];
	struct dirent *entry;
	FILE *file;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/module/%s/sections", module);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) && nr_sections < 64) {
		struct section *s = &sections[nr_sections];

		snprintf(path, sizeof(path), "/sys/module/%s/sections/%s", module, entry->d_name);
		file = entry->d_name[0] == '.' && strstr(entry->d_name, "text") ? fopen(path, "r") :
										  NULL;
		if (file && fgets(line, sizeof(line), file)) {
			snprintf(s->module, sizeof(s->module), "%s", module);
			snprintf(s->name, sizeof(s->name), "%.31s", entry->d_name);
			s->start = strtoull(line, NULL, 16);
			nr_sections++;
		}
		if (file)
			fclose(file);
	}
	if (dir)
		closedir(dir);
}

void kcov_print(void)
{
	unsigned int i, k;

	nr_sections = 0;
	read_sections("kvm");
	read_sections("kvm_amd");
	read_sections("kvm_intel");
	qsort(sections, nr_sections, sizeof(sections[0]), by_start);
	for (i = 0; i < MAX_PLACES; i++) {
		for (k = nr_sections; seen->place[i] && k--;) {
			if (seen->place[i] < sections[k].start)
				continue;
			printf("place\t%s\t%s\t%llx\n", sections[k].module, sections[k].name,
			       (unsigned long long)(seen->place[i] - sections[k].start));
			break;
		}
	}
}
