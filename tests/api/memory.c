// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots: what is refused, and that a guest sees what was asked for.
 *
 * The guests here are a few bytes of real-mode code at 0x8000: they need nothing but memory and
 * exits.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "row.h"
#include "vm.h"

#define PAGE 4096ull
#define MiB (1ull << 20)

static uint8_t *memory;		/* 16 MiB to make slots of */

static struct vm *setup(void)
{
	memory = mmap(NULL, 16 * MiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return vm_new();
}

/* One KVM_SET_USER_MEMORY_REGION after another on the same VM. */
struct region_row {
	const char *name;
	unsigned int slot;
	unsigned int flags;
	uint64_t gpa, size, offset;	/* offset into memory */
	int want;			/* errno */
};

static const struct region_row alignment[] = {
	{ "aligned", 0, 0, 0x100000, PAGE, 0, 0 },
	{ "gpa not page aligned", 1, 0, 0x200800, PAGE, 0, EINVAL },
	{ "size not page aligned", 1, 0, 0x200000, PAGE + 1, 0, EINVAL },
	{ "hva not page aligned", 1, 0, 0x200000, PAGE, 0x800, EINVAL },
	{ "less than a page", 1, 0, 0x200000, 1, 0, EINVAL },
	{ "gpa and size wrap", 1, 0, ~0ull - 2 * PAGE + 1, 4 * PAGE, 0, EINVAL },
	{ "unknown flag", 1, 1 << 10, 0x200000, PAGE, 0, EINVAL },
	{ "guest_memfd by the old ioctl", 1, KVM_MEM_GUEST_MEMFD, 0x200000, PAGE, 0, EINVAL },
	{ "all flags", 1, ~0u, 0x200000, PAGE, 0, EINVAL },
	{ "unknown address space", 9 << 16 | 1, 0, 0x200000, PAGE, 0, EINVAL },
	{ "slot 65535", 0xffff, 0, 0x200000, PAGE, 0, EINVAL },
	{}
};

static const struct region_row overlap[] = {
	{ "1 to 2 MiB", 0, 0, 1 * MiB, 1 * MiB, 0, 0 },
	{ "the same again in another slot", 1, 0, 1 * MiB, 1 * MiB, 0, EEXIST },
	{ "a page of it", 1, 0, 1 * MiB + 5 * PAGE, PAGE, 0, EEXIST },
	{ "its last page and more", 1, 0, 2 * MiB - PAGE, 1 * MiB, 0, EEXIST },
	{ "its first page and before", 1, 0, 0, 1 * MiB + PAGE, 0, EEXIST },
	{ "all around it", 1, 0, 0, 4 * MiB, 0, EEXIST },
	{ "just behind it", 1, 0, 2 * MiB, 1 * MiB, 0, 0 },
	{ "just before it", 2, 0, 0, 1 * MiB, 0, 0 },
	{ "move onto a neighbour", 2, 0, 2 * MiB, 1 * MiB, 0, EEXIST },
	{ "the same memory twice, elsewhere", 3, 0, 8 * MiB, 1 * MiB, 0, 0 },
	{}
};

static const struct region_row change[] = {
	{ "create", 0, 0, 1 * MiB, 1 * MiB, 0, 0 },
	{ "nothing new", 0, 0, 1 * MiB, 1 * MiB, 0, 0 },
	{ "another size", 0, 0, 1 * MiB, 2 * MiB, 0, EINVAL },
	{ "another hva", 0, 0, 1 * MiB, 1 * MiB, 1 * MiB, EINVAL },
	{ "read-only from writable", 0, KVM_MEM_READONLY, 1 * MiB, 1 * MiB, 0, EINVAL },
	{ "move", 0, 0, 4 * MiB, 1 * MiB, 0, 0 },
	{ "move again", 0, 0, 6 * MiB, 1 * MiB, 0, 0 },
	{ "something where it was", 1, 0, 1 * MiB, 1 * MiB, 0, 0 },
	{ "delete", 0, 0, 0, 0, 0, 0 },
	{ "delete again", 0, 0, 0, 0, 0, EINVAL },
	{ "delete what never was", 5, 0, 0, 0, 0, EINVAL },
	{ "something where it was", 2, 0, 6 * MiB, 1 * MiB, 0, 0 },
	{ "the slot anew with another size", 0, 0, 8 * MiB, 2 * MiB, 0, 0 },
	{}
};

static const struct region_row logged[] = {
	{ "create", 0, 0, 1 * MiB, 1 * MiB, 0, 0 },
	{ "log dirty pages", 0, KVM_MEM_LOG_DIRTY_PAGES, 1 * MiB, 1 * MiB, 0, 0 },
	{ "log no more", 0, 0, 1 * MiB, 1 * MiB, 0, 0 },
	{ "move and log", 0, KVM_MEM_LOG_DIRTY_PAGES, 6 * MiB, 1 * MiB, 0, 0 },
	{ "create read-only", 1, KVM_MEM_READONLY, 1 * MiB, 1 * MiB, 0, 0 },
	{ "log it", 1, KVM_MEM_READONLY | KVM_MEM_LOG_DIRTY_PAGES, 1 * MiB, 1 * MiB, 0, 0 },
	{ "delete", 1, 0, 0, 0, 0, 0 },
	{}
};

static const struct region_row readonly[] = {
	{ "read-only", 0, KVM_MEM_READONLY, 1 * MiB, 1 * MiB, 0, 0 },
	{ "writable from read-only", 0, 0, 1 * MiB, 1 * MiB, 0, EINVAL },
	{ "delete", 0, 0, 0, 0, 0, 0 },
	{}
};

/* Dirty logging has no capability of its own: it is as old as the ABI. */
static void need_dirty_log(struct vm *vm)
{
	struct kvm_dirty_log log = { .slot = 0 };

	if (ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log) < 0 && errno == ENOTTY)
		row_skip("the driver has no KVM_GET_DIRTY_LOG");
}

static void regions(const void *arg)
{
	const struct region_row *row;
	struct vm *vm = setup();

	for (row = arg; row->name; row++)
		expect_errno(row->name, vm_set_slot(vm, row->slot, row->gpa, row->size,
						    memory + row->offset, row->flags), row->want);
}

static void regions_logged(const void *arg)
{
	need_dirty_log(vm_new());
	regions(arg);
}

static void regions_readonly(const void *arg)
{
	int kvm = kvm_open();

	need_cap(kvm, KVM_CAP_READONLY_MEM);
	regions(arg);
}

static void kernel_hva(const void *arg)
{
	struct vm *vm = setup();

	(void)arg;
	expect_errno("an hva of the kernel's",
		     vm_set_slot(vm, 0, 0, PAGE, (void *)0xffff888000000000, 0), EINVAL);
	expect_errno("an hva over the end",
		     vm_set_slot(vm, 0, 0, 16 * MiB, (void *)0x7ffffffff000, 0), EINVAL);
}

static void too_large(const void *arg)
{
	struct vm *vm = setup();

	(void)arg;
	expect_errno("2^31 pages", vm_set_slot(vm, 0, 0, PAGE << 31, NULL, 0), EINVAL);
	expect_errno("all of 64 bits", vm_set_slot(vm, 0, 0, -PAGE, NULL, 0), EINVAL);
}

static void all_slots(const void *arg)
{
	struct vm *vm = setup();
	int slots = kvm_cap(vm->kvm, KVM_CAP_NR_MEMSLOTS), i;

	(void)arg;
	if (slots > 1000)
		slots = 1000;
	for (i = 0; i < slots; i++)
		expect_ok("a slot of one page", vm_set_slot(vm, i, i * 2 * PAGE, PAGE, memory, 0));
	expect_errno("between two of them and over",
		     vm_set_slot(vm, 1001, 501 * PAGE, 2 * PAGE, memory, 0), EEXIST);
	expect_ok("just between", vm_set_slot(vm, 1001, 501 * PAGE, PAGE, memory, 0));
	for (i = 0; i < slots; i += 2)
		expect_ok("delete", vm_set_slot(vm, i, 0, 0, NULL, 0));
}

/* Memory that is not there yet is no error. */
static void unmapped_hva(const void *arg)
{
	struct vm *vm = setup();

	(void)arg;
	munmap(memory, 16 * MiB);
	expect_ok("a hole in the host's map", vm_set_slot(vm, 0, 0, 16 * MiB, memory, 0));
}

/* ---- guests ---- */

/* mov $0x8000, %bx; mov (%bx...) are too small to need an assembler. */
static struct vcpu *real_guest(struct vm *vm, const void *code, size_t bytes)
{
	struct vcpu *vcpu = vm_add_vcpu(vm, 0);

	memcpy(vm_ptr(vm, GUEST_REAL, bytes), code, bytes);
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
	return vcpu;
}

/* mov %ds:(0), %al; out %al, $0x10; inc %byte ds:(0); out %al, $0x10; jmp start */
static const uint8_t load_and_bump[] = {
	0xa0, 0x00, 0x00,		/* mov 0, %al */
	0xe6, 0x10,			/* out %al, $0x10 */
	0xfe, 0x06, 0x00, 0x00,		/* incb 0 */
	0xeb, 0xf5,			/* jmp start */
};

static uint8_t out_value(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("the exit's port", run->io.port, 0x10);
	return *((uint8_t *)run + run->io.data_offset);
}

static void set_ds(struct vcpu *vcpu, uint64_t base)
{
	struct kvm_sregs s = vcpu_sregs(vcpu);

	s.ds.base = base;
	s.ds.selector = base >> 4;
	expect_ok("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &s));
}

/* A guest reads and writes a slot that comes, moves, is swapped for another, and goes. */
static void guest_sees_slots(const void *arg)
{
	struct vm *vm = setup();
	struct vcpu *vcpu;

	(void)arg;
	vm_add_memory(vm, 0, 0, 0x10000, 0);
	vcpu = real_guest(vm, load_and_bump, sizeof(load_and_bump));
	set_ds(vcpu, 0x40000);
	memory[0] = 10;
	memory[MiB] = 100;
	expect_ok("create", vm_set_slot(vm, 1, 0x40000, PAGE, memory, 0));
	expect_eq("the slot's first byte", out_value(vcpu), 10);
	expect_eq("bumped by the guest", out_value(vcpu), 11);
	expect_ok("delete", vm_set_slot(vm, 1, 0, 0, NULL, 0));
	expect_ok("other memory there", vm_set_slot(vm, 1, 0x40000, PAGE, memory + MiB, 0));
	expect_eq("the other memory, bumped", out_value(vcpu), 101);
	expect_ok("move away", vm_set_slot(vm, 1, 0x60000, PAGE, memory + MiB, 0));
	vcpu_run_until(vcpu, KVM_EXIT_MMIO);
	expect_eq("an exit for memory that went", vcpu->run->mmio.phys_addr, 0x40000);
	set_ds(vcpu, 0x60000);
}

static void guest_moves_slot(const void *arg)
{
	struct vm *vm = setup();
	struct vcpu *vcpu;
	unsigned int i;

	(void)arg;
	vm_add_memory(vm, 0, 0, 0x10000, 0);
	vcpu = real_guest(vm, load_and_bump, sizeof(load_and_bump));
	memory[0] = 0;
	expect_ok("create", vm_set_slot(vm, 1, 0x40000, PAGE, memory, 0));
	for (i = 0; i < 40; i++) {
		uint64_t gpa = 0x40000 + i % 2 * 0x10000;

		expect_ok("move", vm_set_slot(vm, 1, gpa, PAGE, memory, 0));
		set_ds(vcpu, gpa);
		vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
		set_ds(vcpu, gpa);
		expect_eq("what was counted up in other places", out_value(vcpu), i);
		expect_eq("counted up", out_value(vcpu), i + 1);
	}
}

/* Writes to a read-only slot exit; reads and the slot's content are as ever. */
static void guest_readonly(const void *arg)
{
	struct vm *vm = setup();
	struct vcpu *vcpu;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_READONLY_MEM);
	vm_add_memory(vm, 0, 0, 0x10000, 0);
	vcpu = real_guest(vm, load_and_bump, sizeof(load_and_bump));
	set_ds(vcpu, 0x40000);
	memory[0] = 42;
	expect_ok("create", vm_set_slot(vm, 1, 0x40000, PAGE, memory, KVM_MEM_READONLY));
	expect_eq("read", out_value(vcpu), 42);
	vcpu_run_until(vcpu, KVM_EXIT_MMIO);
	expect_eq("gpa", vcpu->run->mmio.phys_addr, 0x40000);
	expect_eq("is_write", vcpu->run->mmio.is_write, 1);
	expect_eq("len", vcpu->run->mmio.len, 1);
	expect_eq("data", vcpu->run->mmio.data[0], 43);
	expect_eq("memory", memory[0], 42);
	expect_eq("the guest goes on", out_value(vcpu), 42);
	memory[0] = 7;
	vcpu_run_until(vcpu, KVM_EXIT_MMIO);
	expect_eq("data", vcpu->run->mmio.data[0], 8);
}

/* The same with memory that a driver of the host's has mapped by frame number, for writing, too. */
static void guest_readonly_pfns(const void *arg)
{
	struct vm *vm = setup();
	struct vcpu *vcpu;
	uint8_t *rom, was;
	int fd;

	(void)arg;
	need_cap(vm->kvm, KVM_CAP_READONLY_MEM);
	fd = open("/dev/mem", O_RDWR);
	if (fd < 0)
		row_skip("no /dev/mem");
	rom = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0xf0000);
	if (rom == MAP_FAILED)
		row_skip("/dev/mem does not give the BIOS");
	was = rom[0];
	vm_add_memory(vm, 0, 0, 0x10000, 0);
	vcpu = real_guest(vm, load_and_bump, sizeof(load_and_bump));
	set_ds(vcpu, 0x40000);
	expect_ok("create", vm_set_slot(vm, 1, 0x40000, PAGE, rom, KVM_MEM_READONLY));
	expect_eq("read", out_value(vcpu), was);
	vcpu_run_until(vcpu, KVM_EXIT_MMIO);
	expect_eq("gpa", vcpu->run->mmio.phys_addr, 0x40000);
	expect_eq("is_write", vcpu->run->mmio.is_write, 1);
	expect_eq("data", vcpu->run->mmio.data[0], (uint8_t)(was + 1));
	expect_eq("memory", rom[0], was);
}

/* The host's own mapping changes under the guest: it must follow. */
static void guest_follows_host(const void *arg)
{
	struct vm *vm = setup();
	struct vcpu *vcpu;

	(void)arg;
	vm_add_memory(vm, 0, 0, 0x10000, 0);
	vcpu = real_guest(vm, load_and_bump, sizeof(load_and_bump));
	set_ds(vcpu, 0x40000);
	memory[0] = 50;
	expect_ok("create", vm_set_slot(vm, 1, 0x40000, PAGE, memory, 0));
	expect_eq("read", out_value(vcpu), 50);
	expect_eq("bumped", out_value(vcpu), 51);
	expect_ok("MADV_DONTNEED", madvise(memory, PAGE, MADV_DONTNEED));
	out_value(vcpu);
	expect_eq("a fresh page, bumped once", memory[0], 1);
	if (mmap(memory, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) == MAP_FAILED)
		row_die("mmap over the page: %s", strerror(errno));
	memory[0] = 90;
	out_value(vcpu);
	expect_eq("another page in its place, bumped once", memory[0], 91);
}

/* Memory that the host can't give is a failure of KVM_RUN, not of the host. */
static void guest_bad_hva(const void *arg)
{
	struct vm *vm = setup();
	struct vcpu *vcpu;

	(void)arg;
	vm_add_memory(vm, 0, 0, 0x10000, 0);
	vcpu = real_guest(vm, load_and_bump, sizeof(load_and_bump));
	set_ds(vcpu, 0x40000);
	expect_ok("create", vm_set_slot(vm, 1, 0x40000, PAGE, memory, 0));
	munmap(memory, 16 * MiB);
	expect_errno("KVM_RUN into a hole of the host's map", vcpu_run(vcpu), EFAULT);
}

/* The dirty bitmap has exactly the pages that were written since it was last asked for. */
static void guest_dirty_log(const void *arg)
{
	uint64_t bitmap[4] = { 0 };
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = bitmap };
	struct vm *vm = setup();
	struct vcpu *vcpu;

	(void)arg;
	need_dirty_log(vm);
	vm_add_memory(vm, 0, 0, 0x10000, 0);
	vcpu = real_guest(vm, load_and_bump, sizeof(load_and_bump));
	set_ds(vcpu, 0x40000 + 70 * PAGE);
	expect_errno("no slot", ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), ENOENT);
	expect_ok("create", vm_set_slot(vm, 1, 0x40000, 100 * PAGE, memory, 0));
	expect_errno("not logged", ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), ENOENT);
	expect_ok("log", vm_set_slot(vm, 1, 0x40000, 100 * PAGE, memory, KVM_MEM_LOG_DIRTY_PAGES));
	expect_ok("KVM_GET_DIRTY_LOG", ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
	expect_eq("before any write, pages 0 to 63", bitmap[0], 0);
	expect_eq("before any write, pages 64 to 99", bitmap[1], 0);
	out_value(vcpu);
	out_value(vcpu);
	expect_ok("KVM_GET_DIRTY_LOG", ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
	expect_eq("pages 0 to 63", bitmap[0], 0);
	expect_eq("page 70 written", bitmap[1], 1 << 6);
	expect_ok("KVM_GET_DIRTY_LOG", ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
	expect_eq("not since", bitmap[1], 0);
	out_value(vcpu);
	expect_ok("KVM_GET_DIRTY_LOG", ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
	expect_eq("page 70 written again", bitmap[1], 1 << 6);
	log.slot = 9;
	expect_errno("another slot", ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), ENOENT);
	log.slot = 0xffff;
	expect_errno("slot 65535", ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), EINVAL);
}

/* Memory that comes where a LAPIC is goes before it; when it goes the LAPIC is there again. */
static void slot_over_lapic(const void *arg)
{
	static const uint8_t code[] = {
		0x67, 0x66, 0xa1, 0x30, 0x00, 0xe0, 0xfe, /* mov 0xfee00030, %eax */
		0xe6, 0x80, /* out %al, $0x80 */
		0xeb, 0xf5, /* again */
	};
	struct vm *vm = vm_new_ram();
	struct vcpu *vcpu;
	uint64_t version;

	(void)arg;
	memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(memory + 0x30, (const uint32_t[]){ 0x12345678 }, 4);
	vm_add_irqchip(vm, false);
	vcpu = vm_add_vcpu(vm, 0);
	memcpy(vm_ptr(vm, GUEST_REAL, sizeof(code)), code, sizeof(code));
	vcpu_set_mode(vcpu, MODE_REAL, GUEST_REAL, 0x7000);
	vcpu_set_big_data(vcpu);
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	version = vcpu_regs(vcpu).rax;
	expect_eq("of an integrated LAPIC", version >> 4 & 0xf, 1);
	expect_ok("memory there", vm_set_slot(vm, 9, 0xfee00000, PAGE, memory, 0));
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("what is in memory", vcpu_regs(vcpu).rax, 0x12345678);
	expect_ok("none any more", vm_set_slot(vm, 9, 0xfee00000, 0, memory, 0));
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("the LAPIC's version", vcpu_regs(vcpu).rax, version);
	expect_ok("memory elsewhere", vm_set_slot(vm, 9, 0xf0000000, PAGE, memory, 0));
	expect_ok("moves there", vm_set_slot(vm, 9, 0xfee00000, PAGE, memory, 0));
	vcpu_run_until(vcpu, KVM_EXIT_IO);
	expect_eq("what is in memory", vcpu_regs(vcpu).rax, 0x12345678);
}

static const struct test_row rows[] = {
	{ .name = "alignment", .run = regions, .arg = alignment },
	{ .name = "overlap", .run = regions, .arg = overlap },
	{ .name = "change", .run = regions, .arg = change },
	{ .name = "logged", .run = regions_logged, .arg = logged },
	{ .name = "readonly", .run = regions_readonly, .arg = readonly },
	{ .name = "kernel-hva", .run = kernel_hva },
	{ .name = "too-large", .run = too_large },
	{ .name = "all-slots", .run = all_slots },
	{ .name = "unmapped-hva", .run = unmapped_hva },
	{ .name = "guest-sees-slots", .run = guest_sees_slots },
	{ .name = "guest-moves-slot", .run = guest_moves_slot },
	{ .name = "guest-readonly", .run = guest_readonly },
	{ .name = "guest-readonly-pfns", .run = guest_readonly_pfns },
	{ .name = "guest-follows-host", .run = guest_follows_host },
	{ .name = "guest-bad-hva", .run = guest_bad_hva },
	{ .name = "guest-dirty-log", .run = guest_dirty_log },
	{ .name = "slot-over-lapic", .run = slot_over_lapic },
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
