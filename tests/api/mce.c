// SPDX-License-Identifier: GPL-2.0-only
/*
 * Machine checks: KVM_X86_SETUP_MCE, the banks' MSRs, KVM_X86_SET_MCE and what the guest sees of it
 * (SDM vol. 3, chapter 16).
 */
#include <string.h>

#include "row.h"
#include "vm.h"

#define CR4_MCE (1ull << 6)

#define MCG_CAP 0x179
#define MCG_STATUS 0x17a
#define MCG_CTL 0x17b
#define MC_CTL2(bank) (0x280 + (bank))
#define MC_CTL(bank) (0x400 + 4 * (bank))
#define MC_STATUS(bank) (0x401 + 4 * (bank))
#define MC_ADDR(bank) (0x402 + 4 * (bank))
#define MC_MISC(bank) (0x403 + 4 * (bank))

#define CAP_CTL_P (1ull << 8)
#define CAP_CMCI_P (1ull << 10)
#define CAP_SER_P (1ull << 24)

#define STATUS_RIPV (1ull << 0)
#define STATUS_MCIP (1ull << 2)

#define CTL2_CMCI_EN (1ull << 30)

#define MCI_AR (1ull << 55)
#define MCI_S (1ull << 56)
#define MCI_PCC (1ull << 57)
#define MCI_ADDRV (1ull << 58)
#define MCI_MISCV (1ull << 59)
#define MCI_EN (1ull << 60)
#define MCI_UC (1ull << 61)
#define MCI_OVER (1ull << 62)
#define MCI_VAL (1ull << 63)

#define CORRECTED (MCI_VAL | MCI_EN | MCI_ADDRV | MCI_MISCV | 0x9f)
#define NO_ACTION (CORRECTED | MCI_UC)
#define ACTION (NO_ACTION | MCI_S | MCI_AR)

#define LAPIC_VERSION 0x30
#define LAPIC_LVTCMCI 0x2f0
#define CMCI_VECTOR 0x55

#define PORT_MC 0x80
#define PORT_CMCI 0x81
#define PORT_MAIN 0x82

static uint64_t supported(int kvm)
{
	uint64_t cap = 0;

	need_cap(kvm, KVM_CAP_MCE);
	expect_ok("KVM_X86_GET_MCE_CAP_SUPPORTED", ioctl(kvm, KVM_X86_GET_MCE_CAP_SUPPORTED, &cap));
	return cap;
}

static int setup(struct vcpu *vcpu, uint64_t cap)
{
	return ioctl(vcpu->fd, KVM_X86_SETUP_MCE, &cap);
}

static int report(struct vcpu *vcpu, uint8_t bank, uint64_t status, uint64_t mcg_status,
		  uint64_t addr)
{
	struct kvm_x86_mce mce = {
		.status = status, .mcg_status = mcg_status, .addr = addr, .misc = 0x8c, .bank = bank
	};

	return ioctl(vcpu->fd, KVM_X86_SET_MCE, &mce);
}

static void expect_msr(struct vcpu *vcpu, const char *name, uint32_t index, uint64_t want)
{
	uint64_t value = 0xdead;

	expect_true(vcpu_get_msr(vcpu, index, &value) == 1, "%s: can't be read", name);
	expect_eq(name, value, want);
}

static void set_msr(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
	expect_true(vcpu_set_msr(vcpu, index, value) == 1, "MSR %#x: can't be set to %#llx", index,
		    (unsigned long long)value);
}

/*
 * A guest in real mode that says where it is by a port: in the main program, which waits with
 * interrupts on and goes round, in its #MC handler, in CMCI's.
 */
static struct vcpu *guest(struct vm *vm, uint64_t cap)
{
	static const uint8_t text[] = {
		0xfb, 0xe6, PORT_MAIN, 0xeb, 0xfb, /* 1: sti; out %al, $PORT_MAIN; jmp 1b */
	};
	static const struct {
		uint8_t vector, port;
	} handler[] = { { 18, PORT_MC }, { CMCI_VECTOR, PORT_CMCI } };
	struct kvm_sregs sregs;
	struct vcpu *vcpu;
	unsigned int i;

	vm_add_irqchip(vm, false);
	vcpu = vm_add_vcpu(vm, 0);
	expect_ok("KVM_X86_SETUP_MCE", setup(vcpu, cap));
	memcpy(vm_ptr(vm, GUEST_REAL, sizeof(text)), text, sizeof(text));
	for (i = 0; i < ARRAY_SIZE(handler); i++) {
		uint32_t to = GUEST_REAL + 0x100 + 0x10 * i;
		uint8_t code[] = { 0xe6, handler[i].port, 0xcf }; /* out %al, $port; iret */

		memcpy(vm_ptr(vm, to, sizeof(code)), code, sizeof(code));
		memcpy(vm_ptr(vm, 4 * handler[i].vector, 4), &to, 4);
	}
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
	sregs = vcpu_sregs(vcpu);
	sregs.cr4 |= CR4_MCE;
	expect_ok("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
	vcpu_set_lapic(vcpu, 0xf0, 0x1ff);
	return vcpu;
}

static void expect_at(struct vcpu *vcpu, const char *where, uint16_t port)
{
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq(where, vcpu->run->io.port, port);
}

static void refused(const void *arg)
{
	struct vcpu *vcpu = vm_add_vcpu(vm_new_ram(), 0);
	uint64_t cap = supported(vcpu->vm->kvm);

	(void)arg;
	expect_errno("no banks", setup(vcpu, cap), EINVAL);
	expect_errno("33 banks", setup(vcpu, cap | 33), EINVAL);
	expect_errno("what isn't supported", setup(vcpu, 10 | 1ull << 63), EINVAL);
	expect_ok("all that is supported", setup(vcpu, cap | 10));
	expect_errno("a bank too far", report(vcpu, 10, CORRECTED, 0, 0), EINVAL);
	expect_errno("an error that isn't valid", report(vcpu, 0, CORRECTED & ~MCI_VAL, 0, 0),
		     EINVAL);
}

static void registers(const void *arg)
{
	struct vcpu *vcpu = vm_add_vcpu(vm_new_ram(), 0);
	uint64_t cap = supported(vcpu->vm->kvm), value;

	(void)arg;
	expect_ok("KVM_X86_SETUP_MCE", setup(vcpu, cap | 4));
	/* Of what is accepted it has what its processor can have: an AMD one no more than this. */
	expect_true(vcpu_get_msr(vcpu, MCG_CAP, &value) == 1, "MCG_CAP: can't be read");
	expect_eq("MCG_CAP: banks, MCG_CTL", value & 0x1ff, (cap | 4) & 0x1ff);
	expect_eq("MCG_CAP: what wasn't set", value & ~(cap | 4), 0);
	expect_msr(vcpu, "MCG_CTL", MCG_CTL, ~0ull);
	expect_msr(vcpu, "MC3_CTL", MC_CTL(3), ~0ull);
	expect_eq("MC4_CTL: may it be read?", vcpu_get_msr(vcpu, MC_CTL(4), &value), 0);
	set_msr(vcpu, MC_STATUS(3), CORRECTED);
	expect_msr(vcpu, "MC3_STATUS", MC_STATUS(3), CORRECTED);
	expect_eq("MCG_CTL: may it be 1?", vcpu_set_msr(vcpu, MCG_CTL, 1), 0);
	set_msr(vcpu, MCG_CTL, 0);
	expect_ok("without MCG_CTL", setup(vcpu, 4));
	expect_eq("MCG_CTL: may it be all ones?", vcpu_set_msr(vcpu, MCG_CTL, ~0ull), 0);
}

/* What overwrites what is the architecture's since 6.0's driver takes them for UCNA. */
static void corrected(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = guest(vm, supported(vm->kvm) | 4);

	(void)arg;
	expect_ok("KVM_X86_SET_MCE", report(vcpu, 1, CORRECTED, 0, 0x1000));
	expect_msr(vcpu, "MC1_STATUS", MC_STATUS(1), CORRECTED);
	expect_msr(vcpu, "MC1_ADDR", MC_ADDR(1), 0x1000);
	expect_msr(vcpu, "MC1_MISC", MC_MISC(1), 0x8c);
	expect_msr(vcpu, "MCG_STATUS", MCG_STATUS, 0);
	expect_at(vcpu, "nothing happens", PORT_MAIN);
	if (stock_61())
		row_skip("what comes second is not noted here");
	expect_ok("a second one", report(vcpu, 1, CORRECTED, 0, 0x2000));
	expect_msr(vcpu, "MC1_STATUS", MC_STATUS(1), CORRECTED | MCI_OVER);
	expect_msr(vcpu, "MC1_ADDR", MC_ADDR(1), 0x2000);
	expect_ok("a worse one", report(vcpu, 1, NO_ACTION, 0, 0x3000));
	expect_msr(vcpu, "MC1_STATUS", MC_STATUS(1), NO_ACTION | MCI_OVER);
	expect_ok("a less bad one", report(vcpu, 1, CORRECTED, 0, 0x4000));
	expect_msr(vcpu, "MC1_STATUS", MC_STATUS(1), NO_ACTION | MCI_OVER);
	expect_msr(vcpu, "MC1_ADDR", MC_ADDR(1), 0x3000);
	expect_at(vcpu, "nothing happens", PORT_MAIN);
}

static void uncorrected(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = guest(vm, supported(vm->kvm) | 4);

	(void)arg;
	expect_at(vcpu, "first", PORT_MAIN);
	set_msr(vcpu, MCG_CTL, 0);
	expect_ok("switched off", report(vcpu, 2, ACTION, STATUS_RIPV | STATUS_MCIP, 0x1000));
	expect_msr(vcpu, "MC2_STATUS", MC_STATUS(2), 0);
	expect_at(vcpu, "switched off", PORT_MAIN);
	set_msr(vcpu, MCG_CTL, ~0ull);
	set_msr(vcpu, MC_CTL(2), 0);
	expect_ok("a bank that is off", report(vcpu, 2, ACTION, STATUS_RIPV | STATUS_MCIP, 0x1000));
	expect_at(vcpu, "a bank that is off", PORT_MAIN);
	set_msr(vcpu, MC_CTL(2), ~0ull);
	expect_ok("KVM_X86_SET_MCE", report(vcpu, 2, ACTION, STATUS_RIPV | STATUS_MCIP, 0x1000));
	expect_msr(vcpu, "MC2_STATUS", MC_STATUS(2), ACTION);
	expect_msr(vcpu, "MCG_STATUS", MCG_STATUS, STATUS_RIPV | STATUS_MCIP);
	expect_at(vcpu, "#MC", PORT_MC);
	expect_ok("one more", report(vcpu, 2, ACTION, STATUS_RIPV | STATUS_MCIP, 0x1000));
	vcpu_run_until(vcpu, KVM_EXIT_SHUTDOWN);
}

static void unwanted(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = guest(vm, supported(vm->kvm) | 4);
	struct kvm_sregs sregs = vcpu_sregs(vcpu);

	(void)arg;
	sregs.cr4 &= ~CR4_MCE;
	expect_ok("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
	expect_ok("KVM_X86_SET_MCE", report(vcpu, 2, ACTION, STATUS_RIPV | STATUS_MCIP, 0x1000));
	vcpu_run_until(vcpu, KVM_EXIT_SHUTDOWN);
}

/* An error that needs no action doesn't raise #MC. */
static void no_action(const void *arg)
{
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu = guest(vm, (supported(vm->kvm) & ~CAP_CMCI_P) | 4);
	uint64_t value;

	(void)arg;
	expect_ok("KVM_X86_SET_MCE", report(vcpu, 0, NO_ACTION, 0, 0x5000));
	expect_msr(vcpu, "MC0_STATUS", MC_STATUS(0), NO_ACTION);
	expect_msr(vcpu, "MC0_ADDR", MC_ADDR(0), 0x5000);
	expect_msr(vcpu, "MCG_STATUS", MCG_STATUS, 0);
	expect_at(vcpu, "no #MC", PORT_MAIN);
	expect_at(vcpu, "no #MC", PORT_MAIN);
	/* Without CMCI its MSRs are zeros for userspace. */
	if (vcpu_get_msr(vcpu, MC_CTL2(0), &value))
		expect_eq("MC0_CTL2", value, 0);
	expect_eq("MC0_CTL2: may it be set?", vcpu_set_msr(vcpu, MC_CTL2(0), CTL2_CMCI_EN), 0);
	expect_eq("LVT entries", vcpu_lapic(vcpu, LAPIC_VERSION) >> 16 & 0xff, 5);
	expect_eq("LVTCMCI", vcpu_lapic(vcpu, LAPIC_LVTCMCI), 0);
}

static void cmci(const void *arg)
{
	struct vm *vm = vm_new_ram();
	uint64_t cap = supported(vm->kvm) | 4;
	struct vcpu *vcpu;

	(void)arg;
	if (!(cap & CAP_CMCI_P))
		row_skip("no CMCI on this vendor's processors");
	vcpu = guest(vm, cap);
	expect_eq("LVT entries", vcpu_lapic(vcpu, LAPIC_VERSION) >> 16 & 0xff, 6);
	expect_eq("MC1_CTL2: a reserved bit?", vcpu_set_msr(vcpu, MC_CTL2(1), 1ull << 31), 0);
	vcpu_set_lapic(vcpu, LAPIC_LVTCMCI, CMCI_VECTOR);
	expect_eq("LVTCMCI", vcpu_lapic(vcpu, LAPIC_LVTCMCI), CMCI_VECTOR);
	expect_ok("not enabled", report(vcpu, 1, NO_ACTION, 0, 0x5000));
	expect_at(vcpu, "not enabled", PORT_MAIN);
	expect_at(vcpu, "not enabled", PORT_MAIN);
	set_msr(vcpu, MC_STATUS(1), 0);
	set_msr(vcpu, MC_CTL2(1), CTL2_CMCI_EN | 1);
	expect_msr(vcpu, "MC1_CTL2", MC_CTL2(1), CTL2_CMCI_EN | 1);
	expect_ok("enabled", report(vcpu, 1, NO_ACTION, 0, 0x6000));
	expect_at(vcpu, "enabled", PORT_CMCI);
	expect_msr(vcpu, "MC1_STATUS", MC_STATUS(1), NO_ACTION);
	expect_msr(vcpu, "MC1_ADDR", MC_ADDR(1), 0x6000);
	vcpu_set_lapic(vcpu, LAPIC_LVTCMCI, CMCI_VECTOR | 1 << 16);
	vcpu_set_lapic(vcpu, 0xb0, 0);
	expect_at(vcpu, "back", PORT_MAIN);
	expect_ok("masked", report(vcpu, 1, NO_ACTION, 0, 0x7000));
	expect_at(vcpu, "masked", PORT_MAIN);
	expect_at(vcpu, "masked", PORT_MAIN);
}

static const struct test_row rows[] = {
	{ .name = "refused", .run = refused },	   { .name = "registers", .run = registers },
	{ .name = "corrected", .run = corrected }, { .name = "uncorrected", .run = uncorrected },
	{ .name = "unwanted", .run = unwanted },   { .name = "no-action", .run = no_action },
	{ .name = "cmci", .run = cmci },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
