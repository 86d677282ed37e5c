// SPDX-License-Identifier: GPL-2.0-only
/*
 * IRR without a lock: threads make interrupts pending while another takes them. Each one that was
 * accepted as new must be taken exactly once, none may get stuck.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "irqchip_host.h"
#include "tap.h"

#define SENDERS 3
#define ENOUGH 50000 /* interrupts */
#define SECONDS 20 /* at most */

static struct host h;
static u64 accepted[SENDERS];
static bool stop;

static void *sender(void *arg)
{
	unsigned long n = (unsigned long)arg, i;
	unsigned int seed = n + 1;

	for (i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
		/*
		 * Few vectors, several of them in one word, so that words run empty all the time.
		 */
		u8 v = 0x30 + (rand_r(&seed) & 3) * 0x21;

		accepted[n] += lapic_regs_accept(&h.l, v, i & 1) == IRQ_DELIVERED;
	}
	return NULL;
}

int main(void)
{
	pthread_t t[SENDERS];
	u64 sum = 0, took = 0;
	time_t end = time(NULL) + SECONDS;
	unsigned long i;
	int v, left = 0;

	host_init(&h, 0, false);
	host_enable(&h);
	for (i = 0; i < SENDERS; i++)
		pthread_create(&t[i], NULL, sender, (void *)i);
	while (took < ENOUGH) {
		v = lapic_regs_ack(&h.l);
		if (v >= 0) {
			took++;
			lapic_regs_eoi(&h.l);
		} else if (time(NULL) > end) {
			break;
		}
	}
	__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
	for (i = 0; i < SENDERS; i++) {
		pthread_join(t[i], NULL);
		sum += accepted[i];
	}
	while (lapic_regs_ack(&h.l) >= 0) {
		took++;
		lapic_regs_eoi(&h.l);
	}
	tap_eq(took, sum, "each accepted interrupt was taken once");
	for (v = 0; v < 8; v++)
		left += !!lapic_get(&h.l, LAPIC_IRR + v * 16);
	tap_eq(left, 0, "none is stuck in IRR");
	tap_ok(sum > 1000, "it was a race: expected more than 1000 interrupts, saw %llu", sum);
	return tap_done();
}
