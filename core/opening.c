/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opening: a queue that pays for several units together though for none of them alone.
 *
 * A queue in use has a price (queue_used_ns). Many quiet vms on a node without a queue each save less than that by a
 * queue beside them, and together many times as much. Each unit that would gain by a free queue if it cost nothing
 * votes for the node where it would gain most; where the votes of a pool exceed the price, the units move there one
 * after the other, largest first, each past the guard by its own gain; if the sum did not earn the price after all,
 * they all go back.
 *
 * Lost: leaving the price out of the choice, and closing queues that did not earn it afterwards: each plan would then
 * open what the next one closes.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/assign.h"
#include "core/cost.h"

struct opening {
	struct nq_draft *draft;
	struct nq_market *market;
	const uint32_t *order;
	uint32_t n;
	uint32_t *vote;	  /* [n]: index into gain, NQ_NONE: none */
	uint64_t *gain;	  /* [n_pnics * n_pools * n_nodes] ns/s */
	uint32_t *former; /* [2 * n]: queues of those who moved */
	uint32_t *moved;  /* [n]: who moved */
};

static uint64_t needed(const struct opening *opening, uint32_t unit)
{
	const struct nq_policy *policy = opening->draft->board->policy;

	return nq_guard_needs(policy, nq_board_unit_path(opening->draft->board, unit), policy->steer_once_ns,
			      policy->horizon_ms);
}

/* Where the unit would gain most by a free queue, and what. */
static void vote(struct opening *opening, uint32_t at)
{
	const struct nq_board *board = opening->draft->board;
	uint32_t unit = opening->order[at];
	const struct nq_unit *self = &board->units[unit];
	uint64_t leaving, least, best = 0, price = nq_board_queue_used(board, self->pool);

	opening->vote[at] = NQ_NONE;
	if (nq_market_is_content(opening->market, unit))
		return;
	leaving = nq_market_leaving(opening->market, unit);
	least = needed(opening, unit);
	if (nq_sat_add(nq_market_bound(opening->market, unit), least) > leaving)
		return;
	for (uint32_t node = 0; node < board->n_nodes; node++) {
		struct nq_place place;
		uint64_t cost;

		if (nq_sat_add(nq_market_bound_at(opening->market, unit, node), least) > leaving)
			continue;
		place = nq_market_open_place(opening->market, unit, node);
		cost = nq_sat_sub(place.cost_ns, price);
		if (place.queue == NQ_NONE || nq_sat_add(cost, least) > leaving || leaving - cost <= best)
			continue;
		best = leaving - cost;
		opening->vote[at] =
			(uint32_t)(((size_t)self->pnic * board->n_pools + self->pool) * board->n_nodes + node);
	}
	if (opening->vote[at] != NQ_NONE)
		opening->gain[opening->vote[at]] = nq_sat_add(opening->gain[opening->vote[at]], best);
}

/* Moves the unit when that pays by itself; *gain gets what the board saves, the queue's price not counted. */
static bool move(struct opening *opening, uint32_t unit, uint32_t queue, uint64_t *gain)
{
	struct nq_board *board = opening->draft->board;
	uint64_t leaving = nq_market_leaving(opening->market, unit),
		 cost = nq_market_cost_at(opening->market, unit, queue);
	uint32_t cpu = board->queues[queue].cpu;

	if (!nq_board_used(board, queue))
		cost = nq_sat_sub(cost, nq_board_queue_used(board, board->units[unit].pool));
	if (!nq_market_admits(opening->market, unit, queue) ||
	    !nq_market_has_room(opening->market, queue, cpu, nq_unit_demand(&board->units[unit])) ||
	    nq_sat_add(cost, needed(opening, unit)) > leaving)
		return false;
	*gain = nq_sat_add(*gain, leaving - cost);
	nq_market_take(opening->market, unit, &(struct nq_place){ .queue = queue, .cpu = cpu });
	return true;
}

static void note(struct opening *opening, uint32_t n, uint32_t queue, uint64_t gain, bool brought, uint32_t from)
{
	struct nq_board *board = opening->draft->board;
	const struct nq_policy *policy = board->policy;
	uint64_t node = board->host->nodes[nq_board_queue_node(board, queue)].id;
	struct nq_rejected none = { NQ_NONE, 0 };

	for (uint32_t i = 0; i < n; i++) {
		struct nq_proposal own = { gain, 0, 0, policy->steer_once_ns };

		own.after_ns = nq_board_unit_path(board, opening->moved[i]);
		own.before_ns = nq_sat_add(own.after_ns, gain / n);
		nq_board_note(board, NQ_NOTE_VNIC, board->units[opening->moved[i]].vnic,
			      (struct nq_reason){ NQ_RULE_QUEUE_NEW, { node } }, none, &own);
	}
	if (brought)
		nq_board_note(board, NQ_NOTE_QUEUE, queue,
			      (struct nq_reason){ NQ_RULE_QUEUE_NEAR_VMS,
						  { node, from == NQ_NONE ? NQ_NONE : board->host->nodes[from].id } },
			      none, &(struct nq_proposal){ gain, 0, 0, policy->queue_cpu_once_ns });
	opening->draft->moves += n;
}

static void undo(struct opening *opening, uint32_t n)
{
	while (n-- > 0)
		nq_board_steer(opening->draft->board, opening->moved[n], opening->former[2 * n],
			       opening->former[2 * n + 1]);
}

/* Everybody who voted for the place moves into one queue there, or nobody. */
static void open(struct opening *opening, uint32_t first, uint32_t node)
{
	struct nq_board *board = opening->draft->board;
	const struct nq_policy *policy = board->policy;
	uint32_t leader = opening->order[first], place_vote = opening->vote[first], n = 0;
	struct nq_place place = nq_market_open_place(opening->market, leader, node);
	uint32_t cpu_before = place.queue == NQ_NONE ? NQ_NONE : board->queues[place.queue].cpu;
	uint32_t from = place.queue == NQ_NONE ? NQ_NONE : nq_board_queue_node(board, place.queue);
	uint64_t gain = 0, price = nq_board_queue_used(board, board->units[leader].pool);

	if (place.queue == NQ_NONE)
		return;
	if (place.bring)
		price = nq_sat_add(price, nq_market_shift(opening->market, place.queue, place.cpu));
	if (place.bring)
		nq_market_bring(opening->market, place.queue, place.cpu);
	for (uint32_t i = first; i < opening->n; i++) {
		const struct nq_unit *unit = &board->units[opening->order[i]];
		uint32_t former[2] = { unit->rx_queue, unit->tx_queue };

		if (opening->vote[i] != place_vote || !move(opening, opening->order[i], place.queue, &gain))
			continue;
		opening->former[2 * n] = former[0];
		opening->former[2 * n + 1] = former[1];
		opening->moved[n++] = opening->order[i];
	}
	price = nq_sat_add(price,
			   nq_guard_needs(policy, 0,
					  n * policy->steer_once_ns + (place.bring ? policy->queue_cpu_once_ns : 0),
					  policy->horizon_ms));
	if (n && gain >= price) {
		note(opening, n, place.queue, gain - price, place.bring, from);
		return;
	}
	undo(opening, n);
	if (place.bring)
		nq_market_bring(opening->market, place.queue, cpu_before);
}

static void open_all(struct opening *opening)
{
	const struct nq_board *board = opening->draft->board;

	for (uint32_t i = 0; i < opening->n; i++)
		vote(opening, i);
	for (uint32_t i = 0; i < opening->n; i++) {
		uint32_t at = opening->vote[i];
		uint64_t gain = at == NQ_NONE ? 0 : opening->gain[at];

		if (gain == 0)
			continue;
		opening->gain[at] = 0;
		if (gain >= nq_board_queue_used(board, board->units[opening->order[i]].pool))
			open(opening, i, at % board->n_nodes);
	}
}

int nq_open_queues(struct nq_draft *draft, struct nq_market *market, const uint32_t *order, uint32_t n)
{
	const struct nq_board *board = draft->board;
	size_t places = (size_t)board->n_pnics * board->n_pools * board->n_nodes;
	struct opening opening = {
		.draft = draft,
		.market = market,
		.order = order,
		.n = n,
		.vote = calloc((size_t)n + 1, sizeof(*opening.vote)),
		.gain = calloc(places + 1, sizeof(*opening.gain)),
		.former = calloc(2 * (size_t)n + 1, sizeof(*opening.former)),
		.moved = calloc((size_t)n + 1, sizeof(*opening.moved)),
	};
	bool ready = opening.vote && opening.gain && opening.former && opening.moved;

	if (ready)
		open_all(&opening);
	free(opening.vote);
	free(opening.gain);
	free(opening.former);
	free(opening.moved);
	return ready ? 0 : -ENOMEM;
}
