/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NUMA clients of a vm (FEATURES H4): how many of its vCPUs run on each node.
 *
 * Nodes are taken by their kernel ids and not by their indices, so that the same host gives the same clients in
 * whatever order it was read.
 */
#include "core/clients.h"

/* CPU numbers up to which cores are told apart by one bit each: the most that Linux knows (NR_CPUS of x86). */
#define CORES_KNOWN 8192u

/* Has another CPU of that core come before, online? */
static bool is_sibling(const struct nq_host *host, uint32_t cpu)
{
	for (uint32_t i = 0; i < cpu; i++)
		if (host->cpus[i].online && host->cpus[i].core == host->cpus[cpu].core)
			return true;
	return false;
}

/* Cores with a CPU online, of each node of the set. */
static void count_cores(const struct nq_host *host, const struct nq_nodeset *set, uint32_t *ret)
{
	uint64_t seen[CORES_KNOWN / 64] = { 0 };

	for (uint32_t i = 0; i < host->n_cpus; i++) {
		const struct nq_cpu *cpu = &host->cpus[i];
		uint64_t bit = UINT64_C(1) << (cpu->core % 64);
		bool known = cpu->core < CORES_KNOWN;

		if (!cpu->online || !nq_nodeset_has(set, cpu->node))
			continue;
		if (known ? (seen[cpu->core / 64] & bit) == 0 : !is_sibling(host, i))
			ret[cpu->node]++;
		if (known)
			seen[cpu->core / 64] |= bit;
	}
}

/* The member with the lowest kernel id above `after`; NQ_NONE as `after`: the lowest of all. NQ_NONE: no more. */
static uint32_t next_by_id(const struct nq_host *host, const struct nq_nodeset *set, uint32_t after)
{
	uint32_t best = NQ_NONE;

	for (uint32_t i = nq_nodeset_next(set, 0); i != NQ_NONE; i = nq_nodeset_next(set, i + 1))
		if ((after == NQ_NONE || host->nodes[i].id > host->nodes[after].id) &&
		    (best == NQ_NONE || host->nodes[i].id < host->nodes[best].id))
			best = i;
	return best;
}

void nq_deal_vcpus(uint32_t cpus, const uint32_t *nodes, uint32_t n, uint32_t *ret)
{
	uint32_t left = cpus;

	for (uint32_t i = 0; i < n; i++) {
		ret[nodes[i]] = left < ret[nodes[i]] ? left : ret[nodes[i]];
		left -= ret[nodes[i]];
	}
	for (uint32_t i = 0; left && i < n; i++)
		ret[nodes[i]] += left / n + (i < left % n);
}

void nq_vm_clients(const struct nq_host *host, uint32_t vm, uint32_t *ret)
{
	const struct nq_vm *self = &host->vms[vm];
	uint32_t nodes[NQ_MAX_NODES], n = 0;
	bool observed = false;

	for (uint32_t i = 0; i < host->n_nodes; i++) {
		ret[i] = self->cpus_on[i];
		observed = observed || ret[i];
	}
	if (observed)
		return;
	count_cores(host, &self->home, ret);
	for (uint32_t node = next_by_id(host, &self->home, NQ_NONE); node != NQ_NONE;
	     node = next_by_id(host, &self->home, node))
		nodes[n++] = node;
	nq_deal_vcpus(self->cpus, nodes, n, ret);
}
