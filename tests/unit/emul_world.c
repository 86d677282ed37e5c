// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emul_world.h"

static enum emul_result page_fault(struct emul_exception *exc, u64 addr, u32 code)
{
	*exc = (struct emul_exception) {
		.vector = 14, .has_error = true, .error_code = code, .address = addr,
	};
	return EMUL_EXCEPTION;
}

static struct world_region *find(struct world *w, u64 addr)
{
	unsigned int i;

	for (i = 0; i < w->nr_regions; i++)
		if (addr - w->region[i].base < w->region[i].size)
			return &w->region[i];
	return NULL;
}

/* First byte of the access that isn't allowed, or @n. */
static unsigned int allowed(struct world *w, u64 addr, unsigned int n, unsigned int acc, bool *mmio)
{
	struct world_region *r;
	unsigned int i;

	*mmio = false;
	for (i = 0; i < n; i++) {
		r = find(w, addr + i);
		if (!r || (acc & EMUL_ACC_WRITE && !r->writable) ||
		    (r->system && !(acc & EMUL_ACC_SYSTEM)))
			return i;
		*mmio |= r->mmio;
	}
	return n;
}

static void copy(struct world *w, u64 addr, void *to, const void *from, unsigned int n)
{
	struct world_region *r;
	unsigned int i;

	for (i = 0; i < n; i++) {
		r = find(w, addr + i);
		if (to)
			((u8 *)to)[i] = r->mem[addr + i - r->base];
		else
			r->mem[addr + i - r->base] = ((const u8 *)from)[i];
	}
}

/*
 * An access that needs userspace: answered from the log if it is there, otherwise begun. The order
 * and kind of replayed accesses must be the same as the first time.
 */
static enum emul_result logged(struct world *w, enum world_kind kind, u64 addr, void *in,
			       const void *out, unsigned int n, unsigned int count)
{
	struct world_access *a;

	if (n * count > EMUL_PIO_MAX || w->log_pos >= WORLD_LOG) {
		fprintf(stderr, "access of %u * %u bytes, log at %u\n", n, count, w->log_pos);
		abort();
	}
	a = &w->log[w->log_pos];
	if (w->log_pos < w->nr_log) {
		if (a->kind != kind || a->addr != addr || a->n != n || a->count != count ||
		    (out && memcmp(a->data, out, n * count))) {
			fprintf(stderr, "replay differs: access %u of rip %llx\n", w->log_pos,
				w->c.rip);
			abort();
		}
		if (in)
			memcpy(in, a->data, n * count);
		w->log_pos++;
		return EMUL_OK;
	}
	if (w->pending)
		abort();
	*a = (struct world_access) { .kind = kind, .addr = addr, .n = n, .count = count };
	if (out)
		memcpy(a->data, out, n * count);
	w->pending = true;
	return EMUL_IO;
}

/* What userspace does with the pending access. */
static void complete(struct world *w)
{
	struct world_access *a = &w->log[w->nr_log];
	unsigned int i;
	u64 val;

	if (a->kind == WORLD_READ || a->kind == WORLD_IN) {
		for (i = 0; i < a->count; i++) {
			val = w->in_value++;
			memcpy(a->data + i * a->n, &val, a->n < 8 ? a->n : 8);
		}
	} else {
		w->last_out = *a;
	}
	w->nr_log++;
	w->nr_exits++;
	w->pending = false;
}

static u32 fault_code(struct world *w, u64 addr, unsigned int acc)
{
	return (find(w, addr) ? 1 : 0) | (acc & EMUL_ACC_WRITE ? 2 : 0) |
	       (w->c.cpl == 3 && !(acc & EMUL_ACC_SYSTEM) ? 4 : 0);
}

static enum emul_result op_fetch(void *opaque, u64 addr, void *buf, unsigned int n,
				 struct emul_exception *exc)
{
	struct world *w = opaque;
	bool mmio;

	w->nr_ops++;
	if ((addr & 4095) + n > 4096 || !n || n > 15)
		abort();
	if (allowed(w, addr, n, EMUL_ACC_READ, &mmio) != n)
		return page_fault(exc, addr, 0x10 | fault_code(w, addr, 0));
	copy(w, addr, buf, NULL, n);
	w->fetch_end = addr + n;
	return EMUL_OK;
}

static enum emul_result op_read(void *opaque, u64 addr, void *buf, unsigned int n,
				unsigned int acc, struct emul_exception *exc)
{
	struct world *w = opaque;
	unsigned int ok;
	bool mmio;

	w->nr_ops++;
	ok = allowed(w, addr, n, acc, &mmio);
	if (ok != n)
		return page_fault(exc, addr + ok, fault_code(w, addr + ok, acc));
	if (mmio)
		return logged(w, WORLD_READ, addr, buf, NULL, n, 1);
	copy(w, addr, buf, NULL, n);
	return EMUL_OK;
}

static enum emul_result op_write(void *opaque, u64 addr, const void *buf, unsigned int n,
				 unsigned int acc, struct emul_exception *exc)
{
	struct world *w = opaque;
	unsigned int ok;
	bool mmio;

	w->nr_ops++;
	ok = allowed(w, addr, n, acc | EMUL_ACC_WRITE, &mmio);
	if (ok != n)
		return page_fault(exc, addr + ok, fault_code(w, addr + ok, acc | EMUL_ACC_WRITE));
	if (mmio)
		return logged(w, WORLD_WRITE, addr, NULL, buf, n, 1);
	copy(w, addr, NULL, buf, n);
	return EMUL_OK;
}

static enum emul_result op_cmpxchg(void *opaque, u64 addr, const void *old, const void *new,
				   unsigned int n, unsigned int acc, struct emul_exception *exc)
{
	struct world *w = opaque;
	unsigned int ok;
	u8 now[16];
	bool mmio;

	w->nr_ops++;
	ok = allowed(w, addr, n, acc, &mmio);
	if (ok != n)
		return page_fault(exc, addr + ok, fault_code(w, addr + ok, acc));
	if (mmio)
		return logged(w, WORLD_CMPXCHG, addr, NULL, new, n, 1);
	copy(w, addr, now, NULL, n);
	if (w->cmpxchg_races || memcmp(now, old, n)) {
		w->cmpxchg_races = false;
		return EMUL_RESTART;
	}
	copy(w, addr, NULL, new, n);
	return EMUL_OK;
}

static enum emul_result op_probe(void *opaque, u64 addr, unsigned int n, unsigned int acc)
{
	struct world *w = opaque;
	bool mmio;

	w->nr_ops++;
	if ((addr & 4095) + n > 4096)
		abort();
	return allowed(w, addr, n, acc, &mmio) == n && !mmio ? EMUL_OK : EMUL_UNHANDLEABLE;
}

static enum emul_result op_touch(void *opaque, u64 addr, unsigned int acc,
				 struct emul_exception *exc)
{
	struct world *w = opaque;
	bool mmio;

	w->nr_ops++;
	if (!allowed(w, addr, 1, acc, &mmio))
		return page_fault(exc, addr, fault_code(w, addr, acc));
	return EMUL_OK;
}

static void op_commit(void *opaque)
{
	struct world *w = opaque;

	if (w->log_pos != w->nr_log)	/* a replay that stopped short */
		abort();
	w->nr_log = 0;
	w->log_pos = 0;
	w->commits++;
}

static enum emul_result op_pio_in(void *opaque, u16 port, unsigned int size, void *buf,
				  unsigned int count, struct emul_exception *exc)
{
	struct world *w = opaque;

	w->nr_ops++;
	if (w->port_io)
		return logged(w, WORLD_IN, port, buf, NULL, size, count);
	memset(buf, 0xee, size * count);
	return EMUL_OK;
}

static enum emul_result op_pio_out(void *opaque, u16 port, unsigned int size, const void *buf,
				   unsigned int count, struct emul_exception *exc)
{
	struct world *w = opaque;

	w->nr_ops++;
	return w->port_io ? logged(w, WORLD_OUT, port, NULL, buf, size, count) : EMUL_OK;
}

static void op_get_segment(void *opaque, enum emul_seg nr, struct emul_segment *seg)
{
	struct world *w = opaque;

	*seg = w->seg[nr];
}

static enum emul_result op_set_segment(void *opaque, enum emul_seg nr,
				       const struct emul_segment *seg)
{
	struct world *w = opaque;

	w->seg[nr] = *seg;
	return EMUL_OK;
}

static void op_get_table(void *opaque, enum emul_table which, u64 *base, u16 *limit)
{
	struct world *w = opaque;

	*base = w->table_base[which];
	*limit = w->table_limit[which];
}

static enum emul_result op_set_table(void *opaque, enum emul_table which, u64 base, u16 limit)
{
	struct world *w = opaque;

	w->table_base[which] = base;
	w->table_limit[which] = limit;
	return EMUL_OK;
}

static u64 op_get_cr(void *opaque, unsigned int nr)
{
	struct world *w = opaque;

	return w->cr[nr];
}

static enum emul_result op_set_cr(void *opaque, unsigned int nr, u64 val,
				  struct emul_exception *exc)
{
	struct world *w = opaque;

	if (nr == 4 && val >> 63) {	/* a reserved bit, for the tests */
		*exc = (struct emul_exception) { .vector = 13, .has_error = true };
		return EMUL_EXCEPTION;
	}
	w->cr[nr] = val;
	w->cr3_loads += nr == 3;
	return EMUL_OK;
}

static enum emul_result op_get_dr(void *opaque, unsigned int nr, u64 *val,
				  struct emul_exception *exc)
{
	struct world *w = opaque;

	*val = w->dr[nr];
	return EMUL_OK;
}

static enum emul_result op_set_dr(void *opaque, unsigned int nr, u64 val,
				  struct emul_exception *exc)
{
	struct world *w = opaque;

	w->dr[nr] = val;
	return EMUL_OK;
}

static enum emul_result op_get_msr(void *opaque, u32 index, u64 *val, struct emul_exception *exc)
{
	struct world *w = opaque;

	if (index != w->msr_index) {
		*exc = (struct emul_exception) { .vector = 13, .has_error = true };
		return EMUL_EXCEPTION;
	}
	*val = w->msr_value;
	return EMUL_OK;
}

static enum emul_result op_set_msr(void *opaque, u32 index, u64 val, struct emul_exception *exc)
{
	struct world *w = opaque;

	w->msr_index = index;
	w->msr_value = val;
	return EMUL_OK;
}

static u64 *implied_msr(struct world *w, u32 index)
{
	unsigned int i;

	for (i = 0; i < w->nr_implied; i++)
		if (w->implied[i].index == index)
			return &w->implied[i].val;
	if (i == WORLD_IMPLIED)
		abort();
	w->nr_implied++;
	w->implied[i].index = index;
	return &w->implied[i].val;
}

static u64 op_get_implied_msr(void *opaque, u32 index)
{
	return *implied_msr(opaque, index);
}

static void op_set_implied_msr(void *opaque, u32 index, u64 val)
{
	world_set_implied(opaque, index, val);
}

void world_set_implied(struct world *w, u32 index, u64 val)
{
	*implied_msr(w, index) = val;
}

static bool op_random(void *opaque, u64 *val)
{
	struct world *w = opaque;

	*val = w->random;
	return w->random;
}

static u64 op_rdtsc(void *opaque)
{
	return 0x1234567890abcdef;
}

static enum emul_result op_cpuid(void *opaque, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx,
				 struct emul_exception *exc)
{
	struct world *w = opaque;

	if (w->cpuid_faults) {
		*exc = (struct emul_exception){ .vector = 13, .has_error = true };
		return EMUL_EXCEPTION;
	}
	*eax += 0x1000;
	*ebx = 0xb;
	*ecx += 0xc000;
	*edx = 0xd;
	return EMUL_OK;
}

static enum emul_result op_hlt(void *opaque)
{
	struct world *w = opaque;

	w->halted = true;
	return EMUL_OK;
}

static enum emul_result op_wbinvd(void *opaque, bool writeback)
{
	struct world *w = opaque;

	w->wbinvds += writeback;
	w->invds += !writeback;
	return EMUL_OK;
}

static enum emul_result op_invlpg(void *opaque, u64 addr)
{
	struct world *w = opaque;

	w->invlpg = addr;
	return EMUL_OK;
}

static u64 op_get_xcr0(void *opaque)
{
	struct world *w = opaque;

	return w->xcr0;
}

static enum emul_result op_set_xcr(void *opaque, u32 index, u64 val, struct emul_exception *exc)
{
	struct world *w = opaque;

	if (index || !(val & 1)) {
		*exc = (struct emul_exception){ .vector = 13, .has_error = true };
		return EMUL_EXCEPTION;
	}
	w->xcr0 = val;
	return EMUL_OK;
}

static enum emul_result op_fninit(void *opaque)
{
	struct world *w = opaque;

	w->x87_control = 0x37f;
	w->x87_status = 0;
	return EMUL_OK;
}

static enum emul_result op_get_x87(void *opaque, u16 *control, u16 *status)
{
	struct world *w = opaque;

	*control = w->x87_control;
	*status = w->x87_status;
	return EMUL_OK;
}

static enum emul_result op_read_vec(void *opaque, unsigned int nr, void *buf, unsigned int n)
{
	struct world *w = opaque;

	memcpy(buf, w->vec[nr], n);
	return EMUL_OK;
}

static enum emul_result op_write_vec(void *opaque, unsigned int nr, const void *buf,
				     unsigned int n, bool zero_upper)
{
	struct world *w = opaque;

	memcpy(w->vec[nr], buf, n);
	if (zero_upper)
		memset(w->vec[nr] + n, 0, 32 - n);
	return EMUL_OK;
}

static u64 op_read_mmx(void *opaque, unsigned int nr)
{
	struct world *w = opaque;

	w->mmx_reads++;
	return w->mmx[nr];
}

static void op_write_mmx(void *opaque, unsigned int nr, u64 val)
{
	struct world *w = opaque;

	w->mmx[nr] = val;
}

static const struct emul_ops world_ops = {
	.fetch = op_fetch, .read = op_read, .write = op_write, .cmpxchg = op_cmpxchg,
	.probe = op_probe, .commit = op_commit, .pio_in = op_pio_in, .pio_out = op_pio_out,
	.get_segment = op_get_segment, .set_segment = op_set_segment,
	.get_table = op_get_table, .set_table = op_set_table,
	.get_cr = op_get_cr, .set_cr = op_set_cr, .get_dr = op_get_dr, .set_dr = op_set_dr,
	.get_msr = op_get_msr, .set_msr = op_set_msr, .touch = op_touch,
	.get_implied_msr = op_get_implied_msr, .set_implied_msr = op_set_implied_msr,
	.random = op_random, .rdtsc = op_rdtsc, .cpuid = op_cpuid,
	.hlt = op_hlt, .wbinvd = op_wbinvd, .invlpg = op_invlpg,
	.get_xcr0 = op_get_xcr0, .set_xcr = op_set_xcr, .fninit = op_fninit, .get_x87 = op_get_x87,
	.read_vec = op_read_vec, .write_vec = op_write_vec,
	.read_mmx = op_read_mmx, .write_mmx = op_write_mmx,
};

void world_real_segment(struct world *w, enum emul_seg nr, u16 selector)
{
	w->seg[nr].selector = selector;
	w->seg[nr].base = (u64)selector << 4;
}

static void init_segment(struct world *w, unsigned int nr, enum emul_mode mode)
{
	bool paragraph = mode == EMUL_MODE_REAL || mode == EMUL_MODE_VM86;
	u8 dpl = mode == EMUL_MODE_VM86 ? 3 : 0;

	w->seg[nr] = (struct emul_segment) {
		.limit = paragraph ? 0xffff : 0xffffffff,
		.selector = paragraph ? 0 : nr == EMUL_SEG_CS ? 8 : 16,
		.type = nr == EMUL_SEG_CS ? 11 : 3,
		.s = 1, .dpl = dpl, .present = 1, .g = !paragraph,
		.l = mode == EMUL_MODE_PROT64 && nr == EMUL_SEG_CS,
		.db = mode == EMUL_MODE_PROT32,
	};
}

void world_init(struct world *w, enum emul_mode mode)
{
	unsigned int i;

	memset(w, 0, sizeof(*w));
	w->ops = world_ops;
	w->c.ops = &w->ops;
	w->c.opaque = w;
	w->c.gpr = w->gpr;
	w->c.mode = mode;
	w->c.lma = mode == EMUL_MODE_PROT64;
	w->c.cpl = mode == EMUL_MODE_VM86 ? 3 : 0;
	w->c.va_bits = 48;
	w->c.rflags = mode == EMUL_MODE_VM86 ? 0x20002 : 2;
	w->cr[0] = mode == EMUL_MODE_REAL ? 0x10 : 0x80000011;
	w->cr[4] = 0x40600;	/* OSXSAVE, OSXMMEXCPT, OSFXSR */
	w->xcr0 = 7;
	w->x87_control = 0x37f;
	w->table_limit[EMUL_IDT] = 0x3ff;
	for (i = EMUL_SEG_ES; i <= EMUL_SEG_GS; i++)
		init_segment(w, i, mode);
	w->seg[EMUL_SEG_LDTR].unusable = 1;
	w->seg[EMUL_SEG_TR] = (struct emul_segment) { .type = 11, .present = 1, .limit = 0x67 };
}

struct world_region *world_map(struct world *w, u64 base, u32 size, u8 *mem, bool writable)
{
	struct world_region *r = &w->region[w->nr_regions++];

	*r = (struct world_region) { .base = base, .size = size, .mem = mem, .writable = writable };
	return r;
}

enum emul_result world_execute(struct world *w)
{
	enum emul_result res;

	w->nr_log = 0;
	w->pending = false;
	for (;;) {
		w->log_pos = 0;
		res = emul_execute(&w->c);
		if (w->pending != (res == EMUL_IO))
			abort();	/* EMUL_IO swallowed, or made up */
		if (res != EMUL_IO)
			return res;
		complete(w);
	}
}

enum emul_result world_step(struct world *w)
{
	enum emul_result res = emul_decode(&w->c, NULL, 0);

	return res == EMUL_OK ? world_execute(w) : res;
}

enum emul_result world_run_insn(struct world *w)
{
	enum emul_result res;

	do
		res = world_step(w);
	while (res == EMUL_RESTART);
	return res;
}
