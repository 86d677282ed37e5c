// SPDX-License-Identifier: GPL-2.0-only
/*
 * offers - ask the driver whether it offers something
 *
 * usage: offers CONDITION...
 *	KVM_CAP_NAME=NUMBER	a capability, on /dev/kvm and on a VM: the larger answer
 *	cpuid:LEAF:REGISTER:BIT	KVM_GET_SUPPORTED_CPUID, subleaf 0, as in cpuid:0x80000001:ecx:2
 *	msr:INDEX		1 if KVM_GET_MSR_INDEX_LIST has it
 *	slot-flag:BIT		1 if KVM_SET_USER_MEMORY_REGION takes this bit of flags
 *
 * Prints a line for each: the condition (of a capability, its name) and the answer. Exit status: 0,
 * 2 (wrong condition, or nobody to ask; stderr says which).
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <linux/kvm.h>

#define MAX_ENTRIES 256

static int kvm, vm;

static long capability(unsigned long cap)
{
	int here = ioctl(kvm, KVM_CHECK_EXTENSION, cap);
	int there = ioctl(vm, KVM_CHECK_EXTENSION, cap);

	if (here < 0 || there < 0)
		err(2, "KVM_CHECK_EXTENSION %lu", cap);
	return here > there ? here : there;
}

static unsigned int reg_of(const struct kvm_cpuid_entry2 *e, const char *reg)
{
	if (!strcmp(reg, "eax"))
		return e->eax;
	if (!strcmp(reg, "ebx"))
		return e->ebx;
	if (!strcmp(reg, "ecx"))
		return e->ecx;
	if (!strcmp(reg, "edx"))
		return e->edx;
	errx(2, "no register %s", reg);
}

static long cpuid(unsigned int leaf, const char *reg, unsigned int bit)
{
	struct kvm_cpuid2 *table =
		calloc(1, sizeof(*table) + MAX_ENTRIES * sizeof(table->entries[0]));
	long value = 0;
	unsigned int i;

	if (!table)
		err(2, "memory");
	table->nent = MAX_ENTRIES;
	if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, table))
		err(2, "KVM_GET_SUPPORTED_CPUID");
	for (i = 0; i < table->nent; i++)
		if (table->entries[i].function == leaf && !table->entries[i].index)
			value = reg_of(&table->entries[i], reg) >> bit & 1;
	free(table);
	return value;
}

/* Is a flag of memory slots taken? */
static long slot_flag(unsigned int flag)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region region = {
		.memory_size = 4096, .userspace_addr = (unsigned long)memory, .flags = 1u << flag,
	};
	int r;

	if (memory == MAP_FAILED)
		err(2, "memory");
	r = ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region);
	if (r && errno != EINVAL)
		err(2, "KVM_SET_USER_MEMORY_REGION");
	region.memory_size = 0;
	if (!r && ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		err(2, "KVM_SET_USER_MEMORY_REGION");
	munmap(memory, 4096);
	return !r;
}

static long msr(unsigned int index)
{
	struct kvm_msr_list *list =
		calloc(1, sizeof(*list) + MAX_ENTRIES * sizeof(list->indices[0]));
	long value = 0;
	unsigned int i;

	if (!list)
		err(2, "memory");
	list->nmsrs = MAX_ENTRIES;
	if (ioctl(kvm, KVM_GET_MSR_INDEX_LIST, list))
		err(2, "KVM_GET_MSR_INDEX_LIST");
	for (i = 0; i < list->nmsrs; i++)
		value |= list->indices[i] == index;
	free(list);
	return value;
}

int main(int argc, char **argv)
{
	unsigned int a, b;
	char name[64];
	int i, end;

	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		err(2, "/dev/kvm");
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		err(2, "KVM_CREATE_VM");
	for (i = 1; i < argc; i++) {
		end = 0;
		if (sscanf(argv[i], "KVM_CAP_%50[A-Z0-9_]=%u%n", name, &a, &end) == 2 && !argv[i][end])
			printf("KVM_CAP_%s %ld\n", name, capability(a));
		else if (sscanf(argv[i], "cpuid:%i:%3[a-dex]:%u%n", (int *)&a, name, &b, &end) == 3 &&
			 !argv[i][end] && b < 32)
			printf("%s %ld\n", argv[i], cpuid(a, name, b));
		else if (sscanf(argv[i], "msr:%i%n", (int *)&a, &end) == 1 && !argv[i][end])
			printf("%s %ld\n", argv[i], msr(a));
		else if (sscanf(argv[i], "slot-flag:%u%n", &a, &end) == 1 && !argv[i][end] &&
			 a < 32)
			printf("%s %ld\n", argv[i], slot_flag(a));
		else
			errx(2, "what is %s?", argv[i]);
	}
	return 0;
}
