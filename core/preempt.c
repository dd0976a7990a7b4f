/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Preempt: queues for pools that are due more than they have, and for units that are to be alone (FEATURES Q5, Q6;
 * 000_35c30de055bde3dd.txt sections II and III).
 *
 * Missing. A pool that lacks queues of its grant (core/quota.h), when no free queue suits it, takes the emptiest queue,
 * by packets and then by index, of a pool of lower priority that has more than its own grant. The units there go to
 * other queues of their pool where there is room, else to the default queue; the one that asks most in the higher pool
 * and has least takes a queue; all that is one decision, priced as a whole. A pool that asks for a feature may so also
 * take a queue from one that can have another, free one for it.
 *
 * Crowded. A unit over its pool's exclusive_pps that shares its queue goes to a free one, or its neighbours go to
 * others: first whichever moves fewer, and of two single ones the smaller; then the other way. When neither is
 * possible it stays: nobody is sent to the default queue for a neighbour's sake.
 *
 * Lost: taking a queue away first and leaving it to assign who gets it: when the higher pool then has no use for it,
 * units have moved for nothing, and move back at the next plan.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/cost.h"
#include "core/pools.h"
#include "core/quota.h"

#define VICTIMS 4 /* tried for one missing queue */

static void set_exclusive(struct nq_board *board, uint32_t unit, bool exclusive)
{
	struct nq_unit *self = &board->units[unit];
	uint32_t change = (uint32_t)exclusive - (uint32_t)self->exclusive;

	self->exclusive = exclusive;
	if (self->rx_queue != NQ_NONE)
		board->queues[self->rx_queue].loners += change;
	if (self->tx_queue != NQ_NONE && self->tx_queue != self->rx_queue)
		board->queues[self->tx_queue].loners += change;
}

/* Who is to be alone, and where somebody is. */
static void mark_alone(struct nq_board *board)
{
	bool ever = false;

	for (uint32_t i = 0; i < board->n_pools; i++)
		ever = ever || board->policy->pools[i].exclusive_pps;
	if (!ever)
		return;
	for (uint32_t i = 0; i < board->n_units; i++)
		set_exclusive(board, i, nq_unit_wants_alone(board, &board->units[i]));
	for (uint32_t i = 0; i < board->n_queues; i++) {
		const struct nq_board_queue *queue = &board->queues[i];

		board->queues[i].exclusive =
			queue->users == 1 && queue->first_unit != NQ_NONE && board->units[queue->first_unit].exclusive;
	}
}

static bool is_free(const struct nq_board *board, uint32_t queue)
{
	const struct nq_board_queue *self = &board->queues[queue];

	return !nq_board_used(board, queue) && self->soft == board->pnics[self->pnic].soft &&
	       (self->movable || (self->cpu != NQ_NONE && board->cpus[self->cpu].online));
}

/* A free queue of the pnic, with the features of that pool; NQ_NONE as a pool: with any. */
static bool has_free(const struct nq_board *board, uint32_t pnic, uint32_t pool)
{
	for (uint32_t i = 0; i < board->n_queues; i++)
		if (board->queues[i].pnic == pnic && is_free(board, i) &&
		    (pool == NQ_NONE || nq_queue_suits(board, i, pool)))
			return true;
	return false;
}

/* Has the pool's queue a feature that its own pool does not need and this one does? */
static bool is_wasted(const struct nq_board *board, uint32_t pool, uint32_t queue)
{
	const struct nq_board_queue *self = &board->queues[queue];
	const struct nq_pool *pools = board->policy->pools;

	return pools[pool].features & ~pools[self->pool].features && self->users && !self->taken && !self->is_default &&
	       pools[self->pool].priority < pools[pool].priority && nq_queue_suits(board, queue, pool) &&
	       has_free(board, self->pnic, NQ_NONE);
}

static bool all_can_move(const struct nq_draft *draft, uint32_t queue)
{
	const struct nq_board *board = draft->board;
	uint32_t n = 0;

	for (uint32_t i = board->queues[queue].first_unit; i != NQ_NONE; i = board->units[i].next, n++)
		if (!nq_trial_can_move(draft, i))
			return false;
	return n == board->queues[queue].users;
}

/* Is queue a emptier than b? NQ_NONE is fuller than all. */
static bool is_emptier(const struct nq_board *board, uint32_t a, uint32_t b)
{
	if (b == NQ_NONE || board->queues[a].load != board->queues[b].load)
		return b == NQ_NONE || board->queues[a].load < board->queues[b].load;
	return a < b;
}

/* The emptiest queue that the pool may take, of those fuller than `last`. */
static uint32_t find_victim(const struct nq_draft *draft, uint32_t pnic, uint32_t pool, uint32_t last)
{
	const struct nq_board *board = draft->board;
	uint32_t best = NQ_NONE;

	for (uint32_t i = 0; i < board->n_queues; i++)
		if (board->queues[i].pnic == pnic && i != last && (last == NQ_NONE || is_emptier(board, last, i)) &&
		    (nq_quota_takes(board, pool, i) || is_wasted(board, pool, i)) && is_emptier(board, i, best) &&
		    all_can_move(draft, i))
			best = i;
	return best;
}

/* Does unit a need a queue more than b? One on the default queue before one that shares, then the larger. */
static bool needs_more(const struct nq_board *board, uint32_t a, uint32_t b)
{
	const struct nq_unit *one = &board->units[a], *other = &board->units[b];

	if ((one->rx_queue == NQ_NONE) != (other->rx_queue == NQ_NONE))
		return one->rx_queue == NQ_NONE;
	return one->rx + one->tx > other->rx + other->tx;
}

static uint32_t find_neediest(const struct nq_draft *draft, uint32_t pnic, uint32_t pool)
{
	const struct nq_board *board = draft->board;
	uint32_t best = NQ_NONE;

	for (uint32_t i = 0; i < board->n_units; i++) {
		const struct nq_unit *unit = &board->units[i];

		if (unit->pnic != pnic || unit->pool != pool || !nq_unit_asks(board, unit) ||
		    (unit->rx_queue != NQ_NONE && board->queues[unit->rx_queue].users == 1) ||
		    (best != NQ_NONE && !needs_more(board, i, best)) || !nq_trial_can_move(draft, i))
			continue;
		best = i;
	}
	return best;
}

/* To the best place, or to the default queue where that is allowed; one lane of several does not go there. */
static bool send_away(struct nq_trial *trial, uint32_t unit, bool to_default)
{
	const struct nq_board *board = trial->draft->board;
	bool is_lane = nq_board_n_lanes(board, board->units[unit].vnic) > 1;
	struct nq_places places = nq_market_find(trial->market, unit, NQ_MAX_VALUE);

	return nq_trial_place(trial, unit, &places.best, &places.next) ||
	       (to_default && !is_lane && nq_trial_default(trial, unit));
}

/* Everybody but one leaves the queue, largest first. */
static bool clear_queue(struct nq_trial *trial, uint32_t queue, uint32_t but, bool to_default)
{
	uint32_t n, *units = nq_units_on(trial->draft->board, queue, &n);
	bool done = units;

	for (uint32_t i = 0; done && i < n; i++)
		done = units[i] == but || send_away(trial, units[i], to_default);
	free(units);
	return done && !trial->failed;
}

static uint64_t node_id(const struct nq_board *board, uint32_t queue)
{
	uint32_t node = nq_board_queue_node(board, queue);

	return node == NQ_NONE ? NQ_NONE : board->host->nodes[node].id;
}

static bool take_queue(struct nq_draft *draft, struct nq_market *market, uint32_t unit, uint32_t victim)
{
	struct nq_board *board = draft->board;
	const struct nq_unit *self = &board->units[unit];
	const struct nq_pool *pools = board->policy->pools;
	struct nq_reason reason = { NQ_RULE_QUEUE_PREEMPTED,
				    { pools[self->pool].priority, pools[board->queues[victim].pool].priority } };
	struct nq_trial trial;
	struct nq_places places;

	nq_trial_begin(&trial, draft, market, true);
	if (clear_queue(&trial, victim, NQ_NONE, true)) {
		nq_board_refresh(board);
		nq_market_price(market);
		places = nq_market_find(market, unit, NQ_MAX_VALUE);
		if (nq_trial_place(&trial, unit, &places.best, &places.next) && nq_trial_pays(&trial)) {
			nq_trial_accept_for(
				&trial, reason, unit,
				(struct nq_reason){ NQ_RULE_QUEUE_NEW, { node_id(board, self->rx_queue) } });
			return true;
		}
	}
	nq_trial_undo(&trial);
	return false;
}

/* One queue more for the pool, when it lacks one and can take it. */
static bool preempt(struct nq_draft *draft, struct nq_market *market, uint32_t pnic, uint32_t pool)
{
	uint32_t unit, victim = NQ_NONE;

	if (nq_quota_short(draft->board, pnic, pool) == 0 || has_free(draft->board, pnic, pool))
		return false;
	unit = find_neediest(draft, pnic, pool);
	for (int i = 0; unit != NQ_NONE && i < VICTIMS; i++) {
		victim = find_victim(draft, pnic, pool, victim);
		if (victim == NQ_NONE)
			return false;
		if (take_queue(draft, market, unit, victim))
			return true;
	}
	return false;
}

static void preempt_all(struct nq_draft *draft, struct nq_market *market)
{
	const struct nq_board *board = draft->board;
	uint32_t order[NQ_MAX_POOLS];

	nq_quota_order(board->policy, order);
	for (uint32_t pnic = 0; pnic < board->n_pnics; pnic++)
		for (uint32_t i = 0; i < board->n_pools; i++)
			while (preempt(draft, market, pnic, order[i]))
				nq_quota_grant(draft->board);
}

static uint64_t crowded_on(const struct nq_board *board, uint32_t queue)
{
	uint64_t n = 0;

	for (uint32_t i = board->queues[queue].first_unit; i != NQ_NONE; i = board->units[i].next)
		n += nq_unit_is_crowded(board, &board->units[i]);
	return n;
}

/* The unit goes, or all others. */
static bool separate(struct nq_draft *draft, struct nq_market *market, uint32_t unit, bool it_goes)
{
	struct nq_board *board = draft->board;
	const struct nq_unit *self = &board->units[unit];
	uint32_t queue = self->rx_queue;
	uint64_t before = crowded_on(board, queue);
	struct nq_reason reason = { NQ_RULE_QUEUE_EXCLUSIVE,
				    { self->rx + self->tx, board->policy->pools[self->pool].exclusive_pps } };
	struct nq_trial trial;
	struct nq_places places;
	bool done;

	nq_trial_begin(&trial, draft, market, false);
	if (it_goes) {
		places = nq_market_find(market, unit, NQ_MAX_VALUE);
		done = nq_trial_can_move(draft, unit) && nq_trial_place(&trial, unit, &places.best, &places.next);
	} else {
		done = clear_queue(&trial, queue, unit, false);
	}
	trial.bonus_ns = nq_sat_mul(nq_sat_sub(before, crowded_on(board, queue)), NQ_CLAIM_NS);
	done = done && nq_trial_pays(&trial);
	if (done)
		nq_trial_accept(&trial, reason);
	else
		nq_trial_undo(&trial);
	mark_alone(board);
	return done;
}

/* The neighbour moves rather than the unit when it is only one, and smaller. */
static bool neighbour_is_lighter(const struct nq_board *board, uint32_t unit)
{
	const struct nq_unit *self = &board->units[unit];
	const struct nq_board_queue *queue = &board->queues[self->rx_queue];
	uint32_t other = queue->first_unit;

	if (queue->users != 2)
		return false;
	other = other == unit ? self->next : other;
	return other != NQ_NONE && board->units[other].rx + board->units[other].tx < self->rx + self->tx;
}

static bool neighbours_can_move(const struct nq_draft *draft, uint32_t unit)
{
	const struct nq_board *board = draft->board;
	const struct nq_board_queue *queue = &board->queues[board->units[unit].rx_queue];
	uint32_t n = 0;

	for (uint32_t i = queue->first_unit; i != NQ_NONE; i = board->units[i].next, n++)
		if (i != unit && !nq_trial_can_move(draft, i))
			return false;
	return n == queue->users && !queue->taken;
}

static void uncrowd(struct nq_draft *draft, struct nq_market *market, uint32_t unit)
{
	bool it_goes = !neighbour_is_lighter(draft->board, unit);

	for (int i = 0; i < 2; i++, it_goes = !it_goes)
		if ((it_goes || neighbours_can_move(draft, unit)) && separate(draft, market, unit, it_goes))
			return;
}

static void uncrowd_all(struct nq_draft *draft, struct nq_market *market)
{
	const struct nq_board *board = draft->board;

	for (uint32_t i = 0; i < board->n_units; i++)
		if (board->units[i].exclusive && nq_unit_is_crowded(board, &board->units[i]))
			uncrowd(draft, market, i);
}

/* Is there anything to be done? */
static bool is_needed(const struct nq_board *board)
{
	for (uint32_t i = 0; i < board->n_pnics * board->n_pools; i++)
		if (nq_quota_short(board, i / board->n_pools, i % board->n_pools) &&
		    !has_free(board, i / board->n_pools, i % board->n_pools))
			return true;
	for (uint32_t i = 0; i < board->n_units; i++)
		if (board->units[i].exclusive && nq_unit_is_crowded(board, &board->units[i]))
			return true;
	return false;
}

int nq_preempt(struct nq_draft *draft)
{
	struct nq_market market;
	int result;

	mark_alone(draft->board);
	if (!is_needed(draft->board))
		return 0;
	result = nq_market_open(&market, draft);
	if (result < 0)
		return result;
	nq_market_price(&market);
	preempt_all(draft, &market);
	uncrowd_all(draft, &market);
	nq_market_close(&market);
	return draft->board->failed ? -ENOMEM : 0;
}
