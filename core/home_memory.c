/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A vm goes to its memory, where that cannot come to it (FEATURES H3, H5).
 *
 * Rule. Memory that cannot move lies mostly on another node: its vm goes there, balance or not, when that pays and
 * there is room. It can go nowhere else (core/homes.h), so there is no way back.
 *
 * Lost: bringing a vm to memory that can move. While pages are on their way (core/migrate.c) that rule would send the
 * vm back after them.
 */
#include "core/balance.h"
#include "core/cost.h"

/* The node, other than its own, that has most of its memory; NQ_NONE: its own has. */
static uint32_t memory_node(const struct nq_board *board, uint32_t vm)
{
	const uint64_t *mem = nq_board_mem_of(board, vm);
	uint32_t own = board->vms[vm].node, best = own;

	for (uint32_t i = 0; i < board->n_nodes; i++)
		if (mem[i] > mem[best])
			best = i;
	return best == own || board->nodes[best].cpus == 0 ? NQ_NONE : best;
}

static bool wants_memory(const struct nq_board *board, uint32_t vm)
{
	const struct nq_vm *self = &board->host->vms[vm];

	return self->mem_fixed && self->busy && !self->pinned && self->kind != NQ_VM_HOST &&
	       board->vms[vm].node != NQ_NONE && nq_board_placed(board, vm) && memory_node(board, vm) != NQ_NONE;
}

bool nq_balance_wants_memory(const struct nq_board *board)
{
	for (uint32_t vm = 0; vm < board->n_vms; vm++)
		if (wants_memory(board, vm))
			return true;
	return false;
}

/* Fills the offer when the lifted vm fits on the node and it pays. */
static bool pays(struct nq_balance *balance, uint32_t vm, uint32_t node, struct nq_balance_offer *ret)
{
	struct nq_home now, best;

	if (!nq_balance_fits(balance, vm, node))
		return false;
	now = nq_balance_now(balance, vm);
	best = nq_balance_at(balance, vm, balance->homes.board->vms[vm].node, false);
	*ret = nq_balance_offer(balance, vm, node, &now, &best);
	return nq_balance_worth(balance, ret);
}

static struct nq_reason reason_for(const struct nq_balance *balance, uint32_t vm, uint32_t node)
{
	const struct nq_board *board = balance->homes.board;
	uint64_t owed = nq_homes_owed_with(&balance->homes, vm, node, board->host->vms[vm].cpus);

	return (struct nq_reason){ NQ_RULE_HOME_BEST_FIT,
				   { board->host->nodes[node].id, owed / board->nodes[node].cpus,
				     board->policy->node_full, nq_board_mem_free(board, node),
				     board->host->nodes[node].mem_total } };
}

void nq_balance_to_memory(struct nq_balance *balance)
{
	const struct nq_board *board = balance->homes.board;

	for (uint32_t vm = 0; vm < board->n_vms; vm++) {
		struct nq_balance_offer offer;
		struct nq_reason reason;
		uint32_t node;
		bool goes;

		if (!wants_memory(board, vm) || !nq_balance_may_move(balance, vm, board->vms[vm].node))
			continue;
		node = memory_node(board, vm);
		nq_homes_lift(&balance->homes, vm);
		goes = pays(balance, vm, node, &offer);
		reason = reason_for(balance, vm, node);
		nq_homes_put(&balance->homes, vm);
		if (goes)
			nq_balance_move(balance, vm, node, reason, NQ_BALANCE_NO_OTHER, &offer.board);
	}
}
