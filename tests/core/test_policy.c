/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policy: settings, pools, presets and their contradictions; credits. */
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "build_host.h"
#include "core/memory.h"

#define MS UINT64_C(1000000)

/* Is the text a value of the setting: one of its names, or a number in its range? */
static bool is_value(const struct nq_policy_setting *setting, const char *text)
{
	char *end;
	uint64_t number;

	for (uint64_t i = 0; setting->values && i <= setting->high; i++)
		if (strcmp(setting->values[i], text) == 0)
			return true;
	number = strtoull(text, &end, 10);
	return !setting->values && *text && !*end && number >= setting->low && number <= setting->high;
}

static uint64_t value_of(const struct nq_policy *policy, const char *name)
{
	return nq_policy_get(policy, nq_policy_find(name));
}

/* Every change of a preset names an existing setting and a value of it that is not the default; the result is valid. */
static void presets(void **state)
{
	const struct nq_policy_setting *bad;
	const struct nq_pool *bad_pool;
	struct nq_policy policy;

	(void)state;
	nq_policy_init(&policy);
	for (size_t i = 0; i < nq_policy_presets_count; i++) {
		const struct nq_policy_preset *preset = &nq_policy_presets[i];

		assert_true(strlen(preset->why) > 30);
		assert_int_equal(nq_policy_use(&policy, preset->name), 0);
		assert_int_equal(nq_policy_check(&policy, &bad, &bad_pool), 0);
		for (const char *const *change = preset->changes; *change; change += 2) {
			const struct nq_policy_setting *setting = nq_policy_find(change[0]);
			uint64_t value;

			assert_non_null(setting);
			assert_true(is_value(setting, change[1]));
			value = nq_policy_get(&policy, setting);
			assert_int_not_equal(value, setting->preset);
			if (setting->values)
				assert_string_equal(setting->values[value], change[1]);
			else
				assert_int_equal(value, strtoull(change[1], NULL, 10));
		}
	}
}

/* A preset sets everything but the pools; "nearq" is the default; an unknown one changes nothing. */
static void presets_and_pools(void **state)
{
	struct nq_policy policy, before;

	(void)state;
	nq_policy_init(&policy);
	policy.pools[0].priority = 7;
	policy.dwell_ms = 1;
	assert_int_equal(nq_policy_use(&policy, "dynamic-vmq"), 0);
	assert_int_equal(policy.spreading, NQ_SPREAD_THRESHOLD);
	assert_int_equal(policy.assignment, NQ_ASSIGN_STATIC);
	assert_int_equal(policy.guard, NQ_OFF);
	assert_int_equal(policy.dwell_ms, nq_policy_find("dwell_ms")->preset);
	assert_int_equal(policy.pools[0].priority, 7);
	before = policy;
	assert_int_equal(nq_policy_use(&policy, "dynamic"), -EINVAL);
	assert_memory_equal(&policy, &before, sizeof(policy));
	assert_int_equal(nq_policy_use(&policy, "vrss"), 0);
	assert_int_equal(policy.guard, NQ_ON);
	assert_int_equal(policy.dwell_ms, 0);
	assert_int_equal(nq_policy_use(&policy, "nearq"), 0);
	for (size_t i = 0; i < nq_policy_settings_count; i++)
		assert_int_equal(nq_policy_get(&policy, &nq_policy_settings[i]), nq_policy_settings[i].preset);
}

/* Q4: the pools that are there from the start; one for each requirement, the general one first. */
static void q4_default_pools(void **state)
{
	static const char *const names[] = { "general", "lro", "rss", "llr", "hlt" };
	struct nq_policy policy;

	(void)state;
	nq_policy_init(&policy);
	assert_int_equal(policy.n_pools, 5);
	for (uint32_t i = 0; i < policy.n_pools; i++) {
		assert_string_equal(policy.pools[i].name, names[i]);
		assert_int_equal(nq_policy_pool_of(&policy, names[i]), i);
	}
	assert_int_equal(nq_policy_pool_of(&policy, ""), 0);
	assert_int_equal(nq_policy_pool_of(&policy, "gold"), 0);
	assert_int_equal(policy.pools[1].features, NQ_FEATURE_LRO);
	assert_int_equal(policy.pools[2].features, NQ_FEATURE_RSS);
	assert_int_equal(policy.pools[3].criteria, NQ_CRITERIA_DISTRIBUTE);
	assert_int_equal(policy.pools[4].criteria, NQ_CRITERIA_PACK);
	assert_true(policy.pools[3].priority > policy.pools[0].priority);
	assert_true(policy.pools[4].priority < policy.pools[0].priority);
}

/* A new pool has the defaults; the old one is found again; there is no room for more than NQ_MAX_POOLS. */
static void q4_operators_pools(void **state)
{
	struct nq_policy policy;
	struct nq_pool *gold;
	char name[NQ_POOL_NAME + 1] = "p";

	(void)state;
	nq_policy_init(&policy);
	gold = nq_policy_pool(&policy, "gold");
	assert_string_equal(gold->name, "gold");
	for (size_t i = 0; i < nq_pool_settings_count; i++)
		assert_int_equal(nq_pool_get(gold, &nq_pool_settings[i]), nq_pool_settings[i].preset);
	gold->min = 3;
	assert_ptr_equal(nq_policy_pool(&policy, "gold"), gold);
	assert_int_equal(gold->min, 3);
	assert_int_equal(nq_policy_pool_of(&policy, "gold"), 5);
	assert_null(nq_policy_pool(&policy, ""));
	memset(name, 'x', NQ_POOL_NAME);
	assert_null(nq_policy_pool(&policy, name));
	name[NQ_POOL_NAME - 1] = '\0';
	assert_non_null(nq_policy_pool(&policy, name));
	for (char c = 'a'; policy.n_pools < NQ_MAX_POOLS; c++)
		assert_non_null(nq_policy_pool(&policy, (char[]){ c, '\0' }));
	assert_null(nq_policy_pool(&policy, "one more"));
	assert_non_null(nq_policy_pool(&policy, "gold"));
}

/* Every setting of a pool is documented, in range by default, found by name, and refused just outside its range. */
static void pool_settings(void **state)
{
	const struct nq_policy_setting *bad = NULL;
	const struct nq_pool *bad_pool = NULL;
	struct nq_policy policy;
	struct nq_pool *pool;

	(void)state;
	nq_policy_init(&policy);
	pool = nq_policy_pool(&policy, "gold");
	for (size_t i = 0; i < nq_pool_settings_count; i++) {
		const struct nq_policy_setting *setting = &nq_pool_settings[i];

		assert_ptr_equal(nq_pool_find(setting->name), setting);
		assert_true(strlen(setting->why) > 40);
		assert_int_equal(nq_policy_check(&policy, &bad, &bad_pool), 0);
		nq_pool_set(pool, setting, setting->high + 1);
		assert_int_equal(nq_policy_check(&policy, &bad, &bad_pool), -EINVAL);
		assert_ptr_equal(bad, setting);
		assert_ptr_equal(bad_pool, pool);
		for (uint64_t value = 0; setting->values && value <= setting->high; value++)
			assert_non_null(setting->values[value]);
		nq_pool_set(pool, setting, setting->preset);
	}
	assert_null(nq_pool_find("name"));
}

/* Two settings that are each in range and cannot both be meant. */
static void contradictions(void **state)
{
	const struct nq_policy_setting *bad = NULL;
	const struct nq_pool *bad_pool = NULL;
	struct nq_policy policy;

	(void)state;
	nq_policy_init(&policy);
	policy.queue_consolidate = policy.queue_split;
	policy.cpu_quiet = policy.cpu_busy;
	policy.pools[0].min = policy.pools[0].max = 4;
	policy.pools[3].leave_pps = policy.pools[3].enter_pps;
	assert_int_equal(nq_policy_check(&policy, &bad, &bad_pool), 0);
	policy.pools[3].leave_pps++;
	assert_int_equal(nq_policy_check(&policy, &bad, &bad_pool), -EINVAL);
	assert_string_equal(bad->name, "leave_pps");
	assert_ptr_equal(bad_pool, &policy.pools[3]);
	policy.pools[0].min = 5;
	assert_int_equal(nq_policy_check(&policy, &bad, &bad_pool), -EINVAL);
	assert_string_equal(bad->name, "min");
	assert_ptr_equal(bad_pool, &policy.pools[0]);
	policy.cpu_quiet++;
	assert_int_equal(nq_policy_check(&policy, &bad, &bad_pool), -EINVAL);
	assert_string_equal(bad->name, "cpu_quiet");
	assert_null(bad_pool);
	policy.queue_consolidate++;
	assert_int_equal(nq_policy_check(&policy, &bad, &bad_pool), -EINVAL);
	assert_string_equal(bad->name, "queue_consolidate");
	assert_int_equal(value_of(&policy, "queue_consolidate"), policy.queue_split + 1);
}

static void move(struct nq_memory *memory, const struct nq_policy *policy, const struct nq_host *host, uint64_t now_ns)
{
	struct nq_action action = { .kind = NQ_ACTION_STEER };
	struct nq_plan plan = { .time_ns = now_ns, .actions = &action, .n_actions = 1 };

	assert_int_equal(nq_memory_learn(memory, policy, host, &plan, 0), 0);
}

/* Four moves in a row, then one for each credit that comes back, to the millisecond; at most 16 in any hour. */
static void d4_credits(void **state)
{
	struct nq_host *host = build_host(2, 1);
	struct nq_memory *memory = NULL;
	struct nq_policy policy;
	uint64_t start = host->time_ns, wait = 0;
	uint32_t moves = 0;

	(void)state;
	nq_policy_init(&policy);
	build_vnic(host, build_vm(host, 0), NQ_NONE, NQ_NONE, 1);
	assert_int_equal(nq_memory_new(&memory), 0);
	assert_true(nq_memory_allows(&policy, NULL, start, &wait));
	for (uint32_t i = 0; i < 4; i++) {
		assert_true(nq_memory_allows(&policy, memory->entries, start, &wait));
		move(memory, &policy, host, start);
	}
	assert_false(nq_memory_allows(&policy, memory->entries, start, &wait));
	assert_int_equal(wait, policy.credit_ms);
	assert_false(nq_memory_allows(&policy, memory->entries, start + (policy.credit_ms - 1) * MS, &wait));
	assert_int_equal(wait, 1);
	assert_true(nq_memory_allows(&policy, memory->entries, start + policy.credit_ms * MS, &wait));

	for (uint64_t now = start; now < start + 3600000 * MS; now += 1000 * MS) {
		if (!nq_memory_allows(&policy, memory->entries, now, &wait))
			continue;
		move(memory, &policy, host, now);
		moves++;
	}
	assert_int_equal(4 + moves, 4 + 3600000 / policy.credit_ms - 1);
	nq_memory_free(memory);
	nq_host_free(host);
}

/* Credits at the ends of their ranges; and a move that lies in the future, which is of another boot. */
static void d4_credits_at_the_limits(void **state)
{
	struct nq_host *host = build_host(2, 1);
	struct nq_memory *memory = NULL;
	struct nq_policy policy;
	uint64_t wait = 0;

	(void)state;
	nq_policy_init(&policy);
	build_vnic(host, build_vm(host, 0), NQ_NONE, NQ_NONE, 1);
	assert_int_equal(nq_memory_new(&memory), 0);
	policy.credits = nq_policy_find("credits")->high;
	policy.credit_ms = nq_policy_find("credit_ms")->high;
	for (int i = 0; i < 2000; i++)
		move(memory, &policy, host, NQ_MAX_VALUE);
	assert_int_equal(memory->entries[0].spent_ns, NQ_MAX_VALUE);
	assert_true(nq_memory_allows(&policy, memory->entries, 0, &wait));
	move(memory, &policy, host, 5 * MS);
	assert_int_equal(memory->entries[0].moved_ns, 5 * MS);
	assert_int_equal(memory->entries[0].spent_ns, 5 * MS + policy.credit_ms * MS);
	policy.credits = 1;
	assert_false(nq_memory_allows(&policy, memory->entries, 5 * MS, &wait));
	assert_int_equal(wait, policy.credit_ms);
	policy.credit_ms = 0;
	nq_memory_free(memory);
	assert_int_equal(nq_memory_new(&memory), 0);
	for (int i = 0; i < 20; i++) {
		move(memory, &policy, host, 5 * MS);
		assert_true(nq_memory_allows(&policy, memory->entries, 5 * MS, &wait));
	}
	nq_memory_free(memory);
	nq_host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(presets),	    cmocka_unit_test(presets_and_pools),
		cmocka_unit_test(q4_default_pools), cmocka_unit_test(q4_operators_pools),
		cmocka_unit_test(pool_settings),    cmocka_unit_test(contradictions),
		cmocka_unit_test(d4_credits),	    cmocka_unit_test(d4_credits_at_the_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
