/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Assignment "match": what the claims leave open. Two nodes, eth0 on node 0 with its default queue there. */
#include "support.h"

#include <stdlib.h>

#include "build_host.h"
#include "core/memory.h"

#define CPUS 4
#define K UINT64_C(500) /* a thousand packets/s, both directions together */

static struct nq_host *two_nodes(struct nq_policy *policy)
{
	struct nq_host *host = build_host(2, CPUS);

	nq_policy_init(policy);
	assert_int_equal(nq_policy_use(policy, "numa-io"), 0);
	build_pnic(host, 0, NQ_STEER_NTUPLE);
	build_queue(host, 0, NQ_ROLE_DEFAULT, 0);
	return host;
}

static uint32_t queue(struct nq_host *host, enum nq_queue_role role, uint32_t cpu, bool movable)
{
	uint32_t index = build_queue(host, 0, role, cpu);

	host->queues[index].movable = movable;
	return index;
}

/* A vm with one vnic on that queue; what it receives and sends is part of the queue's load. Its number. */
static uint32_t vm(struct nq_host *host, uint32_t node, uint32_t on, uint64_t thousands)
{
	uint32_t index = build_vm(host, node), vnic = build_vnic(host, index, on, 0, thousands * K);

	if (on != NQ_NONE) {
		host->queues[on].rx.packets += host->vnics[vnic].rx.packets;
		host->queues[on].tx.packets += host->vnics[vnic].tx.packets;
	}
	return vnic;
}

static struct nq_host *planned(struct nq_host *host, const struct nq_policy *policy, const struct nq_memory *memory)
{
	struct nq_plan *plan = support_plan(host, policy, memory);
	struct nq_host *result = support_planned(host, plan);

	nq_plan_free(plan);
	nq_host_free(host);
	return result;
}

/* The vm is alone on its queue and no other is to be had: the queue follows it, without a new rule. */
static void n1_own_queue_follows(void **state)
{
	struct nq_policy policy;
	struct nq_host *host = two_nodes(&policy);
	uint32_t own = queue(host, NQ_ROLE_ASSIGNED, 1, true), vnic = vm(host, 1, own, 100);
	struct nq_plan *plan = support_plan(host, &policy, NULL);

	(void)state;
	assert_int_equal(plan->n_actions, 1);
	assert_int_equal(plan->actions[0].kind, NQ_ACTION_QUEUE_CPU);
	nq_plan_free(plan);
	host = planned(host, &policy, NULL);
	assert_int_equal(host->vnics[vnic].rx_queue, own);
	assert_int_equal(nq_host_queue_node(host, own), 1);
	nq_host_free(host);
}

/* 1130: a free queue that is on the node goes before one that has to be brought. */
static void n1_free_queue_on_the_node_first(void **state)
{
	struct nq_policy policy;
	struct nq_host *host = two_nodes(&policy);
	uint32_t vnic;

	(void)state;
	queue(host, NQ_ROLE_FREE, 1, true);
	queue(host, NQ_ROLE_FREE, 5, true);
	vnic = vm(host, 1, NQ_NONE, 100);
	host = planned(host, &policy, NULL);
	assert_int_equal(host->vnics[vnic].rx_queue, 2);
	assert_int_equal(nq_host_queue_node(host, 1), 0);
	nq_host_free(host);
}

/* enter_pps is the threshold of process 400, to the packet. */
static void q2_under_the_threshold_stays(void **state)
{
	struct nq_policy policy;
	struct nq_host *host = two_nodes(&policy);
	uint32_t under, at;

	(void)state;
	queue(host, NQ_ROLE_FREE, 5, false);
	under = vm(host, 1, NQ_NONE, 0);
	at = vm(host, 1, NQ_NONE, 0);
	host->vnics[under].rx.packets = 99;
	host->vnics[at].rx.packets = 100;
	host = planned(host, &policy, NULL);
	assert_int_equal(host->vnics[under].rx_queue, NQ_NONE);
	assert_int_equal(host->vnics[at].rx_queue, 1);
	nq_host_free(host);
}

/* Q3: back at less than leave_pps; what is between that and enter_pps stays where it is, on either queue. */
static void q3_between_the_thresholds_stays(void **state)
{
	struct nq_policy policy;
	struct nq_host *host = two_nodes(&policy);
	uint32_t own = queue(host, NQ_ROLE_ASSIGNED, 5, false), under, at, between;

	(void)state;
	vm(host, 1, own, 100);
	under = vm(host, 1, own, 0);
	at = vm(host, 1, own, 0);
	between = vm(host, 1, NQ_NONE, 0);
	host->vnics[under].rx.packets = policy.pools[0].leave_pps - 1;
	host->vnics[at].rx.packets = policy.pools[0].leave_pps;
	host->vnics[between].rx.packets = policy.pools[0].enter_pps - 1;
	host = planned(host, &policy, NULL);
	assert_int_equal(host->vnics[under].rx_queue, NQ_NONE);
	assert_int_equal(host->vnics[at].rx_queue, own);
	assert_int_equal(host->vnics[between].rx_queue, NQ_NONE);
	nq_host_free(host);
}

/* A queue whose CPU is not known is left alone, as is its vm. */
static void n1_unknown_node_stays(void **state)
{
	struct nq_policy policy;
	struct nq_host *host = two_nodes(&policy);
	uint32_t unknown = queue(host, NQ_ROLE_ASSIGNED, NQ_NONE, false), vnic;

	(void)state;
	queue(host, NQ_ROLE_FREE, 5, true);
	vnic = vm(host, 1, unknown, 100);
	host = planned(host, &policy, NULL);
	assert_int_equal(host->vnics[vnic].rx_queue, unknown);
	nq_host_free(host);
}

/* A pool that packs takes the fuller of two queues with room, all others the emptier. */
static void q4_criteria(void **state)
{
	static const char *const pools[] = { "", "hlt" };

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		struct nq_policy policy;
		struct nq_host *host = two_nodes(&policy);
		uint32_t fuller = queue(host, NQ_ROLE_ASSIGNED, 5, false);
		uint32_t emptier = queue(host, NQ_ROLE_ASSIGNED, 6, false), vnic;

		vm(host, 1, fuller, 500);
		vm(host, 1, emptier, 300);
		vnic = vm(host, 1, NQ_NONE, 100);
		for (uint32_t j = 0; j < host->n_vms; j++)
			host->vms[j].pool = pools[i];
		host = planned(host, &policy, NULL);
		assert_int_equal(host->vnics[vnic].rx_queue, i ? fuller : emptier);
		nq_host_free(host);
	}
}

/* A queue that was taken just now gets the settings of its pool in the same plan; a second one is empty. */
static void q4_settings_in_the_same_plan(void **state)
{
	struct nq_policy policy;
	struct nq_host *host = two_nodes(&policy);
	uint32_t free = queue(host, NQ_ROLE_FREE, 5, true);
	struct nq_plan *plan;

	(void)state;
	host->queues[free].coalesce_us = 40;
	vm(host, 1, NQ_NONE, 20);
	host->vms[0].pool = "llr";
	host = planned(host, &policy, NULL);
	assert_int_equal(host->vnics[0].rx_queue, free);
	assert_int_equal(host->queues[free].coalesce_us, 0);
	plan = support_plan(host, &policy, NULL);
	assert_int_equal(plan->n_actions, 0);
	nq_plan_free(plan);
	nq_host_free(host);
}

/* floor_pps keeps room for a vm that is quiet now. */
static void q5_floor_counts(void **state)
{
	struct nq_policy policy;
	struct nq_host *host = two_nodes(&policy);
	uint32_t local = queue(host, NQ_ROLE_ASSIGNED, 5, false), far = queue(host, NQ_ROLE_ASSIGNED, 1, false), vnic;

	(void)state;
	policy.pools[0].floor_pps = 200000;
	vm(host, 1, local, 700);
	vm(host, 0, far, 100);
	vnic = vm(host, 1, NQ_NONE, 100);
	host = planned(host, &policy, NULL);
	assert_int_equal(host->vnics[vnic].rx_queue, far);
	nq_host_free(host);
}

/* Unpaired: sending goes to a queue of the node as well, by its own room. */
static void q7_unpaired_sending(void **state)
{
	struct nq_policy policy;
	struct nq_host *host = two_nodes(&policy);
	uint32_t full = queue(host, NQ_ROLE_ASSIGNED, 5, false), room = queue(host, NQ_ROLE_ASSIGNED, 6, false), vnic;

	(void)state;
	policy.pairing = NQ_UNPAIRED;
	vm(host, 1, full, 840);
	vm(host, 1, room, 500);
	vnic = vm(host, 1, NQ_NONE, 100);
	host = planned(host, &policy, NULL);
	assert_int_equal(host->vnics[vnic].rx_queue, room);
	assert_int_equal(host->vnics[vnic].tx_queue, room);
	nq_host_free(host);
}

/*
 * N6: a vm that has just started is placed, and its queue is chosen by what the queue of that node would carry with it:
 * a new one when that is more than queue_full, else the one in use.
 */
static void n6_vm_without_a_home(void **state)
{
	(void)state;
	for (int fits = 0; fits < 2; fits++) {
		struct nq_policy policy;
		struct nq_host *host = two_nodes(&policy);
		uint32_t used = queue(host, NQ_ROLE_ASSIGNED, 1, true), spare = queue(host, NQ_ROLE_FREE, 5, true),
			 vnic;

		vm(host, 0, used, 800);
		vnic = vm(host, NQ_NONE, NQ_NONE, fits ? 50 : 60);
		host->vms[1].kind = NQ_VM_DOMAIN;
		host = planned(host, &policy, NULL);
		assert_int_equal(nq_nodeset_single(&host->vms[1].home), 0);
		assert_int_equal(host->vnics[vnic].rx_queue, fits ? used : spare);
		assert_int_equal(nq_host_queue_node(host, host->vnics[vnic].rx_queue), 0);
		nq_host_free(host);
	}
}

/* No free queue: a split overflows to a queue in use, on the other node if it must. */
static void n4_split_without_a_free_queue(void **state)
{
	struct nq_policy policy;
	struct nq_host *host = two_nodes(&policy);
	uint32_t full = queue(host, NQ_ROLE_ASSIGNED, 5, false), other = queue(host, NQ_ROLE_ASSIGNED, 1, false);
	uint32_t first = vm(host, 1, full, 500), second = vm(host, 1, full, 450);

	(void)state;
	vm(host, 0, other, 380);
	host = planned(host, &policy, NULL);
	assert_int_equal(host->vnics[first].rx_queue, full);
	assert_int_equal(host->vnics[second].rx_queue, other);
	nq_host_free(host);
}

/* One vm cannot be split, whatever it receives. */
static void n4_one_vm_is_not_split(void **state)
{
	struct nq_policy policy;
	struct nq_host *host = two_nodes(&policy);
	uint32_t full = queue(host, NQ_ROLE_ASSIGNED, 5, false), vnic = vm(host, 1, full, 1000);

	(void)state;
	queue(host, NQ_ROLE_FREE, 6, true);
	host = planned(host, &policy, NULL);
	assert_int_equal(host->vnics[vnic].rx_queue, full);
	nq_host_free(host);
}

/* Two quiet queues of one node become one, unless their pool distributes or has a right to two. */
static void n5_pools_that_do_not_consolidate(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct nq_policy policy;
		struct nq_host *host = two_nodes(&policy);
		uint32_t a = queue(host, NQ_ROLE_ASSIGNED, 5, false), b = queue(host, NQ_ROLE_ASSIGNED, 6, false);
		uint32_t in_a = vm(host, 1, a, 100), in_b = vm(host, 1, b, 100);

		policy.pools[0].min = i == 1 ? 2 : 0;
		policy.pools[0].criteria = i == 2 ? NQ_CRITERIA_DISTRIBUTE : NQ_CRITERIA_BALANCE;
		host = planned(host, &policy, NULL);
		assert_int_equal(host->vnics[in_a].rx_queue == host->vnics[in_b].rx_queue, i == 0);
		nq_host_free(host);
	}
}

/* A queue that somebody unknown uses is not vacated; it may be joined. */
static void n5_unknown_user_stays(void **state)
{
	struct nq_policy policy;
	struct nq_host *host = two_nodes(&policy);
	uint32_t unknown = queue(host, NQ_ROLE_ASSIGNED, 5, false), own = queue(host, NQ_ROLE_ASSIGNED, 6, false), vnic;

	(void)state;
	host->queues[unknown].rx.packets = 10;
	vnic = vm(host, 1, own, 100);
	host = planned(host, &policy, NULL);
	assert_int_equal(host->vnics[vnic].rx_queue, unknown);
	assert_int_equal(host->queues[unknown].role, NQ_ROLE_ASSIGNED);
	assert_int_equal(host->queues[own].role, NQ_ROLE_FREE);
	nq_host_free(host);
}

/* overflow "cost": a mouse joins the NIC's queue, an elephant opens one on its node. */
static void n7_overflow_by_cost(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct nq_policy policy;
		struct nq_host *host = two_nodes(&policy);
		uint32_t full = queue(host, NQ_ROLE_ASSIGNED, 5, false), near = queue(host, NQ_ROLE_ASSIGNED, 1, false);
		uint32_t spare = queue(host, NQ_ROLE_FREE, 6, false), vnic;

		policy.overflow = NQ_OVERFLOW_COST;
		policy.queue_used_ns = 1000000; /* 5,000 packets/s over 200 ns */
		vm(host, 1, full, 850);
		vm(host, 0, near, 400);
		vnic = vm(host, 1, NQ_NONE, big ? 100 : 2);
		host = planned(host, &policy, NULL);
		assert_int_equal(host->vnics[vnic].rx_queue, big ? spare : near);
		nq_host_free(host);
	}
}

/* With a guard in the policy, a vm that moved a moment ago is held. */
static void d4_dwell_holds(void **state)
{
	struct nq_policy policy;
	struct nq_host *host = two_nodes(&policy);
	uint32_t far = queue(host, NQ_ROLE_ASSIGNED, 1, false), local = queue(host, NQ_ROLE_ASSIGNED, 5, false), vnic;
	struct nq_memory_entry entry = { NQ_ACTION_STEER, "02:00:00:00:00:01", host->time_ns - 1000, 0 };
	struct nq_memory memory = { &entry, 1, NQ_NONE };

	(void)state;
	policy.guard = NQ_ON;
	vm(host, 0, far, 100);
	vnic = vm(host, 1, far, 100);
	vm(host, 1, local, 100);
	host = planned(host, &policy, &memory);
	assert_int_equal(host->vnics[vnic].rx_queue, far);
	entry.moved_ns = host->time_ns - policy.dwell_ms * 1000000;
	host = planned(host, &policy, &memory);
	assert_int_equal(host->vnics[vnic].rx_queue, local);
	nq_host_free(host);
}

/* Soft queues: one on the vm's node, and sending stays with the default queues. */
static void n1_soft_queues(void **state)
{
	struct nq_policy policy;
	struct nq_host *host = build_host(2, CPUS);
	uint32_t vnic;

	(void)state;
	nq_policy_init(&policy);
	assert_int_equal(nq_policy_use(&policy, "numa-io"), 0);
	build_pnic(host, 0, NQ_STEER_XDP);
	build_queue(host, 0, NQ_ROLE_DEFAULT, 0);
	build_soft_queues(host, 0);
	vnic = vm(host, 1, NQ_NONE, 100);
	host = planned(host, &policy, NULL);
	assert_int_equal(host->queues[host->vnics[vnic].rx_queue].kind, NQ_QUEUE_SOFT);
	assert_int_equal(nq_host_queue_node(host, host->vnics[vnic].rx_queue), 1);
	assert_int_equal(host->vnics[vnic].tx_queue, NQ_NONE);
	nq_host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(n1_own_queue_follows),
		cmocka_unit_test(n1_free_queue_on_the_node_first),
		cmocka_unit_test(q2_under_the_threshold_stays),
		cmocka_unit_test(q3_between_the_thresholds_stays),
		cmocka_unit_test(n1_unknown_node_stays),
		cmocka_unit_test(q4_criteria),
		cmocka_unit_test(q4_settings_in_the_same_plan),
		cmocka_unit_test(q5_floor_counts),
		cmocka_unit_test(q7_unpaired_sending),
		cmocka_unit_test(n6_vm_without_a_home),
		cmocka_unit_test(n4_split_without_a_free_queue),
		cmocka_unit_test(n4_one_vm_is_not_split),
		cmocka_unit_test(n5_pools_that_do_not_consolidate),
		cmocka_unit_test(n5_unknown_user_stays),
		cmocka_unit_test(n7_overflow_by_cost),
		cmocka_unit_test(d4_dwell_holds),
		cmocka_unit_test(n1_soft_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
