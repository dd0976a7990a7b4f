/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Generated hosts for the measurements: parts, loads and random numbers. Same seed, same host, on every machine.
 *
 * Objects are added in canonical order (nodes, CPUs and queues by number, the rest by zero-padded name or MAC), as a
 * host is observed. Whatever cannot be had ends the program: a measurement has nothing to clean up.
 */
#ifndef NEARQ_BENCH_BUILD_H
#define NEARQ_BENCH_BUILD_H

#include <nearq/plan.h>

void bench_must(bool good, const char *what);

struct bench_random {
	uint64_t state; /* begins as the seed */
};
/* 0 to n - 1; n up to 2^31. */
uint64_t bench_below(struct bench_random *random, uint64_t n);
void bench_shuffle(struct bench_random *random, uint64_t *values, uint32_t n);

/* A host of n nodes, 10 to themselves and 20 to each other, with much memory; the rates' interval is one tick. */
struct nq_host *bench_host(uint32_t n_nodes);
/* Idle CPUs, one thread per core. Returns the index of the first. */
uint32_t bench_add_cpus(struct nq_host *host, uint32_t node, uint32_t n);
uint32_t bench_add_pnic(struct nq_host *host, uint32_t node, enum nq_steering steering);
/* A hard queue, the next of its pnic. */
uint32_t bench_add_queue(struct nq_host *host, uint32_t pnic, uint32_t cpu, enum nq_queue_role role, bool movable);
/* A domain with a home on that node and its memory there. */
struct nq_vm *bench_add_vm(struct nq_host *host, uint32_t home, uint64_t bytes);
/* The vm's only vnic, on the default queues; sends three packets for each seven that it receives. */
void bench_add_vnic(struct nq_host *host, uint32_t vm, uint32_t pnic, uint64_t packets);
void bench_set_packets(struct nq_vnic *vnic, uint64_t packets);
/* Loads of queues and CPUs become what the vnics add up to; a pnic has one default queue. */
void bench_settle(struct nq_host *host, const struct nq_policy *policy);

enum bench_load {
	BENCH_ZIPF,	/* the k-th has 1/k of the first; who is which is shuffled */
	BENCH_UNIFORM,	/* between half and one and a half of the mean */
	BENCH_ELEPHANT, /* one has 30 %, the others as uniform */
	BENCH_LOAD_COUNT
};
extern const char *const bench_load_names[BENCH_LOAD_COUNT];
/* packets/s of n objects, `total` in all but for rounding; none above most, what is cut off goes to the others. */
void bench_loads(struct bench_random *random, enum bench_load kind, uint64_t total, uint64_t most, uint32_t n,
		 uint64_t *ret);

#endif
