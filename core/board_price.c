/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What things on the board cost, and where they are. */
#include <stdlib.h>

#include "core/arena.h"
#include "core/board_parts.h"
#include "core/cost.h"
#include "core/quota.h"

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
	uint32_t n = nq_nodeset_count(home), left = cpus, turn = 0;

	for (uint32_t i = 0; i < board->n_nodes; i++) {
		uint32_t node = board->by_id[i], cores = nq_nodeset_has(home, node) ? board->nodes[node].cores : 0;

		ret[node] = left < cores ? left : cores;
		left -= ret[node];
	}
	for (uint32_t i = 0; left && i < board->n_nodes; i++)
		if (nq_nodeset_has(home, board->by_id[i]))
			ret[board->by_id[i]] += left / n + (turn++ < left % n);
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

/* One packet's path, as far as it is the same for all default queues. */
typedef uint64_t (*path_fn)(const struct nq_board *board, uint32_t pnic, const uint32_t *deliver, uint32_t queue_node);

static uint64_t hard_path(const struct nq_board *board, uint32_t pnic, const uint32_t *deliver, uint32_t queue_node)
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

			board->default_path[pnic * n + node] =
				(uint32_t)mean_over_defaults(board, pnic, &board->handoff[node * n], hard_path);
			*soft = (uint32_t)(board->policy->soft_hop_ns * NQ_FIXED);
			for (uint32_t i = 0; i < n; i++)
				board->row[i] = nq_cost_remote(board->host, board->policy->dma_remote_ns, i, node);
			*soft += (uint32_t)mean_over_defaults(board, pnic, board->row, hard_path);
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
				    hard_path(board, unit->pnic, board->vms[unit->vm].deliver, i));
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
		self->default_tx = (uint32_t)mean_over_defaults(board, self->pnic, vm->deliver, hard_path);
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
		tx = tx_node == NQ_NONE ? 0 : hard_path(board, self->pnic, deliver, tx_node);
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

/* How much one more queue on a CPU disturbs; compared field by field. */
struct crowd {
	uint64_t ppm;
	uint32_t on_core;
};

static bool is_quieter(struct crowd a, struct crowd b)
{
	return a.ppm != b.ppm ? a.ppm < b.ppm : a.on_core < b.on_core;
}

/* Each queue in use counts as a step of the waiting table: measured loads swing, and a quiet queue will not stay so. */
static uint64_t weight_of(const struct nq_board *board, uint32_t cpu)
{
	return nq_board_ppm(board, cpu, board->cpus[cpu].load) + (uint64_t)board->cpus[cpu].used * NQ_WAITING_STEP;
}

/* A busy hardware thread leaves its sibling about half of a core. */
static struct crowd crowd_of(const struct nq_board *board, uint32_t cpu)
{
	uint64_t own = weight_of(board, cpu);
	uint32_t core = board->cpus[cpu].core;

	return (struct crowd){ own + (board->cpus[core].core_ppm - own) / 2, board->cpus[core].core_used };
}

static void sum_cores(const struct nq_board *board, uint32_t node)
{
	for (uint32_t i = board->nodes[node].first_cpu; i != NQ_NONE; i = board->cpus[i].next_on_node) {
		struct nq_board_cpu *core = &board->cpus[board->cpus[i].core];

		if (board->cpus[i].core == i)
			core->core_ppm = core->core_used = 0;
		core->core_ppm += weight_of(board, i);
		core->core_used += board->cpus[i].used;
	}
}

uint32_t nq_board_pick_cpu(const struct nq_board *board, uint32_t node, uint32_t *ret_next)
{
	uint32_t best = NQ_NONE, next = NQ_NONE;
	struct crowd best_crowd = { 0 }, next_crowd = { 0 };

	sum_cores(board, node);
	for (uint32_t i = board->nodes[node].first_cpu; i != NQ_NONE; i = board->cpus[i].next_on_node) {
		struct crowd crowd = crowd_of(board, i);

		if (!board->cpus[i].online)
			continue;
		if (best == NQ_NONE || is_quieter(crowd, best_crowd)) {
			next = best;
			next_crowd = best_crowd;
			best = i;
			best_crowd = crowd;
		} else if (next == NQ_NONE || is_quieter(crowd, next_crowd)) {
			next = i;
			next_crowd = crowd;
		}
	}
	if (ret_next)
		*ret_next = next;
	return best;
}

void nq_board_note(struct nq_board *board, enum nq_note_kind kind, uint32_t object, struct nq_reason reason,
		   struct nq_rejected rejected, const struct nq_proposal *proposal)
{
	uint32_t *at = &board->note_of[kind][object];
	struct nq_note *note;

	if (*at == 0 && (board->n_notes & (board->n_notes - 1)) == 0) {
		size_t room = board->n_notes ? 2 * (size_t)board->n_notes : 1;
		struct nq_note *larger = realloc(board->notes, room * sizeof(*larger));

		board->failed = board->failed || !larger;
		if (!larger)
			return;
		board->notes = larger;
	}
	if (*at == 0) {
		*at = ++board->n_notes;
		board->notes[*at - 1] = (struct nq_note){ .cost_before_ns = proposal->before_ns };
	}
	note = &board->notes[*at - 1];
	note->reason = reason;
	note->rejected = rejected;
	note->cost_after_ns = proposal->after_ns;
	note->once_ns = proposal->once_ns;
}

const struct nq_note *nq_board_note_of(const struct nq_board *board, enum nq_note_kind kind, uint32_t object)
{
	uint32_t at = board->note_of[kind][object];

	return at ? &board->notes[at - 1] : NULL;
}
