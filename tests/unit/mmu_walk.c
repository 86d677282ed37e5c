// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks of the guest's page tables against rows worked out by hand from the manuals, then
 * permissions exhaustively against the rules of SDM vol. 3, 4.6.1, written down a second time.
 */

#include <linux/kernel.h>
#include <string.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "mmu/format.h"
#include "mmu/walk.h"
#include "tap.h"

/* --- a guest's memory: a few entries ---------------------------------------------------------- */

struct pte {
	u64 gpa;
	u64 val;
};

#define MAX_PTES 8

static struct memory {
	struct pte pte[MAX_PTES];
	int readonly; /* index that can't be written, or -1 */
	int races; /* so many cmpxchg find the entry changed */
	unsigned int reads, writes;
} mem;

static struct pte *find(u64 gpa)
{
	int i;

	for (i = 0; i < MAX_PTES; i++)
		if (mem.pte[i].gpa == gpa)
			return &mem.pte[i];
	return NULL;
}

static bool mem_read(void *opaque, u64 gpa, u64 *val, unsigned int size)
{
	struct pte *pte = find(gpa);

	mem.reads++;
	if (!pte)
		return false;
	*val = size == 8 ? pte->val : (u32)pte->val;
	return true;
}

static int mem_cmpxchg(void *opaque, u64 gpa, u64 old, u64 new, unsigned int size)
{
	struct pte *pte = find(gpa);

	if (!pte || (mem.readonly >= 0 && pte == &mem.pte[mem.readonly]))
		return -14;
	mem.writes++;
	if (mem.races) {
		mem.races--;
		return 0;
	}
	if (pte->val != old)
		return 0;
	pte->val = new;
	return 1;
}

static const struct walk_ops ops = { .read = mem_read, .cmpxchg = mem_cmpxchg };

/* --- rows ------------------------------------------------------------------------------------- */

#define PG X86_CR0_PG
#define WP (X86_CR0_PG | X86_CR0_WP)
#define PSE X86_CR4_PSE
#define PAE X86_CR4_PAE
#define LM EFER_LMA
#define NXE EFER_NX
#define W KVM_ACC_WRITE
#define U KVM_ACC_USER
#define X KVM_ACC_FETCH
#define IMPL KVM_ACC_IMPLICIT
#define NX (1ULL << 63)
#define AC 1
#define NO_GB 2

/* Linear address of the long-mode rows: indexes 1 (of 5 levels), 0x1f0, 3, 5, 7; offset 0xabc. */
#define VA4 (0x1f0ULL << 39 | 3ULL << 30 | 5 << 21 | 7 << 12 | 0xabc)
#define VA5 (1ULL << 48 | VA4)
/* Tables: PML5 0x1000, PML4 0x2000, PDPT 0x3000, PD 0x4000, PT 0x5000. */
#define E5 (0x1000 + 1 * 8)
#define E4 (0x2000 + 0x1f0 * 8)
#define E3 (0x3000 + 3 * 8)
#define E2 (0x4000 + 5 * 8)
#define E1 (0x5000 + 7 * 8)
/* 32-bit and PAE: linear 0xc0a07def. 32-bit: indexes 0x302, 0x207. PAE: 3, 5, 7. */
#define VA32 0xc0a07defULL
#define D32 (0x8000 + 0x302 * 4)
#define T32 (0x9000 + 0x207 * 4)
#define P3 (0x6020 + 3 * 8)
#define P2 (0x4000 + 5 * 8)
#define P1 (0x5000 + 7 * 8)

/* The four entries of a walk to a page, permissive but for the page's own, with flags or'ed in. */
#define LONG(page, f4, f3, f2, f1)                                                             \
	{ \
		{ E4, 0x3007 | (f4) }, { E3, 0x4007 | (f3) }, { E2, 0x5007 | (f2) }, \
			{ E1, (page) | (f1) } \
	}

struct row {
	const char *what;
	u64 cr0, cr4, efer;
	u8 maxphyaddr;
	u8 flags; /* AC, NO_GB */
	u32 pkru;
	u64 cr3, gva;
	u32 access;
	struct pte pte[5];
	int fault; /* -1: none */
	u64 gpa;
	u64 after[5]; /* entries after the walk; 0: as before */
};

#define OK -1
#define P KVM_ACC_PRESENT
#define RSVD (KVM_ACC_PRESENT | KVM_ACC_RSVD)
#define PK (KVM_ACC_PRESENT | KVM_ACC_PK)

static const struct row rows[] = {
	/* no paging */
	{ "no paging", 0, 0, 0, 40, 0, 0, 0x1000, 0xfffffff0, W | U, {}, OK, 0xfffffff0, {} },
	{ "no paging, cut to 32 bits", 0, 0, 0, 40, 0, 0, 0, 0x1fffffff0, 0, {}, OK, 0xfffffff0, {} },
	{ "no paging, CR4.PAE set", 0, PAE, 0, 40, 0, 0, 0, 0x1234, X, {}, OK, 0x1234, {} },

	/* 32-bit */
	{ "32-bit read", PG, 0, 0, 40, 0, 0, 0x8000, VA32, 0, { { D32, 0x9007 }, { T32, 0x12345007 } },
	  OK, 0x12345def, { 0x9027, 0x12345027 } },
	{ "32-bit write", PG, 0, 0, 40, 0, 0, 0x8fff, VA32, W, { { D32, 0x9007 }, { T32, 0x12345007 } },
	  OK, 0x12345def, { 0x9027, 0x12345067 } },
	{ "32-bit, upper half of the linear address ignored", PG, 0, 0, 40, 0, 0, 0x8000,
	  VA32 | 0x100000000, 0, { { D32, 0x9007 }, { T32, 0x12345007 } }, OK, 0x12345def,
	  { 0x9027, 0x12345027 } },
	{ "32-bit, no directory entry", PG, 0, 0, 40, 0, 0, 0x8000, VA32, W | U, { { D32, 0x9006 } },
	  W | U, 0, {} },
	{ "32-bit, no table entry", PG, 0, 0, 40, 0, 0, 0x8000, VA32, U,
	  { { D32, 0x9007 }, { T32, 0x12345006 } }, U, 0, {} },
	{ "32-bit, PS without CR4.PSE is a table", PG, 0, 0, 40, 0, 0, 0x8000, VA32, 0,
	  { { D32, 0x9087 }, { T32, 0x12345007 } }, OK, 0x12345def, { 0x90a7, 0x12345027 } },
	{ "32-bit, 4 MiB", PG, PSE, 0, 40, 0, 0, 0x8000, VA32, W, { { D32, 0x12400087 } }, OK,
	  0x12607def, { 0x124000e7 } },
	{ "32-bit, 4 MiB, all of PSE-36", PG, PSE, 0, 40, 0, 0, 0x8000, VA32, 0,
	  { { D32, 0x125fe087 } }, OK, 0xff12607def, { 0x125fe0a7 } },
	{ "32-bit, 4 MiB above 4 GiB (PSE-36)", PG, PSE, 0, 40, 0, 0, 0x8000, VA32, 0,
	  { { D32, 0x1254a087 } }, OK, 0xa512607def, { 0x1254a0a7 } },
	{ "32-bit, 4 MiB, bit 21", PG, PSE, 0, 40, 0, 0, 0x8000, VA32, W, { { D32, 0x12600087 } },
	  RSVD | W, 0, {} },
	{ "32-bit, 4 MiB, PSE-36 bit above 36 address bits", PG, PSE, 0, 36, 0, 0, 0x8000, VA32, 0,
	  { { D32, 0x12400087 | 0x10 << 13 } }, RSVD, 0, {} },
	{ "32-bit, 4 MiB, PSE-36 bit within 36 address bits", PG, PSE, 0, 36, 0, 0, 0x8000, VA32, 0,
	  { { D32, 0x12400087 | 0xf << 13 } }, OK, 0xf12607def, { 0x124000a7 | 0xf << 13 } },
	{ "32-bit, user write to a read-only directory entry", PG, 0, 0, 40, 0, 0, 0x8000, VA32, W | U,
	  { { D32, 0x9005 }, { T32, 0x12345007 } }, P | W | U, 0, {} },
	{ "32-bit, supervisor write to read-only, WP=0", PG, 0, 0, 40, 0, 0, 0x8000, VA32, W,
	  { { D32, 0x9005 }, { T32, 0x12345005 } }, OK, 0x12345def, { 0x9025, 0x12345065 } },
	{ "32-bit, supervisor write to read-only, WP=1", WP, 0, 0, 40, 0, 0, 0x8000, VA32, W,
	  { { D32, 0x9007 }, { T32, 0x12345005 } }, P | W, 0, {} },
	{ "32-bit, fetch: no NX, no fetch bit", WP, 0, NXE, 40, 0, 0, 0x8000, VA32, U | X,
	  { { D32, 0x9007 }, { T32, 0x12345003 } }, P | U, 0, {} },
	{ "32-bit, fetch with SMEP tells", WP, X86_CR4_SMEP, 0, 40, 0, 0, 0x8000, VA32, X,
	  { { D32, 0x9007 }, { T32, 0x12345007 } }, P | X, 0, {} },
	{ "32-bit, no memory for the table: ones", PG, 0, 0, 40, 0, 0, 0x8000, VA32, 0,
	  { { D32, 0x9007 } }, OK, 0xfffffdef, { 0x9027 } },

	/* PAE */
	{ "PAE write", PG, PAE, 0, 40, 0, 0, 0x6020, VA32, W,
	  { { P3, 0x4001 }, { P2, 0x5007 }, { P1, 0xab12345007 } }, OK, 0xab12345def,
	  { 0x4001, 0x5027, 0xab12345067 } },
	{ "PAE, CR3 is 32-byte aligned", PG, PAE, 0, 40, 0, 0, 0x603f, VA32, 0,
	  { { P3, 0x4001 }, { P2, 0x5007 }, { P1, 0x12345007 } }, OK, 0x12345def,
	  { 0x4001, 0x5027, 0x12345027 } },
	{ "PAE, no PDPTE", PG, PAE, 0, 40, 0, 0, 0x6020, VA32, W, { { P3, 0x4000 } }, W, 0, {} },
	{ "PAE, PDPTE with R/W", PG, PAE, 0, 40, 0, 0, 0x6020, VA32, 0, { { P3, 0x4003 } }, RSVD, 0, {} },
	{ "PAE, PDPTE with bit 5 (QEMU sets it)", PG, PAE, 0, 40, 0, 0, 0x6020, VA32, 0,
	  { { P3, 0x4021 }, { P2, 0x5007 }, { P1, 0x12345007 } }, OK, 0x12345def,
	  { 0x4021, 0x5027, 0x12345027 } },
	{ "PAE, PDPTE with bit 6", PG, PAE, 0, 40, 0, 0, 0x6020, VA32, 0, { { P3, 0x4041 } }, RSVD, 0, {} },
	{ "PAE, PDPTE with bit 7", PG, PAE, 0, 40, 0, 0, 0x6020, VA32, 0, { { P3, 0x4081 } }, RSVD, 0, {} },
	{ "PAE, PDPTE with NX", PG, PAE, NXE, 40, 0, 0, 0x6020, VA32, 0, { { P3, NX | 0x4001 } }, RSVD, 0, {} },
	{ "PAE, PDPTE with PWT, PCD and free bits", PG, PAE, 0, 40, 0, 0, 0x6020, VA32, 0,
	  { { P3, 0x4e19 }, { P2, 0x5007 }, { P1, 0x12345007 } }, OK, 0x12345def,
	  { 0x4e19, 0x5027, 0x12345027 } },
	{ "PAE, 2 MiB", PG, PAE, 0, 40, 0, 0, 0x6020, VA32, U,
	  { { P3, 0x4001 }, { P2, 0x112400087 } }, OK, 0x112407def, { 0x4001, 0x1124000a7 } },
	{ "PAE, 2 MiB, bit 13", PG, PAE, 0, 40, 0, 0, 0x6020, VA32, U,
	  { { P3, 0x4001 }, { P2, 0x112402087 } }, RSVD | U, 0, {} },
	{ "PAE, 2 MiB, PAT bit", PG, PAE, 0, 40, 0, 0, 0x6020, VA32, U,
	  { { P3, 0x4001 }, { P2, 0x112401087 } }, OK, 0x112407def, { 0x4001, 0x1124010a7 } },
	{ "PAE, bit 52", PG, PAE, 0, 40, 0, 0, 0x6020, VA32, 0,
	  { { P3, 0x4001 }, { P2, 0x5007 }, { P1, 1ULL << 52 | 0x12345007 } }, RSVD, 0, {} },
	{ "PAE, bit 62", PG, PAE, 0, 40, 0, 0, 0x6020, VA32, 0,
	  { { P3, 0x4001 }, { P2, 1ULL << 62 | 0x5007 } }, RSVD, 0, {} },
	{ "PAE, address bit 40 of 40", PG, PAE, 0, 40, 0, 0, 0x6020, VA32, 0,
	  { { P3, 0x4001 }, { P2, 0x5007 }, { P1, 1ULL << 40 | 0x12345007 } }, RSVD, 0, {} },
	{ "PAE, NX without NXE", PG, PAE, 0, 40, 0, 0, 0x6020, VA32, 0,
	  { { P3, 0x4001 }, { P2, 0x5007 }, { P1, NX | 0x12345007 } }, RSVD, 0, {} },
	{ "PAE, fetch of NX", PG, PAE, NXE, 40, 0, 0, 0x6020, VA32, X,
	  { { P3, 0x4001 }, { P2, 0x5007 }, { P1, NX | 0x12345007 } }, P | X, 0, {} },
	{ "PAE, read of NX", PG, PAE, NXE, 40, 0, 0, 0x6020, VA32, 0,
	  { { P3, 0x4001 }, { P2, 0x5007 }, { P1, NX | 0x12345007 } }, OK, 0x12345def,
	  { 0x4001, 0x5027, NX | 0x12345027 } },

	/* long mode, 4 levels */
	{ "long read", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, 0, LONG(0x877665544000, 0, 0, 0, 7), OK,
	  0x877665544abc, { 0x3027, 0x4027, 0x5027, 0x877665544027 } },
	{ "long write, high CR3 and PCID", WP, PAE, LM, 48, 0, 0, 1ULL << 63 | 0x2fff, VA4, W | U,
	  LONG(0x12345000, 0, 0, 0, 7), OK, 0x12345abc, { 0x3027, 0x4027, 0x5027, 0x12345067 } },
	{ "long, sign-extended address", WP, PAE, LM, 48, 0, 0, 0x2000, VA4 | 0xffffULL << 48, 0,
	  LONG(0x12345000, 0, 0, 0, 7), OK, 0x12345abc, { 0x3027, 0x4027, 0x5027, 0x12345027 } },
	{ "long, all set already: no write", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, W,
	  LONG(0x12345000, 0x20, 0x20, 0x20, 0x67), OK, 0x12345abc, {} },
	{ "long, no PML4E", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, U, { { E4, 0x3006 } }, U, 0, {} },
	{ "long, no PDPTE", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, W, { { E4, 0x3007 }, { E3, 0 } }, W, 0, {} },
	{ "long, fetch not present, no NXE", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, X | U,
	  { { E4, 0x3007 }, { E3, 0 } }, U, 0, {} },
	{ "long, fetch not present, NXE", WP, PAE, LM | NXE, 48, 0, 0, 0x2000, VA4, X | U,
	  { { E4, 0x3007 }, { E3, 0 } }, X | U, 0, {} },
	{ "long, not present, other bits reserved: not present wins", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, 0,
	  { { E4, NX | 1ULL << 50 | 0x3086 } }, 0, 0, {} },
	{ "long, PML4E with PS", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, 0, { { E4, 0x3087 } }, RSVD, 0, {} },
	{ "long, 1 GiB", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, W, { { E4, 0x3007 }, { E3, 0x1c0000087 } }, OK,
	  0x1c0a07abc, { 0x3027, 0x1c00000e7 } },
	{ "long, 1 GiB where the guest has none", WP, PAE, LM, 48, NO_GB, 0, 0x2000, VA4, W,
	  { { E4, 0x3007 }, { E3, 0x1c0000087 } }, RSVD | W, 0, {} },
	{ "long, 1 GiB, bit 29", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, 0,
	  { { E4, 0x3007 }, { E3, 0x1e0000087 } }, RSVD, 0, {} },
	{ "long, 1 GiB, bit 13", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, 0,
	  { { E4, 0x3007 }, { E3, 0x1c0002087 } }, RSVD, 0, {} },
	{ "long, 1 GiB, PAT bit", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, 0,
	  { { E4, 0x3007 }, { E3, 0x1c0001087 } }, OK, 0x1c0a07abc, { 0x3027, 0x1c00010a7 } },
	{ "long, 2 MiB", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, U,
	  { { E4, 0x3007 }, { E3, 0x4007 }, { E2, 0x12400087 } }, OK, 0x12407abc,
	  { 0x3027, 0x4027, 0x124000a7 } },
	{ "long, 2 MiB, bit 20", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, U,
	  { { E4, 0x3007 }, { E3, 0x4007 }, { E2, 0x12500087 } }, RSVD | U, 0, {} },
	{ "long, bit 7 of a PTE is PAT", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, 0, LONG(0x12345000, 0, 0, 0, 0x87),
	  OK, 0x12345abc, { 0x3027, 0x4027, 0x5027, 0x123450a7 } },
	{ "long, ignored bits 62:52 and 11:9", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, 0,
	  LONG(0x12345000, 0x7ffULL << 52 | 0xe00, 0, 0, 0x7ffULL << 52 | 0xe07), OK, 0x12345abc,
	  { 0x7ffULL << 52 | 0x3e27, 0x4027, 0x5027, 0x7ffULL << 52 | 0x12345e27 } },
	{ "long, address bit 48 of 48", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, 0,
	  LONG(1ULL << 48 | 0x12345000, 0, 0, 0, 7), RSVD, 0, {} },
	{ "long, address bit 51 of 52", WP, PAE, LM, 52, 0, 0, 0x2000, VA4, 0,
	  LONG(1ULL << 51 | 0x12345000, 0, 0, 0, 7), OK, 1ULL << 51 | 0x12345abc,
	  { 0x3027, 0x4027, 0x5027, 1ULL << 51 | 0x12345027 } },
	{ "long, reserved bit in an upper level wins over permission", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, W | U,
	  LONG(0x12345000, 0, 1ULL << 48, 0, 5), RSVD | W | U, 0, {} },
	{ "long, NX without NXE in an upper level", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, 0,
	  LONG(0x12345000, NX, 0, 0, 7), RSVD, 0, {} },
	{ "long, NX in an upper level forbids fetches", WP, PAE, LM | NXE, 48, 0, 0, 0x2000, VA4, X,
	  LONG(0x12345000, NX, 0, 0, 7), P | X, 0, {} },
	{ "long, user access, supervisor at one upper level", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, U,
	  { { E4, 0x3007 }, { E3, 0x4003 }, { E2, 0x5007 }, { E1, 0x12345007 } }, P | U, 0, {} },
	{ "long, user write, read-only at one upper level", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, W | U,
	  { { E4, 0x3005 }, { E3, 0x4007 }, { E2, 0x5007 }, { E1, 0x12345007 } }, P | W | U, 0,
	  {} },
	{ "long, no memory for a table: ones, bit 51:48 reserved", WP, PAE, LM | NXE, 48, 0, 0, 0x2000, VA4, W,
	  { { E4, 0x3007 } }, RSVD | W, 0, {} },

	/* SMEP, SMAP */
	{ "SMEP: supervisor fetch of a user page", WP, PAE | X86_CR4_SMEP, LM, 48, 0, 0, 0x2000, VA4, X,
	  LONG(0x12345000, 0, 0, 0, 7), P | X, 0, {} },
	{ "SMEP: user fetch of a user page", WP, PAE | X86_CR4_SMEP, LM, 48, 0, 0, 0x2000, VA4, X | U,
	  LONG(0x12345000, 0, 0, 0, 0x67), OK, 0x12345abc, { 0x3027, 0x4027, 0x5027, 0x12345067 } },
	{ "SMAP: supervisor read of a user page", WP, PAE | X86_CR4_SMAP, LM, 48, 0, 0, 0x2000, VA4, 0,
	  LONG(0x12345000, 0, 0, 0, 7), P, 0, {} },
	{ "SMAP: with AC", WP, PAE | X86_CR4_SMAP, LM, 48, AC, 0, 0x2000, VA4, 0,
	  LONG(0x12345000, 0, 0, 0, 0x67), OK, 0x12345abc, { 0x3027, 0x4027, 0x5027, 0x12345067 } },
	{ "SMAP: implicit access, AC does not help", WP, PAE | X86_CR4_SMAP, LM, 48, AC, 0, 0x2000, VA4,
	  W | IMPL, LONG(0x12345000, 0, 0, 0, 7), P | W, 0, {} },
	{ "SMAP: supervisor page", WP, PAE | X86_CR4_SMAP, LM, 48, 0, 0, 0x2000, VA4, W,
	  LONG(0x12345000, 0, 0, 0, 3), OK, 0x12345abc, { 0x3027, 0x4027, 0x5027, 0x12345063 } },
	{ "SMAP does not concern fetches", WP, PAE | X86_CR4_SMAP, LM, 48, 0, 0, 0x2000, VA4, X,
	  LONG(0x12345000, 0, 0, 0, 0x27), OK, 0x12345abc, { 0x3027, 0x4027, 0x5027, 0x12345027 } },

	/* protection keys: key 5, PKRU bits 11:10 */
	{ "PKU: access disabled", WP, PAE | X86_CR4_PKE, LM, 48, 0, 1 << 10, 0x2000, VA4, U,
	  LONG(0x12345000, 0, 0, 0, 5ULL << 59 | 7), PK | U, 0, {} },
	{ "PKU: supervisor read, access disabled", WP, PAE | X86_CR4_PKE, LM, 48, 0, 1 << 10, 0x2000, VA4, 0,
	  LONG(0x12345000, 0, 0, 0, 5ULL << 59 | 7), PK, 0, {} },
	{ "PKU: write disabled, read", WP, PAE | X86_CR4_PKE, LM, 48, 0, 2 << 10, 0x2000, VA4, U,
	  LONG(0x12345000, 0, 0, 0, 5ULL << 59 | 7), OK, 0x12345abc,
	  { 0x3027, 0x4027, 0x5027, 5ULL << 59 | 0x12345027 } },
	{ "PKU: write disabled, user write", PG, PAE | X86_CR4_PKE, LM, 48, 0, 2 << 10, 0x2000, VA4, W | U,
	  LONG(0x12345000, 0, 0, 0, 5ULL << 59 | 7), PK | W | U, 0, {} },
	{ "PKU: write disabled, supervisor write, WP=1", WP, PAE | X86_CR4_PKE, LM, 48, 0, 2 << 10, 0x2000,
	  VA4, W, LONG(0x12345000, 0, 0, 0, 5ULL << 59 | 7), PK | W, 0, {} },
	{ "PKU: write disabled, supervisor write, WP=0", PG, PAE | X86_CR4_PKE, LM, 48, 0, 2 << 10, 0x2000,
	  VA4, W, LONG(0x12345000, 0, 0, 0, 5ULL << 59 | 7), OK, 0x12345abc,
	  { 0x3027, 0x4027, 0x5027, 5ULL << 59 | 0x12345067 } },
	{ "PKU: supervisor page", WP, PAE | X86_CR4_PKE, LM, 48, 0, 3 << 10, 0x2000, VA4, W,
	  LONG(0x12345000, 0, 0, 0, 5ULL << 59 | 3), OK, 0x12345abc,
	  { 0x3027, 0x4027, 0x5027, 5ULL << 59 | 0x12345063 } },
	{ "PKU: fetch", WP, PAE | X86_CR4_PKE, LM, 48, 0, 3 << 10, 0x2000, VA4, X | U,
	  LONG(0x12345000, 0, 0, 0, 5ULL << 59 | 7), OK, 0x12345abc,
	  { 0x3027, 0x4027, 0x5027, 5ULL << 59 | 0x12345027 } },
	{ "PKU: another key", WP, PAE | X86_CR4_PKE, LM, 48, 0, ~(3U << 10), 0x2000, VA4, W | U,
	  LONG(0x12345000, 0, 0, 0, 5ULL << 59 | 7), OK, 0x12345abc,
	  { 0x3027, 0x4027, 0x5027, 5ULL << 59 | 0x12345067 } },
	{ "PKU off: keys ignored", WP, PAE, LM, 48, 0, ~0U, 0x2000, VA4, W | U,
	  LONG(0x12345000, 0, 0, 0, 5ULL << 59 | 7), OK, 0x12345abc,
	  { 0x3027, 0x4027, 0x5027, 5ULL << 59 | 0x12345067 } },
	{ "PKU: key and permission both forbid", WP, PAE | X86_CR4_PKE, LM, 48, 0, 3 << 10, 0x2000, VA4, W | U,
	  LONG(0x12345000, 0, 0, 0, 5ULL << 59 | 5), PK | W | U, 0, {} },
	{ "PKU: 2 MiB page", WP, PAE | X86_CR4_PKE, LM, 48, 0, 1 << 10, 0x2000, VA4, U,
	  { { E4, 0x3007 }, { E3, 0x4007 }, { E2, 5ULL << 59 | 0x12400087 } }, PK | U, 0, {} },

	/* 5 levels */
	{ "5 levels", WP, PAE | X86_CR4_LA57, LM, 52, 0, 0, 0x1000, VA5, W,
	  { { E5, 0x2007 }, { E4, 0x3007 }, { E3, 0x4007 }, { E2, 0x5007 }, { E1, 0x12345007 } },
	  OK,
	  0x12345abc, { 0x2027, 0x3027, 0x4027, 0x5027, 0x12345067 } },
	{ "5 levels, PML5E with PS", WP, PAE | X86_CR4_LA57, LM, 52, 0, 0, 0x1000, VA5, W,
	  { { E5, 0x2087 } }, RSVD | W, 0, {} },
	{ "5 levels, PML5E supervisor", WP, PAE | X86_CR4_LA57, LM, 52, 0, 0, 0x1000, VA5, U,
	  { { E5, 0x2003 }, { E4, 0x3007 }, { E3, 0x4007 }, { E2, 0x5007 }, { E1, 0x12345007 } },
	  P | U, 0,
	  {} },
};

static void load(const struct row *row)
{
	memset(&mem, 0xff, sizeof(mem));
	mem.readonly = -1;
	mem.races = mem.reads = mem.writes = 0;
	memcpy(mem.pte, row->pte, sizeof(row->pte));
}

static enum walk_status walk_with(const struct walk_ops *by, const struct row *row,
				  struct walk_result *result)
{
	struct walk_mode mode;

	memset(&mode, 0x5a, sizeof(mode));
	walk_mode_init(&mode, row->cr0, row->cr4, row->efer, row->maxphyaddr,
		       !(row->flags & NO_GB));
	return walk_gva(&mode, by, NULL, row->cr3, row->pkru, row->flags & AC, row->gva,
			row->access, result);
}

static enum walk_status walk(const struct row *row, struct walk_result *result)
{
	return walk_with(&ops, row, result);
}

static void test_row(const struct row *row)
{
	struct walk_result result = {};
	enum walk_status status;
	unsigned int i;

	load(row);
	status = walk(row, &result);
	if (row->fault == OK) {
		tap_ok(status == WALK_OK && result.gpa == row->gpa,
		       "%s: gpa %#llx, saw status %d, gpa %#llx, error %#x", row->what, row->gpa,
		       status, result.gpa, result.error_code);
	} else {
		tap_ok(status == WALK_FAULT && result.error_code == (u32)row->fault,
		       "%s: #PF %#x, saw status %d, error %#x, gpa %#llx", row->what, row->fault,
		       status, result.error_code, result.gpa);
	}
	for (i = 0; i < ARRAY_SIZE(row->pte); i++) {
		u64 want = row->after[i] ?: row->pte[i].val;

		if (row->pte[i].gpa && mem.pte[i].val != want)
			tap_ok(false, "%s: entry %u after the walk: expected %#llx, saw %#llx",
			       row->what, i, want, mem.pte[i].val);
	}
}

/* --- races, read-only tables ------------------------------------------------------------------ */

static const struct row plain = {
	"", WP, PAE, LM, 48, 0, 0, 0x2000, VA4, W, LONG(0x12345000, 0, 0, 0, 7), OK, 0x12345abc, {}
};

static void test_races(void)
{
	struct walk_result result;

	load(&plain);
	mem.races = 3;
	tap_eq(walk(&plain, &result), WALK_OK, "three lost races: walks again");
	tap_eq(result.gpa, 0x12345abc, "and gets there");
	tap_eq(mem.reads, 4 * 4, "reading every entry each time");

	load(&plain);
	mem.races = 1 << 30;
	tap_eq(walk(&plain, &result), WALK_AGAIN, "a race lost for ever ends the walk");
	tap_ok(mem.reads <= 4 * 16, "after at most 16 tries: saw %u reads", mem.reads);

	load(&plain);
	mem.readonly = 1;
	tap_eq(walk(&plain, &result), WALK_OK, "a table in read-only memory can be walked");
	tap_eq(mem.pte[1].val, 0x4007, "its accessed bit stays");
	tap_eq(mem.pte[3].val, 0x12345067, "the others are set");
}

/* --- permissions, exhaustively ---------------------------------------------------------------- */

/* SDM vol. 3, 4.6.1, in its own order. True: the access is allowed. */
static bool allowed(u32 access, bool implicit, bool pw, bool pu, bool pnx, bool wp, bool smep,
		    bool smap, bool ac)
{
	if (!(access & U)) {
		/* supervisor-mode accesses */
		if (access & X) {
			if (!pu)
				return !pnx;
			return !smep && !pnx;
		}
		if (pu && smap && (implicit || !ac))
			return false;
		if (access & W)
			return pw || !wp;
		return true;
	}
	/* user-mode accesses */
	if (!pu)
		return false;
	if (access & X)
		return !pnx;
	if (access & W)
		return pw;
	return true;
}

static void test_permissions(void)
{
	static const u32 accesses[] = { 0, W, X, U, U | W, U | X, IMPL, IMPL | W };
	unsigned int i, bad = 0, n = 0, a;

	for (i = 0; i < 1 << 7; i++) {
		bool pw = i & 1, pu = i & 2, pnx = i & 4, wp = i & 8, smep = i & 16, smap = i & 32,
		     ac = i & 64;

		for (a = 0; a < ARRAY_SIZE(accesses); a++) {
			struct walk_result result;
			struct row row = plain;
			bool ok;

			row.cr0 = wp ? WP : PG;
			row.cr4 = PAE | (smep ? X86_CR4_SMEP : 0) | (smap ? X86_CR4_SMAP : 0);
			row.efer = LM | NXE;
			row.flags = ac ? AC : 0;
			row.access = accesses[a];
			row.pte[3].val = 0x12345001 | pw * PT_WRITE | pu * PT_USER | pnx * NX;
			load(&row);
			ok = walk(&row, &result) == WALK_OK;
			n++;
			if (ok != allowed(row.access, row.access & IMPL, pw, pu, pnx, wp, smep,
					  smap, ac)) {
				bad++;
				tap_diag("access %#x W%d U%d NX%d WP%d SMEP%d SMAP%d AC%d: saw %s",
					 row.access, pw, pu, pnx, wp, smep, smap, ac,
					 ok ? "allowed" : "fault");
			}
		}
	}
	tap_ok(!bad, "%u combinations of access and permissions: %u wrong", n, bad);
}

/* PDPTEs that are registers: memory's are not looked at. */
static u64 loaded_pdpte(void *opaque, unsigned int nr)
{
	return nr == 3 ? 0x4001 : 0;
}

static void test_pdpte_registers(void)
{
	static const struct walk_ops by = { .read = mem_read,
					    .pdpte = loaded_pdpte,
					    .cmpxchg = mem_cmpxchg };
	struct row row = {
		.what = "PAE, the PDPTE is a register",
		.cr0 = WP,
		.cr4 = PAE,
		.maxphyaddr = 36,
		.cr3 = 0x6020,
		.gva = VA32,
		.access = W,
		.pte = { { P3, 0 }, { P2, 0x5007 }, { P1, 0x12345007 } },
	};
	struct walk_result result = {};
	enum walk_status status;

	load(&row);
	status = walk_with(&by, &row, &result);
	tap_ok(status == WALK_OK && result.gpa == 0x12345def && mem.reads == 2,
	       "%s: gpa 0x12345def after 2 reads, saw status %d, gpa %#llx, %u reads", row.what,
	       status, result.gpa, mem.reads);
	row.gva -= 1 << 30;
	load(&row);
	status = walk_with(&by, &row, &result);
	tap_ok(status == WALK_FAULT && result.error_code == W && !mem.reads,
	       "%s, of which another is absent: #PF %#x, no read; saw status %d, error %#x, %u reads",
	       row.what, (u32)W, status, result.error_code, mem.reads);
}

int main(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		test_row(&rows[i]);
	test_races();
	test_pdpte_registers();
	test_permissions();
	return tap_done();
}
