/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threaded NAPI of an interface: its queues are served by kthreads napi/<interface>-<id>, which can be moved. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/set_kinds.h"

#define THREADED_PATH 64

static int path_of(struct nq_setting_ctx *ctx, const char *key, char ret[THREADED_PATH])
{
	int error = nq_setting_interface_exists(ctx, key);

	if (error == 0)
		snprintf(ret, THREADED_PATH, "sys/class/net/%s/threaded", key);
	return error;
}

static int threaded_probe(struct nq_setting_ctx *ctx, const char *key)
{
	char path[THREADED_PATH];
	int error = path_of(ctx, key, path);

	if (error == 0)
		error = nq_setting_check_file(ctx, path);
	if (error == -ENOENT)
		return nq_setting_why(ctx, -EOPNOTSUPP, "this kernel has no threaded NAPI");
	return error;
}

static int threaded_read(struct nq_setting_ctx *ctx, const char *key, char ret[NQ_SETTING_TEXT])
{
	char path[THREADED_PATH];
	int error = path_of(ctx, key, path);

	if (error == 0)
		error = nq_setting_read_file(ctx, path, ret, NQ_SETTING_TEXT);
	return error == -ENOENT ? -EOPNOTSUPP : error;
}

static int threaded_write(struct nq_setting_ctx *ctx, const char *key, const char *value)
{
	char path[THREADED_PATH];
	int error = path_of(ctx, key, path);

	if (error == 0 && strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
		return nq_setting_why(ctx, -EINVAL, "found \"%s\"; allowed: 0, 1", value);
	if (error == 0)
		error = nq_setting_write_file(ctx, path, value);
	if (error == -EOPNOTSUPP)
		return nq_setting_why(ctx, error, "the driver has no NAPI to thread");
	return error;
}

const struct nq_setting_kind nq_set_threaded = {
	.name = "threaded",
	.probe = threaded_probe,
	.read = threaded_read,
	.write = threaded_write,
};
