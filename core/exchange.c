/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exchange: two units change places when that pays though neither can move alone (FEATURES N2).
 *
 * Single moves stop where every queue that would be better is full, or where the only units that could be moved are too
 * large: a pair of 30 and 25 % on one queue and of 20 and 5 % on another stays until 25 and 5 change places. So when a
 * pass of single moves finds nothing, pairs of units of the same pnic and pool are tried, between the queues whose CPUs
 * are fullest and all others.
 *
 * Bounds. With many queues only the HOT fullest are the first of a pair, with at most PARTNERS others, the emptiest
 * first; of a queue the LISTED largest units are looked at. A pair of queues is skipped unless evening out their CPUs
 * and shortening all ways to the shortest could save what the guard asks, and least_gain of what waits on both; in a
 * balanced, local host that is every pair, which is what a tick costs.
 *
 * Both units pass the guard: the exchange must save what both need.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/assign.h"
#include "core/cost.h"
#include "core/quota.h"

#define FEW 48u /* queues in use up to which all pairs are tried */
#define HOT 16u
#define PARTNERS 16u
#define LISTED 64u
#define AGAIN 4 /* exchanges between one pair of queues at once */

struct hot {
	uint64_t ppm;	  /* of its CPU */
	uint64_t waiting; /* there, ns/s */
	uint32_t queue;
};

/* A unit that may be exchanged. */
struct side {
	uint32_t unit;
	uint64_t size; /* packets/s */
	int64_t ways;  /* what its way costs more where it is than on the other side, ns/s */
};

struct exchange {
	struct nq_draft *draft;
	struct nq_market *market;
	const bool *eligible; /* [n_units] */
	bool *any;	      /* [n_queues]: has such units */
	uint64_t *excess;     /* [n_queues]: what the ways of its units cost above their shortest, ns/s */
	uint64_t least;	      /* ns/s that any exchange must save */
	struct side *all;     /* [n_units] scratch of list() */
	struct hot *hot;      /* [n_queues] queues in use with units, fullest first */
	uint32_t n_hot;
};

static uint64_t way(const struct nq_board *board, const struct nq_unit *unit, uint32_t node)
{
	return nq_cost_of(nq_unit_demand(unit),
			  (uint64_t)nq_board_arrive(board, unit->pnic, board->pnics[unit->pnic].soft, node) +
				  board->vms[unit->vm].deliver[node]);
}

/* A unit that was found on a queue of another pool is not the one to bring there. */
static bool may_exchange(const struct nq_board *board, uint32_t index, uint32_t queue)
{
	const struct nq_unit *unit = &board->units[index];

	return unit->rx_queue == queue && !unit->exclusive && unit->pool == board->queues[queue].pool &&
	       (!unit->paired || unit->tx_queue == queue);
}

static int by_fullness(const void *left, const void *right)
{
	const struct hot *a = left, *b = right;

	if (a->ppm != b->ppm)
		return a->ppm < b->ppm ? 1 : -1;
	return (a->queue > b->queue) - (a->queue < b->queue);
}

static uint64_t needs(const struct nq_board *board, uint32_t unit)
{
	return nq_guard_needs(board->policy, nq_board_unit_path(board, unit), board->policy->steer_once_ns,
			      board->policy->horizon_ms);
}

/* What the unit's way costs above its shortest, ns/s. */
static uint64_t excess_of(const struct nq_board *board, uint32_t unit)
{
	const struct nq_unit *self = &board->units[unit];
	uint32_t node = nq_board_queue_node(board, self->rx_queue), least = nq_board_shortest(board, unit);
	uint64_t now = (uint64_t)nq_board_arrive(board, self->pnic, board->pnics[self->pnic].soft, node) +
		       board->vms[self->vm].deliver[node];

	return now > least ? nq_cost_of(nq_unit_demand(self), now - least) : 0;
}

static void weigh(const struct nq_board *board, struct hot *hot)
{
	uint32_t cpu = board->queues[hot->queue].cpu;

	hot->ppm = nq_board_ppm(board, cpu, board->cpus[cpu].load);
	hot->waiting = nq_cost_waiting(hot->ppm) * board->policy->queue_wait;
}

/* Over the units in order, which is the order in memory. */
static void find_hot(struct exchange *exchange)
{
	const struct nq_board *board = exchange->draft->board;

	for (uint32_t i = 0; i < board->n_units; i++) {
		uint32_t queue = board->units[i].rx_queue;

		if (!exchange->eligible[i] || queue == NQ_NONE || !may_exchange(board, i, queue) ||
		    !nq_market_reaches(board, queue) || !nq_market_is_online(board, queue))
			continue;
		if (!exchange->any[queue])
			exchange->hot[exchange->n_hot++] = (struct hot){ 0, 0, queue };
		exchange->any[queue] = true;
		exchange->excess[queue] = nq_sat_add(exchange->excess[queue], excess_of(board, i));
	}
	for (uint32_t i = 0; i < exchange->n_hot; i++)
		weigh(board, &exchange->hot[i]);
	qsort(exchange->hot, exchange->n_hot, sizeof(*exchange->hot), by_fullness);
}

/* What evening out the two CPUs would save, ns/s: no exchange saves more of waiting. */
static uint64_t evening(const struct nq_board *board, const struct hot *x, const struct hot *y)
{
	uint64_t even = 2 * nq_cost_waiting((x->ppm + y->ppm) / 2) * board->policy->queue_wait;

	return nq_sat_sub(x->waiting + y->waiting, even);
}

/* Could any exchange between the two queues save what it must, least_gain of what waits there included? */
static bool promises(const struct exchange *exchange, const struct hot *x, const struct hot *y)
{
	const struct nq_board *board = exchange->draft->board;
	const struct nq_board_queue *one = &board->queues[x->queue], *other = &board->queues[y->queue];
	uint64_t ways = 0, waiting = nq_sat_add(x->waiting, y->waiting);
	uint64_t least = nq_mul_div(waiting, board->policy->least_gain, 1000);

	if (one->pnic != other->pnic || one->pool != other->pool || one->cpu == other->cpu)
		return false;
	if (board->cpus[one->cpu].node != board->cpus[other->cpu].node)
		ways = nq_sat_add(exchange->excess[x->queue], exchange->excess[y->queue]);
	return nq_sat_add(evening(board, x, y), ways) >= (least > exchange->least ? least : exchange->least);
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

static bool may_swap(const struct nq_board *board, uint32_t a, uint32_t b)
{
	const struct nq_unit *one = &board->units[a], *other = &board->units[b];
	uint64_t size_a = nq_unit_demand(one), size_b = nq_unit_demand(other);

	return nq_queue_suits(board, other->rx_queue, one->pool) && nq_queue_suits(board, one->rx_queue, one->pool) &&
	       fits(board, board->queues[one->rx_queue].cpu, size_a, size_b) &&
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

static int by_size(const void *left, const void *right)
{
	const struct side *a = left, *b = right;

	if (a->size != b->size)
		return a->size < b->size ? 1 : -1;
	return (a->unit > b->unit) - (a->unit < b->unit);
}

/* The eligible units of a queue, the largest when there are many; how many. */
static uint32_t list(struct exchange *exchange, uint32_t queue, struct side ret[LISTED])
{
	const struct nq_board *board = exchange->draft->board;
	struct side *all = exchange->all;
	uint32_t n = 0;

	for (uint32_t i = board->queues[queue].first_unit; i != NQ_NONE; i = board->units[i].next)
		if (exchange->eligible[i] && may_exchange(board, i, queue))
			all[n++] = (struct side){ i, nq_unit_demand(&board->units[i]), 0 };
	if (n > LISTED) {
		qsort(all, n, sizeof(*all), by_size);
		n = LISTED;
	}
	memcpy(ret, all, n * sizeof(*all));
	return n;
}

/* What each would gain by a way to the other node. */
static void find_ways(const struct nq_board *board, struct side *sides, uint32_t n, uint32_t here, uint32_t there)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct nq_unit *unit = &board->units[sides[i].unit];

		sides[i].ways = here == there ? 0 : (int64_t)way(board, unit, here) - (int64_t)way(board, unit, there);
	}
}

/* Change of the two CPUs' waiting, less than 0: it falls. */
static int64_t waiting_change(const struct nq_board *board, const struct hot *x, const struct hot *y, uint64_t size_a,
			      uint64_t size_b)
{
	uint32_t cpu_x = board->queues[x->queue].cpu, cpu_y = board->queues[y->queue].cpu;
	uint64_t after = nq_board_cpu_waiting(board, cpu_x, board->cpus[cpu_x].load - size_a + size_b) +
			 nq_board_cpu_waiting(board, cpu_y, board->cpus[cpu_y].load - size_b + size_a);

	return (int64_t)after - (int64_t)(x->waiting + y->waiting);
}

struct pair {
	uint32_t a, b; /* NQ_NONE: none */
	int64_t gain;
};

/* Takes the pair for the best one if it is better and pays. `most`: what waiting can fall by at most. */
static void weigh_pair(const struct exchange *exchange, const struct hot *x, const struct hot *y, const struct side *a,
		       const struct side *b, int64_t most, struct pair *best)
{
	const struct nq_board *board = exchange->draft->board;
	int64_t ways = a->ways + b->ways, gain;

	if (ways + most < (int64_t)exchange->least || ways + most < best->gain)
		return;
	gain = ways - waiting_change(board, x, y, a->size, b->size);
	if (gain < (int64_t)exchange->least || gain < best->gain || !may_swap(board, a->unit, b->unit) ||
	    gain < (int64_t)nq_sat_add(needs(board, a->unit), needs(board, b->unit)))
		return;
	if (gain == best->gain && (best->a < a->unit || (best->a == a->unit && best->b < b->unit)))
		return;
	*best = (struct pair){ a->unit, b->unit, gain };
}

/* The best exchange between the two queues, if one pays. */
static bool try_pair(struct exchange *exchange, struct hot *x, struct hot *y)
{
	const struct nq_board *board = exchange->draft->board;
	struct side left[LISTED], right[LISTED];
	uint32_t n_left = list(exchange, x->queue, left), n_right = list(exchange, y->queue, right);
	uint32_t node_x = nq_board_queue_node(board, x->queue), node_y = nq_board_queue_node(board, y->queue);
	struct pair best = { NQ_NONE, NQ_NONE, 0 };
	int64_t most = (int64_t)evening(board, x, y);

	find_ways(board, left, n_left, node_x, node_y);
	find_ways(board, right, n_right, node_y, node_x);
	for (uint32_t i = 0; i < n_left; i++)
		for (uint32_t j = 0; j < n_right; j++)
			weigh_pair(exchange, x, y, &left[i], &right[j], most, &best);
	if (best.a == NQ_NONE)
		return false;
	swap(exchange, best.a, best.b, (uint64_t)best.gain);
	weigh(board, x);
	weigh(board, y);
	return true;
}

/* Exchanges between x and those that are emptier, the emptiest first. */
static void exchange_with(struct exchange *exchange, uint32_t x, uint32_t most)
{
	for (uint32_t y = exchange->n_hot - 1; y > x && most > 0; y--) {
		if (!promises(exchange, &exchange->hot[x], &exchange->hot[y]))
			continue;
		most--;
		for (int again = 0; again < AGAIN && try_pair(exchange, &exchange->hot[x], &exchange->hot[y]); again++)
			if (!promises(exchange, &exchange->hot[x], &exchange->hot[y]))
				break;
	}
}

static void exchange_all(struct exchange *exchange)
{
	const struct nq_policy *policy = exchange->draft->board->policy;
	uint32_t hot, partners;

	exchange->least = 2 * nq_guard_needs(policy, 0, policy->steer_once_ns, policy->horizon_ms);
	find_hot(exchange);
	hot = exchange->n_hot <= FEW ? exchange->n_hot : HOT;
	partners = exchange->n_hot <= FEW ? exchange->n_hot : PARTNERS;
	for (uint32_t x = 0; x < hot; x++)
		exchange_with(exchange, x, partners);
}

int nq_exchange(struct nq_draft *draft, struct nq_market *market, const bool *eligible)
{
	const struct nq_board *board = draft->board;
	struct exchange exchange = {
		.draft = draft,
		.market = market,
		.eligible = eligible,
		.all = calloc((size_t)board->n_units + 1, sizeof(*exchange.all)),
		.any = calloc((size_t)board->n_queues + 1, sizeof(*exchange.any)),
		.excess = calloc((size_t)board->n_queues + 1, sizeof(*exchange.excess)),
		.hot = calloc((size_t)board->n_queues + 1, sizeof(*exchange.hot)),
	};
	bool ready = exchange.all && exchange.any && exchange.excess && exchange.hot;

	if (ready)
		exchange_all(&exchange);
	free(exchange.all);
	free(exchange.any);
	free(exchange.excess);
	free(exchange.hot);
	return ready ? 0 : -ENOMEM;
}
