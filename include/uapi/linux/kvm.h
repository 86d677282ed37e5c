/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The KVM ABI, version 12, as of Linux 6.12: what /dev/kvm and the files made from it understand.
 *
 * Grouped by the file an ioctl works on (system, VM, vCPU, device), then by topic; what x86 adds is
 * in <asm/kvm.h>. Structures are fixed for ever; tests/abi compares every name, number, offset and
 * size here with the headers of the host's kernels.
 */
#ifndef __LINUX_KVM_H
#define __LINUX_KVM_H

#include <linux/types.h>
#include <linux/ioctl.h>
#ifdef __KERNEL__
#include <linux/compiler.h>
#endif
#include <asm/kvm.h>
#include <linux/kvm_caps.h>

#define KVM_API_VERSION		12	/* what KVM_GET_API_VERSION returns, for ever */
#define KVMIO			0xAE	/* the type byte of every ioctl below */

/* ---- /dev/kvm: the system ---- */

#define KVM_GET_API_VERSION		_IO(KVMIO, 0x00)
/* arg: machine type; returns a file */
#define KVM_CREATE_VM			_IO(KVMIO, 0x01)
#define KVM_GET_MSR_INDEX_LIST		_IOWR(KVMIO, 0x02, struct kvm_msr_list)
#define KVM_CHECK_EXTENSION		_IO(KVMIO, 0x03)	/* arg: KVM_CAP_*; VM files too */
/* bytes to mmap from a vCPU's file */
#define KVM_GET_VCPU_MMAP_SIZE		_IO(KVMIO, 0x04)
#define KVM_GET_SUPPORTED_CPUID		_IOWR(KVMIO, 0x05, struct kvm_cpuid2)
#define KVM_GET_EMULATED_CPUID		_IOWR(KVMIO, 0x09, struct kvm_cpuid2)
#define KVM_GET_MSR_FEATURE_INDEX_LIST	_IOWR(KVMIO, 0x0a, struct kvm_msr_list)

/* Machine types of other architectures, an argument of KVM_CREATE_VM. */
#define KVM_VM_S390_UCONTROL		1
#define KVM_VM_PPC_HV			1
#define KVM_VM_PPC_PR			2
#define KVM_VM_MIPS_AUTO		0
#define KVM_VM_MIPS_VZ			1
#define KVM_VM_MIPS_TE			2
#define KVM_VM_TYPE_ARM_IPA_SIZE_MASK	0xffULL		/* log2 of the guest-physical space */
#define KVM_VM_TYPE_ARM_IPA_SIZE(x)	((x) & KVM_VM_TYPE_ARM_IPA_SIZE_MASK)

/* KVM_ENABLE_CAP, on a VM or a vCPU: switches on what is off unless asked for. */
struct kvm_enable_cap {
	__u32 cap;		/* KVM_CAP_* */
	__u32 flags;		/* 0 */
	__u64 args[4];		/* meaning depends on cap */
	__u8  pad[64];
};
#define KVM_ENABLE_CAP			_IOW(KVMIO, 0xa3, struct kvm_enable_cap)

/* ---- VM: memory ---- */

/* A slot: guest-physical range backed by this process's memory. Size 0 deletes it. */
struct kvm_userspace_memory_region {
	__u32 slot;		/* 0-15: number; 16-31: address space (1 is SMM) */
	__u32 flags;		/* KVM_MEM_* */
	__u64 guest_phys_addr;	/* gpa, page aligned */
	__u64 memory_size;	/* bytes, page aligned */
	__u64 userspace_addr;	/* hva, page aligned */
};

/* The same with, optionally, private memory from a KVM_CREATE_GUEST_MEMFD file. */
struct kvm_userspace_memory_region2 {
	__u32 slot;
	__u32 flags;
	__u64 guest_phys_addr;
	__u64 memory_size;
	__u64 userspace_addr;
	__u64 guest_memfd_offset;	/* bytes into guest_memfd */
	__u32 guest_memfd;
	__u32 pad1;
	__u64 pad2[14];
};

#define KVM_MEM_LOG_DIRTY_PAGES		(1UL << 0)	/* note which pages the guest writes */
#define KVM_MEM_READONLY		(1UL << 1)	/* guest writes become MMIO exits */
#define KVM_MEM_GUEST_MEMFD		(1UL << 2)	/* guest_memfd is valid (region2 only) */

#define KVM_SET_USER_MEMORY_REGION	_IOW(KVMIO, 0x46, struct kvm_userspace_memory_region)
#define KVM_SET_USER_MEMORY_REGION2	_IOW(KVMIO, 0x49, struct kvm_userspace_memory_region2)
#define KVM_SET_NR_MMU_PAGES		_IO(KVMIO, 0x44)	/* arg: bound on shadow pages */
#define KVM_GET_NR_MMU_PAGES		_IO(KVMIO, 0x45)

/* Private memory: whether a range is private or shared, and files that hold only private pages. */
#define KVM_MEMORY_ATTRIBUTE_PRIVATE	(1ULL << 3)

struct kvm_memory_attributes {
	__u64 address;		/* gpa, page aligned */
	__u64 size;		/* bytes, page aligned */
	__u64 attributes;	/* KVM_MEMORY_ATTRIBUTE_* */
	__u64 flags;		/* 0 */
};

struct kvm_create_guest_memfd {
	__u64 size;		/* bytes */
	__u64 flags;
	__u64 reserved[6];
};

#define KVM_SET_MEMORY_ATTRIBUTES	_IOW(KVMIO, 0xd2, struct kvm_memory_attributes)
#define KVM_CREATE_GUEST_MEMFD		_IOWR(KVMIO, 0xd4, struct kvm_create_guest_memfd)

/* vCPU: map a range before the guest touches it. gpa and size advance over what was done. */
struct kvm_pre_fault_memory {
	__u64 gpa;
	__u64 size;		/* bytes */
	__u64 flags;
	__u64 padding[5];
};
#define KVM_PRE_FAULT_MEMORY		_IOWR(KVMIO, 0xd5, struct kvm_pre_fault_memory)

/* Memory encryption: the ranges that may hold encrypted pages, and the vendor's commands. */
struct kvm_enc_region {
	__u64 addr;		/* hva */
	__u64 size;		/* bytes */
};
#define KVM_MEMORY_ENCRYPT_OP		_IOWR(KVMIO, 0xba, unsigned long)
#define KVM_MEMORY_ENCRYPT_REG_REGION	_IOR(KVMIO, 0xbb, struct kvm_enc_region)
#define KVM_MEMORY_ENCRYPT_UNREG_REGION	_IOR(KVMIO, 0xbc, struct kvm_enc_region)

/* ---- VM: which pages were written ---- */

/* One bit per page of the slot, little endian, rounded up to 64 bits. */
struct kvm_dirty_log {
	__u32 slot;
	__u32 padding1;
	union {
#ifdef __KERNEL__
		void __user *dirty_bitmap;
#else
		void *dirty_bitmap;
#endif
		__u64 padding2;
	};
};

/* Re-arms the logging of num_pages pages from first_page (a multiple of 64), where bits are set. */
struct kvm_clear_dirty_log {
	__u32 slot;
	__u32 num_pages;
	__u64 first_page;
	union {
#ifdef __KERNEL__
		void __user *dirty_bitmap;
#else
		void *dirty_bitmap;
#endif
		__u64 padding2;
	};
};

#define KVM_GET_DIRTY_LOG		_IOW(KVMIO, 0x42, struct kvm_dirty_log)
#define KVM_CLEAR_DIRTY_LOG		_IOWR(KVMIO, 0xc0, struct kvm_clear_dirty_log)

/* args[0] of KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 */
#define KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE	(1 << 0)
#define KVM_DIRTY_LOG_INITIALLY_SET		(1 << 1)

/*
 * The other way: a ring per vCPU, in its mapping from page KVM_DIRTY_LOG_PAGE_OFFSET on. The kernel
 * sets F_DIRTY with release semantics; userspace turns it into F_RESET once harvested.
 */
struct kvm_dirty_gfn {
	__u32 flags;		/* KVM_DIRTY_GFN_F_* */
	__u32 slot;		/* as in kvm_userspace_memory_region */
	__u64 offset;		/* pages from the slot's start */
};
#define KVM_DIRTY_GFN_F_DIRTY		(1UL << 0)
#define KVM_DIRTY_GFN_F_RESET		(1UL << 1)
#define KVM_DIRTY_GFN_F_MASK		0x3
#ifndef KVM_DIRTY_LOG_PAGE_OFFSET
#define KVM_DIRTY_LOG_PAGE_OFFSET	0	/* the architecture has no ring */
#endif
#define KVM_RESET_DIRTY_RINGS		_IO(KVMIO, 0xc7)	/* returns how many were reset */

/* ---- VM: vCPUs ---- */

/* arg: id (APIC ID); returns a file */
#define KVM_CREATE_VCPU			_IO(KVMIO, 0x41)
#define KVM_SET_BOOT_CPU_ID		_IO(KVMIO, 0x78)	/* arg: id; before any vCPU */

/* ---- VM: interrupt controllers and timers in the kernel ---- */

#define __KVM_HAVE_GUEST_DEBUG

struct kvm_irq_level {
	union {
		__u32 irq;	/* in: GSI */
		/* out, KVM_IRQ_LINE_STATUS: <0 ignored, 0 coalesced, >0 delivered */
		__s32 status;
	};
	__u32 level;		/* 0 or 1 */
};

struct kvm_irqchip {
	__u32 chip_id;		/* KVM_IRQCHIP_* */
	__u32 pad;
	union {
		char dummy[512];
#ifdef __KVM_HAVE_PIT
		struct kvm_pic_state pic;
#endif
#ifdef __KVM_HAVE_IOAPIC
		struct kvm_ioapic_state ioapic;
#endif
	} chip;
};

struct kvm_pit_config {
	__u32 flags;		/* KVM_PIT_SPEAKER_DUMMY: also answer port 0x61 */
	__u32 pad[15];
};
#define KVM_PIT_SPEAKER_DUMMY		1

#define KVM_CREATE_IRQCHIP		_IO(KVMIO, 0x60)
#define KVM_IRQ_LINE			_IOW(KVMIO, 0x61, struct kvm_irq_level)
#define KVM_IRQ_LINE_STATUS		_IOWR(KVMIO, 0x67, struct kvm_irq_level)
#define KVM_GET_IRQCHIP			_IOWR(KVMIO, 0x62, struct kvm_irqchip)
#define KVM_SET_IRQCHIP			_IOR(KVMIO, 0x63, struct kvm_irqchip)	/* reads, sic */
#define KVM_CREATE_PIT			_IO(KVMIO, 0x64)
#define KVM_CREATE_PIT2			_IOW(KVMIO, 0x77, struct kvm_pit_config)
#define KVM_GET_PIT			_IOWR(KVMIO, 0x65, struct kvm_pit_state)
#define KVM_SET_PIT			_IOR(KVMIO, 0x66, struct kvm_pit_state)	/* reads, sic */
#define KVM_GET_PIT2			_IOR(KVMIO, 0x9f, struct kvm_pit_state2)
#define KVM_SET_PIT2			_IOW(KVMIO, 0xa0, struct kvm_pit_state2)
#define KVM_REINJECT_CONTROL		_IO(KVMIO, 0x71)	/* arg: kvm_reinject_control */

/* What a GSI is connected to. Several entries of one GSI: all are raised. */
struct kvm_irq_routing_irqchip {
	__u32 irqchip;		/* KVM_IRQCHIP_* */
	__u32 pin;
};

struct kvm_irq_routing_msi {
	__u32 address_lo;
	__u32 address_hi;	/* with KVM_X2APIC_API_USE_32BIT_IDS: destination bits 31-8 */
	__u32 data;
	union {
		__u32 pad;
		__u32 devid;
	};
};

struct kvm_irq_routing_s390_adapter {
	__u64 ind_addr;
	__u64 summary_addr;
	__u64 ind_offset;
	__u32 summary_offset;
	__u32 adapter_id;
};

struct kvm_irq_routing_hv_sint {
	__u32 vcpu;
	__u32 sint;
};

struct kvm_irq_routing_xen_evtchn {
	__u32 port;
	__u32 vcpu;
	__u32 priority;		/* KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL */
};
#define KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL	((__u32)(-1))

#define KVM_IRQ_ROUTING_IRQCHIP		1
#define KVM_IRQ_ROUTING_MSI		2
#define KVM_IRQ_ROUTING_S390_ADAPTER	3
#define KVM_IRQ_ROUTING_HV_SINT		4
#define KVM_IRQ_ROUTING_XEN_EVTCHN	5

struct kvm_irq_routing_entry {
	__u32 gsi;
	__u32 type;		/* KVM_IRQ_ROUTING_* */
	__u32 flags;		/* KVM_MSI_VALID_DEVID or 0 */
	__u32 pad;
	union {
		struct kvm_irq_routing_irqchip irqchip;
		struct kvm_irq_routing_msi msi;
		struct kvm_irq_routing_s390_adapter adapter;
		struct kvm_irq_routing_hv_sint hv_sint;
		struct kvm_irq_routing_xen_evtchn xen_evtchn;
		__u32 pad[8];
	} u;
};

struct kvm_irq_routing {
	__u32 nr;
	__u32 flags;		/* 0 */
	struct kvm_irq_routing_entry entries[];
};

/* One message, sent at once. */
struct kvm_msi {
	__u32 address_lo;
	__u32 address_hi;
	__u32 data;
	__u32 flags;		/* KVM_MSI_VALID_DEVID or 0 */
	__u32 devid;
	__u8  pad[12];
};
#define KVM_MSI_VALID_DEVID		(1U << 0)

#define KVM_SET_GSI_ROUTING		_IOW(KVMIO, 0x6a, struct kvm_irq_routing)
#define KVM_SIGNAL_MSI			_IOW(KVMIO, 0xa5, struct kvm_msi)

/* An eventfd that raises a GSI. */
struct kvm_irqfd {
	__u32 fd;
	__u32 gsi;
	__u32 flags;		/* KVM_IRQFD_FLAG_* */
	__u32 resamplefd;	/* signalled when the guest acknowledges (level triggered) */
	__u8  pad[16];
};
#define KVM_IRQFD_FLAG_DEASSIGN		(1 << 0)
#define KVM_IRQFD_FLAG_RESAMPLE		(1 << 1)
#define KVM_IRQFD			_IOW(KVMIO, 0x76, struct kvm_irqfd)

/* ---- VM: I/O without an exit ---- */

/* A guest write that signals an eventfd. */
enum {
	kvm_ioeventfd_flag_nr_datamatch,
	kvm_ioeventfd_flag_nr_pio,
	kvm_ioeventfd_flag_nr_deassign,
	kvm_ioeventfd_flag_nr_virtio_ccw_notify,
	kvm_ioeventfd_flag_nr_fast_mmio,
	kvm_ioeventfd_flag_nr_max,
};
#define KVM_IOEVENTFD_FLAG_DATAMATCH	(1 << kvm_ioeventfd_flag_nr_datamatch)
#define KVM_IOEVENTFD_FLAG_PIO		(1 << kvm_ioeventfd_flag_nr_pio)
#define KVM_IOEVENTFD_FLAG_DEASSIGN	(1 << kvm_ioeventfd_flag_nr_deassign)
#define KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY	(1 << kvm_ioeventfd_flag_nr_virtio_ccw_notify)
#define KVM_IOEVENTFD_VALID_FLAG_MASK	((1 << kvm_ioeventfd_flag_nr_max) - 1)

struct kvm_ioeventfd {
	__u64 datamatch;	/* with FLAG_DATAMATCH: only writes of this value */
	__u64 addr;		/* port or gpa */
	__u32 len;		/* bytes: 1, 2, 4, 8; 0: any */
	__s32 fd;
	__u32 flags;		/* KVM_IOEVENTFD_FLAG_* */
	__u8  pad[36];
};
#define KVM_IOEVENTFD			_IOW(KVMIO, 0x79, struct kvm_ioeventfd)

/* Writes to a zone are queued in the ring page and seen at the next exit. */
struct kvm_coalesced_mmio_zone {
	__u64 addr;
	__u32 size;		/* bytes */
	union {
		__u32 pad;
		__u32 pio;	/* 1: ports, not memory */
	};
};

struct kvm_coalesced_mmio {
	__u64 phys_addr;
	__u32 len;		/* bytes of data */
	union {
		__u32 pad;
		__u32 pio;
	};
	__u8  data[8];
};

struct kvm_coalesced_mmio_ring {
	__u32 first, last;	/* userspace reads at first, the kernel writes at last */
	struct kvm_coalesced_mmio coalesced_mmio[];
};
#define KVM_COALESCED_MMIO_MAX	\
	((PAGE_SIZE - sizeof(struct kvm_coalesced_mmio_ring)) / sizeof(struct kvm_coalesced_mmio))

#define KVM_REGISTER_COALESCED_MMIO	_IOW(KVMIO, 0x67, struct kvm_coalesced_mmio_zone)
#define KVM_UNREGISTER_COALESCED_MMIO	_IOW(KVMIO, 0x68, struct kvm_coalesced_mmio_zone)

/* ---- VM: clock ---- */

struct kvm_clock_data {
	__u64 clock;		/* ns since the VM's boot, the guest's kvmclock */
	__u32 flags;		/* KVM_CLOCK_* */
	__u32 pad0;
	__u64 realtime;		/* ns since 1970, with KVM_CLOCK_REALTIME */
	__u64 host_tsc;		/* cycles, with KVM_CLOCK_HOST_TSC */
	__u32 pad[4];
};
#define KVM_CLOCK_TSC_STABLE		2	/* all vCPUs compute the same clock */
#define KVM_CLOCK_REALTIME		(1 << 2)
#define KVM_CLOCK_HOST_TSC		(1 << 3)

#define KVM_SET_CLOCK			_IOW(KVMIO, 0x7b, struct kvm_clock_data)
#define KVM_GET_CLOCK			_IOR(KVMIO, 0x7c, struct kvm_clock_data)
#define KVM_SET_TSC_KHZ			_IO(KVMIO, 0xa2)	/* arg: kHz; VM (default) or vCPU */
#define KVM_GET_TSC_KHZ			_IO(KVMIO, 0xa3)	/* returns kHz */

/* ---- VM: x86's own ---- */

/* arg: gpa of three pages (Intel) */
#define KVM_SET_TSS_ADDR		_IO(KVMIO, 0x47)
/* gpa of one page (Intel) */
#define KVM_SET_IDENTITY_MAP_ADDR	_IOW(KVMIO, 0x48, __u64)
#define KVM_SET_PMU_EVENT_FILTER	_IOW(KVMIO, 0xb2, struct kvm_pmu_event_filter)
#define KVM_HYPERV_EVENTFD		_IOW(KVMIO, 0xbd, struct kvm_hyperv_eventfd)
#define KVM_GET_SUPPORTED_HV_CPUID	_IOWR(KVMIO, 0xc1, struct kvm_cpuid2)	/* system or vCPU */
#define KVM_X86_SET_MSR_FILTER		_IOW(KVMIO, 0xc6, struct kvm_msr_filter)
#define KVM_XEN_HVM_CONFIG		_IOW(KVMIO, 0x7a, struct kvm_xen_hvm_config)
#define KVM_XEN_HVM_GET_ATTR		_IOWR(KVMIO, 0xc8, struct kvm_xen_hvm_attr)
#define KVM_XEN_HVM_SET_ATTR		_IOW(KVMIO, 0xc9, struct kvm_xen_hvm_attr)
#define KVM_XEN_VCPU_GET_ATTR		_IOWR(KVMIO, 0xca, struct kvm_xen_vcpu_attr)	/* vCPU */
#define KVM_XEN_VCPU_SET_ATTR		_IOW(KVMIO, 0xcb, struct kvm_xen_vcpu_attr)	/* vCPU */
#define KVM_XEN_HVM_EVTCHN_SEND		_IOW(KVMIO, 0xd0, struct kvm_irq_routing_xen_evtchn)

/* args[0] of KVM_CAP_X86_DISABLE_EXITS: the guest runs these without an exit. */
#define KVM_X86_DISABLE_EXITS_MWAIT	(1 << 0)
#define KVM_X86_DISABLE_EXITS_HLT	(1 << 1)
#define KVM_X86_DISABLE_EXITS_PAUSE	(1 << 2)
#define KVM_X86_DISABLE_EXITS_CSTATE	(1 << 3)
#define KVM_X86_DISABLE_VALID_EXITS	(KVM_X86_DISABLE_EXITS_MWAIT | \
					 KVM_X86_DISABLE_EXITS_HLT | \
					 KVM_X86_DISABLE_EXITS_PAUSE | \
					 KVM_X86_DISABLE_EXITS_CSTATE)

/* args[0] of KVM_CAP_X86_BUS_LOCK_EXIT */
#define KVM_BUS_LOCK_DETECTION_OFF	(1 << 0)
#define KVM_BUS_LOCK_DETECTION_EXIT	(1 << 1)

/* args[0] of KVM_CAP_PMU_CAPABILITY */
#define KVM_PMU_CAP_DISABLE		(1 << 0)

/* args[0] of KVM_CAP_X86_NOTIFY_VMEXIT, its low half; the high half is the window in cycles. */
#define KVM_X86_NOTIFY_VMEXIT_ENABLED	(1ULL << 0)
#define KVM_X86_NOTIFY_VMEXIT_USER	(1ULL << 1)

/* ---- VM: devices in the kernel (a file each), and attributes of any file ---- */

struct kvm_create_device {
	__u32 type;		/* KVM_DEV_TYPE_* */
	__u32 fd;		/* out */
	__u32 flags;		/* KVM_CREATE_DEVICE_TEST: only say whether it could be made */
};
#define KVM_CREATE_DEVICE_TEST		1

struct kvm_device_attr {
	__u32 flags;		/* 0 */
	__u32 group;
	__u64 attr;
	__u64 addr;		/* hva of the value */
};

enum kvm_device_type {
	KVM_DEV_TYPE_FSL_MPIC_20	= 1,
	KVM_DEV_TYPE_FSL_MPIC_42	= 2,
	KVM_DEV_TYPE_XICS		= 3,
	KVM_DEV_TYPE_VFIO		= 4,
	KVM_DEV_TYPE_ARM_VGIC_V2	= 5,
	KVM_DEV_TYPE_FLIC		= 6,
	KVM_DEV_TYPE_ARM_VGIC_V3	= 7,
	KVM_DEV_TYPE_ARM_VGIC_ITS	= 8,
	KVM_DEV_TYPE_XIVE		= 9,
	KVM_DEV_TYPE_ARM_PV_TIME	= 10,
	KVM_DEV_TYPE_RISCV_AIA		= 11,
	KVM_DEV_TYPE_MAX,
};
/* So that #ifdef sees them. */
#define KVM_DEV_TYPE_FSL_MPIC_20	KVM_DEV_TYPE_FSL_MPIC_20
#define KVM_DEV_TYPE_FSL_MPIC_42	KVM_DEV_TYPE_FSL_MPIC_42
#define KVM_DEV_TYPE_XICS		KVM_DEV_TYPE_XICS
#define KVM_DEV_TYPE_VFIO		KVM_DEV_TYPE_VFIO
#define KVM_DEV_TYPE_ARM_VGIC_V2	KVM_DEV_TYPE_ARM_VGIC_V2
#define KVM_DEV_TYPE_FLIC		KVM_DEV_TYPE_FLIC
#define KVM_DEV_TYPE_ARM_VGIC_V3	KVM_DEV_TYPE_ARM_VGIC_V3
#define KVM_DEV_TYPE_ARM_VGIC_ITS	KVM_DEV_TYPE_ARM_VGIC_ITS
#define KVM_DEV_TYPE_XIVE		KVM_DEV_TYPE_XIVE
#define KVM_DEV_TYPE_ARM_PV_TIME	KVM_DEV_TYPE_ARM_PV_TIME
#define KVM_DEV_TYPE_RISCV_AIA		KVM_DEV_TYPE_RISCV_AIA

/* VFIO: tells KVM which files give the guest access to hardware. The older names say "group". */
#define KVM_DEV_VFIO_FILE			1
#define KVM_DEV_VFIO_FILE_ADD			1
#define KVM_DEV_VFIO_FILE_DEL			2
#define KVM_DEV_VFIO_GROUP			KVM_DEV_VFIO_FILE
#define KVM_DEV_VFIO_GROUP_ADD			KVM_DEV_VFIO_FILE_ADD
#define KVM_DEV_VFIO_GROUP_DEL			KVM_DEV_VFIO_FILE_DEL
#define KVM_DEV_VFIO_GROUP_SET_SPAPR_TCE	3

struct kvm_vfio_spapr_tce {
	__s32 groupfd;
	__s32 tablefd;
};

#define KVM_CREATE_DEVICE		_IOWR(KVMIO, 0xe0, struct kvm_create_device)
#define KVM_SET_DEVICE_ATTR		_IOW(KVMIO, 0xe1, struct kvm_device_attr)
#define KVM_GET_DEVICE_ATTR		_IOW(KVMIO, 0xe2, struct kvm_device_attr)
#define KVM_HAS_DEVICE_ATTR		_IOW(KVMIO, 0xe3, struct kvm_device_attr)

/* ---- VM and vCPU: statistics, a file that describes itself ---- */

struct kvm_stats_header {
	__u32 flags;
	__u32 name_size;	/* bytes of each name, nil included */
	__u32 num_desc;
	__u32 id_offset;	/* bytes from the file's start, like the next two */
	__u32 desc_offset;
	__u32 data_offset;
};

struct kvm_stats_desc {
	__u32 flags;		/* KVM_STATS_TYPE_* | KVM_STATS_UNIT_* | KVM_STATS_BASE_* */
	__s16 exponent;		/* value = data * base ^ exponent unit */
	__u16 size;		/* 64-bit values */
	__u32 offset;		/* bytes from data_offset */
	__u32 bucket_size;	/* of a linear histogram */
	char  name[];		/* name_size bytes */
};

#define KVM_STATS_TYPE_SHIFT		0
#define KVM_STATS_TYPE_MASK		(0xF << KVM_STATS_TYPE_SHIFT)
#define KVM_STATS_TYPE_CUMULATIVE	(0x0 << KVM_STATS_TYPE_SHIFT)
#define KVM_STATS_TYPE_INSTANT		(0x1 << KVM_STATS_TYPE_SHIFT)
#define KVM_STATS_TYPE_PEAK		(0x2 << KVM_STATS_TYPE_SHIFT)
#define KVM_STATS_TYPE_LINEAR_HIST	(0x3 << KVM_STATS_TYPE_SHIFT)
#define KVM_STATS_TYPE_LOG_HIST		(0x4 << KVM_STATS_TYPE_SHIFT)
#define KVM_STATS_TYPE_MAX		KVM_STATS_TYPE_LOG_HIST

#define KVM_STATS_UNIT_SHIFT		4
#define KVM_STATS_UNIT_MASK		(0xF << KVM_STATS_UNIT_SHIFT)
#define KVM_STATS_UNIT_NONE		(0x0 << KVM_STATS_UNIT_SHIFT)
#define KVM_STATS_UNIT_BYTES		(0x1 << KVM_STATS_UNIT_SHIFT)
#define KVM_STATS_UNIT_SECONDS		(0x2 << KVM_STATS_UNIT_SHIFT)
#define KVM_STATS_UNIT_CYCLES		(0x3 << KVM_STATS_UNIT_SHIFT)
#define KVM_STATS_UNIT_BOOLEAN		(0x4 << KVM_STATS_UNIT_SHIFT)
#define KVM_STATS_UNIT_MAX		KVM_STATS_UNIT_BOOLEAN

#define KVM_STATS_BASE_SHIFT		8
#define KVM_STATS_BASE_MASK		(0xF << KVM_STATS_BASE_SHIFT)
#define KVM_STATS_BASE_POW10		(0x0 << KVM_STATS_BASE_SHIFT)
#define KVM_STATS_BASE_POW2		(0x1 << KVM_STATS_BASE_SHIFT)
#define KVM_STATS_BASE_MAX		KVM_STATS_BASE_POW2

#define KVM_GET_STATS_FD		_IO(KVMIO, 0xce)	/* returns a file to read(2) */

/* ---- vCPU: running ---- */

/* 0: see kvm_run.exit_reason; or -1 */
#define KVM_RUN				_IO(KVMIO, 0x80)

/* Why KVM_RUN came back (kvm_run.exit_reason). */
#define KVM_EXIT_UNKNOWN		0	/* hardware exit nobody knows: hw */
#define KVM_EXIT_EXCEPTION		1	/* ex */
#define KVM_EXIT_IO			2	/* io */
#define KVM_EXIT_HYPERCALL		3	/* hypercall */
#define KVM_EXIT_DEBUG			4	/* debug */
#define KVM_EXIT_HLT			5	/* HLT, local APIC in userspace */
#define KVM_EXIT_MMIO			6	/* mmio */
#define KVM_EXIT_IRQ_WINDOW_OPEN	7	/* asked for by request_interrupt_window */
#define KVM_EXIT_SHUTDOWN		8	/* triple fault */
#define KVM_EXIT_FAIL_ENTRY		9	/* hardware refused the state: fail_entry */
#define KVM_EXIT_INTR			10	/* a signal; KVM_RUN says -EINTR */
#define KVM_EXIT_SET_TPR		11	/* CR8 lowered, local APIC in userspace */
#define KVM_EXIT_TPR_ACCESS		12	/* tpr_access */
#define KVM_EXIT_S390_SIEIC		13
#define KVM_EXIT_S390_RESET		14
#define KVM_EXIT_DCR			15
#define KVM_EXIT_NMI			16
#define KVM_EXIT_INTERNAL_ERROR		17	/* internal, emulation_failure */
#define KVM_EXIT_OSI			18
#define KVM_EXIT_PAPR_HCALL		19
#define KVM_EXIT_S390_UCONTROL		20
#define KVM_EXIT_WATCHDOG		21
#define KVM_EXIT_S390_TSCH		22
#define KVM_EXIT_EPR			23
#define KVM_EXIT_SYSTEM_EVENT		24	/* system_event */
#define KVM_EXIT_S390_STSI		25
#define KVM_EXIT_IOAPIC_EOI		26	/* split irqchip: eoi */
#define KVM_EXIT_HYPERV			27	/* hyperv */
#define KVM_EXIT_ARM_NISV		28
#define KVM_EXIT_X86_RDMSR		29	/* msr */
#define KVM_EXIT_X86_WRMSR		30	/* msr */
#define KVM_EXIT_DIRTY_RING_FULL	31
#define KVM_EXIT_AP_RESET_HOLD		32	/* SEV-ES: this AP waits for SIPI */
#define KVM_EXIT_X86_BUS_LOCK		33	/* a locked access split over cache lines */
#define KVM_EXIT_XEN			34	/* xen */
#define KVM_EXIT_RISCV_SBI		35
#define KVM_EXIT_RISCV_CSR		36
#define KVM_EXIT_NOTIFY			37	/* notify: no event window for too long */
#define KVM_EXIT_LOONGARCH_IOCSR	38
#define KVM_EXIT_MEMORY_FAULT		39	/* memory_fault; KVM_RUN fails with EFAULT */

/* kvm_run.io.direction */
#define KVM_EXIT_IO_IN			0
#define KVM_EXIT_IO_OUT			1

/* kvm_run.internal.suberror */
#define KVM_INTERNAL_ERROR_EMULATION			1
#define KVM_INTERNAL_ERROR_SIMUL_EX			2
#define KVM_INTERNAL_ERROR_DELIVERY_EV			3
#define KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON	4

/* kvm_run.emulation_failure.flags */
#define KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES	(1ULL << 0)

/* kvm_run.system_event.type */
#define KVM_SYSTEM_EVENT_SHUTDOWN	1
#define KVM_SYSTEM_EVENT_RESET		2
#define KVM_SYSTEM_EVENT_CRASH		3
#define KVM_SYSTEM_EVENT_WAKEUP		4
#define KVM_SYSTEM_EVENT_SUSPEND	5
#define KVM_SYSTEM_EVENT_SEV_TERM	6

/* kvm_run.msr.reason, and args[0] of KVM_CAP_X86_USER_SPACE_MSR */
#define KVM_MSR_EXIT_REASON_INVAL	(1 << 0)	/* known MSR, the value is refused */
#define KVM_MSR_EXIT_REASON_UNKNOWN	(1 << 1)	/* no such MSR */
#define KVM_MSR_EXIT_REASON_FILTER	(1 << 2)	/* KVM_X86_SET_MSR_FILTER denies it */
#define KVM_MSR_EXIT_REASON_VALID_MASK	(KVM_MSR_EXIT_REASON_INVAL | \
					 KVM_MSR_EXIT_REASON_UNKNOWN | \
					 KVM_MSR_EXIT_REASON_FILTER)

/* kvm_run.notify.flags */
#define KVM_NOTIFY_CONTEXT_INVALID	(1 << 0)	/* the guest can't go on */

/* kvm_run.memory_fault.flags */
#define KVM_MEMORY_EXIT_FLAG_PRIVATE	(1ULL << 3)

/* Bytes that kvm_run.s takes. */
#define SYNC_REGS_SIZE_BYTES		2048

struct kvm_hyperv_exit {
	__u32 type;		/* KVM_EXIT_HYPERV_* */
	__u32 pad1;
	union {
		struct {
			__u32 msr;
			__u32 pad2;
			__u64 control;
			__u64 evt_page;
			__u64 msg_page;
		} synic;
		struct {
			__u64 input;
			__u64 result;
			__u64 params[2];
		} hcall;
		struct {
			__u32 msr;
			__u32 pad2;
			__u64 control;
			__u64 status;
			__u64 send_page;
			__u64 recv_page;
			__u64 pending_page;
		} syndbg;
	} u;
};
#define KVM_EXIT_HYPERV_SYNIC		1
#define KVM_EXIT_HYPERV_HCALL		2
#define KVM_EXIT_HYPERV_SYNDBG		3

struct kvm_xen_exit {
	__u32 type;		/* KVM_EXIT_XEN_HCALL */
	union {
		struct {
			__u32 longmode;
			__u32 cpl;
			__u64 input;
			__u64 result;
			__u64 params[6];
		} hcall;
	} u;
};
#define KVM_EXIT_XEN_HCALL		1

/* The first page of a vCPU's mapping: how KVM_RUN is spoken to, and what it says. */
struct kvm_run {
	/* to the kernel */
	__u8  request_interrupt_window;	/* come back when an interrupt could be injected */
	__u8  immediate_exit;		/* come back at once, with -EINTR */
	__u8  padding1[6];

	/* from the kernel, after every run */
	__u32 exit_reason;		/* KVM_EXIT_* */
	__u8  ready_for_interrupt_injection;
	__u8  if_flag;			/* RFLAGS.IF */
	__u16 flags;			/* KVM_RUN_X86_* */

	/* both ways, where the local APIC is in userspace */
	__u64 cr8;
	__u64 apic_base;

	/* from the kernel (data of io, mmio, hypercall, msr: and back), by exit_reason */
	union {
		struct {	/* KVM_EXIT_UNKNOWN */
			__u64 hardware_exit_reason;
		} hw;
		struct {	/* KVM_EXIT_FAIL_ENTRY */
			__u64 hardware_entry_failure_reason;
			__u32 cpu;
		} fail_entry;
		struct {	/* KVM_EXIT_EXCEPTION */
			__u32 exception;
			__u32 error_code;
		} ex;
		struct {	/* KVM_EXIT_IO */
			__u8  direction;	/* KVM_EXIT_IO_* */
			__u8  size;		/* bytes of one item: 1, 2, 4 */
			__u16 port;
			__u32 count;		/* items */
			__u64 data_offset;	/* bytes from the start of kvm_run */
		} io;
		struct {	/* KVM_EXIT_DEBUG */
			struct kvm_debug_exit_arch arch;
		} debug;
		struct {	/* KVM_EXIT_MMIO */
			__u64 phys_addr;	/* gpa */
			__u8  data[8];
			__u32 len;		/* bytes of data */
			__u8  is_write;
		} mmio;
		struct {	/* KVM_EXIT_LOONGARCH_IOCSR */
			__u64 phys_addr;
			__u8  data[8];
			__u32 len;
			__u8  is_write;
		} iocsr_io;
		struct {	/* KVM_EXIT_HYPERCALL */
			__u64 nr;
			__u64 args[6];
			__u64 ret;
			union {
				__u32 longmode;	/* older name of flags' bit 0 */
				__u64 flags;	/* KVM_EXIT_HYPERCALL_LONG_MODE */
			};
		} hypercall;
		struct {	/* KVM_EXIT_TPR_ACCESS */
			__u64 rip;
			__u32 is_write;
			__u32 pad;
		} tpr_access;
		struct {	/* KVM_EXIT_S390_SIEIC */
			__u8  icptcode;
			__u16 ipa;
			__u32 ipb;
		} s390_sieic;
		__u64 s390_reset_flags;	/* KVM_EXIT_S390_RESET */
		struct {	/* KVM_EXIT_S390_UCONTROL */
			__u64 trans_exc_code;
			__u32 pgm_code;
		} s390_ucontrol;
		struct {	/* KVM_EXIT_DCR */
			__u32 dcrn;
			__u32 data;
			__u8  is_write;
		} dcr;
		struct {	/* KVM_EXIT_INTERNAL_ERROR */
			__u32 suberror;		/* KVM_INTERNAL_ERROR_* */
			__u32 ndata;		/* valid words of data */
			__u64 data[16];
		} internal;
		struct {	/* the same for KVM_INTERNAL_ERROR_EMULATION */
			__u32 suberror;
			__u32 ndata;		/* words from flags on */
			__u64 flags;
			union {
				struct {
					__u8 insn_size;	/* valid bytes */
					__u8 insn_bytes[15];
				};
			};
		} emulation_failure;
		struct {	/* KVM_EXIT_OSI */
			__u64 gprs[32];
		} osi;
		struct {	/* KVM_EXIT_PAPR_HCALL */
			__u64 nr;
			__u64 ret;
			__u64 args[9];
		} papr_hcall;
		struct {	/* KVM_EXIT_S390_TSCH */
			__u16 subchannel_id;
			__u16 subchannel_nr;
			__u32 io_int_parm;
			__u32 io_int_word;
			__u32 ipb;
			__u8  dequeued;
		} s390_tsch;
		struct {	/* KVM_EXIT_EPR */
			__u32 epr;
		} epr;
		struct {	/* KVM_EXIT_SYSTEM_EVENT */
			__u32 type;		/* KVM_SYSTEM_EVENT_* */
			__u32 ndata;
			union {
				__u64 flags;	/* older name of data[0] */
				__u64 data[16];
			};
		} system_event;
		struct {	/* KVM_EXIT_S390_STSI */
			__u64 addr;
			__u8  ar;
			__u8  reserved;
			__u8  fc;
			__u8  sel1;
			__u16 sel2;
		} s390_stsi;
		struct {	/* KVM_EXIT_IOAPIC_EOI */
			__u8 vector;
		} eoi;
		struct kvm_hyperv_exit hyperv;	/* KVM_EXIT_HYPERV */
		struct {	/* KVM_EXIT_ARM_NISV */
			__u64 esr_iss;
			__u64 fault_ipa;
		} arm_nisv;
		struct {	/* KVM_EXIT_X86_RDMSR, KVM_EXIT_X86_WRMSR */
			__u8  error;		/* back: 1 raises #GP */
			__u8  pad[7];
			__u32 reason;		/* KVM_MSR_EXIT_REASON_* */
			__u32 index;
			__u64 data;
		} msr;
		struct kvm_xen_exit xen;	/* KVM_EXIT_XEN */
		struct {	/* KVM_EXIT_RISCV_SBI */
			unsigned long extension_id;
			unsigned long function_id;
			unsigned long args[6];
			unsigned long ret[2];
		} riscv_sbi;
		struct {	/* KVM_EXIT_RISCV_CSR */
			unsigned long csr_num;
			unsigned long new_value;
			unsigned long write_mask;
			unsigned long ret_value;
		} riscv_csr;
		struct {	/* KVM_EXIT_NOTIFY */
			__u32 flags;		/* KVM_NOTIFY_* */
		} notify;
		struct {	/* KVM_EXIT_MEMORY_FAULT */
			__u64 flags;		/* KVM_MEMORY_EXIT_FLAG_* */
			__u64 gpa;
			__u64 size;		/* bytes */
		} memory_fault;
		char padding[256];
	};

	/* registers without ioctls: valid is what the kernel fills in, dirty what it takes back */
	__u64 kvm_valid_regs;		/* KVM_SYNC_X86_* */
	__u64 kvm_dirty_regs;
	union {
		struct kvm_sync_regs regs;
		char padding[SYNC_REGS_SIZE_BYTES];
	} s;
};

/* The signals that KVM_RUN lets in, while it runs. */
struct kvm_signal_mask {
	__u32 len;		/* bytes of sigset: 8, the kernel's sigset_t */
	__u8  sigset[];
};
#define KVM_SET_SIGNAL_MASK		_IOW(KVMIO, 0x8b, struct kvm_signal_mask)

struct kvm_mp_state {
	__u32 mp_state;		/* KVM_MP_STATE_* */
};
#define KVM_MP_STATE_RUNNABLE		0
#define KVM_MP_STATE_UNINITIALIZED	1	/* an AP before INIT */
#define KVM_MP_STATE_INIT_RECEIVED	2	/* waits for SIPI */
#define KVM_MP_STATE_HALTED		3
#define KVM_MP_STATE_SIPI_RECEIVED	4
#define KVM_MP_STATE_STOPPED		5
#define KVM_MP_STATE_CHECK_STOP		6
#define KVM_MP_STATE_OPERATING		7
#define KVM_MP_STATE_LOAD		8
#define KVM_MP_STATE_AP_RESET_HOLD	9
#define KVM_MP_STATE_SUSPENDED		10
#define KVM_GET_MP_STATE		_IOR(KVMIO, 0x98, struct kvm_mp_state)
#define KVM_SET_MP_STATE		_IOW(KVMIO, 0x99, struct kvm_mp_state)

/* ---- vCPU: registers ---- */

#define KVM_GET_REGS			_IOR(KVMIO, 0x81, struct kvm_regs)
#define KVM_SET_REGS			_IOW(KVMIO, 0x82, struct kvm_regs)
#define KVM_GET_SREGS			_IOR(KVMIO, 0x83, struct kvm_sregs)
#define KVM_SET_SREGS			_IOW(KVMIO, 0x84, struct kvm_sregs)
#define KVM_GET_SREGS2			_IOR(KVMIO, 0xcc, struct kvm_sregs2)
#define KVM_SET_SREGS2			_IOW(KVMIO, 0xcd, struct kvm_sregs2)
#define KVM_GET_FPU			_IOR(KVMIO, 0x8c, struct kvm_fpu)
#define KVM_SET_FPU			_IOW(KVMIO, 0x8d, struct kvm_fpu)
#define KVM_GET_XSAVE			_IOR(KVMIO, 0xa4, struct kvm_xsave)
/* KVM_CAP_XSAVE2 bytes */
#define KVM_GET_XSAVE2			_IOR(KVMIO, 0xcf, struct kvm_xsave)
#define KVM_SET_XSAVE			_IOW(KVMIO, 0xa5, struct kvm_xsave)
#define KVM_GET_XCRS			_IOR(KVMIO, 0xa6, struct kvm_xcrs)
#define KVM_SET_XCRS			_IOW(KVMIO, 0xa7, struct kvm_xcrs)
#define KVM_GET_DEBUGREGS		_IOR(KVMIO, 0xa1, struct kvm_debugregs)
#define KVM_SET_DEBUGREGS		_IOW(KVMIO, 0xa2, struct kvm_debugregs)
/* returns how many */
#define KVM_GET_MSRS			_IOWR(KVMIO, 0x88, struct kvm_msrs)
/* returns how many */
#define KVM_SET_MSRS			_IOW(KVMIO, 0x89, struct kvm_msrs)
#define KVM_SET_CPUID			_IOW(KVMIO, 0x8a, struct kvm_cpuid)
#define KVM_SET_CPUID2			_IOW(KVMIO, 0x90, struct kvm_cpuid2)
#define KVM_GET_CPUID2			_IOWR(KVMIO, 0x91, struct kvm_cpuid2)
#define KVM_GET_NESTED_STATE		_IOWR(KVMIO, 0xbe, struct kvm_nested_state)
#define KVM_SET_NESTED_STATE		_IOW(KVMIO, 0xbf, struct kvm_nested_state)

/* Registers by number, where an architecture has no structure for them (x86: not used in 6.12). */
struct kvm_reg_list {
	__u64 n;		/* number of entries of reg */
	__u64 reg[];
};

struct kvm_one_reg {
	__u64 id;		/* KVM_REG_* */
	__u64 addr;		/* hva of the value */
};
#define KVM_REG_ARCH_MASK		0xff00000000000000ULL
#define KVM_REG_GENERIC			0x0000000000000000ULL
#define KVM_REG_PPC			0x1000000000000000ULL
#define KVM_REG_X86			0x2000000000000000ULL
#define KVM_REG_IA64			0x3000000000000000ULL
#define KVM_REG_ARM			0x4000000000000000ULL
#define KVM_REG_S390			0x5000000000000000ULL
#define KVM_REG_ARM64			0x6000000000000000ULL
#define KVM_REG_MIPS			0x7000000000000000ULL
#define KVM_REG_RISCV			0x8000000000000000ULL
#define KVM_REG_LOONGARCH		0x9000000000000000ULL
#define KVM_REG_SIZE_SHIFT		52	/* log2 of the bytes is in these bits */
#define KVM_REG_SIZE_MASK		0x00f0000000000000ULL
#define KVM_REG_SIZE_U8			0x0000000000000000ULL
#define KVM_REG_SIZE_U16		0x0010000000000000ULL
#define KVM_REG_SIZE_U32		0x0020000000000000ULL
#define KVM_REG_SIZE_U64		0x0030000000000000ULL
#define KVM_REG_SIZE_U128		0x0040000000000000ULL
#define KVM_REG_SIZE_U256		0x0050000000000000ULL
#define KVM_REG_SIZE_U512		0x0060000000000000ULL
#define KVM_REG_SIZE_U1024		0x0070000000000000ULL
#define KVM_REG_SIZE_U2048		0x0080000000000000ULL
#define KVM_GET_ONE_REG			_IOW(KVMIO, 0xab, struct kvm_one_reg)
#define KVM_SET_ONE_REG			_IOW(KVMIO, 0xac, struct kvm_one_reg)
#define KVM_GET_REG_LIST		_IOWR(KVMIO, 0xb0, struct kvm_reg_list)

/* Walks the guest's page tables. */
struct kvm_translation {
	__u64 linear_address;	/* in: gva */
	__u64 physical_address;	/* out: gpa */
	__u8  valid;
	__u8  writeable;
	__u8  usermode;
	__u8  pad[5];
};
#define KVM_TRANSLATE			_IOWR(KVMIO, 0x85, struct kvm_translation)

/* ---- vCPU: events ---- */

struct kvm_interrupt {
	__u32 irq;		/* vector, where the local APIC is in userspace */
};
#define KVM_INTERRUPT			_IOW(KVMIO, 0x86, struct kvm_interrupt)
#define KVM_NMI				_IO(KVMIO, 0x9a)
#define KVM_SMI				_IO(KVMIO, 0xb7)
#define KVM_GET_VCPU_EVENTS		_IOR(KVMIO, 0x9f, struct kvm_vcpu_events)
#define KVM_SET_VCPU_EVENTS		_IOW(KVMIO, 0xa0, struct kvm_vcpu_events)
#define KVM_X86_SETUP_MCE		_IOW(KVMIO, 0x9c, __u64)	/* MCG_CAP */
#define KVM_X86_GET_MCE_CAP_SUPPORTED	_IOR(KVMIO, 0x9d, __u64)	/* system */
#define KVM_X86_SET_MCE			_IOW(KVMIO, 0x9e, struct kvm_x86_mce)

/* ---- vCPU: local APIC ---- */

struct kvm_tpr_access_ctl {
	__u32 enabled;		/* 1: KVM_EXIT_TPR_ACCESS on guest accesses to the TPR */
	__u32 flags;
	__u32 reserved[8];
};

struct kvm_vapic_addr {
	__u64 vapic_addr;	/* gpa of a 32-bit TPR shadow */
};

#define KVM_GET_LAPIC			_IOR(KVMIO, 0x8e, struct kvm_lapic_state)
#define KVM_SET_LAPIC			_IOW(KVMIO, 0x8f, struct kvm_lapic_state)
#define KVM_TPR_ACCESS_REPORTING	_IOWR(KVMIO, 0x92, struct kvm_tpr_access_ctl)
#define KVM_SET_VAPIC_ADDR		_IOW(KVMIO, 0x93, struct kvm_vapic_addr)

/* ---- vCPU: clock and debugging ---- */

/* tells the guest that it was stopped */
#define KVM_KVMCLOCK_CTRL		_IO(KVMIO, 0xad)

struct kvm_guest_debug {
	__u32 control;		/* KVM_GUESTDBG_* */
	__u32 pad;
	struct kvm_guest_debug_arch arch;
};
#define KVM_GUESTDBG_ENABLE		0x00000001
#define KVM_GUESTDBG_SINGLESTEP		0x00000002
#define KVM_SET_GUEST_DEBUG		_IOW(KVMIO, 0x9b, struct kvm_guest_debug)

/* ---- other architectures' ioctls; their structures are in their own <asm/kvm.h> ---- */

struct kvm_arm_device_addr {
	__u64 id;
	__u64 addr;
};
#define KVM_ARM_SET_DEVICE_ADDR		_IOW(KVMIO, 0xab, struct kvm_arm_device_addr)
#define KVM_ARM_VCPU_INIT		_IOW(KVMIO, 0xae, struct kvm_vcpu_init)
#define KVM_ARM_PREFERRED_TARGET	_IOR(KVMIO, 0xaf, struct kvm_vcpu_init)
#define KVM_ARM_MTE_COPY_TAGS		_IOR(KVMIO, 0xb4, struct kvm_arm_copy_mte_tags)
#define KVM_ARM_SET_COUNTER_OFFSET	_IOW(KVMIO, 0xb5, struct kvm_arm_counter_offset)
#define KVM_ARM_GET_REG_WRITABLE_MASKS	_IOR(KVMIO, 0xb6, struct reg_mask_range)
#define KVM_ARM_VCPU_FINALIZE		_IOW(KVMIO, 0xc2, int)

struct kvm_config_tlb {
	__u64 params;
	__u64 array;
	__u32 mmu_type;		/* KVM_MMU_* */
	__u32 array_len;
};
#define KVM_MMU_FSL_BOOKE_NOHV		0
#define KVM_MMU_FSL_BOOKE_HV		1

struct kvm_dirty_tlb {
	__u64 bitmap;
	__u32 num_dirty;
};
#define KVM_DIRTY_TLB			_IOW(KVMIO, 0xaa, struct kvm_dirty_tlb)
#define KVM_PPC_GET_PVINFO		_IOW(KVMIO, 0xa1, struct kvm_ppc_pvinfo)
#define KVM_PPC_GET_SMMU_INFO		_IOR(KVMIO, 0xa6, struct kvm_ppc_smmu_info)
#define KVM_PPC_ALLOCATE_HTAB		_IOWR(KVMIO, 0xa7, __u32)
#define KVM_CREATE_SPAPR_TCE		_IOW(KVMIO, 0xa8, struct kvm_create_spapr_tce)
#define KVM_CREATE_SPAPR_TCE_64		_IOW(KVMIO, 0xa8, struct kvm_create_spapr_tce_64)
#define KVM_ALLOCATE_RMA		_IOR(KVMIO, 0xa9, struct kvm_allocate_rma)
#define KVM_PPC_GET_HTAB_FD		_IOW(KVMIO, 0xaa, struct kvm_get_htab_fd)
#define KVM_PPC_RTAS_DEFINE_TOKEN	_IOW(KVMIO, 0xac, struct kvm_rtas_token_args)
#define KVM_PPC_RESIZE_HPT_PREPARE	_IOR(KVMIO, 0xad, struct kvm_ppc_resize_hpt)
#define KVM_PPC_RESIZE_HPT_COMMIT	_IOR(KVMIO, 0xae, struct kvm_ppc_resize_hpt)
#define KVM_PPC_CONFIGURE_V3_MMU	_IOW(KVMIO, 0xaf, struct kvm_ppc_mmuv3_cfg)
#define KVM_PPC_GET_RMMU_INFO		_IOW(KVMIO, 0xb0, struct kvm_ppc_rmmu_info)
#define KVM_PPC_GET_CPU_CHAR		_IOR(KVMIO, 0xb1, struct kvm_ppc_cpu_char)
#define KVM_PPC_SVM_OFF			_IO(KVMIO, 0xb3)

#define KVM_S390_ENABLE_SIE		_IO(KVMIO, 0x06)
#define KVM_S390_UCAS_MAP		_IOW(KVMIO, 0x50, struct kvm_s390_ucas_mapping)
#define KVM_S390_UCAS_UNMAP		_IOW(KVMIO, 0x51, struct kvm_s390_ucas_mapping)
#define KVM_S390_VCPU_FAULT		_IOW(KVMIO, 0x52, unsigned long)
#define KVM_S390_INTERRUPT		_IOW(KVMIO, 0x94, struct kvm_s390_interrupt)
#define KVM_S390_STORE_STATUS		_IOW(KVMIO, 0x95, unsigned long)
#define KVM_S390_STORE_STATUS_NOADDR	(-1ul)
#define KVM_S390_STORE_STATUS_PREFIXED	(-2ul)
#define KVM_S390_SET_INITIAL_PSW	_IOW(KVMIO, 0x96, struct kvm_s390_psw)
#define KVM_S390_INITIAL_RESET		_IO(KVMIO, 0x97)
#define KVM_S390_MEM_OP			_IOW(KVMIO, 0xb1, struct kvm_s390_mem_op)
#define KVM_S390_GET_SKEYS		_IOW(KVMIO, 0xb2, struct kvm_s390_skeys)
#define KVM_S390_SET_SKEYS		_IOW(KVMIO, 0xb3, struct kvm_s390_skeys)
#define KVM_S390_GET_SKEYS_NONE		1
#define KVM_S390_SKEYS_MAX		1048576
#define KVM_S390_IRQ			_IOW(KVMIO, 0xb4, struct kvm_s390_irq)
#define KVM_S390_SET_IRQ_STATE		_IOW(KVMIO, 0xb5, struct kvm_s390_irq_state)
#define KVM_S390_GET_IRQ_STATE		_IOW(KVMIO, 0xb6, struct kvm_s390_irq_state)
#define KVM_S390_GET_CMMA_BITS		_IOWR(KVMIO, 0xb8, struct kvm_s390_cmma_log)
#define KVM_S390_SET_CMMA_BITS		_IOW(KVMIO, 0xb9, struct kvm_s390_cmma_log)
#define KVM_S390_NORMAL_RESET		_IO(KVMIO, 0xc3)
#define KVM_S390_CLEAR_RESET		_IO(KVMIO, 0xc4)
#define KVM_S390_PV_COMMAND		_IOWR(KVMIO, 0xc5, struct kvm_pv_cmd)
#define KVM_S390_PV_CPU_COMMAND		_IOWR(KVMIO, 0xd0, struct kvm_pv_cmd)
#define KVM_S390_ZPCI_OP		_IOW(KVMIO, 0xd1, struct kvm_s390_zpci_op)
#define KVM_S390_SIE_PAGE_OFFSET	1

#endif /* __LINUX_KVM_H */
