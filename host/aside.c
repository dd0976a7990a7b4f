/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "host/aside.h"
#include "host/cleanup.h"
#include "host/testpoint.h"

#define SUFFIX ".nearq"
#define PATH (NQ_SETTING_KEY + 320)
/*
 * Processes that fork while they are moved need another round. One that is ending stays where it is until it has given
 * back its memory (the kernel takes the request to move it and ignores it), so later rounds leave it some time. Those
 * that need more rounds than this are a fork bomb.
 */
#define ROUNDS_AT_ONCE 50
#define ROUNDS_MAX 1050
#define ROUND_NS 1000000

static const char *name_of(const char *dir)
{
	const char *slash = strrchr(dir, '/');

	return slash ? slash + 1 : dir;
}

static bool is_unit(const char *name)
{
	static const char *const kinds[] = { ".service", ".scope", ".slice", ".socket", ".mount", ".swap" };
	size_t length = strlen(name);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (length > strlen(kinds[i]) && strcmp(name + length - strlen(kinds[i]), kinds[i]) == 0)
			return true;
	return false;
}

static int file_in(const char *dir, const char *suffix, const char *file, char ret[PATH])
{
	return snprintf(ret, PATH, "%s%s%s%s", dir, suffix, file[0] ? "/" : "", file) >= PATH ? -ENAMETOOLONG : 0;
}

static int read_in(struct nq_setting_ctx *ctx, const char *dir, const char *file, char *ret, size_t size)
{
	char path[PATH];
	int error = file_in(dir, "", file, path);

	return error == 0 ? nq_setting_read_file(ctx, path, ret, size) : error;
}

int nq_aside_possible(struct nq_setting_ctx *ctx, const char *dir)
{
	char text[512];
	unsigned int descendants = 0;

	if (is_unit(name_of(dir)))
		return nq_setting_why(
			ctx, -EOPNOTSUPP,
			"its cpuset is inherited, and could not be emptied again: %.64s is a unit of systemd",
			name_of(dir));
	if (read_in(ctx, dir, "cgroup.stat", text, sizeof(text)) == 0)
		sscanf(text, "nr_descendants %u", &descendants);
	if (descendants > 0 || read_in(ctx, dir, "cgroup.type", text, sizeof(text)) < 0 || strcmp(text, "domain") != 0)
		return nq_setting_why(ctx, -EOPNOTSUPP,
				      "its cpuset is inherited, and could not be emptied again: it has cgroups inside");
	return 0;
}

bool nq_aside_left(struct nq_setting_ctx *ctx, const char *dir)
{
	char path[PATH];

	return file_in(dir, SUFFIX, "", path) == 0 && nq_setting_check_file(ctx, path) == 0;
}

/* Every process of one list, once. Those that end meanwhile need not move. */
static int move_listed(struct nq_setting_ctx *ctx, char *list, const char *to)
{
	char *pid, *rest;
	int error = 0;

	for (pid = strtok_r(list, "\n", &rest); pid && error == 0; pid = strtok_r(NULL, "\n", &rest)) {
		error = nq_setting_write_file(ctx, to, pid);
		if (error == -ESRCH)
			error = 0;
	}
	return error;
}

static void wait_before(int round)
{
	static const struct timespec pause = { .tv_nsec = ROUND_NS };

	if (round >= ROUNDS_AT_ONCE)
		nanosleep(&pause, NULL);
}

/* From one cgroup.procs to another, until the first is empty. */
static int move_all(struct nq_setting_ctx *ctx, const char *from, const char *to)
{
	NQ_FREE char *list = malloc(NQ_SETTING_TEXT);
	int error = list ? 0 : -ENOMEM;

	for (int i = 0; error == 0 && i < ROUNDS_MAX; i++) {
		wait_before(i);
		error = nq_setting_read_file(ctx, from, list, NQ_SETTING_TEXT);
		if (error == 0 && !list[0])
			return 0;
		if (error == 0)
			error = move_listed(ctx, list, to);
	}
	return error < 0 ? error : -EBUSY;
}

int nq_aside_return(struct nq_setting_ctx *ctx, const char *dir)
{
	char from[PATH], to[PATH];
	int error;

	if (!nq_aside_left(ctx, dir))
		return 0;
	error = file_in(dir, SUFFIX, "cgroup.procs", from);
	if (error == 0)
		error = file_in(dir, "", "cgroup.procs", to);
	if (error == 0)
		error = move_all(ctx, from, to);
	if (error == 0)
		error = file_in(dir, SUFFIX, "", from);
	if (error == 0 && unlinkat(ctx->root, from, AT_REMOVEDIR) < 0)
		error = -errno;
	return error;
}

static int step_aside(struct nq_setting_ctx *ctx, const char *dir)
{
	char from[PATH], to[PATH];
	int error = file_in(dir, SUFFIX, "", to);

	if (error == 0)
		error = nq_test_point();
	if (error == 0 && mkdirat(ctx->root, to, 0755) < 0)
		error = -errno;
	if (error == 0)
		error = file_in(dir, SUFFIX, "cgroup.procs", to);
	if (error == 0)
		error = file_in(dir, "", "cgroup.procs", from);
	if (error == 0)
		error = nq_test_point();
	return error == 0 ? move_all(ctx, from, to) : error;
}

int nq_aside_clear(struct nq_setting_ctx *ctx, const char *dir, const char *file)
{
	char path[PATH];
	int error = nq_aside_possible(ctx, dir), returned;

	if (error == 0)
		error = file_in(dir, "", file, path);
	if (error < 0)
		return error;
	error = step_aside(ctx, dir);
	if (error == 0)
		error = nq_test_point();
	if (error == 0)
		error = nq_setting_write_file(ctx, path, "");
	if (error == 0)
		error = nq_test_point();
	returned = nq_aside_return(ctx, dir);
	return error < 0 ? error : returned;
}
