/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The loop, with a source and an applier of this file's own in the place of host/: what it does at its start, in a
 * tick, when something fails, and at its end; in which order; and what of it is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/loop.h"
#include "host/observe.h"

#include <errno.h>
#include <nearq/serial.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What happened, in order, a letter each: O observe, A apply, R restore, T told a tick, E error, I info, S source
 * opened */
static struct {
	char log[256];
	struct nq_host *host, *planned;
	bool live;   /* the first observation has no rates */
	bool follow; /* after an apply the host is as planned */
	bool applied;
	unsigned observed;
	unsigned blind;	  /* observations that fail, from the first */
	int held;	  /* settings in the journal */
	int apply_result; /* of the applier */
	enum nq_outcome_kind outcome;
	int restore_result;
	int tick_result;     /* of the listener */
	unsigned stop_after; /* ticks until it asks the loop to stop by a signal */
	enum nq_verdict verdicts[16];
	bool helds[16];
	uint32_t actions[16];
	unsigned ticks;
	char said[512];
} world;

static void happened(char what)
{
	size_t length = strlen(world.log);

	assert_true(length + 1 < sizeof(world.log));
	world.log[length] = what;
}

/* ---- in the place of host/ ---- */

struct nq_source {
	int unused;
};

struct nq_applier {
	int unused;
};

static struct nq_source source;
static struct nq_applier applier;

int nq_source_open(const char *from, const struct nq_source_options *options, struct nq_source **ret,
		   struct nq_fault *ret_fault)
{
	(void)from;
	(void)ret_fault;
	assert_non_null(options->exclude);
	happened('S');
	*ret = &source;
	return 0;
}

struct nq_source *nq_source_close(struct nq_source *closed)
{
	(void)closed;
	return NULL;
}

enum nq_source_kind nq_source_kind(const struct nq_source *asked)
{
	(void)asked;
	return world.live ? NQ_SOURCE_LIVE : NQ_SOURCE_SNAPSHOT;
}

int nq_source_observe(struct nq_source *observed, struct nq_host **ret, struct nq_fault *ret_fault)
{
	int r;

	(void)observed;
	happened('O');
	if (world.observed++ < world.blind) {
		nq_fault_set(ret_fault, "fake", "nothing to see");
		return -EIO;
	}
	r = nq_host_copy(world.follow && world.applied ? world.planned : world.host, ret);
	if (r == 0 && world.live && world.observed == 1)
		(*ret)->interval_ns = 0;
	return r;
}

int nq_applier_open(const char *state, struct nq_applier **ret, struct nq_fault *ret_fault)
{
	(void)ret_fault;
	assert_string_equal(state, "/state");
	*ret = &applier;
	return 0;
}

struct nq_applier *nq_applier_close(struct nq_applier *closed)
{
	(void)closed;
	return NULL;
}

int nq_applier_held(struct nq_applier *asked)
{
	(void)asked;
	return world.held;
}

int nq_applier_apply(struct nq_applier *acting, const struct nq_host *host, const struct nq_plan *plan,
		     struct nq_outcome *outcomes)
{
	(void)acting;
	(void)host;
	happened('A');
	if (world.apply_result < 0)
		return world.apply_result;
	for (uint32_t i = 0; i < plan->n_actions; i++)
		outcomes[i].kind = world.outcome;
	world.applied = plan->n_actions > 0;
	return world.outcome == NQ_OUTCOME_DONE ? 0 : (int)plan->n_actions;
}

int nq_applier_restore(struct nq_applier *acting, bool force, nq_restored_fn report, void *userdata)
{
	struct nq_outcome outcome = { .kind = NQ_OUTCOME_DONE };

	(void)acting;
	assert_false(force);
	happened('R');
	report("irq", "57", "0-3", &outcome, userdata);
	world.held = 0;
	return world.restore_result;
}

/* ---- the listener ---- */

static int on_tick(const struct nq_loop_tick *tick, void *userdata)
{
	(void)userdata;
	happened('T');
	assert_true(world.ticks < 16);
	assert_int_equal(tick->number, world.ticks + 1);
	world.verdicts[world.ticks] = tick->verified->verdict;
	world.helds[world.ticks] = tick->held;
	world.actions[world.ticks] = tick->outcomes ? tick->plan->n_actions : 0;
	world.ticks++;
	if (world.ticks == world.stop_after)
		kill(getpid(), SIGTERM);
	return world.tick_result;
}

static void on_message(enum nq_loop_level level, const char *text, void *userdata)
{
	(void)userdata;
	happened(level == NQ_LOOP_ERROR ? 'E' : 'I');
	snprintf(world.said, sizeof(world.said), "%s", text);
}

static void on_restored(const char *kind, const char *key, const char *value, const struct nq_outcome *outcome,
			void *userdata)
{
	(void)key;
	(void)value;
	(void)userdata;
	assert_string_equal(kind, "irq");
	assert_int_equal(outcome->kind, NQ_OUTCOME_DONE);
}

static int run(struct nq_loop_options options, struct nq_fault *fault)
{
	static const struct nq_loop_events events = { on_tick, on_message, on_restored };

	options.state = "/state";
	options.config = CONFIG;
	options.tick_ms = 5;
	return nq_loop_run(&options, &events, NULL, fault);
}

static struct nq_host *read_host(void)
{
	FILE *stream = fopen(FIGURES "/figure-5.json", "r");
	struct nq_host *host = NULL;
	struct nq_fault fault = { 0 };

	assert_non_null(stream);
	assert_int_equal(nq_snapshot_read(stream, "figure-5", &host, &fault), 0);
	fclose(stream);
	return host;
}

static int setup(void **state)
{
	struct nq_policy policy;
	struct nq_plan *plan = NULL;

	(void)state;
	memset(&world, 0, sizeof(world));
	world.host = read_host();
	nq_policy_init(&policy);
	assert_int_equal(nq_plan_make(world.host, &policy, NULL, &plan), 0);
	assert_int_equal(nq_plan_apply(world.host, &policy, plan, &world.planned), 0);
	nq_plan_free(plan);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	nq_host_free(world.host);
	nq_host_free(world.planned);
	return 0;
}

/* ---- tests ---- */

static void observing_writes_nothing(void **state)
{
	struct nq_fault fault = { 0 };

	(void)state;
	world.stop_after = 3;
	assert_int_equal(run((struct nq_loop_options){ .act = false }, &fault), 0);
	assert_string_equal(world.log, "SOTOTOTI");
	assert_int_equal(world.actions[0], 0);
}

static void once_ends_after_one_tick(void **state)
{
	struct nq_fault fault = { 0 };

	(void)state;
	assert_int_equal(run((struct nq_loop_options){ .once = true }, &fault), 0);
	assert_string_equal(world.log, "SOT");
}

/* A live host's first look has no rates: no plan, no tick. */
static void first_look_has_no_rates(void **state)
{
	struct nq_fault fault = { 0 };

	(void)state;
	world.live = true;
	assert_int_equal(run((struct nq_loop_options){ .once = true }, &fault), 0);
	assert_string_equal(world.log, "SOOT");
}

static void acts_verifies_and_puts_back(void **state)
{
	struct nq_fault fault = { 0 };

	(void)state;
	world.follow = true;
	world.stop_after = 3;
	assert_int_equal(run((struct nq_loop_options){ .act = true }, &fault), 0);
	assert_string_equal(world.log, "SOATOATOATIR");
	assert_true(world.actions[0] >= 4);
	assert_int_equal(world.actions[1], 0);
	assert_int_equal(world.verdicts[0], NQ_VERDICT_NONE);
	assert_int_equal(world.verdicts[1], NQ_VERDICT_PAID);
	assert_int_equal(world.verdicts[2], NQ_VERDICT_NONE);
}

/* While the counters do not show what was promised, the next plan waits; then the verdict is told, once. */
static void next_plan_waits_for_the_verdict(void **state)
{
	struct nq_fault fault = { 0 };

	(void)state;
	world.stop_after = 1 + NQ_VERIFY_TICKS;
	assert_int_equal(run((struct nq_loop_options){ .act = true, .keep = true }, &fault), 0);
	assert_string_equal(world.log, "SOATOTOTOATI");
	for (unsigned i = 1; i < NQ_VERIFY_TICKS; i++) {
		assert_int_equal(world.verdicts[i], NQ_VERDICT_WAIT);
		assert_true(world.helds[i]);
	}
	assert_int_equal(world.verdicts[NQ_VERIFY_TICKS], NQ_VERDICT_MISSED);
	/* What has just been moved is not moved again: it dwells. What did not move may be. */
	assert_true(world.actions[NQ_VERIFY_TICKS] < world.actions[0]);
}

/* An action that failed starts no dwell and promises nothing: it is planned again at once. */
static void failed_actions_are_not_learnt(void **state)
{
	struct nq_fault fault = { 0 };

	(void)state;
	world.outcome = NQ_OUTCOME_REFUSED;
	world.stop_after = 2;
	assert_true(run((struct nq_loop_options){ .act = true }, &fault) >= 8);
	assert_string_equal(world.log, "SOATOATIR");
	assert_int_equal(world.actions[0], world.actions[1]);
	assert_int_equal(world.verdicts[1], NQ_VERDICT_NONE);
}

static void keep_leaves_settings(void **state)
{
	struct nq_fault fault = { 0 };

	(void)state;
	assert_int_equal(run((struct nq_loop_options){ .act = true, .keep = true, .once = true }, &fault), 0);
	assert_string_equal(world.log, "SOAT");
}

/* A5: what a killed run left is put back before anything is looked at. */
static void leftovers_first(void **state)
{
	struct nq_fault fault = { 0 };

	(void)state;
	world.held = 7;
	assert_int_equal(run((struct nq_loop_options){ .act = true, .once = true }, &fault), 0);
	assert_string_equal(world.log, "IRSOATR");
	assert_non_null(strstr(world.said, "7 settings"));
}

static void what_is_owed_is_paid_after_a_failure(void **state)
{
	struct nq_fault fault = { 0 };

	(void)state;
	world.apply_result = -EIO;
	assert_int_equal(run((struct nq_loop_options){ .act = true }, &fault), -EIO);
	assert_string_equal(world.log, "SOAR");
	assert_non_null(strstr(fault.what, "cannot act"));
}

/* Standard output is gone: stop, put back, fail. */
static void listener_that_fails_stops_the_loop(void **state)
{
	struct nq_fault fault = { 0 };

	(void)state;
	world.tick_result = -EPIPE;
	assert_int_equal(run((struct nq_loop_options){ .act = true }, &fault), -EPIPE);
	assert_string_equal(world.log, "SOATR");
}

static void settings_that_stay_are_counted(void **state)
{
	struct nq_fault fault = { 0 };

	(void)state;
	world.restore_result = 2;
	assert_int_equal(run((struct nq_loop_options){ .act = true, .once = true }, &fault), 2);
}

/* A host that cannot be seen for a while is said once, and the loop goes on. */
static void blindness_is_said_once(void **state)
{
	struct nq_fault fault = { 0 };

	(void)state;
	world.blind = 3;
	world.stop_after = 1;
	assert_int_equal(run((struct nq_loop_options){ 0 }, &fault), 0);
	assert_string_equal(world.log, "SOEOOOTI");
}

static void blindness_ends_a_single_tick(void **state)
{
	struct nq_fault fault = { 0 };

	(void)state;
	world.blind = 1;
	assert_int_equal(run((struct nq_loop_options){ .once = true }, &fault), -EIO);
	assert_string_equal(fault.where, "fake");
}

static void ends_after_its_time(void **state)
{
	struct nq_fault fault = { 0 };

	(void)state;
	assert_int_equal(run((struct nq_loop_options){ .for_ms = 60 }, &fault), 0);
	assert_true(world.ticks >= 2);
	assert_true(world.ticks <= 13);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(observing_writes_nothing),
		TEST(once_ends_after_one_tick),
		TEST(first_look_has_no_rates),
		TEST(acts_verifies_and_puts_back),
		TEST(next_plan_waits_for_the_verdict),
		TEST(failed_actions_are_not_learnt),
		TEST(keep_leaves_settings),
		TEST(leftovers_first),
		TEST(what_is_owed_is_paid_after_a_failure),
		TEST(listener_that_fails_stops_the_loop),
		TEST(settings_that_stay_are_counted),
		TEST(blindness_is_said_once),
		TEST(blindness_ends_a_single_tick),
		TEST(ends_after_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
