/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/trial.h"

#include <stdlib.h>

#include "core/cost.h"
#include "core/quota.h"

static uint64_t price_of(const struct nq_board *board, uint32_t queue)
{
	const struct nq_board_queue *self = &board->queues[queue];

	return self->users && !self->is_default ? nq_board_queue_used(board, self->pool) : 0;
}

static uint64_t waiting_on(const struct nq_board *board, uint32_t cpu)
{
	return nq_board_cpu_waiting(board, cpu, board->cpus[cpu].load);
}

static uint64_t cost_between(const struct nq_trial *trial)
{
	const struct nq_board *board = trial->draft->board;
	uint32_t from = trial->between[0], to = trial->between[1];
	uint32_t cpus[] = { board->queues[from].cpu, board->queues[to].cpu };
	uint64_t cost = nq_sat_add(price_of(board, from), price_of(board, to));

	cost = nq_sat_add(cost, waiting_on(board, cpus[0]));
	return cpus[0] == cpus[1] ? cost : nq_sat_add(cost, waiting_on(board, cpus[1]));
}

/* All that any move of a unit changes but the ways: waiting everywhere, queues in use, claims. */
static uint64_t shared_cost(struct nq_trial *trial)
{
	struct nq_board *board = trial->draft->board;
	uint64_t cost = 0;

	if (trial->between[0] != NQ_NONE)
		return cost_between(trial);
	nq_board_refresh(board);
	for (uint32_t i = 0; i < board->n_cpus; i++)
		cost = nq_sat_add(cost, waiting_on(board, i));
	for (uint32_t i = 0; i < board->n_queues; i++)
		cost = nq_sat_add(cost, price_of(board, i));
	if (trial->claims)
		cost = nq_sat_add(cost, nq_sat_mul(nq_quota_claims(board), NQ_CLAIM_NS));
	return cost;
}

void nq_trial_begin(struct nq_trial *ret, struct nq_draft *draft, struct nq_market *market, bool claims)
{
	*ret = (struct nq_trial){
		.draft = draft,
		.market = market,
		.between = { NQ_NONE, NQ_NONE },
		.vnic = NQ_NONE,
		.claims = claims,
	};
	ret->before_ns = shared_cost(ret);
}

void nq_trial_begin_between(struct nq_trial *ret, struct nq_draft *draft, struct nq_market *market, uint32_t from,
			    uint32_t to)
{
	*ret = (struct nq_trial){
		.draft = draft,
		.market = market,
		.between = { from, to },
		.vnic = NQ_NONE,
	};
	ret->before_ns = shared_cost(ret);
}

static struct nq_trial_move *recorded(const struct nq_trial *trial, uint32_t unit)
{
	if (trial->draft->board->units[unit].vnic != trial->vnic)
		return NULL;
	for (uint32_t i = 0; i < trial->n_moves; i++)
		if (trial->moves[i].unit == unit)
			return &trial->moves[i];
	return NULL;
}

static struct nq_trial_move *record(struct nq_trial *trial, uint32_t unit)
{
	const struct nq_unit *self = &trial->draft->board->units[unit];
	struct nq_trial_move *larger = trial->moves, *found = recorded(trial, unit);

	if (found)
		return found;
	if (trial->n_moves == trial->room) {
		trial->room = trial->room ? 2 * trial->room : 8;
		larger = realloc(trial->moves, trial->room * sizeof(*larger));
	}
	trial->failed = trial->failed || !larger;
	trial->draft->board->failed = trial->draft->board->failed || trial->failed;
	if (!larger)
		return NULL;
	trial->moves = larger;
	trial->moves[trial->n_moves] = (struct nq_trial_move){
		.unit = unit,
		.rx = self->rx_queue,
		.tx = self->tx_queue,
		.path_ns = nq_board_unit_path(trial->draft->board, unit),
		.next = { .queue = NQ_NONE },
	};
	trial->once_ns = nq_sat_add(trial->once_ns, trial->draft->board->policy->steer_once_ns);
	return &trial->moves[trial->n_moves++];
}

bool nq_trial_place(struct nq_trial *trial, uint32_t unit, const struct nq_place *place, const struct nq_place *next)
{
	struct nq_board *board = trial->draft->board;
	struct nq_trial_move *move;

	if (place->queue == NQ_NONE || (place->bring && trial->n_brought == NQ_MAX_LANES))
		return false;
	move = record(trial, unit);
	if (!move)
		return false;
	if (next)
		move->next = *next;
	if (place->bring) {
		trial->brought[trial->n_brought++] =
			(struct nq_trial_bring){ place->queue, board->queues[place->queue].cpu };
		trial->once_ns = nq_sat_add(trial->once_ns, board->policy->queue_cpu_once_ns);
	}
	nq_market_take(trial->market, unit, place);
	return true;
}

bool nq_trial_queue(struct nq_trial *trial, uint32_t unit, uint32_t queue)
{
	struct nq_place place = { .queue = queue, .cpu = trial->draft->board->queues[queue].cpu };

	return nq_trial_place(trial, unit, &place, NULL);
}

bool nq_trial_lanes(struct nq_trial *trial, uint32_t vnic, uint32_t lanes)
{
	struct nq_board *board = trial->draft->board;
	uint32_t before = nq_board_n_lanes(board, vnic), most = before > lanes ? before : lanes;

	for (uint32_t i = 0; i < most; i++)
		if (!record(trial, board->first_unit[vnic] + i))
			return false;
	trial->vnic = vnic;
	trial->lanes = before;
	trial->once_ns = board->policy->steer_once_ns;
	nq_board_lanes(board, vnic, lanes);
	nq_market_price(trial->market);
	return true;
}

bool nq_trial_default(struct nq_trial *trial, uint32_t unit)
{
	if (nq_board_n_lanes(trial->draft->board, trial->draft->board->units[unit].vnic) > 1 || !record(trial, unit))
		return false; /* a lane has no default queue */
	nq_market_default(trial->market, unit);
	return true;
}

bool nq_trial_pays(struct nq_trial *trial)
{
	const struct nq_policy *policy = trial->draft->board->policy;
	uint64_t before = nq_sat_add(trial->before_ns, trial->bonus_ns), remote = 0;
	struct nq_proposal proposal;
	struct nq_reason ignored;

	trial->after_ns = shared_cost(trial);
	for (uint32_t i = 0; i < trial->n_moves; i++) {
		remote = nq_sat_add(remote, trial->moves[i].path_ns);
		before = nq_sat_add(before, trial->moves[i].path_ns);
		trial->after_ns =
			nq_sat_add(trial->after_ns, nq_board_unit_path(trial->draft->board, trial->moves[i].unit));
	}
	trial->before_ns = before;
	proposal = (struct nq_proposal){ before, trial->after_ns, remote, trial->once_ns };
	return !trial->failed && nq_guard_pays(trial->draft, &proposal, policy->horizon_ms, &ignored);
}

static void end(struct nq_trial *trial)
{
	if (trial->between[0] == NQ_NONE)
		nq_market_price(trial->market);
	free(trial->moves);
	trial->moves = NULL;
	trial->n_moves = trial->room = 0;
}

void nq_trial_undo(struct nq_trial *trial)
{
	struct nq_board *board = trial->draft->board;

	if (trial->vnic != NQ_NONE)
		nq_board_lanes(board, trial->vnic, trial->lanes);
	for (uint32_t i = trial->n_moves; i-- > 0;)
		nq_board_steer(board, trial->moves[i].unit, trial->moves[i].rx, trial->moves[i].tx);
	for (uint32_t i = trial->n_brought; i-- > 0;)
		nq_market_bring(trial->market, trial->brought[i].queue, trial->brought[i].from);
	if (trial->between[0] == NQ_NONE)
		nq_board_refresh(board);
	end(trial);
}

static void note_brought(struct nq_trial *trial, struct nq_trial_bring bring, const struct nq_proposal *proposal)
{
	struct nq_board *board = trial->draft->board;
	uint32_t from = bring.from, to = board->queues[bring.queue].cpu;
	struct nq_proposal own = *proposal;

	own.once_ns = board->policy->queue_cpu_once_ns;
	nq_board_note(
		board, NQ_NOTE_QUEUE, bring.queue,
		(struct nq_reason){ NQ_RULE_QUEUE_NEAR_VMS,
				    { board->host->nodes[board->cpus[to].node].id,
				      from == NQ_NONE ? NQ_NONE : board->host->nodes[board->cpus[from].node].id } },
		(struct nq_rejected){ NQ_NONE, 0 }, &own);
}

void nq_trial_accept_for(struct nq_trial *trial, struct nq_reason reason, uint32_t unit, struct nq_reason own)
{
	struct nq_board *board = trial->draft->board;
	struct nq_proposal proposal = { trial->before_ns, trial->after_ns, 0, board->policy->steer_once_ns };

	/* What all the others pay is the same before and after: what is told is the difference. */
	if (trial->after_ns < trial->before_ns) {
		proposal.before_ns = trial->before_ns - trial->after_ns;
		proposal.after_ns = 0;
	}
	for (uint32_t i = 0; i < trial->n_moves; i++) {
		const struct nq_trial_move *move = &trial->moves[i];

		nq_board_note(board, NQ_NOTE_VNIC, board->units[move->unit].vnic, move->unit == unit ? own : reason,
			      (struct nq_rejected){ move->next.queue, move->next.cost_ns }, &proposal);
	}
	for (uint32_t i = 0; i < trial->n_brought; i++)
		note_brought(trial, trial->brought[i], &proposal);
	trial->draft->moves += trial->n_moves;
	end(trial);
}

void nq_trial_accept(struct nq_trial *trial, struct nq_reason reason)
{
	nq_trial_accept_for(trial, reason, NQ_NONE, reason);
}

bool nq_trial_can_move(const struct nq_draft *draft, uint32_t unit)
{
	const struct nq_unit *self = &draft->board->units[unit];
	struct nq_reason ignored;

	return !self->fixed && self->active && !nq_guard_holds(draft, NQ_ACTION_STEER, self->vnic, &ignored);
}

struct sorted {
	uint64_t traffic;
	uint32_t unit;
};

static int by_traffic(const void *left, const void *right)
{
	const struct sorted *a = left, *b = right;

	if (a->traffic != b->traffic)
		return a->traffic < b->traffic ? 1 : -1;
	return (a->unit > b->unit) - (a->unit < b->unit);
}

uint32_t *nq_units_on(struct nq_board *board, uint32_t queue, uint32_t *ret_n)
{
	uint32_t n = 0, *units;
	struct sorted *sorted;

	for (uint32_t i = board->queues[queue].first_unit; i != NQ_NONE; i = board->units[i].next)
		n++;
	units = calloc((size_t)n + 1, sizeof(*units));
	sorted = calloc((size_t)n + 1, sizeof(*sorted));
	*ret_n = 0;
	for (uint32_t i = board->queues[queue].first_unit; units && sorted && i != NQ_NONE; i = board->units[i].next)
		sorted[(*ret_n)++] = (struct sorted){ board->units[i].rx + board->units[i].tx, i };
	if (units && sorted)
		qsort(sorted, n, sizeof(*sorted), by_traffic);
	for (uint32_t i = 0; i < *ret_n; i++)
		units[i] = sorted[i].unit;
	board->failed = board->failed || !units || !sorted;
	if (board->failed) {
		free(units);
		units = NULL;
	}
	free(sorted);
	return units;
}
