/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who served a vnic's frames, where nobody counted. A steered vnic's frames come through its queue. All others come
 * through the default queues of its uplink, and nothing says which, so they are taken to come through each in
 * proportion to what it received. Not known: a vnic without uplink (its frames come from wherever the sender runs),
 * default queues without counters, and the share that comes through a queue whose CPU is not known.
 */
#include <host/view.h>

static uint64_t add_default_packets(const struct nq_host *host, uint32_t pnic)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < host->n_queues; i++)
		if (host->queues[i].pnic == pnic && host->queues[i].role == NQ_ROLE_DEFAULT)
			sum += host->queues[i].rx.packets;
	return sum;
}

static void share_out(const struct nq_host *host, struct nq_vnic *vnic, uint64_t all)
{
	for (uint32_t i = 0; i < host->n_queues; i++) {
		const struct nq_queue *queue = &host->queues[i];
		uint32_t node = nq_host_queue_node(host, i);

		if (queue->pnic == vnic->pnic && queue->role == NQ_ROLE_DEFAULT && node != NQ_NONE)
			vnic->served[node] += (uint64_t)((unsigned __int128)vnic->rx.packets * queue->rx.packets / all);
	}
}

static void estimate(const struct nq_host *host, struct nq_vnic *vnic)
{
	uint32_t node = vnic->rx_queue == NQ_NONE ? NQ_NONE : nq_host_queue_node(host, vnic->rx_queue);
	uint64_t all;

	if (node != NQ_NONE) {
		vnic->served[node] = vnic->rx.packets;
		vnic->served_by = NQ_SERVED_ESTIMATED;
		return;
	}
	all = add_default_packets(host, vnic->pnic);
	if (!all)
		return;
	share_out(host, vnic, all);
	vnic->served_by = NQ_SERVED_ESTIMATED;
}

void nq_estimate_served(struct nq_host *host)
{
	if (!host->interval_ns)
		return;
	for (uint32_t i = 0; i < host->n_vnics; i++)
		if (host->vnics[i].served_by == NQ_SERVED_UNKNOWN && host->vnics[i].pnic != NQ_NONE)
			estimate(host, &host->vnics[i]);
}
