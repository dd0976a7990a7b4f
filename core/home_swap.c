/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two vms change places (FEATURES H2, swap moves; ESXi's NUMA scheduler considers them too).
 *
 * When. A single move from one node to the least loaded one does not fit, or overshoots: one vm of 80 % and one of 30 %
 * on the one node and one of 20 % on the other even out by nothing but an exchange.
 *
 * Which. For each vm of the loaded node those two on either side whose use leaves both nodes even; of all these pairs
 * the one that gains most within home_horizon_ms. An exchange is judged as one move: both vms' savings against both
 * vms' copying, and the imbalance after both.
 *
 * Lost: all pairs, which is quadratic; those further from even gain less by the waiting, which is convex.
 */
#include <stdlib.h>

#include "core/balance.h"
#include "core/cost.h"

#define NEIGHBOURS 2u

struct exchange {
	uint32_t vm[2]; /* of `from`, of `to` */
	uint64_t worth;
	struct nq_proposal proposal[2];
};

static uint32_t busy_of(const struct nq_balance *balance, uint32_t vm)
{
	return balance->homes.board->host->vms[vm].busy;
}

/* By what they use, then index: a heap, since qsort() cannot be told where the loads are. */
static bool is_before(const struct nq_balance *balance, uint32_t a, uint32_t b)
{
	uint32_t busy_a = busy_of(balance, a), busy_b = busy_of(balance, b);

	return busy_a != busy_b ? busy_a < busy_b : a < b;
}

static void sift(const struct nq_balance *balance, uint32_t *heap, uint32_t at, uint32_t n)
{
	for (uint32_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
		uint32_t swapped;

		if (child + 1 < n && is_before(balance, heap[child], heap[child + 1]))
			child++;
		if (!is_before(balance, heap[at], heap[child]))
			return;
		swapped = heap[at];
		heap[at] = heap[child];
		heap[child] = swapped;
		at = child;
	}
}

static void sort(struct nq_balance *balance, uint32_t node)
{
	uint32_t *heap = &balance->members[balance->start[node]];
	uint32_t n = balance->start[node + 1] - balance->start[node];

	if (balance->sorted[node])
		return;
	balance->sorted[node] = true;
	for (uint32_t i = n / 2; i-- > 0;)
		sift(balance, heap, i, n);
	while (n > 1) {
		uint32_t last = heap[--n];

		heap[n] = heap[0];
		heap[0] = last;
		sift(balance, heap, 0, n);
	}
}

/* The first member of the node that uses at least so much. */
static uint32_t lower_bound(const struct nq_balance *balance, uint32_t node, uint64_t busy)
{
	uint32_t low = balance->start[node], high = balance->start[node + 1];

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (busy_of(balance, balance->members[middle]) < busy)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* CPU time that should go over to make both nodes even. */
static uint64_t wanted(const struct nq_balance *balance, uint32_t from, uint32_t to)
{
	const struct nq_board_node *nodes = balance->homes.board->nodes;
	uint64_t more = nq_sat_mul(balance->load[from], nodes[to].cpus);

	return nq_sat_sub(more, nq_sat_mul(balance->load[to], nodes[from].cpus)) / (nodes[from].cpus + nodes[to].cpus);
}

/* What both nodes wait less when so much goes over. */
static uint64_t waiting_saved(const struct nq_balance *balance, uint32_t from, uint32_t to, uint64_t moved)
{
	const struct nq_board *board = balance->homes.board;
	uint64_t before = nq_sat_add(nq_board_node_waiting(board, from, balance->load[from]),
				     nq_board_node_waiting(board, to, balance->load[to]));
	uint64_t after = nq_sat_add(nq_board_node_waiting(board, from, balance->load[from] - moved),
				    nq_board_node_waiting(board, to, balance->load[to] + moved));

	return nq_sat_sub(before, after);
}

/* The offer for one of the two lifted vms; false: it does not fit. */
static bool offer_one(struct nq_balance *balance, uint32_t vm, uint32_t from, uint32_t to, struct nq_balance_offer *ret)
{
	struct nq_home now, best;

	nq_homes_look_at(&balance->homes, vm);
	if (!nq_balance_fits(balance, vm, to))
		return false;
	now = nq_balance_now(balance, vm);
	best = nq_balance_at(balance, vm, from, false);
	*ret = nq_balance_offer(balance, vm, to, &now, &best);
	return true;
}

static struct nq_proposal sum(const struct nq_proposal *a, const struct nq_proposal *b)
{
	return (struct nq_proposal){
		.before_ns = nq_sat_add(a->before_ns, b->before_ns),
		.after_ns = nq_sat_add(a->after_ns, b->after_ns),
		.remote_ns = nq_sat_add(a->remote_ns, b->remote_ns),
		.once_ns = nq_sat_add(a->once_ns, b->once_ns),
	};
}

static void evaluate(struct nq_balance *balance, uint32_t from, uint32_t to, uint32_t a, uint32_t b,
		     struct exchange *best)
{
	struct nq_balance_offer offer[2], both;
	uint64_t worth;
	bool fits;

	nq_homes_lift(&balance->homes, a);
	nq_homes_lift(&balance->homes, b);
	fits = offer_one(balance, a, from, to, &offer[0]) && offer_one(balance, b, to, from, &offer[1]);
	nq_homes_put(&balance->homes, b);
	nq_homes_put(&balance->homes, a);
	if (!fits)
		return;
	both.board = sum(&offer[0].board, &offer[1].board);
	both.best = sum(&offer[0].best, &offer[1].best);
	worth = nq_balance_worth(balance, &both);
	if (worth > best->worth)
		*best = (struct exchange){ { a, b }, worth, { offer[0].board, offer[1].board } };
}

/* What a vm pays for distance where it is: no move can save more than that, and the waiting. */
static uint64_t remote_of(struct nq_balance *balance, uint32_t vm)
{
	const struct nq_home now = nq_balance_now(balance, vm);

	return nq_sat_add(now.ways_ns, now.memory_ns);
}

static void search_partners(struct nq_balance *balance, uint32_t from, uint32_t to, uint32_t vm, struct exchange *best)
{
	uint64_t busy = busy_of(balance, vm), goal = wanted(balance, from, to);
	uint64_t horizon_ms = balance->homes.board->policy->home_horizon_ms, remote = remote_of(balance, vm);
	uint32_t middle = lower_bound(balance, to, nq_sat_sub(busy, goal));
	uint32_t first = middle - balance->start[to] > NEIGHBOURS ? middle - NEIGHBOURS : balance->start[to];

	for (uint32_t i = first; i < balance->start[to + 1] && i < middle + NEIGHBOURS; i++) {
		uint32_t other = balance->members[i];
		uint64_t less = busy_of(balance, other), at_most;

		if (less >= busy || !nq_balance_evens(balance, from, to, (int64_t)(busy - less)))
			continue;
		at_most = nq_sat_add(waiting_saved(balance, from, to, busy - less),
				     nq_sat_add(remote, remote_of(balance, other)));
		if (nq_cost_within(at_most, horizon_ms) >= best->worth && nq_balance_may_move(balance, other, to))
			evaluate(balance, from, to, vm, other, best);
	}
}

static struct nq_reason reason_for(const struct nq_balance *balance, uint32_t from, uint32_t to, int64_t moved)
{
	const struct nq_host *host = balance->homes.board->host;

	return (struct nq_reason){ NQ_RULE_HOME_SWAP,
				   { host->nodes[to].id, nq_balance_load(balance, to), nq_balance_load(balance, from),
				     host->nodes[from].id, nq_balance_apart(balance, from, to, moved) } };
}

bool nq_balance_exchange(struct nq_balance *balance, uint32_t from, uint32_t to)
{
	struct exchange best = { .worth = 0 };
	struct nq_reason reason[2];
	int64_t moved;

	sort(balance, from);
	sort(balance, to);
	for (uint32_t i = balance->start[from]; i < balance->start[from + 1]; i++)
		if (nq_balance_may_move(balance, balance->members[i], from))
			search_partners(balance, from, to, balance->members[i], &best);
	if (best.worth == 0)
		return false;
	moved = (int64_t)busy_of(balance, best.vm[0]) - busy_of(balance, best.vm[1]);
	reason[0] = reason_for(balance, from, to, moved);
	reason[1] = reason_for(balance, to, from, -moved);
	nq_balance_move(balance, best.vm[0], to, reason[0], NQ_BALANCE_NO_OTHER, &best.proposal[0]);
	nq_balance_move(balance, best.vm[1], from, reason[1], NQ_BALANCE_NO_OTHER, &best.proposal[1]);
	return true;
}
