// SPDX-License-Identifier: GPL-2.0-only
/* IN and OUT that hardware decoded: no emulator. String I/O and MMIO go through emul/glue.c. */

#include <linux/module.h>

#include "core.h"
#include "cr.h"
#include "exit.h"
#include "trace.h"

static void set_result(struct kvm_vcpu *vcpu, int size, u32 value)
{
	u64 *rax = &vcpu->regs.val[KVM_REG_RAX];

	/* 32 bits clear the upper half, 8 and 16 leave it (SDM vol. 1, 3.4.1.1). */
	if (size == 4)
		kvm_reg_write(vcpu, KVM_REG_RAX, value);
	else if (size == 2)
		kvm_reg_write(vcpu, KVM_REG_RAX, (*rax & ~0xffffULL) | (u16)value);
	else
		kvm_reg_write(vcpu, KVM_REG_RAX, (*rax & ~0xffULL) | (u8)value);
}

/* Userspace did it. */
static enum kvm_exit_action complete_out(struct kvm_vcpu *vcpu)
{
	return exit_skip(vcpu);
}

static enum kvm_exit_action complete_in(struct kvm_vcpu *vcpu)
{
	u32 value = 0;

	memcpy(&value, vcpu->io.pio_data, vcpu->io.size);
	trace_kvm_pio(false, vcpu->io.port, vcpu->io.size, 1, &value);
	set_result(vcpu, vcpu->io.size, value);
	return exit_skip(vcpu);
}

/*
 * KVM_X86_QUIRK_OUT_7E_INC_RIP: an OUT to this port is over when userspace hears of it. Not where a
 * trap is due behind it: that comes when userspace is back, as for any port.
 */
static bool over_before_user(struct kvm_vcpu *vcpu, u16 port, bool in)
{
	return unlikely(port == 0x7e) && !in && !(kvm_rflags_read(vcpu) & X86_EFLAGS_TF) &&
	       !(vcpu->kvm->caps.disabled_quirks & KVM_X86_QUIRK_OUT_7E_INC_RIP);
}

static enum kvm_exit_action to_user(struct kvm_vcpu *vcpu, u16 port, int size, bool in)
{
	bool over = over_before_user(vcpu, port, in);
	struct kvm_run *run = vcpu->run;
	enum kvm_exit_action action;

	if (over) {
		action = exit_skip(vcpu);
		if (action != KVM_RESUME)
			return action;
	}
	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	run->io.size = size;
	run->io.port = port;
	run->io.count = 1;
	run->io.data_offset = KVM_PIO_DATA_PAGE * PAGE_SIZE;
	vcpu->io.port = port;
	vcpu->io.size = size;
	if (!over)
		vcpu->io.complete = in ? complete_in : complete_out;
	return KVM_TO_USER;
}

/**
 * exit_pio() - IN or OUT, not string, decoded by hardware
 * @vcpu: the vCPU
 * @port: port number
 * @size: 1, 2 or 4 bytes
 * @in: direction
 *
 * Context: exit.h. The I/O permission check was hardware's.
 */
enum kvm_exit_action exit_pio(struct kvm_vcpu *vcpu, u16 port, int size, bool in)
{
	u32 value = 0;

	vcpu->stat.io_exits++;
	if (in) {
		if (!iobus_read(vcpu, KVM_PIO_BUS, port, size, &value)) {
			trace_kvm_pio(false, port, size, 1, &value);
			set_result(vcpu, size, value);
			return exit_skip(vcpu);
		}
	} else {
		value = vcpu->regs.val[KVM_REG_RAX];
		trace_kvm_pio(true, port, size, 1, &value);
		if (!iobus_write(vcpu, KVM_PIO_BUS, port, size, &value))
			return exit_skip(vcpu);
		memcpy(vcpu->io.pio_data, &value, size);
	}
	return to_user(vcpu, port, size, in);
}
EXPORT_SYMBOL_NS_GPL(exit_pio, GUESTMODE);
