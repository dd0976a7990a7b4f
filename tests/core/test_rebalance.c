/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* H2, H3, H5, V8: homes that change, and memory that comes home. */
#include "support.h"

#include <stdlib.h>

#include "build_host.h"
#include "random_host.h"

#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)

/* A vm on the node that uses so much, per mille of one CPU. */
static uint32_t busy_vm(struct nq_host *host, uint32_t node, uint32_t busy)
{
	uint32_t vm = build_vm(host, node);

	host->vms[vm].busy = busy;
	return vm;
}

/* The same, to be changed before the next one is added. */
static struct nq_vm *added_vm(struct nq_host *host, uint32_t node, uint32_t busy)
{
	uint32_t vm = busy_vm(host, node, busy);

	return &host->vms[vm];
}

/* The host after the plan, which must gain what its moves say and leave nothing for a second one; frees the host. */
static struct nq_host *rebalanced(struct nq_host *host, const struct nq_policy *policy, const struct nq_memory *memory)
{
	struct nq_plan *plan = support_plan(host, policy, memory), *second;
	struct nq_host *planned = support_planned(host, plan);
	uint64_t before = 0, after = 0;

	for (uint32_t i = 0; i < plan->n_actions; i++) {
		before += plan->actions[i].cost_before_ns;
		after += plan->actions[i].cost_after_ns;
	}
	if (plan->n_actions == 1)
		assert_int_equal(before - after, plan->cost_before_ns - plan->cost_after_ns);
	second = support_plan(planned, policy, memory);
	assert_int_equal(second->n_actions, 0);
	nq_plan_free(second);
	nq_plan_free(plan);
	nq_host_free(host);
	return planned;
}

static uint32_t node_of(const struct nq_host *host, uint32_t vm)
{
	return nq_nodeset_single(&host->vms[vm].home);
}

static uint32_t count_on(const struct nq_host *host, uint32_t node)
{
	uint32_t n = 0;

	for (uint32_t vm = 0; vm < host->n_vms; vm++)
		n += node_of(host, vm) == node;
	return n;
}

/* The page's example: of four vms the two on the second node have become idle, and the load is all on the first. */
static void h2_four_vms_two_idle(void **state)
{
	struct nq_host *host = build_host(2, 4);

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t vm = busy_vm(host, i / 2, i < 2 ? 1500 : 0);

		host->vms[vm].mem[i / 2] = GIB;
	}
	host = rebalanced(host, NULL, NULL);
	assert_int_not_equal(node_of(host, 0), node_of(host, 1));
	assert_int_equal(node_of(host, 2), 1);
	assert_int_equal(node_of(host, 3), 1);
	/* Its memory came along. */
	assert_int_equal(host->vms[0].mem[node_of(host, 0)], GIB);
	assert_int_equal(host->vms[1].mem[node_of(host, 1)], GIB);
	nq_host_free(host);
}

static void h2_several_moves(void **state)
{
	struct nq_host *host = build_host(4, 4);

	(void)state;
	for (uint32_t i = 0; i < 8; i++)
		busy_vm(host, 0, 500);
	host = rebalanced(host, NULL, NULL);
	for (uint32_t node = 0; node < 4; node++)
		assert_in_range(count_on(host, node), 1, 3);
	nq_host_free(host);
}

/* A move says which node it was nearly, and what it would have cost there. */
static void h2_second_best(void **state)
{
	struct nq_host *host = build_host(3, 4);
	struct nq_plan *plan;

	(void)state;
	busy_vm(host, 0, 1500);
	added_vm(host, 0, 1500)->pinned = true;
	added_vm(host, 1, 400)->pinned = true;
	added_vm(host, 2, 200)->pinned = true;
	plan = support_plan(host, NULL, NULL);
	assert_int_equal(plan->n_actions, 1);
	assert_int_equal(nq_nodeset_single(&plan->actions[0].home_to), 2);
	assert_int_equal(plan->actions[0].rejected.target, 1);
	assert_in_range(plan->actions[0].rejected.cost_ns, plan->actions[0].cost_after_ns + 1,
			plan->actions[0].cost_before_ns);
	nq_plan_free(plan);
	nq_host_free(host);
}

/* Nothing moves between nodes that are less than `imbalance` apart, to the per mille. */
static void h2_imbalance_to_act(void **state)
{
	(void)state;
	for (uint32_t over = 0; over < 2; over++) {
		struct nq_host *host = build_host(2, 4);

		/* 3,200 and 2,800 of 4,000 are 100 per mille apart. */
		busy_vm(host, 0, 3000);
		busy_vm(host, 0, 200);
		busy_vm(host, 1, 2800 + (over ? 0 : 4));
		host = rebalanced(host, NULL, NULL);
		assert_int_equal(count_on(host, 0), over ? 1 : 2);
		nq_host_free(host);
	}
}

/* A move leaves at most half of the imbalance, to the per mille. */
static void h2_imbalance_after(void **state)
{
	(void)state;
	for (uint32_t over = 0; over < 2; over++) {
		struct nq_host *host = build_host(2, 4);

		/* 800 apart; 200 or 600 move at best: 400 are left. */
		busy_vm(host, 0, 2200 - over);
		busy_vm(host, 0, 600 + over);
		busy_vm(host, 1, 2000);
		host = rebalanced(host, NULL, NULL);
		assert_int_equal(count_on(host, 0), over ? 2 : 1);
		nq_host_free(host);
	}
}

/* One vm that is all the load stays: the other node would be as full. */
static void h2_lone_vm_stays(void **state)
{
	struct nq_host *host = build_host(2, 4);
	uint32_t vm = busy_vm(host, 0, 3500);

	(void)state;
	host = rebalanced(host, NULL, NULL);
	assert_int_equal(node_of(host, vm), 0);
	nq_host_free(host);
}

/* Of equal vms the one moves that has memory on the destination, whatever its name. */
static void h2_prefers_memory_on_the_destination(void **state)
{
	(void)state;
	for (uint32_t lucky = 0; lucky < 2; lucky++) {
		struct nq_host *host = build_host(2, 4);

		for (uint32_t i = 0; i < 2; i++) {
			uint32_t vm = busy_vm(host, 0, 1500);

			host->vms[vm].mem[0] = i == lucky ? GIB - 256 * MIB : GIB;
			host->vms[vm].mem[1] = i == lucky ? 256 * MIB : 0;
		}
		host = rebalanced(host, NULL, NULL);
		assert_int_equal(node_of(host, lucky), 1);
		assert_int_equal(node_of(host, 1 - lucky), 0);
		nq_host_free(host);
	}
}

/* Where every single move overshoots, two vms change places. */
static void h2_swap(void **state)
{
	struct nq_host *host = build_host(2, 4), *planned;
	uint32_t large = busy_vm(host, 0, 2000), other = busy_vm(host, 1, 1200);
	struct nq_plan *plan;

	(void)state;
	added_vm(host, 0, 1500)->pinned = true;
	busy_vm(host, 1, 600);
	plan = support_plan(host, NULL, NULL);
	assert_int_equal(plan->n_actions, 2);
	assert_int_equal(plan->actions[0].reason.rule, NQ_RULE_HOME_SWAP);
	assert_int_equal(plan->actions[1].reason.rule, NQ_RULE_HOME_SWAP);
	assert_int_equal(plan->actions[0].reason.value[0], 1);
	assert_int_equal(plan->actions[0].reason.value[1], 450);
	assert_int_equal(plan->actions[0].reason.value[2], 875);
	assert_int_equal(plan->actions[0].reason.value[4], 25);
	assert_int_equal(plan->actions[0].cost_before_ns + plan->actions[1].cost_before_ns -
				 plan->actions[0].cost_after_ns - plan->actions[1].cost_after_ns,
			 plan->cost_before_ns - plan->cost_after_ns);
	nq_plan_free(plan);
	planned = rebalanced(host, NULL, NULL);
	assert_int_equal(node_of(planned, large), 1);
	assert_int_equal(node_of(planned, other), 0);
	nq_host_free(planned);
}

/* The memory that has to follow must be earned within home_horizon_ms. */
static void h2_memory_must_pay(void **state)
{
	struct nq_policy policy;

	(void)state;
	nq_policy_init(&policy);
	policy.vcpu_wait = 100;
	for (uint32_t dear = 0; dear < 2; dear++) {
		struct nq_host *host = build_host(2, 4);

		for (uint32_t i = 0; i < 2; i++)
			added_vm(host, 0, 1500)->mem[0] = GIB;
		/* It saves L(0.75) - 2 L(0.375) = 1.125 - 2 * 0.1138 packets on 4 CPUs at 1e8 ns each: 358,970,000 ns/s
		 * at least. A GiB costs 1,024 times so much: */
		policy.home_once_ns_per_mib = 300000;
		policy.home_horizon_ms = dear ? 800 : 900;
		host = rebalanced(host, &policy, NULL);
		assert_int_equal(count_on(host, 1), dear ? 0 : 1);
		nq_host_free(host);
	}
}

/* Pinned, the host's own, moved just now: they stay. */
static void h2_who_stays(void **state)
{
	(void)state;
	for (uint32_t why = 0; why < 4; why++) {
		struct nq_host *host = build_host(2, 4);
		struct nq_memory *memory = NULL;

		for (uint32_t i = 0; i < 2; i++) {
			struct nq_vm *vm = added_vm(host, 0, 1500);

			vm->pinned = why == 1;
			vm->kind = why == 2 ? NQ_VM_HOST : NQ_VM_CONTAINER;
		}
		assert_int_equal(nq_memory_new(&memory), 0);
		if (why == 3) {
			struct nq_policy policy;
			struct nq_action actions[2] = { { .kind = NQ_ACTION_HOME, .vm = 0 },
							{ .kind = NQ_ACTION_HOME, .vm = 1 } };
			struct nq_plan plan = { .time_ns = host->time_ns, .actions = actions, .n_actions = 2 };

			nq_policy_init(&policy);
			nq_nodeset_add(&actions[0].home_to, 0);
			nq_nodeset_add(&actions[1].home_to, 0);
			assert_int_equal(nq_memory_learn(memory, &policy, host, &plan, 0), 0);
			assert_int_equal(nq_memory_learn(memory, &policy, host, &plan, 1), 0);
		}
		host = rebalanced(host, NULL, memory);
		assert_int_equal(count_on(host, 0), why ? 2 : 1);
		nq_memory_free(memory);
		nq_host_free(host);
	}
}

/* Memory that cannot follow keeps its vm, and one that was taken from it goes back. */
static void h2_memory_that_cannot_move(void **state)
{
	struct nq_host *host = build_host(2, 4);
	uint32_t lost;

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		struct nq_vm *vm = added_vm(host, 0, 1500);

		vm->mem_fixed = true;
		vm->mem[0] = GIB;
	}
	host = rebalanced(host, NULL, NULL);
	assert_int_equal(count_on(host, 0), 2);
	nq_host_free(host);

	host = build_host(2, 4);
	lost = busy_vm(host, 0, 500);
	host->vms[lost].mem_fixed = true;
	host->vms[lost].mem[0] = MIB;
	host->vms[lost].mem[1] = GIB;
	host = rebalanced(host, NULL, NULL);
	assert_int_equal(node_of(host, lost), 1);
	assert_int_equal(host->vms[lost].mem[0], MIB);
	nq_host_free(host);
}

/* The vm's packets alone never move it; with an imbalance, its memory outweighs them. */
static void h5_never_for_the_nic_alone(void **state)
{
	struct nq_host *host = build_host(2, 4);
	uint32_t pnic = build_pnic(host, 1, NQ_STEER_NONE), vm = busy_vm(host, 0, 500);

	(void)state;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 4);
	build_vnic(host, vm, NQ_NONE, pnic, 400000);
	busy_vm(host, 1, 300);
	host = rebalanced(host, NULL, NULL);
	assert_int_equal(node_of(host, vm), 0);
	nq_host_free(host);
}

/* Its queue is served elsewhere, and could come: the vm does not go to it. */
static void h5_the_queue_comes_to_the_vm(void **state)
{
	struct nq_host *host = build_host(2, 4);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), vm = busy_vm(host, 0, 300), queue;

	(void)state;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	queue = build_queue(host, pnic, NQ_ROLE_ASSIGNED, 4);
	build_queue(host, pnic, NQ_ROLE_FREE, 1);
	build_vnic(host, vm, queue, pnic, 100000);
	busy_vm(host, 0, 200);
	host = rebalanced(host, NULL, NULL);
	assert_int_equal(node_of(host, vm), 0);
	assert_int_equal(nq_host_queue_node(host, host->vnics[0].rx_queue), 0);
	nq_host_free(host);
}

/* Two vms could go: one whose packets are remote and whose memory would have to follow, one without either. */
static void h5_memory_outweighs_packets(void **state)
{
	struct nq_host *host = build_host(2, 4);
	uint32_t pnic = build_pnic(host, 1, NQ_STEER_NONE), cache = busy_vm(host, 0, 1500);
	struct nq_policy policy;

	(void)state;
	nq_policy_init(&policy);
	policy.home_horizon_ms = 10000;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 4);
	build_vnic(host, cache, NQ_NONE, pnic, 100000);
	host->vms[cache].mem[0] = 8 * GIB;
	busy_vm(host, 0, 1500);
	host = rebalanced(host, &policy, NULL);
	assert_int_equal(node_of(host, cache), 0);
	assert_int_equal(count_on(host, 1), 1);
	nq_host_free(host);
}

/* On a contended node the larger claim gets the quieter node; elsewhere shares say nothing. */
static void v8_shares_on_a_contended_node(void **state)
{
	(void)state;
	for (uint32_t larger = 0; larger < 3; larger++) {
		struct nq_host *host = build_host(2, 4);

		for (uint32_t i = 0; i < 3; i++)
			added_vm(host, 0, 1250)->shares = i == larger ? 2000 : 1000;
		host->nodes[0].busy = 3750;
		host->nodes[1].busy = 1300;
		host = rebalanced(host, NULL, NULL);
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(node_of(host, i), i == larger);
		nq_host_free(host);
	}
}

static void v8_shares_do_not_count_with_room(void **state)
{
	(void)state;
	for (uint32_t larger = 0; larger < 2; larger++) {
		struct nq_host *host = build_host(2, 4);

		for (uint32_t i = 0; i < 2; i++)
			added_vm(host, 0, 1500)->shares = i == larger ? 2000 : 1000;
		host = rebalanced(host, NULL, NULL);
		assert_int_equal(node_of(host, 0), 1);
		nq_host_free(host);
	}
}

/* What an idle vm has reserved is not there for others. */
static void v8_reservation_refuses_a_node(void **state)
{
	(void)state;
	for (uint32_t over = 0; over < 2; over++) {
		struct nq_host *host = build_host(2, 4);

		busy_vm(host, 0, 1500);
		busy_vm(host, 0, 1500);
		/* 3,600 of 4 CPUs are to be had. */
		added_vm(host, 1, 0)->reservation = 2100 + over;
		host = rebalanced(host, NULL, NULL);
		assert_int_equal(count_on(host, 0), over ? 2 : 1);
		nq_host_free(host);
	}
}

/* A vm needs no room for what it may not use. */
static void v8_limit_caps_what_is_owed(void **state)
{
	(void)state;
	for (uint32_t limited = 0; limited < 2; limited++) {
		struct nq_host *host = build_host(2, 4);

		busy_vm(host, 0, 1500);
		busy_vm(host, 0, 1500);
		host->vms[0].limit = host->vms[1].limit = limited ? 1400 : NQ_NONE;
		added_vm(host, 1, 0)->reservation = 2200;
		host = rebalanced(host, NULL, NULL);
		assert_int_equal(count_on(host, 0), limited ? 1 : 2);
		nq_host_free(host);
	}
}

/* ESX as written moves a vm whatever its memory costs; nearq asks. */
static void h2_by_load_does_not_ask_what_memory_costs(void **state)
{
	static const char *const presets[] = { "esx-home", "nearq" };

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		struct nq_host *host = build_host(2, 4), *planned;
		struct nq_policy policy;
		struct nq_plan *plan;

		nq_policy_init(&policy);
		assert_int_equal(nq_policy_use(&policy, presets[i]), 0);
		for (uint32_t vm = 0; vm < 2; vm++)
			added_vm(host, 0, 300)->mem[0] = 7 * GIB;
		plan = support_plan(host, &policy, NULL);
		planned = support_planned(host, plan);
		assert_int_equal(plan->n_actions, i == 0);
		assert_int_equal(count_on(planned, 1), i == 0);
		nq_plan_free(plan);
		nq_host_free(planned);
		nq_host_free(host);
	}
}

/* One vm a tick, by what they are owed, one with memory on the destination first. */
static void h2_by_load_as_written(void **state)
{
	struct nq_host *host = build_host(3, 4), *planned;
	struct nq_policy policy;
	struct nq_plan *plan;
	uint32_t best;

	(void)state;
	nq_policy_init(&policy);
	assert_int_equal(nq_policy_use(&policy, "esx-home"), 0);
	busy_vm(host, 0, 1000);
	busy_vm(host, 0, 1000);
	best = busy_vm(host, 0, 0);
	host->vms[best].reservation = 900;
	host->vms[best].mem[2] = MIB;
	added_vm(host, 1, 0)->reservation = 500;
	plan = support_plan(host, &policy, NULL);
	planned = support_planned(host, plan);
	assert_int_equal(plan->n_actions, 1);
	assert_int_equal(plan->actions[0].reason.rule, NQ_RULE_HOME_REBALANCE);
	assert_int_equal(plan->actions[0].reason.value[1], 725);
	assert_int_equal(node_of(planned, best), 2);
	nq_plan_free(plan);
	nq_host_free(planned);
	nq_host_free(host);
}

/* Memory outside the home is brought there when that pays and pages can be moved. */
static void h3_memory_follows(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 6; i++) {
		struct nq_host *host = build_host(2, 4), *planned;
		uint32_t vm = busy_vm(host, 0, i == 1 ? 0 : 500);
		struct nq_plan *plan;

		host->can_migrate = i != 2;
		host->vms[vm].mem_fixed = i == 3;
		host->vms[vm].pinned = i == 4;
		host->nodes[0].mem_free = i == 5 ? GIB - 1 : GIB;
		host->vms[vm].mem[0] = 2 * GIB;
		host->vms[vm].mem[1] = GIB;
		plan = support_plan(host, NULL, NULL);
		assert_int_equal(plan->n_actions, i == 0);
		if (i == 0) {
			assert_int_equal(plan->actions[0].kind, NQ_ACTION_MIGRATE);
			assert_int_equal(plan->actions[0].reason.rule, NQ_RULE_MEMORY_FOLLOWS);
			assert_int_equal(plan->actions[0].reason.value[1], 16000);
			assert_int_equal(plan->actions[0].bytes, GIB);
			assert_int_equal(plan->actions[0].once_ns, 1024 * 300000);
			/* A third of its memory remote: a third of 30 % of half a CPU. */
			assert_int_equal(plan->cost_before_ns - plan->cost_after_ns, plan->actions[0].cost_before_ns);
			assert_in_range(plan->actions[0].cost_before_ns, 49000000, 50000000);
		}
		nq_plan_free(plan);
		planned = rebalanced(host, NULL, NULL);
		assert_int_equal(planned->vms[vm].mem[0], i == 0 ? 3 * GIB : 2 * GIB);
		nq_host_free(planned);
	}
}

/* To the MiB: what copying costs must be saved within home_horizon_ms. */
static void h3_copying_must_pay(void **state)
{
	(void)state;
	for (uint64_t mib = 500; mib <= 501; mib++) {
		struct nq_host *host = build_host(2, 4);
		uint32_t vm = busy_vm(host, 0, 1);
		struct nq_policy policy;

		nq_policy_init(&policy);
		/* All of it remote: 300 us/s of 1 ms/s; 150 ms within 500 s, 500 MiB at 0.3 ms. */
		policy.home_horizon_ms = 500000;
		host->can_migrate = true;
		host->vms[vm].mem[1] = mib * MIB;
		host = rebalanced(host, &policy, NULL);
		assert_int_equal(host->vms[vm].mem[1], mib == 500 ? 0 : mib * MIB);
		nq_host_free(host);
	}
}

/* Most vms get a home and something to do, so that nodes are uneven. */
static void unbalance(struct random *random, struct nq_host *host)
{
	for (uint32_t vm = 0; vm < host->n_vms; vm++) {
		uint32_t node = (uint32_t)random_in(random, 0, host->n_nodes - 1);

		if (!random_chance(random, 70))
			continue;
		host->vms[vm].home = (struct nq_nodeset){ 0 };
		nq_nodeset_add(&host->vms[vm].home, node);
		for (uint32_t i = 0; i < host->n_nodes; i++)
			host->vms[vm].cpus_on[i] = 0;
		host->vms[vm].placed = true;
		host->vms[vm].pinned = random_chance(random, 10);
		host->vms[vm].busy = host->n_cpus ? (uint32_t)random_in(random, 0, 1000) : 0;
	}
	host->can_migrate = random_chance(random, 50);
}

/* Nothing but homes: on any host a plan costs what it says, is no dearer, and leaves nothing to a second one. */
static void h2_random_hosts(void **state)
{
	struct nq_policy policy;
	uint32_t moved = 0, rebalances = 0, swaps = 0;

	(void)state;
	nq_policy_init(&policy);
	policy.assignment = NQ_ASSIGN_NONE;
	policy.spreading = NQ_SPREAD_OFF;
	policy.vrss = NQ_OFF;
	for (uint64_t seed = 0; seed < 1000; seed++) {
		struct random random = { seed };
		struct nq_host *host = random_host(&random, false), *planned = NULL;
		struct nq_plan *plan, *second;

		if (seed % 2)
			unbalance(&random, host);
		plan = support_plan(host, &policy, NULL);
		assert_int_equal(nq_plan_apply(host, &policy, plan, &planned), 0);
		second = support_plan(planned, &policy, NULL);
		if (second->n_actions || nq_host_cost(planned, &policy) != plan->cost_after_ns ||
		    plan->cost_after_ns > plan->cost_before_ns)
			fail_msg("seed %d: %d more, %d against %d", (int)seed, (int)second->n_actions,
				 (int)nq_host_cost(planned, &policy), (int)plan->cost_after_ns);
		moved += plan->n_actions;
		for (uint32_t i = 0; i < plan->n_actions; i++) {
			rebalances += plan->actions[i].reason.rule == NQ_RULE_HOME_REBALANCE;
			swaps += plan->actions[i].reason.rule == NQ_RULE_HOME_SWAP;
		}
		nq_plan_free(second);
		nq_plan_free(plan);
		nq_host_free(planned);
		nq_host_free(host);
	}
	assert_true(moved && rebalances && swaps);
	print_message("# %d homes, %d rebalanced, %d in exchanges\n", (int)moved, (int)rebalances, (int)swaps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(h2_four_vms_two_idle),
		cmocka_unit_test(h2_several_moves),
		cmocka_unit_test(h2_second_best),
		cmocka_unit_test(h2_imbalance_to_act),
		cmocka_unit_test(h2_imbalance_after),
		cmocka_unit_test(h2_lone_vm_stays),
		cmocka_unit_test(h2_prefers_memory_on_the_destination),
		cmocka_unit_test(h2_swap),
		cmocka_unit_test(h2_memory_must_pay),
		cmocka_unit_test(h2_who_stays),
		cmocka_unit_test(h2_memory_that_cannot_move),
		cmocka_unit_test(h5_never_for_the_nic_alone),
		cmocka_unit_test(h5_the_queue_comes_to_the_vm),
		cmocka_unit_test(h5_memory_outweighs_packets),
		cmocka_unit_test(v8_shares_on_a_contended_node),
		cmocka_unit_test(v8_shares_do_not_count_with_room),
		cmocka_unit_test(v8_reservation_refuses_a_node),
		cmocka_unit_test(v8_limit_caps_what_is_owed),
		cmocka_unit_test(h2_by_load_does_not_ask_what_memory_costs),
		cmocka_unit_test(h2_by_load_as_written),
		cmocka_unit_test(h3_memory_follows),
		cmocka_unit_test(h3_copying_must_pay),
		cmocka_unit_test(h2_random_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
