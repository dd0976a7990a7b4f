/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exchange: two units change places when that pays though neither can move alone (FEATURES N2).
 *
 * Single moves stop where every queue that would be better is full, or where the only units that could be moved are too
 * large: a pair of 30 and 25 % on one queue and of 20 and 5 % on another stays until 25 and 5 change places. So when a
 * pass of single moves finds nothing, pairs of units of the same pnic and pool are tried, between the queues whose CPUs
 * are fullest and all others.
 *
 * Bounds. At most HOT queues are the first of a pair, LISTED units of a queue are looked at, largest first by list,
 * and a pair of queues is skipped unless evening out their CPUs and shortening all ways to the shortest could pay at
 * all; in a balanced, local host that is every pair, which is what a tick costs. With few queues every pair is tried.
 *
 * Both units pass the guard: the exchange must save what both need.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/assign.h"
#include "core/cost.h"

#define HOT 48u
#define LISTED 64u

struct hot {
	uint64_t ppm;
	uint32_t queue;
};

struct exchange {
	struct nq_draft *draft;
	struct nq_market *market;
	bool *eligible;	  /* [n_units] */
	uint64_t *excess; /* [n_queues]: what the ways of its units cost above their shortest, ns/s */
	struct hot *hot;  /* [n_queues] queues in use with units, fullest first */
	uint32_t n_hot;
};

static uint64_t way(const struct nq_board *board, const struct nq_unit *unit, uint32_t node)
{
	return nq_cost_of(nq_unit_demand(unit),
			  (uint64_t)nq_board_arrive(board, unit->pnic, board->pnics[unit->pnic].soft, node) +
				  board->vms[unit->vm].deliver[node]);
}

static uint64_t shortest(const struct nq_board *board, const struct nq_unit *unit)
{
	uint32_t least = UINT32_MAX;

	for (uint32_t node = 0; node < board->n_nodes; node++) {
		uint32_t here = nq_board_arrive(board, unit->pnic, board->pnics[unit->pnic].soft, node) +
				board->vms[unit->vm].deliver[node];

		if (board->nodes[node].cpus && here < least)
			least = here;
	}
	return least == UINT32_MAX ? 0 : nq_cost_of(nq_unit_demand(unit), least);
}

static bool may_exchange(const struct nq_unit *unit, uint32_t queue)
{
	return unit->rx_queue == queue && !unit->exclusive && (!unit->paired || unit->tx_queue == queue);
}

static int by_fullness(const void *left, const void *right)
{
	const struct hot *a = left, *b = right;

	if (a->ppm != b->ppm)
		return a->ppm < b->ppm ? 1 : -1;
	return (a->queue > b->queue) - (a->queue < b->queue);
}

static void find_hot(struct exchange *exchange)
{
	const struct nq_board *board = exchange->draft->board;

	for (uint32_t i = 0; i < board->n_queues; i++) {
		const struct nq_board_queue *queue = &board->queues[i];
		bool any = false;

		if (queue->is_default || queue->cpu == NQ_NONE || !board->cpus[queue->cpu].online)
			continue;
		for (uint32_t j = queue->first_unit; j != NQ_NONE; j = board->units[j].next)
			if (exchange->eligible[j] && may_exchange(&board->units[j], i)) {
				exchange->excess[i] = nq_sat_add(
					exchange->excess[i],
					nq_sat_sub(way(board, &board->units[j], board->cpus[queue->cpu].node),
						   shortest(board, &board->units[j])));
				any = true;
			}
		if (any)
			exchange->hot[exchange->n_hot++] =
				(struct hot){ nq_board_ppm(board, queue->cpu, board->cpus[queue->cpu].load), i };
	}
	qsort(exchange->hot, exchange->n_hot, sizeof(*exchange->hot), by_fullness);
}

/* Waiting of two CPUs at these loads. */
static uint64_t waiting(const struct nq_board *board, uint32_t a, uint64_t load_a, uint32_t b, uint64_t load_b)
{
	return nq_sat_add(nq_board_cpu_waiting(board, a, load_a), nq_board_cpu_waiting(board, b, load_b));
}

/* Could any exchange between the two queues save that much? */
static bool promises(const struct exchange *exchange, uint32_t x, uint32_t y, uint64_t least)
{
	const struct nq_board *board = exchange->draft->board;
	uint32_t a = board->queues[x].cpu, b = board->queues[y].cpu;
	uint64_t together = nq_board_ppm(board, a, board->cpus[a].load) + nq_board_ppm(board, b, board->cpus[b].load);
	uint64_t even = 2 * nq_cost_waiting(together / 2) * board->policy->queue_wait, now;

	if (board->queues[x].pnic != board->queues[y].pnic || board->queues[x].pool != board->queues[y].pool)
		return false;
	now = a == b ? even : waiting(board, a, board->cpus[a].load, b, board->cpus[b].load);
	return nq_sat_add(nq_sat_sub(now, even), exchange->excess[x] + exchange->excess[y]) >= least;
}

static uint64_t needs(const struct nq_board *board, uint32_t unit)
{
	return nq_guard_needs(board->policy, nq_board_unit_path(board, unit), board->policy->steer_once_ns,
			      board->policy->horizon_ms);
}

/* No CPU may become fuller than the room rule allows, unless it becomes emptier. */
static bool fits(const struct nq_board *board, uint32_t cpu, uint64_t less, uint64_t more)
{
	uint64_t limit = board->policy->queue_capacity_pps * board->policy->queue_full / 1000;

	return more <= less || board->cpus[cpu].load - less + more <= limit;
}

static bool lanes_collide(const struct nq_board *board, const struct nq_unit *unit, uint32_t queue)
{
	for (uint32_t i = board->first_unit[unit->vnic]; i < board->first_unit[unit->vnic + 1]; i++)
		if (board->units[i].rx_queue == queue)
			return true;
	return false;
}

/* What the board saves when a and b change places, 0 when they may not or it saves nothing. */
static uint64_t gain_of(const struct nq_board *board, uint32_t a, uint32_t b)
{
	const struct nq_unit *one = &board->units[a], *other = &board->units[b];
	uint32_t cpu_a = board->queues[one->rx_queue].cpu, cpu_b = board->queues[other->rx_queue].cpu;
	uint32_t node_a = board->cpus[cpu_a].node, node_b = board->cpus[cpu_b].node;
	uint64_t load_a = board->cpus[cpu_a].load, load_b = board->cpus[cpu_b].load;
	uint64_t size_a = nq_unit_demand(one), size_b = nq_unit_demand(other);
	uint64_t before = nq_sat_add(way(board, one, node_a), way(board, other, node_b));
	uint64_t after = nq_sat_add(way(board, one, node_b), way(board, other, node_a));

	if (cpu_a == cpu_b)
		return 0;
	before = nq_sat_add(before, waiting(board, cpu_a, load_a, cpu_b, load_b));
	after = nq_sat_add(after, waiting(board, cpu_a, load_a - size_a + size_b, cpu_b, load_b - size_b + size_a));
	return nq_sat_sub(before, after);
}

static bool may_swap(const struct nq_board *board, uint32_t a, uint32_t b)
{
	const struct nq_unit *one = &board->units[a], *other = &board->units[b];
	uint64_t size_a = nq_unit_demand(one), size_b = nq_unit_demand(other);

	return fits(board, board->queues[one->rx_queue].cpu, size_a, size_b) &&
	       fits(board, board->queues[other->rx_queue].cpu, size_b, size_a) &&
	       !lanes_collide(board, one, other->rx_queue) && !lanes_collide(board, other, one->rx_queue);
}

static void swap(struct exchange *exchange, uint32_t a, uint32_t b, uint64_t gain)
{
	struct nq_board *board = exchange->draft->board;
	const uint32_t units[2] = { a, b };
	uint32_t queues[2] = { board->units[a].rx_queue, board->units[b].rx_queue };

	for (int i = 0; i < 2; i++) {
		struct nq_unit *unit = &board->units[units[i]];
		struct nq_proposal proposal = { .before_ns = nq_market_leaving(exchange->market, units[i]),
						.once_ns = board->policy->steer_once_ns };

		proposal.after_ns = nq_sat_sub(proposal.before_ns, gain / 2);
		nq_board_note(board, NQ_NOTE_VNIC, unit->vnic, (struct nq_reason){ .rule = NQ_RULE_QUEUE_SWAP },
			      (struct nq_rejected){ NQ_NONE, 0 }, &proposal);
	}
	for (int i = 0; i < 2; i++)
		nq_board_steer(board, units[i], queues[1 - i],
			       board->units[units[i]].paired ? queues[1 - i] : board->units[units[i]].tx_queue);
	exchange->draft->moves += 2;
}

/* The eligible units of a queue; how many. */
static uint32_t list(const struct exchange *exchange, uint32_t queue, uint32_t ret[LISTED])
{
	const struct nq_board *board = exchange->draft->board;
	uint32_t n = 0;

	for (uint32_t i = board->queues[queue].first_unit; i != NQ_NONE && n < LISTED; i = board->units[i].next)
		if (exchange->eligible[i] && may_exchange(&board->units[i], queue))
			ret[n++] = i;
	return n;
}

/* The best exchange between the two queues, if one pays. */
static bool try_pair(struct exchange *exchange, uint32_t x, uint32_t y)
{
	const struct nq_board *board = exchange->draft->board;
	uint32_t left[LISTED], right[LISTED], best[2] = { NQ_NONE, NQ_NONE };
	uint32_t n_left = list(exchange, x, left), n_right = list(exchange, y, right);
	uint64_t best_gain = 0;

	for (uint32_t i = 0; i < n_left; i++)
		for (uint32_t j = 0; j < n_right; j++) {
			uint64_t gain = gain_of(board, left[i], right[j]);
			bool tie = gain == best_gain && gain &&
				   (left[i] < best[0] || (left[i] == best[0] && right[j] < best[1]));

			if ((gain <= best_gain && !tie) || !may_swap(board, left[i], right[j]) ||
			    gain < nq_sat_add(needs(board, left[i]), needs(board, right[j])))
				continue;
			best_gain = gain;
			best[0] = left[i];
			best[1] = right[j];
		}
	if (best_gain == 0)
		return false;
	swap(exchange, best[0], best[1], best_gain);
	return true;
}

static void exchange_all(struct exchange *exchange)
{
	uint64_t least =
		2 * nq_guard_needs(exchange->draft->board->policy, 0, exchange->draft->board->policy->steer_once_ns,
				   exchange->draft->board->policy->horizon_ms);

	find_hot(exchange);
	for (uint32_t i = 0; i < exchange->n_hot && i < HOT; i++)
		for (uint32_t j = i + 1; j < exchange->n_hot; j++)
			for (int again = 0;
			     again < 4 && promises(exchange, exchange->hot[i].queue, exchange->hot[j].queue, least) &&
			     try_pair(exchange, exchange->hot[i].queue, exchange->hot[j].queue);
			     again++)
				;
}

int nq_exchange(struct nq_draft *draft, struct nq_market *market, const uint32_t *order, uint32_t n)
{
	const struct nq_board *board = draft->board;
	struct exchange exchange = {
		.draft = draft,
		.market = market,
		.eligible = calloc((size_t)board->n_units + 1, sizeof(*exchange.eligible)),
		.excess = calloc((size_t)board->n_queues + 1, sizeof(*exchange.excess)),
		.hot = calloc((size_t)board->n_queues + 1, sizeof(*exchange.hot)),
	};
	bool ready = exchange.eligible && exchange.excess && exchange.hot;

	for (uint32_t i = 0; ready && i < n; i++)
		exchange.eligible[order[i]] = true;
	if (ready)
		exchange_all(&exchange);
	free(exchange.eligible);
	free(exchange.excess);
	free(exchange.hot);
	return ready ? 0 : -ENOMEM;
}
