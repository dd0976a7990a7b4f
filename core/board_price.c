/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What things on the board cost. */
#include "core/board_parts.h"
#include "core/cost.h"
#include "core/quota.h"

#define PER_MILLE 1000u

uint64_t nq_board_ppm(const struct nq_board *board, uint32_t cpu, uint64_t load)
{
	return (uint64_t)board->cpus[cpu].other * (NQ_PPM / PER_MILLE) +
	       nq_mul_div(load, NQ_PPM, board->policy->queue_capacity_pps);
}

uint64_t nq_board_cpu_waiting(const struct nq_board *board, uint32_t cpu, uint64_t load)
{
	return nq_cost_waiting(nq_board_ppm(board, cpu, load)) * board->policy->queue_wait;
}

/* What the default queues of that pnic bring to the CPU when so much goes through all of them. */
static uint64_t through_on(const struct nq_board *board, uint32_t pnic, uint32_t cpu, const uint64_t through[2])
{
	uint64_t load = 0;

	for (uint32_t i = board->cpus[cpu].first_queue; i != NQ_NONE; i = board->queues[i].next_on_cpu) {
		const struct nq_board_queue *self = &board->queues[i];

		if (self->pnic == pnic && self->weight)
			load += nq_mul_div(through[0], self->weight, board->pnics[pnic].weight) +
				nq_mul_div(through[1], self->weight, board->pnics[pnic].weight);
	}
	return load;
}

/* The CPU's load without what goes through the default queues of that pnic, as last refreshed. */
static uint64_t others_on(const struct nq_board *board, uint32_t pnic, uint32_t cpu)
{
	uint64_t load = board->cpus[cpu].load;

	for (uint32_t i = board->cpus[cpu].first_queue; i != NQ_NONE; i = board->queues[i].next_on_cpu)
		if (board->queues[i].pnic == pnic)
			load -= board->queues[i].through;
	return load;
}

/* The first default queue of its pnic on its CPU speaks for all of them there. */
static bool is_first_default(const struct nq_board *board, uint32_t queue)
{
	uint32_t i = board->cpus[board->queues[queue].cpu].first_queue;

	while (board->queues[i].pnic != board->queues[queue].pnic || !board->queues[i].weight)
		i = board->queues[i].next_on_cpu;
	return i == queue;
}

uint64_t nq_board_relief(const struct nq_board *board, uint32_t unit)
{
	const struct nq_unit *self = &board->units[unit];
	const struct nq_board_pnic *pnic = &board->pnics[self->pnic];
	uint64_t after[2] = { pnic->through[0], pnic->through[1] }, saved = 0;

	if (self->rx_queue == NQ_NONE && !pnic->soft)
		after[0] -= self->rx;
	if (self->tx_queue == NQ_NONE && self->paired)
		after[1] -= self->tx;
	for (uint32_t i = pnic->first_default; i != NQ_NONE; i = board->queues[i].next_default) {
		uint32_t cpu = board->queues[i].cpu;
		uint64_t others, now, then;

		if (cpu == NQ_NONE || !board->queues[i].weight || !is_first_default(board, i))
			continue;
		others = others_on(board, self->pnic, cpu);
		now = through_on(board, self->pnic, cpu, pnic->through);
		then = through_on(board, self->pnic, cpu, after);
		saved = nq_sat_add(saved, nq_board_cpu_waiting(board, cpu, others + now) -
						  nq_board_cpu_waiting(board, cpu, others + then));
	}
	return saved;
}

uint64_t nq_board_node_waiting(const struct nq_board *board, uint32_t node, uint64_t busy)
{
	uint32_t cpus = board->nodes[node].cpus;

	if (cpus == 0)
		return 0;
	return nq_sat_mul(nq_cost_waiting(nq_mul_div(busy, NQ_PPM / PER_MILLE, cpus)) * cpus, board->policy->vcpu_wait);
}

uint64_t nq_board_queue_used(const struct nq_board *board, uint32_t pool)
{
	const uint64_t factors[NQ_CRITERIA_COUNT] = {
		[NQ_CRITERIA_BALANCE] = 1,
		[NQ_CRITERIA_DISTRIBUTE] = 0,
		[NQ_CRITERIA_PACK] = NQ_PACK_FACTOR,
	};

	return board->policy->queue_used_ns * factors[board->policy->pools[pool].criteria];
}

uint64_t nq_board_unit_path(const struct nq_board *board, uint32_t unit)
{
	const struct nq_unit *self = &board->units[unit];
	const uint32_t *deliver = board->vms[self->vm].deliver;
	uint64_t rx = self->default_rx, tx = self->default_tx;
	uint32_t rx_node = nq_board_queue_node(board, self->rx_queue),
		 tx_node = nq_board_queue_node(board, self->tx_queue);

	if (self->rx_queue != NQ_NONE)
		rx = rx_node == NQ_NONE
			     ? 0
			     : nq_board_arrive(board, self->pnic, board->queues[self->rx_queue].soft, rx_node) +
				       deliver[rx_node];
	if (self->tx_queue != NQ_NONE)
		tx = tx_node == NQ_NONE ? 0 : nq_board_hard_path(board, self->pnic, deliver, tx_node);
	return nq_sat_add(nq_cost_of(self->rx, rx), nq_cost_of(self->tx, tx));
}

static uint64_t base_cost(const struct nq_board *board, uint32_t vnic)
{
	const struct nq_vnic *self = &board->host->vnics[vnic];

	return nq_sat_mul(self->rx.packets + self->tx.packets, board->policy->packet_ns);
}

uint64_t nq_board_vnic_cost(const struct nq_board *board, uint32_t vnic)
{
	uint64_t cost = base_cost(board, vnic);

	for (uint32_t i = board->first_unit[vnic]; i < board->first_unit[vnic + 1]; i++)
		if (board->units[i].active)
			cost = nq_sat_add(cost, nq_board_unit_path(board, i));
	return cost;
}

void nq_board_set_memory(struct nq_board *board, uint32_t vm)
{
	struct nq_board_vm *self = &board->vms[vm];
	const uint64_t *mem = nq_board_mem_of(board, vm);
	uint32_t busy = board->host->vms[vm].busy;

	self->memory_ns = 0;
	if (busy == 0)
		return;
	if (self->node != NQ_NONE) {
		self->memory_ns = nq_cost_memory_from(board->host, board->policy, busy, mem, self->node);
		return;
	}
	nq_board_clients(board, vm, board->weights);
	self->memory_ns = nq_board_vm_memory(board, vm, board->weights, mem);
}

uint64_t nq_board_vm_memory(const struct nq_board *board, uint32_t vm, const uint32_t *clients, const uint64_t *mem)
{
	return nq_cost_memory(board->host, board->policy, board->host->vms[vm].busy, mem, clients);
}

uint64_t nq_board_cost(struct nq_board *board)
{
	uint64_t cost = 0;

	nq_board_refresh(board);
	for (uint32_t i = 0; i < board->host->n_vnics; i++)
		cost = nq_sat_add(cost, nq_board_vnic_cost(board, i));
	for (uint32_t i = 0; i < board->n_cpus; i++)
		cost = nq_sat_add(cost, nq_board_cpu_waiting(board, i, board->cpus[i].load) +
						(board->cpus[i].used ? board->policy->cpu_used_ns : 0));
	for (uint32_t i = 0; i < board->n_nodes; i++)
		cost = nq_sat_add(cost,
				  nq_board_node_waiting(board, i, board->nodes[i].background + board->nodes[i].vms));
	for (uint32_t i = 0; i < board->n_queues; i++)
		if (board->queues[i].users && !board->queues[i].is_default)
			cost = nq_sat_add(cost, nq_board_queue_used(board, board->queues[i].pool));
	for (uint32_t i = 0; i < board->n_vms; i++)
		cost = nq_sat_add(cost, board->vms[i].memory_ns);
	return nq_sat_add(cost, nq_sat_mul(nq_quota_claims(board), NQ_CLAIM_NS));
}
