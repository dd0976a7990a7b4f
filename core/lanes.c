/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lanes: one vnic over several queues (FEATURES D5; virtual RSS of 001_cfbf0f5011fec43f.txt, "Dynamic VMQ": what one
 * queue on one CPU cannot serve).
 *
 * Rule. A vnic with several virtqueues, on a pnic that has an RSS context left, receives more than queue_split of what
 * its lanes can serve: it gets as many as what it receives needs at queue_full of a queue each; at most its virtqueues
 * and NQ_MAX_LANES. Each new lane gets a queue at once, by the same search as any unit; when there are not queues for
 * all of them, one lane less is tried, so that no lane is ever without a queue. When all of it would stay under
 * queue_consolidate of fewer lanes it gives the others up. Both only when the whole pays: what waits less against the
 * queues in use and what steering costs once. The gap between the two thresholds, and that each lowers the same cost,
 * keep it from flipping.
 *
 * What it receives is taken to spread evenly, as hashing does for many flows; a single flow stays on one queue, and no
 * measurement here tells.
 *
 * Lost: a lane for each virtqueue from the start: each queue in use wakes a CPU, and contexts are few.
 */
#include <errno.h>

#include "core/cost.h"
#include "core/trial.h"

#define PER_MILLE 1000u

static uint64_t received(const struct nq_board *board, uint32_t vnic)
{
	return board->host->vnics[vnic].rx.packets;
}

/* Lanes that serve so much at that part of their queues' capacity, per mille. */
static uint64_t lanes_for(const struct nq_board *board, uint64_t packets, uint64_t part)
{
	uint64_t each = board->policy->queue_capacity_pps * part / PER_MILLE;

	each = each ? each : 1;
	return packets ? (packets + each - 1) / each : 1;
}

static uint32_t at_most(uint64_t value, uint32_t limit)
{
	return value < limit ? (uint32_t)value : limit;
}

/* How many lanes it should have. */
static uint32_t wanted(const struct nq_board *board, uint32_t vnic, uint32_t now)
{
	const struct nq_policy *policy = board->policy;
	const struct nq_board_pnic *pnic = &board->pnics[board->units[board->first_unit[vnic]].pnic];
	uint32_t room = board->first_unit[vnic + 1] - board->first_unit[vnic];
	uint64_t packets = received(board, vnic);

	room = at_most(board->host->vnics[vnic].virtqueues, room);
	if (now > 1 && lanes_for(board, packets, policy->queue_consolidate) < now)
		return (uint32_t)lanes_for(board, packets, policy->queue_consolidate);
	if (room <= now || (now == 1 && pnic->contexts >= pnic->contexts_max) ||
	    packets <= nq_mul_div(now * policy->queue_split, policy->queue_capacity_pps, PER_MILLE))
		return now;
	return at_most(lanes_for(board, packets, policy->queue_full), room);
}

/* A queue for every lane that has none. */
static bool place_all(struct nq_trial *trial, uint32_t vnic, uint32_t lanes)
{
	const struct nq_board *board = trial->draft->board;

	for (uint32_t i = 0; i < lanes; i++) {
		uint32_t unit = board->first_unit[vnic] + i;
		struct nq_places places;

		if (board->units[unit].rx_queue != NQ_NONE)
			continue;
		nq_market_price(trial->market);
		places = nq_market_find(trial->market, unit, NQ_MAX_VALUE);
		if (!nq_trial_place(trial, unit, &places.best, &places.next))
			return false;
	}
	return true;
}

/* Fewer lanes receive more each: have their queues room for that? */
static bool has_room(const struct nq_board *board, uint32_t vnic, uint32_t lanes)
{
	uint64_t limit = board->policy->queue_capacity_pps * board->policy->queue_full / PER_MILLE;

	for (uint32_t i = 0; i < lanes; i++) {
		uint32_t queue = board->units[board->first_unit[vnic] + i].rx_queue;
		uint32_t cpu = queue == NQ_NONE ? NQ_NONE : board->queues[queue].cpu;

		if (cpu != NQ_NONE && board->cpus[cpu].load > limit)
			return false;
	}
	return true;
}

static bool try_lanes(struct nq_draft *draft, struct nq_market *market, uint32_t vnic, uint32_t lanes)
{
	uint32_t before = nq_board_n_lanes(draft->board, vnic);
	struct nq_reason reason = { lanes > before ? NQ_RULE_SPREAD_LANES : NQ_RULE_GATHER_LANES,
				    { received(draft->board, vnic), before, lanes } };
	struct nq_trial trial;

	nq_trial_begin(&trial, draft, market, false);
	if (nq_trial_lanes(&trial, vnic, lanes) && place_all(&trial, vnic, lanes) &&
	    (lanes > before || has_room(draft->board, vnic, lanes)) && nq_trial_pays(&trial)) {
		nq_trial_accept(&trial, reason);
		return true;
	}
	nq_trial_undo(&trial);
	return false;
}

static bool comes_into_question(const struct nq_draft *draft, uint32_t vnic)
{
	const struct nq_board *board = draft->board;
	uint32_t first = board->first_unit[vnic];

	return board->first_unit[vnic + 1] - first > 1 &&
	       wanted(board, vnic, nq_board_n_lanes(board, vnic)) != nq_board_n_lanes(board, vnic) &&
	       nq_trial_can_move(draft, first);
}

static void change(struct nq_draft *draft, struct nq_market *market, uint32_t vnic)
{
	uint32_t now = nq_board_n_lanes(draft->board, vnic), lanes = wanted(draft->board, vnic, now);

	if (lanes < now)
		try_lanes(draft, market, vnic, lanes);
	while (lanes > now && !try_lanes(draft, market, vnic, lanes))
		lanes--;
}

int nq_stage_lanes(struct nq_draft *draft)
{
	const struct nq_board *board = draft->board;
	struct nq_market market;
	bool open = false;

	for (uint32_t i = 0; i < board->host->n_vnics; i++) {
		if (!comes_into_question(draft, i))
			continue;
		if (!open && nq_market_open(&market, draft) < 0)
			return -ENOMEM;
		if (!open)
			nq_market_price(&market);
		open = true;
		change(draft, &market, i);
	}
	if (open)
		nq_market_close(&market);
	return board->failed ? -ENOMEM : 0;
}
