/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/build.h"

#include <stdio.h>
#include <stdlib.h>

#define GIB (UINT64_C(1) << 30)
#define PACKET_BYTES 500
#define PER_MILLE 1000

void bench_must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

uint64_t bench_below(struct bench_random *random, uint64_t n)
{
	random->state = random->state * 6364136223846793005u + 1442695040888963407u;
	return (random->state >> 33) % n;
}

void bench_shuffle(struct bench_random *random, uint64_t *values, uint32_t n)
{
	for (uint32_t i = n; i > 1; i--) {
		uint32_t other = (uint32_t)bench_below(random, i);
		uint64_t value = values[i - 1];

		values[i - 1] = values[other];
		values[other] = value;
	}
}

struct nq_host *bench_host(uint32_t n_nodes)
{
	struct nq_host *host;

	bench_must(nq_host_new(&host) == 0 && nq_host_set_nodes(host, n_nodes) == 0, "no memory for a host");
	host->name = nq_host_string(host, "bench");
	host->time_ns = 3600000000000;
	host->interval_ns = 2000000000;
	host->can_migrate = true;
	for (uint32_t i = 0; i < n_nodes; i++)
		host->nodes[i] = (struct nq_node){
			.id = i, .package = i, .mem_total = 65536 * GIB, .mem_free = 32768 * GIB, .busy = NQ_NONE
		};
	return host;
}

uint32_t bench_add_cpus(struct nq_host *host, uint32_t node, uint32_t n)
{
	uint32_t first = host->n_cpus;

	for (uint32_t i = first; i < first + n; i++) {
		struct nq_cpu *cpu = nq_host_add_cpu(host);

		bench_must(cpu, "no memory for a CPU");
		cpu->id = cpu->core = i;
		cpu->node = node;
		cpu->online = true;
	}
	return first;
}

static const char *name_of(struct nq_host *host, const char *kind, uint32_t index)
{
	char name[24];

	snprintf(name, sizeof(name), "%s%06u", kind, index);
	return nq_host_string(host, name);
}

uint32_t bench_add_pnic(struct nq_host *host, uint32_t node, enum nq_steering steering)
{
	uint32_t index = host->n_pnics;
	struct nq_pnic *pnic = nq_host_add_pnic(host);

	bench_must(pnic, "no memory for a pnic");
	pnic->name = name_of(host, "eth", index);
	pnic->node = node;
	pnic->steering = steering;
	return index;
}

uint32_t bench_add_queue(struct nq_host *host, uint32_t pnic, uint32_t cpu, enum nq_queue_role role, bool movable)
{
	uint32_t index = host->n_queues;
	struct nq_queue *queue = nq_host_add_queue(host);

	bench_must(queue, "no memory for a queue");
	queue->pnic = pnic;
	queue->index = host->pnics[pnic].channels_max++;
	queue->role = role;
	queue->cpu = cpu;
	queue->movable = movable;
	return index;
}

struct nq_vm *bench_add_vm(struct nq_host *host, uint32_t home, uint64_t bytes)
{
	uint32_t index = host->n_vms;
	struct nq_vm *vm = nq_host_add_vm(host);

	bench_must(vm, "no memory for a vm");
	vm->name = name_of(host, "vm", index);
	vm->kind = NQ_VM_DOMAIN;
	vm->cpus = 1;
	vm->placed = true;
	vm->mem[home] = bytes;
	nq_nodeset_add(&vm->home, home);
	return vm;
}

void bench_set_packets(struct nq_vnic *vnic, uint64_t packets)
{
	vnic->rx.packets = packets * 7 / 10;
	vnic->tx.packets = packets - vnic->rx.packets;
	vnic->rx.bytes = vnic->rx.packets * PACKET_BYTES;
	vnic->tx.bytes = vnic->tx.packets * PACKET_BYTES;
}

void bench_add_vnic(struct nq_host *host, uint32_t vm, uint32_t pnic, uint64_t packets)
{
	uint32_t index = host->n_vnics;
	struct nq_vnic *vnic = nq_host_add_vnic(host);

	bench_must(vnic, "no memory for a vnic");
	vnic->vm = vm;
	vnic->pnic = pnic;
	vnic->mac = (struct nq_mac){ { 2, 0, 0, (uint8_t)(index >> 16), (uint8_t)(index >> 8), (uint8_t)index } };
	bench_set_packets(vnic, packets);
}

static void add_rates(struct nq_rates *to, const struct nq_rates *rates)
{
	to->packets += rates->packets;
	to->bytes += rates->bytes;
}

void bench_settle(struct nq_host *host, const struct nq_policy *policy)
{
	uint32_t *default_of = calloc((size_t)host->n_pnics + 1, sizeof(*default_of));
	uint64_t *load = calloc((size_t)host->n_cpus + 1, sizeof(*load));

	bench_must(default_of && load, "no memory for loads");
	for (uint32_t i = host->n_queues; i-- > 0;) {
		host->queues[i].rx = host->queues[i].tx = (struct nq_rates){ 0 };
		if (host->queues[i].role == NQ_ROLE_DEFAULT)
			default_of[host->queues[i].pnic] = i;
	}
	for (uint32_t i = 0; i < host->n_vnics; i++) {
		const struct nq_vnic *vnic = &host->vnics[i];
		uint32_t through = default_of[vnic->pnic];

		add_rates(&host->queues[vnic->rx_queue == NQ_NONE ? through : vnic->rx_queue].rx, &vnic->rx);
		add_rates(&host->queues[vnic->tx_queue == NQ_NONE ? through : vnic->tx_queue].tx, &vnic->tx);
	}
	for (uint32_t i = 0; i < host->n_queues; i++)
		load[host->queues[i].cpu] += host->queues[i].rx.packets + host->queues[i].tx.packets;
	for (uint32_t i = 0; i < host->n_cpus; i++) {
		uint64_t busy = load[i] * PER_MILLE / policy->queue_capacity_pps;

		host->cpus[i].busy = (uint32_t)(busy < PER_MILLE ? busy : PER_MILLE);
	}
	free(load);
	free(default_of);
}

const char *const bench_load_names[BENCH_LOAD_COUNT] = {
	[BENCH_ZIPF] = "zipf",
	[BENCH_UNIFORM] = "uniform",
	[BENCH_ELEPHANT] = "elephant",
};

static uint64_t weight_of(struct bench_random *random, enum bench_load kind, uint32_t index, uint32_t n)
{
	if (kind == BENCH_ZIPF)
		return 1000000000 / (index + 1);
	if (kind == BENCH_ELEPHANT && index == 0)
		return (uint64_t)(n - 1) * PER_MILLE * 3 / 7;
	return PER_MILLE / 2 + bench_below(random, PER_MILLE);
}

/* Shares out `total` by weight; true when nobody had to be cut to `most`, which takes them out of the next round. */
static bool share_out(uint64_t total, uint64_t most, uint32_t n, uint64_t *weights, uint64_t *ret)
{
	uint64_t sum = 0, left = total;
	bool good = true;

	for (uint32_t i = 0; i < n; i++) {
		sum += weights[i];
		left -= weights[i] ? 0 : ret[i];
	}
	for (uint32_t i = 0; i < n && sum; i++) {
		if (weights[i] == 0)
			continue;
		ret[i] = left * weights[i] / sum;
		if (ret[i] <= most)
			continue;
		ret[i] = most;
		weights[i] = 0;
		good = false;
	}
	return good;
}

void bench_loads(struct bench_random *random, enum bench_load kind, uint64_t total, uint64_t most, uint32_t n,
		 uint64_t *ret)
{
	uint64_t *weights = calloc(n, sizeof(*weights));

	bench_must(weights, "no memory for loads");
	for (uint32_t i = 0; i < n; i++)
		weights[i] = weight_of(random, kind, i, n);
	while (!share_out(total, most, n, weights, ret))
		;
	bench_shuffle(random, ret, n);
	free(weights);
}
