/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Splitting and consolidating queues by thresholds (FEATURES N4, N5; processes 1300 and 1400, claims 5 to 7, 14, 15, 20
 * and 21).
 *
 * Process 1300. A queue with several units that carries more than queue_split gets a second one. When vms of another
 * node are among them, the new queue goes to the node with most of their traffic, and theirs go there (claim 7);
 * else it is on the same node, and the units are shared out, largest first, each to the emptier of the two. Without a
 * free queue, units overflow to other queues with room, largest first, until the queue is under the threshold.
 *
 * Process 1400. As long as two queues of a node together carry less than queue_consolidate, the emptiest that can be
 * vacated joins the fullest for which that holds. A pool keeps its minimum, and one that distributes keeps all.
 */
#include "core/match.h"

/* The unit's vm is at home on one node or mostly on one: that node. */
static uint32_t node_of(struct nq_match *match, uint32_t unit)
{
	nq_match_rank(match, unit);
	return nq_board_placed(match->draft->board, match->draft->board->units[unit].vm) ? match->nodes[0] : NQ_NONE;
}

/* The units of the queue that may move, into match->rank, largest first. Their number. */
static uint32_t list_units(struct nq_match *match, uint32_t queue)
{
	const struct nq_board *board = match->draft->board;
	uint32_t n = 0;

	for (uint32_t i = 0; i < board->n_units; i++)
		if (board->units[match->order[i]].rx_queue == queue && !nq_match_held(match, match->order[i]))
			match->rank[n++] = match->order[i];
	return n;
}

static uint32_t receivers(const struct nq_board *board, uint32_t queue)
{
	uint32_t n = 0;

	for (uint32_t i = board->queues[queue].first_unit; i != NQ_NONE; i = board->units[i].next)
		n++;
	return n;
}

static struct nq_reason split_reason(const struct nq_board *board, uint32_t queue)
{
	return (struct nq_reason){ NQ_RULE_QUEUE_SPLIT,
				   { board->queues[queue].load, board->policy->queue_capacity_pps } };
}

/* The node, other than the queue's, of most of the traffic of its first n units; NQ_NONE: there is none. */
static uint32_t second_node(struct nq_match *match, uint32_t queue, uint32_t n)
{
	const struct nq_board *board = match->draft->board;
	uint32_t own = nq_board_queue_node(board, queue), best = NQ_NONE;

	for (uint32_t i = 0; i < board->n_nodes; i++)
		match->traffic[i] = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t node = node_of(match, match->rank[i]);

		if (node != NQ_NONE && node != own)
			match->traffic[node] += nq_unit_demand(&board->units[match->rank[i]]);
	}
	for (uint32_t i = 0; i < board->n_nodes; i++)
		if (match->traffic[i] && (best == NQ_NONE || match->traffic[i] > match->traffic[best]))
			best = i;
	return best;
}

/* Joins the unit to a queue in use. */
static void join(struct nq_match *match, uint32_t unit, uint32_t queue, struct nq_reason reason)
{
	const struct nq_board *board = match->draft->board;
	struct nq_match_place to = { { queue, board->queues[queue].cpu, false, false, 0 }, NQ_NONE };

	if (nq_market_admits(&match->market, unit, queue))
		nq_match_move(match, unit, &to, reason);
}

/* Claim 7. */
static bool split_to_second_node(struct nq_match *match, uint32_t queue, uint32_t n)
{
	const struct nq_board *board = match->draft->board;
	uint32_t node = second_node(match, queue, n), opened = NQ_NONE;
	uint64_t limit = nq_match_threshold(board->policy, board->policy->queue_full);
	struct nq_reason reason = split_reason(board, queue);

	for (uint32_t i = 0; node != NQ_NONE && i < n; i++) {
		uint32_t unit = match->rank[i];
		struct nq_match_place to = { .next = NQ_NONE };

		if (node_of(match, unit) != node)
			continue;
		if (opened != NQ_NONE) {
			if (board->queues[opened].load + nq_unit_demand(&board->units[unit]) <= limit)
				join(match, unit, opened, reason);
		} else if (nq_match_new(match, unit, node, &to)) {
			nq_match_move(match, unit, &to, reason);
			opened = to.place.queue;
		}
	}
	return opened != NQ_NONE;
}

static bool split_in_two(struct nq_match *match, uint32_t queue, uint32_t n)
{
	const struct nq_board *board = match->draft->board;
	uint32_t opened = NQ_NONE;
	uint64_t stays = board->queues[queue].load, goes = 0;
	struct nq_reason reason = split_reason(board, queue);

	for (uint32_t i = 0; i < n; i++)
		stays -= nq_unit_demand(&board->units[match->rank[i]]);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t unit = match->rank[i];
		uint64_t demand = nq_unit_demand(&board->units[unit]);
		struct nq_match_place to = { .next = NQ_NONE };

		if (stays <= goes) {
			stays += demand;
			continue;
		}
		if (opened != NQ_NONE) {
			join(match, unit, opened, reason);
		} else {
			if (!nq_match_new(match, unit, nq_board_queue_node(board, queue), &to))
				return false;
			nq_match_move(match, unit, &to, reason);
			opened = to.place.queue;
		}
		goes += demand;
	}
	return true;
}

static void split_by_overflow(struct nq_match *match, uint32_t queue, uint32_t n)
{
	const struct nq_board *board = match->draft->board;
	uint64_t limit = nq_match_threshold(board->policy, board->policy->queue_split);
	struct nq_match_place to;

	for (uint32_t i = 0; i < n && board->queues[queue].load > limit; i++) {
		nq_match_rank(match, match->rank[i]);
		for (uint32_t node = 0; node < board->n_nodes; node++) {
			if (!nq_match_in_use(match, match->rank[i], match->nodes[node], &to))
				continue;
			nq_match_move(match, match->rank[i], &to, split_reason(board, queue));
			break;
		}
	}
}

void nq_match_split(struct nq_match *match)
{
	const struct nq_board *board = match->draft->board;
	uint64_t limit = nq_match_threshold(board->policy, board->policy->queue_split);

	for (uint32_t i = 0; i < board->n_queues; i++) {
		uint32_t n;

		if (board->queues[i].is_default || board->queues[i].load <= limit ||
		    nq_board_queue_node(board, i) == NQ_NONE || receivers(board, i) < 2)
			continue;
		n = list_units(match, i);
		if (!split_to_second_node(match, i, n) && !split_in_two(match, i, n))
			split_by_overflow(match, i, n);
	}
}

/* Can all that use the queue be moved, and would the other take them? */
static bool can_join(const struct nq_match *match, uint32_t queue, uint32_t into)
{
	const struct nq_board *board = match->draft->board;
	uint32_t n = 0;

	for (uint32_t i = board->queues[queue].first_unit; i != NQ_NONE; i = board->units[i].next, n++)
		if (nq_match_held(match, i) || !nq_market_admits(&match->market, i, into))
			return false;
	return n && n == board->queues[queue].users && !board->queues[queue].taken;
}

/* The queues of one pool on one node. */
struct group {
	uint32_t first, pool;
};

static bool is_in(const struct nq_match *match, const struct group *group, uint32_t queue)
{
	const struct nq_board_queue *self = &match->draft->board->queues[queue];

	return nq_board_used(match->draft->board, queue) && self->pool == group->pool && !self->exclusive;
}

/* The fullest queue that this one may join, NQ_NONE: none. */
static uint32_t find_host(const struct nq_match *match, const struct group *group, uint32_t queue)
{
	const struct nq_board *board = match->draft->board;
	uint64_t limit = nq_match_threshold(board->policy, board->policy->queue_consolidate);
	uint32_t best = NQ_NONE;

	for (uint32_t i = group->first; i != NQ_NONE; i = match->market.next_at[i]) {
		uint64_t load = board->queues[i].load;

		if (i == queue || !is_in(match, group, i) || board->queues[queue].load + load >= limit ||
		    !can_join(match, queue, i))
			continue;
		if (best == NQ_NONE || load > board->queues[best].load ||
		    (load == board->queues[best].load && i < best))
			best = i;
	}
	return best;
}

static bool is_emptier(const struct nq_board *board, uint32_t a, uint32_t b)
{
	if (b == NQ_NONE || board->queues[a].load != board->queues[b].load)
		return b == NQ_NONE || board->queues[a].load < board->queues[b].load;
	return a > b;
}

/* One queue less in the group, if that can be. */
static bool vacate_one(struct nq_match *match, const struct group *group)
{
	const struct nq_board *board = match->draft->board;
	uint32_t emptiest = NQ_NONE, into;
	struct nq_reason reason = { NQ_RULE_QUEUE_CONSOLIDATE, { 0 } };

	for (uint32_t i = group->first; i != NQ_NONE; i = match->market.next_at[i])
		if (is_in(match, group, i) && is_emptier(board, i, emptiest) && find_host(match, group, i) != NQ_NONE)
			emptiest = i;
	if (emptiest == NQ_NONE)
		return false;
	into = find_host(match, group, emptiest);
	reason.value[0] = board->queues[emptiest].load + board->queues[into].load;
	reason.value[1] = nq_match_threshold(board->policy, board->policy->queue_consolidate);
	for (uint32_t n = list_units(match, emptiest), i = 0; i < n; i++)
		join(match, match->rank[i], into, reason);
	return true;
}

void nq_match_consolidate(struct nq_match *match)
{
	const struct nq_board *board = match->draft->board;

	for (size_t place = 0; place < (size_t)board->n_pnics * board->n_nodes; place++)
		for (uint32_t pool = 0; pool < board->n_pools; pool++) {
			struct group group = { match->market.first_at[place], pool };
			const uint32_t *count = &board->count[place / board->n_nodes * board->n_pools + pool];

			while (board->policy->pools[pool].criteria != NQ_CRITERIA_DISTRIBUTE &&
			       *count > board->policy->pools[pool].min && vacate_one(match, &group))
				;
		}
}
