// SPDX-License-Identifier: GPL-2.0-only
/* The command line. Options are rows; parsing and help come from them. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "log.h"
#include "options.h"

#define MEMORY_DEFAULT	MIB(512)
#define MEMORY_MIN	MIB(1)
/* A 52-bit physical address space, less the hole: no CPU has more. */
#define MEMORY_MAX	((1ULL << 52) - GIB(4))
#define CPUS_MAX	4096

enum option_type {
	OPT_STRING,	/* const char * */
	OPT_SIZE,	/* uint64_t, bytes */
	OPT_COUNT,	/* unsigned int */
	OPT_FLAG,	/* bool */
	OPT_HELP,
};

#define FOR_RUN		(1 << CMD_RUN)
#define FOR_CHECK	(1 << CMD_CHECK)

struct option_row {
	const char *name;
	char letter;		/* or 0 */
	enum option_type type;
	unsigned int commands;
	size_t offset;		/* in struct options */
	uint64_t min, max;
	const char *arg;
	const char *help;
};

static const struct option_row option_rows[] = {
	{ "kernel", 'k', OPT_STRING, FOR_RUN, offsetof(struct options, kernel), 0, 0, "FILE",
	  "the kernel, a 64-bit Linux bzImage (needed)" },
	{ "initrd", 'i', OPT_STRING, FOR_RUN, offsetof(struct options, initrd), 0, 0, "FILE",
	  "its initial RAM disk" },
	{ "append", 'a', OPT_STRING, FOR_RUN, offsetof(struct options, append), 0, 0, "TEXT",
	  "the kernel's command line, e.g. console=ttyS0" },
	{ "cpus", 'c', OPT_COUNT, FOR_RUN, offsetof(struct options, cpus), 1, CPUS_MAX, "N",
	  "virtual CPUs (1)" },
	{ "memory", 'm', OPT_SIZE, FOR_RUN, offsetof(struct options, memory), MEMORY_MIN,
	  MEMORY_MAX, "SIZE", "guest memory, in MiB or with a suffix K, M, G, T (512M)" },
	{ "debugcon", 0, OPT_STRING, FOR_RUN, offsetof(struct options, debugcon), 0, 0, "FILE",
	  "what the guest writes to port 0x402 (stderr)" },
	{ "kvm", 0, OPT_STRING, FOR_RUN | FOR_CHECK, offsetof(struct options, kvm), 0, 0, "PATH",
	  "the KVM device (/dev/kvm)" },
	{ "verbose", 'v', OPT_FLAG, FOR_RUN, offsetof(struct options, verbose), 0, 0, NULL,
	  "tell more: accesses that no device takes, registers at a triple fault" },
	{ "help", 'h', OPT_HELP, FOR_RUN | FOR_CHECK, 0, 0, 0, NULL, "this help" },
};

#define NR_OPTIONS (sizeof(option_rows) / sizeof(option_rows[0]))

static const char *const command_names[] = {
	[CMD_RUN] = "run",
	[CMD_CHECK] = "check",
};

static bool options_parse_number(const char *s, uint64_t *v, const char **rest)
{
	char *end;

	/* strtoull() would take blanks and signs. */
	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*v = strtoull(s, &end, 10);
	*rest = end;
	return !errno;
}

/**
 * options_parse_size() - Read a size.
 * @s: a decimal number and perhaps a suffix K, M, G or T (upper or lower case, B or iB may
 *     follow); MiB without.
 * @size: bytes.
 *
 * Return: whether it is one that fits 64 bits.
 */
bool options_parse_size(const char *s, uint64_t *size)
{
	static const char suffixes[] = "kmgt";
	unsigned int shift = 20;
	const char *p;
	uint64_t v;

	if (!options_parse_number(s, &v, &p))
		return false;
	if (*p) {
		const char *suffix = strchr(suffixes, *p | 0x20);

		if (!suffix || !*suffix)
			return false;
		shift = 10 * (suffix - suffixes + 1);
		p++;
		if (!strcmp(p, "B") || !strcmp(p, "iB"))
			p += strlen(p);
	}
	if (*p || v > UINT64_MAX >> shift)
		return false;
	*size = v << shift;
	return true;
}

static enum status options_set_size(const struct option_row *row, const char *arg, uint64_t *p)
{
	uint64_t v;

	if (!options_parse_size(arg, &v)) {
		log_error("--%s %s is not a size: give a number and K, M or G, such as 512M",
			  row->name, arg);
		return STATUS_USAGE;
	}
	if (v < row->min || v > row->max) {
		log_error("--%s %s is too %s: it must be %llu MiB at %s", row->name, arg,
			  v < row->min ? "little" : "much",
			  (unsigned long long)(v < row->min ? row->min : row->max) >> 20,
			  v < row->min ? "least" : "most");
		return STATUS_USAGE;
	}
	if (v % KIB(4)) {
		log_error("--%s %s is not a whole number of pages: give a multiple of 4K", row->name,
			  arg);
		return STATUS_USAGE;
	}
	*p = v;
	return STATUS_OK;
}

static enum status options_set_count(const struct option_row *row, const char *arg,
				     unsigned int *p)
{
	const char *rest;
	uint64_t v;

	if (!options_parse_number(arg, &v, &rest) || *rest || v < row->min || v > row->max) {
		log_error("--%s %s is not a number from %llu to %llu", row->name, arg,
			  (unsigned long long)row->min, (unsigned long long)row->max);
		return STATUS_USAGE;
	}
	*p = v;
	return STATUS_OK;
}

static enum status options_set(const struct option_row *row, const char *arg, struct options *opt)
{
	void *field = (char *)opt + row->offset;

	switch (row->type) {
	case OPT_STRING:
		*(const char **)field = arg;
		return STATUS_OK;
	case OPT_SIZE:
		return options_set_size(row, arg, field);
	case OPT_COUNT:
		return options_set_count(row, arg, field);
	case OPT_FLAG:
		*(bool *)field = true;
		return STATUS_OK;
	case OPT_HELP:
		opt->cmd = opt->cmd == CMD_RUN ? CMD_RUN_HELP : CMD_CHECK_HELP;
		return STATUS_OK;
	}
	return STATUS_USAGE;
}

static bool option_takes_arg(const struct option_row *row)
{
	return row->type != OPT_FLAG && row->type != OPT_HELP;
}

/* Finds "--name", "--name=value", "-n"; *value is what follows the '='. */
static const struct option_row *options_find(const char *word, enum command cmd,
					     const char **value)
{
	size_t i, len;

	*value = NULL;
	for (i = 0; i < NR_OPTIONS; i++) {
		const struct option_row *row = &option_rows[i];

		if (!(row->commands & 1 << cmd))
			continue;
		if (row->letter && word[0] == '-' && word[1] == row->letter && !word[2])
			return row;
		len = strlen(row->name);
		if (strncmp(word, "--", 2) || strncmp(word + 2, row->name, len))
			continue;
		if (word[2 + len] == '=')
			*value = word + 2 + len + 1;
		else if (word[2 + len])
			continue;
		return row;
	}
	return NULL;
}

static enum status options_parse_command(int argc, char *const argv[], struct options *opt)
{
	const char *name = command_names[opt->cmd];
	int i;

	for (i = 0; i < argc; i++) {
		const struct option_row *row;
		const char *value;
		enum status st;

		row = options_find(argv[i], opt->cmd, &value);
		if (!row) {
			log_error("vmm %s knows no %s '%s': see vmm %s --help", name,
				  argv[i][0] == '-' ? "option" : "argument", argv[i], name);
			return STATUS_USAGE;
		}
		if (option_takes_arg(row) && !value) {
			value = argv[++i];
			if (i >= argc) {
				log_error("--%s needs an argument: --%s %s", row->name, row->name,
					  row->arg);
				return STATUS_USAGE;
			}
		} else if (!option_takes_arg(row) && value) {
			log_error("--%s takes no argument", row->name);
			return STATUS_USAGE;
		}
		st = options_set(row, value, opt);
		if (st != STATUS_OK)
			return st;
		if (row->type == OPT_HELP)
			return STATUS_OK;
	}
	if (opt->cmd == CMD_RUN && !opt->kernel) {
		log_error("no kernel: name one with --kernel FILE");
		return STATUS_USAGE;
	}
	return STATUS_OK;
}

/**
 * options_parse() - Read the command line.
 * @argc: as main() has it.
 * @argv: as main() has it.
 * @opt: filled in; strings point into @argv.
 *
 * Return: STATUS_OK, or STATUS_USAGE with a message.
 */
enum status options_parse(int argc, char *const argv[], struct options *opt)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	enum command cmd;

	*opt = (struct options){
		.cmd = CMD_HELP,
		.kvm = "/dev/kvm",
		.append = "",
		.memory = MEMORY_DEFAULT,
		.cpus = 1,
	};
	if (!word) {
		log_error("no command: vmm run --kernel FILE starts a machine, vmm --help tells more");
		return STATUS_USAGE;
	}
	if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help"))
		return STATUS_OK;
	if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
		opt->cmd = CMD_VERSION;
		return STATUS_OK;
	}
	for (cmd = CMD_RUN; cmd <= CMD_CHECK; cmd++) {
		if (strcmp(word, command_names[cmd]))
			continue;
		opt->cmd = cmd;
		return options_parse_command(argc - 2, argv + 2, opt);
	}
	log_error("no command '%s': see vmm --help", word);
	return STATUS_USAGE;
}

static void options_help_rows(enum command cmd)
{
	size_t i;

	printf("\nOptions\n");
	for (i = 0; i < NR_OPTIONS; i++) {
		const struct option_row *row = &option_rows[i];
		char left[32];

		if (!(row->commands & 1 << cmd))
			continue;
		snprintf(left, sizeof(left), "--%s %s", row->name, row->arg ? row->arg : "");
		if (row->letter)
			printf("  -%c, %-18s %s\n", row->letter, left, row->help);
		else
			printf("      %-18s %s\n", left, row->help);
	}
}

static const char help_text[] =
	"Usage: vmm COMMAND [OPTION...]\n"
	"\n"
	"A thin virtual machine monitor for KVM.\n"
	"\n"
	"Commands\n"
	"  run        run a virtual machine (vmm run --help)\n"
	"  check      tell what this host's KVM offers (vmm check --help)\n"
	"\n"
	"Options\n"
	"  -h, --help     this help\n"
	"  -V, --version  the version\n"
	"\n"
	"Example\n"
	"  vmm run --kernel vmlinuz --initrd initrd.gz --append console=ttyS0 --cpus 2 --memory 1G\n";

static const char run_help_text[] =
	"Usage: vmm run --kernel FILE [OPTION...]\n"
	"\n"
	"Runs a virtual machine. Its serial port is on stdin and stdout.\n";

static const char run_help_end[] =
	"\n"
	"Keys, when stdin is a terminal\n"
	"  Ctrl-a x       quit\n"
	"  Ctrl-a p       press the power button\n"
	"  Ctrl-a b       send a break (Linux: magic SysRq)\n"
	"  Ctrl-a i       tell what the vCPUs do\n"
	"  Ctrl-a h       help\n"
	"  Ctrl-a Ctrl-a  send Ctrl-a to the guest\n"
	"\n"
	"Exit status\n"
	"   0  the guest powered off\n"
	"   2  a wrong option\n"
	"   4  no KVM, no permission for it, or it lacks something (vmm check)\n"
	"   6  kernel or initrd missing or malformed\n"
	"   8  not enough memory in the host, or too little for the guest\n"
	"  10  the guest asked for a reset\n"
	"  12  the guest's CPU shut down (triple fault)\n"
	"  14  the guest reported a panic (pvpanic)\n"
	"  16  KVM gave up on the guest: registers and code bytes are on stderr\n"
	"  18  a system call or resource of the host failed\n"
	"  20  quit by Ctrl-a x\n"
	"  odd: the guest wrote V to isa-debug-exit (port 0x501): V * 2 + 1, modulo 256\n"
	"A signal that ends vmm (SIGTERM, SIGINT, SIGHUP) does so after the terminal is restored. SIGQUIT\n"
	"also prints, for a guest that hangs, each vCPU's registers, code bytes and pending events.\n";

static const char check_help_text[] =
	"Usage: vmm check [OPTION...]\n"
	"\n"
	"Tells what this host's KVM offers and what is missing. The exit status is 0 when vmm run\n"
	"works here, otherwise 4.\n";

/**
 * options_help() - Print help on stdout.
 * @cmd: CMD_HELP, CMD_RUN_HELP or CMD_CHECK_HELP.
 */
void options_help(enum command cmd)
{
	switch (cmd) {
	case CMD_RUN_HELP:
		fputs(run_help_text, stdout);
		options_help_rows(CMD_RUN);
		fputs(run_help_end, stdout);
		break;
	case CMD_CHECK_HELP:
		fputs(check_help_text, stdout);
		options_help_rows(CMD_CHECK);
		break;
	default:
		fputs(help_text, stdout);
	}
}
