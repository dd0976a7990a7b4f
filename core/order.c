/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "core/order.h"

uint32_t nq_array_size(const struct nq_host *host, enum nq_array array)
{
	const uint32_t sizes[] = {
		[NQ_ARRAY_NODES] = host->n_nodes,   [NQ_ARRAY_CPUS] = host->n_cpus, [NQ_ARRAY_PNICS] = host->n_pnics,
		[NQ_ARRAY_QUEUES] = host->n_queues, [NQ_ARRAY_VMS] = host->n_vms,   [NQ_ARRAY_VNICS] = host->n_vnics,
	};

	return sizes[array];
}

static uint64_t mac_number(const struct nq_mac *mac)
{
	uint64_t number = 0;

	for (size_t i = 0; i < sizeof(mac->byte); i++)
		number = number << 8 | mac->byte[i];
	return number;
}

static struct nq_key queue_key(const struct nq_host *host, uint32_t index)
{
	const struct nq_queue *queue = &host->queues[index];
	const char *text = queue->pnic < host->n_pnics ? host->pnics[queue->pnic].name : "";

	return (struct nq_key){ text, (uint64_t)queue->kind << 32 | queue->index, index };
}

struct nq_key nq_array_key(const struct nq_host *host, enum nq_array array, uint32_t index)
{
	switch (array) {
	case NQ_ARRAY_NODES:
		return (struct nq_key){ "", host->nodes[index].id, index };
	case NQ_ARRAY_CPUS:
		return (struct nq_key){ "", host->cpus[index].id, index };
	case NQ_ARRAY_PNICS:
		return (struct nq_key){ host->pnics[index].name, 0, index };
	case NQ_ARRAY_QUEUES:
		return queue_key(host, index);
	case NQ_ARRAY_VMS:
		return (struct nq_key){ host->vms[index].name, 0, index };
	case NQ_ARRAY_VNICS:
		return (struct nq_key){ "", mac_number(&host->vnics[index].mac), index };
	case NQ_ARRAY_COUNT:
		break;
	}
	return (struct nq_key){ "", 0, index };
}

bool nq_key_same(const struct nq_key *a, const struct nq_key *b)
{
	return a->number == b->number && strcmp(a->text, b->text) == 0;
}

/* Keys of queues share the texts of their pnics. */
static int order_of(const struct nq_key *a, const struct nq_key *b)
{
	int order = a->text == b->text ? 0 : strcmp(a->text, b->text);

	return order ? order : (a->number > b->number) - (a->number < b->number);
}

static int compare(const void *left, const void *right)
{
	const struct nq_key *a = left, *b = right;
	int order = order_of(a, b);

	return order ? order : (a->index > b->index) - (a->index < b->index);
}

bool nq_array_is_sorted(const struct nq_host *host, enum nq_array array)
{
	uint32_t n = nq_array_size(host, array);
	struct nq_key last = n ? nq_array_key(host, array, 0) : (struct nq_key){ "", 0, 0 };

	for (uint32_t i = 1; i < n; i++) {
		struct nq_key next = nq_array_key(host, array, i);

		if (order_of(&last, &next) >= 0)
			return false;
		last = next;
	}
	return true;
}

struct nq_key *nq_array_keys(const struct nq_host *host, enum nq_array array)
{
	uint32_t n = nq_array_size(host, array);
	struct nq_key *keys = calloc((size_t)n + 1, sizeof(*keys));

	if (!keys)
		return NULL;
	for (uint32_t i = 0; i < n; i++)
		keys[i] = nq_array_key(host, array, i);
	if (!nq_array_is_sorted(host, array))
		qsort(keys, n, sizeof(*keys), compare);
	return keys;
}
