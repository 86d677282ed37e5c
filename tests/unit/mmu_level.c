// SPDX-License-Identifier: GPL-2.0-only
/* How large a page may be: slot borders and alignment of guest frames with host addresses. */

#include <linux/kernel.h>

#include "memslot.h"
#include "mmu/level.h"
#include "tap.h"

#define HVA 0x7f0000000000ULL /* aligned to 1 GiB */
#define MIB2 0x200ULL /* frames */
#define GIB1 0x40000ULL

static const struct {
	const char *what;
	u8 max;
	u64 base, npages, hva, gfn;
	u8 level;
} rows[] = {
	{ "all aligned, 4 KiB only", 1, 0, GIB1, HVA, 0x1234, 1 },
	{ "all aligned, 2 MiB at most", 2, 0, GIB1, HVA, 0x1234, 2 },
	{ "all aligned, 1 GiB", 3, 0, GIB1, HVA, 0x1234, 3 },
	{ "last frame of the 1 GiB", 3, 0, GIB1, HVA, GIB1 - 1, 3 },
	{ "one frame short of 1 GiB", 3, 0, GIB1 - 1, HVA, 0x1234, 2 },
	{ "the incomplete 2 MiB at its end", 3, 0, GIB1 - 1, HVA, GIB1 - 2, 1 },
	{ "one frame short of 2 MiB", 2, 0, MIB2 - 1, HVA, 0, 1 },
	{ "exactly 2 MiB, first frame", 2, MIB2, MIB2, HVA + (MIB2 << 12), MIB2, 2 },
	{ "exactly 2 MiB, last frame", 2, MIB2, MIB2, HVA + (MIB2 << 12), 2 * MIB2 - 1, 2 },
	{ "slot begins inside the 2 MiB", 2, 1, 4 * MIB2, HVA + 4096, 5, 1 },
	{ "the next 2 MiB of that slot", 2, 1, 4 * MIB2, HVA + 4096, MIB2, 2 },
	{ "host one page off", 2, 0, GIB1, HVA + 4096, 0x1234, 1 },
	{ "host 1 MiB off", 2, 0, GIB1, HVA + (MIB2 << 11), 0x1234, 1 },
	{ "host 2 MiB off: no 1 GiB", 3, 0, GIB1, HVA + (MIB2 << 12), 0x1234, 2 },
	{ "both equally off 2 MiB", 2, 3, GIB1, HVA + 3 * 4096, 0x1234, 2 },
	{ "1 GiB page in the middle", 3, MIB2, 3 * GIB1, HVA + (MIB2 << 12), GIB1 + 7, 3 },
	{ "before that page", 3, MIB2, 3 * GIB1, HVA + (MIB2 << 12), GIB1 - 1, 2 },
	{ "behind that page", 3, MIB2, 3 * GIB1, HVA + (MIB2 << 12), 3 * GIB1, 2 },
};

int main(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct kvm_memslot slot = {
			.base_gfn = rows[i].base,
			.npages = rows[i].npages,
			.userspace_addr = rows[i].hva,
		};

		tap_eq(mmu_map_level(rows[i].max, &slot, rows[i].gfn), rows[i].level, rows[i].what);
	}
	return tap_done();
}
