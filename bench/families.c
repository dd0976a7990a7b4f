/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One instance of bench/quality: a seeded host, what the planner makes of it and what both cost, as one JSON object.
 *
 *     families FAMILY PER_MILLE LOAD SEED nothing|running
 *
 * The host has four nodes, a NIC on node 0 that steers by MAC, with 16 queues that cannot move, each alone on a CPU,
 * four on each node, a default queue beside them, and 64 VMs. PER_MILLE is their load against what the 16 queues take:
 * queue_full of queue_capacity_pps each. No VM has more than one queue takes. The default queue is full of traffic of
 * nobody known: what is decided is which queue each VM gets, not how much a 17th queue could take besides.
 *
 * nothing: all on the default queue. running: as planned from there, an hour later, the loads of every tenth VM
 * changed by a factor of up to three; in all never more than FILLED of what the queues take.
 */
#include <inttypes.h>
#include <nearq/serial.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/build.h"
#include "bench/measure.h"
#include "core/cost.h"
#include "core/quota.h"

enum {
	NODES = 4,
	QUEUES_PER_NODE = 4,
	QUEUES = NODES * QUEUES_PER_NODE,
	VM_CPUS_PER_NODE = 24,
	VMS = 64,
	RUNS = 9,
	PER_MILLE = 1000,
	FILLED = 970,
	DRAWS = 1000,
	CHANGED = VMS / 10,
	MIB = 1 << 20,
};

struct instance {
	struct nq_policy policy;
	struct nq_host *host;
	struct bench_random random;
	uint64_t room; /* packets/s that one queue takes */
};

static uint64_t packets_of(const struct nq_vnic *vnic)
{
	return vnic->rx.packets + vnic->tx.packets;
}

static void plain(struct instance *instance)
{
	(void)instance;
}

/* Queues that the pools need, each for itself, with a little to spare. */
static uint64_t queues_needed(const struct instance *instance)
{
	uint64_t load[NQ_MAX_POOLS] = { 0 }, needed = 0;

	for (uint32_t i = 0; i < VMS; i++)
		load[nq_policy_pool_of(&instance->policy, instance->host->vms[i].pool)] +=
			packets_of(&instance->host->vnics[i]);
	for (uint32_t i = 0; i < NQ_MAX_POOLS; i++)
		needed += (load[i] * PER_MILLE + instance->room * FILLED - 1) / (instance->room * FILLED);
	return needed;
}

/*
 * One VM in eight is the NIC's low-latency customer, one in four tolerates latency; who, is drawn until the queues
 * suffice for all three pools. With an exclusive queue for each low-latency VM they never would.
 */
static void with_pools(struct instance *instance)
{
	struct nq_pool *llr = nq_policy_pool(&instance->policy, "llr"), *hlt = nq_policy_pool(&instance->policy, "hlt");
	uint64_t draw[VMS];

	bench_must(llr && hlt, "no pools");
	llr->exclusive_pps = 0;
	llr->min = hlt->min = 1;
	llr->max = hlt->max = 6;
	for (uint32_t i = 0; i < VMS; i++)
		draw[i] = i;
	for (unsigned tries = 0; tries < DRAWS; tries++) {
		bench_shuffle(&instance->random, draw, VMS);
		for (uint32_t i = 0; i < VMS; i++)
			instance->host->vms[draw[i]].pool = i < VMS / 8 ? "llr" : i < VMS * 3 / 8 ? "hlt" : "";
		if (queues_needed(instance) <= QUEUES)
			return;
	}
}

/* One VM in four is at home on two nodes, with memory on both. */
static void with_wide(struct instance *instance)
{
	for (uint32_t i = 0; i < VMS; i += 4) {
		struct nq_vm *vm = &instance->host->vms[i];
		uint32_t second = (nq_nodeset_single(&vm->home) + 1 + i / 4 % (NODES - 1)) % NODES;

		nq_nodeset_add(&vm->home, second);
		vm->cpus = VM_CPUS_PER_NODE + 16;
		vm->mem[second] = (64 + bench_below(&instance->random, 1024)) * MIB;
	}
}

/* No VM has a home; each has memory, some on two nodes, and uses up to two CPUs. */
static void with_memory(struct instance *instance)
{
	struct nq_host *host = instance->host;
	uint64_t busy = 0;

	for (uint32_t i = 0; i < VMS; i++) {
		struct nq_vm *vm = &host->vms[i];
		uint32_t second = (uint32_t)bench_below(&instance->random, NODES);

		vm->mem[second] += bench_below(&instance->random, 3) * 256 * MIB;
		vm->placed = vm->pinned = false;
		vm->cpus = 2;
		vm->busy = 100 + (uint32_t)bench_below(&instance->random, 1500);
		for (uint32_t node = 0; node < NODES; node++)
			nq_nodeset_add(&vm->home, node);
		busy += vm->busy;
	}
	for (uint32_t node = 0; node < NODES; node++)
		host->nodes[node].busy = (uint32_t)(busy / NODES);
}

/* Queues may be filled to the brim: the utilization is of all that they could serve. */
static void to_the_brim(struct instance *instance)
{
	instance->policy.queue_full = instance->policy.queue_split = PER_MILLE;
}

static const struct {
	const char *name;
	void (*policy)(struct instance *instance); /* before the host is made */
	void (*host)(struct instance *instance);
} families[] = {
	{ "plain", plain, plain },	  { "pools", plain, with_pools }, { "wide", plain, with_wide },
	{ "memory", plain, with_memory }, { "brim", to_the_brim, plain },
};

static void add_parts(struct instance *instance)
{
	struct nq_host *host = bench_host(NODES);
	uint32_t first[NODES];

	instance->host = host;
	for (uint32_t node = 0; node < NODES; node++) {
		first[node] = bench_add_cpus(host, node, QUEUES_PER_NODE + (node == 0) + VM_CPUS_PER_NODE);
		host->nodes[node].busy = 0;
	}
	bench_add_pnic(host, 0, NQ_STEER_NTUPLE);
	bench_add_queue(host, 0, first[0] + QUEUES_PER_NODE, NQ_ROLE_DEFAULT, false);
	for (uint32_t i = 0; i < QUEUES; i++)
		bench_add_queue(host, 0, first[i / QUEUES_PER_NODE] + i % QUEUES_PER_NODE, NQ_ROLE_FREE, false);
}

static void make_host(struct instance *instance, uint64_t utilization, enum bench_load load)
{
	uint64_t loads[VMS], homes[VMS], total;

	instance->room = instance->policy.queue_capacity_pps * instance->policy.queue_full / PER_MILLE;
	total = instance->room * QUEUES * utilization / PER_MILLE;
	add_parts(instance);
	bench_loads(&instance->random, load, total, instance->room, VMS, loads);
	for (uint32_t i = 0; i < VMS; i++)
		homes[i] = i % NODES;
	bench_shuffle(&instance->random, homes, VMS);
	for (uint32_t i = 0; i < VMS; i++) {
		bench_add_vm(instance->host, (uint32_t)homes[i], (64 + bench_below(&instance->random, 1024)) * MIB)
			->pinned = true;
		bench_add_vnic(instance->host, i, 0, loads[i]);
	}
}

static void settle(struct instance *instance)
{
	bench_settle(instance->host, &instance->policy);
	instance->host->queues[0].rx.packets += instance->room;
}

static void change_loads(struct instance *instance)
{
	struct nq_host *host = instance->host;
	uint64_t order[VMS], total = 0;

	for (uint32_t i = 0; i < VMS; i++) {
		order[i] = i;
		total += packets_of(&host->vnics[i]);
	}
	bench_shuffle(&instance->random, order, VMS);
	for (uint32_t i = 0; i < CHANGED; i++) {
		struct nq_vnic *vnic = &host->vnics[order[i]];
		uint64_t factor = PER_MILLE + bench_below(&instance->random, 2 * PER_MILLE + 1);
		uint64_t before = packets_of(vnic), most = instance->room * QUEUES * FILLED / PER_MILLE;
		uint64_t after = i % 2 ? before * factor / PER_MILLE : before * PER_MILLE / factor;

		after = after < instance->room ? after : instance->room;
		if (total - before + after > most)
			after = total < most ? before + most - total : before;
		total += after - before;
		bench_set_packets(vnic, after);
		vnic->served_by = NQ_SERVED_UNKNOWN;
		memset(vnic->served, 0, NODES * sizeof(*vnic->served));
	}
	host->time_ns *= 2;
	settle(instance);
}

static void apply(struct instance *instance, const struct nq_plan *plan, struct nq_host **ret)
{
	bench_must(nq_plan_apply(instance->host, &instance->policy, plan, ret) == 0, "the plan does not apply");
}

static struct nq_plan *make_plan(const struct instance *instance)
{
	struct nq_plan *plan = NULL;
	int result = nq_plan_make(instance->host, &instance->policy, NULL, &plan);

	bench_must(result == 0, strerror(-result));
	return plan;
}

static void let_run(struct instance *instance)
{
	struct nq_plan *plan = make_plan(instance);
	struct nq_host *planned;

	apply(instance, plan, &planned);
	nq_plan_free(plan);
	nq_host_free(instance->host);
	instance->host = planned;
	change_loads(instance);
}

/* Median CPU time of a plan. */
static uint64_t time_of(const struct instance *instance)
{
	uint64_t times[RUNS];

	for (unsigned run = 0; run < RUNS; run++) {
		uint64_t begin = bench_cpu_ns();
		struct nq_plan *plan = make_plan(instance);

		times[run] = bench_cpu_ns() - begin;
		nq_plan_free(plan);
	}
	return bench_median(times, RUNS);
}

static void print_pool(const struct nq_pool *pool, bool last)
{
	printf("{\"name\":\"%s\"", pool->name);
	for (size_t i = 0; i < nq_pool_settings_count; i++)
		printf(",\"%s\":%" PRIu64, nq_pool_settings[i].name, nq_pool_get(pool, &nq_pool_settings[i]));
	printf("}%s", last ? "" : ",");
}

static void print_policy(const struct nq_policy *policy)
{
	printf("\"policy\":{");
	for (size_t i = 0; i < nq_policy_settings_count; i++)
		printf("\"%s\":%" PRIu64 ",", nq_policy_settings[i].name,
		       nq_policy_get(policy, &nq_policy_settings[i]));
	printf("\"pools\":[");
	for (uint32_t i = 0; i < policy->n_pools; i++)
		print_pool(&policy->pools[i], i + 1 == policy->n_pools);
	printf("]},\n\"waiting\":{\"step_ppm\":%u,\"beyond\":%u,\"table\":[", NQ_WAITING_STEP, NQ_WAITING_BEYOND);
	for (unsigned i = 0; i <= NQ_WAITING_STEPS; i++)
		printf("%s%u", i ? "," : "", nq_waiting_table[i]);
	printf("]},\n\"fixed\":%u,\"pack_factor\":%u,\"claim_ns\":%" PRIu64 ",\n", NQ_FIXED, NQ_PACK_FACTOR,
	       NQ_CLAIM_NS);
}

static void print_host(const char *key, const struct nq_host *host)
{
	printf("\"%s\":", key);
	fflush(stdout);
	bench_must(nq_snapshot_write(stdout, host) == 0, "the snapshot cannot be written");
	printf(",\n");
}

static void print_actions(const struct nq_plan *plan)
{
	unsigned count[NQ_ACTION_KIND_COUNT] = { 0 };
	uint64_t once = 0;

	for (uint32_t i = 0; i < plan->n_actions; i++) {
		count[plan->actions[i].kind]++;
		once += plan->actions[i].once_ns;
	}
	printf("\"actions\":{");
	for (unsigned i = 0; i < NQ_ACTION_KIND_COUNT; i++)
		printf("\"%s\":%u%s", nq_action_name(i), count[i], i + 1 < NQ_ACTION_KIND_COUNT ? "," : "");
	printf("},\"once_ns\":%" PRIu64 ",\n", once);
}

static void report(struct instance *instance)
{
	struct nq_plan *plan = make_plan(instance);
	struct nq_host *planned;
	uint64_t cost;

	apply(instance, plan, &planned);
	cost = nq_host_cost(planned, &instance->policy);
	bench_must(cost == plan->cost_after_ns, "the planned host does not cost what the plan says");
	printf("{");
	print_policy(&instance->policy);
	print_host("host", instance->host);
	print_host("planned", planned);
	print_actions(plan);
	printf("\"cost_before_ns\":%" PRIu64 ",\"cost_after_ns\":%" PRIu64 ",\"plan_ns\":%" PRIu64 "}\n",
	       nq_host_cost(instance->host, &instance->policy), cost, time_of(instance));
	nq_host_free(planned);
	nq_plan_free(plan);
}

static bool make_instance(struct instance *instance, char **words)
{
	uint64_t utilization = strtoul(words[1], NULL, 10);

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		for (enum bench_load load = 0; load < BENCH_LOAD_COUNT; load++) {
			if (strcmp(families[i].name, words[0]) != 0 || strcmp(bench_load_names[load], words[2]) != 0)
				continue;
			nq_policy_init(&instance->policy);
			instance->random.state = strtoul(words[3], NULL, 10);
			families[i].policy(instance);
			make_host(instance, utilization, load);
			families[i].host(instance);
			settle(instance);
			return true;
		}
	return false;
}

int main(int argc, char **argv)
{
	struct instance instance = { 0 };

	if (argc != 6 || !make_instance(&instance, argv + 1)) {
		fprintf(stderr,
			"families plain|pools|wide|memory|brim PER_MILLE zipf|uniform|elephant SEED nothing|running\n");
		return 2;
	}
	if (strcmp(argv[5], "running") == 0)
		let_run(&instance);
	report(&instance);
	nq_host_free(instance.host);
	return ferror(stdout) ? 1 : 0;
}
