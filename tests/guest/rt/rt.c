// SPDX-License-Identifier: GPL-2.0-only
#include "apic.h"
#include "rt.h"

#define STACK 16384

struct cpu rt_cpus[GUEST_MAX_CPUS];
u8 rt_stacks[GUEST_MAX_CPUS][STACK] __attribute__((aligned(4096)));
handler_t rt_handler[256];
struct idt_gate rt_idt[256] __attribute__((aligned(4096)));
volatile u32 rt_ap_id;

/* Sizes that start.S and the host want to know, as symbols. */
asm(".globl rt_stack_size\n.set rt_stack_size, 16384\n");
asm(".globl rt_cpu_size\n.set rt_cpu_size, 4096\n");
_Static_assert(STACK == 16384, "rt_stack_size");
_Static_assert(sizeof(struct cpu) == 4096, "rt_cpu_size");

extern u8 rt_stubs[];
extern u8 rt_tramp[];

void *memcpy(void *to, const void *from, size_t bytes)
{
	void *d = to;

	asm volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(bytes) :: "memory");
	return to;
}

void *memset(void *to, int byte, size_t bytes)
{
	void *d = to;

	asm volatile("rep stosb" : "+D"(d), "+c"(bytes) : "a"(byte) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const u8 *x = a, *y = b;

	for (; bytes; bytes--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

/* ---- reports ---- */

static void report(u32 kind, const char *file, u64 line, const char *what, u64 seen, u64 want)
{
	struct cpu *cpu = this_cpu();
	struct guest_report *r = &cpu->report;

	*r = (struct guest_report) {
		.kind = kind, .cpu = cpu->id, .file = (uintptr_t)file, .line = line,
		.what = (uintptr_t)what, .seen = seen, .want = want,
	};
	barrier();
	out32(PORT_REPORT, (u32)(uintptr_t)r);
}

void rt_check(const char *file, int line, const char *what, u64 seen, u64 want)
{
	this_cpu()->checks++;
	if (seen != want)
		report(REPORT_FAIL, file, line, what, seen, want);
}

void rt_log(const char *what, u64 value)
{
	report(REPORT_LOG, "", 0, what, value, 0);
}

void rt_sync(u64 number)
{
	report(REPORT_SYNC, "", 0, "", number, 0);
	barrier();
}

u64 hypercall(u64 nr, u64 a0, u64 a1, u64 a2, u64 a3)
{
	u64 ret;

	if (is_intel())
		asm volatile("vmcall"
			     : "=a"(ret)
			     : "a"(nr), "b"(a0), "c"(a1), "d"(a2), "S"(a3)
			     : "memory");
	else
		asm volatile("vmmcall"
			     : "=a"(ret)
			     : "a"(nr), "b"(a0), "c"(a1), "d"(a2), "S"(a3)
			     : "memory");
	return ret;
}

static void stop(void) __attribute__((noreturn));
static void stop(void)
{
	for (;;)
		asm volatile("cli; hlt");
}

void rt_skip(const char *reason)
{
	report(REPORT_SKIP, "", 0, reason, 0, 0);
	stop();
}

void rt_done(void)
{
	u64 checks = 0;
	unsigned int i;

	for (i = 0; i < GUEST_MAX_CPUS; i++)
		checks += rt_cpus[i].checks;
	report(REPORT_DONE, "", 0, "", checks, 0);
	stop();
}

void rt_dead(const char *why, u64 a, u64 b)
{
	report(REPORT_DEAD, "", (uintptr_t)__builtin_return_address(0), why, a, b);
	stop();
}

/* ---- exceptions and interrupts ---- */

static void unexpected(const struct frame *f)
{
	rt_log("unexpected vector", f->vector);
	rt_log("  error code", f->error);
	rt_log("  rflags", f->rflags);
	rt_log("  rsp", f->rsp);
	rt_log("  cr2", read_cr2());
	report(REPORT_DEAD, "", f->rip, "unexpected exception or interrupt: vector, rip", f->vector,
	       f->rip);
	stop();
}

asm(".globl sti_hlt\n"
    "sti_hlt:\n"
    "	sti\n"
    "rt_hlt:\n"
    "	hlt\n"
    "	cli\n"
    "	ret\n");

/*
 * No interrupt comes between STI and the HLT behind it: who breaks that makes the guest sleep for
 * ever. QEMU's processor (7.2) does, with any driver, in the rare case that a host's interrupt
 * ends guest mode just there. So the HLT is left out here, and many such cases are a failure;
 * sti_hlt_pending in apic-guest.c tests the rule itself.
 */
static void woken_early(struct frame *f)
{
	extern char rt_hlt[];
	static u64 count;

	if (f->rip != (uintptr_t)rt_hlt)
		return;
	f->rip++;
	if (__atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) > 20)
		rt_dead("interrupts between STI and HLT", f->vector, count);
}

void rt_trap(struct frame *f);
void rt_trap(struct frame *f)
{
	struct cpu *cpu = this_cpu();
	u8 vector = f->vector;

	cpu->irqs[vector]++;
	woken_early(f);
	if (rt_handler[vector]) {
		rt_handler[vector](f);
		return;
	}
	if (vector < 32 && cpu->resume) {
		cpu->trap.vector = vector;
		cpu->trap.error = f->error;
		cpu->trap.rip = f->rip;
		cpu->trap.cr2 = read_cr2();
		cpu->trap.rflags = f->rflags;
		asm volatile("mov %%db6, %0" : "=r"(cpu->trap.dr6));
		f->rip = cpu->resume;
		cpu->resume = 0;
		return;
	}
	if (vector < 32)
		unexpected(f);
	if (apic_bit(APIC_ISR, vector))
		apic_eoi();
}

static void set_gate(unsigned int vector)
{
	u64 stub = (uintptr_t)rt_stubs + vector * 16;

	rt_idt[vector] = (struct idt_gate) {
		.offset_low = (u16)stub, .selector = SEL_CODE64, .type = 0x8e,
		.offset_mid = (u16)(stub >> 16), .offset_high = (u32)(stub >> 32),
	};
}

static void load_idt(void)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) idtr = { sizeof(rt_idt) - 1, (uintptr_t)rt_idt };

	asm volatile("lidt %0" :: "m"(idtr));
}

static void init_cpu(u32 id)
{
	struct cpu *cpu = &rt_cpus[id];

	cpu->self = cpu;
	cpu->id = id;
	cpu->trap.vector = -1;
	rt_tss(id)->iomap = 104;
	load_idt();
}

void rt_main(u32 id);
void rt_main(u32 id)
{
	void (*entry)(void) = (void (*)(void))(uintptr_t)params->entry;
	unsigned int i;

	if (!id)
		for (i = 0; i < 256; i++)
			set_gate(i);
	init_cpu(id);
	entry();
	if (id)
		stop();
	rt_done();
}

/* ---- application processors ---- */

void rt_main_ap(u32 id);
void rt_main_ap(u32 id)
{
	struct cpu *cpu = &rt_cpus[id];

	init_cpu(id);
	cpu->up++;
	if (cpu->start)
		cpu->start();
	stop();
}

void rt_kick_cpu(u32 id, void (*fn)(void))
{
	u8 *access = (u8 *)(uintptr_t)GUEST_GDT + SEL_TSS + 16 * id + 5;

	*access &= ~2;		/* its TSS may be busy from an earlier life */
	rt_cpus[id].start = fn;
	rt_ap_id = id;
	barrier();
	apic_icr(id, ICR_INIT | ICR_ASSERT);
	delay_us(200);
	apic_icr(id, ICR_SIPI | ICR_ASSERT | GUEST_TRAMP >> 12);
	delay_us(200);
	apic_icr(id, ICR_SIPI | ICR_ASSERT | GUEST_TRAMP >> 12);
}

void rt_start_cpu(u32 id, void (*fn)(void))
{
	u32 before = rt_cpus[id].up;

	rt_kick_cpu(id, fn);
	if (!wait_for(rt_cpus[id].up != before, 20))
		rt_dead("a CPU didn't start after INIT and SIPI", id, before);
}
