// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz-ioctl - random sequences of calls on /dev/kvm, guided by KCOV.
 *
 * usage: fuzz-ioctl [-t SECONDS] [-n COUNT] [-s SEED] [-p] [-v]
 *        fuzz-ioctl -r PROGRAM
 *
 *   -t SECONDS  for so long (60)
 *   -n COUNT    so many programs, however long it takes
 *   -s SEED     another seed than the time's
 *   -p          print the places that were reached, for tests/fuzz/ioctl/coverage
 *   -v          print each program before it runs: for one that takes the host along
 *   -r PROGRAM  run this one (hexadecimal, as printed) and tell what it does
 *
 * The host's kernel must have KCOV (the debug kernel). What it has to say about us is seen at once
 * by its taint, and by the rig. Exit status: 0, 1 after a complaint, 2 for a bad command line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define MAX_CORPUS 8192

static struct program corpus[MAX_CORPUS];
static unsigned int nr_corpus;

void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	fflush(stdout);
	exit(1);
}

uint64_t rnd(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint32_t below(struct rng *r, uint32_t n)
{
	return (rnd(r) >> 32) * n >> 32;
}

static void random_bytes(struct program *p, struct rng *r, unsigned int at, unsigned int n)
{
	for (; n && at < PROGRAM_BYTES; n--, at++)
		p->bytes[at] = rnd(r);
	if (p->size < at)
		p->size = at;
}

/* Make room at @at, or take @n bytes away. */
static void insert(struct program *p, struct rng *r, unsigned int at, unsigned int n)
{
	if (p->size + n > PROGRAM_BYTES)
		return;
	memmove(p->bytes + at + n, p->bytes + at, p->size - at);
	p->size += n;
	random_bytes(p, r, at, n);
}

static void cut(struct program *p, unsigned int at, unsigned int n)
{
	if (at + n > p->size)
		n = p->size - at;
	memmove(p->bytes + at, p->bytes + at + n, p->size - at - n);
	p->size -= n;
}

/* Another program's end behind this one's beginning. */
static void splice(struct program *p, struct rng *r)
{
	const struct program *other = &corpus[below(r, nr_corpus)];
	unsigned int from = below(r, other->size + 1), n = other->size - from;
	unsigned int at = below(r, p->size + 1);

	if (at + n > PROGRAM_BYTES)
		n = PROGRAM_BYTES - at;
	memcpy(p->bytes + at, other->bytes + from, n);
	p->size = at + n;
}

static void mutate(struct program *p, struct rng *r)
{
	unsigned int n = 1 + below(r, 5), at;

	while (n--) {
		at = below(r, p->size + 1);
		switch (below(r, 8)) {
		case 0:
			insert(p, r, at, 1 + below(r, 24));
			break;
		case 1:
			cut(p, at, 1 + below(r, 24));
			break;
		case 2:
			splice(p, r);
			break;
		case 3:
			random_bytes(p, r, at, 1 + below(r, 8));
			break;
		case 4:
			random_bytes(p, r, p->size, 8 + below(r, 32));
			break;
		default:
			if (at < p->size)
				p->bytes[at] ^= 1u << below(r, 8);
		}
	}
}

static void make_program(struct program *p, struct rng *r)
{
	if (nr_corpus && below(r, 5)) {
		*p = corpus[below(r, nr_corpus)];
		mutate(p, r);
		return;
	}
	p->size = 0;
	random_bytes(p, r, 0, 16 + below(r, 240));
}

static void print_program(const struct program *p)
{
	printf("# program: ");
	for (unsigned int i = 0; i < p->size; i++)
		printf("%02x", p->bytes[i]);
	printf("\n");
	fflush(stdout);
}

static bool parse_program(struct program *p, const char *text)
{
	unsigned int byte;

	for (p->size = 0; text[0] && text[1] && p->size < PROGRAM_BYTES; text += 2) {
		if (sscanf(text, "%2x", &byte) != 1)
			return false;
		p->bytes[p->size++] = byte;
	}
	return p->size && !*text;
}

/* The kernel's taint: it changes with the first warning, oops, report. */
static unsigned long taint(void)
{
	static int fd = -1;
	char text[32] = "";

	if (fd < 0)
		fd = open("/proc/sys/kernel/tainted", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, text, sizeof(text) - 1, 0) < 0)
		die("/proc/sys/kernel/tainted");
	return strtoul(text, NULL, 10);
}

struct options {
	unsigned long seconds, count;
	uint64_t seed;
	bool places, verbose;
};

static int fuzz(const struct options *o)
{
	struct rng r = { o->seed };
	unsigned long n = 0, steps = 0, before = taint();
	time_t start = time(NULL), told = start, now = start;
	struct program p;

	printf("# seed %llu\n", (unsigned long long)o->seed);
	while (o->count ? n < o->count : now - start < (time_t)o->seconds) {
		make_program(&p, &r);
		if (o->verbose)
			print_program(&p);
		kcov_begin();
		steps += program_run(&p, false);
		if (kcov_end() && nr_corpus < MAX_CORPUS)
			corpus[nr_corpus++] = p;
		n++;
		if (taint() != before) {
			printf("not ok 1 - the kernel complains: its taint was %lx, is %lx\n",
			       before, taint());
			print_program(&p);
			printf("1..1\n");
			return 1;
		}
		now = time(NULL);
		if (now - told >= 60) {
			told = now;
			fprintf(stderr, "%ld s: %lu programs, %lu calls, %u places, %u kept\n",
				(long)(now - start), n, steps, kcov_places(), nr_corpus);
		}
	}
	if (o->places)
		kcov_print();
	printf("ok 1 - %lu programs, the kernel doesn't complain\n", n);
	printf("# figure: %lu programs, %lu calls, %u places in the driver, %u programs kept, "
	       "%ld s\n1..1\n",
	       n, steps, kcov_places(), nr_corpus, (long)(now - start));
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: fuzz-ioctl [-t SECONDS] [-n COUNT] [-s SEED] [-p] [-v]\n"
			"       fuzz-ioctl -r PROGRAM\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct options o = { .seconds = 60, .seed = time(NULL) };
	const char *replay = NULL;
	struct program p;
	int option;

	while ((option = getopt(argc, argv, "t:n:s:pvr:")) != -1) {
		switch (option) {
		case 't':
			o.seconds = strtoul(optarg, NULL, 0);
			break;
		case 'n':
			o.count = strtoul(optarg, NULL, 0);
			break;
		case 's':
			o.seed = strtoull(optarg, NULL, 0);
			break;
		case 'p':
			o.places = true;
			break;
		case 'v':
			o.verbose = true;
			break;
		case 'r':
			replay = optarg;
			break;
		default:
			return usage();
		}
	}
	if (optind < argc || (replay && !parse_program(&p, replay)))
		return usage();
	setvbuf(stdout, NULL, _IOLBF, 0);
	program_init();
	if (replay) {
		program_run(&p, true);
		return 0;
	}
	if (!kcov_start())
		die("/sys/kernel/debug/kcov");
	return fuzz(&o);
}
