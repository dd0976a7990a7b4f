/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Squeeze: room for a unit that fits nowhere (FEATURES N2, N3).
 *
 * When all queues are nearly full, a unit may stay on the default queues though the queues together have room for it:
 * a little is left on each. For such a unit two others change places between two queues, the larger one against the
 * smaller one, so that what is left on the first becomes room enough and the second is still not over full. One trial
 * (core/trial.h) of three moves: it pays as a whole or nothing moves.
 *
 * Bounds. The WAITING largest units on the default queues, the QUEUES emptiest queues of their pool, the UNITS largest
 * units of each.
 *
 * Lost: longer chains, as a solver would find them; with three or four units on a queue there is nearly always a pair.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/cost.h"
#include "core/trial.h"

#define WAITING 8u
#define QUEUES 16u
#define UNITS 16u

struct shelf {
	uint32_t queue, n;
	uint32_t units[UNITS];
	uint64_t left; /* packets/s that it has room for */
};

struct squeeze {
	struct nq_draft *draft;
	struct nq_market *market;
	struct shelf shelves[QUEUES]; /* emptiest first */
	uint32_t n_shelves;
};

static uint64_t left_on(const struct nq_board *board, uint32_t queue)
{
	const struct nq_policy *policy = board->policy;

	return nq_sat_sub(policy->queue_capacity_pps * policy->queue_full / 1000,
			  board->cpus[board->queues[queue].cpu].load);
}

static bool may_change(const struct squeeze *squeeze, uint32_t unit, uint32_t queue)
{
	const struct nq_unit *self = &squeeze->draft->board->units[unit];

	return self->paired && self->tx_queue == queue && !self->exclusive && nq_trial_can_move(squeeze->draft, unit);
}

static void list_units(struct squeeze *squeeze, struct shelf *shelf)
{
	struct nq_board *board = squeeze->draft->board;
	uint32_t n, *units = nq_units_on(board, shelf->queue, &n);

	shelf->n = 0;
	for (uint32_t i = 0; units && i < n && shelf->n < UNITS; i++)
		if (may_change(squeeze, units[i], shelf->queue))
			shelf->units[shelf->n++] = units[i];
	free(units);
}

/* The emptiest queues where the unit may be but for room. */
static void list_queues(struct squeeze *squeeze, uint32_t unit)
{
	const struct nq_board *board = squeeze->draft->board;

	squeeze->n_shelves = 0;
	for (uint32_t i = 0; i < board->n_queues; i++) {
		uint32_t at = squeeze->n_shelves;
		struct shelf shelf = { .queue = i };

		if (!board->queues[i].users || board->queues[i].pnic != board->units[unit].pnic ||
		    !nq_market_reaches(board, i) || !nq_market_is_online(board, i) ||
		    !nq_market_admits(squeeze->market, unit, i))
			continue;
		shelf.left = left_on(board, i);
		if (at == QUEUES && squeeze->shelves[at - 1].left >= shelf.left)
			continue;
		at = at < QUEUES ? squeeze->n_shelves++ : at - 1;
		for (; at > 0 && squeeze->shelves[at - 1].left < shelf.left; at--)
			squeeze->shelves[at] = squeeze->shelves[at - 1];
		squeeze->shelves[at] = shelf;
	}
	for (uint32_t i = 0; i < squeeze->n_shelves; i++)
		list_units(squeeze, &squeeze->shelves[i]);
}

/* The unit to the first queue, a from there to the second, b the other way. */
static bool try_three(struct squeeze *squeeze, uint32_t unit, uint32_t a, uint32_t first, uint32_t b, uint32_t second)
{
	struct nq_trial trial;
	bool done;

	if (!nq_market_admits(squeeze->market, a, second) || !nq_market_admits(squeeze->market, b, first))
		return false;
	nq_trial_begin(&trial, squeeze->draft, squeeze->market, false);
	done = nq_trial_queue(&trial, a, second) && nq_trial_queue(&trial, b, first) &&
	       nq_trial_queue(&trial, unit, first);
	nq_board_refresh(squeeze->draft->board);
	if (done && nq_trial_pays(&trial)) {
		nq_trial_accept(&trial, (struct nq_reason){ .rule = NQ_RULE_QUEUE_SWAP });
		return true;
	}
	nq_trial_undo(&trial);
	nq_board_refresh(squeeze->draft->board);
	return false;
}

static bool try_pair(struct squeeze *squeeze, uint32_t unit, const struct shelf *first, const struct shelf *second)
{
	const struct nq_board *board = squeeze->draft->board;
	uint64_t size = nq_unit_demand(&board->units[unit]), short_of = nq_sat_sub(size, first->left);

	for (uint32_t i = 0; i < first->n; i++)
		for (uint32_t j = 0; j < second->n; j++) {
			uint64_t a = nq_unit_demand(&board->units[first->units[i]]);
			uint64_t b = nq_unit_demand(&board->units[second->units[j]]);

			if (a > b && a - b >= short_of && a - b <= second->left)
				return try_three(squeeze, unit, first->units[i], first->queue, second->units[j],
						 second->queue);
		}
	return false;
}

static bool squeeze_in(struct squeeze *squeeze, uint32_t unit)
{
	const struct nq_board *board = squeeze->draft->board;

	list_queues(squeeze, unit);
	for (uint32_t i = 0; i < squeeze->n_shelves; i++)
		for (uint32_t j = 0; j < squeeze->n_shelves; j++) {
			const struct shelf *first = &squeeze->shelves[i], *second = &squeeze->shelves[j];

			if (i != j && board->queues[first->queue].cpu != board->queues[second->queue].cpu &&
			    try_pair(squeeze, unit, first, second))
				return true;
		}
	return false;
}

int nq_squeeze(struct nq_draft *draft, struct nq_market *market, const uint32_t *order, uint32_t n)
{
	const struct nq_board *board = draft->board;
	struct squeeze squeeze = { .draft = draft, .market = market };
	uint32_t waiting = 0;

	for (uint32_t i = 0; i < n && waiting < WAITING; i++) {
		const struct nq_unit *unit = &board->units[order[i]];

		if (unit->rx_queue != NQ_NONE || !unit->paired || unit->exclusive ||
		    !nq_trial_can_move(draft, order[i]))
			continue;
		waiting++;
		if (nq_market_find(market, order[i], NQ_MAX_VALUE).full && squeeze_in(&squeeze, order[i]))
			break;
	}
	return board->failed ? -ENOMEM : 0;
}
