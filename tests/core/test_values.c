/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small values, the host's builder and check, the table of settings, names and sentences. */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build_host.h"

static void nodesets(void **state)
{
	struct nq_nodeset set = { 0 }, other = { 0 };

	(void)state;
	assert_int_equal(nq_nodeset_next(&set, 0), NQ_NONE);
	assert_int_equal(nq_nodeset_single(&set), NQ_NONE);
	nq_nodeset_add(&set, 63);
	assert_int_equal(nq_nodeset_single(&set), 63);
	nq_nodeset_add(&set, 64);
	nq_nodeset_add(&set, NQ_MAX_NODES - 1);
	assert_int_equal(nq_nodeset_single(&set), NQ_NONE);
	assert_int_equal(nq_nodeset_count(&set), 3);
	assert_int_equal(nq_nodeset_next(&set, 0), 63);
	assert_int_equal(nq_nodeset_next(&set, 64), 64);
	assert_int_equal(nq_nodeset_next(&set, 65), NQ_MAX_NODES - 1);
	assert_int_equal(nq_nodeset_next(&set, NQ_MAX_NODES), NQ_NONE);
	assert_false(nq_nodeset_has(&set, NQ_NONE));
	assert_false(nq_nodeset_equal(&set, &other));
	nq_nodeset_remove(&set, 63);
	nq_nodeset_remove(&set, NQ_MAX_NODES - 1);
	nq_nodeset_add(&other, 64);
	assert_true(nq_nodeset_equal(&set, &other));
}

static void macs(void **state)
{
	static const char *const bad[] = { "",
					   "02:00:00:00:00",
					   "02:00:00:00:00:0",
					   "02:00:00:00:00:001",
					   "02-00-00-00-00-01",
					   "02:00:00:00:00:0g",
					   " 02:00:00:00:00:01",
					   "02:00:00:00:00:01:",
					   "2:0:0:0:0:1" };
	struct nq_mac mac, other = { { 2, 0, 0, 0, 0, 1 } };
	char text[NQ_MAC_TEXT];

	(void)state;
	assert_int_equal(nq_mac_parse("Aa:bB:0c:00:ff:09", &mac), 0);
	nq_mac_text(&mac, text);
	assert_string_equal(text, "aa:bb:0c:00:ff:09");
	assert_true(nq_mac_compare(&mac, &other) > 0 && nq_mac_compare(&other, &mac) < 0);
	assert_false(nq_mac_is_multicast(&mac) || nq_mac_is_zero(&mac));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(nq_mac_parse(bad[i], &mac), -EINVAL);
	assert_int_equal(mac.byte[0], 0xaa);
	assert_int_equal(nq_mac_parse("01:00:00:00:00:00", &mac), 0);
	assert_true(nq_mac_is_multicast(&mac));
}

static void lists_of_nodes(void **state)
{
	struct nq_host *host = build_host(6, 1);
	struct nq_nodeset set = { 0 };
	char text[64], small[8], tiny[3];

	(void)state;
	/* Kernel ids 5, 4, 3, 2, 1, 9: the list is in order of id, not of index. */
	for (uint32_t i = 0; i < 5; i++)
		host->nodes[i].id = 5 - i;
	host->nodes[5].id = 9;
	nq_nodeset_text(host, &set, text, sizeof(text));
	assert_string_equal(text, "");
	for (uint32_t i = 0; i < 6; i++)
		if (i != 3)
			nq_nodeset_add(&set, i);
	nq_nodeset_text(host, &set, text, sizeof(text));
	assert_string_equal(text, "1,3-5,9");
	nq_nodeset_text(host, &set, small, sizeof(small));
	assert_string_equal(small, "1,3-5,9");
	nq_nodeset_text(host, &set, small, sizeof(small) - 1);
	assert_string_equal(small, "1…"); /* "1,3-5…" would need nine bytes */
	nq_nodeset_text(host, &set, tiny, sizeof(tiny));
	assert_string_equal(tiny, "");
	nq_host_free(host);
}

static void builder(void **state)
{
	struct nq_host *host = NULL, *copy = NULL;
	struct nq_vnic *vnic;

	(void)state;
	assert_int_equal(nq_host_new(&host), 0);
	assert_int_equal(nq_host_set_nodes(host, 0), -EINVAL);
	assert_int_equal(nq_host_set_nodes(host, NQ_MAX_NODES + 1), -EINVAL);
	assert_int_equal(nq_host_set_nodes(host, 3), 0);
	assert_int_equal(nq_host_set_nodes(host, 3), -EINVAL);
	assert_int_equal(nq_host_distance(host, 1, 1), 10);
	assert_int_equal(nq_host_distance(host, 1, 2), 20);
	assert_int_equal(nq_host_distance(host, 1, NQ_NONE), NQ_NONE);
	assert_int_equal(nq_host_queue_node(host, NQ_NONE), NQ_NONE);
	vnic = nq_host_add_vnic(host);
	assert_int_equal(vnic->vm, NQ_NONE);
	assert_int_equal(vnic->rx_queue, NQ_NONE);
	assert_string_equal(vnic->name, "");
	assert_int_equal(vnic->served[2], 0);
	assert_int_equal(nq_host_add_notice(host, NQ_NOTICE_VANISHED, "eth0", "gone"), 0);
	/* Arrays grow, also those of a copy. */
	for (int i = 0; i < 100; i++)
		nq_host_add_vm(host)->name = nq_host_string(host, i == 50 ? "fifty" : "x");
	assert_int_equal(nq_host_copy(host, &copy), 0);
	nq_host_free(host);
	for (int i = 0; i < 100; i++)
		nq_host_add_vm(copy)->name = nq_host_string(copy, "y");
	assert_int_equal(copy->n_vms, 200);
	assert_int_equal(nq_host_vm_by_name(copy, "fifty"), 50);
	assert_int_equal(nq_host_vm_by_name(copy, "sixty"), NQ_NONE);
	assert_string_equal(copy->notices[0].detail, "gone");
	assert_null(nq_host_free(copy));
	assert_null(nq_host_free(NULL));
}

static void remote_packets(void **state)
{
	struct nq_host *host = build_host(3, 1);
	uint32_t vnic = build_vnic(host, build_vm(host, 1), NQ_NONE, NQ_NONE, 100);

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		host->vnics[vnic].served[i] = 10 + i;
	assert_int_equal(nq_vnic_remote(host, vnic), 0);
	host->vnics[vnic].served_by = NQ_SERVED_ESTIMATED;
	assert_int_equal(nq_vnic_remote(host, vnic), 22);
	nq_nodeset_add(&host->vms[0].home, 2);
	assert_int_equal(nq_vnic_remote(host, vnic), 10);
	nq_host_free(host);
}

/* Promises that a JSON snapshot cannot even break, each broken in memory. */
struct breach {
	const char *array, *field;
	enum nq_violation_kind kind;
	void (*make)(struct nq_host *host);
};

static void soft_movable(struct nq_host *host)
{
	host->queues[1].movable = true;
}

static void soft_default(struct nq_host *host)
{
	host->queues[1].role = NQ_ROLE_DEFAULT;
}

static void soft_elsewhere(struct nq_host *host)
{
	host->queues[1].cpu = 1;
}

static void soft_rss(struct nq_host *host)
{
	host->queues[1].rss_entries = 1;
}

static void soft_sends(struct nq_host *host)
{
	host->vnics[0].tx_queue = 1;
}

static void bad_kind(struct nq_host *host)
{
	host->vms[0].kind = NQ_VM_KIND_COUNT;
}

static void bad_vm(struct nq_host *host)
{
	host->vnics[0].vm = 7;
}

static void bad_home(struct nq_host *host)
{
	nq_nodeset_add(&host->vms[0].home, 500);
}

static void bad_time(struct nq_host *host)
{
	host->time_ns = NQ_MAX_VALUE + 1;
}

static void bad_worker(struct nq_host *host)
{
	host->vnics[0].worker_cpu = 99;
}

static void bad_notice(struct nq_host *host)
{
	nq_host_add_notice(host, NQ_NOTICE_KIND_COUNT, "x", "");
}

static void long_name(struct nq_host *host)
{
	host->pnics[0].name = "a-name-of-forty-eight-bytes-which-is-one-too-man";
}

static const struct breach breaches[] = {
	{ "queues", "movable", NQ_VIOLATION_RANGE, soft_movable },
	{ "queues", "role", NQ_VIOLATION_RANGE, soft_default },
	{ "queues", "cpu", NQ_VIOLATION_RANGE, soft_elsewhere },
	{ "queues", "rss_entries", NQ_VIOLATION_RANGE, soft_rss },
	{ "vnics", "tx_queue", NQ_VIOLATION_RANGE, soft_sends },
	{ "vms", "kind", NQ_VIOLATION_RANGE, bad_kind },
	{ "vnics", "vm", NQ_VIOLATION_REFERENCE, bad_vm },
	{ "vms", "home", NQ_VIOLATION_REFERENCE, bad_home },
	{ "", "time_ns", NQ_VIOLATION_RANGE, bad_time },
	{ "vnics", "worker_cpu", NQ_VIOLATION_REFERENCE, bad_worker },
	{ "notices", "kind", NQ_VIOLATION_RANGE, bad_notice },
	{ "pnics", "name", NQ_VIOLATION_RANGE, long_name },
};

static void broken_promises(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(breaches) / sizeof(breaches[0]); i++) {
		struct nq_host *host = build_host(2, 1);
		struct nq_violation violation = { 0 };
		struct nq_fault fault = { "", "" };

		build_queue(host, build_pnic(host, 0, NQ_STEER_XDP), NQ_ROLE_DEFAULT, 0);
		build_soft_queues(host, 0);
		build_vnic(host, build_vm(host, 0), NQ_NONE, 0, 10);
		assert_int_equal(nq_host_check(host, &violation), 0);
		assert_int_equal(violation.kind, NQ_VALID);
		breaches[i].make(host);
		assert_int_equal(nq_host_check(host, &violation), -EINVAL);
		assert_string_equal(violation.array, breaches[i].array);
		assert_string_equal(violation.field, breaches[i].field);
		assert_int_equal(violation.kind, breaches[i].kind);
		nq_explain_violation(host, &violation, &fault);
		assert_non_null(strstr(fault.where, breaches[i].field));
		assert_true(*fault.what);
		nq_host_free(host);
	}
}

/* Every setting is documented, in range by default, found by name, and refused just outside its range. */
static void settings(void **state)
{
	struct nq_policy policy;
	const struct nq_policy_setting *bad = NULL;
	const struct nq_pool *bad_pool = NULL;

	(void)state;
	nq_policy_init(&policy);
	assert_int_equal(nq_policy_check(&policy, &bad, &bad_pool), 0);
	assert_int_equal(nq_policy_settings_count * sizeof(uint64_t), offsetof(struct nq_policy, pools));
	for (size_t i = 0; i < nq_policy_settings_count; i++) {
		const struct nq_policy_setting *setting = &nq_policy_settings[i];

		assert_ptr_equal(nq_policy_find(setting->name), setting);
		assert_true(strlen(setting->why) > 40);
		assert_int_equal(nq_policy_get(&policy, setting), setting->preset);
		nq_policy_set(&policy, setting, setting->high + 1);
		assert_int_equal(nq_policy_check(&policy, &bad, &bad_pool), -EINVAL);
		assert_ptr_equal(bad, setting);
		if (setting->low) {
			nq_policy_set(&policy, setting, setting->low - 1);
			assert_int_equal(nq_policy_check(&policy, &bad, &bad_pool), -EINVAL);
		}
		for (uint64_t value = 0; setting->values && value <= setting->high; value++)
			assert_non_null(setting->values[value]);
		nq_policy_set(&policy, setting, setting->preset);
	}
	assert_null(nq_policy_find("no_such_setting"));
}

static void faults(void **state)
{
	struct nq_fault fault;
	char longer[600];

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	nq_fault_set(&fault, longer, "%s", longer);
	assert_int_equal(strlen(fault.where), sizeof(fault.where) - 1);
	assert_int_equal(strlen(fault.what), sizeof(fault.what) - 1);
	nq_fault_set(&fault, "a\x1b[31mb", "%d\n%c", 5, 0x7f);
	assert_string_equal(fault.where, "a?[31mb");
	assert_string_equal(fault.what, "5??");
}

static void names(void **state)
{
	char text[NQ_QUEUE_TEXT];
	struct nq_host *host = build_host(1, 2);

	(void)state;
	assert_string_equal(nq_rule_name(NQ_RULE_KEPT_BEST), "kept-best");
	assert_string_equal(nq_steering_name(NQ_STEER_COUNT), "?");
	build_queue(host, build_pnic(host, 0, NQ_STEER_XDP), NQ_ROLE_DEFAULT, 0);
	build_soft_queues(host, 0);
	nq_queue_text(host, 0, text);
	assert_string_equal(text, "eth0/0");
	nq_queue_text(host, 2, text);
	assert_string_equal(text, "eth0/cpu1");
	nq_queue_text(host, NQ_NONE, text);
	assert_string_equal(text, "default");
	nq_queue_text(host, 99, text);
	assert_string_equal(text, "?");
	nq_host_free(host);
}

/* The sentences of a plan and of every rule, as a golden text. */
static void sentences(void **state)
{
	static const char *const figures[] = { "figure-5.json", "figure-5-unplaced.json", "figure-6-free.json" };
	char *text = NULL, sentence[NQ_SENTENCE];
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		struct nq_host *host = support_host(figures[i]);
		struct nq_plan *plan = support_plan(host, NULL, NULL);

		for (uint32_t j = 0; j < plan->n_actions; j++) {
			nq_explain_action(host, &plan->actions[j], sentence);
			fprintf(file, "%s\n", sentence);
			nq_explain_reason(host, &plan->actions[j].reason, sentence);
			fprintf(file, "\t%s\n", sentence);
			nq_explain_rejected(host, &plan->actions[j], sentence);
			fprintf(file, "\t%s\n", sentence);
		}
		nq_plan_free(plan);
		nq_host_free(host);
	}
	for (enum nq_rule rule = 0; rule < NQ_RULE_COUNT; rule++) {
		struct nq_reason reason = { rule, { 1, 20000, 30000000, UINT64_C(4) << 30, UINT64_C(5) << 30 } };

		nq_explain_reason(NULL, &reason, sentence);
		fprintf(file, "%s: %s\n", nq_rule_name(rule), sentence);
		reason.value[0] = reason.value[1] = NQ_NONE;
		nq_explain_reason(NULL, &reason, sentence);
		assert_true(*sentence);
	}
	fclose(file);
	support_golden("sentences.txt", text);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodesets),  cmocka_unit_test(macs),	       cmocka_unit_test(lists_of_nodes),
		cmocka_unit_test(builder),   cmocka_unit_test(remote_packets), cmocka_unit_test(broken_promises),
		cmocka_unit_test(settings),  cmocka_unit_test(faults),	       cmocka_unit_test(names),
		cmocka_unit_test(sentences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
