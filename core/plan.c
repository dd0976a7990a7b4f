/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The planner's flow.
 *
 *     copy the host in canonical order
 *     rounds: home -> default queues -> assign, each proposal past the guard -> compare with doing nothing
 *     the difference between the host as it was and as it ended is the plan
 *
 * Why rounds. A stage decides with what is known at its turn; after the others it may decide otherwise: default
 * queues pay on the pnic's node only once their vms have been steered away, a free queue appears when its last vnic
 * leaves. So the stages run again on what came out, until they want nothing more. The host that a round starts
 * from is always nq_plan_apply(original, plan so far), and the last round found nothing to do there; a plan made
 * for the planned host starts with that very round and is therefore empty. It also follows that an object that
 * moved twice is one action, and one that returned is none.
 *
 * Why it ends. Each round but the last makes the host cheaper, in whole nanoseconds, or places a vm that was not
 * placed; a round that does neither is not taken (first without its homes, then not at all). ROUNDS is far beyond
 * what was ever seen (4, on 8,000 random hosts) and only guards against a mistake in that reasoning.
 *
 * Lost: repairing one plan until it fits the guard. It needs the same loop, and a second notion of dependency.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/action.h"
#include "core/canon.h"
#include "core/cost.h"
#include "core/draft.h"
#include "core/whatif.h"

#define ROUNDS 32

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

static void drop_plan(struct nq_plan **plan)
{
	nq_plan_free(*plan);
}

static void drop_host(struct nq_host **host)
{
	nq_host_free(*host);
}

static void drop_canon(struct nq_canon **canon)
{
	nq_canon_free(*canon);
}

#define own_plan __attribute__((cleanup(drop_plan)))
#define own_host __attribute__((cleanup(drop_host)))
#define own_canon __attribute__((cleanup(drop_canon)))

/* Notes of all objects: vms, queues, vnics, one after the other. */
static size_t count_notes(const struct nq_host *host)
{
	return (size_t)host->n_vms + host->n_queues + host->n_vnics;
}

static void copy_notes(const struct nq_host *host, struct nq_note *to, const struct nq_note *from)
{
	memcpy(to, from, count_notes(host) * sizeof(*to));
}

static struct nq_action note_action(enum nq_action_kind kind, const struct nq_note *note)
{
	struct nq_action action = nq_action_init(kind);

	action.reason = note->reason;
	action.rejected = note->rejected;
	action.cost_before_ns = note->cost_before_ns;
	action.cost_after_ns = note->cost_after_ns;
	action.once_ns = note->once_ns;
	return action;
}

static void diff_homes(const struct nq_host *from, const struct nq_host *to, const struct nq_note *notes,
		       struct nq_plan *plan)
{
	for (uint32_t i = 0; i < from->n_vms; i++) {
		const struct nq_vm *a = &from->vms[i], *b = &to->vms[i];
		struct nq_action *action = &plan->actions[plan->n_actions];

		if (a->placed == b->placed && nq_nodeset_equal(&a->home, &b->home))
			continue;
		*action = note_action(NQ_ACTION_HOME, &notes[i]);
		action->vm = i;
		action->home_from = a->home;
		action->home_to = b->home;
		plan->n_actions++;
	}
}

static void diff_queues(const struct nq_host *from, const struct nq_host *to, const struct nq_note *notes,
			struct nq_plan *plan)
{
	for (uint32_t i = 0; i < from->n_queues; i++) {
		struct nq_action *action = &plan->actions[plan->n_actions];

		if (from->queues[i].cpu == to->queues[i].cpu)
			continue;
		*action = note_action(NQ_ACTION_QUEUE_CPU, &notes[i]);
		action->queue = i;
		action->cpu_from = from->queues[i].cpu;
		action->cpu_to = to->queues[i].cpu;
		plan->n_actions++;
	}
}

static void diff_vnics(const struct nq_host *from, const struct nq_host *to, const struct nq_note *notes,
		       struct nq_plan *plan)
{
	for (uint32_t i = 0; i < from->n_vnics; i++) {
		const struct nq_vnic *a = &from->vnics[i], *b = &to->vnics[i];
		struct nq_action *action = &plan->actions[plan->n_actions];

		if (a->rx_queue == b->rx_queue && a->tx_queue == b->tx_queue)
			continue;
		*action = note_action(NQ_ACTION_STEER, &notes[i]);
		action->vnic = i;
		action->rx_from = a->rx_queue;
		action->rx_to = b->rx_queue;
		action->tx_from = a->tx_queue;
		action->tx_to = b->tx_queue;
		plan->n_actions++;
	}
}

/* What leads from one host to the other, in the order in which it is to be done: homes, then queues, then steering. */
static int diff(const struct nq_host *from, const struct nq_host *to, const struct nq_note *notes, struct nq_plan **ret)
{
	size_t n = count_notes(from);
	own_plan struct nq_plan *plan = calloc(1, sizeof(*plan));

	if (!plan)
		return -ENOMEM;
	plan->actions = calloc(n + 1, sizeof(*plan->actions));
	plan->kept = calloc((size_t)from->n_vnics + 1, sizeof(*plan->kept));
	if (!plan->actions || !plan->kept)
		return -ENOMEM;
	plan->time_ns = from->time_ns;
	diff_homes(from, to, notes, plan);
	diff_queues(from, to, notes + from->n_vms, plan);
	diff_vnics(from, to, notes + from->n_vms + from->n_queues, plan);
	*ret = plan;
	plan = NULL;
	return 0;
}

static void carry_out(struct nq_host *host, const struct nq_action *action)
{
	switch (action->kind) {
	case NQ_ACTION_HOME:
		nq_whatif_home(host, action->vm, &action->home_to);
		break;
	case NQ_ACTION_MIGRATE:
	case NQ_ACTION_QUEUE_SET:
		break;
	case NQ_ACTION_QUEUE_CPU:
		nq_whatif_queue_cpu(host, action->queue, action->cpu_to);
		break;
	case NQ_ACTION_STEER:
		nq_whatif_steer(host, action->vnic, action->rx_to, action->tx_to);
		break;
	case NQ_ACTION_KIND_COUNT:
		break;
	}
}

static void mark(bool *marks, uint32_t queue)
{
	if (queue != NQ_NONE)
		marks[queue] = true;
}

/* A queue that the plan emptied is free again. */
static int free_emptied(struct nq_host *host, const struct nq_plan *plan)
{
	bool *left = calloc((size_t)host->n_queues * 2 + 1, sizeof(*left));
	bool *used = left + host->n_queues;

	if (!left)
		return -ENOMEM;
	for (uint32_t i = 0; i < plan->n_actions; i++)
		if (plan->actions[i].kind == NQ_ACTION_STEER) {
			mark(left, plan->actions[i].rx_from);
			mark(left, plan->actions[i].tx_from);
		}
	for (uint32_t i = 0; i < host->n_vnics; i++) {
		mark(used, host->vnics[i].rx_queue);
		mark(used, host->vnics[i].tx_queue);
	}
	for (uint32_t i = 0; i < host->n_queues; i++)
		if (left[i] && !used[i] && host->queues[i].role == NQ_ROLE_ASSIGNED)
			host->queues[i].role = NQ_ROLE_FREE;
	free(left);
	return 0;
}

int nq_plan_apply(const struct nq_host *host, const struct nq_policy *policy, const struct nq_plan *plan,
		  struct nq_host **ret)
{
	own_host struct nq_host *copy = NULL;
	int result = nq_host_copy(host, &copy);

	(void)policy; /* until the stages know pools */
	if (result < 0)
		return result;
	for (uint32_t i = 0; i < plan->n_actions; i++)
		carry_out(copy, &plan->actions[i]);
	result = free_emptied(copy, plan);
	if (result < 0)
		return result;
	*ret = copy;
	copy = NULL;
	return 0;
}

/* One pass of the stages over the draft's host, which they change. */
static int run_stages(struct nq_draft *draft)
{
	int result = 0;

	for (size_t i = 0; i < count_notes(draft->host); i++)
		draft->homes[i].has_kept = false;
	if (!draft->keep_homes)
		result = nq_stage_home(draft);
	if (result == 0)
		result = nq_stage_default_queues(draft);
	return result < 0 ? result : nq_stage_assign(draft);
}

struct rounds {
	const struct nq_host *original; /* in canonical order */
	struct nq_host *base;		/* nq_plan_apply(original, plan) */
	struct nq_plan *plan;		/* so far */
	struct nq_note *notes, *attempt;
	const struct nq_policy *policy;
	const struct nq_memory *memory;
};

/* Takes the stages' changes for the new base. 1 when there were any, 0 when not or not accepted, or -ENOMEM. */
static int accept(struct rounds *rounds, const struct nq_host *changed)
{
	own_host struct nq_host *next = NULL;
	own_plan struct nq_plan *plan = NULL, *step = NULL;
	struct nq_plan *former = rounds->plan;
	struct nq_host *former_base = rounds->base;

	if (diff(rounds->base, changed, rounds->attempt, &step) < 0 ||
	    diff(rounds->original, changed, rounds->attempt, &plan) < 0 ||
	    nq_plan_apply(rounds->original, rounds->policy, plan, &next) < 0)
		return -ENOMEM;
	if (step->n_actions == 0 || !nq_guard_accepts_round(rounds->policy, rounds->base, next))
		return step->n_actions ? -EAGAIN : 0;
	rounds->plan = plan;
	rounds->base = next;
	plan = former;
	next = former_base;
	copy_notes(rounds->original, rounds->notes, rounds->attempt);
	return 1;
}

static int try_round(struct rounds *rounds, bool keep_homes)
{
	own_host struct nq_host *work = NULL;
	struct nq_draft draft = {
		.policy = rounds->policy,
		.memory = rounds->memory,
		.homes = rounds->attempt,
		.queues = rounds->attempt + rounds->original->n_vms,
		.vnics = rounds->attempt + rounds->original->n_vms + rounds->original->n_queues,
		.keep_homes = keep_homes,
	};
	int result = nq_host_copy(rounds->base, &work);

	if (result < 0)
		return result;
	copy_notes(rounds->original, rounds->attempt, rounds->notes);
	draft.host = work;
	result = run_stages(&draft);
	return result < 0 ? result : accept(rounds, work);
}

/* Rounds until one wants nothing. Its reasons to keep things are in `attempt`. */
static int run_rounds(struct rounds *rounds)
{
	int result = 1;

	for (int i = 0; i < ROUNDS && result > 0; i++) {
		result = try_round(rounds, false);
		if (result == -EAGAIN)
			result = try_round(rounds, true);
	}
	return result == -EAGAIN || result > 0 ? 0 : result;
}

/* Why the vnic's traffic stays remote: its own reason, or that of its vm. */
static struct nq_reason why_remote(const struct rounds *rounds, uint32_t vnic)
{
	const struct nq_host *host = rounds->base;
	uint32_t vm = host->vnics[vnic].vm;
	const struct nq_note *own = &rounds->attempt[(size_t)host->n_vms + host->n_queues + vnic];
	const struct nq_note *home = &rounds->attempt[vm];
	bool several = nq_nodeset_count(&host->vms[vm].home) > 1;

	if (several && host->vms[vm].pinned)
		return (struct nq_reason){ .rule = NQ_RULE_KEPT_PINNED };
	if (several && home->has_kept)
		return home->kept;
	return own->has_kept ? own->kept : (struct nq_reason){ .rule = NQ_RULE_KEPT_BEST };
}

static void list_kept(const struct rounds *rounds)
{
	const struct nq_host *host = rounds->base;

	for (uint32_t i = 0; i < host->n_vnics; i++)
		if (nq_cost_rx_handoff(host, rounds->policy, i))
			rounds->plan->kept[rounds->plan->n_kept++] = (struct nq_kept){ i, why_remote(rounds, i) };
}

/* From the canonical order back to the caller's. */
static void translate(const struct nq_canon *canon, struct nq_plan *plan)
{
	for (uint32_t i = 0; i < plan->n_actions; i++) {
		struct nq_action *action = &plan->actions[i];

		action->vm = nq_canon_original(canon, NQ_ARRAY_VMS, action->vm);
		action->vnic = nq_canon_original(canon, NQ_ARRAY_VNICS, action->vnic);
		action->queue = nq_canon_original(canon, NQ_ARRAY_QUEUES, action->queue);
		action->home_from = nq_canon_original_set(canon, &action->home_from);
		action->home_to = nq_canon_original_set(canon, &action->home_to);
		action->cpu_from = nq_canon_original(canon, NQ_ARRAY_CPUS, action->cpu_from);
		action->cpu_to = nq_canon_original(canon, NQ_ARRAY_CPUS, action->cpu_to);
		action->rx_from = nq_canon_original(canon, NQ_ARRAY_QUEUES, action->rx_from);
		action->rx_to = nq_canon_original(canon, NQ_ARRAY_QUEUES, action->rx_to);
		action->tx_from = nq_canon_original(canon, NQ_ARRAY_QUEUES, action->tx_from);
		action->tx_to = nq_canon_original(canon, NQ_ARRAY_QUEUES, action->tx_to);
		action->rejected.target =
			nq_canon_original(canon, nq_action_targets(action->kind), action->rejected.target);
	}
	for (uint32_t i = 0; i < plan->n_kept; i++)
		plan->kept[i].vnic = nq_canon_original(canon, NQ_ARRAY_VNICS, plan->kept[i].vnic);
}

/* An empty plan to start from, on a base of its own. */
static int begin(struct rounds *rounds)
{
	size_t n = count_notes(rounds->original) + 1;
	int result;

	rounds->notes = calloc(n, sizeof(*rounds->notes));
	rounds->attempt = calloc(n, sizeof(*rounds->attempt));
	if (!rounds->notes || !rounds->attempt)
		return -ENOMEM;
	result = diff(rounds->original, rounds->original, rounds->notes, &rounds->plan);
	return result < 0 ? result : nq_host_copy(rounds->original, &rounds->base);
}

static int make(const struct nq_canon *canon, const struct nq_policy *policy, const struct nq_memory *memory,
		struct nq_plan **ret)
{
	struct rounds rounds = { .original = canon->host, .policy = policy, .memory = memory };
	int result = begin(&rounds);

	if (result == 0)
		result = run_rounds(&rounds);
	if (result == 0) {
		list_kept(&rounds);
		rounds.plan->cost_before_ns = nq_host_cost(rounds.original, policy);
		rounds.plan->cost_after_ns = nq_host_cost(rounds.base, policy);
		translate(canon, rounds.plan);
		*ret = rounds.plan;
		rounds.plan = NULL;
	}
	nq_plan_free(rounds.plan);
	nq_host_free(rounds.base);
	free(rounds.notes);
	free(rounds.attempt);
	return result;
}

int nq_plan_make(const struct nq_host *host, const struct nq_policy *policy, const struct nq_memory *memory,
		 struct nq_plan **ret)
{
	own_canon struct nq_canon *canon = NULL;
	const struct nq_policy_setting *bad_setting;
	const struct nq_pool *bad_pool;
	struct nq_violation violation;
	int result = nq_policy_check(policy, &bad_setting, &bad_pool);

	if (result == 0)
		result = nq_host_check(host, &violation);
	if (result == 0)
		result = nq_canon_new(host, &canon);
	return result < 0 ? result : make(canon, policy, memory, ret);
}
