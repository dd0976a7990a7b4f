/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding. For each pool, pnic and node the cheapest further packet has a price; the waiting curve is convex, so a
 * unit costs at least that for each of its packets. The bound tells in a few steps that a unit has nothing to gain,
 * which is the answer for nearly all units of nearly all ticks; only nodes whose bound promises something are searched.
 */
#include "core/market_parts.h"

#include "core/cost.h"
#include "core/quota.h"

static uint64_t wanted_room(const struct nq_board *board, const struct nq_unit *unit)
{
	uint64_t demand = nq_unit_demand(unit), floor = board->policy->pools[unit->pool].floor_pps;

	return demand > floor ? demand : floor;
}

static bool is_better(const struct nq_place *a, const struct nq_place *b)
{
	if (b->queue == NQ_NONE || a->queue == NQ_NONE)
		return b->queue == NQ_NONE && a->queue != NQ_NONE;
	if (a->cost_ns != b->cost_ns)
		return a->cost_ns < b->cost_ns;
	if (a->open != b->open)
		return b->open;
	if (a->bring != b->bring)
		return b->bring;
	return a->queue < b->queue;
}

static void offer(struct nq_places *places, struct nq_place place, uint64_t limit)
{
	if (place.cost_ns >= limit)
		return;
	if (is_better(&place, &places->best)) {
		places->next = places->best;
		places->best = place;
	} else if (is_better(&place, &places->next)) {
		places->next = place;
	}
}

/* Fullness by which places on one node compare: the CPU's work in packets/s. */
static uint64_t fullness(const struct nq_board *board, uint32_t cpu)
{
	return board->cpus[cpu].load + board->cpus[cpu].other * (board->policy->queue_capacity_pps / 1000);
}

static void shelve(const struct nq_board *board, struct nq_shelf *shelf, uint32_t queue)
{
	uint32_t cpu = board->queues[queue].cpu;
	bool open = !nq_board_used(board, queue);
	uint32_t *best = shelf->queue[open];
	uint64_t full = fullness(board, cpu);
	bool first = best[0] == NQ_NONE || full < fullness(board, board->queues[best[0]].cpu) ||
		     (full == fullness(board, board->queues[best[0]].cpu) && queue < best[0]);
	bool second = best[1] == NQ_NONE || full < fullness(board, board->queues[best[1]].cpu) ||
		      (full == fullness(board, board->queues[best[1]].cpu) && queue < best[1]);

	if (board->cpus[cpu].load < shelf->least_load[open])
		shelf->least_load[open] = board->cpus[cpu].load;
	if (first) {
		best[1] = best[0];
		best[0] = queue;
	} else if (second) {
		best[1] = queue;
	}
}

/* The curve of waiting is the same for all CPUs: the emptiest queue in use and the emptiest free one are the cheapest.
 */
static const struct nq_shelf *shelf_of(struct nq_market *market, uint32_t pnic, uint32_t pool, uint32_t node)
{
	const struct nq_board *board = market->board;
	struct nq_shelf *shelf = &market->shelves[((size_t)pnic * board->n_pools + pool) * board->n_nodes + node];

	if (shelf->generation == market->generation[node])
		return shelf;
	*shelf = (struct nq_shelf){
		market->generation[node],
		{ { NQ_NONE, NQ_NONE }, { NQ_NONE, NQ_NONE } },
		{ UINT64_MAX, UINT64_MAX },
	};
	for (uint32_t i = market->first_at[(size_t)pnic * board->n_nodes + node]; i != NQ_NONE;
	     i = market->next_at[i]) {
		bool used = nq_board_used(board, i);

		if (used ? board->queues[i].pool == pool && !board->queues[i].exclusive
			 : nq_queue_suits(board, i, pool))
			shelve(board, shelf, i);
	}
	return shelf;
}

struct search {
	struct nq_market *market;
	uint32_t unit, node;
	uint64_t limit;
	struct nq_places *places;
};

/* Offers the queue if the unit may be there. */
static bool offer_queue(struct search *search, uint32_t queue, bool open)
{
	const struct nq_board *board = search->market->board;
	const struct nq_unit *self = &board->units[search->unit];
	uint32_t cpu = board->queues[queue].cpu;

	if (queue == self->rx_queue || !nq_market_admits(search->market, search->unit, queue))
		return false;
	if (!nq_market_has_room(search->market, queue, cpu, wanted_room(board, self))) {
		search->places->full = true;
		return false;
	}
	offer(search->places,
	      (struct nq_place){ queue, cpu, false, open,
				 nq_market_cost_on(search->market, self, cpu, nq_market_is_unpaid(board, queue)) },
	      search->limit);
	return true;
}

/* All queues on the node: when the emptiest are not for this unit. */
static void search_list(struct search *search, bool open)
{
	const struct nq_board *board = search->market->board;
	uint32_t pnic = board->units[search->unit].pnic;

	for (uint32_t i = search->market->first_at[(size_t)pnic * board->n_nodes + search->node]; i != NQ_NONE;
	     i = search->market->next_at[i])
		if (open == !nq_board_used(board, i))
			offer_queue(search, i, open);
}

/* The two emptiest: one to take, one to name as the next best. */
static void search_shelf(struct search *search, const uint32_t best[2], bool open)
{
	bool first = offer_queue(search, best[0], open);
	bool second = best[1] != NQ_NONE && offer_queue(search, best[1], open);

	if (!first && !second && best[1] != NQ_NONE)
		search_list(search, open);
}

static void search_node(struct nq_market *market, uint32_t unit, uint32_t node, uint64_t limit,
			struct nq_places *places)
{
	const struct nq_board *board = market->board;
	const struct nq_unit *self = &board->units[unit];
	const struct nq_shelf *shelf = shelf_of(market, self->pnic, self->pool, node);
	uint64_t wanted = wanted_room(board, self);
	uint64_t most = board->policy->queue_capacity_pps * board->policy->queue_full / 1000;
	struct search search = { market, unit, node, limit, places };

	for (int open = 0; open < 2; open++) {
		const uint32_t *best = shelf->queue[open];

		if (best[0] == NQ_NONE || (open && !nq_quota_open(board, self->pnic, self->pool)))
			continue;
		if (shelf->least_load[open] && shelf->least_load[open] + wanted > most)
			places->full = true;
		else
			search_shelf(&search, best, open);
	}
}

/*
 * What the board pays when a free queue goes to another CPU, for the packets that nobody known accounts for: what waits
 * more there, less what waits less where it was. The unit, NULL: none, is already there and no more where it was.
 */
static uint64_t shift_cost(const struct nq_board *board, const struct nq_unit *unit, uint32_t queue, uint32_t cpu)
{
	uint64_t own = board->queues[queue].load, there = board->cpus[cpu].load, here;
	uint32_t from = board->queues[queue].cpu;
	uint64_t cost;

	if (own == 0)
		return 0;
	if (unit)
		there = nq_market_load_without(board, unit, cpu) + nq_unit_demand(unit);
	cost = nq_board_cpu_waiting(board, cpu, there + own) - nq_board_cpu_waiting(board, cpu, there);
	if (from == NQ_NONE)
		return cost;
	here = unit ? nq_market_load_without(board, unit, from) : board->cpus[from].load;
	return nq_sat_sub(cost,
			  nq_board_cpu_waiting(board, from, here) - nq_board_cpu_waiting(board, from, here - own));
}

uint64_t nq_market_shift(const struct nq_market *market, uint32_t queue, uint32_t cpu)
{
	return shift_cost(market->board, NULL, queue, cpu);
}

static void search_brought(struct nq_market *market, uint32_t unit, uint32_t spare, uint32_t node, uint64_t limit,
			   struct nq_places *places)
{
	const struct nq_board *board = market->board;
	const struct nq_unit *self = &board->units[unit];
	uint32_t cpu = nq_market_pick_cpu(market, node);

	if (cpu == NQ_NONE || !nq_market_has_room(market, spare, cpu, wanted_room(board, self)))
		return;
	if (cpu == board->queues[spare].cpu)
		return; /* it is there */
	offer(places,
	      (struct nq_place){
		      spare, cpu, true, true,
		      nq_sat_add(nq_market_cost_on(market, self, cpu, true), shift_cost(board, self, spare, cpu)) },
	      limit);
}

struct nq_place nq_market_open_place(struct nq_market *market, uint32_t unit, uint32_t node)
{
	const struct nq_board *board = market->board;
	const struct nq_unit *self = &board->units[unit];
	struct nq_places places = { .best.queue = NQ_NONE, .next.queue = NQ_NONE };
	struct search search = { market, unit, node, NQ_MAX_VALUE, &places };
	uint32_t spare, free;

	if (!nq_quota_open(board, self->pnic, self->pool) || !nq_market_has_rule(board, self))
		return places.best;
	free = shelf_of(market, self->pnic, self->pool, node)->queue[1][0];
	spare = nq_market_spare(market, self->pnic, self->pool);
	if (free != NQ_NONE)
		offer_queue(&search, free, true);
	if (spare != NQ_NONE)
		search_brought(market, unit, spare, node, NQ_MAX_VALUE, &places);
	return places.best;
}

static uint64_t bound_at(const struct nq_market *market, const struct nq_unit *unit, uint32_t node)
{
	const struct nq_board *board = market->board;
	uint64_t price = market->slope[((size_t)unit->pnic * board->n_pools + unit->pool) * board->n_nodes + node];

	return price == UINT64_MAX ? NQ_MAX_VALUE
				   : nq_cost_of(nq_unit_demand(unit), price + board->vms[unit->vm].deliver[node]);
}

uint64_t nq_market_bound_at(const struct nq_market *market, uint32_t unit, uint32_t node)
{
	return bound_at(market, &market->board->units[unit], node);
}

bool nq_market_is_content(const struct nq_market *market, uint32_t unit)
{
	const struct nq_board *board = market->board;
	const struct nq_unit *self = &board->units[unit];
	uint32_t home = board->vms[self->vm].node, cpu, node;

	if (self->rx_queue == NQ_NONE || home == NQ_NONE || (self->paired && self->tx_queue != self->rx_queue))
		return false;
	cpu = board->queues[self->rx_queue].cpu;
	if (cpu == NQ_NONE || board->queues[self->rx_queue].users == 1)
		return false;
	node = board->cpus[cpu].node;
	return (uint64_t)nq_board_arrive(board, self->pnic, board->pnics[self->pnic].soft, node) +
		       board->vms[self->vm].deliver[node] + nq_market_slope(board, cpu) <=
	       market->least[((size_t)self->pnic * board->n_pools + self->pool) * board->n_nodes + home];
}

uint64_t nq_market_bound(const struct nq_market *market, uint32_t unit)
{
	const struct nq_board *board = market->board;
	const struct nq_unit *self = &board->units[unit];
	uint32_t home = board->vms[self->vm].node;
	uint64_t least = NQ_MAX_VALUE;

	if (home != NQ_NONE) {
		uint64_t price =
			market->least[((size_t)self->pnic * board->n_pools + self->pool) * board->n_nodes + home];

		return price == UINT64_MAX ? NQ_MAX_VALUE : nq_cost_of(nq_unit_demand(self), price);
	}
	for (uint32_t node = 0; node < board->n_nodes; node++) {
		uint64_t bound = bound_at(market, self, node);

		least = bound < least ? bound : least;
	}
	return least;
}

struct nq_places nq_market_find(struct nq_market *market, uint32_t unit, uint64_t limit)
{
	const struct nq_board *board = market->board;
	const struct nq_unit *self = &board->units[unit];
	struct nq_places places = { .best.queue = NQ_NONE, .next.queue = NQ_NONE };
	uint32_t spare = nq_quota_open(board, self->pnic, self->pool) && nq_market_has_rule(board, self)
				 ? nq_market_spare(market, self->pnic, self->pool)
				 : NQ_NONE;

	/* No steering rule to be had is no room either. */
	places.full = !nq_market_has_rule(board, self);
	for (uint32_t node = 0; node < board->n_nodes; node++) {
		if (bound_at(market, self, node) >= limit)
			continue;
		search_node(market, unit, node, limit, &places);
		if (spare != NQ_NONE)
			search_brought(market, unit, spare, node, limit, &places);
		if (places.next.queue != NQ_NONE && places.next.cost_ns < limit)
			limit = places.next.cost_ns;
	}
	return places;
}
