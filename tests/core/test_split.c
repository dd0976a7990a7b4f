/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* N4 to N7: splitting, consolidating, predicting and overflowing. */
#include "queue_host.h"

#include <string.h>

static uint32_t add(struct nq_host *host, uint32_t node, uint32_t queue, uint64_t packets)
{
	if (queue != NQ_NONE)
		host->queues[queue].role = NQ_ROLE_ASSIGNED;
	return build_vnic(host, build_vm(host, node), queue, 0, packets);
}

static uint32_t used_on(const struct nq_host *host, uint32_t node)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < host->n_queues; i++)
		n += host->queues[i].role == NQ_ROLE_ASSIGNED && nq_host_queue_node(host, i) == node;
	return n;
}

static uint64_t load_of(const struct nq_host *host, uint32_t queue)
{
	return host->queues[queue].rx.packets + host->queues[queue].tx.packets;
}

static uint64_t fullest(const struct nq_host *host)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < host->n_queues; i++)
		most = load_of(host, i) > most ? load_of(host, i) : most;
	return most;
}

static uint32_t count_rule(const struct nq_plan *plan, enum nq_rule rule)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < plan->n_actions; i++)
		n += plan->actions[i].reason.rule == rule;
	return n;
}

/* N4: a queue at 96 % becomes two halves on the same node. */
static void n4_splits_over_threshold(void **state)
{
	struct nq_host *host = host_with(4);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	for (int i = 0; i < 8; i++)
		add(host, 1, 2, 60 * KPPS);
	settle(host, &policy);
	outcome = plan_with(host, &policy);
	assert_true(used_on(outcome.planned, 1) >= 2);
	assert_int_equal(used_on(outcome.planned, 0), 0);
	assert_true(fullest(outcome.planned) <= 480 * KPPS);
	assert_true(count_rule(outcome.plan, NQ_RULE_QUEUE_SPLIT) > 0);
	forget(&outcome);
	nq_host_free(host);
}

/* N4: where a queue in use is so dear that no single vm earns one, half of them together do. */
static void n4_group_earns_what_no_vm_does(void **state)
{
	struct nq_host *host = host_with(4);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	policy.queue_used_ns = 150000000;
	for (int i = 0; i < 96; i++)
		add(host, 1, 2, 5 * KPPS);
	settle(host, &policy);
	outcome = plan_with(host, &policy);
	assert_int_equal(used_on(outcome.planned, 1), 2);
	assert_true(fullest(outcome.planned) < 850 * KPPS);
	assert_int_equal(count_rule(outcome.plan, NQ_RULE_QUEUE_SPLIT), outcome.plan->n_actions);
	assert_int_equal(outcome.plan->n_actions, 48);
	forget(&outcome);
	nq_host_free(host);
}

/* N4: under the threshold, at the same price, nothing is split. */
static void n4_not_under_threshold(void **state)
{
	struct nq_host *host = host_with(4);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	policy.queue_used_ns = 150000000;
	for (int i = 0; i < 70; i++)
		add(host, 1, 2, 5 * KPPS);
	settle(host, &policy);
	outcome = plan_with(host, &policy);
	assert_int_equal(outcome.plan->n_actions, 0);
	forget(&outcome);
	nq_host_free(host);
}

/* N4, claim 7: the vms of another node go to a queue of theirs. */
static void n4_second_node(void **state)
{
	struct nq_host *host = host_with(4);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	for (int i = 0; i < 5; i++)
		add(host, 0, 1, 60 * KPPS);
	for (int i = 0; i < 3; i++)
		add(host, 1, 1, 60 * KPPS);
	settle(host, &policy);
	outcome = plan_with(host, &policy);
	for (int i = 5; i < 8; i++)
		assert_int_equal(nq_host_queue_node(outcome.planned, outcome.planned->vnics[i].rx_queue), 1);
	for (int i = 0; i < 5; i++)
		assert_int_equal(nq_host_queue_node(outcome.planned, outcome.planned->vnics[i].rx_queue), 0);
	forget(&outcome);
	nq_host_free(host);
}

/* N4: a single vm cannot be split without lanes, and nothing flips. */
static void n4_one_giant_stays(void **state)
{
	struct nq_host *host = host_with(4);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	add(host, 1, 2, 700 * KPPS);
	settle(host, &policy);
	outcome = plan_with(host, &policy);
	assert_int_equal(outcome.planned->vnics[0].rx_queue, 2);
	forget(&outcome);
	nq_host_free(host);
}

/* N5: two quiet queues of a node become one; the emptier one's vms move, all of them. */
static void n5_consolidates_quiet_queues(void **state)
{
	struct nq_host *host = host_with(6);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	for (int i = 0; i < 6; i++)
		add(host, 1, i < 4 ? 2 : 4, 1 * KPPS);
	settle(host, &policy);
	outcome = plan_with(host, &policy);
	assert_int_equal(used_on(outcome.planned, 1), 1);
	for (int i = 0; i < 6; i++)
		assert_int_equal(outcome.planned->vnics[i].rx_queue, 2);
	assert_int_equal(outcome.planned->queues[4].role, NQ_ROLE_FREE);
	assert_int_equal(count_rule(outcome.plan, NQ_RULE_QUEUE_CONSOLIDATE), 2);
	forget(&outcome);
	nq_host_free(host);
}

/* N5: over the threshold together they stay two, however dear a queue is; under it and dear, they become one. */
static void n5_threshold(void **state)
{
	static const struct {
		uint64_t packets;
		uint32_t queues;
	} cases[] = { { 88 * KPPS, 2 }, { 87 * KPPS, 1 } };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct nq_host *host = host_with(6);
		struct nq_policy policy;
		struct outcome outcome;

		nq_policy_init(&policy);
		policy.queue_used_ns = 400000000;
		for (int j = 0; j < 4; j++)
			add(host, 1, j < 2 ? 2 : 4, cases[i].packets);
		settle(host, &policy);
		/* no room for the second vm of a pair beside three: only both together tell */
		outcome = plan_with(host, &policy);
		assert_int_equal(used_on(outcome.planned, 1), cases[i].queues);
		forget(&outcome);
		nq_host_free(host);
	}
}

/* N5: queues of different pools, and one that a vm has for itself, are not joined. */
static void n5_keeps_pools_apart(void **state)
{
	struct nq_host *host = host_with(6);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	nq_policy_pool(&policy, "web")->exclusive_pps = 10 * KPPS;
	add(host, 1, 2, 1 * KPPS);
	add(host, 1, 4, 6 * KPPS);
	add(host, 1, 6, 1 * KPPS);
	for (int i = 1; i < 3; i++)
		host->vms[i].pool = nq_host_string(host, "web");
	settle(host, &policy);
	outcome = plan_with(host, &policy);
	assert_int_equal(outcome.plan->n_actions, 0);
	forget(&outcome);
	nq_host_free(host);
}

/* N4, N5: loads that swing between both thresholds move nothing. */
static void n5_hysteresis(void **state)
{
	static const uint64_t loads[] = { 60, 40, 58, 44, 60, 41 };
	struct nq_host *host = host_with(6);
	struct nq_policy policy;

	(void)state;
	nq_policy_init(&policy);
	policy.queue_used_ns = 200000000;
	for (int i = 0; i < 12; i++)
		add(host, 1, i < 6 ? 2 : 4, 60 * KPPS);
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		struct outcome outcome;

		change_rates(host, &policy, loads[i] * KPPS);
		outcome = plan_with(host, &policy);
		assert_int_equal(outcome.plan->n_actions, 0);
		forget(&outcome);
	}
	nq_host_free(host);
}

/* N6, claim 8: the queue has room for who is there, not for the vm that is about to come: it gets another. */
static void n6_predicts(void **state)
{
	(void)state;
	for (int large = 0; large < 2; large++) {
		struct nq_host *host = host_with(4);
		struct nq_policy policy;
		struct outcome outcome;
		uint32_t coming;

		nq_policy_init(&policy);
		policy.queue_used_ns = 50000000;
		for (uint32_t i = 0; i < 8; i++)
			host->cpus[i].busy = 980; /* the NIC's node is full: it will be node 1 */
		for (int i = 0; i < 4; i++)
			add(host, 1, 2, 45 * KPPS);
		coming = add(host, NQ_NONE, NQ_NONE, large ? 300 * KPPS : 10 * KPPS);
		settle(host, &policy);
		host->vms[coming].busy = 900;
		outcome = plan_with(host, &policy);
		assert_int_equal(nq_nodeset_single(&outcome.planned->vms[coming].home), 1);
		assert_int_not_equal(outcome.planned->vnics[coming].rx_queue, NQ_NONE);
		assert_true(fullest(outcome.planned) <= 850 * KPPS);
		assert_int_equal(used_on(outcome.planned, 1), 1 + large);
		forget(&outcome);
		nq_host_free(host);
	}
}

/* N6: what a vm is promised counts before it comes. */
static void n6_floor_of_who_comes(void **state)
{
	struct nq_host *host = host_with(4);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	policy.pools[0].floor_pps = 300 * KPPS;
	for (int i = 0; i < 4; i++)
		add(host, 1, NQ_NONE, 5 * KPPS);
	outcome = plan_with(host, &policy);
	assert_int_equal(used_on(outcome.planned, 1), 2);
	forget(&outcome);
	nq_host_free(host);
}

/* N7: two nearly empty queues on two nodes: one for both where queues are dear, one each where the way is; chosen by
 * cost, and per-node forbids the first. */
static void n7_overflow_by_cost(void **state)
{
	static const struct {
		uint64_t used_ns;
		enum nq_overflow overflow;
		uint32_t queues;
	} cases[] = {
		{ 200000, NQ_OVERFLOW_COST, 2 },
		{ 20000000, NQ_OVERFLOW_COST, 1 },
		{ 20000000, NQ_OVERFLOW_SINGLE, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nq_host *host = host_with(4);
		struct nq_policy policy;
		struct outcome outcome;

		nq_policy_init(&policy);
		policy.queue_used_ns = cases[i].used_ns;
		policy.overflow = cases[i].overflow;
		for (int j = 0; j < 6; j++)
			add(host, j % 2, j % 2 ? 2 : 1, 10 * KPPS);
		settle(host, &policy);
		outcome = plan_with(host, &policy);
		assert_int_equal(used_on(outcome.planned, 0) + used_on(outcome.planned, 1), cases[i].queues);
		forget(&outcome);
		nq_host_free(host);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(n4_splits_over_threshold),
		cmocka_unit_test(n4_group_earns_what_no_vm_does),
		cmocka_unit_test(n4_not_under_threshold),
		cmocka_unit_test(n4_second_node),
		cmocka_unit_test(n4_one_giant_stays),
		cmocka_unit_test(n5_consolidates_quiet_queues),
		cmocka_unit_test(n5_threshold),
		cmocka_unit_test(n5_keeps_pools_apart),
		cmocka_unit_test(n5_hysteresis),
		cmocka_unit_test(n6_predicts),
		cmocka_unit_test(n6_floor_of_who_comes),
		cmocka_unit_test(n7_overflow_by_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
