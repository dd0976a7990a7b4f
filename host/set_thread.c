/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Affinity of a kthread, or of a process with all its threads.
 *
 * The key carries the start time, so that a recycled pid is never touched. The value is a CPU list for all threads,
 * followed by those that differ ("0-3 812=1 813=2"): a QEMU whose vCPUs somebody pinned one by one gets every pin
 * back. A thread that is gone counts for nothing on either side of a comparison.
 *
 * A write is one system call per thread, and the one kind of setting that kill -9 can leave half done: between()
 * recognises that state. Threads born meanwhile inherit from a thread that may not be done yet, so passes are
 * repeated until one finds no new thread.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/cpulist.h"
#include "host/set_kinds.h"

#define THREAD_PATH 64
#define STAT_TEXT 1024
/* Field numbers of /proc/PID/stat, proc(5); the command's name may hold anything, so fields are counted after it. */
#define STAT_FLAGS 9
#define STAT_STARTTIME 22
#define STAT_AFTER_COMM 3
#define PF_NO_SETAFFINITY 0x04000000 /* include/linux/sched.h */
/* A process that makes threads faster than they can be moved this often in a row is given up. */
#define PASSES_MAX 16

struct task {
	uint32_t tid;
	struct nq_cpumask mask;
};

/* Affinities of a process: `base` for every thread that is not in tasks. */
struct affinity {
	struct nq_cpumask base;
	struct task *tasks;
	size_t n_tasks;
};

static void clear_affinity(struct affinity *affinity)
{
	free(affinity->tasks);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int add_task(struct affinity *affinity, uint32_t tid, const struct nq_cpumask *mask)
{
	struct task *tasks = reallocarray(affinity->tasks, affinity->n_tasks + 1, sizeof(*tasks));

	if (!tasks)
		return -ENOMEM;
	affinity->tasks = tasks;
	tasks[affinity->n_tasks++] = (struct task){ .tid = tid, .mask = *mask };
	return 0;
}

static const struct task *find_task(const struct affinity *affinity, uint32_t tid)
{
	size_t i;

	for (i = 0; i < affinity->n_tasks; i++)
		if (affinity->tasks[i].tid == tid)
			return &affinity->tasks[i];
	return NULL;
}

static const struct nq_cpumask *mask_of(const struct affinity *affinity, uint32_t tid)
{
	const struct task *task = find_task(affinity, tid);

	return task ? &task->mask : &affinity->base;
}

/* One field of /proc/PID/stat. */
static int read_stat(struct nq_setting_ctx *ctx, uint32_t pid, int field, unsigned long long *ret)
{
	char path[THREAD_PATH], text[STAT_TEXT];
	const char *place;
	int error, i;

	snprintf(path, sizeof(path), "proc/%u/stat", pid);
	error = nq_setting_read_file(ctx, path, text, sizeof(text));
	if (error == -ENOENT || error == -ESRCH)
		return -ENODEV;
	if (error < 0)
		return error;
	place = strrchr(text, ')');
	for (i = STAT_AFTER_COMM; place && i <= field; i++)
		place = strchr(place + 1, ' ');
	return place && sscanf(place, " %llu", ret) == 1 ? 0 : -EIO;
}

int nq_thread_key(struct nq_setting_ctx *ctx, uint32_t pid, char ret[NQ_THREAD_KEY])
{
	unsigned long long start;
	int error = read_stat(ctx, pid, STAT_STARTTIME, &start);

	if (error == 0)
		snprintf(ret, NQ_THREAD_KEY, "%u@%llu", pid, start);
	return error;
}

/* The pid of a key, when that very process still lives. */
static int pid_of(struct nq_setting_ctx *ctx, const char *key, uint32_t *ret)
{
	char alive[NQ_THREAD_KEY], rest;
	unsigned long long start;
	uint32_t pid;
	int error;

	if (sscanf(key, "%u@%llu%c", &pid, &start, &rest) != 2 || pid == 0)
		return -EINVAL;
	error = nq_thread_key(ctx, pid, alive);
	if (error < 0)
		return error;
	if (strcmp(alive, key) != 0)
		return -ENODEV;
	*ret = pid;
	return 0;
}

/* Threads of a process, each with its present affinity. */
static int list_tasks(struct nq_setting_ctx *ctx, uint32_t pid, struct affinity *ret)
{
	__attribute__((cleanup(close_dir))) DIR *dir = NULL;
	char path[THREAD_PATH];
	struct dirent *entry;
	int fd, error = 0;

	snprintf(path, sizeof(path), "proc/%u/task", pid);
	fd = openat(ctx->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (error == 0 && (entry = readdir(dir))) {
		struct nq_cpumask mask = {};
		uint32_t tid = (uint32_t)strtoul(entry->d_name, NULL, 10);

		if (tid == 0)
			continue;
		if (sched_getaffinity((pid_t)tid, sizeof(mask), (cpu_set_t *)&mask) == 0)
			error = add_task(ret, tid, &mask);
		else if (errno != ESRCH)
			error = -errno;
	}
	return error;
}

static int format(uint32_t pid, const struct affinity *present, char ret[NQ_SETTING_TEXT])
{
	const struct task *main_task = find_task(present, pid);
	int error;
	size_t i, used;

	if (!main_task)
		return -ENODEV;
	error = nq_cpulist_format(&main_task->mask, ret, NQ_SETTING_TEXT);
	for (i = 0; error == 0 && i < present->n_tasks; i++) {
		const struct task *task = &present->tasks[i];

		if (nq_cpumask_equal(&task->mask, &main_task->mask))
			continue;
		used = strlen(ret);
		used += (size_t)snprintf(ret + used, NQ_SETTING_TEXT - used, " %u=", task->tid);
		if (used >= NQ_SETTING_TEXT)
			return -ENAMETOOLONG;
		error = nq_cpulist_format(&task->mask, ret + used, NQ_SETTING_TEXT - used);
	}
	return error;
}

static int thread_read(struct nq_setting_ctx *ctx, const char *key, char ret[NQ_SETTING_TEXT])
{
	__attribute__((cleanup(clear_affinity))) struct affinity present = {};
	uint32_t pid;
	int error = pid_of(ctx, key, &pid);

	if (error == 0)
		error = list_tasks(ctx, pid, &present);
	if (error == 0)
		error = format(pid, &present, ret);
	if (error == -ENAMETOOLONG)
		return nq_setting_why(ctx, -EOPNOTSUPP, "its threads have too many different affinities to be noted");
	return error;
}

static int thread_probe(struct nq_setting_ctx *ctx, const char *key)
{
	unsigned long long flags;
	uint32_t pid;
	int error = pid_of(ctx, key, &pid);

	if (error == 0)
		error = read_stat(ctx, pid, STAT_FLAGS, &flags);
	if (error == 0 && (flags & PF_NO_SETAFFINITY))
		return nq_setting_why(ctx, -EOPNOTSUPP, "the kernel binds this thread to its CPU");
	return error;
}

static int parse_exception(const char *word, struct affinity *affinity)
{
	struct nq_cpumask mask;
	uint32_t tid;
	int used = 0;

	if (sscanf(word, "%u=%n", &tid, &used) != 1 || used == 0 || nq_cpulist_parse(word + used, &mask) < 0)
		return -EINVAL;
	return add_task(affinity, tid, &mask);
}

/* ret must be empty; the caller clears it, also on failure. */
static int parse(const char *value, struct affinity *ret)
{
	char text[NQ_SETTING_TEXT], *word, *rest;
	int error;

	if (strlen(value) >= sizeof(text))
		return -ENAMETOOLONG;
	strcpy(text, value);
	word = strtok_r(text, " ", &rest);
	error = word ? nq_cpulist_parse(word, &ret->base) : -EINVAL;
	while (error == 0 && (word = strtok_r(NULL, " ", &rest)))
		error = parse_exception(word, ret);
	return error;
}

static int set_task(uint32_t tid, const struct nq_cpumask *mask)
{
	if (sched_setaffinity((pid_t)tid, sizeof(*mask), (const cpu_set_t *)mask) == 0 || errno == ESRCH)
		return 0;
	return -errno;
}

/* Sets every thread that is not in `done` and notes it there. */
static int pass(struct nq_setting_ctx *ctx, uint32_t pid, const struct affinity *wanted, struct affinity *done)
{
	__attribute__((cleanup(clear_affinity))) struct affinity present = {};
	int error = list_tasks(ctx, pid, &present);
	size_t i;

	for (i = 0; error == 0 && i < present.n_tasks; i++) {
		const struct task *task = &present.tasks[i];

		if (find_task(done, task->tid))
			continue;
		error = set_task(task->tid, mask_of(wanted, task->tid));
		if (error == 0)
			error = add_task(done, task->tid, &task->mask); /* its former mask, for take_back() */
	}
	return error;
}

static void take_back(const struct affinity *done)
{
	size_t i;

	for (i = 0; i < done->n_tasks; i++)
		set_task(done->tasks[i].tid, &done->tasks[i].mask);
}

static int set_all(struct nq_setting_ctx *ctx, uint32_t pid, const struct affinity *wanted)
{
	__attribute__((cleanup(clear_affinity))) struct affinity done = {};
	size_t before;
	int error, i;

	for (i = 0; i < PASSES_MAX; i++) {
		before = done.n_tasks;
		error = pass(ctx, pid, wanted, &done);
		if (error < 0)
			break;
		if (done.n_tasks == before)
			return 0;
	}
	take_back(&done);
	return i == PASSES_MAX ? -EAGAIN : error;
}

static int thread_write(struct nq_setting_ctx *ctx, const char *key, const char *value)
{
	__attribute__((cleanup(clear_affinity))) struct affinity wanted = {};
	uint32_t pid;
	int error = parse(value, &wanted);

	if (error == 0)
		error = pid_of(ctx, key, &pid);
	if (error == 0)
		error = set_all(ctx, pid, &wanted);
	if (error == -EINVAL)
		return nq_setting_why(ctx, error, "the kernel binds a thread, or its cpuset allows none of the CPUs");
	return error;
}

static bool task_lives(struct nq_setting_ctx *ctx, uint32_t pid, uint32_t tid)
{
	char path[THREAD_PATH];

	snprintf(path, sizeof(path), "proc/%u/task/%u", pid, tid);
	return faccessat(ctx->root, path, F_OK, 0) == 0;
}

/* Has every living thread named in `a` the same mask in `b`? */
static bool covered(struct nq_setting_ctx *ctx, uint32_t pid, const struct affinity *a, const struct affinity *b)
{
	size_t i;

	for (i = 0; i < a->n_tasks; i++)
		if (!nq_cpumask_equal(&a->tasks[i].mask, mask_of(b, a->tasks[i].tid)) &&
		    task_lives(ctx, pid, a->tasks[i].tid))
			return false;
	return true;
}

static bool thread_same(struct nq_setting_ctx *ctx, const char *key, const char *a, const char *b)
{
	__attribute__((cleanup(clear_affinity))) struct affinity one = {}, two = {};
	uint32_t pid = (uint32_t)strtoul(key, NULL, 10);

	return parse(a, &one) == 0 && parse(b, &two) == 0 && nq_cpumask_equal(&one.base, &two.base) &&
	       covered(ctx, pid, &one, &two) && covered(ctx, pid, &two, &one);
}

static bool either(const struct nq_cpumask *mask, uint32_t tid, const struct affinity *from, const struct affinity *to)
{
	return nq_cpumask_equal(mask, mask_of(from, tid)) || nq_cpumask_equal(mask, mask_of(to, tid));
}

static bool thread_between(struct nq_setting_ctx *ctx, const char *present, const char *from, const char *to)
{
	__attribute__((cleanup(clear_affinity))) struct affinity now = {}, one = {}, two = {};
	size_t i;

	(void)ctx;
	if (parse(present, &now) < 0 || parse(from, &one) < 0 || parse(to, &two) < 0)
		return false;
	/* 0 is nobody's thread: what the values say of the rest */
	if (!either(&now.base, 0, &one, &two))
		return false;
	for (i = 0; i < now.n_tasks; i++)
		if (!either(&now.tasks[i].mask, now.tasks[i].tid, &one, &two))
			return false;
	return true;
}

const struct nq_setting_kind nq_set_thread = {
	.name = "thread",
	.probe = thread_probe,
	.read = thread_read,
	.write = thread_write,
	.same = thread_same,
	.between = thread_between,
};
