/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What must hold of every plan on every host (properties.h), tried on random hosts under random policies.
 *
 * NEARQ_SEED and NEARQ_HOSTS choose other hosts. A failure prints the seed of the host that showed it and writes the
 * smallest case that shows it too, as a snapshot and the policy's settings.
 */
#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "properties.h"
#include "random_host.h"
#include "shrink.h"

#define HOSTS 3000

/* What the hosts showed of each property. */
static struct outcome {
	uint64_t tried, failed, first_seed;
} outcomes[32];

/* How often each rule occurred in a plan. */
static uint64_t seen[NQ_RULE_COUNT];

static void count_rules(const struct nq_plan *plan)
{
	for (uint32_t i = 0; plan && i < plan->n_actions; i++)
		seen[plan->actions[i].reason.rule]++;
	for (uint32_t i = 0; plan && i < plan->n_kept; i++)
		seen[plan->kept[i].reason.rule]++;
}

static void try_host(uint64_t seed)
{
	struct trial trial;

	trial_from_seed(&trial, seed);
	count_rules(trial.plan);
	for (size_t i = 0; i < properties_count; i++) {
		if (properties[i].applies && !properties[i].applies(&trial))
			continue;
		outcomes[i].tried++;
		if (properties[i].holds(&trial))
			continue;
		if (outcomes[i].failed++ == 0)
			outcomes[i].first_seed = seed;
	}
	trial_clear(&trial);
}

static uint64_t from_environment(const char *name, uint64_t preset)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : preset;
}

/* All hosts once, for all properties: to plan costs more than to look. */
static int try_hosts(void **state)
{
	uint64_t seed = from_environment("NEARQ_SEED", 1), hosts = from_environment("NEARQ_HOSTS", HOSTS);

	(void)state;
	assert_true(properties_count <= sizeof(outcomes) / sizeof(outcomes[0]));
	for (uint64_t i = 0; i < hosts; i++)
		try_host(seed + i);
	return 0;
}

static void report(const struct property *property, const struct outcome *outcome)
{
	char name[64], path[512];
	struct trial trial;

	trial_from_seed(&trial, outcome->first_seed);
	property->holds(&trial);
	print_error("%s fails for %" PRIu64 " of %" PRIu64 " hosts; seed %" PRIu64 ": %s\n%s\n", property->name,
		    outcome->failed, outcome->tried, outcome->first_seed, trial.why,
		    trial.plan_text ? trial.plan_text : "");
	shrink(&trial, property);
	snprintf(name, sizeof(name), "%s-%" PRIu64, property->name, outcome->first_seed);
	shrink_write(&trial, name, path, sizeof(path));
	print_error("smallest case in %s: %s\n%s\n", path, trial.why, trial.plan_text ? trial.plan_text : "");
	trial_clear(&trial);
}

static void property(void **state)
{
	const struct property *self = *state;
	const struct outcome *outcome = &outcomes[self - properties];

	print_message("# %" PRIu64 " hosts\n", outcome->tried);
	if (outcome->failed)
		report(self, outcome);
	assert_int_equal(outcome->failed, 0);
	assert_true(outcome->tried > 0);
}

/* Rules of stages that are still to come. */
static bool is_later(enum nq_rule rule)
{
	static const enum nq_rule later[] = {
		NQ_RULE_HOME_BEST_FIT,	NQ_RULE_HOME_ROUND_ROBIN, NQ_RULE_HOME_PROPORTIONAL, NQ_RULE_HOME_WIDE,
		NQ_RULE_HOME_REBALANCE, NQ_RULE_HOME_SWAP,	  NQ_RULE_MEMORY_FOLLOWS,    NQ_RULE_QUEUE_BALANCE,
		NQ_RULE_QUEUE_SWAP,	NQ_RULE_QUEUE_SPLIT,	  NQ_RULE_QUEUE_CONSOLIDATE, NQ_RULE_QUEUE_OVERFLOW,
		NQ_RULE_QUEUE_RETURN,	NQ_RULE_QUEUE_EXCLUSIVE,  NQ_RULE_QUEUE_PREEMPTED,   NQ_RULE_QUEUE_POOL,
		NQ_RULE_DEFAULT_RETURN, NQ_RULE_STATIC,		  NQ_RULE_SPREAD_LANES,	     NQ_RULE_GATHER_LANES,
		NQ_RULE_CPU_SPREAD,	NQ_RULE_CPU_COALESCE,	  NQ_RULE_POOL_SETTINGS,     NQ_RULE_KEPT_NO_UPLINK,
	};

	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (later[i] == rule)
			return true;
	return false;
}

/* The hosts are not all alike: each rule that a plan can have does occur. */
static void variety(void **state)
{
	(void)state;
	for (enum nq_rule rule = 0; rule < NQ_RULE_COUNT; rule++) {
		print_message("# %s: %" PRIu64 "\n", nq_rule_name(rule), seen[rule]);
		if (seen[rule] == 0 && !is_later(rule) && !getenv("NEARQ_HOSTS"))
			fail_msg("no random host shows %s", nq_rule_name(rule));
	}
}

/* Each setting of policy and pools at one end of its range. */
static void extreme_policy(struct random *random, struct nq_policy *ret)
{
	nq_policy_init(ret);
	for (size_t i = 0; i < nq_policy_settings_count; i++)
		nq_policy_set(ret, &nq_policy_settings[i],
			      random_chance(random, 50) ? nq_policy_settings[i].high : nq_policy_settings[i].low);
	for (uint32_t pool = 0; pool < ret->n_pools; pool++)
		for (size_t i = 0; i < nq_pool_settings_count; i++)
			nq_pool_set(&ret->pools[pool], &nq_pool_settings[i],
				    random_chance(random, 50) ? nq_pool_settings[i].high : nq_pool_settings[i].low);
	for (uint32_t pool = 0; pool < ret->n_pools; pool++) {
		ret->pools[pool].min = ret->pools[pool].max == 1 ? 0 : ret->pools[pool].min;
		ret->pools[pool].leave_pps = ret->pools[pool].enter_pps ? ret->pools[pool].leave_pps : 0;
	}
	ret->queue_consolidate = ret->queue_split == 1 ? 0 : ret->queue_consolidate;
	ret->cpu_quiet = ret->cpu_busy == 1 ? 0 : ret->cpu_quiet;
}

/*
 * Every number of host and policy at its limits: with the undefined-behaviour sanitizer this shows that nothing
 * overflows; without, that the plan is still a valid one, and the same in any order.
 */
static void limits(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 500; seed++) {
		struct random random = { seed * UINT64_C(0x9e3779b97f4a7c15) + 3 };
		struct trial trial = { .seed = seed, .huge = true, .host = random_host(&random, true) };

		extreme_policy(&random, &trial.policy);
		trial_plan(&trial);
		for (size_t i = 0; i < properties_count; i++)
			if ((!properties[i].applies || properties[i].applies(&trial)) && !properties[i].holds(&trial))
				fail_msg("%s, seed %" PRIu64 ": %s", properties[i].name, seed, trial.why);
		trial_clear(&trial);
	}
}

/* A property that cannot hold, to see a case become small: nothing is ever steered. */
static bool is_never_steered(struct trial *trial)
{
	for (uint32_t i = 0; trial->plan && i < trial->plan->n_actions; i++)
		if (trial->plan->actions[i].kind == NQ_ACTION_STEER)
			return trial_fail(trial, "vnic %" PRIu32 " is steered", trial->plan->actions[i].vnic);
	return true;
}

/* What is left of a host of many objects is one of each, and the files have it. */
static void shrinks(void **state)
{
	const struct property never = { "never_steered", NULL, is_never_steered };
	struct nq_host *read = NULL;
	struct nq_fault fault;
	struct trial trial;
	uint64_t seed = 1;
	char path[512];
	FILE *file;

	(void)state;
	for (trial_from_seed(&trial, seed); trial.host->n_vnics < 10 || never.holds(&trial);
	     trial_from_seed(&trial, ++seed))
		trial_clear(&trial);
	shrink(&trial, &never);
	assert_false(never.holds(&trial));
	assert_int_equal(trial.host->n_vms, 1);
	assert_int_equal(trial.host->n_vnics, 1);
	assert_int_equal(trial.host->n_pnics, 1);
	assert_int_equal(trial.host->n_queues, 1);
	assert_in_range(trial.host->n_cpus, 1, 2);
	assert_null(trial.memory);
	shrink_write(&trial, never.name, path, sizeof(path));
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(nq_snapshot_read(file, path, &read, &fault), 0);
	fclose(file);
	nq_host_free(trial.host);
	trial.host = read;
	nq_plan_free(trial.plan);
	nq_host_free(trial.planned);
	free(trial.plan_text);
	trial.plan = NULL;
	trial_plan(&trial);
	assert_false(never.holds(&trial));
	trial_clear(&trial);
}

int main(void)
{
	struct CMUnitTest tests[32] = { 0 };
	size_t n = 0;

	for (; n < properties_count; n++)
		tests[n] = (struct CMUnitTest){ properties[n].name, property, NULL, NULL, (void *)&properties[n] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(variety);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(shrinks);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(limits);
	return _cmocka_run_group_tests("property", tests, n, try_hosts, NULL);
}
