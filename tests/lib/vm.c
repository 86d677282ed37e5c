// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "row.h"
#include "vm.h"

#define CR0_PE		(1u << 0)
#define CR0_MP		(1u << 1)
#define CR0_ET		(1u << 4)
#define CR0_NE		(1u << 5)
#define CR0_WP		(1u << 16)
#define CR0_PG		(1u << 31)
#define CR4_PSE		(1u << 4)
#define CR4_PAE		(1u << 5)
#define CR4_OSFXSR	(1u << 9)
#define CR4_OSXMMEXCPT	(1u << 10)
#define EFER_LME	(1u << 8)
#define EFER_LMA	(1u << 10)

#define SEG_DATA	3	/* read, write, accessed */
#define SEG_CODE	11	/* execute, read, accessed */

#define INTEL_TSS	0xfffbd000	/* three pages */
#define INTEL_IDENTITY	0xfffbc000	/* one */

#define need(call, what)							\
do {										\
	if ((call) < 0)								\
		row_die("%s: expected success, saw %s", what, strerrorname_np(errno)); \
} while (0)

int kvm_open(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	need(fd, "open /dev/kvm");
	return fd;
}

bool stock_61(void)
{
	const char *kernel = getenv("RIG_KERNEL");

	return stock_driver() && kernel && !strcmp(kernel, "6.1");
}

bool on_vmx(void)
{
	return !access("/sys/module/kvm_intel", F_OK);
}

bool lapic_in_hardware(void)
{
	FILE *file = fopen("/sys/module/kvm_intel/parameters/enable_apicv", "re");
	bool on = file && fgetc(file) == 'Y';

	if (file)
		fclose(file);
	return on;
}

int kvm_cap(int fd, unsigned int cap)
{
	return ioctl(fd, KVM_CHECK_EXTENSION, cap);
}

struct vm *vm_new(void)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	uint64_t identity = INTEL_IDENTITY;

	vm->kvm = kvm_open();
	vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	need(vm->fd, "KVM_CREATE_VM");
	if (kvm_cap(vm->kvm, KVM_CAP_SET_IDENTITY_MAP_ADDR) > 0)
		need(ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity),
		     "KVM_SET_IDENTITY_MAP_ADDR");
	if (kvm_cap(vm->kvm, KVM_CAP_SET_TSS_ADDR) > 0)
		need(ioctl(vm->fd, KVM_SET_TSS_ADDR, INTEL_TSS), "KVM_SET_TSS_ADDR");
	return vm;
}

int vm_set_slot(struct vm *vm, unsigned int slot, uint64_t gpa, uint64_t size, void *hva,
		unsigned int flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};
	int ret = ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);

	if (!ret && slot < VM_MAX_SLOTS) {
		vm->slot[slot].gpa = gpa;
		vm->slot[slot].size = size;
		vm->slot[slot].hva = hva;
	}
	return ret;
}

void *vm_add_memory(struct vm *vm, unsigned int slot, uint64_t gpa, uint64_t size,
		    unsigned int flags)
{
	void *hva = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (hva == MAP_FAILED)
		row_die("mmap of %#llx bytes: %s", (unsigned long long)size, strerror(errno));
	need(vm_set_slot(vm, slot, gpa, size, hva, flags), "KVM_SET_USER_MEMORY_REGION");
	return hva;
}

void *vm_ptr(struct vm *vm, uint64_t gpa, uint64_t bytes)
{
	unsigned int i;

	for (i = 0; i < VM_MAX_SLOTS; i++) {
		uint64_t offset = gpa - vm->slot[i].gpa;

		if (offset < vm->slot[i].size && bytes <= vm->slot[i].size - offset)
			return vm->slot[i].hva + offset;
	}
	row_die("gpa %#llx: expected guest memory, saw none", (unsigned long long)gpa);
}

static uint64_t descriptor(uint32_t base, uint32_t limit, unsigned int access, unsigned int flags)
{
	return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)access << 40 |
	       (uint64_t)(limit >> 16 & 0xf) << 48 | (uint64_t)flags << 52 |
	       (uint64_t)(base >> 24) << 56;
}

static void build_tables(struct vm *vm)
{
	uint64_t *pml4 = vm_ptr(vm, GUEST_PML4, 4096), *pdpt = vm_ptr(vm, GUEST_PDPT, 4096);
	uint64_t *pd = vm_ptr(vm, GUEST_PD, 4 * 4096), *pae = vm_ptr(vm, GUEST_PAE, 4096);
	uint64_t *gdt = vm_ptr(vm, GUEST_GDT, 4096);
	uint32_t *pd32 = vm_ptr(vm, GUEST_PD32, 4096);
	unsigned int i;

	pml4[0] = GUEST_PDPT | 7;
	for (i = 0; i < 4; i++) {
		pdpt[i] = (GUEST_PD + i * 4096) | 7;
		pae[i] = (GUEST_PD + i * 4096) | 1;
	}
	for (i = 0; i < 2048; i++)
		pd[i] = (uint64_t)i << 21 | 0x87;	/* 2 MiB, user, write, present */
	for (i = 0; i < 1024; i++)
		pd32[i] = i << 22 | 0x87;

	gdt[SEL_CODE64 / 8] = descriptor(0, 0xfffff, 0x9b, 0xa);
	gdt[SEL_DATA / 8] = descriptor(0, 0xfffff, 0x93, 0xc);
	gdt[SEL_CODE32 / 8] = descriptor(0, 0xfffff, 0x9b, 0xc);
	gdt[SEL_CODE16 / 8] = descriptor(0, 0xffff, 0x9b, 0);
	gdt[SEL_DATA16 / 8] = descriptor(0, 0xffff, 0x93, 0);
	gdt[SEL_UCODE64 / 8] = descriptor(0, 0xfffff, 0xfb, 0xa);
	gdt[SEL_UDATA / 8] = descriptor(0, 0xfffff, 0xf3, 0xc);
	for (i = 0; i < GUEST_MAX_CPUS; i++)
		gdt[SEL_TSS / 8 + 2 * i] = descriptor(GUEST_TSS + 128 * i, 103, 0x89, 0);
}

struct vm *vm_new_ram(void)
{
	struct vm *vm = vm_new();

	vm_add_memory(vm, 0, 0, GUEST_RAM, 0);
	build_tables(vm);
	return vm;
}

void vm_add_irqchip(struct vm *vm, bool pit)
{
	struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };

	need_cap(vm->kvm, KVM_CAP_IRQCHIP);
	need(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
	if (!pit)
		return;
	need_cap(vm->kvm, KVM_CAP_PIT2);
	need(ioctl(vm->fd, KVM_CREATE_PIT2, &config), "KVM_CREATE_PIT2");
}

struct kvm_cpuid2 *kvm_supported_cpuid(int kvm)
{
	unsigned int room = 256;
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + room * sizeof(cpuid->entries[0]));

	cpuid->nent = room;
	need(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid), "KVM_GET_SUPPORTED_CPUID");
	return cpuid;
}

struct kvm_cpuid_entry2 *cpuid_find(struct kvm_cpuid2 *cpuid, uint32_t function, uint32_t index)
{
	unsigned int i;

	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == function && cpuid->entries[i].index == index)
			return &cpuid->entries[i];
	return NULL;
}

bool guest_has(int kvm, uint32_t function, uint32_t index, char reg, unsigned int bit)
{
	struct kvm_cpuid2 *cpuid = kvm_supported_cpuid(kvm);
	struct kvm_cpuid_entry2 *e = cpuid_find(cpuid, function, index);
	uint32_t value = !e	    ? 0 :
			 reg == 'a' ? e->eax :
			 reg == 'b' ? e->ebx :
			 reg == 'c' ? e->ecx :
				      e->edx;

	free(cpuid);
	return value >> bit & 1;
}

struct vcpu *vm_add_bare_vcpu(struct vm *vm, unsigned int id)
{
	struct vcpu *vcpu = &vm->vcpu[vm->cpus];
	int size = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	need(size, "KVM_GET_VCPU_MMAP_SIZE");
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, id);
	need(vcpu->fd, "KVM_CREATE_VCPU");
	vcpu->run_size = size;
	vcpu->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		row_die("mmap of a vCPU: expected success, saw %s", strerrorname_np(errno));
	vm->cpus++;
	return vcpu;
}

struct vcpu *vm_add_vcpu(struct vm *vm, unsigned int id)
{
	struct vcpu *vcpu = vm_add_bare_vcpu(vm, id);
	struct kvm_cpuid2 *cpuid = kvm_supported_cpuid(vm->kvm);
	unsigned int i;

	for (i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		if (e->function == 1) {
			e->ebx = (e->ebx & 0xffffff) | id << 24;
			/* What the caller has to add himself. */
			e->ecx |= 1u << 31;
			if (kvm_cap(vm->kvm, KVM_CAP_TSC_DEADLINE_TIMER) > 0)
				e->ecx |= 1u << 24;
		} else if (e->function == 0xb || e->function == 0x1f)
			e->edx = id;
	}
	need(ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid), "KVM_SET_CPUID2");
	free(cpuid);
	return vcpu;
}

struct kvm_segment flat_segment(uint16_t selector, uint8_t type, bool code64, bool code32)
{
	return (struct kvm_segment) {
		.limit = 0xffffffff, .selector = selector, .type = type, .present = 1, .s = 1,
		.g = 1, .l = code64, .db = code32,
	};
}

static struct kvm_segment small_segment(uint16_t selector, uint8_t type)
{
	return (struct kvm_segment){
		.base = 0,
		.limit = 0xffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
	};
}

static void set_segments(struct kvm_sregs *s, enum vcpu_mode mode)
{
	struct kvm_segment data;

	switch (mode) {
	case MODE_REAL:
		s->cs = small_segment(0, SEG_CODE);
		data = small_segment(0, SEG_DATA);
		break;
	case MODE_PROT16:
		s->cs = small_segment(SEL_CODE16, SEG_CODE);
		data = small_segment(SEL_DATA16, SEG_DATA);
		break;
	case MODE_LONG:
		s->cs = flat_segment(SEL_CODE64, SEG_CODE, true, false);
		data = flat_segment(SEL_DATA, SEG_DATA, false, true);
		break;
	default:
		s->cs = flat_segment(SEL_CODE32, SEG_CODE, false, true);
		data = flat_segment(SEL_DATA, SEG_DATA, false, true);
		break;
	}
	s->ds = data;
	s->es = data;
	s->fs = data;
	s->gs = data;
	s->ss = data;
}

void vcpu_set_mode(struct vcpu *vcpu, enum vcpu_mode mode, uint64_t rip, uint64_t rsp)
{
	struct kvm_regs regs = { .rip = rip, .rsp = rsp, .rflags = 2 };
	struct kvm_sregs s = vcpu_sregs(vcpu);

	set_segments(&s, mode);
	s.cr0 = CR0_ET | CR0_NE | CR0_MP;
	s.cr3 = 0;
	s.cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
	s.efer = 0;
	if (mode != MODE_REAL) {
		s.cr0 |= CR0_PE;
		s.gdt.base = GUEST_GDT;
		s.gdt.limit = SEL_TSS + 16 * GUEST_MAX_CPUS - 1;
		s.tr = (struct kvm_segment){
			.base = GUEST_TSS + 128 * vcpu->id,
			.limit = 103,
			.selector = SEL_TSS + 16 * vcpu->id,
			.type = 11,
			.present = 1,
		};
	}
	if (mode == MODE_PAGED32) {
		s.cr3 = GUEST_PD32;
		s.cr4 |= CR4_PSE;
	} else if (mode == MODE_PAE) {
		s.cr3 = GUEST_PAE;
		s.cr4 |= CR4_PAE;
	} else if (mode == MODE_LONG) {
		s.cr3 = GUEST_PML4;
		s.cr4 |= CR4_PAE;
		s.efer = EFER_LME | EFER_LMA;
	}
	if (s.cr3)
		s.cr0 |= CR0_PG | CR0_WP;
	need(ioctl(vcpu->fd, KVM_SET_SREGS, &s), "KVM_SET_SREGS");
	need(ioctl(vcpu->fd, KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

static void no_op(int sig)
{
	(void)sig;
}

int vm_enable_cap(struct vm *vm, uint32_t cap, uint64_t arg)
{
	struct kvm_enable_cap enable = { .cap = cap, .args = { arg } };

	return ioctl(vm->fd, KVM_ENABLE_CAP, &enable);
}

void catch_usr1(void)
{
	struct sigaction action = { .sa_handler = no_op };

	sigaction(SIGUSR1, &action, NULL);
}

void usr1_in(unsigned int ms)
{
	static struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec when = { .it_value.tv_nsec = ms * 1000000L };
	static timer_t timer;
	static bool made;

	if (!made) {
		catch_usr1();
		need(timer_create(CLOCK_MONOTONIC, &event, &timer), "timer_create");
		made = true;
	}
	need(timer_settime(timer, 0, &when, NULL), "timer_settime");
}

int vcpu_run(struct vcpu *vcpu)
{
	return ioctl(vcpu->fd, KVM_RUN, 0);
}

void vcpu_run_until(struct vcpu *vcpu, uint32_t exit_reason)
{
	int ret;

	do {
		ret = vcpu_run(vcpu);
	} while (ret < 0 && (errno == EINTR || errno == EAGAIN));
	if (ret < 0)
		row_die("KVM_RUN: expected %s, saw %s", exit_name(exit_reason),
			strerrorname_np(errno));
	if (vcpu->run->exit_reason == exit_reason)
		return;
	vcpu_log_exit(vcpu);
	row_die("KVM_RUN: expected %s, saw %s", exit_name(exit_reason),
		exit_name(vcpu->run->exit_reason));
}

struct kvm_irqchip vm_irqchip(struct vm *vm, unsigned int id)
{
	struct kvm_irqchip chip = { .chip_id = id };

	if (ioctl(vm->fd, KVM_GET_IRQCHIP, &chip))
		row_die("KVM_GET_IRQCHIP: %s", strerrorname_np(errno));
	return chip;
}

int vm_irq_line(struct vm *vm, unsigned int gsi, unsigned int level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	return ioctl(vm->fd, KVM_IRQ_LINE, &line);
}

void vcpu_set_big_data(struct vcpu *vcpu)
{
	struct kvm_sregs sregs = vcpu_sregs(vcpu);

	sregs.ds.limit = 0xffffffff;
	sregs.ds.g = 1;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs))
		row_die("KVM_SET_SREGS: %s", strerrorname_np(errno));
}

static struct kvm_lapic_state get_lapic(struct vcpu *vcpu)
{
	struct kvm_lapic_state apic;

	if (ioctl(vcpu->fd, KVM_GET_LAPIC, &apic))
		row_die("KVM_GET_LAPIC: %s", strerrorname_np(errno));
	return apic;
}

uint32_t vcpu_lapic(struct vcpu *vcpu, unsigned int reg)
{
	struct kvm_lapic_state apic = get_lapic(vcpu);
	uint32_t value;

	memcpy(&value, apic.regs + reg, sizeof(value));
	return value;
}

void vcpu_set_lapic(struct vcpu *vcpu, unsigned int reg, uint32_t value)
{
	struct kvm_lapic_state apic = get_lapic(vcpu);

	memcpy(apic.regs + reg, &value, sizeof(value));
	if (ioctl(vcpu->fd, KVM_SET_LAPIC, &apic))
		row_die("KVM_SET_LAPIC: %s", strerrorname_np(errno));
}

struct kvm_regs vcpu_regs(struct vcpu *vcpu)
{
	struct kvm_regs regs;

	need(ioctl(vcpu->fd, KVM_GET_REGS, &regs), "KVM_GET_REGS");
	return regs;
}

struct kvm_sregs vcpu_sregs(struct vcpu *vcpu)
{
	struct kvm_sregs sregs;

	need(ioctl(vcpu->fd, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	return sregs;
}

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry;
};

int vcpu_get_msr(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
	struct one_msr msr = { .head.nmsrs = 1, .entry.index = index };
	int ret = ioctl(vcpu->fd, KVM_GET_MSRS, &msr);

	need(ret, "KVM_GET_MSRS");
	*value = msr.entry.data;
	return ret;
}

int vcpu_set_msr(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
	struct one_msr msr = { .head.nmsrs = 1, .entry = { .index = index, .data = value } };
	int ret = ioctl(vcpu->fd, KVM_SET_MSRS, &msr);

	need(ret, "KVM_SET_MSRS");
	return ret;
}

const char *exit_name(uint32_t reason)
{
	static const char *const name[] = {
		[KVM_EXIT_UNKNOWN] = "UNKNOWN",
		[KVM_EXIT_EXCEPTION] = "EXCEPTION",
		[KVM_EXIT_IO] = "IO",
		[KVM_EXIT_HYPERCALL] = "HYPERCALL",
		[KVM_EXIT_DEBUG] = "DEBUG",
		[KVM_EXIT_HLT] = "HLT",
		[KVM_EXIT_MMIO] = "MMIO",
		[KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN",
		[KVM_EXIT_SHUTDOWN] = "SHUTDOWN",
		[KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY",
		[KVM_EXIT_INTR] = "INTR",
		[KVM_EXIT_SET_TPR] = "SET_TPR",
		[KVM_EXIT_TPR_ACCESS] = "TPR_ACCESS",
		[KVM_EXIT_NMI] = "NMI",
		[KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
		[KVM_EXIT_SYSTEM_EVENT] = "SYSTEM_EVENT",
		[KVM_EXIT_IOAPIC_EOI] = "IOAPIC_EOI",
		[KVM_EXIT_X86_RDMSR] = "X86_RDMSR",
		[KVM_EXIT_X86_WRMSR] = "X86_WRMSR",
		[KVM_EXIT_DIRTY_RING_FULL] = "DIRTY_RING_FULL",
		[KVM_EXIT_MEMORY_FAULT] = "MEMORY_FAULT",
	};

	return reason < ARRAY_SIZE(name) && name[reason] ? name[reason] : "an exit without a name";
}

void vcpu_log_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct kvm_regs r = vcpu_regs(vcpu);
	unsigned int i;

	row_log("vCPU %u: exit %u (%s), rip %#llx rsp %#llx rflags %#llx rax %#llx", vcpu->id,
		run->exit_reason, exit_name(run->exit_reason), r.rip, r.rsp, r.rflags, r.rax);
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		row_log("  port %#x, %s, %u items of %u bytes", run->io.port,
			run->io.direction ? "out" : "in", run->io.count, run->io.size);
		break;
	case KVM_EXIT_MMIO:
		row_log("  gpa %#llx, %s, %u bytes", run->mmio.phys_addr,
			run->mmio.is_write ? "write" : "read", run->mmio.len);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		row_log("  hardware reason %#llx", run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_UNKNOWN:
		row_log("  hardware reason %#llx", run->hw.hardware_exit_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		row_log("  suberror %u", run->internal.suberror);
		for (i = 0; i < run->internal.ndata && i < ARRAY_SIZE(run->internal.data); i++)
			row_log("  data[%u] %#llx", i, run->internal.data[i]);
		break;
	}
}
