/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Proportional: the NIC's node gets its part of the vm (FEATURES U1; 004_efdb78f6fe803f20.txt section V, equations 3
 * and 4).
 *
 * Rule. With H the node of the vm's device, n its vCPUs, m its memory, N^f and M^f what is free of CPUs and memory in
 * all and on H:
 *
 *     n_H = floor(N_H^f * n / N^f)        m_H = floor(M_H^f * m / M^f)
 *
 * The device is the pnic of the vnic with most traffic. What is free is CPU time that nobody used, and memory; what the
 * vm itself has counts as free, as if it started now. The other vCPUs go where most CPU time is free, as many to a node
 * as it has cores, then the nearest to H. m_H is told in the reason and is what libvirt's numatune would be given; a
 * running vm's memory that already lies in its home stays where it is.
 *
 * As written, weaknesses included: a small vm is rounded off the NIC's node altogether (n_H = 0), a vm that would fit
 * on it is split, and nobody asks what the split memory costs. A vm without a device on a known node keeps floating,
 * the paper's default allocation.
 */
#include "core/cost.h"
#include "core/place.h"

#define PER_MILLE 1000u

/* The pnic's node of its vnic with most traffic; NQ_NONE: none, or not known. */
static uint32_t device_node(const struct nq_board *board, uint32_t vm)
{
	uint64_t most = 0;
	uint32_t node = NQ_NONE;

	for (uint32_t i = board->vms[vm].first_unit; i != NQ_NONE; i = board->next_of_vm[i]) {
		const struct nq_rates *rx = &board->host->vnics[board->units[i].vnic].rx;
		uint64_t traffic = rx->packets + board->host->vnics[board->units[i].vnic].tx.packets;

		if (node != NQ_NONE && traffic <= most)
			continue;
		most = traffic;
		node = board->pnics[board->units[i].pnic].node;
	}
	return node;
}

/* CPU time that nobody but the vm uses, per mille of one CPU. */
static uint64_t free_cpu(const struct nq_homes *homes, uint32_t node)
{
	return nq_sat_sub((uint64_t)homes->board->nodes[node].cpus * PER_MILLE, homes->busy[node]);
}

static uint64_t free_mem(const struct nq_homes *homes, uint32_t vm, uint32_t node)
{
	return nq_sat_add(nq_board_mem_free(homes->board, node), nq_board_mem_of(homes->board, vm)[node]);
}

/* H's part of the whole by what is free; rounded down. */
static uint64_t part_of(uint64_t whole, uint64_t free_here, uint64_t free_in_all)
{
	return free_in_all ? nq_mul_div(free_here, whole, free_in_all) : 0;
}

/* The node for the next of the rest. */
static uint32_t next_node(const struct nq_homes *homes, const struct nq_home *home, uint32_t device)
{
	const struct nq_board *board = homes->board;
	uint32_t best = NQ_NONE;

	for (uint32_t i = 0; i < board->n_nodes; i++) {
		if (i == device || home->clients[i] || board->nodes[i].cores == 0)
			continue;
		if (best == NQ_NONE || free_cpu(homes, i) > free_cpu(homes, best) ||
		    (free_cpu(homes, i) == free_cpu(homes, best) &&
		     nq_host_distance(board->host, device, i) < nq_host_distance(board->host, device, best)))
			best = i;
	}
	return best;
}

static bool deal(const struct nq_homes *homes, uint32_t device, uint32_t on_device, uint32_t rest, struct nq_home *ret)
{
	ret->clients[device] = on_device;
	if (on_device)
		nq_nodeset_add(&ret->nodes, device);
	while (rest) {
		uint32_t node = next_node(homes, ret, device), cores;

		if (node == NQ_NONE)
			return false;
		cores = homes->board->nodes[node].cores;
		ret->clients[node] = rest < cores ? rest : cores;
		rest -= ret->clients[node];
		nq_nodeset_add(&ret->nodes, node);
	}
	return true;
}

bool nq_place_proportional(struct nq_placing *placing, uint32_t vm, struct nq_first_home *ret)
{
	const struct nq_homes *homes = &placing->homes;
	const struct nq_board *board = homes->board;
	uint32_t device = device_node(board, vm), n = board->host->vms[vm].cpus, on_device;
	uint64_t cpu = 0, mem = 0, mem_part;

	ret->home.clients = placing->clients[0];
	ret->reason = (struct nq_reason){ .rule = NQ_RULE_KEPT_NO_UPLINK };
	if (device == NQ_NONE)
		return false;
	for (uint32_t i = 0; i < board->n_nodes; i++) {
		cpu = nq_sat_add(cpu, free_cpu(homes, i));
		mem = nq_sat_add(mem, free_mem(homes, vm, i));
	}
	on_device = (uint32_t)part_of(n, free_cpu(homes, device), cpu);
	mem_part = part_of(homes->total, free_mem(homes, vm, device), mem);
	ret->reason.rule = NQ_RULE_KEPT_NO_ROOM;
	if (!deal(homes, device, on_device, n - on_device, &ret->home))
		return false;
	ret->reason.rule = NQ_RULE_KEPT_MEMORY_FIXED;
	if (!nq_homes_keep_memory(homes, vm, &ret->home.nodes))
		return false;
	nq_place_price(placing, vm, &ret->home);
	ret->reason =
		(struct nq_reason){ NQ_RULE_HOME_PROPORTIONAL,
				    { board->host->nodes[device].id, on_device, n,
				      homes->total ? nq_mul_div(mem_part, PER_MILLE, homes->total) : 0, PER_MILLE } };
	return true;
}
