// SPDX-License-Identifier: GPL-2.0-only
/*
 * Set-up under fault injection: the first allocation (or copy from or to user memory) of an ioctl
 * fails, then the second, ... until it succeeds untouched. Each failure is -ENOMEM (-EFAULT for a
 * copy), leaves the VM usable, and leaks nothing: the debug kernel's own checkers see to that.
 *
 * Needs /proc/thread-self/fail-nth: tests/rig/host --kernel debug.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "row.h"
#include "vm.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define MOST_FAULTS	2000		/* no call has so many places to fail */
#define PASSES		4	/* until as many failed as can */
#define ROOM		(4u << 20)	/* of memory for a second slot, bytes */

/* What an operation works on; built anew whenever one succeeded. */
struct set_up {
	struct vm *vm;		/* NULL where the operation makes it */
	struct vcpu *vcpu;	/* or NULL */
	int made;		/* the descriptor that the operation returned, -1 */
	int kvm;
	int event[2]; /* eventfds */
	void *room;		/* ROOM bytes */
	struct kvm_cpuid2 *cpuid;
};

struct operation {
	long (*run)(struct set_up *s);
	bool vm, irqchip, pit, vcpu;	/* what must be there before */
	bool started;			/* the vCPU has run */
	bool empty;			/* the VM has no memory */
	unsigned int least;		/* at least so many places where it can fail */
};

/* --- the kernel's switches -------------------------------------------------------------------- */

/* Every kind of allocation counts, of any size; the log stays as it is. */
static void allow_faults(void)
{
	static const char *const kind[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	char path[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kind); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/verbose", kind[i]);
		write_file(path, "0");
	}
	write_file("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	write_file("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N");
	write_file("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N");
	write_file("/sys/kernel/debug/fail_page_alloc/min-order", "0");
}

/* From here on the nth chance of this thread to fail is taken. */
static void arm(int fd, unsigned int nth)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", nth);
	if (pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text))
		return;
	row_die("%s: expected to write %u, saw %s", FAIL_NTH, nth, strerrorname_np(errno));
}

/*
 * Has it been? The file reads 0 then. Reading and writing it are copies that can themselves be the
 * chance, when the operation left one or two over.
 */
static bool disarm(int fd)
{
	char text[16] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0 && errno != EFAULT)
		row_die("%s: expected to read a number, saw %s", FAIL_NTH, strerrorname_np(errno));
	if (pwrite(fd, "0", 1, 0) != 1)
		arm(fd, 0);
	return n > 0 && !atoi(text);
}

/* --- operations ------------------------------------------------------------------------------- */

static long create_vm(struct set_up *s)
{
	return s->made = ioctl(s->kvm, KVM_CREATE_VM, 0);
}

static long create_vcpu(struct set_up *s)
{
	return s->made = ioctl(s->vm->fd, KVM_CREATE_VCPU, 1);
}

static long create_irqchip(struct set_up *s)
{
	return ioctl(s->vm->fd, KVM_CREATE_IRQCHIP, 0);
}

static long create_pit2(struct set_up *s)
{
	struct kvm_pit_config config = { .flags = 0 };

	return ioctl(s->vm->fd, KVM_CREATE_PIT2, &config);
}

static long add_slot(struct set_up *s)
{
	return vm_set_slot(s->vm, 1, 0x10000000, ROOM, s->room, 0);
}

static long add_logged_slot(struct set_up *s)
{
	return vm_set_slot(s->vm, 1, 0x10000000, ROOM, s->room, KVM_MEM_LOG_DIRTY_PAGES);
}

static long log_slot(struct set_up *s)
{
	return vm_set_slot(s->vm, 0, 0, GUEST_RAM, vm_ptr(s->vm, 0, 1), KVM_MEM_LOG_DIRTY_PAGES);
}

/* Logged, and the log asked for: what can't be copied out stays in it. */
static long dirty_log(struct set_up *s)
{
	uint64_t bitmap[GUEST_RAM / 4096 / 64];
	struct kvm_dirty_log log = { .slot = 0, .dirty_bitmap = bitmap };
	long ret = log_slot(s);

	return ret ?: ioctl(s->vm->fd, KVM_GET_DIRTY_LOG, &log);
}

static long move_slot(struct set_up *s)
{
	return vm_set_slot(s->vm, 0, 0x20000000, GUEST_RAM, vm_ptr(s->vm, 0, 1), 0);
}

static long delete_slot(struct set_up *s)
{
	return vm_set_slot(s->vm, 0, 0, 0, NULL, 0);
}

static long supported_cpuid(struct set_up *s)
{
	s->cpuid->nent = 256;
	return ioctl(s->kvm, KVM_GET_SUPPORTED_CPUID, s->cpuid);
}

static long set_cpuid2(struct set_up *s)
{
	return ioctl(s->vcpu->fd, KVM_SET_CPUID2, s->cpuid);
}

static long get_cpuid2(struct set_up *s)
{
	s->cpuid->nent = 256;
	return ioctl(s->vcpu->fd, KVM_GET_CPUID2, s->cpuid);
}

static long msr_index_list(struct set_up *s)
{
	static struct {
		struct kvm_msr_list list;
		uint32_t index[1024];
	} m;

	m.list.nmsrs = ARRAY_SIZE(m.index);
	return ioctl(s->kvm, KVM_GET_MSR_INDEX_LIST, &m);
}

static long msrs(struct set_up *s, unsigned long cmd)
{
	struct {
		struct kvm_msrs msrs;
		struct kvm_msr_entry entry[3];
	} m = { .msrs.nmsrs = 3 };
	long ret;

	m.entry[0].index = 0x174;	/* SYSENTER_CS */
	m.entry[1].index = 0xc0000081;	/* STAR */
	m.entry[2].index = 0x277;	/* PAT */
	m.entry[2].data = 0x0007040600070406;
	ret = ioctl(s->vcpu->fd, cmd, &m);
	if (ret >= 0)
		expect_eq("MSRs handled", ret, 3);
	return ret;
}

static long get_msrs(struct set_up *s)
{
	return msrs(s, KVM_GET_MSRS);
}

static long set_msrs(struct set_up *s)
{
	return msrs(s, KVM_SET_MSRS);
}

static long set_routing(struct set_up *s)
{
	struct {
		struct kvm_irq_routing routing;
		struct kvm_irq_routing_entry entry[2];
	} r = { .routing.nr = 2 };

	r.entry[0].gsi = 5;
	r.entry[0].type = KVM_IRQ_ROUTING_IRQCHIP;
	r.entry[0].u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
	r.entry[0].u.irqchip.pin = 5;
	r.entry[1].gsi = 30;
	r.entry[1].type = KVM_IRQ_ROUTING_MSI;
	r.entry[1].u.msi.address_lo = 0xfee00000;
	r.entry[1].u.msi.data = 0x40;
	return ioctl(s->vm->fd, KVM_SET_GSI_ROUTING, &r);
}

static long ioeventfd(struct set_up *s)
{
	struct kvm_ioeventfd e = { .addr = 0xd0000000, .len = 4, .fd = s->event[0] };

	return ioctl(s->vm->fd, KVM_IOEVENTFD, &e);
}

static long irqfd(struct set_up *s)
{
	struct kvm_irqfd irqfd = { .fd = s->event[0],
				   .gsi = 5,
				   .flags = KVM_IRQFD_FLAG_RESAMPLE,
				   .resamplefd = s->event[1] };

	return ioctl(s->vm->fd, KVM_IRQFD, &irqfd);
}

static long coalesced(struct set_up *s)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = 0xd0000000, .size = 16 };
	long ret = ioctl(s->vm->fd, KVM_REGISTER_COALESCED_MMIO, &zone);

	return ret ?: ioctl(s->vm->fd, KVM_UNREGISTER_COALESCED_MMIO, &zone);
}

static long set_irqchip(struct set_up *s)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	long ret = ioctl(s->vm->fd, KVM_GET_IRQCHIP, &chip);

	return ret ?: ioctl(s->vm->fd, KVM_SET_IRQCHIP, &chip);
}

static long set_lapic(struct set_up *s)
{
	struct kvm_lapic_state state;
	long ret = ioctl(s->vcpu->fd, KVM_GET_LAPIC, &state);

	return ret ?: ioctl(s->vcpu->fd, KVM_SET_LAPIC, &state);
}

static long set_sregs(struct set_up *s)
{
	struct kvm_sregs sregs;
	long ret = ioctl(s->vcpu->fd, KVM_GET_SREGS, &sregs);

	return ret ?: ioctl(s->vcpu->fd, KVM_SET_SREGS, &sregs);
}

static long set_xsave(struct set_up *s)
{
	static struct kvm_xsave xsave;
	long ret = ioctl(s->vcpu->fd, KVM_GET_XSAVE, &xsave);

	return ret ?: ioctl(s->vcpu->fd, KVM_SET_XSAVE, &xsave);
}

static long set_fpu(struct set_up *s)
{
	struct kvm_fpu fpu;
	long ret = ioctl(s->vcpu->fd, KVM_GET_FPU, &fpu);

	return ret ?: ioctl(s->vcpu->fd, KVM_SET_FPU, &fpu);
}

static long set_events(struct set_up *s)
{
	struct kvm_vcpu_events events;
	long ret = ioctl(s->vcpu->fd, KVM_GET_VCPU_EVENTS, &events);

	return ret ?: ioctl(s->vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
}

static long set_signal_mask(struct set_up *s)
{
	struct {
		struct kvm_signal_mask mask;
		uint64_t set;
	} m = { .mask.len = 8 };

	return ioctl(s->vcpu->fd, KVM_SET_SIGNAL_MASK, &m);
}

static long setup_mce(struct set_up *s)
{
	uint64_t mce = 10;

	return ioctl(s->vcpu->fd, KVM_X86_SETUP_MCE, &mce);
}

/*
 * KVM_RUN to the guest's OUT; between two tries the registers are as the failure left them, so the
 * guest arrives where it should, or the failure was not clean.
 */
static long run(struct set_up *s)
{
	long ret = ioctl(s->vcpu->fd, KVM_RUN, 0);

	if (ret)
		return ret;
	expect_eq("exit reason", s->vcpu->run->exit_reason, KVM_EXIT_IO);
	expect_eq("port", s->vcpu->run->io.port, 0x80);
	return 0;
}

/* --- the loop --------------------------------------------------------------------------------- */

/* A guest that touches memory in two places (near and far), an MSR and CPUID, then says so. */
static const uint8_t guest_code[] = {
	0xa3, 0x00, 0x70,			/* mov %ax, 0x7000 */
	0x66, 0x31, 0xc0,			/* xor %eax, %eax */
	0x0f, 0xa2,				/* cpuid */
	0x66, 0xb9, 0x77, 0x02, 0x00, 0x00,	/* mov $0x277, %ecx */
	0x0f, 0x32,				/* rdmsr */
	0x66, 0xbb, 0x00, 0x00, 0x00, 0x01,	/* mov $0x1000000, %ebx */
	0x67, 0x66, 0x89, 0x03,			/* mov %eax, (%ebx) */
	0xe6, 0x80,				/* out %al, $0x80 */
	0xf4,					/* hlt */
};

static void build(struct set_up *s, const struct operation *op)
{
	s->made = -1;
	s->vm = NULL;
	s->vcpu = NULL;
	s->kvm = kvm_open();
	s->event[0] = eventfd(0, EFD_CLOEXEC);
	s->event[1] = eventfd(0, EFD_CLOEXEC);
	s->room = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	s->cpuid = kvm_supported_cpuid(s->kvm);
	if (!op->vm)
		return;
	s->vm = vm_new();
	if (op->empty)
		return;
	vm_add_memory(s->vm, 0, 0, GUEST_RAM, 0);
	memcpy(vm_ptr(s->vm, GUEST_REAL, sizeof(guest_code)), guest_code, sizeof(guest_code));
	if (op->irqchip)
		vm_add_irqchip(s->vm, op->pit);
	if (op->vcpu) {
		s->vcpu = vm_add_vcpu(s->vm, 0);
		vcpu_set_mode(s->vcpu, MODE_REAL, GUEST_REAL, 0x6000);
		/* The far write is beyond 64 KiB. */
		vcpu_set_big_data(s->vcpu);
	}
	if (op->started)
		vcpu_run_until(s->vcpu, KVM_EXIT_IO);
}

static void take_down(struct set_up *s)
{
	if (s->made >= 0)
		close(s->made);
	if (s->vcpu) {
		munmap(s->vcpu->run, s->vcpu->run_size);
		close(s->vcpu->fd);
	}
	if (s->vm) {
		if (s->vm->slot[0].hva)
			munmap(s->vm->slot[0].hva, GUEST_RAM);
		close(s->vm->fd);
		close(s->vm->kvm);
		free(s->vm);
	}
	close(s->event[0]);
	close(s->event[1]);
	munmap(s->room, ROOM);
	free(s->cpuid);
	close(s->kvm);
}

/*
 * Each chance once. A failed call is made again on the same VM, so that what it left behind would
 * show. One that succeeded in spite of a fault gets a new VM, since most succeed only once.
 *
 * Return: how many calls failed.
 */
static unsigned int fail_once_each(int fd, const struct operation *op)
{
	unsigned int nth, failed = 0;
	struct set_up s;

	build(&s, op);
	for (nth = 1; nth < MOST_FAULTS; nth++) {
		bool taken;
		long ret;
		int err;

		arm(fd, nth);
		errno = 0;
		ret = op->run(&s);
		err = errno;
		taken = disarm(fd);
		if (!taken) {
			expect_true(ret >= 0, "untouched: expected success, saw %s",
				    strerrorname_np(err));
			break;
		}
		if (ret < 0) {
			failed++;
			expect_true(err == ENOMEM || err == EFAULT,
				    "chance %u: expected ENOMEM or EFAULT, saw %s", nth,
				    strerrorname_np(err));
			continue;
		}
		take_down(&s);
		build(&s, op);
	}
	take_down(&s);
	expect_true(nth < MOST_FAULTS, "expected an end, saw %u faults", nth);
	row_log("%u chances, %u failures", nth - 1, failed);
	return failed;
}

/*
 * Chances that the kernel makes up for (a page for a slab, say) come and go: the nth of one call
 * need not be the nth of the next, and one that matters can be stepped over. Then all over again.
 */
static void fail_each(const void *arg)
{
	int fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	const struct operation *op = arg;
	unsigned int pass, failed = 0;

	if (fd < 0)
		row_skip("no fault injection in this kernel");
	allow_faults();
	for (pass = 0; pass < PASSES && failed < op->least; pass++)
		failed = fail_once_each(fd, op);
	expect_true(failed >= op->least, "expected %u failures or more, saw %u", op->least, failed);
}

#define OPERATION(row_name, ...)							\
	{ .name = row_name, .run = fail_each, .arg = &(const struct operation){ __VA_ARGS__ },	\
	  .seconds = 400 }

static const struct test_row rows[] = {
	OPERATION("create_vm", create_vm, .least = 4),
	OPERATION("create_vcpu", create_vcpu, .vm = true, .least = 4),
	OPERATION("create_vcpu_with_lapic", create_vcpu, .vm = true, .irqchip = true, .least = 4),
	OPERATION("create_irqchip", create_irqchip, .vm = true, .least = 2),
	OPERATION("create_pit2", create_pit2, .vm = true, .irqchip = true, .least = 2),
	OPERATION("add_first_slot", add_slot, .vm = true, .empty = true, .least = 3),
	OPERATION("add_slot", add_slot, .vm = true, .least = 1),
	OPERATION("add_logged_slot", add_logged_slot, .vm = true, .least = 2),
	OPERATION("log_slot", log_slot, .vm = true, .least = 1),
	OPERATION("log_used_slot", log_slot, .vm = true, .vcpu = true, .started = true, .least = 1),
	OPERATION("dirty_log", dirty_log, .vm = true, .vcpu = true, .started = true, .least = 2),
	OPERATION("move_slot", move_slot, .vm = true, .least = 1),
	OPERATION("move_used_slot", move_slot, .vm = true, .vcpu = true, .started = true,
		  .least = 1),
	OPERATION("delete_slot", delete_slot, .vm = true, .least = 1),
	OPERATION("delete_used_slot", delete_slot, .vm = true, .vcpu = true, .started = true,
		  .least = 1),
	OPERATION("get_supported_cpuid", supported_cpuid, .least = 2),
	OPERATION("set_cpuid2", set_cpuid2, .vm = true, .vcpu = true, .least = 2),
	OPERATION("get_cpuid2", get_cpuid2, .vm = true, .vcpu = true, .least = 1),
	OPERATION("get_msr_index_list", msr_index_list, .least = 1),
	OPERATION("get_msrs", get_msrs, .vm = true, .vcpu = true, .least = 1),
	OPERATION("set_msrs", set_msrs, .vm = true, .vcpu = true, .least = 1),
	OPERATION("set_gsi_routing", set_routing, .vm = true, .irqchip = true, .least = 2),
	OPERATION("ioeventfd", ioeventfd, .vm = true, .least = 3),
	OPERATION("irqfd", irqfd, .vm = true, .irqchip = true, .least = 3),
	OPERATION("coalesced_mmio", coalesced, .vm = true, .least = 3),
	OPERATION("get_and_set_irqchip", set_irqchip, .vm = true, .irqchip = true, .pit = true,
		  .least = 2),
	OPERATION("get_and_set_lapic", set_lapic, .vm = true, .irqchip = true, .vcpu = true,
		  .least = 2),
	OPERATION("get_and_set_sregs", set_sregs, .vm = true, .vcpu = true, .least = 2),
	OPERATION("get_and_set_xsave", set_xsave, .vm = true, .vcpu = true, .least = 2),
	OPERATION("get_and_set_fpu", set_fpu, .vm = true, .vcpu = true, .least = 2),
	OPERATION("get_and_set_vcpu_events", set_events, .vm = true, .vcpu = true, .least = 2),
	OPERATION("set_signal_mask", set_signal_mask, .vm = true, .vcpu = true, .least = 2),
	OPERATION("setup_mce", setup_mce, .vm = true, .vcpu = true, .least = 1),
	OPERATION("run", run, .vm = true, .vcpu = true, .least = 3),
	OPERATION("run_with_lapic", run, .vm = true, .irqchip = true, .pit = true, .vcpu = true,
		  .least = 3),
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
