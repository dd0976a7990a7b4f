/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* N2, N3: a unit that fits on no queue, though all rooms together would do, gets one when two others change places. */
#include "support.h"

#include "build_host.h"

#define KPPS 1000u
#define LIMIT (850 * KPPS)

/* One node; the default queue full of somebody's packets; two queues with these vnics, packets/s in both directions. */
static struct nq_host *full_host(const uint64_t first[2], const uint64_t second[2], uint64_t waiting,
				 uint32_t queues[2])
{
	struct nq_host *host = build_host(1, 4);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), by_default;

	by_default = build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	host->queues[by_default].rx.packets = 900 * KPPS;
	queues[0] = build_queue(host, pnic, NQ_ROLE_ASSIGNED, 1);
	queues[1] = build_queue(host, pnic, NQ_ROLE_ASSIGNED, 2);
	for (int i = 0; i < 2; i++) {
		build_vnic(host, build_vm(host, 0), queues[0], pnic, first[i] / 2);
		build_vnic(host, build_vm(host, 0), queues[1], pnic, second[i] / 2);
	}
	build_vnic(host, build_vm(host, 0), NQ_NONE, pnic, waiting / 2);
	return host;
}

static uint64_t load_of(const struct nq_host *host, uint32_t queue)
{
	uint64_t load = 0;

	for (uint32_t i = 0; i < host->n_vnics; i++)
		load += host->vnics[i].rx_queue == queue ? host->vnics[i].rx.packets + host->vnics[i].tx.packets : 0;
	return load;
}

/* 100,000 and 150,000 packets/s are left; 180,000 wait. 250 and 300 change places: 50 and 200 are left. */
static void n3_two_change_places_for_a_third(void **state)
{
	const uint64_t first[2] = { 500 * KPPS, 250 * KPPS }, second[2] = { 400 * KPPS, 300 * KPPS };
	uint32_t queues[2];
	struct nq_host *host = full_host(first, second, 180 * KPPS, queues), *planned;
	struct nq_policy policy;
	struct nq_plan *plan, *again;

	(void)state;
	nq_policy_init(&policy);
	plan = support_plan(host, &policy, NULL);
	planned = support_planned(host, plan);
	assert_int_not_equal(planned->vnics[4].rx_queue, NQ_NONE);
	for (int i = 0; i < 2; i++)
		assert_in_range(load_of(planned, queues[i]), 1, LIMIT);
	assert_true(plan->cost_after_ns < plan->cost_before_ns);
	again = support_plan(planned, &policy, NULL);
	assert_int_equal(again->n_actions, 0);
	nq_plan_free(again);
	nq_plan_free(plan);
	nq_host_free(planned);
	nq_host_free(host);
}

/* With 300,000 waiting and 250,000 left in all, nothing helps, and no queue is filled over its limit. */
static void n3_no_room_is_no_room(void **state)
{
	const uint64_t first[2] = { 500 * KPPS, 250 * KPPS }, second[2] = { 400 * KPPS, 300 * KPPS };
	uint32_t queues[2];
	struct nq_host *host = full_host(first, second, 300 * KPPS, queues), *planned;
	struct nq_policy policy;
	struct nq_plan *plan;

	(void)state;
	nq_policy_init(&policy);
	plan = support_plan(host, &policy, NULL);
	planned = support_planned(host, plan);
	for (int i = 0; i < 2; i++)
		assert_in_range(load_of(planned, queues[i]), 0, LIMIT);
	nq_plan_free(plan);
	nq_host_free(planned);
	nq_host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(n3_two_change_places_for_a_third),
		cmocka_unit_test(n3_no_room_is_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
