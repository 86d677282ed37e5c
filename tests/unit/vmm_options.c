// SPDX-License-Identifier: GPL-2.0-only
/* vmm's command line: what is taken, what is refused. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "tap.h"

#define ARGS_MAX 12

struct size_row {
	const char *text;
	bool good;
	uint64_t bytes;
};

static const struct size_row sizes[] = {
	{ "512", true, 512ull << 20 },
	{ "512M", true, 512ull << 20 },
	{ "512m", true, 512ull << 20 },
	{ "512MB", true, 512ull << 20 },
	{ "512MiB", true, 512ull << 20 },
	{ "64K", true, 64ull << 10 },
	{ "3G", true, 3ull << 30 },
	{ "2T", true, 2ull << 40 },
	{ "0", true, 0 },
	{ "17592186044415", true, 17592186044415ull << 20 },
	{ "17592186044416", false, 0 },
	{ "18446744073709551615K", false, 0 },
	{ "99999999999999999999999", false, 0 },
	{ "16777216T", false, 0 },
	{ "", false, 0 },
	{ "G", false, 0 },
	{ "-1", false, 0 },
	{ "+1", false, 0 },
	{ " 1", false, 0 },
	{ "1 ", false, 0 },
	{ "1X", false, 0 },
	{ "1MM", false, 0 },
	{ "1Mi", false, 0 },
	{ "1.5G", false, 0 },
	{ "0x10", false, 0 },
	{ "1\n", false, 0 },
	{ "1@", false, 0 },
};

struct command_row {
	const char *what;
	const char *args[ARGS_MAX];
	enum status status;
	enum command cmd;
};

static const struct command_row commands[] = {
	{ "nothing", { NULL }, STATUS_USAGE, 0 },
	{ "--help", { "--help" }, STATUS_OK, CMD_HELP },
	{ "help", { "help" }, STATUS_OK, CMD_HELP },
	{ "--version", { "--version" }, STATUS_OK, CMD_VERSION },
	{ "run --help", { "run", "--help" }, STATUS_OK, CMD_RUN_HELP },
	{ "run -h among others", { "run", "-c", "2", "-h", "--nonsense" }, STATUS_OK,
	  CMD_RUN_HELP },
	{ "check", { "check" }, STATUS_OK, CMD_CHECK },
	{ "check --help", { "check", "--help" }, STATUS_OK, CMD_CHECK_HELP },
	{ "check --kvm", { "check", "--kvm", "/dev/x" }, STATUS_OK, CMD_CHECK },
	{ "check with run's option", { "check", "--cpus", "1" }, STATUS_USAGE, 0 },
	{ "an unknown command", { "nonsense" }, STATUS_USAGE, 0 },
	{ "an empty command", { "" }, STATUS_USAGE, 0 },
	{ "run without a kernel", { "run" }, STATUS_USAGE, 0 },
	{ "run with a kernel", { "run", "--kernel", "k" }, STATUS_OK, CMD_RUN },
	{ "run with --kernel=", { "run", "--kernel=k" }, STATUS_OK, CMD_RUN },
	{ "a missing argument", { "run", "--kernel" }, STATUS_USAGE, 0 },
	{ "an unknown option", { "run", "--kernel", "k", "--nonsense" }, STATUS_USAGE, 0 },
	{ "an abbreviated option", { "run", "--kern", "k" }, STATUS_USAGE, 0 },
	{ "an option with a tail", { "run", "--kernelx", "k" }, STATUS_USAGE, 0 },
	{ "an extra word", { "run", "--kernel", "k", "extra" }, STATUS_USAGE, 0 },
	{ "an empty word", { "run", "--kernel", "k", "" }, STATUS_USAGE, 0 },
	{ "a lone dash", { "run", "--kernel", "k", "-" }, STATUS_USAGE, 0 },
	{ "a flag with an argument", { "run", "--kernel=k", "--verbose=1" }, STATUS_USAGE, 0 },
	{ "no CPUs", { "run", "--kernel=k", "--cpus=0" }, STATUS_USAGE, 0 },
	{ "negative CPUs", { "run", "--kernel=k", "--cpus", "-1" }, STATUS_USAGE, 0 },
	{ "half a CPU", { "run", "--kernel=k", "--cpus", "1.5" }, STATUS_USAGE, 0 },
	{ "2^32 + 1 CPUs", { "run", "--kernel=k", "--cpus", "4294967297" }, STATUS_USAGE, 0 },
	{ "no memory", { "run", "--kernel=k", "--memory", "0" }, STATUS_USAGE, 0 },
	{ "a page less than 1 MiB", { "run", "--kernel=k", "--memory", "1020K" }, STATUS_USAGE, 0 },
	{ "half a page", { "run", "--kernel=k", "--memory", "1026K" }, STATUS_USAGE, 0 },
	{ "more memory than addresses", { "run", "--kernel=k", "--memory", "4096T" },
	  STATUS_USAGE, 0 },
};

static enum status parse(const char *const args[], struct options *opt)
{
	char *argv[ARGS_MAX + 2] = { (char *)"vmm" };
	int argc = 1, i;

	for (i = 0; i < ARGS_MAX && args[i]; i++)
		argv[argc++] = (char *)args[i];
	return options_parse(argc, argv, opt);
}

static void test_values(void)
{
	static const char *const args[ARGS_MAX] = {
		"run", "-k", "the kernel", "--initrd=i", "-a", "a=b c", "-c", "4", "-m", "3G", "-v",
	};
	struct options opt;

	tap_eq(parse(args, &opt), STATUS_OK, "all options at once");
	tap_ok(!strcmp(opt.kernel, "the kernel"), "kernel: saw '%s'", opt.kernel);
	tap_ok(!strcmp(opt.initrd, "i"), "initrd: saw '%s'", opt.initrd);
	tap_ok(!strcmp(opt.append, "a=b c"), "append: saw '%s'", opt.append);
	tap_ok(!strcmp(opt.kvm, "/dev/kvm"), "the KVM by default: saw '%s'", opt.kvm);
	tap_eq(opt.cpus, 4, "CPUs");
	tap_eq(opt.memory, 3ull << 30, "memory");
	tap_ok(opt.verbose, "verbose");
}

int main(void)
{
	size_t i;
	int fd;

	/* What the messages say is tested from outside. */
	fd = open("/dev/null", O_WRONLY);
	if (fd >= 0)
		dup2(fd, STDERR_FILENO);

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t bytes = 0;
		bool good = options_parse_size(sizes[i].text, &bytes);

		tap_ok(good == sizes[i].good && (!good || bytes == sizes[i].bytes),
		       "size '%s': expected %s %llu, saw %s %llu", sizes[i].text,
		       sizes[i].good ? "good" : "bad", (unsigned long long)sizes[i].bytes,
		       good ? "good" : "bad", (unsigned long long)bytes);
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command_row *row = &commands[i];
		struct options opt;
		enum status st = parse(row->args, &opt);

		tap_ok(st == row->status && (st != STATUS_OK || opt.cmd == row->cmd),
		       "%s: expected status %d, command %d, saw %d, %d", row->what, row->status,
		       row->cmd, st, opt.cmd);
	}
	test_values();
	return tap_done();
}
