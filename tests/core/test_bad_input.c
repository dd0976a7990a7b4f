/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bad snapshots and plans: each a fault that names the place, what was found and what is allowed; never a crash,
 * never half a host.
 */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first occurrence of `from` in the good text is replaced by `to`. */
struct mutation {
	const char *from, *to;
	const char *where; /* part of the fault's place */
	const char *what;  /* part of what it says */
};

static char *mutate(const char *good, const struct mutation *mutation)
{
	const char *at = strstr(good, mutation->from);
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!at)
		fail_msg("the good text lacks: %s", mutation->from);
	fprintf(file, "%.*s%s%s", (int)(at - good), good, mutation->to, at + strlen(mutation->from));
	fclose(file);
	return text;
}

/* Says what is wrong and goes on, so that one run shows all; returns the number of mistakes. */
static int check_fault(const struct mutation *mutation, int result, const struct nq_fault *fault)
{
	if (result == -EBADMSG && strstr(fault->where, mutation->where) && strstr(fault->what, mutation->what))
		return 0;
	print_error("%s:\n  found    %d %s: %s\n  expected %d %s: %s\n", mutation->to, result, fault->where,
		    fault->what, -EBADMSG, mutation->where, mutation->what);
	return 1;
}

#define NODE_0 "{\"id\": 0, \"package\": 0, \"mem_total\": 17179869184, \"mem_free\": 12884901888, \"busy\": null}"

static const struct mutation snapshots[] = {
	/* syntax */
	{ "{", "", "text:", "" },
	{ "\"vnics\"", "vnics", "text:", "expected near 'vnics'" },
	{ "12884901888", "NaN", "text:", "invalid token" },
	{ "12884901888", "Infinity", "text:", "invalid token" },
	{ "12884901888", "1e999", "text:", "real number overflow" },
	{ "12884901888", "99999999999999999999", "text:", "too big integer" },
	{ "12884901888", "012", "text:", "" },
	{ "\"figure-5\"", "\"figure\\u0000-5\"", "text:", "\\u0000" },
	{ "\"figure-5\"", "\"figure\xff\"", "text:", "unable to decode byte" },
	{ "\"figure-5\"", "\"figure\n\"", "text:", "unexpected newline" },
	{ "\"notices\": []", "\"notices\": [],", "text:", "" },
	{ "\"notices\": []", "\"notices\": []}]", "text:", "end of file expected" },
	{ "\"id\": 0,", "\"id\": 0, \"id\": 0,", "text:", "duplicate object key" },
	{ "\"notices\": []", "\"notices\": [], \"name\": \"again\"", "text:", "duplicate object key" },
	/* version */
	{ "\"nearq-snapshot\": 1", "\"nearq-snapshot\": 2", "text: nearq-snapshot", "found 2; allowed: 1" },
	{ "\"nearq-snapshot\": 1", "\"nearq-snapshot\": \"1\"", "text: nearq-snapshot", "found \"1\"; allowed: 1" },
	{ "\"nearq-snapshot\": 1,", "", "text: nearq-snapshot", "found nothing; allowed: 1" },
	{ "\"nearq-snapshot\": 1", "\"nearq-plan\": 1", "text: nearq-snapshot", "found nothing" },
	/* keys */
	{ "\"interval_ns\"", "\"interval\"", "text: interval", "unknown key; allowed: name, time_ns, interval_ns" },
	{ "\"online\"", "\"on\\u001b[2Jline\"", "text: cpus[0].on?[2Jline", "unknown key; allowed: id, node, core" },
	{ "\"steering\": \"ntuple\", ", "", "text: pnics[0].steering", "found nothing; allowed: this key is required" },
	{ "\"vms\": [", "\"vmz\": [", "text: vmz", "unknown key" },
	{ "\"drops\": 0", "\"drop\": 0", "text: queues[0].rx.drop", "unknown key; allowed: packets, bytes, drops" },
	/* types */
	{ "\"name\": \"figure-5\"", "\"name\": 5", "text: name", "found 5; allowed: a string" },
	{ "\"id\": 0", "\"id\": \"0\"", "text: nodes[0].id", "found \"0\"; allowed: a whole number" },
	{ "\"id\": 0", "\"id\": 0.5", "text: nodes[0].id", "found 0.5; allowed: a whole number" },
	{ "\"id\": 0", "\"id\": null", "text: nodes[0].id", "found null; allowed: a whole number" },
	{ "\"online\": true", "\"online\": 1", "text: cpus[0].online", "found 1; allowed: true or false" },
	{ "\"home\": [0]", "\"home\": 0", "text: vms[0].home", "found 0; allowed: an array" },
	{ NODE_0, "7", "text: nodes[0]", "found 7; allowed: an object" },
	{ "\"notices\": []", "\"notices\": {}", "text: notices", "found {}; allowed: an array" },
	{ "\"mem\": {\"0\": 1073741824}", "\"mem\": [1]", "text: vms[0].mem", "allowed: an object" },
	{ "02:00:00:00:05:21", "02:00:00:00:05", "text: vnics[0].mac", "six hexadecimal bytes" },
	{ "02:00:00:00:05:21", "02:00:00:00:05:2g", "text: vnics[0].mac", "six hexadecimal bytes" },
	{ "\"steering\": \"ntuple\"", "\"steering\": \"nvidia\"", "text: pnics[0].steering",
	  "found \"nvidia\"; allowed: none, xdp, macvlan, flower, ntuple" },
	/* ranges */
	{ "\"id\": 0", "\"id\": -1", "text: nodes[0].id", "found -1; allowed: a whole number, 0 to" },
	{ "\"id\": 0", "\"id\": 4294967295", "text: nodes[0].id", "0 to 4294967294" },
	{ "\"id\": 0, \"package\"", "\"id\": 1024, \"package\"", "text: cpus[0].node", "found 0" },
	{ "\"busy\": 50", "\"busy\": 100000001", "text: cpus[0].busy", "found 100000001; allowed: 0 to 100000000" },
	{ "\"busy\": null", "\"busy\": 100000001", "text: nodes[0].busy", "allowed: 0 to 100000000" },
	{ "\"shares\": 1000", "\"shares\": 0", "text: vms[0].shares", "found 0; allowed: 1 to 1000000 (vm521)" },
	{ "\"limit\": null", "\"limit\": 100000001", "text: vms[0].limit", "allowed: 0 to 100000000" },
	{ "\"pool\": \"\"", "\"pool\": null", "text: vms[0].pool", "a string" },
	{ "\"virtqueues\": 1", "\"virtqueues\": 0", "text: vnics[0].virtqueues", "allowed: 1 to" },
	{ "\"features\": \"none\"", "\"features\": \"tso\"", "text: queues[0].features", "none, lro, rss, lro+rss" },
	{ "\"can_migrate\": false", "\"can_migrate\": 0", "text: can_migrate", "true or false" },
	{ "[10, 21]", "[10, 9]", "text: distance[0][1]", "found 9; allowed: 10 to 255" },
	{ "[10, 21]", "[11, 21]", "text: distance[0][0]", "found 11; allowed: 10 to 10" },
	{ "[10, 21]", "[10, 256]", "text: distance[0][1]", "found 256; allowed: a whole number, 0 to 255" },
	{ "[10, 21]", "[10]", "text: distance[0]", "one number for each of the 2 nodes" },
	{ "[10, 21],", "", "text: distance", "one row for each of the 2 nodes" },
	{ "\"cpus\": 2", "\"cpus\": 0", "text: vms[0].cpus", "found 0; allowed: 1 to" },
	{ "\"busy\": 800", "\"busy\": 16001", "text: vms[0].busy", "found 16001; allowed: 0 to 16000" },
	{ "\"spread\": []",
	  "\"spread\": [\"eth0/1\", \"eth0/1\", \"eth0/1\", \"eth0/1\", \"eth0/1\", \"eth0/1\", \"eth0/1\", "
	  "\"eth0/1\"]",
	  "text: vnics[0].spread", "at most 7 queues" },
	{ "\"packets\": 150000", "\"packets\": 1099511627777", "text: queues[1].rx", "allowed: 0 to 1099511627776" },
	{ "02:00:00:00:05:21", "03:00:00:00:05:21", "text: vnics[0].mac", "allowed: 0 to 0" },
	{ "02:00:00:00:05:21", "00:00:00:00:00:00", "text: vnics[0].mac", "must not be empty" },
	{ "\"cgroup\": \"machine.slice/vm521\"", "\"cgroup\": 1", "text: vms[0].cgroup", "a string" },
	{ "\"name\": \"eth0\"", "\"name\": \"\"", "text: queues[0].pnic", "found \"eth0\"" },
	{ "\"home\": [0]", "\"home\": []", "text: vms[0].home", "must not be empty (vm521)" },
	{ "\"name\": \"eth0\"", "\"name\": \"an-interface-name-that-is-much-longer-than-any-kernel-takes\"",
	  "text: queues[0].pnic", "found \"eth0\"" },
	/* references */
	{ "\"node\": 0, \"core\"", "\"node\": 2, \"core\"", "text: cpus[0].node",
	  "found 2; allowed: the id of one of the nodes" },
	{ "\"node\": 0, \"steering\"", "\"node\": 7, \"steering\"", "text: pnics[0].node",
	  "one of the nodes, or null" },
	{ "\"node\": 0, \"steering\"", "\"node\": \"0\", \"steering\"", "text: pnics[0].node", "found \"0\"" },
	{ "\"physfn\": null", "\"physfn\": \"eth1\"", "text: pnics[0].physfn", "the name of one of the pnics" },
	{ "\"physfn\": null", "\"physfn\": \"eth0\"", "text: pnics[0].physfn", "does not belong" },
	{ "\"cpu\": 8", "\"cpu\": 16", "text: queues[2].cpu", "found 16; allowed: the id of one of the cpus" },
	{ "\"vm\": \"vm522\"", "\"vm\": \"vm529\"", "text: vnics[1].vm",
	  "found \"vm529\"; allowed: the name of one of the vms" },
	{ "\"rx_queue\": \"eth0/1\"", "\"rx_queue\": \"eth0/9\"", "text: vnics[0].rx_queue", "\"eth0/cpu5\"" },
	{ "\"rx_queue\": \"eth0/1\"", "\"rx_queue\": null", "text: vnics[0].rx_queue", "\"default\" or a queue" },
	{ "\"spread\": []", "\"spread\": [\"eth0/9\"]", "text: vnics[0].spread[0]", "\"default\" or a queue" },
	{ "\"spread\": []", "\"spread\": [\"default\"]", "text: vnics[0].spread[0]", "found \"default\"" },
	{ "\"spread\": []", "\"spread\": [\"eth0/0\"]", "text: vnics[0].spread", "does not belong to it" },
	{ "\"spread\": []", "\"spread\": [\"eth0/1\"]", "text: vnics[0].spread", "does not belong to it" },
	{ "\"spread\": []", "\"spread\": [\"eth0/2\", \"eth0/2\"]", "text: vnics[0].spread", "does not belong to it" },
	{ "\"rx_queue\": \"eth0/1\", \"spread\": []", "\"rx_queue\": \"default\", \"spread\": [\"eth0/2\"]",
	  "text: vnics[0].spread", "found 1; allowed: 0 to 0" },
	{ "\"cpus_on\": {}", "\"cpus_on\": {\"1\": 2}", "text: vms[0].cpus_on", "does not belong to it (vm521)" },
	{ "\"cpus_on\": {}", "\"cpus_on\": {\"7\": 2}", "text: vms[0].cpus_on.7", "the id of one of the nodes" },
	{ "\"cpus_on\": {}", "\"cpus_on\": {\"0\": 4294967295}", "text: vms[0].cpus_on.0", "0 to 4294967294" },
	{ "\"home\": [0]", "\"home\": [0, 0]", "text: vms[0].home[1]", "every node once" },
	{ "\"home\": [0]", "\"home\": [3]", "text: vms[0].home[0]", "one of the nodes" },
	{ "\"served\": {\"0\": 50000}", "\"served\": {\"2\": 50000}", "text: vnics[0].served.2", "one of the nodes" },
	{ "\"pnic\": \"eth0\", \"name\": \"vnet1\"", "\"pnic\": null, \"name\": \"vnet1\"", "text: vnics[0].rx_queue",
	  "does not belong to it" },
	/* twice */
	{ "\"id\": 1, \"package\"", "\"id\": 0, \"package\"", "text: nodes[1]",
	  "found 0; allowed: every name or id once" },
	{ "\"id\": 1, \"node\"", "\"id\": 0, \"node\"", "text: cpus[1]", "found 0; allowed: every name or id once" },
	{ "\"name\": \"vm522\"", "\"name\": \"vm521\"", "text: vms[1]",
	  "found \"vm521\"; allowed: every name or id once" },
	{ "02:00:00:00:05:22", "02:00:00:00:05:21", "text: vnics[1]", "every name or id once" },
	{ "\"index\": 2", "\"index\": 0", "text: queues[2]", "found \"eth0/0\"; allowed: every name or id once" },
	/* sums */
	{ "\"mem_free\": 12884901888", "\"mem_free\": 17179869185", "text: nodes[0].mem_free",
	  "allowed: 0 to 17179869184" },
	{ "\"rss_entries\": 128, \"rss_contexts\"", "\"rss_entries\": 127, \"rss_contexts\"",
	  "text: pnics[0].rss_entries", "found a sum of 128; allowed: 127 to 127" },
	{ "\"0\": 1073741824", "\"0\": 17179869185", "text: vms[0].mem", "found a sum of 17179869185" },
	{ "\"cpus_on\": {}", "\"cpus_on\": {\"0\": 3}", "text: vms[0].cpus_on", "found a sum of 3; allowed: 2 to 2" },
	{ "\"served\": {\"0\": 50000}", "\"served\": {\"0\": 50003}", "text: vnics[0].served", "allowed: 0 to 50002" },
};

static void bad_snapshots(void **state)
{
	char *good = support_read_file("figure-5.json");
	int mistakes = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(snapshots) / sizeof(snapshots[0]); i++) {
		char *text = mutate(good, &snapshots[i]);
		struct nq_host *host = NULL;
		struct nq_fault fault = { "", "" };
		int result = support_host_from_text(text, strlen(text), &host, &fault);

		mistakes += check_fault(&snapshots[i], result, &fault);
		assert_null(host);
		free(text);
	}
	assert_int_equal(mistakes, 0);
	free(good);
}

static const struct mutation plans[] = {
	{ "\"nearq-plan\": 1", "\"nearq-plan\": 0", "text: nearq-plan", "found 0; allowed: 1" },
	{ "\"kept\": []", "\"kept\": [], \"extra\": 1", "text: extra", "unknown key; allowed: time_ns" },
	{ "\"kept\": []", "\"kept\": {}", "text: kept", "an array" },
	{ ",\n  \"kept\": []", "", "text: kept", "this key is required" },
	{ "\"kept\": []", "\"kept\": [{\"vnic\": \"02:00:00:00:05:21\"}]", "text: kept[0].reason",
	  "this key is required" },
	{ "\"kind\": \"steer\"", "\"kind\": \"stear\"", "text: actions[0].kind",
	  "home, migrate, queue-cpu, queue-set, steer" },
	{ "\"kind\": \"steer\"", "\"kind\": \"home\"", "text: actions[0].vnic", "unknown key" },
	{ "\"kind\": \"steer\", ", "", "text: actions[0].kind", "this key is required" },
	{ "02:00:00:00:05:22", "02:00:00:00:05:99", "text: actions[0].vnic", "the mac of one of the vnics" },
	{ "\"rx_to\": \"eth0/1\"", "\"rx_to\": \"eth1/1\"", "text: actions[0].rx_to", "a queue such as" },
	{ "\"queue-on-vm-node\"", "\"because\"", "text: actions[0].reason.rule", "home-best-fit" },
	{ "\"packets_after\"", "\"packets\"", "text: actions[0].reason.packets",
	  "rule, node, packets_after, packets_limit" },
	{ "\"packets_limit\": 850000", "\"packets_limit\": -1", "text: actions[0].reason.packets_limit", "found -1" },
	{ ", \"packets_limit\": 850000", "", "text: actions[0].reason.packets_limit", "this key is required" },
	{ "\"rejected\": {\"target\": \"eth0/2\"", "\"rejected\": {\"target\": 2", "text: actions[0].rejected.target",
	  "found 2" },
	{ "\"rejected\": {\"target\": \"eth0/2\"", "\"rejected\": {\"goal\": 2", "text: actions[0].rejected.goal",
	  "unknown key" },
	{ "\"rejected\": {\"target\": \"eth0/2\", \"cost_ns\": 346400000}", "\"rejected\": 5",
	  "text: actions[0].rejected", "an object" },
	{ "\"once_ns\": 20000", "\"once_ns\": \"20 us\"", "text: actions[0].once_ns", "a whole number" },
	{ "\"cost_after_ns\": 1946400000", "\"cost_after_ns\": 1946400000.0", "text: cost_after_ns", "a whole number" },
};

static int read_plan(const char *text, size_t size, const struct nq_host *host, struct nq_plan **ret,
		     struct nq_fault *fault)
{
	FILE *file = size ? fmemopen((void *)text, size, "r") : fopen("/dev/null", "r");
	int result = nq_plan_read(file, "text", host, ret, fault);

	fclose(file);
	return result;
}

static void bad_plans(void **state)
{
	struct nq_host *host = support_host("figure-5.json");
	char *good = support_read_file("bad-input.plan.json"); /* no golden file: what it says must not change */
	int mistakes = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		char *text = mutate(good, &plans[i]);
		struct nq_plan *plan = NULL;
		struct nq_fault fault = { "", "" };
		int result = read_plan(text, strlen(text), host, &plan, &fault);

		mistakes += check_fault(&plans[i], result, &fault);
		assert_null(plan);
		free(text);
	}
	assert_int_equal(mistakes, 0);
	free(good);
	nq_host_free(host);
}

/* A plan that the model cannot carry out is no plan for this host. */
static void impossible_plans(void **state)
{
	static const struct mutation cases[] = {
		{ "\"to\": [0]", "\"to\": []", "text: actions[0]", "at least one node" },
		{ "\"to\": 0,", "\"to\": 99,", "text: actions[0].to", "one of the cpus" },
		{ "\"cpus_on\": {}", "\"cpus_on\": {\"1\": 2}", "text: actions[0]", "nodes of \"to\"" },
		{ "\"cpus_on\": {}", "\"cpus_on\": {\"0\": 1}", "text: actions[0]", "as many vCPUs" },
		{ "\"cpus_on\": {}", "\"cpus_on\": []", "text: actions[0].cpus_on", "an object" },
		{ "\"spread_to\": []", "\"spread_to\": [\"eth0/1\"]", "text: actions[0]", "further queues" },
		{ "\"spread_to\": []", "\"spread_to\": [\"eth0/0\"]", "text: actions[0]", "further queues" },
		{ "\"rx_to\": \"eth0/1\", \"spread_from\": [], \"spread_to\": []",
		  "\"rx_to\": \"default\", \"spread_from\": [], \"spread_to\": [\"eth0/2\"]", "text: actions[0]",
		  "further queues" },
		{ "\"spread_to\": []", "\"spread_to\": [\"eth0/2\", \"eth0/2\"]", "text: actions[0]",
		  "further queues" },
	};
	static const char *const files[] = { "figure-5-unplaced", "figure-6",	       "figure-5-unplaced",
					     "figure-5-unplaced", "figure-5-unplaced", "figure-5",
					     "figure-5",	  "figure-5",	       "figure-5" };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char name[64];
		struct nq_host *host;
		struct nq_plan *plan = NULL;
		struct nq_fault fault = { "", "" };
		char *good, *text;

		snprintf(name, sizeof(name), "%s.json", files[i]);
		host = support_host(name);
		snprintf(name, sizeof(name), "%s.plan.json", files[i]);
		good = support_read_file(name);
		text = mutate(good, &cases[i]);
		assert_int_equal(check_fault(&cases[i], read_plan(text, strlen(text), host, &plan, &fault), &fault), 0);
		free(text);
		host->queues[0].movable = false;
		if (i == 1) {
			assert_int_equal(read_plan(good, strlen(good), host, &plan, &fault), -EBADMSG);
			assert_non_null(strstr(fault.what, "a queue that can be moved"));
		}
		free(good);
		nq_host_free(host);
	}
}

/* Cut at every byte: always a fault, except where only the final newline is missing. */
static void cut_anywhere(void **state)
{
	struct nq_host *host = support_host("figure-6.json");
	char *snapshot = support_read_file("figure-6.json"), *plan = support_read_file("figure-6.plan.json");

	(void)state;
	for (size_t size = 0; size + 1 < strlen(snapshot); size++) {
		struct nq_fault fault = { "", "" };
		struct nq_host *none = NULL;

		assert_int_equal(support_host_from_text(snapshot, size, &none, &fault), -EBADMSG);
		assert_true(*fault.where && *fault.what);
		assert_null(none);
	}
	for (size_t size = 0; size + 1 < strlen(plan); size++) {
		struct nq_fault fault = { "", "" };
		struct nq_plan *none = NULL;

		assert_int_equal(read_plan(plan, size, host, &none, &fault), -EBADMSG);
		assert_true(*fault.where && *fault.what);
		assert_null(none);
	}
	free(snapshot);
	free(plan);
	nq_host_free(host);
}

/* What a hand-made snapshot cannot leave out. */
static const char least[] =
	"{\"nearq-snapshot\": 1, \"name\": \"small\", \"time_ns\": 0, \"interval_ns\": 0,"
	" \"vnics\": [{\"mac\": \"02:00:00:00:00:0A\", \"vm\": \"a\", \"pnic\": \"x\", \"rx_queue\": "
	"\"x/cpu3\"}],"
	" \"vms\": [{\"name\": \"a\", \"kind\": \"host\", \"cpus\": 1, \"home\": [7], \"placed\": true}],"
	" \"queues\": [{\"pnic\": \"x\", \"kind\": \"soft\", \"index\": 3, \"role\": \"assigned\", \"cpu\": "
	"3}],"
	" \"pnics\": [{\"name\": \"x\", \"node\": null, \"steering\": \"xdp\"}],"
	" \"cpus\": [{\"id\": 3, \"node\": 7, \"core\": 3, \"online\": true}],"
	" \"nodes\": [{\"id\": 7, \"mem_total\": 0, \"mem_free\": 0}], \"distance\": [[10]], \"notices\": []}";

/* Every byte replaced by each of a few nasty ones: a fault or a good host, never a crash. */
static void any_byte_changed(void **state)
{
	static const char nasty[] = { '\0', '"', '{', ']', '-', '9', '\\', '\x80', ' ', ',', 'e', '.' };
	char *text = strdup(least);
	size_t size = strlen(text), good = 0, bad = 0;

	(void)state;
	for (size_t i = 0; i < size; i++) {
		char former = text[i];

		for (size_t j = 0; j < sizeof(nasty); j++) {
			struct nq_fault fault = { "", "" };
			struct nq_host *host = NULL;
			int result;

			text[i] = nasty[j];
			result = support_host_from_text(text, size, &host, &fault);
			assert_true(result == 0 || (result == -EBADMSG && *fault.what));
			good += result == 0;
			bad += result < 0;
			nq_host_free(host);
		}
		text[i] = former;
	}
	/* Spaces for spaces and digits for digits are good; most of the rest is not. */
	assert_true(good > 0 && bad > good);
	free(text);
}

static void deep_nesting(void **state)
{
	size_t depth = 1000000;
	char *text = malloc(depth);
	struct nq_fault fault = { "", "" };
	struct nq_host *host = NULL;

	(void)state;
	memset(text, '[', depth);
	assert_int_equal(support_host_from_text(text, depth, &host, &fault), -EBADMSG);
	assert_non_null(strstr(fault.what, "depth"));
	free(text);
}

/* An error of the stream is that error, not a fault of the text. */
static void broken_stream(void **state)
{
	FILE *directory = fopen("/", "r"), *full = fopen("/dev/full", "w");
	struct nq_fault fault = { "", "" };
	struct nq_host *host = support_host("figure-6.json"), *none = NULL;

	(void)state;
	assert_int_equal(nq_snapshot_read(directory, "directory", &none, &fault), -EISDIR);
	assert_int_equal(nq_snapshot_write(full, host), -ENOSPC);
	fclose(directory);
	fclose(full);
	nq_host_free(host);
}

/* Hand-made snapshots may leave out what is not required. */
static void least_snapshot(void **state)
{
	struct nq_fault fault = { "", "" };
	struct nq_host *host = NULL;

	(void)state;
	if (support_host_from_text(least, strlen(least), &host, &fault) < 0)
		fail_msg("%s: %s", fault.where, fault.what);
	assert_int_equal(host->nodes[0].package, NQ_NONE);
	assert_int_equal(host->pnics[0].rules_max, NQ_NONE);
	assert_int_equal(host->pnics[0].node, NQ_NONE);
	assert_int_equal(host->vnics[0].tx_queue, NQ_NONE);
	assert_int_equal(host->vnics[0].rx_queue, 0);
	assert_int_equal(host->vnics[0].mac.byte[5], 0x0a);
	assert_int_equal(nq_host_queue_node(host, 0), 0);
	nq_host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_snapshots), cmocka_unit_test(bad_plans),	     cmocka_unit_test(impossible_plans),
		cmocka_unit_test(cut_anywhere),	 cmocka_unit_test(any_byte_changed), cmocka_unit_test(deep_nesting),
		cmocka_unit_test(broken_stream), cmocka_unit_test(least_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
