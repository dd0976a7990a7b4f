/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which CPU serves each queue: by cost, by thresholds (Dynamic VMQ), in turn (static VMQ). */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "build_host.h"
#include "core/board.h"
#include "random_host.h"

/* Nothing but the CPUs of queues. */
static struct nq_policy cpus_only(void)
{
	struct nq_policy policy;

	nq_policy_init(&policy);
	policy.placement = NQ_PLACE_NONE;
	policy.rebalance = NQ_REBALANCE_OFF;
	policy.assignment = NQ_ASSIGN_NONE;
	policy.vrss = NQ_OFF;
	return policy;
}

static struct nq_policy named(const char *name)
{
	struct nq_policy policy;

	nq_policy_init(&policy);
	assert_int_equal(nq_policy_use(&policy, name), 0);
	return policy;
}

/* A queue in use by somebody unknown, with so many packets/s. */
static uint32_t loaded_queue(struct nq_host *host, uint32_t pnic, uint32_t cpu, uint64_t packets)
{
	uint32_t queue = build_queue(host, pnic, NQ_ROLE_ASSIGNED, cpu);

	host->queues[queue].rx.packets = packets;
	return queue;
}

/* What the CPUs would be seen to do. */
static void measure_cpus(struct nq_host *host)
{
	for (uint32_t i = 0; i < host->n_queues; i++)
		if (host->queues[i].cpu != NQ_NONE)
			host->cpus[host->queues[i].cpu].busy +=
				(uint32_t)((host->queues[i].rx.packets + host->queues[i].tx.packets) / 1000);
}

/* The host after one tick; the plan's actions are counted. */
static struct nq_host *tick(struct nq_host *host, const struct nq_policy *policy, struct nq_memory *memory,
			    uint32_t *ret_actions)
{
	struct nq_plan *plan = support_plan(host, policy, memory);
	struct nq_host *planned = NULL;
	struct nq_violation violation;

	*ret_actions = plan->n_actions;
	for (uint32_t i = 0; memory && i < plan->n_actions; i++)
		assert_int_equal(nq_memory_learn(memory, policy, host, plan, i), 0);
	assert_int_equal(nq_plan_apply(host, policy, plan, &planned), 0);
	assert_int_equal(nq_host_check(planned, &violation), 0);
	planned->time_ns += UINT64_C(2000000000);
	nq_plan_free(plan);
	nq_host_free(host);
	return planned;
}

/* One tick after which the next one has nothing to do. */
static struct nq_host *settle(struct nq_host *host, const struct nq_policy *policy, uint32_t *ret_actions)
{
	uint32_t again;

	host = tick(host, policy, NULL, ret_actions);
	host = tick(host, policy, NULL, &again);
	assert_int_equal(again, 0);
	return host;
}

static uint32_t queues_on(const struct nq_host *host, uint32_t cpu)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < host->n_queues; i++)
		n += host->queues[i].cpu == cpu;
	return n;
}

static uint64_t load_on(const struct nq_host *host, uint32_t cpu)
{
	uint64_t load = 0;

	for (uint32_t i = 0; i < host->n_queues; i++)
		if (host->queues[i].cpu == cpu)
			load += host->queues[i].rx.packets + host->queues[i].tx.packets;
	return load;
}

/* D1: without VMQ all is received on one CPU, however busy that is. */
static void d1_no_vmq_leaves_all_on_one_cpu(void **state)
{
	struct nq_host *host = build_host(2, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), actions;
	struct nq_policy policy = named("static-vmq");

	(void)state;
	policy.assignment = NQ_ASSIGN_NONE;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	for (uint32_t i = 1; i < 4; i++)
		build_queue(host, pnic, NQ_ROLE_FREE, 0);
	for (uint32_t i = 0; i < 4; i++)
		build_vnic(host, build_vm(host, i % 2), NQ_NONE, pnic, 200000);
	host = tick(host, &policy, NULL, &actions);
	assert_int_equal(actions, 0);
	nq_host_free(host);
}

/* D1: queues and CPUs in turn, over both nodes; the second round shares queues. */
static void d1_static_deals_queues_and_cpus_in_turn(void **state)
{
	struct nq_host *host = build_host(2, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), actions;
	struct nq_policy policy = named("static-vmq");

	(void)state;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	for (uint32_t i = 0; i < 3; i++)
		build_queue(host, pnic, NQ_ROLE_FREE, 0);
	for (uint32_t i = 0; i < 6; i++)
		build_vnic(host, build_vm(host, 0), NQ_NONE, pnic, i * 100);
	host = settle(host, &policy, &actions);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(host->vnics[i].rx_queue, 1 + i % 3);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(queues_on(host, i), 1);
	nq_host_free(host);
}

/* D1: for good: what is busy together stays together, where nearq takes it apart. */
static void d1_static_keeps_two_busy_queues_on_one_cpu(void **state)
{
	struct nq_policy fixed = named("static-vmq"), policy = named("nearq");
	struct nq_host *host = build_host(1, 4);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), actions;

	(void)state;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	for (uint32_t i = 0; i < 2; i++)
		build_vnic(host, build_vm(host, 0), build_queue(host, pnic, NQ_ROLE_ASSIGNED, 1), pnic, 200000);
	host = tick(host, &fixed, NULL, &actions);
	assert_int_equal(actions, 0);
	host = settle(host, &policy, &actions);
	assert_int_equal(actions, 1);
	assert_true(load_on(host, 1) <= 400000);
	nq_host_free(host);
}

/* D1: a pnic takes no more steering rules than it has. */
static void d1_static_keeps_within_the_rules_of_the_pnic(void **state)
{
	struct nq_host *host = build_host(1, 4);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), actions, steered = 0;
	struct nq_policy policy = named("static-vmq");

	(void)state;
	host->pnics[pnic].rules_max = 2;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	build_queue(host, pnic, NQ_ROLE_FREE, 0);
	for (uint32_t i = 0; i < 4; i++)
		build_vnic(host, build_vm(host, 0), NQ_NONE, pnic, 1000);
	host = settle(host, &policy, &actions);
	for (uint32_t i = 0; i < 4; i++)
		steered += host->vnics[i].rx_queue != NQ_NONE;
	assert_int_equal(steered, 2);
	nq_host_free(host);
}

/* D1: soft queues are one for each CPU, so their turn is that of the CPUs. */
static void d1_static_deals_soft_queues_in_turn(void **state)
{
	struct nq_host *host = build_host(2, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_XDP), actions, first;
	struct nq_policy policy = named("static-vmq");

	(void)state;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	first = build_soft_queues(host, pnic);
	for (uint32_t i = 0; i < 5; i++)
		build_vnic(host, build_vm(host, 0), NQ_NONE, pnic, 1000);
	host = settle(host, &policy, &actions);
	assert_int_equal(actions, 5);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(host->vnics[i].rx_queue, first + i % 4);
	nq_host_free(host);
}

/* D1: queues of somebody unknown, on CPUs that are offline or without a known CPU are nobody's turn. */
static void d1_static_leaves_queues_out_that_cannot_serve(void **state)
{
	struct nq_host *host = build_host(1, 3);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), actions, good;
	struct nq_policy policy = named("static-vmq");

	(void)state;
	host->cpus[2].online = false;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	build_queue(host, pnic, NQ_ROLE_ASSIGNED, 1);
	build_queue(host, pnic, NQ_ROLE_FREE, 2);
	build_queue(host, pnic, NQ_ROLE_FREE, NQ_NONE);
	good = build_queue(host, pnic, NQ_ROLE_FREE, 1);
	for (uint32_t i = 0; i < 2; i++)
		build_vnic(host, build_vm(host, 0), NQ_NONE, pnic, 1000);
	host = settle(host, &policy, &actions);
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(host->vnics[i].rx_queue, good);
	nq_host_free(host);
}

/* D2: one of two queues leaves, to the idle CPU, and the reason tells the numbers. */
static void d2_spreads_two_queues_of_a_busy_cpu(void **state)
{
	struct nq_policy policy = cpus_only();
	struct nq_host *host = build_host(1, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), actions;
	struct nq_plan *plan;

	(void)state;
	loaded_queue(host, pnic, 0, 500000);
	loaded_queue(host, pnic, 0, 400000);
	measure_cpus(host);
	plan = support_plan(host, &policy, NULL);
	assert_int_equal(plan->n_actions, 1);
	assert_int_equal(plan->actions[0].reason.rule, NQ_RULE_CPU_SPREAD);
	assert_int_equal(plan->actions[0].reason.value[0], 900);
	assert_int_equal(plan->actions[0].reason.value[1], policy.cpu_busy);
	assert_int_equal(plan->actions[0].reason.value[2], 0);
	assert_true(plan->actions[0].cost_after_ns < plan->actions[0].cost_before_ns);
	/* Two CPUs and one queue: what the action saves is what the host saves. */
	assert_int_equal(plan->actions[0].cost_before_ns - plan->actions[0].cost_after_ns,
			 plan->cost_before_ns - plan->cost_after_ns);
	nq_plan_free(plan);
	host = settle(host, &policy, &actions);
	assert_int_equal(queues_on(host, 0), 1);
	nq_host_free(host);
}

/* D2: within the node, however idle the other one is. */
static void d2_stays_on_the_node(void **state)
{
	struct nq_policy policy = cpus_only();
	struct nq_host *host = build_host(2, 1);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), actions;

	(void)state;
	loaded_queue(host, pnic, 0, 500000);
	loaded_queue(host, pnic, 0, 400000);
	host = tick(host, &policy, NULL, &actions);
	assert_int_equal(actions, 0);
	nq_host_free(host);
}

/* D2: default queues too, with all that passes through them. */
static void d2_spreads_default_queues(void **state)
{
	struct nq_policy policy = cpus_only();
	struct nq_host *host = build_host(2, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NONE), actions;

	(void)state;
	for (uint32_t i = 0; i < 2; i++)
		build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	build_vnic(host, build_vm(host, 0), NQ_NONE, pnic, 400000);
	host = settle(host, &policy, &actions);
	assert_int_equal(actions, 1);
	assert_int_equal(queues_on(host, 0), 1);
	assert_int_equal(queues_on(host, 1), 1);
	nq_host_free(host);
}

/* D2: what cannot be moved, or moved just now, stays; another goes instead. */
static void d2_leaves_what_cannot_move(void **state)
{
	struct nq_policy policy = cpus_only();
	struct nq_host *host = build_host(1, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), actions;
	uint32_t fixed = loaded_queue(host, pnic, 0, 500000), moved = loaded_queue(host, pnic, 0, 400000);
	struct nq_action action = { .kind = NQ_ACTION_QUEUE_CPU, .queue = moved };
	struct nq_plan past = { .time_ns = host->time_ns - 1, .actions = &action };
	struct nq_memory *memory = NULL;

	(void)state;
	host->queues[fixed].movable = false;
	assert_int_equal(nq_memory_new(&memory), 0);
	assert_int_equal(nq_memory_learn(memory, &policy, host, &past, 0), 0);
	host = tick(host, &policy, memory, &actions);
	assert_int_equal(actions, 0);
	host = tick(host, &policy, NULL, &actions);
	assert_int_equal(actions, 1);
	assert_int_equal(host->queues[fixed].cpu, 0);
	assert_int_equal(host->queues[moved].cpu, 1);
	nq_memory_free(memory);
	nq_host_free(host);
}

/* D2: no single queue can go, but two change places: 900 against 650 become 750 against 800. */
static void d2_exchanges_two_queues(void **state)
{
	struct nq_policy policy = cpus_only();
	struct nq_host *host = build_host(1, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), actions;

	(void)state;
	loaded_queue(host, pnic, 0, 500000);
	loaded_queue(host, pnic, 0, 400000);
	loaded_queue(host, pnic, 1, 350000);
	loaded_queue(host, pnic, 1, 300000);
	host = settle(host, &policy, &actions);
	assert_int_equal(actions, 2);
	assert_int_equal(load_on(host, 0), 750000);
	assert_int_equal(load_on(host, 1), 800000);
	nq_host_free(host);
}

/* D2: a gain must earn what moving costs, to the nanosecond. */
static void d2_must_pay(void **state)
{
	struct nq_policy policy = cpus_only();
	struct nq_host *host = build_host(1, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), actions;
	uint64_t gain;
	struct nq_plan *plan;

	(void)state;
	loaded_queue(host, pnic, 0, 500000);
	loaded_queue(host, pnic, 0, 400000);
	plan = support_plan(host, &policy, NULL);
	gain = plan->cost_before_ns - plan->cost_after_ns;
	nq_plan_free(plan);
	policy.horizon_ms = 100;
	policy.queue_cpu_once_ns = gain / 10 + 1;
	host = tick(host, &policy, NULL, &actions);
	assert_int_equal(actions, 0);
	policy.queue_cpu_once_ns = gain / 10;
	host = tick(host, &policy, NULL, &actions);
	assert_int_equal(actions, 1);
	nq_host_free(host);
}

/* D2: what would leave more than imbalance_after of the difference, the other way round, stays. */
static void d2_leaves_at_most_half_of_the_imbalance(void **state)
{
	struct nq_policy policy = cpus_only();
	uint32_t actions;

	(void)state;
	policy.queue_cpu_once_ns = 0;
	for (uint64_t packets = 374000; packets <= 376000; packets += 2000) {
		struct nq_host *host = build_host(1, 2);
		uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE);

		host->cpus[0].busy = 500;
		loaded_queue(host, pnic, 0, packets);
		measure_cpus(host);
		host->cpus[1].busy = (uint32_t)(packets / 1000); /* 500 apart, of which 375 are three quarters */
		host = tick(host, &policy, NULL, &actions);
		assert_int_equal(actions, packets < 375000);
		nq_host_free(host);
	}
}

/* D2: hardware threads: an idle core before the idle thread of a busy one. */
static void d2_prefers_distinct_cores(void **state)
{
	const uint32_t cores[] = { 0, 1, 1, 0 };
	struct nq_policy policy = cpus_only();
	struct nq_host *host = build_host(1, 4);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), actions;

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		host->cpus[i].core = cores[i];
	loaded_queue(host, pnic, 0, 500000);
	loaded_queue(host, pnic, 0, 400000);
	host = settle(host, &policy, &actions);
	assert_int_equal(actions, 1);
	assert_int_equal(queues_on(host, 0), 1);
	assert_int_equal(queues_on(host, 3), 0);
	nq_host_free(host);
}

#define NODES 4u
#define CORES 4u /* per node */
#define ZIPF_QUEUES 64u

/* 64 queues, the k-th with 1/k of the first, dealt over the nodes, 16 on each, on the CPUs that `start` says. */
static struct nq_host *zipf_host(struct random *random, unsigned int start)
{
	struct nq_host *host = build_host(NODES, CORES);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), node_of[ZIPF_QUEUES];

	for (uint32_t i = 0; i < ZIPF_QUEUES; i++)
		node_of[i] = i % NODES;
	for (uint32_t i = ZIPF_QUEUES - 1; i > 0; i--) {
		uint32_t other = (uint32_t)random_in(random, 0, i), node = node_of[i];

		node_of[i] = node_of[other];
		node_of[other] = node;
	}
	for (uint32_t i = 0; i < ZIPF_QUEUES; i++) {
		const uint32_t cores[] = { 0, i % CORES, (uint32_t)random_in(random, 0, CORES - 1) };

		loaded_queue(host, pnic, node_of[i] * CORES + cores[start], 800000 / (i + 1));
	}
	return host;
}

/* Open vSwitch's `group` on one node: by falling load, each to the least loaded; the largest load. */
static uint64_t group_largest(const struct nq_host *host, uint32_t node)
{
	uint64_t load[CORES] = { 0 }, largest = 0;

	/* The queues come by falling load. */
	for (uint32_t i = 0; i < host->n_queues; i++) {
		uint32_t least = 0;

		if (nq_host_queue_node(host, i) != node)
			continue;
		for (uint32_t core = 1; core < CORES; core++)
			if (load[core] < load[least])
				least = core;
		load[least] += host->queues[i].rx.packets;
	}
	for (uint32_t core = 0; core < CORES; core++)
		largest = load[core] > largest ? load[core] : largest;
	return largest;
}

static uint64_t largest_on(const struct nq_host *host, uint32_t node)
{
	uint64_t largest = 0;

	for (uint32_t core = 0; core < CORES; core++)
		if (load_on(host, node * CORES + core) > largest)
			largest = load_on(host, node * CORES + core);
	return largest;
}

/* D2: the largest of each node is no larger than with `group`; the mean is the same, since nothing leaves its node. */
static void d2_ovs_no_worse_than_group(void **state)
{
	struct nq_policy policy = cpus_only();

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++)
		for (unsigned int start = 0; start < 3; start++) {
			struct random random = { seed };
			struct nq_host *host = zipf_host(&random, start);
			uint32_t actions;

			host = settle(host, &policy, &actions);
			for (uint32_t node = 0; node < NODES; node++)
				if (largest_on(host, node) > group_largest(host, node))
					fail_msg("seed %u start %u node %u: %u > %u", (unsigned int)seed, start, node,
						 (unsigned int)largest_on(host, node),
						 (unsigned int)group_largest(host, node));
			nq_host_free(host);
		}
}

/* Millionths; as the board sees it, which trusts the parts where they are more than what was measured. */
static uint64_t fullest_on(const struct nq_host *host, const struct nq_policy *policy, uint32_t node)
{
	struct nq_board *board = NULL;
	uint64_t fullest = 0;

	assert_int_equal(nq_board_new(host, policy, &board), 0);
	for (uint32_t i = 0; i < board->n_cpus; i++)
		if (board->cpus[i].node == node && board->cpus[i].online &&
		    nq_board_ppm(board, i, board->cpus[i].load) > fullest)
			fullest = nq_board_ppm(board, i, board->cpus[i].load);
	nq_board_free(board);
	return fullest;
}

/* D2, D3: whatever the host: queues stay on their nodes, it becomes cheaper, and then there is nothing to do. */
static void d2_random_hosts(void **state)
{
	uint32_t moved = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct random random = { seed };
		struct nq_host *host = random_host(&random, seed % 5 == 0), *planned = NULL;
		struct nq_policy policy = cpus_only();
		struct nq_plan *plan, *again;

		policy.cpu_used_ns = seed % 4 == 0 ? random_in(&random, 0, 10000000) : 0;
		plan = support_plan(host, &policy, NULL);
		assert_int_equal(nq_plan_apply(host, &policy, plan, &planned), 0);
		again = support_plan(planned, &policy, NULL);
		if (again->n_actions)
			fail_msg("seed %u: not at rest", (unsigned int)seed);
		for (uint32_t i = 0; i < plan->n_actions; i++) {
			const struct nq_action *action = &plan->actions[i];

			if (action->kind != NQ_ACTION_QUEUE_CPU)
				continue;
			moved++;
			assert_int_equal(host->cpus[action->cpu_from].node, host->cpus[action->cpu_to].node);
			assert_true(host->queues[action->queue].movable);
		}
		assert_true(plan->n_actions == 0 || plan->cost_after_ns < plan->cost_before_ns);
		for (uint32_t node = 0; policy.cpu_used_ns == 0 && node < host->n_nodes; node++)
			if (fullest_on(planned, &policy, node) > fullest_on(host, &policy, node))
				fail_msg("seed %u: a CPU of node %u became fuller than any was", (unsigned int)seed,
					 node);
		nq_plan_free(again);
		nq_plan_free(plan);
		nq_host_free(planned);
		nq_host_free(host);
	}
	assert_true(moved > 100);
}

/* D2, Dynamic VMQ: the busiest queue leaves a CPU over the threshold for the idlest CPU, on whatever node. */
static void d2_threshold_moves_the_busiest_queue_to_any_node(void **state)
{
	struct nq_policy policy = named("dynamic-vmq");
	struct nq_host *host = build_host(2, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), actions, big;

	(void)state;
	host->cpus[1].busy = 500;
	host->cpus[2].busy = 450;
	host->cpus[3].busy = 400;
	big = loaded_queue(host, pnic, 0, 500000);
	loaded_queue(host, pnic, 0, 400000);
	measure_cpus(host);
	host = tick(host, &policy, NULL, &actions);
	assert_int_equal(actions, 1);
	assert_int_equal(host->queues[big].cpu, 3);
	nq_host_free(host);
}

/* D2, Dynamic VMQ: at the threshold nothing moves, over it one queue does. */
static void d2_threshold_is_cpu_busy(void **state)
{
	struct nq_policy policy = named("dynamic-vmq");
	uint32_t actions;

	(void)state;
	for (uint64_t more = 0; more <= 1000; more += 1000) {
		struct nq_host *host = build_host(1, 2);
		uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE);

		loaded_queue(host, pnic, 0, 500000);
		loaded_queue(host, pnic, 0, 300000 + more);
		measure_cpus(host);
		host = tick(host, &policy, NULL, &actions);
		assert_int_equal(actions, more > 0);
		nq_host_free(host);
	}
}

/* D2, Dynamic VMQ: a CPU that took a queue gives none in the same tick, though it is over the threshold now. */
static void d2_threshold_moves_one_queue_per_cpu_and_tick(void **state)
{
	struct nq_policy policy = named("dynamic-vmq");
	struct nq_host *host = build_host(1, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), actions;

	(void)state;
	loaded_queue(host, pnic, 0, 500000);
	loaded_queue(host, pnic, 0, 400000);
	loaded_queue(host, pnic, 1, 350000);
	measure_cpus(host);
	host = tick(host, &policy, NULL, &actions);
	assert_int_equal(actions, 1);
	assert_int_equal(load_on(host, 1), 850000);
	nq_host_free(host);
}

/* D3, Dynamic VMQ: the emptier CPU joins the fuller one. */
static void d3_threshold_joins_the_fuller(void **state)
{
	struct nq_policy policy = named("dynamic-vmq");
	struct nq_host *host = build_host(1, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), actions;

	(void)state;
	loaded_queue(host, pnic, 0, 200000);
	loaded_queue(host, pnic, 1, 250000);
	measure_cpus(host);
	host = settle(host, &policy, &actions);
	assert_int_equal(actions, 1);
	assert_int_equal(queues_on(host, 1), 2);
	nq_host_free(host);
	host = build_host(1, 2);
	pnic = build_pnic(host, 0, NQ_STEER_NTUPLE);
	loaded_queue(host, pnic, 0, 250000);
	loaded_queue(host, pnic, 1, 200000);
	measure_cpus(host);
	host = settle(host, &policy, &actions);
	assert_int_equal(actions, 1);
	assert_int_equal(queues_on(host, 0), 2);
	nq_host_free(host);
}

/* D3, Dynamic VMQ: four CPUs with little to do become one, a queue from each in a tick, and stay one. */
static void d3_threshold_coalesces_when_quiet(void **state)
{
	struct nq_policy policy = named("dynamic-vmq");
	struct nq_host *host = build_host(2, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), actions, used = 0;

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		loaded_queue(host, pnic, i, 100000);
	measure_cpus(host);
	for (uint32_t i = 0; i < 4; i++)
		host = tick(host, &policy, NULL, &actions);
	assert_int_equal(actions, 0);
	for (uint32_t i = 0; i < 4; i++)
		used += queues_on(host, i) > 0;
	assert_int_equal(used, 1);
	nq_host_free(host);
}

/* D3: by cost, when a CPU that can sleep is worth more than the waiting, and only then. */
static void d3_coalesces_when_it_pays(void **state)
{
	struct nq_policy policy = cpus_only();
	struct nq_host *host = build_host(1, 4);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), actions, used = 0;
	struct nq_plan *plan;

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		loaded_queue(host, pnic, i, 50000);
	measure_cpus(host);
	host = tick(host, &policy, NULL, &actions);
	assert_int_equal(actions, 0);
	policy.cpu_used_ns = 2000000;
	plan = support_plan(host, &policy, NULL);
	assert_true(plan->n_actions > 0);
	assert_int_equal(plan->actions[0].reason.rule, NQ_RULE_CPU_COALESCE);
	assert_int_equal(plan->actions[0].reason.value[1], policy.cpu_quiet);
	nq_plan_free(plan);
	host = settle(host, &policy, &actions);
	for (uint32_t i = 0; i < 4; i++)
		used += queues_on(host, i) > 0;
	assert_int_equal(used, 1);
	nq_host_free(host);
}

/* D3: only a CPU under cpu_quiet, and not onto one that it would fill over cpu_busy, whatever it saves. */
static void d3_keeps_between_quiet_and_busy(void **state)
{
	const struct {
		uint32_t quiet, other, moves;
	} cases[] = { { 299, 501, 1 }, { 300, 500, 0 }, { 299, 502, 0 } };
	struct nq_policy policy = cpus_only();
	uint32_t actions;

	(void)state;
	policy.cpu_used_ns = 1000000000;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nq_host *host = build_host(1, 2);
		uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE);

		loaded_queue(host, pnic, 0, cases[i].quiet * UINT64_C(1000));
		loaded_queue(host, pnic, 1, cases[i].other * UINT64_C(1000));
		host->queues[1].movable = false;
		host = tick(host, &policy, NULL, &actions);
		assert_int_equal(actions, cases[i].moves);
		nq_host_free(host);
	}
}

/* One queue that is too much for any of two CPUs. */
static struct nq_host *one_big_queue(void)
{
	struct nq_host *host = build_host(1, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE);

	loaded_queue(host, pnic, 0, 900000);
	measure_cpus(host);
	return host;
}

static uint32_t moves_in(const struct nq_policy *policy, bool remember, uint32_t ticks)
{
	struct nq_host *host = one_big_queue();
	struct nq_memory *memory = NULL;
	uint32_t moves = 0, actions;

	assert_int_equal(nq_memory_new(&memory), 0);
	for (uint32_t i = 0; i < ticks; i++) {
		uint32_t before = host->queues[0].cpu;

		host = tick(host, policy, remember ? memory : NULL, &actions);
		moves += actions;
		assert_int_equal(host->queues[0].cpu != before, actions);
	}
	nq_memory_free(memory);
	nq_host_free(host);
	return moves;
}

#define HOUR_TICKS 1800u

/* D4: the weakness of Dynamic VMQ: back and forth at every tick, for ever. */
static void d4_dynamic_vmq_plays_ping_pong(void **state)
{
	struct nq_policy policy = named("dynamic-vmq");

	(void)state;
	assert_int_equal(moves_in(&policy, true, 100), 100);
}

/* D4: by cost nothing moves, with or without anything remembered. */
static void d4_nearq_does_not(void **state)
{
	struct nq_policy policy = named("nearq");

	(void)state;
	assert_int_equal(moves_in(&policy, true, 100), 0);
	assert_int_equal(moves_in(&policy, false, 100), 0);
	policy.guard = NQ_OFF;
	assert_int_equal(moves_in(&policy, false, 100), 0);
}

/* D4: credits end it: those it has, and one in each credit_ms. */
static void d4_vrss_runs_out_of_credits(void **state)
{
	struct nq_policy policy = named("vrss");
	uint32_t moves = moves_in(&policy, true, HOUR_TICKS);

	(void)state;
	assert_true(moves > 0);
	assert_true(moves <= policy.credits + HOUR_TICKS * 2000 / policy.credit_ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(d1_no_vmq_leaves_all_on_one_cpu),
		cmocka_unit_test(d1_static_deals_queues_and_cpus_in_turn),
		cmocka_unit_test(d1_static_keeps_two_busy_queues_on_one_cpu),
		cmocka_unit_test(d1_static_keeps_within_the_rules_of_the_pnic),
		cmocka_unit_test(d1_static_deals_soft_queues_in_turn),
		cmocka_unit_test(d1_static_leaves_queues_out_that_cannot_serve),
		cmocka_unit_test(d2_spreads_two_queues_of_a_busy_cpu),
		cmocka_unit_test(d2_stays_on_the_node),
		cmocka_unit_test(d2_spreads_default_queues),
		cmocka_unit_test(d2_leaves_what_cannot_move),
		cmocka_unit_test(d2_exchanges_two_queues),
		cmocka_unit_test(d2_must_pay),
		cmocka_unit_test(d2_leaves_at_most_half_of_the_imbalance),
		cmocka_unit_test(d2_prefers_distinct_cores),
		cmocka_unit_test(d2_ovs_no_worse_than_group),
		cmocka_unit_test(d2_random_hosts),
		cmocka_unit_test(d2_threshold_moves_the_busiest_queue_to_any_node),
		cmocka_unit_test(d2_threshold_is_cpu_busy),
		cmocka_unit_test(d2_threshold_moves_one_queue_per_cpu_and_tick),
		cmocka_unit_test(d3_threshold_joins_the_fuller),
		cmocka_unit_test(d3_threshold_coalesces_when_quiet),
		cmocka_unit_test(d3_coalesces_when_it_pays),
		cmocka_unit_test(d3_keeps_between_quiet_and_busy),
		cmocka_unit_test(d4_dynamic_vmq_plays_ping_pong),
		cmocka_unit_test(d4_nearq_does_not),
		cmocka_unit_test(d4_vrss_runs_out_of_credits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
