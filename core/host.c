/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Building, copying and looking up a host.
 *
 * Arrays grow by doubling whenever their length is a power of two, so that no capacity has to be kept
 * beside the length. Strings and per-node arrays come from the arena and go with the host.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nearq/host.h>

#include "core/arena.h"

#define DISTANCE_LOCAL 10u
#define DISTANCE_REMOTE 20u
#define SHARES 1000u /* what vSphere gives each vCPU by default; only the relation between vms matters */

int nq_host_new(struct nq_host **ret)
{
	struct nq_host *host = calloc(1, sizeof(*host));

	if (!host)
		return -ENOMEM;
	host->name = "";
	host->arena = nq_arena_new();
	if (!host->arena) {
		free(host);
		return -ENOMEM;
	}
	*ret = host;
	return 0;
}

struct nq_host *nq_host_free(struct nq_host *host)
{
	if (!host)
		return NULL;
	free(host->nodes);
	free(host->cpus);
	free(host->pnics);
	free(host->queues);
	free(host->vms);
	free(host->vnics);
	free(host->notices);
	free(host->distance);
	nq_arena_free(host->arena);
	free(host);
	return NULL;
}

static void drop_host(struct nq_host **host)
{
	nq_host_free(*host);
}

/* The array with room for one more element; NULL on lack of memory. */
static void *grow(void *array, uint32_t n, size_t size)
{
	if ((n & (n - 1)) != 0)
		return array;
	return n < NQ_NONE / 2 ? realloc(array, (n ? (size_t)n * 2 : 1) * size) : NULL;
}

/* A pointer to a new last element of host->array, not initialised; NULL on lack of memory. */
#define ADD(host, array)                                                                                               \
	({                                                                                                             \
		void *larger_ = grow((host)->array, (host)->n_##array, sizeof(*(host)->array));                        \
		__typeof__((host)->array) element_ = NULL;                                                             \
                                                                                                                       \
		if (larger_) {                                                                                         \
			(host)->array = larger_;                                                                       \
			element_ = &(host)->array[(host)->n_##array++];                                                \
		}                                                                                                      \
		element_;                                                                                              \
	})

int nq_host_set_nodes(struct nq_host *host, uint32_t n_nodes)
{
	if (host->n_nodes || n_nodes == 0 || n_nodes > NQ_MAX_NODES)
		return -EINVAL;
	host->nodes = calloc(n_nodes, sizeof(*host->nodes));
	host->distance = calloc((size_t)n_nodes * n_nodes, sizeof(*host->distance));
	if (!host->nodes || !host->distance) {
		free(host->nodes);
		free(host->distance);
		host->nodes = NULL;
		host->distance = NULL;
		return -ENOMEM;
	}
	host->n_nodes = n_nodes;
	for (uint32_t i = 0; i < n_nodes; i++) {
		host->nodes[i] = (struct nq_node){ .id = NQ_NONE, .package = NQ_NONE, .busy = NQ_NONE };
		for (uint32_t j = 0; j < n_nodes; j++)
			host->distance[i * n_nodes + j] = i == j ? DISTANCE_LOCAL : DISTANCE_REMOTE;
	}
	return 0;
}

struct nq_cpu *nq_host_add_cpu(struct nq_host *host)
{
	struct nq_cpu *cpu = ADD(host, cpus);

	if (cpu)
		*cpu = (struct nq_cpu){ .id = NQ_NONE, .node = NQ_NONE, .core = NQ_NONE };
	return cpu;
}

struct nq_pnic *nq_host_add_pnic(struct nq_host *host)
{
	struct nq_pnic *pnic = ADD(host, pnics);

	if (pnic)
		*pnic = (struct nq_pnic){
			.name = "",
			.driver = "",
			.bus = "",
			.bond = "",
			.physfn = NQ_NONE,
			.node = NQ_NONE,
			.rules_max = NQ_NONE,
		};
	return pnic;
}

struct nq_queue *nq_host_add_queue(struct nq_host *host)
{
	struct nq_queue *queue = ADD(host, queues);

	if (queue)
		*queue = (struct nq_queue){
			.pnic = NQ_NONE,
			.index = NQ_NONE,
			.irq = NQ_NONE,
			.napi = NQ_NONE,
			.thread = NQ_NONE,
			.cpu = NQ_NONE,
			.coalesce_us = NQ_NONE,
			.xps = "",
		};
	return queue;
}

struct nq_vm *nq_host_add_vm(struct nq_host *host)
{
	uint64_t *mem = nq_arena_take(host->arena, host->n_nodes * sizeof(*mem));
	uint32_t *cpus_on = nq_arena_take(host->arena, host->n_nodes * sizeof(*cpus_on));
	struct nq_vm *vm = mem && cpus_on ? ADD(host, vms) : NULL;

	if (vm)
		*vm = (struct nq_vm){
			.name = "",
			.cgroup = "",
			.pid = NQ_NONE,
			.cpus = 1,
			.mem = mem,
			.pool = "",
			.shares = SHARES,
			.limit = NQ_NONE,
			.cpus_on = cpus_on,
		};
	return vm;
}

struct nq_vnic *nq_host_add_vnic(struct nq_host *host)
{
	uint64_t *served = nq_arena_take(host->arena, host->n_nodes * sizeof(*served));
	struct nq_vnic *vnic = served ? ADD(host, vnics) : NULL;

	if (vnic)
		*vnic = (struct nq_vnic){
			.vm = NQ_NONE,
			.pnic = NQ_NONE,
			.name = "",
			.rx_queue = NQ_NONE,
			.virtqueues = 1,
			.tx_queue = NQ_NONE,
			.worker = NQ_NONE,
			.worker_cpu = NQ_NONE,
			.served = served,
		};
	return vnic;
}

int nq_host_add_notice(struct nq_host *host, enum nq_notice_kind kind, const char *subject, const char *detail)
{
	const char *own_subject = nq_host_string(host, subject);
	const char *own_detail = nq_host_string(host, detail);
	struct nq_notice *notice = own_subject && own_detail ? ADD(host, notices) : NULL;

	if (!notice)
		return -ENOMEM;
	*notice = (struct nq_notice){ kind, own_subject, own_detail };
	return 0;
}

const char *nq_host_string(struct nq_host *host, const char *text)
{
	size_t size = strlen(text) + 1;
	char *own;

	if (size == 1)
		return "";
	own = nq_arena_take(host->arena, size);
	if (own)
		memcpy(own, text, size);
	return own;
}

/* A copy that grow() can go on with as if it had grown there; NULL on lack of memory. */
static void *copy_array(const void *from, uint32_t n, size_t size)
{
	size_t room = 1;
	void *copy;

	while (room < n)
		room *= 2;
	copy = calloc(room, size);
	if (copy && n)
		memcpy(copy, from, (size_t)n * size);
	return copy;
}

#define COPY(to, from, array)                                                                                          \
	((to)->array = copy_array((from)->array, (from)->n_##array, sizeof(*(from)->array)),                           \
	 (to)->n_##array = (to)->array ? (from)->n_##array : 0, (to)->array)

static bool own_string(struct nq_host *host, const char **text)
{
	*text = nq_host_string(host, *text);
	return *text;
}

/* A copy of an array with one element for each node; NULL on lack of memory. */
static void *own_array(struct nq_host *host, const void *array, size_t element)
{
	void *own = nq_arena_take(host->arena, host->n_nodes * element);

	if (own)
		memcpy(own, array, host->n_nodes * element);
	return own;
}

#define OWN_ARRAY(host, array) ((array) = own_array(host, array, sizeof(*(array))))

/* Replaces every pointer into the original by one into this host. */
static bool own_all(struct nq_host *host)
{
	bool ok = own_string(host, &host->name);

	for (uint32_t i = 0; ok && i < host->n_pnics; i++) {
		struct nq_pnic *pnic = &host->pnics[i];

		ok = own_string(host, &pnic->name) && own_string(host, &pnic->driver) && own_string(host, &pnic->bus) &&
		     own_string(host, &pnic->bond);
	}
	for (uint32_t i = 0; ok && i < host->n_queues; i++)
		ok = own_string(host, &host->queues[i].xps);
	for (uint32_t i = 0; ok && i < host->n_vms; i++) {
		struct nq_vm *vm = &host->vms[i];

		ok = own_string(host, &vm->name) && own_string(host, &vm->cgroup) && own_string(host, &vm->pool) &&
		     OWN_ARRAY(host, vm->mem) && OWN_ARRAY(host, vm->cpus_on);
	}
	for (uint32_t i = 0; ok && i < host->n_vnics; i++)
		ok = own_string(host, &host->vnics[i].name) && OWN_ARRAY(host, host->vnics[i].served);
	for (uint32_t i = 0; ok && i < host->n_notices; i++)
		ok = own_string(host, &host->notices[i].subject) && own_string(host, &host->notices[i].detail);
	return ok;
}

int nq_host_copy(const struct nq_host *host, struct nq_host **ret)
{
	__attribute__((cleanup(drop_host))) struct nq_host *copy = NULL;
	size_t n_pairs = (size_t)host->n_nodes * host->n_nodes;

	if (nq_host_new(&copy) < 0)
		return -ENOMEM;
	copy->name = host->name;
	copy->time_ns = host->time_ns;
	copy->interval_ns = host->interval_ns;
	copy->can_migrate = host->can_migrate;
	if (host->n_nodes && nq_host_set_nodes(copy, host->n_nodes) < 0)
		return -ENOMEM;
	if (host->n_nodes) {
		memcpy(copy->nodes, host->nodes, host->n_nodes * sizeof(*host->nodes));
		memcpy(copy->distance, host->distance, n_pairs * sizeof(*host->distance));
	}
	if (!COPY(copy, host, cpus) || !COPY(copy, host, pnics) || !COPY(copy, host, queues) ||
	    !COPY(copy, host, vms) || !COPY(copy, host, vnics) || !COPY(copy, host, notices) || !own_all(copy))
		return -ENOMEM;
	*ret = copy;
	copy = NULL;
	return 0;
}

uint32_t nq_host_node_by_id(const struct nq_host *host, uint32_t id)
{
	for (uint32_t i = 0; i < host->n_nodes; i++)
		if (host->nodes[i].id == id)
			return i;
	return NQ_NONE;
}

uint32_t nq_host_cpu_by_id(const struct nq_host *host, uint32_t id)
{
	for (uint32_t i = 0; i < host->n_cpus; i++)
		if (host->cpus[i].id == id)
			return i;
	return NQ_NONE;
}

uint32_t nq_host_pnic_by_name(const struct nq_host *host, const char *name)
{
	for (uint32_t i = 0; i < host->n_pnics; i++)
		if (strcmp(host->pnics[i].name, name) == 0)
			return i;
	return NQ_NONE;
}

uint32_t nq_host_vm_by_name(const struct nq_host *host, const char *name)
{
	for (uint32_t i = 0; i < host->n_vms; i++)
		if (strcmp(host->vms[i].name, name) == 0)
			return i;
	return NQ_NONE;
}

uint32_t nq_host_vnic_by_mac(const struct nq_host *host, const struct nq_mac *mac)
{
	for (uint32_t i = 0; i < host->n_vnics; i++)
		if (nq_mac_compare(&host->vnics[i].mac, mac) == 0)
			return i;
	return NQ_NONE;
}

uint32_t nq_host_queue_node(const struct nq_host *host, uint32_t queue)
{
	uint32_t cpu = queue < host->n_queues ? host->queues[queue].cpu : NQ_NONE;

	return cpu < host->n_cpus ? host->cpus[cpu].node : NQ_NONE;
}

uint32_t nq_host_distance(const struct nq_host *host, uint32_t from, uint32_t to)
{
	if (from >= host->n_nodes || to >= host->n_nodes)
		return NQ_NONE;
	return host->distance[(size_t)from * host->n_nodes + to];
}

uint64_t nq_vnic_remote(const struct nq_host *host, uint32_t vnic)
{
	const struct nq_vnic *self = &host->vnics[vnic];
	uint64_t remote = 0;

	if (self->served_by == NQ_SERVED_UNKNOWN)
		return 0;
	for (uint32_t i = 0; i < host->n_nodes; i++)
		if (!nq_nodeset_has(&host->vms[self->vm].home, i))
			remote += self->served[i];
	return remote;
}
