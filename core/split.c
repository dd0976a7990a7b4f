/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Split and consolidate: moves of several units at once that no single move leads to (FEATURES N4, N5, N7; processes
 * 1300 and 1400 of 000_35c30de055bde3dd.txt, figures 9, 10, 13, 14, claims 5 to 7).
 *
 * Split. A queue over queue_split of its capacity with several units gives some of them to another one: those that
 * live on another node to a queue there (claim 7), else what makes the halves most equal, largest first, to a free
 * queue of the same node or to the emptiest one in use. It comes before assign, which would take from the queue unit by
 * unit until none gains, and move more; what is left to improve assign improves.
 *
 * Consolidate. All units of one queue go to another of the same pool and pnic when the other stays under
 * queue_consolidate with them: first to one on the same CPU, where nobody waits longer for it, then to the emptiest on
 * the same node (1400), then, when overflow is not per-node, to the emptiest on another node: one queue for several
 * nodes instead of one on each, figure 9 instead of figure 10. What the setting decides for the thresholds of
 * core/match.c is here a matter of cost: the ways get longer, a queue is saved.
 *
 * Each is one trial (core/trial.h): it must pay as a whole, so opening and closing a queue cannot alternate.
 *
 * Lost: consolidating every pair under the threshold. Two queues at 35 % wait a third as long as one at 70 %; what
 * closing one saves has to be more than that.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/cost.h"
#include "core/quota.h"
#include "core/trial.h"

#define PER_MILLE 1000u

struct split {
	struct nq_draft *draft;
	struct nq_market market; /* opened when there is something to try */
	bool open;
	uint32_t (*emptiest)[2]; /* [n_pnics * n_pools * n_nodes]: queues in use, emptiest first; NQ_NONE */
};

static uint64_t limit_of(const struct nq_board *board, uint64_t part)
{
	return board->policy->queue_capacity_pps * part / PER_MILLE;
}

static bool is_candidate(const struct nq_board *board, uint32_t queue)
{
	const struct nq_board_queue *self = &board->queues[queue];

	return self->first_unit != NQ_NONE && nq_market_reaches(board, queue) && nq_market_is_online(board, queue);
}

static uint64_t load_of(const struct nq_board *board, uint32_t queue)
{
	return board->cpus[board->queues[queue].cpu].load;
}

/* By the work of its CPU, then by index, so that the order of looking does not count. */
static bool is_emptier(const struct nq_board *board, uint32_t a, uint32_t b)
{
	return load_of(board, a) != load_of(board, b) ? load_of(board, a) < load_of(board, b) : a < b;
}

static uint32_t *group_of(const struct split *split, uint32_t queue, uint32_t node)
{
	const struct nq_board *board = split->draft->board;
	const struct nq_board_queue *self = &board->queues[queue];

	return split->emptiest[((size_t)self->pnic * board->n_pools + self->pool) * board->n_nodes + node];
}

static void list_one(struct split *split, uint32_t queue)
{
	const struct nq_board *board = split->draft->board;
	uint32_t *best;

	if (!is_candidate(board, queue) || board->queues[queue].exclusive)
		return;
	best = group_of(split, queue, nq_board_queue_node(board, queue));
	if (best[0] == NQ_NONE || is_emptier(board, queue, best[0])) {
		best[1] = best[0];
		best[0] = queue;
	} else if (best[1] == NQ_NONE || is_emptier(board, queue, best[1])) {
		best[1] = queue;
	}
}

static void list_emptiest(struct split *split)
{
	const struct nq_board *board = split->draft->board;
	size_t n = (size_t)board->n_pnics * board->n_pools * board->n_nodes;

	for (size_t i = 0; i < n; i++)
		split->emptiest[i][0] = split->emptiest[i][1] = NQ_NONE;
	for (uint32_t i = 0; i < board->n_queues; i++)
		list_one(split, i);
}

/* The same for the queues of one node, which have changed. */
static void list_node(struct split *split, uint32_t node)
{
	const struct nq_board *board = split->draft->board;
	size_t groups = (size_t)board->n_pnics * board->n_pools;

	for (size_t i = 0; i < groups; i++)
		split->emptiest[i * board->n_nodes + node][0] = split->emptiest[i * board->n_nodes + node][1] = NQ_NONE;
	for (uint32_t cpu = board->nodes[node].first_cpu; cpu != NQ_NONE; cpu = board->cpus[cpu].next_on_node)
		for (uint32_t i = board->cpus[cpu].first_queue; i != NQ_NONE; i = board->queues[i].next_on_cpu)
			list_one(split, i);
}

/* The market, with prices as the board stands; false: out of memory. */
static bool ready(struct split *split)
{
	if (split->open)
		return true;
	if (nq_market_open(&split->market, split->draft) < 0) {
		split->draft->board->failed = true;
		return false;
	}
	nq_board_refresh(split->draft->board);
	nq_market_price(&split->market);
	return split->open = true;
}

static uint64_t node_id(const struct nq_board *board, uint32_t node)
{
	return node == NQ_NONE ? NQ_NONE : board->host->nodes[node].id;
}

/* Moves as many of the units, in that order, as make at most `most` packets/s; those at home on the node only, or all
 * for NQ_NONE. */
static bool move_some(struct nq_trial *trial, const uint32_t *units, uint32_t n, uint32_t home, uint64_t most,
		      struct nq_place place)
{
	const struct nq_board *board = trial->draft->board;
	uint64_t moved = 0;

	for (uint32_t i = 0; i < n && !trial->failed; i++) {
		const struct nq_unit *unit = &board->units[units[i]];
		uint64_t demand = nq_unit_demand(unit);

		if (demand == 0 || moved + demand > most || (home != NQ_NONE && board->vms[unit->vm].node != home) ||
		    !nq_trial_can_move(trial->draft, units[i]) ||
		    !nq_market_admits(trial->market, units[i], place.queue))
			continue;
		if (!nq_trial_place(trial, units[i], &place, NULL))
			return false;
		moved += demand;
		place.bring = false;
	}
	return moved && !trial->failed;
}

/* Half of the queue, or what is at home on that node, to the place. */
static bool try_split(struct split *split, uint32_t queue, uint32_t home, struct nq_place place)
{
	struct nq_board *board = split->draft->board;
	uint64_t load = board->queues[queue].load, there, room = limit_of(board, board->policy->queue_full), most;
	struct nq_reason reason = { NQ_RULE_QUEUE_SPLIT, { load, board->policy->queue_capacity_pps } };
	struct nq_trial trial;
	uint32_t n, *units;
	bool done;

	if (place.queue == NQ_NONE || place.queue == queue)
		return false;
	there = board->cpus[place.cpu].load + board->cpus[place.cpu].promised;
	most = home == NQ_NONE ? nq_sat_sub(load, there) / 2 : load;
	most = most < nq_sat_sub(room, there) ? most : nq_sat_sub(room, there);
	units = nq_units_on(board, queue, &n);
	if (!units)
		return false;
	nq_trial_begin(&trial, split->draft, &split->market, false);
	done = move_some(&trial, units, n, home, most, place) && nq_trial_pays(&trial);
	if (done)
		nq_trial_accept(&trial, reason);
	else
		nq_trial_undo(&trial);
	free(units);
	return done;
}

static struct nq_place in_use(const struct split *split, uint32_t queue, uint32_t node)
{
	const uint32_t *best = group_of(split, queue, node);
	uint32_t to = best[0] == queue ? best[1] : best[0];

	return (struct nq_place){ .queue = to, .cpu = to == NQ_NONE ? NQ_NONE : split->draft->board->queues[to].cpu };
}

/* Units of the queue that live on the node, to a queue there; on the queue's own node, half of all. */
static bool split_to(struct split *split, uint32_t queue, uint32_t node, bool own)
{
	uint32_t first = split->draft->board->queues[queue].first_unit, home = own ? NQ_NONE : node;

	return try_split(split, queue, home, nq_market_open_place(&split->market, first, node)) ||
	       try_split(split, queue, home, in_use(split, queue, node));
}

static bool split_queue(struct split *split, uint32_t queue)
{
	const struct nq_board *board = split->draft->board;
	uint32_t own = nq_board_queue_node(board, queue);

	for (uint32_t i = 0; i < board->n_nodes; i++) {
		uint32_t node = board->by_id[i];
		bool lives = false;

		for (uint32_t j = board->queues[queue].first_unit; node != own && j != NQ_NONE && !lives;
		     j = board->units[j].next)
			lives = board->vms[board->units[j].vm].node == node;
		if (lives && split_to(split, queue, node, false))
			return true;
	}
	return split_to(split, queue, own, true);
}

static void split_all(struct split *split)
{
	const struct nq_board *board = split->draft->board;
	uint64_t limit = limit_of(board, board->policy->queue_split);

	for (uint32_t i = 0; i < board->n_queues; i++) {
		if (!is_candidate(board, i) || board->queues[i].load <= limit || board->queues[i].users < 2)
			continue;
		if (ready(split) && split_queue(split, i))
			list_emptiest(split);
	}
}

/* What it would save at most to close the queue into the other, steering and ways not counted; 0: no. */
static uint64_t promise_of(const struct split *split, uint32_t from, uint32_t to)
{
	const struct nq_board *board = split->draft->board;
	const struct nq_board_queue *a = &board->queues[from], *b = &board->queues[to];
	uint64_t load = a->cpu == b->cpu ? 0 : a->load, promised = a->cpu == b->cpu ? 0 : a->promised;
	uint64_t there = board->cpus[b->cpu].load, before, after;

	if (there + load > limit_of(board, board->policy->queue_consolidate) ||
	    there + board->cpus[b->cpu].promised + load + promised > limit_of(board, board->policy->queue_full))
		return 0;
	before = nq_sat_add(nq_board_cpu_waiting(board, a->cpu, board->cpus[a->cpu].load),
			    nq_board_cpu_waiting(board, b->cpu, board->cpus[b->cpu].load));
	before = nq_sat_add(before, nq_board_queue_used(board, a->pool));
	after = nq_sat_add(nq_board_cpu_waiting(board, a->cpu, board->cpus[a->cpu].load - load),
			   nq_board_cpu_waiting(board, b->cpu, board->cpus[b->cpu].load + load));
	return nq_sat_sub(before, after);
}

/* The emptier goes; of two alike, the one of the higher index. */
static bool goes(const struct nq_board *board, uint32_t from, uint32_t to)
{
	uint64_t a = board->queues[from].load, b = board->queues[to].load;

	return a != b ? a < b : from > to;
}

/* Is it worth a trial: does what it saves pay for the steering of all units, and for their longer ways? */
static bool promises(const struct split *split, uint32_t from, uint32_t to)
{
	const struct nq_board *board = split->draft->board;
	const struct nq_policy *policy = board->policy;
	const struct nq_board_queue *a = &board->queues[from];
	uint64_t gain = goes(board, from, to) ? promise_of(split, from, to) : 0, once = 0;

	if (gain == 0 || gain < nq_guard_needs(policy, 0, a->users * policy->steer_once_ns, policy->horizon_ms))
		return false;
	for (uint32_t i = a->first_unit; i != NQ_NONE; i = board->units[i].next, once += policy->steer_once_ns)
		if (!nq_trial_can_move(split->draft, i) || board->units[i].exclusive)
			return false;
	return once == a->users * policy->steer_once_ns;
}

static bool join(struct split *split, uint32_t from, uint32_t to)
{
	struct nq_board *board = split->draft->board;
	uint32_t nodes[] = { nq_board_queue_node(board, from), nq_board_queue_node(board, to) };
	struct nq_reason consolidate = { NQ_RULE_QUEUE_CONSOLIDATE,
					 { board->queues[from].load + board->queues[to].load,
					   limit_of(board, board->policy->queue_consolidate) } };
	struct nq_reason overflow = { NQ_RULE_QUEUE_OVERFLOW, { node_id(board, nodes[0]), node_id(board, nodes[1]) } };
	struct nq_trial trial;
	uint32_t n, *units;
	bool done = true;

	if (!promises(split, from, to) || !ready(split))
		return false;
	units = nq_units_on(board, from, &n);
	if (!units)
		return false;
	nq_trial_begin_between(&trial, split->draft, &split->market, from, to);
	for (uint32_t i = 0; i < n && done; i++)
		done = nq_market_admits(&split->market, units[i], to) && nq_trial_queue(&trial, units[i], to);
	done = done && nq_trial_pays(&trial);
	if (done)
		nq_trial_accept(&trial, nodes[0] == nodes[1] ? consolidate : overflow);
	else
		nq_trial_undo(&trial);
	for (int i = 0; done && i < 2; i++)
		list_node(split, nodes[i]);
	free(units);
	return done;
}

/* A queue of the same pool on the same CPU, the lowest index. */
static uint32_t sibling_of(const struct nq_board *board, uint32_t queue)
{
	const struct nq_board_queue *self = &board->queues[queue];
	uint32_t best = NQ_NONE;

	for (uint32_t i = board->cpus[self->cpu].first_queue; i != NQ_NONE; i = board->queues[i].next_on_cpu)
		if (i != queue && i < best && is_candidate(board, i) && board->queues[i].pnic == self->pnic &&
		    board->queues[i].pool == self->pool && !board->queues[i].exclusive)
			best = i;
	return best;
}

static bool close_queue(struct split *split, uint32_t queue)
{
	const struct nq_board *board = split->draft->board;
	uint32_t own = nq_board_queue_node(board, queue), sibling = sibling_of(board, queue);
	const uint32_t *best = group_of(split, queue, own);
	uint32_t near = best[0] == queue ? best[1] : best[0];

	if (sibling != NQ_NONE && join(split, queue, sibling))
		return true;
	if (near != NQ_NONE && join(split, queue, near))
		return true;
	/* only the emptiest of a node goes elsewhere: the others are emptier together at home */
	for (uint32_t i = 0; i < board->n_nodes && best[0] == queue; i++) {
		uint32_t node = board->by_id[i], to = group_of(split, queue, node)[0];

		if (node != own && to != NQ_NONE && board->policy->overflow != NQ_OVERFLOW_PER_NODE &&
		    join(split, queue, to))
			return true;
	}
	return false;
}

static void consolidate_all(struct split *split)
{
	const struct nq_board *board = split->draft->board;

	for (uint32_t i = 0; i < board->n_queues; i++) {
		if (!is_candidate(board, i) || board->queues[i].exclusive || board->queues[i].taken ||
		    nq_board_queue_used(board, board->queues[i].pool) == 0)
			continue;
		close_queue(split, i);
	}
}

int nq_stage_split(struct nq_draft *draft)
{
	struct nq_board *board = draft->board;
	size_t groups = (size_t)board->n_pnics * board->n_pools * board->n_nodes;
	struct split split = { .draft = draft, .emptiest = calloc(groups + 1, sizeof(*split.emptiest)) };

	if (!split.emptiest)
		return -ENOMEM;
	list_emptiest(&split);
	split_all(&split);
	consolidate_all(&split);
	free(split.emptiest);
	if (split.open)
		nq_market_close(&split.market);
	return board->failed ? -ENOMEM : 0;
}
