/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Static: a queue for each vnic in turn, for good (FEATURES D1; 001_cfbf0f5011fec43f.txt, "Static VMQ").
 *
 * Rule. Each vnic that steering reaches and that has no queue of its own gets the next queue of its pnic in turn: a
 * free one as long as there is one, then the queues that serve fewest, from the first on. A queue that was free goes
 * to the next CPU in turn: of all CPUs of the host, the first of those that serve fewest queues, which is round robin
 * as long as nothing stops. Neither load nor node is looked at. Whoever has a queue keeps it, whatever happens
 * later.
 *
 * "In turn" is read from the board and not remembered, so that the same host gives the same plan; the source says
 * nothing of what the turn is after queues were given back.
 *
 * No VMQ, the other baseline of the source, needs no rule: without any stage for queues everything passes through the
 * default queue.
 *
 * Lost: dealing only CPUs of the NIC's node, as an administrator would by hand. The source knows no nodes, and what
 * that costs is what the baseline is there to show.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/stages.h"

/* Where the turn of a pnic's queues is: from `next` on, those that serve no more than `level` vnics. */
struct turn {
	uint32_t next, level;
};

static bool can_serve(const struct nq_board *board, uint32_t queue, uint32_t pnic)
{
	const struct nq_board_queue *self = &board->queues[queue];

	return self->pnic == pnic && !self->is_default && !self->taken && self->soft == board->pnics[pnic].soft &&
	       self->cpu != NQ_NONE && board->cpus[self->cpu].online;
}

static bool has_lane_on(const struct nq_board *board, uint32_t vnic, uint32_t queue)
{
	for (uint32_t i = board->first_unit[vnic]; i < board->first_unit[vnic + 1]; i++)
		if (board->units[i].rx_queue == queue)
			return true;
	return false;
}

/* The next queue in turn; NQ_NONE when the pnic has none for the unit. */
static uint32_t next_queue(const struct nq_board *board, struct turn *turn, const struct nq_unit *unit)
{
	uint32_t at = turn->next, level = turn->level, found = 1; /* the first round begins somewhere */

	for (;; at++) {
		if (at == board->n_queues) {
			/* All are above the level by now, or there is none. */
			if (found == 0 || board->n_queues == 0)
				return NQ_NONE;
			at = found = 0;
			level++;
		}
		if (!can_serve(board, at, unit->pnic) || has_lane_on(board, unit->vnic, at))
			continue;
		found++;
		if (board->queues[at].users <= level)
			break;
	}
	*turn = (struct turn){ at, level };
	return at;
}

static uint32_t next_cpu(const struct nq_board *board)
{
	uint32_t best = NQ_NONE;

	for (uint32_t i = 0; i < board->n_cpus; i++)
		if (board->cpus[i].online && (best == NQ_NONE || board->cpus[i].used < board->cpus[best].used))
			best = i;
	return best;
}

static void note(struct nq_board *board, enum nq_note_kind kind, uint32_t object)
{
	const struct nq_proposal nothing = { 0 };

	nq_board_note(board, kind, object, (struct nq_reason){ .rule = NQ_RULE_STATIC },
		      (struct nq_rejected){ NQ_NONE, 0 }, &nothing);
}

static void give(struct nq_draft *draft, uint32_t unit, uint32_t queue)
{
	struct nq_board *board = draft->board;
	const struct nq_unit *self = &board->units[unit];
	bool is_free = board->queues[queue].users == 0;
	uint32_t cpu = is_free && board->queues[queue].movable ? next_cpu(board) : board->queues[queue].cpu;

	if (cpu != board->queues[queue].cpu) {
		nq_board_queue_cpu(board, queue, cpu);
		note(board, NQ_NOTE_QUEUE, queue);
	}
	nq_board_steer(board, unit, queue, self->paired ? queue : self->tx_queue);
	note(board, NQ_NOTE_VNIC, self->vnic);
	draft->moves++;
}

static bool wants_queue(const struct nq_board *board, uint32_t unit)
{
	const struct nq_unit *self = &board->units[unit];
	const struct nq_board_pnic *pnic = &board->pnics[self->pnic];

	return self->active && !self->fixed && self->rx_queue == NQ_NONE &&
	       (self->lane > 0 || pnic->rules < pnic->rules_max);
}

int nq_stage_static(struct nq_draft *draft)
{
	struct nq_board *board = draft->board;
	struct turn *turns;

	/* It asks for no gain, so it may cost something. */
	if (draft->by_cost_only)
		return 0;
	turns = calloc((size_t)board->n_pnics + 1, sizeof(*turns));
	if (!turns)
		return -ENOMEM;
	for (uint32_t i = 0; i < board->n_units; i++) {
		const struct nq_unit *unit = &board->units[i];
		uint32_t queue;

		if (!wants_queue(board, i))
			continue;
		queue = next_queue(board, &turns[unit->pnic], unit);
		if (queue != NQ_NONE)
			give(draft, i, queue);
		else if (unit->lane > 0)
			nq_board_lanes(board, unit->vnic, unit->lane); /* a lane needs a queue */
	}
	nq_board_refresh(board);
	free(turns);
	return 0;
}
