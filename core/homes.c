/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/homes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/cost.h"

#define MIB_SHIFT 20u

uint64_t nq_homes_owed(const struct nq_vm *vm)
{
	uint32_t owed = vm->busy > vm->reservation ? vm->busy : vm->reservation;

	return owed < vm->limit ? owed : vm->limit;
}

bool nq_homes_has_vcpus(const struct nq_vm *vm)
{
	return vm->kind == NQ_VM_DOMAIN || vm->kind == NQ_VM_PROCESS;
}

uint64_t nq_homes_once(const struct nq_homes *homes, uint64_t bytes)
{
	return nq_sat_mul((bytes + (UINT64_C(1) << MIB_SHIFT) - 1) >> MIB_SHIFT,
			  homes->board->policy->home_once_ns_per_mib);
}

/* Of the whole to the node, in proportion to its clients. */
static uint64_t part_of(const struct nq_board *board, uint64_t whole, const uint32_t *clients, uint32_t node)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < board->n_nodes; i++)
		total += clients[i];
	return total ? whole * clients[node] / total : 0;
}

/* Adds the vm to both sums, or takes it away; homes->clients says where it is. */
static void count(struct nq_homes *homes, uint32_t vm, bool put)
{
	const struct nq_board *board = homes->board;
	uint64_t owed = nq_homes_owed(&board->host->vms[vm]);

	for (uint32_t i = 0; i < board->n_nodes; i++) {
		uint64_t part, share;

		if (homes->clients[i] == 0)
			continue;
		part = part_of(board, owed, homes->clients, i);
		share = nq_board_vm_share(board, vm, homes->clients, i);
		homes->owed[i] += put ? part : -part;
		homes->busy[i] += put ? share : -share;
	}
}

void nq_homes_look_at(struct nq_homes *homes, uint32_t vm)
{
	homes->total = nq_board_outside(homes->board, vm, NQ_NONE);
}

/* A difference, but for sums that were capped. */
uint64_t nq_homes_outside(const struct nq_homes *homes, uint32_t vm, uint32_t node)
{
	return homes->total < NQ_MAX_VALUE ? homes->total - nq_board_mem_of(homes->board, vm)[node]
					   : nq_board_outside(homes->board, vm, node);
}

void nq_homes_lift(struct nq_homes *homes, uint32_t vm)
{
	nq_homes_look_at(homes, vm);
	nq_board_clients(homes->board, vm, homes->clients);
	count(homes, vm, false);
}

void nq_homes_put(struct nq_homes *homes, uint32_t vm)
{
	nq_board_clients(homes->board, vm, homes->clients);
	count(homes, vm, true);
}

static void sum_up(struct nq_homes *homes)
{
	const struct nq_board *board = homes->board;

	for (uint32_t i = 0; i < board->n_nodes; i++)
		homes->owed[i] = board->nodes[i].background;
	for (uint32_t i = 0; i < board->n_nodes; i++)
		homes->busy[i] = board->nodes[i].background + board->nodes[i].vms;
	for (uint32_t vm = 0; vm < board->n_vms; vm++) {
		uint64_t owed = nq_homes_owed(&board->host->vms[vm]);

		if (owed == 0)
			continue;
		if (board->vms[vm].node != NQ_NONE) {
			homes->owed[board->vms[vm].node] += owed;
			continue;
		}
		nq_board_clients(board, vm, homes->clients);
		for (uint32_t i = 0; i < board->n_nodes; i++)
			if (homes->clients[i])
				homes->owed[i] += part_of(board, owed, homes->clients, i);
	}
}

static void shorten(struct nq_homes *homes, uint32_t pnic, uint32_t queue_node, bool soft)
{
	const struct nq_board *board = homes->board;
	uint64_t *path = &homes->path[(size_t)pnic * board->n_nodes];

	for (uint32_t node = 0; node < board->n_nodes; node++) {
		uint64_t way = (uint64_t)nq_board_arrive(board, pnic, soft, queue_node) +
			       board->handoff[(size_t)node * board->n_nodes + queue_node];

		if (way < path[node])
			path[node] = way;
	}
}

/* Through the default queues, a queue that is there, or a free one that can be brought anywhere. */
static void find_paths(struct nq_homes *homes)
{
	const struct nq_board *board = homes->board;
	uint32_t everywhere = NQ_NONE; /* the pnic with a free queue that was seen last: its queues follow each other */

	for (uint32_t i = 0; i < board->n_pnics * board->n_nodes; i++)
		homes->path[i] = board->default_path[i];
	for (uint32_t i = 0; i < board->n_queues; i++) {
		const struct nq_board_queue *queue = &board->queues[i];
		const struct nq_board_pnic *pnic = &board->pnics[queue->pnic];
		uint32_t at = nq_board_queue_node(board, i);

		if (queue->is_default || !pnic->steers || pnic->soft != queue->soft)
			continue;
		if (at != NQ_NONE && board->cpus[queue->cpu].online)
			shorten(homes, queue->pnic, at, queue->soft);
		if (nq_board_used(board, i) || !queue->movable || queue->pnic == everywhere)
			continue;
		everywhere = queue->pnic;
		for (uint32_t node = 0; node < board->n_nodes; node++)
			if (board->nodes[node].cpus)
				shorten(homes, queue->pnic, node, queue->soft);
	}
}

int nq_homes_open(struct nq_homes *ret, const struct nq_draft *draft)
{
	struct nq_board *board = draft->board;
	size_t n = board->n_nodes;
	struct nq_homes homes = {
		.draft = draft,
		.board = board,
		.owed = calloc(n, sizeof(*homes.owed)),
		.busy = calloc(n, sizeof(*homes.busy)),
		.path = calloc(board->n_pnics * n + 1, sizeof(*homes.path)),
		.clients = calloc(n, sizeof(*homes.clients)),
		.mem = calloc(n, sizeof(*homes.mem)),
	};

	if (!homes.owed || !homes.busy || !homes.path || !homes.clients || !homes.mem) {
		nq_homes_close(&homes);
		return -ENOMEM;
	}
	sum_up(&homes);
	find_paths(&homes);
	*ret = homes;
	return 0;
}

void nq_homes_close(struct nq_homes *homes)
{
	free(homes->owed);
	free(homes->busy);
	free(homes->path);
	free(homes->clients);
	free(homes->mem);
}

/* Rounded up: a vm is owed what it is owed. */
uint64_t nq_homes_owed_with(const struct nq_homes *homes, uint32_t vm, uint32_t node, uint32_t clients)
{
	const struct nq_vm *self = &homes->board->host->vms[vm];

	return homes->owed[node] + (nq_homes_owed(self) * clients + self->cpus - 1) / self->cpus;
}

bool nq_homes_has_room(const struct nq_homes *homes, uint32_t vm, uint32_t node, uint32_t clients, uint64_t bytes)
{
	const struct nq_board *board = homes->board;
	const struct nq_board_node *self = &board->nodes[node];
	uint64_t space = nq_sat_sub(board->host->nodes[node].mem_total, nq_board_mem_of(board, vm)[node]);

	if (self->cpus == 0 || (nq_homes_has_vcpus(&board->host->vms[vm]) && clients > self->cores))
		return false;
	if (nq_homes_owed_with(homes, vm, node, clients) > board->policy->node_full * self->cpus)
		return false;
	return bytes <= nq_board_mem_free(board, node) && bytes <= space;
}

bool nq_homes_keep_memory(const struct nq_homes *homes, uint32_t vm, const struct nq_nodeset *nodes)
{
	const uint64_t *mem = nq_board_mem_of(homes->board, vm);
	uint64_t inside = 0, outside = 0;

	if (!homes->board->host->vms[vm].mem_fixed)
		return true;
	for (uint32_t i = 0; i < homes->board->n_nodes; i++) {
		uint64_t *sum = nq_nodeset_has(nodes, i) ? &inside : &outside;

		*sum = nq_sat_add(*sum, mem[i]);
	}
	return outside == 0 || inside > outside;
}

/* As the board does it: in equal parts, what does not divide to the first node. */
uint64_t nq_homes_gather(const struct nq_homes *homes, uint32_t vm, const struct nq_nodeset *nodes, uint64_t *ret)
{
	const struct nq_board *board = homes->board;
	uint32_t n = nq_nodeset_count(nodes), first = nq_nodeset_next(nodes, 0);
	uint64_t bytes = 0;

	memcpy(ret, nq_board_mem_of(board, vm), board->n_nodes * sizeof(*ret));
	for (uint32_t from = 0; from < board->n_nodes && !board->host->vms[vm].mem_fixed; from++) {
		uint64_t whole = ret[from], part = whole / n;

		if (whole == 0 || nq_nodeset_has(nodes, from))
			continue;
		for (uint32_t to = nq_nodeset_next(nodes, 0); to != NQ_NONE; to = nq_nodeset_next(nodes, to + 1))
			ret[to] = nq_sat_add(ret[to], to == first ? whole - part * (n - 1) : part);
		ret[from] = 0;
		bytes = nq_sat_add(bytes, whole);
	}
	return bytes;
}
