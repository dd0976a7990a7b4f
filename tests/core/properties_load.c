/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a plan may do to the objects, and how full it may make things. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/homes.h"
#include "properties.h"
#include "support.h"

static bool has_cpus(const struct nq_host *host, uint32_t node)
{
	for (uint32_t i = 0; i < host->n_cpus; i++)
		if (host->cpus[i].node == node && host->cpus[i].online)
			return true;
	return false;
}

/* Homes: on nodes with CPUs, of vms that are neither the host nor pinned, and not away from memory that cannot follow.
 */
static bool check_home(struct trial *trial, const struct nq_action *action)
{
	const struct nq_vm *vm = &trial->host->vms[action->vm];
	uint64_t inside = 0, outside = 0;

	if (vm->pinned || vm->kind == NQ_VM_HOST)
		return trial_fail(trial, "%s is not to be moved", vm->name);
	if (!nq_nodeset_equal(&action->home_from, &vm->home))
		return trial_fail(trial, "%s: from is wrong", vm->name);
	for (uint32_t i = 0; i < trial->host->n_nodes; i++) {
		bool in = nq_nodeset_has(&action->home_to, i);

		if (in && !has_cpus(trial->host, i))
			return trial_fail(trial, "%s: at home on a node without CPUs", vm->name);
		inside += in ? vm->mem[i] / trial->host->n_nodes : 0;
		outside += in ? 0 : vm->mem[i] / trial->host->n_nodes;
	}
	if (vm->mem_fixed && outside > inside)
		return trial_fail(trial, "%s leaves memory that cannot follow", vm->name);
	return true;
}

static bool check_migrate(struct trial *trial, const struct nq_action *action)
{
	const struct nq_vm *vm = &trial->host->vms[action->vm];

	return (trial->host->can_migrate && !vm->mem_fixed && !vm->pinned && action->bytes) ||
	       trial_fail(trial, "%s: its memory cannot migrate", vm->name);
}

static bool check_queue_cpu(struct trial *trial, const struct nq_action *action)
{
	const struct nq_queue *queue = &trial->host->queues[action->queue];

	if (!queue->movable || queue->kind != NQ_QUEUE_HARD)
		return trial_fail(trial, "queue %" PRIu32 " cannot move", action->queue);
	if (action->cpu_from != queue->cpu || action->cpu_to == queue->cpu)
		return trial_fail(trial, "queue %" PRIu32 ": from or to is wrong", action->queue);
	return trial->host->cpus[action->cpu_to].online ||
	       trial_fail(trial, "queue %" PRIu32 ": to a CPU that is offline", action->queue);
}

static bool check_queue_set(struct trial *trial, const struct nq_action *action)
{
	const struct nq_queue *queue = &trial->host->queues[action->queue];

	return (action->coalesce_from == queue->coalesce_us && queue->coalesce_us != NQ_NONE &&
		action->coalesce_to != queue->coalesce_us && action->coalesce_to < NQ_POOL_KEEP) ||
	       trial_fail(trial, "queue %" PRIu32 ": coalescing from or to is wrong", action->queue);
}

/* Does the pnic's steering reach the queue? */
static bool is_reached(const struct nq_host *host, uint32_t pnic, uint32_t queue)
{
	const struct nq_queue *to = &host->queues[queue];
	enum nq_steering steering = host->pnics[pnic].steering;

	return steering != NQ_STEER_NONE && to->pnic == pnic && to->role != NQ_ROLE_DEFAULT &&
	       (steering == NQ_STEER_XDP) == (to->kind == NQ_QUEUE_SOFT);
}

static bool was_on(const struct nq_vnic *vnic, uint32_t queue)
{
	bool was = vnic->rx_queue == queue;

	for (uint32_t i = 0; i < vnic->n_spread; i++)
		was = was || vnic->spread[i] == queue;
	return was;
}

/* One queue that receives: reached, served by a CPU that is online, and no lane twice. */
static bool check_lane(struct trial *trial, const struct nq_action *action, uint32_t queue, uint32_t lane)
{
	const struct nq_host *host = trial->host;
	const struct nq_vnic *vnic = &host->vnics[action->vnic];
	uint32_t cpu = trial->planned->queues[queue].cpu;

	for (uint32_t i = 0; i < lane; i++)
		if (queue == (i == 0 ? action->rx_to : action->spread_to[i - 1]))
			return trial_fail(trial, "vnic %" PRIu32 ": a queue twice", action->vnic);
	if (was_on(vnic, queue))
		return true;
	if (!is_reached(host, vnic->pnic, queue))
		return trial_fail(trial, "vnic %" PRIu32 ": steering does not reach it", action->vnic);
	return (cpu != NQ_NONE && host->cpus[cpu].online) || trial->policy.assignment == NQ_ASSIGN_STATIC ||
	       trial_fail(trial, "vnic %" PRIu32 ": to a queue that nobody serves", action->vnic);
}

/* Every vnic on exactly one receive queue, or its lanes on distinct ones, and on one to send. */
static bool check_steer(struct trial *trial, const struct nq_action *action)
{
	const struct nq_host *host = trial->host;
	const struct nq_vnic *vnic = &host->vnics[action->vnic];
	bool hard = host->pnics[vnic->pnic].steering != NQ_STEER_XDP, same_rx = action->rx_to == action->rx_from;

	if (action->rx_from != vnic->rx_queue || action->tx_from != vnic->tx_queue ||
	    action->n_spread_from != vnic->n_spread)
		return trial_fail(trial, "vnic %" PRIu32 ": from is wrong", action->vnic);
	if (action->rx_to == NQ_NONE && action->n_spread_to)
		return trial_fail(trial, "vnic %" PRIu32 ": lanes without a first", action->vnic);
	if (action->n_spread_to > vnic->n_spread && action->n_spread_to >= vnic->virtqueues)
		return trial_fail(trial, "vnic %" PRIu32 ": more lanes than virtqueues", action->vnic);
	if (action->rx_to != NQ_NONE && !check_lane(trial, action, action->rx_to, 0))
		return false;
	for (uint32_t i = 0; i < action->n_spread_to; i++)
		if (!check_lane(trial, action, action->spread_to[i], i + 1))
			return false;
	if (action->tx_to != NQ_NONE && host->queues[action->tx_to].kind != NQ_QUEUE_HARD)
		return trial_fail(trial, "vnic %" PRIu32 ": sends through a soft queue", action->vnic);
	return !hard || same_rx || trial->policy.pairing == NQ_UNPAIRED || action->tx_to == action->rx_to ||
	       trial_fail(trial, "vnic %" PRIu32 ": not a pair", action->vnic);
}

/* No pnic gets more rules and contexts than it takes. */
static bool check_tables(struct trial *trial)
{
	for (uint32_t pnic = 0; pnic < trial->host->n_pnics; pnic++) {
		const struct nq_pnic *self = &trial->host->pnics[pnic];
		uint64_t rules[2] = { 0, 0 }, contexts[2] = { 0, 0 };

		for (int after = 0; after < 2; after++) {
			const struct nq_host *host = after ? trial->planned : trial->host;

			for (uint32_t i = 0; i < host->n_vnics; i++) {
				rules[after] += host->vnics[i].pnic == pnic && host->vnics[i].rx_queue != NQ_NONE;
				contexts[after] += host->vnics[i].pnic == pnic && host->vnics[i].n_spread;
			}
		}
		if (rules[1] > rules[0] && rules[1] > self->rules_max)
			return trial_fail(trial, "pnic %" PRIu32 " has too many rules", pnic);
		if (contexts[1] > contexts[0] && contexts[1] > self->rss_contexts)
			return trial_fail(trial, "pnic %" PRIu32 " has too many contexts", pnic);
	}
	return true;
}

bool holds_rules(struct trial *trial)
{
	static bool (*const checks[NQ_ACTION_KIND_COUNT])(struct trial *, const struct nq_action *) = {
		[NQ_ACTION_HOME] = check_home,		 [NQ_ACTION_MIGRATE] = check_migrate,
		[NQ_ACTION_QUEUE_CPU] = check_queue_cpu, [NQ_ACTION_QUEUE_SET] = check_queue_set,
		[NQ_ACTION_STEER] = check_steer,
	};

	for (uint32_t i = 0; i < trial->plan->n_actions; i++) {
		const struct nq_action *action = &trial->plan->actions[i];

		if (!checks[action->kind](trial, action))
			return false;
		if (i && action->kind < action[-1].kind)
			return trial_fail(trial, "actions out of order");
	}
	return check_tables(trial);
}

static void take_apart(const struct nq_host *host, const struct nq_policy *policy, struct nq_board **ret)
{
	assert_int_equal(nq_board_new(host, policy, ret), 0);
}

/* Loads of a CPU that may be more than queue_full without anybody being wronged. */
struct excuse {
	uint64_t unit;	/* the largest of its units: an idle CPU takes any one */
	uint64_t queue; /* the largest queue that was as full before the plan, wherever: it moved as a whole */
};

static struct excuse excuse_of(const struct nq_board *before, const struct nq_board *after, uint32_t cpu)
{
	struct excuse excuse = { 0, 0 };

	for (uint32_t i = after->cpus[cpu].first_queue; i != NQ_NONE; i = after->queues[i].next_on_cpu) {
		uint64_t now = after->queues[i].load + after->queues[i].through;
		uint64_t then = before->queues[i].load + before->queues[i].through;

		if (now <= then && now > excuse.queue)
			excuse.queue = now;
		for (uint32_t unit = after->queues[i].first_unit; unit != NQ_NONE; unit = after->units[unit].next) {
			const struct nq_unit *self = &after->units[unit];
			uint64_t packets = self->rx + (self->tx_queue == i ? self->tx : 0);

			excuse.unit = packets > excuse.unit ? packets : excuse.unit;
		}
	}
	return excuse;
}

/* A default queue belongs on its pnic's node, whatever passes; the others there make room. */
static bool got_default_queue(const struct nq_board *before, const struct nq_board *after, uint32_t node)
{
	for (uint32_t i = 0; i < after->n_queues; i++)
		if (after->queues[i].is_default && nq_board_queue_node(after, i) == node &&
		    (before->queues[i].cpu != after->queues[i].cpu ||
		     after->queues[i].through > before->queues[i].through))
			return true;
	return false;
}

/* Utilization of the fullest CPU of a node. */
static uint64_t fullest(const struct nq_board *board, uint32_t node)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < board->n_cpus; i++) {
		uint64_t ppm = nq_board_ppm(board, i, board->cpus[i].load);

		if (board->cpus[i].node == node && ppm > most)
			most = ppm;
	}
	return most;
}

static bool check_cpu(struct trial *trial, const struct nq_board *before, const struct nq_board *after, uint32_t cpu)
{
	uint64_t limit = trial->policy.queue_capacity_pps * trial->policy.queue_full / 1000;
	uint64_t load = after->cpus[cpu].load, had = before->cpus[cpu].load;
	struct excuse excuse = excuse_of(before, after, cpu);

	return load <= limit || load <= had || load <= excuse.unit || load <= excuse.queue ||
	       nq_board_ppm(after, cpu, load) <= fullest(before, after->cpus[cpu].node) ||
	       got_default_queue(before, after, after->cpus[cpu].node) ||
	       trial_fail(trial, "cpu %" PRIu32 ": %" PRIu64 " packets/s, had %" PRIu64 ", limit %" PRIu64, cpu, load,
			  had, limit);
}

/*
 * No CPU becomes fuller than it was, than the fullest of its node was, than queue_full of a queue's capacity, or than a
 * single unit or queue makes it (core/market.c, core/spread.c): no node suffers for the average of the host.
 */
bool holds_cpus(struct trial *trial)
{
	struct nq_board *before, *after;
	bool holds = true;

	take_apart(trial->host, &trial->policy, &before);
	take_apart(trial->planned, &trial->policy, &after);
	for (uint32_t i = 0; i < trial->host->n_cpus && holds; i++)
		holds = check_cpu(trial, before, after, i);
	nq_board_free(before);
	nq_board_free(after);
	return holds;
}

static bool check_node(struct trial *trial, const struct nq_homes *before, const struct nq_homes *after, uint32_t node)
{
	uint64_t limit = before->board->nodes[node].cpus * trial->policy.node_full;

	return after->owed[node] <= before->owed[node] || after->owed[node] <= limit ||
	       trial_fail(trial, "node %" PRIu32 ": %" PRIu64 " per mille are owed, had %" PRIu64 ", limit %" PRIu64,
			  node, after->owed[node], before->owed[node], limit);
}

/* No node owes more CPU time than it did, or than node_full of its CPUs (core/homes.h). */
bool holds_nodes(struct trial *trial)
{
	struct nq_draft drafts[2] = { { .memory = NULL } };
	struct nq_homes homes[2];
	bool holds = true;

	for (int i = 0; i < 2; i++) {
		take_apart(i ? trial->planned : trial->host, &trial->policy, &drafts[i].board);
		assert_int_equal(nq_homes_open(&homes[i], &drafts[i]), 0);
	}
	for (uint32_t i = 0; i < trial->host->n_nodes && holds; i++)
		holds = check_node(trial, &homes[0], &homes[1], i);
	for (int i = 0; i < 2; i++) {
		nq_homes_close(&homes[i]);
		nq_board_free(drafts[i].board);
	}
	return holds;
}

/* Queues of a pnic that units of the pool receive through. */
static uint32_t count_queues(const struct nq_board *board, uint32_t pnic, uint32_t pool)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < board->n_queues; i++) {
		bool used = false;

		if (board->queues[i].pnic != pnic || board->queues[i].is_default)
			continue;
		for (uint32_t unit = board->queues[i].first_unit; unit != NQ_NONE; unit = board->units[unit].next)
			used = used || board->units[unit].pool == pool;
		n += used;
	}
	return n;
}

static bool check_maxima(struct trial *trial, const struct nq_board *before, const struct nq_board *after)
{
	for (uint32_t pnic = 0; pnic < after->n_pnics; pnic++)
		for (uint32_t pool = 0; pool < after->n_pools; pool++) {
			uint32_t had = count_queues(before, pnic, pool), has = count_queues(after, pnic, pool);

			if (has > had && has > trial->policy.pools[pool].max)
				return trial_fail(trial,
						  "pool %s of pnic %" PRIu32 ": %" PRIu32 " queues, had %" PRIu32,
						  trial->policy.pools[pool].name, pnic, has, had);
		}
	return true;
}

/* Over exclusive_pps: to be alone on a queue. */
static bool wants_alone(const struct nq_board *board, uint32_t unit)
{
	uint64_t from = board->policy->pools[board->units[unit].pool].exclusive_pps;

	return from && board->units[unit].rx + board->units[unit].tx > from;
}

/*
 * Who came to a queue by this plan finds the features of its pool there. Several pools may have
 * been found on one queue; then one of its own is among them.
 */
static bool check_newcomer(struct trial *trial, const struct nq_board *after, uint32_t unit, uint32_t queue)
{
	const struct nq_unit *self = &after->units[unit];
	uint64_t wanted = trial->policy.pools[self->pool].features;
	bool own = false, other = false;

	if ((trial->host->queues[queue].features & wanted) != wanted)
		return trial_fail(trial, "vnic %" PRIu32 ": queue %" PRIu32 " lacks a feature", self->vnic, queue);
	for (uint32_t i = after->queues[queue].first_unit; i != NQ_NONE; i = after->units[i].next) {
		if (i == unit)
			continue;
		own = own || after->units[i].pool == self->pool;
		other = other || after->units[i].pool != self->pool;
		if (wants_alone(after, i) || wants_alone(after, unit))
			return trial_fail(trial, "queue %" PRIu32 " is not exclusive", queue);
	}
	return own || !other || trial_fail(trial, "queue %" PRIu32 " is of two pools", queue);
}

bool holds_pools(struct trial *trial)
{
	struct nq_board *before, *after;
	bool holds = true;

	if (trial->policy.assignment != NQ_ASSIGN_COST && trial->policy.assignment != NQ_ASSIGN_MATCH)
		return true;
	take_apart(trial->host, &trial->policy, &before);
	take_apart(trial->planned, &trial->policy, &after);
	holds = check_maxima(trial, before, after);
	for (uint32_t i = 0; i < after->n_units && holds; i++) {
		const struct nq_unit *unit = &after->units[i];

		if (unit->active && unit->rx_queue != NQ_NONE &&
		    !was_on(&trial->host->vnics[unit->vnic], unit->rx_queue))
			holds = check_newcomer(trial, after, i, unit->rx_queue);
	}
	nq_board_free(before);
	nq_board_free(after);
	return holds;
}
