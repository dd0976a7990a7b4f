/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which queues a unit may use and what it would cost there (FEATURES N1, N2, N9; processes 1100 and 1200).
 *
 * A unit reaches the queues of its pnic that its steering reaches: soft queues for XDP, hard ones but the default
 * queues for all other kinds; of its pool, or free ones while its pool may have more. A queue whose CPU is unknown or
 * offline is none. A free hard queue that can be moved counts on every node: it is brought to the CPU there that is
 * disturbed least (1130).
 *
 * Room. The queues of a CPU may together take queue_full (850 per mille: the patent's overflow examples are 85 to 90
 * %) of queue_capacity_pps; an idle CPU takes any one unit. A queue in use whose thread is measured that busy takes
 * none, however few its packets. So a plan makes no CPU fuller than it was, than that, or
 * than a single unit makes it, wherever it is: no node is made to suffer for the average of the host.
 *
 * Finding. For each pool, pnic and node the cheapest further packet has a price; the waiting curve is convex, so a
 * unit costs at least that for each of its packets. The bound tells in a few steps that a unit has nothing to gain,
 * which is the answer for nearly all units of nearly all ticks; only nodes whose bound promises something are searched.
 */
#include "core/assign.h"

#include <errno.h>
#include <stdlib.h>

#include "core/cost.h"
#include "core/quota.h"

uint64_t nq_unit_demand(const struct nq_unit *unit)
{
	return unit->rx + (unit->paired ? unit->tx : 0);
}

bool nq_market_reaches(const struct nq_board *board, uint32_t queue)
{
	const struct nq_board_queue *self = &board->queues[queue];

	return !self->is_default && board->pnics[self->pnic].steers && board->pnics[self->pnic].soft == self->soft;
}

bool nq_market_is_online(const struct nq_board *board, uint32_t queue)
{
	uint32_t cpu = board->queues[queue].cpu;

	return cpu != NQ_NONE && board->cpus[cpu].online;
}

static void list_queue(struct nq_market *market, uint32_t queue)
{
	const struct nq_board *board = market->board;
	uint32_t node = nq_board_queue_node(board, queue);
	uint32_t *first = &market->first_at[(size_t)board->queues[queue].pnic * board->n_nodes + node];

	market->next_at[queue] = *first;
	*first = queue;
}

static void unlist_queue(struct nq_market *market, uint32_t queue)
{
	const struct nq_board *board = market->board;
	uint32_t node = nq_board_queue_node(board, queue);
	uint32_t *link = &market->first_at[(size_t)board->queues[queue].pnic * board->n_nodes + node];

	while (*link != queue)
		link = &market->next_at[*link];
	*link = market->next_at[queue];
}

/* The load of a CPU on the node changes, or a queue there. */
static void touch_node(struct nq_market *market, uint32_t node)
{
	market->stale[node] = true;
	market->generation[node]++;
}

static void touch(struct nq_market *market, uint32_t cpu)
{
	if (cpu != NQ_NONE)
		touch_node(market, market->board->cpus[cpu].node);
}

int nq_market_open(struct nq_market *ret, const struct nq_draft *draft)
{
	struct nq_board *board = draft->board;
	size_t places = (size_t)board->n_pnics * board->n_nodes;
	struct nq_market market = {
		.board = board,
		.draft = draft,
		.first_at = calloc(places + 1, sizeof(*market.first_at)),
		.next_at = calloc((size_t)board->n_queues + 1, sizeof(*market.next_at)),
		.spare = calloc((size_t)board->n_pnics + 1, sizeof(*market.spare)),
		.slope = calloc(places * board->n_pools + 1, sizeof(*market.slope)),
		.least = calloc(places * board->n_pools + 1, sizeof(*market.least)),
		.pool_used = calloc(board->n_pools, sizeof(*market.pool_used)),
		.shelves = calloc(places * board->n_pools + 1, sizeof(*market.shelves)),
		.generation = calloc(board->n_nodes, sizeof(*market.generation)),
		.picked = calloc(board->n_nodes, sizeof(*market.picked)),
		.stale = calloc(board->n_nodes, sizeof(*market.stale)),
	};

	if (!market.first_at || !market.next_at || !market.spare || !market.slope || !market.least ||
	    !market.pool_used || !market.picked || !market.stale || !market.shelves || !market.generation) {
		nq_market_close(&market);
		return -ENOMEM;
	}
	for (size_t i = 0; i < places; i++)
		market.first_at[i] = NQ_NONE;
	for (uint32_t i = 0; i < board->n_nodes; i++)
		touch_node(&market, i);
	for (uint32_t i = board->n_queues; i-- > 0;)
		if (nq_market_reaches(board, i) && nq_market_is_online(board, i))
			list_queue(&market, i);
	for (uint32_t i = 0; i < board->n_units; i++)
		market.pool_used[board->units[i].pool] = true;
	*ret = market;
	return 0;
}

void nq_market_close(struct nq_market *market)
{
	free(market->first_at);
	free(market->next_at);
	free(market->spare);
	free(market->slope);
	free(market->least);
	free(market->pool_used);
	free(market->picked);
	free(market->shelves);
	free(market->generation);
	free(market->stale);
}

/* Per packet, 1/256 ns: how the waiting on the CPU grows. */
static uint64_t waiting_slope(const struct nq_board *board, uint32_t cpu)
{
	uint64_t step = nq_board_ppm(board, cpu, board->cpus[cpu].load) / NQ_WAITING_STEP;
	uint64_t rise =
		step < NQ_WAITING_STEPS ? nq_waiting_table[step + 1] - nq_waiting_table[step] : NQ_WAITING_BEYOND;

	return rise * (NQ_PPM / NQ_WAITING_STEP) * board->policy->queue_wait * NQ_FIXED /
	       board->policy->queue_capacity_pps;
}

static bool is_spare(const struct nq_market *market, uint32_t queue)
{
	const struct nq_board *board = market->board;
	struct nq_reason ignored;

	return nq_market_reaches(board, queue) && board->queues[queue].movable && !nq_board_used(board, queue) &&
	       !nq_guard_holds(market->draft, NQ_ACTION_QUEUE_CPU, queue, &ignored);
}

/* A free queue of the pnic that can be brought anywhere, with the pool's features; NQ_NONE when there is none. */
static uint32_t find_spare(struct nq_market *market, uint32_t pnic, uint32_t pool)
{
	const struct nq_board *board = market->board;
	uint32_t i = market->spare[pnic];

	while (i < board->n_queues && (board->queues[i].pnic != pnic || !is_spare(market, i)))
		i++;
	market->spare[pnic] = i;
	while (i < board->n_queues &&
	       (board->queues[i].pnic != pnic || !is_spare(market, i) || !nq_queue_suits(board, i, pool)))
		i++;
	return i < board->n_queues ? i : NQ_NONE;
}

uint32_t nq_market_pick_cpu(struct nq_market *market, uint32_t node)
{
	if (market->stale[node])
		market->picked[node] = nq_board_pick_cpu(market->board, node, NULL);
	market->stale[node] = false;
	return market->picked[node];
}

static void price_node(struct nq_market *market, uint32_t pnic, uint32_t pool, uint32_t node, bool spare)
{
	const struct nq_board *board = market->board;
	uint64_t *price = &market->slope[((size_t)pnic * board->n_pools + pool) * board->n_nodes + node];
	bool open = nq_quota_open(board, pnic, pool);
	uint32_t cpu = spare ? nq_market_pick_cpu(market, node) : NQ_NONE;

	*price = cpu == NQ_NONE ? UINT64_MAX : waiting_slope(board, cpu);
	for (uint32_t i = market->first_at[(size_t)pnic * board->n_nodes + node]; i != NQ_NONE;
	     i = market->next_at[i]) {
		bool used = nq_board_used(board, i);
		uint64_t own;

		if (used ? board->queues[i].pool != pool || board->queues[i].exclusive
			 : !open || !nq_queue_suits(board, i, pool))
			continue;
		own = waiting_slope(board, board->queues[i].cpu);
		if (own < *price)
			*price = own;
	}
	if (*price != UINT64_MAX)
		*price += nq_board_arrive(board, pnic, board->pnics[pnic].soft, node);
}

static void price_pool(struct nq_market *market, uint32_t pnic, uint32_t pool)
{
	const struct nq_board *board = market->board;
	uint32_t n = board->n_nodes;
	bool spare = nq_quota_open(board, pnic, pool) && find_spare(market, pnic, pool) != NQ_NONE;
	size_t row = ((size_t)pnic * board->n_pools + pool) * n;

	for (uint32_t node = 0; node < n; node++)
		price_node(market, pnic, pool, node, spare);
	for (uint32_t home = 0; home < n; home++) {
		uint64_t least = UINT64_MAX;

		for (uint32_t node = 0; node < n; node++) {
			uint64_t price = market->slope[row + node];

			if (price != UINT64_MAX && price + board->handoff[(size_t)home * n + node] < least)
				least = price + board->handoff[(size_t)home * n + node];
		}
		market->least[row + home] = least;
	}
}

void nq_market_price(struct nq_market *market)
{
	for (uint32_t pnic = 0; pnic < market->board->n_pnics; pnic++) {
		market->spare[pnic] = 0;
		for (uint32_t node = 0; node < market->board->n_nodes; node++)
			touch_node(market, node);
		for (uint32_t pool = 0; pool < market->board->n_pools; pool++)
			if (market->pool_used[pool] && market->board->pnics[pnic].steers)
				price_pool(market, pnic, pool);
	}
}

/* What the path costs when the unit is received on that node, ns/s; sending goes along when it is paired. */
static uint64_t path_at(const struct nq_market *market, const struct nq_unit *unit, uint32_t node)
{
	const struct nq_board *board = market->board;
	uint64_t path = (uint64_t)nq_board_arrive(board, unit->pnic, board->pnics[unit->pnic].soft, node) +
			board->vms[unit->vm].deliver[node];

	return nq_cost_of(nq_unit_demand(unit), path);
}

/* The CPU's load as if the unit were not there. */
static uint64_t load_without(const struct nq_board *board, const struct nq_unit *unit, uint32_t cpu)
{
	uint64_t load = board->cpus[cpu].load;

	if (unit->rx_queue != NQ_NONE && board->queues[unit->rx_queue].cpu == cpu)
		load -= unit->rx;
	if (unit->paired && unit->tx_queue != NQ_NONE && board->queues[unit->tx_queue].cpu == cpu)
		load -= unit->tx;
	return load;
}

/*
 * Does its first user pay for the queue? Also for one that somebody unknown uses: a host that was planned does not tell
 * it from others.
 */
static bool is_unpaid(const struct nq_board *board, uint32_t queue)
{
	return !board->queues[queue].users;
}

static uint64_t cost_on(const struct nq_market *market, const struct nq_unit *unit, uint32_t cpu, bool open)
{
	const struct nq_board *board = market->board;
	uint64_t load = load_without(board, unit, cpu);
	uint64_t waiting =
		nq_board_cpu_waiting(board, cpu, load + nq_unit_demand(unit)) - nq_board_cpu_waiting(board, cpu, load);

	return nq_sat_add(path_at(market, unit, board->cpus[cpu].node),
			  nq_sat_add(waiting, open ? nq_board_queue_used(board, unit->pool) : 0));
}

uint64_t nq_market_cost_at(const struct nq_market *market, uint32_t unit, uint32_t queue)
{
	return cost_on(market, &market->board->units[unit], market->board->queues[queue].cpu,
		       is_unpaid(market->board, queue));
}

/*
 * What is waited less for the default queues when the unit leaves them; as long as ways decide (see pass() in
 * core/assign.c) no more than it would wait by itself anywhere.
 */
static uint64_t relief(const struct nq_market *market, uint32_t unit)
{
	const struct nq_policy *policy = market->board->policy;
	uint64_t saved = nq_board_relief(market->board, unit);
	uint64_t demand = nq_unit_demand(&market->board->units[unit]);
	uint64_t alone = nq_cost_waiting(nq_mul_div(demand, NQ_PPM, policy->queue_capacity_pps)) * policy->queue_wait;

	return market->relief || saved < alone ? saved : alone;
}

uint64_t nq_market_leaving(const struct nq_market *market, uint32_t unit)
{
	const struct nq_board *board = market->board;
	const struct nq_unit *self = &board->units[unit];
	const struct nq_board_queue *queue = &board->queues[self->rx_queue];
	uint64_t saved;

	if (self->rx_queue == NQ_NONE)
		return nq_sat_add(relief(market, unit),
				  nq_sat_add(nq_cost_of(self->rx, self->default_rx),
					     self->paired ? nq_cost_of(self->tx, self->default_tx) : 0));
	saved = queue->users == 1 ? nq_board_queue_used(board, queue->pool) : 0;
	if (queue->cpu == NQ_NONE)
		return saved;
	if (self->paired && self->tx_queue != self->rx_queue) {
		/* half-paired, as it was found: sending by its own path */
		saved = nq_sat_add(saved, nq_board_unit_path(board, unit));
		return nq_sat_add(
			saved, nq_board_cpu_waiting(board, queue->cpu, board->cpus[queue->cpu].load) -
				       nq_board_cpu_waiting(board, queue->cpu, load_without(board, self, queue->cpu)));
	}
	return nq_sat_add(saved, cost_on(market, self, queue->cpu, false));
}

bool nq_market_has_room(const struct nq_market *market, uint32_t queue, uint32_t cpu, uint64_t packets)
{
	const struct nq_policy *policy = market->board->policy;
	uint64_t load = market->board->cpus[cpu].load + market->board->cpus[cpu].promised;

	if (market->board->queues[queue].cpu != cpu)
		load += market->board->queues[queue].load; /* brought, with what passes through it */
	if (load == 0)
		return true;
	if (nq_board_used(market->board, queue) && market->board->host->queues[queue].busy >= policy->queue_full)
		return false;
	return load + packets <= policy->queue_capacity_pps * policy->queue_full / 1000;
}

static bool has_sibling_on(const struct nq_board *board, uint32_t unit, uint32_t queue)
{
	const struct nq_unit *self = &board->units[unit];

	for (uint32_t i = board->first_unit[self->vnic]; i < board->first_unit[self->vnic + 1]; i++)
		if (i != unit && board->units[i].rx_queue == queue)
			return true;
	return false;
}

static bool has_rule(const struct nq_board *board, const struct nq_unit *unit)
{
	const struct nq_board_pnic *pnic = &board->pnics[unit->pnic];

	return unit->rx_queue != NQ_NONE || unit->lane > 0 || pnic->rules < pnic->rules_max;
}

/* Somebody else there wants the queue for itself (Q6), whether it has it already or not. */
static bool is_claimed(const struct nq_board *board, uint32_t unit, uint32_t queue)
{
	const struct nq_board_queue *self = &board->queues[queue];

	return self->exclusive || self->loners > (board->units[unit].rx_queue == queue && board->units[unit].exclusive);
}

bool nq_market_admits(const struct nq_market *market, uint32_t unit, uint32_t queue)
{
	const struct nq_board *board = market->board;
	const struct nq_unit *self = &board->units[unit];
	const struct nq_board_queue *target = &board->queues[queue];
	bool used = nq_board_used(board, queue), alone = target->users == 1 && self->rx_queue == queue;

	if (!has_rule(board, self) || !nq_queue_suits(board, queue, self->pool))
		return false;
	if (used && !alone && (target->pool != self->pool || is_claimed(board, unit, queue) || self->exclusive))
		return false;
	if (!used && !nq_quota_open(board, self->pnic, self->pool))
		return false;
	return board->first_unit[self->vnic + 1] - board->first_unit[self->vnic] == 1 ||
	       !has_sibling_on(board, unit, queue);
}

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
	      (struct nq_place){ queue, cpu, false, open, cost_on(search->market, self, cpu, is_unpaid(board, queue)) },
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
		there = load_without(board, unit, cpu) + nq_unit_demand(unit);
	cost = nq_board_cpu_waiting(board, cpu, there + own) - nq_board_cpu_waiting(board, cpu, there);
	if (from == NQ_NONE)
		return cost;
	here = unit ? load_without(board, unit, from) : board->cpus[from].load;
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
	      (struct nq_place){ spare, cpu, true, true,
				 nq_sat_add(cost_on(market, self, cpu, true), shift_cost(board, self, spare, cpu)) },
	      limit);
}

struct nq_place nq_market_open_place(struct nq_market *market, uint32_t unit, uint32_t node)
{
	const struct nq_board *board = market->board;
	const struct nq_unit *self = &board->units[unit];
	struct nq_places places = { .best.queue = NQ_NONE, .next.queue = NQ_NONE };
	struct search search = { market, unit, node, NQ_MAX_VALUE, &places };
	uint32_t spare, free;

	if (!nq_quota_open(board, self->pnic, self->pool) || !has_rule(board, self))
		return places.best;
	free = shelf_of(market, self->pnic, self->pool, node)->queue[1][0];
	spare = find_spare(market, self->pnic, self->pool);
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
		       board->vms[self->vm].deliver[node] + waiting_slope(board, cpu) <=
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
	uint32_t spare = nq_quota_open(board, self->pnic, self->pool) && has_rule(board, self)
				 ? find_spare(market, self->pnic, self->pool)
				 : NQ_NONE;

	/* No steering rule to be had is no room either. */
	places.full = !has_rule(board, self);
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

void nq_market_bring(struct nq_market *market, uint32_t queue, uint32_t cpu)
{
	struct nq_board *board = market->board;

	touch(market, board->queues[queue].cpu);
	touch(market, cpu);
	if (nq_market_is_online(board, queue))
		unlist_queue(market, queue);
	nq_board_queue_cpu(board, queue, cpu);
	if (nq_market_is_online(board, queue))
		list_queue(market, queue);
}

void nq_market_default(struct nq_market *market, uint32_t unit)
{
	struct nq_board *board = market->board;
	uint32_t left = board->units[unit].rx_queue, pnic = board->units[unit].pnic;

	if (left != NQ_NONE)
		touch(market, board->queues[left].cpu);
	nq_board_steer(board, unit, NQ_NONE, NQ_NONE);
	if (left != NQ_NONE && !nq_board_used(board, left) && left < market->spare[pnic])
		market->spare[pnic] = left;
}

void nq_market_take(struct nq_market *market, uint32_t unit, const struct nq_place *place)
{
	struct nq_board *board = market->board;
	const struct nq_unit *self = &board->units[unit];
	uint32_t left = self->rx_queue, pnic = self->pnic;

	if (place->bring)
		nq_market_bring(market, place->queue, place->cpu);
	touch(market, board->queues[place->queue].cpu);
	if (left != NQ_NONE)
		touch(market, board->queues[left].cpu);
	nq_board_steer(board, unit, place->queue, self->paired ? place->queue : self->tx_queue);
	if (left != NQ_NONE && !nq_board_used(board, left) && left < market->spare[pnic])
		market->spare[pnic] = left;
}
