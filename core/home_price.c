/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a home costs: the parts of the board's cost that depend on where a vm is. */
#include "core/cost.h"
#include "core/homes.h"

/* Can steering bring the unit to the best way? */
static bool is_assignable(const struct nq_board *board, const struct nq_unit *unit)
{
	enum nq_assignment assignment = (enum nq_assignment)board->policy->assignment;
	const struct nq_vnic *vnic = &board->host->vnics[unit->vnic];

	if (unit->fixed || assignment == NQ_ASSIGN_NONE || assignment == NQ_ASSIGN_STATIC)
		return false;
	return unit->rx_queue != NQ_NONE ||
	       vnic->rx.packets + vnic->tx.packets >= board->policy->pools[unit->pool].enter_pps;
}

/* The best ways to its vCPUs, averaged. */
static uint64_t best_ways(const struct nq_homes *homes, const struct nq_unit *unit, const uint32_t *clients)
{
	const struct nq_board *board = homes->board;
	struct nq_mean mean = { 0 };

	for (uint32_t i = 0; i < board->n_nodes; i++)
		if (clients[i])
			nq_mean_add(&mean, clients[i], homes->path[(size_t)unit->pnic * board->n_nodes + i]);
	return nq_cost_of(unit->rx + unit->tx, nq_mean_value(&mean));
}

/* Ways of all its units; clients NULL: as the queues are. */
static uint64_t ways_of(const struct nq_homes *homes, uint32_t vm, const uint32_t *clients)
{
	const struct nq_board *board = homes->board;
	uint64_t cost = 0;

	for (uint32_t i = board->vms[vm].first_unit; i != NQ_NONE; i = board->next_of_vm[i]) {
		const struct nq_unit *unit = &board->units[i];
		bool free_to_choose = clients && is_assignable(board, unit);

		if (unit->active)
			cost = nq_sat_add(cost, free_to_choose ? best_ways(homes, unit, clients)
							       : nq_board_unit_path(board, i));
	}
	return cost;
}

static uint64_t waiting_on(const struct nq_homes *homes, uint32_t node, uint64_t share)
{
	const struct nq_board *board = homes->board;

	return nq_board_node_waiting(board, node, homes->busy[node] + share) -
	       nq_board_node_waiting(board, node, homes->busy[node]);
}

/* What its vCPUs add to the waiting of all. */
static uint64_t waiting_of(const struct nq_homes *homes, uint32_t vm, const uint32_t *clients)
{
	const struct nq_board *board = homes->board;
	uint64_t cost = 0;

	for (uint32_t i = 0; i < board->n_nodes; i++) {
		uint64_t share = clients[i] ? nq_board_vm_share(board, vm, clients, i) : 0;

		if (share)
			cost = nq_sat_add(cost, waiting_on(homes, i, share));
	}
	return cost;
}

/* On one node: what moves is all there, nothing has to be dealt. */
static void price_one(struct nq_homes *homes, uint32_t vm, uint32_t node, struct nq_home *home)
{
	const struct nq_board *board = homes->board;
	const struct nq_vm *self = &board->host->vms[vm];
	const uint64_t *mem = nq_board_mem_of(board, vm);

	home->bytes = self->mem_fixed ? 0 : nq_homes_outside(homes, vm, node);
	home->waiting_ns = self->busy ? waiting_on(homes, node, self->busy) : 0;
	home->memory_ns = self->mem_fixed ? nq_board_vm_memory(board, vm, home->clients, mem) : 0;
}

void nq_homes_price(struct nq_homes *homes, uint32_t vm, bool as_queues_are, struct nq_home *home)
{
	struct nq_board *board = homes->board;
	uint32_t node = nq_nodeset_single(&home->nodes);
	struct nq_board_vm former;

	if (node != NQ_NONE) {
		price_one(homes, vm, node, home);
	} else {
		home->bytes = nq_homes_gather(homes, vm, &home->nodes, homes->mem);
		home->waiting_ns = waiting_of(homes, vm, home->clients);
		home->memory_ns = nq_board_vm_memory(board, vm, home->clients, homes->mem);
	}
	former = nq_board_suppose(board, vm, &home->nodes, homes->mem);
	home->ways_ns = ways_of(homes, vm, as_queues_are ? NULL : home->clients);
	nq_board_recall(board, vm, &former);
}

void nq_homes_price_now(struct nq_homes *homes, uint32_t vm, struct nq_home *ret)
{
	struct nq_board *board = homes->board;

	ret->nodes = *nq_board_home_of(board, vm);
	nq_board_clients(board, vm, ret->clients);
	ret->bytes = 0;
	ret->ways_ns = ways_of(homes, vm, NULL);
	ret->waiting_ns = waiting_of(homes, vm, ret->clients);
	ret->memory_ns = nq_board_vm_memory(board, vm, ret->clients, nq_board_mem_of(board, vm));
}

uint64_t nq_home_cost(const struct nq_home *home)
{
	return nq_sat_add(nq_sat_add(home->ways_ns, home->memory_ns), home->waiting_ns);
}
