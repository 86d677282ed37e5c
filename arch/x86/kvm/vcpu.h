/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct kvm_vcpu, one virtual CPU. The vendor's vCPU embeds it (container_of). Each field says
 * who may touch it: [i] set at init, [v] the thread that holds vcpu->mutex, [l] kvm->lock, [a]
 * atomic.
 */
#ifndef GUESTMODE_VCPU_H
#define GUESTMODE_VCPU_H

#include <linux/hrtimer.h>
#include <linux/preempt.h>
#include <linux/rcuwait.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>

#include "guest_mem.h"
#include "kvm.h"
#include "regs.h"
#include "vm.h"

/* Exceptions, NMIs and interrupts on their way in (event.c). */
struct kvm_vcpu_event {
	struct kvm_exception {
		bool pending; /* [v] not yet given to hardware */
		bool injected; /* [v] delivery has begun: must be completed before anything else */
		bool has_error; /* [v] */
		bool has_payload; /* [v] CR2 for #PF, DR6 bits for #DB, still to be applied */
		u8 vector; /* [v] */
		u32 error; /* [v] */
		u64 payload; /* [v] */
	} exception;
	struct {
		bool injected; /* [v] taken from the controller, delivery not finished */
		bool soft; /* [v] INT n: needs the instruction's length to be delivered again */
		u8 vector; /* [v] */
	} irq;
	struct {
		atomic_t queued; /* [a] arrived, any thread; at most 2 */
		u8 pending; /* [v] */
		bool injected; /* [v] */
	} nmi;
};

/* The last hardware exit, in the vendor's words, filled in by vendor->run(). */
struct kvm_vcpu_exit {
	u64 reason; /* [v] hardware exit code */
	u64 before_move; /* [v] stat.exits when the vCPU came to its CPU, and ... */
	int cpu_before; /* [v] ... where the last of those was: kvm_last_entry_cpu() */
	u8 insn_len; /* [v] bytes that hardware fetched, 0: none */
	u8 insn[15]; /* [v] */
	bool failed_entry; /* [v] */
	bool bus_lock; /* [v] userspace is yet to hear of one */
	/* [v] event whose delivery it interrupted, in hardware's form; while event_vectoring() */
	u32 vectoring;
	u32 round; /* [v] exit_times (stat.c): switched on for the how manyth time, and */
	u64 ns; /* [v] when it was, 0: not known */
};

/*
 * A port or memory access on its way to userspace and back, and the emulator's log of
 * accesses already completed for the instruction in hand (emul/glue.c). No pointer in here may
 * point to a stack.
 */
#define KVM_MAX_MMIO_FRAGMENTS 4
struct kvm_vcpu_io {
	/* [v] called by the next KVM_RUN */
	enum kvm_exit_action (*complete)(struct kvm_vcpu *vcpu);
	struct emul_state *emul; /* [i] the emulator's context, allocated once (emul/glue.c) */
	/* fast IN/OUT without the emulator */
	u16 port; /* [v] */
	u8 size; /* [v] bytes an element */
	bool in; /* [v] */
	bool regs_set; /* [v] userspace has set registers since the emulator looked */
	u64 linear_rip; /* [v] where the instruction stood: completion skips only if still there */
	void *pio_data; /* [i] second page of the mmap'ed area */
};

struct kvm_vcpu_fpu {
	struct fpu_guest guest; /* [v] */
	bool in_use; /* [v] guest state is in the registers (or the task's fpstate) */
};

struct kvm_vcpu_debug {
	u64 db[4]; /* [v] DR0-3 of the guest */
	u64 dr6; /* [v] */
	u64 dr7; /* [v] */
	u64 eff_db[4]; /* [v] what hardware gets: the guest's, or KVM_SET_GUEST_DEBUG's */
	u64 guest_debug_dr7; /* [v] */
	u32 guest_debug; /* [v] KVM_GUESTDBG_* */
	u8 switch_db; /* [v] KVM_DEBUGREG_* */
	bool guest_tf; /* [v] RFLAGS.TF of the guest's, while KVM_GUESTDBG_SINGLESTEP has its own */
};
#define KVM_DEBUGREG_BP_ENABLED BIT(0) /* load eff_db around entry */
/* DR accesses are not intercepted: read DR0-3 and DR6 back after the exit. */
#define KVM_DEBUGREG_WONT_EXIT BIT(1)

/* CPUID as set by userspace, and the guest's features read from it once (cpuid.c). */
struct kvm_vcpu_cpuid {
	struct kvm_cpuid_entry2 *entries; /* [v] */
	u32 nent; /* [v] */
	struct cpuid_index *index; /* [i] finds entries; contents [v] */
	u64 features; /* [v] KVM_GF_* of cpuid.h: what code on hot paths asks */
	u64 cr4_reserved; /* [v] bits that #GP */
	u64 efer_reserved; /* [v] */
	u64 supported_xcr0; /* [v] */
	u64 supported_xss; /* [v] */
	u8 maxphyaddr; /* [v] bits */
	u32 pv_features; /* [v] CPUID 0x40000001 EAX */
};

/* MSRs that live in software (msr.c); those in hardware are the vendor's. */
struct kvm_vcpu_msr {
	u64 apic_base; /* [v] only where no in-kernel LAPIC exists */
	u64 pat; /* [v] */
	u64 misc_enable; /* [v] */
	u64 mtrr_def; /* [v] */
	u64 mtrr_fixed[11]; /* [v] */
	u64 mtrr_var[16]; /* [v] base, mask pairs */
	u64 tsc_aux; /* [v] */
	u64 spec_ctrl; /* [v] */
	u64 arch_capabilities; /* [v] */
	u64 smbase; /* [v] */
	u64 smi_count; /* [v] */
	u64 hwcr; /* [v] AMD 0xc0010015 */
	u64 ucode_rev; /* [v] */
	u64 de_cfg; /* [v] AMD 0xc0011029 */
	u64 osvw_length, osvw_status; /* [v] AMD 0xc0010140, 141 */
	u64 platform_info; /* [v] */
	u64 power_ctl; /* [v] Intel 0x1fc */
	u64 misc_features; /* [v] Intel 0x140 */
	struct { /* machine check banks */
		u64 cap; /* [v] */
		u64 status; /* [v] */
		u64 ctl; /* [v] */
		u64 *banks; /* [i] 4 words a bank: ctl, status, addr, misc; contents [v] */
		u64 *ctl2; /* [i] a word a bank: CMCI; contents [v] */
	} mce;
};

/* The vCPU's TSC and clocks (tsc.c, clock.c, pv.c). */
struct kvm_vcpu_tsc {
	u64 offset; /* [v] guest TSC = scaled host TSC + offset; written under clock.tsc_lock */
	u64 ratio; /* [v] vendor's fixed point; caps.tsc_ratio_default: none */
	u32 khz; /* [v] the guest's, as userspace knows it */
	u32 mul; /* [v] ticks to ns at the frequency that it really has (clock_scale.h) */
	s8 shift; /* [v] */
	u64 adjust; /* [v] IA32_TSC_ADJUST */
	u64 generation; /* [v] */
	u64 last_host; /* [v] host TSC when last put, to catch a TSC that went backwards */
	struct kvm_tsc_sleeps sleeps; /* [v] that @offset makes up for */
	/* [v] since the last write: time and guest's TSC at it, to catch up */
	u64 base_ns, base_tsc;
	bool catchup; /* [v] host TSC unstable: the guest's follows the host's clock */
};

struct kvm_vcpu_pv {
	struct {
		struct kvm_gpa_cache cache; /* [v] */
		bool enabled; /* [v] */
		bool guest_stopped; /* [v] KVM_KVMCLOCK_CTRL */
		u64 msr; /* [v] */
	} clock;
	struct {
		struct kvm_gpa_cache cache; /* [v] */
		u64 msr; /* [v] */
		u64 last; /* [v] run_delay of its thread seen, ns; if @started */
		bool started; /* [v] since it was enabled, and in this thread */
		hva_t hint_hva; /* [v] where kvm_pv_preempted() may write, 0: nowhere ... */
		u64 hint_generation; /* [v] ... while the slots are those of then */
	} steal;
	struct {
		struct kvm_gpa_cache cache; /* [v] */
		u64 msr; /* [v] */
		hva_t hva; /* [v] where an offer is out, in guest mode; 0: none */
	} eoi;
	u64 poll_control; /* [v] bit 0: the host may poll in HLT */
	bool unhalted; /* [a] KVM_HC_KICK_CPU: ends HLT */
	bool enforce_cpuid; /* [v] KVM_CAP_ENFORCE_PV_FEATURE_CPUID */
};

struct kvm_vcpu {
	/* generic: virt/kvm */
	struct kvm *kvm; /* [i] holds a reference through its file */
	int vcpu_id; /* [i] = initial APIC id */
	int vcpu_idx; /* [i] */
	struct mutex mutex; /* one ioctl at a time */
	struct pid __rcu *pid; /* [v] thread that ran last, for directed yield */
	struct kvm_run *run; /* [i] page shared with userspace: every read of it is a snapshot */
	struct page *run_pages; /* [i] */
	int run_errno; /* [v] with KVM_FAIL */
	int mode; /* [a] enum kvm_vcpu_mode */
	int cpu; /* [v] where loaded, -1: nowhere */
	unsigned long requests; /* [a] BIT(enum kvm_request) */
	int srcu_idx; /* [v] */
	unsigned long rcu_noted; /* [v] jiffies: see kvm_guest_state_enter() */
	struct rcuwait wait; /* sleeping in HLT */
	unsigned int halt_poll_ns; /* [v] */
	struct preempt_notifier preempt_notifier; /* [v] */
	bool scheduled_out; /* [v] */
	bool preempted; /* [v] */
	bool ready; /* [a] */
	bool valid_wakeup; /* [a] */
	sigset_t sigset; /* [v] KVM_SET_SIGNAL_MASK */
	bool sigset_active; /* [v] */
	struct kvm_vcpu_stat stat; /* [v], read by any; see stat.h */

	/* x86 */
	struct kvm_vcpu_regs regs;
	struct kvm_vcpu_exit exit;
	struct kvm_vcpu_event event;
	struct kvm_vcpu_mmu mmu;
	struct kvm_lapic *lapic; /* [i] NULL: no in-kernel LAPIC */
	struct kvm_vcpu_io io;
	struct kvm_vcpu_fpu fpu;
	struct kvm_vcpu_debug debug;
	struct kvm_vcpu_cpuid cpuid;
	struct kvm_vcpu_msr msr;
	struct kvm_vcpu_tsc tsc;
	struct kvm_vcpu_pv pv;
	u32 mp_state; /* [v] KVM_MP_STATE_* */
	u8 lapic_shared; /* [v] LAPIC_SHARES_*: what of the LAPIC is in the guest's memory */
	bool has_run; /* [v] KVM_RUN entered the guest once: CPUID is fixed */
};

/* Registers: accessors in access.h. vCPU control: */
bool kvm_vcpu_is_bsp(struct kvm_vcpu *vcpu);
void kvm_vcpu_load(struct kvm_vcpu *vcpu);
void kvm_vcpu_put(struct kvm_vcpu *vcpu);
void kvm_vcpu_reset(struct kvm_vcpu *vcpu, bool init_event);

/* Where the last entry was tried: the thread may have been moved since. */
static inline int kvm_last_entry_cpu(struct kvm_vcpu *vcpu)
{
	return vcpu->stat.exits != vcpu->exit.before_move ? vcpu->cpu : vcpu->exit.cpu_before;
}

static inline bool kvm_request_pending(struct kvm_vcpu *vcpu)
{
	return READ_ONCE(vcpu->requests);
}

static inline bool kvm_test_request(enum kvm_request req, struct kvm_vcpu *vcpu)
{
	return test_bit(req, &vcpu->requests);
}

static inline void kvm_clear_request(enum kvm_request req, struct kvm_vcpu *vcpu)
{
	clear_bit(req, &vcpu->requests);
}

#endif
