/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shuffle.h"

#include <stdlib.h>
#include <string.h>

#include "core/order.h"
#include "support.h"

/* Where each object of an array goes. */
static uint32_t *permutation(struct random *random, uint32_t n)
{
	uint32_t *to = calloc((size_t)n + 1, sizeof(*to));

	assert_non_null(to);
	for (uint32_t i = 0; i < n; i++)
		to[i] = i;
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = (uint32_t)random_in(random, 0, i - 1), other = to[j];

		to[j] = to[i - 1];
		to[i - 1] = other;
	}
	return to;
}

static void permute(void *array, uint32_t n, size_t size, const uint32_t *to)
{
	char *copy = malloc(n * size + 1);

	assert_non_null(copy);
	memcpy(copy, array, n * size);
	for (uint32_t i = 0; i < n; i++)
		memcpy((char *)array + to[i] * size, copy + i * size, size);
	free(copy);
}

static void follow(uint32_t *index, const uint32_t *to)
{
	if (*index != NQ_NONE)
		*index = to[*index];
}

static void follow_nodes(struct nq_host *host, const uint32_t *to)
{
	uint32_t n = host->n_nodes;

	for (uint32_t row = 0; row < n; row++)
		permute(host->distance + (size_t)row * n, n, sizeof(*host->distance), to);
	permute(host->distance, n, n * sizeof(*host->distance), to);
	for (uint32_t i = 0; i < host->n_cpus; i++)
		follow(&host->cpus[i].node, to);
	for (uint32_t i = 0; i < host->n_pnics; i++)
		follow(&host->pnics[i].node, to);
	for (uint32_t i = 0; i < host->n_vms; i++) {
		struct nq_nodeset home = { 0 }, *old = &host->vms[i].home;

		for (uint32_t node = nq_nodeset_next(old, 0); node != NQ_NONE; node = nq_nodeset_next(old, node + 1))
			nq_nodeset_add(&home, to[node]);
		*old = home;
		permute(host->vms[i].mem, n, sizeof(*host->vms[i].mem), to);
		permute(host->vms[i].cpus_on, n, sizeof(*host->vms[i].cpus_on), to);
	}
	for (uint32_t i = 0; i < host->n_vnics; i++)
		permute(host->vnics[i].served, n, sizeof(*host->vnics[i].served), to);
}

static void follow_rest(struct nq_host *host, uint32_t *const to[NQ_ARRAY_COUNT])
{
	for (uint32_t i = 0; i < host->n_pnics; i++)
		follow(&host->pnics[i].physfn, to[NQ_ARRAY_PNICS]);
	for (uint32_t i = 0; i < host->n_queues; i++) {
		follow(&host->queues[i].pnic, to[NQ_ARRAY_PNICS]);
		follow(&host->queues[i].cpu, to[NQ_ARRAY_CPUS]);
	}
	for (uint32_t i = 0; i < host->n_vnics; i++) {
		struct nq_vnic *vnic = &host->vnics[i];

		follow(&vnic->vm, to[NQ_ARRAY_VMS]);
		follow(&vnic->pnic, to[NQ_ARRAY_PNICS]);
		follow(&vnic->rx_queue, to[NQ_ARRAY_QUEUES]);
		follow(&vnic->tx_queue, to[NQ_ARRAY_QUEUES]);
		follow(&vnic->worker_cpu, to[NQ_ARRAY_CPUS]);
		for (uint32_t lane = 0; lane < vnic->n_spread; lane++)
			follow(&vnic->spread[lane], to[NQ_ARRAY_QUEUES]);
	}
}

struct nq_host *shuffled(const struct nq_host *host, struct random *random)
{
	struct nq_host *copy = NULL;
	uint32_t *to[NQ_ARRAY_COUNT];

	assert_int_equal(nq_host_copy(host, &copy), 0);
	for (enum nq_array i = 0; i < NQ_ARRAY_COUNT; i++)
		to[i] = permutation(random, nq_array_size(host, i));
	follow_nodes(copy, to[NQ_ARRAY_NODES]);
	follow_rest(copy, to);
	permute(copy->nodes, copy->n_nodes, sizeof(*copy->nodes), to[NQ_ARRAY_NODES]);
	permute(copy->cpus, copy->n_cpus, sizeof(*copy->cpus), to[NQ_ARRAY_CPUS]);
	permute(copy->pnics, copy->n_pnics, sizeof(*copy->pnics), to[NQ_ARRAY_PNICS]);
	permute(copy->queues, copy->n_queues, sizeof(*copy->queues), to[NQ_ARRAY_QUEUES]);
	permute(copy->vms, copy->n_vms, sizeof(*copy->vms), to[NQ_ARRAY_VMS]);
	permute(copy->vnics, copy->n_vnics, sizeof(*copy->vnics), to[NQ_ARRAY_VNICS]);
	for (enum nq_array i = 0; i < NQ_ARRAY_COUNT; i++)
		free(to[i]);
	return copy;
}
