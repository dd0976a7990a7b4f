/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rates from counters (S4). Pure: no clock, no I/O.
 *
 * Counters of one instant are a set of triples under keys that name the counted thing for as long as it
 * exists (an interface by its index, a task by its pid). Two sets give rates for what is in both. What
 * appeared or disappeared in between has none, what was reset has none for one interval:
 *
 *   grew                                    the difference
 *   fell, from the top quarter of 32 or 64
 *   bits to the bottom quarter of the same  wrapped: the difference modulo that width
 *   fell otherwise                          reset: not known, 0 until the next interval
 *   time did not advance                    not known, 0
 *
 * A missed tick only makes the interval longer. Times are of CLOCK_BOOTTIME, which nobody sets.
 */
#ifndef NEARQ_HOST_RATES_H
#define NEARQ_HOST_RATES_H

#include <stdbool.h>
#include <stdint.h>

enum nq_counter_kind {
	NQ_COUNTER_LINK_RX, /* packets, bytes, drops of an interface; a: ifindex */
	NQ_COUNTER_LINK_TX,
	NQ_COUNTER_QUEUE_RX, /* packets, bytes, drops; a: ifindex, b: queue */
	NQ_COUNTER_QUEUE_TX,
	NQ_COUNTER_THREAD,  /* ns on CPU; a: pid */
	NQ_COUNTER_PROCESS, /* ns on CPU of all threads; a: pid */
	NQ_COUNTER_CGROUP,  /* ns on CPU of all tasks; a: pid of the vm's main process */
	NQ_COUNTER_CPU,	    /* ticks busy, ticks in all; a: CPU */
	NQ_COUNTER_SERVED,  /* packets towards an interface by CPU; a: ifindex, b: CPU, or NQ_COUNTER_ALL for all */
	NQ_COUNTER_STEERED, /* packets of a soft queue; a: ifindex, b: CPU */
	NQ_COUNTER_KIND_COUNT
};

struct nq_counter {
	uint64_t key;
	uint64_t value[3];
};

struct nq_counters {
	uint64_t time_ns;
	struct nq_counter *counter; /* sorted by key after nq_counters_sort() */
	uint32_t n, capacity;
};

#define NQ_COUNTER_ALL 0xffffffu

/* b < 2^24 */
uint64_t nq_counter_key(enum nq_counter_kind kind, uint32_t a, uint32_t b);
int nq_counters_add(struct nq_counters *counters, uint64_t key, uint64_t x, uint64_t y, uint64_t z);
void nq_counters_sort(struct nq_counters *counters);
void nq_counters_clear(struct nq_counters *counters);

/* By how much a counter grew; false: not known. */
bool nq_counter_growth(uint64_t before, uint64_t now, uint64_t *ret);
/* growth per second, rounded down; saturates; 0 for an empty interval. */
uint64_t nq_per_second(uint64_t growth, uint64_t interval_ns);
/*
 * Growth of the three values between two sorted sets; each 0 when not known. False when the key is not in both
 * or time did not advance.
 */
bool nq_counters_growth(const struct nq_counters *before, const struct nq_counters *now, uint64_t key, uint64_t ret[3]);
/* The same for a counter that is left out of a set as long as it is 0. */
void nq_counters_growth_sparse(const struct nq_counters *before, const struct nq_counters *now, uint64_t key,
			       uint64_t ret[3]);
/* As nq_counters_growth, per second. */
bool nq_counters_rate(const struct nq_counters *before, const struct nq_counters *now, uint64_t key, uint64_t ret[3]);

#endif
