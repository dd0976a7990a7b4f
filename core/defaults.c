/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Default queues: served on the pnic's node (FEATURES Q1, N9; claims 17 to 19).
 *
 * Rule. A default queue that can be moved and is served away from its pnic's node goes to a CPU of that node, whatever
 * passes now: it is the one for broadcast and multicast, which belong to nobody (000_35c30de055bde3dd.txt section
 * IV.B). When the node has no CPU online, to the nearest node that has. The queues spread: each goes to the CPU that is
 * disturbed least. A queue that is already there is not touched; nothing is known of a pnic on node -1, or of a queue
 * whose CPU is unknown; both are left alone.
 *
 * A pnic that cannot steer has nothing but default queues. When all its vms are on another node, the copy to them
 * weighs more than the DMA: there the cost decides between its present node and the pnic's.
 *
 * The rule may cost a little, for the mice that stay on the default queue; it holds still when the whole plan would
 * be dearer than doing nothing (core/plan.c).
 *
 * Lost: numbering the CPUs of the node and dealing them out, as drivers' affinity hints do: two NICs on one node then
 * pile up on its first CPUs.
 */
#include "core/cost.h"
#include "core/stages.h"

/* The pnic's node, or the nearest that has a CPU online. */
static uint32_t wanted_node(const struct nq_board *board, uint32_t pnic)
{
	const struct nq_host *host = board->host;
	uint32_t home = board->pnics[pnic].node, best = NQ_NONE;

	if (home == NQ_NONE || board->nodes[home].cpus)
		return home;
	for (uint32_t i = 0; i < board->n_nodes; i++)
		if (board->nodes[i].cpus &&
		    (best == NQ_NONE || nq_host_distance(host, home, i) < nq_host_distance(host, home, best)))
			best = i;
	return best;
}

/* All that passes through the queue, if it were served on that node; ns/s without packet_ns. */
static uint64_t cost_through(const struct nq_board *board, uint32_t queue, uint32_t node)
{
	const struct nq_board_queue *self = &board->queues[queue];
	uint32_t whole = board->pnics[self->pnic].weight;
	uint64_t cost = 0;

	for (uint32_t i = 0; i < board->n_units; i++) {
		const struct nq_unit *unit = &board->units[i];
		uint64_t packets = unit->rx_queue == NQ_NONE ? unit->rx : 0;

		if (unit->pnic != self->pnic)
			continue;
		packets += unit->tx_queue == NQ_NONE ? unit->tx : 0;
		cost = nq_sat_add(cost, nq_cost_of(nq_mul_div(packets, self->weight, whole ? whole : 1),
						   (uint64_t)nq_board_arrive(board, self->pnic, false, node) +
							   board->vms[unit->vm].deliver[node]));
	}
	return cost;
}

static void move_home(struct nq_draft *draft, uint32_t queue, uint32_t node)
{
	struct nq_board *board = draft->board;
	const struct nq_board_queue *self = &board->queues[queue];
	uint32_t now = nq_board_queue_node(board, queue), next, cpu = nq_board_pick_cpu(board, node, &next);
	struct nq_proposal proposal = {
		.before_ns = cost_through(board, queue, now),
		.after_ns = cost_through(board, queue, node),
		.once_ns = board->policy->queue_cpu_once_ns,
	};
	struct nq_reason ignored;

	proposal.remote_ns = proposal.before_ns;
	if ((!board->pnics[self->pnic].steers || draft->by_cost_only) &&
	    !nq_guard_pays(draft, &proposal, board->policy->horizon_ms, &ignored))
		return;
	nq_board_note(board, NQ_NOTE_QUEUE, queue,
		      (struct nq_reason){ NQ_RULE_QUEUE_NEAR_PNIC,
					  { board->host->nodes[node].id, board->host->nodes[now].id,
					    nq_host_distance(board->host, board->pnics[self->pnic].node, now) } },
		      (struct nq_rejected){ next, proposal.after_ns }, &proposal);
	nq_board_queue_cpu(board, queue, cpu);
	draft->moves++;
}

int nq_stage_default_queues(struct nq_draft *draft)
{
	struct nq_board *board = draft->board;

	for (uint32_t i = 0; i < board->n_queues; i++) {
		const struct nq_board_queue *queue = &board->queues[i];
		uint32_t now = nq_board_queue_node(board, i), home = board->pnics[queue->pnic].node, node;
		struct nq_reason ignored;

		if (!queue->is_default || !queue->movable || now == NQ_NONE || home == NQ_NONE)
			continue;
		node = wanted_node(board, queue->pnic);
		if (node == NQ_NONE ||
		    nq_host_distance(board->host, home, now) <= nq_host_distance(board->host, home, node))
			continue;
		if (!nq_guard_holds(draft, NQ_ACTION_QUEUE_CPU, i, &ignored))
			move_home(draft, i, node);
	}
	nq_board_refresh(board);
	return 0;
}
