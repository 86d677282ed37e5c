// SPDX-License-Identifier: GPL-2.0-only
/*
 * State that is easily lost between two hosts: what stands in no register yet, what other documents
 * call a state, what comes in an order of userspace's own.
 */
#include <errno.h>
#include <string.h>

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

static const struct test_row rows[] = {
	{ .name = "kicked", .run = kicked },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
