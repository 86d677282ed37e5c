// SPDX-License-Identifier: GPL-2.0-only
/* What a vCPU came out of KVM_RUN for. */
#include <errno.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>

#include "dump.h"
#include "exit.h"
#include "log.h"
#include "vcpu.h"
#include "vm.h"

struct exit_row {
	const char *name;
	enum exit_action (*handler)(struct vcpu *vcpu);	/* NULL: unexpected */
};

static void exit_log_unhandled(struct vm *vm, const char *what, uint64_t addr, unsigned int size)
{
	uint64_t held;

	if (!log_verbose() || !log_limit_ok(&vm->unhandled, &held))
		return;
	if (held)
		log_info("%" PRIu64 " more accesses that no device takes", held);
	log_info("no device takes the %u-byte %s 0x%" PRIx64, size, what, addr);
}

static uint64_t exit_load(const uint8_t *p, unsigned int size)
{
	uint64_t v = 0;

	memcpy(&v, p, size);
	return v;
}

static enum exit_action exit_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct vm *vm = vcpu->vm;
	unsigned int size = run->io.size, port = run->io.port;
	uint64_t count = run->io.count, value;
	uint8_t *p;
	bool taken = true;

	/* KVM is trusted, a KVM under development only so far. */
	if (!size || size > 4 || run->io.data_offset > vm->run_size ||
	    count > (vm->run_size - run->io.data_offset) / size) {
		if (vm_stop(vm, STATUS_INTERNAL))
			log_error("KVM reports port I/O of %u times %u bytes outside its shared page",
				  run->io.count, size);
		return EXIT_STOP;
	}
	p = (uint8_t *)run + run->io.data_offset;
	for (; count; count--, p += size) {
		if (run->io.direction == KVM_EXIT_IO_OUT) {
			taken &= bus_write(&vm->pio, port, exit_load(p, size), size);
		} else {
			taken &= bus_read(&vm->pio, port, &value, size);
			memcpy(p, &value, size);
		}
	}
	if (!taken)
		exit_log_unhandled(vm, run->io.direction == KVM_EXIT_IO_OUT ? "write to port" :
				   "read from port", port, size);
	return EXIT_RESUME;
}

static enum exit_action exit_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct vm *vm = vcpu->vm;
	unsigned int size = run->mmio.len;
	uint64_t value;
	bool taken;

	if (!size || size > sizeof(run->mmio.data)) {
		if (vm_stop(vm, STATUS_INTERNAL))
			log_error("KVM reports an MMIO access of %u bytes", size);
		return EXIT_STOP;
	}
	if (run->mmio.is_write) {
		taken = bus_write(&vm->mmio, run->mmio.phys_addr,
				  exit_load(run->mmio.data, size), size);
	} else {
		taken = bus_read(&vm->mmio, run->mmio.phys_addr, &value, size);
		memcpy(run->mmio.data, &value, size);
	}
	if (!taken)
		exit_log_unhandled(vm, run->mmio.is_write ? "write to address" :
				   "read from address", run->mmio.phys_addr, size);
	return EXIT_RESUME;
}

static enum exit_action exit_intr(struct vcpu *vcpu)
{
	(void)vcpu;
	return EXIT_RESUME;
}

static enum exit_action exit_shutdown(struct vcpu *vcpu)
{
	if (!vm_stop(vcpu->vm, STATUS_TRIPLE_FAULT))
		return EXIT_STOP;
	log_error("the guest's vCPU %u shut down (triple fault)", vcpu->id);
	if (log_verbose())
		dump_vcpu(vcpu);
	return EXIT_STOP;
}

static enum exit_action exit_system_event(struct vcpu *vcpu)
{
	switch (vcpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		vm_stop(vcpu->vm, STATUS_OK);
		return EXIT_STOP;
	case KVM_SYSTEM_EVENT_RESET:
		vm_stop(vcpu->vm, STATUS_RESET);
		return EXIT_STOP;
	case KVM_SYSTEM_EVENT_CRASH:
		if (vm_stop(vcpu->vm, STATUS_PANIC))
			log_error("the guest reports that it crashed");
		return EXIT_STOP;
	}
	if (vm_stop(vcpu->vm, STATUS_INTERNAL))
		log_error("KVM reports a system event %u that vmm doesn't know",
			  vcpu->run->system_event.type);
	return EXIT_STOP;
}

static enum exit_action exit_fail_entry(struct vcpu *vcpu)
{
	if (!vm_stop(vcpu->vm, STATUS_INTERNAL))
		return EXIT_STOP;
	log_error("the CPU refuses to enter the guest, vCPU %u, hardware reason 0x%llx", vcpu->id,
		  (unsigned long long)vcpu->run->fail_entry.hardware_entry_failure_reason);
	dump_vcpu(vcpu);
	return EXIT_STOP;
}

static const char *exit_suberror(unsigned int suberror)
{
	switch (suberror) {
	case KVM_INTERNAL_ERROR_EMULATION:
		return "it cannot emulate an instruction";
	case KVM_INTERNAL_ERROR_SIMUL_EX:
		return "exceptions on top of each other";
	case KVM_INTERNAL_ERROR_DELIVERY_EV:
		return "an exit while delivering an event";
	case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON:
		return "an exit that it doesn't know";
	}
	return "for a reason that vmm doesn't know";
}

static enum exit_action exit_internal_error(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	unsigned int i, n = run->internal.ndata;
	char line[16 * 17 + 1] = "";
	int len = 0;

	if (!vm_stop(vcpu->vm, STATUS_INTERNAL))
		return EXIT_STOP;
	log_error("KVM gave up on the guest, vCPU %u: %s (suberror %u)", vcpu->id,
		  exit_suberror(run->internal.suberror), run->internal.suberror);
	if (n > 16)
		n = 16;
	for (i = 0; i < n; i++)
		len += snprintf(line + len, sizeof(line) - len, " %llx",
				(unsigned long long)run->internal.data[i]);
	if (n)
		log_text("  data%s", line);
	dump_vcpu(vcpu);
	return EXIT_STOP;
}

static enum exit_action exit_unexpected(struct vcpu *vcpu)
{
	if (!vm_stop(vcpu->vm, STATUS_INTERNAL))
		return EXIT_STOP;
	log_error("vCPU %u came out with %s (exit reason %u), which vmm hasn't asked for",
		  vcpu->id, exit_name(vcpu->run->exit_reason), vcpu->run->exit_reason);
	dump_vcpu(vcpu);
	return EXIT_STOP;
}

static const struct exit_row exit_rows[VCPU_EXIT_REASONS] = {
	[KVM_EXIT_UNKNOWN]		= { "unknown", NULL },
	[KVM_EXIT_EXCEPTION]		= { "exception", NULL },
	[KVM_EXIT_IO]			= { "io", exit_io },
	[KVM_EXIT_HYPERCALL]		= { "hypercall", NULL },
	[KVM_EXIT_DEBUG]		= { "debug", NULL },
	[KVM_EXIT_HLT]			= { "hlt", NULL },
	[KVM_EXIT_MMIO]			= { "mmio", exit_mmio },
	[KVM_EXIT_IRQ_WINDOW_OPEN]	= { "irq-window-open", exit_intr },
	[KVM_EXIT_SHUTDOWN]		= { "shutdown", exit_shutdown },
	[KVM_EXIT_FAIL_ENTRY]		= { "fail-entry", exit_fail_entry },
	[KVM_EXIT_INTR]			= { "intr", exit_intr },
	[KVM_EXIT_INTERNAL_ERROR]	= { "internal-error", exit_internal_error },
	[KVM_EXIT_SYSTEM_EVENT]		= { "system-event", exit_system_event },
};

/**
 * exit_name() - An exit reason in a word.
 * @reason: KVM_EXIT_*.
 */
const char *exit_name(unsigned int reason)
{
	if (reason < VCPU_EXIT_REASONS && exit_rows[reason].name)
		return exit_rows[reason].name;
	return "another-reason";
}

/**
 * exit_handle() - Do what the guest needs before it can go on.
 * @vcpu: a vCPU whose KVM_RUN has returned 0; its own thread calls.
 *
 * Return: whether the vCPU is entered again; if not, vm_stop() was called.
 */
enum exit_action exit_handle(struct vcpu *vcpu)
{
	unsigned int reason = vcpu->run->exit_reason;
	enum exit_action (*handler)(struct vcpu *vcpu) = NULL;

	if (reason < VCPU_EXIT_REASONS) {
		atomic_fetch_add_explicit(&vcpu->exits[reason], 1, memory_order_relaxed);
		handler = exit_rows[reason].handler;
	}
	return handler ? handler(vcpu) : exit_unexpected(vcpu);
}

/**
 * exit_run_failed() - Report that KVM_RUN itself failed, and end the machine.
 * @vcpu: the vCPU; its own thread calls.
 * @err: errno.
 */
void exit_run_failed(struct vcpu *vcpu, int err)
{
	if (err == ENOMEM) {
		if (vm_stop(vcpu->vm, STATUS_MEMORY))
			log_error("the host ran out of memory under vCPU %u: use less --memory",
				  vcpu->id);
		return;
	}
	if (!vm_stop(vcpu->vm, STATUS_INTERNAL))
		return;
	log_error("KVM_RUN failed for vCPU %u: %s", vcpu->id, strerror(err));
	dump_vcpu(vcpu);
}
