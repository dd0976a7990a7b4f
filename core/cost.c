/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/cost.h"

#define LOCAL 10u

uint64_t nq_sat_add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) || sum > NQ_MAX_VALUE ? NQ_MAX_VALUE : sum;
}

uint64_t nq_sat_mul(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) || product > NQ_MAX_VALUE ? NQ_MAX_VALUE : product;
}

uint64_t nq_sat_sub(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* a * b / divisor, dividing first where the product would not fit. */
static uint64_t mul_div(uint64_t a, uint64_t b, uint64_t divisor)
{
	uint64_t product;

	if (__builtin_mul_overflow(a, b, &product))
		return nq_sat_mul(a / divisor, b);
	product /= divisor;
	return product < NQ_MAX_VALUE ? product : NQ_MAX_VALUE;
}

uint64_t nq_cost_of(uint64_t packets, uint64_t fixed)
{
	return mul_div(packets, fixed, NQ_FIXED);
}

uint64_t nq_cost_within(uint64_t ns, uint64_t ms)
{
	return mul_div(ns, ms, 1000);
}

static uint64_t remote(const struct nq_host *host, uint64_t weight_ns, uint32_t from, uint32_t to)
{
	uint32_t distance = nq_host_distance(host, from, to);

	return distance == NQ_NONE ? 0 : weight_ns * NQ_FIXED * (distance - LOCAL) / LOCAL;
}

/* A weighted mean whose weights are scaled so that their sum fits 32 bits. */
struct mean {
	unsigned int shift;
	uint64_t weight, sum;
};

static struct mean mean_of_total(uint64_t total)
{
	struct mean mean = { 0 };

	while (total >> mean.shift > UINT32_MAX)
		mean.shift++;
	return mean;
}

static void mean_add(struct mean *mean, uint64_t weight, uint64_t value)
{
	weight >>= mean->shift;
	mean->weight += weight;
	mean->sum += weight * value;
}

static uint64_t mean_value(const struct mean *mean)
{
	return mean->weight ? mean->sum / mean->weight : 0;
}

/* One packet's path, as far as it is the same for all its queues. */
struct path {
	const struct nq_host *host;
	const struct nq_policy *policy;
	uint32_t pnic;
	uint32_t vm;   /* NQ_NONE: see node */
	uint32_t node; /* vm NQ_NONE: the node at the end of the path */
};

typedef uint64_t (*value_fn)(const struct path *path, uint32_t queue_node);

static bool is_default(const struct nq_queue *queue)
{
	return queue->kind == NQ_QUEUE_HARD && queue->role == NQ_ROLE_DEFAULT;
}

struct nq_defaults nq_defaults_of(const struct nq_host *host, uint32_t pnic)
{
	uint64_t entries = 0, queues = 0;

	for (uint32_t i = 0; i < host->n_queues; i++)
		if (host->queues[i].pnic == pnic && is_default(&host->queues[i])) {
			entries += host->queues[i].rss_entries;
			queues++;
		}
	return (struct nq_defaults){ entries > 0, entries ? entries : queues };
}

uint64_t nq_default_weight(const struct nq_defaults *defaults, const struct nq_queue *queue)
{
	if (!is_default(queue))
		return 0;
	return defaults->by_entries ? queue->rss_entries : 1;
}

static uint32_t pnic_node(const struct nq_host *host, uint32_t pnic)
{
	return pnic < host->n_pnics ? host->pnics[pnic].node : NQ_NONE;
}

static uint64_t mean_over_defaults(const struct path *path, value_fn value)
{
	const struct nq_host *host = path->host;
	struct nq_defaults defaults = nq_defaults_of(host, path->pnic);
	struct mean mean = { 0 };

	for (uint32_t i = 0; i < host->n_queues; i++) {
		const struct nq_queue *queue = &host->queues[i];
		uint32_t node = nq_host_queue_node(host, i);

		if (queue->pnic == path->pnic && is_default(queue) && node != NQ_NONE)
			mean_add(&mean, nq_default_weight(&defaults, queue), value(path, node));
	}
	return mean.weight ? mean_value(&mean) : value(path, pnic_node(host, path->pnic));
}

static uint64_t hop_value(const struct path *path, uint32_t queue_node)
{
	uint64_t weight = path->policy->dma_remote_ns;

	return remote(path->host, weight, pnic_node(path->host, path->pnic), queue_node) +
	       remote(path->host, weight, queue_node, path->node);
}

uint64_t nq_cost_arrive(const struct nq_host *host, const struct nq_policy *policy, uint32_t pnic,
			enum nq_queue_kind kind, uint32_t node)
{
	struct path path = { host, policy, pnic, NQ_NONE, node };

	if (kind == NQ_QUEUE_HARD)
		return remote(host, policy->dma_remote_ns, pnic_node(host, pnic), node);
	return policy->soft_hop_ns * NQ_FIXED + mean_over_defaults(&path, hop_value);
}

uint64_t nq_cost_handoff(const struct nq_host *host, const struct nq_policy *policy, uint32_t queue_node,
			 uint32_t vm_node)
{
	return remote(host, policy->handoff_remote_ns, queue_node, vm_node);
}

uint64_t nq_cost_deliver(const struct nq_host *host, const struct nq_policy *policy, uint32_t vm, uint32_t node)
{
	const struct nq_vm *self = &host->vms[vm];
	uint64_t total = 0;
	struct mean mean;

	if (node == NQ_NONE)
		return 0;
	for (uint32_t i = nq_nodeset_next(&self->home, 0); i != NQ_NONE; i = nq_nodeset_next(&self->home, i + 1))
		total = nq_sat_add(total, self->mem[i]);
	mean = mean_of_total(total);
	for (uint32_t i = nq_nodeset_next(&self->home, 0); i != NQ_NONE; i = nq_nodeset_next(&self->home, i + 1))
		mean_add(&mean, total ? self->mem[i] : 1, nq_cost_handoff(host, policy, node, i));
	return mean_value(&mean);
}

static uint64_t deliver_value(const struct path *path, uint32_t queue_node)
{
	return path->vm == NQ_NONE ? nq_cost_handoff(path->host, path->policy, queue_node, path->node)
				   : nq_cost_deliver(path->host, path->policy, path->vm, queue_node);
}

static uint64_t whole_value(const struct path *path, uint32_t queue_node)
{
	return nq_cost_arrive(path->host, path->policy, path->pnic, NQ_QUEUE_HARD, queue_node) +
	       deliver_value(path, queue_node);
}

uint64_t nq_cost_default_path(const struct nq_host *host, const struct nq_policy *policy, uint32_t pnic,
			      uint32_t vm_node)
{
	struct path path = { host, policy, pnic, NQ_NONE, vm_node };

	return mean_over_defaults(&path, whole_value);
}

static uint64_t served_total(const struct nq_host *host, const struct nq_vnic *vnic)
{
	uint64_t total = 0;

	if (vnic->served_by == NQ_SERVED_UNKNOWN)
		return 0;
	for (uint32_t i = 0; i < host->n_nodes; i++)
		total += vnic->served[i];
	return total;
}

/* The mean over the nodes where default traffic of the vnic was seen to be served. */
static uint64_t mean_over_default_rx(const struct path *path, const struct nq_vnic *vnic, value_fn value)
{
	uint64_t total = served_total(path->host, vnic);
	struct mean mean = mean_of_total(total);

	if (total == 0)
		return mean_over_defaults(path, value);
	for (uint32_t i = 0; i < path->host->n_nodes; i++)
		if (vnic->served[i])
			mean_add(&mean, vnic->served[i], value(path, i));
	return mean_value(&mean);
}

static struct path path_of(const struct nq_host *host, const struct nq_policy *policy, uint32_t vnic)
{
	return (struct path){ host, policy, host->vnics[vnic].pnic, host->vnics[vnic].vm, NQ_NONE };
}

uint64_t nq_cost_rx_handoff(const struct nq_host *host, const struct nq_policy *policy, uint32_t vnic)
{
	const struct nq_vnic *self = &host->vnics[vnic];
	struct path path = path_of(host, policy, vnic);

	if (self->rx_queue != NQ_NONE)
		return deliver_value(&path, nq_host_queue_node(host, self->rx_queue));
	return mean_over_default_rx(&path, self, deliver_value);
}

uint64_t nq_cost_rx(const struct nq_host *host, const struct nq_policy *policy, uint32_t vnic)
{
	const struct nq_vnic *self = &host->vnics[vnic];
	struct path path = path_of(host, policy, vnic);
	uint64_t cost = policy->packet_ns * NQ_FIXED;
	uint32_t node = nq_host_queue_node(host, self->rx_queue);

	if (self->rx_queue == NQ_NONE)
		return cost + mean_over_default_rx(&path, self, whole_value);
	return cost + nq_cost_arrive(host, policy, self->pnic, host->queues[self->rx_queue].kind, node) +
	       deliver_value(&path, node);
}

uint64_t nq_cost_tx(const struct nq_host *host, const struct nq_policy *policy, uint32_t vnic)
{
	const struct nq_vnic *self = &host->vnics[vnic];
	struct path path = path_of(host, policy, vnic);
	uint64_t cost = policy->packet_ns * NQ_FIXED;

	if (self->tx_queue == NQ_NONE)
		return cost + mean_over_defaults(&path, whole_value);
	return cost + whole_value(&path, nq_host_queue_node(host, self->tx_queue));
}

uint64_t nq_cost_vnic(const struct nq_host *host, const struct nq_policy *policy, uint32_t vnic)
{
	const struct nq_vnic *self = &host->vnics[vnic];
	uint64_t cost = 0;

	if (self->rx.packets)
		cost = nq_cost_of(self->rx.packets, nq_cost_rx(host, policy, vnic));
	if (self->tx.packets)
		cost = nq_sat_add(cost, nq_cost_of(self->tx.packets, nq_cost_tx(host, policy, vnic)));
	return cost;
}

uint64_t nq_host_cost(const struct nq_host *host, const struct nq_policy *policy)
{
	uint64_t cost = 0;

	for (uint32_t i = 0; i < host->n_vnics; i++)
		cost = nq_sat_add(cost, nq_cost_vnic(host, policy, i));
	return cost;
}

struct nq_share nq_default_share(const struct nq_host *host, uint32_t queue)
{
	struct nq_defaults defaults = nq_defaults_of(host, host->queues[queue].pnic);

	return (struct nq_share){ nq_default_weight(&defaults, &host->queues[queue]), defaults.total };
}

struct nq_share nq_default_share_on_node(const struct nq_host *host, uint32_t queue)
{
	const struct nq_queue *self = &host->queues[queue];
	struct nq_defaults defaults = nq_defaults_of(host, self->pnic);
	struct nq_share share = { nq_default_weight(&defaults, self), 0 };

	for (uint32_t i = 0; i < host->n_queues; i++)
		if (host->queues[i].pnic == self->pnic &&
		    nq_host_queue_node(host, i) == nq_host_queue_node(host, queue))
			share.total += nq_default_weight(&defaults, &host->queues[i]);
	return share;
}

/* Rates are below 2^41 and weights below 2^23 (2^16 entries, 2^7 queues); more saturates. */
uint64_t nq_share_of(struct nq_share share, uint64_t amount)
{
	return share.total ? mul_div(amount, share.weight, share.total) : 0;
}

/* What one vnic's packets through the default queue cost when that queue is on the node. */
static uint64_t vnic_through(const struct path *path, const struct nq_vnic *vnic, uint32_t queue,
			     const struct nq_share shares[2], uint32_t node)
{
	const struct nq_host *host = path->host;
	uint64_t packet = path->policy->packet_ns * NQ_FIXED, cost = 0;
	uint32_t now = nq_host_queue_node(host, queue), soft_node = nq_host_queue_node(host, vnic->rx_queue);
	uint64_t through = nq_share_of(shares[0], vnic->rx.packets);
	struct path hop = { host, path->policy, path->pnic, NQ_NONE, soft_node };

	if (vnic->rx_queue == NQ_NONE && served_total(host, vnic) && now != NQ_NONE)
		through = nq_share_of(shares[1], vnic->served[now]);
	if (vnic->rx_queue == NQ_NONE)
		cost = nq_cost_of(through, packet + whole_value(path, node));
	else if (vnic->rx_queue == queue)
		cost = nq_cost_of(vnic->rx.packets, packet + whole_value(path, node));
	else if (host->queues[vnic->rx_queue].kind == NQ_QUEUE_SOFT)
		cost = nq_cost_of(through, packet + hop_value(&hop, node));

	through = vnic->tx_queue == NQ_NONE ? nq_share_of(shares[0], vnic->tx.packets)
					    : (vnic->tx_queue == queue ? vnic->tx.packets : 0);
	return nq_sat_add(cost, nq_cost_of(through, packet + whole_value(path, node)));
}

uint64_t nq_cost_through(const struct nq_host *host, const struct nq_policy *policy, uint32_t queue, uint32_t node)
{
	const struct nq_share shares[2] = { nq_default_share(host, queue), nq_default_share_on_node(host, queue) };
	uint64_t cost = 0;

	for (uint32_t i = 0; i < host->n_vnics; i++) {
		struct path path = path_of(host, policy, i);

		if (path.pnic == host->queues[queue].pnic)
			cost = nq_sat_add(cost, vnic_through(&path, &host->vnics[i], queue, shares, node));
	}
	return cost;
}
