/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NUMA clients of a vm (FEATURES H4): how many of its vCPUs run on each node.
 *
 * Nodes are taken by their kernel ids and not by their indices, so that the same host gives the same clients in
 * whatever order it was read.
 */
#include <string.h>

#include <nearq/host.h>

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

void nq_vm_clients(const struct nq_host *host, uint32_t vm, uint32_t *ret)
{
	const struct nq_vm *self = &host->vms[vm];
	uint32_t left = self->cpus, n = nq_nodeset_count(&self->home), node;
	bool observed = false;

	for (uint32_t i = 0; i < host->n_nodes; i++) {
		ret[i] = self->cpus_on[i];
		observed = observed || ret[i];
	}
	if (observed)
		return;
	count_cores(host, &self->home, ret);
	for (node = next_by_id(host, &self->home, NQ_NONE); node != NQ_NONE;
	     node = next_by_id(host, &self->home, node)) {
		ret[node] = left < ret[node] ? left : ret[node];
		left -= ret[node];
	}
	for (node = next_by_id(host, &self->home, NQ_NONE); node != NQ_NONE && left > 0;
	     node = next_by_id(host, &self->home, node), n--) {
		uint32_t part = left / n + (left % n > 0);

		ret[node] += part;
		left -= part;
	}
}
