/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy's values: reading and writing them by their settings, its pools, and whether it contradicts itself. */
#include <errno.h>
#include <string.h>

#include <nearq/host.h>
#include <nearq/policy.h>

static uint64_t get(const void *owner, const struct nq_policy_setting *setting)
{
	uint64_t value;

	memcpy(&value, (const char *)owner + setting->offset, sizeof(value));
	return value;
}

static void set(void *owner, const struct nq_policy_setting *setting, uint64_t value)
{
	memcpy((char *)owner + setting->offset, &value, sizeof(value));
}

uint64_t nq_policy_get(const struct nq_policy *policy, const struct nq_policy_setting *setting)
{
	return get(policy, setting);
}

void nq_policy_set(struct nq_policy *policy, const struct nq_policy_setting *setting, uint64_t value)
{
	set(policy, setting, value);
}

uint64_t nq_pool_get(const struct nq_pool *pool, const struct nq_policy_setting *setting)
{
	return get(pool, setting);
}

void nq_pool_set(struct nq_pool *pool, const struct nq_policy_setting *setting, uint64_t value)
{
	set(pool, setting, value);
}

static const struct nq_policy_setting *find(const struct nq_policy_setting *settings, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];
	return NULL;
}

const struct nq_policy_setting *nq_policy_find(const char *name)
{
	return find(nq_policy_settings, nq_policy_settings_count, name);
}

const struct nq_policy_setting *nq_pool_find(const char *name)
{
	return find(nq_pool_settings, nq_pool_settings_count, name);
}

/* What of the pools that are there from the start differs from the defaults. */
static void init_pools(struct nq_policy *policy)
{
	struct nq_pool *pool;

	policy->n_pools = 0;
	nq_policy_pool(policy, NQ_POOL_GENERAL);
	/* Who asked for a hardware feature gets it before those who take any queue. */
	nq_policy_pool(policy, "lro")->features = NQ_FEATURE_LRO;
	nq_policy_pool(policy, "lro")->priority = 200;
	nq_policy_pool(policy, "rss")->features = NQ_FEATURE_RSS;
	nq_policy_pool(policy, "rss")->priority = 200;
	/*
	 * Low latency required: steered from the first packet and never back, no waiting for more packets. 50,000
	 * packets/s at 4 us are a fifth of a CPU: from there the next vm's packet meets one in service every fifth
	 * time.
	 */
	pool = nq_policy_pool(policy, "llr");
	pool->criteria = NQ_CRITERIA_DISTRIBUTE;
	pool->priority = 300;
	pool->coalesce_us = 0;
	pool->enter_pps = 1;
	pool->leave_pps = 0;
	pool->exclusive_pps = 50000;
	/* High latency tolerated: gives way to all others; 100 us are at most 10,000 wake-ups of 1 us, 1 % of a CPU. */
	pool = nq_policy_pool(policy, "hlt");
	pool->criteria = NQ_CRITERIA_PACK;
	pool->priority = 50;
	pool->coalesce_us = 100;
}

void nq_policy_init(struct nq_policy *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < nq_policy_settings_count; i++)
		nq_policy_set(ret, &nq_policy_settings[i], nq_policy_settings[i].preset);
	init_pools(ret);
}

static uint32_t find_pool(const struct nq_policy *policy, const char *name)
{
	for (uint32_t i = 0; i < policy->n_pools; i++)
		if (strcmp(policy->pools[i].name, name) == 0)
			return i;
	return NQ_NONE;
}

struct nq_pool *nq_policy_pool(struct nq_policy *policy, const char *name)
{
	uint32_t found = find_pool(policy, name);
	size_t length = strlen(name);
	struct nq_pool *pool;

	if (found != NQ_NONE)
		return &policy->pools[found];
	if (length == 0 || length >= NQ_POOL_NAME || policy->n_pools == NQ_MAX_POOLS)
		return NULL;
	pool = &policy->pools[policy->n_pools++];
	memset(pool, 0, sizeof(*pool));
	memcpy(pool->name, name, length);
	for (size_t i = 0; i < nq_pool_settings_count; i++)
		nq_pool_set(pool, &nq_pool_settings[i], nq_pool_settings[i].preset);
	return pool;
}

uint32_t nq_policy_pool_of(const struct nq_policy *policy, const char *name)
{
	uint32_t found = *name ? find_pool(policy, name) : 0;

	return found == NQ_NONE ? 0 : found;
}

/* The first setting that is out of its range, else the first that exceeds the one it must not; NULL: none. */
static const struct nq_policy_setting *wrong(const struct nq_policy_setting *settings, size_t n, const void *owner)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t value = get(owner, &settings[i]);

		if (value < settings[i].low || value > settings[i].high)
			return &settings[i];
	}
	for (size_t i = 0; i < n; i++)
		if (settings[i].at_most &&
		    get(owner, &settings[i]) > get(owner, find(settings, n, settings[i].at_most)))
			return &settings[i];
	return NULL;
}

int nq_policy_check(const struct nq_policy *policy, const struct nq_policy_setting **ret,
		    const struct nq_pool **ret_pool)
{
	const struct nq_policy_setting *bad = wrong(nq_policy_settings, nq_policy_settings_count, policy);
	const struct nq_pool *pool = NULL;

	for (uint32_t i = 0; !bad && i < policy->n_pools; i++) {
		pool = &policy->pools[i];
		bad = wrong(nq_pool_settings, nq_pool_settings_count, pool);
	}
	if (!bad)
		return 0;
	*ret = bad;
	*ret_pool = pool;
	return -EINVAL;
}
