// SPDX-License-Identifier: GPL-2.0-only
/* A vCPU's registers and the code that it was at, for a report. */
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "dump.h"
#include "log.h"
#include "mem.h"
#include "vcpu.h"
#include "vm.h"

#define CODE_BEFORE	16
#define CODE_AFTER	16

/* Offsets in the local APIC's page (SDM vol. 3, table 11-1). */
#define APIC_TPR	0x80
#define APIC_SPIV	0xf0
#define APIC_ISR	0x100
#define APIC_IRR	0x200
#define APIC_LVTT	0x320
#define APIC_TMICT	0x380
#define APIC_TMCCT	0x390
#define APIC_VECTORS	256
#define APIC_STRIDE	16	/* bytes from a register to the next */

#define MSR_IA32_TSC		0x10
#define MSR_IA32_TSC_DEADLINE	0x6e0

#define CR0_PG		(1ull << 31)
#define CR4_PAE		(1ull << 5)
#define CR4_LA57	(1ull << 12)
#define EFER_LMA	(1ull << 10)
#define PTE_PRESENT	1ull
#define PTE_LARGE	(1ull << 7)
#define PTE_ADDR	0x000ffffffffff000ull

/* One table entry: guest memory that the guest writes meanwhile, fetched once. */
static int dump_read_pte(const struct mem *mem, uint64_t gpa, unsigned int size, uint64_t *pte)
{
	const void *p = mem_hva(mem, gpa, size);

	if (!p)
		return -1;
	*pte = size == 8 ? *(const volatile uint64_t *)p : *(const volatile uint32_t *)p;
	return *pte & PTE_PRESENT ? 0 : -1;
}

/*
 * Paging as the SDM vol. 3, 4.2 to 4.5 has it, without permissions: it's for reading code bytes
 * of a guest that has failed, and asks nothing more of KVM, which may be what has failed.
 */
static int dump_translate(const struct mem *mem, const struct kvm_sregs *s, uint64_t gva,
			  uint64_t *gpa)
{
	unsigned int bits, levels, size, level;
	uint64_t table, pte;

	*gpa = gva;
	if (!(s->cr0 & CR0_PG))
		return 0;
	if (s->efer & EFER_LMA) {
		bits = 9, size = 8, levels = s->cr4 & CR4_LA57 ? 5 : 4;
		table = s->cr3 & PTE_ADDR;
	} else if (s->cr4 & CR4_PAE) {
		bits = 9, size = 8, levels = 3;
		table = s->cr3 & 0xffffffe0;
	} else {
		bits = 10, size = 4, levels = 2;
		table = s->cr3 & 0xfffff000;
	}
	for (level = levels; level; level--) {
		unsigned int shift = 12 + bits * (level - 1);
		uint64_t offset = (1ull << shift) - 1;
		uint64_t index = (gva >> shift) & ((1u << bits) - 1);

		if (levels == 3 && level == 3)
			index &= 3;
		if (dump_read_pte(mem, table + index * size, size, &pte))
			return -1;
		if (level == 1 || (pte & PTE_LARGE && (level == 2 || (level == 3 && levels > 3)))) {
			*gpa = (pte & PTE_ADDR & ~offset) | (gva & offset);
			return 0;
		}
		table = pte & PTE_ADDR;
	}
	return -1;
}

static void dump_code(struct vcpu *vcpu, const struct kvm_regs *r, const struct kvm_sregs *s)
{
	uint64_t rip = s->efer & EFER_LMA && s->cs.l ? r->rip : (uint32_t)(s->cs.base + r->rip);
	char line[(CODE_BEFORE + CODE_AFTER) * 5 + 1];
	int len = 0, i;

	for (i = -CODE_BEFORE; i < CODE_AFTER; i++) {
		const char *form = i ? " %02x" : " <%02x>";
		const uint8_t *p = NULL;
		uint64_t gpa;

		if (!dump_translate(&vcpu->vm->mem, s, rip + i, &gpa))
			p = mem_hva(&vcpu->vm->mem, gpa, 1);
		if (p)
			len += snprintf(line + len, sizeof(line) - len, form, *p);
		else
			len += snprintf(line + len, sizeof(line) - len, i ? " --" : " <-->");
	}
	log_text("  code%s", line);
}

static void dump_segment(const char *name, const struct kvm_segment *g)
{
	log_text("  %s  %04x base %016llx limit %08x type %x s %u dpl %u p %u db %u l %u g %u%s",
		 name, g->selector, g->base, g->limit, g->type, g->s, g->dpl, g->present, g->db,
		 g->l, g->g, g->unusable ? " unusable" : "");
}

/**
 * dump_vcpu() - Print registers, segments and code bytes.
 * @vcpu: the vCPU; its own thread calls, or it has stopped.
 */
void dump_vcpu(struct vcpu *vcpu)
{
	struct kvm_sregs s;
	struct kvm_regs r;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &r) || ioctl(vcpu->fd, KVM_GET_SREGS, &s)) {
		log_text("  KVM doesn't tell the registers");
		return;
	}
	log_text("  rip %016llx rflags %08llx", r.rip, r.rflags);
	log_text("  rax %016llx rbx %016llx rcx %016llx rdx %016llx", r.rax, r.rbx, r.rcx, r.rdx);
	log_text("  rsi %016llx rdi %016llx rbp %016llx rsp %016llx", r.rsi, r.rdi, r.rbp, r.rsp);
	log_text("  r8  %016llx r9  %016llx r10 %016llx r11 %016llx", r.r8, r.r9, r.r10, r.r11);
	log_text("  r12 %016llx r13 %016llx r14 %016llx r15 %016llx", r.r12, r.r13, r.r14, r.r15);
	log_text("  cr0 %llx cr2 %llx cr3 %llx cr4 %llx cr8 %llx efer %llx apic_base %llx", s.cr0,
		 s.cr2, s.cr3, s.cr4, s.cr8, s.efer, s.apic_base);
	dump_segment("cs", &s.cs);
	dump_segment("ds", &s.ds);
	dump_segment("es", &s.es);
	dump_segment("ss", &s.ss);
	dump_segment("fs", &s.fs);
	dump_segment("gs", &s.gs);
	dump_segment("tr", &s.tr);
	dump_segment("ldt", &s.ldt);
	log_text("  gdt base %016llx limit %04x  idt base %016llx limit %04x", s.gdt.base,
		 s.gdt.limit, s.idt.base, s.idt.limit);
	dump_code(vcpu, &r, &s);
}

static uint32_t dump_apic_register(const struct kvm_lapic_state *apic, unsigned int offset)
{
	uint32_t value;

	memcpy(&value, apic->regs + offset, sizeof(value));
	return value;
}

/* The vectors that are set in the 256 bits from @offset on. */
static const char *dump_apic_vectors(const struct kvm_lapic_state *apic, unsigned int offset,
				     char *line, size_t size)
{
	size_t len = 0;

	snprintf(line, size, " none");
	for (unsigned int v = 0; v < APIC_VECTORS && len < size - 4; v++) {
		if (dump_apic_register(apic, offset + v / 32 * APIC_STRIDE) >> v % 32 & 1)
			len += snprintf(line + len, size - len, " %02x", v);
	}
	return line;
}

static uint64_t dump_msr(struct vcpu *vcpu, uint32_t index)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = { .head.nmsrs = 1, .entry.index = index };

	return ioctl(vcpu->fd, KVM_GET_MSRS, &msr) == 1 ? msr.entry.data : 0;
}

/**
 * dump_vcpu_waits() - Print what a vCPU waits for: its state, pending events and local APIC.
 * @vcpu: the vCPU; it does not run.
 */
void dump_vcpu_waits(struct vcpu *vcpu)
{
	struct kvm_vcpu_events events = { 0 };
	struct kvm_mp_state mp = { 0 };
	struct kvm_lapic_state apic;
	char irr[256], isr[256];

	if (ioctl(vcpu->fd, KVM_GET_MP_STATE, &mp) ||
	    ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events) ||
	    ioctl(vcpu->fd, KVM_GET_LAPIC, &apic)) {
		log_text("  KVM doesn't tell what it waits for");
		return;
	}
	log_text("  mp_state %u exception %u interrupt %u (%02x) shadow %u nmi %u pending %u masked %u",
		 mp.mp_state, events.exception.injected, events.interrupt.injected,
		 events.interrupt.nr, events.interrupt.shadow, events.nmi.injected,
		 events.nmi.pending, events.nmi.masked);
	log_text("  lapic spiv %x tpr %x irr%s isr%s", dump_apic_register(&apic, APIC_SPIV),
		 dump_apic_register(&apic, APIC_TPR),
		 dump_apic_vectors(&apic, APIC_IRR, irr, sizeof(irr)),
		 dump_apic_vectors(&apic, APIC_ISR, isr, sizeof(isr)));
	log_text("  timer lvtt %x tmict %x tmcct %x tsc-deadline %" PRIx64 " tsc %" PRIx64,
		 dump_apic_register(&apic, APIC_LVTT), dump_apic_register(&apic, APIC_TMICT),
		 dump_apic_register(&apic, APIC_TMCCT), dump_msr(vcpu, MSR_IA32_TSC_DEADLINE),
		 dump_msr(vcpu, MSR_IA32_TSC));
}
