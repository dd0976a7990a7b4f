/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* D5: one vnic over several queues. */
#include "queue_host.h"

#include <string.h>

/* A vnic on queue 2 of node 1 that receives so many packets/s and has so many virtqueues; the pnic has a context. */
static struct nq_host *host_for(uint32_t free, uint32_t virtqueues, uint64_t packets)
{
	struct nq_host *host = host_with(free);
	uint32_t vnic;

	host->pnics[0].rss_contexts = 1;
	vnic = build_vnic(host, build_vm(host, 1), 2, 0, 0);
	host->vnics[vnic].rx.packets = packets;
	host->vnics[vnic].virtqueues = virtqueues;
	host->queues[2].role = NQ_ROLE_ASSIGNED;
	return host;
}

/* The lanes are on so many distinct queues, none without. */
static void assert_lanes(const struct nq_host *host, uint32_t vnic, uint32_t lanes)
{
	const struct nq_vnic *self = &host->vnics[vnic];

	assert_int_equal(self->n_spread + 1, lanes);
	assert_int_not_equal(self->rx_queue, NQ_NONE);
	for (uint32_t i = 0; i < self->n_spread; i++) {
		assert_int_not_equal(self->spread[i], NQ_NONE);
		assert_int_not_equal(self->spread[i], self->rx_queue);
		assert_int_equal(host->queues[self->spread[i]].role, NQ_ROLE_ASSIGNED);
		for (uint32_t j = 0; j < i; j++)
			assert_int_not_equal(self->spread[i], self->spread[j]);
	}
}

static struct outcome plan_of(struct nq_host *host)
{
	struct nq_policy policy;

	nq_policy_init(&policy);
	settle(host, &policy);
	return plan_with(host, &policy);
}

/* Over queue_split of one queue it gets what it needs at queue_full each; at it, nothing. */
static void d5_over_split_gets_lanes(void **state)
{
	static const struct {
		uint64_t packets;
		uint32_t lanes;
	} cases[] = { { 900 * KPPS, 1 }, { 900 * KPPS + 1, 2 }, { 1700 * KPPS, 2 }, { 1700 * KPPS + 1, 3 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nq_host *host = host_for(6, 8, cases[i].packets);
		struct outcome outcome = plan_of(host);

		assert_lanes(outcome.planned, 0, cases[i].lanes);
		if (cases[i].lanes > 1) {
			const struct nq_action *steer = steering_of(outcome.plan, 0);

			assert_non_null(steer);
			assert_int_equal(steer->n_spread_from, 0);
			assert_int_equal(steer->n_spread_to, cases[i].lanes - 1);
		}
		forget(&outcome);
		nq_host_free(host);
	}
}

/* The reason says how much was too much for how many. */
static void d5_reason(void **state)
{
	struct nq_host *host = host_for(6, 8, 1500 * KPPS);
	struct outcome outcome = plan_of(host);
	const struct nq_action *steer = steering_of(outcome.plan, 0);

	(void)state;
	assert_non_null(steer);
	assert_int_equal(steer->reason.rule, NQ_RULE_SPREAD_LANES);
	assert_int_equal(steer->reason.value[0], 1500 * KPPS);
	assert_int_equal(steer->reason.value[1], 1);
	assert_int_equal(steer->reason.value[2], 2);
	assert_true(outcome.plan->cost_after_ns < outcome.plan->cost_before_ns);
	forget(&outcome);
	nq_host_free(host);
}

/* No more lanes than virtqueues, than free queues allow, than contexts are there; none where the policy has no vrss. */
static void d5_limits(void **state)
{
	static const struct {
		uint32_t free, virtqueues, contexts;
		enum nq_switch vrss;
		uint32_t lanes;
	} cases[] = {
		{ 8, 8, 1, NQ_ON, 5 }, { 8, 3, 1, NQ_ON, 3 }, { 8, 1, 1, NQ_ON, 1 },
		{ 3, 8, 1, NQ_ON, 3 }, { 8, 8, 0, NQ_ON, 1 }, { 8, 8, 1, NQ_OFF, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nq_host *host = host_for(cases[i].free, cases[i].virtqueues, 4000 * KPPS);
		struct nq_policy policy;
		struct outcome outcome;

		host->pnics[0].rss_contexts = cases[i].contexts;
		nq_policy_init(&policy);
		policy.vrss = cases[i].vrss;
		settle(host, &policy);
		outcome = plan_with(host, &policy);
		assert_lanes(outcome.planned, 0, cases[i].lanes);
		forget(&outcome);
		nq_host_free(host);
	}
}

/* One context, two giants: one of them spreads. */
static void d5_contexts_run_out(void **state)
{
	struct nq_host *host = host_for(8, 8, 2000 * KPPS);
	struct outcome outcome;
	uint32_t other = build_vnic(host, build_vm(host, 1), 4, 0, 0);

	(void)state;
	host->vnics[other].rx.packets = 2000 * KPPS;
	host->vnics[other].virtqueues = 8;
	host->queues[4].role = NQ_ROLE_ASSIGNED;
	outcome = plan_of(host);
	assert_int_equal((outcome.planned->vnics[0].n_spread > 0) + (outcome.planned->vnics[other].n_spread > 0), 1);
	forget(&outcome);
	nq_host_free(host);
}

/* It gathers when that pays under queue_consolidate of fewer lanes, and not in the gap. */
static void d5_gathers_when_quiet(void **state)
{
	static const struct {
		uint64_t packets;
		uint32_t lanes;
	} cases[] = { { 20 * KPPS, 1 }, { 1450 * KPPS, 3 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nq_host *host = host_for(6, 8, cases[i].packets);
		const struct nq_action *steer;
		struct nq_policy policy;
		struct outcome outcome;

		nq_policy_init(&policy);
		host->vnics[0].n_spread = 2;
		host->vnics[0].spread[0] = 4;
		host->vnics[0].spread[1] = 6;
		host->queues[4].role = host->queues[6].role = NQ_ROLE_ASSIGNED;
		host->vnics[0].tx_queue = 2;
		for (uint32_t queue = 2; queue < 7; queue += 2) {
			host->queues[queue].rx.packets = cases[i].packets / 3;
			host->cpus[host->queues[queue].cpu].busy = (uint32_t)(cases[i].packets / 3 / KPPS);
		}
		outcome = plan_with(host, &policy);
		steer = steering_of(outcome.plan, 0);
		assert_lanes(outcome.planned, 0, cases[i].lanes);
		if (cases[i].lanes == 1) {
			assert_non_null(steer);
			assert_int_equal(steer->reason.rule, NQ_RULE_GATHER_LANES);
			assert_int_equal(steer->reason.value[1], 3);
			assert_int_equal(outcome.planned->queues[4].role, NQ_ROLE_FREE);
		}
		forget(&outcome);
		nq_host_free(host);
	}
}

/* Loads that swing around the thresholds: lanes change at most once on the way up and once on the way down. */
static void d5_no_flipping(void **state)
{
	static const uint64_t loads[] = { 880, 910, 880, 910, 720, 910, 880, 100, 5, 30, 5 };
	struct nq_host *host = host_for(6, 4, 800 * KPPS);
	struct nq_policy policy;
	uint32_t changes = 0;

	(void)state;
	nq_policy_init(&policy);
	settle(host, &policy);
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		struct outcome outcome;

		host->vnics[0].rx.packets = loads[i] * KPPS;
		host->vnics[0].served_by = NQ_SERVED_UNKNOWN;
		memset(host->vnics[0].served, 0, host->n_nodes * sizeof(uint64_t));
		for (uint32_t queue = 0; queue < host->n_queues; queue++)
			host->queues[queue].rx.packets = 0;
		for (uint32_t cpu = 0; cpu < host->n_cpus; cpu++)
			host->cpus[cpu].busy = 0;
		outcome = plan_with(host, &policy);
		changes += outcome.planned->vnics[0].n_spread != host->vnics[0].n_spread;
		assert_lanes(outcome.planned, 0, outcome.planned->vnics[0].n_spread + 1);
		nq_host_free(host);
		host = outcome.planned;
		nq_plan_free(outcome.plan);
	}
	assert_int_equal(changes, 2);
	nq_host_free(host);
}

/* Back on the default queue it has one lane and its queues are free. */
static void d5_returns_with_all_lanes(void **state)
{
	struct nq_host *host = host_for(4, 4, 3);
	struct outcome outcome;

	(void)state;
	host->vnics[0].n_spread = 1;
	host->vnics[0].spread[0] = 4;
	host->queues[4].role = NQ_ROLE_ASSIGNED;
	outcome = plan_of(host);
	assert_int_equal(outcome.planned->vnics[0].rx_queue, NQ_NONE);
	assert_int_equal(outcome.planned->vnics[0].n_spread, 0);
	for (uint32_t i = 1; i < host->n_queues; i++)
		assert_int_equal(outcome.planned->queues[i].role, NQ_ROLE_FREE);
	forget(&outcome);
	nq_host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(d5_over_split_gets_lanes),
		cmocka_unit_test(d5_reason),
		cmocka_unit_test(d5_limits),
		cmocka_unit_test(d5_contexts_run_out),
		cmocka_unit_test(d5_gathers_when_quiet),
		cmocka_unit_test(d5_no_flipping),
		cmocka_unit_test(d5_returns_with_all_lanes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
