/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <host/rates.h>

#define SECOND_NS UINT64_C(1000000000)

uint64_t nq_counter_key(enum nq_counter_kind kind, uint32_t a, uint32_t b)
{
	return (uint64_t)kind << 56 | (uint64_t)a << 24 | (b & 0xffffff);
}

int nq_counters_add(struct nq_counters *counters, uint64_t key, uint64_t x, uint64_t y, uint64_t z)
{
	if (counters->n == counters->capacity) {
		uint32_t capacity = counters->capacity ? counters->capacity * 2 : 256;
		struct nq_counter *grown = reallocarray(counters->counter, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		counters->counter = grown;
		counters->capacity = capacity;
	}
	counters->counter[counters->n++] = (struct nq_counter){ key, { x, y, z } };
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct nq_counter *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

void nq_counters_sort(struct nq_counters *counters)
{
	if (counters->n)
		qsort(counters->counter, counters->n, sizeof(*counters->counter), compare);
}

void nq_counters_clear(struct nq_counters *counters)
{
	free(counters->counter);
	*counters = (struct nq_counters){ 0 };
}

/* Did a counter of that many bits run over? Half of its range may have passed, from the top quarter to the bottom one.
 */
static bool wrapped(uint64_t before, uint64_t now, uint32_t bits)
{
	uint64_t quarter = UINT64_C(1) << (bits - 2);

	return before / quarter == 3 && now < quarter;
}

bool nq_counter_growth(uint64_t before, uint64_t now, uint64_t *ret)
{
	if (now >= before || wrapped(before, now, 64))
		*ret = now - before;
	else if (wrapped(before, now, 32))
		*ret = (uint32_t)(now - before);
	else
		return false;
	return true;
}

uint64_t nq_per_second(uint64_t growth, uint64_t interval_ns)
{
	unsigned __int128 rate;

	if (!interval_ns)
		return 0;
	rate = (unsigned __int128)growth * SECOND_NS / interval_ns;
	return rate > UINT64_MAX ? UINT64_MAX : (uint64_t)rate;
}

static const struct nq_counter *find(const struct nq_counters *counters, uint64_t key)
{
	struct nq_counter wanted = { .key = key };

	return counters->n ? bsearch(&wanted, counters->counter, counters->n, sizeof(wanted), compare) : NULL;
}

static bool growth(const struct nq_counters *before, const struct nq_counters *now, const struct nq_counter *old,
		   const struct nq_counter *new, uint64_t ret[3])
{
	memset(ret, 0, 3 * sizeof(*ret));
	if (!old || !new || now->time_ns <= before->time_ns)
		return false;
	for (int i = 0; i < 3; i++)
		nq_counter_growth(old->value[i], new->value[i], &ret[i]);
	return true;
}

bool nq_counters_growth(const struct nq_counters *before, const struct nq_counters *now, uint64_t key, uint64_t ret[3])
{
	return growth(before, now, find(before, key), find(now, key), ret);
}

void nq_counters_growth_sparse(const struct nq_counters *before, const struct nq_counters *now, uint64_t key,
			       uint64_t ret[3])
{
	static const struct nq_counter zero;
	const struct nq_counter *old = find(before, key), *new = find(now, key);

	growth(before, now, old ? old : &zero, new ? new : &zero, ret);
}

bool nq_counters_rate(const struct nq_counters *before, const struct nq_counters *now, uint64_t key, uint64_t ret[3])
{
	bool known = nq_counters_growth(before, now, key, ret);

	for (int i = 0; i < 3; i++)
		ret[i] = nq_per_second(ret[i], now->time_ns - before->time_ns);
	return known;
}
