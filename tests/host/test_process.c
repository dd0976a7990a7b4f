/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* N4: what is read of processes, of live ones with awkward names and ends, and of made-up files. */
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
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/process.h"

static char tree[] = "/tmp/nearq-process-XXXXXX";
static struct nq_root *root;

static int open_live(void **state)
{
	(void)state;
	return nq_root_open(NULL, &root);
}

static int open_tree(void **state)
{
	char path[64];

	(void)state;
	strcpy(strrchr(tree, '-') + 1, "XXXXXX");
	if (!mkdtemp(tree))
		return -1;
	snprintf(path, sizeof(path), "%s/proc", tree);
	if (mkdir(path, 0700) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/proc/7", tree);
	return mkdir(path, 0700) < 0 ? -1 : nq_root_open(tree, &root);
}

static int close_root(void **state)
{
	char command[64];

	(void)state;
	if (!nq_root_is_live(root)) {
		snprintf(command, sizeof(command), "rm -r '%s'", tree);
		assert_int_equal(system(command), 0);
	}
	root = nq_root_close(root);
	return 0;
}

/* A file of process 7. */
static void put(const char *name, const char *text)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/7/%s", tree, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static pid_t start(const char *name)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void names_may_look_like_the_fields_after_them(void **state)
{
	static const char *const names[] = { "a) S 1 (b", ") R 99 99 99", "((", "))", " ", "two\nlines" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		pid_t pid = start(names[i]);
		struct nq_process_stat stat = { .parent = 1 }, before;
		uint64_t runtime;

		assert_int_equal(nq_process_stat_kept(root, (uint32_t)pid, &stat), 0);
		assert_int_equal(stat.parent, getpid());
		assert_int_equal(stat.threads, 1);
		assert_string_equal(stat.comm, names[i]);
		assert_in_range(stat.last_cpu, 0, sysconf(_SC_NPROCESSORS_CONF) - 1);
		assert_int_equal(nq_process_runtime_kept(root, (uint32_t)pid, &runtime), 0);
		assert_true(runtime > 0);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		/* also through the files that stayed open, and nothing is filled in */
		before = stat;
		assert_int_equal(nq_process_stat_kept(root, (uint32_t)pid, &stat), -ESRCH);
		assert_memory_equal(&stat, &before, sizeof(stat));
		assert_int_equal(nq_process_runtime_kept(root, (uint32_t)pid, &runtime), -ESRCH);
	}
}

static void who_is_gone_is_gone_for_every_question(void **state)
{
	pid_t pid = start("short-lived");
	struct nq_cpumask mask;
	uint64_t node[1] = { 5 };
	char cgroup[256];
	bool fixed;

	(void)state;
	assert_int_equal(nq_process_affinity(root, (uint32_t)pid, &mask), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(nq_process_affinity(root, (uint32_t)pid, &mask), -ESRCH);
	assert_int_equal(nq_process_cgroup(root, (uint32_t)pid, cgroup, sizeof(cgroup)), -ESRCH);
	assert_int_equal(nq_process_fixed_memory(root, (uint32_t)pid, &fixed), -ESRCH);
	assert_int_equal(nq_process_memory(root, (uint32_t)pid, node, 1), -ESRCH);
	assert_int_equal(node[0], 5);
}

static void the_affinity_is_the_kernels(void **state)
{
	struct nq_cpumask mask;
	cpu_set_t set;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	assert_int_equal(nq_process_affinity(root, (uint32_t)getpid(), &mask), 0);
	for (uint32_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		assert_int_equal(nq_cpumask_has(&mask, cpu), CPU_ISSET(cpu, &set) != 0);
}

static void pinned_memory_is_locked_or_huge(void **state)
{
	static const struct {
		const char *status;
		bool fixed;
	} cases[] = {
		{ "Name:\tVmLck\nVmLck:\t       0 kB\nHugetlbPages:\t       0 kB\n", false },
		{ "Name:\ta\nVmLck:\t       4 kB\nHugetlbPages:\t       0 kB\n", true },
		{ "Name:\ta\nVmLck:\t       0 kB\nHugetlbPages:\t    2048 kB", true },
		{ "Name:\tVmLck: 5\nXVmLck:\t7 kB\nVmLckX:\t7 kB\n", false },
		{ "", false }, /* a kernel thread has neither */
	};
	bool fixed;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		put("status", cases[i].status);
		assert_int_equal(nq_process_fixed_memory(root, 7, &fixed), 0);
		assert_int_equal(fixed, cases[i].fixed);
	}
}

static void files_of_another_shape_are_refused(void **state)
{
	static const char *const stats[] = {
		"", "7", "7 (a", "7 a) S 1", "7 (a) S 1 2 3", "7 (a) S x 7 7 0 -1 0 0 0 0 0 1 2"
	};
	struct nq_process_stat stat;
	struct nq_cpumask mask;
	char cgroup[8] = "before";
	uint64_t runtime;

	(void)state;
	for (size_t i = 0; i < sizeof(stats) / sizeof(*stats); i++) {
		put("stat", stats[i]);
		assert_int_equal(nq_process_stat_kept(root, 7, &stat), -EBADMSG);
	}
	put("schedstat", "much\n");
	assert_int_equal(nq_process_runtime_kept(root, 7, &runtime), -EBADMSG);
	put("status", "Name:\ta\nCpus_allowed:\tff\n");
	assert_int_equal(nq_process_affinity(root, 7, &mask), -EBADMSG);
	put("status", "Cpus_allowed_list:\t0-\n");
	assert_int_equal(nq_process_affinity(root, 7, &mask), -EINVAL);
	put("cgroup", "9:cpuset:/a\n0::/too/long/for/it\n");
	assert_int_equal(nq_process_cgroup(root, 7, cgroup, sizeof(cgroup)), -ENAMETOOLONG);
	put("cgroup", "9:cpuset:/a\n");
	assert_int_equal(nq_process_cgroup(root, 7, cgroup, sizeof(cgroup)), 0);
	assert_string_equal(cgroup, "");
	put("cgroup", "9:cpuset:/a\n0::/b c\n");
	assert_int_equal(nq_process_cgroup(root, 7, cgroup, sizeof(cgroup)), 0);
	assert_string_equal(cgroup, "/b c");
}

int main(void)
{
#define LIVE(name) cmocka_unit_test_setup_teardown(name, open_live, close_root)
#define TREE(name) cmocka_unit_test_setup_teardown(name, open_tree, close_root)
	static const struct CMUnitTest tests[] = {
		LIVE(names_may_look_like_the_fields_after_them),
		LIVE(who_is_gone_is_gone_for_every_question),
		LIVE(the_affinity_is_the_kernels),
		TREE(pinned_memory_is_locked_or_huge),
		TREE(files_of_another_shape_are_refused),
	};

	return cmocka_run_group_tests_name("N4 processes", tests, NULL, NULL);
}
