/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where process 1100 finds a queue, and the move to it (000_35c30de055bde3dd.txt figure 11). */
#include "core/match.h"

#include "core/cost.h"

uint64_t nq_match_node_id(const struct nq_match *match, uint32_t node)
{
	return node == NQ_NONE ? NQ_NONE : match->draft->board->host->nodes[node].id;
}

bool nq_match_held(const struct nq_match *match, uint32_t unit)
{
	const struct nq_unit *self = &match->draft->board->units[unit];
	struct nq_reason ignored;

	return self->fixed || !self->active || nq_guard_holds(match->draft, NQ_ACTION_STEER, self->vnic, &ignored);
}

/* Does node a come before b? */
static bool is_before(const struct nq_match *match, uint32_t pnic_node, uint32_t anchor, uint32_t a, uint32_t b)
{
	const struct nq_host *host = match->draft->board->host;
	uint32_t far_a = nq_host_distance(host, anchor, a), far_b = nq_host_distance(host, anchor, b);

	if (match->clients[a] != match->clients[b])
		return match->clients[a] > match->clients[b];
	if ((a == pnic_node) != (b == pnic_node))
		return a == pnic_node;
	return far_a != far_b ? far_a < far_b : a < b;
}

void nq_match_rank(struct nq_match *match, uint32_t unit)
{
	const struct nq_board *board = match->draft->board;
	const struct nq_unit *self = &board->units[unit];
	uint32_t pnic_node = board->pnics[self->pnic].node, anchor = pnic_node == NQ_NONE ? 0 : pnic_node;
	bool placed = nq_board_placed(board, self->vm);

	nq_board_clients(board, self->vm, match->clients);
	match->n_matching = 0;
	for (uint32_t i = 0; i < board->n_nodes; i++) {
		if (!placed)
			match->clients[i] = 0;
		else if (match->clients[i] && (!match->n_matching++ || match->clients[i] > match->clients[anchor]))
			anchor = i;
	}
	if (!placed)
		match->n_matching = board->n_nodes;
	for (uint32_t i = 0; i < board->n_nodes; i++) {
		uint32_t at = i;

		for (; at && is_before(match, pnic_node, anchor, i, match->nodes[at - 1]); at--)
			match->nodes[at] = match->nodes[at - 1];
		match->nodes[at] = i;
	}
}

static bool has_room(const struct nq_match *match, uint32_t unit, uint32_t queue)
{
	const struct nq_board *board = match->draft->board;
	const struct nq_policy *policy = board->policy;
	uint64_t wanted = nq_unit_demand(&board->units[unit]), load = board->queues[queue].load;
	uint64_t floor = policy->pools[board->units[unit].pool].floor_pps;

	return load == 0 || load + (wanted > floor ? wanted : floor) <= nq_match_threshold(policy, policy->queue_full);
}

/* Both have room: which one first? The emptier; the fuller when the pool packs. */
static bool is_preferred(const struct nq_board *board, bool packs, uint32_t a, uint32_t b)
{
	if (b == NQ_NONE || a == NQ_NONE)
		return a != NQ_NONE;
	if (board->queues[a].load != board->queues[b].load)
		return packs == (board->queues[a].load > board->queues[b].load);
	return a < b;
}

bool nq_match_in_use(const struct nq_match *match, uint32_t unit, uint32_t node, struct nq_match_place *ret)
{
	const struct nq_board *board = match->draft->board;
	const struct nq_unit *self = &board->units[unit];
	bool packs = board->policy->pools[self->pool].criteria == NQ_CRITERIA_PACK;
	uint32_t best = NQ_NONE, next = NQ_NONE, full = NQ_NONE;

	for (uint32_t i = nq_match_first_on(match, self->pnic, node); i != NQ_NONE; i = match->market.next_at[i]) {
		if (i == self->rx_queue || !nq_board_used(board, i) || !nq_market_admits(&match->market, unit, i))
			continue;
		if (!has_room(match, unit, i)) {
			full = is_preferred(board, false, i, full) ? i : full;
		} else if (is_preferred(board, packs, i, best)) {
			next = best;
			best = i;
		} else if (is_preferred(board, packs, i, next)) {
			next = i;
		}
	}
	ret->next = next == NQ_NONE ? full : next;
	if (best == NQ_NONE)
		return false;
	ret->place = (struct nq_place){ best, board->queues[best].cpu, false, false, 0 };
	return true;
}

static bool can_bring(const struct nq_match *match, uint32_t unit, uint32_t queue)
{
	const struct nq_board *board = match->draft->board;
	const struct nq_board_queue *self = &board->queues[queue];
	bool own = board->units[unit].rx_queue == queue && self->users == 1 && !self->taken;
	struct nq_reason ignored;

	return self->pnic == board->units[unit].pnic && self->movable && !self->is_default &&
	       self->soft == board->pnics[self->pnic].soft && (own || !nq_board_used(board, queue)) &&
	       nq_market_admits(&match->market, unit, queue) &&
	       !nq_guard_holds(match->draft, NQ_ACTION_QUEUE_CPU, queue, &ignored);
}

bool nq_match_new(const struct nq_match *match, uint32_t unit, uint32_t node, struct nq_match_place *ret)
{
	const struct nq_board *board = match->draft->board;
	const struct nq_unit *self = &board->units[unit];
	uint32_t found = NQ_NONE, own = self->rx_queue, cpu;

	for (uint32_t i = nq_match_first_on(match, self->pnic, node); i != NQ_NONE; i = match->market.next_at[i])
		if (!nq_board_used(board, i) && i < found && nq_market_admits(&match->market, unit, i))
			found = i;
	if (found != NQ_NONE) {
		ret->place = (struct nq_place){ found, board->queues[found].cpu, false, true, 0 };
		return true;
	}
	cpu = nq_board_pick_cpu(board, node, NULL);
	if (cpu == NQ_NONE)
		return false;
	if (own != NQ_NONE && nq_board_queue_node(board, own) != node && can_bring(match, unit, own))
		found = own;
	for (uint32_t i = 0; i < board->n_queues && found == NQ_NONE; i++)
		if (i != own && can_bring(match, unit, i))
			found = i;
	if (found == NQ_NONE)
		return false;
	ret->place = (struct nq_place){ found, cpu, true, found != own, 0 };
	return true;
}

static void note_bring(struct nq_match *match, const struct nq_match_place *to, uint32_t from_cpu,
		       struct nq_proposal proposal)
{
	struct nq_board *board = match->draft->board;
	uint32_t from = from_cpu == NQ_NONE ? NQ_NONE : board->cpus[from_cpu].node;

	proposal.once_ns = board->policy->queue_cpu_once_ns;
	nq_board_note(board, NQ_NOTE_QUEUE, to->place.queue,
		      (struct nq_reason){ NQ_RULE_QUEUE_NEAR_VMS,
					  { nq_match_node_id(match, board->cpus[to->place.cpu].node),
					    nq_match_node_id(match, from) } },
		      (struct nq_rejected){ NQ_NONE, 0 }, &proposal);
}

/* The costs are for the reader of the plan; nothing was decided by them. */
void nq_match_move(struct nq_match *match, uint32_t unit, const struct nq_match_place *to, struct nq_reason reason)
{
	struct nq_board *board = match->draft->board;
	const struct nq_unit *self = &board->units[unit];
	uint32_t left = self->rx_queue, from_cpu = board->queues[to->place.queue].cpu;
	bool together =
		!self->paired && left != NQ_NONE && self->tx_queue == left && !board->queues[to->place.queue].soft;
	struct nq_proposal proposal = { .before_ns = nq_market_leaving(&match->market, unit),
					.remote_ns = nq_board_unit_path(board, unit),
					.once_ns = board->policy->steer_once_ns };
	struct nq_rejected rejected = { to->next,
					to->next == NQ_NONE ? 0 : nq_market_cost_at(&match->market, unit, to->next) };

	nq_market_take(&match->market, unit, &to->place);
	if (together)
		nq_board_steer(board, unit, to->place.queue, to->place.queue);
	proposal.after_ns = nq_market_leaving(&match->market, unit);
	if (to->place.bring)
		note_bring(match, to, from_cpu, proposal);
	if (to->place.queue != left)
		nq_board_note(board, NQ_NOTE_VNIC, self->vnic, reason, rejected, &proposal);
	match->draft->moves++;
}
