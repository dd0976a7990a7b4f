/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "closed_loop.h"

#include <stdlib.h>
#include <string.h>

#include "core/action.h"
#include "core/memory.h"
#include "support.h"

#define PER_MILLE 1000u
#define MS_PER_TICK (TICK_NS / 1000000)

void loop_begin(struct loop *loop)
{
	assert_int_equal(nq_memory_new(&loop->memory), 0);
	loop->past = calloc((size_t)loop->lag + 1, sizeof(*loop->past));
	loop->others = calloc((size_t)loop->host->n_cpus + 1, sizeof(*loop->others));
	assert_non_null(loop->past);
	assert_non_null(loop->others);
	for (uint32_t i = 0; i < loop->host->n_cpus; i++)
		loop->others[i] = loop->host->cpus[i].busy;
	loop->host->interval_ns = TICK_NS;
}

void loop_end(struct loop *loop)
{
	for (uint32_t i = 0; i <= loop->lag; i++)
		nq_host_free(loop->past[i]);
	for (size_t i = 0; i < loop->n_moves; i++)
		free(loop->moves[i].key);
	free(loop->past);
	free(loop->others);
	free(loop->moves);
	nq_memory_free(loop->memory);
	nq_host_free(loop->host);
}

/* Entries of the RSS table by which default queues share; 1 each when there are none. */
static uint64_t weight(const struct nq_host *host, uint32_t queue)
{
	const struct nq_queue *self = &host->queues[queue];

	if (self->kind != NQ_QUEUE_HARD || self->role != NQ_ROLE_DEFAULT)
		return 0;
	return host->pnics[self->pnic].rss_entries ? self->rss_entries : 1;
}

static void pass_default(struct nq_host *host, uint32_t pnic, uint64_t rx, uint64_t tx)
{
	uint64_t whole = 0;

	for (uint32_t i = 0; i < host->n_queues; i++)
		whole += host->queues[i].pnic == pnic ? weight(host, i) : 0;
	for (uint32_t i = 0; i < host->n_queues && whole; i++)
		if (host->queues[i].pnic == pnic) {
			host->queues[i].rx.packets += rx * weight(host, i) / whole;
			host->queues[i].tx.packets += tx * weight(host, i) / whole;
		}
}

static void pass_vnic(struct nq_host *host, const struct nq_vnic *vnic)
{
	uint64_t rx = vnic->rx.packets, part = rx / (vnic->n_spread + 1);
	bool soft = vnic->pnic != NQ_NONE && host->pnics[vnic->pnic].steering == NQ_STEER_XDP;

	if (vnic->pnic == NQ_NONE)
		return;
	pass_default(host, vnic->pnic, soft || vnic->rx_queue == NQ_NONE ? rx : 0,
		     vnic->tx_queue == NQ_NONE ? vnic->tx.packets : 0);
	if (vnic->rx_queue != NQ_NONE)
		host->queues[vnic->rx_queue].rx.packets += rx - part * vnic->n_spread;
	for (uint32_t i = 0; i < vnic->n_spread; i++)
		host->queues[vnic->spread[i]].rx.packets += part;
	if (vnic->tx_queue != NQ_NONE)
		host->queues[vnic->tx_queue].tx.packets += vnic->tx.packets;
}

static void measure_nodes(struct nq_host *host)
{
	uint64_t busy[64] = { 0 };
	uint32_t clients[64];

	assert_in_range(host->n_nodes, 1, 64);
	for (uint32_t i = 0; i < host->n_vms; i++) {
		uint64_t whole = 0;

		nq_vm_clients(host, i, clients);
		for (uint32_t node = 0; node < host->n_nodes; node++)
			whole += clients[node];
		for (uint32_t node = 0; node < host->n_nodes && whole; node++)
			busy[node] += (uint64_t)host->vms[i].busy * clients[node] / whole;
	}
	for (uint32_t node = 0; node < host->n_nodes; node++)
		host->nodes[node].busy = (uint32_t)busy[node];
}

/* What a reader of counters would say of the host at this tick. */
static void measure(const struct loop *loop, struct nq_host *host)
{
	uint64_t load[1024] = { 0 };

	assert_in_range(host->n_cpus, 0, 1024);
	loop->load(loop, loop->tick, host);
	for (uint32_t i = 0; i < host->n_queues; i++)
		host->queues[i].rx.packets = host->queues[i].tx.packets = 0;
	for (uint32_t i = 0; i < host->n_vnics; i++) {
		host->vnics[i].served_by = NQ_SERVED_UNKNOWN;
		memset(host->vnics[i].served, 0, host->n_nodes * sizeof(*host->vnics[i].served));
		pass_vnic(host, &host->vnics[i]);
	}
	for (uint32_t i = 0; i < host->n_queues; i++)
		if (host->queues[i].cpu != NQ_NONE)
			load[host->queues[i].cpu] += host->queues[i].rx.packets + host->queues[i].tx.packets;
	for (uint32_t i = 0; i < host->n_cpus; i++) {
		uint64_t busy = loop->others[i] + load[i] * PER_MILLE / loop->policy.queue_capacity_pps;

		host->cpus[i].busy = (uint32_t)(busy < PER_MILLE ? busy : PER_MILLE);
	}
	measure_nodes(host);
}

/* The loads of another time, where things are now. */
static void take_loads(struct nq_host *host, const struct nq_host *past)
{
	for (uint32_t i = 0; i < host->n_vnics; i++) {
		host->vnics[i].rx = past->vnics[i].rx;
		host->vnics[i].tx = past->vnics[i].tx;
	}
	for (uint32_t i = 0; i < host->n_queues; i++) {
		host->queues[i].rx = past->queues[i].rx;
		host->queues[i].tx = past->queues[i].tx;
	}
	for (uint32_t i = 0; i < host->n_cpus; i++)
		host->cpus[i].busy = past->cpus[i].busy;
	for (uint32_t i = 0; i < host->n_vms; i++)
		host->vms[i].busy = past->vms[i].busy;
	for (uint32_t i = 0; i < host->n_nodes; i++)
		host->nodes[i].busy = past->nodes[i].busy;
}

static void observe(struct loop *loop)
{
	struct nq_host **now = &loop->past[loop->tick % (loop->lag + 1)];
	uint64_t late = loop->tick < loop->lag ? 0 : loop->tick - loop->lag;

	loop->host->time_ns = (loop->tick + HOUR_TICKS) * TICK_NS;
	measure(loop, loop->host);
	nq_host_free(*now);
	*now = NULL;
	assert_int_equal(nq_host_copy(loop->host, now), 0);
	take_loads(loop->host, loop->past[late % (loop->lag + 1)]);
}

static void write_down(struct loop *loop, const struct nq_action *action)
{
	char room[NQ_KEY_TEXT];

	if ((loop->n_moves & (loop->n_moves - 1)) == 0) {
		size_t size = loop->n_moves ? 2 * loop->n_moves : 1;

		loop->moves = realloc(loop->moves, size * sizeof(*loop->moves));
		assert_non_null(loop->moves);
	}
	loop->moves[loop->n_moves++] = (struct move){
		action->kind,
		strdup(nq_memory_key(loop->host, action->kind, nq_action_object(action), room)),
		loop->tick,
	};
}

void loop_run(struct loop *loop, uint64_t ticks)
{
	for (uint64_t end = loop->tick + ticks; loop->tick < end; loop->tick++) {
		struct nq_host *next = NULL;
		struct nq_plan *plan;

		observe(loop);
		plan = support_plan(loop->host, &loop->policy, loop->memory);
		for (uint32_t i = 0; i < plan->n_actions; i++) {
			write_down(loop, &plan->actions[i]);
			assert_int_equal(nq_memory_learn(loop->memory, &loop->policy, loop->host, plan, i), 0);
		}
		assert_int_equal(nq_plan_apply(loop->host, &loop->policy, plan, &next), 0);
		nq_plan_free(plan);
		nq_host_free(loop->host);
		loop->host = next;
	}
}

size_t loop_moves(const struct loop *loop, enum nq_action_kind kind, uint64_t from_tick)
{
	size_t n = 0;

	for (size_t i = 0; i < loop->n_moves; i++)
		n += (kind == NQ_ACTION_KIND_COUNT || loop->moves[i].kind == kind) && loop->moves[i].tick >= from_tick;
	return n;
}

size_t loop_worst(const struct loop *loop, uint64_t ticks, const char **ret_key)
{
	size_t worst = 0;

	for (size_t i = 0; i < loop->n_moves; i++) {
		const struct move *first = &loop->moves[i];
		size_t n = 0;

		for (size_t j = i; j < loop->n_moves && loop->moves[j].tick <= first->tick + ticks; j++)
			n += loop->moves[j].kind == first->kind && strcmp(loop->moves[j].key, first->key) == 0;
		if (n > worst && ret_key)
			*ret_key = first->key;
		worst = n > worst ? n : worst;
	}
	return worst;
}

size_t loop_bound(const struct nq_policy *policy, uint64_t ticks)
{
	uint64_t ms = ticks * MS_PER_TICK;
	size_t by_credits = policy->credit_ms ? policy->credits + ms / policy->credit_ms : SIZE_MAX;
	size_t by_dwell = policy->dwell_ms ? 1 + ms / policy->dwell_ms : SIZE_MAX;

	if (policy->guard == NQ_OFF)
		return SIZE_MAX;
	return by_credits < by_dwell ? by_credits : by_dwell;
}
