/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking a host apart: building the board. */
#include "core/board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/board_parts.h"
#include "core/cost.h"
#include "core/quota.h"

#define PER_MILLE 1000u

struct nq_board *nq_board_free(struct nq_board *board)
{
	if (!board)
		return NULL;
	free(board->notes);
	free(board->homes);
	nq_arena_free(board->arena);
	free(board);
	return NULL;
}

static void sort_nodes(struct nq_board *board)
{
	const struct nq_node *nodes = board->host->nodes;

	for (uint32_t i = 0; i < board->n_nodes; i++) {
		uint32_t at = i;

		for (; at > 0 && nodes[board->by_id[at - 1]].id > nodes[i].id; at--)
			board->by_id[at] = board->by_id[at - 1];
		board->by_id[at] = i;
	}
}

static void build_cpus(struct nq_board *board)
{
	const struct nq_host *host = board->host;

	for (uint32_t i = 0; i < board->n_nodes; i++)
		board->nodes[i].first_cpu = NQ_NONE;
	for (uint32_t i = board->n_cpus; i-- > 0;) {
		struct nq_board_cpu *cpu = &board->cpus[i];
		struct nq_board_node *node = &board->nodes[host->cpus[i].node];

		*cpu = (struct nq_board_cpu){
			.node = host->cpus[i].node,
			.core = i,
			.next_on_node = node->first_cpu,
			.first_queue = NQ_NONE,
			.other = host->cpus[i].busy,
			.online = host->cpus[i].online,
		};
		node->first_cpu = i;
		node->cpus += cpu->online;
	}
}

/* The first CPU of each core, which has the kernel's number of the core if that CPU is there, counts the core. */
static void build_cores(struct nq_board *board)
{
	const struct nq_host *host = board->host;

	for (uint32_t node = 0; node < board->n_nodes; node++)
		for (uint32_t i = board->nodes[node].first_cpu; i != NQ_NONE; i = board->cpus[i].next_on_node) {
			uint32_t first = board->nodes[node].first_cpu;
			bool counted = false;

			while (first != i && host->cpus[first].core != host->cpus[i].core)
				first = board->cpus[first].next_on_node;
			board->cpus[i].core = first;
			for (uint32_t j = first; j != i; j = board->cpus[j].next_on_node)
				counted = counted || (board->cpus[j].core == first && board->cpus[j].online);
			board->nodes[node].cores += board->cpus[i].online && !counted;
		}
}

static void build_pnics(struct nq_board *board)
{
	for (uint32_t i = 0; i < board->n_pnics; i++) {
		const struct nq_pnic *pnic = &board->host->pnics[i];

		board->pnics[i] = (struct nq_board_pnic){
			.node = pnic->node,
			.first_default = NQ_NONE,
			.rules_max = pnic->rules_max,
			.contexts_max = pnic->rss_contexts,
			.soft = pnic->steering == NQ_STEER_XDP,
			.steers = pnic->steering != NQ_STEER_NONE,
		};
	}
	for (uint32_t i = 0; i < board->n_pnics * board->n_pools; i++)
		board->quota[i] = NQ_NONE;
}

static bool is_default(const struct nq_queue *queue)
{
	return queue->kind == NQ_QUEUE_HARD && queue->role == NQ_ROLE_DEFAULT;
}

/* How default traffic spreads: by entries of the RSS table, or evenly when there are none. */
static void build_weights(struct nq_board *board)
{
	const struct nq_host *host = board->host;

	for (uint32_t i = 0; i < board->n_queues; i++)
		if (is_default(&host->queues[i]))
			board->pnics[host->queues[i].pnic].weight += host->queues[i].rss_entries;
	for (uint32_t i = 0; i < board->n_queues; i++) {
		const struct nq_queue *queue = &host->queues[i];

		if (is_default(queue))
			board->queues[i].weight = board->pnics[queue->pnic].weight ? queue->rss_entries : 1;
	}
	for (uint32_t i = 0; i < board->n_pnics; i++)
		board->pnics[i].weight = 0;
	for (uint32_t i = 0; i < board->n_queues; i++)
		board->pnics[host->queues[i].pnic].weight += board->queues[i].weight;
}

static void build_queues(struct nq_board *board)
{
	const struct nq_host *host = board->host;

	for (uint32_t i = 0; i < board->n_queues; i++) {
		const struct nq_queue *queue = &host->queues[i];

		board->queues[i] = (struct nq_board_queue){
			.pnic = queue->pnic,
			.cpu = NQ_NONE,
			.first_unit = NQ_NONE,
			.soft = queue->kind == NQ_QUEUE_SOFT,
			.is_default = is_default(queue),
			.movable = queue->movable,
		};
	}
	build_weights(board);
	for (uint32_t i = board->n_queues; i-- > 0;) {
		struct nq_board_queue *queue = &board->queues[i];

		if (queue->is_default) {
			queue->next_default = board->pnics[queue->pnic].first_default;
			board->pnics[queue->pnic].first_default = i;
		}
		if (host->queues[i].cpu != NQ_NONE)
			nq_board_link_queue(board, i, host->queues[i].cpu);
	}
}

static void build_tables(struct nq_board *board)
{
	const struct nq_policy *policy = board->policy;
	uint32_t n = board->n_nodes;

	for (uint32_t vm = 0; vm < n; vm++)
		for (uint32_t queue = 0; queue < n; queue++)
			board->handoff[(size_t)vm * n + queue] =
				nq_cost_remote(board->host, policy->handoff_remote_ns, queue, vm);
	for (uint32_t pnic = 0; pnic < board->n_pnics; pnic++)
		for (uint32_t node = 0; node < n; node++)
			board->arrive[(size_t)pnic * 2 * n + node] =
				nq_cost_remote(board->host, policy->dma_remote_ns, board->pnics[pnic].node, node);
}

static void build_vms(struct nq_board *board)
{
	const struct nq_host *host = board->host;

	for (uint32_t i = 0; i < board->n_vms; i++) {
		struct nq_board_vm *vm = &board->vms[i];

		*vm = (struct nq_board_vm){ .home = NQ_NONE, .first_unit = NQ_NONE };
		nq_board_set_deliver(board, i);
		nq_board_set_memory(board, i);
		if (vm->node != NQ_NONE) {
			board->nodes[vm->node].vms += host->vms[i].busy;
			continue;
		}
		nq_board_clients(board, i, board->weights);
		for (uint32_t node = 0; host->vms[i].busy && node < board->n_nodes; node++)
			if (board->weights[node])
				board->nodes[node].vms += nq_board_vm_share(board, i, board->weights, node);
	}
}

/* A lane for each queue that the vnic may ever spread over; a plain one has one. */
static uint32_t lanes_of(const struct nq_board *board, const struct nq_vnic *vnic)
{
	uint32_t lanes = vnic->n_spread + 1;

	if (vnic->pnic == NQ_NONE)
		return 0;
	if (board->policy->vrss == NQ_ON && board->host->pnics[vnic->pnic].rss_contexts && vnic->virtqueues > lanes)
		lanes = vnic->virtqueues;
	return lanes < NQ_MAX_LANES ? lanes : NQ_MAX_LANES;
}

static void build_unit(struct nq_board *board, uint32_t index, uint32_t vnic, uint32_t lane)
{
	const struct nq_vnic *self = &board->host->vnics[vnic];
	const struct nq_board_pnic *pnic = &board->pnics[self->pnic];

	board->units[index] = (struct nq_unit){
		.vnic = vnic,
		.vm = self->vm,
		.pnic = self->pnic,
		.rx_queue = NQ_NONE,
		.tx_queue = NQ_NONE,
		.next = NQ_NONE,
		.previous = NQ_NONE,
		.pool = (uint16_t)nq_policy_pool_of(board->policy, board->host->vms[self->vm].pool),
		.lane = (uint8_t)lane,
		.active = lane == 0,
		.paired = lane == 0 && !pnic->soft && board->policy->pairing == NQ_PAIRED,
		.fixed = !pnic->steers,
		.rx = lane == 0 ? self->rx.packets : 0,
		.tx = lane == 0 ? self->tx.packets : 0,
	};
}

static void build_units(struct nq_board *board)
{
	const struct nq_host *host = board->host;

	for (uint32_t i = 0; i < host->n_vnics; i++) {
		const struct nq_vnic *vnic = &host->vnics[i];
		uint32_t first = board->first_unit[i];

		for (uint32_t unit = first; unit < board->first_unit[i + 1]; unit++) {
			build_unit(board, unit, i, unit - first);
			nq_board_default_paths(board, unit);
			board->pnics[vnic->pnic].through[0] += board->units[unit].rx;
			board->pnics[vnic->pnic].through[1] += board->units[unit].tx;
		}
		if (first == board->first_unit[i + 1])
			continue;
		nq_board_steer(board, first, vnic->rx_queue, vnic->tx_queue);
		if (vnic->n_spread)
			nq_board_lanes(board, i, vnic->n_spread + 1);
		for (uint32_t lane = 1; lane <= vnic->n_spread && first + lane < board->first_unit[i + 1]; lane++)
			nq_board_steer(board, first + lane, vnic->spread[lane - 1], NQ_NONE);
	}
}

/* The units of a vm follow each other only by luck; they are found through its first one and the vnics in order. */
static void link_vms(struct nq_board *board)
{
	for (uint32_t i = 0; i < board->n_vms; i++)
		board->vms[i].first_unit = NQ_NONE;
	for (uint32_t i = board->n_units; i-- > 0;) {
		struct nq_board_vm *vm = &board->vms[board->units[i].vm];

		board->next_of_vm[i] = vm->first_unit;
		vm->first_unit = i;
		vm->n_units++;
	}
}

/* What no unit explains. */
static void find_backgrounds(struct nq_board *board)
{
	const struct nq_host *host = board->host;
	uint64_t *sums = board->sums; /* [2 * n_queues] */

	for (uint32_t i = 0; i < board->n_units; i++) {
		const struct nq_unit *unit = &board->units[i];

		if (unit->rx_queue != NQ_NONE)
			sums[2 * (size_t)unit->rx_queue] += unit->rx;
		if (unit->tx_queue != NQ_NONE)
			sums[2 * (size_t)unit->tx_queue + 1] += unit->tx;
	}
	for (uint32_t i = 0; i < board->n_queues; i++) {
		struct nq_board_queue *queue = &board->queues[i];
		uint64_t measured[2] = { host->queues[i].rx.packets, host->queues[i].tx.packets };

		for (int way = 0; way < 2; way++)
			queue->background[way] =
				nq_sat_sub(measured[way], sums[2 * (size_t)i + way] + nq_board_share(board, i, way));
		nq_board_add_load(board, i, queue->background[0] + queue->background[1]);
		queue->taken = !queue->is_default && host->queues[i].role == NQ_ROLE_ASSIGNED && !queue->users;
		if (queue->taken)
			nq_board_count(board, i, 1);
	}
}

/* CPU time that is neither a queue's nor, on its node, a vm's. */
static void find_others(struct nq_board *board)
{
	for (uint32_t i = 0; i < board->n_cpus; i++) {
		struct nq_board_cpu *cpu = &board->cpus[i];
		uint64_t queues = nq_board_work(board, cpu->load);

		cpu->other = queues > cpu->other ? 0 : cpu->other - (uint32_t)queues;
		if (cpu->online)
			board->nodes[cpu->node].background += cpu->other;
	}
	for (uint32_t i = 0; i < board->n_nodes; i++) {
		struct nq_board_node *node = &board->nodes[i];

		if (board->host->nodes[i].busy != NQ_NONE)
			node->background = board->host->nodes[i].busy;
		node->background = nq_sat_sub(node->background, node->vms);
	}
}

static void *take(struct nq_board *board, size_t n, size_t size)
{
	void *array = nq_arena_take(board->arena, (n + 1) * size);

	board->failed = board->failed || !array;
	return array;
}

#define TAKE(board, array, n) ((board)->array = take(board, n, sizeof(*(board)->array)))

static void count_units(struct nq_board *board)
{
	const struct nq_host *host = board->host;

	TAKE(board, first_unit, (size_t)host->n_vnics + 1);
	for (uint32_t i = 0; board->first_unit && i < host->n_vnics; i++) {
		board->first_unit[i] = board->n_units;
		board->n_units += lanes_of(board, &host->vnics[i]);
		board->first_unit[i + 1] = board->n_units;
	}
}

static void take_arrays(struct nq_board *board)
{
	size_t n = board->n_nodes;

	TAKE(board, nodes, n);
	TAKE(board, cpus, board->n_cpus);
	TAKE(board, pnics, board->n_pnics);
	TAKE(board, queues, board->n_queues);
	TAKE(board, vms, board->n_vms);
	TAKE(board, arrive, board->n_pnics * 2 * n);
	TAKE(board, handoff, n * n);
	TAKE(board, default_path, board->n_pnics * n);
	TAKE(board, shortest, board->n_pnics * n);
	TAKE(board, by_id, n);
	TAKE(board, weights, n);
	TAKE(board, row, n);
	TAKE(board, sums, 2 * (size_t)board->n_queues);
	TAKE(board, quota, (size_t)board->n_pnics * board->n_pools);
	TAKE(board, count, (size_t)board->n_pnics * board->n_pools);
	TAKE(board, claims, (size_t)board->n_pnics * board->n_pools);
	TAKE(board, note_of[NQ_NOTE_VM], board->n_vms);
	TAKE(board, note_of[NQ_NOTE_QUEUE], board->n_queues);
	TAKE(board, note_of[NQ_NOTE_VNIC], board->host->n_vnics);
	count_units(board);
	TAKE(board, units, board->n_units);
	TAKE(board, next_of_vm, board->n_units);
}

static void build(struct nq_board *board)
{
	sort_nodes(board);
	build_cpus(board);
	build_cores(board);
	build_pnics(board);
	build_queues(board);
	build_tables(board);
	build_vms(board);
	nq_board_default_tables(board);
	build_units(board);
	link_vms(board);
	find_backgrounds(board);
	nq_board_refresh(board);
	find_others(board);
	nq_quota_grant(board);
}

int nq_board_new(const struct nq_host *host, const struct nq_policy *policy, struct nq_board **ret)
{
	struct nq_board *board = calloc(1, sizeof(*board));

	if (!board)
		return -ENOMEM;
	*board = (struct nq_board){
		.host = host,
		.policy = policy,
		.n_nodes = host->n_nodes,
		.n_cpus = host->n_cpus,
		.n_pnics = host->n_pnics,
		.n_queues = host->n_queues,
		.n_vms = host->n_vms,
		.n_pools = policy->n_pools,
		.arena = nq_arena_new(),
	};
	board->failed = !board->arena;
	if (board->arena)
		take_arrays(board);
	if (!board->failed)
		build(board);
	if (board->failed) {
		nq_board_free(board);
		return -ENOMEM;
	}
	*ret = board;
	return 0;
}
