/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "random_host.h"

#include <stdio.h>

#include "core/memory.h"
#include "support.h"

/* Two numbers that must not contradict each other. */
static void agree(uint64_t *low, const uint64_t *high)
{
	if (*low > *high)
		*low = *high;
}

static uint64_t random_value(struct random *random, const struct nq_policy_setting *setting, uint64_t now, bool wild)
{
	if (setting->values)
		return now;
	if (wild && random_chance(random, 50))
		return random_chance(random, 50) ? setting->high : setting->low;
	return random_chance(random, 20) ? random_in(random, setting->preset / 4, setting->preset) : now;
}

static void random_pools(struct random *random, struct nq_policy *policy, bool wild)
{
	nq_policy_pool(policy, "gold");
	for (uint32_t i = 0; i < policy->n_pools; i++) {
		struct nq_pool *pool = &policy->pools[i];

		for (size_t j = 0; j < nq_pool_settings_count; j++) {
			const struct nq_policy_setting *setting = &nq_pool_settings[j];

			nq_pool_set(pool, setting, random_value(random, setting, nq_pool_get(pool, setting), wild));
		}
		pool->criteria = random_in(random, 0, NQ_CRITERIA_COUNT - 1);
		pool->max = random_chance(random, 30) ? random_in(random, 1, 4) : pool->max;
		pool->min = random_chance(random, 30) ? random_in(random, 1, 3) : pool->min;
		pool->priority = random_in(random, 0, 3) * 100;
		pool->floor_pps = random_chance(random, 10) ? random_in(random, 0, 300000) : pool->floor_pps;
		pool->exclusive_pps = random_chance(random, 10) ? random_in(random, 1, 300000) : pool->exclusive_pps;
		pool->coalesce_us = random_chance(random, 20) ? random_in(random, 0, 200) : pool->coalesce_us;
		agree(&pool->min, &pool->max);
		agree(&pool->leave_pps, &pool->enter_pps);
	}
}

/* Modes of the stages: those of a system of the seed documents, or any. */
static void random_modes(struct random *random, struct nq_policy *policy)
{
	uint64_t preset = random_in(random, 0, nq_policy_presets_count - 1);
	bool any = random_chance(random, 40);

	if (!any)
		nq_policy_use(policy, nq_policy_presets[preset].name);
	for (size_t i = 0; any && i < nq_policy_settings_count; i++) {
		const struct nq_policy_setting *setting = &nq_policy_settings[i];

		if (setting->values && random_chance(random, 40))
			nq_policy_set(policy, setting, random_in(random, setting->low, setting->high));
	}
}

void random_policy(struct random *random, struct nq_policy *ret)
{
	bool wild = random_chance(random, 10);

	nq_policy_init(ret);
	if (random_chance(random, 60))
		random_modes(random, ret);
	for (size_t i = 0; i < nq_policy_settings_count; i++) {
		const struct nq_policy_setting *setting = &nq_policy_settings[i];

		nq_policy_set(ret, setting, random_value(random, setting, nq_policy_get(ret, setting), wild));
	}
	agree(&ret->queue_consolidate, &ret->queue_split);
	agree(&ret->cpu_quiet, &ret->cpu_busy);
	if (random_chance(random, 50))
		random_pools(random, ret, wild);
}

/* One object in five moved in the last minutes, some until they had no credit left. */
static void remember(struct random *random, struct nq_memory *memory, const struct nq_host *host,
		     enum nq_action_kind kind, uint32_t object)
{
	struct nq_action action = { .kind = kind, .vm = object, .queue = object, .vnic = object };
	struct nq_plan past = { .time_ns = host->time_ns - random_in(random, 0, UINT64_C(300000000000)),
				.actions = &action };
	uint64_t moves = random_chance(random, 20) ? random_in(random, 1, 6) : 0;
	struct nq_policy policy;

	nq_policy_init(&policy);
	nq_nodeset_add(&action.home_to, (uint32_t)random_in(random, 0, host->n_nodes - 1));
	for (; moves; moves--) {
		assert_int_equal(nq_memory_learn(memory, &policy, host, &past, 0), 0);
		past.time_ns += random_in(random, 0, (host->time_ns - past.time_ns) / 2);
	}
}

struct nq_memory *random_memory(struct random *random, const struct nq_host *host)
{
	struct nq_memory *memory = NULL;

	if (random_chance(random, 50))
		return NULL;
	assert_int_equal(nq_memory_new(&memory), 0);
	for (uint32_t i = 0; i < host->n_vms; i++) {
		remember(random, memory, host, NQ_ACTION_HOME, i);
		remember(random, memory, host, NQ_ACTION_MIGRATE, i);
	}
	for (uint32_t i = 0; i < host->n_queues; i++) {
		if (host->queues[i].kind == NQ_QUEUE_HARD)
			remember(random, memory, host, NQ_ACTION_QUEUE_CPU, i);
		remember(random, memory, host, NQ_ACTION_QUEUE_SET, i);
	}
	for (uint32_t i = 0; i < host->n_vnics; i++)
		remember(random, memory, host, NQ_ACTION_STEER, i);
	return memory;
}
