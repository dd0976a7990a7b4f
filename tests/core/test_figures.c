/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * N10, N1, N2, N9, H1: the figures of 000_35c30de055bde3dd.txt as snapshots, with the plans they must lead to.
 *
 * In all of them queue eth0/1 stands for 531 and eth0/2 for 532, vm521 to vm526 and node 0 (511) and 1 (512) as in
 * the text; eth0/0 is the default queue that section IV.B adds. vm521 to vm523 are on node 0, vm524 to vm526 on 1.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VMS 6

/* Node on which the default queues or its own queue serve the vm. */
static uint32_t served_node(const struct nq_host *host, uint32_t vm)
{
	uint32_t queue = NQ_NONE;

	for (uint32_t i = 0; i < host->n_vnics; i++)
		if (host->vnics[i].vm == vm)
			queue = host->vnics[i].rx_queue;
	for (uint32_t i = 0; i < host->n_queues && queue == NQ_NONE; i++)
		if (host->queues[i].role == NQ_ROLE_DEFAULT)
			queue = i;
	return nq_host_queue_node(host, queue);
}

static void assert_served(const struct nq_host *host, const uint32_t nodes[VMS])
{
	for (uint32_t i = 0; i < VMS; i++) {
		char name[16];
		uint32_t vm;

		snprintf(name, sizeof(name), "vm52%u", i + 1);
		vm = nq_host_vm_by_name(host, name);
		assert_int_not_equal(vm, NQ_NONE);
		if (served_node(host, vm) != nodes[i])
			fail_msg("%s is served on node %u, expected %u", name, served_node(host, vm), nodes[i]);
	}
}

/* Makes the plan, compares it with its golden file, and checks what must hold of every plan. */
static struct nq_host *plan_and_apply(const char *name, uint32_t *ret_actions)
{
	char snapshot[64], golden[64], *text;
	struct nq_host *host, *planned;
	struct nq_plan *plan, *second;

	snprintf(snapshot, sizeof(snapshot), "%s.json", name);
	snprintf(golden, sizeof(golden), "%s.plan.json", name);
	host = support_host(snapshot);
	plan = support_plan(host, NULL, NULL);
	text = support_plan_text(host, plan);
	support_golden(golden, text);
	free(text);

	planned = support_planned(host, plan);
	assert_int_equal(plan->cost_before_ns, support_cost(host));
	assert_int_equal(plan->cost_after_ns, support_cost(planned));
	second = support_plan(planned, NULL, NULL);
	assert_int_equal(second->n_actions, 0);
	nq_plan_free(second);

	*ret_actions = plan->n_actions;
	nq_plan_free(plan);
	nq_host_free(host);
	return planned;
}

static const uint32_t split[VMS] = { 0, 0, 0, 1, 1, 1 };
static const uint32_t together[VMS] = { 0, 0, 0, 0, 0, 0 };

/* Figure 5 in, figure 8 out: 522, 523, 524 and 526 change queues, nothing else moves. */
static void n10_figure_5_becomes_8(void **state)
{
	struct nq_host *eight = support_host("figure-8.json"), *planned;
	uint32_t n_actions;

	(void)state;
	planned = plan_and_apply("figure-5", &n_actions);
	assert_int_equal(n_actions, 4);
	assert_served(planned, split);
	for (uint32_t i = 0; i < eight->n_vnics; i++) {
		assert_int_equal(planned->vnics[i].rx_queue, eight->vnics[i].rx_queue);
		assert_int_equal(planned->vnics[i].tx_queue, eight->vnics[i].tx_queue);
	}
	assert_int_equal(support_cost(planned), support_cost(eight));
	nq_host_free(planned);
	nq_host_free(eight);
}

/* Figure 8 is where it ends. */
static void figure_8_stays(void **state)
{
	uint32_t n_actions;

	(void)state;
	nq_host_free(plan_and_apply("figure-8", &n_actions));
	assert_int_equal(n_actions, 0);
}

/* Figure 7, everything on one node, is where it ends too. */
static void figure_7_stays(void **state)
{
	uint32_t n_actions;

	(void)state;
	nq_host_free(plan_and_apply("figure-7", &n_actions));
	assert_int_equal(n_actions, 0);
}

/* Figure 6: the only queue is on the wrong node; it goes to the pnic's (N9), and three vms stay remote. */
static void n10_figure_6_moves_its_queue(void **state)
{
	struct nq_host *planned;
	uint32_t n_actions;

	(void)state;
	planned = plan_and_apply("figure-6", &n_actions);
	assert_int_equal(n_actions, 1);
	assert_served(planned, together);
	nq_host_free(planned);
}

/*
 * Figure 6 with a free queue beside the other one: figure 8. The free one goes on to the CPU that the default queue has
 * left, which is idle then.
 */
static void figure_6_with_a_free_queue_becomes_8(void **state)
{
	struct nq_host *planned;
	uint32_t n_actions;

	(void)state;
	planned = plan_and_apply("figure-6-free", &n_actions);
	assert_served(planned, split);
	assert_int_equal(n_actions, 5);
	nq_host_free(planned);
}

/* H1: the vms of figure 5 without homes and with little memory end as in figure 7, all beside the pnic. */
static void unplaced_vms_become_7(void **state)
{
	struct nq_host *planned;
	uint32_t n_actions;

	(void)state;
	planned = plan_and_apply("figure-5-unplaced", &n_actions);
	assert_served(planned, together);
	for (uint32_t i = 0; i < planned->n_vms; i++)
		assert_int_equal(nq_nodeset_single(&planned->vms[i].home), 0);
	nq_host_free(planned);
}

/* N10: figure 7 costs less than figure 8, and that less than figure 5; the planned figure 6 lies between the last two.
 */
static void n10_order_of_costs(void **state)
{
	struct nq_host *five = support_host("figure-5.json"), *six = support_host("figure-6.json");
	struct nq_host *seven = support_host("figure-7.json"), *eight = support_host("figure-8.json");

	(void)state;
	assert_true(support_cost(seven) < support_cost(eight));
	assert_true(support_cost(eight) < support_cost(five));
	assert_true(support_cost(eight) < support_cost(six));
	nq_host_free(five);
	nq_host_free(six);
	nq_host_free(seven);
	nq_host_free(eight);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(n10_figure_5_becomes_8),
		cmocka_unit_test(figure_8_stays),
		cmocka_unit_test(figure_7_stays),
		cmocka_unit_test(n10_figure_6_moves_its_queue),
		cmocka_unit_test(figure_6_with_a_free_queue_becomes_8),
		cmocka_unit_test(unplaced_vms_become_7),
		cmocka_unit_test(n10_order_of_costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
