/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cost model: nanoseconds of CPU and stall per second. One number for a whole host, the sum of
 *
 *   path     of each vnic: packets/s times what a packet costs on its way
 *   waiting  of each CPU: packets that wait for it, by its utilization, convex
 *   waiting  of each node: vCPUs that wait for a CPU, likewise
 *   queues   in use, each
 *   CPUs     that serve queues in use, each
 *   memory   of each vm: CPU time lost to memory on other nodes
 *   claims   that are open: what pools and units are due by the operator's word (core/quota.h)
 *
 * Path. A packet costs
 *
 *     packet_ns                                               everything on one node
 *   + dma_remote_ns     * (d(pnic, queue) - 10) / 10          arriving at a queue away from the NIC
 *   + handoff_remote_ns * (d(queue, vm) - 10) / 10            delivered to a vm away from the queue
 *
 * with d the SLIT distance. On the way to a soft queue a packet enters by one of the default queues, where the
 * steering program runs, and is handed on from there:
 *
 *     arriving at a soft queue = dma(pnic, default queue) + dma(default queue, soft queue) + soft_hop_ns
 *
 * averaged over the default queues by their entries in the RSS table. A packet counts alike in both directions.
 * Several nodes on a path are averaged: a vm's home over several nodes by the memory that it has on each (the copy
 * goes there), evenly when none is known; the default queues by what was seen to be served where (nq_vnic.served),
 * else by RSS entries, else evenly; without any the pnic's own node. A node that is not known costs nothing: to guess
 * would be to move things for no reason.
 *
 * Waiting. At utilization u, L(u) = u^2 / (2 (1 - u)) packets wait on average (M/D/1: random arrivals, equal work),
 * which is so many packet-seconds in each second. They are weighted by queue_wait, since waiting is latency and not
 * CPU time; the default puts the point where spilling to another node pays at 80 to 90 %, the thresholds of
 * 000_35c30de055bde3dd.txt section IV.C. L is a table of 5 % steps with straight lines between, so that an exact solver
 * can be given the very same function; beyond 95 % the curve goes to infinity and the table goes on with twice the
 * slope at each step: at 100 % 24 packets wait, each further 1 % adds 6, which stands for what is dropped.
 *   u of a CPU  = other + load / queue_capacity_pps, with load all packets/s of the queues that it serves, both
 * directions u of a node = CPU time of all but the queues' threads, of its CPUs; L counts once for each CPU, weight
 * vcpu_wait
 *
 * Queues. queue_used_ns for each that serves somebody; a pool that distributes pays nothing for a further queue, one
 * that packs PACK_FACTOR times as much. So packing and spreading are the same decision at different prices.
 *
 * CPUs. cpu_used_ns for each that serves at least one queue in use, for the power that it takes awake; 0 by default.
 * It is core/spread.c that weighs it; the stages that give vnics their queues do not, and what they open is joined
 * afterwards.
 *
 * Memory. A vm loses mem_remote per mille of its CPU time for each 10 points of distance to all of its memory: its
 * clients' distances to its pages, averaged both ways.
 *
 * Arithmetic. Costs per packet are in 1/256 ns, so that averages over many queues keep their fraction. The ranges of
 * the policy bound one packet by 2^22 ns: 2^17 for packet_ns, 2^14 for each remote part times 24.5 for SLIT 255, three
 * such parts at most. A cost per packet is thus below 2^30 in 1/256 ns; weights are scaled to 32 bits, so a weighted
 * sum stays below 2^62. Products with packets saturate at NQ_MAX_VALUE.
 */
#ifndef NEARQ_CORE_COST_H
#define NEARQ_CORE_COST_H

#include <nearq/plan.h>

#define NQ_FIXED 256u	/* one nanosecond in a cost per packet */
#define NQ_PPM 1000000u /* utilization 1 */
#define NQ_PACK_FACTOR 250u

uint64_t nq_sat_add(uint64_t a, uint64_t b);
uint64_t nq_sat_mul(uint64_t a, uint64_t b);
uint64_t nq_sat_sub(uint64_t a, uint64_t b);
/* a * b / divisor, dividing first where the product would not fit. */
uint64_t nq_mul_div(uint64_t a, uint64_t b, uint64_t divisor);

/* packets/s times 1/256 ns -> ns/s */
uint64_t nq_cost_of(uint64_t packets, uint64_t fixed);
/* What ns/s add up to within so many ms, ns. */
uint64_t nq_cost_within(uint64_t ns, uint64_t ms);

/* L(u), millionths of a packet; u in millionths. */
uint64_t nq_cost_waiting(uint64_t ppm);
/* Utilization at which a further packet waits as long as that slope says: for readers of the table. */
#define NQ_WAITING_STEP 50000u
extern const uint32_t nq_waiting_table[];
#define NQ_WAITING_STEPS 20u
#define NQ_WAITING_BEYOND 30000000u /* added by each further step */

/* weight * (d(from, to) - 10) / 10, 1/256 ns; 0 when a node is not known. */
uint32_t nq_cost_remote(const struct nq_host *host, uint64_t weight_ns, uint32_t from, uint32_t to);

/* A weighted mean whose weights are scaled so that their sum fits 32 bits. */
struct nq_mean {
	unsigned int shift;
	uint64_t weight, sum;
};
struct nq_mean nq_mean_of_total(uint64_t total);
void nq_mean_add(struct nq_mean *mean, uint64_t weight, uint64_t value);
uint64_t nq_mean_value(const struct nq_mean *mean);

/* ns/s lost by the vm to remote memory if its vCPUs were spread over the nodes as weight[n_nodes] says. */
uint64_t nq_cost_memory(const struct nq_host *host, const struct nq_policy *policy, uint32_t busy, const uint64_t *mem,
			const uint32_t *weight);
/* The same for a vm whose vCPUs are all on one node. */
uint64_t nq_cost_memory_from(const struct nq_host *host, const struct nq_policy *policy, uint32_t busy,
			     const uint64_t *mem, uint32_t node);

#endif
