/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* N5: what `nearq run` tells of ticks, with a loop of this file's own that says what a real one says on a NUMA host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "daemon/loop.h"

#include <errno.h>
#include <jansson.h>
#include <nearq/serial.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the loop is to tell, and to return. */
static struct {
	struct nq_host *host;
	struct nq_plan *plan;
	struct nq_outcome *outcomes;
	struct nq_verification verified;
	bool acting, held;
	enum nq_outcome_kind restored; /* of one setting at the end; COUNT: none was restored */
	int result, told;
} world;

static struct nq_promise promises[] = { { { { 2, 0, 0, 0, 0, 7 } }, 900, 0, 40 },
					{ { { 2, 0, 0, 0, 0, 8 } }, 500, 100, 500 } };
static char out[65536], err[4096];

int nq_loop_run(const struct nq_loop_options *options, const struct nq_loop_events *events, void *userdata,
		struct nq_fault *ret_fault)
{
	const struct nq_loop_tick tick = { 1,	       world.host,     world.plan, world.acting ? world.outcomes : NULL,
					   world.held, &world.verified };
	struct nq_outcome outcome = { .kind = world.restored, .detail = "because" };

	assert_true(options->once);
	nq_fault_set(ret_fault, "there", "went wrong");
	world.told = events->tick(&tick, userdata);
	if (world.restored != NQ_OUTCOME_COUNT)
		events->restored("irq", "57", "0-3", &outcome, userdata);
	events->message(NQ_LOOP_ERROR, "said", userdata);
	return world.told < 0 ? world.told : world.result;
}

static int setup(void **state)
{
	const char *path = FIGURES "/figure-5.json";
	FILE *stream = fopen(path, "r");
	struct nq_fault fault;
	struct nq_policy policy;

	(void)state;
	memset(&world, 0, sizeof(world));
	world.restored = NQ_OUTCOME_COUNT;
	nq_policy_init(&policy);
	if (!stream || nq_snapshot_read(stream, path, &world.host, &fault) < 0 ||
	    nq_plan_make(world.host, &policy, NULL, &world.plan) < 0)
		return -1;
	fclose(stream);
	world.outcomes = calloc(world.plan->n_actions, sizeof(*world.outcomes));
	return world.outcomes ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(world.outcomes);
	nq_plan_free(world.plan);
	nq_host_free(world.host);
	return 0;
}

/* Sends a stream to a file; the descriptor that it had. */
static int divert(FILE *stream, FILE *to)
{
	int kept = dup(fileno(stream));

	fflush(stream);
	assert_true(kept >= 0 && dup2(fileno(to), fileno(stream)) >= 0);
	return kept;
}

static void bring_back(FILE *stream, int kept, FILE *from, char *ret, size_t size)
{
	fflush(stream);
	assert_true(dup2(kept, fileno(stream)) >= 0);
	close(kept);
	rewind(from);
	ret[fread(ret, 1, size - 1, from)] = '\0';
	fclose(from);
}

static enum nq_exit run(enum nq_output format)
{
	struct nq_cli cli = { .options = { .once = true, .act = world.acting, .format = format }, .width = 80 };
	FILE *out_file = tmpfile(), *err_file = tmpfile();
	int kept_out = divert(stdout, out_file), kept_err = divert(stderr, err_file);
	enum nq_exit code = nq_verb_run(&cli);

	bring_back(stdout, kept_out, out_file, out, sizeof(out));
	bring_back(stderr, kept_err, err_file, err, sizeof(err));
	return code;
}

static void verify(enum nq_verdict verdict)
{
	world.verified = (struct nq_verification){ verdict, 3, 667, 0, 250, promises, 2 };
}

static void a_verdict_is_told_with_its_promises(void **state)
{
	(void)state;
	verify(NQ_VERDICT_PART);
	assert_int_equal(run(NQ_OUTPUT_TABLE), NQ_EXIT_OK);
	assert_non_null(strstr(out, "part after 3 ticks; remote 25 %, predicted 0 %, before 66.7 %"));
	assert_non_null(strstr(out, "02:00:00:00:00:07"));
	verify(NQ_VERDICT_WAIT);
	world.verified.ticks = 1;
	assert_int_equal(run(NQ_OUTPUT_TABLE), NQ_EXIT_OK);
	assert_non_null(strstr(out, "waiting after 1 tick; "));
	assert_null(strstr(out, "02:00:00:00:00:07")); /* not final */
	verify(NQ_VERDICT_NONE);
	assert_int_equal(run(NQ_OUTPUT_TABLE), NQ_EXIT_OK);
	assert_null(strstr(out, "verified"));
}

static void a_program_reads_one_line(void **state)
{
	json_t *told, *promise;

	(void)state;
	world.acting = true;
	verify(NQ_VERDICT_MISSED);
	assert_int_equal(run(NQ_OUTPUT_JSON), NQ_EXIT_OK);
	assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
	told = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(told);
	assert_string_equal(json_string_value(json_object_get(told, "verdict")), "missed");
	assert_true(json_is_true(json_object_get(told, "acting")));
	assert_int_equal(json_array_size(json_object_get(told, "promises")), 2);
	promise = json_array_get(json_object_get(told, "promises"), 0);
	assert_string_equal(json_string_value(json_object_get(promise, "mac")), "02:00:00:00:00:07");
	assert_int_equal(json_integer_value(json_object_get(promise, "before_permille")), 900);
	assert_int_equal(json_integer_value(json_object_get(promise, "predicted_permille")), 0);
	assert_int_equal(json_integer_value(json_object_get(promise, "realised_permille")), 40);
	assert_int_equal(json_array_size(json_object_get(told, "actions")), world.plan->n_actions);
	json_decref(told);
}

static void held_actions_are_counted_not_listed(void **state)
{
	char counted[64];

	(void)state;
	world.held = true;
	snprintf(counted, sizeof(counted), "%u actions wait for the verdict", world.plan->n_actions);
	assert_int_equal(run(NQ_OUTPUT_TABLE), NQ_EXIT_OK);
	assert_non_null(strstr(out, counted));
	assert_null(strstr(out, "OUTCOME"));
}

static void failures_reach_the_exit_code(void **state)
{
	(void)state;
	world.acting = true;
	world.result = 2;
	world.outcomes[0].kind = NQ_OUTCOME_UNDONE;
	world.restored = NQ_OUTCOME_STUCK;
	assert_int_equal(run(NQ_OUTPUT_TABLE), NQ_EXIT_FAILED);
	assert_non_null(strstr(out, "undone"));
	assert_non_null(strstr(err, "nearq: irq 57: stuck, because\n"));
	assert_non_null(strstr(err, "nearq: 2 actions or settings did not end as wanted\n"));
	world.result = 0;
	world.restored = NQ_OUTCOME_DONE;
	assert_int_equal(run(NQ_OUTPUT_TABLE), NQ_EXIT_OK);
	assert_non_null(strstr(err, "nearq: restored irq 57 to \"0-3\"\nnearq: said\n"));
	world.result = -EBUSY;
	assert_int_equal(run(NQ_OUTPUT_TABLE), NQ_EXIT_BUSY);
	assert_non_null(strstr(err, "there: went wrong"));
}

static void acting_needs_something_to_manage(void **state)
{
	(void)state;
	world.host->n_vnics = 0;
	world.host->n_queues = 0;
	world.host->n_pnics = 0;
	world.host->n_vms = 0;
	world.plan->n_actions = 0;
	assert_int_equal(run(NQ_OUTPUT_TABLE), NQ_EXIT_OK); /* observing goes on */
	assert_int_equal(world.told, 0);
	assert_non_null(strstr(err, "nothing to manage: "));
	world.acting = true;
	assert_int_equal(run(NQ_OUTPUT_TABLE), NQ_EXIT_NOTHING);
	assert_int_equal(world.told, -ENODATA);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(a_verdict_is_told_with_its_promises), TEST(a_program_reads_one_line),
		TEST(held_actions_are_counted_not_listed), TEST(failures_reach_the_exit_code),
		TEST(acting_needs_something_to_manage),
	};

	return cmocka_run_group_tests_name("N5 what run tells", tests, NULL, NULL);
}
