/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configuration: every fault has file, line and key; drop-ins in order; numbers with units. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/config.h"
#include "daemon/nearest.h"
#include "daemon/quantity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/nearq-test-config.XXXXXX";
static char path[64];

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/nearq.conf", directory);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

static void write_file(const char *name, const char *text)
{
	char full[128];
	FILE *stream;

	snprintf(full, sizeof(full), "%s/%s", directory, name);
	stream = fopen(full, "w");
	assert_non_null(stream);
	fputs(text, stream);
	fclose(stream);
}

static void remove_file(const char *name)
{
	char full[128];

	snprintf(full, sizeof(full), "%s/%s", directory, name);
	assert_int_equal(unlink(full), 0);
}

static struct nq_config *load(const char *text)
{
	struct nq_config *config = NULL;
	struct nq_fault fault = { 0 };
	int r;

	write_file("nearq.conf", text);
	r = nq_config_load(path, &config, &fault);
	if (r != 0)
		fail_msg("%s: %s", fault.where, fault.what);
	return config;
}

static void values(void **state)
{
	struct nq_config *config =
		load("# comment\n; another\n\n[nearq]\nmode = act\n tick_ms=5 s \nexclude = docker* virbr*\n"
		     "state = /run/nq\n[policy]\ndwell_ms = 1 min\nplacement = round-robin\n");

	(void)state;
	assert_int_equal(config->mode, NQ_MODE_ACT);
	assert_int_equal(config->tick_ms, 5000);
	assert_string_equal(config->state, "/run/nq");
	assert_string_equal(config->exclude[0], "docker*");
	assert_string_equal(config->exclude[1], "virbr*");
	assert_null(config->exclude[2]);
	assert_int_equal(config->policy.dwell_ms, 60000);
	assert_int_equal(config->policy.placement, NQ_PLACE_ROUND_ROBIN);
	nq_config_free(config);
}

/* A preset is the ground on which the other keys stand, wherever it is; pools do not depend on it. */
static void presets(void **state)
{
	static const char *const texts[] = {
		"[policy]\npreset = dynamic-vmq\ndwell_ms = 7\nplacement = best-fit\n[pool llr]\nmin = 2\n",
		"[pool llr]\nmin = 2\n[policy]\nplacement = best-fit\ndwell_ms = 7\npreset = dynamic-vmq\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct nq_config *config = load(texts[i]);

		assert_string_equal(config->preset, "dynamic-vmq");
		assert_int_equal(config->policy.spreading, NQ_SPREAD_THRESHOLD);
		assert_int_equal(config->policy.guard, NQ_OFF);
		assert_int_equal(config->policy.placement, NQ_PLACE_BEST_FIT);
		assert_int_equal(config->policy.dwell_ms, 7);
		assert_int_equal(config->policy.pools[3].min, 2);
		nq_config_free(config);
	}
}

/* What two keys have to agree on may stand in two files. */
static void presets_and_drop_ins(void **state)
{
	struct nq_config *config = NULL;
	struct nq_fault fault = { 0 };
	char name[96];

	(void)state;
	snprintf(name, sizeof(name), "%s.d", path);
	mkdir(name, 0755);
	write_file("nearq.conf.d/10.conf", "[policy]\npreset = esx-home\n[pool gold]\nmax = 3\n");
	config = load("[policy]\npreset = nuioa\nrebalance = off\n[pool gold]\nmin = 3\n");
	assert_string_equal(config->preset, "esx-home");
	assert_int_equal(config->policy.placement, NQ_PLACE_ROUND_ROBIN);
	assert_int_equal(config->policy.rebalance, NQ_REBALANCE_OFF);
	assert_int_equal(config->policy.pools[5].min, 3);
	assert_int_equal(config->policy.pools[5].max, 3);
	nq_config_free(config);
	write_file("nearq.conf.d/10.conf", "\n[pool gold]\nmax = 2\n");
	assert_int_equal(nq_config_load(path, &config, &fault), -EBADMSG);
	assert_non_null(strstr(fault.where, "nearq.conf:5: [pool gold] min"));
	assert_non_null(strstr(fault.what, "at most max, which is 2"));
	remove_file("nearq.conf.d/10.conf");
	rmdir(name);
}

/* Sixteen pools and no more. */
static void many_pools(void **state)
{
	char text[1024] = "";
	struct nq_config *config = NULL;
	struct nq_fault fault = { 0 };
	size_t used = 0;

	(void)state;
	for (int i = 0; i < 11; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "[pool p%d]\nmin = %d\n", i, i);
	config = load(text);
	assert_int_equal(config->policy.n_pools, NQ_MAX_POOLS);
	assert_string_equal(config->policy.pools[15].name, "p10");
	assert_int_equal(config->policy.pools[15].min, 10);
	nq_config_free(config);
	config = NULL;
	snprintf(text + used, sizeof(text) - used, "[pool one-more]\nmin = 1\n");
	write_file("nearq.conf", text);
	assert_int_equal(nq_config_load(path, &config, &fault), -EBADMSG);
	assert_non_null(strstr(fault.where, "nearq.conf:24: [pool one-more] min"));
	assert_non_null(strstr(fault.what, "at most 16 pools"));
}

/* What check-config --print shows is a configuration, and the same one. */
static void printed_is_read_back(void **state)
{
	struct nq_config *config =
				 load("[policy]\nleast_gain = 12 %\npreset = vrss\n[pool gold]\nfeatures = lro+rss\n"),
			 *again;
	char *first = NULL, *second = NULL;
	size_t size;
	FILE *stream = open_memstream(&first, &size);

	(void)state;
	nq_config_print(stream, config);
	fclose(stream);
	assert_non_null(strstr(first, "least_gain = 120\n"));
	assert_non_null(strstr(first, "[policy]\npreset = vrss\n"));
	assert_non_null(strstr(first, "[pool gold]\nfeatures = lro+rss\n"));
	again = load(first);
	stream = open_memstream(&second, &size);
	nq_config_print(stream, again);
	fclose(stream);
	assert_string_equal(first, second);
	free(first);
	free(second);
	nq_config_free(config);
	nq_config_free(again);
}

static void faults(void **state)
{
	static const struct {
		const char *text, *where, *what;
	} cases[] = {
		{ "[nearq]\n\ntick = 5\n", "nearq.conf:3: [nearq] tick", "did you mean \"tick_ms\"?" },
		{ "[nearq]\ntick_ms = 99\n", "nearq.conf:2: [nearq] tick_ms",
		  "found \"99\"; allowed: 100 - 3600000 ms" },
		{ "[nearq]\ntick_ms = 3600001\n", "nearq.conf:2: [nearq] tick_ms", "found \"3600001\"" },
		{ "[nearq]\ntick_ms = 5 furlongs\n", "nearq.conf:2: [nearq] tick_ms", "units: ns, us, ms, s, min, h" },
		{ "[nearq]\ntick_ms = -1\n", "nearq.conf:2: [nearq] tick_ms", "found \"-1\"" },
		{ "[nearq]\ntick_ms = 1 us\n", "nearq.conf:2: [nearq] tick_ms", "found \"1 us\"" },
		{ "[nearq]\nmode = acting\n", "nearq.conf:2: [nearq] mode", "allowed: observe, act" },
		{ "[nearq]\nstate = var/lib\n", "nearq.conf:2: [nearq] state", "an absolute path" },
		{ "[nearq]\nmode = act\nmode = act\n", "nearq.conf:3: [nearq] mode", "line 2 has it" },
		{ "[policy]\ndwel_ms = 1\n", "nearq.conf:2: [policy] dwel_ms", "did you mean \"dwell_ms\"?" },
		{ "[policy]\nplacement = anywhere\n", "nearq.conf:2: [policy] placement", "best-fit, round-robin" },
		{ "[policy]\npresett = nearq\n", "nearq.conf:2: [policy] presett", "did you mean \"preset\"?" },
		{ "[policy]\npreset = esx\n", "nearq.conf:2: [policy] preset",
		  "found \"esx\"; allowed: nearq, static-vmq, dynamic-vmq, vrss, esx-home, esx-wide, numa-io, nuioa" },
		{ "[policy]\npreset = esx-hom\n", "nearq.conf:2: [policy] preset", "did you mean \"esx-home\"?" },
		{ "[policy]\npreset = nuioa\npreset = vrss\n", "nearq.conf:3: [policy] preset", "line 2 has it" },
		{ "[policy]\nqueue_split = 80 %\nqueue_consolidate = 81 %\n",
		  "nearq.conf:3: [policy] queue_consolidate",
		  "found \"810\"; allowed: at most queue_split, which is 800" },
		{ "[policy]\n\nqueue_split = 600\n", "nearq.conf:3: [policy] queue_split",
		  "found \"600\"; allowed: at least queue_consolidate, which is 700" },
		{ "[policy]\ncpu_quiet = 900\n", "nearq.conf:2: [policy] cpu_quiet", "at most cpu_busy, which is 800" },
		{ "[pool gold]\nmin = 3\nmax = 2\n", "nearq.conf:2: [pool gold] min", "at most max, which is 2" },
		{ "[pool llr]\nleave_pps = 2 pps\n", "nearq.conf:2: [pool llr] leave_pps",
		  "found \"2\"; allowed: at most enter_pps, which is 1" },
		{ "[pool hlt]\nenter_pps = 3\n", "nearq.conf:2: [pool hlt] enter_pps",
		  "found \"3\"; allowed: at least leave_pps, which is 20" },
		{ "[pool llr]\npriorty = 2\n", "nearq.conf:2: [pool llr] priorty", "did you mean \"priority\"?" },
		{ "[pool llr]\npriority = 1001\n", "nearq.conf:2: [pool llr] priority", "allowed: 0 - 1000" },
		{ "[pool llr]\ncriteria = spread\n", "nearq.conf:2: [pool llr] criteria", "balance, distribute, pack" },
		{ "[pool llr]\nfeatures = 3\n", "nearq.conf:2: [pool llr] features", "any, lro, rss, lro+rss" },
		{ "[pool llr]\nmin = 1\n[pool  llr]\nmin = 1\n", "nearq.conf:4: [pool  llr] min", "line 2 has it" },
		{ "[pool]\nmin = 1\n", "nearq.conf:2: [pool] min", "allowed: [pool NAME]" },
		{ "[pool two words]\nmin = 1\n", "nearq.conf:2: [pool two words] min", "allowed: [pool NAME]" },
		{ "[pool a-name-of-twenty-4-bytes]\nmin = 1\n", "nearq.conf:2:", "1 to 23 letters" },
		{ "[poool llr]\nmin = 1\n", "nearq.conf:2: [poool llr] min", "[pool NAME]" },
		{ "[policy]\ndwell_ms = 1\ndwell_ms = 2\n", "nearq.conf:3: [policy] dwell_ms", "line 2 has it" },
		{ "[polcy]\ndwell_ms = 1\n", "nearq.conf:2: [polcy] dwell_ms", "did you mean \"policy\"?" },
		{ "mode = act\n", "nearq.conf:1", "a [section] before the first key" },
		{ "[nearq\n", "nearq.conf:1", "allowed: [section]" },
		{ "[nearq]\nmode\n", "nearq.conf:2", "key = value" },
		{ "[nearq]\nmode = act # now\n", "nearq.conf:2: [nearq] mode", "found \"act # now\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nq_config *config = NULL;
		struct nq_fault fault = { 0 };

		write_file("nearq.conf", cases[i].text);
		assert_int_equal(nq_config_load(path, &config, &fault), -EBADMSG);
		assert_null(config);
		if (!strstr(fault.where, cases[i].where) || !strstr(fault.what, cases[i].what))
			fail_msg("%s: %s: %s", cases[i].text, fault.where, fault.what);
	}
}

static void long_and_binary_lines(void **state)
{
	struct nq_config *config = NULL;
	struct nq_fault fault = { 0 };
	char line[1200];
	FILE *stream;

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	write_file("nearq.conf", line);
	assert_int_equal(nq_config_load(path, &config, &fault), -EBADMSG);
	assert_non_null(strstr(fault.what, "1024 bytes"));
	stream = fopen(path, "w");
	fwrite("[nearq]\nmode = \0act\n", 1, 20, stream);
	fclose(stream);
	assert_int_equal(nq_config_load(path, &config, &fault), -EBADMSG);
	assert_non_null(strstr(fault.what, "zero bytes"));
	assert_non_null(strstr(fault.where, "nearq.conf:2"));
}

/* Later names win, whatever the order on disk; what is not .conf is not read. */
static void drop_ins(void **state)
{
	struct nq_config *config = NULL;
	struct nq_fault fault = { 0 };
	char name[96];

	(void)state;
	snprintf(name, sizeof(name), "%s.d", path);
	assert_int_equal(mkdir(name, 0755), 0);
	write_file("nearq.conf.d/20-b.conf", "[nearq]\ntick_ms = 200\n");
	write_file("nearq.conf.d/10-a.conf", "[nearq]\ntick_ms = 300\nmode = act\n");
	write_file("nearq.conf.d/99-off.conf.bak", "nonsense");
	write_file("nearq.conf.d/.30-hidden.conf", "nonsense");
	config = load("[nearq]\ntick_ms = 400\nstate = /x\n");
	assert_int_equal(config->tick_ms, 200);
	assert_int_equal(config->mode, NQ_MODE_ACT);
	assert_string_equal(config->state, "/x");
	nq_config_free(config);
	write_file("nearq.conf.d/30-c.conf", "[nearq]\ntick = 1\n");
	assert_int_equal(nq_config_load(path, &config, &fault), -EBADMSG);
	assert_non_null(strstr(fault.where, "30-c.conf:2"));
	remove_file("nearq.conf.d/10-a.conf");
	remove_file("nearq.conf.d/20-b.conf");
	remove_file("nearq.conf.d/30-c.conf");
}

static void absence(void **state)
{
	struct nq_config *config = NULL;
	struct nq_fault fault = { 0 };

	(void)state;
	assert_int_equal(nq_config_load("/nonexistent/nearq.conf", &config, &fault), -ENOENT);
	assert_string_equal(fault.where, "/nonexistent/nearq.conf");
	assert_int_equal(nq_config_new(&config), 0);
	assert_int_equal(config->mode, NQ_MODE_OBSERVE);
	assert_int_equal(config->tick_ms, 2000);
	assert_null(nq_config_free(config));
	assert_null(nq_config_free(NULL));
}

static void quantities(void **state)
{
	static const struct {
		const char *text, *bare, *unit;
		int r;
		uint64_t value;
	} cases[] = {
		{ "2000", "ms", "ms", 0, 2000 },
		{ "2", "s", "ms", 0, 2000 },
		{ "2 s", "ms", "ms", 0, 2000 },
		{ "2min", "ms", "ms", 0, 120000 },
		{ "5 %", "per mille", "per mille", 0, 50 },
		{ "5 per mille", "per mille", "per mille", 0, 5 },
		{ "3 kpps", "pps", "pps", 0, 3000 },
		{ "2 Mpps", "packets/s", "packets/s", 0, 2000000 },
		{ "2 packets/s", "packets/s", "packets/s", 0, 2 },
		{ "7 ns/s", "ns/s", "ns/s", 0, 7 },
		{ "7 ms", "ns/s", "ns/s", -EDOM, 0 },
		{ "7 pps", "ms", "ms", -EDOM, 0 },
		{ "1 us", "ms", "ms", -ERANGE, 0 },
		{ "18446744073709551616", "ns", "ns", -ERANGE, 0 },
		{ "18446744073709551615 h", "ms", "ms", -ERANGE, 0 },
		{ "", "ms", "ms", -EINVAL, 0 },
		{ "-1", "ms", "ms", -EINVAL, 0 },
		{ "1.5 s", "ms", "ms", -EINVAL, 0 },
		{ "ms", "ms", "ms", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t value = 0;

		assert_int_equal(nq_quantity_parse(cases[i].text, cases[i].bare, cases[i].unit, &value), cases[i].r);
		assert_int_equal(value, cases[i].value);
	}
}

static void nearest_words(void **state)
{
	struct nq_nearest nearest;

	(void)state;
	nq_nearest_init(&nearest, "statsu");
	nq_nearest_offer(&nearest, "restore");
	assert_null(nearest.best);
	nq_nearest_offer(&nearest, "status");
	nq_nearest_offer(&nearest, "state");
	assert_string_equal(nearest.best, "status");
	nq_nearest_init(&nearest, "");
	nq_nearest_offer(&nearest, "status");
	assert_null(nearest.best);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(printed_is_read_back),
		cmocka_unit_test(faults),
		cmocka_unit_test(drop_ins),
		cmocka_unit_test(long_and_binary_lines),
		cmocka_unit_test(absence),
		cmocka_unit_test(quantities),
		cmocka_unit_test(nearest_words),
		cmocka_unit_test(presets),
		cmocka_unit_test(presets_and_drop_ins),
		cmocka_unit_test(many_pools),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
