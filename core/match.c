/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Match: queues on the nodes of their vms by thresholds, as 000_35c30de055bde3dd.txt section V.A writes it (FEATURES N1
 * to N9; process 400 with 1100, 1300 and 1400). Nothing is compared by cost, no move is held back because it does not
 * pay: what the stage cannot know without that, it gets wrong, and the tests show where.
 *
 * Metric. Packets/s of the queue, both directions, against parts of queue_capacity_pps; the effect of a vm that is not
 * on the queue yet is its own packets/s (claim 8). A queue without any takes one unit of any size.
 *
 * Process 1100, for each unit without a queue whose traffic reaches its pool's enter_pps, and each whose queue is not
 * on the best node that there could be; largest first, which is the order in which the matrix of process 1200 is
 * filled:
 *   1. on each node of the vm, most vCPUs first (claims 9 and 16), the pnic's first of equals (claim 17): a queue in
 *      use with room (1140), else a new one there (1130) unless overflow says otherwise;
 *   2. else a queue in use with room elsewhere, the pnic's node first, then the nearest (claims 3, 12 and 19);
 *   3. else, for a unit that has no queue, a free queue wherever one is to be had.
 * A unit that has a queue moves only to a better node in that order. So a vm that was moved gets a queue of its new
 * node (claims 2, 11 and 18), and one that spilled returns as soon as its node's queue is under the threshold with it
 * (claims 4 and 13). A vm without a home is on no node: the pnic's is then the best (claims 17 and 19).
 *
 * Overflow. When all queues of a node are full, per-node takes a new one there (figure 10). Single does not: step 2
 * finds the overflow queue if there is one, else step 3 opens it, on the pnic's node first (figure 9). Cost, which is
 * not the patent's, joins the overflow queue of the pnic's node when the way from there costs less than one more queue.
 *
 * Which of several queues in use: the emptiest; the fullest that has room when the pool packs.
 *
 * Ends: a unit moves to better nodes only, splitting needs more than queue_split, consolidating less than
 * queue_consolidate, which is at most queue_split. PASSES only guards against a mistake in that.
 */
#include "core/match.h"

#include <errno.h>
#include <stdlib.h>

#include "core/cost.h"

#define PASSES 16

struct order {
	uint64_t traffic;
	uint32_t unit;
};

static int by_traffic(const void *left, const void *right)
{
	const struct order *a = left, *b = right;

	if (a->traffic != b->traffic)
		return a->traffic < b->traffic ? 1 : -1;
	return (a->unit > b->unit) - (a->unit < b->unit);
}

/* Has the unit's pool a queue in use there? */
static bool has_queue(const struct nq_match *match, uint32_t unit, uint32_t node)
{
	const struct nq_board *board = match->draft->board;
	const struct nq_unit *self = &board->units[unit];

	for (uint32_t i = nq_match_first_on(match, self->pnic, node); i != NQ_NONE; i = match->market.next_at[i])
		if (nq_board_used(board, i) && board->queues[i].pool == self->pool)
			return true;
	return false;
}

/* May a unit that finds no room on the node open a queue there? */
static bool opens_on(const struct nq_match *match, uint32_t unit, uint32_t node)
{
	const struct nq_board *board = match->draft->board;
	const struct nq_unit *self = &board->units[unit];
	uint32_t home = board->pnics[self->pnic].node;

	if (self->exclusive || board->policy->overflow == NQ_OVERFLOW_PER_NODE || !has_queue(match, unit, node))
		return true;
	if (board->policy->overflow == NQ_OVERFLOW_SINGLE)
		return false;
	return home == NQ_NONE || nq_cost_of(nq_unit_demand(self), board->vms[self->vm].deliver[home]) >
					  nq_board_queue_used(board, self->pool);
}

static bool comes_into_question(const struct nq_match *match, uint32_t unit)
{
	const struct nq_board *board = match->draft->board;
	const struct nq_unit *self = &board->units[unit];
	uint64_t traffic = self->rx + self->tx;

	if (self->rx_queue == NQ_NONE && self->lane == 0 &&
	    (traffic == 0 || traffic < board->policy->pools[self->pool].enter_pps))
		return false;
	return !nq_match_held(match, unit);
}

/* How good the unit's place is: 0 the best node, n_nodes: it must leave. A queue on an unknown node is left alone. */
static uint32_t rank_now(const struct nq_match *match, uint32_t unit)
{
	const struct nq_board *board = match->draft->board;
	uint32_t queue = board->units[unit].rx_queue, node = nq_board_queue_node(board, queue), rank = 0;

	if (queue == NQ_NONE)
		return board->n_nodes;
	if (node == NQ_NONE)
		return 0;
	if (!nq_market_admits(&match->market, unit, queue))
		return board->n_nodes;
	while (match->nodes[rank] != node)
		rank++;
	return rank;
}

static struct nq_reason reason_for(const struct nq_match *match, uint32_t unit, uint32_t node,
				   const struct nq_match_place *to)
{
	const struct nq_board *board = match->draft->board;
	const struct nq_policy *policy = board->policy;
	const struct nq_unit *self = &board->units[unit];
	const struct nq_nodeset *home = nq_board_home_of(board, self->vm);
	uint32_t now = nq_board_queue_node(board, self->rx_queue);
	uint64_t id = nq_match_node_id(match, node);

	if (self->exclusive)
		return (struct nq_reason){ NQ_RULE_QUEUE_EXCLUSIVE,
					   { self->rx + self->tx, policy->pools[self->pool].exclusive_pps } };
	if (!nq_nodeset_has(home, node))
		return (struct nq_reason){ has_queue(match, unit, match->nodes[0]) ? NQ_RULE_QUEUE_OVERFLOW
										   : NQ_RULE_QUEUE_CHEAPEST,
					   { nq_match_node_id(match, match->nodes[0]), id } };
	if (to->place.open)
		return (struct nq_reason){ NQ_RULE_QUEUE_NEW, { id } };
	if (now != NQ_NONE && !nq_nodeset_has(home, now))
		return (struct nq_reason){ NQ_RULE_QUEUE_RETURN, { id } };
	return (struct nq_reason){ NQ_RULE_QUEUE_ON_VM_NODE,
				   { id, board->queues[to->place.queue].load + nq_unit_demand(self),
				     nq_match_threshold(policy, policy->queue_full) } };
}

/* Steps 1 and 2 on the node of that rank. */
static bool find_on(const struct nq_match *match, uint32_t unit, uint32_t rank, struct nq_match_place *ret)
{
	uint32_t node = match->nodes[rank], refused = ret->next;
	bool found = nq_match_in_use(match, unit, node, ret);

	if (refused != NQ_NONE)
		ret->next = refused; /* that of the best node */
	return found ||
	       (rank < match->n_matching && opens_on(match, unit, node) && nq_match_new(match, unit, node, ret));
}

/* The node whose queue the unit shall have; NQ_NONE: it stays. */
static uint32_t find(const struct nq_match *match, uint32_t unit, struct nq_match_place *ret)
{
	const struct nq_board *board = match->draft->board;
	uint32_t home = board->pnics[board->units[unit].pnic].node, now = rank_now(match, unit);

	ret->next = NQ_NONE;
	for (uint32_t i = 0; i < board->n_nodes && i < now; i++)
		if (find_on(match, unit, i, ret))
			return match->nodes[i];
	if (now < board->n_nodes)
		return NQ_NONE;
	if (home != NQ_NONE && nq_match_new(match, unit, home, ret))
		return home;
	for (uint32_t i = 0; i < board->n_nodes; i++)
		if (nq_match_new(match, unit, match->nodes[i], ret))
			return match->nodes[i];
	return NQ_NONE;
}

static void assign(struct nq_match *match, uint32_t unit)
{
	struct nq_match_place to;
	uint32_t node;

	if (!comes_into_question(match, unit))
		return;
	nq_match_rank(match, unit);
	node = find(match, unit, &to);
	if (node != NQ_NONE)
		nq_match_move(match, unit, &to, reason_for(match, unit, node, &to));
}

/* May the unit send through that queue, and is there room? */
static bool sends_through(const struct nq_match *match, const struct nq_unit *unit, uint32_t queue)
{
	const struct nq_board *board = match->draft->board;
	const struct nq_board_queue *self = &board->queues[queue];

	return nq_board_used(board, queue) && self->pool == unit->pool && !self->exclusive &&
	       self->load + unit->tx <= nq_match_threshold(board->policy, board->policy->queue_full);
}

/* Unpaired directions: sending gets a queue in use on a node of the vm, the emptiest; it opens none. */
static void assign_sending(struct nq_match *match, uint32_t unit)
{
	struct nq_board *board = match->draft->board;
	const struct nq_unit *self = &board->units[unit];
	uint32_t now = nq_board_queue_node(board, self->tx_queue), best = NQ_NONE;
	const struct nq_proposal nothing = { 0 };

	if (self->paired || self->tx == 0 || self->rx_queue == NQ_NONE || board->pnics[self->pnic].soft ||
	    nq_match_held(match, unit) || (now != NQ_NONE && nq_nodeset_has(nq_board_home_of(board, self->vm), now)))
		return;
	nq_match_rank(match, unit);
	for (uint32_t i = 0; i < match->n_matching && best == NQ_NONE; i++)
		for (uint32_t queue = nq_match_first_on(match, self->pnic, match->nodes[i]); queue != NQ_NONE;
		     queue = match->market.next_at[queue])
			if (queue != self->tx_queue && sends_through(match, self, queue) &&
			    (best == NQ_NONE || board->queues[queue].load < board->queues[best].load ||
			     (board->queues[queue].load == board->queues[best].load && queue < best)))
				best = queue;
	if (best == NQ_NONE)
		return;
	if (!nq_board_note_of(board, NQ_NOTE_VNIC, self->vnic))
		nq_board_note(board, NQ_NOTE_VNIC, self->vnic,
			      (struct nq_reason){ NQ_RULE_QUEUE_ON_VM_NODE,
						  { nq_match_node_id(match, nq_board_queue_node(board, best)),
						    board->queues[best].load + self->tx,
						    nq_match_threshold(board->policy, board->policy->queue_full) } },
			      (struct nq_rejected){ NQ_NONE, 0 }, &nothing);
	nq_board_steer(board, unit, self->rx_queue, best);
	match->draft->moves++;
}

static void run(struct nq_match *match)
{
	const struct nq_board *board = match->draft->board;

	for (int pass = 0; pass < PASSES; pass++) {
		uint64_t before = match->draft->moves;

		for (uint32_t i = 0; i < board->n_units; i++) {
			assign(match, match->order[i]);
			assign_sending(match, match->order[i]);
		}
		nq_match_split(match);
		nq_match_consolidate(match);
		if (match->draft->moves == before)
			break;
	}
	nq_board_refresh(match->draft->board);
}

static bool line_up(struct nq_match *match)
{
	const struct nq_board *board = match->draft->board;
	struct order *order = calloc((size_t)board->n_units + 1, sizeof(*order));

	for (uint32_t i = 0; order && i < board->n_units; i++)
		order[i] = (struct order){ board->units[i].rx + board->units[i].tx, i };
	if (order)
		qsort(order, board->n_units, sizeof(*order), by_traffic);
	for (uint32_t i = 0; order && i < board->n_units; i++)
		match->order[i] = order[i].unit;
	free(order);
	return order != NULL;
}

int nq_stage_match(struct nq_draft *draft)
{
	size_t n_units = draft->board->n_units, n_nodes = draft->board->n_nodes;
	struct nq_match match = { .draft = draft };
	int result = nq_market_open(&match.market, draft);

	if (result < 0)
		return result;
	match.order = calloc(n_units + 1, sizeof(*match.order));
	match.rank = calloc(n_units + 1, sizeof(*match.rank));
	match.nodes = calloc(n_nodes, sizeof(*match.nodes));
	match.clients = calloc(n_nodes, sizeof(*match.clients));
	match.traffic = calloc(n_nodes, sizeof(*match.traffic));
	result = match.order && match.rank && match.nodes && match.clients && match.traffic && line_up(&match)
			 ? 0
			 : -ENOMEM;
	if (result == 0)
		run(&match);
	free(match.order);
	free(match.rank);
	free(match.nodes);
	free(match.clients);
	free(match.traffic);
	nq_market_close(&match.market);
	return result;
}
