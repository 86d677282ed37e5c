// SPDX-License-Identifier: GPL-2.0-only
/*
 * String port I/O and MMIO: every width and the instructions that compilers and Linux's
 * drivers use on device memory. The host's device keeps what is written, and logs each access.
 */
#include "apic.h"
#include "rt.h"

#define MMIO ((u64)GUEST_MMIO)

static u8 buffer[16384] __attribute__((aligned(4096)));

static void mmio_reset(void)
{
	unsigned int i;

	for (i = 0; i < 64; i += 8) {
		*(volatile u64 *)(MMIO + i) =
			0x8786858483828180ull + 0x0808080808080808ull * (i / 8);
	}
	io_log->count = 0;
}

static void check_io(unsigned int entry, u64 addr, unsigned int bytes, bool write, u64 data)
{
	volatile struct guest_io *io = &io_log->entry[entry];

	check_eq("log: address", io->addr, addr);
	check_eq("log: bytes", io->bytes, bytes);
	check_eq("log: write", io->write, write);
	check_eq("log: data", io->data, data);
}

/* ---- string port I/O ---- */

void outs(void)
{
	const void *from = buffer;
	unsigned int i;

	for (i = 0; i < 64; i++)
		buffer[i] = i + 1;
	io_log->count = 0;
	asm volatile("outsb" : "+S"(from) : "d"(PORT_TEST) : "memory");
	check_eq("RSI after outsb", (uintptr_t)from, (uintptr_t)buffer + 1);
	asm volatile("outsw" : "+S"(from) : "d"(PORT_TEST) : "memory");
	check_eq("RSI after outsw", (uintptr_t)from, (uintptr_t)buffer + 3);
	asm volatile("outsl" : "+S"(from) : "d"(PORT_TEST) : "memory");
	check_eq("RSI after outsl", (uintptr_t)from, (uintptr_t)buffer + 7);
	check_eq("items", io_log->count, 3);
	check_io(0, PORT_TEST, 1, true, 0x01);
	check_io(1, PORT_TEST, 2, true, 0x0302);
	check_io(2, PORT_TEST, 4, true, 0x07060504);
	asm volatile("std; outsw; cld" : "+S"(from) : "d"(PORT_TEST) : "memory");
	check_eq("RSI after outsw backwards", (uintptr_t)from, (uintptr_t)buffer + 5);
	check_io(3, PORT_TEST, 2, true, 0x0908);
}

void ins(void)
{
	void *to = buffer;

	out32(PORT_TEST, 0x44332211);
	memset(buffer, 0xee, 16);
	asm volatile("insb" : "+D"(to) : "d"(PORT_TEST) : "memory");
	asm volatile("insw" : "+D"(to) : "d"(PORT_TEST) : "memory");
	asm volatile("insl" : "+D"(to) : "d"(PORT_TEST) : "memory");
	check_eq("RDI", (uintptr_t)to, (uintptr_t)buffer + 7);
	check_eq("memory", *(u64 *)buffer, 0xee44332211221111);
}

static void rep_out(unsigned int bytes, u64 n)
{
	const void *from = buffer;
	u64 left = n, i;

	io_log->count = 0;
	if (bytes == 1)
		asm volatile("rep outsb" : "+S"(from), "+c"(left) : "d"(PORT_TEST) : "memory");
	else if (bytes == 2)
		asm volatile("rep outsw" : "+S"(from), "+c"(left) : "d"(PORT_TEST) : "memory");
	else
		asm volatile("rep outsl" : "+S"(from), "+c"(left) : "d"(PORT_TEST) : "memory");
	check_eq("RCX after rep outs", left, 0);
	check_eq("RSI after rep outs", (uintptr_t)from, (uintptr_t)buffer + n * bytes);
	check_eq("items", io_log->count, n);
	for (i = 0; i < n && i < GUEST_IO_ENTRIES; i++) {
		u64 want = 0;

		memcpy(&want, buffer + i * bytes, bytes);
		check_io(i, PORT_TEST, bytes, true, want);
	}
}

void rep_outs(void)
{
	unsigned int i;

	for (i = 0; i < sizeof(buffer); i++)
		buffer[i] = i * 7 + (i >> 8);
	rep_out(1, 0);
	rep_out(1, 1);
	rep_out(1, 100);
	rep_out(2, 77);
	rep_out(4, 50);
	rep_out(1, 5000);	/* over page boundaries and more than one exit's data */
	rep_out(4, 3000);
}

static void rep_in(unsigned int bytes, u64 n)
{
	void *to = buffer;
	u64 left = n, i, wrong = 0;

	memset(buffer, 0xee, sizeof(buffer));
	io_log->count = 0;
	if (bytes == 1)
		asm volatile("rep insb" : "+D"(to), "+c"(left) : "d"(PORT_TEST) : "memory");
	else if (bytes == 2)
		asm volatile("rep insw" : "+D"(to), "+c"(left) : "d"(PORT_TEST) : "memory");
	else
		asm volatile("rep insl" : "+D"(to), "+c"(left) : "d"(PORT_TEST) : "memory");
	check_eq("RCX after rep ins", left, 0);
	check_eq("RDI after rep ins", (uintptr_t)to, (uintptr_t)buffer + n * bytes);
	/* The driver may read ahead, but never more than was asked for. */
	check_eq("items", io_log->count, n);
	for (i = 0; i < n * bytes; i++)
		wrong += buffer[i] != 0xa1 + i % bytes;
	check_eq("wrong bytes", wrong, 0);
	check_eq("the byte behind", buffer[n * bytes], 0xee);
}

void rep_ins(void)
{
	out32(PORT_TEST, 0xa4a3a2a1);
	rep_in(1, 0);
	rep_in(1, 1);
	rep_in(1, 100);
	rep_in(2, 300);
	rep_in(4, 600);
	rep_in(1, 5000);
}

/* A page fault in the middle of rep insb: what was read before it is there, and it goes on. */
static volatile u64 table[512] __attribute__((aligned(4096)));
#define WINDOW 0x1e00000ull

static volatile u64 fixed;

static void fix(struct frame *f)
{
	if (++fixed > 3)
		rt_dead("the page fault comes again and again: RCX, CR2", f->rcx, read_cr2());
	table[1] = (WINDOW + 0x1000) | 3;
	invlpg(WINDOW + 0x1000);
}

void rep_ins_fault(void)
{
	volatile u64 *pd = (volatile u64 *)(uintptr_t)GUEST_PD;
	u8 *to = (u8 *)WINDOW + 0x1000 - 10;
	u64 left = 20, i, wrong = 0;
	void *p = to;

	for (i = 0; i < 512; i++)
		table[i] = (WINDOW + i * 4096) | 3;
	table[1] = 0;
	pd[WINDOW >> 21] = (uintptr_t)table | 3;
	write_cr3(read_cr3());
	rt_handler[14] = fix;
	out8(PORT_TEST, 0x77);
	asm volatile("rep insb" : "+D"(p), "+c"(left) : "d"(PORT_TEST) : "memory");
	check_eq("page faults", fixed, 1);
	check_eq("RCX", left, 0);
	check_eq("RDI", (uintptr_t)p, (uintptr_t)to + 20);
	for (i = 0; i < 20; i++)
		wrong += to[i] != 0x77;
	check_eq("wrong bytes", wrong, 0);
	/* The driver walked the tables, and marked them as a CPU does. */
	check_eq("directory entry", pd[WINDOW >> 21], (uintptr_t)table | 0x23);
	check_eq("first page's entry", table[0], WINDOW | 0x63);
	check_eq("second page's entry", table[1], (WINDOW + 0x1000) | 0x63);
}

/* ---- MMIO ---- */

void mmio_widths(void)
{
	mmio_reset();
	check_eq("1 byte", *(volatile u8 *)(MMIO + 3), 0x83);
	check_eq("2 bytes", *(volatile u16 *)(MMIO + 2), 0x8382);
	check_eq("4 bytes", *(volatile u32 *)(MMIO + 4), 0x87868584);
	check_eq("8 bytes", *(volatile u64 *)(MMIO + 8), 0x8f8e8d8c8b8a8988);
	check_eq("exits", io_log->count, 4);
	check_io(0, MMIO + 3, 1, false, 0x83);
	check_io(1, MMIO + 2, 2, false, 0x8382);
	check_io(2, MMIO + 4, 4, false, 0x87868584);
	check_io(3, MMIO + 8, 8, false, 0x8f8e8d8c8b8a8988);
	*(volatile u8 *)(MMIO + 0x10) = 0x11;
	*(volatile u16 *)(MMIO + 0x12) = 0x2222;
	*(volatile u32 *)(MMIO + 0x14) = 0x33333333;
	*(volatile u64 *)(MMIO + 0x18) = 0x4444444444444444;
	check_io(4, MMIO + 0x10, 1, true, 0x11);
	check_io(5, MMIO + 0x12, 2, true, 0x2222);
	check_io(6, MMIO + 0x14, 4, true, 0x33333333);
	check_io(7, MMIO + 0x18, 8, true, 0x4444444444444444);
	check_eq("exits", io_log->count, 8);
	check_eq("beyond the device", *(volatile u32 *)(MMIO + 0x1000), 0xffffffff);
	check_eq("unaligned", *(volatile u32 *)(MMIO + 0x21), 0xa4a3a2a1);
}

#define LOAD(insn, reg, at, type)						\
({										\
	u64 v_ = 0x1122334455667788;						\
										\
	asm volatile(insn " (%1), " reg : "+a"(v_) : "r"(MMIO + (at)) : "memory");	\
	v_;									\
})

void mmio_loads(void)
{
	u64 v;

	mmio_reset();
	check_eq("movb keeps the rest", LOAD("movb", "%%al", 0, u8), 0x1122334455667780);
	check_eq("movb to AH", LOAD("movb", "%%ah", 0, u8), 0x1122334455668088);
	check_eq("movw keeps the rest", LOAD("movw", "%%ax", 0, u16), 0x1122334455668180);
	check_eq("movl clears the upper half", LOAD("movl", "%%eax", 0, u32), 0x83828180);
	check_eq("movq", LOAD("movq", "%%rax", 0, u64), 0x8786858483828180);
	check_eq("movzbl", LOAD("movzbl", "%%eax", 1, u8), 0x81);
	check_eq("movzbq", LOAD("movzbq", "%%rax", 1, u8), 0x81);
	check_eq("movzwl", LOAD("movzwl", "%%eax", 2, u16), 0x8382);
	check_eq("movsbl", LOAD("movsbl", "%%eax", 1, u8), 0xffffff81);
	check_eq("movsbq", LOAD("movsbq", "%%rax", 1, u8), 0xffffffffffffff81);
	check_eq("movswl", LOAD("movswl", "%%eax", 2, u16), 0xffff8382);
	check_eq("movswq", LOAD("movswq", "%%rax", 2, u16), 0xffffffffffff8382);
	check_eq("movslq", LOAD("movslq", "%%rax", 4, u32), 0xffffffff87868584);
	check_eq("movzbw keeps the rest", LOAD("movzbw", "%%ax", 1, u8), 0x1122334455660081);
	asm volatile("movabsl 0xd0000004, %%eax" : "=a"(v));
	check_eq("moffs", v, 0x87868584);
	asm volatile("movq %1, %%rbx; movl 4(%%rbx, %2, 4), %k0"
		     : "=a"(v)
		     : "r"(MMIO), "r"(1ull)
		     : "rbx");
	check_eq("base, index, displacement", v, 0x8b8a8988);
	check_eq("exits", io_log->count, 16);
}

void mmio_stores(void)
{
	mmio_reset();
	asm volatile("movb $0x5a, (%0)" :: "r"(MMIO) : "memory");
	check_io(0, MMIO, 1, true, 0x5a);
	asm volatile("movw $0x5a5b, (%0)" :: "r"(MMIO) : "memory");
	check_io(1, MMIO, 2, true, 0x5a5b);
	asm volatile("movl $0x5a5b5c5d, (%0)" :: "r"(MMIO) : "memory");
	check_io(2, MMIO, 4, true, 0x5a5b5c5d);
	asm volatile("movq $-2, (%0)" :: "r"(MMIO) : "memory");
	check_io(3, MMIO, 8, true, 0xfffffffffffffffe);
	asm volatile("movb %%ah, (%0)" :: "r"(MMIO), "a"(0x1234) : "memory");
	check_io(4, MMIO, 1, true, 0x12);
	asm volatile("movq %0, %%r15; movl %%r15d, (%1)" ::"r"(0x987654321ull), "r"(MMIO)
		     : "r15", "memory");
	check_io(5, MMIO, 4, true, 0x87654321);
	asm volatile("movabsl %%eax, 0xd0000008" :: "a"(0x01020304) : "memory");
	check_io(6, MMIO + 8, 4, true, 0x01020304);
	check_eq("exits", io_log->count, 7);
}

/* Read, change, write: two exits; flags as the instruction sets them. */
#define RMW(what, insn, was, is, wanted_flags)					\
do {										\
	u64 flags_;								\
										\
	*(volatile u32 *)MMIO = was;						\
	io_log->count = 0;							\
	asm volatile("cmp %%eax, %%eax\n\t" insn "\n\tpushfq\n\tpopq %0"	\
		     : "=r"(flags_) : "r"(MMIO), "a"(0x0f0f0f0f) : "memory", "cc");	\
	check_eq(what ": exits", io_log->count, 2);				\
	check_eq(what ": result", *(volatile u32 *)MMIO, is);			\
	check_eq(what ": flags", flags_ & 0x8c5, wanted_flags);			\
} while (0)

#define CF 1
#define PF 4
#define ZF 0x40
#define SF 0x80
#define OF 0x800

void mmio_modify(void)
{
	RMW("andl", "andl %%eax, (%1)", 0xff00ff00, 0x0f000f00, PF);
	RMW("orl", "orl %%eax, (%1)", 0xf0000000, 0xff0f0f0f, SF | PF);
	RMW("xorl", "xorl %%eax, (%1)", 0x0f0f0f0f, 0, ZF | PF);
	RMW("addl", "addl %%eax, (%1)", 0xfffffff1, 0x0f0f0f00, CF | PF);
	RMW("subl", "subl %%eax, (%1)", 0x0f0f0f10, 1, 0);
	RMW("lock orl", "lock orl %%eax, (%1)", 0x80000000, 0x8f0f0f0f, SF | PF);
	RMW("orl, immediate", "orl $1, (%1)", 0x80000000, 0x80000001, SF);
	RMW("andl, immediate", "andl $-2, (%1)", 1, 0, ZF | PF);
	RMW("notl", "notl (%1)", 0x12345678, 0xedcba987, ZF | PF);	/* those of CMP */
	RMW("incl", "incl (%1)", 0x7fffffff, 0x80000000, OF | SF | PF);
	RMW("decl", "decl (%1)", 1, 0, ZF | PF);
	RMW("btsl", "btsl $4, (%1)", 0, 0x10, ZF | PF);
	RMW("lock btrl", "lock btrl $4, (%1)", 0x10, 0, ZF | PF | CF);
}

void mmio_compare(void)
{
	u64 flags;
	u32 eax = 0x11111111;

	mmio_reset();
	asm volatile("testl $0x80000000, (%1)\n\tpushfq\n\tpopq %0"
		     : "=r"(flags)
		     : "r"(MMIO)
		     : "memory", "cc");
	check_eq("testl: ZF", flags & ZF, 0);
	asm volatile("testb $0x40, (%1)\n\tpushfq\n\tpopq %0"
		     : "=r"(flags)
		     : "r"(MMIO)
		     : "memory", "cc");
	check_eq("testb: ZF", flags & ZF, ZF);
	asm volatile("cmpl $0x83828180, (%1)\n\tpushfq\n\tpopq %0"
		     : "=r"(flags)
		     : "r"(MMIO)
		     : "memory", "cc");
	check_eq("cmpl with memory first: ZF", flags & ZF, ZF);
	asm volatile("cmpl (%1), %2\n\tpushfq\n\tpopq %0"
		     : "=r"(flags)
		     : "r"(MMIO), "r"(0)
		     : "memory", "cc");
	check_eq("cmpl with memory second: CF", flags & CF, CF);
	asm volatile("btl $7, (%1)\n\tpushfq\n\tpopq %0"
		     : "=r"(flags)
		     : "r"(MMIO)
		     : "memory", "cc");
	check_eq("btl: CF", flags & CF, CF);
	check_eq("exits", io_log->count, 5);
	io_log->count = 0;
	asm volatile("xchgl %0, (%1)" : "+r"(eax) : "r"(MMIO) : "memory");
	check_eq("xchgl: register", eax, 0x83828180);
	check_eq("xchgl: exits", io_log->count, 2);
	check_io(1, MMIO, 4, true, 0x11111111);
	io_log->count = 0;
	eax = 0x11111111;
	asm volatile("cmpxchgl %2, (%1)" : "+a"(eax) : "r"(MMIO), "r"(0x22222222) : "memory", "cc");
	check_eq("cmpxchgl, equal: memory", *(volatile u32 *)MMIO, 0x22222222);
	eax = 0x33333333;
	asm volatile("cmpxchgl %2, (%1)\n\tpushfq\n\tpopq %3"
		     : "+a"(eax)
		     : "r"(MMIO), "r"(0x44444444), "m"(flags)
		     : "memory", "cc");
	check_eq("cmpxchgl, not equal: EAX", eax, 0x22222222);
	eax = 5;
	asm volatile("xaddl %0, (%1)" : "+r"(eax) : "r"(MMIO) : "memory", "cc");
	check_eq("xaddl: register", eax, 0x22222222);
	check_eq("xaddl: memory", *(volatile u32 *)MMIO, 0x22222227);
}

/* Arithmetic with a register as the destination: one exit. */
void mmio_operands(void)
{
	u32 v = 1;

	mmio_reset();
	asm volatile("addl (%1), %0" : "+r"(v) : "r"(MMIO) : "cc");
	check_eq("addl", v, 0x83828181);
	asm volatile("orl (%1), %0" : "+r"(v) : "r"(MMIO + 4) : "cc");
	check_eq("orl", v, 0x83828181 | 0x87868584);
	asm volatile("andl (%1), %0" : "+r"(v) : "r"(MMIO) : "cc");
	check_eq("andl", v, 0x83828180);
	asm volatile("subl (%1), %0" : "+r"(v) : "r"(MMIO) : "cc");
	check_eq("subl", v, 0);
	asm volatile("xorl (%1), %0" : "+r"(v) : "r"(MMIO) : "cc");
	check_eq("xorl", v, 0x83828180);
	asm volatile("imull $2, (%1), %0" : "=r"(v) : "r"(MMIO) : "cc");
	check_eq("imull", v, 0x83828180u * 2);
	asm volatile("cmovzl (%1), %0" : "+r"(v) : "r"(MMIO + 4), "a"(0) : "cc");
	check_eq("exits", io_log->count >= 6, 1);
}

void mmio_strings(void)
{
	const void *from;
	void *to;
	u64 n;

	mmio_reset();
	memset(buffer, 0xee, 64);
	from = (void *)MMIO, to = buffer, n = 16;
	asm volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(n) :: "memory");
	check_eq("rep movsb from MMIO: RCX", n, 0);
	check_eq("RSI", (uintptr_t)from, MMIO + 16);
	check_eq("bytes 0-7", *(u64 *)buffer, 0x8786858483828180);
	check_eq("bytes 8-15", *(u64 *)(buffer + 8), 0x8f8e8d8c8b8a8988);
	check_eq("the byte behind", buffer[16], 0xee);
	check_eq("bytes that came from the device", io_log->count >= 2, 1);
	from = (void *)MMIO, to = buffer, n = 4;
	asm volatile("rep movsl" : "+S"(from), "+D"(to), "+c"(n) :: "memory");
	check_eq("rep movsl from MMIO", *(u64 *)(buffer + 8), 0x8f8e8d8c8b8a8988);
	memset(buffer, 0x5c, 64);
	from = buffer, to = (void *)MMIO, n = 8;
	asm volatile("rep movsq" : "+S"(from), "+D"(to), "+c"(n) :: "memory");
	check_eq("rep movsq to MMIO", *(volatile u64 *)(MMIO + 56), 0x5c5c5c5c5c5c5c5c);
	check_eq("RDI", (uintptr_t)to, MMIO + 64);
	to = (void *)MMIO, n = 8;
	asm volatile("rep stosl" : "+D"(to), "+c"(n) : "a"(0xabcdef01) : "memory");
	check_eq("rep stosl: RDI", (uintptr_t)to, MMIO + 32);
	check_eq("rep stosl", *(volatile u64 *)(MMIO + 24), 0xabcdef01abcdef01);
	check_eq("what is behind it", *(volatile u32 *)(MMIO + 32), 0x5c5c5c5c);
	from = (void *)MMIO;
	asm volatile("lodsl" : "+S"(from), "=a"(n));
	check_eq("lodsl", (u32)n, 0xabcdef01);
	from = (void *)MMIO, to = (void *)(MMIO + 0x40), n = 4;
	asm volatile("rep movsl" : "+S"(from), "+D"(to), "+c"(n) :: "memory");
	check_eq("rep movsl from MMIO to MMIO", *(volatile u32 *)(MMIO + 0x4c), 0xabcdef01);
	from = buffer + 8, to = (void *)(MMIO + 16);
	asm volatile("std; movsb; cld" : "+S"(from), "+D"(to) :: "memory");
	check_eq("movsb backwards: RSI", (uintptr_t)from, (uintptr_t)buffer + 7);
}

void mmio_stack(void)
{
	u64 v = 0;

	mmio_reset();
	asm volatile("pushq (%1)\n\tpopq %0" : "=r"(v) : "r"(MMIO) : "memory");
	check_eq("pushq from MMIO", v, 0x8786858483828180);
	asm volatile("pushq %0\n\tpopq (%1)" :: "r"(0x123456789ull), "r"(MMIO) : "memory");
	check_eq("popq to MMIO", *(volatile u64 *)MMIO, 0x123456789);
}

/* RSP in the device: the implicit accesses, and what leaves and returns. */
void mmio_rsp(void)
{
	u64 a = 0, b = 0, c = 0, sp = 0;

	mmio_reset();
	asm volatile("movq %%rsp, %%r8\n\tmovq %4, %%rsp\n\t"
		     "pushq $-2\n\tpushq $0x12345678\n\tpopq %0\n\tpopq %1\n\t"
		     "call 1f\n\tjmp 2f\n1:\tmovq (%%rsp), %2\n\tret\n2:\t"
		     "movq %%rsp, %3\n\tmovq %%r8, %%rsp"
		     : "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(sp)
		     : "r"(MMIO + 64)
		     : "r8", "memory");
	check_eq("pushq of 32 bits, popq", a, 0x12345678);
	check_eq("pushq of 8 bits, popq", b, -2ull);
	check_eq("call pushed what ret took: the address", *(volatile u64 *)(MMIO + 56), c);
	check_eq("RSP", sp, MMIO + 64);
	asm volatile("movq %%rsp, %%r8\n\tmovq %%rbp, %%r9\n\tmovq %2, %%rsp\n\t"
		     "movq $0x600d, %%rbp\n\tenter $16, $0\n\tmovq %%rbp, %0\n\t"
		     "movq %%rsp, %1\n\tleave\n\t"
		     "xchgq %%rbp, %%r9\n\tmovq %%r8, %%rsp"
		     : "=&r"(a), "=&r"(sp)
		     : "r"(MMIO + 64)
		     : "r8", "r9", "memory");
	check_eq("enter: RBP", a, MMIO + 56);
	check_eq("enter: RSP", sp, MMIO + 40);
	check_eq("enter: RBP on the stack", *(volatile u64 *)(MMIO + 56), 0x600d);
}

/* Two neighbouring virtual pages are the device's one page: the second half comes first in it. */
void mmio_straddle(void)
{
	volatile u64 *pd = (volatile u64 *)(uintptr_t)GUEST_PD;
	u64 gva = WINDOW + 0x1000 - 4, i, v;

	for (i = 0; i < 512; i++)
		table[i] = (WINDOW + i * 4096) | 3;
	table[0] = table[1] = MMIO | 3;
	pd[WINDOW >> 21] = (uintptr_t)table | 3;
	write_cr3(read_cr3());
	mmio_reset();
	*(volatile u32 *)(MMIO + 0xffc) = 0x44332211;
	io_log->count = 0;
	asm volatile("movq (%1), %0" : "=r"(v) : "r"(gva) : "memory");
	check_eq("read", v, 0x8382818044332211);
	check_eq("exits", io_log->count, 2);
	check_io(0, MMIO + 0xffc, 4, false, 0x44332211);
	check_io(1, MMIO, 4, false, 0x83828180);
	asm volatile("movq %0, (%1)" ::"r"(0x1122334455667788), "r"(gva) : "memory");
	check_io(2, MMIO + 0xffc, 4, true, 0x55667788);
	check_io(3, MMIO, 4, true, 0x11223344);
	asm volatile("addq %0, (%1)" ::"r"(0x100000000), "r"(gva) : "memory", "cc");
	check_eq("modified", *(volatile u32 *)MMIO, 0x11223345);
	/* Half device, half memory. */
	table[1] = (WINDOW + 0x1000) | 3;
	invlpg(WINDOW + 0x1000);
	*(volatile u32 *)(WINDOW + 0x1000) = 0xaabbccdd;
	asm volatile("movq (%1), %0" : "=r"(v) : "r"(gva) : "memory");
	check_eq("device, then memory", v, 0xaabbccdd55667788);
}

/* REPE CMPS, REPNE SCAS: each iteration may go to userspace; count, flags, registers after it. */
void mmio_scan(void)
{
	const u8 *a, *b;
	u64 n;
	u8 equal;

	mmio_reset();
	memset(buffer, 0, 64);
	for (n = 0; n < 16; n++)
		buffer[n] = 0x80 + n;
	buffer[11] = 0;
	a = (const u8 *)MMIO, b = buffer, n = 16;
	asm volatile("repe cmpsb" : "+S"(a), "+D"(b), "+c"(n), "=@cce"(equal)::"memory");
	check_eq("cmpsb, device and memory: equal", equal, 0);
	check_eq("RCX", n, 4);
	check_eq("RSI", (uintptr_t)a, MMIO + 12);
	check_eq("RDI", (uintptr_t)b, (uintptr_t)buffer + 12);
	*(volatile u64 *)(MMIO + 32) = *(volatile u64 *)MMIO;
	a = (const u8 *)MMIO, b = (const u8 *)MMIO + 32, n = 2;
	asm volatile("repe cmpsl" : "+S"(a), "+D"(b), "+c"(n), "=@cce"(equal)::"memory");
	check_eq("cmpsl, both in the device: equal", equal, 1);
	check_eq("RCX", n, 0);
	check_eq("RSI", (uintptr_t)a, MMIO + 8);
	b = (const u8 *)MMIO, n = 16;
	asm volatile("repne scasb" : "+D"(b), "+c"(n), "=@cce"(equal) : "a"(0x85) : "memory");
	check_eq("scasb: found", equal, 1);
	check_eq("RCX", n, 10);
	check_eq("RDI", (uintptr_t)b, MMIO + 6);
	b = (const u8 *)MMIO + 0x100, n = 40;
	out8(PORT_TEST, 0x3c);
	asm volatile("rep insb" : "+D"(b), "+c"(n) : "d"(PORT_TEST) : "memory");
	check_eq("insb to the device: RCX", n, 0);
	check_eq("the last byte", *(volatile u8 *)(MMIO + 0x100 + 39), 0x3c);
}

/* What comes from the device makes the instruction fault: nothing of it has happened. */
void mmio_faults(void)
{
	u64 rax = 100, rdx = 0;
	struct trap t = { 0 };

	mmio_reset();
	*(volatile u64 *)MMIO = 0;
	*(volatile u64 *)(MMIO + 8) = 1ull << 47;
	t = TRY("divl (%2)", ARGS("+a"(rax), "+d"(rdx)), ARGS("r"(MMIO)));
	check_trap("div by a device's 0", t, 0, 0);
	check_eq("RAX", rax, 100);
	check_trap("jmp to a device's address that isn't canonical",
		   TRY("jmp *8(%0)", NONE, ARGS("r"(MMIO))), 13, 0);
	*(volatile u16 *)(MMIO + 16) = 0;
	*(volatile u16 *)(MMIO + 18) = 3;
	*(volatile u16 *)(MMIO + 20) = SEL_DATA;
	check_trap("mov of a device's null to SS", TRY("movw 16(%0), %%ss", NONE, ARGS("r"(MMIO))),
		   NO_TRAP, 0);
	check_trap("an exception with that SS", TRY("ud2", NONE, NONE), 6, 0);
	check_trap("mov of a device's null with RPL 3 to SS",
		   TRY("movw 18(%0), %%ss", NONE, ARGS("r"(MMIO))), 13, 0);
	check_trap("mov of a device's selector to SS",
		   TRY("movw 20(%0), %%ss", NONE, ARGS("r"(MMIO))), NO_TRAP, 0);
	check_trap("lgdt of a base that isn't canonical", TRY("lgdt 6(%0)", NONE, ARGS("r"(MMIO))),
		   13, 0);
}

/* MOVDQU and friends, which memcpy_fromio() of newer compilers may use. */
void mmio_sse(void)
{
	u64 v[2] __attribute__((aligned(16))) = { 0x1111111111111111, 0x2222222222222222 };

	mmio_reset();
	asm volatile("movdqu (%0), %%xmm1\n\tmovdqu %%xmm1, %1" :: "r"(MMIO), "m"(v) : "memory");
	check_eq("movdqu, low", v[0], 0x8786858483828180);
	check_eq("movdqu, high", v[1], 0x8f8e8d8c8b8a8988);
	v[0] = 0x3333333333333333, v[1] = 0x4444444444444444;
	asm volatile("movups %1, %%xmm2\n\tmovups %%xmm2, (%0)" :: "r"(MMIO), "m"(v) : "memory");
	check_eq("movups, low", *(volatile u64 *)MMIO, 0x3333333333333333);
	check_eq("movups, high", *(volatile u64 *)(MMIO + 8), 0x4444444444444444);
}

/* MMX, as old memory copies do. A pending x87 exception goes before the access. */
void mmio_mmx(void)
{
	static const u16 divide = 0x37b;
	u64 v = 0;

	mmio_reset();
	asm volatile("movq (%1), %%mm3\n\tmovq %%mm3, %0" : "=m"(v) : "r"(MMIO) : "memory");
	check_eq("movq from MMIO", v, 0x8786858483828180);
	asm volatile("movd 4(%1), %%mm4\n\tmovq %%mm4, %0" : "=m"(v) : "r"(MMIO) : "memory");
	check_eq("movd from MMIO", v, 0x87868584);
	v = 0x1122334455667788;
	asm volatile("movq %0, %%mm5\n\tmovq %%mm5, (%1)" ::"m"(v), "r"(MMIO) : "memory");
	check_eq("movq to MMIO", *(volatile u64 *)MMIO, v);
	asm volatile("movntq %%mm4, (%0)\n\temms" ::"r"(MMIO) : "memory");
	check_eq("movntq to MMIO", *(volatile u64 *)MMIO, 0x87868584);
	asm volatile("fninit\n\tfldcw %0" ::"m"(divide));
	check_trap("movq from MMIO behind a division by zero",
		   TRY("fld1; fldz; fdivrp; movq (%0), %%mm0", NONE, ARGS("r"(MMIO))), 16, 0);
	asm volatile("fninit");
}

/* x87's control and status words, stored to a device. */
void mmio_x87(void)
{
	const u16 control = 0x27f;

	*(volatile u64 *)MMIO = ~0ull;
	asm volatile("fninit\n\tfnstcw (%0)" ::"r"(MMIO) : "memory");
	check_eq("fnstcw after fninit", *(volatile u64 *)MMIO, 0xffffffffffff037f);
	asm volatile("fldcw %1\n\tfnstcw 2(%0)" ::"r"(MMIO), "m"(control) : "memory");
	check_eq("fnstcw", *(volatile u64 *)MMIO, 0xffffffff027f037f);
	asm volatile("fld1\n\tfnstsw 4(%0)\n\tfninit" ::"r"(MMIO) : "memory");
	check_eq("fnstsw with a register in use", *(volatile u64 *)MMIO, 0xffff3800027f037f);
}

/* The VGA hole: memory on both sides, nothing between. The host makes it (setup). */
void vga_hole(void)
{
	volatile u32 *hole = (volatile u32 *)0xa0000;

	io_log->count = 0;
	check_eq("read", *hole, 0xffffffff);
	*hole = 0x12345678;
	check_eq("read again", *hole, 0xffffffff);
	check_eq("exits", io_log->count, 3);
	check_io(1, 0xa0000, 4, true, 0x12345678);
	*(volatile u32 *)0x9fffc = 0x9ffc;
	*(volatile u32 *)0xc0000 = 0xc000;
	check_eq("memory before it", *(volatile u32 *)0x9fffc, 0x9ffc);
	check_eq("memory behind it", *(volatile u32 *)0xc0000, 0xc000);
	check_eq("exits", io_log->count, 3);
	check_eq("half in, half out", *(volatile u64 *)0x9fffc, 0xffffffff00009ffc);
}

/* Code in memory that isn't there: the driver must say so, not loop. The row expects the exit. */
void fetch_from_nowhere(void)
{
	asm volatile("jmp *%0" :: "r"(0xe0000000ull));
}

/* An instruction on MMIO that no emulator has: reported, not skipped. */
void mmio_unknown(void)
{
	asm volatile("cvtsi2sdl (%0), %%xmm0" :: "r"(MMIO) : "memory");
}
