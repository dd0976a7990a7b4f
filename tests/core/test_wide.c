/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* H4, U1: homes over several nodes. */
#include "support.h"

#include <stdlib.h>

#include "build_host.h"

#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)

/* Nodes of four cores, two hardware threads each. */
static struct nq_host *quad_cores(uint32_t n_nodes)
{
	struct nq_host *host = build_host(n_nodes, 8);

	for (uint32_t i = 0; i < host->n_cpus; i++)
		host->cpus[i].core = host->cpus[i].id & ~1u;
	return host;
}

static uint32_t floating_domain(struct nq_host *host, uint32_t cpus)
{
	uint32_t vm = build_vm(host, NQ_NONE);

	host->vms[vm].kind = NQ_VM_DOMAIN;
	host->vms[vm].cpus = cpus;
	return vm;
}

/* The planned host, and that a second plan is empty; frees the host. */
static struct nq_host *planned_of(struct nq_host *host, const struct nq_policy *policy, struct nq_plan **ret)
{
	struct nq_plan *plan = support_plan(host, policy, NULL), *second;
	struct nq_host *planned = support_planned(host, plan);

	second = support_plan(planned, policy, NULL);
	assert_int_equal(second->n_actions, 0);
	nq_plan_free(second);
	nq_host_free(host);
	if (ret)
		*ret = plan;
	else
		nq_plan_free(plan);
	return planned;
}

/* 8 vCPUs on quad cores: two clients of 4, though each node has 8 hardware threads. */
static void h4_eight_on_quad_cores(void **state)
{
	struct nq_host *host = quad_cores(2), *planned;
	uint32_t vm = floating_domain(host, 8);
	struct nq_plan *plan;

	(void)state;
	planned = planned_of(host, NULL, &plan);
	assert_int_equal(plan->n_actions, 1);
	assert_int_equal(plan->actions[0].reason.rule, NQ_RULE_HOME_WIDE);
	assert_int_equal(plan->actions[0].reason.value[1], 8);
	assert_int_equal(plan->actions[0].reason.value[2], 4);
	assert_int_equal(plan->actions[0].reason.value[3], 2);
	assert_non_null(plan->actions[0].cpus_on);
	assert_true(planned->vms[vm].placed);
	assert_int_equal(planned->vms[vm].cpus_on[0], 4);
	assert_int_equal(planned->vms[vm].cpus_on[1], 4);
	nq_plan_free(plan);
	nq_host_free(planned);
}

/* 10 are 4 + 4 + 2, on three of four nodes. */
static void h4_ten_on_quad_cores(void **state)
{
	struct nq_host *host = quad_cores(4), *planned;
	uint32_t vm = floating_domain(host, 10), of[5] = { 0 };

	(void)state;
	planned = planned_of(host, NULL, NULL);
	for (uint32_t node = 0; node < 4; node++)
		of[planned->vms[vm].cpus_on[node]]++;
	assert_int_equal(of[4], 2);
	assert_int_equal(of[2], 1);
	assert_int_equal(of[0], 1);
	assert_int_equal(nq_nodeset_count(&planned->vms[vm].home), 3);
	nq_host_free(planned);
}

/* Hardware threads do not make a node wider, and a vm that fits on one is not wide. */
static void h4_cores_not_threads(void **state)
{
	(void)state;
	for (uint32_t cpus = 4; cpus <= 5; cpus++) {
		struct nq_host *host = quad_cores(2), *planned;
		uint32_t vm = floating_domain(host, cpus);

		planned = planned_of(host, NULL, NULL);
		assert_int_equal(nq_nodeset_count(&planned->vms[vm].home), cpus == 4 ? 1 : 2);
		nq_host_free(planned);
	}
}

/* Its memory lies over the nodes of its clients, in equal parts where it has to move. */
static void h4_memory_over_the_node_mask(void **state)
{
	struct nq_host *host = quad_cores(4), *planned;
	uint32_t vm = floating_domain(host, 8);

	(void)state;
	host->vms[vm].busy = 4000;
	host->vms[vm].mem[1] = 3 * GIB;
	host->vms[vm].mem[2] = 512 * MIB;
	host->vms[vm].mem[3] = 3 * GIB;
	planned = planned_of(host, NULL, NULL);
	assert_int_equal(planned->vms[vm].cpus_on[1], 4);
	assert_int_equal(planned->vms[vm].cpus_on[3], 4);
	assert_int_equal(planned->vms[vm].mem[2], 0);
	assert_int_equal(planned->vms[vm].mem[1], 3 * GIB + 256 * MIB);
	assert_int_equal(planned->vms[vm].mem[3], 3 * GIB + 256 * MIB);
	nq_host_free(planned);
}

/* Near the NIC, and near each other: of four nodes in a row those two. */
static void h4_cheapest_nodes(void **state)
{
	struct nq_host *host = quad_cores(4), *planned;
	uint32_t pnic = build_pnic(host, 2, NQ_STEER_NONE), vm = floating_domain(host, 8);

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		for (uint32_t j = 0; j < 4; j++)
			host->distance[i * 4 + j] = 10 + 5 * (i > j ? i - j : j - i);
	host->distance[2 * 4 + 3] = host->distance[3 * 4 + 2] = 12;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 16);
	build_vnic(host, vm, NQ_NONE, pnic, 50000);
	planned = planned_of(host, NULL, NULL);
	assert_int_equal(planned->vms[vm].cpus_on[2], 4);
	assert_int_equal(planned->vms[vm].cpus_on[3], 4);
	nq_host_free(planned);
}

/* The fewest nodes that hold it, though a smaller one would be nearer to the NIC. */
static void h4_fewest_nodes(void **state)
{
	struct nq_host *host = quad_cores(3), *planned;
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NONE), vm = floating_domain(host, 8);

	struct nq_policy policy;

	(void)state;
	nq_policy_init(&policy);
	policy.vcpu_wait = 0;
	for (uint32_t i = 4; i < 8; i++)
		host->cpus[i].online = false;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 8);
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 16);
	host->queues[0].rss_entries = host->queues[2].rss_entries = 1;
	host->queues[1].rss_entries = 6;
	host->pnics[pnic].rss_entries = 8;
	for (uint32_t i = 0; i < 3; i++)
		host->queues[i].movable = false;
	build_vnic(host, vm, NQ_NONE, pnic, 5000);
	host->vms[vm].busy = 1000;
	for (uint32_t i = 0; i < 3; i++)
		host->vms[vm].mem[i] = 8 * MIB;
	planned = planned_of(host, &policy, NULL);
	assert_int_equal(planned->vms[vm].cpus_on[0], 0);
	assert_int_equal(planned->vms[vm].cpus_on[1], 4);
	assert_int_equal(planned->vms[vm].cpus_on[2], 4);
	nq_host_free(planned);
}

/* A node without room for its client is passed over; without enough of them the vm floats on. */
static void h4_room_for_each_client(void **state)
{
	struct nq_policy policy;

	(void)state;
	nq_policy_init(&policy);
	policy.vcpu_wait = 0;
	for (uint32_t full = 1; full <= 2; full++) {
		struct nq_host *host = quad_cores(3), *planned;
		uint32_t vm = floating_domain(host, 8);

		host->vms[vm].busy = 4000;
		for (uint32_t i = 0; i < full; i++) {
			uint32_t other = build_vm(host, i);

			/* 5,201 of 7,200, and 2,000 for the client. */
			host->vms[other].reservation = 5201;
		}
		planned = planned_of(host, &policy, NULL);
		assert_int_equal(planned->vms[vm].placed, full == 1);
		assert_int_equal(planned->vms[vm].cpus_on[0], 0);
		assert_int_equal(planned->vms[vm].cpus_on[1], full == 1 ? 4 : 0);
		nq_host_free(planned);
	}
}

/* Switched off, and for containers, whose threads say nothing, there is no such thing. */
static void h4_who_is_wide(void **state)
{
	struct nq_policy policy;

	(void)state;
	nq_policy_init(&policy);
	for (uint32_t i = 0; i < 3; i++) {
		struct nq_host *host = quad_cores(2), *planned;
		uint32_t vm = floating_domain(host, 8);

		policy.wide = i == 0 ? NQ_OFF : NQ_ON;
		host->vms[vm].kind = i == 1 ? NQ_VM_CONTAINER : i == 2 ? NQ_VM_PROCESS : NQ_VM_DOMAIN;
		planned = planned_of(host, &policy, NULL);
		assert_int_equal(planned->vms[vm].placed, i != 0);
		assert_int_equal(nq_nodeset_count(&planned->vms[vm].home), i == 1 ? 1 : 2);
		nq_host_free(planned);
	}
}

/* More vCPUs than the host has cores are more than clients can be made of. */
static void h4_wider_than_the_host(void **state)
{
	struct nq_host *host = quad_cores(2), *planned;
	uint32_t vm = floating_domain(host, 9);

	(void)state;
	planned = planned_of(host, NULL, NULL);
	assert_false(planned->vms[vm].placed);
	nq_host_free(planned);
}

/* esx-home leaves a wide vm scattered, esx-wide and nearq do not. */
static void h4_esx_before_and_after(void **state)
{
	static const char *const presets[] = { "esx-home", "esx-wide", "nearq" };

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		struct nq_host *host = quad_cores(2), *planned;
		uint32_t vm = floating_domain(host, 8);
		struct nq_policy policy;

		nq_policy_init(&policy);
		assert_int_equal(nq_policy_use(&policy, presets[i]), 0);
		planned = planned_of(host, &policy, NULL);
		assert_int_equal(planned->vms[vm].placed, i > 0);
		nq_host_free(planned);
	}
}

/* NIC on node 1 of 8 CPUs each; so much of both is used by others. */
static struct nq_host *with_nic(uint32_t cpus, uint32_t used_0, uint32_t used_1, uint32_t *ret_vm)
{
	struct nq_host *host = build_host(2, 8);
	uint32_t pnic = build_pnic(host, 1, NQ_STEER_NONE);

	build_queue(host, pnic, NQ_ROLE_DEFAULT, 8);
	*ret_vm = floating_domain(host, cpus);
	build_vnic(host, *ret_vm, NQ_NONE, pnic, 1000);
	host->nodes[0].busy = used_0;
	host->nodes[1].busy = used_1;
	return host;
}

/* Equations 3 and 4: 6 vCPUs, 6 CPUs free on one node and 4 on the NIC's: floor(4 * 6 / 10) = 2 there. */
static void u1_equations_3_and_4(void **state)
{
	uint32_t vm;
	struct nq_host *host = with_nic(6, 2000, 4000, &vm), *planned;
	struct nq_policy policy;
	struct nq_plan *plan;

	(void)state;
	nq_policy_init(&policy);
	assert_int_equal(nq_policy_use(&policy, "nuioa"), 0);
	/* Free, the vm's own included: 6 GiB and 3 GiB, of which a third is on the NIC's node. */
	host->vms[vm].mem[0] = GIB;
	host->nodes[0].mem_free = 5 * GIB;
	host->nodes[1].mem_free = 3 * GIB;
	planned = planned_of(host, &policy, &plan);
	assert_int_equal(plan->actions[0].reason.rule, NQ_RULE_HOME_PROPORTIONAL);
	assert_int_equal(plan->actions[0].reason.value[0], 1);
	assert_int_equal(plan->actions[0].reason.value[1], 2);
	assert_int_equal(plan->actions[0].reason.value[2], 6);
	assert_int_equal(plan->actions[0].reason.value[3], 333);
	assert_int_equal(plan->actions[0].reason.value[4], 1000);
	assert_int_equal(planned->vms[vm].cpus_on[0], 4);
	assert_int_equal(planned->vms[vm].cpus_on[1], 2);
	nq_plan_free(plan);
	nq_host_free(planned);
}

/* A node that is all there is gets all; one that has nothing free gets nothing. */
static void u1_ends(void **state)
{
	struct nq_policy policy;

	(void)state;
	nq_policy_init(&policy);
	assert_int_equal(nq_policy_use(&policy, "nuioa"), 0);
	for (uint32_t all = 0; all < 2; all++) {
		uint32_t vm;
		struct nq_host *host = with_nic(6, all ? 8000 : 0, all ? 0 : 8000, &vm), *planned;

		planned = planned_of(host, &policy, NULL);
		assert_int_equal(nq_nodeset_single(&planned->vms[vm].home), all);
		nq_host_free(planned);
	}
}

/* The device is that of the busiest vnic; without one the vm keeps floating. */
static void u1_device(void **state)
{
	struct nq_policy policy;

	(void)state;
	nq_policy_init(&policy);
	assert_int_equal(nq_policy_use(&policy, "nuioa"), 0);
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t vm;
		struct nq_host *host = with_nic(8, 0, 4000, &vm), *planned;
		uint32_t other = build_pnic(host, 0, NQ_STEER_NONE);
		struct nq_plan *plan;

		build_queue(host, other, NQ_ROLE_DEFAULT, 0);
		build_vnic(host, vm, NQ_NONE, other, i ? 2000 : 500);
		if (i == 2)
			host->vnics[0].pnic = host->vnics[1].pnic = NQ_NONE;
		planned = planned_of(host, &policy, &plan);
		assert_int_equal(plan->n_actions, i == 2 ? 0 : 1);
		if (i < 2)
			assert_int_equal(plan->actions[0].reason.value[0], 1 - i);
		nq_plan_free(plan);
		nq_host_free(planned);
	}
}

/* The weakness of the equations: a vm that would fit is split, and its memory with it; nearq keeps it whole. */
static void u1_splits_what_would_fit(void **state)
{
	static const char *const presets[] = { "nuioa", "nearq" };

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t vm;
		struct nq_host *host = with_nic(4, 0, 0, &vm), *planned;
		struct nq_policy policy;

		nq_policy_init(&policy);
		assert_int_equal(nq_policy_use(&policy, presets[i]), 0);
		host->vms[vm].busy = 2000;
		host->vms[vm].mem[0] = host->vms[vm].mem[1] = GIB;
		planned = planned_of(host, &policy, NULL);
		assert_int_equal(nq_nodeset_count(&planned->vms[vm].home), i == 0 ? 2 : 1);
		nq_host_free(planned);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(h4_eight_on_quad_cores),
		cmocka_unit_test(h4_ten_on_quad_cores),
		cmocka_unit_test(h4_cores_not_threads),
		cmocka_unit_test(h4_memory_over_the_node_mask),
		cmocka_unit_test(h4_cheapest_nodes),
		cmocka_unit_test(h4_fewest_nodes),
		cmocka_unit_test(h4_room_for_each_client),
		cmocka_unit_test(h4_who_is_wide),
		cmocka_unit_test(h4_wider_than_the_host),
		cmocka_unit_test(h4_esx_before_and_after),
		cmocka_unit_test(u1_equations_3_and_4),
		cmocka_unit_test(u1_ends),
		cmocka_unit_test(u1_device),
		cmocka_unit_test(u1_splits_what_would_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
