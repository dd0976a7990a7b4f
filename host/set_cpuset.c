/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CPUs and memory nodes of a cgroup (v2): "CPUs;nodes", each "" when inherited from the parent.
 *
 * CPUs and nodes belong together (never the vCPUs without their memory), but the kernel has a file for each. So
 * a change of both is two writes, CPUs first: the threads are to be where their memory is going, and of the two
 * it is the cheap one to undo. The applier notes each write by itself (via) and undoes the first when the
 * second fails.
 *
 * The way back to "inherited" goes through host/aside.h, and a cgroup for which that way is closed does not get a
 * cpuset in the first place (probe).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/aside.h"
#include "host/cleanup.h"
#include "host/cpulist.h"
#include "host/set_kinds.h"

#define MOUNTS_MAX 65536
#define CPUSET_PATH (NQ_SETTING_KEY + 256)

/* Before the value of a cgroup whose processes a killed nearq left aside. */
#define ASIDE "aside "

struct parts {
	char cpus[NQ_SETTING_TEXT / 2];
	char mems[NQ_SETTING_TEXT / 2];
};

static int split(const char *value, struct parts *ret)
{
	const char *semicolon = strchr(value, ';');

	if (!semicolon)
		return -EINVAL;
	if ((size_t)(semicolon - value) >= sizeof(ret->cpus) || strlen(semicolon + 1) >= sizeof(ret->mems))
		return -ENAMETOOLONG;
	memcpy(ret->cpus, value, (size_t)(semicolon - value));
	ret->cpus[semicolon - value] = '\0';
	strcpy(ret->mems, semicolon + 1);
	return 0;
}

static int join(const char *cpus, const char *mems, char ret[NQ_SETTING_TEXT])
{
	return snprintf(ret, NQ_SETTING_TEXT, "%s;%s", cpus, mems) >= NQ_SETTING_TEXT ? -ENAMETOOLONG : 0;
}

/* Where cgroup v2 is mounted, relative to the root: not always sys/fs/cgroup (hybrid hosts). */
static int mount_point(struct nq_setting_ctx *ctx, char *ret, size_t size)
{
	NQ_FREE char *mounts = malloc(MOUNTS_MAX);
	char *line, *rest;
	int error;

	if (!mounts)
		return -ENOMEM;
	error = nq_setting_read_file(ctx, "proc/self/mounts", mounts, MOUNTS_MAX);
	if (error < 0)
		return error;
	for (line = strtok_r(mounts, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char place[256], type[32];

		if (sscanf(line, "%*s /%255s %31s", place, type) == 2 && strcmp(type, "cgroup2") == 0)
			return snprintf(ret, size, "%s", place) >= (int)size ? -ENAMETOOLONG : 0;
	}
	return nq_setting_why(ctx, -EOPNOTSUPP, "no cgroup v2 is mounted");
}

static int path_of(struct nq_setting_ctx *ctx, const char *key, const char *file, char ret[CPUSET_PATH])
{
	const char *cgroup = key[0] == '/' ? key + 1 : key;
	char mount[256];
	int error;

	if (!cgroup[0] || strncmp(cgroup, "../", 3) == 0 || strstr(cgroup, "/../"))
		return -EINVAL;
	error = mount_point(ctx, mount, sizeof(mount));
	if (error == 0 && snprintf(ret, CPUSET_PATH, "%s/%s/%s", mount, cgroup, file) >= CPUSET_PATH)
		error = -ENAMETOOLONG;
	return error;
}

/* -ENODEV when the cgroup is gone, -EOPNOTSUPP when it is there without the file. */
static int find(struct nq_setting_ctx *ctx, const char *key, const char *file, char ret[CPUSET_PATH])
{
	int error = path_of(ctx, key, "cgroup.procs", ret);

	if (error == 0)
		error = nq_setting_check_file(ctx, ret);
	if (error == -ENOENT)
		return -ENODEV;
	if (error == 0)
		error = path_of(ctx, key, file, ret);
	if (error == 0)
		error = nq_setting_check_file(ctx, ret);
	if (error == -ENOENT)
		return nq_setting_why(ctx, -EOPNOTSUPP, "the cgroup has no cpuset controller");
	return error;
}

static int read_part(struct nq_setting_ctx *ctx, const char *key, const char *file, char *ret, size_t size)
{
	char path[CPUSET_PATH];
	int error = find(ctx, key, file, path);

	return error == 0 ? nq_setting_read_file(ctx, path, ret, size) : error;
}

static int directory_of(struct nq_setting_ctx *ctx, const char *key, char ret[CPUSET_PATH])
{
	int error = path_of(ctx, key, "", ret);

	if (error == 0)
		ret[strlen(ret) - 1] = '\0'; /* the slash before the file that is none */
	return error;
}

/* The whole value; marked when the processes were left aside. */
static int put_together(struct nq_setting_ctx *ctx, const char *key, const struct parts *parts,
			char ret[NQ_SETTING_TEXT])
{
	char dir[CPUSET_PATH];
	int error = directory_of(ctx, key, dir);

	if (error < 0)
		return error;
	return snprintf(ret, NQ_SETTING_TEXT, "%s%s;%s", nq_aside_left(ctx, dir) ? ASIDE : "", parts->cpus,
			parts->mems) >= NQ_SETTING_TEXT
		       ? -ENAMETOOLONG
		       : 0;
}

static int cpuset_read(struct nq_setting_ctx *ctx, const char *key, char ret[NQ_SETTING_TEXT])
{
	struct parts parts;
	int error = read_part(ctx, key, "cpuset.cpus", parts.cpus, sizeof(parts.cpus));

	if (error == 0)
		error = read_part(ctx, key, "cpuset.mems", parts.mems, sizeof(parts.mems));
	return error == 0 ? put_together(ctx, key, &parts, ret) : error;
}

/* What is inherited now must be able to become so again. */
static int probe_part(struct nq_setting_ctx *ctx, const char *key, const char *file)
{
	char path[CPUSET_PATH], present[NQ_SETTING_TEXT];
	int error = find(ctx, key, file, path);

	if (error == 0)
		error = nq_setting_read_file(ctx, path, present, sizeof(present));
	if (error < 0 || present[0])
		return error;
	error = directory_of(ctx, key, path);
	return error == 0 ? nq_aside_possible(ctx, path) : error;
}

static int cpuset_probe(struct nq_setting_ctx *ctx, const char *key)
{
	int error = probe_part(ctx, key, "cpuset.cpus");

	return error == 0 ? probe_part(ctx, key, "cpuset.mems") : error;
}

static int clear_part(struct nq_setting_ctx *ctx, const char *key, const char *file)
{
	char dir[CPUSET_PATH];
	int error = directory_of(ctx, key, dir);

	return error == 0 ? nq_aside_clear(ctx, dir, file) : error;
}

static int write_part(struct nq_setting_ctx *ctx, const char *key, const char *file, const char *wanted)
{
	char path[CPUSET_PATH], present[NQ_SETTING_TEXT];
	int error = find(ctx, key, file, path);

	if (error == 0)
		error = nq_setting_read_file(ctx, path, present, sizeof(present));
	if (error < 0 || nq_cpulist_same(present, wanted))
		return error;
	error = nq_setting_write_file(ctx, path, wanted);
	if (error == -ENOSPC && !wanted[0])
		error = clear_part(ctx, key, file);
	if (error < 0 && !ctx->why[0])
		nq_setting_why(ctx, error, "%s refused \"%s\": %s", file, wanted, strerror(-error));
	return error == -ENOENT ? -ENODEV : error;
}

static int cpuset_write(struct nq_setting_ctx *ctx, const char *key, const char *value)
{
	struct parts parts;
	char dir[CPUSET_PATH];
	int error = split(value, &parts);

	if (error == 0)
		error = directory_of(ctx, key, dir);
	if (error == 0)
		error = nq_aside_return(ctx, dir);
	if (error == 0)
		error = write_part(ctx, key, "cpuset.cpus", parts.cpus);
	return error == 0 ? write_part(ctx, key, "cpuset.mems", parts.mems) : error;
}

static bool cpuset_same(struct nq_setting_ctx *ctx, const char *key, const char *a, const char *b)
{
	struct parts one, two;

	(void)ctx;
	(void)key;
	return split(a, &one) == 0 && split(b, &two) == 0 && nq_cpulist_same(one.cpus, two.cpus) &&
	       nq_cpulist_same(one.mems, two.mems);
}

static int cpuset_via(const char *present, const char *wanted, char ret[NQ_SETTING_TEXT])
{
	struct parts from, to;
	int error = split(present, &from);

	if (error == 0)
		error = split(wanted, &to);
	if (error < 0)
		return error;
	return join(to.cpus, nq_cpulist_same(from.cpus, to.cpus) ? to.mems : from.mems, ret);
}

static bool cpuset_between(struct nq_setting_ctx *ctx, const char *present, const char *from, const char *to)
{
	(void)ctx;
	(void)from;
	(void)to;
	return strncmp(present, ASIDE, strlen(ASIDE)) == 0;
}

const struct nq_setting_kind nq_set_cpuset = {
	.name = "cpuset",
	.probe = cpuset_probe,
	.read = cpuset_read,
	.write = cpuset_write,
	.same = cpuset_same,
	.via = cpuset_via,
	.between = cpuset_between,
};
