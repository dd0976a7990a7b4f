/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Q1 to Q8, V6: pools, on small hosts that a test changes where it is about them. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "queue_host.h"

/* Queues in use by vms of that pool. */
static uint32_t queues_of(const struct nq_host *host, const char *pool)
{
	uint32_t n = 0;

	for (uint32_t queue = 0; queue < host->n_queues; queue++) {
		bool used = false;

		for (uint32_t i = 0; i < host->n_vnics; i++)
			used = used || (host->vnics[i].rx_queue == queue &&
					strcmp(host->vms[host->vnics[i].vm].pool, pool) == 0);
		n += used;
	}
	return n;
}

/* Nobody shares a queue with a vm of another pool. */
static void assert_pure(const struct nq_host *host)
{
	for (uint32_t i = 0; i < host->n_vnics; i++)
		for (uint32_t j = 0; j < i; j++)
			if (host->vnics[i].rx_queue != NQ_NONE && host->vnics[i].rx_queue == host->vnics[j].rx_queue)
				assert_string_equal(host->vms[host->vnics[i].vm].pool,
						    host->vms[host->vnics[j].vm].pool);
}

/* A vnic of a vm of that pool; on that queue, or NQ_NONE; packets/s each way. */
static uint32_t add(struct nq_host *host, const char *pool, uint32_t node, uint32_t queue, uint64_t packets)
{
	uint32_t vm = build_vm(host, node);

	host->vms[vm].pool = nq_host_string(host, pool);
	if (queue != NQ_NONE)
		host->queues[queue].role = NQ_ROLE_ASSIGNED;
	return build_vnic(host, vm, queue, 0, packets);
}

/* Q1: queues but the default one are free until somebody needs them. */
static void q1_all_queues_start_free(void **state)
{
	struct nq_host *host = host_with(4);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	add(host, "", 0, NQ_NONE, 0);
	outcome = plan_with(host, &policy);
	assert_int_equal(outcome.plan->n_actions, 0);
	for (uint32_t i = 0; i < host->n_queues; i++)
		assert_int_equal(outcome.planned->queues[i].role, i == 0 ? NQ_ROLE_DEFAULT : NQ_ROLE_FREE);
	forget(&outcome);
	nq_host_free(host);
}

/* Q1: the default queue belongs on the pnic's node, also when a pool is there. */
static void q1_default_queue_near_the_pnic(void **state)
{
	struct nq_host *host = host_with(2);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	host->queues[0].cpu = 12;
	add(host, "llr", 0, NQ_NONE, 20 * KPPS);
	outcome = plan_with(host, &policy);
	assert_int_equal(nq_host_queue_node(outcome.planned, 0), 0);
	assert_int_equal(outcome.planned->queues[0].role, NQ_ROLE_DEFAULT);
	assert_int_not_equal(outcome.planned->vnics[0].rx_queue, 0);
	forget(&outcome);
	nq_host_free(host);
}

/* Q2: over the threshold it leaves the default queue for a queue of its pool, which did not exist; not under it. */
static void q2_over_threshold_leaves_default(void **state)
{
	(void)state;
	for (int over = 0; over < 2; over++) {
		struct nq_host *host = host_with(4);
		struct nq_policy policy;
		struct outcome outcome;
		uint32_t vnic;

		nq_policy_init(&policy);
		nq_policy_pool(&policy, "web")->enter_pps = 40 * KPPS;
		vnic = add(host, "web", 1, NQ_NONE, 20 * KPPS);
		host->vnics[vnic].rx.packets -= !over;
		outcome = plan_with(host, &policy);
		assert_int_equal(outcome.planned->vnics[vnic].rx_queue != NQ_NONE, over);
		assert_int_equal(queues_of(outcome.planned, "web"), over);
		forget(&outcome);
		nq_host_free(host);
	}
}

/* Q2: with a queue of another pool on its very node it does not join that one. */
static void q2_pool_is_created(void **state)
{
	struct nq_host *host = host_with(4);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	add(host, "", 1, 2, 100 * KPPS);
	add(host, "llr", 1, NQ_NONE, 20 * KPPS);
	settle(host, &policy);
	outcome = plan_with(host, &policy);
	assert_int_not_equal(outcome.planned->vnics[1].rx_queue, NQ_NONE);
	assert_int_not_equal(outcome.planned->vnics[1].rx_queue, 2);
	assert_int_equal(outcome.planned->vnics[0].rx_queue, 2);
	assert_pure(outcome.planned);
	forget(&outcome);
	nq_host_free(host);
}

/* Q2: a pool that the policy does not have is the general one. */
static void q2_unknown_pool_is_general(void **state)
{
	struct nq_host *host = host_with(4);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	add(host, "", 1, 2, 20 * KPPS);
	add(host, "nobody knows it", 1, NQ_NONE, 2 * KPPS);
	settle(host, &policy);
	outcome = plan_with(host, &policy);
	assert_int_equal(outcome.planned->vnics[1].rx_queue, 2);
	forget(&outcome);
	nq_host_free(host);
}

/* Q3: under leave_pps it returns, its queue is free again; at it, or between both thresholds, it stays. */
static void q3_under_threshold_returns(void **state)
{
	static const uint64_t packets[] = { 9, 10, 30 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct nq_host *host = host_with(4);
		struct nq_policy policy;
		struct outcome outcome;
		const struct nq_action *steer;
		uint32_t vnic;

		nq_policy_init(&policy);
		policy.queue_used_ns = i == 0 ? policy.queue_used_ns : 0;
		vnic = add(host, "", 0, 1, packets[i]);
		settle(host, &policy);
		outcome = plan_with(host, &policy);
		steer = steering_of(outcome.plan, vnic);
		assert_int_equal(outcome.planned->vnics[vnic].rx_queue, i == 0 ? NQ_NONE : 1);
		assert_int_equal(outcome.planned->queues[1].role, i == 0 ? NQ_ROLE_FREE : NQ_ROLE_ASSIGNED);
		if (i == 0) {
			assert_non_null(steer);
			assert_int_equal(steer->reason.rule, NQ_RULE_DEFAULT_RETURN);
			assert_int_equal(steer->reason.value[0], 18);
			assert_int_equal(steer->reason.value[1], 20);
		}
		forget(&outcome);
		nq_host_free(host);
	}
}

/* Q3: before anything was measured, and while it dwells, nothing returns. */
static void q3_unmeasured_and_dwelling_stay(void **state)
{
	struct nq_host *host = host_with(4);
	struct nq_memory *memory = NULL;
	struct nq_policy policy;
	struct nq_plan *plan, *done;

	(void)state;
	nq_policy_init(&policy);
	add(host, "", 0, 1, 0);
	host->interval_ns = 0;
	plan = support_plan(host, &policy, NULL);
	assert_int_equal(plan->n_actions, 0);
	nq_plan_free(plan);
	host->interval_ns = 1000000000;
	done = support_plan(host, &policy, NULL);
	assert_int_equal(done->n_actions, 1);
	assert_int_equal(nq_memory_new(&memory), 0);
	assert_int_equal(nq_memory_learn(memory, &policy, host, done, 0), 0);
	plan = support_plan(host, &policy, memory);
	assert_int_equal(plan->n_actions, 0);
	nq_plan_free(plan);
	nq_plan_free(done);
	nq_memory_free(memory);
	nq_host_free(host);
}

/* Q4: hardware pools take queues with their feature only, though others are nearer. */
static void q4_hardware_pool_takes_its_queues(void **state)
{
	struct nq_host *host = host_with(4);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	host->queues[4].features = NQ_FEATURE_LRO;
	host->queues[4].movable = false;
	add(host, "lro", 1, NQ_NONE, 50 * KPPS);
	outcome = plan_with(host, &policy);
	assert_int_equal(outcome.planned->vnics[0].rx_queue, 4);
	forget(&outcome);
	nq_host_free(host);
}

/* Q4: a general vm on the only LRO queue makes place for one that asks for LRO. */
static void q4_feature_is_not_wasted(void **state)
{
	struct nq_host *host = host_with(4);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	host->queues[2].features = NQ_FEATURE_LRO;
	add(host, "", 1, 2, 100 * KPPS);
	add(host, "lro", 1, NQ_NONE, 50 * KPPS);
	settle(host, &policy);
	outcome = plan_with(host, &policy);
	assert_int_equal(outcome.planned->vnics[1].rx_queue, 2);
	assert_int_not_equal(outcome.planned->vnics[0].rx_queue, 2);
	assert_int_not_equal(outcome.planned->vnics[0].rx_queue, NQ_NONE);
	assert_int_equal(steering_of(outcome.plan, 0)->reason.rule, NQ_RULE_QUEUE_PREEMPTED);
	forget(&outcome);
	nq_host_free(host);
}

/* Q4: LLR distributes, HLT packs, on the same host with the same traffic. */
static void q4_llr_distributes_hlt_packs(void **state)
{
	static const struct {
		const char *pool;
		uint32_t queues;
	} expected[] = { { "llr", 4 }, { "hlt", 1 } };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct nq_host *host = host_with(8);
		struct nq_policy policy;
		struct outcome outcome;

		nq_policy_init(&policy);
		for (int j = 0; j < 4; j++)
			add(host, expected[i].pool, 1, 2, 20 * KPPS);
		settle(host, &policy);
		outcome = plan_with(host, &policy);
		assert_int_equal(queues_of(outcome.planned, expected[i].pool), expected[i].queues);
		forget(&outcome);
		nq_host_free(host);
	}
}

/* Q4: queues of a pool get its interrupt coalescing, once; what cannot be set, and a pool that keeps, stays. */
static void q4_coalescing_of_the_pool(void **state)
{
	struct nq_host *host = host_with(4);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	for (uint32_t i = 1; i < 4; i++)
		host->queues[i].coalesce_us = 50;
	add(host, "llr", 0, 1, 20 * KPPS);
	add(host, "", 1, 2, 20 * KPPS);
	add(host, "hlt", 0, 4, 20 * KPPS);
	settle(host, &policy);
	policy.queue_used_ns = 0;
	outcome = plan_with(host, &policy);
	assert_int_equal(count_kind(outcome.plan, NQ_ACTION_QUEUE_SET), 1);
	for (uint32_t i = 0; i < outcome.plan->n_actions; i++)
		if (outcome.plan->actions[i].kind == NQ_ACTION_QUEUE_SET) {
			assert_int_equal(outcome.plan->actions[i].queue, 1);
			assert_int_equal(outcome.plan->actions[i].coalesce_from, 50);
			assert_int_equal(outcome.plan->actions[i].coalesce_to, 0);
			assert_int_equal(outcome.plan->actions[i].reason.rule, NQ_RULE_POOL_SETTINGS);
		}
	assert_int_equal(outcome.planned->queues[1].coalesce_us, 0);
	assert_int_equal(outcome.planned->queues[2].coalesce_us, 50);
	assert_int_equal(outcome.planned->queues[4].coalesce_us, NQ_NONE);
	forget(&outcome);
	nq_host_free(host);
}

/* Q4: a vm whose class changed leaves the queue of its old pool, in one action. */
static void q4_class_changed(void **state)
{
	struct nq_host *host = host_with(4);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	add(host, "", 1, 2, 100 * KPPS);
	add(host, "llr", 1, 2, 20 * KPPS);
	settle(host, &policy);
	outcome = plan_with(host, &policy);
	assert_int_equal(outcome.planned->vnics[0].rx_queue, 2);
	assert_int_not_equal(outcome.planned->vnics[1].rx_queue, NQ_NONE);
	assert_int_equal(count_kind(outcome.plan, NQ_ACTION_STEER), 1);
	assert_pure(outcome.planned);
	forget(&outcome);
	nq_host_free(host);
}

/* Q5: all queues are the general pool's; one of higher priority gets one, nobody of the lower one is lost. */
static void q5_higher_pool_preempts(void **state)
{
	struct nq_host *host = host_with(2);
	struct nq_policy policy;
	const struct nq_action *steer;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	add(host, "", 1, 1, 100 * KPPS);
	add(host, "", 1, 2, 50 * KPPS);
	add(host, "llr", 1, NQ_NONE, 20 * KPPS);
	settle(host, &policy);
	outcome = plan_with(host, &policy);
	steer = steering_of(outcome.plan, 1);
	assert_int_equal(queues_of(outcome.planned, "llr"), 1);
	assert_int_equal(queues_of(outcome.planned, ""), 1);
	assert_pure(outcome.planned);
	/* the emptier one was taken, and its vm went to the other */
	assert_non_null(steer);
	assert_int_equal(steer->reason.rule, NQ_RULE_QUEUE_PREEMPTED);
	assert_int_equal(steer->reason.value[0], 300);
	assert_int_equal(steer->reason.value[1], 100);
	assert_int_equal(outcome.planned->vnics[1].rx_queue, outcome.planned->vnics[0].rx_queue);
	forget(&outcome);
	nq_host_free(host);
}

/* Q5: both pools have a right to both queues; the one with the higher priority gets them. */
static void q5_rights_by_priority(void **state)
{
	struct nq_host *host = host_with(2);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	policy.pools[0].min = 2;
	nq_policy_pool(&policy, "llr")->min = 2;
	add(host, "", 1, 1, 10 * KPPS);
	add(host, "", 1, 2, 10 * KPPS);
	add(host, "llr", 1, NQ_NONE, 20 * KPPS);
	add(host, "llr", 1, NQ_NONE, 20 * KPPS);
	settle(host, &policy);
	outcome = plan_with(host, &policy);
	assert_int_equal(queues_of(outcome.planned, "llr"), 2);
	assert_int_equal(queues_of(outcome.planned, ""), 0);
	forget(&outcome);
	nq_host_free(host);
}

/* Q5: without room elsewhere in its pool the preempted vm is on the default queue, which loses nothing. */
static void q5_preempted_to_default(void **state)
{
	struct nq_host *host = host_with(2);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	nq_policy_pool(&policy, "llr")->min = 1;
	add(host, "", 1, 1, 350 * KPPS);
	add(host, "", 1, 2, 300 * KPPS);
	add(host, "llr", 1, NQ_NONE, 20 * KPPS);
	settle(host, &policy);
	outcome = plan_with(host, &policy);
	assert_int_equal(queues_of(outcome.planned, "llr"), 1);
	assert_int_equal(outcome.planned->vnics[0].rx_queue != NQ_NONE, true);
	assert_int_equal(outcome.planned->vnics[1].rx_queue, NQ_NONE);
	forget(&outcome);
	nq_host_free(host);
}

/* Q5: what a pool needs by its demand is not taken by an equal or lower one; nor is the minimum by a higher one. */
static void q5_lower_pool_takes_nothing(void **state)
{
	static const struct {
		const char *pool;
		uint64_t min;
	} cases[] = { { "hlt", 0 }, { "web", 0 }, { "llr", 2 } };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct nq_host *host = host_with(2);
		struct nq_policy policy;
		struct outcome outcome;

		nq_policy_init(&policy);
		nq_policy_pool(&policy, "web")->priority = 100;
		policy.pools[0].min = cases[i].min;
		policy.queue_used_ns = 0;
		add(host, "", 1, 1, 100 * KPPS);
		add(host, "", 1, 2, 100 * KPPS);
		add(host, cases[i].pool, 1, NQ_NONE, 20 * KPPS);
		settle(host, &policy);
		outcome = plan_with(host, &policy);
		assert_int_equal(queues_of(outcome.planned, ""), 2);
		assert_int_equal(queues_of(outcome.planned, cases[i].pool), 0);
		forget(&outcome);
		nq_host_free(host);
	}
}

/* Q5: a minimum is kept free for a pool that is there, before it asks. */
static void q5_minimum_is_kept_free(void **state)
{
	(void)state;
	for (uint64_t min = 0; min < 3; min++) {
		struct nq_host *host = host_with(4);
		struct nq_policy policy;
		struct outcome outcome;

		nq_policy_init(&policy);
		nq_policy_pool(&policy, "llr")->min = min;
		for (int i = 0; i < 2; i++)
			add(host, "llr", 1, NQ_NONE, 0);
		for (int i = 0; i < 8; i++)
			add(host, "", 1, NQ_NONE, 300 * KPPS);
		outcome = plan_with(host, &policy);
		assert_int_equal(queues_of(outcome.planned, ""), 4 - min);
		forget(&outcome);
		nq_host_free(host);
	}
}

/* Q5: a maximum is never exceeded, whatever it costs. */
static void q5_maximum(void **state)
{
	struct nq_host *host = host_with(8);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	nq_policy_pool(&policy, "llr")->max = 2;
	for (int i = 0; i < 8; i++)
		add(host, "llr", i % 2, NQ_NONE, 40 * KPPS);
	outcome = plan_with(host, &policy);
	assert_int_equal(queues_of(outcome.planned, "llr"), 2);
	forget(&outcome);
	nq_host_free(host);
}

/* Q5: the floor of a pool's vnics counts as if it came: two of them need two queues. */
static void q5_floor_counts(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct nq_host *host = host_with(4);
		struct nq_policy policy;
		struct outcome outcome;

		nq_policy_init(&policy);
		nq_policy_pool(&policy, "web")->floor_pps = i ? 800 * KPPS : 0;
		add(host, "web", 1, NQ_NONE, 20 * KPPS);
		add(host, "web", 1, NQ_NONE, 20 * KPPS);
		outcome = plan_with(host, &policy);
		assert_int_equal(queues_of(outcome.planned, "web"), i + 1);
		forget(&outcome);
		nq_host_free(host);
	}
}

/* Q5: a pool grows with its demand and shrinks again, on the same host. */
static void q5_grows_and_shrinks(void **state)
{
	struct nq_host *host = host_with(4);
	struct nq_policy policy;
	struct outcome small, large, again;

	(void)state;
	nq_policy_init(&policy);
	for (int i = 0; i < 3; i++)
		add(host, "", 1, NQ_NONE, 5 * KPPS);
	small = plan_with(host, &policy);
	assert_int_equal(queues_of(small.planned, ""), 1);
	change_rates(small.planned, &policy, 350 * KPPS);
	large = plan_with(small.planned, &policy);
	assert_int_equal(queues_of(large.planned, ""), 3);
	change_rates(large.planned, &policy, 5 * KPPS);
	again = plan_with(large.planned, &policy);
	assert_int_equal(queues_of(again.planned, ""), 1);
	forget(&small);
	forget(&large);
	forget(&again);
	nq_host_free(host);
}

/* Q6: over exclusive_pps it gets a queue of its own; at it, it shares. */
static void q6_latency_sensitive_alone(void **state)
{
	(void)state;
	for (int over = 0; over < 2; over++) {
		struct nq_host *host = host_with(4);
		const struct nq_action *steer;
		struct nq_policy policy;
		struct outcome outcome;
		uint32_t loud;

		nq_policy_init(&policy);
		nq_policy_pool(&policy, "web")->exclusive_pps = 60 * KPPS;
		loud = add(host, "web", 1, 2, 30 * KPPS);
		host->vnics[loud].rx.packets += over;
		add(host, "web", 1, 2, 2 * KPPS);
		add(host, "web", 1, 2, 1 * KPPS);
		settle(host, &policy);
		outcome = plan_with(host, &policy);
		steer = steering_of(outcome.plan, loud);
		assert_int_equal(queues_of(outcome.planned, "web"), 1 + over);
		assert_int_equal(outcome.planned->vnics[1].rx_queue, outcome.planned->vnics[2].rx_queue);
		assert_int_equal(outcome.planned->vnics[loud].rx_queue != outcome.planned->vnics[1].rx_queue, over);
		assert_int_equal(outcome.plan->n_actions > 0, over);
		if (over) {
			assert_non_null(steer);
			assert_int_equal(steer->reason.rule, NQ_RULE_QUEUE_EXCLUSIVE);
			assert_int_equal(steer->reason.value[0], 60 * KPPS + 1);
			assert_int_equal(steer->reason.value[1], 60 * KPPS);
		}
		forget(&outcome);
		nq_host_free(host);
	}
}

/* Q6: of two, the smaller goes. */
static void q6_lighter_neighbour_goes(void **state)
{
	struct nq_host *host = host_with(4);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	nq_policy_pool(&policy, "web")->exclusive_pps = 50 * KPPS;
	add(host, "web", 1, 2, 30 * KPPS);
	add(host, "web", 1, 2, 2 * KPPS);
	settle(host, &policy);
	outcome = plan_with(host, &policy);
	assert_int_equal(outcome.planned->vnics[0].rx_queue, 2);
	assert_int_not_equal(outcome.planned->vnics[1].rx_queue, 2);
	assert_int_not_equal(outcome.planned->vnics[1].rx_queue, NQ_NONE);
	assert_int_equal(steering_of(outcome.plan, 1)->reason.rule, NQ_RULE_QUEUE_EXCLUSIVE);
	forget(&outcome);
	nq_host_free(host);
}

/* Q6: alone, it stays so down to half of the limit; another does not join it. */
static void q6_stays_alone_by_hysteresis(void **state)
{
	(void)state;
	for (int over = 0; over < 2; over++) {
		struct nq_host *host = host_with(4);
		struct nq_policy policy;
		struct outcome outcome;

		nq_policy_init(&policy);
		nq_policy_pool(&policy, "web")->exclusive_pps = 60 * KPPS;
		add(host, "web", 1, 2, 15 * KPPS);
		host->vnics[0].rx.packets += over;
		add(host, "web", 1, NQ_NONE, 2 * KPPS);
		settle(host, &policy);
		outcome = plan_with(host, &policy);
		assert_int_equal(outcome.planned->vnics[0].rx_queue, 2);
		assert_int_equal(outcome.planned->vnics[1].rx_queue == 2, !over);
		forget(&outcome);
		nq_host_free(host);
	}
}

/* Q6: no queue to be had: it shares, and nobody is sent away for it. */
static void q6_no_queue_left(void **state)
{
	struct nq_host *host = host_with(1);
	struct nq_policy policy;
	struct outcome outcome;

	(void)state;
	nq_policy_init(&policy);
	host->queues[1].cpu = 9;
	add(host, "llr", 1, 1, 30 * KPPS);
	add(host, "llr", 1, 1, 2 * KPPS);
	settle(host, &policy);
	outcome = plan_with(host, &policy);
	assert_int_equal(count_kind(outcome.plan, NQ_ACTION_STEER), 0);
	forget(&outcome);
	nq_host_free(host);
}

/* Q7: paired, both directions go through one queue; unpaired, sending is free to differ. */
static void q7_pairing(void **state)
{
	(void)state;
	for (uint64_t pairing = 0; pairing < NQ_PAIRING_COUNT; pairing++) {
		struct nq_host *host = host_with(4);
		struct nq_policy policy;
		struct outcome outcome;

		nq_policy_init(&policy);
		policy.pairing = pairing;
		add(host, "", 1, NQ_NONE, 100 * KPPS);
		add(host, "llr", 1, NQ_NONE, 30 * KPPS);
		outcome = plan_with(host, &policy);
		for (uint32_t i = 0; i < 2; i++) {
			const struct nq_vnic *vnic = &outcome.planned->vnics[i];

			assert_int_not_equal(vnic->rx_queue, NQ_NONE);
			if (pairing == NQ_PAIRED)
				assert_int_equal(vnic->tx_queue, vnic->rx_queue);
		}
		assert_pure(outcome.planned);
		forget(&outcome);
		nq_host_free(host);
	}
}

/* Q8: process 400 in one plan: out of the default queue and back (410), within pools (420), across pools (430). */
static void q8_process_400(void **state)
{
	struct nq_host *host = host_with(4);
	struct nq_policy policy;
	struct outcome outcome;
	uint32_t loud, quiet, busy[3], late;

	(void)state;
	nq_policy_init(&policy);
	loud = add(host, "", 0, NQ_NONE, 60 * KPPS);
	quiet = add(host, "", 1, 2, 3);
	for (int i = 0; i < 3; i++)
		busy[i] = add(host, "", 1, 2, 200 * KPPS);
	add(host, "hlt", 0, 1, 10 * KPPS);
	add(host, "hlt", 0, 3, 5 * KPPS);
	add(host, "hlt", 1, 4, 5 * KPPS);
	late = add(host, "llr", 1, NQ_NONE, 20 * KPPS);
	settle(host, &policy);
	outcome = plan_with(host, &policy);
	assert_int_equal(outcome.planned->vnics[quiet].rx_queue, NQ_NONE);
	assert_int_equal(steering_of(outcome.plan, quiet)->reason.rule, NQ_RULE_DEFAULT_RETURN);
	assert_int_not_equal(outcome.planned->vnics[late].rx_queue, NQ_NONE);
	assert_true(queues_of(outcome.planned, "") >= 2);
	assert_true(outcome.planned->vnics[busy[0]].rx_queue != outcome.planned->vnics[busy[1]].rx_queue ||
		    outcome.planned->vnics[busy[0]].rx_queue != outcome.planned->vnics[busy[2]].rx_queue);
	assert_true(queues_of(outcome.planned, "hlt") <= 1);
	assert_pure(outcome.planned);
	(void)loud;
	forget(&outcome);
	nq_host_free(host);
}

/* V6: the kind of traffic names the pool; the same kind a packet beside a threshold does not. */
static void v6_proposed_from_traffic(void **state)
{
	static const struct {
		uint64_t rx, rx_each, tx, tx_each;
		enum nq_traffic traffic;
		const char *pool;
	} cases[] = {
		{ 0, 0, 9, 100, NQ_TRAFFIC_LITTLE, "general" },
		{ 2500, 256, 2500, 256, NQ_TRAFFIC_SMALL_BOTH_WAYS, "llr" },
		{ 2500, 257, 2500, 256, NQ_TRAFFIC_MIXED, "general" },
		{ 2500, 256, 2499, 256, NQ_TRAFFIC_MIXED, "general" },
		{ 9000, 100, 1000, 100, NQ_TRAFFIC_MIXED, "general" },
		{ 5000, 1000, 2500, 60, NQ_TRAFFIC_RECEIVED_BULK, "lro" },
		{ 5000, 999, 2500, 60, NQ_TRAFFIC_MIXED, "general" },
		{ 5000, 1400, 5000, 1400, NQ_TRAFFIC_MIXED, "general" },
		{ 500, 1400, 499, 600, NQ_TRAFFIC_FEW_LARGE, "hlt" },
		{ 500, 1400, 500, 1400, NQ_TRAFFIC_MIXED, "general" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nq_host *host = host_with(1);
		struct nq_pool_proposal proposal;
		struct nq_policy policy;
		struct nq_plan *plan;
		uint32_t vnic;

		nq_policy_init(&policy);
		vnic = add(host, "", 0, NQ_NONE, 0);
		host->vnics[vnic].rx = (struct nq_rates){ cases[i].rx, cases[i].rx * cases[i].rx_each, 0 };
		host->vnics[vnic].tx = (struct nq_rates){ cases[i].tx, cases[i].tx * cases[i].tx_each, 0 };
		proposal = nq_pool_propose(host, &policy, 0);
		assert_int_equal(proposal.traffic, cases[i].traffic);
		assert_string_equal(policy.pools[proposal.pool].name, cases[i].pool);
		assert_int_equal(proposal.packets, cases[i].rx + cases[i].tx);
		/* no plan acts on it: the vm stays in the general pool */
		plan = support_plan(host, &policy, NULL);
		assert_int_equal(count_kind(plan, NQ_ACTION_QUEUE_SET), 0);
		nq_plan_free(plan);
		nq_host_free(host);
	}
}

/* V6: several vnics are one vm; a policy without that pool means the general one. */
static void v6_sums_vnics(void **state)
{
	struct nq_host *host = host_with(1);
	struct nq_pool_proposal proposal;
	struct nq_policy policy;

	(void)state;
	nq_policy_init(&policy);
	for (int i = 0; i < 2; i++) {
		uint32_t vnic = i ? build_vnic(host, 0, NQ_NONE, 0, 1250) : add(host, "", 0, NQ_NONE, 1250);

		host->vnics[vnic].rx.bytes = host->vnics[vnic].tx.bytes = UINT64_C(1250) * 100;
	}
	proposal = nq_pool_propose(host, &policy, 0);
	assert_string_equal(policy.pools[proposal.pool].name, "llr");
	assert_int_equal(proposal.bytes_each, 100);
	policy.n_pools = 1;
	proposal = nq_pool_propose(host, &policy, 0);
	assert_int_equal(proposal.traffic, NQ_TRAFFIC_SMALL_BOTH_WAYS);
	assert_int_equal(proposal.pool, 0);
	nq_host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(q1_all_queues_start_free),
		cmocka_unit_test(q1_default_queue_near_the_pnic),
		cmocka_unit_test(q2_over_threshold_leaves_default),
		cmocka_unit_test(q2_pool_is_created),
		cmocka_unit_test(q2_unknown_pool_is_general),
		cmocka_unit_test(q3_under_threshold_returns),
		cmocka_unit_test(q3_unmeasured_and_dwelling_stay),
		cmocka_unit_test(q4_hardware_pool_takes_its_queues),
		cmocka_unit_test(q4_feature_is_not_wasted),
		cmocka_unit_test(q4_llr_distributes_hlt_packs),
		cmocka_unit_test(q4_coalescing_of_the_pool),
		cmocka_unit_test(q4_class_changed),
		cmocka_unit_test(q5_higher_pool_preempts),
		cmocka_unit_test(q5_rights_by_priority),
		cmocka_unit_test(q5_preempted_to_default),
		cmocka_unit_test(q5_lower_pool_takes_nothing),
		cmocka_unit_test(q5_minimum_is_kept_free),
		cmocka_unit_test(q5_maximum),
		cmocka_unit_test(q5_floor_counts),
		cmocka_unit_test(q5_grows_and_shrinks),
		cmocka_unit_test(q6_latency_sensitive_alone),
		cmocka_unit_test(q6_lighter_neighbour_goes),
		cmocka_unit_test(q6_stays_alone_by_hysteresis),
		cmocka_unit_test(q6_no_queue_left),
		cmocka_unit_test(q7_pairing),
		cmocka_unit_test(q8_process_400),
		cmocka_unit_test(v6_proposed_from_traffic),
		cmocka_unit_test(v6_sums_vnics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
