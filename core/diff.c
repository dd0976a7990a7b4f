/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/action.h"
#include "core/cost.h"

#define MIB_SHIFT 20u

struct nq_plan *nq_plan_free(struct nq_plan *plan)
{
	if (!plan)
		return NULL;
	free(plan->actions);
	free(plan->kept);
	free(plan->clients);
	free(plan);
	return NULL;
}

/* The next action, with the object's note. */
static struct nq_action *add(const struct nq_board *board, struct nq_plan *plan, enum nq_action_kind kind,
			     enum nq_note_kind of, uint32_t object)
{
	struct nq_action *action = &plan->actions[plan->n_actions++];
	const struct nq_note *note = nq_board_note_of(board, of, object);

	*action = nq_action_init(kind);
	if (!note)
		return action;
	action->reason = note->reason;
	action->rejected = note->rejected;
	action->cost_before_ns = note->cost_before_ns;
	action->cost_after_ns = note->cost_after_ns;
	action->once_ns = note->once_ns;
	return action;
}

static uint64_t moved_bytes(const struct nq_board *board, uint32_t vm)
{
	const uint64_t *from = board->host->vms[vm].mem, *to = nq_board_mem_of(board, vm);
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < board->n_nodes; i++)
		bytes = nq_sat_add(bytes, nq_sat_sub(to[i], from[i]));
	return bytes;
}

static bool has_clients(const struct nq_board *board, const uint32_t *cpus_on)
{
	for (uint32_t i = 0; i < board->n_nodes; i++)
		if (cpus_on[i])
			return true;
	return false;
}

static bool home_differs(const struct nq_board *board, uint32_t vm)
{
	const struct nq_vm *self = &board->host->vms[vm];
	const struct nq_board_home *home = &board->homes[board->vms[vm].home];

	return self->placed != home->placed || !nq_nodeset_equal(&self->home, &home->nodes) ||
	       (has_clients(board, home->cpus_on) &&
		memcmp(self->cpus_on, home->cpus_on, board->n_nodes * sizeof(*home->cpus_on)) != 0);
}

static void diff_homes(const struct nq_board *board, struct nq_plan *plan, enum nq_action_kind kind)
{
	uint32_t *next_clients = plan->clients;

	for (uint32_t i = 0; i < board->n_vms; i++) {
		const struct nq_board_home *home = &board->homes[board->vms[i].home];
		struct nq_action *action;

		if (board->vms[i].home == NQ_NONE || home_differs(board, i) != (kind == NQ_ACTION_HOME) ||
		    (kind == NQ_ACTION_MIGRATE && moved_bytes(board, i) == 0))
			continue;
		action = add(board, plan, kind, NQ_NOTE_VM, i);
		action->vm = i;
		action->home_from = board->host->vms[i].home;
		action->home_to = home->nodes;
		action->bytes = moved_bytes(board, i);
		action->bytes_per_s = action->bytes ? board->policy->migrate_mib_per_s << MIB_SHIFT : 0;
		if (kind != NQ_ACTION_HOME || !has_clients(board, home->cpus_on))
			continue;
		action->cpus_on = next_clients;
		memcpy(action->cpus_on, home->cpus_on, board->n_nodes * sizeof(*home->cpus_on));
		next_clients += board->n_nodes;
	}
}

static void diff_queues(const struct nq_board *board, struct nq_plan *plan)
{
	for (uint32_t i = 0; i < board->n_queues; i++) {
		struct nq_action *action;

		if (board->host->queues[i].cpu == board->queues[i].cpu)
			continue;
		action = add(board, plan, NQ_ACTION_QUEUE_CPU, NQ_NOTE_QUEUE, i);
		action->queue = i;
		action->cpu_from = board->host->queues[i].cpu;
		action->cpu_to = board->queues[i].cpu;
	}
}

static void diff_settings(const struct nq_board *board, struct nq_plan *plan)
{
	for (uint32_t i = 0; board->coalesce && i < board->n_queues; i++) {
		uint32_t from = board->host->queues[i].coalesce_us, to = board->coalesce[i];
		struct nq_action *action;

		if (from == to)
			continue;
		action = add(board, plan, NQ_ACTION_QUEUE_SET, NQ_NOTE_QUEUE, i);
		action->reason = (struct nq_reason){ NQ_RULE_POOL_SETTINGS, { to, from } };
		action->rejected = (struct nq_rejected){ NQ_NONE, 0 };
		action->cost_before_ns = action->cost_after_ns = action->once_ns = 0;
		action->queue = i;
		action->coalesce_from = from;
		action->coalesce_to = to;
	}
}

static bool vnic_differs(const struct nq_vnic *vnic, const struct nq_unit *units, uint32_t lanes)
{
	if (vnic->rx_queue != units[0].rx_queue || vnic->tx_queue != units[0].tx_queue || vnic->n_spread + 1 != lanes)
		return true;
	for (uint32_t lane = 1; lane < lanes; lane++)
		if (vnic->spread[lane - 1] != units[lane].rx_queue)
			return true;
	return false;
}

static void diff_vnics(const struct nq_board *board, struct nq_plan *plan)
{
	for (uint32_t i = 0; i < board->host->n_vnics; i++) {
		const struct nq_vnic *vnic = &board->host->vnics[i];
		const struct nq_unit *units = &board->units[board->first_unit[i]];
		uint32_t lanes = nq_board_n_lanes(board, i);
		struct nq_action *action;

		if (lanes == 0 || !vnic_differs(vnic, units, lanes))
			continue;
		action = add(board, plan, NQ_ACTION_STEER, NQ_NOTE_VNIC, i);
		action->vnic = i;
		action->rx_from = vnic->rx_queue;
		action->tx_from = vnic->tx_queue;
		action->rx_to = units[0].rx_queue;
		action->tx_to = units[0].tx_queue;
		action->n_spread_from = vnic->n_spread;
		memcpy(action->spread_from, vnic->spread, sizeof(action->spread_from));
		action->n_spread_to = lanes - 1;
		for (uint32_t lane = 1; lane < lanes; lane++)
			action->spread_to[lane - 1] = units[lane].rx_queue;
	}
}

/* At most so many actions; a host with 100,000 vms has few that move. */
static size_t count_most(const struct nq_board *board)
{
	size_t n = board->n_homes;

	for (uint32_t i = 0; i < board->n_queues; i++)
		n += (board->host->queues[i].cpu != board->queues[i].cpu) +
		     (board->coalesce && board->host->queues[i].coalesce_us != board->coalesce[i]);
	for (uint32_t i = 0; i < board->host->n_vnics; i++) {
		uint32_t lanes = nq_board_n_lanes(board, i);

		n += lanes && vnic_differs(&board->host->vnics[i], &board->units[board->first_unit[i]], lanes);
	}
	return n;
}

int nq_diff(const struct nq_board *board, struct nq_plan **ret)
{
	size_t n = count_most(board);
	struct nq_plan *plan = calloc(1, sizeof(*plan));

	if (!plan)
		return -ENOMEM;
	plan->actions = calloc(n + 1, sizeof(*plan->actions));
	plan->clients = calloc((size_t)board->n_homes * board->n_nodes + 1, sizeof(*plan->clients));
	if (!plan->actions || !plan->clients) {
		nq_plan_free(plan);
		return -ENOMEM;
	}
	plan->time_ns = board->host->time_ns;
	diff_homes(board, plan, NQ_ACTION_HOME);
	diff_homes(board, plan, NQ_ACTION_MIGRATE);
	diff_queues(board, plan);
	diff_settings(board, plan);
	diff_vnics(board, plan);
	*ret = plan;
	return 0;
}

static void steer(struct nq_board *board, const struct nq_action *action)
{
	uint32_t first = board->first_unit[action->vnic], room = board->first_unit[action->vnic + 1] - first;

	if (room == 0)
		return;
	if (nq_board_n_lanes(board, action->vnic) != action->n_spread_to + 1)
		nq_board_lanes(board, action->vnic, action->n_spread_to + 1);
	nq_board_steer(board, first, action->rx_to, action->tx_to);
	for (uint32_t lane = 1; lane <= action->n_spread_to && lane < room; lane++)
		nq_board_steer(board, first + lane, action->spread_to[lane - 1], NQ_NONE);
}

static void set(struct nq_board *board, const struct nq_action *action)
{
	if (nq_board_settings(board))
		board->coalesce[action->queue] = action->coalesce_to;
}

static void carry_out(struct nq_board *board, const struct nq_action *action)
{
	switch (action->kind) {
	case NQ_ACTION_HOME:
		nq_board_home(board, action->vm, &action->home_to, action->cpus_on);
		break;
	case NQ_ACTION_MIGRATE:
		nq_board_gather(board, action->vm);
		break;
	case NQ_ACTION_QUEUE_CPU:
		nq_board_queue_cpu(board, action->queue, action->cpu_to);
		break;
	case NQ_ACTION_QUEUE_SET:
		set(board, action);
		break;
	case NQ_ACTION_STEER:
		steer(board, action);
		break;
	case NQ_ACTION_KIND_COUNT:
		break;
	}
}

static void renote(struct nq_board *board, const struct nq_action *action)
{
	static const enum nq_note_kind kinds[NQ_ACTION_KIND_COUNT] = {
		[NQ_ACTION_HOME] = NQ_NOTE_VM,	       [NQ_ACTION_MIGRATE] = NQ_NOTE_VM,
		[NQ_ACTION_QUEUE_CPU] = NQ_NOTE_QUEUE, [NQ_ACTION_QUEUE_SET] = NQ_NOTE_QUEUE,
		[NQ_ACTION_STEER] = NQ_NOTE_VNIC,
	};
	struct nq_proposal proposal = { action->cost_before_ns, action->cost_after_ns, 0, action->once_ns };

	if (action->kind != NQ_ACTION_QUEUE_SET)
		nq_board_note(board, kinds[action->kind], nq_action_object(action), action->reason, action->rejected,
			      &proposal);
}

void nq_carry_out(struct nq_board *board, const struct nq_plan *plan)
{
	for (uint32_t i = 0; i < plan->n_actions; i++) {
		carry_out(board, &plan->actions[i]);
		renote(board, &plan->actions[i]);
	}
}
