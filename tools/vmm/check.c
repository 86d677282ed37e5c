// SPDX-License-Identifier: GPL-2.0-only
/* vmm check: what this host's KVM offers, in words. */
#include <errno.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "caps.h"
#include "check.h"
#include "cpuid.h"
#include "log.h"

enum check_reg { EAX, EBX, ECX, EDX };

struct check_feature {
	__u32 function, index;
	enum check_reg reg;
	unsigned int bit;
	const char *name;
};

/* Features that users ask for by name; the names are the kernel's. */
static const struct check_feature features[] = {
	{ 0x1, 0, ECX, 0, "sse3" },
	{ 0x1, 0, ECX, 9, "ssse3" },
	{ 0x1, 0, ECX, 12, "fma" },
	{ 0x1, 0, ECX, 13, "cx16" },
	{ 0x1, 0, ECX, 19, "sse4_1" },
	{ 0x1, 0, ECX, 20, "sse4_2" },
	{ 0x1, 0, ECX, 21, "x2apic" },
	{ 0x1, 0, ECX, 22, "movbe" },
	{ 0x1, 0, ECX, 23, "popcnt" },
	{ 0x1, 0, ECX, 25, "aes" },
	{ 0x1, 0, ECX, 26, "xsave" },
	{ 0x1, 0, ECX, 28, "avx" },
	{ 0x1, 0, ECX, 29, "f16c" },
	{ 0x1, 0, ECX, 30, "rdrand" },
	{ 0x1, 0, ECX, 5, "vmx" },
	{ 0x80000001, 0, ECX, 2, "svm" },
	{ 0x80000001, 0, EDX, 20, "nx" },
	{ 0x80000001, 0, EDX, 26, "pdpe1gb" },
	{ 0x80000001, 0, EDX, 27, "rdtscp" },
	{ 0x80000001, 0, EDX, 29, "lm" },
	{ 0x80000007, 0, EDX, 8, "constant_tsc" },
	{ 0x7, 0, EBX, 0, "fsgsbase" },
	{ 0x7, 0, EBX, 3, "bmi1" },
	{ 0x7, 0, EBX, 5, "avx2" },
	{ 0x7, 0, EBX, 7, "smep" },
	{ 0x7, 0, EBX, 8, "bmi2" },
	{ 0x7, 0, EBX, 9, "erms" },
	{ 0x7, 0, EBX, 10, "invpcid" },
	{ 0x7, 0, EBX, 16, "avx512f" },
	{ 0x7, 0, EBX, 18, "rdseed" },
	{ 0x7, 0, EBX, 19, "adx" },
	{ 0x7, 0, EBX, 20, "smap" },
	{ 0x7, 0, EBX, 29, "sha_ni" },
	{ 0x7, 0, ECX, 2, "umip" },
	{ 0x7, 0, ECX, 3, "pku" },
	{ 0x7, 0, ECX, 16, "la57" },
	{ 0x7, 0, EDX, 4, "fsrm" },
	{ 0x7, 0, EDX, 24, "amx_tile" },
};

/* Paravirtual features, CPUID 0x40000001 (the kernel's Documentation/virt/kvm/x86/cpuid.rst). */
static const struct check_feature pv_features[] = {
	{ 0x40000001, 0, EAX, 3, "clock" },
	{ 0x40000001, 0, EAX, 24, "stable-clock" },
	{ 0x40000001, 0, EAX, 4, "async-page-fault" },
	{ 0x40000001, 0, EAX, 5, "steal-time" },
	{ 0x40000001, 0, EAX, 6, "eoi" },
	{ 0x40000001, 0, EAX, 7, "unhalt" },
	{ 0x40000001, 0, EAX, 9, "tlb-flush" },
	{ 0x40000001, 0, EAX, 11, "send-ipi" },
	{ 0x40000001, 0, EAX, 12, "poll-control" },
	{ 0x40000001, 0, EAX, 13, "sched-yield" },
	{ 0x40000001, 0, EAX, 15, "msi-ext-dest-id" },
};

static bool check_has(const struct kvm_cpuid2 *cpuid, const struct check_feature *f)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(cpuid, f->function, f->index);
	__u32 v = 0;

	if (e)
		v = (const __u32[]){ e->eax, e->ebx, e->ecx, e->edx }[f->reg];
	return v >> f->bit & 1;
}

static void check_print_features(const char *title, const struct kvm_cpuid2 *cpuid,
				 const struct check_feature *f, size_t n)
{
	int column = printf("%-14s", title);
	size_t i;

	for (i = 0; i < n; i++) {
		if (!check_has(cpuid, &f[i]))
			continue;
		if (column + strlen(f[i].name) >= 80)
			column = printf("\n%-14s", "") - 1;
		column += printf(" %s", f[i].name);
	}
	printf("\n");
}

static bool check_module(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return !access(path, F_OK);
}

/* Whose driver it is can only be guessed from the modules that are there. */
static void check_print_driver(void)
{
	static const struct {
		const char *module, *words;
	} rows[] = {
		{ "kvm_intel", "kvm_intel: Intel VMX" },
		{ "kvm_amd", "kvm_amd: AMD SVM" },
		{ "kvm_pvm", "kvm_pvm: shadow paging without VMX or SVM, as nested clouds have it; unmodified Linux guests are known to hang there" },
	};
	bool found = false;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!check_module(rows[i].module))
			continue;
		printf("%-14s %s\n", found ? "" : "driver", rows[i].words);
		found = true;
	}
	if (!found)
		printf("%-14s unknown: none of kvm_intel, kvm_amd, kvm_pvm is loaded\n", "driver");
}

static void check_print_param(const char *module, const char *param, const char *words)
{
	char path[96], value[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module, param);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(value, sizeof(value), f)) {
		value[strcspn(value, "\n")] = 0;
		printf("%-14s %s (%s.%s=%s)\n", "", words, module, param, value);
	}
	fclose(f);
}

static void check_print_caps(const struct caps *caps)
{
	static const char *const need[] = {
		[CAP_REQUIRED] = "needed", [CAP_USED] = "used", [CAP_NOTED] = "not used yet",
	};
	int i;

	printf("\ncapabilities\n");
	for (i = 0; i < CAP_NR; i++)
		printf("  %-7s %-30s %s (%s)\n", caps_has(caps, i) ? "yes" :
		       cap_rows[i].need == CAP_REQUIRED ? "MISSING" : "no",
		       cap_rows[i].name, cap_rows[i].words, need[cap_rows[i].need]);
}

static void check_print_cpuid(int fd)
{
	struct kvm_cpuid2 *cpuid;
	const struct kvm_cpuid_entry2 *e;

	if (cpuid_get_supported(fd, &cpuid) != STATUS_OK)
		return;
	e = cpuid_find(cpuid, 0, 0);
	if (e) {
		char vendor[13] = "";

		memcpy(vendor, &e->ebx, 4);
		memcpy(vendor + 4, &e->edx, 4);
		memcpy(vendor + 8, &e->ecx, 4);
		printf("%-14s %s, %u-bit physical addresses\n", "guest CPU", vendor,
		       cpuid_phys_bits(cpuid));
	}
	check_print_features("features", cpuid, features, sizeof(features) / sizeof(features[0]));
	check_print_features("paravirtual", cpuid, pv_features,
			     sizeof(pv_features) / sizeof(pv_features[0]));
	free(cpuid);
}

static bool check_cpu_flag(const char *flag)
{
	char *line = NULL;
	size_t size = 0, len = strlen(flag);
	bool found = false;
	FILE *f = fopen("/proc/cpuinfo", "re");

	if (!f)
		return false;
	while (!found && getline(&line, &size, f) > 0) {
		char *p = line;

		if (strncmp(line, "flags", 5))
			continue;
		while ((p = strstr(p + 1, flag)))
			if (p[-1] == ' ' && strchr(" \n", p[len]))
				found = true;
		break;
	}
	free(line);
	fclose(f);
	return found;
}

static void check_print_cpu(void)
{
	bool vmx = check_cpu_flag("vmx"), svm = check_cpu_flag("svm");

	printf("%-14s %s\n", "this CPU",
	       vmx ? "has Intel VMX" : svm ? "has AMD SVM" :
	       "shows neither VMX nor SVM (switched off in firmware, or a virtual machine without nesting)");
}

/* Creating one tells more than any capability: another hypervisor may hold the CPU. */
static enum status check_create_vm(int fd)
{
	int vm = ioctl(fd, KVM_CREATE_VM, 0UL);

	if (vm < 0) {
		printf("%-14s cannot be created: %s\n", "machines", strerror(errno));
		return STATUS_KVM;
	}
	close(vm);
	printf("%-14s can be created\n", "machines");
	return STATUS_OK;
}

/**
 * check_kvm() - Tell what a KVM offers, on stdout.
 * @path: usually /dev/kvm.
 *
 * Return: STATUS_OK when vmm run works with it, otherwise STATUS_KVM.
 */
enum status check_kvm(const char *path)
{
	struct caps caps;
	enum status st;
	int fd;

	check_print_cpu();
	check_print_driver();
	check_print_param("kvm_intel", "ept", "nested paging");
	check_print_param("kvm_amd", "npt", "nested paging");
	check_print_param("kvm_intel", "nested", "guests may be hypervisors");
	check_print_param("kvm_amd", "nested", "guests may be hypervisors");
	fflush(stdout);
	st = caps_open_kvm(path, &fd);
	if (st != STATUS_OK)
		return st;
	printf("%-14s %s, interface version %d\n", "device", path, KVM_API_VERSION);
	st = check_create_vm(fd);
	caps_read(fd, &caps);
	printf("%-14s %u at most", "vCPUs", caps_max_vcpus(&caps));
	if (caps_has(&caps, CAP_NR_VCPUS))
		printf(", %d advisable", caps.value[CAP_NR_VCPUS]);
	printf(" on %ld online CPUs\n", sysconf(_SC_NPROCESSORS_ONLN));
	check_print_cpuid(fd);
	check_print_caps(&caps);
	fflush(stdout);
	if (st == STATUS_OK)
		st = caps_require(&caps);
	close(fd);
	printf("\n%s\n", st == STATUS_OK ? "vmm run works here." : "vmm run does not work here.");
	return fflush(stdout) ? STATUS_HOST : st;
}
