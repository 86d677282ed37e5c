// SPDX-License-Identifier: GPL-2.0-only
/* The two outcomes of a trial side by side. */
#include <signal.h>
#include <string.h>

#include "fuzz.h"

/* From here on Linux reports a page as present, whatever is there: it keeps its own secret. */
#define KERNEL_HALF 0x7ffffffff000

static void out_gpr(const struct cpu_out *o, u64 gpr[16])
{
	const u64 r[16] = {
		o->ax, o->cx, o->dx,  o->bx,  o->sp,  o->bp,  o->si,  o->di,
		o->r8, o->r9, o->r10, o->r11, o->r12, o->r13, o->r14, o->r15,
	};

	memcpy(gpr, r, sizeof(r));
}

/* How it ended. */
static const char *compare_end(const struct trial *t, const struct cpu_out *out)
{
	u32 code = t->exc.error_code;

	if (out->signal == SIGSYS)
		return "a system call";
	if (t->res == EMUL_OK || t->res == EMUL_RESTART)
		return out->vector != (t->step ? EXC_DB : EXC_BP) ? "the CPU faults" : NULL;
	if (out->vector == EXC_DB || out->vector == EXC_BP)
		return "the CPU doesn't fault";
	if (t->exc.vector != out->vector)
		return "another exception";
	if (t->exc.vector == EXC_PF) {
		if (t->exc.address >= KERNEL_HALF)
			code |= 1;
		if (t->exc.address != out->cr2)
			return "fault address";
	}
	return t->exc.has_error && code != out->error_code ? "error code" : NULL;
}

/* On its way to the handler Linux's IRET makes any null selector zero. */
static u16 selector_seen(u64 selector)
{
	return selector & ~3 ? selector : 0;
}

static bool same_segments(const struct trial *t, const struct cpu_out *out)
{
	const u64 selector[6] = { out->es, out->cs, out->ss, out->ds, out->fs, out->gs };
	unsigned int i;

	for (i = 0; i < 6; i++)
		if (selector_seen(selector[i]) != selector_seen(t->after[i].selector))
			return false;
	return out->fs_base == t->after[EMUL_SEG_FS].base &&
	       out->gs_base == t->after[EMUL_SEG_GS].base;
}

/* The registers' upper halves are undefined outside of 64-bit mode, and when it is left. */
static bool same_registers(const struct trial *t, const struct cpu_out *out)
{
	bool is_64 = t->bits == BITS_64 && t->after[EMUL_SEG_CS].l;
	u64 gpr[16], mask = is_64 ? ~0ull : 0xffffffff;
	unsigned int i;

	out_gpr(out, gpr);
	for (i = 0; i < (is_64 ? 16 : 8); i++)
		if ((gpr[i] ^ t->gpr[i]) & mask)
			return false;
	return true;
}

static bool same_vectors(const struct trial *t, const struct cpu_out *out)
{
	unsigned int i, n = cpu.avx ? 32 : 16;

	for (i = 0; i < 16 && t->in.use_vec; i++)
		if (memcmp(t->vec[i], out->vec[i], n))
			return false;
	return !t->in.use_vec || !memcmp(t->mmx, out->mmx, sizeof(t->mmx));
}

static const char *compare_state(const struct trial *t, const struct cpu_out *out)
{
	bool fault = t->res == EMUL_EXCEPTION;
	u64 flags = ~(u64)FL_RF;

	/* INT3 has been executed as well. */
	if (t->rip + (!t->step && !fault) != out->rip)
		return "rip";
	if (!fault)
		flags &= ~(u64)undefined_flags(t);
	if ((t->rflags ^ out->rflags) & flags)
		return "rflags";
	if (!same_registers(t, out))
		return "registers";
	if (!same_segments(t, out))
		return "segments";
	if (!same_vectors(t, out))
		return "vector registers";
	return t->hash != out->hash ? "memory" : NULL;
}

const char *compare(const struct trial *t, const struct cpu_out *out)
{
	const char *what = compare_end(t, out);

	if (what)
		return explain_fault(t, out) ? NULL : what;
	what = compare_state(t, out);
	return what && !explain_result(t, out) ? what : NULL;
}

static void print_registers(const char *name, const u64 *gpr, u64 rip, u64 rflags, const u64 *ref)
{
	static const char *const reg[] = { "ax", "cx", "dx", "bx", "sp", "bp", "si", "di",
					   "8",	 "9",  "10", "11", "12", "13", "14", "15" };
	unsigned int i;

	printf("#   %s: rip %llx flags %llx", name, rip, rflags);
	for (i = 0; i < 16; i++)
		if (!ref || gpr[i] != ref[i])
			printf(" r%s %llx", reg[i], gpr[i]);
	printf("\n");
}

static void print_segments(const struct trial *t, const struct cpu_out *out)
{
	static const char *const name[] = { "es", "cs", "ss", "ds", "fs", "gs" };
	const u64 selector[6] = { out->es, out->cs, out->ss, out->ds, out->fs, out->gs };
	unsigned int i;

	printf("#   segments:");
	for (i = 0; i < 6; i++)
		printf(" %s %x (CPU %llx, emulator %x)", name[i], t->seg[i].selector, selector[i],
		       t->after[i].selector);
	printf("\n#   bases: fs %llx (CPU %llx, emulator %llx) gs %llx (CPU %llx, emulator %llx)\n",
	       t->seg[EMUL_SEG_FS].base, out->fs_base, t->after[EMUL_SEG_FS].base,
	       t->seg[EMUL_SEG_GS].base, out->gs_base, t->after[EMUL_SEG_GS].base);
}

static void print_vectors(const struct trial *t, const struct cpu_out *out)
{
	unsigned int i, k;

	for (i = 0; i < 16 && t->in.use_vec; i++) {
		if (!memcmp(t->vec[i], out->vec[i], 32))
			continue;
		printf("#   vector %u: CPU ", i);
		for (k = 32; k--;)
			printf("%02x", out->vec[i][k]);
		printf(" emulator ");
		for (k = 32; k--;)
			printf("%02x", t->vec[i][k]);
		printf("\n");
	}
	for (i = 0; i < 8 && t->in.use_vec; i++)
		if (t->mmx[i] != out->mmx[i])
			printf("#   mm%u: CPU %llx emulator %llx\n", i, out->mmx[i], t->mmx[i]);
}

static void print_memory(const u8 *image, const u8 *pristine)
{
	const u8 *ours = emulate_image();
	unsigned int i, shown = 0;

	for (i = 0; i < CPU_IMAGE_WRITABLE && shown < 16; i++) {
		if (image[i] == ours[i])
			continue;
		printf("#   %s+%x: was %02x, CPU %02x, emulator %02x\n",
		       i < CPU_IMAGE_STACK ? "data" : "stack", i % CPU_IMAGE_STACK, pristine[i],
		       image[i], ours[i]);
		shown++;
	}
}

void compare_print(const struct trial *t, const struct cpu_out *out, const u8 *image,
		   const u8 *pristine)
{
	u64 gpr[16];

	printf("#   emulator: result %d, exception %u(%x) at %llx; CPU: exception %llu(%llx) "
	       "at %llx, signal %llu\n",
	       t->res, t->exc.vector, t->exc.error_code, t->exc.address, out->vector,
	       out->error_code, out->cr2, out->signal);
	out_gpr(out, gpr);
	print_registers("before", t->in.gpr, t->in.rip, t->in.rflags, NULL);
	print_registers("CPU", gpr, out->rip, out->rflags, t->in.gpr);
	print_registers("emulator", t->gpr, t->rip, t->rflags, t->in.gpr);
	print_segments(t, out);
	print_vectors(t, out);
	print_memory(image, pristine);
}
