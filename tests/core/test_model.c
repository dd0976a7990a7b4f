/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pools, entitlement, clients and lanes in the host, in its canonical order, and in the JSON forms of host and plan. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "build_host.h"
#include "core/action.h"
#include "core/canon.h"

/* Two nodes of two cores with two threads each, and a vm that is told to have so many vCPUs, at home on both. */
static struct nq_host *wide_host(uint32_t cpus)
{
	struct nq_host *host = build_host(2, 4);

	for (uint32_t i = 0; i < host->n_cpus; i++)
		host->cpus[i].core = host->cpus[i].id / 2 * 2;
	build_vm(host, NQ_NONE);
	host->vms[0].cpus = cpus;
	return host;
}

/* H4: each node as many as it has cores, threads not counted, in order of the nodes; what is left over evenly. */
static void h4_clients_by_cores(void **state)
{
	static const uint32_t cases[][3] = { { 1, 1, 0 }, { 2, 2, 0 }, { 3, 2, 1 },	  { 4, 2, 2 },
					     { 5, 3, 2 }, { 8, 4, 4 }, { 1001, 501, 500 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nq_host *host = wide_host(cases[i][0]);
		uint32_t clients[2];

		nq_vm_clients(host, 0, clients);
		assert_int_equal(clients[0], cases[i][1]);
		assert_int_equal(clients[1], cases[i][2]);
		nq_host_free(host);
	}
}

/* As observed when that is known; only nodes of the home; nodes in order of their ids; offline cores do not count. */
static void h4_clients_of_the_home(void **state)
{
	struct nq_host *host = wide_host(3);
	uint32_t clients[2];

	(void)state;
	host->nodes[0].id = 7;
	nq_vm_clients(host, 0, clients);
	assert_int_equal(clients[0], 1);
	assert_int_equal(clients[1], 2);
	/* The first thread of a core is offline, the second is not: still a core. Then the whole core is gone. */
	host->cpus[4].online = false;
	nq_vm_clients(host, 0, clients);
	assert_int_equal(clients[1], 2);
	host->cpus[5].online = false;
	nq_vm_clients(host, 0, clients);
	assert_int_equal(clients[1], 1);
	assert_int_equal(clients[0], 2);
	/* Cores with numbers beyond those of any Linux. */
	for (uint32_t i = 0; i < host->n_cpus; i++)
		host->cpus[i].core += 1000000;
	nq_vm_clients(host, 0, clients);
	assert_int_equal(clients[1], 1);
	nq_nodeset_remove(&host->vms[0].home, 1);
	nq_vm_clients(host, 0, clients);
	assert_int_equal(clients[0], 3);
	assert_int_equal(clients[1], 0);
	nq_nodeset_add(&host->vms[0].home, 1);
	host->vms[0].cpus_on[1] = 3;
	nq_vm_clients(host, 0, clients);
	assert_int_equal(clients[0], 0);
	assert_int_equal(clients[1], 3);
	nq_host_free(host);
}

/* A host with everything the planner was given later. */
static struct nq_host *full_host(void)
{
	struct nq_host *host = build_host(2, 4);
	uint32_t pnic = build_pnic(host, 0, NQ_STEER_NTUPLE);

	host->name = "full";
	host->can_migrate = true;
	host->nodes[1].busy = 1500;
	host->cpus[2].busy = 2500;
	host->pnics[pnic].rss_contexts = 7;
	build_queue(host, pnic, NQ_ROLE_DEFAULT, 0);
	for (uint32_t i = 0; i < 3; i++)
		build_queue(host, pnic, NQ_ROLE_ASSIGNED, i);
	host->queues[1].features = NQ_FEATURE_LRO;
	host->queues[2].features = NQ_FEATURE_ALL;
	host->queues[2].coalesce_us = 0;
	build_vm(host, NQ_NONE);
	host->vms[0].pool = "llr";
	host->vms[0].shares = NQ_MAX_SHARES;
	host->vms[0].reservation = 500;
	host->vms[0].limit = NQ_MAX_BUSY;
	host->vms[0].cpus = 5;
	host->vms[0].cpus_on[0] = 2;
	host->vms[0].cpus_on[1] = 3;
	build_vnic(host, 0, 2, pnic, 1000);
	host->vnics[0].virtqueues = 4;
	host->vnics[0].n_spread = 2;
	host->vnics[0].spread[0] = 3;
	host->vnics[0].spread[1] = 1;
	return host;
}

static void valid(const struct nq_host *host)
{
	struct nq_violation violation = { 0 };
	struct nq_fault fault = { "", "" };

	if (nq_host_check(host, &violation) == 0)
		return;
	nq_explain_violation(host, &violation, &fault);
	fail_msg("%s: %s", fault.where, fault.what);
}

/* Written and read back it is the same value; a copy shares nothing with its original. */
static void snapshot_round_trip(void **state)
{
	struct nq_host *host = full_host(), *copy = NULL, *read = NULL;
	char *text = support_snapshot_text(host), *again;
	struct nq_fault fault = { "", "" };

	(void)state;
	valid(host);
	support_golden("all-fields.json", text);
	assert_non_null(strstr(text, "\"can_migrate\": true"));
	assert_non_null(strstr(text, "\"features\": \"lro+rss\", \"coalesce_us\": 0"));
	assert_non_null(strstr(text, "\"pool\": \"llr\", \"shares\": 1000000, \"reservation\": 500, "
				     "\"limit\": 100000000, \"cpus_on\": {\"0\": 2, \"1\": 3}"));
	assert_non_null(strstr(text, "\"rx_queue\": \"eth0/2\", \"spread\": [\"eth0/3\", \"eth0/1\"], "
				     "\"virtqueues\": 4"));
	assert_int_equal(support_host_from_text(text, strlen(text), &read, &fault), 0);
	assert_int_equal(nq_host_copy(host, &copy), 0);
	host->vms[0].cpus_on[0] = 9;
	nq_host_free(host);
	again = support_snapshot_text(read);
	assert_string_equal(text, again);
	free(again);
	again = support_snapshot_text(copy);
	assert_string_equal(text, again);
	free(again);
	free(text);
	nq_host_free(copy);
	nq_host_free(read);
}

/* A snapshot from before all that is read with the builder's defaults. */
static void old_snapshot(void **state)
{
	static const char *const keys[] = { "can_migrate", "features",	  "coalesce_us", "pool",
					    "shares",	   "reservation", "limit",	 "virtqueues" };
	struct nq_host *host = build_host(2, 1), *read = NULL;
	struct nq_fault fault = { "", "" };
	char *text;

	(void)state;
	build_queue(host, build_pnic(host, 0, NQ_STEER_XDP), NQ_ROLE_DEFAULT, 0);
	build_vnic(host, build_vm(host, 0), NQ_NONE, 0, 10);
	text = support_snapshot_text(host);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char *key = strstr(text, keys[i]), *start = key - 1, *end = strchr(key, ',');

		assert_non_null(key);
		memmove(start, end + 1, strlen(end + 1) + 1);
	}
	if (support_host_from_text(text, strlen(text), &read, &fault) < 0)
		fail_msg("%s: %s", fault.where, fault.what);
	assert_false(read->can_migrate);
	assert_int_equal(read->nodes[0].busy, NQ_NONE);
	assert_int_equal(read->queues[0].coalesce_us, NQ_NONE);
	assert_string_equal(read->vms[0].pool, "");
	assert_int_equal(read->vms[0].shares, 1000);
	assert_int_equal(read->vms[0].limit, NQ_NONE);
	assert_int_equal(read->vnics[0].virtqueues, 1);
	assert_int_equal(read->vnics[0].n_spread, 0);
	free(text);
	nq_host_free(read);
	nq_host_free(host);
}

static void swap_vms(struct nq_host *host)
{
	struct nq_vm vm = host->vms[0];

	host->vms[0] = host->vms[1];
	host->vms[1] = vm;
	for (uint32_t i = 0; i < host->n_vnics; i++)
		host->vnics[i].vm ^= 1;
}

/* A host that is in canonical order is taken as it is; one in another order is sorted, clients and lanes with it. */
static void canonical_order(void **state)
{
	struct nq_host *host = full_host();
	struct nq_nodeset set = { 0 };
	struct nq_canon *canon = NULL;

	(void)state;
	build_vm(host, 1);
	assert_int_equal(nq_canon_new(host, &canon), 0);
	assert_ptr_equal(canon->host, host);
	assert_int_equal(nq_canon_original(canon, NQ_ARRAY_VMS, 1), 1);
	assert_int_equal(nq_canon_original(canon, NQ_ARRAY_VMS, NQ_NONE), NQ_NONE);
	nq_nodeset_add(&set, 1);
	set = nq_canon_original_set(canon, &set);
	assert_int_equal(nq_nodeset_single(&set), 1);
	nq_canon_free(canon);

	swap_vms(host);
	host->nodes[0].id = 5;
	host->queues[1].index = 9;
	assert_int_equal(nq_canon_new(host, &canon), 0);
	assert_ptr_not_equal(canon->host, host);
	valid(canon->host);
	assert_string_equal(canon->host->vms[0].name, "vm0");
	assert_int_equal(canon->host->vms[0].cpus_on[1], 2);
	assert_int_equal(canon->host->vms[0].cpus_on[0], 3);
	assert_int_equal(canon->host->queues[canon->host->vnics[0].spread[1]].index, 9);
	assert_int_equal(canon->host->queues[canon->host->vnics[0].spread[0]].index, 3);
	assert_int_equal(nq_canon_original(canon, NQ_ARRAY_VMS, 0), 1);
	set = nq_canon_original_set(canon, &set);
	assert_int_equal(nq_nodeset_single(&set), 0);
	nq_canon_free(canon);
	nq_host_free(host);
}

/* Keys in order are compared with their neighbours; the same key twice is found there as in any other order. */
static void twice_in_any_order(void **state)
{
	(void)state;
	for (int order = 0; order < 2; order++) {
		struct nq_host *host = build_host(2, 1);
		struct nq_violation violation = { 0 };

		for (uint32_t i = 0; i < 4; i++)
			build_vm(host, 0);
		host->vms[order ? 3 : 2].name = host->vms[order ? 0 : 1].name;
		assert_int_not_equal(nq_host_check(host, &violation), 0);
		assert_int_equal(violation.kind, NQ_VIOLATION_TWICE);
		assert_int_equal(violation.index, order ? 3 : 2);
		assert_int_equal(violation.other, order ? 0 : 1);
		nq_host_free(host);
	}
}

/* One action of each kind with all its fields. */
static struct nq_plan *full_plan(const struct nq_host *host)
{
	struct nq_plan *plan = calloc(1, sizeof(*plan));
	struct nq_action *actions = calloc(4, sizeof(*actions));

	plan->kept = calloc(1, sizeof(*plan->kept));
	plan->clients = calloc(host->n_nodes, sizeof(*plan->clients));
	plan->actions = actions;
	plan->n_actions = 4;
	actions[0] = nq_action_init(NQ_ACTION_HOME);
	actions[0].vm = 0;
	actions[0].home_from = actions[0].home_to = host->vms[0].home;
	actions[0].cpus_on = plan->clients;
	plan->clients[0] = 4;
	plan->clients[1] = 1;
	actions[0].bytes = UINT64_C(3) << 30;
	actions[0].bytes_per_s = UINT64_C(64) << 20;
	actions[0].reason = (struct nq_reason){ NQ_RULE_HOME_WIDE, { 0, 5, 4, 2 } };
	actions[1] = nq_action_init(NQ_ACTION_MIGRATE);
	actions[1].vm = 0;
	nq_nodeset_add(&actions[1].home_to, 1);
	actions[1].bytes = UINT64_C(5) << 20;
	actions[1].bytes_per_s = UINT64_C(64) << 20;
	actions[1].reason = (struct nq_reason){ NQ_RULE_MEMORY_FOLLOWS, { UINT64_C(5) << 20, 78, 64 } };
	actions[1].rejected.target = 0;
	actions[2] = nq_action_init(NQ_ACTION_QUEUE_SET);
	actions[2].queue = 2;
	actions[2].coalesce_from = 8;
	actions[2].coalesce_to = 100;
	actions[2].reason = (struct nq_reason){ NQ_RULE_POOL_SETTINGS, { 100, 8 } };
	actions[3] = nq_action_init(NQ_ACTION_STEER);
	actions[3].vnic = 0;
	actions[3].rx_from = actions[3].rx_to = 2;
	actions[3].tx_from = actions[3].tx_to = 2;
	actions[3].n_spread_from = 2;
	actions[3].spread_from[0] = 3;
	actions[3].spread_from[1] = 1;
	actions[3].n_spread_to = 1;
	actions[3].spread_to[0] = 3;
	actions[3].reason = (struct nq_reason){ NQ_RULE_GATHER_LANES, { 1000, 3, 2 } };
	return plan;
}

static void plan_round_trip(void **state)
{
	struct nq_host *host = full_host();
	struct nq_plan *plan = full_plan(host), *read = NULL;
	char *text = support_plan_text(host, plan), *again;
	struct nq_fault fault = { "", "" };
	FILE *file = fmemopen(text, strlen(text), "r");

	(void)state;
	support_golden("all-fields.plan.json", text);
	assert_non_null(strstr(text, "\"cpus_on\": {\"0\": 4, \"1\": 1}, \"bytes\": 3221225472, "
				     "\"bytes_per_s\": 67108864"));
	assert_non_null(strstr(text, "\"kind\": \"migrate\", \"vm\": \"vm0\", \"to\": [1], \"bytes\": 5242880"));
	assert_non_null(strstr(text, "\"kind\": \"queue-set\", \"queue\": \"eth0/2\", \"coalesce_from\": 8, "
				     "\"coalesce_to\": 100"));
	assert_non_null(strstr(text, "\"spread_from\": [\"eth0/3\", \"eth0/1\"], \"spread_to\": [\"eth0/3\"]"));
	if (nq_plan_read(file, "text", host, &read, &fault) < 0)
		fail_msg("%s: %s", fault.where, fault.what);
	fclose(file);
	again = support_plan_text(host, read);
	assert_string_equal(text, again);
	assert_null(read->actions[1].cpus_on);
	free(again);
	free(text);
	nq_plan_free(plan);
	nq_plan_free(read);
	nq_host_free(host);
}

/* What such actions say for themselves. */
static void plan_sentences(void **state)
{
	static const char *const expected[] = {
		"vm0: home on nodes 0-1, 4 + 1 vCPUs (was 0-1)",
		"vm0: bring 5 MiB of memory to node 1, 64 MiB/s at most",
		"eth0/2: coalesce interrupts for 100 us (was 8 us)",
		"vm0 (02:00:00:00:00:00): receive through eth0/2+3 (was eth0/2+3+1)",
	};
	struct nq_host *host = full_host();
	struct nq_plan *plan = full_plan(host);
	char sentence[NQ_SENTENCE];

	(void)state;
	for (uint32_t i = 0; i < plan->n_actions; i++) {
		nq_explain_action(host, &plan->actions[i], sentence);
		assert_string_equal(sentence, expected[i]);
	}
	nq_explain_rejected(host, &plan->actions[1], sentence);
	assert_string_equal(sentence, "node 0 would cost the same");
	nq_plan_free(plan);
	nq_host_free(host);
}

/* Old plans, without the keys that came later. */
static void old_plan(void **state)
{
	static const char text[] =
		"{\"nearq-plan\": 1, \"time_ns\": 0, \"cost_before_ns\": 1, \"cost_after_ns\": 1, \"kept\": [], "
		"\"actions\": [{\"kind\": \"home\", \"vm\": \"vm0\", \"from\": [0, 1], \"to\": [1], \"reason\": "
		"{\"rule\": "
		"\"home-round-robin\", \"node\": 1}, \"rejected\": null, \"cost_before_ns\": 1, \"cost_after_ns\": 1, "
		"\"once_ns\": 0}]}";
	struct nq_host *host = full_host();
	struct nq_plan *plan = NULL;
	struct nq_fault fault = { "", "" };
	FILE *file = fmemopen((void *)text, sizeof(text) - 1, "r");

	(void)state;
	if (nq_plan_read(file, "text", host, &plan, &fault) < 0)
		fail_msg("%s: %s", fault.where, fault.what);
	assert_null(plan->actions[0].cpus_on);
	assert_int_equal(plan->actions[0].bytes, 0);
	fclose(file);
	nq_plan_free(plan);
	nq_host_free(host);
}

static void lanes_as_text(void **state)
{
	struct nq_host *host = full_host();
	uint32_t spread[NQ_MAX_LANES - 1];
	char text[NQ_LANES_TEXT];

	(void)state;
	nq_lanes_text(host, 2, 2, host->vnics[0].spread, text);
	assert_string_equal(text, "eth0/2+3+1");
	nq_lanes_text(host, NQ_NONE, 0, NULL, text);
	assert_string_equal(text, "default");
	nq_lanes_text(host, 0, 0, NULL, text);
	assert_string_equal(text, "eth0/0");
	/* The longest that can be. */
	host->pnics[0].name = "a-name-of-forty-seven-bytes-which-is-the-most--";
	for (uint32_t i = 0; i < NQ_MAX_LANES - 1; i++) {
		build_queue(host, 0, NQ_ROLE_FREE, 0);
		spread[i] = host->n_queues - 1;
		host->queues[spread[i]].kind = NQ_QUEUE_SOFT;
		host->queues[spread[i]].index = NQ_NONE - 1 - i;
	}
	nq_lanes_text(host, spread[6], 7, spread, text);
	assert_non_null(strstr(text, "/cpu4294967288+cpu4294967294+"));
	assert_non_null(strstr(text, "+cpu4294967288"));
	nq_host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(h4_clients_by_cores),
		cmocka_unit_test(h4_clients_of_the_home),
		cmocka_unit_test(snapshot_round_trip),
		cmocka_unit_test(old_snapshot),
		cmocka_unit_test(canonical_order),
		cmocka_unit_test(twice_in_any_order),
		cmocka_unit_test(plan_round_trip),
		cmocka_unit_test(plan_sentences),
		cmocka_unit_test(old_plan),
		cmocka_unit_test(lanes_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
