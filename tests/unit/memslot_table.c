// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slot tables: checking of requests row by row, and lookups and updates against a naive model that
 * knows no order and no index.
 */

#include <linux/kernel.h>
#include <linux/slab.h>

#include "memslot.h"
#include "tap.h"

#define MAX_GFN ((1ULL << 36) - 1) /* 48-bit guest physical addresses */

/* --- requests --------------------------------------------------------------------------------- */

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define HVA 0x7f0000000000ULL

/* The table that the rows ask: slot 0 at 0, 1 MiB; slot 7 at 4 GiB, 16 MiB, read-only. */
static const struct kvm_memslot have[] = {
	{ .base_gfn = 0, .npages = 256, .userspace_addr = HVA, .id = 0 },
	{ .base_gfn = 4 * GIB >> 12, .npages = 4096, .userspace_addr = HVA + GIB, .id = 7,
	  .flags = KVM_MEM_READONLY },
};

static const struct {
	const char *what;
	struct kvm_userspace_memory_region mem;
	int error;
	enum memslot_op op; /* where error is 0 */
} requests[] = {
	{ "create", { 1, 0, MIB, MIB, HVA + MIB }, 0, MEMSLOT_CREATE },
	{ "create, touching both neighbours", { 1, 0, MIB, 4 * GIB - MIB, HVA + MIB }, 0,
	  MEMSLOT_CREATE },
	{ "create read-only", { 1, KVM_MEM_READONLY, MIB, MIB, HVA + MIB }, 0, MEMSLOT_CREATE },
	{ "create with another slot's memory", { 1, 0, MIB, MIB, HVA }, 0, MEMSLOT_CREATE },
	{ "create with the largest id", { 32763, 0, MIB, MIB, HVA }, 0, MEMSLOT_CREATE },
	{ "create up to the last frame", { 1, 0, (MAX_GFN << 12), 4096, HVA }, 0, MEMSLOT_CREATE },
	{ "create the largest slot", { 1, 0, 8 * GIB, KVM_MEM_MAX_PAGES << 12, 4096 }, 0,
	  MEMSLOT_CREATE },
	{ "nothing new", { 0, 0, 0, MIB, HVA }, 0, MEMSLOT_NOTHING },
	{ "nothing new, read-only", { 7, KVM_MEM_READONLY, 4 * GIB, 16 * MIB, HVA + GIB }, 0,
	  MEMSLOT_NOTHING },
	{ "delete", { 0, 0, 0, 0, HVA }, 0, MEMSLOT_DELETE },
	{ "delete, other fields 0", { 7, 0, 0, 0, 0 }, 0, MEMSLOT_DELETE },
	{ "move", { 0, 0, 2 * GIB, MIB, HVA }, 0, MEMSLOT_MOVE },
	{ "move over its own old place", { 0, 0, 4096, MIB, HVA }, 0, MEMSLOT_MOVE },

	{ "create, logged", { 1, KVM_MEM_LOG_DIRTY_PAGES, MIB, MIB, HVA }, 0, MEMSLOT_CREATE },
	{ "create, read-only and logged",
	  { 1, KVM_MEM_READONLY | KVM_MEM_LOG_DIRTY_PAGES, MIB, MIB, HVA }, 0, MEMSLOT_CREATE },
	{ "log from now on", { 0, KVM_MEM_LOG_DIRTY_PAGES, 0, MIB, HVA }, 0, MEMSLOT_FLAGS },
	{ "log a read-only slot from now on",
	  { 7, KVM_MEM_READONLY | KVM_MEM_LOG_DIRTY_PAGES, 4 * GIB, 16 * MIB, HVA + GIB }, 0,
	  MEMSLOT_FLAGS },
	{ "move and log", { 0, KVM_MEM_LOG_DIRTY_PAGES, 2 * GIB, MIB, HVA }, 0, MEMSLOT_MOVE },

	{ "become writable and logged",
	  { 7, KVM_MEM_LOG_DIRTY_PAGES, 4 * GIB, 16 * MIB, HVA + GIB }, -EINVAL, 0 },
	{ "delete what is not there", { 3, 0, 0, 0, 0 }, -EINVAL, 0 },
	{ "id one too large", { 32764, 0, MIB, MIB, HVA }, -EINVAL, 0 },
	{ "address space 1", { 1 << 16 | 1, 0, MIB, MIB, HVA }, -EINVAL, 0 },
	{ "address space 0xffff", { 0xffff0001, 0, MIB, MIB, HVA }, -EINVAL, 0 },
	{ "delete in address space 1", { 1 << 16, 0, 0, 0, HVA }, -EINVAL, 0 },
	{ "guest_memfd", { 1, KVM_MEM_GUEST_MEMFD, MIB, MIB, HVA }, -EINVAL, 0 },
	{ "unknown flag", { 1, 1U << 31, MIB, MIB, HVA }, -EINVAL, 0 },
	{ "unknown flag on delete", { 0, 1U << 31, 0, 0, HVA }, -EINVAL, 0 },
	{ "gpa not aligned", { 1, 0, MIB + 1, MIB, HVA }, -EINVAL, 0 },
	{ "gpa aligned to 2 KiB", { 1, 0, MIB + 2048, MIB, HVA }, -EINVAL, 0 },
	{ "size not aligned", { 1, 0, MIB, MIB + 1, HVA }, -EINVAL, 0 },
	{ "size below a page", { 1, 0, MIB, 4095, HVA }, -EINVAL, 0 },
	{ "hva not aligned", { 1, 0, MIB, MIB, HVA + 0x800 }, -EINVAL, 0 },
	{ "gpa wraps", { 1, 0, -MIB, 2 * MIB, HVA }, -EINVAL, 0 },
	{ "gpa wraps to 0", { 1, 0, -MIB, MIB, HVA }, -EINVAL, 0 },
	{ "hva wraps", { 1, 0, MIB, 2 * MIB, -MIB }, -EINVAL, 0 },
	{ "one page too many", { 1, 0, 8 * GIB, (KVM_MEM_MAX_PAGES + 1) << 12, 4096 }, -EINVAL, 0 },
	{ "beyond what the MMU maps", { 1, 0, (MAX_GFN + 1) << 12, 4096, HVA }, -EINVAL, 0 },
	{ "partly beyond it", { 1, 0, MAX_GFN << 12, 8192, HVA }, -EINVAL, 0 },
	{ "move beyond it", { 0, 0, MAX_GFN << 12, MIB, HVA }, -EINVAL, 0 },
	{ "grow", { 0, 0, 0, 2 * MIB, HVA }, -EINVAL, 0 },
	{ "shrink", { 0, 0, 0, MIB / 2, HVA }, -EINVAL, 0 },
	{ "other memory", { 0, 0, 0, MIB, HVA + MIB }, -EINVAL, 0 },
	{ "become read-only", { 0, KVM_MEM_READONLY, 0, MIB, HVA }, -EINVAL, 0 },
	{ "become writable", { 7, 0, 4 * GIB, 16 * MIB, HVA + GIB }, -EINVAL, 0 },
	{ "overlap at its beginning", { 1, 0, MIB - 4096, MIB, HVA + MIB }, -EEXIST, 0 },
	{ "overlap at its end", { 1, 0, 4 * GIB - MIB, MIB + 4096, HVA + MIB }, -EEXIST, 0 },
	{ "overlap inside", { 1, 0, 4 * GIB + MIB, 4096, HVA + MIB }, -EEXIST, 0 },
	{ "overlap around", { 1, 0, MIB, 8 * GIB, HVA + MIB }, -EEXIST, 0 },
	{ "the same place", { 1, 0, 0, MIB, HVA + MIB }, -EEXIST, 0 },
	{ "move onto another", { 0, 0, 4 * GIB + MIB, MIB, HVA }, -EEXIST, 0 },
};

/* @drop may point into the table. */
static void replace(struct kvm_memslots *slots, const struct kvm_memslot *drop,
		    const struct kvm_memslot *add)
{
	struct memslot_edit edit = {
		.drop = drop, .drop_gfn = drop ? drop->base_gfn : 0, .add = add,
	};

	memslots_edit(slots, &edit);
}

/* The same content in a table with more room: what the old one had must not matter. */
static struct kvm_memslots *move(struct kvm_memslots *src, u32 room)
{
	struct kvm_memslots *dst = kmalloc(memslots_bytes(room), GFP_KERNEL);

	memset(dst, 0x5a, memslots_bytes(room));
	memslots_fill(dst, room, src);
	kfree(src);
	return dst;
}

static void test_requests(void)
{
	struct kvm_memslots *slots = move(NULL, ARRAY_SIZE(have));
	struct memslot_change change;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(have); i++)
		replace(slots, NULL, &have[i]);
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		int r = memslots_parse(slots, &requests[i].mem, MAX_GFN, &change);

		if (!tap_ok(r == requests[i].error, "%s: expected %d, saw %d", requests[i].what,
			    requests[i].error, r) || r)
			continue;
		tap_ok(change.op == requests[i].op, "%s: expected operation %d, saw %d",
		       requests[i].what, requests[i].op, change.op);
	}
	tap_eq(slots->generation, 1 + ARRAY_SIZE(have), "each change makes a generation");
	kfree(slots);
}

/* --- lookups against a model ------------------------------------------------------------------ */

#define MODEL_GFNS 4096
#define MODEL_IDS 64

static struct kvm_memslot model[MODEL_IDS]; /* npages 0: not there */
static u64 seed = 1;

static u32 rnd(u32 below)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % below;
}

static const struct kvm_memslot *model_find(gfn_t gfn)
{
	int i;

	for (i = 0; i < MODEL_IDS; i++)
		if (model[i].npages && gfn >= model[i].base_gfn &&
		    gfn < model[i].base_gfn + model[i].npages)
			return &model[i];
	return NULL;
}

static bool same(const struct kvm_memslot *a, const struct kvm_memslot *b)
{
	return (!a && !b) || (a && b && !memcmp(a, b, sizeof(*a)));
}

/* 0, or the number of the first thing that is wrong. */
static int check_order(const struct kvm_memslots *slots)
{
	hva_t end = 0;
	u32 i;

	for (i = 0; i < slots->nr; i++) {
		const struct kvm_memslot *s = &slots->slot[i];
		const struct memslot_hva *row = &slots->by_hva[i];

		if (i && s->base_gfn < s[-1].base_gfn + s[-1].npages)
			return 1;
		if (i && row->start < row[-1].start)
			return 2;
		if (row->idx >= slots->nr || slots->slot[row->idx].userspace_addr != row->start)
			return 3;
		end = max(end, memslot_hva_end(&slots->slot[row->idx]));
		if (row->max_end != end)
			return 4;
	}
	return 0;
}

/* Each byte range of the VMM must lead to the same guest frames as in the model. */
static bool check_hva(const struct kvm_memslots *slots, hva_t start, hva_t end)
{
	static u8 got[MODEL_GFNS], want[MODEL_GFNS];
	gfn_t from, to, gfn;
	u32 pos = memslots_hva_first(slots, start);
	int i;

	memset(got, 0, sizeof(got));
	memset(want, 0, sizeof(want));
	while (memslots_hva_next(slots, &pos, start, end, &from, &to))
		for (gfn = from; gfn < to; gfn++)
			got[gfn]++;
	for (i = 0; i < MODEL_IDS; i++)
		for (gfn = 0; gfn < model[i].npages; gfn++) {
			hva_t hva = model[i].userspace_addr + (gfn << 12);

			if (hva < end && hva + 4096 > start)
				want[model[i].base_gfn + gfn]++;
		}
	return !memcmp(got, want, sizeof(got));
}

static void check_lookups(struct kvm_memslots *slots, int step, int *bad_find, int *bad_hva)
{
	u32 hint = rnd(100);
	int i;

	for (i = 0; i < 50; i++) {
		gfn_t gfn = rnd(MODEL_GFNS + 10);

		*bad_find += !same(memslots_find(slots, gfn), model_find(gfn));
		*bad_find += !same(memslots_find_hint(slots, gfn, &hint), model_find(gfn));
	}
	*bad_find += !!memslots_find(slots, ~0ULL);
	for (i = 0; step % 8 == 0 && i < 5; i++) {
		hva_t start = HVA + rnd(MODEL_GFNS << 12);

		*bad_hva += !check_hva(slots, start, start + 1 + rnd(200 << 12));
	}
}

static void test_model(void)
{
	struct kvm_memslots *slots = move(NULL, 0);
	int i, bad_order = 0, bad_find = 0, bad_hva = 0, bad_op = 0, ops[5] = {};

	for (i = 0; i < 4000; i++) {
		u16 id = rnd(MODEL_IDS);
		bool exists = model[id].npages, keep = exists && rnd(2);
		struct kvm_userspace_memory_region mem = {
			.slot = id,
			.flags = rnd(4) ? 0 : KVM_MEM_LOG_DIRTY_PAGES,
			.guest_phys_addr = keep && !rnd(4) ?
						   model[id].base_gfn << 12 :
						   (u64)rnd(MODEL_GFNS - 64) << 12,
			.memory_size = keep ? (rnd(3) ? model[id].npages << 12 : 0) :
					      (u64)(1 + rnd(63)) << 12,
			.userspace_addr = keep ? model[id].userspace_addr :
						 HVA + ((u64)rnd(MODEL_GFNS) << 12),
		};
		struct memslot_change change;
		int r = memslots_parse(slots, &mem, MAX_GFN, &change);

		if (r)
			continue;
		ops[change.op]++;
		bad_op += exists != (change.op != MEMSLOT_CREATE);
		switch (change.op) {
		case MEMSLOT_CREATE:
			if (slots->nr == slots->room)
				slots = move(slots, slots->nr + 3);
			replace(slots, NULL, &change.new);
			break;
		case MEMSLOT_DELETE:
			replace(slots, change.old, NULL);
			break;
		case MEMSLOT_MOVE:
		case MEMSLOT_FLAGS:
			replace(slots, change.old, &change.new);
			break;
		case MEMSLOT_NOTHING:
			break;
		}
		model[id] = change.new;
		bad_order += !!check_order(slots);
		check_lookups(slots, i, &bad_find, &bad_hva);
	}
	tap_eq(bad_order, 0, "tables stay sorted both ways");
	tap_eq(bad_find, 0, "lookups by gfn agree with the model");
	tap_eq(bad_hva, 0, "lookups by hva agree with the model");
	tap_eq(bad_op, 0, "requests are understood as the model has it");
	tap_ok(ops[MEMSLOT_CREATE] > 100 && ops[MEMSLOT_DELETE] > 100 && ops[MEMSLOT_MOVE] > 100 &&
		       ops[MEMSLOT_FLAGS] > 0,
	       "all operations were tried: %d creations, %d deletions, %d moves, %d of flags",
	       ops[MEMSLOT_CREATE], ops[MEMSLOT_DELETE], ops[MEMSLOT_MOVE], ops[MEMSLOT_FLAGS]);
	kfree(slots);
}

int main(void)
{
	test_requests();
	test_model();
	return tap_done();
}
