/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, with the names and fields that perf kvm stat, trace-cmd and kvm_stat know
 * (Documentation/observability.md). All calls are in kvm.ko. A disabled one is a NOP.
 */
#if !defined(GUESTMODE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define GUESTMODE_TRACE_H

#include <linux/tracepoint.h>
#include <asm/svm.h>
#include <asm/vmx.h>

#include "access.h"

#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvm
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

#define KVM_TRACE_MMIO_READ_UNSATISFIED 0
#define KVM_TRACE_MMIO_READ 1
#define KVM_TRACE_MMIO_WRITE 2

#define KVM_TRACE_DELIVERY_MODES \
	{ 0, "Fixed" }, { 1, "LowPrio" }, { 2, "SMI" }, { 3, "Res3" }, { 4, "NMI" }, \
		{ 5, "INIT" }, { 6, "SIPI" }, { 7, "ExtINT" }

#define KVM_TRACE_CHIPS { 0, "PIC master" }, { 1, "PIC slave" }, { 2, "IOAPIC" }

#define KVM_TRACE_EXCEPTIONS \
	{ 0, "#DE" }, { 1, "#DB" }, { 3, "#BP" }, { 4, "#OF" }, { 5, "#BR" }, { 6, "#UD" }, \
		{ 7, "#NM" }, { 8, "#DF" }, { 10, "#TS" }, { 11, "#NP" }, { 12, "#SS" }, \
		{ 13, "#GP" }, { 14, "#PF" }, { 16, "#MF" }, { 17, "#AC" }, { 18, "#MC" }

#define KVM_TRACE_USER_EXITS \
	{ 0, "KVM_EXIT_UNKNOWN" }, { 1, "KVM_EXIT_EXCEPTION" }, { 2, "KVM_EXIT_IO" }, \
		{ 3, "KVM_EXIT_HYPERCALL" }, { 4, "KVM_EXIT_DEBUG" }, { 5, "KVM_EXIT_HLT" }, \
		{ 6, "KVM_EXIT_MMIO" }, { 7, "KVM_EXIT_IRQ_WINDOW_OPEN" }, \
		{ 8, "KVM_EXIT_SHUTDOWN" }, { 9, "KVM_EXIT_FAIL_ENTRY" }, { 10, "KVM_EXIT_INTR" }, \
		{ 11, "KVM_EXIT_SET_TPR" }, { 12, "KVM_EXIT_TPR_ACCESS" }, { 16, "KVM_EXIT_NMI" }, \
		{ 17, "KVM_EXIT_INTERNAL_ERROR" }, { 24, "KVM_EXIT_SYSTEM_EVENT" }, \
		{ 26, "KVM_EXIT_IOAPIC_EOI" }, { 27, "KVM_EXIT_HYPERV" }, \
		{ 29, "KVM_EXIT_X86_RDMSR" }, { 30, "KVM_EXIT_X86_WRMSR" }, \
		{ 31, "KVM_EXIT_DIRTY_RING_FULL" }, { 33, "KVM_EXIT_X86_BUS_LOCK" }, \
		{ 34, "KVM_EXIT_XEN" }, { 37, "KVM_EXIT_NOTIFY" }, { 39, "KVM_EXIT_MEMORY_FAULT" }

/* APIC registers by offset; the banks of ISR, TMR and IRR show as numbers behind their first. */
#define KVM_TRACE_APIC_REGS \
	{ 0x20, "APIC_ID" }, { 0x30, "APIC_LVR" }, { 0x80, "APIC_TASKPRI" }, \
		{ 0x90, "APIC_ARBPRI" }, { 0xa0, "APIC_PROCPRI" }, { 0xb0, "APIC_EOI" }, \
		{ 0xc0, "APIC_RRR" }, { 0xd0, "APIC_LDR" }, { 0xe0, "APIC_DFR" }, \
		{ 0xf0, "APIC_SPIV" }, { 0x100, "APIC_ISR" }, { 0x180, "APIC_TMR" }, \
		{ 0x200, "APIC_IRR" }, { 0x280, "APIC_ESR" }, { 0x300, "APIC_ICR" }, \
		{ 0x310, "APIC_ICR2" }, { 0x320, "APIC_LVTT" }, { 0x330, "APIC_LVTTHMR" }, \
		{ 0x340, "APIC_LVTPC" }, { 0x350, "APIC_LVT0" }, { 0x360, "APIC_LVT1" }, \
		{ 0x370, "APIC_LVTERR" }, { 0x380, "APIC_TMICT" }, { 0x390, "APIC_TMCCT" }, \
		{ 0x3e0, "APIC_TDCR" }, { 0x3f0, "APIC_SELF_IPI" }

/* clang-format off */

/* --- guest mode ------------------------------------------------------------------------------ */

/* The last thing before hardware entry; irqs off. */
TRACE_EVENT(kvm_entry,
	TP_PROTO(struct kvm_vcpu *vcpu, bool immediate_exit),
	TP_ARGS(vcpu, immediate_exit),
	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(unsigned long, rip)
		__field(bool, immediate_exit)
	),
	TP_fast_assign(
		__entry->vcpu_id = vcpu->vcpu_id;
		__entry->rip = kvm_rip_read(vcpu);
		__entry->immediate_exit = immediate_exit;
	),
	TP_printk("vcpu %u, rip 0x%lx%s", __entry->vcpu_id, __entry->rip,
		  __entry->immediate_exit ? "[immediate exit]" : "")
);

/* The first thing after a hardware exit; irqs off. */
TRACE_EVENT(kvm_exit,
	TP_PROTO(struct kvm_vcpu *vcpu, u32 isa),
	TP_ARGS(vcpu, isa),
	TP_STRUCT__entry(
		__field(unsigned int, exit_reason)
		__field(unsigned long, guest_rip)
		__field(u32, isa)
		__field(u64, info1)
		__field(u64, info2)
		__field(u32, intr_info)
		__field(u32, error_code)
		__field(unsigned int, vcpu_id)
	),
	TP_fast_assign(
		__entry->exit_reason = vcpu->exit.reason;
		__entry->guest_rip = kvm_rip_read(vcpu);
		__entry->isa = isa;
		__entry->vcpu_id = vcpu->vcpu_id;
		vendor_call(exit_info, vcpu, &__entry->info1, &__entry->info2,
			    &__entry->intr_info, &__entry->error_code);
	),
	TP_printk("vcpu %u reason %s rip 0x%lx info1 0x%016llx info2 0x%016llx intr_info 0x%08x error_code 0x%08x",
		  __entry->vcpu_id,
		  __entry->isa == KVM_ISA_VMX ?
			__print_symbolic(__entry->exit_reason & 0xffff, VMX_EXIT_REASONS) :
			__print_symbolic(__entry->exit_reason, SVM_EXIT_REASONS),
		  __entry->guest_rip, __entry->info1, __entry->info2, __entry->intr_info,
		  __entry->error_code)
);

/* KVM_RUN returns; errno is negative, or 0 and reason counts. */
TRACE_EVENT(kvm_userspace_exit,
	TP_PROTO(u32 reason, int errno),
	TP_ARGS(reason, errno),
	TP_STRUCT__entry(
		__field(__u32, reason)
		__field(int, errno)
	),
	TP_fast_assign(
		__entry->reason = reason;
		__entry->errno = errno;
	),
	TP_printk("reason %s (%d)",
		  __entry->errno < 0 ? (__entry->errno == -EINTR ? "restart" : "error") :
			__print_symbolic(__entry->reason, KVM_TRACE_USER_EXITS),
		  __entry->errno < 0 ? -__entry->errno : __entry->reason)
);

TRACE_EVENT(kvm_vcpu_wakeup,
	TP_PROTO(__u64 ns, bool waited, bool valid),
	TP_ARGS(ns, waited, valid),
	TP_STRUCT__entry(
		__field(__u64, ns)
		__field(bool, waited)
		__field(bool, valid)
	),
	TP_fast_assign(
		__entry->ns = ns;
		__entry->waited = waited;
		__entry->valid = valid;
	),
	TP_printk("%s time %lld ns, polling %s", __entry->waited ? "wait" : "poll", __entry->ns,
		  __entry->valid ? "valid" : "invalid")
);

TRACE_EVENT(kvm_halt_poll_ns,
	TP_PROTO(bool grow, unsigned int vcpu_id, unsigned int new, unsigned int old),
	TP_ARGS(grow, vcpu_id, new, old),
	TP_STRUCT__entry(
		__field(bool, grow)
		__field(unsigned int, vcpu_id)
		__field(unsigned int, new)
		__field(unsigned int, old)
	),
	TP_fast_assign(
		__entry->grow = grow;
		__entry->vcpu_id = vcpu_id;
		__entry->new = new;
		__entry->old = old;
	),
	TP_printk("vcpu %u: halt_poll_ns %u (%s %u)", __entry->vcpu_id, __entry->new,
		  __entry->grow ? "grow" : "shrink", __entry->old)
);

TRACE_EVENT(kvm_fpu,
	TP_PROTO(int load),
	TP_ARGS(load),
	TP_STRUCT__entry(
		__field(u32, load)
	),
	TP_fast_assign(
		__entry->load = load;
	),
	TP_printk("%s", __print_symbolic(__entry->load, { 0, "unload" }, { 1, "load" }))
);

/* --- exits that are handled here ------------------------------------------------------------- */

TRACE_EVENT(kvm_cpuid,
	TP_PROTO(unsigned int function, unsigned int index, unsigned long rax, unsigned long rbx,
		 unsigned long rcx, unsigned long rdx, bool found, bool used_max_basic),
	TP_ARGS(function, index, rax, rbx, rcx, rdx, found, used_max_basic),
	TP_STRUCT__entry(
		__field(unsigned int, function)
		__field(unsigned int, index)
		__field(unsigned long, rax)
		__field(unsigned long, rbx)
		__field(unsigned long, rcx)
		__field(unsigned long, rdx)
		__field(bool, found)
		__field(bool, used_max_basic)
	),
	TP_fast_assign(
		__entry->function = function;
		__entry->index = index;
		__entry->rax = rax;
		__entry->rbx = rbx;
		__entry->rcx = rcx;
		__entry->rdx = rdx;
		__entry->found = found;
		__entry->used_max_basic = used_max_basic;
	),
	TP_printk("func %x idx %x rax %lx rbx %lx rcx %lx rdx %lx, cpuid entry %s%s",
		  __entry->function, __entry->index, __entry->rax, __entry->rbx, __entry->rcx,
		  __entry->rdx, __entry->found ? "found" : "not found",
		  __entry->used_max_basic ? ", used max basic" : "")
);

TRACE_EVENT(kvm_msr,
	TP_PROTO(unsigned int write, u32 ecx, u64 data, bool exception),
	TP_ARGS(write, ecx, data, exception),
	TP_STRUCT__entry(
		__field(unsigned, write)
		__field(u32, ecx)
		__field(u64, data)
		__field(u8, exception)
	),
	TP_fast_assign(
		__entry->write = write;
		__entry->ecx = ecx;
		__entry->data = data;
		__entry->exception = exception;
	),
	TP_printk("msr_%s %x = 0x%llx%s", __entry->write ? "write" : "read", __entry->ecx,
		  __entry->data, __entry->exception ? " (#GP)" : "")
);

/* Of string I/O the first element's value. */
TRACE_EVENT(kvm_pio,
	TP_PROTO(unsigned int rw, unsigned int port, unsigned int size, unsigned int count,
		 const void *data),
	TP_ARGS(rw, port, size, count, data),
	TP_STRUCT__entry(
		__field(unsigned int, rw)
		__field(unsigned int, port)
		__field(unsigned int, size)
		__field(unsigned int, count)
		__field(unsigned int, val)
	),
	TP_fast_assign(
		__entry->rw = rw;
		__entry->port = port;
		__entry->size = size;
		__entry->count = count;
		__entry->val = 0;
		memcpy(&__entry->val, data, min(size, 4u));
	),
	TP_printk("pio_%s at 0x%x size %d count %d val 0x%x %s", __entry->rw ? "write" : "read",
		  __entry->port, __entry->size, __entry->count, __entry->val,
		  __entry->count > 1 ? "(...)" : "")
);

TRACE_EVENT(kvm_mmio,
	TP_PROTO(int type, int len, u64 gpa, const void *data),
	TP_ARGS(type, len, gpa, data),
	TP_STRUCT__entry(
		__field(u32, type)
		__field(u32, len)
		__field(u64, gpa)
		__field(u64, val)
	),
	TP_fast_assign(
		__entry->type = type;
		__entry->len = len;
		__entry->gpa = gpa;
		__entry->val = 0;
		if (data)
			memcpy(&__entry->val, data, min(len, 8));
	),
	TP_printk("mmio %s len %u gpa 0x%llx val 0x%llx",
		  __print_symbolic(__entry->type, { 0, "unsatisfied-read" }, { 1, "read" },
				   { 2, "write" }),
		  __entry->len, __entry->gpa, __entry->val)
);

TRACE_EVENT(kvm_hypercall,
	TP_PROTO(unsigned long nr, unsigned long a0, unsigned long a1, unsigned long a2,
		 unsigned long a3),
	TP_ARGS(nr, a0, a1, a2, a3),
	TP_STRUCT__entry(
		__field(unsigned long, nr)
		__field(unsigned long, a0)
		__field(unsigned long, a1)
		__field(unsigned long, a2)
		__field(unsigned long, a3)
	),
	TP_fast_assign(
		__entry->nr = nr;
		__entry->a0 = a0;
		__entry->a1 = a1;
		__entry->a2 = a2;
		__entry->a3 = a3;
	),
	TP_printk("nr 0x%lx a0 0x%lx a1 0x%lx a2 0x%lx a3 0x%lx", __entry->nr, __entry->a0,
		  __entry->a1, __entry->a2, __entry->a3)
);

/* A nested page fault; error_code as hardware told it (EXITINFO1, exit qualification). */
TRACE_EVENT(kvm_page_fault,
	TP_PROTO(struct kvm_vcpu *vcpu, u64 fault_address),
	TP_ARGS(vcpu, fault_address),
	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(unsigned long, guest_rip)
		__field(u64, fault_address)
		__field(u64, error_code)
	),
	TP_fast_assign(
		u64 info2;
		u32 intr, error;

		__entry->vcpu_id = vcpu->vcpu_id;
		__entry->guest_rip = kvm_rip_read(vcpu);
		__entry->fault_address = fault_address;
		vendor_call(exit_info, vcpu, &__entry->error_code, &info2, &intr, &error);
	),
	TP_printk("vcpu %u rip 0x%lx address 0x%016llx error_code 0x%llx", __entry->vcpu_id,
		  __entry->guest_rip, __entry->fault_address, __entry->error_code)
);

/* --- events into the guest ------------------------------------------------------------------- */

TRACE_EVENT(kvm_inj_virq,
	TP_PROTO(unsigned int vector, bool soft, bool reinjected),
	TP_ARGS(vector, soft, reinjected),
	TP_STRUCT__entry(
		__field(unsigned int, vector)
		__field(bool, soft)
		__field(bool, reinjected)
	),
	TP_fast_assign(
		__entry->vector = vector;
		__entry->soft = soft;
		__entry->reinjected = reinjected;
	),
	TP_printk("%s 0x%x%s", __entry->soft ? "Soft/INTn" : "IRQ", __entry->vector,
		  __entry->reinjected ? " [reinjected]" : "")
);

TRACE_EVENT(kvm_inj_exception,
	TP_PROTO(unsigned int exception, bool has_error, unsigned int error_code, bool reinjected),
	TP_ARGS(exception, has_error, error_code, reinjected),
	TP_STRUCT__entry(
		__field(u8, exception)
		__field(u8, has_error)
		__field(u32, error_code)
		__field(bool, reinjected)
	),
	TP_fast_assign(
		__entry->exception = exception;
		__entry->has_error = has_error;
		__entry->error_code = error_code;
		__entry->reinjected = reinjected;
	),
	TP_printk("%s (0x%x)%s", __print_symbolic(__entry->exception, KVM_TRACE_EXCEPTIONS),
		  __entry->has_error ? __entry->error_code : 0,
		  __entry->reinjected ? " [reinjected]" : "")
);

/* --- interrupt controllers ------------------------------------------------------------------- */

TRACE_EVENT(kvm_set_irq,
	TP_PROTO(unsigned int gsi, int level, int irq_source_id),
	TP_ARGS(gsi, level, irq_source_id),
	TP_STRUCT__entry(
		__field(unsigned int, gsi)
		__field(int, level)
		__field(int, irq_source_id)
	),
	TP_fast_assign(
		__entry->gsi = gsi;
		__entry->level = level;
		__entry->irq_source_id = irq_source_id;
	),
	TP_printk("gsi %u level %d source %d", __entry->gsi, __entry->level,
		  __entry->irq_source_id)
);

TRACE_EVENT(kvm_msi_set_irq,
	TP_PROTO(__u64 address, __u64 data),
	TP_ARGS(address, data),
	TP_STRUCT__entry(
		__field(__u64, address)
		__field(__u64, data)
	),
	TP_fast_assign(
		__entry->address = address;
		__entry->data = data;
	),
	TP_printk("dst %llx vec %u (%s|%s|%s%s)",
		  (u8)(__entry->address >> 12) | ((__entry->address >> 32) & 0xffffff00),
		  (u8)__entry->data,
		  __print_symbolic(__entry->data >> 8 & 7, KVM_TRACE_DELIVERY_MODES),
		  __entry->address & (1 << 2) ? "logical" : "physical",
		  __entry->data & (1 << 15) ? "level" : "edge",
		  __entry->address & (1 << 3) ? "|rh" : "")
);

TRACE_EVENT(kvm_ioapic_set_irq,
	TP_PROTO(__u64 e, int pin, bool coalesced),
	TP_ARGS(e, pin, coalesced),
	TP_STRUCT__entry(
		__field(__u64, e)
		__field(int, pin)
		__field(bool, coalesced)
	),
	TP_fast_assign(
		__entry->e = e;
		__entry->pin = pin;
		__entry->coalesced = coalesced;
	),
	TP_printk("pin %u dst %x vec %u (%s|%s|%s%s)%s", __entry->pin, (u8)(__entry->e >> 56),
		  (u8)__entry->e,
		  __print_symbolic(__entry->e >> 8 & 7, KVM_TRACE_DELIVERY_MODES),
		  __entry->e & (1 << 11) ? "logical" : "physical",
		  __entry->e & (1 << 15) ? "level" : "edge",
		  __entry->e & (1 << 16) ? "|masked" : "",
		  __entry->coalesced ? " (coalesced)" : "")
);

TRACE_EVENT(kvm_pic_set_irq,
	TP_PROTO(__u8 chip, __u8 pin, __u8 elcr, __u8 imr, bool coalesced),
	TP_ARGS(chip, pin, elcr, imr, coalesced),
	TP_STRUCT__entry(
		__field(__u8, chip)
		__field(__u8, pin)
		__field(__u8, elcr)
		__field(__u8, imr)
		__field(bool, coalesced)
	),
	TP_fast_assign(
		__entry->chip = chip;
		__entry->pin = pin;
		__entry->elcr = elcr;
		__entry->imr = imr;
		__entry->coalesced = coalesced;
	),
	TP_printk("chip %u pin %u (%s%s)%s", __entry->chip, __entry->pin,
		  __entry->elcr & (1 << __entry->pin) ? "level" : "edge",
		  __entry->imr & (1 << __entry->pin) ? "|masked" : "",
		  __entry->coalesced ? " (coalesced)" : "")
);

/* Somebody who waits for it is told that the guest acknowledged a pin. */
TRACE_EVENT(kvm_ack_irq,
	TP_PROTO(unsigned int irqchip, unsigned int pin),
	TP_ARGS(irqchip, pin),
	TP_STRUCT__entry(
		__field(unsigned int, irqchip)
		__field(unsigned int, pin)
	),
	TP_fast_assign(
		__entry->irqchip = irqchip;
		__entry->pin = pin;
	),
	TP_printk("irqchip %s pin %u", __print_symbolic(__entry->irqchip, KVM_TRACE_CHIPS),
		  __entry->pin)
);

TRACE_EVENT(kvm_apic,
	TP_PROTO(unsigned int rw, unsigned int reg, u64 val),
	TP_ARGS(rw, reg, val),
	TP_STRUCT__entry(
		__field(unsigned int, rw)
		__field(unsigned int, reg)
		__field(u64, val)
	),
	TP_fast_assign(
		__entry->rw = rw;
		__entry->reg = reg;
		__entry->val = val;
	),
	TP_printk("apic_%s %s = 0x%llx", __entry->rw ? "write" : "read",
		  __print_symbolic(__entry->reg, KVM_TRACE_APIC_REGS), __entry->val)
);

TRACE_EVENT(kvm_eoi,
	TP_PROTO(__u32 apicid, int vector),
	TP_ARGS(apicid, vector),
	TP_STRUCT__entry(
		__field(__u32, apicid)
		__field(int, vector)
	),
	TP_fast_assign(
		__entry->apicid = apicid;
		__entry->vector = vector;
	),
	TP_printk("apicid %x vector %d", __entry->apicid, __entry->vector)
);

TRACE_EVENT(kvm_apic_ipi,
	TP_PROTO(__u32 icr_low, __u32 dest_id),
	TP_ARGS(icr_low, dest_id),
	TP_STRUCT__entry(
		__field(__u32, icr_low)
		__field(__u32, dest_id)
	),
	TP_fast_assign(
		__entry->icr_low = icr_low;
		__entry->dest_id = dest_id;
	),
	TP_printk("dst %x vec %u (%s|%s|%s|%s|%s)", __entry->dest_id, (u8)__entry->icr_low,
		  __print_symbolic(__entry->icr_low >> 8 & 7, KVM_TRACE_DELIVERY_MODES),
		  __entry->icr_low & (1 << 11) ? "logical" : "physical",
		  __entry->icr_low & (1 << 14) ? "assert" : "de-assert",
		  __entry->icr_low & (1 << 15) ? "level" : "edge",
		  __print_symbolic(__entry->icr_low >> 18 & 3, { 0, "dst" }, { 1, "self" },
				   { 2, "all" }, { 3, "all-but-self" }))
);

TRACE_EVENT(kvm_apic_accept_irq,
	TP_PROTO(__u32 apicid, __u16 dm, __u16 tm, __u8 vec),
	TP_ARGS(apicid, dm, tm, vec),
	TP_STRUCT__entry(
		__field(__u32, apicid)
		__field(__u16, dm)
		__field(__u16, tm)
		__field(__u8, vec)
	),
	TP_fast_assign(
		__entry->apicid = apicid;
		__entry->dm = dm;
		__entry->tm = tm;
		__entry->vec = vec;
	),
	TP_printk("apicid %x vec %u (%s|%s)", __entry->apicid, __entry->vec,
		  __print_symbolic(__entry->dm >> 8 & 7, KVM_TRACE_DELIVERY_MODES),
		  __entry->tm ? "level" : "edge")
);

/* --- memory and time ------------------------------------------------------------------------- */

TRACE_EVENT(kvm_unmap_hva_range,
	TP_PROTO(unsigned long start, unsigned long end),
	TP_ARGS(start, end),
	TP_STRUCT__entry(
		__field(unsigned long, start)
		__field(unsigned long, end)
	),
	TP_fast_assign(
		__entry->start = start;
		__entry->end = end;
	),
	TP_printk("mmu notifier unmap range: %#016lx -- %#016lx", __entry->start, __entry->end)
);

TRACE_EVENT(kvm_age_hva,
	TP_PROTO(unsigned long start, unsigned long end),
	TP_ARGS(start, end),
	TP_STRUCT__entry(
		__field(unsigned long, start)
		__field(unsigned long, end)
	),
	TP_fast_assign(
		__entry->start = start;
		__entry->end = end;
	),
	TP_printk("mmu notifier age hva: %#016lx -- %#016lx", __entry->start, __entry->end)
);

TRACE_EVENT(kvm_write_tsc_offset,
	TP_PROTO(unsigned int vcpu_id, __u64 previous_tsc_offset, __u64 next_tsc_offset),
	TP_ARGS(vcpu_id, previous_tsc_offset, next_tsc_offset),
	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(__u64, previous_tsc_offset)
		__field(__u64, next_tsc_offset)
	),
	TP_fast_assign(
		__entry->vcpu_id = vcpu_id;
		__entry->previous_tsc_offset = previous_tsc_offset;
		__entry->next_tsc_offset = next_tsc_offset;
	),
	TP_printk("vcpu=%u prev=%llu next=%llu", __entry->vcpu_id, __entry->previous_tsc_offset,
		  __entry->next_tsc_offset)
);

/* clang-format on */

#endif

#include <trace/define_trace.h>
