/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupt controllers and timers in the kernel: what the rest of the driver may ask of irqchip/.
 */
#ifndef GUESTMODE_IRQCHIP_H
#define GUESTMODE_IRQCHIP_H

#include <linux/atomic.h>
#include <linux/mm_types.h>
#include "iobus.h"
#include "kvm.h"

struct kvm_pic;
struct kvm_ioapic;
struct kvm_pit;
struct kvm_irq_routes;
struct kvm_apic_map;

#define APIC_DEFAULT_BASE 0xfee00000ULL
#define IOAPIC_DEFAULT_BASE 0xfec00000ULL

enum kvm_irqchip_mode { KVM_IRQCHIP_NONE, KVM_IRQCHIP_KERNEL, KVM_IRQCHIP_SPLIT };

/* Per VM. */
struct kvm_vm_irqchip {
	enum kvm_irqchip_mode mode; /* [l] set before the first vCPU, then [i] */
	struct kvm_pic *pic; /* [i] once created */
	struct kvm_ioapic *ioapic; /* [i] once created */
	struct kvm_pit *pit; /* [l] KVM_CREATE_PIT2 */
	struct kvm_irq_routes __rcu *routes; /* [s] irq_lock */
	struct hlist_head acks; /* [s] irq_lock; struct kvm_irq_ack */
	struct kvm_apic_map __rcu *apic_map; /* [map_lock], read under RCU; APIC id -> vCPU */
	struct mutex map_lock; /* innermost of the mutexes */
	atomic_t nr_xapic; /* [a] LAPICs enabled in xAPIC mode */
	u32 user_pins; /* [i] once split: of userspace's IOAPIC */
	bool x2apic_32bit_ids; /* [l] KVM_X2APIC_API_USE_32BIT_IDS */
	u8 bcast; /* [l] enum irq_broadcast of an 8-bit destination 0xff */
	/*
	 * [i] with the first LAPIC: what the xAPICs' page is mapped to, so that hardware knows it;
	 * NULL: nothing. Not mapped once @access_off [a].
	 */
	struct page *access_page;
	bool access_off;
};

/**
 * irqchip_access_page() - the page to be mapped where xAPICs are that hardware keeps
 * @irqchip: the VM's
 * @gfn: where a guest has found nothing
 *
 * Return: it; NULL: nothing to be mapped there. As long as that is not so every LAPIC of the VM is
 * such an xAPIC: nobody reads or writes the page itself.
 */
static inline struct page *irqchip_access_page(const struct kvm_vm_irqchip *irqchip, gfn_t gfn)
{
	if (gfn != APIC_DEFAULT_BASE >> PAGE_SHIFT || READ_ONCE(irqchip->access_off))
		return NULL;
	return irqchip->access_page;
}

/* Who can pull a line up; the line is the OR of all of them. */
enum kvm_irq_source {
	KVM_IRQ_USERSPACE, /* KVM_IRQ_LINE; irqfds without resampling */
	KVM_IRQ_RESAMPLE, /* level-triggered irqfds */
	KVM_IRQ_PIT,
};

/**
 * struct kvm_irq_ack - somebody who wants to know when the guest acknowledges a GSI
 * @node: for irqchip/
 * @gsi: which
 * @acked: called by the vCPU's thread after its EOI, no lock held, inside kvm->srcu; may call
 *	   irqchip_set_irq(): a line that is still high afterwards is delivered again
 */
struct kvm_irq_ack {
	struct hlist_node node;
	u32 gsi;
	void (*acked)(struct kvm_irq_ack *ack);
};

void irqchip_register_ack(struct kvm *kvm, struct kvm_irq_ack *ack);
void irqchip_unregister_ack(struct kvm *kvm, struct kvm_irq_ack *ack);

/* VM life. Called by vm.c. */
void irqchip_vm_init(struct kvm *kvm); /* nothing in the kernel yet */
void irqchip_vm_predestroy(struct kvm *kvm); /* stop timers and work items: vCPUs still exist */
void irqchip_vm_destroy(struct kvm *kvm);

static inline bool irqchip_in_kernel(enum kvm_irqchip_mode mode)
{
	return mode != KVM_IRQCHIP_NONE;
}

/* vCPU life. lapic_create only when an in-kernel LAPIC is wanted. */
int lapic_create(struct kvm_vcpu *vcpu);
void lapic_free(struct kvm_vcpu *vcpu); /* cancels the timer first */
void lapic_reset(struct kvm_vcpu *vcpu, bool init_event);

/*
 * vCPU thread, before entry (may not sleep). ExtINT from the 8259 counts where LVT0/PIC
 * routing lets it through.
 * irqchip_pending: vector deliverable now, without acknowledging, or -1. Respects PPR/TPR.
 * irqchip_ack: take it (IRR -> ISR, or INTA cycle of the 8259): the vector, or -1.
 */
int irqchip_pending(struct kvm_vcpu *vcpu);
int irqchip_ack(struct kvm_vcpu *vcpu);
/* As irqchip_pending, but without what hardware delivers by itself. */
int irqchip_to_inject(struct kvm_vcpu *vcpu);

/* Highest vector in IRR whatever TPR says, or -1; for update_lapic. */
int lapic_highest_irr(struct kvm_vcpu *vcpu);

/*
 * Where hardware is the LAPIC in the mode that it is in (kvm_caps->xapic_hw, x2apic_hw): the same
 * page, and the same model for all that hardware leaves. For the vendor, on the vCPU's thread.
 */
enum lapic_hw { LAPIC_SOFTWARE, LAPIC_HW_XAPIC, LAPIC_HW_X2APIC };
enum lapic_hw lapic_hw(struct kvm_vcpu *vcpu);
int lapic_highest_isr(struct kvm_vcpu *vcpu);
void lapic_eoi_exits(struct kvm_vcpu *vcpu, u64 vectors[4]);
void lapic_eoi_done(struct kvm_vcpu *vcpu, u8 vector);
void lapic_written(struct kvm_vcpu *vcpu, u32 offset);

/* The register page, laid out as the architecture has it: hardware may read and write TPR there. */
void *lapic_page(struct kvm_vcpu *vcpu);

/* The guest's CR8 = TPR >> 4. */
u64 lapic_get_cr8(struct kvm_vcpu *vcpu);
void lapic_set_cr8(struct kvm_vcpu *vcpu, u64 cr8);

/* IA32_APIC_BASE. */
u64 lapic_base(struct kvm_vcpu *vcpu);

/*
 * Any pending event that ends HLT apart from NMI and interrupts: expired timer not yet in IRR,
 * INIT/SIPI.
 */
bool lapic_has_events(struct kvm_vcpu *vcpu);
/*
 * Serve them on the vCPU's thread: inject an expired timer, INIT (kvm_vcpu_reset(init)), SIPI
 * (CS:IP, mp_state). May sleep.
 */
void lapic_serve_events(struct kvm_vcpu *vcpu);

/* A saved state in which a SIPI has come and not been taken, and its vector. */
void lapic_restore_sipi(struct kvm_vcpu *vcpu);
void lapic_set_sipi_vector(struct kvm_vcpu *vcpu, u8 vector);

/* MSRs 0x1b, 0x800-0x8ff, 0x6e0. host: access by ioctl. 0, or -EINVAL (#GP). */
int lapic_msr_read(struct kvm_vcpu *vcpu, u32 index, u64 *value, bool host);
int lapic_msr_write(struct kvm_vcpu *vcpu, u32 index, u64 value, bool host);

/*
 * xAPIC page: vCPU-local MMIO, looked at before the VM's bus. -EOPNOTSUPP: not mine (disabled,
 * x2APIC, other address).
 */
int lapic_mmio_read(struct kvm_vcpu *vcpu, gpa_t gpa, int len, void *val);
int lapic_mmio_write(struct kvm_vcpu *vcpu, gpa_t gpa, int len, const void *val);

/* KVM_HC_SEND_IPI: its result */
long irqchip_send_ipis(struct kvm_vcpu *vcpu, u64 first, u64 low, u64 high, unsigned int half,
		       u64 icr);

/* CPUID changed (x2APIC, TSC deadline allowed?); TSC offset or frequency changed: rearm. */
void lapic_cpuid_changed(struct kvm_vcpu *vcpu);
void lapic_tsc_changed(struct kvm_vcpu *vcpu);
/* Corrected machine checks have an interrupt; here is one. */
void lapic_set_cmci(struct kvm_vcpu *vcpu, bool cmci);
void lapic_cmci(struct kvm_vcpu *vcpu);
/* The vCPU thread blocks in HLT / moved to another CPU: migrate its timer. */
void lapic_migrate_timers(struct kvm_vcpu *vcpu);
void lapic_timer_to_host(struct kvm_vcpu *vcpu);
/* The exit of vendor->set_deadline. */
void lapic_deadline_reached(struct kvm_vcpu *vcpu);

/* vcpu->lapic_shared: what guest and LAPIC tell each other in the guest's memory. */
#define LAPIC_SHARES_TPR BIT(0) /* vapic.c */
#define LAPIC_SHARES_EOI BIT(1) /* pv_eoi.c */
void lapic_shared_load(struct kvm_vcpu *vcpu);
void lapic_shared_store(struct kvm_vcpu *vcpu);
int pv_eoi_msr_write(struct kvm_vcpu *vcpu, u64 value, bool host);

/* KVM_REQ_TPR_ACCESS. */
enum kvm_exit_action vapic_tell_tpr(struct kvm_vcpu *vcpu);

/* KVM_CAP_SPLIT_IRQCHIP, kvm->lock held. 0, -EINVAL, -EEXIST. */
int split_enable(struct kvm *kvm, u64 pins);
/* KVM_REQ_USER_EOI. */
enum kvm_exit_action split_tell_eoi(struct kvm_vcpu *vcpu);
/* Userspace's 8259: KVM_INTERRUPT with a LAPIC here; can one reach the processor, now? */
int irqchip_user_interrupt(struct kvm_vcpu *vcpu, u8 vector);
bool irqchip_takes_user(struct kvm_vcpu *vcpu);

/* KVM_CAP_X2APIC_API, kvm->lock held. 0, or -EINVAL: unknown flags. */
int irqchip_x2apic_api(struct kvm *kvm, u64 flags);

/*
 * A pin of the GSI table changes level; from ioctl, irqfd, PIT. Any context but NMI.
 * source: enum kvm_irq_source. Return: vCPUs it went to, 0 coalesced, <0 masked/none.
 */
int irqchip_set_irq(struct kvm *kvm, u32 source, u32 gsi, int level);

#endif
