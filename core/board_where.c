/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where things on the board are, and how what they cause is shared out. */
#include "core/board_parts.h"
#include "core/clients.h"
#include "core/cost.h"

#define PER_MILLE 1000u

uint32_t nq_board_queue_node(const struct nq_board *board, uint32_t queue)
{
	uint32_t cpu = queue == NQ_NONE ? NQ_NONE : board->queues[queue].cpu;

	return cpu == NQ_NONE ? NQ_NONE : board->cpus[cpu].node;
}

bool nq_board_used(const struct nq_board *board, uint32_t queue)
{
	const struct nq_board_queue *self = &board->queues[queue];

	return self->is_default || self->taken || self->users;
}

const struct nq_nodeset *nq_board_home_of(const struct nq_board *board, uint32_t vm)
{
	uint32_t home = board->vms[vm].home;

	return home == NQ_NONE ? &board->host->vms[vm].home : &board->homes[home].nodes;
}

bool nq_board_placed(const struct nq_board *board, uint32_t vm)
{
	uint32_t home = board->vms[vm].home;

	return home == NQ_NONE ? board->host->vms[vm].placed : board->homes[home].placed;
}

const uint64_t *nq_board_mem_of(const struct nq_board *board, uint32_t vm)
{
	uint32_t home = board->vms[vm].home;

	return home == NQ_NONE ? board->host->vms[vm].mem : board->homes[home].mem;
}

uint64_t nq_board_mem_free(const struct nq_board *board, uint32_t node)
{
	const struct nq_node *self = &board->host->nodes[node];
	uint64_t free = nq_sat_sub(nq_sat_add(self->mem_free, board->nodes[node].mem_out), board->nodes[node].mem_in);

	return free < self->mem_total ? free : self->mem_total;
}

uint64_t nq_board_outside(const struct nq_board *board, uint32_t vm, uint32_t node)
{
	const uint64_t *mem = nq_board_mem_of(board, vm);
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < board->n_nodes; i++)
		if (i != node)
			bytes = nq_sat_add(bytes, mem[i]);
	return bytes;
}

void nq_board_deal(const struct nq_board *board, uint32_t cpus, const struct nq_nodeset *home, uint32_t *ret)
{
	uint32_t nodes[NQ_MAX_NODES], n = 0;

	for (uint32_t i = 0; i < board->n_nodes; i++) {
		uint32_t node = board->by_id[i];
		bool member = nq_nodeset_has(home, node);

		ret[node] = member ? board->nodes[node].cores : 0;
		if (member)
			nodes[n++] = node;
	}
	nq_deal_vcpus(cpus, nodes, n, ret);
}

static bool any(const uint32_t *numbers, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (numbers[i])
			return true;
	return false;
}

void nq_board_clients(const struct nq_board *board, uint32_t vm, uint32_t *ret)
{
	const struct nq_nodeset *home = nq_board_home_of(board, vm);
	const uint32_t *own = board->vms[vm].home == NQ_NONE ? board->host->vms[vm].cpus_on
							     : board->homes[board->vms[vm].home].cpus_on;
	bool known = any(own, board->n_nodes), placed = nq_board_placed(board, vm);
	uint32_t single = nq_nodeset_single(home);

	for (uint32_t i = 0; i < board->n_nodes; i++) {
		bool floats = !placed && nq_nodeset_has(home, i);

		ret[i] = known ? own[i] : i == single ? 1 : floats ? board->nodes[i].cpus : 0;
	}
	if (!known && placed && single == NQ_NONE)
		nq_board_deal(board, board->host->vms[vm].cpus, home, ret);
}

uint64_t nq_board_vm_share(const struct nq_board *board, uint32_t vm, const uint32_t *clients, uint32_t node)
{
	uint64_t busy = board->host->vms[vm].busy, total = 0;

	for (uint32_t i = 0; busy && i < board->n_nodes; i++)
		total += clients[i];
	return total ? busy * clients[node] / total : 0;
}

uint64_t nq_board_work(const struct nq_board *board, uint64_t load)
{
	return nq_mul_div(load, PER_MILLE, board->policy->queue_capacity_pps);
}

uint64_t nq_board_share(const struct nq_board *board, uint32_t queue, int way)
{
	const struct nq_board_queue *self = &board->queues[queue];
	const struct nq_board_pnic *pnic = &board->pnics[self->pnic];

	return self->weight ? nq_mul_div(pnic->through[way], self->weight, pnic->weight) : 0;
}
