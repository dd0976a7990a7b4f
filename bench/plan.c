/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Time of a plan on generated hosts of 10 to 10,000 VMs, as JSON lines: median of several runs, and the ratio to the
 * smallest host, which says more than the time, because it does not depend on the machine.
 *
 * The hosts have four nodes, two NICs, interrupts and VMs anywhere, so that there is much to do. They are made of a
 * small generator of numbers with a fixed start: the same hosts everywhere.
 */
#include "bench/measure.h"

#include <inttypes.h>
#include <nearq/plan.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	NODES = 4,
	PNICS = 2,
	CPUS_LEAST = 16, /* per node */
	VMS_PER_CPU = 8,
	QUEUES_LEAST = 8, /* per pnic */
	QUEUES_MOST = 128,
	VMS_PER_QUEUE = 8,
	RUNS = 9,
};

static uint64_t next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static void must(bool good)
{
	if (!good) {
		perror("bench/plan");
		exit(1);
	}
}

static uint32_t clamp(uint32_t value, uint32_t low, uint32_t high)
{
	return value < low ? low : value > high ? high : value;
}

static void add_cpus(struct nq_host *host, uint32_t per_node)
{
	for (uint32_t i = 0; i < NODES; i++) {
		host->nodes[i].id = i;
		host->nodes[i].package = i;
		host->nodes[i].mem_total = 1ull << 42;
		host->nodes[i].mem_free = 1ull << 41;
	}
	for (uint32_t i = 0; i < NODES * per_node; i++) {
		struct nq_cpu *cpu = nq_host_add_cpu(host);

		must(cpu);
		cpu->id = cpu->core = i;
		cpu->node = i / per_node;
		cpu->online = true;
		cpu->busy = 300;
	}
}

static void add_pnic(struct nq_host *host, uint32_t index, uint32_t queues, uint64_t *random)
{
	struct nq_pnic *pnic = nq_host_add_pnic(host);
	char name[16];

	must(pnic);
	snprintf(name, sizeof(name), "eth%u", index);
	pnic->name = nq_host_string(host, name);
	pnic->node = index;
	pnic->steering = NQ_STEER_NTUPLE;
	pnic->channels_max = queues;
	for (uint32_t i = 0; i < queues; i++) {
		struct nq_queue *queue = nq_host_add_queue(host);

		must(queue);
		queue->pnic = index;
		queue->index = i;
		queue->role = i == 0 ? NQ_ROLE_DEFAULT : NQ_ROLE_FREE;
		queue->cpu = (uint32_t)(next(random) % host->n_cpus);
		queue->movable = true;
	}
}

static void add_vm(struct nq_host *host, uint32_t index, uint64_t *random)
{
	uint32_t home = (uint32_t)(next(random) % NODES), served = (uint32_t)(next(random) % NODES);
	struct nq_vm *vm = nq_host_add_vm(host);
	struct nq_vnic *vnic = nq_host_add_vnic(host);
	char name[16];

	must(vm && vnic);
	snprintf(name, sizeof(name), "vm%u", index);
	vm->name = nq_host_string(host, name);
	vm->cpus = 1;
	vm->busy = 50;
	vm->placed = true;
	vm->mem[home] = 64 << 20;
	nq_nodeset_add(&vm->home, home);
	vnic->vm = index;
	vnic->pnic = (uint32_t)(next(random) % PNICS);
	vnic->mac = (struct nq_mac){ { 2, 0, 0, (uint8_t)(index >> 16), (uint8_t)(index >> 8), (uint8_t)index } };
	vnic->rx.packets = 100 + next(random) % 5000;
	vnic->rx.bytes = vnic->rx.packets * 500;
	vnic->served_by = NQ_SERVED_MEASURED;
	vnic->served[served] = vnic->rx.packets;
}

static struct nq_host *make_host(uint32_t vms)
{
	struct nq_host *host;
	uint64_t random = 1;

	must(nq_host_new(&host) == 0 && nq_host_set_nodes(host, NODES) == 0);
	host->name = nq_host_string(host, "bench");
	host->interval_ns = 2000000000;
	host->time_ns = 3600000000000;
	add_cpus(host, clamp(vms / NODES / VMS_PER_CPU, CPUS_LEAST, 1024));
	for (uint32_t i = 0; i < PNICS; i++)
		add_pnic(host, i, clamp(vms / PNICS / VMS_PER_QUEUE, QUEUES_LEAST, QUEUES_MOST), &random);
	for (uint32_t i = 0; i < vms; i++)
		add_vm(host, i, &random);
	return host;
}

/* Median of some plans of one host. */
static uint64_t measure(const struct nq_host *host, const struct nq_policy *policy, uint32_t *ret_actions)
{
	uint64_t times[RUNS];

	for (unsigned run = 0; run < RUNS; run++) {
		struct nq_plan *plan = NULL;
		uint64_t begin = bench_cpu_ns();

		must(nq_plan_make(host, policy, NULL, &plan) == 0);
		times[run] = bench_cpu_ns() - begin;
		*ret_actions = plan->n_actions;
		nq_plan_free(plan);
	}
	return bench_median(times, RUNS);
}

int main(int argc, char **argv)
{
	static const uint32_t sizes[] = { 10, 30, 100, 300, 1000, 3000, 10000 };
	struct nq_policy policy;
	uint64_t smallest = 0;

	(void)argc;
	nq_policy_init(&policy);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct nq_host *host = make_host(sizes[i]);
		uint32_t actions;
		uint64_t time = measure(host, &policy, &actions);

		smallest = smallest ? smallest : time;
		printf("{\"bench\":\"plan\",\"command\":\"%s\",\"vms\":%u,\"queues\":%u,\"actions\":%u,\"runs\":%d,"
		       "\"cpu_ns\":%" PRIu64 ",\"ratio\":%.2f}\n",
		       argv[0], sizes[i], host->n_queues, actions, RUNS, time, (double)time / (double)smallest);
		fflush(stdout);
		nq_host_free(host);
	}
	return ferror(stdout) ? 1 : 0;
}
