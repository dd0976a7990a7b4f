/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* S4: rates that survive wrap, reset, hotplug, a missed tick and a clock that stands still. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <host/rates.h>

#define SECOND UINT64_C(1000000000)

static void growth_of_a_counter(void **state)
{
	static const struct {
		uint64_t before, now;
		bool known;
		uint64_t growth;
	} cases[] = {
		{ 0, 0, true, 0 },
		{ 5, 9, true, 4 },
		{ 0, UINT64_MAX, true, UINT64_MAX },
		/* 32 bits ran over */
		{ UINT32_MAX, 0, true, 1 },
		{ UINT32_MAX - 9, 10, true, 20 },
		{ UINT64_C(0xc0000000), 0x3fffffff, true, 0x7fffffff },
		/* 64 bits ran over */
		{ UINT64_MAX, 0, true, 1 },
		{ UINT64_MAX - 99, 100, true, 200 },
		/* reset: fell from where no counter runs over, or to where it would not be so soon */
		{ 1000, 0, false, 0 },
		{ 1000, 999, false, 0 },
		{ UINT64_C(0xbfffffff), 0, false, 0 },
		{ UINT32_MAX, 0x40000000, false, 0 },
		{ UINT64_C(0x100000000), 5, false, 0 },
		{ UINT64_MAX / 2, 5, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t growth = 0;

		assert_int_equal(nq_counter_growth(cases[i].before, cases[i].now, &growth), cases[i].known);
		assert_true(growth == cases[i].growth);
	}
}

static void per_second(void **state)
{
	(void)state;
	assert_true(nq_per_second(10, SECOND) == 10);
	assert_true(nq_per_second(10, 4 * SECOND) == 2); /* rounded down */
	assert_true(nq_per_second(10, SECOND / 2) == 20);
	assert_true(nq_per_second(10, 0) == 0);
	assert_true(nq_per_second(UINT64_MAX, SECOND) == UINT64_MAX);
	assert_true(nq_per_second(UINT64_MAX, 1) == UINT64_MAX); /* saturates */
}

/* Two sets with what differs; keys are added in falling order, so that sorting is needed. */
struct pair {
	struct nq_counters before, now;
};

static void put(struct nq_counters *counters, uint64_t key, uint64_t x, uint64_t y, uint64_t z)
{
	assert_int_equal(nq_counters_add(counters, key, x, y, z), 0);
}

static int set_up(void **state)
{
	static struct pair pair;

	memset(&pair, 0, sizeof(pair));
	pair.before.time_ns = 100 * SECOND;
	pair.now.time_ns = 102 * SECOND;
	*state = &pair;
	return 0;
}

static int tear_down(void **state)
{
	struct pair *pair = *state;

	nq_counters_clear(&pair->before);
	nq_counters_clear(&pair->now);
	return 0;
}

static void sort(struct pair *pair)
{
	nq_counters_sort(&pair->before);
	nq_counters_sort(&pair->now);
}

static void rates_of_what_is_in_both(void **state)
{
	uint64_t stays = nq_counter_key(NQ_COUNTER_LINK_RX, 7, 0), goes = nq_counter_key(NQ_COUNTER_LINK_RX, 6, 0);
	uint64_t comes = nq_counter_key(NQ_COUNTER_LINK_RX, 5, 0), rate[3] = { 9, 9, 9 };
	struct pair *pair = *state;

	put(&pair->before, stays, 1000, 60000, 3);
	put(&pair->before, goes, 1, 1, 1);
	put(&pair->now, stays, 3000, 180000, 3);
	put(&pair->now, comes, 500, 500, 500);
	sort(pair);
	assert_true(nq_counters_rate(&pair->before, &pair->now, stays, rate));
	assert_true(rate[0] == 1000 && rate[1] == 60000 && rate[2] == 0);
	/* hotplug: no rate on the first and after the last sight */
	assert_false(nq_counters_rate(&pair->before, &pair->now, goes, rate));
	assert_true(rate[0] == 0 && rate[1] == 0 && rate[2] == 0);
	assert_false(nq_counters_rate(&pair->before, &pair->now, comes, rate));
	assert_true(rate[0] == 0);
}

static void a_reset_value_does_not_spoil_the_others(void **state)
{
	uint64_t key = nq_counter_key(NQ_COUNTER_QUEUE_TX, 7, 3), rate[3];
	struct pair *pair = *state;

	put(&pair->before, key, 1000, 5000, 0);
	put(&pair->now, key, 10, 7000, 4);
	sort(pair);
	assert_true(nq_counters_rate(&pair->before, &pair->now, key, rate));
	assert_true(rate[0] == 0 && rate[1] == 1000 && rate[2] == 2);
}

static void a_missed_tick_makes_the_interval_longer(void **state)
{
	uint64_t key = nq_counter_key(NQ_COUNTER_CPU, 0, 0), rate[3];
	struct pair *pair = *state;

	pair->now.time_ns = 110 * SECOND;
	put(&pair->before, key, 0, 0, 0);
	put(&pair->now, key, 1000, 0, 0);
	sort(pair);
	assert_true(nq_counters_rate(&pair->before, &pair->now, key, rate));
	assert_true(rate[0] == 100);
}

static void time_that_does_not_advance_gives_no_rates(void **state)
{
	uint64_t key = nq_counter_key(NQ_COUNTER_CPU, 0, 0), rate[3];
	struct pair *pair = *state;

	put(&pair->before, key, 0, 0, 0);
	put(&pair->now, key, 1000, 0, 0);
	sort(pair);
	pair->now.time_ns = pair->before.time_ns;
	assert_false(nq_counters_rate(&pair->before, &pair->now, key, rate));
	pair->now.time_ns = pair->before.time_ns - SECOND; /* of another boot */
	assert_false(nq_counters_rate(&pair->before, &pair->now, key, rate));
	assert_true(rate[0] == 0);
}

static void sparse_counters_start_at_zero(void **state)
{
	uint64_t key = nq_counter_key(NQ_COUNTER_SERVED, 3, 1), growth[3];
	struct pair *pair = *state;

	put(&pair->now, key, 7, 0, 0);
	sort(pair);
	nq_counters_growth_sparse(&pair->before, &pair->now, key, growth);
	assert_true(growth[0] == 7);
	nq_counters_growth_sparse(&pair->before, &pair->now, nq_counter_key(NQ_COUNTER_SERVED, 3, 2), growth);
	assert_true(growth[0] == 0);
}

static void keys_differ(void **state)
{
	static const uint32_t a[] = { 0, 1, 255, 65536, UINT32_MAX }, b[] = { 0, 1, 255, 4095, NQ_COUNTER_ALL };
	uint64_t seen[NQ_COUNTER_KIND_COUNT * 25];
	size_t n = 0;

	(void)state;
	for (int kind = 0; kind < NQ_COUNTER_KIND_COUNT; kind++)
		for (size_t i = 0; i < 5; i++)
			for (size_t j = 0; j < 5; j++)
				seen[n++] = nq_counter_key((enum nq_counter_kind)kind, a[i], b[j]);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			assert_true(seen[i] != seen[j]);
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(growth_of_a_counter),
		cmocka_unit_test(per_second),
		cmocka_unit_test(keys_differ),
		WITH_PAIR(rates_of_what_is_in_both),
		WITH_PAIR(a_reset_value_does_not_spoil_the_others),
		WITH_PAIR(a_missed_tick_makes_the_interval_longer),
		WITH_PAIR(time_that_does_not_advance_gives_no_rates),
		WITH_PAIR(sparse_counters_start_at_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
