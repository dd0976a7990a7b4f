/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dwell, least gain, one-off cost, and the memory behind them. */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build_host.h"

#define MS UINT64_C(1000000)

/* The vm is on node 1, its queue in use on node 0, another one on node 1: 100 ns/s to be saved for each packet/s. */
static struct nq_host *remote_vnic(uint64_t packets)
{
	struct nq_host *host = build_host(2, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), queue;

	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	queue = build_queue(host, pnic, NQ_ROLE_ASSIGNED, 1);
	build_queue(host, pnic, NQ_ROLE_ASSIGNED, 2);
	for (uint32_t i = 0; i < host->n_queues; i++)
		host->queues[i].movable = false;
	build_vnic(host, build_vm(host, 1), queue, pnic, 0);
	host->vnics[0].rx.packets = packets;
	return host;
}

static uint32_t count_actions(const struct nq_host *host, const struct nq_policy *policy,
			      const struct nq_memory *memory, struct nq_reason *ret_kept)
{
	struct nq_plan *plan = support_plan(host, policy, memory);
	uint32_t n = plan->n_actions;

	*ret_kept = (struct nq_reason){ .rule = NQ_RULE_COUNT };
	if (plan->n_kept)
		*ret_kept = plan->kept[0].reason;
	nq_plan_free(plan);
	return n;
}

/* A queue in use costs nothing, so that only the way changes; the CPUs of both queues have nothing else to do. */
static void only_ways(struct nq_policy *ret)
{
	nq_policy_init(ret);
	ret->queue_wait = 1;
	ret->queue_used_ns = 0;
}

/* least_gain_ns, to the nanosecond. */
static void least_gain_ns(void **state)
{
	struct nq_policy policy;
	struct nq_reason kept;

	(void)state;
	only_ways(&policy);
	policy.least_gain_ns = 100 * 50;
	policy.steer_once_ns = 0;
	for (uint64_t packets = 49; packets <= 50; packets++) {
		struct nq_host *host = remote_vnic(packets);

		assert_int_equal(count_actions(host, &policy, NULL, &kept), packets == 50);
		if (packets == 49) {
			assert_int_equal(kept.rule, NQ_RULE_KEPT_SMALL_GAIN);
			assert_int_equal(kept.value[0], 4900);
			assert_int_equal(kept.value[1], 5000);
		}
		nq_host_free(host);
	}
}

/* least_gain is per mille of the remote part: 200 ns a packet now, of which 100 can be saved. */
static void least_gain(void **state)
{
	struct nq_host *host = remote_vnic(100000);
	struct nq_policy policy;
	struct nq_reason kept;

	(void)state;
	only_ways(&policy);
	policy.least_gain = 500;
	assert_int_equal(count_actions(host, &policy, NULL, &kept), 1);
	policy.least_gain = 501;
	assert_int_equal(count_actions(host, &policy, NULL, &kept), 0);
	assert_int_equal(kept.rule, NQ_RULE_KEPT_SMALL_GAIN);
	/* What a packet costs anyway does not count. */
	policy.least_gain = 500;
	policy.packet_ns = 100000;
	assert_int_equal(count_actions(host, &policy, NULL, &kept), 1);
	nq_host_free(host);
}

/* The one-off cost must be earned within the horizon, to the nanosecond. */
static void one_off(void **state)
{
	struct nq_host *host = remote_vnic(1000);
	struct nq_policy policy;
	struct nq_reason kept;

	(void)state;
	only_ways(&policy);
	policy.horizon_ms = 5000;
	policy.steer_once_ns = 1000 * 100 * 5;
	assert_int_equal(count_actions(host, &policy, NULL, &kept), 1);
	policy.steer_once_ns++;
	assert_int_equal(count_actions(host, &policy, NULL, &kept), 0);
	assert_int_equal(kept.rule, NQ_RULE_KEPT_ONE_OFF);
	assert_int_equal(kept.value[0], 500000);
	assert_int_equal(kept.value[1], 500001);
	nq_host_free(host);
}

/* An object that moved stays for dwell_ms, to the millisecond; a move in the future is of another boot. */
static void dwell(void **state)
{
	struct nq_host *host = remote_vnic(100000);
	struct nq_memory *memory = NULL;
	struct nq_policy policy;
	struct nq_reason kept;
	struct nq_plan *plan;

	(void)state;
	nq_policy_init(&policy);
	plan = support_plan(host, &policy, NULL);
	assert_int_equal(nq_memory_new(&memory), 0);
	assert_int_equal(memory->next_node, NQ_NONE);
	assert_int_equal(nq_memory_learn(memory, &policy, host, plan, 0), 0);
	assert_int_equal(memory->n_entries, 1);
	assert_int_equal(memory->entries[0].kind, NQ_ACTION_STEER);
	assert_string_equal(memory->entries[0].key, "02:00:00:00:00:00");
	assert_int_equal(memory->entries[0].moved_ns, host->time_ns);

	host->time_ns += (policy.dwell_ms - 1) * MS;
	assert_int_equal(count_actions(host, &policy, memory, &kept), 0);
	assert_int_equal(kept.rule, NQ_RULE_KEPT_DWELL);
	assert_int_equal(kept.value[0], policy.dwell_ms - 1);
	assert_int_equal(kept.value[1], policy.dwell_ms);
	host->time_ns += MS;
	assert_int_equal(count_actions(host, &policy, memory, &kept), 1);
	host->time_ns = plan->time_ns - 1;
	assert_int_equal(count_actions(host, &policy, memory, &kept), 1);

	nq_plan_free(plan);
	nq_memory_free(memory);
	nq_host_free(host);
}

/* A default queue dwells too. */
static void queue_dwells(void **state)
{
	struct nq_host *host = build_host(2, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NONE);
	struct nq_memory *memory = NULL;
	struct nq_policy policy;
	struct nq_reason kept;
	struct nq_plan *plan;

	(void)state;
	nq_policy_init(&policy);
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 2);
	build_vnic(host, build_vm(host, 0), NQ_NONE, pnic, 100000);
	plan = support_plan(host, NULL, NULL);
	assert_int_equal(plan->n_actions, 1);
	assert_int_equal(nq_memory_new(&memory), 0);
	assert_int_equal(nq_memory_learn(memory, &policy, host, plan, 0), 0);
	assert_string_equal(memory->entries[0].key, "eth0/0");
	assert_int_equal(count_actions(host, NULL, memory, &kept), 0);
	nq_plan_free(plan);
	nq_memory_free(memory);
	nq_host_free(host);
}

static void learn(struct nq_memory *memory, const struct nq_host *host, enum nq_action_kind kind, uint32_t object,
		  uint64_t time_ns)
{
	struct nq_action action = { .kind = kind, .vm = object, .queue = object, .vnic = object };
	struct nq_plan plan = { .time_ns = time_ns, .actions = &action, .n_actions = 1 };
	struct nq_policy policy;

	nq_policy_init(&policy);
	nq_nodeset_add(&action.home_to, 1);
	assert_int_equal(nq_memory_learn(memory, &policy, host, &plan, 0), 0);
}

/* Sorted by kind, then key; learned twice is one entry; a memory twice what the host can need forgets what is gone. */
static void memory_order(void **state)
{
	struct nq_host *host = remote_vnic(1), *smaller = build_host(2, 1);
	struct nq_memory *memory = NULL;

	(void)state;
	assert_int_equal(nq_memory_new(&memory), 0);
	learn(memory, host, NQ_ACTION_STEER, 0, 1);
	learn(memory, host, NQ_ACTION_QUEUE_CPU, 2, 2);
	learn(memory, host, NQ_ACTION_QUEUE_CPU, 1, 3);
	learn(memory, host, NQ_ACTION_HOME, 0, 4);
	learn(memory, host, NQ_ACTION_QUEUE_CPU, 2, 5);
	assert_int_equal(memory->n_entries, 4);
	assert_string_equal(memory->entries[0].key, "vm0");
	assert_string_equal(memory->entries[1].key, "eth0/1");
	assert_string_equal(memory->entries[2].key, "eth0/2");
	assert_int_equal(memory->entries[2].moved_ns, 5);
	assert_int_equal(memory->next_node, 1);

	build_vm(smaller, 0);
	learn(memory, smaller, NQ_ACTION_HOME, 0, 6);
	assert_int_equal(memory->n_entries, 4);
	smaller->vms[0].name = "other";
	learn(memory, smaller, NQ_ACTION_HOME, 0, 7);
	assert_int_equal(memory->n_entries, 1);
	assert_string_equal(memory->entries[0].key, "other");
	assert_int_equal(memory->entries[0].moved_ns, 7);
	assert_null(nq_memory_free(memory));
	nq_host_free(host);
	nq_host_free(smaller);
}

/* The planner refuses what is not in range, and leaves the result alone. */
static void refusals(void **state)
{
	struct nq_host *host = remote_vnic(1);
	struct nq_plan *plan = NULL;
	struct nq_policy policy;

	(void)state;
	nq_policy_init(&policy);
	policy.queue_full = 1001;
	assert_int_equal(nq_plan_make(host, &policy, NULL, &plan), -EINVAL);
	nq_policy_init(&policy);
	host->cpus[0].busy = NQ_MAX_BUSY + 1;
	assert_int_equal(nq_plan_make(host, &policy, NULL, &plan), -EINVAL);
	assert_null(plan);
	nq_host_free(host);
}

/* Costs at the ends of every range saturate and nothing overflows (the sanitizers watch). */
static void extremes(void **state)
{
	struct nq_host *host = remote_vnic(NQ_MAX_RATE);
	struct nq_policy policy;
	struct nq_plan *plan;

	(void)state;
	nq_policy_init(&policy);
	for (size_t i = 0; i < nq_policy_settings_count; i++)
		nq_policy_set(&policy, &nq_policy_settings[i], nq_policy_settings[i].high);
	policy.placement = NQ_PLACE_BEST_FIT;
	host->distance[1] = host->distance[2] = NQ_MAX_DISTANCE;
	for (int i = 0; i < 100; i++)
		build_vnic(host, 0, NQ_NONE, 0, NQ_MAX_RATE);
	host->nodes[0].mem_total = NQ_MAX_VALUE;
	host->vms[0].placed = false;
	nq_nodeset_add(&host->vms[0].home, 0);
	host->vms[0].mem[0] = NQ_MAX_VALUE;
	plan = support_plan(host, &policy, NULL);
	assert_int_equal(plan->cost_before_ns, NQ_MAX_VALUE);
	assert_true(plan->cost_after_ns <= plan->cost_before_ns);
	nq_host_free(support_planned(host, plan));
	nq_plan_free(plan);
	nq_host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(least_gain_ns), cmocka_unit_test(least_gain),	 cmocka_unit_test(one_off),
		cmocka_unit_test(dwell),	 cmocka_unit_test(queue_dwells), cmocka_unit_test(memory_order),
		cmocka_unit_test(refusals),	 cmocka_unit_test(extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
