/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Moves on the board. */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/board_parts.h"
#include "core/cost.h"

void nq_board_link_queue(struct nq_board *board, uint32_t queue, uint32_t cpu)
{
	struct nq_board_queue *self = &board->queues[queue];

	self->cpu = cpu;
	if (cpu == NQ_NONE)
		return;
	self->next_on_cpu = board->cpus[cpu].first_queue;
	board->cpus[cpu].first_queue = queue;
	board->cpus[cpu].load += self->load + self->through;
	board->cpus[cpu].promised += self->promised;
	board->cpus[cpu].used += nq_board_used(board, queue);
}

void nq_board_unlink_queue(struct nq_board *board, uint32_t queue)
{
	struct nq_board_queue *self = &board->queues[queue];
	uint32_t *link;

	if (self->cpu == NQ_NONE)
		return;
	for (link = &board->cpus[self->cpu].first_queue; *link != queue;)
		link = &board->queues[*link].next_on_cpu;
	*link = self->next_on_cpu;
	board->cpus[self->cpu].load -= self->load + self->through;
	board->cpus[self->cpu].promised -= self->promised;
	board->cpus[self->cpu].used -= nq_board_used(board, queue);
	self->cpu = NQ_NONE;
}

void nq_board_add_load(struct nq_board *board, uint32_t queue, uint64_t packets)
{
	struct nq_board_queue *self = &board->queues[queue];

	self->load += packets;
	if (self->cpu != NQ_NONE)
		board->cpus[self->cpu].load += packets;
}

void nq_board_count(struct nq_board *board, uint32_t queue, uint32_t by)
{
	struct nq_board_queue *self = &board->queues[queue];
	size_t at = (size_t)self->pnic * board->n_pools + self->pool;

	if (by == 1)
		board->pnics[self->pnic].claimed += board->count[at] >= board->claims[at].grant;
	else
		board->pnics[self->pnic].claimed -= board->count[at] > board->claims[at].grant;
	board->count[at] += by;
	if (self->cpu != NQ_NONE)
		board->cpus[self->cpu].used += by;
}

/*
 * Units of several pools may be found on one queue. It is of the pool that comes first in the policy among those who
 * receive through it, else among those who send: by who is there, not by who came first, so that the board of a planned
 * host is the same.
 */
static void settle_pool(struct nq_board *board, uint32_t queue)
{
	struct nq_board_queue *self = queue == NQ_NONE ? NULL : &board->queues[queue];
	uint16_t first = UINT16_MAX;

	if (!self || !self->mixed)
		return;
	for (uint32_t i = self->first_unit; i != NQ_NONE; i = board->units[i].next)
		first = board->units[i].pool < first ? board->units[i].pool : first;
	for (uint32_t i = 0; i < board->n_units && self->first_unit == NQ_NONE; i++)
		if (board->units[i].tx_queue == queue && board->units[i].pool < first)
			first = board->units[i].pool;
	if (first == UINT16_MAX || first == self->pool)
		return;
	nq_board_count(board, queue, UINT32_MAX);
	self->pool = first;
	nq_board_count(board, queue, 1);
}

/* One more or less user of a queue; a default queue is in use anyway. */
static void use(struct nq_board *board, uint32_t queue, uint32_t unit, uint32_t by)
{
	struct nq_board_queue *self = &board->queues[queue];
	bool used = nq_board_used(board, queue);

	if (!used && by == 1) {
		self->pool = board->units[unit].pool;
		self->exclusive = board->units[unit].exclusive;
	}
	self->mixed = self->mixed || (by == 1 && !self->is_default && board->units[unit].pool != self->pool);
	self->users += by;
	self->loners += board->units[unit].exclusive ? by : 0;
	if (used != nq_board_used(board, queue))
		nq_board_count(board, queue, by);
	if (self->users == 0)
		self->exclusive = self->mixed = false;
}

/* What the unit's floor is above its demand is kept free on its queue (1), or no more (-1). */
static void promise(struct nq_board *board, uint32_t unit, int by)
{
	const struct nq_unit *self = &board->units[unit];
	struct nq_board_queue *queue = &board->queues[self->rx_queue];
	uint64_t floor = self->active ? board->policy->pools[self->pool].floor_pps : 0;
	uint64_t more = nq_sat_sub(floor, self->rx + (self->paired ? self->tx : 0));

	queue->promised += by > 0 ? more : -more;
	if (queue->cpu != NQ_NONE)
		board->cpus[queue->cpu].promised += by > 0 ? more : -more;
}

static void link_unit(struct nq_board *board, uint32_t unit, uint32_t queue)
{
	struct nq_unit *self = &board->units[unit];
	uint32_t *first = &board->queues[queue].first_unit;

	self->previous = NQ_NONE;
	self->next = *first;
	if (self->next != NQ_NONE)
		board->units[self->next].previous = unit;
	*first = unit;
}

static void unlink_unit(struct nq_board *board, uint32_t unit, uint32_t queue)
{
	struct nq_unit *self = &board->units[unit];

	if (self->previous != NQ_NONE)
		board->units[self->previous].next = self->next;
	else
		board->queues[queue].first_unit = self->next;
	if (self->next != NQ_NONE)
		board->units[self->next].previous = self->previous;
	self->next = self->previous = NQ_NONE;
}

/* Takes the unit from its queues. What a soft queue serves has entered by the default queues all the same. */
static void leave(struct nq_board *board, uint32_t unit)
{
	struct nq_unit *self = &board->units[unit];
	uint32_t rx_queue = self->rx_queue, tx_queue = self->tx_queue;
	struct nq_board_pnic *pnic = &board->pnics[self->pnic];

	if (self->rx_queue == NQ_NONE || pnic->soft)
		pnic->through[0] -= self->rx;
	if (self->tx_queue == NQ_NONE)
		pnic->through[1] -= self->tx;
	if (self->rx_queue != NQ_NONE) {
		nq_board_add_load(board, self->rx_queue, -self->rx);
		promise(board, unit, -1);
		unlink_unit(board, unit, self->rx_queue);
		use(board, self->rx_queue, unit, UINT32_MAX);
		pnic->rules -= self->lane == 0;
	}
	if (self->tx_queue != NQ_NONE) {
		nq_board_add_load(board, self->tx_queue, -self->tx);
		if (self->tx_queue != self->rx_queue)
			use(board, self->tx_queue, unit, UINT32_MAX);
	}
	self->rx_queue = self->tx_queue = NQ_NONE;
	settle_pool(board, rx_queue);
	settle_pool(board, tx_queue);
}

static void enter(struct nq_board *board, uint32_t unit, uint32_t rx_queue, uint32_t tx_queue)
{
	struct nq_unit *self = &board->units[unit];
	struct nq_board_pnic *pnic = &board->pnics[self->pnic];

	self->rx_queue = rx_queue;
	self->tx_queue = tx_queue;
	if (rx_queue == NQ_NONE || pnic->soft)
		pnic->through[0] += self->rx;
	if (tx_queue == NQ_NONE)
		pnic->through[1] += self->tx;
	if (rx_queue != NQ_NONE) {
		use(board, rx_queue, unit, 1);
		link_unit(board, unit, rx_queue);
		promise(board, unit, 1);
		nq_board_add_load(board, rx_queue, self->rx);
		pnic->rules += self->lane == 0;
	}
	if (tx_queue != NQ_NONE) {
		if (tx_queue != rx_queue)
			use(board, tx_queue, unit, 1);
		nq_board_add_load(board, tx_queue, self->tx);
	}
	settle_pool(board, rx_queue);
	settle_pool(board, tx_queue);
}

void nq_board_steer(struct nq_board *board, uint32_t unit, uint32_t rx_queue, uint32_t tx_queue)
{
	leave(board, unit);
	enter(board, unit, rx_queue, tx_queue);
}

void nq_board_queue_cpu(struct nq_board *board, uint32_t queue, uint32_t cpu)
{
	uint32_t before = nq_board_queue_node(board, queue);

	nq_board_unlink_queue(board, queue);
	nq_board_link_queue(board, queue, cpu);
	if (board->queues[queue].is_default && before != nq_board_queue_node(board, queue))
		board->pnics[board->queues[queue].pnic].defaults_moved =
			board->pnics[board->queues[queue].pnic].defaults_stale = true;
}

/* The home that the plan gives to the vm; at first a copy of what it has. NULL on lack of memory. */
static struct nq_board_home *own_home(struct nq_board *board, uint32_t vm)
{
	struct nq_board_home *larger;
	size_t n = board->n_nodes;

	if (board->vms[vm].home != NQ_NONE)
		return &board->homes[board->vms[vm].home];
	larger = (board->n_homes & (board->n_homes - 1)) == 0
			 ? realloc(board->homes, (board->n_homes ? 2 * (size_t)board->n_homes : 1) * sizeof(*larger))
			 : board->homes;
	if (larger)
		board->homes = larger;
	if (larger) {
		struct nq_board_home *home = &board->homes[board->n_homes];

		*home = (struct nq_board_home){
			.nodes = board->host->vms[vm].home,
			.placed = board->host->vms[vm].placed,
			.cpus_on = nq_arena_take(board->arena, n * sizeof(*home->cpus_on)),
			.mem = nq_arena_take(board->arena, n * sizeof(*home->mem)),
		};
		if (home->cpus_on && home->mem) {
			memcpy(home->cpus_on, board->host->vms[vm].cpus_on, n * sizeof(*home->cpus_on));
			memcpy(home->mem, board->host->vms[vm].mem, n * sizeof(*home->mem));
			board->vms[vm].home = board->n_homes++;
			return home;
		}
	}
	board->failed = true;
	return NULL;
}

static void move_memory(struct nq_board *board, uint64_t *mem, uint32_t from, uint32_t to, uint64_t bytes)
{
	uint64_t room = nq_sat_sub(board->host->nodes[to].mem_total, mem[to]);

	if (bytes > room)
		bytes = room;
	mem[from] -= bytes;
	mem[to] += bytes;
	board->nodes[from].mem_out = nq_sat_add(board->nodes[from].mem_out, bytes);
	board->nodes[to].mem_in = nq_sat_add(board->nodes[to].mem_in, bytes);
}

/* Memory outside the home moves in, in equal parts; what does not divide goes to the first node. */
static void gather(struct nq_board *board, struct nq_board_home *home)
{
	uint32_t n = nq_nodeset_count(&home->nodes), first = NQ_NONE;

	for (uint32_t i = 0; i < board->n_nodes && first == NQ_NONE; i++)
		first = nq_nodeset_has(&home->nodes, board->by_id[i]) ? board->by_id[i] : NQ_NONE;
	for (uint32_t i = 0; i < board->n_nodes; i++) {
		uint32_t from = board->by_id[i];
		uint64_t part = home->mem[from] / n;

		if (nq_nodeset_has(&home->nodes, from) || home->mem[from] == 0)
			continue;
		for (uint32_t to = nq_nodeset_next(&home->nodes, 0); to != NQ_NONE;
		     to = nq_nodeset_next(&home->nodes, to + 1))
			if (to != first)
				move_memory(board, home->mem, from, to, part);
		move_memory(board, home->mem, from, first, home->mem[from]);
	}
}

/* Its CPU time goes to the nodes of its vCPUs, or is taken from them. */
static void charge(struct nq_board *board, uint32_t vm, bool put)
{
	nq_board_clients(board, vm, board->weights);
	for (uint32_t node = 0; node < board->n_nodes; node++) {
		uint64_t share = board->weights[node] ? nq_board_vm_share(board, vm, board->weights, node) : 0;

		board->nodes[node].vms += put ? share : -share;
	}
}

static void renew_paths(struct nq_board *board, uint32_t vm)
{
	nq_board_set_deliver(board, vm);
	nq_board_set_memory(board, vm);
	for (uint32_t i = board->vms[vm].first_unit; i != NQ_NONE; i = board->next_of_vm[i])
		nq_board_default_paths(board, i);
}

void nq_board_home(struct nq_board *board, uint32_t vm, const struct nq_nodeset *nodes, const uint32_t *cpus_on)
{
	struct nq_board_home *home = own_home(board, vm);
	size_t size = board->n_nodes * sizeof(*cpus_on);

	if (!home)
		return;
	charge(board, vm, false);
	home->nodes = *nodes;
	home->placed = true;
	if (cpus_on)
		memcpy(home->cpus_on, cpus_on, size);
	else
		memset(home->cpus_on, 0, size);
	charge(board, vm, true);
	if (!board->host->vms[vm].mem_fixed)
		gather(board, home);
	renew_paths(board, vm);
}

void nq_board_gather(struct nq_board *board, uint32_t vm)
{
	struct nq_board_home *home = own_home(board, vm);

	if (!home)
		return;
	gather(board, home);
	renew_paths(board, vm);
}

bool nq_board_settings(struct nq_board *board)
{
	if (board->coalesce)
		return true;
	board->coalesce = nq_arena_take(board->arena, ((size_t)board->n_queues + 1) * sizeof(*board->coalesce));
	board->failed = board->failed || !board->coalesce;
	for (uint32_t i = 0; board->coalesce && i < board->n_queues; i++)
		board->coalesce[i] = board->host->queues[i].coalesce_us;
	return board->coalesce;
}

uint32_t nq_board_n_lanes(const struct nq_board *board, uint32_t vnic)
{
	uint32_t n = 0;

	for (uint32_t i = board->first_unit[vnic]; i < board->first_unit[vnic + 1]; i++)
		n += board->units[i].active;
	return n;
}

/* Sets what the lane receives without leaving the queue it is on. */
static void set_rate(struct nq_board *board, uint32_t unit, uint64_t rx)
{
	struct nq_unit *self = &board->units[unit];
	struct nq_board_pnic *pnic = &board->pnics[self->pnic];

	if (self->rx_queue == NQ_NONE || pnic->soft)
		pnic->through[0] += rx - self->rx;
	if (self->rx_queue != NQ_NONE) {
		nq_board_add_load(board, self->rx_queue, rx - self->rx);
		promise(board, unit, -1);
	}
	self->rx = rx;
	if (self->rx_queue != NQ_NONE)
		promise(board, unit, 1);
}

void nq_board_lanes(struct nq_board *board, uint32_t vnic, uint32_t lanes)
{
	uint32_t first = board->first_unit[vnic], before = nq_board_n_lanes(board, vnic);
	uint32_t room = board->first_unit[vnic + 1] - first;
	uint64_t rx = board->host->vnics[vnic].rx.packets;

	lanes = lanes < room ? lanes : room;
	for (uint32_t i = 0; i < room; i++) {
		struct nq_unit *unit = &board->units[first + i];

		if (i >= lanes && unit->active)
			nq_board_steer(board, first + i, NQ_NONE, NQ_NONE);
		unit->active = i < lanes;
		set_rate(board, first + i, i >= lanes ? 0 : rx / lanes + (i == 0 ? rx % lanes : 0));
	}
	board->pnics[board->units[first].pnic].contexts += (uint32_t)(lanes > 1) - (uint32_t)(before > 1);
}
