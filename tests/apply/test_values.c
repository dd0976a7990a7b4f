/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A1, A5: the texts of settings: CPU lists and masks, RSS tables, and when two of them are the same. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/cpulist.h"
#include "host/set_kinds.h"

static void lists_are_normalised(void **state)
{
	static const struct {
		const char *text, *normal;
	} cases[] = {
		{ "", "" },
		{ "\n", "" },
		{ "0", "0" },
		{ "0-3\n", "0-3" },
		{ "0,1,2,3", "0-3" },
		{ "3,1,2,0", "0-3" },
		{ "0-1,3,5-6", "0-1,3,5-6" },
		{ "63,64", "63-64" },
		{ "8191", "8191" },
		{ "5,5,5", "5" },
		{ "0-8191", "0-8191" },
		{ "127-128,130", "127-128,130" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct nq_cpumask mask;
		char text[64];

		assert_int_equal(nq_cpulist_parse(cases[i].text, &mask), 0);
		assert_int_equal(nq_cpulist_format(&mask, text, sizeof(text)), 0);
		assert_string_equal(text, cases[i].normal);
		assert_true(nq_cpulist_same(cases[i].text, cases[i].normal));
	}
}

static void bad_lists_leave_the_result_alone(void **state)
{
	static const char *const bad[] = { "a",
					   "-1",
					   "1-",
					   "3-1",
					   "1,",
					   ",1",
					   "1,,2",
					   "8192",
					   "0-8192",
					   "1 2",
					   "1-2-3",
					   "+1",
					   " 1,x",
					   "0x1",
					   "1;2",
					   "4294967296",
					   "99999999999999999999",
					   "1,-2" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct nq_cpumask mask = {}, before;

		nq_cpumask_add(&mask, 77);
		before = mask;
		assert_int_equal(nq_cpulist_parse(bad[i], &mask), -EINVAL);
		assert_true(nq_cpumask_equal(&mask, &before));
		assert_false(nq_cpulist_same(bad[i], bad[i]));
	}
}

static void a_list_that_does_not_fit_is_no_list(void **state)
{
	struct nq_cpumask mask;
	char text[8] = "before";

	(void)state;
	assert_int_equal(nq_cpulist_parse("0,2,4,6,8", &mask), 0);
	assert_int_equal(nq_cpulist_format(&mask, text, sizeof(text)), -ENAMETOOLONG);
	assert_string_equal(text, "");
	assert_int_equal(nq_cpulist_parse("0-1000", &mask), 0);
	assert_int_equal(nq_cpulist_format(&mask, text, sizeof(text)), 0);
	assert_int_equal(nq_cpulist_parse("0-1000,2000", &mask), 0);
	assert_int_equal(nq_cpulist_format(&mask, text, sizeof(text)), -ENAMETOOLONG);
}

static void masks_are_read_as_the_kernel_writes_them(void **state)
{
	static const struct {
		const char *mask, *list;
	} cases[] = {
		{ "0", "" },
		{ "00000000,00000000\n", "" },
		{ "f\n", "0-3" },
		{ "3", "0-1" },
		{ "80000000", "31" },
		{ "1,00000000", "32" },
		{ "00000001,80000001", "0,31-32" },
		{ "80000000,00000000,00000000,00000001", "0,127" },
		{ "ABCDEF", "0-3,5-8,10-11,14-17,19,21,23" },
	};
	static const char *const bad[] = { "0x1", "g", ",1", "1,", "1,0", "1,,00000000", "1 1", "-1" };
	struct nq_cpumask mask;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[64];

		assert_int_equal(nq_cpumask_parse(cases[i].mask, &mask), 0);
		assert_int_equal(nq_cpulist_format(&mask, text, sizeof(text)), 0);
		assert_string_equal(text, cases[i].list);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(nq_cpumask_parse(bad[i], &mask), -EINVAL);
}

static void rss_tables_survive_the_way_to_text_and_back(void **state)
{
	static const uint32_t striped[] = { 0, 1, 2, 3, 0, 1, 2, 3 }, blocks[] = { 0, 0, 0, 5, 5, 1 };
	uint32_t *entries, n_entries, *large = calloc(4096, sizeof(*large)), i;
	char text[NQ_SETTING_TEXT];

	(void)state;
	assert_int_equal(nq_rss_format(striped, 8, text), 0);
	assert_string_equal(text, "0x1,1x1,2x1,3x1,0x1,1x1,2x1,3x1");
	assert_int_equal(nq_rss_format(blocks, 6, text), 0);
	assert_string_equal(text, "0x3,5x2,1x1");
	for (i = 0; i < 4096; i++)
		large[i] = 1023 - i % 2; /* the longest text there is */
	assert_int_equal(nq_rss_format(large, 4096, text), 0);
	assert_int_equal(nq_rss_parse(text, &entries, &n_entries), 0);
	assert_int_equal(n_entries, 4096);
	assert_memory_equal(entries, large, 4096 * sizeof(*large));
	free(entries);
	free(large);
}

static void bad_rss_texts_are_refused(void **state)
{
	static const char *const bad[] = { "",	      "0",    "0x",   "x1",	 "0x0",		"0x1,", ",0x1",
					   "0x1 1x1", "-1x1", "0x-1", "0x70000", "0x65536,0x1", "1x2x3" };
	uint32_t *entries = NULL, n_entries = 7;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(nq_rss_parse(bad[i], &entries, &n_entries), -EINVAL);
	assert_null(entries);
	assert_int_equal(n_entries, 7);
}

static void kinds_are_found_by_name(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; nq_setting_kinds[i]; i++)
		assert_ptr_equal(nq_setting_find(nq_setting_kinds[i]->name), nq_setting_kinds[i]);
	assert_int_equal(i, 10);
	assert_null(nq_setting_find("irqs"));
	assert_null(nq_setting_find(""));
}

static bool same(const struct nq_setting_kind *kind, const char *key, const char *a, const char *b)
{
	struct nq_setting_ctx *ctx;
	bool result;

	assert_int_equal(nq_setting_ctx_new(&ctx), 0);
	result = nq_setting_same(ctx, kind, key, a, b);
	nq_setting_ctx_free(ctx);
	return result;
}

static void the_same_setting_in_other_words(void **state)
{
	char key[NQ_THREAD_KEY], own[64], dead[64];

	(void)state;
	assert_true(same(&nq_set_irq, "1", "0,1", "0-1"));
	assert_false(same(&nq_set_irq, "1", "0,1", "0-2"));
	assert_true(same(&nq_set_cpuset, "/x", "0,1;0", "0-1;0"));
	assert_false(same(&nq_set_cpuset, "/x", "0-1;0", "0-1;1"));
	assert_false(same(&nq_set_cpuset, "/x", "0-1", "0-1"));
	assert_true(same(&nq_set_xdp, "e", "nearq", "nearq generic"));
	assert_true(same(&nq_set_xdp, "e", "nearq native", "nearq"));
	assert_false(same(&nq_set_xdp, "e", "nearq", ""));
	assert_false(same(&nq_set_xdp, "e", "nearq native", "nearq generic"));
	/* a thread that is no more counts for nothing, one that lives does (this process is its own first thread) */
	snprintf(key, sizeof(key), "%d@1", getpid());
	snprintf(own, sizeof(own), "0-3 %d=1", getpid());
	snprintf(dead, sizeof(dead), "0-3 %d=1", 1 << 30);
	assert_true(same(&nq_set_thread, key, "0,1,2-3", "0-3"));
	assert_true(same(&nq_set_thread, key, dead, "0-3"));
	assert_true(same(&nq_set_thread, key, "0-3", dead));
	assert_false(same(&nq_set_thread, key, own, "0-3"));
	assert_false(same(&nq_set_thread, key, "0-3", own));
	assert_true(same(&nq_set_thread, key, own, own));
}

static void affinities_cut_in_half_are_recognised(void **state)
{
	static const struct {
		const char *present, *from, *to;
		bool between;
	} cases[] = {
		{ "0-3", "0-3", "1", true },	  { "1", "0-3", "1", true },	       { "1 12=0-3", "0-3", "1", true },
		{ "0-3 12=1", "0-3", "1", true }, { "1 12=2", "0-3 12=2", "1", true }, { "1 12=2", "0-3", "1", false },
		{ "2", "0-3", "1", false },	  { "nonsense", "0-3", "1", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(nq_set_thread.between(NULL, cases[i].present, cases[i].from, cases[i].to),
				 cases[i].between);
}

static void steps_between_values_are_single_operations(void **state)
{
	static const struct {
		const struct nq_setting_kind *kind;
		const char *present, *wanted, *next;
	} cases[] = {
		{ &nq_set_cpuset, "0-3;0", "4-7;1", "4-7;0" },
		{ &nq_set_cpuset, "4-7;0", "4-7;1", "4-7;1" },
		{ &nq_set_cpuset, ";", "2;0", "2;" },
		{ &nq_set_cpuset, "2;0", ";", ";0" },
		{ &nq_set_egress, "", "clsact nearq", "clsact" },
		{ &nq_set_egress, "clsact", "clsact nearq", "clsact nearq" },
		{ &nq_set_egress, "clsact nearq", "", "clsact" },
		{ &nq_set_egress, "clsact", "", "" },
		{ &nq_set_irq, "0", "1", "1" },
	};
	char next[NQ_SETTING_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(nq_setting_via(cases[i].kind, cases[i].present, cases[i].wanted, next), 0);
		assert_string_equal(next, cases[i].next);
	}
	assert_int_equal(nq_setting_via(&nq_set_cpuset, "0", "1;1", next), -EINVAL);
}

static void keys_are_checked_before_they_become_paths(void **state)
{
	static const struct {
		const struct nq_setting_kind *kind;
		const char *key;
	} bad[] = {
		{ &nq_set_irq, "../self/x" },
		{ &nq_set_irq, "" },
		{ &nq_set_irq, "1a" },
		{ &nq_set_xps, "lo" },
		{ &nq_set_xps, "../0" },
		{ &nq_set_xps, "lo/../rx-0" },
		{ &nq_set_threaded, ".." },
		{ &nq_set_threaded, "a/b" },
		{ &nq_set_cpuset, "" },
		{ &nq_set_cpuset, "/../x" },
		{ &nq_set_cpuset, "../x" },
		{ &nq_set_thread, "1" },
		{ &nq_set_thread, "0@0" },
		{ &nq_set_thread, "1@2x" },
		{ &nq_set_steer, "lo" },
		{ &nq_set_steer, "lo/zz" },
		{ &nq_set_steer, "lo/ff:ff:ff:ff:ff:ff" },
		{ &nq_set_txq, "lo/00:00:00:00:00:00" },
		{ &nq_set_txq, "lo/01:00:5e:00:00:01" },
	};
	char value[NQ_SETTING_TEXT];
	struct nq_setting_ctx *ctx;
	size_t i;

	(void)state;
	assert_int_equal(nq_setting_ctx_new(&ctx), 0);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(bad[i].kind->read(ctx, bad[i].key, value), -EINVAL);
		assert_int_equal(bad[i].kind->probe(ctx, bad[i].key), -EINVAL);
	}
	nq_setting_ctx_free(ctx);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_normalised),
		cmocka_unit_test(bad_lists_leave_the_result_alone),
		cmocka_unit_test(a_list_that_does_not_fit_is_no_list),
		cmocka_unit_test(masks_are_read_as_the_kernel_writes_them),
		cmocka_unit_test(rss_tables_survive_the_way_to_text_and_back),
		cmocka_unit_test(bad_rss_texts_are_refused),
		cmocka_unit_test(kinds_are_found_by_name),
		cmocka_unit_test(the_same_setting_in_other_words),
		cmocka_unit_test(affinities_cut_in_half_are_recognised),
		cmocka_unit_test(steps_between_values_are_single_operations),
		cmocka_unit_test(keys_are_checked_before_they_become_paths),
	};

	return cmocka_run_group_tests_name("A1 values of settings", tests, NULL, NULL);
}
