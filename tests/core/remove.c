/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "remove.h"

#include <string.h>

#define TAKE_OUT(array, n, at)                                                                                         \
	do {                                                                                                           \
		memmove(&(array)[at], &(array)[(at) + 1], ((n) - (at)-1) * sizeof((array)[0]));                        \
		(n)--;                                                                                                 \
	} while (0)

/* The index after that of `gone` is taken out; of the object itself: NQ_NONE. */
static uint32_t after(uint32_t index, uint32_t gone)
{
	if (index == NQ_NONE || index == gone)
		return NQ_NONE;
	return index > gone ? index - 1 : index;
}

void remove_vnic(struct nq_host *host, uint32_t vnic)
{
	TAKE_OUT(host->vnics, host->n_vnics, vnic);
}

void remove_vm(struct nq_host *host, uint32_t vm)
{
	for (uint32_t i = host->n_vnics; i-- > 0;)
		if (host->vnics[i].vm == vm)
			remove_vnic(host, i);
		else
			host->vnics[i].vm = after(host->vnics[i].vm, vm);
	TAKE_OUT(host->vms, host->n_vms, vm);
}

static void leave_queue(struct nq_vnic *vnic, uint32_t queue)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < vnic->n_spread; i++)
		if (vnic->spread[i] != queue)
			vnic->spread[n++] = after(vnic->spread[i], queue);
	vnic->n_spread = vnic->rx_queue == queue ? 0 : n;
	vnic->rx_queue = after(vnic->rx_queue, queue);
	vnic->tx_queue = after(vnic->tx_queue, queue);
}

void remove_queue(struct nq_host *host, uint32_t queue)
{
	host->pnics[host->queues[queue].pnic].rss_entries -= host->queues[queue].rss_entries;
	for (uint32_t i = 0; i < host->n_vnics; i++)
		leave_queue(&host->vnics[i], queue);
	TAKE_OUT(host->queues, host->n_queues, queue);
}

void remove_pnic(struct nq_host *host, uint32_t pnic)
{
	for (uint32_t i = host->n_vnics; i-- > 0;)
		if (host->vnics[i].pnic == pnic)
			remove_vnic(host, i);
		else
			host->vnics[i].pnic = after(host->vnics[i].pnic, pnic);
	for (uint32_t i = host->n_queues; i-- > 0;)
		if (host->queues[i].pnic == pnic)
			remove_queue(host, i);
	for (uint32_t i = 0; i < host->n_queues; i++)
		host->queues[i].pnic = after(host->queues[i].pnic, pnic);
	for (uint32_t i = 0; i < host->n_pnics; i++)
		host->pnics[i].physfn = after(host->pnics[i].physfn, pnic);
	TAKE_OUT(host->pnics, host->n_pnics, pnic);
}

void remove_cpu(struct nq_host *host, uint32_t cpu)
{
	for (uint32_t i = host->n_queues; i-- > 0;)
		if (host->queues[i].cpu == cpu && host->queues[i].kind == NQ_QUEUE_SOFT)
			remove_queue(host, i);
	for (uint32_t i = 0; i < host->n_queues; i++)
		host->queues[i].cpu = after(host->queues[i].cpu, cpu);
	for (uint32_t i = 0; i < host->n_vnics; i++)
		host->vnics[i].worker_cpu = after(host->vnics[i].worker_cpu, cpu);
	TAKE_OUT(host->cpus, host->n_cpus, cpu);
}

static bool is_needed(const struct nq_host *host, uint32_t node)
{
	bool needed = host->n_nodes == 1;

	for (uint32_t i = 0; i < host->n_cpus; i++)
		needed = needed || host->cpus[i].node == node;
	for (uint32_t i = 0; i < host->n_pnics; i++)
		needed = needed || host->pnics[i].node == node;
	for (uint32_t i = 0; i < host->n_vms; i++)
		needed = needed || nq_nodeset_single(&host->vms[i].home) == node || host->vms[i].cpus_on[node];
	return needed;
}

static void leave_node(struct nq_vm *vm, uint32_t n, uint32_t node)
{
	struct nq_nodeset home = { 0 };

	for (uint32_t i = nq_nodeset_next(&vm->home, 0); i != NQ_NONE; i = nq_nodeset_next(&vm->home, i + 1))
		if (i != node)
			nq_nodeset_add(&home, after(i, node));
	vm->home = home;
	TAKE_OUT(vm->mem, n, node);
	n++;
	TAKE_OUT(vm->cpus_on, n, node);
}

bool remove_node(struct nq_host *host, uint32_t node)
{
	uint32_t n = host->n_nodes, to = 0;

	if (is_needed(host, node))
		return false;
	for (uint32_t i = 0; i < n * n; i++)
		if (i / n != node && i % n != node)
			host->distance[to++] = host->distance[i];
	for (uint32_t i = 0; i < host->n_vms; i++)
		leave_node(&host->vms[i], n, node);
	for (uint32_t i = 0; i < host->n_vnics; i++) {
		uint32_t left = n;

		TAKE_OUT(host->vnics[i].served, left, node);
	}
	for (uint32_t i = 0; i < host->n_cpus; i++)
		host->cpus[i].node = after(host->cpus[i].node, node);
	for (uint32_t i = 0; i < host->n_pnics; i++)
		host->pnics[i].node = after(host->pnics[i].node, node);
	TAKE_OUT(host->nodes, host->n_nodes, node);
	return true;
}
