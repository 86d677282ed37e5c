// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz-ioctl - random sequences of calls on /dev/kvm, guided by KCOV.
 *
 * usage: fuzz-ioctl [-t SECONDS] [-n COUNT] [-s SEED] [-w WORKERS] [-c FILE] [-p] [-v]
 *        fuzz-ioctl -r PROGRAM...
 *
 *   -t SECONDS  for so long (60)
 *   -n COUNT    so many programs, however long it takes
 *   -s SEED     another seed than the time's
 *   -w WORKERS  so many processes at a time (12)
 *   -c FILE     begin with the programs in FILE, a line each: those that an earlier run kept
 *   -p          print the places that were reached, for tests/fuzz/ioctl/coverage, and the
 *               programs kept
 *   -v          print each program before it runs: for one that takes the host along
 *   -r          run these (hexadecimal, as printed, in that order) and tell what they do
 *
 * The host's kernel must have KCOV (the debug kernel). What it has to say about us is seen at once
 * by its taint, and by the rig. Exit status: 0, 1 after a complaint, 2 for a bad command line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define MAX_CORPUS 8192
#define MAX_WORKERS 64

/* What the workers share. */
static struct {
	unsigned long programs, steps;
	unsigned int nr_corpus, nr_known, next_known;
	bool stop;
	struct chain running[MAX_WORKERS];
	struct program corpus[MAX_CORPUS]; /* one of size 0 isn't there yet */
	struct program known[MAX_CORPUS]; /* what an earlier run kept */
} * shared;

void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	fflush(stdout);
	exit(1);
}

void *shared_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
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

static const struct program *pick(struct rng *r)
{
	unsigned int n = __atomic_load_n(&shared->nr_corpus, __ATOMIC_ACQUIRE);

	return n ? &shared->corpus[below(r, n < MAX_CORPUS ? n : MAX_CORPUS)] : NULL;
}

static void keep(const struct program *p)
{
	unsigned int i = __atomic_fetch_add(&shared->nr_corpus, 1, __ATOMIC_ACQ_REL);

	if (i >= MAX_CORPUS)
		return;
	memcpy(shared->corpus[i].bytes, p->bytes, sizeof(p->bytes));
	__atomic_store_n(&shared->corpus[i].size, p->size, __ATOMIC_RELEASE);
}

/* Another program's end behind this one's beginning. */
static void splice(struct program *p, struct rng *r)
{
	const struct program *other = pick(r);
	unsigned int size = __atomic_load_n(&other->size, __ATOMIC_ACQUIRE);
	unsigned int from = below(r, size + 1), n = size - from;
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
	const struct program *old = pick(r);
	unsigned int i;

	if (__atomic_load_n(&shared->next_known, __ATOMIC_RELAXED) < shared->nr_known) {
		i = __atomic_fetch_add(&shared->next_known, 1, __ATOMIC_RELAXED);
		if (i < shared->nr_known) {
			*p = shared->known[i];
			return;
		}
	}
	if (old && below(r, 5)) {
		p->size = __atomic_load_n(&old->size, __ATOMIC_ACQUIRE);
		memcpy(p->bytes, old->bytes, sizeof(p->bytes));
		mutate(p, r);
		if (p->size)
			return;
	}
	p->size = 0;
	random_bytes(p, r, 0, 8 + below(r, 120));
}

static void print_program(const char *what, const struct program *p)
{
	printf("%s", what);
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

/* Return: it could be read. */
static bool read_known(const char *path)
{
	char line[2 * PROGRAM_BYTES + 2];
	FILE *file = fopen(path, "r");
	bool good = file;

	while (good && shared->nr_known < MAX_CORPUS && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		good = parse_program(&shared->known[shared->nr_known++], line);
	}
	if (file)
		fclose(file);
	return good;
}

static void print_kept(void)
{
	unsigned int i;

	for (i = 0; i < shared->nr_corpus && i < MAX_CORPUS; i++)
		if (shared->corpus[i].size)
			print_program("kept\t", &shared->corpus[i]);
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
	unsigned long seconds, count, workers;
	uint64_t seed;
	const char *known;
	bool places, verbose;
};

static bool is_over(const struct options *o, time_t start)
{
	if (__atomic_load_n(&shared->stop, __ATOMIC_RELAXED))
		return true;
	return o->count ? __atomic_load_n(&shared->programs, __ATOMIC_RELAXED) >= o->count :
			  time(NULL) - start >= (time_t)o->seconds;
}

/* One after another, until it is over. Ends the process. */
static void work(const struct options *o, unsigned int nr, unsigned long clean, time_t start)
{
	struct rng r = { o->seed + nr * 0x100000001ull };
	struct chain *chain = &shared->running[nr];
	struct program made, *p;

	program_init();
	if (!kcov_start())
		die("/sys/kernel/debug/kcov");
	while (!is_over(o, start)) {
		make_program(&made, &r);
		if (program_begins(&made))
			chain->n = 0;
		p = &chain->program[chain->n++];
		*p = made;
		if (o->verbose)
			print_program("# program: ", p);
		kcov_begin();
		__atomic_add_fetch(&shared->steps, program_run(p, false), __ATOMIC_RELAXED);
		if (kcov_end())
			keep(p);
		__atomic_add_fetch(&shared->programs, 1, __ATOMIC_RELAXED);
		if (taint() != clean)
			__atomic_store_n(&shared->stop, true, __ATOMIC_RELAXED);
	}
	program_end();
	exit(0);
}

/* Wait for the workers, with a word each minute. Return: all ended well. */
static bool wait_for(unsigned int workers, time_t start)
{
	time_t told = start, now;
	bool good = true;
	int status;
	pid_t pid;

	while (workers) {
		pid = waitpid(-1, &status, WNOHANG);
		if (pid > 0) {
			workers--;
			if (!status)
				continue;
			printf("# a worker ended with status %x\n", status);
			good = false;
			__atomic_store_n(&shared->stop, true, __ATOMIC_RELAXED);
			continue;
		}
		now = time(NULL);
		if (now - told >= 60) {
			told = now;
			fprintf(stderr, "%ld s: %lu programs, %lu steps, %u places, %u kept\n",
				(long)(now - start), shared->programs, shared->steps, kcov_places(),
				shared->nr_corpus);
		}
		usleep(100000);
	}
	return good;
}

static int fuzz(const struct options *o)
{
	unsigned long before = taint();
	time_t start = time(NULL);
	unsigned int i, k;
	bool good;

	printf("# seed %llu, %lu workers\n", (unsigned long long)o->seed, o->workers);
	fflush(stdout);
	for (i = 0; i < o->workers; i++) {
		switch (fork()) {
		case -1:
			die("fork");
		case 0:
			work(o, i, before, start);
		}
	}
	good = wait_for(o->workers, start) && taint() == before;
	for (i = 0; i < o->workers && !good; i++) {
		printf("# worker %u:\n", i);
		for (k = 0; k < shared->running[i].n; k++)
			print_program("# program: ", &shared->running[i].program[k]);
	}
	if (o->places) {
		kcov_print();
		print_kept();
	}
	printf("%sok 1 - %lu programs, the kernel doesn't complain: its taint was %lx, is %lx\n",
	       good ? "" : "not ", shared->programs, before, taint());
	printf("# figure: %lu programs, %lu steps, %u places in the driver, %u programs kept, "
	       "%ld s\n1..1\n",
	       shared->programs, shared->steps, kcov_places(), shared->nr_corpus,
	       (long)(time(NULL) - start));
	return !good;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: fuzz-ioctl [-t SECONDS] [-n COUNT] [-s SEED] [-w WORKERS] [-c FILE] [-p] "
		"[-v]\n"
		"       fuzz-ioctl -r PROGRAM...\n");
	return 2;
}

/* All of them are looked at before the first one runs. */
static int replay(char **text)
{
	struct program p;
	char **t;

	for (t = text; *t; t++)
		if (!parse_program(&p, *t))
			return usage();
	program_init();
	for (t = text; *t; t++) {
		parse_program(&p, *t);
		program_run(&p, true);
	}
	program_end();
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { .seconds = 60, .workers = 12, .seed = time(NULL) };
	bool again = false;
	int option;

	while ((option = getopt(argc, argv, "t:n:s:w:c:pvr")) != -1) {
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
		case 'w':
			o.workers = strtoul(optarg, NULL, 0);
			break;
		case 'c':
			o.known = optarg;
			break;
		case 'p':
			o.places = true;
			break;
		case 'v':
			o.verbose = true;
			break;
		case 'r':
			again = true;
			break;
		default:
			return usage();
		}
	}
	if ((optind < argc) != again || !o.workers || o.workers > MAX_WORKERS)
		return usage();
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (again)
		return replay(argv + optind);
	shared = shared_memory(sizeof(*shared));
	if (o.known && !read_known(o.known)) {
		fprintf(stderr, "fuzz-ioctl: %s: no programs, a line of hexadecimal digits each\n",
			o.known);
		return 2;
	}
	kcov_init();
	return fuzz(&o);
}
