/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threshold: Dynamic VMQ as its source describes it (FEATURES D2, D3, D4; 001_cfbf0f5011fec43f.txt, "Dynamic VMQ").
 *
 * Spread. A CPU over cpu_busy is a bottleneck: a candidate queue moves away from it to the least utilized CPU that is
 * none. Coalesce. A CPU under cpu_quiet that serves queues gives one to the fullest CPU that also serves some, is at
 * least as full, and stays within cpu_busy with it: fewer CPUs for less power. Utilization is of the whole CPU,
 * whoever uses it. One queue leaves a CPU in one plan, and no queue moves twice in it.
 *
 * What the source leaves open is decided like this. The candidate is the busiest queue of the CPU that can be moved:
 * it is the one whose leaving relieves most. A CPU of any node will do, since the source knows no nodes. A CPU that
 * took a queue gives none in the same plan, or two quiet CPUs would change places.
 *
 * Its weakness is kept: nobody asks what becomes of the destination. A queue that is a bottleneck alone moves at each
 * tick to another CPU, which then is the bottleneck ("Ping Pong Problem"). With the guard on, the credits of Windows
 * Server 2012 R2 end that: nq_guard_holds(). Whether a move pays is not asked even then.
 *
 * Lost: the smallest queue that brings the CPU under its threshold. It would need a forecast of the move, and with
 * one there is no ping-pong: that is core/spread.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/stages.h"

#define PPM_PER_MILLE 1000u

static uint64_t utilization(const struct nq_board *board, uint32_t cpu)
{
	return nq_board_ppm(board, cpu, board->cpus[cpu].load);
}

static uint64_t load_of(const struct nq_board *board, uint32_t queue)
{
	return board->queues[queue].load + board->queues[queue].through;
}

static bool has_moved(const struct nq_board *board, uint32_t queue)
{
	return board->host->queues[queue].cpu != board->queues[queue].cpu;
}

static bool is_candidate(const struct nq_draft *draft, uint32_t queue)
{
	const struct nq_board *board = draft->board;
	const struct nq_board_queue *self = &board->queues[queue];
	struct nq_reason ignored;

	return self->movable && nq_board_used(board, queue) && !has_moved(board, queue) &&
	       !nq_guard_holds(draft, NQ_ACTION_QUEUE_CPU, queue, &ignored);
}

/* The busiest candidate of the CPU, the first of equals; NQ_NONE when there is none. */
static uint32_t candidate_of(const struct nq_draft *draft, uint32_t cpu)
{
	const struct nq_board *board = draft->board;
	uint32_t best = NQ_NONE;

	for (uint32_t i = board->cpus[cpu].first_queue; i != NQ_NONE; i = board->queues[i].next_on_cpu) {
		if (!is_candidate(draft, i))
			continue;
		if (best == NQ_NONE || load_of(board, i) > load_of(board, best) ||
		    (load_of(board, i) == load_of(board, best) && i < best))
			best = i;
	}
	return best;
}

static void move(struct nq_draft *draft, uint32_t queue, uint32_t cpu, enum nq_rule rule, uint64_t limit)
{
	struct nq_board *board = draft->board;
	const struct nq_proposal nothing = { 0 };

	nq_board_note(board, NQ_NOTE_QUEUE, queue,
		      (struct nq_reason){ rule,
					  { utilization(board, board->queues[queue].cpu) / PPM_PER_MILLE, limit,
					    utilization(board, cpu) / PPM_PER_MILLE } },
		      (struct nq_rejected){ NQ_NONE, 0 }, &nothing);
	nq_board_queue_cpu(board, queue, cpu);
	draft->moves++;
}

/* The CPU that took a queue, or NQ_NONE. */
static uint32_t spread(struct nq_draft *draft, uint32_t cpu)
{
	const struct nq_board *board = draft->board;
	uint64_t busy = board->policy->cpu_busy * PPM_PER_MILLE;
	uint32_t queue = candidate_of(draft, cpu), best = NQ_NONE;

	for (uint32_t i = 0; queue != NQ_NONE && i < board->n_cpus; i++)
		if (board->cpus[i].online && i != cpu && utilization(board, i) <= busy &&
		    (best == NQ_NONE || utilization(board, i) < utilization(board, best)))
			best = i;
	if (best != NQ_NONE)
		move(draft, queue, best, NQ_RULE_CPU_SPREAD, board->policy->cpu_busy);
	return best;
}

/* Does the CPU, which serves queues, have room for so much, and is it no emptier than the other? */
static bool can_join(const struct nq_board *board, uint32_t cpu, uint32_t from, uint64_t load)
{
	uint64_t own = utilization(board, cpu), other = utilization(board, from);

	return board->cpus[cpu].online && cpu != from && board->cpus[cpu].used &&
	       (own > other || (own == other && cpu < from)) &&
	       nq_board_ppm(board, cpu, board->cpus[cpu].load + load) <= board->policy->cpu_busy * PPM_PER_MILLE;
}

static uint32_t coalesce(struct nq_draft *draft, uint32_t cpu)
{
	const struct nq_board *board = draft->board;
	uint32_t queue = candidate_of(draft, cpu), best = NQ_NONE;

	for (uint32_t i = 0; queue != NQ_NONE && i < board->n_cpus; i++)
		if (can_join(board, i, cpu, load_of(board, queue)) &&
		    (best == NQ_NONE || utilization(board, i) > utilization(board, best)))
			best = i;
	if (best != NQ_NONE)
		move(draft, queue, best, NQ_RULE_CPU_COALESCE, board->policy->cpu_quiet);
	return best;
}

/* CPUs that a queue left or came to in this plan. */
static void find_touched(const struct nq_board *board, bool *ret)
{
	for (uint32_t i = 0; i < board->n_queues; i++) {
		uint32_t before = board->host->queues[i].cpu, now = board->queues[i].cpu;

		if (before == now)
			continue;
		if (before != NQ_NONE)
			ret[before] = true;
		if (now != NQ_NONE)
			ret[now] = true;
	}
}

/* Moves one queue away from the CPU if that is its turn; marks both CPUs. */
static void look_at(struct nq_draft *draft, uint32_t cpu, bool *touched)
{
	const struct nq_board *board = draft->board;
	const struct nq_policy *policy = board->policy;
	uint64_t ppm = utilization(board, cpu);
	uint32_t to = NQ_NONE;

	if (!board->cpus[cpu].online || !board->cpus[cpu].used || touched[cpu])
		return;
	if (ppm > policy->cpu_busy * PPM_PER_MILLE)
		to = spread(draft, cpu);
	else if (ppm < policy->cpu_quiet * PPM_PER_MILLE)
		to = coalesce(draft, cpu);
	if (to != NQ_NONE)
		touched[cpu] = touched[to] = true;
}

int nq_stage_threshold(struct nq_draft *draft)
{
	bool *touched;

	/* It asks for no gain, so it may cost something. */
	if (draft->by_cost_only)
		return 0;
	touched = calloc((size_t)draft->board->n_cpus + 1, sizeof(*touched));
	if (!touched)
		return -ENOMEM;
	nq_board_refresh(draft->board);
	find_touched(draft->board, touched);
	for (uint32_t i = 0; i < draft->board->n_cpus; i++)
		look_at(draft, i, touched);
	free(touched);
	return 0;
}
