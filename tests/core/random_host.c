/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "random_host.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/memory.h"
#include "core/order.h"
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

static struct nq_rates rates(struct random *random)
{
	uint64_t packets =
		random_chance(random, 20) ? 0 : random_in(random, 1, UINT64_C(1) << random_in(random, 1, 19));

	return (struct nq_rates){ packets, packets * 500, 0 };
}

static void add_nodes(struct random *random, struct nq_host *host)
{
	uint32_t n = (uint32_t)random_in(random, 1, 5), id = 0;

	assert_int_equal(nq_host_set_nodes(host, n), 0);
	for (uint32_t i = 0; i < n; i++) {
		struct nq_node *node = &host->nodes[i];

		id += (uint32_t)random_in(random, 1, 3);
		node->id = n * 3 - id; /* gaps, and not in ascending order */
		node->mem_total = random_chance(random, 15) ? 0 : UINT64_C(1) << random_in(random, 28, 36);
		node->mem_free = node->mem_total / random_in(random, 1, 8);
		for (uint32_t j = 0; j < i; j++)
			host->distance[i * n + j] = host->distance[j * n + i] = (uint32_t)random_in(random, 11, 40);
	}
}

static void add_cpus(struct random *random, struct nq_host *host)
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
		}
		id += cores * threads;
	}
}

static void add_hard_queue(struct random *random, struct nq_host *host, uint32_t pnic, uint32_t index)
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
		queue->rss_entries = (uint32_t)random_in(random, 1, 64);
		host->pnics[pnic].rss_entries += queue->rss_entries;
	}
	queue->rx = rates(random);
	queue->tx = rates(random);
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

static void add_pnic(struct random *random, struct nq_host *host, uint32_t number)
{
	struct nq_pnic *pnic = nq_host_add_pnic(host);
	uint32_t n_queues = (uint32_t)random_in(random, 1, 6);
	char name[16];

	snprintf(name, sizeof(name), "eth%" PRIu32, number);
	pnic->name = nq_host_string(host, name);
	pnic->node = some(random, host->n_nodes, 15);
	pnic->steering = (enum nq_steering)random_in(random, 0, NQ_STEER_COUNT - 1);
	pnic->rules_max = random_chance(random, 20) ? (uint32_t)random_in(random, 0, 3) : NQ_NONE;
	pnic->rss_entries = random_chance(random, 70); /* grows by the entries of its queues */
	for (uint32_t i = 0; i < n_queues; i++)
		add_hard_queue(random, host, number, i);
	pnic = &host->pnics[number];
	if (pnic->rss_entries)
		pnic->rss_entries--;
	if (pnic->steering == NQ_STEER_XDP)
		add_soft_queues(host, number);
}

static void add_vm(struct random *random, struct nq_host *host, uint32_t number)
{
	struct nq_vm *vm = nq_host_add_vm(host);
	char name[16];

	snprintf(name, sizeof(name), "vm%" PRIu32, number);
	vm->name = nq_host_string(host, name);
	vm->kind = (enum nq_vm_kind)random_in(random, 0, NQ_VM_KIND_COUNT - 1);
	vm->cpus = (uint32_t)random_in(random, 1, 6);
	vm->busy = (uint32_t)random_in(random, 0, 200 * (uint64_t)host->n_cpus);
	vm->placed = random_chance(random, 60);
	vm->pinned = random_chance(random, 15);
	vm->mem_fixed = random_chance(random, 20);
	for (uint32_t i = 0; i < host->n_nodes; i++) {
		if (!vm->placed || random_chance(random, 40))
			nq_nodeset_add(&vm->home, i);
		if (random_chance(random, 50))
			vm->mem[i] = random_in(random, 0, host->nodes[i].mem_total >> random_in(random, 1, 12));
	}
	if (nq_nodeset_count(&vm->home) == 0)
		nq_nodeset_add(&vm->home, (uint32_t)random_in(random, 0, host->n_nodes - 1));
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

static void add_vnic(struct random *random, struct nq_host *host, uint32_t number)
{
	struct nq_vnic *vnic = nq_host_add_vnic(host);

	vnic->mac = (struct nq_mac){ { 2, 0, 0, 0, (uint8_t)(number * 37), (uint8_t)number } };
	vnic->vm = (uint32_t)random_in(random, 0, host->n_vms - 1);
	vnic->pnic = some(random, host->n_pnics, 5);
	vnic->rx = rates(random);
	vnic->tx = rates(random);
	if (vnic->pnic != NQ_NONE)
		vnic->rx_queue = used_queue(random, host, vnic->pnic);
	if (vnic->rx_queue != NQ_NONE && host->queues[vnic->rx_queue].kind == NQ_QUEUE_HARD &&
	    random_chance(random, 80))
		vnic->tx_queue = vnic->rx_queue;
	vnic->served_by = (enum nq_served)random_in(random, 0, NQ_SERVED_COUNT - 1);
	if (vnic->served_by != NQ_SERVED_UNKNOWN)
		for (uint32_t left = host->n_nodes, i = 0; i < host->n_nodes; i++, left--)
			vnic->served[i] = vnic->rx.packets / host->n_nodes;
}

struct nq_host *random_host(struct random *random)
{
	struct nq_host *host = NULL;
	uint32_t n_pnics = (uint32_t)random_in(random, 0, 3), n_vms = (uint32_t)random_in(random, 1, 12);
	uint32_t n_vnics = (uint32_t)random_in(random, 0, 15);

	assert_int_equal(nq_host_new(&host), 0);
	host->name = "random";
	host->time_ns = UINT64_C(3600000000000);
	host->interval_ns = UINT64_C(2000000000);
	add_nodes(random, host);
	add_cpus(random, host);
	for (uint32_t i = 0; i < n_pnics; i++)
		add_pnic(random, host, i);
	for (uint32_t i = 0; i < n_vms; i++)
		add_vm(random, host, i);
	for (uint32_t i = 0; i < n_vnics; i++)
		add_vnic(random, host, i);
	return host;
}

void random_policy(struct random *random, struct nq_policy *ret)
{
	bool wild = random_chance(random, 10);

	nq_policy_init(ret);
	for (size_t i = 0; i < nq_policy_settings_count; i++) {
		const struct nq_policy_setting *setting = &nq_policy_settings[i];

		if (setting->values && random_chance(random, 50))
			nq_policy_set(ret, setting, random_in(random, setting->low, setting->high));
		else if (wild && random_chance(random, 50))
			nq_policy_set(ret, setting, random_chance(random, 50) ? setting->high : setting->low);
		else if (!setting->values && random_chance(random, 20))
			nq_policy_set(ret, setting, random_in(random, setting->preset / 4, setting->preset));
	}
	/* Two numbers that must not contradict each other. */
	if (ret->queue_consolidate > ret->queue_split)
		ret->queue_consolidate = ret->queue_split;
	if (ret->cpu_quiet > ret->cpu_busy)
		ret->cpu_quiet = ret->cpu_busy;
}

static void remember(struct random *random, struct nq_memory *memory, const struct nq_host *host,
		     enum nq_action_kind kind, uint32_t object)
{
	struct nq_action action = { .kind = kind, .vm = object, .queue = object, .vnic = object };
	struct nq_plan past = { .time_ns = host->time_ns - random_in(random, 0, UINT64_C(60000000000)),
				.actions = &action };
	struct nq_policy policy;

	nq_policy_init(&policy);
	nq_nodeset_add(&action.home_to, (uint32_t)random_in(random, 0, host->n_nodes - 1));
	assert_int_equal(nq_memory_learn(memory, &policy, host, &past, 0), 0);
}

struct nq_memory *random_memory(struct random *random, const struct nq_host *host)
{
	struct nq_memory *memory = NULL;

	if (random_chance(random, 50))
		return NULL;
	assert_int_equal(nq_memory_new(&memory), 0);
	for (uint32_t i = 0; i < host->n_vms; i++)
		if (random_chance(random, 20))
			remember(random, memory, host, NQ_ACTION_HOME, i);
	for (uint32_t i = 0; i < host->n_queues; i++)
		if (random_chance(random, 20) && host->queues[i].kind == NQ_QUEUE_HARD)
			remember(random, memory, host, NQ_ACTION_QUEUE_CPU, i);
	for (uint32_t i = 0; i < host->n_vnics; i++)
		if (random_chance(random, 20))
			remember(random, memory, host, NQ_ACTION_STEER, i);
	return memory;
}
