/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* The KVM ABI's capabilities; a part of <linux/kvm.h>, which is what to include. */
#ifndef __LINUX_KVM_H
#error "include <linux/kvm.h>"
#endif

/* ---- capabilities: arguments of KVM_CHECK_EXTENSION; 0 is "no" ---- */

/* limits: the answer is a number */
#define KVM_CAP_NR_VCPUS			9	/* recommended vCPUs per VM */
#define KVM_CAP_MAX_VCPUS			66	/* most vCPUs per VM */
#define KVM_CAP_MAX_VCPU_ID			128	/* one more than the highest id */
#define KVM_CAP_NR_MEMSLOTS			10	/* user slots per address space */
#define KVM_CAP_MULTI_ADDRESS_SPACE		118	/* address spaces (2 with SMM) */
#define KVM_CAP_VM_GPA_BITS			207
#define KVM_CAP_VM_TYPES			235	/* bit per KVM_X86_*_VM */

/* how capabilities are asked for and switched on */
#define KVM_CAP_ENABLE_CAP			54	/* KVM_ENABLE_CAP on vCPUs */
#define KVM_CAP_ENABLE_CAP_VM			98	/* KVM_ENABLE_CAP on VMs */
#define KVM_CAP_CHECK_EXTENSION_VM		105	/* KVM_CHECK_EXTENSION on VMs */
#define KVM_CAP_VM_ATTRIBUTES			101	/* KVM_*_DEVICE_ATTR on VMs */
#define KVM_CAP_VCPU_ATTRIBUTES			127	/* ... on vCPUs */
#define KVM_CAP_SYS_ATTRIBUTES			209	/* ... on /dev/kvm */
#define KVM_CAP_DEVICE_CTRL			89	/* KVM_CREATE_DEVICE */
#define KVM_CAP_DISABLE_QUIRKS			116	/* KVM_X86_QUIRK_*, any bits */
#define KVM_CAP_DISABLE_QUIRKS2			213	/* the answer is the valid bits */

/* memory */
#define KVM_CAP_USER_MEMORY			3	/* KVM_SET_USER_MEMORY_REGION */
#define KVM_CAP_USER_MEMORY2			231	/* KVM_SET_USER_MEMORY_REGION2 */
#define KVM_CAP_DESTROY_MEMORY_REGION_WORKS	21
#define KVM_CAP_JOIN_MEMORY_REGIONS_WORKS	30
#define KVM_CAP_READONLY_MEM			81	/* KVM_MEM_READONLY */
#define KVM_CAP_SYNC_MMU			16	/* follows changes of the host mapping */
#define KVM_CAP_MMU_SHADOW_CACHE_CONTROL	2	/* KVM_SET_NR_MMU_PAGES */
#define KVM_CAP_VM_DISABLE_NX_HUGE_PAGES	220
#define KVM_CAP_MEMORY_FAULT_INFO		232	/* KVM_EXIT_MEMORY_FAULT */
#define KVM_CAP_MEMORY_ATTRIBUTES		233	/* the answer is the valid attributes */
#define KVM_CAP_GUEST_MEMFD			234
#define KVM_CAP_PRE_FAULT_MEMORY		236
/* guest may have fewer bits than the host */
#define KVM_CAP_SMALLER_MAXPHYADDR		185
#define KVM_CAP_IOMMU				18

/* dirty logging */
#define KVM_CAP_MANUAL_DIRTY_LOG_PROTECT	166	/* withdrawn: had a bug */
#define KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2	168
#define KVM_CAP_DIRTY_LOG_RING			192	/* most bytes of a ring; TSO hosts only */
#define KVM_CAP_DIRTY_LOG_RING_ACQ_REL		223	/* the same, any memory model */
#define KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP	225

/* running and exits */
#define KVM_CAP_HLT				1
#define KVM_CAP_MP_STATE			14
#define KVM_CAP_NOP_IO_DELAY			12
#define KVM_CAP_IMMEDIATE_EXIT			136	/* kvm_run.immediate_exit */
#define KVM_CAP_SYNC_REGS			74	/* valid KVM_SYNC_X86_* */
#define KVM_CAP_INTERNAL_ERROR_DATA		40
#define KVM_CAP_EXIT_ON_EMULATION_FAILURE	204
#define KVM_CAP_EXIT_HYPERCALL			201	/* bit per KVM_HC_* */
#define KVM_CAP_SYSTEM_EVENT_DATA		215
#define KVM_CAP_HALT_POLL			182	/* ns, per VM */
#define KVM_CAP_LAST_CPU			184
#define KVM_CAP_X86_DISABLE_EXITS		143	/* KVM_X86_DISABLE_EXITS_* */
#define KVM_CAP_X86_BUS_LOCK_EXIT		193
#define KVM_CAP_X86_NOTIFY_VMEXIT		219
#define KVM_CAP_X86_GUEST_MODE			238	/* KVM_RUN_X86_GUEST_MODE is told */

/* registers and CPUID */
/* KVM_GET_SUPPORTED_CPUID, KVM_SET_CPUID2 */
#define KVM_CAP_EXT_CPUID			7
#define KVM_CAP_EXT_EMUL_CPUID			95	/* KVM_GET_EMULATED_CPUID */
#define KVM_CAP_SREGS2				200
#define KVM_CAP_DEBUGREGS			50
#define KVM_CAP_XSAVE				55
#define KVM_CAP_XSAVE2				208	/* bytes that KVM_GET_XSAVE2 writes */
#define KVM_CAP_XCRS				56
#define KVM_CAP_ONE_REG				70
#define KVM_CAP_GET_MSR_FEATURES		153	/* KVM_GET_MSRS on /dev/kvm */
#define KVM_CAP_MSR_PLATFORM_INFO		159
#define KVM_CAP_X86_USER_SPACE_MSR		188	/* KVM_MSR_EXIT_REASON_* */
#define KVM_CAP_X86_MSR_FILTER			189
#define KVM_CAP_NESTED_STATE			157	/* most bytes of kvm_nested_state */
#define KVM_CAP_SGX_ATTRIBUTE			196
#define KVM_CAP_PMU_CAPABILITY			212	/* KVM_PMU_CAP_* */
#define KVM_CAP_PMU_EVENT_FILTER		173
#define KVM_CAP_PMU_EVENT_MASKED_EVENTS		226

/* events and debugging */
#define KVM_CAP_VCPU_EVENTS			41
#define KVM_CAP_INTR_SHADOW			49	/* kvm_vcpu_events.interrupt.shadow */
#define KVM_CAP_EXCEPTION_PAYLOAD		164
#define KVM_CAP_X86_TRIPLE_FAULT_EVENT		218
#define KVM_CAP_USER_NMI			22	/* KVM_NMI */
#define KVM_CAP_X86_SMM				117
#define KVM_CAP_MCE				31	/* the answer is the number of banks */
#define KVM_CAP_SET_GUEST_DEBUG			23
#define KVM_CAP_SET_GUEST_DEBUG2		195	/* valid KVM_GUESTDBG_* */
#define KVM_CAP_GUEST_DEBUG_HW_BPS		119
#define KVM_CAP_GUEST_DEBUG_HW_WPS		120
#define KVM_CAP_X86_ROBUST_SINGLESTEP		51

/* interrupt controllers */
#define KVM_CAP_IRQCHIP				0	/* KVM_CREATE_IRQCHIP */
#define KVM_CAP_SPLIT_IRQCHIP			121	/* local APICs alone in the kernel */
#define KVM_CAP_IRQ_ROUTING			25	/* highest GSI, one more */
#define KVM_CAP_IRQ_INJECT_STATUS		26	/* KVM_IRQ_LINE_STATUS */
#define KVM_CAP_IOAPIC_POLARITY_IGNORED		97
#define KVM_CAP_SIGNAL_MSI			77
#define KVM_CAP_MSI_DEVID			131
#define KVM_CAP_IRQFD				32
#define KVM_CAP_IRQFD_RESAMPLE			82
#define KVM_CAP_X2APIC_API			129	/* valid KVM_X2APIC_API_* */
#define KVM_CAP_VAPIC				6	/* KVM_SET_VAPIC_ADDR */
#define KVM_CAP_SET_BOOT_CPU_ID			34
#define KVM_CAP_SET_TSS_ADDR			4
#define KVM_CAP_SET_IDENTITY_MAP_ADDR		37
#define KVM_CAP_PIT				11
#define KVM_CAP_PIT2				33
#define KVM_CAP_PIT_STATE2			35
#define KVM_CAP_REINJECT_CONTROL		24

/* I/O without an exit */
#define KVM_CAP_COALESCED_MMIO			15	/* the ring's page in the mapping */
#define KVM_CAP_COALESCED_PIO			162
#define KVM_CAP_IOEVENTFD			36
#define KVM_CAP_IOEVENTFD_NO_LENGTH		100
#define KVM_CAP_IOEVENTFD_ANY_LENGTH		122

/* time */
#define KVM_CAP_CLOCKSOURCE			8	/* kvmclock */
#define KVM_CAP_ADJUST_CLOCK			39	/* valid KVM_CLOCK_* of KVM_SET_CLOCK */
#define KVM_CAP_KVMCLOCK_CTRL			76
#define KVM_CAP_TSC_CONTROL			60	/* KVM_SET_TSC_KHZ: hardware scales */
#define KVM_CAP_VM_TSC_CONTROL			214	/* KVM_SET_TSC_KHZ on VMs */
#define KVM_CAP_GET_TSC_KHZ			61
#define KVM_CAP_TSC_DEADLINE_TIMER		72
#define KVM_CAP_X86_APIC_BUS_CYCLES_NS		237

/* paravirtual features */
#define KVM_CAP_PV_MMU				13
#define KVM_CAP_ASYNC_PF			59
#define KVM_CAP_ASYNC_PF_INT			183
#define KVM_CAP_STEAL_TIME			187
#define KVM_CAP_ENFORCE_PV_FEATURE_CPUID	190
#define KVM_CAP_PTP_KVM				198
#define KVM_CAP_BINARY_STATS_FD			203

/* encrypted guests */
#define KVM_CAP_VM_COPY_ENC_CONTEXT_FROM	197
#define KVM_CAP_VM_MOVE_ENC_CONTEXT_FROM	206

/* interfaces of other hypervisors */
#define KVM_CAP_XEN_HVM				38	/* KVM_XEN_HVM_CONFIG_* */
#define KVM_CAP_HYPERV				44
#define KVM_CAP_HYPERV_VAPIC			45
#define KVM_CAP_HYPERV_SPIN			46
#define KVM_CAP_HYPERV_TIME			96
#define KVM_CAP_HYPERV_SYNIC			123
#define KVM_CAP_HYPERV_SYNIC2			148
#define KVM_CAP_HYPERV_VP_INDEX			149
#define KVM_CAP_HYPERV_EVENTFD			154
#define KVM_CAP_HYPERV_TLBFLUSH			155
#define KVM_CAP_HYPERV_SEND_IPI			161
#define KVM_CAP_HYPERV_ENLIGHTENED_VMCS		163
#define KVM_CAP_HYPERV_CPUID			167
#define KVM_CAP_HYPERV_DIRECT_TLBFLUSH		175
#define KVM_CAP_SYS_HYPERV_CPUID		191
#define KVM_CAP_HYPERV_ENFORCE_CPUID		199

/* device assignment before VFIO, gone */
#define KVM_CAP_ASSIGN_DEV_IRQ			29
#define KVM_CAP_PCI_SEGMENT			47
#define KVM_CAP_PCI_2_3				75

/* ARM */
#define KVM_CAP_ARM_PSCI			87
#define KVM_CAP_ARM_SET_DEVICE_ADDR		88
#define KVM_CAP_ARM_EL1_32BIT			93
#define KVM_CAP_ARM_PSCI_0_2			102
#define KVM_CAP_ARM_PMU_V3			126
#define KVM_CAP_ARM_USER_IRQ			144
#define KVM_CAP_ARM_INJECT_SERROR_ESR		158
#define KVM_CAP_ARM_VM_IPA_SIZE			165
#define KVM_CAP_ARM_SVE				170
#define KVM_CAP_ARM_PTRAUTH_ADDRESS		171
#define KVM_CAP_ARM_PTRAUTH_GENERIC		172
#define KVM_CAP_ARM_IRQ_LINE_LAYOUT_2		174
#define KVM_CAP_ARM_NISV_TO_USER		177
#define KVM_CAP_ARM_INJECT_EXT_DABT		178
#define KVM_CAP_ARM_MTE				205
#define KVM_CAP_ARM_SYSTEM_SUSPEND		216
#define KVM_CAP_COUNTER_OFFSET			227
#define KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE	228
#define KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES	229
#define KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES	230

/* MIPS */
#define KVM_CAP_MIPS_FPU			111
#define KVM_CAP_MIPS_MSA			112
#define KVM_CAP_MIPS_VZ				137
#define KVM_CAP_MIPS_TE				138
#define KVM_CAP_MIPS_64BIT			139

/* PowerPC */
#define KVM_CAP_PPC_SEGSTATE			43
#define KVM_CAP_PPC_PAIRED_SINGLES		48
#define KVM_CAP_PPC_OSI				52
#define KVM_CAP_PPC_UNSET_IRQ			53
#define KVM_CAP_PPC_GET_PVINFO			57
#define KVM_CAP_PPC_IRQ_LEVEL			58
#define KVM_CAP_PPC_BOOKE_SREGS			62
#define KVM_CAP_SPAPR_TCE			63
#define KVM_CAP_PPC_SMT				64
#define KVM_CAP_PPC_RMA				65
#define KVM_CAP_PPC_HIOR			67
#define KVM_CAP_PPC_PAPR			68
#define KVM_CAP_SW_TLB				69
#define KVM_CAP_PPC_GET_SMMU_INFO		78
#define KVM_CAP_PPC_ALLOC_HTAB			80
#define KVM_CAP_PPC_BOOKE_WATCHDOG		83
#define KVM_CAP_PPC_HTAB_FD			84
#define KVM_CAP_PPC_EPR				86
#define KVM_CAP_IRQ_MPIC			90
#define KVM_CAP_PPC_RTAS			91
#define KVM_CAP_IRQ_XICS			92
#define KVM_CAP_SPAPR_MULTITCE			94
#define KVM_CAP_PPC_FIXUP_HCALL			103
#define KVM_CAP_PPC_ENABLE_HCALL		104
#define KVM_CAP_PPC_HWRNG			115
#define KVM_CAP_SPAPR_TCE_64			125
#define KVM_CAP_PPC_HTM				132
#define KVM_CAP_SPAPR_RESIZE_HPT		133
#define KVM_CAP_PPC_MMU_RADIX			134
#define KVM_CAP_PPC_MMU_HASH_V3			135
#define KVM_CAP_SPAPR_TCE_VFIO			142
#define KVM_CAP_PPC_FWNMI			146
#define KVM_CAP_PPC_SMT_POSSIBLE		147
#define KVM_CAP_PPC_GET_CPU_CHAR		151
#define KVM_CAP_PPC_NESTED_HV			160
#define KVM_CAP_PPC_IRQ_XIVE			169
#define KVM_CAP_PPC_GUEST_DEBUG_SSTEP		176
#define KVM_CAP_PPC_SECURE_GUEST		181
#define KVM_CAP_PPC_DAWR1			194
#define KVM_CAP_PPC_RPT_INVALIDATE		202
#define KVM_CAP_PPC_AIL_MODE_3			210

/* s390 */
#define KVM_CAP_S390_PSW			42
#define KVM_CAP_S390_GMAP			71
#define KVM_CAP_S390_UCONTROL			73
#define KVM_CAP_S390_COW			79
#define KVM_CAP_S390_CSS_SUPPORT		85
#define KVM_CAP_S390_IRQCHIP			99
#define KVM_CAP_S390_USER_SIGP			106
#define KVM_CAP_S390_VECTOR_REGISTERS		107
#define KVM_CAP_S390_MEM_OP			108
#define KVM_CAP_S390_USER_STSI			109
#define KVM_CAP_S390_SKEYS			110
#define KVM_CAP_S390_INJECT_IRQ			113
#define KVM_CAP_S390_IRQ_STATE			114
#define KVM_CAP_S390_RI				124
#define KVM_CAP_S390_USER_INSTR0		130
#define KVM_CAP_S390_GS				140
#define KVM_CAP_S390_AIS			141
#define KVM_CAP_S390_CMMA_MIGRATION		145
#define KVM_CAP_S390_AIS_MIGRATION		150
#define KVM_CAP_S390_BPB			152
#define KVM_CAP_S390_HPAGE_1M			156
#define KVM_CAP_S390_VCPU_RESETS		179
#define KVM_CAP_S390_PROTECTED			180
#define KVM_CAP_S390_DIAG318			186
#define KVM_CAP_S390_MEM_OP_EXTENSION		211
#define KVM_CAP_S390_PROTECTED_DUMP		217
#define KVM_CAP_S390_ZPCI_OP			221
#define KVM_CAP_S390_CPU_TOPOLOGY		222
#define KVM_CAP_S390_PROTECTED_ASYNC_DISABLE	224
