/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rebalance by load (FEATURES H2 as in 002_a1e87099c2bc83d0.txt, "Dynamic Load Balancing and Page Migration"; policies
 * esx-home and esx-wide).
 *
 * Rule. Every tick one vm goes from the most to the least loaded node, if they are `imbalance` apart and the move
 * brings them closer. A node's load is what its vms are owed: "takes into account the resource settings". Of the vms
 * that have memory on the destination, when there are any, else of all, the one that leaves the two nodes closest; then
 * the one with more shares; then by name.
 *
 * As written, weaknesses included: what the memory that follows costs, what remote memory costs meanwhile, and where a
 * NIC is, nobody asks. It may cost something, so it holds still while a plan is held to its cost.
 */
#include "core/balance.h"
#include "core/cost.h"

struct choice {
	uint32_t vm;
	bool has_memory;
	uint64_t apart, shares;
};

static bool is_better(const struct choice *a, const struct choice *b)
{
	if (b->vm == NQ_NONE)
		return true;
	if (a->has_memory != b->has_memory)
		return a->has_memory;
	if (a->apart != b->apart)
		return a->apart < b->apart;
	return a->shares > b->shares;
}

static struct choice choose(struct nq_balance *balance, uint32_t from, uint32_t to)
{
	const struct nq_board *board = balance->homes.board;
	struct choice best = { .vm = NQ_NONE };

	for (uint32_t i = balance->start[from]; i < balance->start[from + 1]; i++) {
		uint32_t vm = balance->members[i];
		int64_t owed = (int64_t)nq_homes_owed(&board->host->vms[vm]);
		struct choice choice = {
			.vm = vm,
			.has_memory = nq_board_mem_of(board, vm)[to],
			.apart = nq_balance_apart(balance, from, to, owed),
			.shares = board->host->vms[vm].shares,
		};
		bool fits;

		if (!nq_balance_evens(balance, from, to, owed) || !is_better(&choice, &best) ||
		    !nq_balance_may_move(balance, vm, from))
			continue;
		nq_homes_lift(&balance->homes, vm);
		fits = nq_balance_fits(balance, vm, to);
		nq_homes_put(&balance->homes, vm);
		if (fits)
			best = choice;
	}
	return best;
}

static void move(struct nq_balance *balance, uint32_t from, uint32_t to, const struct choice *choice)
{
	const struct nq_host *host = balance->homes.board->host;
	struct nq_proposal proposal;
	struct nq_home now, then;

	nq_homes_lift(&balance->homes, choice->vm);
	now = nq_balance_now(balance, choice->vm);
	then = nq_balance_at(balance, choice->vm, to, true);
	nq_homes_put(&balance->homes, choice->vm);
	proposal = (struct nq_proposal){ .before_ns = nq_home_cost(&now),
					 .after_ns = nq_home_cost(&then),
					 .once_ns = nq_homes_once(&balance->homes, then.bytes) };
	nq_balance_move(balance, choice->vm, to,
			(struct nq_reason){ NQ_RULE_HOME_REBALANCE,
					    { host->nodes[from].id, nq_balance_load(balance, from),
					      nq_balance_load(balance, to), host->nodes[to].id, choice->apart } },
			NQ_BALANCE_NO_OTHER, &proposal);
}

int nq_rebalance_by_load(struct nq_draft *draft)
{
	struct nq_balance balance;
	uint32_t most, least;
	struct choice choice;
	int result;

	if (draft->by_cost_only)
		return 0;
	result = nq_balance_open(&balance, draft);
	if (result < 0)
		return result;
	if (nq_balance_extremes(&balance, &most, &least)) {
		choice = choose(&balance, most, least);
		if (choice.vm != NQ_NONE)
			move(&balance, most, least, &choice);
	}
	nq_balance_close(&balance);
	return 0;
}
