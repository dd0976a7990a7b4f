/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Open vSwitch's case: 64 receive queues of four NICs on 16 cores of four nodes, loads after Zipf's law. Its `group`
 * assignment against nearq's queues on CPUs, as JSON lines, one for each utilization, and before it one for each node
 * on which nearq's largest load, packets/s of a core, is the larger.
 *
 * group: receive queues by falling load, each to its port's node, there to the core with the least load so far.
 * nearq: the same queues as default queues of NICs that cannot steer, so that only their CPUs are to be decided, all of
 * a node on its first CPU, the others idle.
 *
 * What counts is the largest load of a core over the mean, on each node; "worse" counts the nodes on which nearq's is
 * larger. Which of the queues is on which CPU is of no consequence, so a move is any queue that leaves the first CPU.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/build.h"
#include "bench/measure.h"

enum {
	NODES = 4,
	CORES = 4, /* of a node */
	QUEUES = 16,
	ALL_QUEUES = NODES * QUEUES,
	PER_MILLE = 1000,
	SEEDS = 200,
	RSS = 128,
};

struct count {
	uint64_t seeds, worse_nodes, worse_seeds, better_nodes, moves;
	uint64_t ours[SEEDS * NODES], theirs[SEEDS * NODES]; /* largest over mean, per mille */
	uint64_t plan_ns[SEEDS];
};

static int falling(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a < *b) - (*a > *b);
}

static uint64_t largest(const uint64_t *load)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < CORES; i++)
		most = load[i] > most ? load[i] : most;
	return most;
}

/* The largest load of a core of one node by `group`. */
static uint64_t group(const uint64_t *queues)
{
	uint64_t sorted[QUEUES], load[CORES] = { 0 };

	memcpy(sorted, queues, sizeof(sorted));
	qsort(sorted, QUEUES, sizeof(*sorted), falling);
	for (unsigned i = 0; i < QUEUES; i++) {
		unsigned least = 0;

		for (unsigned core = 1; core < CORES; core++)
			if (load[core] < load[least])
				least = core;
		load[least] += sorted[i];
	}
	return largest(load);
}

static struct nq_host *make_host(const struct nq_policy *policy, const uint64_t *loads)
{
	struct nq_host *host = bench_host(NODES);

	for (uint32_t node = 0; node < NODES; node++) {
		uint64_t load = 0;

		bench_add_cpus(host, node, CORES);
		host->nodes[node].busy = 0;
		bench_add_pnic(host, node, NQ_STEER_NONE);
		host->pnics[node].rss_entries = RSS;
		for (uint32_t i = 0; i < QUEUES; i++) {
			uint32_t queue = bench_add_queue(host, node, node * CORES, NQ_ROLE_DEFAULT, true);

			host->queues[queue].rss_entries = RSS / QUEUES;
			host->queues[queue].rx.packets = loads[queue];
			host->queues[queue].rx.bytes = loads[queue] * 500;
			load += loads[queue];
		}
		/* Busy with its queues alone: anything more would be work that stays when they leave. */
		load = load * PER_MILLE / policy->queue_capacity_pps;
		host->cpus[node * CORES].busy = load < PER_MILLE ? (uint32_t)load : PER_MILLE;
	}
	return host;
}

static void compare(const struct nq_host *planned, const uint64_t *loads, struct count *count)
{
	bool worse = false;

	for (uint32_t node = 0; node < NODES; node++) {
		uint64_t load[CORES] = { 0 }, sum = 0, ours, theirs = group(loads + node * QUEUES);
		uint64_t at = count->seeds * NODES + node;

		for (uint32_t i = node * QUEUES; i < (node + 1) * QUEUES; i++) {
			uint32_t cpu = planned->queues[i].cpu;

			bench_must(planned->cpus[cpu].node == node, "a queue left the node of its NIC");
			load[cpu - node * CORES] += loads[i];
			sum += loads[i];
			count->moves += cpu != node * CORES;
		}
		ours = largest(load);
		if (ours > theirs)
			printf("{\"bench\":\"ovs\",\"worse\":{\"seed\":%" PRIu64 ",\"node\":%u,\"group\":%" PRIu64
			       ",\"nearq\":%" PRIu64 "}}\n",
			       count->seeds + 1, node, theirs, ours);
		count->worse_nodes += ours > theirs;
		count->better_nodes += ours < theirs;
		worse = worse || ours > theirs;
		count->ours[at] = ours * CORES * PER_MILLE / sum;
		count->theirs[at] = theirs * CORES * PER_MILLE / sum;
	}
	count->worse_seeds += worse;
}

static void run(const struct nq_policy *policy, uint64_t utilization, uint64_t seed, struct count *count)
{
	struct bench_random random = { seed };
	uint64_t loads[ALL_QUEUES], begin;
	struct nq_plan *plan = NULL;
	struct nq_host *host, *planned = NULL;

	bench_loads(&random, BENCH_ZIPF, policy->queue_capacity_pps * NODES * CORES * utilization / PER_MILLE,
		    NQ_MAX_RATE, ALL_QUEUES, loads);
	host = make_host(policy, loads);
	begin = bench_cpu_ns();
	bench_must(nq_plan_make(host, policy, NULL, &plan) == 0, "no plan");
	count->plan_ns[count->seeds] = bench_cpu_ns() - begin;
	bench_must(nq_plan_apply(host, policy, plan, &planned) == 0, "the plan does not apply");
	compare(planned, loads, count);
	count->seeds++;
	nq_host_free(planned);
	nq_plan_free(plan);
	nq_host_free(host);
}

/* Each as thousandths: median and largest. */
static void print_ratios(const char *name, uint64_t *ratios, uint64_t n)
{
	uint64_t median = bench_median(ratios, n), most = ratios[n - 1];

	printf("\"%s\":{\"median\":%" PRIu64 ".%03" PRIu64 ",\"largest\":%" PRIu64 ".%03" PRIu64 "},", name,
	       median / PER_MILLE, median % PER_MILLE, most / PER_MILLE, most % PER_MILLE);
}

int main(int argc, char **argv)
{
	static const uint64_t utilizations[] = { 600, 850 };
	struct nq_policy policy;
	bool good = true;

	(void)argc;
	nq_policy_init(&policy);
	for (size_t i = 0; i < sizeof(utilizations) / sizeof(utilizations[0]); i++) {
		struct count *count = calloc(1, sizeof(*count));

		bench_must(count, "no memory");
		for (uint64_t seed = 1; seed <= SEEDS; seed++)
			run(&policy, utilizations[i], seed, count);
		printf("{\"bench\":\"ovs\",\"command\":\"%s\",\"utilization\":0.%" PRIu64 ",\"seeds\":%" PRIu64
		       ",\"nodes\":%" PRIu64 ",",
		       argv[0], utilizations[i], count->seeds, count->seeds * NODES);
		print_ratios("group", count->theirs, count->seeds * NODES);
		print_ratios("nearq", count->ours, count->seeds * NODES);
		printf("\"worse_nodes\":%" PRIu64 ",\"worse_seeds\":%" PRIu64 ",\"better_nodes\":%" PRIu64
		       ",\"moves\":%" PRIu64 ",\"plan_ns\":%" PRIu64 ",\"pass\":%s}\n",
		       count->worse_nodes, count->worse_seeds, count->better_nodes, count->moves / count->seeds,
		       bench_median(count->plan_ns, count->seeds), count->worse_nodes ? "false" : "true");
		good = good && count->worse_nodes == 0;
		free(count);
	}
	return good && !ferror(stdout) ? 0 : 1;
}
