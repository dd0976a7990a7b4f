/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nq_plan_apply(): what each action does to the rest of the host, and the cost of single paths. */
#include "support.h"

#include <stdlib.h>

#include "build_host.h"
#include "core/action.h"

#define MIB (UINT64_C(1) << 20)

static struct nq_host *apply(const struct nq_host *host, struct nq_action *actions, uint32_t n)
{
	struct nq_plan plan = { .actions = actions, .n_actions = n };

	return support_planned(host, &plan);
}

static struct nq_host *steer(const struct nq_host *host, uint32_t vnic, uint32_t rx, uint32_t tx)
{
	struct nq_action action = nq_action_init(NQ_ACTION_STEER);

	action.vnic = vnic;
	action.rx_from = host->vnics[vnic].rx_queue;
	action.tx_from = host->vnics[vnic].tx_queue;
	action.rx_to = rx;
	action.tx_to = tx;
	return apply(host, &action, 1);
}

static struct nq_host *move_queue(const struct nq_host *host, uint32_t queue, uint32_t cpu)
{
	struct nq_action action = nq_action_init(NQ_ACTION_QUEUE_CPU);

	action.queue = queue;
	action.cpu_from = host->queues[queue].cpu;
	action.cpu_to = cpu;
	return apply(host, &action, 1);
}

/* A home of two nodes shares what comes from outside; what does not divide goes to the first. */
static void home_over_two_nodes(void **state)
{
	struct nq_host *host = build_host(3, 2), *planned;
	struct nq_action action = nq_action_init(NQ_ACTION_HOME);

	(void)state;
	action.vm = build_vm(host, NQ_NONE);
	host->vms[0].mem[0] = 5;
	host->vms[0].mem[1] = 100;
	nq_nodeset_add(&action.home_to, 1);
	nq_nodeset_add(&action.home_to, 2);
	planned = apply(host, &action, 1);
	assert_true(planned->vms[0].placed);
	assert_int_equal(planned->vms[0].mem[0], 0);
	assert_int_equal(planned->vms[0].mem[1], 103);
	assert_int_equal(planned->vms[0].mem[2], 2);
	assert_int_equal(planned->nodes[2].mem_free, host->nodes[2].mem_free - 2);
	nq_host_free(planned);
	/* Memory that cannot move stays. */
	host->vms[0].mem_fixed = true;
	planned = apply(host, &action, 1);
	assert_int_equal(planned->vms[0].mem[0], 5);
	nq_host_free(planned);
	nq_host_free(host);
}

/* eth0 with two default queues on nodes 0 and 1 by 3 to 1, two more on node 1, and vnics of one vm. */
static struct nq_host *four_queues(enum nq_steering steering)
{
	struct nq_host *host = build_host(2, 4);
	uint32_t pnic = build_pnic(host, 0, steering);

	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 4);
	build_queue(host, pnic, NQ_ROLE_ASSIGNED, 5);
	build_queue(host, pnic, NQ_ROLE_FREE, 6);
	build_vm(host, 0);
	host->queues[0].rss_entries = 96;
	host->queues[1].rss_entries = 32;
	host->pnics[0].rss_entries = 128;
	host->queues[0].rx.packets = 750;
	host->queues[1].rx.packets = 250;
	return host;
}

/* Rates go with the vnic: off the default queues by their shares, and back. */
static void rates_follow(void **state)
{
	struct nq_host *host = four_queues(NQ_STEER_NTUPLE), *there, *back;

	(void)state;
	build_vnic(host, 0, NQ_NONE, 0, 400);
	there = steer(host, 0, 3, 3);
	assert_int_equal(there->queues[0].rx.packets, 450);
	assert_int_equal(there->queues[1].rx.packets, 150);
	assert_int_equal(there->queues[3].rx.packets, 400);
	assert_int_equal(there->queues[3].tx.packets, 400);
	assert_int_equal(there->queues[3].role, NQ_ROLE_ASSIGNED);
	assert_int_equal(there->vnics[0].served_by, NQ_SERVED_ESTIMATED);
	assert_int_equal(there->vnics[0].served[1], 400);
	back = steer(there, 0, NQ_NONE, NQ_NONE);
	assert_int_equal(back->queues[0].rx.packets, 750);
	assert_int_equal(back->queues[3].rx.packets, 0);
	assert_int_equal(back->queues[3].role, NQ_ROLE_FREE);
	/* Where default queues serve it has to be seen anew. */
	assert_int_equal(back->vnics[0].served_by, NQ_SERVED_UNKNOWN);
	assert_int_equal(back->vnics[0].served[0] + back->vnics[0].served[1], 0);
	nq_host_free(back);
	nq_host_free(there);
	nq_host_free(host);
}

/* What a soft queue takes over still enters by the default queues. */
static void soft_queues_are_fed(void **state)
{
	struct nq_host *host = four_queues(NQ_STEER_XDP), *there, *back;
	uint32_t soft = build_soft_queues(host, 0);

	(void)state;
	build_vnic(host, 0, NQ_NONE, 0, 400);
	there = steer(host, 0, soft + 5, NQ_NONE);
	assert_int_equal(there->queues[0].rx.packets, 750);
	assert_int_equal(there->queues[soft + 5].rx.packets, 400);
	assert_int_equal(there->queues[soft + 5].tx.packets, 0);
	back = steer(there, 0, NQ_NONE, NQ_NONE);
	assert_int_equal(back->queues[0].rx.packets, 750);
	assert_int_equal(back->queues[soft + 5].rx.packets, 0);
	nq_host_free(back);
	nq_host_free(there);
	nq_host_free(host);
}

/* A queue that somebody still uses stays assigned, and a default queue a default queue. */
static void roles(void **state)
{
	struct nq_host *host = four_queues(NQ_STEER_NTUPLE), *planned;

	(void)state;
	build_vnic(host, 0, 2, 0, 10);
	build_vnic(host, 0, 2, 0, 10);
	build_vnic(host, 0, 1, 0, 10);
	planned = steer(host, 0, 3, 3);
	assert_int_equal(planned->queues[2].role, NQ_ROLE_ASSIGNED);
	nq_host_free(planned);
	planned = steer(host, 2, 3, 3);
	assert_int_equal(planned->queues[1].role, NQ_ROLE_DEFAULT);
	nq_host_free(planned);
	nq_host_free(host);
}

/* A moved queue takes the work for its packets along and what it serves; a CPU may then be asked for more than it has.
 */
static void moved_queue(void **state)
{
	struct nq_host *host = four_queues(NQ_STEER_NTUPLE), *planned;
	uint32_t own = build_vnic(host, 0, 2, 0, 40000), other = build_vnic(host, 0, NQ_NONE, 0, 100);

	(void)state;
	/* 80,000 packets/s of 1,000,000 are 80 per mille of a CPU, of which 60 were measured. */
	host->cpus[5].busy = 60;
	host->cpus[1].busy = 950;
	host->vnics[other].served_by = NQ_SERVED_MEASURED;
	host->vnics[other].served[0] = 80;
	host->vnics[other].served[1] = 20;
	planned = move_queue(host, 2, 1);
	assert_int_equal(planned->cpus[5].busy, 0);
	assert_int_equal(planned->cpus[1].busy, 1030);
	assert_int_equal(planned->vnics[own].served[0], 40000);
	assert_int_equal(planned->vnics[other].served_by, NQ_SERVED_MEASURED);
	assert_int_equal(planned->vnics[other].served[1], 20);
	nq_host_free(planned);
	/* What else was busy there stays. */
	host->cpus[5].busy = 100;
	planned = move_queue(host, 2, 1);
	assert_int_equal(planned->cpus[5].busy, 20);
	nq_host_free(planned);
	/* A default queue on another node: who is served where has to be seen anew, of those whom it may serve. */
	planned = move_queue(host, 1, 1);
	assert_int_equal(planned->vnics[other].served_by, NQ_SERVED_UNKNOWN);
	assert_int_equal(planned->vnics[other].served[0] + planned->vnics[other].served[1], 0);
	assert_int_equal(planned->queues[1].rx.packets, 250);
	nq_host_free(planned);
	/* On another CPU of its node nothing changes for them. */
	planned = move_queue(host, 1, 7);
	assert_int_equal(planned->vnics[other].served_by, NQ_SERVED_MEASURED);
	assert_int_equal(planned->vnics[other].served[0], 80);
	nq_host_free(planned);
	nq_host_free(host);
}

static uint64_t cost(const struct nq_host *host)
{
	struct nq_policy policy;

	nq_policy_init(&policy);
	policy.packet_ns = 1000;
	policy.dma_remote_ns = 100;
	policy.handoff_remote_ns = 10;
	policy.soft_hop_ns = 1;
	policy.queue_wait = policy.vcpu_wait = policy.queue_used_ns = 0;
	return nq_host_cost(host, &policy);
}

/* The cost of one packet on each kind of path, by the formula of core/cost.h. */
static void paths(void **state)
{
	struct nq_host *host = build_host(3, 2);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_XDP), soft, vnic;

	(void)state;
	host->distance[0 * 3 + 2] = host->distance[2 * 3 + 0] = 30;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	build_queue(host, pnic, NQ_ROLE_ASSIGNED, 2);
	soft = build_soft_queues(host, pnic);
	vnic = build_vnic(host, build_vm(host, 2), NQ_NONE, pnic, 0);
	host->vnics[vnic].rx.packets = 1;
	assert_int_equal(cost(host), 1000 + 20); /* default queue on node 0, vm on node 2, 30 apart */
	host->vnics[vnic].rx_queue = 1;
	assert_int_equal(cost(host), 1000 + 100 + 10);
	host->vnics[vnic].rx_queue = soft + 4;
	assert_int_equal(cost(host), 1000 + 200 + 1);
	/* The default queue away from the pnic: both hops count. */
	host->queues[0].cpu = 2;
	assert_int_equal(cost(host), 1000 + 100 + 100 + 1);
	/* Unknown places cost nothing. */
	host->pnics[pnic].node = NQ_NONE;
	assert_int_equal(cost(host), 1000 + 100 + 1);
	host->queues[0].cpu = NQ_NONE;
	assert_int_equal(cost(host), 1000 + 1);
	host->vnics[vnic].rx_queue = NQ_NONE;
	assert_int_equal(cost(host), 1000);
	/* Sending. */
	host->pnics[pnic].node = 0;
	host->vnics[vnic].rx.packets = 0;
	host->vnics[vnic].tx.packets = 1;
	assert_int_equal(cost(host), 1000 + 20); /* no default queue of known place: the pnic's own node */
	host->vnics[vnic].tx_queue = 1;
	assert_int_equal(cost(host), 1000 + 100 + 10);
	/* A home over nodes 1 and 2: evenly, then by memory, 3 to 1. */
	nq_nodeset_add(&host->vms[0].home, 1);
	assert_int_equal(cost(host), 1000 + 100 + 5);
	host->vms[0].mem[1] = 75 * MIB;
	host->vms[0].mem[2] = 25 * MIB;
	host->vnics[vnic].tx.packets = 100;
	assert_int_equal(cost(host), 110250);
	nq_host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(home_over_two_nodes), cmocka_unit_test(rates_follow),
		cmocka_unit_test(soft_queues_are_fed), cmocka_unit_test(roles),
		cmocka_unit_test(moved_queue),	       cmocka_unit_test(paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
