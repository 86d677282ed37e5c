// SPDX-License-Identifier: GPL-2.0-only
/*
 * What KVM_SET_SREGS and KVM_SET_DEBUGREGS take, hardware takes, too: each bit of the control and
 * debug registers, changed alone, is refused there or leads to an entry. What the guest makes of it
 * is its own affair.
 */
#include <string.h>

#include "row.h"
#include "vm.h"

static const uint8_t code[] = { 0xe6, 0x10, 0xeb, 0xfc }; /* out %al, $0x10; jmp . - 2 */

enum reg { CR0, CR3, CR4, CR8, EFER, DR6, DR7, NR_REGS };
static const char *const names[] = { "CR0", "CR3", "CR4", "CR8", "EFER", "DR6", "DR7" };

/* Change a bit. Return: of the ioctl. */
static int change(struct vcpu *vcpu, enum reg reg, unsigned int bit)
{
	struct kvm_debugregs d;
	struct kvm_sregs s = vcpu_sregs(vcpu);
	uint64_t flip = 1ull << bit;

	if (reg == DR6 || reg == DR7) {
		expect_ok("KVM_GET_DEBUGREGS", ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &d));
		*(reg == DR6 ? &d.dr6 : &d.dr7) ^= flip;
		return ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &d);
	}
	*(reg == CR0 ? &s.cr0 :
	  reg == CR3 ? &s.cr3 :
	  reg == CR4 ? &s.cr4 :
	  reg == CR8 ? &s.cr8 :
		       &s.efer) ^= flip;
	return ioctl(vcpu->fd, KVM_SET_SREGS, &s);
}

/* In a mode, as any guest: without CPUID, waiting for an interrupt window. */
static void flips(const void *arg)
{
	enum vcpu_mode mode = (uintptr_t)arg;
	unsigned int reg, bit, entered = 0;
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);
	struct kvm_debugregs debug;
	struct kvm_sregs sregs;

	if (stock_61())
		row_skip("takes more than that");
	memcpy(vm_ptr(vm, GUEST_REAL, sizeof(code)), code, sizeof(code));
	vcpu_set_mode(vcpu, mode, GUEST_REAL, 0x7000);
	sregs = vcpu_sregs(vcpu);
	expect_ok("KVM_GET_DEBUGREGS", ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &debug));
	for (reg = 0; reg < NR_REGS; reg++) {
		for (bit = 0; bit < 64; bit++) {
			vcpu_set_mode(vcpu, mode, GUEST_REAL, 0x7000);
			expect_ok("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
			expect_ok("KVM_SET_DEBUGREGS", ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &debug));
			if (change(vcpu, reg, bit))
				continue;
			vcpu->run->request_interrupt_window = 1;
			usr1_in(20);
			entered++;
			if (!vcpu_run(vcpu))
				expect_true(vcpu->run->exit_reason != KVM_EXIT_FAIL_ENTRY,
					    "%s bit %u: taken, and then the entry failed",
					    names[reg], bit);
		}
	}
	expect_true(entered > 50, "%u states that were taken: expected some of each", entered);
}

static const struct test_row rows[] = {
	{ .name = "flips-real", .run = flips, .arg = (void *)MODE_REAL },
	{ .name = "flips-prot32", .run = flips, .arg = (void *)MODE_PROT32 },
	{ .name = "flips-paged32", .run = flips, .arg = (void *)MODE_PAGED32 },
	{ .name = "flips-pae", .run = flips, .arg = (void *)MODE_PAE },
	{ .name = "flips-long", .run = flips, .arg = (void *)MODE_LONG },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
