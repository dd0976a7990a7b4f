/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cost model: nanoseconds of CPU and stall per second.
 *
 * A packet costs
 *
 *     packet_ns                                               everything on one node
 *   + dma_remote_ns     * (d(pnic, queue) - 10) / 10          arriving at a queue away from the NIC
 *   + handoff_remote_ns * (d(queue, vm) - 10) / 10            delivered to a vm away from the queue
 *
 * with d the SLIT distance. On the way to a soft queue a packet enters by one of the default queues, where
 * the steering program runs, and is handed on from there:
 *
 *     arriving at a soft queue = dma(pnic, default queue) + dma(default queue, soft queue) + soft_hop_ns
 *
 * averaged over the default queues by their entries in the RSS table. A packet counts alike in both
 * directions. Several nodes on a path are averaged:
 *  - a vm's home over several nodes, by the memory that it has on each (the copy goes there), evenly
 *    when none is known;
 *  - the default queues, by what was seen to be served where (nq_vnic.served), else by RSS entries, else
 *    evenly; without any the pnic's own node.
 * A node that is not known costs nothing: to guess would be to move things for no reason.
 *
 * Arithmetic. Costs per packet are in 1/256 ns, so that averages over many queues keep their fraction. The
 * ranges of the policy bound one packet by 2^22 ns: 2^17 for packet_ns, 2^14 for each remote part times 24.5
 * for SLIT 255, three such parts at most. A cost per packet is thus below 2^30 in 1/256 ns; weights are scaled
 * to 32 bits, so a weighted sum stays below 2^62. Products with packets saturate at NQ_MAX_VALUE.
 */
#ifndef NEARQ_CORE_COST_H
#define NEARQ_CORE_COST_H

#include <nearq/plan.h>

#define NQ_FIXED 256u /* one nanosecond in a cost per packet */

uint64_t nq_sat_add(uint64_t a, uint64_t b);
uint64_t nq_sat_mul(uint64_t a, uint64_t b);
uint64_t nq_sat_sub(uint64_t a, uint64_t b);

/* packets/s times 1/256 ns -> ns/s */
uint64_t nq_cost_of(uint64_t packets, uint64_t fixed);
/* What ns/s add up to within so many ms, ns. */
uint64_t nq_cost_within(uint64_t ns, uint64_t ms);

/* Per packet, 1/256 ns. Nodes are indices, NQ_NONE: unknown. */
uint64_t nq_cost_arrive(const struct nq_host *host, const struct nq_policy *policy, uint32_t pnic,
			enum nq_queue_kind kind, uint32_t node);
uint64_t nq_cost_deliver(const struct nq_host *host, const struct nq_policy *policy, uint32_t vm, uint32_t node);
/* The delivery when the vm's home were that one node. */
uint64_t nq_cost_handoff(const struct nq_host *host, const struct nq_policy *policy, uint32_t queue_node,
			 uint32_t vm_node);

/* A vnic's two directions as they stand, packet_ns included, 1/256 ns per packet. */
uint64_t nq_cost_rx(const struct nq_host *host, const struct nq_policy *policy, uint32_t vnic);
uint64_t nq_cost_tx(const struct nq_host *host, const struct nq_policy *policy, uint32_t vnic);
/* Of that the delivery from queue to vm, towards the vm: 0 when all of it is served at home. */
uint64_t nq_cost_rx_handoff(const struct nq_host *host, const struct nq_policy *policy, uint32_t vnic);
/* ns/s */
uint64_t nq_cost_vnic(const struct nq_host *host, const struct nq_policy *policy, uint32_t vnic);
/* The mean over a pnic's default queues of their path to a vm that is on one node, 1/256 ns per packet. */
uint64_t nq_cost_default_path(const struct nq_host *host, const struct nq_policy *policy, uint32_t pnic,
			      uint32_t vm_node);

/* How default traffic of a pnic spreads: by entries of the RSS table, or evenly when there are none. */
struct nq_defaults {
	bool by_entries;
	uint64_t total;
};
struct nq_defaults nq_defaults_of(const struct nq_host *host, uint32_t pnic);
/* The queue's weight among them; 0 when it is no default queue. */
uint64_t nq_default_weight(const struct nq_defaults *defaults, const struct nq_queue *queue);

/* Share of the pnic's default traffic that the default queue takes: weight of total. Total 0: not a default queue. */
struct nq_share {
	uint64_t weight, total;
};
struct nq_share nq_default_share(const struct nq_host *host, uint32_t queue);
/* Likewise among the default queues of the same pnic on the same node. */
struct nq_share nq_default_share_on_node(const struct nq_host *host, uint32_t queue);
uint64_t nq_share_of(struct nq_share share, uint64_t amount);

/* Cost of all that passes through the default queue if it were served on that node, ns/s, packet_ns included. */
uint64_t nq_cost_through(const struct nq_host *host, const struct nq_policy *policy, uint32_t queue, uint32_t node);

#endif
