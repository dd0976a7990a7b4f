/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Assign: each unit to the queue where it costs the host least (FEATURES N1, N2, N3, N8, N9; processes 1100 and 1200;
 * claims 1 to 4, 9 to 13, 16 to 19).
 *
 * Order. One matrix of units against queues (process 1200), filled from the top: largest traffic first, then by MAC.
 * Largest first comes within 2 to 10 % of the exact optimum at 95 % load, in a fraction of the time a solver takes;
 * passes over all units until a pass moves nothing, and the exchanges of core/swap.c, close the rest of the gap.
 *
 * Choice. The cheapest by the cost model, the others' waiting included: that is how "biased toward" the matching node
 * is meant (claim 1). With the default weights a queue on the vm's node beats one on the pnic's node, and both beat a
 * third (N9); when the node's queues are full or make it wait longer than the way to another node costs, it spills
 * (claim 3), and returns by the same comparison once they drain (claim 4). The difference between leaving and
 * returning, the hysteresis, is what the guard asks of each move. A vm on several nodes pays the mean of its ways, so
 * its queue goes to a node of at least one of its vCPUs, and to that of most of its memory (claims 9 and 16). A queue
 * in use is preferred to a free one as long as the waiting saved does not pay for a queue in use: vms of a node share a
 * queue while it is quiet and open the next as it fills (1120 to 1150).
 *
 * Who. Units that steering reaches, with traffic over the pool's enter_pps, or steered already, which the guard does
 * not hold. A lane of a vnic that has no queue yet goes first of all, since a vnic without all its lanes is no use.
 *
 * Sending. Paired units send through their receive queue. Else sending is a choice of its own: soft queues do not
 * send, so it is the default queue that is cheapest from the vm, and it changes only for one that is cheaper; with
 * directions unpaired it is any queue of the pool.
 *
 * Lost: a queue per vm from the start, which spreads one node's interrupts over all its CPUs for no gain at low load
 * (001_cfbf0f5011fec43f.txt: coalesce when quiet). A full exchange of all pairs at all sizes, which is quadratic.
 */
#include "core/assign.h"

#include <errno.h>
#include <stdlib.h>

#include "core/cost.h"

#define PASSES 64

struct order {
	uint64_t traffic;
	uint32_t unit;
};

struct stage {
	struct nq_draft *draft;
	struct nq_market market;
	bool *eligible;	     /* [n_units]: comes into question at all */
	struct order *order; /* [n_units]: those that may have something to gain in this pass, largest first */
	uint32_t *line;	     /* the same, units only */
	uint32_t n_order;
	uint64_t *state; /* [n_pnics]: what its units' choices depend on, in one number, as of the last pass */
	uint64_t *former;
	bool *changed; /* [n_pnics]: it is another one now */
};

static int by_traffic(const void *left, const void *right)
{
	const struct order *a = left, *b = right;

	if (a->traffic != b->traffic)
		return a->traffic < b->traffic ? 1 : -1;
	return (a->unit > b->unit) - (a->unit < b->unit);
}

static bool is_lost_lane(const struct nq_unit *unit)
{
	return unit->lane > 0 && unit->rx_queue == NQ_NONE;
}

static bool comes_into_question(const struct stage *stage, uint32_t unit)
{
	const struct nq_board *board = stage->draft->board;
	const struct nq_unit *self = &board->units[unit];
	const struct nq_pool *pool = &board->policy->pools[self->pool];
	uint64_t traffic = self->rx + self->tx;
	struct nq_reason ignored;

	if (self->fixed || !self->active || traffic == 0)
		return false;
	if (self->rx_queue == NQ_NONE && self->lane == 0 && traffic < pool->enter_pps)
		return false;
	return !nq_guard_holds(stage->draft, NQ_ACTION_STEER, self->vnic, &ignored);
}

/* Nothing to gain for the unit, neither receiving nor sending? */
static bool is_content(const struct stage *stage, uint32_t unit)
{
	const struct nq_unit *self = &stage->draft->board->units[unit];

	return !is_lost_lane(self) && nq_market_is_content(&stage->market, unit) && (self->paired || self->tx == 0);
}

static uint64_t mix(uint64_t state, uint64_t value)
{
	state = (state ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return state ^ state >> 32;
}

static uint64_t state_of_cpus(const struct nq_board *board)
{
	uint64_t state = 1;

	for (uint32_t i = 0; i < board->n_cpus; i++)
		state = mix(state, board->cpus[i].load);
	return state;
}

static void mix_queue(struct stage *stage, uint32_t queue, uint64_t cpus)
{
	const struct nq_board *board = stage->draft->board;
	const struct nq_board_queue *self = &board->queues[queue];
	uint64_t *state = &stage->state[self->pnic];

	*state = mix(*state, (uint64_t)self->cpu << 32 | self->pool << 1 | nq_board_used(board, queue));
	*state = mix(*state, self->cpu == NQ_NONE ? 0 : board->cpus[self->cpu].load);
	*state = mix(*state, self->load << 16 | self->loners << 1 | self->exclusive);
	if (self->movable && !nq_board_used(board, queue))
		*state = mix(*state, cpus); /* it can be brought to any of them */
}

/*
 * Which pnics have changed since the last pass. What a unit may gain depends on its pnic's queues, their CPUs, its
 * rules and its default traffic; as long as these are the same, a unit that stayed will stay.
 */
static void find_changed(struct stage *stage)
{
	const struct nq_board *board = stage->draft->board;
	uint64_t cpus = state_of_cpus(board);

	for (uint32_t i = 0; i < board->n_pnics; i++) {
		const struct nq_board_pnic *pnic = &board->pnics[i];

		stage->former[i] = stage->state[i];
		stage->state[i] = mix(mix(pnic->rules, pnic->through[0]), pnic->through[1]);
	}
	for (uint32_t i = 0; i < board->n_queues; i++)
		mix_queue(stage, i, cpus);
	for (uint32_t i = 0; i < board->n_pnics; i++)
		stage->changed[i] = stage->state[i] != stage->former[i];
}

/* In order of index first, which is the order in memory; only what is left is sorted. */
static void line_up(struct stage *stage, bool all)
{
	const struct nq_board *board = stage->draft->board;

	stage->n_order = 0;
	for (uint32_t i = 0; i < board->n_units; i++)
		if (stage->eligible[i] && (all || stage->changed[board->units[i].pnic]) && !is_content(stage, i))
			stage->order[stage->n_order++] = (struct order){
				is_lost_lane(&board->units[i]) ? UINT64_MAX : board->units[i].rx + board->units[i].tx,
				i,
			};
	qsort(stage->order, stage->n_order, sizeof(*stage->order), by_traffic);
	for (uint32_t i = 0; i < stage->n_order; i++)
		stage->line[i] = stage->order[i].unit;
}

static uint64_t kernel_id(const struct nq_board *board, uint32_t node)
{
	return node == NQ_NONE ? NQ_NONE : board->host->nodes[node].id;
}

/* Why the place is better than where the unit is. */
static struct nq_reason reason_for(const struct nq_board *board, uint32_t unit, const struct nq_place *place)
{
	const struct nq_unit *self = &board->units[unit];
	const struct nq_nodeset *home = nq_board_home_of(board, self->vm);
	uint32_t now = nq_board_queue_node(board, self->rx_queue), node = board->cpus[place->cpu].node;
	uint64_t limit = board->policy->queue_capacity_pps * board->policy->queue_full / 1000;
	uint64_t after = board->queues[place->queue].load + nq_unit_demand(self), full = 0;

	if (!nq_nodeset_has(home, node))
		return (struct nq_reason){ NQ_RULE_QUEUE_CHEAPEST,
					   { kernel_id(board, nq_nodeset_next(home, 0)), kernel_id(board, node) } };
	if (now != NQ_NONE && now == node) {
		full = nq_board_ppm(board, board->queues[self->rx_queue].cpu,
				    board->cpus[board->queues[self->rx_queue].cpu].load);
		return (struct nq_reason){ NQ_RULE_QUEUE_BALANCE,
					   { kernel_id(board, node),
					     nq_board_ppm(board, place->cpu, board->cpus[place->cpu].load) / 1000,
					     full / 1000 } };
	}
	if (now != NQ_NONE && !nq_nodeset_has(home, now))
		return (struct nq_reason){ NQ_RULE_QUEUE_RETURN, { kernel_id(board, node) } };
	if (place->open)
		return (struct nq_reason){ NQ_RULE_QUEUE_NEW, { kernel_id(board, node) } };
	return (struct nq_reason){ NQ_RULE_QUEUE_ON_VM_NODE, { kernel_id(board, node), after, limit } };
}

static void note_bring(struct stage *stage, const struct nq_place *place, const struct nq_proposal *proposal)
{
	struct nq_board *board = stage->draft->board;
	uint32_t now = nq_board_queue_node(board, place->queue), next;
	struct nq_reason reason = { NQ_RULE_QUEUE_NEAR_VMS,
				    { kernel_id(board, board->cpus[place->cpu].node), kernel_id(board, now) } };
	struct nq_proposal own = *proposal;

	nq_board_pick_cpu(board, board->cpus[place->cpu].node, &next);
	own.once_ns = board->policy->queue_cpu_once_ns;
	nq_board_note(board, NQ_NOTE_QUEUE, place->queue, reason, (struct nq_rejected){ next, own.after_ns }, &own);
}

static void take(struct stage *stage, uint32_t unit, const struct nq_places *places, const struct nq_proposal *proposal)
{
	struct nq_board *board = stage->draft->board;
	struct nq_proposal own = *proposal;
	struct nq_rejected rejected = { places->next.queue, places->next.cost_ns };

	/* Only what is cheaper than staying was looked for: next best is to stay. */
	if (rejected.target == NQ_NONE)
		rejected = (struct nq_rejected){ board->units[unit].rx_queue, proposal->before_ns };
	if (places->best.bring)
		note_bring(stage, &places->best, proposal);
	own.once_ns = board->policy->steer_once_ns;
	nq_board_note(board, NQ_NOTE_VNIC, board->units[unit].vnic, reason_for(board, unit, &places->best), rejected,
		      &own);
	nq_market_take(&stage->market, unit, &places->best);
	stage->draft->moves++;
}

/* Moves the unit to the best place when that pays. */
static void assign(struct stage *stage, uint32_t unit)
{
	const struct nq_board *board = stage->draft->board;
	const struct nq_policy *policy = board->policy;
	bool lost = is_lost_lane(&board->units[unit]);
	uint64_t leaving, remote, needed;
	struct nq_proposal proposal;
	struct nq_places places;
	struct nq_reason ignored;

	if (!lost && nq_market_is_content(&stage->market, unit))
		return;
	leaving = nq_market_leaving(&stage->market, unit);
	remote = nq_board_unit_path(board, unit);
	needed = nq_guard_needs(policy, remote, policy->steer_once_ns, policy->horizon_ms);
	proposal = (struct nq_proposal){ .before_ns = leaving, .remote_ns = remote };
	if (!lost && nq_sat_add(nq_market_bound(&stage->market, unit), needed) > leaving)
		return;
	places = nq_market_find(&stage->market, unit, lost ? NQ_MAX_VALUE : leaving);
	if (places.best.queue == NQ_NONE)
		return;
	proposal.after_ns = places.best.cost_ns;
	proposal.once_ns = policy->steer_once_ns + (places.best.bring ? policy->queue_cpu_once_ns : 0);
	if (lost || nq_guard_pays(stage->draft, &proposal, policy->horizon_ms, &ignored))
		take(stage, unit, &places, &proposal);
}

/* May the unit send through that queue? */
static bool sends_through(const struct stage *stage, const struct nq_unit *unit, uint32_t queue)
{
	const struct nq_board *board = stage->draft->board;
	const struct nq_board_queue *self = &board->queues[queue];

	if (self->pnic != unit->pnic || self->soft || nq_board_queue_node(board, queue) == NQ_NONE)
		return false;
	if (board->pnics[unit->pnic].soft)
		return self->is_default && nq_market_has_room(&stage->market, queue, self->cpu, unit->tx);
	return !self->is_default && nq_board_used(board, queue) && self->pool == unit->pool && !self->exclusive &&
	       nq_market_has_room(&stage->market, queue, self->cpu, unit->tx);
}

static uint64_t sending_cost(const struct nq_board *board, const struct nq_unit *unit, uint32_t queue)
{
	uint32_t node = nq_board_queue_node(board, queue);

	if (queue == NQ_NONE)
		return nq_cost_of(unit->tx, unit->default_tx);
	return node == NQ_NONE ? 0
			       : nq_cost_of(unit->tx, (uint64_t)nq_board_arrive(board, unit->pnic, false, node) +
							      board->vms[unit->vm].deliver[node]);
}

/* The queue to send through, when that is not the receive queue: the cheapest way, then the least loaded. */
static void assign_sending(struct stage *stage, uint32_t unit)
{
	struct nq_board *board = stage->draft->board;
	const struct nq_unit *self = &board->units[unit];
	const struct nq_policy *policy = board->policy;
	uint64_t before = sending_cost(board, self, self->tx_queue), best = before;
	struct nq_proposal proposal = { before, before, before, policy->steer_once_ns };
	uint32_t chosen = NQ_NONE, node;
	struct nq_reason ignored;

	if (self->paired || self->tx == 0 || self->rx_queue == NQ_NONE || before == 0)
		return;
	for (uint32_t i = 0; i < board->n_queues; i++) {
		uint64_t cost;

		if (i == self->tx_queue || !sends_through(stage, self, i))
			continue;
		cost = sending_cost(board, self, i);
		if (cost < best ||
		    (chosen != NQ_NONE && cost == best && board->queues[i].load < board->queues[chosen].load)) {
			best = cost;
			chosen = i;
		}
	}
	proposal.after_ns = best;
	if (chosen == NQ_NONE || !nq_guard_pays(stage->draft, &proposal, policy->horizon_ms, &ignored))
		return;
	node = nq_board_queue_node(board, chosen);
	if (!nq_board_note_of(board, NQ_NOTE_VNIC, self->vnic))
		nq_board_note(
			board, NQ_NOTE_VNIC, self->vnic,
			(struct nq_reason){ NQ_RULE_QUEUE_CHEAPEST,
					    { kernel_id(board, nq_nodeset_next(nq_board_home_of(board, self->vm), 0)),
					      kernel_id(board, node) } },
			(struct nq_rejected){ NQ_NONE, 0 }, &proposal);
	nq_board_steer(board, unit, self->rx_queue, chosen);
	stage->draft->moves++;
}

static void assign_each(struct stage *stage)
{
	for (uint32_t i = 0; i < stage->n_order; i++) {
		assign(stage, stage->line[i]);
		assign_sending(stage, stage->line[i]);
	}
}

/*
 * A pass of single moves; when there are none, queues that pay for several; then exchanges; and at last those whom the
 * default queues make wait. Last, because who leaves first gains most by it, whoever it is: free queues are for those
 * whose way they shorten.
 */
static int pass(struct stage *stage)
{
	uint64_t before = stage->draft->moves;
	int result = 0;

	nq_board_refresh(stage->draft->board);
	nq_market_price(&stage->market);
	find_changed(stage);
	line_up(stage, false);
	assign_each(stage);
	if (stage->draft->moves == before) {
		line_up(stage, true);
		result = nq_open_queues(stage->draft, &stage->market, stage->line, stage->n_order);
	}
	if (result == 0 && stage->draft->moves == before)
		result = nq_exchange(stage->draft, &stage->market, stage->eligible);
	if (result == 0 && stage->draft->moves == before) {
		stage->market.relief = true;
		for (uint32_t i = 0; i < stage->n_order; i++)
			if (stage->draft->board->units[stage->line[i]].rx_queue == NQ_NONE)
				assign(stage, stage->line[i]);
		stage->market.relief = false;
	}
	if (result == 0 && stage->draft->moves == before)
		result = nq_squeeze(stage->draft, &stage->market, stage->line, stage->n_order);
	return result < 0 ? result : stage->draft->moves > before;
}

static int assign_all(struct stage *stage)
{
	int result = 1;

	for (uint32_t i = 0; i < stage->draft->board->n_units; i++)
		stage->eligible[i] = comes_into_question(stage, i);
	for (int i = 0; i < PASSES && result > 0; i++)
		result = pass(stage);
	return result < 0 ? result : 0;
}

int nq_stage_assign(struct nq_draft *draft)
{
	struct stage stage = { .draft = draft };
	int result = nq_market_open(&stage.market, draft);
	bool ready;

	if (result < 0)
		return result;
	stage.order = calloc((size_t)draft->board->n_units + 1, sizeof(*stage.order));
	stage.line = calloc((size_t)draft->board->n_units + 1, sizeof(*stage.line));
	stage.eligible = calloc((size_t)draft->board->n_units + 1, sizeof(*stage.eligible));
	stage.state = calloc((size_t)draft->board->n_pnics + 1, sizeof(*stage.state));
	stage.former = calloc((size_t)draft->board->n_pnics + 1, sizeof(*stage.former));
	stage.changed = calloc((size_t)draft->board->n_pnics + 1, sizeof(*stage.changed));
	ready = stage.order && stage.line && stage.eligible && stage.state && stage.former && stage.changed;
	result = ready ? assign_all(&stage) : -ENOMEM;
	free(stage.state);
	free(stage.former);
	free(stage.changed);
	free(stage.eligible);
	free(stage.order);
	free(stage.line);
	nq_market_close(&stage.market);
	return result;
}
