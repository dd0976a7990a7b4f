/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which queues a unit may use and what it would cost there (FEATURES N1, N2, N9; processes 1100 and 1200).
 *
 * A unit reaches the queues of its pnic that its steering reaches: soft queues for XDP, hard ones but the default
 * queues for all other kinds; of its pool, or free ones while its pool may have more. A queue whose CPU is unknown or
 * offline is none. A free hard queue that can be moved counts on every node: it is brought to the CPU there that is
 * disturbed least (1130).
 */
#include "core/market_parts.h"

#include <errno.h>
#include <stdlib.h>

#include "core/cost.h"
#include "core/quota.h"

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
uint64_t nq_market_slope(const struct nq_board *board, uint32_t cpu)
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
uint32_t nq_market_spare(struct nq_market *market, uint32_t pnic, uint32_t pool)
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

	*price = cpu == NQ_NONE ? UINT64_MAX : nq_market_slope(board, cpu);
	for (uint32_t i = market->first_at[(size_t)pnic * board->n_nodes + node]; i != NQ_NONE;
	     i = market->next_at[i]) {
		bool used = nq_board_used(board, i);
		uint64_t own;

		if (used ? board->queues[i].pool != pool || board->queues[i].exclusive
			 : !open || !nq_queue_suits(board, i, pool))
			continue;
		own = nq_market_slope(board, board->queues[i].cpu);
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
	bool spare = nq_quota_open(board, pnic, pool) && nq_market_spare(market, pnic, pool) != NQ_NONE;
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
