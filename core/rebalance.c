/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rebalance: a vm moves to another node when that pays (FEATURES H2, H5, V8; 002_a1e87099c2bc83d0.txt, "Dynamic Load
 * Balancing and Page Migration").
 *
 * When. Two nodes are at least `imbalance` apart (100 per mille of their CPUs: ESXi acts from 10 %), and the move
 * leaves at most imbalance_after of that the other way round (half, as ESXi asks; without it a move would be followed
 * by its reverse). What is left in the same direction is no harm: a node with a hundred small vms is relieved one by
 * one. Between nodes that are even nothing moves, and nothing is looked at: a tick costs as much as the nodes.
 *
 * Which. From the most loaded node on: the vm and node for which the host gains most within home_horizon_ms, after the
 * memory that has to follow is paid for. The gain is the board's, to the nanosecond: waiting on both nodes, ways of its
 * packets as its queues are now, remote memory. Memory on the destination needs no copying, so a vm that has some there
 * is preferred (002) by as much as that is worth. It must also pay by the best ways that assigning could find on both
 * nodes: a queue that is not yet where its vm is comes to the vm, and not the vm to the queue. When no vm fits or every
 * one overshoots, two vms change places (core/home_swap.c).
 *
 * Shares. While a node is contended, that is owed more than node_full, its CPU time is divided by shares. There a gain
 * counts as often as the vm's shares go into the mean of that node's vms: with equal gains the larger claim gets the
 * quieter node. Whether a move pays is not for shares to say, nor do they count where nobody has to give way.
 * Reservations and limits count as room (core/homes.h).
 *
 * Never because of the NIC alone (H5). Without imbalance nothing moves, however remote its packets are; with it, a way
 * to the NIC weighs what it costs, which is less than the memory of any vm that has memory to speak of: memcached lost
 * 30 % of its CPU on split memory and 7 % of a packet's cost on a remote NIC (004_efdb78f6fe803f20.txt). ESXi 8.0.3,
 * which let locality move vCPUs, moved them every 5 s and was switched off.
 *
 * Memory that cannot move: its vm stays, or goes to it (core/home_memory.c).
 *
 * Lost: all vms against all nodes, which is what a tick cannot afford on a large host.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/balance.h"
#include "core/cost.h"

struct move {
	uint32_t vm, node;
	uint64_t worth; /* ns within the horizon, after what it costs once, weighed by shares */
	struct nq_proposal proposal;
	struct nq_rejected rejected; /* the second best node */
};

struct rank {
	uint64_t worth;
	uint32_t vm;
};

/* A vm that may go, while its destinations are tried. */
struct candidate {
	uint32_t vm, from;
	struct nq_home now, best; /* where it is, as the queues are and by the best ways */
	uint64_t shares, mean;	  /* its own, and of its node; both 1 where they do not count */
};

static uint64_t weigh(const struct candidate *candidate, uint64_t worth)
{
	return nq_mul_div(worth, candidate->shares, candidate->mean);
}

/* Mean shares of the node's vms when it is contended, else 0. */
static uint64_t mean_shares(const struct nq_balance *balance, uint32_t node)
{
	const struct nq_board *board = balance->homes.board;
	uint32_t first = balance->start[node], n = balance->start[node + 1] - first;
	uint64_t sum = 0;

	if (balance->homes.owed[node] <= board->policy->node_full * board->nodes[node].cpus)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		sum += board->host->vms[balance->members[first + i]].shares;
	return n ? (sum + n - 1) / n : 0;
}

static uint64_t waiting_added(const struct nq_homes *homes, uint32_t vm, uint32_t node)
{
	uint64_t busy = homes->busy[node];

	return nq_board_node_waiting(homes->board, node, busy + homes->board->host->vms[vm].busy) -
	       nq_board_node_waiting(homes->board, node, busy);
}

/* What moving to the node is worth when that is more than `least`, else 0. The vm is lifted. */
static uint64_t worth_of(struct nq_balance *balance, const struct candidate *candidate, uint32_t node, uint64_t least,
			 struct nq_proposal *ret)
{
	const struct nq_homes *homes = &balance->homes;
	uint64_t at_most = nq_sat_sub(nq_home_cost(&candidate->now), waiting_added(homes, candidate->vm, node));
	struct nq_balance_offer offer;
	uint64_t worth;

	at_most = nq_cost_within(at_most, homes->board->policy->home_horizon_ms);
	if (weigh(candidate, nq_sat_add(at_most, 1)) < least || !nq_balance_fits(balance, candidate->vm, node))
		return 0;
	offer = nq_balance_offer(balance, candidate->vm, node, &candidate->now, &candidate->best);
	worth = nq_balance_worth(balance, &offer);
	if (worth)
		worth = nq_sat_add(weigh(candidate, worth), 1);
	if (worth <= least)
		return 0;
	*ret = offer.board;
	return worth;
}

static void lift(struct nq_balance *balance, struct candidate *candidate)
{
	nq_homes_lift(&balance->homes, candidate->vm);
	candidate->now = nq_balance_now(balance, candidate->vm);
	candidate->best = nq_balance_at(balance, candidate->vm, candidate->from, false);
}

/* All nodes that are far enough below its own; the best, and the second best as what was rejected. */
static void search_nodes(struct nq_balance *balance, struct candidate *candidate, struct move *best)
{
	const struct nq_board *board = balance->homes.board;
	uint32_t vm = candidate->vm, from = candidate->from;
	uint64_t load = nq_balance_load(balance, from);
	struct move next = *best;
	bool lifted = false;

	for (uint32_t node = 0; node < board->n_nodes; node++) {
		struct nq_proposal proposal;
		uint64_t worth;

		if (board->nodes[node].cpus == 0 || nq_balance_load(balance, node) + board->policy->imbalance > load ||
		    node == from || !nq_balance_evens(balance, from, node, board->host->vms[vm].busy))
			continue;
		if (!lifted) {
			lift(balance, candidate);
			lifted = true;
		}
		worth = worth_of(balance, candidate, node, next.worth, &proposal);
		if (worth == 0)
			continue;
		next = (struct move){ vm, node, worth, proposal, NQ_BALANCE_NO_OTHER };
		if (worth > best->worth) {
			struct move former = *best;

			*best = next;
			next = former;
		}
	}
	if (next.worth)
		best->rejected = (struct nq_rejected){ next.node, next.proposal.after_ns };
	if (lifted)
		nq_homes_put(&balance->homes, vm);
}

/* The best that the vm can do; worth 0: nothing. */
static struct move search(struct nq_balance *balance, uint32_t from, uint32_t vm, uint64_t mean)
{
	struct candidate candidate = { .vm = vm, .from = from, .shares = 1, .mean = 1 };
	struct move best = { .vm = NQ_NONE, .rejected = NQ_BALANCE_NO_OTHER };

	if (!nq_balance_may_move(balance, vm, from))
		return best;
	if (mean) {
		candidate.shares = balance->homes.board->host->vms[vm].shares;
		candidate.mean = mean;
	}
	search_nodes(balance, &candidate, &best);
	return best;
}

static int by_worth(const void *left, const void *right)
{
	const struct rank *a = left, *b = right;

	if (a->worth != b->worth)
		return a->worth < b->worth ? 1 : -1;
	return (a->vm > b->vm) - (a->vm < b->vm);
}

/* The vms of the node to which a move is worth something, best first; returns how many. */
static uint32_t rank(struct nq_balance *balance, uint32_t from, struct rank *ret)
{
	uint64_t mean = mean_shares(balance, from);
	uint32_t n = 0;

	for (uint32_t i = balance->start[from]; i < balance->start[from + 1]; i++) {
		struct move move = search(balance, from, balance->members[i], mean);

		if (move.worth)
			ret[n++] = (struct rank){ move.worth, move.vm };
	}
	qsort(ret, n, sizeof(*ret), by_worth);
	return n;
}

static struct nq_reason reason_for(const struct nq_balance *balance, uint32_t from, const struct move *move)
{
	const struct nq_host *host = balance->homes.board->host;

	return (struct nq_reason){ NQ_RULE_HOME_REBALANCE,
				   { host->nodes[from].id, nq_balance_load(balance, from),
				     nq_balance_load(balance, move->node), host->nodes[move->node].id,
				     nq_balance_apart(balance, from, move->node, host->vms[move->vm].busy) } };
}

/*
 * From the best on, each looked at again on the board that those before it left: so a node is relieved in a few passes
 * over its vms and not in one for each move.
 */
static uint32_t move_ranked(struct nq_balance *balance, uint32_t from, const struct rank *ranks, uint32_t n)
{
	uint32_t moved = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct move move = search(balance, from, ranks[i].vm, mean_shares(balance, from));

		if (move.worth == 0)
			continue;
		nq_balance_move(balance, move.vm, move.node, reason_for(balance, from, &move), move.rejected,
				&move.proposal);
		moved++;
	}
	return moved;
}

/* Until nothing that pays leaves the node. */
static void relieve(struct nq_balance *balance, uint32_t from, struct rank *ranks)
{
	uint32_t most, least;

	while (nq_balance_extremes(balance, &most, &least)) {
		uint32_t n = rank(balance, from, ranks);

		if (move_ranked(balance, from, ranks, n))
			continue;
		if (from == least || !nq_balance_exchange(balance, from, least))
			break;
	}
}

/* The most loaded node that is far enough above the least loaded one and was not relieved yet. */
static uint32_t next_to_relieve(const struct nq_balance *balance, const bool *done, uint32_t least)
{
	const struct nq_board *board = balance->homes.board;
	uint64_t floor = nq_balance_load(balance, least) + board->policy->imbalance;
	uint32_t most = NQ_NONE;

	for (uint32_t i = 0; i < board->n_nodes; i++)
		if (!done[i] && board->nodes[i].cpus && nq_balance_load(balance, i) >= floor &&
		    (most == NQ_NONE || nq_balance_load(balance, i) > nq_balance_load(balance, most)))
			most = i;
	return most;
}

static int relieve_all(struct nq_balance *balance)
{
	const struct nq_board *board = balance->homes.board;
	uint32_t most, least;
	struct rank *ranks = calloc((size_t)balance->start[board->n_nodes] + 1, sizeof(*ranks));
	bool *done = calloc(board->n_nodes, sizeof(*done));
	bool ready = ranks && done;

	while (ready && nq_balance_extremes(balance, &most, &least)) {
		most = next_to_relieve(balance, done, least);
		if (most == NQ_NONE)
			break;
		relieve(balance, most, ranks);
		done[most] = true;
	}
	free(ranks);
	free(done);
	return ready ? 0 : -ENOMEM;
}

/* What nq_balance_extremes() would say, without looking at a single vm. */
static bool is_uneven(const struct nq_board *board)
{
	uint64_t most = 0, least = UINT64_MAX;

	for (uint32_t i = 0; i < board->n_nodes; i++) {
		uint64_t load = board->nodes[i].background + board->nodes[i].vms;

		if (board->nodes[i].cpus == 0)
			continue;
		load /= board->nodes[i].cpus;
		most = load > most ? load : most;
		least = load < least ? load : least;
	}
	return most > least && most - least >= board->policy->imbalance;
}

static int rebalance(struct nq_draft *draft)
{
	struct nq_balance balance;
	int result = nq_balance_open(&balance, draft);

	if (result < 0)
		return result;
	nq_balance_to_memory(&balance);
	result = relieve_all(&balance);
	nq_balance_close(&balance);
	return result;
}

int nq_stage_rebalance(struct nq_draft *draft)
{
	const struct nq_board *board = draft->board;

	nq_board_refresh(draft->board);
	if (board->policy->rebalance == NQ_REBALANCE_LOAD)
		return nq_rebalance_by_load(draft);
	return is_uneven(board) || nq_balance_wants_memory(board) ? rebalance(draft) : 0;
}
