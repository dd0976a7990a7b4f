/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A1, A3, A5: what settings an action becomes, and changing and restoring settings, on a made-up proc/ and sys/. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/steps.h"
#include "tree.h"

#define MAC_BYTES                                                                                                      \
	{                                                                                                              \
		2, 0, 0, 0, 0, 1                                                                                       \
	}

/* Two nodes (ids 0 and 4) of two CPUs each, one offline; e0 with a hard and two soft queues; vm1 with a vnic. */
static struct nq_host *make_host(void)
{
	static const struct nq_mac mac = { MAC_BYTES };
	struct nq_host *host = NULL;
	struct nq_queue *queue;
	struct nq_pnic *pnic;
	struct nq_vnic *vnic;
	struct nq_vm *vm;
	uint32_t i;

	assert_int_equal(nq_host_new(&host), 0);
	assert_int_equal(nq_host_set_nodes(host, 2), 0);
	for (i = 0; i < 2; i++) {
		host->nodes[i].id = i * 4;
		host->nodes[i].mem_total = 1 << 20;
	}
	for (i = 0; i < 4; i++) {
		struct nq_cpu *cpu = nq_host_add_cpu(host);

		cpu->id = i + 10;
		cpu->core = cpu->id;
		cpu->node = i / 2;
		cpu->online = i != 3;
	}
	pnic = nq_host_add_pnic(host);
	pnic->name = nq_host_string(host, "e0");
	pnic->steering = NQ_STEER_XDP;
	queue = nq_host_add_queue(host);
	queue->pnic = 0;
	queue->index = 0;
	queue->irq = 57;
	queue->thread = 88;
	queue->movable = true;
	queue->xps = nq_host_string(host, "0-1");
	for (i = 0; i < 2; i++) {
		queue = nq_host_add_queue(host);
		queue->pnic = 0;
		queue->kind = NQ_QUEUE_SOFT;
		queue->index = i + 10;
	}
	vm = nq_host_add_vm(host);
	vm->name = nq_host_string(host, "vm1");
	vm->cgroup = nq_host_string(host, "/vm1");
	vm->pid = 77;
	vnic = nq_host_add_vnic(host);
	vnic->vm = 0;
	vnic->pnic = 0;
	vnic->mac = mac;
	return host;
}

/* The steps as one text, "kind key=value" each, or the error and why. */
static const char *steps_of(const struct nq_host *host, const struct nq_action *action)
{
	static char text[1024];
	__attribute__((cleanup(nq_steps_clear))) struct nq_steps steps = {};
	int error = nq_steps_make(ctx, host, action, &steps);
	size_t i;

	text[0] = '\0';
	if (error < 0)
		snprintf(text, sizeof(text), "%s: %s", strerrorname_np(-error), ctx->why);
	for (i = 0; error == 0 && i < steps.n_steps; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s %s=%s", i ? ", " : "",
			 steps.steps[i].kind->name, steps.steps[i].key, steps.steps[i].value);
	if (error == 0 && steps.remark)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "; %s", steps.remark);
	return text;
}

static void home_is_a_cpuset_where_there_is_one(void **state)
{
	struct nq_host *host = make_host();
	struct nq_action action = { .kind = NQ_ACTION_HOME };
	struct nq_vm *vm;

	(void)state;
	nq_nodeset_add(&action.home_to, 1); /* node id 4: CPU 12; CPU 13 is offline */
	assert_string_equal(steps_of(host, &action), "cpuset /vm1=12;4");
	nq_nodeset_add(&action.home_to, 0);
	assert_string_equal(steps_of(host, &action), "cpuset /vm1=10-12;0,4");
	host->vms[0].cgroup = "/bare"; /* no controller */
	assert_string_equal(steps_of(host, &action), "thread 77@4242=10-12; its memory is not moved");
	host->vms[0].cgroup = "/"; /* everybody's */
	assert_string_equal(steps_of(host, &action), "thread 77@4242=10-12; its memory is not moved");
	host->vms[0].cgroup = "";
	assert_string_equal(steps_of(host, &action), "thread 77@4242=10-12; its memory is not moved");
	host->vms[0].cgroup = "/vm1";
	vm = nq_host_add_vm(host); /* somebody else lives in it */
	vm->name = "vm2";
	vm->cgroup = "/vm1/inner";
	assert_string_equal(steps_of(host, &action), "thread 77@4242=10-12; its memory is not moved");
	host->vms[1].cgroup = "/vm10"; /* or just has a similar name */
	assert_string_equal(steps_of(host, &action), "cpuset /vm1=10-12;0,4");
	nq_host_free(host);
}

static void home_is_refused_for_a_reason(void **state)
{
	struct nq_host *host = make_host();
	struct nq_action action = { .kind = NQ_ACTION_HOME };

	(void)state;
	nq_nodeset_add(&action.home_to, 1);
	host->vms[0].cgroup = "";
	host->vms[0].pid = NQ_NONE;
	assert_string_equal(steps_of(host, &action), "EOPNOTSUPP: vm1 has neither a cpuset of its own nor a process");
	host->vms[0].pid = 78;
	assert_string_equal(steps_of(host, &action), "ENODEV: ");
	host->vms[0].cgroup = "/gone";
	assert_string_equal(steps_of(host, &action), "ENODEV: ");
	host->cpus[2].online = false;
	assert_string_equal(steps_of(host, &action), "EOPNOTSUPP: no node of the home has a CPU that is online");
	host->cpus[2].online = true;
	host->nodes[1].mem_total = 0;
	host->vms[0].cgroup = "/vm1";
	assert_string_equal(steps_of(host, &action), "EOPNOTSUPP: no node of the home has memory");
	nq_host_free(host);
}

static void a_queue_moves_by_interrupt_and_thread(void **state)
{
	struct nq_host *host = make_host();
	struct nq_action action = { .kind = NQ_ACTION_QUEUE_CPU, .queue = 0, .cpu_to = 2 };

	(void)state;
	assert_string_equal(steps_of(host, &action), "irq 57=12, thread 88@99=12");
	host->queues[0].thread = NQ_NONE;
	assert_string_equal(steps_of(host, &action), "irq 57=12");
	host->queues[0].irq = NQ_NONE;
	assert_string_equal(steps_of(host, &action),
			    "EOPNOTSUPP: neither an interrupt nor a thread of the queue can be moved");
	host->queues[0].irq = 57;
	host->queues[0].movable = false;
	assert_string_equal(steps_of(host, &action),
			    "EOPNOTSUPP: neither an interrupt nor a thread of the queue can be moved");
	nq_host_free(host);
}

static void steering_attaches_before_it_steers(void **state)
{
	struct nq_host *host = make_host();
	struct nq_action action = { .kind = NQ_ACTION_STEER, .rx_to = 2, .tx_to = 2 };

	(void)state;
	assert_string_equal(steps_of(host, &action),
			    "xdp e0=nearq, steer e0/02:00:00:00:00:01=11, txq e0/02:00:00:00:00:01=");
	action.tx_to = 0;
	assert_string_equal(steps_of(host, &action),
			    "xdp e0=nearq, steer e0/02:00:00:00:00:01=11, xps e0/0=, egress e0=clsact nearq, "
			    "txq e0/02:00:00:00:00:01=0");
	host->queues[0].xps = "";
	action.rx_to = NQ_NONE;
	action.tx_to = NQ_NONE;
	assert_string_equal(steps_of(host, &action), "steer e0/02:00:00:00:00:01=, txq e0/02:00:00:00:00:01=");
	action.rx_to = 0;
	assert_string_equal(steps_of(host, &action),
			    "EOPNOTSUPP: e0 steers by xdp, which reaches queues of kind soft only");
	host->pnics[0].steering = NQ_STEER_NTUPLE;
	assert_string_equal(steps_of(host, &action), "EOPNOTSUPP: this nearq steers by xdp only, e0 by ntuple");
	host->vnics[0].pnic = NQ_NONE;
	assert_string_equal(steps_of(host, &action), "EOPNOTSUPP: the vnic has no pnic");
	nq_host_free(host);
}

/* What no applier can do is refused before anything is written, and says so. */
static void not_every_action_is_possible(void **state)
{
	struct nq_host *host = make_host();
	struct nq_action action = { .kind = NQ_ACTION_MIGRATE, .bytes = 1 << 20, .bytes_per_s = 1 << 20 };

	(void)state;
	nq_nodeset_add(&action.home_to, 1);
	assert_string_equal(steps_of(host, &action), "EOPNOTSUPP: this nearq cannot carry out actions of kind migrate");
	action = (struct nq_action){ .kind = NQ_ACTION_QUEUE_SET, .coalesce_from = NQ_NONE, .coalesce_to = 100 };
	assert_string_equal(steps_of(host, &action),
			    "EOPNOTSUPP: this nearq cannot carry out actions of kind queue-set");
	action = (struct nq_action){
		.kind = NQ_ACTION_STEER, .rx_to = 1, .tx_to = 0, .n_spread_to = 1, .spread_to = { 2 }
	};
	assert_string_equal(steps_of(host, &action),
			    "EOPNOTSUPP: this nearq cannot have a vnic receive on several queues");
	action.n_spread_to = 0;
	action.n_spread_from = 1;
	assert_string_equal(steps_of(host, &action),
			    "EOPNOTSUPP: this nearq cannot have a vnic receive on several queues");
	nq_host_free(host);
}

static void values_are_read_and_written(void **state)
{
	static const struct {
		const char *kind, *key, *path, *before, *value, *content;
	} cases[] = {
		{ "irq", "57", "proc/irq/57/smp_affinity_list", "0-7", "2", "2" },
		{ "xps", "e0/0", "sys/class/net/e0/queues/tx-0/xps_cpus", "0-1", "0,31-32,95",
		  "80000000,00000001,80000001" },
		{ "xps", "e0/0", "sys/class/net/e0/queues/tx-0/xps_cpus", "0,31-32,95", "", "0" },
		{ "threaded", "e0", "sys/class/net/e0/threaded", "0", "1", "1" },
		{ "cpuset", "/vm1", "sys/fs/cgroup/vm1/cpuset.cpus", ";", "4-5;1", "4-5" },
		{ "cpuset", "vm1", "sys/fs/cgroup/vm1/cpuset.mems", "4-5;1", "4-5;", "" },
	};
	char value[NQ_SETTING_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct nq_setting_kind *kind = nq_setting_find(cases[i].kind);

		assert_int_equal(kind->probe(ctx, cases[i].key), 0);
		assert_int_equal(kind->read(ctx, cases[i].key, value), 0);
		assert_string_equal(value, cases[i].before);
		assert_int_equal(kind->write(ctx, cases[i].key, cases[i].value), 0);
		assert_string_equal(content(cases[i].path), cases[i].content);
		assert_int_equal(kind->read(ctx, cases[i].key, value), 0);
		assert_string_equal(value, cases[i].value);
	}
}

static void what_is_not_there_is_gone_or_not_supported(void **state)
{
	static const struct {
		const char *kind, *key;
		int error;
	} cases[] = {
		{ "irq", "58", -ENODEV },
		{ "xps", "e1/0", -ENODEV },
		{ "xps", "e0/7", -EOPNOTSUPP },
		{ "threaded", "e1", -ENODEV },
		{ "cpuset", "/vm2", -ENODEV },
		{ "cpuset", "/bare", -EOPNOTSUPP },
		{ "thread", "77@1", -ENODEV },
		{ "thread", "99@1", -ENODEV },
		{ "steer", "e1/02:00:00:00:00:01", -ENODEV },
	};
	char value[NQ_SETTING_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(nq_setting_find(cases[i].kind)->read(ctx, cases[i].key, value), cases[i].error);
		assert_int_equal(nq_setting_find(cases[i].kind)->probe(ctx, cases[i].key), cases[i].error);
	}
	put("proc/self/mounts", "cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0\n");
	assert_int_equal(nq_setting_find("cpuset")->read(ctx, "/vm1", value), -EOPNOTSUPP);
	assert_string_equal(ctx->why, "no cgroup v2 is mounted");
}

static void an_entry_goes_when_the_former_value_is_back(void **state)
{
	struct nq_applier *applier = make_applier();

	(void)state;
	change(applier, "irq", "57", "0-7", NQ_OUTCOME_SAME);
	assert_int_equal(nq_applier_held(applier), 0);
	change(applier, "irq", "57", "3", NQ_OUTCOME_DONE);
	change(applier, "irq", "57", "3", NQ_OUTCOME_SAME);
	change(applier, "irq", "57", "4", NQ_OUTCOME_DONE);
	assert_int_equal(nq_applier_held(applier), 1);
	change(applier, "irq", "57", "0,1-7", NQ_OUTCOME_DONE);
	assert_int_equal(nq_applier_held(applier), 0);
	change(applier, "irq", "58", "0", NQ_OUTCOME_GONE);
	change(applier, "cpuset", "/bare", "0;0", NQ_OUTCOME_REFUSED);
	change(applier, "threaded", "e0", "2", NQ_OUTCOME_REFUSED);
	assert_int_equal(nq_applier_held(applier), 0); /* what was not written is not held */
	nq_applier_close(applier);
}

struct seen {
	enum nq_outcome_kind kinds[8];
	char keys[8][32];
	uint32_t n;
};

static void see(const char *kind, const char *key, const char *value, const struct nq_outcome *outcome, void *userdata)
{
	struct seen *seen = userdata;

	(void)value;
	assert_true(seen->n < 8);
	seen->kinds[seen->n] = outcome->kind;
	snprintf(seen->keys[seen->n++], sizeof(seen->keys[0]), "%.8s %.20s", kind, key);
}

static void restoring_goes_backwards_and_skips_what_is_gone(void **state)
{
	struct nq_applier *applier = make_applier();
	struct seen seen = {}, again = {};

	(void)state;
	change(applier, "irq", "57", "3", NQ_OUTCOME_DONE);
	change(applier, "cpuset", "/vm1", "4;1", NQ_OUTCOME_DONE);
	change(applier, "xps", "e0/0", "", NQ_OUTCOME_DONE);
	drop("sys/class/net/e0");
	assert_int_equal(nq_applier_restore(applier, false, see, &seen), 0);
	assert_int_equal(seen.n, 3);
	assert_string_equal(seen.keys[0], "xps e0/0");
	assert_int_equal(seen.kinds[0], NQ_OUTCOME_GONE);
	assert_string_equal(seen.keys[1], "cpuset /vm1");
	assert_int_equal(seen.kinds[1], NQ_OUTCOME_DONE);
	assert_string_equal(seen.keys[2], "irq 57");
	assert_int_equal(seen.kinds[2], NQ_OUTCOME_DONE);
	assert_string_equal(content("proc/irq/57/smp_affinity_list"), "0-7");
	assert_string_equal(content("sys/fs/cgroup/vm1/cpuset.cpus"), "");
	assert_int_equal(nq_applier_held(applier), 0);
	assert_int_equal(nq_applier_restore(applier, false, see, &again), 0);
	assert_int_equal(again.n, 0);
	nq_applier_close(applier);
}

static void what_others_changed_is_left_to_them(void **state)
{
	struct nq_applier *applier = make_applier();
	struct seen first = {}, forced = {};

	(void)state;
	change(applier, "irq", "57", "3", NQ_OUTCOME_DONE);
	change(applier, "threaded", "e0", "1", NQ_OUTCOME_DONE);
	put("proc/irq/57/smp_affinity_list", "6\n");
	assert_int_equal(nq_applier_restore(applier, false, see, &first), 1);
	assert_int_equal(first.kinds[0], NQ_OUTCOME_DONE);
	assert_int_equal(first.kinds[1], NQ_OUTCOME_REFUSED);
	assert_string_equal(content("proc/irq/57/smp_affinity_list"), "6");
	assert_int_equal(nq_applier_held(applier), 1); /* still known, in case they give it back */
	assert_int_equal(nq_applier_restore(applier, true, see, &forced), 0);
	assert_string_equal(content("proc/irq/57/smp_affinity_list"), "0-7");
	assert_int_equal(nq_applier_held(applier), 0);
	nq_applier_close(applier);
}

static void a_plan_is_carried_out_action_by_action(void **state)
{
	struct nq_applier *applier = make_applier();
	struct nq_host *host = make_host();
	struct nq_action actions[] = {
		{ .kind = NQ_ACTION_HOME, .vm = 0 },
		{ .kind = NQ_ACTION_QUEUE_CPU, .queue = 0, .cpu_to = 2 },
		{ .kind = NQ_ACTION_STEER, .vnic = 0, .rx_to = 1, .tx_to = 0 },
	};
	struct nq_plan plan = { .actions = actions, .n_actions = 3 };
	struct nq_outcome outcomes[3] = {};

	(void)state;
	nq_nodeset_add(&actions[0].home_to, 1);
	host->queues[0].thread = 99; /* gone: the interrupt is brought back */
	assert_int_equal(nq_applier_apply(applier, host, &plan, outcomes), 2);
	assert_int_equal(outcomes[0].kind, NQ_OUTCOME_DONE);
	assert_int_equal(outcomes[1].kind, NQ_OUTCOME_GONE);
	assert_string_equal(content("proc/irq/57/smp_affinity_list"), "0-7");
	assert_int_equal(outcomes[2].kind, NQ_OUTCOME_REFUSED);
	assert_string_equal(outcomes[2].detail, "not tried: it builds on action 2 (queue-cpu), which failed");
	assert_string_equal(content("sys/fs/cgroup/vm1/cpuset.cpus"), "12");
	assert_string_equal(content("sys/fs/cgroup/vm1/cpuset.mems"), "4");
	plan.n_actions = 2;
	host->queues[0].thread = NQ_NONE;
	assert_int_equal(nq_applier_apply(applier, host, &plan, outcomes), 0);
	assert_int_equal(outcomes[0].kind, NQ_OUTCOME_SAME);
	assert_int_equal(outcomes[1].kind, NQ_OUTCOME_DONE);
	assert_string_equal(content("proc/irq/57/smp_affinity_list"), "12");
	nq_host_free(host);
	nq_applier_close(applier);
}

/* Refused, with nothing written and nothing held, and what does not build on it is done. */
static void what_cannot_be_done_leaves_the_rest_alone(void **state)
{
	struct nq_applier *applier = make_applier();
	struct nq_host *host = make_host();
	struct nq_action actions[] = {
		{ .kind = NQ_ACTION_HOME, .vm = 0 }, /* to a node without CPUs */
		{ .kind = NQ_ACTION_MIGRATE, .vm = 0 },
		{ .kind = NQ_ACTION_QUEUE_SET, .queue = 0, .coalesce_to = 100 },
		{ .kind = NQ_ACTION_STEER, .vnic = 0, .rx_to = 1, .tx_to = 0, .n_spread_to = 1, .spread_to = { 2 } },
		{ .kind = NQ_ACTION_QUEUE_CPU, .queue = 0, .cpu_to = 1 },
	};
	struct nq_plan plan = { .actions = actions + 1, .n_actions = 3 };
	struct nq_outcome outcomes[5] = {};

	(void)state;
	host->queues[0].thread = NQ_NONE;
	host->cpus[2].online = false;
	nq_nodeset_add(&actions[0].home_to, 1);
	nq_nodeset_add(&actions[1].home_to, 1);
	assert_int_equal(nq_applier_apply(applier, host, &plan, outcomes), 3);
	for (uint32_t i = 0; i < plan.n_actions; i++) {
		assert_int_equal(outcomes[i].kind, NQ_OUTCOME_REFUSED);
		assert_non_null(strstr(outcomes[i].detail, "this nearq cannot"));
	}
	assert_int_equal(nq_applier_held(applier), 0);
	plan = (struct nq_plan){ .actions = actions, .n_actions = 5 };
	assert_int_equal(nq_applier_apply(applier, host, &plan, outcomes), 4);
	assert_string_equal(outcomes[1].detail, "not tried: it builds on action 1 (home), which failed");
	assert_string_equal(outcomes[3].detail, "not tried: it builds on action 1 (home), which failed");
	assert_int_equal(outcomes[4].kind, NQ_OUTCOME_DONE);
	assert_string_equal(content("proc/irq/57/smp_affinity_list"), "11");
	assert_int_equal(nq_applier_held(applier), 1);
	nq_host_free(host);
	nq_applier_close(applier);
}

static void a_cpuset_is_written_whole_or_not_at_all(void **state)
{
	struct nq_applier *applier = make_applier();

	(void)state;
	change(applier, "cpuset", "/vm1", "4;1", NQ_OUTCOME_DONE);
	drop("sys/fs/cgroup/vm1/cpuset.mems"); /* the controller was taken away */
	change(applier, "cpuset", "/vm1", "5;0", NQ_OUTCOME_REFUSED);
	assert_string_equal(content("sys/fs/cgroup/vm1/cpuset.cpus"), "4");
	assert_int_equal(nq_applier_held(applier), 1);
	nq_applier_close(applier);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)
	static const struct CMUnitTest tests[] = {
		TEST(home_is_a_cpuset_where_there_is_one),
		TEST(home_is_refused_for_a_reason),
		TEST(a_queue_moves_by_interrupt_and_thread),
		TEST(steering_attaches_before_it_steers),
		TEST(not_every_action_is_possible),
		TEST(values_are_read_and_written),
		TEST(what_is_not_there_is_gone_or_not_supported),
		TEST(an_entry_goes_when_the_former_value_is_back),
		TEST(restoring_goes_backwards_and_skips_what_is_gone),
		TEST(what_others_changed_is_left_to_them),
		TEST(a_plan_is_carried_out_action_by_action),
		TEST(what_cannot_be_done_leaves_the_rest_alone),
		TEST(a_cpuset_is_written_whole_or_not_at_all),
	};

	return cmocka_run_group_tests_name("A1 settings and actions", tests, NULL, NULL);
}
