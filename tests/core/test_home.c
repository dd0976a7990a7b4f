/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* H1, H5, H6, V8: who gets a home, and where. */
#include "support.h"

#include <stdlib.h>

#include "build_host.h"

#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)

/* Two nodes of four CPUs, eth0 with a default queue on node 1, a floating vm with traffic. */
static struct nq_host *floating(uint32_t *ret_vm)
{
	struct nq_host *host = build_host(2, 4);
	uint32_t pnic = build_pnic(host, 1, NQ_STEER_NONE);

	build_queue(host, pnic, NQ_ROLE_DEFAULT, 4);
	*ret_vm = build_vm(host, NQ_NONE);
	build_vnic(host, *ret_vm, NQ_NONE, pnic, 50000);
	return host;
}

/* The node that the plan gives the vm, NQ_NONE when it leaves it floating; frees both. */
static uint32_t home_of(struct nq_host *host, uint32_t vm, const struct nq_policy *policy)
{
	struct nq_plan *plan = support_plan(host, policy, NULL);
	struct nq_host *planned = support_planned(host, plan);
	uint32_t node = planned->vms[vm].placed ? nq_nodeset_single(&planned->vms[vm].home) : NQ_NONE;

	nq_plan_free(plan);
	nq_host_free(planned);
	nq_host_free(host);
	return node;
}

/* Figure 15: with nothing else to decide, the pnic's node. */
static void h1_near_the_pnic(void **state)
{
	uint32_t vm;
	struct nq_host *host = floating(&vm);

	(void)state;
	assert_int_equal(home_of(host, vm, NULL), 1);
}

/* The vCPUs never leave their memory to follow the NIC; a little memory follows. */
static void h5_memory_weighs(void **state)
{
	(void)state;
	/* 100,000 packets/s save 200 ns each: 200 ms within the horizon, 666 MiB at 0.3 ms. */
	for (uint64_t mib = 666; mib <= 667; mib++) {
		uint32_t vm;
		struct nq_host *host = floating(&vm);

		host->vms[vm].mem[0] = mib * MIB;
		assert_int_equal(home_of(host, vm, NULL), mib == 666 ? 1 : 0);
	}
}

/* A first home may take home_horizon_ms to earn the bringing together of what is scattered, and no longer. */
static void h1_scattered_memory(void **state)
{
	(void)state;
	/* 1,000 packets/s save half of 200 ns each: 60 ms within 10 minutes, 200 MiB at 0.3 ms. */
	for (uint64_t mib = 200; mib <= 201; mib++) {
		uint32_t vm;
		struct nq_host *host = floating(&vm);

		host->vnics[0].rx.packets = host->vnics[0].tx.packets = 500;
		host->vms[vm].mem[0] = host->vms[vm].mem[1] = mib * MIB;
		assert_int_equal(home_of(host, vm, NULL), mib == 200 ? 1 : NQ_NONE);
	}
}

/* Memory that cannot move decides alone; spread over two nodes it allows none. */
static void h1_fixed_memory(void **state)
{
	uint32_t vm;
	struct nq_host *host = floating(&vm);

	(void)state;
	host->vms[vm].mem_fixed = true;
	host->vms[vm].mem[0] = MIB;
	assert_int_equal(home_of(host, vm, NULL), 0);
	host = floating(&vm);
	host->vms[vm].mem_fixed = true;
	host->vms[vm].mem[0] = host->vms[vm].mem[1] = MIB;
	assert_int_equal(home_of(host, vm, NULL), NQ_NONE);
}

/* A node takes the vm up to node_full of its CPUs, to the per mille; what it causes there already does not count twice.
 */
static void h1_room_for_its_load(void **state)
{
	struct nq_policy policy;

	(void)state;
	nq_policy_init(&policy);
	policy.vcpu_wait = 0;
	for (uint32_t over = 0; over < 2; over++) {
		uint32_t vm;
		struct nq_host *host = floating(&vm);

		/* 3,200 of 4 CPUs, of which 400 are the vm's own; with its 800 they are 3,600, 900 per mille. */
		host->nodes[1].busy = 3200 + over;
		host->vms[vm].busy = 800;
		/* Node 0 would cost more than floating over both. */
		assert_int_equal(home_of(host, vm, &policy), over ? NQ_NONE : 1);
	}
}

/* A node takes what has to follow only into free memory. */
static void h1_room_for_its_memory(void **state)
{
	(void)state;
	for (uint64_t missing = 0; missing < 2; missing++) {
		uint32_t vm;
		struct nq_host *host = floating(&vm);

		host->vms[vm].mem[0] = 10 * MIB;
		host->nodes[1].mem_free = 10 * MIB - missing;
		assert_int_equal(home_of(host, vm, NULL), missing ? 0 : 1);
	}
}

/* Placed, pinned, the host itself: not to be placed. A domain wider than a node neither; a container may be. */
static void h1_who_is_left_alone(void **state)
{
	struct nq_policy policy;
	uint32_t vm;
	struct nq_host *host = floating(&vm);

	(void)state;
	host->vms[vm].placed = true;
	assert_int_equal(home_of(host, vm, NULL), NQ_NONE);
	host = floating(&vm);
	host->vms[vm].pinned = true;
	assert_int_equal(home_of(host, vm, NULL), NQ_NONE);
	host = floating(&vm);
	host->vms[vm].kind = NQ_VM_HOST;
	assert_int_equal(home_of(host, vm, NULL), NQ_NONE);
	host = floating(&vm);
	host->vms[vm].kind = NQ_VM_DOMAIN;
	host->vms[vm].cpus = 5;
	nq_policy_init(&policy);
	policy.wide = NQ_OFF;
	assert_int_equal(home_of(host, vm, &policy), NQ_NONE);
	host = floating(&vm);
	host->vms[vm].kind = NQ_VM_DOMAIN;
	host->vms[vm].cpus = 4;
	assert_int_equal(home_of(host, vm, NULL), 1);
	host = floating(&vm);
	host->vms[vm].cpus = 8;
	assert_int_equal(home_of(host, vm, NULL), 1);
}

/* A node without CPUs online is no home, however near. */
static void h1_node_without_cpus(void **state)
{
	uint32_t vm;
	struct nq_host *host = floating(&vm);

	(void)state;
	for (uint32_t i = 4; i < 8; i++)
		host->cpus[i].online = false;
	host->vnics[0].rx.packets = host->vnics[0].tx.packets = 0;
	assert_int_equal(home_of(host, vm, NULL), 0);
}

/* Memory that has to follow must be earned; an idle vm gets a home only where its memory is. */
static void h1_idle_vms(void **state)
{
	uint32_t vm;
	struct nq_host *host = floating(&vm);

	(void)state;
	host->vnics[0].rx.packets = host->vnics[0].tx.packets = 0;
	host->vms[vm].mem[0] = GIB;
	assert_int_equal(home_of(host, vm, NULL), 0);
	host = floating(&vm);
	host->vnics[0].rx.packets = host->vnics[0].tx.packets = 0;
	host->vms[vm].mem[0] = host->vms[vm].mem[1] = GIB;
	assert_int_equal(home_of(host, vm, NULL), NQ_NONE);
}

/* What costs the same everywhere goes to the less loaded node. */
static void h1_spread_by_load(void **state)
{
	struct nq_host *host = build_host(3, 2);
	uint32_t vm = build_vm(host, NQ_NONE);

	(void)state;
	host->cpus[0].busy = 300;
	host->cpus[2].busy = 100;
	host->cpus[4].busy = 200;
	assert_int_equal(home_of(host, vm, NULL), 1);
}

/* Then to the node that has more of its memory. */
static void h1_more_of_its_memory(void **state)
{
	struct nq_policy policy;

	(void)state;
	nq_policy_init(&policy);
	policy.home_once_ns_per_mib = 0;
	for (uint32_t more = 0; more < 3; more++) {
		struct nq_host *host = build_host(3, 2);
		uint32_t vm = build_vm(host, NQ_NONE);

		for (uint32_t i = 0; i < 3; i++)
			host->vms[vm].mem[i] = (i == more ? 3 : 2) * MIB;
		assert_int_equal(home_of(host, vm, &policy), more);
	}
}

/* A home that costs more than floating is not given, however much the rest of the plan saves. */
static void h1_dearer_than_floating(void **state)
{
	uint32_t vm, other;
	struct nq_host *host = floating(&vm);

	(void)state;
	host->nodes[1].busy = 4000;
	other = build_pnic(host, 0, NQ_STEER_NONE);
	build_queue(host, other, NQ_ROLE_DEFAULT, 7);
	build_vnic(host, build_vm(host, 0), NQ_NONE, other, 500000);
	assert_int_equal(home_of(host, vm, NULL), NQ_NONE);
}

/* The largest traffic chooses first, and what it takes is gone for the others. */
static void h1_largest_first(void **state)
{
	uint32_t small, large;
	struct nq_host *host = floating(&small), *planned;
	struct nq_policy policy;
	struct nq_plan *plan;

	(void)state;
	nq_policy_init(&policy);
	policy.vcpu_wait = 0;
	large = build_vm(host, NQ_NONE);
	build_vnic(host, large, NQ_NONE, 0, 60000);
	host->vms[small].busy = host->vms[large].busy = 2000;
	for (uint32_t i = 0; i < 8; i++)
		host->cpus[i].busy = 500;
	plan = support_plan(host, &policy, NULL);
	planned = support_planned(host, plan);
	assert_int_equal(nq_nodeset_single(&planned->vms[large].home), 1);
	assert_int_not_equal(nq_nodeset_single(&planned->vms[small].home), 1);
	nq_plan_free(plan);
	nq_host_free(planned);
	nq_host_free(host);
}

/* The planned host has the vm's memory and load where its home is. */
static void h1_memory_and_load_follow(void **state)
{
	uint32_t vm;
	struct nq_host *host = floating(&vm), *planned;
	struct nq_plan *plan;

	(void)state;
	host->vms[vm].mem[0] = 64 * MIB;
	host->vms[vm].mem[1] = 32 * MIB;
	host->vms[vm].busy = 800;
	host->nodes[0].busy = host->nodes[1].busy = 600;
	plan = support_plan(host, NULL, NULL);
	planned = support_planned(host, plan);
	assert_int_equal(plan->actions[0].reason.rule, NQ_RULE_HOME_BEST_FIT);
	assert_int_equal(plan->actions[0].reason.value[1], 250);
	assert_int_equal(plan->actions[0].reason.value[3], 8 * GIB - 64 * MIB);
	assert_int_equal(plan->actions[0].once_ns, 64 * 300000);
	assert_int_equal(plan->actions[0].rejected.target, 0);
	assert_int_equal(planned->vms[vm].mem[0], 0);
	assert_int_equal(planned->vms[vm].mem[1], 96 * MIB);
	assert_int_equal(planned->nodes[0].mem_free, 8 * GIB + 64 * MIB);
	assert_int_equal(planned->nodes[1].mem_free, 8 * GIB - 64 * MIB);
	assert_int_equal(planned->nodes[0].busy, 200);
	assert_int_equal(planned->nodes[1].busy, 1000);
	nq_plan_free(plan);
	nq_host_free(planned);
	nq_host_free(host);
}

/* 002: the first vm goes to the first node, the second to the second; a full node is passed over; memory goes on. */
static void h1_round_robin(void **state)
{
	struct nq_host *host = build_host(3, 2), *planned;
	struct nq_memory *memory = NULL;
	struct nq_policy policy;
	struct nq_plan *plan;

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		host->nodes[i].id = i * 2;
	host->cpus[2].busy = host->cpus[3].busy = 1000;
	for (uint32_t i = 0; i < 3; i++)
		build_vm(host, NQ_NONE);
	nq_policy_init(&policy);
	policy.placement = NQ_PLACE_ROUND_ROBIN;
	plan = support_plan(host, &policy, NULL);
	planned = support_planned(host, plan);
	assert_int_equal(nq_nodeset_single(&planned->vms[0].home), 0);
	assert_int_equal(nq_nodeset_single(&planned->vms[1].home), 2);
	assert_int_equal(nq_nodeset_single(&planned->vms[2].home), 0);
	assert_int_equal(plan->actions[0].reason.rule, NQ_RULE_HOME_ROUND_ROBIN);
	assert_int_equal(plan->actions[0].rejected.target, 2);

	assert_int_equal(nq_memory_new(&memory), 0);
	assert_int_equal(nq_memory_learn(memory, &policy, host, plan, 0), 0);
	assert_int_equal(memory->next_node, 0);
	nq_plan_free(plan);
	nq_host_free(planned);
	/* vm0 was placed on node 0 just now: it dwells, and the turn is the next node's. */
	plan = support_plan(host, &policy, memory);
	assert_int_equal(plan->n_actions, 2);
	assert_int_equal(plan->actions[0].vm, 1);
	assert_int_equal(plan->actions[0].reason.value[0], 4);
	nq_plan_free(plan);
	nq_memory_free(memory);
	nq_host_free(host);
}

/* A vm without a home is taken to run on all CPUs of its nodes alike: a fifth of its time on the node with one of five.
 */
static void floats_over_cpus(void **state)
{
	struct nq_host *host = build_host(2, 4);
	struct nq_policy policy;

	(void)state;
	nq_policy_init(&policy);
	policy.vcpu_wait = 0;
	for (uint32_t i = 5; i < 8; i++)
		host->cpus[i].online = false;
	build_vm(host, NQ_NONE);
	host->vms[0].busy = 1000;
	host->vms[0].mem[0] = GIB;
	/* A whole CPU loses mem_remote of its second for all memory remote, a fifth of that here. */
	assert_int_equal(nq_host_cost(host, &policy), policy.mem_remote * 1000000 / 5);
	nq_host_free(host);
}

/* A node has room by what vms are owed: an idle reservation keeps its place, to the per mille. */
static void v8_reservation_refuses_a_node(void **state)
{
	struct nq_policy policy;

	(void)state;
	nq_policy_init(&policy);
	policy.vcpu_wait = 0;
	for (uint32_t over = 0; over < 2; over++) {
		uint32_t vm;
		struct nq_host *host = floating(&vm);
		uint32_t idle = build_vm(host, 1);

		/* With 800 they are 3,600 of 4 CPUs. */
		host->vms[idle].reservation = 2800 + over;
		host->vms[vm].busy = 800;
		assert_int_equal(home_of(host, vm, &policy), over ? NQ_NONE : 1);
	}
}

/* And a vm needs none for what its limit forbids. */
static void v8_limit_caps_what_is_owed(void **state)
{
	struct nq_policy policy;

	(void)state;
	nq_policy_init(&policy);
	policy.vcpu_wait = 0;
	for (uint32_t over = 0; over < 2; over++) {
		uint32_t vm;
		struct nq_host *host = floating(&vm);
		uint32_t idle = build_vm(host, 1);

		host->vms[idle].reservation = 2800;
		host->vms[vm].busy = 1600;
		host->vms[vm].limit = 800 + over;
		assert_int_equal(home_of(host, vm, &policy), over ? NQ_NONE : 1);
	}
}

/* Who has more shares chooses first, as if it had so much more traffic. */
static void v8_larger_shares_choose_first(void **state)
{
	struct nq_policy policy;

	(void)state;
	nq_policy_init(&policy);
	policy.vcpu_wait = 0;
	for (uint32_t larger = 0; larger < 2; larger++) {
		uint32_t vms[2];
		struct nq_host *host = floating(&vms[0]), *planned;
		struct nq_plan *plan;

		vms[1] = build_vm(host, NQ_NONE);
		build_vnic(host, vms[1], NQ_NONE, 0, 50000);
		for (uint32_t i = 0; i < 2; i++) {
			host->vnics[i].rx.packets = host->vnics[i].tx.packets = i == larger ? 40000 : 50000;
			host->vms[vms[i]].busy = 2000;
			host->vms[vms[i]].shares = i == larger ? 2000 : 1000;
		}
		plan = support_plan(host, &policy, NULL);
		planned = support_planned(host, plan);
		assert_int_equal(nq_nodeset_single(&planned->vms[vms[larger]].home), 1);
		assert_int_not_equal(nq_nodeset_single(&planned->vms[vms[1 - larger]].home), 1);
		nq_plan_free(plan);
		nq_host_free(planned);
		nq_host_free(host);
	}
}

/* All traffic comes to node 0, and node 1 gets its part of the vms all the same. */
static void h6_one_nic_does_not_starve_the_other_node(void **state)
{
	struct nq_host *host = build_host(2, 4), *planned;
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), on[2] = { 0, 0 };
	struct nq_plan *plan;

	(void)state;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	for (uint32_t i = 1; i < 8; i++)
		build_queue(host, pnic, NQ_ROLE_FREE, i);
	for (uint32_t i = 0; i < 10; i++) {
		uint32_t vm = build_vm(host, NQ_NONE);

		host->vms[vm].busy = 600;
		host->vms[vm].mem[0] = host->vms[vm].mem[1] = 16 * MIB;
		build_vnic(host, vm, NQ_NONE, pnic, 5000);
	}
	plan = support_plan(host, NULL, NULL);
	planned = support_planned(host, plan);
	for (uint32_t i = 0; i < 10; i++) {
		assert_true(planned->vms[i].placed);
		on[nq_nodeset_single(&planned->vms[i].home)]++;
	}
	assert_in_range(on[0], 4, 6);
	nq_plan_free(plan);
	nq_host_free(planned);
	nq_host_free(host);
}

/* Two NICs: each vm goes to the node of its own. */
static void h6_each_to_its_nic(void **state)
{
	struct nq_host *host = build_host(2, 4), *planned;
	struct nq_plan *plan;

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		build_queue(host, build_pnic(host, i, NQ_STEER_NONE), NQ_ROLE_DEFAULT, i * 4);
		for (uint32_t j = 0; j < 2; j++)
			build_vnic(host, build_vm(host, NQ_NONE), NQ_NONE, i, 1000);
	}
	plan = support_plan(host, NULL, NULL);
	planned = support_planned(host, plan);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(nq_nodeset_single(&planned->vms[i].home), i / 2);
	nq_plan_free(plan);
	nq_host_free(planned);
	nq_host_free(host);
}

/* A vm that stays without a home says why. */
static void h1_why_no_home(void **state)
{
	static const enum nq_rule rules[] = { NQ_RULE_KEPT_MEMORY_FIXED, NQ_RULE_KEPT_NO_ROOM, NQ_RULE_KEPT_ONE_OFF,
					      NQ_RULE_KEPT_PINNED };

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		uint32_t vm;
		struct nq_host *host = floating(&vm);
		struct nq_plan *plan;

		host->vms[vm].mem_fixed = i == 0;
		host->vms[vm].mem[0] = host->vms[vm].mem[1] = i == 2 ? 7 * GIB : MIB;
		host->vnics[0].rx.packets = host->vnics[0].tx.packets = 500;
		host->nodes[0].busy = host->nodes[1].busy = i == 1 ? 4000 : 0;
		host->vms[vm].pinned = i == 3;
		plan = support_plan(host, NULL, NULL);
		assert_int_equal(plan->n_actions, 0);
		assert_int_equal(plan->n_kept, 1);
		assert_int_equal(plan->kept[0].reason.rule, rules[i]);
		nq_plan_free(plan);
		nq_host_free(host);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(h1_near_the_pnic),
		cmocka_unit_test(h5_memory_weighs),
		cmocka_unit_test(h1_scattered_memory),
		cmocka_unit_test(h1_fixed_memory),
		cmocka_unit_test(h1_room_for_its_load),
		cmocka_unit_test(h1_room_for_its_memory),
		cmocka_unit_test(h1_who_is_left_alone),
		cmocka_unit_test(h1_node_without_cpus),
		cmocka_unit_test(h1_idle_vms),
		cmocka_unit_test(h1_spread_by_load),
		cmocka_unit_test(h1_more_of_its_memory),
		cmocka_unit_test(h1_dearer_than_floating),
		cmocka_unit_test(h1_largest_first),
		cmocka_unit_test(h1_memory_and_load_follow),
		cmocka_unit_test(h1_round_robin),
		cmocka_unit_test(floats_over_cpus),
		cmocka_unit_test(v8_reservation_refuses_a_node),
		cmocka_unit_test(v8_limit_caps_what_is_owed),
		cmocka_unit_test(v8_larger_shares_choose_first),
		cmocka_unit_test(h6_one_nic_does_not_starve_the_other_node),
		cmocka_unit_test(h6_each_to_its_nic),
		cmocka_unit_test(h1_why_no_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
