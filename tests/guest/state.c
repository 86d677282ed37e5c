// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <sched.h>

#include "guest.h"

/* All threads made from here on share the first CPU that this process may use. */
static void one_cpu(struct vm *vm)
{
	cpu_set_t set, one;
	int cpu = 0;

	(void)vm;
	expect_ok("sched_getaffinity", sched_getaffinity(0, sizeof(set), &set));
	while (!CPU_ISSET(cpu, &set))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	expect_ok("sched_setaffinity", sched_setaffinity(0, sizeof(one), &one));
}

/* Vector registers of ours, which must not show up in the guest. */
static void clobber(struct vcpu *vcpu, uint64_t number)
{
	unsigned int mxcsr = 0x1f80;

	(void)vcpu;
	(void)number;
	asm volatile("pcmpeqd %%xmm0, %%xmm0\n\tmovdqa %%xmm0, %%xmm1\n\tmovdqa %%xmm0, %%xmm2\n\t"
		     "movdqa %%xmm0, %%xmm3\n\tmovdqa %%xmm0, %%xmm7\n\tmovdqa %%xmm0, %%xmm15"
		     ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm7", "xmm15");
	if (__builtin_cpu_supports("avx"))
		asm volatile(
			"vpcmpeqd %%xmm4, %%xmm4, %%xmm4\n\tvinsertf128 $1, %%xmm4, %%ymm4, %%ymm4\n\t"
			"vzeroupper" ::
				: "xmm4");
	asm volatile("fninit\n\tldmxcsr %0" :: "m"(mxcsr));
}

static const struct test_row rows[] = {
	GUEST("vectors-over-exits", .entry = "vectors_over_exits", .sync = clobber),
	GUEST("x87-and-mxcsr", .entry = "x87_and_mxcsr", .sync = clobber),
	GUEST("shared-cpu", .entry = "shared_cpu", .cpus = 3, .setup = one_cpu),
	GUEST("xcr0", .entry = "xcr0"),
	GUEST("fpu-traps", .entry = "fpu_traps"),
};

int main(int argc, char **argv)
{
	return rows_main(rows, ARRAY_SIZE(rows), argc, argv);
}
