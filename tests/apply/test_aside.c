/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A5: the processes of a container step aside and return, in real cgroups of a hierarchy that the test mounts.
 *
 * The machine that builds nearq need not have the cpuset controller in it, so the file that is emptied is
 * cgroup.subtree_control, which takes an empty text, or cgroup.max.depth, which refuses one. Whatever passes a test
 * point does so in a child, so that each child counts from 1.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/aside.h"

#define PROCESSES 3
/* Points on the way of nq_aside_clear(); the last test of them finds out when there are more. */
#define POINTS 4
#define GROUP "vm"
#define SIBLING GROUP ".nearq"
#define ACCEPTS "cgroup.subtree_control"
#define REFUSES "cgroup.max.depth"

static char place[] = "/tmp/nearq-aside-XXXXXX"; /* the hierarchy is mounted here, where nobody else sees it */
static char root[64];				 /* the test's own cgroup in it */
static struct nq_setting_ctx *ctx;

static const char *in_root(const char *path)
{
	static char full[512];

	snprintf(full, sizeof(full), "%s/%s", root, path);
	return full;
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(in_root(path), "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* How many processes a cgroup has. */
static int processes(const char *group)
{
	char path[64], line[32];
	FILE *file;
	int n = 0;

	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	file = fopen(in_root(path), "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		n++;
	fclose(file);
	return n;
}

static bool exists(const char *path)
{
	return access(in_root(path), F_OK) == 0;
}

/* Runs in a process of its own, which is in the group from its first instant. */
static void start_inside(void (*body)(void))
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ready[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		put(GROUP "/cgroup.procs", "0");
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		close(ready[1]);
		body();
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

static void rest(void)
{
}

/* A pid that is another one each time it is looked at. */
static void run_away(void)
{
	for (int i = 0; i < 400; i++) {
		pid_t pid = fork();

		if (pid > 0)
			_exit(0);
	}
}

/* Ever more processes. */
static void multiply(void)
{
	for (int i = 0; i < 200; i++)
		if (fork() == 0)
			return;
}

/* What nq_aside_clear() returns in a child, or 128 + the signal that ended it, as a positive number. */
static int clear_in_child(const char *variable, int point, const char *file)
{
	char number[16];
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		snprintf(number, sizeof(number), "%d", point);
		setenv(variable, number, 1);
		_exit(-nq_aside_clear(ctx, GROUP, file));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int clear_group(const char *file)
{
	return clear_in_child("NEARQ_TEST_NOTHING", 0, file);
}

static void assert_all_back(int n)
{
	assert_false(exists(SIBLING));
	assert_false(nq_aside_left(ctx, GROUP));
	assert_int_equal(processes(GROUP), n);
}

static int mount_cgroups(void **state)
{
	(void)state;
	if (!mkdtemp(place))
		return -1;
	snprintf(root, sizeof(root), "%s/nearq-test-%d", place, getpid());
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", place, "cgroup2", 0, NULL) < 0)
		root[0] = '\0';
	return 0;
}

static int unmount_cgroups(void **state)
{
	(void)state;
	umount(place);
	return rmdir(place);
}

static int make_group(void **state)
{
	(void)state;
	if (!root[0])
		return 0;
	return mkdir(root, 0755) < 0 || mkdir(in_root(GROUP), 0755) < 0 || nq_setting_ctx_new_at(root, &ctx) < 0;
}

static int goes_later(const char *path)
{
	return exists(path) && rmdir(in_root(path)) < 0 && errno == EBUSY;
}

/* All processes die; a cgroup can go when the last one has left it. */
static int remove_group(void **state)
{
	time_t deadline = time(NULL) + 10;

	(void)state;
	if (!root[0])
		return 0;
	ctx = nq_setting_ctx_free(ctx);
	put("cgroup.kill", "1");
	while ((goes_later(SIBLING) || goes_later(GROUP "/inner") || goes_later(GROUP) || goes_later("")) &&
	       time(NULL) < deadline)
		sched_yield();
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return exists("");
}

static void need_cgroups(void)
{
	if (!root[0])
		skip();
}

static void everybody_steps_aside_and_returns(void **state)
{
	(void)state;
	need_cgroups();
	assert_int_equal(clear_group(ACCEPTS), 0); /* nobody there */
	assert_all_back(0);
	for (int i = 0; i < PROCESSES; i++)
		start_inside(rest);
	assert_int_equal(clear_group(ACCEPTS), 0);
	assert_all_back(PROCESSES);
	assert_int_equal(nq_aside_return(ctx, GROUP), 0); /* nothing to do */
	assert_all_back(PROCESSES);
}

static void a_refused_write_brings_them_back(void **state)
{
	(void)state;
	need_cgroups();
	for (int i = 0; i < PROCESSES; i++)
		start_inside(rest);
	assert_int_equal(clear_group(REFUSES), EINVAL);
	assert_all_back(PROCESSES);
	assert_int_equal(clear_group("cpuset.absent"), ENOENT);
	assert_all_back(PROCESSES);
}

static void any_point_that_fails_brings_them_back(void **state)
{
	(void)state;
	need_cgroups();
	for (int i = 0; i < PROCESSES; i++)
		start_inside(rest);
	for (int point = 1; point <= POINTS; point++) {
		assert_int_equal(clear_in_child("NEARQ_TEST_FAIL_AT", point, ACCEPTS), EIO);
		assert_all_back(PROCESSES);
	}
	assert_int_equal(clear_in_child("NEARQ_TEST_FAIL_AT", POINTS + 1, ACCEPTS), 0);
}

static void what_a_kill_left_is_returned(void **state)
{
	static const int aside[POINTS] = { 0, 0, PROCESSES, PROCESSES };

	(void)state;
	need_cgroups();
	for (int i = 0; i < PROCESSES; i++)
		start_inside(rest);
	for (int point = 1; point <= POINTS; point++) {
		assert_int_equal(clear_in_child("NEARQ_TEST_KILL_AT", point, ACCEPTS), 128 + SIGKILL);
		assert_int_equal(exists(SIBLING), point > 1);
		assert_int_equal(nq_aside_left(ctx, GROUP), point > 1);
		assert_int_equal(exists(SIBLING) ? processes(SIBLING) : 0, aside[point - 1]);
		assert_int_equal(processes(GROUP), PROCESSES - aside[point - 1]);
		assert_int_equal(nq_aside_return(ctx, GROUP), 0);
		assert_all_back(PROCESSES);
	}
}

static void processes_that_fork_meanwhile_come_too(void **state)
{
	(void)state;
	need_cgroups();
	start_inside(run_away);
	start_inside(multiply);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(clear_group(ACCEPTS), 0);
		assert_false(exists(SIBLING));
	}
	assert_true(processes(GROUP) >= 2);
}

static void what_would_not_come_back_is_refused(void **state)
{
	(void)state;
	need_cgroups();
	assert_int_equal(nq_aside_possible(ctx, GROUP), 0);
	assert_int_equal(mkdir(in_root(GROUP "/inner"), 0755), 0);
	ctx->why[0] = '\0';
	assert_int_equal(nq_aside_possible(ctx, GROUP), -EOPNOTSUPP);
	assert_non_null(strstr(ctx->why, "it has cgroups inside"));
	assert_int_equal(clear_group(ACCEPTS), EOPNOTSUPP);
	assert_false(exists(SIBLING));
	put(GROUP "/inner/cgroup.type", "threaded"); /* makes its parent one of threads' own arrangement */
	assert_int_equal(nq_aside_possible(ctx, GROUP), -EOPNOTSUPP);
	assert_int_equal(nq_aside_possible(ctx, GROUP "/inner"), -EOPNOTSUPP);
	assert_int_equal(nq_aside_possible(ctx, "absent"), -EOPNOTSUPP);
}

static void units_of_systemd_are_refused(void **state)
{
	static const struct {
		const char *dir;
		bool unit;
	} cases[] = {
		{ "a.service", true },		 { "top.slice/machine-1.scope", true },
		{ "top.slice", true },		 { "a.socket", true },
		{ "top.slice/docker-1", false }, { ".service", false },
		{ "a.servicex", false },	 { "service", false },
	};
	char path[64];

	(void)state;
	need_cgroups();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ctx->why[0] = '\0';
		snprintf(path, sizeof(path), "%s", cases[i].dir);
		nq_aside_possible(ctx, path);
		assert_int_equal(strstr(ctx->why, "is a unit of systemd") != NULL, cases[i].unit);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_group, remove_group)
	static const struct CMUnitTest tests[] = {
		TEST(everybody_steps_aside_and_returns),      TEST(a_refused_write_brings_them_back),
		TEST(any_point_that_fails_brings_them_back),  TEST(what_a_kill_left_is_returned),
		TEST(processes_that_fork_meanwhile_come_too), TEST(what_would_not_come_back_is_refused),
		TEST(units_of_systemd_are_refused),
	};

	return cmocka_run_group_tests_name("A5 stepping aside", tests, mount_cgroups, unmount_cgroups);
}
