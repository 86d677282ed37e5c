// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmclock, the wall clock and the TSC (Documentation/virt/kvm/x86/msr.rst).
 */
#include "apic.h"
#include "rt.h"

#define MSR_TSC			0x10
#define MSR_WALL_CLOCK_OLD	0x11
#define MSR_SYSTEM_TIME_OLD	0x12
#define MSR_TSC_ADJUST		0x3b
#define MSR_TSC_AUX		0xc0000103
#define MSR_WALL_CLOCK		0x4b564d00
#define MSR_SYSTEM_TIME		0x4b564d01

struct vcpu_time {
	u32 version;		/* odd while it changes */
	u32 pad0;
	u64 tsc_timestamp;
	u64 system_time;	/* ns at tsc_timestamp */
	u32 mul;		/* ns = cycles shifted, times mul, / 2^32 */
	int8_t shift;
	u8 flags;
	u8 pad[2];
};

struct wall_clock {
	u32 version;
	u32 sec;
	u32 nsec;
};

static volatile struct vcpu_time clock_page[GUEST_MAX_CPUS] __attribute__((aligned(64)));
static volatile struct wall_clock wall;
static volatile u32 ready, go, finished;
static volatile u64 shared;

static void add(volatile u32 *v, u32 n)
{
	asm volatile("lock addl %1, %0" : "+m"(*v) : "r"(n) : "memory");
}

static u64 scale(const struct vcpu_time *t, u64 tsc)
{
	u64 delta = tsc - t->tsc_timestamp, high;

	delta = t->shift < 0 ? delta >> -t->shift : delta << t->shift;
	asm("mulq %2" : "=d"(high), "+a"(delta) : "r"((u64)t->mul) : "cc");
	return t->system_time + (high << 32 | delta >> 32);
}

/* The clock in ns, and the page it was computed from. */
static u64 now(u32 cpu, struct vcpu_time *copy)
{
	struct vcpu_time t;
	u64 ns;

	do {
		t = clock_page[cpu];
		barrier();
		ns = scale(&t, rdtsc());
		barrier();
	} while ((t.version & 1) || clock_page[cpu].version != t.version);
	if (copy)
		*copy = t;
	return ns;
}

static bool has_clock(void)
{
	u32 r[4];

	cpuid(0x40000001, 0, r);
	return r[0] >> 3 & 1;
}

static void start_clock(void)
{
	u32 cpu = this_cpu()->id;

	if (!has_clock())
		rt_skip("no kvmclock in CPUID");
	wrmsr(MSR_SYSTEM_TIME, (uintptr_t)&clock_page[cpu] | 1);
}

void kvmclock(void)
{
	struct vcpu_time t;
	u64 a, b, outer, inner, i, back = 0, last = 0;

	start_clock();
	check_eq("the MSR reads back", rdmsr(MSR_SYSTEM_TIME), (uintptr_t)&clock_page[0] | 1);
	a = now(0, &t);
	check("version is even and not 0", t.version && !(t.version & 1));
	check("the multiplier is set", t.mul);
	check("less than an hour since the VM's start", a < 3600000000000ull);
	check("the timestamp is not in the future", t.tsc_timestamp <= rdtsc());
	/* Within 1 %: the TSC around both readings, and between them. */
	outer = rdtsc();
	a = now(0, NULL);
	inner = rdtsc();
	delay_us(20000);
	inner = (rdtsc() - inner) * 1000000 / params->tsc_khz;
	b = now(0, NULL);
	outer = (rdtsc() - outer) * 1000000 / params->tsc_khz;
	check("20 ms, at least", b - a >= inner - inner / 100);
	check("20 ms, at most", b - a <= outer + outer / 100);
	for (i = 0; i < 20000; i++) {
		a = now(0, NULL);
		back += a < last;
		last = a;
	}
	check_eq("steps backwards", back, 0);
}

/* The host sets the clock: the page must follow, with a new version. */
void kvmclock_set(void)
{
	struct vcpu_time before, after;
	u64 a, b;

	start_clock();
	a = now(0, &before);
	rt_sync(1);		/* 1000 s onwards */
	b = now(0, &after);
	check("the version grew", after.version > before.version);
	check_eq("and is even", after.version & 1, 0);
	check("1000 s later", b - a >= 1000000000000ull && b - a < 1060000000000ull);
}

/* KVM_KVMCLOCK_CTRL: the guest is told that it was stopped. */
void kvmclock_stopped(void)
{
	struct vcpu_time t;

	start_clock();
	now(0, &t);
	check_eq("guest-stopped flag", t.flags & 2, 0);
	rt_sync(2);
	now(0, &t);
	check_eq("guest-stopped flag after KVM_KVMCLOCK_CTRL", t.flags & 2, 2);
}

void kvmclock_off(void)
{
	struct vcpu_time t;

	start_clock();
	now(0, &t);
	wrmsr(MSR_SYSTEM_TIME, 0);
	clock_page[0] = (struct vcpu_time){ .version = 0x1234 };
	rt_sync(1);
	out8(PORT_TEST, 0);
	delay_us(5000);
	check_eq("a page that was given back", clock_page[0].version, 0x1234);
}

void kvmclock_old_msrs(void)
{
	u32 r[4];

	cpuid(0x40000001, 0, r);
	if (!(r[0] & 1))
		rt_skip("no kvmclock at its old MSRs in CPUID");
	wrmsr(MSR_SYSTEM_TIME_OLD, (uintptr_t)&clock_page[0] | 1);
	check("it runs", now(0, NULL) < 3600000000000ull);
	check("version is even and not 0", clock_page[0].version && !(clock_page[0].version & 1));
}

static void ap_clock(void)
{
	u64 mine, theirs;
	u32 i;

	start_clock();
	add(&ready, 1);
	while (!go)
		pause();
	for (i = 0; i < 20000; i++) {
		theirs = shared;
		barrier();
		mine = now(1, NULL);
		if (mine + params->arg[0] < theirs)
			params->result[0]++;
		shared = mine;
	}
	add(&finished, 1);
}

/* Two CPUs hand their time to and fro: it must not go back, by more than arg[0] ns. */
void kvmclock_agree(void)
{
	struct vcpu_time t;
	u64 mine, theirs;

	apic_enable();
	start_clock();
	rt_start_cpu(1, ap_clock);
	check("the other is ready", wait_for(ready == 1, 10));
	/* Without the stable flag guests must take care themselves: allow 10 ms then. */
	now(0, &t);
	params->arg[0] = t.flags & 1 ? 0 : 10000000;
	rt_log("pvclock flags", t.flags);
	go = 1;
	while (!finished) {
		theirs = shared;
		barrier();
		mine = now(0, NULL);
		if (mine + params->arg[0] < theirs)
			params->result[1]++;
		shared = mine;
		pause();
	}
	check_eq("steps back seen by CPU 1", params->result[0], 0);
	check_eq("steps back seen by CPU 0", params->result[1], 0);
}

/* The host compares with its own wall clock. */
void wall_clock(void)
{
	start_clock();
	wall.version = 0;
	wrmsr(MSR_WALL_CLOCK, (uintptr_t)&wall);
	check("version is even and not 0", wall.version && !(wall.version & 1));
	check("nanoseconds", wall.nsec < 1000000000);
	params->result[0] = wall.sec;
	params->result[1] = wall.nsec;
	params->result[2] = now(0, NULL);
	rt_sync(3);
}

/* ---- TSC ---- */

void tsc_write(void)
{
	u64 a, b;

	check("TSC runs", (a = rdtsc(), delay_us(100), rdtsc() > a));
	wrmsr(MSR_TSC, 0);
	a = rdtsc();
	check("TSC after 0 was written, under 10 s", a < params->tsc_khz * 10000);
	wrmsr(MSR_TSC, 1ull << 40);
	a = rdtsc();
	check("TSC after 2^40 was written",
	      a >= 1ull << 40 && a < (1ull << 40) + params->tsc_khz * 10000);
	a = rdtsc();
	b = rdmsr(MSR_TSC);
	check("RDMSR of the TSC agrees", b >= a && b - a < params->tsc_khz * 10000);
	check("it still runs", rdtsc() > b);
}

void tsc_adjust(void)
{
	u64 a, adjust;
	u32 r[4];

	cpuid(7, 0, r);
	if (!(r[1] >> 1 & 1))
		rt_skip("no TSC_ADJUST");
	adjust = rdmsr(MSR_TSC_ADJUST);
	a = rdtsc();
	wrmsr(MSR_TSC_ADJUST, adjust + (1ull << 42));
	check_eq("TSC_ADJUST", rdmsr(MSR_TSC_ADJUST), adjust + (1ull << 42));
	check("TSC moved by 2^42",
	      rdtsc() - a >= 1ull << 42 && rdtsc() - a < (1ull << 42) + params->tsc_khz * 10000);
	a = rdtsc();
	wrmsr(MSR_TSC, a + (1ull << 41));
	check("a write to the TSC moves TSC_ADJUST too",
	      rdmsr(MSR_TSC_ADJUST) - adjust >= (3ull << 41) - params->tsc_khz * 10000);
}

void tsc_aux(void)
{
	u32 lo, hi, aux, r[4];

	cpuid(0x80000001, 0, r);
	if (!(r[3] >> 27 & 1))
		rt_skip("no RDTSCP");
	wrmsr(MSR_TSC_AUX, 0x5a);
	asm volatile("rdtscp" : "=a"(lo), "=d"(hi), "=c"(aux));
	check_eq("ECX of RDTSCP", aux, 0x5a);
	check_eq("TSC_AUX", rdmsr(MSR_TSC_AUX), 0x5a);
	delay_us(20000);
	asm volatile("rdtscp" : "=a"(lo), "=d"(hi), "=c"(aux));
	check_eq("ECX of RDTSCP, later", aux, 0x5a);
}

static void ap_tsc(void)
{
	u64 theirs;
	u32 i;

	add(&ready, 1);
	while (!go)
		pause();
	for (i = 0; i < 20000; i++) {
		theirs = shared;
		if (rdtsc() + params->arg[0] < theirs)
			params->result[0]++;
		shared = rdtsc();
	}
	add(&finished, 1);
}

/* Fresh vCPUs have synchronous TSCs. 1 ms allowed: hosts' own may not be perfect. */
void tsc_agree(void)
{
	u64 theirs;

	apic_enable();
	rt_start_cpu(1, ap_tsc);
	check("the other is ready", wait_for(ready == 1, 10));
	params->arg[0] = params->tsc_khz;
	go = 1;
	while (!finished) {
		theirs = shared;
		if (rdtsc() + params->arg[0] < theirs)
			params->result[1]++;
		shared = rdtsc();
		pause();
	}
	check_eq("steps back seen by CPU 1", params->result[0], 0);
	check_eq("steps back seen by CPU 0", params->result[1], 0);
}

/* CR4.TSD: RDTSC faults at CPL 3 only, so not here. */
void tsc_disable(void)
{
	write_cr4(read_cr4() | 4);
	check_trap("RDTSC at CPL 0 with CR4.TSD", TRY("rdtsc", NONE, NONE, "rax", "rdx"), NO_TRAP,
		   0);
	write_cr4(read_cr4() & ~4ull);
}
