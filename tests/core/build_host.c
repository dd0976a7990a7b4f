/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "build_host.h"

#include <inttypes.h>
#include <stdio.h>

#include "support.h"

#define GIB (UINT64_C(1) << 30)

static const char *numbered(struct nq_host *host, const char *word, uint32_t number)
{
	char name[32];

	snprintf(name, sizeof(name), "%s%" PRIu32, word, number);
	return nq_host_string(host, name);
}

struct nq_host *build_host(uint32_t n_nodes, uint32_t cpus_per_node)
{
	struct nq_host *host = NULL;

	assert_int_equal(nq_host_new(&host), 0);
	assert_int_equal(nq_host_set_nodes(host, n_nodes), 0);
	host->time_ns = UINT64_C(3600000000000);
	host->interval_ns = UINT64_C(2000000000);
	for (uint32_t i = 0; i < n_nodes; i++)
		host->nodes[i] = (struct nq_node){
			.id = i, .package = i, .mem_total = 16 * GIB, .mem_free = 8 * GIB, .busy = NQ_NONE
		};
	for (uint32_t i = 0; i < n_nodes * cpus_per_node; i++)
		*nq_host_add_cpu(host) =
			(struct nq_cpu){ .id = i, .core = i, .node = i / cpus_per_node, .online = true };
	return host;
}

uint32_t build_pnic(struct nq_host *host, uint32_t node, enum nq_steering steering)
{
	struct nq_pnic *pnic = nq_host_add_pnic(host);

	pnic->name = numbered(host, "eth", host->n_pnics - 1);
	pnic->node = node;
	pnic->steering = steering;
	return host->n_pnics - 1;
}

uint32_t build_queue(struct nq_host *host, uint32_t pnic, enum nq_queue_role role, uint32_t cpu)
{
	uint32_t index = 0;
	struct nq_queue *queue;

	for (uint32_t i = 0; i < host->n_queues; i++)
		index += host->queues[i].pnic == pnic && host->queues[i].kind == NQ_QUEUE_HARD;
	queue = nq_host_add_queue(host);
	queue->pnic = pnic;
	queue->role = role;
	queue->index = index;
	queue->cpu = cpu;
	queue->movable = true;
	return host->n_queues - 1;
}

uint32_t build_soft_queues(struct nq_host *host, uint32_t pnic)
{
	uint32_t first = host->n_queues;

	for (uint32_t cpu = 0; cpu < host->n_cpus; cpu++) {
		struct nq_queue *queue = nq_host_add_queue(host);

		queue->pnic = pnic;
		queue->kind = NQ_QUEUE_SOFT;
		queue->index = host->cpus[cpu].id;
		queue->cpu = cpu;
	}
	return first;
}

uint32_t build_vm(struct nq_host *host, uint32_t node)
{
	struct nq_vm *vm = nq_host_add_vm(host);

	vm->name = numbered(host, "vm", host->n_vms - 1);
	vm->placed = node != NQ_NONE;
	for (uint32_t i = 0; i < host->n_nodes; i++)
		if (node == NQ_NONE || node == i)
			nq_nodeset_add(&vm->home, i);
	return host->n_vms - 1;
}

uint32_t build_vnic(struct nq_host *host, uint32_t vm, uint32_t queue, uint32_t pnic, uint64_t packets)
{
	struct nq_vnic *vnic = nq_host_add_vnic(host);
	uint32_t number = host->n_vnics - 1;
	bool hard = queue != NQ_NONE && host->queues[queue].kind == NQ_QUEUE_HARD;

	vnic->mac = (struct nq_mac){ { 2, 0, 0, 0, (uint8_t)(number >> 8), (uint8_t)number } };
	vnic->vm = vm;
	vnic->pnic = pnic;
	vnic->rx_queue = queue;
	vnic->tx_queue = hard ? queue : NQ_NONE;
	vnic->rx.packets = packets;
	vnic->tx.packets = packets;
	return number;
}
