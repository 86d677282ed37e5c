// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/kvm itself: version, capabilities, sizes, and the lists that callers size by E2BIG.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "row.h"
#include "vm.h"

static void version(const void *arg)
{
	(void)arg;
	expect_eq("KVM_GET_API_VERSION", ioctl(kvm_open(), KVM_GET_API_VERSION, 0), 12);
}

static void version_argument(const void *arg)
{
	(void)arg;
	expect_errno("KVM_GET_API_VERSION with an argument",
		     ioctl(kvm_open(), KVM_GET_API_VERSION, 1), EINVAL);
	expect_errno("KVM_GET_VCPU_MMAP_SIZE with an argument",
		     ioctl(kvm_open(), KVM_GET_VCPU_MMAP_SIZE, 1), EINVAL);
}

static void device_node(const void *arg)
{
	struct stat st;

	(void)arg;
	expect_ok("stat /dev/kvm", stat("/dev/kvm", &st));
	expect_true(S_ISCHR(st.st_mode), "/dev/kvm: expected a character device, saw mode %o",
		    st.st_mode);
	expect_errno("mmap of /dev/kvm",
		     (long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, kvm_open(), 0), ENODEV);
}

/*
 * Ioctl numbers that /dev/kvm must not know: foreign type, unused number, those of VMs and vCPUs.
 */
static void unknown_ioctls(const void *arg)
{
	static const struct {
		const char *name;
		unsigned long cmd;
	} row[] = {
		{ "_IO(KVMIO, 0xff)", _IO(KVMIO, 0xff) },
		{ "_IO('k', 0)", _IO('k', 0) },
		{ "KVM_RUN", KVM_RUN },
		{ "KVM_CREATE_VCPU", KVM_CREATE_VCPU },
		{ "KVM_GET_REGS", KVM_GET_REGS },
		{ "KVM_CREATE_IRQCHIP", KVM_CREATE_IRQCHIP },
		{ "KVM_SET_USER_MEMORY_REGION", KVM_SET_USER_MEMORY_REGION },
		{ "KVM_S390_ENABLE_SIE", KVM_S390_ENABLE_SIE },
	};
	unsigned char buffer[4096] = { 0 };
	int kvm = kvm_open();
	size_t i;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(row); i++)
		expect_true(ioctl(kvm, row[i].cmd, buffer) == -1 &&
				    (errno == ENOTTY || errno == EINVAL),
			    "%s: expected ENOTTY or EINVAL, saw %s", row[i].name,
			    strerrorname_np(errno));
}

static void mmap_size(const void *arg)
{
	int size = ioctl(kvm_open(), KVM_GET_VCPU_MMAP_SIZE, 0);

	(void)arg;
	expect_true(size > 0 && size % 4096 == 0 && (size_t)size >= sizeof(struct kvm_run),
		    "KVM_GET_VCPU_MMAP_SIZE: expected whole pages for %zu bytes, saw %d",
		    sizeof(struct kvm_run), size);
}

/* Capabilities with a value or range that every driver of this ABI has. */
struct cap_row {
	const char *name;
	unsigned int cap;
	int low, high;
};

#define CAP(name, low, high) { #name, KVM_CAP_##name, low, high }

static void capabilities(const void *arg)
{
	static const struct cap_row row[] = {
		CAP(USER_MEMORY, 1, 1),
		CAP(DESTROY_MEMORY_REGION_WORKS, 1, 1),
		CAP(JOIN_MEMORY_REGIONS_WORKS, 1, 1),
		CAP(SET_TSS_ADDR, 1, 1),
		CAP(EXT_CPUID, 1, 1),
		CAP(MP_STATE, 1, 1),
		CAP(IRQCHIP, 1, 1),
		CAP(HLT, 1, 1),
		CAP(IRQ_ROUTING, 24, 65536),
		CAP(NR_VCPUS, 1, 65536),
		CAP(MAX_VCPUS, 1, 65536),
		CAP(MAX_VCPU_ID, 1, 1 << 20),
		CAP(NR_MEMSLOTS, 32, 65536),
		CAP(MCE, 1, 255),
		CAP(IMMEDIATE_EXIT, 1, 1),
		CAP(SYNC_MMU, 1, 1),
		CAP(PIT2, 1, 1),
		CAP(PIT_STATE2, 1, 1),
		CAP(ADJUST_CLOCK, 2, 14),
		CAP(VCPU_EVENTS, 1, 1),
		CAP(DEBUGREGS, 1, 1),
		CAP(XSAVE, 1, 1),
		CAP(XCRS, 1, 1),
		CAP(GET_TSC_KHZ, 1, 1),
		CAP(SIGNAL_MSI, 1, 1),
		CAP(CHECK_EXTENSION_VM, 1, 1),
		CAP(NOP_IO_DELAY, 1, 1),
		CAP(USER_NMI, 1, 1),
		CAP(TSC_DEADLINE_TIMER, 1, 1),
	};
	int kvm = kvm_open();
	size_t i;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(row); i++) {
		int seen = kvm_cap(kvm, row[i].cap);

		if (row[i].low == row[i].high)
			expect_true(seen == row[i].low, "KVM_CAP_%s: expected %d, saw %d",
				    row[i].name, row[i].low, seen);
		else
			expect_true(seen >= row[i].low && seen <= row[i].high,
				    "KVM_CAP_%s: expected %d to %d, saw %d", row[i].name,
				    row[i].low, row[i].high, seen);
	}
}

/* Capabilities of other architectures, of nothing yet, and out of any range. */
static void no_capabilities(const void *arg)
{
	static const unsigned int cap[] = {
		KVM_CAP_PPC_PAPR, KVM_CAP_S390_PSW, KVM_CAP_ARM_PSCI, KVM_CAP_MIPS_FPU,
		KVM_CAP_SW_TLB, KVM_CAP_ONE_REG, KVM_CAP_PV_MMU, 5, 17, 239, 1000,
		0x7fffffff, 0x80000000, 0xffffffff,
	};
	int kvm = kvm_open();
	size_t i;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(cap); i++)
		expect_true(kvm_cap(kvm, cap[i]) == 0, "capability %#x: expected 0, saw %d", cap[i],
			    kvm_cap(kvm, cap[i]));
}

/*
 * The vCPU limits are consistent, and all capabilities say the same on a VM where they say it at
 * all.
 */
static void vcpu_limits(const void *arg)
{
	int kvm = kvm_open();
	int nr = kvm_cap(kvm, KVM_CAP_NR_VCPUS), max = kvm_cap(kvm, KVM_CAP_MAX_VCPUS);
	int id = kvm_cap(kvm, KVM_CAP_MAX_VCPU_ID);

	(void)arg;
	expect_true(nr <= max, "NR_VCPUS: expected at most MAX_VCPUS (%d), saw %d", max, nr);
	expect_true(max <= id, "MAX_VCPU_ID: expected at least MAX_VCPUS (%d), saw %d", max, id);
}

static void vm_capabilities(const void *arg)
{
	struct vm *vm = vm_new();
	unsigned int cap;

	(void)arg;
	for (cap = 0; cap < 239; cap++) {
		int sys = kvm_cap(vm->kvm, cap), of_vm = kvm_cap(vm->fd, cap);

		/* These may depend on the VM's type. */
		if (cap == KVM_CAP_MAX_VCPUS || cap == KVM_CAP_MAX_VCPU_ID ||
		    cap == KVM_CAP_MEMORY_ATTRIBUTES || cap == KVM_CAP_GUEST_MEMFD)
			continue;
		expect_true(sys == of_vm,
			    "capability %u: expected %d on the VM as on /dev/kvm, saw %d", cap, sys,
			    of_vm);
	}
}

/* A list ioctl: with too little room E2BIG and the number needed; with enough, the list. */
struct list_row {
	const char *name;
	unsigned long cmd;
	unsigned int least;	/* entries expected at least */
};

static void msr_list(const void *arg)
{
	const struct list_row *row = arg;
	int kvm = kvm_open();
	struct {
		struct kvm_msr_list list;
		uint32_t room[4096];
	} *m = calloc(1, sizeof(*m));
	uint32_t count, i, j;

	m->list.nmsrs = 0;
	expect_errno("no room", ioctl(kvm, row->cmd, m), E2BIG);
	count = m->list.nmsrs;
	expect_true(count >= row->least && count < 4096, "entries: expected %u to 4095, saw %u",
		    row->least, count);
	if (!count)
		return;
	m->list.nmsrs = count - 1;
	m->room[0] = 0xdeadbeef;
	expect_errno("room for one less", ioctl(kvm, row->cmd, m), E2BIG);
	expect_eq("nmsrs after E2BIG", m->list.nmsrs, count);
	expect_eq("the buffer after E2BIG", m->room[0], 0xdeadbeef);

	m->list.nmsrs = 4096;
	m->room[count] = 0xdeadbeef;
	expect_errno("room for more", ioctl(kvm, row->cmd, m), 0);
	expect_eq("nmsrs", m->list.nmsrs, count);
	expect_eq("the word behind the list", m->room[count], 0xdeadbeef);
	for (i = 0; i < count; i++)
		for (j = 0; j < i; j++)
			if (m->room[i] == m->room[j])
				row_fail("MSR %#x: expected once, saw it at %u and %u", m->room[i],
					 j, i);
	expect_errno("NULL", ioctl(kvm, row->cmd, NULL), EFAULT);
}

/* MSRs that QEMU saves only if they are listed, and that every guest of ours has. */
static void msr_list_contents(const void *arg)
{
	static const uint32_t wanted[] = {
		0x10,	    0x174,	0x175,	    0x176,	0x277,	    0xc0000081,
		0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102, 0x4b564d00, 0x4b564d01,
		0x4b564d04, 0x11,	0x12,	    0x3b,	0x6e0,	    0x1a0,
	};
	struct {
		struct kvm_msr_list list;
		uint32_t room[4096];
	} m = { .list.nmsrs = 4096 };
	size_t i, j;

	(void)arg;
	expect_ok("KVM_GET_MSR_INDEX_LIST", ioctl(kvm_open(), KVM_GET_MSR_INDEX_LIST, &m));
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		for (j = 0; j < m.list.nmsrs && m.room[j] != wanted[i]; j++)
			;
		expect_true(j < m.list.nmsrs, "MSR %#x: expected in the list, saw it not",
			    wanted[i]);
	}
}

/* Every MSR of the list can be read from a fresh vCPU, in one call. */
static void msr_list_readable(const void *arg)
{
	struct vm *vm = vm_new();
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);
	struct {
		struct kvm_msr_list list;
		uint32_t room[4096];
	} m = { .list.nmsrs = 4096 };
	uint64_t value;
	uint32_t i;

	(void)arg;
	expect_ok("KVM_GET_MSR_INDEX_LIST", ioctl(vm->kvm, KVM_GET_MSR_INDEX_LIST, &m));
	for (i = 0; i < m.list.nmsrs; i++)
		expect_true(vcpu_get_msr(vcpu, m.room[i], &value) == 1,
			    "MSR %#x: expected readable, saw it refused", m.room[i]);
}

static void feature_msrs(const void *arg)
{
	int kvm = kvm_open();
	struct {
		struct kvm_msr_list list;
		uint32_t room[4096];
	} m = { .list.nmsrs = 4096 };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} one = { .head.nmsrs = 1 };
	uint32_t i;

	(void)arg;
	need_cap(kvm, KVM_CAP_GET_MSR_FEATURES);
	expect_ok("KVM_GET_MSR_FEATURE_INDEX_LIST", ioctl(kvm, KVM_GET_MSR_FEATURE_INDEX_LIST, &m));
	for (i = 0; i < m.list.nmsrs; i++) {
		one.entry.index = m.room[i];
		expect_true(ioctl(kvm, KVM_GET_MSRS, &one) == 1,
			    "feature MSR %#x: expected readable on /dev/kvm, saw it refused",
			    m.room[i]);
	}
	one.entry.index = 0x12345678;
	expect_eq("an MSR that doesn't exist", ioctl(kvm, KVM_GET_MSRS, &one), 0);
}

static void supported_cpuid(const void *arg)
{
	int kvm = kvm_open();
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 room[300];
	} *c = calloc(1, sizeof(*c));
	uint32_t count, i, j;

	(void)arg;
	expect_errno("no room", ioctl(kvm, KVM_GET_SUPPORTED_CPUID, c), E2BIG);
	c->head.nent = 1;
	expect_errno("room for one", ioctl(kvm, KVM_GET_SUPPORTED_CPUID, c), E2BIG);
	c->head.nent = 256;
	expect_errno("room for 256", ioctl(kvm, KVM_GET_SUPPORTED_CPUID, c), 0);
	count = c->head.nent;
	expect_true(count >= 8 && count < 256, "entries: expected 8 to 255, saw %u", count);
	for (i = 0; i < count; i++) {
		const struct kvm_cpuid_entry2 *a = &c->room[i], *b;

		for (j = 0; j < i; j++) {
			b = &c->room[j];
			if (a->function == b->function && a->index == b->index)
				row_fail("leaf %#x.%u: expected once, saw it at %u and %u",
					 a->function, a->index, j, i);
		}
	}
	c->head.nent = count;
	expect_errno("exactly enough room", ioctl(kvm, KVM_GET_SUPPORTED_CPUID, c), 0);
	c->head.nent = count - 1;
	expect_errno("room for one less", ioctl(kvm, KVM_GET_SUPPORTED_CPUID, c), E2BIG);
	c->head.nent = 0xffffffff;
	expect_errno("a count beyond reason", ioctl(kvm, KVM_GET_SUPPORTED_CPUID, c), 0);
	expect_errno("NULL", ioctl(kvm, KVM_GET_SUPPORTED_CPUID, NULL), EFAULT);
}

/* Leaves that a Linux guest on KVM reads. */
static void cpuid_contents(const void *arg)
{
	struct kvm_cpuid2 *cpuid = kvm_supported_cpuid(kvm_open());
	struct kvm_cpuid_entry2 *e;

	(void)arg;
	e = cpuid_find(cpuid, 0x40000000, 0);
	if (expect_true(e, "leaf 0x40000000: expected, saw none"))
		expect_true(e->ebx == 0x4b4d564b && e->ecx == 0x564b4d56 && e->edx == 0x4d,
			    "signature: expected \"KVMKVMKVM\", saw %08x %08x %08x", e->ebx, e->ecx,
			    e->edx);
	e = cpuid_find(cpuid, 0x40000001, 0);
	if (expect_true(e, "leaf 0x40000001: expected, saw none"))
		expect_true(e->eax & 1 << 3, "kvmclock (bit 3): expected, saw %#x", e->eax);
	e = cpuid_find(cpuid, 1, 0);
	if (expect_true(e, "leaf 1: expected, saw none")) {
		expect_true(e->ecx >> 21 & 1, "x2APIC: expected 1, saw %#x", e->ecx);
		expect_true((e->edx & 0x07898b71) == 0x07898b71,
			    "basic features: expected 0x07898b71, saw %#x", e->edx & 0x07898b71);
		expect_true(!(e->ecx >> 3 & 1), "MONITOR: expected 0, saw %#x", e->ecx);
	}
	/* State components belong to features: a guest may enable what it finds here. */
	e = cpuid_find(cpuid, 0xd, 0);
	if (e && !guest_has(kvm_open(), 7, 0, 'b', 14))
		expect_eq("leaf 0xd, MPX's state without MPX", e->eax & 0x18, 0);
	e = cpuid_find(cpuid, 0x80000001, 0);
	if (expect_true(e, "leaf 0x80000001: expected, saw none"))
		expect_true((e->edx & 0x20100800) == 0x20100800,
			    "SYSCALL, NX, long mode: expected 0x20100800, saw %#x",
			    e->edx & 0x20100800);
	expect_true(cpuid_find(cpuid, 0x80000008, 0), "leaf 0x80000008: expected, saw none");
}

/* XCR0's bits that a guest may have: those of leaf 0xd. */
static void attributes(const void *arg)
{
	uint64_t xcr0 = ~0ull, leaf = 0;
	struct kvm_device_attr attr = { .addr = (uintptr_t)&xcr0 };
	const struct kvm_cpuid_entry2 *e;
	int kvm = kvm_open();

	(void)arg;
	need_cap(kvm, KVM_CAP_SYS_ATTRIBUTES);
	e = cpuid_find(kvm_supported_cpuid(kvm), 0xd, 0);
	if (e)
		leaf = e->eax | (uint64_t)e->edx << 32;
	expect_ok("KVM_HAS_DEVICE_ATTR", ioctl(kvm, KVM_HAS_DEVICE_ATTR, &attr));
	expect_ok("KVM_GET_DEVICE_ATTR", ioctl(kvm, KVM_GET_DEVICE_ATTR, &attr));
	expect_eq("XCR0's bits, and those of leaf 0xd", xcr0, leaf);
	attr.addr = 0;
	expect_errno("no address", ioctl(kvm, KVM_GET_DEVICE_ATTR, &attr), EFAULT);
	attr.attr = 1;
	expect_errno("another attribute", ioctl(kvm, KVM_HAS_DEVICE_ATTR, &attr), ENXIO);
	expect_errno("another attribute", ioctl(kvm, KVM_GET_DEVICE_ATTR, &attr), ENXIO);
	attr.attr = 0;
	attr.group = 1;
	expect_errno("another group", ioctl(kvm, KVM_GET_DEVICE_ATTR, &attr), ENXIO);
}

static void create_vm_types(const void *arg)
{
	int kvm = kvm_open(), fd;
	int types = kvm_cap(kvm, KVM_CAP_VM_TYPES);

	(void)arg;
	fd = expect_ok("type 0", ioctl(kvm, KVM_CREATE_VM, 0));
	expect_eq("close", close(fd), 0);
	if (!(types & 2))
		expect_errno("type 1", ioctl(kvm, KVM_CREATE_VM, 1), EINVAL);
	expect_errno("type 31", ioctl(kvm, KVM_CREATE_VM, 31), EINVAL);
	expect_errno("type 100", ioctl(kvm, KVM_CREATE_VM, 100), EINVAL);
	expect_errno("type -1", ioctl(kvm, KVM_CREATE_VM, -1L), EINVAL);
}

static void file_flags(const void *arg)
{
	struct vm *vm = vm_new();
	struct vcpu *vcpu = vm_add_bare_vcpu(vm, 0);

	(void)arg;
	expect_true(fcntl(vm->fd, F_GETFD) & FD_CLOEXEC, "VM file: expected close-on-exec, saw %#x",
		    fcntl(vm->fd, F_GETFD));
	expect_true(fcntl(vcpu->fd, F_GETFD) & FD_CLOEXEC,
		    "vCPU file: expected close-on-exec, saw %#x", fcntl(vcpu->fd, F_GETFD));
	expect_eq("VM file's access mode", fcntl(vm->fd, F_GETFL) & O_ACCMODE, O_RDWR);
}

static void bad_pointers(const void *arg)
{
	static const unsigned long cmd[] = {
		KVM_GET_MSRS, KVM_GET_MSR_FEATURE_INDEX_LIST, KVM_GET_EMULATED_CPUID,
		KVM_X86_GET_MCE_CAP_SUPPORTED,
	};
	int kvm = kvm_open();
	size_t i;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(cmd); i++) {
		expect_errno("a pointer to nothing", ioctl(kvm, cmd[i], (void *)8), EFAULT);
		expect_errno("a kernel pointer", ioctl(kvm, cmd[i], (void *)0xffff888000000000),
			     EFAULT);
	}
}

static void mce_cap(const void *arg)
{
	int kvm = kvm_open();
	uint64_t cap = 0;

	(void)arg;
	need_cap(kvm, KVM_CAP_MCE);
	expect_ok("KVM_X86_GET_MCE_CAP_SUPPORTED", ioctl(kvm, KVM_X86_GET_MCE_CAP_SUPPORTED, &cap));
	expect_true(cap & 1 << 8, "MCG_CTL_P: expected, saw %#llx", (unsigned long long)cap);
}

static const struct list_row msr_index = { "KVM_GET_MSR_INDEX_LIST", KVM_GET_MSR_INDEX_LIST, 16 };
static const struct list_row msr_feature = {
	"KVM_GET_MSR_FEATURE_INDEX_LIST", KVM_GET_MSR_FEATURE_INDEX_LIST, 1
};

static const struct test_row rows[] = {
	{ .name = "api-version", .run = version },
	{ .name = "version-argument", .run = version_argument },
	{ .name = "device-node", .run = device_node },
	{ .name = "unknown-ioctls", .run = unknown_ioctls },
	{ .name = "vcpu-mmap-size", .run = mmap_size },
	{ .name = "capabilities", .run = capabilities },
	{ .name = "no-capabilities", .run = no_capabilities },
	{ .name = "vcpu-limits", .run = vcpu_limits },
	{ .name = "vm-capabilities", .run = vm_capabilities },
	{ .name = "msr-index-list", .run = msr_list, .arg = &msr_index },
	{ .name = "msr-feature-list", .run = msr_list, .arg = &msr_feature },
	{ .name = "msr-index-list-contents", .run = msr_list_contents },
	{ .name = "msr-index-list-readable", .run = msr_list_readable },
	{ .name = "msr-features", .run = feature_msrs },
	{ .name = "supported-cpuid", .run = supported_cpuid },
	{ .name = "supported-cpuid-contents", .run = cpuid_contents },
	{ .name = "attributes", .run = attributes },
	{ .name = "create-vm-types", .run = create_vm_types },
	{ .name = "file-flags", .run = file_flags },
	{ .name = "bad-pointers", .run = bad_pointers },
	{ .name = "mce-cap", .run = mce_cap },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
