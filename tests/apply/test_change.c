/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A5: changes that go wrong on the way. Some files of the made-up proc/ and sys/ misbehave as the kernel's can: one
 * takes what it is given and ignores it (/dev/null), one takes single numbers only (oom_score_adj of whoever writes
 * it). Whatever passes a test point does so in a child, so that each child counts from 1.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/set_kinds.h"
#include "tree.h"

#define IRQ_FILE "proc/irq/57/smp_affinity_list"
#define CPUS_FILE "sys/fs/cgroup/vm1/cpuset.cpus"
#define MEMS_FILE "sys/fs/cgroup/vm1/cpuset.mems"
#define IGNORES "/dev/null"
#define TAKES_NUMBERS "/proc/self/oom_score_adj"
/* Points that changing and restoring the settings below may pass; the tests find out when there are more. */
#define POINTS_MAX 40

static void misbehave(const char *path, const char *as)
{
	char full[256];

	snprintf(full, sizeof(full), "%s/%s", root, path);
	assert_int_equal(unlink(full), 0);
	assert_int_equal(symlink(as, full), 0);
}

static void outcome_of(struct nq_applier *applier, const char *kind, const char *key, const char *value,
		       struct nq_outcome *ret)
{
	int journal_error = 0;

	nq_change(applier, nq_setting_find(kind), key, value, ret, &journal_error);
	assert_int_equal(journal_error, 0);
}

static void a_write_that_is_ignored_is_found_out(void **state)
{
	struct nq_applier *applier = make_applier();
	struct nq_outcome outcome = {};

	(void)state;
	misbehave(IRQ_FILE, IGNORES);
	outcome_of(applier, "irq", "57", "3", &outcome);
	assert_int_equal(outcome.kind, NQ_OUTCOME_REFUSED); /* nothing changed */
	assert_string_equal(outcome.detail, "irq 57 to \"3\": read back \"\"");
	assert_int_equal(nq_applier_held(applier), 0);
	nq_applier_close(applier);
}

/* One node, whose id 0 no kernel file refuses, and another; vm1 is to have both, or nothing. */
static struct nq_host *host_with_home(struct nq_action *ret)
{
	struct nq_host *host = NULL;
	struct nq_queue *queue;
	struct nq_vm *vm;

	assert_int_equal(nq_host_new(&host), 0);
	assert_int_equal(nq_host_set_nodes(host, 2), 0);
	for (uint32_t i = 0; i < 2; i++) {
		struct nq_cpu *cpu = nq_host_add_cpu(host);

		host->nodes[i].id = i * 4;
		host->nodes[i].mem_total = 1;
		*cpu = (struct nq_cpu){ .id = 10 + i, .core = 10 + i, .node = i, .online = true };
	}
	nq_host_add_pnic(host)->name = nq_host_string(host, "e0");
	queue = nq_host_add_queue(host);
	queue->irq = 57;
	queue->thread = 88; /* about to end: it has no task any more */
	queue->movable = true;
	vm = nq_host_add_vm(host);
	vm->name = nq_host_string(host, "vm1");
	vm->cgroup = nq_host_string(host, "/vm1");
	vm->pid = 77;
	*ret = (struct nq_action){ .kind = NQ_ACTION_HOME };
	nq_nodeset_add(&ret->home_to, 0);
	nq_nodeset_add(&ret->home_to, 1);
	return host;
}

/* The threads must never stay where the memory was not allowed to follow. */
static void without_its_memory_nobody_moves(void **state)
{
	struct nq_applier *applier = make_applier();
	struct nq_action action;
	struct nq_host *host = host_with_home(&action);
	const struct nq_plan plan = { .actions = &action, .n_actions = 1 };
	struct nq_outcome outcome = {};

	(void)state;
	put(CPUS_FILE, "10\n");
	misbehave(MEMS_FILE, TAKES_NUMBERS);
	assert_int_equal(nq_applier_apply(applier, host, &plan, &outcome), 1);
	assert_int_equal(outcome.kind, NQ_OUTCOME_UNDONE);
	assert_non_null(strstr(outcome.detail, "cpuset.mems refused \"0,4\""));
	assert_string_equal(content(CPUS_FILE), "10");
	assert_int_equal(nq_applier_held(applier), 0);
	nq_host_free(host);
	nq_applier_close(applier);
}

/* Runs in a child that fails at a point, 0: at none; its exit code. */
static int in_child(int point, int (*body)(struct nq_applier *applier))
{
	char number[16];
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct nq_applier *applier = make_applier();

		snprintf(number, sizeof(number), "%d", point);
		setenv("NEARQ_TEST_FAIL_AT", number, 1);
		status = body(applier);
		nq_applier_close(applier);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int move_queue(struct nq_applier *applier)
{
	struct nq_action action;
	struct nq_host *host = host_with_home(&action);
	struct nq_outcome outcome = {};
	const struct nq_plan plan = { .actions = &action, .n_actions = 1 };

	action = (struct nq_action){ .kind = NQ_ACTION_QUEUE_CPU, .queue = 0, .cpu_to = 0 };
	nq_applier_apply(applier, host, &plan, &outcome);
	nq_host_free(host);
	return (int)outcome.kind;
}

static int restore_all(struct nq_applier *applier)
{
	return nq_applier_restore(applier, false, NULL, NULL);
}

static int held(void)
{
	struct nq_applier *applier = make_applier();
	int n = nq_applier_held(applier);

	nq_applier_close(applier);
	return n;
}

static void what_cannot_be_brought_back_stays_in_the_journal(void **state)
{
	/* 1 and 2: the interrupt; then its thread turns out to be gone; 3 and 4: the interrupt on its way back */
	static const enum nq_outcome_kind kinds[] = { NQ_OUTCOME_REFUSED, NQ_OUTCOME_UNDONE, NQ_OUTCOME_STUCK,
						      NQ_OUTCOME_STUCK };

	(void)state;
	for (int point = 1; point <= 4; point++) {
		assert_int_equal(in_child(point, move_queue), kinds[point - 1]);
		assert_int_equal(held(), point == 3);
		assert_string_equal(content(IRQ_FILE), point == 3 ? "10" : "0-7");
		assert_int_equal(in_child(0, restore_all), 0);
		assert_string_equal(content(IRQ_FILE), "0-7");
		assert_int_equal(held(), 0);
	}
}

static int change_all(struct nq_applier *applier)
{
	change(applier, "irq", "57", "3", NQ_OUTCOME_DONE);
	change(applier, "cpuset", "/vm1", "4;1", NQ_OUTCOME_DONE);
	change(applier, "threaded", "e0", "1", NQ_OUTCOME_DONE);
	change(applier, "xps", "e0/0", "5", NQ_OUTCOME_DONE);
	return nq_applier_held(applier);
}

/* One setting that fails does not keep the others from being restored, and is not forgotten. */
static void a_restore_that_fails_anywhere_is_finished_by_the_next(void **state)
{
	int point, others;

	(void)state;
	for (point = 1; point < POINTS_MAX; point++) {
		assert_int_equal(in_child(0, change_all), 4);
		others = in_child(point, restore_all);
		assert_in_range(others, 0, 1);
		assert_in_range(held(), 0, others);
		assert_int_equal(in_child(0, restore_all), 0);
		assert_int_equal(held(), 0);
		assert_string_equal(content(IRQ_FILE), "0-7");
		assert_string_equal(content(CPUS_FILE), "");
		assert_string_equal(content(MEMS_FILE), "");
		assert_string_equal(content("sys/class/net/e0/threaded"), "0");
		assert_string_equal(content("sys/class/net/e0/queues/tx-0/xps_cpus"), "3");
		if (others == 0)
			break; /* fewer points than this one */
	}
	assert_int_equal(point, 2 * 5 + 1); /* before and after each of five writes, the cpuset's being two */
}

static void what_cannot_be_read_is_kept(void **state)
{
	struct nq_applier *applier;
	char full[256];

	(void)state;
	assert_int_equal(in_child(0, change_all), 4);
	drop(IRQ_FILE);
	snprintf(full, sizeof(full), "%s/" IRQ_FILE, root);
	assert_int_equal(mkdir(full, 0700), 0); /* opens, and cannot be read */
	applier = make_applier();
	assert_int_equal(nq_journal_note(applier->journal, "frequency", "cpu0", "1", "2"), 0); /* of a later nearq */
	assert_int_equal(nq_applier_restore(applier, false, NULL, NULL), 2);
	assert_int_equal(nq_applier_held(applier), 2);
	assert_string_equal(content(CPUS_FILE), "");
	assert_int_equal(nq_applier_restore(applier, true, NULL, NULL), 2); /* insisting does not help */
	rmdir(full);
	put(IRQ_FILE, "3\n");
	assert_int_equal(nq_applier_restore(applier, false, NULL, NULL), 1);
	assert_string_equal(content(IRQ_FILE), "0-7");
	nq_applier_close(applier);
}

/* What a killed nearq left aside is its own, whatever else the cpuset shows, and never a value to return to. */
static void processes_left_aside_are_nearqs_doing(void **state)
{
	char value[NQ_SETTING_TEXT];

	(void)state;
	put(CPUS_FILE, "4\n");
	put(MEMS_FILE, "1\n");
	assert_int_equal(nq_set_cpuset.read(ctx, "/vm1", value), 0);
	assert_string_equal(value, "4;1");
	assert_false(nq_set_cpuset.between(ctx, value, "0;0", "4;1"));
	put("sys/fs/cgroup/vm1.nearq/cgroup.procs", "77\n");
	assert_int_equal(nq_set_cpuset.read(ctx, "/vm1", value), 0);
	assert_true(nq_set_cpuset.between(ctx, value, "0;0", "4;1"));
	assert_false(nq_setting_same(ctx, &nq_set_cpuset, "/vm1", value, "4;1"));
	assert_false(nq_setting_same(ctx, &nq_set_cpuset, "/vm1", value, value));
}

static void errors_of_interrupts_have_words(void **state)
{
	(void)state;
	misbehave(IRQ_FILE, TAKES_NUMBERS);
	ctx->why[0] = '\0';
	assert_int_equal(nq_set_irq.write(ctx, "57", "4-5"), -EINVAL);
	assert_string_equal(ctx->why, "no CPU of the list is online");
	misbehave(IRQ_FILE, "/proc/self/mem"); /* nothing is mapped at its start */
	ctx->why[0] = '\0';
	assert_int_equal(nq_set_irq.write(ctx, "57", "4-5"), -EOPNOTSUPP);
	assert_non_null(strstr(ctx->why, "managed interrupt"));
	drop("proc/irq/57");
	assert_int_equal(nq_set_irq.write(ctx, "57", "4-5"), -ENODEV);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)
	static const struct CMUnitTest tests[] = {
		TEST(what_cannot_be_brought_back_stays_in_the_journal),
		TEST(a_restore_that_fails_anywhere_is_finished_by_the_next),
		TEST(a_write_that_is_ignored_is_found_out),
		TEST(without_its_memory_nobody_moves),
		TEST(what_cannot_be_read_is_kept),
		TEST(processes_left_aside_are_nearqs_doing),
		TEST(errors_of_interrupts_have_words),
	};

	return cmocka_run_group_tests_name("A5 changes that go wrong", tests, NULL, NULL);
}
