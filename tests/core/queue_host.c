/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "queue_host.h"

#include <string.h>

struct outcome plan_with(const struct nq_host *host, const struct nq_policy *policy)
{
	struct outcome outcome = { .plan = support_plan(host, policy, NULL) };
	struct nq_violation violation;
	struct nq_plan *again;

	assert_int_equal(nq_plan_apply(host, policy, outcome.plan, &outcome.planned), 0);
	assert_int_equal(nq_host_check(outcome.planned, &violation), 0);
	again = support_plan(outcome.planned, policy, NULL);
	if (again->n_actions) {
		char *text = support_plan_text(host, outcome.plan), *second = support_plan_text(outcome.planned, again);

		fail_msg("the second plan is not empty\n%s\n%s", text, second);
	}
	assert_true(outcome.plan->cost_after_ns <= outcome.plan->cost_before_ns);
	nq_plan_free(again);
	return outcome;
}

void forget(struct outcome *outcome)
{
	nq_plan_free(outcome->plan);
	nq_host_free(outcome->planned);
}

const struct nq_action *steering_of(const struct nq_plan *plan, uint32_t vnic)
{
	for (uint32_t i = 0; i < plan->n_actions; i++)
		if (plan->actions[i].kind == NQ_ACTION_STEER && plan->actions[i].vnic == vnic)
			return &plan->actions[i];
	return NULL;
}

uint32_t count_kind(const struct nq_plan *plan, enum nq_action_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < plan->n_actions; i++)
		n += plan->actions[i].kind == kind;
	return n;
}

void settle(struct nq_host *host, const struct nq_policy *policy)
{
	for (uint32_t i = 0; i < host->n_vnics; i++) {
		const struct nq_vnic *vnic = &host->vnics[i];

		if (vnic->rx_queue != NQ_NONE)
			host->queues[vnic->rx_queue].rx.packets += vnic->rx.packets;
		if (vnic->tx_queue != NQ_NONE)
			host->queues[vnic->tx_queue].tx.packets += vnic->tx.packets;
	}
	for (uint32_t i = 0; i < host->n_queues; i++)
		host->cpus[host->queues[i].cpu].busy +=
			(uint32_t)((host->queues[i].rx.packets + host->queues[i].tx.packets) * 1000 /
				   policy->queue_capacity_pps);
}

struct nq_host *host_with(uint32_t free)
{
	struct nq_host *host = build_host(2, 8);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE);

	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	for (uint32_t i = 0; i < free; i++)
		build_queue(host, pnic, NQ_ROLE_FREE, (i % 2) * 8 + 1 + i / 2);
	return host;
}

void change_rates(struct nq_host *host, const struct nq_policy *policy, uint64_t packets)
{
	for (uint32_t i = 0; i < host->n_vnics; i++) {
		host->vnics[i].rx.packets = host->vnics[i].tx.packets = packets;
		host->vnics[i].served_by = NQ_SERVED_UNKNOWN;
		memset(host->vnics[i].served, 0, host->n_nodes * sizeof(uint64_t));
	}
	for (uint32_t i = 0; i < host->n_queues; i++)
		host->queues[i].rx.packets = host->queues[i].tx.packets = 0;
	for (uint32_t i = 0; i < host->n_cpus; i++)
		host->cpus[i].busy = 0;
	settle(host, policy);
}
