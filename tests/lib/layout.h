/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where things are in a small guest's physical memory; also read by guests and by assembly.
 * Everything below 4 GiB is mapped one to one in the paging modes.
 */
#ifndef TESTS_LIB_LAYOUT_H
#define TESTS_LIB_LAYOUT_H

#define GUEST_PARAMS	0x1000		/* struct guest_params, 4 KiB */
#define GUEST_IOLOG	0x2000		/* struct guest_io_log, 4 KiB */
#define GUEST_TRAMP	0x7000		/* where application processors start, in real mode */
#define GUEST_REAL	0x8000		/* real-mode guests, to 0xffff */
#define GUEST_PML4	0x10000		/* 64-bit page tables: one PML4, one PDPT, ... */
#define GUEST_PDPT	0x11000
#define GUEST_PD	0x12000		/* ... four directories of 2 MiB pages */
#define GUEST_PAE	0x16000		/* PAE: a PDPT, which shares those directories */
#define GUEST_PD32	0x17000		/* 32-bit: a directory of 4 MiB pages */
#define GUEST_GDT	0x18000
#define GUEST_TSS	0x19000		/* 4 KiB for 64-bit TSSes, 128 bytes each */
#define GUEST_IMAGE	0x100000	/* the guest's program */
#define GUEST_RAM	0x2000000	/* bytes of memory at 0 */

#define PV_EOI_PAGE	0x4000000	/* memory of its own for guest/apic pv-eoi-slot */

#define GUEST_MMIO	0xd0000000	/* no memory; the test's own device */

/* Selectors. */
#define SEL_CODE64	0x08
#define SEL_DATA	0x10
#define SEL_CODE32	0x18
#define SEL_CODE16	0x20
#define SEL_DATA16	0x28
#define SEL_UCODE64	0x33		/* user, RPL 3 */
#define SEL_UDATA	0x3b
#define SEL_TSS		0x40		/* of vCPU n: SEL_TSS + 16 n */

/* Ports. */
#define PORT_REPORT	0xf0		/* gpa of a struct guest_report (out, 32 bits) */
#define PORT_END	0xf4		/* ends a guest that has no reports (out, any width) */
#define PORT_TEST	0x2e0		/* 16 ports that remember what was written to them */
#define PORT_TESTS	16

#define GUEST_MAX_CPUS	8

#ifndef __ASSEMBLER__

/* What a guest says; the addresses are gpas in its image. */
struct guest_report {
	unsigned int kind;		/* REPORT_* */
	unsigned int cpu;
	unsigned long long file;	/* string */
	unsigned long long what;	/* string */
	unsigned long long line;
	unsigned long long seen;
	unsigned long long want;
};

enum {
	REPORT_FAIL = 1,	/* seen is not want */
	REPORT_LOG,		/* what, with seen as a number */
	REPORT_SKIP,		/* what: the reason */
	REPORT_DONE,		/* seen: how many checks were made */
	REPORT_DEAD,		/* cannot go on; what: why, seen and want: numbers for it */
	REPORT_SYNC,		/* asks the host to do what the test says (seen) */
};

/* Every access to a port or to MMIO that reached userspace, but for reports. */
struct guest_io {
	unsigned long long addr;	/* port or gpa */
	unsigned long long data;
	unsigned char bytes;
	unsigned char write;
	unsigned char port;		/* 1: a port */
	unsigned char item;		/* of one exit, from 0 */
	unsigned int cpu;
};

#define GUEST_IO_ENTRIES 128

struct guest_io_log {
	unsigned long long count;	/* may exceed the entries that there are */
	unsigned long long pad;
	struct guest_io entry[GUEST_IO_ENTRIES];
};

/* From the host, before the guest starts. */
struct guest_params {
	unsigned long long entry;	/* the guest's function */
	unsigned long long cpus;
	unsigned long long tsc_khz;
	unsigned long long arg[8];	/* the test's own */
	unsigned long long result[8];	/* back */
};

#endif
#endif
