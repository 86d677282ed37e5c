// SPDX-License-Identifier: GPL-2.0-only
/* Opening KVM and asking what it can do. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caps.h"
#include "log.h"

#define ROW(cap, how, text) [CAP_##cap] = { KVM_CAP_##cap, how, "KVM_CAP_" #cap, text }

const struct cap_row cap_rows[CAP_NR] = {
	ROW(USER_MEMORY, CAP_REQUIRED, "guest memory that is ours"),
	ROW(IRQCHIP, CAP_REQUIRED, "interrupt controllers in the kernel"),
	ROW(EXT_CPUID, CAP_REQUIRED, "a CPUID table per vCPU"),
	ROW(IMMEDIATE_EXIT, CAP_REQUIRED, "stopping a vCPU without a race"),
	ROW(SET_TSS_ADDR, CAP_USED, "real mode on older Intel CPUs"),
	ROW(SET_IDENTITY_MAP_ADDR, CAP_USED, "real mode on older Intel CPUs, paging"),
	ROW(IRQ_ROUTING, CAP_USED, "the timer's interrupt where a PC has it"),
	ROW(PIT2, CAP_USED, "the 8254 timer"),
	ROW(TSC_DEADLINE_TIMER, CAP_USED, "a local timer without multiplications"),
	ROW(NR_VCPUS, CAP_USED, "vCPUs that are advisable"),
	ROW(MAX_VCPUS, CAP_USED, "vCPUs at most"),
	ROW(MAX_VCPU_ID, CAP_USED, "highest vCPU number, plus one"),
	ROW(X2APIC_API, CAP_USED, "more than 255 vCPUs"),
	ROW(ADJUST_CLOCK, CAP_NOTED, "setting the guest's clock"),
	[CAP_TSC_KHZ] = { KVM_CAP_GET_TSC_KHZ, CAP_NOTED, "KVM_CAP_GET_TSC_KHZ",
			  "the TSC's frequency" },
	ROW(IRQFD, CAP_NOTED, "interrupts without a system call's detour"),
	ROW(IOEVENTFD, CAP_NOTED, "doorbells without an exit to us"),
	ROW(SIGNAL_MSI, CAP_NOTED, "message-signalled interrupts"),
	ROW(NR_MEMSLOTS, CAP_USED, "memory slots"),
	ROW(READONLY_MEM, CAP_NOTED, "ROM"),
	ROW(COALESCED_MMIO, CAP_NOTED, "batched device writes"),
	ROW(VCPU_EVENTS, CAP_NOTED, "pending events, for snapshots"),
	ROW(XSAVE, CAP_NOTED, "FPU state, for snapshots"),
	ROW(DIRTY_LOG_RING, CAP_NOTED, "changed pages, for migration"),
	ROW(SPLIT_IRQCHIP, CAP_NOTED, "only the local APICs in the kernel"),
};

/**
 * caps_open_kvm() - Open a KVM device and check that it is one.
 * @path: usually /dev/kvm.
 * @fd: the descriptor.
 *
 * Return: STATUS_OK or STATUS_KVM, with a message that says what to do.
 */
enum status caps_open_kvm(const char *path, int *fd)
{
	int version;

	*fd = open(path, O_RDWR | O_CLOEXEC);
	if (*fd < 0) {
		switch (errno) {
		case ENOENT:
		case ENODEV:
		case ENXIO:
			log_error("there is no KVM at %s: load its driver (modprobe kvm-amd or kvm-intel) or name another with --kvm; `vmm check` tells more",
				  path);
			break;
		case EACCES:
		case EPERM:
			log_error("no permission to open %s: join its group (usually: sudo usermod -aG kvm $USER, then log in again)",
				  path);
			break;
		default:
			log_error("cannot open %s: %s", path, strerror(errno));
		}
		return STATUS_KVM;
	}

	version = ioctl(*fd, KVM_GET_API_VERSION, 0);
	if (version == KVM_API_VERSION)
		return STATUS_OK;
	if (version < 0)
		log_error("%s is not a KVM device (%s): name the right one with --kvm", path,
			  strerror(errno));
	else
		log_error("%s speaks version %d of the KVM interface, this vmm version %d: update the older of the two",
			  path, version, KVM_API_VERSION);
	close(*fd);
	*fd = -1;
	return STATUS_KVM;
}

/**
 * caps_read() - Ask for every capability that has a row.
 * @kvm_fd: from caps_open_kvm().
 * @caps: the answers.
 */
void caps_read(int kvm_fd, struct caps *caps)
{
	int i;

	for (i = 0; i < CAP_NR; i++) {
		int r = ioctl(kvm_fd, KVM_CHECK_EXTENSION, cap_rows[i].number);

		caps->value[i] = r < 0 ? 0 : r;
	}
}

/**
 * caps_require() - Whether everything that vmm can't do without is there.
 * @caps: from caps_read().
 *
 * Return: STATUS_OK, or STATUS_KVM with a message that names the first one missing.
 */
enum status caps_require(const struct caps *caps)
{
	int i;

	for (i = 0; i < CAP_NR; i++) {
		if (cap_rows[i].need != CAP_REQUIRED || caps_has(caps, i))
			continue;
		log_error("this KVM lacks %s (%s), which vmm needs: use a newer driver",
			  cap_rows[i].name, cap_rows[i].words);
		return STATUS_KVM;
	}
	return STATUS_OK;
}

/**
 * caps_max_vcpus() - How many vCPUs a VM can have.
 * @caps: from caps_read().
 *
 * Return: a number; where KVM doesn't tell, the ABI's documentation says 4 (api.rst,
 * KVM_CREATE_VCPU).
 */
unsigned int caps_max_vcpus(const struct caps *caps)
{
	unsigned int max = 4;

	if (caps_has(caps, CAP_MAX_VCPUS))
		max = caps->value[CAP_MAX_VCPUS];
	else if (caps_has(caps, CAP_NR_VCPUS))
		max = caps->value[CAP_NR_VCPUS];
	/* vCPU numbers are APIC IDs and run from 0 without gaps. */
	if (caps_has(caps, CAP_MAX_VCPU_ID) && (unsigned int)caps->value[CAP_MAX_VCPU_ID] < max)
		max = caps->value[CAP_MAX_VCPU_ID];
	return max;
}
