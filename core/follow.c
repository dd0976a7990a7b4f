/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Follow: a queue goes where its vms have gone (FEATURES N1; process 1100, claims 2, 11 and 18).
 *
 * Rule. A queue in use, whose CPU can be changed, moves to the CPU of another node that is disturbed least when all
 * that pass through it gain by it together: their ways and the waiting on both CPUs. So the queue of a single vm
 * follows it in one action, and a queue whose vms have mostly gone follows the many; what stays behind is assigned
 * anew.
 *
 * Only ways make a queue leave its node; which CPU of the node serves it is the business of the spread stage.
 *
 * Lost: leaving it to assign, which would steer every vnic to a free queue on the new node: more rules to write, more
 * packets to be reordered.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/cost.h"
#include "core/stages.h"

static uint64_t packets_of(const struct nq_board *board, uint32_t queue, uint32_t unit)
{
	return board->units[unit].rx + (board->units[unit].tx_queue == queue ? board->units[unit].tx : 0);
}

/* Ways of all units of the queue if it were served on that node, ns/s. */
static uint64_t paths_at(const struct nq_board *board, uint32_t queue, uint32_t node)
{
	const struct nq_board_queue *self = &board->queues[queue];
	uint64_t cost = 0;

	for (uint32_t i = self->first_unit; i != NQ_NONE; i = board->units[i].next)
		cost = nq_sat_add(cost, nq_cost_of(packets_of(board, queue, i),
						   (uint64_t)nq_board_arrive(board, self->pnic, self->soft, node) +
							   board->vms[board->units[i].vm].deliver[node]));
	return cost;
}

/* Does no unit have a longer way there? */
static bool suits_all(const struct nq_board *board, uint32_t queue, uint32_t node)
{
	const struct nq_board_queue *self = &board->queues[queue];
	uint32_t now = nq_board_queue_node(board, queue);
	uint32_t before = nq_board_arrive(board, self->pnic, self->soft, now);
	uint32_t after = nq_board_arrive(board, self->pnic, self->soft, node);

	for (uint32_t i = self->first_unit; i != NQ_NONE; i = board->units[i].next) {
		const uint32_t *deliver = board->vms[board->units[i].vm].deliver;

		if ((uint64_t)after + deliver[node] > (uint64_t)before + deliver[now])
			return false;
	}
	return true;
}

/*
 * What the ways of the units of each queue cost above their shortest, ns/s: nothing more can be gained by following.
 * Over the units in order, which is the order in memory.
 */
static void find_excess(const struct nq_board *board, uint64_t *ret)
{
	for (uint32_t i = 0; i < board->n_units; i++) {
		const struct nq_unit *unit = &board->units[i];
		uint32_t queue = unit->rx_queue, now = nq_board_queue_node(board, queue), least;
		uint64_t way;

		if (now == NQ_NONE)
			continue;
		way = (uint64_t)nq_board_arrive(board, unit->pnic, board->queues[queue].soft, now) +
		      board->vms[unit->vm].deliver[now];
		least = nq_board_shortest(board, i);
		if (way > least)
			ret[queue] = nq_sat_add(ret[queue], nq_cost_of(packets_of(board, queue, i), way - least));
	}
}

struct spot {
	uint32_t node, cpu;
	uint64_t cost_ns;
};

/* What the queue and its load cost on the node: ways, and waiting on the CPU that it would get there. */
static bool consider(const struct nq_board *board, uint32_t queue, uint32_t node, uint64_t ways_now, struct spot *ret)
{
	const struct nq_board_queue *self = &board->queues[queue];
	uint64_t ways = paths_at(board, queue, node);
	uint32_t cpu = ways < ways_now ? nq_board_pick_cpu(board, node, NULL) : NQ_NONE;
	uint64_t load, limit = board->policy->queue_capacity_pps * board->policy->queue_full / 1000;

	if (cpu == NQ_NONE)
		return false;
	load = board->cpus[cpu].load;
	if (load && load + self->load > limit)
		return false;
	*ret = (struct spot){ node, cpu,
			      nq_sat_add(ways, nq_board_cpu_waiting(board, cpu, load + self->load) -
						       nq_board_cpu_waiting(board, cpu, load)) };
	return true;
}

static void follow(struct nq_draft *draft, uint32_t queue, bool together)
{
	struct nq_board *board = draft->board;
	const struct nq_board_queue *self = &board->queues[queue];
	uint32_t now = nq_board_queue_node(board, queue);
	struct spot best = { .node = NQ_NONE }, next = { .node = NQ_NONE };
	struct nq_proposal proposal = { .once_ns = board->policy->queue_cpu_once_ns };
	struct nq_reason ignored;

	proposal.remote_ns = paths_at(board, queue, now);
	proposal.before_ns =
		nq_sat_add(proposal.remote_ns,
			   nq_board_cpu_waiting(board, self->cpu, board->cpus[self->cpu].load) -
				   nq_board_cpu_waiting(board, self->cpu, board->cpus[self->cpu].load - self->load));
	for (uint32_t node = 0; node < board->n_nodes; node++) {
		struct spot spot;

		if (node == now || (together && !suits_all(board, queue, node)) ||
		    !consider(board, queue, node, proposal.remote_ns, &spot))
			continue;
		if (best.node == NQ_NONE || spot.cost_ns < best.cost_ns) {
			next = best;
			best = spot;
		} else if (next.node == NQ_NONE || spot.cost_ns < next.cost_ns) {
			next = spot;
		}
	}
	proposal.after_ns = best.cost_ns;
	if (best.node == NQ_NONE || !nq_guard_pays(draft, &proposal, board->policy->horizon_ms, &ignored))
		return;
	nq_board_note(board, NQ_NOTE_QUEUE, queue,
		      (struct nq_reason){ NQ_RULE_QUEUE_NEAR_VMS,
					  { board->host->nodes[best.node].id, board->host->nodes[now].id } },
		      (struct nq_rejected){ next.node == NQ_NONE ? NQ_NONE : next.cpu, next.cost_ns }, &proposal);
	nq_board_queue_cpu(board, queue, best.cpu);
	draft->moves++;
}

static int follow_all(struct nq_draft *draft, bool together)
{
	struct nq_board *board = draft->board;
	const struct nq_policy *policy = board->policy;
	uint64_t least = nq_guard_needs(policy, 0, policy->queue_cpu_once_ns, policy->horizon_ms);
	uint64_t *excess = calloc((size_t)board->n_queues + 1, sizeof(*excess));

	if (!excess)
		return -ENOMEM;
	find_excess(board, excess);
	for (uint32_t i = 0; i < board->n_queues; i++) {
		const struct nq_board_queue *queue = &board->queues[i];
		struct nq_reason ignored;

		if (excess[i] < least || queue->is_default || !queue->movable || !queue->users ||
		    queue->first_unit == NQ_NONE || nq_board_queue_node(board, i) == NQ_NONE ||
		    !board->pnics[queue->pnic].steers)
			continue;
		if (!nq_guard_holds(draft, NQ_ACTION_QUEUE_CPU, i, &ignored))
			follow(draft, i, together);
	}
	free(excess);
	return 0;
}

int nq_stage_follow(struct nq_draft *draft)
{
	return follow_all(draft, true);
}

int nq_stage_follow_most(struct nq_draft *draft)
{
	return follow_all(draft, false);
}
