/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Putting the board together again: the host as it will be. */
#include <errno.h>
#include <string.h>

#include "core/board_parts.h"
#include "core/cost.h"

static uint64_t at_most(uint64_t value, uint64_t limit)
{
	return value < limit ? value : limit;
}

static void write_homes(struct nq_board *board, struct nq_host *ret)
{
	size_t n = board->n_nodes;

	for (uint32_t i = 0; i < board->n_vms; i++) {
		const struct nq_board_home *home = &board->homes[board->vms[i].home];

		if (board->vms[i].home == NQ_NONE)
			continue;
		ret->vms[i].home = home->nodes;
		ret->vms[i].placed = home->placed;
		memcpy(ret->vms[i].cpus_on, home->cpus_on, n * sizeof(*home->cpus_on));
		memcpy(ret->vms[i].mem, home->mem, n * sizeof(*home->mem));
	}
	for (uint32_t i = 0; board->n_homes && i < n; i++) {
		ret->nodes[i].busy = (uint32_t)at_most(board->nodes[i].background + board->nodes[i].vms, NQ_MAX_BUSY);
		ret->nodes[i].mem_free = nq_board_mem_free(board, i);
	}
}

/* Where a steered vnic is served is known; one that came back to the default queues has to be measured again. */
static void write_served(const struct nq_board *board, uint32_t vnic, struct nq_vnic *ret)
{
	const struct nq_unit *units = &board->units[board->first_unit[vnic]];

	memset(ret->served, 0, board->n_nodes * sizeof(*ret->served));
	ret->served_by = NQ_SERVED_UNKNOWN;
	for (uint32_t i = 0; i < nq_board_n_lanes(board, vnic); i++) {
		uint32_t node = nq_board_queue_node(board, units[i].rx_queue);

		if (node == NQ_NONE)
			continue;
		ret->served[node] += units[i].rx;
		ret->served_by = NQ_SERVED_ESTIMATED;
	}
}

static bool is_served_elsewhere(const struct nq_board *board, uint32_t vnic)
{
	const struct nq_vnic *before = &board->host->vnics[vnic];
	const struct nq_unit *units = &board->units[board->first_unit[vnic]];
	uint32_t lanes = nq_board_n_lanes(board, vnic);
	bool moved = lanes != before->n_spread + 1 || units[0].rx_queue != before->rx_queue ||
		     (before->rx_queue == NQ_NONE && board->pnics[units[0].pnic].defaults_moved);

	for (uint32_t i = 0; i < lanes && !moved; i++) {
		uint32_t queue = i == 0 ? before->rx_queue : before->spread[i - 1];

		moved = units[i].rx_queue != queue ||
			nq_board_queue_node(board, queue) != nq_host_queue_node(board->host, queue);
	}
	return moved;
}

static void write_vnics(const struct nq_board *board, struct nq_host *ret)
{
	for (uint32_t i = 0; i < ret->n_vnics; i++) {
		const struct nq_unit *units = &board->units[board->first_unit[i]];
		struct nq_vnic *vnic = &ret->vnics[i];
		uint32_t lanes = nq_board_n_lanes(board, i);

		if (lanes == 0)
			continue;
		if (is_served_elsewhere(board, i))
			write_served(board, i, vnic);
		vnic->rx_queue = units[0].rx_queue;
		vnic->tx_queue = units[0].tx_queue;
		vnic->n_spread = lanes - 1;
		for (uint32_t lane = 1; lane < lanes; lane++)
			vnic->spread[lane - 1] = units[lane].rx_queue;
	}
}

/* Bytes in proportion; a queue that had none takes those of its vnics. */
static void write_rates(struct nq_rates *rates, uint64_t packets, uint64_t bytes)
{
	if (rates->packets)
		rates->bytes = at_most(nq_mul_div(rates->bytes, packets, rates->packets), NQ_MAX_RATE);
	else
		rates->bytes = at_most(bytes, NQ_MAX_RATE);
	rates->packets = at_most(packets, NQ_MAX_RATE);
}

static void write_load(const struct nq_board *board, uint32_t queue, struct nq_queue *ret)
{
	const struct nq_board_queue *self = &board->queues[queue];
	uint64_t packets[2] = { self->background[0] + nq_board_share(board, queue, 0),
				self->background[1] + nq_board_share(board, queue, 1) };
	uint64_t bytes[2] = { 0, 0 };

	for (uint32_t i = self->first_unit; i != NQ_NONE; i = board->units[i].next) {
		const struct nq_unit *unit = &board->units[i];
		const struct nq_vnic *vnic = &board->host->vnics[unit->vnic];

		packets[0] += unit->rx;
		bytes[0] += nq_mul_div(vnic->rx.bytes, unit->rx, vnic->rx.packets ? vnic->rx.packets : 1);
		if (unit->tx_queue == queue)
			bytes[1] += vnic->tx.bytes;
	}
	packets[1] = self->load + self->through - packets[0];
	write_rates(&ret->rx, packets[0], bytes[0]);
	write_rates(&ret->tx, packets[1], bytes[1]);
}

static void write_queues(const struct nq_board *board, const struct nq_board *before, struct nq_host *ret)
{
	for (uint32_t i = 0; i < board->n_queues; i++) {
		const struct nq_board_queue *now = &board->queues[i], *then = &before->queues[i];

		ret->queues[i].cpu = now->cpu;
		if (board->coalesce)
			ret->queues[i].coalesce_us = board->coalesce[i];
		if (now->load + now->through != then->load + then->through || now->users != then->users)
			write_load(board, i, &ret->queues[i]);
		if (now->is_default)
			continue;
		if (now->users)
			ret->queues[i].role = NQ_ROLE_ASSIGNED;
		else if (then->users)
			ret->queues[i].role = NQ_ROLE_FREE;
	}
}

static void write_cpus(const struct nq_board *board, const struct nq_board *before, struct nq_host *ret)
{
	for (uint32_t i = 0; i < board->n_cpus; i++)
		if (board->cpus[i].load != before->cpus[i].load)
			ret->cpus[i].busy = (uint32_t)at_most(
				board->cpus[i].other + nq_board_work(board, board->cpus[i].load), NQ_MAX_BUSY);
}

int nq_board_write(struct nq_board *board, struct nq_host *ret)
{
	struct nq_board *before = NULL;
	int result = nq_board_new(board->host, board->policy, &before);

	if (result < 0)
		return result;
	nq_board_refresh(board);
	write_homes(board, ret);
	write_vnics(board, ret);
	write_queues(board, before, ret);
	write_cpus(board, before, ret);
	nq_board_free(before);
	return board->failed ? -ENOMEM : 0;
}
