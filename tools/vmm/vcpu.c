// SPDX-License-Identifier: GPL-2.0-only
/* Virtual CPUs: their first state, their threads, how they are stopped. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cpuid.h"
#include "dump.h"
#include "exit.h"
#include "layout.h"
#include "log.h"
#include "term.h"
#include "vcpu.h"
#include "vm.h"

/* Interrupts KVM_RUN; its handler does nothing. */
#define VCPU_KICK_SIGNAL SIGRTMIN
/* A vCPU that hasn't come out by then never will: its KVM is broken. */
#define VCPU_STOP_TICK_NS	(10 * 1000 * 1000)
#define VCPU_STOP_TICKS		3000
/* Device emulation is shallow: this is several times what it needs. */
#define VCPU_STACK_SIZE KIB(256)

/* Open files beside the vCPUs', generously. */
#define VCPU_OTHER_FDS		64

/* MSRs as firmware leaves them (SDM vol. 3, 11.11; vol. 4). */
#define MSR_IA32_MISC_ENABLE	0x1a0
#define MISC_ENABLE_FAST_STRING	(1u << 0)
#define MSR_MTRR_DEF_TYPE	0x2ff
#define MTRR_DEF_ENABLE		(1u << 11)
#define MTRR_TYPE_WB		6

#define CR0_PE		(1ull << 0)
#define CR0_ET		(1ull << 4)
#define CR0_NE		(1ull << 5)
#define CR0_PG		(1ull << 31)
#define CR4_PAE		(1ull << 5)
#define EFER_LME	(1ull << 8)
#define EFER_LMA	(1ull << 10)

static enum status vcpu_fail(const struct vcpu *vcpu, const char *what)
{
	int err = errno;

	log_error("vCPU %u: %s failed: %s", vcpu->id, what, strerror(err));
	if (err == EMFILE || err == ENFILE)
		return STATUS_HOST;
	return err == ENOMEM ? STATUS_MEMORY : STATUS_KVM;
}

static enum status vcpu_set_cpuid(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	struct kvm_cpuid2 *c;
	enum status st = STATUS_OK;

	c = cpuid_for_vcpu(vm->cpuid, vcpu->id, vm->nr_vcpus,
			   caps_has(&vm->caps, CAP_TSC_DEADLINE_TIMER));
	if (!c) {
		log_error("no memory for the CPUID table");
		return STATUS_MEMORY;
	}
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, c))
		st = vcpu_fail(vcpu, "KVM_SET_CPUID2");
	free(c);
	return st;
}

/*
 * Kernels cope when one is missing, so a KVM that doesn't take it is not an error. One at a time:
 * KVM stops at the first that it refuses.
 */
static void vcpu_set_msrs(struct vcpu *vcpu)
{
	static const struct kvm_msr_entry entries[] = {
		{ .index = MSR_IA32_MISC_ENABLE, .data = MISC_ENABLE_FAST_STRING },
		{ .index = MSR_MTRR_DEF_TYPE, .data = MTRR_DEF_ENABLE | MTRR_TYPE_WB },
	};
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} one = { .head.nmsrs = 1 };
	size_t i;

	for (i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		one.entry = entries[i];
		if (ioctl(vcpu->fd, KVM_SET_MSRS, &one) != 1)
			log_info("vCPU %u: this KVM does not take MSR 0x%x", vcpu->id,
				 one.entry.index);
	}
}

static enum status vcpu_create(struct vm *vm, struct vcpu *vcpu)
{
	enum status st;
	void *run;

	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)vcpu->id);
	if (vcpu->fd < 0)
		return vcpu_fail(vcpu, "KVM_CREATE_VCPU");
	run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (run == MAP_FAILED)
		return vcpu_fail(vcpu, "mapping struct kvm_run");
	vcpu->run = run;
	st = vcpu_set_cpuid(vcpu);
	if (st == STATUS_OK)
		vcpu_set_msrs(vcpu);
	return st;
}

static enum status vcpus_check_count(struct vm *vm, unsigned int nr)
{
	unsigned int max = caps_max_vcpus(&vm->caps);
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X2APIC_API,
		.args[0] = KVM_X2APIC_API_USE_32BIT_IDS,
	};

	if (nr > max) {
		log_error("--cpus asks for %u and this KVM has %u at most: ask for less", nr, max);
		return STATUS_USAGE;
	}
	/* IDs from 255 on exist in x2APIC only. */
	if (nr <= 255)
		return STATUS_OK;
	if (!caps_has(&vm->caps, CAP_X2APIC_API)) {
		log_error("this KVM lacks KVM_CAP_X2APIC_API, which more than 255 vCPUs need: ask for less");
		return STATUS_KVM;
	}
	if (ioctl(vm->fd, KVM_ENABLE_CAP, &cap)) {
		log_error("enabling KVM_CAP_X2APIC_API failed: %s", strerror(errno));
		return STATUS_KVM;
	}
	return STATUS_OK;
}

/* Each vCPU has a descriptor; the usual soft limit of 1024 exists for programs with select(2). */
static enum status vcpus_raise_limit(unsigned int nr)
{
	const rlim_t need = nr + VCPU_OTHER_FDS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= need)
		return STATUS_OK;
	if (limit.rlim_max >= need) {
		limit.rlim_cur = need;
		if (!setrlimit(RLIMIT_NOFILE, &limit))
			return STATUS_OK;
	}
	log_error("%u vCPUs need more open files than this process may have: raise its limit (ulimit -n %llu) or ask for less --cpus",
		  nr, (unsigned long long)need);
	return STATUS_HOST;
}

/**
 * vcpus_create() - Create all vCPUs, in KVM's reset state.
 * @vm: the machine, with memory and interrupt controllers.
 * @nr: how many, at least 1.
 *
 * vCPU 0 is the one that starts; the others wait for its INIT and SIPI.
 *
 * Return: STATUS_OK or the reason's status, with a message; vcpus_destroy() is due in any case.
 */
enum status vcpus_create(struct vm *vm, unsigned int nr)
{
	enum status st = vcpus_check_count(vm, nr);
	unsigned int i;
	int size;

	if (st == STATUS_OK)
		st = vcpus_raise_limit(nr);
	if (st != STATUS_OK)
		return st;
	size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(struct kvm_run)) {
		log_error("KVM_GET_VCPU_MMAP_SIZE gave %d, too little: not a KVM that vmm knows",
			  size);
		return STATUS_KVM;
	}
	vm->run_size = size;
	st = cpuid_get_supported(vm->kvm_fd, &vm->cpuid);
	if (st != STATUS_OK)
		return st;
	vm->vcpus = calloc(nr, sizeof(*vm->vcpus));
	if (!vm->vcpus) {
		log_error("no memory for %u vCPUs", nr);
		return STATUS_MEMORY;
	}
	vm->nr_vcpus = nr;
	for (i = 0; i < nr; i++) {
		vm->vcpus[i].vm = vm;
		vm->vcpus[i].id = i;
		vm->vcpus[i].fd = -1;
	}
	for (i = 0; i < nr && st == STATUS_OK; i++)
		st = vcpu_create(vm, &vm->vcpus[i]);
	return st;
}

static struct kvm_segment vcpu_flat_segment(__u16 selector, bool code)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = code ? 0xb : 0x3,	/* accessed; readable code, writable data */
		.present = 1,
		.db = !code,
		.s = 1,
		.l = code,
		.g = 1,
	};
}

/**
 * vcpu_set_boot_state() - Put a vCPU into 64-bit mode at a kernel's entry.
 * @vcpu: the vCPU that boots.
 * @entry: where, and with which tables.
 *
 * As the 64-bit boot protocol asks: paging on with an identity mapping, flat segments from the
 * GDT, interrupts off, RSI at boot_params.
 *
 * Return: STATUS_OK or the reason's status, with a message.
 */
enum status vcpu_set_boot_state(struct vcpu *vcpu, const struct boot_entry *entry)
{
	struct kvm_regs regs = {
		.rip = entry->rip,
		.rsi = entry->rsi,
		.rflags = 2,	/* the bit that is always one */
	};
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return vcpu_fail(vcpu, "KVM_GET_SREGS");
	sregs.cs = vcpu_flat_segment(BOOT_CS, true);
	sregs.ds = vcpu_flat_segment(BOOT_DS, false);
	sregs.es = sregs.fs = sregs.gs = sregs.ss = sregs.ds;
	sregs.gdt.base = entry->gdt;
	sregs.gdt.limit = entry->gdt_limit;
	sregs.idt.base = 0;
	sregs.idt.limit = 0;
	sregs.cr3 = entry->cr3;
	sregs.cr4 = CR4_PAE;
	sregs.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG;
	sregs.efer |= EFER_LME | EFER_LMA;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs))
		return vcpu_fail(vcpu, "KVM_SET_SREGS");
	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs))
		return vcpu_fail(vcpu, "KVM_SET_REGS");
	return STATUS_OK;
}

static void *vcpu_thread(void *opaque)
{
	struct vcpu *vcpu = opaque;
	struct vm *vm = vcpu->vm;

	while (!vm_stopping(vm)) {
		if (ioctl(vcpu->fd, KVM_RUN, 0)) {
			/* EAGAIN: a waiting vCPU was woken before it has something to run. */
			if (errno == EINTR || errno == EAGAIN)
				continue;
			exit_run_failed(vcpu, errno);
			break;
		}
		if (exit_handle(vcpu) == EXIT_STOP)
			break;
	}
	atomic_store(&vcpu->done, true);
	return NULL;
}

static void vcpu_kicked(int sig)
{
	(void)sig;
}

/**
 * vcpus_start() - Start a thread for every vCPU.
 * @vm: the machine.
 *
 * Return: STATUS_OK or STATUS_HOST, with a message; vcpus_stop() is due in any case.
 */
enum status vcpus_start(struct vm *vm)
{
	/* No SA_RESTART: KVM_RUN and blocked writes must return. */
	struct sigaction sa = { .sa_handler = vcpu_kicked };
	sigset_t all, old;
	pthread_attr_t attr;
	unsigned int i;
	int err = 0;

	sigemptyset(&sa.sa_mask);
	sigaction(VCPU_KICK_SIGNAL, &sa, NULL);

	/* Everything else is the main thread's; faults of a thread can't be blocked anyway. */
	sigfillset(&all);
	sigdelset(&all, VCPU_KICK_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, VCPU_STACK_SIZE);
	for (i = 0; i < vm->nr_vcpus && !err; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];
		char name[16];

		err = pthread_create(&vcpu->thread, &attr, vcpu_thread, vcpu);
		if (err)
			break;
		vcpu->started = true;
		snprintf(name, sizeof(name), "vcpu/%u", i);
		pthread_setname_np(vcpu->thread, name);
	}
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!err)
		return STATUS_OK;
	log_error("cannot start a thread for vCPU %u: %s", i, strerror(err));
	return STATUS_HOST;
}

/**
 * vcpus_stop() - Bring every vCPU's thread to an end.
 * @vm: the machine, stopped by vm_stop().
 *
 * A KVM that doesn't let go of a vCPU makes vmm end here, with a message.
 *
 * Context: main thread.
 */
void vcpus_stop(struct vm *vm)
{
	const struct timespec tick = { .tv_nsec = VCPU_STOP_TICK_NS };
	unsigned int i, ticks = 0;

	for (i = 0; i < vm->nr_vcpus; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		if (!vcpu->started)
			continue;
		/* Whoever is about to enter sees this, who is inside gets the signal. */
		__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
		pthread_kill(vcpu->thread, VCPU_KICK_SIGNAL);
	}
	for (i = 0; i < vm->nr_vcpus; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		if (!vcpu->started)
			continue;
		/* Again: the first one may have come just before a system call that blocks. */
		while (!atomic_load(&vcpu->done)) {
			pthread_kill(vcpu->thread, VCPU_KICK_SIGNAL);
			nanosleep(&tick, NULL);
			if (++ticks < VCPU_STOP_TICKS)
				continue;
			term_restore();
			log_error("vCPU %u does not stop: KVM_RUN ignores signals; vmm ends without it",
				  i);
			_exit(STATUS_INTERNAL);
		}
		pthread_join(vcpu->thread, NULL);
		vcpu->started = false;
	}
}

/**
 * vcpus_destroy() - Undo vcpus_create(), as far as it got.
 * @vm: the machine; no vCPU thread is left.
 */
void vcpus_destroy(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		if (vcpu->run)
			munmap(vcpu->run, vm->run_size);
		if (vcpu->fd >= 0)
			close(vcpu->fd);
	}
	free(vm->vcpus);
	vm->vcpus = NULL;
	vm->nr_vcpus = 0;
	free(vm->cpuid);
	vm->cpuid = NULL;
}

/**
 * vcpus_dump() - Print every vCPU's registers, code bytes and what it waits for.
 * @vm: the machine, after vcpus_stop().
 */
void vcpus_dump(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++) {
		log_text("vcpu/%u:", i);
		dump_vcpu(&vm->vcpus[i]);
		dump_vcpu_waits(&vm->vcpus[i]);
	}
	vcpus_print_exits(vm);
}

/**
 * vcpus_print_exits() - Tell what the vCPUs came out for, so far.
 * @vm: the machine.
 *
 * Context: any thread, vCPUs may run.
 */
void vcpus_print_exits(struct vm *vm)
{
	unsigned int i, reason;

	for (i = 0; i < vm->nr_vcpus; i++) {
		char line[512];
		int len = 0;

		for (reason = 0; reason < VCPU_EXIT_REASONS; reason++) {
			unsigned long n = atomic_load(&vm->vcpus[i].exits[reason]);

			if (n && len < (int)sizeof(line) - 64)
				len += snprintf(line + len, sizeof(line) - len, " %s %lu",
						exit_name(reason), n);
		}
		log_text("vcpu/%u exits:%s", i, len ? line : " none");
	}
}
