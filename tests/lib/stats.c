// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "row.h"
#include "stats.h"
#include "vm.h"

const struct kvm_stats_desc *stats_desc(const struct stats *s, unsigned int i)
{
	return (const void *)(s->image + s->header.desc_offset +
			      i * (sizeof(struct kvm_stats_desc) + s->header.name_size));
}

void stats_read(struct stats *s)
{
	ssize_t n;

	free(s->image);
	s->image = calloc(1, 65536);
	if (!s->image)
		row_die("no memory");
	n = pread(s->fd, s->image, 65536, 0);
	if (n < (ssize_t)sizeof(s->header))
		row_die("pread of statistics: expected at least a header, saw %zd", n);
	s->size = n;
	memcpy(&s->header, s->image, sizeof(s->header));
}

struct stats stats_open(int fd)
{
	struct stats s = { .fd = ioctl(fd, KVM_GET_STATS_FD, 0) };

	if (s.fd < 0)
		row_die("KVM_GET_STATS_FD: expected a descriptor, saw %s", strerrorname_np(errno));
	stats_read(&s);
	return s;
}

uint64_t stats_get(const struct stats *s, const char *name)
{
	uint64_t value;
	unsigned int i;

	for (i = 0; i < s->header.num_desc; i++)
		if (!strcmp(stats_desc(s, i)->name, name)) {
			memcpy(&value, s->image + s->header.data_offset + stats_desc(s, i)->offset,
			       sizeof(value));
			return value;
		}
	row_die("expected a statistic called %s, saw none", name);
}
