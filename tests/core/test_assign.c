/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* N1, N2, N9: single rules of the assign and default-queue stages, one small host each. */
#include "support.h"

#include <stdlib.h>

#include "build_host.h"

#define KPPS 1000u

static const struct nq_action *find(const struct nq_plan *plan, enum nq_action_kind kind, uint32_t object)
{
	for (uint32_t i = 0; i < plan->n_actions; i++) {
		const struct nq_action *action = &plan->actions[i];

		if (action->kind == kind && (kind == NQ_ACTION_HOME	   ? action->vm
					     : kind == NQ_ACTION_QUEUE_CPU ? action->queue
									   : action->vnic) == object)
			return action;
	}
	return NULL;
}

static enum nq_rule kept_rule(const struct nq_plan *plan, uint32_t vnic)
{
	for (uint32_t i = 0; i < plan->n_kept; i++)
		if (plan->kept[i].vnic == vnic)
			return plan->kept[i].reason.rule;
	return NQ_RULE_COUNT;
}

static struct nq_plan *plan_of(struct nq_host *host)
{
	return support_plan(host, NULL, NULL);
}

/* Only ways count: waiting next to nothing, queues in use nothing. */
static void only_ways(struct nq_policy *ret)
{
	nq_policy_init(ret);
	ret->queue_wait = 1;
	ret->queue_used_ns = 0;
}

static struct nq_plan *plan_by_ways(struct nq_host *host)
{
	struct nq_policy policy;

	only_ways(&policy);
	return support_plan(host, &policy, NULL);
}

static void done(struct nq_host *host, struct nq_plan *plan)
{
	nq_plan_free(plan);
	nq_host_free(host);
}

/* N1 1130: no queue on the vm's node; a free one is brought there, and the vnic steered to it. */
static void n1_free_queue_is_brought(void **state)
{
	struct nq_host *host = build_host(2, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE);
	uint32_t first = build_queue(host, pnic, NQ_ROLE_DEFAULT, 0), spare = build_queue(host, pnic, NQ_ROLE_FREE, 1);
	uint32_t vnic = build_vnic(host, build_vm(host, 1), NQ_NONE, pnic, 100 * KPPS);
	struct nq_plan *plan = plan_of(host);
	const struct nq_action *move = find(plan, NQ_ACTION_QUEUE_CPU, spare),
			       *steer = find(plan, NQ_ACTION_STEER, vnic);

	(void)state;
	assert_non_null(move);
	assert_int_equal(move->reason.rule, NQ_RULE_QUEUE_NEAR_VMS);
	assert_int_equal(move->cpu_from, 1);
	assert_int_equal(host->cpus[move->cpu_to].node, 1);
	assert_non_null(steer);
	assert_int_equal(steer->reason.rule, NQ_RULE_QUEUE_NEW);
	assert_int_equal(steer->rx_to, spare);
	assert_int_equal(steer->tx_to, spare);
	assert_null(find(plan, NQ_ACTION_QUEUE_CPU, first));
	done(host, plan);
}

/* A queue and the vnic it is brought for are one proposal: too dear together, neither is done. */
static void brought_queue_and_vnic_go_together(void **state)
{
	struct nq_host *host = build_host(2, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), vnic;
	struct nq_policy policy;
	struct nq_plan *plan;

	(void)state;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	build_queue(host, pnic, NQ_ROLE_FREE, 1);
	/* 200,000 packets/s that become 100 ns cheaper each: 20 ms/s, 200 ms within the horizon; both CPUs are idle
	 * else. */
	vnic = build_vnic(host, build_vm(host, 1), NQ_NONE, pnic, 100 * KPPS);
	only_ways(&policy);
	policy.steer_once_ns = 20000000;
	policy.queue_cpu_once_ns = 180000000;
	plan = support_plan(host, &policy, NULL);
	assert_int_equal(plan->n_actions, 2);
	nq_plan_free(plan);
	policy.queue_cpu_once_ns++;
	plan = support_plan(host, &policy, NULL);
	assert_int_equal(plan->n_actions, 0);
	assert_int_equal(kept_rule(plan, vnic), NQ_RULE_KEPT_ONE_OFF);
	assert_int_equal(plan->kept[0].reason.value[0], 200000000);
	assert_int_equal(plan->kept[0].reason.value[1], 200000001);
	done(host, plan);
}

/* A host with the vm on node 1, its queue on node 0, and two queues in use on node 1. */
static struct nq_host *two_queues(uint32_t queues[2], uint64_t packets)
{
	struct nq_host *host = build_host(2, 4);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE);

	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	queues[0] = build_queue(host, pnic, NQ_ROLE_ASSIGNED, 4);
	queues[1] = build_queue(host, pnic, NQ_ROLE_ASSIGNED, 5);
	build_vnic(host, build_vm(host, 1), NQ_NONE, pnic, packets);
	return host;
}

/* N1 1140: room is what is left of queue_full of the capacity, to the packet; the vnic brings both directions. */
static void n1_room_to_the_packet(void **state)
{
	(void)state;
	for (uint64_t over = 0; over < 2; over++) {
		uint32_t queues[2];
		struct nq_host *host = two_queues(queues, 25 * KPPS);
		struct nq_plan *plan;

		host->queues[queues[0]].rx.packets = 800 * KPPS + over;
		host->queues[queues[1]].rx.packets = 900 * KPPS;
		plan = plan_by_ways(host);
		assert_int_equal(plan->n_actions, over ? 0 : 1);
		assert_int_equal(kept_rule(plan, 0), over ? NQ_RULE_KEPT_NO_ROOM : NQ_RULE_COUNT);
		if (!over) {
			const struct nq_reason *reason = &plan->actions[0].reason;

			assert_int_equal(reason->rule, NQ_RULE_QUEUE_ON_VM_NODE);
			assert_int_equal(reason->value[0], 1);
			assert_int_equal(reason->value[1], 850 * KPPS);
			assert_int_equal(reason->value[2], 850 * KPPS);
			assert_int_equal(plan->actions[0].rx_to, queues[0]);
		}
		done(host, plan);
	}
}

/* Among queues in use with room the less loaded; one whose thread is busy has no room however few its packets. */
static void less_loaded_queue(void **state)
{
	uint32_t queues[2];
	struct nq_host *host = two_queues(queues, 10 * KPPS);
	struct nq_plan *plan;

	(void)state;
	host->queues[queues[0]].rx.packets = 200 * KPPS;
	host->queues[queues[1]].rx.packets = 100 * KPPS;
	plan = plan_by_ways(host);
	assert_int_equal(find(plan, NQ_ACTION_STEER, 0)->rx_to, queues[1]);
	assert_int_equal(find(plan, NQ_ACTION_STEER, 0)->rejected.target, queues[0]);
	nq_plan_free(plan);

	host->queues[queues[1]].busy = 850;
	plan = plan_by_ways(host);
	assert_int_equal(find(plan, NQ_ACTION_STEER, 0)->rx_to, queues[0]);
	nq_plan_free(plan);
	host->queues[queues[1]].busy = 849;
	plan = plan_by_ways(host);
	assert_int_equal(find(plan, NQ_ACTION_STEER, 0)->rx_to, queues[1]);
	done(host, plan);
}

/* N1 1120: a queue in use before a free one, though that one is idle, until the waiting pays for a further queue. */
static void queue_in_use_first(void **state)
{
	uint32_t queues[2];
	struct nq_host *host = two_queues(queues, 1 * KPPS);
	struct nq_plan *plan;

	(void)state;
	/* 2,000 packets/s more at 20 % wait 67 us/s; a queue in use costs 200. */
	build_vnic(host, build_vm(host, 1), queues[0], 0, 100 * KPPS);
	host->queues[queues[1]].role = NQ_ROLE_FREE;
	plan = plan_of(host);
	assert_int_equal(plan->n_actions, 1);
	assert_int_equal(plan->actions[0].rx_to, queues[0]);
	nq_plan_free(plan);
	/* 20,000 wait 670. The free one is there already: nothing has to be brought. */
	host->vnics[0].rx.packets = host->vnics[0].tx.packets = 10 * KPPS;
	plan = plan_of(host);
	assert_int_equal(plan->n_actions, 1);
	assert_int_equal(plan->actions[0].rx_to, queues[1]);
	assert_int_equal(plan->actions[0].reason.rule, NQ_RULE_QUEUE_NEW);
	done(host, plan);
}

/* A queue of somebody unknown costs its first user as much as a free one: else two such queues would change places. */
static void queue_of_unknowns_is_paid(void **state)
{
	uint32_t queues[2];
	struct nq_host *host = two_queues(queues, 1 * KPPS), *planned;
	struct nq_plan *plan, *second;

	(void)state;
	host->queues[queues[0]].rx.packets = 200 * KPPS;
	plan = plan_of(host);
	/* 2,000 packets/s save 200 us/s of their way, which is what the queue costs. */
	assert_int_equal(plan->n_actions, 0);
	nq_plan_free(plan);
	host->vnics[0].rx.packets = 10 * KPPS;
	plan = plan_of(host);
	assert_int_equal(plan->n_actions, 1);
	assert_int_equal(plan->actions[0].rx_to, queues[1]);
	planned = support_planned(host, plan);
	assert_int_equal(support_cost(planned), plan->cost_after_ns);
	second = support_plan(planned, NULL, NULL);
	assert_int_equal(second->n_actions, 0);
	nq_plan_free(second);
	nq_host_free(planned);
	done(host, plan);
}

/* An idle queue takes any one vnic, however large, and then no other. */
static void idle_queue_takes_one_giant(void **state)
{
	uint32_t queues[2];
	struct nq_host *host = two_queues(queues, 2000 * KPPS), *planned;
	struct nq_plan *plan;

	(void)state;
	build_vnic(host, build_vm(host, 1), NQ_NONE, 0, 1900 * KPPS);
	build_vnic(host, build_vm(host, 1), NQ_NONE, 0, 10 * KPPS);
	plan = plan_of(host);
	planned = support_planned(host, plan);
	/* N2: the largest two have the queues, the third stays where it was. */
	assert_int_not_equal(planned->vnics[0].rx_queue, planned->vnics[1].rx_queue);
	assert_int_equal(planned->vnics[2].rx_queue, NQ_NONE);
	assert_int_equal(kept_rule(plan, 2), NQ_RULE_KEPT_NO_ROOM);
	nq_host_free(planned);
	done(host, plan);
}

/* N2: the matrix is filled from the largest traffic down, whatever the order of MACs. */
static void n2_largest_first(void **state)
{
	uint32_t queues[2];
	struct nq_host *host = two_queues(queues, 10 * KPPS), *planned;
	struct nq_plan *plan;

	(void)state;
	host->queues[queues[1]].rx.packets = 900 * KPPS;
	host->queues[queues[0]].rx.packets = 650 * KPPS;
	build_vnic(host, build_vm(host, 1), NQ_NONE, 0, 95 * KPPS);
	plan = plan_by_ways(host);
	planned = support_planned(host, plan);
	assert_int_equal(planned->vnics[0].rx_queue, NQ_NONE);
	assert_int_equal(planned->vnics[1].rx_queue, queues[0]);
	nq_host_free(planned);
	done(host, plan);
}

/* N2: no queue to be had on the vm's node; the cheapest elsewhere, if it is cheaper than now. */
static void n3_cheapest_elsewhere(void **state)
{
	struct nq_host *host = build_host(3, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), here, far, vnic;
	struct nq_plan *plan;

	(void)state;
	host->distance[0 * 3 + 2] = host->distance[2 * 3 + 0] = 40;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	far = build_queue(host, pnic, NQ_ROLE_ASSIGNED, 4);
	here = build_queue(host, pnic, NQ_ROLE_ASSIGNED, 0);
	host->queues[far].movable = host->queues[here].movable = false; /* else they would follow the vm */
	vnic = build_vnic(host, build_vm(host, 1), far, pnic, 100 * KPPS);
	plan = plan_of(host);
	assert_int_equal(plan->n_actions, 1);
	assert_int_equal(find(plan, NQ_ACTION_STEER, vnic)->rx_to, here);
	assert_int_equal(plan->actions[0].reason.rule, NQ_RULE_QUEUE_CHEAPEST);
	assert_int_equal(plan->actions[0].reason.value[0], 1);
	assert_int_equal(plan->actions[0].reason.value[1], 0);
	assert_int_equal(plan->actions[0].rejected.target, far);
	/* It is still remote, and the plan says so. */
	assert_int_equal(kept_rule(plan, vnic), NQ_RULE_KEPT_BEST);
	done(host, plan);
}

/* The queue that nobody else uses follows its vm; one that is shared or cannot move does not. */
static void own_queue_follows(void **state)
{
	(void)state;
	for (int which = 0; which < 3; which++) {
		struct nq_host *host = build_host(2, 2);
		uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), own;
		struct nq_plan *plan;

		build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
		own = build_queue(host, pnic, NQ_ROLE_ASSIGNED, 1);
		build_vnic(host, build_vm(host, 1), own, pnic, 100 * KPPS);
		if (which == 1)
			build_vnic(host, build_vm(host, 0), own, pnic, 200 * KPPS);
		host->queues[own].movable = which != 2;
		plan = plan_of(host);
		assert_int_equal(plan->n_actions, which ? 0 : 1);
		assert_int_equal(kept_rule(plan, 0), which ? NQ_RULE_KEPT_BEST : NQ_RULE_COUNT);
		if (which == 0) {
			assert_int_equal(find(plan, NQ_ACTION_QUEUE_CPU, own)->reason.rule, NQ_RULE_QUEUE_NEAR_VMS);
			assert_int_equal(plan->actions[0].once_ns, 50000);
		}
		done(host, plan);
	}
}

/* A queue of unknown node, on an offline CPU, of another pnic or of the wrong kind is no candidate. */
static void no_candidates(void **state)
{
	struct nq_host *host = build_host(2, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), other = build_pnic(host, 1, NQ_STEER_NTUPLE);
	struct nq_plan *plan;
	uint32_t vnic;

	(void)state;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	build_queue(host, pnic, NQ_ROLE_ASSIGNED, NQ_NONE);
	build_queue(host, pnic, NQ_ROLE_ASSIGNED, 3);
	build_queue(host, other, NQ_ROLE_ASSIGNED, 2);
	build_soft_queues(host, pnic);
	host->cpus[3].online = false;
	vnic = build_vnic(host, build_vm(host, 1), NQ_NONE, pnic, 100 * KPPS);
	plan = plan_of(host);
	assert_int_equal(plan->n_actions, 0);
	assert_int_equal(kept_rule(plan, vnic), NQ_RULE_KEPT_BEST);
	done(host, plan);
}

/* What cannot or need not be steered says why. */
static void reasons_to_keep(void **state)
{
	struct nq_host *host = build_host(2, 2);
	uint32_t blind = build_pnic(host, 0, NQ_STEER_NONE), pnic = build_pnic(host, 0, NQ_STEER_NTUPLE);
	uint32_t vm = build_vm(host, 1), wide = build_vm(host, NQ_NONE), unsteerable, idle, orphan, pinned;
	struct nq_plan *plan;

	(void)state;
	build_queue(host, blind, NQ_ROLE_DEFAULT, 0);
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 1);
	unsteerable = build_vnic(host, vm, NQ_NONE, blind, 100 * KPPS);
	idle = build_vnic(host, vm, NQ_NONE, pnic, 0);
	orphan = build_vnic(host, vm, NQ_NONE, NQ_NONE, 100 * KPPS);
	host->vnics[orphan].served[0] = 100 * KPPS;
	host->vnics[orphan].served_by = NQ_SERVED_MEASURED;
	host->vms[wide].pinned = true;
	pinned = build_vnic(host, wide, NQ_NONE, pnic, 100 * KPPS);
	plan = plan_of(host);
	assert_int_equal(plan->n_actions, 0);
	assert_int_equal(kept_rule(plan, unsteerable), NQ_RULE_KEPT_NO_STEERING);
	assert_int_equal(kept_rule(plan, idle), NQ_RULE_KEPT_NO_TRAFFIC);
	assert_int_equal(kept_rule(plan, orphan), NQ_RULE_KEPT_NO_UPLINK);
	assert_int_equal(kept_rule(plan, pinned), NQ_RULE_KEPT_PINNED);
	done(host, plan);
}

/* A pnic takes no more steering rules than it has room for; a vnic that has one may change queues. */
static void rules_are_limited(void **state)
{
	uint32_t queues[2];
	struct nq_host *host = two_queues(queues, 10 * KPPS);
	uint32_t other = build_queue(host, 0, NQ_ROLE_ASSIGNED, 1);
	uint32_t steered = build_vnic(host, build_vm(host, 1), other, 0, 5 * KPPS);
	struct nq_plan *plan;

	(void)state;
	host->pnics[0].rules_max = 1;
	host->queues[other].movable = false; /* else it would follow its vm */
	plan = plan_by_ways(host);
	assert_null(find(plan, NQ_ACTION_STEER, 0));
	assert_int_equal(kept_rule(plan, 0), NQ_RULE_KEPT_NO_ROOM);
	assert_non_null(find(plan, NQ_ACTION_STEER, steered));
	nq_plan_free(plan);
	host->pnics[0].rules_max = 2;
	plan = plan_by_ways(host);
	assert_non_null(find(plan, NQ_ACTION_STEER, 0));
	done(host, plan);
}

/* XDP: the soft queue of the least busy CPU of the vm's node, shared by its vms; the second node has its own. */
static void soft_queues(void **state)
{
	struct nq_host *host = build_host(2, 4), *planned;
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_XDP), soft, far[2], near;
	struct nq_plan *plan;

	(void)state;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	soft = build_soft_queues(host, pnic);
	host->cpus[4].busy = host->cpus[5].busy = host->cpus[7].busy = 500;
	far[0] = build_vnic(host, build_vm(host, 1), NQ_NONE, pnic, 100 * KPPS);
	far[1] = build_vnic(host, build_vm(host, 1), NQ_NONE, pnic, 50 * KPPS);
	near = build_vnic(host, build_vm(host, 0), NQ_NONE, pnic, 100 * KPPS);
	plan = plan_of(host);
	planned = support_planned(host, plan);
	assert_int_equal(planned->vnics[far[0]].rx_queue, soft + 6);
	assert_int_equal(planned->vnics[far[1]].rx_queue, soft + 6);
	assert_int_equal(planned->vnics[near].rx_queue, NQ_NONE);
	/* All default queues are equally far for sending; nothing changes there. */
	assert_int_equal(planned->vnics[far[0]].tx_queue, NQ_NONE);
	assert_int_equal(planned->queues[soft + 6].role, NQ_ROLE_ASSIGNED);
	assert_int_equal(planned->vnics[far[0]].served[1], 100 * KPPS);
	nq_host_free(planned);
	done(host, plan);
}

/* Soft queues do not send: a steered vm sends through the default queue that is cheapest from its node. */
static void sending_beside_a_soft_queue(void **state)
{
	struct nq_host *host = build_host(2, 2), *planned;
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_XDP), near;
	struct nq_plan *plan;

	(void)state;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	near = build_queue(host, pnic, NQ_ROLE_DEFAULT, 2);
	host->queues[near].movable = false;
	build_soft_queues(host, pnic);
	build_vnic(host, build_vm(host, 1), NQ_NONE, pnic, 100 * KPPS);
	plan = plan_of(host);
	planned = support_planned(host, plan);
	assert_int_equal(nq_host_queue_node(planned, planned->vnics[0].rx_queue), 1);
	assert_int_equal(planned->vnics[0].tx_queue, near);
	nq_host_free(planned);
	done(host, plan);
}

/* A vnic on default queues is where its packets were seen to be served, not where RSS would spread them. */
static void served_counts(void **state)
{
	struct nq_host *host = build_host(2, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), vnic;
	uint64_t cost_spread;
	struct nq_policy policy;

	(void)state;
	only_ways(&policy);
	policy.queue_wait = 0;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 2);
	vnic = build_vnic(host, build_vm(host, 0), NQ_NONE, pnic, 0);
	host->vnics[vnic].rx.packets = 100 * KPPS;
	cost_spread = nq_host_cost(host, &policy);
	/* Half of it pays DMA and handoff: 4,000 + (100 + 200) / 2. */
	assert_int_equal(cost_spread, 100 * KPPS * 4150);
	host->vnics[vnic].served_by = NQ_SERVED_MEASURED;
	host->vnics[vnic].served[0] = 100 * KPPS;
	assert_int_equal(nq_host_cost(host, &policy), 100 * KPPS * 4000);
	host->vnics[vnic].served[0] = 25 * KPPS;
	host->vnics[vnic].served[1] = 75 * KPPS;
	assert_int_equal(nq_host_cost(host, &policy), 100 * KPPS * 4225);
	host->vnics[vnic].served_by = NQ_SERVED_UNKNOWN;
	assert_int_equal(nq_host_cost(host, &policy), cost_spread);
	/* RSS entries weigh, when there are any. */
	host->queues[0].rss_entries = 30;
	host->queues[1].rss_entries = 10;
	host->pnics[pnic].rss_entries = 40;
	assert_int_equal(nq_host_cost(host, &policy), 100 * KPPS * 4075);
	nq_host_free(host);
}

/* N9: default queues go to the pnic's node and spread over its cores before their second threads. */
static void n9_default_queues_spread(void **state)
{
	struct nq_host *host = build_host(2, 4), *planned;
	uint32_t pnic = build_pnic(host, 1, NQ_STEER_NONE), used[4] = { 0 };
	struct nq_plan *plan;

	(void)state;
	/* CPUs 4 and 5 are threads of one core, 6 and 7 of another. */
	host->cpus[5].core = 4;
	host->cpus[7].core = 6;
	for (uint32_t i = 0; i < 4; i++)
		build_queue(host, pnic, NQ_ROLE_DEFAULT, i);
	build_vnic(host, build_vm(host, 1), NQ_NONE, pnic, 100 * KPPS);
	plan = plan_of(host);
	planned = support_planned(host, plan);
	assert_int_equal(plan->n_actions, 4);
	assert_int_equal(planned->queues[0].cpu, 4);
	assert_int_equal(planned->queues[1].cpu, 6);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(plan->actions[i].reason.rule, NQ_RULE_QUEUE_NEAR_PNIC);
		used[planned->queues[i].cpu - 4]++;
	}
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(used[i], 1);
	nq_host_free(planned);
	done(host, plan);
}

/* Only half of the default queues are remote: only those move. */
static void local_default_queues_stay(void **state)
{
	struct nq_host *host = build_host(2, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NONE), far;
	struct nq_plan *plan;

	(void)state;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	far = build_queue(host, pnic, NQ_ROLE_DEFAULT, 2);
	build_vnic(host, build_vm(host, 0), NQ_NONE, pnic, 100 * KPPS);
	plan = plan_of(host);
	assert_int_equal(plan->n_actions, 1);
	assert_non_null(find(plan, NQ_ACTION_QUEUE_CPU, far));
	/* CPU 0 has a queue already. */
	assert_int_equal(plan->actions[0].cpu_to, 1);
	assert_int_equal(plan->actions[0].reason.value[2], 20);
	done(host, plan);
}

/* A queue that cannot move, or a pnic or queue of unknown place: left alone. */
static void unknown_is_left_alone(void **state)
{
	(void)state;
	for (int which = 0; which < 3; which++) {
		struct nq_host *host = build_host(2, 2);
		uint32_t pnic = build_pnic(host, which == 0 ? NQ_NONE : 0, NQ_STEER_NONE);
		uint32_t queue = build_queue(host, pnic, NQ_ROLE_DEFAULT, which == 1 ? NQ_NONE : 2);
		struct nq_plan *plan;

		host->queues[queue].movable = which != 2;
		build_vnic(host, build_vm(host, 0), NQ_NONE, pnic, 100 * KPPS);
		plan = plan_of(host);
		assert_int_equal(plan->n_actions, 0);
		done(host, plan);
	}
}

/* The pnic's node has no CPU online: the nearest that has. */
static void n9_nearest_node_with_cpus(void **state)
{
	struct nq_host *host = build_host(3, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NONE);
	struct nq_plan *plan;

	(void)state;
	host->cpus[0].online = host->cpus[1].online = false;
	host->distance[0 * 3 + 2] = host->distance[2 * 3 + 0] = 12;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 2);
	build_vnic(host, build_vm(host, 2), NQ_NONE, pnic, 100 * KPPS);
	plan = plan_of(host);
	assert_int_equal(plan->n_actions, 1);
	assert_int_equal(host->cpus[plan->actions[0].cpu_to].node, 2);
	assert_int_equal(plan->actions[0].reason.value[0], 2);
	done(host, plan);
}

/* Without steering and with all vms on the other node the copy weighs more than the DMA: the queue stays by them. */
static void default_queue_stays_by_its_vms(void **state)
{
	struct nq_host *host = build_host(2, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NONE);
	struct nq_plan *plan;

	(void)state;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 2);
	build_vnic(host, build_vm(host, 1), NQ_NONE, pnic, 100 * KPPS);
	plan = plan_of(host);
	assert_int_equal(plan->n_actions, 0);
	done(host, plan);
}

/* Claims 2 and 11: a vm that is found on another node gets a queue of that node; the emptied queue is free again. */
static void follows_a_vm_that_moved(void **state)
{
	uint32_t queues[2];
	struct nq_host *host = two_queues(queues, 10 * KPPS), *planned;
	uint32_t old = build_queue(host, 0, NQ_ROLE_ASSIGNED, 1);
	struct nq_plan *plan;

	(void)state;
	host->vnics[0].rx_queue = host->vnics[0].tx_queue = old;
	host->queues[old].movable = false; /* else it would follow */
	host->queues[old].rx.packets = host->queues[old].tx.packets = 10 * KPPS;
	plan = plan_of(host);
	planned = support_planned(host, plan);
	assert_int_equal(planned->vnics[0].rx_queue, queues[0]);
	assert_int_equal(planned->queues[old].role, NQ_ROLE_FREE);
	assert_int_equal(planned->queues[old].rx.packets, 0);
	assert_int_equal(planned->queues[queues[0]].tx.packets, 10 * KPPS);
	nq_host_free(planned);
	done(host, plan);
}

/* N8, claims 9 and 16: of a vm over two nodes, the queue goes where most of its memory is. */
static void n8_vm_over_two_nodes(void **state)
{
	struct nq_host *host = build_host(3, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE), vm = build_vm(host, 1);
	struct nq_plan *plan;

	(void)state;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	build_queue(host, pnic, NQ_ROLE_ASSIGNED, 2);
	build_queue(host, pnic, NQ_ROLE_ASSIGNED, 4);
	nq_nodeset_add(&host->vms[vm].home, 2);
	host->vms[vm].mem[1] = 1 << 30;
	host->vms[vm].mem[2] = UINT64_C(3) << 30;
	build_vnic(host, vm, NQ_NONE, pnic, 100 * KPPS);
	plan = plan_of(host);
	assert_int_equal(plan->n_actions, 1);
	assert_int_equal(plan->actions[0].rx_to, 2);
	/* The default queue, 200 ns away, would be better than the queue on the other node: 100 + 3/4 of 200. */
	assert_int_equal(plan->actions[0].rejected.target, NQ_NONE);
	assert_int_equal(plan->actions[0].cost_before_ns > plan->actions[0].cost_after_ns, 1);
	done(host, plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(n1_free_queue_is_brought),
		cmocka_unit_test(brought_queue_and_vnic_go_together),
		cmocka_unit_test(n1_room_to_the_packet),
		cmocka_unit_test(less_loaded_queue),
		cmocka_unit_test(queue_in_use_first),
		cmocka_unit_test(queue_of_unknowns_is_paid),
		cmocka_unit_test(idle_queue_takes_one_giant),
		cmocka_unit_test(n2_largest_first),
		cmocka_unit_test(n3_cheapest_elsewhere),
		cmocka_unit_test(own_queue_follows),
		cmocka_unit_test(no_candidates),
		cmocka_unit_test(reasons_to_keep),
		cmocka_unit_test(rules_are_limited),
		cmocka_unit_test(soft_queues),
		cmocka_unit_test(sending_beside_a_soft_queue),
		cmocka_unit_test(served_counts),
		cmocka_unit_test(n9_default_queues_spread),
		cmocka_unit_test(local_default_queues_stay),
		cmocka_unit_test(unknown_is_left_alone),
		cmocka_unit_test(n9_nearest_node_with_cpus),
		cmocka_unit_test(default_queue_stays_by_its_vms),
		cmocka_unit_test(follows_a_vm_that_moved),
		cmocka_unit_test(n8_vm_over_two_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
