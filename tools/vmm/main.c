// SPDX-License-Identifier: GPL-2.0-only
/* How a machine is put together, run, and taken apart. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "boot/acpi.h"
#include "boot/linux.h"
#include "check.h"
#include "console.h"
#include "cpuid.h"
#include "dev/acpipm.h"
#include "dev/debugcon.h"
#include "dev/i8042.h"
#include "dev/pvpanic.h"
#include "dev/rtc.h"
#include "dev/serial.h"
#include "dev/testdev.h"
#include "irq.h"
#include "layout.h"
#include "log.h"
#include "loop.h"
#include "options.h"
#include "pci/config.h"
#include "term.h"
#include "vcpu.h"
#include "vm.h"

#ifndef VMM_VERSION
#define VMM_VERSION "0"
#endif

/* Everything that a running vmm consists of. */
struct machine {
	struct vm vm;
	struct loop loop;
	struct loop_source stop;	/* vm.stop_fd */
	struct loop_source signals;	/* signalfd */
	int end_signal;			/* the one that ended us, or 0 */
	struct console console;
	struct serial serial;
	struct rtc rtc;
	struct acpipm pm;
	struct pci_bus pci;
	struct i8042 i8042;
	struct debugcon debugcon;
	struct testdev testdev;
	struct pvpanic pvpanic;
};

static void machine_stop_ready(struct loop_source *src, uint32_t events)
{
	struct machine *m = src->opaque;

	(void)events;
	loop_quit(&m->loop);
}

static void machine_signal_ready(struct loop_source *src, uint32_t events)
{
	struct machine *m = src->opaque;
	struct signalfd_siginfo info;

	(void)events;
	if (read(src->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCONT) {
		term_resume();
		return;
	}
	if (info.ssi_signo == SIGTSTP) {
		term_suspend();
		return;
	}
	m->end_signal = info.ssi_signo;
	vm_stop(&m->vm, STATUS_QUIT);
}

static enum status machine_watch(struct machine *m, struct loop_source *src, int fd,
				 void (*ready)(struct loop_source *src, uint32_t events))
{
	int err;

	*src = (struct loop_source){ .ready = ready, .opaque = m, .fd = fd };
	err = fd < 0 ? -errno : loop_add(&m->loop, src, EPOLLIN);
	if (!err)
		return STATUS_OK;
	log_error("cannot set up the main loop: %s", strerror(-err));
	return STATUS_HOST;
}

/* The loop, its own signals, and the end of the machine. */
static enum status machine_init_loop(struct machine *m)
{
	enum status st;
	sigset_t set;

	if (loop_init(&m->loop)) {
		log_error("cannot set up the main loop: %s", strerror(errno));
		return STATUS_HOST;
	}
	st = machine_watch(m, &m->stop, m->vm.stop_fd, machine_stop_ready);
	if (st != STATUS_OK)
		return st;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGCONT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return machine_watch(m, &m->signals, signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
			     machine_signal_ready);
}

static void machine_input(void *opaque)
{
	struct machine *m = opaque;

	serial_input(&m->serial);
}

static void machine_drained(void *opaque)
{
	struct machine *m = opaque;

	serial_drained(&m->serial);
}

static void machine_break(void *opaque)
{
	struct machine *m = opaque;

	serial_break(&m->serial);
}

static void machine_quit(void *opaque)
{
	struct machine *m = opaque;

	vm_stop(&m->vm, STATUS_QUIT);
}

static void machine_power(void *opaque)
{
	struct machine *m = opaque;

	acpipm_power_button(&m->pm);
}

static void machine_info(void *opaque)
{
	struct machine *m = opaque;

	vcpus_print_exits(&m->vm);
}

static void machine_output_failed(void *opaque, int err)
{
	struct machine *m = opaque;

	if (vm_stop(&m->vm, STATUS_HOST))
		log_error("cannot write the guest's console to stdout: %s", strerror(err));
}

static const struct console_ops machine_console_ops = {
	.input = machine_input,
	.drained = machine_drained,
	.sendbreak = machine_break,
	.quit = machine_quit,
	.power = machine_power,
	.info = machine_info,
	.output_failed = machine_output_failed,
};

static void machine_serial_write(void *opaque, uint8_t byte)
{
	struct machine *m = opaque;

	console_write(&m->console, byte);
}

static size_t machine_serial_read(void *opaque, uint8_t *buf, size_t len)
{
	struct machine *m = opaque;

	return console_read(&m->console, buf, len);
}

static void machine_serial_drain(void *opaque)
{
	struct machine *m = opaque;

	console_drain(&m->console);
}

static enum status machine_add(struct machine *m, uint64_t port, uint64_t len, struct device *dev,
			       unsigned int region)
{
	int err = bus_add(&m->vm.pio, port, len, dev, region);

	if (!err)
		return STATUS_OK;
	log_error("cannot put device %s at port 0x%llx: %s", dev->ops->name,
		  (unsigned long long)port, strerror(-err));
	return STATUS_HOST;
}

static enum status machine_add_devices(struct machine *m)
{
	const struct {
		uint64_t port, len;
		struct device *dev;
		unsigned int region;
	} rows[] = {
		{ PORT_I8042_DATA, 1, &m->i8042.dev, I8042_DATA },
		{ PORT_I8042_CMD, 1, &m->i8042.dev, I8042_CMD },
		{ PORT_SYSCTL_A, 1, &m->i8042.dev, I8042_SYSCTL_A },
		{ PORT_RTC, 2, &m->rtc.dev, 0 },
		{ PORT_SERIAL0, SERIAL_PORTS, &m->serial.dev, 0 },
		{ PORT_DEBUGCON, 1, &m->debugcon.dev, 0 },
		{ PORT_DEBUG_EXIT, TESTDEV_PORTS, &m->testdev.dev, 0 },
		{ PORT_PVPANIC, 1, &m->pvpanic.dev, 0 },
		{ PORT_PM, ACPIPM_PORTS, &m->pm.dev, 0 },
		{ PORT_PCI, PCI_PORTS, &m->pci.dev, 0 },
	};
	enum status st = STATUS_OK;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]) && st == STATUS_OK; i++)
		st = machine_add(m, rows[i].port, rows[i].len, rows[i].dev, rows[i].region);
	return st;
}

static enum status machine_init_devices(struct machine *m, const struct options *opt)
{
	const struct serial_backend backend = {
		machine_serial_write, machine_serial_read, machine_serial_drain, m
	};
	enum status st = debugcon_init(&m->debugcon, opt->debugcon);
	int err;

	if (st != STATUS_OK)
		return st;
	serial_init(&m->serial, &backend, irq_line_of(&m->vm, GSI_SERIAL0));
	err = rtc_init(&m->rtc, irq_line_of(&m->vm, GSI_RTC), &m->loop);
	if (err) {
		log_error("cannot set up the clock: %s", strerror(-err));
		return STATUS_HOST;
	}
	acpipm_init(&m->pm, &m->vm, irq_line_of(&m->vm, GSI_SCI));
	pci_bus_init(&m->pci, &m->vm);
	i8042_init(&m->i8042, &m->vm);
	testdev_init(&m->testdev, &m->vm);
	pvpanic_init(&m->pvpanic, &m->vm);
	return machine_add_devices(m);
}

static enum status machine_boot(struct machine *m, const struct options *opt)
{
	const struct acpi_machine acpi = { m->vm.nr_vcpus, m->vm.timer_on_pin2 };
	const struct linux_files files = { opt->kernel, opt->initrd, opt->append };
	struct boot_entry entry;
	enum status st;
	uint64_t rsdp;
	void *tables = mem_hva(&m->vm.mem, ACPI_GPA, ACPI_SIZE);

	if (!tables || !acpi_build(tables, ACPI_SIZE, ACPI_GPA, &acpi, &rsdp)) {
		log_error("the ACPI tables for %u vCPUs do not fit: ask for less --cpus or more --memory",
			  m->vm.nr_vcpus);
		return STATUS_MEMORY;
	}
	st = linux_load(&m->vm.mem, &files, rsdp, &entry);
	if (st != STATUS_OK)
		return st;
	return vcpu_set_boot_state(&m->vm.vcpus[0], &entry);
}

static enum status machine_check_width(struct machine *m)
{
	unsigned int bits = cpuid_phys_bits(m->vm.cpuid);

	if (!m->vm.mem.high || bits >= 52 || HOLE_END + m->vm.mem.high <= 1ULL << bits)
		return STATUS_OK;
	log_error("this CPU addresses %llu MiB at most: ask for less with --memory",
		  ((1ULL << bits) - GIB(1)) >> 20);
	return STATUS_MEMORY;
}

/*
 * From nothing to a machine that is about to run. On failure machine_destroy() takes apart what
 * there is.
 */
static enum status machine_build(struct machine *m, const struct options *opt)
{
	enum status st;

	st = vm_create(&m->vm, opt->kvm);
	if (st == STATUS_OK)
		st = mem_check_size(opt->memory);
	if (st == STATUS_OK)
		st = vm_set_memory(&m->vm, opt->memory);
	if (st == STATUS_OK)
		st = irq_create_chips(&m->vm);
	if (st == STATUS_OK)
		st = machine_init_loop(m);
	if (st == STATUS_OK)
		st = machine_init_devices(m, opt);
	if (st == STATUS_OK)
		st = vcpus_create(&m->vm, opt->cpus);
	if (st == STATUS_OK)
		st = machine_check_width(m);
	if (st == STATUS_OK)
		st = machine_boot(m, opt);
	/* Last: from here on the terminal is the guest's. */
	if (st == STATUS_OK)
		st = console_init(&m->console, &m->loop, &machine_console_ops, m);
	return st;
}

static enum status machine_run(struct machine *m)
{
	enum status st = vcpus_start(&m->vm);

	if (st == STATUS_OK && loop_run(&m->loop)) {
		log_error("the main loop failed: %s", strerror(errno));
		st = STATUS_HOST;
	}
	/* The first reason counts: ours, if there is none yet. */
	vm_stop(&m->vm, st);
	console_stop(&m->console);
	vcpus_stop(&m->vm);
	if (m->end_signal == SIGQUIT)
		vcpus_dump(&m->vm);
	else if (log_verbose())
		vcpus_print_exits(&m->vm);
	return atomic_load(&m->vm.stop_status);
}

static void machine_destroy(struct machine *m)
{
	if (m->console.ops)
		console_destroy(&m->console);
	if (m->debugcon.dev.ops)
		debugcon_destroy(&m->debugcon);
	if (m->rtc.dev.ops)
		rtc_destroy(&m->rtc);
	vcpus_destroy(&m->vm);
	if (m->signals.ready && m->signals.fd >= 0)
		close(m->signals.fd);
	if (m->stop.ready)
		loop_destroy(&m->loop);
	vm_destroy(&m->vm);
}

static int run(const struct options *opt)
{
	struct machine *m = calloc(1, sizeof(*m));
	int status, sig;

	if (!m) {
		log_error("no memory");
		return STATUS_HOST;
	}
	/* A console whose reader has gone is an error that write(2) tells. */
	signal(SIGPIPE, SIG_IGN);
	status = machine_build(m, opt);
	if (status == STATUS_OK)
		status = machine_run(m);
	machine_destroy(m);
	sig = m->end_signal;
	free(m);
	if (sig) {
		/* Whoever sent it sees that it worked. */
		signal(sig, SIG_DFL);
		raise(sig);
	}
	return status;
}

/* Descriptors 0 to 2 exist, so that none of ours takes their place. */
static void open_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int main(int argc, char *argv[])
{
	struct options opt;
	enum status st;

	open_standard_fds();
	st = options_parse(argc, argv, &opt);
	if (st != STATUS_OK)
		return st;
	log_set_verbose(opt.verbose);
	switch (opt.cmd) {
	case CMD_RUN:
		return run(&opt);
	case CMD_CHECK:
		return check_kvm(opt.kvm);
	case CMD_VERSION:
		printf("vmm %s\n", VMM_VERSION);
		break;
	default:
		options_help(opt.cmd);
	}
	/* Help that nobody could read is an error, too. */
	return fflush(stdout) ? STATUS_HOST : STATUS_OK;
}
