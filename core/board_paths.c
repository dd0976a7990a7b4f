/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ways: through the default queues, to a vm wherever its vCPUs are, the shortest. */
#include "core/arena.h"
#include "core/board_parts.h"
#include "core/cost.h"

/* One packet's path, as far as it is the same for all default queues. */
typedef uint64_t (*path_fn)(const struct nq_board *board, uint32_t pnic, const uint32_t *deliver, uint32_t queue_node);

uint64_t nq_board_hard_path(const struct nq_board *board, uint32_t pnic, const uint32_t *deliver, uint32_t queue_node)
{
	return nq_board_arrive(board, pnic, false, queue_node) + deliver[queue_node];
}

static uint64_t mean_over_defaults(const struct nq_board *board, uint32_t pnic, const uint32_t *row, path_fn path)
{
	struct nq_mean mean = { 0 };
	uint32_t home = board->pnics[pnic].node;

	for (uint32_t i = board->pnics[pnic].first_default; i != NQ_NONE; i = board->queues[i].next_default) {
		uint32_t node = nq_board_queue_node(board, i);

		if (node != NQ_NONE)
			nq_mean_add(&mean, board->queues[i].weight, path(board, pnic, row, node));
	}
	if (mean.weight)
		return nq_mean_value(&mean);
	return home == NQ_NONE ? 0 : path(board, pnic, row, home);
}

static uint32_t shortest_way(const struct nq_board *board, uint32_t pnic, const uint32_t *deliver)
{
	uint32_t least = UINT32_MAX;

	for (uint32_t i = 0; i < board->n_nodes; i++) {
		uint32_t way = nq_board_arrive(board, pnic, board->pnics[pnic].soft, i) + deliver[i];

		if (board->nodes[i].cpus && way < least)
			least = way;
	}
	return least == UINT32_MAX ? 0 : least;
}

uint32_t nq_board_shortest(const struct nq_board *board, uint32_t unit)
{
	const struct nq_unit *self = &board->units[unit];
	const struct nq_board_vm *vm = &board->vms[self->vm];

	return vm->node == NQ_NONE ? shortest_way(board, self->pnic, vm->deliver)
				   : board->shortest[(size_t)self->pnic * board->n_nodes + vm->node];
}

void nq_board_default_tables(struct nq_board *board)
{
	size_t n = board->n_nodes;

	for (uint32_t pnic = 0; pnic < board->n_pnics; pnic++)
		for (uint32_t node = 0; node < n; node++) {
			uint32_t *soft = &board->arrive[((size_t)pnic * 2 + 1) * n + node];

			board->default_path[pnic * n + node] = (uint32_t)mean_over_defaults(
				board, pnic, &board->handoff[node * n], nq_board_hard_path);
			*soft = (uint32_t)(board->policy->soft_hop_ns * NQ_FIXED);
			for (uint32_t i = 0; i < n; i++)
				board->row[i] = nq_cost_remote(board->host, board->policy->dma_remote_ns, i, node);
			*soft += (uint32_t)mean_over_defaults(board, pnic, board->row, nq_board_hard_path);
		}
	for (uint32_t pnic = 0; pnic < board->n_pnics; pnic++)
		for (uint32_t node = 0; node < n; node++)
			board->shortest[pnic * n + node] = shortest_way(board, pnic, &board->handoff[node * n]);
}

/* The mean over the nodes where default traffic of the vnic was seen to be served; 0 weight when that is not known. */
static struct nq_mean mean_over_served(const struct nq_board *board, const struct nq_unit *unit)
{
	const struct nq_vnic *vnic = &board->host->vnics[unit->vnic];
	struct nq_mean mean = { 0 };
	uint64_t total = 0;

	if (vnic->served_by == NQ_SERVED_UNKNOWN || vnic->rx_queue != NQ_NONE ||
	    board->pnics[unit->pnic].defaults_moved)
		return mean;
	for (uint32_t i = 0; i < board->n_nodes; i++)
		total += vnic->served[i];
	mean = nq_mean_of_total(total);
	for (uint32_t i = 0; total && i < board->n_nodes; i++)
		if (vnic->served[i])
			nq_mean_add(&mean, vnic->served[i],
				    nq_board_hard_path(board, unit->pnic, board->vms[unit->vm].deliver, i));
	return mean;
}

bool nq_board_default_remote(const struct nq_board *board, uint32_t unit)
{
	const struct nq_unit *self = &board->units[unit];
	const struct nq_vnic *vnic = &board->host->vnics[self->vnic];
	const uint32_t *deliver = board->vms[self->vm].deliver;
	bool known = mean_over_served(board, self).weight, remote = false;

	for (uint32_t i = 0; known && i < board->n_nodes; i++)
		remote = remote || (vnic->served[i] && deliver[i]);
	if (known)
		return remote;
	for (uint32_t i = board->pnics[self->pnic].first_default; i != NQ_NONE; i = board->queues[i].next_default) {
		uint32_t node = nq_board_queue_node(board, i);

		remote = remote || (node != NQ_NONE && board->queues[i].weight && deliver[node]);
	}
	return remote;
}

void nq_board_default_paths(struct nq_board *board, uint32_t unit)
{
	struct nq_unit *self = &board->units[unit];
	const struct nq_board_vm *vm = &board->vms[self->vm];
	struct nq_mean served = mean_over_served(board, self);

	if (vm->node != NQ_NONE)
		self->default_tx = board->default_path[(size_t)self->pnic * board->n_nodes + vm->node];
	else
		self->default_tx = (uint32_t)mean_over_defaults(board, self->pnic, vm->deliver, nq_board_hard_path);
	self->default_rx = served.weight ? (uint32_t)nq_mean_value(&served) : self->default_tx;
}

/* Several nodes are averaged by the memory on each, evenly when there is none. */
static void fill_deliver(const struct nq_board *board, const struct nq_nodeset *home, const uint64_t *mem,
			 uint32_t *row)
{
	uint64_t total = 0;

	for (uint32_t i = nq_nodeset_next(home, 0); i != NQ_NONE; i = nq_nodeset_next(home, i + 1))
		total = nq_sat_add(total, mem[i]);
	for (uint32_t queue = 0; queue < board->n_nodes; queue++) {
		struct nq_mean mean = nq_mean_of_total(total);

		for (uint32_t i = nq_nodeset_next(home, 0); i != NQ_NONE; i = nq_nodeset_next(home, i + 1))
			nq_mean_add(&mean, total ? mem[i] : 1, board->handoff[(size_t)i * board->n_nodes + queue]);
		row[queue] = (uint32_t)nq_mean_value(&mean);
	}
}

void nq_board_set_deliver(struct nq_board *board, uint32_t vm)
{
	struct nq_board_vm *self = &board->vms[vm];
	uint32_t *row;

	self->node = nq_nodeset_single(nq_board_home_of(board, vm));
	if (self->node != NQ_NONE) {
		self->deliver = &board->handoff[(size_t)self->node * board->n_nodes];
		return;
	}
	self->deliver = board->handoff; /* never read: the plan is off */
	row = nq_arena_take(board->arena, board->n_nodes * sizeof(*row));
	board->failed = board->failed || !row;
	if (!row)
		return;
	fill_deliver(board, nq_board_home_of(board, vm), nq_board_mem_of(board, vm), row);
	self->deliver = row;
}

static void renew_default_paths(struct nq_board *board, uint32_t vm)
{
	for (uint32_t i = board->vms[vm].first_unit; i != NQ_NONE; i = board->next_of_vm[i])
		nq_board_default_paths(board, i);
}

struct nq_board_vm nq_board_suppose(struct nq_board *board, uint32_t vm, const struct nq_nodeset *home,
				    const uint64_t *mem)
{
	struct nq_board_vm *self = &board->vms[vm], former = *self;

	self->node = nq_nodeset_single(home);
	if (self->node == NQ_NONE)
		fill_deliver(board, home, mem, board->row);
	self->deliver = self->node == NQ_NONE ? board->row : &board->handoff[(size_t)self->node * board->n_nodes];
	renew_default_paths(board, vm);
	return former;
}

void nq_board_recall(struct nq_board *board, uint32_t vm, const struct nq_board_vm *former)
{
	board->vms[vm] = *former;
	renew_default_paths(board, vm);
}

void nq_board_refresh(struct nq_board *board)
{
	for (uint32_t i = 0; i < board->n_queues; i++) {
		struct nq_board_queue *queue = &board->queues[i];
		uint64_t through;

		if (!queue->weight)
			continue;
		through = nq_board_share(board, i, 0) + nq_board_share(board, i, 1);
		if (queue->cpu != NQ_NONE)
			board->cpus[queue->cpu].load += through - queue->through;
		queue->through = through;
	}
	for (uint32_t pnic = 0; pnic < board->n_pnics; pnic++)
		if (board->pnics[pnic].defaults_stale) {
			nq_board_default_tables(board);
			for (uint32_t i = 0; i < board->n_units; i++)
				nq_board_default_paths(board, i);
			for (pnic = 0; pnic < board->n_pnics; pnic++)
				board->pnics[pnic].defaults_stale = false;
		}
}
