/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/quota.h"

#include "core/assign.h"
#include "core/cost.h"

#define PER_MILLE 1000u

bool nq_queue_suits(const struct nq_board *board, uint32_t queue, uint32_t pool)
{
	uint64_t wanted = board->policy->pools[pool].features;

	return (board->host->queues[queue].features & wanted) == wanted;
}

bool nq_unit_asks(const struct nq_board *board, const struct nq_unit *unit)
{
	uint64_t traffic = unit->rx + unit->tx;

	if (!unit->active || unit->fixed)
		return false;
	return unit->rx_queue != NQ_NONE || unit->lane > 0 ||
	       (traffic && traffic >= board->policy->pools[unit->pool].enter_pps);
}

/* On one that is not a default queue; those have no pool. */
static bool is_assigned(const struct nq_board *board, uint32_t queue)
{
	return queue != NQ_NONE && !board->queues[queue].is_default;
}

bool nq_unit_misfits(const struct nq_board *board, const struct nq_unit *unit)
{
	if (is_assigned(board, unit->rx_queue) &&
	    (board->queues[unit->rx_queue].pool != unit->pool || !nq_queue_suits(board, unit->rx_queue, unit->pool)))
		return true;
	return is_assigned(board, unit->tx_queue) && board->queues[unit->tx_queue].pool != unit->pool;
}

bool nq_unit_wants_alone(const struct nq_board *board, const struct nq_unit *unit)
{
	uint64_t limit = board->policy->pools[unit->pool].exclusive_pps, traffic = unit->rx + unit->tx;

	if (limit == 0 || !unit->active || traffic == 0)
		return false;
	return traffic > limit ||
	       (is_assigned(board, unit->rx_queue) && board->queues[unit->rx_queue].users == 1 && traffic > limit / 2);
}

bool nq_unit_is_crowded(const struct nq_board *board, const struct nq_unit *unit)
{
	return is_assigned(board, unit->rx_queue) && board->queues[unit->rx_queue].users > 1 &&
	       nq_unit_wants_alone(board, unit);
}

void nq_quota_order(const struct nq_policy *policy, uint32_t *ret)
{
	for (uint32_t i = 0; i < policy->n_pools; i++) {
		uint32_t at = i;

		for (; at && policy->pools[ret[at - 1]].priority < policy->pools[i].priority; at--)
			ret[at] = ret[at - 1];
		ret[at] = i;
	}
}

/* In use, or to be had. */
static bool is_assignable(const struct nq_board *board, uint32_t queue)
{
	const struct nq_board_queue *self = &board->queues[queue];

	if (!nq_market_reaches(board, queue))
		return false;
	return nq_board_used(board, queue) || self->movable || (self->cpu != NQ_NONE && board->cpus[self->cpu].online);
}

/* What the asking units of one pool on one pnic want together. */
static void add_demand(struct nq_board *board, const struct nq_unit *unit)
{
	struct nq_board_claim *claim = &board->claims[(size_t)unit->pnic * board->n_pools + unit->pool];
	uint64_t floor = board->policy->pools[unit->pool].floor_pps;
	uint64_t demand = unit->rx + (unit->paired ? unit->tx : 0);

	claim->present++;
	if (!nq_unit_asks(board, unit))
		return;
	claim->asking++;
	if (nq_unit_wants_alone(board, unit))
		claim->alone++;
	else
		claim->demand = nq_sat_add(claim->demand, demand > floor ? demand : floor);
}

static uint32_t least(uint64_t a, uint64_t b)
{
	return (uint32_t)(a < b ? a : b);
}

/* Queues that the demand needs. */
static uint32_t need_of(const struct nq_board *board, uint32_t pool, const struct nq_board_claim *claim)
{
	const struct nq_policy *policy = board->policy;
	uint64_t room = policy->queue_capacity_pps * policy->queue_full / PER_MILLE;
	uint64_t shared = claim->asking > claim->alone, queues;

	room = room ? room : 1;
	queues = claim->demand / room + (claim->demand % room != 0);
	queues = (queues > shared ? queues : shared) + claim->alone;
	return least(least(queues, claim->asking), policy->pools[pool].max);
}

static uint32_t count_suited(const struct nq_board *board, uint32_t pnic, uint32_t pool)
{
	uint32_t n = 0;

	if (board->policy->pools[pool].features == 0)
		return board->pnics[pnic].assignable;
	for (uint32_t i = 0; i < board->n_queues; i++)
		n += board->queues[i].pnic == pnic && is_assignable(board, i) && nq_queue_suits(board, i, pool);
	return n;
}

/* Twice round: what each has a right to, then what each needs. */
static void grant_pnic(struct nq_board *board, uint32_t pnic, const uint32_t *order)
{
	struct nq_board_claim *claims = &board->claims[(size_t)pnic * board->n_pools];
	uint32_t left = board->pnics[pnic].assignable;

	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < board->n_pools; i++) {
			uint32_t pool = order[i], wanted, more;

			if (claims[pool].present == 0)
				continue;
			wanted = round ? need_of(board, pool, &claims[pool])
				       : least(board->policy->pools[pool].min, claims[pool].present);
			wanted = wanted ? least(wanted, count_suited(board, pnic, pool)) : 0;
			more = wanted > claims[pool].grant ? wanted - claims[pool].grant : 0;
			more = least(more, left);
			claims[pool].grant += more;
			left -= more;
		}
}

void nq_quota_grant(struct nq_board *board)
{
	uint32_t order[NQ_MAX_POOLS];
	size_t n = (size_t)board->n_pnics * board->n_pools;

	nq_quota_order(board->policy, order);
	for (size_t i = 0; i < n; i++) {
		board->claims[i] = (struct nq_board_claim){ 0 };
		board->quota[i] = (uint32_t)board->policy->pools[i % board->n_pools].max;
	}
	for (uint32_t i = 0; i < board->n_pnics; i++)
		board->pnics[i].assignable = board->pnics[i].claimed = 0;
	for (uint32_t i = 0; i < board->n_queues; i++)
		board->pnics[board->queues[i].pnic].assignable += is_assignable(board, i);
	for (uint32_t i = 0; i < board->n_units; i++)
		if (board->units[i].active && !board->units[i].fixed)
			add_demand(board, &board->units[i]);
	for (uint32_t i = 0; i < board->n_pnics; i++)
		grant_pnic(board, i, order);
	for (size_t i = 0; i < n; i++)
		board->pnics[i / board->n_pools].claimed +=
			board->count[i] > board->claims[i].grant ? board->count[i] : board->claims[i].grant;
}

bool nq_quota_open(const struct nq_board *board, uint32_t pnic, uint32_t pool)
{
	size_t at = (size_t)pnic * board->n_pools + pool;

	if (board->count[at] >= board->quota[at])
		return false;
	return board->count[at] < board->claims[at].grant || board->pnics[pnic].claimed < board->pnics[pnic].assignable;
}

uint32_t nq_quota_short(const struct nq_board *board, uint32_t pnic, uint32_t pool)
{
	size_t at = (size_t)pnic * board->n_pools + pool;
	uint32_t wanted = least(board->claims[at].grant, board->claims[at].asking);

	return wanted > board->count[at] ? wanted - board->count[at] : 0;
}

bool nq_quota_takes(const struct nq_board *board, uint32_t pool, uint32_t queue)
{
	const struct nq_board_queue *self = &board->queues[queue];
	const struct nq_pool *pools = board->policy->pools;
	size_t at = (size_t)self->pnic * board->n_pools + self->pool;

	return nq_market_reaches(board, queue) && self->users && !self->taken &&
	       pools[self->pool].priority < pools[pool].priority && board->count[at] > board->claims[at].grant &&
	       nq_queue_suits(board, queue, pool);
}

/* Of what the pool lacks, what no free queue gives it and a lower pool could; *free: not yet spoken for. */
static uint32_t missing_of(const struct nq_board *board, uint32_t pnic, uint32_t pool, uint32_t *free)
{
	uint32_t lack = nq_quota_short(board, pnic, pool), suited = 0, held = 0, got;

	if (lack == 0)
		return 0;
	for (uint32_t i = 0; i < board->n_queues; i++) {
		if (board->queues[i].pnic != pnic)
			continue;
		suited += !nq_board_used(board, i) && is_assignable(board, i) && nq_queue_suits(board, i, pool);
		held += nq_quota_takes(board, pool, i);
	}
	got = least(least(lack, suited), *free);
	*free -= got;
	return least(lack - got, held);
}

uint64_t nq_quota_missing(const struct nq_board *board)
{
	uint32_t order[NQ_MAX_POOLS];
	uint64_t missing = 0;

	nq_quota_order(board->policy, order);
	for (uint32_t pnic = 0; pnic < board->n_pnics; pnic++) {
		uint32_t free = board->pnics[pnic].assignable;

		for (uint32_t i = 0; i < board->n_pools; i++) {
			uint32_t used = board->count[(size_t)pnic * board->n_pools + i];

			free -= least(used, free);
		}
		for (uint32_t i = 0; i < board->n_pools; i++)
			missing += missing_of(board, pnic, order[i], &free);
	}
	return missing;
}

uint64_t nq_quota_claims(struct nq_board *board)
{
	uint64_t claims;

	nq_quota_grant(board);
	claims = nq_quota_missing(board);
	for (uint32_t i = 0; i < board->n_units; i++) {
		const struct nq_unit *unit = &board->units[i];

		if (unit->rx_queue != NQ_NONE || unit->tx_queue != NQ_NONE)
			claims += nq_unit_misfits(board, unit) + nq_unit_is_crowded(board, unit);
	}
	return claims;
}
