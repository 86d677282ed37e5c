// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls, as Documentation/virt/kvm/x86/hypercalls.rst has them, by a guest that makes one and
 * then an OUT. Those that userspace answers are in caps.c.
 */
#include <string.h>
#include <time.h>

#include "row.h"
#include "vm.h"

#define PORT_OK 0x10

#define HC_CLOCK_PAIRING 9
#define HC_SEND_IPI 10
#define HC_SCHED_YIELD 11

/* VMMCALL: on Intel the driver makes it a VMCALL. */
static struct vm *caller(bool irqchip)
{
	static const uint8_t code[] = { 0x0f, 0x01, 0xd9, 0xe6, PORT_OK }; /* vmmcall; out */
	struct vm *vm = vm_new_ram();

	if (irqchip)
		vm_add_irqchip(vm, false);
	memcpy(vm_ptr(vm, GUEST_IMAGE, sizeof(code)), code, sizeof(code));
	vm_add_vcpu(vm, 0);
	return vm;
}

/* By the first vCPU. */
static uint64_t hypercall(struct vm *vm, enum vcpu_mode mode, uint64_t nr, uint64_t a0, uint64_t a1,
			  uint64_t a2, uint64_t a3)
{
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_regs regs;

	vcpu_set_mode(vcpu, mode, GUEST_IMAGE, GUEST_IMAGE);
	regs = vcpu_regs(vcpu);
	regs.rax = nr;
	regs.rbx = a0;
	regs.rcx = a1;
	regs.rdx = a2;
	regs.rsi = a3;
	expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &regs));
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("the port of the OUT behind it", vcpu->run->io.port, PORT_OK);
	return vcpu_regs(vcpu).rax;
}

static void need_feature(unsigned int bit)
{
	if (!guest_has(kvm_open(), 0x40000001, 0, 'a', bit))
		row_skip("no such KVM_FEATURE");
}

/* ---- IPIs ---- */

#define LAPIC_SVR 0xf0
#define LAPIC_IRR_40 0x220 /* vectors from 0x40 on */

static void expect_ipi(const char *what, struct vcpu *vcpu, uint32_t irr)
{
	expect_eq(what, vcpu_lapic(vcpu, LAPIC_IRR_40), irr);
	vcpu_set_lapic(vcpu, LAPIC_IRR_40, 0);
}

/* KVM_HC_SEND_IPI's second word: 64 ids on in 64-bit code, elsewhere 32. */
static void send_ipi_words(const void *arg)
{
	const uint32_t irr = 1 << 5;
	struct vm *vm = caller(false);
	struct vcpu *to[2];

	(void)arg;
	need_feature(11);
	expect_eq("without a local APIC", hypercall(vm, MODE_LONG, HC_SEND_IPI, 1, 0, 0, 0x45),
		  -95ull);

	vm = caller(true);
	to[0] = vm_add_vcpu(vm, 70);
	to[1] = vm_add_vcpu(vm, 102);
	vcpu_set_lapic(to[0], LAPIC_SVR, 0x1ff);
	vcpu_set_lapic(to[1], LAPIC_SVR, 0x1ff);
	expect_eq("64 bits, 0 + 64 + 6", hypercall(vm, MODE_LONG, HC_SEND_IPI, 0, 1 << 6, 0, 0x45),
		  1);
	expect_ipi("70, IRR", to[0], irr);
	expect_ipi("102, IRR", to[1], 0);
	expect_eq("32 bits, 40 + 30 and 40 + 32 + 30",
		  hypercall(vm, MODE_PROT32, HC_SEND_IPI, 1 << 30, 1ull << 32 | 1 << 30, 40, 0x45),
		  2);
	expect_ipi("70, IRR", to[0], irr);
	expect_ipi("102, IRR", to[1], irr);
	expect_eq("to one whose APIC is off", hypercall(vm, MODE_LONG, HC_SEND_IPI, 1, 0, 0, 0x45),
		  0);
}

/* ---- clocks ---- */

/* KVM_HC_CLOCK_PAIRING: the host's real time, and the TSC that the guest had at it. */
static void clock_pairing(const void *arg)
{
	struct vm *vm = caller(true);
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_clock_pairing {
		int64_t sec, nsec;
		uint64_t tsc;
		uint32_t flags, pad[9];
	} *pair = vm_ptr(vm, GUEST_IOLOG, sizeof(*pair));
	struct timespec before, after;
	uint64_t tsc[2], ret;

	(void)arg;
	expect_eq("another type", hypercall(vm, MODE_LONG, HC_CLOCK_PAIRING, GUEST_IOLOG, 1, 0, 0),
		  -95ull);
	memset(pair, 0xee, sizeof(*pair));
	clock_gettime(CLOCK_REALTIME, &before);
	vcpu_get_msr(vcpu, 0x10, &tsc[0]);
	ret = hypercall(vm, MODE_LONG, HC_CLOCK_PAIRING, GUEST_IOLOG, 0, 0, 0);
	vcpu_get_msr(vcpu, 0x10, &tsc[1]);
	clock_gettime(CLOCK_REALTIME, &after);
	if (ret == -95ull)
		row_skip("the host's clock is not the TSC");
	expect_eq("its result", ret, 0);
	expect_true(pair->sec >= before.tv_sec && pair->sec <= after.tv_sec,
		    "seconds: expected %lld to %lld, saw %lld", (long long)before.tv_sec,
		    (long long)after.tv_sec, (long long)pair->sec);
	expect_true(pair->nsec >= 0 && pair->nsec < 1000000000,
		    "nanoseconds: expected below 10^9, saw %lld", (long long)pair->nsec);
	expect_true(pair->tsc >= tsc[0] && pair->tsc <= tsc[1],
		    "TSC: expected %llu to %llu, saw %llu", (unsigned long long)tsc[0],
		    (unsigned long long)tsc[1], (unsigned long long)pair->tsc);
	expect_eq("flags", pair->flags, 0);
	expect_eq("the rest", pair->pad[8], 0);
	expect_eq("no memory there",
		  hypercall(vm, MODE_LONG, HC_CLOCK_PAIRING, 0xc0000000, 0, 0, 0), -14ull);
}

/* ---- yielding ---- */

/* KVM_HC_SCHED_YIELD: whom it names changes nothing in the result. */
static void sched_yield_ids(const void *arg)
{
	struct vm *vm = caller(true);

	(void)arg;
	need_feature(13);
	vm_add_vcpu(vm, 3);
	expect_eq("to one that never ran", hypercall(vm, MODE_LONG, HC_SCHED_YIELD, 3, 0, 0, 0), 0);
	expect_eq("to itself", hypercall(vm, MODE_LONG, HC_SCHED_YIELD, 0, 0, 0, 0), 0);
	expect_eq("to nobody", hypercall(vm, MODE_LONG, HC_SCHED_YIELD, 77, 0, 0, 0), 0);
	expect_eq("to an id beyond all", hypercall(vm, MODE_LONG, HC_SCHED_YIELD, ~0ull, 0, 0, 0),
		  0);
}

static const struct test_row rows[] = {
	{ .name = "send-ipi-words", .run = send_ipi_words },
	{ .name = "clock-pairing", .run = clock_pairing },
	{ .name = "sched-yield", .run = sched_yield_ids },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
