/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "properties.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/action.h"
#include "core/memory.h"
#include "random_host.h"
#include "shuffle.h"
#include "support.h"

#define NS_PER_MS UINT64_C(1000000)

bool trial_fail(struct trial *trial, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(trial->why, sizeof(trial->why), format, arguments);
	va_end(arguments);
	return false;
}

void trial_plan(struct trial *trial)
{
	struct nq_violation violation;

	if (nq_plan_make(trial->host, &trial->policy, trial->memory, &trial->plan) < 0 ||
	    nq_plan_apply(trial->host, &trial->policy, trial->plan, &trial->planned) < 0)
		return;
	trial->plan_text = support_plan_text(trial->host, trial->plan);
	if (nq_host_check(trial->planned, &violation) == 0)
		return;
	snprintf(trial->why, sizeof(trial->why),
		 "planned host: %s[%" PRIu32 "].%s is %" PRIu64 ", allowed %" PRIu64 " to %" PRIu64, violation.array,
		 violation.index, violation.field, violation.found, violation.low, violation.high);
	trial->planned = nq_host_free(trial->planned);
}

void trial_from_seed(struct trial *ret, uint64_t seed)
{
	struct random random = { seed * UINT64_C(0x9e3779b97f4a7c15) + 1 };

	memset(ret, 0, sizeof(*ret));
	ret->seed = seed;
	ret->huge = random_chance(&random, 4);
	ret->host = random_host(&random, ret->huge);
	random_policy(&random, &ret->policy);
	ret->memory = random_memory(&random, ret->host);
	trial_plan(ret);
}

static struct nq_memory *copy_memory(const struct nq_memory *memory)
{
	struct nq_memory *copy = NULL;

	if (!memory)
		return NULL;
	assert_int_equal(nq_memory_new(&copy), 0);
	copy->next_node = memory->next_node;
	copy->n_entries = memory->n_entries;
	copy->entries = memory->n_entries ? calloc(memory->n_entries, sizeof(*copy->entries)) : NULL;
	for (uint32_t i = 0; i < memory->n_entries; i++) {
		copy->entries[i] = memory->entries[i];
		copy->entries[i].key = strdup(memory->entries[i].key);
	}
	return copy;
}

void trial_copy(const struct trial *trial, struct trial *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->seed = trial->seed;
	ret->huge = trial->huge;
	ret->policy = trial->policy;
	ret->memory = copy_memory(trial->memory);
	assert_int_equal(nq_host_copy(trial->host, &ret->host), 0);
}

void trial_clear(struct trial *trial)
{
	nq_host_free(trial->host);
	nq_host_free(trial->planned);
	nq_memory_free(trial->memory);
	nq_plan_free(trial->plan);
	free(trial->plan_text);
}

bool is_guarded(const struct trial *trial)
{
	return trial->planned && trial->policy.guard == NQ_ON;
}

bool is_by_cost(const struct trial *trial)
{
	const struct nq_policy *policy = &trial->policy;

	return is_guarded(trial) && policy->rebalance != NQ_REBALANCE_LOAD &&
	       policy->placement != NQ_PLACE_PROPORTIONAL &&
	       (policy->assignment == NQ_ASSIGN_COST || policy->assignment == NQ_ASSIGN_NONE) &&
	       policy->spreading != NQ_SPREAD_THRESHOLD;
}

/* A policy that goes by turns or thresholds never asks whether a move pays, and is believed (core/plan.c). */
static bool settles(const struct trial *trial)
{
	return is_guarded(trial) && trial->policy.assignment != NQ_ASSIGN_STATIC &&
	       trial->policy.spreading != NQ_SPREAD_THRESHOLD;
}

static bool is_exact_and_settles(const struct trial *trial)
{
	return settles(trial) && !trial->huge;
}

static bool is_exact_and_by_cost(const struct trial *trial)
{
	return is_by_cost(trial) && !trial->huge;
}

static bool has_plan(const struct trial *trial)
{
	return trial->planned;
}

/* There is a plan, and the host that it leads to is a valid one. */
static bool holds_valid(struct trial *trial)
{
	return trial->planned || (*trial->why ? false : trial_fail(trial, "no plan"));
}

/*
 * What is seen of where the default queues serve a vnic is lost when it leaves them; a pool of higher priority may then
 * take its queue, for want of knowing that the way back is long. That is the one thing that a second plan may do.
 */
static bool forgets(const struct trial *trial, const struct nq_plan *second)
{
	bool sends_back = false;

	for (uint32_t i = 0; i < second->n_actions; i++) {
		const struct nq_action *action = &second->actions[i];
		const struct nq_vnic *vnic = &trial->host->vnics[action->kind == NQ_ACTION_STEER ? action->vnic : 0];

		sends_back = sends_back || (action->kind == NQ_ACTION_STEER && action->rx_to == NQ_NONE &&
					    action->reason.rule == NQ_RULE_QUEUE_PREEMPTED &&
					    vnic->rx_queue == NQ_NONE && vnic->served_by != NQ_SERVED_UNKNOWN);
	}
	return sends_back;
}

/* A second run on the planned host moves nothing. */
static bool holds_stable(struct trial *trial)
{
	struct nq_plan *second = support_plan(trial->planned, &trial->policy, trial->memory);
	bool empty = second->n_actions == 0 || forgets(trial, second);

	if (!empty) {
		char *text = support_plan_text(trial->planned, second);

		trial_fail(trial, "the second plan is not empty: %s", text);
		free(text);
	}
	nq_plan_free(second);
	return empty;
}

/* The plan says what the host costs, as it stands and as planned. */
static bool holds_cost(struct trial *trial)
{
	const struct nq_plan *plan = trial->plan;
	uint64_t before = nq_host_cost(trial->host, &trial->policy);
	uint64_t after = nq_host_cost(trial->planned, &trial->policy);

	if (plan->cost_before_ns != before)
		return trial_fail(trial, "cost before is %" PRIu64 " and not %" PRIu64, before, plan->cost_before_ns);
	if (plan->cost_after_ns != after)
		return trial_fail(trial, "cost after is %" PRIu64 " and not %" PRIu64, after, plan->cost_after_ns);
	return true;
}

static bool is_exact(const struct trial *trial)
{
	return trial->planned && !trial->huge;
}

static bool holds_no_dearer(struct trial *trial)
{
	return trial->plan->cost_after_ns <= trial->plan->cost_before_ns ||
	       trial_fail(trial, "costs %" PRIu64 ", doing nothing %" PRIu64, trial->plan->cost_after_ns,
			  trial->plan->cost_before_ns);
}

static bool is_same(struct trial *trial, const struct nq_host *host, const char *what)
{
	struct nq_plan *plan = support_plan(host, &trial->policy, trial->memory);
	char *text = support_plan_text(host, plan);
	bool same = strcmp(text, trial->plan_text) == 0;

	if (!same)
		trial_fail(trial, "another plan %s: %s", what, text);
	free(text);
	nq_plan_free(plan);
	return same;
}

static bool holds_same_bytes(struct trial *trial)
{
	return is_same(trial, trial->host, "the second time");
}

/* The order of the input's arrays does not matter. */
static bool holds_order(struct trial *trial)
{
	struct random random = { trial->seed + 12345 };
	struct nq_host *host = shuffled(trial->host, &random);
	bool same = is_same(trial, host, "for another order");

	nq_host_free(host);
	return same;
}

static bool plan_round_trips(struct trial *trial)
{
	FILE *file = fmemopen(trial->plan_text, strlen(trial->plan_text), "r");
	struct nq_fault fault = { "", "" };
	struct nq_plan *read = NULL;
	bool same = nq_plan_read(file, "plan", trial->host, &read, &fault) == 0;
	char *text = same ? support_plan_text(trial->host, read) : NULL;

	fclose(file);
	if (!same)
		trial_fail(trial, "%s: %s", fault.where, fault.what);
	else if (strcmp(text, trial->plan_text) != 0)
		same = trial_fail(trial, "reads as another plan: %s", text);
	free(text);
	nq_plan_free(read);
	return same;
}

/* Reading what was written gives the same value: of the plan, and of the host, which is then planned alike. */
static bool holds_round_trip(struct trial *trial)
{
	char *text = support_snapshot_text(trial->host);
	struct nq_fault fault = { "", "" };
	struct nq_host *host = NULL;
	bool same = support_host_from_text(text, strlen(text), &host, &fault) == 0;

	if (!same)
		trial_fail(trial, "%s: %s", fault.where, fault.what);
	free(text);
	same = same && is_same(trial, host, "from the written snapshot") && plan_round_trips(trial);
	nq_host_free(host);
	return same;
}

/*
 * An object that moved within the dwell time, or has no credit left, stays. The first queue of a vnic under static VMQ
 * is no move: there is nothing to go back to.
 */
static bool holds_guard(struct trial *trial)
{
	for (uint32_t i = 0; i < trial->plan->n_actions; i++) {
		const struct nq_action *action = &trial->plan->actions[i];
		char room[NQ_KEY_TEXT];
		const char *key = nq_memory_key(trial->host, action->kind, nq_action_object(action), room);
		const struct nq_memory_entry *entry = nq_memory_find(trial->memory, action->kind, key);
		uint64_t wait_ms;

		if (!entry || entry->moved_ns > trial->host->time_ns || action->reason.rule == NQ_RULE_STATIC)
			continue;
		if ((trial->host->time_ns - entry->moved_ns) / NS_PER_MS < trial->policy.dwell_ms)
			return trial_fail(trial, "%s %s although it dwells", nq_action_name(action->kind), key);
		if (!nq_memory_allows(&trial->policy, entry, trial->host->time_ns, &wait_ms))
			return trial_fail(trial, "%s %s without a credit", nq_action_name(action->kind), key);
	}
	return true;
}

const struct property properties[] = {
	{ "valid", NULL, holds_valid },
	{ "stable", is_exact_and_settles, holds_stable },
	{ "cost", is_exact, holds_cost },
	{ "no_dearer", settles, holds_no_dearer },
	{ "same_bytes", has_plan, holds_same_bytes },
	{ "order", has_plan, holds_order },
	{ "round_trip", has_plan, holds_round_trip },
	{ "guard", is_guarded, holds_guard },
	{ "rules", has_plan, holds_rules },
	{ "cpus", is_exact_and_by_cost, holds_cpus },
	{ "nodes", is_exact_and_by_cost, holds_nodes },
	{ "pools", is_guarded, holds_pools },
};
const size_t properties_count = sizeof(properties) / sizeof(properties[0]);
