/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/balance.h"

#include <errno.h>
#include <stdlib.h>

#include "core/cost.h"

#define PER_MILLE 1000u

static bool is_movable(const struct nq_board *board, uint32_t vm)
{
	const struct nq_vm *self = &board->host->vms[vm];

	return board->vms[vm].node != NQ_NONE && nq_board_placed(board, vm) && !self->pinned &&
	       self->kind != NQ_VM_HOST && nq_homes_owed(self);
}

/* Grouped by node, in order of index. */
static void list_members(struct nq_balance *balance)
{
	const struct nq_board *board = balance->homes.board;
	uint32_t *start = balance->start, n;

	for (uint32_t vm = 0; vm < board->n_vms; vm++)
		if (is_movable(board, vm))
			start[board->vms[vm].node + 1]++;
	for (uint32_t node = 0; node < board->n_nodes; node++)
		start[node + 1] += start[node];
	/* Filled from behind, each node's end becomes its beginning. */
	n = start[board->n_nodes];
	for (uint32_t vm = board->n_vms; vm-- > 0;)
		if (is_movable(board, vm))
			balance->members[--start[board->vms[vm].node + 1]] = vm;
	for (uint32_t node = 0; node < board->n_nodes; node++)
		start[node] = start[node + 1];
	start[board->n_nodes] = n;
}

int nq_balance_open(struct nq_balance *ret, struct nq_draft *draft)
{
	const struct nq_board *board = draft->board;
	struct nq_balance balance = { .draft = draft };
	int result = nq_homes_open(&balance.homes, draft);

	if (result < 0)
		return result;
	balance.load = calloc(board->n_nodes, sizeof(*balance.load));
	balance.start = calloc((size_t)board->n_nodes + 1, sizeof(*balance.start));
	balance.members = calloc((size_t)board->n_vms + 1, sizeof(*balance.members));
	balance.sorted = calloc(board->n_nodes, sizeof(*balance.sorted));
	balance.clients = calloc(board->n_nodes, sizeof(*balance.clients));
	if (!balance.load || !balance.start || !balance.members || !balance.sorted || !balance.clients) {
		nq_balance_close(&balance);
		return -ENOMEM;
	}
	list_members(&balance);
	nq_balance_measure(&balance);
	*ret = balance;
	return 0;
}

void nq_balance_close(struct nq_balance *balance)
{
	free(balance->load);
	free(balance->start);
	free(balance->members);
	free(balance->sorted);
	free(balance->clients);
	nq_homes_close(&balance->homes);
}

void nq_balance_measure(struct nq_balance *balance)
{
	const struct nq_board *board = balance->homes.board;
	bool by_load = board->policy->rebalance == NQ_REBALANCE_LOAD;

	for (uint32_t i = 0; i < board->n_nodes; i++)
		balance->load[i] = by_load ? balance->homes.owed[i] : board->nodes[i].background + board->nodes[i].vms;
}

bool nq_balance_extremes(const struct nq_balance *balance, uint32_t *ret_most, uint32_t *ret_least)
{
	const struct nq_board *board = balance->homes.board;
	uint32_t most = NQ_NONE, least = NQ_NONE;

	for (uint32_t i = 0; i < board->n_nodes; i++) {
		if (board->nodes[i].cpus == 0)
			continue;
		if (most == NQ_NONE || nq_balance_load(balance, i) > nq_balance_load(balance, most))
			most = i;
		if (least == NQ_NONE || nq_balance_load(balance, i) < nq_balance_load(balance, least))
			least = i;
	}
	if (most == least ||
	    nq_balance_load(balance, most) - nq_balance_load(balance, least) < board->policy->imbalance)
		return false;
	*ret_most = most;
	*ret_least = least;
	return true;
}

uint64_t nq_balance_load(const struct nq_balance *balance, uint32_t node)
{
	uint32_t cpus = balance->homes.board->nodes[node].cpus;

	return cpus ? balance->load[node] / cpus : 0;
}

/* Millionths, so that rounding decides nothing. */
static uint64_t ppm_with(const struct nq_balance *balance, uint32_t node, int64_t more)
{
	uint64_t load = balance->load[node] + (uint64_t)more;

	return load * PER_MILLE / balance->homes.board->nodes[node].cpus;
}

uint64_t nq_balance_apart(const struct nq_balance *balance, uint32_t from, uint32_t to, int64_t moved)
{
	uint64_t a = ppm_with(balance, from, -moved), b = ppm_with(balance, to, moved);

	return (a > b ? a - b : b - a) / PER_MILLE;
}

bool nq_balance_evens(const struct nq_balance *balance, uint32_t from, uint32_t to, int64_t moved)
{
	const struct nq_policy *policy = balance->homes.board->policy;
	uint64_t before = nq_sat_sub(ppm_with(balance, from, 0), ppm_with(balance, to, 0));
	uint64_t a = ppm_with(balance, from, -moved), b = ppm_with(balance, to, moved);

	if (moved <= 0 || before == 0)
		return false;
	if (a >= b)
		return true;
	return policy->guard == NQ_OFF ? b - a < before : (b - a) * PER_MILLE <= before * policy->imbalance_after;
}

bool nq_balance_may_move(const struct nq_balance *balance, uint32_t vm, uint32_t node)
{
	struct nq_reason ignored;

	return balance->homes.board->vms[vm].node == node &&
	       !nq_guard_holds(balance->draft, NQ_ACTION_HOME, vm, &ignored);
}

bool nq_balance_fits(const struct nq_balance *balance, uint32_t vm, uint32_t node)
{
	const struct nq_homes *homes = &balance->homes;
	const struct nq_vm *self = &homes->board->host->vms[vm];
	uint64_t bytes = self->mem_fixed ? 0 : nq_homes_outside(homes, vm, node);
	struct nq_nodeset nodes = { 0 };

	nq_nodeset_add(&nodes, node);
	return nq_homes_has_room(homes, vm, node, self->cpus, bytes) && nq_homes_keep_memory(homes, vm, &nodes);
}

struct nq_home nq_balance_now(struct nq_balance *balance, uint32_t vm)
{
	struct nq_home home = { .clients = balance->homes.clients };

	nq_homes_price_now(&balance->homes, vm, &home);
	return home;
}

struct nq_home nq_balance_at(struct nq_balance *balance, uint32_t vm, uint32_t node, bool as_queues_are)
{
	struct nq_home home = { .clients = balance->clients };

	nq_nodeset_add(&home.nodes, node);
	home.clients[node] = balance->homes.board->host->vms[vm].cpus;
	nq_homes_price(&balance->homes, vm, as_queues_are, &home);
	home.clients[node] = 0;
	return home;
}

static struct nq_proposal proposal_of(const struct nq_homes *homes, const struct nq_home *now,
				      const struct nq_home *then)
{
	return (struct nq_proposal){
		.before_ns = nq_home_cost(now),
		.after_ns = nq_home_cost(then),
		.remote_ns = nq_sat_add(now->ways_ns, now->memory_ns),
		.once_ns = nq_homes_once(homes, then->bytes),
	};
}

struct nq_balance_offer nq_balance_offer(struct nq_balance *balance, uint32_t vm, uint32_t node,
					 const struct nq_home *now, const struct nq_home *best_now)
{
	struct nq_home then = nq_balance_at(balance, vm, node, true), best = nq_balance_at(balance, vm, node, false);

	return (struct nq_balance_offer){ proposal_of(&balance->homes, now, &then),
					  proposal_of(&balance->homes, best_now, &best) };
}

uint64_t nq_balance_worth(const struct nq_balance *balance, const struct nq_balance_offer *offer)
{
	uint64_t horizon_ms = balance->homes.board->policy->home_horizon_ms, gain, best;
	struct nq_reason ignored;

	if (!nq_guard_pays(balance->draft, &offer->board, horizon_ms, &ignored) ||
	    !nq_guard_pays(balance->draft, &offer->best, horizon_ms, &ignored))
		return 0;
	gain = offer->board.before_ns - offer->board.after_ns;
	best = offer->best.before_ns - offer->best.after_ns;
	if ((gain < best ? gain : best) < balance->homes.board->policy->home_least_gain_ns)
		return 0;
	return nq_sat_sub(nq_cost_within(gain < best ? gain : best, horizon_ms), offer->board.once_ns) + 1;
}

void nq_balance_move(struct nq_balance *balance, uint32_t vm, uint32_t node, struct nq_reason reason,
		     struct nq_rejected rejected, const struct nq_proposal *proposal)
{
	struct nq_nodeset home = { 0 };

	nq_nodeset_add(&home, node);
	nq_board_note(balance->homes.board, NQ_NOTE_VM, vm, reason, rejected, proposal);
	nq_homes_lift(&balance->homes, vm);
	nq_board_home(balance->homes.board, vm, &home, NULL);
	nq_homes_put(&balance->homes, vm);
	balance->draft->moves++;
	nq_balance_measure(balance);
}
