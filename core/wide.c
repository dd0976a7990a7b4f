/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Wide: a vm with more vCPUs than any node has cores gets several nodes (FEATURES H4; 003_e02e5b8df2f7f331.txt).
 *
 * Rule. It is divided into clients, each of as many vCPUs as its node has cores, hardware threads not counted; the last
 * one has what is left: 8 vCPUs on quad cores are 4 + 4, 10 are 4 + 4 + 2. Its home are the fewest nodes that hold it,
 * its memory lies over all of them (the node mask), and its queues follow from there: a queue at any client's node is
 * at its node, and the best one is that of most of its memory (claims 9 and 16).
 *
 * Which nodes. One after the other, the cheapest beside those that were taken before, by the same price as a home on
 * one node: best ways, waiting, distances between the clients and the memory, memory that has to follow. A node is
 * taken only if the fewest nodes still hold the rest. The first, the cheapest, gets the whole clients.
 *
 * Lost: even clients (5 + 5 for 10 vCPUs on quad cores would not fit; 3 + 3 + 3 for 9 would), which newer ESXi deals;
 * the source deals as many as fit. All sets of nodes: exact, and exponential.
 */
#include <string.h>

#include "core/cost.h"
#include "core/place.h"

bool nq_place_is_wide(const struct nq_placing *placing, uint32_t vm)
{
	const struct nq_vm *self = &placing->homes.board->host->vms[vm];

	return nq_homes_has_vcpus(self) && self->cpus > placing->most_cores;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* vCPUs of the vm that the node could take, 0: it has no room. */
static uint32_t takes(const struct nq_placing *placing, uint32_t vm, uint32_t node, uint32_t left)
{
	const struct nq_homes *homes = &placing->homes;
	uint32_t clients = least(homes->board->nodes[node].cores, left);

	return clients && nq_homes_has_room(homes, vm, node, clients, 0) ? clients : 0;
}

/* The fewest nodes outside the set, and not `but`, that hold so many vCPUs; NQ_NONE: all together do not. */
static uint32_t fewest(const struct nq_placing *placing, uint32_t vm, const struct nq_nodeset *set, uint32_t but,
		       uint32_t left)
{
	uint32_t n_nodes = placing->homes.board->n_nodes, n = 0;
	struct nq_nodeset used = *set;

	if (but != NQ_NONE)
		nq_nodeset_add(&used, but);
	for (; left; n++) {
		uint32_t best = NQ_NONE, most = 0;

		for (uint32_t i = 0; i < n_nodes; i++) {
			uint32_t clients = nq_nodeset_has(&used, i) ? 0 : takes(placing, vm, i, left);

			if (clients > most) {
				most = clients;
				best = i;
			}
		}
		if (best == NQ_NONE)
			return NQ_NONE;
		nq_nodeset_add(&used, best);
		left -= most;
	}
	return n;
}

/* The cheapest node to go on with, so that at most n nodes in all hold what is left. */
static uint32_t next_node(struct nq_placing *placing, uint32_t vm, const struct nq_home *so_far, uint32_t left,
			  uint32_t n)
{
	uint32_t best = NQ_NONE;
	uint64_t best_price = 0;
	struct nq_home home = *so_far;

	for (uint32_t i = 0; i < placing->homes.board->n_nodes; i++) {
		uint32_t clients = nq_nodeset_has(&so_far->nodes, i) ? 0 : takes(placing, vm, i, left), rest;
		uint64_t price;

		if (clients == 0)
			continue;
		rest = fewest(placing, vm, &so_far->nodes, i, left - clients);
		if (rest == NQ_NONE || rest >= n)
			continue;
		home.nodes = so_far->nodes;
		nq_nodeset_add(&home.nodes, i);
		home.clients[i] = clients;
		price = nq_place_price(placing, vm, &home);
		home.clients[i] = 0;
		if (best == NQ_NONE || price < best_price) {
			best = i;
			best_price = price;
		}
	}
	return best;
}

/* Is there room for the memory that has to follow? */
static bool memory_fits(const struct nq_placing *placing, uint32_t vm, const struct nq_home *home)
{
	const struct nq_homes *homes = &placing->homes;
	const uint64_t *mem = nq_board_mem_of(homes->board, vm);

	nq_homes_gather(homes, vm, &home->nodes, homes->mem);
	for (uint32_t i = 0; i < homes->board->n_nodes; i++)
		if (homes->mem[i] > mem[i] &&
		    !nq_homes_has_room(homes, vm, i, home->clients[i], homes->mem[i] - mem[i]))
			return false;
	return true;
}

bool nq_place_wide(struct nq_placing *placing, uint32_t vm, struct nq_first_home *ret)
{
	const struct nq_board *board = placing->homes.board;
	uint32_t left = board->host->vms[vm].cpus, first = NQ_NONE, n, node;
	uint32_t clients;

	ret->home.clients = placing->clients[0];
	ret->reason = (struct nq_reason){ .rule = NQ_RULE_KEPT_NO_ROOM };
	n = fewest(placing, vm, &ret->home.nodes, NQ_NONE, left);
	for (uint32_t taken = 0; left && n != NQ_NONE; taken++, left -= clients) {
		node = next_node(placing, vm, &ret->home, left, n - taken);
		if (node == NQ_NONE)
			return false;
		clients = takes(placing, vm, node, left);
		nq_nodeset_add(&ret->home.nodes, node);
		ret->home.clients[node] = clients;
		first = first == NQ_NONE ? node : first;
	}
	if (left || !memory_fits(placing, vm, &ret->home))
		return false;
	ret->reason.rule = NQ_RULE_KEPT_MEMORY_FIXED;
	if (!nq_homes_keep_memory(&placing->homes, vm, &ret->home.nodes))
		return false;
	nq_place_price(placing, vm, &ret->home);
	ret->reason = (struct nq_reason){ NQ_RULE_HOME_WIDE,
					  { board->host->nodes[first].id, board->host->vms[vm].cpus,
					    placing->most_cores, nq_nodeset_count(&ret->home.nodes) } };
	return true;
}
