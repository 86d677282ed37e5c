// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory while the host changes what is behind it: slots that come, go and move under
 * running CPUs, pages that the host takes, large and small mappings.
 */
#include "apic.h"
#include "rt.h"

#define SLOT	0x10000000ull	/* 16 MiB that the host adds: slot 1 */
#define SLOT_SIZE 0x1000000ull
#define OTHER	0x20000000ull	/* where the host moves it */

static volatile u32 ready, go, finished;

static void add(volatile u32 *v, u32 n)
{
	asm volatile("lock addl %1, %0" : "+m"(*v) : "r"(n) : "memory");
}

static volatile u64 *word(u64 at)
{
	return (volatile u64 *)at;
}

/* The guest writes, the host compares (check), and the other way round. */
void shared_with_host(void)
{
	u64 i, wrong = 0;

	for (i = 0; i < SLOT_SIZE; i += 4096)
		*word(SLOT + i) = i ^ 0x5555;
	rt_sync(1);		/* compares, writes i ^ 0xaaaa */
	for (i = 0; i < SLOT_SIZE; i += 4096)
		wrong += *word(SLOT + i) != (i ^ 0xaaaa);
	check_eq("pages that differ from what the host wrote", wrong, 0);
}

/* A locked add by the guest and one by the host on the same word. */
void atomic_with_host(void)
{
	u64 i;

	params->result[0] = SLOT;
	for (i = 0; i < 20000; i++) {
		asm volatile("lock incq %0" : "+m"(*(u64 *)SLOT) :: "memory");
		if (i == 100)
			rt_sync(2);		/* a thread of the host's starts to add, too */
	}
	rt_sync(3);			/* it has ended */
	check_eq("the sum", *word(SLOT), 40000);
}

void slot_comes_and_goes(void)
{
	u64 i;

	for (i = 0; i < 20; i++) {
		rt_sync(10);		/* the slot goes */
		check_eq("no memory", *word(SLOT + 0x123000), ~0ull);
		*word(SLOT + 0x123000) = 1;
		rt_sync(11);		/* it comes, with the content it had */
		check_eq("memory", *word(SLOT + 0x123000), i);
		*word(SLOT + 0x123000) = i + 1;
	}
}

void slot_moves(void)
{
	u64 i;

	for (i = 0; i < 20; i++) {
		*word(SLOT + 0x5000) = i;
		rt_sync(12);		/* moves to OTHER */
		check_eq("where it was", *word(SLOT + 0x5000), ~0ull);
		check_eq("where it is", *word(OTHER + 0x5000), i);
		*word(OTHER + 0x6000) = i;
		rt_sync(13);		/* moves back */
		check_eq("where it was", *word(OTHER + 0x6000), ~0ull);
		check_eq("where it is", *word(SLOT + 0x6000), i);
	}
}

/* CPU 1 reads and writes all the time; CPU 0 has the host delete, move and add the slot. */
static void ap_use(void)
{
	u64 i = 0, v, wrong = 0, there = 0, gone = 0;

	add(&ready, 1);
	while (!go) {
		u64 at = SLOT + 8 + (i++ % 4096) * 4096;

		v = *word(at);
		if (v == ~0ull)
			gone++;
		else if (v == (at ^ 0x77))
			there++;
		else
			wrong++;
		*word(at) = at ^ 0x77;
		pause();
	}
	check_eq("values that were never written", wrong, 0);
	check("memory was there", there);
	params->result[1] = gone;
	add(&finished, 1);
}

static void prepare_slot(void)
{
	u64 i;

	for (i = 0; i < 4096; i++)
		*word(SLOT + 8 + i * 4096) = (SLOT + 8 + i * 4096) ^ 0x77;
}

static void churn(u64 request)
{
	u64 i;

	apic_enable();
	prepare_slot();
	rt_start_cpu(1, ap_use);
	check("it runs", wait_for(ready == 1, 10));
	for (i = 0; i < 30; i++) {
		rt_sync(request);
		delay_us(2000);
	}
	go = 1;
	check("it finished", wait_for(finished == 1, 20));
}

void slot_churn(void)
{
	churn(20);			/* delete, wait, add */
}

void slot_churn_move(void)
{
	churn(21);			/* move, wait, move back */
}

/* MADV_DONTNEED: pages become zero; nothing else may be seen. */
static void ap_zero(void)
{
	u64 i = 0, v, wrong = 0;

	add(&ready, 1);
	while (!go) {
		u64 at = SLOT + (i++ % 4096) * 4096;

		v = *word(at);
		wrong += v != 0 && v != at;
		*word(at) = at;
		pause();
	}
	check_eq("values that were never written", wrong, 0);
	add(&finished, 1);
}

void host_takes(void)
{
	u64 i;

	apic_enable();
	rt_start_cpu(1, ap_zero);
	check("it runs", wait_for(ready == 1, 10));
	for (i = 0; i < 30; i++) {
		rt_sync(23);
		delay_us(1000);
	}
	go = 1;
	check("it finished", wait_for(finished == 1, 20));
}

/* CPU 1 writes to one page all the time, while the host replaces what is behind it. */
static void ap_count(void)
{
	u64 i = 0;

	add(&ready, 1);
	while (!go)
		*word(SLOT) = ++i;
	add(&finished, 1);
}

void host_flips(void)
{
	apic_enable();
	rt_start_cpu(1, ap_count);
	check("it runs", wait_for(ready == 1, 10));
	rt_sync(24);
	go = 1;
	check("it finished", wait_for(finished == 1, 20));
}

/* A huge page of the host's, of which it then changes one small page's protection and content. */
void huge_split(void)
{
	u64 i, wrong = 0;

	for (i = 0; i < 512; i++)
		*word(SLOT + i * 4096) = i;
	rt_sync(30);			/* page 100 of the slot: replaced by one with 0x1234 */
	for (i = 0; i < 512; i++)
		wrong += *word(SLOT + i * 4096) != (i == 100 ? 0x1234 : i);
	check_eq("wrong pages", wrong, 0);
	for (i = 0; i < 512; i++)
		*word(SLOT + i * 4096 + 8) = i;
	rt_sync(31);			/* the host checks its replacement */
}

/* 1 GiB pages in the guest's own table. */
void guest_1g_pages(void)
{
	u64 *pdpt = (u64 *)(u64)GUEST_PDPT, was = pdpt[0];
	u32 r[4];

	cpuid(0x80000001, 0, r);
	if (!(r[3] >> 26 & 1))
		rt_skip("no 1 GiB pages");
	*word(SLOT + 0x777000) = 0x777;
	pdpt[0] = 0x87;
	write_cr3(read_cr3());
	check_eq("a word through a 1 GiB page", *word(SLOT + 0x777000), 0x777);
	*word(SLOT + 0xabc000) = 0xabc;
	pdpt[0] = was;
	write_cr3(read_cr3());
	check_eq("a word written through one", *word(SLOT + 0xabc000), 0xabc);
}

/* Many small guest pages, mapped in reverse, each touched in a different order. */
static u64 tables[8][512] __attribute__((aligned(4096)));

void small_pages(void)
{
	u64 *pd = (u64 *)(u64)GUEST_PD, i, wrong = 0;
	u64 window = 0x8000000;		/* 16 MiB of addresses without memory */

	for (i = 0; i < 4096; i++)
		tables[i / 512][i % 512] = (SLOT + (4095 - i) * 4096) | 7;
	for (i = 0; i < 8; i++)
		pd[(window >> 21) + i] = (u64)tables[i] | 7;
	write_cr3(read_cr3());
	for (i = 0; i < 4096; i++) {
		u64 page = i * 2557 % 4096;

		*word(window + page * 4096) = page;
	}
	for (i = 0; i < 4096; i++)
		wrong += *word(SLOT + (4095 - i) * 4096) != i;
	check_eq("wrong pages", wrong, 0);
}

/* Both CPUs fault the same fresh memory in, at once. */
static void touch_all(void)
{
	u64 i;

	add(&ready, 1);
	while (!go)
		pause();
	for (i = 0; i < SLOT_SIZE; i += 4096)
		asm volatile("lock incq %0" : "+m"(*(u64 *)(SLOT + i)) :: "memory");
	add(&finished, 1);
}

void fault_together(void)
{
	u64 i, wrong = 0;
	u32 c;

	apic_enable();
	for (c = 1; c < params->cpus; c++)
		rt_start_cpu(c, touch_all);
	check("all are ready", wait_for(ready == params->cpus - 1, 10));
	go = 1;
	touch_all();
	check("all finished", wait_for(finished == params->cpus, 20));
	for (i = 0; i < SLOT_SIZE; i += 4096)
		wrong += *word(SLOT + i) != params->cpus;
	check_eq("pages with a wrong count", wrong, 0);
}

/* Code in a slot that the host moves away and back between calls. */
void code_in_slot(void)
{
	u64 (*fn)(void) = (u64 (*)(void))(SLOT + 0x2000), i, sum = 0;

	/* mov $7, %eax; ret */
	memcpy((void *)(SLOT + 0x2000), "\xb8\x07\x00\x00\x00\xc3", 6);
	for (i = 0; i < 10; i++) {
		sum += fn();
		rt_sync(10);
		rt_sync(11);
	}
	check_eq("the sum", sum, 70);
	*(volatile u8 *)(SLOT + 0x2001) = 9;
	check_eq("code that was changed", fn(), 9);
}
