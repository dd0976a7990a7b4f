/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pools: which units may be on which queues (FEATURES Q1 to Q6; 000_35c30de055bde3dd.txt sections II and III, process
 * 400 at 410 and 430).
 *
 * A pool is no object of the host. A queue belongs to the pool of the units on it, from its first unit to its last,
 * and is free otherwise; assign (process 400 at 420) takes a unit only to queues of its pool and to free ones. What is
 * left for this stage, in this order:
 *
 *   return      a steered vnic under leave_pps goes back to the default queue (Q3). The way there may be longer, so
 *               the rule holds still when only cost decides. Without measured rates nothing returns.
 *   misfit      a unit whose queue belongs to another pool, because its class changed, or lacks a feature of its
 *               pool, leaves it; assign finds it another one in the same round.
 *   missing     a pool that lacks queues of its grant takes them from a lower pool (Q5: core/preempt.c)
 *   crowded     a unit over exclusive_pps gets a queue for itself (Q6: likewise)
 *   settings    queues in use get the interrupt coalescing that their pool wants (Q4)
 *
 * Between enter_pps and leave_pps a vnic stays where it is; that gap is the hysteresis.
 *
 * Lost: fixed sets of queues for each pool. They need no grants, and leave queues idle beside full ones.
 */
#include "core/pools.h"

#include "core/cost.h"
#include "core/quota.h"

static uint64_t traffic_of(const struct nq_board *board, uint32_t vnic)
{
	return board->host->vnics[vnic].rx.packets + board->host->vnics[vnic].tx.packets;
}

/* What the unit costs on its queue and on the default queues, waiting not counted. */
static struct nq_proposal leaving(struct nq_board *board, uint32_t unit)
{
	const struct nq_unit *self = &board->units[unit];
	uint64_t before = nq_board_unit_path(board, unit);
	struct nq_proposal proposal = { .remote_ns = before, .once_ns = board->policy->steer_once_ns };

	if (self->rx_queue != NQ_NONE && board->queues[self->rx_queue].users == 1)
		before = nq_sat_add(before, nq_board_queue_used(board, self->pool));
	proposal.before_ns = before;
	proposal.after_ns = nq_sat_add(nq_cost_of(self->rx, self->default_rx), nq_cost_of(self->tx, self->default_tx));
	return proposal;
}

/* A vnic on the default queues has one lane. */
static void send_to_default(struct nq_board *board, uint32_t vnic)
{
	if (nq_board_n_lanes(board, vnic) > 1)
		nq_board_lanes(board, vnic, 1);
	nq_board_steer(board, board->first_unit[vnic], NQ_NONE, NQ_NONE);
}

static void go_back(struct nq_draft *draft, uint32_t vnic)
{
	struct nq_board *board = draft->board;
	uint32_t first = board->first_unit[vnic];
	uint64_t traffic = traffic_of(board, vnic);
	const struct nq_pool *pool = &board->policy->pools[board->units[first].pool];
	struct nq_proposal proposal = leaving(board, first);

	nq_board_note(board, NQ_NOTE_VNIC, vnic,
		      (struct nq_reason){ NQ_RULE_DEFAULT_RETURN, { traffic, pool->leave_pps } },
		      (struct nq_rejected){ board->units[first].rx_queue, proposal.before_ns }, &proposal);
	send_to_default(board, vnic);
	draft->moves++;
}

static bool is_steered(const struct nq_unit *unit)
{
	return unit->rx_queue != NQ_NONE || unit->tx_queue != NQ_NONE;
}

static void return_small(struct nq_draft *draft)
{
	struct nq_board *board = draft->board;
	struct nq_reason ignored;

	if (draft->by_cost_only || board->host->interval_ns == 0)
		return;
	for (uint32_t i = 0; i < board->host->n_vnics; i++) {
		const struct nq_unit *unit = &board->units[board->first_unit[i]];

		if (board->first_unit[i] == board->first_unit[i + 1] || unit->rx_queue == NQ_NONE || unit->fixed ||
		    traffic_of(board, i) >= board->policy->pools[unit->pool].leave_pps)
			continue;
		if (!nq_guard_holds(draft, NQ_ACTION_STEER, i, &ignored))
			go_back(draft, i);
	}
}

static void part(struct nq_draft *draft, uint32_t unit)
{
	struct nq_board *board = draft->board;
	const struct nq_unit *self = &board->units[unit];
	struct nq_proposal proposal = leaving(board, unit);
	struct nq_reason ignored;
	size_t at = (size_t)self->pnic * board->n_pools + self->pool;

	proposal.before_ns = nq_sat_add(proposal.before_ns, NQ_CLAIM_NS);
	if (draft->by_cost_only && !nq_guard_pays(draft, &proposal, board->policy->horizon_ms, &ignored))
		return;
	nq_board_note(board, NQ_NOTE_VNIC, self->vnic,
		      (struct nq_reason){ NQ_RULE_QUEUE_POOL, { board->claims[at].grant } },
		      (struct nq_rejected){ NQ_NONE, 0 }, &proposal);
	send_to_default(board, self->vnic);
	draft->moves++;
}

static void part_misfits(struct nq_draft *draft)
{
	struct nq_board *board = draft->board;

	for (uint32_t i = 0; i < board->n_units; i++) {
		const struct nq_unit *unit = &board->units[i];

		if (is_steered(unit) && nq_unit_misfits(board, unit) && nq_trial_can_move(draft, i))
			part(draft, i);
	}
}

static void set(struct nq_draft *draft, uint32_t queue)
{
	struct nq_board *board = draft->board;
	uint64_t wanted = board->policy->pools[board->queues[queue].pool].coalesce_us;
	uint32_t now = board->coalesce ? board->coalesce[queue] : board->host->queues[queue].coalesce_us;
	struct nq_reason ignored;

	if (wanted == NQ_POOL_KEEP || now == NQ_NONE || now == wanted ||
	    nq_guard_holds(draft, NQ_ACTION_QUEUE_SET, queue, &ignored) || !nq_board_settings(board))
		return;
	board->coalesce[queue] = (uint32_t)wanted;
	draft->moves++;
}

static void set_all(struct nq_draft *draft)
{
	const struct nq_board *board = draft->board;

	for (uint32_t i = 0; i < board->n_queues; i++)
		if (!board->queues[i].is_default && board->queues[i].users)
			set(draft, i);
}

int nq_stage_pools(struct nq_draft *draft)
{
	struct nq_board *board = draft->board;
	int result;

	return_small(draft);
	part_misfits(draft);
	nq_board_refresh(board);
	nq_quota_grant(board);
	result = nq_preempt(draft);
	set_all(draft);
	return result;
}
