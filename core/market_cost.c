/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Room. The queues of a CPU may together take queue_full (850 per mille: the patent's overflow examples are 85 to 90
 * %) of queue_capacity_pps; an idle CPU takes any one unit. A queue in use whose thread is measured that busy takes
 * none, however few its packets. So a plan makes no CPU fuller than it was, than that, or
 * than a single unit makes it, wherever it is: no node is made to suffer for the average of the host.
 */
#include "core/market_parts.h"

#include "core/cost.h"
#include "core/quota.h"

uint64_t nq_unit_demand(const struct nq_unit *unit)
{
	return unit->rx + (unit->paired ? unit->tx : 0);
}

/* What the path costs when the unit is received on that node, ns/s; sending goes along when it is paired. */
static uint64_t path_at(const struct nq_market *market, const struct nq_unit *unit, uint32_t node)
{
	const struct nq_board *board = market->board;
	uint64_t path = (uint64_t)nq_board_arrive(board, unit->pnic, board->pnics[unit->pnic].soft, node) +
			board->vms[unit->vm].deliver[node];

	return nq_cost_of(nq_unit_demand(unit), path);
}

/* The CPU's load as if the unit were not there. */
uint64_t nq_market_load_without(const struct nq_board *board, const struct nq_unit *unit, uint32_t cpu)
{
	uint64_t load = board->cpus[cpu].load;

	if (unit->rx_queue != NQ_NONE && board->queues[unit->rx_queue].cpu == cpu)
		load -= unit->rx;
	if (unit->paired && unit->tx_queue != NQ_NONE && board->queues[unit->tx_queue].cpu == cpu)
		load -= unit->tx;
	return load;
}

/*
 * Does its first user pay for the queue? Also for one that somebody unknown uses: a host that was planned does not tell
 * it from others.
 */
bool nq_market_is_unpaid(const struct nq_board *board, uint32_t queue)
{
	return !board->queues[queue].users;
}

uint64_t nq_market_cost_on(const struct nq_market *market, const struct nq_unit *unit, uint32_t cpu, bool open)
{
	const struct nq_board *board = market->board;
	uint64_t load = nq_market_load_without(board, unit, cpu);
	uint64_t waiting =
		nq_board_cpu_waiting(board, cpu, load + nq_unit_demand(unit)) - nq_board_cpu_waiting(board, cpu, load);

	return nq_sat_add(path_at(market, unit, board->cpus[cpu].node),
			  nq_sat_add(waiting, open ? nq_board_queue_used(board, unit->pool) : 0));
}

uint64_t nq_market_cost_at(const struct nq_market *market, uint32_t unit, uint32_t queue)
{
	return nq_market_cost_on(market, &market->board->units[unit], market->board->queues[queue].cpu,
				 nq_market_is_unpaid(market->board, queue));
}

/*
 * What is waited less for the default queues when the unit leaves them; as long as ways decide (see pass() in
 * core/assign.c) no more than it would wait by itself anywhere.
 */
static uint64_t relief(const struct nq_market *market, uint32_t unit)
{
	const struct nq_policy *policy = market->board->policy;
	uint64_t saved = nq_board_relief(market->board, unit);
	uint64_t demand = nq_unit_demand(&market->board->units[unit]);
	uint64_t alone = nq_cost_waiting(nq_mul_div(demand, NQ_PPM, policy->queue_capacity_pps)) * policy->queue_wait;

	return market->relief || saved < alone ? saved : alone;
}

uint64_t nq_market_leaving(const struct nq_market *market, uint32_t unit)
{
	const struct nq_board *board = market->board;
	const struct nq_unit *self = &board->units[unit];
	const struct nq_board_queue *queue = &board->queues[self->rx_queue];
	uint64_t saved;

	if (self->rx_queue == NQ_NONE)
		return nq_sat_add(relief(market, unit),
				  nq_sat_add(nq_cost_of(self->rx, self->default_rx),
					     self->paired ? nq_cost_of(self->tx, self->default_tx) : 0));
	saved = queue->users == 1 ? nq_board_queue_used(board, queue->pool) : 0;
	if (queue->cpu == NQ_NONE)
		return saved;
	if (self->paired && self->tx_queue != self->rx_queue) {
		/* half-paired, as it was found: sending by its own path */
		saved = nq_sat_add(saved, nq_board_unit_path(board, unit));
		return nq_sat_add(saved, nq_board_cpu_waiting(board, queue->cpu, board->cpus[queue->cpu].load) -
						 nq_board_cpu_waiting(board, queue->cpu,
								      nq_market_load_without(board, self, queue->cpu)));
	}
	return nq_sat_add(saved, nq_market_cost_on(market, self, queue->cpu, false));
}

bool nq_market_has_room(const struct nq_market *market, uint32_t queue, uint32_t cpu, uint64_t packets)
{
	const struct nq_policy *policy = market->board->policy;
	uint64_t load = market->board->cpus[cpu].load + market->board->cpus[cpu].promised;

	if (market->board->queues[queue].cpu != cpu)
		load += market->board->queues[queue].load; /* brought, with what passes through it */
	if (load == 0)
		return true;
	if (nq_board_used(market->board, queue) && market->board->host->queues[queue].busy >= policy->queue_full)
		return false;
	return load + packets <= policy->queue_capacity_pps * policy->queue_full / 1000;
}

static bool has_sibling_on(const struct nq_board *board, uint32_t unit, uint32_t queue)
{
	const struct nq_unit *self = &board->units[unit];

	for (uint32_t i = board->first_unit[self->vnic]; i < board->first_unit[self->vnic + 1]; i++)
		if (i != unit && board->units[i].rx_queue == queue)
			return true;
	return false;
}

bool nq_market_has_rule(const struct nq_board *board, const struct nq_unit *unit)
{
	const struct nq_board_pnic *pnic = &board->pnics[unit->pnic];

	return unit->rx_queue != NQ_NONE || unit->lane > 0 || pnic->rules < pnic->rules_max;
}

/* Somebody else there wants the queue for itself (Q6), whether it has it already or not. */
static bool is_claimed(const struct nq_board *board, uint32_t unit, uint32_t queue)
{
	const struct nq_board_queue *self = &board->queues[queue];

	return self->exclusive || self->loners > (board->units[unit].rx_queue == queue && board->units[unit].exclusive);
}

bool nq_market_admits(const struct nq_market *market, uint32_t unit, uint32_t queue)
{
	const struct nq_board *board = market->board;
	const struct nq_unit *self = &board->units[unit];
	const struct nq_board_queue *target = &board->queues[queue];
	bool used = nq_board_used(board, queue), alone = target->users == 1 && self->rx_queue == queue;

	if (!nq_market_has_rule(board, self) || !nq_queue_suits(board, queue, self->pool))
		return false;
	if (used && !alone && (target->pool != self->pool || is_claimed(board, unit, queue) || self->exclusive))
		return false;
	if (!used && !nq_quota_open(board, self->pnic, self->pool))
		return false;
	return board->first_unit[self->vnic + 1] - board->first_unit[self->vnic] == 1 ||
	       !has_sibling_on(board, unit, queue);
}
