/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * N1 to N10: the 21 claims of 000_35c30de055bde3dd.txt, and its figures 9 and 10, as snapshots with the plans of the
 * policy numa-io; and what the default policy makes of the same hosts.
 *
 * A dependent claim is a step: claim 4 starts where claim 3 ends, with less traffic. Claims 10 to 16 repeat 1 to 6 and
 * 9 for a program and 17 to 21 for a device whose NIC's node counts; their snapshots have more nodes, free queues that
 * have to be brought, pools, or the NIC on the other node.
 *
 * "vm501:2@1" says that vm501 receives and sends through eth0/2, which is served on node 1.
 */
#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t vnic_of(const struct nq_host *host, const char *vm)
{
	uint32_t index = nq_host_vm_by_name(host, vm);

	for (uint32_t i = 0; i < host->n_vnics; i++)
		if (host->vnics[i].vm == index)
			return i;
	fail_msg("%s has no vnic", vm);
	return NQ_NONE;
}

/* Through which channel, on which node; the default queue is 0. */
static void assert_ends(const struct nq_host *host, const char *vm, uint32_t channel, uint32_t node)
{
	const struct nq_vnic *vnic = &host->vnics[vnic_of(host, vm)];
	uint32_t queue = vnic->rx_queue == NQ_NONE ? 0 : vnic->rx_queue;

	if (host->queues[queue].index != channel)
		fail_msg("%s ends on eth0/%" PRIu32 ", expected eth0/%" PRIu32, vm, host->queues[queue].index, channel);
	if (nq_host_queue_node(host, queue) != node)
		fail_msg("%s is served on node %" PRIu32 ", expected %" PRIu32, vm, nq_host_queue_node(host, queue),
			 node);
	assert_int_equal(vnic->tx_queue, vnic->rx_queue);
}

static void assert_all_end(const struct nq_host *host, const char *ends)
{
	char vm[16];
	uint32_t channel, node, n = 0;

	for (int read = 0; sscanf(ends, " %15[^:]:%" SCNu32 "@%" SCNu32 "%n", vm, &channel, &node, &read) == 3;
	     ends += read, n++)
		assert_ends(host, vm, channel, node);
	assert_string_equal(ends, "");
	assert_int_equal(n, host->n_vnics);
}

static void use_policy(struct nq_policy *ret, const char *preset, uint64_t overflow)
{
	nq_policy_init(ret);
	assert_int_equal(nq_policy_use(ret, preset), 0);
	ret->overflow = overflow;
}

/* Plans, compares with the golden file, and sees that a second plan has nothing to do. */
static struct nq_host *plan_as_written(const char *name, uint64_t overflow)
{
	char snapshot[64], golden[64], *text;
	struct nq_policy policy;
	struct nq_host *host, *planned;
	struct nq_plan *plan, *second;

	snprintf(snapshot, sizeof(snapshot), "%s.json", name);
	snprintf(golden, sizeof(golden), "%s.plan.json", name);
	use_policy(&policy, "numa-io", overflow);
	host = support_host(snapshot);
	plan = support_plan(host, &policy, NULL);
	text = support_plan_text(host, plan);
	support_golden(golden, text);
	free(text);
	planned = support_planned(host, plan);
	second = support_plan(planned, &policy, NULL);
	assert_int_equal(second->n_actions, 0);
	nq_plan_free(second);
	nq_plan_free(plan);
	nq_host_free(host);
	return planned;
}

/* Of the default policy. */
static struct nq_host *plan_by_cost(const char *name)
{
	char snapshot[64];
	struct nq_host *host, *planned;
	struct nq_plan *plan;

	snprintf(snapshot, sizeof(snapshot), "%s.json", name);
	host = support_host(snapshot);
	plan = support_plan(host, NULL, NULL);
	planned = support_planned(host, plan);
	nq_plan_free(plan);
	nq_host_free(host);
	return planned;
}

/* Shows the claim; returns what the default policy makes of the same host, which never costs more. */
static struct nq_host *claim(int number, uint64_t overflow, const char *ends)
{
	struct nq_host *planned, *by_cost;
	char name[32];

	snprintf(name, sizeof(name), "claims/claim-%02d", number);
	planned = plan_as_written(name, overflow);
	assert_all_end(planned, ends);
	by_cost = plan_by_cost(name);
	if (support_cost(by_cost) > support_cost(planned))
		fail_msg("by cost: %" PRIu64 " ns/s, as written: %" PRIu64, support_cost(by_cost),
			 support_cost(planned));
	nq_host_free(planned);
	return by_cost;
}

/* What the default policy must reach as well; a default queue may do it. */
static void assert_on_own_node(const struct nq_host *host)
{
	for (uint32_t i = 0; i < host->n_vnics; i++) {
		const struct nq_vm *vm = &host->vms[host->vnics[i].vm];
		uint32_t queue = host->vnics[i].rx_queue;

		if (!nq_nodeset_has(&vm->home, nq_host_queue_node(host, queue == NQ_NONE ? 0 : queue)))
			fail_msg("%s is served on another node", vm->name);
	}
}

static uint64_t load_of(const struct nq_host *host, uint32_t queue)
{
	return host->queues[queue].rx.packets + host->queues[queue].tx.packets;
}

/* Queues in use by vms on the node. */
static uint32_t queues_on(const struct nq_host *host, uint32_t node)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < host->n_queues; i++)
		n += host->queues[i].role == NQ_ROLE_ASSIGNED && nq_host_queue_node(host, i) == node;
	return n;
}

static void assert_below(const struct nq_host *host, uint64_t per_mille)
{
	struct nq_policy policy;

	nq_policy_init(&policy);
	for (uint32_t i = 0; i < host->n_queues; i++)
		if (load_of(host, i) > policy.queue_capacity_pps * per_mille / 1000)
			fail_msg("queue %" PRIu32 " carries %" PRIu64 " packets/s", i, load_of(host, i));
}

#define PER_NODE NQ_OVERFLOW_PER_NODE
#define SINGLE NQ_OVERFLOW_SINGLE

/* A queue on the vm's node, though the one on the NIC's is emptier. */
static void claim_1_matching_node(void **state)
{
	struct nq_host *by_cost = claim(1, PER_NODE, "vm511:1@0 vm512:2@1 vm501:2@1");

	(void)state;
	assert_on_own_node(by_cost);
	nq_host_free(by_cost);
}

/* The vm was moved to node 1; its queue was left behind. */
static void claim_2_vm_moved(void **state)
{
	struct nq_host *by_cost = claim(2, PER_NODE, "vm511:1@0 vm512:2@1 vm501:2@1");

	(void)state;
	assert_on_own_node(by_cost);
	nq_host_free(by_cost);
}

/* The queue of its node would be over the threshold. */
static void claim_3_spills(void **state)
{
	struct nq_host *by_cost = claim(3, PER_NODE, "vm511:1@0 vm512:2@1 vm513:2@1 vm501:1@0");

	(void)state;
	assert_below(by_cost, 850);
	nq_host_free(by_cost);
}

/* Where claim 3 ended, with less traffic on node 1. */
static void claim_4_returns(void **state)
{
	struct nq_host *spilled = plan_as_written("claims/claim-03", PER_NODE),
		       *start = support_host("claims/claim-04.json");
	struct nq_host *by_cost = claim(4, PER_NODE, "vm511:1@0 vm512:2@1 vm513:2@1 vm501:2@1");

	(void)state;
	for (uint32_t i = 0; i < start->n_vnics; i++)
		assert_int_equal(start->vnics[i].rx_queue, spilled->vnics[i].rx_queue);
	assert_on_own_node(by_cost);
	nq_host_free(spilled);
	nq_host_free(start);
	nq_host_free(by_cost);
}

/* Three queues of node 0 become two; node 1's is not among them, quiet as it is. */
static void claim_5_consolidates(void **state)
{
	struct nq_host *by_cost = claim(5, PER_NODE, "vm511:1@0 vm513:2@0 vm514:2@0 vm515:1@0 vm516:1@0 vm521:4@1");

	(void)state;
	assert_on_own_node(by_cost);
	assert_true(queues_on(by_cost, 0) < 3);
	nq_host_free(by_cost);
}

static void claim_6_splits(void **state)
{
	struct nq_host *by_cost = claim(6, PER_NODE, "vm511:1@0 vm512:2@0 vm513:1@0 vm521:3@1");

	(void)state;
	assert_on_own_node(by_cost);
	assert_below(by_cost, 900);
	nq_host_free(by_cost);
}

/* The free queue goes to the node of the vms that are not on the queue's; node 1's own queue is full. */
static void claim_7_splits_to_second_node(void **state)
{
	struct nq_host *by_cost = claim(7, SINGLE, "vm511:1@0 vm512:1@0 vm521:3@1 vm522:3@1 vm523:2@1");

	(void)state;
	assert_on_own_node(by_cost);
	nq_host_free(by_cost);
}

/* 800,000 packets/s are under the threshold, with vm521 they would not be. With half of its traffic they are. */
static void claim_8_predicts(void **state)
{
	struct nq_host *by_cost = claim(8, PER_NODE, "vm511:1@0 vm512:1@0 vm521:2@0"), *host, *planned;
	struct nq_policy policy;
	struct nq_plan *plan;
	uint32_t vnic;

	(void)state;
	assert_below(by_cost, 850);
	nq_host_free(by_cost);
	host = support_host("claims/claim-08.json");
	use_policy(&policy, "numa-io", PER_NODE);
	vnic = vnic_of(host, "vm521");
	host->vnics[vnic].rx.packets /= 2;
	host->vnics[vnic].tx.packets /= 2;
	host->vnics[vnic].served[0] /= 2;
	plan = support_plan(host, &policy, NULL);
	planned = support_planned(host, plan);
	assert_ends(planned, "vm521", 1, 0);
	nq_plan_free(plan);
	nq_host_free(planned);
	nq_host_free(host);
}

/* vCPUs on nodes 1 and 2, most on 2, where there is no queue; the NIC's is emptier. */
static void claim_9_wide_vm(void **state)
{
	struct nq_host *by_cost = claim(9, PER_NODE, "vm511:1@0 vm512:2@1 vm501:2@1");

	(void)state;
	assert_on_own_node(by_cost);
	nq_host_free(by_cost);
}

static void claim_10_matching_nodes(void **state)
{
	struct nq_host *by_cost = claim(10, PER_NODE, "vm511:1@0 vm512:2@1 vm513:3@2 vm514:4@3");

	(void)state;
	assert_on_own_node(by_cost);
	nq_host_free(by_cost);
}

static void claim_11_vms_moved(void **state)
{
	struct nq_host *by_cost = claim(11, PER_NODE, "vm511:1@0 vm512:2@1 vm513:3@2 vm514:4@3 vm501:4@3 vm502:4@3");

	(void)state;
	assert_on_own_node(by_cost);
	nq_host_free(by_cost);
}

/* Node 3's queue and the NIC's are full; of the other two, node 2 is nearer. */
static void claim_12_spills(void **state)
{
	struct nq_host *by_cost = claim(12, PER_NODE, "vm511:1@0 vm512:2@1 vm513:3@2 vm514:4@3 vm501:3@2");

	(void)state;
	assert_below(by_cost, 850);
	nq_host_free(by_cost);
}

static void claim_13_returns(void **state)
{
	struct nq_host *by_cost = claim(13, PER_NODE, "vm511:1@0 vm512:2@1 vm513:3@2 vm514:4@3 vm501:4@3");

	(void)state;
	assert_on_own_node(by_cost);
	nq_host_free(by_cost);
}

/* Two queues of node 1 become one; the third is of another pool. */
static void claim_14_consolidates(void **state)
{
	struct nq_host *by_cost = claim(14, PER_NODE, "vm511:1@0 vm521:2@1 vm522:2@1 vm523:2@1 vm524:2@1 vm525:4@1");

	(void)state;
	assert_on_own_node(by_cost);
	assert_int_equal(queues_on(by_cost, 1), 2);
	nq_host_free(by_cost);
}

/* The free queue has to be brought to the node of the one that is split. */
static void claim_15_splits(void **state)
{
	struct nq_host *by_cost = claim(15, PER_NODE, "vm511:1@0 vm521:2@1 vm522:3@1 vm523:2@1");

	(void)state;
	assert_on_own_node(by_cost);
	assert_below(by_cost, 900);
	nq_host_free(by_cost);
}

/* Both nodes of the vm have a queue; most of its vCPUs are on 2, whose queue is the fuller. */
static void claim_16_wide_vm(void **state)
{
	struct nq_host *by_cost = claim(16, PER_NODE, "vm511:1@0 vm512:2@1 vm513:3@2 vm501:3@2");

	(void)state;
	assert_on_own_node(by_cost);
	nq_host_free(by_cost);
}

/* The host's own interface is on no node; the NIC's queue is the fuller. */
static void claim_17_near_pnic(void **state)
{
	struct nq_host *by_cost = claim(17, PER_NODE, "vm511:1@0 vm512:2@1 vmk0:2@1");
	uint32_t queue = by_cost->vnics[vnic_of(by_cost, "vmk0")].rx_queue;

	(void)state;
	assert_int_equal(nq_host_queue_node(by_cost, queue == NQ_NONE ? 0 : queue), 1);
	nq_host_free(by_cost);
}

/* From the NIC's node to another. */
static void claim_18_vm_moved(void **state)
{
	struct nq_host *by_cost = claim(18, PER_NODE, "vm511:1@0 vm512:2@1 vm501:1@0");

	(void)state;
	assert_on_own_node(by_cost);
	nq_host_free(by_cost);
}

static void claim_19_spills_from_pnic(void **state)
{
	struct nq_host *by_cost = claim(19, PER_NODE, "vm511:1@0 vm512:2@1 vm513:2@1 vmk0:1@0");

	(void)state;
	assert_below(by_cost, 850);
	nq_host_free(by_cost);
}

static void claim_20_consolidates_near_pnic(void **state)
{
	struct nq_host *by_cost = claim(20, PER_NODE, "vm511:1@0 vm512:2@1 vm513:2@1 vm514:2@1 vm515:2@1");

	(void)state;
	assert_on_own_node(by_cost);
	assert_int_equal(queues_on(by_cost, 1), 1);
	nq_host_free(by_cost);
}

static void claim_21_splits_near_pnic(void **state)
{
	struct nq_host *by_cost = claim(21, PER_NODE, "vm511:1@0 vm512:2@1 vm513:3@1 vm514:2@1");

	(void)state;
	assert_on_own_node(by_cost);
	assert_below(by_cost, 900);
	nq_host_free(by_cost);
}

/* N7, N10: 523 and 526 overflow into one queue on node 0, or into one on each node. By cost neither is exceeded. */
static void figures_9_and_10(void **state)
{
	struct nq_host *single = plan_as_written("figure-9", SINGLE),
		       *per_node = plan_as_written("figure-10", PER_NODE);
	struct nq_host *by_cost = plan_by_cost("figure-9");

	(void)state;
	assert_all_end(single, "vm521:1@0 vm522:1@0 vm523:3@0 vm524:2@1 vm525:2@1 vm526:3@0");
	assert_all_end(per_node, "vm521:1@0 vm522:1@0 vm523:3@0 vm524:2@1 vm525:2@1 vm526:4@1");
	assert_true(support_cost(by_cost) <= support_cost(single));
	assert_true(support_cost(by_cost) <= support_cost(per_node));
	nq_host_free(single);
	nq_host_free(per_node);
	nq_host_free(by_cost);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claim_1_matching_node),
		cmocka_unit_test(claim_2_vm_moved),
		cmocka_unit_test(claim_3_spills),
		cmocka_unit_test(claim_4_returns),
		cmocka_unit_test(claim_5_consolidates),
		cmocka_unit_test(claim_6_splits),
		cmocka_unit_test(claim_7_splits_to_second_node),
		cmocka_unit_test(claim_8_predicts),
		cmocka_unit_test(claim_9_wide_vm),
		cmocka_unit_test(claim_10_matching_nodes),
		cmocka_unit_test(claim_11_vms_moved),
		cmocka_unit_test(claim_12_spills),
		cmocka_unit_test(claim_13_returns),
		cmocka_unit_test(claim_14_consolidates),
		cmocka_unit_test(claim_15_splits),
		cmocka_unit_test(claim_16_wide_vm),
		cmocka_unit_test(claim_17_near_pnic),
		cmocka_unit_test(claim_18_vm_moved),
		cmocka_unit_test(claim_19_spills_from_pnic),
		cmocka_unit_test(claim_20_consolidates_near_pnic),
		cmocka_unit_test(claim_21_splits_near_pnic),
		cmocka_unit_test(figures_9_and_10),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
