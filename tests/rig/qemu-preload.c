// SPDX-License-Identifier: GPL-2.0-only
/*
 * preload - loaded into QEMU 7.2 (LD_PRELOAD): mends what its software emulation of SVM gets wrong
 * and what no driver can get right, by changing four places of its program in memory.
 *
 * Injection. VMRUN with an interrupt in EVENTINJ delivers it at once, but also leaves its vector
 * as "the exception to be raised" and never takes that back. If, before the next #VMEXIT, the
 * processor is only asked to leave its loop (another processor's turn, an interrupt for another
 * one), it finds the vector there and delivers it a second time, RFLAGS.IF or not. A guest's
 * interrupt handler then interrupts itself: it waits for its own lock for ever, or nests until its
 * stack is full. The store of the vector goes.
 *
 * IGNNE. Each FXRSTOR and XRSTOR on any processor clears a flag of the *first* processor's state,
 * from another thread and not atomically, which may undo a change of nested paging's flag or GIF
 * there. The flag is for FERR#, which nobody uses: the function becomes a RET.
 *
 * Shadow. #VMEXIT tells that the guest is in the shadow of STI or MOV SS, but VMRUN doesn't look at
 * what it is told: an interrupt that waits comes between STI and HLT, and a guest that has just
 * found nothing to do sleeps over it. The call by which VMRUN reads the interrupt controls, the
 * word in front of that one in the VMCB, goes through here, where the shadow is seen to.
 *
 * Lock. A guest that writes CR8 while a virtual interrupt waits makes the processor interrupt
 * itself without the lock that this wants: QEMU asserts it, and ends. The function takes the lock
 * where its caller hasn't.
 *
 * Where the code looks different, or a function isn't there by its name, QEMU is left as it is.
 * Either way it is told on stderr.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "patch.h"

/* Bytes behind cpu_svm_check_intercept_param() in which helper_vmrun()'s code is looked for. */
#define VMRUN_SPAN 0x4000

/* What leads to the call: mov $1,%edx; mov %rbx,%rdi; call. */
static const uint8_t call[] = { 0xba, 0x01, 0x00, 0x00, 0x00, 0x48, 0x89, 0xdf, 0xe8 };
/* Bytes from the store to the call at most, and those that is_store() looks at. */
#define STORE_BEFORE 64
#define STORES_LEN 27

/* Of the immediate stores there, exception_is_int = 0 and exception_next_eip = -1. */
static bool is_store(const uint8_t *p)
{
	int32_t disp;

	memcpy(&disp, p + 2, sizeof(disp));
	/* mov %esi,disp(%rbx), in front of the CPU's registers; movl $0,...; movq $-1,... */
	return p[0] == 0x89 && p[1] == 0xb3 && disp < 0 && disp > -0x8000 && p[6] == 0xc7 &&
	       p[7] == 0x83 && !memcmp(p + 12, "\0\0\0\0", 4) && p[16] == 0x48 && p[17] == 0xc7 &&
	       p[18] == 0x83 && !memcmp(p + 23, "\xff\xff\xff\xff", 4);
}

static bool mend_injection(void)
{
	static const uint8_t nop[] = { 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	uint8_t *vmrun = dlsym(RTLD_DEFAULT, "cpu_svm_check_intercept_param");
	uint8_t *deliver = dlsym(RTLD_DEFAULT, "do_interrupt_x86_hardirq");
	uint8_t *p, *back;

	if (!vmrun || !deliver)
		return false;
	for (p = vmrun + STORE_BEFORE; p < vmrun + VMRUN_SPAN; p++) {
		if (memcmp(p, call, sizeof(call)))
			continue;
		if (call_target(p + sizeof(call) - 1) != deliver)
			continue;
		for (back = p - STORES_LEN; back >= p - STORE_BEFORE; back--)
			if (is_store(back))
				return patch(back, nop, sizeof(nop));
	}
	return false;
}

static bool mend_ignne(void)
{
	static const uint8_t ret[] = { 0xc3 };
	uint8_t *clear = dlsym(RTLD_DEFAULT, "cpu_clear_ignne");

	return clear && patch(clear, ret, sizeof(ret));
}

/* --- shadow ---------------------------------------------------------------------------------- */

/* In the VMCB (APM vol. 2, appendix B), and in QEMU's hflags. */
#define SHADOW_BEHIND_CONTROLS 8
#define VMCB_SHADOW 1u
#define HFLAG_INHIBIT_IRQ 8u

static uint32_t (*load_long)(void *cpu, uint64_t gpa);
static size_t hflags_at; /* in the CPU's registers */

static uint32_t load_controls(void *cpu, uint64_t gpa, uint8_t *registers)
{
	uint32_t hflags;

	if (load_long(cpu, gpa + SHADOW_BEHIND_CONTROLS) & VMCB_SHADOW) {
		memcpy(&hflags, registers + hflags_at, sizeof(hflags));
		hflags |= HFLAG_INHIBIT_IRQ;
		memcpy(registers + hflags_at, &hflags, sizeof(hflags));
	}
	return load_long(cpu, gpa);
}

/* lea 0x60(%rax),%rsi; call; mov hflags2(%rbx),%edx: hflags is the word in front of hflags2. */
static bool is_load(const uint8_t *p)
{
	return !memcmp(p, "\x48\x8d\x70\x60\xe8", 5) &&
	       call_target(p + 4) == (uint8_t *)load_long && p[9] == 0x8b && p[10] == 0x93;
}

static bool mend_shadow(void)
{
	/* mov %rbx,%rdx: the CPU's registers */
	static const uint8_t registers[] = { 0x48, 0x89, 0xda };
	uint8_t *vmrun = dlsym(RTLD_DEFAULT, "cpu_svm_check_intercept_param"), *p;
	int32_t rel;

	load_long = (uint32_t (*)(void *, uint64_t))dlsym(RTLD_DEFAULT, "x86_ldl_phys");
	if (!vmrun || !load_long)
		return false;
	for (p = vmrun; !is_load(p); p++)
		if (p == vmrun + VMRUN_SPAN)
			return false;
	memcpy(&rel, p + 11, sizeof(rel));
	hflags_at = rel - 4;
	return redirect_call(p + 4, registers, sizeof(registers), (void (*)(void))load_controls);
}

/* --- lock ------------------------------------------------------------------------------------ */

/*
 * cpu_interrupt(): mov rel(%rip),%rax; push %rbx; mov %rdi,%rbx; mov at(%rax),%rax; test %rax,%rax;
 * je; pop %rbx; jmp *%rax: what serves it is in a table that a variable points to.
 */
#define INTERRUPT_REL 3
#define INTERRUPT_AT 14

static struct {
	bool (*locked)(void);
	void (*lock)(const char *file, int line);
	void (*unlock)(void);
	uint8_t **table;
	int32_t at;
} interrupt;

static void locked_interrupt(void *cpu, int mask)
{
	bool locked = interrupt.locked();
	void (*serve)(void *cpu, int mask);

	if (!locked)
		interrupt.lock(__FILE__, __LINE__);
	memcpy(&serve, *interrupt.table + interrupt.at, sizeof(serve));
	serve(cpu, mask);
	if (!locked)
		interrupt.unlock();
}

static bool mend_lock(void)
{
	/* jmp *0(%rip), which the address follows */
	uint8_t jump[14] = { 0xff, 0x25 };
	void (*to)(void *cpu, int mask) = locked_interrupt;
	uint8_t *p = dlsym(RTLD_DEFAULT, "cpu_interrupt");
	int32_t rel;

	interrupt.locked = (bool (*)(void))dlsym(RTLD_DEFAULT, "qemu_mutex_iothread_locked");
	interrupt.lock =
		(void (*)(const char *, int))dlsym(RTLD_DEFAULT, "qemu_mutex_lock_iothread_impl");
	interrupt.unlock = (void (*)(void))dlsym(RTLD_DEFAULT, "qemu_mutex_unlock_iothread");
	if (!p || !interrupt.locked || !interrupt.lock || !interrupt.unlock)
		return false;
	if (memcmp(p, "\x48\x8b\x05", 3) || memcmp(p + 7, "\x53\x48\x89\xfb\x48\x8b\x80", 7) ||
	    memcmp(p + 18, "\x48\x85\xc0\x74\x09\x5b\xff\xe0", 8))
		return false;
	memcpy(&rel, p + INTERRUPT_REL, sizeof(rel));
	memcpy(&interrupt.at, p + INTERRUPT_AT, sizeof(interrupt.at));
	interrupt.table = (uint8_t **)(p + 7 + rel);
	memcpy(jump + 6, &to, sizeof(to));
	return patch(p, jump, sizeof(jump));
}

__attribute__((constructor)) static void mend(void)
{
	fprintf(stderr, "rig: QEMU's SVM: injection %s, IGNNE %s, shadow %s, lock %s\n",
		mend_injection() ? "mended" : "as it was", mend_ignne() ? "mended" : "as it was",
		mend_shadow() ? "mended" : "as it was", mend_lock() ? "mended" : "as it was");
}
