/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "core/cost.h"
#include "core/whatif.h"

#define PER_MILLE 1000u

static uint32_t at_most(uint64_t value, uint32_t limit)
{
	return value < limit ? (uint32_t)value : limit;
}

static bool serves(const struct nq_host *host, uint32_t cpu, const struct nq_nodeset *nodes)
{
	return host->cpus[cpu].online && nq_nodeset_has(nodes, host->cpus[cpu].node);
}

/* Takes the vm's load from the CPUs of one set of nodes, evenly, or puts it there. */
static void shift_load(struct nq_host *host, const struct nq_nodeset *nodes, uint32_t busy, bool put)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < host->n_cpus; i++)
		n += serves(host, i, nodes);
	for (uint32_t i = 0; i < host->n_cpus; i++) {
		struct nq_cpu *cpu = &host->cpus[i];

		if (!serves(host, i, nodes))
			continue;
		if (put)
			cpu->busy = at_most((uint64_t)cpu->busy + busy / n, PER_MILLE);
		else
			cpu->busy -= at_most(busy / n, cpu->busy);
	}
}

static void move_memory(struct nq_host *host, struct nq_vm *vm, uint32_t from, uint32_t to, uint64_t bytes)
{
	struct nq_node *source = &host->nodes[from], *target = &host->nodes[to];
	uint64_t room = target->mem_total - vm->mem[to];

	if (bytes > room)
		bytes = room;
	vm->mem[from] -= bytes;
	vm->mem[to] += bytes;
	source->mem_free = bytes > source->mem_total - source->mem_free ? source->mem_total : source->mem_free + bytes;
	target->mem_free = nq_sat_sub(target->mem_free, bytes);
}

/* Memory outside the home moves in, in equal parts; what does not divide goes to the first node. */
static void gather_memory(struct nq_host *host, struct nq_vm *vm)
{
	uint32_t n = nq_nodeset_count(&vm->home), first = nq_nodeset_next(&vm->home, 0);

	for (uint32_t from = 0; from < host->n_nodes; from++) {
		uint64_t part = vm->mem[from] / n;

		if (nq_nodeset_has(&vm->home, from))
			continue;
		for (uint32_t to = nq_nodeset_next(&vm->home, first + 1); to != NQ_NONE;
		     to = nq_nodeset_next(&vm->home, to + 1))
			move_memory(host, vm, from, to, part);
		move_memory(host, vm, from, first, vm->mem[from]);
	}
}

void nq_whatif_home(struct nq_host *host, uint32_t vm, const struct nq_nodeset *home)
{
	struct nq_vm *self = &host->vms[vm];

	shift_load(host, &self->home, self->busy, false);
	self->home = *home;
	self->placed = true;
	shift_load(host, &self->home, self->busy, true);
	if (!self->mem_fixed)
		gather_memory(host, self);
}

static void served_on(struct nq_host *host, struct nq_vnic *vnic, uint32_t node)
{
	memset(vnic->served, 0, host->n_nodes * sizeof(*vnic->served));
	vnic->served_by = node == NQ_NONE ? NQ_SERVED_UNKNOWN : NQ_SERVED_ESTIMATED;
	if (node != NQ_NONE)
		vnic->served[node] = vnic->rx.packets;
}

/* The default queue's part of what its vnics are served on its present node goes to the other one. */
static void shift_default(struct nq_host *host, uint32_t queue, uint32_t to)
{
	struct nq_share share = nq_default_share_on_node(host, queue);
	uint32_t from = nq_host_queue_node(host, queue);

	if (from == NQ_NONE || to == NQ_NONE || from == to)
		return;
	for (uint32_t i = 0; i < host->n_vnics; i++) {
		struct nq_vnic *vnic = &host->vnics[i];
		uint64_t moved = nq_share_of(share, vnic->served[from]);

		if (vnic->rx_queue != NQ_NONE || vnic->pnic != host->queues[queue].pnic)
			continue;
		vnic->served[from] -= moved;
		vnic->served[to] += moved;
	}
}

void nq_whatif_queue_cpu(struct nq_host *host, uint32_t queue, uint32_t cpu)
{
	struct nq_queue *self = &host->queues[queue];
	uint32_t node = cpu < host->n_cpus ? host->cpus[cpu].node : NQ_NONE;

	shift_default(host, queue, node);
	if (self->cpu != NQ_NONE)
		host->cpus[self->cpu].busy -= at_most(self->busy, host->cpus[self->cpu].busy);
	self->cpu = cpu;
	if (cpu != NQ_NONE)
		host->cpus[cpu].busy = at_most((uint64_t)host->cpus[cpu].busy + self->busy, PER_MILLE);
	for (uint32_t i = 0; i < host->n_vnics; i++)
		if (host->vnics[i].rx_queue == queue)
			served_on(host, &host->vnics[i], node);
}

static void add_rates(struct nq_rates *rates, const struct nq_rates *more)
{
	rates->packets = rates->packets + more->packets < NQ_MAX_RATE ? rates->packets + more->packets : NQ_MAX_RATE;
	rates->bytes = rates->bytes + more->bytes < NQ_MAX_RATE ? rates->bytes + more->bytes : NQ_MAX_RATE;
}

static void take_rates(struct nq_rates *rates, const struct nq_rates *less)
{
	rates->packets = nq_sat_sub(rates->packets, less->packets);
	rates->bytes = nq_sat_sub(rates->bytes, less->bytes);
}

typedef void (*rates_fn)(struct nq_rates *rates, const struct nq_rates *amount);

static void change_queue(struct nq_host *host, uint32_t queue, bool transmit, const struct nq_rates *amount,
			 rates_fn change)
{
	change(transmit ? &host->queues[queue].tx : &host->queues[queue].rx, amount);
}

/* Puts rates on the queue or takes them off; without a queue, on all default ones by their shares. */
static void change_rates(struct nq_host *host, uint32_t pnic, uint32_t queue, bool transmit,
			 const struct nq_rates *amount, rates_fn change)
{
	struct nq_defaults defaults = nq_defaults_of(host, pnic);

	if (queue != NQ_NONE) {
		change_queue(host, queue, transmit, amount, change);
		return;
	}
	for (uint32_t i = 0; i < host->n_queues; i++) {
		struct nq_share share = { nq_default_weight(&defaults, &host->queues[i]), defaults.total };
		struct nq_rates part = { nq_share_of(share, amount->packets), nq_share_of(share, amount->bytes), 0 };

		if (host->queues[i].pnic == pnic && share.weight)
			change_queue(host, i, transmit, &part, change);
	}
}

static bool is_soft(const struct nq_host *host, uint32_t queue)
{
	return queue != NQ_NONE && host->queues[queue].kind == NQ_QUEUE_SOFT;
}

/* What a soft queue takes over still enters by the default queues. */
static void move_rx(struct nq_host *host, const struct nq_vnic *vnic, uint32_t to)
{
	uint32_t from = vnic->rx_queue;

	if (from != NQ_NONE || !is_soft(host, to))
		change_rates(host, vnic->pnic, from, false, &vnic->rx, take_rates);
	if (to != NQ_NONE || !is_soft(host, from))
		change_rates(host, vnic->pnic, to, false, &vnic->rx, add_rates);
}

/* Where the default queues serve what comes for the vnic, by their shares. */
static void served_by_defaults(struct nq_host *host, struct nq_vnic *vnic)
{
	struct nq_defaults defaults = nq_defaults_of(host, vnic->pnic);

	served_on(host, vnic, NQ_NONE);
	for (uint32_t i = 0; i < host->n_queues; i++) {
		struct nq_share share = { nq_default_weight(&defaults, &host->queues[i]), defaults.total };
		uint32_t node = nq_host_queue_node(host, i);

		if (host->queues[i].pnic != vnic->pnic || !share.weight || node == NQ_NONE)
			continue;
		vnic->served[node] += nq_share_of(share, vnic->rx.packets);
		vnic->served_by = NQ_SERVED_ESTIMATED;
	}
}

static void use(struct nq_host *host, uint32_t queue)
{
	if (queue != NQ_NONE && host->queues[queue].role == NQ_ROLE_FREE)
		host->queues[queue].role = NQ_ROLE_ASSIGNED;
}

void nq_whatif_steer(struct nq_host *host, uint32_t vnic, uint32_t rx_queue, uint32_t tx_queue)
{
	struct nq_vnic *self = &host->vnics[vnic];

	if (rx_queue != self->rx_queue) {
		move_rx(host, self, rx_queue);
		self->rx_queue = rx_queue;
		if (rx_queue == NQ_NONE)
			served_by_defaults(host, self);
		else
			served_on(host, self, nq_host_queue_node(host, rx_queue));
	}
	if (tx_queue != self->tx_queue) {
		change_rates(host, self->pnic, self->tx_queue, true, &self->tx, take_rates);
		change_rates(host, self->pnic, tx_queue, true, &self->tx, add_rates);
		self->tx_queue = tx_queue;
	}
	use(host, rx_queue);
	use(host, tx_queue);
}
