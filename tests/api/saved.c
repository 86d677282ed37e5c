// SPDX-License-Identifier: GPL-2.0-only
/*
 * State that is easily lost between two hosts: what stands in no register yet, what other documents
 * call a state, what comes in an order of userspace's own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "row.h"
#include "vm.h"

#define PORT_OK 0x10
#define OUT_OK 0xe6, PORT_OK		/* out %al, $PORT_OK */

static struct vcpu *guest(struct vm *vm, const void *code, size_t bytes)
{
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);

	memcpy(vm_ptr(vm, GUEST_REAL, bytes), code, bytes);
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
	return vcpu;
}

#define GUEST(vm, ...) \
	guest(vm, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void expect_out(struct vcpu *vcpu, uint16_t port)
{
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("port", vcpu->run->io.port, port);
}

static void set_mp_state(struct vcpu *vcpu, uint32_t state)
{
	struct kvm_mp_state mp = { .mp_state = state };

	expect_ok("KVM_SET_MP_STATE", ioctl(vcpu->fd, KVM_SET_MP_STATE, &mp));
}

static uint32_t mp_state(struct vcpu *vcpu)
{
	struct kvm_mp_state mp = { .mp_state = -1 };

	expect_ok("KVM_GET_MP_STATE", ioctl(vcpu->fd, KVM_GET_MP_STATE, &mp));
	return mp.mp_state;
}

/* ---- multiprocessing state ---- */

/* KVM_HC_KICK_CPU ends the HLT of a vCPU that nobody runs at the time. */
static void kicked(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu, *halted;
	struct kvm_regs regs;

	(void)arg;
	if (!guest_has(vm->kvm, 0x40000001, 0, 'a', 7))
		row_skip("no KVM_FEATURE_PV_UNHALT");
	if (stock_61())
		row_skip("this driver says halted");
	vm_add_irqchip(vm, false);
	vcpu = GUEST(vm, 0x0f, 0x01, 0xd9, OUT_OK);	/* vmmcall; out */
	halted = vm_add_vcpu(vm, 1);
	set_mp_state(halted, KVM_MP_STATE_HALTED);
	expect_eq("before", mp_state(halted), KVM_MP_STATE_HALTED);
	regs = vcpu_regs(vcpu);
	regs.rax = 5;		/* KVM_HC_KICK_CPU */
	regs.rcx = 1;
	expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &regs));
	expect_out(vcpu, PORT_OK);
	expect_eq("the call's result", vcpu_regs(vcpu).rax, 0);
	expect_eq("after the kick", mp_state(halted), KVM_MP_STATE_RUNNABLE);
}

/* A SIPI that had come and was not taken yet, as older drivers saved it: taken by KVM_RUN. */
static void sipi_received(const void *arg)
{
	static const uint8_t code[] = { OUT_OK };
	struct vm *vm = vm_new_ram();
	struct kvm_vcpu_events e;
	struct vcpu *ap;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_VCPU_EVENTS);
	vm_add_irqchip(vm, false);
	vm_add_vcpu(vm, 0);
	ap = vm_add_vcpu(vm, 1);
	memcpy(vm_ptr(vm, GUEST_TRAMP, sizeof(code)), code, sizeof(code));
	set_mp_state(ap, KVM_MP_STATE_SIPI_RECEIVED);
	expect_ok("KVM_GET_VCPU_EVENTS", ioctl(ap->fd, KVM_GET_VCPU_EVENTS, &e));
	e.flags = KVM_VCPUEVENT_VALID_SIPI_VECTOR;
	e.sipi_vector = GUEST_TRAMP >> 12;
	expect_ok("KVM_SET_VCPU_EVENTS", ioctl(ap->fd, KVM_SET_VCPU_EVENTS, &e));
	expect_out(ap, PORT_OK);
	expect_eq("CS", vcpu_sregs(ap).cs.selector, GUEST_TRAMP >> 4);
	expect_eq("afterwards", mp_state(ap), KVM_MP_STATE_RUNNABLE);
}

static void sipi_without_irqchip(const void *arg)
{
	struct vcpu *vcpu = vm_add_vcpu(vm_new(), 1);
	struct kvm_mp_state mp = { .mp_state = KVM_MP_STATE_SIPI_RECEIVED };

	(void)arg;
	expect_errno("SIPI_RECEIVED", ioctl(vcpu->fd, KVM_SET_MP_STATE, &mp), EINVAL);
}

/* ---- steal time ---- */

#define MSR_STEAL_TIME 0x4b564d03
#define STEAL_PAGE 0x6000

/* How long this thread has waited for a processor, ns. */
static unsigned long long run_delay(void)
{
	unsigned long long ran, waited = 0;
	FILE *f = fopen("/proc/thread-self/schedstat", "r");

	if (!f || fscanf(f, "%llu %llu", &ran, &waited) != 2)
		waited = 0;
	if (f)
		fclose(f);
	return waited;
}

/* Until this thread has waited for 20 ms: another one spins on the same processor. */
static void wait_for_cpu(void)
{
	cpu_set_t one, all;
	pid_t child;
	int tries;

	sched_getaffinity(0, sizeof(all), &all);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	child = fork();
	if (!child)
		for (;;)
			;
	for (tries = 0; run_delay() < 20000000 && tries < 10000000; tries++)
		;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	sched_setaffinity(0, sizeof(all), &all);
	if (run_delay() < 20000000)
		row_skip("the scheduler tells of no waiting");
}

static void *run_in_thread(void *vcpu)
{
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	return NULL;
}

/*
 * Set by one thread, as a VMM that restores a machine does, run by another one, which has waited
 * less: the time that is stolen does not run backwards.
 */
static void steal_other_thread(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = GUEST(vm, OUT_OK);
	volatile uint64_t *steal = vm_ptr(vm, STEAL_PAGE, 64);
	pthread_t thread;

	(void)arg;
	if (!guest_has(vm->kvm, 0x40000001, 0, 'a', 5))
		row_skip("no KVM_FEATURE_STEAL_TIME");
	wait_for_cpu();
	*steal = 1000;
	expect_eq("MSRs set", vcpu_set_msr(vcpu, MSR_STEAL_TIME, STEAL_PAGE | 1), 1);
	pthread_create(&thread, NULL, run_in_thread, vcpu);
	pthread_join(thread, NULL);
	expect_true(*steal >= 1000 && *steal < 1000000000000ull,
		    "steal time after 1000: expected a little more, saw %llu",
		    (unsigned long long)*steal);
}

/* ---- exceptions that wait ---- */

#define DR6_INIT 0xffff0ff0ull
#define DR6_BS (1ull << 14)

/* A #DB that waits behind an exit: userspace has just answered an IN with TF set. */
static struct vcpu *db_waits(struct vm *vm)
{
	struct vcpu *vcpu = GUEST(vm, 0x9c, 0x58, 0x0d, 0x00, 0x01, 0x50, 0x9d,	/* TF by POPF */
				  0xe4, 0x20, OUT_OK);	/* in $0x20, %al; out */
	uint16_t *ivt = vm_ptr(vm, 0, 1024);

	ivt[1 * 2] = GUEST_REAL + 9;
	ivt[1 * 2 + 1] = 0;
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	vcpu->run->immediate_exit = 1;
	expect_errno("KVM_RUN", vcpu_run(vcpu), EINTR);
	vcpu->run->immediate_exit = 0;
	expect_eq("RIP behind IN", vcpu_regs(vcpu).rip, GUEST_REAL + 9);
	return vcpu;
}

static struct kvm_vcpu_events events_of(struct vcpu *vcpu)
{
	struct kvm_vcpu_events e;

	memset(&e, 0xee, sizeof(e));
	expect_ok("KVM_GET_VCPU_EVENTS", ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &e));
	return e;
}

static uint64_t dr6_of(struct vcpu *vcpu)
{
	struct kvm_debugregs d;

	expect_ok("KVM_GET_DEBUGREGS", ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &d));
	return d.dr6;
}

/* DR6 first, then events: the two belong together in whatever order they are asked for. */
static void db_dr6_first(const void *arg)
{
	struct vcpu *vcpu = db_waits(vm_new_ram());
	struct kvm_vcpu_events e;

	(void)arg;
	expect_eq("DR6", dr6_of(vcpu), DR6_INIT | DR6_BS);
	e = events_of(vcpu);
	expect_eq("exception.injected", e.exception.injected, 1);
	expect_eq("exception.nr", e.exception.nr, 1);
	expect_eq("VALID_PAYLOAD", e.flags & KVM_VCPUEVENT_VALID_PAYLOAD, 0);
	expect_eq("exception_has_payload", e.exception_has_payload, 0);
	expect_eq("DR6 once more", dr6_of(vcpu), DR6_INIT | DR6_BS);
	expect_out(vcpu, PORT_OK);
}

/* With the capability it is told as pending; what it does to DR6 is done all the same. */
static void payload(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct kvm_vcpu_events e;
	struct vcpu *vcpu;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_EXCEPTION_PAYLOAD);
	expect_ok("enable", vm_enable_cap(vm, KVM_CAP_EXCEPTION_PAYLOAD, 1));
	vcpu = db_waits(vm);
	expect_eq("DR6", dr6_of(vcpu), DR6_INIT | DR6_BS);
	e = events_of(vcpu);
	expect_eq("VALID_PAYLOAD", e.flags & KVM_VCPUEVENT_VALID_PAYLOAD,
		  KVM_VCPUEVENT_VALID_PAYLOAD);
	expect_eq("exception.injected", e.exception.injected, 0);
	expect_eq("exception.pending", e.exception.pending, 1);
	expect_eq("exception.nr", e.exception.nr, 1);
	expect_eq("exception_has_payload", e.exception_has_payload, 0);
	expect_ok("KVM_SET_VCPU_EVENTS", ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &e));
	e = events_of(vcpu);
	expect_eq("set: exception.injected", e.exception.injected, 0);
	expect_eq("set: exception.pending", e.exception.pending, 1);
	expect_out(vcpu, PORT_OK);
	expect_eq("DR6 in the handler", dr6_of(vcpu), DR6_INIT | DR6_BS);
}

/* A page fault that userspace brings: CR2 is its payload, and written when it is delivered. */
static void payload_pf(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct kvm_vcpu_events e;
	struct vcpu *vcpu;
	uint16_t *ivt = vm_ptr(vm, 0, 1024);

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_EXCEPTION_PAYLOAD);
	vcpu = GUEST(vm, 0xeb, 0xfe, OUT_OK);
	ivt[14 * 2] = GUEST_REAL + 2;
	e = events_of(vcpu);
	e.flags = KVM_VCPUEVENT_VALID_PAYLOAD;
	expect_errno("not enabled", ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
	expect_ok("enable", vm_enable_cap(vm, KVM_CAP_EXCEPTION_PAYLOAD, 1));
	e.exception.pending = 1;
	e.exception.nr = 2;
	expect_errno("an NMI as an exception", ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
	e.exception.nr = 14;
	e.exception_has_payload = 1;
	e.exception_payload = 0x12345000;
	expect_ok("KVM_SET_VCPU_EVENTS", ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &e));
	e = events_of(vcpu);
	expect_eq("exception_has_payload", e.exception_has_payload, 1);
	expect_eq("exception_payload", e.exception_payload, 0x12345000);
	expect_eq("CR2 before", vcpu_sregs(vcpu).cr2, 0);
	expect_out(vcpu, PORT_OK);
	expect_eq("CR2 in the handler", vcpu_sregs(vcpu).cr2, 0x12345000);
	expect_ok("disable", vm_enable_cap(vm, KVM_CAP_EXCEPTION_PAYLOAD, 0));
	expect_errno("disabled", ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
	expect_eq("VALID_PAYLOAD, disabled", events_of(vcpu).flags & KVM_VCPUEVENT_VALID_PAYLOAD, 0);
}

/* ---- MSRs before memory ---- */

#define CLOCK_PAGE 0x10000000		/* where vm_new_ram() has nothing */
#define MSR_SYSTEM_TIME 0x4b564d01

/* kvmclock's MSR is restored first, then comes the memory that it points to. */
static void clock_before_memory(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = GUEST(vm, OUT_OK, OUT_OK);
	uint32_t *page;

	(void)arg;
	if (stock_61())
		row_skip("this driver's clock stays off");
	expect_eq("KVM_SET_MSRS", vcpu_set_msr(vcpu, MSR_SYSTEM_TIME, CLOCK_PAGE | 1), 1);
	expect_out(vcpu, PORT_OK);
	page = vm_add_memory(vm, 1, CLOCK_PAGE, 4096, 0);
	expect_out(vcpu, PORT_OK);
	expect_true(page[0] && !(page[0] & 1), "version: expected even and not 0, saw %u", page[0]);
	expect_true(page[6], "tsc_to_system_mul: expected a factor, saw 0");
}

/* The flag of a vCPU saved elsewhere, which wasn't in system management mode. */
static void events_without_smm(const void *arg)
{
	struct vcpu *vcpu = vm_add_vcpu(vm_new(), 0);
	struct kvm_vcpu_events e;

	(void)arg;
	expect_ok("KVM_GET_VCPU_EVENTS", ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &e));
	e.flags |= KVM_VCPUEVENT_VALID_SMM;
	expect_ok("not in it", ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &e));
	if (kvm_cap(vcpu->vm->kvm, KVM_CAP_X86_SMM))
		return;
	e.smi.smm = 1;
	expect_errno("in it", ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
	e.smi.smm = 0;
	e.smi.pending = 1;
	expect_errno("on the way into it", ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
}

/* CPUID has APIC's bit as the base register does, whoever has the LAPIC. */
static void apic_bit_without_irqchip(const void *arg)
{
	struct vcpu *vcpu = vm_add_vcpu(vm_new(), 0);
	struct kvm_cpuid2 *cpuid = kvm_supported_cpuid(vcpu->vm->kvm);
	struct kvm_sregs s;
	int on;

	(void)arg;
	expect_ok("KVM_SET_CPUID2", ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid));
	for (on = 0; on < 2; on++) {
		s = vcpu_sregs(vcpu);
		s.apic_base = (s.apic_base & ~(1ull << 11)) | (uint64_t)on << 11;
		expect_ok("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &s));
		expect_ok("KVM_GET_CPUID2", ioctl(vcpu->fd, KVM_GET_CPUID2, cpuid));
		expect_eq("CPUID.1:EDX.APIC", cpuid_find(cpuid, 1, 0)->edx >> 9 & 1, on);
	}
}

static const struct test_row rows[] = {
	{ .name = "events-without-smm", .run = events_without_smm },
	{ .name = "apic-bit-without-irqchip", .run = apic_bit_without_irqchip },
	{ .name = "kicked", .run = kicked },
	{ .name = "sipi-received", .run = sipi_received },
	{ .name = "sipi-without-irqchip", .run = sipi_without_irqchip },
	{ .name = "steal-other-thread", .run = steal_other_thread },
	{ .name = "db-dr6-first", .run = db_dr6_first },
	{ .name = "payload", .run = payload },
	{ .name = "payload-pf", .run = payload_pf },
	{ .name = "clock-before-memory", .run = clock_before_memory },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
