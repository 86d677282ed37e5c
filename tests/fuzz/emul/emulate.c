// SPDX-License-Identifier: GPL-2.0-only
/* The emulator's side: a world like the process that the CPU runs a trial in. */
#include <cpuid.h>
#include <string.h>

#include "fuzz.h"

#define GDT_BASE 0xfffffe0000001000
#define LDT_BASE 0xffff880000000000

/* Linux's, as far as a selector can name what's in it. */
static u64 gdt[16] = {
	[1] = 0x00cf9b000000ffff,  [2] = 0x00af9b000000ffff, [3] = 0x00cf93000000ffff,
	[4] = 0x00cffb000000ffff,  [5] = 0x00cff3000000ffff, [6] = 0x00affb000000ffff,
	[8] = 0x00008b0000000067, /* TSS */
	[10] = 0x0000820000000077, /* LDT */
	[15] = 0x0040f50000000000, /* its limit: 12 bits of the CPU's number, 8 of its node's */
};
static u64 ldt[CPU_NR_LDT];

static struct world world;
static u8 image[CPU_IMAGE_SIZE];
static const u8 *pristine;

static enum emul_result host_cpuid(void *opaque, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx,
				   struct emul_exception *exc)
{
	__cpuid_count(*eax, *ecx, *eax, *ebx, *ecx, *edx);
	return EMUL_OK;
}

static u64 xcr0(void)
{
	u32 eax, ebx, ecx, edx;

	/* OSXSAVE */
	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & 1u << 27))
		return 0;
	asm volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
	return eax | (u64)edx << 32;
}

void emulate_init(const u8 *initial)
{
	unsigned int i;

	pristine = initial;
	memcpy(image, pristine, CPU_IMAGE_SIZE);
	world_init(&world, EMUL_MODE_PROT64);
	world_map(&world, CPU_CODE, CPU_CODE_SIZE, image + CPU_IMAGE_CODE, false);
	world_map(&world, CPU_DATA, CPU_DATA_SIZE, image + CPU_IMAGE_DATA, true);
	world_map(&world, CPU_CONST, CPU_CONST_SIZE, image + CPU_IMAGE_CONST, false);
	world_map(&world, CPU_STACK, CPU_STACK_SIZE, image + CPU_IMAGE_STACK, true);
	for (i = 0; i < CPU_NR_LDT; i++)
		ldt[i] = cpu_descriptor(i);
	gdt[15] |= (cpu.number & 0xfff) | (cpu.node & 0xfull) << 12 |
		   (cpu.node >> 4 & 0xfull) << 48;
	world_map(&world, GDT_BASE, sizeof(gdt), (u8 *)gdt, true)->system = true;
	world_map(&world, LDT_BASE, sizeof(ldt), (u8 *)ldt, true)->system = true;
	world.table_base[EMUL_GDT] = GDT_BASE;
	world.table_limit[EMUL_GDT] = sizeof(gdt) - 1;
	if (cpu.has_ldt)
		world.seg[EMUL_SEG_LDTR] = (struct emul_segment){
			.base = LDT_BASE,
			.limit = sizeof(ldt) - 1,
			.type = 2,
			.present = 1,
		};
	world.seg[EMUL_SEG_TR].unusable = 1; /* no ports */
	world.ops.cpuid = host_cpuid;
	world.cr[0] = 0x80050033; /* AM among them */
	world.cr[4] |= 0x10800; /* UMIP, FSGSBASE */
	world.xcr0 = xcr0();
	world_set_implied(&world, IDX_EFER, SCE);
	world.c.vendor = cpu_is_amd() ? EMUL_VENDOR_AMD : EMUL_VENDOR_INTEL;
	world.c.cpl = 3;
	world.c.lma = true;
}

static u64 laid[4];
static unsigned int nr_laid;
static bool executed;

/* What is left from the trial before is taken back only now, so that it can be looked at. */
static void lay_patches(const struct trial *t)
{
	unsigned int i;

	while (nr_laid) {
		nr_laid--;
		memcpy(image + laid[nr_laid], pristine + laid[nr_laid], PATCH_BYTES);
	}
	if (executed)
		memcpy(image, pristine, CPU_IMAGE_WRITABLE);
	executed = false;
	for (i = 0; i < t->in.nr_patches; i++) {
		memcpy(image + t->in.patch[i].offset, t->in.patch[i].data, PATCH_BYTES);
		laid[nr_laid++] = t->in.patch[i].offset;
	}
}

static void load(const struct trial *t)
{
	static const enum emul_mode mode[] = {
		[BITS_64] = EMUL_MODE_PROT64,
		[BITS_32] = EMUL_MODE_PROT32,
		[BITS_16] = EMUL_MODE_PROT16,
	};

	world.c.mode = mode[t->bits];
	memcpy(world.gpr, t->in.gpr, sizeof(world.gpr));
	world.c.rip = t->in.rip;
	world.c.rflags = t->in.rflags;
	memcpy(world.seg, t->seg, sizeof(t->seg));
	if (t->in.use_vec) {
		memcpy(world.vec, t->in.vec, sizeof(world.vec));
		memcpy(world.mmx, t->in.mmx, sizeof(world.mmx));
	}
}

enum emul_result emulate_decode(const struct trial *t, bool fetch, struct emul_insn *i)
{
	enum emul_result res;

	lay_patches(t);
	load(t);
	res = emul_decode(&world.c, fetch ? NULL : t->bytes, fetch ? 0 : sizeof(t->bytes));
	*i = world.c.insn;
	return res;
}

void emulate(struct trial *t)
{
	lay_patches(t);
	load(t);
	executed = true;
	t->res = t->whole ? world_run_insn(&world) : world_step(&world);
	t->insn = world.c.insn;
	t->exc = world.c.exc;
	memcpy(t->gpr, world.gpr, sizeof(t->gpr));
	t->rip = world.c.rip;
	t->rflags = world.c.rflags;
	t->shadow = world.c.shadow;
	memcpy(t->after, world.seg, sizeof(t->after));
	if (t->in.use_vec) {
		memcpy(t->vec, world.vec, sizeof(t->vec));
		memcpy(t->mmx, world.mmx, sizeof(t->mmx));
	}
	t->hash = cpu_hash(image, pristine);
}

const u8 *emulate_image(void)
{
	return image;
}
