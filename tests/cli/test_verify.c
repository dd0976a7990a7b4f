/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verification: the promise of what was really done, held against the counters of the ticks after. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/verify.h"

#include <nearq/serial.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
	struct nq_host *host; /* figure 5: four of six vnics remote */
	struct nq_plan *plan;
	bool *done;
	struct nq_verification verification;
};

static struct nq_host *read_host(const char *path)
{
	FILE *stream = fopen(path, "r");
	struct nq_host *host = NULL;
	struct nq_fault fault = { 0 };

	assert_non_null(stream);
	assert_int_equal(nq_snapshot_read(stream, path, &host, &fault), 0);
	fclose(stream);
	return host;
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct nq_policy policy;

	nq_policy_init(&policy);
	fixture->host = read_host(FIGURES "/figure-5.json");
	assert_int_equal(nq_plan_make(fixture->host, &policy, NULL, &fixture->plan), 0);
	assert_true(fixture->plan->n_actions >= 4);
	fixture->done = calloc(fixture->plan->n_actions, sizeof(*fixture->done));
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	nq_verify_clear(&fixture->verification);
	free(fixture->done);
	nq_plan_free(fixture->plan);
	nq_host_free(fixture->host);
	free(fixture);
	return 0;
}

static void promise(struct fixture *fixture, uint32_t n_done)
{
	struct nq_policy policy;

	nq_policy_init(&policy);
	for (uint32_t i = 0; i < n_done; i++)
		fixture->done[i] = true;
	assert_int_equal(
		nq_verify_promise(&fixture->verification, fixture->host, &policy, fixture->plan, fixture->done), 0);
}

static enum nq_verdict tick(struct fixture *fixture, const struct nq_host *host)
{
	nq_verify_tick(&fixture->verification, host);
	return fixture->verification.verdict;
}

static void shares(void **state)
{
	struct fixture *fixture = *state;
	struct nq_share share = nq_share_of_host(fixture->host);

	assert_int_equal(share.vnics, 6);
	assert_int_equal(share.remote_vnics, 4);
	assert_int_equal(nq_share_permille(&share), 667);
	assert_int_equal(share.how, NQ_SERVED_MEASURED);
	/* One estimate makes the sum an estimate; a silent vnic does not. */
	fixture->host->vnics[0].served_by = NQ_SERVED_ESTIMATED;
	assert_int_equal(nq_share_of_host(fixture->host).how, NQ_SERVED_ESTIMATED);
	fixture->host->vnics[0].served_by = NQ_SERVED_UNKNOWN;
	assert_int_equal(nq_share_of_host(fixture->host).how, NQ_SERVED_MEASURED);
	assert_int_equal(nq_share_of_host(fixture->host).packets, share.packets - 50000);
}

static void few_remote_packets_are_local(void **state)
{
	struct fixture *fixture = *state;
	struct nq_vnic *vnic = &fixture->host->vnics[0];

	vnic->served[0] = 9600;
	vnic->served[1] = 400;
	assert_int_equal(nq_share_of_vnic(fixture->host, 0).remote_vnics, 0);
	vnic->served[0] = 9500;
	vnic->served[1] = 500;
	assert_int_equal(nq_share_of_vnic(fixture->host, 0).remote_vnics, 1);
}

static void paid(void **state)
{
	struct fixture *fixture = *state;
	struct nq_host *after = NULL;
	struct nq_policy policy;

	nq_policy_init(&policy);
	promise(fixture, fixture->plan->n_actions);
	assert_int_equal(fixture->verification.verdict, NQ_VERDICT_WAIT);
	assert_int_equal(fixture->verification.before, 667);
	assert_int_equal(fixture->verification.predicted, 0);
	assert_int_equal(fixture->verification.n_promises, 4);
	assert_int_equal(nq_plan_apply(fixture->host, &policy, fixture->plan, &after), 0);
	assert_int_equal(tick(fixture, after), NQ_VERDICT_PAID);
	assert_int_equal(fixture->verification.ticks, 1);
	assert_true(nq_verify_is_final(&fixture->verification));
	for (uint32_t i = 0; i < fixture->verification.n_promises; i++)
		assert_int_equal(fixture->verification.promises[i].realised, 0);
	/* Said once. */
	assert_int_equal(tick(fixture, after), NQ_VERDICT_NONE);
	nq_host_free(after);
}

static void missed(void **state)
{
	struct fixture *fixture = *state;

	promise(fixture, fixture->plan->n_actions);
	for (unsigned i = 1; i < NQ_VERIFY_TICKS; i++)
		assert_int_equal(tick(fixture, fixture->host), NQ_VERDICT_WAIT);
	assert_int_equal(tick(fixture, fixture->host), NQ_VERDICT_MISSED);
}

static void better_but_not_as_promised(void **state)
{
	struct fixture *fixture = *state;
	struct nq_vnic *vnic = &fixture->host->vnics[1];

	promise(fixture, fixture->plan->n_actions);
	vnic->served[0] = vnic->served[1];
	vnic->served[1] = 0;
	for (unsigned i = 1; i < NQ_VERIFY_TICKS; i++)
		assert_int_equal(tick(fixture, fixture->host), NQ_VERDICT_WAIT);
	assert_int_equal(tick(fixture, fixture->host), NQ_VERDICT_PART);
	assert_int_equal(fixture->verification.realised, 500);
}

/* Without packets nobody knows where they would be served: such ticks do not count. */
static void silence_is_no_verdict(void **state)
{
	struct fixture *fixture = *state;

	promise(fixture, fixture->plan->n_actions);
	for (uint32_t i = 0; i < fixture->host->n_vnics; i++)
		memset(fixture->host->vnics[i].served, 0, fixture->host->n_nodes * sizeof(uint64_t));
	for (unsigned i = 0; i < 2 * NQ_VERIFY_TICKS; i++)
		assert_int_equal(tick(fixture, fixture->host), NQ_VERDICT_WAIT);
	assert_int_equal(fixture->verification.ticks, 0);
}

/* A failed action promises nothing: what is predicted is only what was done. */
static void only_what_was_done(void **state)
{
	struct fixture *fixture = *state;

	promise(fixture, 0);
	assert_int_equal(fixture->verification.verdict, NQ_VERDICT_NONE);
	promise(fixture, 1);
	assert_int_equal(fixture->verification.predicted, 500);
	assert_int_equal(fixture->verification.n_promises, 1);
}

static void verdicts_have_names(void **state)
{
	(void)state;
	for (enum nq_verdict i = 0; i < NQ_VERDICT_COUNT; i++)
		assert_non_null(nq_verdict_name(i));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(shares),
		TEST(few_remote_packets_are_local),
		TEST(paid),
		TEST(missed),
		TEST(better_but_not_as_promised),
		TEST(silence_is_no_verdict),
		TEST(only_what_was_done),
		TEST(verdicts_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
