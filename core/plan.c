/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The planner's flow.
 *
 *     take the host apart                                                        core/board.c
 *     rounds: home, rebalance, migrate -> default queues -> pools -> lanes -> follow -> split -> assign ->
 *             follow most -> spread, each move past the guard, until a round moves nothing
 *     compare with doing nothing
 *     the difference between the host and the board is the plan                  core/diff.c
 *
 * Why rounds. A stage decides with what is known at its turn; after the others it may decide otherwise. So the stages
 * run again on what came out, until they want nothing more. What they decide depends on the board, the policy and the
 * memory alone; a plan made for the planned host starts from that very board and is therefore empty. It also follows
 * that an object that moved twice is one action, and one that returned is none.
 *
 * Why it ends. Every move by cost makes the host cheaper, in whole nanoseconds. A few rules may cost something: a
 * first home, a default queue on the pnic's node, mice that return to it; none of them undoes itself. When the whole
 * has become dearer nevertheless, it is tried again with those rules held still; and so on from there, since with the
 * rest done they may have become worth it. ROUNDS and TRIES are far beyond what was ever seen and only guard against a
 * mistake in that reasoning.
 *
 * A policy without guard (static VMQ, Dynamic VMQ, …) gets one round and is believed: its weaknesses are its own. So
 * is one that goes by turns or thresholds and has the guard for its credits only (virtual RSS): it never asks whether a
 * move pays. The thresholds of core/match.c are believed too, but settle, and get their rounds.
 *
 * Lost: repairing one plan until it fits the guard. It needs the same loop, and a second notion of dependency.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "core/action.h"
#include "core/canon.h"
#include "core/cost.h"
#include "core/diff.h"

#define ROUNDS 32
#define TRIES 8
#define N_STAGES 11

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

static void drop_board(struct nq_board **board)
{
	nq_board_free(*board);
}

#define own_plan __attribute__((cleanup(drop_plan)))
#define own_host __attribute__((cleanup(drop_host)))
#define own_canon __attribute__((cleanup(drop_canon)))
#define own_board __attribute__((cleanup(drop_board)))

static int do_nothing(struct nq_draft *draft)
{
	(void)draft;
	return 0;
}

static nq_stage assignment_of(const struct nq_policy *policy)
{
	static const nq_stage stages[NQ_ASSIGN_COUNT] = {
		[NQ_ASSIGN_COST] = nq_stage_assign,
		[NQ_ASSIGN_MATCH] = nq_stage_match,
		[NQ_ASSIGN_STATIC] = nq_stage_static,
		[NQ_ASSIGN_NONE] = do_nothing,
	};

	return stages[policy->assignment];
}

static nq_stage spreading_of(const struct nq_policy *policy)
{
	static const nq_stage stages[NQ_SPREAD_COUNT] = {
		[NQ_SPREAD_COST] = nq_stage_spread,
		[NQ_SPREAD_THRESHOLD] = nq_stage_threshold,
		[NQ_SPREAD_OFF] = do_nothing,
	};

	return stages[policy->spreading];
}

/*
 * One pass of the stages over the board, which they change. A stage that had nothing more to do after so many moves, as
 * settled[] says, has nothing to do as long as there are no others; assign goes on until it has nothing to do.
 */
static int run_stages(struct nq_draft *draft, uint64_t settled[N_STAGES])
{
	const struct nq_policy *policy = draft->board->policy;
	bool by_cost = policy->assignment == NQ_ASSIGN_COST, managed = by_cost || policy->assignment == NQ_ASSIGN_MATCH;
	const nq_stage stages[] = {
		policy->placement == NQ_PLACE_NONE ? do_nothing : nq_stage_home,
		policy->rebalance == NQ_REBALANCE_OFF ? do_nothing : nq_stage_rebalance,
		nq_stage_migrate,
		managed ? nq_stage_default_queues : do_nothing,
		managed ? nq_stage_pools : do_nothing,
		policy->vrss == NQ_ON && policy->assignment != NQ_ASSIGN_NONE ? nq_stage_lanes : do_nothing,
		by_cost ? nq_stage_follow : do_nothing,
		by_cost ? nq_stage_split : do_nothing,
		assignment_of(policy),
		by_cost ? nq_stage_follow_most : do_nothing,
		spreading_of(policy),
	};
	int result = 0;

	static_assert(sizeof(stages) / sizeof(stages[0]) == N_STAGES, "settled has room for all of them");
	for (size_t i = 0; i < N_STAGES && result == 0; i++) {
		uint64_t before = draft->moves;

		if (settled[i] == before)
			continue;
		result = stages[i](draft);
		if (draft->moves == before || stages[i] == nq_stage_assign)
			settled[i] = draft->moves;
	}
	return draft->board->failed ? -ENOMEM : result;
}

static bool is_believed(const struct nq_policy *policy)
{
	return policy->guard == NQ_OFF || policy->assignment == NQ_ASSIGN_STATIC ||
	       policy->spreading == NQ_SPREAD_THRESHOLD;
}

/* Matching by thresholds settles, believed or not; it alternates with load, not with itself. */
static bool has_rounds(const struct nq_policy *policy)
{
	return !is_believed(policy) || (policy->assignment == NQ_ASSIGN_MATCH && policy->spreading == NQ_SPREAD_OFF &&
					policy->rebalance != NQ_REBALANCE_LOAD);
}

/* Rounds until one moves nothing. */
static int run_rounds(struct nq_draft *draft)
{
	int rounds = has_rounds(draft->board->policy) ? ROUNDS : 1;
	uint64_t settled[N_STAGES];

	for (size_t i = 0; i < N_STAGES; i++)
		settled[i] = UINT64_MAX;
	for (int i = 0; i < rounds; i++) {
		uint64_t before = draft->moves;
		int result = run_stages(draft, settled);

		if (result < 0)
			return result;
		if (draft->moves == before)
			break;
	}
	return 0;
}

struct making {
	const struct nq_host *host; /* in canonical order */
	const struct nq_policy *policy;
	const struct nq_memory *memory;
	struct nq_board *board; /* what is accepted so far */
	struct nq_plan *plan;	/* the same as a plan */
	uint64_t cost_before, cost_ns;
};

/* Does the plan do something that the cost does not measure: a first home, a setting? */
static bool does_more(const struct nq_plan *plan)
{
	for (uint32_t i = 0; i < plan->n_actions; i++)
		if (plan->actions[i].kind == NQ_ACTION_HOME || plan->actions[i].kind == NQ_ACTION_QUEUE_SET)
			return true;
	return false;
}

/* Back to what is accepted. */
static int start_over(struct making *making)
{
	nq_board_free(making->board);
	making->board = NULL;
	if (nq_board_new(making->host, making->policy, &making->board) < 0)
		return -ENOMEM;
	nq_carry_out(making->board, making->plan);
	nq_board_refresh(making->board);
	return making->board->failed ? -ENOMEM : 0;
}

/* 1: something moved and was accepted, 0: nothing moved, -EAGAIN: it was not accepted, or -ENOMEM. */
static int try(struct making *making, bool by_cost_only)
{
	struct nq_draft draft = { making->board, making->memory, by_cost_only, 0 };
	own_plan struct nq_plan *plan = NULL;
	struct nq_plan *former = making->plan;
	uint64_t cost;
	int result = run_rounds(&draft);

	if (result < 0 || draft.moves == 0)
		return result;
	result = nq_diff(making->board, &plan);
	if (result < 0)
		return result;
	cost = nq_board_cost(making->board);
	if (!is_believed(making->policy) && (cost > making->cost_ns || (cost == making->cost_ns && !does_more(plan)))) {
		result = start_over(making);
		return result < 0 ? result : -EAGAIN;
	}
	making->cost_ns = cost;
	making->plan = plan;
	plan = former;
	return !is_believed(making->policy);
}

/* A try that was accepted with all its rules ended in a round that moved nothing: there is nothing more to try. */
static int improve(struct making *making)
{
	int result = -EAGAIN;

	for (int i = 0; i < TRIES && result == -EAGAIN; i++) {
		result = try(making, false);
		if (result != -EAGAIN)
			break;
		result = try(making, true);
		if (result > 0)
			result = -EAGAIN;
		else if (result == -EAGAIN)
			break;
	}
	return result == -EAGAIN || result > 0 ? 0 : result;
}

/* Of a vnic without pnic, which has no units, only what was seen tells. */
static bool is_seen_remote(const struct nq_board *board, uint32_t vnic)
{
	const struct nq_vnic *self = &board->host->vnics[vnic];
	const struct nq_nodeset *home = nq_board_home_of(board, self->vm);

	for (uint32_t i = 0; i < board->n_nodes; i++)
		if (self->served_by != NQ_SERVED_UNKNOWN && self->served[i] && !nq_nodeset_has(home, i))
			return true;
	return false;
}

/* Is part of what the vnic receives served away from its vm? */
static bool is_remote(const struct nq_board *board, uint32_t vnic)
{
	if (board->host->vnics[vnic].pnic == NQ_NONE)
		return is_seen_remote(board, vnic);
	for (uint32_t i = board->first_unit[vnic]; i < board->first_unit[vnic + 1]; i++) {
		const struct nq_unit *unit = &board->units[i];
		uint32_t node = nq_board_queue_node(board, unit->rx_queue);

		if (!unit->active)
			continue;
		if (unit->rx_queue == NQ_NONE ? nq_board_default_remote(board, i)
					      : node != NQ_NONE && board->vms[unit->vm].deliver[node] > 0)
			return true;
	}
	return false;
}

static int list_kept(struct making *making)
{
	struct nq_draft draft = { making->board, making->memory, false, 0 };
	uint32_t n = 0;

	for (uint32_t i = 0; i < making->host->n_vnics; i++)
		n += is_remote(making->board, i);
	making->plan->kept = calloc((size_t)n + 1, sizeof(*making->plan->kept));
	if (!making->plan->kept)
		return -ENOMEM;
	return nq_why_all(&draft, is_remote, making->plan);
}

/* From the canonical order back to the caller's. */
static void translate(const struct nq_canon *canon, struct nq_action *action)
{
	uint32_t *const queues[] = { &action->queue, &action->rx_from, &action->rx_to, &action->tx_from,
				     &action->tx_to };

	action->vm = nq_canon_original(canon, NQ_ARRAY_VMS, action->vm);
	action->vnic = nq_canon_original(canon, NQ_ARRAY_VNICS, action->vnic);
	for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
		*queues[i] = nq_canon_original(canon, NQ_ARRAY_QUEUES, *queues[i]);
	for (uint32_t i = 0; i < action->n_spread_from; i++)
		action->spread_from[i] = nq_canon_original(canon, NQ_ARRAY_QUEUES, action->spread_from[i]);
	for (uint32_t i = 0; i < action->n_spread_to; i++)
		action->spread_to[i] = nq_canon_original(canon, NQ_ARRAY_QUEUES, action->spread_to[i]);
	action->home_from = nq_canon_original_set(canon, &action->home_from);
	action->home_to = nq_canon_original_set(canon, &action->home_to);
	action->cpu_from = nq_canon_original(canon, NQ_ARRAY_CPUS, action->cpu_from);
	action->cpu_to = nq_canon_original(canon, NQ_ARRAY_CPUS, action->cpu_to);
	action->rejected.target = nq_canon_original(canon, nq_action_targets(action->kind), action->rejected.target);
}

static int translate_clients(const struct nq_canon *canon, struct nq_plan *plan)
{
	uint32_t n = canon->host->n_nodes;
	uint32_t *row = calloc(n, sizeof(*row));

	if (!row)
		return -ENOMEM;
	for (uint32_t i = 0; i < plan->n_actions; i++) {
		uint32_t *cpus_on = plan->actions[i].cpus_on;

		for (uint32_t node = 0; cpus_on && node < n; node++)
			row[nq_canon_original(canon, NQ_ARRAY_NODES, node)] = cpus_on[node];
		for (uint32_t node = 0; cpus_on && node < n; node++)
			cpus_on[node] = row[node];
	}
	free(row);
	return 0;
}

static int finish(struct making *making, const struct nq_canon *canon)
{
	struct nq_plan *plan = making->plan;
	int result = list_kept(making);

	if (result < 0)
		return result;
	plan->cost_before_ns = making->cost_before;
	plan->cost_after_ns = making->cost_ns;
	for (uint32_t i = 0; i < plan->n_actions; i++)
		translate(canon, &plan->actions[i]);
	for (uint32_t i = 0; i < plan->n_kept; i++)
		plan->kept[i].vnic = nq_canon_original(canon, NQ_ARRAY_VNICS, plan->kept[i].vnic);
	return translate_clients(canon, plan);
}

static int make(const struct nq_canon *canon, const struct nq_policy *policy, const struct nq_memory *memory,
		struct nq_plan **ret)
{
	struct making making = { .host = canon->host, .policy = policy, .memory = memory };
	int result = nq_board_new(canon->host, policy, &making.board);

	if (result == 0) {
		making.cost_before = making.cost_ns = nq_board_cost(making.board);
		result = nq_diff(making.board, &making.plan);
	}
	if (result == 0)
		result = improve(&making);
	if (result == 0)
		result = finish(&making, canon);
	if (result == 0) {
		*ret = making.plan;
		making.plan = NULL;
	}
	nq_plan_free(making.plan);
	nq_board_free(making.board);
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

int nq_plan_apply(const struct nq_host *host, const struct nq_policy *policy, const struct nq_plan *plan,
		  struct nq_host **ret)
{
	own_host struct nq_host *copy = NULL;
	own_board struct nq_board *board = NULL;
	int result = nq_host_copy(host, &copy);

	if (result == 0)
		result = nq_board_new(host, policy, &board);
	if (result < 0)
		return result;
	nq_carry_out(board, plan);
	result = nq_board_write(board, copy);
	if (result < 0)
		return result;
	*ret = copy;
	copy = NULL;
	return 0;
}

uint64_t nq_host_cost(const struct nq_host *host, const struct nq_policy *policy)
{
	own_board struct nq_board *board = NULL;

	return nq_board_new(host, policy, &board) < 0 ? NQ_MAX_VALUE : nq_board_cost(board);
}
