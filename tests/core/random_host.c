/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "random_host.h"

#include <inttypes.h>
#include <stdio.h>

#include "support.h"

/* xorshift64*: enough for tests, and the same everywhere. */
uint64_t random_next(struct random *random)
{
	uint64_t x = random->state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	random->state = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t random_in(struct random *random, uint64_t low, uint64_t high)
{
	return low + random_next(random) / 8 % (high - low + 1);
}

bool random_chance(struct random *random, unsigned int of)
{
	return random_in(random, 0, 99) < of;
}

/* An index below n; sometimes, and always for n 0, NQ_NONE. */
static uint32_t some(struct random *random, uint32_t n, unsigned int none_of)
{
	return n == 0 || random_chance(random, none_of) ? NQ_NONE : (uint32_t)random_in(random, 0, n - 1);
}

/* packets/s; now and then more than a queue serves, once in a while the most that a host may claim. */
static struct nq_rates rates(struct random *random, bool huge)
{
	uint64_t bits = random_in(random, 1, random_chance(random, 3) ? 23 : 19);
	uint64_t packets = random_chance(random, 20) ? 0 : random_in(random, 1, UINT64_C(1) << bits);

	if (huge && random_chance(random, 50))
		return (struct nq_rates){ NQ_MAX_RATE, NQ_MAX_RATE, NQ_MAX_RATE };
	return (struct nq_rates){ packets, packets * 500, 0 };
}

/* The value, or on a huge host sometimes the limit. */
static uint64_t or_limit(struct random *random, bool huge, uint64_t value, uint64_t limit)
{
	return huge && random_chance(random, 40) ? limit : value;
}

static void add_nodes(struct random *random, struct nq_host *host, bool huge)
{
	uint32_t n = (uint32_t)random_in(random, 1, 5), id = 0;

	assert_int_equal(nq_host_set_nodes(host, n), 0);
	for (uint32_t i = 0; i < n; i++) {
		struct nq_node *node = &host->nodes[i];

		id += (uint32_t)random_in(random, 1, 3);
		node->id = n * 3 - id; /* gaps, and not in ascending order */
		node->mem_total = random_chance(random, 15) ? 0 : UINT64_C(1) << random_in(random, 28, 36);
		node->mem_total = or_limit(random, huge, node->mem_total, NQ_MAX_VALUE);
		node->mem_free = node->mem_total / random_in(random, 1, 8);
		node->busy = random_chance(random, 60) ? NQ_NONE : (uint32_t)random_in(random, 0, 8000);
		node->busy = (uint32_t)or_limit(random, huge, node->busy, NQ_MAX_BUSY);
		for (uint32_t j = 0; j < i; j++)
			host->distance[i * n + j] = host->distance[j * n + i] =
				(uint32_t)or_limit(random, huge, random_in(random, 11, 40), NQ_MAX_DISTANCE);
	}
}

static void add_cpus(struct random *random, struct nq_host *host, bool huge)
{
	uint32_t id = 0;

	for (uint32_t node = 0; node < host->n_nodes; node++) {
		uint32_t cores = random_chance(random, 15) ? 0 : (uint32_t)random_in(random, 1, 4);
		uint32_t threads = (uint32_t)random_in(random, 1, 2);

		for (uint32_t i = 0; i < cores * threads; i++) {
			struct nq_cpu *cpu = nq_host_add_cpu(host);

			cpu->id = id + i;
			cpu->core = id + i % cores;
			cpu->node = node;
			cpu->online = random_chance(random, 90);
			cpu->busy = (uint32_t)random_in(random, 0, random_chance(random, 10) ? 1000 : 300);
			cpu->busy = (uint32_t)or_limit(random, huge, cpu->busy, NQ_MAX_BUSY);
		}
		id += cores * threads;
	}
}

static void add_hard_queue(struct random *random, struct nq_host *host, uint32_t pnic, uint32_t index, bool huge)
{
	bool has_rss = host->pnics[pnic].rss_entries;
	struct nq_queue *queue = nq_host_add_queue(host);

	queue->pnic = pnic;
	queue->index = index;
	queue->cpu = some(random, host->n_cpus, 5);
	queue->movable = random_chance(random, 85);
	queue->role = random_chance(random, 40) ? NQ_ROLE_DEFAULT : NQ_ROLE_FREE;
	queue->busy = random_chance(random, 5) ? 900 : (uint32_t)random_in(random, 0, 100);
	if (queue->role == NQ_ROLE_DEFAULT && has_rss) {
		queue->rss_entries = (uint32_t)or_limit(random, huge, random_in(random, 1, 64), 8192);
		host->pnics[pnic].rss_entries += queue->rss_entries;
	}
	queue->features = random_chance(random, 60) ? NQ_FEATURE_ALL : (uint32_t)random_in(random, 0, NQ_FEATURE_ALL);
	queue->coalesce_us = random_chance(random, 50) ? NQ_NONE : 20 * (uint32_t)random_in(random, 0, 10);
	queue->rx = rates(random, huge);
	queue->tx = rates(random, huge);
}

static void add_soft_queues(struct nq_host *host, uint32_t pnic)
{
	for (uint32_t cpu = 0; cpu < host->n_cpus; cpu++) {
		struct nq_queue *queue = nq_host_add_queue(host);

		queue->pnic = pnic;
		queue->kind = NQ_QUEUE_SOFT;
		queue->index = host->cpus[cpu].id;
		queue->cpu = cpu;
	}
}

static void add_pnic(struct random *random, struct nq_host *host, uint32_t number, bool huge)
{
	struct nq_pnic *pnic = nq_host_add_pnic(host);
	uint32_t n_queues = (uint32_t)random_in(random, 1, 6);
	char name[16];

	snprintf(name, sizeof(name), "eth%" PRIu32, number);
	pnic->name = nq_host_string(host, name);
	pnic->node = some(random, host->n_nodes, 15);
	pnic->steering = (enum nq_steering)random_in(random, 0, NQ_STEER_COUNT - 1);
	pnic->rules_max = random_chance(random, 20) ? (uint32_t)random_in(random, 0, 3) : NQ_NONE;
	pnic->rss_contexts = random_chance(random, 40) ? (uint32_t)random_in(random, 1, 4) : 0;
	pnic->channels_max = random_chance(random, 50) ? 64 : 0;
	pnic->rss_entries = random_chance(random, 70); /* grows by the entries of its queues */
	for (uint32_t i = 0; i < n_queues; i++)
		add_hard_queue(random, host, number, i, huge);
	pnic = &host->pnics[number];
	if (pnic->rss_entries)
		pnic->rss_entries--;
	if (pnic->steering == NQ_STEER_XDP)
		add_soft_queues(host, number);
}

/* vCPUs as observed: all on nodes of the home. */
static void add_clients(struct random *random, const struct nq_host *host, struct nq_vm *vm)
{
	uint32_t left = vm->cpus, last = NQ_NONE;

	for (uint32_t i = nq_nodeset_next(&vm->home, 0); i != NQ_NONE; i = nq_nodeset_next(&vm->home, i + 1)) {
		vm->cpus_on[i] = (uint32_t)random_in(random, 0, left);
		left -= vm->cpus_on[i];
		last = i;
	}
	if (last != NQ_NONE && host->n_nodes)
		vm->cpus_on[last] += left;
}

/* What it may claim, and whom it asks for a queue. */
static void add_claims(struct random *random, struct nq_vm *vm, bool huge)
{
	static const char *const pools[] = {
		"", "", "", "", "llr", "llr", "hlt", "hlt", "lro", "rss", "gold", "nobody"
	};

	vm->pool = pools[random_in(random, 0, sizeof(pools) / sizeof(pools[0]) - 1)];
	vm->shares = (uint32_t)or_limit(random, huge, random_chance(random, 70) ? 1000 : random_in(random, 1, 4000),
					NQ_MAX_SHARES);
	if (random_chance(random, 20))
		vm->reservation = (uint32_t)or_limit(random, huge, random_in(random, 1, 2000), NQ_MAX_BUSY);
	if (random_chance(random, 20))
		vm->limit = (uint32_t)or_limit(random, huge, random_in(random, 0, 4000), NQ_MAX_BUSY);
}

static void add_vm(struct random *random, struct nq_host *host, uint32_t number, bool huge)
{
	struct nq_vm *vm = nq_host_add_vm(host);
	char name[16];

	snprintf(name, sizeof(name), "vm%" PRIu32, number);
	vm->name = nq_host_string(host, name);
	vm->kind = (enum nq_vm_kind)random_in(random, 0, NQ_VM_KIND_COUNT - 1);
	vm->cpus = (uint32_t)random_in(random, 1, random_chance(random, 15) ? 24 : 4);
	vm->cpus = (uint32_t)or_limit(random, huge, vm->cpus, NQ_NONE - 1);
	vm->busy = (uint32_t)or_limit(random, huge, random_in(random, 0, 200 * (uint64_t)host->n_cpus),
				      1000 * (uint64_t)host->n_cpus);
	vm->placed = random_chance(random, 60);
	vm->pinned = random_chance(random, 15);
	vm->mem_fixed = random_chance(random, 20);
	for (uint32_t i = 0; i < host->n_nodes; i++) {
		if (!vm->placed || random_chance(random, 40))
			nq_nodeset_add(&vm->home, i);
		if (random_chance(random, 50))
			vm->mem[i] = random_in(random, 0, host->nodes[i].mem_total >> random_in(random, 1, 12));
		vm->mem[i] = or_limit(random, huge, vm->mem[i], host->nodes[i].mem_total);
	}
	if (nq_nodeset_count(&vm->home) == 0)
		nq_nodeset_add(&vm->home, (uint32_t)random_in(random, 0, host->n_nodes - 1));
	if (random_chance(random, 30))
		add_clients(random, host, vm);
	add_claims(random, vm, huge);
}

/* A queue of the pnic that a vnic may already use. */
static uint32_t used_queue(struct random *random, struct nq_host *host, uint32_t pnic)
{
	uint32_t queue = some(random, host->n_queues, 40);

	if (queue == NQ_NONE || host->queues[queue].pnic != pnic || host->queues[queue].role == NQ_ROLE_DEFAULT)
		return NQ_NONE;
	host->queues[queue].role = NQ_ROLE_ASSIGNED;
	return queue;
}

/* Further queues of a vnic that has one, with an RSS context where the pnic has them. */
static void add_lanes(struct random *random, struct nq_host *host, struct nq_vnic *vnic)
{
	const struct nq_queue *first = &host->queues[vnic->rx_queue];

	for (uint32_t i = 0; i < host->n_queues && vnic->n_spread < NQ_MAX_LANES - 1; i++) {
		struct nq_queue *queue = &host->queues[i];

		if (i == vnic->rx_queue || queue->pnic != vnic->pnic || queue->kind != first->kind ||
		    queue->role == NQ_ROLE_DEFAULT || random_chance(random, 50))
			continue;
		queue->role = NQ_ROLE_ASSIGNED;
		vnic->spread[vnic->n_spread++] = i;
	}
}

static void add_vnic(struct random *random, struct nq_host *host, uint32_t number, bool huge)
{
	struct nq_vnic *vnic = nq_host_add_vnic(host);

	vnic->mac = (struct nq_mac){ { 2, 0, 0, 0, (uint8_t)(number * 37), (uint8_t)number } };
	vnic->vm = (uint32_t)random_in(random, 0, host->n_vms - 1);
	vnic->pnic = some(random, host->n_pnics, 5);
	vnic->rx = rates(random, huge);
	vnic->tx = rates(random, huge);
	vnic->virtqueues = random_chance(random, 70) ? 1 : (uint32_t)random_in(random, 1, 10);
	if (vnic->pnic != NQ_NONE)
		vnic->rx_queue = used_queue(random, host, vnic->pnic);
	if (vnic->rx_queue != NQ_NONE && host->queues[vnic->rx_queue].kind == NQ_QUEUE_HARD &&
	    random_chance(random, 80))
		vnic->tx_queue = vnic->rx_queue;
	if (vnic->rx_queue != NQ_NONE && host->pnics[vnic->pnic].rss_contexts && random_chance(random, 50))
		add_lanes(random, host, vnic);
	vnic->served_by = (enum nq_served)random_in(random, 0, NQ_SERVED_COUNT - 1);
	if (vnic->served_by != NQ_SERVED_UNKNOWN)
		for (uint32_t left = host->n_nodes, i = 0; i < host->n_nodes; i++, left--)
			vnic->served[i] = vnic->rx.packets / host->n_nodes;
}

struct nq_host *random_host(struct random *random, bool huge)
{
	struct nq_host *host = NULL;
	uint32_t n_pnics = (uint32_t)random_in(random, 0, 3), n_vms = (uint32_t)random_in(random, 1, 12);
	uint32_t n_vnics = (uint32_t)random_in(random, 0, 15);

	assert_int_equal(nq_host_new(&host), 0);
	host->name = "random";
	host->time_ns = or_limit(random, huge, UINT64_C(3600000000000), NQ_MAX_VALUE);
	host->can_migrate = random_chance(random, 70);
	host->interval_ns = UINT64_C(2000000000);
	add_nodes(random, host, huge);
	add_cpus(random, host, huge);
	for (uint32_t i = 0; i < n_pnics; i++)
		add_pnic(random, host, i, huge);
	for (uint32_t i = 0; i < n_vms; i++)
		add_vm(random, host, i, huge);
	for (uint32_t i = 0; i < n_vnics; i++)
		add_vnic(random, host, i, huge);
	return host;
}
