/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/canon.h"

struct nq_canon *nq_canon_free(struct nq_canon *canon)
{
	if (!canon)
		return NULL;
	nq_host_free(canon->own);
	for (enum nq_array array = 0; array < NQ_ARRAY_COUNT; array++)
		free(canon->original[array]);
	free(canon);
	return NULL;
}

uint32_t nq_canon_original(const struct nq_canon *canon, enum nq_array array, uint32_t index)
{
	return index == NQ_NONE || !canon->original[array] ? index : canon->original[array][index];
}

struct nq_nodeset nq_canon_original_set(const struct nq_canon *canon, const struct nq_nodeset *set)
{
	struct nq_nodeset original = { 0 };

	if (!canon->original[NQ_ARRAY_NODES])
		return *set;
	for (uint32_t i = nq_nodeset_next(set, 0); i != NQ_NONE; i = nq_nodeset_next(set, i + 1))
		nq_nodeset_add(&original, canon->original[NQ_ARRAY_NODES][i]);
	return original;
}

/* Both directions of the permutation that sorts one array. */
struct ranks {
	uint32_t *original;  /* canonical -> original; belongs to the canon */
	uint32_t *canonical; /* original -> canonical */
};

static int rank(const struct nq_host *host, enum nq_array array, struct ranks *ret)
{
	uint32_t n = nq_array_size(host, array);
	struct nq_key *keys = nq_array_keys(host, array);

	ret->original = calloc((size_t)n + 1, sizeof(*ret->original));
	ret->canonical = calloc((size_t)n + 1, sizeof(*ret->canonical));
	for (uint32_t i = 0; keys && ret->original && ret->canonical && i < n; i++) {
		ret->original[i] = keys[i].index;
		ret->canonical[keys[i].index] = i;
	}
	free(keys);
	return keys && ret->original && ret->canonical ? 0 : -ENOMEM;
}

static int permute(void *array, uint32_t n, size_t size, const uint32_t *original)
{
	char *sorted = malloc(n * size + 1);

	if (!sorted)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		memcpy(sorted + i * size, (const char *)array + original[i] * size, size);
	if (n)
		memcpy(array, sorted, n * size);
	free(sorted);
	return 0;
}

#define PERMUTE(host, array, of)                                                                                       \
	permute((host)->array, (host)->n_##array, sizeof(*(host)->array), ranks[NQ_ARRAY_##of].original)

static int permute_arrays(struct nq_host *host, const struct ranks ranks[NQ_ARRAY_COUNT])
{
	int failed = PERMUTE(host, nodes, NODES) | PERMUTE(host, cpus, CPUS) | PERMUTE(host, pnics, PNICS) |
		     PERMUTE(host, queues, QUEUES) | PERMUTE(host, vms, VMS) | PERMUTE(host, vnics, VNICS);

	for (uint32_t i = 0; i < host->n_vms; i++) {
		const struct nq_vm *vm = &host->vms[i];

		failed |= permute(vm->mem, host->n_nodes, sizeof(*vm->mem), ranks[NQ_ARRAY_NODES].original) |
			  permute(vm->cpus_on, host->n_nodes, sizeof(*vm->cpus_on), ranks[NQ_ARRAY_NODES].original);
	}
	for (uint32_t i = 0; i < host->n_vnics; i++)
		failed |=
			permute(host->vnics[i].served, host->n_nodes, sizeof(uint64_t), ranks[NQ_ARRAY_NODES].original);
	return failed ? -ENOMEM : 0;
}

static void follow(uint32_t *reference, const struct ranks *ranks)
{
	if (*reference != NQ_NONE)
		*reference = ranks->canonical[*reference];
}

static void follow_set(struct nq_nodeset *set, const struct ranks *ranks)
{
	struct nq_nodeset sorted = { 0 };

	for (uint32_t i = nq_nodeset_next(set, 0); i != NQ_NONE; i = nq_nodeset_next(set, i + 1))
		nq_nodeset_add(&sorted, ranks->canonical[i]);
	*set = sorted;
}

static void follow_references(struct nq_host *host, const struct ranks ranks[NQ_ARRAY_COUNT])
{
	for (uint32_t i = 0; i < host->n_cpus; i++)
		follow(&host->cpus[i].node, &ranks[NQ_ARRAY_NODES]);
	for (uint32_t i = 0; i < host->n_pnics; i++) {
		follow(&host->pnics[i].node, &ranks[NQ_ARRAY_NODES]);
		follow(&host->pnics[i].physfn, &ranks[NQ_ARRAY_PNICS]);
	}
	for (uint32_t i = 0; i < host->n_queues; i++) {
		follow(&host->queues[i].pnic, &ranks[NQ_ARRAY_PNICS]);
		follow(&host->queues[i].cpu, &ranks[NQ_ARRAY_CPUS]);
	}
	for (uint32_t i = 0; i < host->n_vms; i++)
		follow_set(&host->vms[i].home, &ranks[NQ_ARRAY_NODES]);
	for (uint32_t i = 0; i < host->n_vnics; i++) {
		struct nq_vnic *vnic = &host->vnics[i];

		follow(&vnic->vm, &ranks[NQ_ARRAY_VMS]);
		follow(&vnic->pnic, &ranks[NQ_ARRAY_PNICS]);
		follow(&vnic->rx_queue, &ranks[NQ_ARRAY_QUEUES]);
		for (uint32_t lane = 0; lane < vnic->n_spread; lane++)
			follow(&vnic->spread[lane], &ranks[NQ_ARRAY_QUEUES]);
		follow(&vnic->tx_queue, &ranks[NQ_ARRAY_QUEUES]);
		follow(&vnic->worker_cpu, &ranks[NQ_ARRAY_CPUS]);
	}
}

static void sort_distances(const struct nq_host *from, struct nq_host *to, const uint32_t *original)
{
	for (uint32_t i = 0; i < to->n_nodes; i++)
		for (uint32_t j = 0; j < to->n_nodes; j++)
			to->distance[(size_t)i * to->n_nodes + j] = nq_host_distance(from, original[i], original[j]);
}

static int sort_host(const struct nq_host *host, struct nq_canon *canon, struct ranks ranks[NQ_ARRAY_COUNT])
{
	int failed = nq_host_copy(host, &canon->own);

	for (enum nq_array array = 0; array < NQ_ARRAY_COUNT && !failed; array++) {
		failed = rank(host, array, &ranks[array]);
		canon->original[array] = ranks[array].original;
	}
	if (failed)
		return -ENOMEM;
	canon->host = canon->own;
	sort_distances(host, canon->own, ranks[NQ_ARRAY_NODES].original);
	follow_references(canon->own, ranks);
	return permute_arrays(canon->own, ranks);
}

static bool is_canonical(const struct nq_host *host)
{
	for (enum nq_array array = 0; array < NQ_ARRAY_COUNT; array++)
		if (!nq_array_is_sorted(host, array))
			return false;
	return true;
}

int nq_canon_new(const struct nq_host *host, struct nq_canon **ret)
{
	struct ranks ranks[NQ_ARRAY_COUNT] = { 0 };
	struct nq_canon *canon = calloc(1, sizeof(*canon));
	int result = canon ? 0 : -ENOMEM;

	if (canon && is_canonical(host))
		canon->host = host;
	else if (canon)
		result = sort_host(host, canon, ranks);
	for (enum nq_array array = 0; array < NQ_ARRAY_COUNT; array++)
		free(ranks[array].canonical);
	if (result < 0)
		nq_canon_free(canon);
	else
		*ret = canon;
	return result;
}
