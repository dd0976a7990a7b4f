/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Default queues: served on the pnic's node (FEATURES N9; claims 17 to 19).
 *
 * Rule. A default queue that can be moved and is served away from its pnic's node goes to a CPU of that node; when
 * the node has no CPU online, to the nearest node that has. The queues spread evenly: each goes to the CPU with the
 * fewest queues, then the core with the fewest, so that hardware threads of one core share only when every core has
 * a queue, then the least busy, then the lowest id. A queue that is already there is not touched: evening out what
 * is local is for the spread stage (D2). Nothing is known of a pnic on node -1, or of a queue whose CPU is unknown;
 * both are left alone.
 *
 * Threshold. What passes through the queue must become cheaper by the guard's measure. The patent puts the default
 * queue on the pnic's node always; here the cost decides, since a pnic that cannot steer has nothing but default
 * queues, and when all its vms are on another node the copy to them weighs more than the DMA.
 *
 * Lost: numbering the CPUs of the node and dealing them out, as drivers' affinity hints do: two NICs on one node then
 * pile up on its first CPUs.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/cost.h"
#include "core/draft.h"
#include "core/whatif.h"

bool nq_node_has_cpus(const struct nq_host *host, uint32_t node)
{
	for (uint32_t i = 0; i < host->n_cpus; i++)
		if (host->cpus[i].node == node && host->cpus[i].online)
			return true;
	return false;
}

/* How much one more queue on this CPU disturbs; compared field by field. */
struct crowd {
	uint32_t on_cpu, on_core, busy;
};

static struct crowd crowd_of(const struct nq_host *host, uint32_t cpu)
{
	const struct nq_cpu *self = &host->cpus[cpu];
	struct crowd crowd = { 0, 0, self->busy };

	for (uint32_t i = 0; i < host->n_queues; i++) {
		const struct nq_queue *queue = &host->queues[i];

		if (queue->cpu == NQ_NONE || queue->role == NQ_ROLE_FREE)
			continue;
		crowd.on_cpu += queue->cpu == cpu;
		crowd.on_core += host->cpus[queue->cpu].core == self->core;
	}
	return crowd;
}

static bool is_quieter(struct crowd a, struct crowd b)
{
	if (a.on_cpu != b.on_cpu)
		return a.on_cpu < b.on_cpu;
	if (a.on_core != b.on_core)
		return a.on_core < b.on_core;
	return a.busy < b.busy;
}

uint32_t nq_pick_cpu(const struct nq_host *host, uint32_t node, uint32_t *ret_next)
{
	uint32_t best = NQ_NONE, next = NQ_NONE;
	struct crowd best_crowd = { 0 }, next_crowd = { 0 };

	for (uint32_t i = 0; i < host->n_cpus; i++) {
		struct crowd crowd;

		if (host->cpus[i].node != node || !host->cpus[i].online)
			continue;
		crowd = crowd_of(host, i);
		if (best == NQ_NONE || is_quieter(crowd, best_crowd)) {
			next = best;
			next_crowd = best_crowd;
			best = i;
			best_crowd = crowd;
		} else if (next == NQ_NONE || is_quieter(crowd, next_crowd)) {
			next = i;
			next_crowd = crowd;
		}
	}
	if (ret_next)
		*ret_next = next;
	return best;
}

/* The pnic's node, or the nearest that has a CPU online. */
static uint32_t wanted_node(const struct nq_host *host, uint32_t pnic)
{
	uint32_t home = host->pnics[pnic].node, best = NQ_NONE;

	if (home == NQ_NONE || nq_node_has_cpus(host, home))
		return home;
	for (uint32_t i = 0; i < host->n_nodes; i++)
		if (nq_node_has_cpus(host, i) &&
		    (best == NQ_NONE || nq_host_distance(host, home, i) < nq_host_distance(host, home, best)))
			best = i;
	return best;
}

static struct nq_proposal propose(const struct nq_draft *draft, uint32_t queue, uint32_t node)
{
	const struct nq_host *host = draft->host;
	struct nq_policy local = *draft->policy;
	uint32_t now = nq_host_queue_node(host, queue);
	struct nq_proposal proposal = {
		.before_ns = nq_cost_through(host, draft->policy, queue, now),
		.after_ns = nq_cost_through(host, draft->policy, queue, node),
		.once_ns = draft->policy->queue_cpu_once_ns,
	};

	/* What the same packets would cost without any distance. */
	local.dma_remote_ns = local.handoff_remote_ns = 0;
	proposal.remote_ns = nq_sat_sub(proposal.before_ns, nq_cost_through(host, &local, queue, now));
	return proposal;
}

static void move_home(struct nq_draft *draft, uint32_t queue, uint32_t node)
{
	struct nq_host *host = draft->host;
	uint32_t pnic_node = host->pnics[host->queues[queue].pnic].node, now = nq_host_queue_node(host, queue);
	struct nq_note *note = &draft->queues[queue];
	struct nq_proposal proposal = propose(draft, queue, node);
	struct nq_reason reason = { NQ_RULE_QUEUE_NEAR_PNIC,
				    { host->nodes[node].id, host->nodes[now].id,
				      nq_host_distance(host, pnic_node, now) } };
	uint32_t next, cpu = nq_pick_cpu(host, node, &next);

	if (!nq_guard_pays(draft, &proposal, &reason)) {
		nq_note_keep(note, reason);
		return;
	}
	nq_note_move(note, reason, (struct nq_rejected){ next, proposal.after_ns }, &proposal);
	nq_whatif_queue_cpu(host, queue, cpu);
}

int nq_stage_default_queues(struct nq_draft *draft)
{
	const struct nq_host *host = draft->host;

	for (uint32_t i = 0; i < host->n_queues; i++) {
		const struct nq_queue *queue = &host->queues[i];
		uint32_t now = nq_host_queue_node(host, i), node = wanted_node(host, queue->pnic);
		uint32_t home = host->pnics[queue->pnic].node;
		struct nq_reason kept;

		if (queue->role != NQ_ROLE_DEFAULT || !queue->movable || now == NQ_NONE || node == NQ_NONE)
			continue;
		if (nq_host_distance(host, home, now) <= nq_host_distance(host, home, node) || now == node)
			continue;
		if (nq_guard_dwells(draft, NQ_ACTION_QUEUE_CPU, i, &kept))
			nq_note_keep(&draft->queues[i], kept);
		else
			move_home(draft, i, node);
	}
	return 0;
}
